"""Load, resample, check, play and mix audio. Waveforms are float32 arrays in [-1, 1]."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np


class _Unclosed(io.FileIO):
    """A WAV file whose writer left the sizes in its header at 0: read as one that goes on to the file's end."""

    def __init__(self, path, size_at: int):
        super().__init__(path)
        self.places = {*range(4, 8), *range(size_at, size_at + 4)}

    def readinto(self, buffer) -> int:
        start, count = self.tell(), super().readinto(buffer)
        for place in self.places:
            if start <= place < start + count:
                memoryview(buffer).cast("B")[place - start] = 0xFF
        return count


def _unclosed(path: Path) -> int | None:
    """Return where the size of a WAV file's samples stands, if that size is 0 and samples follow all the same."""
    with path.open("rb") as file:
        riff = file.read(12)
        if riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
            return None
        while len(head := file.read(8)) == 8:
            size = int.from_bytes(head[4:], "little")
            if head[:4] == b"data":
                return file.tell() - 4 if not size and path.stat().st_size > file.tell() else None
            file.seek(size + size % 2, 1)
    return None


def _broken(path, seconds: float) -> ValueError:
    what = "cannot be read to its end"
    if seconds:
        what = f"breaks off before the end of the {seconds:.2f} s that it promises"
    return ValueError(f"{str(path)!r} {what}: download, copy or save it again.")


@contextlib.contextmanager
def _open(path):
    """Open a ``soundfile.SoundFile``, or say in one sentence what is wrong with the file.

    What the header of WAV, AIFF and the like promises is compared with what is there. A writer that cannot go back to
    the header (a pipe) promises nothing, or 2 GB and more; it is taken to go on to the file's end.
    """
    import soundfile

    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder: name one audio file in it.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}: check the name; the working folder is {Path.cwd()}.")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise ValueError(f"{str(path)!r} is empty, 0 bytes: download, copy or save it again.")
    if start[4:] == b"ftyp" or start[:4] == b"\x1a\x45\xdf\xa3":
        kind = "MPEG-4 (m4a, mp4)" if start[4:] == b"ftyp" else "WebM or Matroska"
        raise ValueError(
            f"{str(path)!r} is {kind}, which libsndfile does not read: convert it to WAV or FLAC, "
            "for instance with Audacity or ffmpeg."
        )
    with contextlib.ExitStack() as opened:
        size_at = _unclosed(path)
        source = opened.enter_context(_Unclosed(path, size_at)) if size_at else path  # which soundfile does not close
        try:
            file = opened.enter_context(soundfile.SoundFile(source))
        except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name that ends in .raw
            raise ValueError(
                f"{str(path)!r} is not audio that can be read: save it as WAV or FLAC and try again."
            ) from error
        sizes = r"(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)"  # of WAV, AIFF, AU, W64, RF64
        for promised, present in re.findall(sizes, file.extra_info):
            if 0 < int(present) < int(promised) - 64 and int(promised) < 0x7FFFF000:
                raise _broken(path, file.frames / file.samplerate * int(promised) / int(present))
        yield file


def _read(file, path, n_frames: int):
    """Yield a ``soundfile.SoundFile`` in blocks of shape (n_frames, n_channels), and complain if it breaks off."""
    import soundfile

    count, promised = 0, file.frames if file.frames < 1 << 62 else 0  # more is libsndfile's "unknown"
    file.seekable = lambda: False  # soundfile seeks after each block, which puts a click into MP3
    try:
        while len(block := file.read(n_frames, dtype="float32", always_2d=True)):
            count += len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise _broken(path, promised / file.samplerate) from error
    if not count:
        raise ValueError(f"{str(path)!r} holds no audio at all, 0 samples: record or save it again.")
    if promised - count > 0.01 * promised + 0.1 * file.samplerate:
        raise _broken(path, promised / file.samplerate)


def load(path, sample_rate: int) -> np.ndarray:
    """Read an audio file as one channel at the wanted sample rate.

    Parameters
    ----------
    path : str or Path
        A file that libsndfile reads (WAV, FLAC, Ogg, MP3, ...).
    sample_rate : int
        Samples per second of the result, in Hz. Channels are averaged, then the audio is resampled with soxr.

    Returns
    -------
    ndarray, shape (n_samples,)
        The waveform, float32.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the file is empty, breaks off, or is no audio that libsndfile can read.

    Notebook: 01_audio_tagging, 02_yamnet
    """
    import soxr

    with _open(path) as file:
        file_rate = file.samplerate
        waveform = np.concatenate([block.mean(axis=1) for block in _read(file, path, 1 << 20)])
    if file_rate != sample_rate:
        waveform = soxr.resample(waveform, file_rate, sample_rate)
        if not len(waveform):
            raise ValueError(f"{str(path)!r} is too short, nothing is left of it at {sample_rate} Hz: record it again.")
    return waveform


def stream(path, seconds: float = 10.0):
    """Open an audio file that may be too long to be read at once.

    Parameters
    ----------
    path : str or Path
        As for :func:`load`.
    seconds : float
        Length of a block.

    Returns
    -------
    sample_rate, channels : int
        As the file has them.
    duration : float
        What the file promises, in seconds; NaN if it does not say.
    blocks : iterator of ndarray, shape (n_samples, channels)
        Float32.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError
        As :func:`load`; some faults show only when the blocks are read.
    """

    def blocks():
        with _open(path) as file:
            yield from _read(file, path, max(1, round(seconds * file.samplerate)))

    with _open(path) as file:
        duration = file.frames / file.samplerate if file.frames < 1 << 62 else np.nan
        return file.samplerate, file.channels, duration, blocks()


def resample_blocks(blocks, from_rate: int, to_rate: int):
    """Yield blocks of shape (n_samples, channels) as one channel at another rate, seamlessly: float32, (n_samples,)."""
    import soxr

    resampler = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block.mean(axis=1))
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def check_waveform(waveform, sample_rate: int, min_seconds: float = 0.0) -> np.ndarray:
    """Return the waveform as float32 of shape (n_samples,), or say what is wrong with it.

    Parameters
    ----------
    waveform : array_like, shape (n_samples,)
        Samples in [-1, 1].
    sample_rate : int
        Samples per second, in Hz; used in the messages and for ``min_seconds``.
    min_seconds : float
        The shortest duration that is accepted, in seconds.

    Raises
    ------
    TypeError
        If the samples are integers.
    ValueError
        If the waveform is empty, too short, not one channel, not finite, or far outside [-1, 1].

    Notebook: 01_audio_tagging
    """
    waveform = np.asarray(waveform)
    if waveform.ndim != 1:
        raise ValueError(
            f"Expected one channel, shape (n_samples,), got shape {waveform.shape}. "
            "Average the channels first, or read the file with course_utils.audio.load."
        )
    if waveform.dtype.kind in "iu":
        raise TypeError(
            f"Expected floating-point samples in [-1, 1], got {waveform.dtype}. "
            "Divide 16-bit samples by 32768, or read the file with course_utils.audio.load."
        )
    seconds = len(waveform) / sample_rate
    if not len(waveform):
        raise ValueError("The waveform is empty: there is nothing to analyse.")
    if seconds < min_seconds:
        raise ValueError(
            f"The waveform lasts {seconds:.2f} s at {sample_rate} Hz; this model needs at least {min_seconds:g} s. "
            "Use a longer clip, or append zeros."
        )
    if not np.isfinite(waveform).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(waveform))} samples are NaN or infinite. "
            "Replace them (numpy.nan_to_num) or take another clip."
        )
    if (peak := np.abs(waveform).max()) > 8:
        raise ValueError(f"The largest sample is {peak:.4g}, far outside [-1, 1]. Divide 16-bit samples by 32768.")
    return waveform.astype(np.float32, copy=False)


def normalise_peak(waveform: np.ndarray) -> np.ndarray:
    """Scale a waveform, shape (n_samples,), so that its largest absolute sample is 1; silence stays silence.

    Notebook: 04_sound_event_detection
    """
    peak = np.abs(waveform).max()
    return waveform / peak if peak > 0 else waveform


def level(waveform: np.ndarray, sample_rate: int) -> float:
    """Return the A-weighted level of a waveform, in dB: -3 for a sine of 1 kHz and full scale.

    The A-weighting turns frequencies down to which the ear is less sensitive, so that levels of different sounds
    compare roughly as they are heard.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
        Samples in [-1, 1].
    sample_rate : int
        In Hz.

    Source: IEC 61672-1, by ``librosa.A_weighting``.

    Notebook: 04_sound_event_detection
    """
    import librosa

    n_fft = 1024
    waveform = np.pad(waveform, (0, max(0, n_fft - len(waveform))))
    power = np.abs(librosa.stft(waveform, n_fft=n_fft, pad_mode="reflect"))[1:] ** 2  # without 0 Hz, which nobody hears
    weights = librosa.db_to_power(librosa.A_weighting(librosa.fft_frequencies(sr=sample_rate, n_fft=n_fft)[1:]))
    window = librosa.filters.get_window("hann", n_fft)
    mean_square = 2 * (weights @ power).mean() / (n_fft * np.sum(window**2))
    return float(10 * np.log10(max(mean_square, 1e-12)))


def active_part(waveform: np.ndarray, sample_rate: int, below: float = 20.0, pause: float = 0.3) -> tuple[float, float]:
    """Find where a clip's sound is: the stretch with the most energy in which no pause is longer than ``pause``.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
        The clip.
    sample_rate : int
        In Hz.
    below : float
        What is this many dB below the loudest 512 samples counts as pause.
    pause : float
        In seconds.

    Returns
    -------
    (float, float)
        Begin and end in seconds. Of a clip of digital silence, the whole clip.
    """
    import librosa

    parts = librosa.effects.split(waveform, top_db=below, frame_length=512, hop_length=128)
    joined = [list(parts[0])] if len(parts) else [[0, len(waveform)]]
    for start, stop in parts[1:]:
        if start - joined[-1][1] <= pause * sample_rate:
            joined[-1][1] = stop
        else:
            joined.append([start, stop])
    start, stop = max(joined, key=lambda part: float(np.sum(np.square(waveform[slice(*part)]))))
    return start / sample_rate, stop / sample_rate


def mix(background: np.ndarray, events, sample_rate: int) -> np.ndarray:
    """Add events to a background.

    Parameters
    ----------
    background : ndarray, shape (n_samples,)
        What sounds all the time; its length is the length of the mixture.
    events : iterable of (ndarray, float)
        Waveform and onset in seconds of each event; what runs past the end of the background is cut.
    sample_rate : int
        Samples per second of everything, in Hz.

    Returns
    -------
    ndarray, shape (n_samples,)
        The mixture, float32.

    Raises
    ------
    ValueError
        If an onset lies outside the background.

    Notebook: 04_sound_event_detection
    """
    mixture = np.array(background, dtype=np.float32)
    for waveform, onset in events:
        start = round(onset * sample_rate)
        if not 0 <= start < len(mixture):
            raise ValueError(f"Onset {onset} s lies outside the background of {len(mixture) / sample_rate:.2f} s.")
        stop = min(start + len(waveform), len(mixture))
        mixture[start:stop] += waveform[: stop - start]
    return mixture


def play(waveform: np.ndarray | None, sample_rate: int, label: str = "audio"):
    """Return a player for notebooks, exported pages and slides.

    The clip is stored once, as MP3, which every browser plays; a WAV of the same clip takes ten times the room.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,), or None
        Samples in [-1, 1]; louder clips are scaled down to fit. None where the audio is not at hand: then a line says
        how to get it.
    sample_rate : int
        Samples per second, in Hz. What MP3 does not know is played at 48 kHz.
    label : str
        What the clip is, for screen readers and as its caption.

    Returns
    -------
    IPython.display.HTML

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 04_sound_event_detection
    """
    import base64
    import html

    import soundfile
    import soxr
    from IPython.display import HTML

    label = html.escape(label, quote=True)
    if waveform is None:
        return HTML(
            f"<p>{label}: the course does not ship this recording. "
            "The table at the top of the notebook says how to get it.</p>"
        )
    waveform = check_waveform(waveform, sample_rate)
    if sample_rate not in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000):
        waveform, sample_rate = soxr.resample(waveform, sample_rate, 48000), 48000
    waveform = waveform / max(1.0, np.abs(waveform).max())
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform, sample_rate, format="MP3")
    data = base64.b64encode(buffer.getvalue()).decode()
    return HTML(
        f'<figure style="margin:0"><audio controls aria-label="{label}" src="data:audio/mpeg;base64,{data}"></audio>'
        f"<figcaption>{label}</figcaption></figure>"
    )

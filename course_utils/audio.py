"""Load, resample, check, play and mix audio. Waveforms are float32 arrays in [-1, 1]."""

import base64
import html
import io
import mmap
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

if TYPE_CHECKING:
    from IPython.display import HTML

_UNREADABLE = {  # what we say of a file that libsndfile does not open, by its first eight bytes
    b"": "is empty, 0 bytes. Download, copy or save it again.",
    b"....ftyp": "is MPEG-4 (m4a, mp4). Convert it to WAV or FLAC, for instance with Audacity or ffmpeg.",
    b"\x1a\x45\xdf\xa3.*": "is WebM or Matroska. Convert it to WAV or FLAC, for instance with Audacity or ffmpeg.",
    b".*": "is not audio that can be read. Save it as WAV or FLAC and try again.",
}
_DIVIDE = "Divide 16-bit samples by 32768, or read the file with course_utils.audio.load."


@dataclass(frozen=True, eq=False)
class Clip:
    """A sound with a name, whose samples may or may not be here.

    Attributes
    ----------
    name : str
        For instance the name of its file.
    path : Path or None
        The file that holds its samples.
    waveform : ndarray, shape (n_samples,), or None
        Its samples, in [-1, 1]; they take precedence over those of ``path``.
    sample_rate : int
        Of ``waveform``, in Hz.
    stored : str or None
        The name under which the course ships its features; None for your own sounds.
    """

    name: str
    path: Path | None = None
    waveform: np.ndarray | None = None
    sample_rate: int = 16000
    stored: str | None = None

    @property
    def has_audio(self) -> bool:
        """Whether its samples are available here."""
        return self.waveform is not None or self.path is not None

    def load(self, sample_rate: int) -> np.ndarray | None:
        """Return the samples at a sample rate in Hz, float32 of shape (n_samples,); None if there is no audio here.

        Raises
        ------
        FileNotFoundError, IsADirectoryError, ValueError
            If the file cannot be read, as for :func:`load`.
        TypeError, ValueError
            If :func:`check_waveform` refuses the samples; the message begins with the clip's path or name.
        """
        if not self.has_audio:
            return None
        rate = sample_rate if self.waveform is None else self.sample_rate
        samples = load(self.path, rate) if self.waveform is None else self.waveform
        try:
            return check_waveform(soxr.resample(check_waveform(samples, rate), rate, sample_rate), sample_rate)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.path or self.name}: {error}") from None


def _broken(path: str | Path, seconds: float) -> ValueError:
    what = f"breaks off before the end of the {seconds:.2f} s it promises" if seconds else "cannot be read to its end"
    return ValueError(f"{str(path)!r} {what}. Download, copy or save it again.")


def opened(path: str | Path) -> soundfile.SoundFile:
    """Open an audio file for :func:`blocks_of`, or say what is wrong with it.

    The header of WAV, AIFF and the like promises a length, which is compared with the file. A writer that can't go back
    to the header, such as a pipe, promises nothing, or 2 GB and more. Then the audio lasts until the file ends.
    """
    if (path := Path(path)).is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder. Name one audio file in it.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}. Check the name; the working folder is {Path.cwd()}.")
    with path.open("rb") as raw:
        head, source = raw.read(1 << 16), path
        if (found := re.match(b"RIFF....WAVE.*?data(....).", head, re.DOTALL)) and found[1] == bytes(4):
            source = mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_COPY)
            source[slice(*found.span(1))] = min(len(source) - found.end(1), 0xFFFFFFFF).to_bytes(4, "little")
    try:
        file = soundfile.SoundFile(source)
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name that ends in .raw
        what = next(what for start, what in _UNREADABLE.items() if re.fullmatch(start, head[:8], re.DOTALL))
        raise ValueError(f"{str(path)!r} {what}") from error
    # libsndfile's words for WAV, CAF and W64 (data), AIFF (SSND), AU and RF64 (size), W64 (riff)
    for promised, present in re.findall(r"(?:data|SSND|[Ss]ize|riff) *: (\d+) \(should be (\d+)\)", file.extra_info):
        if 0 < int(present) < int(promised) - 64 and int(promised) < 0x7FFFF000:
            file.close()
            raise _broken(path, file.frames / file.samplerate * int(promised) / int(present))
    return file


def blocks_of(file: soundfile.SoundFile, path: str | Path, n_frames: int) -> Iterator[np.ndarray]:
    """Yield an :func:`opened` file in blocks of shape (n_frames, n_channels); raise an error if it breaks off."""
    count, promised = 0, file.frames if file.frames < 1 << 62 else 0  # more is libsndfile's "unknown"
    file.seekable = lambda: False  # soundfile seeks after each block, which puts a click into MP3
    try:
        while len(block := file.read(n_frames, dtype="float32", always_2d=True)):
            count += len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise _broken(path, promised / file.samplerate) from error
    if not count:
        raise ValueError(f"{str(path)!r} holds no audio at all, 0 samples. Record or save it again.")
    if promised - count > 0.01 * promised + 0.1 * file.samplerate:
        raise _broken(path, promised / file.samplerate)


def load(path: str | Path, sample_rate: int) -> np.ndarray:
    """Read an audio file as one channel, at the sample rate that you want.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 07_distillation

    Parameters
    ----------
    path : str or Path
        A file that libsndfile reads (WAV, FLAC, Ogg, MP3, ...).
    sample_rate : int
        Samples per second of the result, in Hz. Channels are averaged, and then soxr resamples the audio.

    Returns
    -------
    ndarray, shape (n_samples,)
        The waveform, float32.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the file is empty, breaks off, or is not audio that libsndfile can read.
    """
    with opened(path) as file:
        waveform = np.concatenate([block.mean(axis=1) for block in blocks_of(file, path, 1 << 20)])
    if not len(waveform := soxr.resample(waveform, file.samplerate, sample_rate)):
        raise ValueError(f"{str(path)!r} is too short: nothing is left of it at {sample_rate} Hz. Record it again.")
    return waveform


def floating(samples: np.ndarray) -> np.ndarray:
    """Return samples as an array, or raise TypeError if they are not floating-point numbers."""
    if (samples := np.asarray(samples)).dtype.kind != "f":
        raise TypeError(f"Expected floating-point samples in [-1, 1], got {samples.dtype}. {_DIVIDE}")
    return samples


def check_waveform(waveform: np.ndarray, sample_rate: float, min_seconds: float = 0.0) -> np.ndarray:
    """Return the waveform as float32 of shape (n_samples,), or say what is wrong with it.

    Notebook: all

    Parameters
    ----------
    waveform : array_like, shape (n_samples,)
        Samples in [-1, 1].
    sample_rate : int
        Samples per second, in Hz; used in the messages and for ``min_seconds``. A whole float will do.
    min_seconds : float
        The shortest duration that is accepted, in seconds.

    Raises
    ------
    TypeError
        If the samples are integers.
    ValueError
        If the sample rate makes no sense, or the waveform is empty, too short, not one channel, not finite, or far
        outside [-1, 1].
    """
    waveform = floating(waveform)
    if not sample_rate > 0 or sample_rate % 1:
        raise ValueError(f"The sample rate is {sample_rate}. Give a whole number of samples per second, in Hz.")
    if waveform.ndim != 1:
        raise ValueError(f"Expected one channel, got shape {waveform.shape}. Average the channels, or use audio.load.")
    if not len(waveform):
        raise ValueError("The waveform is empty. Use one with at least one sample.")
    if len(waveform) < min_seconds * sample_rate:
        lasts = f"The waveform lasts {100 * len(waveform) // sample_rate / 100:.2f} s at {sample_rate:g} Hz"
        raise ValueError(f"{lasts}; this model needs at least {min_seconds:g} s. Use a longer clip, or append zeros.")
    if bad := np.count_nonzero(~np.isfinite(waveform)):
        raise ValueError(f"{bad} samples are NaN or infinite. Replace them (numpy.nan_to_num) or take another clip.")
    if (peak := np.abs(waveform).max()) > 8:
        raise ValueError(f"The largest sample is {peak:.4g}, far outside [-1, 1]. {_DIVIDE}")
    return waveform.astype(np.float32, copy=False)


def normalise_peak(waveform: np.ndarray) -> np.ndarray:
    """Scale a waveform, shape (n_samples,), so that its largest absolute sample is 1; silence stays silence.

    Integers raise a TypeError, because 16 bits overflow at -32768.

    Notebook: 04_sound_event_detection, 06_better_detector
    """
    peak = np.abs(waveform := floating(waveform)).max(initial=0)
    return waveform / peak if peak > 0 else waveform


def level(waveform: np.ndarray, sample_rate: int) -> float:
    """Return the A-weighted level of a waveform, in dB: -3 for a sine of 1 kHz and full scale.

    A-weighting turns down the frequencies to which the ear is less sensitive. So the levels of different sounds compare
    roughly as we hear them.

    Source: IEC 61672-1, by ``librosa.A_weighting``.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
        Samples in [-1, 1].
    sample_rate : int
        In Hz.
    """
    import librosa

    waveform = np.pad(waveform, (0, max(0, 1024 - len(waveform))))
    power = np.abs(librosa.stft(waveform, n_fft=1024, pad_mode="reflect"))[1:] ** 2  # without 0 Hz, which nobody hears
    weights = librosa.db_to_power(librosa.A_weighting(librosa.fft_frequencies(sr=sample_rate, n_fft=1024)[1:]))
    mean_square = 2 * (weights @ power).mean() / (1024 * 384)  # the squares of 1024 values of a Hann window sum to 384
    return float(10 * np.log10(max(mean_square, 1e-12)))


def mix(background: np.ndarray, events: Iterable[tuple[np.ndarray, float]], sample_rate: int) -> np.ndarray:
    """Add events to a background.

    Notebook: 04_sound_event_detection, 06_better_detector

    Parameters
    ----------
    background : ndarray, shape (n_samples,)
        What sounds all the time. The mixture is as long as this.
    events : iterable of (ndarray, float)
        Waveform and onset in seconds of each event. Anything past the end of the background is cut.
    sample_rate : int
        Samples per second of everything, in Hz.

    Returns
    -------
    ndarray, shape (n_samples,)
        The mixture, float32.

    Raises
    ------
    TypeError
        If samples are integers.
    ValueError
        If an onset lies outside the background.
    """
    mixture = floating(background).astype(np.float32)
    for waveform, onset in events:
        start, waveform = round(onset * sample_rate), floating(waveform)
        if not 0 <= start < len(mixture):
            raise ValueError(
                f"Onset {onset} s lies outside the background of {len(mixture) / sample_rate:g} s. Move it."
            )
        mixture[start : start + len(waveform)] += waveform[: len(mixture) - start]
    return mixture


def play(waveform: np.ndarray | None, sample_rate: float, label: str = "audio") -> "HTML":
    """Return a player for notebooks, exported pages and slides.

    The clip is stored as MP3, which every browser plays. A WAV of the same clip would be ten times as large.

    Notebook: all

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,), or None
        Samples in [-1, 1]; louder clips are scaled down to fit. Give None if the audio is not available, and a line
        says how to get it.
    sample_rate : int
        Samples per second, in Hz; a whole float will do. Rates that MP3 does not know are played at 48 kHz.
    label : str
        What the clip is: its caption, also for screen readers.

    Returns
    -------
    IPython.display.HTML
        For the cell to show.

    Raises
    ------
    TypeError, ValueError
        As :func:`check_waveform`.
    """
    from IPython.display import HTML

    label = html.escape(label, quote=True)
    if waveform is None:
        line = (
            "this recording isn't here. Open “What this lesson uses” at the top of the notebook to see how to get it."
        )
        return HTML(f'<p class="course-missing">{label}: {line}</p>')
    rate = int(sample_rate) if sample_rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100) else 48000
    waveform = soxr.resample(check_waveform(waveform, sample_rate), sample_rate, rate)
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform / np.abs(waveform).max(initial=1.0), rate, format="MP3")
    data = base64.b64encode(buffer.getvalue()).decode()
    length = f'data-seconds="{len(waveform) / rate:.2f}"'
    player = f'<audio controls {length} aria-label="{label}" src="data:audio/mpeg;base64,{data}"></audio>'
    return HTML(f'<figure style="margin:0">{player}<figcaption>{label}</figcaption></figure>')

"""Load, resample, check, play and mix audio. Waveforms are float32 arrays in [-1, 1]."""

from pathlib import Path

import numpy as np


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
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is empty or no audio that libsndfile can read.

    Notebook: 01_audio_tagging, 02_yamnet
    """
    import soundfile
    import soxr

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}. Check the name; the working folder is {Path.cwd()}.")
    try:
        waveform, file_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(
            f"{str(path)!r} is not audio that can be read ({error.error_string}). Save it as WAV or FLAC and try again."
        ) from error
    if not len(waveform):
        raise ValueError(f"{str(path)!r} holds no audio at all: 0 samples.")
    waveform = waveform.mean(axis=1)
    if file_rate != sample_rate:
        waveform = soxr.resample(waveform, file_rate, sample_rate)
        if not len(waveform):
            raise ValueError(f"{str(path)!r} is too short: nothing is left of it at {sample_rate} Hz.")
    return waveform


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
    import io

    import soundfile
    import soxr
    from IPython.display import HTML

    label = html.escape(label, quote=True)
    if waveform is None:
        return HTML(
            f"<p>{label}: the course does not ship this recording. "
            "To hear it: <code>%run -m course_utils prefetch</code>, then restart the kernel.</p>"
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

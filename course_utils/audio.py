"""Load, resample, check, play and mix audio. Waveforms are float32 arrays in [-1, 1]."""

import base64
import contextlib
import io
import mmap
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr
from markupsafe import Markup

from course_utils import containers

if TYPE_CHECKING:
    from IPython.display import HTML

_UNREADABLE = {  # what we say of a file that libsndfile does not open, by how it begins
    b"(?s)....ftyp": "is MPEG-4 (m4a, mp4). Convert it to WAV or FLAC, for instance with Audacity or ffmpeg.",
    b"\x1a\x45\xdf\xa3": "is WebM or Matroska. Convert it to WAV or FLAC, for instance with Audacity or ffmpeg.",
    b"": "is not audio that can be read. Save it as WAV or FLAC and try again.",
}
_SIZES = re.compile(  # what libsndfile says of chunks that are shorter than they should be, in its words
    r"(?:data|SSND|BODY|[Ss]ize|riff|Data length) *:? (\d+) \(?should be (\d+)"
)
_LENGTH = re.compile(r"(?:Frames|Cols) *: (\d+)")  # and of how long a sound should be
BLOCK = 1 << 20  # values that are read at once, of all channels
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
        if self.waveform is None:
            return load(self.path, sample_rate, notes=self.stored is None)
        try:
            waveform = soxr.resample(check_waveform(self.waveform, self.sample_rate), self.sample_rate, sample_rate)
            return check_waveform(waveform, sample_rate)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from None


def _of(path: str | Path) -> str:
    """Return a file's name in quotation marks; of a name that is no text, what can be shown."""
    return repr(os.fsencode(path).decode(errors="replace"))


def _broken(path: str | Path, how: str) -> ValueError:
    return ValueError(f"{_of(path)} {how}. Download, copy or save it again.")


@dataclass
class Levels:
    """How loud a sound is, before and after its channels became one.

    Attributes
    ----------
    channels, frames : int
        How many channels, and how many samples of each.
    peak, power : float
        Largest absolute value over all channels, and sum of the squares, of a channel on average.
    full, in_a_row : int
        Samples at full scale over all channels, and those of them that follow another one.
    mono_peak, mono_power : float
        The same as ``peak`` and ``power`` of the mean of the channels, which is what a network hears.
    """

    channels: int = 1
    frames: int = 0
    peak: float = 0.0
    power: float = 0.0
    full: int = 0
    in_a_row: int = 0
    mono_peak: float = 0.0
    mono_power: float = 0.0

    def add(self, block: np.ndarray) -> np.ndarray:
        """Count a block of samples, shape (n_samples, n_channels), and return the mean of its channels."""
        level = np.abs(block)
        full = level >= 32767 / 32768
        self.frames += len(block)
        self.full += int(np.count_nonzero(full))
        self.in_a_row += int(np.count_nonzero(full[1:] & full[:-1]))
        self.peak = max(self.peak, float(level.max(initial=0)))
        self.power += float(np.sum(np.square(block, dtype=np.float64))) / self.channels
        return self.add_mono(block.mean(axis=1))

    def add_mono(self, mono: np.ndarray) -> np.ndarray:
        """Count a block of the mean of the channels, shape (n_samples,), and return it."""
        self.mono_peak = max(self.mono_peak, float(np.abs(mono).max(initial=0)))
        self.mono_power += float(np.sum(np.square(mono, dtype=np.float64)))
        return mono

    def notes(self) -> list[str]:
        """Return what is unusual, a sentence or two each."""
        found = []
        if self.channels > 1 and self.mono_power < 0.01 * self.power:
            found.append(
                "The channels cancel: each is nearly the opposite of the other, so almost nothing is left of their "
                "mean, which is what the network hears. Save the sound with one channel."
            )
        elif self.mono_peak < 1e-4:
            found.append("Silence: the loudest sample is more than 80 dB below full scale.")
        elif self.mono_peak < 0.03:
            below = -20 * np.log10(self.mono_peak)
            found.append(f"Quiet: the loudest sample is {below:.0f} dB below full scale. Record closer to the sound.")
        if self.in_a_row > 1e-5 * self.frames:
            share = self.full / (self.frames * self.channels)
            found.append(f"Clipped: {share:.2%} of the samples are at full scale or over it. Record with less gain.")
        return found


class Reader:
    """An audio file, which is read once: the one door through which the course takes sound.

    Whatever a file says of itself, what comes out is one channel, float32, at the rate that you want, whole and finite.
    Or a :class:`ValueError` says in a sentence what is wrong. Use it in a ``with`` statement.

    Parameters
    ----------
    path : str or Path
        A file that libsndfile reads (WAV, FLAC, Ogg, MP3, ...).
    sample_rate : int
        Samples per second of the result, in Hz.
    longest : float
        How long the sound may last, in seconds.

    Attributes
    ----------
    name : str
        Of the file, without its folders.
    file_rate, channels : int
        Samples per second, in Hz, and channels, as the file has them.
    duration : float
        What the file promises, in seconds; NaN if it does not say.
    levels : Levels
        Of what has been read so far.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If the file is empty, breaks off, is damaged or too long, is not audio that libsndfile can read, or holds what
        can't be sound: NaN, samples far outside [-1, 1], a rate outside 1 to 768 kHz, more than 32 channels. Some of it
        shows only while the file is read.
    """

    def __init__(self, path: str | Path, sample_rate: int, longest: float = np.inf):
        self.path, self.sample_rate, self.longest = Path(path), sample_rate, longest
        self.name = os.fsencode(self.path.name).decode(errors="replace")
        if self.path.is_dir():
            raise IsADirectoryError(f"{_of(path)} is a folder. Name one audio file in it.")
        if not self.path.is_file():
            where = f"Check the name; the working folder is {Path.cwd()}."
            raise FileNotFoundError(f"There is no file {_of(path)}. {where}")
        with contextlib.ExitStack() as stack:
            self._file, promised = self._opened(stack)
            self.file_rate, self.channels = self._file.samplerate, self._file.channels
            if not 1000 <= self.file_rate <= 768_000 or self.channels > 32:
                what = f"claims a rate of {self.file_rate:,} Hz (channels: {self.channels:,}), which can't be"
                raise ValueError(f"{_of(path)} {what}. Save it again, with at most 32 channels at 1 to 768 kHz.")
            frames = self._file.frames
            self._promised = promised or (frames if frames < 1 << 62 else 0)  # more is libsndfile's "unknown"
            self.duration = self._promised / self.file_rate if self._promised else np.nan
            self._check_length(self.duration)
            self.levels, self._stack = Levels(self.channels), stack.pop_all()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def _opened(self, stack: contextlib.ExitStack) -> tuple[soundfile.SoundFile, int]:
        """Return the file and how many samples it promises beyond what libsndfile knows, or say what is wrong."""
        raw = stack.enter_context(self.path.open("rb"))
        if not self.path.stat().st_size:
            raise ValueError(f"{_of(self.path)} is empty, 0 bytes. Download, copy or save it again.")
        data = stack.enter_context(mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ))
        try:
            pieces, promised = containers.checked(data)
            source = stack.enter_context(containers.Pieces(pieces or [data]))  # libsndfile guesses from a file's name
            file = stack.enter_context(soundfile.SoundFile(source))
        except containers.BrokenError as error:
            raise _broken(self.path, str(error)) from None
        except soundfile.LibsndfileError as error:
            if "malformed" in str(error):
                raise _broken(self.path, "is damaged") from error
            what = next(what for start, what in _UNREADABLE.items() if re.match(start, data))
            raise ValueError(f"{_of(self.path)} {what}") from error
        if how := _cut(file, data):
            raise _broken(self.path, how)
        return file, promised

    def _breaks_off(self) -> ValueError:
        known = f"breaks off before the end of the {self.duration:.2f} s it promises"
        return _broken(self.path, known if self._promised else "cannot be read to its end")

    def _check_length(self, seconds: float) -> None:
        if seconds > self.longest:
            most = "an hour" if self.longest == 3600 else f"{self.longest / 60:g} minutes"
            raise ValueError(f"{_of(self.path)} lasts more than {most}: cut it into parts, for instance in Audacity.")

    def samples(self, seconds: float = 10.0) -> Iterator[np.ndarray]:
        """Yield the mean of the channels in blocks of shape (n_samples,), at the file's own rate."""
        count, file = 0, self._file
        n_frames = max(1, min(round(seconds * self.file_rate), BLOCK // self.channels))
        file.seekable = lambda: False  # soundfile seeks after each block, which puts a click into MP3
        try:
            while len(block := file.read(n_frames, dtype="float32", always_2d=True)):
                count += len(block)
                self._check_length(count / self.file_rate)
                mono = self.levels.add(block)
                if not (self.levels.peak <= 8 and np.isfinite(self.levels.power)):
                    what = "holds samples that are NaN, infinite or far outside [-1, 1]"
                    raise ValueError(f"{_of(self.path)} {what}. Save it again as 16-bit WAV.")
                yield mono
        except soundfile.LibsndfileError as error:
            raise self._breaks_off() from error
        if not count:
            raise ValueError(f"{_of(self.path)} holds no audio at all, 0 samples. Record or save it again.")
        if self._promised - count > 0.01 * self._promised + 0.1 * self.file_rate:
            raise self._breaks_off()

    def blocks(self, seconds: float = 10.0) -> Iterator[np.ndarray]:
        """Yield the sound in blocks of shape (n_samples,), at the rate that you want, without seams."""
        resampler, count = soxr.ResampleStream(self.file_rate, self.sample_rate, 1), 0
        for block in chain(self.samples(seconds), [np.zeros(0, np.float32)]):
            count += len(resampled := resampler.resample_chunk(block, last=not len(block)))
            yield resampled
        self._check_something(count)

    def whole(self) -> np.ndarray:
        """Return the whole sound at the rate that you want, shape (n_samples,)."""
        waveform = soxr.resample(np.concatenate(list(self.samples())), self.file_rate, self.sample_rate)
        self._check_something(len(waveform))
        return waveform

    def _check_something(self, count: int) -> None:
        if not count:
            what = f"is too short: nothing is left of it at {self.sample_rate} Hz"
            raise ValueError(f"{_of(self.path)} {what}. Record it again.")

    def notes(self) -> list[str]:
        """Return what is unusual about what has been read, a sentence or two each."""
        if self._file.format not in ("IRCAM", "PAF", "PVF", "XI"):
            return self.levels.notes()
        unsure = f"A file of the format {self._file.format} doesn't say how long it is. So it may be only a part."
        return [*self.levels.notes(), unsure]


def _cut(file: soundfile.SoundFile, data: mmap.mmap | bytes) -> str | None:
    """Say how a file breaks off, if libsndfile has noticed that it holds less than its header promises.

    A writer that can't go back to the header, such as a pipe, promises nothing, or 2 GB and more. Then the audio lasts
    until the file ends.
    """
    said, present = file.extra_info, file.frames
    promised = [int(n) for n in _LENGTH.findall(said)[-1:]] if file.format in ("AVR", "MAT5", "MPC2K", "SDS") else []
    if nist := re.match(rb"(?s)NIST_1A.{,1000}?sample_count -i (\d+)", data):
        promised = [int(nist[1])]
    if file.format == "SDS" and promised:  # here it is the promise that libsndfile gives as the length
        promised, present = [present], promised[0]
    for should, is_there in _SIZES.findall(said):
        if 0 < int(is_there) < int(should) - 64 and int(should) < 0x7FFFF000:
            promised.append(present * int(should) / int(is_there))
    if promised and max(promised) > present:
        return f"breaks off before the end of the {max(promised) / file.samplerate:.2f} s it promises"
    return "breaks off before its end" if "truncated" in said else None


def load(path: str | Path, sample_rate: int, notes: bool = True) -> np.ndarray:
    """Read an audio file as one channel, at the sample rate that you want.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 07_distillation

    Parameters
    ----------
    path : str or Path
        A file that libsndfile reads (WAV, FLAC, Ogg, MP3, ...).
    sample_rate : int
        Samples per second of the result, in Hz. Channels are averaged, and then soxr resamples the audio.
    notes : bool
        Whether to warn of what is unusual.

    Returns
    -------
    ndarray, shape (n_samples,)
        The waveform, float32, whole and finite.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        As for :class:`Reader`: the file is empty, breaks off, is damaged, or no audio that can be read.

    Warns
    -----
    UserWarning
        If the channels cancel, or the sound is silent, quiet or clipped.
    """
    with Reader(path, sample_rate) as reader:
        waveform = reader.whole()
    for note in reader.notes() * notes:
        warnings.warn(f"{reader.name}: {note}", stacklevel=2)
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
    return np.asarray(waveform, np.float32)


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

    if waveform is None:
        missing = Markup(
            '<p class="course-missing">{}: this recording isn\'t here. Open “What this lesson uses” at the top of the '
            "notebook to see how to get it.</p>"
        )
        return HTML(str(missing.format(label)))
    rate = int(sample_rate) if sample_rate in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100) else 48000
    waveform = soxr.resample(check_waveform(waveform, sample_rate), sample_rate, rate)
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform / np.abs(waveform).max(initial=1.0), rate, format="MP3")
    data = base64.b64encode(buffer.getvalue()).decode()
    player = Markup(
        '<figure style="margin:0"><audio controls data-seconds="{seconds:.2f}" aria-label="{label}" '
        'src="data:audio/mpeg;base64,{data}"></audio><figcaption>{label}</figcaption></figure>'
    )
    return HTML(str(player.format(seconds=len(waveform) / rate, label=label, data=data)))

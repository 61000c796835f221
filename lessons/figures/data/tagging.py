"""Lesson 1: the lecture's clip, speech and then whistling, and one word of it from near."""

import json

import numpy as np
import soxr
from PIL import Image

from course_utils import audio

from . import HERE, real, save_strip

RATE = 16000  # of the recording, in Hz
FRAME, BANDS = 0.025, (125, 7500)  # of the word's spectrogram, in s and in Hz
WORD = 0.5, 1.0  # where in the clip the word is, in s
STRETCH = 0.75, 0.805  # the part of the word that the drawing shows from near, in s
FOLLOWED = 26  # the frame of the word that the drawing follows: it begins at 0.76 s
NAMES = "Speech", "Whistling"


def rounded(values: np.ndarray) -> list[float]:
    """Return values to two digits, for a file."""
    return [round(float(value), 2) for value in values]


def loud(waveform: np.ndarray, pause: float = 0.3) -> list[tuple[float, float]]:
    """Return start and end in s of what is at most 22 dB below the loudest, over short pauses."""
    frames = waveform[: len(waveform) // 160 * 160].reshape(-1, 160)
    power = (frames**2).mean(axis=1)
    times = np.flatnonzero(power > power.max() / 10**2.2) * 0.01
    gaps = np.flatnonzero(np.diff(times) > pause)
    starts, ends = times[np.r_[0, gaps + 1]], times[np.r_[gaps, len(times) - 1]] + 0.01
    return list(zip(starts, ends, strict=True))


def levels(waveform: np.ndarray, rate: int, frame: float, bands: tuple[int, int]) -> np.ndarray:
    """Return the levels in dB of 64 mel bands, shape (n_frames, 64), 0 for the highest.

    A frame begins every 10 ms; ``bands`` are the lowest and the highest frequency in Hz.
    """
    import librosa

    size, step = round(frame * rate), rate // 100
    frames = np.lib.stride_tricks.sliding_window_view(waveform, size)[::step]
    n_fft = 1 << (size - 1).bit_length()
    power = np.abs(np.fft.rfft(frames * np.hanning(size + 1)[:-1], n_fft)) ** 2
    look = {"n_mels": 64, "fmin": bands[0], "fmax": bands[1], "htk": True, "norm": None}
    power = power @ librosa.filters.mel(sr=rate, n_fft=n_fft, **look).T
    return 10 * np.log10(power / power.max() + 1e-10)


if __name__ == "__main__":
    waveform = audio.load(real("speech-whistling").path, RATE)
    clip = np.pad(waveform, (0, 240))  # silence, for the last frame
    save_strip(levels(clip, RATE, FRAME, BANDS), "tagging_clip", 70)

    at_32 = soxr.resample(waveform, RATE, 2 * RATE)  # what CNN14 gets: 501 frames, centred, in 5 s
    at_32 = np.pad(at_32, (512, 10 * RATE + 512 - len(at_32)))
    save_strip(levels(at_32, 2 * RATE, 0.032, (50, 14000)), "tagging_cnn14", 70)

    start, end = (round(second * RATE) for second in WORD)
    word = levels(waveform[start : end + 240], RATE, FRAME, BANDS)
    large = np.ones((8, 3))  # for each value, so that it stays sharp
    save_strip(np.kron(word, large), "tagging_word", 60)
    with Image.open(HERE / "tagging_word.png") as picture:
        column = picture.crop((8 * FOLLOWED, 0, 8 * FOLLOWED + 8, picture.height))
        column.save(HERE / "tagging_column.png")
    near = waveform[round(STRETCH[0] * RATE) : round(STRETCH[1] * RATE)]
    near = near / np.abs(near).max()
    column = 1 + word[FOLLOWED] / 60  # from 0, 60 dB below the highest, to 1
    numbers = {
        "wave": rounded(soxr.resample(near, RATE, 6000)),
        "column": rounded(column.clip(0, 1)),
        "seconds": round(len(waveform) / RATE, 2),
        "events": dict(zip(NAMES, map(rounded, loud(waveform)), strict=True)),
    }
    (HERE / "tagging.json").write_text(json.dumps(numbers) + "\n", encoding="utf-8")

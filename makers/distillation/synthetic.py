"""Signals made by rule: speech (espeak-ng), whistling, tones, noise and silence.

ESC-50 has no plain speech and no whistling, so without these the student would hear neither.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import warnings

import numpy as np
import soundfile as sf
import soxr

from .common import SAMPLE_RATE

SENTENCES = (
    "The sound of the sea is never twice the same.",
    "Please listen to the recording, and write down what you hear.",
    "A dog is barking somewhere behind the house.",
    "One, two, three, four, five, six, seven, eight, nine, ten.",
    "Good morning, everybody. Today we are going to talk about sound.",
    "Rain fell on the roof all night, and in the morning the birds were singing.",
    "Could you tell me when the next train to the city leaves?",
    "No. Wait a moment. Yes, I think that is right.",
    "She opened the window, and the noise of the street came in.",
    "Every microphone tells a slightly different story.",
    "The quick brown fox jumps over the lazy dog.",
    "Mind the gap between the train and the platform.",
    "We measured the level twice and found a difference of three decibels.",
    "Hello? Is anybody there? Can you hear me now?",
    "Machines learn from examples; people learn from mistakes.",
    "In the kitchen the kettle began to whistle.",
)
VOICES = ("en-us", "en-gb", "en-gb-scotland", "de", "fr", "es", "fi", "it")
VARIANTS = ("", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5")


def speech_bank(count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Speak sentences with espeak-ng in many voices, pitches and speeds.

    Parameters
    ----------
    count : int
        How many sentences to speak.
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray of float32, shape (n_samples,)
        At 16 kHz, peak 1. Empty, with a warning, where espeak-ng is not installed.
    """
    program = shutil.which("espeak-ng")
    if program is None:
        warnings.warn("espeak-ng not found: training goes on without speech.", stacklevel=2)
        return []
    bank = []
    for _ in range(count):
        voice = str(rng.choice(VOICES)) + str(rng.choice(VARIANTS))
        command = [program, "-v", voice, "-p", str(rng.integers(20, 85))]
        command += ["-s", str(rng.integers(120, 220)), "--stdout", str(rng.choice(SENTENCES))]
        wav = subprocess.run(command, check=True, capture_output=True).stdout
        waveform, rate = sf.read(io.BytesIO(wav), dtype="float32")
        waveform = soxr.resample(waveform, rate, SAMPLE_RATE)
        bank.append((waveform / max(np.abs(waveform).max(), 1e-6)).astype(np.float32))
    return bank


def whistle(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Whistle: a gliding, trembling near-sine with a little breath.

    Parameters
    ----------
    seconds : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        At 16 kHz, peak 1.
    """
    n = int(seconds * SAMPLE_RATE)
    time = np.arange(n) / SAMPLE_RATE
    notes = max(1, int(seconds * rng.uniform(0.8, 4.0)))
    base = rng.uniform(700, 2200)
    steps = base * 2 ** (rng.integers(-5, 8, notes + 1) / 12)
    style = rng.integers(3)
    if style == 0:  # a melody: held notes with short glides
        edges = np.linspace(0, seconds, notes + 1)
        knots = np.repeat(edges[1:-1], 2) + np.tile([-0.03, 0.03], notes - 1)
        knots = np.concatenate([[0], knots, [seconds]])
        pitch = np.interp(time, knots, np.repeat(steps[:-1], 2)[: len(knots)])
    elif style == 1:  # glides, as one calls a dog
        pitch = np.interp(time, np.linspace(0, seconds, notes + 1), steps)
    else:  # one held note
        pitch = np.full(n, base)
    depth, speed = rng.uniform(0, 0.02), rng.uniform(4, 7)
    pitch = pitch * (1 + depth * np.sin(2 * np.pi * speed * time))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    tone = np.sin(phase) + rng.uniform(0, 0.12) * np.sin(2 * phase)
    gaps = np.abs(np.sin(np.pi * notes * time / seconds)) ** rng.uniform(0.1, 0.6)
    if style == 2:
        gaps = np.minimum(1, np.minimum(time, time[::-1]) / 0.05)
    tone = tone * gaps * (1 + 0.1 * np.sin(2 * np.pi * speed * time))
    breath = rng.standard_normal(n) * rng.uniform(0, 0.05)
    out = tone + breath * gaps
    return (out / max(np.abs(out).max(), 1e-6)).astype(np.float32)


def noise(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose spectrum falls by a random power of the frequency.

    Parameters
    ----------
    seconds : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        At 16 kHz, peak 1.
    """
    n = int(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum *= np.arange(1, len(spectrum) + 1) ** -rng.uniform(0, 1.2)
    out = np.fft.irfft(spectrum, n)
    return (out / max(np.abs(out).max(), 1e-6)).astype(np.float32)


def notes(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Decaying harmonic notes and chords, something between an organ and a harp.

    Parameters
    ----------
    seconds : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        At 16 kHz, peak 1.
    """
    n = int(seconds * SAMPLE_RATE)
    out = np.zeros(n)
    beat, decay, slope = rng.uniform(0.15, 0.8), rng.uniform(0.5, 8), rng.uniform(0.3, 2)
    root = rng.uniform(80, 500)
    for start in np.arange(0, seconds, beat):
        for _ in range(rng.integers(1, 4)):
            first = int(start * SAMPLE_RATE)
            time = np.arange(n - first) / SAMPLE_RATE
            pitch = root * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 16]) / 12)
            for k in range(1, 9):
                if k * pitch < SAMPLE_RATE / 2:
                    out[first:] += k**-slope * np.sin(2 * np.pi * k * pitch * time) * np.exp(-decay * time)
    return (out / max(np.abs(out).max(), 1e-6)).astype(np.float32)


def clip(seconds: float, bank: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Make one synthetic clip: mostly speech and whistling, also notes, noise and silence.

    Parameters
    ----------
    seconds : float
        Length of the clip.
    bank : list of ndarray
        Spoken sentences from `speech_bank`.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        At 16 kHz, peak at most 1.
    """
    n = int(seconds * SAMPLE_RATE)
    kinds = ["speech", "whistle", "both", "notes", "noise", "silence"]
    kind = rng.choice(kinds, p=[0.28, 0.28, 0.2, 0.12, 0.08, 0.04])
    if kind in {"speech", "both"} and not bank:
        kind = "whistle"
    out = np.zeros(n, dtype=np.float32)
    if kind in {"speech", "both"}:
        spoken = np.concatenate([bank[i] for i in rng.integers(len(bank), size=3)])[:n]
        out[: len(spoken)] = spoken
    if kind == "whistle":
        out = whistle(seconds, rng)
    elif kind == "both":
        first = int(rng.uniform(0.3, 0.7) * n)
        out[first:] = whistle((n - first) / SAMPLE_RATE + 0.01, rng)[: n - first]
    elif kind == "notes":
        out = notes(seconds, rng)
    elif kind == "noise":
        out = noise(seconds, rng)
    floor = rng.choice([0, 1e-4, 1e-3, 1e-2])
    return out + np.float32(floor) * noise(seconds, rng)

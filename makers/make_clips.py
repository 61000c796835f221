"""Make the embedded clips: speech followed by whistling, and a short annotated scene.

``python -m makers clips`` writes them to ``data/embedded/clips/``. Speech comes from espeak-ng, everything else
from numpy; nothing is recorded, so nothing needs a licence but the course's own.
"""

import argparse
import io
import subprocess
from pathlib import Path

import numpy as np
import soundfile
import soxr

from makers import files

RATE = 32000
OUT = Path(__file__).resolve().parents[1] / "data" / "embedded" / "clips"
RNG = np.random.default_rng(2022)


def speech(text: str, voice: str = "en-gb", speed: int = 150) -> np.ndarray:
    """Return a sentence spoken by espeak-ng at 32 kHz, scaled to a peak of 1."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text]
    sound, rate = soundfile.read(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout))
    sound = soxr.resample(sound, rate, RATE)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    sound = sound[loud[0] : loud[-1]]
    return sound / np.abs(sound).max()


def noise(seconds: float, slope: float = 1.0) -> np.ndarray:
    """Return noise whose power falls with frequency as ``1 / f**slope``, scaled to a standard deviation of 1."""
    n = round(seconds * RATE)
    spectrum = RNG.normal(size=n // 2 + 1) + 1j * RNG.normal(size=n // 2 + 1)
    spectrum /= np.maximum(np.arange(n // 2 + 1), 1) ** (slope / 2)
    sound = np.fft.irfft(spectrum, n)
    return sound / sound.std()


def fade(sound: np.ndarray, seconds: float = 0.03) -> np.ndarray:
    """Return the sound with a linear fade at both ends."""
    n = round(seconds * RATE)
    ramp = np.minimum(1, np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / n)
    return sound * ramp


def tone(frequency: np.ndarray) -> np.ndarray:
    """Return a sine whose frequency (Hz) changes from sample to sample."""
    return np.sin(2 * np.pi * np.cumsum(frequency) / RATE)


def whistling(seconds: float, notes: tuple[float, ...]) -> np.ndarray:
    """Return a whistled melody: gliding sines with vibrato and a little breath."""
    t = np.arange(round(seconds * RATE)) / RATE
    steps = np.linspace(0, seconds, len(notes) + 1)[:-1]
    melody = np.asarray(notes)[np.searchsorted(steps, t, side="right") - 1]
    kernel = np.hanning(round(0.08 * RATE))
    glide = np.convolve(np.pad(melody, len(kernel) // 2, mode="edge"), kernel / kernel.sum(), mode="same")
    glide = glide[len(kernel) // 2 :][: len(t)]
    frequency = glide * (1 + 0.006 * np.sin(2 * np.pi * 5.5 * t))
    loudness = 0.75 + 0.25 * np.sin(2 * np.pi * 2.1 * t)
    breath = 0.02 * np.diff(noise(seconds, 0), prepend=0)
    return fade(loudness * tone(frequency) + 0.03 * tone(2 * frequency) + breath, 0.05)


def siren(seconds: float) -> np.ndarray:
    """Return a wailing siren: harmonics of a frequency that rises and falls every 1.5 s."""
    t = np.arange(round(seconds * RATE)) / RATE
    frequency = 900 + 450 * np.sin(2 * np.pi * t / 1.5 - np.pi / 2)
    return fade(sum(tone(k * frequency) / k for k in (1, 2, 3, 4))) / 2


def lay(seconds: float, events, hum: float = 0.003) -> np.ndarray:
    """Return ``seconds`` of soft noise with events, (onset in s, waveform, gain) each, laid over it."""
    scene = hum * noise(seconds)
    for onset, sound, gain in events:
        start = round(onset * RATE)
        scene[start : start + len(sound)] += gain * sound[: len(scene) - start]
    return scene


def make(out: Path) -> None:
    """Write the clips and the annotation of the scene."""
    out.mkdir(parents=True, exist_ok=True)
    sentence = speech("Let us listen to this.", speed=160)
    melody = whistling(2.6, (1480, 1660, 1976, 1760, 1480, 1320))
    clip = lay(5.0, [(0.15, sentence, 0.35), (2.1, melody, 0.3)])
    soundfile.write(out / "speech_whistling.ogg", clip, RATE)

    events = [
        ("Speech", 0.5, speech("Good morning. The next train leaves in two minutes.", "en-us", 155), 0.35),
        ("Whistling", 4.5, whistling(1.5, (1320, 1480, 1760, 1480)), 0.25),
        ("Siren", 6.5, siren(3.0), 0.25),
        ("Speech", 10.0, speech("Mind the gap, please.", "en-gb+f3", 150), 0.35),
    ]
    scene = lay(12.0, [(onset, sound, gain) for _, onset, sound, gain in events])
    soundfile.write(out / "scene.ogg", scene, RATE)
    lines = [f"{label},{onset:.2f},{onset + len(sound) / RATE:.2f}\n" for label, onset, sound, _ in events]
    files.write(out / "scene.csv", "label,onset,offset\n" + "".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the clips")
    make(parser.parse_args().out)

"""Make the embedded clips: speech followed by whistling, a short annotated scene, and five claps, whistles and knocks.

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
from scipy import signal

from makers import files

RATE, SHORT_RATE = 32000, 16000
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


def burst(rng: np.random.Generator, seconds: float, low: float, high: float, decay: float) -> np.ndarray:
    """Return noise between two frequencies (Hz) that dies away by 1 / e every ``decay`` seconds, at 16 kHz."""
    n = round(seconds * SHORT_RATE)
    spectrum = np.fft.rfft(rng.normal(size=n))
    frequencies = np.fft.rfftfreq(n, 1 / SHORT_RATE)
    spectrum *= 1 / (1 + (low / np.maximum(frequencies, 1)) ** 4) / (1 + (frequencies / high) ** 4)
    time = np.arange(n) / SHORT_RATE
    sound = np.fft.irfft(spectrum, n) * np.exp(-time / decay) * np.minimum(1, time / 0.001)
    return sound / np.abs(sound).max()


def clap(rng: np.random.Generator) -> np.ndarray:
    """Return a hand clap, bright and short: the palms meet in two or three places within milliseconds."""
    sound = np.zeros(round(0.15 * SHORT_RATE))
    for delay in np.cumsum(rng.uniform(0.001, 0.006, rng.integers(2, 4))):
        start = round(delay * SHORT_RATE)
        part = burst(rng, 0.12, rng.uniform(400, 900), rng.uniform(3000, 7000), rng.uniform(0.004, 0.009))
        sound[start : start + len(part)] += part * rng.uniform(0.5, 1)
    return sound


def knock(rng: np.random.Generator) -> np.ndarray:
    """Return a knuckle on a wooden door: a few low tones of the panel that die away, and a dull thud."""
    time = np.arange(round(0.25 * SHORT_RATE)) / SHORT_RATE
    lowest = rng.uniform(110, 240)
    sound = np.zeros(len(time))
    for k, share in enumerate((1, 0.7, 0.4, 0.25)):
        tone = np.sin(2 * np.pi * lowest * (1 + 0.83 * k) * rng.uniform(0.9, 1.1) * time)
        sound += share * tone * np.exp(-time / (rng.uniform(0.012, 0.025) / (1 + k / 3)))
    sound += 0.8 * burst(rng, 0.25, 80, 900, 0.012) + 0.3 * burst(rng, 0.25, 800, 3500, 0.003)
    return sound * np.minimum(1, time / 0.002)


def whistle(rng: np.random.Generator) -> np.ndarray:
    """Return a whistled call of one to three notes: gliding sines with a little vibrato and breath."""
    pieces = []
    for _ in range(rng.integers(1, 4)):
        time = np.arange(round(rng.uniform(0.25, 0.6) * SHORT_RATE)) / SHORT_RATE
        glide = np.linspace(rng.uniform(1000, 1900), rng.uniform(1000, 2300), len(time))
        pitch = glide * (1 + 0.008 * np.sin(2 * np.pi * rng.uniform(4, 7) * time))
        phase = 2 * np.pi * np.cumsum(pitch) / SHORT_RATE
        fade_in_out = np.minimum(1, np.minimum(time, time[::-1]) / 0.04)
        breath = burst(rng, len(time) / SHORT_RATE, 1200, 4000, 10)
        pieces += [fade_in_out * (np.sin(phase) + 0.05 * np.sin(2 * phase) + 0.03 * breath)]
        pieces += [np.zeros(round(rng.uniform(0.04, 0.12) * SHORT_RATE))]
    return np.concatenate(pieces)


def recording(rng: np.random.Generator, kind: str) -> np.ndarray:
    """Return a sound once or several times in a room, with a microphone's noise, at 16 kHz.

    Number, pauses, room, noise and level are drawn anew for each recording.
    """
    make_sound, least, most, pause = {
        "clap": (clap, 1, 4, (0.25, 0.6)),
        "whistle": (whistle, 1, 2, (0.2, 0.5)),
        "knock": (knock, 2, 5, (0.16, 0.34)),
    }[kind]
    dry = [np.zeros(round(rng.uniform(0.1, 0.4) * SHORT_RATE))]
    for _ in range(rng.integers(least, most + 1)):
        dry += [rng.uniform(0.7, 1) * make_sound(rng), np.zeros(round(rng.uniform(*pause) * SHORT_RATE))]
    dry = np.concatenate(dry)
    echo = burst(rng, 0.8, 150, rng.uniform(2000, 5000), rng.uniform(0.04, 0.16))
    echo[: round(0.004 * SHORT_RATE)] = 0  # the walls are further away than the microphone
    wet = signal.fftconvolve(dry, echo)[: len(dry) + round(0.3 * SHORT_RATE)]
    sound = np.pad(dry, (0, len(wet) - len(dry))) + rng.uniform(0.05, 0.15) * wet
    hiss = burst(rng, len(sound) / SHORT_RATE, 60, rng.uniform(1500, 6000), 1000)
    return rng.uniform(0.15, 0.7) * sound / np.abs(sound).max() + rng.uniform(0.0008, 0.003) * hiss


def make_three_sounds(out: Path) -> None:
    """Write five recordings each of a clap, a whistle and a knock, for those who cannot record their own."""
    (folder := out / "three_sounds").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(15)
    for kind in ("clap", "whistle", "knock"):
        for number in range(1, 6):
            soundfile.write(folder / f"{kind}_{number}.ogg", recording(rng, kind), SHORT_RATE)


def make(out: Path) -> None:
    """Write the clips and the annotation of the scene."""
    make_three_sounds(out)
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

"""Step 1: let YAMNet listen to the training material and keep what it hears.

The material comes in rounds. Round 0 is the clips of folds 1 to 4 as they are. Every later round
holds each of these clips once more, at a random offset, level and speed: two fifths alone, two fifths
mixed with a second clip, one fifth with two more, a third of all with noise; and one tenth as many
synthetic signals. From round 25 on, recordings (step `recordings`) stand in for a random half of the
clips, and half of clips and recordings are filtered, half of these in a room as well; from round 56 on,
they are not mixed with each other, only with noise.

What is kept of a round is ``log_mel_RR.npy`` (n, 528, 64), ``embeddings_RR.npy`` (n, 10, 1024) and
``folds_RR.npy`` (n,), where the fold of a mixture is the largest of its clips', and that of recordings and
synthetic signals 0. Scores need no keeping: they follow from the embeddings.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
import torch
from scipy import fft
from tqdm import tqdm

from . import synthetic
from .common import (
    CLIP_PATCHES,
    CLIP_SAMPLES,
    EMBEDDING_SIZE,
    MEL_BANDS,
    PATCH_FRAMES,
    PATCH_HOP,
    SAMPLE_RATE,
    TEST_FOLD,
    argument_parser,
    list_clips,
    read_clip,
    save,
)
from .network import choose_device, load_teacher

LEVELS = (-32, 8)
"""Lowest and highest gain of a signal in dB."""
SPEEDS = (0.8, 1.25)
"""Slowest and fastest speed; pitch goes with it."""
OTHERS = (0.4, 0.4, 0.2)
"""Probabilities of mixing a clip with none, one, two others."""
BANDS, BAND_GAIN = 8, 6
"""Points of a random filter's frequency response, equally far apart from 50 Hz to 8 kHz in octaves, and the
standard deviation of its gains in dB."""
REVERBERATION = (0.1, 1.5)
"""Shortest and longest time in s in which a room's sound decays by 60 dB."""
BATCH = 8
"""Signals that the teacher hears at once."""


class Recordings(NamedTuple):
    """What the step `recordings` found.

    ``samples`` int16 (n_samples,) at 16 kHz; ``places`` int (n_pieces, 2), where each piece starts and how many
    samples it has; ``packages``, how many packages they come from.
    """

    samples: np.ndarray
    places: np.ndarray
    packages: int


def load_recordings(work: Path) -> Recordings | None:
    """Return the recordings in `work`, None if that step has not run."""
    if not (work / "recordings.csv").exists():
        return None
    with open(work / "recordings.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places = np.array([(int(row["start"]), int(row["samples"])) for row in rows])
    packages = {row["file"].partition("/")[0] for row in rows}
    return Recordings(np.load(work / "recordings.npy", mmap_mode="r"), places, len(packages))


def varied(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Play a clip in a loop from a random point, half of the time at another speed.

    Parameters
    ----------
    waveform : ndarray of float32, shape (n_samples,)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (84720,)
    """
    if rng.uniform() < 0.5:
        speed = np.exp(rng.uniform(*np.log(SPEEDS)))
        waveform = soxr.resample(waveform, SAMPLE_RATE * speed, SAMPLE_RATE, quality="LQ")
    return np.resize(np.roll(waveform, rng.integers(len(waveform))), CLIP_SAMPLES)


def coloured(waveform: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Filter a signal at random, half of the time in a room as well.

    Parameters
    ----------
    waveform : ndarray of float32, shape (n_samples,)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        With the energy of `waveform`.
    """
    length = fft.next_fast_len(2 * len(waveform), real=True)
    frequencies = np.maximum(np.arange(length // 2 + 1) * (SAMPLE_RATE / length), 1)
    points = np.geomspace(50, SAMPLE_RATE / 2, BANDS)
    gains = np.interp(np.log(frequencies), np.log(points), rng.normal(0, BAND_GAIN, BANDS))
    response = (10 ** (gains / 20)).astype(np.float32)
    if rng.uniform() < 0.5:
        decay = np.exp(rng.uniform(*np.log(REVERBERATION)))
        time = np.arange(int(decay * SAMPLE_RATE)) / SAMPLE_RATE
        room = rng.standard_normal(len(time), np.float32) * 10 ** (-3 * time / decay)
        room *= rng.uniform(0.2, 2) / np.linalg.norm(room)
        room[0] += 1  # the direct sound
        response = response * fft.rfft(room.astype(np.float32), length)
    found = fft.irfft(fft.rfft(waveform, length) * response, length)[: len(waveform)]
    return found * (np.linalg.norm(waveform) / max(np.linalg.norm(found), 1e-9)).astype(np.float32)


def piece(recordings: Recordings, rng: np.random.Generator) -> np.ndarray:
    """Choose a recording; zeros after a short one let its repetitions begin 1 to 3 s apart, at random.

    Parameters
    ----------
    recordings : Recordings
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        In [-1, 1], at 16 kHz.
    """
    start, length = recordings.places[rng.integers(len(recordings.places))]
    waveform = recordings.samples[start : start + length] / np.float32(32768)
    beyond = rng.uniform(1, 3) * SAMPLE_RATE - length
    return np.pad(waveform, (0, max(0, int(beyond))))


def augmented(
    waveforms: list[np.ndarray],
    folds: np.ndarray,
    bank: list[np.ndarray],
    rng: np.random.Generator,
    recordings: Recordings | None = None,
    others: tuple[float, ...] = OTHERS,
) -> list[tuple[np.ndarray, int]]:
    """Make the signals of one augmented round.

    Parameters
    ----------
    waveforms : list of ndarray of float32
        The clips, at 16 kHz.
    folds : ndarray of int, shape (n_clips,)
    bank : list of ndarray
        Spoken sentences for the synthetic signals.
    rng : numpy.random.Generator
    recordings : Recordings, optional
        If given, they stand in for a random half of the clips, and half of all these sounds are `coloured`.
    others : tuple of float
        Probabilities of mixing a clip with none, one, ... others.

    Returns
    -------
    list of (ndarray of float32, shape (84720,), int)
        Waveforms in [-1, 1] with their folds.
    """
    seconds = CLIP_SAMPLES / SAMPLE_RATE

    def decibels(low: float, high: float) -> np.float32:
        return np.float32(10 ** (rng.uniform(low, high) / 20))

    def levelled(waveform: np.ndarray) -> np.ndarray:
        loud = waveform / max(1.0, float(np.abs(waveform).max())) * decibels(*LEVELS)
        return np.clip(loud, -1, 1).astype(np.float32)

    def sound(clip: int) -> tuple[np.ndarray, int]:
        if recordings is None:
            return varied(waveforms[clip], rng), folds[clip]
        found, fold = (piece(recordings, rng), 0) if rng.uniform() < 0.5 else (waveforms[clip], folds[clip])
        found = varied(found, rng)
        return coloured(found, rng) if rng.uniform() < 0.5 else found, fold

    signals = []
    for first in tqdm(rng.permutation(len(waveforms)), desc="mixing", leave=False):
        signal, fold = sound(first)
        for _ in range(rng.choice(len(others), p=others)):
            if rng.uniform() < 0.1:
                other = synthetic.clip(seconds + 0.1, bank, rng)[:CLIP_SAMPLES]
            else:
                other, beside = sound(rng.integers(len(waveforms)))
                fold = max(fold, beside)
            signal = signal + other * decibels(-12, 12)
        if rng.uniform() < 1 / 3:
            signal = signal + synthetic.noise(seconds + 0.1, rng)[:CLIP_SAMPLES] * decibels(-70, -20)
        signals.append((levelled(signal), int(fold)))
    for _ in range(len(waveforms) // 10):
        signals.append((levelled(synthetic.clip(seconds + 0.1, bank, rng)[:CLIP_SAMPLES]), 0))
    return signals


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__, "audio", "seed")
    parser.add_argument("--rounds", type=int, default=85, help="rounds of material, the first plain")
    parser.add_argument("--alone", type=int, default=25, help="rounds of ESC-50 alone, before recordings come in")
    parser.add_argument("--mixed", type=int, default=56, help="rounds with mixtures, before only single sounds come")
    parser.add_argument(
        "--precision", choices=("bfloat16", "float32"), default="bfloat16", help="that the teacher computes with"
    )
    args = parser.parse_args()
    device = choose_device()
    args.work.mkdir(parents=True, exist_ok=True)
    torch.backends.cudnn.allow_tf32 = False
    teacher, log_mel, _ = load_teacher(args.teacher, args.work)
    teacher, log_mel = teacher.to(device, memory_format=torch.channels_last), log_mel.to(device)
    half = args.precision == "bfloat16"
    waveforms, folds, bank = [], [], []
    recordings = load_recordings(args.work)
    if recordings is None and args.rounds > args.alone:
        raise FileNotFoundError(f"No recordings.csv in {args.work}: run makers.distillation.recordings first.")

    for index in range(args.rounds):
        last = args.work / f"folds_{index:02d}.npy"
        if last.exists():
            continue
        if not waveforms:
            for path, fold, _ in tqdm(list_clips(args.audio), desc="reading clips"):
                if fold != TEST_FOLD:
                    waveforms.append(read_clip(path))
                    folds.append(fold)
            bank = synthetic.speech_bank(200, np.random.default_rng(args.seed))
        if index:
            more = recordings if index >= args.alone else None
            rng = np.random.default_rng([args.seed, index])
            others = OTHERS if index < args.mixed else (1.0,)
            signals = augmented(waveforms, np.array(folds), bank, rng, more, others)
        else:
            signals = [(np.pad(w, (0, CLIP_SAMPLES - len(w))), f) for w, f in zip(waveforms, folds, strict=True)]
        spectra = np.empty((len(signals), PATCH_FRAMES + (CLIP_PATCHES - 1) * PATCH_HOP, MEL_BANDS), np.float16)
        embeddings = np.empty((len(signals), CLIP_PATCHES, EMBEDDING_SIZE), np.float16)
        for start in tqdm(range(0, len(signals), BATCH), desc=f"round {index}"):
            here = slice(start, start + BATCH)
            batch = torch.from_numpy(np.stack([waveform for waveform, _ in signals[here]])).to(device)
            found = log_mel(batch)
            with torch.autocast(device.type, torch.bfloat16, enabled=half and index > 0):
                embeddings[here] = teacher.embed(found).float().cpu().numpy()
            spectra[here] = found.cpu().numpy()
        save(args.work / f"log_mel_{index:02d}.npy", spectra)
        save(args.work / f"embeddings_{index:02d}.npy", embeddings)
        save(last, np.array([fold for _, fold in signals], np.int8))


if __name__ == "__main__":
    main()

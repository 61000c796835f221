"""Step 1: let YAMNet listen to the training material and keep what it hears.

The material comes in rounds. Round 0 is the clips of folds 1 to 4 as they are. Every later round
holds each of these clips once more, at a random offset, level and speed: two fifths alone, two fifths
mixed with a second clip, one fifth with two more, a third of all with noise; and one tenth as many
synthetic signals. What is kept of a round is ``log_mel_RR.npy`` (n, 528, 64), ``embeddings_RR.npy``
(n, 10, 1024) and ``folds_RR.npy`` (n,), where the fold of a mixture is the largest of its clips', and
that of a synthetic signal 0. Scores need no keeping: they follow from the embeddings.
"""

from __future__ import annotations

import numpy as np
import soxr
import torch
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
BATCH = 8
"""Signals that the teacher hears at once."""


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


def augmented(
    waveforms: list[np.ndarray],
    folds: np.ndarray,
    bank: list[np.ndarray],
    rng: np.random.Generator,
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

    signals = []
    for first in tqdm(rng.permutation(len(waveforms)), desc="mixing", leave=False):
        signal, fold = varied(waveforms[first], rng), folds[first]
        for _ in range(rng.choice(3, p=[0.4, 0.4, 0.2])):
            if rng.uniform() < 0.1:
                other = synthetic.clip(seconds + 0.1, bank, rng)[:CLIP_SAMPLES]
            else:
                second = rng.integers(len(waveforms))
                other, fold = varied(waveforms[second], rng), max(fold, folds[second])
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
    parser.add_argument("--rounds", type=int, default=25, help="rounds of material, the first plain")
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
            signals = augmented(waveforms, np.array(folds), bank, np.random.default_rng([args.seed, index]))
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

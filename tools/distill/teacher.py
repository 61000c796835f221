"""Step 1: let YAMNet listen to the training material and keep what it says.

The material comes in rounds. Round 0 is the clips of folds 1 to 4 as they are. Every later round
holds each of these clips once more: one half alone, one half mixed with another clip, all at random
offsets and gains; and one tenth as many synthetic signals. What is kept, per round, is
``patches_RR.npy`` (n, 96, 64), ``embeddings_RR.npy`` (n, 1024) and ``folds_RR.npy`` (n,), where the
fold of a mixture is the larger of its two, and of a synthetic signal 0. Scores need no keeping:
they follow from the embeddings.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from . import synthetic
from .common import (
    EMBEDDING_SIZE,
    MEL_BANDS,
    PATCH_FRAMES,
    SAMPLE_RATE,
    TEST_FOLD,
    argument_parser,
    list_clips,
    patches_of,
    quiet_tensorflow,
    read_clip,
    teacher_folder,
)

CLIP_SECONDS = 5
FRAMES_PER_CLIP = 10


def augmented(
    waveforms: list[np.ndarray],
    folds: np.ndarray,
    bank: list[np.ndarray],
    rng: np.random.Generator,
) -> list[tuple[np.ndarray, int]]:
    """Make the signals of one augmented round.

    Parameters
    ----------
    waveforms : list of ndarray of float32, shape (80000,)
        The clips, at 16 kHz.
    folds : ndarray of int, shape (n_clips,)
    bank : list of ndarray
        Spoken sentences for the synthetic signals.
    rng : numpy.random.Generator

    Returns
    -------
    list of (ndarray of float32, shape (80000,), int)
        Waveforms in [-1, 1] with their folds.
    """
    n = CLIP_SECONDS * SAMPLE_RATE
    signals: list[tuple[np.ndarray, int]] = []

    def level(waveform: np.ndarray) -> np.ndarray:
        peak = max(float(np.abs(waveform).max()), 1e-6)
        loud = waveform / max(1.0, peak) * 10 ** (rng.uniform(-32, 8) / 20)
        return np.clip(loud, -1, 1).astype(np.float32)

    order = rng.permutation(len(waveforms))
    for position, first in enumerate(order):
        a, fold = np.roll(waveforms[first], rng.integers(n)), int(folds[first])
        if position % 2:
            if rng.uniform() < 0.1:
                b = synthetic.clip(CLIP_SECONDS, bank, rng)
            else:
                second = rng.integers(len(waveforms))
                b, fold = np.roll(waveforms[second], rng.integers(n)), max(fold, folds[second])
            a = a + b * np.float32(10 ** (rng.uniform(-12, 12) / 20))
        signals.append((level(a), int(fold)))
    for _ in range(len(waveforms) // 10):
        signals.append((level(synthetic.clip(CLIP_SECONDS, bank, rng)), 0))
    return signals


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of material, the first plain")
    args = parser.parse_args()
    quiet_tensorflow()
    import tensorflow_hub as hub

    args.work.mkdir(parents=True, exist_ok=True)
    teacher = hub.load(str(teacher_folder(args.teacher, args.work)))
    paths, folds, _ = list_clips(args.audio)
    training = [(p, f) for p, f in zip(paths, folds, strict=True) if f != TEST_FOLD]
    folds = np.array([f for _, f in training])
    n = CLIP_SECONDS * SAMPLE_RATE
    waveforms = [np.pad(read_clip(p)[:n], (0, n))[:n] for p, _ in tqdm(training, desc="reading clips")]
    bank = synthetic.speech_bank(200, np.random.default_rng(args.seed))

    for index in range(args.rounds):
        last = args.work / f"folds_{index:02d}.npy"
        if last.exists():
            continue
        rng = np.random.default_rng([args.seed, index])
        signals = (
            augmented(waveforms, folds, bank, rng)
            if index
            else [(w, int(f)) for w, f in zip(waveforms, folds, strict=True)]
        )
        size = len(signals) * FRAMES_PER_CLIP
        patches = np.empty((size, PATCH_FRAMES, MEL_BANDS), np.float16)
        embeddings = np.empty((size, EMBEDDING_SIZE), np.float16)
        for i, (waveform, _) in enumerate(tqdm(signals, desc=f"round {index}")):
            _, embedding, log_mel = teacher(waveform)
            here = slice(i * FRAMES_PER_CLIP, (i + 1) * FRAMES_PER_CLIP)
            patches[here] = patches_of(log_mel.numpy())
            embeddings[here] = embedding.numpy()
        save(args.work / f"patches_{index:02d}.npy", patches)
        save(args.work / f"embeddings_{index:02d}.npy", embeddings)
        save(last, np.repeat([f for _, f in signals], FRAMES_PER_CLIP).astype(np.int8))


def save(path: Path, array: np.ndarray) -> None:
    """Write an array under another name first, so that a broken run leaves no broken file.

    Parameters
    ----------
    path : Path
    array : ndarray
    """
    partial = path.with_name(path.name + ".part")
    with open(partial, "wb") as file:
        np.save(file, array)
    partial.replace(path)


if __name__ == "__main__":
    main()

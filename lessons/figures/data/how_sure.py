"""What lesson 5 measures: nearest neighbours, a bootstrap, and what a classifier's 60 % means."""

import json
from collections.abc import Callable

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from course_utils import audio, datasets, evaluation, features, models

from . import HERE, real, save_strip

SEED = 2022  # of the lesson's shuffle
DOG = "4-199261-A-0.wav"  # the clip that is cut; two of its windows fall into one part
RIGHT, TESTED, DRAWS = 380, 400, 5000  # the lesson's head over five folds; draws of its bootstrap
EDGES = (0, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1)  # of what the classifier says


def leakage(names: list, embeddings: np.ndarray, y: np.ndarray, fold: np.ndarray) -> dict:
    """Return each window's nearest training window by both ways of splitting, for one clip."""
    clip, n_windows = names.index(DOG), embeddings.shape[1]
    by_recording = np.repeat(fold[:, np.newaxis], n_windows, axis=1)
    shuffled = np.random.default_rng(SEED).permutation(by_recording.ravel())
    parts = {"honest": by_recording, "leaked": shuffled.reshape(by_recording.shape)}
    found = {}
    for way, part in parts.items():
        nearest = np.zeros((*part.shape, 2), int)
        for k in range(1, 6):
            neighbours = NearestNeighbors(n_neighbors=1, metric="cosine").fit(embeddings[part != k])
            rows = neighbours.kneighbors(embeddings[part == k], return_distance=False)[:, 0]
            nearest[part == k] = np.argwhere(part != k)[rows]
        accuracy = np.mean(y[nearest[..., 0]] == y[:, np.newaxis])
        own = [[names[i], int(window)] for i, window in nearest[clip]]
        found[way] = {"accuracy": accuracy, "part": part[clip].tolist(), "nearest": own}
    return found


def bootstrap() -> dict:
    """Return how often each count of right clips came, and three draws.

    A draw is written as how many times each clip was drawn, the clips that were right first.
    """
    rng = np.random.default_rng(513)  # its first three draws differ, and in order
    times = rng.multinomial(TESTED, np.full(TESTED, 1 / TESTED), size=DRAWS)
    counts, often = np.unique(times[:, :RIGHT].sum(axis=1), return_counts=True)
    interval = evaluation.bootstrap_interval(np.arange(TESTED) < RIGHT)
    draws = ["".join(map(str, draw)) for draw in times[:3]]
    table = {"counts": counts.tolist(), "often": often.tolist()}
    return {"right": RIGHT, "tested": TESTED, "interval": interval, "draws": draws} | table


def calibration(means: np.ndarray, y: np.ndarray, fold: np.ndarray) -> list[dict]:
    """Return by bins how often the lesson's logistic regression is right, over all five folds."""
    shares = np.zeros((len(y), y.max() + 1))
    for test in range(1, 6):
        train = ~np.isin(fold, (test, (test - 2) % 5 + 1))
        model = LogisticRegression(max_iter=1000).fit(means[train], y[train])
        shares[fold == test] = model.predict_proba(means[fold == test])
    says, right, bins = shares.max(axis=1), shares.argmax(axis=1) == y, []
    for number in range(1, len(EDGES)):
        own = np.digitize(says, EDGES[:-1]) == number
        counts = {"clips": int(own.sum()), "right": int(right[own].sum())}
        interval = evaluation.wilson_interval(counts["right"], counts["clips"])
        bins.append({"says": says[own].mean(), "interval": interval} | counts)
    return bins


def strips(yamnet: Callable, neighbour: list) -> None:
    """Save spectrograms: of the clip, of two of its windows, of the other clip and of its window.

    Both clips are also saved at half the size, in which they stand side by side.
    """

    def strip(clip: str, name: str) -> None:
        waveform = audio.load(real("esc50-animals").path / clip, models.YAMNET_RATE)
        levels = yamnet(waveform)[2].numpy()[:500]
        save_strip(levels, name)
        save_strip(levels.reshape(len(levels) // 2, 2, -1).mean(axis=1), f"{name}_half")

    def window(i: int, whole: str, name: str) -> None:
        with Image.open(HERE / f"{whole}.png") as picture:
            part = picture.crop((48 * i, 0, 48 * i + 96, picture.height))
        part.save(HERE / f"{name}.png", optimize=True)

    other, number = neighbour
    strip(DOG, "leakage_clip")
    window(1, "leakage_clip", "leakage_test")
    window(2, "leakage_clip", "leakage_next")
    strip(other, "leakage_other")
    window(number, "leakage_other", "leakage_other")


if __name__ == "__main__":
    models.start_tensorflow()
    import tensorflow_hub as hub

    yamnet = hub.load(str(real("yamnet").path))
    metadata = datasets.esc50_metadata()
    animals = metadata[metadata["category"].isin(datasets.ANIMALS)].reset_index(drop=True)
    names = animals["filename"].tolist()
    heard = features.extract(names, yamnet)
    embeddings = np.stack([clip.embeddings for clip in heard])
    means = np.stack([clip.embeddings[clip.levels > 0].mean(axis=0) for clip in heard])
    y = np.array([list(datasets.ANIMALS).index(category) for category in animals["category"]])
    fold = animals["fold"].to_numpy()
    numbers = {"leakage": leakage(names, embeddings, y, fold), "bootstrap": bootstrap()}
    numbers["calibration"] = calibration(means, y, fold)
    strips(yamnet, numbers["leakage"]["honest"]["nearest"][1])
    bins = numbers["calibration"]
    expected, right = sum(own["says"] * own["clips"] for own in bins), sum(own["right"] for own in bins)
    print(f"the percentages add up to {expected:.0f} right answers; {right} were right")
    (HERE / "how_sure.json").write_text(json.dumps(numbers) + "\n", encoding="utf-8")

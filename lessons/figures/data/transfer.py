"""Of ten animals: spectrograms of a clip each, and where 400 clips lie on a map and in folds."""

import csv
import tempfile

import numpy as np

from course_utils import assets, datasets, features, models
from course_utils.widgets.embedding_map import mean_with_sound, places, unit_length
from lessons.figures.transfer import MIXED, on_map

from . import HERE, real, save_strip

CLIPS = {
    "dog": "1-30344-A-0.wav",
    "cat": "1-34094-A-5.wav",
    "cow": "1-69422-A-3.wav",
    "sheep": "1-49409-B-8.wav",
    "pig": "1-260640-A-2.wav",
    "rooster": "1-40730-A-1.wav",
    "hen": "1-5996-A-6.wav",
    "crow": "1-75162-A-9.wav",
    "frog": "1-15689-A-4.wav",
    "crickets": "1-57316-A-13.wav",
}
MEOW = slice(192, 288)  # frames of one window


def cricket() -> np.ndarray:
    """Return the cricket that lesson 3 computes, shape (80000,)."""
    time = np.arange(5 * 16000) / 16000
    pulses = np.sin(2 * np.pi * 30 * time).clip(min=0) * (time % 0.5 < 0.16)
    noise = np.random.default_rng(seed=0).normal(scale=0.002, size=len(time))
    return (0.3 * pulses * np.sin(2 * np.pi * 4500 * time) + noise).astype(np.float32)


if __name__ == "__main__":
    models.start_tensorflow()
    import tensorflow_hub as hub

    yamnet = hub.load(str(real("yamnet").path))
    for animal, filename in CLIPS.items():
        log_mel = yamnet(datasets.load_clip(filename))[2].numpy()[:500]
        save_strip(log_mel.reshape(-1, 4, 64).mean(axis=1), f"animal_{animal}", span=7.5)
        if animal == "cat":
            save_strip(log_mel[MEOW], "meow", span=7.5)

    metadata = datasets.esc50_metadata()
    animals = metadata[metadata["category"].isin(datasets.ANIMALS)].reset_index(drop=True)
    with (
        tempfile.TemporaryDirectory() as empty,
        assets.using(assets.Store("embedded", cache=empty)),
    ):
        heard = features.extract(animals["filename"], yamnet)  # those that the course ships
    means = np.stack([clip.embeddings[clip.levels > 0].mean(axis=0) for clip in heard])
    spots = places(means)
    x, y, width, height = MIXED
    across, down = on_map(*spots.T)
    inside = ((across - x) / width - 0.5) ** 2 + ((down - y) / height - 0.5) ** 2 < 0.25
    scores, silence = (
        np.stack([clip.scores.mean(axis=0) for clip in heard]),
        models.class_names(yamnet).index("Silence"),
    )
    quiet = scores.argmax(axis=1) == silence
    print(
        f"Silence is YAMNet's highest label in {quiet[inside].sum()} of {inside.sum()} clips of the mixed group,",
        end=" ",
    )
    print(f"and in {quiet[~inside].sum()} of the other {(~inside).sum()}")
    nearest = np.argsort(-unit_length(means) @ mean_with_sound(cricket(), yamnet))[:5]
    with open(HERE / "animals.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["animal", "fold", "recording", "x", "y"])
        columns = (animals[name] for name in ("category", "fold", "source"))
        for *clip, (x, y) in zip(*columns, spots, strict=True):
            table.writerow([*clip, f"{x:.4f}", f"{y:.4f}"])
        x, y = spots[nearest].mean(axis=0)
        table.writerow(["synthetic cricket", "", "", f"{x:.4f}", f"{y:.4f}"])

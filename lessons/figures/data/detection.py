"""The metro mixture of lesson 4: its spectrogram, and what the lesson's detector makes of it.

It needs only ``COURSE_ASSETS=embedded``, whose pack was computed by the real YAMNet. The classifier
is trained as in the lesson.
"""

import json

import numpy as np

from course_utils import datasets, events, features, models

from . import HERE, save_strip

SEED, HOP = 2022, 0.5


def listen(mixture: datasets.Soundscape, classes: list[str]) -> tuple[np.ndarray, float]:
    """Return the scores of the windows of a mixture, and the threshold that fold 4 gives."""
    models.start_tensorflow()
    import tensorflow as tf
    import tensorflow_hub as hub

    yamnet = hub.load(models.yamnet_path())
    animals = datasets.esc50_metadata().query("category in @classes")
    heard = features.extract(animals["filename"], yamnet)
    embeddings = np.stack([clip.embeddings for clip in heard])
    y = np.array([classes.index(category) for category in animals["category"]])

    def examples(*folds: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = animals["fold"].isin(folds).to_numpy()
        return embeddings[chosen].reshape(-1, 1024), np.repeat(y[chosen], embeddings.shape[1])

    tf.keras.utils.set_random_seed(SEED)
    layers = tf.keras.layers
    hidden, output = layers.Dense(512, activation="relu"), layers.Dense(10, activation="softmax")
    classifier = tf.keras.Sequential([layers.Input((1024,)), hidden, output])
    classifier.compile("adam", "sparse_categorical_crossentropy")
    stop = tf.keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
    valid = examples(4)
    training = {"epochs": 100, "callbacks": [stop], "verbose": 0}
    classifier.fit(*examples(1, 2, 3), validation_data=valid, **training)

    scores = classifier.predict(valid[0], verbose=0)
    highest, right = scores.max(axis=1), scores.argmax(axis=1) == valid[1]
    candidates = np.arange(0.05, 1.0, 0.01)
    threshold = next(c for c in candidates if right[highest > c].mean() >= 0.9)
    windows = features.extract([mixture], yamnet, hop=HOP)[0].embeddings
    return classifier.predict(windows, verbose=0), float(threshold)


if __name__ == "__main__":
    mixture, classes = datasets.metro_mixture(datasets.metro_recipe()), list(datasets.ANIMALS)
    scores, threshold = listen(mixture, classes)
    found = events.events_from_scores(scores, classes, HOP, models.YAMNET_WINDOW, threshold)
    # 801 frames of 10 ms are the eight seconds; YAMNet pads them further
    save_strip(mixture.log_mel[: round(100 * mixture.duration)], "metro_mixture")
    numbers = {
        "duration": mixture.duration,
        "threshold": round(threshold, 2),
        "windows": [[classes[s.argmax()], round(float(s.max()), 3)] for s in scores],
        "events": found.round(3).to_numpy().tolist(),
        "reference": mixture.reference.round(3).to_numpy().tolist(),
    }
    (HERE / "detection.json").write_text(json.dumps(numbers, indent=1) + "\n")

"""What a lesson shows before it builds it: a mixture to hear, and the finished detector at work."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import numpy as np

from course_utils import audio, datasets, features, models
from course_utils.events import events_from_scores

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import HTML

SEED, HOP = 2022, 0.5


def listen(soundscape: datasets.Soundscape, label: str) -> HTML:
    """Return a player of a mixture; without its audio, of a sound rebuilt from its log-mel spectrogram.

    Notebook: 04_sound_event_detection

    Parameters
    ----------
    soundscape : course_utils.datasets.Soundscape
        The mixture.
    label : str
        What it is. The caption says so where the sound is rebuilt.

    Returns
    -------
    IPython.display.HTML
        For the cell to show.
    """
    if soundscape.waveform is not None or soundscape.log_mel is None:
        return audio.play(soundscape.waveform, soundscape.sample_rate, label)
    return audio.play(rebuilt(soundscape.log_mel), models.YAMNET_RATE, f"{label}: rebuilt from its spectrogram")


def rebuilt(log_mel: np.ndarray) -> np.ndarray:
    """Return a sound that has a given log-mel spectrogram: rougher than the recording, since its phases are lost.

    Source: D. Griffin and J. Lim, Signal estimation from modified short-time Fourier transform, IEEE TASSP 32 (1984)
    236-243, by ``librosa.griffinlim``.

    Parameters
    ----------
    log_mel : ndarray, shape (n_frames, 64)
        As YAMNet computes it: log(mel + 0.001), a frame every 0.01 s at 16 kHz.

    Returns
    -------
    ndarray, shape (n_samples,)
        At 16 kHz, with a peak of 0.9.
    """
    import librosa

    rate = models.YAMNET_RATE
    bands = librosa.filters.mel(sr=rate, n_fft=512, n_mels=64, fmin=125, fmax=7500, htk=True, norm=None)
    mel = np.maximum(np.exp(np.asarray(log_mel, np.float32).T) - 0.001, 0)
    magnitude = np.maximum(np.linalg.pinv(bands) @ mel, 0)
    frames = {"hop_length": rate // 100, "win_length": rate // 40, "n_fft": 512}
    return 0.9 * audio.normalise_peak(librosa.griffinlim(magnitude, n_iter=32, random_state=0, **frames))


def simple_detector(soundscape: datasets.Soundscape) -> tuple[np.ndarray, pd.DataFrame]:
    """Train the simple detector of the detection lesson, as the lesson does it by hand, and let it hear a mixture.

    Notebook: 04_sound_event_detection

    Parameters
    ----------
    soundscape : course_utils.datasets.Soundscape
        The mixture.

    Returns
    -------
    log_mel : ndarray, shape (n_frames, 64)
        The mixture as YAMNet sees it.
    events : pandas.DataFrame
        What the detector reports: ``label``, ``onset`` and ``offset`` in seconds.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # the lesson says it again, step by step
        models.start_tensorflow()
        import tensorflow as tf
        import tensorflow_hub as hub

        yamnet, classes = hub.load(models.yamnet_path()), list(datasets.ANIMALS)
        animals = datasets.esc50_metadata().query("category in @classes")
        embeddings = np.stack([clip.embeddings for clip in features.extract(animals["filename"], yamnet)])
        y = np.array([classes.index(category) for category in animals["category"]])

        def examples(*folds: int) -> tuple[np.ndarray, np.ndarray]:
            chosen = animals["fold"].isin(folds).to_numpy()
            return embeddings[chosen].reshape(-1, embeddings.shape[2]), np.repeat(y[chosen], embeddings.shape[1])

        tf.keras.utils.set_random_seed(SEED)
        layers = tf.keras.layers
        hidden, output = layers.Dense(512, activation="relu"), layers.Dense(len(classes), activation="softmax")
        classifier = tf.keras.Sequential([layers.Input(embeddings.shape[2:]), hidden, output])
        classifier.compile("adam", "sparse_categorical_crossentropy")
        stop = tf.keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)
        valid = examples(4)
        classifier.fit(*examples(1, 2, 3), validation_data=valid, epochs=100, callbacks=[stop], verbose=0)

        scores = classifier.predict(valid[0], verbose=0)
        highest, right = scores.max(axis=1), scores.argmax(axis=1) == valid[1]
        candidates = np.arange(0.05, 1.0, 0.01)
        threshold = next(c for c in candidates if right[highest > c].mean() >= 0.9)
        heard = features.extract([soundscape], yamnet, hop=HOP)[0].embeddings
        scores = classifier.predict(heard, verbose=0)
        events = events_from_scores(scores, classes, HOP, models.YAMNET_WINDOW, threshold)
        picture = soundscape.log_mel if soundscape.waveform is None else yamnet(soundscape.waveform)[2].numpy()
    return picture, events

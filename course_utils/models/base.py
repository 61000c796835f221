"""What the networks have in common: how they are called, and how TensorFlow starts."""

import os
import tempfile
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np


class Output(NamedTuple):
    """What a network says about a waveform, with one row per window.

    Attributes
    ----------
    scores : ndarray, shape (n_windows, n_labels)
        In [0, 1].
    embeddings : ndarray, shape (n_windows, n_dimensions)
        The layer below the scores.
    """

    scores: np.ndarray
    embeddings: np.ndarray


@runtime_checkable
class EmbeddingModel(Protocol):
    """A network that turns a waveform into scores and embeddings.

    A model may also have two short cuts. ``many(waveforms)`` returns the outputs of several waveforms in one go.
    ``dense(waveforms, hop)`` returns those of windows every ``hop`` seconds, or None if it can't.

    Attributes
    ----------
    family : str
        Whose shipped features may replace its own, for instance ``"yamnet"``.
    id : str
        A name that changes with the weights.
    sample_rate : int
        Of the waveforms it takes, in Hz.
    window, hop : float
        Length of its windows, and time from the start of one to the start of the next, in seconds.
    labels : list of str
        Names of the classes, in the order of the scores.
    """

    family: str
    id: str
    sample_rate: int
    window: float
    hop: float
    labels: list[str]

    def __call__(self, waveform: np.ndarray) -> Output:
        """Return scores and embeddings of a waveform, shape (n_samples,), at the model's sample rate."""


def start_tensorflow() -> None:
    """Import TensorFlow and TensorFlow Hub without the start-up notes that their C++ side prints.

    ``TF_CPP_MIN_LOG_LEVEL`` does not reach the notes of the first second (tensorflow/tensorflow issue 100442). If the
    import fails, the notes appear after all.

    Notebook: all but 01_audio_tagging
    """
    with tempfile.TemporaryFile() as notes, open(os.dup(2), "wb") as stderr:
        os.dup2(notes.fileno(), 2)
        try:
            import tensorflow as tf
            import tensorflow_hub  # noqa: F401

            tf.config.list_physical_devices()
            tf.get_logger().setLevel("WARNING")  # saving a model is worth no line on stderr
        except BaseException:
            notes.seek(0)
            stderr.write(notes.read())
            raise
        finally:
            os.dup2(stderr.fileno(), 2)

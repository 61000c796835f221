"""What the networks have in common: how they are called, and how TensorFlow starts."""

import io
import os
import pickle
import re
import tempfile
import types
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

# What a checkpoint may name: the parts of tensors and of NumPy's arrays. Whatever else it names is not called.
HARMLESS = {
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    *(("torch", f"{kind}Storage") for kind in ("Float", "Half", "Double", "Long", "Int", "Short", "Byte", "Bool")),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
FULL = "out of memory|not enough memory"  # what PyTorch says in errors that have no class of their own


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


def load(checkpoint: bytes, weights_only: bool) -> Any:
    """Return what a checkpoint of PyTorch holds; nothing that it names is run.

    The files of PANNs hold more than weights, which ``torch.load(weights_only=True)`` refuses unless it is allowed for
    the whole process. An unpickler with a list of its own allows it for this file alone. But ``torch.load`` takes none
    where the environment sets ``TORCH_FORCE_WEIGHTS_ONLY_LOAD``. Then the parts of ``torch.load`` are called, with the
    same list.

    Parameters
    ----------
    weights_only : bool
        Whether it holds nothing but weights.

    Raises
    ------
    Exception
        Of many kinds, if it is no checkpoint; ``pickle.UnpicklingError`` if it names what is not on the list.
    """
    import torch

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in HARMLESS:
                raise pickle.UnpicklingError(f"it names {module}.{name}")
            return super().find_class(module, name)

    only = types.SimpleNamespace(Unpickler=Unpickler, load=lambda file, **options: Unpickler(file, **options).load())
    only.__name__ = "weights"
    file = io.BytesIO(checkpoint)
    if os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "").lower() in ("1", "y", "yes", "true"):
        if checkpoint.startswith(b"PK"):  # a zip file; before PyTorch 1.6 they were none
            return torch.serialization._load(torch._C.PyTorchFileReader(file), "cpu", only, encoding="utf-8")
        return torch.serialization._legacy_load(file, "cpu", only, encoding="utf-8")
    return torch.load(file, "cpu", None if weights_only else only, weights_only=weights_only)


class Ladder:
    """Where a PyTorch network computes: on the GPU in batches that fit, and on the CPU if not even one clip does.

    Parameters
    ----------
    device : str
        Where to begin: ``"cuda"`` or ``"mps"`` if it is there, otherwise on the CPU.
    move : callable
        Called with a device, to move the weights there.

    Attributes
    ----------
    device : {"cuda", "mps", "cpu"}
        Where it computes now.
    at_once : int or None
        How many clips have fitted at once; None while all have.
    """

    def __init__(self, device: str, move: Callable[[str], None]):
        import torch

        there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
        kind = str(device).split(":")[0]
        self.device, self.at_once, self._move = kind if kind in there and there[kind]() else "cpu", None, move
        move(self.device)

    def __call__(self, forward: Callable[[Any], tuple], batch: np.ndarray) -> list[np.ndarray]:
        """Return what ``forward`` makes of a batch: an array for each tensor that it returns.

        Parameters
        ----------
        forward : callable
            Takes a tensor of shape (n, ...) on the device, and returns tensors of shape (n, ...).
        batch : ndarray, shape (n_clips, ...)
            Float32.

        Raises
        ------
        MemoryError
            If there is no room on the CPU either.
        """
        import torch

        parts, done = [], 0
        while done < len(batch):
            some = batch[done : done + (self.at_once or len(batch))]
            try:
                with torch.no_grad():
                    heard = forward(torch.as_tensor(some, device=self.device))
                parts.append([part.numpy(force=True) for part in heard])
                done += len(some)
            except (RuntimeError, TypeError) as error:
                full = isinstance(error, torch.OutOfMemoryError) or bool(re.search(FULL, str(error)))
                if not full and self.device != "mps":  # Apple's GPUs can't compute everything
                    raise
                why = error
            else:
                continue
            self._step_down(why, full, len(some))
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _step_down(self, why: Exception, full: bool, size: int) -> None:
        """Take half as many clips at once, or go to the CPU and say so."""
        if full and size > 1:
            self.at_once = size // 2
        elif self.device == "cpu":
            raise MemoryError("There is no room in memory for this clip. Cut it into shorter ones.") from why
        else:
            print(f"The GPU {'has no room for this' if full else 'cannot compute this'}. We go on with the CPU.")
            self.device, self.at_once = "cpu", None
            self._move("cpu")


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

"""The pretrained networks, one module each, and what they have in common.

To add a network, write one module in this folder with a class that is an :class:`EmbeddingModel`, and a table in
``assets.toml`` that names the module. If the network can answer for PANNs, the table says so in ``speaks_for``, and the
module has a class ``Tagger(asset, device)`` with a ``name``, ``tagging(batch)`` and ``detection(batch)``.
"""

from importlib import import_module
from typing import Any

import numpy as np

from course_utils import assets, audio, datasets

from .base import EmbeddingModel, Output, start_tensorflow
from .efficientat import EfficientAT, mn04_path
from .panns import PANNS_FRAME_RATE, PANNS_MIN_SECONDS, PANNS_RATE
from .yamnet import YAMNET_HOP, YAMNET_RATE, YAMNET_WINDOW, YAMNet, class_names, yamnet_path

__all__ = ["PANNS_FRAME_RATE", "PANNS_MIN_SECONDS", "PANNS_RATE", "YAMNET_HOP", "YAMNET_RATE",
           "YAMNET_WINDOW", "AudioTagging", "EfficientAT", "EmbeddingModel", "Output",
           "SoundEventDetection", "class_names", "device", "mn04_path", "start_tensorflow", "wrap",
           "yamnet_path"]  # fmt: skip


def wrap(model: Any) -> EmbeddingModel:
    """Return a model as an :class:`EmbeddingModel`: wrap YAMNet as ``hub.load`` returns it, leave others alone.

    Raises
    ------
    TypeError
        If the model is neither; the message says what is missing.
    """
    if hasattr(model, "class_map_path"):
        return YAMNet(model)
    required = (*EmbeddingModel.__annotations__, "__call__")
    if missing := [name for name in required if not hasattr(model, name)]:
        got = f"Expected a network, got {type(model).__name__} without {', '.join(missing)}"
        raise TypeError(f"{got}. Give it YAMNet from hub.load, or a models.EmbeddingModel.")
    return model


def device() -> str:
    """Choose where PyTorch computes and print why: ``"cuda"``, else ``"mps"`` (Apple), else ``"cpu"``.

    Notebook: 01_audio_tagging
    """
    import torch

    choice, why = "cpu", "PyTorch finds no GPU here, and the course doesn't need one"
    if torch.cuda.is_available():
        choice, why = "cuda", torch.cuda.get_device_name(0)
    elif torch.backends.mps.is_available():
        choice, why = "mps", "PyTorch finds an Apple GPU"
    print(f"Device: {choice} ({why}).")
    return choice


# --- PANNs, and who answers where they are not available ---


def _check_batch(batch: Any) -> np.ndarray:
    """Return a batch for CNN14 as float32, shape (n_clips, n_samples), or say what is wrong with it."""
    try:
        batch = np.asarray(batch)
    except ValueError as error:
        raise ValueError("The clips differ in length. Cut or pad them to one length, or tag each alone.") from error
    if batch.ndim != 2 or batch.shape[0] > 8 * batch.shape[1] > 0:
        hint = "Use waveform[np.newaxis]." if batch.ndim < 2 else "Average the channels, or use audio.load."
        raise ValueError(f"Expected shape (n_clips, n_samples), got {batch.shape}. {hint}")
    if not len(batch):
        raise ValueError("The batch is empty. Put at least one clip into it.")
    return np.stack([audio.check_waveform(clip, PANNS_RATE, PANNS_MIN_SECONDS) for clip in batch])


class _Panns:
    """What AudioTagging and SoundEventDetection share: which network answers, and the names of the 527 classes."""

    def __init__(self, device: str = "cpu"):
        store = assets.store()
        asset = store.speaker(self.asset_name)
        module = import_module(f".{store.assets[asset.name]['module']}", __name__)
        self._model = module.Tagger(asset, str(device))
        self.labels = datasets.audioset_labels()["display_name"].to_list()
        self.name = self._model.name
        if asset.name != self.asset_name:
            self.name += f", in place of {store.assets[self.asset_name]['title'].split(',')[0]}"
        print(f"Model: {self.name}.")


class AudioTagging(_Panns):  # numpydoc ignore=PR02
    """CNN14 as an audio tagger: the network of panns-inference with a verified checkpoint.

    If the checkpoint is not available, a smaller network answers, with scores for the same 527 labels and embeddings of
    its own. It is EfficientAT mn04, or YAMNet if that is not available either. ``name`` says which.

    Source: Q. Kong et al., PANNs, IEEE/ACM TASLP 28 (2020) 2880-2894.

    Notebook: 01_audio_tagging, 02_yamnet

    Parameters
    ----------
    device : {"cpu", "cuda", "mps"}
        As :func:`device` returns it. If there is no such device, or no room on it, the network runs on the CPU.
    """

    asset_name = "cnn14"

    def inference(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tag clips.

        Parameters
        ----------
        batch : array_like, shape (n_clips, n_samples)
            Samples in [-1, 1] at 32 kHz, at least one second.

        Returns
        -------
        clipwise_output : ndarray, shape (n_clips, 527)
            Score of each class in [0, 1].
        embedding : ndarray, shape (n_clips, n_dimensions)
            The layer below the scores: 2048 values of CNN14, 384 of EfficientAT mn04, 1024 of YAMNet.

        Raises
        ------
        TypeError, ValueError
            If the batch is not such an array; the message says what to change.
        """
        return self._model.tagging(_check_batch(batch))


class SoundEventDetection(_Panns):
    """CNN14 as a detector: the network of panns-inference with its own verified checkpoint.

    The parameters, and the networks that answer in its place, are those of :class:`AudioTagging`.

    Source: Q. Kong et al., PANNs, IEEE/ACM TASLP 28 (2020) 2880-2894.

    Notebook: 01_audio_tagging
    """

    asset_name = "cnn14-detection"

    def inference(self, batch: np.ndarray) -> np.ndarray:
        """Score the frames of clips.

        Parameters
        ----------
        batch : array_like, shape (n_clips, n_samples)
            Samples in [-1, 1] at 32 kHz, at least one second.

        Returns
        -------
        ndarray, shape (n_clips, n_frames, 527)
            Score of each class in [0, 1], 100 frames per second.

        Raises
        ------
        TypeError, ValueError
            If the batch is not such an array; the message says what to change.
        """
        return self._model.detection(_check_batch(batch))

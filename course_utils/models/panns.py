"""CNN14 of the PANNs, run by panns-inference on verified files, and what its stand-ins need to know.

Source: Q. Kong et al., PANNs, IEEE/ACM TASLP 28 (2020) 2880-2894.
"""

import csv
import importlib
import io
import sys
import threading
import types
from typing import Any

import numpy as np

from course_utils import assets, datasets
from course_utils.models.base import Ladder, load

PANNS_RATE = 32000  # Hz
PANNS_FRAME_RATE = 100  # frames per second: a hop of 320 samples
LOCK = threading.Lock()  # of two threads, one imports panns-inference
PANNS_MIN_SECONDS = 1.0  # CNN14 halves the time axis five times; below a third of a second nothing is left


def interpolate(scores: np.ndarray, hop: float, n_samples: int) -> np.ndarray:
    """Return scores of frames, 100 per second, from those of windows.

    Parameters
    ----------
    scores : ndarray, shape (n_clips, n_windows, n_labels)
        Window ``i`` is centred at ``i * hop``.
    hop : float
        In seconds.
    n_samples : int
        Length of the clips, at 32 kHz.

    Returns
    -------
    ndarray, shape (n_clips, n_samples // 320 + 1, n_labels)
        The first frame is at 0 s.
    """
    place = np.minimum(np.arange(n_samples // 320 + 1) / PANNS_FRAME_RATE / hop, scores.shape[1] - 1)
    left, right = np.floor(place).astype(int), np.ceil(place).astype(int)
    weight = (place - left)[:, np.newaxis]
    return (1 - weight) * scores[:, left] + weight * scores[:, right]


def _weights(checkpoint: bytes) -> dict[str, Any]:
    """Return the weights in a checkpoint of PANNs, whatever else it holds; nothing that it names is run.

    Raises
    ------
    ValueError
        If it is no such checkpoint, or names what is not on the list of :func:`course_utils.models.base.load`.
    """
    try:
        return load(checkpoint, weights_only=False)["model"]
    except Exception as error:  # whatever breaks first in a file of something else
        raise ValueError(f"This is no checkpoint of PANNs ({str(error)[:80]}). Download it again.") from error


def _networks() -> Any:
    """Return the module of panns-inference with its networks.

    Its import looks for the labels in the home folder, and runs ``wget`` if they are not there. So they are given to it
    beforehand, as the module that reads them would.
    """
    name = "panns_inference.config"
    with LOCK:
        if name not in sys.modules:
            config, rows = types.ModuleType(name), list(csv.reader(io.StringIO(datasets.audioset_csv())))[1:]
            config.sample_rate, config.classes_num = PANNS_RATE, len(rows)
            config.ids, config.labels = [row[1] for row in rows], [row[2] for row in rows]
            config.lb_to_ix = {label: i for i, label in enumerate(config.labels)}
            config.ix_to_lb = dict(enumerate(config.labels))
            config.id_to_ix = {one: i for i, one in enumerate(config.ids)}
            config.ix_to_id = dict(enumerate(config.ids))
            sys.modules[name] = config
        return importlib.import_module("panns_inference.models")


class Tagger:
    """CNN14, or its sister network for detection, as panns-inference builds them."""

    def __init__(self, asset: assets.Resolved, device: str):
        kind = {"cnn14": "Cnn14", "cnn14-detection": "Cnn14_DecisionLevelMax"}[asset.name]
        window = {"window_size": 1024, "hop_size": 320, "mel_bins": 64, "fmin": 50, "fmax": 14000}
        checkpoint = assets.read(asset)
        network = getattr(_networks(), kind)(sample_rate=PANNS_RATE, **window, classes_num=527)
        try:
            network.load_state_dict(_weights(checkpoint))
        except (RuntimeError, TypeError, AttributeError, ValueError) as error:
            what = f"{str(asset.path)!r} does not hold the weights of CNN14. Download it again."
            raise ValueError(what) from error
        self.network = network.eval()
        self.ladder = Ladder(device, self.network.to)
        self.name = f"CNN14 ({asset.variant}), on {self.ladder.device}"

    def _run(self, batch: np.ndarray, *names: str) -> list[np.ndarray]:
        return self.ladder(lambda waveforms: [self.network(waveforms, None)[name] for name in names], batch)

    def tagging(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return clip scores (n_clips, 527) and embeddings (n_clips, 2048) of a batch (n_clips, n_samples)."""
        return tuple(self._run(batch, "clipwise_output", "embedding"))

    def detection(self, batch: np.ndarray) -> np.ndarray:
        """Return frame scores (n_clips, n_frames, 527) of a batch (n_clips, n_samples)."""
        return self._run(batch, "framewise_output")[0]

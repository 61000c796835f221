"""CNN14 of the PANNs, run by panns-inference on verified files, and what its stand-ins need to know.

Source: Q. Kong et al., PANNs, IEEE/ACM TASLP 28 (2020) 2880-2894.
"""

import contextlib
import io
import os
import warnings
from pathlib import Path

import numpy as np

from course_utils import assets, datasets

PANNS_RATE = 32000  # Hz
PANNS_FRAME_RATE = 100  # frames per second: a hop of 320 samples
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


def _place_labels() -> None:
    """Put the 527 labels where panns-inference reads them at import, unless a complete file is there.

    If the file is missing, panns-inference 0.1.1 runs ``wget`` at import, and keeps an empty file if that fails. A file
    with other content is kept beside the new one, as ``class_labels_indices.csv.bak``.
    """
    target = Path.home() / "panns_data" / "class_labels_indices.csv"
    labels = datasets.audioset_csv().encode()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file() and target.read_bytes() != labels:
            target.replace(target.with_suffix(".csv.bak"))
        if not target.is_file():
            target.write_bytes(labels)
    except OSError as error:
        why = f"panns-inference reads its labels from {target}, which cannot be written ({error.strerror})"
        raise assets.AssetError(f"{why}. Make that folder writable, or set HOME to one that is.") from error


class Tagger:
    """CNN14, or its sister network for detection, as panns-inference calls them."""

    def __init__(self, asset: assets.Resolved, device: str):
        from unittest import mock

        _place_labels()
        kind = "SoundEventDetection" if asset.name == "cnn14-detection" else "AudioTagging"
        # The hash is that of the published file: it may be loaded, though it holds more than weights.
        trusting = mock.patch.dict(os.environ, TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")
        with trusting, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
            import panns_inference

            model = getattr(panns_inference, kind)(checkpoint_path=str(asset.path), device=device)
        self.name = f"CNN14 ({asset.variant}), on {device}"
        self.tagging = self.detection = model.inference

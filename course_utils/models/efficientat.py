"""EfficientAT mn04: 527 AudioSet classes from one million numbers, in plain PyTorch.

The network is a MobileNetV3-large, every width times 0.4, taught by an ensemble of transformers.

Source: F. Schmid, K. Koutini and G. Widmer, *Efficient large-scale audio tagging via
transformer-to-CNN knowledge distillation*, ICASSP 2023; weights from
https://github.com/fschmid56/EfficientAT (MIT). The code here is our own.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import assets, audio, datasets
from course_utils.models.base import Ladder, Output, load
from course_utils.models.panns import interpolate

SAMPLE_RATE, WINDOW = 32000, 10.0  # Hz; s, as in AudioSet
BATCH = 40 * SAMPLE_RATE  # samples that go through the network at once; more is slower on a CPU

# The layers of the 15 blocks: e expands (1 x 1), d filters each channel alone (D: with stride 2),
# s weighs the channels (squeeze and excitation), p projects (1 x 1).
BLOCKS = "dp eDp edp eDsp edsp edsp eDp edp edp edp edsp edsp eDsp edsp edsp".split()


def mel_filters() -> np.ndarray:
    """Return the filters from 513 frequencies of the spectrum to 128 mel bands, float32 (128, 513).

    Triangles of height 1 that are straight in mel, 1127 ln(1 + f / 700), from 0 to 15,000 Hz.
    """
    mel = 1127 * np.log1p(np.linspace(0, SAMPLE_RATE / 2, 513) / 700)
    edges, step = np.linspace(0, 1127 * np.log1p(15000 / 700), 130, retstep=True)
    distances = np.abs(mel - edges[1:-1, np.newaxis]) / step
    return np.maximum(0, 1 - distances).astype(np.float32)


def log_mel(waveforms: Any, filters: Any) -> Any:
    """Return the network's input: the scaled log-mel spectrogram, 100 frames per second.

    Parameters
    ----------
    waveforms : torch.Tensor, shape (n_clips, n_samples)
        Samples in [-1, 1] at 32 kHz, more than 512 of them.
    filters : torch.Tensor, shape (128, 513)
        Of :func:`mel_filters`.

    Returns
    -------
    torch.Tensor, shape (n_clips, 1, 128, n_frames)
        Float32.
    """
    emphasised = waveforms[:, 1:] - 0.97 * waveforms[:, :-1]
    hann = waveforms.new_tensor(np.hanning(800).astype(np.float32))
    spectrum = emphasised.stft(1024, 320, 800, hann, return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    return ((filters @ power + 1e-5).log() + 4.5).div(5).unsqueeze(1)


def network(weights: dict[str, Any], spectrograms: Any) -> tuple[Any, Any]:
    """Send spectrograms through the network.

    Parameters
    ----------
    weights : dict of torch.Tensor
        By the names of the published file. Widths and kernels follow from their shapes.
    spectrograms : torch.Tensor, shape (n_clips, 1, 128, n_frames)
        Of :func:`log_mel`.

    Returns
    -------
    scores : torch.Tensor, shape (n_clips, 527)
        In [0, 1].
    embeddings : torch.Tensor, shape (n_clips, 384)
        The last feature map, averaged over time and frequency.
    """
    from torch.nn.functional import batch_norm, conv2d, hardswish, linear, relu

    def dense(x, name):
        return linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def convolve(x, name, stride=1):
        kernel = weights[f"{name}.0.weight"]  # (outputs, inputs of each, height, width)
        groups, padding = x.shape[1] // kernel.shape[1], kernel.shape[-1] // 2
        norm = (weights[f"{name}.1.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
        return batch_norm(conv2d(x, kernel, None, stride, padding, 1, groups), *norm, eps=0.001)

    x = hardswish(convolve(spectrograms, "features.0", stride=2))
    for number, layers in enumerate(BLOCKS, start=1):
        before, activation = x, relu if number <= 6 else hardswish
        for part, layer in enumerate(layers):
            name = f"features.{number}.block.{part}"
            if layer == "s":
                squeezed = dense(x.mean(dim=(2, 3)), f"{name}.conc_se_layers.0.fc1").relu()
                x = x * dense(squeezed, f"{name}.conc_se_layers.0.fc2").sigmoid()[..., None, None]
            else:
                x = convolve(x, name, stride=2 if layer == "D" else 1)
                x = x if layer == "p" else activation(x)
        x = x + before if x.shape == before.shape else x
    embeddings = hardswish(convolve(x, "features.16")).mean(dim=(2, 3))
    hidden = hardswish(dense(embeddings, "classifier.2"))
    return dense(hidden, "classifier.5").sigmoid(), embeddings


def mn04_path() -> Path | None:
    """Return where the weights of EfficientAT mn04 are, or None if they can't be had.

    Notebook: 05_how_sure, 06_better_detector
    """
    asset = assets.resolve("efficientat-mn04")
    return asset.path if asset.is_real else None


class EfficientAT:
    """EfficientAT mn04 as an embedding model: call it with a waveform, and it returns one row per window.

    Source: F. Schmid et al., ICASSP 2023.

    Parameters
    ----------
    path : str, Path or bytes, or None
        The published ``mn04_as_mAP_432.pt``, or its content. None gives a network without weights: it can't listen, but
        gets the features that the course ships for its family.
    device : str
        Where PyTorch computes: ``"cpu"``, ``"cuda"`` or ``"mps"``.
    window, hop : float
        Length of a window, and time between the starts of two, in s; by default the same. The
        network was trained on 10 s and takes any window, here of at least 0.1 s.

    Attributes
    ----------
    family, id : str
        What the network is, and which weights; both name windows other than 10 s.
    sample_rate : int
        Samples per second of what it listens to, in Hz.
    labels : list of str
        AudioSet's 527 names, in the order of the scores.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file does not hold the weights of mn04, or window or hop are too short.
    AssetError
        When a network without weights is called.

    Notes
    -----
    Windows start every ``hop`` seconds until one reaches the end of the clip, and the last one
    holds what is left. If that is less than 1 s, or less than a shorter ``window``, it is left out.
    A clip that is shorter than this gets zeros at its end, so even one sample gives a row.
    """

    sample_rate = SAMPLE_RATE

    def __init__(
        self, path: str | Path | bytes | None, device: str = "cpu", window: float = WINDOW, hop: float | None = None
    ):
        hop = window if hop is None else hop
        if not (window >= 0.1 and hop >= 0.01):
            raise ValueError("Choose windows of at least 0.1 s, and a hop of at least 0.01 s.")
        framing = "" if window == hop == WINDOW else f", {window:g} s every {hop:g} s"
        self.family, self.window, self.hop = f"EfficientAT mn04{framing}", window, hop
        self.labels = datasets.audioset_labels()["display_name"].to_list()
        self.id = "without weights" + framing
        if path is None:
            return
        import torch

        data = path if isinstance(path, bytes) else Path(path).read_bytes()
        self.id = hashlib.sha256(data).hexdigest()[:16] + framing
        try:
            self._weights = load(data, weights_only=True)
            self._weights["mel"] = torch.from_numpy(mel_filters())
            self._ladder = Ladder(device, self._move)
            self._forward([np.zeros(SAMPLE_RATE // 10, np.float32)])
        except Exception as error:  # whatever breaks first in a file of something else
            file = "The file" if data is path else repr(str(path))
            what = f"{file} does not hold the weights of EfficientAT mn04. Download it again."
            raise ValueError(what) from error

    def __call__(self, waveform: np.ndarray) -> Output:
        """Return the scores and embeddings of the windows of one clip.

        Parameters
        ----------
        waveform : ndarray, shape (n_samples,)
            Float samples in [-1, 1] at 32 kHz.

        Returns
        -------
        Output
            ``scores`` (n_windows, 527) in [0, 1] and ``embeddings`` (n_windows, 384), float32.

        Raises
        ------
        TypeError, ValueError
            If it is not such a waveform; the message says what to change.
        """
        return self.many([waveform])[0]

    def many(self, waveforms: list[np.ndarray]) -> list[Output]:
        """Return what calling the model on each waveform would, but faster: in batches."""
        clips = [self._windows(waveform) for waveform in waveforms]
        scores, embeddings = self._forward([window for clip in clips for window in clip])
        ends = np.cumsum([len(clip) for clip in clips])[:-1]
        return list(map(Output, np.split(scores, ends), np.split(embeddings, ends)))

    def tagging(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Listen to whole clips in one go, however long they are.

        Parameters
        ----------
        batch : ndarray, shape (n_clips, n_samples)
            Float32 in [-1, 1] at 32 kHz. Zeros are appended to clips of less than 1 s.

        Returns
        -------
        scores : ndarray, shape (n_clips, 527)
            In [0, 1].
        embeddings : ndarray, shape (n_clips, 384)
            The layer below the scores.
        """
        missing = max(0, SAMPLE_RATE - batch.shape[1])
        return self._forward(list(np.pad(batch, ((0, 0), (0, missing)))))

    def detection(self, batch: np.ndarray) -> np.ndarray:
        """Return the scores of frames: those of windows of 0.96 s every 0.1 s, interpolated.

        Parameters
        ----------
        batch : ndarray, shape (n_clips, n_samples)
            Float32 in [-1, 1] at 32 kHz.

        Returns
        -------
        ndarray, shape (n_clips, n_samples // 320 + 1, 527)
            In [0, 1], 100 frames per second.
        """
        # 0.96 s are 96 frames and fill three columns of the last feature map; 1 s needs four.
        size, hop = round(0.96 * SAMPLE_RATE), SAMPLE_RATE // 10
        padded = np.pad(batch, ((0, 0), (size // 2, size // 2 + hop)))  # windows centred on frames
        starts = range(0, batch.shape[1] + hop, hop)  # the last at or after the end
        scores, _ = self._forward([clip[i : i + size] for clip in padded for i in starts])
        return interpolate(scores.reshape(len(batch), len(starts), -1), 0.1, batch.shape[1])

    def _windows(self, waveform: np.ndarray) -> list[np.ndarray]:
        """Cut a clip as the class says."""
        size, hop = round(self.window * SAMPLE_RATE), round(self.hop * SAMPLE_RATE)
        shortest, waveform = min(size, SAMPLE_RATE), audio.check_waveform(waveform, SAMPLE_RATE)
        waveform = np.pad(waveform, (0, max(0, shortest - len(waveform))))
        stop = min(len(waveform) - shortest + 1, max(1, len(waveform) - size + hop))
        return [waveform[start : start + size] for start in range(0, stop, hop)]

    def _forward(self, windows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and embeddings of windows; those of one length go in batches."""
        if not hasattr(self, "_weights"):
            raise assets.AssetError(f"The weights of EfficientAT mn04 are not available. {assets.WAYS_OUT}")
        scores, embeddings = (np.empty((len(windows), size), np.float32) for size in (527, 384))
        lengths = np.array([len(window) for window in windows])
        for length in np.unique(lengths):
            rows, at_once = np.flatnonzero(lengths == length), max(1, BATCH // length)
            for some in np.split(rows, range(at_once, len(rows), at_once)):
                batch = np.stack([windows[row] for row in some]).astype(np.float32)
                scores[some], embeddings[some] = self._ladder(self._heard, batch)
        return scores, embeddings

    def _move(self, device: str) -> None:
        self._weights = {name: tensor.to(device) for name, tensor in self._weights.items()}

    def _heard(self, waveforms: Any) -> tuple[Any, Any]:
        return network(self._weights, log_mel(waveforms, self._weights["mel"]))


class Tagger(EfficientAT):
    """EfficientAT mn04 behind the calls of PANNs."""

    def __init__(self, asset: assets.Resolved, device: str):
        super().__init__(assets.read(asset), device)
        self.name = asset.title

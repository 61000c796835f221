"""The networks in torch: YAMNet, which teaches, and YAMNet-mini, which learns.

Both map a log-mel spectrogram of any length to one embedding and 521 logits for each of its patches
of 96 frames. YAMNet's batch normalisation is folded into its weights and biases.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from makers import files

from .common import (
    CLASSES,
    EMBEDDING_SIZE,
    MEL_BANDS,
    PATCH_FRAMES,
    PATCH_HOP,
    SAMPLE_RATE,
    teacher_folder,
    tensorflow_on_cpu,
)

STFT_WINDOW, STFT_HOP, FFT_SIZE = 400, 160, 512
"""Length of the Hann window, its hop and the transform's length, in samples (25 ms, 10 ms)."""
MEL_LOWEST, MEL_HIGHEST, LOG_OFFSET = 125.0, 7500.0, 0.001
NORM_EPSILON = 1e-4
"""Epsilon of YAMNet's batch normalisation."""

YAMNET_BLOCKS = (
    # stride and output channels of the thirteen depthwise-separable blocks
    *((1, 64), (2, 128), (1, 128), (2, 256), (1, 256)),
    *((2, 512), (1, 512), (1, 512), (1, 512), (1, 512), (1, 512)),
    *((2, 1024), (1, 1024)),
)


def choose_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Convolution(nn.Module):
    """A square convolution and its ReLU, padded as TensorFlow's ``SAME`` does on lengths that the stride divides.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    size : int
        Height and width of the kernel.
    stride : int
    depthwise : bool
        Whether each channel is convolved on its own.
    """

    def __init__(self, inputs: int, outputs: int, size: int, stride: int = 1, depthwise: bool = False) -> None:
        super().__init__()
        beyond = size - stride if size > 1 else 0
        self.padding = (beyond // 2, beyond - beyond // 2) * 2
        self.conv = nn.Conv2d(inputs, outputs, size, stride, groups=inputs if depthwise else 1)

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input with the zeros around it that the convolution wants."""
        return F.pad(x, self.padding) if any(self.padding) else x

    def linear(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs, height, width) to (n, outputs, height / stride, width / stride), without the ReLU."""
        if self.training and self.conv.groups == 1:
            with torch.autocast(x.device.type, torch.bfloat16):  # faster on processors that have it
                return self.conv(self.padded(x)).float()
        return self.conv(self.padded(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs, height, width) to (n, outputs, height / stride, width / stride)."""
        return F.relu(self.linear(x))


def separable(inputs: int, outputs: int, stride: int) -> list[Convolution]:
    """Make a depthwise-separable block: 3 x 3 on each channel, then 1 x 1 across them."""
    return [Convolution(inputs, inputs, 3, stride, depthwise=True), Convolution(inputs, outputs, 1)]


class LogMel(nn.Module):
    """YAMNet's log-mel spectrogram; `load_teacher` fills in its mel bands."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mel", torch.zeros(FFT_SIZE // 2 + 1, MEL_BANDS))
        self.register_buffer("window", torch.hann_window(STFT_WINDOW, periodic=True))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Map (n, n_samples) at 16 kHz to (n, n_spectra, 64), without padding."""
        frames = waveforms.unfold(-1, STFT_WINDOW, STFT_HOP) * self.window
        return torch.log(torch.fft.rfft(frames, FFT_SIZE).abs() @ self.mel + LOG_OFFSET)


class Yamnet(nn.Module):
    """YAMNet: a 3 x 3 convolution, thirteen depthwise-separable blocks, the mean over the patch, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Convolution(1, 32, 3, 2)
        channels = 32
        self.blocks = nn.ModuleList()
        for stride, outputs in YAMNET_BLOCKS:
            self.blocks.append(nn.ModuleList(separable(channels, outputs, stride)))
            channels = outputs
        self.classifier = nn.Linear(EMBEDDING_SIZE, CLASSES)

    def layers(self, patches: torch.Tensor) -> list[torch.Tensor]:
        """Map patches (n, 96, 64) to what the first layer and each block give before their last ReLU."""
        found = [self.first.linear(patches[:, None].contiguous(memory_format=torch.channels_last))]
        for depthwise, pointwise in self.blocks:
            found.append(pointwise.linear(depthwise(F.relu(found[-1]))))
        return found

    def embed(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Map (n, 48 n_patches + 48, 64) to embeddings (n, n_patches, 1024), none of them negative."""
        patches = log_mel.unfold(1, PATCH_FRAMES, PATCH_HOP).transpose(2, 3)
        x = F.relu(self.layers(patches.flatten(0, 1))[-1])
        return x.mean((2, 3)).unflatten(0, patches.shape[:2])


class Layer(NamedTuple):
    """A layer of the mini.

    ``"full"`` is a 3 x 3 convolution, ``"separable"`` a depthwise-separable block. It starts by imitating
    the output of one of YAMNet's blocks (0: its first convolution).
    """

    kind: str
    stride: int
    channels: int
    imitates: int


WHOLE = (
    Layer("full", 2, 16, 0),
    Layer("full", 2, 64, 2),
    Layer("full", 2, 128, 4),
    Layer("separable", 1, 192, 5),
    Layer("separable", 2, 384, 6),
)
"""Layers that run once over the whole spectrogram; together they make one step of 16 frames."""
PATCH = (Layer("separable", 1, 512, 10), Layer("separable", 2, 1024, 12))
"""Layers that run on each patch."""
MARGIN = 8
"""Frames put before and after the spectrogram, so that the steps of 16 frames fall inside the patches."""
CUT_FIRST, CUT_LENGTH, CUT_HOP = 1, 4, 3
"""Steps of a patch: those that have seen nothing beyond it."""


class Mini(nn.Module):
    """YAMNet-mini: a small convolutional network with YAMNet's embeddings and classes.

    What overlapping patches share is computed once: the first layers run over the whole spectrogram. It
    is cut into patches at a point where some positions have seen nothing beyond their patch yet, and only
    these are kept. So a frame of the mini, like one of YAMNet's, depends on its own 0.96 s alone.
    """

    def __init__(self) -> None:
        super().__init__()
        channels = 1
        self.whole, self.patch = nn.ModuleList(), nn.ModuleList()
        for part, layers in ((self.whole, WHOLE), (self.patch, PATCH)):
            for layer in layers:
                if layer.kind == "full":
                    part.append(Convolution(channels, layer.channels, 3, layer.stride))
                else:
                    part.extend(separable(channels, layer.channels, layer.stride))
                channels = layer.channels
        self.dense = nn.Linear(channels, EMBEDDING_SIZE)
        self.classifier = nn.Linear(EMBEDDING_SIZE, CLASSES)

    def embed(self, log_mel: torch.Tensor) -> torch.Tensor:
        """Map (n, 48 n_patches + 48, 64) to embeddings (n, n_patches, 1024), none of them negative."""
        n, patches = len(log_mel), log_mel.shape[1] // PATCH_HOP - 1
        x = F.pad(log_mel, (0, 0, MARGIN, MARGIN))[:, None].contiguous(memory_format=torch.channels_last)
        for convolution in self.whole:
            x = convolution(x)
        x = x[:, :, CUT_FIRST:].unfold(2, CUT_LENGTH, CUT_HOP)[:, :, :patches]  # n, channels, patches, 4, length
        x = x.permute(0, 2, 1, 4, 3).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        for convolution in self.patch:
            x = convolution(x)
        return F.relu(self.dense(x.mean((2, 3)))).unflatten(0, (n, patches))


class Teacher(NamedTuple):
    """What the steps need of YAMNet: its network, its spectrogram, its classes (index, mid, display_name)."""

    network: Yamnet
    log_mel: LogMel
    classes: list[dict[str, str]]


def load_teacher(path: Path | None, work: Path) -> Teacher:
    """Read YAMNet, with TensorFlow the first time, from ``work/teacher.pt`` later.

    Parameters
    ----------
    path : Path or None
        The folder of YAMNet's SavedModel, None for the course's. The second time it is not looked at: a new teacher
        wants a new `work`.
    work : Path

    Returns
    -------
    Teacher
    """
    network, log_mel = Yamnet(), LogMel()
    kept = work / "teacher.pt"
    if not kept.exists():
        folder = teacher_folder(path)
        read_savedmodel(folder, network, log_mel)
        with open(folder / "assets" / "yamnet_class_map.csv", newline="", encoding="utf-8") as file:
            classes = list(csv.DictReader(file))
        with files.replacing(kept) as part:
            torch.save({"network": network.state_dict(), "log_mel": log_mel.state_dict(), "classes": classes}, part)
    state = torch.load(kept, map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    log_mel.load_state_dict(state["log_mel"])
    return Teacher(network.eval().requires_grad_(False), log_mel, state["classes"])


def read_savedmodel(folder: Path, teacher: Yamnet, log_mel: LogMel) -> None:
    """Fill in the weights of a `Yamnet` and the mel bands of a `LogMel`.

    Parameters
    ----------
    folder : Path
        YAMNet's SavedModel.
    teacher : Yamnet
    log_mel : LogMel
        Both are filled in.
    """
    tf = tensorflow_on_cpu()
    checkpoint = tf.train.load_checkpoint(str(folder / "variables" / "variables"))

    def variable(layer: int, name: str) -> np.ndarray:
        return checkpoint.get_tensor(f"_yamnet/layer_with_weights-{layer}/{name}/.ATTRIBUTES/VARIABLE_VALUE")

    def fill(convolution: Convolution, layer: int, name: str, axes: tuple[int, ...]) -> None:
        scale = 1 / np.sqrt(variable(layer + 1, "moving_variance") + NORM_EPSILON)
        kernel = variable(layer, name).transpose(axes) * scale[:, None, None, None]
        bias = variable(layer + 1, "beta") - variable(layer + 1, "moving_mean") * scale
        convolution.conv.weight.data = torch.tensor(kernel).contiguous()
        convolution.conv.bias.data = torch.tensor(bias)

    fill(teacher.first, 0, "kernel", (3, 2, 0, 1))
    for i, (depthwise, pointwise) in enumerate(teacher.blocks):
        fill(depthwise, 2 + 4 * i, "depthwise_kernel", (2, 3, 0, 1))
        fill(pointwise, 4 + 4 * i, "kernel", (3, 2, 0, 1))
    teacher.classifier.weight.data = torch.tensor(variable(54, "kernel").T.copy())
    teacher.classifier.bias.data = torch.tensor(variable(54, "bias"))
    mel = tf.signal.linear_to_mel_weight_matrix(MEL_BANDS, FFT_SIZE // 2 + 1, SAMPLE_RATE, MEL_LOWEST, MEL_HIGHEST)
    log_mel.mel = torch.tensor(mel.numpy())

"""The network in torch, for the teacher and for the student, and how one is made from the other.

Both are YAMNet's MobileNet: a 3 x 3 convolution, thirteen depthwise-separable blocks, the mean over
the patch, a dense layer. Batch normalisation is folded into weights and biases. In the student, the
large pointwise convolutions and the dense layer are products of two thin matrices (a *rank*).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from .common import CLASSES, EMBEDDING_SIZE

BLOCKS = (
    # stride and output channels of the thirteen depthwise-separable blocks
    *((1, 64), (2, 128), (1, 128), (2, 256), (1, 256)),
    *((2, 512), (1, 512), (1, 512), (1, 512), (1, 512), (1, 512)),
    *((2, 1024), (1, 1024)),
)
TEACHER_RANKS = (None,) * 13
STUDENT_RANKS = (None, None, None, None, None, 112, 96, 96, 96, 96, 96, 128, 128)
STUDENT_CLASSIFIER_RANK = None
NORM_EPSILON = 1e-4
"""Epsilon of YAMNet's batch normalisation."""


def pad_same(x: torch.Tensor, stride: int) -> torch.Tensor:
    """Pad for a 3 x 3 convolution as TensorFlow's ``SAME`` does on even sizes.

    Parameters
    ----------
    x : Tensor, shape (n, channels, height, width)
    stride : int

    Returns
    -------
    Tensor
    """
    return F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))


class Block(nn.Module):
    """Depthwise-separable convolution: 3 x 3 on each channel, ReLU, 1 x 1 across, ReLU.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    stride : int
        Of the depthwise convolution.
    rank : int or None
        If given, the 1 x 1 convolution goes through so many channels.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, rank: int | None) -> None:
        super().__init__()
        self.stride = stride
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, groups=inputs)
        self.thin = None if rank is None else nn.Conv2d(inputs, rank, 1, bias=False)
        self.pointwise = nn.Conv2d(inputs if rank is None else rank, outputs, 1)

    def depth(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the first half, the depthwise convolution and its ReLU."""
        return F.relu(self.depthwise(pad_same(x, self.stride)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inputs, height, width) to (n, outputs, height / stride, width / stride)."""
        x = self.depth(x)
        if self.thin is not None:
            x = self.thin(x)
        return F.relu(self.pointwise(x))


class Network(nn.Module):
    """YAMNet's body, with or without thin matrices.

    Parameters
    ----------
    ranks : sequence of (int or None), length 13
        Rank of each pointwise convolution.
    classifier_rank : int or None
        Rank of the dense layer.
    """

    def __init__(self, ranks: Sequence[int | None] = STUDENT_RANKS, classifier_rank: int | None = None) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3, 2)
        channels = 32
        self.blocks = nn.ModuleList()
        for (stride, outputs), rank in zip(BLOCKS, ranks, strict=True):
            self.blocks.append(Block(channels, outputs, stride, rank))
            channels = outputs
        self.thin = None if classifier_rank is None else nn.Linear(EMBEDDING_SIZE, classifier_rank, bias=False)
        self.classifier = nn.Linear(classifier_rank or EMBEDDING_SIZE, CLASSES)

    def features(self, patches: torch.Tensor, blocks: int = 13) -> torch.Tensor:
        """Run the first convolution and so many blocks.

        Parameters
        ----------
        patches : Tensor, shape (n, 96, 64)
            Log-mel patches.
        blocks : int

        Returns
        -------
        Tensor, shape (n, channels, height, width)
        """
        x = patches[:, None].contiguous(memory_format=torch.channels_last)
        x = F.relu(self.first(pad_same(x, 2)))
        for block in self.blocks[:blocks]:
            x = block(x)
        return x

    def logits(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Map embeddings (n, 1024) to logits (n, 521)."""
        return self.classifier(embeddings if self.thin is None else self.thin(embeddings))

    def forward(self, patches: torch.Tensor, frozen: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """Embed and classify patches.

        Parameters
        ----------
        patches : Tensor, shape (n, 96, 64)
        frozen : int
            So many blocks run without gradients.

        Returns
        -------
        embeddings : Tensor, shape (n, 1024)
            Not negative.
        logits : Tensor, shape (n, 521)
        """
        if frozen:
            with torch.no_grad():
                x = self.features(patches, frozen)
        else:
            x = self.features(patches, 0)
        for block in self.blocks[frozen:]:
            x = block(x)
        embeddings = x.mean((2, 3))
        return embeddings, self.logits(embeddings)


def load_teacher(folder: Path) -> Network:
    """Read YAMNet's variables into a `Network`.

    Parameters
    ----------
    folder : Path
        YAMNet's SavedModel.

    Returns
    -------
    Network
    """
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(str(folder / "variables" / "variables"))

    def variable(layer: int, name: str) -> np.ndarray:
        key = f"_yamnet/layer_with_weights-{layer}/{name}/.ATTRIBUTES/VARIABLE_VALUE"
        return checkpoint.get_tensor(key)

    def fill(conv: nn.Conv2d, layer: int, name: str, axes: tuple[int, ...]) -> None:
        scale = 1 / np.sqrt(variable(layer + 1, "moving_variance") + NORM_EPSILON)
        kernel = variable(layer, name).transpose(axes) * scale[:, None, None, None]
        bias = variable(layer + 1, "beta") - variable(layer + 1, "moving_mean") * scale
        conv.weight.data = torch.tensor(kernel).contiguous()
        conv.bias.data = torch.tensor(bias)

    teacher = Network(TEACHER_RANKS)
    fill(teacher.first, 0, "kernel", (3, 2, 0, 1))
    for i, block in enumerate(teacher.blocks):
        fill(block.depthwise, 2 + 4 * i, "depthwise_kernel", (2, 3, 0, 1))
        fill(block.pointwise, 4 + 4 * i, "kernel", (3, 2, 0, 1))
    teacher.classifier.weight.data = torch.tensor(variable(54, "kernel").T.copy())
    teacher.classifier.bias.data = torch.tensor(variable(54, "bias"))
    return teacher.eval()


@torch.no_grad()
def student_from_teacher(
    teacher: Network,
    patches: torch.Tensor,
    ranks: Sequence[int | None] = STUDENT_RANKS,
    classifier_rank: int | None = STUDENT_CLASSIFIER_RANK,
) -> Network:
    """Make a student whose thin layers reproduce the teacher's as well as their rank allows.

    Block by block, each thin pair is the reduced-rank regression from what arrives in the student
    to what leaves the teacher's pointwise convolution before its ReLU.

    Parameters
    ----------
    teacher : Network
    patches : Tensor, shape (n, 96, 64)
        Log-mel patches to fit on; some thousand.
    ranks, classifier_rank
        As for `Network`.

    Returns
    -------
    Network
    """
    student = Network(ranks, classifier_rank)
    student.first.load_state_dict(teacher.first.state_dict())
    exact = next((i for i, rank in enumerate(ranks) if rank is not None), len(ranks))
    for i in range(len(ranks)):
        student.blocks[i].depthwise.load_state_dict(teacher.blocks[i].depthwise.state_dict())
        if i < exact:
            student.blocks[i].pointwise.load_state_dict(teacher.blocks[i].pointwise.state_dict())
    theirs = torch.cat([teacher.features(part, exact) for part in patches.split(128)])
    ours = theirs
    for i in range(exact, len(ranks)):
        kernel = teacher.blocks[i].pointwise
        moments = None
        wanted, given = [], []
        for a, b in zip(theirs.split(256), ours.split(256), strict=True):
            wanted.append(kernel(teacher.blocks[i].depth(a)))
            given.append(student.blocks[i].depth(b))
            x = given[-1].permute(0, 2, 3, 1).flatten(0, 2).double()
            y = wanted[-1].permute(0, 2, 3, 1).flatten(0, 2).double()
            part = [torch.tensor(len(x)), x.sum(0), y.sum(0), x.T @ x, x.T @ y]
            moments = part if moments is None else [m + p for m, p in zip(moments, part, strict=True)]
        down, up, bias = reduced_rank(*moments, ranks[i])
        if down is None:
            student.blocks[i].pointwise.weight.data = up[:, :, None, None].contiguous()
        else:
            student.blocks[i].thin.weight.data = down[:, :, None, None].contiguous()
            student.blocks[i].pointwise.weight.data = up[:, :, None, None].contiguous()
        student.blocks[i].pointwise.bias.data = bias
        theirs = torch.cat([F.relu(w) for w in wanted])
        ours = torch.cat([student.blocks[i](b) for b in ours.split(256)])

    weight = teacher.classifier.weight.data
    student.classifier.bias.data = teacher.classifier.bias.data.clone()
    if classifier_rank is None:
        student.classifier.weight.data = weight.clone()
    else:  # best rank for embeddings as heard here, with a ridge for those that were not
        e = theirs.mean((2, 3))
        metric = torch.cov(e.T).double()
        metric += 0.2 * metric.diag().mean() * torch.eye(len(metric))
        root = torch.linalg.cholesky(metric)
        _, _, right = torch.linalg.svd(root.T @ weight.T.double(), full_matrices=False)
        right = right[:classifier_rank].float()
        student.thin.weight.data = right @ weight
        student.classifier.weight.data = right.T.contiguous()
    return student


def reduced_rank(
    n: torch.Tensor,
    sum_x: torch.Tensor,
    sum_y: torch.Tensor,
    xx: torch.Tensor,
    xy: torch.Tensor,
    rank: int | None,
) -> tuple[torch.Tensor | None, torch.Tensor, torch.Tensor]:
    """Fit ``y = up @ down @ x + bias`` to sums over observations.

    Parameters
    ----------
    n : Tensor, scalar
        Number of observations.
    sum_x, sum_y : Tensor, shape (inputs,), (outputs,)
    xx, xy : Tensor, shape (inputs, inputs), (inputs, outputs)
        Sums of products, not centred.
    rank : int or None

    Returns
    -------
    down : Tensor, shape (rank, inputs), or None
    up : Tensor, shape (outputs, rank), or (outputs, inputs) without a rank
    bias : Tensor, shape (outputs,)
    """
    mean_x, mean_y = sum_x / n, sum_y / n
    xx = xx / n - torch.outer(mean_x, mean_x)
    xy = xy / n - torch.outer(mean_x, mean_y)
    ridge = 1e-4 * xx.diag().mean() * torch.eye(len(xx), dtype=xx.dtype)
    weight = torch.linalg.solve(xx + ridge, xy)
    if rank is None:
        return None, weight.T.float().contiguous(), (mean_y - weight.T @ mean_x).float()
    _, vectors = torch.linalg.eigh(weight.T @ xx @ weight)
    up = vectors[:, -rank:]
    down = (weight @ up).T
    bias = mean_y - up @ (down @ mean_x)
    balance = (down.norm() / up.norm()).sqrt()
    return (down / balance).float(), (up * balance).float(), bias.float()

"""How the student starts: each of its layers imitates, by linear regression, one of the teacher's.

Its channels are those of the teacher that say most about all the others (pivoted QR); its weights map
what arrives in the student to what leaves the teacher before the ReLU, by least squares. The 3 x 3
kernels of depthwise convolutions are borrowed.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from scipy.linalg import qr

from .network import CUT_FIRST, CUT_LENGTH, MARGIN, PATCH, WHOLE, Mini, Yamnet

RIDGE = 1e-3
ROWS = 40_000
"""Observations that a regression looks at."""


def regress(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Fit ``y = weight @ x + bias`` to rows of `x` (n, inputs) and `y` (n, outputs)."""
    rows = torch.randperm(len(x))[:ROWS]
    x, y = x[rows].double(), y[rows].double()
    mean_x, mean_y = x.mean(0), y.mean(0)
    covariance = (x - mean_x).T @ (x - mean_x) / len(x)
    ridge = RIDGE * covariance.diag().mean() * torch.eye(len(covariance))
    weight = torch.linalg.solve(covariance + ridge, (x - mean_x).T @ (y - mean_y) / len(x)).T
    return weight.float(), (mean_y - weight @ mean_x).float()


def most_telling(activations: torch.Tensor, count: int) -> torch.Tensor:
    """Choose channels of activations (n, channels, height, width) that span the others best; sorted indices."""
    if count == activations.shape[1]:
        return torch.arange(count)
    rows = activations.permute(0, 2, 3, 1).flatten(0, 2)
    rows = rows[torch.randperm(len(rows))[:6000]].double().numpy()
    order = qr(rows - rows.mean(axis=0), mode="r", pivoting=True)[1]
    return torch.tensor(np.sort(order[:count]))


def between(rows: torch.Tensor, first: float, count: int) -> torch.Tensor:
    """Interpolate (n, channels, height, width) at the heights ``first, first + 1, ...``, `count` of them."""
    low = int(np.floor(first))
    weight = first - low
    high = rows[:, :, low + 1 : low + 1 + count] if weight else 0.0
    return (1 - weight) * rows[:, :, low : low + count] + weight * high


@torch.no_grad()
def start_from(teacher: Yamnet, student: Mini, log_mel: torch.Tensor) -> None:
    """Fill in a student's weights.

    Parameters
    ----------
    teacher : Yamnet
    student : Mini
    log_mel : Tensor, shape (n, n_spectra, 64)
        Some hundred spectrograms to fit on.
    """
    patches = log_mel.unfold(1, 96, 48).transpose(2, 3).flatten(0, 1)
    targets = [torch.cat(layer) for layer in zip(*(teacher.layers(p) for p in patches.split(64)), strict=True)]
    x = F.pad(patches, (0, 0, MARGIN, MARGIN))[:, None]
    step, chosen = 1, torch.zeros(1, dtype=torch.long)
    for part, layers in ((iter(student.whole), WHOLE), (iter(student.patch), PATCH)):
        if layers is PATCH:
            x = x[:, :, CUT_FIRST : CUT_FIRST + CUT_LENGTH]
        for layer in layers:
            convolution = next(part)
            step *= layer.stride
            if layer.kind == "separable":
                borrowed = teacher.blocks[layer.imitates - 1][0].conv
                convolution.conv.weight.data = borrowed.weight[chosen].clone()
                convolution.conv.bias.data = borrowed.bias[chosen].clone()
                x = convolution(x)
                convolution = next(part)
            target = targets[layer.imitates]
            chosen = most_telling(F.relu(target), layer.channels)
            # Row r of the student is row r - MARGIN / step of the teacher; the cut begins between rows 0 and 1.
            conv = convolution.conv
            padded = convolution.padded(x)
            height = (padded.shape[2] - conv.kernel_size[0]) // layer.stride ** (layer.kind == "full") + 1
            inputs = F.unfold(padded, conv.kernel_size, stride=conv.stride).unflatten(2, (height, -1))
            if layers is WHOLE:
                edge = 2 + MARGIN // step
                count = height - 2 * edge
                inputs = inputs[:, :, edge : edge + count]
                wanted = between(target[:, chosen], edge - MARGIN / step, count)
            else:
                wanted = between(target[:, chosen], 0.5, height)
            flat = [t.permute(0, 2, 3, 1).flatten(0, 2) for t in (inputs, wanted)]
            weight, conv.bias.data = regress(*flat)
            conv.weight.data = weight.reshape(conv.weight.shape).contiguous()
            x = convolution(x)
    weight, student.dense.bias.data = regress(x.mean((2, 3)), F.relu(targets[-1]).mean((2, 3)))
    student.dense.weight.data = weight.contiguous()
    student.classifier.load_state_dict(teacher.classifier.state_dict())

"""A small network for the tests of features."""

import numpy as np

from course_utils import models


class Toy:
    """A network in ten lines: three windows a second, the level and its square."""

    family, id, sample_rate, window, hop = "toy", "toy-1", 8000, 0.5, 1 / 3
    labels = ("loud", "very loud")

    def __call__(self, waveform):
        starts = range(0, max(1, len(waveform) - 4000), 2667)
        levels = np.array([[np.abs(waveform[i : i + 4000]).mean()] for i in starts], np.float32)
        return models.Output(np.hstack([levels, levels**2]), np.repeat(levels, 5, axis=1))

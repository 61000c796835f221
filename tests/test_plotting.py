"""Every drawing takes an Axes and returns it, draws one thing, and names its axes."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course_utils import plotting

SAMPLES = np.sin(np.arange(32000) / 10).astype(np.float32)
EVENTS = pd.DataFrame([("dog", 0.0, 1.0), ("cat", 2.0, 2.5)], columns=["label", "onset", "offset"])
TABLE = pd.DataFrame({"n": [8, 8, 16], "accuracy": [1.0, 0.5, 0.75]}, index=["cat", "dog", "average"])
HISTORY = SimpleNamespace(history={"loss": [1.0, 0.5], "val_loss": [1.0, 0.8]})
MATRIX = pd.DataFrame([[7, 1], [0, 8]], pd.Index(["a", "b"], name="true class"), pd.Index(["a", "b"], name="predicted"))

DRAWINGS = {
    "waveform": (lambda ax: plotting.waveform(SAMPLES, 16000, ax=ax), "time (s)", "amplitude"),
    "spectrogram": (lambda ax: plotting.spectrogram(SAMPLES, 16000, ax=ax), "time (s)", "frequency (kHz)"),
    "log_mel": (lambda ax: plotting.log_mel(np.zeros((96, 64)), ax=ax), "time (s)", "mel band"),
    "top_scores": (lambda ax: plotting.top_scores(["a", "b"], [0.5, 0.1], ax=ax), "score", ""),
    "scores_over_time": (lambda ax: plotting.scores_over_time(np.eye(3), ["a", "b", "c"], 0.5, ax=ax), "time (s)", ""),
    "embedding": (lambda ax: plotting.embedding(np.ones(1024), ax=ax), "dimension", "value"),
    "learning_curves": (lambda ax: plotting.learning_curves(HISTORY, ax=ax), "epoch", "loss"),
    "class_bars": (lambda ax: plotting.class_bars(TABLE, ax=ax), "", "accuracy"),
    "confusion_matrix": (lambda ax: plotting.confusion_matrix(MATRIX, ax=ax), "predicted", "true class"),
    "event_roll": (lambda ax: plotting.event_roll({"truth": EVENTS}, ["cat", "dog"], 3.0, ax=ax), "time (s)", ""),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing(name):
    draw, xlabel, ylabel = DRAWINGS[name]
    _, given = plt.subplots()
    assert draw(given) is given
    own = draw(None)
    assert own is not given
    for ax in (given, own):
        assert (ax.get_xlabel(), ax.get_ylabel()) == (xlabel, ylabel)
    plt.close("all")


def test_every_drawing_is_tested():
    public = {name for name, value in vars(plotting).items() if callable(value) and not name.startswith("_")}
    assert public == set(DRAWINGS)


def test_time_axes_are_in_seconds():
    assert plotting.waveform(SAMPLES, 16000).get_xlim() == (0, 2)
    assert plotting.log_mel(np.zeros((96, 64))).get_images()[0].get_extent()[1] == pytest.approx(0.96)
    extent = plotting.scores_over_time(np.zeros((10, 2)), ["a", "b"], 0.48, offset=0.24).get_images()[0].get_extent()
    assert extent[:2] == pytest.approx([0.24, 5.04])
    plt.close("all")


def test_event_roll_draws_each_event_in_its_row():
    ax = plotting.event_roll({"truth": EVENTS, "system": EVENTS.iloc[:1]}, ["cat", "dog"], 3.0)
    spans = [path.get_extents() for collection in ax.collections for path in collection.get_paths()]
    assert sorted((round(s.x0, 2), round(s.x1, 2)) for s in spans) == [(0.0, 1.0), (0.0, 1.0), (2.0, 2.5)]
    dog = [s for s in spans if s.x1 == 1.0]
    assert all(s.y0 > 0.5 and s.y1 < 1.5 for s in dog)
    plt.close("all")

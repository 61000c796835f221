"""The counts of exercise 4.1: as sed_eval counts them, and typical mistakes told apart."""

import numpy as np
import pandas as pd
import pytest

from course_utils import check, evaluation
from course_utils.check.sound_event_detection import _active, _matched, _sets

COLUMNS = ["label", "onset", "offset"]
REFERENCE = pd.DataFrame([("dog", 1.0, 2.0), ("cat", 4.0, 5.0)], columns=COLUMNS)
STRETCHED = pd.DataFrame([("dog", 1.0, 4.5), ("cat", 4.7, 5.0)], columns=COLUMNS)


def random_events(rng) -> pd.DataFrame:
    """Return some events on a grid, those of one class apart."""
    rows = []
    for label in ("cat", "dog", "hen"):
        onset = 0.0
        while (onset := onset + rng.integers(5, 25) / 10) < 7:
            offset = min(onset + rng.integers(3, 20) / 10, 8.0)
            rows.append((label, onset, offset))
            onset = offset + 1.5
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.mark.parametrize("seed", range(20))
def test_counts_are_those_of_sed_eval(seed):
    rng = np.random.default_rng(seed)
    reference, events = random_events(rng), random_events(rng)
    measures = evaluation.sed_metrics(reference, events, ["cat", "dog", "hen"], 8.0)
    for row, counts in (
        ("segment-based (1 s)", _sets(_active(reference), _active(events))),
        ("event-based (collar 0.5 s)", _matched(reference, events, 0.5)),
    ):
        hits, false_alarms, misses = counts
        assert measures.loc[row, "precision"] == pytest.approx(hits / (hits + false_alarms))
        assert measures.loc[row, "recall"] == pytest.approx(hits / (hits + misses))


@pytest.mark.parametrize(("by_event", "words"), [((1, 1, 1), "onsets only"), ((2, 0, 0), "overlaps a true one")])
def test_an_event_that_is_stretched_too_far_is_no_hit(by_event, words):
    verdict = check.counts({"event-based": by_event, "segment-based": (0, 0, 0)}, REFERENCE, STRETCHED)
    assert not verdict
    assert words in verdict.message


def test_half_an_answer_is_told_what_is_missing():
    verdict = check.counts({"event-based": (2, 0, 0), "segment-based": (..., ..., ...)}, REFERENCE, REFERENCE)
    assert "Replace the `...`" in verdict.message
    assert check.counts({"event-based": (2, 0, 0), "segment-based": (2, 0, 0)}, REFERENCE, REFERENCE)

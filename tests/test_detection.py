"""From scores to events."""

import numpy as np
import pandas as pd
import pytest

from course_utils import detection


def rows(events):
    return [tuple(row) for row in events.itertuples(index=False)]


def test_join_segments_joins_overlaps_of_one_class_only():
    segments = [("dog", 0.5, 1.46), ("dog", 0.0, 0.96), ("cat", 1.0, 1.96), ("dog", 3.0, 3.96)]
    assert rows(detection.join_segments(segments)) == [("dog", 0.0, 1.46), ("cat", 1.0, 1.96), ("dog", 3.0, 3.96)]


def test_join_segments_bridges_gaps_up_to_max_gap():
    segments = [("dog", 0.0, 1.0), ("dog", 1.5, 2.0)]
    assert len(detection.join_segments(segments, max_gap=0.4)) == 2
    assert rows(detection.join_segments(segments, max_gap=0.5)) == [("dog", 0.0, 2.0)]


def test_join_segments_keeps_a_long_segment_that_holds_a_short_one():
    assert rows(detection.join_segments([("dog", 0.0, 5.0), ("dog", 1.0, 2.0)])) == [("dog", 0.0, 5.0)]


def test_nothing_in_nothing_out():
    events = detection.join_segments([])
    assert list(events.columns) == ["label", "onset", "offset"]
    assert len(events) == 0


def test_join_segments_refuses_time_that_runs_backwards():
    with pytest.raises(ValueError, match="ends before it begins"):
        detection.join_segments([("dog", 2.0, 1.0)])


def test_events_from_scores_is_the_loop_of_the_notebook():
    rng = np.random.default_rng(0)
    classes = ["a", "b", "c"]
    for _ in range(50):
        scores = rng.dirichlet([0.3] * 3, size=15)
        threshold = rng.uniform()
        segments = []
        for i, window_scores in enumerate(scores):
            best = window_scores.argmax()
            if window_scores[best] > threshold:
                segments.append((classes[best], i * 0.5, i * 0.5 + 0.96))
        expected = detection.join_segments(segments)
        found = detection.events_from_scores(scores, classes, 0.5, 0.96, threshold)
        pd.testing.assert_frame_equal(found, expected)


def test_events_from_scores_says_what_does_not_fit():
    with pytest.raises(ValueError, match="threshold"):
        detection.events_from_scores(np.zeros((2, 2)), ["a", "b"], 0.5, 0.96, 1.5)
    with pytest.raises(ValueError, match=r"shape \(n_windows, 2\)"):
        detection.events_from_scores(np.zeros((2, 3)), ["a", "b"], 0.5, 0.96, 0.5)

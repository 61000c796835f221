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


@pytest.mark.parametrize("score", [-2.0, 3.0, np.nan])
def test_logits_and_nan_are_no_scores(score):
    for detect in (detection.events_from_scores, detection.events_by_class):
        with pytest.raises(ValueError, match=r"Scores lie in \[0, 1\]"):
            detect(np.array([[0.5, score]]), ["a", "b"], 0.5, 0.96, 0.5)


def test_an_event_just_long_enough_is_kept():
    hop = 0.096
    for begin in range(2, 60):
        scores = np.zeros((64, 1))
        scores[begin : begin + 3] = 1
        assert len(detection.events_by_class(scores, ["a"], hop, 0.96, 0.5, shortest=3 * hop)) == 1


def test_join_segments_names_a_column_that_is_not_there():
    with pytest.raises(KeyError, match="label"):
        detection.join_segments(pd.DataFrame({"name": ["dog"], "onset": [0.0], "offset": [1.0]}))


def test_events_by_class_is_a_threshold_and_runs():
    rng = np.random.default_rng(1)
    classes, hop, window = ["a", "b", "c"], 0.096, 0.96
    for _ in range(50):
        scores, thresholds = rng.uniform(size=(30, 3)), rng.uniform(0.2, 0.8, size=3)
        expected = []
        for k, label in enumerate(classes):
            start = None
            for i in range(31):
                active = i < 30 and scores[i, k] > thresholds[k]
                if active and start is None:
                    start = i
                if not active and start is not None:
                    onset = 0.0 if start == 0 else start * hop + window / 2 - hop / 2
                    offset = 29 * hop + window if i == 30 else i * hop + window / 2 - hop / 2
                    expected.append((label, onset, offset))
                    start = None
        found = detection.events_by_class(scores, classes, hop, window, thresholds)
        pd.testing.assert_frame_equal(found, detection.join_segments(expected))
    overlapping = detection.events_by_class(np.ones((5, 3)), classes, hop, window, 0.5)
    assert rows(overlapping) == [(label, 0.0, pytest.approx(1.344)) for label in classes]


def test_the_median_filter_drops_outliers_and_fills_gaps():
    scores = np.zeros((40, 2))
    scores[10:20, 0], scores[14, 0], scores[30, 0], scores[5:9, 1] = 1, 0, 1, 1
    (event,) = rows(detection.events_by_class(scores, ["a", "b"], 0.1, 1.0, 0.5, smooth=0.5, shortest=0.6))
    assert event == ("a", pytest.approx(1.45), pytest.approx(2.45))  # b lasts 0.4 s
    assert len(detection.events_by_class(scores, ["a", "b"], 0.1, 1.0, 0.5)) == 4


def test_events_by_class_says_what_does_not_fit():
    with pytest.raises(ValueError, match="one for each of 2 classes"):
        detection.events_by_class(np.zeros((2, 2)), ["a", "b"], 0.5, 0.96, [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="must the threshold"):
        detection.events_by_class(np.zeros((2, 2)), ["a", "b"], 0.5, 0.96, [0.5, 1.5])
    assert detection.events_by_class(np.zeros((2, 2)), ["a", "b"], 0.5, 0.96, 0.5).empty

"""The door for tables of events, and from scores to events."""

import statistics
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import events
from course_utils.events import Events

CLASSES = ["dog", "cat", "cow"]  # not in alphabetical order
COLUMNS = ["label", "onset", "offset"]
exact = settings(derandomize=True, deadline=None, max_examples=200)


def rows(table):
    return [tuple(row) for row in table.itertuples(index=False)]


# --- the same in whole microseconds and plain loops ---


def time_below(limit):
    """Draw a time below ``limit`` µs, in µs and in seconds with the errors of floats."""

    def grid(first, step, seconds):
        steps = st.integers(0, (limit - 1 - first) // step)
        return steps.map(lambda i: (first + step * i, seconds(i)))

    return st.one_of(
        grid(0, 500_000, lambda i: i * 0.1 * 5),  # the segments' borders
        grid(432_000, 96_000, lambda i: i * 0.096 + (0.96 - 0.096) / 2),
        grid(240_000, 480_000, lambda i: i * 0.48 + (0.96 - 0.48) / 2),
        grid(0, 1, lambda i: i / 1e6 + 1e-11),
    )


@st.composite
def event_lists(draw, onset_below=8_000_000, offset_below=8_000_001):
    """Draw the events of a recording, in µs and in seconds; some last no time at all."""
    found = []
    for _ in range(draw(st.integers(0, 8))):
        ends = draw(time_below(onset_below)), draw(time_below(offset_below))
        (onset, onset_s), (offset, offset_s) = sorted(ends)
        if onset < onset_below:
            found.append((draw(st.sampled_from(CLASSES)), onset, offset, onset_s, offset_s))
    return [e[:3] for e in found], [(e[0], *e[3:]) for e in found]


def joined(segments, gap=0):
    """Join (label, onset, offset) in µs, one segment after the other."""
    found = []
    for label, onset, offset in sorted(segments):
        if found and found[-1][0] == label and onset - found[-1][2] <= gap:
            found[-1][2] = max(found[-1][2], offset)
        else:
            found.append([label, onset, offset])
    return sorted((tuple(event) for event in found), key=lambda event: (event[1], event[0]))


def in_seconds(found):
    return [(label, onset / 1e6, offset / 1e6) for label, onset, offset in found]


@exact
@given(event_lists(), st.sampled_from([0, 96_000, 480_000, 500_000, 1_234_567]))
def test_join_segments_equals_plain_loops(segments, gap):
    in_us, in_s = segments
    expected = in_seconds(joined(in_us, gap))
    table = pd.DataFrame(in_s, columns=COLUMNS)
    for source in (in_s, table, Events.of(table)):
        assert rows(events.join_segments(source, max_gap=gap / 1e6)) == expected


def drawn_scores(n_windows, seed):
    """Draw scores in tenths, many of them equal or just at a threshold, long runs among them."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 11, (n_windows, 3)) / 10
    return np.repeat(scores, rng.integers(1, 6, n_windows), axis=0)[:n_windows]


score_lists = st.builds(drawn_scores, st.integers(0, 60), st.integers(0, 1000))
grids = st.sampled_from([(hop, 960_000) for hop in (96_000, 480_000, 500_000, 960_000)])


@exact
@given(score_lists, grids, st.integers(0, 10).map(lambda x: x / 10))
def test_events_from_scores_equals_plain_loops(scores, grid, threshold):
    hop, window = grid
    segments = []
    for i, row in enumerate(scores.tolist()):
        if max(row) > threshold:
            segments.append((CLASSES[row.index(max(row))], i * hop, i * hop + window))
    found = events.events_from_scores(scores, CLASSES, hop / 1e6, window / 1e6, threshold)
    assert rows(found) == in_seconds(joined(segments))


@settings(exact, max_examples=800)
@given(
    score_lists,
    grids,
    st.lists(st.integers(0, 10).map(lambda x: x / 10), min_size=3, max_size=3),
    st.sampled_from([0.0, 0.3, 1.0, 2.0, 30.0, 1e6]),
    st.sampled_from([0, 288_000, 500_000, 960_000]),
    st.sampled_from(["float64", "float32"]),
    st.sampled_from([1.0, 0.9, 0.5, 1 / 3, 1e-9]),
)
def test_events_by_class_equals_plain_loops(scores, grid, thresholds, smooth, shortest, dtype, hold):
    hop, window = grid
    scores = scores.astype(dtype)
    n, half = len(scores), min(round(smooth * 1e6 / hop / 2), 70)  # over n: longer is the same
    segments = []
    for k, label in enumerate(CLASSES):
        column = scores[:, k].tolist()
        padded = [*column[:1] * half, *column, *column[-1:] * half]
        medians = [statistics.median(padded[i : i + 2 * half + 1]) for i in range(n)]
        active = [median > hold * thresholds[k] for median in medians]
        for i in range(n):
            if active[i] and not (i and active[i - 1]):
                stop = next((j for j in range(i, n) if not active[j]), n)
                if max(medians[i:stop]) <= thresholds[k]:
                    continue
                onset = i * hop + (window - hop) // 2 if i else 0
                offset = stop * hop + (window - hop) // 2 if stop < n else (n - 1) * hop + window
                segments += [(label, onset, offset)] * (offset - onset >= shortest)
    found = events.events_by_class(
        scores, CLASSES, hop / 1e6, window / 1e6, thresholds, smooth=smooth, shortest=shortest / 1e6, hold=hold
    )
    assert rows(found) == in_seconds(sorted(segments, key=lambda event: (event[1], event[0])))


# --- the door ---

TRIPLES = [("dog", 1, 2.5), ("cat", 0.5, 3)]
TABLE = pd.DataFrame(TRIPLES, columns=COLUMNS)


@pytest.mark.parametrize(
    "source",
    [
        TRIPLES,
        [list(row) for row in TRIPLES],
        tuple(TRIPLES),
        lambda: (row for row in TRIPLES),
        TABLE,
        TABLE.assign(filename="a.wav")[["offset", "filename", "label", "onset"]],
        TABLE.set_index(pd.Index([7, 7])),
        TABLE.astype({"label": "category"}),
        TABLE.astype({"label": object, "onset": object, "offset": object}),
        TABLE.astype({"onset": "Float64", "offset": "Float32"}),
        TABLE.astype({"onset": np.float32, "offset": np.float16}),
        TABLE.convert_dtypes(),
        Events.of(TRIPLES),
    ],
)
def test_the_door_lets_tables_triples_and_events_in(source):
    labels, onsets, offsets = Events.of(source() if callable(source) else source, CLASSES)
    assert labels.dtype == object
    assert labels.tolist() == ["dog", "cat"]
    assert onsets.dtype == offsets.dtype == float
    assert (onsets.tolist(), offsets.tolist()) == ([1.0, 0.5], [2.5, 3.0])
    if not callable(source):
        assert rows(events.join_segments(source)) == [("cat", 0.5, 3.0), ("dog", 1.0, 2.5)]


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, "Int64", "boolean", object])
def test_whole_numbers_are_times(dtype):
    table = pd.DataFrame({"label": ["dog"], "onset": [0], "offset": [1]})
    for source in (table.astype({"onset": dtype, "offset": dtype}), [("dog", False, np.True_)]):
        assert rows(Events.of(source).table()) == [("dog", 0.0, 1.0)]


@pytest.mark.parametrize(
    "nothing",
    [[], (), pd.DataFrame(), pd.DataFrame([]), TABLE[:0], pd.DataFrame(columns=COLUMNS)],
)
def test_an_empty_table_is_no_events(nothing):
    for found in (Events.of(nothing, CLASSES).table(), events.join_segments(nothing)):
        assert list(found.columns) == COLUMNS
        assert len(found) == 0


def test_times_are_rounded_to_a_microsecond():
    times = [(6.000000000000001, 6.0000004), (6.0000006, 7), (-1e-9, 0.1 + 0.2)]
    found = Events.of([("dog", *pair) for pair in times])
    assert found.onsets.tolist() == [6.0, 6.000001, 0.0]
    assert found.offsets.tolist() == [6.0, 7.0, 0.3]
    assert not np.signbit(found.onsets).any()


def test_the_table_does_not_share_memory_with_the_arrays():
    found = Events.of(TRIPLES)
    table = found.table()
    table.loc[0, "onset"] = 2.0
    assert found.onsets[0] == 1.0
    assert Events.of(TABLE).onsets is not TABLE["onset"].to_numpy()


def refused(source, *words, error=ValueError, classes=None):
    with pytest.raises(error) as caught:
        Events.of(source, classes)
    message = caught.value.args[0]
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("8", "'8'. float(…) turns text into a number"),
        ("eight", "not 'eight'"),
        (b"8", "not b'8'"),
        (None, "not None"),
        (pd.NA, "not <NA>"),
        (np.nan, "not nan"),
        (np.inf, "not inf"),
        (-np.inf, "not -inf"),
        (-0.3, "0 or more, not -0.3"),
        (1j, "not 1j"),
        ([1.0], "not [1.0]"),
        (pd.Timedelta("1s"), "not Timedelta"),
    ],
)
@pytest.mark.parametrize("name", ["onset", "offset"])
def test_what_is_no_time_is_refused(name, time, words):
    event = {"label": "dog", "onset": 1.0, "offset": 2.0, name: time}
    for others in ([], [("cat", 0.0, 1.0)]):
        triples = [*others, tuple(event.values())]
        refused(triples, f"Give each {name} as a number of seconds", words)
        refused(pd.DataFrame(triples, columns=COLUMNS), f"Give each {name} as a number of seconds")
        refused(pd.DataFrame(triples, columns=COLUMNS, dtype=object), f"Give each {name}", words)


@pytest.mark.parametrize("unit", ["timedelta64[s]", "datetime64[s]"])
def test_pandas_times_are_no_seconds(unit):
    table = TABLE.astype({"onset": int}).astype({"onset": unit})
    refused(table, "Give each onset as a number of seconds")


def test_missing_values_in_nullable_columns_are_refused():
    table = TABLE.astype({"onset": "Float64"})
    table.loc[1, "onset"] = pd.NA
    refused(table, "Give each onset as a number of seconds")


def test_text_is_not_sorted_as_text():
    with pytest.raises(ValueError, match="onset as a number of seconds, 0 or more, not '8'"):
        events.join_segments([("dog", "8", "9"), ("dog", "10", "11"), ("dog", "80", "90")])
    with pytest.raises(ValueError, match="offset as a number of seconds, 0 or more, not '90'"):
        events.join_segments([("dog", 8, 9), ("dog", 10, 11), ("dog", 80, "90")])


@pytest.mark.parametrize(
    "row", [("dog", 1.0), ("dog",), (), ("dog", 1.0, 2.0, 3.0), "dog", 1.0, None, {"label": "dog"}]
)
def test_what_is_no_triple_is_refused(row):
    refused([row], "Give each event as (label, onset, offset), not as", repr(row))
    refused([("cat", 0.0, 1.0), row], repr(row))


@pytest.mark.parametrize("source", [None, 3, "dog"])
def test_what_is_no_table_is_refused(source):
    refused(source, "a list of such triples", repr(source))


@pytest.mark.parametrize("label", [None, np.nan, pd.NA, 3, ["dog"]])
def test_what_is_no_label_is_refused(label):
    refused([("cat", 0.0, 1.0), (label, 1.0, 2.0)], "the name of a class as its label", repr(label))
    if label is not pd.NA:
        refused(pd.DataFrame([(label, 1.0, 2.0)], columns=COLUMNS), "the name of a class as its label")


def test_unknown_classes_are_said():
    known = "The classes are dog, cat, cow."
    refused([("horse", 0.0, 1.0)], f"No such class: horse. {known}", classes=CLASSES)
    refused(TABLE, "No such class: cat, dog. The classes are owl.", classes=pd.Series(["owl"]))


def test_time_that_runs_backwards_is_refused():
    refused([("cat", 0.0, 1.0), ("dog", 2.0, 1.0)], "ends before it begins, dog from 2.0 to 1.0 s")
    with pytest.raises(ValueError, match="ends before it begins"):
        events.join_segments([("dog", 2.0, 1.0)])


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(name):
    refused(TABLE.drop(columns=name), f"one column '{name}'", error=KeyError)
    refused(TABLE.rename(columns={name: name.upper()}), f"one column '{name}'", error=KeyError)
    refused(pd.concat([TABLE, TABLE[[name]]], axis=1), f"one column '{name}'", error=KeyError)
    refused(pd.DataFrame(index=[0]), "one column 'label'", error=KeyError)


def test_dcase_names_of_columns_are_said():
    dcase = TABLE.rename(columns=lambda name: f"event_{name}").assign(filename="a.wav")
    way = "table.rename(columns=lambda c: c.removeprefix('event_'))"
    refused(dcase, "one column 'label'", way, error=KeyError)
    renamed = dcase.rename(columns=lambda c: c.removeprefix("event_"))
    assert rows(Events.of(renamed).table()) == TRIPLES
    with pytest.raises(KeyError, match="removeprefix"):
        events.join_segments(dcase)


def test_importing_the_module_takes_numpy_only():
    code = "import sys, course_utils.events, course_utils.evaluation; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"pandas", "scipy", "sklearn", "sed_eval", "matplotlib", "torch", "tensorflow"}
    assert "numpy" in run.stdout.split()
    assert not heavy & set(run.stdout.split())


# --- joining ---


def test_join_segments_joins_overlaps_of_one_class_only():
    segments = [("dog", 0.5, 1.46), ("dog", 0.0, 0.96), ("cat", 1.0, 1.96), ("dog", 3.0, 3.96)]
    expected = [("dog", 0.0, 1.46), ("cat", 1.0, 1.96), ("dog", 3.0, 3.96)]
    assert rows(events.join_segments(segments)) == expected


def test_join_segments_bridges_gaps_up_to_max_gap():
    segments = [("dog", 0.0, 1.0), ("dog", 1.5, 2.0)]
    assert len(events.join_segments(segments, max_gap=0.4)) == 2
    assert rows(events.join_segments(segments, max_gap=0.5)) == [("dog", 0.0, 2.0)]
    assert rows(events.join_segments(segments, max_gap=np.inf)) == [("dog", 0.0, 2.0)]


def test_join_segments_keeps_apart_what_a_microsecond_parts():
    segments = [("dog", 0.0, 1.0), ("dog", 1.000001, 2.0)]
    assert rows(events.join_segments(segments)) == segments
    assert rows(events.join_segments(segments, max_gap=1e-6)) == [("dog", 0.0, 2.0)]


def test_join_segments_keeps_a_long_segment_that_holds_a_short_one():
    assert rows(events.join_segments([("dog", 0.0, 5.0), ("dog", 1.0, 2.0)])) == [("dog", 0.0, 5.0)]


def test_events_that_begin_together_come_by_name():
    names = [f"class {i:03}" for i in range(200)]
    expected = [(name, onset, onset + 0.5) for onset in (1.0, 2.0, 3.0) for name in names]
    assert rows(events.join_segments(expected[::-1] * 2)) == expected
    found = events.events_by_class(np.ones((1, 200)), names[::-1], 1.0, 1.0, 0.5)
    assert rows(found) == [(name, 0.0, 1.0) for name in names]


@pytest.mark.parametrize("hop", [12345 / 44100, 0.0625000005, 1 / 3, 0.1])
def test_windows_that_just_touch_are_joined(hop):
    found = events.events_from_scores(np.ones((1999, 1)), ["dog"], hop, hop, 0.5)
    assert rows(found) == [("dog", 0.0, round(1999 * hop, 6))]


# --- from scores to events ---


def test_the_detectors_say_what_does_not_fit():
    zeros = np.zeros((2, 2))
    for detect in (events.events_from_scores, events.events_by_class):
        with pytest.raises(ValueError, match=r"threshold is 1\.5\. Scores lie in"):
            detect(zeros, ["a", "b"], 0.5, 0.96, 1.5)
        with pytest.raises(ValueError, match=r"shape \(n_windows, 2\)"):
            detect(np.zeros((2, 3)), ["a", "b"], 0.5, 0.96, 0.5)
        with pytest.raises(ValueError, match="with each of them once"):
            detect(zeros, ["a", "a"], 0.5, 0.96, 0.5)
        for wrong in (0, -0.1, np.nan, np.inf):
            with pytest.raises(ValueError, match=rf"hop is {wrong}\. Give a number of seconds"):
                detect(zeros, ["a", "b"], wrong, 0.96, 0.5)
            with pytest.raises(ValueError, match=rf"window is {wrong}\. Give a number of seconds"):
                detect(zeros, ["a", "b"], 0.5, wrong, 0.5)
    with pytest.raises(ValueError, match="one for each of the 2 classes"):
        events.events_by_class(zeros, ["a", "b"], 0.5, 0.96, [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="must the threshold"):
        events.events_by_class(zeros, ["a", "b"], 0.5, 0.96, [0.5, 1.5])
    for wrong in (-0.1, np.nan):
        for name in ("smooth", "shortest"):
            with pytest.raises(ValueError, match=rf"{name} is {wrong}\. .*, 0 or more"):
                events.events_by_class(zeros, ["a", "b"], 0.5, 0.96, 0.5, **{name: wrong})
        with pytest.raises(ValueError, match=f"max_gap is {wrong}"):
            events.join_segments(TRIPLES, wrong)
    for several in ([0.5, 0.5], {"a": 0.5, "b": 0.5}, pd.Series([0.5, 0.5])):
        with pytest.raises(ValueError, match="For one per class, use events_by_class"):
            events.events_from_scores(zeros, ["a", "b"], 0.5, 0.96, several)
    assert events.events_by_class(zeros, ["a", "b"], 0.5, 0.96, 0.5).empty


@pytest.mark.parametrize("score", [-2.0, -0.01, 1.01, 3.0, np.nan])
def test_logits_and_nan_are_no_scores(score):
    for detect in (events.events_from_scores, events.events_by_class):
        with pytest.raises(ValueError, match=r"Scores lie in \[0, 1\]"):
            detect(np.array([[0.5, score]]), ["a", "b"], 0.5, 0.96, 0.5)
        with pytest.raises(ValueError, match=r"Scores lie in \[0, 1\]"):
            detect([["0.5", "0.6"]], ["a", "b"], 0.5, 0.96, 0.5)


def test_scores_may_go_over_1_by_rounding():
    for detect in (events.events_from_scores, events.events_by_class):
        assert rows(detect(np.array([[1 + 5e-7]]), ["dog"], 0.5, 0.96, 0.5)) == [("dog", 0.0, 0.96)]


def test_the_shortest_event_is_kept_unless_longer_ones_are_asked_for():
    scores = np.array([[0], [1], [0]])
    assert rows(events.events_by_class(scores, ["dog"], 0.01, 0.02, 0.5)) == [("dog", 0.015, 0.025)]


def test_an_event_just_long_enough_is_kept():
    hop = 0.096
    for begin in range(2, 60):
        scores = np.zeros((64, 1))
        scores[begin : begin + 3] = 1
        assert len(events.events_by_class(scores, ["a"], hop, 0.96, 0.5, shortest=3 * hop)) == 1


def test_events_of_several_classes_may_overlap():
    overlapping = events.events_by_class(np.ones((5, 3)), CLASSES, 0.096, 0.96, 0.5)
    assert rows(overlapping) == [("cat", 0.0, 1.344), ("cow", 0.0, 1.344), ("dog", 0.0, 1.344)]


def test_the_median_filter_drops_outliers_and_fills_gaps():
    scores = np.zeros((40, 2))
    scores[10:20, 0], scores[14, 0], scores[30, 0], scores[5:9, 1] = 1, 0, 1, 1
    found = events.events_by_class(scores, ["a", "b"], 0.1, 1.0, 0.5, smooth=0.5, shortest=0.6)
    assert rows(found) == [("a", 1.45, 2.45)]  # b lasts 0.4 s
    assert len(events.events_by_class(scores, ["a", "b"], 0.1, 1.0, 0.5)) == 4


def test_an_event_holds_on_down_to_a_share_of_the_threshold():
    scores = np.array([0.3, 0.6, 0.3, 0.1, 0.3, 0.3, 0.2, 0.7, 0.3, 0.6, 0.3])[:, None]

    def at(threshold=0.5, **options):
        found = events.events_by_class(scores, ["dog"], 1.0, 1.0, threshold, **options)
        return [row[1:] for row in rows(found)]

    assert at() == at(hold=1.0) == [(1, 2), (7, 8), (9, 10)]
    assert at(hold=0.5) == [(0, 3), (7, 11)]  # 4 to 6 s stay below the threshold itself
    assert at(hold=0.3) == [(0, 3), (4, 11)]
    assert at(hold=0.01) == [(0, 11)]
    assert at(hold=0.3, shortest=4.0) == [(4, 11)]
    assert at(smooth=2.0) == [(8, 9)]  # the median of three windows is 0.6 there, and 0.3 elsewhere
    assert at(hold=0.5, smooth=2.0) == [(0, 11)]
    assert at([0.8], hold=0.3, smooth=2.0) == []
    assert at({"dog": 0.65}, hold=0.5) == [(7, 8)]
    assert at(0.0, hold=0.5) == [(0, 11)]
    assert at(0.6) == at(0.6, hold=0.5) == [(7, 8)]  # what just reaches a threshold is not over it
    assert at(0.65, hold=0.4, smooth=2.0) == []  # no median is over 0.6


def test_the_first_and_the_last_score_go_on_beyond_the_ends():
    scores = np.array([1, 1, 0, 0, 0, 0, 0, 1, 1])[:, None]
    for smooth, expected in ((0, [(0, 2), (7, 9)]), (4, [(0, 2), (7, 9)]), (8, [(0, 2), (7, 9)]), (10, [(0, 9)])):
        found = events.events_by_class(scores, ["dog"], 1.0, 1.0, 0.5, smooth=smooth)
        assert [row[1:] for row in rows(found)] == expected, smooth


def test_holding_on_only_widens_and_joins_events():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = np.sort(rng.uniform(size=(75, 3)), axis=1)[rng.permutation(75)]
        before = None
        for hold in (1, 0.9, 0.6, 0.2):
            found = events.events_by_class(scores, CLASSES, 0.096, 0.96, [0.7, 0.8, 0.9], hold=hold)
            for label, onset, offset in rows(before) if before is not None else ():
                same = found[found["label"] == label]
                assert ((same["onset"] <= onset) & (same["offset"] >= offset)).sum() == 1
            before = found


@pytest.mark.parametrize("hold", [0, -0.5, 1.01, 50, np.nan])
def test_hold_is_a_share(hold):
    with pytest.raises(ValueError, match=rf"hold is {hold}\. Give a share of the threshold"):
        events.events_by_class(np.zeros((2, 1)), ["dog"], 0.5, 0.96, 0.5, hold=hold)


def test_smoothing_is_scipys_median_filter():
    from scipy.ndimage import median_filter

    rng = np.random.default_rng(0)
    for size in (1, 3, 11, 75, 201):
        scores = rng.uniform(size=(75, 3))
        smoothed = median_filter(scores, (size, 1), mode="nearest")
        found = events.events_by_class(scores, CLASSES, 0.1, 1.0, 0.5, smooth=(size - 1) * 0.1)
        expected = events.events_by_class(smoothed, CLASSES, 0.1, 1.0, 0.5)
        pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("detect", [events.events_from_scores, events.events_by_class])
def test_half_precision_scores_are_read_as_single_precision(detect):
    scores = np.random.default_rng(0).uniform(size=(75, 3)).astype(np.float16)
    for threshold in (0.5, float(scores[7, 0]), 0.3):
        options = {"smooth": 1.0} if detect is events.events_by_class else {}
        arguments = CLASSES, 0.5, 0.5, threshold
        expected = detect(scores.astype(np.float32), *arguments, **options)
        pd.testing.assert_frame_equal(detect(scores, *arguments, **options), expected)
        assert len(expected) > 3
    assert len(detect(np.float16([[0.3]]), ["dog"], 0.5, 0.5, 0.3)) == 1  # it is 0.30005


def test_classes_are_taken_in_the_order_of_a_series_not_of_its_index():
    classes = pd.Series(CLASSES, index=[2, 0, 1])
    scores = np.random.default_rng(0).uniform(size=(75, 3))
    for detect in (events.events_from_scores, events.events_by_class):
        expected = detect(scores, CLASSES, 0.5, 0.5, 0.6)
        assert len(expected) > 3
        for others in (classes, np.array(CLASSES), tuple(CLASSES), pd.Index(CLASSES)):
            pd.testing.assert_frame_equal(detect(scores, others, 0.5, 0.5, 0.6), expected)


def test_thresholds_with_names_are_taken_by_name():
    scores = np.random.default_rng(0).uniform(size=(75, 3))

    def at(thresholds):
        return events.events_by_class(scores, CLASSES, 0.096, 0.96, thresholds)

    by_name, expected = {"dog": 0.2, "cat": 0.5, "cow": 0.8}, at([0.2, 0.5, 0.8])
    assert rows(expected) != rows(at([0.8, 0.5, 0.2]))
    backwards = dict(reversed(by_name.items()))
    in_order = [pd.Series([0.2, 0.5, 0.8]), np.array([0.2, 0.5, 0.8]), (0.2, 0.5, 0.8)]
    average = {"average": 0.9} | by_name
    named = [by_name, backwards, average]
    for thresholds in (*named, *map(pd.Series, named), *in_order):
        pd.testing.assert_frame_equal(at(thresholds), expected)
    for missing in ({"dog": 0.2, "cow": 0.8}, pd.Series({"dog": 0.2, "Cat": 0.5, "cow": 0.8})):
        with pytest.raises(ValueError, match="threshold for each class: cat has none"):
            at(missing)
    with pytest.raises(ValueError, match="must the threshold"):
        at(by_name | {"cat": np.nan})


# --- every message, word for word ---


def message(function, *arguments, error=ValueError, **options):
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    assert caught.type is error
    (words,) = caught.value.args
    return words


SAY_WHICH = "Give label, onset, offset."
WANTED = "Give each onset as a number of seconds, 0 or more, not"
FLOAT = "float(…) turns text into a number, and astype(float) a whole column."
RENAME = "Rename or drop yours: table.rename(columns=lambda c: c.removeprefix('event_'))"
NO_EVENTS = {
    "None": (None, "Give a table with the columns label, onset and offset, or a list of such triples, not None."),
    "text": ("dog", "Give a table with the columns label, onset and offset, or a list of such triples, not 'dog'."),
    "a pair": ([("dog", 1.0), ()], "Give each event as (label, onset, offset), not as ('dog', 1.0)."),
    "no names": ([("dog", 0, 1), (3, 0, 1), (4, 0, 1)], "Give each event the name of a class as its label, not 3."),
    "another class": ([("owl", 0, 1), ("hen", 0, 1)], "No such class: hen, owl. The classes are dog, cat, cow."),
    "text for a time": ([("dog", 1, 2), ("dog", "1", "2")], f"{WANTED} '1'. {FLOAT}"),
    "a negative time": ([("dog", -1, 2), ("dog", "1", "2")], f"{WANTED} -1."),
    "just negative": ([("dog", -6e-7, 2)], f"{WANTED} -6e-07."),
    "no time": ([("dog", None, 2)], f"{WANTED} None."),
    "backwards": ([("dog", 1, 2), ("cat", 2, 1.5), ("cow", 1, 0)],
                  f"An event ends before it begins, cat from 2.0 to 1.5 s. {SAY_WHICH}"),
    "a microsecond backwards": ([("dog", 1, 0.999999)],
                                f"An event ends before it begins, dog from 1.0 to 0.999999 s. {SAY_WHICH}"),
    "two onsets": (Events(["dog"], [1.0, 1.5], [2.0]),
                   "Give as many labels as onsets and offsets: one of each per event."),
    "two offsets": (Events(["dog"], [1.0], [2.0, 2.5]),
                    "Give as many labels as onsets and offsets: one of each per event."),
    "two labels": (Events(["dog", "cat"], [1.0], [2.0]),
                   "Give as many labels as onsets and offsets: one of each per event."),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_EVENTS)
def test_what_is_no_event_is_told_in_a_whole_sentence(case):
    wrong, words = NO_EVENTS[case]
    assert message(Events.of, wrong, CLASSES) == words


def test_a_table_that_lacks_a_column_is_told_its_columns():
    dcase = pd.DataFrame(TRIPLES, columns=["event_label", "onset", "offset"])
    one = "A table of events has one column 'label', this one ['event_label', 'onset', 'offset']."
    assert message(Events.of, dcase, error=KeyError) == f"{one} {RENAME}"
    assert events.checked_table(TABLE) is TABLE


NO_CLASSES = {
    "a set": ({"dog"}, "A set of classes has no order. Give a list: sorted(classes)."),
    "a frozen set": (frozenset(["dog"]), "A set of classes has no order. Give a list: sorted(classes)."),
    "nothing": (None, "Give a list of classes with each of them once, not None."),
    "a number": (3, "Give a list of classes with each of them once, not 3."),
    "one name": ("dog", "Give a list of classes with each of them once, not 'dog'."),
    "bytes": (b"dog", "Give a list of classes with each of them once, not b'dog'."),
    "none": ([], "Give a list of classes with each of them once, not []."),
    "one twice": (["dog", "dog"], "Give a list of classes with each of them once, not ['dog', 'dog']."),
    "numbers": (["dog", 3, 4], "Give the name of each class as text, not 3."),
}


@pytest.mark.parametrize("case", NO_CLASSES)
def test_what_are_no_classes_is_told_in_a_whole_sentence(case):
    wrong, words = NO_CLASSES[case]
    assert message(events.class_names, wrong) == words
    assert message(events.check_scores, np.zeros((1, 1)), wrong) == words


def test_names_of_classes_are_plain_text():
    for names in (np.array(["dog", "cat"]), iter(["dog", "cat"]), pd.Index(["dog", "cat"])):
        found = events.class_names(names)
        assert found == ["dog", "cat"]
        assert {type(name) for name in found} == {str}


SHAPE = "Expected scores of shape (n_windows, 2), got"
RANGE = "Scores lie in [0, 1]. Are these NaN, text or logits? For logits, take softmax or sigmoid."
THRESHOLD = "Scores lie in [0, 1], and so must the threshold."
ZEROS = np.zeros((3, 2))
NO_SCORES = {
    "flat": ([0.5, 0.5], 0.5, f"{SHAPE} (2,)."),
    "another class": (np.zeros((3, 3)), 0.5, f"{SHAPE} (3, 3)."),
    "deep": (np.zeros((1, 2, 1)), 0.5, f"{SHAPE} (1, 2, 1)."),
    "ragged": ([[0.1, 0.2], [0.1]], 0.5, "This list can't be read as an array. Give numbers in rows of one length."),
    "other columns": (pd.DataFrame(ZEROS, columns=["cow", "hen"]), 0.5,
                      "The table of scores has no column dog, cat."),
    "numbered from 1": (pd.DataFrame(ZEROS, columns=[1, 2]), 0.5, "The table of scores has no column dog, cat."),
    "logits": ([[0.5, 1.1]], 0.5, RANGE),
    "just over 1": ([[0.5, 1 + 2e-6]], 0.5, RANGE),
    "just below 0": ([[0.5, -1e-9]], 0.5, RANGE),
    "NaN": ([[0.5, np.nan]], 0.5, RANGE),
    "text": ([["0.5", "0.5"]], 0.5, RANGE),
    "complex": (ZEROS + 0j, 0.5, RANGE),
    "a threshold over 1": (ZEROS, 1.001, f"threshold is 1.001. {THRESHOLD}"),
    "a threshold below 0": (ZEROS, -1e-9, f"threshold is -1e-09. {THRESHOLD}"),
    "no threshold": (ZEROS, None, f"threshold is None. {THRESHOLD}"),
    "a threshold of text": (ZEROS, "0.5", f"threshold is '0.5'. {THRESHOLD}"),
}  # fmt: skip


@pytest.mark.parametrize("detect", [events.events_from_scores, events.events_by_class])
@pytest.mark.parametrize("case", NO_SCORES)
def test_what_are_no_scores_is_told_in_a_whole_sentence(case, detect):
    scores, threshold, words = NO_SCORES[case]
    assert message(detect, scores, ["dog", "cat"], 0.5, 0.96, threshold) == words


ONE_EACH = "Give one threshold, or one for each of the 2 classes."
NO_THRESHOLDS = {
    "three": ([0.5, 0.5, 0.5], ONE_EACH),
    "one in a list": ([0.5], ONE_EACH),
    "none": ((), ONE_EACH),
    "lists": ([[0.5, 0.5]], f"threshold is [0.5, 0.5]. {THRESHOLD}"),
    "the second": ([0.5, 7], f"threshold is 7. {THRESHOLD}"),
    "without a class": ({"dog": 0.5}, "Give a threshold for each class: cat has none."),
    "of no class": ({}, "Give a threshold for each class: dog, cat has none."),
    "numbered from 1": (pd.Series([0.5, 0.5], [1, 2]), "Give a threshold for each class: dog, cat has none."),
}


@pytest.mark.parametrize("case", NO_THRESHOLDS)
def test_what_are_no_thresholds_is_told_in_a_whole_sentence(case):
    thresholds, words = NO_THRESHOLDS[case]
    assert message(events.events_by_class, ZEROS, ["dog", "cat"], 0.5, 0.96, thresholds) == words
    words = "Give one threshold for all. For one per class, use events_by_class."
    assert message(events.events_from_scores, ZEROS, ["dog", "cat"], 0.5, 0.96, thresholds) == words


def test_every_setting_is_told_by_its_name():
    positive, zero = "Give a number of seconds, more than 0.", "Give a number of seconds, 0 or more."
    share = "Give a share of the threshold, over 0 and up to 1."
    for name, wrong, way in (
        ("hop", 0, positive),
        ("window", 0, positive),
        ("smooth", -1, zero),
        ("shortest", -0.5, zero),
        ("hold", 1.5, share),
        ("hold", 0, share),
    ):
        options = {"hop": 0.5, "window": 0.96, "thresholds": 0.5} | {name: wrong}
        assert message(events.events_by_class, ZEROS, ["dog", "cat"], **options) == f"{name} is {wrong}. {way}"
        if name in ("hop", "window"):
            options["threshold"] = options.pop("thresholds")
            assert message(events.events_from_scores, ZEROS, ["dog", "cat"], **options) == f"{name} is {wrong}. {way}"
    assert message(events.join_segments, [], -1) == f"max_gap is -1. {zero}"


# --- numbers ---


def test_a_value_is_shown_in_one_line_and_short():
    assert events.shown("dog") == "'dog'"
    assert events.shown(np.zeros((2, 2))) == "array([[0., 0... [0., 0.]])"
    assert events.shown("a\n b") == r"'a\n b'"
    assert events.shown(pd.DataFrame({"a": [1]})) == "a 0 1"


class Tensor:
    """What PyTorch's tensors do, as far as it matters here; as an array it can't be read."""

    def __init__(self, values, done=()):
        self.values, self.done = values, done

    def detach(self):
        return Tensor(self.values, (*self.done, "detach"))

    def cpu(self):
        return Tensor(self.values, (*self.done, "cpu"))

    def double(self):
        assert self.done == ("detach", "cpu")
        return np.array(self.values, dtype=float)

    def __array__(self, *_, **__):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


class Unreadable:
    def __array__(self, *_, **__):
        raise RuntimeError("not on this device")


def test_tensors_are_arrays_and_what_is_none_says_why():
    assert events.array_of(Tensor([1, 2])).tolist() == [1.0, 2.0]
    for wrong, error in (([[1], [1, 2]], ValueError), (Unreadable(), RuntimeError)):
        with pytest.raises(ValueError, match="Give numbers in rows of one length") as caught:
            events.array_of(wrong)
        assert str(caught.value).startswith(f"This {type(wrong).__name__} can't be read as an array. ")
        assert type(caught.value.__cause__) is error


@pytest.mark.parametrize("dtype", [int, np.float32])
def test_masked_values_are_nan(dtype):
    values = np.array([1, 2, 3], dtype)
    found = events.array_of(np.ma.masked_array(values, mask=[False, True, False]))
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, [1, np.nan, 3])
    whole = events.array_of(np.ma.masked_array(values))
    assert whole.dtype == dtype
    assert whole.tolist() == [1, 2, 3]


NUMBERS = {
    "floats": ([0.1, 1e300], [0.1, 1e300]),
    "whole": (np.uint64([1, 2]), [1, 2]),
    "yes and no": ([True, False], [1, 0]),
    "long": (np.longdouble([0.5]), [0.5]),
    "text": (["1", "2"], [np.nan, np.nan]),
    "complex": ([1j], [np.nan]),
    "dates": (np.zeros((2, 1), "M8[s]"), [[np.nan], [np.nan]]),
    "objects": (np.array([[1, "1"], [None, Decimal("0.5")], [np.bool_(True), 10**400]], object),
                [[1, np.nan], [np.nan, 0.5], [1, np.nan]]),
    "a fraction": ([Fraction(1, 4), Decimal("sNaN"), Decimal("NaN")], [0.25, np.nan, np.nan]),
    "one": (3, 3),
    "one object": (Decimal(3), 3),
}  # fmt: skip


@pytest.mark.parametrize("case", NUMBERS)
def test_what_is_no_number_is_nan(case):
    values, expected = NUMBERS[case]
    found = events.numbers(values)
    assert found.dtype == float
    assert found.shape == np.shape(expected)
    np.testing.assert_array_equal(found, np.array(expected, float))


def anything(_):
    return True


def test_a_setting_is_one_number():
    for value in (2, 2.0, np.float32(2), np.array(2), Decimal(2), Fraction(2), Tensor(2)):
        for whole, kind in ((False, float), (True, int)):
            found = events.number(value, "size", "Give one.", anything, whole=whole)
            assert found == 2
            assert type(found) is kind
    assert events.number(3, "size", "Give one.", anything, whole=True) == 3
    assert events.number(2.5, "size", "Give one.", anything) == 2.5
    assert message(events.number, 2.5, "size", "Give one.", anything, whole=True) == "size is 2.5. Give one."
    assert events.number(np.inf, "size", "Give one.", anything) == np.inf
    asked = []
    assert message(events.number, 3, "size", "Give one.", asked.append) == "size is 3. Give one."
    assert asked == [3.0]


NO_NUMBERS = {
    "True": (True, "True"),
    "a list": ([2.0], "[2.0]"),
    "a ragged list": ([[1], [1, 2]], "[[1], [1, 2]]"),
    "a tuple": ((2.0,), "(2.0,)"),
    "an array": (np.array([2.0]), "array([2.])"),
    "too small": (np.float32(-0.5), "-0.5"),
    "text": ("2\n", r"'2\n'"),
    "complex": (2j, "2j"),
    "too large": (10**400, "100000000000000000...0000000000000000000"),
}


@pytest.mark.parametrize("case", NO_NUMBERS)
def test_what_is_no_setting_is_shown(case):
    value, seen = NO_NUMBERS[case]
    found = message(events.number, value, "size", "Give one.", lambda size: 0 <= size < np.inf)
    assert found == f"size is {seen}. Give one."


def test_lengths_are_floats_in_their_order():
    found = events.check_lengths(hop=1, window=np.float32(2))
    assert found == [1.0, 2.0]
    assert {type(length) for length in found} == {float}
    assert events.check_lengths(zero=True, gap=0, other=np.inf) == [0.0, np.inf]
    assert events.check_lengths(hop=1e-300) == [1e-300]
    assert message(events.check_lengths, hop=1, window=0) == "window is 0. Give a number of seconds, more than 0."
    assert message(events.check_lengths, hop=np.inf) == "hop is inf. Give a number of seconds, more than 0."
    assert message(events.check_lengths, zero=True, gap=-1) == "gap is -1. Give a number of seconds, 0 or more."


# --- tables of scores, dtypes and borders ---


def test_tables_of_scores_are_taken_by_name_unless_they_are_numbered():
    values = np.array([[0.1, 0.2], [0.3, 0.4]])
    for table in (
        pd.DataFrame(values),
        pd.DataFrame(values, columns=["dog", "cat"]),
        pd.DataFrame(values[:, ::-1], columns=["cat", "dog"]),
        pd.DataFrame(values, columns=["dog", "cat"]).assign(file="a.wav")[["file", "cat", "dog"]],
    ):
        np.testing.assert_array_equal(events.score_array(table, np.array(["dog", "cat"], object)), values)


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i8", "f8"), ("u1", "f8"), ("?", "f8"), ("O", "f8")],
)
def test_scores_are_floats_of_single_precision_or_more(dtype, kept):
    given_scores = np.array([[1, 0]]).astype(dtype)
    scores, names, threshold = events.check_scores(given_scores, ["dog", "cat"])
    assert scores.dtype == np.dtype(kept)
    assert scores.tolist() == [[1.0, 0.0]]
    assert np.shares_memory(scores, given_scores) == (dtype == kept)
    assert names.dtype == object
    assert names.tolist() == ["dog", "cat"]
    assert (threshold.shape, threshold.item()) == ((), 0.0)


def test_scores_and_thresholds_may_be_0_and_1():
    for threshold in (0, 1, [0, 1], {"cat": 1, "dog": 0}, {0: 0, 1: 1}, np.array([0.0, 1.0])):
        scores, _, found = events.check_scores([[0, 1 + 1e-6]], ["dog", "cat"], threshold)
        assert scores.tolist() == [[0, 1 + 1e-6]]
        assert found.tolist() == ([0.0, 1.0] if np.ndim(threshold) or isinstance(threshold, dict) else threshold)


@pytest.mark.parametrize("threshold", [0.3, Decimal("0.3"), np.array(0.3), Fraction(3, 10)], ids=repr)
def test_a_threshold_meets_scores_in_single_precision_as_one_of_them(threshold):
    assert len(events.events_from_scores(np.float32([[0.3]]), ["dog"], 0.5, 0.5, threshold)) == 0
    assert len(events.events_from_scores(np.float32([[0.3001]]), ["dog"], 0.5, 0.5, threshold)) == 1


def test_window_borders_by_hand():
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-12)
    close(events.window_borders(1, 0.5, 2.0), [0, 2])
    close(events.window_borders(2, 0.5, 2.0), [0, 1.25, 2.5])
    close(events.window_borders(4, 1.0, 2.0), [0, 1.5, 2.5, 3.5, 5])
    close(events.window_borders(3, 1.0, 0.5), [0, 0.75, 1.75, 2.5])


def test_windows_a_nanosecond_apart_touch_and_two_do_not():
    for apart, n in ((1e-9, 1), (2e-9, 2)):
        assert len(events.events_from_scores(np.ones((2, 1)), ["dog"], 1 + apart, 1.0, 0.5)) == n


def test_long_gaps_are_compared_to_the_microsecond():
    segments = [("dog", 0.0, 1.0), ("dog", 1001.0, 1002.0), ("dog", 2002.000001, 2003.0)]
    assert rows(events.join_segments(segments, max_gap=1000)) == [("dog", 0.0, 1002.0), segments[2]]


def test_tables_of_events_have_the_same_columns_whatever_made_them():
    for scores, triples in ((np.eye(2), TRIPLES), (np.zeros((0, 2)), [])):
        expected = Events.of(triples).table()
        for table in (
            events.join_segments(triples),
            events.events_from_scores(scores, ["dog", "cat"], 0.5, 0.5, 0.5),
            events.events_by_class(scores, ["dog", "cat"], 0.5, 0.5, 0.5),
        ):
            assert table.dtypes.to_dict() == expected.dtypes.to_dict()
            assert table.index.equals(pd.RangeIndex(len(triples)))
            assert {type(label) for label in table["label"]} <= {str}

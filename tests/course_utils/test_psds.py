"""The PSDS equals that of sed_scores_eval, the field's tool, and simple cases come out as by hand.

The tool needs a C++ compiler, so it is no dependency of the course. Its figures are in tests/data/psds.json. Where it
is installed, it is also run, and ``python tests/course_utils/test_psds.py`` writes its figures again.
"""

import itertools
import json
import os
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_events import message

from course_utils import evaluation
from course_utils.events import Events, events_by_class, window_borders

FIGURES = Path(__file__).parents[1] / "data/psds.json"
TOOL = "sed_scores_eval==0.0.4"
HOW = f"pip install --no-deps --target FOLDER {TOOL} lazy_dataset, and pytest with PYTHONPATH=FOLDER"
KINDS = {"PSDS1": evaluation.PSDS1, "PSDS2": evaluation.PSDS2}
OWN = evaluation.PsdsSettings(0.5, 0.3, cttc=0.2, alpha_ct=1.0, alpha_st=0.0, max_efpr=1000)
IN_FILE = KINDS | {"own settings": OWN}
OTHERS = [
    evaluation.PSDS2._replace(alpha_st=0.5, max_efpr=7),
    evaluation.PSDS1._replace(dtc=1.0, gtc=1.0, alpha_st=0.0, max_efpr=1e5),
]
TIMES = {"duration": 8.0, "hop": 0.096, "window": 0.96}


# --- cases, the same for ours and the tool ---


def drawn(seed, n=16, n_windows=74, classes="abc", levels=None, smooth=1, snap=None, busy=0.5, times=TIMES):
    """Draw references and scores that are higher around events; ``levels`` and ``snap`` make ties and borders."""
    rng = np.random.default_rng(seed)
    borders = np.minimum(np.round(window_borders(n_windows, times["hop"], times["window"]), 6), times["duration"])
    reference, scores = [], []
    for _ in range(n):
        rows, x = [], rng.uniform(0, 0.6, (n_windows, len(classes)))
        for k, label in enumerate(classes):
            ends = np.sort(rng.uniform(0, times["duration"], 2 * rng.binomial(3, busy)).round(6))
            if snap:
                ends = np.unique(rng.choice(borders, len(ends)))[: len(ends) // 2 * 2]
            for onset, offset in ends[: len(ends) // 2 * 2].reshape(-1, 2):
                rows.append((label, float(onset), float(offset)))
                x[(borders[1:] > onset + 0.1) & (borders[:-1] < offset - 0.1), k] += rng.uniform(0, 0.4)
        around = np.clip(np.arange(n_windows)[:, None] + np.arange(smooth) - smooth // 2, 0, n_windows - 1)
        x = np.median(x[around], axis=1).clip(max=1)
        scores.append(x if levels is None else np.round(x * levels) / levels)
        reference.append(rows)
    return reference, scores, list(classes), times


def cases():
    """Return every case of the committed figures: references, scores, classes and times."""
    found = {f"as in the lesson, {seed}": drawn(seed, 50, 74, "abcdefghij", smooth=11, busy=0.15) for seed in range(3)}
    found |= {f"in tenths, {seed}": drawn(seed, levels=10, smooth=9) for seed in range(4)}
    found |= {f"yes or no, {seed}": drawn(seed, levels=1, smooth=5) for seed in range(4)}
    found |= {f"events at borders, {seed}": drawn(seed, snap=True, smooth=7) for seed in range(4)}
    found |= {f"borders and tenths, {seed}": drawn(seed, snap=True, levels=10, smooth=5) for seed in range(4)}
    found |= {f"few events, {seed}": drawn(seed, classes="abcde", busy=0.04, smooth=15) for seed in range(4)}
    found |= {f"one class, {seed}": drawn(seed, classes="a", smooth=7) for seed in range(2)}
    for seconds, n_windows in ((0.96, 8), (0.48, 16), (1 / 3, 22), (2.0, 4), (9.0, 1)):
        times = TIMES | {"hop": seconds}
        found[f"a hop of {seconds:.2f} s"] = drawn(1, n_windows=n_windows, times=times)
    for value in (0.0, 0.3, 1.0):
        reference, scores, *rest = drawn(5, busy=0.3)
        found[f"all scores {value}"] = reference, [np.full_like(x, value) for x in scores], *rest
    reference, scores, classes, times = drawn(6, 4, smooth=9)
    whole = [[(label, 0.0, 8.0) for label in classes]] * 4
    found["events as long as the recordings"] = whole, scores, classes, times
    perfect = [np.ones((4, 1)) * [1, 0, 0]] * 4
    beyond = TIMES | {"hop": 2.0, "window": 2.0}
    found["exactly right, in one class"] = [[("a", 0.0, 8.0)], [], [], [("b", 2.0, 4.0)]], perfect, classes, beyond
    touching = [[*rows, ("a", 1.0, 2.0), ("a", 2.0, 3.0), ("a", 2.5, 4.0), ("b", 5.0, 5.0)] for rows in reference]
    found["events that touch and overlap"] = touching, scores, classes, times
    lengths = 74, 60, 1, 30
    found["recordings with fewer windows"] = (
        reference,
        [x[:m] for x, m in zip(scores, lengths, strict=True)],
        classes,
        times,
    )
    found["windows cut at the end"] = reference, [np.vstack([x, x[:4]]) for x in scores], classes, times
    found["float32"] = reference, [x.astype(np.float32) for x in scores], classes, times
    return found


def joined(rows):
    """Return the events with those joined that touch, and without those of no length."""
    found = []
    for label, onset, offset in sorted(rows):
        if found and found[-1][0] == label and onset <= found[-1][2]:
            found[-1][2] = max(found[-1][2], offset)
        else:
            found.append([label, onset, offset])
    return [row for row in found if row[2] > row[1]]


def ours(case, kind):
    reference, scores, classes, times = case
    return evaluation.psds(reference, scores, classes, kind=kind, **times).to_list()


def by_the_tool(case, kind):
    """Return what sed_scores_eval gives for the classes that have events; NaN for others."""
    from sed_scores_eval import intersection_based
    from sed_scores_eval.base_modules import scores as tables
    from sed_scores_eval.base_modules import statistics

    reference, scores, classes, times = case
    names = [f"{i:04}" for i in range(len(reference))]
    truth = {
        name: [(on, off, label) for label, on, off in joined(rows)] for name, rows in zip(names, reference, strict=True)
    }
    kept = [label for label in classes if any(row[2] == label for rows in truth.values() for row in rows)]
    frames = {}
    for name, x in zip(names, scores, strict=True):
        borders = np.round(window_borders(len(x), times["hop"], times["window"]), 6)
        x = np.asarray(x, dtype=float)[:, [classes.index(label) for label in kept]]
        frames[name] = tables.create_score_dataframe(x, np.minimum(borders, times["duration"]), kept)
    options = {"dtc_threshold": kind.dtc, "gtc_threshold": kind.gtc}
    if kind.alpha_ct and len(kept) > 1:  # with one class there are none to trigger, and the tool fails
        options |= {"cttc_threshold": kind.cttc, "alpha_ct": kind.alpha_ct}
    curves = statistics.onset_offset_curves  # refuses what pandas 3 gives it, arrays that can't be written to

    def of_copies(*arrays):
        return curves(*[array if array is None else np.array(array) for array in arrays])

    with mock.patch.object(statistics, "onset_offset_curves", of_copies):
        overall, by_class, *_ = intersection_based.psds(
            frames, truth, dict.fromkeys(names, times["duration"]),
            alpha_st=kind.alpha_st, max_efpr=kind.max_efpr, unit_of_time="hour", **options,
        )  # fmt: skip
    return [float(by_class.get(label, np.nan)) for label in classes] + [float(overall)]


@pytest.fixture(scope="module")
def tool():
    try:
        import sed_scores_eval  # noqa: F401
    except ImportError as error:  # where CI runs it, it must be there
        assert not os.environ.get("COURSE_PSDS_REQUIRED"), error
        pytest.skip(f"the field's tool is not run beside ours: {HOW}")
    return by_the_tool


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


# --- the field's tool ---


def test_psds_equals_the_figures_of_sed_scores_eval():
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    assert figures["tool"] == TOOL
    assert TOOL in (Path(__file__).parents[2] / ".ci/run").read_text(encoding="utf-8")
    drawn_cases = cases()
    assert figures["cases"].keys() == drawn_cases.keys()
    for name, by_kind in figures["cases"].items():
        for kind, expected in by_kind.items():
            close(ours(drawn_cases[name], IN_FILE[kind]), np.array(expected, dtype=float))
    for kind in IN_FILE:  # they say something
        values = np.array([x for by_kind in figures["cases"].values() for x in by_kind[kind]], dtype=float)
        assert np.mean((values > 0.01) & (values < 0.99)) > 0.35
        assert {0, 1} < set(values)


def test_the_tool_gives_the_committed_figures(tool):
    import importlib.metadata

    assert f"sed_scores_eval=={importlib.metadata.version('sed_scores_eval')}" == TOOL
    committed = json.loads(FIGURES.read_text(encoding="utf-8"))["cases"]
    figures = written()["cases"]
    assert figures.keys() == committed.keys()
    for name, by_kind in figures.items():
        for kind, values in by_kind.items():
            close(np.array(values, dtype=float), np.array(committed[name][kind], dtype=float))


@pytest.mark.parametrize("kind", [*IN_FILE.values(), *OTHERS], ids=str)
def test_psds_equals_the_tool(tool, kind):
    rng, drawn_cases, failed = np.random.default_rng(7), list(cases().values()), 0
    for seed in range(60):
        options = {
            "n": rng.integers(1, 20), "n_windows": rng.integers(2, 75), "classes": "abcd"[: rng.integers(1, 5)],
            "levels": rng.choice([None, 1, 3, 20]), "smooth": rng.choice([1, 4, 9]), "snap": rng.uniform() < 0.5,
            "busy": rng.choice([0.2, 0.5, 0.9]),
        }  # fmt: skip
        drawn_cases.append(drawn(100 + seed, **options))
    for case in drawn_cases:
        if any(joined(rows) for rows in case[0]):
            found = ours(case, kind)
            try:
                close(found, tool(case, kind))
            except (IndexError, TypeError, AssertionError) as error:
                # The tool fails if a class has neither a hit nor a false alarm at any threshold.
                assert "Not equal" not in str(error), error
                assert 0 in found
                failed += 1
    assert failed <= 1


def written():
    """Return the tool's figures, NaN as null."""
    found = {}
    for name, case in cases().items():
        values = {key: by_the_tool(case, kind) for key, kind in IN_FILE.items()}
        found[name] = {key: [None if np.isnan(x) else round(x, 9) for x in row] for key, row in values.items()}
    return {"tool": TOOL, "cases": found}


# --- by hand ---

AB = ["a", "b"]
HOUR = {"duration": 36.0, "hop": 1.0, "window": 1.0}  # of two recordings, one false alarm is 50 per hour


def two_recordings(*runs):
    """Return the scores of two recordings of 36 windows and two classes: (recording, class, begin, end, score)."""
    scores = np.zeros((2, 36, 2))
    for recording, code, begin, end, score in runs:
        scores[recording, begin:end, code] = score
    return list(scores)


def test_a_detector_that_is_always_right_has_psds_1():
    reference = [[("a", 3, 9), ("b", 5, 20)], [("a", 0, 2)]]
    scores = two_recordings((0, 0, 3, 9, 0.9), (0, 1, 5, 20, 0.2), (1, 0, 0, 2, 0.4))
    for kind in KINDS.values():
        assert evaluation.psds(reference, scores, AB, kind=kind, **HOUR).to_list() == [1, 1, 1]


def test_a_false_alarm_before_the_event_costs_half():
    reference, scores = [[("a", 3, 9)], []], two_recordings((0, 0, 3, 9, 0.5), (1, 0, 3, 9, 0.9))
    found = evaluation.psds(reference, scores, AB, **HOUR)
    assert found.to_dict() == {"a": 0.5, "b": pytest.approx(np.nan, nan_ok=True), "overall": 0.5}
    settings = evaluation.PSDS1._replace(max_efpr=200)
    assert evaluation.psds(reference, scores, AB, kind=settings, **HOUR)["overall"] == 0.75


def test_a_detection_just_long_enough_finds_its_event():
    reference = [[("a", 10, 20)], []]
    for begin, end, expected in ((10, 17, 1), (10, 16, 0), (3, 13, 0), (13, 20, 1), (13, 23, 1), (9, 24, 0)):
        found = evaluation.psds(reference, two_recordings((0, 0, begin, end, 0.5)), AB, **HOUR)
        assert found["a"] == expected, (begin, end)


def test_two_detections_find_an_event_together():
    scores = two_recordings((0, 0, 10, 14, 0.9), (0, 0, 15, 20, 0.5))
    assert evaluation.psds([[("a", 10, 20)], []], scores, AB, **HOUR)["a"] == 1
    scores[0][15:18, 0] = 0.0  # 6 of 10 s
    assert evaluation.psds([[("a", 10, 20)], []], scores, AB, **HOUR)["a"] == 0


def test_a_detection_that_widens_into_a_false_alarm_loses_its_event():
    reference, kind = [[("a", 3, 4)], [("a", 10, 12)]], evaluation.PSDS1._replace(gtc=0.0)
    scores = two_recordings((0, 0, 3, 30, 0.5), (0, 0, 3, 4, 0.9), (1, 0, 10, 12, 0.5))
    assert evaluation.psds(reference, scores, AB, kind=kind, **HOUR)["a"] == 0.5


def test_a_microsecond_is_enough_where_no_share_is_asked_for():
    kind, scores = evaluation.PSDS1._replace(dtc=0.5, gtc=0.0), two_recordings((0, 0, 9, 12, 0.5))
    for offset, expected in ((9.000001, 1), (9, 0.5)):
        reference = [[("a", 3, offset), ("a", 10, 12)], []]
        assert evaluation.psds(reference, scores, AB, kind=kind, **HOUR)["a"] == expected


def test_unequal_classes_cost_their_standard_deviation():
    reference, scores = [[("a", 3, 9), ("b", 3, 9)], []], two_recordings((0, 0, 3, 9, 0.5))
    for alpha, expected in ((0, 0.5), (0.5, 0.25), (1, 0), (2, 0)):
        found = evaluation.psds(reference, scores, AB, kind=evaluation.PSDS1._replace(alpha_st=alpha), **HOUR)
        assert found.to_list() == [1, 0, expected]


def test_a_cross_trigger_costs_more_than_an_alarm_in_silence():
    """Class b sounds for 36 s in all: one false alarm of class a costs 50 per hour, and 0.5 of 100 more in b."""
    reference = [[("a", 3, 6), ("b", 10, 36)], [("b", 0, 10)]]
    kind = evaluation.PSDS2._replace(max_efpr=200)
    for begin, expected in ((30, 0.75), (0, 0.5)):  # in recording 1: beside b, and within it
        scores = two_recordings((0, 0, 3, 6, 0.5), (1, 0, begin, begin + 6, 0.9))
        assert evaluation.psds(reference, scores, AB, kind=kind, **HOUR)["a"] == pytest.approx(expected)


def test_a_cross_trigger_costs_a_share_of_the_other_classes():
    """Class b sounds for 36 s: a false alarm in it costs 50 per hour, and 100, shared by the other classes."""
    reference, classes = [[("a", 3, 6), ("b", 10, 36)], [("b", 0, 10)]], list("abcd")
    kind = evaluation.PSDS2._replace(alpha_ct=1.0, max_efpr=200)
    scores = [np.pad(x, ((0, 0), (0, 2))) for x in two_recordings((0, 0, 3, 6, 0.5), (1, 0, 0, 6, 0.9))]
    for others, expected in (("", 1 - 150 / 200), ("c", 1 - 100 / 200), ("cd", 1 - (50 + 100 / 3) / 200)):
        reference[1] = [("b", 0, 10), *((label, 30, 31) for label in others)]
        found = evaluation.psds(reference, scores, classes, kind=kind, **HOUR)
        assert found["a"] == pytest.approx(expected)


def test_a_cross_trigger_lies_in_another_class_for_at_least_its_share():
    reference, scores = [[("a", 3, 6)], [("b", 0, 10)]], two_recordings((0, 0, 3, 6, 0.5), (1, 0, 7, 17, 0.9))
    for share, expected in ((0.3, 0), (0.31, 0.5)):  # 3 of 10 s: with the cross trigger, over 200 per hour
        kind = evaluation.PSDS2._replace(cttc=share)
        assert evaluation.psds(reference, scores, AB, kind=kind, **HOUR)["a"] == expected


# --- what must not matter, and what must ---

windows = st.integers(0, 8).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 4), min_size=2, max_size=2), min_size=n, max_size=n)
)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(windows, windows, st.sampled_from([(0.096, 0.96), (0.5, 0.5), (1 / 3, 0.96)]))
def test_runs_are_the_events_of_events_by_class_at_every_threshold(first, second, grid):
    scores = [np.reshape(x, (-1, 2)) / 4 for x in (first, second)]
    group, low, high, times = evaluation._runs(scores, *grid, 8.0)
    for threshold in np.arange(-1, 4) / 4:  # scores over this one are active
        active = (low <= threshold) & (threshold < high)
        found = sorted(
            (int(g) // 2, "ab"[g % 2], *t) for g, t in zip(group[active], times.T[active] / 1e6, strict=True)
        )
        expected = []
        for i, x in enumerate(scores):
            shifted = (x + 1) / 2  # so that a threshold may lie below all
            table = events_by_class(shifted, ["a", "b"], *grid, (threshold + 1) / 2)
            expected += [(i, *row) for row in table.itertuples(index=False)]
        assert found == sorted(expected)


def test_only_the_order_of_the_scores_matters():
    for seed in range(5):
        reference, scores, classes, times = drawn(seed, smooth=5)
        for kind in KINDS.values():
            expected = evaluation.psds(reference, scores, classes, kind=kind, **times)
            for change in (np.square, np.sqrt, lambda x: x / 9 + 0.4):
                close(evaluation.psds(reference, [change(x) for x in scores], classes, kind=kind, **times), expected)


def test_the_order_of_classes_and_recordings_does_not_matter():
    reference, scores, classes, times = drawn(3, n=6, smooth=5)
    for kind in KINDS.values():
        expected = evaluation.psds(reference, scores, classes, kind=kind, **times)
        turned = evaluation.psds(reference[::-1], [x[:, ::-1] for x in scores[::-1]], classes[::-1], kind=kind, **times)
        close(turned[expected.index], expected)


def test_events_that_touch_are_one_and_those_of_no_length_none():
    scores = two_recordings((0, 0, 3, 9, 0.9), (0, 0, 20, 22, 0.8))
    whole = evaluation.psds([[("a", 3, 9), ("a", 20, 24)], []], scores, AB, **HOUR)
    assert whole["a"] == 0.5
    parts = [("a", 3, 4), ("a", 5, 5), ("a", 20, 24), ("a", 4, 6.5), ("a", 5, 9), ("a", 12, 12), ("b", 1, 1)]
    pd.testing.assert_series_equal(evaluation.psds([parts, []], scores, AB, **HOUR), whole)


def test_a_class_without_events_is_left_out():
    reference, scores, classes, times = drawn(2, 4, smooth=5)
    without = [[row for row in rows if row[0] != "b"] for rows in reference]
    for kind in KINDS.values():
        found = evaluation.psds(without, scores, classes, kind=kind, **times)
        alone = evaluation.psds(without, [x[:, [0, 2]] for x in scores], ["a", "c"], kind=kind, **times)
        assert np.isnan(found["b"])
        pd.testing.assert_series_equal(found.drop("b"), alone)
    for nothing in ([[]] * 4, [pd.DataFrame()] * 4, [[("a", 1, 1)]] * 4):
        found = evaluation.psds(nothing, scores, classes, **times)
        assert found.index.to_list() == ["a", "b", "c", "overall"]
        assert found.isna().all()


def test_windows_are_cut_at_the_end_of_the_recording():
    reference, scores, classes, times = [[("a", 20, 24)]], np.full((30, 1), 0.5), ["a"], HOUR | {"duration": 24.0}
    scores[:20] = 0.0
    with pytest.raises(ValueError, match="30 windows last longer than a recording, which is 24 s"):
        evaluation.psds(reference, scores, classes, **times)
    reach = {"duration": 26.5, "hop": 1.0, "window": 5.0}  # the last window stands for 26 to 29 s
    scores = scores[:25]
    scores[18:] = 0.5  # from 20 s on
    exactly = evaluation.PSDS1._replace(dtc=1.0, gtc=1.0)
    for offset, expected in ((26.5, 1), (26.4, 0)):
        assert evaluation.psds([[("a", 20, offset)]], scores, classes, kind=exactly, **reach)["a"] == expected


def test_a_silent_recording_counts_by_its_duration_only():
    reference, scores = [[("a", 3, 9)], []], two_recordings((0, 0, 3, 9, 0.5), (1, 0, 3, 9, 0.9))
    for more, expected in ((0, 0.5), (2, 0.75)):
        given = [*reference, *[[]] * more], [*scores, *[np.zeros((36, 2))] * more]
        assert evaluation.psds(*given, AB, **HOUR)["a"] == expected


# --- what it accepts ---


def test_one_recording_or_many_in_tables_lists_or_arrays():
    reference, scores, classes, times = drawn(1, n=3)
    expected = evaluation.psds(reference, scores, classes, **times)
    tables = [Events.of(rows).table() for rows in reference]
    for references in (tables, iter(reference), tuple(map(Events.of, reference))):
        for outputs in (np.stack(scores), tuple(scores), [x.tolist() for x in scores], iter(scores)):
            references = list(references)
            found = evaluation.psds(references, outputs, pd.Series(classes), **times)
            pd.testing.assert_series_equal(found, expected)
    alone = evaluation.psds(reference[:1], scores[:1], classes, **times)
    pd.testing.assert_series_equal(evaluation.psds(tables[0], scores[0], classes, **times), alone)
    pd.testing.assert_series_equal(evaluation.psds(reference[0], [scores[0]], classes, **times), alone)


def test_recordings_without_windows_are_silent():
    none = [np.zeros((0, 2))] * 2
    assert evaluation.psds([[("a", 3, 9)], []], none, AB, **HOUR)["overall"] == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scores": [np.zeros((36, 2))]}, "references of 2 recordings and outputs of 1. Give one each"),
        ({"scores": np.zeros((36, 2))}, "references of 2 recordings and outputs of 1"),
        ({"scores": []}, "outputs of 0"),
        ({"scores": [np.zeros((36, 3))] * 2}, r"shape \(n_windows, 2\), got \(36, 3\)"),
        ({"scores": [np.zeros(36)] * 2}, r"shape \(n_windows, 2\)"),
        ({"scores": [np.full((36, 2), 1.1)] * 2}, r"Scores lie in \[0, 1\]"),
        ({"scores": [np.full((36, 2), -0.1)] * 2}, r"Scores lie in \[0, 1\]"),
        ({"scores": [np.zeros((36, 2)), np.full((36, 2), np.nan)]}, r"Scores lie in \[0, 1\]"),
        ({"reference": [[("c", 0, 1)], []]}, "No such class: c. The classes are a, b"),
        ({"reference": [[("a", 2, 1)], []]}, "ends before it begins"),
        ({"reference": [[("a", 36, 37)], []]}, "begins at 36 s, but a recording lasts 36 s"),
        ({"classes": ["a", "a"]}, "with each of them once"),
        ({"hop": 0}, "hop is 0. Give a number of seconds"),
        ({"window": -1.0}, "window is -1.0. Give a number of seconds"),
        ({"duration": np.nan}, "duration is nan. Give a number of seconds"),
        ({"hop": 2.0}, "36 windows last longer than a recording"),
        ({"kind": "PSDS1"}, "Give kind as evaluation.PSDS1 or evaluation.PSDS2, not 'PSDS1'"),
    ],
)
def test_psds_says_what_is_wrong(changes, words):
    right = {"reference": [[("a", 3, 9)], []], "scores": two_recordings(), "classes": ["a", "b"], **HOUR}
    evaluation.psds(**right)
    with pytest.raises(ValueError, match=words):
        evaluation.psds(**right | changes)


# --- the same in plain loops ---

quick = settings(derandomize=True, deadline=None, max_examples=100)


def overlap(first, second):
    return max(min(first[1], second[1]) - max(first[0], second[0]), 0)


def psds_by_loops(reference, scores, classes, kind, duration, hop, window):
    """Measure at each threshold on its own, in whole microseconds."""
    truth = {label: [] for label in classes}
    for i, rows in enumerate(reference):
        for label, *ends in joined(rows):
            truth[label].append((i, [round(1e6 * x) for x in ends]))
    present = [label for label in classes if truth[label]]
    seconds = {label: sum(off - on for _, (on, off) in truth[label]) / 1e6 for label in present}
    points = {label: [(0, 0)] for label in present}
    for label in present:
        column = classes.index(label)
        for threshold in {-1.0, *(row[column] for x in scores for row in x)}:
            cost, covered = 0, [0] * len(truth[label])
            for i, x in enumerate(scores):
                borders = [0, *(k * hop + (window - hop) / 2 for k in range(1, len(x))), (len(x) - 1) * hop + window]
                borders = [round(1e6 * min(border, duration)) for border in borders]
                active = [0, *(int(row[column] >= threshold) for row in x), 0]
                begins, ends = ([k for k in range(len(x) + 1) if active[k + 1] - active[k] == d] for d in (1, -1))
                for begin, end in zip(begins, ends, strict=True):
                    run = borders[begin], borders[end]
                    inside = {name: sum(overlap(run, times) for j, times in truth[name] if j == i) for name in present}
                    if inside[label] < round(kind.dtc * (run[1] - run[0])):
                        cost += 3600 / (len(scores) * duration)
                        for name in present:
                            if name != label and inside[name] >= round(kind.cttc * (run[1] - run[0])):
                                cost += kind.alpha_ct * 3600 / seconds[name] / (len(present) - 1)
                    else:
                        for m, (j, times) in enumerate(truth[label]):
                            covered[m] += overlap(run, times) if j == i else 0
            lengths = [off - on for _, (on, off) in truth[label]]
            found = [c > 0 and c >= round(kind.gtc * n) for c, n in zip(covered, lengths, strict=True)]
            points[label].append((cost, sum(found) / len(found)))
    if not present:
        return [np.nan] * (len(classes) + 1)
    grid = [*sorted({x for some in points.values() for x, _ in some if x < kind.max_efpr}), kind.max_efpr]
    areas = dict.fromkeys([*classes, "overall"], np.nan) | dict.fromkeys([*present, "overall"], 0.0)
    for x, until in itertools.pairwise(grid):
        rates = {label: max(rate for cost, rate in some if cost <= x + 1e-9) for label, some in points.items()}
        mean = sum(rates.values()) / len(rates)
        spread = (sum((rate - mean) ** 2 for rate in rates.values()) / len(rates)) ** 0.5
        for label, rate in (rates | {"overall": max(mean - kind.alpha_st * spread, 0)}).items():
            areas[label] += rate * (until - x) / kind.max_efpr
    return list(areas.values())


ends = st.builds(lambda half, more: (500_000 * half + more) / 1e6, st.integers(0, 11), st.sampled_from([0, 0, 1]))
some_events = st.lists(
    st.builds(lambda label, *times: (label, *sorted(times)), st.sampled_from("abc"), ends, ends), max_size=5
)
quarters = st.lists(st.lists(st.integers(0, 4).map(lambda x: x / 4), min_size=3, max_size=3), min_size=1, max_size=6)
kinds = st.builds(
    evaluation.PsdsSettings,
    dtc=st.sampled_from([0.5, 0.7, 0.1, 1.0, 0.0]),
    gtc=st.sampled_from([0.5, 0.7, 0.1, 1.0, 0.0]),
    cttc=st.sampled_from([0.3, 0.5, 1.0, 0.0]),
    alpha_ct=st.sampled_from([0.5, 1.0, 0.0]),
    alpha_st=st.sampled_from([1.0, 0.0, 0.5]),
    max_efpr=st.sampled_from([20_000.0, 2000.0, 100.0]),
)


@quick
@given(st.lists(st.tuples(some_events, quarters), min_size=1, max_size=3), kinds, st.sampled_from([1, 2]))
def test_psds_equals_plain_loops(recordings, kind, window):
    reference, scores = zip(*recordings, strict=True)
    options = {"kind": kind, "duration": 6.0, "hop": 1.0, "window": float(window)}
    found = evaluation.psds(reference, [np.array(x) for x in scores], list("abc"), **options)
    expected = psds_by_loops(reference, scores, list("abc"), **options)
    np.testing.assert_allclose(found.to_list(), expected, rtol=0, atol=1e-9)
    assert found.index.to_list() == ["a", "b", "c", "overall"]
    assert found.dtype == float


@quick
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=9))
def test_the_last_lower_value_is_that_of_plain_loops(values):
    values = np.array([-1, *values])
    found = evaluation._last_lower(values)
    for i in np.flatnonzero(values >= 0):
        assert found[i] == max(j for j in range(i) if values[j] < values[i])


@quick
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 2, *[st.integers(-3, 3)] * 2), max_size=8))
def test_totals_equal_plain_loops(rows):
    group, score, first, second = np.array(rows, dtype=int).reshape(-1, 4).T
    found = evaluation._totals(group, score, first, second)
    expected = []
    for g, s in sorted({row[:2] for row in rows}, key=lambda key: (key[0], -key[1])):
        before = [row for row in rows if row[0] < g or (row[0] == g and row[1] >= s)]
        expected.append((g, s, sum(row[2] for row in before), sum(row[3] for row in before)))
    assert list(zip(*[x.tolist() for x in found], strict=True)) == expected


# --- every message, word for word ---

NO_SETTINGS = {
    "dtc": ([-0.1, 1.001, np.nan], "Give a share, from 0 to 1."),
    "gtc": ([-0.1, 1.001, np.inf], "Give a share, from 0 to 1."),
    "cttc": ([-0.1, 1.001], "Give a share, from 0 to 1."),
    "alpha_ct": ([-0.1, np.inf, np.nan], "Give a number, 0 or more."),
    "alpha_st": ([-0.1, np.inf], "Give a number, 0 or more."),
    "max_efpr": ([-0.1, np.inf], "Give a number, 0 or more."),
}


@pytest.mark.parametrize("name", NO_SETTINGS)
def test_psds_says_which_setting_is_wrong(name):
    arguments = [("a", 3, 9)], np.zeros((36, 2)), AB
    wrong, way = NO_SETTINGS[name]
    for value in wrong:
        kind = evaluation.PSDS1._replace(**{name: value})
        assert message(evaluation.psds, *arguments, kind=kind, **HOUR) == f"{name} is {value}. {way}"
    for value in (1e-9, 1):
        kind = evaluation.PSDS1._replace(**{name: value})
        checked = evaluation._checked_kind(kind)
        assert checked == kind
        assert {type(x) for x in checked} == {float}
    kind = evaluation.PSDS1._replace(max_efpr=0)
    words = "max_efpr is 0. Give the false alarms per hour up to which to measure."
    assert message(evaluation.psds, *arguments, kind=kind, **HOUR) == words
    assert evaluation._checked_kind(evaluation.PSDS1._replace(dtc=0, gtc=0, cttc=0, alpha_ct=0, alpha_st=0))


def test_the_scenarios_are_those_of_dcase():
    assert evaluation.PSDS1 == (0.7, 0.7, 0.3, 0.0, 1.0, 100.0)
    assert evaluation.PSDS2 == (0.1, 0.1, 0.3, 0.5, 1.0, 100.0)
    reference, scores, classes, times = drawn(1, n=3)
    expected = evaluation.psds(reference, scores, classes, kind=evaluation.PSDS1, **times)
    pd.testing.assert_series_equal(evaluation.psds(reference, scores, classes, **times), expected)


def test_psds_says_what_is_wrong_in_whole_sentences():
    lasts = "36 windows last longer than a recording, which is 35 s. Give hop, window and duration in seconds."
    range_ = "Scores lie in [0, 1]. Are these NaN, text or logits? For logits, take softmax or sigmoid."
    late = "An event begins at 36 s, but a recording lasts 36 s. Give both in seconds."
    zeros, way = np.zeros((36, 2)), "Give a number of seconds, more than 0."
    for changes, words in (
        ({"duration": 35}, lasts),
        ({"duration": 0}, f"duration is 0. {way}"),
        ({"hop": 0}, f"hop is 0. {way}"),
        ({"window": 0}, f"window is 0. {way}"),
        ({"scores": [zeros]}, "There are references of 2 recordings and outputs of 1. Give one each."),
        ({"scores": [zeros, zeros + 1.1]}, f"In recording 1, counted from 0: {range_}"),
        ({"reference": [[], [("a", 36, 37)]]}, f"In recording 1, counted from 0: {late}"),
        ({"kind": None}, "Give kind as evaluation.PSDS1 or evaluation.PSDS2, not None."),
        ({"kind": (0.7, 0.7)}, "Give kind as evaluation.PSDS1 or evaluation.PSDS2, not (0.7, 0.7)."),
    ):
        right = {"reference": [[("a", 3, 9)], []], "scores": [zeros] * 2, "classes": AB, **HOUR}
        assert message(evaluation.psds, **right | changes) == words
    evaluation.psds(**right | {"duration": 35.000001})  # a microsecond is left of the last window


if __name__ == "__main__":
    FIGURES.write_text(json.dumps(written(), indent=1, allow_nan=False) + "\n", encoding="utf-8")

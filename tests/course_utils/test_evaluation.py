"""The metrics equal those of the tools the field uses, and simple cases come out as counted by hand."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sed_eval
from dcase_util.containers import MetaDataContainer
from hypothesis import given, settings
from hypothesis import strategies as st
from test_events import event_lists, message

from course_utils import energy, evaluation
from course_utils.events import Events, events_by_class

CLASSES = ["cat", "cow", "dog"]
METRICS = [evaluation.sed_metrics, evaluation.sed_class_metrics]


def events(*rows):
    return pd.DataFrame(rows, columns=["label", "onset", "offset"])


def test_class_accuracy_by_hand():
    table = evaluation.class_accuracy([0, 0, 1, 1], [0, 1, 1, 1], CLASSES)
    assert table.loc["cat", "accuracy"] == 0.5
    assert table.loc["cow", "accuracy"] == 1
    assert np.isnan(table.loc["dog", "accuracy"])
    assert table.loc["average", "accuracy"] == 0.75
    assert table.loc["average", "n"] == 4


def test_the_confusion_matrix_says_which_axis_is_which():
    matrix = evaluation.confusion_matrix([0, 0], [0, 1], CLASSES)
    assert (matrix.index.name, matrix.columns.name) == ("true class", "predicted class")
    assert matrix.loc["cat"].to_list() == [1, 1, 0]


def test_class_accuracy_and_confusion_matrix_equal_scikit_learn():
    import sklearn.metrics

    rng = np.random.default_rng(1)
    for _ in range(200):
        n = rng.integers(1, 60)
        y, p = rng.integers(0, 3, n), rng.integers(0, 3, n)
        table = evaluation.class_accuracy(y, p, CLASSES)
        recall = sklearn.metrics.recall_score(y, p, labels=[0, 1, 2], average=None, zero_division=np.nan)
        np.testing.assert_allclose(table["accuracy"].drop("average"), recall)
        average = sklearn.metrics.recall_score(y, p, labels=np.unique(y), average="macro")
        assert table.loc["average", "accuracy"] == pytest.approx(average)
        expected = sklearn.metrics.confusion_matrix(y, p, labels=[0, 1, 2])
        assert (evaluation.confusion_matrix(y, p, CLASSES).to_numpy() == expected).all()


@pytest.mark.parametrize(
    ("y", "p"),
    [
        ([0, 1], [0]),
        ([], []),
        ([0, 3], [0, 1]),
        ([0, -1], [0, 1]),
        (["a", "b"], ["a", "b"]),
        ([0, np.nan], [0, 1]),
        ([0, 1], [0.5, 1]),
        ([[0, 1]], [[0, 1]]),
    ],
)
def test_wrong_indices_are_refused(y, p):
    with pytest.raises(ValueError, match="Expected"):
        evaluation.class_accuracy(y, p, CLASSES)


@pytest.mark.parametrize("classes", [pd.Series(CLASSES, index=[2, 0, 1]), tuple(CLASSES)])
def test_classes_are_taken_in_the_order_they_are_listed(classes):
    truth = [("cat", 0, 1), ("dog", 2, 4)]
    for function, arguments in (
        (evaluation.confusion_matrix, {"y_true": [0, 0, 1, 2], "y_pred": [0, 1, 1, 1]}),
        (evaluation.class_accuracy, {"y_true": [0, 0, 1, 2], "y_pred": [0, 1, 1, 1]}),
        (evaluation.sed_metrics, {"reference": truth, "estimated": truth[:1], "duration": 5}),
        (evaluation.sed_class_metrics, {"reference": truth, "estimated": truth[:1], "duration": 5}),
    ):
        expected = function(**arguments, classes=CLASSES)
        pd.testing.assert_frame_equal(function(**arguments, classes=classes), expected)
        with pytest.raises(ValueError, match="with each of them once"):
            function(**arguments, classes=[*CLASSES, "cat"])


def test_perfect_detection():
    truth = events(("cat", 0.0, 1.0), ("dog", 2.0, 4.0))
    metrics = evaluation.sed_metrics(truth, truth, CLASSES, 5.0)
    assert (metrics["F-score"] == 1).all()
    assert (metrics["error rate"] == 0).all()


def test_detection_by_hand():
    truth = events(("cat", 0.0, 1.0), ("dog", 2.0, 4.0))
    found = events(("cat", 0.4, 1.0), ("cow", 2.0, 4.0))
    metrics = evaluation.sed_metrics(truth, found, CLASSES, 5.0)
    segment = metrics.loc["segment-based (1 s)"]
    assert segment["precision"] == pytest.approx(1 / 3)  # cat's second, of three active
    assert segment["error rate"] == pytest.approx(2 / 3)  # two seconds of cow for dog
    event = metrics.loc["event-based (collar 0.5 s)"]
    assert event["recall"] == 0.5
    found["onset"] += [0.2, 0.0]  # cat now begins 0.6 s late
    assert evaluation.sed_metrics(truth, found, CLASSES, 5.0).loc["event-based (collar 0.5 s)", "recall"] == 0


def test_nothing_detected():
    metrics = evaluation.sed_metrics(events(("cat", 0.0, 1.0)), events(), CLASSES, 5.0)
    assert (metrics[["F-score", "recall"]] == 0).all(axis=None)
    assert metrics["error rate"].to_numpy() == pytest.approx(1)
    assert metrics["deletions"].to_numpy() == pytest.approx(1)
    assert metrics[["substitutions", "insertions"]].to_numpy() == pytest.approx(0)


def test_nothing_to_be_found():
    metrics = evaluation.sed_metrics(events(), events(("cat", 0.0, 1.0)), CLASSES, 5.0)
    assert (metrics["F-score"] == 0).all()
    assert (metrics["precision"] == 0).all()
    assert metrics[["recall", "error rate", "insertions"]].isna().all(axis=None)
    metrics = evaluation.sed_metrics(events(), events(), CLASSES, 5.0)
    assert metrics[["F-score", "error rate"]].isna().all(axis=None)


def test_unknown_label_is_said():
    with pytest.raises(ValueError, match="No such class: horse"):
        evaluation.sed_metrics(events(("horse", 0.0, 1.0)), events(), CLASSES, 5.0)


def draw(rng, most=6):
    """Return up to ``most`` random events, none in about one of four cases."""
    onsets = rng.uniform(0, 9, rng.integers(1, most) * (rng.uniform() > 0.25))
    return events(*[(rng.choice(CLASSES), onset, onset + rng.uniform(0.2, 2)) for onset in onsets])


def sed_eval_by_its_own_example(truths, founds, duration=12.0, segment=1.0, collar=0.5, percentage_of_length=0.5):
    """Return sed_eval's two metrics after some recordings, called as its documentation does."""
    by_segment = sed_eval.sound_event.SegmentBasedMetrics(CLASSES, time_resolution=segment)
    by_event = sed_eval.sound_event.EventBasedMetrics(
        CLASSES, t_collar=collar, percentage_of_length=percentage_of_length
    )
    for i, pair in enumerate(zip(truths, founds, strict=True)):
        lists = [
            MetaDataContainer(
                [
                    {"event_label": e.label, "onset": e.onset, "offset": e.offset, "file": str(i)}
                    for e in rows.itertuples()
                ]
            )
            for rows in pair
        ]
        by_segment.evaluate(*lists, evaluated_length_seconds=duration)
        by_event.evaluate(*lists)
    return {"segment": by_segment, "event": by_event}


def expected_f_score(theirs, counts):
    """Return what sed_eval gives; where it gives NaN although there is reference or output, 0."""
    nothing_right = (counts["Nref"] == 0) != (counts["Nsys"] == 0)
    return 0.0 if nothing_right else theirs["f_measure"]["f_measure"]


def test_sed_metrics_equal_sed_eval_in_200_cases():
    rng = np.random.default_rng(2)
    empty = 0
    for _ in range(200):
        truth, found = draw(rng), draw(rng)
        empty += truth.empty + found.empty
        ours = evaluation.sed_metrics(truth, found, CLASSES, 12.0)
        for row, metric in zip(
            ours.itertuples(index=False), sed_eval_by_its_own_example([truth], [found]).values(), strict=True
        ):
            theirs = metric.results_overall_metrics()
            assert row[0] == pytest.approx(expected_f_score(theirs, metric.overall), nan_ok=True)
            assert row[1] == pytest.approx(theirs["f_measure"]["precision"], nan_ok=True)
            if len(truth):
                assert row[2] == pytest.approx(theirs["f_measure"]["recall"])
                assert row[3] == pytest.approx(theirs["error_rate"]["error_rate"])
            else:
                assert np.isnan(row[2:]).all()
    assert empty > 50


def test_class_metrics_over_recordings_equal_sed_eval_in_200_cases():
    rng = np.random.default_rng(3)
    for _ in range(200):
        n = rng.integers(1, 4)
        truths, founds = [draw(rng) for _ in range(n)], [draw(rng) for _ in range(n)]
        ours = evaluation.sed_class_metrics(truths, founds, CLASSES, 12.0)
        assert ours.loc["average", "events"] == sum(map(len, truths))
        for name, metric in sed_eval_by_its_own_example(truths, founds).items():
            theirs, expected = metric.results_class_wise_metrics(), []
            for label in CLASSES:
                expected.append(expected_f_score(theirs[label], metric.class_wise[label]))
                assert ours.loc[label, f"{name} F-score"] == pytest.approx(expected[-1], nan_ok=True)
                if metric.class_wise[label]["Nref"]:
                    error_rate = theirs[label]["error_rate"]["error_rate"]
                    assert ours.loc[label, f"{name} error rate"] == pytest.approx(error_rate)
            if not np.isnan(expected).all():
                assert ours.loc["average", f"{name} F-score"] == pytest.approx(np.nanmean(expected))
        micro = evaluation.sed_metrics(truths, founds, CLASSES, 12.0)
        overall = metric.results_overall_metrics()
        assert micro.iloc[1, 0] == pytest.approx(expected_f_score(overall, metric.overall), nan_ok=True)


def test_segments_last_a_second_and_collars_half_of_it():
    truth, found = [("cat", 0, 1), ("dog", 2, 4)], [("cat", 0.2, 1.5), ("dog", 2.4, 3)]
    for metric in METRICS:
        expected = metric(truth, found, CLASSES, 5.0, segment=1.0, collar=0.5)
        pd.testing.assert_frame_equal(metric(truth, found, CLASSES, 5.0), expected)
        for other in ({"segment": 0.5}, {"collar": 0.25}, {"percentage_of_length": 0.25}):
            assert not metric(truth, found, CLASSES, 5.0, **other).equals(expected)


def test_a_class_that_is_never_reported_scores_zero():
    truth = events(("cat", 0.0, 1.0), ("dog", 2.0, 4.0))
    table = evaluation.sed_class_metrics([truth], [truth[:1]], CLASSES, 5.0)
    assert table["segment F-score"].to_list() == [1.0, pytest.approx(np.nan, nan_ok=True), 0.0, 0.5]


def test_outputs_that_do_not_fit_the_references_are_said():
    with pytest.raises(ValueError, match="references of 2 recordings and outputs of 1"):
        evaluation.sed_metrics([events(), events()], [events()], CLASSES, 5.0)


quarters = st.tuples(st.sampled_from(CLASSES), st.integers(0, 31), st.integers(0, 12)).map(
    lambda e: (e[0], e[1] / 4, min(e[1] + e[2], 32) / 4)
)
tables = st.lists(quarters, max_size=8).map(lambda rows: events(*rows))


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(tables, tables), min_size=1, max_size=3),
    st.sampled_from([1.0, 0.5, 2.0]),
    st.sampled_from([0.5, 0.25, 1.0]),
    st.sampled_from([0.5, 0.0, 0.25, 1.0]),
)
def test_metrics_equal_sed_eval_where_floats_are_exact(pairs, segment, collar, share):
    truths, founds = zip(*pairs, strict=True)
    options = {"duration": 8.0, "segment": segment, "collar": collar, "percentage_of_length": share}
    by_class = evaluation.sed_class_metrics(truths, founds, CLASSES, **options)
    overall = evaluation.sed_metrics(truths, founds, CLASSES, **options)
    theirs = sed_eval_by_its_own_example(truths, founds, **options)
    for i, (name, metric) in enumerate(theirs.items()):
        results = metric.results_class_wise_metrics()
        for label in CLASSES:
            expected = expected_f_score(results[label], metric.class_wise[label])
            close(by_class.loc[label, f"{name} F-score"], expected)
            if n := metric.class_wise[label]["Nref"]:
                rate = results[label]["error_rate"]["error_rate"]
                close(by_class.loc[label, f"{name} error rate"], rate)
            if name == "event":
                assert by_class.loc[label, "events"] == n
        results = metric.results_overall_metrics()
        close(overall.iloc[i, 0], expected_f_score(results, metric.overall))
        close(overall.iloc[i, 1], results["f_measure"]["precision"])
        if metric.overall["Nref"]:
            close(overall.iloc[i, 2], results["f_measure"]["recall"])
            close(overall.iloc[i, 3:].to_numpy(), list(results["error_rate"].values()))


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


# --- the same in whole microseconds and plain loops ---


def ratio(part, whole):
    return part / whole if whole else np.nan


def most_matches(truth, found, collar, share):
    """Match events of one class: each true one tries to find a partner, others make room."""
    partner = {}

    def place(i, seen):
        label, onset, offset = truth[i]
        for j, (other, begin, end) in enumerate(found):
            allowed = max(10 * collar, round(10 * share) * (offset - onset))
            near = abs(onset - begin) <= collar and 10 * abs(offset - end) <= allowed
            if label == other and near and j not in seen:
                seen.add(j)
                if j not in partner or place(partner[j], seen):
                    partner[j] = i
                    return True
        return False

    return sum(place(i, set()) for i in range(len(truth)))


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(*[event_lists(offset_below=9_000_000)] * 2), min_size=1, max_size=3),
    st.sampled_from([1_000_000, 100_000, 500_000, 960_000]),
    st.sampled_from([500_000, 200_000, 100_000, 96_000]),
    st.sampled_from([0.5, 0.2]),
)
def test_metrics_equal_plain_loops_in_whole_microseconds(pairs, segment, collar, share):
    duration = 8_000_000
    in_us = [[[(c, on, min(off, duration)) for c, on, off in x[0]] for x in pair] for pair in pairs]
    arguments = CLASSES, duration / 1e6, segment / 1e6, collar / 1e6, share
    in_s = [[side[1] for side in pair] for pair in pairs]
    truths, founds = zip(*in_s, strict=True)
    by_class = evaluation.sed_class_metrics(truths, founds, *arguments)
    tables = [[events(*rows) for rows in side] for side in (truths, founds)]
    overall = evaluation.sed_metrics(*tables, *arguments)
    pd.testing.assert_frame_equal(evaluation.sed_class_metrics(*tables, *arguments), by_class)

    def active(rows, label):
        spans = [range(on // segment, -(-off // segment)) for c, on, off in rows if c == label]
        return set().union(*spans)

    totals = np.zeros((2, 3), int)
    expected = []
    for label in CLASSES:
        counts = np.zeros((2, 3), int)  # true, found, right: of segments and of events
        for pair in in_us:
            segments = [active(rows, label) for rows in pair]
            counts[0] += [*map(len, segments), len(segments[0] & segments[1])]
            mine = [[row for row in rows if row[0] == label] for rows in pair]
            counts[1] += [*map(len, mine), most_matches(*mine, collar, share)]
        totals += counts
        row = [(ratio(2 * c, a + b), ratio(a + b - 2 * c, a)) for a, b, c in counts.tolist()]
        expected.append([counts[1, 0], *row[0], *row[1]])
    close(by_class.iloc[:3], expected)
    columns = np.array(expected, float).T
    means = [ratio(sum(values), len(values)) for values in (x[~np.isnan(x)] for x in columns[1:])]
    close(by_class.loc["average"], [totals[1, 0], *means])

    close(overall["F-score"], [ratio(2 * c, a + b) for a, b, c in totals.tolist()])
    close(overall["precision"], [ratio(c, b) for _, b, c in totals.tolist()])
    close(overall["recall"], [ratio(c, a) for a, _, c in totals.tolist()])
    errors = np.zeros(3)
    for pair in in_us:
        for i in range(-(-duration // segment)):
            true, found = ({c for c in CLASSES if i in active(rows, c)} for rows in pair)
            missed, wrong = len(true - found), len(found - true)
            both = min(missed, wrong)
            errors += [both, missed - both, wrong - both]
    rates = [ratio(error, totals[0, 0]) for error in [errors.sum(), *errors]]
    close(overall.iloc[0, 3:].to_numpy(), rates)


# --- borders and collars that floats miss ---


def test_an_offset_a_rounding_error_past_a_border_makes_no_false_alarm():
    scores = np.zeros((75, 1))
    scores[40:58] = 1
    truth = [("dog", 4.27, 6.0)]
    found = events_by_class(scores, ["dog"], 0.096, 0.96, 0.5)
    assert 58 * 0.096 + (0.96 - 0.096) / 2 > 6
    for table in (found, found.assign(offset=6.000000000000001)):
        metrics = evaluation.sed_metrics(truth, table, ["dog"], 8.0)
        assert metrics["precision"].to_list() == [1, 1]
        by_class = evaluation.sed_class_metrics(truth, table, ["dog"], 8.0)
        assert by_class.loc["dog", "segment error rate"] == 0


@pytest.mark.parametrize(
    ("truth", "found", "late"),
    [
        ((1.1, 2.0), (0.9, 2.0), (0.899, 2.0)),  # in floats, 1.1 - 0.9 > 0.2
        ((0.8, 1.1), (0.8, 0.9), (0.8, 0.899)),
        ((0.7, 2.1), (0.7, 1.4), (0.7, 1.399)),  # half of its length
    ],
)
def test_what_is_just_at_the_collar_is_within_it(truth, found, late):
    for times, expected in ((found, 1), (late, 0)):
        arguments = [("dog", *truth)], [("dog", *times)], ["dog"], 8.0
        by_class = evaluation.sed_class_metrics(*arguments, collar=0.2)
        assert by_class.loc["dog", "event F-score"] == expected
        assert evaluation.sed_metrics(*arguments, collar=0.2)["F-score"].iloc[1] == expected


@pytest.mark.parametrize(("segment", "n", "total"), [(0.1, 4, 21), (0.7, 1, 3), (0.01, 40, 210)])
def test_segments_that_are_no_binary_fractions(segment, n, total):
    short, whole = [("dog", 0.3, 0.7)], [("dog", 0.0, 2.1)]
    by_class = evaluation.sed_class_metrics(whole, short, ["dog"], 8.4, segment)
    close(by_class.loc["dog", "segment error rate"], 1 - n / total)
    overall = evaluation.sed_metrics(whole, short, ["dog"], 8.4, segment)
    close(overall["recall"].iloc[0], n / total)


def test_as_many_events_as_possible_are_matched():
    truth = [("dog", 1.0, 3.0), ("dog", 1.6, 3.6)]
    found = [("dog", 1.3, 3.3), ("dog", 0.6, 2.6)]  # the first fits both, the second one of them
    for order in ([0, 1], [1, 0]):
        table = evaluation.sed_class_metrics(truth, [found[i] for i in order], CLASSES, 8.0)
        assert table.loc["dog", "event F-score"] == 1
    for twice, expected in ((found[:1] * 2, 1), (found[1:] * 2, 0.5)):
        table = evaluation.sed_class_metrics(truth, twice, CLASSES, 8.0)
        assert table.loc["dog", "event F-score"] == expected


# --- intervals over recordings ---


def drawn_counts(seed, n=12):
    """Return references and outputs of ``n`` recordings, and their counts."""
    rng = np.random.default_rng(seed)
    pair = [[draw(rng) for _ in range(n)] for _ in range(2)]
    return *pair, evaluation.sed_counts(*pair, CLASSES, duration=12.0, collar=0.8)


def averages(truths, founds):
    table = evaluation.sed_class_metrics(truths, founds, CLASSES, 12.0, collar=0.8)
    return table.loc["average"].drop("events")


def test_counts_add_up_to_the_table():
    for seed in range(20):
        truths, founds, counts = drawn_counts(seed)
        assert counts.classes == CLASSES
        assert counts.counts.shape == (2, 3, 12, 3)
        value = evaluation.sed_interval(counts, n_resamples=1)["value"]
        pd.testing.assert_series_equal(value, averages(truths, founds), check_names=False)
        for i, pair in enumerate(zip(truths, founds, strict=True)):
            alone = evaluation.sed_counts(*pair, CLASSES, duration=12.0, collar=0.8)
            np.testing.assert_array_equal(alone.counts[:, :, 0], counts.counts[:, :, i])


@pytest.mark.parametrize("options", [{}, {"confidence": 0.8}, {"seed": 7}])
def test_the_interval_is_that_of_measuring_drawn_recordings_again(options):
    n, times = 4, 60  # few, so that classes are missing in draws
    truths, founds, counts = drawn_counts(2, n)
    others = [draw(np.random.default_rng(i)) for i in range(n)]
    other = evaluation.sed_counts(truths, others, CLASSES, duration=12.0, collar=0.8)
    draws = np.random.default_rng(options.get("seed", 0)).multinomial(n, [1 / n] * n, size=times)
    rows, missing = [[], []], 0
    for drawn in draws:
        truth, *outputs = ([x[i] for i in np.repeat(np.arange(n), drawn)] for x in (truths, founds, others))
        first, second = (averages(truth, output) for output in outputs)
        rows[0].append(first)
        rows[1].append(first - second)
        missing += len(set(pd.concat(truth)["label"])) < 3
    assert missing > 3
    for minus, measured in zip((None, other), rows, strict=True):
        table = evaluation.sed_interval(counts, minus, n_resamples=times, **options)
        tail = (1 - options.get("confidence", 0.95)) / 2
        close(table[["low", "high"]], np.nanquantile(measured, [tail, 1 - tail], axis=0).T)
        assert list(table.columns) == ["value", "low", "high"]
        assert table.index.tolist() == [*averages(truths, founds).index]
    difference = averages(truths, founds) - averages(truths, others)
    close(table["value"], difference)


def test_the_interval_of_a_detector_minus_itself_is_zero_and_pairs_narrow_it():
    truths, founds, counts = drawn_counts(5, 40)
    assert (evaluation.sed_interval(counts, counts) == 0).all(axis=None)
    fewer = evaluation.sed_counts(truths, [*founds[:30], *[[]] * 10], CLASSES, duration=12.0, collar=0.8)
    alone, paired = evaluation.sed_interval(counts), evaluation.sed_interval(counts, minus=fewer)
    widths = [(table["high"] - table["low"])["segment F-score"] for table in (alone, paired)]
    assert widths[1] < widths[0]
    swapped = evaluation.sed_interval(fewer, minus=counts)
    close(swapped, -paired[["value", "high", "low"]])
    assert (paired["low"] <= paired["value"]).all()
    assert (paired["value"] <= paired["high"]).all()


def test_a_perfect_detector_has_an_interval_without_width():
    truths = drawn_counts(6)[0]
    table = evaluation.sed_interval(evaluation.sed_counts(truths, truths, CLASSES, duration=12.0))
    assert (table.filter(like="F-score", axis=0) == 1).all(axis=None)
    assert (table.filter(like="error rate", axis=0) == 0).all(axis=None)


def test_the_interval_draws_as_its_defaults_say():
    counts = drawn_counts(7)[2]
    table = evaluation.sed_interval(counts)
    pd.testing.assert_frame_equal(table, evaluation.sed_interval(counts, confidence=0.95, n_resamples=2000, seed=0))
    assert not table.equals(evaluation.sed_interval(counts, seed=1))


def test_intervals_say_what_is_wrong():
    truths, founds, counts = drawn_counts(8)
    for options, words in (
        ({"confidence": 95}, "confidence is 95"),
        ({"n_resamples": 0}, "n_resamples is 0"),
        ({"minus": drawn_counts(9)[2]}, "not measured on the same events"),
        ({"minus": drawn_counts(8, 11)[2]}, "not measured on the same events"),
        ({"minus": counts._replace(classes=CLASSES[::-1])}, "the same reference, classes and segment"),
    ):
        with pytest.raises(ValueError, match=words):
            evaluation.sed_interval(counts, **options)
    for pair in ((truths[:1], founds[:1]), ([[]] * 3, [[("dog", 0, 1)]] * 3)):
        with pytest.raises(ValueError, match="at least two recordings, and true events in them"):
            evaluation.sed_interval(evaluation.sed_counts(*pair, CLASSES, duration=12.0))


@pytest.mark.parametrize("metric", [*METRICS, evaluation.sed_counts])
@pytest.mark.parametrize("share", [-0.1, 1.1, 50, np.nan, np.inf])
def test_what_is_no_share_of_the_length_is_refused(metric, share):
    with pytest.raises(ValueError, match=f"percentage_of_length is {share}. Give a share"):
        metric([], [], CLASSES, duration=5.0, percentage_of_length=share)


@pytest.mark.parametrize("metric", METRICS)
def test_the_fields_collars_differ_in_the_offset(metric):
    truth, found = [("dog", 1.0, 3.0)], [("dog", 1.1, 3.6)]
    for share, expected in ((0.5, 1), (0.3, 1), (0.2, 0), (0, 0)):
        table = metric(truth, found, ["dog"], 8.0, collar=0.2, percentage_of_length=share)
        assert table.filter(regex="^(event-based|dog)", axis=0).filter(like="F-score").iloc[0, -1] == expected
    for share in (1, 1.0):  # 2 s late is just within the whole of its length
        found = [("dog", 1.0, 5.0)]
        table = metric(truth, found, ["dog"], 8.0, collar=0.2, percentage_of_length=share)
        assert table.filter(regex="^(event-based|dog)", axis=0).filter(like="F-score").iloc[0, -1] == 1


# --- what the metrics accept ---


@pytest.mark.parametrize("metric", METRICS)
def test_one_recording_or_many_in_tables_lists_or_arrays(metric):
    truth, found = [("cat", 0, 1), ("dog", 2, 4)], [("cat", 0.4, 1.0)]
    expected = metric(events(*truth), events(*found), CLASSES, 5.0)
    pd.testing.assert_frame_equal(metric(truth, found, CLASSES, 5), expected)
    pd.testing.assert_frame_equal(metric(tuple(truth), events(*found), CLASSES, 5), expected)
    pd.testing.assert_frame_equal(metric(Events.of(truth), Events.of(found), CLASSES, 5), expected)
    pd.testing.assert_frame_equal(metric([truth], [Events.of(found)], CLASSES, 5), expected)
    pd.testing.assert_frame_equal(metric([map(list, truth)], ([*found],), CLASSES, 5), expected)
    many = metric([events(*truth)] * 3, [events(*found), events(), events()], CLASSES, 5)
    lists = [truth] * 3, [found, [], pd.DataFrame()]
    pd.testing.assert_frame_equal(metric(*lists, CLASSES, 5), many)
    mixed = [events(*truth).assign(filename="a.wav"), Events.of(truth), truth]
    pd.testing.assert_frame_equal(metric(iter(mixed), (found, [], ()), CLASSES, 5), many)
    assert not many.equals(expected)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("nothing", [pd.DataFrame([]), pd.DataFrame(), [], [[]], [pd.DataFrame()]])
def test_an_empty_table_is_no_events(metric, nothing):
    truth = events(("cat", 0.0, 1.0))
    for pair in ((truth, nothing), (nothing, truth), (nothing, nothing)):
        expected = metric(*[events() if side is nothing else side for side in pair], CLASSES, 5.0)
        pd.testing.assert_frame_equal(metric(*pair, CLASSES, 5.0), expected)


@pytest.mark.parametrize("metric", METRICS)
def test_a_whole_number_is_a_segment(metric):
    truth, found = [("cat", 0, 1), ("dog", 2, 4)], [("cat", 0, 2)]
    expected = metric(truth, found, CLASSES, 5.0, 1.0, 1.0)
    pd.testing.assert_frame_equal(metric(truth, found, CLASSES, 5, segment=1, collar=1), expected)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ([("dog", 1.0)], ValueError, r"\(label, onset, offset\), not as \('dog', 1\.0\)"),
        ([("dog", -0.3, 1.0)], ValueError, r"0 or more, not -0\.3"),
        ([("dog", 2.0, 1.0)], ValueError, "ends before it begins"),
        ([("dog", "2", "10")], ValueError, "number of seconds, 0 or more, not '2'"),
        ([("dog", 0.0, np.nan)], ValueError, "offset as a number of seconds, 0 or more, not nan"),
        ([("horse", 0.0, 1.0)], ValueError, "No such class: horse. The classes are cat, cow, dog"),
        ([("dog", 5.0, 6.0)], ValueError, "begins at 5 s, but a recording lasts 5 s"),
        ([("dog", 7, 8)], ValueError, "begins at 7 s"),
        ([(None, 0.0, 1.0)], ValueError, "Give each event"),
        (None, ValueError, "Give a table"),
        ([None], ValueError, "Give a table"),
        (("dog", 0.0, 1.0), ValueError, "not 'dog'"),
        ({"a": []}, ValueError, "Give a table"),
        (events(("dog", 0, 1)).drop(columns="offset"), KeyError, "offset"),
        (events(("dog", 0, 1)).rename(columns=lambda c: f"event_{c}"), KeyError, "removeprefix"),
    ],
)
def test_wrong_events_are_refused(metric, side, wrong, error, words):
    right = [("cat", 0.0, 1.0)]
    with pytest.raises(error, match=words):
        metric(*[wrong, right][:: 1 - 2 * side], CLASSES, 5.0)
    pair = [[right, wrong], [right, right]]
    with pytest.raises(error):
        metric(*pair[:: 1 - 2 * side], CLASSES, 5.0)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["duration", "segment", "collar"])
@pytest.mark.parametrize("length", [0, -1, -0.5, np.nan, np.inf])
def test_what_is_no_length_is_refused(metric, name, length):
    with pytest.raises(ValueError, match=rf"{name} is {length}\. Give a number of seconds"):
        metric([], [], CLASSES, **{"duration": 5.0, name: length})


@pytest.mark.parametrize("metric", METRICS)
def test_what_lasts_longer_than_the_recording_is_cut(metric):
    truth, found = [("dog", 3.0, 5.0)], [("dog", 3.0, 6.5)]  # 1.5 s late, or cut and right
    expected = metric(truth, truth, CLASSES, 5.0)
    pd.testing.assert_frame_equal(metric(truth, found, CLASSES, 5.0), expected)
    pd.testing.assert_frame_equal(metric(found, truth, CLASSES, 5.0), expected)


def test_class_metrics_do_without_sed_eval():
    code = """
import sys
from course_utils import evaluation
evaluation.sed_class_metrics([("dog", 0, 1)], [("dog", 0, 2)], ["dog"], 8)
print("sed_eval" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"confidence": 95}, "confidence is 95. Give a share between 0 and 1"),
        ({"confidence": 1}, "confidence is 1"),
        ({"confidence": 0.0}, "confidence is 0"),
        ({"confidence": -0.5}, "confidence is -0"),
        ({"confidence": np.nan}, "confidence is nan"),
        ({"n_resamples": 0}, "n_resamples is 0"),
        ({"n_resamples": -5}, "n_resamples is -5"),
        ({"correct": [1, 0, np.nan]}, "NaN or infinite. Leave those clips out"),
        ({"correct": [1, np.inf]}, "NaN or infinite"),
        ({"correct": [True]}, "at least two"),
    ],
)
def test_bootstrap_interval_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        evaluation.bootstrap_interval(**{"correct": [1, 0, 1]} | options)


def test_bootstrap_interval_holds_the_accuracy_and_narrows_with_more_clips():
    correct = np.arange(400) % 10 > 0  # 0.9
    low, high = evaluation.bootstrap_interval(correct)
    standard_error = np.sqrt(0.9 * 0.1 / 400)
    assert low == pytest.approx(0.9 - 1.96 * standard_error, abs=0.006)
    assert high == pytest.approx(0.9 + 1.96 * standard_error, abs=0.006)
    assert evaluation.bootstrap_interval(correct) == (low, high)
    few_low, few_high = evaluation.bootstrap_interval(correct[:40])
    assert few_high - few_low > 2 * (high - low)
    assert evaluation.bootstrap_interval(np.ones(40)) == (1, 1)
    with pytest.raises(ValueError, match="at least two"):
        evaluation.bootstrap_interval([True])


COUNTS = [(40, 40, 0.9124, 1), (36, 40, 0.7695, 0.9604), (0, 40, 0, 0.0876)]


@pytest.mark.parametrize(("right", "n", "low", "high"), COUNTS)
def test_wilson_interval_is_that_of_the_formula(right, n, low, high):
    assert evaluation.wilson_interval(right, n) == pytest.approx((low, high), abs=1e-4)
    z, share = 1.959964, right / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert evaluation.wilson_interval(np.int64(right), n) == pytest.approx((middle - half, middle + half), abs=1e-6)
    wider = evaluation.wilson_interval(right, n, confidence=0.99)
    assert wider[0] <= evaluation.wilson_interval(right, n)[0] <= evaluation.wilson_interval(right, n)[1] <= wider[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1, 0), "1 of 0"),
        ((5, 4), "5 of 4"),
        ((-1, 4), "right is -1"),
        ((0.9, 40), "right is 0.9"),
        ((1, 4, 95), "is 95"),
    ],
)
def test_wilson_interval_says_what_is_wrong(given, words):
    with pytest.raises(ValueError, match=words):
        evaluation.wilson_interval(*given)


def test_wilson_interval_holds_the_truth_more_often_than_the_bootstrap():
    from scipy import stats

    counts = np.arange(41)
    for truth, drawn, wilson in ((0.95, 0.87, 0.95), (0.975, 0.64, 0.92)):
        chances = stats.binom.pmf(counts, 40, truth)
        for interval, share in (
            (lambda count: evaluation.bootstrap_interval(np.arange(40) < count), drawn),
            (lambda count: evaluation.wilson_interval(count, 40), wilson),
        ):
            holds = [low <= truth <= high for low, high in map(interval, counts)]
            assert chances[holds].sum() == pytest.approx(share, abs=0.01)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scipy, of a standard error of one value
def test_bootstrap_interval_is_the_middle_of_the_resampled_accuracies():
    """Of 20 clips 18 right: 2.5 % and 97.5 % of the binomial distribution are at 15 and 20."""
    correct = np.arange(20) % 10 > 0
    assert evaluation.bootstrap_interval(correct) == (0.75, 1.0)
    assert evaluation.bootstrap_interval(correct, confidence=0.9) == (0.8, 1.0)
    assert evaluation.bootstrap_interval([0, 1]) == (0, 1)
    low, high = evaluation.bootstrap_interval(correct, n_resamples=1)
    assert low == high


def test_bootstrap_interval_draws_as_its_defaults_say():
    differences = np.random.default_rng(3).normal(size=30)
    found = evaluation.bootstrap_interval(differences)
    assert found == evaluation.bootstrap_interval(differences, confidence=0.95, n_resamples=5000, seed=0)
    assert found != evaluation.bootstrap_interval(differences, seed=1)
    assert found[0] < differences.mean() < found[1]


def test_energy_summary_says_how_it_was_measured():
    from codecarbon import OfflineEmissionsTracker

    with OfflineEmissionsTracker(country_iso_code="FIN", save_to_file=False, log_level="error") as tracker:
        with pytest.raises(ValueError, match=r"tracker\.stop"):
            energy.summary(tracker)
        sum(range(3_000_000))
    summary = energy.summary(tracker)
    assert summary["country"] == "Finland"
    assert 0 < summary["seconds"] < 60
    assert 0 < summary["kWh"] < 1e-3
    assert "processor:" in summary["measured"]
    # Finland's electricity, not Quebec's (codecarbon's default): tens of grams a kWh
    assert 20 < summary["g CO2e"] / summary["kWh"] < 400


def test_track_fills_in_what_a_block_took(capfd):
    with energy.track() as cost:
        assert cost == {}
        sum(range(3_000_000))
    assert set(cost) == {"seconds", "kWh", "g CO2e", "country", "measured"}
    assert cost["country"] == "Finland"
    assert cost["kWh"] > 0
    assert capfd.readouterr() == ("", "")  # nothing of codecarbon's log
    with energy.track("POL") as dirtier:
        sum(range(3_000_000))
    assert dirtier["g CO2e"] / dirtier["kWh"] > 2 * cost["g CO2e"] / cost["kWh"]


def test_track_ends_with_the_block_even_if_that_fails_and_refuses_no_mans_land():
    with pytest.raises(ZeroDivisionError), energy.track() as cost:
        raise ZeroDivisionError
    assert cost["seconds"] >= 0
    with pytest.raises(ValueError, match="no country 'XXX'"), energy.track("XXX"):
        pass


# --- every message, word for word ---

LISTS = "Expected two lists of the same length, got"
INDEX = "Expected at least one index of a class, each from 0 to 2. To get the index of a name, use classes.index(name)."
NO_INDICES = {
    "two and one": ([0, 1], [0], f"{LISTS} (2,), (1,)."),
    "one and two": ([0], [0, 1], f"{LISTS} (1,), (2,)."),
    "one number": (1, 1, f"{LISTS} (), ()."),
    "rows": ([[0, 1]], [[0, 1]], f"{LISTS} (1, 2), (1, 2)."),
    "none": ([], [], INDEX),
    "one past the last": ([0, 3], [0, 1], INDEX),
    "before the first": ([0, 1], [0, -1], INDEX),
    "between two": ([0, 1], [0.5, 1], INDEX),
    "names": (["cat"], ["cat"], INDEX),
}


@pytest.mark.parametrize("function", [evaluation.class_accuracy, evaluation.confusion_matrix])
@pytest.mark.parametrize("case", NO_INDICES)
def test_what_is_no_index_is_told_in_a_whole_sentence(case, function):
    *lists, words = NO_INDICES[case]
    assert message(function, *lists, CLASSES) == words


SHARE = "Give a share between 0 and 1, such as 0.95."
DRAW = "Draw once or more, at most 100,000 times; 5000 are plenty."
SEED = "Give a whole number, 0 or more, so that the interval can be had again."
NO_DRAWS = {
    "confidence of 0": ({"confidence": 0}, f"confidence is 0. {SHARE}"),
    "confidence of 1": ({"confidence": 1.0}, f"confidence is 1.0. {SHARE}"),
    "no draw": ({"n_resamples": 0}, f"n_resamples is 0. {DRAW}"),
    "half a draw": ({"n_resamples": 1.5}, f"n_resamples is 1.5. {DRAW}"),
    "one too many": ({"n_resamples": 100_001}, f"n_resamples is 100001. {DRAW}"),
    "a negative seed": ({"seed": -1}, f"seed is -1. {SEED}"),
    "half a seed": ({"seed": 0.5}, f"seed is 0.5. {SEED}"),
    "no end": ({"seed": np.inf}, f"seed is inf. {SEED}"),
}


@pytest.mark.parametrize("case", NO_DRAWS)
def test_what_is_no_draw_is_told_in_a_whole_sentence(case):
    options, words = NO_DRAWS[case]
    assert message(evaluation.bootstrap_interval, [1, 0, 1], **options) == words
    counts = evaluation.sed_counts([[("cat", 0, 1)]] * 2, [[]] * 2, CLASSES, duration=5)
    assert message(evaluation.sed_interval, counts, **options) == words
    if "confidence" in options:
        assert message(evaluation.wilson_interval, 1, 2, **options) == words


def test_draws_up_to_the_limit_are_taken():
    for n in (1, 100_000):
        confidence, found, rng = evaluation._draws(0.9, n, 7.0)
        assert (confidence, found) == (0.9, n)
        assert rng.random() == np.random.default_rng(7).random()


CLIPS = "An interval takes a list of at least two clips, not shape"
WHOLE = "Give a whole number, 0 or more."
TWO = "give two counts, the second at least 1."
EMPTY = "An interval takes at least two recordings, and true events in them."
OTHERS = "The two detectors were not measured on the same events."


def test_intervals_say_what_is_wrong_in_whole_sentences():
    for correct, words in (
        ([True], f"{CLIPS} (1,)."),
        (1, f"{CLIPS} ()."),
        ([[1, 0]], f"{CLIPS} (1, 2)."),
        ([1, None], "Some values are text, NaN or infinite. Leave those clips out."),
        ([-np.inf, 1], "Some values are text, NaN or infinite. Leave those clips out."),
    ):
        assert message(evaluation.bootstrap_interval, correct) == words
    for counts, words in (
        ((1, 0), f"1 of 0 clips right: {TWO}"),
        ((0, 0), f"0 of 0 clips right: {TWO}"),
        ((5, 4.0), f"5 of 4 clips right: {TWO}"),
        ((-1, 4), f"right is -1. {WHOLE}"),
        ((1, 2.5), f"n is 2.5. {WHOLE}"),
        ((1, np.inf), f"n is inf. {WHOLE}"),
        ((1, -1), f"n is -1. {WHOLE}"),
    ):
        assert message(evaluation.wilson_interval, *counts) == words
    truth = [[("cat", 0, 1)], []]
    counts, one = (evaluation.sed_counts(x, x, CLASSES, duration=5) for x in (truth, truth[:1]))
    silent, other = (evaluation.sed_counts(x, truth, CLASSES, duration=5) for x in ([[], []], truth[::-1]))
    way = "Give sed_counts the same reference, classes and segment for both."
    for given_counts, words in (
        ((truth,), "Give what sed_counts returns, not list."),
        ((counts, 3), "Give what sed_counts returns, not int."),
        ((one,), EMPTY),
        ((silent,), EMPTY),
        ((counts, other), f"{OTHERS} {way}"),
        ((counts, counts._replace(classes=["cat", "cow", "hen"])), f"{OTHERS} {way}"),
    ):
        assert message(evaluation.sed_interval, *given_counts) == words


BOTH = "Give both in seconds."
RENAME = "Rename or drop yours: table.rename(columns=lambda c: c.removeprefix('event_'))"
NO_RECORDING = {
    "late": ([("dog", 5.1234567, 6)], "An event begins at 5.12346 s, but a recording lasts 5 s. " + BOTH),
    "just at the end": ([("cat", 0, 1), ("dog", 5, 6), ("dog", 7, 8)],
                        "An event begins at 5 s, but a recording lasts 5 s. " + BOTH),
    "another class": ([("owl", 1, 2)], "No such class: owl. The classes are cat, cow, dog."),
    "a pair": ([("dog", 1)], "Give each event as (label, onset, offset), not as ('dog', 1)."),
    "backwards": ([("dog", 2, 1)],
                  "An event ends before it begins, dog from 2.0 to 1.0 s. Give label, onset, offset."),
    "other names": (pd.DataFrame([("dog", 1, 2)], columns=["event_label", "onset", "offset"]),
                    f"A table of events has one column 'label', this one ['event_label', 'onset', 'offset']. {RENAME}"),
}  # fmt: skip


@pytest.mark.parametrize("metric", [*METRICS, evaluation.sed_counts])
@pytest.mark.parametrize("case", NO_RECORDING)
def test_the_recording_that_is_wrong_is_told_if_there_are_several(case, metric):
    wrong, words = NO_RECORDING[case]
    error, right = KeyError if case == "other names" else ValueError, [("cat", 0, 1)]
    options = {"classes": CLASSES, "duration": 5, "error": error}
    for one in (wrong, [wrong]):
        assert message(metric, one, [right], **options) == words
    pair = [right, wrong], [right, right]
    for references, outputs in (pair, pair[::-1]):
        assert message(metric, references, outputs, **options) == f"In recording 1, counted from 0: {words}"


@pytest.mark.parametrize("metric", [*METRICS, evaluation.sed_counts])
def test_the_first_table_that_lacks_a_column_is_told_before_they_are_joined(metric):
    right = events(("dog", 1, 2))
    twice = pd.concat([right, right[["onset"]]], axis=1)
    other = right.rename(columns={"label": "event_label"})
    for tables, i, name, wrong in (([other] * 2, 0, "label", other), ([right, twice, other], 1, "onset", twice)):
        one = f"A table of events has one column '{name}', this one {list(wrong.columns)}."
        words = message(metric, tables, [[]] * len(tables), CLASSES, duration=5, error=KeyError)
        assert words == f"In recording {i}, counted from 0: {one} {RENAME}"


@pytest.mark.parametrize("metric", [*METRICS, evaluation.sed_counts])
def test_metrics_say_what_is_wrong_in_whole_sentences(metric):
    way = "Give a share of the true event's length, from 0 to 1, such as 0.5."
    for options, words in (
        ({"duration": 0}, "duration is 0. Give a number of seconds, more than 0."),
        ({"segment": -1}, "segment is -1. Give a number of seconds, more than 0."),
        ({"collar": 0}, "collar is 0. Give a number of seconds, more than 0."),
        ({"percentage_of_length": 50}, f"percentage_of_length is 50. {way}"),
        ({"segment": 1e-7}, f"A recording of 5 s has more than 10,000,000 segments of 1e-07 s. {BOTH}"),
        ({"reference": [[]] * 2}, "There are references of 2 recordings and outputs of 1. Give one each."),
        ({"estimated": [[]] * 2}, "There are references of 1 recordings and outputs of 2. Give one each."),
    ):
        right = {"reference": [], "estimated": [], "classes": CLASSES, "duration": 5}
        assert message(metric, **right | options) == words


def test_settings_of_metrics_up_to_their_limits_are_taken():
    for share in (0, 1):
        assert evaluation._tolerances(10_000_000, 1, 0.5, share) == [1e7, 1.0, 0.5, share]
    many = f"A recording of 1e+07 s has more than 10,000,000 segments of 1 s. {BOTH}"
    assert message(evaluation._tolerances, 10_000_001, 1, 0.5, 0.5) == many


# --- what the tables look like ---


def test_tables_of_classes_by_name_and_type():
    accuracy = evaluation.class_accuracy([0, 0, 1, 1, 1], [0, 1, 1, 1, 1], CLASSES)
    expected = pd.DataFrame({"n": [2, 3, 0, 5], "accuracy": [0.5, 1, np.nan, 0.75]}, [*CLASSES, "average"])
    pd.testing.assert_frame_equal(accuracy, expected)
    matrix = evaluation.confusion_matrix([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], CLASSES)
    index = pd.Index(CLASSES, name="true class")
    expected = pd.DataFrame([[1, 1, 0], [0, 2, 0], [1, 0, 0]], index, pd.Index(CLASSES, name="predicted class"))
    pd.testing.assert_frame_equal(matrix, expected)


TRUE = [("cat", 0, 1), ("dog", 2, 4), ("dog", 6, 7)]
DETECTED = [("cat", 0.5, 1.25), ("cow", 2, 4), ("cow", 5, 6), ("dog", 6.5, 7.5)]


def test_the_measures_by_name_and_type():
    pair = TRUE, DETECTED
    found = evaluation.sed_metrics(*pair, CLASSES, 8)
    columns = "F-score", "precision", "recall", "error rate", "substitutions", "deletions", "insertions"
    by_hand = [[4 / 11, 2 / 7, 2 / 4, 5 / 4, 2 / 4, 0, 3 / 4], [4 / 7, 2 / 4, 2 / 3, 2 / 3, 1 / 3, 0, 1 / 3]]
    titles = ["segment-based (1 s)", "event-based (collar 0.5 s)"]
    pd.testing.assert_frame_equal(found, pd.DataFrame(by_hand, titles, list(columns), dtype=float))
    found = evaluation.sed_metrics(*pair, CLASSES, 8, 0.25, 0.125)
    assert found.index.to_list() == ["segment-based (0.25 s)", "event-based (collar 0.125 s)"]
    found = evaluation.sed_class_metrics(*pair, CLASSES, 8)
    expected = pd.DataFrame(
        {
            "events": [1, 0, 2, 3],
            "segment F-score": [2 / 3, 0, 2 / 5, (2 / 3 + 0 + 2 / 5) / 3],
            "segment error rate": [1, np.nan, 1, 1],
            "event F-score": [1, 0, 2 / 3, 5 / 9],
            "event error rate": [0, np.nan, 1 / 2, 1 / 4],
        },
        [*CLASSES, "average"],
    )
    pd.testing.assert_frame_equal(found, expected)


def test_counts_by_hand():
    counts = evaluation.sed_counts([TRUE, []], [DETECTED, []], CLASSES, duration=8)
    assert type(counts) is evaluation.SedCounts
    assert counts.classes == CLASSES
    assert counts.counts.dtype == int
    segments = [[[1, 0, 3], [0] * 3], [[2, 3, 2], [0] * 3], [[1, 0, 1], [0] * 3]]
    whole = [[[1, 0, 2], [0] * 3], [[1, 2, 1], [0] * 3], [[1, 0, 1], [0] * 3]]
    assert counts.counts.tolist() == [segments, whole]
    for name, value in (("segment", 1.0), ("collar", 0.5), ("percentage_of_length", 0.5)):
        pair = [("dog", 1, 3)], [("dog", 1.5, 4)]
        default = evaluation.sed_counts(*pair, CLASSES, duration=8).counts
        for other, same in ((value, True), (value - 0.001, False), (value + 0.001, name != "segment")):
            found = evaluation.sed_counts(*pair, CLASSES, duration=8, **{name: other}).counts
            assert np.array_equal(found, default) == same, (name, other)


@pytest.mark.parametrize("metric", METRICS)
def test_a_microsecond_past_the_collar_is_past_it(metric):
    def f_score(*times, **options):
        table = metric([("dog", 1, 3)], [("dog", *times)], ["dog"], 8.0, **options)
        return table["F-score"].iloc[1] if "F-score" in table else table.loc["dog", "event F-score"]

    for times, share, expected in (
        ((1.2, 3), 0.0, 1),
        ((1.200001, 3), 0.0, 0),
        ((0.8, 3), 0.0, 1),
        ((0.799999, 3), 0.0, 0),
        ((1, 3.2), 0.0, 1),
        ((1, 3.200001), 0.0, 0),
        ((1, 4), 0.5, 1),
        ((1, 4.000001), 0.5, 0),
        ((1, 2), 0.5, 1),
        ((1, 1.999999), 0.5, 0),
        ((1, 3.2), 0.05, 1),
    ):
        assert f_score(*times, collar=0.2, percentage_of_length=share) == expected, (times, share)


def test_the_first_and_the_last_segment_count():
    arguments = {"classes": ["dog"], "duration": 3.25}
    whole = [("dog", 0, 3.25)]
    for times, n in (
        ((0, 0.001), 1),
        ((3.2, 3.25), 1),
        ((0, 3.25), 4),
        ((3, 9), 1),
        ((1, 2), 1),
        ((0.999999, 2.000001), 3),
    ):
        pair = [("dog", *times)], whole
        assert evaluation.sed_counts(*pair, **arguments).counts[0, :, 0, 0].tolist() == [n, 4, n]
        assert evaluation.sed_metrics(*pair, **arguments)["precision"].iloc[0] == n / 4
    assert evaluation.sed_counts([("dog", 1, 1)], [], **arguments).counts[:, 0, 0, 0].tolist() == [0, 1]


# --- the arrays' ways, and plain loops ---

quick = settings(derandomize=True, deadline=None, max_examples=60)
keys = st.lists(st.integers(0, 4), max_size=8).map(lambda x: np.array(x, dtype=int))


@quick
@given(keys, keys)
def test_pairs_equal_two_loops(first, second):
    found = [x.tolist() for x in evaluation._pairs(first, second)]
    expected = [(i, j) for i, x in enumerate(first) for j, y in enumerate(second) if x == y]
    assert list(zip(*found, strict=True)) == expected


@pytest.mark.filterwarnings("error")
@quick
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 6), min_size=1, max_size=4))
def test_rates_equal_plain_loops(rows):
    totals = np.array(rows).T.reshape(2, 3, -1)
    totals[:, 2] = totals[:, :2].min(axis=1) // 2  # right, of true and found
    rates, means = evaluation._rates(totals)
    expected = []
    for true, found, right in totals.transpose(0, 2, 1).reshape(-1, 3).tolist():
        expected.append((ratio(2 * right, true + found), ratio(true + found - 2 * right, true)))
    expected = np.array(expected, float).reshape(2, -1, 2).transpose(0, 2, 1).reshape(4, -1)
    close(rates, expected)
    close(means, [ratio(np.nansum(row), np.isfinite(row).sum()) for row in expected])


def test_the_interval_is_the_middle_of_what_the_drawn_counts_say():
    counts = drawn_counts(2, 4)[2]
    draws = np.random.default_rng(3).multinomial(4, [1 / 4] * 4, size=40)
    measured = [evaluation._rates((counts.counts * drawn[:, None]).sum(axis=2))[1] for drawn in draws]
    for n, confidence in ((40, 0.95), (40, 0.5), (1, 0.9)):
        table = evaluation.sed_interval(counts, confidence=confidence, n_resamples=n, seed=3)
        ends = np.nanquantile(measured[:n], [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
        close(table[["low", "high"]], ends.T)
        close(table["value"], evaluation._rates(counts.counts.sum(axis=2))[1])


def test_intervals_are_two_plain_floats():
    for interval in (evaluation.bootstrap_interval([1, 0, 1]), evaluation.wilson_interval(2, 3)):
        assert [type(end) for end in interval] == [float, float]
    assert evaluation.wilson_interval(2, 3) == evaluation.wilson_interval(2.0, np.int8(3), confidence=0.95)
    assert evaluation.wilson_interval(1, 1) == pytest.approx((0.2065, 1), abs=1e-4)
    assert evaluation.wilson_interval(1, 1, 0.5) == pytest.approx((0.6873, 1), abs=1e-4)

"""The metrics equal those of the tools the field uses, and simple cases come out as counted by hand."""

import numpy as np
import pandas as pd
import pytest
import sed_eval
import sklearn.metrics
from dcase_util.containers import MetaDataContainer

from course_utils import energy, evaluation

CLASSES = ["cat", "cow", "dog"]


def events(*rows):
    return pd.DataFrame(rows, columns=["label", "onset", "offset"])


def test_class_accuracy_by_hand():
    table = evaluation.class_accuracy([0, 0, 1, 1], [0, 1, 1, 1], CLASSES)
    assert table.loc["cat", "accuracy"] == 0.5
    assert table.loc["cow", "accuracy"] == 1
    assert np.isnan(table.loc["dog", "accuracy"])
    assert table.loc["average", "accuracy"] == 0.75
    assert table.loc["average", "n"] == 4


def test_class_accuracy_and_confusion_matrix_equal_scikit_learn():
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
    ("y", "p"), [([0, 1], [0]), ([], []), ([0, 3], [0, 1]), ([0, -1], [0, 1]), (["a", "b"], ["a", "b"])]
)
def test_wrong_indices_are_refused(y, p):
    with pytest.raises(ValueError, match="Expected"):
        evaluation.class_accuracy(y, p, CLASSES)


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


def sed_eval_by_its_own_example(truths, founds):
    """Return sed_eval's two metrics after some recordings of 12 s, called as its documentation does."""
    segment = sed_eval.sound_event.SegmentBasedMetrics(event_label_list=CLASSES, time_resolution=1.0)
    event = sed_eval.sound_event.EventBasedMetrics(event_label_list=CLASSES, t_collar=0.5)
    for i, pair in enumerate(zip(truths, founds, strict=True)):
        lists = [
            MetaDataContainer(
                [
                    {"event_label": e.label, "event_onset": e.onset, "event_offset": e.offset, "file": str(i)}
                    for e in rows.itertuples()
                ]
            )
            for rows in pair
        ]
        segment.evaluate(*lists, evaluated_length_seconds=12.0)
        event.evaluate(*lists)
    return {"segment": segment, "event": event}


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


def test_a_class_that_is_never_reported_scores_zero():
    truth = events(("cat", 0.0, 1.0), ("dog", 2.0, 4.0))
    table = evaluation.sed_class_metrics([truth], [truth[:1]], CLASSES, 5.0)
    assert table["segment F-score"].to_list() == [1.0, pytest.approx(np.nan, nan_ok=True), 0.0, 0.5]


def test_outputs_that_do_not_fit_the_references_are_said():
    with pytest.raises(ValueError, match="references of 2 recordings and outputs of 1"):
        evaluation.sed_metrics([events(), events()], [events()], CLASSES, 5.0)


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

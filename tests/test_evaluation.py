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
    for _ in range(50):
        y, p = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
        if len(set(y)) == 3:
            average = evaluation.class_accuracy(y, p, CLASSES).loc["average", "accuracy"]
            assert average == pytest.approx(sklearn.metrics.balanced_accuracy_score(y, p))
        expected = sklearn.metrics.confusion_matrix(y, p, labels=[0, 1, 2])
        assert (evaluation.confusion_matrix(y, p, CLASSES).to_numpy() == expected).all()


@pytest.mark.parametrize(("y", "p"), [([0, 1], [0]), ([], []), ([0, 3], [0, 1]), ([0, -1], [0, 1])])
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


def test_sed_metrics_equal_sed_eval_called_by_its_own_example():
    rng = np.random.default_rng(2)

    def draw():
        onsets = rng.uniform(0, 9, rng.integers(1, 6))
        return events(*[(rng.choice(CLASSES), onset, onset + rng.uniform(0.2, 2)) for onset in onsets])

    for _ in range(30):
        truth, found = draw(), draw()
        lists = [
            MetaDataContainer(
                [{"event_label": e.label, "event_onset": e.onset, "event_offset": e.offset, "file": "x"} for e in rows]
            )
            for rows in (truth.itertuples(), found.itertuples())
        ]
        segment = sed_eval.sound_event.SegmentBasedMetrics(event_label_list=CLASSES, time_resolution=1.0)
        segment.evaluate(*lists, evaluated_length_seconds=12.0)
        event = sed_eval.sound_event.EventBasedMetrics(event_label_list=CLASSES, t_collar=0.5)
        event.evaluate(*lists)
        ours = evaluation.sed_metrics(truth, found, CLASSES, 12.0)
        for row, metric in zip(ours.itertuples(index=False), (segment, event), strict=True):
            theirs = metric.results_overall_metrics()
            assert row[0] == pytest.approx(theirs["f_measure"]["f_measure"], nan_ok=True)
            assert row[3] == pytest.approx(theirs["error_rate"]["error_rate"])


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

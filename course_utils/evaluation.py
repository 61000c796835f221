"""Accuracy by class, confusion matrix, and the metrics of sound event detection."""

import numpy as np


def class_accuracy(y_true, y_pred, classes):
    """Return the share of right answers of each class, and their macro average in a last row.

    Parameters
    ----------
    y_true, y_pred : array_like of int, shape (n_items,)
        Index of the true and of the predicted class of each item (a clip, or a frame).
    classes : sequence of str
        Names of the classes.

    Returns
    -------
    pandas.DataFrame
        Index: the classes and ``average``; columns ``n`` (items) and ``accuracy`` in [0, 1]. A class without items
        has accuracy NaN and does not count in the average.

    Raises
    ------
    ValueError
        If the two differ in length or hold an index that is no class.

    Notebook: 03_transfer_learning
    """
    import pandas as pd

    matrix = confusion_matrix(y_true, y_pred, classes).to_numpy()
    n = matrix.sum(axis=1)
    with np.errstate(invalid="ignore"):
        accuracy = np.diag(matrix) / n
    table = pd.DataFrame({"n": n, "accuracy": accuracy}, index=list(classes))
    table.loc["average"] = [n.sum(), np.nanmean(accuracy)]
    return table.astype({"n": int})


def confusion_matrix(y_true, y_pred, classes):
    """Count items by true class (rows) and predicted class (columns).

    Parameters and errors as for :func:`class_accuracy`.

    Returns
    -------
    pandas.DataFrame, shape (n_classes, n_classes)

    Notebook: 03_transfer_learning
    """
    import pandas as pd
    from sklearn import metrics

    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape or y_true.ndim != 1:
        raise ValueError(f"Expected two lists of one length, got shapes {y_true.shape} and {y_pred.shape}.")
    everything = np.concatenate([y_true, y_pred])
    if len(everything) == 0 or everything.min() < 0 or everything.max() >= len(classes):
        raise ValueError(f"Expected class indices from 0 to {len(classes) - 1}, and at least one item.")
    matrix = metrics.confusion_matrix(y_true, y_pred, labels=range(len(classes)))
    names = list(classes)
    return pd.DataFrame(matrix, pd.Index(names, name="true class"), pd.Index(names, name="predicted class"))


def sed_metrics(reference, estimated, classes, duration: float, segment: float = 1.0, collar: float = 0.5):
    """Compare detected with true events by sed_eval, segment by segment and event by event.

    An event counts as found if a detected event of the same class begins within ``collar`` of its onset and ends
    within ``collar``, or half the event's length if that is more, of its offset.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame
        Columns ``label``, ``onset`` and ``offset`` (s).
    classes : sequence of str
        The classes that count.
    duration : float
        Length of the recording in seconds.
    segment, collar : float
        In seconds.

    Returns
    -------
    pandas.DataFrame
        Rows ``segment-based (1 s)`` and ``event-based (collar 0.5 s)``; columns ``F-score``, ``precision``,
        ``recall``, ``error rate``, ``substitutions``, ``deletions`` and ``insertions`` (rates), over all classes
        together (micro average). What has no denominator is NaN: the precision of a detector that found nothing, the
        recall and the error rate where nothing was to be found.

    Raises
    ------
    ValueError
        If an event's label is not among the classes.

    Source: A. Mesaros, T. Heittola and T. Virtanen, Metrics for polyphonic sound event detection,
    Applied Sciences 6 (2016) 162.

    Notebook: 04_sound_event_detection
    """
    import pandas as pd
    import sed_eval
    from dcase_util.containers import MetaDataContainer

    if unknown := (set(reference["label"]) | set(estimated["label"])) - set(classes):
        raise ValueError(f"No such class: {', '.join(sorted(unknown))}. The classes are {', '.join(classes)}.")

    def container(events):
        return MetaDataContainer(
            [
                {"filename": "recording", "event_label": event.label, "onset": event.onset, "offset": event.offset}
                for event in events.itertuples()
            ]
        )

    lists = container(reference), container(estimated)
    by_segment = sed_eval.sound_event.SegmentBasedMetrics(event_label_list=list(classes), time_resolution=segment)
    by_event = sed_eval.sound_event.EventBasedMetrics(
        event_label_list=list(classes), t_collar=collar, percentage_of_length=0.5
    )
    by_segment.evaluate(*lists, evaluated_length_seconds=duration)
    by_event.evaluate(*lists)
    rows = {}
    for name, metric in (
        (f"segment-based ({segment:g} s)", by_segment),
        (f"event-based (collar {collar:g} s)", by_event),
    ):
        scores = metric.results_overall_metrics()
        rows[name] = {
            "F-score": scores["f_measure"]["f_measure"],
            "precision": scores["f_measure"]["precision"],
            "recall": scores["f_measure"]["recall"],
            "error rate": scores["error_rate"]["error_rate"],
            "substitutions": scores["error_rate"]["substitution_rate"],
            "deletions": scores["error_rate"]["deletion_rate"],
            "insertions": scores["error_rate"]["insertion_rate"],
        }
    table = pd.DataFrame(rows, dtype=float).T
    if reference.empty:
        table[["recall", "error rate", "substitutions", "deletions", "insertions"]] = np.nan
    if reference.empty != estimated.empty:
        table["F-score"] = 0.0
    return table

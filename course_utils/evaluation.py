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
    if len(everything) and everything.dtype.kind not in "biuf":
        raise ValueError("Expected indices of classes, got something else: classes.index(name) gives that of a name.")
    if len(everything) == 0 or everything.min() < 0 or everything.max() >= len(classes):
        raise ValueError(f"Expected class indices from 0 to {len(classes) - 1}, and at least one item.")
    matrix = metrics.confusion_matrix(y_true, y_pred, labels=range(len(classes)))
    names = list(classes)
    return pd.DataFrame(matrix, pd.Index(names, name="true class"), pd.Index(names, name="predicted class"))


def bootstrap_interval(correct, confidence: float = 0.95, n_resamples: int = 5000, seed: int = 0):
    """Return a bootstrap interval of an accuracy: where it might have been with other clips of the same kind.

    The clips are drawn again with replacement, ``n_resamples`` times; the interval holds the middle ``confidence`` of
    the accuracies. It knows the chance in the choice of the clips, not that in the training, and takes the clips as
    independent.

    Parameters
    ----------
    correct : array_like of bool, shape (n_clips,)
        Whether each clip was classified right; or numbers, for instance differences of two classifiers.
    confidence : float
        Share of the resampled accuracies inside.
    n_resamples, seed : int
        How many times to draw, and from where the random numbers come.

    Returns
    -------
    (float, float)
        Lower and upper end.

    Raises
    ------
    ValueError
        If there are fewer than two clips.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval), by
    ``scipy.stats.bootstrap``.

    Notebook: 03_transfer_learning
    """
    from scipy import stats

    correct = np.asarray(correct, dtype=float)
    if correct.ndim != 1 or len(correct) < 2:
        raise ValueError(f"An interval takes a list of at least two clips, got shape {correct.shape}.")
    rng = np.random.default_rng(seed)
    options = {"confidence_level": confidence, "n_resamples": n_resamples, "method": "percentile"}
    interval = stats.bootstrap((correct,), np.mean, random_state=rng, **options).confidence_interval
    return float(interval.low), float(interval.high)


def _sed_eval(reference, estimated, classes, duration: float, segment: float, collar: float):
    """Return sed_eval's segment-based and event-based metrics after all recordings."""
    import pandas as pd
    import sed_eval
    from dcase_util.containers import MetaDataContainer

    references, estimates = ([x] if isinstance(x, pd.DataFrame) else list(x) for x in (reference, estimated))
    if len(references) != len(estimates):
        raise ValueError(f"There are references of {len(references)} recordings and outputs of {len(estimates)}.")
    labels = {label for events in references + estimates for label in events["label"]}
    if unknown := labels - set(classes):
        raise ValueError(f"No such class: {', '.join(sorted(unknown))}. The classes are {', '.join(classes)}.")
    by_segment = sed_eval.sound_event.SegmentBasedMetrics(event_label_list=list(classes), time_resolution=segment)
    by_event = sed_eval.sound_event.EventBasedMetrics(
        event_label_list=list(classes), t_collar=collar, percentage_of_length=0.5
    )
    for i, pair in enumerate(zip(references, estimates, strict=True)):
        lists = [
            MetaDataContainer(
                [
                    {"filename": str(i), "event_label": event.label, "onset": event.onset, "offset": event.offset}
                    for event in events.itertuples()
                ]
            )
            for events in pair
        ]
        by_segment.evaluate(*lists, evaluated_length_seconds=duration)
        by_event.evaluate(*lists)
    return by_segment, by_event


def sed_metrics(reference, estimated, classes, duration: float, segment: float = 1.0, collar: float = 0.5):
    """Compare detected with true events by sed_eval, segment by segment and event by event.

    An event counts as found if a detected event of the same class begins within ``collar`` of its onset and ends
    within ``collar``, or half the event's length if that is more, of its offset.

    Parameters
    ----------
    reference, estimated : pandas.DataFrame, or lists of them, one for each recording
        Columns ``label``, ``onset`` and ``offset`` (s).
    classes : sequence of str
        The classes that count.
    duration : float
        Length of each recording in seconds.
    segment, collar : float
        In seconds.

    Returns
    -------
    pandas.DataFrame
        Rows ``segment-based (1 s)`` and ``event-based (collar 0.5 s)``; columns ``F-score``, ``precision``,
        ``recall``, ``error rate``, ``substitutions``, ``deletions`` and ``insertions`` (rates), over all classes
        together (micro average). What has no denominator is NaN: the precision of a detector that found nothing, the
        recall and the error rate where nothing was to be found. The F-score is 0 if only one of the two is empty.

    Raises
    ------
    ValueError
        If an event's label is not among the classes, or the lists differ in length.

    Source: A. Mesaros, T. Heittola and T. Virtanen, Metrics for polyphonic sound event detection,
    Applied Sciences 6 (2016) 162.

    Notebook: 04_sound_event_detection
    """
    import pandas as pd

    by_segment, by_event = _sed_eval(reference, estimated, classes, duration, segment, collar)
    rows = {}
    for name, metric in (
        (f"segment-based ({segment:g} s)", by_segment),
        (f"event-based (collar {collar:g} s)", by_event),
    ):
        scores = metric.results_overall_metrics()
        n_reference, n_estimated = metric.overall["Nref"], metric.overall["Nsys"]
        rates = {
            "recall": scores["f_measure"]["recall"],
            "error rate": scores["error_rate"]["error_rate"],
            "substitutions": scores["error_rate"]["substitution_rate"],
            "deletions": scores["error_rate"]["deletion_rate"],
            "insertions": scores["error_rate"]["insertion_rate"],
        }
        rows[name] = {
            "F-score": _f_score(scores["f_measure"]["f_measure"], n_reference, n_estimated),
            "precision": scores["f_measure"]["precision"],
            **(rates if n_reference else dict.fromkeys(rates, np.nan)),
        }
    return pd.DataFrame(rows, dtype=float).T


def _f_score(value: float, n_reference: int, n_estimated: int) -> float:
    """Return sed_eval's F-score; 0 where there is only output or only reference, NaN where there is neither.

    By itself sed_eval gives NaN to a class that was never reported, and so leaves it out of the macro average.
    """
    if n_reference == n_estimated == 0:
        return np.nan
    return value if n_reference and n_estimated else 0.0


def sed_class_metrics(reference, estimated, classes, duration: float, segment: float = 1.0, collar: float = 0.5):
    """Compare detected with true events class by class, and average over the classes (macro average).

    Parameters, errors and source as for :func:`sed_metrics`.

    Returns
    -------
    pandas.DataFrame
        Index: the classes and ``average``; columns ``events`` (true ones), ``segment F-score``,
        ``segment error rate``, ``event F-score`` and ``event error rate``. The F-score of a class that was only in
        the reference or only in the output is 0. Without true events the error rates are NaN, without output
        too the F-scores; NaN is not averaged.

    Notebook: 04_sound_event_detection
    """
    import pandas as pd

    metrics = dict(
        zip(("segment", "event"), _sed_eval(reference, estimated, classes, duration, segment, collar), strict=True)
    )
    rows = {}
    for label in classes:
        rows[label] = {"events": metrics["event"].class_wise[label]["Nref"]}
        for name, metric in metrics.items():
            scores, counts = metric.results_class_wise_metrics()[label], metric.class_wise[label]
            f_score = _f_score(scores["f_measure"]["f_measure"], counts["Nref"], counts["Nsys"])
            rows[label][f"{name} F-score"] = f_score
            rows[label][f"{name} error rate"] = scores["error_rate"]["error_rate"] if counts["Nref"] else np.nan
    table = pd.DataFrame(rows, dtype=float).T
    average = table.mean()
    average["events"] = table["events"].sum()
    table.loc["average"] = average
    return table.astype({"events": int})

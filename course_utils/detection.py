"""From window scores to sound events."""

import numpy as np


def join_segments(segments, max_gap: float = 0.0):
    """Join segments of one class that overlap or lie at most ``max_gap`` apart into events.

    Parameters
    ----------
    segments : pandas.DataFrame or list of (str, float, float)
        ``label``, ``onset`` and ``offset`` of each segment, times in seconds, in any order.
    max_gap : float
        The longest pause that does not end an event, in seconds.

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``onset`` and ``offset``, sorted by onset.

    Raises
    ------
    KeyError
        If the table lacks one of the columns.
    ValueError
        If a segment ends before it begins.

    Notebook: 04_sound_event_detection
    """
    import pandas as pd

    names = ["label", "onset", "offset"]
    segments = segments[names] if isinstance(segments, pd.DataFrame) else pd.DataFrame(segments, columns=names)
    if (segments["offset"] < segments["onset"]).any():
        raise ValueError("A segment ends before it begins: the columns are label, onset, offset, in seconds.")
    events = []
    for label, group in segments.sort_values("onset").groupby("label"):
        for onset, offset in group[["onset", "offset"]].to_numpy(dtype=float):
            if events and events[-1][0] == label and onset - events[-1][2] <= max_gap + 1e-9:
                events[-1][2] = max(events[-1][2], offset)
            else:
                events.append([label, onset, offset])
    events = pd.DataFrame(events, columns=names)
    return events.sort_values(["onset", "label"], ignore_index=True)


def events_from_scores(scores, classes, hop: float, window: float, threshold: float):
    """Detect events: in each window the highest class, if its score is over the threshold; then join.

    At most one class passes in a window; events of neighbouring windows may overlap.

    Parameters
    ----------
    scores : ndarray, shape (n_windows, n_classes)
        Scores in [0, 1]; window ``i`` begins at ``i * hop``.
    classes : sequence of str
        Names of the classes, in the order of the scores.
    hop, window : float
        Seconds between the starts of two windows, and length of a window in seconds.
    threshold : float
        In [0, 1].

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``onset`` and ``offset`` (s), sorted by onset.

    Raises
    ------
    ValueError
        If scores or threshold are outside [0, 1], or the scores do not fit the classes.

    Notebook: 04_sound_event_detection
    """
    scores, _ = _check(scores, classes, threshold)
    best = scores.argmax(axis=1)
    active = np.flatnonzero(scores[np.arange(len(scores)), best] > threshold)
    return join_segments([(classes[best[i]], i * hop, i * hop + window) for i in active])


def events_by_class(scores, classes, hop: float, window: float, thresholds, smooth: float = 0.0, shortest: float = 0.0):
    """Detect events of each class on its own, so that events of different classes may overlap.

    The scores of a class are smoothed by a median filter; each run of windows over the class's threshold is an event.
    A window stands for the ``hop`` seconds around its centre, the first and the last also for what lies outside.

    Parameters
    ----------
    scores : ndarray, shape (n_windows, n_classes)
        Scores in [0, 1]; window ``i`` begins at ``i * hop``.
    classes : sequence of str
        Names of the classes, in the order of the scores.
    hop, window : float
        Seconds between the starts of two windows, and length of a window in seconds.
    thresholds : float, or sequence of float, one for each class
        In [0, 1].
    smooth : float
        Length of the median filter in seconds; 0 for none.
    shortest : float
        Events shorter than this are dropped, in seconds.

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``onset`` and ``offset`` (s), sorted by onset.

    Raises
    ------
    ValueError
        If scores or thresholds are outside [0, 1], or scores, thresholds and classes do not fit together.

    Notebook: 04_sound_event_detection
    """
    from scipy.ndimage import median_filter

    scores, thresholds = _check(scores, classes, thresholds)
    size = 2 * round(smooth / hop / 2) + 1
    active = median_filter(scores, (size, 1), mode="nearest") > thresholds
    edges = np.diff(np.pad(active.astype(int), ((1, 1), (0, 0))), axis=0)
    times = np.arange(len(scores) + 1) * hop + (window - hop) / 2
    times[0], times[-1] = 0.0, (len(scores) - 1) * hop + window
    events = []
    for k, label in enumerate(classes):
        begins, ends = times[edges[:, k] == 1], times[edges[:, k] == -1]
        events += [(label, on, off) for on, off in zip(begins, ends, strict=True) if off - on >= shortest - 1e-9]
    return join_segments(events)


def _check(scores, classes, thresholds) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and thresholds as arrays, or say what is wrong with them."""
    scores, thresholds = np.asarray(scores), np.asarray(thresholds, dtype=float)
    if not ((thresholds >= 0) & (thresholds <= 1)).all():
        raise ValueError(f"The threshold is {thresholds}; scores lie in [0, 1], so must the threshold.")
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        raise ValueError(f"Expected scores of shape (n_windows, {len(classes)}), got {scores.shape}.")
    if not ((scores >= 0) & (scores <= 1 + 1e-6)).all():
        raise ValueError("Scores lie in [0, 1], these do not: are they logits (take softmax or sigmoid), or NaN?")
    if thresholds.shape not in ((), (len(classes),)):
        raise ValueError(f"Expected one threshold, or one for each of {len(classes)} classes, got {thresholds.shape}.")
    return scores, thresholds

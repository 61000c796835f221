"""Tables of events: one door that checks them, and the way from the scores of windows to events."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

EventsLike: TypeAlias = "pd.DataFrame | Events | Iterable[Sequence]"
"""What :meth:`Events.of` takes: a table, arrays, or triples (label, onset, offset)."""

NAMES = ("label", "onset", "offset")


class Events(NamedTuple):
    """Sound events in arrays, one element per event.

    Attributes
    ----------
    labels : ndarray of object, shape (n_events,)
        The class of each event, a str.
    onsets, offsets : ndarray of float64, shape (n_events,)
        Where each event begins and ends, in seconds.
    """

    labels: np.ndarray
    onsets: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, events: EventsLike, classes: Iterable[str] | None = None) -> Events:
        """Check events and return them as arrays, in their order.

        Times are rounded to a microsecond, so that 6.000000000000001 meets a border at 6.0.

        Parameters
        ----------
        events : pandas.DataFrame, Events or list of (str, float, float)
            ``label``, ``onset`` and ``offset`` of each event, times in seconds. Other columns are
            ignored, and an empty table means no events.
        classes : sequence of str, optional
            The labels that may occur. If you leave it out, any label may.

        Returns
        -------
        Events
            One element per row.

        Raises
        ------
        KeyError
            If the table lacks one of the columns.
        ValueError
            If a row is not a triple, a time is not a number of seconds from 0 on, an event ends
            before it begins, or a label is not text or not among the classes.
        """
        if isinstance(events, str) or not hasattr(events, "__iter__"):
            way = "Give a table with the columns label, onset and offset, or a list of such triples"
            raise ValueError(f"{way}, not {shown(events)}.")
        columns = events
        if hasattr(events, "columns"):
            columns = [checked_table(events)[name] for name in NAMES] if len(events) else []
        elif not isinstance(events, Events):
            rows = list(events)
            if wrong := [x for x in rows if not isinstance(x, tuple | list) or len(x) != 3]:
                raise ValueError(f"Give each event as (label, onset, offset), not as {shown(wrong[0])}.")
            columns = [np.fromiter(column, dtype=object) for column in zip(*rows, strict=True)]
        labels, onsets, offsets = columns or [()] * 3
        labels = np.array(labels, dtype=object)
        if wrong := [label for label in labels if not isinstance(label, str)]:
            raise ValueError(f"Give each event the name of a class as its label, not {shown(wrong[0])}.")
        names = labels if classes is None else class_names(classes)
        if unknown := sorted(set(labels).difference(names)):
            known = f"The classes are {', '.join(map(str, names))}."
            raise ValueError(f"No such class: {', '.join(unknown)}. {known}")
        onsets, offsets = _seconds(onsets, "onset"), _seconds(offsets, "offset")
        if len({len(labels), len(onsets), len(offsets)}) > 1:
            raise ValueError("Give as many labels as onsets and offsets: one of each per event.")
        if (wrong := offsets < onsets).any():
            which = f"{labels[wrong][0]} from {onsets[wrong][0]} to {offsets[wrong][0]} s"
            raise ValueError(f"An event ends before it begins, {which}. Give label, onset, offset.")
        return cls(labels, onsets, offsets)

    def table(self) -> pd.DataFrame:
        """Return the events as a table with the columns ``label``, ``onset`` and ``offset``."""
        import pandas as pd

        columns = {name: values.copy() for name, values in zip(NAMES, self, strict=True)}
        return pd.DataFrame(columns, copy=False)  # in half the time


def checked_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table; say which column of events is missing in it, or there twice."""
    columns = list(table.columns)
    if wrong := [name for name in NAMES if columns.count(name) != 1]:
        way = "Rename or drop yours: table.rename(columns=lambda c: c.removeprefix('event_'))"
        raise KeyError(f"A table of events has one column {wrong[0]!r}, this one {columns}. {way}")
    return table


def _seconds(values: Iterable, name: str) -> np.ndarray:
    """Return times as float64, rounded to a microsecond, or say which of them is not a time."""
    seconds = np.round(numbers(values), 6) + 0.0  # no -0.0
    if not (right := (seconds >= 0) & (seconds < np.inf)).all():
        value = np.asarray(values)[~right].tolist()[0]
        way = " float(…) turns text into a number, and astype(float) a whole column." * isinstance(value, str)
        wanted = f"Give each {name} as a number of seconds, 0 or more"
        raise ValueError(f"{wanted}, not {shown(value)}.{way}")
    return seconds


# --- numbers ---


def shown(value: object) -> str:
    """Return how a value looks in a message: in one line, and short."""
    return " ".join(reprlib.repr(value).split())


def array_of(values: object) -> np.ndarray:
    """Return what is an array, or can be made one, as such; masked values are NaN."""
    if hasattr(values, "detach"):  # a tensor of PyTorch
        values = values.detach().cpu().double()
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        way = "Give numbers in rows of one length"
        raise ValueError(f"This {type(values).__name__} can't be read as an array. {way}.") from error
    return np.ma.filled(values.astype(float), np.nan) if np.ma.is_masked(values) else array


def numbers(values: object) -> np.ndarray:
    """Return values as float64, with NaN for text and whatever else is not a number."""
    values = array_of(values)
    if values.dtype.kind == "O":
        return np.array([_as_float(value) for value in values.flat]).reshape(values.shape)
    if np.can_cast(values.dtype, float, "same_kind"):
        return values.astype(float)
    return np.full(values.shape, np.nan)


def _as_float(value: object) -> float:
    try:
        return float(value) if isinstance(value, Real | Decimal | np.bool_) else np.nan
    except (OverflowError, ValueError):  # 10**400, and a signalling NaN
        return np.nan


def number(value: float, name: str, way: str, fits: Callable[[float], bool], *, whole: bool = False) -> float:
    """Return a setting as a float, or as an int if it is to be ``whole``; otherwise say what it is, and the ``way``.

    True and False are no numbers here: nobody means a collar of True seconds.
    """
    array = np.asarray(None) if isinstance(value, list | tuple) else array_of(value)
    found = np.nan if array.ndim or array.dtype.kind == "b" else float(numbers(array))
    if not fits(found) or (whole and found % 1):
        raise ValueError(f"{name} is {value if np.isfinite(found) else shown(value)}. {way}")
    return int(found) if whole else found


def check_lengths(*, zero: bool = False, **lengths: float) -> list[float]:
    """Return lengths in seconds as floats, or say which is not above 0, or from 0 on if ``zero``."""
    way = f"Give a number of seconds, {'0 or more' if zero else 'more than 0'}."

    def fits(seconds):
        return seconds >= 0 if zero else 0 < seconds < np.inf

    return [number(length, name, way, fits) for name, length in lengths.items()]


def class_names(classes: Iterable[str]) -> list[str]:
    """Return the names of the classes as a list, or say what is wrong with them."""
    if isinstance(classes, set | frozenset):
        raise ValueError("A set of classes has no order. Give a list: sorted(classes).")
    try:
        names = [] if isinstance(classes, str | bytes) else list(classes)
    except TypeError:  # one number, or nothing
        names = []
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise ValueError(f"Give the name of each class as text, not {shown(wrong[0])}.")
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Give a list of classes with each of them once, not {shown(classes)}.")
    return [str(name) for name in names]


def join_segments(segments: EventsLike, max_gap: float = 0.0) -> pd.DataFrame:
    """Join segments of one class that overlap, or lie at most ``max_gap`` apart, into events.

    Notebook: 04_sound_event_detection

    Parameters
    ----------
    segments : pandas.DataFrame, Events or list of (str, float, float)
        ``label``, ``onset`` and ``offset`` of each segment, times in seconds, in any order.
    max_gap : float
        The longest pause that does not end an event, in seconds.

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``onset`` and ``offset``, sorted by onset.

    Raises
    ------
    KeyError, ValueError
        As for :meth:`Events.of`, or if ``max_gap`` is negative.
    """
    (max_gap,) = check_lengths(zero=True, max_gap=max_gap)
    return _join(Events.of(segments), max_gap)


def _join(segments: Events, max_gap: float) -> pd.DataFrame:
    """Join in whole nanoseconds: segments that touch may be one apart."""
    joined = []
    times = np.rint(np.array(segments[1:]) * 1e9).tolist()
    for label, onset, offset in sorted(zip(segments.labels, *times, strict=True)):
        if joined and joined[-1][0] == label and onset - joined[-1][2] <= max_gap * 1e9 + 1:
            joined[-1][2] = max(joined[-1][2], offset)
        else:
            joined.append([label, onset, offset])
    labels, *times = np.array(joined, dtype=object).reshape(-1, 3).T
    return _by_onset(labels, np.array(times, dtype=float) / 1e9)


def _by_onset(labels: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    """Return events that are sorted by name as a table by onset, to a microsecond."""
    order = np.argsort(times[0], kind="stable")
    return Events(labels[order], *np.round(times[:, order], 6)).table()


def events_from_scores(
    scores: np.ndarray, classes: Sequence[str], hop: float, window: float, threshold: float
) -> pd.DataFrame:
    """Detect events: take each window's highest class if it is over the threshold, and join.

    At most one class passes per window. Events of neighbouring windows may overlap.

    Notebook: 04_sound_event_detection, 06_better_detector

    Parameters
    ----------
    scores : ndarray, shape (n_windows, n_classes)
        Scores in [0, 1]; window ``i`` begins at ``i * hop``.
    classes : sequence of str
        Names of the classes, in the order of the scores.
    hop, window : float
        Seconds between the starts of two windows, and the length of a window in seconds.
    threshold : float
        In [0, 1].

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``onset`` and ``offset`` (s), sorted by onset.

    Raises
    ------
    ValueError
        If scores or threshold are outside [0, 1], the scores do not fit the classes, or ``hop`` or
        ``window`` is not a positive number of seconds.
    """
    if np.ndim(threshold) or hasattr(threshold, "keys"):
        raise ValueError("Give one threshold for all. For one per class, use events_by_class.")
    hop, window = check_lengths(hop=hop, window=window)
    scores, names, checked = check_scores(scores, classes, threshold)
    if not isinstance(threshold, float | np.floating):  # a float meets scores in single precision as one of them
        threshold = float(checked)
    best = scores.argmax(axis=1)
    active = np.flatnonzero(scores.max(axis=1) > threshold)
    return _join(Events(names[best[active]], active * hop, active * hop + window), 0.0)


def events_by_class(
    scores: np.ndarray, classes: Sequence[str], hop: float, window: float,
    thresholds: float | Sequence[float] | Mapping[str, float] | pd.Series,
    smooth: float = 0.0, shortest: float = 0.0, hold: float = 1.0,
) -> pd.DataFrame:  # fmt: skip
    """Detect events of each class on its own, so that events of different classes may overlap.

    A median filter smooths the scores of each class. Then each run of windows over the class's
    threshold is an event. With ``hold`` below 1 there are two thresholds, which is called
    hysteresis: an event reaches, both ways, as far as the scores stay over that share of the
    threshold. A window stands for the ``hop`` seconds around its centre; the first and the last
    also stand for what lies outside.

    Notebook: 06_better_detector

    Parameters
    ----------
    scores : ndarray, shape (n_windows, n_classes)
        Scores in [0, 1]; window ``i`` begins at ``i * hop``.
    classes : sequence of str
        Names of the classes, in the order of the scores.
    hop, window : float
        Seconds between the starts of two windows, and the length of a window in seconds.
    thresholds : float, sequence of float, or dict or pandas.Series by class
        In [0, 1]: one for all, one per class in the order of the scores, or by name.
    smooth : float
        Length of the median filter in seconds; 0 for none.
    shortest : float
        Events shorter than this are dropped, in seconds.
    hold : float
        The share of the threshold down to which an event holds on, over 0 and up to 1.

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``onset`` and ``offset`` (s), sorted by onset.

    Raises
    ------
    ValueError
        If scores or thresholds are outside [0, 1], scores, thresholds and classes do not fit
        together, a length is not a number of seconds, or ``hold`` is not a share.
    """
    hop, window = check_lengths(hop=hop, window=window)
    scores, names, thresholds = check_scores(scores, classes, thresholds)
    smooth, shortest = check_lengths(zero=True, smooth=smooth, shortest=shortest)
    way = "Give a share of the threshold, over 0 and up to 1."
    hold = number(hold, "hold", way, lambda share: 0 < share <= 1)
    n, by_name = len(scores), np.argsort(names)
    half = round(min(smooth / hop / 2, n))
    active = _active((scores > hold * thresholds).T[by_name], half)
    rows, edges = np.nonzero(active[:, 1:] != active[:, :-1])
    if hold < 1:  # keep the runs in which a window is over the threshold itself
        over = _active((scores > thresholds).T[by_name], half).cumsum(axis=1)[rows, edges]
        begun = np.repeat(over[1::2] > over[::2], 2)
        rows, edges = rows[begun], edges[begun]
    times = window_borders(n, hop, window)[edges.reshape(-1, 2).T]
    kept = times[1] - times[0] >= shortest - 1e-9
    return _by_onset(names[by_name[rows[::2][kept]]], times[:, kept])


def _active(over: np.ndarray, half: int) -> np.ndarray:
    """Return where the median of 2 * half + 1 scores is over a threshold; at both ends, nowhere.

    A median is over it where more than half of its scores are. From n on, a longer filter changes
    nothing.
    """
    n_classes, n = over.shape
    active = np.zeros((n_classes, n + 2), dtype=bool)
    active[:, 1:-1] = over
    if half:
        around = np.clip(np.arange(-half, n + half + 1), 1, n)
        counts = active[:, around].cumsum(axis=1, dtype=np.int32)
        active[:, 1:-1] = counts[:, 2 * half + 1 :] - counts[:, : -2 * half - 1] > half
    return active


def window_borders(n: int, hop: float, window: float) -> np.ndarray:
    """Return where windows pass over to the next, shape (n + 1,), in seconds.

    A window stands for the ``hop`` seconds around its centre; the first and the last also stand for
    what lies outside.
    """
    borders = np.arange(n + 1) * hop + (window - hop) / 2
    borders[0], borders[-1] = 0.0, (n - 1) * hop + window
    return borders


def score_array(scores: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return scores as floats with a column for each name; the columns of a table are taken by name."""
    if hasattr(scores, "columns") and list(scores.columns) != list(range(len(names))):
        if missing := [name for name in names if name not in scores.columns]:
            raise ValueError(f"The table of scores has no column {', '.join(missing)}.")
        scores = scores[list(names)]
    scores = array_of(scores)
    if scores.ndim != 2 or scores.shape[1] != len(names):
        raise ValueError(f"Expected scores of shape (n_windows, {len(names)}), got {scores.shape}.")
    if scores.dtype.kind != "f":
        scores = numbers(scores)
    return scores.astype(np.result_type(scores, np.float32), copy=False)


def check_scores(
    scores: np.ndarray, classes: Iterable[str],
    thresholds: float | Sequence[float] | Mapping[str, float] | pd.Series = 0.0,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Return scores, names and thresholds as arrays, or say what is wrong with them."""
    names = np.array(class_names(classes), dtype=object)
    if hasattr(thresholds, "keys"):  # a dict or a pandas.Series, by name if not numbered from 0
        named = dict(thresholds)
        wanted = list(named) if list(named) == list(range(len(names))) else names
        if missing := [name for name in wanted if name not in named]:
            raise ValueError(f"Give a threshold for each class: {', '.join(missing)} has none.")
        thresholds = [named[name] for name in wanted]
    several = isinstance(thresholds, list | tuple) or np.ndim(thresholds)
    way = "Scores lie in [0, 1], and so must the threshold."
    checked = [
        number(threshold, "threshold", way, lambda share: 0 <= share <= 1)
        for threshold in (thresholds if several else [thresholds])
    ]
    thresholds = np.array(checked if several else checked[0])
    if thresholds.shape not in ((), (len(names),)):
        raise ValueError(f"Give one threshold, or one for each of the {len(names)} classes.")
    scores = score_array(scores, names)
    if not ((scores >= 0) & (scores <= 1 + 1e-6)).all():
        raise ValueError("Scores lie in [0, 1]. Are these NaN, text or logits? For logits, take softmax or sigmoid.")
    return scores, names, thresholds

"""Accuracy by class, the confusion matrix, and the measures of sound event detection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils import events
from course_utils.events import (
    Events,
    EventsLike,
    check_lengths,
    checked_table,
    class_names,
    number,
    numbers,
    shown,
)  # fmt: skip

if TYPE_CHECKING:
    import pandas as pd

    Recordings = EventsLike | Iterable[EventsLike]

TOLERANCE = 1e-9
"""Seconds, and share of an event's length, by which rounding may exceed the collar."""

MOST_DRAWS, MOST_SEGMENTS = 100_000, 10_000_000
"""Of a bootstrap, and of a recording: more would fill the memory, and is a wrong unit."""


def class_accuracy(y_true: Sequence, y_pred: Sequence, classes: Iterable[str]) -> pd.DataFrame:
    """Return the share of right answers in each class, and their macro average in the last row.

    Notebook: 03_transfer_learning

    Parameters
    ----------
    y_true, y_pred : array_like of int, shape (n_items,)
        Index of the true and of the predicted class of each item (a clip, or a frame).
    classes : sequence of str
        Names of the classes.

    Returns
    -------
    pandas.DataFrame
        Index: the classes and ``average``; columns ``n`` (items) and ``accuracy`` in [0, 1]. A
        class without items has accuracy NaN and does not count in the average.

    Raises
    ------
    ValueError
        If the two differ in length, or hold an index that is not a class.
    """
    import pandas as pd

    matrix = confusion_matrix(y_true, y_pred, classes)
    n, right = matrix.sum(axis=1), np.diag(matrix)
    table = pd.DataFrame({"n": n, "accuracy": right / n}).rename_axis(None)
    table.loc["average"] = [n.sum(), table["accuracy"].mean()]
    return table.astype({"n": int})


def confusion_matrix(y_true: Sequence, y_pred: Sequence, classes: Iterable[str]) -> pd.DataFrame:
    """Count items by true class (rows) and predicted class (columns).

    The parameters and errors are those of :func:`class_accuracy`.

    Notebook: 03_transfer_learning

    Returns
    -------
    pandas.DataFrame, shape (n_classes, n_classes)
        Numbers of items.
    """
    import pandas as pd

    names, true, predicted = class_names(classes), numbers(y_true), numbers(y_pred)
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(f"Expected two lists of the same length, got {true.shape}, {predicted.shape}.")
    items = np.array([true, predicted])
    if not np.isin(items, range(len(names))).all() or not items.size:
        wanted = f"at least one index of a class, each from 0 to {len(names) - 1}"
        raise ValueError(f"Expected {wanted}. To get the index of a name, use classes.index(name).")
    matrix = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(matrix, tuple(items.astype(int)), 1)
    table = pd.DataFrame(matrix, names, names)
    return table.rename_axis(index="true class", columns="predicted class")


def bootstrap_interval(
    correct: Sequence[float], confidence: float = 0.95, n_resamples: int = 5000, seed: int = 0
) -> tuple[float, float]:
    """Return a bootstrap interval of an accuracy: where it might have been with other such clips.

    We draw the clips again with replacement, ``n_resamples`` times. The interval holds the middle
    ``confidence`` of the accuracies. It covers the chance in the choice of the clips, not the
    chance in training, and it takes the clips as independent. For few clips, or near 0 and 1, it
    is too narrow; there, use Wilson's interval.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993 (percentile
    interval), by ``scipy.stats.bootstrap``.

    Notebook: 03_transfer_learning, 05_how_sure

    Parameters
    ----------
    correct : array_like of bool, shape (n_clips,)
        Whether each clip was classified correctly; or numbers, for instance the differences of two
        classifiers.
    confidence : float
        Share of the resampled accuracies inside, between 0 and 1.
    n_resamples, seed : int
        How many times to draw, and the seed of the random numbers.

    Returns
    -------
    (float, float)
        Lower and upper end.

    Raises
    ------
    ValueError
        If there are fewer than two clips, a value is missing, or ``confidence`` or ``n_resamples``
        is out of range.
    """
    from scipy import stats

    correct = numbers(correct)
    if correct.ndim != 1 or len(correct) < 2:
        raise ValueError(f"An interval takes a list of at least two clips, not shape {correct.shape}.")
    if not np.isfinite(correct).all():
        raise ValueError("Some values are text, NaN or infinite. Leave those clips out.")
    confidence, n_resamples, rng = _draws(confidence, n_resamples, seed)
    options = {"confidence_level": confidence, "n_resamples": n_resamples, "method": "percentile"}
    interval = stats.bootstrap((correct,), np.mean, random_state=rng, **options).confidence_interval
    return float(interval.low), float(interval.high)


def _confidence(confidence: float) -> float:
    way = "Give a share between 0 and 1, such as 0.95."
    return number(confidence, "confidence", way, lambda share: 0 < share < 1)


def _draws(confidence: float, n_resamples: int, seed: int) -> tuple[float, int, np.random.Generator]:
    way = f"Draw once or more, at most {MOST_DRAWS:,} times; 5000 are plenty."
    n = number(n_resamples, "n_resamples", way, lambda n: 1 <= n <= MOST_DRAWS, whole=True)
    way = "Give a whole number, 0 or more, so that the interval can be had again."
    seed = number(seed, "seed", way, lambda seed: seed >= 0, whole=True)
    return _confidence(confidence), n, np.random.default_rng(seed)


def wilson_interval(right: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of an accuracy from counts, which keeps its promise for few clips too.

    Unlike the bootstrap's it has a width where every clip was right, or none.

    >>> [round(end, 3) for end in wilson_interval(40, 40)]
    [0.912, 1.0]

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22 (1927) 209-212, by ``scipy.stats.binomtest``.

    Notebook: 05_how_sure

    Parameters
    ----------
    right, n : int
        How many clips were classified right, and how many there were.
    confidence : float
        How often such an interval should hold the true accuracy, between 0 and 1.

    Returns
    -------
    (float, float)
        Lower and upper end.

    Raises
    ------
    ValueError
        If there are no clips, more right ones than clips, or ``confidence`` is out of range.
    """
    from scipy import stats

    way, confidence = "Give a whole number, 0 or more.", _confidence(confidence)
    given = {"right": right, "n": n}.items()
    right, n = (number(x, name, way, lambda x: x >= 0, whole=True) for name, x in given)
    if not n or right > n:
        raise ValueError(f"{right} of {n} clips right: give two counts, the second at least 1.")
    interval = stats.binomtest(right, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def _sides(given_sides, names, duration) -> tuple[int, list[tuple[np.ndarray, ...]]]:
    """Return the number of recordings, and arrays of all events of each side.

    They are recording and class, counted from 0, and the onsets and offsets, shape (2, n_events).
    """
    import pandas as pd

    index, counts, sides = {name: code for code, name in enumerate(names)}, [], []
    for given in given_sides:
        is_one = isinstance(given, pd.DataFrame | Events) or not hasattr(given, "__iter__")
        given = [given] if is_one else list(given)
        if all(isinstance(x, tuple | list) and x and isinstance(x[0], str) for x in given):
            given = [given]  # triples: one recording
        tables = _each(lambda x: x if isinstance(x, pd.DataFrame) else Events.of(x).table(), given)
        tables = _each(lambda table: checked_table(table) if len(table) else table, tables)
        filled = [table for table in tables if len(table)]
        try:
            labels, *times = Events.of(pd.concat(filled or tables[:1], ignore_index=True), names)
        except ValueError:  # in which recording?
            _each(lambda table: Events.of(table, names), tables)
            raise
        recording = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
        if (late := times[0] >= duration).any():
            begins = f"An event begins at {times[0][late][0]:g} s, but a recording lasts {duration:g} s"
            raise ValueError(f"{_of(recording[late][0], tables)}{begins}. Give both in seconds.")
        codes = np.array([index[label] for label in labels], dtype=int)
        sides.append((recording, codes, np.minimum(times, duration)))
        counts.append(len(tables))
    return _same_number(*counts), sides


def _of(i: int, items: list) -> str:
    return f"In recording {i}, counted from 0: " if len(items) > 1 else ""


def _each(function: Callable, items: list) -> list:
    """Return what a function makes of the items; an error says of which one, if there are several."""
    done = []
    for i, item in enumerate(items):
        try:
            done.append(function(item))
        except (KeyError, ValueError) as error:
            raise type(error)(f"{_of(i, items)}{error.args[0]}") from None
    return done


def _same_number(n: int, *others: int) -> int:
    if wrong := [other for other in others if other != n]:
        there_are = f"There are references of {n} recordings and outputs of {wrong[0]}"
        raise ValueError(f"{there_are}. Give one each.")
    return n


def _tolerances(duration, segment, collar, percentage_of_length) -> list[float]:
    """Return the settings of the metrics as floats, or say which of them makes no sense."""
    way = "Give a share of the true event's length, from 0 to 1, such as 0.5."
    name = "percentage_of_length"
    share = number(percentage_of_length, name, way, lambda share: 0 <= share <= 1)
    duration, segment, collar = check_lengths(duration=duration, segment=segment, collar=collar)
    if duration / segment > MOST_SEGMENTS:
        many = f"A recording of {duration:g} s has more than {MOST_SEGMENTS:,} segments of {segment:g} s"
        raise ValueError(f"{many}. Give both in seconds.")
    return [duration, segment, collar, share]


def sed_metrics(
    reference: Recordings, estimated: Recordings, classes: Iterable[str],
    duration: float, segment: float = 1.0, collar: float = 0.5, percentage_of_length: float = 0.5,
) -> pd.DataFrame:  # fmt: skip
    """Compare detected events with true ones by sed_eval, segment by segment and event by event.

    An event counts as found if a detected event of the same class begins within ``collar`` of its
    onset and ends near its offset: within ``collar``, or ``percentage_of_length`` of the event's
    length if that is more.

    Source: A. Mesaros, T. Heittola and T. Virtanen, Metrics for polyphonic sound event detection,
    Applied Sciences 6 (2016) 162.

    Notebook: 04_sound_event_detection

    Parameters
    ----------
    reference, estimated : pandas.DataFrame or list of (str, float, float), or lists of them
        Columns ``label``, ``onset`` and ``offset`` (s). For several recordings, give a list with
        one table, or one list, for each. Offsets after ``duration`` are cut to it.
    classes : sequence of str
        The classes that count.
    duration : float
        Length of each recording in seconds.
    segment, collar : float
        In seconds.
    percentage_of_length : float
        How much of its own length a true event's offset may be off, a share from 0 to 1.

    Returns
    -------
    pandas.DataFrame
        Rows ``segment-based (1 s)`` and ``event-based (collar 0.5 s)``; columns ``F-score``,
        ``precision``, ``recall``, ``error rate``, ``substitutions``, ``deletions`` and
        ``insertions`` (rates), over all classes together (micro average). A detector that is always
        silent has error rate 1. What has no denominator is NaN: the precision of a detector that
        found nothing, and recall and error rate if there was nothing to find. The F-score is 0 if
        only one of the two is empty.

    Raises
    ------
    KeyError, ValueError
        As for :meth:`course_utils.events.Events.of`, for instance if a label is not among the
        classes. Also if the lists differ in length, a length is not a positive number of seconds,
        the share is not from 0 to 1, or an event begins after the recording.
    """
    import pandas as pd
    from sed_eval.sound_event import EventBasedMetrics, SegmentBasedMetrics

    names = class_names(classes)
    duration, segment, collar, share = _tolerances(duration, segment, collar, percentage_of_length)
    n, sides = _sides((reference, estimated), names, duration)
    # In floats, 0.3 / 0.1 < 3 and 0.3 - 0.1 < 0.2: so sed_eval is given times in segments, and what
    # is just at the collar counts as within it.
    by_segment = SegmentBasedMetrics(names, time_resolution=1.0)
    by_event = EventBasedMetrics(names, t_collar=collar + TOLERANCE)
    by_event.percentage_of_length = share + TOLERANCE  # it takes no more than 1
    rows = []
    for metric, unit in ((by_segment, segment), (by_event, 1.0)):
        pairs = [([], []) for _ in range(n)]
        for side, (recording, codes, times) in enumerate(sides):
            onsets, offsets = np.round(times / unit, 9).tolist()
            for i, code, onset, offset in zip(recording, codes, onsets, offsets, strict=True):
                event = {"event_label": names[code], "onset": onset, "offset": offset}
                pairs[i][side].append(event)
        for pair in pairs:
            metric.evaluate(*pair)
        results, counts = metric.results_overall_metrics(), metric.overall
        row = [*results["f_measure"].values(), *results["error_rate"].values()]
        if not counts["Nref"]:
            row[2:] = [np.nan] * 5
        if bool(counts["Nref"]) != bool(counts["Nsys"]):
            row[0] = 0.0  # sed_eval: NaN
        rows.append(row)
    titles = f"segment-based ({segment:g} s)", f"event-based (collar {collar:g} s)"
    rates = ["error rate", "substitutions", "deletions", "insertions"]
    return pd.DataFrame(rows, titles, ["F-score", "precision", "recall", *rates])


def sed_class_metrics(
    reference: Recordings, estimated: Recordings, classes: Iterable[str],
    duration: float, segment: float = 1.0, collar: float = 0.5, percentage_of_length: float = 0.5,
) -> pd.DataFrame:  # fmt: skip
    """Compare detected events with true ones class by class, and average: the macro average.

    This is the class-wise evaluation of sed_eval, done for all recordings at once. The parameters,
    errors and source are those of :func:`sed_metrics`.

    Notebook: 06_better_detector

    Returns
    -------
    pandas.DataFrame
        Index: the classes and ``average``; columns ``events`` (true ones), ``segment F-score``,
        ``segment error rate``, ``event F-score`` and ``event error rate``. The F-score of a class
        that was only in the reference or only in the output is 0. For a class without true events
        the error rates are NaN, and without output as well, so are the F-scores. NaN is left out
        of the average.
    """
    import pandas as pd

    lengths = {"segment": segment, "collar": collar, "percentage_of_length": percentage_of_length}
    names, counts = sed_counts(reference, estimated, classes, duration=duration, **lengths)
    totals = counts.sum(axis=2)
    rates, averages = _rates(totals)
    columns = {"events": np.append(totals[1, 0], totals[1, 0].sum())}
    columns |= dict(zip(RATES, np.column_stack([rates, averages]), strict=True))
    return pd.DataFrame(columns, index=[*names, "average"])


RATES = ("segment F-score", "segment error rate", "event F-score", "event error rate")


class SedCounts(NamedTuple):
    """What a detector found in each recording, counted.

    Attributes
    ----------
    classes : list of str
        Names of the classes.
    counts : ndarray of int, shape (2, 3, n_recordings, n_classes)
        Of segments, then of events: how many there truly are, were detected, and were right.
    """

    classes: list[str]
    counts: np.ndarray


def sed_counts(
    reference: Recordings, estimated: Recordings, classes: Iterable[str], *,
    duration: float, segment: float = 1.0, collar: float = 0.5, percentage_of_length: float = 0.5,
) -> SedCounts:  # fmt: skip
    """Count segments and events by recording and class, for :func:`sed_interval`.

    The parameters, errors and source are those of :func:`sed_metrics`.

    Notebook: 06_better_detector

    Returns
    -------
    SedCounts
        Their sums over the recordings are what :func:`sed_class_metrics` makes its rates of.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    names = class_names(classes)
    duration, segment, collar, share = _tolerances(duration, segment, collar, percentage_of_length)
    n, sides = _sides((reference, estimated), names, duration)
    counts = np.empty((2, 3, n, len(names)), dtype=int)

    n_borders = int(np.ceil(round(duration / segment, 9))) + 1
    rolls = np.zeros((2, n, n_borders, len(names)), dtype=np.int32)
    for roll, (recording, codes, times) in zip(rolls, sides, strict=True):
        begins, ends = np.round(times / segment, 9)
        np.add.at(roll, (recording, np.floor(begins).astype(int), codes), 1)
        np.subtract.at(roll, (recording, np.ceil(ends).astype(int), codes), 1)
    rolls = rolls.cumsum(axis=2, out=rolls) > 0
    counts[0] = [roll.sum(axis=1) for roll in (*rolls, rolls[0] & rolls[1])]

    keys = [recording * len(names) + codes for recording, codes, _ in sides]
    i, j = _pairs(*keys)
    true, found = (times for _, _, times in sides)
    apart, length = np.abs(true[:, i] - found[:, j]), (true[1] - true[0])[i]
    near, share = collar + TOLERANCE, share + TOLERANCE
    hits = (apart[0] <= near) & (apart[1] <= np.maximum(near, share * length))
    graph = csr_array((hits[hits], (i[hits], j[hits])), shape=tuple(map(len, keys)))
    matched = maximum_bipartite_matching(graph, perm_type="column") >= 0
    for count, key in zip(counts[1], (*keys, keys[0][matched]), strict=True):
        count[:] = np.bincount(key, minlength=count.size).reshape(count.shape)
    return SedCounts(names, counts)


def _pairs(keys: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices i and j of all pairs with the same key in ``keys`` and ``others``."""
    order = np.argsort(others, kind="stable")
    first, last = (np.searchsorted(others, keys, side, order) for side in ("left", "right"))
    n_pairs = last - first
    i = np.repeat(np.arange(len(keys)), n_pairs)
    return i, order[np.arange(len(i)) + np.repeat(last - np.cumsum(n_pairs), n_pairs)]


def _rates(totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the RATES for counts of shape (2, 3, …, n_classes), and their means over classes."""
    true, found, right = np.moveaxis(totals, 1, 0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN
        wrong = np.where(true > 0, true + found - 2 * right, np.nan)
        rates = np.stack([2 * right / (true + found), wrong / true], axis=1)
        rates = rates.reshape(len(RATES), *true.shape[1:])
        return rates, np.nansum(rates, axis=-1) / np.isfinite(rates).sum(axis=-1)


def sed_interval(
    counts: SedCounts, minus: SedCounts | None = None, *,
    confidence: float = 0.95, n_resamples: int = 2000, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """Return the macro averages of a detector, with a bootstrap interval over the recordings.

    We draw as many recordings as there are, with replacement, and measure again, ``n_resamples``
    times. The interval holds the middle ``confidence`` of what we measured, as in
    :func:`bootstrap_interval`. With ``minus``, every draw measures both detectors, and the table
    holds the differences.

    Notebook: 06_better_detector

    Parameters
    ----------
    counts : SedCounts
        From :func:`sed_counts`.
    minus : SedCounts, optional
        The counts of another detector in the same recordings, to be subtracted.
    confidence : float
        Share of the resampled measures inside, between 0 and 1.
    n_resamples, seed : int
        How many times to draw, and the seed of the random numbers.

    Returns
    -------
    pandas.DataFrame
        Rows ``segment F-score``, ``segment error rate``, ``event F-score`` and ``event error
        rate``; columns ``value``, ``low`` and ``high``. The value is the average of
        :func:`sed_class_metrics`. As there, a class without a rate in a draw is left out of its
        average.

    Raises
    ------
    ValueError
        If there are fewer than two recordings or no true events, the two detectors were not
        measured on the same ones, or ``confidence`` or ``n_resamples`` is out of range.
    """
    import pandas as pd

    detectors = [counts] if minus is None else [counts, minus]
    if wrong := [x for x in detectors if not isinstance(x, SedCounts)]:
        raise ValueError(f"Give what sed_counts returns, not {type(wrong[0]).__name__}.")
    confidence, n_resamples, rng = _draws(confidence, n_resamples, seed)
    (names, first), n = counts, counts.counts.shape[2]
    if n < 2 or not first[1, 0].any():
        raise ValueError("An interval takes at least two recordings, and true events in them.")
    same = [x.classes == names and np.array_equal(x.counts[:, 0], first[:, 0]) for x in detectors]
    if not all(same):
        way = "Give sed_counts the same reference, classes and segment for both"
        raise ValueError(f"The two detectors were not measured on the same events. {way}.")
    draws = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)
    draws = np.vstack([np.ones(n), draws])  # each recording once, then how often each is drawn
    averages = [_rates(draws @ x.counts)[1] for x in detectors]
    measured = averages[0] - sum(averages[1:])
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(measured[:, 1:], [tail, 1 - tail], axis=1)
    return pd.DataFrame({"value": measured[:, 0], "low": low, "high": high}, index=RATES)


class PsdsSettings(NamedTuple):
    """The tolerances and prices of a PSDS, by their names in the field.

    Attributes
    ----------
    dtc, gtc, cttc : float
        Shares of a detection or of a true event that must intersect: for a detection to be no
        false alarm, for an event to be found, and for a false alarm to be a cross trigger.
    alpha_ct, alpha_st : float
        The weights of cross triggers, and of the standard deviation over classes.
    max_efpr : float
        Effective false alarms per hour up to which a detector is measured.
    """

    dtc: float
    gtc: float
    cttc: float = 0.3
    alpha_ct: float = 0.0
    alpha_st: float = 1.0
    max_efpr: float = 100.0


PSDS1 = PsdsSettings(dtc=0.7, gtc=0.7)
"""The first scenario of DCASE's task 4: when did it sound, exactly?"""

PSDS2 = PsdsSettings(dtc=0.1, gtc=0.1, cttc=0.3, alpha_ct=0.5)
"""The second one: which class was it, roughly where it sounded?"""


def _checked_kind(kind: PsdsSettings) -> PsdsSettings:
    ways = dict.fromkeys(PsdsSettings._fields, ("Give a number, 0 or more.", np.inf))
    ways |= dict.fromkeys(("dtc", "gtc", "cttc"), ("Give a share, from 0 to 1.", 1.0))
    checked = {
        name: number(getattr(kind, name), name, way, lambda x, most=most: 0 <= x <= most and x < np.inf)
        for name, (way, most) in ways.items()
    }
    if not checked["max_efpr"]:
        raise ValueError("max_efpr is 0. Give the false alarms per hour up to which to measure.")
    return PsdsSettings(**checked)


def psds(
    reference: Recordings, scores: Sequence[np.ndarray], classes: Iterable[str], *,
    duration: float, hop: float, window: float, kind: PsdsSettings = PSDS1,
) -> pd.Series:  # fmt: skip
    """Measure a detector over all its thresholds: the polyphonic sound detection score, PSDS.

    At each threshold, a detection is a false alarm if less than the share ``dtc`` of it lies in
    true events of its class. It costs more as a cross trigger, with the share ``cttc`` of it in
    events of another class. The other detections find an event if they cover the share ``gtc`` of
    it. The score is the area under the curve of events found against the cost of false alarms per
    hour, as a share of all that is possible. The curve is the mean over classes less the standard
    deviation.

    A window of the scores stands for the same seconds as in ``events_by_class``. Here it is active
    if its score is at least the threshold, and one threshold lies below all scores. True events of
    a class that touch or overlap are joined, and those without length left out.

    Source: C. Bilen, G. Ferroni, F. Tuveri, J. Azcarreta and S. Krstulovic, A framework for the
    robust evaluation of sound event detection, ICASSP 2020, over all thresholds as in J. Ebbers,
    R. Serizel and R. Haeb-Umbach, Threshold-independent evaluation of sound event detection
    scores, ICASSP 2022. It equals their sed_scores_eval 0.0.4 to 1e-6 in
    ``tests/course_utils/test_psds.py``.

    Notebook: 06_better_detector

    Parameters
    ----------
    reference : pandas.DataFrame or list of (str, float, float), or a list of them
        The true events, one table for each recording, as for :func:`sed_metrics`.
    scores : list of ndarray, shape (n_windows, n_classes)
        Scores in [0, 1] of each recording, smoothed if you like; window ``i`` begins at
        ``i * hop``. For one recording, an array is enough.
    classes : sequence of str
        Names of the classes, in the order of the scores.
    duration, hop, window : float
        Length of each recording, time between the starts of two windows, and length of a window, in
        seconds. What a window stands for is cut at ``duration``.
    kind : PsdsSettings
        ``PSDS1``, ``PSDS2``, or settings of your own.

    Returns
    -------
    pandas.Series
        Index: the classes, each measured alone, and ``overall``, the PSDS; in [0, 1]. A class
        without true events is NaN and left out; without any true event, so is the PSDS.

    Raises
    ------
    KeyError, ValueError
        As for :func:`sed_metrics` and ``events_by_class``, for instance if scores are missing or
        outside [0, 1]. Also if there are not as many scores as references, windows last longer
        than the recording, or ``kind`` is something else.
    """
    import pandas as pd

    if not isinstance(kind, PsdsSettings):
        raise ValueError(f"Give kind as evaluation.PSDS1 or evaluation.PSDS2, not {shown(kind)}.")
    kind, names = _checked_kind(kind), class_names(classes)
    duration, hop, window = check_lengths(duration=duration, hop=hop, window=window)
    n, [(recording, codes, times)] = _sides([reference], names, duration)
    scores = [scores] if isinstance(scores, np.ndarray) and scores.ndim == 2 else list(scores)
    _same_number(n, len(scores))
    scores = _each(lambda x: events.check_scores(x, names)[0], scores)
    result = pd.Series(np.nan, [*names, "overall"])

    # Times in whole microseconds, so that sums and comparisons are exact.
    keys = (recording * len(names) + codes).astype(str).astype(object)
    true = events.join_segments(Events(keys, *times))
    true = true[true["offset"] > true["onset"]]
    begins, ends = np.rint(true[["onset", "offset"]].to_numpy().T * 1e6)
    recording, codes = np.divmod(true["label"].to_numpy(int), len(names))
    present, codes = np.unique(codes, return_inverse=True)
    if not (k := len(present)):
        return result
    seconds, n_events = np.bincount(codes, ends - begins) / 1e6, np.bincount(codes)

    # What each run of windows covers of each class's events, and what it costs if it is an alarm.
    group, low, high, times = _runs([x[:, present] for x in scores], hop, window, duration)
    run_recording, run_codes = np.divmod(group, k)
    i, j = _pairs(recording, run_recording)
    shared = np.minimum(ends[i], times[1, j]) - np.maximum(begins[i], times[0, j])
    i, j, shared = i[shared > 0], j[shared > 0], shared[shared > 0]
    inside = np.bincount(j * k + codes[i], shared, k * len(group)).reshape(-1, k)
    lengths, own = times[1] - times[0], (np.arange(len(group)), run_codes)
    false = inside[own] < np.rint(kind.dtc * lengths)
    crossed = inside >= np.rint(kind.cttc * lengths)[:, np.newaxis]
    crossed[own] = False
    crossings = (crossed / seconds).sum(axis=1) / max(k - 1, 1)
    cost = 3600 * false * (1 / (n * duration) + kind.alpha_ct * crossings)  # per hour

    # At which scores an event is found: what covers it adds up, from the highest score down.
    right = (codes[i] == run_codes[j]) & ~false[j]
    i, j, shared = i[right], j[right], shared[right]
    covered = np.concatenate([shared, -shared])
    event, score, covered = _totals(np.tile(i, 2), np.concatenate([high[j], low[j]]), covered)
    enough = (covered > 0) & (covered >= np.rint(kind.gtc * (ends - begins))[event])
    found = np.diff(enough.astype(int), prepend=0)

    codes = np.concatenate([run_codes, run_codes, codes[event]])
    score, nothing = np.concatenate([high, low, score]), np.zeros(2 * len(high))
    found, cost = np.append(nothing, found), np.concatenate([cost, -cost, 0 * found])
    codes, _, found, alarms = _totals(codes, score, found, cost)
    curves = []
    for code in range(k):
        x, y = alarms[codes == code].clip(0), found[codes == code] / n_events[code]
        order = x.argsort()
        curves.append((np.append(0, x[order]), np.maximum.accumulate(np.append(0, y[order]))))
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    grid = grid[grid < kind.max_efpr]
    rates = np.array([y[np.searchsorted(x, grid, side="right") - 1] for x, y in curves])
    overall = np.maximum(rates.mean(axis=0) - kind.alpha_st * rates.std(axis=0), 0)
    areas = np.vstack([rates, overall]) @ np.diff(grid, append=kind.max_efpr) / kind.max_efpr
    result.iloc[[*present, -1]] = areas
    return result


def _totals(group, score, *changes) -> tuple[np.ndarray, ...]:
    """Sum changes up by group and score, from each group's highest score down to where it is 0."""
    order = np.lexsort((-score, group))
    group, score = group[order], score[order]
    last = np.append((np.diff(group) != 0) | (np.diff(score) != 0), True)[: len(group)]
    return group[last], score[last], *(change[order].cumsum()[last] for change in changes)


def _runs(scores, hop, window, duration) -> tuple[np.ndarray, ...]:
    """Return all runs of windows that are active together at some threshold.

    They are ``group``, recording * n_classes + class; the scores ``low`` and ``high``, where a run
    is active at thresholds over the first and up to the second; and onset and offset in whole
    microseconds, shape (2, n_runs). Between the groups, there is a score of -1.
    """
    blocks, borders = [], []
    for x in scores:
        cut = np.rint(np.minimum(events.window_borders(len(x), hop, window), duration) * 1e6)
        if (np.diff(cut) <= 0).any():
            lasts = f"{len(x)} windows last longer than a recording, which is {duration:g} s"
            raise ValueError(f"{lasts}. Give hop, window and duration in seconds.")
        blocks.append(np.pad(x.T.astype(float), ((0, 0), (1, 0)), constant_values=-1).ravel())
        borders.append(np.tile(cut, x.shape[1]))
    values, borders = np.append(np.concatenate(blocks), -1), np.concatenate(borders)
    before = _last_lower(values)
    after = len(values) - 1 - _last_lower(values[::-1])[::-1]
    inner = np.flatnonzero(values >= 0)
    _, first = np.unique(before[inner] * len(values) + after[inner], return_index=True)
    run = inner[first]
    before, after = before[run], after[run]
    group, low = (values < 0).cumsum()[run] - 1, np.maximum(values[before], values[after])
    return group, low, values[run], borders[[before, after - 1]]


def _last_lower(values: np.ndarray) -> np.ndarray:
    """Return the index of the last lower value before each one that is not negative."""
    last, open_ = np.arange(len(values)) - 1, np.flatnonzero(values >= 0)
    while len(open_):
        open_ = open_[values[last[open_]] >= values[open_]]
        last[open_] = last[last[open_]]  # all between are at least as high
    return last

"""Checks of the exercises on sound event detection."""

import math

import numpy as np

from course_utils import detection
from course_utils.check.answers import (
    NotYetError,
    UnansweredError,
    events_of,
    exercise,
    expect,
    number_of,
    same_events,
)

COLLAR = 0.5  # s
KINDS = ("event-based", "segment-based")


def _matched(reference, events, collar, offsets=True) -> tuple[int, int, int]:
    """Count hits, false alarms and misses; ``offsets`` says whether the ends must be near enough as well."""
    left, hits = list(events.itertuples()), 0
    for true in reference.itertuples():
        allowed = max(collar, (true.offset - true.onset) / 2) + 1e-9
        for found in left:
            near = found.label == true.label and abs(found.onset - true.onset) <= collar + 1e-9
            if near and (not offsets or abs(found.offset - true.offset) <= allowed):
                left.remove(found)
                hits += 1
                break
    return hits, len(events) - hits, len(reference) - hits


def _overlapping(reference, events) -> tuple[int, int, int]:
    """Count a true event as a hit wherever an event of its class overlaps it at all."""
    pairs = [
        (true.Index, found.Index)
        for true in reference.itertuples()
        for found in events.itertuples()
        if true.label == found.label and found.onset < true.offset and true.onset < found.offset
    ]
    hits, used = (len(set(side)) for side in zip(*pairs, strict=True)) if pairs else (0, 0)
    return hits, len(events) - used, len(reference) - hits


def _sets(true: set, found: set) -> tuple[int, int, int]:
    return len(true & found), len(found - true), len(true - found)


def _active(events, least: float = 0.0) -> set:
    """Return (class, second) for each segment of 1 s of which an event covers more than ``least`` s."""
    covered = {}
    for event in events.itertuples():
        for second in range(math.floor(event.onset), math.ceil(event.offset)):
            length = min(event.offset, second + 1) - max(event.onset, second)
            key = event.label, second
            covered[key] = covered.get(key, 0) + length
    return {key for key, length in covered.items() if length > least + 1e-9}


def _triple(answer, kind: str) -> tuple:
    values = tuple(answer) if isinstance(answer, tuple | list | np.ndarray) and np.ndim(answer) else (answer,)
    if any(value is ... for value in values):
        raise UnansweredError("Replace the `...` with your answer and run this cell again.")
    whole = all(isinstance(value, int | np.integer) and not isinstance(value, bool) for value in values)
    expect(whole and len(values) == 3, f"The {kind} counts are three whole numbers: hits, false alarms, misses.")
    expect(min(values) >= 0, f"A count of the {kind} ones is below zero.")
    return tuple(int(value) for value in values)


def _compare(found: tuple, right: tuple, kind: str, unit: str, typical: list) -> None:
    """Say what is wrong with three counts: a typical mistake if it is one, else a sum that does not fit."""
    if found == right:
        return
    hits, false_alarms, misses = found
    expect(
        (hits, misses, false_alarms) != right,
        f"In the {kind} counts, false alarms and misses have changed places. A miss is true and was not reported.",
    )
    for values, what in typical:
        expect(found != values or values == right, what)
    n_found, n_true = right[0] + right[1], right[0] + right[2]
    expect(
        hits + misses == n_true,
        f"Each true {unit} is either a hit or a miss. There are {n_true} of them, but yours add up to {hits + misses}.",
    )
    expect(
        hits + false_alarms == n_found,
        f"Each reported {unit} is either a hit or a false alarm. "
        f"There are {n_found} of them, but yours add up to {hits + false_alarms}.",
    )
    raise NotYetError(f"The sums of your {kind} counts fit, but the number of hits is not {hits}.")


@exercise(
    hint="Go through the plain bars and look for a hatched partner of each; what is left over is a false alarm.",
    why="Hits and misses add up to what is true, hits and false alarms to what was reported.",
    then="Read on: the next cells make an F-score from counts like yours.",
)
def counts(answer, reference, events):
    """Check exercise 4.1: hits, false alarms and misses, counted by hand by event and by segment of 1 s.

    Notebook: 04_sound_event_detection
    """
    expect(isinstance(answer, dict), "The task asks for a dictionary with two entries, event-based and segment-based.")
    missing = [kind for kind in KINDS if kind not in answer]
    expect(not missing, f"The dictionary has no entry named {', '.join(missing)}.")
    reference, events = events_of(reference), events_of(events)

    by_event = _matched(reference, events, COLLAR)
    n, typical = len(events), []
    for values, what in (
        (_matched(reference, events, 0), "This forgets the collar. An onset up to half a second off is still a hit."),
        ((0, n, len(reference)), "Your events must fit exactly. Onset and offset may each be off by half a second."),
        (
            _matched(reference, events, COLLAR, offsets=False),
            "You looked at the onsets only. An event that is stretched too far is no hit.",
        ),
        (
            _overlapping(reference, events),
            "You counted each event that overlaps a true one. Its onset and its offset must be near enough, too.",
        ),
        (
            _sets(set(reference["label"]), set(events["label"])),
            "You counted classes, not events. A second event of the same class counts, too.",
        ),
        (
            (sum(events["label"].isin(reference["label"])), sum(~events["label"].isin(reference["label"])), 0),
            "One true event can be hit only once. A second event of its class, elsewhere, is a false alarm.",
        ),
    ):
        typical.append((values, what))
    _compare(_triple(answer["event-based"], "event-based"), by_event, "event-based", "event", typical)

    true, found = _active(reference), _active(events)
    by_segment = _sets(true, found)
    halves = _sets(_active(reference, 0.5 - 2e-9), _active(events, 0.5 - 2e-9))
    typical = [
        (by_event, "These are the counts of events again. Now go through the seconds, one by one."),
        (
            _sets({second for _, second in true}, {second for _, second in found}),
            "You asked only whether anything sounds. In each second, compare class by class.",
        ),
        (halves, "You left out seconds that a class only touches. However briefly it sounds there, it is active."),
        (
            (by_segment[0], n - by_event[0], by_segment[2]),
            "You counted each false event once. It is charged in every second that it touches.",
        ),
    ]
    _compare(_triple(answer["segment-based"], "segment-based"), by_segment, "segment-based", "entry", typical)

    scores = [2 * tp / (2 * tp + fp + fn) if tp else 0.0 for tp, fp, fn in (by_event, by_segment)]
    return f"Your counts give an F-score of {scores[0]:.2f} by event and {scores[1]:.2f} by segment."


@exercise(
    hint="detection.events_from_scores does what the loop and the joining do. Its last argument is the threshold.",
    why="A higher threshold removes windows, so events get shorter, break in two or vanish, true ones too.",
    then="Which of the four animals is lost first as the threshold rises further?",
)
def strict_events(answer, scores, classes, hop, window):
    """Check exercise 4.2: the events at a threshold of 0.9; ``scores`` of the windows, shape (n_windows, n_classes).

    Notebook: 04_sound_event_detection
    """
    expect(not isinstance(answer, list), "This is a list of segments. Join them into events.")
    found = events_of(answer)

    def at(threshold, step=hop):
        return detection.events_from_scores(scores, classes, step, window, threshold)

    if not same_events(found, at(0.9)):
        expect(not same_events(found, at(0.09)), "This looks like a threshold of 0.09: every window passes.")
        expect(
            not any(same_events(found, at(t)) for t in np.arange(0.3, 0.85, 0.01)),
            "The threshold is still lower than 0.9.",
        )
        expect(not same_events(found, at(0.9, 0.48)), "The hop is 0.5 s here, not YAMNet's own 0.48 s.")
        expect(len(found) == len(at(0.9)), f"You have {len(found)} events. At 0.9 there are {len(at(0.9))}.")
        raise NotYetError("The number of events is right, but their labels or times are not.")


@exercise(
    hint="The length of an event is its offset minus its onset. Keep the rows where it is 1 or more.",
    why="A single window makes an event of 0.96 s. So this keeps only what at least two windows agree on.",
    then="Try a shortest length of 1.5 s, and measure again.",
)
def long_events(answer, events):
    """Check exercise 4.3: those of the ``events`` that last at least one second.

    Notebook: 04_sound_event_detection
    """
    found = events_of(answer)
    length = events["offset"] - events["onset"]
    expect(len(found) <= len(events), f"You have {len(found)} events, which is more than before.")
    if not same_events(found, events[length >= 1]):
        expect(not same_events(found, events), "Nothing was dropped. Did you keep the result?")
        expect(not same_events(found, events[length < 1]), "These are the short ones. Keep the others.")
        expect(not same_events(found, events[events["offset"] >= 1]), "This compares the offset, not the length.")
        expect(not same_events(found, events[events["onset"] >= 1]), "This compares the onset, not the length.")
        n = (length >= 1).sum()
        raise NotYetError(f"You keep {len(found)} events. Of the {len(events)}, {n} last at least one second.")


@exercise(
    hint="Compute the cost of each candidate in a loop, and take the candidate with the lowest.",
    why="The threshold follows from what errors cost, and it was still chosen on validation data.",
    then="Let your threshold hear the metro mixture. Which of its events are left, and is that what you wanted?",
)
def priced_threshold(answer, highest, right):
    """Check exercise 4.5: a threshold whose errors cost least on validation windows, at costs of the learner's choice.

    ``highest`` has the highest score of each window, ``right`` says whether its class is right; both (n_windows,).

    Notebook: 04_sound_event_detection
    """
    names = ("false alarm", "miss", "threshold")
    expect(isinstance(answer, dict), "The task asks for a dictionary: false alarm, miss and threshold.")
    found = ", ".join(map(str, answer)) or "none"
    expect(set(answer) == set(names), f"The entries are false alarm, miss and threshold, not {found}.")
    false_alarm, miss, threshold = (number_of(answer[name], name) for name in names)
    expect(false_alarm > 0 and miss > 0, "Each error costs something: give two costs above zero.")
    expect(false_alarm != miss, "Choose two costs that differ, and think of a use that they fit.")
    expect(
        0 <= threshold < 1, f"The threshold is {threshold:g}. Scores lie between 0 and 1, and so must the threshold."
    )
    highest, right = np.asarray(highest), np.asarray(right, bool)

    def cost(value, of_false_alarm=false_alarm, of_miss=miss):
        passing = highest > value
        return of_false_alarm * (passing & ~right).sum() + of_miss * (~passing).sum()

    candidates = np.arange(0, 1, 0.01)
    lowest = min(map(cost, candidates))
    if cost(threshold) > 1.02 * lowest:
        swapped = [cost(value, miss, false_alarm) for value in candidates]
        expect(
            cost(threshold, miss, false_alarm) > 1.02 * min(swapped),
            "This threshold fits the costs the other way round. Which of the two errors did you price higher?",
        )
        best = candidates[np.argmin([cost(value) for value in candidates])]
        way = "higher" if best > threshold else "lower"
        raise NotYetError(f"Your threshold costs {cost(threshold):g} on fold 4. A {way} one costs less.")
    passing = highest > threshold
    share = f", and {right[passing].mean():.0%} of those are right" if passing.any() else ""
    return f"At your costs, {passing.mean():.0%} of the validation windows pass{share}."

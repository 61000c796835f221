"""Checks of the exercises on sound event detection."""

import numpy as np

from course_utils import detection
from course_utils.check.answers import NotYetError, events_of, exercise, expect, number_of, result_of, same_events


@exercise(
    hint="The formula stands above: twice the hits, divided by twice the hits plus misses plus false alarms.",
    why="The F-score is the harmonic mean of precision and recall; correct rejections do not count at all.",
    then="Let it compute the event-based F-score of this mixture from your own counts of Figure 3.",
)
def f_score(answer):
    """Check exercise 4.1: a function from true positives, false positives and false negatives to the F-score.

    Notebook: 04_sound_event_detection
    """
    cases = [(3, 2, 1), (4, 0, 4), (1, 5, 0), (7, 3, 2)]
    found = np.array([number_of(result_of(answer, *case), "the F-score") for case in cases])
    tp, fp, fn = np.array(cases, float).T
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    for values, what in (
        (precision, "precision: what share of the reports is right"),
        (recall, "recall: what share of the events is found"),
        ((precision + recall) / 2, "the plain mean of precision and recall, not the harmonic one"),
        (tp / (tp + fp + fn), "hits among all that was reported or true; in the F-score, hits count twice"),
    ):
        expect(not np.allclose(found, values), f"This is {what}.")
    right = 2 * tp / (2 * tp + fp + fn)
    expect(not np.allclose(found, 100 * right), "This is in per cent; 1 is a perfect F-score.")
    expect(np.allclose(found, right), f"Three hits, two false alarms and a miss give {found[0]:.3f} by your function.")
    expect(result_of(answer, 0, 2, 3) == 0, "Without any hit it should give 0.")


@exercise(
    hint="detection.events_from_scores does what the loop and the joining do; its last argument is the threshold.",
    why="Raising the threshold removes windows, so events get shorter, break in two or vanish, true ones too.",
    then="Which of the four animals is lost first as the threshold rises?",
)
def strict_events(answer, scores, classes, hop, window):
    """Check exercise 4.2: the events at a threshold of 0.9; ``scores`` of the windows, shape (n_windows, n_classes).

    Notebook: 04_sound_event_detection
    """
    expect(not isinstance(answer, list), "This is a list of segments; join them into events.")
    found = events_of(answer)

    def at(threshold, step=hop):
        return detection.events_from_scores(scores, classes, step, window, threshold)

    if not same_events(found, at(0.9)):
        expect(not same_events(found, at(0.09)), "This is at a threshold of 0.09 or so: every window passes.")
        expect(
            not any(same_events(found, at(t)) for t in np.arange(0.3, 0.85, 0.01)),
            "The threshold is still a lower one.",
        )
        expect(not same_events(found, at(0.9, 0.48)), "The hop is 0.5 s here, not YAMNet's 0.48 s.")
        expect(len(found) == len(at(0.9)), f"There are {len(found)} events; at 0.9 there are {len(at(0.9))}.")
        raise NotYetError("The number of events is right, their labels or times are not.")


@exercise(
    hint="The length of an event is offset minus onset; compare it with 1 and use the result as a mask of the rows.",
    why="A lone window makes an event of 0.96 s, so this keeps what at least two windows agree on.",
    then="Measure the rest with evaluation.sed_metrics. Which true event pays for the false alarms?",
)
def long_events(answer, events):
    """Check exercise 4.3: those of the ``events`` that last at least one second.

    Notebook: 04_sound_event_detection
    """
    found = events_of(answer)
    length = events["offset"] - events["onset"]
    expect(len(found) <= len(events), f"There are {len(found)} events, more than before.")
    if not same_events(found, events[length >= 1]):
        expect(not same_events(found, events), "Nothing was dropped. Did you keep the result?")
        expect(not same_events(found, events[length < 1]), "These are the short ones; keep the others.")
        expect(not same_events(found, events[events["offset"] >= 1]), "This compares the offset, not the length.")
        expect(not same_events(found, events[events["onset"] >= 1]), "This compares the onset, not the length.")
        raise NotYetError(
            f"{len(found)} are left; {(length >= 1).sum()} of the {len(events)} last at least one second."
        )

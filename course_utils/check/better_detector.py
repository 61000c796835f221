"""Checks of the exercises on the better detector."""

import numpy as np

from course_utils import evaluation, events
from course_utils.check.answers import NotYetError, array_or_none, exercise, expect, number_of, result_of

BETTER = {"smooth": 1.0, "shortest": 0.5}  # s, of the better detector
APART = 0.2  # s that settings of one's own differ at least
WANTED = 0.2  # event-based F-score


@exercise(
    hint="Add the misses and the false alarms. Then divide by all true events, the found ones and the missed ones.",
    why="A silent detector misses everything and invents nothing, so its error rate is exactly 1.",
    then="The second detector misses nothing. What is its F-score?",
)
def error_rate(answer):
    """Check exercise 6.1: a function from true positives, false positives and false negatives to the error rate.

    Notebook: 06_better_detector
    """
    cases = [(3, 2, 1), (4, 0, 4), (1, 5, 2), (7, 3, 2)]
    found = np.array([number_of(result_of(answer, *case), "the error rate") for case in cases])
    tp, fp, fn = np.array(cases, float).T
    for values, what in (
        (fn / (tp + fn), "These are only the misses. False alarms are errors, too."),
        (fp / (tp + fn), "These are only the false alarms. Misses are errors, too."),
        ((fp + fn) / (tp + fp), "You divide by the number of reported events. Which number is wanted?"),
        ((fp + fn) / (tp + fp + fn), "You divide by everything that was reported or true. Divide by what is true."),
        (1 - 2 * tp / (2 * tp + fp + fn), "This is 1 minus the F-score. It can't exceed 1, but an error rate can."),
        (fp + fn, "This counts the errors. A rate is a count divided by another one."),
    ):
        expect(not np.allclose(found, values), what)
    right = (fp + fn) / (tp + fn)
    expect(not np.allclose(found, 100 * right), "This is in per cent. As a plain number, silence gives 1.")
    said = f"Your function gives {found[0]:.3f} for three hits, two false alarms and one miss."
    expect(np.allclose(found, right), f"{said} That is three errors and four true events.")
    expect(result_of(answer, 0, 0, 5) == 1, "A detector that is always silent should get exactly 1.")


@exercise(
    hint="Smoothing and the shortest event are in seconds. Begin with 0 for both, count events, change one at a time.",
    why="You chose on fold 4, so fold 5 may still judge.",
    then='Measure your settings on fold 5, once: `add("mine", partial(overlapping, smooth=…, shortest=…), '
    "network_tests, thresholds=…)`. How much of the score is left?",
)
def settings(answer, thresholds, scores, mixtures, classes, hop, window):
    """Check exercise 6.3: thresholds, smooth and shortest of ``events_by_class``, unlike the better detector's.

    ``thresholds`` are those of the better detector; ``scores`` and ``mixtures`` are of fold 4.

    Notebook: 06_better_detector
    """
    expect(isinstance(answer, dict), "Give a dictionary with thresholds, smooth and shortest.")
    wrong = {"thresholds", "smooth", "shortest"} ^ set(answer)
    names = ", ".join(sorted(wrong))
    expect(not wrong, f"The dictionary needs the keys thresholds, smooth and shortest. Missing or unknown: {names}.")
    answer = answer | {name: number_of(answer[name], name) for name in BETTER}
    for name in BETTER:
        expect(answer[name] <= 8, f"{name} is in seconds, and a mixture lasts eight. Is it in ms?")
        expect(answer[name] >= 0, f"{name} is below 0. It is a length in seconds.")
    for name, better in BETTER.items():
        apart = abs(answer[name] - better)
        near = f"{apart:.2g} s away from" if apart else "the same as"
        say = f"{name} is {near} the better detector's {better} s. Move it at least {APART} s, either way."
        expect(apart >= APART - 1e-9, say)
    given = answer["thresholds"]
    largest = array_or_none(list(given.values()) if isinstance(given, dict) else given)
    over = largest is not None and np.any(events.numbers(largest) > 1)
    expect(not over, "A threshold is over 1. Scores lie between 0 and 1.")
    try:
        events.check_scores(np.zeros((0, len(classes))), classes, answer["thresholds"])
    except ValueError as error:
        raise NotYetError(str(error)) from error
    reference = [mixture.reference for mixture in mixtures]

    def measured(chosen):
        found = [events.events_by_class(rows, classes, hop, window, **chosen) for rows in scores]
        row = evaluation.sed_class_metrics(reference, found, classes, 8.0).loc["average"]
        return row["event F-score"], row["segment F-score"], sum(map(len, found))

    score, segment, n_found = measured(answer)
    n_true = sum(map(len, reference))
    state = f"The event-based F-score on fold 4 is {score:.2f}, and {WANTED} is wanted. You report {n_found} events"
    state += f" where {n_true} are true."
    enough = score >= WANTED
    expect(enough or n_found < 1.5 * n_true, f"{state} That is far too many: smooth more, or raise the thresholds.")
    expect(enough or n_found > 0.5 * n_true, f"{state} That is too few: lower the thresholds, or keep shorter events.")
    expect(enough, f"{state} The number is about right, but too few have the right class at the right time.")
    event_better, segment_better, _ = measured({"thresholds": thresholds, **BETTER})
    said = f"On fold 4 your settings reach {score:.2f} event-based and {segment:.2f} segment-based. The better detector"
    return f"{said} reaches {event_better:.2f} and {segment_better:.2f}."

"""Checks of the exercises on the better detector."""

import numpy as np

from course_utils.check.answers import exercise, expect, number_of, numbers_of, result_of


@exercise(
    hint="Add the misses and the false alarms. Then divide by all true events, the found ones and the missed ones.",
    why="A silent detector misses everything and invents nothing, so its error rate is exactly 1.",
    then="A detector finds every event, and invents two for each true one. What is its error rate? Its F-score?",
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
    hint="Pad both ends with `n // 2` values. Then take the median of the `n` scores that begin at each window.",
    why="Each score became the middle one of its neighbours, so what is shorter than half of them is gone.",
    then="How does a mean of the same neighbours treat a score that jumps from 0 to 1? Draw both.",
)
def smoothed_scores(answer):
    """Check exercise 6.2: a function from the scores of a class and an odd number n to their running median.

    Notebook: 06_better_detector
    """
    scores, n = np.array([0.9, 0.1, 0.8, 0.2, 0.3, 0.7, 0.95, 0.6, 0.05, 0.4, 0.5, 0.0]), 5
    rows = _neighbours(scores, n)
    value = np.asarray(result_of(answer, scores, n))
    expect(value.ndim > 0, "This is one number. There should be one median for each window.")
    short = len(value) == len(scores) - n + 1
    expect(not short, f"{len(scores)} scores went in and {len(value)} came out. Pad both ends before you begin.")
    found = numbers_of(value, scores.shape, "the smoothed scores")
    expect(not np.allclose(found, scores), "These are the scores as they were.")
    for values, what in (
        (rows.mean(axis=1), "the mean of the neighbours. A mean blurs the edges; take the median"),
        (rows.max(axis=1), "the highest of the neighbours; take the median"),
        (np.sort(scores), "the scores in another order. Each median belongs to its own window"),
    ):
        expect(not np.allclose(found, values), f"This is {what}.")
    right, half = np.median(rows, axis=1), n // 2
    late = np.allclose(found[2 * half :], right[half:-half])
    early = np.allclose(found[: -2 * half], right[half:-half])
    way = "come before it" if late else "come after it"
    expect(not (late or early), f"Each window is compared with those that {way}. It should stand in the middle.")
    inside = np.allclose(found[half:-half], right[half:-half])
    ends = "Right in the middle, but not at the two ends. Repeat the first and the last score there."
    expect(not inside or np.allclose(found, right), ends)
    i = np.abs(found - right)[half:-half].argmax() + half
    row = rows[i].tolist()
    expect(inside, f"The median of {row} is {right[i]:.3g}, but your function gives {found[i]:.3g} there.")
    other = np.allclose(result_of(answer, scores, 3), np.median(_neighbours(scores, 3), axis=1))
    expect(other, "It works for n = 5, but not for n = 3.")


def _neighbours(scores, n):
    """Return each score among its neighbours, a row of ``n`` each; the ends are repeated."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(scores, n // 2, mode="edge"), n)

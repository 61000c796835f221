"""Checks of the exercises on the better detector."""

import numpy as np

from course_utils import detection, evaluation
from course_utils.check.answers import exercise, expect, number_of


@exercise(
    hint="Smoothing and the shortest event are in seconds. Begin with 0 for both, count events, change one at a time.",
    why="Chosen on fold 4, so fold 5 may still judge it.",
    then="Measure your settings on fold 5 with measure(), once. Is the gain still there?",
)
def settings(answer, scores, mixtures, classes, hop, window):
    """Check exercise 4.4: thresholds, smooth and shortest of ``events_by_class``; ``scores`` and mixtures of fold 4.

    Notebook: 04_sound_event_detection
    """
    expect(isinstance(answer, dict), "A dictionary was asked for: thresholds, smooth and shortest.")
    wrong = {"thresholds", "smooth", "shortest"} ^ set(answer)
    expect(not wrong, f"Thresholds, smooth and shortest were asked for; not so: {', '.join(sorted(wrong))}.")
    expect((answer["smooth"], answer["shortest"]) != (1.0, 0.5), "These are the better detector's lengths.")
    if isinstance(answer["thresholds"], dict):
        answer = {**answer, "thresholds": [answer["thresholds"][c] for c in classes]}
    for name in ("smooth", "shortest"):
        expect(number_of(answer[name], name) <= 8, f"{name} is in seconds, and a mixture lasts eight; is it in ms?")
    highest = np.max(answer["thresholds"])
    expect(highest <= 1, "A threshold is over 1; scores lie between 0 and 1.")
    found = [detection.events_by_class(rows, classes, hop, window, **answer) for rows in scores]
    reference = [mixture.reference for mixture in mixtures]
    n_found, n_true = (sum(map(len, lists)) for lists in (found, reference))
    score = evaluation.sed_class_metrics(reference, found, classes, 8.0).loc["average", "event F-score"]
    state = f"Event-based F-score {score:.2f} on fold 4, 0.2 wanted; {n_found} events reported, {n_true} true."
    expect(score >= 0.2 or n_found < 1.5 * n_true, f"{state} Far too many: smooth more, or raise the thresholds.")
    expect(score >= 0.2 or n_found > 0.5 * n_true, f"{state} Too few: lower the thresholds, or keep shorter events.")
    expect(score >= 0.2, f"{state} About the right number, but too few with the right class at the right time.")
    return f"Event-based F-score {score:.2f} on fold 4."

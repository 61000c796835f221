"""Checks of the exercises on YAMNet."""

import numpy as np

from course_utils.check.answers import (
    NotYetError,
    array_or_none,
    exercise,
    expect,
    names_of,
    number_of,
    numbers_of,
    result_of,
)


@exercise(
    hint="Let argmax run along the classes, axis 1. It gives one position per window; look up the name of each.",
    why="You have one decision per window, so the rows also say when, in steps of 0.48 s.",
    then="Print the start of each window beside its name. When does speech give way to whistling?",
)
def window_tops(answer, scores, class_names):
    """Check exercise 2.1: the name of the highest class of each window; ``scores``, shape (n_windows, 521).

    Notebook: 02_yamnet
    """
    scores = np.asarray(scores)
    array = array_or_none(answer)
    expect(
        array is None or array.size != scores.shape[1],
        "There are 521 of them, one for each class: the maximum was taken over the windows.",
    )
    names = names_of(answer, class_names, len(scores))

    def elsewhere(names):
        return [i for i, name in enumerate(names) if scores[i, class_names.index(name)] < scores[i].max()]

    wrong = elsewhere(names)
    reverse = "These are the right names, but in reverse: the first window comes first."
    expect(not wrong or elsewhere(names[::-1]), reverse)
    found = "1 window has" if len(wrong) == 1 else f"{len(wrong)} windows have"
    expect(not wrong, f"{found} another highest class, first the one from {0.48 * min(wrong, default=0):.2f} s.")


FORMULAS = {  # typical ones that are wrong, as numbers of windows by the length s in seconds, and what is said of them
    "You forgot the first window. The formula counts the windows that begin after it: add 1.": (
        lambda s: np.ceil((s - 0.96) / 0.48),
        lambda s: np.ceil((s - 0.975) / 0.48),
        lambda s: np.ceil(s / 0.48) - 2,
    ),
    "You forgot the first window, and what is left at the end counts as a whole window: add 1 and round up.": (
        lambda s: np.floor((s - 0.96) / 0.48),
        lambda s: (s - 0.96) / 0.48,
    ),
    "This drops what is left at the end; YAMNet pads it with zeros to a whole window.": (
        lambda s: 1 + np.floor((s - 0.96) / 0.48),
        lambda s: 1 + np.floor((s - 0.975) / 0.48),
    ),
    "This gives parts of windows; YAMNet pads the last one to a whole window: round up.": (
        lambda s: 1 + (s - 0.96) / 0.48,
        lambda s: 1 + (s - 0.975) / 0.48,
    ),
    "One too many: a start in the last 0.48 s needs no window, since the one before reaches the end.": (
        lambda s: np.ceil(s / 0.48),
        lambda s: 1 + np.floor(s / 0.48),
    ),
    "One too many where the length is a whole number of steps: a clip of 0.96 s has 1 window, not 2.": (
        lambda s: np.floor(s / 0.48),
    ),
    "Windows overlap: a new one every 0.48 s.": (
        lambda s: np.ceil(s / 0.96),
        lambda s: np.floor(s / 0.96),
        lambda s: s / 0.96,
    ),
}


@exercise(
    hint="The first window covers 0.96 s. Count how many steps of 0.48 s are needed to cover what is left, round up, "
    "and add the first window.",
    why="The first window counts as one, however short the clip, and so does every further step, or part of a step.",
    then="How many rows of scores does one hour make, and how many megabytes are they, at 4 bytes per score?",
)
def n_windows(answer):
    """Check exercise 2.3: a function from the length of a clip in seconds to the number of YAMNet's windows.

    Notebook: 02_yamnet
    """
    # Whole numbers of steps tell rounding up from a forgotten window; the others are far from where 0.96 s and the
    # 0.975 s that YAMNet reads would differ.
    lengths = np.array([0.3, 0.96, 1.0, 1.92, 2.0, 5.0, 7.3, 61.0])
    found = np.array([number_of(result_of(answer, s), "the number of windows") for s in lengths.tolist()])
    right = 1 + np.ceil(np.maximum(lengths - 0.96, 0) / 0.48)
    for message, formulas in FORMULAS.items():
        for formula in formulas:
            counts = formula(lengths[1:])
            same = np.allclose(found[1:], counts) or np.allclose(found[1:], np.maximum(counts, 1))
            expect(not same, message)
    expect(
        found[0] == 1 or (found != right)[1:].any(),
        f"A clip of 0.3 s gives {found[0]:g}; the shortest clip is padded to one window.",
    )
    for seconds, mine, wanted in zip(lengths, found, right, strict=True):
        expect(
            mine == wanted, f"A clip of {seconds:g} s gives {mine:g} windows by your function; YAMNet makes {wanted:g}."
        )


@exercise(
    hint="Call yamnet with the waveform times 0.01, take the first of its three outputs, make it an array with "
    ".numpy(), and average it along axis 0.",
    why="So the level is part of what YAMNet hears. It adds 0.001 to each band before it takes the logarithm, and what "
    "is far below that is lost.",
    then="At which gain does the top class change? Try 0.5, 0.1 and 0.03.",
)
def quiet_scores(answer, yamnet, waveform):
    """Check exercise 2.4: mean scores, shape (521,), of the ``waveform`` at a hundredth of its amplitude.

    Notebook: 02_yamnet
    """
    array = array_or_none(answer)
    if array is not None and array.ndim == 2:
        raise NotYetError(f"The shape is {array.shape}: scores of windows; average over axis 0 first.")
    answer = numbers_of(answer, (521,), "the mean scores")

    def window_scores(gain):
        return np.asarray(yamnet(np.float32(gain) * waveform)[0])

    def same(scores, tolerance=1e-4):
        return np.allclose(answer, scores, atol=tolerance)

    changed = "waveform itself has been turned down: load the clip again, and multiply it in the call only."
    expect(np.abs(waveform).max() > 0.02, changed)
    quiet = window_scores(0.01)
    if same(quiet.mean(axis=0)):
        return
    loud = window_scores(1).mean(axis=0)
    expect(not same(loud), "These are the scores at full level.")
    expect(not same(loud / 100, 1e-6), "The scores were turned down, not the sound.")
    expect(not same(quiet.max(axis=0)), "This is the maximum over the windows; the mean was asked for.")
    for gain in (0.1, 0.5, 0.001):
        expect(not same(window_scores(gain).mean(axis=0)), f"The gain was {gain:g}; 0.01 was asked for.")
    raise NotYetError("These are not the mean scores of the clip at a hundredth of its amplitude.")


@exercise(
    hint="The centre of window i lies at 0.48 * i + 0.48 s. For each event, keep the rows whose centre lies between "
    "onset and offset, average them, and look up the highest class.",
    why="The scores of the right windows give each event an answer of its own.",
    then="Do the names fit the labels in the table? Where they don't, could you defend them?",
)
def event_tops(answer, scores, truth, class_names):
    """Check exercise 2.5: the name of the highest class in each true event; ``scores`` of the scene, (n_windows, 521).

    Whether windows were averaged or their maximum was taken is said where the names tell.

    Notebook: 02_yamnet
    """
    scores, starts = np.asarray(scores), 0.48 * np.arange(len(scores))
    names = names_of(answer, class_names, len(truth))
    whole = class_names[scores.mean(axis=0).argmax()]
    repeated = f"All are {whole}, which is the highest class of the whole scene. Take the windows of each event."
    expect(set(names) != {whole}, repeated)
    by_mean = by_maximum = True
    for name, event in zip(names, truth.itertuples(), strict=True):
        centre = (starts + 0.48 >= event.onset) & (starts + 0.48 <= event.offset)
        inside = (starts >= event.onset) & (starts + 0.96 <= event.offset)
        touching = (starts < event.offset) & (starts + 0.96 > event.onset)
        starting = (starts >= event.onset) & (starts < event.offset)
        sliced = (starts >= 0.48 * int(event.onset / 0.48)) & (starts < 0.48 * int(event.offset / 0.48))
        chosen = [scores[rows] for rows in (centre, inside, touching, starting, sliced) if rows.any()]
        mean = name in {class_names[windows.mean(axis=0).argmax()] for windows in chosen}
        maximum = name in {class_names[windows.max(axis=0).argmax()] for windows in chosen}
        where = f"from {event.onset:g} to {event.offset:g} s, by any usual choice of windows"
        expect(mean or maximum, f"{name} is not the highest class {where}.")
        by_mean, by_maximum = by_mean and mean, by_maximum and maximum
    if by_mean and by_maximum:
        return "Here the mean and the maximum can both give these names."
    if by_mean or by_maximum:
        return f"These are the names that the {'mean' if by_mean else 'maximum'} gives."
    return None

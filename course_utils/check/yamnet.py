"""Checks of the exercises on YAMNet."""

import numpy as np

from course_utils.check.answers import NotYetError, exercise, expect, names_of, number_of, numbers_of, result_of


@exercise(
    hint="argmax takes an axis. Axis 0 runs over the windows, axis 1 over the classes.",
    why="One decision a window: the rows say when, in steps of 0.48 s.",
    then="Print the start of each window beside its name. When does speech give way to whistling?",
)
def window_tops(answer, scores, class_names):
    """Check exercise 2.1: the name of the highest class of each window; ``scores``, shape (n_windows, 521).

    Notebook: 02_yamnet
    """
    scores = np.asarray(scores)
    n = np.size(answer)
    expect(n != scores.shape[1], "There are 521 of them, one for each class: the maximum was taken over the windows.")
    names = names_of(answer, class_names, len(scores))
    wrong = [i for i, name in enumerate(names) if scores[i, class_names.index(name)] < scores[i].max()]
    first = 0.48 * min(wrong, default=0)
    expect(not wrong, f"{len(wrong)} windows have another highest class, first the one from {first:.2f} s.")


@exercise(
    hint="One window, and one more for every 0.48 s, or part of it, that does not fit into the first 0.96 s.",
    why="The last window is padded, so parts count as whole (rounding up), and the shortest clip fills one.",
    then="How many rows of scores does one hour make, and how many megabytes are they, at 4 bytes a score?",
)
def n_windows(answer):
    """Check exercise 2.3: a function from the length of a clip in seconds to the number of YAMNet's windows.

    Notebook: 02_yamnet
    """
    lengths = (0.3, 1.0, 2.0, 5.0, 7.3, 61.0)  # far from where 0.96 s and the 0.975 s that YAMNet reads would differ
    found = np.array([number_of(result_of(answer, s), "the number of windows") for s in lengths])
    steps = (np.array(lengths) - 0.96) / 0.48
    right = 1 + np.ceil(np.maximum(steps, 0))
    expect(not np.array_equal(found, np.ceil(np.array(lengths) / 0.96)), "Windows overlap: a new one every 0.48 s.")
    no_length = np.ceil(np.array(lengths) / 0.48)
    expect(
        not np.array_equal(found, no_length),
        "One too many: a start in the last 0.48 s needs no window, since the one before reaches the end.",
    )
    down = np.array_equal(found[1:], 1 + np.floor(steps[1:]))
    expect(not down, "This drops what is left at the end; YAMNet pads it with zeros to a whole window.")
    expect(found[0] == 1, f"A clip of 0.3 s gives {found[0]:g}; the shortest clip is padded to one window.")
    wrong = np.flatnonzero(found != right)
    where = wrong[0] if len(wrong) else 0
    expect(not len(wrong), f"{lengths[where]:g} s give {found[where]:g} windows by your function; YAMNet differs.")


@exercise(
    hint="Multiply the waveform, call yamnet again, take the first of the three outputs, make it an array (.numpy()), "
    "and average over the windows.",
    why="The level is part of what YAMNet hears: it takes log(mel + 0.001), so what is far below 0.001 is flattened.",
    then="At which gain does the top class change? Try 0.5, 0.1, 0.03.",
)
def quiet_scores(answer, yamnet, waveform):
    """Check exercise 2.2: mean scores, shape (521,), of the ``waveform`` at a hundredth of its amplitude.

    Notebook: 02_yamnet
    """
    expect(np.ndim(answer) != 2, f"The shape is {np.shape(answer)}: scores of windows; average over axis 0 first.")
    answer = numbers_of(answer, (521,), "the mean scores")

    def mean_scores(gain):
        return np.asarray(yamnet(np.float32(gain) * waveform)[0]).mean(axis=0)

    changed = "waveform itself has been turned down: load the clip again, and multiply it in the call only."
    expect(np.abs(waveform).max() > 0.02, changed)
    loud = mean_scores(1)
    expect(not np.allclose(answer, loud, atol=1e-4), "These are the scores at full level.")
    expect(not np.allclose(answer, loud / 100, atol=1e-6), "The scores were turned down, not the sound.")
    if not np.allclose(answer, mean_scores(0.01), atol=1e-4):
        for gain in (0.1, 0.5, 0.001):
            expect(not np.allclose(answer, mean_scores(gain), atol=1e-4), f"The gain was {gain:g}; 0.01 was asked for.")
        raise NotYetError("These are not the mean scores of the clip at a hundredth of its amplitude.")


@exercise(
    hint="The centre of window i lies at 0.48 * i + 0.48 s. Take the rows whose centre lies between onset and offset.",
    why="Averaging over the right windows turns window scores into an answer for each event.",
    then="Which of the names differ from the label in the table, and could you defend them?",
)
def event_tops(answer, scores, truth, class_names):
    """Check exercise 2.4: the name of the highest class in each true event; ``scores`` of the scene, (n_windows, 521).

    Notebook: 02_yamnet
    """
    scores, starts = np.asarray(scores), 0.48 * np.arange(len(scores))
    names = names_of(answer, class_names, len(truth))
    whole = class_names[scores.mean(axis=0).argmax()]
    expect(
        set(names) != {whole}, f"Four times {whole}: the highest of the whole scene. Take the windows of each event."
    )
    for name, event in zip(names, truth.itertuples(), strict=True):
        centre = (starts + 0.48 >= event.onset) & (starts + 0.48 <= event.offset)
        inside = (starts >= event.onset) & (starts + 0.96 <= event.offset)
        touching = (starts < event.offset) & (starts + 0.96 > event.onset)
        starting = (starts >= event.onset) & (starts < event.offset)
        sliced = (starts >= 0.48 * int(event.onset / 0.48)) & (starts < 0.48 * int(event.offset / 0.48))
        chosen = [rows for rows in (centre, inside, touching, starting, sliced) if rows.any()]
        right = {class_names[pool(scores[rows], axis=0).argmax()] for rows in chosen for pool in (np.mean, np.max)}
        where = f"from {event.onset:g} to {event.offset:g} s, by any usual choice of windows"
        expect(name in right, f"{name} is not the highest class {where}.")

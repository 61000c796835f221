"""Checks of the exercises: what is wrong with an answer, and a hint; or why it is right, and what to try next.

A check takes the answer and what the notebook has computed before, so that it works with any assets. It never raises
and never shows the solution. What it returns is displayed by the notebook, and is true if the answer is right.
"""

import functools
import html
import re

import numpy as np

from course_utils import audio, datasets, detection, evaluation

EMBEDDINGS = ((2048,), (1024,), (384,))  # of CNN14, YAMNet and EfficientAT mn04


class Verdict:
    """What a check says: ``passed``, ``message`` and, below it, ``further`` (a hint, or what to try next)."""

    def __init__(self, passed: bool, message: str, further: str):
        self.passed, self.message, self.further = passed, message, further
        self.head, self.label = ("✓ Right.", "Next:") if passed else ("✗ Not yet.", "Hint:")

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{self.head} {self.message}\n{self.label} {self.further}"

    def _repr_html_(self) -> str:
        style = f"border-left: 4px {'solid #0072b2' if self.passed else 'dashed #d55e00'}; padding: 0.2em 0.8em"
        message, further = html.escape(self.message), html.escape(self.further)
        first = f"<b>{self.head}</b> {message}"
        return f'<div role="status" style="{style}">{first}<br><i>{self.label}</i> {further}</div>'


class Figures:
    """Figures of a lesson beside the ranges in which they should lie; displayed as a table by the notebook.

    Attributes
    ----------
    rows : list of (str, float, float, float)
        What it is, the figure, and the range.
    """

    def __init__(self, rows):
        self.rows = [(what, float(figure), low, high) for what, figure, low, high in rows]

    @property
    def figures(self) -> dict[str, float]:
        """The figures, by what they are."""
        return {what: figure for what, figure, *_ in self.rows}

    @property
    def passed(self) -> bool:
        """Whether all of them lie in their ranges."""
        return all(low <= figure <= high for _, figure, low, high in self.rows)

    def _lines(self) -> list[tuple[str, ...]]:
        marks = [("✓" if low <= figure <= high else "✗ look again") for _, figure, low, high in self.rows]
        texts = [(what, *(f"{n:g}" if n % 1 == 0 else f"{n:.3f}" for n in numbers)) for what, *numbers in self.rows]
        return [("what", "yours", "from", "to", ""), *((*text, mark) for text, mark in zip(texts, marks, strict=True))]

    def __repr__(self) -> str:
        return "\n".join("  ".join(line) for line in self._lines())

    def _repr_html_(self) -> str:
        head, *body = (
            [re.sub(r"\*(.+?)\*", r"<i>\1</i>", html.escape(text)) for text in line] for line in self._lines()
        )
        rows = ["".join(f'<td style="text-align: left">{text}</td>' for text in line) for line in body]
        top = "".join(f'<th scope="col" style="text-align: left">{text}</th>' for text in head)
        return f"<table><thead><tr>{top}</tr></thead><tbody><tr>{'</tr><tr>'.join(rows)}</tr></tbody></table>"


def expected(*rows: tuple) -> Figures:
    """Compare figures of a lesson with the ranges in which they should lie, whichever networks answered.

    Parameters
    ----------
    *rows : tuple of (str, float, float, float)
        What it is, the figure, and the lowest and the highest value that it should have.

    Returns
    -------
    Figures
        Displayed as a table; ``passed`` says whether all of them lie in their ranges.

    Raises
    ------
    TypeError, ValueError
        If a row is no such tuple.
    """
    return Figures(rows)


class _NotYetError(Exception):
    """What is wrong with an answer."""


class _UnansweredError(Exception):
    """There is no answer yet."""


def _expect(condition, message: str) -> None:
    if not condition:
        raise _NotYetError(message)


def _exercise(hint: str, why: str, then: str):
    """Make a check of a function that raises ``_NotYetError`` for a wrong answer; it may say more of a right one."""

    def decorate(function):
        @functools.wraps(function)
        def check(answer=..., *data) -> Verdict:
            try:
                parts = (
                    answer.values() if isinstance(answer, dict) else answer if isinstance(answer, tuple | list) else ()
                )
                if answer is None or answer is ... or any(part is ... for part in parts):
                    raise _UnansweredError("Put your answer in the place of the three dots.")
                said = function(answer, *data)
            except _UnansweredError as nothing:
                return Verdict(False, str(nothing), "Try it first; a small one stands below the task.")
            except _NotYetError as wrong:
                return Verdict(False, str(wrong), hint)
            except Exception as error:
                what = f"The check cannot make sense of this answer, of type {type(answer).__name__} ({error})."
                return Verdict(False, f"{what} Have the cells above been run, and is it what was asked for?", hint)
            return Verdict(True, f"{said} {why}" if said else why, then)

        return check

    return decorate


def _call(function, *args):
    """Return what an answer that is a function gives, or say that it fails."""
    _expect(callable(function), "A function was asked for.")
    try:
        value = function(*args)
    except Exception as error:
        raise _NotYetError(f"Called with {args}, your function raises {type(error).__name__}: {error}.") from error
    if value is None or value is ...:
        raise _UnansweredError("The function does not return a number yet.")
    return value


def _numbers(answer, shape: tuple, what: str) -> np.ndarray:
    """Return an answer as an array of the wanted shape."""
    _expect(not isinstance(answer, tuple), f"This is a tuple of {len(answer)} things; take the one that holds {what}.")
    array = np.asarray(answer)
    _expect(array.dtype.kind in "biuf", f"Numbers were asked for, {what}; this is of type {type(answer).__name__}.")
    found = array.shape
    _expect(found == shape, f"The shape is {found}; {what} have the shape {shape}.")
    return array


def _number(answer, what: str) -> float:
    """Return an answer as one number."""
    array = np.asarray(answer)
    _expect(array.dtype.kind in "biuf" and array.size == 1, f"One number was asked for: {what}.")
    return float(array.item())


def _names(answer, known, n: int) -> list[str]:
    """Return an answer as a list of ``n`` names, all of them known."""
    _expect(np.ndim(answer) < 2, "This holds more than the names; take the names alone, in one list.")
    _expect(not isinstance(answer, str), f"This is one name, {answer!r}; {n} were asked for.")
    names = np.asarray(answer).ravel().tolist()
    numbers = any(isinstance(name, int | float) for name in names)
    whole = all(float(name).is_integer() for name in names) if numbers else False
    _expect(not numbers or not whole, "These are indices of classes; look up their names.")
    _expect(not numbers, "These are scores; the names of their classes were asked for.")
    _expect(len(names) == n, f"There are {len(names)} names; {n} were asked for.")
    unknown = [name for name in names if name not in known]
    _expect(not unknown, f"{unknown[:1]} is not the name of a class; capitals count.")
    return names


def _events(answer):
    """Return an answer as a table of events, in order."""
    _expect(hasattr(answer, "columns"), "A table of events was asked for, with the columns label, onset and offset.")
    missing = {"label", "onset", "offset"} - set(answer.columns)
    _expect(not missing, f"The table lacks the column {', '.join(sorted(missing))}.")
    return answer[["label", "onset", "offset"]].sort_values(["onset", "label"], ignore_index=True)


def _same(events, others) -> bool:
    """Return whether two tables hold the same events, to a millisecond."""
    others = _events(others)
    times = ["onset", "offset"]
    return events["label"].tolist() == others["label"].tolist() and np.allclose(events[times], others[times], atol=1e-3)


def _active(events, label: str, times) -> np.ndarray:
    """Return at which times a class is active."""
    chosen = events[events["label"] == label]
    return np.any([(times >= e.onset) & (times < e.offset) for e in chosen.itertuples()], axis=0)


# --- Notebook 1 ---


@_exercise(
    hint="np.argsort puts the lowest first; turn its result round, cut it, and use it as an index of the names.",
    why="Sorting the scores and looking up the names is all there is to reading a tagger.",
    then="Which of the ten could a listener defend? Where would you stop reading?",
)
def top_tags(answer, scores):
    """Check exercise 1.1: the names of the ten highest tags; ``scores`` of the clip, shape (1, 527).

    Notebook: 01_audio_tagging
    """
    scores = dict(zip(datasets.audioset_labels()["display_name"], np.ravel(scores), strict=True))
    values = np.array([scores[name] for name in _names(answer, scores, 10)])
    ordered = np.sort(list(scores.values()))
    _expect(not np.allclose(np.sort(values), ordered[:10]), "These are the ten lowest; the highest were asked for.")
    _expect(np.allclose(np.sort(values), ordered[-10:]), "Not all of these are among the ten highest tags of the clip.")
    _expect(np.allclose(values, ordered[:-11:-1]), "The right ten, but not in order: the highest comes first.")


@_exercise(
    hint="audio.load takes the rate as its second argument; the tagger is not told any rate, and wants one clip more "
    "than a waveform: an axis in front.",
    why="The tagger sees half as many samples and takes them for 32 000 a second: half as long, an octave higher. "
    "Nothing warned you, since an array does not know its rate.",
    then="Compare the five highest with those of before. What became of Speech?",
)
def wrong_rate(answer, tagger, path):
    """Check exercise 1.2: the ``tagger``'s scores, shape (1, 527), of the clip in the file ``path`` read at 16 kHz.

    Notebook: 01_audio_tagging
    """
    _expect(not isinstance(answer, tuple), "inference returns two things, scores and embedding; take the first.")
    shape = np.shape(answer)
    embedding = "This is the embedding, the second thing that inference returns; take the first."
    _expect(shape[-1:] not in EMBEDDINGS, embedding)
    _expect(len(shape) < 2 or shape[0] == 1, "There are several rows: one clip has one row of 527 scores.")
    answer = np.asarray(answer)[0] if shape == (1, 527) else _numbers(answer, (527,), "the scores")

    def heard(rate):
        return np.allclose(answer, tagger.inference(audio.load(path, rate)[np.newaxis])[0], atol=1e-3)

    if not heard(16000):
        _expect(not heard(32000), "Same scores as before: this clip was loaded at 32 000 Hz.")
        _expect(not heard(64000), "This is an octave down: the clip was loaded at 64 000 Hz, and lasts twice as long.")
        raise _NotYetError("These are not the scores of the clip loaded at 16 000 Hz.")


@_exercise(
    hint="Take the column of Whistling, compare it with half of its maximum, and find the first True (np.argmax). "
    "There are 100 frames a second.",
    why="A threshold and the first frame over it: that is an onset. Half of the maximum is a rule of thumb that adapts "
    "to a class which never scores high.",
    then="Compare with Figure 1: is the detector early or late? Do the same for the end of the speech.",
)
def whistle_onset(answer, frame_scores):
    """Check exercise 1.3: the onset of Whistling in seconds; ``frame_scores`` of the clip, shape (n_frames, 527).

    Notebook: 01_audio_tagging
    """
    answer, names = _number(answer, "a time in seconds"), datasets.audioset_labels()["display_name"].tolist()
    column, other = (np.asarray(frame_scores)[:, names.index(name)] for name in ("Whistling", "Whistle"))
    first = np.argmax(column > column.max() / 2)
    right = abs(answer - first / 100) < 0.015
    _expect(right or answer != first, "This is the number of the frame. Seconds were asked for, at 100 frames each.")
    _expect(
        right or abs(answer - column.argmax() / 100) > 0.015, "This is where Whistling is highest, not where it begins."
    )
    if (column > 0.5).any():
        fixed = np.argmax(column > 0.5) / 100
        _expect(right or abs(answer - fixed) > 0.015, "This is where it passes 0.5; take half of its own maximum.")
    same = np.argmax(other > other.max() / 2) / 100
    _expect(right or abs(answer - same) > 0.015, "This is the onset of Whistle, another class than Whistling.")
    _expect(right, f"Whistling does not pass half of its maximum for the first time at {answer:g} s.")


@_exercise(
    hint="Look at Figure 5, or plot a column of scene_scores against its threshold. Change one class at a time.",
    why="All three classes agree with the truth in enough frames. You chose on the scene that you then measured: good "
    "for learning, but no proof; notebook 4 chooses on other recordings.",
    then="Find one threshold that serves all three. Is there one?",
)
def thresholds(answer, frame_scores, truth):
    """Check exercise 1.4: a threshold for each class, by name; ``frame_scores`` of the scene, shape (n_frames, 527).

    Notebook: 01_audio_tagging
    """
    names, frames = datasets.audioset_labels()["display_name"].tolist(), np.asarray(frame_scores)
    _expect(isinstance(answer, dict), "A dictionary was asked for, with a threshold for each of the three names.")
    for name in sorted(set(truth["label"])):
        _expect(name in answer, f"There is no threshold for {name}; capitals count.")
        threshold = _number(answer[name], f"the threshold of {name}")
        _expect(
            threshold <= 1, f"The threshold of {name} is over 1: scores lie between 0 and 1, not between 0 and 100."
        )
        _expect(threshold >= 0, f"The threshold of {name} is below 0, so all frames pass.")
        found, true = frames[:, names.index(name)] > threshold, _active(truth, name, np.arange(len(frames)) / 100)
        hits, misses, false = (found & true).sum(), (~found & true).sum(), (found & ~true).sum()
        what = f"{misses / 100:.1f} s are missed" if misses > false else f"{false / 100:.1f} s are false alarms"
        way = "high" if misses > false else "low"
        f_score = 2 * hits / (2 * hits + misses + false)
        _expect(f_score >= 0.6, f"{name}: F-score {f_score:.2f} of the frames, 0.6 wanted. Too {way}: {what}.")


# --- Notebook 2 ---


@_exercise(
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
    _expect(n != scores.shape[1], "There are 521 of them, one for each class: the maximum was taken over the windows.")
    names = _names(answer, class_names, len(scores))
    wrong = [i for i, name in enumerate(names) if scores[i, class_names.index(name)] < scores[i].max()]
    first = 0.48 * min(wrong, default=0)
    _expect(not wrong, f"{len(wrong)} windows have another highest class, first the one from {first:.2f} s.")


@_exercise(
    hint="One window, and one more for every 0.48 s, or part of it, that does not fit into the first 0.96 s.",
    why="The last window is padded, so parts count as whole (rounding up), and the shortest clip fills one.",
    then="How many rows of scores does one hour make, and how many megabytes are they, at 4 bytes a score?",
)
def n_windows(answer):
    """Check exercise 2.3: a function from the length of a clip in seconds to the number of YAMNet's windows.

    Notebook: 02_yamnet
    """
    lengths = (0.3, 1.0, 2.0, 5.0, 7.3, 61.0)  # far from where 0.96 s and the 0.975 s that YAMNet reads would differ
    found = np.array([_number(_call(answer, s), "the number of windows") for s in lengths])
    steps = (np.array(lengths) - 0.96) / 0.48
    right = 1 + np.ceil(np.maximum(steps, 0))
    _expect(not np.array_equal(found, np.ceil(np.array(lengths) / 0.96)), "Windows overlap: a new one every 0.48 s.")
    no_length = np.ceil(np.array(lengths) / 0.48)
    _expect(
        not np.array_equal(found, no_length),
        "One too many: a start in the last 0.48 s needs no window, since the one before reaches the end.",
    )
    down = np.array_equal(found[1:], 1 + np.floor(steps[1:]))
    _expect(not down, "This drops what is left at the end; YAMNet pads it with zeros to a whole window.")
    _expect(found[0] == 1, f"A clip of 0.3 s gives {found[0]:g}; the shortest clip is padded to one window.")
    wrong = np.flatnonzero(found != right)
    where = wrong[0] if len(wrong) else 0
    _expect(not len(wrong), f"{lengths[where]:g} s give {found[where]:g} windows by your function; YAMNet differs.")


@_exercise(
    hint="Multiply the waveform, call yamnet again, take the first of the three outputs, make it an array (.numpy()), "
    "and average over the windows.",
    why="The level is part of what YAMNet hears: it takes log(mel + 0.001), so what is far below 0.001 is flattened.",
    then="At which gain does the top class change? Try 0.5, 0.1, 0.03.",
)
def quiet_scores(answer, yamnet, waveform):
    """Check exercise 2.2: mean scores, shape (521,), of the ``waveform`` at a hundredth of its amplitude.

    Notebook: 02_yamnet
    """
    _expect(np.ndim(answer) != 2, f"The shape is {np.shape(answer)}: scores of windows; average over axis 0 first.")
    answer = _numbers(answer, (521,), "the mean scores")

    def mean_scores(gain):
        return np.asarray(yamnet(np.float32(gain) * waveform)[0]).mean(axis=0)

    changed = "waveform itself has been turned down: load the clip again, and multiply it in the call only."
    _expect(np.abs(waveform).max() > 0.02, changed)
    loud = mean_scores(1)
    _expect(not np.allclose(answer, loud, atol=1e-4), "These are the scores at full level.")
    _expect(not np.allclose(answer, loud / 100, atol=1e-6), "The scores were turned down, not the sound.")
    if not np.allclose(answer, mean_scores(0.01), atol=1e-4):
        for gain in (0.1, 0.5, 0.001):
            _expect(
                not np.allclose(answer, mean_scores(gain), atol=1e-4), f"The gain was {gain:g}; 0.01 was asked for."
            )
        raise _NotYetError("These are not the mean scores of the clip at a hundredth of its amplitude.")


@_exercise(
    hint="The centre of window i lies at 0.48 * i + 0.48 s. Take the rows whose centre lies between onset and offset.",
    why="Averaging over the right windows turns window scores into an answer for each event.",
    then="Which of the names differ from the label in the table, and could you defend them?",
)
def event_tops(answer, scores, truth, class_names):
    """Check exercise 2.4: the name of the highest class in each true event; ``scores`` of the scene, (n_windows, 521).

    Notebook: 02_yamnet
    """
    scores, starts = np.asarray(scores), 0.48 * np.arange(len(scores))
    names = _names(answer, class_names, len(truth))
    whole = class_names[scores.mean(axis=0).argmax()]
    _expect(
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
        _expect(name in right, f"{name} is not the highest class {where}.")


# --- Notebook 3 ---


@_exercise(
    hint="argmax over the animals gives an index for each clip; compare with y; the mean of True and False is a share.",
    why="A share of all 400 clips, so each clip weighs a quarter of a point instead of 1.25.",
    then="Do the same with by_mean. Is the order of the two rules the same on all folds?",
)
def zero_shot_accuracy(answer, animal_scores, y, test):
    """Check exercise 3.1: the zero-shot clip accuracy over all folds; ``animal_scores`` of all clips, (n_clips, 10).

    Notebook: 03_transfer_learning
    """
    _expect(
        np.size(answer) != len(y),
        "This is a value for each clip; the accuracy is the share of clips whose index equals y.",
    )
    answer, right = _number(answer, "the accuracy"), np.argmax(animal_scores, axis=1) == y
    accuracy = right.mean()
    _expect(abs(answer - right.sum()) > 0.5, "This is the number of right clips; the accuracy is their share.")
    _expect(answer <= 1, "An accuracy lies between 0 and 1; is this in per cent?")
    same = abs(right[test].mean() - accuracy) < 1e-3
    _expect(same or abs(answer - right[test].mean()) > 1e-3, "This is the accuracy on fold 5; take all 400 clips.")
    _expect(abs(answer - (1 - accuracy)) > 1e-3, "This is the share of wrong answers.")
    _expect(
        abs(answer - accuracy) < 1e-3,
        f"{answer:.3f} is not the share of all clips whose highest animal in animal_scores is right.",
    )


def _clip_accuracy(network, x, y, n_windows: int = 10) -> tuple[float, float]:
    """Return frame and clip accuracy of a network, whose outputs are averaged over the windows of a clip."""
    outputs = np.asarray(network.predict(x, verbose=0))
    of_clips = outputs.reshape(-1, n_windows, outputs.shape[1]).mean(axis=1).argmax(axis=1)
    return (outputs.argmax(axis=1) == y).mean(), (of_clips == np.reshape(y, (-1, n_windows))[:, 0]).mean()


def _network(answer):
    """Check that an answer is a network with ten outputs for an embedding."""
    _expect(hasattr(answer, "count_params"), "A Keras network was asked for (not what fit returns, its history).")
    _expect(answer.built, "The network has no weights yet: give it an Input, or train it.")
    _expect(answer.output_shape[-1] == 10, f"The network has {answer.output_shape[-1]} outputs; there are ten animals.")


@_exercise(
    hint="Sequential takes Input((1024,)) and one Dense layer. Compile and fit it as above.",
    why="10 × 1024 weights and 10 biases: one weighted sum of the embedding for each animal.",
    then="How sure are you that the hidden layer helps? The second half of the notebook measures it.",
)
def linear(answer, x_valid, y_valid):
    """Check exercise 3.2: a trained Keras network without hidden layer; of fold 4, embeddings and classes of windows.

    Notebook: 03_transfer_learning
    """
    _network(answer)
    n = answer.count_params()
    _expect(n < 500_000, f"It has {n:,} parameters: the hidden layer is still there.")
    _expect(n != 10_240, "It has 10,240 parameters: the ten biases are missing.")
    _expect(
        n == 10_250, f"It has {n:,} parameters; a linear layer from 1024 to 10, with biases, has a different number."
    )
    sums = np.sum(answer.predict(x_valid[:50], verbose=0), axis=1)
    _expect(not np.allclose(sums, 1, atol=1e-3), "Each row adds up to 1: a softmax; logits were asked for.")
    frame, _ = _clip_accuracy(answer, x_valid, y_valid)
    _expect(frame > 0.5, f"Frame accuracy {frame:.2f} on fold 4: it has hardly been trained, or on other labels.")


@_exercise(
    hint="argmax over the classes gives a vote for each window; count the votes of each clip (np.bincount) and "
    "take the class with the most.",
    why="Votes ignore how sure a window is; the mean of the logits does not. That is all the difference.",
    then="Is its clip accuracy higher or lower than that of the mean? By how many clips?",
)
def votes(answer, logits, y):
    """Check exercise 3.3: the class of each clip by majority of its windows; ``logits``, (n_clips, n_windows, 10).

    Notebook: 03_transfer_learning
    """
    logits = np.asarray(logits)
    of_windows = logits.argmax(axis=2)
    _expect(
        np.size(answer) != of_windows.size, "There is an answer for each window; the windows of a clip vote for one."
    )
    answer = _numbers(answer, (len(logits),), "the classes of the clips")
    _expect(np.issubdtype(answer.dtype, np.integer) or np.all(answer == answer.astype(int)), "Indices were asked for.")
    counts = np.stack([np.bincount(row, minlength=10) for row in of_windows])
    _expect(not np.array_equal(answer, counts.max(axis=1)), "These are the numbers of votes; which class has them?")
    _expect(answer.min() >= 0 and answer.max() < 10, "There are indices outside 0 to 9.")
    right = counts[np.arange(len(answer)), answer.astype(int)] == counts.max(axis=1)
    if not right.all():
        _expect(not np.array_equal(answer, y), "These are the true classes.")
        same = np.array_equal(answer, logits.mean(axis=1).argmax(axis=1))
        _expect(not same, "These are the classes by mean logit; let each window vote for one class.")
        raise _NotYetError(f"{(~right).sum()} clips do not have the class with the most votes.")


@_exercise(
    hint="Write frame_accuracies once more with 5 instead of 1 in KNeighborsClassifier, and average over the folds.",
    why="Honestly split, five neighbours know more than one. Shuffled, most of the five are of other clips, so they "
    "remember less than the nearest one, and leak less.",
    then="Try 50. Does the gap close?",
)
def neighbours_leak(answer, honest, leaked):
    """Check exercise 3.4: frame accuracies of five neighbours, honest and leaked; before, those of one neighbour.

    Notebook: 03_transfer_learning
    """
    _expect(np.shape(answer) == (2,), "Two accuracies were asked for: honest, leaked.")
    first, second = (float(value) for value in answer)
    _expect(max(first, second) <= 1, "An accuracy lies between 0 and 1; are these in per cent?")
    old = np.allclose([first, second], [honest, leaked], atol=1e-4)
    _expect(not old, "These are the accuracies of one neighbour (or have honest and leaked been set anew?).")
    _expect(first < second, "The second is not higher. Honest comes first: were they swapped, or is one split in both?")
    _expect(first > 0.4, f"{first:.3f} is too low: are the windows and their classes in the same order?")
    _expect(
        second - first < leaked - honest,
        "These two do not fit: are both of five neighbours, with the cosine, and is the honest split by fold?",
    )


@_exercise(
    hint="Each unit of a hidden layer costs 1025 weights before it and 10 after it. Stop by fold 4, not by a fixed "
    "number of epochs; with few units, training takes more of them.",
    why="Far fewer than the head's 529,930 parameters do: the embeddings have done the work.",
    then="How small can it get? And is it as good on fold 5, which you may look at once?",
)
def small_network(answer, x_valid, y_valid):
    """Check exercise 3.5: a network of at most 10,000 parameters that gets 90 % of the clips of fold 4 right.

    Notebook: 03_transfer_learning
    """
    _network(answer)
    n = answer.count_params()
    _expect(n <= 10_000, f"It has {n:,} parameters; at most 10,000 were asked for.")
    frame, clip = _clip_accuracy(answer, x_valid, y_valid)
    _expect(clip > 0.3, f"Clip accuracy {clip:.2f} on fold 4: it has hardly been trained.")
    low = f"Clip accuracy {clip:.3f} on fold 4; 0.9 was asked for. (By frame: {frame:.3f}.)"
    _expect(clip >= 0.9, f"{low} Is it too narrow, or stopped too early?")


# --- Notebook 4 ---


@_exercise(
    hint="detection.events_from_scores does what the loop and the joining do; its last argument is the threshold.",
    why="Raising the threshold removes windows, so events get shorter, break in two or vanish, true ones too.",
    then="Which of the four animals is lost first as the threshold rises?",
)
def strict_events(answer, scores, classes, hop, window):
    """Check exercise 4.2: the events at a threshold of 0.9; ``scores`` of the windows, shape (n_windows, n_classes).

    Notebook: 04_sound_event_detection
    """
    _expect(not isinstance(answer, list), "This is a list of segments; join them into events.")
    found = _events(answer)

    def at(threshold, step=hop):
        return detection.events_from_scores(scores, classes, step, window, threshold)

    if not _same(found, at(0.9)):
        _expect(not _same(found, at(0.09)), "This is at a threshold of 0.09 or so: every window passes.")
        _expect(not any(_same(found, at(t)) for t in np.arange(0.3, 0.85, 0.01)), "The threshold is still a lower one.")
        _expect(not _same(found, at(0.9, 0.48)), "The hop is 0.5 s here, not YAMNet's 0.48 s.")
        _expect(len(found) == len(at(0.9)), f"There are {len(found)} events; at 0.9 there are {len(at(0.9))}.")
        raise _NotYetError("The number of events is right, their labels or times are not.")


@_exercise(
    hint="The formula stands above: twice the hits, divided by twice the hits plus misses plus false alarms.",
    why="The F-score is the harmonic mean of precision and recall; correct rejections do not count at all.",
    then="Let it compute the event-based F-score of this mixture from your own counts of Figure 3.",
)
def f_score(answer):
    """Check exercise 4.1: a function from true positives, false positives and false negatives to the F-score.

    Notebook: 04_sound_event_detection
    """
    cases = [(3, 2, 1), (4, 0, 4), (1, 5, 0), (7, 3, 2)]
    found = np.array([_number(_call(answer, *case), "the F-score") for case in cases])
    tp, fp, fn = np.array(cases, float).T
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    for values, what in (
        (precision, "precision: what share of the reports is right"),
        (recall, "recall: what share of the events is found"),
        ((precision + recall) / 2, "the plain mean of precision and recall, not the harmonic one"),
        (tp / (tp + fp + fn), "hits among all that was reported or true; in the F-score, hits count twice"),
    ):
        _expect(not np.allclose(found, values), f"This is {what}.")
    right = 2 * tp / (2 * tp + fp + fn)
    _expect(not np.allclose(found, 100 * right), "This is in per cent; 1 is a perfect F-score.")
    _expect(np.allclose(found, right), f"Three hits, two false alarms and a miss give {found[0]:.3f} by your function.")
    _expect(_call(answer, 0, 2, 3) == 0, "Without any hit it should give 0.")


@_exercise(
    hint="The length of an event is offset minus onset; compare it with 1 and use the result as a mask of the rows.",
    why="A lone window makes an event of 0.96 s, so this keeps what at least two windows agree on.",
    then="Measure the rest with evaluation.sed_metrics. Which true event pays for the false alarms?",
)
def long_events(answer, events):
    """Check exercise 4.3: those of the ``events`` that last at least one second.

    Notebook: 04_sound_event_detection
    """
    found = _events(answer)
    length = events["offset"] - events["onset"]
    _expect(len(found) <= len(events), f"There are {len(found)} events, more than before.")
    if not _same(found, events[length >= 1]):
        _expect(not _same(found, events), "Nothing was dropped. Did you keep the result?")
        _expect(not _same(found, events[length < 1]), "These are the short ones; keep the others.")
        _expect(not _same(found, events[events["offset"] >= 1]), "This compares the offset, not the length.")
        _expect(not _same(found, events[events["onset"] >= 1]), "This compares the onset, not the length.")
        raise _NotYetError(
            f"{len(found)} are left; {(length >= 1).sum()} of the {len(events)} last at least one second."
        )


@_exercise(
    hint="Smoothing and the shortest event are in seconds. Begin with 0 for both, count events, change one at a time.",
    why="Chosen on fold 4, so fold 5 may still judge it.",
    then="Measure your settings on fold 5 with measure(), once. Is the gain still there?",
)
def settings(answer, scores, mixtures, classes, hop, window):
    """Check exercise 4.4: thresholds, smooth and shortest of ``events_by_class``; ``scores`` and mixtures of fold 4.

    Notebook: 04_sound_event_detection
    """
    _expect(isinstance(answer, dict), "A dictionary was asked for: thresholds, smooth and shortest.")
    wrong = {"thresholds", "smooth", "shortest"} ^ set(answer)
    _expect(not wrong, f"Thresholds, smooth and shortest were asked for; not so: {', '.join(sorted(wrong))}.")
    _expect((answer["smooth"], answer["shortest"]) != (1.0, 0.5), "These are the better detector's lengths.")
    if isinstance(answer["thresholds"], dict):
        answer = {**answer, "thresholds": [answer["thresholds"][c] for c in classes]}
    for name in ("smooth", "shortest"):
        _expect(_number(answer[name], name) <= 8, f"{name} is in seconds, and a mixture lasts eight; is it in ms?")
    highest = np.max(answer["thresholds"])
    _expect(highest <= 1, "A threshold is over 1; scores lie between 0 and 1.")
    found = [detection.events_by_class(rows, classes, hop, window, **answer) for rows in scores]
    reference = [mixture.reference for mixture in mixtures]
    n_found, n_true = (sum(map(len, lists)) for lists in (found, reference))
    score = evaluation.sed_class_metrics(reference, found, classes, 8.0).loc["average", "event F-score"]
    state = f"Event-based F-score {score:.2f} on fold 4, 0.2 wanted; {n_found} events reported, {n_true} true."
    _expect(score >= 0.2 or n_found < 1.5 * n_true, f"{state} Far too many: smooth more, or raise the thresholds.")
    _expect(score >= 0.2 or n_found > 0.5 * n_true, f"{state} Too few: lower the thresholds, or keep shorter events.")
    _expect(score >= 0.2, f"{state} About the right number, but too few with the right class at the right time.")
    return f"Event-based F-score {score:.2f} on fold 4."


# --- Notebook 5 ---


@_exercise(
    hint="Comparing an array with a number gives True and False for each of its elements.",
    why="Several classes may be there at once, so several may be 1; some patches have none at all.",
    then="Train a student on it: does it find more of the five than that of the hard targets?",
)
def mild_targets(answer, scores):
    """Check exercise 5.1: 1 for every class that the teacher scored over 0.5; ``scores``, shape (n_patches, 521).

    Notebook: 05_distillation
    """
    scores = np.asarray(scores)
    answer = _numbers(answer, scores.shape, "the targets").astype(float)
    _expect(np.isin(answer, (0, 1)).all(), "There are values between 0 and 1: a hard target is 0 or 1.")
    winner = np.eye(scores.shape[1])[scores.argmax(axis=1)]
    _expect(not np.array_equal(answer, winner), "This keeps the winner only, as before.")
    _expect(not np.array_equal(answer, scores <= 0.5), "This is the other way round: 1 where the score is low.")
    wanted = scores > 0.5
    _expect(np.array_equal(answer, wanted), f"{answer.sum():.0f} targets are 1; {wanted.sum()} scores are over 0.5.")


@_exercise(
    hint="The logit of a score p is log(p / (1 - p)); keep p away from 0 and 1 by a small number such as 1e-6.",
    why="A small score becomes about its square root: classes that are hardly there gain weight in the loss.",
    then="Train on it and undo it with tf.sigmoid(2 * logits). What becomes of the cosine?",
)
def softened(answer, scores):
    """Check exercise 5.2: the sigmoid of half the logit of each score; ``scores``, shape (n_patches, 521).

    Notebook: 05_distillation
    """
    scores = np.asarray(scores, float)
    answer = _numbers(answer, scores.shape, "the softened scores")
    _expect(np.isfinite(answer).all(), "Some values are not finite: keep the scores away from 0 and 1.")
    _expect(answer.min() >= 0 and answer.max() <= 1, "Some values lie outside [0, 1]: logits; take their sigmoid.")
    _expect(
        not np.allclose(answer.sum(axis=1), 1, atol=1e-3), "Each row adds up to 1: this is a softmax, not a sigmoid."
    )
    _expect(not np.allclose(answer, scores / 2, atol=1e-3), "The scores were halved, not their logits.")
    clear = (scores > 1e-3) & (scores < 1 - 1e-3)  # elsewhere the small number decides
    odds = np.sqrt(scores[clear] / (1 - scores[clear]))
    sharper = odds**4 / (1 + odds**4)
    _expect(not np.allclose(answer[clear], sharper, atol=1e-2), "This is sharper than before: divide the logits by 2.")
    right = np.allclose(answer[clear], odds / (1 + odds), atol=1e-2)
    _expect(right, "These are not the sigmoids of half the logits: 0.2 should become 0.33, and 0.8 should become 0.67.")


@_exercise(
    hint="The energy of both trainings, in joules (1 kWh is 3.6e6 J), divided by the joules that one clip saves.",
    why="It flatters: the teacher's listening and the trials before are not in it. (YAMNet's own training is spent "
    "either way.)",
    then="How long would a student have to listen, day and night, to hear as many clips of five seconds?",
)
def break_even(answer, figures):
    """Check exercise 5.3: after how many clips the energy of the training is saved; ``figures`` of the model card.

    Notebook: 05_distillation
    """
    answer, joules, training = _number(answer, "how many clips"), figures["joules"], figures["training"]
    both, saved = training["kwh"] + training["before"]["kwh"], joules["yamnet"] - joules["mini"]

    def close(value):
        return abs(answer - value) <= 0.05 * abs(value)  # the printed figures are rounded

    _expect(not close(both / saved), "The kWh were divided by joules: turn them into joules first.")
    _expect(
        not close(3600 * both / saved), "These are watt-hours taken for kilowatt-hours: a factor of 1000 is missing."
    )
    _expect(not close(3.6e6 * training["kwh"] / saved), "This counts one of the two trainings only.")
    _expect(
        not close(3.6e6 * both / joules["mini"]), "A clip saves the difference of the two models, not what one takes."
    )
    _expect(not close(3.6e6 * both / joules["yamnet"]), "The student is not free: take off what it needs itself.")
    _expect(close(3.6e6 * both / saved), f"{answer:,.0f} clips do not follow from the figures of the model card.")


@_exercise(
    hint="Dense(1024, activation='relu') at the end, tf.keras.losses.CosineSimilarity() as the loss, the teacher's "
    "embeddings of the training patches as targets.",
    why="It answers closer to the teacher than a constant does, on patches that it was not trained on.",
    then="Does a linear classifier on its output tell the ten animals apart? Compare with the table above.",
)
def student_embeddings(answer, teacher, test):
    """Check exercise 5.4: a student's embeddings of all patches; those of the ``teacher``, shape (n_patches, 1024).

    Notebook: 05_distillation
    """
    teacher = np.asarray(teacher)
    _expect(
        np.shape(answer) != (len(teacher), 521), "These are 521 scores for each patch; embeddings have 1024 values."
    )
    answer = _numbers(answer, teacher.shape, "the embeddings of all patches")
    _expect(not np.allclose(answer, teacher), "These are the teacher's own embeddings.")
    _expect(np.abs(answer).sum(axis=1).min() > 0, "Some embeddings are all zero; has the student been trained?")

    def cosine(found):
        length = np.linalg.norm(found[test], axis=1) * np.linalg.norm(teacher[test], axis=1)
        return ((found[test] * teacher[test]).sum(axis=1) / length).mean()

    constant = cosine(np.tile(teacher[~np.asarray(test)].mean(axis=0), (len(teacher), 1)))
    _expect(answer.std(axis=0).max() > 1e-6, "All patches have the same embedding.")
    reached = f"Cosine {cosine(answer):.3f} to the teacher on fold 5; always the mean gets {constant:.3f}"
    _expect(cosine(answer) > constant, f"{reached}. Train on the teacher's embeddings, for long enough.")

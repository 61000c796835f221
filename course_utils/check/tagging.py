"""Checks of the exercises on audio tagging."""

import numpy as np

from course_utils import audio, datasets
from course_utils.check.answers import (
    NotYetError,
    active_at,
    array_or_none,
    exercise,
    expect,
    names_of,
    number_of,
    numbers_of,
)

EMBEDDINGS = ((2048,), (1024,), (384,))  # of CNN14, YAMNet and EfficientAT mn04


@exercise(
    hint="Reverse what np.argsort returns, keep the first ten positions, and look up the name of each.",
    why="You sorted the scores and looked up the names, and that is all there is to reading a tagger.",
    then="Which of the ten could a listener defend? Where would you stop reading?",
)
def top_tags(answer, scores):
    """Check exercise 1.1: the names of the ten highest tags; ``scores`` of the clip, shape (1, 527).

    Notebook: 01_audio_tagging
    """
    scores = dict(zip(datasets.audioset_labels()["display_name"], np.ravel(scores), strict=True))
    names = names_of(answer, scores, 10)
    often = max(names, key=names.count)
    expect(
        len(set(names)) == 10, f"{often} stands here {names.count(often)} times; ten different names were asked for."
    )
    values, ordered = np.array([scores[name] for name in names]), np.sort(list(scores.values()))
    lowest = values.max() <= ordered[9] < ordered[-10]
    expect(not lowest, "These are the ten lowest; the highest were asked for.")
    others = [name for name, value in zip(names, values, strict=True) if value < ordered[-10]]
    among = f"{len(others)} of these {'is' if len(others) == 1 else 'are'} not among the ten highest tags of the clip"
    expect(not others, f"{among}, for instance {others[0] if others else ''}.")
    turned = np.array_equal(values, ordered[-10:])
    expect(not turned, "These are the right ten, but the lowest comes first: turn the list round.")
    ranked = np.array_equal(values, ordered[:-11:-1])
    expect(ranked, "These are the right ten, but not in order: the highest comes first.")


@exercise(
    hint="Load the file once more at the wrong rate, put an axis in front of the result, and call the tagger. It "
    "returns two arrays, and the scores are the first.",
    why="The tagger gets half as many samples and takes them for 32 000 per second, so it hears a clip that is half as "
    "long and an octave higher. Nothing warned you, because an array doesn't know its rate.",
    then="Compare the five highest tags with those of before. What became of Speech?",
)
def wrong_rate(answer, tagger, path):
    """Check exercise 1.2: the ``tagger``'s scores, shape (1, 527), of the clip in the file ``path`` read at 16 kHz.

    Notebook: 01_audio_tagging
    """
    expect(not isinstance(answer, tuple), "The tagger returns two things, scores and embedding; take the first.")
    array = array_or_none(answer)
    shape = () if array is None else array.shape
    embedding = "This is the embedding, the second thing that the tagger returns; take the first."
    expect(shape[-1:] not in EMBEDDINGS, embedding)
    expect(len(shape) < 2 or shape[0] == 1, "There are several rows: one clip has one row of 527 scores.")
    answer = numbers_of(array[0] if shape == (1, 527) else answer, (527,), "the scores")

    def heard(rate):
        return np.allclose(answer, tagger.inference(audio.load(path, rate)[np.newaxis])[0], atol=1e-3)

    if not heard(16000):
        expect(not heard(32000), "Same scores as before: this clip was loaded at 32 000 Hz.")
        expect(not heard(64000), "This is an octave down: the clip was loaded at 64 000 Hz, and lasts twice as long.")
        raise NotYetError("These are not the scores of the clip loaded at 16 000 Hz.")


@exercise(
    hint="Take the column of Whistling, compare it with half of its maximum, and find the first True. That is the "
    "number of a frame, and FRAME_HOP seconds pass from one frame to the next.",
    why="The first frame over a threshold: that is an onset. Half of the maximum is a rule of thumb that also suits a "
    "class whose scores never get high.",
    then="Compare with Figure 1: is the detector early or late? Do the same for the end of the speech.",
)
def whistle_onset(answer, frame_scores):
    """Check exercise 1.3: the onset of Whistling in seconds; ``frame_scores`` of the clip, shape (n_frames, 527).

    Notebook: 01_audio_tagging
    """
    answer, names = number_of(answer, "a time in seconds"), datasets.audioset_labels()["display_name"].tolist()
    column, other = (np.asarray(frame_scores)[:, names.index(name)] for name in ("Whistling", "Whistle"))
    over = np.flatnonzero(column > column.max() / 2)
    if abs(answer - over[0] / 100) < 0.015:
        return

    def expect_not(seconds, message):
        expect(abs(answer - seconds) > 0.015, message)

    expect(answer != over[0], "This is the number of the frame. Seconds were asked for, at 100 frames each.")
    expect(abs(answer - 10 * over[0]) > 15, "This is in milliseconds; seconds were asked for.")
    expect_not(column.argmax() / 100, "This is where Whistling is highest, not where it begins.")
    expect_not(over[-1] / 100, "This is where Whistling ends: the last frame over half of the maximum, not the first.")
    if (column > 0.5).any():
        expect_not(np.argmax(column > 0.5) / 100, "This is where it passes 0.5; take half of its own maximum.")
    same = np.argmax(other > other.max() / 2) / 100
    expect_not(same, "This is the onset of Whistle, another class than Whistling.")
    raise NotYetError(f"Whistling does not pass half of its maximum for the first time at {answer:g} s.")


@exercise(
    hint="Begin with 0.5 for all three. The message names a class that fails, and says whether its threshold is too "
    "high or too low. Change that one, and run the check again.",
    why="With your thresholds, all three classes agree with the truth in enough frames. You chose them on the scene on "
    "which you then measured: good for learning, but no proof. Lesson 4 chooses on other recordings.",
    then="How high can the threshold of Siren get before the check fails?",
)
def thresholds(answer, frame_scores, truth):
    """Check exercise 1.5: a threshold for each class, by name; ``frame_scores`` of the scene, shape (n_frames, 527).

    Notebook: 01_audio_tagging
    """
    names, frames = datasets.audioset_labels()["display_name"].tolist(), np.asarray(frame_scores)
    expect(isinstance(answer, dict), "A dictionary was asked for, with a threshold for each of the three names.")
    for name in sorted(set(truth["label"])):
        expect(name in answer, f"There is no threshold for {name}; capitals count.")
        threshold = number_of(answer[name], f"the threshold of {name}")
        expect(threshold <= 1, f"The threshold of {name} is over 1: scores lie between 0 and 1, not between 0 and 100.")
        expect(threshold >= 0, f"The threshold of {name} is below 0, so all frames pass.")
        found, true = frames[:, names.index(name)] > threshold, active_at(truth, name, np.arange(len(frames)) / 100)
        hits, misses, false = (found & true).sum(), (~found & true).sum(), (found & ~true).sum()
        what = f"{misses / 100:.1f} s are missed" if misses > false else f"{false / 100:.1f} s are false alarms"
        way = "high" if misses > false else "low"
        f_score = 2 * hits / (2 * hits + misses + false)
        expect(f_score >= 0.6, f"{name}: F-score {f_score:.2f} of the frames, 0.6 wanted. Too {way}: {what}.")

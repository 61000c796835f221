"""Checks of the exercises on transfer learning."""

import numpy as np

from course_utils import datasets
from course_utils.check.answers import (
    array_or_none,
    clip_accuracy,
    exercise,
    expect,
    network_with_ten_outputs,
    number_of,
)


@exercise(
    hint="`argmax` over the animals gives one index per clip. Compare these with `y`; the mean of True and False "
    "is a share.",
    why="This is a share of all 400 clips, so a single clip moves it by a quarter of a point instead of 1.25.",
    then="Do the same with `by_mean`. By how much does the choice of the rule matter over all folds?",
)
def zero_shot_accuracy(answer, animal_scores, y, test):
    """Check exercise 3.1: the zero-shot clip accuracy over all folds; ``animal_scores`` of all clips, (n_clips, 10).

    Notebook: 03_transfer_learning
    """
    array = array_or_none(answer)
    expect(
        array is None or array.size != len(y),
        "This has one value per clip. The accuracy is the share of clips whose index equals `y`.",
    )
    answer, right = number_of(answer, "the accuracy"), np.argmax(animal_scores, axis=1) == y
    accuracy = right.mean()
    expect(abs(answer - right.sum()) > 0.5, "This is how many clips are right. The accuracy is their share.")
    expect(answer <= 1, "An accuracy lies between 0 and 1. Is yours a percentage?")
    same = abs(right[test].mean() - accuracy) < 1e-3
    expect(same or abs(answer - right[test].mean()) > 1e-3, "This is the accuracy on fold 5. Take all 400 clips.")
    expect(abs(answer - (1 - accuracy)) > 1e-3, "This is the share of wrong answers.")
    expect(
        abs(answer - accuracy) < 1e-3,
        f"{answer:.3f} is not the share of all clips whose highest animal in animal_scores is right.",
    )


@exercise(
    hint="Copy `new_network` without its hidden layer, and compile the rest as before. Then call `fit`, with `linear` "
    "in place of `classifier`.",
    why="It has 10 × 1024 weights and 10 biases: one weighted sum of the embedding for each animal.",
    then="How many clips of fold 4 does each of the two networks get right? Lesson 5 asks whether that is luck.",
)
def linear(answer, x_valid, y_valid):
    """Check exercise 3.2: a trained Keras network without hidden layer; of fold 4, embeddings and classes of windows.

    Notebook: 03_transfer_learning
    """
    network_with_ten_outputs(answer)
    n = answer.count_params()
    expect(n < 500_000, f"It has {n:,} parameters: the hidden layer is still there.")
    expect(n != 10_240, "It has 10,240 parameters: the ten biases are missing.")
    expect(
        n == 10_250, f"It has {n:,} parameters. A linear layer from 1024 to 10, with biases, has a different number."
    )
    sums = np.sum(answer.predict(x_valid[:50], verbose=0), axis=1)
    expect(not np.allclose(sums, 1, atol=1e-3), "Each row adds up to 1: a softmax. The task asks for logits.")
    frame, _ = clip_accuracy(answer, x_valid, y_valid)
    expect(frame > 0.5, f"Frame accuracy {frame:.2f} on fold 4: it has hardly been trained, or on wrong labels.")


@exercise(
    hint="Look for a label whose mean score is high for one sound and low for the other three. Put it into the row "
    "of that sound.",
    why="But labelled clips have chosen your labels, so it isn't zero-shot any more: it is training, by hand.",
    then="Measure your map on fold 5, once. Is the trained network still ahead?",
)
def better_map(answer, other_map, clip_scores, y, chosen):
    """Check exercise 3.4: a label map by which the mean of the labels gets 70 % of some clips right.

    ``other_map`` is the lesson's; ``clip_scores``, (n_clips, 521), and ``y`` are of all clips; ``chosen`` ones count.

    Notebook: 03_transfer_learning
    """
    asked = "The task asks for a label map, a dict from each of the four sounds to its labels."
    expect(isinstance(answer, dict) and answer, asked)
    missing = [name for name in other_map if name not in answer]
    expect(
        not missing,
        f"The {'rows' if len(missing) > 1 else 'row'} {', '.join(missing)} "
        f"{'are' if len(missing) > 1 else 'is'} missing.",
    )
    index = datasets.audioset_labels().query("yamnet_index >= 0").set_index("display_name")["yamnet_index"]
    means = []
    for name in other_map:
        labels = answer[name]
        expect(not isinstance(labels, str), f"The row {name} is one string. Put its labels into a list or a tuple.")
        listed = isinstance(labels, list | tuple | set | np.ndarray) or hasattr(labels, "to_list")
        expect(listed, f"The row {name} is no list. Put its labels into a list or a tuple.")
        unknown = [label for label in labels if not isinstance(label, str) or label not in index]
        expect(
            not unknown,
            f"YAMNet has no label {' or '.join(map(repr, unknown))}. Check the spelling.",
        )
        expect(len(labels), f"The row {name} has no label.")
        means.append(np.mean(clip_scores[:, index[list(labels)]], axis=1))
    same = all(set(answer[name]) == set(labels) for name, labels in other_map.items())
    expect(not same, "This is the map of the lesson. Change at least one row.")
    share = np.mean((np.argmax(means, axis=0) == y)[chosen])
    expect(share >= 0.7, f"{share:.3f} of the clips of folds 1 to 4 are right. The task asks for 0.7.")
    return f"{share:.3f} of the clips of folds 1 to 4 are right."

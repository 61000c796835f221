"""Checks of the exercises on transfer learning."""

import numpy as np

from course_utils.check.answers import (
    NotYetError,
    clip_accuracy,
    exercise,
    expect,
    network_with_ten_outputs,
    number_of,
    numbers_of,
)


@exercise(
    hint="argmax over the animals gives an index for each clip; compare with y; the mean of True and False is a share.",
    why="A share of all 400 clips, so each clip weighs a quarter of a point instead of 1.25.",
    then="Do the same with by_mean. Is the order of the two rules the same on all folds?",
)
def zero_shot_accuracy(answer, animal_scores, y, test):
    """Check exercise 3.1: the zero-shot clip accuracy over all folds; ``animal_scores`` of all clips, (n_clips, 10).

    Notebook: 03_transfer_learning
    """
    expect(
        np.size(answer) != len(y),
        "This is a value for each clip; the accuracy is the share of clips whose index equals y.",
    )
    answer, right = number_of(answer, "the accuracy"), np.argmax(animal_scores, axis=1) == y
    accuracy = right.mean()
    expect(abs(answer - right.sum()) > 0.5, "This is the number of right clips; the accuracy is their share.")
    expect(answer <= 1, "An accuracy lies between 0 and 1; is this in per cent?")
    same = abs(right[test].mean() - accuracy) < 1e-3
    expect(same or abs(answer - right[test].mean()) > 1e-3, "This is the accuracy on fold 5; take all 400 clips.")
    expect(abs(answer - (1 - accuracy)) > 1e-3, "This is the share of wrong answers.")
    expect(
        abs(answer - accuracy) < 1e-3,
        f"{answer:.3f} is not the share of all clips whose highest animal in animal_scores is right.",
    )


@exercise(
    hint="Sequential takes Input((1024,)) and one Dense layer. Compile and fit it as above.",
    why="10 × 1024 weights and 10 biases: one weighted sum of the embedding for each animal.",
    then="How sure are you that the hidden layer helps? The second half of the notebook measures it.",
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
        n == 10_250, f"It has {n:,} parameters; a linear layer from 1024 to 10, with biases, has a different number."
    )
    sums = np.sum(answer.predict(x_valid[:50], verbose=0), axis=1)
    expect(not np.allclose(sums, 1, atol=1e-3), "Each row adds up to 1: a softmax; logits were asked for.")
    frame, _ = clip_accuracy(answer, x_valid, y_valid)
    expect(frame > 0.5, f"Frame accuracy {frame:.2f} on fold 4: it has hardly been trained, or on other labels.")


@exercise(
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
    expect(
        np.size(answer) != of_windows.size, "There is an answer for each window; the windows of a clip vote for one."
    )
    answer = numbers_of(answer, (len(logits),), "the classes of the clips")
    expect(np.issubdtype(answer.dtype, np.integer) or np.all(answer == answer.astype(int)), "Indices were asked for.")
    counts = np.stack([np.bincount(row, minlength=10) for row in of_windows])
    expect(not np.array_equal(answer, counts.max(axis=1)), "These are the numbers of votes; which class has them?")
    expect(answer.min() >= 0 and answer.max() < 10, "There are indices outside 0 to 9.")
    right = counts[np.arange(len(answer)), answer.astype(int)] == counts.max(axis=1)
    if not right.all():
        expect(not np.array_equal(answer, y), "These are the true classes.")
        same = np.array_equal(answer, logits.mean(axis=1).argmax(axis=1))
        expect(not same, "These are the classes by mean logit; let each window vote for one class.")
        raise NotYetError(f"{(~right).sum()} clips do not have the class with the most votes.")

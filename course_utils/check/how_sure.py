"""Checks of the exercises on how sure a figure is."""

import numpy as np

from course_utils.check.answers import clip_accuracy, exercise, expect, network_with_ten_outputs


@exercise(
    hint="Write frame_accuracies once more with 5 instead of 1 in KNeighborsClassifier, and average over the folds.",
    why="Honestly split, five neighbours know more than one. Shuffled, most of the five are of other clips, so they "
    "remember less than the nearest one, and leak less.",
    then="Try 50. Does the gap close?",
)
def neighbours_leak(answer, honest, leaked):
    """Check exercise 3.4: frame accuracies of five neighbours, honest and leaked; before, those of one neighbour.

    Notebook: 03_transfer_learning
    """
    expect(np.shape(answer) == (2,), "Two accuracies were asked for: honest, leaked.")
    first, second = (float(value) for value in answer)
    expect(max(first, second) <= 1, "An accuracy lies between 0 and 1; are these in per cent?")
    old = np.allclose([first, second], [honest, leaked], atol=1e-4)
    expect(not old, "These are the accuracies of one neighbour (or have honest and leaked been set anew?).")
    expect(first < second, "The second is not higher. Honest comes first: were they swapped, or is one split in both?")
    expect(first > 0.4, f"{first:.3f} is too low: are the windows and their classes in the same order?")
    expect(
        second - first < leaked - honest,
        "These two do not fit: are both of five neighbours, with the cosine, and is the honest split by fold?",
    )


@exercise(
    hint="Each unit of a hidden layer costs 1025 weights before it and 10 after it. Stop by fold 4, not by a fixed "
    "number of epochs; with few units, training takes more of them.",
    why="Far fewer than the head's 529,930 parameters do: the embeddings have done the work.",
    then="How small can it get? And is it as good on fold 5, which you may look at once?",
)
def small_network(answer, x_valid, y_valid):
    """Check exercise 3.5: a network of at most 10,000 parameters that gets 90 % of the clips of fold 4 right.

    Notebook: 03_transfer_learning
    """
    network_with_ten_outputs(answer)
    n = answer.count_params()
    expect(n <= 10_000, f"It has {n:,} parameters; at most 10,000 were asked for.")
    frame, clip = clip_accuracy(answer, x_valid, y_valid)
    expect(clip > 0.3, f"Clip accuracy {clip:.2f} on fold 4: it has hardly been trained.")
    low = f"Clip accuracy {clip:.3f} on fold 4; 0.9 was asked for. (By frame: {frame:.3f}.)"
    expect(clip >= 0.9, f"{low} Is it too narrow, or stopped too early?")

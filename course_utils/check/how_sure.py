"""Checks of the exercises on how sure a figure is."""

import numpy as np

from course_utils import evaluation
from course_utils.check.answers import clip_accuracy, exercise, expect, network_with_ten_outputs


@exercise(
    hint="Both counts grow by a factor of ten: the frogs that were recognised, and the frogs that were tested.",
    why="Ten times as many clips make the interval about a third as wide: the width goes with one over the square "
    "root of the number of clips.",
    then="How many frogs would it take for an interval of two points?",
)
def more_clips(answer, correct):
    """Check exercise 5.1: Wilson's interval with ten times as many clips; ``correct``, shape (n_clips,), of bool.

    Notebook: 05_how_sure
    """
    correct = np.asarray(correct)
    expect(np.ndim(answer) > 0, "An interval has two ends; this is one number.")
    expect(np.shape(answer) == (2,), "An interval has two ends, the lower and the upper.")
    low, high = (float(end) for end in answer)
    expect(max(low, high) <= 1, "An accuracy lies between 0 and 1; are these in per cent?")
    expect(low <= high, "The lower end comes first.")
    right, n = int(correct.sum()), len(correct)

    def close(interval):
        return np.allclose([low, high], interval, atol=1e-4)

    as_tested = evaluation.wilson_interval(right, n)
    expect(
        not close(as_tested),
        f"This is the interval of the {n} clips that we have; what if there were ten times as many?",
    )
    expect(
        not close(evaluation.wilson_interval(right, 10 * n)),
        "Ten times as many clips were tested, but the number of right ones has not grown with them.",
    )
    drawn = evaluation.bootstrap_interval(np.tile(correct, 10))
    expect(not close(drawn), "This is the bootstrap's interval, which is close; Wilson's was asked for.")
    middle = f"{10 * right} of {10 * n} clips right do not give an interval from {low:.3f} to {high:.3f}."
    expect(close(evaluation.wilson_interval(10 * right, 10 * n)), middle)


@exercise(
    hint="Copy the function under another name, with 5 instead of 1, and call it once for each way of splitting.",
    why="Split honestly, five neighbours know more than one. Shuffled, most of the five come from other clips. So "
    "they remember less than the nearest one, and leak less.",
    then="Try 50. Does the gap close?",
)
def neighbours_leak(answer, honest, leaked):
    """Check exercise 5.3: frame accuracies of five neighbours, honest and leaked; before, those of one neighbour.

    Notebook: 05_how_sure
    """
    expect(np.shape(answer) == (2,), "Two accuracies were asked for: honest, leaked.")
    first, second = (float(value) for value in answer)
    expect(max(first, second) <= 1, "An accuracy lies between 0 and 1; are these in per cent?")
    old = np.allclose([first, second], [honest, leaked], atol=1e-4)
    expect(not old, "These are the accuracies of one neighbour. Let five vote.")
    expect(first < second, "The second is not higher. Honest comes first: were they swapped, or is one split in both?")
    expect(first > 0.4, f"{first:.3f} is too low: are the windows and their classes in the same order?")
    expect(
        second - first < leaked - honest,
        "These two do not fit together: do five neighbours vote in both, by the cosine, and is the honest split by "
        "fold?",
    )


@exercise(
    hint="Stop by the loss on fold 4, not after a fixed number of epochs. A network with few units takes more epochs, "
    "so allow for 200.",
    why="The head has 529,930 parameters. The embeddings have done the work, so far fewer will do.",
    then="How small can it get? And is it as good on fold 5, which you may look at once?",
)
def small_network(answer, x_valid, y_valid):
    """Check exercise 5.4: a network of at most 10,000 parameters that gets 90 % of the clips of fold 4 right.

    Notebook: 05_how_sure
    """
    network_with_ten_outputs(answer)
    n = answer.count_params()
    expect(n <= 10_000, f"It has {n:,} parameters; at most 10,000 were asked for.")
    frame, clip = clip_accuracy(answer, x_valid, y_valid)
    expect(clip > 0.3, f"Clip accuracy {clip:.2f} on fold 4: it has hardly been trained.")
    low = f"Clip accuracy {clip:.3f} on fold 4, and {frame:.3f} by frame; a clip accuracy of 0.9 was asked for."
    expect(clip >= 0.9, f"{low} Is it too narrow, or was it stopped too early?")

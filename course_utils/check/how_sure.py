"""Checks of the exercises on how sure a figure is."""

import numpy as np

from course_utils import evaluation
from course_utils.check.answers import array_or_none, exercise, expect, number_of, result_of


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
    array = array_or_none(answer)
    expect(
        array is not None and (array.ndim or array.dtype.kind == "O"), "An interval has two ends; this is one number."
    )
    expect(array.shape == (2,), "An interval has two ends, the lower and the upper.")
    low, high = (number_of(end, "each end of the interval") for end in array)
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
    hint="fitted_temperature takes the logits and the classes. A star hands over both parts of fold_4.",
    why="Below 1, so the percentages move apart. A clip's logits are a mean over windows that disagree, and that is "
    "more modest than it needs to be.",
    then="What is the temperature of fold 4's windows, from the same head?",
)
def temperature(answer, logits, labels):
    """Check exercise 5.3: the temperature with the lowest log loss; logits (n_clips, n_classes), labels (n_clips,).

    Notebook: 05_how_sure
    """
    from scipy import optimize, special

    def loss(temperature):
        log_shares = special.log_softmax(np.asarray(logits) / temperature, axis=1)
        return -log_shares[np.arange(len(labels)), labels].mean()

    array = array_or_none(answer)
    expect(not isinstance(answer, bool) and array is not None and array.ndim == 0, "A temperature is one number.")
    answer = number_of(answer, "the temperature")
    expect(answer > 0, "A temperature is above 0. Is this its logarithm?")
    best = float(np.exp(optimize.minimize_scalar(lambda power: loss(np.exp(power)), bounds=(-3, 3)).x))

    def close(value):
        return abs(np.log(answer / value)) < 0.02

    inverse = "This is 1 divided by the temperature. Logits are divided by it, not multiplied."
    expect(close(best) or not close(1 / best), inverse)
    way, said = "lower" if answer > best else "higher", f"{loss(answer):.3f}"
    if answer == 1:
        said = f"At 1 nothing changes. The log loss of fold 4 is {said} there, and {way} temperatures have a lower one."
    else:
        said = f"At {answer:.3g} the log loss of fold 4 is {said}, and {way} temperatures have a lower one."
    expect(close(best), said)


@exercise(
    hint="One row for each class, the mean of its training clips; then cosine_similarity with these rows, and the "
    "highest of each new clip.",
    why="It ranks known above unknown more often than the nearest clip does, and it has still learned from the "
    "animals alone.",
    then="Is it as good on fold 5, which has had no say?",
)
def own_score(answer, x_train, y_train, known, unknown):
    """Check exercise 5.4: a score of new clips, a number each, with a higher AUROC than both of the lesson's.

    Embeddings of training clips (n_train, n_dimensions), their classes, and of clips with known and unknown sounds.

    Notebook: 05_how_sure
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.metrics.pairwise import cosine_similarity

    clips, is_known = np.concatenate([known, unknown]), np.repeat([1, 0], [len(known), len(unknown)])
    array = array_or_none(result_of(answer, x_train, y_train, clips))
    expect(array is not None and array.dtype.kind in "biuf", "Your function doesn't return numbers, one for each clip.")
    own = array.astype(float)
    expected = f"{len(clips)} numbers for {len(clips)} clips, but these have the shape {own.shape}"
    expect(own.shape == (len(clips),), f"One number for each new clip is wanted: {expected}.")
    expect(np.isfinite(own).all(), "Some of its numbers are NaN or infinite.")
    model = LogisticRegression(max_iter=1000).fit(x_train, y_train)
    highest, nearest = model.predict_proba(clips).max(axis=1), cosine_similarity(clips, x_train).max(axis=1)
    expect(not np.allclose(own, highest, atol=1e-3), "This is the highest percentage. Find another one.")
    expect(not np.allclose(own, nearest, atol=1e-6), "This is the similarity to the nearest clip. Find another one.")
    auroc, least = roc_auc_score(is_known, own), roc_auc_score(is_known, nearest)
    expect(auroc >= 0.3, "It is high for the unknown and low for the known. Turn it around.")
    said = f"Its AUROC on fold 4 is {auroc:.3f}, and the similarity to the nearest clip has {least:.3f}."
    expect(auroc > max(least, roc_auc_score(is_known, highest)), said)

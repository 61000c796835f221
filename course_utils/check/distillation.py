"""Checks of the exercises on distillation."""

import numpy as np

from course_utils.check.answers import array_or_none, exercise, expect, number_of, numbers_of


@exercise(
    hint="Compare the whole array with a number: that gives True or False for each of its elements.",
    why="Several classes may be there at once, so several may be 1. Some patches have none at all.",
    then="Train a student on it. Does it find more of the five than the one with the hard targets?",
)
def mild_targets(answer, scores):
    """Check exercise 7.1: 1 for every class that the teacher scored over 0.5; ``scores``, shape (n_patches, 521).

    Notebook: 07_distillation
    """
    scores = np.asarray(scores)
    answer = numbers_of(answer, scores.shape, "the targets").astype(float)
    expect(np.isin(answer, (0, 1)).all(), "There are values between 0 and 1: a hard target is 0 or 1.")
    winner = np.eye(scores.shape[1])[scores.argmax(axis=1)]
    expect(not np.array_equal(answer, winner), "This keeps the winner only, as before.")
    expect(not np.array_equal(answer, scores <= 0.5), "This is the other way round: 1 where the score is low.")
    wanted = scores > 0.5
    expect(np.array_equal(answer, wanted), f"{answer.sum():.0f} targets are 1, but {wanted.sum()} scores are over 0.5.")


@exercise(
    hint="Add a small number such as 1e-6 to p and to 1 - p before you take logarithms. Then halve the logits, and put "
    "them into the sigmoid.",
    why="A small score becomes about its square root, so classes that are hardly there gain weight in the loss.",
    then="Train on it, and undo it with tf.sigmoid(2 * logits). What becomes of the cosine?",
)
def softened(answer, scores):
    """Check exercise 7.2: the sigmoid of half the logit of each score; ``scores``, shape (n_patches, 521).

    Notebook: 07_distillation
    """
    scores = np.asarray(scores, float)
    way = "Some values are not finite: keep the scores away from 0 and 1."
    answer = numbers_of(answer, scores.shape, "the softened scores", way)
    expect(
        answer.min() >= 0 and answer.max() <= 1, "Some values lie outside [0, 1]: these are logits. Take their sigmoid."
    )
    expect(
        not np.allclose(answer.sum(axis=1), 1, atol=1e-3), "Each row adds up to 1: this is a softmax, not a sigmoid."
    )
    expect(not np.allclose(answer, scores / 2, atol=1e-3), "The scores were halved, not their logits.")
    clear = (scores > 1e-3) & (scores < 1 - 1e-3)  # elsewhere the small number decides
    odds = np.sqrt(scores[clear] / (1 - scores[clear]))
    sharper = odds**4 / (1 + odds**4)
    expect(not np.allclose(answer[clear], sharper, atol=1e-2), "This is sharper than before: divide the logits by 2.")
    right = np.allclose(answer[clear], odds / (1 + odds), atol=1e-2)
    expect(right, "These are not the sigmoids of half the logits: 0.2 should become 0.33, and 0.8 should become 0.67.")


@exercise(
    hint="Add up both trainings and turn them into joules. A clip saves the difference between YAMNet and the mini; "
    "divide by that.",
    why="It flatters the student a little: the teacher's listening and the trials before are not in it. YAMNet's own "
    "training is spent either way.",
    then="How long would a student have to listen, day and night, to hear as many clips of five seconds?",
)
def break_even(answer, figures):
    """Check exercise 7.3: after how many clips the energy of the training is saved; ``figures`` of the model card.

    Notebook: 07_distillation
    """
    answer, joules, training = number_of(answer, "how many clips"), figures["joules"], figures["training"]
    both, saved = training["kwh"] + training["before"]["kwh"], joules["yamnet"] - joules["mini"]

    def close(value):
        return abs(answer - value) <= 0.05 * abs(value)  # the printed figures are rounded

    expect(not close(both / saved), "The kWh were divided by joules: turn them into joules first.")
    expect(
        not close(3600 * both / saved), "These are watt-hours taken for kilowatt-hours: a factor of 1000 is missing."
    )
    expect(not close(3.6e6 * training["kwh"] / saved), "This counts only one of the two trainings.")
    expect(
        not close(3.6e6 * both / joules["mini"]),
        "A clip saves the difference of the two networks, not what one of them takes.",
    )
    expect(not close(3.6e6 * both / joules["yamnet"]), "The student is not free: take off what it needs itself.")
    expect(close(3.6e6 * both / saved), f"{answer:,.0f} clips do not follow from the figures of the model card.")


@exercise(
    hint="Build a network from all layers but the last, and add a dense layer of 1024 with ReLU. Train it with "
    "CosineSimilarity as the loss, and predict all patches.",
    why="It answers closer to the teacher than a constant does, on patches that it was never trained on.",
    then="Can a linear classifier on its output tell the ten animals apart? Compare with Figure 4.",
)
def student_embeddings(answer, teacher, test):
    """Check exercise 7.5: a student's embeddings of all patches; those of the ``teacher``, shape (n_patches, 1024).

    Notebook: 07_distillation
    """
    teacher = np.asarray(teacher)
    array = array_or_none(answer)
    expect(
        array is None or array.shape != (len(teacher), 521),
        "These are 521 scores for each patch; embeddings have 1024 values.",
    )
    answer = numbers_of(answer, teacher.shape, "the embeddings of all patches")
    expect(not np.allclose(answer, teacher), "These are the teacher's own embeddings.")
    expect(np.abs(answer).sum(axis=1).min() > 0, "Some embeddings are all zero; has the student been trained?")

    def cosine(found):
        length = np.linalg.norm(found[test], axis=1) * np.linalg.norm(teacher[test], axis=1)
        return ((found[test] * teacher[test]).sum(axis=1) / length).mean()

    constant = cosine(np.tile(teacher[~np.asarray(test)].mean(axis=0), (len(teacher), 1)))
    expect(answer.std(axis=0).max() > 1e-6, "All patches have the same embedding.")
    reached = f"Cosine {cosine(answer):.3f} to the teacher on fold 5; always the mean gets {constant:.3f}"
    expect(cosine(answer) > constant, f"{reached}. Train on the teacher's embeddings, for long enough.")

"""Every check, given what nobody expects: a verdict with a sentence of its own, never a library's words."""

import types
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from course_utils import audio, check, datasets, evaluation, events

COLUMNS = ["label", "onset", "offset"]
CLASSES = ["dog", "cat", "cow"]
LABELS = datasets.audioset_labels()["display_name"].tolist()
NAMES = LABELS[:521]
rng = np.random.default_rng(0)


class Network:
    """What a check asks of a network of Keras, in a few lines: a linear layer with biases."""

    def __init__(self, weights, n_parameters=10_250, built=True):
        self.weights, self.n_parameters, self.built = weights, n_parameters, built
        self.output_shape = (None, weights.shape[1])

    def count_params(self):
        return self.n_parameters

    def predict(self, x, verbose):
        return x @ self.weights


class Tagger:
    """It scores a clip by its length and its level."""

    @staticmethod
    def inference(batch):
        batch = np.asarray(batch)
        scores = np.zeros((len(batch), 527), np.float32)
        scores[:, 0], scores[:, 1] = batch.shape[1] / 1e6, np.abs(batch).mean(axis=1)
        return scores, np.zeros((len(batch), 2048), np.float32)


def yamnet(waveform):
    level = np.abs(np.asarray(waveform)).reshape(10, -1).mean(axis=1)
    return np.sqrt(level)[:, None] * np.linspace(0, 1, 521)[None], None, None


def table(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Return, by the name of a check, a right answer and what the notebook gives the check."""
    path = tmp_path_factory.mktemp("audio") / "a.wav"
    waveform = (0.1 * rng.normal(size=32000)).astype(np.float32)
    soundfile.write(path, waveform, 32000)
    clip_scores = rng.uniform(size=(1, 527))
    best = np.argsort(clip_scores[0])[::-1][:10]
    whistling, frames = np.zeros((500, 527)), np.zeros((500, 527))
    whistling[200:300, LABELS.index("Whistling")] = 0.4
    whistling[100:300, LABELS.index("Whistle")] = 0.4
    truth = table(("Speech", 0.5, 2.0), ("Siren", 2.5, 4.0))
    for label, onset, offset in truth.itertuples(index=False):
        frames[int(onset * 100) : int(offset * 100), LABELS.index(label)] = 0.6
    windows = rng.uniform(size=(10, 521))
    tops = [NAMES[i] for i in windows.argmax(axis=1)]
    y = np.repeat(np.arange(10), 40)
    test = np.arange(400) % 5 == 4
    animal = np.eye(10)[y] + rng.normal(scale=0.5, size=(400, 10))
    centres, labels = rng.normal(size=(10, 1024)), np.repeat(np.arange(10), 10)
    x_valid = np.repeat(centres[labels], 10, axis=0)
    y_valid = np.repeat(labels, 10)
    four = ["Speech", "Siren", "Dog", "Cat"]
    index = datasets.audioset_labels().set_index("display_name")["yamnet_index"]
    of_four, other_y = rng.uniform(0, 0.1, (80, 521)), np.repeat(np.arange(4), 20)
    of_four[np.arange(80), index[four].to_numpy()[other_y]] = 1
    reference = table(("dog", 1.0, 2.0), ("cat", 4.0, 5.5))
    found = table(("dog", 1.2, 2.1), ("cow", 6.0, 6.5))
    grid = np.full((15, 3), 0.1)
    grid[2:6, 0], grid[7:9, 1], grid[11:14, 2] = 0.95, 0.8, 0.92
    at = partial(events.events_from_scores, grid, CLASSES, 0.5, 0.96)
    segments = table(("dog", 0.0, 0.96), ("cat", 1.0, 2.96), ("cow", 2.0, 2.5))
    highest, right = np.linspace(0, 0.995, 200), np.arange(200) > 120
    correct = np.arange(40) < 36
    logits = 4 * np.eye(10)[labels] + rng.normal(scale=3, size=(100, 10))
    x_train, y_train = (
        np.repeat(np.eye(4, 8), 10, axis=0) + rng.normal(scale=0.3, size=(40, 8)),
        np.repeat(range(4), 10),
    )
    known = np.repeat(np.eye(4, 8), 5, axis=0) + rng.normal(scale=0.5, size=(20, 8))
    unknown = np.tile(np.eye(8)[4], (20, 1)) + rng.normal(scale=0.5, size=(20, 8))
    fine = np.full((75, 3), 0.05)
    fine[10:30, 0], fine[40:60, 1] = 0.9, 0.8
    mixture = types.SimpleNamespace(reference=events.events_by_class(fine, CLASSES, 0.096, 0.96, 0.5))
    patches = rng.uniform(0.01, 0.99, (50, 521))
    figures = {"joules": {"yamnet": 3.0, "mini": 1.0}, "training": {"kwh": 0.5, "before": {"kwh": 1.5}}}
    teacher = rng.normal(size=(60, 1024)) + 1
    of_fold = np.arange(60) % 3 == 0

    def nearest(train, classes, clips):
        means = np.stack([train[classes == c].mean(axis=0) for c in np.unique(classes)])
        means, clips = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (means, clips))
        return (clips @ means.T).max(axis=1)

    def loss(power):
        shares = special.log_softmax(logits / np.exp(power), axis=1)
        return -shares[np.arange(100), labels].mean()

    temperature = float(np.exp(optimize.minimize_scalar(loss, bounds=(-3, 3)).x))
    half = 1 / (1 + np.exp(-np.log(patches / (1 - patches)) / 2))
    return {
        "top_tags": ([LABELS[i] for i in best], clip_scores),
        "wrong_rate": (Tagger.inference(audio.load(path, 16000)[None])[0], Tagger(), path),
        "whistle_onset": (2.0, whistling),
        "thresholds": ({"Speech": 0.5, "Siren": 0.5}, frames, truth),
        "window_tops": (tops, windows, NAMES),
        "n_windows": (lambda s: 1 + int(np.ceil(max(s - 0.96, 0) / 0.48)),),
        "quiet_scores": (yamnet(np.float32(0.01) * waveform[:30000])[0].mean(axis=0), yamnet, waveform[:30000]),
        "event_tops": (
            [NAMES[windows[0:2].mean(axis=0).argmax()], NAMES[windows[4:7].mean(axis=0).argmax()]],
            windows,
            table(("Speech", 0.4, 1.0), ("Siren", 2.3, 3.4)),
            NAMES,
        ),
        "zero_shot_accuracy": ((animal.argmax(axis=1) == y).mean(), animal, y, test),
        "linear": (Network(centres.T), x_valid, y_valid),
        "better_map": (
            {name: (name,) for name in four},
            {"Speech": ("Dog",), "Siren": ("Cat",), "Dog": ("Speech",), "Cat": ("Siren",)},
            of_four,
            other_y,
            np.arange(80) % 5 < 4,
        ),
        "counts": (
            {"event-based": (1, 1, 1), "segment-based": (1, 2, 2)},
            reference,
            found,
        ),
        "strict_events": (at(0.9), grid, CLASSES, 0.5, 0.96),
        "long_events": (segments.iloc[[1]], segments),
        "priced_threshold": ({"false alarm": 5, "miss": 1, "threshold": 0.6}, highest, right),
        "more_clips": (evaluation.wilson_interval(360, 400), correct),
        "temperature": (temperature, logits, labels),
        "own_score": (nearest, x_train, y_train, known, unknown),
        "error_rate": (lambda tp, fp, fn: (fp + fn) / (tp + fn),),
        "settings": (
            {"thresholds": 0.5, "smooth": 0.0, "shortest": 0.0},
            [0.4] * 3,
            [fine],
            [mixture],
            CLASSES,
            0.096,
            0.96,
        ),
        "mild_targets": ((patches > 0.5).astype(np.float32), patches),
        "softened": (half, patches),
        "break_even": (3.6e6 * 2 / 2, figures),
        "student_embeddings": (teacher + rng.normal(scale=0.1, size=teacher.shape), teacher, of_fold),
    }


CHECKS = sorted(name for name in check.__all__ if name not in ("Figures", "Verdict", "expected"))


class Unkind:
    """Whatever one asks of it, it raises an error."""

    def __array__(self, *_, **__):
        raise RuntimeError("no array")

    def __eq__(self, other):
        raise RuntimeError("not equal")

    __hash__ = None


FOUR = ("Speech", "Siren", "Dog", "Cat")
SETTINGS = {"thresholds": 0.5, "smooth": 0.0, "shortest": 0.0}
PRICES = {"false alarm": 2, "miss": 1, "threshold": 0.5}
ODD = {
    "a whole number": 3,
    "a number": 0.5,
    "below 0": -1,
    "NaN": np.nan,
    "infinity": np.inf,
    "huge number": 10**400,
    "a text": "text",
    "no text": "",
    "bytes": b"x",
    "a list": [1, 2, 3],
    "nothing in it": [],
    "of names": ["a", "b", "c"],
    "of None": [None],
    "nested": [["a"], ["b"]],
    "ragged": [[1], [1, 2]],
    "empty dict": {},
    "another dict": {"a": 1},
    "table": pd.DataFrame({"x": [1]}),
    "empty table": pd.DataFrame(),
    "times as text": table(("dog", "1", "2")),
    "times missing": table(("dog", np.nan, 2)),
    "no label": table((None, 1, 2)),
    "mixed labels": table(("dog", 1, 2), (3, 1, 2)),
    "series": pd.Series([1, 2]),
    "0-d text": np.array("a"),
    "a million zeros": np.zeros(10**6),
    "objects": np.array([1, "a"], dtype=object),
    "set": {1, 2},
    "raises": lambda *_: 1 / 0,
    "exits": lambda *_: (_ for _ in ()).throw(SystemExit),
    "gives nothing": lambda *_: None,
    "gives text": lambda *_: "x",
    "gives zeros": lambda *_: np.zeros(3),
    "gives ragged": lambda *_: [[1], [1, 2]],
    "gives NaN": lambda *_: np.nan,
    "takes nothing": lambda: 1,
    "complex": 1j,
    "Fraction": Fraction(1, 3),
    "Decimal": Decimal("0.3"),
    "Timedelta": pd.Timedelta("1s"),
    "NA": pd.NA,
    "module": np,
    "unkind": Unkind(),
    "pair": (1, 2),
    "empty tuple": (),
    "an error": ValueError("x"),
    "NaN scores": np.full(521, np.nan),
    "NaN patches": np.full((50, 521), np.nan),
    "complex scores": np.zeros(521, complex),
    "tensor": torch.zeros(521, requires_grad=True),
    "masked": np.ma.masked_array(np.zeros(521), True),
    "infinite embeddings": np.full((60, 1024), np.inf),
    "map to odd things": dict(zip(FOUR, (1, None, [], 3), strict=True)),
    "map to lists": {name: [["Dog"]] for name in FOUR},
    "map to None": {name: [None] for name in FOUR},
    "map to a text": dict.fromkeys(FOUR, "Dog"),
    "thresholds as text": SETTINGS | {"thresholds": "a"},
    "one threshold in a list": SETTINGS | {"thresholds": [0.5]},
    "a threshold missing": SETTINGS | {"thresholds": {"dog": 0.5}},
    "no threshold": SETTINGS | {"thresholds": None},
    "smooth as text": SETTINGS | {"smooth": "x"},
    "smooth NaN": SETTINGS | {"smooth": np.nan},
    "price NaN": PRICES | {"miss": np.nan},
    "price infinite": PRICES | {"miss": np.inf},
    "threshold in a list": PRICES | {"threshold": [0.1, 0.2]},
    "counts: one": {"event-based": 3, "segment-based": 3},
    "counts: two": {"event-based": (1, 1), "segment-based": (1, 1, 1)},
    "counts: None": {"event-based": None, "segment-based": None},
    "counts: floats": {"event-based": (1, 1, 1.0), "segment-based": (1, 1, 1)},
    "by name NaN": {"Speech": np.nan, "Siren": 0.5},
    "by name a list": {"Speech": [0.5, 0.5], "Siren": 0.5},
    "NaN ends": (np.nan, np.nan),
    "ends of text": ("a", "b"),
    "one end": (None, 1),
    "names and None": ["Speech"] * 9 + [None],
    "names and a number": ["Speech"] * 9 + [3],
    "ten NaN": [np.nan] * 10,
    "names as bytes": [b"Speech"] * 10,
    "network of nine": Network(np.zeros((1024, 9))),
    "network without weights": Network(np.zeros((1024, 10)), built=False),
}
OF_A_LIBRARY = (
    "has no len",
    "not supported",
    "object is not",
    "ufunc",
    "truth value",
    "ambiguous",
    "unhashable",
    "convert",
)


def said(name, answer, data):
    """Return what a check says, having looked that it is a verdict in one sentence or two, in its own words."""
    verdict = getattr(check, name)(answer, *data)
    assert isinstance(verdict, check.Verdict)
    assert "\n" not in verdict.message
    assert len(verdict.message) < 300
    assert verdict._repr_html_().startswith("<div")
    return verdict


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_knows_the_right_answer(cases, name):
    answer, *data = cases[name]
    assert said(name, answer, data), said(name, answer, data).message


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("odd", ODD)
def test_every_check_has_a_sentence_for_every_odd_answer(cases, name, odd):
    verdict = said(name, ODD[odd], cases[name][1:])
    assert not verdict
    assert "can't read this answer" not in verdict.message
    assert not [words for words in OF_A_LIBRARY if words in verdict.message]


def test_a_generator_is_no_answer(cases):
    for name in CHECKS:
        verdict = said(name, (i for i in range(3)), cases[name][1:])
        assert "can't read" not in verdict.message


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=6,
)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(anything)
def test_no_answer_makes_a_check_raise(cases, answer):
    for name in CHECKS:
        if name not in ("own_score", "settings"):  # which train, and measure
            verdict = said(name, answer, cases[name][1:])
            assert not [words for words in OF_A_LIBRARY if words in verdict.message]


def test_the_axis_forgotten_is_told_the_shape(cases):
    for answer, shape in ((3.5, "()"), (np.zeros(4), "(4,)")):
        message = said("quiet_scores", answer, cases["quiet_scores"][1:]).message
        assert f"has shape {shape}" in message
        assert "(521,)" in message


WRONG = {  # by check: an answer as a learner might give it, made of the right one, and what it is told
    "counts": [
        (lambda right, *_: right | {"event-based": (1, 2, 1)}, "add up to 3"),
        (lambda right, *_: right | {"event-based": (1, 1, 2)}, "add up to 3"),
        (lambda right, *_: right | {"event-based": (2, 0, 0)}, "the number of hits is not 2"),
        (lambda right, *_: right | {"event-based": (-1, 1, 1)}, "below zero"),
        (lambda right, *_: right | {"event-based": (0, 2, 2)}, "collar"),
        (lambda right, *_: right | {"segment-based": (1, 1, 1)}, "the counts of events again"),
    ],
    "strict_events": [
        (lambda right, *_: right.values.tolist(), "Join them"),
        (lambda right, *data: events.events_from_scores(*data, 0.09), "a threshold of 0.09"),
        (lambda right, *data: events.events_from_scores(*data, 0.7), "still lower than 0.9"),
        (lambda right, *data: events.events_from_scores(*data[:2], 0.48, 0.96, 0.9), "0.5 s here"),
        (lambda right, *_: right.iloc[:1], "You have 1 events. At 0.9 there are 2"),
        (lambda right, *_: right.assign(offset=8.0), "their labels or times are not"),
        (lambda right, *_: right.drop(columns="offset"), "no column offset"),
    ],
    "long_events": [
        (lambda right, given: given, "Nothing was dropped"),
        (lambda right, given: given.iloc[[0, 2]], "These are the short ones"),
        (lambda right, given: given[given["offset"] >= 1], "the offset, not the length"),
        (lambda right, given: given.iloc[[0]], "You keep 1 events. Of the 3, 1 last"),
        (lambda right, given: pd.concat([given, given]), "more than before"),
    ],
    "priced_threshold": [
        (lambda right, *_: right | {"threshold": 0.99}, "A lower one costs less"),
        (lambda right, *_: right | {"threshold": 0.2}, "A higher one costs less"),
        (lambda right, *_: right | {"threshold": 0.0, "miss": 1, "false alarm": 5}, "the other way round"),
        (lambda right, *_: right | {"miss": 5}, "two costs that differ"),
        (lambda right, *_: right | {"miss": 0}, "two costs above zero"),
        (lambda right, *_: right | {"threshold": 50}, "Scores lie between 0 and 1"),
    ],
    "wrong_rate": [
        (lambda right, tagger, path: tagger.inference(audio.load(path, 32000)[None])[0], "loaded at 32 000 Hz"),
        (lambda right, tagger, path: tagger.inference(audio.load(path, 64000)[None])[0], "lasts twice as long"),
        (lambda right, *_: right + 0.5, "not the scores of the clip"),
        (lambda right, *_: np.zeros(2048), "This is the embedding"),
        (lambda right, *_: np.zeros((2, 527)), "several rows"),
        (lambda right, *_: (right, right), "two things"),
    ],
    "whistle_onset": [
        (lambda *_: 200, "the number of the frame"),
        (lambda *_: 2000, "in milliseconds"),
        (lambda *_: 2.99, "where Whistling ends"),
        (lambda *_: 1.0, "another class"),
        (lambda *_: 4.0, "for the first time at 4 s"),
    ],
    "temperature": [
        (lambda *_: 1, "At 1 nothing changes"),
        (lambda right, *_: 1 / right, "1 divided by the temperature"),
        (lambda right, *_: 2 * right, "lower temperatures have a lower one"),
        (lambda *_: -1, "above 0"),
    ],
    "event_tops": [
        (lambda right, scores, *_: [NAMES[scores.mean(axis=0).argmax()]] * 2, "the highest class of the whole scene"),
        (lambda right, *_: [right[0], "Silence"], "Silence is not the highest class from 2.3 to 3.4 s"),
    ],
    "own_score": [
        (lambda *_: lambda x, y, clips: np.arange(len(clips)), "Turn it around"),
        (lambda *_: lambda x, y, clips: np.full(len(clips), np.nan), "NaN or infinite"),
        (lambda *_: lambda x, y, clips: np.ones((len(clips), 2)), "have the shape (40, 2)"),
    ],
}


@pytest.mark.parametrize(("name", "i"), [(name, i) for name, tried in WRONG.items() for i in range(len(tried))])
def test_a_typical_mistake_is_told_apart(cases, name, i):
    right, *data = cases[name]
    change, words = WRONG[name][i]
    verdict = said(name, change(right, *data), data)
    assert not verdict
    assert words in verdict.message


def test_the_onset_of_a_loud_whistle_is_not_where_it_passes_a_half(cases):
    frames = 1.5 * np.linspace(0, 1, 500)[:, None].clip(0, 0.6) * np.ones(527)
    verdict = said("whistle_onset", np.argmax(frames[:, 0] > 0.5) / 100, (frames,))
    assert not verdict
    assert "where it passes 0.5" in verdict.message


def test_where_mean_and_maximum_tell_different_names_the_verdict_says_which(cases):
    _, windows, truth, names = cases["event_tops"]
    windows = np.full_like(windows, 0.1)
    windows[1, 5], windows[:3, 6], windows[4:8, 7] = 0.9, 0.6, 0.8
    for first, how in ((6, "the mean gives"), (5, "the maximum gives")):
        verdict = said("event_tops", [names[first], names[7]], (windows, truth, names))
        assert verdict
        assert how in verdict.message

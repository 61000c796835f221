"""Every drawing takes an Axes and returns it, draws one thing, and names its axes."""

import itertools
from types import SimpleNamespace
from xml.etree import ElementTree

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course_utils import events, plotting, svg

TEXT = "{http://www.w3.org/2000/svg}text"
SAMPLES = np.sin(np.arange(32000) / 10).astype(np.float32)
EVENTS = pd.DataFrame([("dog", 0.0, 1.0), ("cat", 2.0, 2.5)], columns=["label", "onset", "offset"])
TABLE = pd.DataFrame({"n": [8, 8, 16], "accuracy": [1.0, 0.5, 0.75]}, index=["cat", "dog", "average"])
HISTORY = SimpleNamespace(history={"loss": [1.0, 0.5], "val_loss": [1.0, 0.8]})
TUNED = pd.DataFrame({"F": [0.2, 0.6, 0.4], "dog": [0.1, 0.9, 0.3]}, pd.Index([0.1, 0.5, 0.9], name="threshold"))
MATRIX = pd.DataFrame([[7, 1], [0, 8]], pd.Index(["a", "b"], name="true class"), pd.Index(["a", "b"], name="predicted"))
DOTS = pd.DataFrame({"mean": [0.2, 0.6], "maximum": [0.5, 0.9]}, index=["a", "b"])
SCORES = np.array([[0.1, 0.8], [0.3, 0.9], [0.1, 0.2], [0.0, 0.7]])
FOUND, TRUE = [("b", 0.0, 1.46)], [("b", 0.1, 1.0), ("a", 1.0, 2.0)]

DRAWINGS = {
    "waveform": (lambda ax: plotting.waveform(SAMPLES, 16000, ax=ax), "time (s)", "amplitude"),
    "spectrogram": (lambda ax: plotting.spectrogram(SAMPLES, 16000, ax=ax), "time (s)", "frequency (kHz)"),
    "log_mel": (lambda ax: plotting.log_mel(np.zeros((96, 64)), ax=ax), "time (s)", "frequency (kHz)"),
    "top_scores": (lambda ax: plotting.top_scores(["a", "b"], [0.5, 0.1], ax=ax), "score", ""),
    "scores_over_time": (lambda ax: plotting.scores_over_time(np.eye(3), ["a", "b", "c"], 0.5, ax=ax), "time (s)", ""),
    "embedding": (lambda ax: plotting.embedding(np.ones(1024), ax=ax), "dimension", "value"),
    "curves": (lambda ax: plotting.curves(TUNED, ax=ax, ylabel="score"), "threshold", "score"),
    "learning_curves": (lambda ax: plotting.learning_curves(HISTORY, ax=ax), "epoch", "loss"),
    "class_bars": (lambda ax: plotting.class_bars(TABLE, ax=ax), "accuracy", ""),
    "confusion_matrix": (lambda ax: plotting.confusion_matrix(MATRIX, ax=ax), "predicted class", "true class"),
    "dot_plot": (
        lambda ax: plotting.dot_plot(DOTS, low=DOTS - 0.1, high=DOTS + 0.1, xlabel="score", ax=ax),
        "score",
        "",
    ),
    "histogram": (lambda ax: plotting.histogram([1, 2, 2], bins=3, xlabel="time (s)", ax=ax), "time (s)", "events"),
    "detection": (lambda ax: plotting.detection(SCORES, ["a", "b"], 0.5, 0.5, FOUND, TRUE, ax=ax), "time (s)", "score"),
    "event_roll": (lambda ax: plotting.event_roll({"truth": EVENTS}, ["cat", "dog"], 3.0, ax=ax), "time (s)", ""),
}


NAMES_OF_AXES = {
    *("", "time (s)", "frequency (kHz)", "amplitude", "score", "accuracy", "loss", "epoch", "threshold", "events"),
    *("dimension", "value", "true class", "predicted class"),
}


def texts(ax):
    """What is written in an Axes, except at its ticks."""
    return [text.get_text() for text in ax.texts]


def row_names(ax):
    """The names of the rows of a drawing, from its y axis."""
    named = [text.get_text() for text in ax.get_yticklabels()]
    return [name for name in named if name not in ("0", "1") and not name.startswith("threshold")]


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing(name):
    draw, xlabel, ylabel = DRAWINGS[name]
    assert {xlabel, ylabel} <= NAMES_OF_AXES
    _, given = plt.subplots()
    assert draw(given) is given
    own = draw(None)
    assert own is not given
    for ax in (given, own):
        assert (ax.get_xlabel(), ax.get_ylabel()) == (xlabel, ylabel)
    plt.close("all")


def test_every_drawing_is_tested():
    own = {name for name, value in vars(plotting).items() if getattr(value, "__module__", "") == plotting.__name__}
    public = {name for name in own if not name.startswith("_")}
    assert public == set(DRAWINGS)


def test_time_axes_are_in_seconds():
    assert plotting.waveform(SAMPLES, 16000).get_xlim() == (0, 2)
    assert plotting.log_mel(np.zeros((96, 64))).get_images()[0].get_extent()[1] == pytest.approx(0.96)
    extent = plotting.scores_over_time(np.zeros((10, 2)), ["a", "b"], 0.48, offset=0.24).get_images()[0].get_extent()
    assert extent[:2] == pytest.approx([0.24, 5.04])
    plt.close("all")


def test_event_roll_draws_each_event_in_its_row():
    ax = plotting.event_roll({"truth": EVENTS, "system": EVENTS.iloc[:1]}, ["cat", "dog"], 3.0)
    spans = [path.get_extents() for collection in ax.collections for path in collection.get_paths()]
    assert sorted((round(s.x0, 2), round(s.x1, 2)) for s in spans) == [(0.0, 1.0), (0.0, 1.0), (2.0, 2.5)]
    dog = [s for s in spans if s.x1 == 1.0]
    assert all(s.y0 > 0.5 and s.y1 < 1.5 for s in dog)
    plt.close("all")


def test_event_roll_takes_what_other_functions_take():
    rows = [tuple(row) for row in EVENTS.to_numpy()]
    named = pd.Series(["cat", "dog"], index=[1, 0])
    said = {plotting.in_words(plotting.event_roll({"truth": given}, named, 3.0)) for given in (EVENTS, rows)}
    assert said == {plotting.in_words(plotting.event_roll({"truth": events.Events.of(EVENTS)}, ["cat", "dog"], 3.0))}
    assert "0: none." in plotting.in_words(plotting.event_roll({"truth": pd.DataFrame()}, ["cat"], 3.0))
    plt.close("all")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("dog", 2.0, 1.0), "ends before it begins"),
        (("dog", np.nan, 1.0), "each onset as a number"),
        (("dog", "1", 2.0), "each onset as a number"),
    ],
)
def test_events_that_are_none_are_an_error_and_no_picture(row, words):
    with pytest.raises(ValueError, match=words):
        plotting.event_roll({"truth": [row]}, ["dog"], 3.0)
    assert not plt.get_fignums()


def test_detection_draws_curves_at_the_centres_the_threshold_and_bars_by_class():
    ax = plotting.detection(SCORES, ["a", "b"], 0.5, 0.65, FOUND, TRUE, window=1.0)
    curves = {line.get_label(): line for line in ax.lines}
    assert list(curves["b"].get_xdata()) == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert list(curves["b"].get_ydata()) == list(SCORES[:, 1])
    assert set(curves["threshold"].get_ydata()) == {0.65}
    assert ax.get_xlim() == (0, 2.5)
    spans = {}
    for bars in ax.collections:
        for path in bars.get_paths():
            box = path.get_extents()
            spans[round(box.x0, 2), round(box.x1, 2)] = (bars.get_hatch(), bars.get_edgecolor()[0].tolist(), box)
    assert {times: hatch for times, (hatch, *_) in spans.items()} == {(0, 1.46): "////", (0.1, 1): "", (1, 2): ""}
    assert spans[0, 1.46][1] == spans[0.1, 1][1] != spans[1, 2][1]
    assert spans[0, 1.46][2].y1 <= spans[0.1, 1][2].y0 < 0  # the output below what is true, both below the curves
    places = dict(zip([t.get_text() for t in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    for times, row in (((0, 1.46), "b"), ((0.1, 1), "b"), ((1, 2), "a")):
        assert abs(spans[times][2].y0 + spans[times][2].height / 2 - places[row]) < 0.06
    assert places["threshold 0.65"] == 0.65
    assert (places["0"], places["1"]) == (0, 1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["reference", "system"]
    plt.close("all")


def test_detection_names_the_threshold_in_place_of_a_number_near_it():
    for threshold, left in ((0.95, ["0", "threshold 0.95"]), (0.05, ["1", "threshold 0.05"])):
        ax = plotting.detection(SCORES, ["a", "b"], 0.5, threshold, [])
        assert [text.get_text() for text in ax.get_yticklabels()][:2] == left
    plt.close("all")


def test_detection_shows_the_classes_that_matter():
    def shown(threshold, events=(), reference=None, scores=None):
        scores = np.array([[0.1, 0.5, 0.2, 0.9, 0.3]] * 3) if scores is None else scores
        names = [f"c{i}" for i in range(scores.shape[1])]
        ax = plotting.detection(scores, names, 0.5, threshold, events, reference)
        plt.close("all")
        return row_names(ax)

    assert shown(0.4) == ["c1", "c3"]
    assert shown(0.95) == ["c1", "c3", "c4"]  # none passes: the highest three
    assert shown(0.95, [("c0", 0, 1)]) == ["c0"]
    assert shown(0.4, [("c0", 0, 1)], [("c2", 0, 1)]) == ["c0", "c1", "c2", "c3"]
    many = np.linspace(0.5, 0.9, 20)[np.newaxis]
    assert shown(0.1, scores=many) == [f"c{i}" for i in range(14, 20)]  # six at most,
    assert len(shown(0.1, [(f"c{i}", 0, 1) for i in range(10)], scores=many)) == 10  # or all that have events
    assert shown(0.5, scores=np.zeros((0, 2))) == ["c0", "c1"]


def test_detection_tells_classes_apart_without_colour():
    ax = plotting.detection(np.full((4, 9), 0.5), list("abcdefghi"), 0.5, 0.4, [(c, 0, 1) for c in "abcdefghi"])
    looks = {(line.get_marker(), line.get_linestyle()) for line in ax.lines if line.get_label() in "abcdefghi"}
    assert len(looks) == 9
    plt.close("all")


@pytest.mark.parametrize(
    ("scores", "found", "words"),
    [(SCORES[:, :1], FOUND, r"Expected scores of shape \(n_windows, 2\)"), (SCORES, [("c", 0, 1)], "No such class: c")],
)
def test_detection_of_what_is_none(scores, found, words):
    with pytest.raises(ValueError, match=words):
        plotting.detection(scores, ["a", "b"], 0.5, 0.5, found)
    assert not plt.get_fignums()


def test_names_are_taken_by_position():
    names, rows = ["a", "b"], pd.Series(["a", "b"], index=[1, 0])
    for draw in (
        lambda labels: plotting.top_scores(labels, pd.Series([0.5, 0.1], index=[1, 0])),
        lambda labels: plotting.scores_over_time(OVER_TIME, labels, 0.5),
        lambda labels: plotting.detection(SCORES, labels, 0.5, 0.2, [("a", 0.0, 1.0)]),
        lambda labels: plotting.event_roll({"truth": [("a", 0.0, 1.0)]}, labels, 3.0),
    ):
        first, second = draw(names), draw(rows)
        assert plotting.in_words(first) == plotting.in_words(second)
        assert [t.get_text() for t in first.get_yticklabels()] == [t.get_text() for t in second.get_yticklabels()]
        assert {"a", "b"} == set(row_names(second))
    plt.close("all")


def test_samples_that_are_integers_are_refused():
    with pytest.raises(TypeError, match=r"got int16\. Divide 16-bit samples by 32768"):
        plotting.waveform((32767 * SAMPLES).astype(np.int16), 16000)
    assert not plt.get_fignums()


def tone(frequency: float, start: float = 0.0) -> np.ndarray:
    """Three seconds of a tone that begins at ``start`` seconds, with its largest sample at 2 s."""
    time = np.arange(48000) / 16000
    samples = np.where(time >= start, np.sin(2 * np.pi * frequency * time) / 4, 0)
    samples[32000] = 0.8
    return samples


def bands(*places: int) -> np.ndarray:
    """A log-mel spectrogram of 96 frames whose highest band is one place after the other."""
    return np.concatenate([np.eye(64)[[place] * (96 // len(places))] for place in places])


def history(**measures):
    return SimpleNamespace(history=measures)


def spans(*events) -> pd.DataFrame:
    return pd.DataFrame(list(events), columns=["label", "onset", "offset"])


def accuracies(**values) -> pd.DataFrame:
    table = pd.DataFrame({"accuracy": values})
    table.loc["average"] = table["accuracy"].mean()
    return table


def counts(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, index=["cat", "dog"], columns=["cat", "dog"])


NAMES = ["a", "b"]
OVER_TIME = SCORES
TWENTY = spans(*(("dog", i, i + 0.5) for i in range(20)))
SAID = [
    (lambda: plotting.waveform(tone(440), 16000), "3 s: the largest amplitude, 0.8, is at 2 s"),
    (lambda: plotting.waveform(-tone(440)[::-1], 16000), "the largest amplitude, 0.8, is at 1 s"),
    (lambda: plotting.waveform(tone(440, 2.1), 16000), "the level is highest in the last third"),
    (lambda: plotting.waveform(tone(440, 2.1)[::-1], 16000), "the level is highest in the first third"),
    (lambda: plotting.waveform(np.zeros(800), 16000), "0.05 s: silence."),
    (lambda: plotting.spectrogram(np.r_[tone(440), tone(2000), tone(440)], 16000), "kHz in the first third, 2 kHz in"),
    (lambda: plotting.spectrogram(np.r_[tone(2000), tone(440)], 16000), "2 kHz in the first third, "),
    (lambda: plotting.spectrogram(np.zeros(16000), 16000), "the same everywhere"),
    (
        lambda: plotting.log_mel(bands(3, 9, 60)),
        "band 0.25 kHz in the first third, 0.47 kHz in the middle third, 6.4 kHz in the last third",
    ),
    (
        lambda: plotting.log_mel(bands(60, 9, 3)),
        "band 6.4 kHz in the first third, 0.47 kHz in the middle third, 0.25 kHz in the last third",
    ),
    (lambda: plotting.log_mel(np.eye(96, 1, -40) * np.ones(64)), "loudest at 0.4 s"),
    (lambda: plotting.log_mel(np.zeros((2, 64))), "the same everywhere"),
    (lambda: plotting.top_scores(NAMES, [0.5, 0.123456]), "highest first: a 0.5, b 0.123."),
    (lambda: plotting.top_scores(NAMES, [0.1, 0.7]), "highest first: b 0.7, a 0.1."),
    (lambda: plotting.top_scores(range(14), np.arange(14) / 14), "2 0.143, and 2 more."),
    (lambda: plotting.scores_over_time(OVER_TIME, NAMES, 0.5), ": b 0.9 (0 to 1, 1.5 to 2), a 0.3 (0.5 to 1)."),
    (lambda: plotting.scores_over_time(OVER_TIME[:, ::-1], NAMES, 1, offset=3), ": a 0.9 (3 to 5, 6 to 7), b 0.3 (4"),
    (
        lambda: plotting.scores_over_time(np.eye(2).repeat(3, 0)[[0, 3] * 3], NAMES, 1),
        "a 1 (3 times from 0 to 5), b",
    ),
    (lambda: plotting.scores_over_time(np.zeros((4, 2)), NAMES, 1), ": a 0 (none), b 0 (none)."),
    (lambda: plotting.embedding(np.array([0, 0, 2.5, 1])), "4 values: 50% are 0; the highest, 2.5, is dimension 2."),
    (lambda: plotting.embedding(np.array([3, 0, 2.5, 1])), "25% are 0; the highest, 3, is dimension 0."),
    (
        lambda: plotting.learning_curves(history(loss=[1.2, 0.5, 0.3], val_loss=[1.0, 0.4, 0.6])),
        "loss over epoch: training starts at its highest 1.2 at 1, falls to its lowest 0.3 at 3; "
        "validation starts at its highest 1 at 1, falls to its lowest 0.4 at 2, rises to 0.6 at 3.",
    ),
    (
        lambda: plotting.learning_curves(history(accuracy=[0.3, 0.5, 0.9, 0.8]), "accuracy"),
        "accuracy over epoch: training starts at its lowest 0.3 at 1, rises to its highest 0.9 at 3, falls to 0.8 at 4",
    ),
    (lambda: plotting.learning_curves(history(loss=[0.5])), "training is 0.5 throughout."),
    (lambda: plotting.learning_curves(history(loss=[np.nan])), "training has no values."),
    (lambda: plotting.learning_curves(history(loss=[1, 0, 0])), "falls to its lowest 0 at 2, ends at its lowest 0 at"),
    (
        lambda: plotting.curves(TUNED),
        "F starts at its lowest 0.2 at 0.1, rises to its highest 0.6 at 0.5, falls to 0.4",
    ),
    (lambda: plotting.curves(1 - TUNED), "F starts at its highest 0.8 at 0.1, falls to its lowest 0.4 at 0.5, rises"),
    (lambda: plotting.curves(TUNED, yerr=[0.1, 0.02, 0.1]), "Error bars reach 0.02 to 0.1 to either side."),
    (lambda: plotting.curves(TUNED, thin=["dog"]), "Thin lines, each at its highest: dog 0.9."),
    (lambda: plotting.class_bars(accuracies(cat=0.5, dog=1)), "highest first: dog 1, cat 0.5. A line at 0.75: average"),
    (lambda: plotting.class_bars(accuracies(cat=1, dog=0.2)), "highest first: cat 1, dog 0.2. A line at 0.6: average"),
    (lambda: plotting.class_bars(accuracies(cat=1, dog=np.nan)), "highest first: cat 1. A line at 1: average 1.00."),
    (lambda: plotting.curves(TUNED, levels={"chance": 0.1}), "falls to 0.3 at 0.9. A line at 0.1: chance."),
    (lambda: plotting.curves(TUNED, at=(0.57, "chosen")), "falls to 0.3 at 0.9. A line at 0.57: chosen."),
    (lambda: plotting.dot_plot(DOTS), "Dots, values: b mean 0.6; maximum 0.9, a mean 0.2; maximum 0.5."),
    (lambda: plotting.dot_plot(DOTS, sort=False, xlabel="score"), "Dots, score: a mean 0.2; maximum 0.5, b mean"),
    (
        lambda: plotting.dot_plot(DOTS["mean"], low=DOTS["mean"] - 0.1, high=DOTS["maximum"], baseline=(0.5, "half")),
        "b 0.6 (0.5 to 0.9), a 0.2 (0.1 to 0.5). A line at 0.5: half.",
    ),
    (lambda: plotting.dot_plot(DOTS.mask(DOTS < 0.55)), "b mean 0.6; maximum 0.9, a none."),
    (
        lambda: plotting.histogram([1, 2, 2, np.nan, 4], bins=[0, 1.5, 3, 4.5], xlabel="length (s)"),
        "Histogram of 4 events by length (s): most, 2, from 1.5 to 3; half of them are below 2, all from 1 to 4.",
    ),
    (lambda: plotting.histogram([], bins=3, xlabel="s", ylabel="clips"), "Histogram of 0 clips by s: no values."),
    (
        lambda: plotting.confusion_matrix(counts([[7, 1], [3, 5]])),
        "12 of 16 are on the diagonal. Errors: dog taken for",
    ),
    (lambda: plotting.confusion_matrix(counts([[7, 1], [0, 8]])), "Errors: cat taken for dog 1."),
    (lambda: plotting.confusion_matrix(counts([[8, 0], [0, 8]])), "Errors: none."),
    (
        lambda: plotting.detection(SCORES, NAMES, 0.5, 0.25, FOUND, TRUE, window=1.0),
        "Highest scores by class: a 0.3 at 1 s, b 0.9 at 1 s. Events of reference in seconds, 2: b 0.1 to 1, a 1 to 2. "
        "Events of system in seconds, 1: b 0 to 1.46. A line at 0.25: threshold.",
    ),
    (
        lambda: plotting.detection(SCORES, NAMES, 0.5, 0.95, []),
        "b 0.9 at 0.98 s. Events of system in seconds, 0: none.",
    ),
    (lambda: plotting.event_roll({"truth": EVENTS}, NAMES, 3), "Events of truth in seconds, 0: none."),
    (lambda: plotting.event_roll({"truth": EVENTS}, ["cat", "dog"], 3), "2: dog 0 to 1, cat 2 to 2.5."),
    (lambda: plotting.event_roll({"truth": TWENTY, "system": spans()}, ["dog"], 9), "7 to 7.5, and 12 more. Events of"),
    (lambda: plotting.event_roll({"truth": TWENTY, "system": spans()}, ["dog"], 9), "system in seconds, 0: none."),
]


@pytest.mark.parametrize(("draw", "said"), SAID)
def test_in_words(draw, said):
    ax = draw()
    words = plotting.in_words(ax)
    assert said in words
    assert len(words) < 500
    assert plotting.in_words(ax.figure) == words
    ax.clear()
    assert plotting.in_words(ax) == ""
    plt.close("all")


def test_every_drawing_is_put_into_words():
    for draw, *_ in DRAWINGS.values():
        assert len(plotting.in_words(draw(None))) > 30
    assert {name for name in DRAWINGS if any(name in draw.__code__.co_names for draw, _ in SAID)} == set(DRAWINGS)
    plt.close("all")


def test_words_of_a_figure_are_those_of_its_axes_in_order_with_titles_and_lines():
    figure, (left, middle, right) = plt.subplots(1, 3)
    left.set_title("no words without a drawing")
    plotting.top_scores(["a"], [0.5], ax=middle)
    plotting.curves(TUNED[["F"]], ax=right)
    middle.axvline(0.25, label="chance")
    right.axhline(0.125, label="half")
    right.axhline(0.5)
    right.axline((0, 0), (1, 1), label="a diagonal")
    right.set(title="Tuning", xscale="log")
    words = plotting.in_words(figure)
    assert words.startswith(
        "Scores, highest first: a 0.5. A line at 0.25: chance. Tuning: Curves over threshold: F starts"
    )
    assert words.endswith("falls to 0.4 at 0.9. A line at 0.125: half.")
    plt.close("all")


def test_curves_are_told_apart_without_colour():
    table = pd.DataFrame(np.arange(12).reshape(2, 6))
    ax = plotting.curves(table)
    looks = {(line.get_marker(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 6
    hatches = {c.get_hatch() for c in plotting.event_roll(dict.fromkeys("abcd", EVENTS), ["cat"], 3).collections}
    assert len(hatches - {None}) == 4
    dots = plotting.dot_plot(pd.DataFrame(np.eye(4)))
    assert len({line.get_marker() for line in dots.lines if len(line.get_xdata()) == 4}) == 4
    plt.close("all")


def test_more_than_can_be_told_apart_is_an_error():
    table = pd.DataFrame(np.arange(14).reshape(2, 7))
    with pytest.raises(ValueError, match=r"7 curves are too many .* thin=\[...\]"):
        plotting.curves(table)
    with pytest.raises(ValueError, match="7 curves are too many"):
        plotting.curves(table.iloc[:, :5], levels={"a": 1, "b": 2})
    with pytest.raises(ValueError, match="5 lists of events are too many"):
        plotting.event_roll(dict.fromkeys("abcde", EVENTS), ["cat"], 3)
    assert not plt.get_fignums()


DOT_ERRORS = [
    (pd.DataFrame(np.eye(5)), {}, r"5 columns are too many .* dot_plot\(table\[\[...\]\]\), .* dot_plot\(table.T\)"),
    (DOTS[[]], {}, "There is nothing to draw"),
    (DOTS[:0], {}, "There is nothing to draw"),
    (DOTS, {"low": DOTS}, "give both low and high, or neither"),
    (DOTS, {"low": DOTS, "high": DOTS["mean"]}, r"the shapes are \(2, 2\), \(2, 2\) and \(2, 1\)"),
    (DOTS, {"low": DOTS, "high": DOTS[::-1]}, "low and high need the rows"),
]


@pytest.mark.parametrize(("table", "more", "words"), DOT_ERRORS)
def test_dot_plot_of_what_it_cannot_draw(table, more, words):
    with pytest.raises(ValueError, match=words):
        plotting.dot_plot(table, **more)
    assert not plt.get_fignums()


def test_dot_plot_draws_values_intervals_and_lines():
    low, high = DOTS - 0.1, DOTS + 0.2
    ax = plotting.dot_plot(DOTS, low=low, high=high, baseline=(0.4, "always on 0.40"))
    for name, line in zip(DOTS, ax.lines, strict=False):
        assert line.get_label() == name
        assert list(line.get_xdata()) == list(DOTS[name][::-1])  # the highest of the first column on top
    spans = [tuple(segment[:, 0]) for bars in ax.collections for segment in bars.get_segments()]
    wanted = [(low.loc[row, name], high.loc[row, name]) for name in DOTS for row in "ba"]
    assert spans == [pytest.approx(span) for span in wanted]
    assert [line.get_xdata() for line in ax.lines if line.get_label() == "always on 0.40"] == [[0.4, 0.4]]
    assert row_names(ax) == ["b", "a"]
    assert "always on 0.40" in texts(ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(DOTS)
    assert 0 < ax.get_xlim()[0] < 0.1 < 1.1 < ax.get_xlim()[1]
    assert plotting.dot_plot(DOTS, zero=True).get_xlim()[0] == 0
    plt.close("all")


def test_dot_plot_of_one_column_writes_its_values_and_of_differences_their_signs():
    ax = plotting.dot_plot(DOTS["mean"])
    assert texts(ax) == ["0.60", "0.20"]
    assert ax.get_legend() is None
    change = pd.Series([0.012, -0.02], index=["a long name that stands above", "b"])
    ax = plotting.dot_plot(change, low=change - 0.01, high=change + 0.01)
    assert [text for text in texts(ax) if text] == ["+0.012", "\N{MINUS SIGN}0.020"]
    (first, second) = (line.get_ydata() for line in ax.lines if list(line.get_xdata()) == [0, 0])
    assert min(first) > max(second)  # a line at 0, which the name of the second row interrupts
    assert "A line" not in plotting.in_words(ax)
    plt.close("all")


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.945, 0.938, 0.925], "0.945 0.938 0.925"),
        ([0.945, 0.2, 0.204], "0.945 0.200 0.204"),
        ([0.5, 0.25, 0.25], "0.50 0.25 0.25"),
        ([1, 1], "1.00 1.00"),
        ([0.98, 0.5, 0.0031], "0.98 0.50 0.003"),
        ([1.25, 3.5, 12.5], "1.2 3.5 12.5"),
        ([40, 85], "40 85"),
        ([0.05], "0.050"),
        ([0, 0], "0.00 0.00"),
    ],
)
def test_values_have_the_digits_that_tell_them_apart(values, written):
    assert texts(plotting.dot_plot(pd.Series(values), sort=False)) == written.split()
    names = [str(i) for i in range(len(values))]
    scores = sorted(values, reverse=True)
    assert sorted(texts(plotting.top_scores(names, scores))) == sorted(written.split())
    plt.close("all")


def test_a_value_that_is_missing_is_not_written():
    assert texts(plotting.dot_plot(pd.Series([0.5, np.nan, 0.1]))) == ["0.50", "0.10", ""]
    plt.close("all")


def test_of_dots_that_would_cover_each_other_only_these_are_moved():
    table = pd.DataFrame({"one": [0.5, 0.9], "two": [0.5, 0.1], "three": [0.8, 0.5]}, index=["a", "b"])
    one, two, three, *_ = (line.get_ydata() for line in plotting.dot_plot(table, sort=False).lines)
    assert one[0] < three[0] < two[0]
    assert three[0] == pytest.approx((one[0] + two[0]) / 2)  # in its row
    assert one[1] == two[1] == three[1]
    alike = plotting.dot_plot(pd.DataFrame({"one": [0.5], "two": [0.5]})).lines
    assert alike[0].get_ydata() != alike[1].get_ydata()
    plt.close("all")


def test_intervals_of_a_row_do_not_lie_on_each_other():
    for names in (["a", "b"], ["a name that stands above", "b"]):
        figure, ax = plt.subplots(figsize=(6.4, 1.6), layout="constrained")
        table = DOTS.set_axis(names)
        plotting.dot_plot(table, low=table - 0.1, high=table + 0.1, ax=ax)
        figure.draw_without_rendering()
        places = np.array([lines.get_segments() for lines in ax.collections])[:, :, 0]  # of column, row
        points = ax.transData.transform(places.reshape(-1, 2))[:, 1].reshape(2, 2) * 72 / figure.dpi
        assert (np.abs(np.diff(points, axis=0)) > 4).all()
    plt.close("all")


def test_class_bars_are_sorted_and_have_intervals():
    table = TABLE.assign(**{"from": [0.8, 0.3, 0.6], "to": [1.0, 0.7, 0.9]}).loc[["dog", "cat", "average"]]
    ax = plotting.class_bars(table)
    assert [bar.get_width() for bar in ax.patches] == [1, 0.5]
    assert row_names(ax) == ["cat", "dog"]
    assert {"1.00", "0.50", "average 0.75"} <= set(texts(ax))
    assert [tuple(segment[:, 0]) for segment in ax.collections[0].get_segments()] == [(0.8, 1.0), (0.3, 0.7)]
    plt.close("all")


def test_confusion_matrix_leaves_zeros_blank():
    ax = plotting.confusion_matrix(MATRIX)
    assert sorted(name for name in texts(ax) if name.isdigit()) == ["1", "7", "8"]
    assert ax.collections[0].get_array().mask.ravel().tolist() == [False, False, True, False]
    colours = ax.collections[0].get_facecolor()
    assert (colours[0][:3] == colours[3][:3]).all()
    assert colours[3][3] > colours[0][3] > colours[1][3] > colours[2][3] == 0
    assert (colours[0][:3] != colours[1][:3]).any()
    named = ax.get_xticklabels()
    assert named[0].get_rotation() == 0
    long = pd.DataFrame(np.eye(10), *[[f"crying_{name}" for name in "abcdefghij"]] * 2)
    assert plotting.confusion_matrix(long).get_xticklabels()[0].get_rotation() == 45
    plt.close("all")


@pytest.mark.parametrize("highest", [0.42, 0.05, 0.98, 1, 0.11])
def test_bars_of_scores_are_sorted_and_their_axis_ends_near_the_highest(highest):
    ax = plotting.top_scores(["low", "high"], [0.0, highest])
    assert ax.get_xlim()[0] == 0
    assert highest <= ax.get_xlim()[1] < 1.06 * highest
    assert row_names(ax) == ["high", "low"]
    assert texts(plotting.top_scores(["a"], [0])) == ["0.00"]
    plt.close("all")


def test_long_names_are_shortened_where_they_have_no_room():
    long = ["Inside, small room or hall", "Inside, large room or hall", "Speech"]
    assert row_names(plotting.top_scores(long, [0.3, 0.2, 0.1])) == long
    assert row_names(plotting.scores_over_time(np.ones((4, 3)), long, 0.5)) == [
        "Inside, small…",
        "Inside, large…",
        "Speech",
    ]
    alike = ["Bird vocalization, bird call", "Bird vocalization, bird song"]
    assert row_names(plotting.scores_over_time(np.ones((4, 2)), alike, 0.5)) == alike
    plt.close("all")


def test_names_at_the_ends_of_curves_do_not_cover_each_other():
    table = pd.DataFrame({name: [0.1, 0.5 + i / 1000] for i, name in enumerate(["a", "b", "long name of two lines"])})
    ax = plotting.curves(table)
    ax.set_ylim(0, 1)
    ax.figure.canvas.draw()
    boxes = sorted((text.get_window_extent() for text in ax.texts if text.get_text() != ""), key=lambda box: box.y0)
    assert len(boxes) == 3
    assert all(lower.y1 <= upper.y0 + 1 for lower, upper in itertools.pairwise(boxes))
    height = ax.bbox.height
    assert all(abs(box.y0 + box.height / 2 - (ax.bbox.y0 + height / 2)) < height / 3 for box in boxes)
    plt.close("all")


def test_a_spectrogram_has_its_ticks_where_the_bands_are():
    ax = plotting.log_mel(np.zeros((96, 64)))
    marks = dict(zip([text.get_text() for text in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    centres = librosa.mel_frequencies(66, fmin=125, fmax=7500, htk=True)[1:-1]
    assert list(marks) == ["0.5", "1", "2", "4"]
    for name, place in marks.items():
        assert np.interp(place, np.arange(64), centres) == pytest.approx(1000 * float(name), rel=0.01)
    plt.close("all")


@pytest.mark.parametrize("more", [{}, {"at": (0.4, "chosen")}])
def test_the_name_of_the_y_axis_stands_level_above_it_and_a_title_above_that(more):
    with plt.style.context("course_utils.course"):
        ax = plotting.curves(TUNED, ylabel="score", **more)
        ax.set_title("hard targets")
        drawn = plotting.as_svg(ax.figure)
        ax.set_ylabel("accuracy")
        renamed = plotting.as_svg(ax.figure)
    said = list(ElementTree.fromstring(drawn).iter(TEXT))
    places = [text.get("y") or text.get("transform").split()[1].strip(")") for text in said]
    heights = {text.text: float(place) for text, place in zip(said, places, strict=True)}
    rows = ["hard targets", "score", *(["chosen"] if more else []), "0.8"]
    assert all(heights[upper] < heights[lower] - 14.4 for upper, lower in itertools.pairwise(rows[:-1]))
    assert heights[rows[-2]] < heights["0.8"]
    assert ">accuracy</text>" in renamed
    assert "rotate" not in renamed
    plt.close("all")


def test_a_single_curve_of_what_the_axis_says_has_no_name():
    assert texts(plotting.curves(TUNED[["F"]], ylabel="F")) == []
    assert texts(plotting.curves(TUNED[["F"]], ylabel="score")) == ["F"]
    assert texts(plotting.curves(TUNED[["F"]], ylabel="F", levels={"chance": 0.3})) == ["chance"]
    plt.close("all")


def test_an_unknown_measure_is_an_error():
    with pytest.raises(KeyError, match="precision"):
        plotting.learning_curves(HISTORY, "precision")
    plt.close("all")


def test_thin_curves_look_like_the_last_and_have_no_name():
    ax = plotting.curves(TUNED.assign(better=0.5), thin=["dog"])
    assert texts(ax) == ["F", "better"]
    f, better, dog = ax.lines
    assert dog.get_color() == better.get_color() != f.get_color()
    assert dog.get_linewidth() < better.get_linewidth()
    plt.close("all")


@pytest.mark.parametrize(("table", "thin"), [(TUNED, list(TUNED)), (TUNED[[]], ())])
def test_no_curve_is_an_error(table, thin):
    with pytest.raises(ValueError, match="There is no curve to draw"):
        plotting.curves(table, thin=thin)
    assert not plt.get_fignums()


TEN = [*"abcdefghi", "crying_baby"]
LARGE = {
    "waveform": lambda ax: plotting.waveform(NOISE, 32000, ax=ax),
    "spectrogram": lambda ax: plotting.spectrogram(NOISE, 32000, ax=ax),
    "log_mel": lambda ax: plotting.log_mel(np.random.default_rng(0).normal(size=(1000, 64)), ax=ax),
    "scores_over_time": lambda ax: plotting.scores_over_time(np.random.default_rng(0).random((1000, 6)), TEN[4:], 0.01),
    "detection": lambda ax: plotting.detection(np.random.default_rng(0).random((100, 10)), TEN, 0.1, 0.5, FOUND),
    "confusion_matrix": lambda ax: plotting.confusion_matrix(pd.DataFrame(np.ones((10, 10), int), TEN, TEN), ax=ax),
    "event_roll": lambda ax: plotting.event_roll(dict.fromkeys(["truth", *"abc"], TWENTY), ["dog"], 20, ax=ax),
    "dot_plot": lambda ax: plotting.dot_plot(pd.DataFrame(np.random.default_rng(0).random((10, 4)), TEN), ax=ax),
}
NOISE = np.random.default_rng(0).normal(0, 0.1, 320000).astype(np.float32)


def test_nothing_is_outside_a_picture():
    for draw in [*(value[0] for value in DRAWINGS.values()), *LARGE.values()]:
        with plt.style.context("course_utils.course"):
            figure = draw(None).figure
            figure.draw_without_rendering()
            inches = figure.get_tightbbox()
            wide, high = figure.get_size_inches()
        assert inches.x0 > -0.02
        assert inches.y0 > -0.02
        assert inches.x1 < wide + 0.02
        assert inches.y1 < high + 0.02
        plt.close("all")
    plt.close("all")


def test_the_style_and_the_module_have_the_same_colours():
    with plt.style.context("course_utils.course"):
        assert tuple(plt.rcParams["axes.prop_cycle"].by_key()["color"]) == plotting.CURVES
        assert plt.rcParams["svg.hashsalt"] == svg.STYLE
        assert plt.rcParams["figure.figsize"][0] == plotting.WIDTH
        assert plt.rcParams["font.size"] == 14.4
        assert plt.rcParams["text.color"] == plotting.CURVES[-1]

"""Every drawing takes an Axes and returns it, draws one thing, and names its axes."""

import html
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest

from course_utils import events, plotting

SAMPLES = np.sin(np.arange(32000) / 10).astype(np.float32)
EVENTS = pd.DataFrame([("dog", 0.0, 1.0), ("cat", 2.0, 2.5)], columns=["label", "onset", "offset"])
TABLE = pd.DataFrame({"n": [8, 8, 16], "accuracy": [1.0, 0.5, 0.75]}, index=["cat", "dog", "average"])
HISTORY = SimpleNamespace(history={"loss": [1.0, 0.5], "val_loss": [1.0, 0.8]})
TUNED = pd.DataFrame({"F": [0.2, 0.6, 0.4], "dog": [0.1, 0.9, 0.3]}, pd.Index([0.1, 0.5, 0.9], name="threshold"))
MATRIX = pd.DataFrame([[7, 1], [0, 8]], pd.Index(["a", "b"], name="true class"), pd.Index(["a", "b"], name="predicted"))
SCORES = np.array([[0.1, 0.8], [0.3, 0.9], [0.1, 0.2], [0.0, 0.7]])
FOUND, TRUE = [("b", 0.0, 1.46)], [("b", 0.1, 1.0), ("a", 1.0, 2.0)]

DRAWINGS = {
    "waveform": (lambda ax: plotting.waveform(SAMPLES, 16000, ax=ax), "time (s)", "amplitude"),
    "spectrogram": (lambda ax: plotting.spectrogram(SAMPLES, 16000, ax=ax), "time (s)", "frequency (kHz)"),
    "log_mel": (lambda ax: plotting.log_mel(np.zeros((96, 64)), ax=ax), "time (s)", "mel band"),
    "top_scores": (lambda ax: plotting.top_scores(["a", "b"], [0.5, 0.1], ax=ax), "score", ""),
    "scores_over_time": (lambda ax: plotting.scores_over_time(np.eye(3), ["a", "b", "c"], 0.5, ax=ax), "time (s)", ""),
    "embedding": (lambda ax: plotting.embedding(np.ones(1024), ax=ax), "dimension", "value"),
    "curves": (lambda ax: plotting.curves(TUNED, ax=ax, ylabel="score"), "threshold", "score"),
    "learning_curves": (lambda ax: plotting.learning_curves(HISTORY, ax=ax), "epoch", "loss"),
    "class_bars": (lambda ax: plotting.class_bars(TABLE, ax=ax), "", "accuracy"),
    "confusion_matrix": (lambda ax: plotting.confusion_matrix(MATRIX, ax=ax), "predicted", "true class"),
    "detection": (lambda ax: plotting.detection(SCORES, ["a", "b"], 0.5, 0.5, FOUND, TRUE, ax=ax), "time (s)", "score"),
    "event_roll": (lambda ax: plotting.event_roll({"truth": EVENTS}, ["cat", "dog"], 3.0, ax=ax), "time (s)", ""),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing(name):
    draw, xlabel, ylabel = DRAWINGS[name]
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
    assert public - {"in_words", "as_svg"} == set(DRAWINGS)


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
            spans[round(box.x0, 2), round(box.x1, 2)] = (bars.get_hatch(), bars.get_facecolor()[0].tolist(), box)
    assert {times: hatch for times, (hatch, *_) in spans.items()} == {(0, 1.46): "////", (0.1, 1): "", (1, 2): ""}
    assert spans[0, 1.46][1] == spans[0.1, 1][1] != spans[1, 2][1]
    assert spans[0, 1.46][2].y1 <= spans[0.1, 1][2].y0 < 0  # the output below what is true, both below the curves
    rows = dict(zip([t.get_text() for t in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    for times, row in (((0, 1.46), "b"), ((0.1, 1), "b"), ((1, 2), "a")):
        assert abs(spans[times][2].y0 + spans[times][2].height / 2 - rows[row]) < 0.06
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "threshold", "reference", "system"]
    plt.close("all")


def test_detection_shows_the_classes_that_matter():
    def shown(threshold, events=(), reference=None, scores=None):
        scores = np.array([[0.1, 0.5, 0.2, 0.9, 0.3]] * 3) if scores is None else scores
        names = [f"c{i}" for i in range(scores.shape[1])]
        ax = plotting.detection(scores, names, 0.5, threshold, events, reference)
        plt.close("all")
        return [text.get_text() for text in ax.get_yticklabels()[3:]]

    assert shown(0.4) == ["c1", "c3"]
    assert shown(0.95) == ["c1", "c3", "c4"]  # none passes: the highest three
    assert shown(0.95, [("c0", 0, 1)]) == ["c0"]
    assert shown(0.4, [("c0", 0, 1)], [("c2", 0, 1)]) == ["c0", "c1", "c2", "c3"]
    many = np.linspace(0.5, 0.9, 20)[np.newaxis]
    assert shown(0.1, scores=many) == [f"c{i}" for i in range(12, 20)]  # eight at most,
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
        assert {"a", "b"} == {t.get_text() for t in second.get_yticklabels()} - {"0", "0.5", "1"}
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
        "band 3 in the first third, 9 in the middle third, 60 in the last third",
    ),
    (
        lambda: plotting.log_mel(bands(60, 9, 3)),
        "band 60 in the first third, 9 in the middle third, 3 in the last third",
    ),
    (lambda: plotting.log_mel(np.eye(96, 1, -40) * np.ones(64)), "loudest at 0.4 s"),
    (lambda: plotting.log_mel(np.zeros((2, 64))), "the same everywhere"),
    (lambda: plotting.top_scores(NAMES, [0.5, 0.123456]), "highest first: a 0.5, b 0.123."),
    (lambda: plotting.top_scores(NAMES, [0.1, 0.7]), "highest first: b 0.7, a 0.1."),
    (lambda: plotting.top_scores(range(14), np.arange(14) / 14), "2 0.143, and 2 more."),
    (lambda: plotting.scores_over_time(OVER_TIME, NAMES, 0.5), ": b 0.9 (0 to 1, 1.5 to 2), a 0.3 (0.5 to 1)."),
    (lambda: plotting.scores_over_time(OVER_TIME[:, ::-1], NAMES, 1, offset=3), ": a 0.9 (3 to 5, 6 to 7), b 0.3 (4"),
    (lambda: plotting.scores_over_time(np.eye(2).repeat(3, 0)[[0, 3] * 3], NAMES, 1), "a 1 (3 times from 0 to 5), b"),
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
    (lambda: plotting.class_bars(accuracies(cat=1, dog=np.nan)), "highest first: cat 1. A line at 1: average 1.000."),
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
    table = pd.DataFrame(np.arange(18).reshape(2, 9))
    ax = plotting.curves(table)
    looks = {(line.get_marker(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 9
    hatches = {c.get_hatch() for c in plotting.event_roll(dict.fromkeys("abcd", EVENTS), ["cat"], 3).collections}
    assert len(hatches) == 4
    plt.close("all")


def test_an_unknown_measure_is_an_error():
    with pytest.raises(KeyError, match="precision"):
        plotting.learning_curves(HISTORY, "precision")
    plt.close("all")


def test_thin_curves_look_like_the_last_and_stay_out_of_the_legend():
    ax = plotting.curves(TUNED.assign(better=0.5), thin=["dog"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["F", "better"]
    f, better, dog = ax.lines
    assert dog.get_color() == better.get_color() != f.get_color()
    assert dog.get_linewidth() < better.get_linewidth()
    plt.close("all")


@pytest.mark.parametrize(("table", "thin"), [(TUNED, list(TUNED)), (TUNED[[]], ())])
def test_no_curve_is_an_error(table, thin):
    with pytest.raises(ValueError, match="There is no curve to draw"):
        plotting.curves(table, thin=thin)
    assert not plt.get_fignums()


def test_a_notebook_shows_the_words_with_the_picture(tmp_path, monkeypatch):
    from nbclient import NotebookClient

    first = "import matplotlib.pyplot as plt\nfrom course_utils import plotting\n"
    draw = "plotting.top_scores(['<b>', 'c'], [0.5, 0.1])"
    style, own = "plt.style.use('course_utils.course')", "plt.plot([1, 2])\nplt.xlabel('dog & cat');"
    sources = (
        f"{first}{draw};",
        "plt.plot([1, 2]);",
        f"figure = {draw}.figure\nplt.close()\nfigure",
        f"%config InlineBackend.figure_formats = ['retina']\n{draw};",
        f"{draw}\n{draw};",
        "plt.figure();",
        f"%config InlineBackend.figure_formats = ['svg']\n{draw};",
        "plt.plot([1, 2]);",
        f"{style}\n{own}",
        "plt.figure();",
    )
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="python3", extra_arguments=["--log-level=ERROR"]).execute()
    outputs = [[output.data for output in cell.outputs] for cell in notebook.cells]
    drawn, plain, shown, retina, two, empty, vector, other, styled, nothing = outputs
    words = "Scores, highest first: <b> 0.5, c 0.1."
    for data in (*drawn, *shown, *retina, *two, *vector):
        assert data["text/plain"] == words
        assert set(data) == {"text/plain", "text/html"}
        assert data["text/html"].startswith(f'<svg role="img" aria-label="{html.escape(words)}" ')
        assert data["text/html"].count("<svg") == 1
    assert [len(cell) for cell in outputs] == [1, 1, 1, 1, 2, 1, 1, 1, 1, 1]
    assert set(plain[0]) == {"text/plain", "image/png"}
    assert set(other[0]) == {"text/plain", "image/svg+xml"}  # as %config has asked for
    assert plain[0]["text/plain"].startswith("<Figure size")
    assert set(empty[0]) == set(nothing[0]) == {"text/plain"}
    assert set(styled[0]) == {"text/plain", "text/html"}  # in the course's style, though nobody has described it
    assert styled[0]["text/html"].startswith('<svg role="img" aria-label="A plot. dog &amp; cat" ')

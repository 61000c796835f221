"""Questions, and the explorers driven from Python. (That they move in JupyterLab is test_lab's business.)"""

import base64
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from course_utils import assets, audio, datasets, evaluation, features, models, widgets
from course_utils.events import events_from_scores

CLASSES = list(datasets.ANIMALS)
HOP = 0.096


@pytest.fixture
def live(monkeypatch):
    """As if a notebook ran."""
    monkeypatch.setattr(widgets, "_has_front_end", lambda: True)


@pytest.fixture
def mixture(embedded):
    return datasets.metro_mixture(datasets.metro_recipe())


@pytest.fixture(scope="module")
def scores():
    return np.random.default_rng(0).dirichlet(np.full(10, 0.2), 74)


@pytest.fixture(scope="module")
def animals():
    return datasets.esc50_metadata().query("category in @CLASSES").reset_index(drop=True)


class Tagger:
    """What `compare_taggers` needs of PANNs."""

    name = "a tagger <for tests>"
    labels = datasets.audioset_labels()["display_name"].to_list()

    def __init__(self):
        self.calls = []

    def inference(self, batch):
        assert batch.shape[1] >= 32000
        self.calls.append(batch.shape[1])
        return np.linspace(0, 1, 527)[np.newaxis], np.zeros((1, 2048))


# --- questions ---


@pytest.fixture
def question(monkeypatch):
    no = {"text": "one", "right": False, "why": "There is another."}
    yes = {"text": "two", "right": True, "why": "One and one."}
    monkeypatch.setattr(widgets, "quizzes", lambda: {"count": {"question": "How many?", "choices": [no, yes]}})


@pytest.mark.parametrize("name", list(widgets.quizzes()))
def test_each_question_has_one_right_choice_and_a_reason_for_each(name):
    asked = widgets.quizzes()[name]
    assert set(asked) == {"question", "choices"}
    assert 3 <= len(asked["choices"]) <= 4
    assert sum(choice["right"] for choice in asked["choices"]) == 1
    assert all(set(choice) == {"text", "right", "why"} and len(choice["why"]) > 20 for choice in asked["choices"])
    page = widgets.quiz(name)._repr_html_()
    assert page.count(f'<details name="quiz-{name}"') == len(asked["choices"])
    assert page.count("✓ Right.") == 1
    assert not re.search("<details [^>]* open ", page)


def test_questions_of_the_notebooks_exist():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for name in re.findall(r"widgets\.quiz\(\\?[\"']([\w-]+)", path.read_text(encoding="utf-8")):
            assert name in widgets.quizzes(), path.name


def test_quiz_escapes_and_shows_code(monkeypatch):
    choices = [{"text": "`a < b` & c", "right": True, "why": "<b>"}, {"text": "x", "right": False, "why": "y"}]
    monkeypatch.setattr(widgets, "quizzes", lambda: {"q": {"question": "Is `1 < 2`?", "choices": choices}})
    page = widgets.quiz("q")._repr_html_()
    assert "<code>a &lt; b</code> &amp; c" in page
    assert "&lt;b&gt;" in page
    assert "<script" not in page
    ElementTree.fromstring(page.replace(" open ", " "))  # every tag is closed


def test_quiz_in_a_terminal(question):
    lines = ["How many?", "a) one", "b) two", "To see what a choice means: widgets.quiz('count', 'a')"]
    assert repr(widgets.quiz("count")).splitlines() == lines
    assert repr(widgets.quiz("count", "a")) == "a) one\nNot so. There is another."
    assert repr(widgets.quiz("count", "b")) == "b) two\nRight. One and one."


def test_quiz_opens_a_choice(question):
    page = widgets.quiz("count", "b")._repr_html_()
    assert re.findall(r"<details [^>]*? open [^>]*><summary[^>]*>(.)\)", page) == ["b"]


def test_quiz_says_what_there_is(question):
    with pytest.raises(ValueError, match="there are count"):
        widgets.quiz("nonsense")
    with pytest.raises(ValueError, match="there are a, b"):
        widgets.quiz("count", "z")


# --- explorers ---


def test_nothing_moves_without_a_notebook(mixture, scores, capsys):
    assert widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6) is None
    said = capsys.readouterr().out
    assert "Reference: dog 0.00 to 0.80 s" in said
    assert "segment-based" in said
    assert "open the notebook in JupyterLab" in said


def test_static_state_has_a_picture_with_words(mixture, scores, live, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6)
    (static,) = shown
    assert "As it stands at the start" in static._repr_html_()
    picture = re.search(
        r'<img alt="Event roll\. Reference: dog .*?src="data:image/svg\+xml;base64,([^"]+)"', static.page
    )
    ElementTree.fromstring(base64.b64decode(picture[1]))


def test_detector_explorer_is_the_detector(mixture, scores, live):
    box = widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6)
    threshold, window, hop, roll, table = box.children[1:]
    assert [slider.description for slider in (threshold, window, hop)] == ["threshold", "window (s)", "hop (s)"]
    threshold.value, hop.value, window.value = 0.35, 2 * HOP, 0.96 + 3 * HOP
    means = np.stack([scores[i : i + 4].mean(axis=0) for i in range(0, 71, 2)])
    events = events_from_scores(means, CLASSES, 2 * HOP, 0.96 + 3 * HOP, 0.35)
    assert events["offset"].max() <= mixture.duration
    svg = ElementTree.fromstring(roll.value)
    assert svg.get("role") == "img"
    assert widgets._in_words({"system": events}) in svg.get("aria-label")
    measures = evaluation.sed_metrics(mixture.reference, events, CLASSES, mixture.duration)
    cells = re.findall(r"<td>(.*?)</td>", table.value)
    assert cells == [f"{x:.2f}" for x in measures[["F-score", "precision", "recall"]].to_numpy().ravel()]
    threshold.value, window.value = 0.99, window.max
    assert "System: no events." in roll.value
    assert "<td>–</td>" in table.value  # the precision of a detector that found nothing
    assert roll._dom_classes == ("course-roll",)
    assert table._dom_classes == ("course-f-score",)


def test_classes_are_taken_by_position(mixture, scores, live):
    named = pd.Series(CLASSES, index=range(10)[::-1])
    boxes = [widgets.explore_detector(scores, classes, HOP, mixture, 0.3).children for classes in (CLASSES, named)]
    assert [part.value for part in boxes[0][4:]] == [part.value for part in boxes[1][4:]]


def test_rows_of_the_event_roll_stay_put(mixture, scores, live):
    *_, roll, _ = (box := widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6)).children
    rows = set()
    for value in (0.0, 0.5, 0.99):
        box.children[1].value = value
        rows.add(tuple(re.findall(r'text-anchor="end">(\w+)<', roll.value)))
    assert len(rows) == 1


def test_event_roll_takes_its_colours_from_the_style():
    style = (ROOT / "course_utils/course.mplstyle").read_text(encoding="utf-8")
    assert tuple(f"#{colour}" for colour in re.findall(r'"([0-9A-F]{6})"', style)[:2]) == widgets.COLOURS


@pytest.mark.parametrize("duration", [0.1, 8.0, 1200.0, 3600.0])
def test_event_roll_of_any_length(duration):
    events = pd.DataFrame({"label": ["A & B"], "onset": [0.0], "offset": [duration]})
    svg = ElementTree.fromstring(widgets._event_roll({"system": events}, ["A & B"], duration))
    assert "A & B" in svg.get("aria-label")
    assert 1 <= len([t for t in svg.iter() if t.tag.endswith("text") and t.get("text-anchor") == "middle"]) <= 13


def test_event_roll_takes_what_other_functions_take():
    rows = [("b", 0.0, 1.0), ("a", 0.5, 2.0), ("hidden", 0.0, 3.0)]
    table = pd.DataFrame(rows, columns=["label", "onset", "offset"])
    named = pd.Series(["a", "b"], index=[1, 0])
    assert widgets._event_roll({"x": rows}, named, 3.0) == widgets._event_roll({"x": table}, ["a", "b"], 3.0)
    assert "X: no events." in widgets._event_roll({"x": pd.DataFrame()}, named, 3.0)
    with pytest.raises(ValueError, match="ends before it begins"):
        widgets._event_roll({"x": [("a", 2.0, 1.0)]}, ["a"], 3.0)


def test_taggers_side_by_side_once_for_each_clip(embedded, live, mini, monkeypatch):
    tagger = Tagger()
    box = widgets.compare_taggers(tagger, mini)
    _, choose, panel = box.children
    assert len(choose.options) == 2
    first = panel.value
    assert first.count("<audio") == 1
    assert first.count("<img ") == 1
    assert "a tagger &lt;for tests&gt;: Scores, highest first: " in first
    choose.value = choose.options[1]
    assert panel.value != first
    choose.value = choose.options[0]
    assert panel.value == first
    assert len(tagger.calls) == 2


def test_taggers_are_those_of_the_course(embedded, live, mini):
    tagger = models.AudioTagging()
    _, _, panel = widgets.compare_taggers(tagger, mini).children
    assert f"{tagger.name}: Scores, highest first: " in panel.value


def test_taggers_take_an_animal_of_each_class_where_it_is_available(embedded, monkeypatch):
    asked = []

    def some(filenames):
        asked.extend(filenames)
        return [audio.Clip(name, assets.embedded("clips/scene.ogg") if "-8.wav" in name else None) for name in asked]

    assert len(widgets._some_clips()) == 2
    monkeypatch.setattr(datasets, "clips", some)
    assert list(widgets._some_clips())[2:] == ["sheep (1-121951-A-8.wav)"]
    metadata = datasets.esc50_metadata().set_index("filename").loc[asked]
    assert list(metadata["category"]) == CLASSES
    assert set(metadata["fold"]) == {1}


def test_taggers_take_short_clips_and_animals_at_hand(live, mini, mirror, tmp_path):
    import soundfile

    assert len(widgets._some_clips()) == 12
    soundfile.write(tmp_path / "click.wav", np.zeros(1600), 16000)
    widgets.compare_taggers(Tagger(), mini, {"a click": tmp_path / "click.wav"})


def test_errors_beside_their_neighbours(embedded, live, mini, animals):
    embeddings = np.stack([clip.embeddings for clip in features.extract(animals["filename"], mini)])
    errors = animals[animals["fold"] == 5].iloc[:3].assign(predicted="dog")
    training = animals["fold"].isin([1, 2, 3])
    _, choose, panel = widgets.explore_errors(errors, animals, embeddings, training, n=2).children
    assert [text for text, _ in choose.options] == [
        f"{e.category}, taken for dog ({e.filename})" for e in errors.itertuples()
    ]
    choose.value = 2
    assert panel.value.count("<img ") == 3
    assert panel.value.count("cosine") == 2
    assert panel.value.count("does not ship") == 1
    found = re.findall(r"cosine \d\.\d{3} \((\S+)\)", panel.value)
    assert set(animals.set_index("filename").loc[found, "fold"]) <= {1, 2, 3}
    means = embeddings.mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = np.where(training, means @ means[errors.index[2]], -1)
    assert found[0] == animals["filename"][np.argmax(cosines)]


def test_no_errors_no_explorer(animals, capsys):
    assert widgets.explore_errors(animals.iloc[:0], animals, np.zeros((400, 1024)), np.ones(400, bool)) is None
    assert "nothing to explore" in capsys.readouterr().out


def test_a_page_has_the_picture_and_asks_for_nothing(mixture, scores, live, tmp_path, monkeypatch):
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from makers import build, slides

    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    box = widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6)
    view = {slides.WIDGET: {"model_id": box.model_id, "version_major": 2, "version_minor": 0}, "text/plain": "VBox()"}
    outputs = [new_output("display_data", {"text/html": shown[0]._repr_html_()}), new_output("execute_result", view)]
    cells = [new_markdown_cell("# A title"), new_code_cell("widgets.explore_detector()", outputs=outputs)]
    build.write_page(new_notebook(cells=cells), tmp_path / "page.html")
    slides.prepare(new_notebook(cells=cells), "page")  # which asks for a picture
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<img alt="Event roll. Reference: dog ' in page
    assert "widget-view" not in page
    assert not re.search(r"<script[^>]* src=", page)

"""Questions, and the explorers driven from Python. (That they move in JupyterLab is test_lab's business.)"""

import itertools
import re
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ROOT
from playwright.sync_api import expect

from course_utils import assets, audio, datasets, evaluation, features, models, widgets
from course_utils.events import events_from_scores
from course_utils.widgets import drawing, explorers, shown

quiz_module = sys.modules["course_utils.widgets.quiz"]  # the package has a function of that name
CLASSES = list(datasets.ANIMALS)
HOP = 0.096
ROW = r'text-anchor="end" fill="[^"]*" style="[^"]*">(\w+)<'  # of the detector's picture


@pytest.fixture
def live(monkeypatch):
    """As if a notebook ran."""
    monkeypatch.setattr(shown, "has_front_end", lambda: True)


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
    monkeypatch.setattr(quiz_module, "quizzes", lambda: {"count": {"question": "How many?", "choices": [no, yes]}})


@pytest.mark.parametrize("name", list(widgets.quizzes()))
def test_each_question_has_one_right_choice_and_a_reason_for_each(name):
    asked = widgets.quizzes()[name]
    assert set(asked) == {"question", "choices"}
    assert 3 <= len(asked["choices"]) <= 4
    assert sum(choice["right"] for choice in asked["choices"]) == 1
    assert all(set(choice) == {"text", "right", "why"} and len(choice["why"]) > 20 for choice in asked["choices"])
    page = widgets.quiz(name)._repr_html_()
    assert page.count('<input type="radio" class="choice ') == len(asked["choices"])
    assert page.count("Right.</strong>") == page.count("The answer is</strong>") == 1
    assert "checked=" not in page


def test_questions_of_the_notebooks_exist():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for name in re.findall(r"widgets\.quiz\(\\?[\"']([\w-]+)", path.read_text(encoding="utf-8")):
            assert name in widgets.quizzes(), path.name


def test_quiz_escapes_and_shows_code(monkeypatch):
    choices = [{"text": "`a < b` & c", "right": True, "why": "<b>"}, {"text": "x", "right": False, "why": "y"}]
    monkeypatch.setattr(quiz_module, "quizzes", lambda: {"q": {"question": "Is `1 < 2`?", "choices": choices}})
    page = widgets.quiz("q")._repr_html_()
    assert "<code>a &lt; b</code> &amp; c" in page
    assert "&lt;b&gt;" in page
    assert "<script" not in page
    ElementTree.fromstring(page)  # every tag is closed


def test_quiz_in_a_terminal(question):
    lines = ["How many?", "a) one", "b) two", "To confirm a choice and read why: widgets.quiz('count', 'a')"]
    assert repr(widgets.quiz("count")).splitlines() == lines
    wrong = ["a) one", "Not quite. There is another.", "The answer is b) two. One and one."]
    assert repr(widgets.quiz("count", "a")).splitlines() == wrong
    assert repr(widgets.quiz("count", "b")) == "b) two\nRight. One and one."


def test_quiz_confirms_a_choice(question):
    page = widgets.quiz("count", "b")._repr_html_()
    assert re.findall(r'<input [^>]*class="([^"]*)"[^>]* checked=', page) == ["choice b yes", "confirm"]


def test_a_question_shown_twice_is_two_questions(question):
    page = widgets.quiz("count").page + widgets.quiz("count").page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids)) == 6
    assert set(re.findall(r' for="([^"]+)"', page)) == set(ids)
    assert len(set(re.findall(r' name="([^"]+)"', page))) == 4  # a choice and its confirmation, twice


@pytest.fixture
def asked(question, browser):
    """A question on a page; a function that writes and opens it."""
    page = browser.new_page(viewport={"width": 700, "height": 500})

    def write(*quizzes, style=""):
        body = "".join(quiz.page for quiz in quizzes)
        page.set_content(
            f'<html lang="en"><title>Questions</title><body style="{style}"><main>{body}</main></body></html>'
        )
        return page

    yield write
    page.close()


def said(page):
    return page.locator(".course-quiz p").filter(visible=True).all_inner_texts()


def test_no_answer_before_it_is_confirmed_and_none_is_changed_after(asked):
    page = asked(widgets.quiz("count"), widgets.quiz("count"))
    hint, confirm = "Choose an answer, then confirm it.", page.locator(".course-quiz .confirm + label")
    assert said(page) == [hint, hint]
    expect(confirm.first).to_be_hidden()
    page.locator("label", has_text="b) two").first.click()
    page.locator("label", has_text="a) one").first.click()
    assert said(page) == [hint]
    assert page.locator("main").inner_text().count("Confirm") == 1
    confirm.first.click()
    assert said(page) == ["Not quite. There is another.", "The answer is b) two. One and one.", hint]
    page.locator("label", has_text="b) two").first.click(force=True)
    confirm.first.click(force=True)
    assert said(page) == ["Not quite. There is another.", "The answer is b) two. One and one.", hint]
    page.locator("label", has_text="b) two").nth(1).click()
    confirm.nth(1).click()
    assert said(page)[2:] == ["Right. One and one."]


def test_quiz_by_keyboard(asked):
    page = asked(widgets.quiz("count"))
    focused = "document.activeElement.className"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.querySelector('.choice.b').checked")
    outline = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "confirm"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Space")
    assert said(page) == ["Right. One and one."]
    page.keyboard.press("Space")  # what is confirmed stays
    page.keyboard.press("ArrowUp")
    assert said(page) == ["Right. One and one."]
    assert page.evaluate(focused) == "confirm"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(focused) == ""  # the choices are none any more


@pytest.mark.parametrize("look", ["", "background: #111; color: #eee"])
def test_quiz_is_accessible(asked, look):
    page = asked(widgets.quiz("count"), widgets.quiz("count", "a"), style=look)
    axe = Axe()
    for _ in range(2):
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa"], "resultTypes": ["violations", "incomplete"]})
        assert [(rule["id"], rule["nodes"]) for rule in found.response["violations"]] == []
        page.locator("label", has_text="b) two").first.click()
    expect(page.get_by_role("group", name="How many?").first).to_be_visible()
    expect(page.get_by_role("radio", name="a) one")).to_have_count(1)  # the other one is confirmed
    expect(page.get_by_role("status").nth(1)).to_contain_text("Not quite.")


def test_a_question_without_style_keeps_every_word(question, browser):
    page = browser.new_page()
    page.set_content(re.sub("<style>.*?</style>", "", widgets.quiz("count").page, flags=re.DOTALL))
    text = page.inner_text("body")
    for words in ("How many?", "a) one", "b) two", "Not quite. There is another.", "Right. One and one."):
        assert words in text
    page.close()


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
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6)
    (static,) = displayed
    assert "Preview. Open the notebook in JupyterLab or Colab to " in static._repr_html_()
    svg = ElementTree.fromstring(re.search("<svg.*</svg>", static.page)[0])
    words = svg.get("aria-label")
    assert words.startswith("Scores over time, the threshold at 0.60, and events. Reference: dog ")


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
    assert shown.in_words({"system": events}) in svg.get("aria-label")
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


def drawn(roll):
    """Return of the detector's picture: curves, as (times in hops, scores) by class, bars by class, the threshold."""
    svg = ElementTree.fromstring(roll.value)
    parts = [(part.tag.split("}")[1], part.attrib, part.text) for part in svg]
    texts = [(at, words) for tag, at, words in parts if tag == "text"]
    rows = {words: at for at, words in texts if at.get("text-anchor") == "end" and "fill" in at}
    colours = {at["fill"]: words for words, at in rows.items()}
    assert len(colours) == len(rows) <= len(drawing.CLASSES)  # told apart here by colour alone
    places = {words: float(at["y"]) - 7 for at, words in texts if at.get("text-anchor") == "end"}
    ticks = {words: float(at["x"]) for at, words in texts if at.get("text-anchor") == "middle"}

    def seconds(x):
        return (x - ticks["0"]) / (ticks["1"] - ticks["0"])

    def score(y):
        return (places["0"] - y) / (places["0"] - places["1"])

    curves, bars = {}, {}
    for tag, at, _ in parts:
        if tag == "polyline":
            points = [tuple(map(float, point.split(","))) for point in at["points"].split()]
            pale = float(at["stroke-opacity"]) < 1
            curves[colours[at["stroke"]]] = pale, [(seconds(x), score(y)) for x, y in points]
        if tag == "rect":
            hatched = "stroke" in at  # and then in its outline
            start, wide = float(at["x"]) - 0.75 * hatched, float(at["width"]) + 1.5 * hatched
            middle = float(at["y"]) + float(at["height"]) / 2
            row = min(rows, key=lambda name: abs(float(rows[name]["y"]) - 7 - middle))
            assert at["fill"] == (drawing.SYSTEM if hatched else drawing.REFERENCE)
            span = round(seconds(start), 2), round(seconds(start + wide), 2)
            bars.setdefault((row, hatched), []).append(span)
    (level,) = [score(float(at["y1"])) for _, at, _ in parts if at.get("stroke-dasharray") == "2 4"]
    return curves, bars, level


def test_detector_explorer_shows_scores_threshold_and_events_in_one_picture(mixture, live):
    names = ["dog", "cat", "rooster", "cow"]
    scores = np.random.default_rng(1).dirichlet(np.full(4, 0.3), 74)
    box = widgets.explore_detector(scores, names, HOP, mixture, 0.6)
    threshold, window, hop, roll, _ = box.children[1:]
    threshold.value, hop.value, window.value = 0.45, 3 * HOP, 0.96 + HOP
    means = np.stack([scores[i : i + 2].mean(axis=0) for i in range(0, 73, 3)])
    curves, bars, level = drawn(roll)
    assert level == pytest.approx(0.45, abs=0.005)
    assert set(curves) == set(names)
    for name, (pale, points) in curves.items():
        own = means[:, names.index(name)]
        times = [3 * HOP * i + (0.96 + HOP) / 2 for i in range(len(own))]  # centres of the windows
        assert points == [pytest.approx(point, abs=0.01) for point in zip(times, own, strict=True)]
        assert pale == (own.max() <= 0.45)
    found = events_from_scores(means, names, 3 * HOP, 0.96 + HOP, 0.45)
    for name in names:
        for table, hatched in ((mixture.reference, False), (found, True)):
            spans = table.loc[table["label"] == name, ["onset", "offset"]].to_numpy()
            assert bars.get((name, hatched), []) == [pytest.approx(span, abs=0.02) for span in spans]
    threshold.value = 0.99
    curves, bars, level = drawn(roll)
    assert level == pytest.approx(0.99, abs=0.005)
    assert not any(hatched for _, hatched in bars)


def test_what_is_true_comes_first_and_a_page_has_no_empty_rows(mixture, live, monkeypatch):
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    scores = np.random.default_rng(0).dirichlet(np.full(10, 1.0), 74)  # none of which passes 0.9
    box = widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.9)
    true = [name for name in CLASSES if name in set(mixture.reference["label"])]
    rows = re.findall(ROW, box.children[4].value)
    assert rows[:4] == true
    assert len(rows) > 4
    assert re.findall(ROW, displayed[0].page) == true


def test_rows_of_the_event_roll_stay_put(mixture, scores, live):
    *_, roll, _ = (box := widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6)).children
    rows = set()
    for value in (0.0, 0.5, 0.99):
        box.children[1].value = value
        rows.add(tuple(re.findall(ROW, roll.value)))
    assert len(rows) == 1
    assert len(*rows) >= 4


def test_meanings_have_the_colours_of_the_style():
    style = (ROOT / "course_utils/course.mplstyle").read_text(encoding="utf-8")
    cycle = [f"#{colour}" for colour in re.search(r"prop_cycle: .*", style)[0].split('"') if len(colour) == 6]
    assert {drawing.SYSTEM, drawing.ADDED, drawing.REFERENCE} <= set(cycle)


@pytest.mark.parametrize("duration", [0.1, 8.0, 1200.0, 3600.0])
def test_event_roll_of_any_length(duration):
    events = pd.DataFrame({"label": ["A & B"], "onset": [0.0], "offset": [duration]})
    svg = ElementTree.fromstring(shown.event_roll({"system": events}, ["A & B"], duration))
    assert "A & B" in svg.get("aria-label")
    *ticks, unit = [t for t in svg.iter() if t.tag.endswith("text") and t.get("text-anchor") == "middle"]
    assert unit.text == ("time (min)" if duration > 180 else "time (s)")
    ends = [(float(t.get("x")), drawing.extent(t.text) / 2) for t in ticks]
    assert 2 <= len(ticks) <= 13
    assert all(x2 - x1 > half1 + half2 + 5 for (x1, half1), (x2, half2) in itertools.pairwise(ends))


def test_event_roll_takes_what_other_functions_take():
    rows = [("b", 0.0, 1.0), ("a", 0.5, 2.0), ("hidden", 0.0, 3.0)]
    table = pd.DataFrame(rows, columns=["label", "onset", "offset"])
    named = pd.Series(["a", "b"], index=[1, 0])
    assert shown.event_roll({"x": rows}, named, 3.0) == shown.event_roll({"x": table}, ["a", "b"], 3.0)
    assert "X: no events." in shown.event_roll({"x": pd.DataFrame()}, named, 3.0)
    with pytest.raises(ValueError, match="ends before it begins"):
        shown.event_roll({"x": [("a", 2.0, 1.0)]}, ["a"], 3.0)


def test_taggers_side_by_side_once_for_each_clip(embedded, live, mini, monkeypatch):
    tagger = Tagger()
    box = widgets.compare_taggers(tagger, mini)
    _, choose, panel = box.children
    assert len(choose.options) == 2
    first = panel.value
    assert first.count("<audio") == 1
    assert first.count("<svg ") == 1
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

    assert len(explorers._some_clips()) == 2
    monkeypatch.setattr(datasets, "clips", some)
    assert list(explorers._some_clips())[2:] == ["sheep (1-121951-A-8.wav)"]
    metadata = datasets.esc50_metadata().set_index("filename").loc[asked]
    assert list(metadata["category"]) == CLASSES
    assert set(metadata["fold"]) == {1}


def test_taggers_take_short_clips_and_animals_at_hand(live, mini, mirror, tmp_path):
    import soundfile

    assert len(explorers._some_clips()) == 12
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
    assert panel.value.count("isn't here") == 1
    found = re.findall(r"cosine \d\.\d{3} \((\S+)\)", panel.value)
    assert set(animals.set_index("filename").loc[found, "fold"]) <= {1, 2, 3}
    means = embeddings.mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = np.where(training, means @ means[errors.index[2]], -1)
    assert found[0] == animals["filename"][np.argmax(cosines)]


def test_no_errors_no_explorer(animals, capsys):
    assert widgets.explore_errors(animals.iloc[:0], animals, np.zeros((400, 1024)), np.ones(400, bool)) is None
    assert "nothing to explore" in capsys.readouterr().out


def test_a_page_has_the_picture_and_asks_for_nothing(mixture, scores, live, monkeypatch):
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from makers import site, slides

    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    box = widgets.explore_detector(scores, CLASSES, HOP, mixture, 0.6)
    view = {slides.WIDGET: {"model_id": box.model_id, "version_major": 2, "version_minor": 0}, "text/plain": "VBox()"}
    outputs = [
        new_output("display_data", {"text/html": displayed[0]._repr_html_()}),
        new_output("execute_result", view),
    ]
    cells = [new_markdown_cell("# A title"), new_code_cell("widgets.explore_detector()", outputs=outputs)]
    page = str(site.page_of(new_notebook(cells=cells)))
    slide = slides.compose.compose([new_markdown_cell("## A claim"), cells[1]], slides.render)
    assert slide.layout == "picture"
    assert 'aria-label="Scores over time, the threshold at 0.60, and events. Reference: dog ' in page
    assert "widget-view" not in page
    assert not re.search(r"<script[^>]* src=", page)

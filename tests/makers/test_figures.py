"""The drawings: what is written is what the code draws, each stands in its lesson, and each can be read."""

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from conftest import LESSONS, ROOT
from pictures import faults

from course_utils import drawings
from lessons.figures import drawings as functions
from lessons.figures.shapes import BLUE, DATA, Picture
from makers import figures
from makers.slides import compose

IDEAS = """
    course_map waveform_to_log_mel audioset_tree cnn14 tagging_and_detection yamnet_windows separable_convolution
    three_summaries transfer_learning embedding_map folds leakage four_steps two_counts bootstrap calibration
    event_to_background smoothing teacher_and_student
""".split()
USED = figures.used()
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDER = ROOT / "course_utils" / "drawings"


@pytest.mark.parametrize("name", functions)
def test_what_is_written_is_what_the_code_draws(name):
    text = functions[name]().svg()
    assert (FOLDER / f"{name}.svg").read_text(encoding="utf-8") == text, "run make figures"
    assert len(text.encode()) <= 150_000
    assert functions[name]().svg() == text


def test_no_other_drawing_is_written():
    assert drawings.names() == sorted(functions)


def test_every_drawing_has_its_place():
    assert set(USED) | set(figures.EVERYWHERE) == set(functions)
    assert set(IDEAS) <= set(functions)
    for lesson in (lesson.name[:2] for lesson in LESSONS if not lesson.about.get("bonus")):
        assert sum(lesson in where for where in USED.values()) >= 3, lesson


@pytest.mark.parametrize("name", functions)
def test_a_drawing_is_made_of_real_text_in_the_colours_of_the_page(name):
    root = ElementTree.fromstring(drawings.show(name).svg)
    for element in root.iter():
        kind = element.tag.rpartition("}")[2]
        look = element.attrib
        assert kind in ("svg", "g", "text", "rect", "circle", "path", "image"), kind
        assert "font-family" not in look and "id" not in look
        for key in ("fill", "stroke"):
            colour = look.get(key, "none")
            assert colour in ("none", "currentColor") or colour in figures.PALETTE, colour
        if kind == "text":
            assert float(look["font-size"]) >= 20
        if kind == "image":
            assert look["href"].startswith("data:image/png;base64,")
    assert root.get("role") == "img"
    assert float(root.get("viewBox").split()[3]) <= 400
    assert "style" not in root.attrib or "background" not in root.get("style")


@pytest.mark.parametrize("name", functions)
def test_words_say_what_is_seen(name):
    words = drawings.show(name).words
    assert len(words) > 150
    assert repr(drawings.show(name)) == words
    assert not re.search(r"\bimage of\b|\bpicture of\b", words)


def test_notebooks_stay_small():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert path.stat().st_size <= 400_000, path.name


def test_an_unknown_drawing_is_said():
    with pytest.raises(ValueError, match=r"no drawing 'cat'\. The course has .*course_map"):
        drawings.show("cat")


def test_the_command_writes_one_and_names_what_it_does_not_know(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "FOLDER", tmp_path / "drawings")
    (tmp_path / "drawings").mkdir()
    (tmp_path / "drawings" / "of_yesterday.svg").write_text("<svg/>")
    assert figures.main(["course_map"]) == 0
    assert re.search(r"course_map +every deck, README +[\d,]+ bytes", capsys.readouterr().out)
    assert [path.name for path in (tmp_path / "drawings").iterdir()] == ["course_map.svg"]
    assert (tmp_path / "build/figures.html").read_text(encoding="utf-8").count("<svg") == 6
    assert figures.main(["cat"]) == 2
    assert "No drawing is called cat" in capsys.readouterr().err


def test_steps_are_layers_that_slides_show_one_by_one():
    picture = Picture(100, "two dots")
    picture.dots([(10, 10)])
    with picture.step("the other"):
        picture.dots([(20, 10)], colour=BLUE)
    picture.text((30, 50), 'a "quote" & more')
    layers = ElementTree.fromstring(picture.svg())
    assert [layer.attrib for layer in layers] == [{}, {"class": "step", "data-name": "the other"}, {}]
    assert layers[2][0].text == 'a "quote" & more'


def test_what_moves_stands_in_its_step():
    picture = Picture(100, "two dots")
    with picture.step("both"):
        picture.dots([(10, 10)])
        with picture.moving(-20, 5.5):
            picture.dots([(20, 10)])
        picture.dots([(30, 10)])
    (step,) = ElementTree.fromstring(picture.svg())
    assert [part.attrib.get("data-from") for part in step] == [None, "-20,5.5", None]


def test_the_map_of_a_part_says_where_we_are():
    for lesson in LESSONS:
        page = compose.here(lesson.name)
        assert f'aria-label="You are in lesson {int(lesson.name[:2])}. ' in page
        assert re.findall(r'data-name="here-(\d\d)">', page) == [lesson.name[:2]]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "smallest"), [(640, 20), (358, 11), (1152, 20)])
def test_every_drawing_can_be_read(browser, tmp_path, scheme, width, smallest):
    """In DejaVu Sans too, the widest of the fonts that a page may have."""
    colours = {"light": "#1a1a1a; background: #ffffff", "dark": "#f0f0f0; background: #1a1a1a"}[scheme]
    shown = "".join(drawings.show(name)._repr_html_().replace("640px", f"{width}px") for name in functions)
    file = tmp_path / "all.html"
    style = f'color: {colours}; font-family: "DejaVu Sans"; margin: 0'
    file.write_text(f"<meta charset=\"utf-8\"><body style='{style}'>{shown}", encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(file.as_uri())
    assert faults(page, smallest) == []
    selected = page.locator('[data-name="course_map"] svg').evaluate(
        "svg => { getSelection().selectAllChildren(svg); return String(getSelection()); }"
    )
    assert "windows" in selected and "lesson 2" in selected
    page.close()


@pytest.mark.browser
def test_a_drawing_that_cannot_be_read_is_found(browser, tmp_path):
    picture = Picture(100, "what is wrong with text")
    picture.text((630, 50), "cut at the right")
    picture.text((100, 50), "one")
    picture.text((105, 52), "two")
    wrong = picture.svg().replace("<text", '<text fill-opacity="0.4"', 1)
    file = tmp_path / "wrong.html"
    file.write_text(f'<body style="margin: 0; color: #1a1a1a">{wrong}', encoding="utf-8")
    page = browser.new_page(viewport={"width": 320, "height": 400})
    page.goto(file.as_uri())
    found = " ".join(faults(page, 11))
    for what in ("text of 10.0 px", "cut: cut at the right", "contrast", "two lies on one"):
        assert what in found
    page.close()


def test_what_lesson_5_says_of_its_drawings_is_in_their_numbers():
    numbers = json.loads((DATA / "how_sure.json").read_text(encoding="utf-8"))
    bins = numbers["calibration"]
    low, high = bins[2]["interval"]
    text = (ROOT / "lessons/05_how_sure.md").read_text(encoding="utf-8")
    assert (bins[2]["right"], bins[2]["clips"]) == (12, 19)
    assert f"anything from {100 * low:.0f} to {100 * high:.0f} %" in text
    expected, right = sum(own["says"] * own["clips"] for own in bins), sum(own["right"] for own in bins)
    assert f"add up to {expected:.0f} right answers, and {right} were right" in text


def test_pictures_of_the_readme_are_those_of_the_results():
    pictures = figures.outside()
    assert {path.stem for path in (ROOT / "docs/figures").glob("*.svg")} == set(pictures)
    for name, text in pictures.items():
        written = (ROOT / "docs" / "figures" / f"{name}.svg").read_text(encoding="utf-8")
        text = figures.alone(text)
        assert written == text, "run make figures"
        assert "prefers-color-scheme: dark" in text
    shown = dict(re.findall(r'<img src="docs/figures/(\w+)\.svg" width="640" alt="([^"]+)">', README))
    assert set(shown) == set(pictures)
    run = json.loads((ROOT / "docs/results.json").read_text(encoding="utf-8"))["runs"][0]
    classifiers, growth = run["05_how_sure"]["classifiers"], run["05_how_sure"]["growth"]
    detectors = [run["06_better_detector"]["intervals"][name] for name in figures.STEPS]
    figures_of = {
        "classifiers": {f"{row['mean']:.3f}" for row in classifiers.values()},
        "few_clips": {f"{row['mean']:.2f}" for row in growth.values()},
        "detectors": {f"{row[f'{kind} F-score']['value']:.2f}" for row in detectors for kind in ("segment", "event")},
    }
    for name, numbers in figures_of.items():
        assert set(re.findall(r"\d\.\d+", shown[name])) == numbers, name

"""``lecture.toml``: the lecturer's name and logo, and what is shown in which order."""

import json
import re

import pytest
from conftest import ROOT

from makers import build
from makers.slides import lecture
from makers.slides.__main__ import main
from makers.slides.compose import Slide

NAME = "04_events"
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="4"/></svg>'
PARTS = ["Opening", "What is *heard*?", "How good is it?", "What comes next?"]


def deck() -> list[Slide]:
    """A title, three parts of two slides, and an end."""
    found = [Slide("Events", "title"), Slide("Listen", "picture")]
    for part in PARTS[1:]:
        found += [Slide(part, "part"), Slide(f"More: {part}", "picture")]
    return [*found, Slide("What should you remember?", "summary")]


def written(folder, text: str) -> lecture.Lecture:
    (folder / lecture.FILE).write_text(text, encoding="utf-8")
    return lecture.read(folder / lecture.FILE)


def headings(found: list[Slide]) -> list[str]:
    return [slide.heading for slide in found]


def test_what_the_repository_has_changes_nothing(tmp_path):
    for choices in (lecture.read(ROOT / lecture.FILE), lecture.read(tmp_path / lecture.FILE)):
        assert headings(choices.arrange(deck(), NAME)) == headings(deck())
    text = (ROOT / lecture.FILE).read_text(encoding="utf-8")
    switched_on = re.sub(r"^# (?=\w+ = |\[)", "", text, flags=re.M)
    (tmp_path / "logo.svg").write_text(LOGO, encoding="utf-8")
    filled = written(tmp_path, switched_on)
    assert (filled.author, filled.place, filled.date) == ("Ada Lovelace", "University of Somewhere", "12 March 2027")
    assert filled.logo.startswith("data:image/svg+xml;base64,")
    assert filled.decks == ["01", "02", "03", "04"]
    assert set(filled.parts["04"]) == {"leave_out", "order"}


def test_a_part_goes_with_all_of_its_slides_and_a_slide_alone(tmp_path):
    choices = written(tmp_path, '[04]\nleave_out = ["How good is it", "More: What is heard?"]')
    kept = ["Events", "Listen", "What is *heard*?", "What comes next?", "More: What comes next?"]
    assert headings(choices.arrange(deck(), NAME)) == [*kept, "What should you remember?"]
    assert headings(choices.arrange(deck(), "03_other")) == headings(deck())


def test_parts_come_in_another_order(tmp_path):
    order = f'[4]\norder = ["{PARTS[3]}", "{PARTS[1]}", "{PARTS[2]}"]'
    found = headings(written(tmp_path, order).arrange(deck(), NAME))
    assert [heading for heading in found if heading in PARTS] == [PARTS[3], PARTS[1], PARTS[2]]
    assert found[:2] == ["Events", "Listen"]
    assert found[-1] == "What should you remember?"
    assert sorted(found) == sorted(headings(deck()))
    without = f'[04]\nleave_out = ["{PARTS[1]}"]\norder = ["{PARTS[3]}", "{PARTS[2]}"]'
    found = headings(written(tmp_path, without).arrange(deck(), NAME))
    assert [heading for heading in found if heading in PARTS] == [PARTS[3], PARTS[2]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[04]\nleave_out = ["How bad is it?"]', r"no slide is headed “How bad is it\?”.*\n  Events\n  Listen\n"),
        (f'[04]\norder = ["{PARTS[1]}"]', r"order names each part.*once\. The parts are:\n  What is heard\?\n"),
        ('[04]\norder = ["Listen", "Listen", "Listen"]', "order names each part"),
        ("[04]\nleave_out = 3", "leave_out is a list of headings"),
        ("[04]\nleaveout = []", r"\[04\]: it takes leave_out and order"),
        ("04 = 3", r"\[04\]: it takes leave_out and order"),
        ('auhtor = "Ada"', r"doesn't know auhtor\. It takes author, date, decks, logo, place"),
        ("author = Ada", "cannot be read, at line 1: is a quote or a bracket missing there"),
        ("author = 3", "author is a text, in quotes"),
        ('decks = "01"', "decks is a list of numbers in quotes"),
        ("decks = [1, 2]", "decks is a list of numbers in quotes"),
        ('logo = "logo.svg"', "there is no logo logo.svg beside lecture.toml"),
        ('leave_out = ["Listen"]', "leave_out stands below the number of a deck. Is the # still there"),
        ('logo = "logo.docx"', "the logo is a picture"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path, text, words):
    with pytest.raises(lecture.LectureError, match=f"(?s){words}"):
        written(tmp_path, text).arrange(deck(), NAME)


@pytest.mark.parametrize("text", ['decks = ["1", "9"]', "[09]\nleave_out = []"])
def test_a_deck_that_there_is_not_is_said(course, tmp_path, text):
    course("01_small", "## Small", "a = 1")
    written(tmp_path, text)
    with pytest.raises(lecture.LectureError, match="there is no deck 09; there are 01"):
        build.write_index()


def test_a_date_needs_no_quotes(tmp_path):
    assert written(tmp_path, "date = 2027-03-12").date == "2027-03-12"


def test_title_slides_and_the_start_page_follow(course, tmp_path, capsys):
    part = '+++ {"tags": ["slide"], "layout": "part"}'
    text = f'{part}\n\n## Is it new?\n\n{part}\n\n## Is it good?\n\n+++ {{"tags": ["slide"]}}\n\n## It is good'
    for name in ("01_small", "02_other"):
        course(name, text, "a = 1")
    (tmp_path / "logo.svg").write_text(LOGO, encoding="utf-8")
    assert build.main([]) == 0
    deck, index = tmp_path / "build/slides/01_small.html", tmp_path / "build/slides/index.html"
    assert 'class="author"' not in deck.read_text(encoding="utf-8")
    written(
        tmp_path, 'author = "Ada & Co"\nlogo = "logo.svg"\ndecks = ["2", "01"]\n\n[01]\nleave_out = ["Is it good?"]'
    )
    capsys.readouterr()
    assert build.decks(build.choose()) == 0
    said = capsys.readouterr().out
    assert "..." not in said
    assert "Nothing was executed" in said
    page = deck.read_text(encoding="utf-8")
    assert '<p class="author">Ada &amp; Co</p>' in page
    assert re.search(r'<img class="logo" alt="The logo of Ada &amp; Co[^"]*" src="data:image/svg', page)
    assert "Part 1 of" not in page  # there is only one
    assert "It is good" not in page
    assert "It is good" in (tmp_path / "build/slides/02_other.html").read_text(encoding="utf-8")
    links = re.findall(r'href="(\d\d_\w+\.html)"', index.read_text(encoding="utf-8"))
    assert links == ["02_other.html", "01_small.html"]
    start = re.sub(r"\s+|<[^>]*>", " ", index.read_text(encoding="utf-8"))
    assert "Ada &amp; Co" in start
    assert [re.search(rf"{name}.*?(\d+) +0 ", start)[1] for name in ("02_other", "01_small")] == ["4", "2"]
    assert json.loads((tmp_path / "build/results.json").read_text())["01_small"]["headline"] == "done"


def test_a_wrong_heading_stops_the_slides_with_a_sentence(course, tmp_path, capsys):
    course("01_small", "## Small", "a = 1")
    written(tmp_path, '[01]\nleave_out = ["Nowhere"]')
    assert main(["01"]) == 1
    assert "no slide is headed “Nowhere”. There are:\n  01_small" in capsys.readouterr().err

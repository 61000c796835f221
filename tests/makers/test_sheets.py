"""What a hall sees, measured on every slide of every deck; and the contact sheets."""

import ast
import builtins
import re

import pytest
from conftest import LESSONS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from makers import execute, lessons, slides
from makers.slides import compose, sheets

NAMES = [lesson.name for lesson in LESSONS]
CODE = {
    lesson.name: [cell for cell in lesson.deck().cells if cell.cell_type == "code" and compose.is_code(cell)]
    for lesson in LESSONS
}


@pytest.fixture(scope="module")
def measured(browser, decks):
    """What is measured of all slides, by deck."""
    return {name: sheets.measure(browser, decks / f"{name}.html") for name in NAMES}


def every(measured) -> list[sheets.Measured]:
    return [slide for found in measured.values() for slide in found]


@pytest.mark.browser
def test_headings_are_sentences_of_at_most_twelve_words(measured):
    others = [slide.heading for slide in every(measured) if not sheets.is_sentence(slide.heading)]
    titles = [slide.heading for slide in every(measured) if slide.layout == "title"]
    assert set(others) <= set(titles)
    assert sheets.summary(every(measured))["sentences"] >= 0.8


@pytest.mark.browser
def test_slides_have_something_to_look_at_and_few_words(measured):
    for name, found in [*measured.items(), ("all", every(measured))]:
        figures = sheets.summary(found)
        assert figures["pictures"] >= 0.65, name
        assert figures["median words"] <= sheets.WORDS, name
        assert figures["most words"] <= sheets.MOST_WORDS, [s for s in found if s.words > sheets.MOST_WORDS]
        assert figures["reach 60 %"] >= 0.85, [slide.heading for slide in found if slide.low <= 0.6]
        assert figures["code"] <= 0.2, name


@pytest.mark.browser
def test_no_table_has_more_than_a_dozen_numbers(measured):
    assert [slide.heading for slide in every(measured) if slide.numbers > sheets.NUMBERS] == []


@pytest.mark.browser
def test_what_is_measured_is_what_a_slide_has(browser, tmp_path):
    table = "<table><tr>" + "<td>1.5</td>" * 13 + "</tr></table>"
    texts = ["## Two words\n\none two three", f"## It has a table\n\n{table}", "## " + "It is long " * 9]
    cells = [new_markdown_cell(text, metadata={"tags": ["slide"]}) for text in texts]
    picture = '<svg role="img" aria-label="A square" viewBox="0 0 10 10"><rect width="10" height="10"/></svg>'
    cells.append(new_markdown_cell(f"## A picture is here\n\n{picture}", metadata={"tags": ["slide"]}))
    cells.append(new_markdown_cell("## The code is short", metadata={"tags": ["slide"]}))
    cells.append(new_code_cell("answer = 42", metadata={"tags": ["slide"], "steps": "1"}))
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    words, table, long, picture, _ = found = sheets.measure(browser, tmp_path / "deck.html")
    assert [sheets.is_sentence(slide.heading) for slide in found] == [False, True, False, True, True]
    assert (words.words, table.numbers, long.words) == (5, 13, 27)
    assert [slide.picture for slide in found] == [False, False, False, True, False]
    assert [slide.code for slide in found] == [[], [], [], [], ["answer = 42"]]
    assert words.low < 0.6 < picture.low


def unknown(code: str) -> set[str]:
    """Return the names that some code uses, and that neither it nor Python defines."""
    tree = ast.parse(code)
    names = {node for node in ast.walk(tree) if isinstance(node, ast.Name)}
    known = {node.id for node in names if isinstance(node.ctx, ast.Store)} | set(dir(builtins))
    for node in ast.walk(tree):
        known |= {alias.asname or alias.name.partition(".")[0] for alias in getattr(node, "names", []) if alias}
        known |= {node.name} if isinstance(node, ast.FunctionDef | ast.ClassDef) else set()
        known |= {node.arg} if isinstance(node, ast.arg) else set()
    return {node.id for node in names} - known


def test_unknown_names_are_found():
    assert unknown("import numpy as np\nfrom a import b\n\nx = np.sum(b)\nprint([y + z for y in x])") == {"z"}
    assert unknown("def f(x):\n    return f(x) + g") == {"g"}
    with pytest.raises(SyntaxError):
        unknown("    return x")


@pytest.mark.parametrize("name", NAMES)
def test_code_on_a_slide_is_a_whole_thought(name):
    for cell in CODE[name]:
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= sheets.LINES, cell.source
        assert max(map(len, lines)) <= 64, cell.source
        assert unknown(cell.source) == set(), cell.source
        assert cell.metadata.get("steps"), f"lines to mark one after another:\n{cell.source}"


@pytest.mark.browser
def test_contact_sheets(browser, decks, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(execute, "BUILD", tmp_path)
    assert sheets.main(["02"]) == 2
    assert "make slides" in capsys.readouterr().err
    (tmp_path / "slides").mkdir()
    deck = tmp_path / "slides/02_yamnet.html"
    deck.write_bytes((decks / deck.name).read_bytes())
    total = deck.read_text(encoding="utf-8").count("<section data-timing")
    light, dark = (sheets.sheets(browser, deck, tmp_path / "contact_sheets", dark) for dark in (False, True))
    assert len(light) == len(dark) == -(-total // (sheets.COLUMNS * sheets.ROWS))
    for one, other in zip(light, dark, strict=True):
        assert one.name.replace("light", "dark") == other.name
        brightness = [Image.open(path).convert("L").resize((1, 1)).getpixel((0, 0)) for path in (one, other)]
        assert brightness[0] > brightness[1] + 50


def test_what_python_makes_of_an_expression_stands_on_the_slide(course, tmp_path):
    text = '+++ {"tags": ["slide"]}\n\n## The answer is {eval}`f"{6 * 7:.1f}"`, or {eval}`"b"`'
    course("01_small", text, "a = 1")
    lesson = lessons.lessons(tmp_path)[0]
    notebook = execute.executed(lesson)
    assert "{eval}" not in "".join(cell.source for cell in lesson.notebook().cells)
    slide = compose.slides_of(lesson.deck(notebook), slides.render)[-1]
    assert slide.heading == "The answer is 42.0, or b"
    assert lesson.deck(execute.last(lesson)).cells == lesson.deck(notebook).cells
    assert [cell.id for cell in notebook.cells] == [cell.id for cell in lesson.notebook().cells]
    course("01_small", text.replace("The answer is", "It is"), "a = 1")
    lesson = lessons.lessons(tmp_path)[0]
    assert execute.last(lesson) is not None, "another heading executes nothing"
    assert compose.slides_of(lesson.deck(execute.last(lesson)), slides.render)[-1].heading == "It is 42.0, or b"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_expressions_stand_in_the_deck_alone(lesson):
    for cell in lesson.cells:
        if not lessons.tags(cell) & {"slide", "notes"}:
            assert not lessons.EVAL.search(cell.source), cell.source
        elif cell.cell_type == "markdown":
            assert cell.source.count("{eval}") == len(lessons.EVAL.findall(cell.source)), cell.source
            for expression in lessons.EVAL.findall(cell.source):
                ast.parse(expression, mode="eval")
    assert re.search(r"\{eval\}", "".join(cell.source for cell in lesson.cells))

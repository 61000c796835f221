"""What a learner looks at: no wall of numbers, axes that are named the same everywhere, drawings after a question."""

import itertools
import re

import pytest
from conftest import LESSONS

CORE = [lesson for lesson in LESSONS if not lesson.about.get("bonus")]
MOST = 12  # numbers of a table in a core lesson
NUMBER = re.compile(r"[-+−±]?\d[\d.,   ]*%?")
AXES = {
    *("time (s)", "frequency (kHz)", "length (s)", "epoch", "threshold", "score", "mean score", "loss", "dimension"),
    *("accuracy", "clip accuracy", "frame accuracy", "share that is right", "events", "clips", "windows", "F-score"),
    *("segment-based score", "segment-based F-score", "segment-based error rate", "length of an event (s)"),
    *("error rate", "ratio (dB)", "ratio of event to background (dB)", "training clips per class", "clips per class"),
    *("true class", "predicted class", "cosine", "energy (Wh)", "difference"),
}


def numbers_of(rows: list[list[str]]) -> int:
    """Count the cells of a table that hold numbers; words with a number in them are words."""
    return sum(len(NUMBER.findall(cell)) for row in rows for cell in row if not re.search(r"[A-Za-z]{2}", cell))


def html_tables(text: str):
    for table in re.findall(r"<table.*?</table>", text, re.S):
        yield [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in re.findall(r"<tr.*?</tr>", table, re.S)]


def markdown_tables(text: str):
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.M):
        yield [line.strip().strip("|").split("|") for line in table.splitlines()[2:]]


@pytest.mark.parametrize("lesson", CORE, ids=lambda lesson: lesson.name)
def test_no_table_is_a_wall_of_numbers(lesson, executed):
    found = {}
    for cell in executed[lesson.name].cells:
        if cell.source.startswith("## Expected results"):
            break
        if cell.cell_type == "markdown":
            tables = list(markdown_tables(cell.source))
        else:
            pages = (output.get("data", {}).get("text/html", "") for output in cell.outputs)
            tables = [table for page in pages for table in html_tables(page)]
        for rows in tables:
            if (n := numbers_of(rows)) > MOST:
                found[cell.source[-80:]] = n
    assert found == {}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_axes_have_the_names_and_units_that_all_lessons_use(lesson):
    code = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
    named = re.findall(r"(?:[xy]label=|set_[xy]label\(|rename_axis\()\"([^\"]+)\"", code)
    assert set(named) <= AXES
    assert not re.search(r"\.legend\(", code), "names stand beside what they name"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_drawing_comes_after_a_question(lesson):
    """Within the three cells of text above it, or in the heading of its section."""
    cells = [cell for cell in lesson.cells if "notes" not in cell.metadata.get("tags", [])]
    for i, cell in enumerate(cells):
        if cell.cell_type != "code" or "drawings.show(" not in cell.source:
            continue
        before = list(itertools.takewhile(lambda c: not c.source.startswith("## "), reversed(cells[:i])))
        section = [*before, *cells[max(0, i - len(before) - 1) :][:1]]
        words = " ".join(c.source for c in section if c.cell_type == "markdown" or "widgets.quiz(" in c.source)
        assert "?" in words or "widgets.quiz(" in words, cell.source

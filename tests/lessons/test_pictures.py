"""What a learner looks at: no wall of numbers, axes that are named the same everywhere, drawings after a question."""

import re

import pytest
from conftest import LESSONS

from makers import lessons

CORE = [lesson for lesson in LESSONS if not lesson.about.get("bonus")]
MOST = 12  # numbers of a table in a core lesson
NUMBER = re.compile(r"[-+−±]?\d[\d.,   ]*%?")
AXES = {
    *("time (s)", "frequency (kHz)", "length (s)", "epoch", "threshold", "score", "mean score", "loss", "dimension"),
    *("accuracy", "clip accuracy", "frame accuracy", "share that is right", "events", "clips", "windows", "F-score"),
    *(
        "segment-based score",
        "segment-based F-score",
        "event-based F-score",
        "segment-based error rate",
        "length of an event (s)",
    ),
    *("F-score at 0 dB", "macro-averaged F-score at 0 dB", "cosine, or share of clips"),
    *("error rate", "ratio (dB)", "ratio of event to background (dB)", "training clips per class", "clips per class"),
    *(
        "true class",
        "predicted class",
        "cosine",
        "energy (Wh)",
        "difference",
        "AUROC",
        "share of clips",
        "share of windows",
    ),
    *(
        "what it says",
        "PSDS",
        "expected calibration error",
        "loss of one class: cross-entropy",
        "weights, in thousands",
        "strength after a softmax, relative to the duck",
        "gain in F-score over the step before",
        "F-score by second at 0 dB: better minus simple",
        "mean confidence (%)",
        "clips that are wrong (%)",
        "YAMNet-mini, as a share of YAMNet",
    ),
}


def numbers_of(rows: list[list[str]]) -> int:
    """Count the cells of a table that hold numbers; words with a number in them are words."""
    return sum(len(NUMBER.findall(cell)) for row in rows for cell in row if not re.search(r"[A-Za-z]{2}", cell))


def html_tables(text: str):
    opened = re.sub(r"<details.*?</details>", "", text, flags=re.S)  # what is folded, nobody has to look at
    for table in re.findall(r"<table.*?</table>", opened, re.S):
        yield [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in re.findall(r"<tr.*?</tr>", table, re.S)]


def markdown_tables(text: str):
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.M):
        yield [line.strip().strip("|").split("|") for line in table.splitlines()[2:]]


def test_numbers_of_a_table_are_counted():
    row = "<tr><td>cat</td><td>0.25</td><td>-1</td><td>5 of 8</td></tr>"
    (table,) = html_tables(f"<details><table>{row}</table></details><table>{row * 5}</table>")
    assert numbers_of(table) == 10
    (table,) = markdown_tables("| a | b |\n| --- | --- |\n| cat | 0.5 |\n| −3 | 2 h |\n")
    assert numbers_of(table) == 3


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
    """In the heading of its section, or in the four cells of text or questions above it."""
    above = []
    for cell in lesson.cells:
        if cell.cell_type == "code" and "drawings.show(" in cell.source:
            assert "?" in " ".join(above[-4:]) or "widgets.quiz(" in " ".join(above[-4:]), cell.source
        elif (cell.cell_type == "markdown" and not lessons.tags(cell) & {"notes"}) or "widgets.quiz(" in cell.source:
            above.append(cell.source)

"""How long the lessons take, and how they read, as `makers reading` counts it."""

import re

import pytest
from conftest import LESSONS, ROOT
from nbformat.v4 import new_code_cell, new_notebook, new_output

from makers import reading

EVERY = [pytest.param(lesson, id=lesson.name) for lesson in LESSONS]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md")]
PAGES += [ROOT / "docs" / name for name in ("glossary.md", "instructor.md", "networks.md")]


@pytest.mark.parametrize("lesson", EVERY)
def test_a_lesson_reads_well(lesson):
    assert reading.reading(reading.texts(lesson)).faults == []


@pytest.mark.parametrize("lesson", EVERY)
def test_a_lesson_takes_the_minutes_that_it_states(lesson, executed):
    parts = reading.minutes(lesson, executed[lesson.name])
    assert parts["reading"] > 5
    assert parts["exercises"] > 5
    assert abs(sum(parts.values()) - lesson.about["minutes"]) < 1, parts  # real clips may be longer
    if not lesson.about.get("bonus"):
        assert sum(parts.values()) <= reading.MINUTES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_reads_well(path):
    text = re.sub(r"<!-- lessons -->.*?<!-- /lessons -->", "", path.read_text(encoding="utf-8"), flags=re.S)
    assert reading.reading([text]).faults == []


def test_nobody_writes_what_nobody_says():
    """The phrases of before stand nowhere that a person reads: lessons, questions, pages, messages."""
    kinds = ("lessons/*.md", "docs/*.md", "*.md", "data/*.md", "course_utils/**/*.py", "course_utils/**/*.toml")
    for path in sorted({path for kind in kinds for path in ROOT.glob(kind)}):
        text = path.read_text(encoding="utf-8")
        if path.name == "results.md":  # the only page that compares with the original lecture
            text = text.replace("2022 lecture", "")
        assert not [found[0] for found in reading.PHRASES.finditer(text)], path.relative_to(ROOT)


def test_the_phrases_are_found():
    for phrase in ("some 940 MB", "in the place of the three dots", "8 clips a class", "✗ Not so.", "at hand"):
        assert reading.PHRASES.search(phrase), phrase
    for phrase in ("about 940 MB", "for some clips", "8 clips per class", "beforehand", "this is not software"):
        assert not reading.PHRASES.search(phrase), phrase


def test_words_sentences_and_brackets_are_counted():
    text = (
        "# A heading\n\nWe hear a *dog* (loud),\nthen `a cat`. Kong et al. say: 0.5 s. **Why?** Look at [it](x.md)!\n\n"
        "- one item\n- another one\n\n| a | table |\n| --- | --- |\n\n```python\ncode = 1\n```\n\n$$x$$"
    )
    found = reading.reading([text])
    assert found.sentences == [
        "We hear a dog (loud), then code.",
        "Kong et al. say: 0.5 s.",
        "Why?",
        "Look at it!",
        "one item",
        "another one",
    ]
    assert found.lengths == [7, 6, 1, 3, 2, 2]
    assert found.brackets == 1
    assert found.words == 21 + 2 + 2
    assert found.faults == ["1 brackets in 21 words; one per 120 at most"]
    assert reading.reading(["word " * 33]).faults[0].startswith("33 words: word word")
    assert "median 17 words" in reading.reading([("word " * 17).strip() + "."]).faults[0]


def test_minutes_are_reading_sounds_and_exercises():
    lesson = LESSONS[0]
    player = new_output("execute_result", data={"text/html": '<audio data-seconds="30.00">'}, execution_count=1)
    executed = new_notebook(cells=[new_code_cell("", outputs=[player, player])])
    found = reading.minutes(lesson, executed)
    assert found["listening"] == 1
    assert found["reading"] == reading.reading(reading.texts(lesson)).words / 150
    times = [int(n) for cell in lesson.cells for n in re.findall(r"\*\*Time:\*\* (\d+) minutes, ", cell.source)]
    assert found["exercises"] == sum(times) > 0

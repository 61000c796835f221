"""Every exercise: the stub is told "not yet", the solution passes, and typical wrong answers are told what is wrong."""

import html
import inspect
import json
import re

import pytest
from conftest import LESSONS, ROOT

from course_utils import check
from makers import execute, lessons

ALL = {number: (lesson, exercise) for lesson in LESSONS for number, exercise in execute.exercises(lesson).items()}
EXERCISES = {number: both for number, both in ALL.items() if both[1]["check"]}
IN_WORDS = {number: both for number, both in ALL.items() if number not in EXERCISES}
STAGES = ["Hint 1: where to look", "Hint 2: what to use", "Hint 3: how"]


def outputs(notebook, call: str) -> str:
    """Return what the cell that makes this call has shown."""
    (cell,) = (cell for cell in notebook.cells if cell.cell_type == "code" and call in cell.source)
    return cell.outputs[-1].data["text/plain"]


def fits(said: str, words: str) -> bool:
    """Return whether a message is the words, "…" standing for anything."""
    return bool(re.fullmatch(".*".join(re.escape(part) for part in words.split("…")), said))


def bare(text: str) -> str:
    """Return text without what marks code and stress."""
    return re.sub(r"[`*]", "", text)


def test_each_lesson_has_three_to_five_in_order():
    for lesson in LESSONS:
        exercises = execute.exercises(lesson)
        assert list(exercises) == [f"{int(lesson.name[:2])}.{k}" for k in range(1, len(exercises) + 1)]
        assert 3 <= len(exercises) <= 5
        kinds = [re.search(r"minutes, ([^.]+)\.", exercise["text"])[1] for exercise in exercises.values()]
        assert kinds[0] == "one line"
        assert kinds[-1] == "open"
        assert kinds.count("your own words") == 1
        assert set(kinds) <= {"one line", "a few lines", "your own words", "open"}


@pytest.mark.parametrize("number", EXERCISES)
def test_an_exercise_has_all_its_parts(number):
    _, exercise = EXERCISES[number]
    assert "**Goal:**" in exercise["text"]
    assert re.findall(r"<details><summary>(.+?)</summary>", exercise["text"]) == STAGES
    assert exercise["stub"]
    assert exercise["solution"]
    assert len(exercise["wrong"]) >= 3
    assert all(said for _, said in exercise["wrong"])
    name = re.match(r"check\.(\w+)", exercise["check"])[1]
    assert f"exercise {number}: " in getattr(check, name).__doc__


@pytest.mark.parametrize("number", IN_WORDS)
def test_an_exercise_in_words_has_a_place_to_write_and_an_answer_to_compare_with(number):
    lesson, exercise = IN_WORDS[number]
    assert "**Goal:**" in exercise["text"]
    cells = lesson.notebook().cells
    task = next(i for i, cell in enumerate(cells) if cell.source == exercise["text"])
    place, answer = (cell.source for cell in cells[task + 1 : task + 3])
    assert place == "*Double-click here and write your answer.*"
    assert answer.startswith("<details><summary>Compare with a model answer</summary>")


def test_each_check_has_an_exercise():
    used = {re.match(r"check\.(\w+)", exercise["check"])[1] for _, exercise in EXERCISES.values()}
    public = {name for name, value in vars(check).items() if inspect.isfunction(value) and not name.startswith("_")}
    assert used == public - {"expected"}


@pytest.mark.parametrize("number", EXERCISES)
def test_stub_is_told_not_yet(number, executed):
    lesson, exercise = EXERCISES[number]
    said = outputs(executed[lesson.name], exercise["check"])
    assert said.startswith("✗ Not yet. ")
    assert "Replace the `...`" in said or "doesn't return a number" in said
    assert "Stuck? Open *Hint 1*" in said


@pytest.mark.parametrize("number", EXERCISES)
def test_solution_passes_and_other_answers_are_told_what_is_wrong(number, solved):
    lesson, exercise = EXERCISES[number]
    notebook = solved[lesson.name]
    said = outputs(notebook, exercise["check"])
    assert said.startswith("✓ Right. ")
    assert "Next: " in said
    verdicts = notebook.metadata.verdicts[number]["answers"]
    wrong, right = exercise["wrong"], exercise["right"]
    assert len(verdicts) == len(wrong) + len(right)
    for (code, words), verdict in zip(wrong, verdicts[: len(wrong)], strict=True):
        assert not verdict["passed"], code
        assert fits(verdict["message"], words), f"{code}: {verdict['message']}"
        head = re.match(r"✗ Not (quite|yet)\. ", verdict["text"])[0].strip()
        assert head in verdict["html"]
        assert bare(verdict["message"]) in bare(html.unescape(re.sub(r"<[^>]+>", "", verdict["html"])))
    messages = [verdict["message"] for verdict in verdicts[: len(wrong)]]
    assert len(set(messages)) == len(messages), "two wrong answers are told the same"
    for (code, _), verdict in zip(right, verdicts[len(wrong) :], strict=True):
        assert verdict["passed"], f"{code}: {verdict['message']}"


@pytest.mark.parametrize("number", EXERCISES)
def test_a_check_never_raises(number, solved):
    lesson, _ = EXERCISES[number]
    verdicts = solved[lesson.name].metadata.verdicts[number]["odd"]
    assert len(verdicts) == 2 * len(execute.ODD)  # with the notebook's data, and without
    assert all(verdict["message"] and not verdict["passed"] for verdict in verdicts)


def test_answers_are_read_with_what_must_be_said():
    source = "a = 1\nb = 2\n#> both\nf = lambda x: x\n#> a … function\na = 3\n#>"
    cell = lessons.new_code_cell(source, metadata={"tags": ["wrong"]})
    assert execute.answers(cell) == [("a = 1\nb = 2", "both"), ("f = lambda x: x", "a … function"), ("a = 3", "")]
    for source in (
        "a = 1",
        "a = 1\n#>\nb = 2",
        "#> words",
        "a = 1\n#> one\n#> two",
        "f(\n    #> no\n)\n#>",
        "a = 1\n# > no",
    ):
        with pytest.raises(lessons.LessonError, match="#>"):
            execute.answers(lessons.new_code_cell(source))
    assert fits("a long function", "a … function")
    assert not fits("a function of x", "a … function")


def solution_lines(lesson) -> set:
    """Return the lines of solutions that stand nowhere else in a lesson."""
    kinds = {"solution", "wrong", "right", "record"}
    lines = {line.strip() for c in lesson.cells if "solution" in lessons.tags(c) for line in c.source.splitlines()}
    taught = {
        line.strip()
        for c in lesson.cells
        if c.cell_type == "code" and not kinds & lessons.tags(c)
        for line in c.source.splitlines()
    }
    return {line for line in lines - taught if len(line) > 8 and not line.isidentifier()}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_student_notebook_holds_no_solution(lesson):
    text = (ROOT / f"notebooks/{lesson.name}.ipynb").read_text(encoding="utf-8")
    lines = solution_lines(lesson)
    assert len(lines) >= 3
    for line in lines:
        assert json.dumps(line, ensure_ascii=False)[1:-1] not in text, line
        assert any(line in cell.source for cell in lesson.notebook(solved=True).cells), line
    for exercise in execute.exercises(lesson).values():  # nor do the hints quote it
        hint = exercise["text"].partition("<summary>Hint 1")[2]
        quoted = [code for code in re.findall(r"`([^`]*[(\[][^`]*)`", hint) if code in exercise["solution"]]
        assert max(map(len, quoted), default=0) < 20, quoted
    for exercise in execute.exercises(lesson).values():
        for code, _ in exercise["wrong"] + exercise["right"]:
            assert code in exercise["stub"] or json.dumps(code, ensure_ascii=False)[1:-1] not in text, code

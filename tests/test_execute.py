"""Notebooks are executed once, by nbmake, for what their outputs depend on."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import assets
from makers import execute, lessons


def test_every_notebook_runs_to_its_end(executed):
    for lesson in lessons.lessons():
        notebook = executed[lesson.name]
        assert notebook.metadata.seconds > 0
        assert notebook.metadata.record["headline"]
        assert [cell.source for cell in notebook.cells] == [cell.source for cell in lesson.notebook().cells]
        assert all(cell.execution_count for cell in execute.code_cells(notebook))
        assert "widgets" not in notebook.metadata


def test_every_notebook_with_solutions_runs_to_its_end(solved):
    for lesson in lessons.lessons():
        notebook = solved[lesson.name]
        assert set(notebook.metadata.verdicts) == set(execute.exercises(lesson))
        assert [cell.source for cell in notebook.cells] == [cell.source for cell in lesson.notebook(solved=True).cells]


def test_an_execution_is_kept_until_something_it_depends_on_changes(course, tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_ASSETS", raising=False)
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    course("01_small", "## A heading", "n = 2\nprint(n)")
    (lesson,) = lessons.lessons()
    assert execute.last(lesson) is None
    assert execute.execute(lesson).metadata.record == {"headline": "done", "assets": {}}
    assert execute.last(lesson).cells[-1].outputs[0].text == "2\n"
    other = execute.execute(lesson, values={"n": 3})
    assert other.cells[-1].outputs[0].text == "3\n"
    assert execute.last(lesson) is None, "what ran with other values is no execution of the lesson"
    kept = execute.executed(lesson)
    assert kept.cells[-1].outputs == execute.last(lesson).cells[-1].outputs
    assert list((tmp_path / "build/executed").iterdir()) == [execute.place(lesson)]
    with assets.using(assets.Store(cache=tmp_path / "fetched", mirror=None)) as store:
        assert execute.last(lesson)
        fetched = store.cache / store.assets["yamnet"]["path"]
        fetched.parent.mkdir(parents=True)
        fetched.touch()
        assert execute.last(lesson) is None, "an asset that was not here before"
    assert execute.last(lesson)
    monkeypatch.setattr(execute.importlib.metadata, "version", lambda name: "0")
    assert execute.last(lesson) is None, "other versions"


def test_many_prints_are_one_output_and_a_bar_only_its_end(course):
    code = "import sys\nfor i in range(3):\n    print(i, end='\\r')\n    sys.stdout.flush()\nprint('end')"
    course("01_small", "## A heading", code)
    notebook = execute.execute(lessons.lessons()[0])
    assert [output.text for output in notebook.cells[-1].outputs] == ["end\n"]


def test_a_check_that_does_not_say_what_it_should_fails_the_execution(course, tmp_path):
    answer = "f_score = lambda tp, fp, fn: 2 * tp / (2 * tp + fp + fn)"
    code = f"from course_utils import check\n{answer}\ncheck.f_score(f_score)"
    course("01_small", "### Exercise 1.1: solved already", code)
    (lesson,) = lessons.lessons()
    with pytest.raises(execute.ExecutionError, match="assert not Out") as error:
        execute.execute(lesson)
    assert "Post cell execution failed" in error.value.what
    assert execute.last(lesson) is None


def test_values_are_set_in_their_lines():
    cells = [new_markdown_cell("SEED = 1"), new_code_cell("SEED = 1  # why\nuse(SEED)"), new_code_cell("N = (1, 2)")]
    notebook = new_notebook(cells=cells)
    execute.set_values(notebook, {"SEED": 7, "N": 3})
    assert [cell.source for cell in notebook.cells] == ["SEED = 1", "SEED = 7  # why\nuse(SEED)", "N = 3"]
    with pytest.raises(ValueError, match="sets OTHER"):
        execute.set_values(notebook, {"OTHER": 1})

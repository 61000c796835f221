"""Notebooks are executed once, by nbmake, for what their outputs depend on."""

import pytest
from conftest import LESSONS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import assets
from makers import execute, lessons


def test_every_notebook_runs_to_its_end(executed):
    for lesson in LESSONS:
        notebook = executed[lesson.name]
        assert notebook.metadata.seconds > 0
        assert notebook.metadata.record["headline"]
        assert [cell.source for cell in notebook.cells] == [cell.source for cell in lesson.notebook().cells]
        assert all(cell.execution_count for cell in execute.code_cells(notebook))
        assert "widgets" not in notebook.metadata


def test_every_notebook_with_solutions_runs_to_its_end(solved):
    for lesson in LESSONS:
        notebook = solved[lesson.name]
        checked = {number for number, exercise in execute.exercises(lesson).items() if exercise["check"]}
        assert set(notebook.metadata.verdicts) == checked
        assert [cell.source for cell in notebook.cells] == [cell.source for cell in lesson.notebook(solved=True).cells]


def test_an_execution_is_kept_until_something_it_depends_on_changes(course, tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_ASSETS", raising=False)
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    course("01_small", "## A heading", "n = 2\nprint(n)")
    (lesson,) = lessons.lessons()
    assert execute.last(lesson) is None
    first = execute.execute(lesson)
    assert first.metadata.record == {"headline": "done"}
    assert first.metadata.assets == {}
    assert execute.last(lesson).cells[-1].outputs[0].text == "2\n"
    other = execute.execute(lesson, values={"n": 3})
    assert other.cells[-1].outputs[0].text == "3\n"
    assert execute.last(lesson).cells[-1].outputs[0].text == "2\n", "what ran with other values was kept"
    kept = execute.executed(lesson)
    assert kept.cells[-1].outputs == execute.last(lesson).cells[-1].outputs
    assert list((tmp_path / "build/executed").iterdir()) == [execute.place(lesson)]
    package = tmp_path / "course_utils/x.py"
    package.parent.mkdir()
    package.write_text("a = 1")
    assert execute.last(lesson) is None, "the package"
    package.unlink()
    monkeypatch.setattr(execute.importlib.metadata, "version", lambda name: "0")
    assert execute.last(lesson) is None, "other versions"


def test_notebooks_that_run_side_by_side_share_the_cores(course, monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    course("01_small", "## A heading", "import os\nprint(os.environ.get('TF_NUM_INTRAOP_THREADS'))")
    (lesson,) = lessons.lessons()
    for share, threads in ((1, None), (2, max(1, execute.os.cpu_count() // 2))):
        assert execute.execute(lesson, share=share).cells[-1].outputs[0].text == f"{threads}\n"


def test_an_asset_that_comes_later_changes_what_used_it(course, tmp_path, monkeypatch):
    for name in ("COURSE_ASSETS", "COURSE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    assert execute.here(["yamnet", "esc50-animals", "embeddings"]) == {"yamnet": 0, "esc50-animals": 0}
    path = tmp_path / "cache" / assets.store().assets["yamnet"]["path"]
    path.parent.mkdir(parents=True)
    path.touch()
    assert execute.here(["yamnet", "esc50-animals"]) == {"yamnet": 1, "esc50-animals": 0}
    assert execute.circumstances(["yamnet"]) != execute.circumstances()
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    assert execute.circumstances(["yamnet"]) == execute.circumstances()


def test_what_nbmake_sets_is_part_of_the_code(course):
    course("01_small", "## A heading", "n = 2", ":nbmake: {mock: {n: 3}}\n")
    (before,) = lessons.lessons()
    course("01_small", "## A heading", "n = 2", ":nbmake: {mock: {n: 4}}\n")
    (after,) = lessons.lessons()
    codes = [execute.code_of(execute.prepare(lesson, solved=True)) for lesson in (before, after)]
    assert codes[0] != codes[1]


@pytest.mark.parametrize("heading", ["Record your voice", "Answers", "Assets"])
def test_sections_may_be_called_as_one_likes(course, heading):
    course("01_small", f"## {heading}\n\n+++\n\n### {heading} 1", "print(1)")
    (lesson,) = lessons.lessons()
    for solved in (False, True):
        notebook = execute.executed(lesson, solved)
        assert len(notebook.cells) == len(lesson.notebook(solved).cells)
        assert execute.last(lesson, solved).cells[-1].outputs[0].text == "1\n"


def test_many_prints_are_one_output_and_a_bar_only_its_end(course):
    code = "import sys\nfor i in range(3):\n    print(i, end='\\r')\n    sys.stdout.flush()\nprint('end')"
    course("01_small", "## A heading", code)
    notebook = execute.execute(lessons.lessons()[0])
    assert [output.text for output in notebook.cells[-1].outputs] == ["end\n"]


def test_a_check_that_does_not_say_what_it_should_fails_the_execution(course, tmp_path):
    answer = "n_windows = lambda s: max(1, 1 + -(-(s - 0.96) // 0.48))"
    code = f"from course_utils import check\n{answer}\ncheck.n_windows(n_windows)"
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

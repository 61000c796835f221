"""The lessons, and the notebooks that are written from them. (That these run is the business of test_execute.py.)"""

import ast
import itertools
import json
import re
import shutil
import subprocess
import sys

import pytest
from conftest import LESSONS, ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils import widgets
from makers import lessons, slides
from makers.__main__ import main as makers_main

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in PATHS]
EVERY = [pytest.param(lesson, id=lesson.name) for lesson in LESSONS]
BOTH = [
    pytest.param(lesson.notebook(solved), id=lesson.name + ", solved" * solved)
    for lesson in LESSONS
    for solved in (False, True)
]
CODE_LINES = 12
CODE_WIDTH = 100
POSITIONAL = 2
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
TAGS = {"both", "slide", "otherwise", "notes", "fragment", "stub", "solution", "wrong", "right", "record", "expected"}
HELPERS = {"assets", "audio", "datasets", "energy", "evaluation", "events", "features", "models", "plotting", "widgets"}
PACKAGES = {"sklearn": "scikit-learn", "tensorflow_hub": "tensorflow-hub"}


def source(cell) -> str:
    return "".join(cell["source"])


def is_code(cell) -> bool:
    return cell["cell_type"] == "code"


def test_lessons_are_numbered_in_order():
    assert [int(lesson.name[:2]) for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))
    core = [lesson for lesson in LESSONS if not lesson.about.get("bonus")]
    assert [lesson.subtitle for lesson in core] == [f"lesson {n}" for n in range(1, len(core) + 1)]
    assert LESSONS[: len(core)] == core, "what is a bonus comes after the core"


# --- what one writes ---


@pytest.mark.parametrize("lesson", EVERY)
def test_cells_have_tags_that_are_known(lesson):
    for cell in lesson.cells:
        assert lessons.tags(cell) <= TAGS, cell.source
        assert set(cell.metadata) <= {"tags", "layout", "recall", "steps", "nbmake", "jupyter", "cellView"}, cell.source
        if {"layout", "recall", "steps"} & set(cell.metadata):
            assert "slide" in lessons.tags(cell), cell.source
        if "otherwise" in lessons.tags(cell):
            assert cell.source.startswith("## "), cell.source
    assert sum("record" in lessons.tags(cell) for cell in lesson.cells) == 1
    assert sum("expected" in lessons.tags(cell) for cell in lesson.cells) == 1


@pytest.mark.parametrize("lesson", EVERY)
def test_header_names_the_packages_that_the_lesson_imports(lesson):
    imported, hidden = set(), {"wrong", "right", "record"}
    for cell in lesson.cells:
        if is_code(cell) and not lessons.tags(cell) & hidden:
            for node in ast.walk(ast.parse(cell.source)):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                imported |= {name.partition(".")[0] for name in names}
    ours = imported - set(sys.stdlib_module_names) - {"course_utils", "IPython"}
    assert {PACKAGES.get(name, name) for name in ours} == set(lesson.about["packages"])


@pytest.mark.parametrize("lesson", EVERY)
def test_code_cells_are_short(lesson):
    for cell in lesson.cells:
        if is_code(cell) and not lessons.tags(cell) & {"wrong", "right", "record"} and "SPEC" not in cell.source:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= CODE_LINES, f"{len(lines)} lines:\n{cell.source}"


def taught(lesson) -> list[str]:
    """Return the code cells that students see of a lesson, without the set-up."""
    return [c.source for c in lesson.notebook(solved=True).cells if is_code(c) and "SPEC" not in c.source]


@pytest.mark.parametrize("lesson", EVERY)
def test_code_names_what_it_hands_over(lesson):
    """Beyond two arguments, a helper of the course is told their names; lines fit on a slide."""
    for code in taught(lesson):
        assert max(map(len, code.splitlines())) <= CODE_WIDTH, code
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                ours = isinstance(node.func.value, ast.Name) and node.func.value.id in HELPERS
                assert not ours or len(node.args) <= POSITIONAL, ast.unparse(node)


def test_comprehensions_are_hardly_nested():
    loops = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    nested = []
    for lesson in LESSONS:
        for node in itertools.chain.from_iterable(ast.walk(ast.parse(code)) for code in taught(lesson)):
            if isinstance(node, loops):
                inner = any(isinstance(part, loops) for part in ast.walk(node) if part is not node)
                nested += [f"{lesson.name}: {ast.unparse(node)}"] * (inner or len(node.generators) > 1)
    assert len(nested) <= 2, nested


@pytest.mark.parametrize("lesson", [param for param in EVERY if not param.values[0].about.get("bonus")])
def test_something_is_heard_and_answered_within_three_cells(lesson, executed):
    first = list(filter(is_code, executed[lesson.name].cells))[:3]
    shown = "".join(output.get("data", {}).get("text/html", "") for cell in first for output in cell.outputs)
    assert "<audio" in shown
    assert "<img" in shown or "<svg" in shown


@pytest.mark.parametrize("lesson", EVERY)
def test_a_name_stands_for_one_thing(lesson, executed):
    """No cell leaves a variable with another type than an earlier one did."""
    assert executed[lesson.name].metadata.changes == []


class Names(ast.NodeVisitor):
    """The names that code gives a value, and those that it reads; not those inside of functions and comprehensions."""

    def __init__(self, source: str):
        self.given, self.read = set(), set()
        self.visit(ast.parse(source))

    def visit_Name(self, node):
        (self.read if isinstance(node.ctx, ast.Load) else self.given).add(node.id)

    def visit_alias(self, node):
        self.read.add((node.asname or node.name).split(".")[0])  # a module is the same wherever it is imported

    def visit_FunctionDef(self, node):
        self.given.add(node.name)

    def visit_Lambda(self, node):
        """Leave out what is inside."""

    def visit_ListComp(self, node):
        inside = Names("")
        inside.generic_visit(node)
        self.read |= inside.read - inside.given

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # noqa: N815


def test_names_of_comprehensions_are_their_own():
    names = Names("import a.b as c, d.e\nf = [g for g in h if g]\nfor i in j: pass\ndef k(): l\n")
    assert names.given == {"f", "i", "k"}
    assert names.read == {"c", "d", "h", "j"}


@pytest.mark.parametrize("lesson", EVERY)
def test_what_only_the_deck_shows_changes_no_name_of_the_lesson(lesson):
    """A student's notebook has no cell of a slide: none may give it a name, or another value to one."""
    used, given = set(), set()
    for cell in lesson.cells:
        set_up = cell.metadata.get("jupyter", {}).get("source_hidden")  # no cell reads its names
        if is_code(cell) and not set_up and not lessons.tags(cell) & {"wrong", "right", "record"}:
            names = Names(cell.source)
            if "slide" in lessons.tags(cell):
                given |= names.given
            else:
                used |= names.given | names.read
    assert given & used <= {"_"}


@pytest.mark.parametrize("lesson", EVERY)
def test_slides_begin_with_a_heading(lesson):
    headings = [cell for cell in lesson.deck().cells if not is_code(cell) and cell.source.startswith("#")]
    assert lesson.deck().cells[0].source.startswith("# ")
    assert len(headings) >= 10
    for cell in lesson.cells:  # a second heading in a cell would begin no slide
        if not is_code(cell) and "slide" in lessons.tags(cell):
            assert not re.search(r"\n#{1,3} ", cell.source), cell.source


def test_every_question_is_asked():
    code = [cell.source for lesson in LESSONS for cell in lesson.notebook().cells if is_code(cell)]
    for name in widgets.quizzes():
        assert any(f'widgets.quiz("{name}")' in source for source in code), name


@pytest.mark.parametrize("notebook", BOTH)
def test_notebooks_are_valid(notebook):
    lessons.nbformat.validate(notebook)


def test_a_cell_is_named_by_its_section_so_that_others_may_change():
    cells = [new_markdown_cell(text) for text in ("# A", "x", "## The model: CNN14", "y", "### *More*")]
    lessons._name_cells(cells)
    assert [cell.id for cell in cells] == ["a-1", "a-2", "the-model-cnn14-1", "the-model-cnn14-2", "more-1"]
    for lesson in LESSONS:
        ids = [cell.id for cell in lesson.cells]
        assert len(set(ids)) == len(ids)


# --- what students get ---


def test_written_files_are_those_of_the_lessons():
    texts = lessons.texts(ROOT)
    assert len(texts) == 1 + 2 * len(LESSONS)
    for path, text in texts.items():
        if "build" not in path.parts:
            assert path.read_text(encoding="utf-8") == text, f"{path.name} is not what its lesson says: make notebooks"
    assert sorted(path for path in texts if path.parent == ROOT / "notebooks") == PATHS


def test_notebooks_are_the_only_ones_in_the_repository():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    assert {name for name in done.stdout.splitlines() if name.endswith(".ipynb")} == {
        f"notebooks/{lesson.name}.ipynb" for lesson in LESSONS
    }


@pytest.mark.parametrize("lesson", EVERY)
def test_student_notebook_holds_nothing_for_others(lesson):
    """No note for the speaker, no slide, nothing of a solution; test_exercises.py looks for lines of solutions."""
    text = (ROOT / f"notebooks/{lesson.name}.ipynb").read_text(encoding="utf-8")
    kept = {cell["id"] for cell in json.loads(text)["cells"]}
    hidden = [c for c in lesson.cells if lessons.tags(c) & {"notes", "slide", "solution", "wrong", "right", "record"}]
    assert len(hidden) > 10
    for cell in hidden:
        assert cell.id not in kept
        for line in cell.source.splitlines():
            if "notes" in lessons.tags(cell) and len(line) > 20:
                assert json.dumps(line, ensure_ascii=False)[1:-1] not in text, line
    for word in ("slideshow", '"layout"', '"steps"', '"notes"', '"solution"', '"stub"'):
        assert word not in text


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_no_outputs_and_a_portable_kernel(notebook):
    for cell in filter(is_code, notebook["cells"]):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("notebook", BOTH)
def test_text_stands_between_code(notebook):
    kinds = "".join("c" if is_code(cell) else "-" for cell in notebook["cells"])
    assert max(map(len, kinds.split("-"))) <= 4


@pytest.mark.parametrize("notebook", BOTH)
def test_skeleton(notebook):
    text = [source(cell) for cell in notebook["cells"]]
    assert text[0].startswith("# ")
    assert "<!-- badges -->" in text[0]
    headings = re.findall(r"^## (.+)$", "\n".join(text), re.MULTILINE)
    assert headings[0] == "What you will learn"
    assert headings[-3:] == ["Summary", "Expected results", "References"]
    assert any("**Prerequisites:**" in t and "**Time:**" in t for t in text)
    assert "{{" not in "".join(source(cell) for cell in notebook["cells"] if not is_code(cell))
    first = next(filter(is_code, notebook["cells"]))
    assert "COURSE_UTILS_SPEC" in source(first)
    assert source(first).startswith("# @title ")
    assert first["metadata"]["jupyter"]["source_hidden"]
    assert "assets.overview(" in source(first)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_figure_has_a_caption_and_its_number(notebook):
    cells = notebook["cells"]
    for cell, after in itertools.pairwise(cells):
        if is_code(cell) and re.search(r"plotting\.\w+\(", source(cell)):
            assert re.match(r"\*Figure \d+\.", source(after)), source(cell)
        if is_code(cell) and "drawings.show(" in source(cell):
            assert re.match(r"\*Drawing\. ", source(after)), source(cell)
    numbers = re.findall(r"^\*Figure (\d+)\.", "\n".join(source(c) for c in cells), re.MULTILINE)
    assert numbers == [str(i + 1) for i in range(len(numbers))]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_questions_come_before_results(notebook):
    cells = [cell for cell in notebook["cells"] if is_code(cell) or "Predict" in source(cell)]
    asked = [i for i, cell in enumerate(cells) if "widgets.quiz(" in source(cell)]
    assert len(asked) >= 2
    for i in asked:
        assert cells[i - 1]["cell_type"] == "markdown", "no line asks to predict"
        assert cells[i + 1]["cell_type"] == "code", "nothing is shown after it"
        assert "widgets.quiz(" not in source(cells[i + 1])


@pytest.mark.parametrize("solved", [False, True])
def test_code_is_formatted_and_linted(tmp_path, solved):
    for lesson in LESSONS:
        lessons.nbformat.write(lesson.notebook(solved), tmp_path / f"{lesson.name}.ipynb")
    for command in (["format", "--diff"], ["check"]):
        command = [sys.executable, "-m", "ruff", *command, "--config", ROOT / "pyproject.toml", tmp_path]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


# --- a change ---


@pytest.fixture
def copy(tmp_path):
    """A copy of what lessons are made of."""
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("lessons", "notebooks", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def changed_lines(before: str, after: str) -> int:
    """Return how many lines of the second text are not in the first, at their place."""
    return sum(a != b for a, b in itertools.zip_longest(before.splitlines(), after.splitlines()))


def test_a_changed_sentence_is_one_line_of_a_notebook(copy):
    lesson, notebook = copy / "lessons/02_yamnet.md", copy / "notebooks/02_yamnet.ipynb"
    before = notebook.read_text(encoding="utf-8")
    assert lessons.write(copy) == [copy / f"build/solutions/{lesson.name}.ipynb" for lesson in LESSONS]
    text = lesson.read_text(encoding="utf-8")
    sentence = "- how YAMNet cuts audio into **windows**"
    assert text.count(sentence) == 1
    lesson.write_text(text.replace(sentence, "- how YAMNet cuts a sound into **windows**"), encoding="utf-8")
    assert lessons.write(copy) == [notebook, copy / "build/solutions/02_yamnet.ipynb"]
    assert changed_lines(before, notebook.read_text(encoding="utf-8")) == 1


def test_a_new_lesson_is_found_everywhere(copy):
    """It takes its file: README's table, numbers, notebooks, decks, their start page, records and tests follow."""
    text = (ROOT / "lessons/02_yamnet.md").read_text(encoding="utf-8").replace("title: YAMNet", "title: Another")
    (copy / "lessons/08_another.md").write_text(text, encoding="utf-8")
    written = {path.relative_to(copy).as_posix() for path in lessons.write(copy)}
    assert {"README.md", "notebooks/08_another.ipynb", "build/solutions/08_another.ipynb"} <= written
    assert "| [08_another](notebooks/08_another.ipynb) |" in (copy / "README.md").read_text(encoding="utf-8")
    found = lessons.lessons(copy)
    assert [lesson.subtitle for lesson in found][-2:] == ["lesson 7, going further", "lesson 5"]
    first = json.loads((copy / "notebooks/01_audio_tagging.ipynb").read_text(encoding="utf-8"))["cells"][0]
    assert "*Environmental Audio AI, lesson 1*" in source(first)
    assert found[-1].deck().cells[0].source.startswith("# Another")
    assert "headline" in found[-1].record
    slides.write_index(copy / "build/slides", {lesson.name: lesson.deck() for lesson in found}, {})
    assert 'href="08_another.html"' in (copy / "build/slides/index.html").read_text(encoding="utf-8")
    for name in ("course_utils", "makers", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    collected = subprocess.run(command, cwd=copy, capture_output=True, text=True).stdout
    for test in ("test_first_cells.py", "test_lessons.py", "test_build.py", "test_slides.py", "test_results.py"):
        assert re.search(rf"{test}::\w+\[.*08_another", collected), f"{test} does not know it"
    (copy / "lessons/08_another.md").unlink()
    lessons.write(copy)
    assert "08_another" not in (copy / "README.md").read_text(encoding="utf-8")
    assert not (copy / "build/solutions/08_another.ipynb").exists()
    assert (copy / "notebooks/08_another.ipynb").exists(), "it might be somebody's own"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("title: YAMNet\n", ""), "02_yamnet.md lacks title"),
        (("summary:", "sumary:"), "02_yamnet.md lacks summary"),
        (("title: YAMNet", "title: A: b"), "02_yamnet.md cannot be read"),
        ((":tags: [record]", ":tags: [both]"), "02_yamnet.md has 0 cells tagged record"),
        ((":tags: [both]", ":tags: [both"), "02_yamnet.md cannot be read"),
    ],
)
def test_a_lesson_that_is_wrong_is_named(copy, change, words):
    path = copy / "lessons/02_yamnet.md"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(lessons.LessonError, match=words):
        lessons.lessons(copy)


@pytest.mark.parametrize("command", ["run", "slides", "present"])
def test_a_command_says_in_a_sentence_which_lesson_is_wrong(copy, monkeypatch, capsys, command):
    (copy / "lessons/02_yamnet.md").write_text("no header", encoding="utf-8")
    monkeypatch.setattr(lessons, "ROOT", copy)
    monkeypatch.setattr(sys, "argv", sys.argv)
    assert makers_main([command, *["2"] * (command == "present")]) == 1
    assert capsys.readouterr().err.startswith("02_yamnet.md lacks title, minutes")


def test_a_mark_at_the_beginning_of_the_file_does_no_harm(copy):
    path = copy / "lessons/02_yamnet.md"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")  # as Windows' Notepad writes it
    assert lessons.lessons(copy)[1].title == "YAMNet"


def test_a_deck_has_the_outputs_of_the_execution():
    lesson = LESSONS[1]
    executed = lesson.notebook()
    cell = next(cell for cell in lesson.deck().cells if is_code(cell) and "slide" not in lessons.tags(cell))
    for ran in filter(is_code, executed.cells):
        ran.outputs = [lessons.nbformat.v4.new_output("stream", text=ran.id)]
    shown = next(c for c in lesson.deck(executed).cells if c.id == cell.id)
    assert shown.outputs[0].text == cell.id
    assert slides.length(lesson.deck(executed)) == slides.length(lesson.deck())


# --- terms ---


@pytest.mark.parametrize("notebook", BOTH)
def test_terms_link_to_the_glossary_once(notebook):
    terms = {lessons.anchor(term) for term in re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)}
    links = re.findall(r"docs/glossary\.md#([\w-]+)\)", "\n".join(source(cell) for cell in notebook["cells"]))
    assert 6 <= len(links) <= 12
    assert len(links) == len(set(links))
    assert set(links) <= terms


def test_terms_have_the_anchors_that_links_ask_for():
    """GitHub makes them in small letters; JupyterLab keeps capitals, and takes what stands above the heading."""
    for above, term in re.findall(r"(.*)\n\n### (.+)$", GLOSSARY, re.MULTILINE):
        anchor = lessons.anchor(term)
        assert anchor == term.replace(" ", "-") or above == f'<a id="{anchor}"></a>', term


def test_a_term_is_linked_where_it_first_stands_in_the_text():
    def linked(*texts: str, forms: dict) -> list[str]:
        cells = [new_markdown_cell(text) for text in texts]
        lessons.link_terms(cells, forms, "g.md")
        return [cell.source for cell in cells][1:]

    texts = "## A clip\n`clip` and [a clip](x.md)\n*Figure 1. A clip.* A mel band.", "Two **clips**, one clip, eclipse"
    assert linked("# Clip", *texts, forms={"clip": "clip", "clips": "clip", "mel band": "mel-band"}) == [
        "## A clip\n`clip` and [a clip](x.md)\n*Figure 1. A clip.* A [mel band](g.md#mel-band).",
        "Two **[clips](g.md#clip)**, one clip, eclipse",
    ]
    for aside in (
        "[see `x[0]` clip](a.md)",
        "![alt [x] clip](clip.png)",
        "[ref]: docs/clip.md",
        "~~~\nclip\n~~~",
        "    clip = 1",
        " ## clip",
        "> # clip",
        "<summary>clip</summary>",
        "clip.wav",
        "$clip$",
    ):
        assert linked("# T", aside, forms={"clip": "clip"}) == [aside]
    assert linked("# T", "an eclipse, a clip", forms={"clip": "clip"}) == ["an eclipse, a [clip](g.md#clip)"]
    code = [new_markdown_cell("# T"), new_code_cell("clip = 1")]
    lessons.link_terms(code, {"clip": "clip"}, "g.md")
    assert code[1].source == "clip = 1"

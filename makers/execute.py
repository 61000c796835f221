"""Execute notebooks by nbmake, each once for what its outputs depend on: code, package, assets, versions.

Executions are kept below ``build/executed/``; pages, decks, records and tests read them. Beside the cells of a notebook
an execution runs the lesson's ``record``, or with the solutions its ``wrong`` and ``right`` answers.
"""

import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import nbformat
from nbconvert.preprocessors.coalescestreams import CoalesceStreamsPreprocessor
from nbformat.v4 import new_code_cell

from course_utils import assets
from makers import lessons
from makers.lessons import CHECK, Lesson, tags

BUILD = lessons.ROOT / "build"
TIMEOUT = 1800  # s a cell may take
ODD = ["None", "...", "3", "'dog'", "[]", "{}", "object()", "np.array([np.nan])", "lambda *_: 1 / 0", "pd.DataFrame()",
       "(..., 1)", "[[1], [2, 3]]"]  # fmt: skip
RECORD = """import json
from course_utils import assets

print(json.dumps({**Out[max(Out)], "assets": assets.used()}))"""
ANSWERS = (Path(__file__).with_name("templates") / "answers.py").read_text(encoding="utf-8")


class ExecutionError(RuntimeError):
    """A notebook could not be executed to its end; ``what`` is why, in a line; the message holds the traceback."""

    def __init__(self, what: str, text: str):
        super().__init__(text)
        self.what = what


def answers(cell) -> list[tuple[str, str]]:
    """Return the answers of a cell tagged ``wrong`` or ``right``, each with the words that the check must say."""
    found = re.findall(r"((?:^(?!#>).*\n)+)#>(.*)$", cell.source + "\n", re.M)
    return [(code.strip(), said.strip()) for code, said in found]


def exercises(lesson: Lesson) -> dict[str, dict]:
    """Return of each exercise of a lesson, by its number: ``text``, the sources of its cells by tag, and ``check``."""
    found, number = {}, None
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            if heading := re.match(r"### Exercise (\d+\.\d+): ", cell.source):
                number = heading[1]
                found[number] = {"text": cell.source, "stub": "", "solution": "", "check": "", "wrong": [], "right": []}
            elif re.match(r"#{1,3} ", cell.source):
                number = None
        elif number:
            exercise, kinds = found[number], tags(cell)
            for kind in kinds & {"wrong", "right"}:
                exercise[kind] += answers(cell)
            for kind in kinds & {"stub", "solution"}:
                exercise[kind] += cell.source + "\n"
            if call := CHECK.search(cell.source):
                exercise["check"] = call[0]
    return found


def prepare(lesson: Lesson, solved: bool = False, values: dict | None = None):
    """Return what is executed of a lesson: its notebook, and the cells whose output is its record or its verdicts.

    Parameters
    ----------
    lesson : Lesson
    solved : bool
        Whether it is the notebook with the solutions.
    values : dict, optional
        What variables are set to, in place of the lesson's own values.

    Raises
    ------
    ValueError
        If no line sets one of the variables.
    """
    notebook = lesson.notebook(solved)
    set_values(notebook, values or {})
    if not solved:
        for cell in notebook.cells:
            cell.metadata.get("nbmake", {}).pop("mock", None)  # only solutions are run with less
        notebook.cells += [new_code_cell(lesson.record, id="record"), new_code_cell(RECORD, id="record-json")]
        return notebook
    by_call = {exercise["check"]: (number, exercise) for number, exercise in exercises(lesson).items()}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "code" and (call := CHECK.search(cell.source)):
            number, exercise = by_call[call[0]]
            codes = [code for code, _ in exercise["wrong"] + exercise["right"]]
            source = f"CALL = {call[0]!r}\nANSWERS = {codes!r}\nODD = {ODD!r}\n{ANSWERS}"
            cells.append(new_code_cell(source, id=f"answers-{number.replace('.', '-')}"))
    notebook.cells = cells
    return notebook


def set_values(notebook, values: dict) -> None:
    """Set variables of a notebook to other values, in the lines that set them.

    Raises
    ------
    ValueError
        If no line sets a variable.
    """
    for name, value in values.items():
        found = 0
        for cell in notebook.cells:
            if cell.cell_type == "code":
                line, new = rf"^{name} = [^#\n]*?(?= *#| *$)", f"{name} = {value!r}"
                cell.source, n = re.subn(line, new, cell.source, flags=re.MULTILINE)
                found += n
        if not found:
            raise ValueError(f"No line of the notebook sets {name}.")


def circumstances() -> dict[str, str]:
    """Return what outputs depend on beside the notebook's code: the package, versions, assets meant and here."""
    digest = hashlib.sha256()
    for file in sorted(p for folder in ("course_utils", "data/embedded") for p in (lessons.ROOT / folder).rglob("*.*")):
        if file.is_file() and file.suffix != ".pyc":  # JupyterLab keeps folders of its own beside them
            digest.update(file.read_bytes())
    settings = {key: os.environ.get(key, "") for key in ("COURSE_ASSETS", "COURSE_MIRROR")}
    settings["here"] = "" if settings["COURSE_ASSETS"] == "embedded" else json.dumps(here())
    used = (re.match(r"[\w.-]+", line)[0] for line in importlib.metadata.requires("course-utils") or [])
    versions = {name: importlib.metadata.version(name) for name in used if _is_installed(name)}
    return {"course_utils": digest.hexdigest(), "versions": json.dumps(versions), **settings}


def here() -> dict[str, int]:
    """Return how many files of each asset lie in the cache, or in a mirror that is a folder."""
    store, found = assets.store(), {}
    folders = [folder for folder in (store.cache, store.mirror) if isinstance(folder, Path)]
    for name, row in store.assets.items():
        rows = store.manifest(name) if "manifest" in row else [row]
        places = [[file.get("path", one["path"]) for file in one["files"]] for one in rows]
        found[name] = sum(any((folder / place).is_file() for folder in folders for place in some) for some in places)
    return found


def _is_installed(name: str) -> bool:
    try:
        return bool(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return False


def place(lesson: Lesson, solved: bool = False) -> Path:
    """Return where the last execution of a lesson is kept."""
    return BUILD / "executed" / ("solutions" if solved else "") / f"{lesson.name}.ipynb"


def last(lesson: Lesson, solved: bool = False):
    """Return the lesson's notebook with the outputs of its last execution; None if code, assets or versions changed."""
    path = place(lesson, solved)
    if not path.is_file():
        return None
    before, now = nbformat.read(path, as_version=4), prepare(lesson, solved)
    if before.metadata.get("circumstances") != circumstances() or before.metadata.code != code_of(now):
        return None
    notebook = lesson.notebook(solved)
    for cell, kept in zip(*map(code_cells, (notebook, before)), strict=True):
        cell.outputs, cell.execution_count = kept.outputs, kept.execution_count
    notebook.metadata = before.metadata
    return notebook


def code_cells(notebook) -> list:
    """Return the code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_of(notebook) -> list[str]:
    """Return the sources of the code cells of a notebook."""
    return [cell.source for cell in code_cells(notebook)]


def execute(lesson: Lesson, solved: bool = False, values: dict | None = None):
    """Execute a lesson's notebook, and keep it if no other values are set.

    Returns
    -------
    NotebookNode
        The notebook with its outputs. Its metadata have ``seconds``, and ``record`` (what goes into results.json) or,
        with the solutions, ``verdicts``: for each exercise what its check said of other answers.

    Raises
    ------
    ExecutionError
        If a cell or the kernel fails, or a check does not say what it should.
    """
    path, notebook = place(lesson, solved), prepare(lesson, solved, values)
    code = code_of(notebook)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    running = path.with_name(f"{path.stem}.running.ipynb")
    nbformat.write(notebook, running)
    # A run should not write into anybody's history; figures go into the page, whatever the terminal is set to.
    environment = {"IPYTHONDIR": str(BUILD / "ipython"), **os.environ}
    environment.pop("MPLBACKEND", None)
    Path(environment["IPYTHONDIR"]).mkdir(parents=True, exist_ok=True)
    options = ["--nbmake", "--overwrite", "--nbmake-kernel=python3", f"--nbmake-timeout={TIMEOUT}"]
    options += ["-q", "-p", "no:cacheprovider", "--color=no", "-c", os.devnull, f"--rootdir={path.parent}"]
    command = [sys.executable, "-m", "pytest", *options, str(running)]
    done = subprocess.run(command, env=environment, cwd=path.parent, capture_output=True, text=True)
    notebook = nbformat.read(running, as_version=4)
    running.unlink()
    if done.returncode:
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        errors = [output for output in outputs if output.output_type == "error"]
        text = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)  # without colours
        said = re.search(r"NBMAKE INTERNAL ERROR\n(.+)", text)  # of the kernel, or of a check
        what = f"{errors[0].ename}: {errors[0].evalue}" if errors else said[1] if said else "nbmake failed"
        raise ExecutionError(what, text)
    notebook.metadata = finished(notebook) | {"code": code, "circumstances": circumstances()}
    with open(BUILD / "executions.txt", "a", encoding="utf-8") as log:
        print(lesson.name, "with solutions" * solved, f"{notebook.metadata.seconds:.0f} s", file=log)
    if not values:
        partial = path.with_suffix(".part")
        partial.write_text(nbformat.writes(notebook), encoding="utf-8")
        partial.replace(path)
    return notebook


def finished(notebook) -> dict:
    """Take from a notebook what only its execution needed; return its metadata, with what was found."""
    times = [cell.metadata.pop("execution") for cell in notebook.cells if "execution" in cell.metadata]
    stamps = [datetime.fromisoformat(stamp) for cell in times for stamp in cell.values()]
    found = {"seconds": round((max(stamps) - min(stamps)).total_seconds(), 1)}
    for cell in notebook.cells:
        if cell.id == "record-json":
            found["record"] = json.loads(cell.outputs[0].text)
        elif cell.id.startswith("answers-"):
            found.setdefault("verdicts", {})[cell.id.removeprefix("answers-").replace("-", ".")] = json.loads(
                cell.outputs[0].text
            )
    own = ("record", "answers-")
    notebook.cells = [cell for cell in notebook.cells if not cell.id.startswith(own)]
    CoalesceStreamsPreprocessor().preprocess(notebook, {})
    kept = {key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata}
    return kept | found  # without the state of widgets: a page with it asks a CDN for scripts


def executed(lesson: Lesson, solved: bool = False):
    """Return the last execution of a lesson, or execute it now."""
    return last(lesson, solved) or execute(lesson, solved)

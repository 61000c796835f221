"""Execute notebooks by nbmake, each again only when its code, the package, versions or assets have changed.

Executions are kept below ``build/executed/``; pages, decks, records and tests read them. Beside the cells of a notebook
an execution runs the lesson's ``slide`` cells and its ``record``, or with the solutions its ``wrong`` and ``right``
answers.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import nbformat
import psutil
from filelock import FileLock
from nbconvert.preprocessors.coalescestreams import CoalesceStreamsPreprocessor
from nbformat.v4 import new_code_cell

from course_utils import assets, fetch
from makers import files, lessons
from makers.lessons import CHECK, EVAL, Lesson, LessonError, tags

BUILD = lessons.ROOT / "build"
TIMEOUT = 1800  # s a cell may take
MEMORY = 3.5e9  # bytes that a notebook may take
ODD = ["None", "...", "3", "'dog'", "[]", "{}", "object()", "np.array([np.nan])", "lambda *_: 1 / 0", "pd.DataFrame()",
       "(..., 1)", "[[1], [2, 3]]"]  # fmt: skip
RECORD = "import json\n\nprint(json.dumps(Out[max(Out)]))"
USED = "import json\nfrom course_utils import assets\n\nprint(json.dumps(assets.used()))"
ANSWERS, WATCH = (
    (Path(__file__).with_name("templates") / name).read_text(encoding="utf-8") for name in ("answers.py", "watch.py")
)
CHANGES = "import json\n\nprint(json.dumps(_watch.changes))"


class ExecutionError(RuntimeError):
    """A notebook could not be executed to its end; ``what`` is why, in a line; the message holds the traceback."""

    def __init__(self, what: str, text: str):
        super().__init__(text)
        self.what = what


def answers(cell) -> list[tuple[str, str]]:
    """Return the answers of a cell tagged ``wrong`` or ``right``, each with the words that the check must say.

    Raises
    ------
    LessonError
        If code has no line ``#>`` below it, or such a line no code above it.
    """
    found, code = [], []
    for line in cell.source.splitlines():
        if re.match(r"\s*#\s*>", line):
            if not line.startswith("#>") or not "".join(code).strip():
                raise LessonError(f"A line of an answer is {line!r}: give code, and below it #> and the words.")
            found.append(("\n".join(code).strip(), line.removeprefix("#>").strip()))
            code = []
        else:
            code.append(line)
    if "".join(code).strip():
        raise LessonError(f"Below the answer {code[0]!r} there is no #> with what the check must say.")
    return found


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
                try:
                    exercise[kind] += answers(cell)
                except LessonError as error:
                    raise LessonError(f"{lesson.name}, exercise {number}: {error}") from None
            for kind in kinds & {"stub", "solution"}:
                exercise[kind] += cell.source + "\n"
            if call := CHECK.search(cell.source):
                exercise |= {"check": call[0], "cell": cell.id}
    return found


def own(kind: str, source: str, number: str = ""):
    """Return a cell that an execution has beside those of the notebook."""
    return new_code_cell(source, metadata={"makers": {"kind": kind, "number": number}})


def shown(lesson: Lesson) -> dict[str, list]:
    """Return what an execution runs for the deck alone, by the id of the last cell of the notebook before it."""
    found, before, there = {}, "", {cell.id for cell in lesson.notebook().cells}
    for cell in lesson.cells:
        before = cell.id if cell.id in there else before
        if not tags(cell) & {"slide", "notes"}:
            continue
        if cell.cell_type == "code":
            found.setdefault(before, []).append(own("slide", cell.source, cell.id))
        elif expressions := EVAL.findall(cell.source):
            values = ", ".join(f"str({expression})" for expression in expressions)
            found.setdefault(before, []).append(own("eval", f"import json\n\nprint(json.dumps([{values}]))", cell.id))
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
    cells, by_cell = [], {exercise.get("cell"): number for number, exercise in exercises(lesson).items()}
    slides = {} if solved else shown(lesson)
    for cell in notebook.cells:
        cells.append(cell)
        if not solved:
            cells += slides.get(cell.id, [])
            cell.metadata.get("nbmake", {}).pop("mock", None)  # only solutions are run with less
        elif number := by_cell.get(cell.id):
            exercise = exercises(lesson)[number]
            codes = [code for code, _ in exercise["wrong"] + exercise["right"]]
            source = f"CALL = {exercise['check']!r}\nANSWERS = {codes!r}\nODD = {ODD!r}\n{ANSWERS}"
            cells.append(own("answers", source, number))
    if not solved:
        cells = [own("watch", WATCH), *cells, own("changes", CHANGES)]
        cells += [own("record-value", lesson.record), own("record", RECORD)]
    notebook.cells = [*cells, own("assets", USED)]
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


def circumstances(names: Iterable[str] = ()) -> dict[str, str]:
    """Return what outputs depend on beside the code: package, versions, settings, and which of some assets are here."""
    digest = hashlib.sha256()
    for file in sorted(p for folder in ("course_utils", "data/embedded") for p in (lessons.ROOT / folder).rglob("*.*")):
        # a drawing is taken as it is when a page or a slide is written
        if file.is_file() and file.suffix not in (".pyc", ".svg") and ".ipynb_checkpoints" not in file.parts:
            digest.update(f"{file.relative_to(lessons.ROOT)} {file.stat().st_size}\n".encode() + file.read_bytes())
    settings = {key: fetch.shown(os.environ.get(key, "")) for key in ("COURSE_ASSETS", "COURSE_MIRROR")}
    settings["here"] = "" if settings["COURSE_ASSETS"] == "embedded" else json.dumps(here(names))
    needed = [line for line in importlib.metadata.requires("course-utils") or [] if "extra ==" not in line]
    used = ["keras", "ipykernel", *(re.match(r"[\w.-]+", line)[0] for line in needed)]
    versions = {name: importlib.metadata.version(name) for name in used if _is_installed(name)}
    versions["python"] = platform.python_version()
    return {"course_utils": digest.hexdigest(), "versions": json.dumps(versions), **settings}


def here(names: Iterable[str]) -> dict[str, int]:
    """Return how many files of some assets lie in the cache, or in a mirror that is a folder."""
    store, found = assets.store(), {}
    folders = [folder for folder in (store.cache, store.mirror) if isinstance(folder, Path)]
    for name in sorted(set(names) & set(store.assets)):
        row = store.assets[name]
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
    """Return the lesson's notebook with the outputs of its last execution; None if what these depend on has changed."""
    path = place(lesson, solved)
    if not path.is_file():
        return None
    before, now = nbformat.read(path, as_version=4), prepare(lesson, solved)
    known = circumstances(before.metadata.get("assets", ()))
    if not isinstance(before.metadata.get("slides"), list):  # of an earlier version of the course
        return None
    if before.metadata.get("circumstances") != known or before.metadata.code != code_of(now):
        return None
    notebook = lesson.notebook(solved)
    for cell, kept in zip(*map(code_cells, (notebook, before)), strict=True):
        cell.outputs, cell.execution_count = kept.outputs, kept.execution_count
    notebook.metadata = before.metadata
    return for_the_deck(notebook, now)


def for_the_deck(notebook, prepared):
    """Return an executed notebook with the ids of the cells, as they are now, whose outputs only the deck shows.

    They are kept in order: an id of a slide comes from its heading, and another heading executes nothing.
    """
    for kind in ("slide", "eval"):
        own_cells = [cell.metadata.makers for cell in prepared.cells if "makers" in cell.metadata]
        ids = [mine["number"] for mine in own_cells if mine["kind"] == kind]
        notebook.metadata[f"{kind}s"] = dict(zip(ids, notebook.metadata[f"{kind}s"], strict=True))
    return notebook


def code_cells(notebook) -> list:
    """Return the code cells of a notebook."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_of(notebook) -> list[str]:
    """Return the sources of the code cells of a notebook, with what nbmake does in them."""
    return [cell.source + json.dumps(cell.metadata.get("nbmake", {}), sort_keys=True) for cell in code_cells(notebook)]


def execute(lesson: Lesson, solved: bool = False, values: dict | None = None, share: int = 1):
    """Execute a lesson's notebook, and keep it if no other values are set.

    Parameters
    ----------
    lesson : Lesson
    solved : bool
        Whether it is the notebook with the solutions.
    values : dict, optional
        What variables are set to, in place of the lesson's own values.
    share : int
        How many notebooks share the cores.

    Returns
    -------
    NotebookNode
        The notebook with its outputs. Its metadata have ``seconds``, ``assets`` (the source of each), ``record`` (what
        goes into results.json), ``changes`` (variables that a cell left with another type), ``slides`` and ``evals``
        (what the deck alone shows), and with the solutions ``verdicts``: what each check said of other answers.

    Raises
    ------
    ExecutionError
        If a cell or the kernel fails, or a check does not say what it should.
    """
    path, prepared = place(lesson, solved), prepare(lesson, solved, values)
    code, before = code_of(prepared), circumstances()
    if not values:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    running = path.with_name(f"{path.stem}.{os.getpid()}.running.ipynb")
    nbformat.write(prepared, running)
    # A run should not write into anybody's history; figures go into the page, whatever the terminal is set to.
    environment = {"IPYTHONDIR": str(BUILD / "ipython"), **os.environ, "PYTHONIOENCODING": "utf-8"}
    if share > 1:  # threads that wait for those of another notebook cost more than they bring
        threads = str(max(1, os.cpu_count() // share))
        environment = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), threads) | environment
    for name in ("MPLBACKEND", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    Path(environment["IPYTHONDIR"]).mkdir(parents=True, exist_ok=True)
    options = ["--nbmake", "--overwrite", "--nbmake-kernel=python3", f"--nbmake-timeout={TIMEOUT}"]
    options += ["-q", "-p", "no:cacheprovider", "--color=no", "-c", os.devnull, f"--rootdir={path.parent}"]
    command = [sys.executable, "-m", "pytest", *options, str(running)]
    try:
        with FileLock(BUILD / "codecarbon.lock") if measures_energy(lesson) else nullcontext():
            done = subprocess.run(
                command, env=environment, cwd=path.parent, capture_output=True, encoding="utf-8", errors="replace"
            )
        notebook = nbformat.read(running, as_version=4)
    finally:
        running.unlink()
    if done.returncode:
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        errors = [output for output in outputs if output.output_type == "error"]
        text = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)  # without colours
        said = re.search(r"NBMAKE INTERNAL ERROR\n(.+)", text)  # of the kernel, or of a check
        what = f"{errors[0].ename}: {errors[0].evalue}" if errors else said[1] if said else "nbmake failed"
        raise ExecutionError(what, text)
    found = finished(notebook)
    with open(BUILD / "executions.txt", "a", encoding="utf-8") as log:
        print(lesson.name, "with solutions" * solved, f"{found['seconds']:.0f} s", file=log)
    # What was edited or installed while it ran is not what ran; what it fetched is.
    notebook.metadata = found | {
        "code": code,
        "circumstances": before | {"here": circumstances(found["assets"])["here"]},
    }
    if not values:
        files.write(path, nbformat.writes(notebook))
    return for_the_deck(notebook, prepared)


def printed(cell) -> object:
    """Return what a cell of our own has printed last, as JSON; warnings may stand before it."""
    text = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
    return json.loads(text.splitlines()[-1])


def finished(notebook) -> dict:
    """Take from a notebook what only its execution needed; return its metadata, with what was found."""
    times = [cell.metadata.pop("execution") for cell in notebook.cells if "execution" in cell.metadata]
    stamps = [datetime.fromisoformat(stamp) for cell in times for stamp in cell.values()]
    found = {
        "seconds": round((max(stamps) - min(stamps)).total_seconds(), 1),
        "verdicts": {},
        "slides": [],
        "evals": [],
    }
    for cell in notebook.cells:
        mine = cell.metadata.get("makers", {})
        if mine.get("kind") in ("record", "assets", "changes"):
            found[mine["kind"]] = printed(cell)
        elif mine.get("kind") == "answers":
            found["verdicts"][mine["number"]] = printed(cell)
        elif mine.get("kind") == "eval":
            found["evals"].append(printed(cell))
        elif mine.get("kind") == "slide":
            once = {"execution_count": 1}
            outputs = [{**o, **once} if o.output_type == "execute_result" else o for o in cell.outputs]
            found["slides"].append(outputs)
    notebook.cells = [cell for cell in notebook.cells if "makers" not in cell.metadata]
    for number, cell in enumerate(code_cells(notebook), start=1):  # as if only these had been run
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    CoalesceStreamsPreprocessor().preprocess(notebook, {})
    kept = {key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata}
    return kept | found  # without the state of widgets: a page with it asks a CDN for scripts


def executed(lesson: Lesson, solved: bool = False, begin: Callable = lambda lesson: None, share: int = 1):
    """Return the last execution of a lesson, or execute it now; of several processes, one does.

    ``begin`` is called with the lesson before it is executed; ``share`` is that of :func:`execute`.
    """
    path = place(lesson, solved)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(BUILD / f"{lesson.name}{'-solved' * solved}.lock"):
        if notebook := last(lesson, solved):
            return notebook
        begin(lesson)
        return execute(lesson, solved, share=share)


def measures_energy(lesson: Lesson) -> bool:
    """Return whether a lesson uses codecarbon, which lets one process of a computer measure at a time."""
    return "codecarbon" in lesson.about["packages"]


def start(chosen: Iterable[Lesson], solved: bool = False, **options) -> dict[str, Future]:
    """Begin to execute what has changed: two notebooks at a time, if the computer has the cores and the memory.

    Returns
    -------
    dict
        Of each lesson, by its name, a future of :func:`executed`, which is called with the ``options``.
    """
    two = os.cpu_count() > 1 and psutil.virtual_memory().available > 2 * MEMORY
    measuring, other = ThreadPoolExecutor(1), ThreadPoolExecutor(1)  # those that measure energy take turns
    return {
        lesson.name: (measuring if measures_energy(lesson) or not two else other).submit(
            executed, lesson, solved, share=1 + two, **options
        )
        for lesson in chosen
    }

"""Lessons, and the notebooks that are written from them: ``python -m makers notebooks`` (``make notebooks``).

A lesson is one text file, ``lessons/NN_name.md``, in MyST Markdown as jupytext reads it. Its header has the title, the
minutes, a summary, the packages that it imports, the assets that it uses, and the terms that it links to the glossary;
``+++`` begins a cell of text. Tags say where a cell goes:

============ ===========================================================================
(none)       notebook and page
``both``     notebook and page, and the output on a slide as well
``slide``    deck: text, or code whose picture, sound or number only the deck shows
``otherwise`` deck, if the slide before it is left out because a recording is missing
``notes``    speaker's view of the deck, and handout
``stub``     the exercise, in the students' notebook
``solution`` its solution, in the instructor's notebook
``wrong``    wrong answers, and below each, after ``#>``, words that the check must say
``right``    other right answers
``expected`` a table that tells students whether their figures are in range
``record``   a dict, the lesson's entry in ``build/results.json``; its ``headline`` goes into the table of a run
============ ===========================================================================

Each heading in the deck begins a slide; ``{"layout": "part"}`` makes it the first of a part (:mod:`makers.slides`
lists the layouts). ``fragment`` has a cell appear at a key, and ``steps`` shows code on a slide and says which lines of
it are marked at each key, for instance ``"1 | 2-3"``. In the text of a slide or a note,
``{eval}`expression` `` is what Python makes of the expression at that place of the lesson. The first place where one
of the header's terms stands becomes a link to its entry in ``docs/glossary.md``. Links to ``data/`` and ``docs/`` are
relative to the repository.
"""

import copy
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from makers import badges, files

ROOT = Path(__file__).resolve().parents[1]
SETUP = Path(__file__).with_name("templates") / "setup.py"
COURSE = "Environmental Audio AI"
HEADER = ("title", "minutes", "summary", "packages", "assets", "terms")
DECK = {"both", "slide", "notes"}
CAPTION = re.compile(r"\*(?:Figure \d+|Drawing)\.\s*(.+)")
CHECK = re.compile(r"^check\.(?!expected)(?:.|\n)*", re.M)
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
EVAL = re.compile(r"\{eval\}`([^`]+)`")  # a role, as MyST-NB has it
# What is no prose.
ASIDE = "|".join(
    [
        *(r"```.*?```", r"~~~.*?~~~", r"^ {4}.*?$", r"`[^`]*`"),  # code
        *(r"\$\$.*?\$\$", r"(?<!\\)\$[^$\n]*(?<!\\)\$"),  # mathematics
        r"!?\[(?:[^\[\]]|\[[^\]]*\])*\](?:\([^)]*\)|\[[^\]]*\])",  # links, pictures
        *(r"^\[[^\]]+\]:.*?$", r"\[\^[^\]]+\]", r"https?://\S+"),
        *(r"<summary>.*?</summary>", r"<[^>]+>"),
        *(r"^[ >-]*#.*?$", r"^\*(?:Figure|Drawing).*?\*(?=\s|$)"),  # headings, captions
    ]
)


class LessonError(ValueError):
    """A lesson is not written as it should be; the message says which and how."""


def tags(cell) -> set[str]:
    """Return the tags of a cell."""
    return set(cell.metadata.get("tags", []))


@dataclass(frozen=True)
class Lesson:
    """A lesson.

    Attributes
    ----------
    root : Path
        Of the repository.
    name : str
        Of its file, for instance ``"02_yamnet"``.
    subtitle : str
        Which lesson of how many it is.
    about : dict
        Its header: ``title``, ``minutes``, ``summary``, ``packages``, ``assets``, ``terms``, and ``bonus`` if it is
        no part of the core.
    cells : list of NotebookNode
        All of its cells, with the title and the set-up before them.
    """

    root: Path
    name: str
    subtitle: str
    about: dict
    cells: list

    @property
    def title(self) -> str:
        """The lesson's title."""
        return self.about["title"]

    def _cells(self, without: set[str]) -> list:
        return [copy.deepcopy(cell) for cell in self.cells if not tags(cell) & without]

    def notebook(self, solved: bool = False):
        """Return the students' notebook, or with ``solved`` the instructor's; nbmake is told what checks should say."""
        other = "stub" if solved else "solution"
        cells = self._cells({"slide", "notes", "wrong", "right", "record", other})
        for cell in cells:
            if "tags" in cell.metadata:
                cell.metadata.tags = [tag for tag in cell.metadata.tags if tag in ("solution", "expected")]
                if not cell.metadata.tags:
                    del cell.metadata["tags"]
            for key in ("steps", "layout"):
                cell.metadata.pop(key, None)
            if cell.cell_type == "code" and CHECK.search(cell.source):
                said = [f"assert {'' if solved else 'not '}Out[max(Out)].passed"]
                cell.metadata.setdefault("nbmake", {})["post_cell_execute"] = said
        if solved:
            cells[0].source = cells[0].source.replace(self.subtitle, f"{self.subtitle}, with solutions")
        repo = badges.address(self.root)
        if repo:
            badges.stamp_cells(cells, repo, f"{self.name}.ipynb")
        base = f"https://github.com/{repo}/blob/v{badges.version()}/" if repo else "../" * (2 if solved else 1)
        for cell in cells:
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\]\((?=(data|docs)/)", f"]({base}", cell.source)
        wanted = set(map(anchor, self.about["terms"]))
        forms = {form: entry for form, entry in glossary(self.root).items() if entry in wanted}
        link_terms(cells, forms, f"{base}docs/glossary.md")
        return new_notebook(cells=cells, metadata=METADATA)

    def deck(self, executed=None):
        """Return what the slides are made of: the cells of the deck, with the outputs of an executed notebook."""
        outputs, values = {}, {}
        if executed:
            outputs = {cell.id: cell.get("outputs", []) for cell in executed.cells} | executed.metadata.get(
                "slides", {}
            )
            values = executed.metadata.get("evals", {})
        title, *others = self._cells(set())
        before = [title, *others]
        cells = [title] + [
            cell
            for cell, above in zip(others, before, strict=False)
            if tags(cell) & DECK or ("both" in tags(above) and CAPTION.match(cell.source))
        ]
        for cell in cells:
            if cell.cell_type == "code":
                cell.outputs = [nbformat.from_dict(output) for output in copy.deepcopy(outputs.get(cell.id, []))]
            elif cell.id in values:
                said = iter(values[cell.id])
                cell.source = EVAL.sub(lambda _, said=said: next(said), cell.source)
        return new_notebook(cells=cells, metadata=METADATA)

    @property
    def record(self) -> str:
        """The code whose last value is the lesson's record."""
        return next(cell.source for cell in self.cells if "record" in tags(cell))


def _name_cells(cells: Iterable) -> None:
    """Give each cell an id that a change in another section leaves as it is: the heading above it, and a number.

    Cells of the deck are counted by themselves: a change of the slides changes no notebook.
    """
    sections, counts = {False: "title", True: "slides"}, Counter()
    for cell in cells:
        shown = bool(tags(cell) & {"slide", "notes"})
        if heading := re.match(r"#+ (.+)", cell.source) if cell.cell_type == "markdown" else None:
            sections[shown] = "slide-" * shown + re.sub(r"[^a-z0-9]+", "-", heading[1].lower()).strip("-")[:40]
        counts[sections[shown]] += 1
        cell.id = f"{sections[shown]}-{counts[sections[shown]]}"


def read(path: Path):
    """Read the cells and the header of a lesson from its file.

    Raises
    ------
    LessonError
        If it cannot be read, or its header or its record is not whole.
    """
    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8-sig"), fmt="md:myst")
    except Exception as error:  # of YAML, of jupytext
        raise LessonError(f"{path.name} cannot be read: {error}") from error
    if missing := [name for name in HEADER if name not in notebook.metadata]:
        raise LessonError(f"{path.name} lacks {', '.join(missing)} in its header, between two lines ---.")
    records = sum("record" in tags(cell) for cell in notebook.cells)
    if records != 1:
        raise LessonError(f"{path.name} has {records} cells tagged record: it takes one.")
    return notebook


def lesson_of(path: Path, notebook, subtitle: str) -> Lesson:
    """Return a lesson from what :func:`read` has found, with its title and its set-up."""
    about = {key: value for key, value in notebook.metadata.items() if key not in ("jupytext", "kernelspec")}
    title = f"# {about['title']}\n\n*{COURSE}, {subtitle}*\n\n<!-- badges -->\n<!-- /badges -->"
    names = [f'"{name}"' for name in about["assets"]]
    used = ", ".join(names)
    if len(used) > 100:  # as ruff breaks such a line
        used = "\n" + "".join(f"    {name},\n" for name in names)
    code = SETUP.read_text(encoding="utf-8").strip().replace('"ASSETS"', used)
    setup = new_code_cell(code)
    setup.metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}  # collapsed, in JupyterLab and Colab
    cells = [new_markdown_cell(title), *notebook.cells]
    first = next((i for i, cell in enumerate(cells) if i and "notes" not in tags(cell)), len(cells))
    cells.insert(first, setup)
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("{{ minutes }}", str(about["minutes"]))
    _name_cells(cells)
    return Lesson(path.parents[1], path.stem, subtitle, about, cells)


def lessons(root: Path | None = None) -> list[Lesson]:
    """Return all lessons, in order."""
    notebooks = {path: read(path) for path in sorted(((root or ROOT) / "lessons").glob("[0-9][0-9]_*.md"))}
    core = [path for path, notebook in notebooks.items() if not notebook.metadata.get("bonus")]
    subtitles = {path: f"lesson {int(path.name[:2])}, going further" for path in notebooks}
    subtitles |= {path: f"lesson {number}" for number, path in enumerate(core, start=1)}
    return [lesson_of(path, notebook, subtitles[path]) for path, notebook in notebooks.items()]


# --- terms ---


def anchor(term: str) -> str:
    """Return what a link to the entry of a term ends with."""
    return re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-")


def glossary(root: Path) -> dict[str, str]:
    """Return the forms under which terms appear in the notebooks, and the anchor of each in ``docs/glossary.md``."""
    forms = {}
    for entry in re.split(r"^### ", (root / "docs/glossary.md").read_text(encoding="utf-8"), flags=re.M)[1:]:
        term, *lines = entry.splitlines()
        variants = next((line for line in lines if line.startswith("*")), "")
        if variants == "*not linked*":
            continue
        also = variants.removeprefix("*also: ").rstrip("*").split(", ") if variants.startswith("*also: ") else []
        forms |= dict.fromkeys([term, *also], anchor(term))
    return forms


def link_terms(cells: list, forms: dict[str, str], page: str) -> None:
    """Make the first place of each term in the text of a notebook a link to its entry."""
    words = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    pattern = re.compile(rf"{ASIDE}|(?<![\w-])(?P<term>{words})(?![\w-]|\.\w)", re.S | re.M | re.I)
    by_form, done = {form.lower(): entry for form, entry in forms.items()}, set()

    def link(found):
        entry = by_form.get((found["term"] or "").lower())
        if entry is None or entry in done:
            return found[0]
        done.add(entry)
        return f"[{found[0]}]({page}#{entry})"

    for cell in cells[1:]:
        if cell.cell_type == "markdown" and not cell.source.startswith("## References"):
            cell.source = pattern.sub(link, cell.source)


# --- what is written ---


def table(root: Path) -> str:
    """Return the README's table of notebooks."""
    repo = badges.address(root)
    rows = ["| notebook | you learn | time |" + " Colab |" * bool(repo), "| --- | --- | --- |" + " --- |" * bool(repo)]
    for lesson in lessons(root):
        summary = "going further: " * bool(lesson.about.get("bonus")) + lesson.about["summary"]
        colab = f" {badges.badge(repo, f'{lesson.name}.ipynb')} |" if repo else ""
        name = f"[{lesson.name}](notebooks/{lesson.name}.ipynb)"
        rows.append(f"| {name} | {summary} | {lesson.about['minutes']} min |{colab}")
    return "\n".join(rows)


def texts(root: Path) -> dict[Path, str]:
    """Return the text of each file that is written from the lessons below ``root``, by its path."""
    readme = root / "README.md"
    kept = re.compile(r"(?<=<!-- lessons -->\n).*?(?=\n<!-- /lessons -->)", re.S)
    found = {readme: kept.sub(lambda _: table(root), readme.read_text(encoding="utf-8"))}
    for lesson in lessons(root):
        for solved, folder in ((False, "notebooks"), (True, "build/solutions")):
            text = nbformat.writes(lesson.notebook(solved)) + "\n"
            found[root / folder / f"{lesson.name}.ipynb"] = text
    return found


def write(root: Path | None = None, folders: Iterable[str] = ("", "notebooks", "build/solutions")) -> list[Path]:
    """Write what follows from the lessons below ``root`` into some of its folders; return the paths that changed.

    A file of ``notebooks/`` that belongs to no lesson stays: it may be somebody's own.
    """
    root = root or ROOT
    wanted, chosen, changed = texts(root), [root / folder for folder in folders], []
    for path, text in wanted.items():
        if path.parent in chosen and not (path.is_file() and path.read_text(encoding="utf-8") == text):
            files.write(path, text)
            changed.append(path)
    for path in set((root / "build/solutions").glob("*.ipynb")) - set(wanted):
        path.unlink()
    return changed


def main() -> int:
    """Write everything, and say what; the exit status is 0 if the lessons could be read."""
    try:
        for path in write():
            print(path.relative_to(ROOT))
        others = set((ROOT / "notebooks").glob("*.ipynb")) - set(texts(ROOT))
    except LessonError as error:
        print(error, file=sys.stderr)
        return 1
    for path in sorted(others):
        print(f"{path.relative_to(ROOT)} belongs to no lesson: is it yours, or of a lesson that is gone?")
    return 0


if __name__ == "__main__":
    sys.exit(main())

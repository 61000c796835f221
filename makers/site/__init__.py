"""The web site: the executed lessons, the documents, the decks and the API reference, below ``build/site/``.

``python -m makers site`` (``make site``) writes it; ``make run`` does so at its end. The sources of Sphinx are written
to ``build/site-source/``: each lesson as a notebook with its outputs (:func:`page_of`), each document with links to the
pages of the site (:data:`DOCUMENTS`), a page for each module of the package. ``conf.py`` has the settings, and
``static/`` what gives the site its look.

A page needs nothing but the folder that it lies in: no server, no network.
"""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from docutils.nodes import make_id
from nbformat import writes

import course_utils
from makers import badges, execute, files, hear, lessons, slides
from makers.lessons import Lesson

from .text import as_mathml, plotting_cells, with_boxes

FOLDER, PACKAGE = Path(__file__).resolve().parent, Path(course_utils.__file__).parent
# The documents, from where they are in the repository to their page.
DOCUMENTS = {
    "docs/start.md": "start",
    "docs/help.md": "help",
    "docs/commands.md": "commands",
    "docs/assets.md": "assets",
    "docs/coming_from.md": "coming_from",
    "docs/glossary.md": "glossary",
    "docs/instructor.md": "instructor",
    "docs/results.md": "results",
    "docs/networks.md": "networks",
    "docs/performance.md": "performance",
    "docs/reliability.md": "reliability",
    "data/README.md": "data",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
}
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]*)(#[^)\s]*)?(?=\))")
TRY_IT = '<a href="index.html">try your sound on the first page</a>'
MODULES = "assets audio models datasets features events evaluation energy plotting svg drawings preview widgets check"


def source() -> Path:
    """Return the folder of what Sphinx reads."""
    return execute.BUILD / "site-source"


def output() -> Path:
    """Return the folder of the site."""
    return execute.BUILD / "site"


def places() -> dict[str, str]:
    """Return the source of each page, by the path of what it shows in the repository."""
    found = {path: f"{name}.md" for path, name in DOCUMENTS.items() if (lessons.ROOT / path).is_file()}
    found |= {"README.md": found.get("docs/start.md", "learn.md"), "CITATION.cff": "cite.md"}
    for page in source().glob("[0-9][0-9]_*.ipynb"):
        found |= dict.fromkeys((f"lessons/{page.stem}.md", f"notebooks/{page.name}"), page.name)
    return found


def relinked(text: str, path: str) -> str:
    """Return a text of the repository, its links leading to pages of the site.

    What has no page leads to the repository, once its address is known; until then, its words stay without a link.

    Parameters
    ----------
    text : str
        In Markdown.
    path : str
        Where it is in the repository, for instance ``"docs/results.md"``.
    """
    pages, repo = places(), badges.address()
    there = f"https://github.com/{repo}/blob/v{badges.version()}/"
    text = text.replace(f"]({there}", "](" + "../" * path.count("/"))  # as a notebook has them once there is an address

    def lead(found: re.Match) -> str:
        place = os.path.normpath(Path(path).parent / found[1]).replace(os.sep, "/") if found[1] else path
        if place in pages:
            return pages[place] + (found[2] or "")
        return f"{there}{place}" if repo else "NOWHERE"

    text = re.sub(r"\[([^\[\]]*)\]\(NOWHERE\)", r"\1", LINK.sub(lead, text))
    for place in re.findall(r'<a id="([^"]+)">', text):  # a place in a text, not a heading: MyST doesn't know it
        text = re.sub(rf"\[(\[?[^\[\]]*\]?)\]\(#{place}\)", rf'<a href="#{place}">\1</a>', text)
    return text


@cache
def meanings() -> dict[str, str]:
    """Return what each term of the glossary means, in plain text, by the id of its entry on the page."""
    found = {}
    text = (lessons.ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    for entry in re.split(r"^### ", text, flags=re.M)[1:]:
        term, *lines = entry.splitlines()
        paragraphs = re.split(
            r"\n\s*\n", "\n".join(line for line in lines if not line.startswith(("*also", "*not", "<a")))
        )
        first = next((" ".join(part.split()) for part in paragraphs if part.strip()), "")
        found[make_id(term)] = re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]", r"\1", first)
    return found


def links(lesson: Lesson) -> str:
    """Return what stands below a lesson's title: its length, its notebook and its slides."""
    repo = badges.address(lesson.root)
    found = [f"{lesson.about['minutes']} minutes", f'<a href="notebooks/{lesson.name}.ipynb" download>Notebook</a>']
    found.append(f'<a href="slides/{lesson.name}.html">Slides</a>')
    if repo:
        address = (
            f"https://colab.research.google.com/github/{repo}/blob/v{badges.version()}/notebooks/{lesson.name}.ipynb"
        )
        found.append(f'<a href="{address}">Open in Colab</a>')
    return f'<p class="course-links">{" · ".join(found)}</p>'


def page_of(notebook, below_title: str = ""):
    """Return an executed notebook as a page shows it: the drawings as they are now, the code of plots folded.

    Parameters
    ----------
    notebook : NotebookNode
    below_title : str
        What stands in the place of the badges.
    """
    page = slides.with_captions(slides.with_drawings(notebook))
    for cell in plotting_cells(page.cells):
        cell.metadata["tags"] = ["hide-input"]
    for cell in page.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"<!-- badges -->.*?<!-- /badges -->", below_title, cell.source, flags=re.S)
            cell.source = with_boxes(as_mathml(relinked(text, "notebooks/x.ipynb")))
            continue
        shown = []
        for output in cell.outputs:
            data = output.get("data", {})
            if slides.WIDGET in data or data.get("text/plain", "").startswith("✗ Not yet."):
                continue  # the picture beside a widget stays; who reads a page has left no exercise unanswered
            if "course-static-own-sound" in data.get("text/html", ""):
                data["text/html"] = data["text/html"].replace(" to use it.", f" to use it, or {TRY_IT}.")
            shown.append(output)
        cell.outputs = shown
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden")  # the set-up: only what it says
        if hidden or cell.source.startswith(("drawings.show(", "widgets.quiz(")):
            cell.metadata["tags"] = ["remove-input"]
        for output in cell.outputs if hidden else []:  # what could not be reached here says nothing to a reader
            if "text" in output:
                output.text = re.sub(r"^Not available: .*\n?", "", output.text, flags=re.M)
    page.metadata = {"kernelspec": lessons.METADATA["kernelspec"]}
    return page


def write_lesson(notebook, lesson: Lesson) -> None:
    """Write an executed notebook as a source of the site."""
    files.write(source() / f"{lesson.name}.ipynb", writes(page_of(notebook, links(lesson))))


def modules() -> dict[str, str]:
    """Return what the modules of the package are for, from the table in its docstring."""
    rows = re.findall(r"^(\w+) +(\w.+)$", course_utils.__doc__, flags=re.M)
    return {name: what[0].upper() + what[1:] for name, what in rows if name in MODULES.split()}


def decks() -> list[dict]:
    """Return what the page of the decks says of each that is written: title, slides, minutes, handouts."""
    folder, found = execute.BUILD / "slides", []
    for lesson in lessons.lessons():
        if (deck := folder / f"{lesson.name}.html").is_file():
            count, minutes = slides.counted(deck, lesson.deck())
            handouts = [
                path.name for path in (deck.with_suffix(".pdf"), folder / f"{lesson.name}-notes.pdf") if path.is_file()
            ]
            found.append(
                {"name": lesson.name, "title": lesson.title, "slides": count, "minutes": minutes, "handouts": handouts}
            )
    return found


def write_pages() -> None:
    """Write the documents, the pages of the site alone, and a page for each module, as sources."""
    from jinja2 import Environment, FileSystemLoader
    from yaml import safe_load

    root = lessons.ROOT
    for path, name in DOCUMENTS.items():
        if (file := root / path).is_file():
            text = file.read_text(encoding="utf-8")
            if name == "glossary":
                text = re.sub(r'^(\*not linked\*|<a id=".*)$', "", text, flags=re.M)
            files.write(source() / f"{name}.md", as_mathml(relinked(text, path)))
    told = {
        "lessons": [lesson for lesson in lessons.lessons() if (source() / f"{lesson.name}.ipynb").is_file()],
        "pages": [path.stem for path in source().glob("*.md")],
        "decks": decks(),
        "citation": safe_load((root / "CITATION.cff").read_text(encoding="utf-8")),
        "modules": modules(),
        "repo": badges.address(root),
        "results": slides.RESULTS,
        "picture": lambda name: slides.inline((slides.DOCS / f"{name}.svg").read_text(encoding="utf-8")),
        "hear": hear.write(output() / "hear", "hear/"),
        "course": lessons.COURSE,
        "version": badges.version(),
    }
    environment = Environment(loader=FileSystemLoader(FOLDER / "pages"), trim_blocks=True, lstrip_blocks=True)
    for template in environment.list_templates():
        files.write(source() / template, environment.get_template(template).render(told))
    for module in modules():
        options = "\n".join([f".. automodule:: course_utils.{module}", "   :members:"])
        options += "\n   :imported-members:" * (PACKAGE / module).is_dir()
        page = f"# {module}\n\n```{{eval-rst}}\n{options}\n```\n"
        files.write(source() / "api" / f"{module}.md", page)


def take_slides() -> None:
    """Copy the decks, their start page and the handouts into the site."""
    place = output() / "slides"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(execute.BUILD / "slides", place, ignore=shutil.ignore_patterns(".*"))


def forget(lesson: Lesson) -> None:
    """Remove the page of a lesson, and what it was written from."""
    for path in (source() / f"{lesson.name}.ipynb", output() / f"{lesson.name}.html"):
        path.unlink(missing_ok=True)


def write() -> str:
    """Write the site from its sources; return what Sphinx warns of, "" if that is nothing.

    Raises
    ------
    RuntimeError
        If Sphinx fails; the message is what it says.
    """
    write_pages()
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-j", "auto", "-c", str(FOLDER)]
    command += ["-d", str(execute.BUILD / "site-doctrees"), str(source()), str(output())]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if done.returncode:
        raise RuntimeError(f"The site could not be written:\n{done.stderr}")
    take_slides()
    (output() / "notebooks").mkdir(exist_ok=True)
    for lesson in lessons.lessons():
        text = writes(lesson.notebook())
        files.write(output() / "notebooks" / f"{lesson.name}.ipynb", text + "\n")
    return done.stderr.strip()


def write_all() -> str:
    """Write the site from the last execution of each lesson that has not changed since; return what is wrong."""
    for lesson in lessons.lessons():
        if notebook := execute.last(lesson):
            write_lesson(notebook, lesson)
    return write()

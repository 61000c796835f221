"""Slides from lessons and their executed notebooks: one HTML file a deck, which needs nothing but a browser.

What is on a slide is decided by the cells' metadata, which :mod:`makers.lessons` writes from their tags:

- ``slideshow.slide_type``: ``slide``, ``subslide``, ``fragment``, ``-`` (goes on), ``skip``, ``notes``,
- ``slideshow.lines``: the lines of a code cell that are shown, for instance ``"3, 5-7"``,
- the tag ``hide-input``: only the output of a cell is shown.

A cell of notes ends with the minutes that its section takes, ``(3 minutes)``. reveal.js and the fonts come from
installed packages (sphinx-revealjs, matplotlib). They go into the file, the fonts with the characters that it uses.
"""

import copy
import html
import itertools
import re
import shutil
import textwrap
from pathlib import Path

from jinja2 import pass_context

from course_utils import drawings
from makers import files

from .theme import colours, fonts, revealjs

FOLDER = Path(__file__).resolve().parent
DOCS = FOLDER.parents[1] / "docs" / "figures"
RESULTS = {
    "classifiers": "Ten animals, five classifiers, and how sure we are (lesson 5)",
    "few_clips": "A few clips of each animal are enough to begin with (lesson 5)",
    "detectors": "A detector gets better step by step (lesson 6)",
}
COURSE = "Environmental Audio AI"
LICENCE = "CC BY 4.0"
WIDGET = "application/vnd.jupyter.widget-view+json"
GLOSSARY = re.compile(r"\[([^\]]+)\]\([^)\s]*docs/glossary\.md#([\w-]+)\)")  # links of a notebook's terms
DRAWN = re.compile(r'<div class="course-drawing" data-name="(\w+)">.*?</div>', re.S)
CAPTION = re.compile(r"\*(?:Figure \d+|Drawing)\.\s*(.+)")
PICTURE = re.compile(r'<(?:img|svg)\b[^>]*? (?:alt|aria-label)="')
WIDTH = 76  # characters of code in a line of a slide


def title(notebook) -> str:
    """Return a notebook's title, from its first line."""
    return notebook.cells[0].source.splitlines()[0].lstrip("# ")


def kind(cell) -> str:
    """Return what a cell is on the slides; without metadata it goes on where the cell before it ended."""
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def minutes(text: str) -> int:
    """Return the minutes that a cell of notes gives its section; 0 if it names none."""
    found = re.search(r"\((\d+) minutes?\)\s*$", text)
    return int(found[1]) if found else 0


def length(notebook) -> tuple[int, int]:
    """Return how many slides a notebook makes, and how many minutes its notes give them."""
    kinds = [kind(cell) for cell in notebook.cells]
    slides = kinds.count("slide") + kinds.count("subslide")
    return slides, sum(minutes(cell.source) for cell in notebook.cells if kind(cell) == "notes")


def excerpt(source: str, lines: str) -> str:
    """Return some lines of code, for instance ``"3, 5-7"``, with an ellipsis where one or more are left out between.

    Raises
    ------
    ValueError
        If the code has no such lines.
    """
    every, parts, last_shown = source.splitlines(), [], 0
    for part in lines.split(","):
        first, _, last = part.strip().partition("-")
        chosen = every[int(first) - 1 : int(last or first)]
        if not chosen or len(chosen) <= int(last or first) - int(first):
            raise ValueError(f"Lines {part.strip()} were asked for, of a cell of {len(every)} lines:\n{source}")
        left_out = every[last_shown : int(first) - 1]
        if parts and any(line.strip() for line in left_out):
            parts.append(" " * (len(chosen[0]) - len(chosen[0].lstrip())) + "…")
        parts += chosen
        last_shown = int(last or first)
    return textwrap.dedent("\n".join(parts))


def split(cells: list) -> list[list]:
    """Return cells in lists, one for each slide."""
    starts = [i for i, cell in enumerate(cells) if i == 0 or kind(cell) in ("slide", "subslide")]
    return [cells[first:end] for first, end in itertools.pairwise([*starts, len(cells)])]


def folded(line: str) -> str:
    """Return a line of code in as many as a slide needs, folded in brackets, after commas, before ``for``, ``if``."""
    if len(line) <= WIDTH:
        return line
    places = []
    for found in re.finditer(r"(?<!for \w), | (?=(?:for|if) )", line[: WIDTH + 1]):
        code = re.sub(r"""("[^"]*"|'[^']*')""", "", line[: found.end()])
        depth = sum(map(code.count, "([{")) - sum(map(code.count, ")]}"))
        if depth > 0 and not re.search("[\"']", code):
            places.append((-depth, found.end()))
    if not places:
        return line
    _, place = max(places)  # in as few brackets as possible, as late as possible
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return line[:place].rstrip() + "\n" + folded(indent + line[place:])


def prepare(notebook, name: str):
    """Return a copy of an executed notebook as the slides show it.

    A subslide without notes of its own gets those of its section, so that the speaker has them in view.

    Raises
    ------
    ValueError
        If a widget has no picture beside it: a slide cannot run it.
    """
    from nbformat import NotebookNode
    from nbformat.v4 import new_markdown_cell, new_output

    notebook = with_map(with_captions(with_drawings(notebook, steps=True)), name)
    notebook.cells = [cell for cell in notebook.cells if kind(cell) != "skip"]
    cells, heading, section_notes = [], "", []
    for slide in split(notebook.cells):
        notes = [cell for cell in slide if kind(cell) == "notes"]
        if kind(slide[0]) != "subslide":
            section_notes = notes
        if notes:
            timing = {"timing": str(60 * minutes(notes[0].source))}
            slide[0].metadata.setdefault("slideshow", NotebookNode()).data = timing
        else:
            for c in section_notes:
                slide.append(new_markdown_cell(c.source, id=f"{slide[0].id}-notes", metadata=copy.deepcopy(c.metadata)))
        cells += slide
    notebook.cells = cells
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = GLOSSARY.sub(r"\1", cell.source)
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            heading = cell.source.splitlines()[0].lstrip("# ")
        if CAPTION.match(cell.source):
            cell.metadata.tags = [*cell.metadata.get("tags", []), "caption"]
        if cell.cell_type != "code":
            continue
        if lines := cell.metadata.get("slideshow", {}).get("lines"):
            cell.source = excerpt(cell.source, str(lines))
        cell.source = "\n".join(map(folded, cell.source.splitlines()))
        if any(WIDGET in output.get("data", {}) for output in cell.outputs):
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
            shown = [output.get("data", {}) for output in cell.outputs]
            if not any("image/png" in data or PICTURE.search(data.get("text/html", "")) for data in shown):
                raise ValueError(f"{name}, {heading}: show a picture beside the widget, for slides and pages.")
            where = f"<p>Try it yourself: <code>notebooks/{name}.ipynb</code>, <em>{html.escape(heading)}</em>.</p>"
            cell.outputs.append(new_output("display_data", {"text/html": where}))
    return notebook


def with_captions(notebook):
    """Return a copy of an executed notebook whose pictures have their captions as alternative texts.

    The caption of the pictures that a cell draws is the cell below, which begins with ``*Figure N.`` or ``*Drawing.``.
    It comes before the words that :mod:`course_utils.plotting` gives a picture. nbconvert has no place for the
    alternative text of a picture without any, so that becomes HTML.
    """
    notebook = copy.deepcopy(notebook)
    for cell, below in itertools.pairwise(notebook.cells):
        if caption := CAPTION.match(below.source):
            text = html.escape(caption[1].replace("*", ""), quote=True)
            for output in cell.get("outputs", []):
                if picture := output.get("data", {}).get("image/png"):
                    output.data = {"text/html": f'<img alt="{text}" src="data:image/png;base64,{picture.strip()}">'}
                elif found := PICTURE.search(drawn := output.get("data", {}).get("text/html", "")):
                    output.data["text/html"] = f"{drawn[: found.end()]}{text} {drawn[found.end() :]}"
    return notebook


def with_map(notebook, name: str):
    """Return a notebook with the map of the course on its title slide, the lesson marked on it, if it is on the map."""
    from nbformat.v4 import new_code_cell, new_output

    here = f'data-name="here-{name[:2]}"'
    page = drawings.show("course_map")._repr_html_()
    if f"{here} visibility" in page and notebook.cells[0].source.startswith("# "):
        page = page.replace(f'{here} visibility="hidden"', here)
        page = page.replace('aria-label="', f'aria-label="You are in lesson {int(name[:2])}. ', 1)
        outputs = [new_output("display_data", {"text/html": page})]
        cell = new_code_cell("", id="course-map", outputs=outputs, metadata={"tags": ["hide-input"]})
        notebook.cells.insert(1, cell)
    return notebook


def with_drawings(notebook, steps: bool = False):
    """Return a copy of an executed notebook with the drawings as they are now; ``steps`` appear one after another."""
    notebook = copy.deepcopy(notebook)

    def now(found) -> str:
        page = drawings.show(found[1])._repr_html_()
        return page.replace('class="step"', 'class="step fragment"') if steps else page

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if drawn := output.get("data", {}).get("text/html"):
                output.data["text/html"] = DRAWN.sub(now, drawn)
    return notebook


@pass_context
def math_filter(context, source: str) -> str:
    """Return Markdown as HTML, its mathematics as MathML, which browsers show by themselves.

    Raises
    ------
    ValueError
        If a formula is wrong.
    """
    from latex2mathml.converter import convert
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def inline_math(self, body, display="inline"):
            try:
                return convert(body, display=display)
            except Exception as error:  # latex2mathml has many, with no message
                raise ValueError(
                    f"Not a formula ({type(error).__name__}; a dollar sign is written \\$): {body}"
                ) from error

        def block_math(self, body):
            return self.inline_math(body, "block")

    attachments = context.get("cell", {}).get("attachments", {})
    return MarkdownWithMath(renderer=Renderer(escape=False, attachments=attachments)).render(source)


def store_clips_once(body: str) -> str:
    """Keep the data of a clip that is played on several slides with the first of its players."""
    names = {}

    def shorten(found):
        first = found[2] not in names
        name = names.setdefault(found[2], f"clip-{len(names) + 1}")
        return found[1] + (f'id="{name}" src="{found[2]}"' if first else f'data-same-as="{name}"')

    return re.sub(r'(<audio\b[^>]*?\s)src="(data:audio/[^"]+)"', shorten, body)


def write_deck(notebook, path: Path) -> None:
    """Write an executed notebook as slides: one file, which asks for nothing."""
    from nbconvert import SlidesExporter
    from traitlets.config import Config

    config = Config()
    config.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
    config.TagRemovePreprocessor.enabled = True
    exporter = SlidesExporter(config=config, template_name="deck", extra_template_basedirs=[str(FOLDER)])
    exporter.register_filter("markdown2html", math_filter)

    notebook = prepare(notebook, path.stem)
    reveal, name = revealjs(), title(notebook)
    deck = {
        "title": html.escape(f"{name} · {COURSE}"),
        "footer": html.escape(f"{COURSE} · {name.partition(':')[0]} · {LICENCE}"),
        "reveal_css": (reveal / "dist/reveal.css").read_text(encoding="utf-8"),
        "colours": colours(),
        "theme": (FOLDER / "deck/theme.css").read_text(encoding="utf-8"),
    }
    scripts = {
        "reveal": reveal / "dist/reveal.js",
        "notes": reveal / "plugin/notes/notes.js",
        "script": FOLDER / "deck/deck.js",
    }
    deck |= {key: file.read_text(encoding="utf-8").replace("</script", r"<\/script") for key, file in scripts.items()}
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": name}, "deck": deck})
    body = store_clips_once(body)
    body = body.replace("/* fonts */", fonts(body), 1)
    if not path.is_file() or path.read_text(encoding="utf-8") != body:
        files.write(path, body)
        path.with_suffix(".pdf").unlink(missing_ok=True)  # the handout of another deck


def inline(svg: str) -> str:
    """Return a picture that is a file of its own as one in a page, which has its own colours and font."""
    return re.sub(r"<style>.*?</style>\s*", "", svg, flags=re.S)


def write_index(folder: Path, notebooks: dict, assets: dict[str, str]) -> None:
    """Write the start page of the decks in a folder: of each, by name, the notebook and the kind of assets it shows."""
    from jinja2 import Template

    decks = []
    for name, notebook in notebooks.items():
        slides, duration = length(notebook)
        about = {"file": f"{name}.html", "title": title(notebook), "assets": assets.get(name, "")}
        decks.append({**about, "slides": slides, "minutes": duration})
    template = Template((FOLDER / "index.html.j2").read_text(encoding="utf-8"), autoescape=True)
    pictures = {name: inline((DOCS / f"{name}.svg").read_text(encoding="utf-8")) for name in ("course_map", *RESULTS)}
    shown = {"course_map": pictures.pop("course_map"), "results": [(RESULTS[name], pictures[name]) for name in RESULTS]}
    page = template.render(course=COURSE, licence=LICENCE, decks=decks, colours=colours(), **shown)
    files.write(folder / "index.html", page.replace("/* fonts */", fonts(page), 1))


def launch(play, **options):
    """Start Chromium, Chrome or Edge for playwright, whichever is installed, with playwright's options.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    from playwright.sync_api import Error

    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    ways = [{"executable_path": path} for path in map(shutil.which, names) if path]
    reasons = []
    for way in (*ways, {"channel": "chrome"}, {"channel": "msedge"}, {}):
        try:
            return play.chromium.launch(**way, **options)
        except Error as error:
            reasons.append(f"{way}: {error.message.splitlines()[0]}")
    raise FileNotFoundError(
        "No Chromium, Chrome or Edge could be started. Install one, or let playwright do it: "
        "python -m playwright install chromium\n" + "\n".join(reasons)
    )


def write_handout(deck: Path, browser) -> Path:
    """Print a deck to a PDF beside it, two slides on an upright A4 page; return its path."""
    page = browser.new_page()
    page.goto(f"{deck.as_uri()}?print-pdf")
    page.wait_for_function("document.querySelectorAll('.pdf-page').length > 0 && Reveal.isReady()")
    page.evaluate("document.fonts.ready")
    path = deck.with_suffix(".pdf")
    page.add_style_tag(content="@page { size: A4 portrait; margin: 0; }")  # after reveal.js has set the size of a slide
    page.pdf(path=path, prefer_css_page_size=True, scale=0.6, print_background=True)
    page.close()
    return path

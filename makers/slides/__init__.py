"""Slides from lessons and their executed notebooks: one HTML file a deck, which needs nothing but a browser.

:mod:`makers.slides.compose` makes slides of cells, :mod:`makers.slides.sounds` players with a picture, and
:mod:`makers.slides.lecture` reads what a lecturer has chosen. The layouts are in ``deck/theme.css``, the keys in
``deck/deck.js``. A cell of notes ends with the minutes that its slide takes, ``(3 minutes)``. reveal.js and the fonts
come from installed packages (sphinx-revealjs, matplotlib). They go into the file, the fonts with the characters that it
uses.
"""

import copy
import html
import itertools
import re
import shutil
from pathlib import Path

from jinja2 import pass_context

from makers import files
from makers.lessons import LessonError, tags

from . import compose, sounds
from .lecture import Lecture, by_part
from .theme import colours, fonts, revealjs

FOLDER = Path(__file__).resolve().parent
DOCS = FOLDER.parents[1] / "docs" / "figures"
RESULTS = {
    "classifiers": "Ten animals, five classifiers, and how sure we are (lesson 5). The head is lesson 3’s network.",
    "few_clips": "A few clips of each animal are enough to begin with (lesson 5). The bars are standard deviations.",
    "detectors": "A detector gets better step by step (lesson 6). At 0 dB, animal and background are equally loud.",
}
COURSE = "Environmental Audio AI"
LICENCE = "CC BY 4.0"
WIDGET = "application/vnd.jupyter.widget-view+json"
GLOSSARY = re.compile(r"\[([^\]]+)\]\([^)\s]*docs/glossary\.md#([\w-]+)\)")  # links of a notebook's terms
PICTURE = re.compile(r'<(?:img|svg)\b[^>]*? (?:alt|aria-label)="')


def title(notebook) -> str:
    """Return a notebook's title, from its first line."""
    return notebook.cells[0].source.splitlines()[0].lstrip("# ")


def length(notebook) -> tuple[int, int]:
    """Return how many slides a deck has, and how many minutes its notes give them, with every recording there."""
    groups = [cells for cells in compose.split(notebook.cells) if "otherwise" not in tags(cells[0])]
    return len(groups), sum(compose.minutes(c.source) for cells in groups for c in cells if "notes" in tags(c))


def with_captions(notebook):
    """Return a copy of an executed notebook whose pictures have their captions as alternative texts.

    The caption of the pictures that a cell draws is the cell below, which begins with ``*Figure N.`` or ``*Drawing.``.
    It comes before the words that :mod:`course_utils.plotting` gives a picture. nbconvert has no place for the
    alternative text of a picture without any, so that becomes HTML.
    """
    notebook = copy.deepcopy(notebook)
    for cell, below in itertools.pairwise(notebook.cells):
        if caption := compose.CAPTION.match(below.source):
            text = html.escape(caption[1].replace("*", ""), quote=True)
            for output in cell.get("outputs", []):
                if picture := output.get("data", {}).get("image/png"):
                    output.data = {"text/html": f'<img alt="{text}" src="data:image/png;base64,{picture.strip()}">'}
                elif found := PICTURE.search(drawn := output.get("data", {}).get("text/html", "")):
                    output.data["text/html"] = f"{drawn[: found.end()]}{text} {drawn[found.end() :]}"
    return notebook


def with_drawings(notebook):
    """Return a copy of an executed notebook with the drawings as they are now."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if drawn := output.get("data", {}).get("text/html"):
                output.data["text/html"] = compose.DRAWN.sub(compose.now, drawn)
    return notebook


def mathml(formula: str, display: str = "inline") -> str:
    """Return a formula of LaTeX as MathML, which browsers show by themselves.

    Raises
    ------
    ValueError
        If the formula is wrong.
    """
    from latex2mathml.converter import convert

    try:
        return convert(formula, display=display)
    except Exception as error:  # latex2mathml has many, with no message
        raise ValueError(f"Not a formula ({type(error).__name__}; a dollar sign is written \\$): {formula}") from error


@pass_context
def math_filter(context, source: str) -> str:
    """Return Markdown as HTML, its mathematics as MathML.

    Raises
    ------
    ValueError
        If a formula is wrong.
    """
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def inline_math(self, body, display="inline"):
            return mathml(body, display)

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


def render(text: str) -> str:
    """Return Markdown of a slide as HTML, with the apostrophes of print."""
    prose = re.split(r"(`[^`]*`|\$[^$]*\$|<[^>]*>)", text)
    return math_filter(
        {}, "".join(re.sub(r"(?<=\w)'(?=\w)", "’", part) if i % 2 == 0 else part for i, part in enumerate(prose))
    )


def bare(text: str) -> str:
    """Return a line of Markdown as HTML, for a heading."""
    return re.sub(r"^<p>(.*)</p>$", r"\1", render(text).strip(), flags=re.S)


def write_deck(notebook, path: Path, lecture: Lecture | None = None) -> None:
    """Write what :meth:`makers.lessons.Lesson.deck` returns as slides: one file, which asks for nothing.

    Raises
    ------
    LessonError
        If a slide cannot be made; the message names it.
    LectureError
        If the lecturer has named a slide that there is not.
    """
    from jinja2 import Environment, FileSystemLoader

    lecture = lecture or Lecture()
    try:
        shown = lecture.arrange(compose.slides_of(with_captions(notebook), render), path.stem)
    except ValueError as error:
        raise error if type(error) is not ValueError else LessonError(f"{path.stem}: {error}") from error
    reveal, name = revealjs(), title(notebook)
    texts = {
        "reveal_css": reveal / "dist/reveal.css",
        "theme": FOLDER / "deck/theme.css",
        "reveal": reveal / "dist/reveal.js",
        "notes": reveal / "plugin/notes/notes.js",
        "script": FOLDER / "deck/deck.js",
    }
    texts = {key: file.read_text(encoding="utf-8").replace("</script", r"<\/script") for key, file in texts.items()}
    about = re.search(r"lesson \d+", notebook.cells[0].source)
    template = Environment(loader=FileSystemLoader(FOLDER / "deck"), autoescape=False).get_template("deck.html.j2")
    body = template.render(
        title=html.escape(f"{name} · {COURSE}"),
        footer=html.escape(f"{COURSE} · {name.partition(':')[0]} · {LICENCE}"),
        lesson=f"{COURSE} · {about[0]}" if about else COURSE,
        slides=shown,
        parts=by_part(shown),
        names=[slide.heading for slide in shown if slide.layout == "part"],
        band=next((picture for slide in shown if (picture := sounds.band(slide.seen))), ""),
        here=compose.here(path.stem),
        bare=bare,
        escape=html.escape,
        lecture=lecture,
        colours=colours(),
        **texts,
    )
    body = store_clips_once(body)
    body = body.replace("/* fonts */", fonts(body), 1)
    if not path.is_file() or path.read_text(encoding="utf-8") != body:
        files.write(path, body)
        for old in path.parent.glob(f"{path.stem}*.pdf"):  # handouts of another deck
            old.unlink()


def inline(svg: str) -> str:
    """Return a picture that is a file of its own as one in a page, which has its own colours and font."""
    return re.sub(r"<style>.*?</style>\s*", "", svg, flags=re.S)


def counted(deck: Path, notebook) -> tuple[int, int]:
    """Return how many slides and minutes a deck has that is written; if it isn't, those of :func:`length`."""
    if deck.is_file():
        with open(deck, encoding="utf-8") as file:
            found = re.search(r'data-slides="(\d+)" data-minutes="(\d+)"', file.read(500))
        if found:
            return int(found[1]), int(found[2])
    return length(notebook)


def write_index(folder: Path, notebooks: dict, assets: dict[str, str], lecture: Lecture | None = None) -> None:
    """Write the start page of the decks in a folder: of each, by name, the notebook and the kind of assets it shows."""
    from jinja2 import Template

    lecture = lecture or Lecture()

    decks = []
    for name, notebook in notebooks.items():
        slides, duration = counted(folder / f"{name}.html", notebook)
        about = {"file": f"{name}.html", "title": title(notebook), "assets": assets.get(name, "")}
        decks.append({**about, "slides": slides, "minutes": duration})
    template = Template((FOLDER / "index.html.j2").read_text(encoding="utf-8"), autoescape=True)
    pictures = {name: inline((DOCS / f"{name}.svg").read_text(encoding="utf-8")) for name in ("course_map", *RESULTS)}
    shown = {"course_map": pictures.pop("course_map"), "results": [(RESULTS[name], pictures[name]) for name in RESULTS]}
    page = template.render(course=COURSE, licence=LICENCE, decks=decks, lecture=lecture, colours=colours(), **shown)
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


def write_handout(deck: Path, browser, notes: bool = False) -> Path:
    """Print a deck to a PDF beside it, three slides on an upright A4 page; return its path.

    Beside each slide there are lines to write on, or with ``notes`` what the lecturer says.
    """
    page = browser.new_page()
    page.goto(f"{deck.as_uri()}?print-pdf{'&handout=notes' if notes else '&handout'}")
    page.wait_for_function("document.querySelectorAll('.handout').length > 0")
    page.evaluate("document.fonts.ready")
    path = deck.with_name(f"{deck.stem}{'-notes' * notes}.pdf")
    page.add_style_tag(content="@page { size: A4 portrait; margin: 0; }")  # after reveal.js has set the size of a slide
    page.pdf(path=path, prefer_css_page_size=True, print_background=True)
    page.close()
    return path

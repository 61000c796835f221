"""From the cells of a deck to its slides: what is seen and what is said on each, and its layout.

========= ======================================================================= ================================
title     the lesson, what it promises, author and date, above the first sound      a heading of the first level
part      a new part: its claim, and where we are on the map of the course         ``{"layout": "part"}``
picture   a picture, as large as it gets; a line below it                          a picture, or one sound
side      a picture on the left, text on the right                                 ``{"layout": "side"}``
sounds    two or three sounds side by side                                         several sounds
question  a question to the hall; the next key marks the answer                    a quiz
code      a whole thought in at most six lines, line by line, and what it shows    code with ``steps``
statement text alone, large                                                        nothing but text
summary   what to remember: three lines, each below the picture it recalls        ``{"layout": "summary"}``
========= ======================================================================= ================================

The last column says what a slide has that gets this layout by itself; ``layout`` in the metadata of its first cell
chooses another one. A slide shows no printed output and no table of pandas: results are a picture, or words with
``{eval}`` in them. A slide that plays a recording which is not here is left out. The text of pictures is about as
large on every slide: a plot of 6.4 in fills its width, and ``recall`` names, for each line of a summary, the heading
of the slide whose picture stands above it.
"""

import html
import re
from dataclasses import dataclass, field

from course_utils import drawings, widgets
from makers.lessons import CAPTION, tags

from .sounds import player

LAYOUTS = ("title", "part", "picture", "side", "sounds", "question", "code", "statement", "summary")
MINUTES = re.compile(r"\s*\((\d+) minutes?\)\s*$")
MISSING = 'class="course-missing"'
DRAWN = re.compile(r'<div class="course-drawing" data-name="(\w+)">.*?</div>', re.S)
QUIZ = re.compile(r'widgets\.quiz\(["\']([\w-]+)["\']\)')


@dataclass
class Slide:
    """A slide.

    Attributes
    ----------
    heading : str
        Its words.
    layout : str
        One of ``LAYOUTS``.
    minutes : int
        What its notes give it.
    seen, said : list of str
        HTML of what is large, and of the text beside or below it.
    notes : str
        HTML of what only the speaker sees.
    missing : bool
        Whether it plays a recording that is not here.
    otherwise : bool
        Whether it stands in for the slide before it, if that is missing.
    recall : list of str
        Headings of the slides whose pictures stand above its lines.
    """

    heading: str
    layout: str = ""
    minutes: int = 0
    seen: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    notes: str = ""
    missing: bool = False
    otherwise: bool = False
    recall: list[str] = field(default_factory=list)


def minutes(text: str) -> int:
    """Return the minutes at the end of a cell of notes; 0 if it names none."""
    found = MINUTES.search(text)
    return int(found[1]) if found else 0


def split(cells: list) -> list[list]:
    """Return cells in lists, one for each slide: a heading begins one."""
    found = []
    for cell in cells:
        begins = cell.cell_type == "markdown" and cell.source.startswith("#") and "notes" not in tags(cell)
        if begins or not found:
            found.append([])
        found[-1].append(cell)
    return found


def question(name: str, render) -> tuple[str, str]:
    """Return a question to the hall as HTML, and for the notes why each answer is right or wrong."""
    asked, rows, why = widgets.quizzes()[name], [], []
    for letter, choice in zip("ABCD", asked["choices"], strict=False):
        look = ' class="fragment custom answer"' if choice["right"] else ""
        rows.append(f"<li{look}><b>{letter}</b><div>{render(choice['text'])}</div><output hidden></output></li>")
        why.append(f"<li>{render('**Right.** ' * choice['right'] + choice['why'])}</li>")
    asks = f'<div class="asks">{render(asked["question"])}</div><ol class="choices">{"".join(rows)}</ol>'
    return asks, f'<ol type="A">{"".join(why)}</ol>'


def is_code(cell) -> bool:
    """Return whether a slide shows the code of a cell, and not its output alone."""
    return "steps" in cell.metadata


def code(cell) -> str:
    """Return code as HTML; at each key, other lines of it are marked."""
    from nbconvert.filters import Highlight2HTML

    shown = Highlight2HTML()(cell.source)
    before, lines, after = re.fullmatch(r"(.*?<pre>(?:<span></span>)?)(.*?)(</pre>.*)", shown, re.S).groups()
    steps = {}
    for step, part in enumerate(filter(str.strip, cell.metadata.get("steps", "").split("|"))):
        for span in part.split(","):
            first, _, last = span.strip().partition("-")
            steps |= {n: step for n in range(int(first), int(last or first) + 1)}
    rows = lines.rstrip("\n").split("\n")
    if steps and max(steps) > len(rows):
        raise ValueError(f"Line {max(steps)} is to be marked, of a cell of {len(rows)} lines:\n{cell.source}")
    for n, row in enumerate(rows, start=1):
        look = f' class="line fragment custom" data-fragment-index="{steps[n]}"' if n in steps else ' class="line"'
        rows[n - 1] = f"<span{look}>{row or ' '}</span>"
    size = min(34, int(1090 / 0.602 / max(map(len, cell.source.splitlines()))))  # px; DejaVu Sans Mono is 0.602 em wide
    return f'<div style="font-size: {size}px">{before}{"".join(rows)}{after}</div>'


def now(found: re.Match) -> str:
    """Return the drawing that ``DRAWN`` has found as it is now."""
    return drawings.show(found[1])._repr_html_()


def outputs(cell) -> list[str]:
    """Return what is to be seen of a cell's outputs: pictures, sounds and typeset text."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        page = data.get("text/html", "")
        if "image/png" in data:
            raise ValueError(f"A slide shows vector graphics; this cell makes an image:\n{cell.source}")
        if "text/markdown" in data:
            found.append(data["text/markdown"])
        elif page and "course-quiz" not in page and ("<table" not in page or "<svg" in page):
            found.append(page)
    return found


def add_output(slide: Slide, page: str, wrap: str) -> None:
    """Put an output onto a slide."""
    if MISSING in page:
        slide.missing = True
    elif "<audio" in page:
        slide.seen.append(wrap.format(player(page)))
    elif "<svg" in page or "<img" in page:
        page = DRAWN.sub(now, page).replace('class="step"', 'class="step fragment"')
        page = re.sub(r"max-width: ?(\d+)px", r"--wide: \1", page)  # at which its text has 20 px
        slide.seen.append(wrap.format(f'<div class="drawn">{page}</div>'))
    else:
        slide.said.append(wrap.format(page))


def compose(cells: list, render) -> Slide:
    """Return the slide that the cells between two headings make; ``render`` makes HTML of Markdown."""
    first, *others = cells
    line, _, rest = first.source.partition("\n")
    level, _, words = line.partition(" ")
    slide = Slide(words, "title" if level == "#" else first.metadata.get("layout", ""))
    slide.otherwise = "otherwise" in tags(first)
    slide.recall = list(first.metadata.get("recall", []))
    texts, why, kinds, n_sounds = [(rest, "{}")][level == "#" :], "", set(), 0  # a title says by itself where it stands
    for cell in others:
        wrap = '<div class="fragment">{}</div>' if "fragment" in tags(cell) else "{}"
        if "notes" in tags(cell):
            slide.minutes += minutes(cell.source)
            slide.notes += render(MINUTES.sub("", cell.source))
        elif cell.cell_type == "markdown":
            if not CAPTION.match(cell.source):
                texts.append((cell.source, wrap))
        else:
            if is_code(cell):
                slide.seen.append(code(cell))
                kinds.add("code")
            if found := QUIZ.search(cell.source):
                asked, why = question(found[1], render)
                slide.seen.append(asked)
                kinds.add("question")
            for page in outputs(cell):
                add_output(slide, page, wrap)
                n_sounds += "<audio" in page
    slide.said = [wrap.format(render(text)) for text, wrap in texts if text.strip()] + slide.said
    slide.notes += why
    if not slide.layout:
        plain = "picture" if slide.seen else "statement"
        slide.layout = next(
            (kind for kind in ("question", "code") if kind in kinds), "sounds" if n_sounds > 1 else plain
        )
    if slide.layout not in LAYOUTS:
        raise ValueError(f"{words}: there is no layout {slide.layout!r}; there are {', '.join(LAYOUTS)}.")
    return slide


def slides_of(notebook, render) -> list[Slide]:
    """Return the slides of a deck, without those whose recording is missing, or with what stands in for them.

    Raises
    ------
    ValueError
        If a slide cannot be made, or recalls one that there is not.
    """
    groups = split(notebook.cells)
    composed = [compose(cells, render) for cells in groups]
    drawn = {
        slide.heading for slide, cells in zip(composed, groups, strict=True) if any("outputs" in cell for cell in cells)
    }
    if unknown := [heading for slide in composed for heading in slide.recall if heading not in drawn]:
        raise ValueError(f"A summary recalls {unknown[0]!r}; no slide with a picture has this heading.")
    kept, missing = [], False
    for slide in composed:
        if not (slide.missing or (slide.otherwise and not missing)):
            kept.append(slide)
        missing = slide.missing
    return kept


def here(name: str) -> str:
    """Return the map of the course with a lesson marked on it, by the lesson's name."""
    mark, page = f'data-name="here-{name[:2]}"', drawings.show("course_map")._repr_html_()
    page = page.replace(f'{mark} visibility="hidden"', mark)
    if name[:2].isdigit():
        page = page.replace('aria-label="', f'aria-label="You are in lesson {int(name[:2])}. ', 1)
    if name[:2].isdigit() and int(name[:2]) < 5:  # without the row of those that go further
        page = re.sub(r'<g data-name="further">.*?</g>', "", page, flags=re.S)
        page = re.sub(r'viewBox="0 0 640 [\d.]+"', 'viewBox="0 0 640 154"', page)
    return f'<div class="drawn map">{page}</div>'


def plain(heading: str) -> str:
    """Return the words of a heading, without the marks of Markdown."""
    return html.unescape(re.sub(r"[*`]", "", heading))

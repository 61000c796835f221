"""Contact sheets of the decks, in both themes, and what can be measured of every slide.

``python -m makers contact-sheets [NAMES]`` (``make contact-sheets``) photographs each slide of the decks in
``build/slides/`` with all of its steps shown, and writes ``build/contact_sheets/NAME-light-1.png`` and so on. It prints
what is measured, deck by deck. With ``--layouts`` it makes the picture of ``CONTRIBUTING.md`` instead, a slide of each
layout: ``docs/figures/layouts.png``.
"""

import argparse
import io
import re
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from makers import execute, lessons, slides

from . import compose

COLUMNS, ROWS, WIDE, GAP = 3, 4, 640, 16  # of a sheet; px of a slide on it
WORDS, MOST_WORDS, SENTENCE, NUMBERS, LINES = 30, 60, 12, 12, 6
# Finite verbs of headings: one with another verb adds it here.
VERBS = frozenset(
    """is are was were be am has have had do does did can could will would may might must should shall
    isn't aren't doesn't don't can't it's that's here's what's there's we're you're let's
    add adds answer answers be become becomes begin begins belong belongs bring brings call calls change changes
    come comes cost costs count counts cut cuts decide decides depend depends describe describes detect detects
    fall falls fill fills find finds fit fits follow follows forget forgets gain gains get gets give gives go goes
    hear hears help helps hold holds invents keep keeps knew know knows lack lacks lead leads learn learned learns
    leave leaves lift lifts light listen look looks lose loses made make makes mean means measure measures meet
    meets miss misses move moves name names need needs pass passes pay pays play plays predict prove proves put
    puts read reads recognise remember repeat replace replaces say says score scores see sees separate separates
    set share shares show shows shrink shrinks slide slides sound sounds split splits stand stands start starts
    stay stayed stays step stop stops surprise take takes teach teaches tell tells told train trained turn turns
    use uses want wants win wins work works""".split()
)
# What is on the current slide, and how far down it reaches.
MEASURE = """() => {
  const slide = Reveal.getCurrentSlide().querySelector(".slide"), scale = Reveal.getScale();
  const top = slide.getBoundingClientRect().top;
  const countable = /\\S*[\\p{L}\\p{N}]\\S*/gu;
  let words = 0, low = 0;
  const nodes = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    const parent = node.parentElement, range = document.createRange();
    if (!node.data.trim() || parent.closest("style, script, svg") || !parent.checkVisibility()) continue;
    range.selectNodeContents(node);
    low = Math.max(low, range.getBoundingClientRect().bottom);
    if (!parent.closest(".times, .hertz, pre, table")) words += (node.data.match(countable) ?? []).length;
  }
  for (const shown of slide.querySelectorAll("svg, img, .wave, .band, pre, math")) {
    const box = shown.getBoundingClientRect(), view = shown.viewBox?.baseVal;
    const unused = view?.width ? Math.max(0, box.height - (box.width * view.height) / view.width) : 0;
    low = Math.max(low, box.bottom - unused / 2); // a picture stands in the middle of its room
  }
  return {
    heading: slide.querySelector("h1, h2").innerText,
    layout: slide.className.replace("slide", "").trim(),
    words,
    low: (low - top) / scale / 720,
    picture: !!slide.querySelector("svg[role=img], .wave, .drawn img, .band, .recalled"),
    code: [...slide.querySelectorAll("pre")].map((pre) => pre.innerText),
    numbers: [...slide.querySelectorAll("td")].filter((cell) => /\\d/.test(cell.innerText)).length,
  };
}"""


@dataclass(frozen=True)
class Measured:
    """What is measured of a slide at 1280 by 720: ``low`` is how far down it reaches, as a share of the height."""

    heading: str
    layout: str
    words: int
    low: float
    picture: bool
    code: list[str]
    numbers: int


def is_sentence(heading: str) -> bool:
    """Return whether a heading is a sentence of at most twelve words: it has a finite verb, of a list."""
    words = re.findall(r"[\w'-]+", heading.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return 3 <= len(words) <= SENTENCE and any(word in VERBS for word in words)


def walk(page, size: tuple[int, int] = (1280, 720)):
    """Go through an open deck with the right arrow; on each slide with all fragments shown, yield its number."""
    for number in range(1, page.evaluate("Reveal.getTotalSlides()") + 1):
        while page.evaluate("Reveal.availableFragments().next"):
            page.keyboard.press("ArrowRight")
        yield number
        page.keyboard.press("ArrowRight")


def opened(browser, deck: Path, dark: bool = False):
    """Open a deck in a page of 1280 by 720, without motion."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce", offline=True)
    page = context.new_page()
    page.goto(deck.as_uri() + "?dark" * dark)
    page.wait_for_function("Reveal.isReady()")
    page.evaluate("document.fonts.ready")
    return page


def measure(browser, deck: Path) -> list[Measured]:
    """Return what is measured of the slides of a deck."""
    page = opened(browser, deck)
    found = [Measured(**page.evaluate(MEASURE)) for _ in walk(page)]
    page.context.close()
    return found


def sheets(browser, deck: Path, folder: Path, dark: bool = False) -> list[Path]:
    """Write contact sheets of a deck; return their paths."""
    from PIL import Image

    page, shots = opened(browser, deck, dark), []
    for _ in walk(page):
        shot = Image.open(io.BytesIO(page.screenshot()))
        shots.append(shot.resize((WIDE, WIDE * 9 // 16), Image.Resampling.LANCZOS))
    page.context.close()
    written, each = [], COLUMNS * ROWS
    for number, first in enumerate(range(0, len(shots), each), start=1):
        some = shots[first : first + each]
        high = -(-len(some) // COLUMNS)
        size = (COLUMNS * (WIDE + GAP) + GAP, high * (WIDE * 9 // 16 + GAP) + GAP)
        sheet = Image.new("RGB", size, "#808080")
        for i, shot in enumerate(some):
            place = (GAP + i % COLUMNS * (WIDE + GAP), GAP + i // COLUMNS * (WIDE * 9 // 16 + GAP))
            sheet.paste(shot, place)
        path = folder / f"{deck.stem}-{'dark' if dark else 'light'}-{number}.png"
        folder.mkdir(parents=True, exist_ok=True)
        sheet.quantize(256).save(path)
        written.append(path)
    return written


def layouts(browser, decks: list[Path], path: Path) -> list[str]:
    """Write a picture of a slide of each layout, the first in some decks; return the layouts that none of them has."""
    from PIL import Image

    shots, wide = {}, 416
    for deck in decks:
        page = opened(browser, deck)
        for _ in walk(page):
            layout = page.evaluate(MEASURE)["layout"]
            if layout not in shots:
                shot = Image.open(io.BytesIO(page.screenshot()))
                shots[layout] = shot.resize((wide, wide * 9 // 16), Image.Resampling.LANCZOS)
        page.context.close()
    shown = [shots[layout] for layout in compose.LAYOUTS if layout in shots]
    sheet = Image.new("RGB", (3 * wide + 16, -(-len(shown) // 3) * (wide * 9 // 16 + 8) - 8), "#808080")
    for i, shot in enumerate(shown):
        sheet.paste(shot, (i % 3 * (wide + 8), i // 3 * (wide * 9 // 16 + 8)))
    sheet.quantize(128).save(path, optimize=True)
    return [layout for layout in compose.LAYOUTS if layout not in shots]


def summary(found: list[Measured]) -> dict[str, float]:
    """Return the figures of some slides: shares, and words."""
    n = len(found) or 1
    return {
        "slides": len(found),
        "sentences": sum(is_sentence(slide.heading) for slide in found) / n,
        "pictures": sum(slide.picture for slide in found) / n,
        "median words": statistics.median([slide.words for slide in found] or [0]),
        "most words": max([slide.words for slide in found], default=0),
        "reach 60 %": sum(slide.low > 0.6 for slide in found) / n,
        "code": sum(bool(slide.code) for slide in found) / n,
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the sheets, and print what is measured; the exit status is 0 if there are decks."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(prog="python -m makers contact-sheets", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="decks, by the beginning of their names (default: all)")
    parser.add_argument("--layouts", action="store_true", help="make the picture of the layouts in docs/figures/")
    chosen = parser.parse_args(arguments)
    wanted = chosen.names or [""]
    decks = sorted(
        path for path in (execute.BUILD / "slides").glob("[0-9]*.html") if path.stem.startswith(tuple(wanted))
    )
    if not decks:
        print("There is no such deck in build/slides/. Write the decks first: make slides", file=sys.stderr)
        return 2
    with sync_playwright() as play:
        browser = slides.launch(play)
        if chosen.layouts:
            path = lessons.ROOT / "docs" / "figures" / "layouts.png"
            missing = layouts(browser, decks, path)
            print(f"{path.relative_to(lessons.ROOT)}{', without ' if missing else ''}{', '.join(missing)}")
        for deck in [] if chosen.layouts else decks:
            print(f"\n{deck.stem}")
            for number, slide in enumerate(found := measure(browser, deck), start=1):
                marks = " ".join(("picture" * slide.picture, "code" * bool(slide.code)))
                about = f"{slide.words:3} words, to {slide.low:4.0%}  {marks:13} {slide.layout:9}"
                print(f"{number:3} {about} {slide.heading}")
            print("  ".join(f"{name} {value:.2f}".rstrip("0").rstrip(".") for name, value in summary(found).items()))
            for dark in (False, True):
                for path in sheets(browser, deck, execute.BUILD / "contact_sheets", dark):
                    print(path.relative_to(execute.BUILD.parent))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The slides as a lecture hall shows them: from a file, without a network, in Chromium; and how they are made."""

import base64
import io
import itertools
import re
import subprocess
import sys
import urllib.request

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from conftest import LESSONS, ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pictures import faults as faults_of_pictures
from PIL import Image

from course_utils import audio, plotting, widgets
from makers import lessons, slides
from makers.slides import compose, sheets, sounds, theme
from makers.slides.__main__ import main

SHOWN = {"tags": ["slide"]}
DECKS = {lesson.name: lesson.deck() for lesson in LESSONS}
NAMES = list(DECKS)
SIZES = [(1280, 720), (1920, 1080)]
WCAG = ["wcag2a", "wcag2aa"]
SINGLE_SIGNS = ("nonBmp", "shortTextContent")
SMALLEST = 20  # px of text, on a screen 1280 px wide
SMALLEST_IN_PICTURES = 26  # their text is to be read from the last row, and about as large on every slide
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()

STYLE = (ROOT / "course_utils/course.mplstyle").read_text(encoding="utf-8")
POINTS, DPI = (float(re.search(rf"{key}: (\d+)", STYLE)[1]) for key in ("font.size", "figure.dpi"))
DRAWN = POINTS / 72 * DPI  # px of text in a plot, before the plot is fitted to a slide

# What does not fit on the current slide: text and other contents outside of its box, small text, scroll bars.
FAULTS = """() => {
  const slide = Reveal.getCurrentSlide().querySelector(".slide"), scale = Reveal.getScale();
  const box = slide.getBoundingClientRect(), style = getComputedStyle(slide);
  const [right, bottom, left] = ["Right", "Bottom", "Left"].map(side => scale * parseFloat(style["padding" + side]));
  const inside = (r, below) => r.top >= box.top && r.left >= box.left + left - 1
    && r.right <= box.right - right + 1 && r.bottom <= box.bottom - bottom + below * scale;
  const faults = new Set();
  const around = document.querySelectorAll("footer, .slide-number");
  for (const root of [slide, ...around]) {
    const nodes = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
      const text = node.nodeType === Node.TEXT_NODE, element = text ? node.parentElement : node;
      if (element.closest("aside, style, script, .band") || (text && !node.data.trim())) continue;
      const name = (text ? node.data.trim() : element.tagName).slice(0, 40);
      const look = getComputedStyle(element), range = document.createRange();
      range.selectNode(node);
      const boxes = [...range.getClientRects()].filter(box => box.width && box.height);
      const pixels = parseFloat(look.fontSize) * (root === slide ? scale : 1) * 1280 / innerWidth;
      const drawn_text = element.closest('svg[role="img"]');  // in units of its own, its lines higher than its letters
      if (text && !drawn_text && boxes.length && pixels < SMALLEST - 0.01)
        faults.add(`text of ${pixels.toFixed(1)} px: ${name}`);
      if (/auto|scroll/.test(look.overflowY) && element.scrollHeight > element.clientHeight
          || /auto|scroll/.test(look.overflowX) && element.scrollWidth > element.clientWidth)
        faults.add(`scrolls: ${name}`);
      const image = element.matches("img:not(.wave img, .recalled img, .logo)");
      const drawn = element.offsetWidth / element.naturalWidth * DRAWN * scale * 1280 / innerWidth;  // NaN: no picture
      if (image && drawn < SMALLEST)
        faults.add(`a picture with text of ${drawn.toFixed(1)} px: ${element.alt.slice(0, 40)}`);
      const seen = text || element.matches("img, svg, audio, table, pre, math"), slack = drawn_text ? 16 : 1;
      if (root === slide && seen && !boxes.every(box => inside(box, slack)))
        faults.add(`outside of the slide: ${name}`);
    }
  }
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth || page.scrollHeight > innerHeight) faults.add("the window scrolls");
  return [...faults];
}""".replace("SMALLEST", str(SMALLEST)).replace("DRAWN", str(DRAWN))


def open_deck(browser, path, size=SIZES[0], query=""):
    """Open a deck from its file, offline; return the page, and what it asked for or complained about."""
    view = {"width": size[0], "height": size[1]}
    page = browser.new_context(viewport=view, offline=True, reduced_motion="reduce").new_page()
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    own = path.as_uri() + query
    page.on("request", lambda r: None if r.url == own or r.url.startswith("data:") else faults.append(r.url))
    page.goto(own)
    page.wait_for_function("Reveal.isReady()")
    page.evaluate("document.fonts.ready")
    return page, faults


def inaccessible(page, part=None, rules=WCAG):
    """What axe-core finds on a page, or in a part of it, against WCAG 2 A and AA, and whose contrast it can't judge."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    if page.evaluate("'axe' in window"):
        axe.axe_script = "0"  # its script is half a megabyte
    else:
        page.add_style_tag(content=".controls { display: none !important; }")  # arrows, on a layer above all text
    answer = axe.run(page, part, {"runOnly": rules, "resultTypes": ["violations", "incomplete"]}).response
    found = [(rule["id"], node) for rule in answer["violations"] for node in rule["nodes"]]
    for rule in answer["incomplete"]:
        if rule["id"] == "color-contrast":  # of a single sign, an arrow or a sum, axe-core does not judge it
            judged = [node for node in rule["nodes"] if node["any"][0]["data"]["messageKey"] not in SINGLE_SIGNS]
            found += [(rule["id"], node) for node in judged]
    found = [(rule, node["html"][:90], node["failureSummary"]) for rule, node in found]
    # of text in a picture, axe-core does not know the ground; pictures.py does
    return [(rule, text, why) for rule, text, why in found if rule != "color-contrast" or not text.startswith("<text")]


def walk(page):
    """Go through a deck with the right arrow alone; on each slide with all fragments shown, give number and heading."""
    for number in sheets.walk(page):
        assert page.evaluate("Reveal.getSlidePastCount() + 1") == number
        yield number, page.evaluate("Reveal.getCurrentSlide().querySelector('h1, h2').innerText")


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_deck_opens_without_a_network_and_everything_is_there(browser, decks, executed, name):
    page, faults = open_deck(browser, decks / f"{name}.html")
    headings = []
    for _, heading in walk(page):
        assert page.evaluate("Reveal.getCurrentSlide().checkVisibility()")
        assert "$" not in page.evaluate("Reveal.getCurrentSlide().innerText")
        headings.append(heading)
    deck = next(lesson for lesson in LESSONS if lesson.name == name).deck(executed[name])
    found = compose.slides_of(deck, slides.render)
    assert headings == [compose.plain(slide.heading).replace("'", "’") for slide in found]
    page.evaluate("document.querySelectorAll('section').forEach(s => { s.hidden = false; s.style.display = 'block'; })")
    assert all(page.evaluate("[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().width > 5)"))
    assert all(page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)"))
    said = "[...document.querySelectorAll('img, svg[role=img]')].map(image => image.alt ?? image.ariaLabel)"
    for text in page.evaluate(said):
        assert len(text) > 30
        assert "No description" not in text
    played = page.evaluate(
        """(async () => {
            const found = [];
            for (const player of document.querySelectorAll("audio")) {  // one at a time: a player stops the others
                player.muted = true;
                await player.play();
                await new Promise(resolve => setTimeout(resolve, 200));
                found.push([player.getAttribute("aria-label"), player.duration, player.currentTime]);
            }
            return found;
        })()"""
    )
    for label, duration, position in played:
        assert label
        assert duration > 0.05  # a missed event may be as short as that
        assert position > 0, f"{label} does not play"
    assert faults == []
    page.context.close()


def test_the_decks_between_them_have_all_kinds_of_contents(decks):
    text = "".join(path.read_text(encoding="utf-8") for path in decks.glob("0*.html"))
    parts = [
        "<svg",
        "<audio",
        'class="step fragment"',
        'class="line fragment',
        '<aside class="notes">',
        'data-timing="',
    ]
    for part in [*parts, *(f'<div class="slide {layout}" ' for layout in compose.LAYOUTS if layout != "statement")]:
        assert part in text, part


@pytest.mark.browser
@pytest.mark.parametrize(("size", "query"), [*((size, "") for size in SIZES), (SIZES[0], "?dark")], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_every_slide_fits(browser, decks, name, size, query):
    page, _ = open_deck(browser, decks / f"{name}.html", size, query)
    found = {}
    for number, heading in walk(page):
        wrong = faults_of_pictures(page, SMALLEST_IN_PICTURES, 1280 / size[0])
        found[f"slide {number}, {heading}"] = page.evaluate(FAULTS) + wrong
    assert {slide: faults for slide, faults in found.items() if faults} == {}
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("query", ["", "?dark"])
def test_every_question_fits_on_a_slide_and_so_does_its_answer(browser, tmp_path, query):
    cells = []
    for name in widgets.quizzes():
        cells.append(on_deck(f"## {name}"))
        cells.append(new_code_cell(f'widgets.quiz("{name}")', metadata={"tags": ["slide"]}))
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page, faults = open_deck(browser, tmp_path / "deck.html", query=query)
    found = {}
    for number, name in walk(page):
        right = [choice["text"] for choice in widgets.quizzes()[name]["choices"] if choice["right"]]
        shown = page.locator("section.present:not(.stack) .answer.visible")
        assert shown.count() == len(right) == 1
        assert re.sub("`", "", right[0]).replace("'", "’") in shown.inner_text()
        for key in "1223":
            page.keyboard.press(key)
        found[name] = page.evaluate(FAULTS)
        if number < 4:  # with the hands counted
            found[f"{name}, to all"] = inaccessible(page, "section.present:not(.stack)")
    assert {what: faults for what, faults in found.items() if faults} == {}
    assert faults == []
    page.context.close()


def square(label: str) -> str:
    """A picture as a cell's output has it: a blue square with a word, in steps."""
    parts = f'<clipPath id="edge"><rect width="9" height="9"/></clipPath><g class="step"><text y="9">{label}</text></g>'
    box = f'viewBox="0 0 100 50" style="max-width:100px;width:100%" role="img" aria-label="A square: {label}"'
    return f'<svg {box}>{parts}<rect clip-path="url(#edge)" width="40" height="40" fill="#0072B2"/></svg>'


def with_picture(heading: str):
    """The cells of a slide that shows a picture."""
    output = new_output("display_data", {"text/html": square(heading)})
    return [on_deck(f"## {heading}"), new_code_cell("draw()", outputs=[output], metadata={"tags": ["slide"]})]


@pytest.mark.browser
def test_a_summary_recalls_pictures_without_their_words(browser, tmp_path):
    lines = "## What should you remember?\n\n- One is *blue*.\n- Two is, too.\n- Three isn't shown."
    recall = {"layout": "summary", "recall": ["It's one", "This is **two**"]}
    cells = [*with_picture("It's one"), *with_picture("This is **two**"), on_deck(lines, **recall)]
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page, faults = open_deck(browser, tmp_path / "deck.html", query="?dark")
    assert [number for number, _ in walk(page)] == [1, 2, 3]
    shown = page.locator(".summary .recalled")
    assert shown.count() == 2
    assert [shown.nth(i).locator("text").text_content() for i in (0, 1)] == ["It's one", "This is **two**"]
    assert not any(shown.locator("text").evaluate_all("all => all.map(text => text.checkVisibility())"))
    assert shown.locator(".fragment, [role=img]").count() == 0
    assert shown.first.locator("clipPath").get_attribute("id") == "recalled-edge"
    assert shown.first.locator("rect").last.get_attribute("clip-path") == "url(#recalled-edge)"
    assert page.evaluate("[...document.querySelectorAll('.summary li')].map(line => line.innerText.trim())") == [
        "One is blue.",
        "Two is, too.",
        "Three isn’t shown.",
    ]
    tops = page.evaluate("[...document.querySelectorAll('.recalled')].map(box => box.getBoundingClientRect().top)")
    assert tops[0] == tops[1]
    boxes = page.evaluate("[...document.querySelectorAll('.recalled svg')].map(svg => svg.getAttribute('viewBox'))")
    assert boxes == ["-1 -1 42 42"] * 2  # what is drawn, without the room of the words
    assert faults == inaccessible(page) == []
    page.context.close()


@pytest.mark.parametrize("heading", ["There is none", "Text alone is here"])
def test_a_summary_that_recalls_no_picture_is_said(tmp_path, heading):
    summary = on_deck("## What should you remember?\n\n- This.", layout="summary", recall=[heading])
    cells = [on_deck("## Text alone is here"), *with_picture("A picture is here"), summary]
    with pytest.raises(lessons.LessonError, match=f"recalls '{heading}'; no slide with a picture has this heading"):
        slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")


@pytest.mark.browser
def test_text_of_pictures_is_about_as_large_on_every_slide(browser, tmp_path):
    """A picture does not grow beyond 1.7 times its size on a page, however low it is."""
    slides.write_deck(new_notebook(cells=with_picture("One is here")), tmp_path / "deck.html")
    page, _ = open_deck(browser, tmp_path / "deck.html")
    assert page.evaluate("document.querySelector('.drawn svg').getBoundingClientRect().width") == pytest.approx(170)
    page.context.close()


@pytest.mark.browser
def test_the_hands_of_the_hall_are_counted(browser, tmp_path):
    cells = [on_deck("## A vote"), new_code_cell('widgets.quiz("tags")', metadata={"tags": ["slide"]})]
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page, _ = open_deck(browser, tmp_path / "deck.html")
    counts = "[...document.querySelectorAll('.choices output')].map(count => count.checkVisibility() && count.value)"
    assert page.evaluate(counts) == [False] * 3
    for key in "12224":  # there is no fourth answer
        page.keyboard.press(key)
    assert page.evaluate(counts) == ["1", "3", False]
    assert page.locator(".answer.visible").count() == 0
    page.keyboard.press("PageDown")  # a clicker's next key
    assert page.locator(".answer.visible").inner_text().split("\n")[0] == "B"
    page.keyboard.press("0")
    assert page.evaluate(counts) == [False] * 3
    page.context.close()


def on_deck(text: str, *more: str, **options):
    """A cell of text on a slide."""
    return new_markdown_cell(text, metadata={"tags": ["slide", *more], **options})


def tall_picture() -> str:
    """A picture of 1200 x 1440 px, as the source of an image."""
    buffer = io.BytesIO()
    plt.imsave(buffer, np.zeros((1440, 1200)), format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.browser
def test_a_slide_that_does_not_fit_is_found(browser, tmp_path):
    cells = [
        on_deck("## Fits\n\nA sentence."),
        on_deck("## Long\n\n" + "Too much for one slide. " * 80),
        on_deck("## Wide\n\n<table><tr><td style='white-space: nowrap'>" + "wide " * 100 + "</td></tr></table>"),
        on_deck('## Small\n\n<span style="font-size: 12px">fine print</span>'),
        on_deck('## Scrolls\n\n<div style="height: 90px; overflow: auto"><p>a</p><p>b</p><p>c</p></div>'),
        on_deck(f'## Shrunk\n\n<img alt="a plot twice as tall as a slide" height="430" src="{tall_picture()}">'),
    ]
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page, _ = open_deck(browser, tmp_path / "deck.html")
    found = {heading: " ".join(page.evaluate(FAULTS)) for _, heading in walk(page)}
    assert found["Fits"] == ""
    assert "outside of the slide: Too much" in found["Long"]
    assert "outside of the slide: TABLE" in found["Wide"]
    assert found["Small"] == "text of 12.0 px: fine print"
    assert "scrolls: DIV" in found["Scrolls"]
    assert found["Shrunk"].startswith("a picture with text of ")
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("name", "query"), [("index", ""), *itertools.product(NAMES, ("", "?dark"))])
def test_accessible(browser, decks, name, query):
    """axe-core finds nothing that WCAG 2 AA forbids, and can judge the contrast of everything."""
    if name == "index":
        page = browser.new_page()
        page.goto((decks / "index.html").as_uri())
        stops = [(1, "start")]
    else:
        page, _ = open_deck(browser, decks / f"{name}.html", query=query)
        assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if query else "light")
        stops = walk(page)
    found = {}
    for number, heading in stops:  # the whole document once, then slide by slide; in the dark, only colours differ
        whole = () if number == 1 else ("section.present:not(.stack)", ["color-contrast"] if query else WCAG)
        found[f"slide {number}, {heading}"] = inaccessible(page, *whole)
    found = {slide: faults for slide, faults in found.items() if faults}
    assert found == {}
    page.context.close()


@pytest.mark.browser
def test_what_is_not_accessible_is_found(browser, tmp_path):
    picture = f'<img src="data:image/png;base64,{PIXEL}"><p style="color: #aaa">pale</p>'
    output = new_output("display_data", {"text/html": picture})
    cells = [new_markdown_cell(text) for text in ("# Title", "## Next")]
    cells.append(new_code_cell("draw()", outputs=[output], metadata={"tags": ["hide-input"]}))
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page, _ = open_deck(browser, tmp_path / "deck.html")
    page.evaluate("document.images[0].removeAttribute('alt')")
    for number, _ in walk(page):
        for part, rules in ((None, WCAG), ("section.present:not(.stack)", WCAG), (None, ["color-contrast"])):
            found = [fault[:2] for fault in inaccessible(page, part, rules)]
            assert (("color-contrast", '<p style="color: #aaa">pale</p>') in found) == (number == 2)
            assert ("image-alt" in dict(found)) == (number == 2 and rules == WCAG)
    page.context.close()


@pytest.mark.browser
def test_keys(browser, decks):
    page, faults = open_deck(browser, decks / "01_audio_tagging.html")
    total = page.evaluate("Reveal.getTotalSlides()")
    for _ in range(3 * total):
        page.keyboard.press("Space")
    assert page.evaluate("Reveal.isLastSlide()")
    page.keyboard.press("PageUp")  # what a clicker sends
    assert page.evaluate("Reveal.getSlidePastCount()") == total - 2
    page.keyboard.press("Home")
    assert page.evaluate("Reveal.isFirstSlide()")
    page.keyboard.press("PageDown")
    assert page.evaluate("Reveal.getSlidePastCount()") == 1
    page.keyboard.press("Home")
    for _, _ in walk(page):
        if page.evaluate("Reveal.getCurrentSlide().querySelector('audio')"):
            break
    playing = "[...document.querySelectorAll('audio')].map(player => !player.paused)"
    page.keyboard.press("a")
    page.wait_for_function("!Reveal.getCurrentSlide().querySelector('audio').paused")
    page.keyboard.press("a")
    assert not any(page.evaluate(playing))
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"!{playing}.includes(true)")  # leaving a slide stops its sound
    page.keyboard.press("d")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.keyboard.press("d")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert faults == []
    page.context.close()


@pytest.mark.browser
def test_no_slide_is_skipped_after_a_jump_back(browser, decks):
    page, _ = open_deck(browser, decks / "03_transfer_learning.html")
    sections = page.evaluate("[...document.querySelectorAll('.slides > section')].map(s => s.children.length)")
    longest = max(range(len(sections)), key=sections.__getitem__)
    page.evaluate(f"Reveal.slide({longest}, {sections[longest] - 1})")
    page.evaluate(f"Reveal.slide({longest - 1}, {sections[longest - 1] - 1}, 99)")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Object.values(Reveal.getIndices()).slice(0, 2)") == [longest, 0]
    page.keyboard.press("ArrowLeft")  # back to the end of the section before
    assert page.evaluate("Object.values(Reveal.getIndices()).slice(0, 2)") == [longest - 1, sections[longest - 1] - 1]
    page.context.close()


@pytest.mark.browser
def test_speaker_view_shows_notes_and_time(browser, decks):
    page, _ = open_deck(browser, decks / "02_yamnet.html")
    with page.context.expect_page() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    speaker.wait_for_function("document.querySelector('.speaker-controls-notes:not(.hidden) .value')")
    first = next(cell.source for cell in DECKS["02_yamnet"].cells if "notes" in lessons.tags(cell))
    words = compose.MINUTES.sub("", re.sub(r"[*`]", "", first)).replace("'", "’")
    assert words in speaker.inner_text(".speaker-controls-notes")
    assert speaker.locator(".pacing").is_visible()  # the clock, against the minutes of the notes
    page.context.close()


@pytest.mark.browser
def test_start_page_leads_to_every_deck(browser, decks):
    page, faults = browser.new_page(), []
    page.on(
        "request", lambda request: None if request.url.startswith(("file:", "data:")) else faults.append(request.url)
    )
    page.goto((decks / "index.html").as_uri())
    links = page.evaluate("[...document.links].map(link => link.getAttribute('href'))")
    assert links == [f"{name}.html{query}" for name in NAMES for query in ("", "?dark")]
    assert all((decks / link.partition("?")[0]).is_file() for link in links)
    rows = page.locator("tbody tr").all_inner_texts()
    for name, row in zip(NAMES, rows, strict=True):
        deck = (decks / f"{name}.html").read_text(encoding="utf-8")
        timings = list(map(int, re.findall(r'<section data-timing="(\d+)">', deck)))
        assert tuple(map(int, row.split()[-2:])) == (len(timings), sum(timings) / 60)
        assert sum(timings) / 60 <= slides.length(DECKS[name])[1]
        assert "embedded" in row
    assert faults == []
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("notes", [False, True])
def test_handout_has_three_slides_a_page(browser, decks, tmp_path, notes):
    deck = tmp_path / "02_yamnet.html"
    deck.write_bytes((decks / deck.name).read_bytes())
    path = slides.write_handout(deck, browser, notes)
    total = deck.read_text(encoding="utf-8").count("<section data-timing")
    data = path.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == -(-total // 3)
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", data).groups())
    assert (width, height) == (pytest.approx(595, abs=1), pytest.approx(842, abs=1))  # upright A4, in points
    assert path.name == ("02_yamnet-notes.pdf" if notes else "02_yamnet.pdf")


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_the_handout_holds_every_slide_and_all_of_its_notes(browser, decks, name):
    page = browser.new_page()
    page.goto((decks / f"{name}.html").as_uri() + "?print-pdf&handout=notes")
    page.wait_for_function("document.querySelectorAll('.handout').length > 0")
    rows = page.evaluate(
        """[...document.querySelectorAll(".handout")].map(row => {
            const words = row.querySelector(".words"), box = row.querySelector("section").getBoundingClientRect();
            return [words.innerText.length, words.scrollHeight - words.clientHeight,
                    parseFloat(getComputedStyle(words).fontSize), Math.round(box.width), Math.round(box.height)];
        })"""
    )
    assert len(rows) == (decks / f"{name}.html").read_text(encoding="utf-8").count("<section data-timing")
    for words, too_long, size, width, height in rows:
        assert words > 20
        assert too_long <= 0
        assert size >= 10
        assert (width, height) == (464, 261)
    page.close()


def hosts(text: str) -> list[str]:
    """What a file would fetch from a host: scripts, pictures, styles, letters."""
    places = (r"src\s*=\s*", r"<link\b[^>]*", r"@import[^;]*", r"url\(\s*")
    return [found for place in places for found in re.findall(place + r"""["']?(?:https?:)?//[^"' )]+""", text)]


def test_hosts_are_found():
    script, link = '<script src="//host/a.js">', "<link rel='stylesheet' href='https://host/b.css'>"
    assert len(hosts(f"{script} {link} @import 'http://host/c.css'; url( \"https://host/d.woff\" )")) == 4
    assert hosts('<a href="https://host/">text</a> src="data:image/png;base64,//8A"') == []


@pytest.mark.parametrize("name", [*NAMES, "index"])
def test_file_needs_nothing_from_elsewhere(decks, name):
    assert hosts((decks / f"{name}.html").read_text(encoding="utf-8")) == []
    assert (decks / f"{name}.html").stat().st_size <= 8e6


def test_every_clip_is_stored_once(decks):
    for path in decks.glob("0*.html"):
        clips = re.findall(r'src="(data:audio/[^"]+)"', path.read_text(encoding="utf-8"))
        assert len(clips) == len(set(clips)), path.name


@pytest.mark.browser
def test_a_clip_played_twice_is_stored_once_and_plays_twice(browser, tmp_path):
    waveform = 0.1 * np.sin(np.arange(32000) / 10).astype(np.float32)
    player = new_output("display_data", {"text/html": audio.play(waveform, 16000, "A tone").data})
    cells = []
    for i in range(2):
        cells += [on_deck(f"## Slide {i}"), new_code_cell("audio.play()", outputs=[player], metadata=SHOWN)]
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    assert (tmp_path / "deck.html").read_text(encoding="utf-8").count("data:audio/") == 1
    page, faults = open_deck(browser, tmp_path / "deck.html")
    durations = page.evaluate(
        """Promise.all([...document.querySelectorAll("audio")].map(async player => {
            player.muted = true;
            await player.play();
            return player.duration;
        }))"""
    )
    assert durations == [pytest.approx(2, abs=0.2)] * 2
    assert faults == []
    page.context.close()


def test_a_handout_goes_with_its_deck_only_when_that_changes(decks, executed, tmp_path):
    deck, handout = tmp_path / "02_yamnet.html", tmp_path / "02_yamnet.pdf"
    found = {lesson.name: lesson.deck(executed[lesson.name]) for lesson in LESSONS}
    slides.write_deck(found["02_yamnet"], deck)
    assert deck.read_bytes() == (decks / deck.name).read_bytes()
    handout.write_bytes(b"%PDF")
    slides.write_deck(found["02_yamnet"], deck)
    assert handout.is_file()
    slides.write_deck(found["04_sound_event_detection"], deck)
    assert not handout.exists()


def test_captions_go_to_the_pictures_of_their_cell():
    first, second, third = (new_output("display_data", {"image/png": PIXEL}) for _ in range(3))
    cells = [
        new_code_cell("draw()", outputs=[first]),
        new_markdown_cell("No caption here."),
        new_code_cell("draw_twice()", outputs=[second, third]),
        new_markdown_cell('*Figure 2. A "quoted" caption.*'),
    ]
    shown = slides.with_captions(new_notebook(cells=cells))
    assert shown.cells[0].outputs == [first]
    for output in shown.cells[2].outputs:
        assert (
            f'<img alt="A &quot;quoted&quot; caption." src="data:image/png;base64,{PIXEL}">' == output.data["text/html"]
        )
    assert cells[2].outputs == [second, third]


def test_captions_come_before_the_words_of_a_picture():
    page = '<div><svg role="img" aria-label="b &gt; a" viewBox="0 0 9 9"></svg></div>'
    drawn, other = (new_output("display_data", {"text/html": page, "text/plain": "b > a"}) for _ in range(2))
    table = new_output("display_data", {"text/html": "<table></table>"})
    cells = [
        new_code_cell("draw()", outputs=[drawn, table]),
        new_markdown_cell(r'*Figure 1. Two "scores" \1.*'),
        new_code_cell("draw()", outputs=[other]),
        new_markdown_cell("No caption."),
    ]
    shown = slides.with_captions(new_notebook(cells=cells))
    both = page.replace("b &gt; a", r"Two &quot;scores&quot; \1. b &gt; a")
    assert [output.data["text/html"] for output in shown.cells[0].outputs] == [both, "<table></table>"]
    assert shown.cells[2].outputs == [other] == [drawn]


def test_a_slide_shows_the_picture_beside_a_widget_and_neither_prints_nor_tables():
    widget = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}})
    svg = new_output("display_data", {"text/html": '<svg role="img" aria-label="A picture"></svg>'})
    printed = new_output("stream", name="stdout", text="0.123")
    table = new_output("display_data", {"text/html": '<table class="dataframe"><tr><td>1</td></tr></table>'})
    cells = [on_deck("## A claim"), new_code_cell("explore()", outputs=[widget, svg, printed, table], metadata=SHOWN)]
    slide = compose.compose(cells, slides.render)
    assert (slide.layout, slide.said) == ("picture", [])
    assert slide.seen == [f'<div class="drawn">{svg.data["text/html"]}</div>']
    cells[1].outputs = [new_output("display_data", {"image/png": PIXEL})]
    with pytest.raises(ValueError, match="A slide shows vector graphics"):
        compose.compose(cells, slides.render)


def test_a_slide_without_its_recording_is_left_out_or_replaced():
    missing = new_output("display_data", {"text/html": audio.play(None, 16000, "A dog").data})
    cells = [
        on_deck("## One"),
        on_deck("## A dog barks"),
        new_code_cell("audio.play(dog)", outputs=[missing], metadata=SHOWN),
        on_deck("## Who can bark?", "otherwise"),
        on_deck("## Three"),
        on_deck("## Never", "otherwise"),
    ]
    found = compose.slides_of(new_notebook(cells=cells), slides.render)
    assert [slide.heading for slide in found] == ["One", "Who can bark?", "Three"]
    waveform = 0.1 * np.sin(np.arange(32000) / 10).astype(np.float32)
    cells[2].outputs = [new_output("display_data", {"text/html": audio.play(waveform, 16000, "A dog").data})]
    found = compose.slides_of(new_notebook(cells=cells), slides.render)
    assert [slide.heading for slide in found] == ["One", "A dog barks", "Three"]
    assert "isn't here" not in "".join(found[1].seen)


def test_layouts_follow_what_a_slide_has():
    svg = new_output("display_data", {"text/html": '<svg role="img" aria-label="A picture"></svg>'})
    tone = audio.play(0.1 * np.sin(np.arange(32000) / 10).astype(np.float32), 16000, "A tone").data
    sound = new_output("display_data", {"text/html": tone})

    def layout(*outputs, code="draw()", **options):
        cells = [on_deck("## A claim", **options), new_code_cell(code, outputs=list(outputs), metadata=SHOWN)]
        return compose.compose(cells, slides.render).layout

    assert layout() == "statement"
    assert layout(svg) == layout(sound) == "picture"
    assert layout(sound, sound) == "sounds"
    assert layout(svg, code='widgets.quiz("tags")') == "question"
    assert layout(svg, layout="side") == "side"
    with pytest.raises(ValueError, match="there is no layout 'round'; there are title, part"):
        layout(layout="round")


def test_lines_of_code_are_marked_one_after_another():
    cell = new_code_cell("a = 1\n\nb = (\n    2\n)", metadata={"tags": ["slide"], "steps": "1 | 3-5"})
    steps = re.findall(r'class="line( fragment custom" data-fragment-index="(\d))?', compose.code(cell))
    assert [step for _, step in steps] == ["0", "", "1", "1", "1"]
    cell.metadata.steps = "1 | 6"
    with pytest.raises(ValueError, match="Line 6 is to be marked, of a cell of 5 lines"):
        compose.code(cell)


def test_a_player_has_a_picture_with_times_and_frequencies():
    waveform = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 16000).astype(np.float32)
    page = sounds.player(audio.play(waveform, 16000, "A tone & more").data)
    assert 'aria-label="Play: A tone &amp; more"' in page
    assert re.findall(r'<i style="left:([\d.]+)%">([\d.]+)</i>', page)[:2] == [("0.00", "0"), ("16.67", "0.5")]
    marks = dict(re.findall(r'<i style="bottom:([\d.]+)%">([\d.]+)</i>', page))
    height = next(float(place) for place, words in marks.items() if words == "1")
    picture = Image.open(io.BytesIO(base64.b64decode(re.search('image/webp;base64,([^"]*)', page)[1])))
    brightest = np.asarray(picture.convert("L")).mean(axis=1).argmax()
    assert 1 - brightest / picture.height == pytest.approx(height / 100, abs=0.03)  # the tone is where 1 kHz is marked


@pytest.mark.browser
@pytest.mark.parametrize("begin", [0, -0.5])
def test_a_player_stands_on_the_time_axis_of_the_plot_below(browser, tmp_path, begin):
    waveform = 0.1 * np.sin(np.arange(64000) / 10).astype(np.float32)
    ax = plotting.event_roll({"truth": [("dog", 1, 2)]}, ["dog"], duration=5)
    ax.set_xlim(begin, 5)
    pages = [audio.play(waveform, 16000, "A tone").data, plotting.as_svg(ax.figure)]
    outputs = [new_output("display_data", {"text/html": page}) for page in pages]
    cells = [on_deck("## A tone and an event"), new_code_cell("draw()", outputs=outputs, metadata=SHOWN)]
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page, _ = open_deck(browser, tmp_path / "deck.html")
    ends = page.evaluate(
        """() => {
            const plot = document.querySelector(".drawn svg"), matrix = plot.getScreenCTM();
            const wave = document.querySelector(".wave").getBoundingClientRect();
            return [wave.left, wave.right, matrix.a, matrix.e];
        }"""
    )
    left, right, scale, shift = ends
    place, width = ax.get_position(), 72 * ax.figure.get_figwidth()
    second = place.width * width / (5 - begin)  # in units of the picture
    zero = place.x0 * width - begin * second
    assert left == pytest.approx(zero * scale + shift, abs=2)
    assert right == pytest.approx((zero + 4 * second) * scale + shift, abs=2)  # the sound lasts 4 s
    ax.set_xlim(2, 5)
    assert "data-time" not in plotting.as_svg(ax.figure)
    page.context.close()


@pytest.mark.browser
def test_a_line_moves_over_the_spectrogram_and_a_click_on_it_goes_there(browser, decks):
    page, faults = open_deck(browser, decks / "01_audio_tagging.html")
    page.keyboard.press("ArrowRight")
    place = "parseFloat(getComputedStyle(Reveal.getCurrentSlide().querySelector('.cursor')).left)"
    assert page.evaluate(place) == 0
    page.evaluate("document.querySelectorAll('audio').forEach(player => { player.muted = true; })")
    page.keyboard.press("a")
    page.wait_for_function(f"{place} > 20")
    page.keyboard.press("a")
    box = page.locator("section.present .wave").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 20)
    page.wait_for_function(f"{place} > {0.74 * box['width']}")
    page.wait_for_selector("section.present .sound.playing")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("!document.querySelector('.sound.playing')")  # the browser says when it has paused
    assert faults == []
    page.context.close()


def test_mathematics_needs_no_script():
    rendered = slides.math_filter({}, r"A *ratio* $\frac{a}{b}$ and $$x_i^2$$")
    assert "<mfrac>" in rendered
    assert 'display="block"' in rendered
    assert "<em>ratio</em>" in rendered
    assert "$" not in rendered
    with pytest.raises(ValueError, match="Not a formula"):
        slides.math_filter({}, "$x_{$")


def test_colours_are_those_of_the_plots_and_can_be_read():
    rules = dict(re.findall(r'\[data-theme="(\w+)"\] \{ (.+?) \}', theme.colours()))
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6})", rules[name])) for name in ("light", "dark"))
    assert light["accent"].lstrip("#").upper() in STYLE  # the first colour of the plots can be read as it is
    assert (light["paper"], light["ink"]) == (dark["ink"], dark["paper"])
    for values in (light, dark):
        for name in ("ink", "accent", "keyword", "string", "number", "faint"):
            assert theme.contrast(values[name], values["panel"]) >= 4.5
            assert theme.contrast(values[name], values["paper"]) >= 4.5


def test_contrast_is_that_of_wcag():
    assert theme.contrast("white", "black") == pytest.approx(21)
    assert theme.contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)


SLIDE, BOTH = '+++ {{"tags": ["slide"]}}\n\n## {}', ":tags: [both]\n"
ANSWER = "from IPython.display import HTML\n\nHTML(str(6 * 7))"


def test_unchanged_notebooks_are_not_executed_again(course, tmp_path, monkeypatch, capsys):
    deck, ran = tmp_path / "build/slides/01_small.html", "01_small ..."
    for name in ("COURSE_MIRROR", "COURSE_ASSETS"):
        monkeypatch.delenv(name, raising=False)
    course("01_small", SLIDE.format("A heading"), ANSWER, BOTH)
    assert main(["01"]) == 0  # never executed
    assert ran in capsys.readouterr().out
    course("01_small", SLIDE.format("Another heading"), ANSWER, BOTH)
    assert main(["01"]) == 0  # the text alone has changed
    assert ran not in capsys.readouterr().out
    assert "Another heading" in deck.read_text(encoding="utf-8")
    assert ">42" in deck.read_text(encoding="utf-8")
    for name, value in (("COURSE_MIRROR", str(tmp_path)), ("COURSE_ASSETS", "embedded")):  # other assets
        monkeypatch.setenv(name, value)
        assert main(["01"]) == 0
        assert ran in capsys.readouterr().out
    course("01_small", SLIDE.format("Another heading"), ANSWER.replace("7", "8"), BOTH)
    assert main(["01"]) == 0
    assert ran in capsys.readouterr().out
    assert ">48" in deck.read_text(encoding="utf-8")


def test_unknown_deck_is_said(capsys):
    assert main(["--present", "99"]) == 2
    assert "99" in capsys.readouterr().err


def test_wrong_lines_are_said(course, capsys):
    course("01_small", '+++ {"tags": ["slide"]}\n\n## A heading', "x = 1", ':tags: [slide]\n:steps: "7"\n')
    assert main(["01"]) == 1
    assert "01_small: Line 7 is to be marked, of a cell of 1 lines:\nx = 1" in capsys.readouterr().err


def test_present_serves_a_deck(decks):
    code = (
        "import pathlib, webbrowser\n"
        "from makers.slides.__main__ import present\n"
        "webbrowser.open = lambda address: None\n"
        f"present(pathlib.Path({str(decks / '02_yamnet.html')!r}), 0)"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/02_yamnet\.html", server.stdout.readline())
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == (decks / "02_yamnet.html").read_bytes()
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("name", NAMES)
def test_each_slide_has_a_heading_and_notes_that_end_with_their_minutes(name):
    groups = compose.split(DECKS[name].cells)
    for cells in groups:
        assert re.match("##? ", cells[0].source), f"a slide without a heading:\n{cells[0].source}"
        notes = [cell.source for cell in cells if "notes" in lessons.tags(cell)]
        assert len(notes) == 1, f"no notes, or twice:\n{cells[0].source}"
        assert re.search(r" \(\d+ minutes?\)$", notes[0]), notes[0]
    layouts = [compose.compose(cells, slides.render).layout for cells in groups]
    assert layouts[0] == "title"
    assert 2 <= layouts.count("part") <= 4
    assert layouts[-1] == "summary"


def test_metadata_are_json_that_nbformat_accepts():
    for notebook in DECKS.values():
        nbformat.validate(notebook)

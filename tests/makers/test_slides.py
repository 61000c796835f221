"""The slides as a lecture hall shows them: from a file, without a network, in Chromium; and how they are made."""

import ast
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

from course_utils import audio, widgets
from makers import slides
from makers.slides import theme
from makers.slides.__main__ import main

DECKS = {lesson.name: lesson.deck() for lesson in LESSONS}
NAMES = list(DECKS)
SIZES = [(1280, 720), (1920, 1080)]
WCAG = ["wcag2a", "wcag2aa"]
SINGLE_SIGNS = ("nonBmp", "shortTextContent")
SMALLEST = 20  # px of text, on a screen 1280 px wide
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()

STYLE = (ROOT / "course_utils/course.mplstyle").read_text(encoding="utf-8")
POINTS, DPI = (float(re.search(rf"{key}: (\d+)", STYLE)[1]) for key in ("font.size", "figure.dpi"))
DRAWN = POINTS / 72 * DPI  # px of text in a plot, before the plot is fitted to a slide

# What does not fit on the current slide: text and other contents outside of its box, small text, scroll bars.
FAULTS = """() => {
  const slide = Reveal.getCurrentSlide(), scale = Reveal.getScale();
  const box = slide.getBoundingClientRect(), style = getComputedStyle(slide);
  const [right, bottom, left] = ["Right", "Bottom", "Left"].map(side => scale * parseFloat(style["padding" + side]));
  const inside = r => r.top >= box.top && r.left >= box.left + left - 1
    && r.right <= box.right - right + 1 && r.bottom <= box.bottom - bottom + 1;
  const faults = new Set();
  const around = document.querySelectorAll("footer, .slide-number");
  for (const root of [slide, ...around]) {
    const nodes = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
      const text = node.nodeType === Node.TEXT_NODE, element = text ? node.parentElement : node;
      if (element.closest("aside, style, script") || (text && !node.data.trim())) continue;
      const name = (text ? node.data.trim() : element.tagName).slice(0, 40);
      const look = getComputedStyle(element), range = document.createRange();
      range.selectNode(node);
      const boxes = [...range.getClientRects()].filter(box => box.width && box.height);
      const pixels = parseFloat(look.fontSize) * (root === slide ? scale : 1) * 1280 / innerWidth;
      const drawn_text = element.closest('svg[role="img"]');  // in units of its own: pictures.py knows
      if (text && !drawn_text && boxes.length && pixels < SMALLEST - 0.01)
        faults.add(`text of ${pixels.toFixed(1)} px: ${name}`);
      if (/auto|scroll/.test(look.overflowY) && element.scrollHeight > element.clientHeight
          || /auto|scroll/.test(look.overflowX) && element.scrollWidth > element.clientWidth)
        faults.add(`scrolls: ${name}`);
      const drawn = element.offsetWidth / element.naturalWidth * DRAWN * scale * 1280 / innerWidth;  // NaN: no picture
      if (drawn < SMALLEST) faults.add(`a picture with text of ${drawn.toFixed(1)} px: ${element.alt.slice(0, 40)}`);
      if (root === slide && (text || element.matches("img, svg, audio, table, pre, math")) && !boxes.every(inside))
        faults.add(`outside of the slide: ${name}`);
    }
  }
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth || page.scrollHeight > innerHeight) faults.add("the window scrolls");
  return [...faults];
}""".replace("SMALLEST", str(SMALLEST)).replace("DRAWN", str(DRAWN))


def open_deck(browser, path, size=SIZES[0], query=""):
    """Open a deck from its file, offline; return the page, and what it asked for or complained about."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True).new_page()
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
    for number in range(1, page.evaluate("Reveal.getTotalSlides()") + 1):
        while page.evaluate("Reveal.availableFragments().next"):
            page.keyboard.press("ArrowRight")
        assert page.evaluate("Reveal.getSlidePastCount() + 1") == number
        yield number, page.evaluate("Reveal.getCurrentSlide().querySelector('h1, h2, h3').innerText")
        page.keyboard.press("ArrowRight")


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_deck_opens_without_a_network_and_everything_is_there(browser, decks, name):
    page, faults = open_deck(browser, decks / f"{name}.html")
    headings = []
    for _, heading in walk(page):
        assert page.evaluate("Reveal.getCurrentSlide().checkVisibility()")
        assert "$" not in page.evaluate("Reveal.getCurrentSlide().innerText")
        headings.append(heading)
    assert all(headings)
    assert len(headings) == slides.length(DECKS[name])[0]
    page.evaluate("document.querySelectorAll('section').forEach(s => { s.hidden = false; s.style.display = 'block'; })")
    assert all(page.evaluate("[...document.querySelectorAll('math')].map(m => m.getBoundingClientRect().width > 5)"))
    assert all(page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)"))
    said = "[...document.querySelectorAll('img, svg[role=img]')].map(image => image.alt ?? image.ariaLabel)"
    for text in page.evaluate(said):
        assert len(text) > 30
        assert "No description" not in text
    played = page.evaluate(
        """Promise.all([...document.querySelectorAll("audio")].map(async player => {
            player.muted = true;
            await player.play();
            await new Promise(resolve => setTimeout(resolve, 300));
            return [player.getAttribute("aria-label"), player.duration, player.currentTime];
        }))"""
    )
    for label, duration, position in played:
        assert label
        assert duration > 0.05  # a missed event may be as short as that
        assert position > 0, f"{label} does not play"
    assert faults == []
    page.context.close()


def test_the_decks_between_them_have_all_kinds_of_contents(decks):
    text = "".join(path.read_text(encoding="utf-8") for path in decks.glob("0*.html"))
    for part in ("<math", "<svg", "<audio", "<table", 'class="fragment', '<aside class="notes"', 'data-timing="'):
        assert part in text, part


@pytest.mark.browser
@pytest.mark.parametrize(("size", "query"), [*((size, "") for size in SIZES), (SIZES[0], "?dark")], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_every_slide_fits(browser, decks, name, size, query):
    page, _ = open_deck(browser, decks / f"{name}.html", size, query)
    found = {}
    for number, heading in walk(page):
        wrong = faults_of_pictures(page, SMALLEST, 1280 / size[0])
        found[f"slide {number}, {heading}"] = page.evaluate(FAULTS) + wrong
    assert {slide: faults for slide, faults in found.items() if faults} == {}
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("query", ["", "?dark"])
def test_every_question_fits_on_a_slide_and_so_does_every_answer(browser, tmp_path, query):
    cells = []
    for name in widgets.quizzes():
        text = f"## {name}\n\nPredict before you read on; a sentence about what is coming stands here as well."
        cells.append(new_markdown_cell(text, metadata={"slideshow": {"slide_type": "slide"}}))
        output = new_output("display_data", {"text/html": widgets.quiz(name).page})
        cells.append(new_code_cell("widgets.quiz()", outputs=[output], metadata={"tags": ["hide-input"]}))
    slides.write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page, faults = open_deck(browser, tmp_path / "deck.html", query=query)
    check = "selector => { Reveal.getCurrentSlide().querySelector(selector).checked = true; }"
    found, letters = {}, "abcd"
    for number, name in walk(page):
        found[name] = page.evaluate(FAULTS)
        for letter in letters[: len(widgets.quizzes()[name]["choices"])]:
            for selector in (f".choice.{letter}", ".confirm"):
                page.evaluate(check, selector)
            found[f"{name}, {letter}"] = page.evaluate(FAULTS)
        if number < 4:  # with the last answer confirmed
            found[f"{name}, to all"] = inaccessible(page, "section.present:not(.stack)")
    assert {what: faults for what, faults in found.items() if faults} == {}
    assert faults == []
    page.context.close()


def tall_picture() -> str:
    """A picture of 1200 x 1440 px, as the source of an image."""
    buffer = io.BytesIO()
    plt.imsave(buffer, np.zeros((1440, 1200)), format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.browser
def test_a_slide_that_does_not_fit_is_found(browser, tmp_path):
    long = new_markdown_cell("## Long\n\n" + "Too much for one slide. " * 80)
    wide = new_markdown_cell(
        "## Wide\n\n<table><tr><td style='white-space: nowrap'>" + "wide " * 100 + "</td></tr></table>"
    )
    small = new_markdown_cell('## Small\n\n<span style="font-size: 12px">fine print</span>')
    scrolling = new_markdown_cell(
        '## Scrolls\n\n<div style="height: 90px; overflow: auto"><p>a</p><p>b</p><p>c</p></div>'
    )
    shrunk = new_markdown_cell(f'## Shrunk\n\n<img alt="a plot twice as tall as a slide" src="{tall_picture()}">')
    fits = new_markdown_cell("## Fits\n\nA sentence.")
    cells = [fits, long, wide, small, scrolling, shrunk]
    for cell in cells:
        cell.metadata.slideshow = {"slide_type": "slide"}
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
    cells.append(new_code_cell("draw()", outputs=[output]))
    for cell in cells[:2]:
        cell.metadata.slideshow = {"slide_type": "slide"}
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
    first = next(cell.source for cell in DECKS["02_yamnet"].cells if slides.kind(cell) == "notes")
    assert re.sub(r"[*`]", "", first) in speaker.inner_text(".speaker-controls-notes")
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
        numbers = slides.length(DECKS[name])
        assert tuple(map(int, row.split()[-2:])) == numbers
        assert "embedded" in row
    assert faults == []
    page.context.close()


@pytest.mark.browser
def test_handout_has_two_slides_a_page(browser, decks, tmp_path):
    deck = tmp_path / "02_yamnet.html"
    deck.write_bytes((decks / deck.name).read_bytes())
    data = slides.write_handout(deck, browser).read_bytes()
    total = slides.length(DECKS["02_yamnet"])[0]
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == (total + 1) // 2
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", data).groups())
    assert (width, height) == (pytest.approx(595, abs=1), pytest.approx(842, abs=1))  # upright A4, in points


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
        cells += [new_markdown_cell(f"## Slide {i}"), new_code_cell("audio.play(...)", outputs=[player])]
        cells[-2].metadata.slideshow = {"slide_type": "slide"}
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


def test_excerpt():
    code = "import a\n\ndef f(x):\n    y = x\n\n    return y\nf(1)"
    assert slides.excerpt(code, "1, 3-4") == "import a\ndef f(x):\n    y = x"
    assert slides.excerpt(code, "4, 6") == "y = x\nreturn y"
    assert slides.excerpt(code, "3, 6-7") == "def f(x):\n    …\n    return y\nf(1)"
    for lines in ("8", "6-8", "0"):
        with pytest.raises(ValueError, match="of a cell of 7 lines"):
            slides.excerpt(code, lines)


def test_long_lines_are_folded_within_brackets():
    line = "answer = function(first_argument, second_argument, " + ", ".join(f"'a, {i}'" for i in range(9)) + ")"
    folded = slides.folded(line)
    assert len(folded.splitlines()) == 2
    assert max(map(len, folded.splitlines())) <= slides.WIDTH
    assert ast.dump(ast.parse(folded)) == ast.dump(ast.parse(line))
    assert slides.folded("short(a, b)") == "short(a, b)"
    text = "print('" + "a, b " * 20 + "')"
    assert slides.folded(text) == text  # not within a string


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


def test_a_widget_becomes_its_picture_and_a_line_that_says_where_to_move_it():
    widget = new_output("display_data", {slides.WIDGET: {"model_id": "x"}, "text/plain": "interactive(...)"})
    picture = new_output("display_data", {"image/png": PIXEL})
    cells = [new_markdown_cell("## The threshold"), new_code_cell("explore()", outputs=[widget, picture])]
    shown = slides.prepare(new_notebook(cells=cells), "04_sound_event_detection").cells[1].outputs
    assert [list(output.data) for output in shown] == [["image/png"], ["text/html"]]
    assert "notebooks/04_sound_event_detection.ipynb" in shown[1].data["text/html"]
    assert "The threshold" in shown[1].data["text/html"]
    for picture in (f'<img alt="a" src="data:image/png;base64,{PIXEL}">', '<svg class="a" aria-label="b"></svg>'):
        page = new_output("display_data", {"text/html": picture})
        cells[1].outputs = [widget, page]
        shown = slides.prepare(new_notebook(cells=cells), "04_sound_event_detection").cells[1].outputs
        assert shown[0] == page
    cells[1].outputs = [widget, new_output("display_data", {"text/html": "<p>no picture</p>"})]
    with pytest.raises(ValueError, match="The threshold: show a picture beside the widget"):
        slides.prepare(new_notebook(cells=cells), "04_sound_event_detection")


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


def test_unchanged_notebooks_are_not_executed_again(course, tmp_path, monkeypatch, capsys):
    deck, ran = tmp_path / "build/slides/01_small.html", "01_small ..."
    course("01_small", "## A heading", "print(6 * 7)")
    assert main(["01"]) == 0  # never executed
    assert ran in capsys.readouterr().out
    course("01_small", "## Another heading", "print(6 * 7)")
    assert main(["01"]) == 0  # the text alone has changed
    assert ran not in capsys.readouterr().out
    assert "Another heading" in deck.read_text(encoding="utf-8")
    assert ">42" in deck.read_text(encoding="utf-8")
    for name, value in (("COURSE_MIRROR", str(tmp_path)), ("COURSE_ASSETS", "embedded")):  # other assets
        monkeypatch.setenv(name, value)
        assert main(["01"]) == 0
        assert ran in capsys.readouterr().out
    course("01_small", "## Another heading", "print(6 * 8)")
    assert main(["01"]) == 0
    assert ran in capsys.readouterr().out
    assert ">48" in deck.read_text(encoding="utf-8")


def test_unknown_deck_is_said(capsys):
    assert main(["--present", "99"]) == 2
    assert "99" in capsys.readouterr().err


def test_wrong_lines_are_said(course, capsys):
    course("01_small", "## A heading", "x = 1", ':lines: "7"\n')
    assert main(["01"]) == 1
    assert "Lines 7 were asked for, of a cell of 1 lines:\nx = 1" in capsys.readouterr().err


def test_present_serves_a_deck(decks):
    code = (
        "import pathlib, webbrowser\n"
        "from makers.slides.__main__ import present\n"
        "webbrowser.open = lambda address: None\n"
        f"present(pathlib.Path({str(decks / '02_yamnet.html')!r}), 0)"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        address = server.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/02_yamnet\.html", address)
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.read() == (decks / "02_yamnet.html").read_bytes()
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("name", NAMES)
def test_one_idea_a_slide(name):
    """Each slide has a heading and no wall of text or code; each section has notes that end with its minutes."""
    for cells in slides.split(DECKS[name].cells):
        assert cells[0].source.startswith("#"), f"a slide without a heading:\n{cells[0].source}"
        notes = [cell.source for cell in cells if slides.kind(cell) == "notes"]
        shown = [cell for cell in cells if slides.kind(cell) != "notes"]
        code = []
        for cell in shown:
            if cell.cell_type == "code" and "hide-input" not in cell.metadata.get("tags", []):
                lines = cell.metadata.slideshow.get("lines", f"1-{len(cell.source.splitlines())}")
                code += [line for line in slides.excerpt(cell.source, lines).splitlines() if line.strip(" …")]
        text = "\n".join(cell.source for cell in shown if cell.cell_type == "markdown")
        words = len(re.sub(r"\$\$.*?\$\$|^\|.*$", "", text, flags=re.DOTALL | re.MULTILINE).split())
        assert len(code) <= 4, f"{len(code)} lines of code:\n" + "\n".join(code)
        assert words <= 80, f"{words} words:\n{text}"
        least = 1 if slides.kind(cells[0]) == "slide" else 0  # other slides may have that of their section
        assert least <= len(notes) <= 1, f"no notes, or twice:\n{cells[0].source}"
        for note in notes:
            assert re.search(r" \(\d+ minutes?\)$", note), note


def test_metadata_are_json_that_nbformat_accepts():
    for notebook in DECKS.values():
        nbformat.validate(notebook)

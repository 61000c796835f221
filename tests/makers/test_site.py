"""The web site, as files and as a browser shows it, with the network refused."""

import html.parser
import re
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import LESSONS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pictures import faults

from makers import site
from makers.site import text


class Tags(html.parser.HTMLParser):
    def __init__(self, page: str):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    handle_startendtag = handle_starttag

    def all(self, *names: str) -> list[dict]:
        return [attributes for tag, attributes in self.found if tag in names]


@pytest.fixture(scope="module")
def parsed(website):
    """The tags of every page, by its path; the decks have tests of their own."""
    paths = [path for path in sorted(website.rglob("*.html")) if path.parent.name not in ("slides", "_static")]
    return {path: Tags(path.read_text(encoding="utf-8")) for path in paths}


def look(browser, path, width=1280, scheme="light", query=""):
    """Open a page from a file; return it and what went wrong on the way."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found = []
    page.on("console", lambda message: found.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))

    def refuse(route):
        found.append(f"asked for {route.request.url}")
        route.abort()

    page.route(re.compile(r"^https?://"), refuse)
    page.goto(path.as_uri() + query)
    return page, found


# --- as files ---


def test_every_link_and_every_picture_leads_somewhere(parsed):
    ids = {path: {a["id"] for _, a in tags.found if a.get("id")} for path, tags in parsed.items()}
    count = 0
    for path, tags in parsed.items():
        links = [
            a[key] for key in ("href", "src") for a in tags.all("a", "link", "script", "img", "audio") if a.get(key)
        ]
        for link in links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "data"):
                assert link in [a.get("href") for a in tags.all("a")] or parts.scheme == "data", f"{path.name}: {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path.name}: {link}"
            if parts.fragment and target in ids:
                assert unquote(parts.fragment) in ids[target], f"{path.name}: {link}"
            count += 1
    assert count > 1000


def test_no_id_stands_twice(parsed):
    for path, tags in parsed.items():
        found = [a["id"] for _, a in tags.found if a.get("id")]
        twice = {name for name in found if found.count(name) > 1}
        assert not twice, f"{path.name}: {twice}"


def test_everything_that_was_promised_is_there(website, parsed):
    names = {path.stem for path in parsed}
    assert names >= {lesson.name for lesson in LESSONS}
    assert names >= {
        "start",
        "learn",
        "teach",
        "inside",
        "help",
        "coming_from",
        "cite",
        "search",
        *site.DOCUMENTS.values(),
    } - {"performance"}
    assert names >= set(site.modules()) == set(site.MODULES.split())
    for module in site.modules():
        page = (website / f"api/{module}.html").read_text(encoding="utf-8")
        assert page.count('<dt class="sig sig-object py"') >= 1, module
        assert ".. py:" not in page
    assert 'Notebook: <a class="reference internal" href="../' in page or "Notebook: all" in page
    for lesson in LESSONS:
        assert (website / f"slides/{lesson.name}.html").is_file()
        assert (website / f"notebooks/{lesson.name}.ipynb").is_file()


def test_a_page_shows_its_pictures_and_no_set_up(website):
    page = (website / "02_yamnet.html").read_text(encoding="utf-8")
    tags = Tags(page)
    assert "No description has been provided" not in page
    pictures = [picture["aria-label"] for picture in tags.all("svg") if picture.get("aria-label")]
    windows, convolution, cut, bars, summaries, dots, taggers, heard, own_sound = pictures
    assert windows.startswith("The scores of five classes in ten windows.")
    assert "every line is one weight" in convolution
    assert " How YAMNet cuts a clip of 4.92 seconds" in cut
    assert "Five seconds of crickets with a single bark" in summaries
    assert " Dots, score: " in dots
    assert re.match(r"The five classes .+\. Scores, highest first: Whistl(e|ing) 0\.\d+, ", bars)
    assert re.search(r"spectrogram of [45](\.\d+)? s: loudest at ", heard)
    assert "in place of PANNs CNN14" in taggers or "CNN14 (" in taggers
    assert re.match(r"Event roll of speech_whistling\w*\.(ogg|wav)\.", own_sound)
    assert "COURSE_UTILS_SPEC" not in page
    assert "Show the code" in (website / "01_audio_tagging.html").read_text(encoding="utf-8")


def test_terms_lead_to_the_glossary_and_say_what_they_mean(parsed):
    pages = {path.stem: tags for path, tags in parsed.items()}
    for lesson in LESSONS:
        terms = [a for a in pages[lesson.name].all("a") if "course-term" in a.get("class", "")]
        assert len(terms) >= min(6, len(lesson.about["terms"]))
        for term in terms:
            assert len(term["data-meaning"]) > 30, term


def test_links_of_the_repository_become_links_of_the_site(monkeypatch, course, tmp_path):
    (tmp_path / "docs/results.md").write_text("# Results\n")
    words = (
        "See [results](docs/results.md#a), [a file](makers/x.py), [the web](https://example.org) and [below](#there)."
    )
    monkeypatch.setattr(site.badges, "address", lambda root=None: None)
    assert site.relinked(words, "README.md") == (
        "See [results](results.md#a), a file, [the web](https://example.org) and [below](#there)."
    )
    monkeypatch.setattr(site.badges, "address", lambda root=None: "someone/course")
    there = f"https://github.com/someone/course/blob/v{site.badges.version()}/makers/x.py"
    assert f"[a file]({there})" in site.relinked(words, "README.md")
    stamped = there.replace("makers/x.py", "docs/glossary.md#hop")  # as a notebook links a term
    assert site.relinked(f"a [hop]({stamped})", "notebooks/x.ipynb") == "a [hop](glossary.md#hop)"
    assert site.relinked("[a](../README.md) [b](glossary.md)", "docs/x.md") == "[a](learn.md) [b](glossary.md)"


def test_sections_of_a_lesson_ask_for_mistakes_once_there_is_an_address():
    from makers.site import conf

    body = '<section id="one-clip">\n<h2>One <em>clip</em><a class="headerlink" href="#one-clip">#</a></h2>'
    assert conf.with_reports(body, "02_yamnet", None) == body
    found = conf.with_reports(body, "02_yamnet", "someone/course")
    assert 'href="https://github.com/someone/course/issues/new?title=02_yamnet%23one-clip"' in found
    assert 'aria-label="Report a mistake in One clip"' in found


def test_only_cells_that_draw_and_do_nothing_else_are_folded():
    picture = [new_output("display_data", {"text/html": '<svg role="img"></svg>'})]
    folded = [
        "ax = plotting.spectrogram(waveform, rate)",
        "fig, (upper, lower) = plt.subplots(2)\nplotting.dot_plot(x, ax=lower)",
        "import matplotlib.pyplot as plt\nplt.plot(x)",
        "rows = sorted(labels)\nplotting.event_roll(events, rows)",
    ]
    shown = ["scores = model(x)\nplotting.bars(scores)", "drawings.show('x')", "plotting.bars(x)\nmodel(x)"]
    cells = [new_code_cell(source, outputs=picture) for source in (*folded, *shown)]
    cells += [new_code_cell("scores.mean()"), new_code_cell("plotting.bars(scores)"), new_markdown_cell("text")]
    assert [cell.source for cell in text.plotting_cells(cells)] == folded


def test_formulas_become_mathml_and_prices_do_not():
    assert text.as_mathml("at $T = 2$ and").startswith(
        'at <math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">'
    )
    assert 'display="block"' in text.as_mathml("$$p_i = \\frac{1}{2}$$")
    for same in ("it costs \\$3 and \\$4", "`$x$`", "from $3 to $ 4", "```\n$PATH and $HOME\n```"):
        assert text.as_mathml(same) == same
    with pytest.raises(ValueError, match="Not a formula"):
        text.as_mathml("$x_{$")


def test_a_page_shows_no_check_of_nothing_and_says_where_a_sound_can_be_tried(website):
    import numpy

    from course_utils import check

    verdicts = [check.top_tags(answer, numpy.zeros((1, 527))) for answer in (..., [1])]
    cells = [
        new_code_cell("check", outputs=[new_output("execute_result", {"text/plain": repr(verdict)})])
        for verdict in verdicts
    ]
    assert [len(cell.outputs) for cell in site.page_of(new_notebook(cells=cells)).cells] == [0, 1]
    for name in ("01_audio_tagging", "04_sound_event_detection"):
        page = (website / f"{name}.html").read_text(encoding="utf-8")
        assert site.TRY_IT in page and "Not yet." not in page


def test_keep_in_mind_is_a_box():
    page = site.page_of(new_notebook(cells=[new_markdown_cell("Text.\n\n> **Keep in mind.** One\n> line.\n\nMore.")]))
    assert page.cells[0].source == "Text.\n\n```{admonition} Keep in mind\nOne\nline.\n```\n\nMore."


# --- in a browser ---

in_a_browser = pytest.mark.browser


IMAGES = """[...document.images].filter(i => i.checkVisibility())
    .map(i => [i.naturalWidth, i.getBoundingClientRect().right, i.alt])"""


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens_offline_and_everybody_can_read_it(browser, parsed, scheme):
    # preload would ask for the style sheets again; what differs in the dark are the colours
    axe, options = Axe(), {"preload": False, "resultTypes": ["violations"]}
    options |= {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    for path in parsed:
        page, found = look(browser, path, scheme=scheme)
        page.wait_for_load_state("load")
        assert page.title()
        result = axe.run(page, options=options)
        assert result.violations_count == 0, f"{path.name}: {result.generate_report()}"
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            for natural, right, alt in page.evaluate(IMAGES):
                assert natural > 0, path.name
                assert right <= width, f"{path.name}: a picture is cut off at {width} px"
                assert "No description" not in alt
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path.name} scrolls sideways"
            if path.stem[:2].isdigit():
                assert page.locator('svg[role="img"][aria-label]').count() >= 3
                assert faults(page, 11) == [], path.name
        assert found == [], path.name
        page.close()


@in_a_browser
def test_search_finds_collar(browser, website):
    page, found = look(browser, website / "search.html", query="?q=collar")
    page.wait_for_function("document.querySelectorAll('#search-results li').length > 2", timeout=20_000)
    links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.textContent)")
    assert links[0] == "Glossary > collar"
    assert "A better detector" in links[1:3]
    assert found == []
    page.close()


@in_a_browser
def test_a_term_is_explained_where_the_mouse_is(browser, website):
    page, _ = look(browser, website / "02_yamnet.html")
    term = page.locator("a.course-term").first
    term.hover()
    page.wait_for_selector(".tooltip.show")
    assert page.inner_text(".tooltip.show").strip() == term.get_attribute("data-meaning")
    page.close()


@in_a_browser
def test_no_traceback_and_no_wall_of_warnings(browser, website):
    for lesson in LESSONS:
        page, _ = look(browser, website / f"{lesson.name}.html")
        assert page.locator(".cell_output .stderr").all_inner_texts() == [], lesson.name
        assert "Traceback (most recent call last)" not in page.inner_text("body")
        page.close()


@in_a_browser
def test_every_clip_decodes_and_plays(browser, website):
    for lesson in LESSONS:
        page, _ = look(browser, website / f"{lesson.name}.html")
        clips = page.evaluate(
            """Promise.all([...document.querySelectorAll("audio")].map(async a => {
                a.muted = true;
                await a.play();
                await new Promise(r => setTimeout(r, 300));
                return [a.duration, a.currentTime, a.getAttribute("aria-label")];
            }))"""
        )
        for duration, position, label in clips:
            assert duration > 0.05  # a missed event may be as short as that
            assert position > 0, f"{lesson.name}: {label} does not play"
            assert label
        page.close()

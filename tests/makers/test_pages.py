"""The pages as a browser shows them, with the network refused. Needs Chromium; where CI runs, nothing may skip."""

import re

import pytest
from pictures import faults
from test_build import pages as written  # noqa: F401

pytestmark = pytest.mark.browser


def look(browser, path, width=1100, scheme="light"):
    """Open a page from a file; return it and what went wrong on the way."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))

    def refuse(route):
        faults.append(f"asked for {route.request.url}")
        route.abort()

    page.route(re.compile(r"^https?://"), refuse)
    page.goto(path.as_uri())
    return page, faults


@pytest.fixture(scope="module")
def pages(written):  # noqa: F811
    """The page of every notebook."""
    return sorted(written.glob("0*.html"))


def test_pages_open_offline_without_a_fault(browser, pages):
    for path in pages:
        page, faults = look(browser, path)
        assert faults == [], path.name
        assert page.title()
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_picture_is_there_and_can_be_read(browser, pages, width, scheme):
    for path in pages:
        page, _ = look(browser, path, width, scheme)
        images = page.evaluate(
            "[...document.images].map(i => [i.naturalWidth, i.getBoundingClientRect().right, i.alt])"
        )
        for natural, right, alt in images:
            assert natural > 0, path.name
            assert right <= width, f"{path.name}: a picture is cut off at {width} px"
            assert len(alt) > 30
            assert "No description" not in alt
        assert page.locator('svg[role="img"]').count() >= 3
        assert faults(page, 11) == [], path.name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{path.name} scrolls sideways"
        page.close()


def test_no_traceback_and_no_wall_of_warnings(browser, pages):
    for path in pages:
        page, _ = look(browser, path)
        stderr = page.locator('[data-mime-type="application/vnd.jupyter.stderr"]')
        assert stderr.all_inner_texts() == [], path.name
        assert "Traceback (most recent call last)" not in page.inner_text("body")
        page.close()


def test_every_clip_decodes_and_plays(browser, pages):
    for path in pages:
        page, _ = look(browser, path)
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
            assert position > 0, f"{path.name}: {label} does not play"
            assert label
        page.close()

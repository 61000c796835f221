"""The widgets' pictures: in the page's font, on its ground, and large enough to be read from the last row."""

import importlib
import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager, ft2font

from course_utils import datasets, widgets
from course_utils.widgets import drawing, explorers, shown
from makers.slides.theme import contrast, mixed

LIGHT, DARK = ("#FFFFFF", "#1A1A1A"), ("#1A1A1A", "#F0F0F0")  # a page and its ink
LABELS = datasets.audioset_labels()["display_name"].to_list()
LONGEST = sorted(LABELS, key=drawing.extent)[-5:]
EVENTS = [("cow", 0.0, 1.5), ("rooster", 3.0, 8.0)]
MODULES = {
    name: importlib.import_module(f"course_utils.widgets.{name}")
    for name in ("embedding_map", "own_classes", "own_sound", "quiz", "sound_input")
}


def detector():
    scores = np.random.default_rng(0).dirichlet(np.full(10, 0.2), 40)
    rolls = {"reference": EVENTS, "system": EVENTS[1:]}
    return explorers._picture(np.arange(40) / 5, scores, list(datasets.ANIMALS), 0.4, rolls, 8.0)


def taggers(labels):
    tags = [(label, 1 / (i + 1)) for i, label in enumerate(labels)]
    return explorers._tags([("EfficientAT mn04, in place of PANNs CNN14", tags), ("YAMNet-mini", tags)], "Tags.")


def map_of_forty():
    module = MODULES["embedding_map"]
    kinds, names = np.repeat(range(10), 4), list(datasets.ANIMALS)
    points = np.random.default_rng(0).uniform((30, 30), (610, 366), (40, 2))
    return module._static(points, kinds, names, module._titles(points, kinds, names), "A map.").page


PICTURES = {
    "event roll": lambda: shown.event_roll({"reference": EVENTS, "system": EVENTS}, ["rooster", "cow"], 8.0),
    "event roll with long names": lambda: shown.event_roll(
        {"YAMNet": [(label, i, i + 1) for i, label in enumerate(LONGEST)]}, LONGEST, 12.0
    ),
    "detector": detector,
    "taggers": lambda: taggers([*LONGEST[:2], "Speech", "Dog", "Siren"]),
    "taggers with long names": lambda: taggers(LONGEST),
    "map": map_of_forty,
}
PAGES = PICTURES | {
    "scores of own sounds": lambda: MODULES["own_classes"]._bars(pd.Series({"clap": 0.9, "knock": 0.1})),
    "question": lambda: widgets.quiz("tags", "a").page,
    "map's script": lambda: MODULES["embedding_map"].SCRIPT + MODULES["embedding_map"].STYLE,
    "recorder's script": lambda: MODULES["sound_input"].SCRIPT + MODULES["sound_input"].STYLE,
    "hint": lambda: MODULES["own_sound"].HINT,
}


def parts_of(svg):
    return [(part.tag.split("}")[1], part.attrib, part.text or "") for part in ElementTree.fromstring(svg).iter()]


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_nothing_is_made_for_one_ground_or_one_font(page):
    page = page()
    assert not re.search(r"#f{3}\b|#f{6}\b|#1a1a1a|\bwhite\b(?!-)|\bblack\b|background:\s*#f", page, re.IGNORECASE)
    assert "font-family" not in page


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_named_and_can_be_read_from_the_last_row(name):
    (_, root, _), *parts = parts_of(PICTURES[name]())
    assert root["role"] == "img"
    assert len(root["aria-label"]) > 3
    assert root["fill"] == "currentColor"
    _, _, width, height = map(float, root["viewBox"].split())
    assert width == 640
    assert height <= 400 or name in ("detector", "taggers with long names")  # which no slide shows with all of these
    sizes = {float(at["font-size"]) for _, at, _ in [("svg", root, ""), *parts] if "font-size" in at}
    assert min(sizes) >= 20
    assert not [at for _, at, _ in parts if "px" in at.get("style", "")]


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_no_text_is_cut_and_none_covers_another(picture):
    (_, root, _), *parts = parts_of(picture())
    height, boxes = float(root["viewBox"].split()[3]), []
    for tag, at, words in parts:
        if tag == "text":
            wide, x, y = drawing.extent(words, bold="font-weight" in at), float(at["x"]), float(at["y"])
            left = x - wide * {"middle": 0.5, "end": 1}.get(at.get("text-anchor"), 0)
            boxes.append((left, y - 15, left + wide, y, words))
    for left, upper, right, lower, words in boxes:
        assert min(left, upper) >= 0, words
        assert right <= 640, words
        assert lower <= height - 4, words
    for a, b in itertools.combinations(boxes, 2):
        assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3], (a, b)


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_two_pictures_on_a_page_share_no_id(picture):
    page = picture() + picture()
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_colours_can_be_seen_on_a_light_page_and_on_a_dark_one():
    for colour in {*drawing.CLASSES, drawing.SYSTEM, drawing.ADDED, drawing.REFERENCE}:
        for page, ink in (LIGHT, DARK):
            assert contrast(colour, page) >= 3, colour
            assert contrast(mixed(ink, colour, 0.6), page) >= 4.5, f"a name in {colour}"
    assert "60%,currentColor" in drawing.ink("#000000")


def test_text_is_never_wider_than_we_reckon():
    for weight in ("normal", "bold"):
        path = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))
        font = font_manager.get_font(path)
        font.set_size(drawing.SIZE, 72)
        for words in [*LABELS, *datasets.ANIMALS, "time (s)", "reference", "0123456789", "a.b-c/d", "WWW @ MMM"]:
            font.set_text(words, 0, flags=ft2font.LoadFlags.NO_HINTING)
            wide = font.get_width_height()[0] / 64
            assert wide <= drawing.extent(words, bold=weight == "bold") < 1.6 * wide + 3, words


def test_long_names_break_into_lines():
    assert drawing.lines("Dog", 300) == ["Dog"]
    assert drawing.lines("", 300) == []
    for label in LABELS:
        broken = drawing.lines(label, 302, 2)
        assert " ".join(broken) == label  # whole, in no more than half of a picture
        assert max(map(drawing.extent, broken)) <= 302
    assert drawing.lines("Livestock, farm animals, working animals", 140) == ["Livestock…"]
    assert drawing.lines("one two three four", 64, 2) == ["one", "two…"]
    assert drawing.lines("Dampfschifffahrtsgesellschaft", 120)[0].endswith("…")


def test_a_hatched_bar_stays_within_its_edges_and_lets_the_page_through():
    for wide, high in ((0.1, 12), (5, 12), (300, 9), (40, 40)):
        bar = ElementTree.fromstring(f"<g>{drawing.bar(100, 50, wide, high, '#0072B2', hatched=True)}</g>")
        assert float(bar[0].get("fill-opacity")) < 0.2
        for x, y, dx, dy in re.findall(r"M([\d.]+) ([\d.]+)l([\d.]+) (-[\d.]+)", bar[1].get("d")):
            x, y, dx, dy = map(float, (x, y, dx, dy))
            assert 100 <= x < x + dx <= 100 + max(2, wide) + 0.1
            assert 50 <= y + dy + 0.1 < y <= 50 + high
    assert "url(" not in ElementTree.tostring(bar, encoding="unicode")


def test_what_is_true_looks_the_same_in_whichever_place_it_comes():
    looks = drawing.look_of(["system", "reference"])
    assert looks == {"system": (drawing.SYSTEM, True), "reference": (drawing.REFERENCE, False)}
    assert drawing.look_of(["truth"]) == {"truth": (drawing.REFERENCE, False)}
    assert len(set(drawing.look_of(["a", "b", "reference"]).values())) == 3

"""The notebooks as committed: clean, of one skeleton, readable as slides. (That they run is nbmake's business.)"""

import itertools
import json
import re

import pytest
from conftest import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NOTEBOOKS = [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in PATHS]
CODE_LINES = 15


def source(cell) -> str:
    return "".join(cell["source"])


def test_there_are_four_and_a_bonus():
    assert [path.stem for path in PATHS] == [
        "01_audio_tagging",
        "02_yamnet",
        "03_transfer_learning",
        "04_sound_event_detection",
        "05_distillation",
    ]


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_no_outputs_and_a_portable_kernel(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_code_cells_are_short_and_led_by_text(notebook):
    cells = notebook["cells"]
    for before, cell in itertools.pairwise(cells):
        if cell["cell_type"] == "code" and "COURSE_UTILS_SPEC" not in source(cell):
            lines = [line for line in source(cell).splitlines() if line.strip()]
            assert len(lines) <= CODE_LINES, f"{len(lines)} lines:\n{source(cell)}"
            assert before["cell_type"] == "markdown" or len(source(before).splitlines()) <= CODE_LINES


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_skeleton(notebook):
    text = [source(cell) for cell in notebook["cells"]]
    assert text[0].startswith("# ")
    assert "<!-- badges -->" in text[0]
    headings = re.findall(r"^## (.+)$", "\n".join(text), re.MULTILINE)
    assert headings[0] == "What you will learn"
    assert headings[-3:] == ["Exercises", "Summary", "References"]
    assert any("**Prerequisites:**" in t and "**Time:**" in t for t in text)
    first_code = [t for cell, t in zip(notebook["cells"], text, strict=True) if cell["cell_type"] == "code"]
    assert "COURSE_UTILS_SPEC" in first_code[0]
    assert "assets.overview(" in first_code[1]


def test_bootstrap_cell_is_the_same_everywhere():
    cells = [source(c) for p in NOTEBOOKS for c in p.values[0]["cells"] if "COURSE_UTILS_SPEC" in source(c)]
    assert len(cells) == len(PATHS)
    assert len(set(cells)) == 1


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_cell_has_slide_metadata(notebook):
    kinds = [cell["metadata"]["slideshow"]["slide_type"] for cell in notebook["cells"]]
    assert set(kinds) <= {"slide", "subslide", "fragment", "skip", "notes", "-"}
    assert kinds[0] == "slide"
    assert kinds.count("slide") >= 10
    for cell, kind in zip(notebook["cells"], kinds, strict=True):
        if kind in ("slide", "subslide") and cell["cell_type"] == "markdown":
            assert source(cell).startswith("#"), "a slide begins with its heading"
        draws = "plotting." in source(cell) or "audio.play(" in source(cell)
        if cell["cell_type"] == "code" and draws and kind != "skip":
            assert "hide-input" in cell["metadata"].get("tags", []), source(cell)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_every_figure_has_a_caption(notebook):
    cells = notebook["cells"]
    for cell, after in itertools.pairwise(cells):
        if cell["cell_type"] == "code" and re.search(r"plotting\.\w+\(", source(cell)):
            assert re.match(r"\*Figure \d+\.", source(after)), source(cell)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_figures_are_numbered_in_order(notebook):
    numbers = re.findall(r"^\*Figure (\d+)\.", "\n".join(source(c) for c in notebook["cells"]), re.MULTILINE)
    assert numbers == [str(i + 1) for i in range(len(numbers))]

"""The notebooks as committed: clean, of one skeleton, readable as slides. (That they run is nbmake's business.)"""

import itertools
import json
import re

import pytest
from conftest import ROOT

from course_utils import widgets
from tools import make_notebooks

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "notebooks/solutions").glob("*.ipynb"))
NOTEBOOKS = [pytest.param(json.loads(path.read_text(encoding="utf-8")), id=path.stem) for path in PATHS]
BOTH = [
    pytest.param(json.loads(path.read_text(encoding="utf-8")), id=f"{path.parent.name}/{path.stem}")
    for path in PATHS + SOLUTIONS
]
CODE_LINES = 15
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")


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
    assert [path.name for path in SOLUTIONS] == [path.name for path in PATHS]


@pytest.mark.parametrize("notebook", BOTH)
def test_no_outputs_and_a_portable_kernel(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}


@pytest.mark.parametrize("notebook", BOTH)
def test_code_cells_are_short_and_text_stands_between(notebook):
    cells = notebook["cells"]
    kinds = "".join("c" if cell["cell_type"] == "code" else "-" for cell in cells)
    assert max(map(len, kinds.split("-"))) <= 4
    for cell in cells:
        if cell["cell_type"] == "code" and "COURSE_UTILS_SPEC" not in source(cell):
            lines = [line for line in source(cell).splitlines() if line.strip()]
            assert len(lines) <= CODE_LINES, f"{len(lines)} lines:\n{source(cell)}"


@pytest.mark.parametrize("notebook", BOTH)
def test_skeleton(notebook):
    text = [source(cell) for cell in notebook["cells"]]
    assert text[0].startswith("# ")
    assert "<!-- badges -->" in text[0]
    headings = re.findall(r"^## (.+)$", "\n".join(text), re.MULTILINE)
    assert headings[0] == "What you will learn"
    assert headings[-3:] == ["Summary", "Expected results", "References"]
    assert any("**Prerequisites:**" in t and "**Time:**" in t for t in text)
    first_code = [t for cell, t in zip(notebook["cells"], text, strict=True) if cell["cell_type"] == "code"]
    assert "COURSE_UTILS_SPEC" in first_code[0]
    assert "assets.overview(" in first_code[1]


def test_bootstrap_cell_is_the_same_everywhere():
    cells = [source(c) for p in BOTH for c in p.values[0]["cells"] if "COURSE_UTILS_SPEC" in source(c)]
    assert len(cells) == len(BOTH)
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


@pytest.mark.parametrize("notebook", BOTH)
def test_terms_link_to_the_glossary_once(notebook):
    terms = {make_notebooks.anchor(term) for term in re.findall(r"^### (.+)$", GLOSSARY, re.MULTILINE)}
    links = re.findall(r"docs/glossary\.md#([\w-]+)\)", "\n".join(source(cell) for cell in notebook["cells"]))
    assert len(links) >= 15
    assert len(links) == len(set(links))
    assert set(links) <= terms


def test_terms_have_the_anchors_that_links_ask_for():
    """GitHub makes them in small letters; JupyterLab keeps capitals, and takes what stands above the heading."""
    for above, term in re.findall(r"(.*)\n\n### (.+)$", GLOSSARY, re.MULTILINE):
        anchor = make_notebooks.anchor(term)
        assert anchor == term.replace(" ", "-") or above == f'<a id="{anchor}"></a>', term


def test_a_term_is_linked_where_it_first_stands_in_the_text():
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [text]}
        for text in (
            "# Clip",
            "## A clip\n`clip` and [a clip](x.md)\n*Figure 1. A clip.* A mel band.",
            "Two **clips**, one clip, eclipse",
        )
    ]
    make_notebooks.link_terms(cells, {"clip": "clip", "clips": "clip", "mel band": "mel-band"}, "g.md")
    assert [source(cell) for cell in cells][1:] == [
        "## A clip\n`clip` and [a clip](x.md)\n*Figure 1. A clip.* A [mel band](g.md#mel-band).",
        "Two **[clips](g.md#clip)**, one clip, eclipse",
    ]
    for aside in (
        "[see `x[0]` clip](a.md)",
        "![alt [x] clip](clip.png)",
        "[ref]: docs/clip.md",
        "~~~\nclip\n~~~",
        "    clip = 1",
        " ## clip",
        "> # clip",
        "<summary>clip</summary>",
        "clip.wav",
        "$clip$",
    ):
        cells = [{"cell_type": "markdown", "metadata": {}, "source": [text]} for text in ("# T", aside)]
        make_notebooks.link_terms(cells, {"clip": "clip"}, "g.md")
        assert source(cells[1]) == aside
    other = [{"cell_type": "markdown", "metadata": {}, "source": [text]} for text in ("# T", "an eclipse, a clip")]
    make_notebooks.link_terms(other, {"clip": "clip"}, "g.md")
    assert source(other[1]) == "an eclipse, a [clip](g.md#clip)"


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_questions_come_before_results(notebook):
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" or "Predict" in source(cell)]
    asked = [i for i, cell in enumerate(cells) if "widgets.quiz(" in source(cell)]
    assert len(asked) >= 2
    for i in asked:
        assert cells[i - 1]["cell_type"] == "markdown", "no line asks to predict"
        assert cells[i + 1]["cell_type"] == "code", "nothing is shown after it"
        assert "widgets.quiz(" not in source(cells[i + 1])


def test_every_question_is_asked():
    text = "".join(path.read_text(encoding="utf-8") for path in PATHS)
    for name in widgets.quizzes():
        assert f'widgets.quiz(\\"{name}\\")' in text, name

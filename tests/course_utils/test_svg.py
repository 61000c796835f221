"""A figure as SVG that stands in a page: real text, no font, no ink, no background, no id twice."""

import base64
import io
import re
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from markupsafe import escape
from PIL import Image
from test_plotting import DRAWINGS, LARGE, TEXT

from course_utils import plotting, svg

PATH = TEXT.replace("text", "path")


def style(part) -> dict:
    return dict(re.findall(r"([\w-]+): ([^;]+)", part.get("style", "")))


@pytest.mark.parametrize(("name", "draw"), [*((k, v[0]) for k, v in DRAWINGS.items()), *LARGE.items()])
def test_as_svg(name, draw):
    """Real text of 20 px in 640, no font, no colour of ink, no background; small; not too high for a slide."""
    with plt.style.context("course_utils.course"):
        ax = draw(None)
        page = svg.as_svg(ax.figure)
    words = escape(svg.in_words(ax))
    assert page.startswith(f'<svg role="img" aria-label="{words}" ')
    assert 'style="max-width:640px;width:100%;height:auto"' in page
    root = ElementTree.fromstring(page)
    width, height = map(float, root.get("viewBox").split()[2:])
    assert width == 460.8
    assert height <= 4.4 * 72
    said = list(root.iter(TEXT))
    assert len(said) > 3
    assert {style(text)["font-size"] for text in said} == {"14.4px"}
    assert all((text.text or "".join(text.itertext())).strip() for text in said)
    for text in said:
        colour, fill = text.get("fill"), style(text)["fill"]
        assert fill == (f"color-mix(in srgb, {colour} 60%, currentColor)" if colour else "currentColor")
        assert colour is None or colour.upper() in plotting.CURVES
    for none in ("#1a1a1a", "#000000", "font-family", "#ffffff", "<?xml", "<!", "metadata", "<style", "xlink", "date"):
        assert none not in page.lower().replace("data:image", "").partition(">")[2], none
    parents = {child: parent.tag for parent in root.iter() for child in parent}
    rects = {parents[e].rpartition("}")[2] for e in root.iter() if e.tag.endswith("rect")}
    assert rects <= {"clipPath"}
    assert len(page) < 150_000
    known, used = set(re.findall(r' id="([^"]+)"', page)), set(re.findall(r'(?:url\(|href=")#([^")]+)', page))
    assert known == used
    assert all(name.startswith("plot-") for name in known)
    legend = ax.get_legend()
    assert legend is None or len(legend.get_texts()) <= 4
    plt.close("all")


def test_a_plot_drawn_by_hand_says_what_is_written_in_it():
    figure, (left, right) = plt.subplots(1, 2)
    left.barh(["dog", "cat"], [1, 2])
    left.set(xlabel="clips", title="Two animals")
    right.text(0, 0, "3 %\nwrong")
    right.text(0, 0, "hidden", visible=False)
    right.axis("off")
    words = "A plot. clips. In it: Two animals, dog, cat, 3 % wrong."
    assert f'aria-label="{words}"' in svg.as_svg(figure)
    plt.close("all")


def test_lines_of_a_text_keep_their_middle_in_another_font():
    figure, ax = plt.subplots(figsize=(6.4, 2), layout="constrained")
    ax.set_xticks([0.5], ["always\nthe mean"])
    ax.text(1, 0.5, "on the\nright", ha="right", va="top")
    ax.text(0, 0.5, "hidden\ntext", visible=False)
    page = svg.as_svg(figure)
    lines = {text.text: text for text in ElementTree.fromstring(page).iter(TEXT) if text.text}
    assert "hidden" not in lines
    for line, anchor in (("always", "middle"), ("the mean", "middle"), ("on the", "end"), ("right", "end")):
        assert style(lines[line])["text-anchor"] == anchor
    place = ax.transData.transform((0.5, 0))[0] * 72 / figure.dpi
    xs = [float(lines[line].get("x")) for line in ("always", "the mean")]
    assert xs == pytest.approx([place, place], abs=0.5)
    assert float(lines["always"].get("y")) < float(lines["the mean"].get("y"))
    assert [label.get_text() for label in ax.get_xticklabels() if label.get_visible()] == ["always\nthe mean"]
    assert figure.texts == []
    assert type(figure.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    assert page == svg.as_svg(figure)
    plt.close("all")


def test_apostrophes_are_those_of_print():
    figure, ax = plt.subplots()
    ax.text(0, 0, "the teacher's 'x'\nit's", color="C0")
    said = "".join(ElementTree.fromstring(svg.as_svg(figure)).itertext())
    assert "the teacher’s 'x'" in said
    assert "it’s" in said
    plt.close("all")


def test_hatches_are_lines_within_their_bars():
    """A pattern would not be drawn where a first copy of the same picture is hidden."""
    names = ["a", "b", "c", "truth"]
    page = svg.as_svg(plotting.event_roll({name: [("dog", 1, 2)] for name in names}, ["dog"], 3).figure)
    assert "<pattern" not in page
    paths = [part for part in ElementTree.fromstring(page).iter(PATH) if part.get("clip-path")]
    for i, colour in enumerate((plotting.CURVES[0], plotting.CURVES[1], plotting.CURVES[3])):
        own = [path.get("d") for path in paths if style(path)["stroke"] == colour.lower()]
        bar, stripes = (np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2) for path in own)
        assert len(stripes) > 2 * (3, 6, 6)[i]
        assert (stripes >= bar.min(axis=0) - 0.02).all()
        assert (stripes <= bar.max(axis=0) + 0.02).all()
        steps = {tuple(np.sign(np.round(b - a, 1))) for a, b in zip(stripes[::2], stripes[1::2], strict=True)}
        assert {tuple(np.abs(step)) for step in steps - {(0, 0)}} == ({(1, 1)}, {(1, 1)}, {(0, 1)})[i]
        assert len(steps - {(0, 0)}) == (1, 2, 1)[i]
    plt.close("all")


@pytest.mark.parametrize("name", ["waveform", "event_roll", "detection", "curves", "dot_plot", "confusion_matrix"])
def test_the_same_picture_is_the_same_svg(name):
    draw, *_ = DRAWINGS[name]
    assert svg.as_svg(draw(None).figure) == svg.as_svg(draw(None).figure)
    plt.close("all")


def test_numbers_are_short_and_text_is_not_touched():
    figure, ax = plt.subplots()
    ax.set_title("0.5000 of <1.23456789>")
    ax.plot([0, 1], [0, 1 / 3])
    page = svg.as_svg(figure)
    assert ">0.5000 of &lt;1.23456789&gt;</text>" in page
    assert not re.search(r"\d\.\d{6}", page.replace("1.23456789", ""))
    assert 'points="' not in page
    plt.close("all")


def test_an_image_keeps_its_pixels():
    """In a palette if it has at most 256 colours and nothing is transparent."""
    values = np.arange(256).reshape(16, 16)
    for shown, mode in ((values, "P"), (np.where(values < 9, np.nan, values), "RGBA")):
        figure, ax = plt.subplots()
        drawn = ax.imshow(shown, interpolation="none")
        found = re.search(r'base64,([^"]+)"', svg.as_svg(figure))[1]
        image = Image.open(io.BytesIO(base64.b64decode(found)))
        assert image.mode == mode
        wanted = drawn.to_rgba(shown, bytes=True)
        assert (np.asarray(image.convert("RGBA")) == wanted)[~np.isnan(shown)].all()
    plt.close("all")


def test_two_pictures_share_no_id():
    ids = [set(re.findall(r' id="([^"]+)"', svg.as_svg(draw(None).figure))) for draw, *_ in DRAWINGS.values()]
    assert len(set.union(*ids)) == sum(map(len, ids)) > len(DRAWINGS)
    same = [svg.as_svg(plotting.top_scores([name], [0.5]).figure) for name in "ab"]
    assert not set(re.findall(r' id="([^"]+)"', same[0])) & set(re.findall(r' id="([^"]+)"', same[1]))
    plt.close("all")


def test_as_svg_leaves_the_figure_as_it_was_and_takes_words_for_one_without():
    figure, ax = plt.subplots(figsize=(3.2, 2), layout="constrained")
    ax.set(xlabel="dog & cat", ylabel="n", yscale="log", ylim=(0.1, 10))
    page = svg.as_svg(figure)
    assert 'aria-label="A plot. n dog &amp; cat"' in page
    assert "max-width:320px" in page
    assert "<tspan" in page
    assert 'aria-label="said &lt;otherwise&gt;"' in svg.as_svg(figure, "said <otherwise>")
    assert all(face.get_facecolor()[3] == 1 for face in (figure.patch, ax.patch))
    plt.close("all")


def test_text_in_a_colour_can_be_read():
    from makers.slides.theme import contrast, mixed

    for colour in plotting.CURVES[:-1]:
        for ink, paper in (("#1A1A1A", "#FFFFFF"), ("#F0F0F0", "#1A1A1A")):
            assert contrast(mixed(colour, ink, 0.4), paper) >= 4.5, (colour, paper)


def test_a_notebook_shows_the_words_with_the_picture(tmp_path, monkeypatch):
    from nbclient import NotebookClient

    first = "import matplotlib.pyplot as plt\nfrom course_utils import plotting\n"
    draw = "plotting.top_scores(['<b>', 'c'], [0.5, 0.1])"
    course, own = "plt.style.use('course_utils.course')", "plt.plot([1, 2])\nplt.xlabel('dog & cat');"
    sources = (
        f"{first}{draw};",
        "plt.plot([1, 2]);",
        f"figure = {draw}.figure\nplt.close()\nfigure",
        f"%config InlineBackend.figure_formats = ['retina']\n{draw};",
        f"{draw}\n{draw};",
        "plt.figure();",
        f"%config InlineBackend.figure_formats = ['svg']\n{draw};",
        "plt.plot([1, 2]);",
        f"{course}\n{own}",
        "plt.figure();",
    )
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="python3", extra_arguments=["--log-level=ERROR"]).execute()
    outputs = [[output.data for output in cell.outputs] for cell in notebook.cells]
    drawn, plain, shown, retina, two, empty, vector, other, styled, nothing = outputs
    words = "Scores, highest first: <b> 0.5, c 0.1."
    for data in (*drawn, *shown, *retina, *two, *vector):
        assert data["text/plain"] == words
        assert set(data) == {"text/plain", "text/html"}
        assert data["text/html"].startswith(f'<svg role="img" aria-label="{escape(words)}" ')
        assert data["text/html"].count("<svg") == 1
    assert [len(cell) for cell in outputs] == [1, 1, 1, 1, 2, 1, 1, 1, 1, 1]
    assert set(plain[0]) == {"text/plain", "image/png"}
    assert set(other[0]) == {"text/plain", "image/svg+xml"}  # as %config has asked for
    assert plain[0]["text/plain"].startswith("<Figure size")
    assert set(empty[0]) == set(nothing[0]) == {"text/plain"}
    assert set(styled[0]) == {"text/plain", "text/html"}  # in the course's style, though nobody has described it
    assert styled[0]["text/html"].startswith('<svg role="img" aria-label="A plot. dog &amp; cat" ')


def test_a_notebook_shows_the_courses_figures_as_svg_and_others_as_it_did(monkeypatch):
    import matplotlib.pyplot as plt

    from course_utils import plotting, svg

    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    plain = plt.figure()
    for figure in (plain, plt.subplots()[0]):
        with pytest.raises(NotImplementedError):
            svg._show(figure)
    with plt.style.context("course_utils.course"):
        ax = plotting.top_scores(["dog"], [0.5])
        svg._show(ax.figure)
    assert shown[0]["text/html"].startswith("<svg")
    assert shown[0]["text/plain"] == "Scores, highest first: dog 0.5."

    class Shell:
        class display_formatter:  # noqa: N801
            class ipython_display_formatter:  # noqa: N801
                for_type_by_name = staticmethod(lambda *given: shown.append(given))

    monkeypatch.setattr("IPython.get_ipython", Shell)
    svg.show_in_notebooks()
    assert shown[-1] == ("matplotlib.figure", "Figure", svg._show)
    plt.close("all")

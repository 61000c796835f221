"""A figure of matplotlib as SVG that stands in a page, in its font and its theme, with what it shows in words."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import sys
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = "course"  # what course.mplstyle calls itself, as svg.hashsalt
IN_A_TAG = "(?=[^<>]*>)"  # so that a text stays as it is, whatever it looks like
AS_IN_A_PAGE = (  # what matplotlib writes, and what stands in a page in its place
    (r"\s+", " "),
    (r"^.*?<svg [^>]*> | ?</svg> $|<defs> <(style|pattern).*?</defs>|<metadata>.*?</metadata>|<!--.*?-->", ""),
    (r'(<(?:g|image)\b[^>]*?) id="[^"]*"', r"\1"),  # which nothing refers to
    (r'<path d="[^"]*" style="fill: none"/>', ""),
    (rf'(?: transform="rotate\(-0[^"<>]*"|font-family: [^;"<>]*;? ?|xlink:(?=href)){IN_A_TAG}', ""),
    (rf'font: [^;"<>]*?([\d.]+px)[^;"<>]*{IN_A_TAG}', r"font-size: \1"),  # so writes matplotlib before 3.11
    (r"<(g|text)[^>]*/>|(?<=>) (?=<)", ""),
    (r"(?<=\w)'(?=\w[^<>]*</t)", "\N{RIGHT SINGLE QUOTATION MARK}"),  # the apostrophe of print, in text
    (rf"#(1a1a1a|000000)\b{IN_A_TAG}", "currentColor"),  # the ink
    (r'<(text|tspan)( style="[^"]*)fill: (#\w{6})', r'<\1 fill="\3"\2fill: color-mix(in srgb, \3 60%, currentColor)'),
)


def in_words(drawing: Axes | Figure) -> str:
    """Return in words what a figure of :mod:`course_utils.plotting`, or one Axes of it, shows; "" for any other.

    Lines that ``axhline`` and ``axvline`` have added, and titles, are named as they are labelled.
    """
    sentences = []
    for ax in drawing.axes if isinstance(drawing.axes, list) else [drawing]:
        words = list(getattr(ax.patch, "words", []))
        for line in ax.lines if words else []:
            points, own = line.get_xydata(), line.get_transform() != ax.transData
            if own and len(points) == 2 and not line.get_label().startswith("_"):
                words += [f"A line at {a:.4g}: {line.get_label()}." for a, b in points.T if a == b]
        title = ax.get_title() or ax.get_title(loc="left")
        sentences += [f"{title}:"] * bool(words and title) + list(dict.fromkeys(words))
    return " ".join(sentences)


def as_svg(figure: Figure, otherwise: str = "") -> str:
    """Return a figure as SVG to stand in a page: its text is real, in the font of the page around it.

    What has the ink of ``course.mplstyle``, or is black, takes the colour of the text around it, and nothing has a
    background, so that the picture suits a light theme and a dark one. Text in a colour is mixed with the ink until
    it can be read. 6.4 in are at most 640 px wide.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, drawn in its own size.
    otherwise : str
        What it shows, for screen readers, where :func:`in_words` has no words for it.

    Returns
    -------
    str
        One ``<svg>`` for HTML, the same whenever the same figure is drawn anew. Its ids begin with a hash of it.
    """
    import matplotlib

    box, words = "standard" if figure.get_layout_engine() else "tight", in_words(figure) or otherwise
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": STYLE, "savefig.bbox": box}), _lines(figure):
        figure.savefig(buffer := io.StringIO(), format="svg", dpi=180, transparent=True)
    svg = _with_lines_for_hatches(buffer.getvalue())
    size = re.sub(r"\d+\.\d{3,}", _short, re.search(r'viewBox="([^"]*)"', svg)[1])
    for found, instead in AS_IN_A_PAGE:
        svg = re.sub(found, instead, svg, flags=re.DOTALL)
    svg = re.sub(rf'(?<=="data:image/png;base64,)[^"<>]+{IN_A_TAG}', _with_a_palette, svg)
    svg = re.sub(rf'="[^"<>]*\d\.\d[^"<>]*"{IN_A_TAG}', lambda given: re.sub(r"\d+\.\d{3,}", _short, given[0]), svg)
    words = words or _as_written(figure)
    unique = f"plot-{hashlib.sha1((words + svg).encode()).hexdigest()[:8]}-"
    svg = re.sub(rf'(?: id="|url\(#|href="#){IN_A_TAG}', rf"\g<0>{unique}", svg)
    page = Markup(
        '<svg role="img" aria-label="{words}"{time} xmlns="http://www.w3.org/2000/svg" viewBox="{size}" '
        'style="max-width:{width}px;width:100%;height:auto" fill="currentColor" stroke-linejoin="round">{svg}</svg>'
    )
    look = {"time": _time_axis(figure), "size": size, "width": round(float(size.split()[2]) / 0.72)}
    return str(page.format(words=words, svg=Markup(svg), **look))  # noqa: S704 - matplotlib has escaped its text


@contextlib.contextmanager
def _lines(figure: Figure) -> Iterator[None]:
    """Write each line of a text of several lines by itself, in its place.

    matplotlib says where such a line begins, and not where its middle is. In the font of the page, it is narrower.
    """
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if "\n" in text.get_text() and text.get_visible()]
    texts = [text for text in texts if not text.get_rotation()]
    engine, written = figure.get_layout_engine(), []
    try:
        if texts:
            figure.canvas.draw()
            figure.set_layout_engine("none")
        for text in texts:
            lines, box = text.get_text().split("\n"), text.get_window_extent()
            x = {"left": box.x0, "right": box.x1}.get(text.get_horizontalalignment(), (box.x0 + box.x1) / 2)
            for n, line in enumerate(lines):
                y = box.y1 - (n + 0.5) * box.height / len(lines)
                look = {"ha": text.get_horizontalalignment(), "va": "center_baseline", "color": text.get_color()}
                place = figure.transFigure.inverted().transform((x, y))
                written.append(figure.text(*place, line, **look, fontproperties=text.get_fontproperties()))
            text.set_visible(False)
        yield
    finally:
        for line in written:
            line.remove()
        for text in texts:
            text.set_visible(True)
        if texts:
            figure.set_layout_engine(engine)


def _as_written(figure: Figure) -> str:
    """Return in words a figure that was drawn by hand: the names of its axes, and what is written at and in them."""
    names, written = [], []
    for ax in figure.axes:
        names += [ax.get_ylabel(), ax.get_xlabel()]
        ticks = [*ax.get_yticklabels(), *ax.get_xticklabels()] if ax.axison else []
        texts = [ax.get_title(), ax.get_title(loc="left"), *(text.get_text() for text in ticks if text.get_visible())]
        texts = [text for text in texts if any(map(str.isalpha, text)) and "$" not in text]  # no numbers of ticks
        written += [*texts, *(text.get_text() for text in ax.texts if text.get_visible())]
    words = " ".join(["A plot.", *dict.fromkeys(filter(None, names))])
    said = [" ".join(text.split()) for text in dict.fromkeys(written) if text.strip()]
    return f"{words.rstrip('.')}. In it: {', '.join(said)}." if said else words


def _time_axis(figure: Figure) -> Markup:
    """Return where 0 s and the end of a time axis are in a figure, in its units, and the seconds there.

    A moving line needs them. A plot that begins later than at 0 has none.
    """
    times = [ax for ax in figure.axes if ax.get_xlabel() == "time (s)"]
    if not times or not figure.get_layout_engine():
        return Markup()
    begin, end = times[-1].get_xlim()
    if begin > 0:
        return Markup()
    place, width = times[-1].get_position(), 72 * figure.get_figwidth()
    zero = place.x0 - begin / (end - begin) * place.width
    return Markup(' data-time="{:.1f} {:.1f} {:.4g}"').format(zero * width, place.x1 * width, end)


def _short(number: re.Match) -> str:
    value = float(number[0])
    return f"{round(value, 2 if value > 1 else 5):g}"


def _with_a_palette(png: re.Match) -> str:
    """Return a PNG, in base64, of at most 256 colours: half as large."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(png[0])))
    if image.getextrema()[-1][0] == 255:  # nothing is transparent
        image = image.convert("RGB").quantize()
    image.save(buffer := io.BytesIO(), format="png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _with_lines_for_hatches(svg: str) -> str:
    """Return matplotlib's SVG with lines in place of the patterns of bars.

    A browser draws no pattern whose first copy stands in a hidden part of the page, and pages do have a picture twice.
    """
    patterns = dict(re.findall(r'<pattern id="(\w+)".*?<path d="([^"]*)"', svg, re.DOTALL))

    def lined(bar: re.Match) -> str:
        outline, clip, pattern, look = bar.groups()
        ends = _points(patterns[pattern]).reshape(-1, 2, 2)
        ways = np.unique(np.sign(ends[:, 1] - ends[:, 0]), axis=0)
        corners = _points(outline)
        lines = np.vstack([_hatch(corners.min(axis=0), corners.max(axis=0), way) for way in ways])
        path = " ".join("M {} {} L {} {}".format(*line) for line in lines)
        bare = f'<path d="{outline}"{clip} style="fill: none{look}"/>'
        return f'{bare}<path d="{path}"{clip} style="fill: none{look}; stroke-width: 2"/>'

    return re.sub(r'<path d="([^"]*)"([^>]*) style="fill: url\(#(\w+)\)([^"]*)"/>', lined, svg)


def _points(path: str) -> np.ndarray:
    return np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2)


def _hatch(low: np.ndarray, high: np.ndarray, way: np.ndarray) -> np.ndarray:
    """Return lines that run this way (x, y) through a rectangle, every 6 points: x and y of both ends."""
    starts = np.arange(-1200, 1200, 6)[:, np.newaxis] * ((1, 0) if way[1] else (0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = np.sort([(low - starts) / way, (high - starts) / way], axis=0)
        first, last = near.max(axis=1, keepdims=True), far.min(axis=1, keepdims=True)
        return np.hstack([starts + first * way, starts + last * way])[(first < last)[:, 0]]


def show_in_notebooks() -> None:
    """Have IPython show the course's figures as :func:`as_svg` draws them, and any other as it did."""
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
        shell.display_formatter.ipython_display_formatter.for_type_by_name("matplotlib.figure", "Figure", _show)


def _show(figure: Figure) -> None:
    import matplotlib
    from IPython.display import display

    words = in_words(figure)
    if not figure.axes or not (words or matplotlib.rcParams["svg.hashsalt"] == STYLE):
        raise NotImplementedError  # so that IPython shows it as any other figure
    display({"text/html": as_svg(figure), "text/plain": words or repr(figure)}, raw=True)

"""One drawing per function: each takes ``ax=None``, draws one thing, and returns the Axes.

Colours and type are those of ``plt.style.use("course_utils.course")``, which the slides share. Each drawing also says
in words what it shows: :func:`in_words` returns them, and a notebook gives them to screen readers with the picture.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import itertools
import re
import sys
import textwrap
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from course_utils import audio
from course_utils.events import Events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

MAGMA = {"origin": "lower", "cmap": "magma"}
PARTS = ("in the first third", "in the middle third", "in the last third")
CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#1A1A1A")
"""Colours of classes and curves, those of ``course.mplstyle``; the last is the ink."""
SVG = "{http://www.w3.org/2000/svg}"
STYLE = "course"  # what course.mplstyle calls itself, as svg.hashsalt
WIDTH, LINE = 6.4, 18.0  # of a picture in inches, and of a line of its text in points
MINUS = "\N{MINUS SIGN}"
HATCHES = ("////", "xxx", "|||", "---")
INK, HERE = re.compile("#(1a1a1a|000000)", re.IGNORECASE), "\N{OBJECT REPLACEMENT CHARACTER}"


def _axes(ax: Axes | None, height: float = 2.6) -> Axes:
    """Return the Axes, or those of a new figure; one that grows becomes as high as a new one."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]
    if getattr(ax.figure, "grows", False):
        ax.figure.set_figheight(height)
    return ax


def in_words(drawing: Axes | Figure) -> str:
    """Return in words what a figure of this module's drawings, or one Axes of it, shows; "" for any other.

    Lines that ``axhline`` and ``axvline`` have added, and titles, are named as they are labelled.
    """
    sentences = []
    for ax in drawing.axes if isinstance(drawing.axes, list) else [drawing]:
        words = [artist.words for artist in [*ax.get_children(), *ax.containers] if hasattr(artist, "words")]
        for line in ax.lines if words else []:
            points, own = line.get_xydata(), line.get_transform() != ax.transData
            if own and len(points) == 2 and not line.get_label().startswith("_"):
                words += [f"A line at {_number(a)}: {line.get_label()}." for a, b in points.T if a == b]
        title = ax.get_title() or ax.get_title(loc="left")
        sentences += [f"{title}:"] * bool(words and title) + words
    return " ".join(sentences)


def as_svg(figure: Figure, otherwise: str = "") -> str:
    """Return a figure as SVG to stand in a page: its text is real, in the font of the page around it.

    What has the ink of ``course.mplstyle``, or is black, takes the colour of the text around it, and
    nothing has a background, so that the picture suits a light theme and a dark one. Text in a colour
    of the palette is mixed with the ink until it can be read. 6.4 in are at most 640 px wide.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, drawn in its own size.
    otherwise : str
        What it shows, for screen readers, where :func:`in_words` has no words for it.

    Returns
    -------
    str
        One ``<svg>`` for HTML, always the same for the same figure. Its ids begin with a hash of it.
    """
    import matplotlib

    for ax in figure.axes:
        _lift_title(ax)
    faces = [figure.patch, *(ax.patch for ax in figure.axes)]
    visible = [face.get_visible() for face in faces]
    look = {"svg.fonttype": "none", "svg.hashsalt": STYLE, "svg.image_inline": True}
    try:
        for face in faces:
            face.set_visible(False)
        look["savefig.bbox"] = "standard" if figure.get_layout_engine() else "tight"
        with matplotlib.rc_context({**look, "hatch.linewidth": 2}):
            figure.draw_without_rendering()  # so that the layout has come to rest
            buffer = io.StringIO()
            about = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            figure.savefig(buffer, format="svg", dpi=180, metadata=about)
    finally:
        for face, shown in zip(faces, visible, strict=True):
            face.set_visible(shown)
    root = ElementTree.fromstring(buffer.getvalue())
    _draw_hatches(root)
    values = " ".join(value for part in root.iter() for value in part.attrib.values())
    found = re.findall(r"(?:url\(|(?<!\S))#([^\s)]+)", values)
    ids = {one: f"{HERE}{i}" for i, one in enumerate(dict.fromkeys(found))}
    content = "".join(_markup(part, ids) for part in root)
    names = [name for ax in figure.axes for name in (ax.get_ylabel(), ax.get_xlabel()) if name]
    words = in_words(figure) or otherwise or " ".join(["A plot.", *dict.fromkeys(names)])
    unique = f"plot-{hashlib.sha1((words + content).encode()).hexdigest()[:8]}-"
    size = _rounded(root.get("viewBox"))
    wide = f"max-width:{round(640 / 72 / WIDTH * float(size.split()[2]))}px"
    return (
        f'<svg role="img" aria-label="{html.escape(words)}" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="{size}" style="{wide};width:100%;height:auto" '
        f'fill="currentColor" stroke-linejoin="round">{content.replace(HERE, unique)}</svg>'
    )


def _draw_hatches(root: ElementTree.Element) -> None:
    """Put lines in place of the patterns of bars.

    A browser draws no pattern whose first copy stands in a hidden part of the page, and pages and
    widgets do have a picture twice.
    """
    patterns = {part.get("id"): part for part in root.iter(f"{SVG}pattern")}
    shapes = [(part, shape) for part in root.iter() for shape in part if shape.tag == f"{SVG}path"]
    for parent, shape in shapes:
        hatch = re.search(r"fill: url\(#(\w+)\)", style := shape.get("style", ""))
        corners = np.array(re.findall(r"-?[\d.]+", shape.get("d")), float).reshape(-1, 2) if hatch else np.empty(0)
        if not hatch or len(np.unique(corners[:, 0])) != 2 or len(np.unique(corners[:, 1])) != 2:
            continue
        lines = patterns[hatch[1]].find(f"{SVG}path")
        slopes = np.array(re.findall(r"-?[\d.]+", lines.get("d")), float).reshape(-1, 4)
        stripes = _stripes(corners.min(axis=0), corners.max(axis=0), {tuple(np.sign(s[2:] - s[:2])) for s in slopes})
        shape.set("style", style.replace(hatch[0], "fill: none"))
        more = {"d": stripes, "style": f"fill: none; {lines.get('style').partition('; ')[2]}"}
        if clip := shape.get("clip-path"):
            more["clip-path"] = clip
        parent.insert(list(parent).index(shape), parent.makeelement(f"{SVG}path", more))
    left = {one for part in root.iter() for one in re.findall(r"url\(#(\w+)\)", part.get("style", ""))}
    for parent in list(root.iter()):
        for pattern in [part for part in parent if part.tag == f"{SVG}pattern" and part.get("id") not in left]:
            parent.remove(pattern)


def _stripes(low: np.ndarray, high: np.ndarray, directions: set[tuple[float, float]], apart: float = 6) -> str:
    """Return the lines of a hatch in a rectangle as a path."""
    (left, top), (right, bottom) = low, high
    path = []
    for across, down in sorted(directions):
        if across * down == 0:
            first, last = (top, bottom) if across else (left, right)
            for at in np.arange(np.ceil(first / apart) * apart, last, apart):
                path.append((left, at, right, at) if across else (at, top, at, bottom))
        elif across * down < 0:  # rising: all points of a line have the same sum
            for at in np.arange(np.ceil((left + top) / apart) * apart, right + bottom, apart):
                x, y = max(left, at - bottom), min(right, at - top)
                path.append((x, at - x, y, at - y))
        else:
            for at in np.arange(np.ceil((left - bottom) / apart) * apart, right - top, apart):
                x, y = max(left, at + top), min(right, at + bottom)
                path.append((x, x - at, y, y - at))
    return " ".join(f"M {a:.2f} {b:.2f} L {c:.2f} {d:.2f}" for a, b, c, d in path)


def _rounded(numbers: str, digits: int = 2) -> str:
    """Return text with its numbers rounded, and a path without the spaces that it can spare."""
    shorter = re.sub(r"-?\d+\.\d+", lambda n: f"{round(float(n[0]), digits) + 0.0:g}", numbers)
    return re.sub(r"\s*([A-DF-Za-df-z])\s*", r"\1", shorter) if numbers.startswith("M") else shorter


def _markup(element: ElementTree.Element, ids: dict[str, str]) -> str:
    """Return an element of matplotlib's SVG as markup, with other ids and what a page needs."""
    kind = element.tag.rpartition("}")[2]
    given = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    look = dict(re.findall(r"([\w-]+):\s*((?:[^;']|'[^']*')+)", given.pop("style", "")))
    if kind in ("metadata", "style") or (kind == "rect" and "none" in (given.get("fill"), look.get("fill"))):
        return ""
    if kind == "image":
        given["href"] = "data:image/png;base64," + _smaller(given["href"].partition(",")[2])
        if min(float(given["width"]), float(given["height"])) < 50 and look:  # what is large is smoothed
            given["style"] = "image-rendering:pixelated"
        given["preserveAspectRatio"], look = "none", {}
    if font := look.pop("font", ""):  # as matplotlib before 3.11 writes it
        parts = {"font-style": r"\b(italic)\b", "font-weight": r"\b(\d00|bold)\b", "font-size": r"([\d.]+)px"}
        look |= {name: found[1] for name, part in parts.items() if (found := re.search(part, font))}
    for unused in ("font-family", "font-stretch"):
        look.pop(unused, None)
    if "font-size" in look:
        look["font-size"] = look["font-size"].removesuffix("px")
    attributes = {**given, **look}
    for name, value in attributes.items():
        value = ids.get(value.removeprefix("#"), "") if name == "id" else value.strip()
        if name == "href" and value.startswith("#"):
            value = f"#{ids[value[1:]]}"
        elif name not in ("href", "style"):
            value = re.sub(r"url\(#(.+?)\)", lambda url: f"url(#{ids[url[1]]})", value)
            value = _rounded(value, 5 if "matrix" in value or "scale" in value else 2)
        attributes[name] = INK.sub("currentColor", value) if name in ("fill", "stroke") else value
    if kind in ("text", "tspan"):
        fill = attributes.get("fill", "").upper()
        if fill == "CURRENTCOLOR":
            del attributes["fill"]  # as all around it
        elif fill in CURVES:
            attributes |= {"fill": fill, "style": f"fill:color-mix(in srgb,{fill} 60%,currentColor)"}
        attributes["transform"] = re.sub(r"rotate\(-?0( [^)]*)?\)", "", attributes.get("transform", "")).strip()
    parts = [html.escape(element.text.strip(), quote=False)] if (element.text or "").strip() else []
    if kind == "text" and len(element) and len({(span.get("style"), span.get("y")) for span in element}) == 1:
        only = element[0]  # a number that mathtext has set letter by letter
        only.text = "".join(span.text for span in element)
        parts.append(_markup(only, ids))
    else:
        parts += [_markup(part, ids) for part in element]
    said = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items() if value)
    inside = "".join(parts)
    if kind in ("g", "defs") and (not inside or not said):
        return f"<defs>{inside}</defs>" if kind == "defs" and inside else inside
    return f"<{kind}{said}>{inside}</{kind}>" if inside else f"<{kind}{said}/>"


def _smaller(data: str) -> str:
    """Return a PNG, both in base64, with a palette if it has at most 256 colours."""
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))
    colours, places = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    image, more = Image.fromarray(pixels), {}
    if len(colours) <= 256:
        image = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette(colours[:, :3].tobytes())
        more = {} if colours[:, 3].min() == 255 else {"transparency": bytes(colours[:, 3])}
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True, **more)
    return base64.b64encode(buffer.getvalue()).decode()


def _name_on_top(ax: Axes, lines: float = 0, side: str = "left") -> None:
    """Write the name of the y axis level and above the axis, where it needs no width.

    It follows when the name changes. It stands so many ``lines`` higher than it need, and begins
    (``left``) or ends (``right``) at the axis.
    """
    from matplotlib.text import Text
    from matplotlib.transforms import ScaledTranslation

    class Name(Text):
        def get_window_extent(self, *args: object, **more: object) -> object:
            self.set_text(ax.get_ylabel())
            return super().get_window_extent(*args, **more)

        def draw(self, renderer: object) -> None:
            self.set_text(ax.get_ylabel())
            super().draw(renderer)

    ax.yaxis.label.set_visible(False)  # it has no height in constrained layout
    for name in [child for child in ax.texts if getattr(child, "on_top", False)]:
        name.remove()
    moved = (-4 / 72 if side == "right" else 0, (4 + lines * LINE) / 72)
    above = ax.transAxes + ScaledTranslation(*moved, ax.figure.dpi_scale_trans)
    look = {"horizontalalignment": side, "verticalalignment": "bottom", "transform": above, "clip_on": False}
    name = ax.add_artist(Name(0, 1, ax.get_ylabel(), **look))
    name.on_top = LINE * (1 + lines)
    _lift_title(ax)


def _lift_title(ax: Axes) -> None:
    """Move the title of the Axes above the name of its y axis."""
    room = max((getattr(text, "on_top", 0) for text in ax.texts), default=0)
    if room and (title := ax.get_title(loc="left")):
        ax.set_title(title, loc="left", pad=6 + room)


def _describe(ax: Axes, artist: object, words: str, **properties: object) -> Axes:
    """Set properties of the Axes, keep the words with the drawing, and have IPython show both."""
    ax.set(**properties)
    if ax.get_xlabel() == "time (s)":
        _few(ax.xaxis, 8)
    if ax.get_ylabel():
        _name_on_top(ax)
    artist.words = words
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
        _show_as_svg(shell.display_formatter.formatters)
    return ax


def _show_as_svg(formatters: dict) -> None:
    """Have IPython show the course's figures as :func:`as_svg` draws them, and any other as it did."""
    import matplotlib
    from matplotlib.figure import Figure

    def ours(figure: Figure) -> bool:
        return bool(in_words(figure)) or matplotlib.rcParams["svg.hashsalt"] == STYLE

    def other(draw: Callable) -> Callable:
        return lambda figure: None if ours(figure) else draw(figure)

    kinds = [formatters[kind] for kind in ("image/png", "image/svg+xml", "image/jpeg")]
    known = [(kind, draw) for kind in kinds if (draw := kind.for_type(Figure))]
    page, plain = formatters["text/html"], formatters["text/plain"]
    if known and not page.for_type(Figure):  # neither twice, nor gone after %config InlineBackend
        for kind, draw in known:
            kind.for_type(Figure, other(draw))
        page.for_type(Figure, lambda figure: as_svg(figure) if ours(figure) and figure.axes else None)
        plain.for_type(Figure, lambda figure, printer, _: printer.text(in_words(figure) or repr(figure)))


def _image(
    ax: Axes, values: np.ndarray, extent: tuple, words: str, bar: tuple[str, Sequence] | None, **look: object
) -> Axes:
    """Draw values, shape (n_rows, n_columns), over time, with a colour bar: its name and ticks."""
    image = ax.imshow(values, aspect="auto", extent=extent, interpolation="none", **look)
    if bar:
        colours = ax.figure.colorbar(image, ax=ax, ticks=bar[1], pad=0.01, aspect=15, fraction=0.1, format=_plain)
        colours.outline.set_visible(False)
        colours.ax.tick_params(length=0)
        for text, side in zip(colours.ax.get_yticklabels()[:: len(bar[1]) - 1], ("bottom", "top"), strict=True):
            text.set_verticalalignment(side)
        above = {"xycoords": "axes fraction", "textcoords": "offset points", "verticalalignment": "bottom"}
        colours.ax.annotate(bar[0], (0, 1), (0, 4), **above)
    return _describe(ax, image, words, xlabel="time (s)")


def _plain(value: float, _: object = None) -> str:
    return f"{value:g}".replace("-", MINUS)


def _few(axis: Axis, ticks: int) -> None:
    """Give an axis at most so many steps between ticks, and numbers without zeros at the end."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(_plain))


def _columns(values: np.ndarray, most: int = 600) -> np.ndarray:
    """Return frames, shape (n_frames, n_bands), or means of neighbours where they are too many."""
    starts = np.unique(np.linspace(0, len(values), min(most, len(values)), endpoint=False).astype(int))
    return np.add.reduceat(values, starts) / np.diff([*starts, len(values)])[:, np.newaxis] if len(values) else values


def _kilohertz(ax: Axes, places: Callable, highest: float) -> Axes:
    ticks = [hertz for hertz in (500, 1000, 2000, 4000, 8000, 16000) if hertz < highest]
    ax.set(yticks=[places(hertz) for hertz in ticks], yticklabels=[f"{hertz / 1000:g}" for hertz in ticks])
    ax.set_ylabel("frequency (kHz)")
    _name_on_top(ax)
    return ax


def _short(names: Iterable, most: int = 18) -> list[str]:
    """Return names, those too long for an axis without their last words, still all different."""
    names = [str(name) for name in names]
    cut = [name if len(name) <= most else f"{textwrap.wrap(name, most - 1)[0].rstrip(' ,(')}…" for name in names]
    return [long if cut.count(short) > 1 else short for long, short in zip(names, cut, strict=True)]


def _value(number: float) -> str:
    """Return a score as it stands beside its bar: two decimals, or a third not to be 0."""
    return f"{number:.{3 if 0 < number < 0.01 else 2}f}"


def _names_above(ax: Axes, places: Sequence[float], names: Iterable[str]) -> None:
    """Write the names of rows inside the Axes, from its left edge."""
    ax.set_yticks(places, list(names), horizontalalignment="left")
    ax.tick_params(axis="y", length=0, pad=-3)


def _values_beside(ax: Axes, places: Iterable[float], values: Iterable[str]) -> None:
    """Write the values of rows in a column at the right, where no line crosses them."""
    look = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "va": "center_baseline"}
    for place, value in zip(places, values, strict=True):
        if "nan" not in value:
            ax.annotate(value, (1, place), (6, 0), **look)


def _spread(wanted: np.ndarray, sizes: np.ndarray, end: float) -> np.ndarray:
    """Return the centres of labels, from 0 to ``end``, side by side and near those wanted.

    Isotonic regression by pooling adjacent violators: M. Ayer and others, Ann. Math. Stat. 26 (1955) 641-647.
    """
    order, places = np.argsort(wanted, kind="stable"), np.empty(len(wanted))
    centres = np.cumsum(sizes[order]) - sizes[order] / 2
    pools: list[list[float]] = []
    for value in wanted[order] - centres:
        pools.append([value])
        while len(pools) > 1 and np.mean(pools[-2]) >= np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    shifts = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools])
    places[order] = np.clip(shifts, min(0, end - sizes.sum()), max(0, end - sizes.sum())) + centres
    return places


def _name_at_ends(ax: Axes, lines: Sequence[tuple[str, float, float, str]]) -> None:
    """Write names at the right of the Axes, each in its colour and next to the y of its line's end.

    ``lines`` are names, x, y and colours. Where the names stand is known only when the Axes has its
    size and its limits.
    """
    from matplotlib.text import Text
    from matplotlib.transforms import ScaledTranslation

    class Name(Text):
        def get_window_extent(self, *args: object, **more: object) -> object:
            place()
            return super().get_window_extent(*args, **more)

        def draw(self, renderer: object) -> None:
            place()
            super().draw(renderer)

    def place() -> None:
        points = 72 / ax.figure.dpi
        ends = ax.transData.transform([(x, y) for _, x, y, _ in lines])[:, 1]
        height = ax.bbox.height * points
        wanted = np.clip((ends - ax.bbox.y0) * points, 0, height)
        sizes = np.array([LINE * (name.get_text().count("\n") + 1) for name in names])
        for name, y in zip(names, _spread(wanted + LINE / 2, sizes, height + LINE) - LINE / 2, strict=True):
            name.set_position((1, y / height))

    beside = ax.transAxes + ScaledTranslation(5 / 72, 0, ax.figure.dpi_scale_trans)
    names = []
    for text, _, _, colour in lines:
        look = {"color": colour, "transform": beside, "clip_on": False, "verticalalignment": "center"}
        lines_of_it = textwrap.wrap(str(text), 15, break_long_words=False)
        names.append(ax.add_artist(Name(1, 0, "\n".join(lines_of_it), linespacing=1.1, **look)))


def _name_line(ax: Axes, x: float, words: str, colour: str) -> None:
    """Write what a vertical line is above it, on the side where there is more room."""
    right = ax.transAxes.inverted().transform(ax.transData.transform((x, 0)))[0] < 0.5
    side = {"horizontalalignment": "left" if right else "right", "verticalalignment": "bottom"}
    where = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
    ax.annotate(words, (x, 1), (-3 if right else 3, 3), color=colour, **where, **side)


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float | np.number) else str(value)


def _seconds(value: float) -> str:
    return f"{round(float(value), 2):g}"


def _listed(items: list[str], most: int = 12) -> str:
    return ", ".join([*items[:most], *[f"and {len(items) - most} more"] * (len(items) > most)]) or "none"


def _ranked(names: Iterable, values: Iterable[float]) -> list[str]:
    pairs = [(value, name) for name, value in zip(names, values, strict=True) if not np.isnan(value)]
    return [f"{name} {value:.3g}" for value, name in sorted(pairs, key=lambda pair: -pair[0])]


def _strongest(levels: np.ndarray, bands: Sequence, hop: float) -> str:
    """Say when levels, shape (n_frames, n_bands), are highest, and in which band by thirds of the time."""
    if not np.ptp(levels):
        return "the same everywhere"
    means = [part.mean(axis=0) for part in np.array_split(levels, 3) if len(part)]
    places = [f"{bands[m.argmax()] if np.ptp(m) else 'none'} {where}" for m, where in zip(means, PARTS, strict=False)]
    return f"loudest at {_seconds(levels.mean(axis=1).argmax() * hop)} s; strongest band {_listed(places)}"


def _way(name: str, values: pd.Series) -> str:
    """Say how the values of a Series go over its index: from where to where, by way of the highest and the lowest."""
    x, y = values.dropna().index, values.dropna().to_numpy()
    if not len(y):
        return f"{name} has no values"

    def point(i: int) -> str:
        which = "its highest " if y[i] == y.max() else "its lowest " if y[i] == y.min() else ""
        return f"{which}{y[i]:.3g} at {_number(x[i])}"

    if y.min() == y.max():
        return f"{name} is {y[0]:.3g} throughout"
    legs = [f"starts at {point(0)}"]
    for a, b in itertools.pairwise(sorted({0, y.argmin(), y.argmax(), len(y) - 1})):
        legs.append(f"{'rises to' if y[b] > y[a] else 'falls to' if y[b] < y[a] else 'ends at'} {point(b)}")
    return f"{name} {', '.join(legs)}"


def waveform(samples: np.ndarray, sample_rate: int, ax: Axes | None = None) -> Axes:
    """Draw a waveform, shape (n_samples,), over time in seconds; integers are refused with a TypeError.

    Of more than 1,200 samples it draws the highest and the lowest in each of 600 pieces.

    Notebook: 01_audio_tagging
    """
    samples, ax = audio.floating(samples), _axes(ax, height=1.9)
    duration, size = len(samples) / sample_rate, np.abs(samples)
    drawn = _envelope(ax, samples, np.arange(len(samples)) / sample_rate)
    words = "silence"
    if size.any():
        peak, levels = size.argmax(), [np.mean(part**2.0) for part in np.array_split(size, 3) if len(part)]
        words = f"the largest amplitude, {size[peak]:.2g}, is at {_seconds(peak / sample_rate)} s"
        words += f"; the level is highest {PARTS[np.argmax(levels)]}"
    words = f"Waveform of {_seconds(duration)} s: {words}."
    _few(ax.yaxis, 3)
    return _describe(ax, drawn, words, xlabel="time (s)", ylabel="amplitude", xlim=(0, duration))


def _envelope(ax: Axes, values: np.ndarray, x: np.ndarray) -> object:
    """Draw values as a line; if they are many, the area from the lowest to the highest nearby."""
    if len(values) <= 1200:
        return ax.plot(x, values, color=CURVES[0], linewidth=0.8)[0]
    starts = np.linspace(0, len(values), 600, endpoint=False).astype(int)
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    return ax.fill_between(x[starts], low, high, color=CURVES[0], linewidth=0.6)


def spectrogram(samples: np.ndarray, sample_rate: int, ax: Axes | None = None) -> Axes:
    """Draw a mel spectrogram (128 bands) of a waveform, in dB below its maximum.

    Notebook: 01_audio_tagging
    """
    import librosa

    hop = sample_rate // 100
    power = librosa.feature.melspectrogram(y=samples, sr=sample_rate, hop_length=hop, n_fft=4 * hop, n_mels=128)
    levels = librosa.power_to_db(_columns(power.T).T, ref=np.max, top_db=70)
    bands, end = librosa.mel_frequencies(n_mels=128, fmax=sample_rate / 2), len(samples) / sample_rate
    strongest = _strongest(power.T, _named_bands(bands), hop / sample_rate)
    words = f"Mel spectrogram of {_seconds(end)} s: {strongest}."
    extent = (0, power.shape[1] * hop / sample_rate, 0, 128)
    ax = _image(_axes(ax), levels, extent, words, ("dB", (-70, -35, 0)), **MAGMA)
    ax.set_xlim(0, end)
    return _kilohertz(ax, lambda hertz: np.interp(hertz, bands, np.arange(128)), sample_rate / 2)


def log_mel(spectrogram: np.ndarray, hop: float = 0.01, ax: Axes | None = None) -> Axes:
    """Draw YAMNet's log-mel spectrogram, shape (n_frames, 64), a frame every ``hop`` seconds.

    The y axis counts the bands, from 0 to 63, and names their frequencies.

    Notebook: 02_yamnet, 04_sound_event_detection, 07_distillation
    """
    values, seconds = np.asarray(spectrogram), len(spectrogram) * hop
    ends = _mel(np.array([125.0, 7500.0]))  # YAMNet's bands are equally wide in mel
    centres = 700 * (10 ** (np.linspace(*ends, 66)[1:-1] / 2595) - 1)
    strongest = _strongest(np.exp(values), _named_bands(centres), hop)  # of magnitudes, not of their logarithms
    words = f"Log-mel spectrogram of {_seconds(seconds)} s: {strongest}."
    ax = _image(_axes(ax), _columns(values).T, (0, seconds, -0.5, 63.5), words, None, **MAGMA)
    return _kilohertz(ax, lambda hertz: 65 * (_mel(hertz) - ends[0]) / np.ptp(ends) - 1, 7500)


def _mel(hertz: np.ndarray | float) -> np.ndarray | float:
    return 2595 * np.log10(1 + hertz / 700)


def _named_bands(hertz: Iterable[float]) -> list[str]:
    return [f"{one / 1000:.2g} kHz" for one in hertz]


def top_scores(labels: Sequence[str], scores: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw scores in [0, 1] as horizontal bars, the highest on top, each below its name.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 07_distillation
    """
    labels, scores = [str(label) for label in labels], np.asarray(scores, float)
    ax, order = _axes(ax, height=0.65 + 0.49 * len(labels)), np.argsort(-scores, kind="stable")
    names, values, rows = [labels[i] for i in order], scores[order], np.arange(len(labels))
    bars = ax.barh(rows + 0.24, values, height=0.3, color=CURVES[0])
    ax.bar_label(bars, [_value(value) for value in values], padding=4)
    room = int(72 * ax.bbox.width / ax.figure.dpi / 7)  # about as many letters
    _names_above(ax, rows - 0.23, _short(names, max(18, room)))
    words = f"Scores, highest first: {_listed(_ranked(names, values))}."
    _few(ax.xaxis, 5)
    return _describe(ax, bars, words, xlabel="score", xlim=(0, _end(values)), ylim=(len(names) - 0.48, -0.5))


def _end(values: np.ndarray) -> float:
    """Return where an axis from 0 ends: a round number a little above the highest value."""
    highest = np.nanmax(values, initial=0.001)
    step = 10 ** np.floor(np.log10(highest))
    return float(next(n * step for n in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if n * step >= highest))


def scores_over_time(
    scores: np.ndarray, labels: Sequence[str], hop: float, ax: Axes | None = None, offset: float = 0.0
) -> Axes:
    """Draw the scores of a few classes over time as an image.

    Notebook: 01_audio_tagging, 02_yamnet, 04_sound_event_detection

    Parameters
    ----------
    scores : ndarray, shape (n_frames, n_labels)
        Scores in [0, 1].
    labels : sequence of str
        Names of the columns, the first drawn on top.
    hop : float
        Seconds from one frame to the next.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    offset : float
        Time in seconds at which the picture's first column begins.
    """
    scores, labels, peaks = np.asarray(scores), list(labels), []
    for column in np.argsort(-scores.max(axis=0, initial=0), kind="stable"):
        values = scores[:, column]
        active = np.r_[False, values > values.max(initial=0) / 2, False]
        edges = [_seconds(offset + i * hop) for i in np.flatnonzero(np.diff(active))]
        spans = [f"{start} to {end}" for start, end in zip(edges[::2], edges[1::2], strict=True)]
        when = _listed(spans) if len(spans) < 3 else f"{len(spans)} times from {edges[0]} to {edges[-1]}"
        peaks.append(f"{labels[column]} {values.max(initial=0):.3g} ({when})")
    words = f"Highest score by class, and in seconds when it is over half of that: {_listed(peaks, 6)}."
    extent = (offset, offset + len(scores) * hop, len(labels) - 0.5, -0.5)
    look = {"cmap": "cividis", "vmin": 0, "vmax": 1}
    ax = _axes(ax, height=0.8 + 0.3 * len(labels))
    ax.set_yticks(range(len(labels)), _short(labels))
    ax.tick_params(axis="y", length=0)
    starts = np.unique(np.linspace(0, len(scores), min(400, len(scores)), endpoint=False).astype(int))
    seen = np.maximum.reduceat(scores, starts) if len(scores) else scores  # no peak is lost between the pixels
    return _image(ax, seen.T, extent, words, ("score", (0, 0.5, 1)), **look)


def embedding(vector: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the values of one embedding, shape (n_dimensions,), in their order.

    Notebook: 01_audio_tagging
    """
    ax, vector = _axes(ax, height=2.0), np.asarray(vector)
    drawn = _envelope(ax, vector, np.arange(len(vector)))
    highest = f"the highest, {np.max(vector):.3g}, is dimension {np.argmax(vector)}"
    words = f"Embedding of {len(vector)} values: {np.mean(vector == 0):.0%} are 0; {highest}."
    _few(ax.yaxis, 4)
    return _describe(ax, drawn, words, xlabel="dimension", ylabel="value", xlim=(0, len(vector)))


def histogram(
    values: Sequence[float], *, bins: int | Sequence[float], xlabel: str, ylabel: str = "events", ax: Axes | None = None
) -> Axes:
    """Draw how many of the values lie in each bin.

    Parameters
    ----------
    values : array_like, shape (n_values,)
        What is counted; NaN is left out.
    bins : int or sequence of float
        Number of bins, or their edges.
    xlabel, ylabel : str
        What the values are, and what there are so many of.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    """
    ax, values = _axes(ax, height=2.4), np.asarray(values, float)
    values = values[~np.isnan(values)]
    counts, edges, bars = ax.hist(values, bins=bins, color=CURVES[0], rwidth=0.9)
    _few(ax.xaxis, 6)
    _few(ax.yaxis, 4)
    words = f"Histogram of {len(values)} {ylabel} by {xlabel}: no values."
    if len(values):
        i = counts.argmax()
        most = f"most, {counts[i]:g}, from {edges[i]:.3g} to {edges[i + 1]:.3g}"
        rest = f"half of them are below {np.median(values):.3g}, all from {values.min():.3g} to {values.max():.3g}"
        words = f"Histogram of {len(values)} {ylabel} by {xlabel}: {most}; {rest}."
    return _describe(ax, bars, words, xlabel=xlabel, ylabel=ylabel)


def curves(
    table: pd.DataFrame,
    ax: Axes | None = None,
    ylabel: str = "",
    yerr: Sequence | None = None,
    thin: Sequence = (),
    levels: Mapping[str, float] | None = None,
    at: tuple[float, str] | None = None,
) -> Axes:
    """Draw the columns of a table as curves over its index, each with its name at its end.

    They are told apart by colour, marker and line style.

    Notebook: 04_sound_event_detection, 05_how_sure, 06_better_detector

    Parameters
    ----------
    table : pandas.DataFrame
        A curve a column; the name of the index is the label of the x axis.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    ylabel : str
        What the values are.
    yerr : array_like, shape (n_rows,), optional
        Length of the error bars to either side of each value, the same for every column that is not thin.
    thin : sequence
        Columns to draw thin, in the colour of the last of the others, without error bars or a name.
    levels : dict of str to float, optional
        Values to compare with, each a horizontal line with its name.
    at : tuple of (float, str), optional
        A place on the x axis and what it is: a vertical line with these words.

    Raises
    ------
    ValueError
        If every column is thin or there is none, or if more than six are to be named.
    """
    names, levels = [name for name in table if name not in set(thin)], levels or {}
    if not names:
        raise ValueError("There is no curve to draw: every column is thin, or the table has none.")
    if len(names) + len(levels) > 6:
        more = f"{len(names) + len(levels)} curves are too many to tell apart; six are the most."
        raise ValueError(f"{more} Leave some out, or draw them thin: thin=[...].")
    ax, every = _axes(ax, height=2.9), 1 + len(table) // 25
    ends = []
    for i, name in enumerate(names):
        look = {"color": CURVES[i], "marker": "os^Dv"[i % 5], "linestyle": ("-", "--", ":", "-.")[i % 4]}
        drawn = ax.errorbar(table.index, table[name], yerr, label=name, capsize=4, markevery=every, **look)
        if len(known := table[name].dropna()):
            ends.append((name, known.index[-1], known.iloc[-1], CURVES[i]))
    look = {"color": CURVES[len(names) - 1], "alpha": 0.4, "linewidth": 1, "zorder": 1}
    ax.plot(table.index, table[list(thin)], **look)
    for i, (name, value) in enumerate(levels.items()):
        look = {"color": CURVES[-1], "linestyle": ("--", ":", "-.")[i % 3], "linewidth": 1.2, "zorder": 1}
        ax.axhline(value, label=name, **look)
        ends.append((name, table.index[0], value, CURVES[-1]))
    _name_at_ends(ax, ends)
    _few(ax.yaxis, 5)
    ways = "; ".join(_way(name, table[name]) for name in names)
    words = f"{ylabel or 'Curves'} over {table.index.name or 'their index'}: {ways}."
    if yerr is not None:
        words += f" Error bars reach {np.min(yerr):.2g} to {np.max(yerr):.2g} to either side."
    if len(thin):
        words += f" Thin lines, each at its highest: {_listed(_ranked(thin, table[list(thin)].max()))}."
    _describe(ax, drawn, words, xlabel=table.index.name or "", ylabel=ylabel)
    if at:
        ax.axvline(at[0], color=CURVES[-1], linewidth=1, label=at[1], zorder=1)
        _name_line(ax, *at, CURVES[-1])
        _name_on_top(ax, lines=1)
    return ax


def learning_curves(history: object, measure: str = "loss", ax: Axes | None = None) -> Axes:
    """Draw a measure of training, and of validation if there was one, by epoch, from what Keras' ``fit`` returns.

    Notebook: 03_transfer_learning, 07_distillation
    """
    import pandas as pd

    if measure not in history.history:
        raise KeyError(f"{measure!r} was not measured; there are {', '.join(history.history)}.")
    keys = {"training": measure, "validation": f"val_{measure}"}
    known = {name: pd.Series(history.history[key]) for name, key in keys.items() if key in history.history}
    table = pd.DataFrame(known).rename(index=lambda i: i + 1).rename_axis("epoch")
    ax = curves(table, _axes(ax, height=2.4), ylabel=measure)
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def class_bars(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw accuracy by class, the highest on top, and the average as a line.

    ``table`` is as :func:`course_utils.evaluation.class_accuracy` returns it. If it has columns ``from`` and ``to``,
    they are drawn as intervals.

    Notebook: 03_transfer_learning
    """
    classes, average = table.drop(index="average"), table.loc["average", "accuracy"]
    classes = classes.sort_values("accuracy", ascending=False, kind="stable")
    ax, values = _axes(ax, height=0.95 + 0.285 * len(classes)), classes["accuracy"].to_numpy(float)
    bars = ax.barh(_short(classes.index), values, height=0.62, color=CURVES[0])
    ends = values
    if {"from", "to"} <= set(classes):
        low, ends = classes["from"].to_numpy(float), classes["to"].to_numpy(float)
        ax.hlines(range(len(classes)), low, ends, color=CURVES[-1], linewidth=1.5)
    _values_beside(ax, range(len(classes)), [f"{value:.2f}" for value in values])
    ax.tick_params(axis="y", length=0)
    _few(ax.xaxis, 5)
    words = f"Accuracy by class, highest first: {_listed(_ranked(classes.index, values))}."
    limits = {"xlim": (0, _end(np.r_[values, ends, average])), "ylim": (len(classes) - 0.5, -0.5)}
    _describe(ax, bars, words, xlabel="accuracy", **limits)
    name = f"average {average:.2f}"
    ax.axvline(average, color=CURVES[1], linestyle="--", label=name)
    _name_line(ax, average, name, CURVES[1])
    return ax


def confusion_matrix(matrix: pd.DataFrame | np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw counts by true class (rows) and predicted class (columns); cells of 0 stay empty.

    Notebook: 03_transfer_learning
    """
    import pandas as pd
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    table = pd.DataFrame(matrix)
    ax, counts, size = _axes(ax, height=min(4.3, 1.4 + 0.29 * len(table))), table.to_numpy(), len(table)
    cells, fills = [], []
    for row, column in np.argwhere(counts):
        share = counts[row, column] / counts.max()
        cells.append(Rectangle((column - 0.5, row - 0.5), 1, 1))
        fills.append(to_rgba(CURVES[int(row != column)], 0.2 + 0.3 * share))
        ax.text(column, row, f"{counts[row, column]:g}", ha="center", va="center_baseline")
    drawn = ax.add_collection(PatchCollection(cells, facecolors=fills, edgecolors="none"))
    columns = _short(table.columns)
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(size), columns, **turned if max(map(len, columns), default=0) * size > 38 else {})
    ax.set_yticks(range(size), _short(table.index))
    ax.tick_params(length=0)
    ax.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    ax.grid(which="minor")
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)
    pairs = [(n, a != b and f"{a} taken for {b} {n}") for (a, b), n in table.T.unstack().items()]
    right = sum(n for n, error in pairs if not error)
    errors = [error for n, error in sorted(pairs, key=lambda pair: -pair[0]) if n and error]
    words = f"{right} of {sum(n for n, _ in pairs)} are on the diagonal. Errors: {_listed(errors, 6)}."
    limits = {"xlim": (-0.5, size - 0.5), "ylim": (size - 0.5, -0.5)}
    _describe(ax, drawn, words, xlabel="predicted class", ylabel="true class", **limits)
    _name_on_top(ax, side="right")
    return ax


def dot_plot(
    table: pd.DataFrame | pd.Series,
    *,
    low: pd.DataFrame | pd.Series | None = None,
    high: pd.DataFrame | pd.Series | None = None,
    xlabel: str = "",
    ax: Axes | None = None,
    sort: bool = True,
    baseline: tuple[float, str] | None = None,
    zero: bool = False,
) -> Axes:
    """Draw a table as dots: a line for each row, a colour and a marker for each column.

    Values on both sides of 0 get a line at 0. The values of a table of one column are written beside
    their dots.

    Parameters
    ----------
    table : pandas.DataFrame or Series, shape (n_rows, n_columns)
        At most four columns. The index has the names of the rows; a missing value has no dot.
    low, high : pandas.DataFrame or Series, optional
        The ends of an interval of each value, drawn as a line: the rows and the shape of ``table``.
    xlabel : str
        What the values are.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    sort : bool
        Whether the row with the highest value in the first column comes first; otherwise they keep
        their order.
    baseline : tuple of (float, str), optional
        A value to compare with and what it is: a vertical line with these words.
    zero : bool
        Whether the axis begins at 0.

    Raises
    ------
    ValueError
        If the table is empty or has more than four columns, or the intervals aren't those of its
        values.
    """
    import pandas as pd
    from matplotlib.transforms import ScaledTranslation

    table, low, high = (pd.DataFrame(given) if given is not None else None for given in (table, low, high))
    if not table.size:
        raise ValueError("There is nothing to draw: the table has no rows, or no columns.")
    if table.shape[1] > 4:
        wide = f"{table.shape[1]} columns are too many for one picture; four are the most."
        raise ValueError(f"{wide} Choose some, dot_plot(table[[...]]), or turn the table: dot_plot(table.T).")
    if (low is None) != (high is None):
        raise ValueError("An interval has two ends: give both low and high, or neither.")
    if low is not None and not all(
        one.shape == table.shape and list(one.index) == list(table.index) for one in (low, high)
    ):
        shapes = f"{table.shape}, {low.shape} and {high.shape}"
        raise ValueError(f"low and high need the rows and the shape of the table; the shapes are {shapes}.")
    if sort:
        order = np.argsort(-table.iloc[:, 0].to_numpy(float), kind="stable")
        table, low, high = (one.iloc[order] if one is not None else None for one in (table, low, high))
    names = [", ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in table.index]
    values = table.to_numpy(float)
    ends = np.array([values, values] if low is None else [low.to_numpy(float), high.to_numpy(float)])
    n_rows, n_columns = values.shape
    above, step = max(map(len, names)) > 14, 11 if low is not None else 0
    band = step * (n_columns - 1)  # of the dots of a row, in points, as the y axis counts
    pitch = band + (36 if above else 15 if band else 21)
    first = (24 if above else (pitch - band) / 2) + pitch * np.arange(n_rows)
    top = LINE * ((n_columns > 1) + (baseline is not None))
    ax = _axes(ax, height=(pitch * n_rows + top + 28 + LINE * bool(xlabel)) / 72)
    marks, shifts = [], _apart(values) if low is None else np.zeros_like(values)
    for i, name in enumerate(table):
        y, look = first + step * i + shifts[:, i], {"color": CURVES[i], "linestyle": "none", "clip_on": False}
        ax.hlines(y, *ends[..., i], color=CURVES[i], linewidth=2)
        marks += ax.plot(values[:, i], y, "os^D"[i], markersize=8, label=str(name), **look)
    reach = np.r_[ends.ravel(), values.ravel(), [0] * zero, [baseline[0]] if baseline else []]
    lowest, highest = np.nanmin(reach), np.nanmax(reach)
    room = 0.04 * (highest - lowest or abs(highest) or 1)
    limits = (lowest - room if lowest < 0 else 0 if zero else max(0, lowest - room), highest + room)
    if n_columns == 1:
        digits = f"{'+' if lowest < 0 else ''}.{2 if np.nanmax(np.abs(values)) >= 0.1 else 3}f"
        _values_beside(ax, first, [format(value, digits).replace("-", MINUS) for value in values[:, 0]])
    if above:
        _names_above(ax, first - 16, names)
    else:
        ax.set_yticks(first + band / 2, names)
        ax.tick_params(axis="y", length=0)
    if low is None:
        across = {"transform": ax.get_yaxis_transform(), "color": CURVES[-1], "alpha": 0.25, "linewidth": 0.8}
        ax.hlines(first + band / 2, 0, 1, zorder=0, **across)
    _few(ax.xaxis, 5)
    words = f"Dots, {xlabel or 'values'}: {_listed(_dotted(names, table, ends if low is not None else None), 12)}."
    if baseline:
        words += f" A line at {_number(baseline[0])}: {baseline[1]}."
    _describe(ax, marks[0], words, xlabel=xlabel, xlim=limits, ylim=(pitch * n_rows, 0))
    if baseline or lowest < 0 < highest:
        span = (first - 7, first + band + 8) if above else ([0], [pitch * n_rows])  # not through the names
        x = np.full(len(span[0]), baseline[0] if baseline else 0)
        ax.vlines(x, *span, color=CURVES[-1], linewidth=1, zorder=0.5)
    if baseline:
        _name_line(ax, *baseline, CURVES[-1])
    if n_columns > 1:
        higher = ScaledTranslation(0, LINE / 72 * (baseline is not None), ax.figure.dpi_scale_trans)
        place = {"loc": "lower left", "bbox_to_anchor": (0, 1), "bbox_transform": ax.transAxes + higher}
        columns = n_columns if sum(len(str(name)) + 4 for name in table) < 50 else 2
        ax.legend(handles=marks, ncols=columns, labelcolor="linecolor", handlelength=0.8, **place)
    return ax


def _apart(values: np.ndarray, step: float = 5) -> np.ndarray:
    """Return how many points to move dots down, in rows where two would cover each other."""
    near = 0.03 * np.ptp(values[~np.isnan(values)])
    close = (np.diff(np.sort(values, axis=1), axis=1) < near).any(axis=1)
    return close[:, np.newaxis] * step * (np.arange(values.shape[1]) - (values.shape[1] - 1) / 2)


def _dotted(names: Sequence[str], table: pd.DataFrame, ends: np.ndarray | None) -> list[str]:
    """Say the values of each row of a dot plot, with their intervals if there are any."""
    rows = []
    for i, name in enumerate(names):
        said = []
        for j, column in enumerate(table):
            if not np.isnan(value := float(table.iloc[i, j])):
                words = f"{column} {value:.3g}" if table.shape[1] > 1 else f"{value:.3g}"
                said.append(words if ends is None else f"{words} ({ends[0, i, j]:.3g} to {ends[1, i, j]:.3g})")
        rows.append(f"{name} {'; '.join(said) or 'none'}")
    return rows


def event_roll(rolls: dict[str, Iterable], classes: Sequence[str], duration: float, ax: Axes | None = None) -> Axes:
    """Draw lists of events on one time axis, one row a class, the lists above each other within the row.

    A list called ``"reference"`` or ``"truth"`` is green and plain, the others have hatches and other colours.

    Notebook: 01_audio_tagging, 04_sound_event_detection, 06_better_detector

    Parameters
    ----------
    rolls : dict of str to pandas.DataFrame, Events or list of (str, float, float)
        Name of each list (for instance ``"reference"`` and ``"system"``) and its events: ``label``, ``onset`` and
        ``offset`` in seconds, as :meth:`course_utils.events.Events.of` takes them. At most four.
    classes : sequence of str
        The rows, the first on top.
    duration : float
        Length of the time axis in seconds.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Raises
    ------
    ValueError
        If there are more than four lists, or a list holds something that is no event.
    """
    from matplotlib.patches import Patch

    if len(rolls) > 4:
        raise ValueError(f"{len(rolls)} lists of events are too many for one picture. Draw at most four.")
    rolls, classes = {name: zip(*Events.of(given), strict=True) for name, given in rolls.items()}, list(classes)
    ax = _axes(ax, height=0.95 + max(0.3, 0.17 * len(rolls)) * len(classes))
    height, marks, others = 0.8 / len(rolls), [], 0
    for i, (name, given) in enumerate(rolls.items()):
        found = [event for event in given if event[0] in classes]
        true = name in ("reference", "truth")
        look = _filled(CURVES[2] if true else CURVES[(0, 1, 3, 5)[others]], "" if true else HATCHES[others])
        others += not true
        for row, label in enumerate(classes):
            spans = [(onset, offset - onset) for one, onset, offset in found if one == label]
            ax.broken_barh(spans, (row - 0.4 + i * height, 0.94 * height), **look)
        times = [f"{label} {_seconds(a)} to {_seconds(b)}" for label, a, b in sorted(found, key=lambda event: event[1])]
        words = f"Events of {name} in seconds, {len(times)}: {_listed(times, 16 // len(rolls))}."
        _describe(ax, ax.broken_barh([], (0, 0)), words, xlabel="time (s)", xlim=(0, duration))
        marks.append(Patch(label=name, **look))
    ax.set_yticks(range(len(classes)), _short(classes))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(classes) - 0.5, -0.5)
    ax.grid(axis="x")
    ax.legend(handles=marks, ncols=len(rolls), loc="lower right", bbox_to_anchor=(1, 1))
    return ax


def _filled(colour: str, hatch: str = "") -> dict:
    """Return how a bar looks in a colour: plain, or of stripes with nothing between them."""
    return {"facecolor": "none" if hatch else colour, "edgecolor": colour, "hatch": hatch, "linewidth": 1}


def _that_matter(
    scores: np.ndarray, classes: Sequence[str], threshold: float, rolls: Iterable[Events], most: int = 6
) -> list[str]:
    """Return the classes that a picture of a detector shows, in the order of ``classes``.

    They are those of the events, then those with a score over the threshold, the highest first, ``most`` at most;
    without any, the three with the highest scores.
    """
    peaks = np.asarray(scores).max(axis=0, initial=0)
    order = [classes[i] for i in np.argsort(-peaks, kind="stable")]
    named = {label for roll in rolls for label in roll.labels}
    over = {classes[i] for i in np.flatnonzero(peaks > threshold)}
    chosen = [label for label in order if label in named] + [label for label in order if label in over - named]
    return sorted(chosen[: max(most, len(named))] or order[:3], key=list(classes).index)


def detection(
    scores: np.ndarray,
    classes: Sequence[str],
    hop: float,
    threshold: float,
    events: Iterable,
    reference: Iterable | None = None,
    window: float = 0.96,
    ax: Axes | None = None,
) -> Axes:
    """Draw scores over time as curves, the threshold as a line, and what became of them as bars below.

    Drawn are the classes with a score over the threshold and those of the events; where there are none, the three with
    the highest scores. A class has one colour, its bars are plain in the reference and hatched in the output.

    Notebook: 04_sound_event_detection

    Parameters
    ----------
    scores : ndarray, shape (n_windows, n_classes)
        Scores in [0, 1]; window ``i`` begins at ``i * hop``, and its score is drawn at its centre.
    classes : sequence of str
        Names of the classes, in the order of the scores.
    hop : float
        Seconds between the starts of two windows.
    threshold : float
        In [0, 1].
    events : pandas.DataFrame, Events or list of (str, float, float)
        What the detector reports: ``label``, ``onset`` and ``offset`` in seconds.
    reference : pandas.DataFrame, Events or list of (str, float, float), optional
        What is true.
    window : float
        Length of a window in seconds.
    ax : matplotlib.axes.Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        Scores from 0 to 1, and a row of bars below 0 for each class.

    Raises
    ------
    ValueError
        If the scores do not have a column for each class, or an event is of none of them.
    """
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

    scores, classes = np.asarray(scores), list(classes)
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        raise ValueError(f"Expected scores of shape (n_windows, {len(classes)}), got {scores.shape}.")
    given = {"reference": reference, "system": events}
    rolls = {name: Events.of(table, classes) for name, table in given.items() if table is not None}
    drawn = _that_matter(scores, classes, threshold, rolls.values())
    above, row = 1.24, 0.2  # of the scores' axis, which ends at 1: the peaks' names, and a row of bars
    lowest = -0.08 - row * len(drawn)
    ax = _axes(ax, height=1.0 + 1.3 * (above - lowest))
    times = np.arange(len(scores)) * hop + window / 2
    end = max(
        [times[-1] + window / 2 if len(times) else window, *(roll.offsets.max(initial=0) for roll in rolls.values())]
    )
    beside = ax.get_yaxis_transform() + ScaledTranslation(-9 / 72, 0, ax.figure.dpi_scale_trans)
    places = [-0.08 - row * (i + 0.5) for i in range(len(drawn))]
    for i, (label, place) in enumerate(zip(drawn, places, strict=True)):
        look = {"color": CURVES[i % len(CURVES)], "marker": "os^DvPX"[i % 7], "markersize": 5}
        dash = ("-", "--")[i // len(CURVES) % 2]
        own = {"label": label, "linestyle": dash, "markevery": 1 + len(scores) // 60, "linewidth": 1.5}
        ax.plot(times, scores[:, classes.index(label)], **own, **look)
        ax.plot([0], [place], transform=beside, clip_on=False, **look | {"markersize": 7})
        for k, (name, roll) in enumerate(rolls.items()):
            own = roll.labels == label
            spans = np.column_stack([roll.onsets, roll.offsets - roll.onsets])[own]
            height = 0.86 * row / len(rolls)
            where = (place + 0.43 * row - (k + 1) * height, 0.94 * height)
            ax.broken_barh(spans, where, **_filled(look["color"], HATCHES[0] * (name == "system")))
    ax.axhline(threshold, color=CURVES[-1], linestyle=":", linewidth=1.5, label="threshold")
    line = ax.axhline(0, color=CURVES[-1], linewidth=0.8)
    marks = [Patch(label=name, **_filled("#808080", HATCHES[0] * (name == "system"))) for name in rolls]
    ax.legend(handles=marks, ncols=len(marks), loc="lower right", bbox_to_anchor=(1, 1))
    levels = {level: f"{level:g}" for level in (1, 0) if abs(level - threshold) > 0.14}
    levels[threshold] = f"threshold {threshold:.2f}"
    ax.set_yticks([*levels, *places], [*levels.values(), *_short(drawn)])
    ax.set(xlim=(0, end), ylim=(lowest, above))
    ax.tick_params(axis="y", length=0, pad=16)
    for text, i in zip(ax.get_yticklabels()[len(levels) :], range(len(drawn)), strict=True):
        text.set_color(CURVES[i % len(CURVES)])
    ax.spines["left"].set_bounds(0, 1)
    ax.grid(axis="x")
    _name_peaks(ax, times, {label: scores[:, classes.index(label)] for label in drawn}, threshold)
    said = []
    for label in drawn:
        own = scores[:, classes.index(label)]
        said.append(f"{label} {own.max(initial=0):.2g} at {_seconds(times[own.argmax()])} s" if len(own) else label)
    words = f"Highest scores by class: {_listed(said, 8)}."
    for name, roll in rolls.items():
        rows = sorted(zip(*roll, strict=True), key=lambda event: event[1])
        spans = [f"{label} {_seconds(a)} to {_seconds(b)}" for label, a, b in rows]
        words += f" Events of {name} in seconds, {len(spans)}: {_listed(spans, 8)}."
    return _describe(ax, line, words, xlabel="time (s)", ylabel="score")


def _name_peaks(ax: Axes, times: np.ndarray, scores: Mapping[str, np.ndarray], threshold: float) -> None:
    """Write the names of curves above their peaks, the highest first, as far as there is room."""
    (start, end), taken = ax.get_xlim(), []
    letter = (end - start) * 9 / 300  # about as wide as a letter is where the names of the rows leave 300 points
    order = sorted(range(len(scores)), key=lambda i: -list(scores.values())[i].max(initial=0))
    for i in order:
        label, values = list(scores.items())[i]
        if values.max(initial=0) > threshold:
            half = letter * (len(label) + 1) / 2
            x = min(max(times[values.argmax()], start + half), end - half)
            if half < (end - start) / 2 and all(abs(x - other) >= half + wide for other, wide in taken):
                ax.text(x, 1.04, label, color=CURVES[i % len(CURVES)], ha="center", va="bottom")
                taken.append((x, half))

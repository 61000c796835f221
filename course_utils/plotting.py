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
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from course_utils import audio
from course_utils.events import Events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAGMA = {"origin": "lower", "cmap": "magma"}
PARTS = ("in the first third", "in the middle third", "in the last third")
CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#1A1A1A")
"""Colours of classes and curves, those of ``course.mplstyle``; the last is the ink."""
STYLE = "course"  # what course.mplstyle calls itself, as svg.hashsalt
WIDTH, LINE = 6.4, 18.0  # of a picture in inches, and of a line of its text in points
INK, HERE = re.compile("#(1a1a1a|000000)", re.IGNORECASE), "\N{OBJECT REPLACEMENT CHARACTER}"


def _axes(ax: Axes | None, height: float = 2.6, width: float = WIDTH) -> Axes:
    """Return the Axes, or those of a new figure; a figure that grows becomes as high as its drawing likes to be."""
    import matplotlib.pyplot as plt

    if ax is None:
        return plt.subplots(figsize=(width, height), layout="constrained")[1]
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
        if ax.get_ylabel() and not ax.yaxis.label.get_rotation():
            _name_on_top(ax)
    faces = [figure.patch, *(ax.patch for ax in figure.axes)]
    visible = [face.get_visible() for face in faces]
    look = {"svg.fonttype": "none", "svg.hashsalt": STYLE, "svg.image_inline": True}
    try:
        for face in faces:
            face.set_visible(False)
        with matplotlib.rc_context({**look, "hatch.linewidth": 2, "savefig.bbox": "standard"}):
            figure.draw_without_rendering()  # so that the layout has come to rest
            buffer = io.StringIO()
            about = dict.fromkeys(("Creator", "Date", "Format", "Type"))
            figure.savefig(buffer, format="svg", dpi=180, metadata=about)
    finally:
        for face, shown in zip(faces, visible, strict=True):
            face.set_visible(shown)
    root = ElementTree.fromstring(buffer.getvalue())
    found = re.findall(r'(?:url\(#|href="#)([^")]+)', buffer.getvalue())
    ids = {one: f"{HERE}{i}" for i, one in enumerate(dict.fromkeys(found))}
    content = "".join(_markup(part, ids) for part in root)
    names = [name for ax in figure.axes for name in (ax.get_ylabel(), ax.get_xlabel()) if name]
    words = in_words(figure) or otherwise or " ".join(["A plot.", *dict.fromkeys(names)])
    unique = f"plot-{hashlib.sha1((words + content).encode()).hexdigest()[:8]}-"
    wide = f"max-width:{640 * figure.get_figwidth() / WIDTH:g}px"
    return (
        f'<svg role="img" aria-label="{html.escape(words)}" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="{_rounded(root.get("viewBox"))}" style="{wide};width:100%;height:auto" '
        f'fill="currentColor" stroke-linejoin="round">{content.replace(HERE, unique)}</svg>'
    )


def _rounded(numbers: str, digits: int = 2) -> str:
    """Return text with the numbers in it rounded, and a path without the spaces that it can do without."""
    shorter = re.sub(r"-?\d+\.\d+", lambda n: f"{round(float(n[0]), digits) + 0.0:g}", numbers)
    return re.sub(r"\s*([A-DF-Za-df-z])\s*", r"\1", shorter) if numbers.startswith("M") else shorter


def _markup(element: ElementTree.Element, ids: dict[str, str]) -> str:
    """Return an element of matplotlib's SVG as markup, with other ids and without what a page has no use for."""
    kind = element.tag.rpartition("}")[2]
    given = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    look = dict(re.findall(r"([\w-]+):\s*((?:[^;']|'[^']*')+)", given.pop("style", "")))
    if kind in ("metadata", "style") or (kind == "rect" and "none" in (given.get("fill"), look.get("fill"))):
        return ""
    if kind == "image":
        given["href"] = "data:image/png;base64," + _smaller(given["href"].partition(",")[2])
        if int(float(given["width"])) < 200 and look:  # few pixels stay sharp, many are smoothed
            given["style"] = "image-rendering:pixelated"
        given["preserveAspectRatio"], look = "none", {}
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


def _name_on_top(ax: Axes, lines: float = 0) -> None:
    """Write the name of the y axis level, above the axis, where it needs no width; a title goes above it."""
    from matplotlib.transforms import ScaledTranslation

    ax.yaxis.label.lines = lines = lines or getattr(ax.yaxis.label, "lines", 0)
    above = ScaledTranslation(0, (4 + lines * LINE) / 72, ax.figure.dpi_scale_trans)
    ax.yaxis.label.set(rotation=0, horizontalalignment="left", verticalalignment="bottom")
    ax.yaxis.set_label_coords(0, 1, transform=ax.transAxes + above)
    if title := ax.get_title(loc="left"):
        ax.set_title(title, loc="left", pad=6 + LINE * (1 + lines))


def _describe(ax: Axes, artist: object, words: str, **properties: object) -> Axes:
    """Set properties of the Axes, keep the words with what was drawn, and have IPython show both."""
    ax.set(**properties)
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


def _image(ax: Axes, values: np.ndarray, extent: tuple, label: str, words: str, look: dict, **more: object) -> Axes:
    """Draw values, shape (n_rows, n_columns), over time, with a colour bar of that label."""
    image = ax.imshow(values, aspect="auto", extent=extent, **look)
    ax.figure.colorbar(image, ax=ax, label=label, pad=0.01)
    return _describe(ax, image, words, xlabel="time (s)", **more)


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

    Notebook: 01_audio_tagging
    """
    samples, ax = audio.floating(samples), _axes(ax, height=2.0)
    duration, size = len(samples) / sample_rate, np.abs(samples)
    (line,) = ax.plot(np.arange(len(samples)) / sample_rate, samples, color="C0", linewidth=0.5)
    words = "silence"
    if size.any():
        peak, levels = size.argmax(), [np.mean(part**2.0) for part in np.array_split(size, 3) if len(part)]
        words = f"the largest amplitude, {size[peak]:.2g}, is at {_seconds(peak / sample_rate)} s"
        words += f"; the level is highest {PARTS[np.argmax(levels)]}"
    words = f"Waveform of {_seconds(duration)} s: {words}."
    return _describe(ax, line, words, xlabel="time (s)", ylabel="amplitude", xlim=(0, duration))


def spectrogram(samples: np.ndarray, sample_rate: int, ax: Axes | None = None) -> Axes:
    """Draw a mel spectrogram (128 bands) of a waveform, in dB below its maximum.

    Notebook: 01_audio_tagging
    """
    import librosa

    hop = sample_rate // 100
    power = librosa.feature.melspectrogram(y=samples, sr=sample_rate, hop_length=hop, n_fft=4 * hop, n_mels=128)
    levels = librosa.power_to_db(power, ref=np.max, top_db=70)
    bands, end = librosa.mel_frequencies(n_mels=128, fmax=sample_rate / 2), len(samples) / sample_rate
    strongest = _strongest(power.T, [f"{hertz / 1000:.2g} kHz" for hertz in bands], hop / sample_rate)
    words = f"Mel spectrogram of {_seconds(end)} s: {strongest}."
    extent = (0, power.shape[1] * hop / sample_rate, 0, 128)
    ticks = [hertz for hertz in (500, 1000, 2000, 4000, 8000, 16000) if hertz < sample_rate / 2]
    y = {"yticks": np.interp(ticks, bands, np.arange(128)), "yticklabels": [f"{hertz / 1000:g}" for hertz in ticks]}
    return _image(_axes(ax), levels, extent, "level (dB)", words, MAGMA, ylabel="frequency (kHz)", xlim=(0, end), **y)


def log_mel(spectrogram: np.ndarray, hop: float = 0.01, ax: Axes | None = None) -> Axes:
    """Draw YAMNet's log-mel spectrogram, shape (n_frames, 64), a frame every ``hop`` seconds.

    Notebook: 02_yamnet, 04_sound_event_detection, 07_distillation
    """
    values, seconds = np.asarray(spectrogram), len(spectrogram) * hop
    strongest = _strongest(np.exp(values), range(64), hop)  # of magnitudes, not of their logarithms
    words = f"Log-mel spectrogram of {_seconds(seconds)} s: {strongest}."
    return _image(_axes(ax), values.T, (0, seconds, -0.5, 63.5), "log magnitude", words, MAGMA, ylabel="mel band")


def top_scores(labels: Sequence[str], scores: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw scores in [0, 1] as horizontal bars, the first on top.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 07_distillation
    """
    ax = _axes(ax, height=0.8 + 0.42 * len(labels))
    bars = ax.barh(list(labels), scores, color="C0")
    ax.bar_label(bars, fmt="%.3f", padding=4)
    ax.invert_yaxis()
    words = f"Scores, highest first: {_listed(_ranked(labels, scores))}."
    return _describe(ax, bars, words, xlabel="score", xlim=(0, 1.1))


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
    look = {"interpolation": "nearest", "cmap": "cividis", "vmin": 0, "vmax": 1}
    rows = {"yticks": range(len(labels)), "yticklabels": labels}
    return _image(_axes(ax, height=1.1 + 0.25 * len(labels)), scores.T, extent, "score", words, look, **rows)


def embedding(vector: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the values of one embedding, shape (n_dimensions,), in their order.

    Notebook: 01_audio_tagging
    """
    ax, vector = _axes(ax, height=2.0), np.asarray(vector)
    (line,) = ax.plot(vector, color="C0", linewidth=0.6)
    highest = f"the highest, {np.max(vector):.3g}, is dimension {np.argmax(vector)}"
    words = f"Embedding of {len(vector)} values: {np.mean(vector == 0):.0%} are 0; {highest}."
    return _describe(ax, line, words, xlabel="dimension", ylabel="value", xlim=(0, len(vector)))


def curves(
    table: pd.DataFrame, ax: Axes | None = None, ylabel: str = "", yerr: Sequence | None = None, thin: Sequence = ()
) -> Axes:
    """Draw the columns of a table as curves over its index, told apart by colour, marker and line style.

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
        Columns to draw thin, in the colour of the last of the others, without error bars or an entry in the legend.

    Raises
    ------
    ValueError
        If every column is thin, or there is none.
    """
    names = [name for name in table if name not in set(thin)]
    if not names:
        raise ValueError("There is no curve to draw: every column is thin, or the table has none.")
    ax, every = _axes(ax, height=3.3), 1 + len(table) // 25
    for i, name in enumerate(names):
        look = {"color": f"C{i}", "marker": "os^Dv"[i % 5], "linestyle": ("-", "--", ":", "-.")[i % 4]}
        drawn = ax.errorbar(table.index, table[name], yerr, label=name, capsize=4, markevery=every, **look)
    ax.plot(table.index, table[list(thin)], color=f"C{len(names) - 1}", alpha=0.4, linewidth=1, zorder=1)
    ax.legend()
    ways = "; ".join(_way(name, table[name]) for name in names)
    words = f"{ylabel or 'Curves'} over {table.index.name or 'their index'}: {ways}."
    if yerr is not None:
        words += f" Error bars reach {np.min(yerr):.2g} to {np.max(yerr):.2g} to either side."
    if len(thin):
        words += f" Thin lines, each at its highest: {_listed(_ranked(thin, table[list(thin)].max()))}."
    return _describe(ax, drawn, words, xlabel=table.index.name or "", ylabel=ylabel)


def learning_curves(history: object, measure: str = "loss", ax: Axes | None = None) -> Axes:
    """Draw a measure of training, and of validation if there was one, by epoch, from what Keras' ``fit`` returns.

    Notebook: 03_transfer_learning, 07_distillation
    """
    import pandas as pd

    if measure not in history.history:
        raise KeyError(f"{measure!r} was not measured; there are {', '.join(history.history)}.")
    keys = {"training": measure, "validation": f"val_{measure}"}
    known = {name: pd.Series(history.history[key]) for name, key in keys.items() if key in history.history}
    return curves(pd.DataFrame(known).rename(index=lambda i: i + 1).rename_axis("epoch"), ax, ylabel=measure)


def class_bars(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw accuracy by class, as :func:`course_utils.evaluation.class_accuracy` returns it, and the average as a line.

    Notebook: 03_transfer_learning
    """
    ax = _axes(ax, height=3.6)
    classes, average = table.drop(index="average"), table.loc["average", "accuracy"]
    bars = ax.bar(classes.index, classes["accuracy"], color="C0")
    ax.bar_label(bars, fmt="%.3g", padding=2, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    ax.axhline(average, color="C1", linestyle="--", label=f"average {average:.3f}")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1))
    words = f"Accuracy by class, highest first: {_listed(_ranked(classes.index, classes['accuracy']))}."
    return _describe(ax, bars, words, ylabel="accuracy", ylim=(0, 1.12))


def confusion_matrix(matrix: pd.DataFrame | np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw counts by true class (rows) and predicted class (columns).

    Notebook: 03_transfer_learning
    """
    import pandas as pd
    import seaborn as sns

    ax = _axes(ax, height=3.7, width=6.0)
    sns.heatmap(matrix, annot=True, fmt="g", cmap="Blues", cbar=False, square=True, linewidths=0.5, ax=ax)
    ax.tick_params(axis="x", rotation=90)
    counts = [(n, a != b and f"{a} taken for {b} {n}") for (a, b), n in pd.DataFrame(matrix).T.unstack().items()]
    right = sum(n for n, error in counts if not error)
    errors = [error for n, error in sorted(counts, key=lambda count: -count[0]) if n and error]
    words = f"{right} of {sum(n for n, _ in counts)} are on the diagonal. Errors: {_listed(errors, 6)}."
    return _describe(ax, ax.collections[-1], words)


def event_roll(rolls: dict[str, Iterable], classes: Sequence[str], duration: float, ax: Axes | None = None) -> Axes:
    """Draw lists of events on one time axis, one row a class, the lists above each other within the row.

    Notebook: 01_audio_tagging, 04_sound_event_detection, 06_better_detector

    Parameters
    ----------
    rolls : dict of str to pandas.DataFrame, Events or list of (str, float, float)
        Name of each list (for instance ``"reference"`` and ``"system"``) and its events: ``label``, ``onset`` and
        ``offset`` in seconds, as :meth:`course_utils.events.Events.of` takes them.
    classes : sequence of str
        The rows, the first on top.
    duration : float
        Length of the time axis in seconds.
    """
    rolls, classes = {name: zip(*Events.of(given), strict=True) for name, given in rolls.items()}, list(classes)
    ax, height = _axes(ax, height=min(3.4, 1.1 + 0.45 * len(classes))), 0.8 / len(rolls)
    for i, (name, given) in enumerate(rolls.items()):
        found = [event for event in given if event[0] in classes]
        look = {"facecolor": f"C{i}", "hatch": ("", "//", "..", "xx")[i % 4], "edgecolor": "white"}
        for row, label in enumerate(classes):
            spans = [(onset, offset - onset) for one, onset, offset in found if one == label]
            ax.broken_barh(spans, (row - 0.4 + i * height, height), **look)
        times = [f"{label} {_seconds(a)} to {_seconds(b)}" for label, a, b in sorted(found, key=lambda event: event[1])]
        words = f"Events of {name} in seconds, {len(times)}: {_listed(times, 16 // len(rolls))}."
        _describe(ax, ax.broken_barh([], (0, 0), label=name, **look), words, xlabel="time (s)", xlim=(0, duration))
    ax.set(yticks=range(len(classes)), yticklabels=classes, ylim=(len(classes) - 0.5, -0.5), axisbelow=True)
    ax.grid(axis="x", alpha=0.3)
    ax.legend(ncols=len(rolls), loc="lower right", bbox_to_anchor=(1, 1))
    return ax


def _that_matter(
    scores: np.ndarray, classes: Sequence[str], threshold: float, rolls: Iterable[Events], most: int = 8
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

    scores, classes = np.asarray(scores), list(classes)
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        raise ValueError(f"Expected scores of shape (n_windows, {len(classes)}), got {scores.shape}.")
    given = {"reference": reference, "system": events}
    rolls = {name: Events.of(table, classes) for name, table in given.items() if table is not None}
    drawn = _that_matter(scores, classes, threshold, rolls.values())
    ax, row = _axes(ax, height=2.3 + 0.27 * len(drawn)), 0.16
    times = np.arange(len(scores)) * hop + window / 2
    end = max(
        [times[-1] + window / 2 if len(times) else window, *(roll.offsets.max(initial=0) for roll in rolls.values())]
    )
    places = [-0.1 - row * (i + 0.5) for i in range(len(drawn))]
    for i, (label, place) in enumerate(zip(drawn, places, strict=True)):
        look = {"color": CURVES[i % len(CURVES)], "linestyle": ("-", "--")[i // len(CURVES) % 2]}
        look |= {"marker": "os^DvPX"[i % 7], "markersize": 4, "markevery": 1 + len(scores) // 60}
        ax.plot(times, scores[:, classes.index(label)], label=label, **look)
        for k, (name, roll) in enumerate(rolls.items()):
            own = roll.labels == label
            spans = np.column_stack([roll.onsets, roll.offsets - roll.onsets])[own]
            height = 0.86 * row / len(rolls)
            fill = {"facecolor": look["color"], "edgecolor": "white", "hatch": "////" * (name == "system")}
            ax.broken_barh(spans, (place + 0.43 * row - (k + 1) * height, height), **fill)
    ax.axhline(threshold, color="#1A1A1A", linestyle=":", linewidth=1.5, label="threshold")
    line = ax.axhline(0, color="#1A1A1A", linewidth=0.8)
    lowest = -0.14 - row * len(drawn)
    marks = [
        Patch(facecolor="#808080", edgecolor="white", hatch="////" * (name == "system"), label=name) for name in rolls
    ]
    entries = [*ax.get_legend_handles_labels()[0], *marks]
    ax.legend(handles=entries, loc="upper left", bbox_to_anchor=(1, 1))
    ax.set(ylim=(lowest, 1.05), yticks=[1, 0.5, 0, *places], yticklabels=["1", "0.5", "0", *drawn], axisbelow=True)
    for text, i in zip(ax.get_yticklabels()[3:], range(len(drawn)), strict=True):
        text.set_color(CURVES[i % len(CURVES)])
    ax.grid(axis="x", alpha=0.3)
    ax.set_ylabel("score", y=(0.5 - lowest) / (1.05 - lowest))
    said = []
    for label in drawn:
        own = scores[:, classes.index(label)]
        said.append(f"{label} {own.max(initial=0):.2g} at {_seconds(times[own.argmax()])} s" if len(own) else label)
    words = f"Highest scores by class: {_listed(said, 8)}."
    for name, roll in rolls.items():
        rows = sorted(zip(*roll, strict=True), key=lambda event: event[1])
        spans = [f"{label} {_seconds(a)} to {_seconds(b)}" for label, a, b in rows]
        words += f" Events of {name} in seconds, {len(spans)}: {_listed(spans, 8)}."
    return _describe(ax, line, words, xlabel="time (s)", xlim=(0, end))

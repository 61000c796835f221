"""One drawing per function: each takes ``ax=None``, draws one thing, and returns the Axes.

Colours and type are those of ``plt.style.use("course_utils.course")``, which the slides share. Each drawing also says
in words what it shows: :func:`in_words` returns them, and a notebook gives them to screen readers with the picture.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from course_utils import audio
from course_utils.events import Events, array_of, check_lengths, check_scores, number, score_array
from course_utils.svg import as_svg, in_words, show_in_notebooks  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

CURVES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#1A1A1A")
"""Colours of classes and curves, those of ``course.mplstyle``; the last is the ink."""
INK = CURVES[-1]
WIDTH, LINE = 6.4, 18.0  # of a picture in inches, and of a line of its text in points
HATCHES = ("////", "xxx", "|||", "---")
PARTS = ("in the first third", "in the middle third", "in the last third")


def _axes(ax: Axes | None, height: float = 2.6) -> Axes:
    """Return the Axes, or those of a new figure; one that grows becomes as high as a new one."""
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=(WIDTH, height), layout="constrained")[1]
    if getattr(ax.figure, "grows", False):
        ax.figure.set_figheight(height)
    return ax


def _name_on_top(ax: Axes, lines: int = 0, side: str = "left") -> None:
    """Write the name of the y axis level and above it, with room for so many lines of text between.

    It stands where matplotlib has an axis' offset: layouts leave room for that, and titles make way.
    """
    from matplotlib.text import Text

    name = ax.yaxis.offsetText
    name.set_text = lambda _: Text.set_text(name, ax.get_ylabel() + lines * "\n")
    name.set_horizontalalignment(side)
    ax.yaxis.OFFSETTEXTPAD = 7
    ax.yaxis.label.set_visible(False)


def _describe(ax: Axes, words: str, lines: int = 0, side: str = "left", **properties: object) -> Axes:
    """Set properties of the Axes, keep the words with it until it is cleared, and have notebooks show both."""
    ax.set(**properties)
    if ax.get_xlabel() == "time (s)":
        _few(ax, x=8)
    if ax.get_ylabel():
        _name_on_top(ax, lines, side)
    ax.patch.words = [*getattr(ax.patch, "words", []), words]
    show_in_notebooks()
    return ax


def _plain(value: float, _: object = None) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _few(ax: Axes, whole: bool = False, **steps: int) -> None:
    """Give an axis (x, y) at most so many steps between its ticks, whole numbers at x, and no zeros at the end."""
    from matplotlib.ticker import MaxNLocator

    for name, most in steps.items():
        axis = getattr(ax, f"{name}axis")
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10], integer=whole and name == "x"))
        axis.set_major_formatter(_plain)


def _short(names: Iterable, most: int = 18) -> list[str]:
    """Return names, those too long for an axis without their last words, still all different."""
    names = [str(name) for name in names]
    cut = [name if len(name) <= most else f"{textwrap.wrap(name, most - 1)[0].rstrip(' ,(')}…" for name in names]
    return [long if cut.count(short) > 1 else short for long, short in zip(names, cut, strict=True)]


def _rows(ax: Axes | None, names: list[str], pitch: float, lines: float = 0, above: bool = False) -> tuple:
    """Return the Axes with a row for each name, and where in y their marks are: beside the names, or below them.

    A row is ``pitch`` points high, and above all there is room for so many ``lines`` of text.
    """
    ax, rows = _axes(ax, height=(46 + LINE * lines + pitch * len(names)) / 72), np.arange(len(names))
    places, side, pad = (rows - 0.5 + 10 / pitch, "left", -3) if above else (rows, "right", 3.5)
    ax.set_yticks(places, names, horizontalalignment=side)
    ax.tick_params(axis="y", length=0, pad=pad)
    ax.set_ylim(len(names) - 0.5, -0.5)
    return ax, rows + above * 9 / pitch


def _written(values: np.ndarray, sign: str = "") -> list[str]:
    """Return values as they stand beside their marks, with the digits that it takes to tell them apart."""
    known = np.unique(values[~np.isnan(values)].round(6))
    span = np.ptp(known) or np.abs(known).max(initial=0) or 1
    fewest = max(0, 2 - int(np.floor(np.log10(5 * span))))
    digits = next((n for n in range(fewest, 3) if len(np.unique(known.round(n))) == len(known)), 3)
    said = [f"{value:{sign}.{digits if round(value, digits) or not value else 3}f}" for value in values]
    return ["" if "nan" in number else number.replace("-", "\N{MINUS SIGN}") for number in said]


def _values_beside(ax: Axes, rows: np.ndarray, values: np.ndarray, sign: str = "") -> None:
    """Write the values of rows in a column at the right, where no line crosses them."""
    look = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "va": "center_baseline"}
    for row, value in zip(rows, _written(values, sign), strict=True):
        ax.annotate(value, (1, row), (8, 0), **look)


def _line_at(ax: Axes, x: float, words: str, colour: str = INK, spans: Sequence = ((0, 1),), **look: object) -> None:
    """Draw a vertical line, or parts of it, and write above it what it is, on the side where there is more room."""
    for bottom, top in spans:
        ax.axvline(x, bottom, top, color=colour, label=words or None, **look)
    side, shift = ("left", -3) if x < np.mean(ax.get_xlim()) else ("right", 3)
    where = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
    ax.annotate(words, (x, 1), (shift, 3), color=colour, ha=side, va="bottom", **where)


def _name_ends(ax: Axes, ends: Sequence[tuple[str, float, str]]) -> None:
    """Write the names of lines (name, y of the end, colour) at the right, near their ends, but none on another."""
    names = ["\n".join(textwrap.wrap(str(name), 15, break_long_words=False)) for name, *_ in ends]
    look = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "center"}
    texts = [ax.annotate(name, (1, 0), (5, 0), color=end[-1], **look) for name, end in zip(names, ends, strict=True)]
    heights = np.array([name.count("\n") + 1 for name in names]) * LINE / 62  # in; 72 points, but for the layout

    def place(ax: Axes) -> None:
        wanted = ax.transAxes.inverted().transform(ax.transData.transform([(1, y) for _, y, _ in ends]))[:, 1]
        order, size = np.argsort(wanted, kind="stable"), heights * ax.figure.dpi / ax.bbox.height
        stacked = np.cumsum(size[order]) - size[order] / 2  # where the names would be, all from the bottom
        rise = wanted[order].clip(0, 1) - stacked  # names collide where it falls
        rise = (np.maximum.accumulate(rise) + np.minimum.accumulate(rise[::-1])[::-1]) / 2
        for i, y in zip(order, stacked + rise.clip(-stacked[0], max(0, 1 - stacked[-1])), strict=True):
            texts[i].xy = (1, y)

    ax.callbacks.connect("ylim_changed", place)
    place(ax)


def _seconds(value: float) -> str:
    return f"{round(float(value), 2):g}"


def _listed(items: list[str], most: int = 12) -> str:
    return ", ".join([*items[:most], *[f"and {len(items) - most} more"] * (len(items) > most)]) or "none"


def _ranked(names: Iterable, values: Iterable[float]) -> list[str]:
    pairs = [(value, name) for name, value in zip(names, values, strict=True) if not np.isnan(value)]
    return [f"{name} {value:.3g}" for value, name in sorted(pairs, key=lambda pair: -pair[0])]


def _spans(name: str, events: Events, classes: Sequence[str], most: int) -> str:
    rows = sorted(zip(*events, strict=True), key=lambda event: event[1])
    said = [f"{label} {_seconds(onset)} to {_seconds(offset)}" for label, onset, offset in rows if label in classes]
    return f"Events of {name} in seconds, {len(said)}: {_listed(said, most)}."


def _strongest(levels: np.ndarray, bands: np.ndarray, hop: float) -> str:
    """Say when levels, shape (n_frames, n_bands), are highest, and in which band, centred at so many Hz, by thirds."""
    if not np.ptp(levels):
        return "the same everywhere"
    means = [part.mean(axis=0) for part in np.array_split(levels, 3) if len(part)]
    best = [f"{bands[mean.argmax()] / 1000:.2g} kHz" if np.ptp(mean) else "none" for mean in means]
    places = [f"{band} {where}" for band, where in zip(best, PARTS, strict=False)]
    return f"loudest at {_seconds(levels.mean(axis=1).argmax() * hop)} s; strongest band {_listed(places)}"


def _way(name: str, values: pd.Series) -> str:
    """Say how the values of a Series go over its index: from where to where, by way of the highest and the lowest."""
    x, y = values.dropna().index, values.dropna().to_numpy()
    if not len(y):
        return f"{name} has no values"
    if y.min() == y.max():
        return f"{name} is {y[0]:.3g} throughout"
    which, legs, before = {y.min(): "its lowest ", y.max(): "its highest "}, [], None
    for i in sorted({0, y.argmin(), y.argmax(), len(y) - 1}):
        way = "starts at" if i == 0 else "rises to" if y[i] > before else "falls to" if y[i] < before else "ends at"
        legs.append(f"{way} {which.get(y[i], '')}{y[i]:.3g} at {x[i]:.4g}")
        before = y[i]
    return f"{name} {', '.join(legs)}"


def _waveform(samples: np.ndarray, sample_rate: float) -> tuple[np.ndarray, int]:
    """Return samples and rate as they can be drawn, or say what is wrong with them."""
    way = "Give a whole number of samples per second, 100 or more."
    sample_rate = number(sample_rate, "sample_rate", way, lambda rate: 100 <= rate < np.inf, whole=True)
    samples = audio.floating(array_of(samples))
    if samples.ndim != 1 or not len(samples):
        raise ValueError(f"Expected one channel with at least one sample, got shape {samples.shape}.")
    if not np.isfinite(samples).all():
        raise ValueError("Some samples are NaN or infinite. Replace them (numpy.nan_to_num) or take another clip.")
    return samples.astype(np.result_type(np.float32, samples.dtype.newbyteorder("=")), copy=False), sample_rate


def waveform(samples: np.ndarray, sample_rate: int, ax: Axes | None = None) -> Axes:
    """Draw a waveform, shape (n_samples,), over time in seconds; integers are refused with a TypeError.

    Of more than 600 samples it draws the highest and the lowest in each of 600 pieces.

    Notebook: 01_audio_tagging
    """
    (samples, sample_rate), ax = _waveform(samples, sample_rate), _axes(ax, height=1.9)
    duration, size = len(samples) / sample_rate, np.abs(samples)
    _envelope(ax, np.arange(len(samples)) / sample_rate, samples)
    words = "silence"
    if size.any():
        peak, levels = size.argmax(), [np.mean(part**2.0) for part in np.array_split(size, 3) if len(part)]
        words = f"the largest amplitude, {size[peak]:.2g}, is at {_seconds(peak / sample_rate)} s"
        words += f"; the level is highest {PARTS[np.argmax(levels)]}"
    _few(ax, y=3)
    words = f"Waveform of {_seconds(duration)} s: {words}."
    return _describe(ax, words, xlabel="time (s)", ylabel="amplitude", xlim=(0, duration))


def _columns(values: np.ndarray, how: Callable = np.mean, most: int = 600) -> np.ndarray:
    """Return rows of an array, or of each of ``most`` pieces the mean, or another measure, where they are too many."""
    borders = np.linspace(0, len(values), most + 1).astype(int)[1:-1]
    return np.array([how(piece, axis=0) for piece in np.split(values, borders)]) if len(values) > most else values


def _envelope(ax: Axes, x: np.ndarray, values: np.ndarray) -> None:
    """Draw values as a line, or where they are many, as the area from the lowest to the highest nearby."""
    low, high = _columns(values, np.min), _columns(values, np.max)
    ax.fill_between(_columns(x, np.min), low, high, color=CURVES[0], linewidth=0.6)


def _image(ax: Axes, values: np.ndarray, box: tuple, words: str, look: dict, bar: tuple = (), **more: object) -> Axes:
    """Draw values, shape (n_columns, n_rows), over time; ``bar`` has the name of the colour bar and its three ticks."""
    image = ax.imshow(values.T, aspect="auto", extent=box, interpolation="none", **look)
    if bar:
        colours = ax.figure.colorbar(image, ax=ax, ticks=bar[1], pad=0.01, aspect=15, fraction=0.1, format=_plain)
        colours.outline.set_visible(False)
        colours.ax.set_ylabel(bar[0])
        colours.ax.tick_params(length=0)
        for text, side in zip(colours.ax.get_yticklabels()[::2], ("bottom", "top"), strict=True):
            text.set_verticalalignment(side)
        _name_on_top(colours.ax)
    return _describe(ax, words, xlabel="time (s)", **more)


def _bands(ax: Axes | None, levels: np.ndarray, hertz: np.ndarray, end: float, words: str, **more: object) -> Axes:
    """Draw levels, shape (n_frames, n_bands), over time, with the centres of the bands in Hz at the y axis."""
    named = [tick for tick in (500, 1000, 2000, 4000, 8000, 16000) if tick < hertz[-1]]
    ticks = {"yticks": np.interp(named, hertz, np.arange(len(hertz))), "yticklabels": [f"{n / 1000:g}" for n in named]}
    extent, look = (0, end, -0.5, len(hertz) - 0.5), {"origin": "lower", "cmap": "magma"}
    return _image(_axes(ax), levels, extent, words, look, ylabel="frequency (kHz)", **ticks, **more)


def spectrogram(samples: np.ndarray, sample_rate: int, ax: Axes | None = None) -> Axes:
    """Draw a mel spectrogram (128 bands) of a waveform, in dB below its maximum.

    Notebook: 01_audio_tagging
    """
    import librosa

    samples, sample_rate = _waveform(samples, sample_rate)
    hop, seconds = sample_rate // 100, len(samples) / sample_rate
    power = librosa.feature.melspectrogram(y=samples, sr=sample_rate, hop_length=hop, n_fft=4 * hop, n_mels=128).T
    levels = librosa.power_to_db(_columns(power), ref=np.max, top_db=70)
    bands = librosa.mel_frequencies(n_mels=128, fmax=sample_rate / 2)
    words = f"Mel spectrogram of {_seconds(seconds)} s: {_strongest(power, bands, hop / sample_rate)}."
    end, more = len(power) * hop / sample_rate, {"bar": ("dB", (-70, -35, 0)), "xlim": (0, seconds)}
    return _bands(ax, levels, bands, end, words, **more)


def log_mel(spectrogram: np.ndarray, hop: float = 0.01, ax: Axes | None = None) -> Axes:
    """Draw YAMNet's log-mel spectrogram, shape (n_frames, 64), a frame every ``hop`` seconds.

    The y axis counts the bands, from 0 to 63, and names their frequencies.

    Notebook: 04_sound_event_detection, 07_distillation
    """
    values, seconds = np.asarray(spectrogram), len(spectrogram) * hop
    mel = np.linspace(2595 * np.log10(1 + 125 / 700), 2595 * np.log10(1 + 7500 / 700), 66)[1:-1]
    bands = 700 * (10 ** (mel / 2595) - 1)  # YAMNet's, equally wide in mel
    strongest = _strongest(np.exp(values), bands, hop)  # of magnitudes, not of their logarithms
    return _bands(ax, _columns(values), bands, seconds, f"Log-mel spectrogram of {_seconds(seconds)} s: {strongest}.")


def top_scores(labels: Sequence[str], scores: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw scores in [0, 1] as horizontal bars, the highest on top, each below its name.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 07_distillation
    """
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    names, values = [str(list(labels)[i]) for i in order], np.asarray(scores, float)[order]
    ax, rows = _rows(ax, names, 35, above=True)
    ax.set_yticklabels(_short(names, max(18, int(10 * ax.bbox.width / ax.figure.dpi))))  # 10 letters an inch
    bars = ax.barh(rows, values, height=0.3, color=CURVES[0])
    ax.bar_label(bars, _written(values), padding=4)
    _few(ax, x=6)
    return _describe(ax, f"Scores, highest first: {_listed(_ranked(names, values))}.", xlabel="score")


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
    labels, peaks = list(labels), []
    scores, (hop,) = score_array(scores, labels), check_lengths(hop=hop)
    for column in np.argsort(-scores.max(axis=0, initial=0), kind="stable"):
        values = scores[:, column]
        active = np.r_[False, values > values.max(initial=0) / 2, False]
        edges = [_seconds(offset + i * hop) for i in np.flatnonzero(np.diff(active))]
        spans = [f"{start} to {end}" for start, end in zip(edges[::2], edges[1::2], strict=True)]
        when = _listed(spans) if len(spans) < 3 else f"{len(spans)} times from {edges[0]} to {edges[-1]}"
        peaks.append(f"{labels[column]} {values.max(initial=0):.3g} ({when})")
    words = f"Highest score by class, and in seconds when it is over half of that: {_listed(peaks, 6)}."
    extent = (offset, offset + len(scores) * hop, len(labels) - 0.5, -0.5)
    ax, _ = _rows(ax, _short(labels), 21.6, lines=0.7)
    seen, look = _columns(scores, np.max, 400), {"cmap": "cividis", "vmin": 0, "vmax": 1}  # no peak is lost
    return _image(ax, seen, extent, words, look, ("score", (0, 0.5, 1)))


def embedding(vector: np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw the values of one embedding, shape (n_dimensions,), in their order.

    Notebook: 01_audio_tagging
    """
    ax, vector = _axes(ax, height=2.0), np.asarray(vector)
    _envelope(ax, np.arange(len(vector)), vector)
    highest = f"the highest, {np.max(vector):.3g}, is dimension {np.argmax(vector)}"
    words = f"Embedding of {len(vector)} values: {np.mean(vector == 0):.0%} are 0; {highest}."
    _few(ax, y=4)
    return _describe(ax, words, xlabel="dimension", ylabel="value", xlim=(0, len(vector)))


def histogram(
    values: Sequence[float], *, bins: int | Sequence[float], xlabel: str, ylabel: str = "events", ax: Axes | None = None
) -> Axes:
    """Draw how many of the values lie in each bin.

    Notebook: 06_better_detector

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
    counts, edges, _ = ax.hist(values, bins=bins, color=CURVES[0], rwidth=0.9)
    _few(ax, x=6, y=4)
    words, i = "no values", counts.argmax()
    if len(values):
        words = f"most, {counts[i]:g}, from {edges[i]:.3g} to {edges[i + 1]:.3g}; half of them are below "
        words += f"{np.median(values):.3g}, all from {values.min():.3g} to {values.max():.3g}"
    return _describe(ax, f"Histogram of {len(values)} {ylabel} by {xlabel}: {words}.", xlabel=xlabel, ylabel=ylabel)


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

    Notebook: 04_sound_event_detection, 05_how_sure, 06_better_detector, 07_distillation

    Parameters
    ----------
    table : pandas.DataFrame
        A curve a column; the name of the index is the label of the x axis. Without ``yerr``, a
        curve passes over missing values.
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
    if (count := len(names) + len(levels)) > 6:
        raise ValueError(f"{count} curves are too many to tell apart; six are the most. Draw some thin: thin=[...].")
    ax, every, ends = _axes(ax, height=2.9), 1 + len(table) // 25, []
    for i, name in enumerate(names):
        look = {"color": CURVES[i], "marker": "os^Dv"[i % 5], "linestyle": ("-", "--", ":", "-.")[i % 4]}
        known = table[name].dropna() if yerr is None else table[name]
        ax.errorbar(known.index, known, yerr, label=name, capsize=4, markevery=every, **look)
        if len(known := known.dropna()) and names != [ylabel]:
            ends.append((name, known.iloc[-1], CURVES[i]))
    ax.plot(table.index, table[list(thin)], color=CURVES[len(names) - 1], alpha=0.4, linewidth=1, zorder=1)
    for i, (name, value) in enumerate(levels.items()):
        ax.axhline(value, label=name, color=INK, linestyle=("--", ":", "-.")[i % 3], linewidth=1.2, zorder=1)
        ends.append((name, value, INK))
    if ends:
        _name_ends(ax, ends)
    _few(ax, whole=table.index.dtype.kind == "i", x=8, y=5)
    ways = "; ".join(_way(name, table[name]) for name in names)
    words = f"{ylabel or 'Curves'} over {table.index.name or 'their index'}: {ways}."
    if yerr is not None:
        words += f" Error bars reach {np.min(yerr):.2g} to {np.max(yerr):.2g} to either side."
    if len(thin):
        words += f" Thin lines, each at its highest: {_listed(_ranked(thin, table[list(thin)].max()))}."
    if at:
        _line_at(ax, *at, linewidth=1, zorder=1)
    return _describe(ax, words, lines=int(at is not None), xlabel=table.index.name or "", ylabel=ylabel)


def learning_curves(history: object, measure: str = "loss", ax: Axes | None = None) -> Axes:
    """Draw a measure of training, and of validation if there was one, by epoch, from what Keras' ``fit`` returns.

    Notebook: 03_transfer_learning
    """
    import pandas as pd

    if measure not in history.history:
        raise KeyError(f"{measure!r} was not measured; there are {', '.join(history.history)}.")
    names = {measure: "training", f"val_{measure}": "validation"}
    table = pd.DataFrame.from_dict(history.history, orient="index").T.filter(names).rename(columns=names)
    return curves(table.set_index(1 + table.index).rename_axis("epoch"), _axes(ax, height=2.4), ylabel=measure)


def class_bars(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw accuracy by class, the highest on top, and the average as a line.

    ``table`` is as :func:`course_utils.evaluation.class_accuracy` returns it. If it has columns ``from`` and ``to``,
    they are drawn as intervals.

    Notebook: 03_transfer_learning
    """
    classes, average = table.drop(index="average"), table.loc["average", "accuracy"]
    classes = classes.sort_values("accuracy", ascending=False, kind="stable")
    values = classes["accuracy"].to_numpy(float)
    ax, rows = _rows(ax, _short(classes.index), 20.5, lines=1.2)
    ax.barh(rows, values, height=0.62, color=CURVES[0])
    if {"from", "to"} <= set(classes):
        ax.hlines(rows, classes["from"], classes["to"], color=INK, linewidth=1.5)
    _few(ax, x=6)
    _values_beside(ax, rows, values)
    _line_at(ax, average, f"average {average:.2f}", CURVES[1], linestyle="--")
    ranked = _listed(_ranked(classes.index, values))
    return _describe(ax, f"Accuracy by class, highest first: {ranked}.", xlabel="accuracy")


def confusion_matrix(matrix: pd.DataFrame | np.ndarray, ax: Axes | None = None) -> Axes:
    """Draw counts by true class (rows) and predicted class (columns); cells of 0 stay empty.

    Notebook: 03_transfer_learning
    """
    import pandas as pd
    import seaborn
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    table = pd.DataFrame(matrix)
    ax, counts, columns = _axes(ax, height=min(4.3, 1.4 + 0.29 * len(table))), table.to_numpy(), _short(table.columns)
    shades = [(0, CURVES[1], 0.5), (0.5, CURVES[1], 0.2), (0.5, CURVES[0], 0.2), (1, CURVES[0], 0.5)]
    colours = LinearSegmentedColormap.from_list("errors", [(at, to_rgba(one, alpha)) for at, one, alpha in shades])
    signed, most = np.where(np.eye(len(table)), counts, -counts), counts.max(initial=1)
    look = {"cmap": colours, "vmin": -most, "vmax": most, "linewidths": 0.8, "linecolor": to_rgba(INK, 0.15)}
    text = {"annot": counts, "fmt": "g", "annot_kws": {"color": INK, "va": "center_baseline"}}
    seaborn.heatmap(signed, mask=counts == 0, ax=ax, cbar=False, xticklabels=False, yticklabels=False, **look, **text)
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    places, wide = np.arange(len(table)) + 0.5, max(map(len, columns), default=0) * len(table) > 38
    ax.set_xticks(places, columns, **turned if wide else {})
    ax.set_yticks(places, _short(table.index))
    ax.tick_params(length=0)
    errors = sorted(np.argwhere(signed < 0), key=lambda cell: -counts[*cell])
    said = [f"{table.index[i]} taken for {table.columns[j]} {counts[i, j]}" for i, j in errors]
    words = f"{counts.trace()} of {counts.sum()} are on the diagonal. Errors: {_listed(said, 6)}."
    return _describe(ax, words, side="right", xlabel="predicted class", ylabel="true class")


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

    Notebook: 02_yamnet, 03_transfer_learning, 05_how_sure, 06_better_detector, 07_distillation

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

    table, low, high = (None if given is None else pd.DataFrame(given) for given in (table, low, high))
    if not table.size:
        raise ValueError("There is nothing to draw: the table has no rows, or no columns.")
    if table.shape[1] > 4:
        more = "Choose some, dot_plot(table[[...]]), or turn the table: dot_plot(table.T)."
        raise ValueError(f"{table.shape[1]} columns are too many for one picture; four are the most. {more}")
    if (low is None) != (high is None):
        raise ValueError("An interval has two ends: give both low and high, or neither.")
    intervals, ends = low is not None, (table, table) if low is None else (low, high)
    if any(end.shape != table.shape or not end.index.equals(table.index) for end in ends):
        shapes = f"{table.shape}, {low.shape} and {high.shape}"
        raise ValueError(f"low and high need the rows and the shape of the table; the shapes are {shapes}.")
    order = np.argsort(-table.iloc[:, 0].to_numpy(float), kind="stable") if sort else slice(None)
    values, low, high = (part.to_numpy(float)[order] for part in (table, *ends))
    names = [", ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in table.index[order]]
    n_columns, above, step = table.shape[1], max(map(len, names)) > 14, 11 if intervals else 7  # points
    band = step * (n_columns - 1) * intervals  # of the intervals of a row
    pitch = band + (36 if above else 15 if band else 21)
    ax, rows = _rows(ax, names, pitch, (n_columns > 1) + (baseline is not None), above)
    near = np.inf if intervals else 0.03 * np.ptp(values[~np.isnan(values)])
    places = rows[:, np.newaxis] + np.array([_apart(row, near) for row in values]) * step / pitch
    for i, name in enumerate(table):
        look = {"color": CURVES[i], "linestyle": "none", "markersize": 8, "clip_on": False}
        ax.hlines(places[:, i], low[:, i], high[:, i], color=CURVES[i], linewidth=2)
        ax.plot(values[:, i], places[:, i], "os^D"[i], label=str(name), **look)
    if n_columns == 1:
        _values_beside(ax, rows, values[:, 0], "+" if np.nanmin(low) < 0 else "")
    else:
        columns = n_columns if sum(len(str(name)) + 4 for name in table) < 50 else 2
        look = {"loc": "lower left", "bbox_to_anchor": (0, 1), "handlelength": 0.8, "labelcolor": "linecolor"}
        ax.legend(ncols=columns, borderaxespad=1.5 if baseline else 0.3, **look)
    for row in [] if intervals else rows:
        ax.axhline(row, color=INK, alpha=0.25, linewidth=0.8, zorder=0)
    ax.update_datalim([(0, 0)] * zero)
    _few(ax, x=5)
    lowest, highest = ax.dataLim.intervalx
    if baseline or lowest < 0 < highest:
        around = np.array([-7 - band / 2, 8 + band / 2]) / pitch  # a row, so not through the names above
        spans = 1 - (rows[:, np.newaxis] + 0.5 + around) / len(rows) if above else ((0, 1),)
        _line_at(ax, *(baseline or (0, "")), spans=spans, linewidth=1, zorder=0.5)
    ax.set_xlim(left=0 if zero else None)
    if zero and not above:
        ax.tick_params(axis="y", pad=10)  # a mark at 0 lies on the axis, and not on the name of its row
    said, cell = [], "{0} " * (n_columns > 1) + "{1:.3g}" + " ({2:.3g} to {3:.3g})" * intervals
    for name, *row in zip(names, values, low, high, strict=True):
        cells = [cell.format(*given) for given in zip(table, *row, strict=True) if not np.isnan(given[1])]
        said.append(f"{name} {'; '.join(cells) or 'none'}")
    return _describe(ax, f"Dots, {xlabel or 'values'}: {_listed(said, 12)}.", xlabel=xlabel)


def _apart(values: np.ndarray, near: float) -> np.ndarray:
    """Return how far down each dot of a row moves, in steps, so that those nearer than that do not collide."""
    order, steps = np.argsort(values, kind="stable"), np.zeros(len(values))
    for group in np.split(order, 1 + np.flatnonzero(~(np.diff(values[order]) <= near))):
        steps[np.sort(group)] = np.arange(len(group)) - (len(group) - 1) / 2
    return steps


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
    if len(rolls) > 4:
        raise ValueError(f"{len(rolls)} lists of events are too many for one picture. Draw at most four.")
    classes, (duration,) = list(classes), check_lengths(duration=duration)
    rolls = {name: Events.of(roll) for name, roll in rolls.items()}
    ax, rows = _rows(ax, _short(classes), max(21.6, 12.2 * len(rolls)), lines=1.2)
    hatched = map(_filled, (CURVES[0], CURVES[1], CURVES[3], CURVES[5]), HATCHES)
    looks = {name: _filled(CURVES[2]) if name in ("reference", "truth") else next(hatched) for name in rolls}
    for row, label in zip(rows, classes, strict=True):
        _bars(ax, rolls, label, (row - 0.4, 0.8), looks)
    _legend(ax, looks)
    words = " ".join(_spans(name, roll, classes, 16 // len(rolls)) for name, roll in rolls.items())
    return _describe(ax, words, xlabel="time (s)", xlim=(0, duration))


def _filled(colour: str, hatch: str = "") -> dict:
    """Return how a bar looks in a colour: plain, or of stripes with nothing between them."""
    return {"facecolor": "none" if hatch else colour, "edgecolor": colour, "hatch": hatch, "linewidth": 1}


def _bars(ax: Axes, rolls: Mapping[str, Events], label: str, place: tuple[float, float], looks: dict) -> None:
    """Draw the events of a class in each list as bars, one list after the other from ``place`` = (y, height)."""
    (y, height), n = place, len(rolls)
    for i, (name, roll) in enumerate(rolls.items()):
        spans = np.column_stack([roll.onsets, roll.offsets - roll.onsets])[roll.labels == label]
        ax.broken_barh(spans, (y + i * height / n, 0.94 * height / n), **looks[name])


def _legend(ax: Axes, looks: Mapping[str, dict]) -> None:
    """Name lists of events above the Axes, and draw lines at its seconds."""
    from matplotlib.patches import Patch

    marks = [Patch(label=name, **look) for name, look in looks.items()]
    ax.legend(handles=marks, ncols=len(marks), loc="lower right", bbox_to_anchor=(1, 1))
    ax.grid(axis="x")


def _that_matter(scores: np.ndarray, classes: list[str], threshold: float, rolls: Iterable[Events]) -> list[str]:
    """Return the classes that a picture of a detector shows, in their order.

    They are those of the events, then those with a score over the threshold, the highest first, six at most; without
    any, the three with the highest scores.
    """
    peaks = dict(zip(classes, scores.max(axis=0, initial=0), strict=True))
    named = {label for roll in rolls for label in roll.labels}
    ranked = sorted(classes, key=lambda label: (label not in named, -peaks[label]))
    over = [label for label in ranked if label in named or peaks[label] > threshold]
    return sorted(over[: max(6, len(named))] or ranked[:3], key=classes.index)


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
    hop, window = check_lengths(hop=hop, window=window)
    scores, names, threshold = check_scores(scores, classes, threshold)
    classes, threshold = list(names), float(threshold)
    given = {"system": events} if reference is None else {"reference": reference, "system": events}
    rolls = {name: Events.of(table, classes) for name, table in given.items()}
    hatches = {name: HATCHES[0] * (name == "system") for name in rolls}
    drawn = {name: scores[:, classes.index(name)] for name in _that_matter(scores, classes, threshold, rolls.values())}
    places = -0.18 - 0.2 * np.arange(len(drawn))  # of the rows of bars, below the scores
    ax = _axes(ax, height=2.5 - 1.3 * places[-1])
    times = np.arange(len(scores)) * hop + window / 2
    end = np.concatenate([[window], times + window / 2, *(roll.offsets for roll in rolls.values())]).max()
    levels = {level: f"{level:g}" for level in (1, 0) if abs(level - threshold) > 0.14}
    levels[threshold] = f"threshold {threshold:.2f}"
    ax.set_yticks([*levels, *places], [*levels.values(), *_short(drawn)])
    for i, (label, own) in enumerate(drawn.items()):
        look = {"color": CURVES[i % len(CURVES)], "marker": "os^DvPX"[i % 7]}
        dash = {"linestyle": ("-", "--")[i // len(CURVES) % 2], "linewidth": 1.5, "markersize": 5}
        ax.plot(times, own, label=label, markevery=1 + len(scores) // 60, **look, **dash)
        ax.plot([-0.025], places[[i]], transform=ax.get_yaxis_transform(), clip_on=False, markersize=7, **look)
        looks = {name: _filled(look["color"], hatch) for name, hatch in hatches.items()}
        _bars(ax, rolls, label, (places[i] + 0.086, -0.172), looks)
        ax.get_yticklabels()[len(levels) + i].set_color(look["color"])
    ax.axhline(threshold, color=INK, linestyle=":", linewidth=1.5, label="threshold")
    ax.axhline(0, color=INK, linewidth=0.8)
    _legend(ax, {name: _filled("#808080", hatch) for name, hatch in hatches.items()})
    ax.set(xlim=(0, end), ylim=(places[-1] - 0.1, 1.05))
    ax.tick_params(axis="y", length=0, pad=16)
    ax.spines["left"].set_bounds(0, 1)
    peaks = [f"{name} {own.max():.2g} at {_seconds(times[own.argmax()])} s" for name, own in drawn.items() if len(own)]
    said = [_spans(name, roll, classes, 8) for name, roll in rolls.items()]
    words = " ".join([f"Highest scores by class: {_listed(peaks, 8)}.", *said])
    return _describe(ax, words, xlabel="time (s)", ylabel="score")

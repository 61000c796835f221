"""One drawing per function: each takes ``ax=None``, draws one thing, and returns the Axes.

Colours and type are those of ``plt.style.use("course_utils.course")``, which the slides share. Each drawing also says
in words what it shows: :func:`in_words` returns them, and a notebook gives them to screen readers with the picture.
"""

import functools
import html
import itertools
import sys

import numpy as np

PARTS = ("at the beginning", "in the middle", "at the end")
MARKERS, STYLES = "os^Dv", ("-", "--", ":", "-.")


def _axes(ax, width: float = 10.0, height: float = 3.2):
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def in_words(drawing) -> str:
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
        sentences += [f"{ax.get_title()}:"] * bool(words and ax.get_title()) + words
    return " ".join(sentences)


def _describe(artist, words: str) -> None:
    """Keep the words with what was drawn, and have IPython, where it runs, show figures with their words."""
    artist.words = words
    if "IPython" not in sys.modules or not (shell := sys.modules["IPython"].get_ipython()):
        return
    from matplotlib.figure import Figure

    kinds = ("text/plain", "text/html", "image/png")
    plain, page, picture = (shell.display_formatter.formatters[kind] for kind in kinds)
    draw = picture.for_type(Figure)
    if draw and not page.for_type(Figure):  # neither twice, nor gone after %config InlineBackend
        page.for_type(Figure, functools.partial(_as_html, draw))
        picture.for_type(Figure, lambda figure: None if in_words(figure) else draw(figure))
        plain.for_type(Figure, lambda figure, printer, _: printer.text(in_words(figure) or repr(figure)))


def _as_html(draw, figure) -> str | None:
    words = in_words(figure)
    drawn = draw(figure) if words else None
    if drawn is None:
        return None
    data, size = drawn if isinstance(drawn, tuple) else (drawn, {})
    width = f' width="{size["width"]}"' if size else ""
    return f'<img alt="{html.escape(words)}" src="data:image/png;base64,{data}"{width} style="max-width: 100%">'


def _number(value) -> str:
    return f"{value:.4g}" if isinstance(value, int | float | np.number) else str(value)


def _seconds(value) -> str:
    return f"{round(float(value), 2):g}"


def _listed(items: list[str], most: int = 12) -> str:
    more = [f"and {len(items) - most} more"] if len(items) > most else []
    return ", ".join([*items[:most], *more]) or "none"


def _ranked(names, values) -> list[str]:
    pairs = [(value, name) for name, value in zip(names, values, strict=True) if not np.isnan(value)]
    return [f"{name} {value:.3g}" for value, name in sorted(pairs, key=lambda pair: -pair[0])]


def _strongest(levels: np.ndarray, bands, hop: float) -> str:
    """Say when levels, shape (n_frames, n_bands), are highest, and in which band by thirds of the time."""
    if not np.ptp(levels):
        return "the same everywhere"
    means = [part.mean(axis=0) for part in np.array_split(levels, 3) if len(part)]
    places = [
        f"{bands[mean.argmax()] if np.ptp(mean) else 'none'} {where}" for mean, where in zip(means, PARTS, strict=False)
    ]
    return f"loudest at {_seconds(levels.mean(axis=1).argmax() * hop)} s; strongest band {_listed(places)}"


def _way(name, values) -> str:
    """Say how the values of a Series go over its index: from where to where, by way of the highest and the lowest."""
    values = values.dropna()
    if values.empty:
        return f"{name} has no values"
    y = values.to_numpy()

    def point(i):
        which = "its highest " if y[i] == y.max() else "its lowest " if y[i] == y.min() else ""
        return f"{which}{y[i]:.3g} at {_number(values.index[i])}"

    if y.min() == y.max():
        return f"{name} is {y[0]:.3g} throughout"
    legs = [f"starts at {point(0)}"]
    for a, b in itertools.pairwise(sorted({0, y.argmin(), y.argmax(), len(y) - 1})):
        verb = "rises to" if y[b] > y[a] else "falls to" if y[b] < y[a] else "ends at"
        legs.append(f"{verb} {point(b)}")
    return f"{name} {', '.join(legs)}"


def waveform(samples: np.ndarray, sample_rate: int, ax=None):
    """Draw a waveform, shape (n_samples,), over time in seconds.

    Notebook: 01_audio_tagging
    """
    ax = _axes(ax, height=2.0)
    duration, size = len(samples) / sample_rate, np.abs(samples)
    (line,) = ax.plot(np.arange(len(samples)) / sample_rate, samples, color="C0", linewidth=0.5)
    ax.set(xlabel="time (s)", ylabel="amplitude", xlim=(0, duration))
    words = "silence"
    if size.any():
        peak, levels = size.argmax(), [np.mean(part**2.0) for part in np.array_split(size, 3) if len(part)]
        words = f"the largest amplitude, {size[peak]:.2g}, is at {_seconds(peak / sample_rate)} s"
        words += f"; the level is highest {PARTS[np.argmax(levels)]}"
    _describe(line, f"Waveform of {_seconds(duration)} s: {words}.")
    return ax


def spectrogram(samples: np.ndarray, sample_rate: int, ax=None):
    """Draw a mel spectrogram (128 bands) of a waveform, in dB below its maximum.

    Notebook: 01_audio_tagging
    """
    import librosa

    ax = _axes(ax)
    hop = sample_rate // 100
    power = librosa.feature.melspectrogram(y=samples, sr=sample_rate, hop_length=hop, n_fft=4 * hop, n_mels=128)
    bands = librosa.mel_frequencies(n_mels=128, fmax=sample_rate / 2)
    image = ax.imshow(
        librosa.power_to_db(power, ref=np.max, top_db=70),
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, power.shape[1] * hop / sample_rate, 0, len(bands)),
    )
    ticks = [hertz for hertz in (500, 1000, 2000, 4000, 8000, 16000) if hertz < sample_rate / 2]
    ax.set_yticks(np.interp(ticks, bands, np.arange(len(bands))), [f"{hertz / 1000:g}" for hertz in ticks])
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", xlim=(0, len(samples) / sample_rate))
    ax.figure.colorbar(image, ax=ax, label="level (dB)", pad=0.01)
    strongest = _strongest(power.T, [f"{hertz / 1000:.2g} kHz" for hertz in bands], hop / sample_rate)
    _describe(image, f"Mel spectrogram of {_seconds(len(samples) / sample_rate)} s: {strongest}.")
    return ax


def log_mel(spectrogram: np.ndarray, hop: float = 0.01, ax=None):
    """Draw YAMNet's log-mel spectrogram, shape (n_frames, 64), a frame every ``hop`` seconds.

    Notebook: 02_yamnet, 04_sound_event_detection, 05_distillation
    """
    ax = _axes(ax)
    image = ax.imshow(
        np.asarray(spectrogram).T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, len(spectrogram) * hop, -0.5, 63.5),
    )
    ax.set(xlabel="time (s)", ylabel="mel band")
    ax.figure.colorbar(image, ax=ax, label="log magnitude", pad=0.01)
    strongest = _strongest(np.asarray(spectrogram), range(64), hop)
    _describe(image, f"Log-mel spectrogram of {_seconds(len(spectrogram) * hop)} s: {strongest}.")
    return ax


def top_scores(labels, scores, ax=None):
    """Draw scores in [0, 1] as horizontal bars, the first on top.

    Notebook: 01_audio_tagging, 02_yamnet
    """
    ax = _axes(ax, height=0.8 + 0.42 * len(labels))
    bars = ax.barh(list(labels), scores, color="C0")
    ax.bar_label(bars, fmt="%.3f", padding=4)
    ax.invert_yaxis()
    ax.set(xlabel="score", xlim=(0, 1.1))
    _describe(bars, f"Scores, highest first: {_listed(_ranked(labels, scores))}.")
    return ax


def scores_over_time(scores: np.ndarray, labels, hop: float, ax=None, offset: float = 0.0):
    """Draw the scores of a few classes over time as an image.

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

    Notebook: 01_audio_tagging, 02_yamnet, 04_sound_event_detection
    """
    ax = _axes(ax, height=1.1 + 0.25 * len(labels))
    image = ax.imshow(
        np.asarray(scores).T,
        aspect="auto",
        interpolation="nearest",
        cmap="cividis",
        vmin=0,
        vmax=1,
        extent=(offset, offset + len(scores) * hop, len(labels) - 0.5, -0.5),
    )
    ax.set_yticks(range(len(labels)), labels)
    ax.set(xlabel="time (s)")
    ax.figure.colorbar(image, ax=ax, label="score", pad=0.01)
    peaks = []
    for column in np.argsort(-np.max(scores, axis=0, initial=0), kind="stable"):
        values = np.asarray(scores)[:, column]
        active = np.r_[False, values > values.max(initial=0) / 2, False]
        edges = [_seconds(offset + i * hop) for i in np.flatnonzero(np.diff(active))]
        spans = [f"{start} to {end}" for start, end in zip(edges[::2], edges[1::2], strict=True)]
        when = _listed(spans) if len(spans) < 3 else f"{len(spans)} times from {edges[0]} to {edges[-1]}"
        peaks.append(f"{list(labels)[column]} {values.max(initial=0):.3g} ({when})")
    _describe(image, f"Highest score by class, and in seconds when it is over half of that: {_listed(peaks, 6)}.")
    return ax


def embedding(vector: np.ndarray, ax=None):
    """Draw the values of one embedding, shape (n_dimensions,), in their order.

    Notebook: 01_audio_tagging
    """
    ax = _axes(ax, height=2.0)
    (line,) = ax.plot(vector, color="C0", linewidth=0.6)
    ax.set(xlabel="dimension", ylabel="value", xlim=(0, len(vector)))
    highest = f"the highest, {np.max(vector):.3g}, is dimension {np.argmax(vector)}"
    _describe(line, f"Embedding of {len(vector)} values: {np.mean(vector == 0):.0%} are 0; {highest}.")
    return ax


def curves(table, ax=None, ylabel: str = "", yerr=None, thin=()):
    """Draw the columns of a table as curves over its index, told apart by colour, marker and line style.

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

    Notebook: 03_transfer_learning, 04_sound_event_detection
    """
    names = [name for name in table if name not in set(thin)]
    if not names:
        raise ValueError("There is no curve to draw: every column is thin, or the table has none.")
    ax = _axes(ax, height=3.3)
    every = 1 + len(table) // 25
    for i, name in enumerate(names):
        look = {"color": f"C{i}", "marker": MARKERS[i % 5], "linestyle": STYLES[i % 4], "markevery": every}
        drawn = ax.errorbar(table.index, table[name], yerr, label=name, capsize=4, **look)
    ax.plot(table.index, table[list(thin)], color=f"C{len(names) - 1}", alpha=0.4, linewidth=1, zorder=1)
    ax.set(xlabel=table.index.name or "", ylabel=ylabel)
    ax.legend()
    words = [f"{ylabel or 'Curves'} over {table.index.name or 'their index'}"]
    words[0] += ": " + "; ".join(_way(name, table[name]) for name in names) + "."
    if yerr is not None:
        words.append(f"Error bars reach {np.min(yerr):.2g} to {np.max(yerr):.2g} to either side.")
    if len(thin):
        peaks = table[list(thin)].max()
        words.append(f"Thin lines, each at its highest: {_listed(_ranked(peaks.index, peaks))}.")
    _describe(drawn, " ".join(words))
    return ax


def learning_curves(history, measure: str = "loss", ax=None):
    """Draw a measure of training, and of validation if there was one, by epoch, from what Keras' ``fit`` returns.

    Notebook: 03_transfer_learning, 05_distillation
    """
    import pandas as pd

    if measure not in history.history:
        raise KeyError(f"{measure!r} was not measured; there are {', '.join(history.history)}.")
    keys = {"training": measure, "validation": f"val_{measure}"}
    known = {name: pd.Series(history.history[key]) for name, key in keys.items() if key in history.history}
    table = pd.DataFrame(known).rename(index=lambda i: i + 1).rename_axis("epoch")
    return curves(table, ax, ylabel=measure)


def class_bars(table, ax=None):
    """Draw accuracy by class, as :func:`course_utils.evaluation.class_accuracy` returns it, and the average as a line.

    Notebook: 03_transfer_learning
    """
    ax = _axes(ax, height=3.6)
    classes, average = table.drop(index="average"), table.loc["average", "accuracy"]
    bars = ax.bar(classes.index, classes["accuracy"], color="C0")
    ax.bar_label(bars, fmt="%.3g", padding=2, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    ax.axhline(average, color="C1", linestyle="--", label=f"average {average:.3f}")
    _describe(bars, f"Accuracy by class, highest first: {_listed(_ranked(classes.index, classes['accuracy']))}.")
    ax.set(ylabel="accuracy", ylim=(0, 1.12))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1))
    return ax


def confusion_matrix(matrix, ax=None):
    """Draw counts by true class (rows) and predicted class (columns).

    Notebook: 03_transfer_learning
    """
    import pandas as pd
    import seaborn as sns

    ax = _axes(ax, width=6.0, height=3.7)
    sns.heatmap(matrix, annot=True, fmt="g", cmap="Blues", cbar=False, square=True, linewidths=0.5, ax=ax)
    ax.tick_params(axis="x", rotation=90)
    counts = [(n, true, answer) for true, row in pd.DataFrame(matrix).iterrows() for answer, n in row.items()]
    right = sum(n for n, true, answer in counts if true == answer)
    wrong = sorted((c for c in counts if c[0] and c[1] != c[2]), key=lambda c: -c[0])
    words = _listed([f"{true} taken for {answer} {n}" for n, true, answer in wrong], 6)
    _describe(ax.collections[-1], f"{right} of {sum(c[0] for c in counts)} are on the diagonal. Errors: {words}.")
    return ax


def event_roll(rolls: dict, classes, duration: float, ax=None):
    """Draw lists of events on one time axis, one row a class, the lists above each other within the row.

    Parameters
    ----------
    rolls : dict of str to pandas.DataFrame
        Name of each list (for instance ``"reference"`` and ``"system"``) and its events: ``label``, ``onset`` and
        ``offset`` in seconds.
    classes : sequence of str
        The rows, the first on top.
    duration : float
        Length of the time axis in seconds.

    Notebook: 04_sound_event_detection
    """
    ax = _axes(ax, height=min(3.4, 1.1 + 0.45 * len(classes)))
    hatches = ("", "//", "..", "xx")
    height = 0.8 / len(rolls)
    for i, (name, events) in enumerate(rolls.items()):
        look = {"facecolor": f"C{i}", "hatch": hatches[i % len(hatches)], "edgecolor": "white"}
        for row, label in enumerate(classes):
            chosen = events[events["label"] == label]
            spans = list(zip(chosen["onset"], chosen["offset"] - chosen["onset"], strict=True))
            place = (row - 0.4 + i * height, height)
            ax.broken_barh(spans, place, **look)
        drawn = ax.broken_barh([], (0, 0), label=name, **look)
        shown = events[events["label"].isin(classes)].sort_values("onset")
        times = [f"{e.label} {_seconds(e.onset)} to {_seconds(e.offset)}" for e in shown.itertuples()]
        _describe(drawn, f"Events of {name} in seconds, {len(shown)}: {_listed(times, 16 // len(rolls))}.")
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="time (s)", xlim=(0, duration), ylim=(len(classes) - 0.5, -0.5))
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    ax.legend(ncols=len(rolls), loc="lower right", bbox_to_anchor=(1, 1))
    return ax

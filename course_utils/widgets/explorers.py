"""Explorers: lists to choose from and sliders to move."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import assets, audio, datasets, evaluation, models, plotting
from course_utils.events import Events, events_from_scores

from .shown import Shown, image, in_words, panel_of, show

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd

THRESHOLD = 'stroke="#1A1A1A" stroke-width="2" stroke-dasharray="2 4"'


def _some_clips() -> dict[str, Path]:
    """Return clips to try a tagger on, without any large download: the course's, and ten animals if they are there."""
    import pandas as pd

    found = {"speech, then whistling": assets.resolve("speech-whistling").path}
    found["a scene: speech, whistling, a siren"] = assets.embedded("clips/scene.ogg")
    firsts = pd.read_csv(assets.embedded("esc50_metadata.csv")).query("fold == 1").drop_duplicates("category")
    animals = datasets.clips(firsts.set_index("category")["filename"].loc[list(datasets.ANIMALS)])
    here = [(animal, clip) for animal, clip in zip(datasets.ANIMALS, animals, strict=True) if clip.has_audio]
    return found | {f"{animal} ({clip.name})": clip.path for animal, clip in here}


def compare_taggers(
    tagger: models.AudioTagging, yamnet: Any, clips: Mapping[str, str | Path] | None = None
) -> ipywidgets.VBox | None:
    """Show the five highest tags of a tagger and of YAMNet for a clip, side by side; a list lets choose the clip.

    Notebook: 02_yamnet

    Parameters
    ----------
    tagger : course_utils.models.AudioTagging
        Its ``name`` says which model speaks.
    yamnet : SavedModel
        As ``hub.load`` returns it; its scores are averaged over the windows.
    clips : dict of str to path, optional
        Name and file of each clip. By default those of the course, and an animal of each class where
        they are available.

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be moved.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    clips = clips or _some_clips()
    names = tagger.name, assets.resolve("yamnet").label
    labels = list(tagger.labels), models.class_names(yamnet)

    @cache
    def heard(clip: str) -> tuple[str, str]:
        waveform = audio.load(clips[clip], models.PANNS_RATE)
        padded = np.pad(waveform, (0, max(0, round(models.PANNS_MIN_SECONDS * models.PANNS_RATE) - len(waveform))))
        low = audio.load(clips[clip], models.YAMNET_RATE)
        both = tagger.inference(padded[np.newaxis])[0][0], yamnet(low)[0].numpy().mean(axis=0)
        with style.context("course_utils.course"):
            figure = Figure(figsize=(10, 3))
            for ax, name, side, scores in zip(figure.subplots(1, 2), names, labels, both, strict=True):
                best = np.argsort(scores)[::-1][:5]
                plotting.top_scores([side[i] for i in best], scores[best], ax=ax)
                ax.set_title(name, fontsize=10)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png")
        text = f"The five highest tags of {clip}. {plotting.in_words(figure)}"
        player = audio.play(waveform, models.PANNS_RATE, clip).data
        return player + image(buffer.getvalue(), "png", text), text

    def build(ipywidgets: Any) -> tuple:
        choose = ipywidgets.Dropdown(options=list(clips), description="clip")
        panel = panel_of(ipywidgets, "course-taggers", heard(choose.value)[0])
        choose.observe(lambda change: setattr(panel, "value", heard(change["new"])[0]), names="value")
        return choose, panel

    return show("taggers", Shown(*heard(next(iter(clips)))), build, to="choose another clip")


def _picture(
    times: np.ndarray, scores: np.ndarray, rows: Sequence[str], threshold: float, rolls: dict[str, Any], duration: float
) -> str:
    """Draw scores of windows, the threshold and the events below each other as SVG, in a few milliseconds.

    It is the picture of :func:`course_utils.plotting.detection`, which takes a hundred. What stays below the threshold
    is pale; ``times`` are those of the windows' centres, ``scores`` has a column for each of the ``rows``.
    """
    left, width, top, tall, height = 24 + 9 * max(map(len, [*rows, "0.5"])), 900, 48, 210, 26
    zero, bottom = top + tall, top + tall + 12 + height * len(rows)
    scale, colours = (
        (width - left - 20) / duration,
        [plotting.CURVES[i % len(plotting.CURVES)] for i in range(len(rows))],
    )
    hatches = "".join(
        f'<pattern id="course-hatch-{i}" width="7" height="7" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="7" height="7" fill="{colour}"/>'
        '<rect width="2.5" height="7" fill="#FFFFFF"/></pattern>'
        for i, colour in enumerate([*dict.fromkeys(colours), "#707070"])
    )
    grey = f"url(#course-hatch-{len(dict.fromkeys(colours))})"
    parts = [f'<defs>{hatches}</defs><rect width="{width}" height="{bottom + 45}" fill="#FFFFFF"/>']

    def line(x1: float, y1: float, x2: float, y2: float, more: str) -> str:
        return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {more}/>'

    def text(x: float, y: float, words: str, more: str = "") -> str:
        return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(words)}</text>'

    def bar(x: float, y: float, wide: float, high: float, fill: str, edge: str) -> str:
        size = f'width="{max(1.0, wide):.1f}" height="{high}"'
        return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{fill}" stroke="{edge}"/>'

    step = next(s for s in (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600) if duration <= 10 * s or s == 600)
    for time in np.arange(0, duration + 1e-9, step):
        x = left + time * scale
        parts += [
            line(x, top, x, bottom + 4, 'stroke="#DADADA"'),
            text(x, bottom + 19, f"{time:g}", 'text-anchor="middle"'),
        ]
    parts.append(text((left + width) / 2, bottom + 38, "time (s)", 'text-anchor="middle"'))
    for value in (0, 0.5, 1):
        parts.append(text(left - 8, zero - value * tall + 6, f"{value:g}", 'text-anchor="end"'))
    parts.append(f'<text transform="translate(16 {top + tall / 2:.0f}) rotate(-90)" text-anchor="middle">score</text>')
    keys = {"reference": "#707070", "system": grey}
    for x, (name, fill) in zip((width - 290, width - 160), keys.items(), strict=True):
        parts += [bar(x, 8, 24, 13, fill, "#707070"), text(x + 31, 20, name)]
    parts += [line(width - 460, 15, width - 430, 15, THRESHOLD), text(width - 422, 20, "threshold")]
    named = []
    for i, (row, values) in enumerate(zip(rows, scores.T, strict=True)):
        over = values.max(initial=0) > threshold
        points = " ".join(f"{left + t * scale:.1f},{zero - v * tall:.1f}" for t, v in zip(times, values, strict=True))
        dash = ' stroke-dasharray="7 4"' if i >= len(plotting.CURVES) else ""
        look = f'stroke-width="{2.4 if over else 1.2}" stroke-opacity="{1 if over else 0.35}"'
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colours[i]}" {look}{dash}/>')
        y = zero + 12 + height * i
        parts.append(text(left - 8, y + height / 2 + 4, row, f'text-anchor="end" fill="{colours[i]}"'))
        if over:
            x, peak = left + times[values.argmax()] * scale, zero - values.max() * tall
            x = min(max(x, left + 5 * len(row)), width - 20 - 5 * len(row))
            named.append(
                text(x, max(peak - 6, top - 3), row, f'text-anchor="middle" fill="{colours[i]}" font-size="14"')
            )
    fills = {
        "reference": colours,
        "system": [f"url(#course-hatch-{i % len(plotting.CURVES)})" for i in range(len(rows))],
    }
    for k, (name, given) in enumerate(rolls.items()):
        for label, onset, offset in zip(*Events.of(given), strict=True):
            i = rows.index(label)
            place = left + onset * scale, zero + 14 + height * i + 11 * k, (offset - onset) * scale, 10
            parts.append(bar(*place, fills[name][i], colours[i]))
    y = zero - threshold * tall
    axis = line(left, zero, width - 20, zero, 'stroke="#1A1A1A"') + line(
        left, bottom, width - 20, bottom, 'stroke="#1A1A1A"'
    )
    parts += [axis, line(left, y, width - 20, y, THRESHOLD), *named]
    words = html.escape(
        f"Scores over time, the threshold at {threshold:.2f}, and events. {in_words(rolls)}", quote=True
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" viewBox="0 0 {width} {bottom + 45}" '
        f'width="{width}" height="{bottom + 45}" font-family="sans-serif" font-size="16" fill="#1A1A1A" '
        f'style="max-width:100%;height:auto">{"".join(parts)}</svg>'
    )


def explore_detector(
    scores: np.ndarray, classes: Sequence[str], hop: float, soundscape: datasets.Soundscape, threshold: float
) -> ipywidgets.VBox | None:
    """Move threshold, window and hop of the simple detector, and see its scores, its events and its F-scores change.

    A longer window is scored by the mean over the windows of 0.96 s inside it, a longer hop takes every second, third,
    ... window. In each window the highest class counts, if it is over the threshold.

    Notebook: 04_sound_event_detection

    Parameters
    ----------
    scores : ndarray, shape (n_windows, n_classes)
        Scores in [0, 1] of windows of 0.96 s.
    classes : sequence of str
        Names of the classes, in the order of the scores.
    hop : float
        Seconds between the starts of two windows.
    soundscape : course_utils.datasets.Soundscape
        Whose scores these are; its ``reference`` is what should be found.
    threshold : float
        Where the slider stands at the start, in [0, 1].

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be moved.
    """
    scores, classes, longest = np.asarray(scores), list(classes), min(20, len(scores) - 1)  # up to 20 hops longer
    means = [np.lib.stride_tricks.sliding_window_view(scores, k + 1, axis=0).mean(axis=-1) for k in range(longest + 1)]
    true = set(soundscape.reference["label"])
    shown = {classes[i] for mean in means for i in set(mean.argmax(axis=1))} | true
    all_rows = sorted(shown, key=lambda label: (label not in true, classes.index(label)))

    def detect(value: float, window: float, step: float, every_row: bool = True) -> tuple[str, str, str]:
        k, every = round((window - models.YAMNET_WINDOW) / hop), round(step / hop)
        kept = means[k][::every]
        found = events_from_scores(kept, classes, every * hop, window, value)
        measures = evaluation.sed_metrics(soundscape.reference, found, classes, soundscape.duration)
        measures = measures[["F-score", "precision", "recall"]].map(lambda x: "–" if np.isnan(x) else f"{x:.2f}")
        rolls = {"reference": soundscape.reference, "system": found}
        table = measures.to_html(border=0).replace("<table", '<table style="text-align:right"', 1)
        words = f"{in_words(rolls)}\n{measures.to_string()}"
        centres = np.arange(len(kept)) * every * hop + window / 2
        rows = [row for row in all_rows if every_row or row in true | set(found["label"])]
        columns = [classes.index(row) for row in rows]
        drawn = _picture(centres, kept[:, columns], rows, value, rolls, soundscape.duration)
        return drawn, table, words

    start = threshold, models.YAMNET_WINDOW, 5 * hop
    drawn, table, words = detect(*start, every_row=False)
    alt = f"Scores over time, the threshold at {threshold:.2f}, and events. {words.splitlines()[0]}"
    picture = image(drawn.encode(), "svg+xml", alt, "width:100%;max-width:1100px")
    setting = f"Threshold {start[0]:.2f}, windows of {start[1]:.2f} s, a hop of {start[2]:.2f} s:"

    def build(ipywidgets: Any) -> tuple:
        limits = {
            "threshold": (0, 0.99, 0.01, ".2f"),
            "window (s)": (models.YAMNET_WINDOW, models.YAMNET_WINDOW + longest * hop, hop, ".3f"),
            "hop (s)": (hop, 10 * hop, hop, ".3f"),
        }
        sliders = [
            ipywidgets.FloatSlider(
                value, min=low, max=high, step=step, readout_format=digits, description=name, layout={"width": "30em"}
            )
            for value, (name, (low, high, step, digits)) in zip(start, limits.items(), strict=True)
        ]
        panels = panel_of(ipywidgets, "course-roll", detect(*start)[0]), panel_of(ipywidgets, "course-f-score", table)

        def update(_):
            panels[0].value, panels[1].value, _ = detect(*(slider.value for slider in sliders))

        for slider in sliders:
            slider.observe(update, names="value")
        return *sliders, *panels

    static = Shown(f'<p style="margin:0">{setting}</p>{picture}{table}', f"{setting}\n{words}")
    return show("detector", static, build, to="move the sliders")


def explore_errors(
    errors: pd.DataFrame, clips: pd.DataFrame, embeddings: np.ndarray, training: Sequence[bool], n: int = 3
) -> ipywidgets.VBox | None:
    """Hear and see a clip that was classified wrongly beside its nearest training clips.

    Near is a high cosine between the embeddings of two clips, averaged over their windows. The pictures are log-mel
    spectrograms of their two loudest windows, as :func:`course_utils.datasets.teacher_outputs` keeps them.

    Notebook: 03_transfer_learning

    Parameters
    ----------
    errors : pandas.DataFrame
        Columns ``filename``, ``category`` and ``predicted`` of the clips to choose from.
    clips : pandas.DataFrame
        Columns ``filename`` and ``category`` of all ESC-50 animal clips.
    embeddings : ndarray, shape (n_clips, n_dimensions) or (n_clips, n_windows, n_dimensions)
        Of all clips; averaged over the windows with sound, since in the mean of all windows silence is what is alike.
    training : array_like of bool, shape (n_clips,)
        Which clips the classifier was trained on.
    n : int
        How many of them to show.

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be moved, or nothing is wrong.
    """
    if not len(errors):
        print("No clip was classified wrongly: there is nothing to explore.")
        return None
    means = np.asarray(embeddings)
    means = means.mean(axis=1) if means.ndim == 3 else means
    means = means / np.linalg.norm(means, axis=1, keepdims=True).clip(1e-9)
    training, filenames, categories = (list(x) for x in (training, clips["filename"], clips["category"]))
    log_mel, _, kept = datasets.teacher_outputs()
    low, high = log_mel.min(), log_mel.max()

    def picture(filename: str) -> str:
        from matplotlib.image import imsave

        patches = [np.pad(p, ((0, 4), (0, 0)), constant_values=np.nan) for p in log_mel[kept["filename"] == filename]]
        buffer = io.BytesIO()
        imsave(buffer, np.concatenate(patches)[:-4].T, cmap="magma", origin="lower", vmin=low, vmax=high, format="png")
        alt = f"Log-mel spectrograms of the two loudest windows of {filename}"
        return image(buffer.getvalue(), "png", alt, "display:block;width:196px;height:96px")

    def card(filename: str, label: str, line_without: bool) -> str:
        waveform = datasets.load_clip(filename)
        caption = f'<p style="margin:0">{html.escape(label)}</p>'
        player = audio.play(waveform, 16000, label).data if waveform is not None or line_without else caption
        return f'<div style="max-width:310px">{picture(filename)}{player}</div>'

    def label_of(error) -> str:
        return f"{error.category}, taken for {error.predicted} ({error.filename})"

    @cache
    def compared(row: int) -> tuple[str, str]:
        error = errors.iloc[row]
        cosines = np.where(training, means @ means[filenames.index(error.filename)], -np.inf)
        nearest = [i for i in np.argsort(cosines)[::-1][:n] if np.isfinite(cosines[i])]
        labels = [f"{categories[i]}, cosine {cosines[i]:.3f} ({filenames[i]})" for i in nearest]
        cards = [card(filenames[i], text, False) for i, text in zip(nearest, labels, strict=True)]
        page = (
            f"<p><strong>The test clip</strong></p>{card(error.filename, label_of(error), True)}"
            "<p><strong>Its nearest training clips</strong></p>"
            f'<div style="display:flex;flex-wrap:wrap;gap:1em">{"".join(cards)}</div>'
        )
        return page, "\n".join([label_of(error), *(f"  near: {text}" for text in labels)])

    def build(ipywidgets: Any) -> tuple:
        options = [(label_of(error), i) for i, error in enumerate(errors.itertuples())]
        choose = ipywidgets.Dropdown(options=options, description="clip", layout={"width": "40em"})
        panel = panel_of(ipywidgets, "course-errors", compared(0)[0])
        choose.observe(lambda change: setattr(panel, "value", compared(change["new"])[0]), names="value")
        return choose, panel

    return show("errors", Shown(*compared(0)), build, to="choose another clip")

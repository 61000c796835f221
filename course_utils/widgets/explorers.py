"""Explorers: lists to choose from and sliders to move."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from course_utils import assets, audio, datasets, evaluation, models
from course_utils.events import Events, events_from_scores

from . import drawing
from .drawing import CLASSES
from .shown import Shown, image, in_words, panel_of, show, table

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd


def _some_clips() -> dict[str, Path]:
    """Return clips to try a tagger on, without any large download: the course's, and ten animals if they are there."""
    import pandas as pd

    found = {"speech, then whistling": assets.resolve("speech-whistling").path}
    found["a scene: speech, whistling, a siren"] = assets.embedded("clips/scene.ogg")
    firsts = pd.read_csv(assets.embedded("esc50_metadata.csv")).query("fold == 1").drop_duplicates("category")
    animals = datasets.clips(firsts.set_index("category")["filename"].loc[list(datasets.ANIMALS)])
    here = [(animal, clip) for animal, clip in zip(datasets.ANIMALS, animals, strict=True) if clip.has_audio]
    return found | {f"{animal} ({clip.name})": clip.path for animal, clip in here}


def _tags(lists: Sequence[tuple[str, list[tuple[str, float]]]], words: str) -> Markup:
    """Draw lists of tags side by side as SVG, names above bars of one scale, whole even if they take two lines."""
    gap, parts, bottom = 36, [], 0.0
    column = (drawing.WIDTH - gap * (len(lists) - 1)) / len(lists)
    room, most = column - 10 - drawing.extent("0.000"), max(score for _, tags in lists for _, score in tags) or 1.0
    titles = [drawing.lines(name, column, 3, bold=True) for name, _ in lists]
    for k, ((_, tags), title) in enumerate(zip(lists, titles, strict=True)):
        x, y = k * (column + gap), 22.0 + 24 * (max(map(len, titles)) - len(title))
        for i, row in enumerate(title):
            parts.append(drawing.text(x, y := y + 24 * bool(i), row, Markup('font-weight="600"')))
        for label, score in tags:
            y += 6
            for row in drawing.lines(label, column, 2):
                parts.append(drawing.text(x, y := y + 24, row))
            parts.append(drawing.bar(x, y + 7, score / most * room, 16, drawing.SYSTEM))
            parts.append(drawing.text(x + 10 + score / most * room, y := y + 22, f"{score:.3f}"))
        bottom = max(bottom, y)
    return drawing.svg(parts, bottom + 8, words)


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
    clips = clips or _some_clips()
    names = tagger.name, assets.resolve("yamnet").label
    labels = list(tagger.labels), models.class_names(yamnet)

    @cache
    def heard(clip: str) -> tuple[Markup, str]:
        waveform = audio.load(clips[clip], models.PANNS_RATE)
        padded = np.pad(waveform, (0, max(0, round(models.PANNS_MIN_SECONDS * models.PANNS_RATE) - len(waveform))))
        low = audio.load(clips[clip], models.YAMNET_RATE)
        both = tagger.inference(padded[np.newaxis])[0][0], yamnet(low)[0].numpy().mean(axis=0)
        best = [np.argsort(scores)[::-1][:5] for scores in both]
        lists = [
            (name, [(side[i], float(scores[i])) for i in order])
            for name, side, scores, order in zip(names, labels, both, best, strict=True)
        ]
        ranked = [(name, ", ".join(f"{label} {score:.3g}" for label, score in top)) for name, top in lists]
        said = " ".join(f"{name}: Scores, highest first: {scores}." for name, scores in ranked)
        text = f"The five highest tags of {clip}. {said}"
        return escape(audio.play(waveform, models.PANNS_RATE, clip)) + _tags(lists, text), text

    def build(ipywidgets: Any) -> tuple:
        choose = ipywidgets.Dropdown(options=list(clips), description="clip")
        panel = panel_of(ipywidgets, "course-taggers", heard(choose.value)[0])
        choose.observe(lambda change: setattr(panel, "value", str(heard(change["new"])[0])), names="value")
        return choose, panel

    return show("taggers", Shown(*heard(next(iter(clips)))), build, to="choose another clip")


def _picture(
    times: np.ndarray, scores: np.ndarray, rows: Sequence[str], threshold: float, rolls: dict[str, Any], duration: float
) -> Markup:
    """Draw scores of windows, the threshold and the events below each other as SVG, in a few milliseconds.

    It is the picture of :func:`course_utils.plotting.detection`, which takes a hundred. What stays below the threshold
    is pale; ``times`` are those of the windows' centres, ``scores`` has a column for each of the ``rows``.
    """
    names = [drawing.lines(row, 160)[0] for row in rows]
    left, right, top, tall, height = 14 + max(map(drawing.extent, [*names, "score"])), drawing.WIDTH - 20, 58, 124, 28
    zero, bottom = top + tall, top + tall + 10 + height * len(rows)
    scale, looks = (right - left) / duration, drawing.look_of(rolls)
    parts = drawing.time_axis(left, right, top, bottom, duration)
    parts.append(drawing.text(left - 10, top - 19, "score", drawing.END))
    for value in (0, 0.5, 1):
        parts.append(drawing.text(left - 10, zero - value * tall + 7, f"{value:g}", drawing.END))
    marks = {name: drawing.bar(0, 0, 28, 14, *look) for name, look in looks.items()}
    parts += drawing.legend({"threshold": drawing.line(0, 7, 28, 7, drawing.THRESHOLD)} | marks, right)
    over = []
    for i, values in enumerate(scores.T):
        colour, is_over = CLASSES[i % len(CLASSES)], values.max(initial=0) > threshold
        points = " ".join(f"{left + t * scale:.1f},{zero - v * tall:.1f}" for t, v in zip(times, values, strict=True))
        curve = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-opacity="{}"{}/>')
        dash = Markup(' stroke-dasharray="{}"').format(drawing.DASHES[i // len(CLASSES) % 3])
        look = (2.5, 1) if is_over else (1.5, 0.35)
        parts.append(curve.format(points, colour, *look, dash if i >= len(CLASSES) else ""))
        look = Markup("{} {}").format(drawing.END, drawing.ink(colour))
        parts.append(drawing.text(left - 10, zero + 10 + height * (i + 0.5) + 7, names[i], look))
        if is_over:
            over.append((values.max(), left + times[values.argmax()] * scale, i))
    taken = []  # by the names at the peaks, the highest first
    for peak, x, i in sorted(over, reverse=True):
        half = drawing.extent(names[i]) / 2
        x, y = min(max(x, left + half), right - half), zero - peak * tall - 7
        if all(abs(x - x2) > half + half2 or abs(y - y2) > 19 for x2, y2, half2 in taken):
            taken.append((x, y, half))
            look = Markup("{} {}").format(drawing.MIDDLE, drawing.ink(CLASSES[i % len(CLASSES)]))
            parts.append(drawing.text(x, y, names[i], look))
    for k, (name, given) in enumerate(rolls.items()):
        for label, onset, offset in zip(*Events.of(given), strict=True):
            place = left + onset * scale, zero + 14 + height * rows.index(label) + 12 * k
            parts.append(drawing.bar(*place, (offset - onset) * scale, 11, *looks[name]))
    y = zero - threshold * tall
    parts += [drawing.line(left, zero, right, zero, drawing.AXIS), drawing.line(left, y, right, y, drawing.THRESHOLD)]
    words = f"Scores over time, the threshold at {threshold:.2f}, and events. {in_words(rolls)}"
    return drawing.svg(parts, bottom + 52, words)


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

    def detect(value: float, window: float, step: float, every_row: bool = True) -> tuple[Markup, Markup, str]:
        k, every = round((window - models.YAMNET_WINDOW) / hop), round(step / hop)
        kept = means[k][::every]
        found = events_from_scores(kept, classes, every * hop, window, value)
        measures = evaluation.sed_metrics(soundscape.reference, found, classes, soundscape.duration)
        measures = measures[["F-score", "precision", "recall"]].map(lambda x: "–" if np.isnan(x) else f"{x:.2f}")
        rolls = {"reference": soundscape.reference, "system": found}
        numbers = table(measures).replace(Markup("<table"), Markup('<table style="text-align:right"'), 1)
        words = f"{in_words(rolls)}\n{measures.to_string()}"
        centres = np.arange(len(kept)) * every * hop + window / 2
        rows = [row for row in all_rows if every_row or row in true | set(found["label"])]
        columns = [classes.index(row) for row in rows]
        drawn = _picture(centres, kept[:, columns], rows, value, rolls, soundscape.duration)
        return drawn, numbers, words

    start = threshold, models.YAMNET_WINDOW, 5 * hop
    picture, numbers, words = detect(*start, every_row=False)
    setting = f"Threshold {start[0]:.2f}, windows of {start[1]:.2f} s, a hop of {start[2]:.2f} s:"

    def build(ipywidgets: Any) -> tuple:
        limits = {
            "threshold": (0, 0.99, 0.01, ".2f"),
            "window (s)": (models.YAMNET_WINDOW, models.YAMNET_WINDOW + longest * hop, hop, ".3f"),
            "hop (s)": (hop, 10 * hop, hop, ".3f"),
        }
        sliders = [
            ipywidgets.FloatSlider(
                value,
                min=low,
                max=high,
                step=step,
                readout_format=digits,
                description=name,
                layout={"width": "100%", "max_width": "30em"},
            )
            for value, (name, (low, high, step, digits)) in zip(start, limits.items(), strict=True)
        ]
        panels = panel_of(ipywidgets, "course-roll", detect(*start)[0]), panel_of(ipywidgets, "course-f-score", numbers)

        def update(_):
            panels[0].value, panels[1].value, _ = map(str, detect(*(slider.value for slider in sliders)))

        for slider in sliders:
            slider.observe(update, names="value")
        return *sliders, *panels

    page = Markup('<p style="margin:0">{}</p>{}{}').format(setting, picture, numbers)
    return show("detector", Shown(page, f"{setting}\n{words}"), build, to="move the sliders")


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

    def picture(filename: str) -> Markup:
        from matplotlib.image import imsave

        patches = [np.pad(p, ((0, 4), (0, 0)), constant_values=np.nan) for p in log_mel[kept["filename"] == filename]]
        buffer = io.BytesIO()
        imsave(buffer, np.concatenate(patches)[:-4].T, cmap="magma", origin="lower", vmin=low, vmax=high, format="png")
        alt = f"Log-mel spectrograms of the two loudest windows of {filename}"
        return image(buffer.getvalue(), "png", alt, "display:block;width:196px;height:96px")

    def card(filename: str, label: str, line_without: bool) -> Markup:
        waveform = datasets.load_clip(filename)
        player = Markup('<p style="margin:0">{}</p>').format(label)
        if waveform is not None or line_without:
            player = escape(audio.play(waveform, 16000, label))
        return Markup('<div style="max-width:310px">{}{}</div>').format(picture(filename), player)

    def label_of(error) -> str:
        return f"{error.category}, taken for {error.predicted} ({error.filename})"

    @cache
    def compared(row: int) -> tuple[Markup, str]:
        error = errors.iloc[row]
        cosines = np.where(training, means @ means[filenames.index(error.filename)], -np.inf)
        nearest = [i for i in np.argsort(cosines)[::-1][:n] if np.isfinite(cosines[i])]
        labels = [f"{categories[i]}, cosine {cosines[i]:.3f} ({filenames[i]})" for i in nearest]
        cards = [card(filenames[i], text, False) for i, text in zip(nearest, labels, strict=True)]
        page = Markup(
            "<p><strong>The test clip</strong></p>{}<p><strong>Its nearest training clips</strong></p>"
            '<div style="display:flex;flex-wrap:wrap;gap:1em">{}</div>'
        ).format(card(error.filename, label_of(error), True), Markup().join(cards))
        return page, "\n".join([label_of(error), *(f"  near: {text}" for text in labels)])

    def build(ipywidgets: Any) -> tuple:
        options = [(label_of(error), i) for i, error in enumerate(errors.itertuples())]
        choose = ipywidgets.Dropdown(options=options, description="clip", layout={"width": "100%", "max_width": "40em"})
        panel = panel_of(ipywidgets, "course-errors", compared(0)[0])
        choose.observe(lambda change: setattr(panel, "value", str(compared(change["new"])[0])), names="value")
        return choose, panel

    return show("errors", Shown(*compared(0)), build, to="choose another clip")

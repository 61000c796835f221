"""Things to open and to move: questions, explorers with sliders, and your own sound.

A question is plain HTML and works in every page. An explorer needs a running notebook; a picture of how it stands at
the start is shown beside it, for pages and slides, and hides where the explorer itself appears.
"""

from __future__ import annotations

import base64
import html
import io
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import assets, audio, datasets, evaluation, models, plotting
from course_utils.events import Events, events_by_class, events_from_scores
from course_utils.models.yamnet import REACH, STEP

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd

COLOURS = ("#0072B2", "#D55E00")
"""The first two colours of ``course.mplstyle``."""


class Shown:
    """Something that a notebook shows as HTML, and a terminal as text."""

    def __init__(self, page: str, text: str):
        self.page, self.text = page, text

    def _repr_html_(self) -> str:
        return self.page

    def __repr__(self) -> str:
        return self.text


# --- questions ---


def quizzes() -> dict[str, dict]:
    """Return the questions by name: ``question`` and ``choices``, each with ``text``, ``right`` and ``why``."""
    return tomllib.loads(Path(__file__).with_name("quizzes.toml").read_text(encoding="utf-8"))


def _rich(text: str) -> str:
    """Return text as HTML, what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def quiz(name: str, choice: str | None = None) -> Shown:
    """Ask a question with choices; opening one tells whether it is right, and why.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 04_sound_event_detection, 05_distillation

    Parameters
    ----------
    name : str
        A key of ``quizzes.toml``.
    choice : str, optional
        The letter of the choice to open, for where nothing can be clicked.

    Raises
    ------
    ValueError
        If there is no such question, or no such choice.
    """
    if name not in (known := quizzes()):
        raise ValueError(f"There is no question {name!r}; there are {', '.join(known)}.")
    asked = known[name]
    choices = dict(zip("abcdefgh", asked["choices"], strict=False))
    if choice is not None and choice not in choices:
        raise ValueError(f"The question {name!r} has no choice {choice!r}; there are {', '.join(choices)}.")
    title, rows, lines = html.escape(asked["question"].replace("`", ""), quote=True), [], [asked["question"]]
    for letter, entry in choices.items():
        verdict = "✓ Right." if entry["right"] else "✗ Not so."
        rows.append(
            f'<details name="quiz-{html.escape(name, quote=True)}"{" open" if letter == choice else ""} '
            'style="margin:0.3em 0;padding:0.35em 0.7em;border:1px solid rgba(128,128,128,0.6);border-radius:4px">'
            f'<summary style="cursor:pointer">{letter}) {_rich(entry["text"])}</summary>'
            f'<p style="margin:0.4em 0 0.1em"><strong>{verdict}</strong> {_rich(entry["why"])}</p></details>'
        )
        lines.append(f"{letter}) {entry['text']}")
    if choice is None:
        lines.append(f"To see what a choice means: widgets.quiz({name!r}, 'a')")
    else:
        entry = choices[choice]
        lines = [f"{choice}) {entry['text']}", f"{'Right.' if entry['right'] else 'Not so.'} {entry['why']}"]
    page = (
        f'<div class="course-quiz" role="group" aria-label="{title}" style="max-width:50em;margin:0.5em 0">'
        f'<p style="margin:0 0 0.4em"><strong>{_rich(asked["question"])}</strong></p>{"".join(rows)}</div>'
    )
    return Shown(page, "\n".join(lines))


# --- what explorers are made of ---


def _has_front_end() -> bool:
    """Return whether a notebook's kernel runs this, so that widgets can be moved."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _show(name: str, static: Shown, build: Callable[[Any], Iterable]) -> ipywidgets.VBox | None:
    """Show the static state of an explorer, and return the explorer for the cell to show; None if nothing can move."""
    from IPython.display import display

    note = "As it stands at the start; in JupyterLab and Colab it moves."
    page = f'<div class="course-static-{name}">{static.page}<p class="course-note"><em>{note}</em></p></div>'
    display(Shown(page, static.text))
    if not _has_front_end():
        print("Nothing can be moved here: open the notebook in JupyterLab or Colab and run this cell.")
        return None
    import ipywidgets

    hide = ipywidgets.HTML(f"<style>.course-static-{name} {{ display: none }}</style>")
    hide.layout.display = "none"
    return ipywidgets.VBox([hide, *build(ipywidgets)])


def _panel(ipywidgets: Any, name: str, value: str = "") -> ipywidgets.HTML:
    """Return a widget that shows HTML, under a class by which tests and styles find it."""
    panel = ipywidgets.HTML(value)
    panel.add_class(name)
    return panel


def _image(data: bytes, kind: str, alt: str, style: str = "max-width:100%") -> str:
    """Return a picture as HTML that holds it: ``kind`` is ``png`` or ``svg+xml``."""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img alt="{html.escape(alt, quote=True)}" style="{style}" src="{source}">'


def _in_words(rolls: Mapping[str, Any]) -> str:
    """Return lists of events as a sentence for each list."""
    sentences = []
    for name, given in rolls.items():
        found = [f"{label} {on:.2f} to {off:.2f} s" for label, on, off in zip(*Events.of(given), strict=True)]
        more = f", and {len(found) - 50} more" if len(found) > 50 else ""
        sentences.append(f"{name[:1].upper()}{name[1:]}: {', '.join(found[:50]) or 'no events'}{more}.")
    return " ".join(sentences)


def _event_roll(rolls: Mapping[str, Any], rows: Sequence[str], duration: float) -> str:
    """Draw at most two lists of events as SVG, the first plain, the second hatched; 2 ms, where matplotlib takes 100.

    Parameters as for :func:`course_utils.plotting.event_roll`.
    """
    rows = list(rows)
    left, width, top, height = 20 + 9 * max((len(row) for row in rows), default=0), 900, 30, 28
    bottom = top + height * len(rows)
    scale, bar = (width - left - 20) / duration, (height - 8) / len(rolls)
    fills = (COLOURS[0], "url(#course-hatch)")
    parts = [
        '<defs><pattern id="course-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="7" height="7" fill="{COLOURS[1]}"/>'
        '<rect width="2" height="7" fill="#FFFFFF"/></pattern></defs>',
        f'<rect width="{width}" height="{bottom + 45}" fill="#FFFFFF"/>',
    ]
    steps = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600)
    step, minutes = next(s for s in steps if duration <= 10 * s or s == 600), duration > 180
    for time in np.arange(0, duration + 1e-9, step):
        x, label = left + time * scale, f"{time / 60 if minutes else time:g}"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom + 4}" stroke="#C0C0C0"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">{label}</text>')
    unit = "min" if minutes else "s"
    parts.append(f'<text x="{(left + width) / 2:.0f}" y="{bottom + 38}" text-anchor="middle">time ({unit})</text>')
    parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{bottom}" y2="{bottom}" stroke="#1A1A1A"/>')
    for i, (name, given) in enumerate(rolls.items()):
        x = width - 20 - 150 * (len(rolls) - i)
        parts.append(f'<rect x="{x}" y="8" width="22" height="12" fill="{fills[i]}" stroke="{COLOURS[i]}"/>')
        parts.append(f'<text x="{x + 28}" y="20">{html.escape(name)}</text>')
        for label, onset, offset in zip(*Events.of(given), strict=True):
            if label in rows:
                place = f'x="{left + onset * scale:.1f}" y="{top + height * rows.index(label) + 4 + i * bar:.1f}"'
                size = f'width="{max(1.0, (offset - onset) * scale):.1f}" height="{bar - 1:.1f}"'
                parts.append(f'<rect {place} {size} fill="{fills[i]}" stroke="{COLOURS[i]}"/>')
    for i, row in enumerate(rows):
        y = top + height * i + height / 2 + 6
        parts.append(f'<text x="{left - 8}" y="{y:.0f}" text-anchor="end">{html.escape(row)}</text>')
    words = html.escape(f"Event roll. {_in_words(rolls)}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" viewBox="0 0 {width} {bottom + 45}" '
        f'width="{width}" height="{bottom + 45}" font-family="sans-serif" font-size="16" fill="#1A1A1A" '
        f'style="max-width:100%;height:auto">{"".join(parts)}</svg>'
    )


# --- explorers ---


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
        return player + _image(buffer.getvalue(), "png", text), text

    def build(ipywidgets: Any) -> tuple:
        choose = ipywidgets.Dropdown(options=list(clips), description="clip")
        panel = _panel(ipywidgets, "course-taggers", heard(choose.value)[0])
        choose.observe(lambda change: setattr(panel, "value", heard(change["new"])[0]), names="value")
        return choose, panel

    return _show("taggers", Shown(*heard(next(iter(clips)))), build)


def explore_detector(
    scores: np.ndarray, classes: Sequence[str], hop: float, soundscape: datasets.Soundscape, threshold: float
) -> ipywidgets.VBox | None:
    """Move threshold, window and hop of the simple detector, and see its events and F-scores change.

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
    shown = {classes[i] for mean in means for i in set(mean.argmax(axis=1))} | set(soundscape.reference["label"])
    rows = sorted(shown)

    def detect(value: float, window: float, step: float, all_rows: bool = True) -> tuple[str, str, str]:
        k, every = round((window - models.YAMNET_WINDOW) / hop), round(step / hop)
        found = events_from_scores(means[k][::every], classes, every * hop, window, value)
        measures = evaluation.sed_metrics(soundscape.reference, found, classes, soundscape.duration)
        measures = measures[["F-score", "precision", "recall"]].map(lambda x: "–" if np.isnan(x) else f"{x:.2f}")
        rolls = {"reference": soundscape.reference, "system": found}
        table = measures.to_html(border=0).replace("<table", '<table style="text-align:right"', 1)
        words = f"{_in_words(rolls)}\n{measures.to_string()}"
        drawn = rows if all_rows else sorted(set(soundscape.reference["label"]) | set(found["label"]))
        return _event_roll(rolls, drawn, soundscape.duration), table, words

    start = threshold, models.YAMNET_WINDOW, 5 * hop
    roll, table, words = detect(*start, all_rows=False)
    wide = "width:100%;max-width:1100px"
    image = _image(roll.encode(), "svg+xml", f"Event roll. {words.splitlines()[0]}", wide)
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
        panels = _panel(ipywidgets, "course-roll", detect(*start)[0]), _panel(ipywidgets, "course-f-score", table)

        def update(_):
            panels[0].value, panels[1].value, _ = detect(*(slider.value for slider in sliders))

        for slider in sliders:
            slider.observe(update, names="value")
        return *sliders, *panels

    return _show("detector", Shown(f'<p style="margin:0">{setting}</p>{image}{table}', f"{setting}\n{words}"), build)


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
        return _image(buffer.getvalue(), "png", alt, "display:block;width:196px;height:96px")

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
        panel = _panel(ipywidgets, "course-errors", compared(0)[0])
        choose.observe(lambda change: setattr(panel, "value", compared(change["new"])[0]), names="value")
        return choose, panel

    return _show("errors", Shown(*compared(0)), build)


# --- your own sound ---


@dataclass(frozen=True, eq=False)
class Analysis:
    """What YAMNet hears in a recording.

    Attributes
    ----------
    name, model : str
        Of the file, and of the network that listened.
    duration : float
        In seconds.
    sample_rate, channels : int
        Of the file.
    notes : list of str
        What is unusual about it, a sentence each.
    tags : pandas.DataFrame
        The five classes with the highest mean scores: ``label`` and ``score``.
    events : pandas.DataFrame
        ``label``, ``onset`` and ``offset`` (s) of the classes whose peaks are highest, where they pass the threshold.
    opening : ndarray, shape (n_samples,)
        The first minute as YAMNet hears it: one channel, 16 kHz.
    """

    name: str
    model: str
    duration: float
    sample_rate: int
    channels: int
    notes: list[str]
    tags: pd.DataFrame
    events: pd.DataFrame
    opening: np.ndarray = field(repr=False)

    def __str__(self) -> str:
        channels = {1: "one channel", 2: "two channels"}.get(self.channels, f"{self.channels} channels")
        length = f"{self.duration:.2f} s" if self.duration < 120 else f"{self.duration / 60:.1f} minutes"
        return f"{self.name}: {length}, {self.sample_rate / 1000:g} kHz, {channels}. {self.model} listened."

    def _repr_html_(self) -> str:
        minute = len(self.opening) / models.YAMNET_RATE
        label = self.name if minute >= self.duration - 0.1 else f"{self.name}, the first minute"
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        events = "<p>No class passes the threshold anywhere: no events.</p>"
        if len(self.events):
            roll, rows = {self.model: self.events}, list(dict.fromkeys(self.events["label"]))
            picture = _event_roll(roll, rows, self.duration).encode()
            more = f"<p>The first 50 of {len(self.events)} events.</p>" if len(self.events) > 50 else ""
            table = self.events.head(50).to_html(index=False, border=0, float_format="{:.2f}".format)
            events = f"{_image(picture, 'svg+xml', f'Event roll of {label}. {_in_words(roll)}')}{more}{table}"
        return (
            f"<p>{html.escape(str(self))}</p>{f'<ul>{notes}</ul>' if notes else ''}"
            f"{audio.play(self.opening, models.YAMNET_RATE, label).data}"
            f"{self.tags.to_html(index=False, border=0, float_format='{:.3f}'.format)}"
            f"{events}"
        )


def stream(path: str | Path, seconds: float = 10.0) -> tuple[int, int, float, Iterator[np.ndarray]]:
    """Open an audio file that may be too long to be read at once.

    Parameters
    ----------
    path : str or Path
        As for :func:`course_utils.audio.load`.
    seconds : float
        Length of a block.

    Returns
    -------
    sample_rate, channels : int
        As the file has them.
    duration : float
        What the file promises, in seconds; NaN if it does not say.
    blocks : iterator of ndarray, shape (n_samples, channels)
        Float32.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError
        As :func:`course_utils.audio.load`; some faults show only when the blocks are read.
    """

    def blocks() -> Iterator[np.ndarray]:
        with audio.opened(path) as file:
            yield from audio.blocks_of(file, path, max(1, round(seconds * file.samplerate)))

    with audio.opened(path) as file:
        duration = file.frames / file.samplerate if file.frames < 1 << 62 else np.nan
        return file.samplerate, file.channels, duration, blocks()


def resample_blocks(blocks: Iterable[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """Yield blocks of shape (n_samples, channels) as one channel at another rate, seamlessly: float32, (n_samples,)."""
    import soxr

    resampler = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
    for block in blocks:
        yield resampler.resample_chunk(block.mean(axis=1))
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def score_blocks(blocks: Iterable[np.ndarray], yamnet: Any, at_once: int = 125) -> np.ndarray:
    """Return YAMNet's scores of a recording that comes in blocks, the same as of the whole, in little memory.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (n_samples,)
        Samples at 16 kHz, in order; blocks of any length.
    yamnet : SavedModel
        As ``hub.load`` returns it.
    at_once : int
        How many windows go through the model in one call; the default makes a minute.

    Returns
    -------
    ndarray, shape (n_windows, 521)
        In [0, 1].
    """
    model, rest, scores = models.wrap(yamnet), np.zeros(0, np.float32), []
    enough = (at_once - 1) * STEP + REACH
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) > enough:  # with at least a sample left, so that the last windows are those of the whole
            scores.append(model.many([rest[:enough]])[0].scores)
            rest = rest[at_once * STEP :]
    return np.concatenate([*scores, model.many([rest])[0].scores])


def analyse(path: str | Path, yamnet: Any, threshold: float = 0.3, n_classes: int = 8) -> Analysis:
    """Tell what YAMNet hears in a recording of up to an hour, in little memory.

    Parameters
    ----------
    path : str or Path
        A file that libsndfile reads, of any sample rate and number of channels.
    yamnet : SavedModel
        As ``hub.load`` returns it.
    threshold : float
        What a class has to pass to be an event, in [0, 1].
    n_classes : int
        How many classes are looked at for events: those with the highest peaks.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ValueError
        If it is no audio, breaks off, lasts more than an hour, or holds what are no samples in [-1, 1].
    """
    import pandas as pd

    path = Path(path)
    sample_rate, channels, promised, blocks = stream(path)
    opening, seen = [], {"frames": 0, "full": 0, "in a row": 0, "peak": 0.0}

    def watched():
        for block in blocks:
            if not np.isfinite(block).all():
                raise ValueError(f"{str(path)!r} holds samples that are no numbers: save it again as 16-bit WAV.")
            level = np.abs(block)
            full = level >= 32767 / 32768
            seen["frames"] += len(block)
            seen["full"] += np.count_nonzero(full)
            seen["in a row"] += np.count_nonzero(full[1:] & full[:-1])
            seen["peak"] = max(seen["peak"], float(level.max()))
            if seen["peak"] > 8:
                raise ValueError(f"{str(path)!r} has samples far outside [-1, 1]: save it again as 16-bit WAV.")
            _check_length(path, seen["frames"] / sample_rate)
            yield block

    def kept():
        for block in resample_blocks(watched(), sample_rate, models.YAMNET_RATE):
            if sum(map(len, opening)) < 60 * models.YAMNET_RATE:
                opening.append(block)
            yield block

    _check_length(path, promised)
    scores = score_blocks(kept(), yamnet)
    opening = np.concatenate(opening)[: 60 * models.YAMNET_RATE]
    if not len(opening):
        raise ValueError(f"{str(path)!r} is too short, nothing is left of it at 16 kHz: record more.")
    duration, names = seen["frames"] / sample_rate, np.array(models.class_names(yamnet))
    mean = scores.mean(axis=0)
    best, leading = np.argsort(mean)[::-1][:5], np.argsort(scores.max(axis=0))[::-1][:n_classes]
    events = events_by_class(scores[:, leading], names[leading], models.YAMNET_HOP, models.YAMNET_WINDOW, threshold)
    events["offset"] = events["offset"].clip(upper=duration)
    tags = pd.DataFrame({"label": names[best], "score": mean[best]})
    notes = _notes(duration, channels, seen)
    model = "YAMNet-mini" if "mini" in Path(yamnet.class_map_path().numpy().decode()).name else "YAMNet"
    return Analysis(path.name, model, duration, sample_rate, channels, notes, tags, events, opening)


def _check_length(path: Path, seconds: float) -> None:
    if seconds > 3600:
        raise ValueError(f"{str(path)!r} lasts more than an hour: cut it into parts, for instance in Audacity.")


def _notes(duration: float, channels: int, seen: dict) -> list[str]:
    """Return what is unusual about a recording, from the counts of its samples."""
    notes, peak, share = [], seen["peak"], seen["full"] / (seen["frames"] * channels)
    if duration < models.YAMNET_WINDOW:
        notes.append(
            f"Very short: YAMNet listens to windows of {models.YAMNET_WINDOW} s, the rest is filled with zeros."
        )
    if peak < 1e-4:
        notes.append("Silence: the loudest sample lies more than 80 dB below full scale.")
    elif peak < 0.03:
        notes.append(f"Quiet: the loudest sample is {-20 * np.log10(peak):.0f} dB below full scale; record closer.")
    if seen["in a row"] > 1e-5 * seen["frames"]:
        notes.append(f"Clipped: {share:.2%} of the samples are at full scale or over it; record with less gain.")
    return notes


RECORDER = """
export default {
  render({ model, el }) {
    const button = document.createElement("button");
    const status = document.createElement("span");
    button.className = "course-record jupyter-button";
    status.setAttribute("role", "status");
    el.append(button, status);
    const say = (label, text) => { button.textContent = label; status.textContent = " " + text; };
    say("Record", "");
    let recorder = null;
    const send = async (chunks) => {
      const context = new AudioContext({ sampleRate: 16000 });
      try {
        const sound = await context.decodeAudioData(await new Blob(chunks).arrayBuffer());
        model.send({ rate: sound.sampleRate }, undefined, [sound.getChannelData(0).slice().buffer]);
      } finally {
        await context.close();
      }
    };
    const record = async () => {
      if (!navigator.mediaDevices) throw new Error("a page needs https or localhost for it");
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const stop = () => stream.getTracks().forEach((track) => track.stop());
      const chunks = [];
      try { recorder = new MediaRecorder(stream); } catch (error) { stop(); throw error; }
      recorder.ondataavailable = (event) => chunks.push(event.data);
      recorder.onstop = async () => {
        clearTimeout(timer);
        stop();
        say("Record", "");
        await send(chunks).catch((error) => say("Record", `Nothing was recorded (${error.message}).`));
      };
      recorder.start();
      say("Stop", "Recording, for a minute at most.");
      const mine = recorder;
      const timer = setTimeout(() => mine.state === "recording" && mine.stop(), 60000);
    };
    button.onclick = () => {
      if (recorder?.state === "recording") return recorder.stop();
      button.disabled = true;
      record()
        .catch((error) => say("Record", `No microphone here (${error.message}): upload a recording instead.`))
        .finally(() => { button.disabled = false; button.focus(); });
    };
    return () => { if (recorder?.state === "recording") recorder.stop(); };
  },
};
"""


def _first_upload(value: Any) -> tuple[str, bytes] | None:
    """Return name and content of the first file of a ``FileUpload``, if there is one."""
    if isinstance(value, dict):  # by name: ipywidgets 7, which Colab has
        value = [{"name": name, **file} for name, file in value.items()]
    return (value[0]["name"], bytes(value[0]["content"])) if value else None


def _alert(text: str) -> Shown:
    return Shown(f'<p role="alert">{html.escape(text)}</p>', text)


def own_sound(yamnet: Any, threshold: float = 0.3, path: str | Path | None = None) -> ipywidgets.VBox | None:
    """Let YAMNet listen to a sound of your own: uploaded, recorded, or named.

    Notebook: 02_yamnet

    Parameters
    ----------
    yamnet : SavedModel
        As for :func:`analyse`.
    threshold : float
        As for :func:`analyse`.
    path : str or Path, optional
        A file to begin with.

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be uploaded.
    """

    def heard(file: Path, name: str | None = None, write: Callable[[Path], Any] | None = None) -> Shown:
        """Listen to a file, which ``write`` writes if it is given; ``name`` is what to call it."""
        try:
            if write:
                write(file)
            analysis = analyse(file.expanduser(), yamnet, threshold)
            analysis = replace(analysis, name=name or analysis.name)
        except (OSError, ValueError) as error:
            name = name or str(file)
            return _alert(str(error).replace(repr(str(file)), repr(name)).replace(str(file), name))
        text = f"{analysis} {' '.join(analysis.notes)}\n{analysis.tags}\n{_in_words({'events': analysis.events})}"
        return Shown(analysis._repr_html_(), text)

    def copied(name: str, write: Callable[[Path], Any]) -> Shown:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            return heard(Path(folder) / f"sound{Path(name).suffix}", name, write)

    def build(ipywidgets: Any) -> tuple:
        import anywidget
        import soundfile

        class Recorder(anywidget.AnyWidget):
            _esm = RECORDER

        panel = _panel(ipywidgets, "course-own-sound", start.page if path else "")
        upload = ipywidgets.FileUpload(accept="audio/*,.wav,.flac,.ogg,.mp3", multiple=False, description="Upload")
        recorder = Recorder()
        named = ipywidgets.Text(
            placeholder="folder/sound.wav, then Enter", description="or a file", continuous_update=False
        )
        hint = ipywidgets.HTML(
            "<p>Upload a file of up to some 8 MB, record one, or drag a larger one into the file browser on the left "
            "and name it here. WAV, FLAC, Ogg and MP3 will do, an hour at most. Your sound goes to "
            "the computer that runs the notebook, in Colab one of Google's, and no further.</p>"
        )

        def answer(listen, *args) -> None:
            panel.value = "<p>Listening …</p>"
            try:
                panel.value = listen(*args).page
            except Exception as error:  # a callback has nowhere to raise it to
                panel.value = _alert(f"{type(error).__name__}: {error}").page

        def uploaded(change) -> None:
            if first := _first_upload(change["new"]):
                name, content = first
                answer(copied, name, lambda file: file.write_bytes(content))

        def recorded(_, content, buffers) -> None:
            def write(file):
                soundfile.write(file, np.frombuffer(buffers[0], np.float32), int(content["rate"]))

            answer(copied, "your recording.wav", write)

        def look_up(change) -> None:
            if name := change["new"].strip().strip('"'):  # Windows copies a path with quotes
                answer(heard, Path(name))
                named.value = ""  # so that Enter works for the same name again

        upload.observe(uploaded, names="value")
        recorder.on_msg(recorded)
        named.observe(look_up, names="value")
        return hint, ipywidgets.HBox([upload, recorder, named]), panel

    words = "In a running notebook you can upload, record or name a sound of your own here."
    start = heard(Path(path)) if path else Shown(f"<p>{words}</p>", words)
    return _show("own-sound", start, build)

"""Your own sound: recorded, uploaded, or named."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from course_utils import audio, models, plotting

from .analysis import Analysis, analyse, analyse_sound
from .shown import Shown, drawn, in_words, listed, panel_of, picture, show
from .sound_input import RATE, Received, Sound, browser_input, length_in_words, read_sound

if TYPE_CHECKING:
    import ipywidgets

MINUTE = 60  # s: what is played, drawn and tagged of a longer sound

HINT = (
    '<p style="max-width:640px;line-height:1.4">Record up to a minute, or upload a file: anything your browser plays '
    "will do, a phone's m4a too. Drag a longer file into the file browser on the left and type its name here. Your "
    "sound stays on the computer that runs the notebook; in Colab, that is one of Google's.</p>"
)


class _StoppedError(Exception):
    """A function of the learner's own has raised an exception; the message says which."""


def _alert(text: str) -> Shown:
    return Shown(Markup('<p role="alert">{}</p>').format(text), text)


def _joined(parts: list[Shown]) -> Shown:
    return Shown(Markup().join(part.page for part in parts), "\n".join(part.text for part in parts))


def rendered(value: Any, what: str = "A picture") -> Shown:
    """Return as HTML and text what a function has answered: a drawing, a table, text, or a list of such.

    Parameters
    ----------
    value : object
        Axes, an array of them, or a Figure of matplotlib; anything that a notebook shows as HTML; a string; None for
        nothing; or a list or tuple of such.
    what : str
        What a drawing is, for screen readers, if it is none of :mod:`course_utils.plotting`.
    """
    if value is None:
        return Shown("", "")
    if isinstance(value, list | tuple):
        return _joined([rendered(part, what) for part in value])
    first = value.flat[0] if isinstance(value, np.ndarray) and value.dtype == object and value.size else value
    figure = first if hasattr(first, "savefig") else getattr(first, "figure", None)
    if hasattr(figure, "savefig"):
        return Shown(picture(figure, what), plotting.in_words(figure) or what)
    if isinstance(value, str):
        return Shown(Markup('<p style="white-space:pre-wrap">{}</p>').format(value), value)
    if callable(getattr(value, "_repr_html_", None)) and (page := value._repr_html_()):
        return Shown(Markup(page), repr(value))  # noqa: S704 - the notebook would show it as HTML, too
    return Shown(Markup("<pre>{}</pre>").format(repr(value)), repr(value))


def _answer(function: Callable[[np.ndarray], Any], waveform: np.ndarray, name: str) -> Shown:
    """Call a function on a waveform; return what it gives, prints, displays and draws, and close its figures."""
    import matplotlib.pyplot as plt
    from IPython.utils.capture import capture_output

    before = set(plt.get_fignums())
    what = f"What {name} has drawn of this sound; it is not described in words."
    try:
        with capture_output(stderr=False) as said:
            value = function(waveform)
        opened = [plt.figure(number) for number in sorted(set(plt.get_fignums()) - before)]
        parts = [rendered(said.stdout.strip() or None)]
        parts += [rendered(_Displayed(output.data), what) for output in said.outputs]
        parts.append(rendered(opened if value is None else value, what))
        return _joined([part for part in parts if part.page])
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


class _Displayed:
    """What a function has displayed, by its kinds of data."""

    def __init__(self, data: dict):
        self.data = data

    def _repr_html_(self) -> str:
        if "text/html" in self.data:
            return self.data["text/html"]
        if "image/png" in self.data:
            picture = Markup('<img alt="{}" style="max-width:100%" src="data:image/png;base64,{}">')
            return str(picture.format(repr(self), self.data["image/png"]))
        return str(Markup("<pre>{}</pre>").format(repr(self)))

    def __repr__(self) -> str:
        return self.data.get("text/plain", "")


def _tags(tagger: Any, waveform: np.ndarray) -> Any:
    """Return a drawing of the five highest tags; of a network that scores frames, of its five highest classes."""
    missing = max(0, round(models.PANNS_MIN_SECONDS * models.PANNS_RATE) - len(waveform))
    batch = np.pad(waveform, (0, missing))[np.newaxis]
    heard = tagger.inference(batch)
    if isinstance(heard, tuple):
        scores = np.asarray(heard[0][0])
        best = np.argsort(scores)[::-1][:5]
        return drawn(plotting.top_scores, [tagger.labels[i] for i in best], scores[best])
    scores = np.asarray(heard[0])
    best = np.argsort(scores.max(axis=0))[::-1][:5]
    return drawn(plotting.scores_over_time, scores[:, best], [tagger.labels[i] for i in best], 0.01)


def _about(sound: Sound, who: str, notes: list[str], answer: Shown) -> Shown:
    """Return a sound and an answer to it: a line, notes, a player, a spectrogram, and the answer."""
    line = f"{sound.name}: {length_in_words(sound.seconds)}. {who}{',' if ',' in who else ''} listened."
    opening = sound.waveform[: MINUTE * sound.sample_rate]
    label = sound.name if len(opening) == len(sound.waveform) else f"{sound.name}, the first minute"
    with warnings.catch_warnings(action="ignore"):  # librosa's, about a very short sound
        spectrogram = drawn(plotting.spectrogram, opening, sound.sample_rate)
    player = escape(audio.play(opening, sound.sample_rate, label))
    page = Markup("<p>{}</p>{}{}{}{}").format(line, listed(notes), player, picture(spectrogram), answer.page)
    return Shown(page, "\n".join(filter(None, [" ".join([line, *notes]), answer.text])))


class _Listener:
    """Who listens: YAMNet, a tagger, or a function; it is given a file or a sound, and returns what to show."""

    def __init__(self, listen: Any, threshold: float):
        self.listen, self.threshold = listen, threshold
        self.is_yamnet = hasattr(listen, "class_map_path")
        self.is_tagger = hasattr(listen, "inference") and hasattr(listen, "labels")
        if not (self.is_yamnet or self.is_tagger or callable(listen)):
            raise TypeError(
                f"Nobody listens: got {type(listen).__name__}. Hand over YAMNet, a tagger, or a function that takes a "
                "waveform at 16 kHz and returns what to show."
            )
        self.rate = models.PANNS_RATE if self.is_tagger and not self.is_yamnet else RATE
        name = getattr(listen, "name" if self.is_tagger else "__name__", "<lambda>")
        self.who = name if self.is_tagger else "your function" if name == "<lambda>" else f"the function {name}"

    def file(self, path: Path, name: str | None = None) -> Shown:
        """Listen to a file that libsndfile reads: YAMNet to an hour of it, others to ten minutes."""
        path = path.expanduser()
        if self.is_yamnet:
            analysis = analyse(path, self.listen, self.threshold)
            return _of_analysis(replace(analysis, name=name or analysis.name))
        return self.sound(read_sound(path, self.rate))

    def sound(self, sound: Sound) -> Shown:
        """Listen to a sound at :attr:`rate`."""
        if self.is_yamnet:
            return _of_analysis(analyse_sound(sound, self.listen, self.threshold))
        notes, waveform = sound.notes, sound.waveform
        if not self.is_tagger:
            try:
                answer = _answer(self.listen, waveform, self.who)
            except Exception as error:
                what = f"{self.who} stopped with an error. {type(error).__name__}: {error}"
                raise _StoppedError(what[:1].upper() + what[1:]) from error
        else:
            if sound.seconds < models.PANNS_MIN_SECONDS:
                notes = ["Very short: the network needs a second, so zeros fill the rest.", *notes]
            if sound.seconds > MINUTE:
                notes = [*notes, "Longer than a minute: the network heard the first minute."]
            answer = rendered(_tags(self.listen, waveform[: MINUTE * self.rate]))
        return _about(sound, self.who[:1].upper() + self.who[1:], notes, answer)

    def received(self, received: Received) -> Shown:
        """Listen to what the browser has sent."""
        if received.is_file and self.is_yamnet:
            return received.with_file(lambda path: self.file(path, received.name))
        return self.sound(received.sound(self.rate))


def _of_analysis(analysis: Analysis) -> Shown:
    text = f"{analysis} {' '.join(analysis.notes)}\n{analysis.tags}\n{in_words({'events': analysis.events})}"
    return Shown(rendered(analysis).page, text)


def own_sound(listen: Any, path: str | Path | None = None, *, threshold: float = 0.3) -> ipywidgets.VBox | None:
    """Let a network, or a function of your own, listen to a sound of your own: recorded, uploaded, or named.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 04_sound_event_detection

    Parameters
    ----------
    listen : SavedModel, tagger or callable
        YAMNet as ``hub.load`` returns it, a :class:`course_utils.models.AudioTagging`, or any function that takes a
        waveform at 16 kHz, float32 of shape (n_samples,), and returns what to show: Axes or a Figure of matplotlib, a
        DataFrame, text, or a list of such.
    path : str or Path, optional
        A file to begin with.
    threshold : float
        Of YAMNet, what a class has to pass to be an event, in [0, 1].

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be uploaded.

    Raises
    ------
    TypeError
        If ``listen`` is neither network nor function.
    """
    listener = _Listener(listen, threshold)

    def build(ipywidgets: Any) -> tuple:
        panel = panel_of(ipywidgets, "course-own-sound", start.page if path else "")

        def answer(heard: Callable[[Any], Shown], given: Any) -> str:
            panel.value = "<p>Listening …</p>"
            try:
                panel.value = str(heard(given).page)
            except (OSError, ValueError, _StoppedError) as error:
                panel.value = str(_alert(str(error)).page)
            except Exception as error:  # a callback has nowhere to raise it to
                panel.value = str(_alert(f"{type(error).__name__}: {error}").page)
            else:
                return "Done: the answer is below."
            return ""

        def look_up(change) -> None:
            if name := change["new"].strip().strip('"'):  # Windows copies a path with quotes
                answer(listener.file, Path(name))
                named.value = ""  # so that Enter works for the same name again

        too_long = "drag it into the file browser on the left, then type its name in the box."
        browser = browser_input(
            lambda received: answer(listener.received, received), rate=listener.rate, too_long=too_long
        )
        named = ipywidgets.Text(
            placeholder="folder/sound.wav, then Enter", description="or a file", continuous_update=False
        )
        named.observe(look_up, names="value")
        return ipywidgets.HTML(HINT), browser, named, panel

    words = "Here you can record a sound, upload one, or give the path of a file."
    start = Shown(Markup("<p>{}</p>").format(words), words)
    if path:
        try:
            start = listener.file(Path(path))
        except (OSError, ValueError) as error:
            start = _alert(str(error))
        except _StoppedError as error:
            raise error.__cause__ from None
    return show("own-sound", start, build)

"""What YAMNet hears in a recording of up to an hour, in little memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from course_utils import audio, models, plotting
from course_utils.events import events_by_class
from course_utils.models.yamnet import REACH, STEP

from .shown import drawn, event_roll, listed, picture, table
from .sound_input import Sound, length_in_words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Analysis:
    """What YAMNet hears in a recording.

    Attributes
    ----------
    name, model : str
        Of the file, and of the network that listened.
    duration : float
        In seconds.
    sample_rate : int or None
        Of the file, in Hz; None where the browser has decoded it.
    channels : int
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
    sample_rate: int | None
    channels: int
    notes: list[str]
    tags: pd.DataFrame
    events: pd.DataFrame
    opening: np.ndarray = field(repr=False)

    def __str__(self) -> str:
        channels = {1: "one channel", 2: "two channels"}.get(self.channels, f"{self.channels} channels")
        kind = f", {self.sample_rate / 1000:g} kHz, {channels}" if self.sample_rate else ""
        return f"{self.name}: {length_in_words(self.duration)}{kind}. {self.model} listened."

    def _repr_html_(self) -> str:
        minute = len(self.opening) / models.YAMNET_RATE
        label = self.name if minute >= self.duration - 0.1 else f"{self.name}, the first minute"
        events = Markup("<p>No class passes the threshold anywhere: no events.</p>")
        if len(self.events):
            roll, rows = {self.model: self.events}, list(dict.fromkeys(self.events["label"]))
            svg = event_roll(roll, rows, self.duration, of=label)
            more = Markup("<p>The first 50 of {} events.</p>").format(len(self.events)) if len(self.events) > 50 else ""
            seconds = table(self.events.head(50), index=False, float_format="{:.2f}".format)
            events = Markup("{}<details><summary>The events in seconds</summary>{}{}</details>")
            events = events.format(svg, more, seconds)
        spectrogram = drawn(plotting.spectrogram, self.opening, models.YAMNET_RATE)
        player = escape(audio.play(self.opening, models.YAMNET_RATE, label))
        tags = table(self.tags, index=False, float_format="{:.3f}".format)
        head = Markup("<p>{}</p>{}").format(str(self), listed(self.notes))
        return str(head + player + picture(spectrogram) + tags + events)


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
    with audio.Reader(path, models.YAMNET_RATE, longest=3600) as reader:
        heard = _heard(reader.blocks(), yamnet, threshold, n_classes)
        duration = reader.levels.frames / reader.file_rate
        return _analysis(reader.name, heard, duration, reader.channels, reader.notes(), reader.file_rate)


def analyse_sound(sound: Sound, yamnet: Any, threshold: float = 0.3, n_classes: int = 8) -> Analysis:
    """Tell what YAMNet hears in a sound at 16 kHz; parameters as for :func:`analyse`."""
    heard = _heard([sound.waveform], yamnet, threshold, n_classes)
    return _analysis(sound.name, heard, sound.seconds, sound.channels, sound.notes)


def _heard(blocks: Iterable[np.ndarray], yamnet: Any, threshold: float, n_classes: int) -> dict:
    """Return model, tags, events and opening of a recording that comes in blocks at 16 kHz."""
    import pandas as pd

    opening, most = [], 60 * models.YAMNET_RATE

    def kept():
        for block in blocks:
            if sum(map(len, opening)) < most:
                opening.append(block)
            yield block

    scores, names = score_blocks(kept(), yamnet), np.array(models.class_names(yamnet))
    mean = scores.mean(axis=0)
    best, leading = np.argsort(mean)[::-1][:5], np.argsort(scores.max(axis=0))[::-1][:n_classes]
    return {
        "model": "YAMNet-mini" if "mini" in Path(yamnet.class_map_path().numpy().decode()).name else "YAMNet",
        "tags": pd.DataFrame({"label": names[best], "score": mean[best]}),
        "events": events_by_class(
            scores[:, leading], names[leading], models.YAMNET_HOP, models.YAMNET_WINDOW, threshold
        ),
        "opening": np.concatenate(opening)[:most],
    }


def _analysis(
    name: str, heard: dict, duration: float, channels: int, notes: list[str], sample_rate: int | None = None
) -> Analysis:
    heard["events"]["offset"] = heard["events"]["offset"].clip(upper=duration)
    if duration < models.YAMNET_WINDOW:
        short = f"Very short: YAMNet listens to windows of {models.YAMNET_WINDOW} s, so zeros fill the rest."
        notes = [short, *notes]
    return Analysis(name, duration=duration, sample_rate=sample_rate, channels=channels, notes=notes, **heard)

"""Mixtures with known events: the metro station of lesson 04, and as many others as you like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils import assets, audio
from course_utils.datasets import esc50

if TYPE_CHECKING:
    import pandas as pd

RATE, SECONDS = 16000, 8.0  # Hz; s that a mixture lasts
LEVEL = -30.0  # dB, A-weighted, of the background of a soundscape


@dataclass(frozen=True, eq=False)
class Soundscape(audio.Clip):
    """A clip with known events.

    Attributes
    ----------
    name, path, waveform, sample_rate, stored
        As for :class:`course_utils.audio.Clip`.
    duration : float
        In seconds.
    reference : pandas.DataFrame
        The true events: ``label``, ``onset`` and ``offset`` in seconds. Mixtures by :func:`make_soundscapes` also have
        ``filename``, the clip that each event was cut from.
    log_mel : ndarray, shape (n_frames, 64)
        YAMNet's log-mel spectrogram of the embedded metro mixture, a frame every 0.01 s; otherwise None.
    background : str
        The class of the background of a mixture by :func:`make_soundscapes`; otherwise "".
    """

    duration: float = SECONDS
    reference: pd.DataFrame | None = None
    log_mel: np.ndarray | None = None
    background: str = ""

    def save(self, folder: str | Path) -> None:
        """Write ``NAME.wav`` and ``NAME.txt`` into a folder: onset, offset and label of each event, tab-separated."""
        import soundfile

        if self.waveform is None:
            raise assets.AssetError(f"To save a mixture, the course needs the clips' audio. {assets.WAYS_OUT}")
        path = Path(folder) / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(f"{path}.wav", self.waveform, self.sample_rate)
        events = self.reference[["onset", "offset", "label"]]
        events.to_csv(f"{path}.txt", sep="\t", index=False, header=False, lineterminator="\n")


COLUMNS = ("label", "filename", "cut_from", "cut_to", "onset")
METRO_RECIPE = (  # the columns, and the gain
    ("dog", "5-203128-A-0.wav", 0.2, 1.0, 0.0, 0.25),
    ("cat", "5-177614-A-5.wav", 0.2, 1.0, 1.0, 0.15),
    ("rooster", "5-194930-A-1.wav", 0.8, 2.5, 2.0, 0.25),
    ("cow", "5-194899-B-3.wav", 1.3, 2.5, 4.0, 0.25),
)
"""Four animals over a metro station, as in the original lecture (see data/README.md)."""


def metro_recipe() -> pd.DataFrame:
    """Return the recipe of the mixture: which clip, where it is cut and placed, and at which gain.

    Notebook: 04_sound_event_detection, 06_better_detector

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``filename``, ``cut_from``, ``cut_to``, ``onset`` (s) and ``gain``.
    """
    import pandas as pd

    return pd.DataFrame(METRO_RECIPE, columns=[*COLUMNS, "gain"])


def _cut(waveform: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Return a waveform from ``start`` to ``stop``, in seconds."""
    return waveform[round(start * RATE) : round(stop * RATE)]


def metro_mixture(recipe: pd.DataFrame) -> Soundscape:
    """Mix animals into a metro station.

    Each clip is scaled to a peak of 1, cut, and scaled by its gain. Then it is added to the first eight seconds of the
    metro station, which stays as it was recorded. Everything is at 16 kHz.

    Notebook: 04_sound_event_detection, 06_better_detector

    Parameters
    ----------
    recipe : pandas.DataFrame
        As :func:`metro_recipe` returns it.

    Returns
    -------
    Soundscape
        With the waveform if the clips and the metro station are available, otherwise with the embedded spectrogram.

    Raises
    ------
    AssetError
        If the recipe is not the published one, and the audio to mix it from is not available.
    """
    offsets = (recipe["onset"] + recipe["cut_to"] - recipe["cut_from"]).clip(upper=SECONDS).round(3)
    published = recipe.equals(metro_recipe())
    name = "metro_mixture" if published else "metro_mixture of another recipe"
    events = recipe[["label", "onset"]].assign(offset=offsets)
    mixture = Soundscape(name, stored=name, reference=events)
    background, clips = assets.resolve("metro-station"), esc50.clips(recipe["filename"])
    if background.is_real and all(clip.has_audio for clip in clips):
        parts = []
        for event, clip in zip(recipe.itertuples(), clips, strict=True):
            part = _cut(audio.normalise_peak(clip.load(RATE)), event.cut_from, event.cut_to)
            parts.append((event.gain * part, event.onset))
        station = _cut(audio.load(background.path, RATE, notes=False), 0, SECONDS)
        return replace(mixture, waveform=audio.mix(station, parts, RATE))
    if not published:
        raise assets.AssetError(f"To mix another recipe, the course needs the clips' audio. {assets.WAYS_OUT}")
    with np.load(assets.embedded("features/metro_mixture.npz")) as stored:
        return replace(mixture, log_mel=stored["log_mel"].astype(np.float32))


def _draw(rng, clips, polyphony) -> tuple[str, list[str], pd.DataFrame]:
    """Draw a background and two clips of it, and for each event its clip, cut and onset in seconds.

    ``clips`` holds file name, ``cut_from`` and ``cut_to`` of the clips of each class, in rows.
    """
    import pandas as pd

    background = str(rng.choice(esc50.BACKGROUNDS))
    filenames = list(rng.choice(clips[background][:, 0], 2, replace=False))
    events = []
    for label in map(str, rng.permutation(esc50.ANIMALS)[: rng.integers(2, 5)]):
        filename, cut_from, cut_to = rng.choice(clips[label])
        for _ in range(100):  # where fewer than `polyphony` events sound
            onset = round(rng.uniform(0, SECONDS - (cut_to - cut_from)), 2)
            offset = round(onset + cut_to - cut_from, 2)
            if sum(onset < event[5] and event[4] < offset for event in events) < polyphony:
                events.append((label, filename, cut_from, cut_to, onset, offset))
                break
    events = pd.DataFrame(events, columns=[*COLUMNS, "offset"])
    return background, filenames, events.sort_values("onset", ignore_index=True)


def make_soundscapes(
    n: int, snr: float | Sequence[float], polyphony: int = 2, seed: int = 0, fold: int = 5,
    folder: str | Path | None = None,
) -> list[Soundscape]:  # fmt: skip
    """Make mixtures of animals over real backgrounds, all from the clips of one fold of ESC-50, with known events.

    Each lasts eight seconds at 16 kHz. The background is airplane, rain, sea waves, train or wind: two clips of one
    class, cross-faded, at an A-weighted level of -30 dB (:func:`course_utils.audio.level`). Two to four animals of
    different classes are placed in it at random, or fewer if they find no room. Each is the part of a clip that sounds,
    cut off after three seconds; so parts of exactly three seconds are frequent. The same ``n``, ``polyphony``, ``seed``
    and ``fold`` give the same events at each ``snr``.

    Notebook: 04_sound_event_detection, 06_better_detector

    Parameters
    ----------
    n : int
        How many.
    snr : float or sequence of float
        By how many dB the A-weighted level of each event lies above that of the whole background: the
        event-to-background ratio. DCASE 2017 defines it without weighting, and against only the part of the background
        beneath the event. If you give several, the mixtures take them in turn.
    polyphony : int
        How many events may sound together at most.
    seed : int
        Chooses clips and onsets.
    fold : int
        1 to 5.
    folder : str or Path, optional
        Where to save each mixture as ``NAME.wav`` and its events as ``NAME.txt``: onset, offset and label,
        tab-separated, as Audacity and sed_eval read them.

    Returns
    -------
    list of Soundscape
        With waveforms if the clips are available. Otherwise without; :func:`course_utils.features.extract` then gives
        the features that the course ships for its own mixtures.

    Raises
    ------
    ValueError
        If a number makes no sense.
    AssetError
        If you want to save the mixtures and the clips' audio is not available.
    """
    import hashlib

    import pandas as pd

    levels = np.atleast_1d(np.asarray(snr, dtype=float))
    if n < 1 or polyphony < 1 or fold not in range(1, 6) or not (levels.size and np.isfinite(levels).all()):
        raise ValueError("Give n and polyphony of at least 1, a fold from 1 to 5, and finite ratios in dB.")
    cuts = pd.read_csv(assets.embedded("esc50_active.csv"), index_col="filename")
    metadata = esc50.esc50_metadata().query("fold == @fold").join(cuts, on="filename")
    by_class = metadata.groupby("category")[["filename", "cut_from", "cut_to"]]
    clips = {name: group.to_numpy() for name, group in by_class}
    sets = [assets.store().clips(name) for name in esc50.WHOLE]
    files = sets[0] | sets[1] if all(sets) else assets.store().clips("esc50-mixtures")
    soundscapes = []
    for i in range(n):
        rng = np.random.default_rng([seed, fold, polyphony, i])
        background, filenames, events = _draw(rng, clips, polyphony)
        ratio = float(levels[i % len(levels)])
        # the features that are shipped are those of this recipe
        recipe = f"{filenames} " + events.to_csv(index=False, lineterminator="\n")
        name = f"soundscape-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}{ratio:+g}dB"
        available = files.keys() >= {*filenames, *events["filename"]}
        waveform = _mix(files, filenames, events, ratio) if available else None
        reference = events[["label", "onset", "offset", "filename"]]
        given = {"stored": name, "reference": reference, "background": background}
        soundscapes.append(Soundscape(name, None, waveform, **given))
        if folder is not None:
            soundscapes[-1].save(folder)
    return soundscapes


def _at(level: float, waveform: np.ndarray) -> np.ndarray:
    """Return a waveform at an A-weighted level in dB."""
    return waveform * 10 ** ((level - audio.level(waveform, RATE)) / 20)


def _mix(files: dict[str, Path], background: list[str], events: pd.DataFrame, snr: float) -> np.ndarray:
    """Return the waveform of a soundscape, scaled down if it would leave [-1, 1]."""
    first, second = (_at(0, audio.load(files[filename], RATE, notes=False)) for filename in background)
    fade, ramp, parts = RATE // 2, np.linspace(0, 1, RATE // 100), []
    rise = np.sqrt(np.linspace(0, 1, fade))
    cross = first[-fade:] * rise[::-1] + second[:fade] * rise
    station = _cut(np.concatenate([first[:-fade], cross, second[fade:]]), 0, SECONDS)
    for event in events.itertuples():
        part = _cut(audio.load(files[event.filename], RATE, notes=False), event.cut_from, event.cut_to)
        part[: len(ramp)] *= ramp
        part[-len(ramp) :] *= ramp[::-1]
        parts.append((_at(LEVEL + snr, part), event.onset))
    mixture = audio.mix(_at(LEVEL, station), parts, RATE)
    return mixture / max(1.0, np.abs(mixture).max())

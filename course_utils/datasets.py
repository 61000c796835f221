"""ESC-50, the labels of AudioSet, the map between the two, and the mixture of the detection notebook."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils import assets, audio

ANIMALS = ("cat", "cow", "crickets", "crow", "dog", "frog", "hen", "pig", "rooster", "sheep")
"""The ten animal classes of the course, a selection from ESC-50's fifty."""

BACKGROUNDS = ("airplane", "rain", "sea_waves", "train", "wind")
"""Classes of ESC-50 that mostly sound all the time: the backgrounds of :func:`make_soundscapes`."""

AUDIOSET_TO_ESC50 = {
    "cat": ("Cat", "Purr", "Meow", "Caterwaul"),
    "cow": ("Cattle, bovinae", "Moo", "Cowbell"),
    "crickets": ("Insect", "Cricket"),
    "crow": ("Crow", "Caw"),
    "dog": ("Dog", "Bark", "Yip", "Howl", "Bow-wow", "Growling", "Whimper (dog)"),
    "frog": ("Frog", "Croak"),
    "hen": ("Chicken, rooster", "Cluck"),
    "pig": ("Pig", "Oink"),
    "rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "sheep": ("Sheep", "Bleat"),
}
"""AudioSet's labels that mean each of the ten classes. "Chicken, rooster" is one label for two of them."""


def esc50_metadata():
    """Return the metadata of ESC-50: 2000 clips of 5 s in 50 classes and 5 folds.

    Returns
    -------
    pandas.DataFrame
        Columns ``filename``, ``fold`` (1 to 5), ``target`` (0 to 49), ``category`` (its name) and ``source``
        (the Freesound recording that the clip was cut from; clips of one recording and class share a fold).

    Source: K. J. Piczak, ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015.

    Notebook: 03_transfer_learning
    """
    import pandas as pd

    metadata = pd.read_csv(assets.resolve("esc50-metadata").path)[["filename", "fold", "target", "category"]]
    return metadata.assign(source=metadata["filename"].str.split("-").str[1].astype(int))


def load_clip(filename: str, sample_rate: int = 16000, asset: str = "esc50-animals") -> np.ndarray | None:
    """Return the waveform of an ESC-50 clip, shape (n_samples,), or None where its audio is not at hand.

    ``asset`` is the set that it belongs to: ``"esc50-animals"`` or ``"esc50-backgrounds"``.

    Notebook: 03_transfer_learning
    """
    files = assets.clips(asset)
    if files and filename not in files:
        raise ValueError(f"{filename!r} is not one of the {len(files)} clips of {asset}.")
    return audio.load(files[filename], sample_rate) if files else None


def teacher_outputs():
    """Return what YAMNet heard in the two loudest of the even windows (0, 2, 4, ...) of each of the 400 animal clips.

    Returns
    -------
    log_mel : ndarray, shape (800, 96, 64)
        YAMNet's input: log-mel spectrograms of 0.96 s, a frame every 10 ms. Kept in 64 steps of 0.19.
    scores : ndarray, shape (800, 521)
        YAMNet's scores of them, in [0, 1].
    clips : pandas.DataFrame
        The columns ``filename``, ``fold`` and ``category`` of each row's clip, and ``window``, which of YAMNet's
        windows of the clip it is, counted from 0.

    Source: K. Piczak, ESC-50, 2015; M. Plakal and D. Ellis, YAMNet.

    Notebook: 05_distillation
    """
    with np.load(assets.embedded("features/teacher_outputs.npz")) as kept:
        log_mel = (kept["lowest"] + kept["step"] * kept["log_mel"]).astype(np.float32)
        scores, names, windows = kept["scores"].astype(np.float32), kept["names"], kept["windows"].astype(int)
    clips = esc50_metadata().set_index("filename").loc[names].reset_index()
    return log_mel, scores, clips[["filename", "fold", "category"]].assign(window=windows)


def audioset_labels():
    """Return AudioSet's 527 labels in the order of CNN14's scores.

    Returns
    -------
    pandas.DataFrame
        Index 0 to 526; columns ``mid`` (AudioSet's identifier), ``display_name`` and ``yamnet_index`` (0 to 520,
        or -1 for the labels that YAMNet does not have).

    Source: J. Gemmeke et al., Audio Set, ICASSP 2017.

    Notebook: 01_audio_tagging
    """
    import pandas as pd

    return pd.read_csv(assets.embedded("audioset_labels.csv"), index_col="index")


def audioset_csv() -> str:
    """Return the 527 labels as the text of AudioSet's own ``class_labels_indices.csv``, which panns-inference reads."""
    rows = audioset_labels().itertuples()
    return "index,mid,display_name\n" + "".join(f'{row.Index},{row.mid},"{row.display_name}"\n' for row in rows)


# --- the mixtures of the detection notebook ---


@dataclass(frozen=True, eq=False)
class Soundscape:
    """A scene with known events.

    Attributes
    ----------
    name : str
        Under this name the embedded features are found.
    waveform : ndarray, shape (n_samples,), or None
        Samples at ``sample_rate``; None where the audio is not at hand.
    sample_rate : int
        In Hz.
    duration : float
        In seconds.
    reference : pandas.DataFrame
        The true events: ``label``, ``onset`` and ``offset`` in seconds; of :func:`make_soundscapes` also ``filename``,
        the clip that each was cut from.
    log_mel : ndarray, shape (n_frames, 64)
        YAMNet's log-mel spectrogram, a frame every 0.01 s, of the embedded metro mixture; else None.
    """

    name: str
    waveform: np.ndarray | None
    sample_rate: int
    duration: float
    reference: object
    log_mel: np.ndarray | None = None

    def save(self, folder) -> None:
        """Write ``NAME.wav`` and ``NAME.txt`` into a folder: onset, offset and label of each event, parted by tabs."""
        import soundfile

        if self.waveform is None:
            raise assets.AssetError(f"Saving a mixture takes the clips' audio. {assets.WAYS_OUT}")
        path = Path(folder) / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(f"{path}.wav", self.waveform, self.sample_rate)
        events = self.reference[["onset", "offset", "label"]]
        events.to_csv(f"{path}.txt", sep="\t", index=False, header=False, lineterminator="\n")


METRO_RECIPE = (
    # label, which clip of fold 5 (counted from 0), cut from and to (s), onset in the mixture (s), gain
    ("dog", 0, 0.2, 1.0, 0.0, 0.25),
    ("cat", 3, 0.2, 1.0, 1.0, 0.15),
    ("rooster", 0, 0.8, 2.5, 2.0, 0.25),
    ("cow", 1, 1.3, 2.5, 4.0, 0.25),
)
"""Four animals over a metro station, as in a 2022 lecture on the same subject (see data/README.md)."""


def metro_recipe():
    """Return the recipe of the mixture: which clip, cut where, set where and at which gain.

    Returns
    -------
    pandas.DataFrame
        Columns ``label``, ``filename``, ``cut_from``, ``cut_to``, ``onset`` (s) and ``gain``.

    Notebook: 04_sound_event_detection
    """
    import pandas as pd

    metadata = esc50_metadata()
    rows = []
    for label, nth, cut_from, cut_to, onset, gain in METRO_RECIPE:
        clips = metadata.query("fold == 5 and category == @label")["filename"]
        rows.append((label, clips.iloc[nth], cut_from, cut_to, onset, gain))
    return pd.DataFrame(rows, columns=["label", "filename", "cut_from", "cut_to", "onset", "gain"])


def metro_mixture(recipe) -> Soundscape:
    """Mix animals into a metro station.

    Each clip is scaled to a peak of 1, cut, scaled by its gain and added to the first eight seconds of the metro
    station, which is left as it was recorded. Everything is at 16 kHz.

    Parameters
    ----------
    recipe : pandas.DataFrame
        As :func:`metro_recipe` returns it.

    Returns
    -------
    Soundscape
        With the waveform where the clips and the metro station are at hand, else with the embedded spectrogram.

    Raises
    ------
    AssetError
        If the recipe is not the published one and the audio to mix it from is not at hand.

    Notebook: 04_sound_event_detection
    """
    sample_rate, duration = 16000, 8.0
    reference = recipe[["label", "onset"]].assign(offset=recipe["onset"] + recipe["cut_to"] - recipe["cut_from"])
    reference["offset"] = reference["offset"].round(3)
    background, files = assets.resolve("metro-station"), assets.clips()
    if not (background.is_real and files):
        if not recipe.equals(metro_recipe()):
            raise assets.AssetError(f"Mixing another recipe takes the clips' audio. {assets.WAYS_OUT}")
        with np.load(assets.embedded("features/metro_mixture.npz")) as stored:
            log_mel = stored["log_mel"].astype(np.float32)
        return Soundscape("metro_mixture", None, sample_rate, duration, reference, log_mel)
    events = []
    for event in recipe.itertuples():
        clip = audio.normalise_peak(audio.load(files[event.filename], sample_rate))
        cut = clip[round(event.cut_from * sample_rate) : round(event.cut_to * sample_rate)]
        events.append((event.gain * cut, event.onset))
    station = audio.load(background.path, sample_rate)[: round(duration * sample_rate)]
    return Soundscape("metro_mixture", audio.mix(station, events, sample_rate), sample_rate, duration, reference)


def _recipe(rng, metadata, cuts, polyphony: int, duration: float) -> tuple[list[str], object]:
    """Draw a soundscape: two background clips of one class; of each event the clip, its cut and its onset (s)."""
    import pandas as pd

    by_class = metadata.groupby("category")["filename"]
    background = list(rng.choice(by_class.get_group(rng.choice(BACKGROUNDS)), 2, replace=False))
    events = []
    for label in map(str, rng.permutation(ANIMALS)[: rng.integers(2, 5)]):
        filename = rng.choice(by_class.get_group(label))
        cut_from, cut_to = cuts.loc[filename]
        for _ in range(100):  # where fewer than `polyphony` events sound
            onset = round(rng.uniform(0, duration - (cut_to - cut_from)), 2)
            offset = round(onset + cut_to - cut_from, 2)
            if sum(onset < event[5] and event[4] < offset for event in events) < polyphony:
                events.append((label, filename, cut_from, cut_to, onset, offset))
                break
    events = pd.DataFrame(events, columns=["label", "filename", "cut_from", "cut_to", "onset", "offset"])
    return background, events.sort_values("onset", ignore_index=True)


def make_soundscapes(n: int, snr, polyphony: int = 2, seed: int = 0, fold: int = 5, folder=None) -> list[Soundscape]:
    """Make mixtures of animals over real backgrounds, all from the clips of one fold of ESC-50, with known events.

    Each lasts eight seconds at 16 kHz. The background is airplane, rain, sea waves, train or wind: two clips of one
    class, cross-faded, at -30 dB (A-weighted, :func:`course_utils.audio.level`). Two to four animals of different
    classes (fewer where they find no room) are set into it at random, each the active part of a clip
    (:func:`course_utils.audio.active_part`, at most three seconds). The same ``n``, ``polyphony``, ``seed`` and
    ``fold`` give the same events at each ``snr``.

    Parameters
    ----------
    n : int
        How many.
    snr : float or sequence of float
        A-weighted level of each event above that of the whole background in dB (event-to-background
        ratio); of several, the mixtures take them in turn.
    polyphony : int
        How many events sound together at most.
    seed : int
        Chooses clips and onsets.
    fold : int
        1 to 5.
    folder : str or Path, optional
        Where to save each mixture as ``NAME.wav`` and its events as ``NAME.txt``: onset, offset and label, parted by
        tabs, which Audacity and sed_eval read.

    Returns
    -------
    list of Soundscape
        With waveforms where the clips are at hand; else without, and with the embedded features of those mixtures
        that the course ships.

    Raises
    ------
    ValueError
        If a number makes no sense.
    AssetError
        If mixtures are to be saved and the clips' audio is not at hand.

    Notebook: 04_sound_event_detection
    """
    import hashlib

    import pandas as pd

    levels = np.atleast_1d(np.asarray(snr, dtype=float))
    if n < 1 or polyphony < 1 or fold not in range(1, 6) or not (levels.size and np.isfinite(levels).all()):
        raise ValueError("Expected n and polyphony of at least 1, a fold from 1 to 5, and finite ratios in dB.")
    cuts = pd.read_csv(assets.embedded("esc50_active.csv"), index_col="filename")
    metadata = esc50_metadata().query("fold == @fold")
    has_audio = bool(assets.clips() and assets.clips("esc50-backgrounds"))
    if folder is not None and not has_audio:
        raise assets.AssetError(f"Saving mixtures takes the clips' audio. {assets.WAYS_OUT}")
    soundscapes = []
    for i in range(n):
        rng = np.random.default_rng([seed, fold, polyphony, i])
        background, events = _recipe(rng, metadata, cuts, polyphony, duration=8.0)
        ratio = float(levels[i % len(levels)])
        rows = events.to_csv(index=False, lineterminator="\n")
        recipe = f"{background} {rows}"  # the features that are shipped are those of this recipe
        name = f"soundscape-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}{ratio:+g}dB"
        waveform = _mix_soundscape(background, events, ratio) if has_audio else None
        reference = events[["label", "onset", "offset", "filename"]]
        soundscapes.append(Soundscape(name, waveform, 16000, 8.0, reference))
        if folder is not None:
            soundscapes[-1].save(folder)
    return soundscapes


def _mix_soundscape(background: list[str], events, snr: float, background_level: float = -30.0) -> np.ndarray:
    """Return the waveform of a soundscape, scaled down if it would leave [-1, 1]."""
    rate, fade = 16000, np.linspace(0, 1, 8000)  # half a second
    clips = [load_clip(filename, rate, "esc50-backgrounds") for filename in background]
    first, second = (clip * 10 ** (-audio.level(clip, rate) / 20) for clip in clips)
    cross = first[-len(fade) :] * np.sqrt(fade[::-1]) + second[: len(fade)] * np.sqrt(fade)
    station = np.concatenate([first[: -len(fade)], cross, second[len(fade) :]])[: 8 * rate]
    station = station * 10 ** ((background_level - audio.level(station, rate)) / 20)
    ramp = np.linspace(0, 1, round(0.01 * rate))
    parts = []
    for event in events.itertuples():
        part = load_clip(event.filename, rate)[round(event.cut_from * rate) : round(event.cut_to * rate)].copy()
        part[: len(ramp)] *= ramp
        part[-len(ramp) :] *= ramp[::-1]
        gain = 10 ** ((background_level + snr - audio.level(part, rate)) / 20)
        parts.append((gain * part, event.onset))
    mixture = audio.mix(station, parts, rate)
    return mixture / max(1.0, np.abs(mixture).max())

"""ESC-50: 2000 clips in 50 categories, of which the course mostly uses ten animals and five backgrounds.

Source: K. J. Piczak, ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from course_utils import assets
from course_utils.audio import Clip

if TYPE_CHECKING:
    import pandas as pd

ANIMALS = ("cat", "cow", "crickets", "crow", "dog", "frog", "hen", "pig", "rooster", "sheep")
"""The ten animal classes of the course, a selection from ESC-50's fifty."""

BACKGROUNDS = ("airplane", "rain", "sea_waves", "train", "wind")
"""Classes of ESC-50 that mostly sound without a pause: the backgrounds of :func:`make_soundscapes`."""

SMALL = ("esc50-listening", "esc50-mixtures")
"""Assets with the few clips that lessons play, which are fetched without asking."""

WHOLE = ("esc50-animals", "esc50-backgrounds")
"""Assets with all clips of the course, those of the small ones among them."""


def esc50_metadata() -> "pd.DataFrame":
    """Return the metadata of ESC-50: 2000 clips of 5 s in 50 classes and 5 folds.

    Notebook: 03_transfer_learning, 04_sound_event_detection, 05_how_sure, 06_better_detector

    Returns
    -------
    pandas.DataFrame
        Columns ``filename``, ``fold`` (1 to 5), ``target`` (0 to 49), ``category`` (its name) and ``source``
        (the Freesound recording that the clip was cut from; clips of one recording and class share a fold).
    """
    import pandas as pd

    metadata = pd.read_csv(assets.resolve("esc50-metadata").path)[["filename", "fold", "target", "category"]]
    return metadata.assign(source=metadata["filename"].str.split("-").str[1].astype(int))


def clips(filenames: Iterable[str]) -> list[Clip]:
    """Return clips of ESC-50, each with its audio if that is available.

    Parameters
    ----------
    filenames : iterable of str
        For instance ``"1-100032-A-0.wav"``.

    Returns
    -------
    list of Clip
        If a small set of clips that the lessons play has them all and is available, no other set is asked for.

    Raises
    ------
    FileNotFoundError
        If ESC-50 has no clip of that name.
    """
    import pandas as pd

    wanted, store, paths = list(map(str, filenames)), assets.store(), {}
    rest, known = set(wanted), pd.read_csv(assets.embedded("esc50_metadata.csv"))["filename"]
    if unknown := sorted(rest.difference(known)):
        why = "is neither a file nor one of the 2,000 clips of ESC-50. Check the name."
        raise FileNotFoundError(f"{unknown[0]!r} {why}")
    for name in SMALL + WHOLE:
        has = {row["filename"] for row in store.manifest(name)}
        if rest & has and (rest <= has or name in WHOLE):
            found = store.clips(name)
            paths |= found
            rest -= found.keys()
    return [Clip(name, paths.get(name), stored=name) for name in wanted]


def clip(filename: str) -> Clip:
    """Return one clip of ESC-50; see :func:`clips`."""
    return clips([filename])[0]


def load_clip(filename: str, sample_rate: int = 16000) -> np.ndarray | None:
    """Return the waveform of an ESC-50 clip, shape (n_samples,), or None if its audio is not available.

    Notebook: 03_transfer_learning, 05_how_sure
    """
    return clip(filename).load(sample_rate)


def teacher_outputs() -> "tuple[np.ndarray, np.ndarray, pd.DataFrame]":
    """Return what YAMNet heard in the two loudest of the even windows (0, 2, 4, ...) of each of the 400 animal clips.

    Source: K. Piczak, ESC-50, 2015; M. Plakal and D. Ellis, YAMNet.

    Notebook: 07_distillation

    Returns
    -------
    log_mel : ndarray, shape (800, 96, 64)
        YAMNet's input: log-mel spectrograms of 0.96 s, a frame every 10 ms. They are kept in 64 steps of 0.19.
    scores : ndarray, shape (800, 521)
        YAMNet's scores of them, in [0, 1].
    clips : pandas.DataFrame
        The columns ``filename``, ``fold`` and ``category`` of each row's clip, and ``window``: which of the clip's
        windows it is, counted from 0.
    """
    with np.load(assets.embedded("features/teacher_outputs.npz")) as kept:
        log_mel = (kept["lowest"] + kept["step"] * kept["log_mel"]).astype(np.float32)
        scores, names, windows = kept["scores"].astype(np.float32), kept["names"], kept["windows"].astype(int)
    rows = esc50_metadata().set_index("filename").loc[names].reset_index()
    return log_mel, scores, rows[["filename", "fold", "category"]].assign(window=windows)

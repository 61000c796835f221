"""Scores, embeddings and levels of many clips: computed once by a network, or shipped with the course.

Features of a clip come from the **cache** if they are there, in ``features/<id of the network>-<hop>/<clip>.npz``. If
not, they are **extracted** where the clip's audio is available. Otherwise they are those that the course **ships**.
Shipped features belong to a family of networks, and no other family gets them.
"""

import contextlib
import hashlib
import os
import re
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils import assets, datasets
from course_utils.audio import Clip
from course_utils.events import array_of, number
from course_utils.models import EmbeddingModel, Output, wrap

SAID = {
    "extracted": "computed just now",
    "cache": "computed earlier and kept",
    "embedded": "shipped with the course, computed from the audio beforehand",
}
AT_ONCE = 16  # clips that are read while the network has the ones before
KEPT = re.compile(r".+-[0-9a-f]{16}\.npz")  # names in the cache; and while one is written
SCRATCH = re.compile(r"\..+-[0-9a-f]{16}\.\d+\.\d+\.npz")


class Features(NamedTuple):
    """What a network makes of a clip, with one row per window.

    Attributes
    ----------
    scores : ndarray, shape (n_windows, n_labels)
        In [0, 1]. Of some shipped clips there is one row, their mean. Labels that a pack leaves out are NaN.
    embeddings : ndarray, shape (n_windows, n_dimensions)
        The layer below the scores.
    levels : ndarray, shape (n_windows,)
        Root mean square of the samples of each window: full scale is 1, digital silence is 0.
    origin : {"extracted", "cache", "embedded"}
        Computed just now, computed earlier and kept, or shipped with the course.
    """

    scores: np.ndarray
    embeddings: np.ndarray
    levels: np.ndarray
    origin: str


def _as_clip(clip: Any, model: EmbeddingModel) -> Clip | str:
    """Return what :func:`extract` takes as a clip, or the name if it can only be one of ESC-50's."""
    if isinstance(clip, Clip):
        return clip
    if not isinstance(clip, str | os.PathLike):
        if (waveform := array_of(clip)).dtype.kind not in "biuf":
            raise TypeError(f"A clip is a file name, a waveform or a Clip, not of type {type(clip).__name__}.")
        return Clip("waveform", waveform=waveform, sample_rate=model.sample_rate)
    path = Path(clip)
    if path.name != str(clip) and not path.is_file():  # a folder that lacks it: no clip of the course
        raise FileNotFoundError(f"There is no file {str(path)!r}. Check the name; the working folder is {Path.cwd()}.")
    return Clip(path.name, path) if path.is_file() else path.name


def _as_clips(clips: Sequence, model: EmbeddingModel) -> list[Clip]:
    """Return what :func:`extract` takes as clips; names of ESC-50's are looked up in one go."""
    samples = array_of(clips) if hasattr(clips, "__array__") else np.empty(0, object)
    if isinstance(clips, str | bytes | Path | Clip) or (samples.ndim == 1 and samples.dtype.kind in "biuf"):
        raise TypeError("Expected a list of clips, got a single one. Write [clip].")
    if hasattr(clips, "columns") or not hasattr(clips, "__iter__"):
        raise TypeError(f"Expected a list of clips, not of type {type(clips).__name__}.")
    listed = [_as_clip(clip, model) for clip in clips]
    if not listed:
        raise ValueError("There are no clips in this list. Put at least one into it.")
    names = [clip for clip in listed if isinstance(clip, str)]
    known = {clip.name: clip for clip in datasets.clips(names)} if names else {}
    return [known.get(clip, clip) for clip in listed]


# --- the network ---


def _windows(waveform: np.ndarray, model: EmbeddingModel, hop: float, count: int = 0) -> list[np.ndarray]:
    """Cut a waveform into ``count`` windows every ``hop`` s; without it into the whole ones, at least one."""
    step, length = round(hop * model.sample_rate), round(model.window * model.sample_rate)
    count = count or _n_windows(len(waveform), model, hop)[0]
    return [waveform[i * step : i * step + length] for i in range(count)]


def run(model: EmbeddingModel, waveforms: list[np.ndarray], hop: float | None) -> list[Output]:
    """Return the outputs of waveforms at the model's rate: as it frames them, or of whole windows every ``hop`` s."""
    many = getattr(model, "many", lambda waveforms: [model(waveform) for waveform in waveforms])
    if hop is None:
        return many(waveforms)
    if hasattr(model, "dense") and (outputs := model.dense(waveforms, hop)):
        return outputs
    clips = [_windows(waveform, model, hop) for waveform in waveforms]
    outputs = iter(many([window for clip in clips for window in clip]))
    rows = ([[part[0] for part in next(outputs)] for _ in clip] for clip in clips)
    return [Output(*map(np.stack, zip(*own, strict=True))) for own in rows]


def _compute(model: EmbeddingModel, clips: list[Clip], hop: float | None) -> Iterator[tuple[int, Features]]:
    """Yield number of samples and features of clips; while the network has some, threads read and resample the next."""
    batches = (clips[i : i + AT_ONCE] for i in range(0, len(clips), AT_ONCE))
    with ThreadPoolExecutor(2) as pool:
        reading = (pool.map(lambda clip: clip.load(model.sample_rate), batch) for batch in batches)
        for batch, _ in pairwise(chain(reading, [()])):  # when a batch is taken, the next is being read
            waveforms = list(batch)
            for waveform, output in zip(waveforms, run(model, waveforms, hop), strict=True):
                windows = _windows(waveform, model, hop or model.hop, len(output.scores))
                levels = [np.sqrt(np.mean(window**2)) if len(window) else 0.0 for window in windows]
                yield len(waveform), Features(*output, np.array(levels, np.float32), "extracted")


# --- the cache ---


def _plain(name: str) -> str:
    """Return a name of which file systems take each character, in 80 bytes at most: those take 255."""
    return re.sub(r"[^\w.+-]", "_", name).encode()[:80].decode(errors="ignore")


def _folder(model: EmbeddingModel, hop: float | None) -> Path:
    """Return where the features of a network are kept: under its id, with a digest of it if that is no plain name."""
    name = str(model.id)
    if _plain(name) != name:
        name = f"{_plain(name)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return assets.store().cache / "features" / f"{name}-{'own' if hop is None else f'{hop:.12g}'}"


def _file(clip: Clip, folder: Path) -> Path:
    """Return where the features of a clip are kept: under its name and the digest of what is loaded of it."""
    if clip.waveform is None:
        try:
            with open(clip.path, "rb") as file:  # which may be long
                digest = hashlib.file_digest(file, "sha256")
        except OSError as error:
            why = f"{str(clip.path)!r} can't be read ({error.strerror}). Check its name and who may read it."
            raise type(error)(why) from None
    else:
        samples = np.asarray(clip.waveform)
        described = f"{clip.sample_rate} Hz, {samples.dtype}, {samples.shape}".encode()
        digest = hashlib.sha256(described + samples.tobytes())
    return folder / f"{_plain(clip.name)}-{digest.hexdigest()[:16]}.npz"


def rows_of(file: Path) -> tuple[np.ndarray, int, int] | None:
    """Return what a file of the cache holds, or None if there is none, or if it is not what :func:`_keep` wrote.

    Its one array has scores, embeddings and levels side by side. The array's name tells its shape, and of how many
    samples it is.

    Returns
    -------
    rows : ndarray, shape (n_windows, n_labels + n_dimensions + 1)
        Float32.
    n_labels, n_samples : int
        How many of the columns are scores, and how long the clip is at the network's rate.
    """
    with contextlib.suppress(Exception), np.load(file) as stored:  # damaged somehow: it is computed again
        (name,), (member,) = stored.files, stored.zip.infolist()
        n_rows, n_labels, width, n_samples = map(int, re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+1 of (\d+)", name).groups())
        shape = n_rows, n_labels + width + 1
        if member.file_size < 4 * shape[0] * shape[1] + 1024:  # before it is read: it may be huge
            rows = stored[name]
            if rows.shape == shape and rows.dtype == np.float32 and np.isfinite(rows).all():
                return rows, n_labels, n_samples
    return None


def _kept(file: Path, model: EmbeddingModel, hop: float | None) -> Features | None:
    """Return the features of a file of the cache if they can be those of a model and a hop, else None."""
    if found := rows_of(file):
        rows, n_labels, n_samples = found
        least, most = _n_windows(n_samples, model, hop)
        if n_labels == len(model.labels) and least <= len(rows) <= most:
            return Features(rows[:, :n_labels], rows[:, n_labels:-1], rows[:, -1], "cache")
    return None


def _n_windows(n_samples: int, model: EmbeddingModel, hop: float | None) -> tuple[int, int]:
    """Return how many windows a clip has at least and at most: a network may pad the last ones of its own framing."""
    step, length = (round(seconds * model.sample_rate) for seconds in (hop or model.hop, model.window))
    whole = max(n_samples - length, 0) // step + 1
    return whole, whole if hop else n_samples // step + 2


def _keep(file: Path, features: Features, n_samples: int) -> None:
    (n_rows, n_labels), width = features.scores.shape, features.embeddings.shape[1]
    name = f"{n_rows}x{n_labels}+{width}+1 of {n_samples}"
    scratch = file.with_name(f".{file.stem}.{os.getpid()}.{threading.get_ident()}.npz")  # others may be at the same
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            np.savez(scratch, **{name: np.column_stack(features[:3]).astype(np.float32)})
            scratch.replace(file)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        why = f"The features could not be kept for the next run ({error.strerror}). To keep them, set COURSE_CACHE."
        warnings.warn(why, stacklevel=3)


def _tidy(folder: Path) -> None:
    """Remove what was being written an hour ago or longer: its process was killed."""
    for scratch in folder.glob(".*.npz"):
        with contextlib.suppress(OSError):
            if SCRATCH.fullmatch(scratch.name) and time.time() - scratch.stat().st_mtime > 3600:
                scratch.unlink()


# --- what the course ships ---


def unpack(stored: Any, n_labels: int) -> dict[str, Features]:
    """Return the features of a pack below ``data/embedded/features/`` by clip, as they were computed.

    Embeddings may be kept in ``steps`` steps up to ``top``, finer for small values: their error has about 2 % of the
    energy. Or they are kept in even steps of ``step``; with 0.2 the error has about 6 % of mn04's energy. Scores may be
    kept in 255 steps, for all labels or those in ``columns``, by window or clip.
    """
    shares, embeddings, levels = (stored[key].astype(np.float32) for key in Features._fields[:3])
    if "steps" in stored:
        embeddings = stored["top"] * np.square(embeddings / stored["steps"])
    if "step" in stored:
        embeddings *= stored["step"]
    if stored["scores"].dtype == np.uint8:
        shares /= 255
    scores = np.full((*shares.shape[:-1], n_labels), np.nan, np.float32)
    scores[..., stored.get("columns", slice(None))] = shares
    parts = stored["names"].tolist(), scores.reshape(len(scores), -1, n_labels), embeddings, levels
    return {name: Features(*rows, "embedded") for name, *rows in zip(*parts, strict=True)}


def _shipped(clips: list[Clip], model: EmbeddingModel, hop: float | None) -> dict[Clip, Features]:
    """Return the features that the course ships for clips: those of the model's family and the hop only."""
    wanted, found, others = {clip.stored for clip in clips}, {}, set()
    for file in assets.embedded("features").glob("*.npz"):
        with np.load(file) as stored:
            if "family" not in stored or wanted.isdisjoint(stored["names"].tolist()):
                continue
            family, at = str(stored["family"]), None if np.isnan(stored["hop"]) else float(stored["hop"])
            if (family, at) == (model.family, hop):
                found |= unpack(stored, len(model.labels))
            else:
                others.add(f"of {family} for hop={at}")
    if missing := [clip.name for clip in clips if not clip.has_audio and clip.stored not in found]:
        wanted, has = f"of {model.family} for hop={hop}", ", ".join(sorted(others))
        ships = f"its features {has}, but not {wanted}" if others else f"no features of it {wanted}"
        why = f"The audio of {missing[0]} is not available. The course ships {ships}."
        raise assets.AssetError(f"{why} {assets.WAYS_OUT}")
    return {clip: found[clip.stored] for clip in clips if clip.stored in found}


# --- what the lessons call ---


def extract(clips: Sequence, model: Any, hop: float | None = None) -> list[Features]:
    """Return scores, embeddings and levels of clips.

    Clips whose audio is available go through the network in batches, and the cache keeps what it says. If some
    clip of ESC-50 or some mixture has no audio here, all such clips of the call get the features that the course ships.
    These must be of the network's family. So no clip is judged by one network and its neighbour by another.

    Notebook: 03_transfer_learning, 04_sound_event_detection, 05_how_sure, 06_better_detector, 07_distillation

    Parameters
    ----------
    clips : sequence of str, Path, ndarray or Clip
        Names of ESC-50's clips, audio files, waveforms of shape (n_samples,) at the model's sample rate, or clips;
        a mixture is a clip, too.
    model : EmbeddingModel or SavedModel
        For instance YAMNet as ``hub.load`` returns it.
    hop : float, optional
        Seconds between the starts of two windows. Each whole window is given to the network on its own. By default the
        network frames the clip itself: YAMNet starts a window every 0.48 s, and pads the last one with zeros.

    Returns
    -------
    list of Features
        One per clip.

    Raises
    ------
    FileNotFoundError
        If a clip is neither a file nor one of ESC-50's.
    AssetError
        If neither the audio nor features of this family are available.
    TypeError, ValueError
        If this is one clip and not a list, the list is empty, the hop is not positive, or a clip is not audio.
    """
    model = wrap(model)
    if hop is not None:
        way = "Choose a positive number of seconds, at least one sample."
        # a sample has 1 / sample_rate seconds, more or less what is rounded
        hop = round(number(hop, "The hop", way, lambda x: 0.9 < x * model.sample_rate < np.inf), 9)
    listed, store = _as_clips(clips, model), assets.store()
    found = {} if all(clip.has_audio for clip in listed) else _shipped(listed, model, hop)
    folder = _folder(model, hop)
    _tidy(folder)
    files = {clip: _file(clip, folder) for clip in listed if clip not in found}
    found |= {clip: _kept(file, model, hop) for clip, file in files.items()}
    todo = [clip for clip in files if found[clip] is None]
    bar = assets.progress(todo, desc="Extracting features", unit="clip", disable=not todo)
    for clip, (n_samples, features) in zip(bar, _compute(model, todo, hop), strict=True):
        found[clip] = features
        with contextlib.suppress(OSError):  # whoever has replaced a file meanwhile: nobody knows what was loaded
            if _file(clip, folder) == files[clip]:
                _keep(files[clip], features, n_samples)
    origins = Counter(found[clip].origin for clip in listed)
    if store.used.get("embeddings") != "extracted":
        store.used["embeddings"] = min(origins, key=list(SAID).index)
    counted = [SAID[origin] if len(origins) == 1 else f"{n} {SAID[origin]}" for origin, n in origins.items()]
    print(f"Features of {len(listed)} {'clip' if len(listed) == 1 else 'clips'}: {'; '.join(counted)}.")
    return [found[clip] for clip in listed]

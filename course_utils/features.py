"""Scores, embeddings and levels of many clips: computed once by a network, or those that the course ships.

Features of a clip come from the **cache** (``features/<id of the network>-<hop>/<clip>.npz``, a file a clip), are
**extracted** where its audio is available, and else are those that the course **ships**. Those belong to a family of
networks, and are given to no other.
"""

import hashlib
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils import assets, datasets
from course_utils.audio import Clip
from course_utils.models import EmbeddingModel, Output, wrap

KEYS = ("scores", "embeddings", "levels")
SAID = {
    "extracted": "computed in this call",
    "cache": "kept from an earlier call",
    "embedded": "shipped with the course, computed from the audio beforehand",
}
AT_ONCE = 16  # clips that are read while the network has the ones before


class Features(NamedTuple):
    """What a network makes of a clip, a row for each of its windows.

    Attributes
    ----------
    scores : ndarray, shape (n_windows, n_labels)
        In [0, 1]; one row, the mean over the clip, where the course ships no more; NaN for labels it leaves out.
    embeddings : ndarray, shape (n_windows, n_dimensions)
        The layer below the scores.
    levels : ndarray, shape (n_windows,)
        Root mean square of the samples of each window: full scale is 1, digital silence 0.
    origin : {"extracted", "cache", "embedded"}
        Computed in this call, kept from an earlier one, or shipped with the course.
    """

    scores: np.ndarray
    embeddings: np.ndarray
    levels: np.ndarray
    origin: str


def _as_clip(clip: Any, model: EmbeddingModel) -> Clip:
    if isinstance(clip, Clip):
        return clip
    if isinstance(clip, np.ndarray):
        return Clip("waveform", waveform=clip, sample_rate=model.sample_rate)
    path = Path(os.fsdecode(clip))
    if path.is_file():
        return Clip(path.name, path)
    if path.name != os.fsdecode(clip):  # a folder that lacks it: no clip of the course
        raise FileNotFoundError(f"There is no file {str(path)!r}: check the name; the working folder is {Path.cwd()}.")
    return datasets.clip(path.name)


def _as_clips(clips: Sequence, model: EmbeddingModel) -> list[Clip]:
    """Return what :func:`extract` takes as clips; names of ESC-50's are looked up in one go."""
    waveform = isinstance(clips, np.ndarray) and clips.ndim == 1 and clips.dtype.kind in "fiu"
    if waveform or isinstance(clips, str | bytes | Path | Clip):
        raise TypeError("Expected a list of clips, got one: write [clip].")
    listed = list(clips)
    if not listed:
        raise ValueError("There are no clips: the list is empty.")
    names = [i for i, clip in enumerate(listed) if isinstance(clip, str) and not Path(clip).is_file()]
    if all(Path(listed[i]).name == listed[i] for i in names):
        for i, clip in zip(names, datasets.clips(listed[i] for i in names) if names else (), strict=True):
            listed[i] = clip
    return [_as_clip(clip, model) for clip in listed]


# --- the network ---


def _cut(waveform: np.ndarray, model: EmbeddingModel, hop: float) -> list[np.ndarray]:
    """Cut a waveform into whole windows every ``hop`` seconds, at least one."""
    length = round(model.window * model.sample_rate)
    starts = range(0, max(len(waveform) - length, 0) + 1, round(hop * model.sample_rate))
    return [waveform[start : start + length] for start in starts]


def run(model: EmbeddingModel, waveforms: list[np.ndarray], hop: float | None) -> list[Output]:
    """Return the outputs of waveforms at the model's rate: as it frames them, or of whole windows every ``hop`` s."""
    many = getattr(model, "many", lambda waveforms: [model(waveform) for waveform in waveforms])
    if hop is None:
        return many(waveforms)
    if (dense := getattr(model, "dense", None)) and (outputs := dense(waveforms, hop)):
        return outputs
    windows = [_cut(waveform, model, hop) for waveform in waveforms]
    outputs = many([window for clip in windows for window in clip])
    ends = np.cumsum([len(clip) for clip in windows])[:-1]
    return list(map(Output, *(np.split(np.concatenate([out[k][:1] for out in outputs]), ends) for k in (0, 1))))


def _levels(waveform: np.ndarray, model: EmbeddingModel, hop: float | None, count: int) -> np.ndarray:
    step, length = round((hop or model.hop) * model.sample_rate), round(model.window * model.sample_rate)
    windows = [waveform[i * step : i * step + length] for i in range(count)]
    return np.array([np.sqrt(np.mean(w**2)) if len(w) else 0.0 for w in windows], np.float32)


def _compute(model: EmbeddingModel, clips: list[Clip], hop: float | None) -> Iterator[Features]:
    """Yield the features of clips; while the network has some of them, threads read and resample the next."""
    batches = [clips[i : i + AT_ONCE] for i in range(0, len(clips), AT_ONCE)]
    bar = assets.progress(total=len(clips), desc="Extracting features", unit="clip", disable=not clips)
    with ThreadPoolExecutor(2) as pool, bar:
        reading = [pool.submit(clip.load, model.sample_rate) for clip in (batches[0] if batches else [])]
        for i, batch in enumerate(batches):
            waveforms = [job.result() for job in reading]
            following = batches[i + 1] if i + 1 < len(batches) else []
            reading = [pool.submit(clip.load, model.sample_rate) for clip in following]
            for waveform, (scores, embeddings) in zip(waveforms, run(model, waveforms, hop), strict=True):
                yield Features(scores, embeddings, _levels(waveform, model, hop, len(scores)), "extracted")
            bar.update(len(batch))


# --- the cache ---


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]", "_", name)[:80]


def _file(clip: Clip, folder: Path) -> Path:
    """Return where the features of a clip are kept: under its name and the digest of its content."""
    if clip.path:
        with open(clip.path, "rb") as content:
            digest = hashlib.file_digest(content, "sha256")
    else:
        waveform = np.asarray(clip.waveform)
        digest = hashlib.sha256(f"{clip.sample_rate} Hz, {waveform.dtype}, {waveform.shape}".encode())
        digest.update(waveform.tobytes())
    return folder / f"{_plain(clip.name)}-{digest.hexdigest()[:16]}.npz"


def _kept(file: Path, n_labels: int) -> Features | None:
    """Return the features of a file of the cache; None if there is none, or what it holds is not whole.

    One array has scores, embeddings and levels side by side; its name tells the widths.
    """
    try:
        with np.load(file) as stored:
            (name,) = stored.files
            rows, widths = stored[name], [int(width) for width in name.split("+")]
        right = rows.ndim == 2 and rows.shape[1] == sum(widths) and widths[::2] == [n_labels, 1]
        if right and len(rows) and rows.dtype == np.float32 and np.isfinite(rows).all():
            return Features(rows[:, :n_labels], rows[:, n_labels:-1], rows[:, -1], "cache")
    except Exception:  # cut short by a full disk, or damaged in whatever way: it is computed again
        pass
    return None


def _keep(file: Path, features: Features) -> None:
    columns = features.scores, features.embeddings, features.levels[:, np.newaxis]
    scratch = file.with_name(f".{file.stem}.{os.getpid()}.npz")  # a second notebook may be at the same
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(scratch, **{"+".join(str(part.shape[1]) for part in columns): np.hstack(columns, dtype=np.float32)})
    scratch.replace(file)


# --- what the course ships ---


def unpack(stored: Any, n_labels: int) -> dict[str, np.ndarray]:
    """Return the features of a pack below ``data/embedded/features/``, a row for each clip, as they were computed.

    Embeddings may be kept in ``steps`` steps, finer for small values, up to ``top``: a root-mean-square error of some
    2 % of the energy. Scores may be kept in 255 steps, of all labels or of those in ``columns``, by window or by clip.
    """
    embeddings, scores = stored["embeddings"].astype(np.float32), stored["scores"].astype(np.float32)
    if "steps" in stored:
        embeddings = stored["top"] * np.square(embeddings / stored["steps"])
    if stored["scores"].dtype == np.uint8:
        scores /= np.float32(255)
    if "columns" in stored:
        some, scores = scores, np.full((*scores.shape[:-1], n_labels), np.nan, np.float32)
        scores[..., stored["columns"]] = some
    scores = scores if scores.ndim == 3 else scores[:, np.newaxis]
    return {"scores": scores, "embeddings": embeddings, "levels": stored["levels"].astype(np.float32)}


def _shipped(clips: list[Clip], model: EmbeddingModel, hop: float | None) -> dict[str, Features]:
    """Return the features that the course ships for clips, by name: those of the model's family and the hop only."""
    wanted, found, others = {clip.stored for clip in clips} - {None}, {}, []
    for file in sorted(assets.embedded("features").glob("*.npz")):
        with np.load(file) as stored:
            if "hop" not in stored:
                continue
            rows = [(i, name) for i, name in enumerate(stored["names"].tolist()) if name in wanted]
            family, at = str(stored["family"]), None if np.isnan(stored["hop"]) else float(stored["hop"])
            if rows and (family, at) == (model.family, hop):
                kept = unpack(stored, len(model.labels))
                found |= {name: Features(*(kept[key][i] for key in KEYS), "embedded") for i, name in rows}
            elif rows:
                others.append(f"of {family} for hop={at}")
    if missing := [clip.name for clip in clips if not clip.has_audio and clip.stored not in found]:
        ships = f"only those {', '.join(sorted(set(others)))}" if others else "none"
        raise assets.AssetError(
            f"The audio of {missing[0]} is not available, and of its features for hop={hop} by this network "
            f"({model.family}) the course ships {ships}. {assets.WAYS_OUT}"
        )
    return found


# --- what the lessons call ---


def extract(clips: Sequence, model: Any, hop: float | None = None) -> list[Features]:
    """Return scores, embeddings and levels of clips.

    Clips whose audio is available go through the network in batches, and what it says is kept in the cache. If the
    audio of some of ESC-50's clips or of a mixture is not available, all such clips of the call get the features that
    the course ships, if these are of the network's family: no clip is judged by one network and its neighbour by
    another.

    Parameters
    ----------
    clips : sequence of str, Path, ndarray or Clip
        Names of ESC-50's clips, audio files, waveforms of shape (n_samples,) at the model's sample rate, or clips
        (mixtures among them).
    model : EmbeddingModel or SavedModel
        For instance YAMNet as ``hub.load`` returns it.
    hop : float, optional
        Seconds between the starts of two windows, each fed to the network on its own, whole windows only. By default
        the network frames the clip itself: YAMNet every 0.48 s, the last window padded with zeros.

    Returns
    -------
    list of Features
        One a clip.

    Raises
    ------
    FileNotFoundError
        If a clip is neither a file nor one of ESC-50's.
    AssetError
        If neither the audio nor features of this family are available.
    TypeError, ValueError
        If this is one clip and not a list, the list is empty, the hop is not positive, or a clip is no audio.

    Notebook: 03_transfer_learning, 04_sound_event_detection
    """
    model = wrap(model)
    if hop is not None and not hop * model.sample_rate >= 0.5:
        raise ValueError(f"The hop is {hop} s; it must be positive.")
    listed = _as_clips(clips, model)
    shipped = {} if all(clip.has_audio for clip in listed) else _shipped(listed, model, hop)
    found = [shipped.get(clip.stored) for clip in listed]
    store = assets.store()
    folder = store.cache / "features" / f"{_plain(str(model.id))}-{'own' if hop is None else f'{hop:g}'}"
    asked = [i for i in range(len(listed)) if found[i] is None]
    with ThreadPoolExecutor(2) as pool:  # what takes time is done outside of Python's lock
        files = dict(zip(asked, pool.map(lambda i: _file(listed[i], folder), asked), strict=True))
    for i, file in files.items():
        found[i] = _kept(file, len(model.labels))
    todo, lost = [i for i in files if found[i] is None], None
    for i, features in zip(todo, _compute(model, [listed[i] for i in todo], hop), strict=True):
        found[i] = features
        try:
            _keep(files[i], features)
        except OSError as error:
            lost = error
    if lost:
        warnings.warn(f"The features could not be kept for the next run ({lost}): set COURSE_CACHE.", stacklevel=2)
    origins = Counter(features.origin for features in found)
    before = store.used.get("embeddings")
    store.used["embeddings"] = before if before == "extracted" else min(origins, key=list(SAID).index)
    counted = [f"{SAID[origin]}" if len(origins) == 1 else f"{n} {SAID[origin]}" for origin, n in origins.items()]
    print(f"Features of {len(found)} {'clip' if len(found) == 1 else 'clips'}: {'; '.join(counted)}.")
    return found

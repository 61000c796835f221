"""Embeddings and scores of many clips, computed in batches and cached."""

import hashlib
import tempfile
import warnings
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

from course_utils import assets, audio, datasets
from course_utils.models import YAMNET_HOP, YAMNET_RATE, YAMNET_WINDOW

_HOP = round(YAMNET_HOP * YAMNET_RATE)
_WINDOW = round(YAMNET_WINDOW * YAMNET_RATE)
_REACH = 15600  # samples that one window of YAMNet reads: 96 frames of 25 ms, 10 ms apart
_computed: set[Path] = set()  # files of the cache that this process has written


def model_id(model) -> str:
    """Return a name for a loaded YAMNet that changes with its weights: 16 hexadecimal digits."""
    folder = Path(model.class_map_path().numpy().decode()).parents[1]
    digest = hashlib.sha256()
    for path in (folder / "saved_model.pb", *sorted(folder.glob("variables/*"))):  # constants are in the first
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _animals() -> frozenset[str]:
    return frozenset(row["filename"] for row in assets.manifest("esc50-animals"))


def _source(clip):
    """Return (name, Path or waveform or None) of a clip: what to look it up by, and where its audio is."""
    if isinstance(clip, datasets.Soundscape):
        return clip.name, clip.waveform
    if isinstance(clip, np.ndarray):
        return "waveform", clip
    if (path := Path(clip)).is_file():
        return path.name, path
    if path.name not in _animals():
        raise FileNotFoundError(
            f"{str(clip)!r} is neither a file nor one of the {len(_animals())} ESC-50 animal clips: check the name."
        )
    return path.name, assets.clips().get(path.name)


def _count(n_samples: int) -> int:
    """Return how many windows YAMNet frames a waveform into, the last one padded with zeros."""
    return max(0, -(-(n_samples - _REACH) // _HOP)) + 1


def _windows(waveform: np.ndarray, hop: float | None) -> list[np.ndarray]:
    """Cut a waveform into windows of 0.96 s: YAMNet's own for ``hop=None``, else whole ones every ``hop`` seconds."""
    if hop is None:
        starts = _HOP * np.arange(_count(len(waveform)))
    else:
        starts = np.arange(0, max(len(waveform) - _WINDOW, 0) + 1, round(hop * YAMNET_RATE))
    return [waveform[start : start + _WINDOW] for start in starts]


def _run(model, waveforms: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (scores, embeddings) of each waveform out of one call of the model.

    The waveforms are laid end to end, each padded with zeros to where one of YAMNet's hops begins and far enough
    that no window which belongs to it reads from the next one.
    """
    counts = [_count(len(waveform)) for waveform in waveforms]
    blocks = [np.pad(w, (0, (count + 2) * _HOP - len(w))) for w, count in zip(waveforms, counts, strict=True)]
    scores, embeddings, _ = model(np.concatenate(blocks))
    starts = np.cumsum([0, *(count + 2 for count in counts)])[:-1]
    pick = [slice(start, start + count) for start, count in zip(starts, counts, strict=True)]
    scores, embeddings = scores.numpy(), embeddings.numpy()
    return [(scores[part], embeddings[part]) for part in pick]


def score_blocks(blocks, model, at_once: int = 125) -> np.ndarray:
    """Return YAMNet's scores of a recording that comes in blocks, the same as of the whole, in little memory.

    Parameters
    ----------
    blocks : iterable of ndarray, shape (n_samples,)
        Samples at 16 kHz, in order; blocks of any length.
    model : SavedModel
        YAMNet as ``hub.load`` returns it.
    at_once : int
        How many windows go through the model in one call; the default makes a minute.

    Returns
    -------
    ndarray, shape (n_windows, 521)
    """
    rest, scores = np.zeros(0, np.float32), []
    enough = (at_once - 1) * _HOP + _REACH
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) > enough:  # with at least a sample left, so that the last windows are those of the whole
            scores.append(_run(model, [rest[:enough]])[0][0])
            rest = rest[at_once * _HOP :]
    return np.concatenate([*scores, _run(model, [rest])[0][0]])


def _run_shifted(model, waveforms: list[np.ndarray], steps: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (scores, embeddings) of whole windows ``steps`` times as dense as YAMNet's, which frames shifted copies.

    Each window then costs one pass of the network. Its last 15 ms, beyond 0.96 s, are those of the recording.
    """
    shift, results = _HOP // steps, []
    shifted = [_run(model, [waveform[k * shift :] for waveform in waveforms]) for k in range(steps)]
    for i, waveform in enumerate(waveforms):
        count = len(range(0, max(len(waveform) - _WINDOW, 0) + 1, shift))
        parts = [shifted[k][i] for k in range(min(steps, count))]
        merged = tuple(np.empty((count, part.shape[1]), np.float32) for part in parts[0])
        for k, part in enumerate(parts):
            for whole, values in zip(merged, part, strict=True):
                whole[k::steps] = values[: len(whole[k::steps])]
        results.append(merged)
    return results


def _compute(model, sources: list, hop: float | None, batch: int = 16) -> dict[str, np.ndarray]:
    """Run the model over clips in batches, with a progress bar."""
    frames, embeddings, scores, levels = [], [], [], []
    with assets.progress(total=len(sources), desc="Extracting embeddings", unit="clip") as bar:
        for start in range(0, len(sources), batch):
            part = sources[start : start + batch]
            waveforms = [audio.load(clip, YAMNET_RATE) if isinstance(clip, Path) else clip for clip in part]
            waveforms = [audio.check_waveform(waveform, YAMNET_RATE) for waveform in waveforms]
            windows = [_windows(waveform, hop) for waveform in waveforms]
            if hop is None:
                results = _run(model, waveforms)
            elif _HOP % round(hop * YAMNET_RATE) == 0:
                results = _run_shifted(model, waveforms, _HOP // round(hop * YAMNET_RATE))
            else:
                results = [tuple(np.concatenate(x) for x in zip(*_run(model, w), strict=True)) for w in windows]
            levels += [np.sqrt(np.mean(window**2)) if len(window) else 0.0 for clip in windows for window in clip]
            for clip_scores, clip_embeddings in results:
                frames.append(len(clip_embeddings))
                embeddings.append(clip_embeddings)
                scores.append(clip_scores)
            bar.update(len(part))
    return {
        "frames": np.array(frames),
        "embeddings": np.concatenate(embeddings),
        "scores": np.concatenate(scores),
        "levels": np.array(levels, dtype=np.float32),
    }


def _cached(model, sources: list, hop: float | None) -> tuple[dict[str, np.ndarray], str]:
    """Return the features of clips whose audio is at hand, and whether they are ``extracted`` or from the ``cache``."""
    digest = hashlib.sha256(f"version 2, {model_id(model)}, {hop}".encode())
    for clip in sources:
        digest.update(hashlib.sha256(clip.read_bytes() if isinstance(clip, Path) else clip.tobytes()).digest())
    file = assets.cache_dir() / "features" / f"{digest.hexdigest()[:24]}.npz"
    if file.is_file():
        try:
            with np.load(file) as stored:
                features = dict(stored)
            return features, "extracted" if file in _computed else "cache"
        except Exception:  # cut short by a full disk, or damaged in whatever way: it is computed again
            pass
    features = _compute(model, sources, hop)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:  # a second notebook may be at the same
            np.savez_compressed(Path(folder) / file.name, **features)
            (Path(folder) / file.name).replace(file)
        _computed.add(file)
    except OSError as error:
        warnings.warn(f"The features could not be kept for the next run ({error}): set COURSE_CACHE.", stacklevel=4)
    return features, "extracted"


def unpack(stored) -> dict[str, np.ndarray]:
    """Return the features of a file below ``data/embedded/features/``, a row for each clip, as they were computed.

    The embeddings of soundscapes are kept in ``steps`` steps, finer for small values, up to ``top``: a root-mean-square
    error of some 2 % of the energy. Of their scores, those of the classes in ``columns`` are kept, in 255 steps.
    """
    features = {"levels": stored["levels"].astype(np.float32)}
    if "steps" in stored:
        features["embeddings"] = stored["top"] * np.square(stored["embeddings"].astype(np.float32) / stored["steps"])
        features["scores"] = np.full((*stored["scores"].shape[:2], 521), np.nan, np.float32)
        features["scores"][..., stored["columns"]] = stored["scores"] / np.float32(255)
    else:
        features["embeddings"] = stored["embeddings"].astype(np.float32)
        features["scores"] = stored["scores"].astype(np.float32)[:, np.newaxis]  # of the whole clip
    return features


def _embedded(names: list[str], hop: float | None) -> dict[str, list[np.ndarray]]:
    """Return the features that the course ships for these clips; YAMNet computed them beforehand."""
    hops = []
    for file in sorted(assets.embedded("features").glob("*.npz")):
        with np.load(file) as stored:
            row = {name: i for i, name in enumerate(stored["names"].tolist())}
            if "hop" not in stored or not row.keys() >= set(names):
                continue
            hops.append(None if np.isnan(stored["hop"]) else float(stored["hop"]))
            if hops[-1] != hop:
                continue
            pick = [row[name] for name in names]
            return {key: list(values[pick]) for key, values in unpack(stored).items()}
    if hops:
        raise assets.AssetError(
            f"The course ships features of {names[0]} for hop={hops[0]}, not for hop={hop}. {assets.WAYS_OUT}"
        )
    raise assets.AssetError(f"The course ships no features of {', '.join(names[:3])}. {assets.WAYS_OUT}")


def _features(clips, model, hop: float | None) -> tuple[dict[str, list[np.ndarray]], Counter]:
    """Return ``embeddings``, ``scores`` and ``levels`` of each clip, and how many are extracted, cached or embedded."""
    waveform = isinstance(clips, np.ndarray) and clips.ndim == 1 and clips.dtype.kind in "fiu"
    if waveform or isinstance(clips, str | Path | datasets.Soundscape):
        raise TypeError("Expected a list of clips, got one: write [clip].")
    if hop is not None and round(hop * YAMNET_RATE) < 1:
        raise ValueError(f"The hop is {hop} s; it must be positive.")
    found, origins = [_source(clip) for clip in clips], Counter()
    if not found:
        raise ValueError("There are no clips: the list is empty.")
    features = {"embeddings": [None] * len(found), "scores": [None] * len(found), "levels": [None] * len(found)}
    for at_hand in (True, False):
        rows = [i for i, (_, source) in enumerate(found) if (source is not None) == at_hand]
        if not rows:
            continue
        if at_hand:
            part, origin = _cached(model, [found[i][1] for i in rows], hop)
            ends = np.cumsum(part["frames"])[:-1]
            part = {key: np.split(part[key], ends) for key in features}
        else:
            part, origin = _embedded([found[i][0] for i in rows], hop), "embedded"
        origins[origin] += len(rows)
        assets.record("embeddings", origin)
        for key, values in part.items():
            for i, value in zip(rows, values, strict=True):
                features[key][i] = value
    return features, origins


def extract_embeddings(clips, model, hop: float | None = None) -> list[np.ndarray]:
    """Return YAMNet's embeddings of clips.

    Clips whose audio is at hand go through the model in batches, and the result is kept in the cache under a key
    made of the model's weights and the clips' content. For clips whose audio is not at hand (the ESC-50 animal clips
    and the metro-station mixture in the embedded course), the features that the course ships are returned: real
    YAMNet computed them beforehand, whichever ``model`` is loaded.

    Parameters
    ----------
    clips : sequence of str, Path, ndarray or Soundscape
        Names of ESC-50 animal clips, paths of audio files, waveforms of shape (n_samples,) at 16 kHz, or soundscapes.
    model : SavedModel
        YAMNet as ``hub.load`` returns it.
    hop : float, optional
        Seconds between the starts of two windows of 0.96 s, each fed to the model on its own, whole windows only.
        By default YAMNet frames the clip itself: every 0.48 s, the last window padded with zeros.

    Returns
    -------
    list of ndarray, shape (n_windows, 1024)
        One array a clip, float32.

    Raises
    ------
    FileNotFoundError
        If a clip is neither a file nor one of the ESC-50 animal clips.
    AssetError
        If neither the audio nor stored features are at hand.
    TypeError, ValueError
        If this is one clip and not a list, or the list is empty; if the hop is not positive.

    Notebook: 03_transfer_learning, 04_sound_event_detection
    """
    features, origins = _features(clips, model, hop)
    said = {
        "extracted": "computed in this run",
        "cache": "from an earlier run",
        "embedded": "stored, computed by YAMNet from the audio beforehand",
    }
    several = [f"{n} {said[origin]}" for origin, n in origins.items()]
    print(
        f"Embeddings of {origins.total()} {'clip' if origins.total() == 1 else 'clips'}: "
        f"{'; '.join(several) if len(several) > 1 else said[next(iter(origins))]}."
    )
    return features["embeddings"]


def extract_scores(clips, model, hop: float | None = None, by_window: bool = False):
    """Return YAMNet's scores of clips, averaged over the windows of each clip or by window, from the same cache.

    Parameters
    ----------
    clips, model, hop
        As for :func:`extract_embeddings`.
    by_window : bool
        Whether to return the scores of each window.

    Returns
    -------
    ndarray, shape (n_clips, 521), or list of ndarray, shape (n_windows, 521)
        Scores of each class in [0, 1]. Where the features that the course ships are returned, soundscapes have NaN for
        all classes but those of :data:`course_utils.datasets.AUDIOSET_TO_ESC50`.

    Raises
    ------
    AssetError
        If the scores by window are asked for, and the course ships the averages only.

    Notebook: 03_transfer_learning, 04_sound_event_detection
    """
    features, _ = _features(clips, model, hop)
    if not by_window:
        return np.stack([scores.mean(axis=0) for scores in features["scores"]])
    if any(len(scores) != len(windows) for scores, windows in zip(features["scores"], features["levels"], strict=True)):
        raise assets.AssetError(f"The course ships the average scores of these clips only. {assets.WAYS_OUT}")
    return features["scores"]


def extract_levels(clips, model, hop: float | None = None) -> list[np.ndarray]:
    """Return how loud each window of each clip is, from the same cache.

    Parameters
    ----------
    clips, model, hop
        As for :func:`extract_embeddings`.

    Returns
    -------
    list of ndarray, shape (n_windows,)
        One array a clip: the root mean square of the samples of each window, full scale is 1; 0 is digital silence.

    Notebook: 03_transfer_learning
    """
    return _features(clips, model, hop)[0]["levels"]

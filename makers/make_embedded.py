"""Make the embedded tables and features from the real assets.

``COURSE_MIRROR=… python -m makers embedded`` (or with the assets in the cache) writes below ``data/embedded/``:
the AudioSet labels with YAMNet's indices, the ESC-50 metadata, and what YAMNet computes from the 400 animal clips and
from the metro-station mixture: embeddings, mean scores, the mixture's log-mel spectrogram, and log-mel patches of the
clips with YAMNet's scores of them; where the sound is in each clip; the embeddings of the soundscapes of the detection
notebook; what YAMNet makes of the clips of ESC-50 that are no animals; and what EfficientAT mn04 makes of all clips and
soundscapes. No audio.
"""

import argparse
import csv
import json
import zipfile
from pathlib import Path

import numpy as np

from course_utils import assets, datasets, features, models
from course_utils.models import efficientat

OUT = Path(__file__).resolve().parents[1] / "data" / "embedded"
HOP = 0.5  # of the mixture's windows in the detection notebook, in seconds
FINE_HOP = 0.096  # of the soundscapes' windows there
STEPS, TOP = 9, 6.0  # of YAMNet's embeddings of soundscapes: larger values are rare
STEP, COARSE_STEP = 0.05, 0.2  # of mn04's embeddings, which may be negative: of clips, and of soundscapes
LONGEST = 3.0  # s, of an event


def real(name: str) -> assets.Resolved:
    """Resolve an asset, and refuse the embedded one: it is what is being made."""
    asset = assets.resolve(name)
    if not asset.is_real:
        raise SystemExit(f"{asset.title}: only the embedded one was found. {assets.WAYS_OUT}")
    return asset


def write_labels(out: Path, yamnet) -> None:
    """Write the 527 labels, with YAMNet's index of each (-1 where YAMNet has none)."""
    with open(yamnet.class_map_path().numpy().decode(), newline="", encoding="utf-8") as file:
        index = {row["mid"]: row["index"] for row in csv.DictReader(file)}
    with open(real("audioset-labels").path, newline="", encoding="utf-8") as file:
        labels = list(csv.DictReader(file))
    rows = [(row["index"], row["mid"], row["display_name"], index.get(row["mid"], -1)) for row in labels]
    with open(out / "audioset_labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("index", "mid", "display_name", "yamnet_index"), *rows])


def write_metadata(out: Path) -> None:
    """Write the columns of the ESC-50 metadata that the course uses."""
    real("esc50-metadata")
    metadata = datasets.esc50_metadata().drop(columns="source")
    metadata.to_csv(out / "esc50_metadata.csv", index=False, lineterminator="\n")


def active_part(waveform: np.ndarray, sample_rate: int, below: float = 20.0, pause: float = 0.3) -> tuple[float, float]:
    """Find where a clip's sound is: the stretch with the most energy in which no pause is longer than ``pause``.

    Parameters
    ----------
    waveform : ndarray, shape (n_samples,)
        The clip.
    sample_rate : int
        In Hz.
    below : float
        What is this many dB below the loudest 512 samples counts as pause.
    pause : float
        In seconds.

    Returns
    -------
    (float, float)
        Begin and end in seconds. Of a clip of digital silence, the whole clip.
    """
    import librosa

    parts = librosa.effects.split(waveform, top_db=below, frame_length=512, hop_length=128)
    parts = parts if len(parts) else np.array([[0, len(waveform)]])
    spans = np.split(parts, 1 + np.flatnonzero(parts[1:, 0] - parts[:-1, 1] > pause * sample_rate))
    loudest = max(spans, key=lambda span: np.sum(np.square(waveform[span[0, 0] : span[-1, 1]])))
    return float(loudest[0, 0] / sample_rate), float(loudest[-1, 1] / sample_rate)


def write_active_parts(path: Path, names: list[str]) -> None:
    """Write where the sound is in each clip, at most its first three seconds."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("filename", "cut_from", "cut_to"))
        for name in names:
            start, stop = active_part(datasets.load_clip(name), models.YAMNET_RATE)
            writer.writerow((name, f"{start:.2f}", f"{min(stop, start + LONGEST):.2f}"))


def write_npz(path: Path, **arrays) -> None:
    """Write arrays as numpy does, compressed by LZMA, which takes three quarters of the room."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(
                f"{name}.npy", date_time=(2026, 1, 1, 0, 0, 0)
            )  # the same bytes from the same values
            entry.compress_type = zipfile.ZIP_LZMA
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)


def about(model: models.EmbeddingModel, hop: float | None) -> dict:
    """Return what a pack of features says about itself: whose it is, and of which windows."""
    return {"family": model.family, "hop": np.nan if hop is None else hop, "model": json.dumps({"weights": model.id})}


def write_features(path: Path, clips, names, model, hop: float | None, **more) -> None:
    """Write embeddings and mean scores of clips of one length, as float16."""
    found = features.extract(clips, model, hop=hop)
    write_npz(
        path,
        names=np.array(names),
        embeddings=np.stack([clip.embeddings for clip in found]).astype(np.float16),
        levels=np.stack([clip.levels for clip in found]).astype(np.float16),
        scores=np.stack([clip.scores.mean(axis=0) for clip in found]).astype(np.float16),
        **about(model, hop),
        **more,
    )


def coarse(embeddings: np.ndarray, step: float | None) -> dict[str, np.ndarray | float]:
    """Return embeddings in even steps, or without a ``step`` in a few that are finer for small values."""
    if step:
        return {"embeddings": np.round(embeddings / step).astype(np.int8), "step": step}
    few = np.round(np.sqrt(np.clip(embeddings / TOP, 0, 1)) * STEPS).astype(np.uint8)
    return {"embeddings": few, "steps": STEPS, "top": TOP}


def write_clips(path: Path, clips, names, model, step: float | None = None) -> None:
    """Write embeddings and mean scores of clips in little room: scores in 255 steps, embeddings as :func:`coarse`."""
    found = features.extract(clips, model)
    write_npz(
        path,
        names=np.array(names),
        **coarse(np.stack([clip.embeddings for clip in found]), step),
        levels=np.stack([clip.levels for clip in found]).astype(np.float16),
        scores=np.round(255 * np.stack([clip.scores.mean(axis=0) for clip in found])).astype(np.uint8),
        **about(model, None),
    )


def write_soundscapes(path: Path, soundscapes, model, hop: float | None, step: float | None = None) -> None:
    """Write embeddings of soundscapes in a few steps, and their scores of the classes of the label map."""
    columns = sorted({model.labels.index(name) for names in datasets.AUDIOSET_TO_ESC50.values() for name in names})
    found = features.extract(soundscapes, model, hop=hop)
    scores = np.stack([clip.scores for clip in found])[..., columns]
    write_npz(
        path,
        names=np.array([soundscape.name for soundscape in soundscapes]),
        **coarse(np.stack([clip.embeddings for clip in found]), step),
        levels=np.stack([clip.levels for clip in found]).astype(np.float16),
        scores=np.round(255 * scores).astype(np.uint8),
        columns=np.array(columns),
        **about(model, hop),
    )


def write_teacher_outputs(path: Path, names: list[str], yamnet) -> None:
    """Write log-mel patches of clips, in 64 steps, and YAMNet's scores of them: the two loudest of each clip."""
    patches, scores, windows = [], [], []
    for name in names:
        all_scores, _, log_mel = (output.numpy() for output in yamnet(datasets.load_clip(name)))
        starts = [48 * k for k in range(0, len(all_scores), 2)]  # every other patch: they do not overlap
        loudest = sorted(np.argsort([log_mel[s : s + 96].mean() for s in starts])[-2:])
        patches += [log_mel[starts[k] : starts[k] + 96] for k in loudest]
        scores += [all_scores[2 * k] for k in loudest]
        windows += [2 * k for k in loudest]
    lowest, step = np.min(patches), np.ptp(patches) / 63
    write_npz(
        path,
        names=np.repeat(names, 2),
        windows=np.array(windows, np.uint8),
        log_mel=np.round((np.array(patches) - lowest) / step).astype(np.uint8),
        lowest=lowest,
        step=step,
        scores=np.array(scores).astype(np.float16),
    )


def write_esc50(out: Path, esc50: Path, yamnet: models.EmbeddingModel) -> None:
    """Write what EfficientAT mn04 makes of all clips of ESC-50, and YAMNet of those that are no animals."""
    mn04 = efficientat.EfficientAT(real("efficientat-mn04").path)
    animals = assets.store().clips("esc50-animals")
    write_clips(out / "esc50_animals_mn04.npz", list(animals.values()), list(animals), mn04, STEP)
    names = [name for name in datasets.esc50_metadata()["filename"] if name not in animals]
    found = [next(path for path in esc50.glob(f"{Path(name).stem}.*")) for name in names]
    write_clips(out / "esc50_others_mn04.npz", found, names, mn04, STEP)
    write_clips(out / "esc50_others.npz", found, names, yamnet)


def main(out: Path, esc50: Path) -> None:
    """Make everything."""
    import tensorflow_hub as hub

    real("yamnet")
    yamnet = hub.load(models.yamnet_path())
    (out / "features").mkdir(parents=True, exist_ok=True)
    write_labels(out, yamnet)
    write_metadata(out)
    real("esc50-animals")
    animals = list(assets.store().clips("esc50-animals"))
    wrapped = models.wrap(yamnet)
    write_features(out / "features" / "esc50_animals.npz", animals, animals, wrapped, None)
    write_esc50(out / "features", esc50, wrapped)
    write_teacher_outputs(out / "features" / "teacher_outputs.npz", animals, yamnet)
    real("metro-station")
    mixture = datasets.metro_mixture(datasets.metro_recipe())
    log_mel = yamnet(mixture.waveform)[2].numpy().astype(np.float16)
    write_features(out / "features" / "metro_mixture.npz", [mixture], [mixture.name], wrapped, HOP, log_mel=log_mel)
    real("esc50-backgrounds")
    write_active_parts(out / "esc50_active.csv", animals)
    ratios = (-6, 0, 6)
    measured = [*datasets.make_soundscapes(100, ratios, fold=4)]  # to choose thresholds
    measured += [soundscape for snr in ratios for soundscape in datasets.make_soundscapes(50, snr, fold=5)]
    training = [soundscape for fold in (1, 2, 3) for soundscape in datasets.make_soundscapes(150, ratios, fold=fold)]
    windows = efficientat.EfficientAT(real("efficientat-mn04").path, window=models.YAMNET_WINDOW, hop=models.YAMNET_HOP)
    for model, suffix, step in ((wrapped, "", None), (windows, "_mn04", COARSE_STEP)):
        write_soundscapes(out / "features" / f"soundscapes{suffix}.npz", [*measured, mixture], model, FINE_HOP, step)
        write_soundscapes(out / "features" / f"soundscapes_training{suffix}.npz", training, model, None, step)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help="the folder data/embedded")
    parser.add_argument("--esc50", type=Path, required=True, help="a folder with all clips of ESC-50")
    chosen = parser.parse_args()
    main(chosen.out, chosen.esc50)

"""Step 4: compare the exported model with YAMNet on fold 5 of ESC-50, which it never heard.

Prints, over all clips and by category, how often YAMNet's top class (of the clip's mean scores)
comes first and among the first five in the mini, and the mean cosine similarity of the frames'
embeddings; and, on a clip of 5 s, the time of both.
"""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import numpy as np
import soundfile as sf
from tqdm import tqdm

from .common import (
    SAMPLE_RATE,
    TEST_FOLD,
    argument_parser,
    list_clips,
    quiet_tensorflow,
    read_clip,
    teacher_folder,
)

CATEGORIES = (
    "dog rooster pig cow frog cat hen insects sheep crow rain sea_waves crackling_fire crickets "
    "chirping_birds water_drops wind pouring_water toilet_flush thunderstorm crying_baby sneezing "
    "clapping breathing coughing footsteps laughing brushing_teeth snoring drinking_sipping "
    "door_wood_knock mouse_click keyboard_typing door_wood_creaks can_opening washing_machine "
    "vacuum_cleaner clock_alarm clock_tick glass_breaking helicopter chainsaw siren car_horn "
    "engine train church_bells airplane fireworks hand_saw"
).split()
LENGTHS = (1, 1000, 15360, 15600, 16000, 80000, 100001)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute the cosine similarity of rows, shape (n, d) and (n, d) to (n,)."""
    return (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-9)


def same_call(teacher, mini) -> bool:
    """Check that two models give the same shapes and log-mel spectrograms.

    Parameters
    ----------
    teacher, mini
        Loaded models, called with a waveform.

    Returns
    -------
    bool
        Whether shapes agree, and log-mel values to 1e-3, for all of `LENGTHS`.
    """
    rng = np.random.default_rng(0)
    for length in LENGTHS:
        waveform = (0.1 * rng.standard_normal(length)).astype(np.float32)
        theirs, ours = teacher(waveform), mini(waveform)
        if any(a.shape != b.shape for a, b in zip(theirs, ours, strict=True)):
            return False
        if np.abs(theirs[2].numpy() - ours[2].numpy()).max() > 1e-3:
            return False
    return True


def milliseconds(models: list, waveform: np.ndarray, repeats: int = 40) -> list[float]:
    """Time models side by side, in turns.

    Parameters
    ----------
    models : list of callable
    waveform : ndarray of float32, shape (n_samples,)
    repeats : int

    Returns
    -------
    list of float
        Median time of each model, in ms.
    """
    times: list[list[float]] = [[] for _ in models]
    for _ in range(repeats):
        for model, mine in zip(models, times, strict=True):
            began = time.perf_counter()
            model(waveform)[0].numpy()
            mine.append(1000 * (time.perf_counter() - began))
    return [float(np.median(mine[3:])) for mine in times]


def summary(rows: list[dict]) -> dict:
    """Average the rows of some clips.

    Parameters
    ----------
    rows : list of dict
        With the keys top1, top5 and cosine.

    Returns
    -------
    dict
    """
    return {"clips": len(rows)} | {
        key: float(np.mean([row[key] for row in rows])) for key in ("top1", "top5", "cosine")
    }


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--clip", type=Path, action="append", default=[], help="what both hear in it")
    args = parser.parse_args()
    quiet_tensorflow()
    import tensorflow_hub as hub

    teacher = hub.load(str(teacher_folder(args.teacher, args.work)))
    mini = hub.load(str(args.out))
    with open(mini.class_map_path().numpy(), newline="", encoding="utf-8") as file:
        classes = [row["display_name"] for row in csv.DictReader(file)]
    result: dict = {"same_call": same_call(teacher, mini)}
    print("same shapes and log-mel for", *LENGTHS, "samples:", result["same_call"])

    paths, folds, targets = list_clips(args.audio)
    rows = []
    heard = [p for p, fold in zip(paths, folds, strict=True) if fold == TEST_FOLD]
    categories = targets[folds == TEST_FOLD]
    for path, target in zip(tqdm(heard, desc=f"fold {TEST_FOLD}"), categories, strict=True):
        waveform = read_clip(path)
        theirs, ours = teacher(waveform), mini(waveform)
        wanted, given = (out[0].numpy().mean(axis=0) for out in (theirs, ours))
        best = np.argsort(given)[::-1][:5]
        rows.append(
            {
                "target": int(target),
                "top1": bool(best[0] == wanted.argmax()),
                "top5": bool(wanted.argmax() in best),
                "cosine": float(cosine(theirs[1].numpy(), ours[1].numpy()).mean()),
            }
        )
    result["all"] = summary(rows)
    result["categories"] = {
        name: summary([row for row in rows if row["target"] == target])
        for target, name in enumerate(CATEGORIES)
        if any(row["target"] == target for row in rows)
    }
    print(f"{'category':18} clips  first  among 5  cosine")
    for name, figures in [*result["categories"].items(), ("all", result["all"])]:
        print(
            f"{name:18} {figures['clips']:5}  {figures['top1']:5.1%}  {figures['top5']:7.1%}  {figures['cosine']:6.3f}"
        )

    five_seconds = (0.1 * np.random.default_rng(0).standard_normal(5 * SAMPLE_RATE)).astype(np.float32)
    slow, fast = milliseconds([teacher, mini], five_seconds)
    result["milliseconds"] = {"yamnet": slow, "mini": fast}
    print(f"5 s of audio: YAMNet {slow:.1f} ms, mini {fast:.1f} ms ({fast / slow:.2f} of the time)")
    result["bytes"] = sum(p.stat().st_size for p in args.out.rglob("*") if p.is_file())
    print(f"{args.out}: {result['bytes']:,} bytes")

    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for path in args.clip:
        print(f"{path.name}, {sf.info(path).duration:.1f} s:")
        waveform = read_clip(path)
        for name, model in (("YAMNet", teacher), ("mini", mini)):
            scores = model(waveform)[0].numpy().mean(axis=0)
            top = [f"{classes[i]} {scores[i]:.2f}" for i in np.argsort(scores)[::-1][:8]]
            print(f"  {name}: " + ", ".join(top))


if __name__ == "__main__":
    main()

"""Step 4: compare the exported model with YAMNet on fold 5 of ESC-50, which it never heard.

Over the clips of the fold: how often YAMNet's top class (of the clip's mean scores) comes first and among
the first five in the mini, and the mean cosine similarity of the frames' embeddings. Over what the
embeddings are for: a linear classifier on the means of clips, trained on folds 1 to 4, for both models.
With ``--write``, the figures become ``figures.json`` and the model card.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path
from string import Template

import numpy as np
from codecarbon import OfflineEmissionsTracker
from tqdm import tqdm

from course_utils import assets
from course_utils.datasets import ANIMALS, esc50_metadata
from makers import files
from makers.bench import side_by_side

from .common import (
    CLASSES,
    HOP_SAMPLES,
    SAMPLE_RATE,
    TEST_FOLD,
    argument_parser,
    folder_size,
    list_clips,
    read_clip,
    teacher_folder,
    tensorflow_on_cpu,
)
from .network import Yamnet

WINDOW = 15_360
"""Length of YAMNet's windows, in samples."""
SILENCE = 1e-4
"""A window whose samples all stay below this is silent: it says nothing of its clip."""
CARD = Path(__file__).with_name("model_card.md")


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute the cosine similarity of rows, shape (n, d) and (n, d) to (n,)."""
    return (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-9)


def listen(models: dict, clips: list) -> dict:
    """Let models hear clips.

    Parameters
    ----------
    models : dict of str to callable
    clips : list of Clip

    Returns
    -------
    dict of str to dict
        For each model ``scores`` (n_clips, 521), the mean over the clip's frames; ``frames``, the embeddings of
        each clip, a list of (n_frames, 1024); ``means`` (n_clips, 1024), their means without silent frames. Under
        ``"loud"``, which frames of each clip are not silent, a list of (n_frames,).
    """
    heard: dict = {name: {"scores": [], "frames": [], "means": []} for name in models}
    heard["loud"] = []
    for clip in tqdm(clips, desc="hearing clips"):
        waveform = read_clip(clip.path)
        for name, model in models.items():
            scores, embeddings, _ = (output.numpy() for output in model(waveform))
            starts = HOP_SAMPLES * np.arange(len(embeddings))
            loud = np.array([np.abs(waveform[s : s + WINDOW]).max(initial=0) >= SILENCE for s in starts])
            heard[name]["scores"].append(scores.mean(axis=0))
            heard[name]["frames"].append(embeddings)
            heard[name]["means"].append(embeddings[loud if loud.any() else slice(None)].mean(axis=0))
        heard["loud"].append(loud)
    for name in models:
        for key in ("scores", "means"):
            heard[name][key] = np.stack(heard[name][key])
    return heard


def linear_accuracy(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Train logistic regression (scikit-learn's, as it comes) on embeddings and return which test rows it gets right.

    Parameters
    ----------
    train, test : ndarray, shape (n, 1024)
    labels, truth : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n_test,)
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000).fit(train, labels).predict(test) == truth


def imitation(yamnet: dict, mini: dict) -> dict[str, np.ndarray]:
    """Compare what two models heard in the same clips, one value a clip.

    Parameters
    ----------
    yamnet, mini : dict
        As `listen` returns them.

    Returns
    -------
    dict of str to ndarray, shape (n_clips,)
        ``first``, ``among_five``: whether YAMNet's top class is there in the mini; ``cosine``: mean over frames.
    """
    best = yamnet["scores"].argmax(axis=1)
    order = np.argsort(-mini["scores"], axis=1)
    pairs = zip(yamnet["frames"], mini["frames"], strict=True)
    return {
        "first": order[:, 0] == best,
        "among_five": (order[:, :5] == best[:, None]).any(axis=1),
        "cosine": np.array([cosine(a, b).mean() for a, b in pairs]),
    }


def measure(audio: Path, yamnet, mini) -> dict:
    """Compute the figures of the model card, but for time and size.

    Parameters
    ----------
    audio : Path
        Folder of all ESC-50 clips.
    yamnet, mini
        Loaded models.

    Returns
    -------
    dict
        ``clips``, ``imitation`` (means over the clips), ``cosine_without_silence``, ``linear`` (by task and model) and
        ``categories`` (`imitation` of each, and ``linear``: the share that the mini's linear classifier gets right).
    """
    clips = list_clips(audio)
    heard = listen({"yamnet": yamnet, "mini": mini}, clips)
    category = np.array([clip.category for clip in clips])
    testing = np.array([clip.fold == TEST_FOLD for clip in clips])
    names = esc50_metadata().drop_duplicates("target").set_index("target")["category"].sort_index()
    animal = np.isin(category, names.index[names.isin(ANIMALS)])

    def test_part(name: str) -> dict:
        frames = [f for f, t in zip(heard[name]["frames"], testing, strict=True) if t]
        return {"scores": heard[name]["scores"][testing], "frames": frames}

    both = {name: test_part(name) for name in ("yamnet", "mini")}
    alike = imitation(both["yamnet"], both["mini"])
    loud = np.concatenate([frames for frames, t in zip(heard["loud"], testing, strict=True) if t])
    frames = [np.concatenate(both[name]["frames"]) for name in ("yamnet", "mini")]
    linear, right = {}, {}
    for task, chosen in (("animals", animal), ("all", np.ones_like(animal))):
        for name in ("yamnet", "mini"):
            means = heard[name]["means"]
            train, test = chosen & ~testing, chosen & testing
            right[task, name] = linear_accuracy(means[train], category[train], means[test], category[test])
        linear[task] = {name: float(right[task, name].mean()) for name in ("yamnet", "mini")}
    here = category[testing]
    return {
        "clips": int(testing.sum()),
        "imitation": {key: float(values.mean()) for key, values in alike.items()},
        "cosine_without_silence": float(cosine(*frames)[loud].mean()),
        "linear": linear,
        "categories": {
            name: {key: float(values[here == i].mean()) for key, values in alike.items()}
            | {"linear": float(right["all", "mini"][here == i].mean())}
            for i, name in names.items()
        },
    }


def joules(call, times: int = 200) -> float:
    """Return the energy of a call in joules, as codecarbon finds it over many calls."""
    call()
    with OfflineEmissionsTracker(country_iso_code="DEU", save_to_file=False, log_level="error") as tracker:
        for _ in range(times):
            call()
    return 3.6e6 * tracker.final_emissions_data.energy_consumed / times


def weights_hash(folder: Path) -> str:
    """Return the SHA-256 of the file that holds the weights."""
    return hashlib.sha256((folder / "saved_model.pb").read_bytes()).hexdigest()


def card(figures: dict) -> str:
    """Fill in the model card.

    Parameters
    ----------
    figures : dict
        As ``figures.json`` holds it.

    Returns
    -------
    str
        Markdown.
    """

    def percent(value: float) -> str:
        return f"{100 * value:.1f} %"

    def row(*cells: str) -> str:
        return "| " + " | ".join(cells) + " |"

    alike, linear = figures["imitation"], figures["linear"]
    results = [
        ("YAMNet's top class (mean scores of the clip) is the mini's first", "", percent(alike["first"])),
        ("… is among the mini's first five", "", percent(alike["among_five"])),
        ("cosine similarity of embeddings, mean over frames", "", f"{alike['cosine']:.3f}"),
        ("… over frames that are not digital silence", "", f"{figures['cosine_without_silence']:.3f}"),
        ("linear classifier, 10 animals", percent(linear["animals"]["yamnet"]), percent(linear["animals"]["mini"])),
        ("linear classifier, 50 categories", percent(linear["all"]["yamnet"]), percent(linear["all"]["mini"])),
    ]
    categories = [
        (name, percent(v["first"]), percent(v["among_five"]), f"{v['cosine']:.3f}", percent(v["linear"]))
        for name, v in sorted(figures["categories"].items(), key=lambda item: -item[1]["cosine"])
    ]
    training, times = figures["training"], figures["milliseconds"]
    before, recordings = training["before"], training["recordings"]
    return Template(CARD.read_text(encoding="utf-8")).substitute(
        results="\n".join(row(*cells) for cells in results),
        categories="\n".join(row(*cells) for cells in categories),
        clips=figures["clips"],
        yamnet_parameters=f"{figures['parameters']['yamnet']:,}",
        mini_parameters=f"{figures['parameters']['mini']:,}",
        yamnet_size=f"{figures['bytes']['yamnet'] / 1e6:.1f} MB",
        mini_size=f"{figures['bytes']['mini'] / 1e6:.1f} MB",
        yamnet_time=f"{times['yamnet']:.1f} ms",
        mini_time=f"{times['mini']:.1f} ms",
        yamnet_joules=f"{figures['joules']['yamnet']:.2f} J",
        mini_joules=f"{figures['joules']['mini']:.2f} J",
        times_as_fast=f"{times['yamnet'] / times['mini']:.1f}",
        signals=f"{training['signals']:,}",
        rounds=training["rounds"],
        epochs=training["epochs"],
        rate=training["rate"],
        before_signals=f"{before['signals']:,}",
        before_rounds=before["rounds"],
        before_epochs=before["epochs"],
        before_rate=before["rate"],
        pieces=f"{recordings['pieces']:,}",
        hours=f"{recordings['hours']:.1f}",
        packages=recordings["packages"],
        batch=training["batch"],
        measured=training["measured"],
        cores=figures["cores"],
        teacher=figures["teacher"],
        minutes=f"{before['minutes'] + training['minutes']:.0f}",
        computer=training["computer"],
        kwh=f"{before['kwh'] + training['kwh']:.3f}",
        heard=figures["heard"],
        unheard=CLASSES - figures["heard"],
    )


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__, "audio", "out")
    parser.add_argument("--write", action="store_true", help="write figures.json and MODEL_CARD.md")
    args = parser.parse_args()
    training = json.loads((args.out / "training.json").read_text(encoding="utf-8"))
    if not training.get("before") or "recordings" not in training:
        raise RuntimeError(f"{args.out} did not learn in two trainings, of which the model card tells: run make mini.")
    tensorflow_on_cpu()
    import tensorflow_hub as hub

    teacher = teacher_folder(args.teacher)
    models = {"yamnet": hub.load(str(teacher)), "mini": hub.load(str(args.out))}
    figures = measure(args.audio, *models.values())
    noise = (0.1 * np.random.default_rng(0).standard_normal(5 * SAMPLE_RATE)).astype(np.float32)
    calls = {name: lambda m=m: m(noise) for name, m in models.items()}
    figures["milliseconds"] = side_by_side(calls)
    figures["joules"] = {name: joules(call) for name, call in calls.items()}
    figures["bytes"] = {"yamnet": folder_size(teacher), "mini": folder_size(args.out)}
    with open(args.out / "heard.csv", newline="", encoding="utf-8") as file:
        figures["heard"] = sum(row["heard"] == "yes" for row in csv.DictReader(file))
    figures["training"] = training
    figures["parameters"] = {
        "yamnet": sum(p.numel() for p in Yamnet().parameters()),
        "mini": training["parameters"],
    }
    figures["cores"] = os.cpu_count()
    figures["teacher"] = assets.resolve("yamnet").variant if args.teacher is None else args.teacher.name
    figures["weights"] = weights_hash(args.out)
    text = card(figures)
    print(text)
    if args.write:
        files.write(args.out / "figures.json", json.dumps(figures, indent=1) + "\n")
        files.write(args.out / "MODEL_CARD.md", text)


if __name__ == "__main__":
    main()

"""Get every real asset, and compare with published figures: ``python -m makers verify`` (``make verify-full``).

What others have measured with the same networks on the same sounds is in ``published.toml``, with its source. The
networks hear the clip here. The head and the detector are those of lessons 5 and 4, which are executed if anything has
changed since their last execution.

The exit status is 1 if a figure is outside its tolerance, or an asset can't be had.
"""

import argparse
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils import assets, audio, models
from makers import build, execute, results

PUBLISHED = Path(__file__).with_name("published.toml")


class Row(NamedTuple):
    """One line of the table."""

    what: str
    published: str
    here: str
    tolerance: str
    ok: bool


def published() -> dict[str, dict]:
    """Return the tables of ``published.toml``, by name."""
    return tomllib.loads(PUBLISHED.read_text(encoding="utf-8"))


def fetch(store: assets.Store) -> dict[str, str]:
    """Get every asset of a store; return why those that can't be had are missing, by name."""
    missing = {}
    store.forget_failures()
    for name in store.assets:
        try:
            asset = store.resolve(name)
            print(f"{asset.title}: {asset.source} ({asset.variant})", flush=True)
        except assets.AssetError as error:
            missing[name] = str(error).replace(assets.WAYS_OUT, "")
    return missing


# --- what we measure: for each table of published.toml, its figures by name ---


def clip(sample_rate: int) -> np.ndarray:
    """Return *speech and whistling* at a sample rate."""
    return audio.load(assets.resolve("speech-whistling").path, sample_rate)


def cnn14() -> dict[str, float]:
    """Return the scores of CNN14, by label."""
    tagger = models.AudioTagging()
    return dict(zip(tagger.labels, tagger.inference(clip(models.PANNS_RATE)[np.newaxis])[0][0], strict=True))


def mn04() -> dict[str, float]:
    """Return the scores of EfficientAT mn04, by label."""
    model = models.EfficientAT(models.mn04_path())
    return dict(zip(model.labels, model.tagging(clip(model.sample_rate)[np.newaxis])[0][0], strict=True))


def yamnet() -> dict[str, list]:
    """Return the shape of YAMNet's scores, and the names of the five classes whose mean scores are highest."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    model = models.wrap(hub.load(models.yamnet_path()))
    scores = model(clip(model.sample_rate)).scores
    best = scores.mean(axis=0).argsort()[::-1][:5]
    return {"shape of the scores": list(scores.shape), "highest mean scores": [model.labels[i] for i in best]}


def record(lesson: str) -> dict:
    """Return what a lesson has found, from its last execution, or from one now."""
    (chosen,) = build.choose([lesson])
    return build.record(execute.executed(chosen))


def head() -> dict[str, float]:
    """Return the accuracies of the head on fold 5."""
    found = record("05")["by_fold"]
    return {
        "accuracy of windows": found["frame"]["5"],
        "accuracy of clips, all windows": found["clip, all windows"]["5"],
    }


def detector() -> dict[str, list[float]]:
    """Return onset and offset of each animal that was found: of several events, the one nearest to the published."""
    found, events = {}, record("04")["events"]
    for label, times in published()["detector"]["figures"].items():
        if own := [[event["onset"], event["offset"]] for event in events if event["label"] == label]:
            distances = np.abs(np.subtract(own, times)).max(axis=1)
            found[label] = own[distances.argmin()]
    return found


MEASURES = {"cnn14": cnn14, "yamnet": yamnet, "mn04": mn04, "head": head, "detector": detector}


# --- the comparison ---


def said(figure: Any) -> str:
    """Return a figure as the table shows it."""
    if isinstance(figure, list):
        return ", ".join(map(said, figure))
    return f"{figure:.3f}" if isinstance(figure, float) else str(figure)


def close(ours: Any, theirs: Any, tolerance: float) -> bool:
    """Return whether two figures are as close as they should be: numbers within the tolerance, names the same."""
    if np.shape(ours) != np.shape(theirs):
        return False
    if np.asarray(theirs).dtype.kind in "if":
        return bool(np.allclose(ours, theirs, rtol=0, atol=tolerance + 1e-9))
    return ours == theirs


def compare(table: dict, measure: Callable[[], dict], missing: dict[str, str]) -> list[Row]:
    """Return the rows of a table of ``published.toml``, measured if the assets that it needs are here."""
    found, otherwise = {}, "not found"
    if lacks := [name for name in table["needs"] if name in missing]:
        otherwise = f"not available: {', '.join(lacks)}"
    else:
        try:
            found = measure()
        except (assets.AssetError, execute.ExecutionError) as error:
            otherwise = "failed: " + str(getattr(error, "what", error)).splitlines()[0]
    rows, allowed = [], said(table["tolerance"]) if table["tolerance"] else "the same"
    for name, theirs in table["figures"].items():
        ours = float(found[name]) if isinstance(theirs, float) and name in found else found.get(name)
        ok = name in found and close(ours, theirs, table["tolerance"])
        here = said(ours) if name in found else otherwise
        rows.append(Row(f"{table['title']}: {name}", said(theirs), here, allowed, ok))
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every asset is here and every figure is close enough."""
    parser = argparse.ArgumentParser(prog="python -m makers verify", description=__doc__.splitlines()[0])
    parser.parse_args(arguments)
    missing, rows = fetch(assets.Store.from_environment(os.environ, mode="full")), []
    os.environ.pop("COURSE_ASSETS", None)  # the lessons take what is in the cache now
    for name, table in published().items():
        print(f"{table['title']} ...", flush=True)
        rows += compare(table, MEASURES[name], missing)
    header = ["what", "published", "here", "tolerance", "ok"]
    print(f"\n{results.markdown(header, [[*row[:-1], 'yes' if row.ok else 'NO'] for row in rows])}\n")
    if missing:
        print("\n".join([*missing.values(), assets.WAYS_OUT]), file=sys.stderr)
    outside = sum(not row.ok for row in rows)
    print(f"{len(rows) - outside} of {len(rows)} figures are as published; {len(missing)} assets are not available.")
    return 1 if outside or missing else 0


if __name__ == "__main__":
    sys.exit(main())

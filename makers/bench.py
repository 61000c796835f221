"""Time the course on this computer beside what you would write without it: ``python -m makers bench``, ``make bench``.

Whatever is compared is timed in turns, so that other work of the computer affects all of it alike. The figures are
medians over rounds, and also go into ``build/bench.json``. At the end, each notebook is executed as students have it,
and its memory is measured: ``python -m makers bench --memory`` does that alone.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import psutil

from course_utils import assets, datasets, evaluation, events, features, models, widgets
from makers import files, lessons

CALLS, WARM = 5, 2
ROUNDS = 3
FINE = 0.096  # s, the hop of the better detector
SAMPLES = 20  # of the memory, per second
OUT = lessons.ROOT / "build" / "bench.json"


def side_by_side(calls: dict[str, Callable[[], object]], rounds: int = 20) -> dict[str, float]:
    """Time short calls in turns.

    Parameters
    ----------
    calls : dict of str to callable
    rounds : int

    Returns
    -------
    dict of str to float
        Median duration of each call in milliseconds. In each round, each is called twice to warm up, and then five
        times.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            for i in range(WARM + CALLS):
                start = time.perf_counter()
                call()
                if i >= WARM:
                    times[name].append(1000 * (time.perf_counter() - start))
    return {name: float(np.median(mine)) for name, mine in times.items()}


def in_turns(calls: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median duration of each long call in seconds; each is called once per round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            with contextlib.redirect_stdout(io.StringIO()):
                start = time.perf_counter()
                call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(mine) for name, mine in times.items()}


class Heard:
    """YAMNet, and the batches that it was called with."""

    def __init__(self, yamnet):
        self.yamnet, self.batches = yamnet, []

    def class_map_path(self):
        """Return YAMNet's class map."""
        return self.yamnet.class_map_path()

    def __call__(self, waveform):
        """Return what YAMNet does."""
        self.batches.append(waveform)
        return self.yamnet(waveform)


def embeddings(yamnet) -> dict[str, float]:
    """Time the embeddings of many clips: by the textbook's recipe, by the course, and by the network alone."""
    import librosa

    store, scratch = assets.store(), tempfile.mkdtemp()
    paths = list(store.clips("esc50-animals").values())
    if not paths:
        noise = np.random.default_rng(0).normal(scale=0.1, size=(40, 80000)).astype(np.float32)
        paths = [Path(scratch) / f"{i}.wav" for i in range(len(noise))]
        import soundfile

        for path, waveform in zip(paths, noise, strict=True):
            soundfile.write(path, waveform, 16000)
    kept, heard = Path(scratch) / "features", Heard(yamnet)

    def recipe():
        for path in paths:
            waveform, _ = librosa.load(path, sr=16000)
            _, found, _ = yamnet(waveform)
            found.numpy()

    def course(model=yamnet):
        shutil.rmtree(kept, ignore_errors=True)
        features.extract(paths, model)

    def alone():
        for batch in heard.batches:
            scores, found, _ = yamnet(batch)
            scores.numpy(), found.numpy()

    with assets.using(assets.Store(store.mode, scratch, store.mirror)), contextlib.redirect_stdout(io.StringIO()):
        librosa.load(paths[0], sr=16000)
        course(heard)
        times = in_turns(
            {
                f"{len(paths)} clips: librosa.load and YAMNet, clip by clip": recipe,
                f"{len(paths)} clips: features.extract": course,
                f"{len(paths)} clips: YAMNet alone on the same batches": alone,
                f"{len(paths)} clips: features.extract, from the cache": lambda: features.extract(paths, yamnet),
            }
        )
    shutil.rmtree(scratch)
    return times


def detection(yamnet) -> dict[str, float]:
    """Time the scores of the windows of one minute: with one call per window, and by the course."""
    rng, model = np.random.default_rng(0), models.wrap(yamnet)
    minute, times = rng.normal(scale=0.1, size=60 * 16000).astype(np.float32), {}

    def one_by_one(hop):
        for start in range(0, len(minute) - 15360 + 1, round(hop * 16000)):
            yamnet(minute[start : start + 15360])[0].numpy()

    for hop in (FINE, 0.5):
        calls = {
            f"a minute, windows every {hop} s: one call per window": lambda hop=hop: one_by_one(hop),
            f"a minute, windows every {hop} s: the course": lambda hop=hop: features.run(model, [minute], hop),
        }
        times |= in_turns(calls)
    return times


def f_curve() -> dict[str, float]:
    """Time the F-scores of 100 mixtures at 11 thresholds: by sed_eval, and by arrays."""
    import pandas as pd
    import sed_eval
    from dcase_util.containers import MetaDataContainer
    from scipy.ndimage import median_filter

    classes, rng = list(datasets.ANIMALS), np.random.default_rng(0)
    mixtures = datasets.make_soundscapes(100, (-6, 0, 6), fold=4)
    centres = np.arange(74) * FINE + 0.48
    scores = []
    for mixture in mixtures:
        score = rng.uniform(0, 0.5, (len(centres), len(classes)))
        for event in mixture.reference.itertuples():
            score[(centres > event.onset) & (centres < event.offset), classes.index(event.label)] += 0.4
        scores.append(score)
    references = [mixture.reference for mixture in mixtures]

    half_hop = (0.96 - FINE) / 2
    borders = np.concatenate([[0.0], np.arange(1, len(centres)) * FINE + half_hop, [(len(centres) - 1) * FINE + 0.96]])

    def container(table):
        rows = [{"event_label": e.label, "onset": e.onset, "offset": e.offset} for e in table.itertuples()]
        return MetaDataContainer([{"filename": "a", **row} for row in rows])

    def by_hand(score, threshold):
        """Return the table of what the lesson's better detector finds, by SciPy's median filter and a loop."""
        active, rows = median_filter(score, (11, 1), mode="nearest") > threshold, []
        for label, column in zip(classes, active.T, strict=True):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], column.astype(int), [0]])))
            for begin, end in edges.reshape(-1, 2):
                if borders[end] - borders[begin] >= 0.5 - 1e-9:
                    rows.append((label, float(borders[begin]), float(borders[end])))
        return pd.DataFrame(rows, columns=["label", "onset", "offset"])

    def by_sed_eval(threshold):
        segment = sed_eval.sound_event.SegmentBasedMetrics(event_label_list=classes, time_resolution=1.0)
        event = sed_eval.sound_event.EventBasedMetrics(event_label_list=classes, t_collar=0.5)
        for reference, score in zip(references, scores, strict=True):
            pair = container(reference), container(by_hand(score, threshold))
            segment.evaluate(*pair, evaluated_length_seconds=8.0)
            event.evaluate(*pair)
        return segment.results_class_wise_metrics(), event.results_class_wise_metrics()

    def by_arrays(threshold):
        found = [events.events_by_class(score, classes, FINE, 0.96, threshold, 1.0, 0.5) for score in scores]
        return evaluation.sed_class_metrics(references, found, classes, 8.0)

    by_arrays(0.3), by_sed_eval(0.3)  # after this, everything is imported
    thresholds = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    return in_turns(
        {
            "F-scores of 100 mixtures at 11 thresholds: by sed_eval": lambda: [by_sed_eval(t) for t in thresholds],
            "F-scores of 100 mixtures at 11 thresholds: by arrays": lambda: [by_arrays(t) for t in thresholds],
        }
    )


def networks(yamnet) -> dict[str, float]:
    """Time the networks that are available, and CNN14's architecture with random weights, on 5 s of audio."""
    import tensorflow_hub as hub
    import torch

    from course_utils.models import panns

    panns._place_labels()
    from panns_inference.models import Cnn14

    noise = np.random.default_rng(0).normal(scale=0.1, size=5 * 32000).astype(np.float32)
    settings = dict(sample_rate=32000, window_size=1024, hop_size=320, mel_bins=64, fmin=50, fmax=14000)
    cnn14, batch = Cnn14(**settings, classes_num=527).eval(), torch.from_numpy(noise[np.newaxis])
    mini = hub.load(str(assets.embedded("yamnet_mini")))

    def ask_cnn14():
        with torch.inference_mode():
            cnn14(batch, None)

    calls = {"CNN14": ask_cnn14, "YAMNet-mini": lambda: mini(noise[::2])}
    if assets.resolve("yamnet").is_real:
        calls["YAMNet"] = lambda: yamnet(noise[::2])
    if (mn04 := assets.resolve("efficientat-mn04")).is_real:
        from course_utils.models import efficientat

        model = efficientat.EfficientAT(mn04.path)
        calls["EfficientAT mn04"] = lambda: model(noise)
    return {f"5 s: {name}": value / 1000 for name, value in side_by_side(calls, rounds=ROUNDS).items()}


def explorer() -> dict[str, float]:
    """Time one step of the detector's sliders, as in a running notebook."""
    scores = np.random.default_rng(0).dirichlet(np.full(10, 0.2), 74)
    mixture = datasets.metro_mixture(datasets.metro_recipe())
    with mock.patch.object(widgets.shown, "has_front_end", return_value=True):
        slider = widgets.explore_detector(scores, list(datasets.ANIMALS), FINE, mixture, 0.6).children[1]

    def step():
        slider.value = 0.3 if slider.value > 0.45 else 0.6

    return {"one step of the detector's sliders": side_by_side({"step": step}, ROUNDS)["step"] / 1000}


def imports() -> dict[str, float]:
    """Time ``import course_utils`` in new processes."""
    code = "import time; start = time.perf_counter(); import course_utils; print(time.perf_counter() - start)"
    runs = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(2 * ROUNDS + 1)]
    return {"import course_utils": statistics.median(runs)}


def peak_memory(command: list[str], environment: dict[str, str]) -> int:
    """Return the largest resident memory, in bytes, of the processes that a command starts, without its own.

    It is sampled from outside, on every system alike, so a peak of a few hundredths of a second may be missed.

    Raises
    ------
    subprocess.CalledProcessError
        If the command fails.
    """
    most = 0
    with subprocess.Popen(command, env=environment) as process:
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):  # a process has ended meanwhile
                children = psutil.Process(process.pid).children(recursive=True)
                most = max(most, sum(child.memory_info().rss for child in children))
            time.sleep(1 / SAMPLES)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return most


def memory() -> dict[str, int]:
    """Return the largest resident memory of each notebook's kernel in bytes, run from top to bottom.

    As on a hub, there is a cache that is empty at first, and what is available already lies in a mirror.
    """
    command = [sys.executable, "-m", "jupyter", "execute", "--kernel_name=python3", "--timeout=-1"]
    store = assets.store()
    mirror = store.mirror or (store.cache if store.cache.is_dir() else "")
    with tempfile.TemporaryDirectory() as folder:
        own = {"COURSE_CACHE": folder, "COURSE_MIRROR": str(mirror), "IPYTHONDIR": folder}
        return {
            lesson.name: peak_memory([*command, str(lessons.ROOT / f"notebooks/{lesson.name}.ipynb")], os.environ | own)
            for lesson in lessons.lessons()
        }


def ratios(times: dict[str, float]) -> dict[str, float]:
    """Return how many times as fast the course is; for the network alone, how many times as long the course takes."""

    def of(*words: str) -> float:
        return next(value for name, value in times.items() if all(word in name for word in words))

    extract = of("features.extract")
    return {
        "embeddings: the course, compared with the recipe": of("librosa.load") / extract,
        "embeddings: the course's time, compared with YAMNet alone": extract / of("YAMNet alone"),
        "embeddings: the cache, compared with the recipe": of("librosa.load") / of("from the cache"),
        "detection every 0.096 s: the course, compared with single calls": of("0.096", "one call")
        / of("0.096", "the course"),
        "detection every 0.5 s: the course, compared with single calls": of("0.5 s", "one call")
        / of("0.5 s", "the course"),
        "F-scores: arrays, compared with sed_eval": of("by sed_eval") / of("by arrays"),
    }


def speed() -> dict[str, dict[str, float]]:
    """Print and return seconds and ratios."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    yamnet = hub.load(models.yamnet_path())
    times = imports() | embeddings(yamnet) | detection(yamnet) | f_curve() | networks(yamnet) | explorer()
    compared = ratios(times)
    width = max(map(len, [*times, *compared]))
    for name, seconds in times.items():
        print(f"{name:{width}}  {seconds:8.3f} s" if seconds >= 0.2 else f"{name:{width}}  {1000 * seconds:8.1f} ms")
    for name, ratio in compared.items():
        print(f"{name:{width}}  {ratio:8.2f} x")
    return {"seconds": times, "ratios": compared}


def main() -> None:
    """Print and write seconds, ratios and memory."""
    parser = argparse.ArgumentParser(prog="python -m makers bench", description=__doc__.splitlines()[0])
    parser.add_argument("--memory", action="store_true", help="only the memory of each notebook")
    measured = {} if parser.parse_args().memory else speed()
    measured["memory"] = memory()
    for name, most in measured["memory"].items():
        print(f"{name:30}  {most / 1e9:5.2f} GB of memory at its peak")
    files.write(OUT, json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()

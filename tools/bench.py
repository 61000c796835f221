"""Time the models of the course on this computer, side by side: ``python -m tools.bench`` (``make bench``)."""

import time
from collections.abc import Callable

import numpy as np

from course_utils import assets, models

CALLS, WARM = 5, 2


def side_by_side(calls: dict[str, Callable[[], object]], rounds: int = 20) -> dict[str, float]:
    """Time calls in turns, so that what else the computer does falls on all of them alike.

    Parameters
    ----------
    calls : dict of str to callable
    rounds : int

    Returns
    -------
    dict of str to float
        Median duration of each call in milliseconds: in each round, each is called twice to warm up and then five
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


def main() -> None:
    """Print milliseconds for 5 s of audio."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    noise = np.random.default_rng(0).normal(scale=0.1, size=10 * models.YAMNET_RATE).astype(np.float32)
    five_seconds = noise[: 5 * models.YAMNET_RATE]
    candidates = {"YAMNet-mini": assets.embedded("yamnet_mini")}
    if assets.resolve("yamnet").is_real:
        candidates["YAMNet"] = assets.resolve("yamnet").path
    loaded = {name: hub.load(str(path)) for name, path in candidates.items()}
    times = side_by_side({name: lambda model=model: model(five_seconds) for name, model in loaded.items()})
    device = models.device()
    for kind in (models.AudioTagging, models.SoundEventDetection):
        model = kind(device=device)
        times |= side_by_side({kind.__name__: lambda model=model: model.inference(noise[np.newaxis])}, rounds=2)
    for name, milliseconds in times.items():
        print(f"{name:24} {milliseconds:8.1f} ms for 5 s of audio")
    if "YAMNet" in times:
        print(f"YAMNet-mini is {times['YAMNet'] / times['YAMNet-mini']:.1f} times as fast as YAMNet.")
    else:
        print(
            "YAMNet itself is not at hand; `python -m course_utils prefetch` gets it, then both are timed side by side."
        )


if __name__ == "__main__":
    main()

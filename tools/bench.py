"""Time the models of the course on this computer, side by side: ``python -m tools.bench`` (``make bench``)."""

import time

import numpy as np

from course_utils import assets, models


def median_ms(call, repeats: int = 20) -> float:
    """Return the median duration of a call in milliseconds, after two calls to warm up."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times[2:]))


def main() -> None:
    """Print milliseconds for 5 s of audio."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    noise = np.random.default_rng(0).normal(scale=0.1, size=10 * models.YAMNET_RATE).astype(np.float32)
    candidates = {"YAMNet-mini": assets.embedded("yamnet_mini")}
    if assets.resolve("yamnet").is_real:
        candidates["YAMNet"] = assets.resolve("yamnet").path
    loaded = {name: hub.load(str(path)) for name, path in candidates.items()}
    for name, model in loaded.items():
        print(f"{name:24} {median_ms(lambda model=model: model(noise[:80000])):8.1f} ms for 5 s of audio")
    device, batch = models.device(), noise[np.newaxis]
    for kind in (models.AudioTagging, models.SoundEventDetection):
        model = kind(device=device)
        print(f"{kind.__name__:24} {median_ms(lambda model=model: model.inference(batch), 5):8.1f} ms for 5 s of audio")


if __name__ == "__main__":
    main()

"""A bark in the rain at three levels, and the scores of the crickets that lesson 06 smooths.

``ESC50=FOLDER`` names a folder with all clips of ESC-50 (``make embedded`` takes the same one); the scores are those
of the lesson's own cells, with the embedded assets.
"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

from course_utils import assets, models
from course_utils.datasets import mixtures

from . import HERE, cells_of, real, save_strip

RATIOS = {"-6": "quieter", "0": "equal", "6": "louder"}  # dB of event to background, and the name of the picture
BARK, RAIN = "4-182395-A-0.wav", "4-164206-A-10.wav"
ONSET = 3.2  # s
SHOWN = slice(288, 388), slice(0, 48)  # frames of 0.01 s around the bark, and bands up to 4 kHz


def bark_in_rain() -> None:
    """Save YAMNet's log-mel spectrogram of the bark in the rain at each ratio, in the same colours."""
    import tensorflow_hub as hub

    yamnet = hub.load(str(real("yamnet").path))
    folder = Path(os.environ["ESC50"])
    files = {name: next(folder.glob(f"{Path(name).stem}.*")) for name in (BARK, RAIN)}
    cut = pd.read_csv(assets.embedded("esc50_active.csv"), index_col="filename").loc[BARK]
    bark = {"label": "dog", "filename": BARK, "onset": ONSET, "cut_from": cut["cut_from"], "cut_to": cut["cut_to"]}
    heard = {}
    for ratio, name in RATIOS.items():
        waveform = mixtures._mix(files, [RAIN, RAIN], pd.DataFrame([bark]), float(ratio))
        heard[name] = yamnet(waveform)[2].numpy()[SHOWN]
    high = np.percentile(heard["louder"], 99.8)
    for name, log_mel in heard.items():
        save_strip(log_mel, f"bark_{name}", span=3.8, high=high)


def crickets() -> None:
    """Save the scores of the crickets in the first mixture of lesson 06, their threshold, and when they are heard."""
    lesson = cells_of("06", until="better_thresholds")
    scores = lesson["network_tests"][0][0][:, lesson["classes"].index("crickets")]
    true = lesson["one"].reference.query("label == 'crickets'").iloc[0]
    found = {
        "hop": lesson["FINE"],
        "window": lesson["WINDOW"],
        "threshold": float(lesson["better_thresholds"]["crickets"]),
        "true": [float(true["onset"]), float(true["offset"])],
        "scores": [round(float(score), 3) for score in scores],
    }
    (HERE / "crickets.json").write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    models.start_tensorflow()
    bark_in_rain()
    crickets()

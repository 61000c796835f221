"""The lecture's clip in a few numbers: the envelope of its waveform, and the tags that YAMNet gives it."""

import json

import numpy as np

from course_utils import audio, models

from . import HERE, real

if __name__ == "__main__":
    models.start_tensorflow()
    import tensorflow_hub as hub

    yamnet = hub.load(str(real("yamnet").path))
    waveform = audio.load(real("speech-whistling").path, models.YAMNET_RATE)
    scores = yamnet(waveform)[0].numpy()
    names, means = models.class_names(yamnet), scores.mean(axis=0)
    peaks = np.array([np.abs(part).max() for part in np.array_split(waveform, 56)])
    best = np.argsort(means)[::-1][:4]
    numbers = {
        "envelope": [round(float(peak / peaks.max()), 3) for peak in peaks],
        "tags": {names[i]: round(float(means[i]), 3) for i in best},
        "windows": {names[i]: [round(float(score), 3) for score in scores[:, i]] for i in best},
    }
    (HERE / "course.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    print(numbers["tags"], numbers["windows"])

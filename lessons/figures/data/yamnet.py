"""What YAMNet makes of two clips: a spectrogram and ten windows' scores of each.

One is the lecture's clip, speech and then whistling. The other is one bark of ESC-50's clip 4-182395-A-0 in the
crickets of its clip 5-215172-A-13.
"""

import json

import numpy as np

from course_utils import assets, audio, models

from . import HERE, real, save_strip

CLASSES = ("Speech", "Whistle", "Whistling")
BARK = 0.7, 1.31  # seconds of the dog's clip, which is silent around them
ONSET = 2.3  # seconds: all of the bark but its end is in the fifth window


def main() -> None:
    """Write the files."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    yamnet = hub.load(str(real("yamnet").path))
    names = models.class_names(yamnet)

    def heard(waveform: np.ndarray, file: str, classes: tuple[str, ...], span: float | None = None) -> dict:
        scores, _, log_mel = (part.numpy() for part in yamnet(waveform))
        seconds = len(waveform) / models.YAMNET_RATE
        save_strip(log_mel[: int(100 * seconds)], file, span)  # without the padding
        rows = scores[:, [names.index(name) for name in classes]]
        return {"seconds": seconds, "classes": classes, "scores": np.round(rows.astype(float), 3).tolist()}

    clip = audio.load(real("speech-whistling").path, models.YAMNET_RATE)
    esc50 = assets.store().mirror / "esc50" / "audio"
    dog, crickets = (
        audio.load(esc50 / f"{name}.wav", models.YAMNET_RATE) for name in ("4-182395-A-0", "5-215172-A-13")
    )
    start, end = (round(second * models.YAMNET_RATE) for second in BARK)
    barking = audio.mix(crickets, [(dog[start:end], ONSET)], models.YAMNET_RATE)
    found = {"clip": heard(clip, "speech_whistling", CLASSES), "bark": heard(barking, "bark", ("Dog",))}
    (HERE / "yamnet.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""YAMNet: load it, and run it on many waveforms in a few calls.

Source: M. Plakal and D. Ellis, tensorflow/models, research/audioset/yamnet.
"""

import contextlib
import csv
import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from course_utils import assets, datasets
from course_utils.models.base import Output, start_tensorflow
from course_utils.models.panns import PANNS_RATE, interpolate

YAMNET_RATE = 16000  # Hz
YAMNET_WINDOW, YAMNET_HOP = 0.96, 0.48  # s
STEP = round(YAMNET_HOP * YAMNET_RATE)  # samples
REACH = 15600  # samples that one window reads: 96 frames of 25 ms, 10 ms apart
AT_ONCE = 192  # windows in one call


def yamnet_path() -> str:
    """Return the folder of YAMNet's SavedModel for ``hub.load``, and print which model it is.

    It is the real YAMNet if cache, mirror or network have it, and otherwise the embedded YAMNet-mini. You call both in
    the same way: ``scores, embeddings, log_mel = model(waveform)``, for 16 kHz samples in [-1, 1].

    Notebook: all but 01_audio_tagging
    """
    asset = assets.resolve("yamnet")
    print(f"Model: {asset.label}.")
    return str(asset.path)


def class_names(yamnet: Any) -> list[str]:
    """Return the names of the classes of a loaded YAMNet, in the order of its scores (521 strings).

    Notebook: 02_yamnet, 03_transfer_learning, 07_distillation
    """
    with open(yamnet.class_map_path().numpy().decode(), newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


def _digest(folder: Path) -> str:
    """Return 16 hexadecimal digits that change with the weights of a SavedModel."""
    paths = (folder / "saved_model.pb", *sorted(folder.glob("variables/*")))  # constants: in the first
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def _is_known(folder: Path) -> bool:
    """Return whether a SavedModel lies where the course unpacks YAMNet, or is YAMNet-mini."""
    hashes = [version["hash"].partition(":")[2] for version in assets.store().assets["yamnet"]["files"]]
    unpacked = any(folder.match(f"unpacked/*-{digits[:12]}") for digits in hashes)
    return unpacked or folder == assets.embedded("yamnet_mini").resolve()


class YAMNet:
    """A SavedModel that is called like YAMNet, as a :class:`course_utils.models.EmbeddingModel`.

    Its family is ``"yamnet"`` if it is the course's YAMNet, or YAMNet-mini, which imitates it. A SavedModel from
    elsewhere is a family of its own.

    A window is 96 frames of the spectrogram, 10 ms apart: 0.96 s. The last frame reaches 15 ms further, so the network
    reads 0.975 s.

    Parameters
    ----------
    model : SavedModel
        As ``hub.load`` returns it.
    """

    sample_rate, window, hop = YAMNET_RATE, YAMNET_WINDOW, YAMNET_HOP

    def __init__(self, model: Any):
        folder = Path(model.class_map_path().numpy().decode()).resolve().parents[1]
        self.model, self.id, self.labels = model, _digest(folder), class_names(model)
        self._device = ""  # TensorFlow's own choice
        self.family = "yamnet" if _is_known(folder) else f"SavedModel {self.id}"

    def __call__(self, waveform: np.ndarray) -> Output:
        """Return scores (n_windows, 521) and embeddings (n_windows, 1024) of a waveform at 16 kHz."""
        return self.many([waveform])[0]

    def many(self, waveforms: list[np.ndarray]) -> list[Output]:
        """Return what one call per waveform would, in only a few calls.

        The waveforms are laid end to end. Each is padded with zeros up to the start of a hop, and far enough that none
        of its windows reads from the next waveform.
        """
        outputs, blocks = [], []
        for i, waveform in enumerate(waveforms, start=1):
            n_windows = max(0, -(-(len(waveform) - REACH) // STEP)) + 1  # as YAMNet frames it
            blocks.append(np.pad(waveform, (0, (n_windows + 2) * STEP - len(waveform))))
            ends = np.cumsum([len(block) // STEP for block in blocks])
            if ends[-1] >= AT_ONCE or i == len(waveforms):
                scores, embeddings, _ = (part.numpy() for part in self._heard(np.concatenate(blocks)))
                own = [slice(start, end - 2) for start, end in pairwise([0, *ends])]
                outputs += [Output(scores[rows], embeddings[rows]) for rows in own]
                blocks = []
        return outputs

    def _heard(self, waveform: np.ndarray) -> tuple:
        """Call the model; if the GPU has no room for it, on the CPU, from then on."""
        import tensorflow as tf

        try:
            with tf.device(self._device) if self._device else contextlib.nullcontext():
                return self.model(waveform)
        except tf.errors.ResourceExhaustedError:
            if self._device:
                raise MemoryError("There is no room in memory for this recording. Cut it into shorter ones.") from None
            print("The GPU has no room for this. We go on with the CPU.")
            self._device = "/CPU:0"
        return self._heard(waveform)

    def dense(self, waveforms: list[np.ndarray], hop: float) -> list[Output] | None:
        """Return the outputs of whole windows every ``hop`` seconds, if that divides 0.48 s; else None.

        YAMNet frames shifted copies of the waveform, so each window costs one pass of the network. YAMNet reads 0.975 s
        for a window; here, the last 15 ms are sound from the recording, and not zeros.
        """
        shift, length = round(hop * YAMNET_RATE), round(YAMNET_WINDOW * YAMNET_RATE)
        if STEP % shift:
            return None
        steps, outputs = STEP // shift, []
        shifted = [self.many([clip[k * shift :] for clip in waveforms]) for k in range(steps)]
        for waveform, *copies in zip(waveforms, *shifted, strict=True):
            count = max(len(waveform) - length, 0) // shift + 1
            rows = [[part[n // steps] for part in copies[n % steps]] for n in range(count)]
            outputs.append(Output(*map(np.stack, zip(*rows, strict=True))))
        return outputs


class Tagger:
    """YAMNet behind the calls of PANNs.

    Each score goes to the AudioSet label with the same identifier. The six labels that YAMNet does not have stay 0. The
    classes that YAMNet-mini hardly heard in its training are switched off, so they stay 0 too, to four digits.
    """

    def __init__(self, asset: assets.Resolved, device: str):
        start_tensorflow()
        import tensorflow_hub as hub

        self.name = asset.title if asset.is_real else "YAMNet-mini"
        self.yamnet = YAMNet(hub.load(str(asset.path)))
        self.index = datasets.audioset_labels()["yamnet_index"].to_numpy()

    def _to_527(self, scores: np.ndarray) -> np.ndarray:
        return np.where(self.index >= 0, scores[..., self.index], 0.0).astype(np.float32)

    def tagging(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return clip scores (n_clips, 527) and embeddings (n_clips, 1024): means over YAMNet's windows."""
        heard = self.yamnet.many(soxr.resample(batch.T, PANNS_RATE, YAMNET_RATE).T)
        scores, embeddings = zip(*([rows.mean(axis=0) for rows in output] for output in heard), strict=True)
        return self._to_527(np.stack(scores)), np.stack(embeddings)

    def detection(self, batch: np.ndarray) -> np.ndarray:
        """Return frame scores (n_clips, n_frames, 527): windows every 0.12 s, interpolated to 100 frames a second."""
        clips, hop = soxr.resample(batch.T, PANNS_RATE, YAMNET_RATE).T, YAMNET_HOP / 4
        padded = np.pad(clips, ((0, 0), (STEP, 2 * STEP)))  # by half a window: they are centred on frames
        scores = np.stack([output.scores for output in self.yamnet.dense(padded, hop)])
        return self._to_527(interpolate(scores, hop, batch.shape[1]))

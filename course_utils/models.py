"""Choose a device and load the pretrained models, real where they are at hand, embedded otherwise."""

import contextlib
import io
import os
import sys
import warnings
from pathlib import Path

import numpy as np

from course_utils import assets, audio, datasets

YAMNET_RATE = 16000  # Hz
YAMNET_WINDOW = 0.96  # s
YAMNET_HOP = 0.48  # s
PANNS_RATE = 32000  # Hz
PANNS_FRAME_RATE = 100  # frames a second: a hop of 320 samples
PANNS_MIN_SECONDS = 1.0  # CNN14 halves the time axis five times; below about a third of a second nothing is left


def device() -> str:
    """Choose where PyTorch computes and print why: ``"cuda"``, else ``"mps"`` (Apple), else ``"cpu"``.

    Notebook: 01_audio_tagging
    """
    import torch

    if torch.cuda.is_available():
        choice, why = "cuda", torch.cuda.get_device_name(0)
    elif torch.backends.mps.is_available():
        choice, why = "mps", "an Apple GPU was found"
    else:
        choice, why = "cpu", "PyTorch finds no GPU here; the course does not need one"
    print(f"Device: {choice} ({why}).")
    return choice


def start_tensorflow() -> None:
    """Import TensorFlow and TensorFlow Hub without the start-up notes that their C++ side writes past Python.

    ``TF_CPP_MIN_LOG_LEVEL`` does not reach the notes of the first second (tensorflow/tensorflow issue 100442). What is
    held back appears after all if the import fails.

    Notebook: 02_yamnet, 03_transfer_learning, 04_sound_event_detection, 05_distillation
    """
    import tempfile

    sys.stderr.flush()
    with tempfile.TemporaryFile() as notes:
        stderr = os.dup(2)
        os.dup2(notes.fileno(), 2)
        try:
            import tensorflow as tf
            import tensorflow_hub  # noqa: F401

            tf.config.list_physical_devices()
            tf.get_logger().setLevel("WARNING")  # saving a model is worth no line on stderr
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def yamnet_path() -> str:
    """Return the folder of YAMNet's SavedModel for ``hub.load``, and print which model it is.

    Real YAMNet if cache, mirror or network have it, else the embedded YAMNet-mini with the same call:
    ``scores, embeddings, log_mel = model(waveform)`` for 16 kHz samples in [-1, 1].

    Source: M. Plakal and D. Ellis, tensorflow/models, research/audioset/yamnet.

    Notebook: 02_yamnet, 03_transfer_learning, 04_sound_event_detection, 05_distillation
    """
    asset = assets.resolve("yamnet")
    print(f"Model: {asset.label}, from {asset.source}.")
    return str(asset.path)


def class_names(yamnet) -> list[str]:
    """Return the names of the classes of a loaded YAMNet, in the order of its scores (521 strings).

    Notebook: 02_yamnet, 05_distillation
    """
    import csv

    path = yamnet.class_map_path().numpy().decode()
    with open(path, newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]


# --- PANNs ---


def _check_batch(batch) -> np.ndarray:
    """Return a batch for CNN14 as float32 of shape (n_clips, n_samples), or say what is wrong with it."""
    try:
        batch = np.asarray(batch)
    except ValueError as error:
        raise ValueError(
            "The clips of a batch must be of one length: cut or pad them, or tag them one by one."
        ) from error
    if batch.ndim < 2:
        raise ValueError(f"Expected shape (n_clips, n_samples), got {batch.shape}. Use waveform[np.newaxis].")
    if batch.ndim > 2 or (batch.shape[0] > 8 * batch.shape[1] > 0):
        raise ValueError(
            f"Expected shape (n_clips, n_samples), got {batch.shape}: this looks like several channels. "
            "Average the channels first, or read the file with course_utils.audio.load."
        )
    if not len(batch):
        raise ValueError("The batch is empty: there is no clip to analyse.")
    return np.stack([audio.check_waveform(clip, PANNS_RATE, PANNS_MIN_SECONDS) for clip in batch])


def _place_labels() -> None:
    """Put the 527 labels where panns-inference reads them at import, unless a complete file is there.

    At import, panns-inference 0.1.1 runs ``wget`` for a missing file, and keeps the empty file of a failed run. A file
    with other content is kept beside the new one, as ``class_labels_indices.csv.bak``.
    """
    target = Path.home() / "panns_data" / "class_labels_indices.csv"
    try:
        if target.is_file():
            if target.read_bytes() == datasets.audioset_csv().encode():
                return
            target.replace(target.with_suffix(".csv.bak"))
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_text(datasets.audioset_csv(), encoding="utf-8", newline="\n")
        scratch.replace(target)
    except OSError as error:
        raise assets.AssetError(
            f"panns-inference reads its labels from {target}, which cannot be written ({error.strerror}). "
            "Make the folder writable, or set HOME to one that is."
        ) from error


def _load_panns(kind: str, checkpoint: Path, device: str):
    """Return panns-inference's ``AudioTagging`` or ``SoundEventDetection`` on a checkpoint that has been verified."""
    _place_labels()
    # Its hash is that of the published file, so it may be loaded although it holds more than bare weights.
    before = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
            import panns_inference

            return getattr(panns_inference, kind)(checkpoint_path=str(checkpoint), device=device)
    finally:
        if before is None:
            del os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"]
        else:
            os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = before


class _YamnetAsPanns:
    """YAMNet behind the calls of PANNs, for where CNN14 is not at hand.

    Scores go to the AudioSet label with the same identifier; the six labels that YAMNet does not have stay 0. So do, to
    four digits, the classes that hardly sounded in the training of YAMNet-mini: they are switched off in the model.
    """

    def __init__(self):
        start_tensorflow()
        import tensorflow_hub as hub

        self.yamnet = hub.load(str(assets.resolve("yamnet").path))
        self.index = datasets.audioset_labels()["yamnet_index"].to_numpy()

    def _to_527(self, scores: np.ndarray) -> np.ndarray:
        return np.where(self.index >= 0, scores[..., self.index], 0.0).astype(np.float32)

    def _resample(self, clip: np.ndarray) -> np.ndarray:
        import soxr

        return soxr.resample(clip, PANNS_RATE, YAMNET_RATE)

    def tagging(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return clip scores (n_clips, 527) and embeddings (n_clips, 2048): mean beside maximum of YAMNet's 1024."""
        tags, embeddings = [], []
        for clip in batch:
            scores, embedding, _ = (output.numpy() for output in self.yamnet(self._resample(clip)))
            tags.append(self._to_527(scores.mean(axis=0)))
            embeddings.append(np.concatenate([embedding.mean(axis=0), embedding.max(axis=0)]))
        return np.stack(tags), np.stack(embeddings)

    def detection(self, batch: np.ndarray) -> np.ndarray:
        """Return frame scores (n_clips, n_frames, 527): windows every 0.12 s, interpolated to 100 frames a second."""
        shifts = np.arange(4) * YAMNET_HOP / 4
        outputs = []
        for clip in batch:
            padded = np.pad(self._resample(clip), round(YAMNET_WINDOW / 2 * YAMNET_RATE))  # centre windows on frames
            times, scores = [], []
            for shift in shifts:
                part = self.yamnet(padded[round(shift * YAMNET_RATE) :])[0].numpy()
                scores.append(part)
                times.append(shift + YAMNET_HOP * np.arange(len(part)))
            times, scores = np.concatenate(times), np.concatenate(scores)
            order = np.argsort(times)
            frames = np.arange(len(clip) * PANNS_FRAME_RATE // PANNS_RATE + 1) / PANNS_FRAME_RATE
            right = np.clip(np.searchsorted(times[order], frames), 1, len(order) - 1)
            left = order[right - 1]
            right = order[right]
            weight = np.clip((frames - times[left]) / (times[right] - times[left]), 0, 1)[:, np.newaxis]
            outputs.append(self._to_527((1 - weight) * scores[left] + weight * scores[right]))
        return np.stack(outputs)


class _Panns:
    """What AudioTagging and SoundEventDetection share: which model speaks, and the names of its 527 classes."""

    asset_name: str
    kind: str

    def __init__(self, device: str = "cpu"):
        asset = assets.resolve(self.asset_name)
        self.labels = datasets.audioset_labels()["display_name"].to_list()
        if asset.is_real:
            import torch

            place = "cuda" if "cuda" in str(device) and torch.cuda.is_available() else "cpu"
            self._model = _load_panns(self.kind, asset.path, place)
            self.name = f"CNN14 ({asset.variant}), on {place}"
        else:
            self._model = _YamnetAsPanns()
            spoken = assets.resolve("yamnet")
            below = spoken.label if spoken.is_real else "YAMNet-mini"
            self.name = f"a stand-in for CNN14 on top of {below}"
        print(f"Model: {self.name}.")


class AudioTagging(_Panns):
    """CNN14 as an audio tagger: ``panns_inference.AudioTagging`` on a verified checkpoint.

    Where the checkpoint is not at hand, YAMNet's scores stand in, mapped to the same 527 labels; ``name`` says which.

    Parameters
    ----------
    device : {"cpu", "cuda", "mps"}
        As :func:`device` returns it. panns-inference knows CUDA and the CPU; for ``"mps"`` it uses the CPU.

    Source: Q. Kong et al., PANNs, IEEE/ACM TASLP 28 (2020) 2880-2894.

    Notebook: 01_audio_tagging
    """

    asset_name, kind = "cnn14", "AudioTagging"

    def inference(self, batch) -> tuple[np.ndarray, np.ndarray]:
        """Tag clips.

        Parameters
        ----------
        batch : array_like, shape (n_clips, n_samples)
            Samples in [-1, 1] at 32 kHz, at least one second.

        Returns
        -------
        clipwise_output : ndarray, shape (n_clips, 527)
            Score of each class in [0, 1].
        embedding : ndarray, shape (n_clips, 2048)
            The layer below the scores.

        Raises
        ------
        TypeError, ValueError
            If the batch is no such array; the message says what to change.
        """
        batch = _check_batch(batch)
        return self._model.tagging(batch) if isinstance(self._model, _YamnetAsPanns) else self._model.inference(batch)


class SoundEventDetection(_Panns):
    """CNN14 as a detector: ``panns_inference.SoundEventDetection`` on its own, verified checkpoint.

    Parameters and stand-in as for :class:`AudioTagging`.

    Source: Q. Kong et al., PANNs, IEEE/ACM TASLP 28 (2020) 2880-2894.

    Notebook: 01_audio_tagging
    """

    asset_name, kind = "cnn14-detection", "SoundEventDetection"

    def inference(self, batch) -> np.ndarray:
        """Score the frames of clips.

        Parameters
        ----------
        batch : array_like, shape (n_clips, n_samples)
            Samples in [-1, 1] at 32 kHz, at least one second.

        Returns
        -------
        ndarray, shape (n_clips, n_frames, 527)
            Score of each class in [0, 1], 100 frames a second.

        Raises
        ------
        TypeError, ValueError
            If the batch is no such array; the message says what to change.
        """
        batch = _check_batch(batch)
        return self._model.detection(batch) if isinstance(self._model, _YamnetAsPanns) else self._model.inference(batch)

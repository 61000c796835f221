"""Step 3: write the trained student as a TensorFlow SavedModel with YAMNet's call.

The weights are kept in half precision in the file, which halves its size, and computed with in
single precision. Torch, given the same rounded weights, must agree. Classes that were hardly heard in
training are switched off: their scores are 0.00005 whatever sounds. ``heard.csv`` lists which are which.
"""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from makers import files

from .common import (
    CLASSES,
    CLIP_SAMPLES,
    HOP_SAMPLES,
    MEL_BANDS,
    PATCH_FRAMES,
    PATCH_HOP,
    SAMPLE_RATE,
    argument_parser,
    folder_size,
    tensorflow_on_cpu,
)
from .network import (
    CUT_FIRST,
    CUT_HOP,
    CUT_LENGTH,
    FFT_SIZE,
    LOG_OFFSET,
    MARGIN,
    MEL_HIGHEST,
    MEL_LOWEST,
    STFT_HOP,
    STFT_WINDOW,
    Convolution,
    Mini,
    Yamnet,
    load_teacher,
)
from .teacher import load_recordings

SHORTEST = STFT_WINDOW + (PATCH_FRAMES - 1) * STFT_HOP
"""Samples of one patch: shorter waveforms are padded to it."""
PIECE = 25_000
"""Weights to a constant. TensorFlow turns constants into single precision once, when the model is loaded,
if the result has less than 100 KiB; larger ones it would convert anew in every call."""
TOLERANCE = 1e-4
HEARD_SCORE, HEARD_FRAMES = 0.3, 20
"""A class was heard if YAMNet gave it this score or more in so many frames of the training material."""
SWITCHED_OFF = -10.0
"""Logit of a class that was not heard."""


def build(student: Mini, class_map: Path):
    """Make the TensorFlow module of a student.

    Parameters
    ----------
    student : Mini
        On the CPU; its weights are rounded to half precision here.
    class_map : Path
        CSV with the columns index, mid, display_name.

    Returns
    -------
    tf.Module
        Call it with a waveform; see `YamnetMini` below.
    """
    import tensorflow as tf

    def constant(weight: torch.Tensor, axes: tuple[int, ...] | None = None) -> tf.Tensor:
        values = weight.detach().numpy().astype(np.float16)
        values = values if axes is None else values.transpose(axes)
        pieces = [values.reshape(-1)[i : i + PIECE] for i in range(0, values.size, PIECE)]
        return tf.reshape(tf.concat([tf.cast(tf.constant(p), tf.float32) for p in pieces], 0), values.shape)

    def apply(convolution: Convolution, x: tf.Tensor) -> tf.Tensor:
        conv, stride = convolution.conv, convolution.conv.stride[0]
        if conv.groups > 1:
            x = tf.nn.depthwise_conv2d(x, constant(conv.weight, (2, 3, 0, 1)), [1, stride, stride, 1], "SAME")
        else:
            x = tf.nn.conv2d(x, constant(conv.weight, (2, 3, 1, 0)), stride, "SAME")
        return tf.nn.relu(tf.nn.bias_add(x, constant(conv.bias)))

    def dense(layer: torch.nn.Linear, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(tf.matmul(x, constant(layer.weight, (1, 0))), constant(layer.bias))

    class YamnetMini(tf.Module):
        """YAMNet-mini: waveform in, scores, embeddings and log-mel spectrogram out."""

        def __init__(self) -> None:
            super().__init__(name="yamnet_mini")
            self._class_map = tf.saved_model.Asset(str(class_map))
            self._mel = tf.signal.linear_to_mel_weight_matrix(
                MEL_BANDS, FFT_SIZE // 2 + 1, SAMPLE_RATE, MEL_LOWEST, MEL_HIGHEST
            ).numpy()
            self._window = np.zeros(FFT_SIZE, np.float32)
            self._window[:STFT_WINDOW] = tf.signal.hann_window(STFT_WINDOW).numpy()

        def _log_mel(self, waveform: tf.Tensor) -> tf.Tensor:
            """Pad as YAMNet does and map (n_samples,) to (n_spectra, 64)."""
            samples = tf.shape(waveform)[0]
            wanted = SHORTEST + (tf.maximum(samples - SHORTEST, 0) + HOP_SAMPLES - 1) // HOP_SAMPLES * HOP_SAMPLES
            # A window of 400 lies within three hops of 160: frames are three rows side by side.
            rows = tf.reshape(tf.pad(waveform, [[0, wanted - samples + 3 * STFT_HOP - STFT_WINDOW]]), [-1, STFT_HOP])
            rest = tf.zeros([tf.shape(rows)[0] - 2, FFT_SIZE - 3 * STFT_HOP])
            frames = tf.concat([rows[:-2], rows[1:-1], rows[2:], rest], axis=1)
            spectra = tf.signal.rfft(frames * self._window)
            magnitudes = tf.sqrt(tf.square(tf.math.real(spectra)) + tf.square(tf.math.imag(spectra)))
            return tf.math.log(tf.nn.bias_add(tf.matmul(magnitudes, self._mel), [LOG_OFFSET] * MEL_BANDS))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="waveform")])
        def __call__(self, waveform: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            """Tag a waveform.

            Parameters
            ----------
            waveform : tf.Tensor of float32, shape (n_samples,)
                In [-1, 1], at 16 kHz.

            Returns
            -------
            scores : tf.Tensor, shape (n_frames, 521)
            embeddings : tf.Tensor, shape (n_frames, 1024)
            log_mel : tf.Tensor, shape (n_spectra, 64)
            """
            log_mel = self._log_mel(waveform)
            x = tf.pad(log_mel, [[MARGIN, MARGIN], [0, 0]])[tf.newaxis, :, :, tf.newaxis]
            for convolution in student.whole:
                x = apply(convolution, x)
            first = CUT_FIRST + CUT_HOP * tf.range(tf.shape(log_mel)[0] // PATCH_HOP - 1)
            x = tf.gather(x[0], first[:, tf.newaxis] + tf.range(CUT_LENGTH))
            for convolution in student.patch:
                x = apply(convolution, x)
            embeddings = tf.nn.relu(dense(student.dense, tf.reduce_mean(x, axis=[1, 2])))
            return tf.sigmoid(dense(student.classifier, embeddings)), embeddings, log_mel

        @tf.function(input_signature=[])
        def class_map_path(self) -> tf.Tensor:
            """Return the path of the class map (index, mid, display_name)."""
            return self._class_map.asset_path

    return YamnetMini()


def frames_heard(teacher: Yamnet, work: Path, rounds: int) -> np.ndarray:
    """Count in how many training frames YAMNet heard each class.

    Parameters
    ----------
    teacher : Yamnet
    work : Path
        Where `makers.distillation.teacher` wrote its rounds.
    rounds : int
        How many it may have trained on, the first ones included.

    Returns
    -------
    ndarray of int, shape (521,)
    """
    counts = np.zeros(CLASSES, int)
    for path in tqdm(sorted(work.glob("embeddings_??.npy"))[:rounds], desc="classes heard"):
        logits = teacher.classifier(torch.from_numpy(np.load(path).astype(np.float32)))
        counts += (torch.sigmoid(logits) >= HEARD_SCORE).sum((0, 1)).numpy()
    return counts


def write_table(path: Path, rows: list[dict]) -> None:
    """Write rows as CSV with plain newlines and few quotation marks."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__, "name", "out", "seed")
    args = parser.parse_args()
    tf = tensorflow_on_cpu()
    checkpoint = args.work / f"{args.name}.pt"
    if not checkpoint.exists():
        raise FileNotFoundError(f"There is no {checkpoint}: run makers.distillation.train first.")
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if state["epoch"] < state["epochs"] or state["recipe"]["validate"]:
        raise RuntimeError(f"{checkpoint} is not trained to its end on folds 1 to 4: run makers.distillation.train.")
    student = Mini().eval().requires_grad_(False)
    student.load_state_dict(state["student"])
    teacher, teacher_log_mel, classes = load_teacher(args.teacher, args.work)
    counts = frames_heard(teacher, args.work, state["recipe"]["skip"] + state["recipe"]["rounds"])
    heard = counts >= HEARD_FRAMES
    student.classifier.weight[~torch.from_numpy(heard)] = 0.0
    student.classifier.bias[~torch.from_numpy(heard)] = SWITCHED_OFF
    for parameter in student.parameters():
        parameter.data = parameter.data.half().float()

    with tempfile.TemporaryDirectory() as folder:
        class_map = Path(folder) / "yamnet_mini_class_map.csv"
        write_table(class_map, classes)
        saved = Path(folder) / "saved"
        tf.saved_model.save(build(student, class_map), str(saved))

        rng = np.random.default_rng(args.seed)
        waveform = (rng.standard_normal(CLIP_SAMPLES) * np.geomspace(1e-4, 0.3, CLIP_SAMPLES)).astype(np.float32)
        scores, embeddings, log_mel = (out.numpy() for out in tf.saved_model.load(str(saved))(waveform))
        ours = student.embed(torch.from_numpy(log_mel)[None])[0]
        pairs = {
            "scores": (scores, torch.sigmoid(student.classifier(ours))),
            "embeddings": (embeddings, ours),
            "log-mel": (log_mel, teacher_log_mel(torch.from_numpy(waveform)[None])[0]),
        }
        for name, (found, wanted) in pairs.items():
            off = np.abs(found - wanted.numpy()).max() / max(1.0, wanted.abs().max().item())
            print(f"largest difference from torch, {name}: {off:.1e}")
            if not off <= TOLERANCE:
                raise RuntimeError(f"The port differs from torch by {off:.1e} > {TOLERANCE:.0e}.")

        args.out.mkdir(parents=True, exist_ok=True)
        for old in ("variables", "assets"):
            shutil.rmtree(args.out / old, ignore_errors=True)
        shutil.copytree(saved, args.out, dirs_exist_ok=True)
    training = {key: state[key] for key in ("epochs", "minutes", "kwh", "measured", "computer", "before")} | state[
        "recipe"
    ]
    recordings = load_recordings(args.work)
    if recordings is not None:
        training["recordings"] = {
            "packages": recordings.packages,
            "pieces": len(recordings.places),
            "hours": len(recordings.samples) / SAMPLE_RATE / 3600,
        }
    training["parameters"] = sum(p.numel() for p in student.parameters())
    files.write(args.out / "training.json", json.dumps(training, indent=1) + "\n")
    rows = zip(classes, counts, heard, strict=True)
    write_table(
        args.out / "heard.csv",
        [
            {"index": c["index"], "display_name": c["display_name"], "frames": n, "heard": "yes" if yes else "no"}
            for c, n, yes in rows
        ],
    )
    print(f"{args.out}: {training['parameters']:,} parameters, {folder_size(args.out):,} bytes")
    print(f"{heard.sum()} of {CLASSES} classes were heard in training; the others are switched off")


if __name__ == "__main__":
    main()

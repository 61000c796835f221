"""Step 3: write the trained student as a TensorFlow SavedModel with YAMNet's call.

The weights are kept in half precision in the file, which halves its size, and computed with in
single precision. The first check is that torch, given the same rounded weights, agrees.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from .common import (
    MEL_BANDS,
    PATCH_FRAMES,
    PATCH_HOP,
    SAMPLE_RATE,
    argument_parser,
    patches_of,
    quiet_tensorflow,
    teacher_folder,
)
from .network import BLOCKS, STUDENT_CLASSIFIER_RANK, STUDENT_RANKS, Network

STFT_WINDOW, STFT_HOP, FFT_SIZE = 400, 160, 512
"""Length of the Hann window, its hop and the transform's length, in samples (25 ms, 10 ms)."""
MEL_LOWEST, MEL_HIGHEST, LOG_OFFSET = 125.0, 7500.0, 0.001
SHORTEST = STFT_WINDOW + (PATCH_FRAMES - 1) * STFT_HOP
"""Samples of one patch: shorter waveforms are padded to it."""
TOLERANCE = 1e-4


def build(student: Network, class_map: Path):
    """Make the TensorFlow module of a student.

    Parameters
    ----------
    student : Network
        On the CPU; its weights are rounded to half precision here.
    class_map : Path
        CSV with the columns index, mid, display_name.

    Returns
    -------
    tf.Module
        Call it with a waveform; see `YamnetMini` below.
    """
    import tensorflow as tf

    class YamnetMini(tf.Module):
        """YAMNet-mini: waveform in, scores, embeddings and log-mel spectrogram out."""

        def __init__(self) -> None:
            super().__init__(name="yamnet_mini")
            self._class_map = tf.saved_model.Asset(str(class_map))
            self._weights = []
            self._steps = []
            self._add(student.first, 2, "full")
            for (stride, _), block in zip(BLOCKS, student.blocks, strict=True):
                self._add(block.depthwise, stride, "depthwise")
                if block.thin is not None:
                    self._add(block.thin, 1, "thin")
                self._add(block.pointwise, 1, "full")
            dense = [student.classifier] if student.thin is None else [student.thin, student.classifier]
            self._dense = []
            for layer in dense:
                bias = None if layer.bias is None else self._keep(layer.bias)
                self._dense.append((self._keep(layer.weight.T), bias))
            self._mel = tf.constant(
                tf.signal.linear_to_mel_weight_matrix(
                    MEL_BANDS, FFT_SIZE // 2 + 1, SAMPLE_RATE, MEL_LOWEST, MEL_HIGHEST
                ).numpy()
            )

        def _keep(self, tensor: torch.Tensor) -> tf.Variable:
            values = tensor.detach().cpu().numpy().astype(np.float16)
            variable = tf.Variable(values, trainable=False)
            self._weights.append(variable)
            return variable

        def _add(self, conv: torch.nn.Conv2d, stride: int, kind: str) -> None:
            axes = (2, 3, 0, 1) if kind == "depthwise" else (2, 3, 1, 0)
            bias = None if conv.bias is None else self._keep(conv.bias)
            self._steps.append((kind, stride, self._keep(conv.weight.permute(axes)), bias))

        def _log_mel(self, waveform: tf.Tensor) -> tf.Tensor:
            """Pad as YAMNet does and map (n_samples,) to (n_spectra, 64)."""
            hop = PATCH_HOP * STFT_HOP
            samples = tf.shape(waveform)[0]
            beyond = tf.maximum(samples - SHORTEST, 0)
            wanted = SHORTEST + (beyond + hop - 1) // hop * hop
            waveform = tf.pad(waveform, [[0, wanted - samples]])
            spectra = tf.abs(tf.signal.stft(waveform, STFT_WINDOW, STFT_HOP, FFT_SIZE))
            return tf.math.log(tf.matmul(spectra, self._mel) + LOG_OFFSET)

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
            x = tf.signal.frame(log_mel, PATCH_FRAMES, PATCH_HOP, axis=0)[..., tf.newaxis]
            for kind, stride, kernel, bias in self._steps:
                kernel = tf.cast(kernel, tf.float32)
                if kind == "depthwise":
                    x = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
                else:
                    x = tf.nn.conv2d(x, kernel, stride, "SAME")
                if bias is not None:
                    x = tf.nn.relu(tf.nn.bias_add(x, tf.cast(bias, tf.float32)))
            embeddings = tf.reduce_mean(x, axis=[1, 2])
            logits = embeddings
            for kernel, bias in self._dense:
                logits = tf.matmul(logits, tf.cast(kernel, tf.float32))
                if bias is not None:
                    logits += tf.cast(bias, tf.float32)
            return tf.sigmoid(logits), embeddings, log_mel

        @tf.function(input_signature=[])
        def class_map_path(self) -> tf.Tensor:
            """Return the path of the class map (index, mid, display_name)."""
            return self._class_map.asset_path

    return YamnetMini()


def write_class_map(source: Path, target: Path) -> None:
    """Write YAMNet's 521 classes as CSV with plain newlines and few quotation marks.

    Parameters
    ----------
    source, target : Path
    """
    with open(source, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(target, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["index", "mid", "display_name"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__)
    parser.add_argument("--name", default="student", help="name of the checkpoint")
    args = parser.parse_args()
    quiet_tensorflow()
    import tensorflow as tf

    state = torch.load(args.work / f"{args.name}.pt", map_location="cpu", weights_only=True)
    student = Network(STUDENT_RANKS, STUDENT_CLASSIFIER_RANK)
    student.load_state_dict(state["student"])
    for parameter in student.parameters():
        parameter.data = parameter.data.half().float()
    teacher = teacher_folder(args.teacher, args.work)

    with tempfile.TemporaryDirectory() as folder:
        class_map = Path(folder) / "yamnet_mini_class_map.csv"
        write_class_map(teacher / "assets" / "yamnet_class_map.csv", class_map)
        module = build(student.eval(), class_map)
        saved = Path(folder) / "saved"
        tf.saved_model.save(module, str(saved))

        rng = np.random.default_rng(args.seed)
        waveform = (rng.standard_normal(80_000) * np.geomspace(1e-4, 0.3, 80_000)).astype(np.float32)
        scores, embeddings, log_mel = tf.saved_model.load(str(saved))(waveform)
        with torch.no_grad():
            ours, logits = student(torch.tensor(patches_of(log_mel.numpy()).copy()))
        off = np.abs(scores.numpy() - torch.sigmoid(logits).numpy()).max()
        print(f"largest difference from torch: scores {off:.1e}", end=", ")
        print(f"embeddings {np.abs(embeddings.numpy() - ours.numpy()).max():.1e}")
        if off > TOLERANCE:
            raise RuntimeError(f"The port differs from torch by {off:.1e} > {TOLERANCE:.0e}.")

        args.out.mkdir(parents=True, exist_ok=True)
        for old in ("variables", "assets"):
            shutil.rmtree(args.out / old, ignore_errors=True)
        shutil.copytree(saved, args.out, dirs_exist_ok=True)
    size = sum(p.stat().st_size for p in args.out.rglob("*") if p.is_file())
    count = sum(p.numel() for p in student.parameters())
    print(f"{args.out}: {count:,} parameters, {size:,} bytes, {state['minutes']:.0f} min of training")


if __name__ == "__main__":
    main()

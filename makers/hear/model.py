"""YAMNet-mini as an ONNX model, for ONNX Runtime in a browser: the constants of its SavedModel in a new graph.

The weights stay in half precision, as they are in the SavedModel, and are turned into single precision when the model
is loaded. The waveform must be as long as :data:`LENGTHS` says; the SavedModel pads it, here the caller does.
"""

from pathlib import Path
from typing import Any

import numpy as np

from course_utils import models
from course_utils.models.yamnet import REACH, STEP

LENGTHS = (REACH, STEP)
"""Samples that a waveform may have: the first number, and any times the second more."""
FRAME_HOP, MARGIN = 160, 8
"""Samples from one frame of the spectrogram to the next; frames put before the first and after the last."""
CUT_FIRST, CUT_LENGTH, CUT_HOP = 1, 4, 3
"""Where a window's part begins among steps of 16 frames, how long it is, and where the next one begins."""
KINDS = ("Conv2D", "DepthwiseConv2dNative", "MatMul")
OPSET, IR_VERSION = 17, 8


def load(folder: Path) -> Any:
    """Load YAMNet-mini, on the CPU and quietly."""
    models.start_tensorflow()
    import tensorflow as tf

    return tf.saved_model.load(str(folder))


def export(mini: Any) -> bytes:
    """Return YAMNet-mini as an ONNX model.

    Parameters
    ----------
    mini : SavedModel
        As :func:`load` returns it.

    Returns
    -------
    bytes
        A model that maps ``waveform`` (n_samples,), at 16 kHz, to ``scores`` (n_windows, 521) and ``log_mel``
        (n_frames, 64), all float32.
    """
    from onnx import TensorProto, checker, helper, numpy_helper
    from tensorflow import compat

    graph = mini.__call__.concrete_functions[0].graph
    operations = graph.get_operations()
    layers, biases = [op for op in operations if op.type in KINDS], [op for op in operations if op.type == "BiasAdd"]
    spectra = next(op for op in operations if op.type == "RFFT")
    with compat.v1.Session(graph=graph) as session:
        window, *values = session.run([op.inputs[1] for op in (spectra.inputs[0].op, *layers, *biases)])
    nodes, constants = [], []

    def constant(value: Any, dtype: type = np.int64) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), f"constant_{len(constants)}"))
        return constants[-1].name

    def weight(value: Any) -> str:
        return add("Cast", constant(value, np.float16), to=TensorProto.FLOAT)

    def add(kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output or f"{kind}_{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    # Frames of 400 samples, and zeros up to the 512 of the transform.
    (fft_size,), single = window.shape, np.float32
    padded = add("Pad", "waveform", constant([0, fft_size - (REACH - 95 * FRAME_HOP)]))
    frames = (constant(FRAME_HOP), constant(window, single), constant(fft_size))
    spectrum = add("STFT", add("Unsqueeze", padded, constant([0, 2])), *frames)
    magnitudes = add("ReduceL2", add("Squeeze", spectrum, constant([0])), axes=[-1], keepdims=0)
    (mel, *kernels), (offset, *shifts) = values[: len(layers)], values[len(layers) :]
    mel_bands = add("Add", add("MatMul", magnitudes, constant(mel, single)), constant(offset, single))
    log_mel = add("Log", mel_bands, output="log_mel")
    x = add("Unsqueeze", add("Pad", log_mel, constant([MARGIN, 0, MARGIN, 0])), constant([0, 1]))

    for layer, kernel, shift in zip(layers[1:], kernels, shifts, strict=True):
        if layer.type == "MatMul":
            if layer is layers[-2]:  # the first of two dense layers
                x = add("ReduceMean", x, axes=[2, 3], keepdims=0)
            x = add("Gemm", x, weight(kernel), weight(shift))
        else:
            if layer.inputs[0].op.type == "GatherV2":  # once over the whole until here; from here on, each window
                steps = [
                    add(
                        "Slice",
                        x,
                        *(constant([k]) for k in (CUT_FIRST + i, CUT_FIRST + i - CUT_LENGTH - 1, 2, CUT_HOP)),
                    )
                    for i in range(CUT_LENGTH)
                ]
                rows = add("Concat", *(add("Unsqueeze", step, constant([3])) for step in steps), axis=3)
                windows = add("Transpose", rows, perm=[0, 2, 1, 3, 4])
                x = add("Squeeze", windows, constant([0]))
            depthwise = layer.type.startswith("Depthwise")
            x = add(
                "Conv",
                x,
                weight(kernel.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))),
                weight(shift),
                strides=layer.get_attr("strides")[1:3],
                group=kernel.shape[2] if depthwise else 1,
                auto_pad="SAME_UPPER",
            )
        if layer is not layers[-1]:
            x = add("Relu", x)
    add("Sigmoid", x, output="scores")

    shapes = {"waveform": ["samples"], "scores": ["windows", len(shifts[-1])], "log_mel": ["frames", mel.shape[1]]}
    waveform, *outputs = (helper.make_tensor_value_info(k, TensorProto.FLOAT, shape) for k, shape in shapes.items())
    graph = helper.make_graph(nodes, "yamnet_mini", [waveform], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()

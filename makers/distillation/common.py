"""What the steps share: paths, command-line arguments, clips on disk, the teacher's files."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_utils import assets, audio, models
from makers import files

SAMPLE_RATE = 16_000
"""Sampling rate of every waveform here, in Hz."""

PATCH_FRAMES, PATCH_HOP, MEL_BANDS = 96, 48, 64
"""Length and hop of a patch in spectrogram frames of 10 ms, and its mel bands."""

EMBEDDING_SIZE, CLASSES = 1024, 521

HOP_SAMPLES = 7_680
"""Samples from one patch to the next."""

CLIP_PATCHES = 10
"""Patches of a clip of 5 s."""

CLIP_SAMPLES = 15_600 + (CLIP_PATCHES - 1) * HOP_SAMPLES
"""Samples that these patches cover: 5.295 s. YAMNet pads a clip of 5 s to it."""

VALIDATION_FOLD, TEST_FOLD = 4, 5
"""Folds of ESC-50: choices are made on the one, results are reported on the other, which never trains."""


def argument_parser(description: str | None, *options: str) -> argparse.ArgumentParser:
    """Make a parser with the arguments that steps share.

    Parameters
    ----------
    description : str or None
        A module's docstring; its first line becomes the text of ``--help``.
    *options : {"audio", "name", "out", "seed"}
        Which arguments besides ``--teacher`` and ``--work``.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        description=(description or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--teacher", type=Path, help="folder of YAMNet's SavedModel; default: the course's YAMNet")
    parser.add_argument("--work", type=Path, default=Path("data/cache/distill"), help="what is kept between steps")
    known = {
        "audio": {"type": Path, "required": True, "help": "folder of the 2,000 ESC-50 clips"},
        "name": {"default": "student", "help": "name of the checkpoint"},
        "out": {"type": Path, "default": Path("data/embedded/yamnet_mini"), "help": "folder of the SavedModel"},
        "seed": {"type": int, "default": 2022, "help": "of everything random"},
    }
    for option in options:
        parser.add_argument(f"--{option}", **known[option])
    return parser


def tensorflow_on_cpu():
    """Import TensorFlow quietly and keep it off a GPU, which is torch's here."""
    models.start_tensorflow()
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    return tf


def teacher_folder(path: Path | None) -> Path:
    """Return the folder of the teacher's SavedModel.

    Parameters
    ----------
    path : Path or None
        The folder. None: that of the YAMNet that the course finds.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If there is no SavedModel at `path`, or the course finds none but YAMNet-mini.
    """
    if path is None:
        asset = assets.resolve("yamnet")
        if not asset.is_real:
            raise FileNotFoundError(
                "YAMNet itself is needed, as the teacher: run `python -m course_utils prefetch yamnet` with a network, "
                "set COURSE_MIRROR, or name the folder of its SavedModel with --teacher."
            )
        return Path(asset.path)
    if not (path / "saved_model.pb").is_file():
        raise FileNotFoundError(f"No saved_model.pb in {path}: name the folder of YAMNet's SavedModel.")
    return path


class Clip(NamedTuple):
    """One recording of ESC-50: its file, its fold (1 to 5) and its category (0 to 49)."""

    path: Path
    fold: int
    category: int


def list_clips(folder: Path) -> list[Clip]:
    """List the ESC-50 clips of a folder, sorted by name.

    Parameters
    ----------
    folder : Path
        Folder of audio files named ``FOLD-SOURCE-TAKE-CATEGORY``.

    Returns
    -------
    list of Clip

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    """
    names = re.compile(r"([1-5])-\d+-[A-Z]-(\d+)\.(wav|ogg|flac)")
    found = [(p, names.fullmatch(p.name)) for p in sorted(folder.iterdir())] if folder.is_dir() else []
    clips = [Clip(path, int(match[1]), int(match[2])) for path, match in found if match]
    if not clips:
        raise FileNotFoundError(
            f"No file like 1-100032-A-0.wav in {folder}: name the folder `audio` of ESC-50 "
            "(github.com/karolpiczak/ESC-50) with --audio, or make's ESC50=."
        )
    return clips


def read_clip(path: Path) -> np.ndarray:
    """Read one clip as mono at 16 kHz.

    Parameters
    ----------
    path : Path

    Returns
    -------
    ndarray of float32, shape (n_samples,)
        Waveform in [-1, 1].
    """
    return np.clip(audio.load(path, SAMPLE_RATE), -1, 1)


def save(path: Path, array: np.ndarray) -> None:
    """Write an array under another name first, so that a broken run leaves no broken file.

    Parameters
    ----------
    path : Path
    array : ndarray
    """
    with files.replacing(path) as part:
        np.save(part, array)


def folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

"""What the steps share: paths, command-line arguments, clips on disk, the teacher's files."""

from __future__ import annotations

import argparse
import os
import tarfile
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

SAMPLE_RATE = 16_000
"""Sampling rate of every waveform here, in Hz."""

PATCH_FRAMES, PATCH_HOP, MEL_BANDS = 96, 48, 64
"""Length and hop of a patch in spectrogram frames of 10 ms, and its mel bands."""

EMBEDDING_SIZE, CLASSES = 1024, 521

TEST_FOLD = 5
"""The fold of ESC-50 that is never trained on."""


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Make a parser with the arguments that all steps share.

    Parameters
    ----------
    description : str or None
        A module's docstring; its first line becomes the text of ``--help``.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        description=(description or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--audio", type=Path, help="folder of the ESC-50 clips at 16 kHz")
    parser.add_argument("--teacher", type=Path, help="YAMNet SavedModel: a folder or .tar.gz")
    parser.add_argument("--work", type=Path, default=Path("data/cache/distill"))
    parser.add_argument("--out", type=Path, default=Path("data/embedded/yamnet_mini"))
    parser.add_argument("--seed", type=int, default=2022)
    return parser


def quiet_tensorflow() -> None:
    """Silence TensorFlow's start-up messages; call it before TensorFlow is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def teacher_folder(path: Path | None, work: Path) -> Path:
    """Return the folder of the teacher's SavedModel, unpacking an archive once.

    Parameters
    ----------
    path : Path or None
        A SavedModel folder, or a ``.tar.gz`` archive of one.
    work : Path
        Where an archive is unpacked, in ``work/teacher``.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If there is no SavedModel at `path`.
    """
    if path is None:
        raise FileNotFoundError("Say where YAMNet is: --teacher FOLDER or --teacher ARCHIVE.tar.gz")
    if path.is_file():
        folder = work / "teacher"
        if not (folder / "saved_model.pb").exists():
            folder.mkdir(parents=True, exist_ok=True)
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
        path = folder
    if not (path / "saved_model.pb").exists():
        raise FileNotFoundError(f"No saved_model.pb in {path}: pass YAMNet's folder or archive.")
    return path


def list_clips(folder: Path | None) -> tuple[list[Path], np.ndarray, np.ndarray]:
    """List the ESC-50 clips of a folder with their folds and categories.

    Parameters
    ----------
    folder : Path or None
        Folder of audio files named ``FOLD-SOURCE-TAKE-TARGET``.

    Returns
    -------
    paths : list of Path
        Sorted by name.
    folds : ndarray of int, shape (n_clips,)
    targets : ndarray of int, shape (n_clips,)
        ESC-50 category, 0 to 49.

    Raises
    ------
    FileNotFoundError
        If the folder holds no such file.
    """
    if folder is None:
        raise FileNotFoundError("Say where the ESC-50 clips are: --audio FOLDER")
    paths = sorted(p for p in folder.iterdir() if p.suffix in {".wav", ".ogg", ".flac"})
    if not paths:
        raise FileNotFoundError(f"No .wav, .ogg or .flac in {folder}")
    parts = [p.stem.split("-") for p in paths]
    return paths, np.array([int(p[0]) for p in parts]), np.array([int(p[-1]) for p in parts])


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
    waveform, rate = sf.read(path, dtype="float32", always_2d=True)
    waveform = waveform.mean(axis=1)
    if rate != SAMPLE_RATE:
        waveform = soxr.resample(waveform, rate, SAMPLE_RATE)
    return np.clip(waveform, -1, 1).astype(np.float32)


def patches_of(log_mel: np.ndarray) -> np.ndarray:
    """Cut a log-mel spectrogram into YAMNet's overlapping patches.

    Parameters
    ----------
    log_mel : ndarray, shape (n_spectra, 64)

    Returns
    -------
    ndarray, shape (n_frames, 96, 64)
        A view, not a copy.
    """
    windows = np.lib.stride_tricks.sliding_window_view(log_mel, PATCH_FRAMES, axis=0)
    return windows[::PATCH_HOP].transpose(0, 2, 1)

"""Helpers of the course *Environmental Audio AI*.

The lines that teach stand in the notebooks; the lines that do not (paths, downloads, choice of device,
axes and colour bars) stand here. Five things have a form of their own: an *asset* (a ``Store`` finds it), a *clip*
(``audio.Clip``), a network (``models.EmbeddingModel``), its *features* of a clip, and *events*.

========== ==================================================================================
assets     where models, data sets and clips come from: cache, mirror, network or embedded
doctor     what is wrong with an installation, and how to mend it
audio      load, resample, check, play and mix audio
fetch      one file over HTTP, in little time or not at all
models     device choice; YAMNet, PANNs and EfficientAT, a module each
datasets   ESC-50, AudioSet labels and the map between them, mixtures, a module each
features   scores, embeddings and levels of many clips, computed in batches and kept
events     tables of events, and the way from window scores to them
detection  the same under the name that the lessons use
evaluation accuracy, confusion matrix, sound event detection metrics
energy     what codecarbon measured, in words
plotting   one plot per function, each takes ``ax=None`` and returns the Axes
svg        a plot as SVG, in the font and the theme of the page around it
drawings   the drawings of the lessons
preview    what a lesson shows before it builds it
widgets    questions, explorers with sliders, your own sound
check      what is wrong with the answer to an exercise, in words
========== ==================================================================================

Importing ``course_utils`` imports none of the heavy libraries; each module imports what it needs when
it is used.
"""

from __future__ import annotations  # so that an old Python, too, gets to doctor

import importlib.util as _util
import os as _os
import stat as _stat
import sys as _sys
import tempfile as _tempfile
import warnings as _warnings
from pathlib import Path as _Path

__version__ = "0.1.0"

INLINE = "module://matplotlib_inline.backend_inline"
IN_NOTEBOOKS = ("inline", "nbagg", "notebook", "widget", "ipympl")  # backends that show figures there


def writable(folder: _Path | str) -> bool:
    """Return whether a file can be written in a folder, or in the one where that would be made; it is tried."""
    folder = _Path(folder)
    if folder.parts[:1] == ("~",):  # the home of a user whom the system does not know
        return False
    folder = folder.absolute()
    there = next((place for place in (folder, *folder.parents) if _os.path.lexists(place)), folder)
    try:
        with _tempfile.TemporaryFile(dir=there if there.is_dir() else folder) as file:
            file.write(b"x")
            file.flush()
            return True
    except OSError:
        return False


def scratch() -> _Path | None:
    """Return a temporary folder that is this user's alone, if possible the same each time; None if there is none.

    What libraries keep in it is executed later, so nobody else may be able to write there.
    """
    try:
        user = getattr(_os, "getuid", int)()
        folder = _Path(_tempfile.gettempdir(), f"course-utils-{user}")
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        mine = _stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o022
        return folder if mine or _os.name == "nt" else _Path(_tempfile.mkdtemp(prefix="course-utils-"))
    except OSError:
        return None


def _find_room() -> None:
    """Give libraries that keep files a folder, where their own cannot be written: in a home that is not there, or full.

    numba keeps what it compiles of librosa, and without a folder that cannot be imported. matplotlib keeps fonts.
    """
    home, said = _Path(_os.path.expanduser("~")), _os.environ.get  # noqa: PTH111 - which never fails
    cache, config = _Path(said("XDG_CACHE_HOME") or home / ".cache"), _Path(said("XDG_CONFIG_HOME") or home / ".config")
    caches = {"win32": _Path(said("LOCALAPPDATA") or home), "darwin": home / "Library/Caches"}
    librosa = _util.find_spec("librosa")
    places = {
        "NUMBA_CACHE_DIR": ("numba", any, [caches.get(_sys.platform, cache) / "numba"]),
        "MPLCONFIGDIR": ("matplotlib", all, [home] if _sys.platform in caches else [cache, config]),
    }
    if librosa:  # which may have it beside its modules
        places["NUMBA_CACHE_DIR"][2].append(_Path(librosa.origin).parent / "__pycache__")
    for variable, (library, enough, folders) in places.items():
        if variable in _os.environ or library in _sys.modules or enough(map(writable, folders)):
            continue
        if folder := scratch():
            _os.environ[variable] = str(folder / library)


def _show_figures() -> None:
    """Have notebooks show figures, whatever backend the shell has chosen for programs in a terminal."""
    backend = _os.environ.get("MPLBACKEND", "")
    shell = _sys.modules["IPython"].get_ipython() if "IPython" in _sys.modules else None
    if not hasattr(shell, "kernel") or not hides_figures(backend):
        return
    _os.environ["MPLBACKEND"] = INLINE
    if "matplotlib" in _sys.modules:
        shell.run_line_magic("matplotlib", "inline")
    print(f"MPLBACKEND is {backend!r}, which shows no figures in a notebook, so the course shows them itself.")


def hides_figures(backend: str) -> bool:
    """Return whether a notebook shows no figures with a value of ``MPLBACKEND``."""
    return bool(backend) and backend.lower() not in IN_NOTEBOOKS and not backend.startswith("module://")


def _open_streams() -> None:
    """Open those of stdin, stdout and stderr that a program was started without (``2>&-``).

    Else the next files that are opened get their numbers, and what is written to stderr goes into those.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(_sys, name) is None:
            stream = open(_os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - it stays open
            _os.set_inheritable(stream.fileno(), True)
            setattr(_sys, name, stream)


_open_streams()
# TensorFlow's C++ side logs start-up notes to stderr, past Python. Errors still arrive as exceptions.
_os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Let TensorFlow and PyTorch share one GPU: take memory as it is needed instead of all of it.
_os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# codecarbon logs its first lines before it looks at the log_level that its tracker was given.
_os.environ.setdefault("CODECARBON_LOG_LEVEL", "error")
# tensorflow-hub 0.16.1 imports pkg_resources, which says at each import that it will go away.
# The pin setuptools<81 deals with it; the reader of a notebook cannot.
_warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)
# A terminal that lacks a character, such as the ✓ of a check, shows a question mark; Python alone would stop there.
if hasattr(_sys.stdout, "reconfigure") and _sys.stdout.errors == "strict":
    _sys.stdout.reconfigure(errors="replace")
_find_room()
_show_figures()

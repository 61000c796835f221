"""Helpers of the course *Environmental Audio AI*.

The lines that teach stand in the notebooks; the lines that do not (paths, downloads, choice of device,
axes and colour bars) stand here. Five things have a form of their own: an *asset* (a ``Store`` finds it), a *clip*
(``audio.Clip``), a network (``models.EmbeddingModel``), its *features* of a clip, and *events*.

========== ==================================================================================
assets     where models, data sets and clips come from: cache, mirror, network or embedded
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

import os as _os
import sys as _sys
import warnings as _warnings

__version__ = "0.1.0"

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

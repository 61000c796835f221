"""Helpers of the course *Environmental Audio AI*.

The lines that teach stand in the notebooks; the lines that do not (paths, downloads, choice of device,
axes and colour bars) stand here. Each module is named for what a student would look for:

========== ==================================================================================
assets     where models, data sets and clips come from: cache, mirror, network or embedded
audio      load, resample, check, play and mix audio
models     device choice, YAMNet and PANNs loaders
datasets   ESC-50, AudioSet labels and the map between them, the metro-station mixture
features   embeddings and scores of many clips, computed in batches and cached
detection  from window scores to events
evaluation accuracy, confusion matrix, sound event detection metrics
energy     what codecarbon measured, in words
plotting   one drawing per function, each takes ``ax=None`` and returns the Axes
widgets    questions, explorers with sliders, your own sound
check      what is wrong with the answer to an exercise, in words
========== ==================================================================================

Importing ``course_utils`` imports none of the heavy libraries; each module imports what it needs when
it is used.
"""

import os as _os
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

"""The data sets of the course: ESC-50, the labels of AudioSet, and mixtures with known events, a module each."""

from .audioset import AUDIOSET_TO_ESC50, audioset_csv, audioset_labels
from .esc50 import ANIMALS, BACKGROUNDS, clip, clips, esc50_metadata, load_clip, teacher_outputs
from .mixtures import Soundscape, make_soundscapes, metro_mixture, metro_recipe

__all__ = ["ANIMALS", "AUDIOSET_TO_ESC50", "BACKGROUNDS", "Soundscape", "audioset_csv",
           "audioset_labels", "clip", "clips", "esc50_metadata", "load_clip", "make_soundscapes",
           "metro_mixture", "metro_recipe", "teacher_outputs"]  # fmt: skip

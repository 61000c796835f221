"""Checks of the exercises: what is wrong with an answer, and a hint; or why it is right, and what to try next.

A check takes the answer and what the notebook has computed before, so that it works with any assets. It never raises
and never shows the solution. What it returns is displayed by the notebook, and is true if the answer is right.
"""

from .answers import Verdict
from .better_detector import error_rate, settings
from .distillation import break_even, mild_targets, softened, student_embeddings
from .figures import Figures, expected
from .how_sure import more_clips, own_score, temperature
from .sound_event_detection import counts, long_events, priced_threshold, strict_events
from .tagging import thresholds, top_tags, whistle_onset, wrong_rate
from .transfer_learning import better_map, linear, zero_shot_accuracy
from .yamnet import event_tops, n_windows, quiet_scores, window_tops

__all__ = ["Figures", "Verdict", "better_map", "break_even", "counts", "error_rate", "event_tops",
           "expected", "linear", "long_events", "mild_targets", "more_clips", "n_windows", "own_score",
           "priced_threshold", "quiet_scores", "settings", "softened",
           "strict_events", "student_embeddings", "temperature", "thresholds", "top_tags", "whistle_onset",
           "window_tops", "wrong_rate", "zero_shot_accuracy"]  # fmt: skip

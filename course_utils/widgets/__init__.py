"""Things to open and to move: questions, explorers with sliders, and your own sound.

A question is plain HTML and works in every page. An explorer needs a running notebook; a picture of how it stands at
the start is shown beside it, for pages and slides, and hides where the explorer itself appears.
"""

from .analysis import Analysis, analyse, score_blocks
from .embedding_map import embedding_map
from .explorers import compare_taggers, explore_detector, explore_errors
from .own_classes import OwnClasses, own_classes
from .own_sound import own_sound
from .quiz import quiz, quizzes
from .shown import Shown
from .sound_input import sound_input

__all__ = ["Analysis", "OwnClasses", "Shown", "analyse", "compare_taggers", "embedding_map", "explore_detector",
           "explore_errors", "own_classes", "own_sound", "quiz", "quizzes", "score_blocks", "sound_input"]  # fmt: skip

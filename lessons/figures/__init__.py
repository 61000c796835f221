"""The drawings of the lessons, a function each: ``make figures`` writes them.

To add or change one takes one function, in the module of its subject, and one command, ``python -m makers figures
NAME``. What drawings take from real recordings lies in ``data/``, as small pictures and tables, beside the code that
made it.
"""

from . import course, detection, how_sure, tagging, transfer, yamnet
from .shapes import drawings

__all__ = ["course", "detection", "drawings", "how_sure", "tagging", "transfer", "yamnet"]

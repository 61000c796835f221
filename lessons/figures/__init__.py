"""The drawings of the lessons, a function each: ``make figures`` writes them.

To add or change one takes one function, in the module of its subject, and one command, ``python -m makers figures
NAME``. What drawings take from real recordings lies in ``data/``, as small pictures and tables, beside the code that
made it.
"""

import importlib
import pkgutil

from .shapes import drawings

for module in pkgutil.iter_modules(__path__):
    if not module.ispkg:
        importlib.import_module(f"{__name__}.{module.name}")

__all__ = ["drawings"]

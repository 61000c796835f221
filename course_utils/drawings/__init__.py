"""The drawings of the lessons. Their code is in ``lessons/figures/``; what is here was written by ``make figures``."""

from __future__ import annotations

import html
import re
from importlib import resources

from markupsafe import Markup

FOLDER = resources.files(__name__)


class Drawing:
    """A drawing that a notebook shows as SVG, in the colours and the font of the page, and a terminal in words.

    Attributes
    ----------
    svg : str
        The drawing.
    words : str
        What it shows.
    """

    def __init__(self, name: str):
        self.name, self.svg = name, (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
        self.words = html.unescape(re.search('aria-label="([^"]*)"', self.svg)[1])

    def _repr_html_(self) -> str:
        page = Markup('<div class="course-drawing" data-name="{}">{}</div>')
        return str(page.format(self.name, Markup(self.svg)))  # noqa: S704 - the course's own

    def __repr__(self) -> str:
        return self.words


def names() -> list[str]:
    """Return the names of all drawings."""
    return sorted(file.name.removesuffix(".svg") for file in FOLDER.iterdir() if file.name.endswith(".svg"))


def show(name: str) -> Drawing:
    """Show a drawing of the course.

    Notebook: all

    Parameters
    ----------
    name : str
        For instance ``"yamnet_windows"``.

    Returns
    -------
    Drawing
        For the cell to show.

    Raises
    ------
    ValueError
        If there is no drawing of that name.
    """
    if name not in names():
        raise ValueError(f"There is no drawing {name!r}. The course has {', '.join(names())}.")
    return Drawing(name)

"""What widgets are made of: HTML that a notebook shows, and the picture beside what moves."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import plotting
from course_utils.events import Events

if TYPE_CHECKING:
    import ipywidgets
    from matplotlib.figure import Figure


COLOURS = ("#0072B2", "#D55E00")
"""The first two colours of ``course.mplstyle``."""


class Shown:
    """Something that a notebook shows as HTML, and a terminal as text."""

    def __init__(self, page: str, text: str):
        self.page, self.text = page, text

    def _repr_html_(self) -> str:
        return self.page

    def __repr__(self) -> str:
        return self.text


def has_front_end() -> bool:
    """Return whether a notebook's kernel runs this, so that widgets can be moved."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def show(name: str, static: Shown, build: Callable[[Any], Iterable], to: str = "use it") -> ipywidgets.VBox | None:
    """Show the static state of an explorer, and return the explorer for the cell to show; None if nothing can move.

    The static state says what the notebook must be open for: ``to`` use it, ``to`` move the sliders.
    """
    from IPython.display import display

    note = f"Preview. Open the notebook in JupyterLab or Colab to {to}."
    page = f'<div class="course-static-{name}">{static.page}<p class="course-note"><em>{note}</em></p></div>'
    display(Shown(page, static.text))
    if not has_front_end():
        print(f"To {to}, open the notebook in JupyterLab or Colab and run this cell.")
        return None
    import ipywidgets

    hide = ipywidgets.HTML(f"<style>.course-static-{name} {{ display: none }}</style>")
    hide.layout.display = "none"
    return ipywidgets.VBox([hide, *build(ipywidgets)])


def panel_of(ipywidgets: Any, name: str, value: str = "") -> ipywidgets.HTML:
    """Return a widget that shows HTML, under a class by which tests and styles find it."""
    panel = ipywidgets.HTML(value)
    panel.add_class(name)
    return panel


def image(data: bytes, kind: str, alt: str, style: str = "max-width:100%") -> str:
    """Return a picture as HTML that holds it: ``kind`` is ``png`` or ``svg+xml``."""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img alt="{html.escape(alt, quote=True)}" style="{style}" src="{source}">'


def in_words(rolls: Mapping[str, Any]) -> str:
    """Return lists of events as a sentence for each list."""
    sentences = []
    for name, given in rolls.items():
        found = [f"{label} {on:.2f} to {off:.2f} s" for label, on, off in zip(*Events.of(given), strict=True)]
        more = f", and {len(found) - 50} more" if len(found) > 50 else ""
        sentences.append(f"{name[:1].upper()}{name[1:]}: {', '.join(found[:50]) or 'no events'}{more}.")
    return " ".join(sentences)


def picture(figure: Figure, otherwise: str = "") -> str:
    """Return a figure of matplotlib as HTML, with :func:`course_utils.plotting.in_words` for who cannot see it.

    ``otherwise`` is the text for a figure that nobody has put into words.
    """
    return plotting.as_svg(figure, otherwise)


def drawn(draw: Callable[..., Any], *args: Any, height: float | None = None) -> Figure:
    """Return a figure, which pyplot does not know, with a drawing of :mod:`course_utils.plotting` in it.

    It is ``height`` inches high, or as high as the drawing would be by itself.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context("course_utils.course"):
        figure = Figure(figsize=(plotting.WIDTH, height or plotting.WIDTH), layout="constrained")
        figure.grows = height is None
        draw(*args, ax=figure.subplots())
        figure.canvas.draw()
    return figure


def event_roll(rolls: Mapping[str, Any], rows: Sequence[str], duration: float) -> str:
    """Draw at most two lists of events as SVG, the first plain, the second hatched; 2 ms, where matplotlib takes 100.

    Parameters as for :func:`course_utils.plotting.event_roll`.
    """
    rows = list(rows)
    left, width, top, height = 20 + 9 * max((len(row) for row in rows), default=0), 900, 30, 28
    bottom = top + height * len(rows)
    scale, bar = (width - left - 20) / duration, (height - 8) / len(rolls)
    fills = (COLOURS[0], "url(#course-hatch)")
    parts = [
        '<defs><pattern id="course-hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="7" height="7" fill="{COLOURS[1]}"/>'
        '<rect width="2" height="7" fill="#FFFFFF"/></pattern></defs>',
        f'<rect width="{width}" height="{bottom + 45}" fill="#FFFFFF"/>',
    ]
    steps = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600)
    step, minutes = next(s for s in steps if duration <= 10 * s or s == 600), duration > 180
    for time in np.arange(0, duration + 1e-9, step):
        x, label = left + time * scale, f"{time / 60 if minutes else time:g}"
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom + 4}" stroke="#C0C0C0"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">{label}</text>')
    unit = "min" if minutes else "s"
    parts.append(f'<text x="{(left + width) / 2:.0f}" y="{bottom + 38}" text-anchor="middle">time ({unit})</text>')
    parts.append(f'<line x1="{left}" x2="{width - 20}" y1="{bottom}" y2="{bottom}" stroke="#1A1A1A"/>')
    for i, (name, given) in enumerate(rolls.items()):
        x = width - 20 - 150 * (len(rolls) - i)
        parts.append(f'<rect x="{x}" y="8" width="22" height="12" fill="{fills[i]}" stroke="{COLOURS[i]}"/>')
        parts.append(f'<text x="{x + 28}" y="20">{html.escape(name)}</text>')
        for label, onset, offset in zip(*Events.of(given), strict=True):
            if label in rows:
                place = f'x="{left + onset * scale:.1f}" y="{top + height * rows.index(label) + 4 + i * bar:.1f}"'
                size = f'width="{max(1.0, (offset - onset) * scale):.1f}" height="{bar - 1:.1f}"'
                parts.append(f'<rect {place} {size} fill="{fills[i]}" stroke="{COLOURS[i]}"/>')
    for i, row in enumerate(rows):
        y = top + height * i + height / 2 + 6
        parts.append(f'<text x="{left - 8}" y="{y:.0f}" text-anchor="end">{html.escape(row)}</text>')
    words = html.escape(f"Event roll. {in_words(rolls)}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" viewBox="0 0 {width} {bottom + 45}" '
        f'width="{width}" height="{bottom + 45}" font-family="sans-serif" font-size="16" fill="#1A1A1A" '
        f'style="max-width:100%;height:auto">{"".join(parts)}</svg>'
    )

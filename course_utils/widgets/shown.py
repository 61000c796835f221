"""What widgets are made of: HTML that a notebook shows, and the picture beside what moves."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from course_utils import plotting
from course_utils.events import Events

from . import drawing

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd
    from matplotlib.figure import Figure


class Shown:
    """Something that a notebook shows as HTML, and a terminal as text; a page that is no Markup is escaped."""

    def __init__(self, page: str, text: str):
        self.page, self.text = escape(page), text

    def _repr_html_(self) -> str:
        return str(self.page)

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
    page = Markup('<div class="course-static-{}">{}<p class="course-note"><em>{}</em></p></div>')
    display(Shown(page.format(name, static.page, note), static.text))
    if not has_front_end():
        print(f"To {to}, open the notebook in JupyterLab or Colab and run this cell.")
        return None
    import ipywidgets

    style = f".course-static-{name} {{ display: none }} .course-live {{ --jp-widgets-font-size: 14px }}"
    hide = ipywidgets.HTML(str(Markup("<style>{}</style>").format(style)))
    hide.layout.display = "none"
    live = ipywidgets.VBox([hide, *build(ipywidgets)])
    live.add_class("course-live")
    return live


def panel_of(ipywidgets: Any, name: str, value: str = "") -> ipywidgets.HTML:
    """Return a widget that shows HTML, under a class by which tests and styles find it."""
    panel = ipywidgets.HTML(str(escape(value)))
    panel.add_class(name)
    return panel


def image(data: bytes, kind: str, alt: str, style: str = "max-width:100%") -> Markup:
    """Return a picture as HTML that holds it: ``kind`` is ``png`` or ``svg+xml``."""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return Markup('<img alt="{}" style="{}" src="{}">').format(alt, style, source)


def listed(notes: Sequence[str]) -> Markup:
    """Return notes as a list in HTML; nothing if there are none."""
    items = Markup().join(Markup("<li>{}</li>").format(note) for note in notes)
    return Markup("<ul>{}</ul>").format(items) if notes else items


def table(frame: pd.DataFrame, **look: Any) -> Markup:
    """Return a table as HTML; ``look`` is for ``to_html``."""
    return Markup(frame.to_html(border=0, **look))  # noqa: S704 - pandas escapes


def in_words(rolls: Mapping[str, Any]) -> str:
    """Return lists of events as a sentence for each list."""
    sentences = []
    for name, given in rolls.items():
        found = [f"{label} {on:.2f} to {off:.2f} s" for label, on, off in zip(*Events.of(given), strict=True)]
        more = f", and {len(found) - 50} more" if len(found) > 50 else ""
        sentences.append(f"{name[:1].upper()}{name[1:]}: {', '.join(found[:50]) or 'no events'}{more}.")
    return " ".join(sentences)


def picture(figure: Figure, otherwise: str = "") -> Markup:
    """Return a figure of matplotlib as HTML, with :func:`course_utils.plotting.in_words` for who cannot see it.

    ``otherwise`` is the text for a figure that nobody has put into words.
    """
    return Markup(plotting.as_svg(figure, otherwise))  # noqa: S704 - which escapes


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


def event_roll(rolls: Mapping[str, Any], rows: Sequence[str], duration: float, of: str = "") -> Markup:
    """Draw lists of events as SVG, what is true plain, what was found hatched; 1 ms, where matplotlib takes 100.

    Long names stand above their bars, short ones beside them. Parameters as for
    :func:`course_utils.plotting.event_roll`; ``of`` is for who cannot see it: what the events are in.
    """
    rows, looks = list(rows), drawing.look_of(rolls)
    longest = max(map(drawing.extent, rows), default=0)
    above = longest > 0.25 * drawing.WIDTH
    left, right, top = 10 if above else 12 + longest, drawing.WIDTH - 20, 30 if len(rolls) > 1 else 4
    high = max(12, 20 / len(rolls))  # of a bar
    begin = 24 if above else 4  # of the bars in their row
    height = begin + high * len(rolls) + 6
    bottom, scale, place = top + height * len(rows), (right - left) / duration, {row: i for i, row in enumerate(rows)}
    parts = drawing.time_axis(left, right, top, bottom, duration)
    if len(rolls) > 1:
        parts += drawing.legend({name: drawing.bar(0, 0, 28, 14, *look) for name, look in looks.items()}, right)
    for k, (name, given) in enumerate(rolls.items()):
        for label, onset, offset in zip(*Events.of(given), strict=True):
            if label in place:
                x, y = left + onset * scale, top + height * place[label] + begin + high * k
                parts.append(drawing.bar(x, y, (offset - onset) * scale, high - 1, *looks[name]))
    for row, i in place.items():
        y = top + height * i
        if above:
            parts += [drawing.text(left, y + 18, *drawing.lines(row, right - left))]
        else:
            middle = y + begin + high * len(rolls) / 2 + 7
            parts.append(drawing.text(left - 10, middle, row, drawing.END))
    return drawing.svg(parts, bottom + 52, f"Event roll{of and f' of {of}'}. {in_words(rolls)}")

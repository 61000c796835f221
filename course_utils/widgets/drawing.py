"""Pictures of the widgets: SVG in a page, in its font and on its ground, drawn in a few milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from markupsafe import Markup

WIDTH = 640
"""Units from left to right: on a page, a pixel each."""

SIZE = 20
"""Of all text, in units: a slide shows it in no less pixels."""

SYSTEM, ADDED, REFERENCE = "#0072B2", "#D55E00", "#009E73"
"""What a network has found, what we add, and what is true."""

CLASSES = (
    "#0072B2", "#D55E00", "#009E73", "#BB4F99", "#3F9AD0", "#A87900", "#7D7D7D", "#8E5FD0", "#D93A5E", "#6E8B00",
)  # fmt: skip
"""Of classes that have to be told apart, each 3:1 or more against white and against #1A1A1A."""

DASHES = ("", "8 4", "2 3")
"""Of curves: what ten colours cannot tell apart any more, these do."""

AXIS = Markup('stroke="currentColor"')
GRID = Markup('stroke="currentColor" stroke-opacity="0.25"')
THRESHOLD = Markup('stroke="currentColor" stroke-width="2" stroke-dasharray="2 4"')
MIDDLE, END = Markup('text-anchor="middle"'), Markup('text-anchor="end"')
STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)  # s


def extent(words: str, bold: bool = False) -> float:
    """Return how wide a line of text is in units, in the widest font that it may be shown in, DejaVu Sans."""
    narrow, slim, wide = "ijlI.,:; '|!", 'frt()[]-/"', "mwMW%&@…"
    ems = sum(
        0.35 if c in narrow else 0.43 if c in slim else 1.0 if c in wide or c > "\u2e80" else 0.79 if c.isupper()
        else 0.64 for c in words
    )  # fmt: skip
    return SIZE * ems * (1.15 if bold else 1)


def lines(words: str, room: float, most: int = 1, bold: bool = False) -> list[str]:
    """Break text into lines that are at most ``room`` units wide; what does not fit into ``most`` becomes "…"."""
    found, rest = [], words.split()
    while rest and len(found) < most:
        n = next((n for n in range(len(rest), 1, -1) if extent(" ".join(rest[:n]), bold) <= room), 1)
        found.append(" ".join(rest[:n]))
        rest = rest[n:]
    if rest or (found and extent(found[-1], bold) > room):
        last = " ".join([found.pop(), *rest])
        while last and extent(f"{last}…", bold) > room:
            last = last[:-1]
        found.append(f"{last.rstrip(' ,')}…")
    return found


def ink(colour: str) -> Markup:
    """Return attributes of text in a colour: darker on a light page, lighter on a dark one."""
    return Markup('fill="{0}" style="fill:color-mix(in srgb,{0} 60%,currentColor)"').format(colour)


def text(x: float, y: float, words: str, more: str = "") -> Markup:
    """Return a line of text, its base line at ``y``; more attributes are Markup."""
    return Markup('<text x="{:.1f}" y="{:.1f}"{}{}>{}</text>').format(x, y, " " * bool(more), more, words)


def line(x1: float, y1: float, x2: float, y2: float, more: str) -> Markup:
    """Return a straight line; more attributes are Markup."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" {}/>').format(x1, y1, x2, y2, more)


def bar(x: float, y: float, width: float, height: float, colour: str, hatched: bool = False) -> Markup:
    """Return a bar, plain or hatched; a hatched one lets through what is behind it, and needs no pattern's id."""
    width = max(2.0, width)
    if not hatched:
        plain = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"/>')
        return plain.format(x, y, width, height, colour)
    stripes = []
    for start in np.arange(-height + 4, width, 7):  # each goes up to the right, from the lower edge to the upper
        a, b = max(start, 0) + 0.8, min(start + height, width) - 0.8
        if b - a > 0.5:
            stripes.append(f"M{x + a:.1f} {y + height - (a - start):.1f}l{b - a:.1f} {a - b:.1f}")
    picture = Markup(
        '<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {look} stroke-width="1.5"/>'
        '<path d="{stripes}" {look} stroke-width="2.5"/>'
    )
    edge = {"x": x + 0.75, "y": y + 0.75, "width": width - 1.5, "height": height - 1.5}
    look = Markup('stroke="{0}" fill="{0}" fill-opacity="0.14"').format(colour)
    return picture.format(**edge, look=look, stripes="".join(stripes))


def look_of(names: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Return for lists of events their colour, and whether it is hatched: what is true is green and plain."""
    true = ("reference", "truth")
    others = iter([(SYSTEM, True), (ADDED, True), (SYSTEM, False), (ADDED, False)] * 9)
    return {name: (REFERENCE, False) if name in true else next(others) for name in names}


def legend(entries: Mapping[str, Markup], right: float) -> list[Markup]:
    """Return entries of a legend in the uppermost line, the last one ending at ``right``: a mark for each name.

    A mark is SVG of 28 units by 14 at the origin.
    """
    parts = []
    for name in reversed(entries):
        right -= extent(name)
        parts.append(text(right, 19, name))
        parts.append(Markup('<g transform="translate({:.1f} 5)">{}</g>').format(right - 35, entries[name]))
        right -= 53
    return parts


def time_axis(left: float, right: float, top: float, bottom: float, duration: float) -> list[Markup]:
    """Return an axis below ``bottom``, 52 units high, and its grid lines up to ``top``: seconds, or minutes if long."""
    scale, minutes = (right - left) / duration, duration > 180
    label = (lambda time: f"{time / 60:g}") if minutes else (lambda time: f"{time:g}")
    steps = [s for s in STEPS if s * scale >= 1.5 * max(extent(label(s)), extent(label(duration // s * s)), 24)]
    steps = [s for s in steps if s % 60 == 0] if minutes else steps
    step, parts = min(steps, default=STEPS[-1]), [line(left, bottom, right, bottom, AXIS)]
    for time in np.arange(0, duration + 1e-9, step):
        x = left + time * scale
        parts.append(line(x, top, x, bottom + 5, GRID))
        parts.append(text(x, bottom + 24, label(round(time, 2)), MIDDLE))
    unit = "min" if minutes else "s"
    parts.append(text((left + right) / 2, bottom + 46, f"time ({unit})", MIDDLE))
    return parts


def svg(parts: Iterable[Markup], height: float, words: str) -> Markup:
    """Return a picture of ``WIDTH`` by ``height`` units, with words for who cannot see it."""
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{words}" '
        'viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}" font-size="{size}" '
        'fill="currentColor" style="display:block;max-width:100%;height:auto">{parts}</svg>'
    ).format(words=words, width=WIDTH, height=height, size=SIZE, parts=Markup().join(parts))

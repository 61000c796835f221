"""The shapes that drawings are made of.

A drawing is a function that gets a :class:`Picture`, 640 units wide, and puts shapes into it; its docstring says in
words all that it shows. :func:`drawing` registers it:

    @drawing(height=200)
    def bark(picture):
        '''A dog's bark, and the one window of three that contains it.'''
        picture.strip((20, 20, 600, 100), "bark.png")
        with picture.step("the window"):
            picture.bracket(220, 420, 150, "0.96 s", colour=ORANGE)

Text is 20 units high, which is 20 px on a page and 11 px on a phone, so keep words few. Ink is the colour of the text
around the drawing, and nothing has a background: that makes it fit a light page and a dark one. The page's font may be
wide, so leave some room beside each text. Steps appear one after another on slides.
"""

import base64
import html
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

import drawsvg

WIDTH, TEXT, LEADING = 640, 20, 24
INK = "currentColor"
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#E69F00"
GREY = "grey"  # for what is frozen, padded or left out: ink, made pale
DATA = Path(__file__).with_name("data")
LOOK = "display:block;width:100%;max-width:640px;height:auto"

Box = tuple[float, float, float, float]  # x, y, width, height
Point = tuple[float, float]

drawings: dict[str, Callable[[], "Picture"]] = {}


def drawing(height: float) -> Callable:
    """Register a function that draws a picture of that height under the function's name."""

    def register(draw: Callable[["Picture"], None]) -> Callable[[], "Picture"]:
        def drawn() -> "Picture":
            picture = Picture(height, " ".join(draw.__doc__.split()))
            draw(picture)
            return picture

        drawings[draw.__name__] = drawn
        return drawn

    return register


def _rounded(value: float) -> float:
    return round(float(value), 1) + 0.0  # no minus before a zero


def _ink(colour: str, role: str) -> dict:
    """Return the attributes of a line, a surface or a text in a colour."""
    if colour == GREY:
        strength = {"line": 0.45, "surface": 0.08, "solid": 0.35, "text": 0.75}[role]
        kind = "stroke" if role == "line" else "fill"
        return {kind: INK, f"{kind}_opacity": strength}
    if role == "line":
        return {"stroke": colour}
    if role == "surface":
        return {"fill": colour, "fill_opacity": 0.06 if colour == INK else 0.14}
    if role == "text" and colour != INK:  # darker on light, lighter on dark: it must be read
        return {"fill": colour, "style": f"fill:color-mix(in srgb,{colour} 60%,currentColor)"}
    return {"fill": colour}


class Picture:
    """What a drawing function draws into; positions and lengths are in units, 640 to the width, y downwards.

    Colours are those of this module. ``INK`` is the page's own text colour, ``GREY`` a paler one.

    Parameters
    ----------
    height : float
        At most 400: a slide shows it about as high.
    words : str
        What it shows, for those who cannot see it.
    """

    def __init__(self, height: float, words: str):
        self.height, self.words, self._layers = height, words, []
        self._begin()

    def _begin(self, **attributes: str) -> None:
        self._layers.append(drawsvg.Group(**attributes))

    @contextmanager
    def step(self, name: str):
        """Put the shapes of a ``with`` block into a layer of their own, which slides show at the next key."""
        self._begin(class_="step", data_name=name)
        yield
        self._begin()

    @contextmanager
    def moving(self, dx: float = 0, dy: float = 0):
        """Have slides show the shapes of a ``with`` block come from ``(dx, dy)`` units away, in a step.

        Of several in one step, each comes after the one before.
        """
        outer = self._layers[-1]
        self._layers[-1] = drawsvg.Group(class_="moving", data_from=f"{_rounded(dx):g},{_rounded(dy):g}")
        yield
        outer.append(self._layers[-1])
        self._layers[-1] = outer

    @contextmanager
    def part(self, name: str, hidden: bool = False):
        """Put the shapes of a ``with`` block into a layer of that name, which whoever shows it may make visible."""
        self._begin(data_name=name, **({"visibility": "hidden"} if hidden else {}))
        yield
        self._begin()

    def svg(self) -> str:
        """Return the picture as SVG, for the inside of a page."""
        canvas = drawsvg.Drawing(WIDTH, self.height)
        canvas.extend(layer for layer in self._layers if layer.children)
        _, _, body = canvas.as_svg(header="").partition("</defs>\n")
        head = f'<svg role="img" aria-label="{html.escape(self.words)}" xmlns="http://www.w3.org/2000/svg" '
        head += f'viewBox="0 0 {WIDTH} {self.height:g}" style="{LOOK}" font-size="{TEXT}" fill="{INK}">\n'
        return head + body.replace("xlink:href", "href").replace(" />", "/>") + "\n"

    def _add(self, element: drawsvg.DrawingElement) -> None:
        self._layers[-1].append(element)

    # --- lines and surfaces ---

    def line(self, *points: Point, colour: str = INK, width: float = 2, dashed: bool = False) -> None:
        """Draw a line through points."""
        flat = [_rounded(value) for point in points for value in point]
        look = {"stroke_width": width, "fill": "none", "stroke_linejoin": "round", **_ink(colour, "line")}
        self._add(drawsvg.Lines(*flat, **look, **({"stroke_dasharray": "6 5"} if dashed else {})))

    def arrow(self, *points: Point, colour: str = INK, width: float = 2, head: float = 11) -> None:
        """Draw a line through points with an arrow's head at the last."""
        (x0, y0), (x1, y1) = points[-2:]
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        base = x1 - head * dx, y1 - head * dy
        self.line(*points[:-1], base, colour=colour, width=width)
        side = 0.45 * head
        corners = (x1, y1), (base[0] - side * dy, base[1] + side * dx), (base[0] + side * dy, base[1] - side * dx)
        flat = [_rounded(value) for corner in corners for value in corner]
        look = {"fill": INK, "fill_opacity": 0.45} if colour == GREY else {"fill": colour}
        self._add(drawsvg.Lines(*flat, close=True, **look))

    def box(
        self,
        box: Box,
        words: str = "",
        *,
        colour: str = INK,
        bold: bool = False,
        dashed: bool = False,
        edge: bool = True,
    ) -> None:
        """Draw a box (x, y, width, height), tinted in its colour, with words in its middle."""
        x, y, width, height = map(_rounded, box)
        look = {**_ink(colour, "surface"), **(_ink(colour, "line") if edge else {})}
        look |= {"stroke_width": 2 if edge else 0} | ({"stroke_dasharray": "6 5"} if dashed else {})
        self._add(drawsvg.Rectangle(x, y, width, height, rx=5, **look))
        if words:
            self.text((x + width / 2, y + height / 2), words, bold=bold)

    def polygon(self, *corners: Point, colour: str = INK, edge: bool = True) -> None:
        """Draw a surface with these corners, tinted in its colour."""
        flat = [_rounded(value) for corner in corners for value in corner]
        look = {**_ink(colour, "surface"), **(_ink(colour, "line") if edge else {})}
        look |= {"stroke_width": 1.5 if edge else 0, "stroke_linejoin": "round"}
        self._add(drawsvg.Lines(*flat, close=True, **look))

    def ring(self, box: Box, *, colour: str = GREY) -> None:
        """Draw an ellipse that fills a box (x, y, width, height), around what is pointed at."""
        x, y, width, height = map(_rounded, box)
        half = f"a{width / 2:g} {height / 2:g} 0 0 1"
        path = f"M{x:g} {y + height / 2:g}{half} {width:g} 0{half} {-width:g} 0z"
        self._add(drawsvg.Path(path, fill="none", stroke_width=2, **_ink(colour, "line")))

    def bar(self, box: Box, *, colour: str = BLUE) -> None:
        """Draw a bar (x, y, width, height) in full colour."""
        x, y, width, height = map(_rounded, box)
        self._add(drawsvg.Rectangle(x, y, width, height, **_ink(colour, "solid")))

    def cells(self, box: Box, values: Sequence[float], *, colour: str = BLUE) -> None:
        """Draw values in [0, 1] as a row of cells, the higher the stronger their colour."""
        x, y, width, height = box
        each = width / len(values)
        for i, value in enumerate(values):
            look = {"stroke_width": 1, "stroke": INK, "stroke_opacity": 0.45}
            strength = {"fill": colour, "fill_opacity": round(value, 2)}
            self._add(drawsvg.Rectangle(*map(_rounded, (x + i * each, y, each, height)), **strength, **look))

    def curve(
        self,
        box: Box,
        values: Sequence[float],
        *,
        colour: str = BLUE,
        low: float = 0,
        high: float = 1,
        width: float = 2.5,
    ) -> None:
        """Draw values as a line from the left to the right of a box, whose edges stand for ``low`` and ``high``."""
        x, y, wide, tall = box
        step = wide / max(len(values) - 1, 1)
        points = [(x + i * step, y + tall * (high - v) / (high - low)) for i, v in enumerate(values)]
        self.line(*points, colour=colour, width=width)

    # --- words ---

    def text(
        self,
        at: Point,
        words: str,
        *,
        colour: str = INK,
        anchor: str = "middle",
        bold: bool = False,
        turned: bool = False,
    ) -> None:
        r"""Write words around a point, which is at half their height; ``\n`` begins a new line.

        ``anchor`` is the part of the words that lies at the point: ``"start"``, ``"middle"`` or ``"end"``.
        """
        x, y = at
        lines = words.split("\n")
        look = {"text_anchor": anchor, **_ink(colour, "text"), **({"font_weight": 600} if bold else {})}
        for i, line in enumerate(lines):
            place = _rounded(x), _rounded(y + (i - (len(lines) - 1) / 2) * LEADING + 0.35 * TEXT)
            if turned:
                look["transform"] = f"rotate(-90 {_rounded(x)} {_rounded(y)})"
            self._add(drawsvg.Text(line, TEXT, *place, **look))

    def bracket(
        self,
        start: float,
        end: float,
        y: float,
        words: str = "",
        *,
        colour: str = INK,
        above: bool = True,
        tick: float = 8,
    ) -> None:
        """Draw a bracket over (or with ``above=False`` under) a stretch from x to x, with words beyond it."""
        away = -1 if above else 1
        corners = (start, y - away * tick), (start, y), (end, y), (end, y - away * tick)
        self.line(*corners, colour=colour)
        if words:
            self.text(((start + end) / 2, y + away * 0.85 * TEXT), words, colour=colour)

    def axis(self, box: Box, start: float, end: float, step: float, words: str = "time (s)") -> None:
        """Draw a horizontal axis at the lower edge of a box from ``start`` to ``end``, with a number at each step.

        Numbers and words take about 50 units below it.
        """
        x, y, width, height = box
        y += height
        self.line((x, y), (x + width, y), colour=GREY)
        count = int((end - start) / step + 1e-9)
        for i in range(count + 1):
            at = x + width * i * step / (end - start)
            self.line((at, y), (at, y + 6), colour=GREY)
            self.text((at, y + 17), f"{start + i * step:g}")
        self.text((x + width / 2, y + 39), words)

    # --- pictures and points ---

    def strip(self, box: Box, file: str) -> None:
        """Draw a picture of ``lessons/figures/data``, stretched into a box (x, y, width, height)."""
        data = base64.b64encode((DATA / file).read_bytes()).decode()
        place = map(_rounded, box)
        look = {"preserveAspectRatio": "none", "style": "image-rendering:auto"}
        self._add(drawsvg.Image(*place, path=f"data:image/png;base64,{data}", embed=False, **look))

    def dots(self, points: Iterable[Point], *, colour: str = BLUE, radius: float = 4, shape: str = "circle") -> None:
        """Draw points as circles, squares, triangles, crosses or stars."""
        for x, y in points:
            if shape == "circle":
                self._add(drawsvg.Circle(_rounded(x), _rounded(y), radius, **_ink(colour, "solid")))
            elif shape == "cross":
                for way in (1, -1):
                    self.line((x - radius, y - way * radius), (x + radius, y + way * radius), colour=colour)
            else:
                corners = [(x + radius * a, y + radius * b) for a, b in CORNERS[shape]]
                flat = [_rounded(value) for corner in corners for value in corner]
                self._add(drawsvg.Lines(*flat, close=True, **_ink(colour, "solid")))

    def marks(self, points: Iterable[Point], corners: Sequence[Point], *, colour: str = BLUE) -> None:
        """Draw many points as polygons, all in one path; ``corners`` are relative to each point."""
        (x0, y0), steps = corners[0], zip(corners[1:], corners[:-1], strict=True)
        sides = "".join(f"l{_rounded(x - u):g} {_rounded(y - v):g}" for (x, y), (u, v) in steps)
        path = "".join(f"M{_rounded(x + x0):g} {_rounded(y + y0):g}{sides}z" for x, y in points)
        self._add(drawsvg.Path(path, **_ink(colour, "solid")))


CORNERS = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "triangle": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    "star": (
        *((0, -1.3), (0.33, -0.4), (1.24, -0.4), (0.5, 0.17), (0.77, 1.05)),
        *((0, 0.52), (-0.77, 1.05), (-0.5, 0.17), (-1.24, -0.4), (-0.33, -0.4)),
    ),
}

"""The table at the end of a lesson: the figures of your run beside those that we expect."""

import numpy as np
from markupsafe import Markup

from course_utils.markup import marked


class Figures:
    """Figures of a lesson beside the ranges that we expect; the notebook shows them as a table.

    Attributes
    ----------
    rows : list of (str, float, float, float)
        What it is, the figure, and the lowest and highest value that we expect.
    """

    def __init__(self, rows):
        self.rows = [(what, float(figure), low, high) for what, figure, low, high in rows]

    @property
    def figures(self) -> dict[str, float]:
        """The figures, by name."""
        return {what: figure for what, figure, *_ in self.rows}

    @property
    def passed(self) -> bool:
        """Whether all of them lie in their ranges."""
        return all(low <= figure <= high for _, figure, low, high in self.rows)

    def _lines(self) -> list[tuple[str, ...]]:
        lines = [("", "your run", "expected", "")]
        for what, figure, low, high in self.rows:
            yours, *ends = (f"{n:,.0f}" if n % 1 == 0 else f"{np.round(n, 3):.3f}" for n in (figure, low, high))
            mark = "✓ as expected" if low <= figure <= high else "✗ outside this range: look again"
            lines.append((what, yours, " to ".join(dict.fromkeys(ends)), mark))
        return lines

    def __repr__(self) -> str:
        return "\n".join("  ".join(line) for line in self._lines())

    def _repr_html_(self) -> str:
        head, *body = ([marked(text) for text in line] for line in self._lines())
        top = Markup().join(Markup('<th scope="col" style="text-align: left">{}</th>').format(text) for text in head)
        rows = Markup()
        for line in body:
            cells = Markup().join(Markup('<td style="text-align: left">{}</td>').format(text) for text in line)
            rows += Markup("<tr>{}</tr>").format(cells)
        return str(Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(top, rows))


def expected(*rows: tuple) -> Figures:
    """Compare figures of a lesson with the ranges that we expect, whichever networks answered.

    Parameters
    ----------
    *rows : tuple of (str, float, float, float)
        What it is, the figure, and the lowest and the highest value that it should have.

    Returns
    -------
    Figures
        The notebook shows it as a table; ``passed`` says whether every figure lies in its range.

    Raises
    ------
    TypeError, ValueError
        If a row is no such tuple.
    """
    return Figures(rows)

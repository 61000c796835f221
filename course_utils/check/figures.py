"""The table *Expected results* of a lesson."""

import html
import re


class Figures:
    """Figures of a lesson beside the ranges in which they should lie; displayed as a table by the notebook.

    Attributes
    ----------
    rows : list of (str, float, float, float)
        What it is, the figure, and the range.
    """

    def __init__(self, rows):
        self.rows = [(what, float(figure), low, high) for what, figure, low, high in rows]

    @property
    def figures(self) -> dict[str, float]:
        """The figures, by what they are."""
        return {what: figure for what, figure, *_ in self.rows}

    @property
    def passed(self) -> bool:
        """Whether all of them lie in their ranges."""
        return all(low <= figure <= high for _, figure, low, high in self.rows)

    def _lines(self) -> list[tuple[str, ...]]:
        marks = [("✓" if low <= figure <= high else "✗ look again") for _, figure, low, high in self.rows]
        texts = [(what, *(f"{n:g}" if n % 1 == 0 else f"{n:.3f}" for n in numbers)) for what, *numbers in self.rows]
        return [("what", "yours", "from", "to", ""), *((*text, mark) for text, mark in zip(texts, marks, strict=True))]

    def __repr__(self) -> str:
        return "\n".join("  ".join(line) for line in self._lines())

    def _repr_html_(self) -> str:
        head, *body = (
            [re.sub(r"\*(.+?)\*", r"<i>\1</i>", html.escape(text)) for text in line] for line in self._lines()
        )
        rows = ["".join(f'<td style="text-align: left">{text}</td>' for text in line) for line in body]
        top = "".join(f'<th scope="col" style="text-align: left">{text}</th>' for text in head)
        return f"<table><thead><tr>{top}</tr></thead><tbody><tr>{'</tr><tr>'.join(rows)}</tr></tbody></table>"


def expected(*rows: tuple) -> Figures:
    """Compare figures of a lesson with the ranges in which they should lie, whichever networks answered.

    Parameters
    ----------
    *rows : tuple of (str, float, float, float)
        What it is, the figure, and the lowest and the highest value that it should have.

    Returns
    -------
    Figures
        Displayed as a table; ``passed`` says whether all of them lie in their ranges.

    Raises
    ------
    TypeError, ValueError
        If a row is no such tuple.
    """
    return Figures(rows)

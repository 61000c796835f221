"""What a page of the site makes of a lesson's text and code."""

import ast
import re

from makers.slides import mathml

FORMULA = re.compile(r"(?<![\\$])(\$\$?)(?!\s)(.+?)(?<![\s\\])\1", re.S)
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)
BOX = re.compile(r"^> \*\*(Keep in mind|Try it)\.\*\* ((?:.+\n?)(?:>.*\n?)*)", re.M)
CANVAS = {"fig", "figure", "ax", "axes", "axs", "upper", "lower", "left", "right"}  # what a plot is drawn on
PLOTTING = re.compile(rf"\b(plt|plotting|{'|'.join(CANVAS)})\b")


def as_mathml(text: str) -> str:
    """Return Markdown, its mathematics as MathML; a formula that is wrong is a ValueError."""

    def formula(found: re.Match) -> str:
        return mathml(found[2], display="block" if found[1] == "$$" else "inline")

    parts = CODE.split(text)
    return "".join(part if i % 2 else FORMULA.sub(formula, part) for i, part in enumerate(parts))


def with_boxes(text: str) -> str:
    """Return Markdown, its paragraphs *Keep in mind* as boxes."""

    def box(found: re.Match) -> str:
        body = re.sub(r"^> ?", "", found[2], flags=re.M).strip()
        return f"```{{admonition}} {found[1]}\n{body}\n```\n"

    return BOX.sub(box, text)


def names(source: str, context: type) -> set[str]:
    """Return the names that code reads (``ast.Load``) or sets (``ast.Store``)."""
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    return {node.id for node in found if isinstance(node.ctx, context)}


def plotting_cells(cells: list) -> list:
    """Return the code cells that draw and do nothing else, so that a page may fold their code.

    They show a picture, their last statement draws it, and no other cell reads a name that they set.
    """
    codes = [cell for cell in cells if cell.cell_type == "code"]
    found = []
    for cell in codes:
        shown = [output.get("data", {}).get("text/html", "") for output in cell.outputs]
        statements = ast.parse(cell.source).body
        if not any(re.search("<(svg|img)", part) for part in shown) or not statements:
            continue
        read = set().union(*(names(other.source, ast.Load) for other in codes if other is not cell))
        if PLOTTING.search(ast.unparse(statements[-1])) and not names(cell.source, ast.Store) & read - CANVAS:
            found.append(cell)
    return found

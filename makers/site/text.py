"""What a page of the site makes of a lesson's text and code."""

import ast
import re

FORMULA = re.compile(r"(?<![\\$])(\$\$?)(?!\s)(.+?)(?<![\s\\])\1", re.S)
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)
BOX = re.compile(r"^> \*\*(Keep in mind|Try it)\.\*\* ((?:.+\n?)(?:>.*\n?)*)", re.M)
CANVAS = {"fig", "figure", "ax", "axes", "axs", "upper", "lower", "left", "right"}  # what a plot is drawn on
PLOTTING = re.compile(rf"\b(plt|plotting|{'|'.join(CANVAS)})\b")


def as_mathml(text: str) -> str:
    """Return Markdown, its mathematics as MathML, which browsers show by themselves.

    Raises
    ------
    ValueError
        If a formula is wrong.
    """
    from latex2mathml.converter import convert

    def formula(found: re.Match) -> str:
        try:
            return convert(found[2], display="block" if found[1] == "$$" else "inline")
        except Exception as error:  # latex2mathml has many, with no message
            raise ValueError(
                f"Not a formula ({type(error).__name__}; a dollar sign is written \\$): {found[2]}"
            ) from error

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

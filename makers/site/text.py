"""What a page of the site makes of a lesson's text and code."""

import ast
import re

FORMULA = re.compile(r"(?<![\\$])(\$\$?)(?!\s)(.+?)(?<![\s\\])\1", re.S)
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)
BOX = re.compile(r"^> \*\*(Keep in mind|Try it)\.\*\* ((?:.+\n?)(?:>.*\n?)*)", re.M)
PLOTTING = re.compile(r"\b(plt|plotting|fig|figure|ax|axes|axs)\b")


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


def plots_only(cell) -> bool:
    """Return whether each statement of a cell draws, so that a page may fold its code."""
    pictures = [o for o in cell.outputs if "<svg" in (h := o.get("data", {}).get("text/html", "")) or "<img" in h]
    if not pictures or not PLOTTING.search(cell.source):
        return False
    return all(
        isinstance(statement, ast.Import | ast.ImportFrom) or PLOTTING.search(ast.unparse(statement))
        for statement in ast.parse(cell.source).body
    )

"""Write the drawings of the lessons: ``python -m makers figures [NAMES]`` (``make figures``).

A drawing is a function of ``lessons/figures``. It is written as ``course_utils/drawings/NAME.svg``, which notebooks,
pages and slides show, and into ``build/figures.html``, where all stand in both themes and at three sizes, to be looked
at. Pages and slides take the drawings as they are now: a changed drawing executes no notebook.
"""

import argparse
import re
import sys
from pathlib import Path

from lessons.figures import drawings
from lessons.figures.shapes import BLUE, GREEN, ORANGE, PURPLE, SKY, YELLOW
from makers import files, lessons

ROOT = Path(__file__).resolve().parents[1]
SHOWN = re.compile(r'\bdrawings\.show\("(\w+)"\)')
EVERYWHERE = {"course_map": "every deck, README"}
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
SIZES = {"page": 640, "phone": 358, "slide": 1152}


def used(root: Path = ROOT) -> dict[str, list[str]]:
    """Return which lessons show each drawing, by its name."""
    found = {}
    for lesson in lessons.lessons(root):
        for name in SHOWN.findall("\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")):
            found.setdefault(name, []).append(lesson.name[:2])
    return found


SHEET = """<!DOCTYPE html>
<meta charset="utf-8">
<title>Drawings</title>
<style>
  body { margin: 0; font: 16px sans-serif; }
  div { padding: 16px; }
  .dark { color: #f0f0f0; background: #1a1a1a; }
</style>
"""


def sheet(texts: dict[str, str]) -> str:
    """Return a page with drawings in both themes, at the sizes of a page, a phone and a slide."""
    parts = [SHEET]
    for name, svg in texts.items():
        for theme in ("light", "dark"):
            for size, width in SIZES.items():
                wide = svg.replace("max-width:640px", f"max-width:{width}px;max-height:440px", 1)
                parts.append(f'<div class="{theme}" id="{name}-{theme}-{size}"><p>{name}, {size}</p>{wide}</div>')
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every name is that of a drawing."""
    parser = argparse.ArgumentParser(prog="python -m makers figures", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="drawings, by their names (default: all)")
    chosen = parser.parse_args(arguments).names or list(drawings)
    if unknown := [name for name in chosen if name not in drawings]:
        print(f"No drawing is called {' or '.join(unknown)}. There are {', '.join(drawings)}.", file=sys.stderr)
        return 2
    folder, shown, texts = ROOT / "course_utils" / "drawings", used(), {}
    for name in chosen:
        texts[name] = drawings[name]().svg()
        files.write(folder / f"{name}.svg", texts[name])
        where = ", ".join(shown.get(name, [])) or EVERYWHERE.get(name, "no lesson")
        print(f"{name:24} {where:20} {len(texts[name].encode()):7,} bytes")
    for path in folder.glob("*.svg"):
        if path.stem not in drawings:
            path.unlink()
    files.write(ROOT / "build" / "figures.html", sheet(texts))
    print("Look at them: build/figures.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())

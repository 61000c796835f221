"""Write the drawings of the lessons: ``python -m makers figures [NAMES]`` (``make figures``).

A drawing is a function of ``lessons/figures``. It is written as ``course_utils/drawings/NAME.svg``, which notebooks,
pages and slides show, and into ``build/figures.html``, where all stand in both themes and at three sizes, to be looked
at. Pages and slides take the drawings as they are now: a changed drawing executes no notebook.

``docs/figures/`` has what the README and the start page of the slides show: the map of the course, and three results,
drawn by :mod:`course_utils.plotting` from ``docs/results.json``.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from course_utils.widgets.drawing import CLASSES
from lessons.figures import drawings
from lessons.figures.shapes import BLUE, GREEN, ORANGE, PURPLE, SKY, YELLOW
from makers import files, lessons

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "course_utils" / "drawings"
SHOWN = re.compile(r'\bdrawings\.show\("(\w+)"\)')
EVERYWHERE = {"course_map": "every deck, README"}
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, *CLASSES)
SIZES = {"page": 640, "phone": 358, "slide": 1152}
STEPS = {
    "always on": "always on",
    "simple": "simple detector",
    "finer steps": "finer steps",
    "simple, same last steps": "same last steps",
    "second network, clean clips": "second network",
    "smoothed: the better detector": "trained on mixtures",
    "mn04 in place of YAMNet": "with mn04",
}
PAPER = """<style>
  svg { color: #1a1a1a; background: #ffffff; font-family: system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { svg { color: #f0f0f0; background: #1a1a1a; } }
</style>"""
SHEET = """<!DOCTYPE html>
<meta charset="utf-8">
<title>Drawings</title>
<style>
  body { margin: 0; font: 16px sans-serif; }
  div { padding: 16px; }
  .dark { color: #f0f0f0; background: #1a1a1a; }
</style>
"""


def used(root: Path = ROOT) -> dict[str, list[str]]:
    """Return which lessons show each drawing, by its name."""
    found = {}
    for lesson in lessons.lessons(root):
        for name in SHOWN.findall("\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")):
            found.setdefault(name, []).append(lesson.name[:2])
    return found


def results() -> dict[str, str]:
    """Return three results of ``docs/results.json`` as SVG, by name."""
    import matplotlib.pyplot as plt
    import pandas as pd

    from course_utils import plotting

    runs = json.loads((ROOT / "docs" / "results.json").read_text(encoding="utf-8"))["runs"]
    sure, better = runs[0]["05_how_sure"], runs[0]["06_better_detector"]["intervals"]
    classifiers = pd.DataFrame(sure["classifiers"]).T
    growth = pd.DataFrame(sure["growth"]).T.rename(index=int).rename_axis("training clips per class")
    measures, scores = {"segment F-score": "by seconds", "event F-score": "by events"}, {}
    for end in ("value", "low", "high"):
        rows = {step: {said: better[name][m][end] for m, said in measures.items()} for name, step in STEPS.items()}
        scores[end] = pd.DataFrame(rows).T
    found = {}
    with plt.style.context("course_utils.course"):
        ends = {end: classifiers[[end]].set_axis(["clip accuracy"], axis=1) for end in ("from", "to")}
        accuracy = classifiers[["mean"]].set_axis(["clip accuracy"], axis=1)
        ax = plotting.dot_plot(accuracy, low=ends["from"], high=ends["to"], xlabel="clip accuracy")
        found["classifiers"] = plotting.as_svg(ax.figure)
        ax = plotting.curves(growth[["mean"]].set_axis(["trained"], axis=1), yerr=growth["std"], ylabel="clip accuracy")
        ax.set(xscale="log", xticks=growth.index, xticklabels=growth.index, ylim=(0.4, 1))
        ax.minorticks_off()
        found["few_clips"] = plotting.as_svg(ax.figure)
        ends = {"low": scores["low"], "high": scores["high"]}
        ax = plotting.dot_plot(scores["value"], **ends, xlabel="F-score", sort=False, zero=True)
        found["detectors"] = plotting.as_svg(ax.figure)
        plt.close("all")
    return found


def outside() -> dict[str, str]:
    """Return what is shown outside of the lessons, by name: the map of the course, and the results."""
    return {"course_map": drawings["course_map"]().svg(), **results()}


def alone(svg: str) -> str:
    """Return a picture as a file of its own, on paper of its own, light or dark as the reader's system prefers."""
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    edge = 0.03 * width
    view = f'viewBox="{-edge:g} {-edge:g} {width + 2 * edge:g} {height + 2 * edge:g}"'
    svg = re.sub(r' style="[^"]*max-width[^"]*"', "", re.sub(r'viewBox="[^"]*"', view, svg, count=1), count=1)
    return re.sub(r"(?<=>)", PAPER, svg, count=1)


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
    parser.add_argument("names", nargs="*", help="drawings, by their names (default: all, and the README's results)")
    wanted = parser.parse_args(arguments).names
    if unknown := [name for name in wanted if name not in drawings]:
        print(f"No drawing is called {' or '.join(unknown)}. There are {', '.join(drawings)}.", file=sys.stderr)
        return 2
    shown, texts = used(), {name: drawings[name]().svg() for name in wanted or drawings}
    for name, text in texts.items():
        files.write(FOLDER / f"{name}.svg", text)
        where = ", ".join(shown.get(name, [])) or EVERYWHERE.get(name, "no lesson")
        print(f"{name:24} {where:20} {len(text.encode()):7,} bytes")
    for path in FOLDER.glob("*.svg"):
        if path.stem not in drawings:
            path.unlink()
    if not wanted:
        for name, text in (shown_outside := outside()).items():
            files.write(ROOT / "docs" / "figures" / f"{name}.svg", alone(text))
        texts |= shown_outside
    files.write(ROOT / "build" / "figures.html", sheet(texts))
    print("Look at them: build/figures.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())

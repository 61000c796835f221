"""Lesson 3: what a network has learned, put to another use."""

import csv

import numpy as np

from course_utils import datasets
from course_utils.widgets.drawing import CLASSES
from course_utils.widgets.embedding_map import _shapes

from .shapes import BLUE, DATA, GREEN, GREY, INK, ORANGE, PURPLE, YELLOW, Picture, drawing


def animals() -> list[dict[str, str]]:
    """Return the rows of ``animals.csv``: 400 clips, and the cricket that the lesson computes."""
    with open(DATA / "animals.csv", newline="") as file:
        return list(csv.DictReader(file))


@drawing(height=284)
def ten_animals(picture: Picture) -> None:
    """Ten animals, a clip of five seconds of each, as spectrograms.

    In the upper row are cat, cow, crickets, crow and dog, in the lower one frog, hen, pig,
    rooster and sheep. The dog barks seven times, each bark a thin upright stroke, and the frog
    calls three times. The cat's meows are bundles of arcs; cow, crow, rooster and sheep are
    stacks of lines or bands. The crickets pulse all the time, and only at the top, where the
    high frequencies are.
    """
    wide, tall, gap = 118, 100, 7.5
    for i, name in enumerate(sorted(datasets.ANIMALS)):
        x, y = 10 + i % 5 * (wide + gap), 28 + i // 5 * (tall + 46)
        picture.text((x, y - 14), name, anchor="start")
        picture.strip((x, y, wide, tall), f"animal_{name}.png")


def snowflake(picture: Picture, x: float, y: float, radius: float) -> None:
    """Draw what says "frozen" in any language."""
    for k in range(6):
        turn = np.pi * k / 3

        def at(along: float, aside: float, turn: float = turn) -> tuple[float, float]:
            return (
                x + radius * (along * np.sin(turn) + aside * np.cos(turn)),
                y - radius * (along * np.cos(turn) - aside * np.sin(turn)),
            )

        picture.line((x, y), at(1, 0))
        picture.line(at(0.95, -0.3), at(0.6, 0), at(0.95, 0.3))


@drawing(height=346)
def transfer_learning(picture: Picture) -> None:
    """Transfer learning: a frozen network gets a new head.

    From left to right: the spectrogram of a meow goes into YAMNet, drawn as grey layers that
    become smaller and smaller, and comes out as an embedding, a blue column. YAMNet's old head,
    a grey fan that ends in 521 labels, has been taken off and lies aside. In its place, on the
    embedding, sits a new and small head in orange, which ends in ten animals. Below YAMNet
    stands: frozen, 3.2 million weights, 2 million clips. Below the new head stands: trained,
    529,930 weights, 24 clips per class.
    """
    middle, end = 156, 366
    picture.strip((10, middle - 45, 84, 90), "meow.png")
    picture.arrow((100, middle), (126, middle))
    for i, size in enumerate(np.geomspace(176, 44, 9)):
        picture.box((134 + 23 * i, middle - size / 2, 17, size), colour=GREY)
    picture.text((236, 30), "YAMNet", bold=True)
    picture.bar((end - 18, middle - 44, 14, 88), colour=BLUE)
    picture.text((end + 2, middle - 60), "embedding", colour=BLUE, anchor="end")

    tip, rim = (end + 38, 62), end + 104  # the old head, a little askew
    turn = np.array([[np.cos(-0.2), -np.sin(-0.2)], [np.sin(-0.2), np.cos(-0.2)]])

    def askew(x: float, y: float) -> tuple[float, float]:
        return tuple(turn @ (x - tip[0], y) + tip)

    picture.line(tip, askew(rim, -38), askew(rim, 38), tip, colour=GREY)
    for y in np.linspace(-38, 38, 26):
        picture.line(askew(rim, y), askew(rim + 14, y), colour=GREY, width=1)
    picture.text((end + 128, 24), "old head", colour=GREY, anchor="start", bold=True)
    picture.text((end + 128, 50), "521 labels", colour=GREY, anchor="start")
    picture.arrow((end + 6, middle - 34), (tip[0] - 5, tip[1] + 12), colour=GREY)
    with picture.step("a new head"):
        columns = (end + 4, end + 62, end + 114)
        units = (np.linspace(-40, 40, 5), np.linspace(-48, 48, 7), np.linspace(-56, 56, 10))
        for k in range(2):
            for a in units[k]:
                for b in units[k + 1]:
                    ends = (columns[k], middle + a), (columns[k + 1], middle + b)
                    picture.line(*ends, colour=ORANGE, width=0.6)
            ends = [(columns[k + 1], middle + y) for y in units[k + 1]]
            picture.dots(ends, colour=ORANGE, radius=5)
        picture.text((end + 128, middle - 8), "new head", colour=ORANGE, anchor="start", bold=True)
        picture.text((end + 128, middle + 18), "10 animals", colour=ORANGE, anchor="start")
    with picture.step("what is frozen, what is trained"):
        y = 262
        picture.bracket(134, end - 4, y - 8, colour=GREY, above=False)
        picture.bracket(end + 6, 630, y - 8, colour=ORANGE, above=False)
        snowflake(picture, 198, y + 14, 11)
        picture.text((218, y + 14), "frozen", anchor="start", bold=True)
        picture.text((248, y + 51), "3.2 million weights\n2 million clips")
        picture.text((501, y + 14), "trained", colour=ORANGE, bold=True)
        picture.text((501, y + 51), "529,930 weights\n24 clips per class", colour=ORANGE)


@drawing(height=396)
def embedding_map(picture: Picture) -> None:
    """Four hundred clips on a map, first without names, then with them.

    Without names, 400 grey marks lie in a dozen groups with free ground between them. With
    names, each group turns out to be one animal: dog at the bottom, then cow, pig and sheep,
    cat in the middle, crow at the right, crickets and frog at the top, hen and rooster at the
    left. A ring goes around hens and some of the roosters, who are neighbours. Another ring, at
    the left edge, goes around a small group of dogs, cats and others, beside the rest of the
    roosters. A star lies among the crickets: the cricket that we computed.
    """
    rows = animals()
    spots = {name: [] for name in sorted({row["animal"] for row in rows})}
    for row in rows:
        spots[row["animal"]].append((26 + 588 * float(row["x"]), 26 + 344 * float(row["y"])))
    star = spots.pop("computed cricket")
    shapes = [shape.tolist() for shape in _shapes(len(spots), 4.4)]
    for own, shape in zip(spots.values(), shapes, strict=True):
        picture.marks(own, shape, colour=GREY)
    names = {
        "cat": (362, 214),
        "cow": (436, 312),
        "crickets": (584, 92),
        "crow": (580, 206),
        "dog": (128, 346),
        "frog": (352, 40),
        "hen": (279, 54),
        "pig": (226, 246),
        "rooster": (136, 106),
        "sheep": (572, 312),
    }
    with picture.step("their names"):
        for (name, own), shape, colour in zip(spots.items(), shapes, CLASSES, strict=True):
            picture.marks(own, shape, colour=colour)
            picture.text(names[name], name, colour=colour, bold=True)
    with picture.step("neighbours"):
        picture.ring((188, 70, 182, 64))
        picture.text((279, 152), "neighbours")
    with picture.step("a mixed group"):
        picture.ring((10, 118, 62, 68))
        picture.text((10, 204), "dogs, cats\nand others", anchor="start")
    with picture.step("a sound of one's own"):
        (x, y) = star[0]
        picture.dots(star, colour=INK, radius=15, shape="star")
        picture.dots(star, colour=YELLOW, radius=10.5, shape="star")
        picture.text((x, 24), "our cricket", anchor="start")
        picture.line((x, y - 20), (x + 8, 38), width=1.5)


@drawing(height=352)
def folds(picture: Picture) -> None:
    """Who may hear which fold.

    Five blocks stand side by side, the folds 1 to 5, each with eight clips of frogs, drawn as
    dots. Dots in one frame are clips of one recording, and no frame reaches into another block.
    Below are five rows. In the first row, marked as lesson 3, folds 1, 2 and 3 train, fold 4
    validates and fold 5 tests. In the other rows the parts turn, so that each fold is the test
    once: lesson 5 tests all five.
    """
    left, wide, gap = 112, 98, 8
    starts = [left + i * (wide + gap) for i in range(5)]
    rows = [row for row in animals() if row["animal"] == "frog"]
    for i, x in enumerate(starts):
        picture.text((x + wide / 2, 14), f"fold {i + 1}")
        recordings = [row["recording"] for row in rows if row["fold"] == str(i + 1)]
        counts = sorted((recordings.count(one) for one in set(recordings)), reverse=True)
        lines = [[], []]
        for count in counts:
            lines[sum(lines[0]) + count > 4].append(count)
        for k, line in enumerate(lines):
            at = x + 4
            for count in line:
                picture.box((at + 1, 32 + 27 * k, 22.5 * count - 2, 23), colour=GREY)
                picture.dots(
                    [(at + 11.2 + 22.5 * j, 43.5 + 27 * k) for j in range(count)],
                    colour=INK,
                    radius=5,
                )
                at += 22.5 * count
    picture.text((10, 58), "clips of\nfrogs", anchor="start")
    picture.box((left, 322, 45, 23), colour=GREY)
    picture.dots([(left + 11, 333.5), (left + 34, 333.5)], colour=INK, radius=5)
    picture.text((left + 56, 333.5), "one recording, never split", anchor="start")

    def row(test: int, y: float) -> None:
        for i, x in enumerate(starts):
            part = {test: "test", (test - 1) % 5: "validate"}.get(i, "train")
            colour = {"test": GREEN, "validate": PURPLE, "train": ORANGE}[part]
            picture.box((x, y, wide, 34), part, colour=colour, bold=part == "test")

    with picture.step("this lesson"):
        picture.text((10, 121), "lesson 3", anchor="start", bold=True)
        row(4, 104)
    with picture.step("turning"):
        picture.text((10, 229), "lesson 5\nall five", anchor="start", bold=True)
        for k in range(4):
            row(k, 154 + 40 * k)

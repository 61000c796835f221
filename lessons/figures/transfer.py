"""Lesson 3: what a network has learned, put to another use."""

import csv

import numpy as np

from course_utils import datasets
from course_utils.widgets.embedding_map import _shapes

from .shapes import BLUE, DATA, GREEN, GREY, INK, ORANGE, PURPLE, YELLOW, Picture, drawing


def animals() -> list[dict[str, str]]:
    """Return the rows of ``animals.csv``: 400 clips, and the cricket that the lesson computes."""
    with open(DATA / "animals.csv", newline="") as file:
        return list(csv.DictReader(file))


@drawing(height=308)
def ten_animals(picture: Picture) -> None:
    """Ten animals as spectrograms, a clip of five seconds each, first without their names.

    Low sounds are at the bottom of each and high ones at the top, and bright means loud. In the
    upper row are cat, cow, crickets, crow and dog, in the lower one frog, hen, pig, rooster and
    sheep. The dog barks seven times, each bark a thin upright stroke, and the frog calls three
    times. The cat's meows are bundles of arcs; cow, crow, rooster and sheep are stacks of lines
    or bands. The crickets pulse all the time, and only at the top, where the high frequencies
    are.
    """
    left, wide, tall, gap = 62, 109, 100, 6.5
    names = sorted(datasets.ANIMALS)
    places = [(left + i % 5 * (wide + gap), 28 + i // 5 * (tall + 36)) for i in range(len(names))]
    for name, (x, y) in zip(names, places, strict=True):
        picture.strip((x, y, wide, tall), f"animal_{name}.png")
    for _, y in places[::5]:
        picture.text((left - 8, y + 11), "high", anchor="end")
        picture.text((left - 8, y + tall - 11), "low", anchor="end")
    x, y = places[5]
    picture.bracket(x, x + wide, y + tall + 10, "5 seconds", above=False)
    picture.text((630, y + tall + 27), "bright = loud", anchor="end")
    with picture.step("their names"):
        for name, (x, y) in zip(names, places, strict=True):
            picture.text((x, y - 14), name, anchor="start", bold=True)


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


@drawing(height=352)
def transfer_learning(picture: Picture) -> None:
    """Transfer learning: a frozen network gets a new head.

    From left to right: the spectrogram of a meow goes into YAMNet, drawn as grey layers that
    become smaller and smaller, and comes out as the embedding, a blue column of 1024 numbers.
    Above lies YAMNet's old head for 521 labels, a dashed grey fan, crossed out: it has been
    removed. In its place, on the embedding, sits a new and small head in orange, which ends in
    ten animals. Below YAMNet stands: kept, frozen, learned from 2 million clips. Below the new
    head stands: new, trained, learns from 240 clips.
    """
    middle, start, end, rim = 166, 118, 336, 506
    picture.strip((10, middle - 38, 72, 76), "meow.png")
    picture.text((46, middle + 54), "a meow")
    picture.arrow((87, middle), (start - 6, middle))
    for i, size in enumerate(np.geomspace(168, 50, 9)):
        picture.box((start + 22 * i, middle - size / 2, 16, size), colour=GREY)
    picture.text((start + 96, 18), "YAMNet", bold=True)
    picture.bar((end - 14, middle - 50, 14, 100), colour=BLUE)
    picture.text((end, middle - 86), "embedding:\n1024 numbers", colour=BLUE, anchor="end")

    tip, turn = (end + 50, 60), -0.16  # the old head, a little askew
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    def askew(x: float, y: float) -> tuple[float, float]:
        return tuple(turned @ (x, y) + tip)

    fan = (0, 0), (84, -32), (84, 32), (0, 0)
    picture.line(*(askew(*at) for at in fan), colour=GREY, dashed=True)
    for y in np.linspace(-32, 32, 22):
        picture.line(askew(86, y), askew(98, y), colour=GREY, width=1)
    for way in (1, -1):
        picture.line(askew(16, -30 * way), askew(92, 30 * way), width=2.5)
    picture.text((rim + 14, 30), "old head:\nremoved", anchor="start", bold=True)
    picture.text((rim + 14, 67), "521 labels", anchor="start")
    with picture.step("a new head"):
        columns = (end + 4, (end + rim) / 2, rim)
        units = (np.linspace(-46, 46, 5), np.linspace(-46, 46, 7), np.linspace(-54, 54, 10))
        for k in range(2):
            for a in units[k]:
                for b in units[k + 1]:
                    ends = (columns[k], middle + a), (columns[k + 1], middle + b)
                    picture.line(*ends, colour=ORANGE, width=0.6)
            ends = [(columns[k + 1], middle + y) for y in units[k + 1]]
            picture.dots(ends, colour=ORANGE, radius=5)
        picture.text((rim + 14, middle - 13), "new head", colour=ORANGE, anchor="start", bold=True)
        picture.text((rim + 14, middle + 13), "10 animals", colour=ORANGE, anchor="start")
    with picture.step("what is frozen, what is trained"):
        y, left, right = 264, (start + end) / 2, (end + rim + 12) / 2
        picture.bracket(start, end, y, colour=GREY, above=False)
        picture.bracket(end + 8, rim + 5, y, colour=ORANGE, above=False)
        snowflake(picture, left - 83, y + 22, 11)
        picture.text((left + 12, y + 22), "kept, frozen", bold=True)
        picture.text((left, y + 60), "learned from\n2 million clips")
        picture.text((right, y + 22), "new, trained", colour=ORANGE, bold=True)
        picture.text((right, y + 60), "learns from\n240 clips", colour=ORANGE)


MIXED = 9, 118, 68, 66  # the ring around the mixed group on the map


def on_map(x: float, y: float) -> tuple[float, float]:
    """Return where in the drawing a place in [0, 1] lies."""
    return 26 + 588 * x, 26 + 344 * y


@drawing(height=396)
def embedding_map(picture: Picture) -> None:
    """Four hundred clips on a map, first without names, then with them.

    In words stands: 400 clips, placed by t-SNE; neighbours sound alike to YAMNet. Without names, 400
    grey marks lie in a dozen groups with free ground between them. With names, each group turns out to be
    one animal: dog at the bottom, then cow, pig and sheep, cat in the middle, crow at the right,
    crickets and frog at the top, hen at the top left, and rooster in two groups, one beside the
    hens and one further left. Only three animals are in colour: crickets purple, hen blue, rooster
    orange. A thin ring goes around the hens and the roosters beside them: neighbours. Another ring,
    at the left edge, goes around a small group: mixed animals, mostly silence. A star lies among
    the crickets: a synthetic cricket.
    """
    rows = animals()
    spots = {name: [] for name in sorted({row["animal"] for row in rows})}
    for row in rows:
        spots[row["animal"]].append(on_map(float(row["x"]), float(row["y"])))
    star = spots.pop("synthetic cricket")
    shapes = [shape.tolist() for shape in _shapes(len(spots), 4.4)]
    for own, shape in zip(spots.values(), shapes, strict=True):
        picture.marks(own, shape, colour=GREY)
    picture.text((630, 368), "400 clips, placed by t-SNE:\nneighbours sound alike to YAMNet", anchor="end")
    names = {
        "cat": [(362, 214)],
        "cow": [(436, 306)],
        "crickets": [(584, 100)],
        "crow": [(580, 206)],
        "dog": [(128, 346)],
        "frog": [(352, 40)],
        "hen": [(279, 52)],
        "pig": [(226, 246)],
        "rooster": [(198, 52), (104, 112)],
        "sheep": [(584, 300)],
    }
    spoken_of = {"hen": BLUE, "rooster": ORANGE, "crickets": PURPLE}
    with picture.step("their names"):
        for (name, own), shape in zip(spots.items(), shapes, strict=True):
            picture.marks(own, shape, colour=spoken_of.get(name, GREY))
            for at in names[name]:
                picture.text(at, name, colour=spoken_of.get(name, INK), bold=name in spoken_of)
    with picture.step("neighbours"):
        picture.ring((190, 66, 184, 76))
        picture.text((279, 156), "neighbours")
    with picture.step("a mixed group"):
        picture.ring(MIXED)
        picture.text((10, 210), "mixed animals:\nmostly silence", anchor="start")
    with picture.step("a sound of one's own"):
        (x, y) = star[0]
        picture.dots(star, colour=INK, radius=15, shape="star")
        picture.dots(star, colour=YELLOW, radius=10.5, shape="star")
        picture.text((x - 4, 24), "synthetic cricket", anchor="start")
        picture.line((x, y - 20), (x + 8, 38), width=1.5)


@drawing(height=296)
def label_map(picture: Picture) -> None:
    """A label map, and what it makes of a rooster.

    In the middle are five of YAMNet's labels, at the right three of our animals. Lines connect
    what means the same: Insect and Cricket lead to crickets, Cluck to hen, Crowing to rooster, and
    Chicken, rooster to both hen and rooster. The spectrogram of a rooster comes from the left. A
    bar below each label is its score: 0 for Insect and Cricket, 0.14 for Cluck, 0.41 for Crowing,
    and 0.48, the highest, for Chicken, rooster. An animal gets the highest of its labels' scores, a
    bar of the same scale beside its name: 0.48 for both hen and rooster. A dashed line joins the ends
    of these two bars: a tie.
    """
    scores = {  # the means over the windows of 1-40730-A-1.wav, which ten_animals shows as well
        "Insect": 0,
        "Cricket": 0,
        "Cluck": 0.141,
        "Chicken, rooster": 0.484,
        "Crowing": 0.414,
    }
    own = {  # of each animal: where it is, and its labels
        "crickets": (80, ("Insect", "Cricket")),
        "hen": (184, ("Cluck", "Chicken, rooster")),
        "rooster": (244, ("Chicken, rooster", "Crowing")),
    }
    start, end, box, beside, unit, thick = 118, 292, 352, 464, 200, 10
    rows = {name: 52 + 52 * i for i, name in enumerate(scores)}

    def score(x: float, y: float, value: float) -> None:
        if value:
            picture.bar((x, y - thick / 2, unit * value, thick), colour=BLUE)
        picture.text((x + unit * value + 8 * bool(value), y), f"{value:.2g}", colour=BLUE, anchor="start")

    picture.text((start, 14), "YAMNet’s labels", anchor="start", bold=True)
    picture.text((box, 14), "our animals", anchor="start", colour=ORANGE, bold=True)
    for name, y in rows.items():
        picture.text((start, y), name, anchor="start")
    for name, (y, _) in own.items():
        picture.box((box, y - 19, 100, 38), name, colour=ORANGE)
    with picture.step("what means the same"):
        for y, labels in own.values():
            for name in labels:
                colour = ORANGE if name == "Chicken, rooster" else INK
                picture.line((end, rows[name]), (box - 6, y), colour=colour)
    with picture.step("a rooster's scores"):
        picture.strip((0, 118, 84, 80), "animal_rooster.png")
        picture.text((46, 216), "a rooster")
        picture.arrow((90, 158), (112, 158))
        for name, y in rows.items():
            score(start, y + 22, scores[name])
    with picture.step("the highest counts"):
        picture.text((486, 14), "highest label", colour=BLUE, anchor="start", bold=True)
        for y, labels in own.values():
            score(beside, y, max(scores[name] for name in labels))
        (top, _), (bottom, _) = own["hen"], own["rooster"]
        x = beside + unit * scores["Chicken, rooster"]
        picture.line((x, top + 5), (x, bottom - 5), colour=BLUE, dashed=True)
        picture.text((x - 10, (top + bottom) / 2), "a tie", colour=BLUE, anchor="end", bold=True)


@drawing(height=276)
def nearest_labels(picture: Picture) -> None:
    """Four sounds for which no label of YAMNet was found, and the labels nearest to them.

    Four boxes stand at the right, one above the other: mouse click, can opening, drinking and
    washing machine. At the left are YAMNet's labels that are nearest in meaning, three for each,
    and a dashed arrow leads from them to the box. Clicking, Computer keyboard and Typing stand for
    the mouse click; Burst, pop, Crack and Hiss for the can; Liquid, Gargling and Pour for the
    drinking; Mechanical fan, Engine and Water for the washing machine.
    """
    nearest = {
        "mouse click": ("Clicking", "Computer keyboard", "Typing"),
        "can opening": ("Burst, pop", "Crack", "Hiss"),
        "drinking": ("Liquid", "Gargling", "Pour"),
        "washing machine": ("Mechanical fan", "Engine", "Water"),
    }
    end, box = 392, 440
    places = {name: 60 + 61 * i for i, name in enumerate(nearest)}
    picture.text((box, 14), "four sounds", anchor="start", colour=ORANGE, bold=True)
    for name, y in places.items():
        picture.box((box, y - 24, 196, 48), name, colour=ORANGE)
    with picture.step("the nearest labels"):
        picture.text((end, 14), "YAMNet’s nearest labels", anchor="end", bold=True)
        for name, labels in nearest.items():
            picture.text((end, places[name]), " · ".join(labels), anchor="end")
            picture.line((end + 10, places[name]), (box - 10, places[name]), dashed=True)


def _clips_of_recordings(rows: list[dict], fold: int) -> list[list[int]]:
    """Return how many clips each recording of a fold has, in two lines of at most four clips, the first one full."""
    recordings = [row["recording"] for row in rows if row["fold"] == str(fold)]
    lines = [[], []]
    for count in sorted((recordings.count(one) for one in set(recordings)), reverse=True):
        lines[sum(lines[0]) + count > 4].append(count)
    return lines


@drawing(height=262)
def one_split(picture: Picture) -> None:
    """Who may hear which fold in lesson 3.

    Five columns stand side by side, the folds 1 to 5, each with eight frog clips, drawn as dots.
    Dots in one frame are clips of one recording, and a recording stays in one fold: no frame
    reaches into another fold. Below, folds 1, 2 and 3 train, with 24 clips of each animal; fold 4
    validates and tells when to stop; fold 5 is the test.
    """
    wide, gap, dot, tall = 121, 7, 29, 29
    starts = [3 + i * (wide + gap) for i in range(5)]
    rows = [row for row in animals() if row["animal"] == "frog"]

    def recording(x: float, y: float, count: int) -> None:
        picture.box((x + 2.5, y, dot * count - 5, tall), colour=GREY)
        picture.dots([(x + dot * (j + 0.5), y + tall / 2) for j in range(count)], colour=INK, radius=6)

    for i, x in enumerate(starts):
        picture.text((x + wide / 2, 12), f"fold {i + 1}")
        for k, line in enumerate(_clips_of_recordings(rows, i + 1)):
            at = x + (wide - 4 * dot) / 2
            for count in line:
                recording(at, 30 + 34 * k, count)
                at += dot * count
    picture.dots([(18, 122)], colour=INK, radius=6)
    picture.text((35, 122), "a clip of a frog", anchor="start")
    recording(236, 108, 2)
    picture.text((302, 122), "one recording stays in one fold", anchor="start")
    with picture.step("who hears what"):
        for i, x in enumerate(starts):
            box, words = (x, 154, wide, 46), ("train", "train", "train", "validate", "test")[i]
            if words == "train":
                picture.box(box, words, colour=BLUE)
            else:
                picture.box(box, words, colour=GREEN if words == "test" else GREY, bold=words == "test")
        for first, last in ((0, 2), (3, 3), (4, 4)):
            picture.bracket(starts[first] + 2, starts[last] + wide - 2, 212, colour=GREY, above=False)
        for i, words in {1: "24 clips of each animal", 3: "when to stop", 4: "how good?"}.items():
            picture.text((starts[i] + wide / 2, 232), words)


@drawing(height=348)
def folds(picture: Picture) -> None:
    """Who may hear which fold.

    Five columns stand side by side, the folds 1 to 5, each with eight frog clips, drawn as dots.
    Dots in one frame are clips of one recording, and a recording stays in one fold: no frame
    reaches into another fold. Below are five rows. In the first row, framed and marked as lesson
    3, folds 1, 2 and 3 train, fold 4 validates and fold 5 tests. In the other rows the parts
    turn, so that each fold is the test once. A bracket takes all five rows together: lesson 5.
    """
    left, wide, gap = 116, 91, 4
    starts = [left + i * (wide + gap) for i in range(5)]
    rows = [row for row in animals() if row["animal"] == "frog"]
    dot, tall = 22.5, 22

    def recording(x: float, y: float, count: int) -> None:
        picture.box((x + 2.5, y, dot * count - 5, tall), colour=GREY)
        spots = [(x + dot * (j + 0.5), y + tall / 2) for j in range(count)]
        picture.dots(spots, colour=INK, radius=4.5)

    for i, x in enumerate(starts):
        picture.text((x + wide / 2, 12), f"fold {i + 1}")
        for k, line in enumerate(_clips_of_recordings(rows, i + 1)):
            at = x + (wide - 4 * dot) / 2
            for count in line:
                recording(at, 28 + 27 * k, count)
                at += dot * count
    picture.text((6, 53), "frog clips", anchor="start")
    picture.dots([(left + 8, 100)], colour=INK, radius=4.5)
    picture.text((left + 22, 100), "one clip", anchor="start")
    recording(left + 142, 89, 2)
    picture.text((left + 195, 100), "one recording: one fold", anchor="start")

    def row(test: int, y: float) -> None:
        for i, x in enumerate(starts):
            part = {test: "test", (test - 1) % 5: "validate"}.get(i, "train")
            colour = {"test": GREEN, "validate": PURPLE, "train": GREY}[part]
            box = x, y, wide, 34
            if part == "train":
                picture.box(box, colour=GREY, edge=False)
                picture.text((x + wide / 2, y + 17), part, colour=GREY)
            else:
                picture.box(box, part, colour=colour, bold=part == "test")

    top, step = 132, 44
    with picture.step("this lesson"):
        picture.text((6, top + 17), "lesson 3", anchor="start", bold=True)
        picture.box((left - 5, top - 5, 5 * wide + 4 * gap + 10, 44))
        row(4, top)
    with picture.step("turning"):
        for k in range(4):
            with picture.moving(0, -step):
                row(k, top + step * (k + 1))
        x, bottom = starts[-1] + wide + 9, top + 4 * step + 34
        picture.line((x, top - 5), (x + 8, top - 5), (x + 8, bottom), (x, bottom))
        picture.text((x + 22, (top + bottom) / 2), "lesson 5: all five", bold=True, turned=True)

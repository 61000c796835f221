"""Lesson 5: how sure a figure is."""

import json

from .shapes import BLUE, DATA, GREEN, GREY, ORANGE, Picture, drawing

NUMBERS = json.loads((DATA / "how_sure.json").read_text(encoding="utf-8"))


@drawing(height=384)
def leakage(picture: Picture) -> None:
    """Why shuffled windows make a test too easy, shown on a clip of a barking dog, 5 seconds long.

    At the top, the windows were shuffled before the split. Of the ten overlapping windows below
    the spectrogram, eight are for training, and two for testing. The nearest training window of
    the second window, a test window, is the third. It begins before the second ends, so half of
    its sound is the same. In this way 0.80 of all windows are right, which is too good. At the
    bottom, whole clips were split, and all ten windows of the dog are for testing. The nearest
    training window of the same second window now comes from another clip, and it is a cat. In
    this way 0.68 of all windows are right, which is honest.
    """
    numbers, left, scale = NUMBERS["leakage"], 20, 600 / 5.28
    wide, hop, tall = 0.96 * scale, 0.48 * scale, 46
    first, second = left + hop, left + hop + wide + 102

    def clip(top: float, words: str) -> None:
        picture.text((left, top - 14), words, anchor="start", bold=True)
        picture.strip((left, top, 5 * scale, 40), "leakage_clip.png")

    def nearest(top: float, file: str, words: str, start: float, result: str) -> None:
        picture.strip((first, top, wide, tall), "leakage_test.png")
        y = top + tall - 8
        picture.arrow((first + wide + 6, y), (second - 6, y))
        picture.text(((first + wide + second) / 2, top + tall - 24), "nearest")
        picture.strip((second, top, wide, tall), file)
        picture.text((second + wide + 16, top + tall / 2), words, anchor="start")
        picture.text((620, start), result, anchor="end", bold=True)

    clip(28, "windows shuffled")
    with picture.step("each window is dealt on its own"):
        parts = numbers["leaked"]["part"]
        for i, part in enumerate(parts):
            box = left + i * hop + 1, 74 + 29 * (i % 2), wide - 2, 26
            if part == parts[1]:
                picture.box(box, "test", colour=GREEN, bold=True)
            else:
                picture.box(box, "train", colour=ORANGE)
    with picture.step("the nearest window is the next one"):
        result = f"{numbers['leaked']['accuracy']:.2f} right: too good"
        nearest(138, "leakage_next.png", "the next window\nof the same dog", 14, result)
        for x in (first + hop, second):
            picture.bracket(x, x + hop, 190, above=False, tick=5)
    with picture.step("whole clips"):
        clip(234, "whole clips")
        picture.box((left, 280, 600, 26), "test: all ten windows", colour=GREEN, bold=True)
    with picture.step("the nearest window is another clip's"):
        result = f"{numbers['honest']['accuracy']:.2f} right: honest"
        nearest(316, "leakage_other.png", "a cat,\nin another clip", 220, result)


@drawing(height=396)
def bootstrap(picture: Picture) -> None:
    """How the bootstrap finds an interval.

    At the top left are 400 tested clips as dots. 380 of them were right, and 20, the crosses in
    the last row, were wrong: an accuracy of 0.950. To the right are three draws of 400 from
    these 400, each clip being put back before the next is drawn. So some dots are missing, and
    others, drawn more than once, are larger. The accuracies of the three draws are 0.930, 0.960
    and 0.950. Below is the histogram of the accuracies of 5,000 such draws, a hill around 0.95.
    The middle 95 percent are coloured. They lie between 0.927 and 0.970: this is the interval.
    """
    numbers, pitch, columns = NUMBERS["bootstrap"], 6.6, 20

    def bag(x: float, times: str) -> None:
        for i, often in enumerate(map(int, times)):
            at = x + pitch * (i % columns + 0.5), 32 + pitch * (i // columns + 0.5)
            right = i < numbers["right"]
            look = {"colour": BLUE} if right else {"colour": ORANGE, "shape": "cross"}
            picture.dots([at] * (often > 0), radius=1.2 + 0.9 * min(often, 3), **look)
        share = sum(map(int, times[: numbers["right"]])) / numbers["tested"]
        picture.text((x + columns * pitch / 2, 180), f"{share:.3f}", bold=True)

    def place(accuracy: float) -> float:
        return 20 + 600 * (accuracy - 0.9) / 0.1

    picture.text((76, 14), "our 400 clips")
    bag(10, "1" * numbers["tested"])
    first, *others = numbers["draws"]
    with picture.step("draw 400, and put each back"):
        picture.line((163, 28), (163, 190), colour=GREY, dashed=True)
        picture.text((404, 14), "draw 400 of them, putting each back")
        bag(184, first)
    with picture.step("and again"):
        for x, times in zip((338, 492), others, strict=True):
            bag(x, times)
    (low, high), floor, tall = numbers["interval"], 340, 90
    with picture.step("5,000 draws"):
        for count, often in zip(numbers["counts"], numbers["often"], strict=True):
            accuracy, size = count / numbers["tested"], tall * often / max(numbers["often"])
            inside = low <= accuracy <= high
            box = place(accuracy) - 6, floor - size, 12, size
            picture.bar(box, colour=BLUE if inside else GREY)
        picture.axis((20, floor - tall, 600, tall), 0.9, 1, 0.02, "accuracy")
        picture.text((20, 256), "5,000 draws", anchor="start")
    with picture.step("the middle 95 %"):
        start, end = place(low) - 7, place(high) + 7
        picture.bracket(start, end, 240, "the middle 95 %", tick=floor - 240)
        picture.text((start - 6, 308), f"{low:.3f}", anchor="end", bold=True)
        picture.text((end + 6, 308), f"{high:.3f}", anchor="start", bold=True)


@drawing(height=346)
def calibration(picture: Picture) -> None:
    """How sure a classifier says it is, and how often it is right.

    It was asked about 400 clips that it had not learned from. They are grouped by the
    percentage that it gave to its answer. A dashed green line shows what should come true: of
    ten clips at 60 percent, six should be right. Bars show what did: 9 of 18 clips below 45
    percent, 6 of 11 at about 50, 12 of 19 at about 60, 19 of 19 at about 70, 22 of 25 at about
    80, 46 of 47 at about 90, and 261 of 261 above 95. The bar at 60 percent, which is marked,
    reaches 63 percent, hardly above the line. Most other bars reach further above it.
    """
    bins, pitch, top, floor = NUMBERS["calibration"], 76, 40, 250
    names = ["< 45", "50", "60", "70", "80", "90", "> 95 %"]
    centres = [138 + pitch * i for i in range(len(bins))]

    def height(share: float) -> float:
        return floor - (floor - top) * share

    for share in (0, 0.5, 1):
        picture.line((100, height(share)), (632, height(share)), colour=GREY, width=1)
    picture.text((94, height(0.5)), "50 %", anchor="end")
    picture.text((94, height(1)), "100 %", anchor="end")
    picture.text((20, 14), "share that was right", anchor="start")
    picture.text((94, floor + 20), "it says", anchor="end")
    for x, name in zip(centres, names, strict=True):
        picture.text((x, floor + 20), name)

    def bar(i: int, colour: str) -> None:
        x, right, clips = centres[i], bins[i]["right"], bins[i]["clips"]
        tall = (floor - top) * right / clips
        picture.box((x - 30, floor - tall, 60, tall), colour=colour)
        look = {"colour": ORANGE, "bold": True} if colour == ORANGE else {}
        picture.text((x, floor + 64), f"{right}\nof {clips}", **look)

    with picture.step("what should come true"):
        picture.text((108, 58), "60 % should mean:", anchor="start", colour=GREEN)
        ten = [(118 + 20 * i, 84) for i in range(10)]
        picture.dots(ten[:6], colour=GREEN, radius=6)
        picture.dots(ten[6:], colour=GREY, radius=6, shape="cross")
    with picture.step("of 19 clips at 60 %, 12 were right"):
        picture.text((94, floor + 52), "right", anchor="end")
        bar(2, ORANGE)
        share = bins[2]["right"] / bins[2]["clips"]
        picture.text((centres[2], floor - 20), f"{100 * share:.0f} %")
    with picture.step("all the others"):
        for i in (0, 1, 3, 4, 5, 6):
            bar(i, BLUE)
    line = [(x, height(own["says"])) for x, own in zip(centres, bins, strict=True)]
    picture.line(*line, colour=GREEN, width=3, dashed=True)

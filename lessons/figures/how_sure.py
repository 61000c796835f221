"""Lesson 5: how sure a figure is."""

import json

from .shapes import BLUE, DATA, GREEN, GREY, ORANGE, Picture, drawing

NUMBERS = json.loads((DATA / "how_sure.json").read_text(encoding="utf-8"))


@drawing(height=396)
def leakage(picture: Picture) -> None:
    """Why shuffled windows make a test too easy, shown on a clip of a barking dog, 5 seconds long.

    At the top, the windows were shuffled before the split. Of the ten overlapping windows below
    the spectrogram, eight are for training, and two for testing. The second window is a test
    window. The nearest training window is the third, which begins before the second ends, so
    half of its sound is the same half second. It is a dog, so the test window is called a dog,
    which is right. In this way 80 % of windows are right, which is too good. At the bottom, whole
    clips were kept together. The dog's clip is the test, and a cat's clip is for training. Now
    the nearest training window of the same second window comes from the cat's clip, so it is
    called a cat, which is wrong. In this way 68 % of windows are right, which is honest.
    """
    numbers, left, scale = NUMBERS["leakage"], 20, 576 / 5.28
    wide, hop, tall = 0.96 * scale, 0.48 * scale, 46
    first, second = left + hop, left + hop + wide + 102

    def heading(y: float, words: str) -> None:
        picture.text((left, y), words, anchor="start", bold=True)

    def result(y: float, way: str, words: str) -> None:
        words = f"{100 * numbers[way]['accuracy']:.0f} % of windows right: {words}"
        picture.text((620, y), words, anchor="end")

    def edge(x: float, top: float, colour: str) -> None:
        corners = (x, top), (x + wide, top), (x + wide, top + tall), (x, top + tall), (x, top)
        picture.line(*corners, colour=colour, width=3)

    def nearest(top: float, file: str, animal: str, right: bool) -> None:
        y = top + tall - 8
        picture.text((first - 8, top + tall / 2), "test", anchor="end")
        picture.strip((first, top, wide, tall), "leakage_test.png")
        edge(first, top, GREEN)
        picture.arrow((first + wide + 8, y), (second - 8, y))
        picture.text(((first + wide + second) / 2, top + tall - 24), "nearest")
        picture.strip((second, top, wide, tall), file)
        edge(second, top, GREY)
        picture.text((second + wide + 14, top + 11), f"train: {animal}", anchor="start")
        picture.text((second + wide + 42, top + 35), f"it says {animal}", anchor="start", bold=True)
        x, y = second + wide + 24, top + 35
        if right:
            picture.line((x - 8, y), (x - 2, y + 7), (x + 8, y - 8), colour=GREEN, width=3.5)
        else:
            picture.dots([(x, y)], colour=ORANGE, radius=7, shape="cross")

    heading(14, "windows shuffled")
    picture.strip((left, 28, 5 * scale, 38), "leakage_clip.png")
    picture.text((left + 5 * scale + 10, 47), "dog", anchor="start")
    with picture.step("each window is dealt on its own"):
        parts = numbers["leaked"]["part"]
        for i, part in enumerate(parts):
            box = left + i * hop + 1, 71 + 28 * (i % 2), wide - 2, 26
            if part == parts[1]:
                picture.box(box, "test", colour=GREEN, bold=True)
            else:
                picture.box(box, "train", colour=GREY)
    with picture.step("the nearest window is the next one"):
        nearest(136, "leakage_next.png", "dog", right=True)
        result(14, "leaked", "too good")
    with picture.step("they share half a second"):
        for x in (first + hop, second):
            picture.bar((x, 184, hop, 6), colour=ORANGE)
        words = "the same half second"
        picture.text(((first + hop + second + hop) / 2, 203), words, colour=ORANGE)
    with picture.step("whole clips"):
        heading(240, "whole clips")
        for x, animal, file in ((20, "dog", "clip"), (328, "cat", "other")):
            part, colour = ("test", GREEN) if animal == "dog" else ("train", GREY)
            picture.strip((x, 254, 292, 38), f"leakage_{file}_half.png")
            words, bold = f"{part}: {animal}", colour == GREEN
            picture.box((x, 297, 292, 26), words, colour=colour, bold=bold)
    with picture.step("the nearest window is another clip's"):
        nearest(336, "leakage_other.png", "cat", right=False)
        result(240, "honest", "honest")


@drawing(height=398)
def bootstrap(picture: Picture) -> None:
    """How the bootstrap finds an interval.

    At the top left are 400 tested clips as dots. 380 of them were right, and 20, the crosses in
    the last row, were wrong: an accuracy of 0.95. To the right are three draws of 400 from
    these 400, each clip being put back before the next is drawn. So some dots are missing, and
    others, drawn more than once, are larger. The accuracies of the three draws are 0.940, 0.955
    and 0.965, and thin lines lead from them to their places in a histogram below. It shows the
    accuracies of 5,000 such draws, a hill around 0.95. The middle 95 percent are coloured. They
    lie between 0.93 and 0.97: this is the interval.
    """
    numbers, pitch, columns, top = NUMBERS["bootstrap"], 6.6, 20, 54
    (low, high), floor, tall = numbers["interval"], 344, 84
    starts = 184, 338, 492

    def bag(x: float, times: str, words: str) -> None:
        for i, often in enumerate(map(int, times)):
            at = x + pitch * (i % columns + 0.5), top + pitch * (i // columns + 0.5)
            right = i < numbers["right"]
            look = {"colour": BLUE} if right else {"colour": ORANGE, "shape": "cross"}
            picture.dots([at] * (often > 0), radius=1.2 + 0.9 * min(often, 3), **look)
        words = words.format(accuracy(times))
        picture.text((x + columns * pitch / 2, 200), words, bold=True)

    def accuracy(times: str) -> float:
        return sum(map(int, times[: numbers["right"]])) / numbers["tested"]

    def place(accuracy: float) -> float:
        return 20 + 600 * (accuracy - 0.9) / 0.1

    picture.text((76, 14), "our 400 clips")
    picture.dots([(41, 38)], colour=ORANGE, radius=5, shape="cross")
    picture.text((53, 38), "wrong", anchor="start")
    bag(10, "1" * numbers["tested"], "{:.2f} right")
    first, *others = numbers["draws"]
    with picture.step("draw 400, and put each back"):
        picture.line((163, 6), (163, 206), colour=GREY, dashed=True)
        picture.text((404, 14), "draw 400 of them, putting each back")
        picture.text((404, 38), "large = drawn again, gap = not drawn")
        bag(184, first, "{:.3f}")
    with picture.step("and again"):
        for x, times in zip(starts[1:], others, strict=True):
            bag(x, times, "{:.3f}")
    size = dict(zip(numbers["counts"], numbers["often"], strict=True))
    high_bar = tall / max(numbers["often"])
    with picture.step("5,000 draws"):
        for count, often in size.items():
            share = count / numbers["tested"]
            box = place(share) - 6, floor - high_bar * often, 12, high_bar * often
            picture.bar(box, colour=BLUE if low <= share <= high else GREY)
        words = "accuracy in 5,000 draws"
        picture.axis((20, floor - tall, 600, tall), 0.9, 1, 0.02, words)
        for x, times in zip(starts, numbers["draws"], strict=True):
            share = accuracy(times)
            end = floor - high_bar * size[round(share * numbers["tested"])] - 3
            start = x + columns * pitch / 2, 214
            picture.arrow(start, (place(share), end), colour=GREY, width=1.5, head=9)
    with picture.step("the middle 95 %"):
        for share, side, anchor in ((low, -1, "end"), (high, 1, "start")):
            x = place(share) + 7 * side
            picture.line((x, floor - 58), (x, floor), colour=BLUE)
            words = f"{share + 1e-9:.2f}"
            picture.text((x + 7 * side, floor - 44), words, anchor=anchor, bold=True)
        picture.text((20, 262), "the middle 95 %", anchor="start", colour=BLUE)


@drawing(height=372)
def calibration(picture: Picture) -> None:
    """How sure a logistic regression says it is, and how often it is right.

    It was asked about 400 clips that it had not learned from. They are grouped by the
    percentage that it gave to its answer: 60 percent stands for 55 to 65. For each group, a
    short green line says what share should be right, which is the mean of what it said: 59
    percent in this group. A dot says what share was right, and an
    upright line through the dot is its 95 percent interval. Right were 9 of 18 clips below 45
    percent, 6 of 11 at about 50, 12 of 19 at about 60, 19 of 19 at about 70, 22 of 25 at about
    80, 46 of 47 at about 90, and 261 of 261 above 95. The group at 60 percent is pointed at: 63
    percent were right, hardly above the green line, but with 19 clips it could be 41 to 81
    percent. The upright lines are long where clips are few, and short at 90 and above 95. All
    cross the green line but the one at 70 percent, which lies above it. The space above the
    green lines is called not sure enough, and the space below too sure: no group is there.
    """
    bins, pitch, top, floor = NUMBERS["calibration"], 76, 46, 276
    names = ["<45 %", "50 %", "60 %", "70 %", "80 %", "90 %", ">95 %"]
    centres = [138 + pitch * i for i in range(len(bins))]

    def height(share: float) -> float:
        return floor - (floor - top) * share

    def shown(i: int, colour: str) -> None:
        x, own = centres[i], bins[i]
        low, high = map(height, own["interval"])
        share = own["right"] / own["clips"]
        picture.line((x, low), (x, high), colour=colour, width=3)
        picture.dots([(x, height(share))], colour=colour, radius=7)
        look = {"colour": ORANGE, "bold": True} if colour == ORANGE else {}
        picture.text((x, floor + 67), f"{own['right']}\nof {own['clips']}", **look)

    for share in (0, 0.5, 1):
        picture.line((100, height(share)), (632, height(share)), colour=GREY, width=1)
        picture.text((94, height(share)), f"{100 * share:.0f} %", anchor="end")
    picture.text((20, 14), "logistic regression: share that was right", anchor="start")
    picture.text((94, floor + 22), "it says", anchor="end")
    for i, (x, name) in enumerate(zip(centres, names, strict=True)):
        look = {"colour": ORANGE, "bold": True} if i == 2 else {}
        picture.text((x, floor + 22), name, **look)
    with picture.step("what should come true"):
        for x, own in zip(centres, bins, strict=True):
            y = height(own["says"])
            picture.line((x - 20, y), (x + 20, y), colour=GREEN, width=4)
        at = centres[2] + 28, height(bins[2]["says"])
        picture.text(at, "green: should be right", anchor="start", colour=GREEN)
    with picture.step("of 19 clips at 60 %, 12 were right"):
        picture.text((94, floor + 55), "right", anchor="end")
        shown(2, ORANGE)
        share = bins[2]["right"] / bins[2]["clips"]
        words, at = f"{100 * share:.0f} %", (centres[2] - 12, height(share) - 7)
        picture.text(at, words, anchor="end", colour=ORANGE, bold=True)
    with picture.step("what 19 clips can say"):
        low, high = bins[2]["interval"]
        words = f"{bins[2]['clips']} clips: could be {100 * low:.0f} to {100 * high:.0f} %"
        picture.text((centres[2], height(0.1)), words, colour=ORANGE)
        picture.arrow((centres[2], height(0.17)), (centres[2], height(low) + 5), colour=ORANGE)
    with picture.step("all the others"):
        for i in (0, 1, 3, 4, 5, 6):
            shown(i, BLUE)
    with picture.step("the two sides"):
        picture.text((104, 69), "above green:\nnot sure enough", anchor="start")
        picture.text((centres[5], height(0.36)), "below green:\ntoo sure (none)")

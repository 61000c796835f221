"""Lesson 5: how sure a figure is."""

import json

from .shapes import BLUE, DATA, GREEN, GREY, INK, ORANGE, SKY, Picture, drawing

NUMBERS = json.loads((DATA / "how_sure.json").read_text(encoding="utf-8"))


@drawing(height=300)
def five_folds(picture: Picture) -> None:
    """Five heads are trained, and together they test every clip once.

    Five columns are the folds of 80 clips each, and five rows are the heads. In the last
    of them, that of lesson 3, folds 1, 2 and 3 train, fold 4 validates and fold 5 tests. In the
    other rows the parts turn: head 1 tests on fold 1 and validates on fold 5, head 2 tests on fold
    2 and validates on fold 1, and so on, so the tests go down in a diagonal. In a last row below,
    the five tests stand side by side: all 400 clips, each tested once.
    """
    left, wide, tall, pitch, top = 104, 100, 32, 38, 26
    starts = [left + i * (wide + 6) for i in range(5)]
    below = top + 5 * pitch + 12

    def head(test: int) -> None:
        y = top + test * pitch
        words = "lesson 3" if test == 4 else f"head {test + 1}"
        picture.text((4, y + tall / 2), words, anchor="start", bold=test == 4)
        for i, x in enumerate(starts):
            part = {test: "test", (test - 1) % 5: "validate"}.get(i, "train")
            if part == "train":
                picture.box((x, y, wide, tall), colour=GREY, edge=False)
                picture.text((x + wide / 2, y + tall / 2), part, colour=GREY)
            elif part == "validate":
                picture.box((x, y, wide, tall), part, colour=GREY)
            else:
                picture.box((x, y, wide, tall), part, colour=GREEN, bold=True)

    for i, x in enumerate(starts):
        picture.text((x + wide / 2, 11), f"fold {i + 1}")
    head(4)
    with picture.step("turning"):
        for test in (3, 2, 1, 0):
            with picture.moving(0, pitch):
                head(test)
    with picture.step("every clip is tested once"):
        picture.text((4, below + tall / 2), "all five", anchor="start", bold=True)
        for i, x in enumerate(starts):
            with picture.moving(0, top + i * pitch - below):
                picture.box((x, below, wide, tall), "80 clips", colour=GREEN)
        middle = (left + starts[-1] + wide) / 2
        picture.text((middle, below + 50), "400 clips, each tested once", bold=True)


@drawing(height=312)
def leakage(picture: Picture) -> None:
    """Why shuffled windows make a test too easy, shown on a clip of a barking dog, 5 seconds long.

    On the left, the windows were shuffled before the split. Of the nine overlapping windows below
    the spectrogram, seven are for training, and two for testing. The second window is a test
    window. The nearest training window is the third, which begins before the second ends, so
    half of its sound is the same half second. It is a dog, so the test window is called a dog,
    which is right. In this way 80 % of windows are right, which is too good: data leakage. On the
    right, whole clips were kept together. The dog's clip is the test, and a cat's clip is for
    training. Now the nearest training window of the same second window comes from the cat's clip,
    so it is called a cat, which is wrong. In this way 68 % of windows are right, which is honest.
    """
    numbers, scale = NUMBERS["leakage"], 302 / 5
    sides, across, tall, top = (4, 334), 302, 50, 151
    wide, hop, seen = 0.96 * scale, 0.48 * scale, 100

    def edge(x: float, colour: str) -> None:
        corners = (x, top), (x + seen, top), (x + seen, top + tall), (x, top + tall), (x, top)
        picture.line(*corners, colour=colour, width=3)

    def nearest(left: float, file: str, animal: str, right: bool) -> None:
        second, y = left + across - seen, top + tall / 2
        picture.text((left + seen / 2, top - 16), "test", bold=True)
        picture.strip((left, top, seen, tall), "leakage_test.png")
        edge(left, GREEN)
        picture.arrow((left + seen + 8, y + 6), (second - 8, y + 6))
        picture.text((left + across / 2, y - 10), "nearest")
        picture.strip((second, top, seen, tall), file)
        edge(second, GREY)
        picture.text((second + seen / 2, top - 16), f"train: {animal}")
        x, y = left + across / 2 - 62, 246
        picture.text((x + 20, y), f"it says {animal}", anchor="start", bold=True)
        if right:
            picture.line((x - 8, y), (x - 2, y + 7), (x + 8, y - 8), colour=GREY, width=3.5)
        else:
            picture.dots([(x, y)], colour=GREY, radius=7, shape="cross")

    def result(left: float, way: str, words: str, colour: str) -> None:
        at = left + across / 2
        picture.text((at, 272), f"{100 * numbers[way]['accuracy']:.0f} % of windows right")
        picture.text((at, 296), words, colour=colour, bold=True)

    left, right = sides
    picture.text((left, 11), "windows shuffled", anchor="start", bold=True)
    picture.strip((left, 25, 5 * scale, 38), "leakage_clip.png")
    with picture.step("each window is dealt on its own"):
        parts = numbers["leaked"]["part"][:9]  # a tenth would end beyond the clip
        for i, part in enumerate(parts):
            box = left + i * hop + 1, 67 + 26 * (i % 2), wide - 2, 24
            if part == parts[1]:
                picture.box(box, "test", colour=GREEN, bold=True)
            else:
                picture.box(box, "train", colour=GREY)
    with picture.step("the nearest window is the next one"):
        nearest(left, "leakage_next.png", "dog", right=True)
    with picture.step("they share half a second"):
        for x in (left + seen / 2, left + across - seen):
            picture.bar((x, top + tall + 5, seen / 2, 6), colour=ORANGE)
        picture.text((left + across / 2, 221), "the same half second", colour=ORANGE)
        result(left, "leaked", "too good: data leakage", ORANGE)
    with picture.step("whole clips"):
        picture.line((320, 4), (320, 300), colour=GREY, dashed=True)
        picture.text((right, 11), "whole clips", anchor="start", bold=True)
        for x, animal, file in ((right, "dog", "clip"), (right + 154, "cat", "other")):
            part, colour = ("test", GREEN) if animal == "dog" else ("train", GREY)
            picture.strip((x, 25, 148, 38), f"leakage_{file}_half.png")
            words, bold = f"{part}: {animal}", colour == GREEN
            picture.box((x, 67, 148, 26), words, colour=colour, bold=bold)
    with picture.step("the nearest window is another clip's"):
        nearest(right, "leakage_other.png", "cat", right=False)
        result(right, "honest", "honest", GREEN)


@drawing(height=304)
def bootstrap(picture: Picture) -> None:
    """How the bootstrap finds an interval.

    A head was tested on 400 clips, and 380 were right: an accuracy of 0.95. At the top left are ten
    of these clips: nine dots, which were right, and a cross, which was wrong. Then 400 clips are
    drawn from these 400, each being put back before the next is drawn. Below each of the ten clips
    stands how it fared: some were drawn once, some twice, one above the other, and some never, an
    empty ring. In this draw 376 were right, an accuracy of 0.94: a brick on an axis on the right.
    Two more draws have 0.955 and 0.965. Then a histogram shows the accuracies of 5,000 such draws,
    a hill around 0.95. The middle 95 percent are coloured. They lie between 0.93 and 0.97: this is
    the 95 percent confidence interval.
    """
    numbers, radius = NUMBERS["bootstrap"], 9
    (low, high), floor, tall = numbers["interval"], 254, 170
    left, x0, across = 4, 288, 330
    wide = 0.8 * across * 12.5 / numbers["tested"]
    ten = (*range(23, 32), next(i for i in range(380, 400) if numbers["draws"][0][i] == "1"))

    def place(share: float) -> float:
        return x0 + across * (share - 0.91) / 0.08

    def brick(share: float) -> None:
        picture.bar((place(share) - wide / 2, floor - 12, wide, 12), colour=INK)

    def accuracy(times: str) -> float:
        return sum(map(int, times[: numbers["right"]])) / numbers["tested"]

    def shown(k: int, y: float) -> None:
        x = left + radius + 26 * k
        if ten[k] < numbers["right"]:
            picture.dots([(x, y)], radius=radius)
        else:
            for way in (1, -1):
                ends = (x - 7, y - 7 * way), (x + 7, y + 7 * way)
                picture.line(*ends, colour=ORANGE, width=4)

    words = f"{numbers['right']} of {numbers['tested']}, no silence"
    picture.text((left, 11), words, anchor="start", bold=True)
    picture.text((left, 42), "ten of the clips:", anchor="start")
    picture.text((left + 252, 42), "wrong", anchor="end", colour=ORANGE)
    for k in range(len(ten)):
        shown(k, 70)
    first, *others = numbers["draws"]
    with picture.step("draw 400, and put each back"):
        picture.text((left, 116), "draw 400, put each back:", anchor="start")
        for k, i in enumerate(ten):
            for copy in range(int(first[i])):
                shown(k, 144 + 24 * copy)
            if first[i] == "0":
                x = left + radius + 26 * k
                picture.ring((x - radius + 1, 145 - radius, 2 * radius - 2, 2 * radius - 2))
        picture.text((left, 204), "some twice, some never", anchor="start")
        words = f"this draw: {accuracy(first):.2f}"
        picture.text((left, floor), words, anchor="start", bold=True)
        words = "accuracy of a draw"
        picture.axis((x0, floor - tall, across, tall), 0.91, 0.99, 0.02, words)
        brick(accuracy(first))
    with picture.step("and again"):
        for times in others:
            brick(accuracy(times))
    size = dict(zip(numbers["counts"], numbers["often"], strict=True))
    high_bar = tall / max(numbers["often"])

    def bars(inside: bool) -> None:
        for count, often in size.items():
            share = count / numbers["tested"]
            if (low if inside else 0.91) <= share <= (high if inside else 0.99):
                box = place(share) - wide / 2, floor - high_bar * often, wide, high_bar * often
                picture.bar(box, colour=BLUE if inside else GREY)

    with picture.step("5,000 draws"):
        bars(inside=False)
        picture.text((x0 + across / 2, 11), "bootstrap: 5,000 draws", bold=True)
    with picture.step("the middle 95 %"):
        bars(inside=True)
        picture.bracket(place(low), place(high), 64, "95 % confidence interval", colour=BLUE)
        for share, side, anchor in ((low, -1, "end"), (high, 1, "start")):
            x = place(share)
            picture.line((x, 64), (x, floor), colour=BLUE)
            picture.text((x + 8 * side, 86), f"{share + 1e-9:.2f}", anchor=anchor, bold=True)


@drawing(height=304)
def calibration(picture: Picture) -> None:
    """How sure a logistic regression says it is, and how often it is right.

    It was asked about 400 clips that it had not learned from. They are grouped by the percentage
    that it gave to its answer, its confidence: 60 percent stands for 55 to 65. From left to right
    goes the confidence, from bottom to top the share that was right. On a diagonal, what it says
    comes true: perfect calibration. The space above is called underconfident, not sure enough, and
    the space below overconfident, too sure. A dot stands for each group, and an upright line
    through the dot is its 95 percent interval. The group at 60 percent is pointed at: 12 of 19
    clips were right, which is hardly above the diagonal, but it could be 41 to 81 percent. In the
    other groups, right were 9 of 18 clips below 45 percent, 6 of 11 at about 50, 19 of 19 at about
    70, 22 of 25 at about 80, 46 of 47 at about 90, and 261 of 261 above 95. The upright lines are
    long where clips are few, and short at 90 and above 95. All cross the diagonal but the one at
    70 percent, which lies above it. No dot lies below.
    """
    bins, left, right, top, floor = NUMBERS["calibration"], 76, 604, 32, 240

    def across(share: float) -> float:
        return left + (right - left) * share

    def height(share: float) -> float:
        return floor - (floor - top) * share

    def shown(own: dict, colour: str) -> None:
        x, (low, high) = across(own["says"]), map(height, own["interval"])
        picture.line((x, low), (x, high), colour=colour, width=3.5)
        picture.dots([(x, height(own["right"] / own["clips"]))], colour=colour, radius=7)

    diagonal = (across(0), height(0)), (across(1), height(1))
    for share in (0, 0.5, 1):
        end = left + 8 if share == 0.5 else right
        picture.line((left, height(share)), (end, height(share)), colour=GREY, width=1)
        picture.text((left - 6, height(share)), f"{100 * share:.0f} %", anchor="end")
    picture.text((left, 9), "share that is right", anchor="start")
    for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
        x = across(share)
        picture.line((x, floor), (x, floor + 6), colour=GREY)
        look = {"colour": ORANGE, "bold": True} if share == 0.6 else {}
        picture.text((x, floor + 19), f"{100 * share:.0f} %", **look)
    picture.text((across(0.5), floor + 48), "confidence of logistic regression")
    with picture.step("what should come true"):
        picture.line(*diagonal, colour=GREEN, width=3)
        at = across(0.2), height(0.11)
        picture.text(at, "perfect calibration", anchor="start", colour=GREEN)
    with picture.step("the two sides"):
        picture.polygon(*diagonal, (left, top), colour=SKY, edge=False)
        picture.polygon(*diagonal, (right, floor), colour=ORANGE, edge=False)
        picture.text((left + 12, 60), "underconfident:", anchor="start", bold=True)
        picture.text((left + 12, 84), "not sure enough", anchor="start")
        picture.text((right - 12, 188), "overconfident:", anchor="end", bold=True)
        picture.text((right - 12, 212), "too sure", anchor="end")
    with picture.step("of 19 clips at 60 %, 12 were right"):
        own = bins[2]
        shown({**own, "interval": [own["right"] / own["clips"]] * 2}, ORANGE)
        words = f"{own['right']} of {own['clips']} right"
        at = across(own["says"]) + 14, height(0.55)
        picture.text(at, words, anchor="start", colour=ORANGE, bold=True)
    with picture.step("what 19 clips can say"):
        shown(own, ORANGE)
        low, high = own["interval"]
        words = f"could be {100 * low:.0f} to {100 * high:.0f} %"
        at = across(own["says"]) + 14, height(0.43)
        picture.text(at, words, anchor="start", colour=ORANGE)
    with picture.step("all the others"):
        for own in (*bins[:2], *bins[3:]):
            shown(own, BLUE)

"""Lesson 4: from windows to events, and two ways to count what a detector finds."""

import json
from itertools import groupby

from .shapes import BLUE, DATA, GREEN, GREY, INK, ORANGE, PURPLE, Box, Picture, drawing

WINDOW, HOP = 0.96, 0.5  # s
NUMBERS = json.loads((DATA / "detection.json").read_text(encoding="utf-8"))


@drawing(height=294)
def four_steps(picture: Picture) -> None:
    """How eight seconds with four animals become six events, in four steps on one time axis.

    At the top is the spectrogram. Step 1, cut: fifteen windows of 0.96 seconds lie below it, on two
    rows; a new one begins every half second. Step 2, score: below the middle of each window is a
    bar, on a scale from 0 to 1. It is the score of the best class, whose name stands below: dog,
    twice cat, three times rooster, cat, hen, three times cow, three times crow, cat. Step 3, keep:
    a dashed line marks the threshold, at 0.57. The nine bars over it turn blue, and their windows are
    kept; the six other windows are dropped. Step 4, join: neighbouring windows of one animal become
    one event. The six events are dog 0 to 0.96 seconds, cat 0.5 to 1.96, rooster 2 to 3.46, cat 3
    to 3.96, cow 4 to 5.46 and crow 5.5 to 6.46.
    """
    left, width = 101, 519
    scale = width / NUMBERS["duration"]

    def at(seconds: float) -> float:
        return left + seconds * scale

    windows = [(name, score, at(i * HOP)) for i, (name, score) in enumerate(NUMBERS["windows"])]
    kept = [i for i, (_, score, _) in enumerate(windows) if score > NUMBERS["threshold"]]
    wide, top, high = WINDOW * scale, 86, 62
    base, line = top + high, top + high * (1 - NUMBERS["threshold"])
    cut, keep, join = 45, base + 30, base + 68

    def window(i: int, y: float) -> Box:
        return windows[i][2] + 1, y + 17 * (i % 2), wide - 2, 15

    def bar(i: int) -> Box:
        _, score, x = windows[i]
        return x + wide / 2 - 12, base - score * high, 24, score * high

    picture.strip((left, 0, width, 40), "metro_mixture.png")
    picture.axis((left, 2, width, join + 47), 0, NUMBERS["duration"], 1, words="")
    picture.text((left + width + 8, join + 66), "s", anchor="start")

    with picture.step("cut"):
        picture.text((0, cut + 16), "1 cut", anchor="start", bold=True)
        for i in range(len(windows)):
            with picture.moving(-HOP * scale):
                picture.box(window(i, cut), colour=INK)
    with picture.step("score"):
        picture.text((0, top + 2), "2 score", anchor="start", bold=True)
        picture.text((0, base + 15), "best class", anchor="start")
        for value in (0, 1):
            picture.text((left + 5, base - 11 - value * (high - 12)), f"{value}", anchor="start")
        picture.line((left, top), (left, base), (left + width, base), colour=GREY)
        for i in range(len(windows)):
            picture.bar(bar(i), colour=GREY)
        for name, run in groupby(windows, key=lambda window: window[0]):
            centres = [x + wide / 2 for _, _, x in run]
            picture.line((centres[0] - 13, base + 4), (centres[-1] + 13, base + 4))
            nudge = 8 if name == "hen" else 0  # away from a near neighbour
            picture.text((sum(centres) / len(centres) + nudge, base + 15), name)
    with picture.step("keep"):
        picture.text((0, keep + 16), "3 keep", anchor="start", colour=ORANGE, bold=True)
        picture.line((left, line), (left + width, line), colour=ORANGE, dashed=True)
        picture.text((0, line), "threshold", colour=ORANGE, anchor="start")
        for i in kept:
            with picture.moving(0, cut - keep):
                picture.box(window(i, keep), colour=BLUE)
            picture.bar(bar(i))
    with picture.step("join"):
        picture.text((0, join + 22), "4 join", anchor="start", bold=True)
        for i, (name, onset, offset) in enumerate(NUMBERS["events"]):
            y = join + 23 * (i % 2)
            length = (offset - onset) * scale
            with picture.moving(0, keep - join):
                picture.box((at(onset) + 1, y, length - 2, 22), name, colour=BLUE, bold=True)


BARKS = (0.5, 1.9), (3.1, 4.6)  # an invented example: reference, and output of the system
FOUND = (0.8, 1.8), (4.1, 5.9)
COLLAR = 0.5  # s


def hatched(picture: Picture, box: Box, pitch: float = 11) -> None:
    """Draw what a detector reports as everywhere in the course: an edge and slanted lines."""
    x, y, width, height = box
    picture.line((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y), colour=BLUE)
    for k in range(1, int((width + height) / pitch) + 1):
        start, end = max(0, k * pitch - height), min(width, k * pitch)
        picture.line((x + start, y + k * pitch - start), (x + end, y + k * pitch - end), colour=BLUE)


@drawing(height=320)
def two_counts(picture: Picture) -> None:
    """One output of a detector, counted in two ways: event-based and segment-based.

    On a time axis of six seconds, the reference has a dog from 0.5 to 1.9 and from 3.1 to 4.6
    seconds. Below it, the system, hatched, reports one from 0.8 to 1.8 and from 4.1 to 5.9 seconds. Around
    each true onset a shaded band shows the collar: the start may be off by 0.5 seconds each way.
    Event-based: the first report begins inside the band, in time, and it is a hit. The
    second begins outside, too late, so the true bark is a miss and the report is a false alarm.
    Segment-based, second by second: the first two are hits, the third is empty, the fourth is a
    miss, the fifth a hit, the sixth a false alarm.
    """
    left, scale = 158, 79
    truth, system, why, by_event, by_second = 40, 72, 122, 140, 204

    def at(seconds: float) -> float:
        return left + seconds * scale

    def verdict(span: tuple[float, float], y: float, height: float, words: str) -> None:
        colour = {"hit": BLUE, "miss": INK}.get(words, ORANGE)
        x, length = at(span[0]), (span[1] - span[0]) * scale
        middle, y_middle = x + length / 2, y + height / 2
        picture.box((x + 2, y, length - 4, height), colour=colour, dashed=words == "miss")
        long = "\n" in words
        picture.text((middle + (6 if long else 9), y_middle), words)  # beside a mark
        mark = middle - {"hit": 16, "miss": 26, "false alarm": 57}.get(words, 27)
        if words == "hit":
            check = (mark - 7, y_middle), (mark - 2, y_middle + 6), (mark + 6, y_middle - 7)
            picture.line(*check, colour=BLUE, width=3)
        elif words == "miss":
            picture.line((mark - 6, y_middle), (mark + 5, y_middle), width=3)
        else:
            place = mark, y_middle - (12 if long else 0)
            picture.dots([place], colour=ORANGE, radius=6, shape="cross")

    def bars() -> None:
        for onset, offset in BARKS:
            picture.bar((at(onset), truth, (offset - onset) * scale, 26), colour=GREEN)
        for onset, offset in FOUND:
            hatched(picture, (at(onset), system, (offset - onset) * scale, 26))

    picture.axis((left, 0, 6 * scale, 266), 0, 6, 1)
    picture.text((0, truth + 13), "reference", colour=GREEN, anchor="start")
    picture.text((0, system + 13), "system", colour=BLUE, anchor="start")
    bars()
    with picture.step("collar"):
        for onset, _ in BARKS:
            start, end = at(onset - COLLAR), at(onset + COLLAR)
            picture.box((start, 28, end - start, 78), colour=PURPLE, edge=False)
            picture.bracket(start, end, 28, colour=PURPLE)
        bars()  # above the bands
        words = "collar: start within ± 0.5 s"
        picture.text((at(0), 13), words, colour=PURPLE, anchor="start")
    with picture.step("count events"):
        picture.text((0, by_event + 15), "by event", anchor="start", bold=True)
        picture.text((0, by_event + 39), "event-based", anchor="start")
        for (onset, _), words in zip(FOUND, ("starts on time", "starts too late"), strict=True):
            picture.line((at(onset), system), (at(onset), why + 8), width=3)
            picture.text((at(onset) + 8, why), words, anchor="start")
        verdict(BARKS[0], by_event, 54, "hit")
        verdict(BARKS[1], by_event, 26, "miss")
        verdict(FOUND[1], by_event + 28, 26, "false alarm")
    with picture.step("count seconds"):
        picture.text((0, by_second + 15), "by second", anchor="start", bold=True)
        picture.text((0, by_second + 39), "segment-based", anchor="start")
        for i in range(7):
            picture.line((at(i), truth), (at(i), system + 26), colour=GREY)
        bars()  # above the lines
        for i, kind in enumerate(("hit", "hit", "", "miss", "hit", "false\nalarm")):
            if kind:
                verdict((i, i + 1), by_second, 54, kind)

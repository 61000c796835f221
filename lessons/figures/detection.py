"""Lesson 4: from windows to events, and two ways to count what a detector finds."""

import json
from itertools import groupby

from .shapes import BLUE, DATA, GREEN, GREY, INK, ORANGE, PURPLE, Box, Picture, drawing

WINDOW, HOP = 0.96, 0.5  # s
NUMBERS = json.loads((DATA / "detection.json").read_text(encoding="utf-8"))


@drawing(height=356)
def four_steps(picture: Picture) -> None:
    """How eight seconds with four animals become six events, in four steps on one time axis.

    At the top is the spectrogram. Step 1, cut: fifteen windows of 0.96 seconds lie below it, on two
    rows; a new one begins every half second. Step 2, score: below each window stands its highest
    score as a bar, with the animal that it is for: dog, twice cat, three times rooster, cat, hen,
    three times cow, three times crow, cat. Step 3, keep: a dashed line marks the threshold, 0.57.
    The nine bars above it, and their windows, are filled; the six others stay grey. Step 4, join:
    neighbouring windows of one animal become one event. The six events are dog 0 to 0.96 seconds,
    cat 0.5 to 1.96, rooster 2 to 3.46, cat 3 to 3.96, cow 4 to 5.46 and crow 5.5 to 6.46.
    """
    left, width = 96, 536
    scale = width / NUMBERS["duration"]

    def at(seconds: float) -> float:
        return left + seconds * scale

    windows = [(name, score, at(i * HOP)) for i, (name, score) in enumerate(NUMBERS["windows"])]
    kept = [i for i, (_, score, _) in enumerate(windows) if score > NUMBERS["threshold"]]
    wide, top, high = WINDOW * scale, 130, 74
    base, line = top + high, top + high * (1 - NUMBERS["threshold"])

    def window(i: int) -> Box:
        return windows[i][2] + 1, 76 + 24 * (i % 2), wide - 2, 20

    def bar(i: int) -> Box:
        _, score, x = windows[i]
        return x + wide / 2 - 10, base - score * high, 20, score * high

    picture.text((0, 34), "sound", anchor="start")
    picture.strip((left, 2, width, 64), "metro_mixture.png")
    picture.axis((left, 2, width, 299), 0, NUMBERS["duration"], 1)

    with picture.step("cut"):
        picture.text((0, 98), "1 cut", anchor="start", bold=True)
        for i in range(len(windows)):
            picture.box(window(i), colour=GREY)
    with picture.step("score"):
        picture.text((0, 138), "2 score", anchor="start", bold=True)
        for i in range(len(windows)):
            picture.bar(bar(i), colour=GREY)
        for name, run in groupby(windows, key=lambda window: window[0]):
            centres = [x + wide / 2 for _, _, x in run]
            picture.line((centres[0] - 13, base + 4), (centres[-1] + 13, base + 4))
            nudge = 5 if name == "hen" else 0  # away from a near neighbour
            picture.text((sum(centres) / len(centres) + nudge, base + 18), name)
    with picture.step("keep"):
        picture.text((0, line), "3 keep", anchor="start", colour=ORANGE, bold=True)
        picture.line((left, line), (left + width, line), colour=ORANGE, dashed=True)
        value = f"over {NUMBERS['threshold']}"
        picture.text((left + width, line - 15), value, colour=ORANGE, anchor="end")
        for i in kept:
            x, y, length, height = window(i)
            picture.bar((x - 1, y - 1, length + 2, height + 2))
            picture.bar(bar(i))
    with picture.step("join"):
        picture.text((0, 270), "4 join", anchor="start", bold=True)
        for i, (name, onset, offset) in enumerate(NUMBERS["events"]):
            y = 242 + 29 * (i % 2)
            length = (offset - onset) * scale
            picture.box((at(onset) + 1, y, length - 2, 26), name, colour=BLUE, bold=True)


BARKS = (0.5, 1.9), (3.1, 4.6)  # an invented example: reference, and output of the system
FOUND = (0.8, 1.8), (4.1, 5.8)
COLLAR = 0.5  # s


@drawing(height=296)
def two_counts(picture: Picture) -> None:
    """One output of a detector, counted in two ways: by event and by second.

    On a time axis of six seconds, the reference has a dog from 0.5 to 1.9 and from 3.1 to 4.6
    seconds. Below it, the system reports one from 0.8 to 1.8 and from 4.1 to 5.8 seconds. Around
    each true onset a shaded band shows the collar, 0.5 seconds each way. By event: the first report
    begins inside the band and is a hit. The second begins outside, so the true bark is a miss and
    the report is a false alarm. By second: the first two seconds are hits, the third is empty, the
    fourth is a miss, the fifth a hit, the sixth a false alarm.
    """
    left, scale = 108, 87
    truth, system, by_event, by_second = 36, 72, 116, 178

    def at(seconds: float) -> float:
        return left + seconds * scale

    def verdict(span: tuple[float, float], y: float, height: float, words: str) -> None:
        colour = {"hit": GREEN, "miss": INK}.get(words, ORANGE)
        x, length = at(span[0]), (span[1] - span[0]) * scale
        middle, y_middle = x + length / 2, y + height / 2
        picture.box((x + 2, y, length - 4, height), colour=colour, dashed=words == "miss")
        shift = 0 if words == "miss" else 8  # beside a mark
        picture.text((middle + shift, y_middle), words)
        if words == "hit":
            picture.dots([(middle - 20, y_middle)], colour=GREEN, radius=7)
        elif words != "miss":
            aside = 30 if "\n" in words else 60
            picture.dots([(middle - aside, y_middle)], colour=ORANGE, radius=6, shape="cross")

    picture.axis((left, 0, 6 * scale, 240), 0, 6, 1)

    def bars() -> None:
        for y, spans, colour in ((truth, BARKS, GREEN), (system, FOUND, BLUE)):
            for onset, offset in spans:
                picture.bar((at(onset), y, (offset - onset) * scale, 28), colour=colour)

    picture.text((0, truth + 14), "reference", colour=GREEN, anchor="start")
    picture.text((0, system + 14), "system", colour=BLUE, anchor="start")
    bars()
    with picture.step("collar"):
        for onset, _ in BARKS:
            start, end = at(onset - COLLAR), at(onset + COLLAR)
            picture.box((start, 24, end - start, 82), colour=PURPLE, edge=False)
            picture.bracket(start, end, 24, colour=PURPLE)
            picture.line((at(onset), 24), (at(onset), 106), colour=PURPLE, dashed=True)
        bars()  # above the bands
        picture.text((end + 10, 15), "collar: ± 0.5 s", colour=PURPLE, anchor="start")
    with picture.step("count events"):
        picture.text((0, by_event + 27), "by event", anchor="start")
        verdict(BARKS[0], by_event, 54, "hit")
        verdict(BARKS[1], by_event, 25, "miss")
        verdict(FOUND[1], by_event + 29, 25, "false alarm")
    with picture.step("count seconds"):
        picture.text((0, by_second + 27), "by second", anchor="start")
        for i in range(7):
            picture.line((at(i), truth - 6), (at(i), system + 34), colour=GREY)
        for i, kind in enumerate(("hit", "hit", "", "miss", "hit", "false\nalarm")):
            if kind:
                verdict((i, i + 1), by_second, 54, kind)

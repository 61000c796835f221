"""Lesson 6: a better detector."""

import json
from contextlib import nullcontext

import numpy as np
from scipy import ndimage

from course_utils import events

from .shapes import BLUE, DATA, GREEN, GREY, INK, ORANGE, Picture, drawing

SMOOTH = 11  # windows, about 1 s
PANELS = (("−6 dB", "quieter", 0.5, "½ × rain"), ("0 dB", "equal", 1, "1 × rain"), ("6 dB", "louder", 2, "2 × rain"))


@drawing(height=376)
def event_to_background(picture: Picture) -> None:
    """The event-to-background ratio, here of a bark to the rain around it: minus 6, 0 and 6 decibels.

    Three spectrograms stand side by side, each of one second, up to 4 kilohertz. At minus 6 decibels the bark is a
    faint shimmer that is easily overlooked. At 0 decibels it can be seen, and at 6 decibels it is far brighter than the
    rain around it. Below each bark a bar shows its amplitude, and a grey band that runs through all three shows that of
    the rain, which stays the same. The bark has half the amplitude of the rain, then the same, then twice as much.
    """
    left, width, pitch, top, tall, floor, unit = 62, 176, 196, 60, 130, 346, 52
    right = left + 2 * pitch + width
    picture.text(((left + right) / 2, 14), "event-to-background ratio of a bark in the rain")
    picture.text((left - 5, top + 10), "4 kHz", anchor="end")
    picture.text((left - 5, top + tall - 8), "0", anchor="end")
    picture.text((left, top + tall + 17), "0")
    picture.text((left + width, top + tall + 17), "1 s", anchor="end")
    picture.box((left, floor - unit, right - left, unit), colour=GREY, edge=False)
    picture.line((left, floor - unit), (right, floor - unit), colour=GREY)
    picture.line((left, floor), (right, floor))
    picture.text((right - 0.2 * width, floor - unit / 2), "rain")
    picture.text((left - 14, floor - 52), "amplitude", turned=True)
    for i, (ratio, name, amplitude, words) in enumerate(PANELS):
        with picture.step(ratio) if i else nullcontext():
            x = left + i * pitch
            start, end, high = x + 0.3 * width, x + 0.6 * width, unit * amplitude
            picture.text((x + width / 2, 44), ratio, bold=True)
            picture.strip((x, top, width, tall), f"bark_{name}.png")
            picture.bracket(start, end, top + tall + 12, colour=ORANGE, above=False)
            picture.bar((start, floor - high, end - start, high), colour=ORANGE)
            picture.text(((start + end) / 2, floor - high - 13), words, colour=ORANGE)
            if not i:
                picture.text(((start + end) / 2, floor + 17), "bark", colour=ORANGE)


@drawing(height=332)
def steps_to_better(picture: Picture) -> None:
    """The four steps from the simple detector to the better one.

    Each has a row with its name, a sketch of before and after, and a few words. Step 1, finer steps: a window
    begins every 0.096 seconds and no longer every 0.48 seconds, so five times as many ticks stand on a line. Step
    2, mixtures: the detector no longer learns from one animal alone, but from two that overlap in a background, and
    answers yes or no for each class. Step 3, thresholds: each of three classes has a threshold of its own, where
    one threshold was drawn through all. Step 4, smoothing: a median filter joins the four pieces of a broken event
    into one event.
    """
    pitch, wide, before, after, words = 82, 72, 184, 290, 384
    texts = {
        "1 finer steps": "a window every\n0.096 s, not 0.48 s",
        "2 mixtures": "trained on mixtures,\nyes or no per class",
        "3 thresholds": "one for each class,\nnot one for all",
        "4 smoothing": "a median filter\njoins broken events",
    }
    for i, (name, said) in enumerate(texts.items()):
        y = pitch * (i + 0.5) + 2
        with picture.step(name) if i else nullcontext():
            if i:
                picture.line((0, y - pitch / 2), (640, y - pitch / 2), colour=GREY, width=1)
            picture.text((0, y), name, anchor="start", bold=True)
            picture.arrow((before + wide + 7, y), (after - 7, y), colour=GREY)
            picture.text((words, y), said, anchor="start")
            for x, colour, better in ((before, GREY, False), (after, BLUE, True)):
                SKETCHES[i](picture, (x, y), colour, better)


def _windows(picture: Picture, at: tuple, colour: str, better: bool) -> None:
    (x, y), n = at, 16 if better else 4
    picture.line((x, y + 14), (x + 72, y + 14), colour=colour)
    for i in range(n):
        place = x + 72 * i / (n - 1)
        picture.line((place, y - 14), (place, y + 14), colour=colour)


def _animals(picture: Picture, at: tuple, colour: str, better: bool) -> None:
    x, y = at
    if better:
        picture.box((x, y - 26, 72, 52), colour=GREY)
        picture.bar((x + 26, y + 3, 40, 14), colour=ORANGE)
    picture.bar((x + 6, y - 16 if better else y - 7, 44, 14), colour=colour)


def _levels(picture: Picture, at: tuple, colour: str, better: bool) -> None:
    x, y = at
    for i, tall in enumerate((30, 52, 40)):
        picture.bar((x + 26 * i, y + 28 - tall, 18, tall), colour=colour)
        height = y + 28 - 0.6 * tall if better else y
        picture.line((x - 4 + 26 * i, height), (x + 22 + 26 * i, height), colour=ORANGE if better else INK, width=3)


def _pieces(picture: Picture, at: tuple, colour: str, better: bool) -> None:
    x, y = at
    for start, length in ((0, 72),) if better else ((0, 14), (20, 22), (47, 8), (60, 12)):
        picture.bar((x + start, y - 9, length, 18), colour=colour)


SKETCHES = (_windows, _animals, _levels, _pieces)


@drawing(height=366)
def smoothing(picture: Picture) -> None:
    """How a median filter turns the pieces of an event into one event.

    At the top is the score of the crickets in the first five seconds of a mixture. It is jagged, and crosses its
    threshold of 0.25 again and again in the first four seconds. Below it, each stretch over the threshold is a bar:
    nine pieces. Then comes the score after a median filter, which runs evenly and crosses the threshold once. One of
    its points is shown in the making: an arrow leads to it from eleven scores of the upper curve, about a second of
    them, whose median it is. The arrow passes through a gap between two pieces, and the gap closes. The new bar is a
    single event, from 0 to 3.1 seconds. The true event, from 0.3 to 3.3 seconds, is the last bar and a pale band.
    """
    heard = json.loads((DATA / "crickets.json").read_text(encoding="utf-8"))
    scores, threshold, hop, window = (heard[key] for key in ("scores", "threshold", "hop", "window"))
    smooth = ndimage.median_filter(np.array(scores), size=SMOOTH, mode="nearest")
    left, scale, shown, tall, top = 150, 96, 5, 86, 0.7
    upper, lower = 38, 160  # where the curves begin
    half, middle = SMOOTH // 2, 16  # a window in a gap between two pieces

    def at(window_number: int) -> float:
        return left + (window / 2 + window_number * hop) * scale

    def height(y: float, value: float) -> float:
        return y + tall * (1 - value / top)

    def curve(y: float, values: np.ndarray, words: str, colour: str) -> None:
        points = [(at(i), height(y, value)) for i, value in enumerate(values) if at(i) <= left + shown * scale]
        picture.line((left, points[0][1]), *points, colour=colour, width=2.5)  # the first window covers the beginning
        picture.line((left, height(y, threshold)), (left + shown * scale, height(y, threshold)), dashed=True)
        picture.text((left + shown * scale, height(y, threshold) - 13), "threshold", anchor="end")
        picture.text((left - 10, y + 46), words, colour=colour, anchor="end")

    def row(y: float, spans: list, words: str, colour: str) -> None:
        for onset, offset in spans:
            picture.bar((left + onset * scale, y, (offset - onset) * scale, 20), colour=colour)
        picture.text((left - 10, y + 10), words, colour=colour, anchor="end")

    def found(**lengths: float) -> list:
        rows = np.array(scores)[:, None]
        return events.events_by_class(rows, ["crickets"], hop, window, threshold, **lengths)[["onset", "offset"]].values

    onset, offset = (left + time * scale for time in heard["true"])
    picture.polygon((onset, upper), (offset, upper), (offset, 286), (onset, 286), colour=GREEN, edge=False)
    curve(upper, scores, "score of\nthe crickets", BLUE)
    picture.axis((left, 0, shown * scale, 314), 0, shown, 1)
    row(286, [heard["true"]], "true event", GREEN)
    with picture.step("pieces"):
        row(132, found(), f"{len(found())} pieces", BLUE)
    with picture.step("the median"):
        curve(lower, smooth, "after the\nmedian filter", ORANGE)
        picture.bracket(at(middle - half), at(middle + half), 28, f"{SMOOTH} scores, about 1 s")
        around = range(middle - half, middle + half + 1)
        picture.dots([(at(i), height(upper, scores[i])) for i in around], colour=BLUE, radius=4.5)
        end = height(lower, smooth[middle])
        picture.arrow((at(middle), height(upper, scores[middle]) + 8), (at(middle), end - 7))
        picture.dots([(at(middle), end)], colour=ORANGE, radius=6)
        picture.text((at(middle) + 12, lower + 14), "their median", anchor="start")
    with picture.step("one event"):
        row(254, found(smooth=1.0, shortest=0.5), "1 event", ORANGE)

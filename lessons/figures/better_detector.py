"""Lesson 6: a better detector."""

import json
from contextlib import nullcontext

import numpy as np
from scipy import ndimage

from course_utils import events

from .shapes import BLUE, DATA, GREEN, GREY, ORANGE, Picture, drawing

SMOOTH = 11  # windows, about 1 s


@drawing(height=346)
def event_to_background(picture: Picture) -> None:
    """How one bark stands out from the same rain, at three event-to-background ratios.

    Three spectrograms stand side by side, each of one second, up to 4 kilohertz. At minus 6 decibels the bark is a
    faint shimmer that is easily overlooked. At 0 decibels it can be seen, and at 6 decibels it is far brighter than the
    rain around it. Bars below compare the amplitudes: the rain is always the same, and the bark has half the amplitude
    of the rain, then the same, then twice as much.
    """
    width, wide, floor, unit = 190, 54, 310, 42
    panels = (("−6 dB", "quieter", 0.5), ("0 dB", "equal", 1), ("6 dB", "louder", 2))
    for i, (ratio, name, amplitude) in enumerate(panels):
        with picture.step(ratio) if i else nullcontext():
            left = 20 + i * 205
            middle = left + width / 2
            picture.text((middle, 14), ratio, bold=True)
            picture.strip((left, 30, width, 140), f"bark_{name}.png")
            high = unit * amplitude
            picture.bar((middle - wide - 6, floor - unit, wide, unit), colour=GREY)
            picture.bar((middle + 6, floor - high, wide, high), colour=ORANGE)
            picture.line((left + 20, floor), (left + width - 20, floor))
            picture.text((middle - 6 - wide / 2, floor + 18), "rain")
            picture.text((middle + 6 + wide / 2, floor + 18), "bark", colour=ORANGE)
    with picture.step("where the bark is"):
        for i in range(3):
            start = 20 + i * 205 + width * 0.3
            picture.bracket(start, start + width * 0.3, 180, "bark", colour=ORANGE, above=False)


@drawing(height=384)
def smoothing(picture: Picture) -> None:
    """How a median filter turns the pieces of an event into one event.

    At the top is the score of the crickets in a mixture of eight seconds. It is jagged, and crosses its threshold of
    0.25 again and again in the first four seconds. Below it, each stretch over the threshold is a bar: nine pieces.
    Then comes the median of eleven neighbouring scores, which runs evenly and crosses the threshold once. Its bar is a
    single event, from 0 to 3.1 seconds. The last bar is the true event, from 0.3 to 3.3 seconds.
    """
    heard = json.loads((DATA / "crickets.json").read_text(encoding="utf-8"))
    scores, threshold, hop, window = (heard[key] for key in ("scores", "threshold", "hop", "window"))
    left, scale, tall, top = 20, 75, 92, 0.7
    first, last = left + window / 2 * scale, left + (window / 2 + (len(scores) - 1) * hop) * scale

    def curve(y: float, values: np.ndarray, words: str, colour: str) -> None:
        picture.curve((first, y, last - first, tall), values, high=top, colour=colour)
        level = y + tall * (1 - threshold / top)
        picture.line((left, level), (left + 8 * scale, level), dashed=True)
        picture.text((left + 8 * scale, y + 14), words, colour=colour, anchor="end")

    def row(y: float, spans: list, words: str, colour: str) -> None:
        for onset, offset in spans:
            picture.bar((left + onset * scale, y, (offset - onset) * scale, 20), colour=colour)
        picture.text((left + 4.4 * scale, y + 10), words, colour=colour, anchor="start")

    def found(**lengths: float) -> list:
        rows = np.array(scores)[:, None]
        return events.events_by_class(rows, ["crickets"], hop, window, threshold, **lengths)[["onset", "offset"]].values

    curve(6, scores, "score of the crickets", BLUE)
    picture.text((left + 8 * scale, 54), "threshold", anchor="end")
    picture.axis((left, 0, 8 * scale, 326), 0, 8, 1)
    row(298, [heard["true"]], "the true event", GREEN)
    with picture.step("pieces"):
        row(106, found(), f"{len(found())} pieces", BLUE)
    with picture.step("the median"):
        smooth = ndimage.median_filter(np.array(scores), size=SMOOTH, mode="nearest")
        curve(146, smooth, f"median of {SMOOTH} neighbours", ORANGE)
    with picture.step("one event"):
        row(246, found(smooth=1.0, shortest=0.5), "1 event", ORANGE)

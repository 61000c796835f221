"""Lesson 2: how YAMNet hears."""

import json

from .shapes import BLUE, DATA, GREY, ORANGE, Picture, drawing

WINDOW, HOP = 0.96, 0.48  # seconds
HEARD = json.loads((DATA / "yamnet.json").read_text(encoding="utf-8"))


@drawing(height=374)
def yamnet_windows(picture: Picture) -> None:
    """How YAMNet cuts a clip of 4.92 seconds into ten windows, and what each of them gives.

    At the top is the spectrogram of the clip, which has 64 bands: somebody speaks, then somebody whistles. Below it, on
    a common time axis, ten bars go down like stairs, one for each window. The first window is 0.96 seconds long, which
    is 96 frames of the spectrogram. The next one begins 0.48 seconds later, so each window overlaps half of the one
    before. The tenth window begins at 4.32 seconds and ends at 5.28, beyond the end of the clip. That part of it is
    grey: it is padded with zeros. From each window an arrow leads to the right, to a row of 521 scores of its own.
    Three columns of them are drawn: Speech is high in the first two rows, Whistle or Whistling in most of the others.
    """
    clip = HEARD["clip"]
    n = len(clip["scores"])
    left, scale, top, tall, pitch, high = 36, 75, 34, 84, 19, 15
    first = top + tall + 10  # where the bars begin
    bottom = first + n * pitch + 2
    end, padded = left + clip["seconds"] * scale, left + ((n - 1) * HOP + WINDOW) * scale
    x_scores, cell = 478, 34

    picture.strip((left, top, end - left, tall), "speech_whistling.png")
    picture.text((16, top + tall / 2), "64 bands", turned=True)
    picture.axis((left, top, padded - left, bottom - top), 0, (padded - left) / scale, 1)

    def place(i: int) -> tuple[float, float]:
        return left + i * HOP * scale, first + i * pitch

    def window(i: int) -> None:
        x, y = place(i)
        picture.box((x + 1, y, WINDOW * scale - 2, high), colour=BLUE)

    with picture.step("one window"):
        window(0)
        picture.text((left + WINDOW * scale + 12, first + high / 2), "window 1: 0.96 s", anchor="start")
        picture.bracket(left, left + WINDOW * scale, top - 5, "96 frames", tick=5)
    with picture.step("the next begins 0.48 s later"):
        window(1)
        x, y = place(1)
        picture.arrow((left, y + high / 2), (x, y + high / 2), colour=ORANGE)
        picture.text((left, y + pitch + high / 2), "0.48 s", anchor="start", colour=ORANGE)
    with picture.step("all windows"):
        for i in range(2, n):
            window(i)
        picture.text((left, place(6)[1] + high / 2), f"{n} windows", anchor="start")
    with picture.step("padding"):
        x, y = place(n - 1)
        picture.text((end, 12), "clip ends")
        picture.line((end, 24), (end, bottom), dashed=True)
        picture.bar((end, y, padded - end - 1, high), colour=GREY)
        picture.text((x - 10, y + high / 2), "padded with zeros", anchor="end")
    with picture.step("a row of scores each"):
        for k, name in enumerate([*clip["classes"], "…"]):
            at = x_scores + (k + 0.5) * cell, first - 8
            picture.text(at, name, anchor="start", turned=True)
        for i, row in enumerate(clip["scores"]):
            x, y = place(i)
            start = left + 278 if i == 0 else x + WINDOW * scale + 5
            picture.arrow((start, y + high / 2), (x_scores - 4, y + high / 2), colour=GREY)
            picture.cells((x_scores, y, cell * len(row), high), row)
            picture.text((x_scores + (len(row) + 0.5) * cell, y + high / 2 - 5), "…")
        picture.text((x_scores + 2 * cell, bottom + 28), "521 scores\nper window", colour=BLUE)


@drawing(height=358)
def separable_convolution(picture: Picture) -> None:
    """A full convolution beside its two cheap halves; every line is one weight, and four of 256 channels are drawn.

    On the left is the full convolution. Each of the four outputs is connected to all nine points of all four inputs, in
    a dense tangle of lines: for 256 channels, 9 times 256 times 256, which is 589,824 weights. On the right are its two
    halves. In the depthwise half, the nine points of each input meet in one point of their own, and no line crosses
    from one channel to another: 9 times 256 weights. In the pointwise half, each of these points is connected to each
    output by a single line: 256 times 256 weights. Together that makes 67,840. Two bars compare the sums: that of the
    halves is 8.7 times shorter.
    """
    n, each, pitch, top = 4, 11, 49, 38
    rows = [top + i * pitch for i in range(n)]
    middle = 2 * each  # of a patch of three by three, drawn as seen from the side
    below = top + n * pitch

    def at(x: float, y: float, column: float, row: float) -> tuple[float, float]:
        return x + column * each, y + (row + column / 3) * each

    def patches(x: float) -> None:
        for y in rows:
            for k in range(4):
                picture.line(at(x, y, k, 0), at(x, y, k, 3), colour=GREY, width=1.5)
                picture.line(at(x, y, 0, k), at(x, y, 3, k), colour=GREY, width=1.5)
        ends(x + 1.5 * each, "256 in")

    def ends(x: float, words: str) -> None:
        picture.text((x, below + 5), "⋮")
        picture.text((x, below + 28), words)

    def points(x: float, words: str) -> None:
        picture.dots([(x, y + middle) for y in rows], radius=6)
        ends(x, words)

    def nine(x: float, y: float, to: tuple[float, float]) -> None:
        for k in range(9):
            picture.line(at(x, y, k % 3 + 0.5, k // 3 + 0.5), to, colour=BLUE, width=0.9)

    x_in, x_full, x_left, x_middle, x_right = 24, 250, 372, 486, 600
    sums = below + 58
    for y in rows:
        for to in rows:
            nine(x_in, y, (x_full, to + middle))
    patches(x_in)
    points(x_full, "256 out")
    picture.text((x_full / 2 + 12, 14), "full convolution", bold=True)
    picture.text((x_full / 2 + 12, sums), "9 × 256 × 256")
    with picture.step("depthwise"):
        for y in rows:
            nine(x_left, y, (x_middle, y + middle))
        patches(x_left)
        points(x_middle, "256")
        picture.text((x_middle - 66, 14), "depthwise", bold=True)
        picture.text((x_middle - 64, sums), "9 × 256")
    with picture.step("pointwise"):
        for y in rows:
            for to in rows:
                picture.line((x_middle, y + middle), (x_right, to + middle), colour=BLUE, width=0.9)
        points(x_right, "256 out")
        picture.text((x_middle + 70, 14), "pointwise", bold=True)
        picture.text((x_middle, sums), "+")
        picture.text((x_middle + 70, sums), "256 × 256")
    with picture.step("how many weights"):
        full, halves = 9 * 256 * 256, 9 * 256 + 256 * 256
        for x, total in ((x_in, full), (x_left, halves)):
            picture.text((x, sums + 28), f"= {total:,} weights", anchor="start", bold=True)
            picture.bar((x, sums + 44, 250 * total / full, 14))
        picture.text((x_left + 250 * halves / full + 10, sums + 51), f"{full / halves:.1f} times fewer", anchor="start")


@drawing(height=290)
def three_summaries(picture: Picture) -> None:
    """Five seconds of crickets with a single bark, the ten scores of Dog, and three summaries of them.

    At the top left is the spectrogram: crickets all the time, and at 2.3 seconds a bark of about half a second. Below
    it, each window has a bar for its score of Dog. The fifth is 0.85, the one before it 0.20, the one after it 0.08,
    and the others are 0. To the right are the summaries, as bars of the same scale. The mean is 0.11. The maximum is
    0.85, as high as the highest bar: it finds the bark. The first window alone has 0.00.
    """
    scores = [row[0] for row in HEARD["bark"]["scores"]]
    seconds, wide = HEARD["bark"]["seconds"], 40
    left, scale, base, tall = 56, 58, 234, 120
    each = HOP * scale
    picture.strip((left, 26, seconds * scale, 70), "bark.png")
    picture.text((left, 12), "crickets", anchor="start")
    picture.text((left + 2.6 * scale, 12), "one bark", colour=ORANGE)
    picture.text((12, base - tall / 2), "score of Dog", turned=True)
    for value in (0, 1):
        picture.text((46, base - value * tall), f"{value}", anchor="end")
    picture.axis((left, base - tall, seconds * scale, tall), 0, seconds, 1)
    picture.bars((left + each / 2, base - tall, len(scores) * each, tall), scores)

    def summary(k: int, name: str, value: float) -> None:
        x, high = 416 + 90 * k, max(value * tall, 2)
        picture.bar((x - wide / 2, base - high, wide, high), colour=ORANGE)
        picture.text((x, base - high - 14), f"{value:.2f}", bold=name == "maximum")
        picture.text((x, base + 17 + 12 * name.count("\n")), name)

    def level(k: int, start: float, value: float) -> None:
        y = base - value * tall
        picture.line((start, y), (416 + 90 * k - wide / 2, y), dashed=True, colour=GREY)

    mean, highest = sum(scores) / len(scores), max(scores)
    with picture.step("mean"):
        level(0, left, mean)
        summary(0, "mean", mean)
    with picture.step("maximum"):
        level(1, left + (scores.index(highest) + 1.4) * each, highest)
        summary(1, "maximum", highest)
        picture.text((506, base - tall - 44), "finds\nthe bark", bold=True, colour=ORANGE)
    with picture.step("first window"):
        picture.arrow((left + each, base - 46), (left + each, base - 5), colour=ORANGE)
        picture.text((left + each, base - 60), "first", colour=ORANGE)
        summary(2, "first\nwindow", scores[0])

"""Lesson 2: how YAMNet hears."""

import json

from .shapes import BLUE, DATA, GREY, INK, ORANGE, Picture, drawing

WINDOW, HOP = 0.96, 0.48  # seconds
HEARD = json.loads((DATA / "yamnet.json").read_text(encoding="utf-8"))


@drawing(height=322)
def yamnet_windows(picture: Picture) -> None:
    """How YAMNet cuts a clip of 4.92 seconds into ten windows, and what each of them gives.

    At the top is the spectrogram of the original recording, somebody speaks, then somebody
    whistles. Below it, on a common time axis, ten numbered bars go down like stairs, one for each
    window. The first window is 0.96 seconds long, which is 96 frames of the spectrogram. The next
    one begins 0.48 seconds later, so each window overlaps half of the one before: this step is the
    hop. The tenth window begins at 4.32 seconds and ends at 5.28, beyond the end of the clip. The
    rest of it is grey, as is a piece that is added to the spectrogram: it is padded with zeros.
    From each window an arrow leads to the right, to a row of 521 scores of its own, from 0 to 1,
    the higher the stronger the colour. Three columns of them are drawn: Speech is high in the first
    two rows, Whistle or Whistling in most of the others.
    """
    clip = HEARD["clip"]
    n = len(clip["scores"])
    left, scale, top, tall, pitch, high = 14, 80, 38, 54, 17, 16
    first = top + tall + 8  # where the bars begin
    bottom = first + n * pitch + 2
    end, padded = left + clip["seconds"] * scale, left + ((n - 1) * HOP + WINDOW) * scale
    x_scores, cell = 478, 34

    picture.strip((left, top, end - left, tall), "speech_whistling.png")
    picture.axis((left, top, padded - left, bottom - top), 0, (padded - left) / scale, 1, words="")
    picture.text((padded, bottom + 17), "s")

    def place(i: int) -> tuple[float, float]:
        return left + i * HOP * scale, first + i * pitch

    def window(i: int) -> None:
        x, y = place(i)
        picture.box((x + 1, y, WINDOW * scale - 2, high), colour=BLUE)
        picture.text((x + WINDOW * scale + 4, y + high / 2), f"{i + 1}", anchor="start")

    with picture.step("one window"):
        window(0)
        picture.bracket(left, left + WINDOW * scale, top - 5, tick=5)
        picture.text((left, top - 20), "0.96 s = 96 frames", anchor="start")
    with picture.step("the next begins 0.48 s later"):
        with picture.moving(-HOP * scale, -pitch):
            window(1)
        x, y = place(1)
        picture.arrow((left, y + high / 2), (x, y + high / 2), colour=ORANGE)
        later = left, y + 2 * pitch + high / 2
        picture.text(later, "hop: 0.48 s", anchor="start", colour=ORANGE)
    with picture.step("all windows"):
        for i in range(2, n):
            with picture.moving(-HOP * scale, -pitch):
                window(i)
    with picture.step("zeros at the end"):
        x, y = place(n - 1)
        picture.text((end, top - 20), "clip ends", anchor="end")
        picture.box((end, top, padded - end, tall), colour=GREY, edge=False)
        picture.text(((end + padded) / 2, top + tall / 2), "zeros", turned=True)
        picture.line((end, top - 8), (end, top + tall), dashed=True)
        picture.bar((end, y, padded - end - 1, high), colour=GREY)
        picture.text((x - 10, y + high / 2), "padded with zeros", anchor="end")
    with picture.step("a row of scores each"):
        for k, name in enumerate([*clip["classes"], "…"]):
            at = x_scores + (k + 0.5) * cell, first - 5
            picture.text(at, name, anchor="start", turned=True)
        for i, row in enumerate(clip["scores"]):
            x, y = place(i)
            start, middle = x + WINDOW * scale + 18 + 11 * (i > 8), y + high / 2
            picture.arrow((start, middle), (x_scores - 4, middle), colour=GREY)
            picture.cells((x_scores, y, cell * len(row), high), row)
            if i % 2 == 0:  # the lines are lower than text
                picture.text((x_scores + (len(row) + 0.5) * cell, middle - 5), "…")
        centre = x_scores + 2 * cell
        picture.text((centre, bottom + 14), "521 scores each", colour=BLUE)
        picture.cells((centre - 50, bottom + 27, 100, 14), [0, 0.25, 0.5, 0.75, 1])
        picture.text((centre - 62, bottom + 34), "0")
        picture.text((centre + 62, bottom + 34), "1")


@drawing(height=336)
def separable_convolution(picture: Picture) -> None:
    """A full convolution beside a cheap pair of two; every line is one weight, drawn for one output.

    Four of 256 channels are drawn, as grids of three by three points. On the left is the full
    convolution, within and across channels at once: a single output is joined to all nine points of
    all inputs. That makes 9 times 256 times 256 weights. On the right is the pair. Its depthwise
    half stays within channels: the nine points of each input meet in one point of their own. Its
    pointwise half goes across channels: each of these points is joined to the output by a single
    line. That makes 9 times 256 plus 256 times 256 weights. At the bottom two bars compare the
    sums, 589,824 and 67,840: the pair has about one ninth of the weights.
    """
    n, each, pitch, top, output = 4, 9, 38, 54, 1
    rows = [top + i * pitch for i in range(n)]
    middle = 2 * each  # of a grid of three by three, drawn as seen from the side
    below = rows[-1] + 4 * each
    x_in, x_full, x_left, x_middle, x_right = 66, 206, 270, 442, 600

    def at(x: float, y: float, column: float, row: float) -> tuple[float, float]:
        return x + column * each, y + (row + column / 3) * each

    def grids(x: float) -> None:
        for y in rows:
            for k in range(4):
                picture.line(at(x, y, k, 0), at(x, y, k, 3), width=1.5)
                picture.line(at(x, y, 0, k), at(x, y, 3, k), width=1.5)
        ends(x + 1.5 * each, "256 in")

    def ends(x: float, words: str) -> None:
        picture.text((x, below + 8), "⋮")
        picture.text((x, below + 28), words)

    def outputs(x: float) -> None:
        picture.dots([(x, y + middle) for y in rows if y != rows[output]], radius=7, colour=GREY)
        picture.dots([(x, rows[output] + middle)], radius=8)
        ends(x, "256 out")

    def nine(x: float, y: float, to: tuple[float, float]) -> None:
        for k in range(9):
            start = at(x, y, k % 3 + 0.5, k // 3 + 0.5)
            picture.line(start, to, colour=BLUE, width=1.4)

    def title(start: float, end: float, name: str, what: str, formula: str) -> None:
        picture.text(((start + end) / 2, 12), name, bold=True)
        picture.text(((start + end) / 2, 35), what)
        picture.text(((start + end) / 2, below + 54), formula)

    for y in rows:
        nine(x_in, y, (x_full, rows[output] + middle))
    grids(x_in)
    picture.text((x_in - 5, top + middle), "3 × 3", anchor="end")
    outputs(x_full)
    title(x_in, x_full, "full convolution", "within and across", "9 × 256 × 256")
    with picture.step("depthwise"):
        for y in rows:
            nine(x_left, y, (x_middle, y + middle))
        grids(x_left)
        picture.dots([(x_middle, y + middle) for y in rows], radius=7)
        ends(x_middle, "256")
        title(x_left, x_middle, "depthwise", "within channels", "9 × 256")
    with picture.step("pointwise"):
        for y in rows:
            picture.line((x_middle, y + middle), (x_right, rows[output] + middle), colour=BLUE, width=2.5)
        outputs(x_right)
        title(x_middle, x_right, "pointwise", "across channels", "256 × 256")
        picture.text((x_middle, below + 54), "+")
    with picture.step("how many weights"):
        full, pair = 9 * 256 * 256, 9 * 256 + 256 * 256
        for k, (name, total) in enumerate((("full", full), ("pair", pair))):
            y, long = below + 86 + 25 * k, 430 * total / full
            picture.text((x_in - 8, y), name, anchor="end")
            picture.bar((x_in, y - 7, long, 14))
            words = f"{total:,}" + ", about one ninth of the weights" * k
            picture.text((x_in + long + 10, y), words, anchor="start", bold=True)


@drawing(height=320)
def three_summaries(picture: Picture) -> None:
    """Five seconds of crickets with a single bark, the ten scores of Dog, and three summaries.

    At the top left is the spectrogram: crickets all the time, and at 2.3 seconds a bark of about
    half a second. Below it are the scores of Dog in ten windows. The fifth has an orange bar of
    0.85; the one before it has 0.20, the one after it 0.08, and the other seven are 0, without a
    bar. To the right are the summaries, as bars of the same scale, with a dashed line, the
    threshold at 0.5: a bark is found if the summary is over it. The mean is 0.11. The maximum is
    0.85, as high as the highest bar: found. The first window alone has 0.00: it is before the bark.
    At the bottom it says what they are if the crickets go on for five minutes: the mean falls to
    0.002, the maximum and the first window stay as they are.
    """
    scores = [row[0] for row in HEARD["bark"]["scores"]]
    seconds, wide = HEARD["bark"]["seconds"], 40
    left, scale, base, tall = 56, 52, 228, 116
    each = HOP * scale
    right = left + seconds * scale
    centres = [left + (i + 1) * each for i in range(len(scores))]
    picture.strip((left, 26, seconds * scale, 62), "bark.png")
    picture.text((left, 12), "crickets", anchor="start")
    picture.text((left + 2.6 * scale, 12), "one bark", colour=ORANGE)
    picture.text((12, base - tall / 2), "score of Dog", turned=True)
    for value in (0, 1):
        picture.text((46, base - value * tall), f"{value}", anchor="end")
    picture.line((left, base - tall), (left, base), colour=GREY)
    picture.axis((left, base - tall, seconds * scale, tall), 0, seconds, 1)
    for x, score in zip(centres, scores, strict=True):
        if score:
            box = (x - 0.4 * each, base - score * tall, 0.8 * each, score * tall)
            picture.bar(box, colour=ORANGE if score == max(scores) else BLUE)
        else:
            picture.text((x, base - 12), "0", colour=BLUE)

    def summary(k: int, name: str, value: float, colour: str = GREY) -> None:
        x, high = 378 + 104 * k, value * tall
        if high:
            picture.bar((x - wide / 2, base - high, wide, high), colour=colour)
        picture.text((x, base - high - 14), f"{value:.2f}", bold=True)
        picture.text((x, base + 17), name, bold=True)

    half = base - 0.5 * tall
    picture.line((right + 14, half), (638, half), dashed=True)
    picture.text((638, half - 14), "threshold 0.5", anchor="end")
    with picture.step("mean"):
        summary(0, "mean", sum(scores) / len(scores))
    with picture.step("maximum"):
        summary(1, "maximum", max(scores), ORANGE)
        picture.text((482, base - max(scores) * tall - 40), "found", bold=True, colour=ORANGE)
    with picture.step("first window"):
        picture.arrow((centres[0], base - 58), (centres[0], base - 28))
        picture.text((centres[0] - 12, base - 70), "first", anchor="start")
        summary(2, "first", scores[0])
    with picture.step("five minutes"):
        many = 300 / HOP - 1  # windows
        picture.line((left, base + 58), (638, base + 58), colour=GREY)
        picture.text((left, base + 78), "in five minutes of crickets", anchor="start")
        stays = f"{max(scores):.2f}", f"{scores[0]:.2f}"
        for k, value in enumerate((f"{sum(scores) / many:.3f}", *stays)):
            picture.text((378 + 104 * k, base + 78), value, bold=True, colour=ORANGE if k == 1 else INK)

"""Lesson 1: from a sound to its tags."""

import json
from math import log10

from .shapes import BLUE, DATA, GREY, INK, ORANGE, PURPLE, Box, Picture, drawing

NUMBERS = json.loads((DATA / "tagging.json").read_text(encoding="utf-8"))


def _band(kilohertz: float) -> float:
    """Return how high in the 64 mel bands a frequency lies, from 0 to 1."""
    low, at, high = (log10(1 + f / 0.7) for f in (0.125, kilohertz, 7.5))
    return (at - low) / (high - low)


def _outline(picture: Picture, box: Box) -> None:
    """Draw the edge of a box, with sharp corners."""
    x, y, width, height = box
    right, low = x + width, y + height
    picture.line((x, y), (right, y), (right, low), (x, low), (x, y), colour=ORANGE)


@drawing(height=306)
def waveform_to_log_mel(picture: Picture) -> None:
    """How a sound becomes a log-mel spectrogram, on one spoken word.

    At the top is the waveform of a small part of it, 55 ms. Below it, two bars mark frames. Each is
    25 ms long, and the second begins 10 ms after the first, so they overlap. An arrow, the Fourier
    transform, leads from the first frame to its levels in 64 mel bands, drawn as bars from -60 to
    0 dB, with marks at 1 and 4 kHz. Beside them, the same levels are one column of colours,
    bright where the sound is loud. An arrow leads from this column to its place in the log-mel
    spectrogram on the right, where the columns of half a second stand side by side.
    """
    left, per_ms = 20, 600 / 55
    begin, frame = left + 10 * per_ms, 25 * per_ms  # of the frame that we follow
    picture.text((left, 11), "55 ms of a word", anchor="start")
    picture.curve((left, 22, 600, 48), NUMBERS["wave"], low=-1, high=1, colour=INK, width=1.5)

    with picture.step("frames"):
        for i, words in enumerate(("one frame: 25 ms", "the next frame")):
            box = begin + 10 * i * per_ms, 74 + 25 * i, frame, 22
            picture.box(box, words, colour=GREY if i else ORANGE)
        picture.box((begin, 22, frame, 50), colour=ORANGE, edge=False)
        following, y = begin + 10 * per_ms, 74 + 25 + 11
        picture.line((begin, 97), (begin, 121))
        picture.line((begin, y), (begin + 17, y))
        picture.text(((begin + following) / 2 - 3, y), "10 ms")
        picture.line((following - 23, y), (following, y))

    top, tall, strip = 163, 90, 218
    with picture.step("a frame becomes a column"):
        picture.arrow((begin - 2, 85), (110, 85), (110, top - 3), colour=ORANGE)
        picture.text((120, 139), "Fourier transform", colour=ORANGE, anchor="start")
        picture.text((left, top + tall + 39), "levels in 64 mel bands", anchor="start")
        each = tall / 64
        for i, value in enumerate(NUMBERS["column"]):
            picture.bar((70, top + tall - each * (i + 1), 110 * value, each - 0.4), colour=ORANGE)
        for kilohertz, words in ((1, "1 kHz"), (4, "4 kHz")):
            y = top + tall * (1 - _band(kilohertz))
            picture.line((65, y), (70, y), colour=GREY)
            picture.text((62, y), words, anchor="end")
        picture.line((70, top), (70, top + tall), (180, top + tall), colour=GREY)
        for x, words in ((70, "−60"), (180, "0 dB")):
            picture.line((x, top + tall), (x, top + tall + 6), colour=GREY)
            picture.text((x, top + tall + 17), words)
        picture.strip((strip, top, 24, tall), "tagging_column.png")
        _outline(picture, (strip, top, 24, tall))
    with picture.step("all frames"):
        box = 300, top, 320, tall
        picture.strip(box, "tagging_word.png")
        picture.axis(box, 0, 0.5, 0.1)
        wide, high = 320 / 50, top - 11
        column = 300 + 26 * wide
        _outline(picture, (column, top, wide, tall))
        way = (strip + 12, top - 2), (strip + 12, high), (column + wide / 2, high)
        picture.arrow(*way, (column + wide / 2, top), colour=ORANGE)
        picture.text((620, 137), "log-mel spectrogram", anchor="end", bold=True)


FAMILIES = (
    *("Human sounds", "Music", "Natural sounds", "Sounds of things", "Source-ambiguous sounds"),
    "Channel, environment and background",
)


@drawing(height=290)
def audioset_tree(picture: Picture) -> None:
    """A part of AudioSet's family tree of 632 kinds of sound, down to Purr.

    Seven families stand in a column on the left: Animal, Human sounds, Music, Natural sounds,
    Sounds of things, Source-ambiguous sounds, and Channel, environment and background. A coloured
    path leads from Animal to one of its three children, Domestic animals, pets; from there to Cat,
    beside Dog; and from Cat to Purr, beside Meow, Hiss and Caterwaul. Bark, Bay and others are
    children of Dog. A full dot marks the names that have labelled clips; Bay and five of the seven
    families have an empty one. A bar at the bottom shows that of the 632 kinds of sound, 527 have
    labelled clips, and 105 do not.
    """
    left, top, each, tree = 14, 54, 28, (20, 216, 406, 508)

    def name(column: int, y: float, words: str, clips: bool = True) -> None:
        if clips:
            picture.dots([(tree[column], y)], radius=6)
        else:
            picture.box((tree[column] - 5, y - 5, 10, 10), colour=GREY)
        picture.text((tree[column] + 14, y), words, anchor="start")

    def branch(column: int, start: float, *ends: float) -> None:
        spine = tree[column] - 24
        picture.line((spine, start), (spine, max(ends)), colour=GREY)
        for y in ends:
            picture.line((spine, y), (tree[column] - 10, y), colour=GREY)

    def path(column: int, width: float, lines: int = 1) -> None:
        start, tall = tree[column] - 12, 6 + 24 * lines
        if column:
            before = (112, 372, 466)[column - 1]
            picture.line((before, top), (start, top), colour=ORANGE, width=4)
        picture.box((start, top - tall / 2, width, tall), colour=ORANGE)

    picture.text((left, 12), "AudioSet: 632 kinds of sound", anchor="start", bold=True)
    path(0, 104)
    name(0, top, "Animal")
    for i, words in enumerate(FAMILIES):
        name(0, top + each * (i + 1), words, clips=words == "Music")
    with picture.step("the children of Animal"):
        branch(1, top, top + 60, top + 88)
        path(1, 168, lines=2)
        name(1, top, "Domestic\nanimals, pets")
        name(1, top + 60, "Livestock")
        name(1, top + 88, "Wild animals")
    with picture.step("down to Purr"):
        dog = top + 4 * each
        branch(2, top, dog)
        branch(3, top, *(top + each * i for i in (1, 2, 3)))
        picture.line((468, dog), (tree[3] - 24, dog), colour=GREY)
        branch(3, dog, dog, dog + each)
        path(2, 72)
        path(3, 80)
        name(2, top, "Cat")
        for i, words in enumerate(("Purr", "Meow", "Hiss", "Caterwaul")):
            name(3, top + each * i, words)
        name(2, dog, "Dog")
        name(3, dog, "Bark")
        name(3, dog + each, "Bay", clips=False)
        picture.text((tree[3] + 14, dog + 1.7 * each), "…", anchor="start")
    with picture.step("527 of 632"):
        having, y = 470 * 527 / 632, 268
        picture.box((left, y - 17, having, 34), colour=BLUE)
        picture.dots([(left + 70, y)], radius=6)
        picture.text((left + 84, y), "527 have labelled clips", anchor="start")
        picture.box((left + having, y - 17, 470 - having, 34), colour=GREY)
        picture.box((left + 483, y - 5, 10, 10), colour=GREY)
        picture.text((left + 501, y), "105 do not", anchor="start")


# of 5 s of sound, before the blocks and after each: frames, bands, channels
SIZES = (
    *((501, 64, 1), (250, 32, 64), (125, 16, 128), (62, 8, 256)),
    *((31, 4, 512), (15, 2, 1024), (15, 2, 2048)),
)


@drawing(height=314)
def cnn14(picture: Picture) -> None:
    """How CNN14 comes from a spectrogram to scores.

    On the left is the log-mel spectrogram of 5 seconds, 501 frames wide and 64 bands high. To its
    right stand six blocks of convolutions. Each of the first five halves time and frequency. The
    blocks get deeper from left to right: they have 64, 128, 256, 512, 1024 and 2048 channels. An
    arrow leads down from the last block: the mean over its bands, and then the mean plus the
    maximum over its frames, leave one number per channel, 2048 in all, drawn as a bar over the
    whole width. Below it, a dense layer leads to the embedding, another 2048 numbers. From there,
    one more dense layer leads to a bar that is only a quarter as long: 527 scores, one sigmoid per
    class.
    """
    x, base = 44, 131
    time, frequency, _ = SIZES[0]
    wide, tall = 5 * time**0.5, 11 * frequency**0.5
    picture.strip((x, base - tall, wide, tall), "tagging_cnn14.png")
    picture.text((x + wide / 2, base - tall - 13), f"{time} frames")
    picture.text((x - 16, base - tall / 2), f"{frequency} bands", turned=True)
    x += wide + 9
    with picture.step("six blocks"):
        picture.text((x, 11), "6 blocks of convolutions", anchor="start")
        picture.text((x - 9, base + 17), "channels:", anchor="end")
        start = x
        for i, (time, frequency, channels) in enumerate(SIZES[1:]):
            wide, tall, deep = 5 * time**0.5, 11 * frequency**0.5, 0.92 * channels**0.5
            y, right = base - tall, x + wide
            upper = (x, y), (x + deep, y - deep), (right + deep, y - deep), (right, y)
            side = (right, y), (right + deep, y - deep), (right + deep, base - deep), (right, base)
            for face in (((x, y), (right, y), (right, base), (x, base)), upper, side):
                picture.polygon(*face, colour=BLUE)
            middle = x + (wide + deep) / 2
            picture.text((middle, base + 17), f"{channels}")
            if i == 4:
                words = "five of them halve time and frequency"
                picture.bracket(start, right + deep, 52, tick=6)
                picture.text((start, 35), words, anchor="start")
            x = right + deep + 9
    with picture.step("pooling"):
        words = "mean over bands, mean plus maximum over frames"
        picture.text((middle - 12, 174), words, anchor="end")
        picture.arrow((middle, 160), (middle, 187))
        picture.box((20, 190, 600, 26), "one number per channel: 2048", colour=BLUE)
    with picture.step("embedding"):
        picture.polygon((20, 217), (620, 217), (620, 237), (20, 237), colour=GREY, edge=False)
        picture.text((320, 227), "dense layer")
        picture.box((20, 238, 600, 26), "embedding: 2048 numbers", colour=BLUE, bold=True)
    with picture.step("scores"):
        picture.polygon((20, 265), (620, 265), (174, 285), (20, 285), colour=GREY, edge=False)
        picture.text((110, 275), "dense layer")
        picture.box((20, 286, 154, 26), "527 scores", colour=BLUE, bold=True)
        picture.text((186, 299), "one sigmoid per class", anchor="start")


@drawing(height=306)
def tagging_and_detection(picture: Picture) -> None:
    """The same clip of about 5 seconds, speech and then whistling, tagged and searched for events.

    In the middle is its spectrogram. Above it, tagging gives two tags for the whole clip: Speech
    and Whistling, without times. Below it, detection gives a roll of events, a row for each class,
    over the same seconds as the spectrogram: Speech from 0.52 to 0.95 s, and Whistling from 1.69 to
    4.82 s. Each class has the same colour in both.
    """
    seconds, colours = NUMBERS["seconds"], (BLUE, PURPLE)
    left, wide, top = 20, 600, 52
    picture.strip((left, top, wide, 86), "tagging_clip.png")
    picture.axis((left, top, wide, 200), 0, seconds, 1)

    with picture.step("tagging"):
        picture.text((left, 22), "Tagging: what is in the clip?", anchor="start", bold=True)
        for i, (words, box) in enumerate({"Speech": (382, 100), "Whistling": (490, 130)}.items()):
            picture.box((box[0], 6, box[1], 32), words, colour=colours[i])
    with picture.step("detection"):
        picture.text((left, 162), "Detection: what, and when?", anchor="start", bold=True)
        for i, (words, (start, end)) in enumerate(NUMBERS["events"].items()):
            each = wide / seconds
            box = left + each * start, 182 + 34 * i, each * (end - start), 30
            picture.box(box, words if i else "", colour=colours[i])
            if not i:
                picture.text((box[0] + box[2] + 10, 197), words, anchor="start")

"""Lesson 1: from a sound to its tags."""

import json
from math import log10

from .shapes import BLUE, DATA, GREY, INK, ORANGE, Picture, drawing

NUMBERS = json.loads((DATA / "tagging.json").read_text(encoding="utf-8"))


def _mel(kilohertz: float) -> float:
    return 2595 * log10(1 + kilohertz / 0.7)


@drawing(height=380)
def waveform_to_log_mel(picture: Picture) -> None:
    """How a sound becomes a picture, on one spoken word.

    At the top is a small part of its waveform, 55 ms long; a magnifier shows that it consists of single samples. Below
    the waveform, three bars mark frames of 25 ms, and each begins 10 ms after the one before, so they overlap. The
    first frame is followed further: the levels of its 64 mel bands, in decibels, are drawn as bars, low frequencies
    below, and then as one column of colours, bright where the level is high. On the right, the columns of all frames of
    half a second stand side by side: this is the log-mel spectrogram, and the followed column is marked in it.
    """
    per_ms, left = 8, 20
    picture.curve((left, 8, 55 * per_ms, 74), NUMBERS["wave"], low=-1, high=1, colour=INK, width=1.5)
    first, wide = left + per_ms * NUMBERS["first"] / 16, per_ms * len(NUMBERS["samples"]) / 16
    picture.box((first, 8, wide, 74), colour=BLUE)
    picture.line((first + wide, 8), (504, 8), colour=GREY, width=1)
    picture.line((first + wide, 82), (504, 82), colour=GREY, width=1)
    picture.box((504, 8, 120, 74), colour=BLUE)
    for i, sample in enumerate(NUMBERS["samples"]):
        x, y = 514 + 100 / (len(NUMBERS["samples"]) - 1) * i, 45 - 33 * sample
        picture.line((x, 45), (x, y), colour=BLUE, width=1.5)
        picture.dots([(x, y)], radius=4)
    picture.text((564, 98), "samples")

    with picture.step("frames"):
        for i in range(3):
            start = left + (5 + 10 * i) * per_ms
            picture.box((start, 92 + 27 * i, 25 * per_ms, 24), colour=BLUE if i else ORANGE)
        picture.box((left + 5 * per_ms, 2, 25 * per_ms, 86), colour=ORANGE, edge=False)
        picture.text((left + 17.5 * per_ms, 104), "25 ms")
        picture.arrow((left + 30 * per_ms, 104), (left + 40 * per_ms, 104), head=9)
        picture.text((left + 41 * per_ms, 104), "10 ms later", anchor="start")

    top, tall, mel = 206, 120, 64
    with picture.step("a frame becomes a column"):
        picture.arrow((100, 118), (100, top - 6), colour=ORANGE)
        each = tall / mel
        for i, value in enumerate(NUMBERS["column"]):
            picture.bar((60, top + tall - each * (i + 1), 130 * value, each - 0.4), colour=ORANGE)
        for kilohertz in (1, 2, 4):
            y = top + tall * (1 - (_mel(kilohertz) - _mel(0.125)) / (_mel(7.5) - _mel(0.125)))
            picture.line((55, y), (60, y), colour=GREY)
            picture.text((50, y), f"{kilohertz}", anchor="end")
        picture.line((60, top), (60, top + tall), colour=GREY)
        picture.text((14, top - 14), "kHz", anchor="start")
        picture.text((125, top + tall + 17), "64 mel bands")
        picture.text((125, top + tall + 39), "level (dB)")
        picture.strip((212, top, 24, tall), "tagging_column.png")
        picture.box((212, top, 24, tall), colour=ORANGE)
    with picture.step("all frames"):
        picture.arrow((242, top + tall / 2), (280, top + tall / 2), colour=ORANGE)
        box = 290, top, 330, tall
        picture.strip(box, "tagging_word.png")
        picture.axis(box, 0, 0.5, 0.1)
        at = 290 + 6.6 * 26.5
        picture.arrow((at, top - 22), (at, top - 2), colour=ORANGE)
        picture.text((620, top - 16), "log-mel", anchor="end")


FAMILIES = (
    *("Human sounds", "Music", "Natural sounds", "Sounds of things", "Source-ambiguous sounds"),
    "Channel, environment and background",
)


@drawing(height=292)
def audioset_tree(picture: Picture) -> None:
    """A part of AudioSet's family tree, from Animal down to Purr, and how many of its kinds have clips.

    Seven families stand in a column on the left: Animal, Human sounds, Music, Natural sounds, Sounds of things,
    Source-ambiguous sounds, and Channel, environment and background. A coloured line leads from Animal to one of its
    three children, Domestic animals, pets; from there to Cat, beside Dog; and from Cat to Purr, beside Meow, Hiss and
    Caterwaul. Bark and Bay are children of Dog. A filled dot marks the names that have clips; Bay and five of the seven
    families have an empty one. A bar at the bottom shows that 527 of all 632 kinds of sound have clips, and 105 have
    none.
    """
    top, tree = 28, (20, 226, 424, 514)

    def name(column: int, y: float, words: str, clips: bool = True) -> None:
        if clips:
            picture.dots([(tree[column], y)], radius=6)
        else:
            picture.box((tree[column] - 5, y - 5, 10, 10), colour=GREY)
        picture.text((tree[column] + 14, y), words, anchor="start", bold=y == top)

    def branch(column: int, start: float, *ends: float) -> None:
        spine = tree[column] - 18
        picture.line((spine, start), (spine, max(ends)), colour=GREY)
        for y in ends:
            picture.line((spine, y), (tree[column] - 8, y), colour=GREY)

    def path(column: int) -> None:
        picture.line(((122, 390, 484)[column], top), (tree[column + 1] - 8, top), colour=ORANGE, width=4)

    name(0, top, "Animal")
    for i, words in enumerate(FAMILIES):
        name(0, top + 29 * (i + 1), words, clips=words == "Music")
    with picture.step("the children of Animal"):
        branch(1, top, 92, 121)
        path(0)
        name(1, top, "Domestic\nanimals, pets")
        name(1, 92, "Livestock, …")
        name(1, 121, "Wild animals")
    with picture.step("down to Purr"):
        branch(2, top, 147)
        branch(3, top, 57, 86, 115)
        branch(3, 147, 147, 176)
        path(1)
        path(2)
        name(2, top, "Cat")
        name(3, top, "Purr")
        for i, words in enumerate(("Meow", "Hiss", "Caterwaul")):
            name(3, top + 29 * (i + 1), words)
        name(2, 147, "Dog")
        name(3, 147, "Bark")
        name(3, 176, "Bay", clips=False)
    with picture.step("527 of 632"):
        having = 600 * 527 / 632
        picture.text((20, 238), "Of 632 kinds of sound,", anchor="start")
        picture.box((20, 254, having, 32), "527 have clips", colour=BLUE)
        picture.dots([(150, 270)], radius=6)
        picture.box((20 + having, 254, 600 - having, 32), colour=GREY)
        picture.box((20 + having + 18, 265, 10, 10), colour=GREY)
        picture.text((20 + having + 60, 270), "105")


SIZES = (501, 64, 1), (250, 32, 64), (125, 16, 128), (62, 8, 256), (31, 4, 512), (15, 2, 1024), (15, 2, 2048)


@drawing(height=340)
def cnn14(picture: Picture) -> None:
    """CNN14."""
    x, base = 44, 126
    for i, (time, frequency, channels) in enumerate(SIZES):
        wide, tall, deep = 5 * time**0.5, 13 * frequency**0.5, 0.92 * channels**0.5 if i else 0
        y = base - tall
        if not i:
            picture.strip((x, y, wide, tall), "tagging_cnn14.png")
            picture.text((x + wide / 2, base + 16), "501 frames")
            picture.text((x - 16, y + tall / 2), "64 bands", turned=True)
        else:
            a, b, c, d = (x, y), (x + wide, y), (x + wide, base), (x, base)
            picture.polygon(a, b, c, d, colour=BLUE)
            picture.polygon(a, (x + deep, y - deep), (x + wide + deep, y - deep), b, colour=BLUE)
            picture.polygon(b, (x + wide + deep, y - deep), (x + wide + deep, base - deep), c, colour=BLUE)
        x += wide + deep + 9
    picture.text((x - 52, base + 16), "15 × 2")
    picture.text((626, 36), "2048 channels", anchor="end")
    picture.text((300, base + 16), "6 blocks of convolutions")

    with picture.step("pooling"):
        picture.text((522, 174), "mean over frequency, mean + max over time", anchor="end")
        picture.arrow((x - 52, 156), (x - 52, 192), colour=ORANGE)
        picture.box((20, 196, 600, 28), "one number per channel: 2048", colour=BLUE)
    with picture.step("embedding"):
        picture.polygon((20, 226), (620, 226), (620, 250), (20, 250), colour=GREY, edge=False)
        picture.text((320, 238), "dense layer")
        picture.box((20, 252, 600, 28), "embedding: 2048 numbers", colour=BLUE, bold=True)
    with picture.step("scores"):
        picture.polygon((20, 282), (620, 282), (174, 306), (20, 306), colour=GREY, edge=False)
        picture.text((110, 294), "dense layer")
        picture.box((20, 308, 154, 28), "527 scores", colour=BLUE, bold=True)
        picture.text((186, 322), "one sigmoid per class", anchor="start")


@drawing(height=330)
def tagging_and_detection(picture: Picture) -> None:
    """The same clip of 5 seconds, speech and then whistling, tagged and searched for events.

    At the top is its spectrogram. Tagging gives one row of tags for the whole clip: Speech and Whistling, without
    times. Detection gives a roll of events, a row for each class: Speech from 0.52 to 0.95 s, and Whistling from 1.69
    to 4.82 s.
    """
    left, wide = 20, 600
    picture.strip((left, 4, wide, 86), "tagging_clip.png")
    picture.axis((left, 90, wide, 186), 0, 5, 1)

    with picture.step("tagging"):
        picture.text((left, 112), "Tagging: what is in the clip?", anchor="start", bold=True)
        picture.box((left, 128, wide, 36), colour=BLUE)
        picture.text((left + wide / 2, 146), "Speech, Whistling")
    with picture.step("detection"):
        picture.text((left, 192), "Detection: what, and when?", anchor="start", bold=True)
        for i, (words, (start, end)) in enumerate(NUMBERS["events"].items()):
            box = left + 120 * start, 210 + 32 * i, 120 * (end - start), 28
            picture.box(box, words if i else "", colour=BLUE)
            if not i:
                picture.text((box[0] + box[2] + 10, 224), words, anchor="start")

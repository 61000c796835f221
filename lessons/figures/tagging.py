"""Lesson 1: from a sound to its tags."""

import json
from math import log10

from .shapes import BLUE, DATA, GREY, INK, ORANGE, Picture, drawing

NUMBERS = json.loads((DATA / "tagging.json").read_text(encoding="utf-8"))


def _band(kilohertz: float) -> float:
    """Return how high in the 64 mel bands a frequency lies, from 0 to 1."""
    low, at, high = (log10(1 + f / 0.7) for f in (0.125, kilohertz, 7.5))
    return (at - low) / (high - low)


@drawing(height=356)
def waveform_to_log_mel(picture: Picture) -> None:
    """How a sound becomes a picture, on one spoken word.

    At the top is a small part of its waveform, 55 ms long; a magnifier shows that it consists of
    single samples. Below the waveform, three bars mark frames of 25 ms, and each begins 10 ms after
    the one before, so they overlap. The first frame is followed further: the levels of its 64 mel
    bands, in decibels, are drawn as bars, low frequencies below, and then as one column of colours,
    bright where the level is high. On the right, the columns of all frames of half a second stand
    side by side: this is the log-mel spectrogram, and an arrow points to the followed column.
    """
    left, per_ms = 20, 8
    begin, frame = left + 5 * per_ms, 25 * per_ms  # of the frame that we follow
    wave, samples = NUMBERS["wave"], NUMBERS["samples"]
    picture.curve((left, 6, 55 * per_ms, 70), wave, low=-1, high=1, colour=INK, width=1.5)
    near, wide = left + per_ms * NUMBERS["first"] / 16, per_ms * len(samples) / 16
    picture.box((near, 6, wide, 70), colour=BLUE)
    for y in (6, 76):
        picture.line((near + wide, y), (504, y), colour=GREY, width=1)
    picture.box((504, 6, 120, 70), colour=BLUE)
    for i, sample in enumerate(samples):
        x, y = 514 + 100 * i / (len(samples) - 1), 41 - 31 * sample
        picture.line((x, 41), (x, y), colour=BLUE, width=1.5)
        picture.dots([(x, y)], radius=4)
    picture.text((564, 92), "samples")

    with picture.step("frames"):
        for i in range(3):
            box = begin + 10 * i * per_ms, 84 + 25 * i, frame, 22
            picture.box(box, "" if i else "25 ms", colour=BLUE if i else ORANGE)
        picture.box((begin, 1, frame, 80), colour=ORANGE, edge=False)
        end = begin + frame
        picture.arrow((end, 95), (end + 10 * per_ms, 95), head=9)
        picture.text((end + 11 * per_ms, 95), "10 ms later", anchor="start")

    top, tall = 188, 116
    with picture.step("a frame becomes a column"):
        picture.arrow((100, 108), (100, top - 5), colour=ORANGE)
        each = tall / 64
        for i, value in enumerate(NUMBERS["column"]):
            bar = 60, top + tall - each * (i + 1), 130 * value, each - 0.4
            picture.bar(bar, colour=ORANGE)
        for kilohertz in (1, 2, 4):
            y = top + tall * (1 - _band(kilohertz))
            picture.line((55, y), (60, y), colour=GREY)
            picture.text((50, y), f"{kilohertz}", anchor="end")
        picture.line((60, top), (60, top + tall), colour=GREY)
        picture.text((14, top - 12), "kHz", anchor="start")
        picture.text((125, top + tall + 15), "64 mel bands")
        picture.text((125, top + tall + 37), "level (dB)")
        picture.strip((212, top, 24, tall), "tagging_column.png")
        picture.box((212, top, 24, tall), colour=ORANGE)
    with picture.step("all frames"):
        picture.arrow((242, top + tall / 2), (280, top + tall / 2), colour=ORANGE)
        box = 290, top, 330, tall
        picture.strip(box, "tagging_word.png")
        picture.axis(box, 0, 0.5, 0.1)
        at = 290 + 330 / 50 * 26.5
        picture.arrow((at, top - 20), (at, top - 2), colour=ORANGE)
        picture.text((620, top - 14), "log-mel", anchor="end")


FAMILIES = (
    *("Human sounds", "Music", "Natural sounds", "Sounds of things", "Source-ambiguous sounds"),
    "Channel, environment and background",
)


@drawing(height=292)
def audioset_tree(picture: Picture) -> None:
    """A part of AudioSet's family tree, down to Purr, and how many kinds of sound have clips.

    Seven families stand in a column on the left: Animal, Human sounds, Music, Natural sounds,
    Sounds of things, Source-ambiguous sounds, and Channel, environment and background. A coloured
    line leads from Animal to one of its three children, Domestic animals, pets; from there to Cat,
    beside Dog; and from Cat to Purr, beside Meow, Hiss and Caterwaul. Bark and Bay are children of
    Dog. A full dot marks the names that have clips; Bay and five of the seven families have an
    empty one. A bar at the bottom shows that 527 of all 632 kinds of sound have clips, and 105 have
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
        begin, end = (122, 390, 484)[column], tree[column + 1] - 8
        picture.line((begin, top), (end, top), colour=ORANGE, width=4)

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


# of 5 s of sound, before the blocks and after each: frames, bands, channels
SIZES = (
    *((501, 64, 1), (250, 32, 64), (125, 16, 128), (62, 8, 256)),
    *((31, 4, 512), (15, 2, 1024), (15, 2, 2048)),
)


@drawing(height=340)
def cnn14(picture: Picture) -> None:
    """How CNN14 comes from a spectrogram to scores.

    On the left is the log-mel spectrogram of 5 seconds, 501 frames wide and 64 bands high. To its
    right stand six blocks of convolutions. From block to block they get shorter in time and lower
    in frequency, down to 15 by 2, and deeper in channels, up to 2048; each side is drawn in
    proportion to the square root of its number. An arrow leads down from the last block. The mean
    over frequency, and the mean plus the maximum over time, leave one number per channel, 2048 in
    all: a bar over the whole width. Below it, a dense layer leads to the embedding, another 2048
    numbers. From there, one more dense layer leads to a bar that is only a quarter as long: 527
    scores, one sigmoid per class.
    """
    x, base = 44, 126
    time, frequency, _ = SIZES[0]
    wide, tall = 5 * time**0.5, 13 * frequency**0.5
    picture.strip((x, base - tall, wide, tall), "tagging_cnn14.png")
    picture.text((x + wide / 2, base + 16), f"{time} frames")
    picture.text((x - 16, base - tall / 2), f"{frequency} bands", turned=True)
    x += wide + 9
    with picture.step("six blocks"):
        for time, frequency, channels in SIZES[1:]:
            wide, tall, deep = 5 * time**0.5, 13 * frequency**0.5, 0.92 * channels**0.5
            y, right = base - tall, x + wide
            upper = (x, y), (x + deep, y - deep), (right + deep, y - deep), (right, y)
            side = (right, y), (right + deep, y - deep), (right + deep, base - deep), (right, base)
            for face in (((x, y), (right, y), (right, base), (x, base)), upper, side):
                picture.polygon(*face, colour=BLUE)
            x = right + deep + 9
        below = x - 52
        picture.text((300, base + 16), "6 blocks of convolutions")
        picture.text((below, base + 16), f"{time} × {frequency}")
        picture.text((626, 36), f"{channels} channels", anchor="end")
    with picture.step("pooling"):
        picture.text((below - 8, 174), "mean over frequency, mean + max over time", anchor="end")
        picture.arrow((below, 156), (below, 192), colour=ORANGE)
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

    At the top is its spectrogram. Tagging gives one row of tags for the whole clip: Speech and
    Whistling, without times. Detection gives a roll of events, a row for each class, over the same
    seconds as the spectrogram: Speech from 0.52 to 0.95 s, and Whistling from 1.69 to 4.82 s.
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

"""The course as a whole."""

import json

from .shapes import BLUE, DATA, GREEN, GREY, ORANGE, PURPLE, Picture, drawing

PLACES = {"00": "sound", "01": "tags", "02": "windows", "03": "new classes", "04": "events"}
FURTHER = {"05": "how sure?", "06": "better detector", "07": "smaller network"}
EDGE = ((40, 84), (33, 66), (48, 50), (68, 44), (84, 56), (82, 78), (66, 84), (40, 84))
EACH, WIDE, TALL = 128, 104, 84  # units from one place to the next, and of its picture


@drawing(height=204)
def course_map(picture: Picture) -> None:
    """The way through the course, in five pictures with arrows between them.

    It begins with a sound, drawn as a waveform. Lesson 1 gives it tags, drawn as bars named Whistle, Whistling and
    Speech. Lesson 2 cuts it into ten overlapping windows, drawn above its spectrogram. Lesson 3 teaches new classes,
    drawn as three groups of dots with a dashed line around a new one. Lesson 4 finds events, drawn as bars over time.
    Below are the lessons that go further: lesson 5 asks how sure we are, lesson 6 builds a better detector, lesson 7 a
    smaller network.
    """
    numbers = json.loads((DATA / "course.json").read_text(encoding="utf-8"))
    for i, (lesson, word) in enumerate(PLACES.items()):
        left = 12 + i * EACH
        DRAW[lesson](picture, left, numbers)
        picture.text((left + WIDE / 2, 112), word)
        if i:
            picture.text((left + WIDE / 2, 136), f"lesson {int(lesson)}", colour=GREY)
            with picture.part(f"here-{lesson}", hidden=True):
                picture.box((left - 6, 97, WIDE + 12, 54), colour=ORANGE)
            picture.arrow((left - 21, 50), (left - 3, 50), colour=GREY)
    places = (133, 265, 449)
    with picture.part("further"):
        picture.line((12, 160), (628, 160), colour=GREY, width=1)
        picture.text((12, 182), "further:", colour=GREY, anchor="start")
        for x, (lesson, word) in zip(places, FURTHER.items(), strict=True):
            picture.text((x, 182), f"{int(lesson)}", colour=GREY, anchor="start")
            picture.text((x + 18, 182), word, anchor="start")
    for x, (lesson, word) in zip(places, FURTHER.items(), strict=True):
        with picture.part(f"here-{lesson}", hidden=True):
            picture.box((x - 9, 166, 40 + 8.6 * len(word), 32), colour=ORANGE)


def _sound(picture: Picture, left: float, numbers: dict) -> None:
    each = WIDE / len(numbers["envelope"])
    for k, value in enumerate(numbers["envelope"]):
        high = max(2, TALL * value)
        picture.bar((left + k * each, 50 - high / 2, each, high), colour=BLUE)


def _tags(picture: Picture, left: float, numbers: dict) -> None:
    for k, name in enumerate(("Whistle", "Whistling", "Speech")):
        y = 10 + k * 28
        picture.box((left, y, WIDE, 24), colour=GREY, edge=False)
        picture.box((left, y, WIDE * numbers["tags"][name] / 0.45, 24), colour=BLUE, edge=False)
        picture.text((left + 5, y + 12), name, anchor="start")


def _windows(picture: Picture, left: float, numbers: dict) -> None:
    picture.strip((left, 38, WIDE, 54), "speech_whistling.png")
    for k in range(10):
        picture.box((left + k * WIDE / 11 + 1, (10, 23)[k % 2], WIDE * 2 / 11 - 2, 9), colour=ORANGE)


def _classes(picture: Picture, left: float, numbers: dict) -> None:
    groups = {
        ("circle", BLUE): ((12, 16), (26, 28), (10, 36), (30, 12), (22, 44)),
        ("square", GREEN): ((74, 14), (92, 20), (84, 34), (66, 28), (96, 40)),
        ("triangle", ORANGE): ((44, 62), (58, 72), (62, 56), (46, 78), (74, 68)),
    }
    for (shape, colour), places in groups.items():
        picture.dots([(left + x, 8 + y) for x, y in places], colour=colour, shape=shape, radius=5)
    picture.line(*[(left + x, 8 + y) for x, y in EDGE], colour=ORANGE, dashed=True)


def _events(picture: Picture, left: float, numbers: dict) -> None:
    spans = ((0, 0.10, 0.20, GREEN), (1, 0.34, 0.78, BLUE), (2, 0.62, 0.72, PURPLE), (0, 0.82, 1, GREEN))
    for row, start, end, colour in spans:
        picture.bar((left + start * WIDE, 16 + 25 * row, (end - start) * WIDE, 16), colour=colour)
    picture.line((left, 92), (left + WIDE, 92), colour=GREY)


DRAW = {"00": _sound, "01": _tags, "02": _windows, "03": _classes, "04": _events}

"""Lesson 7: a small network learns from a large one."""

import json
from collections.abc import Sequence

from .shapes import DATA, GREEN, GREY, ORANGE, Picture, drawing


@drawing(height=352)
def teacher_and_student(picture: Picture) -> None:
    """How a student learns what its teacher says of a crow.

    The spectrogram of a crow goes to the teacher. Its soft targets are bars, one per class: Crow 0.9, Caw 0.75, Animal
    and Wild animals 0.7, Bird 0.66, and nothing for Dog. A hard target is a single bar of 1, for Crow, and nothing for
    all the others. The same crow goes to the student. Before training, it says 0.5 for every class. After training, its
    bars come close to the teacher's, whose ends are marked in green: 0.5 to 0.8 for the five classes that the teacher
    hears, and nothing for Dog.
    """
    said = json.loads((DATA / "crow.json").read_text(encoding="utf-8"))
    width, first, pitch, thick = 94, 160, 32, 22
    columns = {"soft": 182, "hard": 298, "before": 414, "after": 530}
    rows = [first + i * pitch for i in range(len(said["classes"]))]

    def bars(column: str, words: str, values: Sequence[float], colour: str) -> None:
        left = columns[column]
        picture.arrow((left + width / 2, 88), (left + width / 2, 110))
        picture.text((left + width / 2, 130), words, colour=colour)
        picture.line((left, first - 4), (left, rows[-1] + thick + 4))
        for y, value in zip(rows, values, strict=True):
            picture.bar((left, y, width * value, thick), colour=colour)

    def asked(start: str, end: str, words: str, colour: str) -> None:
        left, right = columns[start], columns[end] + width
        picture.box((left, 46, right - left, 40), words, colour=colour, bold=True)

    picture.strip((20, 16, 118, 84), "crow.png")
    picture.text((79, 116), "a crow")
    for y, name in zip(rows, said["classes"], strict=True):
        picture.text((170, y + thick / 2), name, anchor="end")
    picture.arrow((142, 66), (178, 66))
    asked("soft", "hard", "teacher", GREEN)
    bars("soft", "soft", said["teacher"], GREEN)
    with picture.step("the hard target"):
        bars("hard", "hard", [1.0] + [0.0] * (len(rows) - 1), GREY)
    with picture.step("the student before training"):
        picture.arrow((142, 26), (517, 26), (517, 42))
        asked("before", "after", "student", ORANGE)
        bars("before", "before", said["before"], ORANGE)
    with picture.step("the student after training"):
        bars("after", "after", said["after"], ORANGE)
        for y, value in zip(rows, said["teacher"], strict=True):
            x = columns["after"] + width * value
            picture.line((x, y - 4), (x, y + thick + 4), colour=GREEN, width=4)

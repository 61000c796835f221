"""Lesson 7: a small network learns from a large one."""

import json
from collections.abc import Sequence

from .shapes import DATA, GREEN, GREY, INK, ORANGE, Picture, drawing


@drawing(height=378)
def teacher_and_student(picture: Picture) -> None:
    """How a student learns to say of a crow what its teacher says.

    The spectrogram of a crow goes to both. The teacher has 3,730,000 parameters and is a large box. The student has
    80,000 and is a tiny square; the two areas are in that proportion. Below the teacher are its targets, as bars from 0
    to 1, one per class. The hard target is the winner alone: 1 for Crow, 0 for all others. The soft target is all 521
    scores, of which six are shown: Crow 0.96, Caw 0.88, Animal 0.77, Wild animals 0.70, Bird 0.67, and Dog 0. Below
    the student are its own scores. Before training, it says 0.5 for every class. Between these bars and those of the
    soft target, two arrows meet at the word "compare", and an arrow leads from there by the word "adjust" up to the
    student. After training, it says 0.5 to 0.9 for the five classes that the teacher hears, and 0.1 for Dog. Green
    marks show what the teacher says: the student is close for some classes, and too low for Crow and Caw.
    """
    said = json.loads((DATA / "crow.json").read_text(encoding="utf-8"))
    parameters = {who: f"{round(number, -4):,}" for who, number in said["parameters"].items()}
    first, pitch, thick, width = 136, 27, 20, 74
    columns = {"hard": 150, "soft": 266, "before": 446, "after": 550}
    rows = [first + i * pitch for i in range(len(said["classes"]))]
    foot = rows[-1] + thick + 5
    gap = (columns["soft"] + width + columns["before"]) / 2  # where the student is, and where it is corrected

    def bars(column: str, values: Sequence[float], colour: str) -> None:
        left = columns[column]
        for x, shade in ((left + width, GREY), (left, INK)):
            picture.line((x, first - 5), (x, foot), colour=shade)
        for y, value in zip(rows, values, strict=True):
            picture.bar((left, y, width * value, thick), colour=colour)
        picture.text((left, foot + 14), "0")
        picture.text((left + width, foot + 14), "1")

    def under(column: str, y: float, words: str, colour: str) -> None:
        picture.text((columns[column] + width / 2, y), words, colour=colour)

    wide, tall = columns["soft"] + width - columns["hard"], 76
    picture.strip((12, 20, 106, 76), "crow.png")
    picture.text((65, 112), "a crow")
    picture.arrow((120, 62), (columns["hard"] - 4, 62))
    picture.box((columns["hard"], 22, wide, tall), colour=GREEN)
    middle = columns["hard"] + wide / 2
    for y, words in ((38, "teacher"), (61, parameters["teacher"]), (84, "parameters")):
        picture.text((middle, y), words, bold=words == "teacher")
    for y, name in zip(rows, said["classes"], strict=True):
        picture.text((138, y + thick / 2), name, anchor="end")
    under("soft", 114, "soft target", GREEN)
    bars("soft", said["teacher"], GREEN)
    under("soft", foot + 54, "all 521\nscores", GREEN)
    with picture.step("the hard target"):
        under("hard", 114, "hard target", GREY)
        bars("hard", [1.0] + [0.0] * (len(rows) - 1), GREY)
        under("hard", foot + 54, "the winner\nalone", GREY)
    with picture.step("the student before training"):
        side = (wide * tall * said["parameters"]["student"] / said["parameters"]["teacher"]) ** 0.5
        picture.arrow((120, 10), (gap, 10), (gap, 30))
        picture.box((gap - side / 2, 32, side, side), colour=ORANGE)
        picture.text((gap + 20, 30), "student", bold=True, anchor="start")
        picture.text((gap + 20, 54), f"{parameters['student']} parameters", anchor="start")
        under("before", 90, "before\ntraining", ORANGE)
        bars("before", said["before"], ORANGE)
    with picture.step("compare and adjust"):
        level = 216
        for start, way in ((columns["soft"] + width + 6, 1), (columns["before"] - 6, -1)):
            picture.arrow((start, level), (gap - 3 * way, level))
        picture.text((gap, level - 20), "compare")
        picture.arrow((gap, level - 34), (gap, level - 54))
        picture.text((gap, level - 66), "adjust")
        picture.arrow((gap, level - 80), (gap, 56))
    with picture.step("the student after training"):
        under("after", 90, "after\ntraining", ORANGE)
        bars("after", said["after"], ORANGE)
        for y, value in zip(rows, said["teacher"], strict=True):
            x = columns["after"] + width * value
            picture.line((x, y - 3), (x, y + thick + 3), colour=GREEN, width=4)
        x = columns["after"] - 8
        picture.line((x, foot + 31), (x, foot + 53), colour=GREEN, width=4)
        picture.text((x + 9, foot + 42), "teacher", colour=GREEN, anchor="start")

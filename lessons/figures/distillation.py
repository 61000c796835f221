"""Lesson 7: a small network learns from a large one."""

import json

from .shapes import DATA, GREEN, GREY, ORANGE, Picture, drawing


@drawing(height=312)
def teacher_and_student(picture: Picture) -> None:
    """How a student learns to say of a crow what its teacher says.

    The spectrogram of a crow goes to a teacher. The teacher has 3,730,000 weights and is a large box. On the right
    are bars from 0 to 1 for six of the 521 classes. The soft target, green, is what the teacher says: Duck 0.42,
    Animal 0.36, Fowl 0.34, Crow 0.25, Bird 0.22, and Dog 0. A frame stands around the row of Crow. The hard target,
    grey, is the winner alone: 1 for Duck, and nothing for all others. Below the teacher is the tiny student, which
    has 80,000 weights and is a tiny square; the two areas are in that proportion. It hears the same crow, and at
    first it says 0.5 for every class: orange outlines right below the green bars. Arrows lead from both networks to
    the list of classes. From the bars, an arrow with the words "compare, then adjust" leads back to the student.
    """
    said = json.loads((DATA / "crow.json").read_text(encoding="utf-8"))
    weights = {who: f"{round(number, -4):,}\nweights" for who, number in said["parameters"].items()}
    left, width, first, pitch, thick = 388, 220, 32, 37, 11
    rows = [first + i * pitch for i in range(len(said["classes"]))]
    foot = rows[-1] + 3 * thick + 4
    nodes, high, low, listed = 206, 72, 182, 304  # where teacher, student and the list of classes are

    def bars(values: list[float], colour: str, below: float = 0) -> None:
        for y, value in zip(rows, values, strict=True):
            if value > 0.01:
                picture.bar((left, y + below, width * value, thick), colour=colour)

    teacher = (nodes - 66, high - 50, 132, 100)
    picture.strip((10, 104, 92, 66), "crow.png")
    picture.text((56, 186), "a crow")
    picture.arrow((106, 126), (118, 126), (118, high), (teacher[0] - 5, high))
    picture.box(teacher, colour=GREEN)
    picture.text((nodes, high - 24), "teacher", bold=True)
    picture.text((nodes, high + 14), weights["teacher"])
    picture.arrow((teacher[0] + teacher[2] + 4, high), (listed - 3, high), colour=GREEN)
    ends = (listed + 6, first - 4), (listed + 6, foot - 2)
    picture.line(ends[0], (listed, first - 4), (listed, foot - 2), ends[1])
    picture.box((listed + 6, rows[3] - 2, left + width - listed - 6, 3 * thick + 4))
    for y, name in zip(rows, said["classes"], strict=True):
        picture.text((left - 10, y + 1.5 * thick), name, anchor="end", bold=name == "Crow")
    for x, number in ((left, "0"), (left + width, "1")):
        picture.line((x, first - 5), (x, foot), colour=GREY)
        picture.text((x, foot + 15), number)
    picture.text((left - 24, foot + 11), "and 515 more", colour=GREY, anchor="end")
    picture.text((left, 14), "soft target", colour=GREEN, anchor="start")
    bars(said["teacher"], GREEN, thick)
    with picture.step("the hard target"):
        picture.text((left + 118, 14), "hard target", colour=GREY, anchor="start")
        bars([float(value == max(said["teacher"])) for value in said["teacher"]], GREY)
    with picture.step("the student before training"):
        side = (teacher[2] * teacher[3] * said["parameters"]["student"] / said["parameters"]["teacher"]) ** 0.5
        picture.arrow((106, 150), (118, 150), (118, low), (nodes - side, low))
        picture.box((nodes - side / 2, low - side / 2, side, side), colour=ORANGE)
        picture.text((nodes, low - 26), "tiny student", bold=True)
        picture.text((nodes, low + 36), weights["student"])
        picture.arrow((nodes + side, low), (listed - 3, low), colour=ORANGE)
        for y, value in zip(rows, said["student"], strict=True):
            end, above, below = left + width * value, y + 2 * thick + 1, y + 3 * thick - 1
            picture.polygon((left, above), (end, above), (end, below), (left, below), colour=ORANGE)
        picture.text((left + width / 2 + 10, rows[1] + 2 * thick), "student,\nat first", colour=ORANGE, anchor="start")
    with picture.step("compare and adjust"):
        level = foot + 52
        picture.arrow((left + width / 2, foot + 6), (left + width / 2, level), (nodes, level), (nodes, low + 66))
        picture.text(((nodes + left + width / 2) / 2, level - 15), "compare, then adjust")

"""The instructor's guide says what is in the lessons: minutes, headings, exercises, assets."""

import re

from conftest import LESSONS, ROOT

from makers import lessons, slides
from makers.slides import compose

GUIDE = (ROOT / "docs/instructor.md").read_text(encoding="utf-8")
PLAN = GUIDE[GUIDE.index("## How long the decks take") : GUIDE.index("## What students get stuck on")]
DECKS = {lesson.name[:2]: lesson.deck() for lesson in LESSONS}
TEXT = "\n".join(cell.source for lesson in LESSONS for cell in lesson.cells if cell.cell_type == "markdown")


def in_italics(text: str) -> list[str]:
    return re.findall(r"(?<!\*)\*([^*|\n]+)\*(?!\*)", text)


def headings(text: str) -> list[tuple[str, str]]:
    """Return the level and the words of each heading, as the guide writes them."""
    return [(level, words.replace("*", "")) for level, words in re.findall(r"^(#+) (.+)$", text, re.M)]


def timetable(deck) -> dict[str, int]:
    """Return the minutes of the slides of a deck, by heading and in order."""
    return {
        headings(cells[0].source)[0][1]: sum(compose.minutes(c.source) for c in cells if "notes" in lessons.tags(c))
        for cells in compose.split(deck.cells)
        if "otherwise" not in lessons.tags(cells[0])
    }


def parts(deck) -> dict[str, list[str]]:
    """Return the headings of the slides of each part of a deck, by the part's own heading."""
    found, part = {}, ""
    for cells in compose.split(deck.cells):
        heading = headings(cells[0].source)[0][1]
        if (layout := cells[0].metadata.get("layout")) in ("part", "summary"):
            part = heading if layout == "part" else ""
        if part and "otherwise" not in lessons.tags(cells[0]):
            found.setdefault(part, []).append(heading)
    return found


TIMES = {number: timetable(deck) for number, deck in DECKS.items()}
PARTS = {number: parts(deck) for number, deck in DECKS.items()}


def whole(number: str, heading: str) -> list[str]:
    """Return the slides of a part, or a slide alone."""
    return PARTS[number].get(heading, [heading])


def shown(number: str, words: str) -> int:
    """Return the minutes of what the guide says of a deck: `up to *A*, then *B*`, `*A* to *B*, without *C*`.

    The heading of a part stands for all of it.
    """
    names = list(TIMES[number])
    words, _, left_out = words.partition("without *")
    words, _, added = words.partition(", then ")
    places = [[names.index(name) for name in whole(number, heading)] for heading in in_italics(words)]
    first = 0 if words.startswith("up to") or not places else places[0][0]
    last = len(names) - 1 if words.startswith("from") or not places else places[-1][-1]
    left_out, added = (
        [name for heading in in_italics(some) for name in whole(number, heading)] for some in ("*" + left_out, added)
    )
    assert {*left_out, *added} <= set(names), words
    return sum(TIMES[number][name] for name in {*names[first : last + 1], *added}.difference(left_out))


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_the_table_of_decks_has_the_minutes_of_the_notes():
    decks = {row[0][:2]: row for row in rows(PLAN) if re.match(r"\d\d ", row[0])}
    full = {number: slides.length(deck)[1] for number, deck in DECKS.items()}
    assert {number: int(row[1]) for number, row in decks.items()} == full
    for number, (_, _, parts, _) in decks.items():
        for minutes, words in re.findall(r"(\d+) ((?:up to|from) \*[^*]+\*)", parts):
            assert int(minutes) == shown(number, words), (number, words)
        minutes = re.findall(r"\d+", re.sub(r"\*[^*]+\*", "", parts))
        assert not minutes or sum(map(int, minutes)) == full[number], parts
    core = sum(full[lesson.name[:2]] for lesson in LESSONS if not lesson.about.get("bonus"))
    assert f"in full take {sum(full.values())} minutes, and the four core ones {core}." in PLAN


def test_minutes_behind_a_heading_are_its_own():
    found = re.findall(r"\*([^*|\n]+)\* \((\d+)\)", PLAN)
    assert len(found) > 10
    for words, minutes in found:
        every = {shown(number, f"*{words}*") for number, times in TIMES.items() if words in times}
        assert int(minutes) in every, words


def test_a_schedule_shows_what_takes_its_minutes():
    by_row = [(row[1][-2:], int(row[0]), row[2]) for row in rows(PLAN) if re.fullmatch(r"deck \d\d", row[1])]
    in_brackets = re.findall(r"deck (\d\d) \((\d+)\)((?: without \*[^*]+\*(?: and \*[^*]+\*)*)?)", PLAN)
    assert len(by_row) > 5
    assert len(in_brackets) > 4
    for number, minutes, words in by_row + in_brackets:
        assert int(minutes) == shown(number, words), (number, words)


def test_each_schedule_adds_up():
    totals, minutes = [], 0
    for row in rows(PLAN[PLAN.index("## Schedule") :]):
        if total := re.fullmatch(r"\*\*(\d+)\*\*", row[0]):
            assert minutes == int(total[1])
            totals.append(minutes)
            minutes = 0
        elif total := re.fullmatch(r"\*\*(\d+)\*\*", row[-1]):
            totals.append(sum(map(int, re.findall(r"\((\d+)\)", row[1]))))
            assert totals[-1] == int(total[1]), row
        elif row[0].isdigit():
            minutes += int(row[0])
    assert totals == [90, 90, 90, 90, 90, 240]
    assert minutes == 0


def test_the_guide_names_what_the_lessons_have():
    every = {words for _, words in headings(TEXT)}
    assert set(in_italics(PLAN)) <= every
    assert set(re.findall(r"slides? \*([^*]+)\*", GUIDE)) <= {name for times in TIMES.values() for name in times}
    exercises = set(re.findall(r"^### Exercise (\d\.\d):", TEXT, re.M))
    named = re.findall(r"\b\d\.\d\b", PLAN) + re.findall(r"[Ee]xercises? (\d\.\d)", GUIDE)
    assert named
    assert set(named) <= exercises


def test_the_table_of_assets_names_the_lessons_that_use_them():
    used = {}
    for lesson in LESSONS:
        for name in lesson.about["assets"]:
            used.setdefault(name, []).append(int(lesson.name[:2]))
    told = {row[0].strip("`"): row[3].split(":")[0] for row in rows(GUIDE) if len(row) == 4}
    for name, numbers in used.items():
        spans = re.findall(r"(\d+)(?: to (\d+))?", told[name])
        assert [n for a, b in spans for n in range(int(a), int(b or a) + 1)] == numbers, name

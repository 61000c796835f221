"""How long a lesson takes, and how it reads: ``python -m makers reading``.

Minutes are those of a learner: reading at 150 words a minute, sounds at their own length, exercises at the time that
they state. How it reads is measured by the length of its sentences and by its brackets, as ``CONTRIBUTING.md`` asks.
"""

import argparse
import html
import re
import statistics
import sys
from dataclasses import dataclass

from course_utils import widgets
from makers import build, execute
from makers.lessons import Lesson

WORDS_A_MINUTE = 150
LONGEST = 32  # words of a sentence
MEDIAN = 16
WORDS_A_BRACKET = 120
MINUTES = 45  # of a core lesson
ABBREVIATION = re.compile(r"\b(?:et al|e\.g|i\.e|vs|no|pp?|St|[A-Z])\.$")
PHRASES = re.compile(
    "|".join(
        [
            *(r"\bat hand\b", r"\bsome (?:\d|(?:two|three|six|seven|ten|twelve|twenty|thirty)\b)"),
            *(r"\bdark ground\b", r"\bthirty letters\b", r"\bletters (?:inside|of (?:Source|STIX|DejaVu))"),
            *(r"\bon an own\b", r"\bends? in a sentence\b", r"\bmay do with\b", r"\bfiner than the hearing\b"),
            *(r"\blabel map by meaning connects\b", r"\bHow does it come about\b", r"\ball others allowed\b"),
            *(r"\bthe three draws are one\b", r"\bwe may choose on\b", r"\bto a factor, not to a digit\b"),
            *(r"in the place of the three dots", r"a small one stands below", r"\bNot so\b"),
            *(r"As it stands at the start", r"\bF the whole screen\b", r"\b2022 lecture\b"),
            *(r"\b(?:clips?|windows?) a class\b", r"\bone sigmoid a class\b"),
            *(r"\bit replaces by what it ships\b", r"[Rr]ebuilt from the int8"),
        ]
    )
)  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How a text reads.

    Attributes
    ----------
    sentences : list of str
    brackets : int
    words : int
        All that is read, those of tables too.
    """

    sentences: list[str]
    brackets: int
    words: int

    @property
    def lengths(self) -> list[int]:
        """Words of each sentence."""
        return [count(sentence) for sentence in self.sentences]

    @property
    def faults(self) -> list[str]:
        """What is too long, too nested, or a phrase that nobody says; nothing if it reads well."""
        found = [f"{n} words: {s}" for s, n in zip(self.sentences, self.lengths, strict=True) if n > LONGEST]
        median = statistics.median(self.lengths or [0])
        if median > MEDIAN:
            found.append(f"median {median:g} words per sentence; {MEDIAN} at most")
        if self.brackets * WORDS_A_BRACKET > sum(self.lengths):
            found.append(f"{self.brackets} brackets in {sum(self.lengths)} words; one per {WORDS_A_BRACKET} at most")
        return found


def count(text: str) -> int:
    """Return how many words a text has."""
    return sum(any(c.isalnum() for c in word) for word in text.split())


def plain(markdown: str) -> str:
    """Return Markdown as the words that are read: no code blocks, mathematics, tags, addresses or marks."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|<!--.*?-->", " ", markdown, flags=re.S)
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"(?<!\\)\$[^$\n]*\$", "formula", text)
    text = re.sub(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"</?(?:details|summary|p|br|li|ul|ol)\b[^>]*>", "\n\n", text)
    text = re.sub(r"<[^>]+>", "", text)
    return html.unescape(re.sub(r"\*\*|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)", "", text))


def blocks(markdown: str) -> tuple[list[str], list[str]]:
    """Return the paragraphs and list items of a text, and what is read beside them: headings and rows of tables."""
    prose, other = [], []
    for paragraph in re.split(r"\n\s*\n", plain(markdown)):
        for item in re.split(r"\n(?=\s*(?:[-+]|\d+\.)\s|\||#)", "\n" + paragraph.strip("\n")):
            item = item.strip()
            if item.startswith(("|", "#")):
                other.append(item)
            elif item:
                prose.append(re.sub(r"^(?:[-+]|\d+\.)\s+", "", " ".join(item.split())))
    return prose, other


def sentences(paragraph: str) -> list[str]:
    """Return the sentences of a paragraph."""
    found, rest = [], ""
    for piece in re.split(r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“(*]?[A-Z0-9])", paragraph):
        rest = f"{rest} {piece}".strip()
        if not ABBREVIATION.search(rest):
            found.append(rest)
            rest = ""
    return found + [rest] * bool(rest)


def reading(texts: list[str]) -> Reading:
    """Return how texts in Markdown read."""
    prose, other = [], []
    for text in texts:
        more, beside = blocks(text)
        prose += more
        other += beside
    return Reading(
        [sentence for paragraph in prose for sentence in sentences(paragraph)],
        sum(paragraph.count("(") for paragraph in prose),
        sum(map(count, prose + other)),
    )


def texts(lesson: Lesson) -> list[str]:
    """Return what a student reads of a lesson, in order: its text, and the questions where they are asked."""
    found, asked = [], widgets.quizzes()
    for cell in lesson.notebook().cells:
        if cell.cell_type == "code":
            for name in re.findall(r'widgets\.quiz\("([\w-]+)"', cell.source):
                right = next(choice for choice in asked[name]["choices"] if choice["right"])
                found += [asked[name]["question"], *(c["text"] for c in asked[name]["choices"]), right["why"]]
        elif not cell.source.startswith("## References"):
            found.append(re.sub(r"<summary>.*?</summary>", "", cell.source, flags=re.S))
    return found


def seconds(executed) -> float:
    """Return how long the sounds are that an executed notebook plays."""
    shown = [out.get("data", {}).get("text/html", "") for c in executed.cells for out in c.get("outputs", [])]
    return sum(map(float, re.findall(r'data-seconds="([\d.]+)"', "".join("".join(page) for page in shown))))


def minutes(lesson: Lesson, executed) -> dict[str, float]:
    """Return the minutes that a lesson takes: ``reading``, ``listening`` and ``exercises``."""
    stated = [
        float(n) for cell in lesson.notebook().cells for n in re.findall(r"\*\*Time:\*\* (\d+) minutes?, ", cell.source)
    ]
    return {
        "reading": reading(texts(lesson)).words / WORDS_A_MINUTE,
        "listening": seconds(executed) / 60,
        "exercises": sum(stated),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every lesson reads well and takes what it says."""
    parser = argparse.ArgumentParser(prog="python -m makers reading", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="lessons, by the beginning of their names (default: all)")
    faults = 0
    for lesson in build.choose(parser.parse_args(arguments).names):
        found = reading(texts(lesson))
        print(f"{lesson.name}: {found.words} words, {len(found.sentences)} sentences, ", end="")
        print(f"median {statistics.median(found.lengths):g}, longest {max(found.lengths)}, {found.brackets} brackets")
        wrong = found.faults
        for text in texts(lesson):
            wrong += [f"phrase: {phrase[0]}" for phrase in PHRASES.finditer(text)]
        if executed := execute.last(lesson):
            parts = minutes(lesson, executed)
            total = sum(parts.values())
            print(f"  {', '.join(f'{name} {value:.1f}' for name, value in parts.items())}: {total:.0f} minutes")
            if abs(total - lesson.about["minutes"]) >= 1:
                wrong.append(f"its header says {lesson.about['minutes']} minutes")
            if total > MINUTES and not lesson.about.get("bonus"):
                wrong.append(f"a core lesson takes {MINUTES} minutes at most")
        else:
            print("  (minutes are counted once it has been executed: make run)")
        for line in wrong:
            print(f"  - {line}")
        faults += len(wrong)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

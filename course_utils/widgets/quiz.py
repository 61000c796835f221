"""Questions with choices, in plain HTML: choose, confirm, then read why."""

from __future__ import annotations

import re
import secrets
import tomllib
from pathlib import Path

from markupsafe import Markup

from course_utils.markup import marked

from .shown import Shown

LETTERS = "abcdefgh"
COLOURS = {True: "#009E73", False: "#D55E00"}  # of a right answer and of a wrong one, as in `course.mplstyle`

# Without any script: what stands below the choices appears when one of them and "Confirm" are checked. "Confirm" looks
# like a button and is a radio button, because that can be checked and never unchecked.
STYLE = (
    """
.course-quiz { display: grid; grid-template-columns: 1.4em 1fr; gap: 0.4em 0.5em; align-items: center;
  box-sizing: border-box; min-width: 0; max-width: 40em; margin: 0.5em 0; padding: 0; border: 0; }
.course-quiz legend { width: 100%; margin: 0 0 0.5em; padding: 0; border: 0; font-size: inherit; font-weight: 600;
  color: inherit; }
.course-quiz input { margin: 0; accent-color: currentColor; }
.course-quiz .choice { grid-column: 1; justify-self: end; position: relative; z-index: 1; cursor: pointer; }
.course-quiz .choice + label { grid-column: 2; margin: 0 0 0 -1.9em; padding: 0.4em 0.8em 0.4em 2.4em;
  border: 1px solid rgba(128, 128, 128, 0.7); border-radius: 4px; cursor: pointer; }
.course-quiz .choice:checked + label { border-color: currentColor; box-shadow: inset 0 0 0 1px currentColor; }
.course-quiz input:focus-visible + label { outline: 2px solid currentColor; outline-offset: 2px; }
.course-quiz .hint, .course-quiz .confirm + label, .course-quiz [role=status] { grid-column: 1 / -1; }
.course-quiz .hint, .course-quiz .confirm + label { justify-self: start; margin: 0.2em 0; padding: 0.3em 0;
  border: 1px solid transparent; }
.course-quiz .confirm { display: none; position: absolute; opacity: 0; pointer-events: none; }
.course-quiz .confirm + label { display: none; padding: 0.3em 1.2em; border-color: currentColor; border-radius: 4px;
  font-weight: 600; cursor: pointer; }
.course-quiz .choice:checked ~ .hint { display: none; }
.course-quiz .choice:checked ~ .confirm, .course-quiz .choice:checked ~ .confirm + label { display: block; }
.course-quiz .confirm:checked + label { font-weight: inherit; opacity: 0.8; border-style: dashed; cursor: default; }
.course-quiz .after, .course-quiz .confirm:checked + label .before, .course-quiz .why { display: none; }
.course-quiz .confirm:checked + label .after { display: inline; }
.course-quiz .why { margin: 0.3em 0; padding: 0.1em 0 0.1em 0.8em; border-left: 4px solid NO; }
.course-quiz .why.yes { border-left-color: YES; }
.course-quiz:has(.confirm:checked) .choice { visibility: hidden; }
.course-quiz:has(.confirm:checked) .choice + label { pointer-events: none; }
.course-quiz:has(.confirm:checked) .choice:checked + label::after { content: " (your answer)"; }
.course-quiz:has(.confirm:checked) .choice:checked + label { border-color: NO; box-shadow: inset 4px 0 0 NO; }
.course-quiz:has(.confirm:checked) .choice.yes + label { border-color: YES; box-shadow: inset 4px 0 0 YES; }
""".replace("YES", COLOURS[True]).replace("NO", COLOURS[False])
    + "".join(
        f".course-quiz .{letter}:checked ~ .confirm:checked ~ [role=status] .why-{letter} {{ display: block; }}\n"
        for letter in LETTERS
    )
)


def quizzes() -> dict[str, dict]:
    """Return the questions by name: ``question`` and ``choices``, each with ``text``, ``right`` and ``why``."""
    found = {}
    for path in sorted(Path(__file__).parents[1].joinpath("quizzes").glob("*.toml")):
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def verdict(asked: dict, choice: str) -> list[str]:
    """Return what is said of a choice: the verdict and why; of a wrong one also which is right, and why."""
    choices = dict(zip(LETTERS, asked["choices"], strict=False))
    chosen = choices[choice]
    if chosen["right"]:
        return [f"Right. {chosen['why']}"]
    said = [f"Not quite. {chosen['why']}"]
    for letter, entry in choices.items():
        if entry["right"]:
            end = "" if entry["text"].endswith((".", "?", "!")) else "."
            said.append(f"The answer is {letter}) {entry['text']}{end} {entry['why']}")
    return said


def _paragraph(text: str, look: str) -> Markup:
    first, rest = re.match(r"(Right\.|Not quite\.|The answer is) (.*)", text, re.DOTALL).groups()
    return Markup('<p class="why {}"><strong>{}</strong> {}</p>').format(look, first, marked(rest))


def quiz(name: str, choice: str | None = None) -> Shown:
    """Ask a question: you choose, confirm, and then read whether that is right, and why.

    Notebook: all

    Parameters
    ----------
    name : str
        A key of a file below ``course_utils/quizzes/``.
    choice : str, optional
        The letter of your choice, for where nothing can be clicked.

    Raises
    ------
    ValueError
        If there is no such question, or no such choice.
    """
    if name not in (known := quizzes()):
        raise ValueError(f"There is no question {name!r}; there are {', '.join(known)}.")
    asked = known[name]
    choices = dict(zip(LETTERS, asked["choices"], strict=False))
    if choice is not None and choice not in choices:
        raise ValueError(f"The question {name!r} has no choice {choice!r}; there are {', '.join(choices)}.")
    group = f"quiz-{name}-{secrets.token_hex(4)}"  # one of its own, wherever it is shown
    rows, reasons, answers, checked = [], [], [], Markup(' checked=""')
    row = Markup(
        '<input type="radio" class="choice {letter} {kind}" name="{group}" id="{group}-{letter}"'
        '{mark} data-lm-suppress-shortcuts="true"/>'  # in JupyterLab the arrows would go to other cells
        '<label for="{group}-{letter}">{letter}) {text}</label>'
    )
    for letter, entry in choices.items():
        kind, mark = "yes" if entry["right"] else "no", checked if letter == choice else ""
        rows.append(row.format(letter=letter, kind=kind, group=group, mark=mark, text=marked(entry["text"])))
        said, *answer = verdict(asked, letter)
        reasons.append(_paragraph(said, f"why-{letter} {kind}"))
        for right in answer:  # the same for all that are wrong
            wrong = " ".join(f"why-{other}" for other, entry in choices.items() if not entry["right"])
            answers = [_paragraph(right, f"{wrong} yes")]
    page = Markup(
        '<fieldset class="course-quiz"><style>{style}</style><legend>{question}</legend>'
        '{rows}<p class="hint">Choose an answer, then confirm it.</p>'
        '<input type="radio" class="confirm" name="{group}-confirm" id="{group}-confirm"{mark}/>'
        '<label for="{group}-confirm"><span class="before">Confirm</span><span class="after">Confirmed</span></label>'
        '<div role="status">{verdicts}</div></fieldset>'
    ).format(
        style=Markup(STYLE),  # noqa: S704 - a constant
        question=marked(asked["question"]),
        rows=Markup().join(rows),
        group=group,
        mark=checked if choice else "",
        verdicts=Markup().join(reasons + answers),
    )
    lines = [asked["question"], *(f"{letter}) {entry['text']}" for letter, entry in choices.items())]
    lines.append(f"To confirm a choice and read why: widgets.quiz({name!r}, 'a')")
    if choice is not None:
        lines = [f"{choice}) {choices[choice]['text']}", *verdict(asked, choice)]
    return Shown(page, "\n".join(lines))

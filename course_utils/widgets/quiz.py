"""Questions with choices, in plain HTML."""

from __future__ import annotations

import html
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from .shown import Shown

if TYPE_CHECKING:
    pass


def quizzes() -> dict[str, dict]:
    """Return the questions by name: ``question`` and ``choices``, each with ``text``, ``right`` and ``why``."""
    found = {}
    for path in sorted(Path(__file__).parents[1].joinpath("quizzes").glob("*.toml")):
        found |= tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def _rich(text: str) -> str:
    """Return text as HTML, what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def quiz(name: str, choice: str | None = None) -> Shown:
    """Ask a question with choices; opening one tells whether it is right, and why.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 04_sound_event_detection, 05_distillation

    Parameters
    ----------
    name : str
        A key of a file below ``course_utils/quizzes/``.
    choice : str, optional
        The letter of the choice to open, for where nothing can be clicked.

    Raises
    ------
    ValueError
        If there is no such question, or no such choice.
    """
    if name not in (known := quizzes()):
        raise ValueError(f"There is no question {name!r}; there are {', '.join(known)}.")
    asked = known[name]
    choices = dict(zip("abcdefgh", asked["choices"], strict=False))
    if choice is not None and choice not in choices:
        raise ValueError(f"The question {name!r} has no choice {choice!r}; there are {', '.join(choices)}.")
    title, rows, lines = html.escape(asked["question"].replace("`", ""), quote=True), [], [asked["question"]]
    for letter, entry in choices.items():
        verdict = "✓ Right." if entry["right"] else "✗ Not so."
        rows.append(
            f'<details name="quiz-{html.escape(name, quote=True)}"{" open" if letter == choice else ""} '
            'style="margin:0.3em 0;padding:0.35em 0.7em;border:1px solid rgba(128,128,128,0.6);border-radius:4px">'
            f'<summary style="cursor:pointer">{letter}) {_rich(entry["text"])}</summary>'
            f'<p style="margin:0.4em 0 0.1em"><strong>{verdict}</strong> {_rich(entry["why"])}</p></details>'
        )
        lines.append(f"{letter}) {entry['text']}")
    if choice is None:
        lines.append(f"To see what a choice means: widgets.quiz({name!r}, 'a')")
    else:
        entry = choices[choice]
        lines = [f"{choice}) {entry['text']}", f"{'Right.' if entry['right'] else 'Not so.'} {entry['why']}"]
    page = (
        f'<div class="course-quiz" role="group" aria-label="{title}" style="max-width:50em;margin:0.5em 0">'
        f'<p style="margin:0 0 0.4em"><strong>{_rich(asked["question"])}</strong></p>{"".join(rows)}</div>'
    )
    return Shown(page, "\n".join(lines))

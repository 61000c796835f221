"""``lecture.toml``: a lecturer's name, date, logo, and what to show in which order."""

import base64
import mimetypes
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from makers.lessons import LessonError

from .compose import Slide, plain

FILE = "lecture.toml"
KNOWN = {"author", "place", "date", "logo", "decks"}


class LectureError(LessonError):
    """What is written in ``lecture.toml`` does not fit the lessons; the message says what does."""


@dataclass(frozen=True)
class Lecture:
    """What a lecturer has chosen.

    Attributes
    ----------
    author, place, date : str
        For the title slides; nothing where empty.
    logo : str
        A picture, as the source of an image.
    decks : list of str
        The numbers of the decks on the start page, in order; all if empty.
    parts : dict
        Of a deck, by its number, ``leave_out`` and ``order``: headings.
    """

    author: str = ""
    place: str = ""
    date: str = ""
    logo: str = ""
    decks: list[str] = field(default_factory=list)
    parts: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def arrange(self, slides: list[Slide], name: str) -> list[Slide]:
        """Return the slides of a deck as the lecturer wants them.

        ``leave_out`` names slides, or the first slide of a part and with it the whole part. ``order`` names parts.

        Raises
        ------
        LectureError
            If a heading is on no slide, or an order leaves a part out.
        """
        chosen = self.parts.get(name[:2], {})
        groups = by_part(slides)
        left_out = [_found(heading, slides, name) for heading in chosen.get("leave_out", [])]
        if order := [_found(heading, slides, name) for heading in chosen.get("order", [])]:
            parts = [group for group in groups if group[0].layout == "part"]
            named = [group for slide in order for group in parts if group[0] is slide]
            if len(named) != len(order) or len(named) < len([g for g in parts if not any(s is g[0] for s in left_out)]):
                raise LectureError(
                    f"{FILE}, [{name[:2]}]: order names each part that is shown, once. The parts are:"
                    + "".join(f"\n  {plain(group[0].heading)}" for group in parts)
                )
            turn = iter(named + [group for group in parts if not any(group is other for other in named)])
            groups = [next(turn) if group[0].layout == "part" else group for group in groups]
        kept = [group for group in groups if not (group[0].layout == "part" and any(group[0] is s for s in left_out))]
        return [slide for group in kept for slide in group if not any(slide is other for other in left_out)]


def _found(heading: str, slides: list[Slide], name: str) -> Slide:
    said = {plain(slide.heading).rstrip(".?!").lower(): slide for slide in slides}
    slide = said.get(plain(heading).rstrip(".?!").lower())
    if slide is None:
        raise LectureError(
            f"{FILE}, [{name[:2]}]: no slide is headed “{heading}”. There are:"
            + "".join(f"\n  {plain(slide.heading)}" for slide in slides)
        )
    return slide


def by_part(slides: list[Slide]) -> list[list[Slide]]:
    """Return slides in lists: the opening, the parts, and the end, which begins with a summary."""
    groups = []
    for slide in slides:
        if slide.layout in ("part", "summary") or not groups:
            groups.append([])
        groups[-1].append(slide)
    return groups


def read(path: Path) -> Lecture:
    """Return what a lecturer has written; all as it is if there is no such file.

    Raises
    ------
    LectureError
        If it cannot be read, or says what nothing knows.
    """
    if not path.is_file():
        return Lecture()
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = re.search(r"at line \d+", str(error))
        raise LectureError(
            f"{path.name} cannot be read{f', {where[0]}' if where else ''}: is a quote or a bracket missing there? "
            'Text stands in "quotes", a list in ["brackets"].'
        ) from error
    numbers = {key for key in said if key.isdigit()}
    if lost := set(said) & {"leave_out", "order"}:
        raise LectureError(
            f"{path.name}: {' and '.join(sorted(lost))} stands below the number of a deck. "
            "Is the # still there, before [04] or another number?"
        )
    if unknown := set(said) - KNOWN - numbers:
        raise LectureError(
            f"{path.name} doesn't know {', '.join(sorted(unknown))}. It takes {', '.join(sorted(KNOWN))}, "
            "and a table for each deck, for instance [04]."
        )
    for number in numbers:
        if not isinstance(said[number], dict) or (unknown := set(said[number]) - {"leave_out", "order"}):
            raise LectureError(f"{path.name}, [{number}]: it takes leave_out and order, each a list of headings.")
        for key, headings in said[number].items():
            if not isinstance(headings, list) or not all(isinstance(heading, str) for heading in headings):
                raise LectureError(f"{path.name}, [{number}]: {key} is a list of headings, in brackets and quotes.")
    for key in ("author", "place", "date", "logo"):
        if not isinstance(said.get(key, ""), str) and key != "date":
            raise LectureError(f"{path.name}: {key} is a text, in quotes.")
    decks = said.get("decks", [])
    if not isinstance(decks, list) or not all(isinstance(deck, str) for deck in decks):
        raise LectureError(f'{path.name}: decks is a list of numbers in quotes, for instance ["01", "02"].')
    about = {key: str(said.get(key, "")) for key in ("author", "place", "date")}
    logo = _logo(path.parent / said["logo"], path.name) if said.get("logo") else ""
    decks = [deck.zfill(2) for deck in decks]
    return Lecture(**about, logo=logo, decks=decks, parts={number.zfill(2): said[number] for number in numbers})


def _logo(path: Path, name: str) -> str:
    kind = mimetypes.guess_type(path.name)[0] or ""
    if not kind.startswith("image/"):
        raise LectureError(f"{name}: the logo is a picture, for instance logo.svg or logo.png, not {path.name}.")
    if not path.is_file():
        raise LectureError(f"{name}: there is no logo {path.name} beside {name}.")
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"

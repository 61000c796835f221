"""Check what the course stands on: ``python -m makers audit`` (``make audit``).

Three questions, each with an answer in the terminal:

- Do the pinned versions have known vulnerabilities? pip-audit asks PyPI, and OSV for what PyPI doesn't know.
- Which licences do the packages have? The list goes to ``build/licences.md``.
- Does ``constraints.txt`` pin everything that ``.[dev]`` needs, and nothing else?

What people have judged is in ``audit.toml``. The exit status is 1 if something isn't judged, or is judged for nothing;
it is 3 if all else is well, but the advisories couldn't be had for every package.
"""

import argparse
import datetime
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from makers import files

ROOT = Path(__file__).resolve().parents[1]
JUDGED = Path(__file__).with_name("audit.toml")
SERVICES = (("--vulnerability-service", "pypi"), ("--vulnerability-service", "osv"))
NOT_ASKED = 3  # the exit status

# --- the lock: constraints.txt ---

TOOLS = {"uv"}  # the Makefile installs it before anything else
BY_PYTHON = {"pip"}  # each environment has one from the start
TESTED = (3, 11), "linux"  # elsewhere, packages need others too
CUDA = re.compile(r"(nvidia|cuda|triton)\b")  # PyTorch's usual build pins these libraries itself


def pins(root: Path = ROOT) -> tuple[dict[str, str], list[str]]:
    """Return the pinned versions, by name, and a sentence for each line of the file that isn't a pin."""
    found, problems = {}, []
    for i, line in enumerate((root / "constraints.txt").read_text(encoding="utf-8").splitlines(), 1):
        pin = re.fullmatch(r"([A-Za-z0-9][\w.-]*)==([\w.!]+)", line)
        if pin and (name := canonicalize_name(pin[1])) not in found:
            found[name] = pin[2]
        elif pin or not (line.startswith("#") or not line):
            why = "is pinned twice" if pin else "should be name==version and nothing else"
            problems.append(f"constraints.txt, line {i}: {line!r} {why}.")
    return found, problems


def installed(name: str, extra: str = "") -> list[str]:
    """Return what an installed package says it needs; of one that isn't installed, nothing is known."""
    try:
        return importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def needs(root: Path = ROOT) -> Callable[[str, str], list[str]]:
    """Return what tells a package's requirements: of the course itself, as pyproject.toml has them for an extra."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    course = {"": project["dependencies"], **project["optional-dependencies"]}
    return lambda name, extra: course[extra] if name == canonicalize_name(project["name"]) else installed(name)


def closure(wanted: Iterable[str], requires: Callable[[str, str], list[str]]) -> dict[str, list[tuple[str, str]]]:
    """Return all packages that some requirements bring, each with who needs it and in which versions."""
    todo = [("the course", Requirement(text)) for text in wanted]
    found: dict[str, list[tuple[str, str]]] = {}
    seen = set()
    while todo:
        who, requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        by = found.setdefault(name, [])
        by += {(who, str(requirement.specifier))} - set(by)
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            for needed in map(Requirement, requires(name, extra)):
                cuda = name == "torch" and CUDA.match(needed.name)
                if not cuda and (needed.marker is None or needed.marker.evaluate({"extra": extra})):
                    todo.append((name, needed))
    return found


def lock(root: Path = ROOT, requires: Callable[[str, str], list[str]] | None = None) -> list[str]:
    """Return what is wrong with ``constraints.txt``, a sentence each.

    Parameters
    ----------
    root : Path
        The folder that has ``constraints.txt`` and ``pyproject.toml``.
    requires : callable, optional
        Gives the requirements of a package and an extra. By default, those of what is installed.
    """
    pinned, problems = pins(root)
    everything = closure(["course-utils[dev]"], requires or needs(root))
    everything = {name: by for name, by in everything.items() if name != "course-utils" and name not in BY_PYTHON}
    for name, by in sorted(everything.items()):
        if name not in pinned:
            problems.append(f"constraints.txt lacks {name}, which {by[0][0]} needs.")
        for who, specifier in by:
            if name in pinned and pinned[name] not in Requirement(f"{name}{specifier}").specifier:
                problems.append(f"{name}=={pinned[name]} is pinned, but {who} needs {name}{specifier}.")
    unneeded = sorted(set(pinned) - set(everything) - TOOLS)
    return problems + [f"constraints.txt pins {name}, which nothing needs." for name in unneeded]


# --- vulnerabilities ---


def ask(pinned: dict[str, str], service: tuple[str, ...]) -> dict[str, list[dict]]:
    """Return the advisories of each package that a service knows; none of them if it can't be reached."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pins.txt"
        path.write_text("".join(f"{name}=={version}\n" for name, version in pinned.items()), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(path), "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", *service]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except ValueError:  # it could not ask, and says so in a traceback
        return {}
    return {canonicalize_name(row["name"]): row["vulns"] for row in rows if "vulns" in row}


def vulnerabilities(pinned: dict[str, str], judged: list[dict], today: datetime.date) -> tuple[list[str], list[str]]:
    """Return a sentence for each advisory that isn't judged, or judged for nothing, and the packages nobody knows."""
    answers: dict[str, list[dict]] = {}
    for service in SERVICES:
        if rest := {name: version for name, version in pinned.items() if name not in answers}:
            answers |= ask(rest, service)
    problems, used = [], []
    for name, advisory in [(package, advisory) for package in sorted(answers) for advisory in answers[package]]:
        names = {advisory["id"], *advisory["aliases"]}
        row = next((row for row in judged if row["package"] == name and row["id"] in names), None)
        used.append(row)
        what = f"{name}=={pinned[name]} has a known vulnerability, {advisory['id']}"
        fixed = ", ".join(advisory["fix_versions"])
        if row is None:
            remedy = f"Take {name} {fixed}" if fixed else "No version mends it yet; take another package"
            problems.append(f"{what}. {remedy}, or say in makers/audit.toml why it doesn't concern the course.")
        elif row["until"] <= today:
            problems.append(f"{what}, to be looked at again on {row['until']}. Do so, and write the next day down.")
    for row in judged:
        if row not in used and (row["package"] in answers or row["package"] not in pinned):
            problems.append(f"makers/audit.toml explains {row['id']} of {row['package']}, which isn't found any more.")
    return problems, sorted(set(pinned) - set(answers))


# --- licences ---

GROUPS = ("permissive", "weak copyleft", "strong copyleft", "unknown")
ALLOWED = GROUPS[:2]  # weak copyleft asks nothing of those who only import a package
CATEGORIES = dict(zip(("Permissive", "Public Domain", "Copyleft Limited", "Copyleft"), (0, 0, 1, 2), strict=True))
RANKS = {row["spdx_license_key"]: CATEGORIES.get(row["category"], 3) for row in license_expression.get_license_index()}
LICENCES = license_expression.get_spdx_licensing()
# How people write them, without capitals, punctuation, "the", "license" and "version". "BSD" alone may be either.
BSD = "BSD-2-Clause OR BSD-3-Clause"
SPELT = {
    "apache": "Apache-2.0", "apache software": "Apache-2.0", "apache 2.0": "Apache-2.0",
    "bsd": BSD, "bsd 2 clause": "BSD-2-Clause", "bsd 3 clause": "BSD-3-Clause", "3 clause bsd": "BSD-3-Clause",
    "gnu general public gpl": "GPL-1.0-or-later", "gnu general public v2 gplv2": "GPL-2.0-only",
    "gnu general public v3 gplv3": "GPL-3.0-only", "gnu affero general public v3": "AGPL-3.0-only",
    "gnu lesser general public v2 lgplv2": "LGPL-2.0-only", "isc": "ISC", "isc iscl": "ISC", "mit": "MIT",
    "mozilla public 2.0 mpl 2.0": "MPL-2.0", "psfl": "PSF-2.0", "python software foundation": "PSF-2.0",
    "public domain": "LicenseRef-scancode-public-domain",
}  # fmt: skip


def spdx(text: str) -> str:
    """Return the SPDX expression that a text means, or nothing where it isn't known."""
    words = re.sub(r"[^a-z0-9.]+|\b(the|licen[sc]e|version)\b", " ", text.lower()).split()
    if known := SPELT.get(" ".join(words)):
        return known
    try:
        return LICENCES.parse(text, validate=True).render() if text.strip() else ""
    except license_expression.ExpressionError:
        return ""


def said(metadata: importlib.metadata.PackageMetadata) -> str:
    """Return the licence that a package's metadata give, as an SPDX expression, or nothing."""
    get = metadata.get_all
    classifiers = [text.split(" :: ")[-1] for text in get("Classifier") or [] if text.startswith("License :: ")]
    classified = [spdx(text) for text in classifiers if text != "OSI Approved"]  # that one names none
    together = " AND ".join(f"({text})" for text in classified) if all(classified) else ""  # else one may ask for more
    texts = [*(get("License-Expression") or []), *(get("License") or []), together]
    return next(filter(None, map(spdx, texts)), "")


def group(expression: str) -> str:
    """Return the group of a licence: of a choice the lightest, of several that hold together the heaviest."""

    def rank(node: license_expression.Renderable) -> int:
        if isinstance(node, license_expression.LicenseWithExceptionSymbol):
            return rank(node.license_symbol)  # an exception only allows more
        if isinstance(node, license_expression.LicenseSymbol):
            return RANKS.get(node.key, 3)
        return (min if isinstance(node, LICENCES.OR) else max)(map(rank, node.args))

    return GROUPS[rank(LICENCES.parse(expression))] if expression else "unknown"


class Package(NamedTuple):
    """A row of the report."""

    name: str
    version: str
    licence: str
    reason: str  # where people have judged it

    @property
    def group(self) -> str:
        """The group of its licence."""
        return group(self.licence)


def licences(pinned: dict[str, str], judged: list[dict]) -> tuple[list[Package], list[str]]:
    """Return each pinned package with its licence, and a sentence for each that isn't allowed or isn't judged right."""
    packages, problems = [], []
    rows = {row["package"]: row for row in judged}
    for name, version in sorted(pinned.items()):
        try:
            metadata = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{name} isn't installed, so its licence can't be read: make .venv/.installed brings it.")
            continue
        here = metadata["Version"].split("+")[0]  # PyTorch's CPU build calls itself 2.13.0+cpu
        if here != version:
            problems.append(f"{name} {here} is installed, but {version} is pinned: make .venv/.installed brings it.")
        licence, row = said(metadata), rows.get(name)
        if row and row["said"] != licence:
            where = "makers/audit.toml"
            problems.append(f"{where} judged {name} when its licence read {row['said']!r}; it reads {licence!r} now.")
        package = Package(name, version, row["licence"] if row else licence, row["reason"] if row else "")
        packages.append(package)
        if package.group == "unknown" or (package.group not in ALLOWED and not row):
            what = f"has the licence {package.licence!r}" if package.licence else "names no licence that is known here"
            problems.append(f"{name} {what}. Read it, and enter in makers/audit.toml what holds, or do without {name}.")
    unneeded = sorted(set(rows) - set(pinned))
    return packages, problems + [f"makers/audit.toml judges {name}, which isn't pinned any more." for name in unneeded]


def report(students: list[Package], makers: list[Package]) -> str:
    """Return the list of licences as a page of Markdown."""
    lines = ["# Licences of the packages", "", "From their metadata and `makers/audit.toml`, by `make audit`."]
    for title, packages in (("What students install", students), ("What only maintainers install", makers)):
        lines += ["", f"## {title}", "", "| package | version | licence | group |", "| --- | --- | --- | --- |"]
        for kind in reversed(GROUPS):
            lines += [f"| {p.name} | {p.version} | {p.licence or '?'} | {kind} |" for p in packages if p.group == kind]
        lines += [""] + [f"- {p.name}: {p.reason}" for p in packages if p.reason]
    return "\n".join(lines) + "\n"


def count(packages: list[Package]) -> str:
    """Return how many packages each group has, in words."""
    return ", ".join(f"{n} {kind}" for kind in GROUPS if (n := sum(p.group == kind for p in packages)))


# --- the command ---


def main() -> int:
    """Run the command line."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    judged = tomllib.loads(JUDGED.read_text(encoding="utf-8"))
    pinned, _ = pins()

    wrong = []
    if (sys.version_info[:2], sys.platform) == TESTED:
        wrong = lock()
        print(f"constraints.txt: {len(pinned)} pins.")
    else:
        print("constraints.txt: not checked, since its pins are for Python 3.11 on Linux.")

    packages, problems = licences(pinned, judged.get("licence", []))
    wrong += problems
    for_students = closure(["course-utils[lab]"], needs())
    students = [package for package in packages if package.name in for_students]
    makers = [package for package in packages if package.name not in for_students]
    files.write(ROOT / "build/licences.md", report(students, makers))
    print(f"Licences: students have {count(students)}; maintainers have {count(makers)} more. See build/licences.md.")

    problems, unasked = vulnerabilities(pinned, judged.get("advisory", []), datetime.date.today())
    wrong += problems
    print(f"Vulnerabilities: {len(pinned) - len(unasked)} of {len(pinned)} packages looked up.")

    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if unasked:
        which = "any of them" if len(unasked) == len(pinned) else ", ".join(unasked)
        print(
            f"Neither PyPI nor OSV told the advisories of {which}: run make audit again where they can be reached.",
            file=sys.stderr,
        )
    if not (wrong or unasked):
        print("All is well.")
    return 1 if wrong else NOT_ASKED if unasked else 0


if __name__ == "__main__":
    sys.exit(main())

"""Write down what can go wrong, and what people see then: ``python -m makers reliability`` (``make reliability``).

The tests in ``tests/faults`` cause each fault, check what happens, and record a row of it. From these rows comes
``docs/reliability.md``. A test whose fault has no row there fails, so that the page can't fall behind.
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from jinja2 import Template

from makers import files

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reliability.md"
RECORD = ROOT / "build/faults"  # one file from each process of the tests
KINDS = ("Downloads and the cache", "Archives", "Audio files", "Settings and environments")


class Fault(NamedTuple):
    """What goes wrong, what a user reads of it, the state of the cache afterwards, and how long it took."""

    kind: str
    name: str
    sees: str
    cache: str
    seconds: float


def faults() -> list[Fault]:
    """Return what the tests have recorded, sorted by kind and name."""
    lines = (line for file in RECORD.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines())
    found = (Fault(**json.loads(line)) for line in lines)
    return sorted(found, key=lambda fault: (KINDS.index(fault.kind), fault.name.casefold(), fault.name))


def cell(text: str) -> str:
    """Return a text as Markdown that shows it as it is in a table, with code between backticks."""
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(r"([\\`*\[\]{}<>&#$~|]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [part.replace("|", r"\|") for part in parts[1::2]]
    return "".join(parts)


def knows(page: str, name: str) -> bool:
    """Return whether the page has a row for a fault."""
    return f"\n| {cell(name)} | " in page


def write(found: Iterable[Fault]) -> None:
    """Write the page."""
    found = list(found)
    tables = {kind: [fault for fault in found if fault.kind == kind] for kind in KINDS}
    template = Template((ROOT / "makers/templates/reliability.md.j2").read_text(encoding="utf-8"))
    text = template.render(
        tables=tables, cell=cell, python=platform.python_version(), system=platform.system(), count=len(found)
    )
    files.write(PAGE, text.rstrip() + "\n")


def main() -> int:
    """Cause all faults, and write the page if every test passes."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    shutil.rmtree(RECORD, ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "tests/faults", "--new-page"]
    if status := subprocess.run(command, cwd=ROOT).returncode:
        print("Not every test passed, so docs/reliability.md stays as it is.", file=sys.stderr)
        return status
    write(faults())
    print(f"Wrote {PAGE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

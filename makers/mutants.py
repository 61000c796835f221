"""Change the package in thousands of small ways, and see which changes no test notices: ``python -m makers mutants``.

mutmut does it (``make mutants``): it turns ``<`` into ``<=``, 1 into 2, a sentence into capital letters, and runs the
tests that reach the changed function. Modules and tests are in ``[tool.mutmut]`` of ``pyproject.toml``; the copy that
it works on is the folder ``mutants``. What no test noticed goes to ``build/mutants.md``, for people to judge: a test is
missing, or the line is not needed, or the change changes nothing.

All modules take two hours on two cores. A run that was interrupted goes on where it stopped. After a change of the
code, only changed functions are tried again; after a change of the tests, ``--again`` tries what had not been noticed.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
from pathlib import Path

from makers import files

ROOT = Path(__file__).resolve().parents[1]
NOTICED = {"killed", "timeout"}  # a test that never ends has noticed, too


def pytest_collection_modifyitems(items: list) -> None:
    """Run quick tests first, as a plugin of pytest (``-p makers.mutants``): the first that fails ends the trial."""
    if (stats := Path("mutmut-stats.json")).exists():
        seconds = json.loads(stats.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 9.0))


def outcomes(modules: list[str]) -> dict[str, dict[str, str]]:
    """Return by module what came of each mutant, by its name."""
    from mutmut.stats import status_by_exit_code

    found = {}
    for file in sorted((ROOT / "mutants/course_utils").glob("*.py.meta")):
        name = file.name.removesuffix(".py.meta")
        if not modules or name in modules:
            codes = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
            found[name] = {mutant: status_by_exit_code[code] for mutant, code in codes.items()}
    return found


def report(found: dict[str, dict[str, str]]) -> str:
    """Return the page: a table by module, then the changes that no test noticed."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = ["# Mutants", "", "| module | mutants | noticed | share | not tried |", "| --- | --- | --- | --- | --- |"]
    for module, mutants in {**found, "all": {k: v for one in found.values() for k, v in one.items()}}.items():
        counts = collections.Counter(mutants.values())
        tried = len(mutants) - counts["not checked"]
        noticed = sum(counts[status] for status in NOTICED)
        share = f"{noticed / tried:.1%}" if tried else ""
        lines.append(f"| {module} | {len(mutants)} | {noticed} | {share} | {counts['not checked']} |")
    for module, mutants in found.items():
        lines += ["", f"## {module}"]
        for name, status in mutants.items():
            if status not in {*NOTICED, "not checked"}:
                diff = get_diff_for_mutant(name, path=f"course_utils/{module}.py")
                changed = [line for line in diff.splitlines()[2:] if line[:1] in "-+"]
                lines += ["", f"{name.rpartition('.')[2]}: {status}", "", "```diff", *changed, "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try the mutants of some modules, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", help="modules of course_utils, such as events; all that are configured")
    parser.add_argument("--again", action="store_true", help="try once more what no test had noticed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials at a time")
    arguments = parser.parse_args()
    os.chdir(ROOT)  # mutmut's functions work where they are called
    names = [f"course_utils.{module}.*" for module in arguments.modules]
    if arguments.again:
        names = [
            name
            for mutants in outcomes(arguments.modules).values()
            for name, status in mutants.items()
            if status not in {*NOTICED, "not checked"}
        ]
    status = 0
    if names or not arguments.again:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(arguments.jobs), *names]
        status = subprocess.run(command).returncode
    page = report(outcomes(arguments.modules))
    files.write(ROOT / "build/mutants.md", page)
    print(page.partition("\n## ")[0])
    print("What no test noticed is in build/mutants.md.")
    return status


if __name__ == "__main__":
    sys.exit(main())

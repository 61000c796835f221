"""What maintainers run: ``python -m makers COMMAND``."""

import runpy
import sys

COMMANDS = {
    "run": ("build", (), "execute the notebooks that have changed; write the site, slides and results.json"),
    "page": ("build", ("--pages",), "the same for one notebook and without slides: page 02"),
    "site": ("site", (), "write the web site"),
    "notebooks": ("lessons", (), "write the notebooks and the README's table from lessons/"),
    "figures": ("figures", (), "write the drawings of the lessons, and a sheet to look at: figures NAME"),
    "reading": ("reading", (), "count the minutes of lessons, and see how they read: reading 02"),
    "slides": ("slides", (), "write the slides"),
    "pdf": ("slides", ("--pdf",), "write the slides, and two handouts of each deck"),
    "contact-sheets": ("slides.sheets", (), "photograph all slides, and measure them: contact-sheets 02"),
    "present": ("slides", ("--present",), "show the web site from this computer, or a deck: present 3"),
    "badges": ("badges", (), "write the repository's address everywhere: badges owner/name"),
    "bench": ("bench", (), "time the course on this computer"),
    "results": ("results", (), "measure everything again: docs/results.md"),
    "reliability": ("reliability", (), "cause every fault that the tests know: docs/reliability.md"),
    "mutants": ("mutants", (), "change the code in small ways, and list what no test notices: mutants events"),
    "audit": ("audit", (), "look for known vulnerabilities, unsuitable licences and missing pins"),
    "verify": ("verify", (), "get every real asset, and compare with published figures"),
    "clips": ("make_clips", (), "make the embedded clips again"),
    "embedded": ("make_embedded", (), "make the embedded tables and features again"),
}


def main(arguments: list[str]) -> int:
    """Run a command with what follows it; without one, list them. A lesson that is wrong is named in a sentence."""
    name, *rest = arguments or ["--help"]
    if name not in COMMANDS:
        print("python -m makers COMMAND\n")
        print("\n".join(f"  {command:14} {what}" for command, (_, _, what) in COMMANDS.items()))
        return 0 if name in ("-h", "--help") else 2
    module, options, _ = COMMANDS[name]
    sys.argv = [f"makers {name}", *options, *rest]
    try:
        runpy.run_module(f"makers.{module}", run_name="__main__", alter_sys=True)
    except ValueError as error:
        from makers.lessons import LessonError  # before, runpy would complain that it is imported already

        if not isinstance(error, LessonError):
            raise
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

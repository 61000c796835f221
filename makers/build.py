"""Execute the notebooks, and write the web site, slides and a record of the run below ``build/``.

``python -m makers run`` (``make run``) executes the notebooks whose code, package, assets or versions have changed
since their last execution (:mod:`makers.execute`), and writes

- ``build/site/``, the web site, with each executed notebook as a page (:mod:`makers.site`),
- ``build/slides/NAME.html``, the lesson as slides (:mod:`makers.slides`), and ``index.html``, their start page,
- ``build/solutions/NAME.ipynb``, the instructor's notebook,
- ``build/results.json``: for each notebook its seconds, where each asset came from, and its results.
"""

import argparse
import json
import sys
import time

from makers import execute, files, lessons, site, slides
from makers.lessons import Lesson
from makers.slides import lecture


def write_index() -> None:
    """Write the start page for the decks that exist."""
    folder, file = execute.BUILD / "slides", execute.BUILD / "results.json"
    folder.mkdir(parents=True, exist_ok=True)
    results = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    kinds = {name: asset_kinds(record) for name, record in results.items()}
    there = [lesson for lesson in lessons.lessons() if (folder / f"{lesson.name}.html").is_file()]
    choices = lecture.read(lessons.ROOT / lecture.FILE)
    numbers = [lesson.name[:2] for lesson in lessons.lessons()]
    for number in [*choices.decks, *choices.parts]:
        if number not in numbers:
            raise lecture.LectureError(f"{lecture.FILE}: there is no deck {number}; there are {', '.join(numbers)}.")
    if choices.decks:
        there = [lesson for number in choices.decks for lesson in there if lesson.name.startswith(number)]
    slides.write_index(folder, {lesson.name: lesson.deck() for lesson in there}, kinds, choices)


def asset_kinds(record: dict) -> str:
    """Return which assets a notebook used, from its record: ``"real"``, ``"embedded"``, or both."""
    sources = set(record.get("assets", {}).values())
    return " and ".join(["real"] * bool(sources - {"embedded"}) + ["embedded"] * ("embedded" in sources))


def table(results: dict) -> str:
    """Return the table at the end of a run: notebook, seconds, assets, headline."""
    rows = [("notebook", "seconds", "assets", "result")]
    for name, record in results.items():
        if "error" in record:
            rows.append((name, f"{record['seconds']:.0f}", "", f"FAILED: {record['error']}"))
            continue
        rows.append((name, f"{record['seconds']:.0f}", asset_kinds(record), record.get("headline", "")))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def record(notebook) -> dict:
    """Return the entry of an executed notebook in ``build/results.json``."""
    found = {"seconds": notebook.metadata.seconds, **notebook.metadata.record, "assets": dict(notebook.metadata.assets)}
    if "embeddings" in found["assets"]:
        found["embeddings"] = found["assets"].pop("embeddings")  # computed from assets, none itself
    return found


def run(chosen: list[Lesson], with_slides: bool = True) -> int:
    """Execute what has changed, and write pages, the record and, if you want them, slides.

    Returns
    -------
    int
        How many lessons failed.
    """
    start, written, results, began = time.perf_counter(), 0.0, {}, {}
    choices = lecture.read(lessons.ROOT / lecture.FILE)
    file = execute.BUILD / "results.json"
    if file.is_file():  # of the notebooks that are not run now, the last results stay
        results = json.loads(file.read_text(encoding="utf-8"))
    lessons.write(folders=["build/solutions"])  # what students have in notebooks/ is theirs

    def begin(lesson: Lesson) -> None:
        began[lesson.name] = time.perf_counter()
        print(f"{lesson.name} ...\n", end="", flush=True)  # in one piece: there are two threads
        site.forget(lesson)
        for old in (execute.BUILD / "slides").glob(f"{lesson.name}.*"):
            old.unlink()

    executions = execute.start(chosen, begin=begin)
    for lesson in chosen:
        try:
            notebook = executions[lesson.name].result()
            results[lesson.name], now = record(notebook), time.perf_counter()
            site.write_lesson(notebook, lesson)
            if with_slides:
                slides.write_deck(lesson.deck(notebook), execute.BUILD / "slides" / f"{lesson.name}.html", choices)
            written += time.perf_counter() - now
        except Exception as error:  # whatever a notebook or its kernel does, the others run and the table is printed
            print(error, file=sys.stderr)
            what = getattr(error, "what", f"{type(error).__name__}: {error}")
            seconds = time.perf_counter() - began.get(lesson.name, start)
            results[lesson.name] = {"seconds": round(seconds, 1), "error": what}
        except KeyboardInterrupt:
            for execution in executions.values():
                execution.cancel()
            raise
    files.write(file, json.dumps(results, indent=2, sort_keys=True) + "\n")
    write_index()
    now, broken = time.perf_counter(), False
    try:
        warned = site.write()
    except (RuntimeError, ValueError) as error:  # the table of results is printed all the same
        warned, broken = str(error), True
    written += time.perf_counter() - now
    done = {lesson.name: results[lesson.name] for lesson in chosen}
    print(f"\n{table(done)}\n")
    if same := len(chosen) - len(began):
        print(f"{same} of {len(chosen)} notebooks have not changed since their last run (make clean forgets it).")
    if any("embedded" in found.get("assets", {}).values() for found in done.values()):
        print("With embedded assets, figures may differ from the README's by one or two hundredths.")
    if warned:
        print(f"In the pages, something is not as it should be:\n{warned}", file=sys.stderr)
    print("Open build/site/index.html, or run: make present. Slides: build/slides/, figures: build/results.json")
    print(f"It took {time.perf_counter() - start:.0f} s, {written:.0f} s of them for pages and slides.")
    return sum("error" in found for found in done.values()) + broken


def decks(chosen: list[Lesson], quiet: bool = False) -> int:
    """Write slides from the last execution, and execute again what has changed; return how many lessons failed."""
    choices = lecture.read(lessons.ROOT / lecture.FILE)
    current = {lesson.name: execute.last(lesson) for lesson in chosen}
    for lesson in chosen:
        if notebook := current[lesson.name]:
            slides.write_deck(lesson.deck(notebook), execute.BUILD / "slides" / f"{lesson.name}.html", choices)
            if not quiet:
                print(f"build/slides/{lesson.name}.html")
    write_index()
    if site.output().is_dir():
        site.take_slides()
    changed = [lesson for lesson in chosen if not current[lesson.name]]
    if not changed and not quiet:
        print("Nothing was executed: these are the results of the last run. Begin with build/slides/index.html")
    return run(changed) if changed else 0


def choose(names: list[str] | tuple = ()) -> list[Lesson]:
    """Return the lessons whose names begin with one of ``names``, in order; all of them without names."""
    return [lesson for lesson in lessons.lessons() if not names or lesson.name.startswith(tuple(names))]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every notebook ran."""
    parser = argparse.ArgumentParser(prog="python -m makers run", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks, by the beginning of their names (default: all)")
    parser.add_argument("--pages", action="store_true", help="write pages, but no slides")
    wanted = parser.parse_args(arguments)
    if not (chosen := choose(wanted.names)):
        print(f"No notebook's name begins with {' or '.join(wanted.names)}. Try 01.", file=sys.stderr)
        return 2
    return 1 if run(chosen, with_slides=not wanted.pages) else 0


if __name__ == "__main__":
    sys.exit(main())

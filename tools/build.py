"""Execute the notebooks and write pages, slides and a record of the run below ``build/``.

``python -m tools.build`` (``make run``) executes the notebooks one after the other and writes

- ``build/html/NAME.html``, the executed notebook as a page,
- ``build/slides/NAME.html``, the same as slides (:mod:`tools.slides`), and ``index.html``, where they start,
- ``build/results.json``: for each notebook its seconds, where each asset came from, and its results.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

from tools import make_notebooks, slides

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"

# Evaluated in the notebook's kernel after its last cell: what goes into results.json, and the headline of the table.
# "expected" has what the notebook's section *Expected results* gives ranges for.
RECORDS = {
    "01_audio_tagging": (
        """{
            "top5": [[row.label, float(row.score)] for row in top.itertuples()],
            "expected": {
                "clip scores over 0.1": int((clipwise_output[0] > 0.1).sum()),
                "highest clip score": float(clipwise_output.max()),
                "onset of *Whistling* in the clip (s), exercise 1.3": (
                    lambda row: float((row > row.max() / 2).argmax() / FRAME_RATE)
                )(framewise_output[0, :, columns[classes.index("Whistling")]]),
                "frames of the clip": framewise_output.shape[1],
            },
        }""",
        lambda r: f"top tag {r['top5'][0][0]} ({r['top5'][0][1]:.3f})",
    ),
    "02_yamnet": (
        """{
            "scores_shape": list(scores.shape),
            "top5": [[row.label, float(row.score)] for row in top.itertuples()],
            "expected": {
                "windows of the clip": len(scores),
                "highest mean score": float(mean_scores.max()),
                "windows of 10 s": len(yamnet(silence)[0]),
                "share of windows with *Speech* on top, exercise 2.1": float((scores.argmax(axis=1) == 0).mean()),
            },
        }""",
        lambda r: f"top class {r['top5'][0][0]} ({r['top5'][0][1]:.3f})",
    ),
    "03_transfer_learning": (
        """{
            "n_clips": len(animals),
            "zero_shot_accuracy_macro": float(zero_shot.loc["average", "accuracy"]),
            "frame_accuracy": frame_accuracy,
            "clip_accuracy_macro": float(clip_table.loc["average", "accuracy"]),
            "class_accuracy": clip_table["accuracy"].drop("average").to_dict(),
            "train_seconds": float(cost["seconds"]),
            "train_energy_kwh": float(cost["kWh"]),
            "epochs": len(history.epoch),
            "classifiers": classifiers.to_dict("index"),
            "by_fold": by_fold.assign(mean=by_fold.mean(axis=1), std=by_fold.std(axis=1)).to_dict("index"),
            "class_intervals": class_intervals.to_dict(),
            "growth": growth.to_dict("index"),
            "leak": {"honest": float(honest), "leaked": float(leaked)},
            "bill": bill.to_dict("index"),
            "country": costs["training the head"][0]["country"],
            "measured": costs["training the head"][0]["measured"],
            "expected": {
                "zero-shot clip accuracy (highest label), fold 5": float(zero_shot.loc["average", "accuracy"]),
                "frame accuracy, fold 5": frame_accuracy,
                "clip accuracy, fold 5, windows with sound": float(clip_table.loc["average", "accuracy"]),
                "clip accuracy, five folds, windows with sound": float(classifiers.loc["head", "mean"]),
                "clip accuracy, five folds, logistic regression": float(classifiers.loc["logistic regression", "mean"]),
                "frame accuracy of the nearest window, honest": float(honest),
                "frame accuracy of the nearest window, leaked": float(leaked),
            },
        }""",
        lambda r: (
            f"clip accuracy {r['classifiers']['head']['mean']:.3f} (five folds), "
            f"{r['clip_accuracy_macro']:.3f} (fold 5)"
        ),
    ),
    "04_sound_event_detection": (
        """{
            "events": events.to_dict("records"),
            "reference": mixture.reference.to_dict("records"),
            "threshold": threshold,
            "segment_f1": float(metrics["F-score"].iloc[0]),
            "event_f1": float(metrics["F-score"].iloc[1]),
            "soundscapes": {name: rows.to_dict("index") for name, rows in results.items()},
            "by_class": by_class.to_dict("index"),
            "better_events": better_events.to_dict("records"),
            "expected": {
                "threshold of the simple detector": threshold,
                "segment-based F-score, metro station": float(metrics["F-score"].iloc[0]),
                "event-based F-score, metro station": float(metrics["F-score"].iloc[1]),
                "simple detector at 0 dB, segment-based": float(results["simple"].loc["0", "segment F-score"]),
                **{
                    f"better detector at 0 dB, {kind}-based": float(
                        results["smoothed: the better detector"].loc["0", f"{kind} F-score"]
                    )
                    for kind in ("segment", "event")
                },
            },
        }""",
        lambda r: (
            "macro segment F-score at 0 dB: simple "
            f"{r['soundscapes']['simple']['0']['segment F-score']:.2f}, "
            f"better {r['soundscapes']['smoothed: the better detector']['0']['segment F-score']:.2f}"
        ),
    ),
    "05_distillation": (
        """{
            "imitation": imitation.to_dict("index"),
            "cost": cost,
            "expected": {
                "*of five*, always the mean": float(imitation.loc["always the mean", "of five"]),
                "*of five*, hard targets": float(imitation.loc["tiny student, hard targets", "of five"]),
                "*of five*, soft targets": float(imitation.loc["tiny student, soft targets", "of five"]),
            },
        }""",
        lambda r: f"tiny student: {r['imitation']['tiny student, soft targets']['of five']:.2f} of five classes shared",
    ),
}


def set_values(notebook, values: dict) -> None:
    """Set variables of a notebook to other values, in the lines that set them.

    Raises
    ------
    ValueError
        If no line sets a variable.
    """
    for name, value in values.items():
        found = 0
        for cell in notebook.cells:
            if cell.cell_type == "code":
                line, new = rf"^{name} = [^#\n]*?(?= *#| *$)", f"{name} = {value!r}"
                cell.source, n = re.subn(line, new, cell.source, flags=re.MULTILINE)
                found += n
        if not found:
            raise ValueError(f"No line of the notebook sets {name}.")


def execute(path: Path, values: dict | None = None) -> tuple[object, dict]:
    """Execute a notebook in its own folder; return it with its outputs, and its record.

    Parameters
    ----------
    path : Path
        The notebook.
    values : dict, optional
        What variables are set to, in place of the notebook's own values.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails; the message holds the cell and its traceback.
    """
    import nbformat
    from nbclient import NotebookClient

    # A run should not write into anybody's history; figures go into the page, whatever the terminal is set to.
    environment = {"IPYTHONDIR": str(BUILD / "ipython"), **os.environ}
    environment.pop("MPLBACKEND", None)
    Path(environment["IPYTHONDIR"]).mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(path, as_version=4)
    set_values(notebook, values or {})
    expression = RECORDS.get(path.stem, ("{}",))[0]
    code = f"import json\nprint(json.dumps({{**{expression}, 'assets': course_utils.assets.used()}}))"
    notebook.cells.append(nbformat.v4.new_code_cell(code))
    start = time.perf_counter()
    client = NotebookClient(
        notebook,
        timeout=1800,
        coalesce_streams=True,  # of a progress bar only the end
        kernel_name="python3",
        resources={"metadata": {"path": path.parent}},
        extra_arguments=["--log-level=ERROR"],  # ipykernel warns at each start that it talks over TCP
        store_widget_state=False,  # a page with it asks a CDN for scripts
    )
    client.execute(env=environment)
    seconds = time.perf_counter() - start
    record = json.loads(notebook.cells.pop().outputs[0].text)
    if "embeddings" in record["assets"]:
        record["embeddings"] = record["assets"].pop("embeddings")  # computed from assets, none itself
    return notebook, {"seconds": round(seconds, 1), **record}


def circumstances() -> dict[str, str]:
    """Return what the outputs of a notebook depend on beside its own code: the package, and which assets are meant."""
    digest = hashlib.sha256()
    for file in sorted(p for folder in ("course_utils", "data/embedded") for p in (ROOT / folder).rglob("*.*")):
        if file.is_file() and file.suffix != ".pyc":  # JupyterLab keeps folders of its own beside them
            digest.update(file.read_bytes())
    settings = {key: os.environ.get(key, "") for key in ("COURSE_ASSETS", "COURSE_MIRROR")}
    return {"course_utils": digest.hexdigest(), **settings}


def last_execution(path: Path):
    """Return a notebook with the outputs of its last execution; None if there was none, or of other code or assets."""
    import nbformat

    executed = BUILD / "executed" / path.name
    if not executed.is_file():
        return None
    notebook, before = (nbformat.read(file, as_version=4) for file in (path, executed))
    if before.metadata.get("circumstances") != circumstances():
        return None
    ours, theirs = ([c for c in nb.cells if c.cell_type == "code"] for nb in (notebook, before))
    if [cell.source for cell in ours] != [cell.source for cell in theirs]:
        return None
    for cell, executed_cell in zip(ours, theirs, strict=True):
        cell.outputs = executed_cell.outputs
    return notebook


def write_page(notebook, path: Path) -> None:
    """Write an executed notebook as a page, without the notes for whoever shows it as slides."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="page", extra_template_basedirs=[str(Path(__file__).with_name("templates"))])
    exporter.register_filter("markdown2html", slides.math_filter)
    page = slides.with_captions(notebook)
    page.cells = [cell for cell in page.cells if slides.kind(cell) != "notes"]
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = slides.GLOSSARY.sub(r"[\1](glossary.html#\2)", cell.source)
            cell.source = re.sub(
                r"\[([^\]]+)\]\(\.\./[^)]*\)", r"\1", cell.source
            )  # a page has no repository beside it
        if cell.cell_type == "code":  # the picture beside a widget stays
            cell.outputs = [output for output in cell.outputs if slides.WIDGET not in output.get("data", {})]
    body, _ = exporter.from_notebook_node(page, {"metadata": {"name": slides.title(notebook)}})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body, encoding="utf-8")


def write_glossary(path: Path) -> None:
    """Write ``docs/glossary.md`` as a page, to which the pages of the notebooks link."""
    from nbformat.v4 import new_markdown_cell, new_notebook

    text = (make_notebooks.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    text = re.sub(
        r"^### (.+)$", lambda term: f'<h3 id="{make_notebooks.anchor(term[1])}">{term[1]}</h3>\n', text, flags=re.M
    )
    text = re.sub(r'^(\*not linked\*|<a id=".*)$', "", text, flags=re.M)
    write_page(new_notebook(cells=[new_markdown_cell(text)]), path)


def write_index() -> None:
    """Write the start page of the decks that are there."""
    import nbformat

    (BUILD / "slides").mkdir(parents=True, exist_ok=True)
    there = [path for path in notebooks() if (BUILD / "slides" / f"{path.stem}.html").is_file()]
    file = BUILD / "results.json"
    results = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    kinds = {name: asset_kinds(record) for name, record in results.items()}
    slides.write_index(BUILD / "slides", {path.stem: nbformat.read(path, as_version=4) for path in there}, kinds)


def asset_kinds(record: dict) -> str:
    """Return what a notebook worked with, from its record: ``"real"``, ``"embedded"``, or both."""
    sources = set(record.get("assets", {}).values())
    return " and ".join(["real"] * bool(sources - {"embedded"}) + ["embedded"] * ("embedded" in sources))


def table(results: dict) -> str:
    """Return the table that ends a run: notebook, seconds, assets, headline."""
    rows = [("notebook", "seconds", "assets", "result")]
    for name, record in results.items():
        if "error" in record:
            rows.append((name, f"{record['seconds']:.0f}", "", f"FAILED: {record['error']}"))
            continue
        headline = RECORDS[name][1](record) if name in RECORDS else ""
        rows.append((name, f"{record['seconds']:.0f}", asset_kinds(record), headline))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def run(paths: list[Path]) -> int:
    """Execute and export notebooks; the number of those that failed."""
    if not paths:
        return 0
    file, results = BUILD / "results.json", {}
    if file.is_file():  # of the notebooks that are not run now, the last results stay
        results = json.loads(file.read_text(encoding="utf-8"))
    for path in paths:
        print(f"{path.name} ...", flush=True)
        for old in BUILD.glob(f"*/{path.stem}.*"):
            old.unlink()
        start = time.perf_counter()
        try:
            notebook, results[path.stem] = execute(path)
            executed = BUILD / "executed" / path.name
            executed.parent.mkdir(parents=True, exist_ok=True)
            notebook.metadata.circumstances = circumstances()
            partial = executed.with_suffix(".part")
            partial.write_text(json.dumps(notebook), encoding="utf-8")
            partial.replace(executed)
            write_page(notebook, BUILD / "html" / f"{path.stem}.html")
            slides.write_deck(notebook, BUILD / "slides" / f"{path.stem}.html")
        except Exception as error:  # whatever a notebook or its kernel does, the others run and the table is printed
            print(error, file=sys.stderr)
            what = f"{getattr(error, 'ename', type(error).__name__)}: {getattr(error, 'evalue', error)}"
            results[path.stem] = {"seconds": round(time.perf_counter() - start, 1), "error": what}
    BUILD.mkdir(exist_ok=True)
    file.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    write_index()
    write_glossary(BUILD / "html" / "glossary.html")
    done = {path.stem: results[path.stem] for path in paths}
    print(f"\n{table(done)}\n\nPages: build/html/, slides: build/slides/, figures: build/results.json")
    return sum("error" in record for record in done.values())


def decks(paths: list[Path]) -> int:
    """Write slides from the last execution, after executing anew what has changed; the number of those that failed."""
    current = {path: last_execution(path) for path in paths}
    for path, notebook in current.items():
        if notebook is not None:
            slides.write_deck(notebook, BUILD / "slides" / f"{path.stem}.html")
            print(f"build/slides/{path.stem}.html")
    write_index()
    return run([path for path, notebook in current.items() if notebook is None])


def notebooks(names: list[str] | tuple = ()) -> list[Path]:
    """Return the notebooks' paths in order, of all or of those whose names begin as given."""
    return [path for path in sorted(ROOT.glob("notebooks/0*.ipynb")) if path.name.startswith(tuple(names) or "0")]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every notebook ran."""
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks, by the beginning of their names (default: all)")
    chosen = parser.parse_args(arguments)
    paths = notebooks(chosen.names)
    if not paths:
        print(f"No notebook's name begins with {' or '.join(chosen.names)}.", file=sys.stderr)
        return 2
    return 1 if run(paths) else 0


if __name__ == "__main__":
    sys.exit(main())

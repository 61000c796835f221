"""Execute the notebooks and write pages, slides and a record of the run below ``build/``.

``python -m tools.build`` (``make run``) executes the notebooks one after the other and writes

- ``build/html/NAME.html``, the executed notebook as a page,
- ``build/slides/NAME.html``, the same as slides,
- ``build/results.json``: for each notebook its seconds, where each asset came from, and its results.

``python -m tools.build --slides`` writes the slides only, from the notebooks executed last.
"""

import argparse
import html
import json
import os
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"

# Evaluated in the notebook's kernel after its last cell: what goes into results.json, and the headline of the table.
RECORDS = {
    "01_audio_tagging": (
        '{"top5": [[row.label, float(row.score)] for row in top.itertuples()]}',
        lambda r: f"top tag {r['top5'][0][0]} ({r['top5'][0][1]:.3f})",
    ),
    "02_yamnet": (
        '{"scores_shape": list(scores.shape), "top5": [[row.label, float(row.score)] for row in top.itertuples()]}',
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
        }""",
        lambda r: f"clip accuracy {r['clip_accuracy_macro']:.3f} (fold 5, macro average)",
    ),
    "04_sound_event_detection": (
        """{
            "events": events.to_dict("records"),
            "reference": mixture.reference.to_dict("records"),
            "threshold": threshold,
            "segment_f1": float(metrics["F-score"].iloc[0]),
            "event_f1": float(metrics["F-score"].iloc[1]),
        }""",
        lambda r: f"segment F-score {r['segment_f1']:.2f}, event F-score {r['event_f1']:.2f}",
    ),
    "05_distillation": (
        '{"imitation": imitation.to_dict("index"), "cost": cost}',
        lambda r: f"tiny student: {r['imitation']['tiny student, soft targets']['of five']:.2f} of five classes shared",
    ),
}


def execute(path: Path) -> tuple[object, dict]:
    """Execute a notebook in its own folder; return it with its outputs, and its record.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell fails; the message holds the cell and its traceback.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
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
    )
    client.execute()
    seconds = time.perf_counter() - start
    record = json.loads(notebook.cells.pop().outputs[0].text)
    if "embeddings" in record["assets"]:
        record["embeddings"] = record["assets"].pop("embeddings")  # computed from assets, none itself
    return notebook, {"seconds": round(seconds, 1), **record}


def captions(notebook) -> list[str]:
    """Return the caption of each figure, in order: the cell below a cell that draws begins with ``*Figure N.``."""
    found = (re.match(r"\*Figure \d+\.\s*(.+)", cell.source) for cell in notebook.cells)
    return [caption[1].replace("*", "") for caption in found if caption]


def export(notebook, name: str, kind: str) -> None:
    """Write an executed notebook as a page (``html``) or as slides (``slides``)."""
    from nbconvert import HTMLExporter, SlidesExporter
    from traitlets.config import Config

    config, templates = Config(), [str(ROOT / "tools" / "templates")]
    if kind == "slides":
        config.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
        config.TagRemovePreprocessor.enabled = True
        exporter = SlidesExporter(config=config, template_name="deck", extra_template_basedirs=templates)
        exporter.reveal_width, exporter.reveal_height, exporter.reveal_transition = "1280", "720", "none"
    else:
        exporter = HTMLExporter(config=config, template_name="page", extra_template_basedirs=templates)
    title = notebook.cells[0].source.splitlines()[0].lstrip("# ")
    body, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    for caption in captions(notebook):  # nbconvert has no place for alternative texts
        body = body.replace("No description has been provided for this image", html.escape(caption, quote=True), 1)
    folder = BUILD / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.html").write_text(body, encoding="utf-8")


def table(results: dict) -> str:
    """Return the table that ends a run: notebook, seconds, assets, headline."""
    rows = [("notebook", "seconds", "assets", "result")]
    for name, record in results.items():
        if "error" in record:
            rows.append((name, f"{record['seconds']:.0f}", "", f"FAILED: {record['error']}"))
            continue
        sources = set(record["assets"].values())
        kinds = ["real"] * bool(sources - {"embedded"}) + ["embedded"] * ("embedded" in sources)
        headline = RECORDS[name][1](record) if name in RECORDS else ""
        rows.append((name, f"{record['seconds']:.0f}", " and ".join(kinds), headline))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def run(paths: list[Path]) -> int:
    """Execute and export notebooks; the number of those that failed."""
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
            executed.write_text(json.dumps(notebook), encoding="utf-8")
            export(notebook, path.stem, "html")
            export(notebook, path.stem, "slides")
        except Exception as error:  # whatever a notebook or its kernel does, the others run and the table is printed
            print(error, file=sys.stderr)
            what = f"{getattr(error, 'ename', type(error).__name__)}: {getattr(error, 'evalue', error)}"
            results[path.stem] = {"seconds": round(time.perf_counter() - start, 1), "error": what}
    BUILD.mkdir(exist_ok=True)
    file.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    done = {path.stem: results[path.stem] for path in paths}
    print(f"\n{table(done)}\n\nPages: build/html/, slides: build/slides/, figures: build/results.json")
    return sum("error" in record for record in done.values())


def slides(paths: list[Path]) -> int:
    """Export slides from the notebooks executed last, executing those that have not been."""
    import nbformat

    missing = [path for path in paths if not (BUILD / "executed" / path.name).is_file()]
    if missing and (failed := run(missing)):
        return failed
    for path in paths:
        export(nbformat.read(BUILD / "executed" / path.name, as_version=4), path.stem, "slides")
        print(f"build/slides/{path.stem}.html")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every notebook ran."""
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks, by the beginning of their names (default: all)")
    parser.add_argument("--slides", action="store_true", help="write the slides only, from the last execution")
    chosen = parser.parse_args(arguments)
    if "IPYTHONDIR" not in os.environ:  # a run should not write into the history of whoever starts it
        os.environ["IPYTHONDIR"] = str(BUILD / "ipython")
        (BUILD / "ipython").mkdir(parents=True, exist_ok=True)
    os.environ.pop("MPLBACKEND", None)  # figures go into the page, whatever the terminal is set to
    paths = sorted(ROOT.glob("notebooks/0*.ipynb"))
    if chosen.names:
        paths = [path for path in paths if path.name.startswith(tuple(chosen.names))]
    if not paths:
        print(f"No notebook's name begins with {' or '.join(chosen.names)}.", file=sys.stderr)
        return 2
    return 1 if (slides if chosen.slides else run)(paths) else 0


if __name__ == "__main__":
    sys.exit(main())

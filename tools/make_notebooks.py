"""Write the students' and the instructors' notebooks from one source: ``python -m tools.make_notebooks``.

The sources are ``tools/notebooks/*.ipynb``. Cells with the tag ``stub`` go to the students (``notebooks/``) only, cells
with the tag ``solution`` to the instructors (``notebooks/solutions/``) only, all others to both. The first place where
a term of ``docs/glossary.md`` stands in a notebook becomes a link to it. Other links of the sources are relative to the
repository. nbmake learns what the checks should say.
"""

import copy
import json
import re
from pathlib import Path

from tools import badges

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "tools" / "notebooks"
# What is no prose.
ASIDE = "|".join(
    [
        *(r"```.*?```", r"~~~.*?~~~", r"^ {4}.*?$", r"`[^`]*`"),  # code
        *(r"\$\$.*?\$\$", r"(?<!\\)\$[^$\n]*(?<!\\)\$"),  # mathematics
        r"!?\[(?:[^\[\]]|\[[^\]]*\])*\](?:\([^)]*\)|\[[^\]]*\])",  # links, pictures
        *(r"^\[[^\]]+\]:.*?$", r"\[\^[^\]]+\]", r"https?://\S+"),
        *(r"<summary>.*?</summary>", r"<[^>]+>"),
        *(r"^[ >-]*#.*?$", r"^\*Figure.*?\*(?=\s|$)"),  # headings, captions
    ]
)


def anchor(term: str) -> str:
    """Return what a link to the entry of a term ends with."""
    return re.sub(r"[^\w -]", "", term.lower()).replace(" ", "-")


def glossary(root: Path = ROOT) -> dict[str, str]:
    """Return the forms under which terms appear in the notebooks, and the anchor of each in ``docs/glossary.md``."""
    forms = {}
    for entry in re.split(r"^### ", (root / "docs/glossary.md").read_text(encoding="utf-8"), flags=re.M)[1:]:
        term, *lines = entry.splitlines()
        variants = next((line for line in lines if line.startswith("*")), "")
        if variants == "*not linked*":
            continue
        also = variants.removeprefix("*also: ").rstrip("*").split(", ") if variants.startswith("*also: ") else []
        forms |= dict.fromkeys([term, *also], anchor(term))
    return forms


def link_terms(cells: list[dict], forms: dict[str, str], page: str) -> None:
    """Make the first place of each term in the text of a notebook a link to its entry."""
    words = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    pattern = re.compile(rf"{ASIDE}|(?<![\w-])(?P<term>{words})(?![\w-]|\.\w)", re.S | re.M | re.I)
    by_form, done = {form.lower(): entry for form, entry in forms.items()}, set()

    def link(found):
        entry = by_form.get((found["term"] or "").lower())
        if entry is None or entry in done:
            return found[0]
        done.add(entry)
        return f"[{found[0]}]({page}#{entry})"

    for cell in cells[1:]:
        source = "".join(cell["source"])
        kind = cell["metadata"].get("slideshow", {}).get("slide_type")
        if cell["cell_type"] == "markdown" and kind != "notes" and not source.startswith("## References"):
            cell["source"] = pattern.sub(link, source).splitlines(keepends=True)


def variant(source: dict, name: str, solved: bool, root: Path = ROOT) -> dict:
    """Return the students' version of a source, or with ``solved`` the instructors'."""
    notebook = copy.deepcopy(source)
    unwanted, kept = ("stub", "solution") if solved else ("solution", "stub")
    cells = [cell for cell in notebook["cells"] if unwanted not in cell["metadata"].get("tags", [])]
    for cell in cells:
        metadata, text = cell["metadata"], "".join(cell["source"])
        if not solved and kept in metadata.get("tags", []):
            metadata["tags"].remove(kept)
            if not metadata["tags"]:
                del metadata["tags"]
        if cell["cell_type"] == "code" and re.search(r"^check\.", text, re.M):
            expected = f"assert {'' if solved else 'not '}Out[max(Out)].passed"
            metadata.setdefault("nbmake", {})["post_cell_execute"] = [expected]
    notebook["cells"] = cells
    if solved:
        first = "".join(cells[0]["source"])
        cells[0]["source"] = re.sub(r"^(\*.+)\*$", r"\1, with solutions*", first, flags=re.M).splitlines(keepends=True)
    repo = badges.address(root)
    if repo:
        badges.stamp_notebook(notebook, repo, f"solutions/{name}" if solved else name)
    base = f"https://github.com/{repo}/blob/v{badges.version()}/" if repo else "../../" if solved else "../"
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = [re.sub(r"\]\((?=(data|docs)/)", f"]({base}", line) for line in cell["source"]]
    link_terms(cells, glossary(root), f"{base}docs/glossary.md")
    return notebook


def texts(root: Path = ROOT) -> dict[Path, str]:
    """Return what the students' and the instructors' notebooks below ``root`` should hold, by their paths."""
    found = {}
    for path in sorted((root / "tools" / "notebooks").glob("*.ipynb")):
        source = json.loads(path.read_text(encoding="utf-8"))
        for solved, folder in ((False, "notebooks"), (True, "notebooks/solutions")):
            notebook = variant(source, path.name, solved, root)
            found[root / folder / path.name] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    return found


def write(root: Path = ROOT) -> list[Path]:
    """Write both variants of every source below ``root``; return the paths of those that changed."""
    changed = []
    for path, text in texts(root).items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


if __name__ == "__main__":
    for target in write():
        print(target.relative_to(ROOT))

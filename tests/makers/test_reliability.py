"""The page of faults: it shows what the tests record, as it was, and each fault has its row."""

import html
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from makers import reliability

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.sampled_from(" `|*_<&[]\\#~$"))


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """No page, no record."""
    monkeypatch.setattr(reliability, "PAGE", tmp_path / "reliability.md")
    monkeypatch.setattr(reliability, "RECORD", tmp_path / "faults")
    return tmp_path


def record(folder, *rows):
    (folder / "faults").mkdir(exist_ok=True)
    lines = (json.dumps(dict(zip(reliability.Fault._fields, row, strict=True))) for row in rows)
    (folder / "faults/gw0.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


ROWS = [(kind, f"{name} of {kind}", "a sentence.", "empty", 0.5) for kind in reliability.KINDS for name in "ba"]


@given(WORDS.map(lambda text: " ".join(text.split())))
@example("a | b")
@example("info >&- 2>&-")
@example("a name such as 'a <b>&amp;.w'")
@example("COURSE_MIRROR is __init__ or *this*, run `a|b <c>`.")
@example("``a`` `")
def test_a_cell_shows_a_text_as_it_is(text):
    page = (
        MarkdownIt("commonmark").enable("table").render(f"| a | b |\n| --- | --- |\n| {reliability.cell(text)} | x |")
    )
    shown = re.search(r"<tbody>\s*<tr>\s*<td>(.*)</td>\s*<td>x</td>", page, re.DOTALL)[1]
    assert html.unescape(re.sub(r"</?code>", "`", shown)) == text
    assert set(re.findall(r"<[^>]+>", shown)) <= {"<code>", "</code>"}


def test_the_page_has_every_fault_in_order(empty):
    record(empty, *ROWS)
    reliability.write(reliability.faults())
    page = reliability.PAGE.read_text(encoding="utf-8")
    assert all(reliability.knows(page, name) for _, name, *_ in ROWS)
    assert not reliability.knows(page, "a")
    assert [page.index(f"## {kind}\n") for kind in reliability.KINDS] == sorted(
        page.index(f"## {kind}\n") for kind in reliability.KINDS
    )
    assert page.index("| a of Archives |") < page.index("| b of Archives |")
    assert "these 8 faults" in page
    assert page.count("| 2 | 0.50 s |") == 4


def test_a_test_that_fails_leaves_the_page_alone(empty, monkeypatch, capsys):
    record(empty, *ROWS)
    monkeypatch.setattr("sys.argv", ["makers reliability"])

    def run(command, **_):
        assert "tests/faults" in command
        assert not reliability.RECORD.exists()  # what another run recorded is gone
        record(empty, *ROWS)
        return subprocess.CompletedProcess(command, run.status)

    monkeypatch.setattr(reliability.subprocess, "run", run)
    run.status = 1
    assert reliability.main() == 1
    assert not reliability.PAGE.exists()
    assert "stays as it is" in capsys.readouterr().err
    run.status = 0
    monkeypatch.setattr(reliability, "ROOT", empty)
    (empty / "makers").symlink_to(reliability.Path(reliability.__file__).parent)
    assert reliability.main() == 0
    assert reliability.knows(reliability.PAGE.read_text(encoding="utf-8"), ROWS[0][1])


def test_the_page_holds_what_was_promised():
    page = reliability.PAGE.read_text(encoding="utf-8")
    counts = {kind: len(re.findall(r"(?m)^\| .* \| [\d.]+ \|$", part)) for kind, part in parts(page)}
    least = dict(zip(reliability.KINDS, (60, 12, 100, 20), strict=True))
    assert counts.keys() == least.keys()
    for kind, count in counts.items():
        assert count >= least[kind]
        assert f"[{kind}](#{kind.lower().replace(' ', '-')}) | {count} |" in page
    assert f"these {sum(counts.values())} faults" in page


def parts(page):
    """Return the sections of the page, each with its heading."""
    _, *sections = re.split(r"(?m)^## ", page)
    return [section.split("\n", 1) for section in sections]


def test_a_fault_without_a_row_fails_and_says_what_to_run(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "def test_it(fault):\n    fault('Archives', 'a new one', 'words', 'empty', 0)\n", encoding="utf-8"
    )
    code = "import sys, pytest; from pathlib import Path; from makers import reliability\n"
    code += f"reliability.RECORD = Path({str(tmp_path)!r}); sys.exit(pytest.main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, str(tmp_path), "-q", f"--rootdir={tmp_path}", "-p", "faults.conftest"]
    where = {
        "cwd": reliability.ROOT,
        "env": os.environ | {"PYTEST_ADDOPTS": "", "PYTHONPATH": str(reliability.ROOT / "tests")},
    }
    done = subprocess.run(words, **where, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Enter 'a new one' in" in done.stdout
    assert "make reliability" in done.stdout
    done = subprocess.run([*words, "--new-page"], **where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""What finds changes that no test notices: it tries each, and lists those."""

import os
import sys

import pytest

from makers import mutants

pytestmark = pytest.mark.skipif(os.name == "nt", reason="mutmut forks")

CODE = """
def is_short(seconds):
    return seconds < 2


def sentence():
    return "It is short."
"""
TESTS = """
from course_utils import thing

def test_short():
    assert thing.is_short(1.5) and not thing.is_short(2)

def test_sentence():
    assert thing.sentence()
"""
CONFIG = """
[tool.mutmut]
source_paths = ["course_utils"]
pytest_add_cli_args_test_selection = ["tests"]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A package of two functions, of which the tests know one well."""
    for name, text in {
        "course_utils/__init__.py": "",
        "course_utils/thing.py": CODE,
        "tests/test_thing.py": TESTS,
        "pyproject.toml": CONFIG,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    for variable in ("MUTANT_UNDER_TEST", "PYTEST_ADDOPTS"):  # of the run around this one
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def start(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["makers mutants", "--jobs", "1", *arguments])
    return mutants.main()


@pytest.mark.slow
def test_what_no_test_notices_is_listed_until_one_does(project, monkeypatch, capfd):
    assert start(monkeypatch, "thing") == 0
    page = (project / "build/mutants.md").read_text(encoding="utf-8")
    found = mutants.outcomes(["thing"])["thing"]
    assert {name.partition("__mutmut")[0]: status for name, status in found.items()} == {
        "course_utils.thing.x_is_short": "killed",
        "course_utils.thing.x_sentence": "survived",
    }
    sentences = sum("sentence" in name for name in found)
    share = (len(found) - sentences) / len(found)
    row = f"| thing | {len(found)} | {len(found) - sentences} | {share:.1%} | 0 |"
    assert row in page
    assert row.replace("thing", "all") in page
    assert '-    return "It is short."\n+    return "IT IS SHORT."' in page
    assert "is_short" not in page.partition("## thing")[2]
    assert "What no test noticed" in capfd.readouterr().out

    tests = project / "tests/test_thing.py"
    tests.write_text(TESTS.replace("assert thing.sentence()", "assert thing.sentence() == 'It is short.'"), "utf-8")
    assert start(monkeypatch, "--again") == 0
    assert set(mutants.outcomes([])["thing"].values()) == {"killed"}
    assert start(monkeypatch, "--again") == 0  # nothing is left to try
    assert "| 100.0% | 0 |" in (project / "build/mutants.md").read_text(encoding="utf-8")


def test_quick_tests_come_first(tmp_path, monkeypatch):
    class Item:
        def __init__(self, nodeid):
            self.nodeid = nodeid

    monkeypatch.chdir(tmp_path)
    items = [Item("new"), Item("slow"), Item("quick")]
    mutants.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == ["new", "slow", "quick"]
    (tmp_path / "mutmut-stats.json").write_text('{"duration_by_test": {"quick": 0.1, "slow": 20}}', encoding="utf-8")
    mutants.pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == ["quick", "new", "slow"]

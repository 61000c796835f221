"""The package as a whole: light to import, documented, and in step with the notebooks."""

import ast
import re

import pytest
from conftest import ROOT

MODULES = sorted((ROOT / "course_utils").glob("*.py"))
NOTEBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "notebooks").glob("*.ipynb")}


def public_functions() -> list:
    found = []
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                found.append(pytest.param(path.stem, node, id=f"{path.stem}.{node.name}"))
    return found


def test_import_is_light_and_fast(python):
    code = """
import sys, time
before = set(sys.modules)
start = time.perf_counter()
import course_utils
seconds = time.perf_counter() - start
heavy = {"torch", "tensorflow", "matplotlib", "librosa", "pandas", "numpy"} & (set(sys.modules) - before)
print(seconds, *heavy)
"""
    runs = [python(code).split() for _ in range(3)]
    assert min(float(run[0]) for run in runs) < 0.3
    assert all(len(run) == 1 for run in runs), f"import course_utils imports {runs[0][1:]}"


@pytest.mark.parametrize("module", [path.stem for path in MODULES if path.stem != "__main__"])
def test_no_module_imports_a_framework_at_its_top(python, module):
    code = f"""
import importlib, sys
importlib.import_module("course_utils.{module}")
print(*({{"torch", "tensorflow", "matplotlib", "librosa", "keras"}} & set(sys.modules)))
"""
    assert python(code).split() == []


@pytest.mark.parametrize(("module", "node"), public_functions())
def test_docstring_names_notebooks_that_use_it(module, node):
    doc = ast.get_docstring(node) or ""
    assert doc, "no docstring"
    if not (line := re.search(r"^Notebook: (.+)$", doc, re.MULTILINE)):
        return
    for name in line[1].split(", "):
        assert name in NOTEBOOKS, f"there is no notebook {name}"
        name_used = REACHED_THROUGH.get(f"{module}.{node.name}", f"{module}.{node.name}")
        assert re.search(rf"\b{re.escape(name_used)}\b", NOTEBOOKS[name]), f"{name} does not use {name_used}"


# What notebooks reach through another function of the package.
REACHED_THROUGH = {
    "audio.check_waveform": "audio.play",
    "audio.mix": "datasets.metro_mixture",
    "audio.normalise_peak": "datasets.metro_mixture",
}


@pytest.mark.parametrize(("module", "node"), public_functions())
def test_functions_of_the_notebooks_have_parameters_or_one_sentence(module, node):
    doc = ast.get_docstring(node)
    if isinstance(node, ast.FunctionDef) and node.args.args and "Notebook:" in doc and len(doc.splitlines()) > 6:
        assert "Parameters" in doc, "a long docstring lists its parameters"


def test_no_device_is_hard_wired():
    for path in [*MODULES, *(ROOT / "notebooks").glob("*.ipynb")]:
        assert not re.search(r"""device\s*=\s*['"\\]+cuda""", path.read_text(encoding="utf-8")), path

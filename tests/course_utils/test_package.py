"""The package as a whole: light to import, documented, and in step with the notebooks."""

import ast
import re

import pytest
from conftest import ROOT

MODULES = sorted((ROOT / "course_utils").rglob("*.py"))
NAMES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in MODULES
    if path.stem != "__main__"
]
NOTEBOOKS = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "notebooks").glob("*.ipynb")}


def public_functions() -> list:
    found = []
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                module = path.parent.name if path.parent.name != "course_utils" else path.stem  # a package's own module
                found.append(pytest.param(module, node, id=f"{path.stem}.{node.name}"))
    return found


def test_import_is_light(python):
    code = """
import sys
import course_utils
print(*({"torch", "tensorflow", "matplotlib", "librosa", "pandas", "numpy"} & set(sys.modules)))
"""
    assert python(code).split() == []


@pytest.mark.parametrize("module", NAMES)
def test_no_module_imports_a_framework_at_its_top(python, module):
    code = f"""
import importlib, sys
importlib.import_module("{module}")
print(*({{"torch", "tensorflow", "matplotlib", "librosa", "keras", "pandas"}} & set(sys.modules)))
"""
    assert python(code).split() == []


@pytest.mark.parametrize(("module", "node"), public_functions())
def test_docstring_names_notebooks_that_use_it(module, node):
    if not (line := re.search(r"^Notebook: (.+)$", ast.get_docstring(node) or "", re.MULTILINE)):
        return
    all_but = re.fullmatch(r"all(?: but (.+))?", line[1])
    for name in set(NOTEBOOKS) - {all_but[1]} if all_but else line[1].split(", "):
        assert name in NOTEBOOKS, f"there is no notebook {name}"
        name_used = REACHED_THROUGH.get(f"{module}.{node.name}", f"{module}.{node.name}")
        assert re.search(rf"\b{re.escape(name_used)}\b", NOTEBOOKS[name]), f"{name} does not use {name_used}"


# What notebooks reach through another function of the package.
REACHED_THROUGH = {
    "events.join_segments": "detection.join_segments",
    "events.events_from_scores": "detection.events_from_scores",
    "events.events_by_class": "detection.events_by_class",
    "efficientat.mn04_path": "models.mn04_path",
    "audio.check_waveform": "audio.play",
    "audio.mix": "datasets.metro_mixture",
    "audio.normalise_peak": "datasets.metro_mixture",
}


@pytest.mark.parametrize("module", NAMES)
def test_no_module_keeps_state_but_the_default_store(module):
    """Constants are in capitals; nothing else at the top of a module can change, and nothing is kept by a decorator."""
    import functools
    import importlib
    import types

    values = vars(importlib.import_module(module))
    plain = types.ModuleType | types.FunctionType | type | str | int | float | tuple | frozenset | None
    for name, value in values.items():
        if name.startswith("__") or name.isupper() or (module, name) == ("course_utils.assets", "_default"):
            continue
        assert not isinstance(value, functools._lru_cache_wrapper), f"{name} keeps what it was called with"
        if getattr(value, "__module__", None) in ("typing", "dataclasses", "_contextvars") or name == "annotations":
            continue
        assert isinstance(value, plain), f"{module}.{name} is a {type(value).__name__}"
        if isinstance(value, types.FunctionType) and value.__module__ == module:
            assert not vars(value).keys() - {"__wrapped__"}, f"{name} has attributes"


def test_constants_are_not_changed_by_use(python):
    code = """
import copy, io, contextlib
import numpy as np
from course_utils import assets, datasets, events, evaluation, features, fetch, models
modules = (assets, datasets, events, evaluation, features, fetch, models)
constants = lambda: {f"{m.__name__}.{n}": repr(v) for m in modules for n, v in vars(m).items() if n.isupper()}
before = constants()
mixture = datasets.make_soundscapes(2, 0)[0]
found = events.events_by_class(np.eye(10), list(datasets.ANIMALS), 0.5, 0.96, 0.5)
evaluation.sed_class_metrics([mixture.reference], [found], datasets.ANIMALS, 8.0)
assets.overview("cnn14")
print(constants() == before, len(before) > 20)
"""
    assert python(code, COURSE_ASSETS="embedded").strip().endswith("True True")


@pytest.mark.parametrize(("module", "node"), public_functions())
def test_public_functions_are_typed(module, node):
    if module == "check":
        return  # an answer may be anything
    parts = [node] if isinstance(node, ast.FunctionDef) else node.body
    functions = [part for part in parts if isinstance(part, ast.FunctionDef)]
    for function in functions:
        if function.name.startswith("_") and function.name not in ("__init__", "__call__"):
            continue
        given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        given += [a for a in (function.args.vararg, function.args.kwarg) if a]
        untyped = [a.arg for a in given if a.annotation is None and a.arg not in ("self", "cls")]
        assert not untyped, f"{function.name}: {untyped}"
        assert function.returns is not None or function.name == "__init__", function.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(path.parts[-2:]))
def test_text_goes_into_html_by_markup_alone(path):
    """A template of MarkupSafe escapes: there is no ``html.escape``, and no f-string, ``+``, ``%`` or method with tags.

    Where ``Markup`` is not given a constant, ruff's S704 asks for a reason.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        said = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else ""
        assert said != "html.escape", node.lineno
        assert not said.startswith(("from html import", "import html as")), node.lineno
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Markup":
            built = [part for given in node.args for part in ast.walk(given)]
            assert not any(isinstance(part, ast.JoinedStr | ast.BinOp) for part in built), said
            assert "format" not in [getattr(part, "attr", "") for part in built], said
        is_tag = isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"<[a-z/!]", node.value)
        if is_tag and path.stem != "svg":  # which changes what matplotlib has written
            assert not isinstance(parents[node], ast.JoinedStr | ast.BinOp | ast.Attribute), ast.unparse(parents[node])


def test_no_device_is_hard_wired():
    for path in [*MODULES, *(ROOT / "notebooks").glob("*.ipynb")]:
        assert not re.search(r"""device\s*=\s*['"\\]+cuda""", path.read_text(encoding="utf-8")), path

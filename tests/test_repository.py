"""The repository's files agree with each other."""

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import LESSONS, ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from makers import badges

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split() if "==" in line)
PINS = {canonicalize_name(name): pin for name, pin in PINS.items()}


def tracked() -> list[Path]:
    result = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        pytest.skip("not a git checkout")
    return [path for name in result.stdout.splitlines() if (path := ROOT / name).is_file()]


def requirements():
    extras = PROJECT["optional-dependencies"]
    return [Requirement(text) for text in [*PROJECT["dependencies"], *extras["lab"], *extras["dev"]]]


def test_every_dependency_is_pinned_within_its_range():
    for requirement in requirements():
        if (name := canonicalize_name(requirement.name)) != "course-utils":
            assert name in PINS, f"constraints.txt lacks {name}"
            assert PINS[name] in requirement.specifier, f"{name}=={PINS[name]} is outside {requirement.specifier}"


def test_installed_versions_are_the_pinned_ones():
    for requirement in requirements():
        if (name := canonicalize_name(requirement.name)) != "course-utils":
            installed = importlib.metadata.version(name).split("+")[0]  # PyTorch's CPU build calls itself 2.13.0+cpu
            assert installed == PINS[name], f"{name} {installed} is installed, {PINS[name]} is pinned"


def test_conda_environment_installs_the_same_set():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = next(line for line in environment["dependencies"] if str(line).startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))
    pip = next(line["pip"] for line in environment["dependencies"] if isinstance(line, dict))
    assert pip == ["--constraint constraints.txt", "--editable .[dev]"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert makefile.count('--constraint constraints.txt --editable ".[$(1)]"') == 2
    assert "$(call install,dev)" in makefile


TARGETS = ("run", "test", "lab", "site", "slides", "pdf", "present", "data", "doctor", "bench", "format")


def test_the_page_of_commands_lists_every_line_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for target in TARGETS:
        line = re.search(rf"^{target}:.*\n\t\$\(BIN\)/(.+)$", makefile, re.MULTILINE)[1]
        line = line.replace("$(N)", "N")
        assert f"| `{target}` | `.venv/bin/{line}` |" in page, target


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_help_lists_the_targets():
    text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in (*TARGETS, "notebooks", "mini", "mini-eval", "clean"):
        assert f"make {target} " in text


def test_local_links_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "data/README.md"]:
        for link in re.findall(r"\]\((?!https?:|#|<)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_embedded_file_has_its_row_in_data_readme():
    readme = (ROOT / "data/README.md").read_text(encoding="utf-8")
    for path in (ROOT / "data/embedded").rglob("*"):
        relative = path.relative_to(ROOT / "data/embedded").as_posix()
        if path.is_file():
            row = next(
                (folder for folder in ("yamnet_mini/", "clips/three_sounds/") if relative.startswith(folder)), relative
            )
            assert f"`{row}`" in readme, relative


def test_versions_and_dates_agree():
    from course_utils import __version__

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    heading = f"## {__version__} ({citation['date-released']:%Y-%m-%d})"
    assert heading in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()


def test_no_file_is_large_or_bound_to_one_computer():
    home = re.compile(r"(?<![\w.])/(home|Users|root|tmp)/\w+")
    for path in tracked():
        assert path.stat().st_size < 6_000_000, path
        if path.suffix in {".py", ".md", ".ipynb", ".toml", ".yml", ".txt", ".csv", ""} and path.stat().st_size < 2e6:
            assert not home.search(path.read_text(encoding="utf-8")), path


def test_until_the_address_is_known_nothing_links_to_an_account():
    if PROJECT.get("urls"):
        assert badges.address() in (ROOT / "README.md").read_text(encoding="utf-8")
        return
    for path in [ROOT / "README.md", *(ROOT / "notebooks").glob("*.ipynb")]:
        text = path.read_text(encoding="utf-8")
        assert "colab.research.google.com" not in text
        assert 'SPEC = \\"\\"' in text or path.suffix == ".md"


def test_badges_are_stamped_everywhere_and_again(tmp_path):
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("lessons", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for repo in ("someone/audio-course", "someone-else/course.2"):
        badges.stamp(repo, tmp_path)
        project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert project["urls"] == {"Repository": f"https://github.com/{repo}"}
        readme = (tmp_path / "README.md").read_text(encoding="utf-8")
        assert readme.count(f"colab.research.google.com/github/{repo}/blob/v{badges.version()}/notebooks/0") == len(
            LESSONS
        )
        assert readme.count("colab-badge.svg") == len(LESSONS)
        assert len(list((tmp_path / "build/solutions").glob("*.ipynb"))) == len(LESSONS)
        for path in (tmp_path / "notebooks").glob("*.ipynb"):
            cells = ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
            assert f"{repo}/blob/v{badges.version()}/notebooks/{path.name}" in cells[0]
            assert f"(https://github.com/{repo}/blob/v{badges.version()}/docs/glossary.md#" in "\n".join(cells)
            assert not re.search(r"\]\((\.\./|docs/|data/)", "\n".join(cells))
            code = next(cell for cell in cells if "COURSE_UTILS_SPEC" in cell)
            assert f'SPEC = "course-utils @ git+https://github.com/{repo}@v{badges.version()}"' in code
            compile(code, path.name, "exec")


def test_code_notebooks_and_docstrings_are_well_formed():
    modules = map(str, (ROOT / "course_utils").rglob("*.py"))
    for command in (["ruff", "format", "--check", "."], ["ruff", "check", "."], ["numpydoc", "lint", *modules]):
        result = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr

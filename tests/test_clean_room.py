"""The course where there is no checkout: the wheel in a fresh environment, a notebook in an empty folder.

This installs everything anew from the package registry and takes minutes, so it runs by `-m clean_room` only (in
.ci/run, and by hand).
"""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from conftest import ROOT

pytestmark = pytest.mark.clean_room


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_carries_the_embedded_assets_and_nothing_else_of_the_checkout(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {
        p.relative_to(ROOT / "data/embedded").as_posix() for p in (ROOT / "data/embedded").rglob("*") if p.is_file()
    }
    prefix = "course_utils/embedded/"
    assert {name.removeprefix(prefix) for name in names if name.startswith(prefix)} == shipped
    assert "course_utils/assets.toml" in names
    assert "course_utils/esc50_animals.csv" in names
    assert all(name.startswith(("course_utils/", "course_utils-")) for name in names)
    assert any(name.endswith("/LICENSE-APACHE-2.0.txt") and "dist-info" in name for name in names)
    assert wheel.stat().st_size < 16e6


def test_notebook_02_installs_the_wheel_and_runs_from_an_empty_folder(wheel, tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "PYTHON", "IPYTHON", "JUPYTER"))}
    env |= {"PIP_CONSTRAINT": str(ROOT / "constraints.txt"), "COURSE_CACHE": str(tmp_path / "cache")}
    env |= {"COURSE_ASSETS": "embedded", "COURSE_UTILS_SPEC": str(wheel), "PIP_NO_COMPILE": "1"}
    # What Colab has before the first cell: a kernel, and its own module, imported.
    stub = tmp_path / "stub"
    (stub / "google" / "colab").mkdir(parents=True)
    (stub / "google" / "colab" / "__init__.py").touch()
    (stub / "sitecustomize.py").write_text("import google.colab\n")
    env["PYTHONPATH"] = str(stub)
    install = [str(python), "-m", "pip", "install", "--quiet", "nbclient", "ipykernel"]
    subprocess.run(install, check=True, env=env, cwd=tmp_path)
    assert subprocess.run([str(python), "-c", "import course_utils"], env=env, cwd=tmp_path).returncode != 0

    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(ROOT / "notebooks" / "02_yamnet.ipynb", folder)
    code = """
import nbclient, nbformat, sys
notebook = nbformat.read("02_yamnet.ipynb", as_version=4)
where = "import sys, course_utils; print(course_utils.__file__, 'google.colab' in sys.modules)"
notebook.cells.append(nbformat.v4.new_code_cell(where))
nbclient.NotebookClient(notebook, timeout=1500).execute()
print(notebook.cells[-1].outputs[0].text)
print(*[o.text for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.get("name") == "stdout"])
"""
    result = subprocess.run([str(python), "-c", code], env=env, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-4000:]
    file, colab = result.stdout.splitlines()[0].rsplit(" ", 1)
    assert file.startswith(str(environment)), "the package came from the checkout"
    assert colab == "True"
    assert "YAMNet-mini" in result.stdout
    assert "(10, 521)" in result.stdout
    assert [path.name for path in folder.iterdir()] == ["02_yamnet.ipynb"]

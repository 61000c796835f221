"""The course where there is no checkout: the wheel in a fresh environment, a notebook in an empty folder.

This installs everything anew from the package registry and takes minutes, so it runs by `-m clean_room` only (in
.ci/run, and by hand).
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import LESSONS, ROOT
from packaging.utils import canonicalize_name

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


# What Colab had of the packages that the course needs, or that run its kernel, as googlecolab/backend-info listed them
# (pip-freeze.txt): on 5 October 2026, and on 13 May 2026 for Python 3.12, which Colab's runtimes up to 2026.07 have.
# PyTorch is in neither list, since Colab has a build of its own; here it is the one that pip finds.
COLAB = {
    "3.13": """
        anywidget==0.9.21 authlib==1.8.0 click==8.5.0 cryptography==50.0.2 decorator==4.4.2 filelock==4.0.7
        future==1.0.0 h5py==3.14.0 ipykernel==6.17.1 ipython==7.34.0 ipywidgets==7.7.1 joblib==1.6.0
        jupyter_client==7.4.9 keras==3.13.2 librosa==0.11.0 llvmlite==0.44.0 matplotlib==3.10.0 nbclient==0.10.4
        numba==0.61.2 numpy==2.1.3 pandas==2.2.3 pillow==11.3.0 platformdirs==4.12.2 protobuf==6.33.6 psutil==5.9.5
        py-cpuinfo==9.0.0 pydantic==2.13.5 requests==2.32.4 rich==13.9.4 scikit-learn==1.6.1 scipy==1.16.3
        seaborn==0.13.2 setuptools==80.10.2 soundfile==0.14.0 soxr==1.1.0 tensorflow==2.21.0 tensorflow-hub==0.16.1
        tf_keras==2.21.0 tqdm==4.67.3 traitlets==5.7.1 typer==0.27.2""",
    "3.12": """
        anywidget==0.9.21 authlib==1.6.11 click==8.3.3 cryptography==43.0.3 decorator==4.4.2 filelock==3.29.0
        future==1.0.0 h5py==3.16.0 ipykernel==6.17.1 ipython==7.34.0 ipywidgets==7.7.1 joblib==1.5.3
        jupyter_client==7.4.9 keras==3.13.2 librosa==0.11.0 llvmlite==0.43.0 matplotlib==3.10.0 nbclient==0.10.4
        numba==0.60.0 numpy==2.0.2 pandas==2.2.2 pillow==11.3.0 platformdirs==4.9.6 protobuf==5.29.6 psutil==5.9.5
        py-cpuinfo==9.0.0 pydantic==2.12.3 requests==2.32.4 rich==13.9.4 scikit-learn==1.6.1 scipy==1.16.3
        seaborn==0.13.2 setuptools==75.2.0 soundfile==0.13.1 soxr==1.0.0 tensorflow==2.20.0 tensorflow-hub==0.16.1
        tf_keras==2.20.0 tqdm==4.67.3 traitlets==5.7.1 typer==0.24.2""",
}
CHANGED = {"psutil", "cryptography"}  # codecarbon wants newer ones; on 3.13, cryptography is new enough
EXECUTE = """
import nbclient, nbformat, sys
notebook = nbformat.read(sys.argv[1], as_version=4)
where = "import sys, course_utils; print(course_utils.__file__, 'google.colab' in sys.modules)"
notebook.cells.append(nbformat.v4.new_code_cell(where))
nbclient.NotebookClient(notebook, timeout=1500, kernel_name="python3").execute()
print(notebook.cells[-1].outputs[0].text)
print(*[o.text for c in notebook.cells if c.cell_type == "code" for o in c.outputs if o.get("name") == "stdout"])
"""


def interpreter(version: str) -> str:
    """Return the Python of a version: the one that COURSE_CLEAN_ROOM_PYTHON names, or one that lies about."""
    named = os.environ.get("COURSE_CLEAN_ROOM_PYTHON", "")
    found = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    for python in filter(None, [named, *map(str, found), shutil.which(f"python{version}")]):
        asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True).stdout.strip() == version:
            return python
    pytest.skip(f"Python {version} is not here: name it in COURSE_CLEAN_ROOM_PYTHON")


class Room:
    """A fresh environment, an empty folder, and of Colab what is there before the first cell: its module, imported."""

    def __init__(self, python: str, wheel: Path, tmp_path: Path):
        self.environment, self.folder = tmp_path / "environment", tmp_path / "empty"
        subprocess.run([python, "-m", "venv", str(self.environment)], check=True)
        self.python = self.environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        stub = tmp_path / "stub"
        (stub / "google" / "colab").mkdir(parents=True)
        (stub / "google" / "colab" / "__init__.py").touch()
        (stub / "sitecustomize.py").write_text("import google.colab\n")
        self.folder.mkdir()
        env = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "PYTHON", "IPYTHON", "JUPYTER"))}
        env |= {"COURSE_CACHE": str(tmp_path / "cache"), "COURSE_ASSETS": "embedded", "PIP_NO_COMPILE": "1"}
        self.env = env | {"COURSE_UTILS_SPEC": str(wheel), "PYTHONPATH": str(stub)}

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run the environment's Python in the empty folder."""
        command = [str(self.python), *arguments]
        return subprocess.run(command, env=self.env, cwd=self.folder, capture_output=True, text=True)

    def install(self, *names: str) -> None:
        """Install packages."""
        result = self.run("-m", "pip", "install", "--quiet", *names)
        assert result.returncode == 0, result.stderr[-4000:]
        assert self.run("-c", "import course_utils").returncode != 0

    def versions(self) -> dict[str, str]:
        """Return what is installed."""
        listed = json.loads(self.run("-m", "pip", "list", "--format=json").stdout)
        return {canonicalize_name(row["name"]): row["version"] for row in listed}

    def execute(self, name: str) -> str:
        """Execute a notebook, copied into the empty folder, and return what it prints."""
        shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", self.folder)
        result = self.run("-c", EXECUTE, f"{name}.ipynb")
        assert result.returncode == 0, f"{name}: {result.stderr[-4000:]}"
        file, colab = result.stdout.splitlines()[0].rsplit(" ", 1)
        assert file.startswith(str(self.environment)), "the package came from the checkout"
        assert colab == "True"
        assert [path.name for path in self.folder.iterdir()] == [f"{name}.ipynb"]
        (self.folder / f"{name}.ipynb").unlink()
        return result.stdout


def test_notebook_02_installs_the_wheel_and_runs_from_an_empty_folder(wheel, tmp_path):
    room = Room(sys.executable, wheel, tmp_path)
    room.env["PIP_CONSTRAINT"] = str(ROOT / "constraints.txt")
    room.install("nbclient", "ipykernel")
    said = room.execute("02_yamnet")
    assert "Installing course_utils" in said
    assert "Installing collected packages" in said
    assert "course_utils is installed." in said
    assert "YAMNet-mini" in said
    assert "(10, 521)" in said


@pytest.mark.parametrize("version", COLAB)
def test_every_lesson_runs_beside_what_colab_has_and_changes_none_of_it(version, wheel, tmp_path):
    """The first set-up cell installs the wheel into a running kernel: that of a lesson for which pip changes psutil."""
    room = Room(interpreter(version), wheel, tmp_path)
    room.install("torch", *COLAB[version].split())
    before = room.versions()
    for lesson in sorted(LESSONS, key=lambda lesson: "codecarbon" not in lesson.about["packages"]):
        room.execute(lesson.name)
    after = room.versions()
    assert {"tensorflow", "numpy", "pandas", "ipywidgets", "torch"} <= before.keys()
    assert {name for name, version in before.items() if after[name] != version} <= CHANGED
    assert room.run("-m", "pip", "check").returncode == 0

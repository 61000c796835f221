"""The course where somebody else has installed it: nothing can be written but a temporary folder.

Environment and checkout belong to another user, the home is not there, the terminal knows few characters, and the
path has a space and an é.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
READS_ALL = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]  # where Python is in a home
EXECUTE = """
import nbclient, nbformat, sys
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
sys.stdout.buffer.write(nbformat.writes(notebook).encode("utf-8"))
"""


class Shared:
    """A copy of the course that one user reads, and another one owns."""

    def __init__(self, folder: Path):
        self.place, self.own = folder / "Übung 3 – été" / "course", folder / "own"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8").stdout
        for name in filter(None, listed.split("\0")):
            if name.startswith(("course_utils/", "data/", "notebooks/", "pyproject.toml", "constraints.txt")):
                (self.place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.place / name)
        for name in ("tmp", "runtime"):
            (self.own / name).mkdir(parents=True)
            (self.own / name).chmod(0o777)
        hidden = ("COURSE_", "XDG_", "NUMBA_", "MPL", "IPYTHON", "JUPYTER", "PYTHON", "LANG", "LC_")
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | {
            "HOME": str(folder / "nobody"),
            "USER": "nobody",
            "TMPDIR": str(self.own / "tmp"),
            "JUPYTER_RUNTIME_DIR": str(self.own / "runtime"),  # as a hub sets it
            "PYTHONPATH": str(self.place),
            "PYTHONIOENCODING": "cp1252",
            "LC_ALL": "C",
            "COURSE_ASSETS": "embedded",
        }
        self.become = [*NOBODY, *READS_ALL]

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess:
        """Run Python as a user who owns nothing of it, in the folder of the notebooks."""
        command = [*self.become, sys.executable, *arguments]
        return subprocess.run(command, cwd=self.place / "notebooks", env=self.env | env, capture_output=True)


@pytest.fixture(scope="module")
def shared():
    if os.name == "nt" or os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can be another user, and only with setpriv")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # TMPDIR may be somebody's own
    try:
        folder.chmod(0o755)
        course = Shared(folder)
        if course.run("-c", "import numpy").returncode:
            course.become = NOBODY  # a container, where nobody may read everything
        if course.run("-c", "import numpy").returncode:
            pytest.skip("no other user may read this Python")
        yield course
    finally:
        shutil.rmtree(folder)


def test_nothing_of_it_can_be_written(shared):
    code = (
        "import sys, course_utils as c; print(c.__file__, *map(c.writable, ['..', sys.prefix, '~', '/tmp']), sep='|')"
    )
    home = "import os; os.path.expanduser('~')"
    said = shared.run("-c", f"{home}\n{code}", PYTHONIOENCODING="utf-8").stdout.decode()
    assert said.strip() == f"{shared.place / 'course_utils/__init__.py'}|False|False|False|True"


@pytest.mark.parametrize("name", ["01_audio_tagging", "02_yamnet", "03_transfer_learning", "04_sound_event_detection"])
def test_a_lesson_runs_to_its_end(shared, name):
    """As a notebook, with its figures."""
    done = shared.run("-c", EXECUTE, f"{name}.ipynb")
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    cells = [cell for cell in json.loads(done.stdout)["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert sum("<svg" in "".join(output.get("data", {}).get("text/html", "")) for output in outputs) >= 3
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    assert [path.name for path in shared.place.parent.iterdir()] == ["course"]


def test_the_doctor_tells_the_truth(shared):
    done = shared.run("-m", "course_utils", "doctor")
    said = done.stdout.decode("cp1252")
    assert done.returncode == 3, said
    assert f"Nothing can be written in the home folder {shared.env['HOME']}" in said
    assert said.strip().endswith("The course runs here, but something should be looked at.")
    assert "x folders" in said
    assert "+ pictures" in said
    assert done.stderr == b""
    report = json.loads(shared.run("-m", "course_utils", "doctor", "--json").stdout)
    assert report["status"] == 3
    assert sum(report["seconds"].values()) > 0
    assert {finding["severity"] for finding in report["findings"]} <= {"look", "note"}


def test_the_doctor_says_that_all_is_well_where_it_is(shared):
    """The same, with a home and a cache."""
    home = str(shared.own / "tmp")
    done = shared.run("-m", "course_utils", "doctor", HOME=home, COURSE_CACHE=f"{home}/cache")
    assert done.stdout.decode("cp1252").strip().endswith("All is well: the course can run here.")
    assert done.returncode == 0


def test_without_any_folder_the_doctor_says_so(shared):
    done = shared.run("-m", "course_utils", "doctor", TMPDIR="/nowhere", NUMBA_CACHE_DIR="/nowhere")
    said = done.stdout.decode("cp1252")
    assert "NUMBA_CACHE_DIR is '/nowhere', where nothing can be written." in said
    assert "TMPDIR is '/nowhere', where nothing can be written." in said
    assert done.returncode in (1, 3)
    assert b"Traceback" not in done.stderr

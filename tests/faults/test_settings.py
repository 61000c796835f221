"""Settings and environments: whatever is odd there, people read one clear sentence, soon, and no traceback."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

from .conftest import ROOT

KIND = "Settings and environments"
SOON = 30  # s, on a busy computer too
RUN = """
import sys
from course_utils import __main__, doctor
doctor.CHECKS = dict.fromkeys((doctor.{checks}), 20.0)
{before}
sys.exit(__main__.main({arguments}))
"""
CELL = "from course_utils import assets\nassets.overview('audioset-labels')"
QUICK = "python, doctor.packages, doctor.settings, doctor.folders, doctor.data"
OTHER = """
class Other:
    def __init__(self, real, **others):
        self.__dict__.update(others, real=real)
    def __getattr__(self, name):
        return getattr(self.real, name)
"""


class Answer:
    """What a command says, and how it ends."""

    def __init__(self, arguments: list[str], env: dict, encoding: str = "utf-8", **streams):
        hidden = re.compile("COURSE_|MPL|NUMBA_|.*_proxy$|.*_CA_BUNDLE$|SSL_CERT", re.IGNORECASE)
        env = {name: value for name, value in os.environ.items() if not hidden.match(name)} | env
        env = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"} | env
        start = time.monotonic()
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        done = subprocess.run([sys.executable, *arguments], env=env, cwd=ROOT, timeout=120, **options)
        self.seconds, self.status = time.monotonic() - start, done.returncode
        self.out = (done.stdout or b"").decode(encoding, errors="replace")
        self.err = (done.stderr or b"").decode(errors="replace")

    def sentence(self, words: str) -> str:
        """Return the one line that has these words."""
        lines = [line.strip(" ✗✓x+") for line in (self.out + self.err).splitlines() if words in line]
        assert lines, f"{words!r} is not in\n{self.out}{self.err}"
        return lines[0]


def command(what: str, before: str = "", checks: str = QUICK) -> list[str]:
    """Return the arguments of Python that run a command of the course; the doctor has its quick checks only."""
    arguments = ["prefetch", "audioset-labels"] if what == "prefetch" else [what]
    return ["-c", RUN.format(checks=f"{checks},", before=before, arguments=arguments)]


@pytest.fixture
def state(tmp_path):
    """Return what a cache holds now, in words."""

    def look() -> str:
        files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        files = [path for path in files if path.suffix != ".lock" and path.name != "unreachable.json"]
        return f"{len(files)} files" if files else "empty"

    return look


# --- variables of the course that make no sense: every command says the same sentence ---

ODD = {
    "COURSE_ASSETS with a typing error": ({"COURSE_ASSETS": "embeded"}, "COURSE_ASSETS is 'embeded'; set it to one of"),
    "COURSE_ASSETS with a space": ({"COURSE_ASSETS": "full "}, "COURSE_ASSETS is 'full '; set it to one of"),
    "a cache in the home of a user who is not there": (
        {"COURSE_CACHE": "~nosuchuser/x"},
        "which is not a folder (Could not determine home directory).",
    ),
    "a cache that is a circle of links": ({"COURSE_CACHE": "{tmp}/circle"}, "link"),
    "a cache whose name is too long": ({"COURSE_CACHE": "{tmp}/" + "x" * 300}, "which is not a folder ("),
    "a cache whose path is too long": ({"COURSE_CACHE": "{tmp}" + "/abc" * 2000}, "which is not a folder ("),
    "a mirror in the home of a user who is not there": (
        {"COURSE_MIRROR": "~nosuchuser"},
        "COURSE_MIRROR is '~nosuchuser'",
    ),
    "a mirror that is a circle of links": ({"COURSE_MIRROR": "{tmp}/circle"}, "link"),
    "an address with one slash": ({"COURSE_MIRROR": "http:/mirror.example/x"}, "An address begins with http:// or"),
    "an address that begins with htp": ({"COURSE_MIRROR": "htp://mirror.example"}, "An address begins with http:// or"),
    "an address that begins with ftp": ({"COURSE_MIRROR": "ftp://mirror.example"}, "An address begins with http:// or"),
    "a mirror on a stick that is not in": ({"COURSE_MIRROR": "{tmp}/stick"}, "that folder does not exist"),
    "a mirror that is a file": ({"COURSE_MIRROR": "{tmp}/file"}, "which is a file and not a folder"),
}


@pytest.mark.parametrize("name", ODD)
def test_variables_that_make_no_sense(name, fault, state, tmp_path):
    env, words = ODD[name]
    if os.name != "nt":
        (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "file").touch()
    env = {"COURSE_CACHE": str(tmp_path / "cache"), "COURSE_ASSETS": "auto"} | {
        variable: value.replace("{tmp}", str(tmp_path)) for variable, value in env.items()
    }
    for what in ("info", "prefetch", "doctor"):
        answer = Answer(command(what), env)
        assert answer.status == 1, answer.out
        assert "Traceback" not in answer.out + answer.err
        sentence = answer.sentence(words)
        assert re.search(r"[Uu]nset it", answer.out)
        assert answer.seconds < SOON
    cell = Answer(["-c", CELL], env)
    assert words in cell.err.splitlines()[-1]
    assert "site-packages" not in cell.err
    fault(KIND, name, sentence, state(), answer.seconds)


# --- what the doctor says of everything else: the words, its status, and what happens before ---

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    REFUSED = f"127.0.0.1:{free.getsockname()[1]}"

NETWORK = "settings, doctor.network"
DOCTOR = {
    "a typing error in COURSE_MIRROR": (
        {"COURSE_MIROR": "x"},
        "The course knows no variable COURSE_MIROR",
        3,
        "",
        QUICK,
    ),
    "a cache that is a file": ({"COURSE_CACHE": "{tmp}/file"}, "cannot be written", 3, "", QUICK),
    "a cache that cannot be written": ({"COURSE_CACHE": "/proc/nothing"}, "cannot be written", 3, "", QUICK),
    "MPLBACKEND of the shell": ({"MPLBACKEND": "agg"}, "MPLBACKEND is 'agg'", 0, "", QUICK),
    "a proxy that does not answer": (
        {"https_proxy": f"http://{REFUSED}", "COURSE_ASSETS": "auto"},
        "does not answer",
        3,
        "",
        NETWORK,
    ),
    "a proxy without http://": ({"http_proxy": REFUSED, "COURSE_ASSETS": "auto"}, "does not answer", 3, "", NETWORK),
    "a mirror that does not answer": (
        {"COURSE_MIRROR": f"http://{REFUSED}", "COURSE_ASSETS": "auto"},
        "does not serve the course's files",
        3,
        "",
        NETWORK,
    ),
    "certificates that are not there": (
        {"REQUESTS_CA_BUNDLE": "/none.pem"},
        "REQUESTS_CA_BUNDLE is '/none.pem'",
        3,
        "",
        QUICK,
    ),
    "a folder of numba that cannot be written": (
        {"NUMBA_CACHE_DIR": "/proc/x"},
        "NUMBA_CACHE_DIR is '/proc/x'",
        3,
        "",
        QUICK,
    ),
    "a temporary folder that is not there": ({"TMPDIR": "/proc/x"}, "TMPDIR is '/proc/x'", 3, "", QUICK),
    "a home that is not there": ({"HOME": "/proc/nobody"}, "Nothing can be written in the home folder", 3, "", QUICK),
    "Keras with JAX": ({"KERAS_BACKEND": "jax"}, "KERAS_BACKEND is 'jax'", 3, "", QUICK),
    "little space": (
        {},
        "There is little space",
        3,
        "import shutil\nshutil.disk_usage = lambda _: Other(None, free=2e8)",
        QUICK,
    ),
    "Python 3.10": (
        {},
        "This is Python 3.10.13, and the course needs one of 3.11, 3.12, 3.13.",
        1,
        "doctor.sys = Other(sys, version_info=(3, 10, 13))\n"
        "doctor.platform = Other(doctor.platform, python_version=lambda: '3.10.13')",
        QUICK,
    ),
    "a processor without AVX": (
        {},
        "This processor lacks AVX",
        1,
        "doctor._has_avx = lambda: False\ndoctor.sys = Other(sys, platform='linux')\n"
        "doctor.platform = Other(doctor.platform, machine=lambda: 'x86_64')",
        QUICK,
    ),
    "a package that is missing": (
        {},
        "Not installed: soxr.",
        1,
        "v = doctor.versions\ndoctor.versions = lambda: v() | {'soxr': ''}",
        QUICK,
    ),
    "a package that is too old": (
        {},
        "pandas is too old: this is 2.1.4",
        1,
        "v = doctor.versions\ndoctor.versions = lambda: v() | {'pandas': '2.1.4'}",
        QUICK,
    ),
    "another version than the tested one": (
        {},
        "These versions were not tested: ",
        0,
        "v = doctor.versions\ndoctor.versions = lambda: v() | {'pandas': '2.9.9'}",
        QUICK,
    ),
    "a kernel of another environment": (
        {"JUPYTER_PATH": "{tmp}"},
        "The kernel python3 of Jupyter starts",
        3,
        "",
        "jupyter",
    ),
    "a library that hangs": (
        {},
        "no end within 1 s",
        3,
        "import threading\ndef hang():\n    yield doctor.Step('numpy does not start', 'x')\n"
        "    threading.Event().wait(100)\ndoctor.CHECKS = {hang: 1.0}",
        QUICK,
    ),
}


@pytest.mark.parametrize("name", DOCTOR)
def test_what_the_doctor_says(name, fault, state, tmp_path):
    env, words, status, before, checks = DOCTOR[name]
    if os.name == "nt" and "/proc" in str(env):
        pytest.skip("there is no /proc")
    (tmp_path / "file").touch()
    (kernel := tmp_path / "kernels/python3").mkdir(parents=True)
    spec = {"argv": ["/other/bin/python", "-m", "ipykernel_launcher"], "display_name": "Python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    defaults = {"COURSE_CACHE": str(tmp_path / "cache"), "COURSE_ASSETS": "embedded", "no_proxy": ""}
    env = defaults | {variable: value.replace("{tmp}", str(tmp_path)) for variable, value in env.items()}
    answer = Answer(command("doctor", OTHER + before, f"{checks}"), env)
    assert answer.status == status, answer.out + answer.err
    assert answer.err == ""
    assert answer.seconds < SOON
    sentence = answer.sentence(words)
    remedy = answer.out.split(sentence)[1].splitlines()[1]
    assert remedy.strip().startswith("→ ")
    fault(KIND, name, f"{sentence} {remedy.strip()}", state(), answer.seconds)
    arguments = [
        part.replace("['doctor']", "['doctor', '--json']") for part in command("doctor", OTHER + before, checks)
    ]
    report = Answer(arguments, env)
    assert json.loads(report.out)["status"] == report.status == status


# --- what must not matter ---


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "ascii", "utf-8"])
@pytest.mark.parametrize("what", ["info", "doctor"])
def test_terminals_with_few_characters(encoding, what, fault, state, tmp_path):
    env = {"COURSE_ASSETS": "embedded", "COURSE_CACHE": str(tmp_path / "cache"), "LC_ALL": "C"}
    answer = Answer(command(what), env, encoding)
    assert (answer.status, answer.err) == (0, "")
    assert answer.sentence("Metro station" if what == "info" else "All is well")
    assert "?" not in answer.out
    fault(KIND, f"a terminal of {encoding}: {what}", "what it always says", state(), answer.seconds)


HARMLESS = {
    "variables that are empty": {"COURSE_ASSETS": "", "COURSE_CACHE": "", "COURSE_MIRROR": ""},
    "a cache with spaces and accents": {"COURSE_CACHE": "{tmp}/cache/Übung 3 – été"},
    "a cache that is relative": {"COURSE_CACHE": "some/where"},
    "a cache of bytes that are not UTF-8": {"COURSE_CACHE": "{tmp}/cache/\udce9t\udce9"},
    "no HOME at all": {"HOME": None},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless(name, fault, state, tmp_path, monkeypatch):
    if os.name == "nt" and "bytes" in name:
        pytest.skip("names are not bytes there")
    env = {"COURSE_ASSETS": "embedded", "COURSE_CACHE": str(tmp_path / "cache")}
    for variable, value in HARMLESS[name].items():
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            env[variable] = value.replace("{tmp}", str(tmp_path))
    for arguments in (command("info"), ["-c", CELL]):
        answer = Answer(arguments, env)
        assert (answer.status, answer.err) == (0, "")
    fault(KIND, name, "nothing, for the course runs", state(), answer.seconds)
    assert "Traceback" not in Answer(command("doctor"), env).err


def test_a_mirror_that_does_not_answer_is_named_once(fault, state, tmp_path):
    """Mistyped, or behind a proxy that is not there."""
    for name, env, words in (
        ("the first cell, with a mirror that does not answer", {"COURSE_MIRROR": f"http://{REFUSED}"}, REFUSED),
        (
            "the first cell, with a mirror behind a proxy that does not answer",
            {"COURSE_MIRROR": "http://mirror.example", "http_proxy": f"http://{REFUSED}"},
            "mirror.example",
        ),
    ):
        env = {"COURSE_ASSETS": "auto", "COURSE_CACHE": str(tmp_path / "cache"), "no_proxy": ""} | env
        answer = Answer(["-c", CELL], env)
        assert answer.status == 0
        warned = [line for line in answer.err.splitlines() if words in line]
        assert len(warned) == 1, answer.err
        assert "COURSE_MIRROR" in warned[0]
        assert re.search("connection refused|proxy that http_proxy", warned[0])
        fault(KIND, name, warned[0].partition("UserWarning: ")[2] or warned[0], state(), answer.seconds)


def test_without_docstrings(fault, state, tmp_path):
    env = {"COURSE_ASSETS": "embedded", "COURSE_CACHE": str(tmp_path / "cache")}
    for what, status, words in (("info", 0, "Metro station"), ("doctor", 1, "Python runs with -OO")):
        answer = Answer(["-OO", *command(what)], env)
        assert (answer.status, answer.err) == (status, "")
        sentence = answer.sentence(words)
    fault(KIND, "python -OO", sentence, state(), answer.seconds)


@pytest.mark.skipif(os.name == "nt" or not shutil.which("sh"), reason="this needs a POSIX shell")
@pytest.mark.parametrize(
    ("what", "end", "status"),
    [(what, end, status) for what in ("info", "doctor", "prefetch nothing") for end, status in (
        ("2>&-", None), (">&-", None), (">&- 2>&-", None), ("<&-", None), ("| head -1", 0), ("| true", 0),
    )],
)  # fmt: skip
def test_streams_that_are_closed(what, end, status, fault, state, tmp_path):
    code = command(what.split()[0])[1].replace("audioset-labels", "nothing")
    (tmp_path / "run.py").write_text(code, encoding="utf-8")
    own = {"COURSE_ASSETS": "embedded", "COURSE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    start = time.monotonic()
    line = f'"{sys.executable}" "{tmp_path / "run.py"}" {end}'
    done = subprocess.run(["sh", "-c", line], env=os.environ | own, cwd=tmp_path, capture_output=True)
    assert done.returncode == (status if status is not None else 2 if what.endswith("nothing") else 0)
    assert done.stderr == b""
    silent = end == "| true" or ">&-" in end.replace("2>&-", "")
    assert bool(done.stdout) != silent
    said = "nothing" if silent else "its first line" if "head" in end else "what it always says"
    fault(KIND, f"{what.split()[0]} {end}", said, state(), time.monotonic() - start)


@pytest.mark.slow
def test_tensorflow_starts_without_stderr(fault, state, tmp_path):
    """What it writes there would go into the next file that is opened."""
    file = tmp_path / "file"
    code = f"""
import os, course_utils
from course_utils import models
kept = open({str(file)!r}, "w")
assert kept.fileno() > 2
os.write(2, b"a note of TensorFlow")
models.start_tensorflow()
print("It starts.")
"""
    start = time.monotonic()
    (tmp_path / "run.py").write_text(code, encoding="utf-8")
    line = f'"{sys.executable}" "{tmp_path / "run.py"}" 2>&-'
    own = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", line], env=own, capture_output=True, text=True)
    assert done.stdout.strip() == "It starts."
    assert file.read_text() == ""
    fault(KIND, "TensorFlow where stderr is closed", done.stdout.strip(), state(), time.monotonic() - start)

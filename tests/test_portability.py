"""The course on other systems and in other places: Windows, terminals without ✓, folders with spaces, hubs."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

import nbformat
import pytest
import yaml
from conftest import LESSONS, ROOT
from nbformat.v4 import new_code_cell, new_notebook
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from test_clean_room import COLAB

from course_utils import assets

MODULES = sorted((ROOT / "course_utils").rglob("*.py"))
SETUP = (ROOT / "makers/templates/setup.py").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ODD = "Übung 3 – été"  # a folder that many a student has

# What Windows' Python lacks: modules, and attributes of those that it has.
MISSING_MODULES = set("crypt curses fcntl grp posix pty pwd readline resource spwd syslog termios tty".split())
MISSING = {
    "os": set(
        """chown chroot ctermid fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp
        getresgid getresuid getsid getuid initgroups killpg lchown major minor mkfifo mknod nice openpty posix_spawn
        pread pwrite sched_getaffinity sched_setaffinity sendfile setegid seteuid setgid setgroups setpgid setpriority
        setresgid setresuid setsid setuid statvfs sync sysconf tcgetpgrp uname wait wait3 wait4 WEXITSTATUS""".split()
    ),
    "signal": set("SIGALRM SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 alarm pause setitimer".split()),
    "time": {"tzset"},
    "asyncio": {"SafeChildWatcher"},
}
NEEDS_RIGHTS = {"symlink", "symlink_to"}  # Windows has it, but few users may


def only_posix(source: str) -> list[str]:
    """Return what Windows lacks of the code of a module, but for what stands in an ``if`` or a ``try``."""
    tree = ast.parse(source)
    guarded = {inner for node in ast.walk(tree) if isinstance(node, ast.If | ast.IfExp | ast.Try)
               for inner in ast.walk(node)}  # fmt: skip
    found = []
    for node in set(ast.walk(tree)) - guarded:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names}
            module = getattr(node, "module", None)
            found += sorted((names | {module}) & MISSING_MODULES)
            found += [f"{module}.{name}" for name in sorted(names & MISSING.get(module, set()))]
        elif isinstance(node, ast.Attribute):
            of = node.value.id if isinstance(node.value, ast.Name) else None
            if node.attr in MISSING.get(of, set()) | NEEDS_RIGHTS:
                found.append(f"{of}.{node.attr}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_needs_what_windows_lacks(path):
    assert only_posix(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import fcntl", ["fcntl"]),
        ("from resource import getrusage", ["resource"]),
        ("from os import fork", ["os.fork"]),
        ("import os\nos.statvfs('.')", ["os.statvfs"]),
        ("import signal\nsignal.signal(signal.SIGKILL, None)", ["signal.SIGKILL"]),
        ("def link(a, b):\n    a.symlink_to(b)", ["a.symlink_to"]),
        ("import os\nif os.name != 'nt':\n    os.nice(5)", []),
        ("try:\n    import fcntl\nexcept ImportError:\n    fcntl = None", []),
        ("import os\nos.replace('a', 'b')", []),
    ],
)
def test_what_windows_lacks_is_noticed(source, found):
    assert only_posix(source) == found


def test_files_are_read_as_utf_8_whatever_the_system_takes():
    """Windows takes cp1252 where nothing is said."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            said = {keyword.arg for keyword in node.keywords}
            text = isinstance(node.func, ast.Attribute) and node.func.attr in ("read_text", "write_text")
            if isinstance(node.func, ast.Name) and node.func.id == "open":
                text = not any(isinstance(mode, ast.Constant) and "b" in str(mode.value) for mode in node.args[1:])
            assert not text or "encoding" in said, f"{path.name}, line {node.lineno}"


# --- terminals ---


@pytest.fixture(params=["cp1252", "ascii"])
def terminal(request):
    """Run Python where stdout takes few characters, and return what it wrote."""

    def run(*arguments: str, **env: str) -> str:
        env = {**os.environ, "PYTHONIOENCODING": request.param, "PYTHONUTF8": "0", "COURSE_ASSETS": "embedded", **env}
        result = subprocess.run([sys.executable, *arguments], env=env, cwd=ROOT, capture_output=True)
        assert result.returncode == 0, result.stderr.decode(errors="replace")
        return result.stdout.decode(request.param)

    return run


def test_commands_answer_in_a_terminal_that_lacks_characters(terminal, tmp_path):
    said = terminal("-m", "course_utils", "info", COURSE_CACHE=str(tmp_path / ODD / "✓"))
    assert "3 " in said
    assert "Metro station" in said


@pytest.mark.slow
def test_doctor_answers_in_a_terminal_that_lacks_characters(terminal, tmp_path):
    assert "All is well" in terminal("-m", "course_utils", "doctor", COURSE_CACHE=str(tmp_path / ODD / "✓"))


def test_checks_answer_in_a_terminal_that_lacks_characters(terminal):
    code = """
from course_utils import check
print(repr(check.Verdict(True, "The mean … is right.", "Try the maximum.")))
print(repr(check.Verdict(False, "", "", answered=False)))
print(repr(check.expected(("accuracy", 0.9, 0.8, 1.0), ("loss", 3, 0, 1))))
"""
    said = terminal("-c", code.replace("check.Verdict", "check.answers.Verdict"))
    assert "? Right. The mean" in said
    assert "? Not yet." in said
    assert "? as expected" in said


# --- folders ---


def test_the_package_and_its_cache_lie_in_folders_with_spaces_and_accents(tmp_path):
    """The package is copied with what it ships, as if it had been installed there."""
    place, cache = tmp_path / ODD, tmp_path / f"{ODD} cache"
    shutil.copytree(ROOT / "course_utils", place / "course_utils", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data/embedded/clips", place / "course_utils/embedded/clips")
    code = """
import numpy as np
from course_utils import assets, audio, features
from course_utils.models.base import Output
clip = assets.resolve("speech-whistling")
audio.load(clip.path, 16000)
class Model:
    family = id = "none"
    sample_rate, window, hop, labels = 16000, 0.96, 0.48, ["loud"]
    def __call__(self, waveform):
        n = 1 + (len(waveform) - 15360) // 7680
        return Output(np.zeros((n, 1)), np.zeros((n, 2)))
origins = [features.extract([clip.path], Model())[0].origin for _ in range(2)]
print(*origins, assets.__file__, sep="\\n")
"""
    env = {**os.environ, "PYTHONPATH": str(place), "COURSE_ASSETS": "embedded", "COURSE_CACHE": str(cache)}
    env |= {"PYTHONIOENCODING": "utf-8"}
    result = subprocess.run([sys.executable, "-c", code], env=env, cwd=place, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-3:] == ["extracted", "cache", str(place / "course_utils/assets.py")]
    assert list(cache.glob("features/*/*.npz"))


@pytest.mark.slow
def test_a_notebook_runs_in_a_folder_with_spaces_and_accents(tmp_path):
    import nbclient

    (folder := tmp_path / ODD).mkdir()
    first = next(cell for cell in nbformat.read(ROOT / "notebooks/01_audio_tagging.ipynb", 4).cells if
                 cell.cell_type == "code")  # fmt: skip
    code = 'from course_utils import audio\naudio.play(audio.load("ein Ton – été.wav", 16000), 16000)'
    notebook = new_notebook(cells=[new_code_cell(first.source), new_code_cell(code)])
    shutil.copy(next((ROOT / "data/embedded/clips").glob("*.ogg")), folder / "ein Ton – été.wav")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_ASSETS", "embedded")
        patch.setenv("COURSE_CACHE", str(folder / "cache"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        client = nbclient.NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
        client.execute()
    assert "Networks in this run" in notebook.cells[0].outputs[0].text
    assert "<audio" in notebook.cells[1].outputs[0].data["text/html"]


# --- the set-up cell, where the course is not installed ---


def set_up(folder, colab: bool = False, **env: str) -> subprocess.CompletedProcess:
    """Run the set-up cell in a process that finds no course_utils."""
    code = "import importlib.util, sys, types\nimportlib.util.find_spec = lambda name: None\n"
    code += 'sys.modules["google.colab"] = types.ModuleType("google.colab")\n' * colab
    env = {k: v for k, v in os.environ.items() if k != "COURSE_UTILS_SPEC"} | {"PYTHONIOENCODING": "utf-8"} | env
    command = [sys.executable, "-c", code + SETUP]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8")


def test_the_set_up_says_what_to_do_in_colab_and_in_a_jupyter_of_one_s_own(tmp_path):
    for colab, words in ((True, "upload the course's wheel"), (False, "open it with `make lab`")):
        last = set_up(tmp_path, colab).stderr.splitlines()[-1]
        assert last.startswith("RuntimeError: course_utils is not here. ")
        assert words in last


def test_an_installation_that_fails_ends_in_a_sentence(tmp_path):
    (tmp_path / "course_utils-0.1.0-py3-none-any.whl").touch()  # an upload that broke off
    for env in ({}, {"COURSE_UTILS_SPEC": str(tmp_path / "missing.whl")}):
        done = set_up(tmp_path, **env)
        assert done.stdout.startswith("Installing course_utils and what it needs. It takes a minute or two")
        sentence, why = done.stderr[done.stderr.index("RuntimeError: ") :].split("\n", 1)
        assert (
            sentence == "RuntimeError: course_utils couldn't be installed. Check the network, and run this cell again."
        )
        assert why.startswith("ERROR: ")
        assert "CalledProcessError" not in done.stderr


# --- hubs ---


def test_images_take_a_python_that_the_course_runs_on():
    supported = SpecifierSet(PROJECT["requires-python"])
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert supported.contains(re.fullmatch(r"python:([\d.]+)-\w+", container["image"])[1])
    assert supported.contains((ROOT / "binder/runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-"))
    assert container["postCreateCommand"] == "make .venv/.lab"
    assert "$(VENV)/.lab:" in makefile
    lab = re.search(r"^lab:.*\n\t\$\(BIN\)/python (.+)$", makefile, re.M)[1]
    assert container["postAttachCommand"].replace(" --allow-root", "") == f".venv/bin/python {lab}"


def test_the_commands_of_the_image_are_a_script_that_may_be_run():
    script = ROOT / "binder/postBuild"
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    assert os.name == "nt" or os.access(script, os.X_OK)
    if shutil.which("bash"):
        subprocess.run(["bash", "-n", str(script)], check=True)


def test_images_install_the_pinned_versions_and_what_the_package_asks_for():
    script = (ROOT / "binder/postBuild").read_text(encoding="utf-8")
    (what,) = re.findall(r"^what=\((.*)\)$", script, re.M)
    words = shlex.split(what)
    assert words[:4] == ["--constraint", "constraints.txt", "--editable", "."]
    assert set(words[4:]) <= set(PROJECT["optional-dependencies"]["lab"])
    lines = [line for line in script.replace("\\\n", "").splitlines() if " install " in line]
    assert len(lines) == 3
    assert all("--constraint constraints.txt" in line or '"${what[@]}"' in line for line in lines)


@pytest.mark.parametrize("python", COLAB)
def test_what_colab_ships_is_within_the_bounds_of_the_package(python):
    ships = {canonicalize_name(name): version for name, version in (pin.split("==") for pin in COLAB[python].split())}
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)
    needed = {canonicalize_name(needed.name): needed for needed in map(Requirement, PROJECT["dependencies"])}
    assert len(ships.keys() & needed.keys()) >= 15
    for name in ships.keys() & needed.keys():
        assert ships[name] in needed[name].specifier, f"{name} {ships[name]}"


def test_the_settings_in_the_guide_are_whole_and_the_memory_is_enough():
    guide = (ROOT / "docs/instructor.md").read_text(encoding="utf-8")
    server = yaml.safe_load(re.search(r"```yaml\n(.*?)```", guide, re.S)[1])["singleuser"]
    assert set(server["extraEnv"]) <= set(assets.VARIABLES)
    mounts, volumes = server["storage"]["extraVolumeMounts"], server["storage"]["extraVolumes"]
    assert [mount["name"] for mount in mounts] == [volume["name"] for volume in volumes]
    assert mounts[0]["mountPath"] == server["extraEnv"]["COURSE_MIRROR"]
    table = guide[guide.index("### How much memory") : guide.index("## Solutions")]
    rows = re.findall(r"^\| (\d\d) .* \| ([\d.]+) GB \| ([\d.]+) GB \|$", table, re.M)
    assert [number for number, *_ in rows] == [lesson.name[:2] for lesson in LESSONS]
    largest = max(float(figure) for _, *figures in rows for figure in figures)
    assert largest + 0.1 < float(server["memory"]["limit"].removesuffix("G"))


def test_memory_is_that_of_the_kernel_at_its_peak():
    from makers import bench

    child = "import time; x = b'x' * 200_000_000; time.sleep(0.5); del x; time.sleep(0.5)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    assert 200e6 < bench.peak_memory([sys.executable, "-c", code], dict(os.environ)) < 260e6
    with pytest.raises(subprocess.CalledProcessError):
        bench.peak_memory([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))

"""The doctor: what each check finds, what it says to do, and that nothing can hold it up."""

import contextlib
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import tomllib
import types
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import course_utils
from course_utils import __main__ as command
from course_utils import assets, doctor
from course_utils.doctor import Finding, Step

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    """Settings that nobody has touched, and an empty cache."""
    for name in [name for name in os.environ if re.match("COURSE_|MPL|NUMBA_|.*_proxy$", name, re.IGNORECASE)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_ASSETS", "embedded")


@pytest.fixture
def pretend(monkeypatch):
    """Have a module see another system: attributes of one of the modules that it imports."""

    def change(module, imported, /, **others):
        real = getattr(module, imported)

        class Other(types.SimpleNamespace):
            def __getattr__(self, wanted):
                return getattr(real, wanted)

        monkeypatch.setattr(module, imported, Other(**others))

    return change


@pytest.fixture
def only(monkeypatch):
    """Have the doctor run some checks only."""

    def choose(*checks, alone=(), seconds=30.0):
        monkeypatch.setattr(doctor, "CHECKS", dict.fromkeys(checks, seconds))
        monkeypatch.setattr(doctor, "ALONE", alone)

    return choose


def found(check) -> list[Finding]:
    """Return what a check finds, as the doctor would print it."""
    return [one for one in doctor._followed(check) if not isinstance(one, Step)]


def one(check) -> Finding:
    (finding,) = found(check)
    assert finding.what.endswith(".")
    assert finding.remedy
    return finding


# --- Python, processor, packages ---


@pytest.mark.parametrize(("version", "right"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)])
def test_python(monkeypatch, version, right, pretend):
    pretend(doctor, "sys", version_info=(*version, 0, "final", 0))
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "{}.{}.0".format(*version))
    assert [finding.severity for finding in found(doctor.python)] == ["error"] * (not right)
    if not right:
        assert one(doctor.python).what == (
            f"This is Python {version[0]}.{version[1]}.0, and the course needs one of 3.11, 3.12, 3.13."
        )
    if version < (3, 11):
        assert found(doctor.packages) == []


def test_pythons_are_those_of_the_project():
    (low, high) = (".".join(map(str, version)) for version in doctor.PYTHONS)
    assert PROJECT["requires-python"] == f">={low},<{high}"


def test_docstrings_are_needed(monkeypatch, pretend):
    pretend(doctor, "sys", flags=types.SimpleNamespace(optimize=2))
    assert "-OO" in one(doctor.python).remedy


@pytest.mark.parametrize(
    ("machine", "system", "flags", "words"),
    [
        ("x86_64", "linux", "flags\t\t: fpu sse4_2 avx2", "lacks AVX"),
        ("AMD64", "linux", "flags : fpu avx avx2", None),
        ("x86_64", "linux", "", None),
        ("aarch64", "linux", "Features : fp asimd", None),
        ("x86_64", "darwin", "", "no longer supports"),
        ("arm64", "darwin", "", None),
    ],
)
def test_processor(monkeypatch, machine, system, flags, words, pretend):
    monkeypatch.setattr(doctor.platform, "machine", lambda: machine)
    pretend(doctor, "sys", platform=system)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"processor : 0\n{flags}\n")
    assert [words in finding.what for finding in found(doctor.python)] == [True] * bool(words)


def test_a_system_without_a_list_of_processors(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert doctor._has_avx()


def test_every_library_that_the_course_needs_is_looked_at():
    needed = {re.match(r"[\w-]+", line)[0].replace("_", "-") for line in PROJECT["dependencies"]}
    assert needed == set(doctor.required())
    assert all(doctor.versions().values())


def test_an_installed_course_has_the_same_list(monkeypatch):
    lines = [*PROJECT["dependencies"], 'build; extra == "dev"', "h5py (>=3.0); python_version >= '3.11'"]
    monkeypatch.setattr(doctor, "CHECKOUT", None)
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: lines)
    assert doctor.required()["h5py"] == ">=3.0"
    assert doctor.required()["numpy"] == ">=1.26"
    assert "build" not in doctor.required()
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: None)
    assert doctor.required() == {}


@pytest.fixture
def versions(monkeypatch):
    """Have some packages in other versions than they are, "" for missing."""
    real = doctor.versions()

    def install(**others):
        others = {name.replace("_", "-"): version for name, version in others.items()}
        monkeypatch.setattr(doctor, "versions", lambda: real | others)
        return found(doctor.packages)

    return install


def test_packages(versions):
    assert [finding.severity for finding in versions()] in ([], ["note"])  # other versions than the tested ones may do
    missing = versions(soxr="", filelock="")[0]
    assert missing.what == "Not installed: filelock, soxr."
    assert missing.remedy == 'Run: python -m pip install "filelock" "soxr>=0.3.7"'
    assert missing.severity == "error"
    old = versions(numpy="1.25.2")[0]
    assert old[0] == "numpy is too old: this is 1.25.2, and the course needs >=1.26."
    assert old.remedy.endswith('"numpy>=1.26"')
    new = versions(setuptools="81.0.0")[0]
    assert new.what.startswith("setuptools is too new for tensorflow-hub: this is 81.0.0")
    assert new.severity == "error"
    other = versions(numpy="2.0.0", torch="2.13.0+cu128")[-1]
    assert "numpy 2.0.0 (tested: " in other.what
    assert "torch" not in other.what
    assert other.severity == "note"


def test_a_package_that_is_not_there_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "required", lambda: {"numpy": "", "no-such-thing": ">=2"})
    assert doctor.versions()["no-such-thing"] == ""


def test_who_may_not_install_asks_somebody_who_may(versions, monkeypatch):
    monkeypatch.setattr(course_utils, "writable", lambda _: False)
    assert versions(soxr="")[0].remedy.startswith("Ask whoever looks after this installation to run: python -m pip")


def test_without_packaging_only_what_is_missing_is_known(versions, monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    assert [finding.what.partition(":")[0] for finding in versions(soxr="")] == [
        "Not installed",
        "Versions cannot be compared",
    ]


# --- settings ---


@pytest.mark.parametrize(
    ("name", "value", "words", "remedy", "severity"),
    [
        ("COURSE_MIROR", "x", "no variable COURSE_MIROR", "Did you mean COURSE_MIRROR?", "look"),
        ("COURSE_CASH", "x", "no variable COURSE_CASH", "Did you mean COURSE_CACHE?", "look"),
        ("COURSE_ASSET", "x", "no variable COURSE_ASSET", "Did you mean COURSE_ASSETS?", "look"),
        ("COURSE_ID", "x", "no variable COURSE_ID", "If it is meant for the course, correct its name.", "note"),
        ("MPLBACKEND", "agg", "MPLBACKEND is 'agg'", "Unset MPLBACKEND.", "note"),
        ("MPLBACKEND", "TkAgg", "MPLBACKEND is 'TkAgg'", "Unset MPLBACKEND.", "note"),
        ("REQUESTS_CA_BUNDLE", "/no/file", "is '/no/file', which is not there", "Correct REQUESTS_CA_BUNDLE", "look"),
        ("SSL_CERT_FILE", "/no/file", "so https fails", "Correct SSL_CERT_FILE", "look"),
        ("TMPDIR", "/dev/null", "where nothing can be written", "Correct TMPDIR", "look"),
        ("NUMBA_CACHE_DIR", "/dev/null/x", "where nothing can be written", "Correct NUMBA_CACHE_DIR", "look"),
        ("KERAS_BACKEND", "jax", "KERAS_BACKEND is 'jax'", "Unset KERAS_BACKEND.", "look"),
    ],
)
def test_settings(monkeypatch, name, value, words, remedy, severity):
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "TMPDIR"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    finding = one(doctor.settings)
    assert words in finding.what
    assert finding.remedy.startswith(remedy)
    assert finding.severity == severity


@pytest.mark.skipif(os.name == "nt", reason="there, no variable has small letters")
def test_small_letters_are_another_name(monkeypatch):
    monkeypatch.setenv("course_mirror", "x")
    assert one(doctor.settings).remedy == "Did you mean COURSE_MIRROR?"


@pytest.mark.parametrize("value", ["", "inline", "widget", "module://ipympl.backend_nbagg", "nbAgg"])
def test_backends_that_show_figures(value, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", value)
    assert found(doctor.settings) == []


def test_variables_are_those_of_the_repository():
    files = [*ROOT.glob("course_utils/**/*.py"), *ROOT.glob("makers/**/*.py"), *ROOT.glob("tests/conftest.py")]
    files += [*ROOT.glob("tests/*.py"), ROOT / "Makefile"]
    own = Path(__file__).name, "doctor.py", "test_settings.py"
    text = "".join(file.read_text(encoding="utf-8") for file in files if file.name not in own)
    assert {name.removeprefix("COURSE_") for name in re.findall(r"\bCOURSE_[A-Z_]*[A-Z]\b", text)} <= set(
        doctor.VARIABLES
    )


# --- folders, data, Jupyter ---


def test_folders(monkeypatch, tmp_path):
    assert found(doctor.folders) == []
    monkeypatch.setattr(course_utils, "writable", lambda folder: "cache" not in str(folder))
    assert one(doctor.folders).what.startswith(f"The cache {tmp_path / 'cache'} cannot be written")
    monkeypatch.setattr(course_utils, "writable", lambda folder: "cache" in str(folder))
    assert one(doctor.folders).remedy == "Set HOME to a folder of your own."


def test_little_space(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=240e6))
    finding = found(doctor.folders)[0]
    assert finding.what.endswith(": 0.24 GB.")
    assert finding.remedy.startswith("Make room")


def test_a_setting_that_makes_no_sense_is_an_error(monkeypatch):
    monkeypatch.setenv("COURSE_ASSETS", "embeded")
    finding = one(doctor.data)
    assert "COURSE_ASSETS is 'embeded'" in finding.what
    assert finding.severity == "error"
    assert found(doctor.network) == []


def test_an_installation_that_is_not_whole(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "EMBEDDED", tmp_path)
    finding = one(doctor.data)
    assert "which the course ships" in finding.what
    assert finding.severity == "error"


def test_damage_and_repair(monkeypatch, tmp_path, only, capsys):
    assert found(doctor.data) == []
    file = tmp_path / "cache/esc50/meta/esc50.csv"
    file.parent.mkdir(parents=True)
    file.write_text("damaged")
    finding = one(doctor.data)
    assert finding.what.startswith(f"{file} is damaged")
    assert finding.remedy == "Run: python -m course_utils doctor --repair"
    only(doctor.data)
    assert command.main(["doctor"]) == 3
    assert command.main(["doctor", "--repair"]) == 0
    said = capsys.readouterr().out
    assert f"✓ {file} is damaged, or is another file: renamed to" in said
    assert not file.exists()


@pytest.mark.skipif(os.name == "nt" or not getattr(os, "geteuid", int)(), reason="permissions do not bind this user")
def test_what_cannot_be_read(tmp_path):
    (folder := tmp_path / "cache/esc50").mkdir(parents=True)
    folder.chmod(0)
    try:
        assert "chmod" in one(doctor.data).remedy
    finally:
        folder.chmod(0o755)


def test_what_cannot_be_read_is_said_once(monkeypatch, tmp_path, pretend):
    file = tmp_path / "cache/esc50/meta/esc50.csv"
    file.parent.mkdir(parents=True)
    file.write_text("locked")
    pretend(doctor, "os", access=lambda *_: False)
    monkeypatch.setattr(assets.Store, "problems", lambda _: [f"{file} cannot be read (Permission denied): run x."])
    finding = one(doctor.data)
    assert finding.what == f"{file} cannot be read (1 in all)."
    assert finding.remedy.startswith("Now run `chmod")

    def locked(folder, onerror):
        onerror(PermissionError(13, "Permission denied", str(folder)))
        onerror(FileNotFoundError(2, "No such file", str(folder)))
        return []

    pretend(doctor, "os", walk=locked)
    assert doctor.unreadable(tmp_path) == [tmp_path]


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """Have Jupyter find a kernel python3 in a folder."""
    pytest.importorskip("jupyter_client")

    def write(program, folder=tmp_path / "share"):
        (place := folder / "kernels/python3").mkdir(parents=True)
        spec = {"argv": [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Python"}
        (place / "kernel.json").write_text(json.dumps(spec))
        monkeypatch.setenv("JUPYTER_PATH", str(folder))
        return place

    return write


def test_the_kernel_is_this_python(kernel):
    kernel(sys.executable)
    assert found(doctor.jupyter) == []


@pytest.mark.parametrize("program", ["/no/such/environment/bin/python", "/bin/sh"])
def test_the_kernel_is_another_python(kernel, program):
    place = kernel(program)
    finding = one(doctor.jupyter)
    assert f"starts {Path(program)}, and the course is in {sys.executable}." in finding.what
    assert finding.remedy == f"Delete the folder {place}"


def test_the_kernel_of_this_environment_is_another_python(kernel, monkeypatch, tmp_path, pretend):
    kernel("/no/such/python")
    pretend(doctor, "sys", prefix=str(tmp_path))
    assert one(doctor.jupyter).remedy == "Run: python -m ipykernel install --sys-prefix"


def test_no_kernel_no_place_no_jupyter(monkeypatch):
    kernelspec = pytest.importorskip("jupyter_client.kernelspec")

    def none(self, name):
        raise kernelspec.NoSuchKernel(name)

    monkeypatch.setattr(kernelspec.KernelSpecManager, "get_kernel_spec", none)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/dev/null/x")
    said = found(doctor.jupyter)
    assert said[0].what == "Jupyter has no kernel python3, which the notebooks ask for."
    assert said[1].what.startswith("JupyterLab cannot start: nothing can be written in ")
    monkeypatch.setitem(sys.modules, "jupyter_client.kernelspec", None)
    assert found(doctor.jupyter) == []


# --- network ---


@pytest.fixture
def refused():
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def served(tmp_path):
    """The address of a mirror with one file."""
    (folder := tmp_path / "served/esc50/meta").mkdir(parents=True)
    (folder / "esc50.csv").write_bytes(b"x" * 93742)
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served")) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_embedded_asks_nobody(monkeypatch):
    monkeypatch.setattr(socket, "create_connection", None)
    assert found(doctor.network) == []


@pytest.mark.parametrize(("mode", "severity"), [("auto", "note"), ("full", "look")])
def test_offline(monkeypatch, mode, severity):
    def fail(*_, **__):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setenv("COURSE_ASSETS", mode)
    monkeypatch.setattr(doctor.urllib.request, "getproxies", dict)
    monkeypatch.setattr(socket, "create_connection", fail)
    finding = one(doctor.network)
    assert finding.what == "There is no network: Temporary failure in name resolution."
    assert finding.severity == severity
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: contextlib.closing(socket.socket()).thing)
    assert found(doctor.network) == []


def test_a_proxy_that_does_not_answer(monkeypatch, refused):
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    host = refused.removeprefix("http://")
    for proxy in (f"http://user:secret@{host}", f"user:secret@{host}"):
        monkeypatch.setattr(doctor.urllib.request, "getproxies", lambda proxy=proxy: {"https": proxy, "no": "x"})
        finding = one(doctor.network)
        assert finding.what.endswith(f"…@{host} does not answer: Connection refused.")
        assert finding.remedy == "Correct https_proxy, or unset it."
        assert finding.severity == "look"
        assert "secret" not in finding.what
    monkeypatch.setattr(doctor.urllib.request, "getproxies", lambda: {"https": "http://[::1"})
    assert one(doctor.network).what.startswith("The proxy http://[::1 does not answer: ")


def test_a_proxy_that_answers_stands_for_the_network(monkeypatch, served):
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.setattr(doctor.urllib.request, "getproxies", lambda: {"https": served})
    assert found(doctor.network) == []


def test_mirrors_that_are_addresses(monkeypatch, refused, served):
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.setattr(doctor.urllib.request, "getproxies", dict)
    monkeypatch.setenv("COURSE_MIRROR", served)
    assert found(doctor.network) == []  # the other files it need not have
    monkeypatch.setenv("COURSE_MIRROR", f"{served}/elsewhere")
    assert "it answered 404" in one(doctor.network).what
    monkeypatch.setenv("COURSE_MIRROR", refused)
    finding = one(doctor.network)
    assert finding.what == f"COURSE_MIRROR {refused} does not serve the course's files: connection refused."
    assert finding.remedy == "Correct COURSE_MIRROR, or unset it."


# --- slow checks ---


@pytest.mark.slow
@pytest.mark.parametrize("check", [doctor.pictures, doctor.tensorflow, doctor.torch], ids=lambda check: check.__name__)
def test_what_lessons_do_works(check):
    said = list(doctor._followed(check))
    assert [one for one in said if not isinstance(one, Step)] == []
    assert len(said) >= 2


def test_packages_that_do_not_import(monkeypatch, pretend):
    def broken(module):
        raise ImportError(f"DLL load failed while importing {module}\nmore")

    monkeypatch.setattr(importlib, "import_module", broken)
    finding = one(doctor.torch)
    assert finding.what == (
        "torch is installed, but does not start: ImportError, DLL load failed while importing torch."
    )
    assert "--force-reinstall --no-deps torch" in finding.remedy
    assert finding.severity == "error"
    assert "anywidget is installed" in one(doctor.pictures).what
    pretend(doctor, "os", name="nt")
    assert "Visual C++" in next(doctor._imports({"torch": "torch"})).remedy


@pytest.mark.slow
def test_a_gpu_whose_memory_is_taken(monkeypatch):
    import torch

    from course_utils import models

    monkeypatch.setattr(models, "device", lambda: "cuda")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (300e6, 8e9))
    monkeypatch.setattr(torch, "ones", lambda *_, **__: torch.zeros(8, 8))
    finding = one(doctor.torch)
    assert finding.what == "The memory of the GPU is taken: 0.3 of 8.0 GB are free."

    def old(*_, **__):
        raise RuntimeError("no kernel image is available for execution on the device\nCUDA kernel errors…")

    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (7e9, 8e9))
    monkeypatch.setattr(torch, "ones", old)
    finding = one(doctor.torch)
    assert finding.what.startswith("The GPU does not compute: RuntimeError, no kernel image is available")
    assert finding.remedy.startswith("Set CUDA_VISIBLE_DEVICES to nothing")


@pytest.mark.slow
def test_networks_that_are_here_are_asked(monkeypatch, tmp_path):
    from course_utils.models import efficientat

    def here(self, name):
        return assets.Resolved(name, name, tmp_path, "cache" if "mn04" in name else "embedded", "whole")

    def damaged(asset, device):
        raise RuntimeError("PytorchStreamReader failed")

    monkeypatch.setattr(assets.Store, "resolve", here)
    monkeypatch.setattr(efficientat, "Tagger", damaged)
    assert one(doctor.torch).what.startswith("efficientat-mn04 does not answer: RuntimeError, PytorchStreamReader")
    asked = []
    tagger = types.SimpleNamespace(tagging=lambda batch: asked.append(batch.shape))
    monkeypatch.setattr(efficientat, "Tagger", lambda asset, device: tagger)
    assert found(doctor.torch) == []
    assert asked == [(1, 32000)]


# --- running them ---


def well():
    """Find nothing."""
    yield Step("It breaks", "Mend it.")


def ill():
    """Find one thing of each kind."""
    yield Finding("Something is noted.", "Leave it.", "note")
    yield Finding("Something is odd.", "Look at it.")


def broken():
    """Break off."""
    yield Step("It breaks", "Mend it.", "error")
    raise KeyError("x")


def hanging():
    """Never end."""
    yield Step("It hangs", "Wait.", "error")
    threading.Event().wait(60)


def dying():
    """Kill Python."""
    yield Step("It kills", "Do not.", "error")
    os.kill(os.getpid(), 4) if os.name != "nt" else os._exit(4)


def chatty():
    """Print where the answer goes, too."""
    print("not JSON")
    os.write(1, b"nor this\n")
    yield Finding("Something is odd.", "Look at it.")


def test_all_is_well(only, capsys):
    only(well)
    assert command.main(["doctor"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("course-utils ")
    assert "✓ well (0.0 s)" in said
    assert said[-1] == "All is well: the course can run here."


def test_statuses(only, capsys):
    only(well, ill)
    assert command.main(["doctor"]) == 3
    said = capsys.readouterr().out
    assert "✗ Something is odd.\n  → Look at it." in said
    assert said.index("To mend:") < said.index("Something is odd.") < said.index("Good to know:")
    assert said.endswith("The course runs here, but something should be looked at.\n")
    only(ill, broken)
    assert command.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "✗ broken (0.0 s)" in said
    assert "✗ It breaks: KeyError, 'x'.\n  → Mend it." in said
    assert said.endswith("The course can't run here yet.\n")
    with pytest.raises(SystemExit) as stop:
        command.main(["doctor", "--no-such-option"])
    assert stop.value.code == 2


def test_what_follows_from_an_error_is_not_looked_at(only, capsys, monkeypatch):
    only(well, broken)
    monkeypatch.setattr(doctor, "FIRST", (broken,))
    assert command.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "broken" in said
    assert "well" not in said


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10"])
def test_an_old_python_gets_to_know(version):
    """Whatever else is wrong there, it reads one thing."""
    found = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    old = found[0] if found else shutil.which(f"python{version}")
    if not old:
        pytest.skip(f"Python {version} is not here")
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([old, "-m", "course_utils", "doctor"], env=env, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (1, "")
    assert f"This is Python {version}." in done.stdout
    assert done.stdout.count("→") == 1


def test_the_help_says_what_the_statuses_mean(capsys):
    with pytest.raises(SystemExit):
        command.main(["doctor", "--help"])
    said = capsys.readouterr().out
    for status in "0123":
        assert re.search(rf"\b{status} (if|for) ", said)


def test_a_check_that_hangs_is_a_finding(only, capsys):
    only(hanging, well, seconds=0.3)
    begin = time.monotonic()
    assert command.main(["doctor"]) == 3
    assert time.monotonic() - begin < 5
    said = capsys.readouterr().out
    assert f"✗ It hangs: no end within 0 s.\n  → {doctor.AGAIN}" in said
    assert "✓ well" in said


@pytest.fixture
def alone(monkeypatch):
    """Have children find the checks of this module."""
    code = "from course_utils import doctor"
    own = f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(ROOT / 'tests')!r}, {str(ROOT)!r}]\n"
    own += "import test_doctor as t\nfrom course_utils import doctor\n"
    own += "doctor.ALONE = (t.hanging, t.dying, t.chatty, t.well); doctor.CHECKS = dict.fromkeys(doctor.ALONE, 1)\n"
    popen = subprocess.Popen

    def start(command, **options):
        assert command[-1].startswith(code)
        return popen([*command[:-1], own + command[-1]], **options)

    monkeypatch.setattr(doctor.subprocess, "Popen", start)


@pytest.mark.slow
def test_checks_in_processes_of_their_own(only, alone, capfd):
    only(well, chatty, alone=(well, chatty))
    assert command.main(["doctor"]) == 3
    said = capfd.readouterr().out
    assert "✓ well" in said
    assert "✗ Something is odd." in said
    assert "JSON" not in said
    only(dying, alone=(dying,))
    assert command.main(["doctor"]) == 1
    reason = "Illegal instruction" if os.name != "nt" else "status 4"
    assert f"✗ It kills: Python dies ({reason}).\n  → Do not." in capfd.readouterr().out


@pytest.mark.slow
def test_a_process_that_hangs_is_ended(only, alone, capfd, monkeypatch):
    only(hanging, alone=(hanging,), seconds=12.0)
    runs = []
    make = doctor._Run

    def remember(check):
        runs.append(make(check))
        return runs[-1]

    monkeypatch.setattr(doctor, "_Run", remember)
    assert command.main(["doctor"]) == 3
    assert "✗ It hangs: no end within 12 s." in capfd.readouterr().out
    assert runs[0].process.wait(10)


def test_what_a_child_writes(monkeypatch, capfd, pretend):
    class EndError(Exception):
        pass

    def end(status):
        raise EndError

    kept = os.dup(1)
    try:
        monkeypatch.setattr(doctor, "ALONE", (broken, chatty))
        pretend(doctor, "os", _exit=end)
        with pytest.raises(EndError):
            doctor.child("broken")
    finally:
        os.dup2(kept, 1)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert lines == [
        [True, "It breaks", "Mend it.", "error"],
        [False, "It breaks: KeyError, 'x'.", "Mend it.", "error"],
        [],
    ]


def test_json(only, capsys, monkeypatch, tmp_path, pretend):
    only(ill, well)
    monkeypatch.setenv("COURSE_MIRROR", "http://anna:secret@mirror.example/a?token=abc")
    monkeypatch.setenv("https_proxy", "anna:secret@proxy.example:3128")
    monkeypatch.setenv("NUMBA_API_TOKEN", "secret")
    assert command.main(["doctor", "--json"]) == 3
    said = capsys.readouterr().out
    report = json.loads(said)
    assert {"course-utils", "python", "platform", "packages", "settings", "findings", "seconds", "status"} <= set(
        report
    )
    assert report["status"] == 3
    assert report["findings"][1] == {"what": "Something is odd.", "remedy": "Look at it.", "severity": "look"}
    assert set(report["seconds"]) == {"ill", "well"}
    assert report["settings"]["COURSE_MIRROR"] == "http://…@mirror.example/a"
    assert report["settings"]["https_proxy"] == "…@proxy.example:3128"
    assert "secret" not in said
    assert "anna" not in said
    pretend(doctor, "sys", version_info=(3, 10))
    assert doctor._report([], 1)["packages"] == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{home}/course/data", "~/course/data"),
        ("/home{user}/x cannot be read", "~/x cannot be read"),
        (r"C:\Users{back}\course", r"C:~\course"),
        ("/media{user}/STICK (1 in all)", "/media/…/STICK (1 in all)"),
        ("https_proxy http://a:b@host:3128 fails", "https_proxy http://…@host:3128 fails"),
        ("http://a:p/w@host/x?key=1, and more", "http://…@host/x, and more"),
        ("nothing of that", "nothing of that"),
    ],
)
def test_what_a_report_keeps_to_itself(monkeypatch, text, shown):
    home = "/somewhere/anna"
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)
    monkeypatch.setenv("USER", "anna")
    assert doctor.private(text.format(home=home, user="/anna", back="\\anna")) == shown


@given(
    st.from_regex(r"[a-z]{1,8}:[A-Za-z0-9!:@]{1,12}", fullmatch=True),
    st.sampled_from(["http://{}@h.example:80/x", "{}@h.example:3128"]),
)
def test_no_password_is_shown(secret, address):
    assert doctor.private(address.format(secret)).startswith(("http://…@h.example", "…@h.example"))


def test_marks_are_those_that_the_terminal_has(monkeypatch, pretend):
    for encoding, marks in (("utf-8", "✓"), ("cp1252", "+"), ("ascii", "+"), (None, "+"), ("no such", "+")):
        pretend(doctor, "sys", stdout=types.SimpleNamespace(encoding=encoding))
        assert doctor._marks()[0] == marks


def test_the_parts_that_may_be_missing_are_not_imported():
    """Whatever is missing, the doctor starts, and says so."""
    code = """
import sys
missing = "numpy pandas requests filelock markupsafe platformdirs tqdm librosa matplotlib packaging"
sys.modules.update(dict.fromkeys(missing.split()))
from course_utils.__main__ import main
sys.exit(main(["doctor", "--help"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# --- the command line ---


def test_errors_end_in_a_sentence(monkeypatch, capsys):
    for error, status, words in (
        (assets.AssetError("COURSE_CACHE is odd."), 1, "COURSE_CACHE is odd.\n"),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
        (ImportError("No module named 'tqdm'"), 1, "No module named 'tqdm'\n"),
    ):

        def fail(error=error):
            raise error

        monkeypatch.setattr(command, "info", lambda fail=fail: fail())
        command.info.__name__ = "info"
        assert command.main(["info"]) == status
        assert capsys.readouterr().out == words


def test_a_reader_that_has_seen_enough(monkeypatch):
    for arguments in (["info"], ["doctor", "--json"]):
        code = "import sys\nfrom course_utils import __main__, doctor\ndoctor.CHECKS = {}\n"
        code += f"sys.exit(__main__.main({arguments}))"
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_output_that_nobody_reads_any_more(monkeypatch):
    class Closed:
        def flush(self):
            raise BrokenPipeError

        def write(self, text):
            pass

        def fileno(self):
            return number

    with open(os.devnull, "w") as file:
        number = file.fileno()
        monkeypatch.setattr(command.sys, "stdout", Closed())
        assert command.main(["info"]) == 0


@pytest.mark.slow
def test_the_doctor_takes_less_than_a_minute(python):
    begin = time.monotonic()
    out = python("from course_utils.__main__ import main; print(main(['doctor']))", COURSE_ASSETS="embedded")
    assert out.endswith("All is well: the course can run here.\n0\n")
    assert time.monotonic() - begin < 60


# --- what the package does when it is imported ---


def test_writable(tmp_path, monkeypatch):
    assert course_utils.writable(tmp_path)
    assert course_utils.writable(tmp_path / "not/yet/there")
    (tmp_path / "file").touch()
    assert not course_utils.writable(tmp_path / "file")
    assert not course_utils.writable(tmp_path / "file/below")
    assert not course_utils.writable("~/of/nobody")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert not course_utils.writable(tmp_path / "link/below")
    assert list(tmp_path.iterdir()) == [tmp_path / "file", tmp_path / "link"] or len(list(tmp_path.iterdir())) == 2

    class FullError:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(course_utils._tempfile, "TemporaryFile", lambda **_: FullError())
    assert not course_utils.writable(tmp_path)


def test_the_scratch_folder_is_nobody_else_s(tmp_path, monkeypatch):
    monkeypatch.setattr(course_utils._tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(course_utils._tempfile, "tempdir", str(tmp_path))
    folder = course_utils.scratch()
    assert folder == course_utils.scratch()
    assert folder.parent == tmp_path
    if os.name != "nt":
        assert folder.stat().st_mode & 0o777 == 0o700
        folder.chmod(0o777)
        assert course_utils.scratch() != folder
        folder.rmdir()
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
        assert course_utils.scratch() != folder
    monkeypatch.setattr(course_utils._tempfile, "gettempdir", lambda: str(tmp_path / "none"))
    assert course_utils.scratch() is None


@pytest.fixture
def import_(monkeypatch, tmp_path):
    """What the package sets when it is imported, where some folders can be written."""

    def run(*places, modules=(), **env):
        for name in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"HOME": "/none", **env}.items():
            monkeypatch.setenv(name, value)
        for name in ("numba", "matplotlib"):
            monkeypatch.delitem(sys.modules, name, raising=False)
            if name in modules:
                monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        monkeypatch.setattr(course_utils, "writable", lambda folder: str(folder).startswith(places))
        monkeypatch.setattr(course_utils, "scratch", lambda: tmp_path)
        course_utils._find_room()
        return {name: os.environ.get(name) for name in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR")}

    return run


@pytest.mark.skipif(sys.platform != "linux", reason="folders are elsewhere")
def test_libraries_get_a_folder_only_where_they_have_none(import_, tmp_path, monkeypatch):
    own = {"NUMBA_CACHE_DIR": str(tmp_path / "numba"), "MPLCONFIGDIR": str(tmp_path / "matplotlib")}
    neither = dict.fromkeys(own)
    librosa = str(Path(importlib.util.find_spec("librosa").origin).parent)
    assert import_("/nowhere") == own
    assert import_("/none") == neither
    assert import_(librosa) == neither | {"MPLCONFIGDIR": own["MPLCONFIGDIR"]}
    assert import_("/none/.cache") == neither | {"MPLCONFIGDIR": own["MPLCONFIGDIR"]}
    assert import_("/x/", XDG_CACHE_HOME="/x/c", XDG_CONFIG_HOME="/x/d") == neither
    assert import_("/nowhere", MPLCONFIGDIR="/mine") == own | {"MPLCONFIGDIR": "/mine"}
    assert import_("/nowhere", modules=("numba", "matplotlib")) == neither
    monkeypatch.setattr(course_utils._util, "find_spec", lambda name: None)
    assert import_("/nowhere") == own


@pytest.mark.parametrize(("system", "numba"), [("darwin", "Library/Caches"), ("win32", "")])
def test_folders_of_other_systems(import_, monkeypatch, tmp_path, system, numba, pretend):
    pretend(course_utils, "_sys", platform=system)
    monkeypatch.setattr(course_utils._util, "find_spec", lambda name: None)
    asked = []
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    import_("/none")
    monkeypatch.setattr(course_utils, "writable", lambda folder: bool(asked.append(folder)) or True)
    course_utils._find_room()
    assert asked == [Path("/none", numba, "numba"), Path("/none")]


def test_nothing_is_set_where_there_is_no_folder_at_all(import_, monkeypatch):
    import_("/nowhere")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(course_utils, "scratch", lambda: None)
    course_utils._find_room()
    assert "NUMBA_CACHE_DIR" not in os.environ


@pytest.mark.parametrize("missing", ["stdin", "stdout", "stderr"])
def test_streams_that_are_closed_are_opened(monkeypatch, missing):
    monkeypatch.setattr(course_utils._sys, missing, None)
    course_utils._open_streams()
    stream = getattr(sys, missing)
    assert stream.name == os.devnull
    assert os.get_inheritable(stream.fileno())
    stream.close()


def test_a_backend_of_the_shell_hides_no_figures(monkeypatch, capsys):
    magic = []
    shell = types.SimpleNamespace(kernel=1, run_line_magic=lambda *words: magic.append(words))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    for value, after, said in (("agg", course_utils.INLINE, 1), ("", "", 0), ("inline", "inline", 0)):
        monkeypatch.setenv("MPLBACKEND", value)
        course_utils._show_figures()
        assert os.environ["MPLBACKEND"] == after
        assert capsys.readouterr().out.count("MPLBACKEND is 'agg', which shows no figures") == said
    assert magic == [("matplotlib", "inline")]
    monkeypatch.delitem(sys.modules, "matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    course_utils._show_figures()
    assert len(magic) == 1
    del shell.kernel  # IPython in a terminal
    monkeypatch.setenv("MPLBACKEND", "agg")
    course_utils._show_figures()
    assert os.environ["MPLBACKEND"] == "agg"


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["agg", "TkAgg", "no_such_backend"])
def test_a_kernel_shows_figures_whatever_the_shell_says(monkeypatch, tmp_path, backend):
    import nbclient
    from nbformat.v4 import new_code_cell, new_notebook

    monkeypatch.setenv("MPLBACKEND", backend)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = ["from course_utils import plotting", "import numpy as np", "plotting.waveform(np.zeros(800), 800);"]
    notebook = new_notebook(cells=list(map(new_code_cell, cells)))
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    assert f"MPLBACKEND is {backend!r}" in notebook.cells[0].outputs[0].text
    assert any("<svg" in output.get("data", {}).get("text/html", "") for output in notebook.cells[2].outputs)

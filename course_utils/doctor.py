"""What is wrong with this installation, and how to mend it: ``python -m course_utils doctor``.

A check is a generator in ``CHECKS``. It yields a :class:`Finding` for each thing that is wrong, and a :class:`Step`
before anything that may raise an error, kill Python or never end: if it does, the step becomes a finding. Only Python's
own modules are imported at the top, for any other may be missing.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import course_utils
from course_utils import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from course_utils import assets

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else None
PYTHONS = ((3, 11), (3, 14))  # from, and below
VARIABLES = "ASSETS CACHE MIRROR BASE UTILS_SPEC BROWSER_REQUIRED CLEAN_ROOM_PYTHON PSDS_REQUIRED ROUNDS".split()
SETTINGS = r"(COURSE|MPL|NUMBA|PYTHON|TF|KERAS|CUDA|XDG|SSL_CERT).*|TMPDIR|LANG|LC_ALL|.*(_PROXY|_CA_BUNDLE)"
SECRETS = "TOKEN|KEY|PASS|SECRET"
HEAVY = ("tensorflow", "tensorflow-hub", "torch")  # checks of their own import them
MODULES = {"scikit-learn": "sklearn", "setuptools": "pkg_resources", "panns-inference": ""}  # the last writes at import
REPAIR = "Run: python -m course_utils doctor --repair"
AGAIN = "Run doctor again, for a first start is slow. If it stays so, look at the disk and the network."
STATUS = {"error": 1, "look": 3, "note": 0}
LAST = {
    1: "The course can't run here yet.",
    3: "The course runs here, but something should be looked at.",
    0: "All is well: the course can run here.",
}


class Finding(NamedTuple):
    """Something that is wrong, the one thing to do about it, and how severe it is.

    Attributes
    ----------
    what, remedy : str
        A sentence each.
    severity : {"error", "look", "note"}
        The course can't run; it runs, but something should be looked at; all is well, and this is good to know.
    """

    what: str
    remedy: str
    severity: str = "look"


class Step(Finding):
    """What is wrong if the check does not get beyond this step."""

    def failed(self, why: str) -> Finding:
        """Return it as a finding, with the reason."""
        return Finding(f"{self.what}: {why}.", self.remedy, self.severity)


NOWHERE = Step("A check broke off", "Please report it.")


def _pip(arguments: str) -> str:
    """Return what to do to install something, also where somebody else has to."""
    who = "Run" if course_utils.writable(sys.prefix) else "Ask whoever looks after this installation to run"
    return f"{who}: python -m pip install {arguments}"


def private(text: str) -> str:
    """Return a text without passwords, the user's name and the paths of homes."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - which never fails
    for folder in {str(home), str(home.resolve())} - {home.anchor}:
        text = text.replace(folder, "~")
    text = re.sub(r"(/home/|/Users/|\\Users\\)[^/\\\s'\",:]+", "~", fetch.without_secrets(text))
    names = {os.environ.get(variable) for variable in ("USER", "LOGNAME", "USERNAME")} - {None, ""}
    for name in names:
        text = re.sub(rf"(?<=[/\\]){re.escape(name)}(?![\w.-])", "…", text)
    return text


def _looking() -> assets.Store:
    """Return a store as lessons use it, but for one thing: it fetches nothing."""
    from course_utils import assets

    store = assets.store()
    mirror = store.mirror if isinstance(store.mirror, Path) else None
    return assets.Store("embedded" if store.mode == "embedded" else "auto", store.cache, mirror, small=0)


# --- quick checks ---


def python() -> Iterator[Finding]:
    """Look at Python and the processor."""
    (low, high), here = PYTHONS, platform.python_version()
    if not low <= sys.version_info[:2] < high:
        known = ", ".join(f"3.{minor}" for minor in range(low[1], high[1]))
        what = f"This is Python {here}, and the course needs one of {known}."
        yield Finding(what, f"Install one of these, and name it: make PYTHON=python3.{low[1] + 1} lab", "error")
    if sys.flags.optimize > 1:
        what = "Python runs with -OO, and some libraries do not start without their docstrings."
        yield Finding(what, "Leave out -OO, or unset PYTHONOPTIMIZE.", "error")
    intel = platform.machine().lower() in ("x86_64", "amd64")
    if intel and sys.platform == "darwin":
        what = "This Python is made for Macs with an Intel processor, which TensorFlow no longer supports."
        yield Finding(what, "On a newer Mac, install Python for Apple silicon; on this one, use Colab.", "error")
    elif intel and not _has_avx():
        what = "This processor lacks AVX, without which TensorFlow dies of an illegal instruction."
        remedy = "Use another computer, or Colab; a virtual machine may be set to the processor of its host."
        yield Finding(what, remedy, "error")


def _has_avx() -> bool:
    """Return whether the processor has AVX, as far as the system says."""
    with contextlib.suppress(OSError):
        if flags := re.search(r"^flags\s*:(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE):
            return "avx" in flags[1].split()
    return True


def required() -> dict[str, str]:
    """Return what the course depends on: the bounds of each package, by the name that pip knows."""
    if CHECKOUT:
        import tomllib

        lines = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        lines = importlib.metadata.requires("course-utils") or []
    found = (re.match(r"([\w.-]+)\s*\(?([^;)]*)", line) for line in lines if "extra ==" not in line)
    return {match[1].replace("_", "-"): match[2].strip() for match in found}


def versions() -> dict[str, str]:
    """Return the version of each package that the course depends on, "" if it is missing."""
    found = {}
    for name in required():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return {name: found.get(name, "") for name in required()}


def packages() -> Iterator[Finding]:
    """Look for packages that are missing, too old, too new, or not those that were tested."""
    if sys.version_info < PYTHONS[0]:
        return  # it cannot read their list
    bounds, found = required(), versions()
    if missing := [name for name, version in found.items() if not version]:
        lines = " ".join(f'"{name}{bounds[name]}"' for name in missing)
        yield Finding(f"Not installed: {', '.join(missing)}.", _pip(lines), "error")
    yield Step("Versions cannot be compared", _pip("packaging"))
    from packaging.specifiers import SpecifierSet

    there = {name: version for name, version in found.items() if version}
    for name, version in there.items():
        if not SpecifierSet(bounds[name]).contains(version, prereleases=True):
            old = "old" if ">" in bounds[name] else "new for tensorflow-hub"
            what = f"{name} is too {old}: this is {version}, and the course needs {bounds[name]}."
            yield Finding(what, _pip(f'"{name}{bounds[name]}"'), "error")
    pins = (CHECKOUT or PACKAGE) / "constraints.txt"
    lines = pins.read_text(encoding="utf-8") if pins.is_file() else ""
    tested = {
        name.lower().replace("_", "-"): pin for name, pin in re.findall(r"^([\w.-]+)==([\w.]+)", lines, re.MULTILINE)
    }
    other = [name for name, version in there.items() if tested.get(name) not in (None, version.split("+")[0])]
    if other:
        said = ", ".join(f"{name} {there[name]} (tested: {tested[name]})" for name in other)
        yield Finding(f"These versions were not tested: {said}.", _pip(f"-c {pins.name} -e ."), "note")


def settings() -> Iterator[Finding]:
    """Look for variables that make no sense, or work against the course."""
    for name in filter(lambda name: name.upper().startswith("COURSE_"), os.environ):
        if name.upper()[7:] not in VARIABLES or (name != name.upper() and os.name != "nt"):
            near = difflib.get_close_matches(name.upper()[7:], VARIABLES, 1)
            remedy = f"Did you mean COURSE_{near[0]}?" if near else "If it is meant for the course, correct its name."
            yield Finding(f"The course knows no variable {name}.", remedy, "look" if near else "note")
    if course_utils.hides_figures(backend := os.environ.get("MPLBACKEND", "")):
        what = f"MPLBACKEND is {backend!r}, so notebooks other than the course's show no figures."
        yield Finding(what, "Unset MPLBACKEND.", "note")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        if (value := os.environ.get(name)) and not Path(value).exists():
            yield Finding(f"{name} is {value!r}, which is not there, so https fails.", f"Correct {name}, or unset it.")
    for name in ("TMPDIR", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"):
        if (value := os.environ.get(name)) and not course_utils.writable(value):
            yield Finding(f"{name} is {value!r}, where nothing can be written.", f"Correct {name}, or unset it.")
    if (value := os.environ.get("KERAS_BACKEND", "tensorflow")) != "tensorflow":
        yield Finding(f"KERAS_BACKEND is {value!r}, and the course uses TensorFlow's.", "Unset KERAS_BACKEND.")


def folders() -> Iterator[Finding]:
    """Write where lessons write, and look at the space there."""
    if not course_utils.writable(home := os.path.expanduser("~")):  # noqa: PTH111 - which never fails
        what = f"Nothing can be written in the home folder {home}, so libraries keep their files in a temporary one."
        yield Finding(what, "Set HOME to a folder of your own.")
    yield Step("The cache cannot be used", "Correct COURSE_CACHE, or unset it.")
    cache = _looking().cache.absolute()
    if not course_utils.writable(cache):
        what = f"The cache {cache} cannot be written, so downloads and features are not kept."
        yield Finding(what, "Set COURSE_CACHE to a folder of your own.")
    there = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    for folder in dict.fromkeys((str(there), tempfile.gettempdir())):
        if (free := shutil.disk_usage(folder).free) < 1e9:
            what = f"There is little space on the disk of {folder}: {free / 1e9:.2f} GB."
            yield Finding(what, "Make room: what the course downloads takes about 1 GB.")


def unreadable(folder: Path) -> list[Path]:
    """Return the files and folders below a folder that this user may not read."""
    errors: list[OSError] = []
    files = [Path(base, name) for base, _, names in os.walk(folder, onerror=errors.append) for name in names]
    locked = [Path(error.filename) for error in errors if isinstance(error, PermissionError)]
    return locked + [path for path in files if not os.access(path, os.R_OK)]


def data() -> Iterator[Finding]:
    """Look at what the course ships, and into cache and mirror."""
    yield Step("A setting makes no sense", "Correct or unset the variable that is named.", "error")
    from course_utils import assets

    store = assets.store()
    yield Step("The installation is not whole", _pip("--force-reinstall --no-deps ."), "error")
    for row in store.assets.values():
        if "embedded" in row:
            assets.embedded(row["embedded"])
    for folder in (store.cache, store.mirror):
        if isinstance(folder, Path) and (locked := unreadable(folder)):
            yield Finding(f"{locked[0]} cannot be read ({len(locked)} in all).", f"Now {assets.remedy(folder)}")
    yield Step("The cache cannot be looked through", "Delete it, and fetch again what you need.")
    for problem in _looking().problems():
        if "cannot be read" not in problem:
            yield Finding(problem, REPAIR)


def jupyter() -> Iterator[Finding]:
    """Look at the kernel of the notebooks, and where Jupyter writes."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
        from jupyter_core import paths
    except ImportError:
        return  # something else shows the notebooks
    remedy = "Run: python -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
        there = Path(spec.argv[0])
        if there.is_absolute() and not (there.exists() and there.parent.samefile(Path(sys.executable).parent)):
            mine = Path(sys.prefix) in Path(spec.resource_dir).parents
            what = f"The kernel python3 of Jupyter starts {there}, and the course is in {sys.executable}."
            yield Finding(what, remedy if mine else f"Delete the folder {spec.resource_dir}")
    except NoSuchKernel:
        yield Finding("Jupyter has no kernel python3, which the notebooks ask for.", remedy)
    if not course_utils.writable(folder := paths.jupyter_runtime_dir()):
        what = f"JupyterLab cannot start: nothing can be written in {folder}."
        yield Finding(what, "Set HOME, or JUPYTER_RUNTIME_DIR, to a folder of your own.")


def network() -> Iterator[Finding]:
    """Ask proxies, the mirror, or the servers of models and data."""
    from course_utils import assets

    try:
        store = assets.store()
    except (ValueError, assets.AssetError):
        return  # another check says so
    if store.mode == "embedded":
        return
    severity, remedy = "look" if store.mode == "full" else "note", "The course goes on with what it has."
    yield Step("The network does not answer", remedy, severity)
    proxies = {kind: proxy for kind, proxy in urllib.request.getproxies().items() if kind in ("http", "https", "all")}
    for kind, proxy in proxies.items():
        if why := _unreachable(proxy if "//" in proxy else f"http://{proxy}"):
            what = f"The proxy {fetch.shown(proxy)} does not answer: {why}."
            yield Finding(what, f"Correct {kind}_proxy, or unset it.")
            return
    if isinstance(store.mirror, str):
        if why := _serves_nothing(store):
            what = f"COURSE_MIRROR {store.mirror_shown} does not serve the course's files: {why}."
            yield Finding(what, "Correct COURSE_MIRROR, or unset it.")
    elif not proxies:
        addresses = {url for row in store.assets.values() for file in row.get("files", []) for url in file["urls"]}
        hosts = {urllib.parse.urlsplit(url).netloc: url for url in addresses}
        if (reasons := [_unreachable(url) for url in hosts.values()]) and all(reasons):
            yield Finding(f"There is no network: {reasons[0]}.", remedy, severity)


def _unreachable(address: str) -> str:
    """Return why nobody answers at an address, or ""."""
    try:
        parts = urllib.parse.urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname, port), timeout=2).close()
        return ""
    except ValueError:  # which may quote a part of it
        return "that is no address"
    except OSError as error:
        return error.strerror or str(error)


def _serves_nothing(store: assets.Store) -> str:
    """Return why a mirror that is an address has none of the files, or ""."""
    why = ""
    for path in [row["path"] for row in store.assets.values() if "files" in row]:
        with tempfile.TemporaryDirectory() as folder:
            fetcher = fetch.Fetcher("auto", Path(folder, "unreachable.json"))
            address = fetch.below(store.mirror, path)
            try:
                fetcher.get(address, Path(folder, "file"), 1 << 14, lambda file: "here", named=True)
                return ""
            except fetch.FetchError as error:
                why = "" if "sends more" in str(error) else str(error)
                if not why or isinstance(error, fetch.HostError):
                    break
    return why


# --- slow checks, each in a process of its own ---


def _imports(names: dict[str, str]) -> Iterator[Step]:
    """Import packages, which are given with the names of their modules."""
    windows = ", and install Microsoft's Visual C++ Redistributable" if os.name == "nt" else ""
    for name, module in names.items():
        remedy = _pip(f"--force-reinstall --no-deps {name}") + windows
        yield Step(f"{name} is installed, but does not start", remedy, "error")
        importlib.import_module(module)


def pictures() -> Iterator[Finding]:
    """Import the libraries, draw a picture, read and play a sound."""
    modules = {name: MODULES.get(name, name.replace("-", "_")) for name in required() if name not in HEAVY}
    yield from _imports({name: module for name, module in modules.items() if module})
    yield Step("No picture can be drawn", "Unset the variables that begin with NUMBA_ or MPL.", "error")
    import librosa
    import numpy as np

    from course_utils import assets, audio, plotting

    wave = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    librosa.feature.melspectrogram(y=wave, sr=16000)
    plotting.as_svg(plotting.spectrogram(wave, 16000).figure)
    yield Step("No sound can be read or played", _pip("--force-reinstall --no-deps soundfile soxr"), "error")
    audio.play(audio.load(assets.embedded("clips/scene.ogg"), 16000), 16000)


def tensorflow() -> Iterator[Finding]:
    """Start TensorFlow, and ask YAMNet."""
    yield from _imports({"tensorflow": "tensorflow", "keras": "keras"})
    from course_utils import models

    yield Step("tensorflow-hub does not start", _pip("--force-reinstall --no-deps tensorflow-hub"), "error")
    models.start_tensorflow()
    yield Step("YAMNet does not answer", REPAIR, "error")
    import numpy as np
    import tensorflow_hub as hub

    from course_utils import assets

    with assets.using(_looking()):
        models.YAMNet(hub.load(models.yamnet_path()))(np.zeros(16000, np.float32))


def torch() -> Iterator[Finding]:
    """Start PyTorch, look at the GPU, and ask the networks that are here."""
    yield from _imports({"torch": "torch"})
    import numpy as np
    import torch

    from course_utils import models

    if (device := models.device()) == "cuda":
        yield Step("The GPU does not compute", "Set CUDA_VISIBLE_DEVICES to nothing: the CPU will do.")
        free, total = torch.cuda.mem_get_info()
        if free < 2e9:
            what = f"The memory of the GPU is taken: {free / 1e9:.1f} of {total / 1e9:.1f} GB are free."
            yield Finding(what, "End the programs that use it: nvidia-smi lists them.")
        torch.ones(8, 8, device=device).mm(torch.ones(8, 8, device=device)).cpu()
    yield Step("The cache cannot be used", "Correct COURSE_CACHE, or unset it.")
    store = _looking()
    for name in ("efficientat-mn04", "cnn14", "cnn14-detection"):
        if (asset := store.resolve(name)).is_real:
            yield Step(f"{asset.title} does not answer", REPAIR)
            module = importlib.import_module(f"course_utils.models.{store.assets[name]['module']}")
            tagger = module.Tagger(asset, device)
            ask = tagger.detection if name.endswith("detection") else tagger.tagging
            ask(np.zeros((1, 32000), np.float32))


CHECKS = {  # with the seconds that each may take
    python: 10.0,
    packages: 20.0,
    settings: 10.0,
    folders: 10.0,
    data: 50.0,
    jupyter: 20.0,
    network: 15.0,
    pictures: 50.0,
    tensorflow: 50.0,
    torch: 50.0,
}
FIRST = (python, packages)  # if these find an error, whatever the others find follows from it
ALONE = (jupyter, pictures, tensorflow, torch)  # in processes of their own

# --- running them ---


def _followed(check: Callable) -> Iterator[Finding]:
    """Yield what a check says; an error ends it with a finding."""
    step = NOWHERE
    try:
        for one in check():
            step = one if isinstance(one, Step) else step
            yield one
    except Exception as error:
        why = fetch.without_secrets(str(error).strip().partition("\n")[0].rstrip("."))[:300]
        own = type(error) is ValueError or type(error).__module__.startswith("course_utils")
        yield step.failed(why if own else f"{type(error).__name__}, {why}")


def child(name: str) -> None:
    """Run a check in a process of its own, this one; write what it says as lines of JSON, and an empty list at last."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as lines:
        os.dup2(2, 1)  # where libraries print
        for one in _followed(next(check for check in ALONE if check.__name__ == name)):
            print(json.dumps([isinstance(one, Step), *one]), file=lines, flush=True)
        print("[]", file=lines, flush=True)
        os._exit(0)


class _Run(threading.Thread):
    """A check that runs beside the others, and is left behind when its time is up."""

    def __init__(self, check: Callable):
        super().__init__(daemon=True)
        self.check, self.name, self.process, self.step, self.found = check, check.__name__, None, NOWHERE, []
        self.begin, self.end = time.monotonic(), 0.0

    def run(self) -> None:
        for one in self._child() if self.check in ALONE else _followed(self.check):
            if isinstance(one, Step):
                self.step = one
            else:
                self.found.append(one)
        self.end = time.monotonic()

    def _child(self) -> Iterator[Finding]:
        """Yield what a check in a process of its own says, and what it did not get to say if that process dies."""
        code = f"from course_utils import doctor; doctor.child({self.name!r})"
        command = [sys.executable, *["-O"] * sys.flags.optimize, "-c", code]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        environment = os.environ | {"MPLBACKEND": "agg"}  # notebooks have one of their own
        self.process = subprocess.Popen(command, env=environment, encoding="utf-8", **streams)
        for line in self.process.stdout:
            if not (fields := json.loads(line)):
                return
            yield (Step if fields[0] else Finding)(*fields[1:])
        status = self.process.wait()
        yield self.step.failed(f"Python dies ({signal.strsignal(-status) if status < 0 else f'status {status}'})")

    def findings(self) -> list[Finding]:
        """Wait for the end, or until the time is up, and return what was found."""
        self.join(max(0.0, self.begin + CHECKS[self.check] - time.monotonic()))
        found = list(self.found)
        if not self.end:
            self.end = time.monotonic()
            late = self.step._replace(remedy=AGAIN, severity="note" if self.step.severity == "note" else "look")
            found.append(late.failed(f"no end within {CHECKS[self.check]:.0f} s"))
            if self.process:
                self.process.kill()
        return found


def _marks() -> tuple[str, str, str]:
    """Return the marks of what is well, of what is not, and of a remedy, that stdout can show."""
    try:
        "✓✗→".encode(sys.stdout.encoding)
    except (UnicodeEncodeError, LookupError, TypeError):
        return "+", "x", "->"
    return "✓", "✗", "→"


def doctor(as_json: bool = False, repair: bool = False) -> int:
    """Do what lessons do, and say what is wrong and how to mend it: in a minute at most.

    Parameters
    ----------
    as_json : bool
        Whether to print a report to attach to a question, without names, homes and passwords.
    repair : bool
        Whether to mend first what is safe to mend: damaged files in the cache.

    Returns
    -------
    int
        0 if all is well, 1 if the course can't run here, 3 if it runs, but something should be looked at.
    """
    say = (lambda line: None) if as_json else (lambda line: print(line, flush=True))
    well, wrong, arrow = _marks()
    say(f"course-utils {course_utils.__version__} on Python {platform.python_version()}, {platform.platform()}")
    mended: list[str] = []
    with contextlib.suppress(Exception):  # what is wrong with the store, a check says
        from course_utils import assets

        store = assets.store()
        say(f"Assets: {store.mode}, cache {store.cache}, mirror {store.mirror_shown}")
        mended += store.repair() if repair else []
    for line in mended:
        say(f"{well} {line}")
    runs, found = [], []
    for group in ([check for check in CHECKS if (check in FIRST) == first] for first in (True, False)):
        if "error" in {finding.severity for finding in found}:
            break
        begun = [_Run(check) for check in group]
        for run in begun:
            run.start()
        for run in begun:
            findings = run.findings()
            bad = any(finding.severity != "note" for finding in findings)
            say(f"{wrong if bad else well} {run.name} ({run.end - run.begin:.1f} s)")
            found += findings
        runs += begun
    status = next((code for severity, code in STATUS.items() if severity in {one.severity for one in found}), 0)
    for heading, kinds in (("To mend:", ("error", "look")), ("Good to know:", ("note",))):
        chosen = [one for kind in kinds for one in found if one.severity == kind]
        say(f"\n{heading}" if chosen else "")
        for finding in chosen:
            say(f"{wrong if heading == 'To mend:' else well} {finding.what}\n  {arrow} {finding.remedy}")
    say(f"\n{LAST[status]}")
    if as_json:
        seconds = {run.name: round(run.end - run.begin, 1) for run in runs}
        print(json.dumps(_report(found, status) | {"mended": list(map(private, mended)), "seconds": seconds}, indent=1))
    return status


def _report(found: list[Finding], status: int) -> dict:
    """Return versions, settings and findings, as far as they may be shown to anybody."""
    names = [name for name in sorted(os.environ) if re.fullmatch(SETTINGS, name.upper())]
    return {
        "course-utils": course_utils.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions() if sys.version_info >= PYTHONS[0] else {},
        "settings": {name: private(os.environ[name]) for name in names if not re.search(SECRETS, name.upper())},
        "findings": [{name: private(text) for name, text in one._asdict().items()} for one in found],
        "status": status,
    }

import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

sys.modules["rfc3987_syntax"] = None  # jsonschema's grammar of addresses: a second of each start, and needed nowhere

from serving import make, quick, refused, rows, server  # noqa: E402, F401 - fixtures

from course_utils import assets  # noqa: E402
from makers import execute, lessons, site, slides  # noqa: E402

matplotlib.use("agg")

ROOT = Path(__file__).resolve().parents[1]
LESSONS = lessons.lessons()

SLOW_FIXTURES = set("mini yamnet mirror esc50 browser course executed solved decks lab website".split())
SLOW_MODULES = set("clean_room distillation efficientat first_cells lab models own_sound".split())


def pytest_collection_modifyitems(items):
    """Mark what needs TensorFlow, PyTorch, a kernel or a browser: `make check` leaves it out."""
    for item in items:
        module = item.path.stem.removeprefix("test_")
        if module in SLOW_MODULES or SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def embedded(monkeypatch, tmp_path):
    """Only what the repository ships, and an empty cache."""
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)


@pytest.fixture(scope="session")
def mini():
    """YAMNet-mini, loaded."""
    from course_utils import models

    models.start_tensorflow()
    import tensorflow_hub as hub

    return hub.load(str(assets.embedded("yamnet_mini")))


@pytest.fixture(scope="session")
def yamnet(mirror):
    """YAMNet itself, loaded."""
    from course_utils import models

    models.start_tensorflow()
    import tensorflow_hub as hub

    return hub.load(str(assets.resolve("yamnet").path))


@pytest.fixture(scope="session")
def python():
    """Run Python code in a new process and return its stdout."""

    def run(code: str, **env: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **env}, capture_output=True, text=True, cwd=ROOT
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def mirror():
    """The folder of real assets that COURSE_MIRROR names."""
    folder = os.environ.get("COURSE_MIRROR")
    if not folder:
        pytest.skip("COURSE_MIRROR is not set: what needs the real assets is not tested")
    return str(assets.Store.from_environment(os.environ).mirror)


@pytest.fixture(scope="session")
def esc50(mirror):
    """The folder of all 2,000 clips."""
    folder = Path(os.environ.get("ESC50") or ROOT.parent / "shared/distill/esc50_16k")
    if not folder.is_dir():
        pytest.skip("ESC50 does not name the folder of all ESC-50 clips: what needs them is not tested")
    return folder


@pytest.fixture(scope="session")
def browser():
    """Chromium; where CI runs, it must be there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        try:
            browser = slides.launch(play)
        except FileNotFoundError as error:
            assert not os.environ.get("COURSE_BROWSER_REQUIRED"), error
            pytest.skip(f"pages and slides are not looked at: {error}")
        yield browser
        browser.close()


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course in a folder of its own: a function that writes one of its lessons, of text and code."""
    for name in ("README.md", "pyproject.toml", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/glossary.md").write_text("# Glossary\n\n### term\n\nA word.\n", encoding="utf-8")
    (tmp_path / "lessons").mkdir()
    monkeypatch.setattr(lessons, "ROOT", tmp_path)
    monkeypatch.setattr(execute, "BUILD", tmp_path / "build")
    monkeypatch.setattr(site.hear, "write", lambda folder, base: "")  # its network takes many seconds to make

    def write(name: str, text: str, code: str, options: str = "") -> None:
        header = f"---\ntitle: {name}\nminutes: 1\nsummary: small\npackages: []\nassets: []\nterms: []\n---"
        cells = f"{text}\n\n```{{code-cell}}\n{options}{code}\n```\n\n"
        cells += '```{code-cell}\n:tags: [record]\n{"headline": "done"}\n```\n'
        (tmp_path / f"lessons/{name}.md").write_text(f"{header}\n\n{cells}", encoding="utf-8")

    return write


class Executions(dict):
    """Notebooks with their outputs, by name: from the last execution, or where something has changed, from one now.

    A test of one lesson waits for no other; of tests side by side, the first has all lessons executed.
    """

    def __init__(self, solved: bool):
        super().__init__()
        self.solved = solved

    def __missing__(self, name: str):
        side_by_side = "PYTEST_XDIST_WORKER" in os.environ
        chosen = [lesson for lesson in LESSONS if side_by_side or lesson.name == name]
        self |= {key: execution.result() for key, execution in execute.start(chosen, self.solved).items()}
        return self[name]


@pytest.fixture(scope="session")
def executed():
    """The students' notebooks."""
    return Executions(solved=False)


@pytest.fixture(scope="session")
def solved():
    """The same with the solutions, and with what the checks say of other answers."""
    return Executions(solved=True)


@pytest.fixture(scope="session")
def decks(executed, tmp_path_factory):
    """The slides of every lesson, and the start page."""
    folder = tmp_path_factory.mktemp("slides")
    deck = {lesson.name: lesson.deck(executed[lesson.name]) for lesson in LESSONS}
    for name, notebook in deck.items():
        slides.write_deck(notebook, folder / f"{name}.html")
    slides.write_index(folder, deck, dict.fromkeys(deck, "embedded"))
    return folder


@pytest.fixture(scope="session")
def website(executed, decks, tmp_path_factory):
    """The folder of the web site, of every lesson; what Sphinx warns of fails whatever needs it."""
    folder = tmp_path_factory.mktemp("build")
    shutil.copytree(decks, folder / "slides")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execute, "BUILD", folder)
        for lesson in LESSONS:
            site.write_lesson(executed[lesson.name], lesson)
        assert site.write() == ""
        return site.output()

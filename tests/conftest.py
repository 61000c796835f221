import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from course_utils import assets
from tools import build, slides

ROOT = Path(__file__).resolve().parents[1]

matplotlib.use("agg")


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


@pytest.fixture(scope="session")
def executed():
    """Every notebook with its outputs, from the last `make run`, or where its code has changed since, from one now."""
    return {path.stem: build.last_execution(path) or build.execute(path)[0] for path in build.notebooks()}


@pytest.fixture(scope="session")
def decks(executed, tmp_path_factory):
    """The slides of every notebook, and the start page."""
    folder = tmp_path_factory.mktemp("slides")
    for name, notebook in executed.items():
        slides.write_deck(notebook, folder / f"{name}.html")
    slides.write_index(folder, executed, dict.fromkeys(executed, "embedded"))
    return folder

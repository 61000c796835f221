"""The explorers, the questions and the recorder in a real JupyterLab. Needs Chromium."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import nbformat
import pytest
from conftest import ROOT
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import expect

from makers import slides

pytestmark = pytest.mark.browser

TOKEN = "lab"
DETECTION = "04_sound_event_detection"
OWN_SOUND = """from course_utils import assets, models, widgets
models.start_tensorflow()
import tensorflow_hub as hub
widgets.own_sound(hub.load(models.yamnet_path()), path=assets.embedded("clips/scene.ogg"))"""
LISTED = """window.microphones = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (what) => {
  const stream = await open(what);
  microphones.push(...stream.getTracks());
  return stream;
};"""
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


def shortened(name: str):
    """Return a notebook with nbmake's settings, which make it run in less time."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        for variable, value in cell.metadata.get("nbmake", {}).get("mock", {}).items():
            cell.source += f"\n{variable} = {value!r}"
    notebook.cells.append(new_code_cell('print("all cells" " ran")'))
    return notebook


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab of its own, which nobody's settings reach."""
    home = tmp_path_factory.mktemp("lab")
    (root := home / "notebooks").mkdir()
    nbformat.write(shortened(DETECTION), root / f"{DETECTION}.ipynb")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = [new_code_cell(OWN_SOUND), new_code_cell('print("all cells" " ran")')]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), root / "own_sound.ipynb")
    for name, values in SETTINGS.items():
        file = home / "settings" / f"@jupyterlab/{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    folders += ("JUPYTERLAB_WORKSPACES_DIR", "COURSE_CACHE")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "JUPYTER", "IPYTHON", "MPLBACKEND"))}
    env |= {name: str(home / name.lower()) for name in folders}
    env |= {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "COURSE_ASSETS": "embedded",
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
    options += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"]
    log = open(home / "log", "w")  # noqa: SIM115
    server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *options], env=env, stdout=log, stderr=log)
    try:
        for _ in range(120):
            assert server.poll() is None, (home / "log").read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={TOKEN}", timeout=5)
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail(f"JupyterLab does not answer: {(home / 'log').read_text()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def run_all(page, lab, name):
    """Open a notebook, run all its cells, and wait until they have run."""
    page.goto(f"{lab}/lab/workspaces/{name}/tree/{name}.ipynb?token={TOKEN}")
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    errors = page.locator('.jp-Notebook [data-mime-type="application/vnd.jupyter.error"]')
    done = page.locator(".jp-OutputArea-output", has_text="all cells ran")
    expect(done.or_(errors).first).to_be_visible(timeout=300_000)
    assert errors.all_inner_texts() == []


def test_detector_moves_and_a_question_answers(browser, lab):
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    run_all(page, lab, DETECTION)

    roll, table = page.locator(".course-roll svg"), page.locator(".course-f-score table")
    expect(page.locator(".course-static-detector")).to_be_hidden()  # the explorer is there in its place
    slider = page.locator(".widget-slider", has=page.get_by_text("threshold", exact=True)).locator(".noUi-handle")
    before = roll.get_attribute("aria-label"), table.inner_text()
    assert "Reference: dog 0.00 to 0.80 s" in before[0]
    slider.focus()
    page.keyboard.press("End")  # to 0.99, then back
    expect(roll).not_to_have_attribute("aria-label", before[0])
    page.keyboard.press("Home")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".widget-readout", has_text="0.05")).to_be_visible()
    expect(table).not_to_have_text(before[1], use_inner_text=True)
    assert "System: no events" not in roll.get_attribute("aria-label")

    quiz = page.locator(".course-quiz").first
    choices = quiz.locator("details")
    explanation = choices.nth(1).locator("p")
    expect(explanation).to_be_hidden()
    choices.nth(1).locator("summary").click()
    expect(explanation).to_be_visible()
    assert explanation.inner_text().startswith(("✓ Right.", "✗ Not so."))
    choices.nth(0).locator("summary").click()
    expect(explanation).to_be_hidden()  # one at a time
    page.close()


def test_recorder_hears_the_microphone(browser, lab):
    """Chromium's own microphone for tests beeps once a second."""
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with_microphone = slides.launch(SimpleNamespace(chromium=browser.browser_type), args=flags)
    page = with_microphone.new_page(viewport={"width": 1300, "height": 900})
    page.add_init_script(LISTED)
    run_all(page, lab, "own_sound")
    result, button = page.locator(".course-own-sound"), page.locator(".course-record")
    expect(result).to_contain_text("scene.ogg: 12.00 s")
    button.evaluate("button => { button.focus(); button.click(); button.click(); }")
    expect(button).to_have_text("Stop")
    expect(button).to_be_focused()
    page.wait_for_timeout(2000)
    button.click()
    expect(result).to_contain_text("your recording.wav", timeout=30_000)
    expect(result).to_contain_text("16 kHz, one channel")
    expect(result.locator("table").first).to_contain_text("score")
    assert page.evaluate("microphones.map((track) => track.readyState)") == ["ended"]
    assert 1.5 < result.locator("audio").evaluate("a => a.duration") < 4
    page.clock.install()
    for seconds, label in ((40, "Stop"), (0, "Record"), (40, "Stop")):  # a minute after the first has begun
        button.click()
        expect(button).to_have_text(label)
        page.clock.fast_forward(1000 * seconds)
    page.wait_for_timeout(500)
    expect(button).to_have_text("Stop")
    page.clock.fast_forward(25_000)
    expect(button).to_have_text("Record")
    with_microphone.close()


def test_recorder_says_where_there_is_no_microphone(browser, lab):
    page = browser.new_page()
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    run_all(page, lab, "own_sound")
    page.locator(".course-record").click()
    expect(page.get_by_text("upload a recording instead")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload (0)").click()
    chooser.value.set_files({"name": "note.wav", "mimeType": "audio/wav", "buffer": b"no audio"})
    alert = page.locator(".course-own-sound [role=alert]")
    expect(alert).to_contain_text("'note.wav' is not audio")
    named = page.get_by_placeholder("then Enter")
    for name in ("nothing.wav", "more.wav", "more.wav"):
        named.fill(name)
        named.press("Enter")
        expect(alert).to_contain_text(f"There is no file '{name}'")
        expect(named).to_have_value("")
    page.close()

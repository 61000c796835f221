"""The explorers, the questions and the recorder in a real JupyterLab. Needs Chromium."""

import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import soundfile
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
A_FUNCTION = """import numpy as np
from course_utils import widgets
def strongest(waveform):
    strength = np.abs(np.fft.rfft(waveform))
    return f"{strength.argmax() * 16000 / len(waveform):.0f} Hz in {len(waveform) / 16000:.2f} s"
widgets.own_sound(strongest)"""
OWN_CLASSES = """from course_utils import models, widgets
models.start_tensorflow()
import tensorflow_hub as hub
widgets.own_classes(hub.load(models.yamnet_path()))"""
LISTED = """window.microphones = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (what) => {
  const stream = await open(what);
  microphones.push(...stream.getTracks());
  return stream;
};"""
ASKED = """() => {
  window.asked = false;
  document.querySelector(".course-sound-input input").onclick = (event) => {
    event.preventDefault();
    window.asked = true;
  };
}"""
SETTINGS = {
    "docmanager-extension/plugin": {"autosave": False},  # each test opens a notebook that has not run
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


FUNCTIONS = ("question", "buttons", "phone", "no_microphone")  # the same notebook, with a kernel for each test


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
    done = new_code_cell('print("all cells" " ran")')
    questions = new_code_cell(
        'from IPython.display import display\ndisplay(widgets.quiz("tags"), widgets.quiz("tags"))'
    )
    for name, cells in (
        ("own_sound", [new_code_cell(OWN_SOUND), done]),
        ("own_classes", [new_code_cell(OWN_CLASSES), done]),
        *((name, [new_code_cell(A_FUNCTION), questions, done]) for name in FUNCTIONS),
    ):
        nbformat.write(new_notebook(cells=cells, metadata=kernel), root / f"{name}.ipynb")
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
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=120_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    errors = page.locator('.jp-Notebook [data-mime-type="application/vnd.jupyter.error"]')
    done = page.locator(".jp-OutputArea-output", has_text="all cells ran")
    expect(done.or_(errors).first).to_be_visible(timeout=300_000)
    assert errors.all_inner_texts() == []
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=120_000)


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
    quiz.locator(".choice.b + label").click()
    expect(quiz.locator("[role=status]")).to_have_text("", use_inner_text=True)
    quiz.locator(".confirm + label").click()
    expect(quiz.locator("[role=status]")).to_contain_text(re.compile("^(Right|Not quite)\\. "), use_inner_text=True)
    page.close()


def test_a_question_is_answered_by_keyboard(browser, lab):
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    run_all(page, lab, "question")
    first, second = page.locator(".course-quiz").all()
    status = first.locator("[role=status]")
    first.locator(".choice.a").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(first.locator(".choice.c")).to_be_checked()
    expect(first.locator(".choice.c")).to_be_focused()
    expect(status).to_have_text("", use_inner_text=True)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(status).to_contain_text("Not quite.", use_inner_text=True)
    expect(status).to_contain_text("The answer is b)", use_inner_text=True)
    expect(second.locator(".hint")).to_be_visible()  # the same question once more, and not answered yet
    expect(second.locator(".choice.c")).not_to_be_checked()
    page.close()


@pytest.fixture
def with_microphone(browser):
    """Chromium with its own microphone for tests, which beeps once a second."""
    flags = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = slides.launch(SimpleNamespace(chromium=browser.browser_type), args=flags)
    yield browser
    browser.close()


def test_recorder_hears_the_microphone(with_microphone, lab):
    page = with_microphone.new_page(viewport={"width": 1300, "height": 900})
    page.add_init_script(LISTED)
    run_all(page, lab, "own_sound")
    result, button = page.locator(".course-own-sound"), page.locator(".course-record")
    expect(result).to_contain_text("scene.ogg: 12.00 s")
    expect(page.locator(".course-static-own-sound")).to_be_hidden()
    button.evaluate("button => { button.focus(); button.click(); button.click(); }")
    expect(button).to_have_text("Stop")
    expect(button).to_be_focused()
    expect(page.locator(".course-status")).to_have_text("Recording, for a minute at most.")
    page.wait_for_timeout(2000)
    button.click()
    expect(result).to_contain_text("your recording: ", timeout=30_000)
    expect(result).to_contain_text("YAMNet-mini listened.")
    expect(button).to_be_focused()
    expect(page.locator(".course-status")).to_have_text("Done: the answer is below.")
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


def test_the_buttons_by_keyboard(with_microphone, lab):
    """Enter, which JupyterLab would keep to itself, and Space."""
    page = with_microphone.new_page(viewport={"width": 1300, "height": 900})
    run_all(page, lab, "buttons")
    button = page.locator(".course-record")
    page.locator(".course-upload").focus()
    page.keyboard.press("Shift+Tab")
    for key, label in (("Enter", "Stop"), ("Enter", "Record"), ("Space", "Stop"), ("Space", "Record")):
        page.keyboard.press(key)
        expect(button).to_have_text(label)
        expect(button).to_be_focused()
        page.wait_for_timeout(300)
    expect(page.locator(".course-status")).to_have_text("Done: the answer is below.", timeout=30_000)
    page.keyboard.press("Tab")
    expect(page.locator(".course-upload")).to_be_focused()
    for key in ("Enter", "Space"):
        page.evaluate(ASKED)
        page.keyboard.press(key)
        page.wait_for_function("window.asked")
    page.close()


def upload(page, file):
    page.locator(".course-sound-input input").set_input_files(file)


def test_a_phone_s_m4a_and_what_the_browser_cannot_decode(browser, lab):
    """`tone.m4a` is a second of 1250 Hz that PyAV 18.1 has encoded: an AAC of 32 kbit/s in MPEG-4, as of a phone."""
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    run_all(page, lab, "phone")
    result, status = page.locator(".course-own-sound"), page.locator(".course-status")
    upload(page, ROOT / "tests/data/tone.m4a")
    if page.evaluate("document.createElement('audio').canPlayType('audio/mp4; codecs=mp4a.40.2')"):
        expect(result).to_contain_text("tone.m4a: 1.00 s. The function strongest listened.", timeout=30_000)
        expect(result).to_contain_text("1250 Hz in 1.00 s")
        assert result.locator("audio").evaluate("a => a.duration") == pytest.approx(1, abs=0.1)
        expect(status).to_have_text("Done: the answer is below.")
        expect(page.locator(".course-upload")).to_be_focused()
    else:  # a Chromium without AAC
        expect(result).to_contain_text("'tone.m4a' is MPEG-4 (m4a, mp4): convert it", timeout=30_000)
    upload(page, {"name": "note.wav", "mimeType": "audio/wav", "buffer": b"no audio"})
    expect(result.locator("[role=alert]")).to_contain_text("'note.wav' is not audio")
    with io.BytesIO() as sound:  # of 2.6 MB as samples, and so in pieces
        wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(40 * 16000) / 16000)
        soundfile.write(sound, np.stack([wave, wave], axis=1), 16000, format="WAV")
        upload(page, {"name": "long.wav", "mimeType": "audio/wav", "buffer": sound.getvalue()})
    expect(result).to_contain_text("440 Hz in 40.00 s", timeout=30_000)
    with io.BytesIO() as sound:  # 11 minutes, which are refused here
        soundfile.write(sound, np.zeros(660 * 8000), 8000, "PCM_U8", format="WAV")
        upload(page, {"name": "talk.wav", "mimeType": "audio/wav", "buffer": sound.getvalue()})
    expect(status).to_contain_text("talk.wav lasts 11 minutes: drag it into the file browser")
    page.close()


def test_recorder_says_where_there_is_no_microphone(browser, lab):
    page = browser.new_page()
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    run_all(page, lab, "no_microphone")
    page.locator(".course-record").click()
    expect(page.locator(".course-status")).to_contain_text("only to pages with https")
    expect(page.locator(".course-status")).to_contain_text("upload a recording instead")
    expect(page.locator(".course-record")).to_be_focused()
    alert, named = page.locator(".course-own-sound [role=alert]"), page.get_by_placeholder("then Enter")
    for name in ("nothing.wav", "more.wav", "more.wav"):
        named.fill(name)
        named.press("Enter")
        expect(alert).to_contain_text(f"There is no file '{name}'")
        expect(named).to_have_value("")
    page.close()


def test_three_sounds_of_one_s_own(browser, lab):
    """Fifteen recordings are uploaded, a copy of one is refused, and the trained classifier hears one more."""
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    run_all(page, lab, "own_classes")
    clips = sorted((ROOT / "data/embedded/clips/three_sounds").glob("*.ogg"))
    rows, result = page.locator(".course-own-row"), page.locator(".course-own-result")
    start = time.monotonic()
    for i, sound in enumerate(("clap", "whistle", "knock")):
        files = [clip for clip in clips if clip.name.startswith(sound)]
        rows.nth(i).locator(".course-own-input input").set_input_files(files)
        expect(rows.nth(i).locator(".course-own-count")).to_have_text("5 of 5", timeout=60_000)
    page.locator(".course-own-train").click()
    expect(result).to_contain_text("of 6 held-out recordings were classified correctly", timeout=60_000)
    assert int(re.match(r"(\d) of 6", result.inner_text().strip())[1]) >= 5
    assert time.monotonic() - start < 60

    page.locator(".course-own-listen input").set_input_files(clips[-1])  # a whistle
    expect(page.locator(".course-own-scores span").first).to_have_text("whistle", timeout=60_000)
    expect(page.locator(".course-own-heard")).to_contain_text("It has to choose one of the three")

    rows.nth(2).locator(".course-own-input input").set_input_files(clips[0])  # a clap, as a knock
    expect(result.locator("[role=alert]")).to_contain_text("same", timeout=60_000)
    page.locator(".course-own-train").click()
    expect(result.locator("[role=alert]")).to_be_visible()
    expect(page.locator(".course-own-listen")).to_be_hidden()
    page.close()

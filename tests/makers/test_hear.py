"""The part of the web site that hears: the same network as in Python, from a folder and from a server."""

import base64
import functools
import json
import tarfile
import threading
from http.server import ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import soxr

from course_utils import assets
from makers import files, hear, slides
from makers.hear import model, runtime
from makers.hear.__main__ import PAGE
from makers.slides.__main__ import Quiet

CLIPS = assets.embedded("clips")
FIVE = ["speech_whistling", "scene", "three_sounds/clap_1", "three_sounds/knock_1", "three_sounds/whistle_1"]
WHISTLING = {"Whistling", "Whistle"}
SHOWN = {"index.html", "hear.css", "hear.js", "picture.png"}
LARGEST = 20e6  # bytes of network and runtime
SLOWEST = 300  # ms of computing for a second of sound
SIZES = {"laptop": (1280, 900), "phone": (390, 844)}
TOP = """() => {
  window.tops = new Set();
  const look = () => {
    tops.add(document.querySelector(".hear-top").dataset.label);
    requestAnimationFrame(look);
  };
  look();
}"""
DROP = """async text => {
  const transfer = new DataTransfer(), data = await (await fetch(`data:audio/ogg;base64,${text}`)).blob();
  transfer.items.add(new File([data], "mine.ogg"));
  const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true });
  document.querySelector(".hear-picture").dispatchEvent(drop);
}"""

OUTSIDE = """() => [...document.querySelectorAll("#hear *")].filter(one => {
  const { left, right } = one.getBoundingClientRect();
  return left < -0.5 || right > innerWidth + 0.5;
}).map(one => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a page and, below it, the files of the part."""
    folder = tmp_path_factory.mktemp("site")
    files.write(folder / "index.html", PAGE.format(fragment=hear.write(folder / "_static/hear", "_static/hear/")))
    return folder


@pytest.fixture(scope="module")
def served(folder):
    """The address of the page from a server on this computer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    server.server_close()


@pytest.fixture
def opened(browser, folder, served):
    """A function that opens the page; afterwards nothing must have gone wrong, and nothing come from elsewhere."""
    pages, faults = [], []

    def open_page(browser=browser, served_=False, size="laptop", script=""):
        width, height = SIZES[size]
        page = browser.new_page(viewport={"width": width, "height": height})
        pages.append(page)
        page.set_default_timeout(15_000)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on(
            "console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.add_init_script(script)
        page.goto(served if served_ else (folder / "index.html").as_uri())
        return page

    yield open_page
    near = (folder.as_uri(), served.rpartition("/")[0], "data:", "blob:")
    far = [url for page in pages for url in page.asked if not url.startswith(near)]
    for page in pages:
        page.close()
    assert not far
    assert not faults


@pytest.fixture(scope="module")
def listening(browser, tmp_path_factory):
    """A function that starts a browser whose microphone hears a waveform again and again."""
    started = []

    def start(waveform, rate):
        path = tmp_path_factory.mktemp("microphone") / "sound.wav"
        soundfile.write(path, waveform, rate, subtype="PCM_16")
        flags = [
            "use-fake-ui-for-media-stream",
            "use-fake-device-for-media-stream",
            f"use-file-for-fake-audio-capture={path}",
        ]
        play = SimpleNamespace(chromium=browser.browser_type)
        started.append(slides.launch(play, args=[f"--{flag}" for flag in flags]))
        return started[-1]

    yield start
    for one in started:
        one.close()


def names(page):
    """The files that a page has asked for, without their versions."""
    return {url.partition("?")[0].rpartition("/")[2] for url in page.asked if url.startswith(("file:", "http:"))}


def test_the_model_is_the_saved_model(mini):
    """Scores and spectrogram agree on five clips."""
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(model.export(mini), providers=["CPUExecutionProvider"])
    for name in FIVE:
        waveform = soxr.resample(*soundfile.read(CLIPS / f"{name}.ogg", dtype="float32"), 16000)
        scores, _, log_mel = (part.numpy() for part in mini(waveform))
        shortest, step = model.LENGTHS
        padded = np.pad(waveform, (0, shortest + (len(scores) - 1) * step - len(waveform)))
        found = session.run(["scores", "log_mel"], {"waveform": padded})
        np.testing.assert_allclose(found[0], scores, atol=1e-4)
        np.testing.assert_allclose(found[1], log_mel, atol=0.02)


def test_runtime_is_kept_as_npm_has_published_it(tmp_path, monkeypatch):
    """What isn't the published package is refused, and the licences are kept."""
    monkeypatch.setattr(runtime, "KEPT", tmp_path / "kept.tar.xz")
    other = tmp_path / "other.tgz"
    tarfile.open(other, "w:gz").close()
    with pytest.raises(ValueError, match="isn't onnxruntime-web"):
        runtime.keep(other)
    assert not runtime.KEPT.exists()
    monkeypatch.undo()
    contents = runtime.unpack()
    assert set(contents) == {runtime.SCRIPT, runtime.WASM, *runtime.LICENCES}
    assert b"MIT License" in contents["LICENSE"]
    assert runtime.VERSION.encode() in contents[runtime.SCRIPT][:200]


@pytest.mark.slow
def test_files_are_small_and_written_once(folder):
    """Network and runtime fit the limit, and a second call writes neither anew."""
    parts = [folder / "_static/hear" / f"{name}.js" for name in ("model", "runtime")]
    assert sum(path.stat().st_size for path in parts) <= LARGEST
    before = [path.stat().st_mtime_ns for path in parts]
    fragment = hear.write(folder / "_static/hear", "_static/hear/")
    assert [path.stat().st_mtime_ns for path in parts] == before
    megabytes = round(sum(path.stat().st_size for path in parts) / 1e6)
    assert f'data-megabytes="{megabytes}"' in fragment


@pytest.mark.browser
@pytest.mark.parametrize("served_", [False, True], ids=["folder", "server"])
def test_it_hears_speech_and_whistling(opened, listening, served_):
    """Within 5 s of the press of the button, and nothing of the network is loaded before."""
    page = opened(listening(*soundfile.read(CLIPS / "speech_whistling.ogg")), served_)
    page.wait_for_load_state("networkidle")
    assert names(page) <= SHOWN
    page.click("#hear-listen")
    wanted = ", ".join(f'.hear-top[data-label="{name}"]' for name in WHISTLING | {"Speech"})
    page.wait_for_selector(wanted, timeout=5000)
    assert page.get_attribute("#hear", "data-state") == "listening"
    assert names(page) <= SHOWN | {"model.js", "runtime.js"}
    page.evaluate(TOP)
    page.wait_for_function("tops.has('Speech') && (tops.has('Whistling') || tops.has('Whistle'))")
    assert page.inner_text(".hear-announced").startswith("It hears: ")
    assert float(page.get_attribute("#hear", "data-speed")) < SLOWEST
    page.click("#hear-listen")
    assert page.get_attribute("#hear", "data-state") == "idle"
    assert page.inner_text("#hear-listen").strip() == "Listen with your microphone"


@pytest.mark.browser
def test_it_says_when_it_is_quiet(opened, listening):
    """A microphone that gives next to nothing."""
    page = opened(listening(1e-4 * np.random.default_rng(0).standard_normal(48000), 48000))
    page.click("#hear-listen")
    page.get_by_text("It's very quiet here").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("clip", "wanted"),
    [
        ("speech_whistling", [{"Speech"}, WHISTLING]),
        ("scene", [{"Speech"}, WHISTLING, {"Siren", "Alarm"}]),
        ("three_sounds/knock_5", [{"Knock"}]),
    ],
)
def test_each_clip_has_its_tags(opened, clip, wanted):
    """The top tags while it plays, at eight times the speed; and how long the network takes."""
    page = opened()
    page.click(f'[data-clip="{clip}"]')
    page.wait_for_selector('#hear[data-state="playing"]')
    page.evaluate("document.querySelector('#hear audio').playbackRate = 8")
    page.evaluate(TOP)
    page.wait_for_selector('#hear[data-state="idle"]')
    tops = set(page.evaluate("[...tops]"))
    assert all(tops & names for names in wanted), tops
    assert float(page.get_attribute("#hear", "data-speed")) < SLOWEST


@pytest.mark.browser
@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_a_file_is_heard(opened, way):
    """From the button, and dropped on the picture."""
    page, path = opened(), CLIPS / "three_sounds/whistle_5.ogg"
    if way == "chosen":
        page.set_input_files("#hear-file", path)
    else:
        page.evaluate(DROP, base64.b64encode(path.read_bytes()).decode())
    page.wait_for_selector('#hear[data-state="playing"]')
    page.wait_for_function("document.querySelector('.hear-top')?.dataset.label")
    assert page.get_attribute(".hear-top", "data-label") in WHISTLING


@pytest.mark.browser
def test_a_file_that_is_no_sound_says_so(opened, tmp_path):
    """And the next sound is heard as if nothing had happened."""
    path = tmp_path / "sound.wav"
    path.write_text("no sound", encoding="utf-8")
    page = opened()
    page.set_input_files("#hear-file", path)
    page.wait_for_selector('#hear[data-state="error"]')
    assert "Try another one: a WAV or MP3 file" in page.inner_text(".hear-status")
    page.click("[data-clip=speech_whistling]")
    page.wait_for_selector('#hear[data-state="playing"]')


REFUSE = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{}'))"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("script", "advice"),
    [
        (REFUSE.format("NotAllowedError"), "Allow it next to the address, then press the button again."),
        (REFUSE.format("NotFoundError"), "Connect one and press the button again"),
        (REFUSE.format("NotReadableError"), "Close other programs that use it"),
        ("delete Navigator.prototype.mediaDevices", "Choose a sound file instead, or play one of the clips."),
        ("delete window.DecompressionStream", "Please update yours, or try another one."),
    ],
    ids=["refused", "none", "busy", "insecure", "old"],
)
def test_what_cannot_be_done_says_what_to_do(opened, script, advice):
    """In one sentence, in place of the status."""
    if "Decompression" in script:
        script += f"; {REFUSE.format('NotAllowedError')}".replace("Promise.reject", "(() => new Promise(() => {}))")
    page = opened(script=script)
    page.click("#hear-listen")
    page.wait_for_selector('#hear[data-state="error"]')
    assert advice in page.inner_text(".hear-status")


@pytest.mark.browser
@pytest.mark.parametrize("size", SIZES)
def test_it_can_be_read_and_fits(opened, size):
    """In both themes, before and while a sound plays: axe-core finds nothing, and nothing sticks out."""
    from axe_playwright_python.sync_playwright import Axe

    page = opened(size=size)
    page.click("summary")
    for state in ("idle", "playing"):
        if state == "playing":
            page.click("[data-clip=scene]")
            page.wait_for_selector('#hear[data-state="playing"]')
            page.evaluate("document.querySelector('#hear audio').pause()")
        page.wait_for_timeout(500)  # the transitions of the tags
        for theme in ("light", "dark"):
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            page.wait_for_timeout(250)
            found = Axe().run(page, "#hear", {"preload": False, "resultTypes": ["violations"]}).response["violations"]
            assert not found, json.dumps(found, indent=1)
        assert not page.evaluate(OUTSIDE)
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.browser
def test_it_names_what_it_cannot_hear(opened):
    """Every class that is switched off, once."""
    page = opened()
    unheard = [
        row["display_name"] for row in hear.rows(assets.embedded("yamnet_mini") / "heard.csv") if row["heard"] == "no"
    ]
    page.click("summary")
    assert page.locator(".hear-limits li").all_inner_texts() == unheard
    assert f"These {len(unheard)} of its" in page.inner_text(".hear-limits")


@pytest.mark.browser
def test_keys_reach_everything(opened):
    """The buttons, the field for a file and what is folded, in their order on the page."""
    page, reached = opened(), []
    page.locator("h1").click()
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(({ id, dataset, tagName }) => id || dataset.clip || tagName)(document.activeElement)")
        )
    assert reached == ["hear-listen", *hear.CLIPS, "hear-file", "SUMMARY"]
    page.keyboard.press("Enter")
    assert page.locator(".hear-limits li").first.is_visible()

"""A sound of one's own: any file, any length, and one sentence where it does not work."""

import html
import re
import sys
import tempfile
import tracemalloc
import types
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile

from course_utils import assets, audio, models, plotting, widgets
from course_utils.widgets import shown

own_sound = sys.modules["course_utils.widgets.own_sound"]  # the package has a function of that name


def tone(seconds, rate, channels=1, gain=0.5):
    wave = gain * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave] * channels, axis=1)


SCENE = assets.embedded("clips/scene.ogg")

FILES = {
    "mono16.wav": (16000, 1, 3.0, {"subtype": "PCM_16"}),
    "telephone8.wav": (8000, 1, 3.0, {"subtype": "PCM_U8"}),
    "stereo24.wav": (44100, 2, 3.0, {"subtype": "PCM_24"}),
    "float.wav": (48000, 1, 3.0, {"subtype": "FLOAT"}),
    "surround.wav": (48000, 6, 3.0, {}),
    "high.flac": (96000, 2, 3.0, {}),
    "small.ogg": (22050, 1, 3.0, {}),
    "film.opus": (48000, 2, 3.0, {"format": "OGG", "subtype": "OPUS"}),
    "music.mp3": (44100, 2, 3.0, {}),
    "apple.aiff": (32000, 1, 3.0, {}),
    "click.wav": (44100, 1, 0.1, {}),
}


def sentence(text):
    """Whether a text is a sentence or two on one line: what is wrong, and what to do."""
    return text.endswith(".") and text.count(". ") < 2 and "\n" not in text


@pytest.mark.parametrize("name", FILES)
def test_any_file_is_analysed(tmp_path, mini, name):
    rate, channels, seconds, options = FILES[name]
    soundfile.write(tmp_path / name, tone(seconds, rate, channels), rate, **options)
    found = widgets.analyse(tmp_path / name, mini, threshold=0.1)
    assert (found.name, found.sample_rate, found.channels) == (name, rate, channels)
    assert found.duration == pytest.approx(seconds, abs=0.1)
    assert list(found.tags) == ["label", "score"]
    assert len(found.tags) == 5
    assert list(found.events) == ["label", "onset", "offset"]
    assert (found.events["offset"] <= found.duration).all()
    assert [note.split(":")[0] for note in found.notes] == (["Very short"] if seconds < 0.96 else [])
    assert "<audio" in found._repr_html_()
    whole = mini(audio.load(tmp_path / name, models.YAMNET_RATE))[0].numpy().mean(axis=0)
    assert found.tags["score"].to_numpy() == pytest.approx(np.sort(whole)[::-1][:5], abs=1e-4)


def test_blocks_give_what_one_call_gives(mini, embedded):
    scene = np.tile(audio.load(SCENE, 16000), 3)
    for length in (1, 15600, 15601, 7680 * 10 + 15600, len(scene)):
        blocks = np.split(scene[:length], [length // 3, length // 2])
        scores = widgets.score_blocks(blocks, mini, at_once=10)
        whole = mini(scene[:length])[0].numpy()
        assert scores.shape == whole.shape
        assert np.abs(scores - whole).max() < 1e-4


def test_events_of_the_scene_and_a_threshold(mini):
    found = widgets.analyse(SCENE, mini)
    assert found.tags["label"][0] == "Speech"
    assert {"Speech", "Whistling"} <= set(found.events["label"])
    assert found.notes == []
    nothing = widgets.analyse(SCENE, mini, threshold=1.0)
    assert len(nothing.events) == 0
    assert "no events" in nothing._repr_html_()


@pytest.mark.parametrize(("gain", "word"), [(0.0, "Silence"), (0.01, "Quiet"), (3.0, "Clipped")])
def test_notes(tmp_path, mini, gain, word):
    soundfile.write(tmp_path / "a.wav", np.clip(tone(2, 16000, gain=gain), -1, 1), 16000)
    found = widgets.analyse(tmp_path / "a.wav", mini)
    (note,) = found.notes
    assert note.startswith(word)
    assert note.endswith(".")
    assert f"<ul><li>{note}</li></ul>" in found._repr_html_()


def test_twenty_minutes_in_little_memory(tmp_path, mini):
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 44100, 2) as file:
        for _ in range(20):
            file.write(tone(60, 44100, 2))
    tracemalloc.start()
    found = widgets.analyse(tmp_path / "long.wav", mini)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.duration == 1200
    assert len(found.opening) == 60 * 16000
    assert peak < 1200 * 44100 * 2 * 4 / 5  # a fifth of its samples
    assert 'aria-label="long.wav, the first minute"' in found._repr_html_()


def test_over_an_hour_is_refused_at_once(tmp_path, mini):
    with soundfile.SoundFile(tmp_path / "day.wav", "w", 8000, 1, "PCM_U8") as file:
        for _ in range(61):
            file.write(np.zeros(60 * 8000))
    with pytest.raises(ValueError, match="an hour") as error:
        widgets.analyse(tmp_path / "day.wav", mini)
    assert sentence(str(error.value))


@pytest.fixture
def bad(tmp_path):
    """Files that cannot be analysed, each with words of its message."""

    def cut(name, share=0.5):
        soundfile.write(tmp_path / name, tone(4, 44100, 2), 44100)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: int(share * len(data))])

    (tmp_path / "text.wav").write_text("this is no audio at all\n" * 20)
    (tmp_path / "text.mp3").write_text("this is no audio at all\n" * 20)
    (tmp_path / "text.raw").write_text("this is no audio at all\n" * 20)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "phone.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(500))
    (tmp_path / "browser.webm").write_bytes(b"\x1a\x45\xdf\xa3" + bytes(500))
    for name in ("cut.wav", "cut.aiff", "cut.flac", "cut.mp3", "cut.au", "cut.w64"):
        cut(name)
    cut("nearly.wav", 0.98)
    cut("pipe.flac")
    data = bytearray((tmp_path / "pipe.flac").read_bytes())
    data[21:26] = bytes([data[21] & 0xF0, 0, 0, 0, 0])  # how many samples it has: unknown
    (tmp_path / "pipe.flac").write_bytes(data)
    soundfile.write(tmp_path / "silent.wav", np.zeros(0), 16000)
    soundfile.write(tmp_path / "wild.wav", np.full(16000, 3e4), 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "nan.wav", np.full(16000, np.nan), 16000, subtype="FLOAT")
    words = dict.fromkeys(["text.wav", "text.mp3", "text.raw"], (ValueError, "(?i)Save it as WAV or FLAC"))
    words |= dict.fromkeys(
        ["cut.wav", "cut.aiff", "cut.flac", "cut.mp3", "cut.au", "cut.w64", "nearly.wav"],
        (ValueError, "breaks off before (the|its) end"),
    )
    words |= {
        "empty.wav": (ValueError, "(?i)is empty, 0 bytes[.:] download, copy or save it again"),
        "silent.wav": (ValueError, "(?i)0 samples[.:] record or save it again"),
        "pipe.flac": (ValueError, "(?i)cannot be read to its end[.:] download, copy or save it again"),
        "folder.wav": (IsADirectoryError, "(?i)is a folder[.:] name one audio file in it"),
        "missing.wav": (FileNotFoundError, "(?i)check the name"),
        "phone.m4a": (ValueError, "(?i)convert it to WAV or FLAC"),
        "browser.webm": (ValueError, "(?i)convert it to WAV or FLAC"),
        "wild.wav": (ValueError, "(?i)save it again as 16-bit WAV"),
        "nan.wav": (ValueError, "(?i)save it again as 16-bit WAV"),
    }
    return {tmp_path / name: kind for name, kind in words.items()}


def test_each_bad_file_gives_one_sentence(bad, mini):
    for path, (kind, words) in bad.items():
        with pytest.raises(kind, match=words) as error:
            widgets.analyse(path, mini)
        assert sentence(str(error.value)), str(error.value)
        assert path.name in str(error.value)


def test_load_refuses_them_alike(bad):
    for path, (kind, words) in bad.items():
        with pytest.raises(kind, match=words):
            audio.load(path, 16000)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_wav_of_a_writer_that_could_not_go_back_to_its_header(tmp_path, size):
    soundfile.write(tmp_path / "a.wav", tone(1, 16000), 16000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    whole = audio.load(tmp_path / "a.wav", 16000)
    for place in (4, data.index(b"data") + 4):
        data[place : place + 4] = size.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    assert np.array_equal(audio.load(tmp_path / "a.wav", 16000), whole)


def test_wav_whose_outer_size_is_wrong_is_read(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(1, 16000), 16000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[4:8] = (len(data) + 5000).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    assert len(audio.load(tmp_path / "a.wav", 16000)) == 16000


def test_mp3_in_blocks_has_no_seams(tmp_path):
    soundfile.write(tmp_path / "a.mp3", tone(4, 44100, 2), 44100)
    with audio.Reader(tmp_path / "a.mp3", 16000) as reader:
        assert (reader.file_rate, reader.channels, reader.duration) == (44100, 2, 4.0)
        pieces = np.concatenate(list(reader.blocks(0.3)))
    assert np.abs(pieces - audio.load(tmp_path / "a.mp3", 16000)).max() < 1e-4


# --- the widgets, driven from Python ---


def parts_of(box):
    """The parts of the widget: what the browser sends, name, result; and what it says beside the buttons."""
    _, _, browser, named, result = box.children
    said = []
    browser.send = lambda content, *_: said.append(content["say"])
    return types.SimpleNamespace(browser=browser, named=named, result=result, said=said)


@pytest.fixture
def live(monkeypatch):
    """As if a notebook ran."""
    monkeypatch.setattr(shown, "has_front_end", lambda: True)


@pytest.fixture
def panel(mini, live):
    return parts_of(widgets.own_sound(mini))


@pytest.fixture
def sound(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(2, 16000), 16000)
    return (tmp_path / "a.wav").read_bytes()


def sent(browser, kind, name, data, size=2_000_000, **about):
    """What the browser sends, in messages of at most ``size`` bytes."""
    chunks = [data[i : i + size] for i in range(0, max(1, len(data)), size)]
    for index, chunk in enumerate(chunks):
        content = {"kind": kind, "name": name, "id": name, "index": index, "of": len(chunks), **about}
        browser._handle_custom_msg(content, [memoryview(chunk)])


def decoded(browser, channels, rate=16000, name="your recording", **options):
    """Send samples, shape (n_samples, n_channels), as the browser does that has decoded them."""
    channels = np.asarray(channels, np.float32)
    full = np.abs(channels) >= 32767 / 32768
    about = {
        "channels": channels.shape[1],
        "peak": float(np.abs(channels).max(initial=0)),
        "power": float((channels**2).sum()),
        "full": int(full.sum()),
        "row": int((full[1:] & full[:-1]).sum()),
    }
    mono = channels.mean(axis=1).astype(np.float32)
    sent(browser, "samples", name, mono.tobytes(), rate=rate, **about, **options)


def test_a_file_that_the_browser_does_not_know_goes_to_libsndfile(panel, sound):
    sent(panel.browser, "file", "a.wav", sound, size=10_000)
    assert "<p>a.wav: 2.00 s, 16 kHz, one channel. YAMNet-mini listened.</p>" in panel.result.value
    assert panel.said == ["Listening …", "Done: the answer is below."]
    sent(panel.browser, "file", "b.wav", b"text")
    assert panel.result.value.startswith('<p role="alert">&#39;b.wav&#39; is not audio')
    assert panel.said[2:] == ["Listening …", ""]


def test_a_name_that_is_markup_and_no_file_name_on_windows(panel, sound):
    sent(panel.browser, "file", "<b>&.wav", sound)
    assert "<p>&lt;b&gt;&amp;.wav: 2.00 s" in panel.result.value
    assert "<b>" not in panel.result.value
    sent(panel.browser, "file", "<b>&.wav", b"text")
    assert "&#39;&lt;b&gt;&amp;.wav&#39; is not audio" in panel.result.value
    assert "<b>" not in panel.result.value


def test_where_an_upload_was_kept_is_hidden(panel, tmp_path, monkeypatch):
    (folder := tmp_path / r"C\Users").mkdir(parents=True)  # repr doubles the backslash
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    sent(panel.browser, "file", "a.wav", b"text")
    assert panel.result.value.startswith('<p role="alert">&#39;a.wav&#39; is not audio')


def test_upload_to_a_full_disk(panel, monkeypatch):
    def full(file, data):
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(Path, "write_bytes", full)
    sent(panel.browser, "file", "a.wav", b"text")
    assert panel.result.value == '<p role="alert">[Errno 28] No space left on device: &#39;a.wav&#39;</p>'


def test_a_recording_in_pieces(panel):
    decoded(panel.browser, tone(2, 16000), size=10_000)
    assert "<p>your recording: 2.00 s. YAMNet-mini listened.</p>" in panel.result.value
    assert re.search('="Mel spectrogram of 2 s: .*?; strongest band 0.4[0-9] kHz', panel.result.value)
    assert "score" in panel.result.value
    assert panel.said[-1] == "Done: the answer is below."


def test_a_piece_that_is_lost(panel):
    message = {"kind": "samples", "name": "a", "id": "1", "of": 3, "rate": 16000}
    for index in (0, 2):
        panel.browser._handle_custom_msg({**message, "index": index}, [memoryview(bytes(4))])
    assert panel.said == ["Some of the sound was lost on its way: please try again."]
    decoded(panel.browser, tone(2, 16000))
    assert "your recording: 2.00 s" in panel.result.value


def test_nothing_recorded(panel):
    sent(panel.browser, "samples", "your recording", b"", rate=16000)
    assert panel.result.value == (
        '<p role="alert">&#39;your recording&#39; holds no sound at all: record or save it again.</p>'
    )


@pytest.mark.parametrize(
    ("gains", "word"), [((0.0,), "Silence"), ((0.01,), "Quiet"), ((3.0,), "Clipped"), ((1.0, -1.0), "The channels")]
)
def test_notes_of_what_the_browser_sends_and_of_a_file(panel, tmp_path, gains, word):
    channels = np.clip(tone(2, 16000) * gains, -1, 1)
    decoded(panel.browser, channels)
    (note,) = re.findall("<li>(.*?)</li>", panel.result.value)
    assert note.startswith(word)
    soundfile.write(tmp_path / "a.wav", channels, 16000, "FLOAT")
    panel.named.value = str(tmp_path / "a.wav")
    (same,) = re.findall("<li>(.*?)</li>", panel.result.value)
    assert same == note


def test_name(panel, sound, tmp_path):
    panel.named.value = f' "{tmp_path / "a.wav"}" '
    assert "<p>a.wav: 2.00 s" in panel.result.value
    assert panel.named.value == ""
    panel.named.value = str(tmp_path)
    assert "is a folder" in panel.result.value
    panel.named.value = "~nobody-of-this-name/a.wav"
    assert panel.result.value.startswith('<p role="alert">')


def test_the_same_name_again(panel, sound, tmp_path):
    panel.named.value = str(tmp_path / "b.wav")
    assert "There is no file" in panel.result.value
    (tmp_path / "b.wav").write_bytes(sound)
    panel.named.value = str(tmp_path / "b.wav")
    assert "<p>b.wav: 2.00 s" in panel.result.value


def test_an_error_of_ours_is_shown_by_a_callback_and_raised_by_the_cell(panel, mini, monkeypatch):
    monkeypatch.setattr(own_sound, "analyse", lambda *_: {}["no key"])
    panel.named.value = "a.wav"
    assert panel.result.value == '<p role="alert">KeyError: &#39;no key&#39;</p>'
    with pytest.raises(KeyError, match="no key"):
        widgets.own_sound(mini, path=SCENE)


def test_own_sound_with_a_path_shows_it_without_a_notebook(mini, capsys):
    assert widgets.own_sound(mini, path=SCENE) is None
    said = capsys.readouterr().out
    assert "scene.ogg: 12.00 s, 32 kHz, one channel." in said
    assert "Speech 0.00 to" in said
    assert "open the notebook in JupyterLab or Colab" in said
    widgets.own_sound(mini, path="nothing.wav")
    assert "There is no file 'nothing.wav'" in capsys.readouterr().out


# --- other listeners ---


class Tagger:
    """What `own_sound` needs of PANNs: it hears the first class at 0, the next at 0.1, and so on."""

    name, labels = "a tagger <for tests>", list("abcdefghij")

    def __init__(self):
        self.shapes = []

    def inference(self, batch):
        self.shapes.append(batch.shape)
        return np.linspace(0, 0.9, 10)[np.newaxis], np.zeros((1, 3))


def test_a_tagger_listens(live):
    panel = parts_of(widgets.own_sound(tagger := Tagger()))
    assert panel.browser.rate == 32000
    decoded(panel.browser, tone(2, 32000), rate=32000)
    decoded(panel.browser, tone(0.5, 32000), rate=32000)
    assert "<li>Very short: the network needs a second, so zeros fill the rest.</li>" in panel.result.value
    decoded(panel.browser, tone(61, 32000, gain=0.1), rate=32000, name="long.m4a")
    assert tagger.shapes == [(1, 64000), (1, 32000), (1, 60 * 32000)]
    page = panel.result.value
    assert "<p>long.m4a: 61.00 s. A tagger &lt;for tests&gt; listened.</p>" in page
    assert "heard the first minute" in page
    assert 'aria-label="long.m4a, the first minute"' in page
    assert '="Scores, highest first: j 0.9, i 0.8, h 0.7, g 0.6, f 0.5."' in page


def test_the_course_s_tagger_and_detector_listen(live, embedded):
    for network, words in (
        (models.AudioTagging(), "Scores, highest first: Speech"),
        (models.SoundEventDetection(), "Highest score by class, and in seconds"),
    ):
        panel = parts_of(widgets.own_sound(network, SCENE))
        assert f"<p>scene.ogg: 12.00 s. {network.name}, listened.</p>" in panel.result.value
        assert f'="{words}' in panel.result.value


ANSWERS = {
    "text": (lambda w: "a <b> & c", "a &lt;b&gt; &amp; c"),
    "table": (lambda w: pd.DataFrame({"label": ["dog"]}), "<td>dog</td>"),
    "axes": (lambda w: plotting.waveform(w, 16000), '="Waveform of 2 s: '),
    "figure": (lambda w: plt.subplots()[0], '="What your function has drawn of this sound; it is not'),
    "several axes": (lambda w: plt.subplots(2)[1], '="What your function has drawn'),
    "nothing, but drawn": (lambda w: plotting.waveform(w, 16000) and None, '="Waveform of 2 s: '),
    "several things": (lambda w: [plotting.waveform(w, 16000), "one", ("two",)], "<p style"),
    "printed": (lambda w: print("heard", len(w)), "heard 32000"),
    "a number": (lambda w: float(w.max()), "<pre>0.5</pre>"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_function_listens(live, name):
    function, expected = ANSWERS[name]
    panel = parts_of(widgets.own_sound(function))
    open_before = plt.get_fignums()
    decoded(panel.browser, tone(2, 16000))
    page = panel.result.value
    assert page.startswith("<p>your recording: 2.00 s. Your function listened.</p>")
    assert page.count("<audio") == 1
    assert '="Mel spectrogram of 2 s: ' in page
    assert expected in page
    assert plt.get_fignums() == open_before


def test_a_function_gets_samples_at_16_khz(live):
    heard = []
    panel = parts_of(widgets.own_sound(heard.append))
    decoded(panel.browser, tone(2, 48000), rate=48000)
    (waveform,) = heard
    assert (waveform.shape, waveform.dtype) == ((32000,), np.float32)
    assert np.abs(waveform[100:-100] - tone(2, 16000)[100:-100, 0]).max() < 1e-3


def test_a_function_that_stops_says_so_in_the_panel_and_raises_in_the_cell(live):
    plt.close("all")  # of other tests

    def half(waveform):
        plt.subplots()
        raise ValueError("no <half>")

    panel = parts_of(widgets.own_sound(half))
    decoded(panel.browser, tone(2, 16000))
    assert panel.result.value == (
        '<p role="alert">The function half stopped with an error. ValueError: no &lt;half&gt;</p>'
    )
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match="no <half>"):
        widgets.own_sound(half, SCENE)


@pytest.mark.parametrize("n_samples", [1, 40, 400])
def test_a_function_hears_the_shortest_sounds(live, n_samples):
    panel = parts_of(widgets.own_sound(lambda waveform: f"{len(waveform)} samples"))
    decoded(panel.browser, tone(1, 16000)[100 : 100 + n_samples])
    assert f"{n_samples} samples" in panel.result.value


def test_a_function_hears_ten_minutes_at_most(live, tmp_path):
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 8000, 1, "PCM_U8") as file:
        for _ in range(11):
            file.write(np.zeros(60 * 8000))
    panel = parts_of(widgets.own_sound(len))
    panel.named.value = str(tmp_path / "long.wav")
    assert "long.wav&#39; lasts more than 10 minutes: cut it into parts" in panel.result.value


def test_bad_files_for_a_function_give_one_sentence(bad, live):
    panel = parts_of(widgets.own_sound(len))
    for path, (_, words) in bad.items():
        panel.named.value = str(path)
        assert panel.result.value.startswith('<p role="alert">')
        assert sentence(said := html.unescape(panel.result.value[16:-4])), said
        assert re.search(words, said)
        assert path.name in said


def test_nobody_listens():
    with pytest.raises(TypeError, match="got str"):
        widgets.own_sound("yamnet")


# --- what other widgets are made of ---


def test_sound_input_hands_on_a_waveform_and_a_name():
    taken = []
    box = widgets.sound_input(lambda waveform, name: taken.append((waveform, name)) or f"{len(taken)} of 5", seconds=2)
    assert (box.seconds, box.labels, box.multiple, box.rate) == (2.0, ["Record", "Upload"], False, 16000)
    said = []
    box.send = lambda content, *_: said.append(content["say"])
    decoded(box, tone(1, 16000))
    decoded(box, tone(1, 16000), name="a.m4a")
    assert [(len(waveform), name) for waveform, name in taken] == [(16000, "your recording"), (16000, "a.m4a")]
    sent(box, "file", "b.wav", b"text")
    assert said[:4] == ["Listening …", "1 of 5", "Listening …", "2 of 5"]
    assert said[5] == "'b.wav' is not audio that can be read. Save it as WAV or FLAC and try again."
    box = widgets.sound_input(lambda *_: {}["key"], labels=("", "Choose files"), multiple=True)
    box.send = lambda content, *_: said.append(content["say"])
    decoded(box, tone(1, 16000))
    assert said[-1] == "KeyError: 'key'"

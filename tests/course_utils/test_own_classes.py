"""Three sounds of one's own: learned, tested on recordings held out, and a split that leaks is refused."""

import html
import itertools
import re

import numpy as np
import pytest
import soundfile

from course_utils import assets, widgets
from course_utils.models import Output
from course_utils.widgets import shown
from course_utils.widgets.own_classes import LABELS, OwnClasses, Result, overlap, ready_example

READY = ready_example()
CLAP = READY[0][1]


class Ear:
    """A network for tests: how much there is in each of 32 bands, window by window."""

    family, id, labels = "ear", "1", []
    sample_rate, window, hop = 16000, 0.96, 0.48

    def __call__(self, waveform):
        starts = range(0, max(1, len(waveform) - 15360 + 7680), 7680)
        windows = np.stack([np.resize(np.pad(waveform[i : i + 15360], (0, 15360)), 15360) for i in starts])
        bands = np.abs(np.fft.rfft(windows))[:, :7680].reshape(len(windows), 32, 240).sum(axis=2)
        return Output(np.zeros((len(windows), 1)), np.log1p(bands))


@pytest.fixture(scope="module")
def filled():
    """A classifier that has the ready example."""
    own = OwnClasses(Ear())
    for label, waveform, name in READY:
        own.add(label, waveform, name)
    assert own.leaks() == []
    return own


@pytest.fixture
def own(filled):
    """A copy of it, which knows already that nothing leaks."""
    own = OwnClasses(Ear())
    own.examples, own._shared = list(filled.examples), dict(filled._shared)
    return own


def made(own, label, n, first=0):
    """Add n of the ready recordings of a sound."""
    for _, waveform, name in [row for row in READY if row[0] == label][first : first + n]:
        own.add(label, waveform, name)


def sentences(text):
    """Whether a text is made of whole sentences."""
    return re.fullmatch(r"[^ ].*[.?]", text, re.DOTALL) and "  " not in text and "None" not in text


# --- the ready example ---


def test_fifteen_small_recordings_that_really_differ():
    folder = assets.embedded("clips/three_sounds")
    files = sorted(folder.glob("*.ogg"))
    assert len(files) == 15 == len(READY)
    assert sum(file.stat().st_size for file in files) < 200_000
    assert {soundfile.info(file).samplerate for file in files} == {16000}
    assert [label for label, *_ in READY] == [label for label in LABELS for _ in range(5)]
    for label in LABELS:
        own = [waveform for name, waveform, _ in READY if name == label]
        assert len({round(len(waveform) / 1600) for waveform in own}) >= 4  # of different lengths,
        peaks = np.array([np.abs(waveform).max() for waveform in own])
        assert peaks.max() > 1.5 * peaks.min()  # and levels,
        assert np.array(peaks < 1).all()
        centres = [np.average(np.arange(8000), weights=np.abs(np.fft.rfft(w, 16000))[:8000]) for w in own]
        assert max(centres) > 1.05 * min(centres)  # and colours
    assert all(np.isfinite(waveform).all() and waveform.dtype == np.float32 for _, waveform, _ in READY)


def test_they_are_what_the_maker_makes(tmp_path):
    from makers import make_clips

    make_clips.make_three_sounds(tmp_path)
    for file in (tmp_path / "three_sounds").iterdir():
        again, shipped = (soundfile.read(path)[0] for path in (file, assets.embedded("clips/three_sounds") / file.name))
        assert len(again) == len(shipped)
        assert np.corrcoef(again, shipped)[0, 1] > 0.99


# --- learned, and tested on what was held out ---


def test_two_of_each_sound_are_held_out(own):
    assert own.leaks() == own.missing() == []
    result = own.train()
    assert isinstance(result, Result)
    assert list(result.tested["name"]) == [f"{label} {n}" for label in LABELS for n in (4, 5)]
    assert [example.name for example in result.held_out] == list(result.tested["name"])
    assert result.n_training == 9
    assert result.right >= 5
    assert result.confusion.to_numpy().sum() == 6
    assert list(result.confusion.index) == list(result.confusion.columns) == list(LABELS)
    assert result.tested["score"].between(1 / 3, 1).all()
    assert str(result).startswith(f"{result.right} of 6 held-out recordings were classified correctly. ")
    low, high = result.interval
    assert f"anywhere between {low:.0%} and {high:.0%}" in str(result)
    assert "Guessing would get about 2 of 6." in str(result)
    assert sentences(str(result))


def test_the_interval_is_wilsons(own):
    own.train()
    right, n, z = own.result.right, 6, 1.959964
    centre = (right + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(right * (n - right) / n + z**2 / 4)
    assert own.result.interval == pytest.approx((centre - half, min(1, centre + half)), abs=1e-4)


def test_what_was_held_out_is_not_learned(own):
    """With two sounds' test recordings swapped, the classifier stays the same and is wrong four times."""
    right = own.train().right
    for example in own.examples.copy():
        if example.name[-1] in "45" and example.label != "knock":
            own.remove(example)
            own.add("clap" if example.label == "whistle" else "whistle", example.waveform, example.name)
    assert own.train().right == right - 4
    taken = own.result.tested
    assert list(taken[taken["sound"] != taken["taken for"]]["name"]) == ["whistle 4", "whistle 5", "clap 4", "clap 5"]


def test_windows_of_silence_are_left_out():
    own = OwnClasses(Ear())
    own.add("clap", np.concatenate([CLAP, np.zeros(80000, np.float32)]), "a")
    own.add("clap", READY[1][1], "b")
    long, _ = own.examples
    assert 1 <= len(long.embeddings) <= len(CLAP) // 7680 + 1
    assert np.linalg.norm(long.embeddings, axis=1) == pytest.approx(1)


def test_hear_has_to_choose(own):
    with pytest.raises(ValueError, match="There is no classifier yet"):
        own.hear(CLAP)
    own.train()
    scores = own.hear(CLAP)
    assert scores.index[0] == "clap"
    assert scores.sum() == pytest.approx(1)
    assert set(scores.index) == set(LABELS)
    assert scores.is_monotonic_decreasing
    assert own.hear(np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)).sum() == pytest.approx(1)


def test_a_change_asks_for_another_training(own):
    for change in (
        lambda: own.remove(own.examples[0]),
        lambda: own.rename("clap", "snap"),
        lambda: own.add("snap", CLAP, "again"),
    ):
        own.remove(own.examples[-1]) if own.leaks() else None
        own.train()
        change()
        assert own.result is None
        with pytest.raises(ValueError, match="have changed: choose Train and test first"):
            own.hear(CLAP)


def test_two_classifiers_share_nothing(own):
    other = OwnClasses(Ear(), ["clap", "bell"])
    assert other.examples == []
    own.rename("clap", "snap")
    assert other.labels == ["clap", "bell"]
    assert OwnClasses(Ear()).labels == list(LABELS)


def test_a_network_of_the_course_learns_them(mini):
    own = OwnClasses(mini)
    for label, waveform, name in READY:
        own.add(label, waveform, name)
    assert own.examples[0].embeddings.shape[1] == 1024
    assert own.train().right >= 5


def test_yamnet_itself_learns_them(yamnet):
    own = OwnClasses(yamnet)
    for label, waveform, name in READY:
        own.add(label, waveform, name)
    assert own.train().right >= 5


# --- too few, silence, what is no sound ---


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0), "clap has no recordings, whistle has no recordings, knock has no recordings"),
        ((5, 2, 1), "yet: whistle has two recordings, knock has one recording. Record each sound at least three times"),
    ],
)
def test_too_few_to_train(counts, words):
    own = OwnClasses(Ear())
    for label, n in zip(LABELS, counts, strict=True):
        made(own, label, n)
    with pytest.raises(ValueError, match="not enough to learn from and to test on yet") as error:
        own.train()
    assert words in str(error.value)
    assert sentences(str(error.value))


def test_three_are_enough_but_five_are_better():
    own = OwnClasses(Ear())
    for label, n in zip(LABELS, (3, 4, 5), strict=True):
        made(own, label, n)
    result = own.train()
    assert list(result.tested["name"]) == ["clap 3", "whistle 4", "knock 4", "knock 5"]
    assert result.missing == [
        "clap has three recordings; with five, the test would say more.",
        "whistle has four recordings; with five, the test would say more.",
    ]


@pytest.mark.parametrize(
    ("waveform", "words"),
    [
        (np.zeros(16000, np.float32), "Nothing but silence is in 'it'"),
        (np.full(16000, 1e-6, np.float32), "Nothing but silence is in 'it'"),
        (np.ones(800, np.float32) / 2, "'it' lasts only 0.05 s: record at least half a second"),
        (np.ones(61 * 16000, np.float32) / 2, "'it' lasts 61 s: record a few seconds"),
        (np.zeros(0, np.float32), "is empty"),
        (np.full(16000, np.nan, np.float32), "NaN"),
        (np.ones(16000, np.int16), "Divide 16-bit samples by 32768"),
    ],
)
def test_what_is_no_example(own, waveform, words):
    n = len(own.examples)
    with pytest.raises((TypeError, ValueError), match=words):
        own.add("clap", waveform, "it")
    assert len(own.examples) == n
    own.train()
    with pytest.raises((TypeError, ValueError), match=words):
        own.hear(waveform, "it")


def test_a_sound_that_is_none_of_the_three(own):
    with pytest.raises(ValueError, match="There is no sound 'dog': choose one of clap, whistle, knock"):
        own.add("dog", CLAP, "it")


def test_names(own):
    own.rename("clap", "  finger   snap ")
    assert own.labels == ["finger snap", "whistle", "knock"]
    assert [example.name for example in own.of("finger snap")] == [f"finger snap {n}" for n in range(1, 6)]
    own.rename("finger snap", "Finger snap")
    with pytest.raises(ValueError, match="Two sounds can't both be called 'Whistle'"):
        own.rename("Finger snap", "Whistle")
    with pytest.raises(ValueError, match="needs a name"):
        own.rename("Finger snap", "  ")
    assert own.labels == ["Finger snap", "whistle", "knock"]
    assert own.train().right >= 5


def test_a_file_keeps_its_name_when_its_sound_is_renamed():
    own = OwnClasses(Ear())
    own.add("clap", CLAP, "clap outside.wav")
    own.rename("clap", "snap")
    assert own.examples[0].name == "clap outside.wav"


# --- a split that leaks ---


def coded(waveform, **options):
    import io

    file = io.BytesIO()
    soundfile.write(file, waveform, 16000, **options)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


COPIES = {
    "the same": lambda w: w,
    "later": lambda w: np.concatenate([np.zeros(5000, np.float32), w]),
    "quieter": lambda w: 0.1 * w,
    "turned over": lambda w: -w,
    "cut out": lambda w: w[4000:16000],
    "beginning": lambda w: w[: len(w) // 2],
    "MP3": lambda w: coded(w, format="MP3"),
    "Ogg, quieter": lambda w: coded(0.4 * w, format="OGG"),
    "16 bits": lambda w: coded(0.2 * w, format="WAV"),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_are_found(name):
    for _, waveform, _ in READY[::3]:
        copy = COPIES[name](waveform).astype(np.float32)
        for pair in ((waveform, copy), (copy, waveform)):
            assert overlap(*pair) == pytest.approx(min(len(waveform), len(copy)) / 16000, abs=0.01)


def test_recordings_that_only_sound_alike_are_no_copies():
    assert [overlap(a[1], b[1]) for a, b in itertools.combinations(READY, 2)] == [0] * 105
    time, rng = np.arange(24000) / 16000, np.random.default_rng(0)
    beep = 0.5 * np.sin(2 * np.pi * 2000 * time) * (time > 0.3) * (time < 1)
    for noise in (0.1, 0.01, 0.001):  # an apparatus always beeps alike, but the room does not hiss alike
        once, again = (beep + noise * rng.normal(size=24000) for _ in range(2))
        assert overlap(once, again) == 0
        assert overlap(once, 0.3 * once[2000:]) == pytest.approx(22000 / 16000)
    assert overlap(np.zeros(16000), beep) == overlap(np.zeros(16000), np.zeros(16000)) == overlap(beep, beep[:100]) == 0


def test_pieces_of_one_recording_that_share_a_part():
    long = np.concatenate([waveform for _, waveform, _ in READY[:4]])
    assert overlap(long[:60000], long[44000:100000]) == pytest.approx(1.0)
    assert overlap(long, long[90000:110000]) == overlap(long[90000:110000], long) == pytest.approx(1.25)


def refused(own, *words):
    """Training is refused, in sentences with these words."""
    with pytest.raises(ValueError, match=re.escape(words[0])) as error:
        own.train()
    for more in words:
        assert more in str(error.value)
    assert sentences(str(error.value))
    assert own.result is None


def test_the_same_file_twice(own):
    own.add("clap", CLAP, "clap 1")
    refused(own, "'clap 1' (clap) is the same recording as 'clap 1'", "remove one of them")
    own.remove(own.examples[-1])
    assert own.train().n_training == 9


@pytest.mark.parametrize("name", list(COPIES)[1:])
def test_the_same_samples_in_disguise(own, name):
    own.add("knock", COPIES[name](READY[10][1]).astype(np.float32), "new.wav")
    refused(own, "'new.wav' (knock)", "'knock 1'", "remove one of them")


def test_a_piece_of_another_recording(own):
    own.add("whistle", READY[7][1][8000:24000], "piece")
    refused(own, "'piece' (whistle) and 'whistle 3' share 1.0 s of sound, as if cut from one recording")


def test_one_recording_under_two_names(own):
    own.add("knock", READY[3][1], "knock 6")
    refused(
        own, "'knock 6' (knock) and 'clap 4' (clap) hold the same sound under two names: remove it where it doesn't"
    )


def test_all_recordings_of_a_sound_cut_from_one(own):
    for example in own.of("knock"):
        own.remove(example)
    long = np.concatenate([waveform for label, waveform, _ in READY if label == "knock"])
    for n in range(5):
        own.add("knock", long[16000 * n : 16000 * n + 32000], f"piece {n}")
    refused(own, "All recordings of knock are cut from the same one.", "record knock five times from scratch")
    assert len(own.leaks()) == 1


def test_leaks_are_known_by_the_new_names(own):
    own.add("clap", CLAP, "copy")
    own.rename("clap", "snap")
    refused(own, "'copy' (snap) is the same recording as 'snap 1'")


# --- the widget, by the messages of a browser ---


class Panel:
    """The widget's parts, and what a person does with them."""

    def __init__(self, box):
        self.box = box.children[1]
        _, *self.rows, buttons, self.result, self.listening = self.box.children
        self.ready, self.train = buttons.children
        self.names = [row.children[0].children[0] for row in self.rows]
        self.inputs = [row.children[0].children[1] for row in self.rows]
        _, self.listen, self.scores = self.listening.children

    @property
    def counts(self):
        return [re.sub("<.*?>", "", row.children[1].children[0].value) for row in self.rows]

    def examples(self, i):
        return self.rows[i].children[1].children[1:]

    def words(self):
        return html.unescape(re.sub("<.*?>", "", self.result.value))

    @staticmethod
    def send(source, waveform, name):
        samples = np.ascontiguousarray(waveform, np.float32).tobytes()
        for index, start in enumerate(range(0, len(samples), 2_000_000)):
            content = {"kind": "samples", "name": name, "id": name, "index": index, "rate": 16000, "channels": 1}
            content |= {"of": -(-len(samples) // 2_000_000)}
            source._handle_custom_msg(content, [memoryview(samples[start : start + 2_000_000])])


@pytest.fixture
def panel(monkeypatch):
    monkeypatch.setattr(shown, "has_front_end", lambda: True)
    return Panel(widgets.own_classes(Ear()))


def test_fifteen_recordings_by_the_widgets_own_path(panel):
    assert panel.counts == ["0 of 5"] * 3
    for label, waveform, name in READY:
        panel.send(panel.inputs[LABELS.index(label)], waveform, f"{name}.m4a")
    assert panel.counts == ["5 of 5"] * 3
    assert panel.examples(0)[0].description == "clap 1.m4a · 2.3 s"
    panel.train.click()
    assert re.match("[56] of 6 held-out recordings were classified correctly", panel.words())
    assert panel.result.value.count("<table") == 1
    wrong = 6 - int(panel.words()[0])
    assert panel.result.value.count("<audio") == wrong
    assert panel.listening.layout.display == ""
    panel.send(panel.listen, CLAP, "your recording")
    assert "Scores: clap 0." in panel.scores.value
    assert "It has to choose one of the three" in panel.scores.value
    assert "<audio" in panel.scores.value


def test_recordings_are_numbered(panel):
    for _, waveform, _ in READY[:3]:
        panel.send(panel.inputs[0], waveform, "your recording")
    assert [b.description.split(" ·")[0] for b in panel.examples(0)] == ["clap 1", "clap 2", "clap 3"]
    panel.examples(0)[1].click()
    assert panel.counts[0] == "2 of 5"
    panel.send(panel.inputs[0], READY[4][1], "your recording")
    assert [b.description.split(" ·")[0] for b in panel.examples(0)] == ["clap 1", "clap 3", "clap 2"]
    assert all(b.tooltip.startswith("Remove clap") for b in panel.examples(0))


def test_the_ready_example_and_what_replaces_what(panel):
    panel.names[0].value = "snap"
    panel.send(panel.inputs[0], CLAP, "your recording")
    panel.ready.click()
    assert panel.counts[0] == "1 of 5"
    assert "takes the place of your one recording: press the button again" in panel.words()
    panel.ready.click()
    assert panel.counts == ["5 of 5"] * 3
    assert [text.value for text in panel.names] == list(LABELS)
    assert "Fifteen recordings are ready" in panel.words()
    panel.train.click()
    assert " of 6 held-out recordings" in panel.words()
    panel.send(panel.inputs[1], CLAP * 0.5, "your recording")
    assert 'role="alert"' in panel.result.value
    assert "'whistle 6' (whistle) and 'clap 1' (clap) hold the same sound under two names" in panel.words()
    assert panel.counts[1] == "6"
    assert panel.listening.layout.display == "none"
    panel.train.click()
    assert "hold the same sound under two names" in panel.words()
    panel.examples(1)[-1].click()
    assert panel.result.value == ""
    panel.train.click()
    assert " of 6 held-out recordings" in panel.words()


def test_what_goes_wrong_becomes_a_sentence(panel, monkeypatch):
    said = []
    for source in panel.inputs:
        monkeypatch.setattr(source, "say", said.append)
    panel.train.click()
    assert 'role="alert"' in panel.result.value
    assert "clap has no recordings" in panel.words()
    panel.send(panel.inputs[0], np.zeros(16000), "your recording")
    assert "Nothing but silence is in 'clap 1'" in said[-1]
    assert panel.counts[0] == "0 of 5"
    panel.names[1].value = "Clap"
    assert panel.names[1].value == "whistle"
    assert "can't both be called 'Clap'" in panel.words()
    panel.ready.click()
    monkeypatch.setattr(OwnClasses, "train", lambda self: 1 / 0)
    panel.train.click()
    assert panel.words() == "ZeroDivisionError: division by zero"


def test_names_are_shown_as_text(panel):
    panel.names[0].value = "<b>bold"
    panel.ready.click()
    panel.names[0].value = "<i>&"
    panel.train.click()
    assert "<i>" not in panel.result.value
    assert "&lt;i&gt;&amp;" in panel.result.value
    panel.send(panel.listen, CLAP, "your recording")
    assert "<i>" not in panel.scores.value


def test_rows_and_buttons_can_be_found(panel):
    assert panel.box._dom_classes == ("course-own-classes",)
    assert all("course-own-row" in row._dom_classes for row in panel.rows)
    assert "course-own-train" in panel.train._dom_classes
    assert "course-own-ready" in panel.ready._dom_classes
    assert "course-own-listen" in panel.listen._dom_classes


def test_on_a_page_it_shows_the_ready_example(monkeypatch, capsys):
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    assert widgets.own_classes(Ear()) is None
    (static,) = displayed
    assert "<th>whistle</th><td>5</td>" in static.page
    assert "of 6 held-out recordings were classified correctly" in static.page
    assert "whistle: 5 recordings, 12.9 s" in repr(static)
    assert "taken for" in repr(static)
    assert "<input" not in static.page
    assert "teach it sounds of your own" in capsys.readouterr().out

"""Loading, checking, mixing and playing audio."""

import base64
import gc
import io
import re
import warnings

import numpy as np
import pytest
import soundfile

from course_utils import audio


def sine(seconds=1.0, rate=16000, frequency=440.0):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype"),
    [
        ("a.wav", 44100, 1, "PCM_16"),
        ("b.wav", 8000, 2, "PCM_U8"),
        ("c.wav", 96000, 6, "PCM_24"),
        ("d.flac", 48000, 2, None),
        ("e.ogg", 32000, 1, None),
        ("f.mp3", 44100, 2, None),
    ],
)
def test_load_gives_one_channel_at_the_wanted_rate(tmp_path, name, rate, channels, subtype):
    tone = np.stack([0.5 * sine(2, rate)] * channels, axis=1)
    soundfile.write(tmp_path / name, tone, rate, subtype=subtype)
    waveform = audio.load(tmp_path / name, 16000)
    assert waveform.dtype == np.float32
    assert abs(len(waveform) - 32000) < 2000  # MP3 pads
    spectrum = np.abs(np.fft.rfft(waveform[4000:20000]))
    assert np.argmax(spectrum) == 440
    assert 0.4 < np.abs(waveform[4000:20000]).max() < 0.6


def test_load_says_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        audio.load(tmp_path / "missing.wav", 16000)
    (tmp_path / "text.wav").write_text("this is no audio")
    with pytest.raises(ValueError, match="not audio that can be read"):
        audio.load(tmp_path / "text.wav", 16000)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    with pytest.raises(ValueError, match="no audio at all"):
        audio.load(tmp_path / "empty.wav", 16000)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30, -9])
def test_no_block_with_samples_that_are_none_comes_out(tmp_path, bad):
    samples = sine(5)
    samples[40000] = bad
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    blocks = []
    with (
        audio.Reader(tmp_path / "a.wav", 8000) as reader,
        pytest.raises(ValueError, match="NaN, infinite or far outside"),
    ):
        for block in reader.blocks(1.0):
            blocks.append(block)
    assert 15000 < sum(map(len, blocks)) <= 16000
    assert np.isfinite(np.concatenate(blocks)).all()


def test_every_file_is_closed(tmp_path, monkeypatch):
    class Listed(soundfile.SoundFile):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            opened.append(self)

    opened = []
    soundfile.write(tmp_path / "a.wav", sine(), 16000)
    data = (tmp_path / "a.wav").read_bytes()
    place = data.index(b"data") + 4
    (tmp_path / "cut.wav").write_bytes(data[:16000])
    (tmp_path / "pipe.wav").write_bytes(data[:4] + bytes(4) + data[8:place] + bytes(4) + data[place + 4 :])
    monkeypatch.setattr(soundfile, "SoundFile", Listed)
    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always", ResourceWarning)
        for name in ("a.wav", "pipe.wav"):
            assert len(audio.load(tmp_path / name, 16000)) == 16000
            with audio.Reader(tmp_path / name, 16000) as reader:
                next(reader.blocks(0.3))  # and not to its end
        with pytest.raises(ValueError, match="breaks off"):
            audio.load(tmp_path / "cut.wav", 16000)
        assert [file.closed for file in opened] == [True] * 5
        opened.clear()
        gc.collect()
    assert not [str(warning.message) for warning in unclosed if str(tmp_path) in str(warning.message)]


@pytest.mark.parametrize(
    ("waveform", "error", "words"),
    [
        (np.zeros(0), ValueError, "empty"),
        (np.zeros((2, 16000)), ValueError, "one channel"),
        (np.zeros(16000, dtype=np.int16), TypeError, "32768"),
        (np.array([0.0, np.nan]), ValueError, "NaN"),
        (np.full(16000, 30000.0), ValueError, r"outside \[-1, 1\]"),
        (np.zeros(3200), ValueError, "0.20 s"),
    ],
)
def test_check_waveform_refuses(waveform, error, words):
    with pytest.raises(error, match=words):
        audio.check_waveform(waveform, 16000, min_seconds=0.0001 if len(waveform) == 2 else 0.5)


@pytest.mark.parametrize("rate", [np.nan, np.inf, 0, -16000, 16000.5])
def test_a_sample_rate_that_is_none_is_refused(rate):
    for refuse in (audio.check_waveform, audio.play):
        with pytest.raises(ValueError, match=rf"The sample rate is {rate}\. Give a whole number") as error:
            refuse(np.zeros(16000), rate)
        assert str(error.value).count(".") == str(rate).count(".") + 2


@pytest.mark.parametrize("rate", [32000, 44100, 16e3])
def test_a_duration_that_is_too_short_does_not_read_like_the_limit(rate):
    with pytest.raises(ValueError, match=f"lasts 0.99 s at {rate:g} Hz; this model needs at least 1 s"):
        audio.check_waveform(np.zeros(int(rate) - 1), rate, min_seconds=1.0)
    assert len(audio.check_waveform(np.zeros(int(rate)), rate, min_seconds=1.0)) == rate
    with pytest.raises(ValueError, match=r"Onset 1\.0 s lies outside the background of 0\.9999\d* s"):
        audio.mix(np.zeros(int(rate) - 1), [(np.ones(1), 1.0)], rate)


def test_integers_are_refused_where_they_would_give_nonsense():
    samples = np.array([-32768, 100], np.int16)
    for refuse in (
        lambda: audio.normalise_peak(samples),
        lambda: audio.mix(samples, [], 16000),
        lambda: audio.mix(np.zeros(10), [(samples, 0.0)], 16000),
        lambda: audio.check_waveform(samples, 16000),
    ):
        with pytest.raises(TypeError, match=r"got int16\. Divide 16-bit samples by 32768"):
            refuse()


# --- clips ---


def test_clip_gives_its_samples_at_the_wanted_rate(tmp_path):
    soundfile.write(tmp_path / "a.wav", 0.5 * sine(2, 44100), 44100)
    of_file = audio.Clip("a", tmp_path / "a.wav")
    of_array = audio.Clip("b", waveform=0.5 * sine(2, 44100).astype(np.float64), sample_rate=44100)
    for clip in (of_file, of_array):
        assert clip.has_audio
        for rate in (16000, 44100):
            waveform = clip.load(rate)
            assert waveform.dtype == np.float32
            assert len(waveform) == 2 * rate
            assert np.abs(waveform[100:-100] - 0.5 * sine(2, rate)[100:-100]).max() < 1e-3
    assert np.array_equal(of_file.load(44100), audio.load(tmp_path / "a.wav", 44100))
    nothing = audio.Clip("1-100032-A-0.wav", stored="1-100032-A-0.wav")
    assert not nothing.has_audio
    assert nothing.load(16000) is None


@pytest.mark.parametrize(
    ("samples", "error", "words"),
    [
        (np.where(np.arange(16000) < 542, np.nan, 0.0), ValueError, "542 samples are NaN"),
        (np.zeros(16000, np.int16), TypeError, "got int16"),
        (np.zeros((16000, 2)), ValueError, "one channel"),
        (np.full(16000, 3e4), ValueError, "far outside"),
        (np.zeros(0), ValueError, "empty"),
    ],
)
def test_a_bad_clip_is_named(samples, error, words):
    with pytest.raises(error, match=f"^bird at dawn: .*{words}"):
        audio.Clip("bird at dawn", waveform=samples, sample_rate=44100).load(16000)


def test_a_bad_clip_of_five_files_is_named(tmp_path):
    clips = [audio.Clip(f"{i}.wav", tmp_path / f"{i}.wav") for i in range(6)]
    for i, clip in enumerate(clips[:5]):
        samples = sine(1, 44100)
        samples[1000] = np.nan if i == 3 else 0
        soundfile.write(clip.path, samples, 44100, subtype="FLOAT")
    for i, clip in enumerate(clips[:5]):
        if i != 3:
            assert len(clip.load(16000)) == 16000
    with pytest.raises(ValueError, match=r"3\.wav' holds samples that are NaN, infinite"):
        clips[3].load(16000)
    with pytest.raises(FileNotFoundError, match=r"5\.wav"):
        clips[5].load(16000)
    with pytest.raises(ValueError, match=r"^a click: The waveform is empty"):
        audio.Clip("a click", waveform=np.zeros(1), sample_rate=48000).load(8000)


# --- mixing and playing ---


def test_mix_puts_events_where_they_belong():
    mixture = audio.mix(np.zeros(100), [(np.ones(10), 2.0), (np.ones(50), 7.0)], sample_rate=10)
    assert np.flatnonzero(mixture).tolist() == [*range(20, 30), *range(70, 100)]
    with pytest.raises(ValueError, match="outside the background"):
        audio.mix(np.zeros(100), [(np.ones(1), 10.0)], sample_rate=10)


def test_normalise_peak():
    assert np.abs(audio.normalise_peak(0.1 * sine())).max() == pytest.approx(1)
    assert not audio.normalise_peak(np.zeros(5)).any()


def test_play_stores_a_small_clip_that_decodes():
    html = audio.play(0.5 * sine(5), 16000, 'a "tone" & more').data
    data = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])
    assert len(data) < 0.25 * 2 * 5 * 16000
    decoded, rate = soundfile.read(io.BytesIO(data))
    assert rate == 16000
    assert abs(len(decoded) / rate - 5) < 0.2
    assert 'aria-label="a &#34;tone&#34; &amp; more"' in html


@pytest.mark.parametrize("rate", [16e3, 44100.0, np.float64(96000)])
def test_play_takes_a_whole_rate_as_a_float(rate):
    html = audio.play(sine(1, int(rate)), rate).data
    decoded, found = soundfile.read(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", html)[1])))
    assert found == min(rate, 48000)
    assert abs(len(decoded) / found - 1) < 0.2


def test_play_without_audio_says_how_to_get_it():
    assert "What this lesson uses" in audio.play(None, 16000, "dog").data

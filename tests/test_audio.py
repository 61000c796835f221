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
            *_, blocks = audio.stream(tmp_path / name, seconds=0.3)
            assert all(file.closed for file in opened)
            assert sum(map(len, blocks)) == 16000
        for read in (audio.load, audio.stream):
            with pytest.raises(ValueError, match="breaks off"):
                read(tmp_path / "cut.wav", 16000)
        assert [file.closed for file in opened] == [True] * 8
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
    assert 'aria-label="a &quot;tone&quot; &amp; more"' in html


def test_play_without_audio_says_how_to_get_it():
    assert "table at the top" in audio.play(None, 16000, "dog").data

"""Loading, checking, mixing and playing audio."""

import base64
import gc
import io
import math
import os
import re
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import audio

exact = settings(derandomize=True, deadline=None, max_examples=60)
DIVIDE = "Divide 16-bit samples by 32768, or read the file with course_utils.audio.load."
AGAIN = "Download, copy or save it again."


def said(error, function, *args):
    """What a function says when it raises an error of just this type."""
    with pytest.raises(error) as raised:
        function(*args)
    assert type(raised.value) is error
    return str(raised.value)


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


@pytest.fixture
def wav(tmp_path):
    """A function that writes a WAV file of samples and returns its path."""

    def write(samples, rate=16000, name="a.wav", **options):
        soundfile.write(tmp_path / name, samples, rate, **options)
        return tmp_path / name

    return write


def flac_of_length(path, samples, promised, rate=16000):
    """Write a FLAC file that promises a number of samples; 0 is unknown."""
    soundfile.write(path, samples, rate)
    data = path.read_bytes()
    about = int.from_bytes(data[21:26], "big") & ~0xF_FFFF_FFFF | promised
    path.write_bytes(data[:21] + about.to_bytes(5, "big") + data[26:])
    return path


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty, 0 bytes. Download, copy or save it again."),
        (b"this is no audio", "is not audio that can be read. Save it as WAV or FLAC and try again."),
        (b"R", "is not audio that can be read. Save it as WAV or FLAC and try again."),
        (b"no ftyp is here", "is not audio that can be read. Save it as WAV or FLAC and try again."),
        (
            b"\0\0\n\x20ftypM4A \0\0",
            "is MPEG-4 (m4a, mp4). Convert it to WAV or FLAC, for instance with Audacity or ffmpeg.",
        ),
        (
            b"\x1a\x45\xdf\xa3\n\0\0",
            "is WebM or Matroska. Convert it to WAV or FLAC, for instance with Audacity or ffmpeg.",
        ),
    ],
    ids=["nothing", "text", "one byte", "ftyp elsewhere", "MPEG-4", "WebM"],
)
def test_what_is_no_audio_is_called_by_its_kind(tmp_path, data, words):
    (tmp_path / "a.wav").write_bytes(data)
    assert said(ValueError, audio.load, tmp_path / "a.wav", 16000) == f"{str(tmp_path / 'a.wav')!r} {words}"


def test_what_is_no_file_is_named(tmp_path):
    path = str(tmp_path / "missing.wav")
    where = f"Check the name; the working folder is {Path.cwd()}."
    assert said(FileNotFoundError, audio.load, path, 16000) == f"There is no file {path!r}. {where}"
    words = f"{str(tmp_path)!r} is a folder. Name one audio file in it."
    assert said(IsADirectoryError, audio.load, tmp_path, 16000) == words


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
def test_a_name_that_is_no_text_is_shown_as_well_as_can_be(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    shown = repr(str(tmp_path / "caf\N{REPLACEMENT CHARACTER}.wav"))
    assert said(FileNotFoundError, audio.load, path, 16000).startswith(f"There is no file {shown}. Check the name")
    soundfile.write(os.fsencode(path), sine(), 16000)
    with audio.Reader(path, 16000) as reader:
        assert reader.name == "caf\N{REPLACEMENT CHARACTER}.wav"


@pytest.mark.parametrize(("rate", "channels"), [(1000, 1), (768_000, 1), (16000, 32)])
def test_a_rate_and_channels_that_can_just_be(wav, rate, channels):
    with audio.Reader(wav(np.full((rate // 10, channels), 0.5), rate), 1000) as reader:
        assert (reader.file_rate, reader.channels, reader.duration, reader.name) == (rate, channels, 0.1, "a.wav")
        assert len(reader.whole()) == 100


@pytest.mark.parametrize(
    ("rate", "channels", "words"),
    [
        (999, 1, "a rate of 999 Hz (channels: 1)"),
        (768_001, 2, "a rate of 768,001 Hz (channels: 2)"),
        (16000, 33, "a rate of 16,000 Hz (channels: 33)"),
        (16000, 1024, "a rate of 16,000 Hz (channels: 1,024)"),
    ],
)
def test_a_rate_or_channels_that_cannot_be(wav, rate, channels, words):
    path = wav(np.zeros((10, channels)), rate)
    wanted = f"{str(path)!r} claims {words}, which can't be. Save it again, with at most 32 channels at 1 to 768 kHz."
    assert said(ValueError, audio.load, path, 16000) == wanted


def test_samples_that_are_none_are_refused_and_loud_ones_not(wav):
    path = wav(np.array([0.0, 8.0, -8.0, 0.0]), subtype="FLOAT")
    assert np.array_equal(audio.load(path, 16000, notes=False), [0, 8, -8, 0])
    words = f"{str(path)!r} holds samples that are NaN, infinite or far outside [-1, 1]. Save it again as 16-bit WAV."
    for bad in (np.nan, np.inf, -8.001):
        assert said(ValueError, audio.load, wav(np.array([0.0, bad]), subtype="FLOAT"), 16000) == words


def test_what_is_too_short_is_refused_whole_and_in_blocks(wav):
    path = wav(np.zeros(0))
    words = f"{str(path)!r} holds no audio at all, 0 samples. Record or save it again."
    assert said(ValueError, audio.load, path, 8000) == words
    path = wav(np.zeros(1), 48000)
    words = f"{str(path)!r} is too short: nothing is left of it at 8000 Hz. Record it again."
    assert said(ValueError, audio.load, path, 8000) == words
    with audio.Reader(path, 8000) as reader:
        assert said(ValueError, list, reader.blocks()) == words
    with audio.Reader(path, 48000) as reader:
        assert [len(block) for block in reader.blocks() if len(block)] == [1]


@pytest.mark.parametrize(
    ("longest", "words"), [(120, "2 minutes"), (90, "1.5 minutes"), (600, "10 minutes"), (3600, "an hour")]
)
def test_what_promises_to_last_too_long_is_refused_when_opened(tmp_path, longest, words):
    path = flac_of_length(tmp_path / "a.flac", np.zeros(9, np.int16), longest * 1000, 1000)
    with audio.Reader(path, 1000, longest) as reader:
        assert reader.duration == longest
    flac_of_length(path, np.zeros(9, np.int16), longest * 1000 + 1, 1000)
    words = f"{str(path)!r} lasts more than {words}: cut it into parts, for instance in Audacity."
    assert said(ValueError, audio.Reader, path, 1000, longest) == words


def test_what_promises_nothing_and_lasts_too_long_is_refused_while_read(tmp_path):
    path = flac_of_length(tmp_path / "a.flac", np.zeros(30_000, np.int16), 0, 1000)
    with audio.Reader(path, 1000, 30) as reader:
        assert math.isnan(reader.duration)
        assert len(reader.whole()) == 30_000
    flac_of_length(path, np.zeros(30_001, np.int16), 0, 1000)
    words = f"{str(path)!r} lasts more than 0.5 minutes: cut it into parts, for instance in Audacity."
    with audio.Reader(path, 1000, 30) as reader:
        assert said(ValueError, list, reader.samples(1.0)) == words


def test_a_file_may_lack_a_hundredth_and_a_tenth_of_a_second_of_what_it_promises(tmp_path):
    path = flac_of_length(tmp_path / "a.flac", np.zeros(78_400, np.int16), 80_000, 8000)
    assert len(audio.load(path, 8000, notes=False)) == 78_400
    path = flac_of_length(tmp_path / "a.flac", np.zeros(78_399, np.int16), 80_000, 8000)
    words = f"{str(path)!r} breaks off before the end of the 10.00 s it promises. {AGAIN}"
    assert said(ValueError, audio.load, path, 8000) == words


@pytest.mark.parametrize(
    ("promised", "how"),
    [(32000, "breaks off before the end of the 2.00 s it promises"), (0, "cannot be read to its end")],
)
def test_a_file_that_libsndfile_cannot_read_to_its_end(tmp_path, promised, how):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 32000)
    path = flac_of_length(tmp_path / "a.flac", noise, promised)
    path.write_bytes(path.read_bytes()[:-20_000])
    assert said(ValueError, audio.load, path, 16000) == f"{str(path)!r} {how}. {AGAIN}"


WRITTEN = {"WVE": ("WVE", "ALAW", 8000), "SVX": ("SVX", "PCM_16", 16000), "XI": ("XI", "DPCM_16", 44100)}
OF_2_S, OF_SOME = "breaks off before the end of the 2.00 s it promises", "breaks off before its end"


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *((kind, OF_2_S) for kind in "AIFF AU AVR FLAC MAT5 MPC2K NIST RF64 SDS SVX W64 WAV WAVEX WVE".split()),
        *((kind, OF_SOME) for kind in "MAT4 MP3 OGG VOC".split()),
        ("CAF", "is damaged"),
    ],
)
def test_half_a_file_is_refused_and_the_whole_is_not(tmp_path, kind, how):
    file_format, subtype, rate = WRITTEN.get(kind, (kind, None, 16000))
    path = tmp_path / f"a.{kind.lower()}"
    soundfile.write(path, 0.5 * sine(2, rate), rate, subtype, format=file_format)
    with audio.Reader(path, 16000) as reader:
        assert abs(len(reader.whole()) - 32000) < 50
        assert (round(reader.duration, 2), reader.notes()) == (2, [])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert said(ValueError, audio.load, path, 16000) == f"{str(path)!r} {how}. {AGAIN}"


@pytest.mark.parametrize("kind", ["IRCAM", "PAF", "PVF", "XI"])
def test_a_format_that_promises_nothing_may_be_only_a_part(tmp_path, kind):
    file_format, subtype, rate = WRITTEN.get(kind, (kind, "PCM_16", 16000))
    soundfile.write(tmp_path / "a", 0.01 * sine(1, rate), rate, subtype, format=file_format)
    with pytest.warns(UserWarning) as warned:
        audio.load(tmp_path / "a", 16000)
    assert [str(warning.message) for warning in warned] == [
        "a: Quiet: the loudest sample is 40 dB below full scale. Record closer to the sound.",
        f"a: A file of the format {kind} doesn't say how long it is. So it may be only a part.",
    ]


@pytest.mark.parametrize(
    ("kind", "extra", "how"),
    [
        ("WAV", "data : 13000 (should be 6500)", "20.00"),
        ("AIFF", " SSND : 13000 (should be 6500)", "20.00"),
        ("SVX", " BODY : 13000 (should be 6500)", "20.00"),
        ("AU", "  Data Size   : 13000 (should be 6500)", "20.00"),
        ("RF64", "  Riff size : 13000 (should be 6500)", "20.00"),
        ("W64", "riff : 13000 (should be 6500)", "20.00"),
        ("WVE", "Data length 13000 should be 6500", "20.00"),
        ("W64", "riff : 13000 (should be 6500)\ndata : 26000 (should be 6500)", "40.00"),
        ("W64", "riff : 26000 (should be 6500)\ndata : 13000 (should be 6500)", "40.00"),
        ("WAV", "RIFF : 13000 (should be 6500)", None),
        ("WAV", "data : 6564 (should be 6500)", None),
        ("WAV", "data : 6565 (should be 6500)", "10.10"),
        ("WAV", "data : 6500 (should be 6500)", None),
        ("WAV", "data : 100 (should be 1)", "1000.00"),
        ("WAV", "data : 100 (should be 0)", None),
        ("WAV", "data : 2147479551 (should be 2147000000)", "10.00"),
        ("WAV", "data : 2147479552 (should be 2147000000)", None),
        ("WAV", "data : 4294967295 (should be 6500)", None),
        ("WAV", "Frames : 20000", None),
        ("AVR", "Frames : 10000", None),
        ("AVR", "Frames : 10010", "10.01"),
        ("MPC2K", "  Frames       : 20000", "20.00"),
        ("MAT5", "Cols : 20000\nCols : 10000", None),
        ("MAT5", "Cols : 1\nCols : 20000", "20.00"),
        ("SDS", "Frames : 10000", None),
        ("SDS", "Frames : 5000", "10.00"),
        ("SDS", "", None),
        ("VOC", "Seems to be a truncated file.", ""),
        ("VOC", "", None),
    ],
)
def test_how_a_file_breaks_off_by_the_words_of_libsndfile(kind, extra, how):
    file = types.SimpleNamespace(format=kind, frames=10_000, samplerate=1000, extra_info=extra)
    if how:
        how = f"breaks off before the end of the {how} s it promises"
    assert audio._cut(file, b"") == (OF_SOME if how == "" else how)


def test_the_header_of_a_nist_file_says_how_long_it_is():
    file = types.SimpleNamespace(format="NIST", frames=10_000, samplerate=1000, extra_info="")
    for count, how in ((10_000, None), (10_010, "breaks off before the end of the 10.01 s it promises")):
        header = b"NIST_1A\n   1024\nsample_rate -i 1000\nsample_count -i %d\n" % count
        assert audio._cut(file, header) == how
        assert audio._cut(file, b"RIFF" + header) is None


def test_blocks_are_as_long_as_wanted_but_not_longer_than_memory_has_room_for(wav, monkeypatch):
    path = wav(np.stack([sine(1), 0.5 * sine(1)], axis=1), subtype="FLOAT")

    def read(seconds):
        with audio.Reader(path, 16000) as reader:
            blocks = list(reader.samples(seconds))
        assert np.allclose(np.concatenate(blocks), 0.75 * sine(1))
        assert {block.dtype for block in blocks} == {np.dtype(np.float32)}
        return [len(block) for block in blocks]

    assert read(0.4) == [6400, 6400, 3200]
    assert read(10.0) == [16000]
    monkeypatch.setattr(audio, "BLOCK", 10_001)
    assert read(10.0) == [5000, 5000, 5000, 1000]
    path = wav(np.full((3, 2), 0.75 * sine(1)[:3, None]), subtype="FLOAT")
    with audio.Reader(path, 16000) as reader:
        assert [len(block) for block in reader.samples(0)] == [1, 1, 1]


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_blocks_are_parts_of_the_whole(tmp_path, rate):
    soundfile.write(tmp_path / "a.mp3", 0.5 * sine(1, 44100), 44100)
    with audio.Reader(tmp_path / "a.mp3", rate) as reader:
        blocks = list(reader.blocks(0.07))
    assert {block.dtype for block in blocks} == {np.dtype(np.float32)}
    assert np.abs(np.concatenate(blocks) - audio.load(tmp_path / "a.mp3", rate)).max() < 1e-4


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


# --- levels ---

CANCEL = (
    "The channels cancel: each is nearly the opposite of the other, so almost nothing is left of their mean, which is "
    "what the network hears. Save the sound with one channel."
)
SILENCE = "Silence: the loudest sample is more than 80 dB below full scale."


def quiet(below):
    return f"Quiet: the loudest sample is {below} dB below full scale. Record closer to the sound."


def clipped(share):
    return f"Clipped: {share} of the samples are at full scale or over it. Record with less gain."


samples_of_levels = st.sampled_from([0.0, 0.1, -0.6, 32766 / 32768, 32767 / 32768, -32767 / 32768, 1.0, -1.5])


@exact
@given(
    st.integers(1, 3).flatmap(
        lambda n: st.lists(st.lists(st.lists(samples_of_levels, min_size=n, max_size=n), max_size=6), min_size=1)
    )
)
def test_levels_are_those_of_a_plain_count(blocks):
    channels = next((len(frame) for block in blocks for frame in block), 1)
    arrays = [np.array(block, np.float32).reshape(-1, channels) for block in blocks]
    levels = audio.Levels(channels)
    means = [levels.add(array) for array in arrays]
    for mean, array in zip(means, arrays, strict=True):
        assert np.array_equal(mean, array.mean(axis=1))
    values = [float(value) for array in arrays for value in array.flat]
    mono = [float(value) for mean in means for value in mean]
    rows = [channel.tolist() for array in arrays for channel in abs(array.T) >= 32767 / 32768]
    assert levels == audio.Levels(
        channels,
        frames=sum(map(len, blocks)),
        peak=max(map(abs, values), default=0),
        power=pytest.approx(math.fsum(value**2 for value in values) / channels, rel=1e-12),
        full=sum(map(sum, rows)),
        in_a_row=sum(row[i] and row[i + 1] for row in rows for i in range(len(row) - 1)),
        mono_peak=max(map(abs, mono), default=0),
        mono_power=pytest.approx(math.fsum(value**2 for value in mono), rel=1e-12),
    )


@pytest.mark.parametrize(
    ("about", "notes"),
    [
        ({"mono_peak": 0.5}, []),
        ({"mono_peak": 0.03}, []),
        ({"mono_peak": 0.0299}, [quiet(30)]),
        ({"mono_peak": 0.01}, [quiet(40)]),
        ({"mono_peak": 1e-4}, [quiet(80)]),
        ({"mono_peak": 0.99e-4}, [SILENCE]),
        ({}, [SILENCE]),
        ({"channels": 2}, [SILENCE]),
        ({"channels": 1, "mono_peak": 0.5, "power": 100.0}, []),
        ({"channels": 2, "mono_peak": 0.5, "power": 100.0, "mono_power": 1.0}, []),
        ({"channels": 2, "mono_peak": 0.5, "power": 100.0, "mono_power": 0.99}, [CANCEL]),
        ({"channels": 3, "mono_peak": 0.0, "power": 100.0, "mono_power": 0.0}, [CANCEL]),
        ({"mono_peak": 1.0, "frames": 100_000, "full": 500, "in_a_row": 1}, []),
        ({"mono_peak": 1.0, "frames": 100_000, "full": 500, "in_a_row": 2}, [clipped("0.50%")]),
        ({"mono_peak": 1.0, "frames": 100_000, "full": 500, "in_a_row": 2, "channels": 2}, [clipped("0.25%")]),
        ({"channels": 2, "power": 9.0, "frames": 9, "full": 18, "in_a_row": 16}, [CANCEL, clipped("100.00%")]),
    ],
)
def test_notes_of_levels(about, notes):
    assert audio.Levels(**about).notes() == notes


def test_load_warns_by_the_name_of_the_file_unless_told_not_to(wav):
    path = wav(np.tile([[0.5, -0.5]], (9000, 1)), name="b.wav")
    with pytest.warns(UserWarning) as warned:
        audio.load(path, 16000)
        audio.load(path, 16000, notes=False)
        audio.Clip("c", path, stored="c").load(16000)
    assert [str(warning.message) for warning in warned] == [f"b.wav: {CANCEL}"]
    with pytest.warns(UserWarning, match=r"^b\.wav: The channels cancel"):
        audio.Clip("c", path).load(16000)


# --- samples ---


@pytest.mark.parametrize(
    ("waveform", "error", "words"),
    [
        (np.zeros(0), ValueError, "The waveform is empty. Use one with at least one sample."),
        (
            np.zeros((2, 16000)),
            ValueError,
            "Expected one channel, got shape (2, 16000). Average the channels, or use audio.load.",
        ),
        (np.zeros(9, np.int16), TypeError, f"Expected floating-point samples in [-1, 1], got int16. {DIVIDE}"),
        ([1, 2], TypeError, f"Expected floating-point samples in [-1, 1], got {np.array([1]).dtype}. {DIVIDE}"),
        (
            np.array([0.0, np.nan, -np.inf, 9]),
            ValueError,
            "2 samples are NaN or infinite. Replace them (numpy.nan_to_num) or take another clip.",
        ),
        (np.array([0, -8.001]), ValueError, f"The largest sample is 8.001, far outside [-1, 1]. {DIVIDE}"),
        (np.full(9, 30123.4), ValueError, f"The largest sample is 3.012e+04, far outside [-1, 1]. {DIVIDE}"),
    ],
    ids=["empty", "two channels", "int16", "a list", "NaN", "too loud", "far too loud"],
)
def test_check_waveform_refuses(waveform, error, words):
    assert said(error, audio.check_waveform, waveform, 16000) == words


@pytest.mark.parametrize("length", [0, 3199, 8000])
def test_check_waveform_refuses_what_is_too_short(length):
    words = {
        0: "The waveform is empty. Use one with at least one sample.",
        3199: "The waveform lasts 0.19 s at 16000 Hz; this model needs at least 0.5 s. Use a longer clip, or append "
        "zeros.",
    }
    if length in words:
        assert said(ValueError, audio.check_waveform, np.zeros(length), 16000, 0.5) == words[length]
    else:
        assert len(audio.check_waveform(np.zeros(length), 16000, 0.5)) == length


@pytest.mark.parametrize("waveform", [[0.5], np.array([8.0, -8.0]), np.zeros(3, np.float16), np.ones(3, np.float32)])
@pytest.mark.parametrize("rate", [1, 11025, 16000.0])
def test_check_waveform_gives_the_samples_as_float32(waveform, rate):
    checked = audio.check_waveform(waveform, rate)
    assert checked.dtype == np.float32
    assert np.array_equal(checked, waveform)
    assert np.shares_memory(checked, waveform) == (getattr(waveform, "dtype", None) == np.float32)


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


eighths = st.integers(-8, 8).map(lambda n: n / 8)  # whose sums are exact


@exact
@given(st.lists(eighths, min_size=1, max_size=20), st.data())
def test_mix_adds_sample_by_sample(background, data):
    places = st.integers(0, len(background) - 1)
    events = data.draw(st.lists(st.tuples(st.lists(eighths, max_size=25), places), max_size=4))
    wanted = list(background)
    for event, start in events:
        for i, sample in enumerate(event):
            if start + i < len(wanted):
                wanted[start + i] += sample
    given_background = np.array(background)
    mixture = audio.mix(given_background, [(np.array(event, float), start / 10) for event, start in events], 10)
    assert mixture.dtype == np.float32
    assert mixture.tolist() == wanted
    assert given_background.tolist() == background


@pytest.mark.parametrize("onset", [-0.1, 10.0, 12.5])
def test_mix_refuses_an_onset_outside_the_background(onset):
    words = f"Onset {onset} s lies outside the background of 10 s. Move it."
    assert said(ValueError, audio.mix, np.zeros(100), [(np.ones(1), onset)], 10) == words


@pytest.mark.parametrize("samples", [[0.1, -0.2], [0.0, 0.0], [], [-4.0, 2.0, 1.0]])
def test_normalise_peak(samples):
    peak = max(map(abs, samples), default=0)
    for dtype in (np.float32, np.float64):
        normalised = audio.normalise_peak(np.array(samples, dtype))
        assert normalised.dtype == dtype
        assert normalised == pytest.approx(np.array(samples) / (peak or 1))


def plain_level(waveform, rate):
    """The A-weighted level from its definition: weighted power of frames of 1024 samples, each a quarter further."""
    waveform = np.pad(waveform, (0, max(0, 1024 - len(waveform))))
    padded, place = np.pad(waveform, 512, mode="reflect"), np.arange(1024)
    frequency = np.arange(1, 513) * rate / 1024
    f1, f2, f3, f4 = 20.598997, 107.65265, 737.86223, 12194.217  # Hz, as IEC 61672-1 defines them
    weight = f4**2 * frequency**4 / ((frequency**2 + f1**2) * (frequency**2 + f4**2))
    weight /= np.sqrt((frequency**2 + f2**2) * (frequency**2 + f3**2))
    power = []
    for start in range(0, len(waveform) + 1, 256):
        spectrum = np.fft.rfft(padded[start : start + 1024] * (0.5 - 0.5 * np.cos(2 * np.pi * place / 1024)))[1:]
        power.append(np.sum(np.abs(spectrum * weight) ** 2) * 10**0.2)  # 2 dB, so that 1 kHz has 0 dB
    return 10 * np.log10(2 * np.mean(power) / (1024 * 384))


@pytest.mark.parametrize("length", [1, 300, 1023, 1024, 1025, 2047, 5000])
def test_level_is_that_of_its_definition(length):
    noise = np.random.default_rng(length).uniform(-1, 1, length)
    for rate in (8000, 16000, 44100):
        assert audio.level(noise, rate) == pytest.approx(plain_level(noise, rate), abs=1e-6)


def test_level_of_a_tone_and_of_silence():
    assert audio.level(sine(1, 16000, 1000), 16000) == pytest.approx(-3.01, abs=0.01)
    assert audio.level(np.zeros(10), 16000) == -120


def decoded(html):
    """The samples and rate of a player."""
    return soundfile.read(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", html.data)[1])))


@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 7999, 22051, 96000])
def test_play_keeps_a_rate_that_mp3_knows(rate):
    samples, found = decoded(audio.play(sine(0.5, rate), rate))
    assert found == (48000 if rate in (7999, 22051, 96000) else rate)
    assert abs(len(samples) / found - 0.5) < 0.2


@pytest.mark.parametrize(("gain", "peak"), [(0.25, 0.25), (0.9, 0.9), (4.0, 1.0)])
def test_play_scales_down_only_what_is_too_loud(gain, peak):
    samples, _ = decoded(audio.play(gain * sine(1), 16000))
    assert np.abs(samples[4000:12000]).max() == pytest.approx(peak, rel=0.05)


@pytest.mark.parametrize(("arguments", "label"), [((), "audio"), (("a <b>",), "a &lt;b&gt;")])
def test_what_play_returns(arguments, label):
    html = audio.play(sine(1.25, 96000), 96000, *arguments).data
    data = re.search(r"base64,([^\"]+)", html)[1]
    assert html == (
        f'<figure style="margin:0"><audio controls data-seconds="1.25" aria-label="{label}" '
        f'src="data:audio/mpeg;base64,{data}"></audio><figcaption>{label}</figcaption></figure>'
    )
    assert audio.play(None, 96000, *arguments).data == (
        f'<p class="course-missing">{label}: this recording isn\'t here. Open “What this lesson uses” at the top of '
        "the notebook to see how to get it.</p>"
    )


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

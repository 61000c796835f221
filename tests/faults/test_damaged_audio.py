"""Audio files that are damaged, or that lie: each is read whole, or refused in one sentence, through every door."""

import os
import re
import struct
import time
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import assets, audio
from course_utils.widgets.sound_input import read_sound

RATE, SECONDS = 16000, 2
COMMON = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "OPUS", "MP3")
RARE = ("AVR", "HTK", "IRCAM", "MAT4", "MAT5", "MPC2K", "NIST", "PAF", "PVF", "SDS", "SVX", "VOC", "WVE", "XI")
SILENT = ("IRCAM", "PAF", "PVF", "XI")  # whose headers don't say how much sound follows
WHOLE, REFUSED = "read, whole", "refused"


def sound(seconds=SECONDS, rate=RATE):
    """A real recording."""
    return np.tile(audio.load(assets.embedded("clips/speech_whistling.ogg"), rate), 2)[: round(seconds * rate)]


def written(folder, kind, **options):
    """The bytes of a real recording in a format."""
    path = folder / f"whole.{kind.lower()}"
    known = {"OPUS": ("OGG", "OPUS"), "WVE": ("WVE", "ALAW"), "SVX": ("SVX", "PCM_16"), "XI": ("XI", "DPCM_16")}
    file_format, subtype = known.get(kind, (kind, None))
    rate = {"WVE": 8000, "XI": 44100}.get(kind, RATE)
    soundfile.write(path, sound(rate=rate), rate, format=file_format, subtype=subtype, **options)
    return path.read_bytes()


def chunk(name, content, size=None, order="<"):
    return name + struct.pack(f"{order}I", len(content) if size is None else size) + content


def at(data, name, offset=0):
    return data.index(name) + offset


def put(data, place, new):
    return data[:place] + new + data[place + len(new) :]


def inserted(data, before, new):
    place = data.index(before)
    return data[:place] + new + data[place:]


def frames(data):
    """Begin and end of each frame of an MP3 at 16 kHz, one channel."""
    kbps, place, found = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160), 0, []
    while place < len(data):
        size = 72 * 1000 * kbps[data[place + 2] >> 4] // RATE + (data[place + 2] >> 1 & 1)
        found.append((place, place + size))
        place += size
    return found


def pages(data):
    """Begin and end of each page of an Ogg file."""
    place, found = 0, []
    while place < len(data):
        sizes = data[place + 27 : place + 27 + data[place + 26]]
        found.append((place, place + 27 + len(sizes) + sum(sizes)))
        place = found[-1][1]
    return found


def without(data, part):
    return data[: part[0]] + data[part[1] :]


def float_wav(folder, *values, channels=1):
    path = folder / "float.wav"
    samples = sound()
    samples[1000 : 1000 + len(values)] = values
    soundfile.write(path, np.stack([samples] * channels, axis=1), RATE, subtype="FLOAT")
    return path.read_bytes()


def damaged(folder):
    """Yield what is wrong, the name of a file, its bytes, what is right, and what is said."""
    cut = {share: f"cut off after {share:.0%} of its bytes" for share in (0.1, 0.5, 0.95)}
    for kind in COMMON + RARE:
        data = written(folder, kind)
        yield f"{kind}: nothing", f"a.{kind}", data, WHOLE, ""
        for share, what in cut.items():
            right = WHOLE + "?" if kind in SILENT else REFUSED
            yield f"{kind}: {what}", f"a.{kind}", data[: int(share * len(data))], right, ""
    wav, aiff = written(folder, "WAV"), written(folder, "AIFF")
    text = b"INFOISFT\x1a\0\0\0a program that writes sound"
    for size in (0, 3, len(text) - 8, len(text) + 2, 5000, 100_000, 0x7FFFFFFF, 0xFFFFFFFF):
        data = inserted(wav, b"data", chunk(b"LIST", text, size))
        yield f"WAV: metadata that claim {size:,} bytes", "a.wav", data, WHOLE, ""
        data = inserted(aiff, b"SSND", chunk(b"NAME", text, size, ">"))
        yield f"AIFF: metadata that claim {size:,} bytes", "a.aiff", data, WHOLE, ""
    before = wav[:12] + chunk(b"junk", b"abc", 2_000_000) + wav[12:]
    yield "WAV: false metadata before the format", "a.wav", before, WHOLE, ""
    yield "WAV: metadata without the padding byte", "a.wav", inserted(wav, b"data", chunk(b"note", b"abc")), WHOLE, ""
    size = at(wav, b"data", 4)
    for value in (0, 100, 32_000, 0xFFFFFFFF, 0x7FFFF000):
        yield (
            f"WAV: it says that {value:,} bytes of samples follow",
            "a.wav",
            put(wav, size, struct.pack("<I", value)),
            WHOLE,
            "",
        )
    yield (
        "AIFF: it says that 100 bytes of samples follow",
        "a.aiff",
        put(aiff, at(aiff, b"SSND", 4), struct.pack(">I", 100)),
        WHOLE,
        "",
    )
    yield "WAV: its outer size is 0", "a.wav", put(wav, 4, bytes(4)), WHOLE, ""
    yield "WAV: a song's tag behind it", "a.wav", wav + b"TAG" + bytes(125), WHOLE, ""
    yield "WAV: zeros behind it", "a.wav", wav + bytes(500), WHOLE, ""
    yield (
        "WAV: it says that 200,000 bytes follow",
        "a.wav",
        put(wav, size, struct.pack("<I", 200_000)),
        REFUSED,
        "breaks",
    )
    for rate in (0, 1, 999, 768_001, 2_147_483_647, 4_294_967_295):
        yield f"WAV: a rate of {rate:,} Hz", "a.wav", put(wav, 24, struct.pack("<I", rate)), REFUSED, ""
    for n in (0, 33, 514, 1024, 65_535):
        data = put(put(wav, 22, struct.pack("<H", n)), 32, struct.pack("<H", 2 * n & 0xFFFF))
        yield f"WAV: {n:,} channels", "a.wav", data, REFUSED, ""
    yield "WAV: samples of 0 bits", "a.wav", put(wav, 34, bytes(2)), REFUSED + "?", ""
    yield "WAV: no samples", "a.wav", put(wav, size, bytes(4))[: size + 4], REFUSED, "0 samples"
    yield "WAV: its header only", "a.wav", wav[:20], REFUSED, ""
    for name, value in (("NaN", np.nan), ("infinity", np.inf), ("1e30", 1e30), ("-32768", -32768.0)):
        yield f"WAV: a sample of {name}", "a.wav", float_wav(folder, value), REFUSED, "far outside"
    mp3 = written(folder, "MP3", bitrate_mode="VARIABLE", compression_level=0.3)
    parts = frames(mp3)
    bare, count = without(mp3, parts[0]), len(parts) - 1
    info = at(mp3, b"Xing", 8) if b"Xing" in mp3 else at(mp3, b"Info", 8)
    yield "MP3: variable rate, nothing says how long it is", "a.mp3", bare, WHOLE, ""
    yield "MP3: the same, with a picture in front", "a.mp3", b"ID3\4\0\0\0\0\x4e\x20" + bytes(10_016) + bare, WHOLE, ""
    yield (
        "MP3: the same, with tags behind",
        "a.mp3",
        bare + b"APETAGEX" + struct.pack("<III", 2000, 4000, 1) + bytes(12 + 4000) + b"TAG" + bytes(125),
        WHOLE,
        "",
    )
    yield "MP3: the same, cut in a frame", "a.mp3", bare[:-20], REFUSED, "breaks off"
    for factor, right in ((0.5, WHOLE), (0, WHOLE), (2, REFUSED), (100, REFUSED)):
        data = put(mp3, info, struct.pack(">I", int(factor * count)))
        yield f"MP3: it says it is {factor} times as long", "a.mp3", data, right, ""
    yield "MP3: zeros in the middle", "a.mp3", put(mp3, parts[20][0], bytes(3000)), REFUSED, "damaged"
    yield "MP3: a piece is missing", "a.mp3", without(bare, (parts[20][0] + 7, parts[30][0])), REFUSED, "damaged"
    yield "MP3: frames are missing", "a.mp3", without(mp3, (parts[20][0], parts[40][0])), REFUSED, "breaks off"
    yield "MP3: nothing but a tag", "a.mp3", b"ID3\4\0\0\0\0\0\x10" + bytes(16), REFUSED, ""
    for kind in ("OGG", "OPUS"):
        ogg = written(folder, kind)
        *_, middle, last = parts = pages(ogg)
        yield f"{kind}: its last page is missing", "a.ogg", without(ogg, last), REFUSED, "breaks off"
        yield f"{kind}: a page is missing", "a.ogg", without(ogg, middle), REFUSED, "damaged"
        yield (
            f"{kind}: a byte is wrong",
            "a.ogg",
            put(ogg, middle[1] - 50, bytes([ogg[middle[1] - 50] ^ 1])),
            REFUSED,
            "",
        )
        yield f"{kind}: zeros in the middle", "a.ogg", put(ogg, middle[0] - 50, bytes(200)), REFUSED, "damaged"
        yield f"{kind}: another one behind it", "a.ogg", ogg + ogg, REFUSED, "several sounds"
        yield f"{kind}: rubbish behind it", "a.ogg", ogg + b"rubbish" * 50, WHOLE, ""
    flac = written(folder, "FLAC")
    total = int.from_bytes(flac[21:26], "big")
    for factor, right in ((0, WHOLE), (0.5, WHOLE), (2, REFUSED)):
        n = (total & ~0xF_FFFF_FFFF) | int(factor * RATE * SECONDS)
        yield f"FLAC: it says it is {factor} times as long", "a.flac", put(flac, 21, n.to_bytes(5, "big")), right, ""
    half = len(flac) // 2
    yield "FLAC: a byte is wrong", "a.flac", put(flac, half, bytes([flac[half] ^ 0x55])), REFUSED, ""
    yield "FLAC: zeros in the middle", "a.flac", put(flac, half, bytes(2000)), REFUSED, ""
    yield "FLAC: a song's tag in front", "a.flac", b"ID3\4\0\0\0\0\0\x10" + bytes(16) + flac, WHOLE, ""
    page = b"<!DOCTYPE html><html><body>Please log in</body></html>" * 20
    strangers = {"a web page": page, "text": b"no sound " * 50, "UTF-16 text": "no sound ".encode("utf-16") * 50,
                 "zeros": bytes(5000), "nothing": b"", "one byte": b"R",
                 "a phone's m4a": b"\0\0\0\x20ftypM4A " + bytes(900),
                 "a browser's WebM": b"\x1a\x45\xdf\xa3" + bytes(900), "AAC": b"\xff\xf1\x50\x80\x2e\x7f\xfc" * 90,
                 "a picture": b"\x89PNG\r\n\x1a\n" + bytes(900), "an archive": b"PK\3\4" + bytes(900)}  # fmt: skip
    for what, data in strangers.items():
        for suffix in ("wav", "mp3"):
            yield f"{what} that is called .{suffix}", f"a.{suffix}", data, REFUSED, ""
    for name in ("a <b>&amp;.wav", "Ton – été.wav", "a\nb.wav", f"{'n' * 250}.wav", "a.raw", "a"):
        yield f"a name such as {name[:12]!r}", name, wav, WHOLE if name != "a.raw" else WHOLE + "?", ""
    if os.name == "posix":
        yield "a name that is no text", os.fsdecode(b"caf\xe9.wav"), wav, WHOLE, ""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """What is wrong: the file, what is right, and what is said."""
    made, folder = {}, tmp_path_factory.mktemp("corpus")
    for number, (wrong, name, data, right, words) in enumerate(damaged(folder)):
        (folder / str(number)).mkdir()
        (folder / str(number) / name).write_bytes(data)
        assert wrong not in made, wrong
        made[wrong] = folder / str(number) / name, right, words
    return made


DOORS = {
    "audio.load": lambda path: audio.load(path, RATE),
    "own sound": lambda path: read_sound(path, RATE).waveform,
    "in blocks": lambda path: streamed(path),
}


def streamed(path):
    with audio.Reader(path, RATE) as reader:
        return np.concatenate(list(reader.blocks(0.3)))


def outcome(door, path):
    """What came: samples or a sentence, and how long it took."""
    start = time.perf_counter()
    with warnings.catch_warnings(action="ignore"):
        try:
            return DOORS[door](path), None, time.perf_counter() - start
        except (ValueError, OSError) as error:
            return None, str(error), time.perf_counter() - start


def is_sentence(words, path):
    """Whether a message names the file, is short, says what to do, and has nothing of a library's."""
    own = words.replace(repr(os.fsencode(path).decode(errors="replace")), "FILE")
    theirs = re.search(r"(?i)libsndfile|soundfile|traceback|errno|mpg123|<built|unknown error|object at", own)
    return own.startswith("FILE ") and len(own) < 160 and own.count(".") in (2, 3, 4) and not theirs


def test_the_corpus_is_large_and_of_every_format_that_libsndfile_reads(corpus):
    assert len([wrong for wrong in corpus if ": nothing" not in wrong]) >= 150
    headless = {"RAW", "SD2"}  # the first has no header, the second keeps it in another file
    assert set(soundfile.available_formats()) - headless <= {*COMMON, *RARE}


@pytest.mark.parametrize("door", DOORS)
def test_every_file_is_read_whole_or_refused_in_a_sentence(corpus, door, fault):
    wrong_ones = {}
    for wrong, (path, right, words) in corpus.items():
        samples, said, seconds = outcome(door, path)
        if samples is None:
            good = right != WHOLE and is_sentence(said, path) and re.search(words, said)
        else:
            whole = "?" in right or abs(len(samples) - SECONDS * RATE) < 0.1 * RATE
            good = right != REFUSED and whole and samples.dtype == np.float32 and samples.ndim == 1
            good = good and np.isfinite(samples).all()
        if not good or seconds > 5:
            wrong_ones[wrong] = (seconds, said or len(samples) / RATE)
        if door == "audio.load" and ": nothing" not in wrong:
            seen = "the sound, whole" if samples is not None and "?" not in right else said
            fault("Audio files", wrong, seen or "the sound, with a note that it may be only a part", "–", seconds)
    assert not wrong_ones


def test_all_doors_say_the_same(corpus):
    for wrong, (path, *_) in corpus.items():
        (first, said, _), *others = (outcome(door, path) for door in DOORS)
        for samples, words, _ in others:
            assert words == said, wrong
            assert first is None or np.abs(samples - first).max() < 1e-4, wrong


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a recording in the formats that say how much sound they hold, by format."""
    folder = tmp_path_factory.mktemp("whole")
    return {kind: written(folder, kind) for kind in COMMON}


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


HOW = {
    "cut": lambda data, place, n: data[:place],
    "zeros": lambda data, place, n: put(data, place, bytes(min(n, len(data) - place))),
    "missing": lambda data, place, n: data[:place] + data[place + n :],
    "more": lambda data, place, n: data[:place] + bytes(range(1, 256)) * (n // 255) + data[place:],
    "flipped": lambda data, place, n: put(data, place, bytes([data[place] ^ (n % 255 + 1)])),
}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(COMMON), st.sampled_from([*HOW]), st.floats(0, 0.999), st.integers(1, 3000))
def test_wherever_a_file_is_damaged_it_is_whole_or_refused(whole, corpus_folder, kind, how, share, n):
    data = whole[kind]
    place = int(share * len(data))
    (path := corpus_folder / f"a.{kind.lower()}").write_bytes(HOW[how](data, place, n))
    samples, said, seconds = outcome("audio.load", path)
    assert seconds < 5
    if samples is None:
        assert is_sentence(said, path), said
    else:
        assert samples.ndim == 1 and samples.dtype == np.float32 and np.isfinite(samples).all()
        if kind in ("FLAC", "OGG", "OPUS"):  # a header's fields are not protected in the others
            assert abs(len(samples) - SECONDS * RATE) < 0.11 * RATE
        if how == "cut":
            assert len(samples) > 0.9 * SECONDS * RATE

"""What audio files say of themselves, byte by byte. Damaged files of real sound are in tests/faults."""

import io
import itertools
import mmap
import struct
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import audio, containers

FINE = (None, 0)
CUT, DAMAGED = "breaks off before its end", "is damaged in the middle"
SEVERAL = "holds several sounds, one after the other, and only the first could be read"
NOISE = bytes(range(128, 168))  # no letters, so no names of chunks


def outcome(data):
    """What is to be read instead of a file, and how much it promises; or what is said of it."""
    try:
        pieces, promised = containers.checked(data)
    except containers.BrokenError as error:
        return str(error)
    return pieces and [bytes(piece) for piece in pieces], promised


# --- Pieces ---

STEPS = st.one_of(
    st.tuples(st.just("read"), st.integers(0, 30)),
    st.tuples(st.just("seek"), st.integers(-30, 60), st.sampled_from([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])),
)


@given(st.lists(st.binary(max_size=9), max_size=6), st.lists(STEPS, max_size=12))
def test_pieces_read_like_one_file(parts, steps):
    whole, place, pieces = b"".join(parts), 0, containers.Pieces(parts)
    for what, number, *whence in steps:
        if what == "read":
            assert pieces.read(number) == whole[place : place + number]
            place = max(place, min(place + number, len(whole)))
        else:
            place = max(0, number + (0, place, len(whole))[whence[0]])
            assert pieces.seek(number, *whence) == place
        assert pieces.tell() == place


def test_pieces_are_read_from_their_beginning_and_sought_from_there():
    pieces = containers.Pieces([b"ab", memoryview(b"cde")])
    assert pieces.read() == b"abcde"
    assert pieces.seek(1) == 1
    assert pieces.read() == b"bcde"


def test_pieces_let_go_of_a_mapped_file():
    mapped = mmap.mmap(-1, 100)
    part = memoryview(mapped)[10:]
    containers.Pieces([mapped, part]).close()
    with pytest.raises(ValueError, match="released"):
        part.tobytes()
    mapped.close()


@pytest.mark.parametrize("count", [1000, 10_000])
def test_pieces_are_found_at_once_however_many_there_are(count):
    class Counted(list):
        looked = 0

        def __getitem__(self, number):
            self.looked += 1
            return super().__getitem__(number)

    pieces = containers.Pieces([b"ab"] * count)
    pieces.pieces = Counted(pieces.pieces)
    pieces.seek(-5, io.SEEK_END)
    assert pieces.read(4) == b"baba"
    assert pieces.pieces.looked <= 3


# --- which kind of file ---


def test_what_is_too_short_or_unknown_is_left_to_libsndfile():
    for data in (b"", b"R", b"Ogg", b"ID", b"\xff\xfb", b"no sound " * 9, bytes(50), b"ID3", b"fLaC"):
        assert outcome(data) == FINE, data


@pytest.mark.parametrize(("byte", "total"), [(0x00, 1), (0xF0, 0xF_FFFF_FFFE), (0x5A, 0xA_0102_0304), (0x40, 0)])
def test_the_length_in_a_flac_header_is_left_open_and_returned(byte, total):
    start = b"fLaC" + bytes(range(1, 18))
    data = start + bytes([byte & 0xF0 | total >> 32]) + (total & 0xFFFF_FFFF).to_bytes(4, "big") + bytes(range(50, 67))
    pieces, promised = outcome(data)
    assert b"".join(pieces) == start + bytes([byte & 0xF0, 0, 0, 0, 0]) + bytes(range(50, 67))
    assert promised == total
    assert outcome(data[:42]) == FINE  # the header, and no sound


# --- Ogg ---


def checksum(data):
    """The cyclic redundancy check of RFC 3533, bit by bit."""
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = register << 1 ^ (0x104C11DB7 if register >> 31 else 0)
    return register.to_bytes(4, "little")


def page(number, flags=0, serial=b"abcd", body=b"sound", sizes=None):
    """A page of an Ogg file; its flags are 1: goes on with a packet, 2: the first page, 4: the last one."""
    sizes = bytes([255] * (len(body) // 255) + [len(body) % 255] * (body != b"")) if sizes is None else bytes(sizes)
    head = b"OggS\0" + bytes([flags]) + bytes(8) + serial + number.to_bytes(4, "little")
    behind = bytes([len(sizes)]) + sizes + body
    return head + checksum(head + bytes(4) + behind) + behind


OGG = [page(0, 2), page(1, body=bytes(range(256)) * 2), page(2, 4)]
OTHER = b"Abcd"
OGGS = {
    "whole": (OGG, FINE),
    "one page, the first and the last": ([page(0, 6)], FINE),
    "a high number in front": ([page(256, 2), page(257), page(258, 4)], FINE),
    "a last page that holds nothing": ([page(0, 2), page(1), page(2, 4, body=b"")], FINE),
    "a last page of an empty packet": ([page(0, 2), page(1, 4, body=b"", sizes=[0])], FINE),
    "a page of 255 packets": ([page(0, 2), page(1, 4, body=b"x" * 255, sizes=[1] * 255)], FINE),
    "rubbish behind it": ([*OGG, b"rubbish"], FINE),
    "no last page": (OGG[:2], CUT),
    "no last page, and rubbish": ([*OGG[:2], b"rubbish"], CUT),
    "the last page goes on with a packet, and isn't marked": ([page(0, 2), page(1, 1)], CUT),
    "a page is missing": ([OGG[0], OGG[2]], DAMAGED),
    "a page is there twice": ([OGG[0], *OGG], DAMAGED),
    "rubbish between two pages": ([OGG[0], b"rubbish", *OGG[1:]], DAMAGED),
    "one behind another": ([*OGG, page(0, 2, OTHER), page(1, 4, OTHER)], SEVERAL),
    "one behind another, which is damaged": ([*OGG, page(0, 2, OTHER)[:-1] + b"?"], SEVERAL),
    "two at once": ([page(0, 2), page(0, 2, OTHER), page(1, 4), page(1, 1, OTHER), page(2, 4, OTHER)], FINE),
    "two at once, one without an end": ([page(0, 2), page(0, 2, OTHER), page(1, 4), page(1, 1, OTHER)], CUT),
}


@pytest.mark.parametrize("name", OGGS)
def test_ogg(name):
    pages, right = OGGS[name]
    assert outcome(b"".join(pages)) == right


def test_an_ogg_file_breaks_off_wherever_it_is_cut():
    data = b"".join(OGG)
    assert {outcome(data[:size]) for size in range(4, len(data))} == {CUT}


def test_no_byte_of_an_ogg_file_may_be_another():
    data = b"".join(OGG)
    said = {at: outcome(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) for at in range(4, len(data))}
    assert {*said.values()} == {CUT, DAMAGED}
    assert {at for at in said if said[at] == CUT} <= {  # a page of another length, or the last one isn't known as one
        26, 27, *range(len(data) - 33, len(data) - 29), len(data) - 7, len(data) - 6
    }  # fmt: skip


# --- WAV and AIFF ---


def chunk(kind, name, content, size=None, pad=True):
    size = (len(content) if size is None else size).to_bytes(4, "little" if kind == "WAV" else "big")
    return name + size + content + bytes(len(content) % 2 if pad else 0)


FORMAT = {"WAV": b"\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0", "AIFF": b"\0\1\0\0\0\x14\0\x10\x40\x0c\xfa" + bytes(7)}
NAMES = {"WAV": (b"fmt ", b"data"), "AIFF": (b"COMM", b"SSND")}


def outer(kind, *chunks, size=None):
    start, form = {"WAV": (b"RIFF", b"WAVE"), "AIFF": (b"FORM", b"AIFF")}[kind]
    return chunk(kind, start, form + b"".join(chunks), size, pad=False)


def cases(kind):
    """Yield what a file holds, the file, and what is read instead: a format and a sound, or None."""
    name, sound = NAMES[kind]
    right = FORMAT[kind]
    form, noise = chunk(kind, name, right), chunk(kind, sound, NOISE)
    other = chunk(kind, name, right[::-1])
    yield "no more than it must", [form, noise], None
    yield "no chunk", [], None
    yield "no sound", [form], None
    yield "no format", [noise], None
    yield "a broken header of the sound", [form, noise[:7]], None
    yield "the sound is called in capitals", [form, noise.swapcase()], None
    for size in range(7):
        note = chunk(kind, b"note", b"\1" * size)
        yield f"a padded note of {size} bytes in front", [note, form, noise], None
        yield f"a padded note of {size} bytes between", [form, note, noise], None
        yield f"a padded note of {size} bytes behind", [form, noise, note], None
        bare = chunk(kind, b"note", b"\1" * size, pad=False)
        yield f"a bare note of {size} bytes between", [form, bare, noise], (right, NOISE) if size % 2 else None
    bare = chunk(kind, b"note", b"\1", pad=False)
    yield "an odd number of bytes, to be moved", [form, bare, chunk(kind, sound, NOISE[1:])], (right, NOISE[1:])
    yield "the first of two counts", [form, other, bare, noise, chunk(kind, sound, b"\1\2")], (right, NOISE)
    for size in (0, 1, 6, 7, 8, 40):
        data = NOISE[:size]
        left_open = [form, chunk(kind, sound, data, 0, pad=False)]
        yield f"no size, and {size} bytes", left_open, (right, data) if size else None
        yield f"{size} bytes behind", [form, noise, data], (right, NOISE + data) if size >= 8 else None
        yield (
            f"{size} bytes between zeros behind",
            [form, noise, bytes(9) + data + bytes(9)],
            ((right, NOISE + bytes(9) + data + bytes(9)) if size >= 8 else None),
        )
    yield "no size, and letters", [form, chunk(kind, sound, b"abcdef", 0)], (right, b"abcdef")
    yield "no size, and 8 letters", [form, chunk(kind, sound, b"abcdefgh", 0)], None  # which could be a chunk
    yield "empty, and a note behind", [form, chunk(kind, sound, b""), chunk(kind, b"note", NOISE)], None
    yield "too large a size", [form, chunk(kind, sound, NOISE, 41)], None
    yield "line breaks behind", [form, noise, b"\n" * 8], (right, NOISE + b"\n" * 8)
    yield "seven letters and another byte behind", [form, noise, b"\1XXXXXXX"], (right, NOISE + b"\1XXXXXXX")
    yield "a zero between that pads nothing", [form, b"\0", noise, b"\1" * 20], (right, NOISE)
    false = chunk(kind, b"note", NOISE, 5000)
    yield "a false size in front", [false, form, noise], (right, NOISE)
    yield "a false size between", [form, false, noise], (right, NOISE)
    yield "a false size in front, and no format", [false, noise], None
    yield "a false size in front, and no sound", [false, form], None
    yield "a false size in front, and the sound breaks off", [false, form, noise[:-1]], None
    yield "a false size, and the first of two sounds", [false, form, noise, chunk(kind, sound, b"\1\2")], (right, NOISE)
    yield (
        "a false size, and a sound before the format",
        [false, noise[::2], chunk(kind, sound, b"??"), form, noise],
        (
            right,
            NOISE,
        ),
    )
    lie = name + b"\xff" * 4
    yield "a false size, and a word that is no format", [false, lie, form, sound, b"\xff" * 4, noise], (right, NOISE)
    yield "a format within a note", [chunk(kind, b"note", other), form, false, noise], (right, NOISE)
    yield "a format within a note, and only there", [chunk(kind, b"note", form), false, noise], (right, NOISE)
    long = chunk(kind, sound, NOISE * 64)  # 2560 bytes, a line break in the size
    yield "a line break in a size", [false, form, long], (right, NOISE * 64)


KINDS = [(kind, *case) for kind in NAMES for case in cases(kind)]


@pytest.mark.parametrize(("kind", "name", "chunks", "right"), KINDS, ids=[f"{case[0]}-{case[1]}" for case in KINDS])
def test_wav_and_aiff(kind, name, chunks, right):
    for size in (None, 0, 0x0A0A0A0A):  # what it says of the whole file doesn't matter
        pieces, promised = outcome(outer(kind, *chunks, size=size))
        made = right and outer(kind, *(chunk(kind, *both) for both in zip(NAMES[kind], right, strict=True)))
        assert (pieces and b"".join(pieces), promised) == (made, 0)


def test_compressed_aiff_keeps_its_name():
    form, note, noise = (chunk("AIFF", *one) for one in ((b"COMM", FORMAT["AIFF"]), (b"note", b"\1"), (b"SSND", NOISE)))
    pieces, _ = outcome(b"FORM\0\0\0\0AIFC" + form + note[:-1] + noise)
    assert b"".join(pieces) == b"FORM" + (4 + len(form) + len(noise)).to_bytes(4, "big") + b"AIFC" + form + noise


# --- MPEG audio ---

SIDE = {(3, 3): 17, (3, 0): 32, (2, 3): 9, (2, 0): 17, (0, 3): 9, (0, 0): 17}  # bytes, by version and mode


def frame(version=3, layer=3, field=9, rate=0, padding=0, crc=False, private=0, mode=3, body=b""):
    """A frame of MPEG 1 (version 3), 2 or 2.5 (0), by the fields of its header; mode 3 is one channel."""
    kbps = containers.KBPS[1 if version == 3 else 2, layer][field - 1]
    samples, slot = {1: (384, 4), 2: (1152, 1), 3: (1152 if version == 3 else 576, 1)}[layer]
    seconds = Fraction(samples, containers.RATES[version][rate])
    size = (int(seconds * 1000 * kbps / 8 / slot) + padding) * slot
    second = 0b1110_0000 | version << 3 | 4 - layer << 1 | (not crc)
    return (bytes([255, second, field << 4 | rate << 2 | padding << 1 | private, mode << 6]) + body).ljust(size, b"\0")


def info(count, version=3, rate=0, mode=3):
    """The frame that says how many others follow, as we write it: 64 kbit/s."""
    body = bytes(SIDE[version, mode]) + b"Info\0\0\0\1" + count.to_bytes(4, "big")
    return frame(version, 3, 5 if version == 3 else 8, rate, mode=mode, body=body)


def told(count, *parts, **kind):
    return [info(count, **kind), *parts], 0


@pytest.mark.parametrize("version", [3, 2, 0], ids=["MPEG 1", "MPEG 2", "MPEG 2.5"])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_frames_of_every_length(version, layer):
    for field, rate, padding, mode in itertools.product(range(1, 15), range(3), range(2), (0, 3)):
        kind = {"version": version, "rate": rate, "mode": mode}
        data = frame(layer=layer, field=field, padding=padding, **kind) * 3
        assert outcome(data) == (told(3, data, **kind) if layer == 3 else FINE)
        assert outcome(data[:-1]) == CUT


NO_FRAMES = {
    "a version that doesn't exist": b"\xff\xeb\x90",
    "a layer that doesn't exist": b"\xff\xf9\x90",
    "a number of bits that is left open": b"\xff\xfb\0",
    "a number of bits that doesn't exist": b"\xff\xfb\xf0",
    "a rate that doesn't exist": b"\xff\xfb\x9c",
}


@pytest.mark.parametrize("name", NO_FRAMES)
def test_what_is_no_frame(name):
    assert outcome((NO_FRAMES[name] + b"\0").ljust(417, b"\0") * 3) == FINE


def id3(content, flags=0, high=0):
    size = bytes(len(content) >> shift & 127 | high for shift in (21, 14, 7, 0))
    return b"ID3\4\0" + bytes([flags]) + size + content + b"3DI\4\0\x10\0\0\0\0" * (flags == 0x10)


F = frame()
DECOY = F * 2  # within a tag, it isn't sound
LARGE = DECOY + bytes((1 << 21) + 300)
LYRICS = b"LYRICSBEGIN" + DECOY + b"LYRICS200"
TAGS = {
    "ID3": id3(DECOY),
    "ID3 that is large": id3(LARGE),
    "ID3 with high bits": id3(DECOY, high=128),
    "ID3 with a footer": id3(DECOY, flags=0x10),
    "ID3 with other flags": id3(DECOY, flags=0x80),
    "APE": b"APETAGEX\xd0\x07\0\0" + len(DECOY).to_bytes(4, "little") + b"\3" + bytes(15) + DECOY,
    "lyrics": LYRICS,
    "lyrics twice": LYRICS * 2,
    "a song's tag": b"TAG" + DECOY[:125],
    "two tags": id3(DECOY) + b"TAG" + DECOY[:125],
}


@pytest.mark.parametrize("name", TAGS)
def test_tags_are_skipped_wherever_they_are(name):
    tag = TAGS[name]
    assert outcome(id3(b"") + tag + F * 3) == told(3, F * 3)
    assert outcome(F * 3 + tag + F * 4 + tag + F * 2) == told(9, F * 3, F * 4, F * 2)
    assert outcome(F * 3 + tag) == told(3, F * 3)
    assert outcome(F * 3 + tag + F[:-1]) == CUT
    assert outcome(F * 3 + tag[:-1] + F * 2) == DAMAGED


LAYER_2, SLOWER, ODD = frame(layer=2), frame(rate=2), frame(crc=True, private=1)
MIXED = b"".join(frame(field=n, padding=n % 2, crc=n % 3 == 0, private=n % 5 == 0, mode=3) for n in range(1, 15))
MPEGS = {
    "one frame": (F, told(1, F)),
    "frames of the same kind": (MIXED, told(14, MIXED)),
    "the first frame has a checksum and a private bit": (ODD + F, told(2, ODD + F)),
    "only a tag": (id3(bytes(99)), FINE),
    "a tag that claims to be longer than the file": (id3(bytes(9999))[:400] + F * 3, FINE),
    "a tag whose header breaks off": (b"ID3\4\0", FINE),
    "FLAC behind a tag": (id3(b"") + b"fLaC" + F * 3, FINE),
    "rubbish in front": (id3(b"") + b"rubbish" + F * 3, told(3, F * 3)),
    "rubbish in front that looks like a frame": (id3(b"") + b"\xff\xff\xff" + F[:9] + F * 3, told(3, F * 3)),
    "a byte in front that frames begin with": (id3(b"") + b"\xff" + F * 3, told(3, F * 3)),
    "one frame of another kind in front": (id3(b"") + LAYER_2 + F * 3, told(3, F * 3)),
    "rubbish behind": (F * 3 + b"rubbish", told(3, F * 3)),
    "rubbish behind that looks like a frame": (F * 3 + b"rubbish" + F[:9] + b"rubbish", told(3, F * 3)),
    "frames of another layer behind": (F * 3 + LAYER_2 * 2, told(3, F * 3)),
    "frames of another rate behind": (F * 3 + b"rubbish" + SLOWER * 2, told(3, F * 3)),
    "a tag that breaks off behind": (F * 3 + b"TAG", told(3, F * 3)),
    "lyrics without an end behind": (F * 3 + b"LYRICSBEGIN la la", told(3, F * 3)),
    "lyrics without an end, later than others": (LYRICS.join([F * 2] * 2) + b"LYRICSBEGIN la", told(4, F * 2, F * 2)),
    "lyrics without an end in front": (id3(b"") + b"LYRICSBEGIN la la" + F * 3, told(3, F * 3)),
    "two bytes of a frame": (F * 3 + F[:2], told(3, F * 3)),
    "three bytes of a frame": (F * 3 + F[:3], CUT),
    "a frame without its last byte": (F * 3 + F[:-1], CUT),
    "rubbish in the middle": (F * 3 + b"rubbish" + F * 2, DAMAGED),
    "rubbish before the last frame": (F * 3 + b"rubbish" + F, DAMAGED),
    "lyrics without an end in the middle": (F * 3 + b"LYRICSBEGIN la la" + F * 2, DAMAGED),
    "a frame without its last byte, in the middle": (F * 3 + F[:-1] + F * 2, DAMAGED),
    "frames of another layer in the middle": (F * 3 + LAYER_2 * 2 + F * 2, DAMAGED),
    "frames of another rate in the middle": (F * 3 + SLOWER * 2 + F * 2, DAMAGED),
    "layer II, rubbish in the middle": (LAYER_2 * 3 + b"rubbish" + LAYER_2 * 2, DAMAGED),
    "layer II, layer I in the middle": (LAYER_2 * 3 + frame(layer=1) * 2 + LAYER_2 * 2, DAMAGED),
    "MPEG 1, MPEG 2 in the middle": (F * 3 + frame(version=2) * 2 + F * 2, DAMAGED),
}  # fmt: skip


@pytest.mark.parametrize("name", MPEGS)
def test_mpeg(name):
    data, right = MPEGS[name]
    assert outcome(data) == right


KNOWN, UNKNOWN = (1, 3, 15), (0, 2, 14)


@pytest.mark.parametrize("word", [b"Xing", b"Info"])
@pytest.mark.parametrize(("version", "mode"), SIDE)
def test_the_number_of_frames_in_a_xing_header(word, version, mode):
    kind = {"version": version, "mode": mode}
    sound = frame(**kind) * 10

    def file(promised, flags):
        body = bytes(SIDE[version, mode]) + word + flags.to_bytes(4, "big") + promised.to_bytes(4, "big")
        return frame(**kind, body=body) + sound

    for flags in KNOWN:  # it says how many; one more or less doesn't matter
        right = {0: told(10, sound, **kind), 8: told(10, sound, **kind), 9: FINE, 10: FINE, 11: FINE, 12: CUT, 700: CUT}
        assert {promised: outcome(file(promised, flags)) for promised in right} == right
    for flags in UNKNOWN:
        for number in (0, 10, 700):
            assert outcome(file(number, flags)) == told(10, sound, **kind)


@pytest.mark.parametrize("word", [b"XING", b"INFO", b"xing", b"info", b"Infp"])
def test_another_word_is_no_xing_header(word):
    data = frame(body=bytes(17) + word + b"\0\0\0\1\0\0\0\2") + F * 2
    assert outcome(data) == told(3, data)


def test_the_number_of_frames_in_a_vbri_header():
    def file(word, promised):
        head = frame()[:4] + b"\xff" * 32 + word + bytes(10) + promised.to_bytes(4, "big")
        return head.ljust(len(F), b"\1") + F * 10

    assert [outcome(file(b"VBRI", n)) for n in (0, 10, 11, 12, 700)] == [told(10, F * 10)] * 3 + [CUT] * 2
    for word in (b"vbri", b"VBRX"):
        assert outcome(file(word, 700)) == told(11, file(word, 700))


@pytest.mark.parametrize("field", [1, 2, 3])
def test_a_frame_that_is_too_short_for_its_xing_header(tmp_path, field):
    kind = {"version": 2, "mode": 0}
    small = frame(field=field, **kind)
    first = (frame(**kind)[:2] + small[2:4] + bytes(17) + b"Xing").ljust(len(small), b"\0")
    assert outcome(first + small * 2) == told(2, small * 2, **kind)
    (path := tmp_path / "a.mp3").write_bytes(first + small * 20)
    with audio.Reader(path, 16000) as reader:
        assert len(reader.whole()) > 0


def in_place_of(data):
    """Return what is read in place of a file."""
    pieces, _ = containers.checked(data)
    return None if pieces is None else b"".join(map(bytes, pieces))


def test_a_chunk_that_does_not_fit_into_the_file_is_not_taken_for_the_sound():
    """A chunk of metadata has a false size, and its text holds the name of the chunk with the sound."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    text = b"LIST" + struct.pack("<I", 5000) + b"data\xff\xff\xff\x7f more"
    sound = b"data" + struct.pack("<I", 8) + bytes(range(8))
    assert in_place_of(b"RIFF" + struct.pack("<I", 99) + b"WAVE" + form + text + sound)[12:] == form + sound
    assert in_place_of(b"RIFF" + struct.pack("<I", 99) + b"WAVE" + form + text) is None  # there is no sound at all

"""What audio files say of themselves, on files that are made byte by byte."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils import containers

FRAME = bytes([0xFF, 0xFB, 0x90, 0x00]).ljust(417, b"\0")  # of an MP3 with 128 kbit/s at 44.1 kHz
TAG = b"TAG".ljust(128, b"x")


@given(st.lists(st.binary(max_size=9)), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 9))))
def test_pieces_are_read_as_one_file(pieces, steps):
    """By whoever asks first whether it can be read and sought, as Python's own buffers do."""
    whole, ours = io.BytesIO(b"".join(pieces)), io.BufferedReader(containers.Pieces(pieces), buffer_size=4)
    for whence, offset, size in steps:
        offset = min(offset, whole.getbuffer().nbytes)
        offset = {0: offset, 1: 0, 2: -offset}[whence]
        assert ours.seek(offset, whence) == whole.seek(offset, whence)
        assert ours.read(size) == whole.read(size)
        assert ours.tell() == whole.tell()


def joined(data):
    """Return what is read in place of a file."""
    pieces, _ = containers.checked(data)
    return None if pieces is None else b"".join(map(bytes, pieces))


def test_a_chunk_that_does_not_fit_into_the_file_is_not_taken_for_the_sound():
    """A chunk of metadata has a false size, and its text holds the name of the chunk with the sound."""
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    text = b"LIST" + struct.pack("<I", 5000) + b"data\xff\xff\xff\x7f more"
    sound = b"data" + struct.pack("<I", 8) + bytes(range(8))
    assert joined(b"RIFF" + struct.pack("<I", 99) + b"WAVE" + form + text + sound)[12:] == form + sound
    assert joined(b"RIFF" + struct.pack("<I", 99) + b"WAVE" + form + text) is None  # there is no sound at all


LYRICS = b"LYRICSBEGININD0000200000485LYRICS200"


@pytest.mark.parametrize("end", [b"", TAG, LYRICS + TAG, b"LYRICSBEGIN", b"some words that are no sound", b"\xff"])
def test_what_follows_the_last_frame_is_not_read(end):
    assert joined(FRAME * 9 + end).count(FRAME) == 9
    assert joined(FRAME * 9 + end).endswith(FRAME)


@pytest.mark.parametrize("between", [TAG, LYRICS])
def test_what_lies_between_frames_is_left_out(between):
    assert joined(FRAME * 5 + between + FRAME * 4).endswith(FRAME * 9)
    with pytest.raises(containers.BrokenError, match="is damaged in the middle"):
        containers.checked(FRAME * 5 + b"some noise" + FRAME * 4)


def test_what_begins_like_frames_and_has_none_is_left_to_others():
    for data in (b"ID3\4\0\0\0\0\0\0fLaC", b"\xff\xfb\x90", b"ID3"):
        assert containers.checked(data) == (None, 0)

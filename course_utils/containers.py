"""What audio files say of themselves, checked: whole Ogg pages, counted MP3 frames, the chunks of WAV and AIFF.

libsndfile takes some of it on trust. It guesses how long an MP3 without a Xing frame is, skips the damaged pages of an
Ogg file, ends where a WAV header says so, and gets lost behind a chunk of metadata whose size is false. Here a file is
read as far as needed to know better. What is lost is said; what can be read is given to libsndfile in another form.

Sources: RFC 3533 (Ogg); RFC 9639 (FLAC); ISO/IEC 11172-3 and 13818-3 (MPEG audio); the Xing header as LAME writes it.
"""

import bisect
import functools
import io
import itertools
import mmap
import re
import zlib
from collections.abc import Iterator

MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # each byte with its bits in reverse order


class BrokenError(ValueError):
    """A file has lost some of its sound; the message says which part, as the end of a sentence."""


class Pieces(io.RawIOBase):
    """A file that is made of pieces, one after another, which stay where they are.

    Parameters
    ----------
    pieces : list of bytes-like
        For instance a header, and a part of a memory-mapped file.
    """

    def __init__(self, pieces: list):
        self.pieces = [piece if isinstance(piece, memoryview) else memoryview(piece) for piece in pieces]
        self.begins = [0, *itertools.accumulate(map(len, self.pieces))]  # and the end of the last one
        self.at = 0

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place from the beginning, from here or from the end, and return it."""
        self.at = max(0, offset + (0, self.at, self.begins[-1])[whence])
        return self.at

    def readinto(self, buffer: memoryview) -> int:
        """Read into a buffer, and return how many bytes."""
        number, done = bisect.bisect(self.begins, self.at) - 1, 0
        while number < len(self.pieces) and done < len(buffer):
            part = self.pieces[number][self.at - self.begins[number] :][: len(buffer) - done]
            buffer[done : done + len(part)] = part
            number, done, self.at = number + 1, done + len(part), self.at + len(part)
        return done

    def close(self) -> None:
        """Let go of the pieces, so that a memory-mapped file can be closed."""
        for piece in self.pieces:
            piece.release()
        super().close()


def checked(data: mmap.mmap | bytes) -> tuple[list | None, int]:
    """Check what a file says of itself.

    Parameters
    ----------
    data : mmap or bytes
        The whole file.

    Returns
    -------
    pieces : list of bytes-like, or None
        What to read instead of the file, for :class:`Pieces`; None if the file will do.
    promised : int
        How many samples of each channel the file promises, where the pieces don't; else 0.

    Raises
    ------
    BrokenError
        If some of the sound is lost.
    """
    head = data[:12]
    if head.startswith(b"OggS"):
        _check_ogg(data)
    elif head.startswith(b"fLaC") and len(data) > 42:
        # with its length left open, libsndfile reads it to its end
        pieces = [data[:21], bytes([data[21] & 0xF0]), bytes(4), memoryview(data)[26:]]
        return pieces, int.from_bytes(data[21:26], "big") & 0xF_FFFF_FFFF
    elif re.fullmatch(b"RIFF....WAVE|FORM....AIF[FC]", head, re.DOTALL):
        return _chunked(data), 0
    elif head.startswith(b"ID3") or _frame(head, 0) is not NO_FRAME:
        return _mpeg(data), 0
    return None, 0


def _check_ogg(data) -> None:
    """Check the pages of an Ogg file: their checksums, that none is missing, and that the last one says so."""
    at, following, ended = 0, {}, set()
    while data[at : at + 4] == b"OggS":
        count = int.from_bytes(data[at + 26 : at + 27])
        end = at + 27 + count + sum(data[at + 27 : at + 27 + count])
        if len(data) < end:
            raise BrokenError("breaks off before its end")
        flags, serial, number = data[at + 5], data[at + 14 : at + 18], int.from_bytes(data[at + 18 : at + 22], "little")
        bare = data[at : at + 22] + bytes(4) + data[at + 26 : end]  # the checksum is that of a page without one
        checksum = (zlib.crc32(bare.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF).to_bytes(4, "big")
        if flags & 2 and ended:
            raise BrokenError("holds several sounds, one after the other, and only the first could be read")
        if checksum.translate(MIRRORED) != data[at + 22 : at + 26] or following.get(serial, number) != number:
            raise BrokenError("is damaged in the middle")
        following[serial] = number + 1
        ended |= {serial} if flags & 4 else set()
        at = end
    if following.keys() - ended:
        raise BrokenError("is damaged in the middle" if b"OggS" in data[at:] else "breaks off before its end")


# --- WAV and AIFF ---


def _chunks(data, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, begin and end of each chunk of a WAV or AIFF file, up to the first that can't be one."""
    at = 12
    while at + 8 <= len(data) and re.fullmatch(rb"[ -~]{4}", name := data[at : at + 4]):
        begin = at + 8
        yield name, begin, (at := begin + int.from_bytes(data[at + 4 : begin], order))
        at += at % 2 and data[at : at + 1] == b"\0"  # not all writers fill up to an even number of bytes


def _found(data, order: str, name: bytes, start: int) -> tuple[int, int] | None:
    """Search a chunk of a WAV or AIFF file that fits into it, and return its begin and end."""
    while (start := data.find(name, start) + 8) >= 8:
        end = start + int.from_bytes(data[start - 4 : start], order)
        if end <= len(data):
            return start, end
    return None


def _chunked(data) -> list | None:
    """Return a WAV or AIFF file without its metadata if these would lead libsndfile astray, else None."""
    order, names = ("little", (b"fmt ", b"data")) if data[:4] == b"RIFF" else ("big", (b"COMM", b"SSND"))
    places = {}
    for name, last, end in _chunks(data, order):
        places.setdefault(name, (last, end))
    if places.keys() >= set(names):
        begin, end = places[names[1]]
        # nothing follows that is a chunk: the size was never written, or too early
        if begin == last and (begin == end < len(data) or len(data[end:].strip(b"\0")) >= 8):
            places[names[1]] = begin, len(data)
        elif begin % 2 == 0:  # libsndfile doesn't know chunks without their padding byte
            return None
    else:  # a chunk before it has a false size
        places[names[0]] = places.get(names[0]) or _found(data, order, names[0], 12)
        places[names[1]] = places[names[0]] and _found(data, order, names[1], places[names[0]][1])
        if not places[names[1]]:
            return None
    pieces = []
    for name in names:
        begin, end = places[name]
        size = min(end - begin, 0xFFFFFFFE)
        pieces += [name + size.to_bytes(4, order), memoryview(data)[begin : begin + size], bytes(size % 2)]
    size = min(4 + sum(map(len, pieces)), 0xFFFFFFFE)
    return [data[:4] + size.to_bytes(4, order) + data[8:12], *pieces]


# --- MPEG audio ---

KBPS = {  # by version and layer, from a field of the frame's header
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}  # Hz, by version
SYNC = re.compile(rb"\xff[\xe2-\xff].", re.DOTALL)  # how a frame begins
NO_FRAME = 0, b""


def _frame(data, at: int) -> tuple[int, bytes]:
    """Return how many bytes the frame has that begins at a place, and what all frames of its file share."""
    if not (header := SYNC.match(data, at)):
        return NO_FRAME
    _, second, third = header[0]
    version, layer, field, rate = second >> 3 & 3, 4 - (second >> 1 & 3), third >> 4, third >> 2 & 3
    if version == 1 or layer == 4 or field in (0, 15) or rate == 3:
        return NO_FRAME
    bits = 1000 * KBPS[1 if version == 3 else 2, layer][field - 1]
    padding, rate = third >> 1 & 1, RATES[version][rate]
    eighth = 72 if layer == 3 and version != 3 else 144  # of its samples
    size = (12 * bits // rate + padding) * 4 if layer == 1 else eighth * bits // rate + padding
    return size, bytes([second | 1, third & 0x0C])


def _tag(data, at: int) -> int:
    """Return how many bytes of metadata begin at a place of an MPEG file."""
    if data[at : at + 3] == b"ID3":  # each byte of its size holds seven bits
        size = functools.reduce(lambda total, byte: total << 7 | byte & 127, data[at + 6 : at + 10], 0)
        return 20 + size if data[at + 5 : at + 6] == b"\x10" else 10 + size
    if data[at : at + 8] == b"APETAGEX":
        return 32 + int.from_bytes(data[at + 12 : at + 16], "little")
    if data[at : at + 11] == b"LYRICSBEGIN":
        return max(0, data.find(b"LYRICS200", at) + 9 - at)
    return 128 if data[at : at + 3] == b"TAG" else 0


def _next(data, at: int, kind: bytes = b"") -> int:
    """Return where two frames in a row begin, or a last one, of a kind or of any; the end if there are none."""
    while found := SYNC.search(data, at):
        at = found.start()
        size, own = _frame(data, at)
        if size and own == (kind or own) and (_frame(data, at + size)[1] == own or at + size == len(data)):
            return at
        at += 1
    return len(data)


def _frames(data) -> tuple[list[tuple[int, int]], int]:
    """Return begin and end of each part of an MPEG file that is nothing but frames, and how many frames these are."""
    at, parts, count = 0, [], 0
    while size := _tag(data, at):
        at += size
    at = len(data) if data[at : at + 4] == b"fLaC" else _next(data, at)
    _, kind = _frame(data, at)
    while at < len(data):
        size, own = _frame(data, at)
        if own == kind:
            begin = parts.pop()[0] if parts and parts[-1][1] == at else at
            at, count = at + size, count + 1
            parts.append((begin, at))
        elif size := _tag(data, at):
            at += size
        elif _next(data, at, kind) < len(data):
            raise BrokenError("is damaged in the middle")
        else:
            break
    if at > len(data) and parts and parts[-1][1] == at:
        raise BrokenError("breaks off before its end")
    return parts, count


def _mpeg(data) -> list | None:
    """Count the frames of an MP3. If its header doesn't know how many there are, return a file whose header does."""
    parts, count = _frames(data)
    if not parts or data[parts[0][0] + 1] & 6 != 2:  # layers I and II have no such header
        return None
    begin, end = parts[0]
    first = data[begin : begin + _frame(data, begin)[0]]
    mpeg1, mono = first[1] & 0x18 == 0x18, first[3] >> 6 == 3
    side = 4 + (32, 17)[mono] if mpeg1 else 4 + (17, 9)[mono]
    xing, vbri = first[side : side + 4] in (b"Xing", b"Info"), first[36:40] == b"VBRI"
    if xing or vbri:
        place = side + 8 if xing else 50
        known = vbri or int.from_bytes(first[side + 7 : side + 8]) & 1
        promised = int.from_bytes(first[place : place + 4], "big") if known else count
        parts[0], count = (begin + len(first), end), count - 1
        if promised > count + 1:
            raise BrokenError("breaks off before its end")
        if xing and known and promised >= count - 1:
            return None
    head = bytes([255, first[1] | 1, (0x50 if mpeg1 else 0x80) | first[2] & 0x0C, first[3]])  # of 64 kbit/s
    info = head + bytes(side - 4) + b"Info\0\0\0\1" + count.to_bytes(4, "big")
    return [info.ljust(_frame(head, 0)[0], b"\0"), *(memoryview(data)[slice(*part)] for part in parts)]

"""Archives, entry by entry. What a store does with hostile ones is in tests/faults."""

import gzip
import io
import re
import tarfile
import tracemalloc

import pytest

from course_utils import archives

DAMAGED = "it is no .tar.gz, breaks off, or is damaged"
LONG = "a" * 100


def tar(*entries):
    """Return a .tar, without the zeros at its end, of the names of folders and of (name, body) or (name, type)."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as file:
        for entry in entries:
            name, what = (entry, tarfile.DIRTYPE) if isinstance(entry, str) else entry
            member = tarfile.TarInfo(name)
            if what in (tarfile.DIRTYPE, tarfile.SYMTYPE):
                member.type = what
                file.addfile(member)
            else:
                member.size = len(what)
                file.addfile(member, io.BytesIO(what))
        end = file.offset
    return stream.getvalue()[:end]


def read(*entries, end=bytes(1024)):
    """Return the files of an archive of some entries, or what is said of it."""
    try:
        return archives.read(gzip.compress(tar(*entries) + end, mtime=0))
    except archives.ArchiveError as error:
        return str(error)


FEW = (("a", b"x"), ("b/c", b"y"))
READ = {
    "files": (FEW, {"a": b"x", "b/c": b"y"}),
    "an empty file": ([("a", b"")], {"a": b""}),
    "points in a path": ([("./a", b"x"), ("b/./c", b"y")], {"a": b"x", "b/c": b"y"}),
    "the folder itself": (["./", *FEW], {"a": b"x", "b/c": b"y"}),
    "the folders": (["b", "b/d", "b/d/e", *FEW, ("b/d/f", b"z")], {"a": b"x", "b/c": b"y", "b/d/f": b"z"}),
    "the folders, behind their files": ([*FEW, "b"], {"a": b"x", "b/c": b"y"}),
    "a folder twice": (["b", *FEW, "b"], {"a": b"x", "b/c": b"y"}),
    "as many entries as may be": ([(f"f{n}", b"") for n in range(1000)], {f"f{n}": b"" for n in range(1000)}),
    "one more": ([(f"f{n}", b"") for n in range(1001)], "it is damaged, or has more than 1000 entries"),
    "nothing": ([], "there is no file in it"),
    "folders only": (["./", "a"], "there is no file in it"),
    "a folder that leads elsewhere": (["../b", *FEW], "'../b' is no path that may be written"),
    "a file called .": ([(".", b"x")], "'.' is no path that may be written"),
    "a file with a long, bad name": ([(f"{LONG}:", b"x")], f"'{LONG[:80]}' is no path that may be written"),
    "a link": ([("a", tarfile.SYMTYPE)], "'a' is neither a file nor a folder"),
    "a link with a long name": ([(LONG, tarfile.SYMTYPE)], f"'{LONG[:80]}' is neither a file nor a folder"),
    "a file twice": ([*FEW, ("b/c", b"y")], "it holds 'b/c' twice"),
    "a file twice, with a long name": ([(LONG, b""), (LONG, b"")], f"it holds '{LONG[:80]}' twice"),
    "a file in two spellings": ([*FEW, ("b/C", b"y")], "it holds 'b/C' twice"),
    "a folder in two spellings": ([*FEW, ("B/d", b"y")], "it holds 'B' twice"),
    "a file that is a folder, too": ([*FEW, ("b/c/d", b"y")], "it holds 'b/c' twice"),
    "a folder that is a file, too": ([*FEW, ("b", b"y")], "it holds 'b' twice"),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name):
    entries, right = READ[name]
    assert read(*entries) == right


@pytest.mark.parametrize(
    ("end", "is_good"),
    [(b"", False), (bytes(511), False), (bytes(512), True), (bytes(513), True), (bytes(512) + b"rubbish", True)],
    ids=["nothing", "511 zeros", "512 zeros", "513 zeros", "512 zeros and rubbish"],
)
def test_the_end_of_an_archive(end, is_good):
    assert read(*FEW, end=end) == ({"a": b"x", "b/c": b"y"} if is_good else "it breaks off, or is damaged")


def test_rubbish_behind_a_file():
    assert read(*FEW, end=b"rubbish" * 200) == "it breaks off, or is damaged"


STRANGERS = {
    "nothing": b"",
    "rubbish": b"rubbish",
    "compressed rubbish": gzip.compress(b"rubbish"),
    "an archive without its last byte": gzip.compress(tar(*FEW) + bytes(1024))[:-1],
    "an archive that is compressed twice": gzip.compress(gzip.compress(tar(*FEW) + bytes(1024))),
    "an archive that isn't compressed": tar(*FEW) + bytes(1024),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_archive(name):
    with pytest.raises(archives.ArchiveError, match=f"^{re.escape(DAMAGED)}$"):
        archives.read(STRANGERS[name])


def test_how_much_an_archive_may_unpack_to():
    files = tar(*FEW)
    for count in range(1_200_000, 1_200_100):  # zeros behind what is packed are nobody's, but make its size fit
        packed = gzip.compress(files + bytes(count - len(files)), mtime=0)
        padding, rest = divmod(count - 1_000_000 - 20 * len(packed), 20)
        if not rest:
            break
    assert not rest
    assert archives.read(packed + bytes(padding)) == {"a": b"x", "b/c": b"y"}
    more = gzip.compress(files + bytes(count + 1 - len(files)), mtime=0)
    with pytest.raises(archives.ArchiveError, match=rf"^it unpacks to more than {count:,} bytes$"):
        archives.read(more + bytes(padding + len(packed) - len(more)))


def test_no_more_is_unpacked_than_may_be():
    packed = gzip.compress(bytes(50_000_000), 1)
    tracemalloc.start()
    with pytest.raises(archives.ArchiveError, match="unpacks to more than"):
        archives.read(packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


# --- what was unpacked ---

WANTED = archives.digests({"a": b"x", "b/c": b"y"})


def test_a_folder_that_is_not_there_or_is_a_file(tmp_path):
    folder = tmp_path / "folder"
    assert archives.differences(folder, WANTED) == ([], ["a", "b/c"])
    folder.write_bytes(b"x")
    assert archives.differences(folder, WANTED) == ([folder], ["a", "b/c"])


def test_a_folder_is_made_to_hold_the_archive_and_nothing_else(tmp_path):
    folder, files, scratch = tmp_path / "deep/folder", {"a": b"x", "b/c/d": b"y"}, tmp_path / "scratch"
    archives.mend(folder, files, scratch)
    first = (folder / "b/c/d").stat()
    (folder / "a").unlink()
    (folder / "a/foreign").mkdir(parents=True)
    (folder / "b/foreign").write_bytes(b"x")
    wanted = archives.digests(files)
    assert archives.differences(folder, wanted) == ([folder / "a", folder / "b/foreign"], ["a"])
    archives.mend(folder, files, scratch)
    assert archives.differences(folder, wanted) == ([], [])
    second = (folder / "b/c/d").stat()
    assert (second.st_ino, second.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)  # what is right stays
    assert not scratch.exists()


def test_links_are_wrong_even_to_what_is_right(tmp_path):
    folder, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    archives.mend(elsewhere, {"a": b"x", "b/c": b"y"}, tmp_path / "scratch")
    assert archives.differences(elsewhere, WANTED) == ([], [])
    folder.mkdir()
    try:
        (folder / "a").symlink_to(elsewhere / "a")
        (folder / "b").symlink_to(elsewhere / "b", target_is_directory=True)
    except OSError:
        pytest.skip("links can't be made here")
    assert archives.differences(folder, WANTED) == ([folder / "a", folder / "b"], ["a", "b/c"])
    archives.mend(folder, {"a": b"x", "b/c": b"y"}, tmp_path / "scratch")
    assert archives.differences(folder, WANTED) == ([], [])
    assert archives.differences(elsewhere, WANTED) == ([], [])


def test_a_file_that_cannot_be_read_is_wrong(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(path)

    archives.mend(tmp_path / "folder", {"a": b"x"}, tmp_path / "scratch")
    monkeypatch.setattr(archives, "open", refuse, raising=False)
    assert archives.differences(tmp_path / "folder", {"a": WANTED["a"]}) == ([tmp_path / "folder/a"], ["a"])

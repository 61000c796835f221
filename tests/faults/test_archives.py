"""Archives that are hostile or damaged, what was unpacked and has changed, and processes that are killed."""

import gzip
import io
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import BODY, version

from course_utils import archives, assets

from .checker import check, snapshot
from .conftest import ROOT
from .test_downloads import as_nobody, open_tmp  # noqa: F401 - a fixture

KIND = "Archives"
ROUNDS = int(os.environ.get("COURSE_ROUNDS", 6))
FILES = {"saved_model.pb": bytes(range(256)) * 300, "variables/data": b"abc" * 50_000, "assets/map.csv": b"index\n"}


def pack(*entries, end=b"", cut=None) -> bytes:
    """Return a .tar.gz of (name, body) or (name, type, link) entries."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, what, *link in entries:
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = what, link[0]
                tar.addfile(member)
            else:
                member.size = len(what)
                tar.addfile(member, io.BytesIO(what))
    return gzip.compress((stream.getvalue() + end)[:cut], mtime=0)


GOOD = pack(*FILES.items())
HOSTILE = {
    "a path leads out of the folder": pack(("../out", b"x")),
    "a path leads out of the folder, later on": pack(("a", b"x"), ("b/../../out", b"x")),
    "a path is absolute": pack(("/out", b"x")),
    "a path is one of Windows": pack(("..\\out", b"x")),
    "a path begins with a drive": pack(("C:out", b"x")),
    "a name is a device on Windows": pack(("con.txt", b"x")),
    "a name ends in a dot": pack(("name.", b"x")),
    "a name is empty": pack(("", b"x")),
    "a name holds a line break": pack(("a\nb", b"x")),
    "a name is far too long": pack(("a" * 5000, b"x")),
    "a link leads out of the folder": pack(("a", tarfile.SYMTYPE, "/etc/passwd")),
    "a link to a folder, and a file in it": pack(("a", tarfile.SYMTYPE, "/tmp"), ("a/out", b"x")),
    "a hard link leads out of the folder": pack(("a", tarfile.LNKTYPE, "../../out")),
    "there is a device in it": pack(("a", tarfile.CHRTYPE, "")),
    "there is a pipe in it": pack(("a", tarfile.FIFOTYPE, "")),
    "a name is there twice": pack(("a", b"x"), ("a", b"y")),
    "a name is there twice, once in capital letters": pack(("a", b"x"), ("A", b"y")),
    "a name is a file and a folder": pack(("a", b"x"), ("a/b", b"y")),
    "it unpacks to a thousand times its size": pack(("a", bytes(30_000_000))),
    "it has very many files": pack(*((f"f{i}", b"") for i in range(archives.MANY + 1))),
    "there is nothing in it": pack(),
    "there is only a folder in it": pack(("a", tarfile.DIRTYPE, "")),
    "it is empty": b"",
    "it is no archive": b"this is no archive" * 100,
    "it is compressed, and no archive": gzip.compress(b"this is no archive" * 100),
    "it breaks off": GOOD[: len(GOOD) // 2],
    "its last byte is missing": GOOD[:-1],
    "the archive within breaks off in a file": pack(*FILES.items(), cut=50_000),
    "the archive within breaks off between two files": pack(*FILES.items(), cut=512 + 76_800),
    "a byte of it is another": GOOD[:200] + bytes([GOOD[200] ^ 255]) + GOOD[201:],
    "a header within it is damaged": gzip.compress(gzip.decompress(GOOD).replace(b"variables", b"Variables", 1)),
}


@pytest.fixture
def make(tmp_path):
    """Make a store of one archive, which lies in its cache."""

    def store(body=GOOD, mode="auto", cache=None):
        row = {"title": "Pack", "path": "pack.tar.gz", "unpack": True, "files": [version(body)]}
        cache = cache or tmp_path / "cache"
        cache.mkdir(exist_ok=True)
        (cache / "pack.tar.gz").write_bytes(body)
        return assets.Store(mode, cache, None, {"pack": row | {"embedded_title": "nothing"}})

    return store


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(make, tmp_path, fault, name):
    before = snapshot(tmp_path.parent)
    seen, cache = check(make(HOSTILE[name]), "pack", {}, whole=(HOSTILE[name],))
    full, _ = check(make(HOSTILE[name], "full"), "pack", {}, whole=(HOSTILE[name],))
    assert not seen.is_real
    assert not full.is_real
    assert not (tmp_path / "cache/unpacked").exists()
    outside = {path for path in snapshot(tmp_path.parent) if "cache" not in path} - before.keys()
    assert not outside
    fault(KIND, name, seen.said, cache, seen.seconds)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(gzip.decompress(GOOD)) - 1), st.binary(min_size=1, max_size=64))
def test_any_damage_within_ends_in_files_or_a_refusal(at, noise):
    data = gzip.decompress(GOOD)
    try:
        found = archives.read(gzip.compress(data[:at] + noise + data[at + len(noise) :], 1))
    except archives.ArchiveError:
        return
    assert all(archives.PLAIN.fullmatch(part) for name in found for part in name.split("/"))


# --- what is unpacked ---


def _zero(folder):
    for name, body in FILES.items():
        (folder / name).write_bytes(bytes(len(body)))


def _flip(folder):
    body = FILES["variables/data"]
    (folder / "variables/data").write_bytes(bytes([body[0] ^ 1]) + body[1:])


def _swap(path, make):
    path.unlink()
    make(path)


CHANGES = {
    "all unpacked files hold zeros": _zero,
    "one bit of an unpacked file is another": _flip,
    "an unpacked file is missing": lambda folder: (folder / "saved_model.pb").unlink(),
    "an unpacked file is empty": lambda folder: (folder / "saved_model.pb").write_bytes(b""),
    "a foreign file lies among the unpacked ones": lambda folder: (folder / "variables/more").write_bytes(b"x"),
    "a foreign folder lies among the unpacked files": lambda folder: (folder / "more/deep").mkdir(parents=True),
    "a killed process left half a file": lambda folder: (
        folder.with_name(f".{folder.name}.123456.1.part").write_bytes(b"x"),
        (folder / "saved_model.pb").unlink(),
    ),
    "an unpacked file is a link": lambda folder: _swap(
        folder / "saved_model.pb", lambda path: path.symlink_to("/etc/passwd")
    ),
    "a folder lies in the place of an unpacked file": lambda folder: _swap(folder / "saved_model.pb", Path.mkdir),
    "an unpacked folder is a link": lambda folder: (
        (folder / "variables").rename(folder.parent.parent / "elsewhere"),
        (folder / "variables").symlink_to(folder.parent.parent / "elsewhere"),
    ),
    "the whole folder is a link": lambda folder: (
        folder.rename(folder.parent.parent / "elsewhere"),
        folder.symlink_to(folder.parent.parent / "elsewhere"),
    ),
}


@pytest.mark.skipif(os.name == "nt", reason="links are of another kind here")
@pytest.mark.parametrize("again", ["the same process", "another process"])
@pytest.mark.parametrize("name", CHANGES)
def test_what_is_unpacked_and_has_changed_is_mended(make, fault, name, again):
    store = make()
    folder = store.resolve("pack").path
    CHANGES[name](folder)
    store = store if again == "the same process" else make()
    seen, cache = check(store, "pack", FILES, whole=(GOOD,))
    assert seen.is_real
    assert snapshot(folder) == {f"{folder.name}/{path}": kind for path, kind in snapshot_of(FILES).items()}, (
        "nothing else is there"
    )
    if again == "another process":
        fault(KIND, name, seen.said or "nothing, for it is mended", cache, seen.seconds)


def snapshot_of(files):
    """Return what :func:`checker.snapshot` says of a folder with these files."""
    folders = {name.rpartition("/")[0] for name in files} - {""}
    return archives.digests(files) | dict.fromkeys(folders, "folder")


@pytest.mark.parametrize("damaged", [False, True])
def test_an_unpacked_folder_that_cannot_be_written(make, open_tmp, fault, damaged):  # noqa: F811
    folder = make(cache=open_tmp / "cache").resolve("pack").path
    if damaged:
        _flip(folder)
    for path in sorted((open_tmp / "cache").rglob("*"), reverse=True):
        if path.is_dir():
            path.chmod(0o555)
    (open_tmp / "cache").chmod(0o555)
    store = make(cache=open_tmp / "other")
    store.cache = open_tmp / "cache"
    with as_nobody():
        seen, cache = check(store, "pack", FILES, whole=(GOOD,))
    assert seen.is_real != damaged
    if damaged:
        assert "its files are damaged, and cannot be mended" in seen.said
        fault(KIND, "unpacked files are damaged, and cannot be written", seen.said, cache, seen.seconds)


def test_an_archive_that_changes_after_its_check_is_not_unpacked(make, tmp_path, monkeypatch):
    store, checked = make(), assets.version_of

    def version_of(path, files):
        variant = checked(path, files)
        path.write_bytes(pack(("saved_model.pb", b"hostile")))
        return variant

    monkeypatch.setattr(assets, "version_of", version_of)
    assert not store.resolve("pack").is_real
    assert not (tmp_path / "cache/unpacked").exists()


# --- repair ---


def test_repair_mends_what_it_knows_and_nothing_else(make, tmp_path):
    store, cache = make(), tmp_path / "cache"
    assert store.problems() == store.repair() == []
    folder = store.resolve("pack").path
    assert store.problems() == []
    good = snapshot(cache)
    _flip(folder)
    (cache / ".pack.tar.gz.1.1.part").write_bytes(b"half")
    (cache / ".own.part").write_bytes(b"own")
    (cache / "own.lock").write_bytes(b"own")
    (cache / "unreachable.json").write_text("{")
    (cache / "features/net").mkdir(parents=True)
    (cache / "features/net/clip-0123456789abcdef.npz").write_bytes(b"no features")
    before = snapshot(cache)
    assert len(store.problems()) == 4
    assert snapshot(cache) == before  # to look changes nothing
    said = store.repair()
    assert any("unpacked again" in line for line in said)
    assert all(line.endswith(".") for line in said)
    own = {"cache/.own.part": snapshot(cache)["cache/.own.part"], "cache/own.lock": snapshot(cache)["cache/own.lock"]}
    left = {"cache/features": "folder", "cache/features/net": "folder"}
    assert {k: v for k, v in snapshot(cache).items()} == {
        key: kind for key, kind in (good | own | left).items() if key == "cache/own.lock" or not key.endswith(".lock")
    }
    assert store.problems() == store.repair() == []


def test_repair_sets_a_damaged_file_aside(make, tmp_path):
    store = make()
    (tmp_path / "cache/pack.tar.gz").write_bytes(b"somebody's own")
    assert store.problems() == [f"{tmp_path / 'cache/pack.tar.gz'} is damaged, or is another file."]
    store.repair()
    assert (tmp_path / "cache/pack.tar.gz.damaged").read_bytes() == b"somebody's own"
    assert not (tmp_path / "cache/pack.tar.gz").exists()
    assert store.problems() == []


# --- kill -9, and many processes ---

LARGE = {f"part{i}.bin": random.Random(i).randbytes(200_000) for i in range(12)}
RUN = """
import shutil, sys
import requests
from course_utils import assets
rows, cache, unpack = {rows!r}, {cache!r}, {unpack!r}
print("begin", flush=True)
while True:
    store = assets.Store("full", cache, None, rows)
    for name in rows:
        store.resolve(name)
    if not unpack:
        break
    shutil.rmtree(cache + "/unpacked")
"""


@pytest.fixture(scope="module")
def large():
    """An archive of some size, and the table that has it and another file."""
    return pack(*LARGE.items())


def table_of(large, url):
    rows = {"thing": {"title": "A thing", "path": "things/thing.bin", "files": [version(BODY, f"{url}/thing")]}}
    files = [version(large, f"{url}/pack")]
    rows["pack"] = {"title": "Pack", "path": "pack.tar.gz", "unpack": True, "files": files}
    return {name: row | {"embedded_title": "nothing"} for name, row in rows.items()}


def whole(cache, large) -> dict[str, tuple]:
    """Assert that no file is half under a final name; return those that are there."""
    bodies = {"thing.bin": BODY, "pack.tar.gz": large} | LARGE
    files = [path for path in cache.rglob("*") if path.is_file() and path.name in bodies]
    assert all(path.read_bytes() == bodies[path.name] for path in files)
    return {str(path): path.stat().st_ino for path in files if "unpacked" not in path.parts}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")
@pytest.mark.parametrize("unpack", [False, True], ids=["prefetch", "unpacking"])
def test_kill_9_at_any_moment(server, large, tmp_path, fault, unpack):
    one = server(always="steps")
    one.files |= {"/thing": BODY, "/pack": large}
    rows, start, chance = table_of(large, one.url), time.monotonic(), random.Random(0)
    for number in range(ROUNDS):
        cache = tmp_path / str(number)
        code = RUN.format(rows=rows, cache=str(cache), unpack=unpack)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
        process.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = whole(cache, large)
        store = assets.Store("full", cache, None, rows)
        for name in rows:
            store.resolve(name)
        assert not list(cache.rglob("*.part"))
        assert check(store, "thing", {"": BODY})[0].is_real
        assert check(store, "pack", LARGE, whole=(large,))[0].is_real
        assert before.items() <= whole(cache, large).items()  # nothing was lost or fetched again
    seconds = (time.monotonic() - start) / ROUNDS
    what = "while it unpacks an archive" if unpack else "while it downloads"
    fault(KIND, f"the process is killed {what}", "nothing, for the next run goes on", "the files, whole", seconds)


def _resolve(rows, cache, results):
    store = assets.Store("full", cache, None, rows)
    results.put((store.resolve("thing").path.read_bytes() == BODY, len(list(store.resolve("pack").path.iterdir()))))


@pytest.mark.slow
def test_eight_processes_share_one_download(server, large, tmp_path, fault):
    one = server(always="steps")
    one.files |= {"/thing": BODY, "/pack": large}
    context, start = multiprocessing.get_context("spawn"), time.monotonic()
    results = context.Queue()
    arguments = table_of(large, one.url), tmp_path / "cache", results
    jobs = [context.Process(target=_resolve, args=arguments) for _ in range(8)]
    for job in jobs:
        job.start()
    assert [results.get(timeout=100) for _ in jobs] == [(True, len(LARGE))] * 8
    for job in jobs:
        job.join()
    assert len(one.agents) == 2  # one for each file
    assert not list(tmp_path.rglob("*.part"))
    name, sees = "eight notebooks fetch the same at once", "nothing: one downloads, and the others wait"
    fault(KIND, name, sees, "the files, whole", time.monotonic() - start)

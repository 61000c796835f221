"""The cache is looked through and mended: what people read, that nothing whole is lost, and nothing of their own."""

import contextlib
import errno
import json
import os
import time
from pathlib import Path

import filelock
import pytest
from serving import BODY, as_nobody, version

from course_utils import assets

from .checker import snapshot
from .test_archives import FILES, GOOD, pack
from .test_downloads import open_tmp  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and permissions are of another kind here")
OWN = b"somebody's own"
DIGEST = version(GOOD)["hash"].partition(":")[2][:12]
UNPACKED = f"unpacked/pack-{DIGEST}"
KEPT = "0123456789abcdef"


def store_in(cache, archive=GOOD):
    """Return a store of a file, and of an archive."""
    thing = {"title": "A thing", "path": "things/thing.bin", "files": [version(BODY)]}
    packed = {"title": "Pack", "path": "pack.tar.gz", "unpack": True, "files": [version(archive)]}
    return assets.Store("auto", cache, None, {"thing": thing | {"embedded_title": "x"}, "pack": packed})


@pytest.fixture
def store(tmp_path):
    """Return a store whose cache holds both, whole, and the archive unpacked."""
    cache = tmp_path / "cache"
    (cache / "things").mkdir(parents=True)
    (cache / "things/thing.bin").write_bytes(BODY)
    (cache / "pack.tar.gz").write_bytes(GOOD)
    store_in(cache).resolve("pack")
    for lock in cache.rglob("*.lock"):
        lock.unlink()
    return store_in(cache)


def old(path, body=b"half"):
    """Write a file, two minutes ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    os.utime(path, (time.time() - 120, time.time() - 120))


def own(folder):
    """Put a folder with a file in the place of something."""
    folder.mkdir(parents=True)
    (folder / "own.txt").write_bytes(OWN)


def replaced(path, make):
    """Make something in the place of a file or of a folder, which is moved away."""
    path.rename(path.with_name(f"moved-{path.name}"))
    make(path)


ILLS = {  # what is done to the cache, and what is read of it, before and after the colon
    "a file in the place of a folder": (
        lambda cache: replaced(cache / "things", lambda path: path.write_bytes(OWN)),
        ("{cache}/things is no folder, but one belongs there", "renamed to {cache}/things.damaged"),
    ),
    "a link that leads nowhere in the place of a folder": (
        lambda cache: replaced(cache / "things", lambda path: path.symlink_to("nowhere")),
        ("{cache}/things is no folder, but one belongs there", "renamed to {cache}/things.damaged"),
    ),
    "a link to itself in the place of a folder": (
        lambda cache: replaced(cache / "things", lambda path: path.symlink_to("things")),
        ("{cache}/things is no folder, but one belongs there", "renamed to {cache}/things.damaged"),
    ),
    "a pipe in the place of a folder": (
        lambda cache: replaced(cache / "things", os.mkfifo),
        ("{cache}/things is no folder, but one belongs there", "renamed to {cache}/things.damaged"),
    ),
    "a file in the place of the folder of features": (
        lambda cache: (cache / "features").write_bytes(OWN),
        ("{cache}/features is no folder, but one belongs there", "renamed to {cache}/features.damaged"),
    ),
    "a folder in the place of a file": (
        lambda cache: replaced(cache / "things/thing.bin", own),
        (
            "{cache}/things/thing.bin is damaged, or is another file",
            "renamed to {cache}/things/thing.bin.damaged",
        ),
    ),
    "another file, and one that was set aside before": (
        lambda cache: [
            replaced(cache / "things/thing.bin", lambda path: path.write_bytes(OWN)),
            (cache / "things/thing.bin.damaged").write_bytes(OWN),
        ],
        (
            "{cache}/things/thing.bin is damaged, or is another file",
            "renamed to {cache}/things/thing.bin.damaged2",
        ),
    ),
    "a folder in the place of a lock": (
        lambda cache: own(cache / "things/thing.bin.lock"),
        (
            "{cache}/things/thing.bin.lock is a folder, but a file belongs there",
            "renamed to {cache}/things/thing.bin.lock.damaged",
        ),
    ),
    "a link to itself in the place of a file": (
        lambda cache: replaced(cache / "things/thing.bin", lambda path: path.symlink_to("thing.bin")),
        (
            "{cache}/things/thing.bin is no file, but one belongs there",
            "renamed to {cache}/things/thing.bin.damaged",
        ),
    ),
    "a folder in the place of the memory of failures": (
        lambda cache: own(cache / "unreachable.json"),
        ("{cache}/unreachable.json is not a file", "renamed to {cache}/unreachable.json.damaged"),
    ),
    "features of a computation that was stopped": (
        lambda cache: old(cache / f"features/net-own/.clip-{KEPT}.123.456.npz"),
        (
            "{cache}/features/net-own/.clip-" + KEPT + ".123.456.npz is left over from a computation that was stopped",
            "removed",
        ),
    ),
    "half a download": (
        lambda cache: old(cache / "things/.thing.bin.123.456.part"),
        ("{cache}/things/.thing.bin.123.456.part is left over from a download that was stopped", "removed"),
    ),
    "half an unpacked file": (
        lambda cache: old(cache / f"unpacked/.pack-{DIGEST}.123.456.part"),
        ("{cache}/unpacked/.pack-" + DIGEST + ".123.456.part is left over from a download that was stopped", "removed"),
    ),
    "half a memory of failures": (
        lambda cache: old(cache / ".unreachable.json.123.456.part"),
        ("{cache}/.unreachable.json.123.456.part is left over from a download that was stopped", "removed"),
    ),
    "an unpacked file that is damaged": (
        lambda cache: (cache / UNPACKED / "saved_model.pb").write_bytes(b"damaged"),
        ("{cache}/" + UNPACKED + " differs from pack.tar.gz, of which it is unpacked", "unpacked again"),
    ),
}


def whole(cache):
    """Return how often each whole file and each of somebody's own is there, under whatever name."""
    bodies = [path.read_bytes() for path in cache.rglob("*") if path.is_file() and not path.is_symlink()]
    return {body: bodies.count(body) for body in (BODY, GOOD, OWN)}


@pytest.mark.parametrize("name", ILLS)
def test_what_is_wrong_is_said_and_mended(store, name):
    prepare, said = ILLS[name]
    assert store.problems() == store.repair() == []
    prepare(store.cache)
    what, *how = (part.format(cache=store.cache) for part in said)
    before, bodies = snapshot(store.cache), whole(store.cache)
    assert store.problems() == [f"{what}."]
    assert snapshot(store.cache) == before  # to look changes nothing
    mended = store.repair()
    assert mended[0] == ": ".join([what, *how]) + "."
    assert mended[1:] in ([], ["1 locks that nobody held: removed."])
    assert whole(store.cache) == bodies
    assert store.problems() == ([] if how else [f"{what}."])
    assert {name: (store.cache / UNPACKED / name).read_bytes() for name in FILES} == FILES


def test_a_cache_that_is_no_folder(tmp_path):
    (tmp_path / "file").write_bytes(OWN)
    (tmp_path / "link").symlink_to("nowhere")
    for cache in (tmp_path / "file", tmp_path / "link"):
        said = [f"{cache} is not a folder: set COURSE_CACHE to one."]
        assert store_in(cache).problems() == store_in(cache).repair() == said
    assert (tmp_path / "file").read_bytes() == OWN
    assert (tmp_path / "link").is_symlink()
    assert store_in(tmp_path / "nothing").problems() == store_in(tmp_path / "nothing").repair() == []
    assert not (tmp_path / "nothing").exists()


NAMES = [  # of somebody's own files, beside what the course puts there
    "things/.thing.bin.part", "things/.other.bin.1.2.part", "things/thing.bin.bak", "things/thing.lock", "own.lock",
    "unpacked/notes.lock", "unpacked/.notes.1.2.part", "unpacked/own/file", "things/.unreachable.json.1.2.part",
    "features/own.npz", "features/net-own/own.npz", "features/net-own/.own.1.npz", "features/net-own/.own.1.2.npz",
    "features/net-own/own-0123.npz", "features/.own.npz", "animal_classifier/own.keras",
]  # fmt: skip


def test_nothing_of_somebodys_own_is_touched(store):
    for name in NAMES:
        old(store.cache / name, OWN)
    for name in (f"features/net-own/clip-{KEPT}.npz", f"unpacked/.pack-{DIGEST}.1.2.part"):
        own(store.cache / name)  # folders
    before = snapshot(store.cache)
    assert store.problems() == store.repair() == []
    assert snapshot(store.cache) == before


def test_what_is_being_written_stays(store):
    """A download holds its lock, and another process computes features."""
    (store.cache / "things/thing.bin").write_bytes(b"half")
    old(store.cache / "things/.thing.bin.123.456.part")
    (scratch := store.cache / f"features/net-own/.clip-{KEPT}.123.456.npz").parent.mkdir(parents=True)
    scratch.write_bytes(b"half")
    with filelock.FileLock(store.cache / "things/thing.bin.lock", thread_local=False):
        before = snapshot(store.cache)
        assert store.problems() == store.repair() == []
        assert snapshot(store.cache) == before
    assert len(store.problems()) == 2
    assert store.repair()[-1] == "1 locks that nobody held: removed."
    assert scratch.exists()


def test_what_failed_is_asked_again(store):
    memory = store.cache / "unreachable.json"
    memory.write_text(json.dumps({"host.example": [time.time(), 9.0, "no answer"]}))
    store = store_in(store.cache)
    assert store._fetcher.known("host.example") == "no answer"
    assert store.problems() == []  # it is whole
    assert store.repair() == ["The addresses that failed in the last hour are asked again."]
    assert store._fetcher.known("host.example") is None
    assert not memory.exists()


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": 1}', '{"a": [1, 2]}', b"\xff\xfe"])
def test_a_memory_of_failures_that_is_damaged(store, text):
    memory = store.cache / "unreachable.json"
    memory.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert store.problems() == [f"{memory} is damaged."]
    assert store.repair() == [f"{memory} is damaged: removed."]
    assert not memory.exists()


# --- another owner ---


@pytest.fixture
def shared(store, open_tmp):  # noqa: F811
    """The same cache where another user can look at it."""
    cache = store.cache.rename(open_tmp / "cache")
    for path in (cache, *cache.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return cache


def test_a_cache_that_may_not_be_written(shared):
    (shared / "things/thing.bin").write_bytes(OWN)
    old(shared / ".unreachable.json.123.456.part")
    (shared / "unreachable.json").write_text(json.dumps({"host.example": [time.time(), 9.0, "no answer"]}))
    (shared / "pack.tar.gz.lock").touch()
    (shared / UNPACKED / "saved_model.pb").write_bytes(b"damaged")
    before = snapshot(shared)
    with as_nobody():
        said = store_in(shared).repair()
    assert said == [
        f"{shared}/.unreachable.json.123.456.part is left over from a download that was stopped, "
        "and could not be mended: Permission denied.",
        f"{shared}/things/thing.bin is damaged, or is another file, and could not be mended: Permission denied.",
        f"{shared}/{UNPACKED} differs from pack.tar.gz, of which it is unpacked, "
        "and could not be mended: Permission denied.",
    ]
    assert snapshot(shared) == before


UNREADABLE = (
    "{}/things/thing.bin cannot be read (Permission denied): run `chmod -R a+rX {}/things` as its owner, "
    "or set COURSE_CACHE to a folder of your own."
)
LOCKED = {  # what may not be read, and what is said
    "the file": ("things/thing.bin", UNREADABLE),
    "the folder": ("things", UNREADABLE),
    "the whole cache": ("", UNREADABLE),
    "features": (f"features/net-own/clip-{KEPT}.npz", None),
    "the folder of features": ("features/net-own", None),
    "all features": ("features", None),
    "the memory of failures": ("unreachable.json", "{}/unreachable.json is damaged"),
}


@pytest.mark.parametrize("name", LOCKED)
def test_what_may_not_be_read_is_not_removed(shared, name):
    """It may be whole."""
    place, words = LOCKED[name]
    if "features" in name:
        old(shared / f"features/net-own/clip-{KEPT}.npz", OWN)
    if "memory" in name:
        (shared / "unreachable.json").write_text("{}")
    for folder in (shared, *filter(Path.is_dir, shared.rglob("*"))):
        folder.chmod(0o777)  # who may write in a folder may remove what is in it
    before, mode = snapshot(shared), (shared / place).stat().st_mode
    (shared / place).chmod(0)
    with as_nobody():
        said = [store_in(shared).problems(), store_in(shared).repair()]
    with contextlib.suppress(FileNotFoundError):
        (shared / place).chmod(mode)
    for lines in said:
        assert lines[0].startswith(words.replace("{}", str(shared))) if words else lines == []
    after = snapshot(shared)
    assert {path: kind for path, kind in before.items() if after.get(path) != kind}.keys() <= {"cache/unreachable.json"}


def test_a_disk_that_fails_meanwhile(store, monkeypatch):
    (store.cache / "things/thing.bin").write_bytes(OWN)
    old(store.cache / "things/.thing.bin.123.456.part")

    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        said = store.repair()
    assert said[1].endswith("is damaged, or is another file, and could not be mended: Input/output error.")
    assert said[0].endswith(": removed.")  # what can be mended is
    assert (store.cache / "things/thing.bin").read_bytes() == OWN


def test_an_archive_that_is_refused_is_not_unpacked_again(store):
    """It is in the table, and hostile: nothing is written."""
    hostile = pack(("../out", b"x"))
    (store.cache / "pack.tar.gz").write_bytes(hostile)
    before = snapshot(store.cache)
    assert store_in(store.cache, hostile).problems() == store_in(store.cache, hostile).repair() == []
    assert snapshot(store.cache) == before


def test_an_archive_that_changes_while_it_is_mended(store, monkeypatch):
    (store.cache / UNPACKED / "saved_model.pb").write_bytes(b"damaged")
    checked = assets._checked

    def changed(path, files):
        body = checked(path, files)
        path.write_bytes(OWN)
        return body

    monkeypatch.setattr(assets, "_checked", changed)
    said = store.repair()
    assert said[0].endswith(
        "and could not be mended: it has changed since it was looked up, and is not the file any more."
    )
    assert (store.cache / "pack.tar.gz").read_bytes() == OWN


def test_an_unpacked_file_that_may_not_be_read_is_written_again(shared):
    (shared / UNPACKED).chmod(0o777)
    for folder in (shared, *filter(Path.is_dir, shared.rglob("*"))):
        folder.chmod(0o777)
    (shared / UNPACKED / "saved_model.pb").chmod(0)
    with as_nobody():
        asset = store_in(shared).resolve("pack")
    assert asset.is_real
    assert {name: (asset.path / name).read_bytes() for name in FILES} == FILES


def test_an_archive_of_the_folder_itself(tmp_path):
    """As `tar czf pack.tar.gz .` writes it."""
    import tarfile

    body = pack((".", tarfile.DIRTYPE, ""), ("./a", b"x"), ("./b", tarfile.DIRTYPE, ""), ("./b/c", b"y"))
    (tmp_path / "pack.tar.gz").write_bytes(body)
    asset = store_in(tmp_path, body).resolve("pack")
    assert sorted(path.relative_to(asset.path).as_posix() for path in asset.path.rglob("*")) == ["a", "b", "b/c"]
    assert store_in(tmp_path, body).problems() == []

"""Stores of assets, word for word: what exactly they say, where each limit lies, and in which order they look."""

import contextlib
import errno
import hashlib
import io
import itertools
import os
import re
import sys
import time
import types
import warnings
from pathlib import Path

import filelock
import pandas as pd
import pytest
from conftest import ROOT
from serving import BODY, version
from test_assets import pack

from course_utils import archives, assets, fetch

ON = "The course goes on with what it ships. To try again, run `python -m course_utils prefetch thing`."
ROOM = "set COURSE_CACHE to a folder of your own, with room on its disk"
POSIX = pytest.mark.skipif(os.name == "nt", reason="links and pipes are of another kind here")


@pytest.fixture
def put(tmp_path):
    """Write a file of the cache, or of a folder beside it."""

    def write(path, body=BODY, where="cache"):
        file = tmp_path / where / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        return file

    return write


@pytest.fixture
def clips(rows, tmp_path):
    """Add a set of three clips to that table; return their bodies as Ogg, at 16 kHz."""
    oggs = {f"{name}.ogg": name.encode() * 1000 for name in "abc"}
    lines = ["filename,md5_44k,sha256_16k,bytes_16k"]
    lines += [f"{name[0]}.wav,0,{hashlib.sha256(body).hexdigest()},{len(body)}" for name, body in oggs.items()]
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    rows["clips"] = {"title": "Clips", "path": "audio", "manifest": [tmp_path / "clips.csv"], "bytes": 3 * 441044}
    rows["clips"] |= {"base_url": "http://127.0.0.1:9/", "embedded_title": "no audio"}
    return oggs


class Terminal(io.StringIO):
    """A terminal that shows only what was flushed."""

    shown = ""

    def flush(self):
        self.shown = self.getvalue()


@pytest.fixture
def later(monkeypatch):
    """Let every file have been written some time ago, so that its times say whether it has changed."""
    clock = types.SimpleNamespace(monotonic=time.monotonic, time_ns=lambda: time.time_ns() + 10 * assets.SETTLED)
    monkeypatch.setattr(assets, "time", clock)


@pytest.fixture
def hashed(monkeypatch):
    """Return the names of the files that are hashed, as they are."""
    names, digest = [], hashlib.file_digest

    def watched(file, algorithm):
        names.append(Path(file.name).name)
        return digest(file, algorithm)

    monkeypatch.setattr(hashlib, "file_digest", watched)
    return names


def warned(call, *arguments):
    """Return what a call warns of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call(*arguments)
    return [str(one.message) for one in told]


# --- settings ---


@pytest.mark.parametrize("name", ["COURSE_CACHE", "COURSE_MIRROR"])
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENAMETOOLONG, "File name too long."), "File name too long."),
        (RuntimeError("Symlink loop from '/here from /there'"), "Symlink loop"),
        (RuntimeError("Could not find X."), "Could not find X"),
        (ValueError("embedded null byte"), "embedded null byte"),
    ],
    ids=["system", "circle", "home", "zero"],
)
def test_why_a_value_is_no_folder_is_said_in_few_words(monkeypatch, tmp_path, name, error, why):
    def fail(path):
        raise error

    with monkeypatch.context() as patch, pytest.raises(assets.AssetError) as caught:
        patch.setattr(Path, "resolve", fail)
        assets.Store.from_environment({"COURSE_CACHE": "", name: "x" * 80 + "y"})
    assert str(caught.value) == f"{name} is '{'x' * 80}', which is not a folder ({why}). Correct it, or unset it."


ADDRESSES = ["http://", "https:///course", "http://host:port", "http://host:0", "http://[::1", f"http://{'x' * 80}:y"]


@pytest.mark.parametrize("value", ADDRESSES)
def test_an_address_without_a_host_or_with_an_odd_port_is_no_mirror(value):
    with pytest.raises(assets.AssetError) as error:
        assets.Store(mirror=value)
    value = value.replace(":port", ":…")  # it might be a password
    said = f"COURSE_MIRROR is {value[:80]!r}, which is not a whole address. Correct it, or unset it."
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ("", None),
        (Path("no/such/folder"), Path("no/such/folder")),
        ("http://host:1/", "http://host:1"),
        ("https://host/X//", "https://host/X"),
        (str(ROOT), ROOT),
        ("~", Path.home().resolve()),
    ],
    ids=["none", "empty", "path", "port", "slashes", "folder", "home"],
)
def test_a_mirror_is_an_address_without_a_last_slash_or_a_folder(value, wanted):
    assert assets.Store(mirror=value).mirror == wanted


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no/such", "but that folder does not exist. (An address begins with http:// or https://.)"),
        ("HTTP://host", "but that folder does not exist. (An address begins with http:// or https://.)"),
        ("pyproject.toml", "which is a file and not a folder."),
    ],
)
def test_a_mirror_that_is_no_folder_is_refused(monkeypatch, tmp_path, value, why):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(assets.AssetError) as error:
        assets.Store(mirror=value)
    assert str(error.value) == f"COURSE_MIRROR is {value!r}, {why} Correct it, or unset it."


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="COURSE_ASSETS") as error:
        assets.Store("Auto")
    assert str(error.value) == "COURSE_ASSETS is 'Auto'; set it to one of auto, full, embedded, or unset it."


def test_what_a_store_is_by_default():
    store = assets.Store()
    assert (store.mode, store.cache, store.mirror, store.small) == ("auto", Path("data/cache"), None, 25_000_000)
    assert (store.assets, store.used) == (assets.table(), {})


@pytest.mark.parametrize(("mode", "waits"), [("auto", "auto"), ("full", "full"), ("embedded", "auto")])
def test_only_full_has_the_patience_of_full(make, tmp_path, mode, waits):
    fetcher = make(mode)._fetcher
    assert (fetcher.mode, fetcher.memory) == (waits, tmp_path / "cache/unreachable.json")


@pytest.mark.parametrize("named", [None, "mirror"])
@pytest.mark.parametrize(
    ("checkout", "there", "unwritable", "scratch", "cache", "reads_checkout"),
    [
        ("course", True, [], "scratch", "course/data/cache", False),
        ("course", True, ["course"], "scratch", "home/course-utils", True),
        ("course", False, ["course"], "scratch", "home/course-utils", False),
        ("course", True, ["course", "home"], "scratch", "scratch/cache", True),
        ("course", True, ["course", "home", "scratch"], "scratch", "course/data/cache", False),
        ("course", True, ["course", "home"], None, "course/data/cache", False),
        (None, True, [], "scratch", "home/course-utils", False),
        (None, True, ["home"], "scratch", "scratch/cache", False),
        (None, False, ["home"], None, "home/course-utils", False),
    ],
)
def test_the_cache_is_where_it_can_be_written(
    monkeypatch, tmp_path, checkout, there, unwritable, scratch, cache, reads_checkout, named
):
    """And what lies in a checkout that others own is a mirror, unless another one is named."""
    (tmp_path / "mirror").mkdir()
    if there:
        (tmp_path / "course/data/cache").mkdir(parents=True)
    monkeypatch.setattr(assets, "CHECKOUT", checkout and tmp_path / checkout)
    monkeypatch.setattr(assets.platformdirs, "user_cache_path", lambda name: tmp_path / "home" / name)
    monkeypatch.setattr(assets, "scratch_folder", lambda: scratch and tmp_path / scratch)
    monkeypatch.setattr(
        assets, "writable", lambda path: path.relative_to(tmp_path).parts[0] not in unwritable, raising=True
    )
    store = assets.Store.from_environment({"COURSE_MIRROR": named and str(tmp_path / named)})
    assert store.cache == tmp_path / cache
    mirror = tmp_path / named if named else tmp_path / "course/data/cache" if reads_checkout else None
    assert store.mirror == mirror


def test_where_there_is_no_checkout_a_relative_cache_is_in_the_folder_one_is_in(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "CHECKOUT", None)
    monkeypatch.chdir(tmp_path)
    store = assets.Store.from_environment({"COURSE_CACHE": "mine", "COURSE_ASSETS": "full"})
    assert (store.cache, store.mode, store.mirror) == (tmp_path / "mine", "full", None)


def test_a_variable_that_is_empty_is_one_that_is_not_set(monkeypatch):
    for name in assets.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    first = assets.store()
    for name in assets.VARIABLES:
        monkeypatch.setenv(name, "")
    assert assets.store() is first


def test_the_next_store_remembers_what_was_used_and_what_it_knows_of(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    assets.store().used = {"thing": "cache", "yamnet": "mirror"}
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "other"))
    assert assets.used() == {"yamnet": "mirror"}


# --- files ---

FILES = [version(b"abc", variant="small"), version(b"abcd", variant="large")]
FILES[1]["hash"] = f"md5:{hashlib.md5(b'abcd').hexdigest()}"


@pytest.mark.parametrize(
    ("body", "variant"), [(b"abc", "small"), (b"abcd", "large"), (b"abx", None), (b"abcx", None), (b"", None)]
)
def test_a_file_is_known_by_its_size_and_its_hash(tmp_path, body, variant):
    (tmp_path / "file").write_bytes(body)
    assert assets.version_of(tmp_path / "file", FILES) == variant
    if variant:
        assert assets._checked(tmp_path / "file", FILES) == body
        return
    with pytest.raises(fetch.FetchError) as error:
        assets._checked(tmp_path / "file", FILES)
    assert str(error.value) == "it has changed since it was looked up, and is not the file any more"


@POSIX
def test_a_folder_or_a_pipe_is_no_version_of_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    size = (tmp_path).stat().st_size
    assert assets.version_of(tmp_path / "pipe", [version(b"")]) is None
    assert assets.version_of(tmp_path, [version(b"x") | {"bytes": size}]) is None


def test_of_a_file_of_another_size_nothing_is_hashed(tmp_path, hashed):
    (tmp_path / "file").write_bytes(b"ab")
    assert assets.version_of(tmp_path / "file", FILES) is None
    assert hashed == []


def test_of_a_file_that_grows_one_byte_too_many_is_read(monkeypatch):
    stream = io.BytesIO(b"x" * 100)
    monkeypatch.setattr(assets, "open", lambda *_: stream, raising=False)
    monkeypatch.setattr(stream, "close", lambda: None)
    with pytest.raises(fetch.FetchError):
        assets._checked("file", FILES)
    assert stream.tell() == 5


@pytest.mark.parametrize("changed", ["status", "body"])
def test_a_file_counts_as_settled_only_more_than_two_seconds_after_any_change(monkeypatch, tmp_path, changed):
    path = tmp_path / "file"
    path.write_bytes(b"x")
    status = path.stat()
    if changed == "body":  # the time of the body is the later one; on disk it may be any
        os.utime(path, ns=(status.st_ctime_ns + 10**10,) * 2)
    else:
        os.utime(path, ns=(status.st_ctime_ns - 10**10,) * 2)
    status = path.stat()
    last = max(status.st_mtime_ns, status.st_ctime_ns)
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    for later, expected in ((2_000_000_000, None), (2_000_000_001, stamp)):
        monkeypatch.setattr(assets, "time", types.SimpleNamespace(time_ns=lambda now=last + later: now))
        assert assets._stamp(path) == expected
    path.unlink()
    assert assets._stamp(path) is None


def test_a_file_that_is_being_written_has_the_name_process_and_time_in_its_name(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "time", types.SimpleNamespace(time_ns=lambda: 123))
    assert assets.scratch(tmp_path / "a.bin") == tmp_path / f".a.bin.{os.getpid()}.123.part"


@pytest.mark.parametrize("name", ["a.bin", "a[1].tar.gz", "a"])
def test_what_other_tries_have_begun_is_found_by_its_name(tmp_path, name):
    begun = {tmp_path / f".{name}.{number}.2.part": number for number in (1, 23)}
    others = [f".{name}.part", f".{name}.1.part", f".{name}.x.1.part", f".{name}.1.2.3.part", f".{name}.1.2.PART"]
    others += [f".{name}x.1.2.part", f"{name}.1.2.part", f".1{name}.1.2.part", f".{name}.1.2.part.lock", name]
    for path, size in begun.items():
        path.write_bytes(b"x" * size)
    for other in others:
        (tmp_path / other).touch()
    assert assets.scratches(tmp_path / name) == begun


@POSIX
def test_what_another_try_has_just_removed_is_not_counted(tmp_path):
    (tmp_path / ".a.1.2.part").symlink_to("nothing")
    (tmp_path / ".a.2.2.part").write_bytes(b"x")
    assert assets.scratches(tmp_path / "a") == {tmp_path / ".a.2.2.part": 1}


@pytest.mark.parametrize("kind", ["file", "folder", pytest.param("link", marks=POSIX)])
def test_what_is_set_aside_gets_the_first_free_name(tmp_path, kind):
    path = tmp_path / "a.bin"
    create = {"file": path.touch, "folder": path.mkdir, "link": lambda: path.symlink_to("nothing")}[kind]
    for name in ("a.bin.damaged", "a.bin.damaged2", "a.bin.damaged3"):
        create()
        assert assets.set_aside(path) == tmp_path / name
        assert not os.path.lexists(path)
        assert os.path.lexists(tmp_path / name)


@pytest.mark.parametrize(
    ("module", "runner"),
    [
        (None, "python"),
        (types.SimpleNamespace(get_ipython=lambda: None), "python"),
        (types.SimpleNamespace(get_ipython=object), "%run"),
    ],
    ids=["terminal", "imported", "notebook"],
)
def test_commands_are_told_as_they_are_typed_there(monkeypatch, module, runner):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    if module:
        monkeypatch.setitem(sys.modules, "IPython", module)
    assert assets.Store._command("yamnet") == f"`{runner} -m course_utils prefetch yamnet`"


def test_a_bar_is_on_stdout_waits_half_a_second_and_goes(capsys):
    with assets.progress(total=3, delay=1.5, disable=False) as longer, assets.progress(["a", "b"]) as bar:
        assert (bar.delay, bar.leave, bar.total, longer.delay, longer.total) == (0.5, False, 2, 1.5, 3)
        print("x", file=bar.fp)
    assert capsys.readouterr() == ("x\n", "")


def test_a_file_that_the_course_lacks_is_named():
    with pytest.raises(assets.AssetError) as error:
        assets.embedded("clips/none.ogg")
    said = "This installation lacks 'clips/none.ogg', which the course ships. "
    assert str(error.value) == f"{said}Reinstall it: python -m pip install ."
    assert assets.embedded("clips") == assets.EMBEDDED / "clips"


# --- locks ---


@pytest.fixture
def locks(monkeypatch):
    """Let locks be held until ``until``; each try takes the time that it may take, and calls ``work``."""

    class Locks(types.SimpleNamespace):
        def lock(self, path, **options):
            self.asked.append((path, options))
            return self

        def acquire(self, timeout):
            self.now += timeout
            self.tries += 1
            self.work()
            if self.now < self.until:
                raise filelock.Timeout("")
            return "lock"

    one = Locks(now=100.0, until=float("inf"), tries=0, asked=[], work=lambda: None)
    monkeypatch.setattr(assets, "filelock", types.SimpleNamespace(FileLock=one.lock, Timeout=filelock.Timeout))
    clock = types.SimpleNamespace(monotonic=lambda: one.now, time_ns=time.time_ns)
    monkeypatch.setattr(assets, "time", clock)
    return one


def give_up(store, target):
    """Wait for a lock in vain; return what is said."""
    with pytest.raises(fetch.FetchError) as error:
        store._lock(target)
    assert error.value.__suppress_context__
    return str(error.value)


def test_a_lock_is_one_of_every_user_and_its_folder_is_made(make, locks, tmp_path):
    locks.until = 0.0
    for target in (tmp_path / "cache/deep/down/a.bin", tmp_path / "cache/deep/down/b.bin"):
        assert make()._lock(target) == "lock"
        assert locks.asked.pop() == (f"{target}.lock", {"mode": 0o666})
        assert target.parent.is_dir()


def test_a_lock_of_which_nothing_comes_is_waited_for_15_s_and_later_ones_for_1_s(make, locks, tmp_path):
    store, target = make(), tmp_path / "cache/pack.tar.gz"
    said = "Waiting for another notebook or command to fetch pack.tar.gz.\n"
    why = f"another notebook or command holds {target}.lock but does nothing: end it"
    for _ in range(2):
        for tries, shown in ((32, said), (4, "")):  # since the first, more than 15 s, or 1 s
            locks.tries = 0
            with contextlib.redirect_stdout(Terminal()) as terminal:
                assert give_up(store, target) == why
            assert locks.tries == tries
            assert terminal.shown == shown
        store.forget_failures()


def test_a_lock_whose_file_grows_is_waited_for_and_said_once(make, locks, tmp_path):
    target = tmp_path / "cache/pack.tar.gz"
    target.parent.mkdir()
    part = tmp_path / "cache/.pack.tar.gz.77.1.part"
    part.touch()
    sizes = itertools.count(1)

    def grow():
        if locks.tries % 30 == 0:  # every 15 s
            part.write_bytes(b"x" * next(sizes))

    locks.work, locks.until = grow, 1000.0
    with contextlib.redirect_stdout(Terminal()) as terminal:
        assert make()._lock(target) == "lock"
    assert locks.now == 1000.0
    assert terminal.shown == "Waiting for another notebook or command (process 77) to fetch pack.tar.gz.\n"
    locks.until = float("inf")
    locks.work = lambda: None
    who = "another notebook or command (process 77)"
    assert give_up(make(), target) == f"{who} holds {target}.lock but does nothing: end it"


# --- one file ---


def test_what_was_tried_is_told_address_by_address(make, rows, server):
    one, two = server(always=404), server(404, always=403)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/a/b?c", f"{two.url}/a", f"{two.url}/b"]
    with pytest.raises(assets.AssetError) as error:
        make("full").resolve("thing")
    tried = f"\n  {one.url}: it answered 404 Not Found\n  {two.url}: it answered 404 Not Found"
    assert str(error.value) == f"A thing: could not get things/thing.bin. {assets.WAYS_OUT}{tried}"
    with pytest.raises(assets.AssetError) as error:
        make("full").resolve("labels")
    assert str(error.value) == f"Labels: could not get labels.csv. {assets.WAYS_OUT}"


def test_a_folder_that_cannot_be_made_is_told_with_what_to_do(make, rows, put, server, capsys):
    rows["thing"]["files"][0]["urls"] = [f"{server().url}/thing"]
    file = put("things", b"")
    assert not make().resolve("thing").is_real
    with pytest.raises(FileExistsError) as error:
        file.mkdir()
    why = f"cannot be written, {error.value.strerror}: {ROOM}"
    assert capsys.readouterr().out == f"Not available: {file} ({why}). {ON}\n"


def test_a_mirror_is_asked_though_the_network_has_failed_and_told_as_it_was_named(make, server):
    mirror = server(always=404)
    store = make(mirror=f"{mirror.url}/course/")
    store._fetcher.failed = {"*": (time.time(), 9.0, "no answer")}
    address = f"COURSE_MIRROR {mirror.url}/course"
    assert warned(store.resolve, "thing") == [f"Not available: {address} (it answered 404 Not Found). {ON}"]


@pytest.mark.parametrize("here", ["", "a", "ab"])
def test_of_a_set_it_is_told_how_many_could_not_be_got(make, rows, clips, put, refused, here):
    rows["clips"]["base_url"] = f"{refused}/"
    for name in here:
        put(f"audio/{name}.ogg", clips[f"{name}.ogg"])
    with pytest.raises(assets.AssetError) as error:
        make("full").resolve("clips")
    missing = f"could not get {3 - len(here)} of 3 clips. {assets.WAYS_OUT}"
    assert str(error.value).startswith(f"Clips: {missing}\n  {refused}: ")


@pytest.mark.parametrize(("bytes_", "size"), [(1_050_000, "1.1"), (102_400, "0.1")])
def test_what_was_fetched_is_said_at_once(make, rows, server, tmp_path, bytes_, size):
    rows["thing"] |= {"bytes": bytes_, "files": [version(BODY, f"{server().url}/thing")]}
    with contextlib.redirect_stdout(Terminal()) as terminal:
        asset = make().resolve("thing")
    assert asset == assets.Resolved("thing", "A thing", tmp_path / "cache/things/thing.bin", "network", "original", {})
    assert asset.clips == {}
    assert terminal.shown == f"Fetched A thing, {size} MB, into {tmp_path / 'cache'}.\n"


def test_a_folder_in_the_place_of_a_file_is_set_aside(make, rows, put, server):
    rows["thing"]["files"][0]["urls"] = [f"{server().url}/thing"]
    own = put("things/thing.bin/own", b"own")
    with pytest.warns(UserWarning, match="It was fetched again"):
        path = make().resolve("thing").path
    assert path.read_bytes() == BODY
    assert (path.with_name("thing.bin.damaged") / "own").read_bytes() == b"own"
    assert not own.exists()


def test_a_host_may_send_the_largest_of_several_versions(make, rows, server):
    rows["thing"]["files"].append(version(b"small", f"{server().url}/thing", variant="small"))
    assert make("full").resolve("thing").variant == "original"


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("name", ["thing", "clips"])
def test_a_single_file_has_a_bar_of_its_own_and_a_set_one_for_all(
    make, rows, clips, server, monkeypatch, name, mirrored
):
    one, bars, progress = server(), [], assets.progress
    one.files = {f"/{place}{clip}": body for place in ("", "audio/") for clip, body in clips.items()}
    one.files |= {"/thing": BODY, "/things/thing.bin": BODY}
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]

    def watched(*arguments, **options):
        bars.append((options["desc"], options["unit"], options["disable"]))
        return progress(*arguments, **options)

    monkeypatch.setattr(assets, "progress", watched)
    warned(make(mirror=one.url if mirrored else None, small=10**9 * (not mirrored)).resolve, name)
    if name == "thing":
        assert sorted(bars) == [("A thing", "clip", True), ("thing.bin" if mirrored else "thing", "B", False)]
    else:
        assert bars.count(("Clips", "clip", False)) == 1
        assert {disable for _, unit, disable in bars if unit == "B"} == {True}


def test_what_is_looked_up_on_a_disk_has_no_bar(make, clips, tmp_path, monkeypatch):
    shown, progress = [], assets.progress
    monkeypatch.setattr(assets, "progress", lambda *jobs, **how: shown.append(not how["disable"]) or progress(*jobs))
    make(mirror=tmp_path, small=0).resolve("clips")
    assert shown == [False]


def test_the_cache_is_looked_at_before_the_mirror_and_the_best_version_before_others(make, put, tmp_path):
    files = [version(BODY), version(b"ogg", variant="small") | {"path": "a.ogg"}]
    store = make(mirror=tmp_path / "mirror")
    for path, body, where, variant in (
        ("a.ogg", b"ogg", "mirror", "small"),
        ("a.ogg", b"ogg", "cache", "small"),
        ("a.wav", BODY, "mirror", "original"),
        ("a.wav", BODY, "cache", "original"),
    ):
        put(path, body, where)
        found = store._find_file("a.wav", files, network=False, show=False)
        assert found == (tmp_path / where / path, where, variant)


def test_an_unreadable_file_is_told_with_what_to_do(make, put, monkeypatch):
    path = put("things/thing.bin")

    def version_of(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(assets, "version_of", version_of)
    what = f"run `chmod -R a+rX {path.parent}` as its owner, or set COURSE_CACHE to a folder of your own."
    assert warned(make().resolve, "thing") == [f"The files in {path.parent} cannot be read (Permission denied): {what}"]


def test_what_has_not_changed_is_hashed_once_clip_by_clip(make, put, clips, later, hashed):
    store = make(small=0)
    for name in ("a.ogg", "b.ogg"):
        put(f"audio/{name}", clips[name])
    for _ in range(2):
        assert not store.resolve("clips").is_real
    assert sorted(hashed) == ["a.ogg", "b.ogg"]
    put("audio/c.ogg", clips["c.ogg"])
    for _ in range(2):
        assert store.resolve("clips").variant == "16 kHz"
    assert sorted(hashed) == ["a.ogg", "b.ogg", "c.ogg"]
    put("audio/b.ogg", clips["b.ogg"][::-1] + b"x")
    assert warned(store.resolve, "clips")
    assert store.used == {"clips": "embedded"}


@pytest.mark.parametrize("name", ["thing", "clips"])
def test_what_has_not_changed_is_not_looked_for_again(make, put, clips, later, monkeypatch, name):
    put("things/thing.bin")
    for clip, body in clips.items():
        put(f"audio/{clip}", body)
    store = make()
    asset = store.resolve(name)
    monkeypatch.setattr(store, "_find", None)
    assert store.resolve(name) is asset
    put("things/thing.bin", b"x")
    put("audio/a.ogg", b"x")
    with pytest.raises(TypeError):  # it is looked for
        store.resolve(name)


@pytest.mark.parametrize("name", ["a.ogg", "b.ogg", "c.ogg"])
def test_each_clip_of_a_set_is_looked_at_again(make, put, clips, later, name):
    for clip, body in clips.items():
        put(f"audio/{clip}", body)
    store = make(small=0)
    assert store.resolve("clips").is_real
    path = put(f"audio/{name}", b"x" * 1000)
    assert warned(store.resolve, "clips")[0].startswith(f"{path} is damaged")


def test_after_ctrl_c_no_more_files_are_looked_for(make, monkeypatch):
    store, looked_for = make(), []

    def find(path, *_):
        looked_for.append(path)
        store._fetcher.halt.wait()
        time.sleep(0.01)  # so that those that wait can be cancelled

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "_find_file", find)
    monkeypatch.setattr(assets, "progress", interrupted)
    rows = [{"path": str(number), "files": []} for number in range(400)]
    with pytest.raises(KeyboardInterrupt):
        store._find_files(rows, network=False, title="Clips")
    assert len(looked_for) < len(rows)


# --- archives ---


def test_an_archive_is_unpacked_below_its_name_and_digest_and_read_once(make, rows, tmp_path, monkeypatch, later):
    body, reads, read = pack(rows, tmp_path), [], archives.read
    rows["pack"]["files"].insert(0, version(b"another", variant="other"))
    monkeypatch.setattr(archives, "read", lambda body: reads.append(len(body)) or read(body))
    store = make()
    folder = tmp_path / f"cache/unpacked/pack-{hashlib.sha256(body).hexdigest()[:12]}"
    assert store.resolve("pack") == assets.Resolved("pack", "Pack", folder, "cache", "original", {})
    assert reads == [len(body)] * 2  # to list it, and to unpack it
    store.resolve("pack")
    assert len(reads) == 2
    (folder / "variables/data").write_bytes(b"abx")  # it is compared each time, though the archive is as it was
    assert (store.resolve("pack").path / "variables/data").read_bytes() == b"abc"
    assert len(reads) == 3


@pytest.mark.parametrize("strerror", ["No space left on device", None])
@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_unpacked_or_mended_is_told_with_a_way_out(make, rows, tmp_path, monkeypatch, there, strerror):
    pack(rows, tmp_path)
    if there:
        (make().resolve("pack").path / "variables/data").write_bytes(b"abx")

    def mend(*_):
        raise OSError(errno.ENOSPC, strerror) if strerror else OSError("it broke")

    monkeypatch.setattr(archives, "mend", mend)
    with pytest.raises(assets.AssetError) as error:
        make("full").resolve("pack")
    cache, why = tmp_path / "cache", strerror or "it broke"
    folder, _ = make().unpacked(cache / "pack.tar.gz", "original", rows["pack"]["files"])
    told = f"{cache / 'unpacked'}: cannot be written, {why}: {ROOM}"
    if there:
        told = f"{cache / 'pack.tar.gz'}: {folder}: its files are damaged, and cannot be mended ({why}). Delete it, or"
        told += " set COURSE_CACHE to a folder of your own"
    assert str(error.value) == f"Pack: could not get pack.tar.gz. {assets.WAYS_OUT}\n  {told}"


def test_an_archive_that_is_refused_is_told_by_its_path(make, rows, tmp_path, capsys):
    pack(rows, tmp_path)
    (tmp_path / "cache/pack.tar.gz").write_bytes(b"no archive")
    rows["pack"]["files"] = [version(b"no archive")]
    assert not make().resolve("pack").is_real
    said = f"Not available: {tmp_path / 'cache/pack.tar.gz'} ("
    assert capsys.readouterr().out.startswith(said)


# --- assets ---


def test_a_manifest_row_by_row(make, rows, tmp_path):
    (tmp_path / "wav.csv").write_text("filename,md5_44k,sha256_16k\né.wav,1a,2b\nb.wav,3c,4d\n", encoding="utf-8")
    (tmp_path / "ogg.csv").write_text("filename,md5_44k,sha256_16k,bytes_16k\nc.wav,5e,6f,7000\n", encoding="utf-8")
    files = [tmp_path / "wav.csv", tmp_path / "ogg.csv"]
    rows["clips"] = {"title": "Clips", "path": "audio", "manifest": files, "base_url": "http://host/audio/"}

    def row(name, md5, sha256, **small):
        large = {"variant": "44.1 kHz", "bytes": 441044, "hash": f"md5:{md5}", "urls": [f"http://host/audio/{name}"]}
        small = {"variant": "16 kHz", "bytes": 160078, "hash": f"sha256:{sha256}", "urls": []} | small
        return {"filename": name, "path": f"audio/{name}", "files": [large, small]}

    wanted = [row("é.wav", "1a", "2b"), row("b.wav", "3c", "4d")]
    wanted += [row("c.wav", "5e", "6f", bytes=7000, path="audio/c.ogg")]
    assert make().manifest("clips") == wanted
    rows["clips"]["clips"] = ["c.wav", "b.wav"]
    assert make().manifest("clips") == wanted[1:]


@pytest.mark.parametrize(
    ("mode", "size", "asks"),
    [("auto", 10, True), ("auto", 11, False), ("full", 11, True), ("embedded", 10, False), ("full", 10, True)],
)
def test_who_asks_the_network(make, rows, mode, size, asks):
    rows["thing"]["files"] = [version(bytes(size)), version(bytes(99))]
    assert make(mode, small=10).size("thing") == size
    assert make(mode, small=10).asks("thing") is asks
    rows["thing"]["bytes"] = 1000  # of several files in all
    assert make().size("thing") == 1000


@pytest.mark.parametrize("name", ["thing", "labels"])
def test_what_stands_in_for_an_asset(make, rows, put, name):
    path = assets.EMBEDDED / "audioset_labels.csv" if name == "thing" else None
    row = rows[name]
    wanted = assets.Resolved(name, row["title"], path, "embedded", row["embedded_title"], {})
    assert make().resolve(name) == wanted
    put(row["path"], BODY if name == "thing" else b"x")
    assert make("embedded").resolve(name) == wanted
    assert make().resolve(name).is_real
    assert (wanted.is_real, wanted.label) == (False, row["embedded_title"])


def test_a_set_of_clips_is_its_folder_and_its_files_by_name(make, rows, clips, put, tmp_path):
    for name, body in clips.items():
        put(f"audio/{name}", body, "cache" if name < "b" else "mirror")
    asset = make(mirror=tmp_path / "mirror").resolve("clips")
    assert asset == assets.Resolved("clips", "Clips", tmp_path / "cache/audio", "mirror", "16 kHz")
    assert asset.label == "Clips (16 kHz)"
    places = [tmp_path / "cache/audio/a.ogg", tmp_path / "mirror/audio/b.ogg", tmp_path / "mirror/audio/c.ogg"]
    assert asset.clips == dict(zip(("a.wav", "b.wav", "c.wav"), places, strict=True))


def test_an_unknown_asset_is_answered_with_those_there_are(make):
    with pytest.raises(KeyError) as error:
        make().resolve("thingy")
    assert error.value.args == ("No asset is called 'thingy'. The course has thing, labels.",)


DAMAGED = "is damaged, or is another file, so the course doesn't use it."
AGAIN = "To fetch it again, run `python -m course_utils prefetch {}`."
REMOVE = "To remove it, run `python -m course_utils doctor --repair`."


@pytest.mark.parametrize(
    ("mode", "places", "network", "wanted"),
    [
        ("auto", ["cache"], False, f"{DAMAGED} {AGAIN.format('thing')}"),
        ("auto", ["mirror"], False, f"{DAMAGED} Ask whoever looks after the mirror."),
        ("auto", ["mirror"], True, f"{DAMAGED} Ask whoever looks after the mirror."),
        ("auto", ["cache", "mirror"], False, f"{DAMAGED} So is 1 more. {AGAIN.format('thing')}"),
        ("auto", ["cache"], True, f"{DAMAGED} It was fetched again."),
        ("full", ["cache"], True, f"{DAMAGED} It was fetched again."),
        ("full", ["cache"], False, DAMAGED),
    ],
)
def test_what_is_damaged_is_told_in_one_line(make, rows, put, server, tmp_path, mode, places, network, wanted):
    paths = [put("things/thing.bin", b"x" * len(BODY), place) for place in places]
    rows["thing"]["files"][0]["urls"] = [f"{server().url}/thing"] if network else []
    store = make(mode, tmp_path / "mirror" if "mirror" in places else None)

    def resolve():
        with pytest.raises(assets.AssetError) if mode == "full" and not network else warnings.catch_warnings():
            store.resolve("thing")

    assert warned(resolve) == [f"{paths[0]} {wanted}"]
    assert store._amiss == {}


def test_a_damaged_file_is_said_to_be_had_from_the_mirror(make, put, server, tmp_path):
    path = put("things/thing.bin", b"x")
    put("things/thing.bin", BODY, "mirror")
    folder = f"{path} {DAMAGED} That of the mirror is used. {REMOVE}"
    assert warned(make(mirror=tmp_path / "mirror").resolve, "thing") == [folder]
    assert warned(make(mirror=server().url).resolve, "thing") == [f"{path} {DAMAGED} It was fetched again."]


@pytest.mark.parametrize(("number", "more"), [(1, ""), (2, " So is 1 more."), (3, " So are 2 more.")])
def test_of_several_damaged_clips_one_is_named(make, clips, put, number, more):
    paths = [put(f"audio/{name}", b"x") for name in list(clips)[:number]]
    (told,) = warned(make(small=0).resolve, "clips")
    assert told in [f"{path} {DAMAGED}{more} {AGAIN.format('clips')}" for path in paths]


ONE, TWO, MIRROR, DISK = (
    "http://one.example",
    "https://two.example",
    "COURSE_MIRROR http://m.example",
    "somewhere/cache",
)


@pytest.mark.parametrize(
    ("failed", "told", "offline", "real", "printed", "warned_of"),
    [
        ([], [], False, False, "", ""),
        ([ONE], [], False, False, f"Not available: {ONE} (why 0). {ON}\n", ""),
        ([ONE, DISK], [], False, False, f"Not available: {ONE} (why 0); {DISK} (why 1). {ON}\n", ""),
        ([ONE, TWO], [ONE], False, False, f"Not available: {TWO} (why 1). {ON}\n", ""),
        ([ONE], [ONE], False, False, "", ""),
        ([ONE], [], True, False, f"Not available: {ONE} (why 0). {ON}\n", ""),  # nothing has been said yet
        ([ONE], [DISK], True, False, f"Not available: {ONE} (why 0). {ON}\n", ""),
        ([ONE], [TWO], True, False, "", ""),
        ([ONE, DISK], [TWO], True, False, f"Not available: {DISK} (why 1). {ON}\n", ""),
        ([ONE], [TWO], False, False, f"Not available: {ONE} (why 0). {ON}\n", ""),
        ([ONE, DISK], [], False, True, "", ""),
        ([MIRROR, ONE], [], False, True, "", f"Not available: {MIRROR} (why 0). It came from elsewhere."),
        ([MIRROR], [], False, False, "", f"Not available: {MIRROR} (why 0). {ON}"),
        ([MIRROR], [TWO], True, False, "", f"Not available: {MIRROR} (why 0). {ON}"),
        ([MIRROR], [MIRROR], False, True, "", ""),
    ],
)
def test_what_failed_is_told_once_and_no_more_than_helps(make, failed, told, offline, real, printed, warned_of):
    store = make()
    store._failures.update((address, f"why {number}") for number, address in enumerate(failed))
    store._told.update(told)
    store._fetcher.failed = {"*": (time.time(), 9.0, "no answer")} if offline else {}
    asset = assets.Resolved("thing", "A thing", None, "network" if real else "embedded", "original")
    with contextlib.redirect_stdout(Terminal()) as terminal:
        assert warned(store._tell, asset) == [warned_of][: bool(warned_of)]
    assert terminal.shown == printed
    assert store._failures == {}
    assert store._told == {*told, *(address for address in failed if address in printed + warned_of)}


def test_it_is_remembered_where_an_asset_came_from(make, rows, server, put, tmp_path):
    rows["thing"]["files"][0]["urls"] = [f"{server().url}/thing"]
    store = make()
    for _ in range(2):
        assert store.resolve("thing").source == "network"  # though it lies in the cache by now
    assert store.used == {"thing": "network"}
    assert make().resolve("thing").source == "cache"


def test_what_came_from_a_mirror_and_is_in_the_cache_now_came_from_the_cache(make, put, tmp_path):
    put("things/thing.bin", BODY, "mirror")
    store = make(mirror=tmp_path / "mirror")
    assert store.resolve("thing").source == "mirror"
    path = put("things/thing.bin")
    asset = store.resolve("thing")
    assert (asset.source, asset.path) == ("cache", path)


def test_a_network_that_came_is_told_by_its_title(make, rows, put, capsys):
    rows["thing"]["module"] = "yamnet"
    store = make()
    store.resolve("thing")
    put("things/thing.bin")
    capsys.readouterr()
    store.resolve("thing")
    assert capsys.readouterr().out == "A thing is here now. To use it, run the cells that load a network again.\n"


@pytest.mark.parametrize("where", ["cache", "embedded"])
def test_the_bytes_of_an_asset_are_read_by_the_store_in_use(make, put, where):
    if where == "cache":
        put("things/thing.bin")
    with assets.using(make()):
        asset = assets.resolve("thing")
        body = assets.read(asset)
    assert asset.source == where
    assert body == (BODY if where == "cache" else (ROOT / "data/embedded/audioset_labels.csv").read_bytes())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda path: path.write_bytes(b"x"), "it has changed since it was looked up, and is not the file any more"),
        (Path.unlink, os.strerror(errno.ENOENT)),
    ],
    ids=["changed", "gone"],
)
def test_why_an_asset_cannot_be_read_is_said(make, put, change, why):
    path, store = put("things/thing.bin"), make()
    asset = store.resolve("thing")
    change(path)
    with pytest.raises(assets.AssetError) as error:
        store.read(asset)
    again = "Run `python -m course_utils prefetch thing`, then try again."
    assert str(error.value) == f"A thing: {path} cannot be used ({why}). {again}"


def test_an_error_of_the_disk_without_words_of_its_own_is_said_as_it_is(make, put, monkeypatch):
    path, store = put("things/thing.bin"), make()
    asset = store.resolve("thing")

    def fail(*_):
        raise OSError("it broke")

    monkeypatch.setattr(assets, "_checked", fail)
    with pytest.raises(assets.AssetError, match=re.escape(f"A thing: {path} cannot be used (it broke). Run ")):
        store.read(asset)


def test_the_clips_of_a_set_are_given_if_all_are_here(make, clips, put):
    paths = [put(f"audio/{name}", body) for name, body in clips.items()]
    store = make(small=0)
    assert store.clips("clips") == dict(zip(("a.wav", "b.wav", "c.wav"), paths, strict=True))
    paths[0].unlink()
    assert store.clips("clips") == {}


def test_a_store_finds_and_mends_what_is_wrong_in_its_cache(make, put):
    path, store = put("things/thing.bin", b"x"), make()
    assert store.problems() == [f"{path} is damaged, or is another file."]
    assert len(store.repair()) == 1
    assert not path.exists()
    assert store.problems() == store.repair() == []


# --- the overview ---


GET = "%run -m course_utils prefetch {} (1.1 MB)"


@pytest.mark.parametrize(
    ("mode", "folder", "how"),
    [
        ("auto", None, GET),
        ("embedded", None, f"remove the environment variable COURSE_ASSETS, then {GET}"),
        ("auto", "m", f"{{m}} does not have it. Ask whoever looks after it, or {GET}"),
    ],
    ids=["auto", "embedded", "mirrored"],
)
def test_an_overview_word_for_word(make, rows, tmp_path, monkeypatch, capsys, mode, folder, how):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    del rows["thing"]["embedded"]
    rows["thing"] |= {"title": "A net, of old", "module": "thing", "bytes": 1_050_000}
    rows["other"] = rows["thing"] | {"title": "Another", "path": "other.bin", "embedded_title": "features (a few)"}
    rows["labels"]["bytes"] = 1_050_000
    rows["small"] = rows["thing"] | {"title": "Mini", "path": "mini.bin", "embedded": "yamnet_mini"}
    rows["small"] |= {"speaks_for": ["thing"], "embedded_title": "Mini (shipped)"}
    with assets.using(make(mode, folder)):
        table = assets.overview("thing", "small", "other", "labels").data
    how = how.replace("{m}", str(tmp_path / "m"))
    assert table.columns.to_list() == ["asset", "this run uses", "from", "to get the real one"]
    assert table.to_numpy().tolist() == [
        ["A net, of old", "Mini (shipped) in its place", "embedded", how.format("thing")],
        ["Mini", "Mini (shipped)", "embedded", how.format("small")],
        ["Another", "features (a few)", "embedded", how.format("other")],
        ["Labels", "none", "embedded", how.format("labels")],
    ]
    assert capsys.readouterr().out == "Networks in this run: Mini in place of A net; Mini; features.\n"


def test_an_overview_of_real_networks(make, rows, put, capsys):
    put("things/thing.bin")
    rows["thing"]["module"] = "thing"
    rows["labels"] |= {"module": "labels"}
    rows["thing"]["speaks_for"] = ["labels"]
    with assets.using(make("auto")):
        table = assets.overview("thing", "labels", "thing").data
    assert table["this run uses"].to_list() == [
        *("the real one (original)", "A thing (original) in its place", "the real one (original)")
    ]
    assert table["to get the real one"].to_list() == ["", "%run -m course_utils prefetch labels (0.0 MB)", ""]
    assert capsys.readouterr().out == "Networks in this run: A thing; A thing in place of Labels.\n"


def test_an_overview_of_data_speaks_of_no_networks(make, capsys):
    with assets.using(make()):
        assets.overview("labels")
    assert capsys.readouterr().out == ""


def test_an_overview_is_a_table_in_a_terminal_and_folded_in_a_notebook():
    shown = assets.Overview(pd.DataFrame({"asset": ["a <b>", "c"], "from": ["cache", "mirror"]}))
    assert repr(shown) == "asset   from\na <b>  cache\n    c mirror"
    page = shown._repr_html_()
    summary = "<details><summary>What this lesson uses, and how to get the real thing</summary>"
    assert page.startswith(f'{summary}<style type="text/css">')
    assert page.endswith("</table>\n</details>")
    for cell in ("th", "td"):
        assert re.search(rf"#T_\w+ +{cell} \{{\s+text-align: left;\s+\}}", page)
    assert "a &lt;b&gt;</td>" in page
    assert "row_heading" not in page

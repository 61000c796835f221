"""Assets: where they are looked for, what is refused, and what a failing download costs and leaves behind."""

import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import time
import types
from pathlib import Path

import filelock
import platformdirs
import pytest
from conftest import ROOT
from serving import BODY, Handler, as_nobody, version

from course_utils import assets, datasets, fetch
from course_utils.datasets import esc50

SOON = 30  # s, on a busy computer too; without the limits of fetch it would be minutes


@pytest.fixture
def clips(rows, tmp_path):
    """Add a set of two clips to that table; return their bodies at 44.1 kHz and, as Ogg, at 16 kHz."""
    wavs = {f"{name}.wav": name.encode() * 441044 for name in "ab"}
    oggs = {f"{name}.ogg": name.encode() * 1000 for name in "ab"}
    lines = ["filename,md5_44k,sha256_16k,bytes_16k"]
    for (name, wav), ogg in zip(wavs.items(), oggs.values(), strict=True):
        lines.append(f"{name},{hashlib.md5(wav).hexdigest()},{hashlib.sha256(ogg).hexdigest()},{len(ogg)}")
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    rows["clips"] = {"title": "Clips", "path": "audio", "manifest": [tmp_path / "clips.csv"], "bytes": 2 * 441044}
    rows["clips"] |= {"base_url": "http://127.0.0.1:9/", "embedded_title": "no audio"}
    return wavs | oggs


def cached(tmp_path):
    """Return what a person finds in the cache; locks, and the memory of what could not be reached, are no assets."""
    files = [p.name for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    return sorted(name for name in files if not name.endswith(".lock") and name != "unreachable.json")


# --- the order: cache, mirror, network, embedded ---


def test_auto_fetches_what_is_small_and_says_so(make, rows, server, tmp_path, capsys):
    one = server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    asset = make().resolve("thing")
    assert (asset.source, asset.is_real) == ("network", True)
    assert capsys.readouterr().out.count("Fetched A thing, 0.1 MB") == 1
    assert make().resolve("thing").source == "cache"
    assert len(one.agents) == 1


def test_auto_leaves_what_is_large_where_it_is(make, rows, server):
    one = server()
    rows["thing"]["files"][0] |= {"urls": [f"{one.url}/thing"], "bytes": assets.SMALL + 1}
    assert make().resolve("thing").source == "embedded"
    assert one.agents == []


def test_small_is_25_mb_that_included(make, rows, server):
    """As README.md says."""
    assert assets.Store().small == 25_000_000
    rows["thing"]["files"][0]["urls"] = [f"{server().url}/thing"]
    assert make(small=len(BODY) - 1).resolve("thing").source == "embedded"
    assert make("full", small=len(BODY) - 1).asks("thing")
    assert make(small=len(BODY)).resolve("thing").source == "network"


def test_a_set_of_clips_is_large_by_its_sum():
    store = assets.Store("auto")
    small = {name for name in store.assets if store.size(name) <= assets.SMALL}
    assert small == {
        *("yamnet", "audioset-labels", "esc50-metadata", "esc50-listening", "speech-whistling", "metro-station"),
        *("efficientat-mn04", "esc50-mixtures"),
    }


def test_embedded_makes_no_call(make, rows, server):
    one = server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    assert make("embedded", mirror=one.url).resolve("thing").source == "embedded"
    assert one.agents == []


def test_full_downloads_then_uses_the_cache(make, rows, server):
    one = server()
    rows["thing"]["files"][0] |= {"urls": [f"{one.url}/thing"]}
    store = make("full")
    asset = store.resolve("thing")
    assert asset.source == "network"
    assert asset.path.read_bytes() == BODY
    assert store.used == {"thing": "network"}
    assert make("full").resolve("thing").source == "cache"
    assert len(one.agents) == 1
    assert one.agents[0].startswith("course-utils/")
    assert make("embedded").resolve("thing").source == "embedded"


def test_mirror_folder_comes_before_the_network(make, rows, server, tmp_path):
    one = server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    (tmp_path / "mirror/things").mkdir(parents=True)
    (tmp_path / "mirror/things/thing.bin").write_bytes(BODY)
    asset = make("full", tmp_path / "mirror").resolve("thing")
    assert (asset.source, asset.path) == ("mirror", tmp_path / "mirror/things/thing.bin")
    assert one.agents == []
    assert cached(tmp_path) == []


def test_mirror_address_is_used_in_auto_and_fills_the_cache(make, rows, server, tmp_path, capsys):
    one = server()
    rows["thing"]["files"][0]["bytes"] = assets.SMALL + 1  # of any size, for it was named
    rows["thing"]["files"].insert(0, version(BODY, variant="the right one"))
    one.files["/course/things/thing.bin"] = BODY
    assert make(mirror=f"{one.url}/course").resolve("thing").source == "mirror"
    assert cached(tmp_path) == ["thing.bin"]
    assert "Fetched" not in capsys.readouterr().out  # that is said of the internet


def test_a_mirror_address_may_end_in_a_slash(make, server):
    one = server()
    one.files["/course/things/thing.bin"] = BODY
    assert make(mirror=f"{one.url}/course/").resolve("thing").source == "mirror"


def test_embedded_has_no_mirror_and_looks_at_none(make):
    with assets.using(make("embedded", mirror="no/such/folder")) as store:
        todo = assets.overview("thing").data["to get the real one"].iloc[0]
    assert store.mirror is None
    assert todo.startswith("remove the environment variable COURSE_ASSETS, then %run")


def test_mirror_address_is_asked_once_for_a_file_of_several_versions(make, rows, server):
    one = server()
    rows["thing"]["files"].insert(0, version(b"another version", variant="other"))
    assert make(mirror=one.url).resolve("thing").variant == "original"
    assert len(one.agents) == 1


def test_unknown_name_lists_the_known(make):
    with pytest.raises(KeyError, match="thing, labels"):
        make().resolve("thingy")


# --- no state but the store ---


def test_a_store_keeps_what_is_real_and_looks_again_for_what_is_not(make, tmp_path):
    store = make()
    assert store.resolve("thing").source == "embedded"
    (tmp_path / "cache/things").mkdir(parents=True)
    (tmp_path / "cache/things/thing.bin").write_bytes(BODY)  # as `prefetch` in a terminal would
    assert store.resolve("thing").source == "cache"
    (tmp_path / "cache/things/thing.bin").unlink()
    assert store.resolve("thing").source == "embedded"  # nothing is handed out that is not there any more


def test_the_default_store_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    first = assets.store()
    assert assets.store() is first
    assert (first.mode, first.cache) == ("embedded", tmp_path)
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    assert assets.store().mode == "auto"
    with assets.using(assets.Store("embedded", tmp_path / "other")) as other:
        monkeypatch.setenv("COURSE_ASSETS", "full")
        assert assets.store() is other
    assert assets.store().mode == "full"


def test_a_network_that_comes_while_its_stand_in_is_loaded_is_told(make, rows, tmp_path, capsys):
    rows["thing"]["module"] = "yamnet"
    store = make()
    store.resolve("thing")
    (tmp_path / "cache/things").mkdir(parents=True)
    (tmp_path / "cache/things/thing.bin").write_bytes(BODY)
    capsys.readouterr()
    store.resolve("thing")
    assert "run the cells that load a network again" in capsys.readouterr().out
    store.resolve("thing")
    make().resolve("thing")
    assert capsys.readouterr().out == ""


def test_data_that_come_later_call_for_no_second_run(make, tmp_path, capsys):
    store = make()
    store.resolve("thing")
    (tmp_path / "cache/things").mkdir(parents=True)
    (tmp_path / "cache/things/thing.bin").write_bytes(BODY)
    store.resolve("thing")
    assert capsys.readouterr().out == ""


def test_another_environment_does_not_undo_what_was_used(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    assets.resolve("yamnet")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "other"))
    assert assets.used()["yamnet"] == "embedded"


def test_auto_is_the_default_in_colab_too(python):
    code = """
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
from course_utils import assets
print(assets.store().mode)
"""
    assert python(code, COURSE_ASSETS="").strip() == "auto"


# --- settings ---


def test_the_cache_is_the_checkouts_and_the_users_where_there_is_no_checkout(python, tmp_path):
    code = "from course_utils import assets; print(assets.EMBEDDED, assets.store().cache, sep='\\n')"
    unset = dict.fromkeys(assets.VARIABLES, "")
    assert python(code, **unset).splitlines() == [str(ROOT / "data/embedded"), str(ROOT / "data/cache")]
    package = tmp_path / "site-packages/course_utils"  # as pip would leave it
    shutil.copytree(ROOT / "course_utils", package, ignore=shutil.ignore_patterns("__pycache__"))
    installed = python(f"import sys; sys.path.insert(0, {str(package.parent)!r}); {code}", **unset)
    assert installed.splitlines() == [str(package / "embedded"), str(platformdirs.user_cache_path("course-utils"))]


def test_an_argument_goes_before_the_environment():
    assert assets.Store.from_environment({"COURSE_ASSETS": "embedded"}, mode="full").mode == "full"


def test_relative_cache_is_the_same_from_everywhere(monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    assert assets.Store.from_environment({"COURSE_CACHE": "elsewhere"}).cache == ROOT / "elsewhere"


def test_relative_mirror_is_found_from_the_notebooks_folder(monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    assert assets.Store.from_environment({"COURSE_MIRROR": "tests"}).mirror == ROOT / "tests"


def test_relative_mirror_is_looked_for_in_the_folder_one_is_in_first(monkeypatch, tmp_path):
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    assert assets.Store.from_environment({"COURSE_MIRROR": "tests"}).mirror == tmp_path / "tests"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("COURSE_MIRROR", "no/such/folder", "does not exist"),
        ("COURSE_MIRROR", "htp://server/course", "begins with http"),
        ("COURSE_MIRROR", "ftp://server/course", "begins with http"),
        ("COURSE_MIRROR", "~nosuchuser/mirror", "not a folder"),
        ("COURSE_CACHE", "~nosuchuser/cache", "not a folder"),
        ("COURSE_MIRROR", "x" * 5000, "not a folder"),
        ("COURSE_CACHE", "a\0b", "not a folder"),
        ("COURSE_ASSETS", "everything", "auto, full, embedded"),
    ],
)
def test_odd_settings_are_said_in_one_sentence(name, value, words):
    with pytest.raises((assets.AssetError, ValueError), match=words) as error:
        assets.Store.from_environment({name: value})
    assert name in str(error.value)


def test_a_circle_of_links_is_no_cache(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(assets.AssetError, match="not a folder"):
        assets.Store.from_environment({"COURSE_CACHE": str(tmp_path / "a/cache")})


# --- A: modes ---


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664), (0o027, 0o640)])
def test_what_is_downloaded_has_the_modes_of_the_umask(make, rows, server, umask, mode):
    one = server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    before = os.umask(umask)
    try:
        path = make("full").resolve("thing").path
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o777 & ~umask


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_what_is_unpacked_has_the_modes_of_the_umask(make, rows, tmp_path, umask):
    pack(rows, tmp_path)
    before = os.umask(umask)
    try:
        folder = make().resolve("pack").path
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777 & ~umask
    assert stat.S_IMODE((folder / "variables").stat().st_mode) == 0o777 & ~umask
    assert stat.S_IMODE((folder / "variables/data").stat().st_mode) & 0o666 == 0o644 & ~umask


# --- B: unreadable ---


@pytest.fixture
def nobody():
    """Be a user whom permissions bind."""
    with as_nobody():
        yield


@pytest.fixture
def open_tmp():
    """A folder that every user can enter: TMPDIR may be somebody's own."""
    import tempfile

    folder = Path(tempfile.mkdtemp(dir="/tmp" if os.name != "nt" else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("where", ["cache", "mirror"])
@pytest.mark.parametrize("what", ["file", "folder", "whole"])
def test_what_may_not_be_read_is_passed_over_with_a_remedy(rows, open_tmp, nobody, where, what):
    locked = {"file": "things/thing.bin", "folder": "things", "whole": ""}[what]
    uid = os.geteuid()
    if not uid:
        pytest.skip("permissions do not bind this user")
    with contextlib.ExitStack() as undo:
        if os.getresuid()[2] == 0:
            os.setresuid(0, 0, 0)
        (open_tmp / where / "things").mkdir(parents=True)
        (open_tmp / where / "things/thing.bin").write_bytes(BODY)
        (open_tmp / where / locked).chmod(0)
        undo.callback((open_tmp / where / locked).chmod, 0o755)
        if not os.geteuid():
            undo.callback(os.setresuid, 0, 0, 0)
            os.setresuid(65534, 65534, 0)
        store = assets.Store("auto", open_tmp / "cache", open_tmp / "mirror", rows)
        with pytest.warns(UserWarning, match=r"cannot be read .*chmod -R a\+rX"):
            assert store.resolve("thing").source == "embedded"
        from course_utils.doctor import unreadable

        assert unreadable(open_tmp / where)


def test_a_file_in_the_place_of_a_folder_is_no_damage(make, tmp_path, recwarn):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/things").touch()
    assert make().resolve("thing").source == "embedded"
    assert not any("cannot be read" in str(warning.message) for warning in recwarn)


def test_a_readable_mirror_serves_where_the_cache_may_not_be_read(rows, open_tmp, nobody):
    if not os.geteuid():
        pytest.skip("permissions do not bind this user")
    with contextlib.ExitStack() as undo:
        if os.getresuid()[2] == 0:
            os.setresuid(0, 0, 0)
        for where in ("cache", "mirror"):
            (open_tmp / where / "things").mkdir(parents=True)
            (open_tmp / where / "things/thing.bin").write_bytes(BODY)
        (open_tmp / "cache/things/thing.bin").chmod(0)
        if not os.geteuid():
            undo.callback(os.setresuid, 0, 0, 0)
            os.setresuid(65534, 65534, 0)
        with pytest.warns(UserWarning, match="cannot be read"):
            assert (
                assets.Store("auto", open_tmp / "cache", open_tmp / "mirror", rows).resolve("thing").source == "mirror"
            )


def test_a_mirror_that_nobody_can_write_to_serves_a_cache_of_one_s_own(rows, open_tmp, nobody):
    """As on a hub: what lies in the read-only volume is used where it is, and unpacked into the cache."""
    if not os.geteuid():
        pytest.skip("permissions do not bind this user")
    with contextlib.ExitStack() as undo:
        if os.getresuid()[2] == 0:
            os.setresuid(0, 0, 0)
        pack(rows, open_tmp)
        mirror, cache = (open_tmp / "cache").rename(open_tmp / "mirror"), open_tmp / "cache"
        (mirror / "things").mkdir()
        (mirror / "things/thing.bin").write_bytes(BODY)
        cache.mkdir()
        cache.chmod(0o777)
        for path in (*mirror.rglob("*"), mirror):
            path.chmod(0o555 if path.is_dir() else 0o444)
            undo.callback(path.chmod, 0o755)
        if not os.geteuid():
            undo.callback(os.setresuid, 0, 0, 0)
            os.setresuid(65534, 65534, 0)
        before = sorted(mirror.rglob("*"))
        store = assets.Store("auto", cache, mirror, rows)
        thing, folder = store.resolve("thing"), store.resolve("pack")
        assert (thing.source, thing.path) == ("mirror", mirror / "things/thing.bin")
        assert (folder.source, folder.path.parent) == ("mirror", cache / "unpacked")
        assert (folder.path / "variables/data").read_bytes() == b"abc"
        assert sorted(mirror.rglob("*")) == before


# --- C, D, E: silence, not told, drip ---

HOST_FAULTS = {
    "silent": "no answer within",
    "stall": "only .* bytes arrived within",
    "stall_without_length": "only .* bytes arrived within",
    "drip": "only .* bytes arrived within",
    "dripping_header": "no answer within",
    "slam": "broke off",
    429: "429",
    503: "503",
    500: "500",
}
FILE_FAULTS = {
    404: "404",
    403: "403",
    "cut": "broke off|IncompleteRead|bytes",
    "login": "26 bytes, but they are not the file",
    "endless": "more than",
    "two_lengths": "multiple unmatching values",
    "bad_length": ".",
    "bad_redirect": ".",
    "circle": "302",
    "noise": "broke off",
}


@pytest.mark.parametrize("fault", [*HOST_FAULTS, *FILE_FAULTS])
@pytest.mark.parametrize("mode", ["auto", "full"])
def test_every_fault_ends_soon_and_is_told(make, rows, server, quick, tmp_path, capsys, mode, fault):
    one = server(always=fault)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    words = (HOST_FAULTS | FILE_FAULTS)[fault]
    start = time.monotonic()
    if mode == "auto":
        assert make().resolve("thing").source == "embedded"
        said = capsys.readouterr().out
    else:
        with pytest.raises(assets.AssetError) as error:
            make("full").resolve("thing")
        said = str(error.value)
    assert time.monotonic() - start < SOON
    assert one.url in said
    assert re.search(words, said), said
    assert "Traceback" not in said
    assert cached(tmp_path) == []


@pytest.mark.parametrize("fault", [*HOST_FAULTS, *FILE_FAULTS])
def test_a_mirror_that_was_named_and_failed_is_never_passed_over_in_silence(make, rows, server, request, fault):
    if fault != "circle":  # eight redirects, which a busy computer gives time
        request.getfixturevalue("quick")
    one = server(always=fault)
    words = (HOST_FAULTS | FILE_FAULTS)[fault]
    with pytest.warns(UserWarning, match=f"COURSE_MIRROR {one.url}") as said:
        assert make(mirror=one.url).resolve("thing").source == "embedded"
    assert any(re.search(words, str(w.message)) for w in said)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://127.0.0.1:9/x"])
def test_a_mistyped_mirror_is_told_in_one_line(make, address):
    with pytest.warns(UserWarning, match=f"COURSE_MIRROR {address}"):
        assert make(mirror=address).resolve("thing").source == "embedded"


def test_a_mirror_behind_a_proxy_that_is_not_there_is_told(make, refused, monkeypatch):
    monkeypatch.setenv("http_proxy", refused)
    with pytest.warns(UserWarning, match="proxy"):
        assert make(mirror="http://some-mirror.example").resolve("thing").source == "embedded"


def test_a_wrong_certificate_file_is_not_taken_for_a_full_disk(make, rows, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none"))
    rows["thing"]["files"][0]["urls"] = ["https://127.0.0.1:9/thing"]
    make().resolve("thing")
    said = capsys.readouterr().out
    assert "CA certificate bundle" in said
    assert "disk" not in said


def test_a_name_that_is_not_known_is_told(make, rows, monkeypatch, capsys):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    rows["thing"]["files"][0]["urls"] = ["http://some-host.example/thing"]
    make().resolve("thing")
    assert "its name is unknown here, or there is no network" in capsys.readouterr().out


def test_what_failed_is_told_once_until_failures_are_forgotten(make, rows, server, capsys):
    rows["thing"]["files"][0]["urls"] = [f"{server(always=404).url}/thing"]
    store = make()
    for said in (1, 0):
        store.resolve("thing")
        assert capsys.readouterr().out.count("Not available") == said
    store.forget_failures()
    store.resolve("thing")
    assert "Not available" in capsys.readouterr().out


def test_a_failure_is_told_as_it_was_and_of_no_other_asset(make, rows, server):
    one, two = server(always="slam"), server(always=404)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/a", f"{one.url}/b"]
    rows["labels"]["files"][0]["urls"] = [f"{two.url}/labels"]
    store = make("full")
    with pytest.raises(assets.AssetError, match=f"{one.url}: the connection broke off$"):
        store.resolve("thing")
    with pytest.raises(assets.AssetError, match=f"{two.url}: it answered 404") as error:
        store.resolve("labels")
    assert one.url not in str(error.value)


def test_no_server_is_invited_to_compress(make, server):
    one = server(always="gzip_if_welcome")
    assert make(mirror=one.url).resolve("thing").path.read_bytes() == BODY


def test_what_a_server_labels_as_encoded_is_taken_as_it_is_on_the_wire(make, rows, server):
    one = server(always="encoded")
    assert make(mirror=one.url).resolve("thing").path.read_bytes() == BODY


@pytest.mark.parametrize("fault", ["silent", "stall", "drip", 429, "slam"])
def test_a_host_that_failed_is_not_asked_again_here_or_elsewhere(make, rows, server, quick, fault):
    one = server(always=fault)
    for name in rows:
        rows[name]["files"][0]["urls"] = [f"{one.url}/{name}"]
    store = make()
    store.resolve("thing")
    asked = len(one.agents)
    assert asked >= 1
    store.resolve("thing")
    store.resolve("labels")
    make().resolve("labels")  # as in another notebook
    assert len(one.agents) == asked
    again = make()
    again.forget_failures()  # what `prefetch` does
    again.resolve("labels")
    assert len(one.agents) > asked


@pytest.mark.parametrize("fault", ["silent", "stall", "slam", 404])
def test_only_a_busy_server_is_asked_twice(make, rows, server, quick, fault):
    one = server(always=fault)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    make().resolve("thing")
    assert len(one.agents) <= 1


def test_of_two_hosts_that_failed_neither_is_asked_again(make, rows, server):
    """In ``full``, where the one failure does not mean the network's."""
    one, two = server(always="slam"), server(always="slam")
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing", f"{two.url}/thing"]
    for _ in range(2):
        with pytest.raises(assets.AssetError):
            make("full").resolve("thing")
    assert (len(one.agents), len(two.agents)) == (2, 2)  # what broke off gets a second try, once


@pytest.mark.parametrize(
    ("spent", "age", "known"),
    [(0.9, 50, True), (0.9, 70, False), (1.0, 3500, True), (1.0, 3700, False), (9.0, -100, False)],
)
def test_a_failure_that_took_a_second_counts_for_an_hour_another_for_a_minute(tmp_path, spent, age, known):
    (tmp_path / "memory.json").write_text(json.dumps({"host": [time.time() - age, spent, "no answer"]}))
    why = fetch.Fetcher("auto", tmp_path / "memory.json").known("host")
    assert why == ("no answer" if known else None)


def test_where_the_network_failed_only_who_is_named_is_asked(make, rows, server, tmp_path):
    """A mirror, and every address in ``full``."""
    one, mirror = server(), server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/unreachable.json").write_text(json.dumps({"*": [time.time(), 9.0, "no answer"]}))
    assert make().resolve("thing").source == "embedded"
    assert one.agents == []
    assert make(mirror=mirror.url).resolve("thing").source == "mirror"
    (tmp_path / "cache/things/thing.bin").unlink()
    assert make("full").resolve("thing").source == "network"


@pytest.mark.parametrize("reached", [True, False])
def test_a_network_of_which_something_came_is_not_given_up(make, rows, server, reached):
    good, bad, worse = server(), server(always="slam"), server(always="slam")
    good.files |= {"/thing": BODY, "/labels": b"x"}
    rows["thing"]["files"][0]["urls"] = [f"{good.url}/thing"]
    rows["labels"]["files"][0]["urls"] = [f"{one.url}/labels" for one in (bad, worse, good)]
    store = make()
    for name in ("thing", "labels") if reached else ("labels", "thing"):
        assert store.resolve(name).source == ("network" if reached else "embedded")
    assert (len(bad.agents), len(worse.agents), len(good.agents)) == (1, 1, 2 * reached)


def test_one_host_that_failed_is_not_the_network(make, rows, clips, server, quick, monkeypatch):
    """Though two clips were asked for at a time."""
    monkeypatch.setitem(fetch.ALLOWANCE, "auto", 60.0)
    bad, good = server(always="silent"), server()
    rows["clips"]["base_url"] = f"{bad.url}/"
    rows["thing"]["files"][0]["urls"] = [f"{good.url}/thing"]
    store = make()
    assert store.resolve("clips").source == "embedded"
    assert store.resolve("thing").source == "network"


def test_auto_waits_no_more_when_its_time_is_over_and_full_has_it_anew(make, rows, server):
    one = server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    for mode, source in (("auto", "embedded"), ("full", "network")):
        store = make(mode)
        store._fetcher.left = 0.0
        assert store.resolve("thing").source == source
        assert len(one.agents) == (mode == "full")


@pytest.mark.parametrize("fault", ["silent", "stall"])
def test_little_time_left_is_little_patience(make, rows, server, monkeypatch, capsys, fault):
    monkeypatch.setitem(fetch.PATIENCE, "auto", 2.0)
    rows["thing"]["files"][0]["urls"] = [f"{server(always=fault).url}/thing"]
    store = make()
    store._fetcher.left = 0.5
    store.resolve("thing")
    assert "within 1 s" in capsys.readouterr().out  # not 2 s


def test_a_busy_server_is_not_waited_for_longer_than_there_is_time(make, rows, server, monkeypatch):
    monkeypatch.setattr(fetch, "WAITS", (0, 0.1, 0.1))
    one = server(always=503)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    store = make()
    store._fetcher.left = 0.25
    store.resolve("thing")
    assert len(one.agents) <= 2  # not three times


@pytest.mark.slow
def test_what_failed_is_remembered_for_an_hour_if_it_took_time(make, rows, server, quick, monkeypatch, tmp_path):
    one = server(always="silent")
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    monkeypatch.setitem(fetch.PATIENCE, "auto", 1.1)
    make().resolve("thing")
    memory = tmp_path / "cache/unreachable.json"
    kept = json.loads(memory.read_text())
    for age, asked in ((3500, 0), (3700, 1), (-100, 1)):  # a clock that was put back does not count
        memory.write_text(json.dumps({host: [time.time() - age, 2.0, why] for host, (_, _, why) in kept.items()}))
        before = len(one.agents)
        make().resolve("thing")
        assert len(one.agents) - before == asked, age
    for damaged in ("", "[]", "{", '{"a": 1}', "null"):
        memory.write_text(damaged)
        make().resolve("labels")


def test_without_a_network_it_is_said_in_two_lines_at_most(make, rows, monkeypatch, capsys):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    rows["thing"]["files"][0]["urls"] = ["http://host.example/thing"]
    for host in ("a", "b", "c"):
        rows[host] = {**rows["thing"], "path": host, "files": [version(BODY, f"http://{host}.example/thing")]}
    for lines in (2, 1):  # the second time, another notebook: the failure is remembered
        store = make()
        for name in rows:
            store.resolve(name)
        said = capsys.readouterr().out.splitlines()
        assert len(said) <= lines, said
        assert said[0].endswith("To try again, run `python -m course_utils prefetch thing`.")


def test_auto_gives_the_network_up_after_two_hosts(make, rows, server, quick, tmp_path, capsys):
    one, two, three = (server(always="silent") for _ in range(3))
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/a", f"{two.url}/a", f"{three.url}/a"]
    rows["labels"]["files"][0]["urls"] = [f"{three.url}/labels"]
    store = make()
    store.resolve("thing")
    store.resolve("labels")
    make().resolve("labels")
    assert three.agents == []
    assert json.loads((tmp_path / "cache/unreachable.json").read_text())["*"][1] > 1  # s, so it counts for an hour
    assert capsys.readouterr().out.count("Not available") <= 2


def test_the_waits_that_people_have_are_the_promised_ones():
    """The other tests shorten them."""
    assert fetch.ALLOWANCE == {"auto": 9.0, "full": 45.0}
    assert fetch.PATIENCE == {"auto": 4.0, "full": 15.0}
    assert fetch.WAITS == (0, 1, 2, 4)
    assert sum(fetch.WAITS) < fetch.ALLOWANCE["auto"]
    assert (fetch.FLOOR, assets.LOCK_PATIENCE) == (10_000, 15)


def test_it_is_the_watcher_who_gives_up_and_what_is_left_behind_ends_some_day(make, server, monkeypatch):
    import requests

    get, timeouts = requests.Session.get, []

    def watched(*arguments, **options):
        timeouts.append(options["timeout"])
        return get(*arguments, **options)

    monkeypatch.setattr(requests.Session, "get", watched)
    make(mirror=server().url).resolve("thing")
    assert max(fetch.PATIENCE.values()) < timeouts[0] < 600


@pytest.mark.slow
def test_silence_of_every_host_ends_soon_in_auto(make, rows, server):
    one, two, three = (server(always="silent") for _ in range(3))
    for name in rows:
        rows[name]["files"][0]["urls"] = [f"{s.url}/a" for s in (one, two, three)]
    store, start = make(mirror=None), time.monotonic()
    for name in rows:
        store.resolve(name)
    assert time.monotonic() - start < SOON


def test_a_name_that_is_never_resolved_costs_no_more(make, rows, quick, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    rows["thing"]["files"][0]["urls"] = ["http://some-host.example/thing"]
    start = time.monotonic()
    make().resolve("thing")
    assert time.monotonic() - start < 4.5


def test_a_slow_but_steady_server_is_waited_for(make, rows, server, quick, monkeypatch):
    """Slower than patience in all, never below the floor."""
    one = server()

    def steady(handler, body):
        handler.head(len(body))
        for i in range(0, len(body), 4000):
            handler.wfile.write(body[i : i + 4000])
            handler.wfile.flush()
            time.sleep(0.06)

    monkeypatch.setattr(Handler, "do_as_steady", steady, raising=False)
    one.always = "steady"
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    start = time.monotonic()
    assert make().resolve("thing").source == "network"
    assert time.monotonic() - start > fetch.PATIENCE["auto"]


def test_a_server_below_the_floor_is_given_up(make, rows, server, quick, monkeypatch, capsys):
    """It sends 40 kB in a second, or less."""
    monkeypatch.setattr(fetch, "FLOOR", 60_000)
    one = server()

    def slow(handler, body):
        handler.head(len(body))
        for i in range(0, len(body), 4000):
            handler.wfile.write(body[i : i + 4000])
            handler.wfile.flush()
            if handler.server.end.wait(0.1):
                return

    monkeypatch.setattr(Handler, "do_as_slow", slow, raising=False)
    one.always = "slow"
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    assert make().resolve("thing").source == "embedded"
    assert "within 1 s" in capsys.readouterr().out


def test_unreachable_mirror_is_given_up_at_once(tmp_path, refused):
    """400 clips do not mean 400 waits."""
    start = time.perf_counter()
    with pytest.warns(UserWarning, match="connection refused"):
        store = assets.Store("auto", tmp_path, refused)
        assert store.resolve("esc50-animals").source == "embedded"
    assert time.perf_counter() - start < SOON


@pytest.mark.parametrize("fault", ["silent", "stall", "drip", 429, 503])
def test_a_mirror_that_fails_fails_once_for_all_clips(tmp_path, server, quick, fault):
    one = server(always=fault)
    start = time.monotonic()
    with pytest.warns(UserWarning, match="COURSE_MIRROR"):
        assert assets.Store("auto", tmp_path, one.url).resolve("esc50-animals").source == "embedded"
    assert time.monotonic() - start < SOON
    assert len(one.agents) <= 8 * 3  # threads and tries; 400 clips would be 400


@pytest.mark.slow
def test_ctrl_c_ends_a_prefetch_at_once(tmp_path, server):
    one = server(always="stall")
    code = f"""
import signal, sys
from course_utils import assets
signal.signal(signal.SIGINT, signal.default_int_handler)
print("begin", flush=True)
assets.Store("full", {str(tmp_path)!r}, {one.url!r}).resolve("esc50-animals")
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    process.stdout.readline()
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("first", ["silent", 503])
def test_after_ctrl_c_the_same_store_asks_again(make, rows, server, monkeypatch, first):
    monkeypatch.setattr(fetch, "WAITS", (0, 10))
    one, progress = server(first), assets.progress
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]

    def interrupted(*jobs, **options):
        if not jobs:
            return progress(**options)
        while not (one.agents or jobs[0][0].done()):
            time.sleep(0.01)
        time.sleep(0.2)  # the server has answered, if it does
        raise KeyboardInterrupt

    store = make("full")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(assets, "progress", interrupted)
        store.resolve("thing")
    assert store.resolve("thing").source == "network"
    assert len(one.agents) == 2


# --- F: locks ---


@pytest.fixture
def held(tmp_path, monkeypatch):
    """Hold the lock of a file; at each look at the clock ten seconds have passed, and after some there is the file."""
    target = tmp_path / "cache/things/thing.bin"
    target.parent.mkdir(parents=True)
    lock, looks = filelock.FileLock(f"{target}.lock", thread_local=False), []
    lock.acquire()

    def monotonic():
        looks.append(None)
        target.with_name(".thing.bin.1.1.part").write_bytes(b"x" * len(looks))
        if len(looks) == 5:
            target.write_bytes(BODY)
            lock.release()
        return 10.0 * len(looks)

    monkeypatch.setattr(assets, "time", types.SimpleNamespace(monotonic=monotonic, time_ns=time.time_ns))
    yield target
    lock.release()


def test_a_lock_whose_holder_gets_on_is_waited_for(make, rows, server, held):
    rows["thing"]["files"][0]["urls"] = [f"{server(always=404).url}/thing"]
    assert make("full").resolve("thing").path == held


def test_a_lock_is_not_waited_for_after_ctrl_c(make, held):
    store = make()
    store._fetcher.halt.set()
    with pytest.raises(fetch.FetchError, match="end it"):
        store._lock(held)


def hold(path, ready):
    from filelock import FileLock

    with FileLock(path):
        Path(path).with_name(f".thing.bin.{os.getpid()}.1.part").write_bytes(b"half")
        ready.set()
        time.sleep(60)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["auto", "full"])
def test_a_lock_that_is_held_and_nothing_done_is_not_waited_for_for_ever(
    make, rows, server, tmp_path, monkeypatch, capsys, mode
):
    one = server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    monkeypatch.setattr(assets, "LOCK_PATIENCE", 1.0)
    (tmp_path / "cache/things").mkdir(parents=True)
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold, args=(str(tmp_path / "cache/things/thing.bin.lock"), ready), daemon=True)
    holder.start()
    assert ready.wait(30)
    os.kill(holder.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        if mode == "auto":
            assert make().resolve("thing").source == "embedded"
        else:
            with pytest.raises(assets.AssetError, match=f"process {holder.pid}"):
                make("full").resolve("thing")
        assert 0.9 < time.monotonic() - start < SOON
        said = capsys.readouterr().out
        assert f"Waiting for another notebook or command (process {holder.pid}) to fetch thing.bin." in said
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.join()
    monkeypatch.undo()
    assert make(mode).resolve("thing").source == "network"
    assert cached(tmp_path) == ["thing.bin"]  # the half file of whoever was killed is gone


# --- what goes wrong, and what is left behind ---


@pytest.mark.parametrize("answers", [(429, 503), (500, 502)])
def test_busy_server_is_asked_again(make, rows, server, quick, answers):
    one = server(*answers)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    assert make("full").resolve("thing").source == "network"
    assert len(one.agents) == 3


@pytest.mark.parametrize("mode", ["auto", "full"])
def test_second_address_is_tried(make, rows, server, mode, capsys):
    one = server(404)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/gone", f"{one.url}/thing"]
    assert make(mode).resolve("thing").source == "network"
    assert "Not available" not in capsys.readouterr().out  # the file is here


def test_a_mirror_that_lacks_a_file_is_named_though_the_file_came_from_elsewhere(make, rows, server):
    mirror, one = server(always=404), server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    with pytest.warns(UserWarning, match=f"COURSE_MIRROR {mirror.url} .*It came from elsewhere"):
        assert make(mirror=mirror.url).resolve("thing").source == "network"


@pytest.mark.parametrize("fault", ["missing", "wrong", "cut", "refused"])
def test_failed_download_is_an_error_with_three_ways_out(make, rows, server, refused, tmp_path, recwarn, fault):
    one = server(always={"missing": 404, "cut": "cut", "wrong": "login"}.get(fault, 200))
    rows["thing"]["files"][0]["urls"] = [f"{refused if fault == 'refused' else one.url}/thing"]
    with pytest.raises(assets.AssetError) as error:
        make("full").resolve("thing")
    for words in ("prefetch", "COURSE_MIRROR", "COURSE_ASSETS=embedded", "things/thing.bin"):
        assert words in str(error.value)
    assert cached(tmp_path) == []
    assert not any("damaged" in str(warning.message) for warning in recwarn)  # nobody has such a file


@pytest.mark.parametrize("damage", [b"", BODY[:-1], b"x" * len(BODY)], ids=["empty", "truncated", "other"])
def test_damaged_file_in_the_cache_is_not_used_and_survives_a_failed_download(make, rows, server, tmp_path, damage):
    path = tmp_path / "cache/things/thing.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    with pytest.warns(UserWarning, match="damaged"):
        assert make().resolve("thing").source == "embedded"
    one = server(404)
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    with pytest.warns(UserWarning), pytest.raises(assets.AssetError):
        make("full").resolve("thing")
    assert path.read_bytes() == damage
    with pytest.warns(UserWarning):
        assert make("full").resolve("thing").source == "network"
    assert path.read_bytes() == BODY


def _resolve_in_process(url, cache, results):
    rows = {"thing": {"title": "A thing", "path": "things/thing.bin", "files": [version(BODY, url)]}}
    results.put(assets.Store("full", cache, assets=rows).resolve("thing").path.read_bytes() == BODY)


@pytest.mark.slow
def test_three_processes_share_one_download(server, tmp_path):
    one = server()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    jobs = [
        context.Process(target=_resolve_in_process, args=(f"{one.url}/thing", tmp_path / "cache", results))
        for _ in range(3)
    ]
    for job in jobs:
        job.start()
    assert all(results.get(timeout=60) for _ in jobs)
    for job in jobs:
        job.join()
    assert cached(tmp_path) == ["thing.bin"]
    assert len(one.agents) == 1


def pack(rows, tmp_path) -> bytes:
    """Put an archive into the table and the cache."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("variables/data")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    body = buffer.getvalue()
    rows["pack"] = {"title": "Pack", "path": "pack.tar.gz", "unpack": True, "files": [version(body)]}
    rows["pack"]["embedded_title"] = "nothing"
    (tmp_path / "cache").mkdir(exist_ok=True)
    (tmp_path / "cache/pack.tar.gz").write_bytes(body)
    return body


def test_archive_is_unpacked_once_and_whole(make, rows, tmp_path, monkeypatch):
    pack(rows, tmp_path)
    folder = make().resolve("pack").path
    assert (folder / "variables/data").read_bytes() == b"abc"
    before = (folder / "variables/data").stat()
    with monkeypatch.context() as read_only:  # a finished one needs no lock, so it may lie where nothing can be written
        read_only.setattr("filelock.FileLock", None)
        assert make().resolve("pack").path == folder
    assert (folder / "variables/data").stat() == before
    (folder / "variables/data").write_bytes(b"a")  # what is damaged is unpacked again
    assert (make().resolve("pack").path / "variables/data").read_bytes() == b"abc"


def test_clips_of_another_name_are_found_in_a_mirror_that_is_an_address(make, server, tmp_path):
    one = server(404)
    one.files["/audio/a.ogg"] = b"as Ogg Vorbis"
    files = [version(BODY), version(b"as Ogg Vorbis") | {"path": "audio/a.ogg"}]
    path, source, _ = make(mirror=one.url)._find_file("audio/a.wav", files, network=False, show=False)
    assert (path, source) == (tmp_path / "cache/audio/a.ogg", "mirror")
    assert path.read_bytes() == b"as Ogg Vorbis"


def test_an_archive_that_cannot_be_unpacked_is_not_here(make, rows, tmp_path, capsys):
    pack(rows, tmp_path)
    (tmp_path / "cache/unpacked").touch()
    assert make().resolve("pack").source == "embedded"
    assert "cannot be written" in capsys.readouterr().out


def test_a_disk_that_is_full_is_not_taken_for_the_hosts_failure(make, rows, server, tmp_path):
    resource = pytest.importorskip("resource")
    rows["thing"]["files"][0]["urls"] = [f"{server().url}/thing"]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(assets.AssetError, match=f"{tmp_path}.* cannot be written, .*: set COURSE_CACHE"):
            make("full").resolve("thing")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert cached(tmp_path) == []
    assert make("full").resolve("thing").source == "network"


def test_cache_that_cannot_be_written_is_said(rows, server, tmp_path, capsys):
    (tmp_path / "file").touch()
    one = server()
    rows["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    with pytest.raises(assets.AssetError, match="set COURSE_CACHE"):
        assets.Store("full", tmp_path / "file", assets=rows).resolve("thing")
    assert assets.Store("auto", tmp_path / "file", assets=rows).resolve("thing").source == "embedded"
    assert "set COURSE_CACHE" in capsys.readouterr().out


# --- sets of clips ---


def test_clips_are_fetched_one_by_one_byte_for_byte(monkeypatch, server, tmp_path):
    folder = ROOT.parent / "shared" / "official_clips"
    if not folder.is_dir():
        pytest.skip("the original clips are not available; the same path is tested above with other files")
    files = {path.name: path.read_bytes() for path in folder.glob("*.wav")}
    one = server()
    one.files.update({f"/audio/{name}": body for name, body in files.items()})
    table = assets.table()
    table["esc50-animals"] |= {"clips": list(files), "base_url": f"{one.url}/audio/"}
    table["esc50-listening"] |= {"clips": list(files)[:2], "base_url": f"{one.url}/audio/"}
    with assets.using(assets.Store("full", tmp_path, assets=table)) as store:
        assert store.resolve("esc50-animals").variant == "44.1 kHz"
        paths = store.clips("esc50-animals")
        assert len(paths) == len(files) == 18
        assert {name: path.read_bytes() for name, path in paths.items()} == files
        assert len(datasets.load_clip(next(iter(files)))) == 5 * 16000


@pytest.mark.parametrize("where", ["cache", "mirror"])
def test_clips_at_16_khz_are_oggs(make, clips, tmp_path, where):
    folder = tmp_path / where / "audio"
    folder.mkdir(parents=True)
    store = make(mirror=tmp_path / "mirror" if where == "mirror" else None)
    (folder / "a.ogg").write_bytes(clips["a.ogg"])
    assert store.clips("clips") == {}  # not one for all
    (folder / "b.ogg").write_bytes(clips["b.ogg"])
    asset = store.resolve("clips")
    assert (asset.source, asset.variant, asset.path) == (where, "16 kHz", folder)
    assert asset.clips == {"a.wav": folder / "a.ogg", "b.wav": folder / "b.ogg"}


def test_clips_of_both_rates_and_from_two_places(make, rows, clips, server, tmp_path):
    one = server()
    one.files["/b.wav"] = clips["b.wav"]
    rows["clips"]["base_url"] = f"{one.url}/"
    (tmp_path / "cache/audio").mkdir(parents=True)
    (tmp_path / "cache/audio/a.ogg").write_bytes(clips["a.ogg"])
    (tmp_path / "cache/audio/b.ogg").write_bytes(b"x" * len(clips["b.ogg"]))
    with pytest.warns(UserWarning, match=r"b\.ogg is damaged"):
        asset = make().resolve("clips")
    assert (asset.source, asset.variant) == ("network", "16 kHz and 44.1 kHz")
    assert asset.label == "Clips (16 kHz and 44.1 kHz)"
    assert [path.name for path in asset.clips.values()] == ["a.ogg", "b.wav"]


def test_manifest_holds_400_clips_with_both_hashes():
    rows = assets.Store().manifest("esc50-animals")
    assert len({row["filename"] for row in rows}) == 400
    for row in rows:
        assert [file["bytes"] for file in row["files"]] == [441044, 160078]
        assert row["files"][0]["urls"][0].endswith("/audio/" + row["filename"])


def test_the_clips_that_lessons_play_are_a_dozen_of_them():
    store = assets.Store()
    listening = {row["filename"]: row for row in store.manifest("esc50-listening")}
    animals = {row["filename"]: row for row in store.manifest("esc50-animals")}
    assert 12 <= len(listening) <= 16
    assert listening == {name: animals[name] for name in listening}
    assert store.size("esc50-listening") == 441044 * len(listening)
    assert set(datasets.metro_recipe()["filename"]) <= set(listening)
    metadata = datasets.esc50_metadata().query("fold == 1 and category in @datasets.ANIMALS")
    assert set(metadata.drop_duplicates("category")["filename"]) <= set(listening)


def test_the_clips_of_the_mixtures_that_lessons_play_are_those():
    """The first of lesson 6, and those that gain and lose most by training on mixtures."""
    store = assets.Store("embedded")
    rows = {row["filename"]: row for row in store.manifest("esc50-mixtures")}
    whole = {row["filename"]: row for name in esc50.WHOLE for row in store.manifest(name)}
    assert rows == {name: whole[name] for name in rows}
    assert store.size("esc50-mixtures") == 441044 * len(rows)
    with assets.using(store):
        soundscapes = datasets.make_soundscapes(50, 0)
    events = {name for i in (0, 17, 49) for name in soundscapes[i].reference["filename"]}
    categories = datasets.esc50_metadata().set_index("filename")["category"]
    assert {name for name in rows if categories[name] in datasets.ANIMALS} == events
    assert [categories[name] for name in rows if name not in events].count("wind") == 2


# --- the real table and what is shipped ---


def test_every_asset_has_its_facts_and_its_embedded_file():
    for name, row in assets.table().items():
        assert {"title", "path", "licence", "source", "cite", "embedded_title"} <= set(row), name
        if "embedded" in row:
            assert assets.embedded(row["embedded"]).exists()
        for file in row.get("files", []):
            assert file["bytes"] > 0
            assert len(file["hash"]) == len("sha256:") + 64


def test_what_the_course_should_ship_and_does_not_is_said():
    with pytest.raises(assets.AssetError, match=r"lacks 'clips/none\.ogg', which the course ships\. Reinstall it"):
        assets.embedded("clips/none.ogg")


def test_embedded_folder_is_small():
    total = sum(path.stat().st_size for path in (ROOT / "data/embedded").rglob("*") if path.is_file())
    assert total <= 16e6


def test_overview_says_who_answers_what_is_used_and_how_to_get_the_real_one(embedded, capsys):
    table = assets.overview("yamnet", "speech-whistling", "cnn14").data.set_index("asset")
    assert list(table["from"]) == ["embedded"] * 3
    assert table["to get the real one"].str.contains("%run -m course_utils prefetch").all()
    assert "YAMNet-mini" in table.loc["YAMNet", "this run uses"]
    said = capsys.readouterr().out
    assert said.startswith("Networks in this run: YAMNet-mini")
    assert "in place of PANNs CNN14" in said


def test_overview_of_a_network_that_nobody_answers_for(embedded, capsys):
    table = assets.overview("yamnet", "efficientat-mn04").data.set_index("asset")
    assert table.loc["EfficientAT mn04", "this run uses"] == "shipped features of EfficientAT mn04"
    assert capsys.readouterr().out == "Networks in this run: YAMNet-mini; shipped features of EfficientAT mn04.\n"


def test_overview_of_what_is_here_has_nothing_to_do(make, tmp_path):
    (tmp_path / "cache/things").mkdir(parents=True)
    (tmp_path / "cache/things/thing.bin").write_bytes(BODY)
    with assets.using(make()):
        assert assets.overview("thing").data.iloc[0].to_list() == ["A thing", "the real one (original)", "cache", ""]


def test_who_is_here_speaks_for_itself(make, rows, tmp_path):
    """And for those who are not, the first of the table."""
    del rows["thing"]["embedded"]
    other = rows["labels"] | {"speaks_for": ["thing"], "files": [version(BODY)]}
    rows |= {"other": other | {"path": "other.bin"}, "another": other | {"path": "another.bin"}}
    for path, speaker in (("another.bin", "another"), ("other.bin", "other"), ("things/thing.bin", "thing")):
        (tmp_path / "cache" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / path).write_bytes(BODY)
        assert make().speaker("thing").name == speaker


def test_bars_go_to_stdout_and_vanish(capsys):
    assert list(assets.progress(range(2), mininterval=0)) == [0, 1]
    assert capsys.readouterr() == ("", "")  # what is done in less than half a second
    assert list(assets.progress(range(2), mininterval=0, delay=0)) == [0, 1]
    out, err = capsys.readouterr()
    assert "2/2" in out
    assert out.endswith("\r")
    assert err == ""


def test_overview_sends_nobody_to_the_internet_whose_mirror_lacks_a_file(monkeypatch, tmp_path):
    with assets.using(assets.Store("auto", tmp_path / "cache", tmp_path)):
        table = assets.overview("cnn14").data.set_index("asset")
    assert table["to get the real one"].iloc[0].startswith(f"{tmp_path} does not have it. Ask whoever looks after it")


# --- the command line ---


def test_info_looks_and_does_not_download(python, server, tmp_path):
    one = server()
    command = "from course_utils.__main__ import main; print(main(['info']))"
    for mode in ("full", "auto"):
        out = python(
            command, COURSE_ASSETS=mode, COURSE_MIRROR=one.url, COURSE_CACHE=str(tmp_path), https_proxy=one.url
        )
        assert out.rstrip().endswith("0")
        assert "uses the network or a mirror; not fetched yet" in out
        assert one.agents == []
    wrong = {"COURSE_MIRROR": "no/such/folder", "COURSE_ASSETS": "auto"}
    out = python("from course_utils.__main__ import main; print(main(['info']))", **wrong)
    assert "does not exist" in out
    assert out.rstrip().endswith("1")


def test_commands_leave_the_environment_as_it_was(monkeypatch, tmp_path, capsys):
    from course_utils import __main__ as command

    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    before = dict(os.environ)
    assert command.main(["info"]) == 0
    assert "not fetched yet" not in capsys.readouterr().out  # nothing would be
    assert command.main(["prefetch", "no such asset"]) == 2
    assert dict(os.environ) == before


def test_prefetch_in_a_notebook_needs_no_new_kernel(server, monkeypatch, tmp_path, capsys):
    from course_utils import __main__ as command

    one = server()
    body = Path(assets.embedded("clips/scene.csv")).read_bytes()
    one.files["/metadata.csv"] = body
    table = assets.table()
    table["esc50-metadata"]["files"] = [version(body, f"{one.url}/metadata.csv")]
    monkeypatch.setattr(assets, "table", lambda: table)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    one.answers[:] = [404]
    assert assets.resolve("esc50-metadata").source == "embedded"
    assert command.main(["prefetch", "esc50-metadata"]) == 0
    assert assets.resolve("esc50-metadata").source == "cache"


def test_prefetch_says_what_failed_once_and_not_to_run_prefetch(server, monkeypatch, tmp_path, capsys):
    from course_utils import __main__ as command

    one = server(always=404)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_MIRROR", one.url)
    table = {name: row | {"files": [version(BODY)]} for name, row in assets.table().items() if "files" in row}
    monkeypatch.setattr(assets, "table", lambda: table)
    with contextlib.suppress(UserWarning):
        assert command.main(["prefetch", "yamnet", "metro-station"]) == 1
    out = capsys.readouterr().out
    assert "run `python -m course_utils prefetch`" not in out
    assert out.count("python -m course_utils prefetch yamnet metro-station") == 1


@pytest.mark.slow
def test_commands(python):
    out = python("from course_utils.__main__ import main; print(main(['info']))", COURSE_ASSETS="embedded")
    assert "CC BY-NC 3.0" in out
    assert out.rstrip().endswith("0")
    out = python("from course_utils.__main__ import main; print(main(['prefetch', 'nothing']))")
    assert "No asset is called nothing" in out


def test_used_can_be_written_as_json(embedded):
    with assets.using(assets.Store("embedded")):
        assets.resolve("yamnet")
        assert json.loads(json.dumps(assets.used())) == {"yamnet": "embedded"}


@pytest.mark.skipif(os.name == "nt", reason="links are of another kind here")
@pytest.mark.parametrize("variable", ["COURSE_CACHE", "COURSE_MIRROR"])
def test_a_circle_of_links_is_said_in_each_python(variable, tmp_path, monkeypatch):
    """Before Python 3.13, resolve() says so, and since then stat() does."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for resolve in (Path.resolve, Path.absolute):
        monkeypatch.setattr(Path, "resolve", resolve)
        words = rf"{variable} is '{re.escape(str(tmp_path / 'a/x')[:80])}', which is not a folder \(.*[Ll]ink.*\)"
        with pytest.raises(assets.AssetError, match=words):
            assets.Store.from_environment({variable: str(tmp_path / "a/x")})


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Return the folders of an installation: where all users keep assets, the user's cache, a temporary one."""
    places = {name: tmp_path / name for name in ("shared", "own", "scratch")}
    monkeypatch.setattr(assets, "CHECKOUT", tmp_path / "shared")
    monkeypatch.setattr(assets.platformdirs, "user_cache_path", lambda name: places["own"])
    monkeypatch.setattr(assets, "scratch_folder", lambda: places["scratch"])
    return places | {"shared": tmp_path / "shared/data/cache"}


@pytest.mark.parametrize(
    ("writes", "there", "cache", "mirror"),
    [
        ("shared own scratch", True, "shared", None),
        ("own scratch", True, "own", "shared"),
        ("own scratch", False, "own", None),
        ("scratch", True, "scratch", "shared"),
        ("", True, "shared", None),
        ("", False, "shared", None),
    ],
)
def test_a_shared_installation_is_read_and_ones_own_folder_written(
    installed, monkeypatch, writes, there, cache, mirror
):
    if there:
        installed["shared"].mkdir(parents=True)
    installed["scratch"] /= "cache"
    monkeypatch.setattr(assets, "writable", lambda folder: any(folder == installed[name] for name in writes.split()))
    store = assets.Store.from_environment({})
    assert store.cache == installed[cache]
    assert store.mirror == (installed[mirror] if mirror else None)
    other = assets.Store.from_environment({"COURSE_MIRROR": "http://mirror.example/x"})
    assert (other.cache, other.mirror) == (store.cache, "http://mirror.example/x")  # what is said counts


def test_an_overview_is_a_table_in_a_terminal_and_opens_in_a_notebook(embedded):
    shown = assets.overview("yamnet", "audioset-labels")
    assert repr(shown).splitlines()[0].split() == "asset this run uses from to get the real one".split()
    assert len(repr(shown).splitlines()) == 3
    assert shown._repr_html_().startswith("<details><summary>What this lesson uses, and how to get the real thing<")
    assert shown._repr_html_().count("prefetch") == 2

"""Assets: where they are looked for, what is refused, and what a failing download leaves behind."""

import hashlib
import http.server
import io
import json
import multiprocessing
import os
import re
import socket
import tarfile
import threading
import time
import tomllib

import pytest
from conftest import ROOT

from course_utils import assets, datasets

BODY = bytes(range(256)) * 400


def version(body: bytes, *urls: str, variant: str = "original") -> dict:
    return {
        "variant": variant,
        "bytes": len(body),
        "hash": f"sha256:{hashlib.sha256(body).hexdigest()}",
        "urls": list(urls),
    }


@pytest.fixture
def table(monkeypatch, tmp_path):
    """A small asset table, an empty cache, no mirror."""
    rows = {
        "thing": {"title": "A thing", "path": "things/thing.bin", "files": [version(BODY)]},
        "labels": {"title": "Labels", "path": "labels.csv", "files": [version(b"x")]},
    }
    rows["thing"] |= {"embedded": "audioset_labels.csv", "embedded_title": "a small thing"}
    monkeypatch.setattr(assets, "table", lambda: rows)
    monkeypatch.setattr(assets, "_known", {})
    monkeypatch.setattr(assets, "_used", {})
    monkeypatch.setattr(assets, "_failures", [])
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    return rows


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY; ``answers`` holds what to do first: a status to send, or "cut" for half a file."""

    def __init__(self, answers=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.agents, self.files = list(answers), [], {}
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.agents.append(self.headers["User-Agent"])
        body = self.server.files.get(self.path, BODY if not self.server.files else None)
        answer = self.server.answers.pop(0) if self.server.answers else (200 if body is not None else 404)
        if isinstance(answer, int) and answer != 200:
            self.send_error(answer)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if answer == "cut" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    servers = []

    def start(*answers):
        servers.append(Server(answers))
        return servers[-1]

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


def cached(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache").rglob("*") if p.is_file() and not p.name.endswith(".lock"))


# --- the order: cache, mirror, network, embedded ---


def test_auto_never_uses_the_network(table, server):
    one = server()
    table["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    asset = assets.resolve("thing")
    assert (asset.source, asset.is_real, asset.variant) == ("embedded", False, "a small thing")
    assert one.agents == []


def test_full_downloads_then_uses_the_cache(table, server, tmp_path, monkeypatch):
    one = server()
    table["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    monkeypatch.setenv("COURSE_ASSETS", "full")
    asset = assets.resolve("thing")
    assert asset.source == "network"
    assert asset.path.read_bytes() == BODY
    assert assets.used() == {"thing": "network"}
    monkeypatch.setattr(assets, "_known", {})
    assert assets.resolve("thing").source == "cache"
    assert len(one.agents) == 1
    assert one.agents[0].startswith("course-utils/")
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    assert assets.resolve("thing").source == "cache"
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    assert assets.resolve("thing").source == "embedded"


def test_mirror_folder_comes_before_the_network(table, server, tmp_path, monkeypatch):
    one = server()
    table["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    (tmp_path / "mirror/things").mkdir(parents=True)
    (tmp_path / "mirror/things/thing.bin").write_bytes(BODY)
    monkeypatch.setenv("COURSE_ASSETS", "full")
    monkeypatch.setenv("COURSE_MIRROR", str(tmp_path / "mirror"))
    asset = assets.resolve("thing")
    assert (asset.source, asset.path) == ("mirror", tmp_path / "mirror/things/thing.bin")
    assert one.agents == []
    assert cached(tmp_path) == []


def test_mirror_address_is_used_in_auto_and_fills_the_cache(table, server, tmp_path, monkeypatch):
    one = server()
    one.files["/course/things/thing.bin"] = BODY
    monkeypatch.setenv("COURSE_MIRROR", f"{one.url}/course/")
    assert assets.resolve("thing").source == "mirror"
    assert cached(tmp_path) == ["thing.bin"]


def test_mirror_address_is_asked_once_for_a_file_of_several_versions(table, server, monkeypatch):
    one = server()
    table["thing"]["files"].insert(0, version(b"another version", variant="other"))
    monkeypatch.setenv("COURSE_MIRROR", one.url)
    assert assets.resolve("thing").variant == "original"
    assert len(one.agents) == 1


def test_unreachable_mirror_is_given_up_at_once(monkeypatch, tmp_path):
    """400 clips do not mean 400 waits."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("COURSE_MIRROR", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.setattr(assets, "_known", {})
    start = time.perf_counter()
    assert assets.resolve("esc50-animals").source == "embedded"
    assert time.perf_counter() - start < 20


def test_busy_mirror_is_given_up_too(monkeypatch, tmp_path, server):
    one = server(*[503] * 3000)
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    monkeypatch.setenv("COURSE_MIRROR", one.url)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.setattr(assets, "_known", {})
    assert assets.resolve("esc50-animals").source == "embedded"
    assert len(one.agents) < 200  # 400 clips, asked five times each, would be 2000


def test_relative_cache_is_the_same_from_everywhere(monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", "elsewhere")
    monkeypatch.chdir(ROOT / "notebooks")
    assert assets.cache_dir() == ROOT / "elsewhere"


def test_relative_mirror_is_found_from_the_notebooks_folder(table, monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")
    monkeypatch.setenv("COURSE_MIRROR", "tests")
    assert assets.mirror() == ROOT / "tests"


def test_missing_mirror_and_wrong_mode_are_said(table, monkeypatch):
    monkeypatch.setenv("COURSE_MIRROR", "no/such/folder")
    with pytest.raises(assets.AssetError, match="does not exist"):
        assets.resolve("thing")
    monkeypatch.setenv("COURSE_ASSETS", "everything")
    with pytest.raises(ValueError, match="auto, full, embedded"):
        assets.mode()


def test_mode_is_full_in_colab(python):
    code = """
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
from course_utils import assets
print(assets.mode())
"""
    assert python(code, COURSE_ASSETS="").strip() == "full"


def test_unknown_name_lists_the_known(table):
    with pytest.raises(KeyError, match="thing, labels"):
        assets.resolve("thingy")


# --- what goes wrong ---


def test_busy_server_is_asked_again(table, server, monkeypatch):
    one = server(429, 503)
    table["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    monkeypatch.setenv("COURSE_ASSETS", "full")
    assert assets.resolve("thing").source == "network"
    assert len(one.agents) == 3


def test_second_address_is_tried(table, server, monkeypatch):
    one = server(404)
    table["thing"]["files"][0]["urls"] = [f"{one.url}/gone", f"{one.url}/thing"]
    monkeypatch.setenv("COURSE_ASSETS", "full")
    assert assets.resolve("thing").source == "network"


@pytest.mark.parametrize("fault", ["missing", "wrong", "cut", "refused"])
def test_failed_download_is_an_error_with_three_ways_out(table, server, tmp_path, monkeypatch, fault):
    one = server(*{"missing": [404], "cut": ["cut"]}.get(fault, []))
    url = f"{one.url}/thing"
    if fault == "wrong":
        one.files["/thing"] = b"<html>not here</html>"
    if fault == "refused":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}/thing"
    table["thing"]["files"][0]["urls"] = [url]
    monkeypatch.setenv("COURSE_ASSETS", "full")
    with pytest.raises(assets.AssetError) as error:
        assets.resolve("thing")
    for words in ("prefetch", "COURSE_MIRROR", "COURSE_ASSETS=embedded", "things/thing.bin"):
        assert words in str(error.value)
    assert cached(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", BODY[:-1], b"x" * len(BODY)], ids=["empty", "truncated", "other"])
def test_damaged_file_in_the_cache_is_not_used_and_survives_a_failed_download(
    table, server, tmp_path, monkeypatch, damage
):
    path = tmp_path / "cache/things/thing.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    with pytest.warns(UserWarning, match="damaged"):
        assert assets.resolve("thing").source == "embedded"
    one = server(404)
    table["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    monkeypatch.setenv("COURSE_ASSETS", "full")
    with pytest.warns(UserWarning), pytest.raises(assets.AssetError):
        assets.resolve("thing")
    assert path.read_bytes() == damage
    with pytest.warns(UserWarning):
        assert assets.resolve("thing").source == "network"
    assert path.read_bytes() == BODY


def _resolve_in_process(url, cache, results):
    os.environ.update(COURSE_CACHE=cache, COURSE_ASSETS="full")
    row = {"title": "A thing", "path": "things/thing.bin", "files": [version(BODY, url)]}
    assets.table = lambda: {"thing": row}
    results.put(assets.resolve("thing").path.read_bytes() == BODY)


def test_two_processes_share_one_download(server, tmp_path):
    one = server()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    jobs = [
        context.Process(target=_resolve_in_process, args=(f"{one.url}/thing", str(tmp_path / "cache"), results))
        for _ in range(3)
    ]
    for job in jobs:
        job.start()
    assert all(results.get(timeout=60) for _ in jobs)
    for job in jobs:
        job.join()
    assert cached(tmp_path) == ["thing.bin"]


def test_archive_is_unpacked_once_and_whole(table, tmp_path, monkeypatch):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo("variables/data")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    body = buffer.getvalue()
    table["pack"] = {"title": "Pack", "path": "pack.tar.gz", "unpack": True, "files": [version(body)]}
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/pack.tar.gz").write_bytes(body)
    folder = assets.resolve("pack").path
    assert (folder / "variables/data").read_bytes() == b"abc"
    (folder / "mark").touch()
    monkeypatch.setattr(assets, "_known", {})
    assert (assets.resolve("pack").path / "mark").exists()
    with monkeypatch.context() as read_only:  # a finished one needs no lock, so it may lie where nothing can be written
        read_only.setattr("filelock.FileLock", None)
        read_only.setattr(assets, "_known", {})
        assert (assets.resolve("pack").path / "mark").exists()
    (folder / "variables/data").write_bytes(b"a")  # what is damaged is unpacked again
    monkeypatch.setattr(assets, "_known", {})
    assert (assets.resolve("pack").path / "variables/data").read_bytes() == b"abc"


def test_clips_of_another_name_are_found_in_a_mirror_that_is_an_address(table, server, tmp_path, monkeypatch):
    one = server(404)
    one.files["/audio/a.ogg"] = b"as Ogg Vorbis"
    monkeypatch.setenv("COURSE_MIRROR", one.url)
    files = [version(BODY), version(b"as Ogg Vorbis") | {"path": "audio/a.ogg"}]
    path, source, _ = assets._fetch_file("audio/a.wav", files)
    assert (path, source) == (tmp_path / "cache/audio/a.ogg", "mirror")
    assert path.read_bytes() == b"as Ogg Vorbis"


def test_cache_that_cannot_be_written_is_said(table, server, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    one = server()
    table["thing"]["files"][0]["urls"] = [f"{one.url}/thing"]
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    monkeypatch.setenv("COURSE_ASSETS", "full")
    with pytest.raises(assets.AssetError, match="set COURSE_CACHE"):
        assets.resolve("thing")


# --- sets of clips ---


def test_clips_are_fetched_one_by_one_byte_for_byte(monkeypatch, server, tmp_path):
    folder = ROOT.parent / "shared" / "official_clips"
    if not folder.is_dir():
        pytest.skip("the original clips are not at hand; the same path is tested above with other files")
    files = {path.name: path.read_bytes() for path in folder.glob("*.wav")}
    one = server()
    one.files.update({f"/audio/{name}": body for name, body in files.items()})
    rows = [row for row in assets.manifest("esc50-animals") if row["filename"] in files]
    for row in rows:
        row["files"][0]["urls"] = [f"{one.url}/audio/{row['filename']}"]
    monkeypatch.setattr(assets, "manifest", lambda name: rows)
    monkeypatch.setattr(assets, "_known", {})
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_ASSETS", "full")
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    assert assets.resolve("esc50-animals").variant == "44.1 kHz"
    paths = assets.clips("esc50-animals")
    assert len(paths) == len(files) == 18
    assert {name: path.read_bytes() for name, path in paths.items()} == files
    assert len(datasets.load_clip(next(iter(files)))) == 5 * 16000


def test_manifest_holds_400_clips_with_both_hashes():
    rows = assets.manifest("esc50-animals")
    assert len({row["filename"] for row in rows}) == 400
    for row in rows:
        assert [file["bytes"] for file in row["files"]] == [441044, 160078]
        assert row["files"][0]["urls"][0].endswith("/audio/" + row["filename"])


# --- the real table and what is shipped ---


def test_every_asset_has_its_facts_and_its_embedded_file():
    for name, row in assets.table().items():
        assert {"title", "path", "licence", "source", "cite", "embedded_title"} <= set(row), name
        if "embedded" in row:
            assert assets.embedded(row["embedded"]).exists()
        for file in row.get("files", []):
            assert file["bytes"] > 0
            assert len(file["hash"]) == len("sha256:") + 64


def test_embedded_folder_is_small():
    total = sum(path.stat().st_size for path in (ROOT / "data/embedded").rglob("*") if path.is_file())
    assert total <= 12e6


def test_overview_says_what_is_used_and_how_to_get_the_real_one(embedded):
    table = assets.overview("yamnet", "speech-whistling").data.set_index("asset")
    assert list(table["from"]) == ["embedded", "embedded"]
    assert table["to get the real one"].str.contains("%run -m course_utils prefetch").all()
    assert "YAMNet-mini" in table.loc["YAMNet", "this run uses"]


def test_info_looks_and_does_not_download(python, server, tmp_path):
    one = server()
    out = python(
        "from course_utils.__main__ import main; print(main(['info']))",
        COURSE_ASSETS="full",
        COURSE_MIRROR=one.url,
        COURSE_CACHE=str(tmp_path),
    )
    assert out.rstrip().endswith("0")
    assert "uses the network, or a mirror: not fetched yet" in out
    assert "uses embedded" not in out
    assert one.agents == []
    out = python("from course_utils.__main__ import main; print(main(['info']))", COURSE_MIRROR="no/such/folder")
    assert "does not exist" in out
    assert out.rstrip().endswith("1")


def test_commands_leave_the_environment_as_it_was(monkeypatch, tmp_path, capsys):
    from course_utils import __main__ as command

    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    before = dict(os.environ)
    assert command.main(["info"]) == 0
    assert command.main(["prefetch", "no such asset"]) == 2
    with command.environment(COURSE_MIRROR="somewhere", COURSE_ASSETS="full"):
        assert os.environ["COURSE_MIRROR"] == "somewhere"
    assert dict(os.environ) == before


def test_doctor_looks_at_every_library_that_the_course_needs(capsys):
    from course_utils import __main__ as command

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.match(r"[\w-]+", line)[0].replace("_", "-") for line in project["dependencies"]}
    assert needed <= {name.replace("_", "-") for name in command.LIBRARIES}


def test_doctor_says_that_tensorflow_does_not_start(tmp_path, monkeypatch, capsys):
    from course_utils import __main__ as command
    from course_utils import models

    def broken():
        raise ImportError("DLL load failed")

    monkeypatch.setattr(models, "start_tensorflow", broken)
    assert command.main(["doctor"]) == 1
    assert "does not start (DLL load failed): install it again" in capsys.readouterr().out


def test_commands(python):
    out = python("from course_utils.__main__ import main; print(main(['info']))", COURSE_ASSETS="embedded")
    assert "CC BY-NC 3.0" in out
    assert out.rstrip().endswith("0")
    out = python("from course_utils.__main__ import main; print(main(['prefetch', 'nothing']))")
    assert "No asset is called nothing" in out
    out = python("from course_utils.__main__ import main; print(main(['doctor']))", COURSE_ASSETS="embedded")
    assert "All is well" in out


def test_used_can_be_written_as_json(embedded):
    assets.resolve("yamnet")
    assert json.loads(json.dumps(assets.used())) == {"yamnet": "embedded"}

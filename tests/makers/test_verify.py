"""Published figures: what is fetched, how figures are compared, and what the exit status says."""

import hashlib
import http.server
import json
import threading
from functools import partial

import pytest
from conftest import ROOT

from course_utils import assets
from makers import execute, verify

BODY = b"0.43" * 1000
RESULTS = json.loads((ROOT / "docs/results.json").read_text(encoding="utf-8"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """A folder whose files the loopback address serves, and that address."""
    folder = tmp_path / "served"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def small(served, tmp_path, monkeypatch):
    """Two small assets in place of the course's, one figure that the first holds; a function writes what is served."""
    folder, url = served
    rows = {}
    for name in ("network", "labels"):
        file = {"variant": "original", "bytes": len(BODY), "hash": f"sha256:{hashlib.sha256(BODY).hexdigest()}"}
        rows[name] = {"title": f"The {name}", "path": f"{name}.bin", "embedded_title": "none"}
        rows[name]["files"] = [file | {"urls": [f"{url}/{name}.bin"]}]
    table = {"title": "A network", "needs": ["network"], "source": "a paper", "tolerance": 0.02}
    monkeypatch.setattr(assets, "table", lambda: rows)
    monkeypatch.setattr(
        verify, "MEASURES", {"a": lambda: {"score": float(assets.resolve("network").path.open().read(4))}}
    )
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COURSE_ASSETS", "embedded")  # which it may not obey
    monkeypatch.delenv("COURSE_MIRROR", raising=False)

    def write(names: str, figure: float) -> None:
        monkeypatch.setattr(verify, "published", lambda: {"a": table | {"figures": {"score": figure}}})
        for name in names.split():
            (folder / f"{name}.bin").write_bytes(BODY)

    return write


def test_every_asset_is_fetched_and_a_figure_within_the_tolerance_is_right(small, tmp_path, capsys):
    small("network labels", 0.45)
    assert verify.main([]) == 0
    assert (tmp_path / "cache/network.bin").read_bytes() == (tmp_path / "cache/labels.bin").read_bytes() == BODY
    out = capsys.readouterr().out
    assert "The network: network (original)" in out
    assert "| A network: score | 0.450 | 0.430 | 0.020 | yes |" in out
    assert "1 of 1 figures are as published; 0 assets are not available." in out


def test_a_figure_outside_the_tolerance_fails(small, capsys):
    small("network labels", 0.46)
    assert verify.main([]) == 1
    assert "| A network: score | 0.460 | 0.430 | 0.020 | NO |" in capsys.readouterr().out


def test_without_its_asset_a_figure_is_not_measured_and_the_courses_sentence_says_what_to_do(small, capsys):
    small("labels", 0.43)
    assert verify.main([]) == 1
    said = capsys.readouterr()
    assert "| A network: score | 0.430 | not available: network | 0.020 | NO |" in said.out
    assert "The network: could not get network.bin." in said.err
    assert "127.0.0.1" in said.err
    assert said.err.count(assets.WAYS_OUT) == 1


def test_an_asset_that_no_figure_needs_must_be_there_too(small, capsys):
    small("network", 0.43)
    assert verify.main([]) == 1
    assert "1 of 1 figures are as published; 1 assets are not available." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ours", "theirs", "tolerance", "right"),
    [
        (0.70, 0.72, 0.02, True),
        (0.699, 0.72, 0.02, False),
        (float("nan"), 0.72, 0.02, False),
        ([2.0, 3.46], [2.5, 3.46], 0.5, True),
        ([2.0, 3.46], [2.5, 4.0], 0.5, False),
        ([10, 521], [10, 521], 0, True),
        ([11, 521], [10, 521], 0, False),
        ([10], [10, 521], 0, False),
        (["Whistle", "Alarm"], ["Whistle", "Alarm"], 0, True),
        (["Alarm", "Whistle"], ["Whistle", "Alarm"], 0, False),
    ],
)
def test_numbers_are_compared_within_the_tolerance_and_names_exactly(ours, theirs, tolerance, right):
    assert verify.close(ours, theirs, tolerance) is right


def test_what_was_not_found_and_what_failed_is_not_as_published():
    table = {"title": "Detector", "needs": [], "tolerance": 0.5, "figures": {"dog": [0.0, 0.96], "cat": [0.5, 1.96]}}
    found, lost = verify.compare(table, lambda: {"dog": [0.0, 0.96]}, {})
    assert (found.ok, lost.ok, lost.here) == (True, False, "not found")

    def fail():
        raise execute.ExecutionError("ValueError: no\nmore of it", "a long traceback")

    assert {row.here for row in verify.compare(table, fail, {})} == {"failed: ValueError: no"}


def test_the_published_figures_have_sources_and_need_assets_that_there_are():
    tables, text = verify.published(), (ROOT / "docs/results.md").read_text(encoding="utf-8")
    assert tables.keys() == verify.MEASURES.keys()
    for table in tables.values():
        assert table["source"]
        assert set(table["needs"]) <= set(assets.table())
    for figure in (*tables["cnn14"]["figures"].values(), *tables["head"]["figures"].values()):
        assert f"{figure:.3f}" in text
    for label, (onset, offset) in tables["detector"]["figures"].items():
        assert f"{label} {onset:g} to {offset:g} s" in text


@pytest.mark.parametrize("name", ["head", "detector"])
@pytest.mark.parametrize("run", RESULTS["runs"], ids=map(str, RESULTS["seeds"]))
def test_the_results_that_the_course_publishes_are_close_to_them(name, run, monkeypatch):
    monkeypatch.setattr(verify, "record", lambda number: next(run[key] for key in run if key.startswith(number)))
    rows = verify.compare(verify.published()[name], verify.MEASURES[name], {})
    assert all(row.ok for row in rows), rows


def test_of_several_events_the_nearest_is_compared(monkeypatch):
    times = [(0.0, 0.5), (2.0, 3.5), (6.0, 7.0)]
    events = [{"label": "rooster", "onset": onset, "offset": offset} for onset, offset in times]
    monkeypatch.setattr(verify, "record", lambda number: {"events": events})
    assert verify.detector() == {"rooster": [2.0, 3.5]}


@pytest.mark.parametrize("name", ["yamnet", "mn04"])
def test_the_real_networks_hear_what_is_published(name, mirror):
    rows = verify.compare(verify.published()[name], verify.MEASURES[name], {})
    assert all(row.ok for row in rows), rows

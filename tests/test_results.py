"""What the last `make run` found, read from build/results.json: the course's results, on whichever assets it had."""

import json

import pytest
from conftest import ROOT

FILE = ROOT / "build/results.json"

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="there has been no `make run` yet")


@pytest.fixture(scope="module")
def results():
    return json.loads(FILE.read_text(encoding="utf-8"))


def test_every_notebook_ran_and_names_its_sources(results):
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("0*.ipynb"))
    assert set(names) <= set(results), "only some notebooks have been run: make run"
    for name in names:
        assert "error" not in results[name]
        assert results[name]["assets"]
        assert set(results[name]["assets"].values()) <= {"cache", "mirror", "network", "embedded"}
        for kind in ("html", "slides"):
            assert (ROOT / "build" / kind / f"{name}.html").stat().st_size > 10_000


def test_tags(results):
    assert len(results["01_audio_tagging"]["top5"]) == len(results["02_yamnet"]["top5"]) == 5
    for name in ("01_audio_tagging", "02_yamnet"):
        assert results[name]["top5"][0][0] in ("Whistle", "Whistling")
    assert results["02_yamnet"]["scores_shape"] == [10, 521]
    if results["02_yamnet"]["assets"]["yamnet"] != "embedded":
        labels = [label for label, _ in results["02_yamnet"]["top5"]]
        assert labels == ["Whistle", "Alarm", "Whistling", "Speech", "Bird"]


def test_transfer_learning(results):
    record = results["03_transfer_learning"]
    assert record["n_clips"] == 400
    assert record["clip_accuracy_macro"] >= 0.90
    assert 0.6 < record["frame_accuracy"] < record["clip_accuracy_macro"]
    assert 0.7 < record["zero_shot_accuracy_macro"] < 1
    assert len(record["class_accuracy"]) == 10
    assert 10 < record["epochs"] <= 100
    assert 0 < record["train_seconds"] < 300
    assert 0 < record["train_energy_kwh"] < 0.1
    if record["assets"]["esc50-animals"] != "embedded":
        assert record["embeddings"] in ("extracted", "cache")
    else:
        assert record["embeddings"] == "embedded"


def test_detection_finds_each_animal_where_it_is(results):
    record = results["04_sound_event_detection"]
    assert [event["label"] for event in record["reference"]] == ["dog", "cat", "rooster", "cow"]
    for true in record["reference"]:
        assert any(
            event["label"] == true["label"] and event["onset"] < true["offset"] and event["offset"] > true["onset"]
            for event in record["events"]
        ), f"{true['label']} was not found"
    assert record["segment_f1"] >= 0.5
    assert record["event_f1"] > 0


def test_a_student_of_soft_targets_shares_more_than_one_of_hard_targets(results):
    record = results["05_distillation"]
    shared = {name: row["of five"] for name, row in record["imitation"].items()}
    assert shared["tiny student, soft targets"] > shared["always the mean"] + 0.05
    assert shared["tiny student, soft targets"] > shared["tiny student, hard targets"] + 0.1
    assert record["seconds"] < 300
    assert record["cost"]["YAMNet-mini"]["joules per clip"] > 0
    if record["assets"]["yamnet"] != "embedded":
        assert record["cost"]["YAMNet"]["ms per clip"] > 2 * record["cost"]["YAMNet-mini"]["ms per clip"]

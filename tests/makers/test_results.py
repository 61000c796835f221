"""What the notebooks found, and what `make results` has written down."""

import json
import re

import numpy as np
import pytest
from conftest import LESSONS, ROOT

from course_utils import evaluation
from makers import build
from makers import results as measured


@pytest.fixture(scope="module")
def results(executed):
    return {lesson.name: build.record(executed[lesson.name]) for lesson in LESSONS}


def test_every_notebook_names_its_sources(results):
    for record in results.values():
        assert record["assets"]
        assert set(record["assets"].values()) <= {"cache", "mirror", "network", "embedded"}


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
    assert record["train_seconds"] > 0
    assert 0 < record["train_energy_kwh"] < 0.1
    if record["assets"]["esc50-animals"] != "embedded":
        assert record["embeddings"] in ("extracted", "cache")
    else:
        assert record["embeddings"] == "embedded"


def test_how_sure(results):
    """Like for like: with silent windows the head is no better than zero-shot; without them it is, a little."""
    record = results["05_how_sure"]
    both = {"with sound": record["classifiers"], "all": record["classifiers_all_windows"]}
    for rows in both.values():
        for row in rows.values():
            assert row["from"] < row["mean"] < row["to"]
    for name in ("zero-shot, highest label", "zero-shot, mean of labels"):  # silence scores nothing
        assert both["with sound"][name]["mean"] == both["all"][name]["mean"]
    gains = {(row["head minus"], row["windows"]): row for row in record["differences"]}
    sounding = gains["zero-shot, mean of labels", "windows with sound"]
    every = gains["zero-shot, mean of labels", "all windows"]
    assert sounding["difference"] == pytest.approx(0.025, abs=0.015)
    assert every["difference"] == pytest.approx(-0.005, abs=0.02)
    assert every["from"] < 0 < every["to"]
    growth = {int(size): row["mean"] for size, row in record["growth"].items()}
    assert [growth[size] for size in (1, 2, 5, 32)] == pytest.approx([0.640, 0.779, 0.867, 0.938], abs=0.01)
    for row in record["class_intervals"].values():
        assert (row["from"], row["to"]) == evaluation.wilson_interval(round(40 * row["accuracy"]), 40)
    assert record["leak"]["leaked"] >= record["leak"]["honest"] + 0.09


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
    assert {"dog", "cat", "rooster", "cow"} <= {event["label"] for event in record["events"]}


def test_a_student_of_soft_targets_shares_more_than_one_of_hard_targets(results):
    record = results["07_distillation"]
    shared = {name: row["of five"] for name, row in record["imitation"].items()}
    assert shared["tiny student, soft targets"] > shared["always the mean"] + 0.05
    assert shared["tiny student, soft targets"] > shared["tiny student, hard targets"] + 0.1
    assert record["cost"]["YAMNet-mini"]["joules per clip"] > 0


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_expected_results_are_met(lesson, executed):
    """The table that students see says so for each figure, and they are the record's."""
    (cell,) = (cell for cell in executed[lesson.name].cells if "expected" in cell.metadata.get("tags", []))
    (shown,) = cell.outputs
    assert "✗" not in shown.data["text/plain"], shown.data["text/plain"]
    expected = executed[lesson.name].metadata.record["expected"]
    assert shown.data["text/plain"].count("✓") == shown.data["text/html"].count("✓") >= 3
    assert len(expected) >= shown.data["text/plain"].count("✓")
    for what, figure in expected.items():
        number = f"{figure:g}" if figure % 1 == 0 else f"{np.round(figure, 3):.3f}"
        assert f"{what}  {number}  " in shown.data["text/plain"] or "exercise" in what


# --- docs/results.json ---

STEPS = ("finer steps", "same last steps", "second network", "trained on mixtures", "mn04 in place of YAMNet")


@pytest.fixture(scope="module")
def written():
    return json.loads((ROOT / "docs/results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def detectors(written):
    """Mean over the seeds: detector, ratio, measure."""
    runs = [run["06_better_detector"]["soundscapes"] for run in written["runs"]]
    return {
        name: {
            ratio: {measure: np.mean([run[name][ratio][measure] for run in runs]) for measure in measured.METRICS}
            for ratio in runs[0][name]
        }
        for name in runs[0]
    }


def test_the_page_of_results_is_written_from_the_figures(written):
    assert (ROOT / "docs/results.md").read_text(encoding="utf-8") == measured.page(written)


def test_classifiers_over_five_folds(written):
    for run in written["runs"]:
        rows = run["05_how_sure"]["classifiers"]
        assert list(rows) == [
            "zero-shot, highest label",
            "zero-shot, mean of labels",
            "nearest neighbours",
            "logistic regression",
            "head",
        ]
        for row in rows.values():
            assert row["from"] < row["mean"] < row["to"]
        assert rows["head"]["mean"] >= 0.91
        assert max(row["mean"] for row in rows.values()) >= 0.93
        for row in run["05_how_sure"]["networks"]:
            assert row["from"] < row["accuracy"] < row["to"]
            assert (row["network"], row["task"]) != ("mn04", "ten animals") or row["accuracy"] >= 0.975
        assert run["05_how_sure"]["network_gain"]["from"] > 0
        for row in run["05_how_sure"]["calibration"].values():
            assert row["after"] < row["before"]
        assert len(run["05_how_sure"]["auroc"]) == len(run["05_how_sure"]["reject"]) == 4  # two networks, two scores
        leak = run["05_how_sure"]["leak"]
        assert leak["leaked"] >= leak["honest"] + 0.1


def test_the_better_detector_is_better_at_0_db_and_above(detectors):
    simple, better = detectors["simple"], detectors["smoothed: the better detector"]
    for ratio, more, times in (("0 and 6", 0.15, 2), ("0", 0.15, 2), ("6", 0.1, 1.8)):
        assert better[ratio]["segment F-score"] >= simple[ratio]["segment F-score"] + more, ratio
        assert better[ratio]["event F-score"] >= times * simple[ratio]["event F-score"], ratio


def test_each_comparison_of_detectors_has_an_interval_and_says_what_differs(written):
    for run in written["runs"]:
        record = run["06_better_detector"]
        assert list(record["intervals"]) == list(record["soundscapes"])
        assert set(measured.CHANGES) == set(record["intervals"])
        differences = record["differences"] | record["left_out"]
        for rows in (*record["intervals"].values(), *differences.values(), *record["collars"].values()):
            assert all(rows[measure]["low"] <= rows[measure]["value"] <= rows[measure]["high"] for measure in rows)
        for name in ("second network and mixtures", "trained on mixtures", "mn04 in place of YAMNet"):
            assert record["differences"][name]["segment F-score"]["low"] > 0, name
        assert len(record["psds"]) >= 4
        silent, always = (record["soundscapes"][f"always {what}"]["0"] for what in ("silent", "on"))
        assert silent["segment error rate"] == silent["event error rate"] == 1
        assert silent["segment F-score"] == always["event F-score"] == 0
        assert always["segment F-score"] == pytest.approx(0.184, abs=0.001)


def promised(name: str) -> list[list[float]]:
    """Return the figures of each sentence in a notebook that begins with "you should see about"."""
    text = (ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8")
    sentences = re.findall(r"ou should see about (.+?)\.(?: |\"|\\n)", text)
    return [[float(figure) for figure in re.findall(r"\d\.\d+", sentence)] for sentence in sentences]


def test_what_the_notebooks_promise_is_what_was_measured(written, detectors):
    (classifiers,) = promised("05_how_sure")
    rows = [run["05_how_sure"]["classifiers"] for run in written["runs"]]
    means = [np.mean([row[name]["mean"] for row in rows]) for name in rows[0]]
    assert classifiers == pytest.approx(means, abs=0.015)
    (detection,) = promised("06_better_detector")
    ours = [detectors[name]["0"][m] for name in ("simple", "smoothed: the better detector") for m in measured.METRICS]
    assert detection == pytest.approx(ours, abs=0.03)


def test_what_this_run_found_is_near_what_was_written_down(results, written):
    ours, theirs = (r["05_how_sure"]["classifiers"] for r in (results, written["runs"][0]))
    for name, row in ours.items():
        assert row["mean"] == pytest.approx(theirs[name]["mean"], abs=0.02), name
    ours, theirs = (r["06_better_detector"]["soundscapes"] for r in (results, written["runs"][0]))
    for name in measured.CHANGES:
        pooled = [found[name]["0 and 6"]["segment F-score"] for found in (ours, theirs)]
        assert pooled[0] == pytest.approx(pooled[1], abs=0.06), name
    ours, theirs = (r["05_how_sure"]["networks"] for r in (results, written["runs"][0]))
    for row, other in zip(ours, theirs, strict=True):
        assert (row["network"], row["task"]) == (other["network"], other["task"])
        assert row["accuracy"] == pytest.approx(other["accuracy"], abs=0.01), row


def test_records_stand_below_the_lessons_that_find_them(written):
    moved = {
        "05_how_sure": {
            *("classifiers", "by_fold", "class_intervals", "growth", "leak", "bill", "country", "measured"),
            *("networks", "network_gain", "milliseconds", "prototypes", "calibration", "log_loss", "auroc", "reject"),
        },
        "06_better_detector": {
            *("soundscapes", "by_class", "better_events", "intervals", "psds", "collars", "left_out"),
        },
    }
    for run in written["runs"]:
        assert list(run) == ["03_transfer_learning", "04_sound_event_detection", *moved]
        for name, keys in moved.items():
            assert keys <= set(run[name])
            assert not any(keys & set(record) for other, record in run.items() if other != name)
            assert run[name]["expected"]


def test_the_findings_at_the_top_hold(written):
    for run in written["runs"]:
        assert run["05_how_sure"]["network_gain"]["from"] > 0
        assert run["05_how_sure"]["leak"]["leaked"] > run["05_how_sure"]["leak"]["honest"] + 0.05
    runs = [run["06_better_detector"]["differences"] for run in written["runs"]]
    clear = [all(gains[step]["segment F-score"]["low"] > 0 for gains in runs) for step in STEPS]
    assert clear == [False, False, False, True, True]
    assert "For 1 of 3 training seeds" in measured.page(written)


def test_differences_go_into_the_page_once_they_are_measured(written):
    changed = json.loads(json.dumps(written))
    row = {"head minus": "zero-shot", "windows": "all windows", "difference": -0.005, "from": -0.033, "to": 0.02}
    changed["runs"][0]["05_how_sure"]["differences"] = [row]
    assert "\n| head minus zero-shot | all windows | -0.005 | -0.033 | +0.020 |\n" in measured.page(changed)


def test_tables_and_spread():
    assert measured.markdown(["a", "b"], [[1, "x"]]) == "| a | b |\n| --- | --- |\n| 1 | x |"
    assert measured.spread([0.5, 0.7]) == "0.600 ± 0.141"

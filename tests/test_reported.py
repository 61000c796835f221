"""Faults that people reported in public of other programs of this kind, each tried on the course, and its relatives."""

import ast
import datetime
import os
import re
import threading
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from toy import Toy

from course_utils import assets, audio, datasets, evaluation, events, features, plotting
from course_utils.events import Events

ROOT = Path(__file__).resolve().parents[1]
CLASSES = ["Speech", "Siren", "Dog"]  # not in alphabetical order
COLUMNS = ["label", "onset", "offset"]
TRUTH = [("Dog", 1.0, 2.0), ("Siren", 3.0, 4.5)]
exact = settings(derandomize=True, deadline=None, max_examples=60)


def table(rows=(), columns=COLUMNS):
    return pd.DataFrame(rows, columns=columns)


def rows(found):
    return [tuple(row) for row in found.itertuples(index=False)]


DOORS = {  # whatever takes tables of events
    "join_segments": lambda given: events.join_segments(given),
    "sed_metrics, reference": lambda given: evaluation.sed_metrics(given, TRUTH, CLASSES, 8.0),
    "sed_metrics, estimated": lambda given: evaluation.sed_metrics(TRUTH, given, CLASSES, 8.0),
    "sed_class_metrics": lambda given: evaluation.sed_class_metrics(given, given, CLASSES, 8.0),
    "sed_counts": lambda given: evaluation.sed_counts(given, given, CLASSES, duration=8.0),
    "psds": lambda given: evaluation.psds(given, np.zeros((8, 3)), CLASSES, duration=8.0, hop=1.0, window=1.0),
    "event_roll": lambda given: plotting.event_roll({"a": given}, CLASSES, 8.0),
    "detection": lambda given: plotting.detection(np.zeros((8, 3)), CLASSES, 1.0, 0.5, given),
    "detection, reference": lambda given: plotting.detection(np.zeros((8, 3)), CLASSES, 1.0, 0.5, TRUTH, given),
}
doors = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def refused(function, words=r"\w", errors=(ValueError, KeyError)):
    """Look that a function raises one clear sentence, and return it."""
    with pytest.raises(errors, match=words) as caught:
        function()
    message = caught.value.args[0]
    assert "\n" not in message
    for library in ("ufunc", "not supported", "has no attribute", "has no len", "ambiguous", "unhashable"):
        assert library not in message
    return message


# --- 09: panns_inference#13 ---


@exact
@given(st.sampled_from([8000, 16000, 22050, 32000, 44100]), st.integers(1, 40), st.sampled_from([0.1, 0.96, 1.0, 2.5]))
def test_panns_inference_13_what_is_too_short_is_never_rounded_up_to_long_enough(rate, missing, seconds):
    samples = np.ceil(seconds * rate).astype(int) - missing
    message = refused(lambda: audio.check_waveform(np.zeros(samples, np.float32), rate, min_seconds=seconds))
    said, least = re.search(r"lasts ([\d.]+) s .* at least ([\d.]+) s", message).groups()
    assert float(said) < float(least)


# --- 14: DCASE2017-baseline-system#40, birdvoxdetect#76 ---


@doors
def test_dcase2017_40_no_rows_are_no_events(door):
    for nothing in (pd.DataFrame([]), table(), pd.DataFrame(columns=["event_label"]), [], (), iter([])):
        door(nothing)


@doors
@pytest.mark.parametrize("missing", COLUMNS)
def test_birdvoxdetect_76_a_missing_column_is_named_everywhere(door, missing):
    refused(lambda: door(table(TRUTH).drop(columns=missing)), f"one column '{missing}'", KeyError)
    refused(lambda: door(table(TRUTH).rename(columns=lambda c: f"event_{c}")), "removeprefix", KeyError)


@doors
@pytest.mark.parametrize("wrong", [None, 3, "Dog", [("Dog", 1.0)], [3], [None], {"Dog": 1}, np.zeros((2, 3))])
def test_dcase2017_40_what_is_no_table_is_told_what_to_give(door, wrong):
    if wrong is None and door is DOORS["detection, reference"]:
        return  # which may be left out
    refused(lambda: door(wrong), "(?i)give")


# --- 15: AudibleLight#63 ---


@pytest.mark.parametrize("onset", [7.5, 7.99, 0.0])
def test_audiblelight_63_the_reference_ends_with_the_audio(monkeypatch, onset):
    published = datasets.metro_recipe()
    recipe = published.assign(onset=[0, 1, 2, onset])
    cuts = {}
    monkeypatch.setattr(audio, "load", lambda path, rate, notes=True: np.zeros(10 * rate, np.float32))
    monkeypatch.setattr(audio.Clip, "has_audio", True)
    monkeypatch.setattr(audio.Clip, "load", lambda clip, rate: np.ones(5 * rate, np.float32))
    monkeypatch.setattr(assets, "resolve", lambda name: cuts.setdefault(name, _Real()))
    mixture = datasets.metro_mixture(recipe)
    last = mixture.reference.iloc[3]
    assert last["offset"] <= 8.0 == len(mixture.waveform) / 16000
    sounding = np.flatnonzero(mixture.waveform[int(onset * 16000) :])
    if onset > 5:
        assert last["offset"] == pytest.approx(onset + (sounding[-1] + 1) / 16000, abs=1e-3)


class _Real:
    is_real, path = True, Path("station.wav")


# --- 16: mir_eval#56 ---


@doors
@pytest.mark.parametrize("time", [(-0.3, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.0, np.inf), (-np.inf, 1.0)])
def test_mir_eval_56_times_that_cannot_be_are_refused_everywhere(door, time):
    refused(lambda: door([("Dog", *time)]))
    refused(lambda: door(table([("Dog", *time)])))


@pytest.mark.parametrize("metric", [evaluation.sed_metrics, evaluation.sed_class_metrics])
def test_mir_eval_56_a_perfect_answer_is_perfect(metric):
    assert metric(TRUTH, TRUTH, CLASSES, 8.0).filter(like="F-score").iloc[-1, 0] == 1
    refused(lambda: metric(TRUTH, TRUTH, CLASSES, -1), "duration is -1. Give a number of seconds")
    refused(
        lambda: metric([TRUTH, TRUTH], [TRUTH, [("Dog", 8.5, 9.0)]], CLASSES, 8.0), "In recording 1, .* begins at 8.5"
    )


# --- 17: mir_eval#189, #10 ---


def test_mir_eval_189_an_event_ends_at_the_border_it_ends_at():
    scores = np.zeros((75, 1))
    scores[40:58] = 1
    found = events.events_by_class(scores, ["dog"], 0.096, 0.96, 0.5)
    assert rows(found) == [("dog", 4.272, 6.0)]
    measured = evaluation.sed_metrics([("dog", 4.27, 6.0)], found, ["dog"], 8.0)
    assert measured.loc["segment-based (1 s)", "precision"] == 1


@exact
@given(st.integers(0, 70), st.integers(1, 40), st.sampled_from([0.096, 0.1, 0.48, 0.5]), st.booleans())
def test_mir_eval_10_times_of_windows_are_whole_microseconds(first, length, hop, by_class):
    scores = np.zeros((120, 1))
    scores[first : first + length] = 1
    detect = events.events_by_class if by_class else events.events_from_scores
    for _, onset, offset in rows(detect(scores, ["dog"], hop, 0.96, 0.5)):
        for time in (onset, offset):
            assert time == round(time, 6)
    found = detect(scores, ["dog"], hop, 0.96, 0.5)
    measured = evaluation.sed_class_metrics(found, found, ["dog"], 120.0, segment=hop)
    assert measured.loc["dog", "segment F-score"] == 1


# --- 18: codecarbon#681, #702: tests/course_utils/test_energy.py has a test for each of the three states ---


def test_codecarbon_702_the_errors_own_message_is_kept():
    from course_utils import energy

    with pytest.raises(LookupError, match="of the block"), energy.track():
        raise LookupError("of the block")


def test_codecarbon_681_a_tracker_in_no_state_is_told_what_to_call():
    from course_utils import energy

    class Failed:
        _start_time, _scheduler = 1.0, None

    refused(lambda: energy.summary(Failed()), "failed: see its log")
    refused(lambda: energy.summary(None), "Give|tracker")


# --- 21: scipy#21971 ---

SCORES = np.random.default_rng(0).uniform(size=(75, 3)).astype(np.float16)
SCORE_DOORS = {
    "events_by_class": lambda s: events.events_by_class(s, CLASSES, 0.096, 0.96, 0.5, smooth=1.0),
    "events_from_scores": lambda s: events.events_from_scores(s, CLASSES, 0.5, 0.96, 0.5),
    "psds": lambda s: evaluation.psds([TRUTH], [s], CLASSES, duration=8.064, hop=0.096, window=0.96).to_frame(),
}
score_doors = pytest.mark.parametrize("door", SCORE_DOORS.values(), ids=SCORE_DOORS)
SAME = {
    "float16": np.asarray,
    "float32": lambda s: s.astype(np.float32),
    "longdouble": lambda s: s.astype(np.longdouble),
    "big-endian": lambda s: s.astype(">f4"),
    "objects": lambda s: s.astype(object),
    "Fortran order": np.asfortranarray,
    "reversed twice": lambda s: s[::-1].copy()[::-1],
    "list": lambda s: s.tolist(),
    "table": pd.DataFrame,
    "nullable": lambda s: pd.DataFrame(s.astype(np.float32)).astype("Float64"),
    "by name": lambda s: pd.DataFrame(s[:, [2, 0, 1]], columns=["Dog", "Speech", "Siren"]),
    "tensor": lambda s: torch.tensor(s.astype(np.float32), requires_grad=True),
    "half tensor": torch.tensor,
    "masked nowhere": lambda s: np.ma.masked_array(s, mask=False),
}


@score_doors
@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_scipy_21971_scores_of_any_dtype_are_the_same_scores(door, change):
    pd.testing.assert_frame_equal(door(change(SCORES)), door(SCORES.astype(np.float64)))


@score_doors
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16])
def test_scipy_21971_whole_numbers_are_scores_of_0_and_1(door, dtype):
    whole = (SCORES > 0.5).astype(dtype)
    pd.testing.assert_frame_equal(door(whole), door(whole.astype(float)))


NO_SCORES = {
    "text": SCORES.astype(str),
    "complex": SCORES + 0j,
    "masked": np.ma.masked_array(SCORES, mask=SCORES > 0.9),
    "missing": pd.DataFrame(SCORES.astype(float)).astype("Float64").mask(SCORES > 0.9),
    "dates": np.zeros((75, 3), "M8[s]"),
    "logits": 4 * SCORES,
    "ragged": [[0.1, 0.2, 0.3], [0.1]],
    "flat": SCORES[:, 0],
    "nothing": None,
    "another class": pd.DataFrame(SCORES, columns=["Dog", "Speech", "Cat"]),
}


@score_doors
@pytest.mark.parametrize("wrong", NO_SCORES.values(), ids=NO_SCORES)
def test_scipy_21971_what_is_no_score_is_refused(door, wrong):
    refused(lambda: door(wrong))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.longdouble, ">f4"])
def test_scipy_21971_waveforms_of_any_float_are_the_same_waveform(tmp_path, monkeypatch, dtype):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    waveform = (0.1 * np.random.default_rng(0).normal(size=16000)).astype(np.float16)
    first, other = features.extract([waveform.astype(np.float32), waveform.astype(dtype)], Toy())
    np.testing.assert_allclose(first.embeddings, other.embeddings, rtol=1e-6)
    (tensor,) = features.extract([torch.tensor(waveform.astype(np.float32))], Toy())
    np.testing.assert_allclose(first.embeddings, tensor.embeddings, rtol=1e-6)
    for one in (waveform, torch.tensor(waveform), pd.Series(waveform)):
        refused(lambda one=one: features.extract(one, Toy()), r"Write \[clip\]", TypeError)
    for wrong in (None, 3, [None], [object()], pd.DataFrame({"a": [1.0]}), [["a"]]):
        refused(lambda wrong=wrong: features.extract(wrong, Toy()), errors=(TypeError, ValueError))


# --- 23: aestetik#7 ---

ORDERED = {
    "Series": pd.Series(CLASSES, index=[2, 0, 1]),
    "Index": pd.Index(CLASSES),
    "tuple": tuple(CLASSES),
    "keys": dict.fromkeys(CLASSES).keys(),
    "values": dict(enumerate(CLASSES)).values(),
    "str array": np.array(CLASSES),
    "object array": np.array(CLASSES, dtype=object),
    "Categorical": pd.Categorical(CLASSES),
    "StringArray": pd.array(CLASSES, dtype="string"),
}
BY_CLASS = {
    "events_from_scores": lambda c: events.events_from_scores(SCORES, c, 0.5, 0.5, 0.6),
    "events_by_class": lambda c: events.events_by_class(SCORES, c, 0.5, 0.5, [0.6, 0.7, 0.8]),
    "class_accuracy": lambda c: evaluation.class_accuracy([0, 1, 2, 2], [0, 1, 1, 2], c),
    "confusion_matrix": lambda c: evaluation.confusion_matrix([0, 1, 2, 2], [0, 1, 1, 2], c),
    "sed_metrics": lambda c: evaluation.sed_metrics(TRUTH, TRUTH[:1], c, 8.0),
    "sed_class_metrics": lambda c: evaluation.sed_class_metrics(TRUTH, TRUTH[:1], c, 8.0),
    "psds": lambda c: evaluation.psds([TRUTH], [SCORES], c, duration=8.064, hop=0.096, window=0.96).to_frame(),
}
by_class = pytest.mark.parametrize("door", BY_CLASS.values(), ids=BY_CLASS)


@by_class
@pytest.mark.parametrize("classes", ORDERED.values(), ids=ORDERED)
def test_aestetik_7_classes_are_taken_in_their_order(door, classes):
    pd.testing.assert_frame_equal(door(classes), door(CLASSES))


@by_class
@pytest.mark.parametrize(
    "wrong",
    [set(CLASSES), "Dog", [], ["Dog", "Dog", "Cat"], [0, 1, 2], np.array(CLASSES, "S"), ["Dog", None, "Cat"], 3, None],
    ids=lambda wrong: type(wrong).__name__ if isinstance(wrong, set) else str(wrong),
)
def test_aestetik_7_what_is_no_list_of_names_is_refused(door, wrong):
    refused(lambda: door(wrong), "(?i)give|No such class")


def test_aestetik_7_siren_is_drawn_where_siren_scored():
    scores = np.zeros((10, 3))
    scores[:, 1] = 0.9
    for classes in ORDERED.values():
        words = plotting.in_words(plotting.detection(scores, classes, 1.0, 0.5, []))
        assert "by class: Siren 0.9" in words
        assert "Siren 0.9 (" in plotting.in_words(plotting.scores_over_time(scores, classes, 1.0))
        assert "highest first: Siren 0.9" in plotting.in_words(plotting.top_scores(classes, scores[0]))


def test_the_columns_of_a_confusion_matrix_are_the_classes():
    matrix = evaluation.confusion_matrix([0, 1], [0, 2], CLASSES)
    assert matrix.columns.tolist() == matrix.index.tolist() == CLASSES


# --- 26: nkululeko#429, auto-editor#536; 27: ultimatevocalremovergui#1400; stale features ---


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    return tmp_path / "cache/features"


def noise(n=16000, seed=0):
    return (0.1 * np.random.default_rng(seed).normal(size=n)).astype(np.float32)


NAME = "1-100032-A-0.wav"


@pytest.mark.parametrize("folder", ["denoised", ".", "..", "a/b", "/no/such/folder"])
def test_nkululeko_429_a_clip_in_a_folder_is_not_the_courses_own(cache, folder):
    for name in (f"{folder}/{NAME}", Path(folder, "x", NAME)):
        refused(lambda name=name: features.extract([name], Toy()), "There is no file", FileNotFoundError)


def test_auto_editor_536_two_files_of_one_name_are_two_clips(cache, tmp_path):
    paths = [tmp_path / folder / "a.wav" for folder in "xy"]
    for seed, path in enumerate(paths, start=1):
        path.parent.mkdir()
        soundfile.write(path, seed * noise(seed=seed), 16000, subtype="FLOAT")
    for _ in range(2):
        first, second = features.extract(paths, Toy())
        assert second.levels.mean() == pytest.approx(2 * first.levels.mean(), rel=0.1)


@pytest.mark.parametrize("at", [0, 3, 19])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e9])
def test_ultimatevocalremovergui_1400_the_one_bad_clip_is_named(cache, at, bad):
    clips = [audio.Clip(f"clip {i}", waveform=noise(seed=i)) for i in range(20)]
    clips[at].waveform[7] = bad
    refused(lambda: features.extract(clips, Toy()), f"clip {at}: ")


@pytest.mark.parametrize("at", [0, 1, 4])
def test_ultimatevocalremovergui_1400_the_one_bad_recording_is_named(at):
    for wrong in ([("Dog", -1, 2)], [("Cow", 1, 2)], [("Dog", "1", 2)], [("Dog", 9, 10)], table([("Dog", 2, 1)])):
        given = [TRUTH] * 5
        given[at] = wrong
        for metric in (evaluation.sed_metrics, evaluation.sed_class_metrics):
            refused(lambda g=given, m=metric: m(g, [TRUTH] * 5, CLASSES, 8.0), f"In recording {at}, counted from 0")
    scores = [SCORES] * 5
    scores[at] = SCORES + 1
    settings = {"duration": 8.064, "hop": 0.096, "window": 0.96}
    refused(lambda: evaluation.psds([TRUTH] * 5, scores, CLASSES, **settings), f"In recording {at}, counted from 0")


def rewritten(change, name=None):
    def rewrite(file):
        with np.load(file) as stored:
            (key,) = stored.files
            array = stored[key]
        np.savez(file, **{name(key) if name else key: change(array)})

    return rewrite


def in_its_place(file):
    file.unlink()
    file.mkdir()


def inflated(file):
    with np.load(file) as stored:
        (key,) = stored.files
    np.savez_compressed(file, **{key: np.zeros((2_000_000, 8), np.float32)})


class Pickled:
    def __reduce__(self):
        return (os.mkdir, ("executed",))


STALE = {
    "without a key": lambda file: np.savez(file),
    "another key": rewritten(np.copy, lambda key: "scores"),
    "of an earlier version": rewritten(np.copy, lambda key: "2+5+1"),
    "a row less": rewritten(lambda a: a[1:]),
    "a row less, and says so": rewritten(lambda a: a[:2], lambda key: re.sub(r"^\d+", "2", key)),
    "a row more": rewritten(lambda a: np.vstack([a, a])),
    "transposed": rewritten(np.transpose),
    "double": rewritten(lambda a: a.astype(float)),
    "NaN": rewritten(lambda a: a * np.nan),
    "objects": rewritten(lambda a: np.array([Pickled()], dtype=object)),
    "of other lengths": rewritten(np.copy, lambda key: re.sub(r"\d+$", "800000", key)),
    "huge when unpacked": inflated,
    "damaged": lambda file: file.write_bytes(file.read_bytes()[:-200] + bytes(200)),
    "empty": lambda file: file.write_bytes(b""),
    "a pickle": lambda file: np.array([Pickled()], dtype=object).dump(file),
}


@pytest.mark.parametrize("hop", [None, 0.1])
@pytest.mark.parametrize("change", STALE.values(), ids=STALE)
def test_kept_features_that_are_not_those_kept_are_computed_again(cache, tmp_path, monkeypatch, change, hop):
    monkeypatch.chdir(tmp_path)
    (first,) = features.extract([noise()], Toy(), hop=hop)
    (file,) = cache.rglob("*.npz")
    change(file)
    (again,) = features.extract([noise()], Toy(), hop=hop)
    assert again.origin == "extracted"
    for ours, theirs in zip(first[:3], again[:3], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert features.extract([noise()], Toy(), hop=hop)[0].origin == "cache"
    assert not Path("executed").exists()


def test_a_folder_in_the_place_of_kept_features_is_said_and_nothing_is_left(cache):
    features.extract([noise()], Toy())
    (file,) = cache.rglob("*.npz")
    in_its_place(file)
    with pytest.warns(UserWarning, match="could not be kept"):
        (found,) = features.extract([noise()], Toy())
    assert found.origin == "extracted"
    assert [path for path in cache.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stopped"]
)
def test_what_could_not_be_written_leaves_nothing_behind(cache, monkeypatch, error):
    def half(file, **arrays):
        Path(file).write_bytes(b"half")
        raise error

    monkeypatch.setattr(np, "savez", half)
    if isinstance(error, OSError):
        with pytest.warns(UserWarning, match="No space left on device"):
            features.extract([noise()], Toy())
    else:
        with pytest.raises(KeyboardInterrupt):
            features.extract([noise()], Toy())
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_has_left_is_removed_an_hour_later(cache):
    features.extract([noise()], Toy())
    (file,) = cache.rglob("*.npz")
    old, new = (file.with_name(f".{file.stem}.{process}.1.npz") for process in (123, 456))
    old.touch()
    new.touch()
    os.utime(old, (0, 0))
    features.extract([noise()], Toy())
    assert (old.exists(), new.exists(), file.exists()) == (False, True, True)


def test_a_file_replaced_while_it_is_read_is_not_kept_as_the_one_before(cache, tmp_path, monkeypatch):
    path, load = tmp_path / "a.wav", audio.Clip.load
    soundfile.write(path, noise(), 16000, subtype="FLOAT")

    def replaced(clip, rate):
        soundfile.write(path, 3 * noise(seed=1), 16000, subtype="FLOAT")
        return load(clip, rate)

    monkeypatch.setattr(audio.Clip, "load", replaced)
    features.extract([path], Toy())
    monkeypatch.setattr(audio.Clip, "load", load)
    soundfile.write(path, noise(), 16000, subtype="FLOAT")
    (found,) = features.extract([path], Toy())
    assert found.origin == "extracted"
    assert found.levels.mean() < 0.15  # that of the other is 0.2


def test_two_threads_keep_the_same_clip(cache):
    found = []
    threads = [threading.Thread(target=lambda: found.extend(features.extract([noise()], Toy()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(list(cache.rglob("*"))) == 2  # a folder and a file
    assert features.extract([noise()], Toy())[0].origin == "cache"


def test_networks_whose_names_differ_in_odd_characters_share_nothing(cache):
    one, other = Toy(), Toy()
    one.id, other.id = "a b", "a_b"
    features.extract([noise()], one)
    assert features.extract([noise()], other)[0].origin == "extracted"
    one.id, other.id = 100 * "x" + "1", 100 * "x" + "2"
    features.extract([noise()], one)
    assert features.extract([noise()], other)[0].origin == "extracted"


def test_hops_that_look_alike_share_nothing(cache):
    for hop in (1.0, 1.000001, 1.0002):
        assert features.extract([noise(48000)], Toy(), hop=hop)[0].origin == "extracted"
    assert features.extract([noise(48000)], Toy(), hop=1)[0].origin == "cache"


def test_no_array_is_read_with_pickles():
    for path in (ROOT / "course_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                allowed = [word.value.value for word in node.keywords if word.arg == "allow_pickle"]
                assert not any(allowed), f"{path}: line {node.lineno}"


# --- 29: legacy-validator#2006 ---

LEGACY = [("Dog", 8, 9), ("Dog", 10, 11), ("Dog", 80, 90)]


def test_legacy_validator_2006_text_is_not_sorted_as_text():
    text = [(label, str(onset), str(offset)) for label, onset, offset in LEGACY]
    for wrong in (text, table(text), table(text).astype({"onset": "string"}), table(text).astype("category")):
        refused(lambda wrong=wrong: events.join_segments(wrong), "onset as a number of seconds, 0 or more, not '8'")


@pytest.mark.parametrize(
    "change",
    [float, np.float16, Decimal, Fraction, np.int64, lambda t: np.array(t, dtype=">f8")[()], np.longdouble],
)
def test_legacy_validator_2006_numbers_of_every_kind_are_times(change):
    given = [(label, change(onset), change(offset)) for label, onset, offset in LEGACY]
    for events_given in (given, table(given), table(given).astype(object)):
        assert rows(events.join_segments(events_given)) == [(label, float(a), float(b)) for label, a, b in LEGACY]
    for dtype in ("Float64", "Int64", "float32", "uint8", "object"):
        converted = table(LEGACY).astype({"onset": dtype, "offset": dtype})
        assert len(events.join_segments(converted)) == 3


@doors
@pytest.mark.parametrize(
    "time", ["1", b"1", None, pd.NA, pd.NaT, pd.Timedelta("1s"), datetime.timedelta(1), 1j, [1.0], 10**400, {}], ids=str
)
def test_legacy_validator_2006_what_is_no_time_is_refused_everywhere(door, time):
    refused(lambda: door([("Dog", time, 2.0)]), "onset as a number of seconds")


# --- 33: python-soundfile#168, pyfar#411 ---


@pytest.mark.parametrize("rate", [16e3, np.int32(16000), np.float64(16000), np.uint16(16000)])
def test_python_soundfile_168_rates_of_every_kind_are_played_and_drawn(rate):
    assert audio.play(noise(), rate).data == audio.play(noise(), 16000).data
    for draw in (plotting.waveform, plotting.spectrogram):
        assert plotting.in_words(draw(noise(), rate)) == plotting.in_words(draw(noise(), 16000))


@pytest.mark.parametrize("rate", [0, -16000, np.nan, np.inf, "16000", None, 16000.5, True, [16000]], ids=str)
def test_pyfar_411_what_is_no_rate_is_refused_in_pictures(rate):
    for draw in (plotting.waveform, plotting.spectrogram):
        refused(lambda draw=draw: draw(noise(), rate), "sample_rate is .* samples per second")


# --- 35: numpy#14984 ---


def test_numpy_14984_integers_are_refused_and_not_wrapped_round():
    wave = np.array([-32768, 100], np.int16)
    for function in (
        audio.normalise_peak,
        partial(plotting.waveform, sample_rate=16000),
        partial(plotting.spectrogram, sample_rate=16000),
        lambda w: audio.mix(w, [], 16000),
        lambda w: audio.mix(np.zeros(4), [(w, 0)], 16000),
    ):
        refused(lambda f=function: f(wave), "Expected floating-point samples", TypeError)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numpy_14984_pictures_refuse_what_is_not_finite(bad):
    wave = noise()
    wave[3] = bad
    for draw in (plotting.waveform, plotting.spectrogram):
        refused(lambda draw=draw: draw(wave, 16000), "NaN or infinite")


# --- 37: mitx-grading-library#94: tests/course_utils/test_check_answers.py ---


def test_mitx_grading_library_94_no_check_reads_a_length_before_it_knows_that_there_is_one():
    from course_utils import check

    for name in ("quiet_scores", "mild_targets", "softened", "student_embeddings"):
        data = {"quiet_scores": (None, None), "student_embeddings": (np.zeros((2, 1024)), [True, False])}
        message = getattr(check, name)(3.5, *data.get(name, (np.zeros((2, 521)),))).message
        assert "Your answer has shape ()" in message


# --- 38: readfish#312 ---

SECONDS = {
    "segment": lambda x: evaluation.sed_metrics(TRUTH, TRUTH, CLASSES, 8.0, segment=x),
    "collar": lambda x: evaluation.sed_class_metrics(TRUTH, TRUTH, CLASSES, 8.0, collar=x),
    "duration": lambda x: evaluation.sed_class_metrics([], [], CLASSES, x),
    "hop": lambda x: events.events_by_class(SCORES, CLASSES, x, 2.0, 0.5),
    "window": lambda x: events.events_from_scores(SCORES, CLASSES, 0.5, x, 0.5),
    "smooth": lambda x: events.events_by_class(SCORES, CLASSES, 0.5, 0.5, 0.5, smooth=x),
    "shortest": lambda x: events.events_by_class(SCORES, CLASSES, 0.5, 0.5, 0.5, shortest=x),
    "max_gap": lambda x: events.join_segments(TRUTH, x),
    "duration of psds": lambda x: evaluation.psds(
        [], np.zeros((1, 3)), CLASSES, duration=x, hop=0.1, window=0.1
    ).to_frame(),
}
ONE = [1, np.int32(1), np.uint8(1), np.float16(1), Fraction(1), Decimal("1.0"), np.array(1), torch.tensor(1.0)]


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("one", ONE, ids=lambda one: type(one).__name__)
def test_readfish_312_one_second_is_one_second(name, one):
    pd.testing.assert_frame_equal(SECONDS[name](one), SECONDS[name](1.0))


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("wrong", [-1, np.nan, "1", None, True, [1], 1j, pd.NA, pd.Timedelta("1s"), 10**400], ids=str)
def test_readfish_312_what_is_no_number_of_seconds_is_refused(name, wrong):
    refused(lambda: SECONDS[name](wrong), f"{name.split()[0]} is .* Give a number of seconds")


@pytest.mark.parametrize(
    "half", [Decimal("0.5"), np.array(0.5), torch.tensor(0.5), np.float16(0.5), Fraction(1, 2)], ids=repr
)
def test_readfish_312_a_threshold_is_a_number_of_any_kind(half):
    for detect in (events.events_from_scores, events.events_by_class):
        expected = detect(SCORES, CLASSES, 0.5, 0.5, 0.5)
        pd.testing.assert_frame_equal(detect(SCORES, CLASSES, 0.5, 0.5, half), expected)
    by_name = dict.fromkeys(CLASSES, half)
    pd.testing.assert_frame_equal(events.events_by_class(SCORES, CLASSES, 0.5, 0.5, by_name), expected)


@exact
@given(st.floats(0.01, 4), st.sampled_from(sorted(SECONDS)))
def test_readfish_312_a_number_says_the_same_whatever_its_type(seconds, name):
    assume(name != "window" or seconds > 0.5)
    pd.testing.assert_frame_equal(SECONDS[name](Fraction(seconds)), SECONDS[name](seconds))


# --- 39: unitxt#482 ---

NOT_A_SHARE = [95, 0, 1, -0.5, np.nan, np.inf, "0.95", None, True, [0.95], 1j]
CORRECT = [True, False, True, True]
COUNTS = evaluation.sed_counts([TRUTH] * 3, [TRUTH, [], TRUTH], CLASSES, duration=8.0)
INTERVALS = {
    "bootstrap": lambda **given: evaluation.bootstrap_interval(CORRECT, **given),
    "sed": lambda **given: evaluation.sed_interval(COUNTS, **given),
}


@pytest.mark.parametrize("wrong", NOT_A_SHARE, ids=str)
def test_unitxt_482_confidence_is_a_share(wrong):
    for interval in (*INTERVALS.values(), partial(evaluation.wilson_interval, 3, 4)):
        refused(lambda interval=interval: interval(confidence=wrong), "confidence is .* Give a share between 0 and 1")


@pytest.mark.parametrize("name", ["n_resamples", "seed"])
@pytest.mark.parametrize("wrong", [-1, 0.5, np.nan, np.inf, "7", None, [7], True], ids=str)
def test_unitxt_482_counts_are_whole_numbers(name, wrong):
    for interval in INTERVALS.values():
        refused(lambda interval=interval: interval(**{name: wrong}), f"{name} is ")
    for counts in ((wrong, 8), (1, wrong)):
        refused(lambda counts=counts: evaluation.wilson_interval(*counts))


@pytest.mark.parametrize("interval", INTERVALS.values(), ids=INTERVALS)
def test_unitxt_482_too_many_draws_are_refused_and_whole_floats_are_whole(interval):
    refused(lambda: interval(n_resamples=100_001), "n_resamples is 100001. Draw once or more, at most 100,000 times")
    first, second = interval(n_resamples=200.0, seed=np.int64(3)), interval(n_resamples=200, seed=3)
    assert str(first) == str(second)


@pytest.mark.parametrize(
    "wrong", [[], [1], 1, [1, np.nan], [1, np.inf], ["1", "0"], [None, 1], [[1, 0]], "10", None, {1, 2}]
)
def test_unitxt_482_an_interval_takes_a_list_of_finite_numbers(wrong):
    refused(lambda: evaluation.bootstrap_interval(wrong))


@exact
@given(st.lists(st.booleans(), min_size=2, max_size=30), st.floats(0.05, 0.99), st.integers(0, 5))
def test_unitxt_482_an_interval_is_finite_ordered_and_within_the_values(correct, confidence, seed):
    low, high = evaluation.bootstrap_interval(correct, confidence=confidence, n_resamples=50, seed=seed)
    assert min(correct) <= low <= high <= max(correct)
    low, high = evaluation.wilson_interval(sum(correct), len(correct), confidence)
    assert -1e-12 <= low <= np.mean(correct) <= high <= 1 + 1e-12


def test_unitxt_482_shares_thresholds_and_prices_have_ranges():
    for wrong in (-0.1, 1.1, np.nan, "0.5", None, True, [[0.5]], 10**400):
        share = partial(evaluation.sed_metrics, TRUTH, TRUTH, CLASSES, 8.0, percentage_of_length=wrong)
        refused(share, "percentage_of_length is ")
        refused(lambda w=wrong: events.events_by_class(SCORES, CLASSES, 1, 1, w), "must the threshold")
        refused(lambda w=wrong: events.events_by_class(SCORES, CLASSES, 1, 1, [0.5, w, 0.5]), "must the threshold")
    for wrong in (0, -0.1, 1.1, np.nan, "1", True):
        refused(lambda w=wrong: events.events_by_class(SCORES, CLASSES, 1, 1, 0.5, hold=w), "hold is ")
    measure = partial(evaluation.psds, TRUTH, SCORES, CLASSES, duration=8.064, hop=0.096, window=0.96)
    for name, value in (
        *((name, value) for name in ("dtc", "gtc", "cttc") for value in (-0.1, 1.01, np.nan, "a")),
        *((name, value) for name in ("alpha_ct", "alpha_st", "max_efpr") for value in (-1, np.nan, np.inf)),
        ("max_efpr", 0),
    ):
        refused(lambda n=name, v=value: measure(kind=evaluation.PSDS1._replace(**{n: v})), f"{name} is ")
    refused(lambda: evaluation.sed_metrics([], [], CLASSES, 1e12), "more than 10,000,000 segments of 1 s")
    refused(lambda: evaluation.sed_class_metrics([], [], CLASSES, 8.0, segment=1e-9), "Give both in seconds")
    refused(lambda: evaluation.sed_interval(evaluation.sed_class_metrics(TRUTH, TRUTH, CLASSES, 8.0)), "not DataFrame")
    refused(lambda: Events.of(Events(np.array(["a"]), [1.0, 2.0], [2.0])), "as many labels as onsets")

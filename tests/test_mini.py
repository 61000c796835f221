"""YAMNet-mini as committed: its card, its figures, its manners; and the pipeline that makes it, on a few clips."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from conftest import ROOT

from course_utils import assets, audio, datasets, features, models

FOLDER = ROOT / "data/embedded/yamnet_mini"
FIGURES = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))
RATE = models.YAMNET_RATE


def noise(seconds: float, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def yamnet(mirror):
    """YAMNet itself."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    return hub.load(str(assets.resolve("yamnet").path))


# --- the card ---


def test_card_tells_the_figures_of_these_weights():
    from makers.distill import evaluate

    assert evaluate.weights_hash(FOLDER) == FIGURES["weights"], (
        "other weights: make mini-eval, and write the card again"
    )
    assert (FOLDER / "MODEL_CARD.md").read_text(encoding="utf-8") == evaluate.card(FIGURES)
    training = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    assert training == FIGURES["training"]
    assert training["kwh"] > 0


def test_folder_is_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) <= 6_000_000


def test_committed_weights_give_the_figures(yamnet, mini, esc50):
    from makers.distill import evaluate

    found = evaluate.measure(esc50, yamnet, mini)
    one_clip = 1 / found["clips"]
    for key in ("first", "among_five"):
        assert found["imitation"][key] == pytest.approx(FIGURES["imitation"][key], abs=2.01 * one_clip)
    assert found["imitation"]["cosine"] == pytest.approx(FIGURES["imitation"]["cosine"], abs=1e-3)
    for task, clip in (("animals", 1 / 80), ("all", one_clip)):  # another processor's sums turn a clip or two of 400
        for name in ("yamnet", "mini"):
            few = 1.01 if task == "animals" else 3.01
            assert found["linear"][task][name] == pytest.approx(FIGURES["linear"][task][name], abs=few * clip)
    assert found["cosine_without_silence"] == pytest.approx(FIGURES["cosine_without_silence"], abs=1e-3)
    for name, figures in found["categories"].items():
        written = FIGURES["categories"][name]
        assert figures["cosine"] == pytest.approx(written["cosine"], abs=5e-3), name
        for key in ("first", "among_five", "linear"):
            assert figures[key] == pytest.approx(written[key], abs=1.01 / 8), (name, key)


def test_figures_do_not_fall_behind():
    alike, linear = FIGURES["imitation"], FIGURES["linear"]
    assert (FIGURES["clips"], len(FIGURES["categories"])) == (400, 50)
    assert alike["first"] >= 0.71
    assert alike["among_five"] >= 0.94
    assert alike["cosine"] >= 0.81
    assert linear["animals"]["mini"] >= 0.93
    assert linear["all"]["mini"] >= 0.795
    assert FIGURES["milliseconds"]["yamnet"] >= 3 * FIGURES["milliseconds"]["mini"]


# --- its manners ---


def test_frames_depend_on_their_own_window(mini):
    waveform = noise(3)
    scores, embeddings, _ = (output.numpy() for output in mini(waveform))
    for i in range(len(scores)):
        alone = [output.numpy() for output in mini(waveform[7680 * i : 7680 * i + 15600])]
        np.testing.assert_allclose(alone[0][0], scores[i], atol=1e-5)
        np.testing.assert_allclose(alone[1][0], embeddings[i], atol=1e-3)


def test_classes_never_heard_are_switched_off(mini):
    import pandas as pd

    heard = pd.read_csv(FOLDER / "heard.csv")
    assert heard["display_name"].to_list() == models.class_names(mini)
    unheard = heard.index[heard["heard"] == "no"]
    assert len(heard) - len(unheard) == FIGURES["heard"]
    for waveform in (noise(2), 20 * noise(2), np.sin(np.arange(3 * RATE) / 9).astype(np.float32)):
        assert mini(waveform)[0].numpy()[:, unheard].max() < 1e-4


@pytest.mark.parametrize(
    ("waveform", "error", "word"),
    [
        (np.zeros(0, np.float32), ValueError, "empty"),
        (np.zeros((2, RATE), np.float32), ValueError, "one channel"),
        (np.zeros(RATE, np.int16), TypeError, "int16"),
        (np.full(RATE, np.nan, np.float32), ValueError, "finite"),
    ],
    ids=["empty", "stereo", "integer", "nan"],
)
@pytest.mark.parametrize("which", ["mini", "yamnet"])
def test_bad_waveforms_are_refused_alike(which, waveform, error, word, request):
    model = request.getfixturevalue(which)
    with pytest.raises(error, match=word):
        features.extract([waveform], model)


@pytest.mark.parametrize("which", ["mini", "yamnet"])
def test_another_rate_and_stereo_files_are_converted_alike(which, request, tmp_path, monkeypatch):
    model = request.getfixturevalue(which)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * 44_100) / 44_100)
    soundfile.write(tmp_path / "tone.wav", np.stack([tone, tone], axis=1), 44_100)
    (found,) = features.extract([tmp_path / "tone.wav"], model)
    expected = model(audio.load(tmp_path / "tone.wav", RATE))[1].numpy()
    np.testing.assert_allclose(found.embeddings, expected, atol=2e-3)


def test_calls_answer_as_yamnets_do(yamnet, mini):
    for length in (0, 1, 1000, 15_360, 15_600, 15_601, 80_000, 100_001):
        theirs, ours = yamnet(noise(length / RATE)), mini(noise(length / RATE))
        assert [t.shape for t in theirs] == [o.shape for o in ours]
        np.testing.assert_allclose(ours[2], theirs[2], atol=1e-3)
    for model in (yamnet, mini):
        with pytest.raises(TypeError):
            model(np.zeros((2, RATE), np.float32))
        assert model(np.zeros(RATE, np.int16))[0].shape == (2, 521)  # taken as it is: why the package looks first


def test_it_is_faster_than_yamnet(yamnet, mini):
    from makers.bench import side_by_side

    waveform = noise(5)
    times = side_by_side({"yamnet": lambda: yamnet(waveform), "mini": lambda: mini(waveform)})
    assert times["yamnet"] > 2 * times["mini"]  # about 3, less on a busy computer: the card tells


# --- the pipeline ---


def test_pipeline_from_clips_to_model(mirror, tmp_path):
    (tmp_path / "audio").mkdir()
    for i, (name, path) in enumerate(assets.store().clips("esc50-animals").items()):
        if i % 20 == 0:
            shutil.copy(path, tmp_path / "audio" / name)
    sounds = tmp_path / "work/recordings/some-game/usr/share"  # as if fetched and unpacked already
    sounds.mkdir(parents=True)
    soundfile.write(sounds / "hiss.wav", np.stack([noise(12), noise(12)], axis=1), RATE)
    soundfile.write(sounds / "click.ogg", noise(0.01), RATE)
    (sounds / "readme.wav").write_text("not a sound", encoding="utf-8")
    known = next(path for path in (tmp_path / "audio").iterdir() if path.name.startswith("5-"))
    soundfile.write(sounds / "borrowed.flac", audio.load(known, RATE), RATE)
    (tmp_path / "packages.txt").write_text("some-game\n", encoding="utf-8")
    shared = ["--work", str(tmp_path / "work")]
    clips = ["--audio", str(tmp_path / "audio")]
    steps = [
        ("recordings", *clips, "--packages", str(tmp_path / "packages.txt")),
        ("teacher", *clips, "--rounds", "3", "--alone", "2"),
        ("train", "--name", "first", "--rounds", "2", "--epochs", "1"),
        ("train", "--begin", "first", "--skip", "2", "--epochs", "1"),
        ("train", "--begin", "first", "--skip", "2", "--epochs", "2"),
        ("export",),
    ]
    printed = []
    for step, *arguments in steps:
        arguments += ["--out", str(tmp_path / "out")] if step == "export" else []
        command = [sys.executable, "-W", "ignore", "-m", f"makers.distill.{step}", *arguments, *shared]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        printed.append(result.stdout)
    for step, message in (
        (("recordings", *clips), "is there already"),
        (("train", "--name", "other", "--begin", "nothing"), "train --name nothing first"),
        (("train", "--name", "other", "--begin", "first", "--validate"), "has learned from fold 4"),
    ):
        command = [sys.executable, "-W", "ignore", "-m", f"makers.distill.{step[0]}", *step[1:], *shared]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert message in result.stdout + result.stderr
    assert printed[0].startswith("2 pieces of 1 packages")
    assert "1 too similar" in printed[0]  # a clip that tests is not learned from
    assert "epoch 1:" in printed[3]
    assert "epoch 1:" not in printed[4]  # it went on where it had been stopped
    assert "epoch 2:" in printed[4]
    training = json.loads((tmp_path / "out/training.json").read_text(encoding="utf-8"))
    assert (training["epochs"], training["rounds"], training["signals"]) == (2, 1, 17)
    before = training["before"]
    assert (before["epochs"], before["rounds"], before["signals"]) == (1, 2, 33)
    assert (training["recordings"]["packages"], training["recordings"]["pieces"]) == (1, 2)
    import tensorflow_hub as hub

    model = hub.load(str(tmp_path / "out"))
    assert [output.shape for output in model(noise(5))] == [(10, 521), (10, 1024), (528, 64)]


def test_teacher_outputs_are_what_yamnet_says(yamnet):
    log_mel, scores, clips = datasets.teacher_outputs()
    assert (log_mel.shape, scores.shape, len(clips)) == ((800, 96, 64), (800, 521), 800)
    assert (clips["filename"].value_counts() == 2).all()
    for row in (0, 321, 799):
        all_scores, _, whole = (o.numpy() for o in yamnet(datasets.load_clip(clips["filename"][row])))
        k = clips["window"][row]
        assert np.abs(whole[48 * k : 48 * k + 96] - log_mel[row]).max() < 0.1
        assert np.abs(all_scores[k] - scores[row]).max() < 2e-3

"""Models: YAMNet's call, the guarded real PANNs, and what stands in for them."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from course_utils import assets, audio, datasets, models
from course_utils.models import panns

RATE = models.PANNS_RATE


def clip(seconds=5.0, rate=RATE):
    return np.random.default_rng(3).normal(scale=0.1, size=round(seconds * rate)).astype(np.float32)


# --- YAMNet ---


@pytest.mark.parametrize(
    ("samples", "windows", "frames"),
    [(1, 1, 96), (1000, 1, 96), (15360, 1, 96), (15600, 1, 96), (16000, 2, 144), (80000, 10, 528), (128000, 16, 816)],
)
def test_yamnet_mini_has_the_shapes_of_yamnet(mini, samples, windows, frames):
    scores, embeddings, log_mel = (output.numpy() for output in mini(np.zeros(samples, np.float32)))
    assert (scores.shape, embeddings.shape, log_mel.shape) == ((windows, 521), (windows, 1024), (frames, 64))
    assert 0 <= scores.min() <= scores.max() <= 1
    assert embeddings.min() >= 0


def test_class_names_are_audiosets_without_six(mini):
    names = models.class_names(mini)
    labels = datasets.audioset_labels()
    known = labels[labels["yamnet_index"] >= 0].sort_values("yamnet_index")
    assert names == known["display_name"].to_list()
    assert len(names) == 521
    assert len(labels) == 527


def test_yamnet_mini_hears_whistling_in_the_embedded_clip(mini):
    waveform = audio.load(assets.embedded("clips/speech_whistling.ogg"), models.YAMNET_RATE)
    scores = mini(waveform)[0].numpy()
    names = np.array(models.class_names(mini))
    assert names[scores.mean(axis=0).argmax()] in ("Whistle", "Whistling")
    assert "Speech" in names[scores[:3].mean(axis=0).argsort()[-3:]]


def test_yamnet_path_says_which_model(embedded, capsys):
    assert models.yamnet_path().endswith("yamnet_mini")
    assert "YAMNet-mini" in capsys.readouterr().out


def test_start_tensorflow_is_quiet_and_shows_what_went_wrong(tmp_path):
    code = "from course_utils import models; models.start_tensorflow(); import os; os.write(2, b'after')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == "after"
    (tmp_path / "tensorflow.py").write_text("import os; os.write(2, b'a library is missing'); raise ImportError('no')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "a library is missing" in result.stderr
    assert not result.stderr.rstrip().endswith("after")  # since 3.13, a traceback shows the code


# --- what is refused, by the real tagger and by the stand-in alike ---

REFUSED = [
    (clip(0.2)[np.newaxis], ValueError, r"0\.20 s"),
    (clip()[np.newaxis, :0], ValueError, "empty"),
    (np.zeros((0, 32000), np.float32), ValueError, "empty"),
    (clip(), ValueError, "np.newaxis"),
    (np.stack([clip(), clip()], axis=1), ValueError, "channels"),
    (np.zeros((1, 2, 32000), np.float32), ValueError, "channels"),
    (np.float32(0.5), ValueError, "np.newaxis"),
    ([np.zeros(32000), np.zeros(33000)], ValueError, "one length"),
    (np.where(np.arange(160000) == 7, np.nan, clip())[np.newaxis], ValueError, "NaN"),
    (np.ones((1, 32000), np.int16), TypeError, "32768"),
]
NAMES = ["short", "empty", "no clips", "no axis", "stereo", "stereo batch", "scalar", "ragged", "NaN", "integer"]


@pytest.mark.parametrize(("batch", "error", "words"), REFUSED, ids=NAMES)
def test_stand_in_refuses_with_a_sentence(standin, batch, error, words):
    for model in standin:
        with pytest.raises(error, match=words):
            model.inference(batch)


@pytest.fixture(scope="module")
def standin(tmp_path_factory):
    with assets.using(assets.Store("embedded", tmp_path_factory.mktemp("cache"))):
        return models.AudioTagging(), models.SoundEventDetection(device="mps")


def test_stand_in_tags_and_says_that_it_is_one(standin, mini):
    tagger, detector = standin
    assert tagger.name == "YAMNet-mini, in place of PANNs CNN14"
    assert detector.name == "YAMNet-mini, in place of PANNs CNN14"
    waveform = audio.load(assets.embedded("clips/speech_whistling.ogg"), RATE)
    scores, embedding = tagger.inference(np.stack([waveform, 0.1 * waveform]))
    assert scores.shape == (2, 527)
    assert embedding.shape == (2, 1024)
    assert tagger.labels[scores[0].argmax()] in ("Whistle", "Whistling")
    low = audio.load(assets.embedded("clips/speech_whistling.ogg"), 16000)
    expected = mini(low)[0].numpy().mean(axis=0)
    labels = datasets.audioset_labels()
    shared = labels[labels["yamnet_index"] >= 0]
    assert np.abs(scores[0, shared.index] - expected[shared["yamnet_index"]]).max() < 0.02
    assert (scores[:, labels["yamnet_index"] < 0] == 0).all()


def test_stand_in_detects_at_100_frames_a_second(standin):
    _, detector = standin
    scene = audio.load(assets.embedded("clips/scene.ogg"), RATE)
    scores = detector.inference(scene[np.newaxis])
    assert scores.shape == (1, len(scene) // 320 + 1, 527)
    speech = scores[0, :, detector.labels.index("Speech")]
    assert speech[100:350].mean() > 3 * speech[450:600].mean()  # the announcement, and the whistle after it
    assert detector.inference(clip(1.0)[np.newaxis]).shape == (1, 101, 527)


# --- the real PANNs, on checkpoints of the real architecture and format with random weights ---


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """CNN14's two checkpoints with random weights in a mirror, registered in the asset table under their own hashes."""
    import torch

    folder = tmp_path_factory.mktemp("panns")
    home = folder / "home"
    home.mkdir()
    patch = pytest.MonkeyPatch()
    patch.setenv("HOME", str(home))
    patch.setenv("USERPROFILE", str(home))
    panns._place_labels()
    from panns_inference.models import Cnn14, Cnn14_DecisionLevelMax

    settings = dict(sample_rate=32000, window_size=1024, hop_size=320, mel_bins=64, fmin=50, fmax=14000)
    rows = assets.table()
    (folder / "mirror/panns").mkdir(parents=True)
    for name, network in (("cnn14", Cnn14), ("cnn14-detection", Cnn14_DecisionLevelMax)):
        torch.manual_seed(0)
        path = folder / "mirror" / rows[name]["path"]
        # Published checkpoints hold more than weights; NumPy objects are what torch.load refuses by default.
        state = {"iteration": np.int64(600000), "model": network(**settings, classes_num=527).state_dict()}
        torch.save(state, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows[name]["files"] = [
            {"variant": "random weights", "bytes": path.stat().st_size, "hash": f"sha256:{digest}", "urls": []}
        ]
    yield assets.Store("auto", folder / "cache", folder / "mirror", rows, small=0)
    patch.undo()


@pytest.fixture(scope="module")
def cnn14(checkpoints):
    with assets.using(checkpoints):
        return models.AudioTagging(device="cpu"), models.SoundEventDetection(device="cpu")


def test_checkpoint_has_the_published_size(checkpoints):
    # 327,428,481 bytes: the random ones differ by the little that the published ones hold besides the weights
    for name in ("cnn14", "cnn14-detection"):
        size = (checkpoints.mirror / checkpoints.assets[name]["path"]).stat().st_size
        assert abs(size - 327_428_481) < 100_000


def test_cnn14_tags_on_the_cpu(cnn14):
    tagger, _ = cnn14
    assert tagger.name == "CNN14 (random weights), on cpu"
    scores, embedding = tagger.inference(clip()[np.newaxis])
    assert scores.shape == (1, 527)
    assert embedding.shape == (1, 2048)
    assert 0 <= scores.min() <= scores.max() <= 1


def test_cnn14_detects_at_100_frames_a_second(cnn14):
    _, detector = cnn14
    scores = detector.inference(clip()[np.newaxis])
    assert scores.shape[0] == 1
    assert scores.shape[2] == 527
    assert abs(scores.shape[1] - 500) <= 1


def test_cnn14_takes_a_clip_of_one_second(cnn14):
    tagger, detector = cnn14
    assert tagger.inference(clip(1.0)[np.newaxis])[0].shape == (1, 527)
    assert detector.inference(clip(1.0)[np.newaxis]).shape[0] == 1


@pytest.mark.parametrize(("batch", "error", "words"), REFUSED, ids=NAMES)
def test_cnn14_refuses_with_a_sentence(cnn14, batch, error, words):
    for model in cnn14:
        with pytest.raises(error, match=words):
            model.inference(batch)


def test_checkpoint_with_another_hash_is_refused(checkpoints):
    path = checkpoints.mirror / checkpoints.assets["cnn14"]["path"]
    again = assets.Store("auto", checkpoints.cache, checkpoints.mirror, checkpoints.assets, small=0)
    with open(path, "r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)
        file.seek(1_000_000)
        file.write(bytes([byte[0] ^ 1]))
    try:
        with pytest.warns(UserWarning, match="damaged, or is another file"):
            assert not again.resolve("cnn14").is_real
    finally:
        with open(path, "r+b") as file:
            file.seek(1_000_000)
            file.write(byte)


PANNS_WITHOUT_NETWORK = """
import pathlib
from course_utils.models import panns
panns._place_labels()
import panns_inference
assert panns_inference.config.classes_num == 527, panns_inference.config.classes_num
assert panns_inference.labels[0] == "Speech"
print(pathlib.Path.home())
"""


BEFORE = {"missing": None, "empty": b"", "cut": b"index,mid\n0,/m/09x0r", "other": b"\xff<html>\n" * 528}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_labels_are_placed_whole_before_panns_inference_looks(python, tmp_path, before):
    folder = tmp_path / "panns_data"
    if before is not None:
        folder.mkdir()
        (folder / "class_labels_indices.csv").write_bytes(before)
    # No wget on the path: panns-inference cannot fetch anything even if it tries.
    python(PANNS_WITHOUT_NETWORK, HOME=str(tmp_path), USERPROFILE=str(tmp_path), PATH=str(tmp_path))
    kept = [] if before is None else ["class_labels_indices.csv.bak"]
    assert sorted(path.name for path in folder.iterdir()) == ["class_labels_indices.csv", *kept]
    if kept:
        assert (folder / kept[0]).read_bytes() == before
    digest = hashlib.sha256((folder / "class_labels_indices.csv").read_bytes()).hexdigest()
    assert assets.table()["audioset-labels"]["files"][0]["hash"] == f"sha256:{digest}"


def test_a_right_labels_file_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    panns._place_labels()
    (file,) = (tmp_path / "panns_data").iterdir()
    written = file.stat().st_mtime_ns
    panns._place_labels()
    assert file.stat().st_mtime_ns == written


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_home_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(assets.AssetError, match="set HOME"):
        panns._place_labels()
    tmp_path.chmod(0o700)


def test_device_says_why(capsys):
    import torch

    choice = models.device()
    assert choice == "cpu" or torch.cuda.is_available() or torch.backends.mps.is_available()
    assert capsys.readouterr().out.startswith(f"Device: {choice} (")

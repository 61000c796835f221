"""Models: YAMNet's call, the guarded real PANNs, and what stands in for them."""

import dataclasses
import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from course_utils import assets, audio, datasets, doctor, models
from course_utils.models import base, panns

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
    networks = panns._networks()

    settings = dict(sample_rate=32000, window_size=1024, hop_size=320, mel_bins=64, fmin=50, fmax=14000)
    rows = assets.table()
    (folder / "mirror/panns").mkdir(parents=True)
    for name, network in (("cnn14", networks.Cnn14), ("cnn14-detection", networks.Cnn14_DecisionLevelMax)):
        torch.manual_seed(0)
        path = folder / "mirror" / rows[name]["path"]
        # Published checkpoints hold more than weights; NumPy objects are what torch.load refuses by default.
        state = {"iteration": np.int64(600000), "model": network(**settings, classes_num=527).state_dict()}
        torch.save(state, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows[name]["files"] = [
            {"variant": "random weights", "bytes": path.stat().st_size, "hash": f"sha256:{digest}", "urls": []}
        ]
    return assets.Store("auto", folder / "cache", folder / "mirror", rows, small=0)


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
from course_utils.models import base, panns
panns._networks()
import panns_inference
from panns_inference import config
assert config.classes_num == 527 and config.sample_rate == 32000
assert panns_inference.labels[0] == "Speech" and config.ix_to_lb[1] == "Male speech, man speaking"
assert config.lb_to_ix["Speech"] == config.id_to_ix["/m/09x0r"] == 0 and config.ix_to_id[0] == "/m/09x0r"
"""


@pytest.mark.parametrize("before", [None, b"", b"index,mid\n0,/m/09x0r", b"\xff<html>\n" * 528])
def test_panns_inference_looks_for_no_labels_in_the_home_folder(python, tmp_path, before):
    if before is not None:
        (tmp_path / "panns_data").mkdir()
        (tmp_path / "panns_data/class_labels_indices.csv").write_bytes(before)
    # No wget on the path: panns-inference cannot fetch anything even if it tries.
    python(PANNS_WITHOUT_NETWORK, HOME=str(tmp_path), USERPROFILE=str(tmp_path), PATH=str(tmp_path))
    files = {path.name: path.read_bytes() for path in (tmp_path / "panns_data").glob("*")}
    assert files == ({} if before is None else {"class_labels_indices.csv": before})


TWO_THREADS = """
import os, sys, threading, types
import numpy as np, torch
from course_utils import assets, models
from course_utils.models import base, panns

rows, wave = assets.table(), np.random.default_rng(0).uniform(-1, 1, (2, 32000)).astype(np.float32)
for name, (size, digest) in FILES.items():
    rows[name]["files"] = [{"variant": "random weights", "bytes": size, "hash": digest, "urls": []}]
store = assets.Store("auto", CACHE, MIRROR, rows, small=0)
panns._networks()  # an import may do what it likes


def process():
    return dict(os.environ), os.getcwd(), torch.serialization.get_safe_globals(), torch.load, sys.stdout, os.umask(18)


seen, before, done, answers = [], process(), threading.Event(), {}


def watch():
    while not done.is_set():
        seen.append(process() == before)


def load(key, kind):
    model = kind(device="cpu")
    answers[key] = model.inference(wave)


with assets.using(store):
    watcher = threading.Thread(target=watch)
    watcher.start()
    kinds = [models.AudioTagging, models.SoundEventDetection, models.AudioTagging, models.SoundEventDetection]
    threads = [threading.Thread(target=load, args=pair) for pair in enumerate(kinds)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    done.set()
    watcher.join()
assert len(seen) > 10 and all(seen) and process() == before, "something has changed in the process"
assert len(answers) == 4
assert np.allclose(answers[0][0], answers[2][0], atol=1e-6) and np.allclose(answers[1], answers[3], atol=1e-6)
network = panns._networks().Cnn14(sample_rate=32000, window_size=1024, hop_size=320, mel_bins=64, fmin=50, fmax=14000,
                                  classes_num=527).eval()
torch.serialization.add_safe_globals([np.dtype, np.dtypes.Int64DType, np._core.multiarray.scalar])
network.load_state_dict(torch.load(f"{MIRROR}/{rows['cnn14']['path']}", weights_only=True)["model"])
with torch.no_grad():
    right = network(torch.as_tensor(wave), None)
assert np.allclose(answers[0][0], right["clipwise_output"], atol=1e-5)
assert np.allclose(answers[0][1], right["embedding"], atol=1e-4)
"""


def test_two_threads_load_cnn14_and_nothing_changes_in_the_process(python, checkpoints, tmp_path):
    files = {
        name: (version["bytes"], version["hash"])
        for name in ("cnn14", "cnn14-detection")
        for version in checkpoints.assets[name]["files"]
    }
    values = f"FILES, CACHE, MIRROR = {files!r}, {str(tmp_path)!r}, {str(checkpoints.mirror)!r}\n"
    python(values + TWO_THREADS)


class Hostile:
    """What runs a command when it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("call", [(os.mkdir,), (eval, "1"), (__import__, "os"), (getattr, [], "pop"), (bytearray, 9)])
def test_what_a_checkpoint_names_is_not_run(tmp_path, monkeypatch, legacy, call):
    import torch

    monkeypatch.chdir(tmp_path)
    function, *arguments = call
    state = {"model": {}, "extra": Hostile(function, *(arguments or ["made"]))}
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ValueError, match="no checkpoint of PANNs"):
        panns._weights((tmp_path / "a.pth").read_bytes())
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("legacy", [True, False])
def test_what_published_checkpoints_hold_is_read(tmp_path, legacy):
    import torch

    numpy = {"indexes": np.arange(5), "pointer": np.int64(3), "share": np.float32(0.5), "names": np.array(["a"])}
    state = {"iteration": 1, "model": {"a": torch.ones(2, 3), "b": torch.tensor(4)}, "sampler": numpy}
    torch.save(state, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    weights = panns._weights((tmp_path / "a.pth").read_bytes())
    assert weights["a"].shape == (2, 3)
    assert weights["b"] == 4


def test_doctor_asks_both_of_the_networks(checkpoints, monkeypatch):
    monkeypatch.setattr(doctor, "_looking", lambda: checkpoints)
    with assets.using(checkpoints):
        found = list(doctor._followed(doctor.torch))
    assert [one.what for one in found if not isinstance(one, doctor.Step)] == []
    assert {"PANNs CNN14, tagging does not answer", "PANNs CNN14, detection does not answer"} <= {o.what for o in found}


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04", b"\x80\x02cos\nsystem\n(S'true'\ntR."])
def test_what_is_no_checkpoint_is_refused_in_a_sentence(content):
    with pytest.raises(ValueError, match="no checkpoint of PANNs"):
        panns._weights(content)


def test_a_checkpoint_that_is_replaced_after_its_check_is_not_loaded(checkpoints, monkeypatch, tmp_path):
    asset = checkpoints.resolve("cnn14")
    (tmp_path / "other.pth").write_bytes(b"x" * 1000)
    replaced = dataclasses.replace(asset, path=tmp_path / "other.pth")
    with assets.using(checkpoints), pytest.raises(assets.AssetError, match="has changed since"):
        panns.Tagger(replaced, "cpu")


# --- a GPU that runs out of memory ---


class Gpu:
    """A network on a GPU with room for so many clips at once, and a CPU with room for others."""

    def __init__(self, monkeypatch, room, kind="cuda", on_cpu=10**6, error=None):
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: kind == "cuda")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: kind == "mps")
        monkeypatch.setattr(torch, "as_tensor", lambda values, device: torch.from_numpy(values))
        self.room, self.moves, self.sizes = {kind: room, "cpu": on_cpu}, [], []
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def __call__(self, batch):
        self.sizes.append(len(batch))
        if len(batch) > self.room[self.moves[-1]]:
            raise self.error
        return batch.sum(dim=1), batch * 2


CLIPS = np.arange(21, dtype=np.float32).reshape(7, 3)


@pytest.mark.parametrize("kind", ["cuda", "mps"])
@pytest.mark.parametrize(("room", "sizes"), [(7, [7]), (3, [7, 3, 3, 1]), (1, [7, 3, 1, 1, 1, 1, 1, 1, 1])])
def test_a_gpu_that_runs_out_of_memory_gets_smaller_batches(monkeypatch, capsys, kind, room, sizes):
    gpu = Gpu(monkeypatch, room, kind, error=RuntimeError("MPS backend out of memory") if kind == "mps" else None)
    ladder = base.Ladder(kind, gpu.moves.append)
    sums, doubled = ladder(gpu, CLIPS)
    assert np.array_equal(sums, CLIPS.sum(axis=1))
    assert np.array_equal(doubled, CLIPS * 2)
    assert (gpu.sizes, gpu.moves, ladder.device, capsys.readouterr().out) == (sizes, [kind], kind, "")
    gpu.sizes.clear()
    ladder(gpu, CLIPS)
    assert max(gpu.sizes) <= room  # what does not fit is not tried again


def test_if_not_even_one_clip_fits_the_cpu_takes_over_once_and_says_so(monkeypatch, capsys):
    gpu = Gpu(monkeypatch, 0)
    ladder = base.Ladder("cuda", gpu.moves.append)
    for _ in range(2):
        assert np.array_equal(ladder(gpu, CLIPS)[0], CLIPS.sum(axis=1))
    assert (gpu.moves, gpu.sizes[-2:]) == (["cuda", "cpu"], [7, 7])
    assert capsys.readouterr().out == "The GPU has no room for this. We go on with the CPU.\n"


@pytest.mark.parametrize("error", [NotImplementedError("aten::stft is not for MPS"), TypeError("no float64 on MPS")])
def test_what_apples_gpu_cannot_compute_the_cpu_does(monkeypatch, capsys, error):
    gpu = Gpu(monkeypatch, 0, "mps", error=error)
    ladder = base.Ladder("mps", gpu.moves.append)
    assert np.array_equal(ladder(gpu, CLIPS)[1], CLIPS * 2)
    assert (gpu.sizes, ladder.device) == ([7, 7], "cpu")
    assert "cannot compute this" in capsys.readouterr().out


def test_no_room_at_all_is_said_and_other_errors_are_not_taken_for_it(monkeypatch):
    gpu = Gpu(monkeypatch, 0, on_cpu=0)
    with pytest.raises(MemoryError, match="Cut it into shorter"):
        base.Ladder("cuda", gpu.moves.append)(gpu, CLIPS)
    gpu = Gpu(monkeypatch, 0, error=RuntimeError("a wrong shape"))
    with pytest.raises(RuntimeError, match="a wrong shape"):
        base.Ladder("cuda", gpu.moves.append)(gpu, CLIPS)
    assert gpu.moves == ["cuda"]


@pytest.mark.parametrize(
    ("wanted", "there", "device"),
    [("cuda", "cuda", "cuda"), ("cuda:1", "cuda", "cuda"), ("cuda", "mps", "cpu"), ("mps", "mps", "mps"),
     ("mps", "none", "cpu"), ("cpu", "cuda", "cpu"), ("tpu", "cuda", "cpu")],
)  # fmt: skip
def test_a_ladder_begins_where_it_can(monkeypatch, wanted, there, device):
    gpu = Gpu(monkeypatch, 7, there)
    assert base.Ladder(wanted, gpu.moves.append).device == device
    assert gpu.moves == [device]


def test_yamnet_goes_on_with_the_cpu_if_the_gpu_is_full(mini, capsys):
    import tensorflow as tf

    class Full:
        def __init__(self, always=False):
            self.asked, self.always, self.class_map_path = 0, always, mini.class_map_path

        def __call__(self, waveform):
            self.asked += 1
            if self.asked == 1 or self.always:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            return mini(waveform)

    wave = np.sin(np.arange(32000) / 5).astype(np.float32)
    model = models.wrap(Full())
    assert np.allclose(model(wave).scores, models.wrap(mini)(wave).scores, atol=1e-6)
    assert capsys.readouterr().out == "The GPU has no room for this. We go on with the CPU.\n"
    model(wave)
    assert capsys.readouterr().out == ""
    with pytest.raises(MemoryError, match="Cut it into shorter"):
        models.wrap(Full(always=True))(wave)


def test_device_says_why(capsys):
    import torch

    choice = models.device()
    assert choice == "cpu" or torch.cuda.is_available() or torch.backends.mps.is_available()
    assert capsys.readouterr().out.startswith(f"Device: {choice} (")


@pytest.mark.parametrize(
    ("cuda", "mps", "said"),
    [
        (True, False, "Device: cuda (A100)."),
        (True, True, "Device: cuda (A100)."),
        (False, True, "Device: mps (PyTorch finds an Apple GPU)."),
        (False, False, "Device: cpu (PyTorch finds no GPU here, and the course doesn't need one)."),
    ],
)
def test_device_takes_the_gpu_that_is_there(monkeypatch, capsys, cuda, mps, said):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "A100")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert models.device() == said.split()[1]
    assert capsys.readouterr().out == f"{said}\n"


def test_notes_are_shown_if_tensorflow_does_not_start(monkeypatch, capfd, tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os; os.write(2, b'a library is missing'); raise ImportError('no')")
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # so that it is put back
    monkeypatch.delitem(sys.modules, "tensorflow")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="no"):
        models.start_tensorflow()
    os.write(2, b", and stderr is what it was")
    assert capfd.readouterr().err == "a library is missing, and stderr is what it was"

"""Checkpoints of PyTorch: what is read of them whatever the environment says, and what is not run."""

import dataclasses
import hashlib
import os
import types

import numpy as np
import pytest

from course_utils import assets, models
from course_utils.models import base, efficientat, panns

pytestmark = pytest.mark.slow  # PyTorch

VARIABLES = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
ENVIRONMENTS = {
    "none": {},
    "weights only": {VARIABLES[0]: "1"},
    "weights only, in words": {VARIABLES[0]: "Yes"},
    "weights only, switched off": {VARIABLES[0]: "0"},
    "not weights only": {VARIABLES[1]: "1"},
    "both": dict.fromkeys(VARIABLES, "true"),
}


@pytest.fixture(params=ENVIRONMENTS)
def environment(request, monkeypatch):
    """Set the variables of PyTorch, and see that nothing has changed in the process in the end."""
    import torch

    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENTS[request.param].items():
        monkeypatch.setenv(name, value)

    def process():
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        return variables, torch.load, torch.serialization.get_safe_globals()

    before = process()
    yield request.param
    assert process() == before


@pytest.fixture(params=[False, True], ids=["new", "legacy"])
def saved(request, tmp_path):
    """Save a thing as PyTorch does now, or did before version 1.6, and return the file."""
    import torch

    def save(what):
        torch.save(what, tmp_path / "a.pth", _use_new_zipfile_serialization=not request.param)
        return tmp_path / "a.pth"

    return save


@pytest.fixture
def small(monkeypatch):
    """A network of one layer in the place of CNN14."""
    import torch

    class Small(torch.nn.Linear):
        def __init__(self, **settings):
            super().__init__(4, settings["classes_num"])

        def forward(self, waveforms, mixup):
            return {"clipwise_output": super().forward(waveforms[:, :4]).sigmoid(), "embedding": waveforms[:, :9]}

    monkeypatch.setattr(panns, "_networks", lambda: types.SimpleNamespace(Cnn14=Small))
    return Small(classes_num=527)


@pytest.fixture
def resolved(tmp_path):
    """Return a function that makes a file an asset of the course."""

    def resolve(name, file):
        rows = assets.table()
        target = tmp_path / "mirror" / rows[name]["path"]
        target.parent.mkdir(parents=True)
        file.rename(target)
        digest = f"sha256:{hashlib.sha256(target.read_bytes()).hexdigest()}"
        version = {"variant": "random weights", "bytes": target.stat().st_size, "hash": digest, "urls": []}
        rows[name]["files"] = [version]
        store = assets.Store("auto", tmp_path / "cache", tmp_path / "mirror", rows, small=0)
        return store, store.resolve(name)

    return resolve


def mn04_of_random_weights():
    """Return weights for the layers of mn04, with eight channels each."""
    import torch

    torch.manual_seed(0)
    weights = {}

    def convolution(name, outputs, inputs, size):
        weights[f"{name}.0.weight"] = torch.randn(outputs, inputs, size, size)
        weights.update({f"{name}.1.{kind}": torch.rand(outputs) + 0.5 for kind in ("running_mean", "running_var")})
        weights.update({f"{name}.1.{kind}": torch.rand(outputs) for kind in ("weight", "bias")})

    def dense(name, outputs, inputs):
        weights.update({f"{name}.weight": torch.randn(outputs, inputs), f"{name}.bias": torch.randn(outputs)})

    convolution("features.0", 8, 1, 3)
    for number, layers in enumerate(efficientat.BLOCKS, start=1):
        for part, layer in enumerate(layers):
            name = f"features.{number}.block.{part}"
            if layer == "s":
                dense(f"{name}.conc_se_layers.0.fc1", 4, 8)
                dense(f"{name}.conc_se_layers.0.fc2", 8, 4)
            else:
                convolution(name, 8, *((1, 3) if layer in "dD" else (8, 1)))
    convolution("features.16", 384, 8, 1)
    dense("classifier.2", 8, 384)
    dense("classifier.5", 527, 8)
    return weights


def test_cnn14_is_loaded_whatever_the_environment_says(environment, saved, small, resolved):
    """The published files hold NumPy's objects beside the weights."""
    numpy = {"iteration": np.int64(600000), "sampler": {"indexes": np.arange(5), "names": np.array(["a"])}}
    store, asset = resolved("cnn14", saved({"model": small.state_dict()} | numpy))
    with assets.using(store):
        tagger = panns.Tagger(asset, "cpu")
    batch = np.random.default_rng(0).normal(size=(2, 32000)).astype(np.float32)
    expected = 1 / (1 + np.exp(-(batch[:, :4] @ small.weight.detach().numpy().T + small.bias.detach().numpy())))
    scores, embeddings = tagger.tagging(batch)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_array_equal(embeddings, batch[:, :9])


def test_mn04_is_loaded_whatever_the_environment_says(environment, saved, resolved):
    weights = mn04_of_random_weights()
    store, asset = resolved("efficientat-mn04", saved(weights))
    with assets.using(store):
        tagger = efficientat.Tagger(asset, "cpu")
        assert models.AudioTagging().name == "EfficientAT mn04, in place of PANNs CNN14"
    assert {name for name, one in weights.items() if not one.equal(tagger._weights[name])} == set()
    scores, embeddings = tagger.tagging(np.random.default_rng(0).normal(size=(1, 32000)).astype(np.float32))
    assert (scores.shape, embeddings.shape) == ((1, 527), (1, 384))
    assert np.isfinite(embeddings).all()


def test_tensors_of_every_kind_are_those_that_were_saved(environment, saved):
    import torch

    whole = torch.arange(24.0).reshape(4, 6)
    kinds = "float half double long int short uint8 bool".split()
    tensors = {kind: torch.tensor([[0, 1], [1, 0]]).to(getattr(torch, kind)) for kind in kinds}
    tensors |= {
        "whole": whole,
        "part": whole[1:, 2:5],
        "turned": whole.T,
        "none": torch.empty(0, 3),
        "one": whole[0, 1],
    }
    for weights_only in (True, False):
        found = base.load(saved(tensors).read_bytes(), weights_only)
        assert list(found) == list(tensors)
        for name, tensor in tensors.items():
            assert found[name].dtype == tensor.dtype, name
            assert found[name].equal(tensor), name
        assert found["whole"].untyped_storage().data_ptr() == found["turned"].untyped_storage().data_ptr()


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("made",)


def test_nothing_in_a_checkpoint_is_run_whatever_the_environment_says(environment, saved, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    content = saved({"model": {}, "extra": Hostile()}).read_bytes()
    with pytest.raises(ValueError, match="This is no checkpoint of PANNs"):
        panns._weights(content)
    with pytest.raises(ValueError, match="does not hold the weights of EfficientAT mn04"):
        efficientat.EfficientAT(content)
    for other in (b"", b"garbage", b"PK\x03\x04", content[:-9], content[:100]):
        with pytest.raises(ValueError, match="This is no checkpoint of PANNs"):
            panns._weights(other)
    assert not (tmp_path / "made").exists()


@pytest.mark.filterwarnings("ignore")
def test_a_program_in_the_place_of_a_checkpoint_is_refused(environment, tmp_path):
    """TorchScript, which PyTorch loads of itself."""
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "a.pth")
    with pytest.raises(ValueError, match="does not hold the weights of EfficientAT mn04"):
        efficientat.EfficientAT(tmp_path / "a.pth")


def test_weights_of_another_network_are_refused_with_a_sentence(environment, saved, small, resolved):
    import torch

    store, asset = resolved("cnn14", saved({"model": small.state_dict() | {"bias": torch.ones(3)}}))
    with assets.using(store), pytest.raises(ValueError, match=r"weights of CNN14\. Download it again"):
        panns.Tagger(asset, "cpu")
    for content in (saved({"model": 3}), saved({"model": {}}), saved([1])):
        other = dataclasses.replace(asset, path=content, source="embedded")  # what the course ships is not checked
        with assets.using(store), pytest.raises(ValueError, match="does not hold the weights of CNN14"):
            panns.Tagger(other, "cpu")

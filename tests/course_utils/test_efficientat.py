"""EfficientAT mn04: the authors' figures, clips of any length, in place of CNN14, and what is shipped of it."""

from pathlib import Path

import numpy as np
import pytest
from test_features import Named
from test_models import RATE, REFUSED, clip

from course_utils import assets, audio, datasets, features, models
from course_utils.models import efficientat
from makers import results


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def mn04(mirror):
    return efficientat.EfficientAT(assets.Store("auto", mirror=mirror, small=0).resolve("efficientat-mn04").path)


@pytest.fixture(scope="module")
def golden(mirror):
    """What the authors' code gives with these weights."""
    return {
        "clips/speech_whistling2.wav": {
            "Whistling": 0.686,
            "Whistle": 0.490,
            "Speech": 0.232,
            "Bird": 0.014,
            "Music": 0.013,
        },
        "clips/metro_station-helsinki-67-1995-a.wav": {
            "Vehicle": 0.122,
            "Music": 0.099,
            "Subway, metro, underground": 0.061,
            "Train": 0.048,
        },
    }


def test_mn04_gives_the_authors_figures(mn04, golden, mirror):
    for name, expected in golden.items():
        waveform = audio.load(Path(mirror) / name, RATE)[: 10 * RATE]
        scores, embeddings = mn04(waveform)
        assert (scores.shape, embeddings.shape) == ((1, 527), (1, 384))
        assert mn04.labels[scores[0].argmax()] == next(iter(expected))
        for label, score in expected.items():
            assert scores[0, mn04.labels.index(label)] == pytest.approx(score, abs=0.005), label
        tags, _ = mn04.tagging(waveform[np.newaxis])
        np.testing.assert_allclose(tags, scores, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 500, 511, 31999, 32000, 160000, 320000, 320001, 335999, 352000, 640001])
def test_mn04_loses_no_clip_whatever_its_length(mn04, samples):
    scores, embeddings = mn04(clip(30)[:samples])
    windows = max(1, -(-(samples - 32000 + 1) // 320000))  # a rest of less than a second is left out
    assert (scores.shape, embeddings.shape) == ((windows, 527), (windows, 384))
    assert np.isfinite(embeddings).all()


def test_mn04_in_batches_is_mn04_clip_by_clip(mn04):
    waveforms = [clip(seconds) for seconds in (0.3, 5, 5, 11.5, 24, 5)]
    for waveform, together in zip(waveforms, mn04.many(waveforms), strict=True):
        for ours, alone in zip(together, mn04(waveform), strict=True):
            np.testing.assert_allclose(ours, alone, atol=1e-5)


def test_mn04_with_other_windows_is_another_family(mn04, mirror):
    path = assets.Store("auto", mirror=mirror, small=0).resolve("efficientat-mn04").path
    short = efficientat.EfficientAT(path, window=0.96, hop=0.48)
    assert short.family != mn04.family
    assert short.id != mn04.id
    assert short(clip(5)).scores.shape == (9, 527)
    for wrong in ({"window": 0.0}, {"window": 1.0, "hop": 0.0}, {"window": float("nan")}):
        with pytest.raises(ValueError, match="windows of at least"):
            efficientat.EfficientAT(path, **wrong)


def test_mn04_answers_in_place_of_cnn14_and_says_so(mirror, tmp_path, capsys):
    with assets.using(assets.Store("auto", tmp_path, mirror, small=0)):
        tagger, detector = models.AudioTagging(device="cuda"), models.SoundEventDetection(device="mps")
        assets.overview("cnn14")
    assert tagger.name == "EfficientAT mn04, in place of PANNs CNN14"
    said = capsys.readouterr().out
    assert "Networks in this run: EfficientAT mn04 in place of PANNs CNN14.\n" in said
    scene = audio.load(assets.embedded("clips/scene.ogg"), RATE)
    scores = detector.inference(scene[np.newaxis])
    assert scores.shape == (1, len(scene) // 320 + 1, 527)
    speech = scores[0, :, detector.labels.index("Speech")]
    assert speech[100:350].mean() > 3 * speech[450:600].mean()
    for batch, error, words in REFUSED:
        with pytest.raises(error, match=words):
            tagger.inference(batch)


@pytest.mark.parametrize("content", [b"", b"garbage", "a list", "a tensor too few", "another shape"])
def test_a_file_that_is_not_mn04_is_refused_with_a_sentence(tmp_path, content, mirror):
    import torch

    path = tmp_path / "mn04.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        weights = torch.load(assets.Store("auto", mirror=mirror, small=0).resolve("efficientat-mn04").path)
        name = "classifier.5.bias"
        changed = {"a list": [1], "another shape": weights | {name: weights[name][:-1]}}
        weights.pop(name)
        torch.save(changed.get(content, weights), path)
    with pytest.raises(ValueError, match="does not hold the weights of EfficientAT mn04"):
        efficientat.EfficientAT(path)


def accuracy(x, y, fold):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    right = 0
    for k in range(1, 6):
        head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
        right += (head.fit(x[fold != k], y[fold != k]).predict(x[fold == k]) == y[fold == k]).sum()
    return right / len(y)


def test_what_is_shipped_of_mn04_knows_the_animals(embedded):
    animals = datasets.esc50_metadata().query("category in @datasets.ANIMALS")
    found = features.extract(animals["filename"], Named("EfficientAT mn04", 527))
    x = np.concatenate([clip.embeddings for clip in found])
    assert accuracy(x, animals["category"].to_numpy(), animals["fold"].to_numpy()) >= 0.975


def test_what_is_shipped_of_mn04_is_what_it_computes(fresh, mirror, esc50):
    store = assets.Store("auto", fresh / "cache", mirror, small=0)
    with assets.using(store):
        model = efficientat.EfficientAT(store.resolve("efficientat-mn04").path)
        metadata = datasets.esc50_metadata()
        names = metadata["filename"].iloc[::100].tolist()
        animals = store.clips("esc50-animals")
        files = [animals[name] if name in animals else next(esc50.glob(f"{name[:-4]}.*")) for name in names]
        computed = features.extract(files, model)
    with assets.using(assets.Store("embedded", fresh / "cache")):
        shipped = features.extract(names, model)
    for ours, theirs in zip(shipped, computed, strict=True):
        # shipped in steps of 0.05, so they are off by half a step at most
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=0.0255, rtol=2e-3)
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=0.003)


@pytest.mark.parametrize(("fold", "hop", "windows"), [(4, 0.096, 74), (1, None, 15)])
def test_what_is_shipped_of_mixtures_is_what_mn04_hears(fresh, mirror, esc50, fold, hop, windows):
    """As the detector of lesson 6 hears them, from audio that is mixed anew; shipped in steps of 0.2."""
    options = {"window": models.YAMNET_WINDOW, "hop": models.YAMNET_HOP}
    with assets.using(assets.Store("auto", fresh / "cache", mirror, small=0)):
        results.place_backgrounds(esc50)
        model = efficientat.EfficientAT(assets.resolve("efficientat-mn04").path, **options)
        soundscapes = datasets.make_soundscapes(3, (-6, 0, 6), fold=fold)
        assert all(soundscape.waveform is not None for soundscape in soundscapes)
        computed = features.extract(soundscapes, model, hop=hop)
    with assets.using(assets.Store("embedded", fresh / "cache")):
        shipped = features.extract(datasets.make_soundscapes(3, (-6, 0, 6), fold=fold), model, hop=hop)
    for ours, theirs in zip(shipped, computed, strict=True):
        assert ours.embeddings.shape == (windows, 384)
        np.testing.assert_allclose(ours.embeddings, theirs.embeddings, atol=0.11, rtol=2e-3)


def test_frozen_mn04_knows_the_animals(mirror, mn04):
    """Five folds, a standard scaler and logistic regression on what mn04 says about a clip."""
    with assets.using(assets.Store("auto", assets.store().cache, mirror, small=0)):
        animals = datasets.esc50_metadata().query("category in @datasets.ANIMALS")
        x = np.concatenate([found.embeddings for found in features.extract(animals["filename"], mn04)])
    assert accuracy(x, animals["category"].to_numpy(), animals["fold"].to_numpy()) >= 0.975

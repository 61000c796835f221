"""Features: batches change nothing, the cache is used and keyed, the embedded ones are found."""

import numpy as np
import pandas as pd
import pytest
import soundfile

from course_utils import assets, datasets, features, models
from tools import results


def noise(seconds, seed=0):
    return np.random.default_rng(seed).normal(scale=0.1, size=round(seconds * 16000)).astype(np.float32)


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(assets, "_used", {})
    return tmp_path


def test_batches_give_what_single_calls_give(fresh, mini):
    clips = [noise(seconds, i) for i, seconds in enumerate((0.1, 0.96, 0.975, 1.0, 3.3, 5.0, 5.0, 8.0))]
    embeddings = features.extract_embeddings(clips, mini)
    scores = features.extract_scores(clips, mini)
    for clip, ours, mean in zip(clips, embeddings, scores, strict=True):
        single_scores, single_embeddings, _ = (output.numpy() for output in mini(clip))
        assert ours.shape == single_embeddings.shape
        np.testing.assert_allclose(ours, single_embeddings, atol=2e-4)
        np.testing.assert_allclose(mean, single_scores.mean(axis=0), atol=2e-4)


def test_windows_with_a_hop_are_fed_one_by_one(fresh, mini):
    clip = noise(3.2)
    (embeddings,) = features.extract_embeddings([clip], mini, hop=0.5)
    starts = [0, 8000, 16000, 24000, 32000]
    assert len(embeddings) == len(starts)  # whole windows only: the next would begin at 2.5 s and end at 3.46 s
    for start, ours in zip(starts, embeddings, strict=True):
        np.testing.assert_allclose(ours, mini(clip[start : start + 15360])[1].numpy()[0], atol=2e-4)


def test_a_hop_that_divides_yamnets_is_as_dense_and_nearly_the_same(fresh, mini):
    clip = noise(3.2)
    short, edge = noise(0.5), noise(0.97)
    embeddings, of_short, of_edge = features.extract_embeddings([clip, short, edge], mini, hop=0.096)
    starts = range(0, len(clip) - 15360 + 1, 1536)
    assert (len(embeddings), len(of_short), len(of_edge)) == (len(starts), 1, 1)
    for start, ours in zip(starts, embeddings, strict=True):  # a window reads 15 ms beyond its end
        np.testing.assert_allclose(ours, mini(clip[start : start + 15600])[1].numpy()[0], atol=2e-4)
    scores = features.extract_scores([clip, short, edge], mini, hop=0.096, by_window=True)
    assert [len(s) for s in scores] == [len(starts), 1, 1]
    np.testing.assert_allclose(features.extract_scores([clip], mini, hop=0.096)[0], scores[0].mean(axis=0), atol=1e-6)


def test_levels_tell_silence(fresh, mini):
    clip = np.concatenate([noise(1.5), np.zeros(3 * 16000, np.float32)])
    (levels,) = features.extract_levels([clip], mini)
    assert levels[0] == pytest.approx(0.1, rel=0.05)
    assert (levels[-3:] == 0).all()


def test_cache_is_used_and_keyed_by_clips_hop_and_model(fresh, mini, capsys, monkeypatch):
    clips = [noise(1.0)]
    first = features.extract_embeddings(clips, mini)
    assert assets.used()["embeddings"] == "extracted"
    assert "computed in this run" in capsys.readouterr().out
    monkeypatch.setattr(features, "_computed", set())  # as in another kernel
    again = features.extract_embeddings(clips, mini)
    assert assets.used()["embeddings"] == "cache"
    assert "from an earlier run" in capsys.readouterr().out
    np.testing.assert_array_equal(first[0], again[0])
    features.extract_embeddings([noise(1.0, seed=1)], mini)
    features.extract_embeddings(clips, mini, hop=0.1)
    monkeypatch.setattr(features, "model_id", lambda model: "another")
    features.extract_embeddings(clips, mini)
    assert len(list((fresh / "cache/features").glob("*.npz"))) == 4


def test_model_id_changes_with_constants_and_variables(tmp_path):
    class Model:
        def class_map_path(self):
            import tensorflow as tf

            return tf.constant(str(tmp_path / "assets" / "map.csv"))

    (tmp_path / "variables").mkdir()
    names = set()
    for graph, variables in ((b"a", b"b"), (b"x", b"b"), (b"a", b"y")):
        (tmp_path / "saved_model.pb").write_bytes(graph)
        (tmp_path / "variables/variables.index").write_bytes(variables)
        names.add(features.model_id(Model()))
    assert len(names) == 3


def test_damaged_cache_is_computed_again(fresh, mini):
    clips = [noise(1.0)]
    first = features.extract_embeddings(clips, mini)
    (file,) = (fresh / "cache/features").glob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    again = features.extract_embeddings(clips, mini)
    np.testing.assert_array_equal(first[0], again[0])


def test_files_of_any_rate_are_resampled(fresh, mini):
    soundfile.write(fresh / "a.wav", noise(2), 16000, subtype="FLOAT")
    soundfile.write(fresh / "b.wav", np.zeros((44100, 2)), 44100)
    a, b = features.extract_embeddings([fresh / "a.wav", str(fresh / "b.wav")], mini)
    np.testing.assert_allclose(a, mini(noise(2))[1].numpy(), atol=2e-4)
    assert len(b) == 2


def test_own_and_embedded_clips_mix_in_one_call(fresh, mini):
    soundfile.write(fresh / "mine.wav", noise(2), 16000, subtype="FLOAT")
    mixed = features.extract_embeddings(["1-100032-A-0.wav", fresh / "mine.wav", "1-110389-A-0.wav"], mini)
    assert [len(embeddings) for embeddings in mixed] == [10, 4, 10]
    np.testing.assert_allclose(mixed[1], mini(noise(2))[1].numpy(), atol=2e-4)
    np.testing.assert_array_equal(mixed[2], features.extract_embeddings(["1-110389-A-0.wav"], mini)[0])


def test_a_cache_that_cannot_be_written_loses_no_work(fresh, mini, monkeypatch):
    (fresh / "file").touch()
    monkeypatch.setenv("COURSE_CACHE", str(fresh / "file"))
    with pytest.warns(UserWarning, match="set COURSE_CACHE"):
        (embeddings,) = features.extract_embeddings([noise(1.0)], mini)
    assert embeddings.shape == (2, 1024)


def test_no_clips_is_said(fresh, mini):
    with pytest.raises(ValueError, match="no clips"):
        features.extract_embeddings([], mini)


def test_unknown_clip_is_said(fresh, mini):
    with pytest.raises(FileNotFoundError, match=r"missing\.wav.*neither a file"):
        features.extract_embeddings(["missing.wav"], mini)


def test_one_clip_and_a_hop_of_nothing_are_refused(fresh, mini):
    waveform = np.zeros(16000, np.float32)
    for clip in ("missing.wav", waveform):
        with pytest.raises(TypeError, match=r"write \[clip\]"):
            features.extract_embeddings(clip, mini)
    with pytest.raises(ValueError, match="positive"):
        features.extract_embeddings([waveform], mini, hop=0)


def test_it_says_where_the_embeddings_of_this_call_come_from(fresh, mini, capsys, monkeypatch):
    own, name = np.full(16000, 0.1, np.float32), datasets.metro_recipe()["filename"][0]
    features.extract_embeddings([own, name], mini)
    assert "1 computed in this run; 1 stored, computed by YAMNet" in capsys.readouterr().out
    features.extract_embeddings([own], mini)
    assert "computed in this run" in capsys.readouterr().out
    monkeypatch.setattr(features, "_computed", set())  # as in another kernel
    features.extract_embeddings([0.5 * own], mini)
    capsys.readouterr()
    features.extract_embeddings([own], mini)
    assert "from an earlier run" in capsys.readouterr().out


def test_a_damaged_file_of_the_cache_is_computed_again(fresh, mini):
    waveform = np.full(16000, 0.2, np.float32)
    (whole,) = features.extract_embeddings([waveform], mini)
    (file,) = (assets.cache_dir() / "features").glob("*.npz")
    data = file.read_bytes()
    for place in range(0, len(data), len(data) // 20):
        file.write_bytes(data[:place] + b"damaged!" + data[place + 8 :])
        np.testing.assert_array_equal(features.extract_embeddings([waveform], mini)[0], whole)


def test_embedded_features_of_the_400_clips(embedded, mini, capsys):
    metadata = datasets.esc50_metadata()
    animals = metadata[metadata["category"].isin(datasets.ANIMALS)]
    embeddings = features.extract_embeddings(animals["filename"], mini)
    assert np.stack(embeddings).shape == (400, 10, 1024)
    assert features.extract_scores(animals["filename"], mini).shape == (400, 521)
    assert assets.used()["embeddings"] == "embedded"
    assert "computed by YAMNet" in capsys.readouterr().out
    one = features.extract_embeddings([animals["filename"].iloc[7]], mini)
    np.testing.assert_array_equal(one[0], embeddings[7])


def test_embedded_features_of_the_mixture(embedded, mini):
    mixture = datasets.metro_mixture(datasets.metro_recipe())
    assert mixture.waveform is None
    assert mixture.log_mel.shape[1] == 64
    (embeddings,) = features.extract_embeddings([mixture], mini, hop=0.5)
    assert embeddings.shape == (15, 1024)
    other = datasets.metro_recipe()
    other.loc[0, "onset"] = 4.0
    with pytest.raises(assets.AssetError, match="Mixing another recipe"):
        datasets.metro_mixture(other)
    with pytest.raises(assets.AssetError, match=r"for hop=0\.5, not for hop=0\.1"):
        features.extract_embeddings([mixture], mini, hop=0.1)


def test_embedded_features_are_what_yamnet_computes(fresh, monkeypatch, mirror):
    """The features that are shipped, computed again from the audio by the real YAMNet."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    monkeypatch.setenv("COURSE_MIRROR", mirror)
    yamnet = hub.load(models.yamnet_path())
    stored = np.load(assets.embedded("features/esc50_animals.npz"))
    pick = slice(0, 400, 20)
    computed = np.stack(features.extract_embeddings(stored["names"][pick].tolist(), yamnet))
    np.testing.assert_allclose(stored["embeddings"][pick], computed, atol=0.02, rtol=1e-3)
    mixture = datasets.metro_mixture(datasets.metro_recipe())
    assert len(mixture.waveform) == 8 * 16000
    (windows,) = features.extract_embeddings([mixture], yamnet, hop=0.5)
    stored = np.load(assets.embedded("features/metro_mixture.npz"))
    np.testing.assert_allclose(stored["embeddings"][0], windows, atol=0.02, rtol=1e-3)


def test_embedded_soundscapes_are_what_yamnet_computes(fresh, monkeypatch, mirror, esc50, embedded_soundscapes):
    """Those that are shipped in nine steps, against those computed from audio that is mixed anew."""
    models.start_tensorflow()
    import tensorflow_hub as hub

    shipped = embedded_soundscapes
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.setenv("COURSE_MIRROR", mirror)
    results.place_backgrounds(esc50)
    yamnet = hub.load(models.yamnet_path())
    soundscapes = datasets.make_soundscapes(3, (-6, 0, 6), fold=4)
    assert all(soundscape.waveform is not None for soundscape in soundscapes)
    computed = features.extract_embeddings(soundscapes, yamnet, hop=0.096)
    for ours, theirs in zip(shipped, computed, strict=True):
        cosine = np.sum(ours * theirs, axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
        assert np.median(cosine) > 0.985
        assert np.square(ours - theirs).sum() < 0.03 * np.square(theirs).sum()


@pytest.fixture
def embedded_soundscapes(fresh, mini, monkeypatch):
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    return features.extract_embeddings(datasets.make_soundscapes(3, (-6, 0, 6), fold=4), mini, hop=0.096)


def test_embedded_soundscapes_have_scores_of_the_label_map(embedded, mini):
    soundscapes = datasets.make_soundscapes(2, 0)
    scores = features.extract_scores(soundscapes, mini, hop=0.096, by_window=True)
    assert [part.shape for part in scores] == [(74, 521)] * 2
    index = datasets.audioset_labels().set_index("display_name")["yamnet_index"]
    known = sorted({index[name] for names in datasets.AUDIOSET_TO_ESC50.values() for name in names})
    assert (np.flatnonzero(~np.isnan(scores[0][0])) == known).all()
    with pytest.raises(assets.AssetError, match="average scores of these clips only"):
        features.extract_scores(["1-100032-A-0.wav"], mini, by_window=True)
    with pytest.raises(assets.AssetError, match=r"for hop=0\.096, not for hop=None"):
        features.extract_embeddings(soundscapes, mini)
    with pytest.raises(assets.AssetError, match="no features of soundscape-"):
        features.extract_embeddings(datasets.make_soundscapes(1, 3), mini, hop=0.096)


# --- data sets ---


def test_esc50_metadata_is_balanced_and_folds_keep_recordings_of_a_class_together(embedded):
    metadata = datasets.esc50_metadata()
    assert len(metadata) == 2000
    assert (metadata.groupby(["fold", "category"]).size() == 8).all()
    assert (metadata.groupby(["source", "category"])["fold"].nunique() == 1).all()
    # four recordings serve two classes in two folds, which notebook 03 shows
    assert (metadata.groupby("source")["fold"].nunique() > 1).sum() == 4


def test_embedded_metadata_equals_the_original(monkeypatch, mirror):
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    ours = datasets.esc50_metadata()
    monkeypatch.setenv("COURSE_ASSETS", "auto")
    monkeypatch.setenv("COURSE_MIRROR", mirror)
    pd.testing.assert_frame_equal(ours, datasets.esc50_metadata())


def test_label_map_names_labels_that_yamnet_has():
    labels = datasets.audioset_labels().set_index("display_name")["yamnet_index"]
    assert set(datasets.AUDIOSET_TO_ESC50) == set(datasets.ANIMALS)
    for names in datasets.AUDIOSET_TO_ESC50.values():
        assert all(labels[name] >= 0 for name in names)


def test_metro_recipe_is_the_published_one(embedded):
    recipe = datasets.metro_recipe()
    assert recipe["label"].to_list() == ["dog", "cat", "rooster", "cow"]
    assert recipe["filename"].str.startswith("5-").all()
    reference = datasets.metro_mixture(recipe).reference
    assert reference["onset"].to_list() == [0.0, 1.0, 2.0, 4.0]
    assert (reference["offset"] - reference["onset"]).round(3).to_list() == [0.8, 0.8, 1.7, 1.2]

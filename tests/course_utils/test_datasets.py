"""Soundscapes: seeded, as loud as asked, never more at once than asked, annotated; and what they are made with."""

import itertools

import numpy as np
import pandas as pd
import pytest
import soundfile

from course_utils import assets, audio, datasets
from course_utils.datasets import esc50
from makers import make_embedded


def tone(seconds, hertz=1000, rate=16000):
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


# --- levels and active parts ---


def test_level_is_a_weighted():
    at_1000 = audio.level(tone(1), 16000)
    assert at_1000 == pytest.approx(-3.0, abs=0.1)
    assert audio.level(0.1 * tone(1), 16000) == pytest.approx(at_1000 - 20, abs=0.01)
    # the A-weighting of IEC 61672-1: -19.1 dB at 100 Hz, +1.0 dB at 4 kHz
    assert audio.level(tone(2, 100), 16000) == pytest.approx(at_1000 - 19.1, abs=0.6)
    assert audio.level(tone(1, 4000), 16000) == pytest.approx(at_1000 + 1.0, abs=0.2)
    assert audio.level(tone(0.01), 16000) < at_1000  # shorter than a frame of the analysis
    assert audio.level(np.zeros(16000, np.float32), 16000) == -120


def test_active_part_is_the_strongest_stretch():
    clip = np.zeros(5 * 16000, np.float32)
    clip[16000:32000] = tone(1)  # then a pause of 0.2 s, which does not end it
    clip[35200:43200] = tone(0.5)
    clip[64000:67200] = tone(0.2)  # after a longer one
    start, stop = make_embedded.active_part(clip, 16000)
    assert start == pytest.approx(1.0, abs=0.05)
    assert stop == pytest.approx(2.7, abs=0.05)
    assert make_embedded.active_part(np.zeros(16000, np.float32), 16000) == (0.0, 1.0)


def test_the_table_of_active_parts_has_a_row_for_each_clip_and_no_long_one(embedded):
    cuts = pd.read_csv(assets.embedded("esc50_active.csv"), index_col="filename")
    animals = datasets.esc50_metadata().query("category in @datasets.ANIMALS")
    assert cuts.index.to_list() == animals["filename"].to_list()
    lengths = cuts["cut_to"] - cuts["cut_from"]
    assert lengths.min() > 0.05
    assert lengths.max() <= 3.0 + 1e-9
    assert (cuts["cut_to"] <= 5).all()


def test_the_table_of_active_parts_is_what_the_audio_gives(monkeypatch, mirror):
    monkeypatch.setenv("COURSE_MIRROR", mirror)
    cuts = pd.read_csv(assets.embedded("esc50_active.csv"), index_col="filename")
    for filename, (start, stop) in cuts.iloc[::20].iterrows():
        found = make_embedded.active_part(datasets.load_clip(filename), 16000)
        assert (round(found[0], 2), round(min(found[1], found[0] + 3), 2)) == (start, stop)


# --- soundscapes ---


@pytest.fixture
def made_up_clips(tmp_path, monkeypatch):
    """Every clip's audio is noise of five seconds."""

    def load(path, sample_rate, notes=True):
        seed = int.from_bytes(path.name.encode(), "little") % 2**32
        noise = np.random.default_rng(seed).normal(scale=0.05, size=5 * sample_rate)
        return noise.astype(np.float32)

    store = assets.Store("embedded", tmp_path)
    files = {}
    for name in esc50.SMALL + esc50.WHOLE:
        files[name] = {row["filename"]: tmp_path / row["filename"] for row in store.manifest(name)}
    monkeypatch.setattr(store, "clips", files.__getitem__)
    monkeypatch.setattr(audio, "load", load)
    with assets.using(store):
        yield


def test_the_same_seed_gives_the_same_and_another_does_not(embedded):
    first, again, other = (datasets.make_soundscapes(5, 0, seed=seed) for seed in (0, 0, 1))
    for a, b, c in zip(first, again, other, strict=True):
        assert a.name == b.name != c.name
        pd.testing.assert_frame_equal(a.reference, b.reference)
    few = datasets.make_soundscapes(2, 0)
    assert [s.name for s in few] == [s.name for s in first[:2]]  # more of them leave the first ones as they are


def test_the_background_that_a_mixture_says_is_the_one_mixed_in(made_up_clips, monkeypatch):
    drawn, categories = [], datasets.esc50_metadata().set_index("filename")["category"]
    monkeypatch.setattr(datasets.mixtures, "_mix", lambda files, names, *rest: drawn.append(names))
    for soundscape, names in zip(datasets.make_soundscapes(20, 0), drawn, strict=True):
        assert set(categories[names]) == {soundscape.background}
    assert datasets.metro_mixture(datasets.metro_recipe()).background == ""


def test_the_ratio_changes_the_level_only(made_up_clips):
    low, high = (datasets.make_soundscapes(4, ratio) for ratio in (-60, 6))
    for quiet, loud in zip(low, high, strict=True):
        pd.testing.assert_frame_equal(quiet.reference, loud.reference)
        assert quiet.waveform.shape == loud.waveform.shape == (8 * 16000,)
        assert audio.level(quiet.waveform, 16000) == pytest.approx(-30, abs=0.05)  # the background alone
        for event in loud.reference.itertuples():
            part = slice(round(event.onset * 16000) + 200, round(event.offset * 16000) - 200)
            alone = loud.waveform[part] - quiet.waveform[part]
            others = loud.reference[(loud.reference["onset"] < event.offset) & (loud.reference["offset"] > event.onset)]
            if len(others) == 1:
                assert audio.level(alone, 16000) == pytest.approx(-24, abs=0.3)


def test_several_ratios_are_taken_in_turns(embedded):
    mixed = datasets.make_soundscapes(4, (-6, 0, 6), fold=4)
    assert [s.name[-4:] for s in mixed] == ["-6dB", "+0dB", "+6dB", "-6dB"]
    assert mixed[1].name == datasets.make_soundscapes(2, 0, fold=4)[1].name


@pytest.mark.parametrize("polyphony", [1, 2, 3])
def test_never_more_at_once_than_asked_and_all_of_one_fold(embedded, polyphony):
    most = 0
    for soundscape in datasets.make_soundscapes(60, 0, polyphony=polyphony, fold=3):
        events = soundscape.reference
        assert 1 <= len(events) <= 4
        assert events["label"].is_unique
        assert events["filename"].str.startswith("3-").all()
        assert (events["onset"] >= 0).all()
        assert (events["offset"] <= soundscape.duration).all()
        moments = np.sort(events[["onset", "offset"]].to_numpy().ravel())
        for a, b in itertools.pairwise(moments):
            middle = (a + b) / 2
            most = max(most, ((events["onset"] < middle) & (middle < events["offset"])).sum())
    assert most == polyphony


def test_saved_with_annotations(made_up_clips, tmp_path):
    import dcase_util

    (soundscape,) = datasets.make_soundscapes(1, 0, folder=tmp_path / "out")
    samples, rate = soundfile.read(tmp_path / "out" / f"{soundscape.name}.wav")
    assert (len(samples), rate) == (8 * 16000, 16000)
    events = dcase_util.containers.MetaDataContainer().load(str(tmp_path / "out" / f"{soundscape.name}.txt"))
    saved = [(event.event_label, event.onset, event.offset) for event in events]
    assert saved == list(soundscape.reference[["label", "onset", "offset"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("wrong", [{"n": 0}, {"polyphony": 0}, {"fold": 6}, {"snr": float("nan")}, {"snr": ()}])
def test_wrong_numbers_are_refused(embedded, wrong):
    with pytest.raises(ValueError, match="Give n and polyphony"):
        datasets.make_soundscapes(**{"n": 1, "snr": 0, **wrong})


def test_with_the_few_clips_of_the_lessons_only_their_mixtures_sound(made_up_clips, monkeypatch):
    store = assets.store()
    few = store.clips("esc50-mixtures")
    whole = [soundscape.waveform for soundscape in datasets.make_soundscapes(50, 0)]
    monkeypatch.setattr(store, "clips", lambda name: few if name == "esc50-mixtures" else {})
    for i, soundscape in enumerate(datasets.make_soundscapes(50, 0)):
        assert soundscape.has_audio == (i in (0, 17, 49))
        if soundscape.has_audio:
            np.testing.assert_array_equal(soundscape.waveform, whole[i])


def test_without_audio_nothing_can_be_saved(embedded, tmp_path):
    with pytest.raises(assets.AssetError, match="needs the clips' audio"):
        datasets.make_soundscapes(1, 0, folder=tmp_path)


# --- the clips of the backgrounds ---


def test_manifest_of_the_backgrounds():
    rows = assets.Store().manifest("esc50-backgrounds")
    metadata = datasets.esc50_metadata().query("category in @datasets.BACKGROUNDS")
    assert [row["filename"] for row in rows] == metadata["filename"].to_list()
    assert len(rows) == 200
    for row in rows:
        published, small = row["files"]
        assert (published["bytes"], len(published["hash"])) == (441044, 36)
        assert small["path"] == row["path"].replace(".wav", ".ogg")


def test_clips_of_another_name_are_found_in_cache_and_mirror(tmp_path):
    body = b"as Ogg Vorbis"
    import hashlib

    small = {"variant": "16 kHz", "bytes": len(body), "hash": f"sha256:{hashlib.sha256(body).hexdigest()}", "urls": []}
    files = [{"variant": "44.1 kHz", "bytes": 1, "hash": "md5:0", "urls": []}, small | {"path": "audio/a.ogg"}]
    store = assets.Store("auto", tmp_path / "cache", tmp_path)
    assert store._find_file("audio/a.wav", files, network=False, show=False) is None
    for place, source in ((tmp_path, "mirror"), (tmp_path / "cache", "cache")):
        (place / "audio").mkdir(parents=True)
        (place / "audio/a.ogg").write_bytes(body)
        found = store._find_file("audio/a.wav", files, network=False, show=False)
        assert found == (place / "audio/a.ogg", source, "16 kHz")


def test_without_audio_nothing_is_saved_and_the_way_out_is_said(embedded, tmp_path):
    mixture = datasets.metro_mixture(datasets.metro_recipe())
    with pytest.raises(assets.AssetError, match="needs the clips' audio"):
        mixture.save(tmp_path)
    assert mixture in [mixture]
    assert mixture != datasets.metro_mixture(datasets.metro_recipe())  # each is itself


def test_a_clip_of_another_name_is_refused(embedded):
    with pytest.raises(FileNotFoundError, match=r"'1-typo\.wav' is neither a file nor one of the 2,000 clips"):
        datasets.load_clip("1-typo.wav")
    assert datasets.load_clip("1-100032-A-0.wav") is None  # known, and not here
    assert not datasets.clip("5-9032-A-0.wav").has_audio


@pytest.mark.parametrize("name", ["1-100032-A-0.wav", "5-9032-A-0.wav", "5-157204-A-16.wav"])
def test_a_clip_of_a_small_set_that_is_not_whole_is_taken_from_its_large_one(embedded, tmp_path, monkeypatch, name):
    """The first is of the clips that lessons play, the others are of their mixtures."""
    store = assets.Store("embedded")
    whole = {row["filename"]: tmp_path / row["filename"] for one in esc50.WHOLE for row in store.manifest(one)}
    monkeypatch.setattr(store, "clips", lambda one: {} if one in esc50.SMALL else whole)
    with assets.using(store):
        assert datasets.clip(name).path == tmp_path / name


def test_events_end_with_the_mixture(embedded):
    recipe = datasets.metro_recipe()
    with assets.using(assets.Store("embedded")):
        reference = datasets.metro_mixture(recipe).reference
    assert reference["offset"].max() == 5.2


def test_the_metro_station_is_mixed_from_the_few_clips_it_takes(mirror, monkeypatch):
    """The reference is cut where the recording ends; the other clips need not be there."""
    monkeypatch.setenv("COURSE_MIRROR", mirror)
    recipe = datasets.metro_recipe()
    listening = assets.store().clips("esc50-listening")
    store = assets.Store("auto", assets.store().cache, mirror, small=0)
    clips, asked = store.clips, []

    def only_listening(name):
        asked.append(name)
        return listening if name == "esc50-listening" else {}

    monkeypatch.setattr(store, "clips", only_listening)
    with assets.using(store):
        late = datasets.metro_mixture(recipe.assign(onset=[0, 1, 2, 7.5]))
        published = datasets.metro_mixture(recipe)
    assert late.reference["offset"].max() == 8.0
    assert len(late.waveform) == len(published.waveform) == 8 * 16000
    assert published.stored != late.stored
    monkeypatch.setattr(store, "clips", clips)
    with assets.using(store):
        np.testing.assert_array_equal(datasets.metro_mixture(recipe).waveform, published.waveform)


def test_teacher_outputs_are_what_yamnet_says(yamnet):
    log_mel, scores, clips = datasets.teacher_outputs()
    assert (log_mel.shape, scores.shape, len(clips)) == ((800, 96, 64), (800, 521), 800)
    assert (clips["filename"].value_counts() == 2).all()
    for row in (0, 321, 799):
        all_scores, _, whole = (o.numpy() for o in yamnet(datasets.load_clip(clips["filename"][row])))
        k = clips["window"][row]
        assert np.abs(whole[48 * k : 48 * k + 96] - log_mel[row]).max() < 0.1
        assert np.abs(all_scores[k] - scores[row]).max() < 2e-3

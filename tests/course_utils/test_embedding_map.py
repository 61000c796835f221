"""A map of embeddings: clips that sound alike lie close together, and each can be asked what it is."""

import html
import re

import numpy as np
import pandas as pd
import pytest

from course_utils import audio, datasets, features, widgets
from course_utils.models import Output
from course_utils.widgets import drawing, shown
from course_utils.widgets.embedding_map import (
    HEIGHT,
    MARGIN,
    _shapes,
    _titles,
    mean_with_sound,
    places,
    unit_length,
)

NAMES = ["cat", "cow", "crow", "dog"]
CLIPS = datasets.esc50_metadata().query("category in @NAMES").groupby("category").head(10).reset_index(drop=True)
KINDS = CLIPS["category"].map(NAMES.index).to_numpy()


def lumps(spread=0.3, n_dimensions=20):
    """Embeddings of the clips: a lump of each category."""
    rng = np.random.default_rng(0)
    return np.abs(4 * np.eye(len(NAMES), n_dimensions)[KINDS] + spread * rng.normal(size=(len(CLIPS), n_dimensions)))


EMBEDDINGS = lumps()


class Ear:
    """A network for tests: a window sounds like the clip whose number is the peak of its first half, in hundredths."""

    family, id, labels = "ear", "1", []
    sample_rate, window, hop = 16000, 0.96, 0.48

    def __call__(self, waveform):
        starts = range(0, len(waveform), 7680)
        rows = [round(100 * float(np.abs(waveform[i : i + 7680]).max())) for i in starts]
        return Output(np.zeros((len(rows), 1)), EMBEDDINGS[rows])


@pytest.fixture
def live(monkeypatch):
    monkeypatch.setattr(shown, "has_front_end", lambda: True)


@pytest.fixture
def parts(live):
    """The map, and where it tells of a clip."""
    return widgets.embedding_map(EMBEDDINGS, CLIPS).children[1:]


def words(panel):
    return html.unescape(re.sub("<.*?>", " ", panel.value))


# --- where clips lie ---


def test_alike_is_near():
    points = places(EMBEDDINGS)
    assert points.shape == (40, 2)
    assert points.min() == 0
    assert points.max() == pytest.approx(1)
    apart = np.linalg.norm(points[:, np.newaxis] - points, axis=2) + 9 * np.eye(40)
    assert (KINDS[apart.argmin(axis=1)] == KINDS).mean() > 0.9


def test_a_map_is_the_same_each_time_and_knows_no_level():
    assert np.array_equal(places(EMBEDDINGS), places(EMBEDDINGS))
    louder = EMBEDDINGS * np.linspace(1, 5, 40)[:, np.newaxis]
    assert np.allclose(unit_length(louder), unit_length(EMBEDDINGS))


def test_few_clips_and_none():
    assert places(EMBEDDINGS[:6]).shape == (6, 2)
    with pytest.raises(ValueError, match="at least six clips, here are 5"):
        places(EMBEDDINGS[:5])
    with pytest.raises(ValueError, match="average over the windows of each clip"):
        widgets.embedding_map(EMBEDDINGS.reshape(20, 2, -1), CLIPS)
    with pytest.raises(ValueError, match="one embedding for each of the 40 clips"):
        widgets.embedding_map(EMBEDDINGS[:-1], CLIPS)


def test_categories_are_told_apart_without_colour():
    shapes = {shape.round(3).tobytes() for shape in _shapes(10, 6)}
    assert len(shapes) == len(set(drawing.CLASSES)) == 10
    assert len(_shapes(12, 6)) == 12


def boxes_of(titles, names):
    """Return the left, upper, right and lower edge of each name, as wide as it may become."""
    half = np.array([drawing.extent(name, bold=True) / 2 for name in names])
    x, y = titles.T
    return np.stack([x - half, y - 16, x + half, y + 5], axis=1)


def test_names_stand_by_their_clips_and_apart():
    points = MARGIN + places(EMBEDDINGS) * (drawing.WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)
    titles = _titles(points, KINDS, NAMES)
    boxes = boxes_of(titles, NAMES)
    assert boxes.min() >= 0
    assert (boxes[:, 2:].max(axis=0) <= (drawing.WIDTH, HEIGHT)).all()
    for kind, (left, upper, right, lower) in enumerate(boxes):
        beside = np.hypot(*np.maximum([(left, upper) - points, points - (right, lower)], 0).max(axis=0).T)
        assert KINDS[beside.argmin()] == kind
        assert 2 < beside.min() < 30
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert (a[:2] >= b[2:]).any() or (b[:2] >= a[2:]).any()


def test_two_crowds_in_one_place_have_two_names_side_by_side():
    points = np.random.default_rng(0).normal((320, 200), 8, (40, 2))
    boxes = boxes_of(_titles(points, KINDS, ["hen", "rooster", "crow", "sheep"]), ["hen", "rooster", "crow", "sheep"])
    for i, a in enumerate(boxes):
        assert not ((points > a[:2]) & (points < a[2:])).all(axis=1).any()
        for b in boxes[:i]:
            assert (a[:2] >= b[2:]).any() or (b[:2] >= a[2:]).any()


def test_a_recording_is_the_mean_of_its_windows_with_sound():
    waveform = np.concatenate([np.full(15360, 0.1), np.zeros(30720), np.full(7680, 0.3)]).astype(np.float32)
    assert mean_with_sound(waveform, Ear()) == pytest.approx(EMBEDDINGS[[10, 10, 0, 30]].mean(axis=0))  # not 2 to 4
    with pytest.raises(ValueError, match="Nothing but silence"):
        mean_with_sound(np.zeros(16000, np.float32), Ear())


# --- on a page ---


def test_on_a_page_it_is_a_picture_with_words(monkeypatch, capsys):
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    assert widgets.embedding_map(EMBEDDINGS, CLIPS) is None
    (static,) = displayed
    alt = re.search('<svg [^>]*role="img" aria-label="(.*?)"', static.page)[1]
    assert [static.page.count(f">{name}</text>") for name in NAMES] == [1, 1, 1, 1]
    assert static.page.count("M") - alt.count("M") == 40  # dots
    assert html.unescape(alt) in repr(static)
    assert alt.startswith("Map of 40 clips, a dot for each, in 4 categories: cat, cow, crow, dog.")
    assert "For 100% of the clips, the nearest one by cosine is of the same category" in alt
    assert "click on the dots" in capsys.readouterr().out


def test_the_map_of_the_animals(embedded, monkeypatch, mini):
    displayed = []
    monkeypatch.setattr("IPython.display.display", displayed.append)
    animals = datasets.esc50_metadata().query("category in @datasets.ANIMALS").reset_index(drop=True)
    heard = features.extract(animals["filename"], mini)
    means = np.stack([clip.embeddings[clip.levels > 0].mean(axis=0) for clip in heard])
    widgets.embedding_map(means, animals)
    share = int(re.search(r"For (\d+)% of the clips", repr(displayed[0]))[1])
    assert share > 80


# --- in a notebook ---


def test_a_dot_for_each_clip_in_words(parts):
    picture, panel = parts
    drawing = picture.drawing
    assert len(drawing["dots"]) == 40
    assert len(drawing["shapes"]) == len(drawing["colours"]) == len(drawing["titles"]) == 4
    for (x, y, kind, said), clip in zip(drawing["dots"], CLIPS.itertuples(), strict=True):
        assert 0 < x < drawing["width"]
        assert 0 < y < drawing["height"]
        assert said == f"{clip.category} ({clip.filename})"
        assert NAMES[kind] == clip.category
    assert panel.value == ""
    assert panel._dom_classes == ("course-map-clip",)


def test_a_clip_and_its_three_nearest(embedded, parts):
    picture, panel = parts
    picture._handle_custom_msg({"choose": 7}, [])
    unit = unit_length(EMBEDDINGS)
    cosines = np.where(np.arange(40) == 7, -1, unit @ unit[7])
    nearest = np.argsort(-cosines)[:3]
    assert picture.marks["to"] == nearest.tolist()
    assert picture.marks["from"] == picture.drawing["dots"][7][:2]
    assert words(panel).count("t here. Open") == 1
    for i in nearest:
        assert f"{CLIPS['category'][i]}, cosine {cosines[i]:.2f} ({CLIPS['filename'][i]})" in words(panel)
    assert CLIPS["filename"][7] in words(panel)


def test_a_clip_plays_where_it_is_available(parts, monkeypatch):
    monkeypatch.setattr(datasets, "load_clip", lambda name: np.ones(1600, np.float32) / 2)
    picture, panel = parts
    picture._handle_custom_msg({"choose": 0}, [])
    assert panel.value.count("<audio controls autoplay") == 1
    assert panel.value.count("<audio controls") == 4


def test_what_is_no_dot_and_what_is_no_clip(live):
    for nonsense in ({"choose": 40}, {"choose": -1}, {"choose": "0"}, {"other": 1}, {}):
        picture, panel = widgets.embedding_map(EMBEDDINGS, CLIPS).children[1:]
        picture._handle_custom_msg(nonsense, [])
        assert panel.value == ""
    unknown = CLIPS.assign(filename=[f"<b>{i}.wav" for i in range(40)])
    picture, panel = widgets.embedding_map(EMBEDDINGS, unknown).children[1:]
    picture._handle_custom_msg({"choose": 3}, [])
    assert "is neither a file nor one of the 2,000 clips" in words(panel)
    assert "<b>" not in panel.value


def test_names_of_columns_are_all_that_counts(live):
    other = pd.DataFrame({"category": list(CLIPS["category"]), "filename": list(CLIPS["filename"])}, range(40, 0, -1))
    boxes = [widgets.embedding_map(EMBEDDINGS, clips).children[1] for clips in (CLIPS, other)]
    assert boxes[0].drawing == boxes[1].drawing


def test_a_recording_becomes_a_star(live):
    box = widgets.embedding_map(EMBEDDINGS, CLIPS, yamnet=Ear())
    picture, panel, _, source = box.children[1:]
    samples = np.full(16000, 0.25, np.float32).tobytes()
    content = {"kind": "samples", "name": "your recording", "id": "1", "index": 0, "of": 1, "rate": 16000}
    source._handle_custom_msg(content, [memoryview(samples)])
    unit = unit_length(EMBEDDINGS)
    nearest = np.argsort(-unit @ unit[25], kind="stable")[:5]
    assert picture.marks["to"] == nearest.tolist()
    middle = np.mean([picture.drawing["dots"][i][:2] for i in nearest], axis=0)
    assert picture.marks["from"] == pytest.approx(middle.tolist(), abs=0.2)
    assert picture.marks["star"] == "The star is your recording."
    assert "in the middle of the five clips that are nearest by cosine" in words(panel)
    assert words(panel).count("cosine 0.") + words(panel).count("cosine 1.") == 5  # with players, if the clips are here
    assert len(re.findall('<audio [^>]*aria-label="your recording"', panel.value)) == 1
    picture._handle_custom_msg({"choose": 0}, [])
    assert picture.marks["star"] == ""


def test_silence_becomes_a_sentence(live, monkeypatch):
    box = widgets.embedding_map(EMBEDDINGS, CLIPS, yamnet=Ear())
    picture, panel, _, source = box.children[1:]
    said = []
    monkeypatch.setattr(source, "say", said.append)
    content = {"kind": "samples", "name": "your recording", "id": "1", "index": 0, "of": 1, "rate": 16000}
    source._handle_custom_msg(content, [memoryview(bytes(64000))])
    assert "Nothing but silence" in said[-1]
    assert panel.value == ""
    assert picture.marks["star"] == ""


def test_a_star_can_be_heard(live, mini):
    vectors = np.random.default_rng(1).random((40, 1024))
    box = widgets.embedding_map(vectors, CLIPS, yamnet=mini)
    source, waveform = (
        box.children[4],
        audio.load(widgets.explorers._some_clips()["a scene: speech, whistling, a siren"], 16000),
    )
    content = {"kind": "samples", "name": "scene.ogg", "id": "1", "index": 0, "of": 1, "rate": 16000}
    source._handle_custom_msg(content, [memoryview(waveform.tobytes())])
    assert len(box.children[1].marks["to"]) == 5

"""What a lesson shows before it builds it. (The finished detector is compared with the lesson's in its own run.)"""

import numpy as np
import pytest

from course_utils import datasets, preview


def test_a_mixture_without_audio_is_heard_all_the_same(monkeypatch):
    monkeypatch.setenv("COURSE_ASSETS", "embedded")
    mixture = datasets.metro_mixture(datasets.metro_recipe())
    page = preview.listen(mixture, "Four animals").data
    assert "<audio" in page
    assert "Four animals: rebuilt from its spectrogram" in page
    bare = datasets.make_soundscapes(1, 0)[0]  # the course ships no spectrogram of it
    assert "<audio" not in preview.listen(bare, "Others").data


def test_a_rebuilt_sound_has_the_energy_where_the_spectrogram_has_it():
    log_mel = np.full((200, 64), np.log(0.001), np.float32)
    log_mel[80:120, 30] = 2.0
    waveform = preview.rebuilt(log_mel)
    assert np.abs(waveform).max() == pytest.approx(0.9)
    assert len(waveform) == pytest.approx(200 * 160, abs=320)
    share = np.square(waveform[12000:20000]).sum() / np.square(waveform).sum()
    assert share > 0.9

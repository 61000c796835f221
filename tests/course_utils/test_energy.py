"""What energy says where codecarbon measured nothing."""

import pytest

from course_utils import energy


@pytest.fixture
def held(monkeypatch, tmp_path):
    """A lock that another run has left over."""
    from codecarbon import lock

    monkeypatch.setattr(lock, "LOCKFILE", str(tmp_path / ".codecarbon.lock"))
    monkeypatch.setenv("CODECARBON_ALLOW_MULTIPLE_RUNS", "false")
    (tmp_path / ".codecarbon.lock").touch()
    return tmp_path / ".codecarbon.lock"


def test_a_left_over_lock_is_named_before_the_block_runs(held):
    with pytest.raises(ValueError, match=r"codecarbon\.lock\. End it, or delete that file") as error, energy.track():
        pytest.fail("the block ran")
    assert str(held) in str(error.value)
    held.unlink()
    with energy.track() as cost:
        assert held.exists()
    assert not held.exists()
    assert cost["country"] == "Finland"


def test_a_missing_folder_is_named_before_the_block_runs(monkeypatch):
    monkeypatch.setenv("CODECARBON_OUTPUT_DIR", "/no/such/folder")
    with pytest.raises(ValueError, match="output_dir names '/no/such/folder'"), energy.track():
        pytest.fail("the block ran")


def test_summary_has_a_sentence_for_each_state(held):
    from codecarbon import OfflineEmissionsTracker

    options = {"country_iso_code": "FIN", "save_to_file": False, "log_level": "error"}
    with OfflineEmissionsTracker(**options) as tracker:
        pass
    with pytest.raises(ValueError, match="Another run of codecarbon"):
        energy.summary(tracker)
    held.unlink()
    tracker = OfflineEmissionsTracker(**options)
    with pytest.raises(ValueError, match=r"has not started: call tracker\.start\(\) first"):
        energy.summary(tracker)
    tracker.start()
    with pytest.raises(ValueError, match=r"still running: call tracker\.stop\(\) first"):
        energy.summary(tracker)
    tracker.stop()
    assert energy.summary(tracker)["seconds"] >= 0


def test_the_error_of_the_block_comes_first(monkeypatch):
    from codecarbon import OfflineEmissionsTracker

    with pytest.raises(ZeroDivisionError), energy.track("XXX"):
        raise ZeroDivisionError
    monkeypatch.setattr(OfflineEmissionsTracker, "_prepare_emissions_data", lambda self: 1 / 0, raising=False)
    with pytest.raises(KeyError), energy.track() as cost:
        raise KeyError
    assert cost == {}
    with pytest.raises(ValueError, match="The tracker failed: see its log first"), energy.track():
        pass

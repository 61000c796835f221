"""The seconds, energy and emissions of a piece of code, by codecarbon, and how they were obtained."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from codecarbon import OfflineEmissionsTracker

_HOW = {
    "intel_rapl": "processor: read from its own energy counter (RAPL)",
    "intel_power_gadget": "processor: read by Intel Power Gadget",
    "apple_powermetrics": "processor: read by Apple's powermetrics",
    "cpu_load": "processor: no counter could be read; estimated from its load and an assumed power",
    "constant": "processor: no counter could be read; an assumed power times the time",
}


def _refuse(tracker: "OfflineEmissionsTracker") -> None:
    """Say why a tracker did not start: codecarbon hides its own exceptions in its log."""
    if getattr(tracker, "_another_instance_already_running", False):
        raise ValueError(f"Another run of codecarbon holds {tracker._lock.lockfile_path}. End it, or delete that file.")
    folder = getattr(tracker, "_external_conf", {}).get("output_dir")
    if folder and not hasattr(tracker, "_output_dir"):
        raise ValueError(f"codecarbon's setting output_dir names {folder!r}. Make that folder, or remove the setting.")


def summary(tracker: "OfflineEmissionsTracker") -> "pd.Series":
    """Say what a stopped codecarbon tracker measured, and how.

    Notebook: 03_transfer_learning

    Parameters
    ----------
    tracker : codecarbon.OfflineEmissionsTracker
        After ``stop()``.

    Returns
    -------
    pandas.Series
        ``seconds``, ``kWh``, ``g CO2e``, ``country`` (whose electricity mix turns kWh into CO2e) and ``measured``:
        whether a counter was read or a power assumed. Without counters, the memory's constant power is most of the
        energy, so it mostly repeats the seconds.

    Raises
    ------
    ValueError
        If the tracker has not started, or has not been stopped.
    """
    import pandas as pd

    if tracker is None:
        raise ValueError("There is no tracker. Give one of codecarbon's, after its stop().")
    if (data := getattr(tracker, "final_emissions_data", None)) is None:
        _refuse(tracker)
        stage = "is still running: call tracker.stop()" if getattr(tracker, "_scheduler", 1) else "failed: see its log"
        stage = "has not started: call tracker.start()" if getattr(tracker, "_start_time", 0) is None else stage
        raise ValueError(f"The tracker {stage} first.")
    modes = [getattr(part, "_mode", "") for part in getattr(tracker, "_hardware", [])]
    how = [_HOW[mode] for mode in modes if mode in _HOW] or ["processor: see codecarbon's log"]
    how += [f"GPU: read from its driver ({data.gpu_model})"] * bool(data.gpu_count) + [
        "memory: an assumed constant power"
    ]
    numbers = {"seconds": data.duration, "kWh": data.energy_consumed, "g CO2e": 1000 * data.emissions}
    return pd.Series(numbers | {"country": data.country_name, "measured": "; ".join(how)}, name="energy")


@contextlib.contextmanager
def track(country: str = "FIN") -> Iterator[dict]:
    """Track the time, energy and emissions of the code below ``with``.

    >>> with energy.track() as cost:  # doctest: +SKIP
    ...     model.fit(...)
    >>> cost["kWh"]  # doctest: +SKIP

    Source: codecarbon's ``OfflineEmissionsTracker``. Of its log, only errors reach the notebook.

    Notebook: 05_how_sure

    Parameters
    ----------
    country : str
        Whose electricity it is, as a code of three letters (ISO 3166). The same energy causes different emissions in
        different countries. Without a country, codecarbon's offline tracker takes the world's average.

    Yields
    ------
    dict
        Empty until the block ends; then with the entries of :func:`summary`.

    Raises
    ------
    ValueError
        Before the block, if codecarbon does not start; after it, if codecarbon does not know the country. An error of
        the block itself comes first.
    """
    from codecarbon import OfflineEmissionsTracker

    cost, tracker = {}, OfflineEmissionsTracker(country_iso_code=country, save_to_file=False, log_level="error")
    tracker.start()
    _refuse(tracker)
    try:
        yield cost
    finally:
        tracker.stop()
        with contextlib.suppress(ValueError):
            cost |= summary(tracker).to_dict()
    if summary(tracker)["country"] is None:
        raise ValueError(f"codecarbon knows no country {country!r}. Give a code of three letters, such as FIN or POL.")

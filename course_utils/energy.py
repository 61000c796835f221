"""Seconds, energy and emissions of a piece of code, by codecarbon, and how they were obtained."""

import contextlib

_HOW = {
    "intel_rapl": "processor: read from its own energy counter (RAPL)",
    "intel_power_gadget": "processor: read by Intel Power Gadget",
    "apple_powermetrics": "processor: read by Apple's powermetrics",
    "cpu_load": "processor: estimated from its load and a nominal power; no counter could be read",
    "constant": "processor: a nominal power times the time; no counter could be read",
}


def summary(tracker):
    """Say what a stopped codecarbon tracker measured, and how.

    Parameters
    ----------
    tracker : codecarbon.OfflineEmissionsTracker
        After ``stop()``.

    Returns
    -------
    pandas.Series
        ``seconds``, ``kWh``, ``g CO2e``, ``country`` (whose electricity mix turns kWh into CO2e) and ``measured``:
        whether a counter was read or a nominal power assumed.

    Raises
    ------
    ValueError
        If the tracker has not been stopped.

    Notebook: 03_transfer_learning
    """
    import pandas as pd

    data = tracker.final_emissions_data if hasattr(tracker, "final_emissions_data") else None
    if data is None:
        raise ValueError("The tracker is still running: call tracker.stop() first.")
    modes = [getattr(part, "_mode", "") for part in getattr(tracker, "_hardware", [])]
    how = [_HOW[mode] for mode in modes if mode in _HOW] or ["processor: see codecarbon's log"]
    if data.gpu_count:
        how.append(f"GPU: read from its driver ({data.gpu_model})")
    how.append("memory: a nominal power")
    return pd.Series(
        {
            "seconds": data.duration,
            "kWh": data.energy_consumed,
            "g CO2e": 1000 * data.emissions,
            "country": data.country_name,
            "measured": "; ".join(how),
        },
        name="energy",
    )


@contextlib.contextmanager
def track(country: str = "FIN"):
    """Track time, energy and emissions of the code below ``with``.

    >>> with energy.track() as cost:  # doctest: +SKIP
    ...     model.fit(...)
    >>> cost["kWh"]  # doctest: +SKIP

    Parameters
    ----------
    country : str
        Whose electricity it is, by its code of three letters (ISO 3166). The same energy causes other emissions
        elsewhere; without a country, codecarbon assumes Quebec when it is offline.

    Yields
    ------
    dict
        Empty until the block ends; then with the entries of :func:`summary`.

    Raises
    ------
    ValueError
        If codecarbon does not know the country.

    Source: codecarbon's ``OfflineEmissionsTracker``; its log is kept out of the notebook, errors excepted.

    Notebook: 03_transfer_learning
    """
    from codecarbon import OfflineEmissionsTracker

    cost: dict = {}
    tracker = OfflineEmissionsTracker(country_iso_code=country, save_to_file=False, log_level="error")
    tracker.start()
    try:
        yield cost
    finally:
        tracker.stop()
        cost |= summary(tracker).to_dict()
    if cost["country"] is None:
        raise ValueError(f"codecarbon knows no country {country!r}: give a code of three letters, such as FIN or POL.")

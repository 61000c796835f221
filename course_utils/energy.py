"""What codecarbon measured, in words."""

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

"""Time axes: dates as users have them ↔ seconds since 1970-01-01 of the calendar, as the core counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _core
from .errors import InputError

DAY = 86400

# datetime64[ns] reaches this far.
_FIRST_NS = int(np.datetime64("1678-01-01", "s").astype("int64"))
_LAST_NS = int(np.datetime64("2262-01-01", "s").astype("int64"))


def decode_times(times: Any, calendar: str | None) -> tuple[np.ndarray, str]:
    """Dates → int64 seconds since 1970-01-01 of their calendar, and its name."""
    if calendar is not None and not isinstance(calendar, str):
        raise InputError(f"calendar is a name like 'noleap', not {calendar!r}")
    try:
        times = np.asarray(times)
    except ValueError as error:
        raise InputError("lists of different lengths are no times") from error
    if times.dtype.kind == "O" and times.size and hasattr(times.flat[0], "calendar"):
        import cftime

        calendar = times.flat[0].calendar
        seconds = cftime.date2num(times, "seconds since 1970-01-01", calendar=calendar)
        return np.rint(seconds).astype("int64").reshape(-1), calendar
    try:
        if times.dtype.kind not in "MOSU":
            raise TypeError("numbers are no dates")
        stamps = times.astype("datetime64[us]").reshape(-1)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"cannot read times of type {times.dtype}", hint="use datetime64 or cftime dates") from error
    if np.isnat(stamps).any():
        raise InputError("a time is missing (NaT)")
    # To the nearest second, as the core does it: files keep hours and days as floats.
    return (stamps.astype("int64") + 500_000) // 1_000_000, calendar or "proleptic_gregorian"


def encode_times(seconds: np.ndarray, calendar: str) -> np.ndarray:
    """Seconds → ``datetime64[ns]``, or cftime dates where the calendar or the year asks for them."""
    seconds = np.asarray(seconds, dtype="int64")
    real = calendar in ("standard", "gregorian", "proleptic_gregorian")
    if real and (seconds.size == 0 or (seconds.min() > _FIRST_NS and seconds.max() < _LAST_NS)):
        return seconds.astype("datetime64[s]").astype("datetime64[ns]")
    import cftime

    return np.asarray(cftime.num2date(seconds, "seconds since 1970-01-01", calendar=calendar))


def days_of(seconds: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01 that the seconds fall into."""
    return np.asarray(seconds) // DAY


def dates_of(seconds: np.ndarray, calendar: str) -> np.ndarray:
    """(n, 4) array of year, month, day and day of the year."""
    return _core.dates(days_of(seconds), calendar)

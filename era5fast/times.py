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

_SAME_CALENDAR = {
    "gregorian": "standard",
    "proleptic_gregorian": "standard",
    "365_day": "noleap",
    "366_day": "all_leap",
}


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

        calendar = _one_calendar(times)
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
    seconds = (stamps.astype("int64") + 500_000) // 1_000_000
    return _of_calendar(seconds, calendar or "proleptic_gregorian"), calendar or "proleptic_gregorian"


def _one_calendar(times: np.ndarray) -> str:
    """Calendar of cftime dates, which all have the same."""
    found = list(dict.fromkeys(getattr(time, "calendar", None) for time in times.flat))
    if len(found) > 1:
        both = " and ".join(str(name or "none") for name in found[:2])
        raise InputError(
            f"times of several calendars: {both}", hint="bring them to one, such as x.convert_calendar(…)"
        )
    return str(found[0])


def _of_calendar(seconds: np.ndarray, calendar: str) -> np.ndarray:
    """Seconds of the same dates, which are labels, in another calendar than that of datetime64."""
    name = _SAME_CALENDAR.get(calendar, calendar)
    if name in ("360_day", "all_leap", "julian"):
        raise InputError(
            f"datetime64 cannot name all dates of the calendar {calendar}", hint=f"pass cftime dates of {calendar}"
        )
    if name != "noleap":
        return seconds
    year, month, day, of_year = dates_of(seconds, "proleptic_gregorian").T.astype("int64")
    if ((month == 2) & (day == 29)).any():
        raise InputError(f"a time is 29 February, which the calendar {calendar} does not have")
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days = (year - 1970) * 365 + of_year - 1 - (leap & (month > 2))
    return days * DAY + seconds % DAY


def same_calendar(first: str, second: str) -> bool:
    """Whether two names mean one calendar, for dates after 1582."""
    return _SAME_CALENDAR.get(first, first) == _SAME_CALENDAR.get(second, second)


def encode_times(seconds: np.ndarray, calendar: str, *, cftime: bool = False) -> np.ndarray:
    """Seconds → ``datetime64[ns]``, or cftime dates where the calendar, the year or the caller asks for them."""
    seconds = np.asarray(seconds, dtype="int64")
    real = calendar in ("standard", "gregorian", "proleptic_gregorian") and not cftime
    if real and (seconds.size == 0 or (seconds.min() > _FIRST_NS and seconds.max() < _LAST_NS)):
        return seconds.astype("datetime64[s]").astype("datetime64[ns]")
    from cftime import num2date

    return np.asarray(num2date(seconds, "seconds since 1970-01-01", calendar=calendar))


def usual_step(seconds: np.ndarray) -> float:
    """Seconds from one time to the next, as most are; a day where there are fewer than two times."""
    return float(np.median(np.abs(np.diff(seconds)))) if len(seconds) > 1 else float(DAY)


def linked(seconds: np.ndarray) -> np.ndarray:
    """For each time whether it follows its predecessor at the most frequent distance, as the core sees it.

    The first one follows none.
    """
    gaps = np.diff(seconds)
    lengths, counts = np.unique(gaps, return_counts=True)  # ascending: of equally frequent ones the shortest
    usual = lengths[counts.argmax()] if len(gaps) else 0
    return np.concatenate([[False], gaps == usual])[: len(seconds)]


def check_order(seconds: np.ndarray, calendar: str, what: str, time: str = "time") -> None:
    """Refuse times that do not increase.

    Parameters
    ----------
    seconds : numpy.ndarray
        The times.
    calendar : str
        Their calendar.
    what : str
        What has them, for the message.
    time : str
        What the user calls them.

    Raises
    ------
    InputError
        If one is not later than the one before; the message names it.
    """
    steps = np.diff(seconds)
    if len(steps) == 0 or steps.min() > 0:
        return
    at = int(np.argmax(steps <= 0))
    before, after = (str(date)[:19] for date in encode_times(seconds[at : at + 2], calendar))
    distinct = len(np.unique(seconds)) == len(seconds)
    if steps[at] == 0:
        raise InputError(
            f"{what}: times must increase, and {after} is there twice", hint=f"keep one: x.drop_duplicates('{time}')"
        )
    hint = f"x.sortby('{time}')" + ("" if distinct else f".drop_duplicates('{time}'), as some are there twice")
    raise InputError(f"{what}: times must increase, and {after} stands behind {before}", hint=hint)


def days_of(seconds: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01 that the seconds fall into."""
    return np.asarray(seconds) // DAY


def dates_of(seconds: np.ndarray, calendar: str) -> np.ndarray:
    """(n, 4) array of year, month, day and day of the year."""
    return _core.dates(days_of(seconds), calendar)

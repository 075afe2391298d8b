"""Slow twin of ``diag/window``: which samples of a daily series make up each day of the year, date by date.

A date is a ``datetime.date``, or a ``cftime.datetime`` of any calendar.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Calendars whose years are all of the same length.  The others have leap years.
EQUAL_YEARS = {"noleap": 365, "365_day": 365, "all_leap": 366, "366_day": 366, "360_day": 360}


def slots(calendar: str, leap_day: str) -> int:
    """Pools that there are on a calendar: one per day of a common year, or of a leap year."""
    return EQUAL_YEARS.get(calendar, 366 if leap_day in ("own", "mean") else 365)


def result_slots(calendar: str, leap_day: str) -> int:
    """Values that are wanted on a calendar: 366 when they are stretched over leap years too."""
    return EQUAL_YEARS.get(calendar, 365 if leap_day == "drop" else 366)


def is_dropped(date: Any, calendar: str, leap_day: str) -> bool:
    """Whether a date is a 29 February that is left out."""
    return calendar not in EQUAL_YEARS and leap_day == "drop" and (date.month, date.day) == (2, 29)


def slot_of_day(date: Any, calendar: str, leap_day: str) -> int:
    """Result slot, from 0, that a date is compared with."""
    number = date.timetuple().tm_yday - 1
    if calendar in EQUAL_YEARS or leap_day == "stretch":
        return number
    in_leap_year = date.replace(month=12, day=31).timetuple().tm_yday == 366
    if leap_day in ("own", "mean"):  # numbered as in leap years
        return number + (not in_leap_year and date.month > 2)
    return number - (in_leap_year and (date.month, date.day) >= (2, 29))


def _counts(dates: Sequence[Any], calendar: str, leap_day: str) -> list[int]:
    """Number of every date in a count in which neighbours differ by 1; dropped days are not counted."""
    number: dict[Any, int] = {}
    day, count = dates[0], 0
    while day <= dates[-1]:
        count += not is_dropped(day, calendar, leap_day)
        number[day] = count
        day += timedelta(days=1)
    return [number[date] for date in dates]


def pools(
    dates: Sequence[Any],
    base: tuple[Any, Any],
    width: int,
    *,
    neighbours: str = "wrap",
    leap_day: str = "drop",
    calendar: str = "standard",
) -> list[list[int]]:
    """Samples of the base period in the window around each day of the year.

    Parameters
    ----------
    dates
        Shape (n,), increasing: the day of every sample; days may be missing.
    base
        First and last date of the base period, both inclusive.
    width
        Days in a window, odd.
    neighbours
        'wrap': windows wrap inside each calendar year; 'real': the real days before and after inside the base, around
        every sample that there is; 'ring': the same, and the last day of the base is followed by its first; 'around':
        real days of the whole series, around the samples of the base.
    leap_day
        'drop': 29 February is left out; 'stretch': slots are raw day numbers, of which 366 has no pool; 'own' and
        'mean': slots are the day numbers of leap years.
    calendar
        CF name of the calendar of the dates.

    Returns
    -------
    list of lists
        For each slot the indices of its samples, ascending.
    """
    half, n = width // 2, slots(calendar, leap_day)
    kept = [i for i, date in enumerate(dates) if not is_dropped(date, calendar, leap_day)]
    inside = [i for i in kept if base[0] <= dates[i] <= base[1]]
    neighbourhood = kept if neighbours == "around" else inside
    slot = {i: slot_of_day(dates[i], calendar, leap_day) for i in inside}
    found: list[set[int]] = [set() for _ in range(n)]
    if neighbours == "wrap":
        for i in inside:
            if slot[i] < n:
                for k in range(-half, half + 1):
                    found[(slot[i] + k) % n].add(i)
    else:
        count = _counts(dates, calendar, leap_day)
        length = count[inside[-1]] - count[inside[0]] + 1
        for centre in inside:
            for i in neighbourhood if slot[centre] < n else []:
                distance = abs(count[i] - count[centre])
                if distance <= half or (neighbours == "ring" and length - distance <= half):
                    found[slot[centre]].add(i)
    return [sorted(pool) for pool in found]


def stretch(values: ArrayLike, length: int) -> NDArray[np.float64]:
    """Stretch one value per pool linearly to `length` result slots: first onto first, last onto last."""
    source = np.asarray(values, np.float64)
    position = np.arange(length) * (source.size - 1) / (length - 1)
    return np.interp(position, np.arange(source.size), source)

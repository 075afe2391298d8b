"""Slow twin of the kernel ``percentile_doy``: every pool is gathered and sorted, cell by cell and day by day."""

import math
from collections.abc import Sequence
from datetime import date as Date
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .doy_window import EQUAL_YEARS, pools, result_slots
from .quantile import quantile


def dates_of(time: NDArray[Any] | Sequence[Any]) -> list[Any]:
    """Days of the samples: ``datetime.date`` for datetime64, ``cftime.datetime`` at midnight for cftime."""
    if isinstance(time, np.ndarray) and time.dtype.kind == "M":
        return [Date.fromisoformat(str(day)) for day in time.astype("datetime64[D]")]
    return [stamp.replace(hour=0, minute=0, second=0, microsecond=0) for stamp in time]


def base_of(dates: Sequence[Any], base_period: tuple[str, str] | None) -> tuple[Any, Any]:
    """First and last date of the base: all dates, or those between two years, both inclusive."""
    if base_period is None:
        return dates[0], dates[-1]
    first, last = (int(year) for year in base_period)
    inside = [date for date in dates if first <= date.year <= last]
    return inside[0], inside[-1]


def stretch(slots: Sequence[float], length: int) -> list[float]:
    """Linear interpolation to another number of slots: first onto first, last onto last."""
    out = []
    for result in range(length):
        position = result * (len(slots) - 1) / (length - 1)
        before = int(position)
        fraction = position - before
        left = slots[before]
        out.append(left if fraction == 0 else left + fraction * (slots[before + 1] - left))
    return out


def percentile_doy(
    values: ArrayLike,
    time: NDArray[Any] | Sequence[Any],
    percentile: float,
    base_period: tuple[str, str] | None = None,
    *,
    window: int = 5,
    type: int = 8,
    neighbours: str = "wrap",
    leap_day: str = "drop",
    smoothing: int = 1,
    min_share: float = 0,
    at_least: float = -math.inf,
) -> NDArray[np.float64]:
    """Percentile of each calendar day over a base period.

    Parameters
    ----------
    values
        Shape (time, ...), one per day; NaN is missing.
    time
        Shape (time,), increasing: datetime64 or cftime.
    percentile
        0 to 100.
    base_period
        First and last year; None: all of the series.
    window
        Days in the moving window, odd.
    type
        Hyndman and Fan's type of the sample quantile, 1 to 9.
    neighbours
        'wrap', 'real', 'ring' or 'around', see `tests.reference.doy_window`.
    leap_day
        'drop', 'stretch', 'own' or 'mean', see there; 'mean' replaces 29 February by the mean of its neighbours.
    smoothing
        Width of a running mean over the slots of the year, which is a ring.
    min_share
        Share of a pool that must be valid.
    at_least
        Smaller values are missing.

    Returns
    -------
    numpy.ndarray
        Shape (slot, ...), float64, in the units of the values; NaN where a pool has no values.
    """
    field = np.asarray(values, np.float64) + 0.0  # a zero has no sign
    dates = dates_of(time)
    calendar = getattr(time[0], "calendar", "standard")
    samples = pools(
        dates, base_of(dates, base_period), window, neighbours=neighbours, leap_day=leap_day, calendar=calendar
    )
    length = result_slots(calendar, leap_day)
    out = np.empty((length, *field.shape[1:]))
    for cell in np.ndindex(field.shape[1:]):
        series = [float(value) for value in field[(slice(None), *cell)]]
        slots = [
            _threshold([series[i] for i in pool], percentile / 100, type, min_share, at_least) for pool in samples
        ]
        if leap_day == "mean" and calendar not in EQUAL_YEARS:
            slots[59] = slots[58] + (slots[60] - slots[58]) / 2
        results = slots if length == len(slots) else stretch(slots, length)
        out[(slice(None), *cell)] = [
            sum(results[(d + k) % length] for k in range(-(smoothing // 2), smoothing // 2 + 1)) / smoothing
            for d in range(length)
        ]
    return out


def _threshold(pool: list[float], probability: float, kind: int, min_share: float, at_least: float) -> float:
    valid = [value for value in pool if value >= at_least]
    return quantile(valid, probability, kind) if len(valid) >= min_share * len(pool) else math.nan

"""Slow twin of the kernel ``percentile_exceedance``: every replicate of the bootstrap is pooled and sorted."""

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from .doy_window import pools, result_slots, slot_of_day
from .doy_window import slots as pool_slots
from .percentile_doy import dates_of
from .quantile import quantile

BEYOND = {
    "above": lambda x, t: x > t,
    "below": lambda x, t: x < t,
    "above_or_equal": lambda x, t: x >= t,
    "below_or_equal": lambda x, t: x <= t,
}


def _place(result: int, slots: int, results: int) -> tuple[int, int, float]:
    """Pools that a result lies between, and how far from the first."""
    position = result * (slots - 1) / (results - 1) if results != slots else result
    left = int(position)
    return left, left + (position > left), position - left


def answers(
    values: Sequence[float],
    time: NDArray[Any] | Sequence[Any],
    percentile: float,
    base: tuple[int, int],
    *,
    beyond: str = "above",
    window: int = 5,
    type: int = 8,
    neighbours: str = "wrap",
    leap_day: str = "drop",
) -> list[list[bool]]:
    """Which of the thresholds each day of one cell is beyond, with the bootstrap of Zhang et al. (2005).

    Parameters
    ----------
    values
        One per day; NaN is missing.
    time
        Their times, datetime64.
    percentile
        0 to 100.
    base
        First and last year of the base period; the days of others are compared with the threshold of all of it.
    beyond, window, type, neighbours, leap_day
        As in the diagnostic; 'mean' is not known.

    Returns
    -------
    list of list of bool
        One of each other year of the base, in their order; outside the base all of them are the same. Empty
        for missing days.
    """
    dates = dates_of(time)
    known = {(date.year, date.month, date.day): i for i, date in enumerate(dates)}
    inside = [date for date in dates if base[0] <= date.year <= base[1]]
    samples = pools(dates, (inside[0], inside[-1]), window, neighbours=neighbours, leap_day=leap_day)
    slots, results = pool_slots("standard", leap_day), result_slots("standard", leap_day)
    is_beyond = BEYOND[beyond]

    def value_of(sample: int, removed: int | None, doubled: int | None) -> float:
        if doubled is None or dates[sample].year != removed:
            return values[sample]
        other = known.get((doubled, dates[sample].month, dates[sample].day))
        return math.nan if other is None else values[other]

    def threshold(result: int, removed: int | None, doubled: int | None) -> float:
        left, right, fraction = _place(result, slots, results)
        a, b = (
            quantile((value_of(i, removed, doubled) for i in samples[slot]), percentile / 100, type)
            for slot in (left, right)
        )
        return a if fraction == 0 else a + fraction * (b - a)

    full = [threshold(result, None, None) for result in range(results)]
    out: list[list[bool]] = []
    for value, date in zip(values, dates, strict=True):
        result = slot_of_day(date, "standard", leap_day)
        if math.isnan(value) or math.isnan(full[result]):
            out.append([])
        elif base[0] <= date.year <= base[1]:
            others = [year for year in range(base[0], base[1] + 1) if year != date.year]
            out.append([is_beyond(value, threshold(result, date.year, year)) for year in others])
        else:
            out.append([is_beyond(value, full[result])] * (base[1] - base[0]))
    return out


def shares(*args: Any, **rules: Any) -> list[float]:
    """Share of the thresholds that each day is beyond, NaN for missing days; of the same as :func:`answers`."""
    return [sum(day) / len(day) if day else math.nan for day in answers(*args, **rules)]

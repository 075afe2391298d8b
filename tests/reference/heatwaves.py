"""Slow twins of ``excess_heat``, ``heatwave_aspects`` and ``hwmid``: one cell, from the papers' formulas."""

import math
from collections.abc import Sequence

import numpy as np

from .quantile import quantile
from .spells import runs_of


def excess_heat(
    mean: Sequence[float],
    *,
    percentile: float = 95,
    severity_percentile: float = 85,
    type: int = 7,
    backward: bool = False,
    zero: bool = False,
    cold: bool = False,
    threshold: Sequence[float] | None = None,
) -> tuple[list[float], list[float]]:
    """Excess heat (or cold) factor and severity of a series of daily means without absent days.

    Nairn & Fawcett 2015: EHIsig = m − T95, EHIaccl = m − M, EHF = EHIsig max(1, EHIaccl); cold: ECF = −ECIsig
    min(−1, ECIaccl) with the percentile from the other end.  `threshold`, per day, takes the place of T95.
    """
    n = len(mean)
    limit = quantile([x for x in mean if not math.isnan(x)], (100 - percentile if cold else percentile) / 100, type)
    factor = [math.nan] * n
    for i in range(30, n - 2):
        at = i + 2 if backward else i
        three = (mean[i] + mean[i + 1] + mean[i + 2]) / 3
        thirty = sum(mean[i - k] for k in range(30, 0, -1)) / 30
        significance = three - (threshold[at] if threshold is not None else limit)
        if math.isnan(three) or math.isnan(thirty):
            continue
        if cold:
            factor[at] = -significance * min(-1.0, three - thirty)
        else:
            factor[at] = significance * max(1.0, three - thirty)
    heat = [-f for f in factor] if cold else factor
    severe = quantile([f for f in heat if f > 0], severity_percentile / 100, type)
    if zero:
        heat = [0.0 if f < 0 else f for f in heat]
    return [-f if cold else f for f in heat], [f / severe for f in heat]


def heatwave_aspects(
    hot: Sequence[bool],
    magnitude: Sequence[float],
    season: Sequence[int],
    place: Sequence[int],
    *,
    min_length: int = 3,
    tail: int = 14,
) -> list[dict[str, float]]:
    """Aspects per season; `season` is each day's (−1: none), `place` its day in the season's period."""
    result = []
    runs = [(a, b) for a, b in runs_of(hot, [False] * len(hot)) if b - a + 1 >= min_length]
    for number in range(max(season) + 1):
        days = [t for t, s in enumerate(season) if s == number]
        events = []
        for first, last in runs:
            inside = [t for t in range(first, last + 1) if season[t] == number]
            if not inside:
                continue
            reach = tail if inside[0] == first else 0
            events.append(range(inside[0], min(last, days[-1] + reach) + 1))
        means = [sum(magnitude[t] for t in event) / len(event) for event in events]
        hottest = max(range(len(events)), key=lambda i: means[i]) if events else None
        result.append(
            {
                "hwn": len(events),
                "hwf": sum(len(event) for event in events),
                "hwd": max((len(event) for event in events), default=0),
                "hwm": sum(means) / len(means) if means else math.nan,
                "hwa": math.nan if hottest is None else max(magnitude[t] for t in events[hottest]),
                "hwt": place[events[0].start] if events else math.nan,
            }
        )
    return result


def hwmid(
    x: Sequence[float], hot: Sequence[bool], years: Sequence[int], *, min_length: int = 3, type: int = 7
) -> list[float]:
    """HWMId of each year; all years are the reference."""
    x, years = np.asarray(x), np.asarray(years)
    maxima = [np.nanmax(x[years == year]) for year in np.unique(years)]
    low, high = (quantile(maxima, q, type) for q in (0.25, 0.75))
    result = []
    for year in np.unique(years):
        days = np.flatnonzero(years == year)
        runs = runs_of([hot[t] for t in days], [False] * len(days))
        sums = [
            sum(max(x[days[t]] - low, 0) / (high - low) for t in range(a, b + 1))
            for a, b in runs
            if b - a + 1 >= min_length
        ]
        result.append(max(sums, default=0.0))
    return result

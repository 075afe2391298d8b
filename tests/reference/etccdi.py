"""Slow twin of the kernel ``etccdi``: every index of one cell, day by day, as its definition says.

Dates are ``datetime.date`` or ``cftime.datetime`` of any calendar; values are lists with NaN where a day is missing.
Missing days make no difference here but that they pass no test; which periods are missing is judged elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from .quantile import quantile

Values = Sequence[float]
NAN = float("nan")


def period_of(date: Any, freq: str) -> tuple[int, int]:
    """Year and month in which the period of a day begins: 'YS', 'YS-JUL', 'QS-DEC', 'MS'."""
    first = {"YS": 1, "YS-JUL": 7, "QS-DEC": 12, "MS": 1}[freq]
    length = {"YS": 12, "YS-JUL": 12, "QS-DEC": 3, "MS": 1}[freq]
    months = date.year * 12 + date.month - first
    begin = months // length * length + first - 1
    return begin // 12, begin % 12 + 1


def periods(dates: Sequence[Any], freq: str) -> list[list[int]]:
    """Days, as indices, of each period in order of time."""
    found: dict[tuple[int, int], list[int]] = {}
    for i, date in enumerate(dates):
        found.setdefault(period_of(date, freq), []).append(i)
    return list(found.values())


# --- counts, sums, extremes ---


def count(values: Values, days: list[int], test: Callable[[float], bool]) -> float:
    return float(sum(test(values[i]) for i in days))


def total(values: Values, days: list[int], test: Callable[[float], bool]) -> float:
    return float(sum((float(values[i]) for i in days if test(values[i])), 0.0))


def extreme(values: Values, days: list[int], choose: Callable[..., float]) -> float:
    return float(choose((values[i] for i in days if not math.isnan(values[i])), default=NAN))


def mean_range(tx: Values, tn: Values, days: list[int]) -> float:
    ranges = [float(tx[i]) - float(tn[i]) for i in days if not math.isnan(tx[i]) and not math.isnan(tn[i])]
    return sum(ranges, 0.0) / len(ranges) if ranges else NAN


def intensity(pr: Values, days: list[int], wet: float, dry_period: float) -> float:
    number = count(pr, days, lambda x: x >= wet)
    return total(pr, days, lambda x: x >= wet) / number if number else dry_period


def degree_days(tg: Values, days: list[int], base: float, sign: int) -> float:
    return float(sum(max(0.0, sign * (float(tg[i]) - base)) for i in days if not math.isnan(tg[i])))


# --- runs ---


def runs(flags: Sequence[bool], dates: Sequence[Any], borders: set[int]) -> list[list[int]]:
    """Maximal sequences of true days; none goes over a day that is absent, nor over a border (a first day)."""
    found: list[list[int]] = []
    for i, flag in enumerate(flags):
        follows = i > 0 and flags[i - 1] and dates[i] - dates[i - 1] == timedelta(days=1) and i not in borders
        if flag and follows:
            found[-1].append(i)
        elif flag:
            found.append([i])
    return found


def _runs_of(flags: Sequence[bool], dates: Sequence[Any], groups: list[list[int]], border: str) -> list[list[int]]:
    return runs(flags, dates, {group[0] for group in groups} if border == "cut" else set())


def longest(flags: Sequence[bool], dates: Sequence[Any], groups: list[list[int]], border: str) -> list[float]:
    """Longest run of each period; 'last': NaN where a period lies wholly inside a run that ends later."""
    found = _runs_of(flags, dates, groups, border)
    out = []
    for group in groups:
        own = set(group)
        if border == "own":
            lengths = [len(own & set(run)) for run in found]
        else:
            place = 0 if border == "first" else -1
            lengths = [len(run) for run in found if run[place] in own]
        inside = border == "last" and not any(lengths) and all(flags[i] for i in group)
        out.append(NAN if inside else float(max(lengths, default=0)))
    return out


def spell_days(
    flags: Sequence[bool], dates: Sequence[Any], groups: list[list[int]], minimum: int, border: str
) -> list[float]:
    """Days in runs of at least `minimum` days."""
    found = [run for run in _runs_of(flags, dates, groups, border) if len(run) >= minimum]
    out = []
    for group in groups:
        own = set(group)
        if border in ("cut", "own"):
            days = sum(len(own & set(run)) for run in found)
        else:
            days = sum(len(run) for run in found if run[0 if border == "first" else -1] in own)
        out.append(float(days))
    return out


# --- sums of several days ---


def largest_sum(
    pr: Values, dates: Sequence[Any], groups: list[list[int]], n: int, label: str, windows: str
) -> list[float]:
    """Largest sum of n days; a window belongs to the period of its centre, or of its last day."""
    by_date = {date: float(x) for date, x in zip(dates, pr, strict=True)}
    index = {date: i for i, date in enumerate(dates)}
    found: dict[int, list[float]] = {}
    for date in dates:
        days = [date - timedelta(days=k) for k in range(n - 1, -1, -1)]
        if days[0] < dates[0]:
            continue
        values = [by_date.get(day, NAN) for day in days]
        if windows == "whole" and any(math.isnan(x) for x in values):
            continue
        name = date - timedelta(days=n // 2) if label == "centre" else date
        while name not in index:  # the day is absent: the next that is there
            name += timedelta(days=1)
        found.setdefault(index[name], []).append(sum((max(x, 0.0) for x in values if not math.isnan(x)), 0.0))
    return [max((x for i in group for x in found.get(i, [])), default=NAN) for group in groups]


# --- seasons ---


def _first_run(
    values: Values, dates: Sequence[Any], days: range, n: int, test: Callable[[float], bool]
) -> int | None:
    flags = [test(values[i]) for i in days]
    found = runs(flags, [dates[i] for i in days], set())
    return next((days[run[0]] for run in found if len(run) >= n), None)


def middle_of(dates: Sequence[Any], group: list[int]) -> int | None:
    """Where the first day of the seventh month of a year stands."""
    begin = dates[group[0]].replace(month=period_month(dates, group), day=1)
    year, month = (begin.year, begin.month + 6) if begin.month <= 6 else (begin.year + 1, begin.month - 6)
    return next((i for i in group if (dates[i].year, dates[i].month, dates[i].day) == (year, month, 1)), None)


def growing_season(tg: Values, dates: Sequence[Any], group: list[int], limit: float, n: int, rule: str) -> float:
    """Length of the growing season in a year; the middle is the first day of its seventh month."""
    middle = middle_of(dates, group)
    if middle is None:
        return NAN
    first, end = group[0], group[-1] + 1
    if rule == "climdex":
        start = _first_run(tg, dates, range(first, middle), n, lambda x: x > limit)
        stop = _first_run(tg, dates, range(middle, end), n, lambda x: x < limit)
    else:
        start = _first_run(tg, dates, range(first, min(middle + n - 1, end)), n, lambda x: x >= limit)
        stop = _first_run(tg, dates, range(middle, end), n, lambda x: not x >= limit)
    if start is None:
        return 0.0
    last = dates[stop] if stop is not None else dates[end - 1] + timedelta(days=1)
    return float((last - dates[start]).days)


def period_month(dates: Sequence[Any], group: list[int]) -> int:
    """Month in which the year of a group of days begins: January, unless it reaches over December."""
    return 7 if dates[group[0]].year != dates[group[-1]].year or dates[group[0]].month >= 7 else 1


def last_frost(tn: Values, dates: Sequence[Any], group: list[int], limit: float) -> float:
    """Day of the calendar year, from 1, of the last frost before July."""
    found = [i for i in group if dates[i].month < 7 and tn[i] < limit]
    return float((dates[found[-1]] - dates[group[0]].replace(month=1, day=1)).days + 1) if found else NAN


def frost_season(tn: Values, dates: Sequence[Any], group: list[int], limit: float) -> float:
    """Days from the first to the last frost of a year whose seventh month begins in the data."""
    if middle_of(dates, group) is None:
        return NAN
    found = [i for i in group if tn[i] < limit]
    return float((dates[found[-1]] - dates[found[0]]).days + 1) if found else 0.0


# --- percentiles ---


def wet_percentile(pr: Values, base: list[int], wet: float, percentile: float, type: int) -> float:
    """Quantile of the wet days of the base; NaN where there is none."""
    return quantile([float(pr[i]) for i in base if pr[i] >= wet], percentile / 100, type)

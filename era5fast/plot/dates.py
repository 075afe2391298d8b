"""Axes of dates in any CF calendar.

Positions are days since 1970-01-01 of the calendar of the data, which for the real calendar is what matplotlib counts
too. Ticks are found with the core's own dates, so that 30 February has its place where there is one.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, Formatter, Locator

from .._core import dates
from ..errors import InputError
from ..times import DAY

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Years, months and days from tick to tick; the first that gives few enough is taken.
_DAY_STEPS, _MONTH_STEPS, _YEAR_STEPS = (1, 2, 5, 10), (1, 2, 3, 6), (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_HOUR_STEPS = (1, 2, 3, 6, 12)
_MOST = 9
#: Inches of a tick with its text, along the axis.
_INCHES = {"x": 0.7, "y": 0.45}


def positions(seconds: np.ndarray) -> np.ndarray:
    """Where dates stand on an axis."""
    return np.asarray(seconds, dtype="float64") / DAY


def day_text(seconds: float, calendar: str) -> str:
    """The date that seconds fall on, as 2003-08-01."""
    year, month, day, _ = dates(np.array([int(seconds // DAY)]), calendar)[0].tolist()
    return f"{year:04d}-{month:02d}-{day:02d}"


def short_date(seconds: float, calendar: str, *, hours: bool = False) -> str:
    """The date that seconds fall on, as 1 Aug; with the hour, as 1 Aug 06:00."""
    _, month, day, _ = dates(np.array([int(seconds // DAY)]), calendar)[0].tolist()
    return f"{day} {_MONTHS[month - 1]}" + (f" {_clock(seconds / DAY)}" if hours else "")


def _clock(place: float) -> str:
    """Time of the day at a place on an axis."""
    minutes = round(place * 1440) % 1440
    return f"{minutes // 60:02}:{minutes % 60:02}"


def between(seconds: np.ndarray, calendar: str, start: Any, end: Any) -> np.ndarray:
    """Which steps lie between two days, both included; "2003" and "2003-06" mean all of that year or month.

    Raises
    ------
    InputError
        If there is none.
    """
    days = np.array([day_text(second, calendar) for second in seconds.tolist()])
    keep = np.ones(len(days), dtype=bool)
    if start is not None:
        keep &= days >= str(start)[:10]
    if end is not None:
        keep &= days <= str(end)[:10] + "~"  # sorts behind every day that begins so
    if not keep.any():
        raise InputError(f"no data from {start or 'the beginning'} to {end or 'the end'}")
    return keep


@cache
def month_starts(days_of_year: int) -> list[tuple[int, str]]:
    """(day of the year from 0, name) of each month, in a year of 360, 365 or 366 days."""
    calendar = {360: "360_day", 365: "noleap", 366: "all_leap"}[days_of_year]
    found = dates(np.arange(days_of_year), calendar)
    return [(int(np.flatnonzero(found[:, 1] == month)[0]), name) for month, name in enumerate(_MONTHS, 1)]


def date_axis(axes: Axes, calendar: str, *, hours: bool = False) -> None:
    """Have the horizontal axis show dates, and hours where the data have them and there are few days."""
    axes.xaxis.set_major_locator(DateTicks(calendar, hours=hours))
    axes.xaxis.set_major_formatter(DateText(calendar))


def date_axis_upright(axes: Axes, calendar: str, *, hours: bool = False) -> None:
    """Have the vertical axis show dates, the first on top."""
    axes.yaxis.set_major_locator(DateTicks(calendar, hours=hours))
    axes.yaxis.set_major_formatter(DateText(calendar))
    axes.invert_yaxis()


def month_axis(axes: Axes, days_of_year: int) -> None:
    """Have the horizontal axis show the months of a year, named in their middles."""
    starts = [start for start, _ in month_starts(days_of_year)] + [days_of_year]
    middles = [(a + b) / 2 for a, b in pairwise(starts)]
    axes.xaxis.set_major_locator(FixedLocator(middles))
    axes.xaxis.set_major_formatter(MonthText())
    axes.tick_params(axis="x", length=0)


class MonthText(Formatter):
    """Names of the twelve months, as long as there is room for them: Jan, J, or that of every third."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The name of a month by its number."""
        return _MONTHS[pos % 12] if pos is not None else ""

    def format_ticks(self, values: list[float]) -> list[str]:
        """The names at all ticks."""
        inches = 10.0 if self.axis is None else _length_of(self.axis)
        if inches >= _ROOM_FOR_NAMES:
            return list(_MONTHS[: len(values)])
        if inches >= _ROOM_FOR_LETTERS:
            return [name[0] for name in _MONTHS[: len(values)]]
        return [name if number % 3 == 0 else "" for number, name in enumerate(_MONTHS[: len(values)])]


_ROOM_FOR_NAMES, _ROOM_FOR_LETTERS = 4.2, 2.0  # inches


def _length_of(axis: Any) -> float:
    """Inches of an axis."""
    box = axis.axes.bbox
    return float((box.height if axis.axis_name == "y" else box.width) / axis.axes.get_figure(root=True).dpi)


class DateTicks(Locator):
    """Ticks on the first days of years or months, on days, or on hours, whichever are few enough."""

    def __init__(self, calendar: str, *, hours: bool = False) -> None:
        self.calendar, self.hours = calendar, hours

    def __call__(self) -> list[float]:
        """Positions of the ticks within what the axis shows."""
        assert self.axis is not None
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Positions of the ticks between two."""
        found: list[float] = self._few(vmin, vmax).tolist()
        return found

    def _most(self) -> int:
        """How many ticks have room."""
        if self.axis is None:
            return _MOST
        axis: Any = self.axis
        return int(np.clip(_length_of(axis) / _INCHES[axis.axis_name], 2, _MOST))

    def _few(self, vmin: float, vmax: float) -> np.ndarray:
        low, high = sorted((vmin, vmax))
        if not high - low < 4e6:  # ten thousand years: nobody's data, but where an empty axis may be
            return np.empty(0)
        most = self._most()
        for step in _HOUR_STEPS if self.hours and high - low < _MOST else ():
            hours = np.arange(int(np.ceil(low * 24 / step)), int(np.floor(high * 24 / step)) + 1) * (step / 24)
            if len(hours) <= most:
                return hours
        days = np.arange(int(np.ceil(low)), int(np.floor(high)) + 1)
        if len(days) == 0:
            return np.empty(0)
        year, month, day, _ = dates(days, self.calendar).T
        for step in _DAY_STEPS:
            chosen = days if step == 1 else days[((day - 1) % step == 0) & (day <= 31 - step)]
            if len(chosen) <= most:
                return chosen
        firsts = day == 1
        for step in _MONTH_STEPS:
            chosen = days[firsts & ((month - 1) % step == 0)]
            if len(chosen) <= most:
                return chosen
        firsts &= month == 1
        for step in _YEAR_STEPS:
            chosen = days[firsts & (year % step == 0)]
            if len(chosen) <= most:
                return chosen
        return days[:0]


class DateText(Formatter):
    """Dates at ticks, as short as they can be: 2003, Jul 2003, 12 Jul 2003; the year stands where it changes."""

    def __init__(self, calendar: str) -> None:
        self.calendar = calendar

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The date at a place, for one that is shown alone."""
        return day_text(x * DAY, self.calendar)

    def format_ticks(self, values: list[float]) -> list[str]:
        """The dates at all ticks."""
        if len(values) == 0:
            return []
        found = dates(np.floor(np.asarray(values, dtype="float64") + 1e-6).astype("int64"), self.calendar)
        year, month, day = found[:, :3].T.tolist()
        if any(abs(value - round(value)) > 1e-6 for value in values):
            named = [f"{d} {_MONTHS[m - 1]} {y}" for y, m, d in zip(year, month, day, strict=True)]
            first = [i == 0 or text != named[i - 1] for i, text in enumerate(named)]
            return [_clock(x) + f"\n{text}" * new for x, text, new in zip(values, named, first, strict=True)]
        if all(d == 1 and m == 1 for d, m in zip(day, month, strict=True)):
            return [str(y) for y in year]
        days_too = any(d != 1 for d in day)
        texts = []
        for i, (y, m, d) in enumerate(zip(year, month, day, strict=True)):
            text = f"{d} {_MONTHS[m - 1]}" if days_too else _MONTHS[m - 1]
            texts.append(f"{text}\n{y}" if i == 0 or y != year[i - 1] else text)
        return texts

"""Days: from what users write to day numbers, and back to what requests and file names say.

A day is a number of days since 1970-01-01; a period is an increasing list of days.
"""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .errors import InputError
from .spelling import whole_numbers

_EPOCH = dt.date(1970, 1, 1).toordinal()

#: What begins a new piece, by name of the cut.
CUTS: dict[str, Callable[[dt.date], object]] = {
    "all": lambda day: 0,
    "decade": lambda day: day.year // 10,
    "year": lambda day: day.year,
    "month": lambda day: (day.year, day.month),
    "day": lambda day: day,
}


def number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def date_of(day: int) -> dt.date:
    """Date of a day number."""
    return dt.date.fromordinal(day + _EPOCH)


def parse(value: Any, end: bool = False) -> dt.date:
    """Day of a text, a ``date``, a ``datetime``, a ``datetime64`` or a ``Timestamp``.

    Parameters
    ----------
    value : object
        ``"2003-06-15"``, ``"20030615"``; also a month ``"2003-06"`` or a year, of which the first day is meant.
    end : bool
        The last day of a month or year instead.

    Raises
    ------
    InputError
        If it is no date.
    """
    text = str(value).strip()
    match = re.fullmatch(r"(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:[T ].*)?)?)?", text)
    try:
        if match is None:
            raise ValueError
        year, month, day = (int(x) if x else None for x in match.groups())
        if year is None or year == 0:
            raise ValueError
        month = month or (12 if end else 1)
        return dt.date(year, month, day or (calendar.monthrange(year, month)[1] if end else 1))
    except (ValueError, calendar.IllegalMonthError) as error:
        raise InputError(f"'{value}' is no date", hint="write it like 2003-06-01") from error


def span(start: Any, end: Any) -> list[int]:
    """Days from a first to a last date, both inclusive."""
    first, last = parse(start), parse(end, end=True)
    if last < first:
        raise InputError(f"the period ends ({last}) before it begins ({first})")
    return list(range(number(first), number(last) + 1))


def listed(dates: Any) -> list[int]:
    """Days of a list of dates, months, years and ranges ``"first/last"`` or ``"first/to/last"``."""
    items = [dates] if isinstance(dates, str | dt.date) else list(dates)
    found: set[int] = set()
    for item in items:
        first, _, last = str(item).partition("/")
        last = last.removeprefix("to/")
        found.update(span(first, last or first))
    return sorted(found)


def only(days: Sequence[int], months: Iterable[int] | None, weekdays_or_days: Iterable[int] | None) -> list[int]:
    """Days that lie in some months of the year and on some days of the month."""
    wanted = set(_whole("months", months, 1, 12)) if months is not None else None
    numbers = set(_whole("days", weekdays_or_days, 1, 31)) if weekdays_or_days is not None else None
    dates = ((day, date_of(day)) for day in days)
    return [
        day
        for day, date in dates
        if (wanted is None or date.month in wanted) and (numbers is None or date.day in numbers)
    ]


def _whole(what: str, values: Iterable[Any] | Any, lowest: int, highest: int) -> list[int]:
    found = whole_numbers(what, values)
    if not found or found[0] < lowest or found[-1] > highest:
        raise InputError(f"{what} are numbers from {lowest} to {highest}, not {values!r}")
    return found


def years(values: Iterable[Any] | Any) -> list[int]:
    """Days of whole years."""
    return [day for year in _whole("years", values, 1, 9999) for day in span(f"{year:04d}", f"{year:04d}")]


def ranges(days: Sequence[int]) -> list[tuple[int, int]]:
    """First and last day of each run of consecutive days."""
    if not days:
        return []
    if days[-1] - days[0] == len(days) - 1:
        return [(days[0], days[-1])]
    runs = itertools.groupby(enumerate(days), lambda pair: pair[1] - pair[0])
    return [(run[0][1], run[-1][1]) for run in (list(group) for _, group in runs)]


def texts(days: Sequence[int]) -> list[str]:
    """As a request says it: ``2003-06-01/2003-06-30``, one text for each run of days."""
    return [f"{date_of(a)}/{date_of(b)}" if a != b else f"{date_of(a)}" for a, b in ranges(days)]


def cut(days: Sequence[int], unit: str) -> list[list[int]]:
    """Pieces that lie within one calendar unit each."""
    key = CUTS[unit]
    return [list(group) for _, group in itertools.groupby(days, lambda day: key(date_of(day)))]


def stamp(days: Sequence[int]) -> str:
    """As a file name says it: ``2003``, ``2003-06``, ``2003-06_2003-08``, ``2003-06-01_2003-06-15``."""
    first, last = date_of(days[0]), date_of(days[-1])
    text = _stamp(first, last)
    if last.toordinal() - first.toordinal() == len(days) - 1:
        return text
    return f"{text}_{len(days)}days-{fingerprint(*texts(days))}"


def month_stamp(days: Sequence[int]) -> str:
    """Like :func:`stamp` for a series of months, each named by its first day."""
    first, last = date_of(days[0]), date_of(days[-1])
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    end = last.replace(day=calendar.monthrange(last.year, last.month)[1])
    text = _stamp(first, end)
    return text if months == len(days) else f"{text}_{len(days)}months-{fingerprint(*texts(days))}"


def _stamp(first: dt.date, last: dt.date) -> str:
    whole_months = first.day == 1 and (last + dt.timedelta(days=1)).day == 1
    if whole_months and first.month == 1 and last.month == 12:
        return f"{first.year}" if first.year == last.year else f"{first.year}_{last.year}"
    if whole_months:
        return f"{first:%Y-%m}" if f"{first:%Y-%m}" == f"{last:%Y-%m}" else f"{first:%Y-%m}_{last:%Y-%m}"
    return f"{first}" if first == last else f"{first}_{last}"


def fingerprint(*parts: str) -> str:
    """Eight hex digits that stand for texts that are too long for a name."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]

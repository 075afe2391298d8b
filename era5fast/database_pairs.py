"""Pairs of events of two kinds that share days and ground."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import arcs
from .database_cells import common_ground
from .database_file import columns_of
from .database_query import Filters, ask, plain
from .database_region import geometries, shapely
from .errors import EventDatabaseError, InputError
from .optional import need
from .regions import polygon_area

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["overlaps"]

#: Pairs that are looked at together.
_TOGETHER = 2_000_000


@dataclass(frozen=True)
class _Side:
    """Events of one kind, in order of their first day; days are counted in their calendar."""

    calendar: str
    id: np.ndarray
    first: np.ndarray
    last: np.ndarray
    south: np.ndarray
    north: np.ndarray
    west: np.ndarray
    east: np.ndarray

    def __len__(self) -> int:
        return len(self.id)


def overlaps(
    connection: sqlite3.Connection, kinds: tuple[str, str], lag: int, how: str, filters: Filters
) -> pd.DataFrame:
    """Pairs of events of two kinds."""
    if how not in _GROUND:
        raise InputError(f"how is {how!r}", hint=f"it is one of {', '.join(_GROUND)}")
    if None in kinds:
        raise InputError("overlaps() needs two kinds", hint='write overlaps("heatwave", "drought")')
    if "kind" in filters:
        raise InputError("the kinds are given twice", hint="overlaps() names them first")
    a, b = (_side(connection, kind, filters) for kind in kinds)
    if len(a) and len(b) and a.calendar != b.calendar:
        raise InputError(f"events on the calendars {a.calendar} and {b.calendar} share no days")
    found = list(_candidates(a, b, lag))
    i, j = (np.concatenate([pair[side] for pair in found] or [np.empty(0, "int64")]) for side in (0, 1))
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    if kinds[0] == kinds[1]:  # those that share days are found from either side
        once = (a.id[i] < b.id[j]) | (b.first[j] > a.last[i])
        i, j = i[once], j[once]
    keep, area = _GROUND[how](connection, a.id[i], b.id[j], lag)
    return _table(a, b, i[keep], j[keep], area[keep])


# --- days ---


def _side(connection: sqlite3.Connection, kind: str, filters: Filters) -> _Side:
    question = ask(connection, columns_of(connection, "event"), {**filters, **plain({"kind": kind})})
    names = "id, start_day, end_day, south, north, west, east, calendar"
    rows = connection.execute(question.select(names, "ORDER BY start_day, id"), question.values).fetchall()
    number, first, last, south, north, west, east, calendar = zip(*rows, strict=True) if rows else [()] * 8
    calendars = sorted({str(name) for name in calendar})
    if len(calendars) > 1:
        raise InputError(f"events of the kind {kind!r} are on several calendars: {', '.join(calendars)}")
    name = calendars[0] if calendars else "standard"
    try:
        edges = (np.array(edge, "float64") for edge in (south, north, west, east))
        return _Side(name, np.array(number, "int64"), _days(first, name), _days(last, name), *edges)
    except (TypeError, ValueError, OverflowError) as error:
        raise EventDatabaseError(
            f"event database with a day that is none: {error}", hint="verify() tells more"
        ) from error


#: Days of the years of the calendars that have no leap years as ours have, and before each month.
_EVEN = {
    "360_day": (360, np.arange(12) * 30),
    "noleap": (365, np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])),
    "365_day": (365, np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])),
    "all_leap": (366, np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])),
    "366_day": (366, np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])),
}


def _days(texts: tuple[str, ...], calendar: str) -> np.ndarray:
    """Days as numbers that follow each other in a calendar."""
    if calendar not in _EVEN:
        return np.array(texts, "datetime64[D]").astype("int64")
    year, month, day = np.array([text.rsplit("-", 2) for text in texts], "int64").reshape(-1, 3).T
    days, before = _EVEN[calendar]
    return year * days + before[month - 1] + day


def _text(days: np.ndarray, calendar: str) -> list[str]:
    """The other way round."""
    if calendar not in _EVEN:
        return np.datetime_as_string(days.astype("datetime64[D]"), "D").tolist()
    length, before = _EVEN[calendar]
    year, of_year = np.divmod(days - 1, length)
    month = np.searchsorted(before, of_year, side="right")
    parts = zip(year.tolist(), month.tolist(), (of_year - before[month - 1] + 1).tolist(), strict=True)
    return [f"{y:04}-{m:02}-{d:02}" for y, m, d in parts]


def _candidates(a: _Side, b: _Side, lag: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs whose days and boxes meet: positions in `a` and `b`.

    Those of `b` of about one length that can meet one of `a` begin between two days, and so lie side by side. Each
    class of lengths is looked at by itself: one long event would have short ones looked for as far back as itself.
    """
    lengths = b.last - b.first
    classes = np.frexp(np.maximum(lengths, 0) + 1.0)[1]  # each twice as long as the one before
    for number in np.unique(classes):
        of_class = np.flatnonzero(classes == number)
        yield from _candidates_of(a, b, of_class, int(lengths[of_class].max()), lag)


def _candidates_of(
    a: _Side, b: _Side, chosen: np.ndarray, longest: int, lag: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same of the chosen ones of `b`, of which none is longer than so many days."""
    first = b.first[chosen]
    low = np.searchsorted(first, a.first - longest, side="left")
    high = np.searchsorted(first, a.last + lag, side="right")
    number = np.maximum(high - low, 0)
    part = np.cumsum(number) // _TOGETHER
    for chunk in np.split(np.arange(len(a)), np.flatnonzero(np.diff(part)) + 1):
        i = np.repeat(chunk, number[chunk])
        begin = np.cumsum(number[chunk]) - number[chunk]
        j = chosen[np.arange(len(i)) + np.repeat(low[chunk] - begin, number[chunk])]
        for meets in (_days_meet, _rows_meet, _columns_meet):
            keep = meets(a, b, i, j)
            i, j = i[keep], j[keep]
        yield i, j


def _days_meet(a: _Side, b: _Side, i: np.ndarray, j: np.ndarray) -> Any:
    return b.last[j] >= a.first[i]


def _rows_meet(a: _Side, b: _Side, i: np.ndarray, j: np.ndarray) -> Any:
    return (a.south[i] <= b.north[j]) & (a.north[i] >= b.south[j])


def _columns_meet(a: _Side, b: _Side, i: np.ndarray, j: np.ndarray) -> Any:
    return arcs.boxes_meet(a.west[i], a.east[i], b.west[j], b.east[j])


# --- ground ---

_Ground = tuple[np.ndarray, np.ndarray]


def _by_box(connection: sqlite3.Connection, a: np.ndarray, b: np.ndarray, lag: int) -> _Ground:
    return np.ones(len(a), bool), np.full(len(a), np.nan)


def _by_outline(connection: sqlite3.Connection, a: np.ndarray, b: np.ndarray, lag: int) -> _Ground:
    """Ground in common is an area: outlines that touch in an edge have none."""
    library = shapely()
    ids = np.unique(np.concatenate([a, b]))
    shapes = _outlines(connection, ids)
    first, second = shapes[np.searchsorted(ids, a)], shapes[np.searchsorted(ids, b)]
    near = np.flatnonzero(library.intersects(first, second))
    area = np.zeros(len(a))
    area[near] = [polygon_area(part) for part in library.intersection(first[near], second[near])]
    return area > 0, area


def _by_cells(connection: sqlite3.Connection, a: np.ndarray, b: np.ndarray, lag: int) -> _Ground:
    if not columns_of(connection, "event_cells"):
        raise InputError("the file is of the first version, which kept no cells", hint='how="outline" needs none')
    area = common_ground(connection, a, b, same_day=lag == 0)
    return area > 0, area


def _outlines(connection: sqlite3.Connection, ids: np.ndarray) -> np.ndarray:
    text = "SELECT id, geom FROM event WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    rows = connection.execute(text, (str(ids.tolist()),)).fetchall()
    shapes = np.full(len(ids), None)
    shapes[:] = geometries(blob for _, blob in rows)
    return shapes


_GROUND: dict[str, Callable[[sqlite3.Connection, np.ndarray, np.ndarray, int], _Ground]] = {
    "outline": _by_outline,
    "box": _by_box,
    "cells": _by_cells,
}


def _table(a: _Side, b: _Side, i: np.ndarray, j: np.ndarray, area: np.ndarray) -> pd.DataFrame:
    pd = need("pandas", "tables")
    first, last = np.maximum(a.first[i], b.first[j]), np.minimum(a.last[i], b.last[j])
    days = np.maximum(last - first + 1, 0)
    shared = days > 0
    start, end = (np.full(len(i), None, dtype=object) for _ in range(2))
    start[shared], end[shared] = _text(first[shared], a.calendar), _text(last[shared], a.calendar)
    return pd.DataFrame(
        {
            "id_a": a.id[i],
            "id_b": b.id[j],
            "start_day": start,
            "end_day": end,
            "days": days,
            "gap_days": np.where(shared, 0, b.first[j] - a.last[i]),
            "area_km2": area,
        }
    )

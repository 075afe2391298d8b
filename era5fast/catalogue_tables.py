"""The tables of events as plain arrays: to pickle them, to take some of them, to put several together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _core
from .errors import InputError
from .times import DAY, usual_step

__all__ = ["Tables", "expand", "join", "of_core", "take", "to_core"]

#: Table → columns of the table of events that say which of its rows belong to an event.
_PARTS = {
    "runs": ("first_run", "runs"),
    "states": ("first_state", "states"),
    "blobs": ("first_blob", "blobs"),
    "links": ("first_link", "links"),
}
_TIMES = {
    "events": ("start", "end", "area_max_time", "peak_time"),
    "runs": ("time",),
    "states": ("time",),
    "blobs": ("time",),
}

Columns = dict[str, np.ndarray]


class Tables(NamedTuple):
    """Events without the core: what a pickle holds.

    Attributes
    ----------
    events, runs, states, blobs, links : dict of numpy.ndarray
        Columns of the tables of the core.
    geometry : bytes
        Outlines of all events as WKB, one behind the other.
    axes : dict
        Time axis and grid: ``seconds``, ``calendar``, ``step_days``, ``latitude``, ``longitude``, ``wgs84``; and
        whether events lie ``below`` their threshold.
    """

    events: Columns
    runs: Columns
    states: Columns
    blobs: Columns
    links: Columns
    geometry: bytes
    axes: dict[str, Any]


def of_core(core: _core.Events) -> Tables:
    """Tables of events of the core; views, where that is possible."""
    tables = core.table(), core.runs(), core.states(), core.blobs(), core.links()
    return Tables(*tables, core.geometry(), core.axes())


def to_core(tables: Tables) -> _core.Events:
    """Events of the core, made of tables.

    Raises
    ------
    InputError
        If a row points outside the tables or the grid.
    """
    axes = tables.axes
    grid = axes["latitude"], axes["longitude"]
    when = axes["seconds"], axes["calendar"], axes["step_days"], axes["below"], axes["wgs84"]
    return _core.events(tuple(tables[:5]), tables.geometry, *grid, *when)


def expand(first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """All indices of ranges, one range behind the other.

    Examples
    --------
    >>> expand(np.array([5, 0]), np.array([3, 2]))
    array([5, 6, 7, 0, 1])
    """
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(first - (ends - count), count) + np.arange(total)


def take(tables: Tables, numbers: np.ndarray) -> Tables:
    """The events of these numbers, in this order, with all that belongs to them."""
    events = {name: column[numbers] for name, column in tables.events.items()}
    parts: dict[str, Columns] = {}
    for part, (first, count) in _PARTS.items():
        rows = expand(events[first], events[count])
        parts[part] = {name: column[rows] for name, column in getattr(tables, part).items()}
        events[first] = _starts(events[count])
    begins, sizes = events["outline"].tolist(), events["outline_size"].tolist()
    geometry = b"".join([tables.geometry[a : a + n] for a, n in zip(begins, sizes, strict=True)])
    events["outline"] = _starts(events["outline_size"])
    return tables._replace(events=events, geometry=geometry, **parts)


def _starts(count: np.ndarray) -> np.ndarray:
    return np.cumsum(count) - count


def join(parts: Sequence[Tables]) -> Tables:
    """Events of records that follow each other with a gap between them, as one search over all would find them.

    Raises
    ------
    InputError
        If the grids differ, or the records overlap or follow each other without a gap: an event could go on from one
        into the next.
    """
    for one, other in itertools.pairwise(parts):
        _check_next(one.axes, other.axes)
    moved = [_moved(part, parts[:number]) for number, part in enumerate(parts)]
    tables = {
        name: {key: np.concatenate([getattr(part, name)[key] for part in moved]) for key in getattr(parts[0], name)}
        for name in ("events", *_PARTS)
    }
    axes = parts[0].axes | {"seconds": np.concatenate([part.axes["seconds"] for part in parts])}
    return Tables(**tables, geometry=b"".join(part.geometry for part in parts), axes=axes)


def _moved(part: Tables, before: Sequence[Tables]) -> Tables:
    """Tables whose steps, rows and outlines are counted from the beginning of those before."""
    steps = np.int32(sum(len(other.axes["seconds"]) for other in before))
    tables: dict[str, Columns] = {
        name: {key: column + steps if key in _TIMES.get(name, ()) else column for key, column in columns.items()}
        for name, columns in part._asdict().items()
        if isinstance(columns, dict) and name != "axes"
    }
    for name, (first, _) in _PARTS.items():
        tables["events"][first] = part.events[first] + sum(_rows(getattr(other, name)) for other in before)
    tables["events"]["outline"] = part.events["outline"] + sum(len(other.geometry) for other in before)
    return Tables(**tables, geometry=part.geometry, axes=part.axes)


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _check_next(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name in ("latitude", "longitude"):
        if not np.array_equal(one[name], other[name]):
            raise InputError(f"catalogues of different {name}s cannot be put together")
    for name, text in (
        ("calendar", "calendars"),
        ("step_days", "time steps"),
        ("below", "sides of the threshold"),
        ("wgs84", "shapes of the Earth"),
    ):
        if one[name] != other[name]:
            raise InputError(f"catalogues of different {text} cannot be put together")
    if len(one["seconds"]) == 0 or len(other["seconds"]) == 0:
        return
    gap = other["seconds"][0] - one["seconds"][-1]
    if gap <= 0:
        raise InputError("the records of the catalogues overlap or are not in order of time")
    if gap <= (one["step_days"] * DAY or max(usual_step(one["seconds"]), usual_step(other["seconds"]))):
        raise InputError(
            "one record begins where the other ends: events that go on from one into the next would be cut in two",
            hint="look for events in all files in one call: find_events takes several files",
        )

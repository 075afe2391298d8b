"""Keys of an event database, worked out anew from the content of its rows and compared.

``csrc/db/ids.h`` defines the keys.
"""

from __future__ import annotations

import functools
import hashlib
import math
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from . import _core

__all__ = ["CHECKS", "seconds_of"]


def _key(*parts: Any) -> str:
    """SHA-256 of texts and whole numbers, as the core takes it."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, int):
            digest.update(struct.pack("<q", part))
        else:
            data = part.encode("utf-8", "surrogateescape")
            digest.update(struct.pack("<q", len(data)) + data)
    return digest.hexdigest()


def _degrees(degrees: float) -> int:
    """Ten-thousandths, halves away from zero."""
    return int(math.copysign(math.floor(abs(degrees) * 1e4 + 0.5), degrees))


def _longitude(degrees: float) -> int:
    folded = _degrees(math.remainder(degrees, 360.0))
    return -1800000 if folded == 1800000 else folded


@functools.lru_cache(maxsize=4096)
def _day(text: str, calendar: str) -> int:
    """Number of a day, from 1970, on a calendar: looked for among the dates that the core gives."""
    wanted = [int(text[:-6]), int(text[-5:-3]), int(text[-2:])]
    low, high = -(2**23), 2**23
    while low < high:
        middle = (low + high) // 2
        if _core.dates(np.array([middle]), calendar)[0, :3].tolist() < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def seconds_of(day: str, stamp: str | None, calendar: str) -> int:
    """Seconds since 1970 of a day on its own calendar, and the time of day of a stamp."""
    clock = "00:00:00" if stamp is None else stamp[11:19]
    return _day(day, calendar) * 86400 + int(clock[:2]) * 3600 + int(clock[3:5]) * 60 + int(clock[6:8])


# --- definitions and files ---


def _diagnostics(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT id, diagnostic_key, kind, variable, definition FROM diagnostic")
    for number, key, *parts in rows:
        if key != _key("diagnostic 1", *parts):
            yield f"diagnostic {number} has another content than its key says"


def _datasets(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT id, dataset_key, path, size_bytes, checksum, request FROM dataset")
    for number, key, path, size, checksum, request in rows:
        size = -1 if size is None else size
        parts = ("dataset 1", size, checksum) if checksum else ("dataset 1", size, "", path, request or "")
        # What cannot be shown in the name of a file is replaced in the column, but not in the key.
        if key != _key(*parts) and (checksum or not set(path) & set("? \ufffd")):
            yield f"dataset {number} has another content than its key says"


# --- events and tracks ---


def _there(connection: sqlite3.Connection, table: str) -> bool:
    text = "SELECT 1 FROM sqlite_master WHERE name = ? AND rootpage > 0"
    return connection.execute(text, (table,)).fetchone() is not None


def _events(connection: sqlite3.Connection) -> Iterator[str]:
    """Of the events whose cells are in the file: without them a key cannot be worked out."""
    if not _there(connection, "event_cells"):
        return
    text = """SELECT event.id, event_key, diagnostic_key, calendar, start_day, start_time, end_day, end_time
              FROM event JOIN diagnostic ON diagnostic.id = diagnostic_id
              WHERE (SELECT count(*) FROM event_state WHERE event_id = event.id)
                  = (SELECT count(*) FROM event_state JOIN event_cells USING (id) WHERE event_id = event.id)"""
    grids = {
        number: _Grid(np.frombuffer(latitude, "<f8"), np.frombuffer(longitude, "<f8"))
        for number, latitude, longitude in connection.execute("SELECT id, latitude, longitude FROM grid")
    }
    for number, key, diagnostic, calendar, *days in connection.execute(text):
        ends = seconds_of(days[0], days[1], calendar), seconds_of(days[2], days[3], calendar)
        if key != _key("event 2", diagnostic, calendar, *ends, *_arcs(connection, number, calendar, grids)):
            yield f"event {number} has other cells or days than its key says"


class _Grid:
    """Axes in ten-thousandths of a degree, and whether the columns close a circle."""

    def __init__(self, latitude: np.ndarray, longitude: np.ndarray) -> None:
        self.latitude = [_degrees(degrees) for degrees in latitude.tolist()]
        self.longitude = [_longitude(degrees) for degrees in longitude.tolist()]
        columns = len(longitude)
        self.closed = columns > 1 and _core.grid(latitude, longitude)["step"] == 360 / columns


def _arcs(connection: sqlite3.Connection, number: int, calendar: str, grids: dict[int, _Grid]) -> Iterator[int]:
    """Seconds, latitude, west, east and number of cells of each arc, in the order of the globe."""
    text = """SELECT day, time, grid_id, runs FROM event_state JOIN event_cells USING (id)
              WHERE event_id = ? ORDER BY event_state.id"""
    for day, stamp, grid, runs in connection.execute(text, (number,)):
        seconds, table = seconds_of(day, stamp, calendar), _core.decode_cells(runs)
        columns: Sequence[list[int]] = [table[name].tolist() for name in ("row", "first", "count")]
        rows: dict[int, list[tuple[int, int]]] = {}
        for row, first, count in zip(*columns, strict=True):
            rows.setdefault(row, []).append((first, count))
        arcs = sorted(arc for row, own in rows.items() for arc in _arcs_of_row(grids[grid], row, own))
        for arc in arcs:
            yield from (seconds, *arc)


def _arcs_of_row(grid: _Grid, row: int, runs: list[tuple[int, int]]) -> Iterator[tuple[int, int, int, int]]:
    """What neighbours make, also over the seam of the file; a circle begins at its smallest longitude."""
    size = len(grid.longitude)
    if grid.closed and len(runs) > 1 and runs[0][0] == 0 and sum(runs[-1]) == size:
        runs = [*runs[1:-1], (runs[-1][0], runs[-1][1] + runs[0][1])]
    for first, count in runs:
        begin = grid.longitude.index(min(grid.longitude)) if grid.closed and count == size else first
        east = grid.longitude[(begin + count - 1) % size]
        yield grid.latitude[row], grid.longitude[begin], east, count


def _tracks(connection: sqlite3.Connection) -> Iterator[str]:
    if not _there(connection, "track"):
        return
    text = """SELECT track.id, track_key, diagnostic_key, calendar, points FROM track
              JOIN diagnostic ON diagnostic.id = diagnostic_id"""
    for number, key, diagnostic, calendar, count in connection.execute(text):
        points = _points(connection, number, calendar)
        if key != _key("track 1", diagnostic, calendar, count, *points):
            yield f"track {number} has other points than its key says"


def _points(connection: sqlite3.Connection, number: int, calendar: str) -> Iterator[int]:
    text = "SELECT day, time, latitude, longitude, value FROM track_point WHERE track_id = ? ORDER BY id"
    for day, stamp, latitude, longitude, value in connection.execute(text, (number,)):
        bits = -(2**63) if value is None else struct.unpack("<q", struct.pack("<d", value))[0]
        yield from (seconds_of(day, stamp, calendar), _degrees(latitude), _longitude(longitude), bits)


#: Name → check.
CHECKS: dict[str, Callable[[sqlite3.Connection], Iterable[str]]] = {
    "keys of diagnostics": _diagnostics,
    "keys of datasets": _datasets,
    "keys of events": _events,
    "keys of tracks": _tracks,
}

"""Cells of the events of a database, for those that were added with them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import numpy as np

from . import _core
from .errors import CorruptDataError, EventDatabaseError, InputError

__all__ = ["common_ground"]


class _Cells(NamedTuple):
    """Cells of an event: the day of each, its number in the map, row by row, and its grid."""

    day: np.ndarray
    cell: np.ndarray
    grid: int


def common_ground(connection: sqlite3.Connection, a: np.ndarray, b: np.ndarray, *, same_day: bool) -> np.ndarray:
    """Ground that the events of each pair have in common, in km².

    Parameters
    ----------
    connection : sqlite3.Connection
        The database.
    a, b : numpy.ndarray
        Ids of the events of each pair.
    same_day : bool
        Only cells that belong to both on the same day count; otherwise those that belong to each on any day.

    Raises
    ------
    InputError
        If an event was added without its cells, or a pair lies on two grids.
    """
    days: dict[str, int] = {}
    cells = {int(number): _cells_of(connection, int(number), days) for number in np.unique(np.concatenate([a, b]))}
    areas = {number: _areas(connection, number) for number in {found.grid for found in cells.values()}}
    ground = np.zeros(len(a))
    for n, pair in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        first, second = (cells[number] for number in pair)
        if first.grid != second.grid:
            raise InputError(
                f"the events {pair[0]} and {pair[1]} lie on two grids", hint='how="outline" compares them'
            )
        area = areas[first.grid]
        mine, others = (one.day * len(area) + one.cell if same_day else one.cell for one in (first, second))
        ground[n] = area[np.unique(np.intersect1d(mine, others) % len(area))].sum()
    return ground


def _cells_of(connection: sqlite3.Connection, number: int, days: dict[str, int]) -> _Cells:
    text = """SELECT day, grid_id, column_count, runs FROM event_state
              JOIN event_cells ON event_cells.id = event_state.id JOIN grid ON grid.id = grid_id
              WHERE event_id = ? ORDER BY event_state.id"""
    rows = connection.execute(text, (number,)).fetchall()
    if not rows:
        raise InputError(f"the event {number} was added without its cells", hint="add(…, cells=True) keeps them")
    found = [_expanded(number, blob, columns) for _, _, columns, blob in rows]
    day = [np.full(len(cell), days.setdefault(row[0], len(days))) for row, cell in zip(rows, found, strict=True)]
    return _Cells(np.concatenate(day), np.concatenate(found), rows[0][1])


def _expanded(number: int, blob: bytes, columns: int) -> np.ndarray:
    """Numbers of the cells of some runs."""
    try:
        runs = _core.decode_cells(blob)
    except (CorruptDataError, EventDatabaseError, TypeError) as error:
        raise EventDatabaseError(f"the cells of event {number} are damaged: {error}") from error
    begin, count = runs["row"].astype("int64") * columns + runs["first"], runs["count"].astype("int64")
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(begin, count) + within


def _areas(connection: sqlite3.Connection, number: int) -> np.ndarray:
    """km² of each cell of a grid."""
    blobs = connection.execute("SELECT latitude, longitude FROM grid WHERE id = ?", (number,)).fetchone()
    latitude, longitude = (np.frombuffer(blob, "<f8") for blob in blobs)
    return np.repeat(_core.grid(latitude, longitude)["area"], len(longitude))

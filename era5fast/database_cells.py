"""Cells of the events of a database, for those that were added with them: compared, read back, and as masks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import _core, event_export
from .catalogue_tables import expand
from .database_file import columns_of, frame
from .database_keys import seconds_of
from .database_query import Filters, ask
from .errors import CorruptDataError, EventDatabaseError, InputError
from .optional import need

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cells", "common_ground", "runs_of", "write_mask"]

_HINT = "add(…, cells=True) keeps them"


def runs_of(blob: bytes, shape: tuple[int, int], number: int) -> dict[str, np.ndarray]:
    """Runs of the cells of an event at one time step: arrays ``row``, ``first`` and ``count``.

    Parameters
    ----------
    blob : bytes
        As the file has them.
    shape : (int, int)
        Rows and columns of the grid.
    number : int
        Id of the event, for the text of an error.

    Raises
    ------
    EventDatabaseError
        If they are damaged or lie beyond the grid.
    """
    try:
        runs = _core.decode_cells(blob)
    except (CorruptDataError, EventDatabaseError, TypeError) as error:
        raise EventDatabaseError(f"the cells of event {number} are damaged: {error}") from error
    beyond = (runs["row"] >= shape[0]) | (runs["first"].astype("int64") + runs["count"] > shape[1])
    if beyond.any():
        raise EventDatabaseError(f"the cells of event {number} are damaged: they lie beyond their grid")
    return runs


# --- ground in common ---


class _Runs(NamedTuple):
    """Stretches of cells, none of which meets another, in order: `begin` belongs to them, `end` does not."""

    begin: np.ndarray
    end: np.ndarray


class _Grid(NamedTuple):
    """Its shape, and km² of a cell of each row."""

    shape: tuple[int, int]
    area: np.ndarray

    @property
    def cells(self) -> int:
        return self.shape[0] * self.shape[1]


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
    grids: dict[int, _Grid] = {}
    stored = _all_runs(connection, np.unique(np.concatenate([a, b])), grids, same_day=same_day)
    ground = np.zeros(len(a))
    for n, pair in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        (first, mine), (second, others) = (stored[number] for number in pair)
        if first != second:
            raise InputError(
                f"the events {pair[0]} and {pair[1]} lie on two grids", hint='how="outline" compares them'
            )
        common, grid = _common(mine, others), grids[first]
        if len(common.begin) > 0:
            ground[n] = _area(_on_the_ground(common, grid), grid)
    return ground


def _all_runs(
    connection: sqlite3.Connection, numbers: np.ndarray, grids: dict[int, _Grid], *, same_day: bool
) -> dict[int, tuple[int, _Runs]]:
    """Event → its grid and its runs: each day on a map of its own, or all days on one."""
    found: dict[int, list[tuple[str, int, bytes]]] = {int(number): [] for number in numbers}
    for number, *row in connection.execute(_STATES, (str(numbers.tolist()),)):
        found[number].append(tuple(row))
    days = {day: n for n, day in enumerate(sorted({row[0] for rows in found.values() for row in rows}))}
    grids.update({grid: _grid(connection, grid) for grid in {row[1] for rows in found.values() for row in rows}})
    stored = {}
    for number, rows in found.items():
        if not rows:
            raise InputError(f"the event {number} was added without its cells", hint=_HINT)
        grid = grids[rows[0][1]]
        parts = [_numbered(runs_of(row[2], grid.shape, number), grid, days[row[0]]) for row in rows]
        runs = _Runs(*(np.concatenate(side) for side in zip(*parts, strict=True)))
        stored[number] = rows[0][1], _joined(runs) if same_day else _on_the_ground(runs, grid)
    return stored


_STATES = """SELECT event_id, day, grid_id, runs FROM event_state JOIN event_cells USING (id)
             WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY event_id, id"""


def _grid(connection: sqlite3.Connection, number: int) -> _Grid:
    latitude, longitude = _axes(connection, number)
    return _Grid((len(latitude), len(longitude)), _core.grid(latitude, longitude)["area"])


def _axes(connection: sqlite3.Connection, number: int) -> tuple[np.ndarray, np.ndarray]:
    blobs = connection.execute("SELECT latitude, longitude FROM grid WHERE id = ?", (number,)).fetchone()
    if blobs is None:
        raise EventDatabaseError(f"event database without the grid {number}", hint="verify() tells more")
    latitude, longitude = (np.frombuffer(blob, "<f8") for blob in blobs)
    return latitude, longitude


def _numbered(runs: dict[str, np.ndarray], grid: _Grid, day: int) -> _Runs:
    begin = day * grid.cells + runs["row"].astype("int64") * grid.shape[1] + runs["first"]
    return _Runs(begin, begin + runs["count"])


def _joined(runs: _Runs) -> _Runs:
    """Stretches in order, those that share cells as one; a row's end and the next one's beginning stay apart."""
    order = np.argsort(runs.begin, kind="stable")
    begin, reach = runs.begin[order], np.maximum.accumulate(runs.end[order])
    new = np.flatnonzero(np.concatenate([[True], begin[1:] >= reach[:-1]])) if len(begin) else order
    return _Runs(begin[new], reach[np.concatenate([new[1:] - 1, [len(begin) - 1]])] if len(begin) else reach)


def _on_the_ground(runs: _Runs, grid: _Grid) -> _Runs:
    """The same without their days; no stretch goes beyond its row, and so none beyond its day."""
    begin = runs.begin % grid.cells
    return _joined(_Runs(begin, begin + (runs.end - runs.begin)))


def _common(one: _Runs, other: _Runs) -> _Runs:
    """Stretches that lie in both."""
    low = np.searchsorted(one.end, other.begin, side="right")
    number = np.maximum(np.searchsorted(one.begin, other.end, side="left") - low, 0)
    mine, theirs = expand(low, number), np.repeat(np.arange(len(number)), number)
    return _Runs(np.maximum(one.begin[mine], other.begin[theirs]), np.minimum(one.end[mine], other.end[theirs]))


def _area(runs: _Runs, grid: _Grid) -> float:
    return float((grid.area[runs.begin // grid.shape[1]] * (runs.end - runs.begin)).sum())


# --- reading back ---


def cells(connection: sqlite3.Connection, number: int) -> pd.DataFrame:
    """All cells of one event, one row each, in order of time, row and column."""
    pd = need("pandas", "tables")
    rows = (
        connection.execute(
            "SELECT time, day, grid_id, runs FROM event_state JOIN event_cells USING (id) WHERE event_id = ?"
            " ORDER BY day, time, id",
            (number,),
        ).fetchall()
        if columns_of(connection, "event_cells")
        else []
    )
    if not rows:
        raise InputError(f"the event {number} was added without its cells", hint=_HINT)
    latitude, longitude = _axes(connection, rows[0][2])
    found = [_indices(runs_of(row[3], (len(latitude), len(longitude)), number)) for row in rows]
    lengths = [len(row) for row, _ in found]
    steps = frame([row[:2] for row in rows], {"time": "DATETIME", "day": "TEXT"})
    row, column = (np.concatenate(side) for side in zip(*found, strict=True))
    places = pd.DataFrame({"row": row, "column": column, "latitude": latitude[row], "longitude": longitude[column]})
    return pd.concat([steps.loc[np.repeat(steps.index, lengths)].reset_index(drop=True), places], axis=1)


def _indices(runs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    row, column = np.repeat(runs["row"], runs["count"]), expand(runs["first"], runs["count"])
    order = np.lexsort((column, row))  # patches come one after the other
    return row[order], column[order]


# --- masks ---


def write_mask(connection: sqlite3.Connection, target: Path, overwrite: bool, filters: Filters) -> Path:
    """Events that pass the filters as netCDF: the id of the event of each cell, on the time steps that have any."""
    question = ask(connection, columns_of(connection, "event"), filters)
    chosen = connection.execute(question.select("id, calendar"), question.values).fetchall()
    if not chosen:
        raise InputError("no event to write a mask of", hint="the filters choose the events")
    numbers = str([number for number, _ in chosen])
    rows = connection.execute(_TO_WRITE, (numbers,)).fetchall() if columns_of(connection, "event_cells") else []
    missing = {number for number, _ in chosen} - {row[1] for row in rows}
    if missing:
        raise InputError(f"the event {min(missing)} was added without its cells", hint=_HINT)
    one = {"calendars": {calendar for _, calendar in chosen}, "grids": {row[4] for row in rows}}
    for what, found in one.items():
        if len(found) > 1:
            raise InputError(f"the events are on {len(found)} {what}", hint="a file has one: choose by kind or place")
    calendar, (latitude, longitude) = chosen[0][1], _axes(connection, rows[0][4])
    steps = np.array([seconds_of(day, stamp, calendar) for _, _, day, stamp, _ in rows], "int64")
    order = np.argsort(steps, kind="stable")
    seconds, first = np.unique(steps[order], return_index=True)
    parts = np.split(order, first[1:])
    shape = len(latitude), len(longitude)

    def labels(begin: int, end: int) -> np.ndarray:
        block = np.full((end - begin, *shape), -1, dtype="int32")
        for step, members in zip(block, parts[begin:end], strict=True):
            _paint(connection, step, [rows[n][:2] for n in members])
        return block

    axes = {"seconds": seconds, "calendar": calendar, "latitude": latitude, "longitude": longitude}
    return event_export.write_mask(labels, axes, {}, target, overwrite=overwrite)


_TO_WRITE = """SELECT event_state.id, event_id, day, time, grid_id FROM event_state JOIN event_cells USING (id)
               WHERE event_id IN (SELECT value FROM json_each(?)) ORDER BY event_id, event_state.id"""


def _paint(connection: sqlite3.Connection, step: np.ndarray, states: Sequence[tuple[int, int]]) -> None:
    """Numbers of the events of one time step into its map."""
    for state, number, blob in _blobs(connection, states):
        cell = _indices(runs_of(blob, (step.shape[0], step.shape[1]), number))
        taken = step[cell]
        if (taken >= 0).any():
            raise InputError(
                f"the events {taken.max()} and {number} share a cell at the same time (state {state})",
                hint="a mask has one event in a cell: choose by kind or diagnostic",
            )
        step[cell] = number


def _blobs(connection: sqlite3.Connection, states: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, bytes]]:
    for state, number in states:
        blob = connection.execute("SELECT runs FROM event_cells WHERE id = ?", (state,)).fetchone()[0]
        yield state, number, blob

"""Is an event database whole: every check that can be made of the file, and what each of them found."""

from __future__ import annotations

import functools
import operator
import re
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import _core, database_keys, database_ranges, geopackage
from .database_cells import runs_of
from .database_file import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    check_place,
    connect,
    quoted,
    taking_turns,
    typed,
)
from .errors import CorruptDataError, Era5FastError, EventDatabaseError
from .geometry import lines, polygons
from .wording import counted

__all__ = ["Check", "Health", "unexpected_triggers", "verify"]

#: Faults of one check that are told.
_TOLD = 20


@dataclass(frozen=True)
class Check:
    """One check of a database.

    Attributes
    ----------
    name : str
        What was looked at.
    faults : tuple of str
        What is wrong with it; nothing if all is well. At most twenty, and how many more there are.
    """

    name: str
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


@dataclass(frozen=True)
class Health:
    """What :meth:`.EventDatabase.verify` found; true when nothing is wrong.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    checks : tuple of Check
        Every check that was made, in order.
    """

    path: Path
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.ok for check in self.checks)

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that is wrong, each with the name of its check."""
        return tuple(f"{check.name}: {fault}" for check in self.checks for fault in check.faults)

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        state = "whole" if self.ok else counted(len(self.faults), "fault")
        lines = [f"<Health of {str(self.path)!r}: {state}>"]
        for check in self.checks:
            lines += [f"  {'ok   ' if check.ok else 'WRONG'} {check.name}", *(f"        {f}" for f in check.faults)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(check.name)}</td><td style='text-align:left'>"
            f"{'<br>'.join(map(escape, check.faults)) or 'ok'}</td></tr>"
            for check in self.checks
        )
        return f"<div><b>Health</b> <code>{escape(str(self.path))}</code><table><tbody>{rows}</tbody></table></div>"


def verify(path: Path, busy_seconds: float, keys: bool) -> Health:
    """Make all checks; what goes wrong in one of them is its fault, and the next one is made."""
    try:
        if not check_place(path):
            return Health(path, (Check("file", ("there is no such file",)),))
        with taking_turns(), typed(path), closing(connect(path, busy_seconds)) as connection:
            checks = {**_CHECKS, **(database_keys.CHECKS if keys else {})}
            return Health(path, tuple(_made(name, check, connection) for name, check in checks.items()))
    except Era5FastError as error:
        return Health(path, (Check("file", (str(error),)),))


def _made(name: str, check: Callable[[sqlite3.Connection], Iterable[str]], connection: sqlite3.Connection) -> Check:
    """One check, within one transaction: nobody's writing comes in between its questions, but between two checks."""
    found: list[str] = []
    more = 0
    try:
        connection.execute("BEGIN")
        for fault in check(connection):
            more += len(found) == _TOLD
            found += [fault] if len(found) < _TOLD else []
    except (sqlite3.Error, Era5FastError, LookupError, TypeError, ValueError, OverflowError, MemoryError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise
        found.append(f"cannot be checked: {error}")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return Check(name, (*found, f"and {more} more") if more else tuple(found))


# --- the file ---


def _header(connection: sqlite3.Connection) -> Iterator[str]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        yield f"the application id is {application}, not that of a GeoPackage"
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not 10200 <= version < 20000:
        yield f"the user version is {version}, not that of a GeoPackage"


def _version(connection: sqlite3.Connection) -> Iterator[str]:
    rows = [row[0] for row in connection.execute("SELECT version FROM era5fast_schema ORDER BY version")]
    if not rows or rows != list(range(1, len(rows) + 1)):
        yield f"the steps of the schema are {rows}"
    elif rows[-1] > SCHEMA_VERSION:
        yield f"version {rows[-1]} is newer than this program, which knows {SCHEMA_VERSION}"


def _pages(connection: sqlite3.Connection) -> Iterator[str]:
    for (text,) in connection.execute("PRAGMA integrity_check"):
        if text != "ok":
            yield str(text)


def _foreign_keys(connection: sqlite3.Connection) -> Iterator[str]:
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} belongs to a row of {parent} that is not there"


# --- the schema ---


_Column = tuple[str, str, int, int, int]


class _Schema(NamedTuple):
    """Columns of the tables, and SQL of indexes and triggers."""

    tables: dict[str, list[_Column]]
    indexes: dict[str, str]
    triggers: dict[str, str]


@functools.cache
def _expected(version: int) -> _Schema:
    """What the steps to a version make of an empty file."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        for number, _, statements in _core.store_schema():
            for statement in statements if number <= version else ():
                fresh.execute(statement)
        names = [n for n in _objects(fresh, "table") if not n.startswith(("rtree_", "sqlite_"))]
        return _Schema(
            {name: _columns(fresh, name) for name in names}, _objects(fresh, "index"), _objects(fresh, "trigger")
        )


def _of_version(connection: sqlite3.Connection) -> _Schema:
    """The schema that a file should have."""
    (version,) = connection.execute("SELECT max(version) FROM era5fast_schema").fetchone()
    return _expected(min(int(version), SCHEMA_VERSION))


def _columns(connection: sqlite3.Connection, table: str) -> list[_Column]:
    rows = connection.execute(f"PRAGMA table_xinfo({quoted([table])})")
    return [(name, kind, needed, key, hidden) for _, name, kind, needed, _, key, hidden in rows]


def _plain(sql: str) -> str:
    """SQL but for blanks, quotes and case: other programs write triggers in their own hand."""
    return re.sub(r"[\s\"]+", "", sql).lower()


def _objects(connection: sqlite3.Connection, kind: str) -> dict[str, str]:
    """Name → SQL of the tables, indexes or triggers that have a text."""
    text = "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL"
    return {name: _plain(sql) for name, sql in connection.execute(text, (kind,))}


def _tables(connection: sqlite3.Connection) -> Iterator[str]:
    real = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE rootpage > 0")}
    for table, wanted in _of_version(connection).tables.items():
        if table not in real:
            yield f"{table} is missing, or no table of its own"
            continue
        there = _columns(connection, table)
        yield from (f"{table}.{column[0]} is not as it should be" for column in wanted if column not in there)
        yield from (f"{table}.{column[0]} is not era5fast's" for column in there if column not in wanted)


def _indexes(connection: sqlite3.Connection) -> Iterator[str]:
    there, wanted = _objects(connection, "index"), _of_version(connection).indexes
    yield from (f"{name} is missing or not as it should be" for name, sql in wanted.items() if there.get(name) != sql)


def _triggers(connection: sqlite3.Connection) -> Iterator[str]:
    there, wanted = set(_objects(connection, "trigger").values()), _of_version(connection).triggers
    yield from (f"{name} is missing or not as it should be" for name, sql in wanted.items() if sql not in there)
    yield from unexpected_triggers(connection)


def unexpected_triggers(connection: sqlite3.Connection) -> Iterator[str]:
    """Triggers that would run, with the rights of whoever writes, and are not those of the spatial index.

    Those on tables of somebody's own do not.
    """
    schema = _of_version(connection)
    text = "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
    for name, table, sql in connection.execute(text):
        ours = str(table).lower() in schema.tables or str(table).lower().startswith("gpkg_")
        if ours and _plain(str(sql)) not in schema.triggers.values():
            yield f"{name} on {table} is not era5fast's"


# --- places ---


def _features(connection: sqlite3.Connection) -> list[str]:
    """Tables with outlines or lines."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE rootpage > 0")]
    return [name for name in ("event", "track") if name in names]


def _spatial_index(connection: sqlite3.Connection) -> Iterator[str]:
    for table in _features(connection):
        index = f"rtree_{table}_geom"
        (told,) = connection.execute(f"SELECT rtreecheck('{index}')").fetchone()
        yield from () if told == "ok" else str(told).splitlines()
        lost = f"SELECT id FROM {table} WHERE geom IS NOT NULL AND id NOT IN (SELECT id FROM {index})"
        yield from (f"{table} {number} is not in the spatial index" for (number,) in connection.execute(lost))
        stray = f"SELECT id FROM {index} WHERE id NOT IN (SELECT id FROM {table} WHERE geom IS NOT NULL)"
        yield from (f"{table} {number} is only in the spatial index" for (number,) in connection.execute(stray))


def _outlines(connection: sqlite3.Connection) -> Iterator[str]:
    """Header, coordinates, and that the box in the header and in the spatial index is that of the outline or path."""
    for table in _features(connection):
        text = f"""SELECT {table}.id, geom, minx, maxx, miny, maxy FROM {table}
                   LEFT JOIN rtree_{table}_geom AS box ON box.id = {table}.id WHERE geom IS NOT NULL"""
        for number, blob, *box in connection.execute(text):
            try:
                faults = list(_of_outline(blob, lines if table == "track" else _rings, box))
            except (CorruptDataError, TypeError, ValueError) as error:
                faults = [str(error)]
            yield from (f"{table} {number}: {fault}" for fault in faults)


def _rings(wkb: bytes) -> list[np.ndarray]:
    return [ring for part in polygons(wkb) for ring in part]


def _of_outline(blob: bytes, parts: Callable[[bytes], list[np.ndarray]], box: list[float | None]) -> Iterator[str]:
    shape = geopackage.wkb(blob)
    points = np.concatenate([np.empty((0, 2)), *(parts(shape) if shape else [])])
    bounds = geopackage.bounds(blob)
    if struct.unpack_from("<i" if blob[3] & 1 else ">i", blob, 4) != (4326,):
        yield "the outline is not in EPSG:4326"
    if len(points) == 0:
        return
    (west, south), (east, north) = points.min(0), points.max(0)
    low_x, high_x, low_y, high_y = (np.nan if edge is None else edge for edge in box)
    if bounds != (west, east, south, north):
        yield "the box in the header of the outline is another one"
    elif low_x > west or high_x < east or low_y > south or high_y < north:
        yield "the box in the spatial index is another one"
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        yield "the outline lies beyond the globe"


# --- cells ---


def _cells(connection: sqlite3.Connection) -> Iterator[str]:
    """Of the events whose cells are in the file: each step can be read, and together they are as many as told."""
    if not _columns(connection, "event_cells"):
        return
    shapes = {
        number: (latitudes // 8, longitudes // 8)
        for number, latitudes, longitudes in connection.execute(
            "SELECT id, length(latitude), length(longitude) FROM grid"
        )
    }
    for (number, told), rows in groupby(connection.execute(_CELLS), operator.itemgetter(0, 1)):
        try:
            parts = [runs_of(blob, shapes.get(grid, (0, 0)), number) for *_, grid, blob in rows]
        except EventDatabaseError as error:
            yield str(error)
            continue
        count = sum(int(runs["count"].sum(dtype="int64")) for runs in parts)
        if count != told:
            yield f"event {number} has {count} cells, not the {told} that its row tells"


_CELLS = """SELECT event_id, event.cells, grid_id, runs FROM event_state INDEXED BY event_state_by_event
            CROSS JOIN event_cells ON event_cells.id = event_state.id
            CROSS JOIN event ON event.id = event_id ORDER BY event_id"""


# --- values ---

#: Declared type → what SQLite may have stored.
_STORED = {
    "INTEGER": "'integer', 'null'",
    "BOOLEAN": "'integer', 'null'",
    "DOUBLE": "'real', 'integer', 'null'",
    "TEXT": "'text', 'null'",
    "DATETIME": "'text', 'null'",
    "BLOB": "'blob', 'null'",
}


def _values(connection: sqlite3.Connection) -> Iterator[str]:
    for table in _of_version(connection).tables:
        terms = {}
        for name, kind, *_ in _columns(connection, table):
            if kind in _STORED:
                terms[f"{table}.{name} is no {kind}"] = f"typeof({quoted([name])}) NOT IN ({_STORED[kind]})"
            if kind == "DATETIME":
                terms[f"{table}.{name} is no time"] = (
                    f"datetime({quoted([name])}) IS NULL AND {quoted([name])} NOTNULL"
                )
        sums = ", ".join(f"coalesce(sum({term}), 0)" for term in terms.values())
        counts = connection.execute(f"SELECT {sums} FROM {table}").fetchone()
        yield from (f"{what} in {n} rows" for what, n in zip(terms, counts, strict=True) if n)


_CHECKS: dict[str, Callable[[sqlite3.Connection], Iterable[str]]] = {
    "header": _header,
    "pages": _pages,
    "version": _version,
    "tables": _tables,
    "indexes": _indexes,
    "triggers": _triggers,
    "foreign keys": _foreign_keys,
    "spatial index": _spatial_index,
    "outlines": _outlines,
    "cells": _cells,
    "values": _values,
    "ranges": database_ranges.faults,
}

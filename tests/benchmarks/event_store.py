"""Events into the database: ours, Python's executemany of the same rows, and pyogrio."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from comparison import Row

import era5fast as e5
from era5fast import _core, geopackage

STATES = 4  # time steps of an event, one run of cells each
INDEX = "rtree_event_geom"


def rows(quick: bool) -> list[Row]:
    """A batch into a new file: every table without the spatial index, and the events with it."""
    count = 2_000 if quick else 100_000
    bench = Bench(count)
    durable, default = "as durable", "its defaults"
    return [
        Row(f"{count:,} events, all tables", f"executemany, {durable}", bench.ours(False), bench.rows(True), _same),
        Row(f"{count:,} events, all tables", f"executemany, {default}", bench.ours(False), bench.rows(False), _same),
        Row(f"{count:,} events with index", f"executemany + triggers, {durable}", bench.ours(True),
            bench.rows(True, index=True), _same),
        Row(f"{count:,} events with index", f"pyogrio, {durable}", bench.ours(True), bench.pyogrio(True), _alike),
        Row(f"{count:,} events with index", f"pyogrio, {default}", bench.ours(True), bench.pyogrio(False), _alike),
    ]  # fmt: skip


class Bench:
    """The events, the rows that they make, and a folder for the files of all rounds."""

    def __init__(self, count: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="event_store_"))
        self._names = (self.folder / f"{i}.gpkg" for i in itertools.count())
        self.outlined, self.plain = _events(count, True), _events(count, False)
        self._prepared = {index: self._rows_of(index) for index in (False, True)}

    def __del__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def ours(self, index: bool) -> Any:
        events = self.outlined if index else self.plain

        def run() -> Path:
            path = next(self._names)
            _add(path, events)
            return path

        return run

    def _rows_of(self, index: bool) -> tuple[Path, list[tuple[str, list[tuple[Any, ...]]]]]:
        """An empty database, and the rows of a full one as tuples: the peer need not make them."""
        full, empty = next(self._names), next(self._names)
        _add(full, self.outlined if index else self.plain)
        _add(empty, _events(0, True))
        with sqlite3.connect(full) as connection:
            tables = [
                (table, connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall())
                for table in ("diagnostic", "grid", "run", "event", "event_state", "event_run")
            ]
        with sqlite3.connect(empty) as connection:
            connection.executescript("DELETE FROM run; DELETE FROM diagnostic; DELETE FROM grid")
        return empty, tables

    def rows(self, durable: bool, *, index: bool = False) -> Any:
        empty, tables = self._prepared[index]

        def run() -> Path:
            path = Path(shutil.copy(empty, next(self._names)))
            connection = sqlite3.connect(path, isolation_level=None)
            geopackage.register(connection)
            if durable:
                connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("BEGIN IMMEDIATE")
            for table, values in tables:
                places = ", ".join("?" * len(values[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({places})", values)
            connection.execute("COMMIT")
            connection.close()
            return path

        return run

    def pyogrio(self, durable: bool) -> Any:
        """The same rows as layers: events with the spatial index, the others as tables."""
        path = next(self._names)
        _add(path, self.outlined)
        layers = ("event", "event_state", "event_run", "run", "diagnostic")
        frames = {layer: pyogrio.read_dataframe(path, layer=layer) for layer in layers}

        def run() -> Path:
            target = next(self._names)
            pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": "FULL" if durable else None})
            try:
                for layer, frame in frames.items():
                    pyogrio.write_dataframe(frame, target, layer=layer, driver="GPKG", append=target.exists())
            finally:
                pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": None})
            return target

        return run


def _add(path: Path, events: Any) -> None:
    what = ("heatwave", "t2m", "K", '{"min_days":3}', "bench", "{}", ())
    _core.store_add(path, events, *what, False, 30.0, None)


def _count(path: Path, table: str) -> int:
    with sqlite3.connect(path) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found


def _same(mine: Path, theirs: Path) -> str:
    for table in ("event", "event_state", "event_run", "run", "grid"):
        with sqlite3.connect(mine) as a, sqlite3.connect(theirs) as b:
            columns = [row[1] for row in a.execute(f"PRAGMA table_info({table})") if row[1] != "added_at"]
            question = f"SELECT {', '.join(columns)} FROM {table} ORDER BY id"
            assert all(x == y for x, y in zip(a.execute(question), b.execute(question), strict=True)), table
    assert _count(mine, INDEX) == _count(theirs, INDEX)
    with sqlite3.connect(mine) as connection:
        assert connection.execute(f"SELECT rtreecheck('{INDEX}')").fetchone() == ("ok",)
    return f"{_count(mine, 'event')} events, {_count(mine, 'event_state')} states, all columns equal"


def _alike(mine: Path, theirs: Path) -> str:
    assert _count(mine, "event") == _count(theirs, "event") == _count(mine, INDEX) == _count(theirs, INDEX)
    assert _count(mine, "event_state") == _count(theirs, "event_state")
    return f"{_count(mine, 'event')} events and boxes, as many states"


def _events(count: int, outlined: bool) -> Any:
    """Events of `STATES` steps all over the world, each with a rectangle for an outline."""
    rng = np.random.default_rng(1)
    latitude, longitude = np.arange(90, -90.1, -0.25), np.arange(-180, 180, 0.25)
    days = count // 100 + STATES
    start = np.sort(rng.integers(0, days - STATES + 1, count))
    row, first = rng.integers(20, 700, count), rng.integers(20, 1400, count)
    west, north = longitude[first] - 0.125, latitude[row] + 0.125
    shapes = shapely.multipolygons(shapely.box(west, north - 0.25, west + 2, north)[:, None])
    wkb = list(shapely.to_wkb(shapes, byte_order=1, flavor="iso")) if outlined else [b""] * count
    sizes = np.array([len(one) for one in wkb], dtype="int64")
    area = rng.uniform(500, 800, count)
    seconds = np.arange(days) * 86400
    empty = _template()
    of_event = {
        "first_run": np.arange(count) * STATES, "runs": np.full(count, STATES),
        "first_state": np.arange(count) * STATES, "states": np.full(count, STATES),
        "start": start, "end": start + STATES - 1, "start_seconds": seconds[start],
        "end_seconds": seconds[start + STATES - 1], "area_max_time": start, "peak_time": start + 1,
        "peak_row": row, "peak_column": first, "cells": np.full(count, 8 * STATES), "volume": area * 4,
        "footprint": area, "area_max": area, "area_mean": area, "peak": rng.uniform(0, 9, count),
        "peak_value": rng.uniform(300, 320, count), "exceedance_mean": rng.uniform(0, 3, count),
        "exceedance_sum": rng.uniform(0, 1e6, count), "latitude": north, "longitude": west, "south": north - 0.25,
        "north": north, "west": west, "east": west + 2, "severity_max": np.full(count, np.nan),
        "outline": np.cumsum(sizes) - sizes, "outline_size": sizes,
    }  # fmt: skip
    event = np.repeat(np.arange(count), STATES)
    time = start[event] + np.arange(count * STATES) % STATES
    of_run = {"time": time, "row": row[event], "first": first[event], "count": np.full(len(time), 8)}
    of_state = {
        "time": time, "area": area[event], "mean": rng.uniform(0, 3, len(time)),
        "maximum": rng.uniform(0, 9, len(time)),
        "latitude": north[event], "longitude": west[event], "south": north[event] - 0.25, "north": north[event],
        "west": west[event], "east": west[event] + 2, "severity_max": np.full(len(time), np.nan),
    }  # fmt: skip
    sizes_of_tables = (count, len(time), len(time), 0, 0)
    given: tuple[dict[str, np.ndarray], ...] = (of_event, of_run, of_state, {}, {})
    tables = tuple(
        {name: columns.get(name, np.zeros(n)).astype(kind) for name, kind in kinds.items()}
        for kinds, columns, n in zip(empty, given, sizes_of_tables, strict=True)
    )
    return _core.events(tables, b"".join(wkb), latitude, longitude, seconds, "standard", 1.0, False, False)


def _template() -> tuple[dict[str, np.dtype[Any]], ...]:
    """Columns of the tables of events and their types."""
    values = np.zeros((3, 2, 2), dtype="float32")
    axes = {"time": np.datetime64("2001-01-01") + np.arange(3), "latitude": [1.0, 0.0], "longitude": [0.0, 1.0]}
    found = e5.find_events(values, above=1.0, progress=False, **axes).core
    tables = (found.table(), found.runs(), found.states(), found.blobs(), found.links())
    return tuple({name: column.dtype for name, column in table.items()} for table in tables)

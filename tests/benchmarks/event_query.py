"""Questions to an event database: a million events, ours against pyogrio.

The file is made through the store, which gives it its schema, and filled by SQL: events of a few days with outlines
of twenty corners, scattered over the globe and over eighty years.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from comparison import Row

import era5fast as e5
from era5fast import geopackage

KINDS = ("heatwave", "cold spell", "storm", "drought")
EUROPE = (-10.0, 35.0, 30.0, 60.0)
SUMMER = ("2003-06-01", "2003-08-31")
DAY = np.timedelta64(1, "D")


def rows(quick: bool) -> list[Row]:
    """The rows of this part."""
    folder = Path(tempfile.mkdtemp(prefix="events-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "events.gpkg"
    events = 50_000 if quick else 1_000_000
    make(path, events)
    db = e5.EventDatabase(path)
    title = f"of {events:,} events"
    return [
        Row(
            f"box and time, {title}",
            "pyogrio bbox, where",
            lambda: db.query(start=SUMMER[0], end=SUMMER[1], bbox=EUROPE, order_by="id"),
            lambda: pyogrio(path, bbox=EUROPE, where=f"end_day >= '{SUMMER[0]}' AND start_day <= '{SUMMER[1]}'"),
            same_events,
        ),
        Row(
            f"box and time, {title}",
            "pyogrio bbox + pandas",
            lambda: db.query(start=SUMMER[0], end=SUMMER[1], bbox=EUROPE, order_by="id"),
            lambda: in_pandas(path),
            same_events,
        ),
        Row(
            f"with outlines, {title}",
            "pyogrio bbox, where",
            lambda: db.query(start=SUMMER[0], end=SUMMER[1], bbox=EUROPE, order_by="id", geometry=True),
            lambda: pyogrio(
                path, True, bbox=EUROPE, where=f"end_day >= '{SUMMER[0]}' AND start_day <= '{SUMMER[1]}'"
            ),
            same_outlines,
        ),
        Row(
            f"ten strongest, {title}",
            "pyogrio, SQL",
            lambda: db.query(kind="heatwave", limit=10),
            lambda: pyogrio(
                path,
                sql="SELECT * FROM event WHERE kind = 'heatwave' ORDER BY cumulative_intensity DESC, id LIMIT 10",
            ),
            same_events,
        ),
    ]


# --- the peer ---


def pyogrio(path: Path, geometry: bool = False, **question: Any) -> Any:
    """Events as pyogrio reads them, by way of GDAL."""
    import pyogrio

    layer = {} if "sql" in question else {"layer": "event"}
    return pyogrio.read_dataframe(path, read_geometry=geometry, fid_as_index=True, **layer, **question)


def in_pandas(path: Path) -> Any:
    """Events of the box, of which pandas keeps those of the season."""
    frame = pyogrio(path, bbox=EUROPE)
    return frame[(frame.end_day >= SUMMER[0]) & (frame.start_day <= SUMMER[1])]


def same_events(ours: Any, theirs: Any) -> str:
    """Both sides found the same events."""
    assert sorted(ours.event_key) == sorted(theirs.event_key)
    assert len(ours) > 0
    a, b = (frame.sort_values("event_key").peak_exceedance.to_numpy() for frame in (ours, theirs))
    np.testing.assert_array_equal(a, b)
    return f"the same {len(ours)} events"


def same_outlines(ours: Any, theirs: Any) -> str:
    """Both sides found the same events with the same outlines."""
    a, b = (frame.sort_values("event_key").geometry.to_wkb() for frame in (ours, theirs))
    assert list(a) == list(b)
    return f"{same_events(ours, theirs)}, with the same outlines"


# --- a large file ---


def make(path: Path, count: int) -> None:
    """Write a database of `count` events."""
    _empty(path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        geopackage.register(connection)
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        columns, values = _table(connection, count)
        places = ", ".join("?" * len(columns))
        connection.executemany(
            f"INSERT INTO event ({', '.join(columns)}) VALUES ({places})", zip(*values, strict=True)
        )
        connection.execute(
            "INSERT INTO rtree_event_geom"
            " SELECT id, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), ST_MaxY(geom) FROM event"
        )
        for _, sql in [*triggers, *indexes]:
            connection.execute(sql)


def _empty(path: Path) -> None:
    """A database with a diagnostic and no events."""
    axes = {
        "time": np.arange(np.datetime64("2003-06-01"), np.datetime64("2003-06-11")),
        "latitude": [1.0, 0.0],
        "longitude": [0.0, 1.0],
    }
    none = e5.find_events(np.zeros((10, 2, 2), "float32"), above=1.0, progress=False, **axes)
    e5.EventDatabase(path).add(none, kind="heatwave")


def _table(connection: sqlite3.Connection, count: int) -> tuple[list[str], list[Any]]:
    """Names of the columns of `event`, and a list of values for each."""
    random = np.random.default_rng(1)
    first = np.datetime64("1940-01-01") + np.sort(random.integers(0, 80 * 365, count)) * DAY
    length = random.geometric(0.25, count)
    longitude, latitude = random.uniform(-170, 170, count), np.degrees(np.arcsin(random.uniform(-0.95, 0.95, count)))
    radius = random.uniform(0.5, 3.0, count)
    texts: Callable[[np.ndarray], list[str]] = lambda days: np.datetime_as_string(days, "D").tolist()  # noqa: E731
    start, end = texts(first), texts(first + (length - 1) * DAY)
    outlines = _outlines(longitude, latitude, radius)
    known: dict[str, Any] = {
        "event_key": [f"{n:064x}" for n in range(count)],
        "diagnostic_id": [1] * count,
        "kind": [KINDS[n] for n in random.integers(0, len(KINDS), count)],
        "variable": ["t2m"] * count,
        "start_time": [f"{day}T00:00:00.000Z" for day in start],
        "end_time": [f"{day}T00:00:00.000Z" for day in end],
        "peak_time": [f"{day}T00:00:00.000Z" for day in start],
        "start_day": start,
        "end_day": end,
        "peak_day": start,
        "calendar": ["proleptic_gregorian"] * count,
        "duration_days": length.tolist(),
        "south": (latitude - radius).tolist(),
        "north": (latitude + radius).tolist(),
        "west": (longitude - radius).tolist(),
        "east": (longitude + radius).tolist(),
        "geom": outlines,
    }
    columns, values = [], []
    for _, name, kind, needed, default, key in connection.execute("PRAGMA table_info(event)"):
        if not key and (name in known or kind == "DOUBLE" or (needed and default is None)):
            columns.append(name)
            values.append(known.get(name) or _filler(kind, count, random))
    return columns, values


def _filler(kind: str, count: int, random: np.random.Generator) -> list[Any]:
    if kind == "DOUBLE":
        return random.gamma(2.0, 10.0, count).tolist()
    return [""] * count if kind in ("TEXT", "DATETIME") else [0] * count


def _outlines(longitude: np.ndarray, latitude: np.ndarray, radius: np.ndarray) -> list[bytes]:
    """Geometries of GeoPackage: stairs round each centre."""
    angle = np.linspace(0, 2 * np.pi, 21)
    angle[-1] = 0
    x = longitude[:, None] + radius[:, None] * np.cos(angle)
    y = latitude[:, None] + radius[:, None] * np.sin(angle)
    ring = np.stack([x, y], axis=2)
    blob = np.zeros(
        len(x),
        [
            ("head", "S4"),
            ("srs", "<i4"),
            ("box", "<f8", 4),
            ("wkb", "S18"),
            ("points", "<u4"),
            ("ring", "<f8", (21, 2)),
        ],
    )
    blob["head"], blob["srs"] = b"GP\0\3", 4326
    blob["box"] = np.stack([x.min(1), x.max(1), y.min(1), y.max(1)], axis=1)
    blob["wkb"] = b"\1\6\0\0\0\1\0\0\0\1\3\0\0\0\1\0\0\0"
    blob["points"], blob["ring"] = 21, ring
    size, everything = blob.dtype.itemsize, blob.tobytes()
    return [everything[at : at + size] for at in range(0, len(everything), size)]

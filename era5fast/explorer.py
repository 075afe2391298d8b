"""One page to explore a database of events in a browser, without any network.

The page is the template ``data/explorer.html`` with the events in it as JSON. Its policy of content lets no script
run but its own, and nothing be fetched; names and definitions out of the database are data, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from . import geopackage
from .coastline import coastline
from .database import EventDatabase
from .database_query import count
from .errors import InputError
from .event_export import replacing
from .progress import Progress
from .thinning import thinned
from .wording import counted, named

__all__ = ["explorer"]

#: Points of all outlines together, daily states of all events, and files named per run: what keeps the page quick.
_POINTS, _STATES, _FILES = 300_000, 120_000, 200

#: Smallest triangles that outlines keep, in square degrees; the first that makes the page small enough is taken.
_TOLERANCES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

#: Key in the page → column of the table ``event``.
_NUMBERS = {
    "duration": "duration_days",
    "peak": "peak_exceedance",
    "mean": "exceedance_mean",
    "intensity": "cumulative_intensity",
    "area": "area_max_km2",
    "footprint": "footprint_km2",
}
_BATCH = 500


def explorer(
    db: EventDatabase,
    path: str | os.PathLike[str],
    *,
    kind: str | None = None,
    start: Any = None,
    end: Any = None,
    bbox: Sequence[float] | None = None,
    diagnostic: int | Sequence[int] | None = None,
    order_by: str | Sequence[str] = "-cumulative_intensity",
    limit: int = 5000,
    title: str | None = None,
    progress: bool = True,
) -> Path:
    """Write one HTML file to explore events: map, timeline, table, filters, and the days and origin of each event.

    The file holds everything it needs and asks no network for anything: it can be opened from a disk, sent by mail or
    put on a server as it is. Map, timeline and table show what the filters let through; an event chosen in one is
    chosen in all. It works with the keyboard, on a phone, and in light or dark as the system is set.

    Parameters
    ----------
    db : EventDatabase
        The database.
    path : path
        File to write; a file of that name is replaced.
    kind, start, end, bbox, diagnostic, order_by
        Which events, as for :meth:`era5fast.EventDatabase.query`.
    limit : int
        How many events at most: the first in the order of `order_by`. The page says how many were left out.
    title : str, optional
        Title of the page.
    progress : bool
        Show a progress bar when it takes long.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    InputError
        If there are no such events, or `db` is no database.
    EventDatabaseError
        If the database cannot be read.
    StorageError
        If the file cannot be written.

    Notes
    -----
    Outlines are thinned by the method of Visvalingam and Whyatt where all of them together have more than 300,000
    points, and the days of the strongest events only are kept where there are more than 120,000; the page says so.

    References
    ----------
    Visvalingam and Whyatt 1993, Cartographic J. 30, 46. Coastline: Natural Earth 1:50m.
    """
    if not isinstance(db, EventDatabase):
        raise InputError(
            f"the explorer shows a database, not {named(db)}", hint="EventDatabase(path).add(events) first"
        )
    if count(limit) < 1:
        raise InputError(f"limit is {limit}, must be positive")
    table = db.query(kind, start, end, bbox, diagnostic=diagnostic, order_by=order_by, limit=limit)
    if len(table) == 0:
        raise InputError("no events to explore", hint="does the query find any? see db.query()")
    with Progress("writing the page", progress) as report:
        there = db.count_by("kind", kind=kind, start=start, end=end, bbox=bbox, diagnostic=diagnostic)
        page = _page(db, table, int(there["events"].sum()), _first_by(order_by), title, report)
    target = Path(os.fsdecode(path)).absolute()
    with replacing(target, overwrite=True) as part:
        part.write_text(page, encoding="utf-8", newline="\n")
    return target


# --- the page ---


def _page(db: EventDatabase, table: Any, found: int, first: str, title: str | None, report: Any) -> str:
    template = files(__package__).joinpath("data", "explorer.html").read_text(encoding="utf-8")
    data, thinning = _data(db, table, report)
    kinds = ", ".join(data["kinds"])
    words = {
        "title": title or f"Events: {kinds[:120]}",
        "summary": _summary(table, found, first, data, thinning),
        "footer": f"Written by era5fast on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from {db.path.name}. Areas in km²; "
        "exceedance: how far values lie beyond their threshold. Coastline: Natural Earth.",
    }
    script = template.rpartition("<script>")[2].partition("</script>")[0]
    style = template.partition("<style>")[2].partition("</style>")[0]
    filled = {name: html.escape(text) for name, text in words.items()}
    filled["policy"] = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    filled["data"] = as_script_data(data)
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], template)


def as_script_data(data: Any) -> str:
    """JSON for a data block of an HTML page: no text in it can end the block, or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _first_by(order_by: str | Sequence[str]) -> str:
    """In words, which events stay where there are too many."""
    first = order_by if isinstance(order_by, str) else (list(order_by) or ["id"])[0]
    column = first.removeprefix("-").replace("_", " ")
    if first.startswith("-"):
        return "the strongest" if column == "cumulative intensity" else f"the ones with the largest {column}"
    return f"the first by {column}"


def _summary(table: Any, found: int, first: str, data: dict[str, Any], thinning: float) -> str:
    parts = [f"{counted(len(table), 'event')}, {min(table['start_day'])} to {max(table['end_day'])}."]
    if len(table) < found:
        parts.append(f"These are {first} of {found:,}; {found - len(table):,} are left out.")
    if len({diagnostic["units"] for diagnostic in data["diagnostics"]}) > 1:
        parts.append("Units differ: exceedance and cumulative intensity compare only events of the same units.")
    if thinning > 0:
        parts.append("Outlines are simplified.")
    without = sum(states is None for states in data["events"]["states"])
    if without:
        parts.append(f"The days of the last {without:,} events are left out.")
    return " ".join(parts)


# --- the data ---


def _data(db: EventDatabase, table: Any, report: Any) -> tuple[dict[str, Any], float]:
    ids = [int(number) for number in table["id"]]
    outlines = _outlines(db, ids, report)
    outlines, thinning = _small_enough(outlines)
    states = _states(db, ids, np.asarray(table["duration_days"], dtype="float64"))
    diagnostics = _diagnostics(db, sorted({int(number) for number in table["diagnostic_id"]}))
    runs, datasets, runs_of = _runs(db, ids)
    place = {row["id"]: i for i, row in enumerate(diagnostics)}
    kinds, calendars = (list(dict.fromkeys(map(str, table[name]))) for name in ("kind", "calendar"))
    events: dict[str, Any] = {name: _rounded(table[column]) for name, column in _NUMBERS.items()}
    events |= {
        "id": ids,
        "key": [str(key) for key in table["event_key"]],
        "kind": [kinds.index(str(name)) for name in table["kind"]],
        "calendar": [calendars.index(str(name)) for name in table["calendar"]],
        "diagnostic": [place[int(number)] for number in table["diagnostic_id"]],
        "start": [_code(text) for text in table["start_day"]],
        "end": [_code(text) for text in table["end_day"]],
        "peak_day": [_code(text) for text in table["peak_day"]],
        "peak_latitude": np.round(np.asarray(table["peak_latitude"], dtype="float64"), 2).tolist(),
        "peak_longitude": np.round(np.asarray(table["peak_longitude"], dtype="float64"), 2).tolist(),
        "box": np.round(table[["west", "south", "east", "north"]].to_numpy("float64"), 2).tolist(),
        "category": _categories(table),
        "censored": [int(flag) for flag in table["censored"]],
        "outline": [[_deltas(ring) for ring in rings] for rings in outlines],
        "states": states,
        "runs": runs_of,
    }
    data = {
        "kinds": kinds,
        "calendars": calendars,
        "diagnostics": diagnostics,
        "runs": runs,
        "datasets": datasets,
        "coastline": [_deltas(line) for line in thinned(coastline(), _coast_tolerance(table), closed=False)],
        "events": events,
    }
    return data, thinning


def _coast_tolerance(table: Any) -> float:
    """A page about a region is looked at closely; one about the globe from afar."""
    height = float(table["north"].max() - table["south"].min())
    return 0.002 if height < 60 else 0.01


def _code(day: Any) -> int:
    """A date of any calendar as one number that sorts: year × 372 + (month − 1) × 31 + day − 1."""
    year, month, number = (int(part) for part in str(day)[:10].split("-"))
    return year * 372 + (month - 1) * 31 + number - 1


def _rounded(values: Any, digits: int = 4) -> list[float | int | None]:
    """Numbers with a few digits; missing ones as null."""
    return [_number(value, digits) for value in np.asarray(values, dtype="float64").tolist()]


def _number(value: float, digits: int) -> float | int | None:
    if not np.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short == int(short) else short


def _categories(table: Any) -> list[int]:
    if "category" not in table:
        return [0] * len(table)
    values = np.nan_to_num(np.asarray(table["category"], dtype="float64"))
    return np.where((values >= 1) & (values <= 4), values, 0).astype("int64").tolist()


def _deltas(line: np.ndarray) -> list[int]:
    """Longitudes and latitudes by turns, in hundredths of a degree, as differences from point to point."""
    whole = np.rint(np.asarray(line) * 100).astype("int64")
    return np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype="int64")).ravel().tolist()


def _batches(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[a : a + _BATCH] for a in range(0, len(ids), _BATCH)]


def _marks(batch: Sequence[int]) -> str:
    return ", ".join("?" * len(batch))


def _outlines(db: EventDatabase, ids: Sequence[int], report: Any) -> list[list[np.ndarray]]:
    """Rings of each event, in the order of the ids."""
    found: dict[int, list[np.ndarray]] = {}
    for number, batch in enumerate(_batches(ids)):
        rows = db.sql(f"SELECT id, geom FROM event WHERE id IN ({_marks(batch)})", batch)
        for event, blob in zip(rows["id"].tolist(), rows["geom"].tolist(), strict=True):
            outline = geopackage.multipolygon(blob)
            parts = outline["coordinates"] if outline else []
            found[int(event)] = [np.array(ring, dtype="float64") for polygon in parts for ring in polygon]
        if report is not None:
            report(min((number + 1) * _BATCH, len(ids)), len(ids), None)
    return [found.get(number, []) for number in ids]


def _small_enough(outlines: list[list[np.ndarray]]) -> tuple[list[list[np.ndarray]], float]:
    """Thin all rings as far as the page needs it; the smallest of an event's go before its largest changes much."""
    owner = np.repeat(np.arange(len(outlines)), [len(rings) for rings in outlines])
    rings = [ring for event in outlines for ring in event]
    tolerance = _TOLERANCES[0]
    for tolerance in _TOLERANCES:
        rings = thinned(rings, tolerance, closed=True)
        if sum(map(len, rings)) <= _POINTS:
            break
    edges = np.searchsorted(owner, np.arange(len(outlines) + 1))
    return [rings[a:b] for a, b in pairwise(edges.tolist())], tolerance


_DAYS = """SELECT event_id, day, area_km2, exceedance_mean, exceedance_max, centroid_latitude, centroid_longitude
           FROM event_state WHERE event_id IN ({}) ORDER BY event_id, day, id"""


def _states(db: EventDatabase, ids: Sequence[int], days: np.ndarray) -> list[dict[str, Any] | None]:
    """Daily states of each event as short columns; None for those that are too many."""
    kept = ids[: int(np.searchsorted(np.cumsum(np.nan_to_num(days)), _STATES, side="right"))]
    found: dict[int, dict[str, Any]] = {}
    for batch in _batches(kept):
        rows = db.sql(_DAYS.format(_marks(batch)), batch)
        found |= _short(rows)
    return [found.get(number) for number in ids]


def _short(rows: Any) -> dict[int, dict[str, Any]]:
    """States of some events, ordered by event, as short columns of each."""
    event = np.asarray(rows["event_id"], dtype="int64")
    code = np.array([_code(day) for day in rows["day"]], dtype="int64")
    columns: dict[str, list[Any]] = {
        "area": _rounded(rows["area_km2"], 3),
        "mean": _rounded(rows["exceedance_mean"], 3),
        "maximum": _rounded(rows["exceedance_max"], 3),
        "latitude": _tenths(rows["centroid_latitude"]),
        "longitude": _tenths(rows["centroid_longitude"]),
    }
    numbers, first = np.unique(event, return_index=True)
    ends = [*first[1:].tolist(), len(event)]
    return {
        number: {
            "day": np.diff(code[a:b], prepend=0).tolist(),
            **{name: column[a:b] for name, column in columns.items()},
        }
        for number, a, b in zip(numbers.tolist(), first.tolist(), ends, strict=True)
    }


def _tenths(values: Any) -> list[int | None]:
    degrees = np.asarray(values, dtype="float64").tolist()
    return [round(value * 10) if np.isfinite(value) else None for value in degrees]


# --- where events come from ---


def _diagnostics(db: EventDatabase, ids: Sequence[int]) -> list[dict[str, Any]]:
    rows = db.sql(f"SELECT id, variable, units, definition FROM diagnostic WHERE id IN ({_marks(ids)})", ids)
    return [
        {
            "id": int(row["id"]),
            "variable": str(row["variable"]),
            "units": str(row["units"]),
            "definition": _spread(str(row["definition"])),
        }
        for row in rows.to_dict("records")
    ]


def _spread(text: str) -> str:
    """JSON as people read it; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=1, ensure_ascii=False)
    except ValueError:
        return text


def _runs(
    db: EventDatabase, ids: Sequence[int]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[list[int]]]:
    """Runs that found the events, the files they read, and the runs of each event."""
    runs_of: dict[int, list[int]] = {}
    for batch in _batches(ids):
        rows = db.sql(f"SELECT event_id, run_id FROM event_run WHERE event_id IN ({_marks(batch)})", batch)
        for event, run in zip(rows["event_id"].tolist(), rows["run_id"].tolist(), strict=True):
            runs_of.setdefault(int(event), []).append(int(run))
    numbers = sorted({run for found in runs_of.values() for run in found})
    runs: list[dict[str, Any]] = []
    datasets: dict[int, int] = {}
    rows_of: list[dict[str, Any]] = []
    for number in numbers:
        run = db.sql("SELECT program, added_at FROM run WHERE id = ?", (number,)).iloc[0]
        read = db.sql(_READ, (number,))
        for row in read.head(_FILES).to_dict("records"):
            if int(row["id"]) not in datasets:
                datasets[int(row["id"])] = len(datasets)
                texts = {name: row[name] for name in ("path", "checksum", "request")}
                rows_of.append({name: str(text) for name, text in texts.items() if isinstance(text, str) and text})
        used = [datasets[int(dataset)] for dataset in read["id"].head(_FILES).tolist()]
        left = max(len(read) - _FILES, 0)
        runs.append({"program": str(run.program), "added_at": str(run.added_at), "datasets": used, "left_out": left})
    place = {number: i for i, number in enumerate(numbers)}
    return runs, rows_of, [[place[run] for run in runs_of.get(event, [])] for event in ids]


_READ = """SELECT dataset.id AS id, path, checksum, request FROM dataset
           JOIN run_dataset ON dataset_id = dataset.id WHERE run_id = ? ORDER BY dataset.id"""

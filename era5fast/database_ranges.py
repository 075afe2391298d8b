"""What the values of an event database can be: ranges of columns, and how the columns of a row go together."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from .conditions import CATEGORIES

__all__ = ["faults"]


class _Rule(NamedTuple):
    """Columns of a table, and what holds of each of them, or of a row; unknown values break no rule."""

    table: str
    columns: str
    holds: str
    told: str


#: Rounding that sums of areas in another order may have.
_NEARLY = "* 1.000001 + 1e-6"
_STEPS = "event_state event_patch"
_ON_GLOBE = "lie between −90 and 90", "lie between −180 and 180"
_IN_ORDER = "the end does not come before the start"
_CATEGORY = f"{{}} BETWEEN 0 AND {len(CATEGORIES)}"
_OF_CATEGORIES = " ".join(f"area_{name}_km2" for name in CATEGORIES)

_IS_OBJECT = "CASE WHEN json_valid({}) THEN json_type({}) = 'object' ELSE 0 END"

_RULES = (
    _Rule("event event_state track", "south north", "{} BETWEEN -90 AND 90", _ON_GLOBE[0]),
    _Rule("event event_state track", "west east", "{} BETWEEN -180 AND 180", _ON_GLOBE[1]),
    _Rule("event event_state track", "", "south <= north", "south is not north of north"),
    _Rule("event", "peak_latitude centroid_latitude", "{} BETWEEN -90 AND 90", _ON_GLOBE[0]),
    _Rule("event", "peak_longitude centroid_longitude", "{} BETWEEN -180 AND 180", _ON_GLOBE[1]),
    _Rule(_STEPS, "centroid_latitude", "{} BETWEEN -90 AND 90", _ON_GLOBE[0]),
    _Rule(_STEPS, "centroid_longitude", "{} BETWEEN -180 AND 180", _ON_GLOBE[1]),
    _Rule("track_point", "latitude", "{} BETWEEN -90 AND 90", _ON_GLOBE[0]),
    _Rule("track_point", "longitude", "{} BETWEEN -180 AND 180", _ON_GLOBE[1]),
    _Rule(
        "event",
        f"area_max_km2 area_mean_km2 footprint_km2 volume_km2_days {_OF_CATEGORIES}",
        "{} >= 0",
        "are not negative",
    ),
    _Rule("event_state", f"area_km2 {_OF_CATEGORIES}", "{} >= 0", "are not negative"),
    _Rule("event track", "path_km displacement_km", "{} >= 0", "are not negative"),
    _Rule("event_patch", "area_km2 number", "{} >= 0", "are not negative"),
    _Rule("event_link", "overlap_km2", "{} >= 0", "are not negative"),
    _Rule("event", "merges splits", "{} >= 0", "are not negative"),
    _Rule("track", "duration_hours mean_speed", "{} >= 0", "are not negative"),
    _Rule("track_point", "step_km speed", "{} >= 0", "are not negative"),
    _Rule("dataset download", "size_bytes", "{} >= 0", "are not negative"),
    _Rule("run", "events steps", "{} >= 0", "are not negative"),
    _Rule("event", "cells patches duration_steps duration_days", "{} > 0", "are positive"),
    _Rule("track", "points", "{} > 0", "are positive"),
    _Rule("event event_state", "category", _CATEGORY, f"are 0 to {len(CATEGORIES)}"),
    _Rule("event", "side", "{} IN ('above', 'below')", "are above or below"),
    _Rule("track_point", "direction", "{} BETWEEN 0 AND 360", "lie between 0 and 360"),
    _Rule(
        "event",
        "touches_edge crosses_seam touches_pole censored censored_start censored_end",
        "{} IN (0, 1)",
        "are 0 or 1",
    ),
    _Rule("event run track", "", "start_day <= end_day", _IN_ORDER),
    # Dates that the Gregorian calendar lacks become the last day of their month, with their hours.
    _Rule("event run track", "", "substr(start_time, 1, 10) <= substr(end_time, 1, 10)", _IN_ORDER),
    _Rule("event", "", "peak_day BETWEEN start_day AND end_day", "the peak lies between start and end"),
    _Rule("event", "", f"area_mean_km2 <= area_max_km2 {_NEARLY}", "the mean area is not larger than the largest"),
    _Rule("event", "", f"area_max_km2 <= footprint_km2 {_NEARLY}", "no area is larger than the footprint"),
    _Rule("event track", "", f"displacement_km <= path_km {_NEARLY}", "the displacement is not longer than the path"),
    _Rule("event event_state", "", f"severity_mean <= severity_max {_NEARLY}", "no mean is larger than the largest"),
    _Rule("track", "", "value_min <= value_max", "the smallest value is not larger than the largest"),
    _Rule("diagnostic", "definition", _IS_OBJECT, "are JSON objects"),
    _Rule("run", "libraries", "json_valid({})", "are JSON"),
    _Rule("grid", "", "length(latitude) = 8 * row_count", "there is one latitude for each row"),
    _Rule("grid", "", "length(longitude) = 8 * column_count", "there is one longitude for each column"),
)


def faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Rules that rows break, with their number; each table is read once."""
    for table in sorted({table for rule in _RULES for table in rule.table.split()}):
        known = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
        rules = dict(_of_table(table, known))
        if not rules:
            continue
        sums = ", ".join(f"coalesce(sum(NOT ({condition})), 0)" for condition in rules.values())
        counts = connection.execute(f"SELECT {sums} FROM {table}").fetchone()
        yield from (f"{told}, but not in {n} rows" for told, n in zip(rules, counts, strict=True) if n)


def _of_table(table: str, known: set[str]) -> Iterator[tuple[str, str]]:
    """Rules of a table as (what is told, condition); those of columns that older files lack are left out."""
    for rule in _RULES:
        if table not in rule.table.split():
            continue
        if not rule.columns and _names(rule.holds) <= known:
            yield f"{table}: {rule.told} ({rule.holds.removesuffix(_NEARLY).strip()})", rule.holds
        for name in rule.columns.split():
            if name in known:
                yield f"{table}.{name}: values {rule.told}", rule.holds.replace("{}", name)


def _names(condition: str) -> set[str]:
    """Columns in a condition of a row."""
    return set(re.findall(r"\b[a-z]\w*\b(?!\()", condition))

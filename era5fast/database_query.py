"""What users pass to an event database: questions as SQL with bound values, sources as rows."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from .canonical import canonical
from .database_file import quoted
from .errors import InputError

# --- questions ---

_DAY = re.compile(r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:[T ].*)?")


def day(date: Any) -> str:
    """Year, month or day as the beginning of an ISO date."""
    match = _DAY.fullmatch(str(date))
    if match is None:
        raise InputError(f"not a date: {date!r}", hint='write "2003-06-15", "2003-06" or "2003"')
    return match[1]


def count(limit: int) -> int:
    """A number of rows."""
    number = operator.index(limit)
    if number < 0:
        raise InputError(f"limit is {number}, must not be negative")
    return number


def order(order_by: str | Sequence[str], columns: Container[str]) -> str:
    """ORDER BY for names of columns, ``-`` in front of those that go down; the id makes it definite."""
    terms = []
    for term in [order_by] if isinstance(order_by, str) else list(order_by):
        name = term.removeprefix("-")
        if name not in columns:
            raise InputError(f"no column {name!r} to sort by", hint="take one that query() gives")
        terms.append(f"{quoted([name])} {'DESC' if term.startswith('-') else 'ASC'} NULLS LAST")
    return ", ".join([*terms, "id"])


def meets(bbox: Sequence[float]) -> tuple[str, dict[str, float]]:
    """Condition that an event's box meets (west, south, east, north), and its values.

    The index, which knows nothing of boxes across the antimeridian, finds candidates; the columns decide.
    """
    try:
        west, south, east, north = (float(edge) for edge in bbox)
    except (TypeError, ValueError) as error:
        raise InputError(f"bbox is {bbox!r}, must be (west, south, east, north) in degrees") from error
    if not (-90 <= south <= north <= 90 and -360 <= west <= 360 and -360 <= east <= 360):
        raise InputError(f"bbox is {bbox!r}, must be (west, south, east, north) in degrees")
    conditions, values = [], {"south": south, "north": north}
    for number, (left, right) in enumerate(_arcs(west, east)):
        values |= {f"west{number}": left, f"east{number}": right}
        conditions.append(_MEETS.format(n=number))
    return f"south <= :north AND north >= :south AND ({' OR '.join(conditions)})", values


_MEETS = """(
    id IN (SELECT id FROM rtree_event_geom
           WHERE minx <= :east{n} AND maxx >= :west{n} AND miny <= :north AND maxy >= :south)
    AND CASE WHEN west <= east THEN west <= :east{n} AND east >= :west{n}
             ELSE west <= :east{n} OR east >= :west{n} END)"""


def _arcs(west: float, east: float) -> list[tuple[float, float]]:
    """The longitudes from west to east as one or two intervals within −180 … 180."""
    if east - west >= 360:
        return [(-180.0, 180.0)]
    left = (west + 180) % 360 - 180
    right = left + (east - west) % 360
    return [(left, right)] if right <= 180 else [(left, 180.0), (-180.0, right - 360)]


# --- sources ---

Source = str | os.PathLike[str] | Mapping[str, Any]


def source_row(source: Source) -> tuple[str, int, str, str]:
    """(path, size or −1, checksum, request) as the core takes them."""
    known: dict[str, Any] = dict(source) if isinstance(source, Mapping) else {"path": source}
    if "path" not in known or set(known) - {"path", "size", "checksum", "request"}:
        raise InputError(f"a source has a path and may have size, checksum and request, not {sorted(known)}")
    path = os.fsdecode(known["path"])
    size = known.get("size")
    if size is None:
        size = os.path.getsize(path) if os.path.isfile(path) else -1
    request = known.get("request") or ""
    text = request if isinstance(request, str) else canonical(request)
    return path.encode("utf-8", "replace").decode(), int(size), str(known.get("checksum") or ""), text

"""GeoPackage geometries in Python: blobs as coordinates, and the SQL functions that a GeoPackage's triggers call."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable
from typing import Any

from .errors import CorruptDataError
from .geometry import polygons

__all__ = ["bounds", "multipolygon", "register", "wkb"]

#: Bytes of the envelope, by its code in the flags; the other codes are invalid.
_ENVELOPE = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_HEADER = 8
_EMPTY = 0x10

Bounds = tuple[float, float, float, float]


def _split(blob: bytes) -> tuple[bool, bytes, bytes]:
    """(little endian header, envelope, WKB) of a blob; both parts are b"" when the geometry is empty."""
    if len(blob) < _HEADER or blob[:3] != b"GP\0" or (blob[3] >> 1 & 7) not in _ENVELOPE:
        raise CorruptDataError("not a GeoPackage geometry")
    little = bool(blob[3] & 1)
    if blob[3] & _EMPTY:
        return little, b"", b""
    end = _HEADER + _ENVELOPE[blob[3] >> 1 & 7]
    if len(blob) <= end:
        raise CorruptDataError(f"damaged geometry of {len(blob)} bytes")
    return little, blob[_HEADER:end], blob[end:]


def wkb(blob: bytes) -> bytes | None:
    """Well-known binary of a value of the column ``geom``; None when the geometry is empty.

    Raises
    ------
    CorruptDataError
        If the blob is damaged.
    """
    return _split(blob)[2] or None


def multipolygon(blob: bytes | None) -> dict[str, Any] | None:
    """Outline of an event as GeoJSON.

    Parameters
    ----------
    blob : bytes or None
        A value of the column ``geom``.

    Returns
    -------
    dict or None
        A GeoJSON ``MultiPolygon`` in degrees, longitude first; None when there is no outline.

    Raises
    ------
    CorruptDataError
        If the blob is damaged or holds something else.
    """
    shape = None if blob is None else wkb(blob)
    if shape is None:
        return None
    parts = [[[(float(x), float(y)) for x, y in ring] for ring in polygon] for polygon in polygons(shape)]
    return {"type": "MultiPolygon", "coordinates": parts}


def bounds(blob: bytes) -> Bounds | None:
    """(min x, max x, min y, max y), or None for an empty geometry."""
    little, envelope, shape = _split(blob)
    if envelope:
        min_x, max_x, min_y, max_y = struct.unpack_from("<4d" if little else ">4d", envelope)
        return min_x, max_x, min_y, max_y
    points = [point for polygon in polygons(shape) for ring in polygon for point in ring] if shape else []
    if not points:
        return None
    x, y = [float(point[0]) for point in points], [float(point[1]) for point in points]
    return min(x), max(x), min(y), max(y)


def _answer(place: int | None) -> Callable[[Any], float | bool | None]:
    def function(blob: Any) -> float | bool | None:
        try:
            found = bounds(blob) if isinstance(blob, bytes) else None
        except CorruptDataError:
            return None
        if place is None:
            return found is None if isinstance(blob, bytes) else None
        return None if found is None else found[place]

    return function


_FUNCTIONS = {"ST_IsEmpty": None, "ST_MinX": 0, "ST_MaxX": 1, "ST_MinY": 2, "ST_MaxY": 3}


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions it needs to write to the table ``event``.

    The spatial index of a GeoPackage is kept by triggers, which call functions that SQLite itself does not have.
    Reading and deleting work without them; inserting and updating rows of ``event`` do not. The other tables need
    nothing.

    Parameters
    ----------
    connection : sqlite3.Connection
        Connection of your own to an event database.
    """
    for name, place in _FUNCTIONS.items():
        connection.create_function(name, 1, _answer(place), deterministic=True)

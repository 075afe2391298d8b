"""Well-known binary: the outlines of events and the paths of tracks as arrays."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from .errors import CorruptDataError

#: One polygon: its outer ring and its holes, each an (n, 2) array of longitude and latitude.
Polygon = list[np.ndarray]
Part = TypeVar("Part")

_LINE, _POLYGON, _MULTILINE, _MULTIPOLYGON = 2, 3, 5, 6


def polygons(wkb: bytes) -> list[Polygon]:
    """Polygons of a little-endian WKB multipolygon.

    Parameters
    ----------
    wkb : bytes
        ISO WKB without any header of a container.

    Raises
    ------
    CorruptDataError
        If the bytes are something else, or cut.
    """
    return _parts(wkb, _MULTIPOLYGON, _polygon)


def lines(wkb: bytes) -> list[np.ndarray]:
    """Lines of a little-endian WKB multilinestring, each an (n, 2) array of longitude and latitude.

    Parameters
    ----------
    wkb : bytes
        ISO WKB without any header of a container.

    Raises
    ------
    CorruptDataError
        If the bytes are something else, or cut.
    """
    return _parts(wkb, _MULTILINE, _line)


def is_path(wkb: bytes) -> bool:
    """Whether WKB says of itself that it is a multilinestring."""
    return wkb[1:5] == struct.pack("<I", _MULTILINE)


def _parts(wkb: bytes, wanted: int, read: Callable[[bytes, int], tuple[Part, int]]) -> list[Part]:
    """What a collection holds; `read` gives one part and where the next one begins."""
    try:
        kind, count = struct.unpack_from("<xII", wkb)
        if wkb[0] != 1 or kind != wanted:
            raise CorruptDataError(f"not a little-endian {'multipolygon' if wanted == _MULTIPOLYGON else 'path'}")
        offset, parts = 9, []
        for _ in range(count):
            part, offset = read(wkb, offset)
            parts.append(part)
        return parts
    except (struct.error, ValueError, IndexError) as error:
        raise CorruptDataError(f"damaged geometry: {error}") from error


def _points(wkb: bytes, offset: int) -> tuple[np.ndarray, int]:
    (points,) = struct.unpack_from("<I", wkb, offset)
    found = np.frombuffer(wkb, "<f8", 2 * points, offset + 4).reshape(points, 2)
    return found, offset + 4 + 16 * points


def _line(wkb: bytes, offset: int) -> tuple[np.ndarray, int]:
    if struct.unpack_from("<xI", wkb, offset) != (_LINE,):
        raise CorruptDataError("a path holds something else than lines")
    return _points(wkb, offset + 5)


def _polygon(wkb: bytes, offset: int) -> tuple[Polygon, int]:
    kind, rings = struct.unpack_from("<xII", wkb, offset)
    if kind != _POLYGON:
        raise CorruptDataError("a multipolygon holds something else than polygons")
    offset += 9
    polygon = []
    for _ in range(rings):
        ring, offset = _points(wkb, offset)
        polygon.append(ring)
    return polygon, offset

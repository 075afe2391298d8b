"""Well-known binary: the outlines of events as arrays."""

from __future__ import annotations

import struct

import numpy as np

from .errors import CorruptDataError

#: One polygon: its outer ring and its holes, each an (n, 2) array of longitude and latitude.
Polygon = list[np.ndarray]

_POLYGON, _MULTIPOLYGON = 3, 6


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
    try:
        kind, count = struct.unpack_from("<xII", wkb)
        if wkb[0] != 1 or kind != _MULTIPOLYGON:
            raise CorruptDataError("not a little-endian multipolygon")
        offset, parts = 9, []
        for _ in range(count):
            part, offset = _polygon(wkb, offset)
            parts.append(part)
        return parts
    except (struct.error, ValueError, IndexError) as error:
        raise CorruptDataError(f"damaged geometry: {error}") from error


def _polygon(wkb: bytes, offset: int) -> tuple[Polygon, int]:
    kind, rings = struct.unpack_from("<xII", wkb, offset)
    if kind != _POLYGON:
        raise CorruptDataError("a multipolygon holds something else than polygons")
    offset += 9
    polygon = []
    for _ in range(rings):
        (points,) = struct.unpack_from("<I", wkb, offset)
        ring = np.frombuffer(wkb, "<f8", 2 * points, offset + 4).reshape(points, 2)
        polygon.append(ring)
        offset += 4 + 16 * points
    return polygon, offset

"""The events nearest to a place: along the great circle to their outlines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from . import geopackage
from .database_file import columns_of, frame, quoted
from .database_query import Filters, ask
from .database_region import Box, longitudes
from .errors import CorruptDataError, EventDatabaseError, InputError
from .geometry import polygons
from .points import great_circle

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["distance", "nearest", "place_of"]

#: Radius of the sphere in km, as for the areas of events.
RADIUS = 6371.0


def nearest(connection: sqlite3.Connection, place: tuple[float, float], n: int, filters: Filters) -> pd.DataFrame:
    """The `n` nearest events, looked for in circles that grow until they hold enough of them."""
    columns = columns_of(connection, "event")
    found: dict[int, float] = {}
    for radius in _radii():
        question = ask(connection, columns, filters)
        if radius < 180:
            question.within(_around(*place, radius))
        question.terms.append("geom IS NOT NULL")
        if found:  # what a smaller circle had is known
            question.terms.append(f"id NOT IN (SELECT value FROM json_each({question.bind(str([*found]))}))")
        rows = connection.execute(question.select("id, geom"), question.values).fetchall()
        found |= {number: _distance_to(blob, place, number) for number, blob in rows}
        near = sum(km <= np.radians(radius) * RADIUS for km in found.values())
        if near >= n or radius == 180:
            break
    order = sorted((km, number) for number, km in found.items())[:n]
    return _table(connection, columns, order)


def _radii() -> Iterator[float]:
    """Degrees: 1, 3, 9, 27, 81, all."""
    yield from (1.0, 3.0, 9.0, 27.0, 81.0, 180.0)


def place_of(latitude: float, longitude: float) -> tuple[float, float]:
    """Latitude and longitude in degrees, checked."""
    try:
        place = float(latitude), float(longitude)
    except (TypeError, ValueError) as error:
        raise InputError(f"not a place: {latitude!r}, {longitude!r}", hint="latitude comes first") from error
    if not (-90 <= place[0] <= 90 and -360 <= place[1] <= 360):
        raise InputError(f"not a place: {place[0]}, {place[1]}", hint="latitude comes first, both in degrees")
    return place


def _around(latitude: float, longitude: float, radius: float) -> Box:
    """A box that holds the circle of a radius in degrees."""
    south, north = max(-90.0, latitude - radius), min(90.0, latitude + radius)
    if south == -90 or north == 90:
        return Box(south, north, [(-180.0, 180.0)])
    reach = np.degrees(np.arcsin(min(1.0, np.sin(np.radians(radius)) / np.cos(np.radians(latitude)))))
    return Box(south, north, longitudes(longitude - float(reach), longitude + float(reach)))


def _table(connection: sqlite3.Connection, columns: dict[str, str], order: list[tuple[float, int]]) -> pd.DataFrame:
    rows = []
    for km, number in order:
        row = connection.execute(f"SELECT {quoted(columns)} FROM event WHERE id = ?", (number,)).fetchone()
        rows.append((km, *row))
    return frame(rows, {"distance_km": "DOUBLE", **columns})


# --- from a place to an outline ---


def _distance_to(blob: bytes, place: tuple[float, float], number: int) -> float:
    try:
        shape = geopackage.wkb(blob)
        rings = [] if shape is None else [ring for polygon in polygons(shape) for ring in polygon]
    except (CorruptDataError, TypeError) as error:
        raise EventDatabaseError(f"the outline of event {number} is damaged: {error}") from error
    return distance(rings, *place)


def distance(rings: list[np.ndarray], latitude: float, longitude: float) -> float:
    """Kilometres along the great circle from a place to an area; 0 inside, infinite where there is no area.

    Parameters
    ----------
    rings : list of numpy.ndarray
        Rings of all polygons and holes, (n, 2): degrees of longitude and latitude. Edges follow meridians or
        parallels, as those of cells do; of others only the ends count.
    latitude, longitude : float
        The place, in degrees.
    """
    starts = np.concatenate([ring[:-1] for ring in rings]) if rings else np.empty((0, 2))
    ends = np.concatenate([ring[1:] for ring in rings]) if rings else np.empty((0, 2))
    if len(starts) == 0:
        return np.inf
    if _inside(starts, ends, latitude, longitude):
        return 0.0
    x0, y0 = longitude + (starts[:, 0] - longitude + 180) % 360 - 180, starts[:, 1]
    x1, y1 = x0 + (ends[:, 0] - starts[:, 0]), ends[:, 1]
    # On a meridian the nearest point is the foot of the great circle, on a parallel the one of the same longitude.
    turn = np.radians(x0 - longitude)
    foot = np.degrees(np.arctan2(np.sin(np.radians(latitude)), np.cos(np.radians(latitude)) * np.cos(turn)))
    points = [(x0, y0), (x0, np.where(x0 == x1, np.clip(foot, np.minimum(y0, y1), np.maximum(y0, y1)), y0))]
    west, east = np.minimum(x0, x1), np.maximum(x0, x1)
    points += [(np.where(y0 == y1, np.clip(longitude + t, west, east), x0), y0) for t in (-360, 0, 360)]
    return float(min(great_circle(y, x, latitude, longitude).min() for x, y in points))


def _inside(starts: np.ndarray, ends: np.ndarray, latitude: float, longitude: float) -> bool:
    """Whether a ray to the east meets the rings an odd number of times."""
    x = (longitude + 180) % 360 - 180
    (x0, y0), (x1, y1) = starts.T, ends.T
    crosses = (y0 > latitude) != (y1 > latitude)
    with np.errstate(divide="ignore", invalid="ignore"):
        where = x0 + (latitude - y0) / (y1 - y0) * (x1 - x0)
    return bool(np.count_nonzero(crosses & (where > x)) % 2)

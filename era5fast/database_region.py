"""Where a question looks for events: boxes and polygons, on either side of the antimeridian."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, geopackage
from .errors import CorruptDataError, EventDatabaseError, InputError
from .optional import need
from .regions import Regions
from .wording import named

if TYPE_CHECKING:
    import pandas as pd
    from shapely import Geometry

__all__ = ["Box", "Region", "box_of", "geometries", "longitudes", "meeting", "region_of", "shapely", "with_outlines"]


@dataclass(frozen=True)
class Box:
    """Degrees; `arcs` are the longitudes as one or two intervals within −180 … 180."""

    south: float
    north: float
    arcs: list[tuple[float, float]]

    @property
    def share(self) -> float:
        """Share of the map that it covers."""
        return (self.north - self.south) / 180 * sum(east - west for west, east in self.arcs) / 360


def box_of(bbox: Sequence[float]) -> Box:
    """The box (west, south, east, north); west greater than east means across the antimeridian."""
    try:
        west, south, east, north = (float(edge) for edge in bbox)
    except (TypeError, ValueError) as error:
        raise InputError(f"bbox is {bbox!r}, must be (west, south, east, north) in degrees") from error
    if not (-90 <= south <= north <= 90 and -360 <= west <= 360 and -360 <= east <= 360):
        raise InputError(f"bbox is {bbox!r}, must be (west, south, east, north) in degrees")
    if west - east >= 360 and (west, east) != (180, -180):
        hint = "the whole circle is -180 to 180, or 0 to 360"
        raise InputError(f"bbox is {bbox!r}: its west lies a whole circle east of its east", hint=hint)
    return Box(south, north, longitudes(west, east))


def longitudes(west: float, east: float) -> list[tuple[float, float]]:
    """The longitudes from west to east as one or two intervals within −180 … 180."""
    if east - west >= 360:
        return [(-180.0, 180.0)]
    left = (west + 180) % 360 - 180
    right = left + (east - west) % 360
    return [(left, right)] if right <= 180 else [(left, 180.0), (-180.0, right - 360)]


# --- polygons ---


@dataclass(frozen=True)
class Region:
    """A polygon within −180 … 180, and boxes that hold it."""

    shape: Geometry
    boxes: list[Box]


def region_of(polygon: Any) -> Region:
    """A region out of whatever describes polygons.

    Parameters
    ----------
    polygon : shapely geometry, GeoJSON mapping, WKT, Regions, or anything with ``__geo_interface__``
        Polygons in degrees of longitude and latitude, in any convention of longitude.

    Raises
    ------
    InputError
        If it is no polygon, is not valid, or shapely is missing.
    """
    library = shapely()
    whole = library.union_all([_checked(part) for part in _parts(polygon)])
    world = library.box(-180, -90, 180, 90)
    pieces = [library.intersection(_turned(whole, turn), world) for turn in (-360, 0, 360)]
    pieces = [piece for piece in pieces if piece.area > 0]
    if not pieces:
        raise InputError("the polygon covers nothing of the globe", hint="longitude comes first in polygons")
    bounds = [piece.bounds for piece in pieces]
    south, north = min(edges[1] for edges in bounds), max(edges[3] for edges in bounds)
    return Region(library.union_all(pieces), [Box(south, north, [(edges[0], edges[2]) for edges in bounds])])


def _turned(shape: Geometry, degrees: int) -> Geometry:
    return shapely().transform(shape, lambda points: points + np.array([degrees, 0.0])) if degrees else shape


def _parts(polygon: Any) -> list[Any]:
    library = shapely()
    if isinstance(polygon, str):
        try:
            return [library.from_wkt(polygon)]
        except library.errors.ShapelyError as error:
            raise InputError(
                f"not WKT: {error}", hint='WKT looks like "POLYGON ((0 40, 10 40, 5 50, 0 40))"'
            ) from error
    if isinstance(polygon, Regions):
        return [_cells(polygon)]
    if getattr(polygon, "crs", None) is not None and hasattr(polygon, "to_crs"):
        polygon = polygon.to_crs(4326)
    data = polygon if isinstance(polygon, Mapping) else getattr(polygon, "__geo_interface__", None)
    if not isinstance(data, Mapping):
        raise InputError(f"{named(polygon)} is no polygon", hint="pass a polygon of shapely, GeoJSON or WKT")
    features = data.get("features", [data])
    try:
        return [library.geometry.shape(feature.get("geometry", feature)) for feature in features]
    except (library.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"not GeoJSON: {error}") from error


def _cells(regions: Regions) -> Geometry:
    """All cells that touch one of the regions."""
    grid = _core.grid(regions.latitude, regions.longitude)
    row, column = np.divmod(np.unique(regions.cell), len(regions.longitude))
    west = regions.longitude[0] + (column - 0.5) * grid["step"]
    edge = grid["edge"]
    low, high = np.minimum(edge[row], edge[row + 1]), np.maximum(edge[row], edge[row + 1])
    cells: Geometry = shapely().union_all(shapely().box(west, low, west + grid["step"], high))
    return cells


def _checked(part: Any) -> Any:
    library = shapely()
    if part.geom_type not in ("Polygon", "MultiPolygon"):
        raise InputError(f"a {part.geom_type} is no polygon", hint="only polygons cover ground; buffer() makes them")
    if not part.is_valid:
        reason = library.is_valid_reason(part)
        raise InputError(f"the polygon is not valid: {reason}", hint="shapely.make_valid mends it")
    return part


def meeting(region: Region, rows: Sequence[tuple[int, bytes | None]]) -> list[int]:
    """Ids of the events whose outline meets a region."""
    library = shapely()
    library.prepare(region.shape)
    met = library.intersects(region.shape, geometries(blob for _, blob in rows))
    return [number for (number, _), meets in zip(rows, met, strict=True) if meets]


def geometries(blobs: Iterable[bytes | None]) -> Any:
    """Outlines as an array of shapely's geometries, with None where there is none.

    Raises
    ------
    EventDatabaseError
        If one of them is damaged.
    """
    library = shapely()
    try:
        return library.from_wkb([None if blob is None else geopackage.wkb(blob) for blob in blobs])
    except (CorruptDataError, library.errors.ShapelyError, TypeError) as error:
        raise EventDatabaseError(f"an outline is damaged: {error}", hint="verify() tells which") from error


def with_outlines(table: pd.DataFrame, blobs: Sequence[bytes | None]) -> Any:
    """A table of events as a GeoDataFrame."""
    geopandas = need("geopandas", "outlines in a table")
    return geopandas.GeoDataFrame(table, geometry=geometries(blobs), crs=4326)


def shapely() -> Any:
    """The package shapely."""
    shapely = need("shapely", "polygons")
    return shapely

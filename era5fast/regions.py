r"""Regions: polygons on a grid, with the cells at their borders cut exactly, and numbers for each of them.

A region is a polygon, or several, whose edges are straight in longitude and latitude, as GeoJSON says. The cells of a
grid are cut by it with shapely; the area of what lies inside is then exact on the sphere: along an edge from
:math:`(λ_1, φ_1)` to :math:`(λ_2, φ_2)` the area below it is

.. math:: R^2 \int \sin φ \, dλ = R^2 (λ_2 - λ_1) \frac{\cos φ_1 - \cos φ_2}{φ_2 - φ_1}.
"""

from __future__ import annotations

import errno
import functools
import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from . import _core, attributes, units
from .chunked.arrays import is_lazy, outline
from .chunked.blocks import map_along
from .errors import InputError, StorageError
from .field import Field, as_field, as_maps, check_maps, one_variable
from .notebook_table import table
from .optional import need
from .progress import Progress
from .several import is_list

if TYPE_CHECKING:
    from shapely import Geometry

__all__ = ["Regions", "polygon_area", "regional"]

#: Radius of the sphere in km, as for the areas of events.
RADIUS = 6371.0
#: In the order of the core's enum.
_STATISTICS = ("mean", "sum", "max", "min", "share_above", "share_below")
#: Title and units of the axis of a list; thresholds may be texts with units of their own.
_AXES = {
    "statistic": ("Statistic of the region", None),
    "threshold": ("Threshold", None),
    "min_share": ("Share of the region that must have values", "1"),
}
#: Of those that are not in the units of the data.
_UNITS = {"sum": "x km2", "share_above": "1", "share_below": "1"}
_NAME_COLUMNS = ("name", "NAME", "NAME_EN", "ADMIN", "id")
_FEW, _SHOWN = 5, 12  # regions by name, and in a notebook


@dataclass(frozen=True)
class Regions:
    """Which cells of a grid lie in which region, wholly or in part.

    Attributes
    ----------
    names : tuple of str
        One per region.
    first : numpy.ndarray
        Cells ``first[r]`` to ``first[r + 1] - 1`` of the lists belong to region `r`.
    cell : numpy.ndarray
        Indices into a map, row by row.
    weight : numpy.ndarray
        km² of the cell that lie inside the region.
    beyond : numpy.ndarray
        km² of each region that lie outside the grid.
    latitude, longitude : numpy.ndarray
        The grid, in degrees.
    """

    names: tuple[str, ...]
    first: np.ndarray
    cell: np.ndarray
    weight: np.ndarray
    beyond: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray

    @classmethod
    def from_polygons(
        cls, polygons: Any, latitude: Any, longitude: Any, *, names: Iterable[str] | str | None = None
    ) -> Self:
        """Cut the cells of a grid by polygons.

        Parameters
        ----------
        polygons : GeoDataFrame, GeoSeries, shapely geometries, mapping of names to geometries, GeoJSON, or path
            Polygons in degrees of longitude and latitude, in any convention of longitude; across 180° they go on
            beyond it (``170 … 190``) or come in two parts. A path is a GeoJSON file, or whatever geopandas reads.
        latitude, longitude : array
            Axes of the grid, in degrees; cells reach half way to their neighbours, on the outermost rows at most to
            the poles.
        names : str or sequence of str, optional
            Names of the regions, or the column that holds them.

        Raises
        ------
        InputError
            If something is no polygon, is invalid, lies outside the grid, or a name is given twice.
        StorageError
            If a file cannot be read; MissingFileError if there is none.

        Notes
        -----
        The part of a cell inside a region is cut with shapely in the plane of longitude and latitude, and its area
        is that on a sphere of 6371 km. The areas of regions that tile the globe add up to :math:`4 π R^2`.
        """
        latitude, longitude = (np.atleast_1d(np.asarray(axis, dtype="float64")) for axis in (latitude, longitude))
        named = _named(polygons, names)
        grid = _Grid(latitude, longitude)
        cell, weight = zip(*(grid.cut(name, geometry) for name, geometry in named), strict=True)
        return cls(
            tuple(name for name, _ in named),
            np.cumsum([0, *map(len, cell)]),
            np.concatenate(cell),
            np.concatenate(weight),
            np.array([_beyond(geometry, inside) for (_, geometry), inside in zip(named, weight, strict=True)]),
            latitude,
            longitude,
        )

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        named = ", ".join(self.names[:_FEW]) + (", …" if len(self) > _FEW else "")
        return f"<Regions: {len(self)} on {len(self.latitude)} × {len(self.longitude)} cells: {named}>"

    def _repr_html_(self) -> str:
        """Table for notebooks: the first regions."""
        counts = np.diff(self.first).tolist()
        rows = list(zip(self.names, counts, self.areas().tolist(), self.beyond.tolist(), strict=True))[:_SHOWN]
        more = [f"and {len(self) - _SHOWN:,} more"] * (len(self) > _SHOWN)
        about = f"{len(self):,} on {len(self.latitude)} × {len(self.longitude)} cells"
        return table("Regions", about, rows, ("region", "cells", "km² on the grid", "km² beyond it"), more)

    def areas(self) -> np.ndarray:
        """km² of each region that lie on the grid."""
        return np.array([self.weight[a:b].sum() for a, b in zip(self.first, self.first[1:], strict=False)])

    def mask(self, region: str | int) -> np.ndarray:
        """Share of each cell that lies in a region, as a map."""
        r = region if isinstance(region, int) else self._index(region)
        share = np.zeros((len(self.latitude), len(self.longitude)))
        chosen = slice(self.first[r], self.first[r + 1])
        share.flat[self.cell[chosen]] = self.weight[chosen]
        return share / _core.grid(self.latitude, self.longitude)["area"][:, None]

    def _index(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"no region is called {name!r}", hint=f"they are: {', '.join(self.names[:20])}")
        return self.names.index(name)


# --- from polygons to cells ---


class _Grid:
    """Boxes of a grid, ready to be cut."""

    def __init__(self, latitude: np.ndarray, longitude: np.ndarray) -> None:
        described = _core.grid(latitude, longitude)
        self.edge, self.step, self.area = described["edge"], described["step"], described["area"]
        # Eastward without a jump, so that a column lies between its own edges.
        self.west = longitude[0] + np.arange(len(longitude)) * self.step - self.step / 2

    def cut(self, name: str, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
        """Cells of a region, and km² of each inside it."""
        shapely = _shapely()
        inside = np.zeros((len(self.area), len(self.west)))
        west, _, east, _ = shapely.bounds(geometry)
        turns = range(
            int(np.floor((self.west[0] - east) / 360)), int(np.ceil((self.west[-1] + self.step - west) / 360)) + 1
        )
        for turn in turns:
            self._add(shapely.transform(geometry, functools.partial(np.add, (turn * 360.0, 0.0))), inside)
        cell = np.flatnonzero(inside)
        if len(cell) == 0:
            raise InputError(f"the region {name} lies outside the grid", hint="longitude comes first in polygons")
        # Two copies of a polygon may touch, rounding must not make a cell larger than it is.
        return cell, np.minimum(inside.flat[cell], self.area[cell // len(self.west)])

    def _add(self, geometry: Geometry, inside: np.ndarray) -> None:
        shapely = _shapely()
        west, south, east, north = shapely.bounds(geometry)
        low, high = np.minimum(self.edge[:-1], self.edge[1:]), np.maximum(self.edge[:-1], self.edge[1:])
        rows = np.flatnonzero((low < north) & (high > south))
        columns = np.flatnonzero((self.west < east) & (self.west + self.step > west))
        if len(rows) == 0 or len(columns) == 0:
            return
        r, c = (index.ravel() for index in np.meshgrid(rows, columns, indexing="ij"))
        boxes = shapely.box(self.west[c], low[r], self.west[c] + self.step, high[r])
        shapely.prepare(geometry)
        whole = shapely.contains(geometry, boxes)
        inside[r[whole], c[whole]] = self.area[r[whole]]
        border = ~whole & shapely.intersects(geometry, boxes)
        parts = shapely.intersection(boxes[border], geometry)
        inside[r[border], c[border]] += [polygon_area(part) for part in parts]


def polygon_area(geometry: Geometry) -> float:
    """km² on the sphere of polygons whose edges are straight in longitude and latitude."""
    total = 0.0
    for polygon in getattr(geometry, "geoms", [geometry]):
        if polygon.geom_type == "Polygon" and not polygon.is_empty:
            rings = [polygon.exterior, *polygon.interiors]
            sizes = [abs(_below(np.radians(np.asarray(ring.coords)))) for ring in rings]
            total += sizes[0] - sum(sizes[1:])
    return total * RADIUS**2


def _beyond(geometry: Geometry, inside: np.ndarray) -> float:
    """km² of a polygon that no cell covers; what is left of rounding is nothing."""
    whole = polygon_area(geometry)
    rest = whole - float(inside.sum())
    return rest if rest > 1e-9 * whole else 0.0


def _below(ring: np.ndarray) -> float:
    """Integral of sin φ dλ around a ring: its area on the unit sphere, with the sign of its sense."""
    (lon, lat), (east, north) = ring[:-1].T, ring[1:].T
    middle, half = (lat + north) / 2, (north - lat) / 2
    # (cos φ1 − cos φ2) / (φ2 − φ1) = sin of the middle × sin(half)/half, which has no 0/0.
    return float(np.sum((east - lon) * np.sin(middle) * np.sinc(half / np.pi)))


# --- from whatever the user has to polygons ---


@functools.cache
def _shapely() -> Any:
    return need("shapely", "regions")


def _named(polygons: Any, names: Iterable[str] | str | None) -> list[tuple[str, Geometry]]:
    found = _read(polygons, names if isinstance(names, str) else None)
    if names is not None and not isinstance(names, str):
        given = [str(name) for name in names]
        if len(given) != len(found):
            raise InputError(f"{len(given)} names for {len(found)} regions")
        found = list(zip(given, (geometry for _, geometry in found), strict=True))
    if not found:
        raise InputError("no region is given")
    seen: set[str] = set()
    for name, geometry in found:
        if name in seen:
            raise InputError(f"two regions are called {name}", hint="merge them, or pass names=")
        seen.add(name)
        _check(name, geometry)
    return found


def _check(name: str, geometry: Any) -> None:
    shapely = _shapely()
    if not isinstance(geometry, shapely.Geometry) or geometry.geom_type not in ("Polygon", "MultiPolygon"):
        raise InputError(
            f"the region {name} is no polygon but {getattr(geometry, 'geom_type', type(geometry).__name__)}"
        )
    if geometry.is_empty:
        raise InputError(f"the region {name} is empty")
    if not geometry.is_valid:
        raise InputError(
            f"the region {name} is invalid: {shapely.is_valid_reason(geometry)}", hint="shapely.make_valid mends it"
        )


def _read(polygons: Any, column: str | None) -> list[tuple[str, Any]]:
    """Names and geometries of any form of polygons."""
    shapely = _shapely()
    if isinstance(polygons, str | os.PathLike):
        return _of_file(os.fspath(polygons), column)
    if hasattr(polygons, "geometry") and hasattr(polygons, "to_crs"):
        return _of_geopandas(polygons, column)
    if isinstance(polygons, shapely.Geometry):
        return [("region", polygons)]
    if isinstance(polygons, Mapping):
        if "type" in polygons:
            return _of_geojson(polygons, column)
        return [(str(name), _geometry(value)) for name, value in polygons.items()]
    if isinstance(polygons, Sequence | np.ndarray):
        return [(str(i), _geometry(value)) for i, value in enumerate(polygons)]
    raise InputError(f"cannot make regions of {type(polygons).__name__}", hint="pass polygons of shapely, or a path")


def _geometry(value: Any) -> Any:
    return _shapely().geometry.shape(value) if isinstance(value, Mapping) else value


def _of_file(path: str, column: str | None) -> list[tuple[str, Any]]:
    if path.lower().endswith((".json", ".geojson")):
        try:
            with open(path, encoding="utf-8") as file:
                return _of_geojson(json.load(file), column)
        except ValueError as error:
            raise InputError(f"{path}: not GeoJSON: {error}") from error
        except OSError as error:
            raise _unreadable(path, error.errno or 0) from error
    if not os.path.exists(path):
        raise _unreadable(path, errno.ENOENT)
    geopandas = need("geopandas", f"{path}: files of polygons", "GeoJSON does without it")
    return _of_geopandas(geopandas.read_file(path), column)


def _unreadable(path: str, number: int) -> StorageError:
    return StorageError(f"cannot read {path}: {os.strerror(number)}", target=path).at(number, path)


def _of_geojson(data: Mapping[str, Any], column: str | None) -> list[tuple[str, Any]]:
    if data.get("type") == "FeatureCollection":
        features = data.get("features", [])
    else:
        features = [data if data.get("type") == "Feature" else {"geometry": data, "properties": {}}]
    properties = [{"id": feature.get("id"), **(feature.get("properties") or {})} for feature in features]
    keys = [column] if column else [key for key in _NAME_COLUMNS if any(p.get(key) for p in properties)]
    if column and not all(column in p for p in properties):
        raise InputError(f"the features have no property {column!r}")
    names = [next((p[key] for key in keys if p.get(key)), i) for i, p in enumerate(properties)]
    shapes = [_geometry(feature.get("geometry")) for feature in features]
    return [(str(name), shape) for name, shape in zip(names, shapes, strict=True)]


def _of_geopandas(frame: Any, column: str | None) -> list[tuple[str, Any]]:
    if frame.crs is not None:
        frame = frame.to_crs(4326)
    columns = list(getattr(frame, "columns", ()))
    if column is not None and column not in columns:
        raise InputError(f"no column is called {column!r}", hint=f"they are: {', '.join(map(str, columns))}")
    column = column or next((key for key in _NAME_COLUMNS if key in columns), None)
    names = frame.index if column is None else frame[column]
    return [(str(name), geometry) for name, geometry in zip(names, frame.geometry, strict=True)]


# --- numbers ---


def regional(
    x: Any,
    regions: Any,
    statistic: str | Sequence[str] = "mean",
    *,
    threshold: float | str | Sequence[float | str] | None = None,
    min_share: float | Sequence[float] = 0.5,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    progress: bool = True,
) -> Any:
    """Reduce maps over time to one series per region.

    Parameters
    ----------
    x : DataArray, ndarray or paths (time, latitude, longitude)
        Field over time; files are read once, block by block, whatever their size.
    regions : Regions, or polygons as :meth:`Regions.from_polygons` takes them
        The regions; make them once when they are used for several fields.
    statistic : {'mean', 'sum', 'max', 'min', 'share_above', 'share_below'} or a list of them, default mean
        Area-weighted mean; sum of value × km²; extremes over all cells that touch the region; or the share of the
        region's area that lies above (below) a threshold. Those of a list have the same units.
    threshold : float or str, or a list of them, optional
        For the shares, in the units of `x`, or text like ``"30 degC"``; the comparison is strict, in the precision of
        `x`. Those of a list are labels as they are, but all numbers in the units of `x` where one is a number.
    min_share : float or a list of them, default 0.5
        Share of a region's area, also of what lies outside the grid, that must have values for a result; missing
        values are left out. All combinations of lists are computed in one read.
    time, latitude, longitude, calendar : optional
        Axes of an ndarray.
    variable : str, optional
        Variable of the files.
    progress : bool, default True
        Show progress of long runs.

    Returns
    -------
    DataArray or ndarray (time, region)
        With a dimension in front for each list. float64; units of `x`, of the sum those times km², of the shares 1.

    Raises
    ------
    InputError
        If regions lie outside the grid or were made for another one, or a parameter is out of range.
    """
    asked = _Questions(statistic, threshold, min_share)
    x = as_maps(one_variable(x, variable))
    field = as_field(
        outline(x) if is_lazy(x) else x,
        time=time,
        latitude=latitude,
        longitude=longitude,
        calendar=calendar,
        variable=variable,
    )
    rows, columns = field.grid()
    check_maps(field)
    sets = asked.sets(field)
    found = _on(regions, rows, columns)
    if is_lazy(x):
        rules = {"statistic": statistic, "threshold": threshold, "min_share": min_share, "progress": False}
        call_of_block = functools.partial(_of_block, found, rules)
        return map_along(call_of_block, {"x": x}, name="regional", dim=field.time_name())
    with Progress("regional", progress) as shown, field.reading():
        values = _core.regional(
            field.source,
            found.first,
            found.cell,
            found.weight,
            found.beyond,
            sets,
            shown,
        )
    values = values.reshape(*(len(given) for given in asked.lists.values()), *values.shape[1:])
    call = {**asked.call(), "regions": list(found.names)}
    return _labelled(values, field, found, asked, call) if field.labelled else values


class _Questions:
    """What is asked of regions: all combinations of statistics, thresholds and shares.

    Attributes
    ----------
    statistics : list of str
        One, or several in the same units.
    lists : dict of str to list
        Those that were given as lists, in the order of their dimensions.

    Raises
    ------
    InputError
        If one of them is out of range, or they do not go together.
    """

    def __init__(self, statistic: Any, threshold: Any, min_share: Any) -> None:
        given = {"statistic": statistic, "threshold": threshold, "min_share": min_share}
        self.lists = {name: _items(value) for name, value in given.items() if is_list(value)}
        if empty := [name for name, values in self.lists.items() if not values]:
            raise InputError(f"{empty[0]} is an empty list")
        for name, values in self.lists.items():
            _check_different(name, values)
        self._values = {name: self.lists.get(name, [value]) for name, value in given.items()}
        self.statistics = [str(each) for each in self._values["statistic"]]
        for each in self._values["statistic"]:
            if not isinstance(each, str) or each not in _STATISTICS:
                raise InputError(f"statistic is {each!r}, must be one of: {' '.join(_STATISTICS)}")
        if len({_UNITS.get(each, "x") for each in self.statistics}) > 1:
            raise InputError(
                f"the statistics {', '.join(self.statistics)} have different units", hint="make a call for each unit"
            )
        if any((limit is not None) != self.statistics[0].startswith("share") for limit in self._values["threshold"]):
            raise InputError("a threshold goes with the statistics share_above and share_below")
        if None in self.lists.get("threshold", []):
            raise InputError("a list of threshold holds numbers or texts, and this one None")
        for each in self._values["min_share"]:
            if not isinstance(each, Real) or not 0 <= float(each) <= 1:
                raise InputError(f"min_share is {each}, must be 0 to 1")

    def sets(self, field: Field) -> list[tuple[int, float, float]]:
        """Number of the statistic, threshold in the units of the data, and share of each combination."""
        limits = [0.0 if limit is None else _limit(limit, field) for limit in self._values["threshold"]]
        if "threshold" in self.lists:
            _check_different("threshold", self.axis("threshold", field)[0])
        numbers = [_STATISTICS.index(each) for each in self.statistics]
        return list(itertools.product(numbers, limits, map(float, self._values["min_share"])))

    def axis(self, name: str, field: Field) -> tuple[list[Any], str | None]:
        """Labels of a list and their units; of thresholds the texts, or numbers in the units of the data."""
        given, unit = self.lists[name], _AXES[name][1]
        if name != "threshold" or all(isinstance(each, str) for each in given):
            return given, unit
        unit = units.of(field.attrs)
        difference = unit is not None and field.is_difference()
        return [_limit(each, field) for each in given], f"delta {unit}" if difference else unit

    def call(self) -> dict[str, Any]:
        """As a definition has it."""
        values = {**self._values, "min_share": [float(share) for share in self._values["min_share"]]}
        return {name: each if name in self.lists else each[0] for name, each in values.items()}


def _items(values: Any) -> list[Any]:
    """A list whose numbers are those of Python, as definitions have them."""
    return [each.item() if isinstance(each, np.generic) else each for each in values]


def _check_different(name: str, values: list[Any]) -> None:
    if twice := [each for i, each in enumerate(values) if each in values[:i]]:
        raise InputError(f"{name} holds {twice[0]!r} twice", hint="each of a list is a label of the result")


def _limit(given: Any, field: Field) -> float:
    """A threshold in the units of the data."""
    return units.quantity(given, units.of(field.attrs), "threshold", difference=field.is_difference())


def _of_block(found: Regions, rules: dict[str, Any], operands: dict[str, Any]) -> Any:
    return regional(**operands, regions=found, **rules)


def _on(given: Any, latitude: np.ndarray, longitude: np.ndarray) -> Regions:
    if not isinstance(given, Regions):
        return Regions.from_polygons(given, latitude, longitude)
    if not (np.array_equal(given.latitude, latitude) and np.array_equal(given.longitude, longitude)):
        raise InputError(
            "the regions were made for another grid", hint="make them with the latitude and longitude of the data"
        )
    return given


def _coordinate(name: str, labels: list[Any], unit: str | None) -> tuple[str, np.ndarray, dict[str, Any]]:
    return name, np.asarray(labels), attributes.of_result(_AXES[name][0], unit)


def _labelled(values: np.ndarray, field: Field, found: Regions, asked: _Questions, call: dict[str, Any]) -> Any:
    import xarray as xr

    first, several = asked.statistics[0], len(asked.statistics) > 1
    share, total = first.startswith("share"), first == "sum"
    unit = units.of(field.attrs)
    unit = "1" if share else attributes.product(unit or "1", "km2") if total else unit
    if not (share or total) and unit is not None and field.is_difference():
        unit = f"delta {unit}"
    step = "" if share or several else f"area: {attributes.method(first)}"
    name = field.attrs.get("long_name", field.name)
    beyond = "beyond" if several else first.removeprefix("share_")
    limit = "thresholds" if "threshold" in asked.lists else call["threshold"]
    attrs = attributes.of_result(
        f"Share of the region: {name} {beyond} {limit}" if share else str(name),
        unit,
        inputs=[field.attrs],
        standard_name=None if share or total else "x",
        cell_methods=attributes.compose(field.attrs.get("cell_methods"), step),
        definition={"diagnostic": "regional", **call, "x": field.made_by()},
    )
    time = field.time_name()
    coords = {
        **{name: _coordinate(name, *asked.axis(name, field)) for name in asked.lists},
        **field.coords_of_time(),
        "region": ("region", list(found.names), attributes.of_axis("region")),
        "area": ("region", found.areas(), {"units": "km2", "long_name": "area of the region on the grid"}),
    }
    result = xr.DataArray(
        values, coords=coords, dims=(*asked.lists, time, "region"), name=field.name or None, attrs=attrs
    )
    return attributes.tidy_coordinates(result)

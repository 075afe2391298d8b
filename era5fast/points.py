"""Points: distances on the globe, and series at the places of stations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, attributes
from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, find_axis
from .batches import elementwise
from .chunked.arrays import refuse_expression
from .coordinates import Cells, cells_around, degrees
from .dataarrays import as_dataarray
from .errors import InputError
from .field import plain
from .memory import check_room
from .progress import Progress
from .sources import is_paths

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["distance_matrix", "great_circle", "sample"]

#: Bytes of maps that are read at once.
_BLOCK_BYTES = 16 << 20


# --- distances ---


def great_circle(lat1: Any, lon1: Any, lat2: Any, lon2: Any) -> Any:
    """Great-circle distance between points, on a sphere of radius 6371.0 km.

    The four operands are broadcast as in any function of NumPy.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : float, str, array or DataArray
        Degrees, or text like ``"47°30'N"``; longitudes in any convention.

    Returns
    -------
    float, numpy.ndarray or DataArray
        km; NaN where a coordinate is NaN.

    Raises
    ------
    InputError
        If a latitude is beyond ±90°, a longitude beyond ±720°, or the shapes do not fit each other.

    Notes
    -----
    The squares of sine and cosine of half the angle are both found without cancellation, so neighbours and antipodes
    have as many good digits as all others.

    Examples
    --------
    >>> round(great_circle(52.52, 13.405, 48.8566, 2.3522), 1)  # Berlin to Paris
    877.5
    """
    given = (lat1, lon1, lat2, lon2)
    if any(hasattr(value, "dims") and hasattr(value, "coords") for value in given):
        import xarray as xr

        given = tuple(refuse_expression(value) for value in given)
        try:
            result = xr.apply_ufunc(
                _broadcast_distance, *given, dask="parallelized", output_dtypes=["float64"], keep_attrs=True
            )
        except InputError:
            raise
        except ValueError as error:  # other lengths, or other coordinates
            raise InputError(f"coordinates do not fit each other: {error}") from error
        result.attrs = attributes.of_result("Great-circle distance", "km", definition={"diagnostic": "great_circle"})
        return attributes.tidy_coordinates(result.rename("distance"))
    return _broadcast_distance(*given)


great_circle.native_batch = elementwise(great_circle)  # type: ignore[attr-defined]


def _broadcast_distance(*given: Any) -> Any:
    axes = ("latitude", "longitude") * 2
    numbers = [_known_degrees(value, axis) for value, axis in zip(given, axes, strict=True)]
    try:
        together = np.broadcast_arrays(*numbers)
    except ValueError as error:
        shapes = ", ".join(str(number.shape) for number in numbers)
        raise InputError(f"coordinates of shapes {shapes} do not fit each other") from error
    result = _core.great_circle(*(values.ravel() for values in together)).reshape(together[0].shape)
    return result if result.ndim else float(result)


def _known_degrees(values: Any, axis: str) -> np.ndarray:
    """Degrees in which NaN may stand for what is not known."""
    array = plain(values)
    if array.dtype.kind != "f" or not np.isnan(array).any():
        return degrees(values, axis)
    return np.where(np.isnan(array), np.nan, degrees(np.nan_to_num(array), axis))


def distance_matrix(lat: Any, lon: Any, lat2: Any = None, lon2: Any = None, *, progress: bool = True) -> np.ndarray:
    """Great-circle distances between all points of one or two lists, on a sphere of radius 6371.0 km.

    Parameters
    ----------
    lat, lon : array of n
        Degrees, or text like ``"47°30'N"``.
    lat2, lon2 : array of m, optional
        Points of a second list; the first one when left out.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    numpy.ndarray
        (n, m), float64, km.

    Raises
    ------
    InputError
        If there are not as many latitudes as longitudes, or they are out of range.
    ResultTooLargeError
        If the result needs more than a quarter of the memory.

    Examples
    --------
    >>> distance_matrix([0, 0], [0, 90]).round(1)
    array([[    0. , 10007.5],
           [10007.5,     0. ]])
    """
    if (lat2 is None) != (lon2 is None):
        raise InputError("the second list has only one of latitude and longitude")
    first = _list_of_points(lat, lon)
    second = first if lat2 is None else _list_of_points(lat2, lon2)
    shape = (len(first[0]), len(second[0]))
    check_room("the distance matrix", shape, np.dtype("float64"), hint="take fewer points at once")
    with Progress("distance_matrix", progress) as callback:
        return _core.distance_matrix(*first, *second, callback)


def _list_of_points(lat: Any, lon: Any) -> tuple[np.ndarray, np.ndarray]:
    latitude = np.atleast_1d(degrees(lat, "latitude"))
    longitude = np.atleast_1d(degrees(lon, "longitude"))
    if latitude.shape != longitude.shape or latitude.ndim != 1:
        raise InputError(
            f"latitudes of shape {latitude.shape} and longitudes of shape {longitude.shape}",
            hint="one latitude and one longitude for each point, in lists",
        )
    return latitude, longitude


# --- series at stations ---


def sample(
    x: Any,
    latitude: Any,
    longitude: Any,
    method: str = "nearest",
    *,
    axes: tuple[Any, Any] | None = None,
    outside: str = "error",
    skipna: bool = False,
    variable: str | None = None,
    progress: bool = True,
) -> Any:
    """Take the series at the places of stations out of maps.

    Parameters
    ----------
    x : DataArray, ndarray or paths (..., latitude, longitude)
        Maps, usually over time. Of files, and of arrays that are not in memory, only what is needed is read; what
        dask would compute stays lazy.
    latitude, longitude : float, str or array of n
        Places of the stations in degrees, or text like ``"47°30'N"``; longitudes in any convention. A Series or a
        one-dimensional DataArray also gives the result the names of the stations.
    method : {"nearest", "bilinear"}
        The cell in which the station lies (on a border the one to the north and east), or linear in latitude and
        longitude between the four cells around it.
    axes : pair of arrays, optional
        Latitudes and longitudes of the grid, for a plain array.
    outside : {"error", "nan"}
        What becomes of stations that are outside of the grid.
    skipna : bool
        Bilinear: leave missing cells out and make up for their weights; False gives NaN. Cells without weight never
        matter.
    variable : str, optional
        Variable to take, when `x` names files that hold several.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    DataArray or ndarray (station, ...)
        A ndarray for a plain array; float32 for float32 maps and whole numbers of up to 16 bits, else float64. A
        single place takes the dimension away. ``latitude`` and ``longitude`` are those of the stations,
        ``cell_latitude`` and ``cell_longitude`` those of the nearest cells.

    Raises
    ------
    InputError
        If a station is outside of the grid, a coordinate cannot be read, or axes are not known or not in order.

    Notes
    -----
    A cell reaches half way to the next one; bilinear sampling ends at the outermost rows and columns. Columns that go
    round the globe are joined at their seam, and beyond the last row towards a pole the same row on the other side of
    the globe is the neighbour. What is within 0.00002° of a row or column is on it, as axes may have been rounded to
    single precision.
    """
    if str(method) not in ("nearest", "bilinear"):
        raise InputError(f"method must be nearest or bilinear, not {method!r}")
    if str(outside) not in ("error", "nan"):
        raise InputError(f"outside must be error or nan, not {outside!r}")
    lats, lons = _list_of_points(latitude, longitude)
    labelled = hasattr(x, "dims") or is_paths(x)
    x = as_dataarray(x, variable) if labelled else x
    maps = _Maps.of_array(x) if labelled else _Maps.of_plain(x, axes)
    cells = cells_around(*maps.axes, lats, lons, method)
    _check_inside(cells, lats, lons, maps, outside)
    if labelled and x.chunks is not None:
        result = _sample_lazily(x, maps, cells, skipna)
    else:
        with Progress("sample", progress) as callback:
            result = _sample_now(maps, cells, skipna, callback)
    single = np.ndim(latitude) == 0
    if not labelled:
        return result[0] if single else result
    call = {"method": method, "outside": outside, "skipna": bool(skipna), "stations": len(lats)}
    return _label(result, x, maps, cells, (latitude, longitude), (lats, lons), call)


class _Maps:
    """Maps that can be read in parts.

    Attributes
    ----------
    axes : tuple of numpy.ndarray
        Latitudes and longitudes, degrees.
    dims : tuple of str
        Names of latitude and longitude; empty for a plain array.
    shape : tuple of int
        Lengths of all other dimensions.
    dtype : numpy.dtype
        Of the result.
    chunks : tuple of int
        Rows and columns that are best read together.
    """

    def __init__(self, array: Any, axes: tuple[np.ndarray, np.ndarray], dims: tuple[str, ...] = ()) -> None:
        self.axes = axes
        self.dims = dims
        self.shape = tuple(array.shape[:-2])
        self.in_memory = isinstance(array, np.ndarray)
        self._array = array
        if array.dtype.kind not in "fiu":
            raise InputError(f"cannot sample an array of type {array.dtype}")
        small = array.dtype.itemsize <= 2 if array.dtype.kind in "iu" else array.dtype.itemsize <= 4
        self.dtype = np.dtype("float32" if small else "float64")
        hints = {} if self.in_memory else array.encoding.get("preferred_chunks", {})
        lengths = tuple(len(axis) for axis in axes)
        self.chunks = tuple(int(hints.get(dim, n)) for dim, n in zip(dims or ("", ""), lengths, strict=True))

    @classmethod
    def of_plain(cls, x: Any, axes: Any) -> _Maps:
        """Maps of a plain array."""
        array = plain(x)
        if not isinstance(axes, tuple | list) or len(axes) != 2:
            raise InputError("the grid is not known", hint="pass axes=(latitudes, longitudes), or a DataArray")
        rows, columns = (np.atleast_1d(degrees(axis, name)) for axis, name in zip(axes, _AXES, strict=True))
        if array.ndim < 2 or array.shape[-2:] != (*rows.shape, *columns.shape):
            raise InputError(
                f"{rows.size} latitudes and {columns.size} longitudes for an array of shape {array.shape}",
                hint="latitude and longitude are the last two dimensions",
            )
        return cls(_as_numbers(array), (rows, columns))

    @classmethod
    def of_array(cls, x: xr.DataArray) -> _Maps:
        """Maps of a DataArray, read when they are needed."""
        dims, axes = [], []
        for names, axis in zip((LATITUDE_NAMES, LONGITUDE_NAMES), _AXES, strict=True):
            dim = find_axis(x, names)
            if dim is None or dim not in x.coords:
                raise InputError(
                    f"no {axis} among the dimensions {tuple(x.dims)}", hint=f"it is called {' or '.join(names)}"
                )
            dims.append(dim)
            axes.append(degrees(x[dim].values, axis))
        x = x.transpose(..., *dims)
        in_memory = isinstance(x.variable._data, np.ndarray)
        return cls(_as_numbers(x.values) if in_memory else x, (axes[0], axes[1]), tuple(dims))

    def read(self, first: int, count: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Some maps, counted through all other dimensions, of some rows and columns."""
        if self.in_memory:
            return self._array.reshape(-1, *self._array.shape[-2:])[first : first + count]
        part = self._array.isel({self.dims[0]: rows, self.dims[1]: columns})
        if len(self.shape) == 1:
            part = part[first : first + count]
        return _as_numbers(part.values).reshape(-1, len(rows), len(columns))

    def blocks(self, cells: int) -> Iterator[tuple[int, int]]:
        """Maps that are read at once, of so many cells; a lazy array is cut along a single other dimension only."""
        total = math.prod(self.shape)
        whole = self.in_memory or len(self.shape) != 1
        size = total if whole else max(_BLOCK_BYTES // max(cells * self.dtype.itemsize, 1), 1)
        for first in range(0, total, max(size, 1)):
            yield first, min(size, total - first)


_AXES = ("latitude", "longitude")


def _as_numbers(array: np.ndarray) -> np.ndarray:
    """The array as the core can read it."""
    array = array.astype("float32") if array.dtype == np.dtype("float16") else array
    return array.astype("float64") if array.dtype.kind == "f" and array.dtype.itemsize > 8 else array


def _check_inside(cells: Cells, lats: np.ndarray, lons: np.ndarray, maps: _Maps, outside: str) -> None:
    lost = np.flatnonzero(cells.outside())
    if lost.size == 0 or outside == "nan":
        return
    rows, columns = maps.axes
    box = f"[{rows.max():g}, {columns.min():g}, {rows.min():g}, {columns.max():g}]"
    more = f" and {lost.size - 1} more" if lost.size > 1 else ""
    raise InputError(
        f"station {lost[0]} at {lats[lost[0]]:g}, {lons[lost[0]]:g}{more} outside of the grid {box}",
        hint="outside='nan' gives NaN there",
    )


def _sample_now(maps: _Maps, cells: Cells, skipna: bool, callback: Callable[..., None] | None) -> np.ndarray:
    count, length = len(cells.row), math.prod(maps.shape)
    check_room("sample", (count, length), maps.dtype, hint="take fewer stations at once, or a part of the times")
    out = np.empty((count, length), maps.dtype)
    if out.size == 0:
        return out.reshape(count, *maps.shape)
    if maps.in_memory:
        block = maps.read(0, length, *maps.axes)
        _core.sample(block, cells.row, cells.column, cells.weight, skipna, out, 0, callback)
        return out.reshape(count, *maps.shape)
    done = 0
    for places in _together(cells, maps.chunks):
        part = cells.of(places)
        rows, row = np.unique(part.row, return_inverse=True)
        columns, column = np.unique(part.column, return_inverse=True)
        series = np.empty((len(places), length), maps.dtype)
        for first, number in maps.blocks(len(rows) * len(columns)):
            block = maps.read(first, number, rows, columns)
            shape = part.row.shape
            _core.sample(block, row.reshape(shape), column.reshape(shape), part.weight, skipna, series, first, None)
            if callback is not None:
                callback(done + len(places) * (first + number), out.size, None)
        out[places] = series
        done += series.size
    return out.reshape(count, *maps.shape)


def _together(cells: Cells, chunks: tuple[int, ...]) -> list[np.ndarray]:
    """Stations in groups whose cells lie in the same chunk: what is read for one serves the others."""
    key = cells.row[:, 0] // chunks[0] * (1 << 32) + cells.column[:, 0] // chunks[1]
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def _sample_lazily(x: xr.DataArray, maps: _Maps, cells: Cells, skipna: bool) -> Any:
    """The same of dask arrays, as dask arrays."""
    import xarray as xr

    bare = xr.DataArray(x.variable)
    total: Any = 0.0
    used: Any = 0.0
    for k in range(cells.weight.shape[1]):
        if np.all(cells.weight[:, k] == 0):
            continue
        weight = xr.DataArray(cells.weight[:, k], dims=_STATION)
        at = {maps.dims[0]: cells.row[:, k], maps.dims[1]: cells.column[:, k]}
        values = bare.isel({dim: xr.DataArray(i, dims=_STATION) for dim, i in at.items()}).astype("float64")
        counts = (weight != 0) & ~(values.isnull() & skipna)
        total = total + (values * weight).where(counts, 0.0)
        used = used + counts * weight
    mean = total / used.where(used > 0) if skipna else total
    return mean.transpose(_STATION, ...).astype(maps.dtype).data


_STATION = "station"


def _label(
    result: Any,
    x: Any,
    maps: _Maps,
    cells: Cells,
    given: tuple[Any, Any],
    places: tuple[Any, Any],
    call: dict[str, Any],
) -> xr.DataArray:
    """Result as a DataArray with the coordinates of the stations and all that stay of the maps."""
    import xarray as xr

    single = np.ndim(given[0]) == 0
    dim, coords = _names_of(given[0])
    others = tuple(d for d in x.dims if d not in maps.dims)
    kept = {name: c for name, c in x.coords.items() if not set(c.dims) & set(maps.dims)}
    for name, unit, values, axis, index in (
        ("latitude", "degrees_north", places[0], maps.axes[0], cells.row[:, 0]),
        ("longitude", "degrees_east", places[1], maps.axes[1], cells.column[:, 0]),
    ):
        attrs = {"standard_name": name, "long_name": f"{name} of the station", "units": unit}
        coords[name] = xr.Variable(dim, values, attrs)
        if call["method"] == "nearest":
            cell = np.where(cells.outside(), np.nan, axis[index])
            coords[f"cell_{name}"] = xr.Variable(dim, cell, {"long_name": f"{name} of the cell", "units": unit})
    attrs = attributes.as_before(x.attrs, {"diagnostic": "sample", **call, "x": attributes.made_by(x.attrs, x.name)})
    array = xr.DataArray(result, dims=(dim, *others), coords={**kept, **coords}, attrs=attrs, name=x.name)
    return attributes.tidy_coordinates(array.isel({dim: 0}, drop=False) if single else array)


def _names_of(latitude: Any) -> tuple[str, dict[Any, Any]]:
    """Dimension of the stations and their names, where the user's list has any."""
    if hasattr(latitude, "dims") and hasattr(latitude, "coords") and latitude.ndim == 1:
        dim = str(latitude.dims[0])
        return dim, {key: c.variable for key, c in latitude.coords.items() if set(c.dims) <= {dim}}
    if hasattr(latitude, "index") and hasattr(latitude, "to_numpy") and np.ndim(latitude) == 1:  # a pandas Series
        name = str(latitude.index.name or _STATION)
        return name, {name: (name, latitude.index.to_numpy())}
    return _STATION, {}

"""Means of maps without what is missing."""

from __future__ import annotations

import math
from collections.abc import Hashable
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, attributes
from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, find_axis
from .chunked.arrays import check, is_lazy, whole
from .dataarrays import opened
from .errors import InputError
from .field import plain
from .progress import Progress

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["area_mean"]

_MAX_DIMS = 6  # that the core can see


def area_mean(x: Any, nodata: float | None = None, *, latitude: Any = None, progress: bool = True) -> Any:
    """Mean of each map over its cells, without missing ones.

    Parameters
    ----------
    x : array, DataArray, Dataset or paths (…, rows, columns)
        Maps, of any type and layout; of a DataArray the dimensions latitude and longitude, lat and lon, or y and x.
    nodata : float, optional
        Value that stands for missing ones; where a DataArray's attributes name one (``_FillValue``,
        ``missing_value``), it is that. NaN is always missing.
    latitude : array, optional
        Latitudes of the rows in degrees, by whose cosines cells are weighted; those of a DataArray are taken
        from it. Without them all cells have the same weight.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    float, ndarray or DataArray (…)
        float64, in the units of `x`; NaN where a map has no values at all. Lazy where dask would compute it.

    Raises
    ------
    InputError
        If there are no maps, or not as many latitudes as rows.

    Notes
    -----
    Rows are added in double precision, in an order that no number of threads changes. As units are linear, the mean
    of maps in other units is :func:`convert_units` of their means: 366 numbers instead of 366 maps.

    See Also
    --------
    regional : Means over polygons, by the exact area of cells.

    Examples
    --------
    >>> area_mean([[1.0, 3.0], [-9999.0, 5.0]], -9999)
    3.0
    >>> round(area_mean([[1.0, 1.0], [4.0, 4.0]], latitude=[0, 60]), 6)
    2.0
    """
    x = opened(x)
    if not (hasattr(x, "dims") and hasattr(x, "coords")):
        return _mean_plain(x, _missing(nodata), _weights(latitude), progress)
    return _mean_labelled(x, nodata, latitude, progress)


def _mean_labelled(x: Any, nodata: float | None, latitude: Any, progress: bool) -> Any:
    import xarray as xr

    north = find_axis(x, LATITUDE_NAMES)
    rows, columns = _dimensions(x)
    if latitude is None and rows == north and rows in x.coords:
        latitude = x[rows].values
    if nodata is None:
        nodata = next((x.attrs[key] for key in ("_FillValue", "missing_value") if key in x.attrs), None)
    missing, weights = _missing(nodata), _weights(latitude)
    if weights is not None and len(weights) != x.sizes[rows]:
        raise InputError(f"{len(weights)} latitudes for maps of {x.sizes[rows]} rows")
    if is_lazy(x):
        check(x, "x")
        x = whole(x, (rows, columns), "area_mean")
    result = xr.apply_ufunc(
        lambda maps: _mean_plain(maps, missing, weights, progress),
        x,
        input_core_dims=[[rows, columns]],
        dask="parallelized",
        output_dtypes=[np.dtype("float64")],
    )
    weighting = "equal" if weights is None else "cosine of latitude"
    result.attrs = attributes.of_result(
        "area mean",
        x.attrs.get("units"),
        inputs=[x.attrs],
        standard_name="x",
        cell_methods=attributes.compose(x.attrs.get("cell_methods"), "area: mean"),
        definition={
            "diagnostic": "area_mean",
            "nodata": None if math.isnan(missing) else missing,
            "weights": weighting,
            "x": attributes.made_by(x.attrs, x.name),
        },
    )
    return result


def _dimensions(x: xr.DataArray) -> tuple[Hashable, Hashable]:
    rows, columns = (find_axis(x, names) for names in (LATITUDE_NAMES, LONGITUDE_NAMES))
    if rows is not None and columns is not None:
        return rows, columns
    if {"y", "x"} <= set(x.dims):
        return "y", "x"
    raise InputError(f"maps have the dimensions latitude and longitude, or y and x, not {tuple(x.dims)}")


def _missing(nodata: Any) -> float:
    if nodata is None:
        return float("nan")
    if not isinstance(nodata, Real):
        raise InputError(f"nodata must be a number, not {nodata!r}")
    return float(nodata)


def _weights(latitude: Any) -> np.ndarray | None:
    if latitude is None:
        return None
    degrees = np.asarray(latitude, "float64")
    if degrees.ndim != 1 or not (np.abs(degrees) <= 90).all():
        raise InputError("latitudes of the rows must be from -90 to 90")
    weights: np.ndarray = np.cos(np.deg2rad(degrees))
    return weights


def _mean_plain(x: Any, nodata: float, weights: np.ndarray | None, progress: bool) -> Any:
    maps = plain(x)
    shape = maps.shape[:-2]
    if maps.ndim < 2:
        raise InputError(f"maps have rows and columns, an array of shape {maps.shape} has not")
    if maps.dtype.kind not in "fiu" or maps.dtype.itemsize > 8:
        raise InputError(f"cannot take means of an array of type {maps.dtype}")
    if weights is not None and len(weights) != maps.shape[-2]:
        raise InputError(f"{len(weights)} latitudes for maps of {maps.shape[-2]} rows")
    if maps.dtype.kind == "f":
        nodata = float(maps.dtype.type(nodata))  # as the values have it
        maps = maps.astype("float32", copy=False) if maps.dtype.itemsize < 4 else maps
    if maps.ndim > _MAX_DIMS:
        maps = maps.reshape(math.prod(maps.shape[:-2]), *maps.shape[-2:])
    with Progress("area_mean", progress) as callback:
        sums, counts = _core.row_sums(maps, nodata, callback)
    if weights is not None:
        sums, counts = sums * weights, counts * weights
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums.sum(-1) / counts.sum(-1)
    return means.reshape(shape) if shape else float(means)

"""Lows and highs: local extrema of maps, such as the centres of cyclones in the pressure at mean sea level."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, units
from .axis_names import TIME_NAMES, find_axis
from .chunked.arrays import check, is_lazy, of_rows, outline
from .errors import InputError
from .field import Field, as_field, as_maps, check_maps, one_variable
from .optional import need
from .point_tracks import folded, not_negative
from .progress import Progress
from .times import check_order, encode_times, usual_step

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["find_highs", "find_lows"]


def find_lows(
    x: Any,
    *,
    min_depth: float | str = 0.0,
    contour_km: float = 600.0,
    merge_km: float = 600.0,
    search_km: float = 0.0,
    connectivity: int = 8,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Find local minima of maps on the sphere, such as the centres of lows.

    Parameters
    ----------
    x : DataArray, ndarray or paths (time, latitude, longitude)
        Field over time; files are read once, block by block, whatever their size. What dask computes is searched some
        steps at a time, by its scheduler.
    min_depth : float or str, default 0
        Smallest depth of the closed contour, in the units of `x`, or text like ``"2 hPa"``: the field must rise by as
        much in all directions within `contour_km`.
    contour_km : float, default 600
        Great-circle distance within which contours have to close.
    merge_km : float, default 600
        Of minima at most so far from each other only the lowest is kept; 0 keeps all.
    search_km : float, default 0
        Keep a minimum only if no cell at all is lower up to this distance; 0: if none of its neighbours is.
    connectivity : {8, 4}
        Neighbours of a cell: those across corners as well, or across edges only.
    time, latitude, longitude, calendar : optional
        Axes of an ndarray.
    variable : str, optional
        Variable of the files.
    progress : bool, default True
        Show progress of long runs.

    Returns
    -------
    pandas.DataFrame
        One row per minimum, in order of time, row and column of the grid: ``time``, ``latitude``, ``longitude`` (-180
        to 180), ``value`` and ``depth``, both in the units of `x`. :func:`era5fast.link_points` makes tracks of it.

    Raises
    ------
    InputError
        If a parameter is out of range, or times, axes or units do not fit.

    Notes
    -----
    A minimum is a cell, or several touching ones of equal value, without a lower neighbour; of several the first in
    row-major order stands for all. Minima are then left out by `search_km`, by `merge_km` (where another one that is
    lower lies within this distance; of equals the first stays), and at last by `min_depth`. ``depth`` is the height
    above the minimum of the lowest pass on any way that leads farther away than `contour_km`, to a missing cell or to
    the edge of the domain. So a contour of minimum + delta is closed in the sense of Ullrich & Zarzycki if and only
    if delta is at most the depth. It is inf where there is no way out.

    Missing values are no minima and lower than nothing; no minimum touches the edge of the domain. Columns that go
    round the globe are joined at their seam, a row on a pole is one point, and where there is none the cells on both
    sides of the pole are neighbours.

    ``DetectNodes --searchbymin msl --mergedist 6.0 --closedcontourcmd "msl,200,5.5,0"`` of TempestExtremes is
    ``find_lows(msl, min_depth=200, contour_km=5.5 * 111.195, merge_km=6 * 111.195, connectivity=4)``, but for missing
    cells, edges and ties, of which it keeps all, and for the poles, which it does not join.

    References
    ----------
    Ullrich & Zarzycki 2017, Geosci. Model Dev. 10, 1069; Ullrich et al. 2021, Geosci. Model Dev. 14, 5023.

    Examples
    --------
    >>> lows = era5fast.find_lows(msl, min_depth="2 hPa")                              # doctest: +SKIP
    >>> storms = era5fast.link_points(lows, max_distance_km=600, min_duration=8)       # doctest: +SKIP
    """
    axes = {"time": time, "latitude": latitude, "longitude": longitude, "calendar": calendar, "variable": variable}
    rule = {
        "min_depth": min_depth,
        "contour_km": contour_km,
        "merge_km": merge_km,
        "search_km": search_km,
        "connectivity": connectivity,
    }
    return _find("find_lows", x, axes, rule, progress)


def find_highs(
    x: Any,
    *,
    min_depth: float | str = 0.0,
    contour_km: float = 600.0,
    merge_km: float = 600.0,
    search_km: float = 0.0,
    connectivity: int = 8,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Find local maxima of maps on the sphere: of vorticity, of wind, or the centres of highs.

    The minima of the field turned upside down: parameters, table and rules are those of :func:`find_lows`. ``depth``
    is by how much the field falls on all ways.

    Parameters
    ----------
    x : DataArray, ndarray or paths (time, latitude, longitude)
        Field over time; files are read once, block by block, whatever their size. What dask computes is searched some
        steps at a time, by its scheduler.
    min_depth : float or str, default 0
        Smallest depth of the closed contour, in the units of `x`, or text like ``"2 hPa"``.
    contour_km : float, default 600
        Great-circle distance within which contours have to close.
    merge_km : float, default 600
        Of maxima at most so far from each other only the highest is kept; 0 keeps all.
    search_km : float, default 0
        Keep a maximum only if no cell at all is higher up to this distance; 0: if none of its neighbours is.
    connectivity : {8, 4}
        Neighbours of a cell: those across corners as well, or across edges only.
    time, latitude, longitude, calendar : optional
        Axes of an ndarray.
    variable : str, optional
        Variable of the files.
    progress : bool, default True
        Show progress of long runs.

    Returns
    -------
    pandas.DataFrame
        As of :func:`find_lows`.

    Raises
    ------
    InputError
        If a parameter is out of range, or times, axes or units do not fit.
    """
    axes = {"time": time, "latitude": latitude, "longitude": longitude, "calendar": calendar, "variable": variable}
    rule = {
        "min_depth": min_depth,
        "contour_km": contour_km,
        "merge_km": merge_km,
        "search_km": search_km,
        "connectivity": connectivity,
    }
    return _find("find_highs", x, axes, rule, progress)


def _find(name: str, x: Any, axes: dict[str, Any], rule: dict[str, Any], progress: bool) -> pd.DataFrame:
    need("pandas", "tables")
    if rule["connectivity"] not in (4, 8):
        raise InputError(f"{name}: connectivity is {rule['connectivity']!r}, must be 4 or 8")
    for key in ("contour_km", "merge_km", "search_km"):
        rule[key] = not_negative(f"{name}: {key}", rule[key])
    maps = as_maps(one_variable(x, axes["variable"]))
    lazy = _steps_first(maps) if is_lazy(maps) else None
    field = as_field(maps if lazy is None else outline(lazy), **axes, wraps=False)
    latitude, longitude = field.grid()
    check_maps(field)
    check_order(field.seconds, field.calendar, "x", field.time_name())
    unit = units.of(field.attrs)
    depth = units.quantity(rule["min_depth"], unit, f"{name}: min_depth", difference=True)
    rule["min_depth"] = not_negative(f"{name}: min_depth", depth)
    numbers = (rule["search_km"], rule["merge_km"], rule["contour_km"], rule["min_depth"])
    question: tuple[Any, ...] = latitude, longitude, name == "find_highs", rule["connectivity"], *numbers
    if lazy is not None:
        found = _of_slabs(lazy, question)
    else:
        with Progress(name, progress) as shown, field.reading():
            found = _core.extrema(_as_floats(field.source), *(*question, shown))
    return _frame(found, field, {"diagnostic": name, **rule, "x": field.made_by()})


def _steps_first(x: xr.DataArray) -> xr.DataArray:
    """Lazy maps with time as their first dimension.

    Raises
    ------
    InputError
        If they cannot be computed.
    """
    check(x, "x")
    time = find_axis(x, TIME_NAMES)
    return x if time is None else x.transpose(time, ...)


def _of_slabs(x: xr.DataArray, question: tuple[Any, ...]) -> dict[str, np.ndarray]:
    """Extrema of lazy maps: some steps at a time, by the scheduler that dask is set to."""
    from dask.base import compute

    slabs = compute(*of_rows(x, functools.partial(_of_slab, question)))  # type: ignore[no-untyped-call]
    first = np.cumsum([0, *(steps for steps, _ in slabs)])
    parts = [{**found, "time": found["time"] + begin} for begin, (_, found) in zip(first, slabs, strict=False)]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _of_slab(question: tuple[Any, ...], maps: np.ndarray) -> tuple[int, dict[str, np.ndarray]]:
    return len(maps), _core.extrema(_as_floats(np.asarray(maps)), *(*question, None))


def _as_floats(source: Any) -> Any:
    """Arrays that the core has no type for, as floats."""
    if isinstance(source, np.ndarray) and (source.dtype.kind == "b" or source.dtype == np.dtype("float16")):
        return source.astype("float32")
    return source


def _frame(found: dict[str, np.ndarray], field: Field, definition: dict[str, Any]) -> pd.DataFrame:
    pd = need("pandas", "tables")
    latitude, longitude = field.grid()
    frame = pd.DataFrame(
        {
            "time": encode_times(field.seconds[found["time"]], field.calendar),
            "latitude": latitude[found["row"]],
            "longitude": folded(longitude[found["column"]]),
            "value": found["value"],
            "depth": found["depth"],
        }
    )
    frame.attrs = {
        "definition": definition,
        "name": field.name,
        "units": units.of(field.attrs) or "",
        "paths": list(field.paths),
        "step_seconds": usual_step(field.seconds),
    }
    return frame

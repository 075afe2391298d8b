"""Atmospheric blocking, from the geopotential height of 500 hPa.

Heights are in m (gpm); geopotential in m² s⁻², as ERA5 has it, is divided by 9.80665. Northern hemisphere, as the
definitions are. Blocks as objects in space and time: pass anomalies to :func:`era5fast.find_events`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import attributes, units
from .axis_names import TIME_NAMES, find_axis
from .compound import check_whole_days, persistent, whole_along
from .coordinates import longitude_steps
from .dataarrays import as_dataarray
from .errors import InputError
from .storms import check_number, grid_names

if TYPE_CHECKING:
    import xarray as xr

    from .catalogue import EventCatalogue

__all__ = ["blocked_cells", "blocked_longitudes", "dole_gordon", "schwierz"]

GRAVITY = 9.80665


def blocked_longitudes(
    height: Any, shifts: Sequence[float] = (-4.0, 0.0, 4.0), *, variable: str | None = None
) -> xr.DataArray:
    """Longitudes blocked by the rule of Tibaldi and Molteni.

    Parameters
    ----------
    height : DataArray, Dataset or paths (time, latitude, longitude)
        Height of 500 hPa, daily.
    shifts : sequence of float
        Degrees Δ by which the three latitudes are moved; one of them suffices. Often (−5, 0, 5) on other grids.
    variable : str, optional
        Variable of the Dataset or of the files.

    Returns
    -------
    DataArray of bool (time, longitude)
        True where, for any Δ, (Z(60+Δ) − Z(40+Δ))/20 > 0 and (Z(80+Δ) − Z(60+Δ))/20 < −10 m per degree.

    Raises
    ------
    InputError
        If the field has no units of height, or lacks one of the latitudes.

    References
    ----------
    Tibaldi & Molteni 1990, Tellus 42A, 343.
    """
    given = as_dataarray(height, variable, "height")
    height = _in_metres(given)
    _check_shifts(shifts)
    found = None
    for shift in shifts:
        south, middle, north = (_at(height, latitude + shift) for latitude in (40.0, 60.0, 80.0))
        blocked = ((middle - south) / 20 > 0) & ((north - middle) / 20 < -10)
        found = blocked if found is None else found | blocked
    if found is None:
        raise InputError("blocked_longitudes: no shifts")
    return _named(found, "blocked_longitudes", given, shifts=list(shifts))


def _check_shifts(shifts: Any) -> None:
    if isinstance(shifts, str) or not isinstance(shifts, Iterable) or getattr(shifts, "ndim", 1) == 0:
        raise InputError(f"shifts must be a list of degrees, not {shifts!r}", hint="like (-4, 0, 4)")
    for shift in shifts:
        check_number("each of shifts", shift)


def blocked_cells(
    height: Any,
    south_of_it: float | None = None,
    min_extent: float = 0.0,
    min_days: int = 1,
    *,
    variable: str | None = None,
) -> xr.DataArray:
    """Cells blocked by the two-dimensional rule of Davini and others, 30 to 75° N.

    Parameters
    ----------
    height : DataArray, Dataset or paths (time, latitude, longitude)
        Height of 500 hPa, daily.
    south_of_it : float, optional
        Gradient 15 to 30° to the south that must not be reached, in m per degree: −5 keeps cut-off lows out.
    min_extent : float
        Degrees of longitude in a row that must be blocked; 15 in the paper.
    min_days : int
        Days in a row that a cell must be blocked; 5 in the paper.
    variable : str, optional
        Variable of the Dataset or of the files.

    Returns
    -------
    DataArray of bool (time, latitude, longitude)
        True where (Z(φ) − Z(φ−15))/15 > 0 and (Z(φ+15) − Z(φ))/15 < −10 m per degree.

    Raises
    ------
    InputError
        If the field has no units of height, or its latitudes have no step that divides 15°.

    References
    ----------
    Davini et al. 2012, J. Climate 25, 6496.
    """
    check_number("min_extent", min_extent)
    if south_of_it is not None:
        check_number("south_of_it", south_of_it)
    given = as_dataarray(height, variable, "height")
    height = _in_metres(given)
    latitude, longitude = grid_names(height)
    height = height.sortby(latitude)
    rows = _rows_of_15_degrees(height[latitude].values)

    def gradient(at: int) -> xr.DataArray:
        """From `at` to `at` + 15°, given at the cell itself; missing beyond the grid."""
        return (height.shift({latitude: -(at + 1) * rows}) - height.shift({latitude: -at * rows})) / 15

    blocked = (gradient(-1) > 0) & (gradient(0) < -10)
    if south_of_it is not None:
        blocked &= gradient(-2) < south_of_it
    blocked &= (height[latitude] >= 30) & (height[latitude] <= 75)
    if min_extent > 0:
        blocked = _wide(blocked, longitude, min_extent)
    blocked = blocked if min_days == 1 else persistent(blocked, min_days)
    rule = {"south_of_it": south_of_it, "min_extent": min_extent, "min_days": min_days}
    blocked = blocked.sel({latitude: given[latitude].values})  # from north to south again, where they were so
    return _named(blocked, "blocked_cells", given, **rule)


def dole_gordon(
    anomaly: Any, above: float | str = 100.0, min_days: int = 10, *, variable: str | None = None
) -> xr.DataArray:
    """Persistent positive anomalies of the height of 500 hPa, by Dole and Gordon.

    Parameters
    ----------
    anomaly : DataArray, Dataset or paths (time, latitude, longitude)
        Height less its climatology.
    above : float or str
        Anomaly in m that must be exceeded, or text like ``"10 dam"``; 100 to 200 in the paper.
    min_days : int
        Days in a row.
    variable : str, optional
        Variable of the Dataset or of the files.

    Returns
    -------
    DataArray of bool
        True on days of runs of at least `min_days` days with anomaly · sin 45° / sin φ > `above`; never at the
        equator.

    Raises
    ------
    InputError
        If the field has no units of height.

    References
    ----------
    Dole & Gordon 1983, Mon. Wea. Rev. 111, 1567.
    """
    limit = units.quantity(above, "m", "above") if isinstance(above, str) else above
    check_number("above", limit)
    given = as_dataarray(anomaly, variable, "anomaly")
    anomaly = _in_metres(given)
    latitude, _ = grid_names(anomaly)
    sines = np.abs(np.sin(np.radians(anomaly[latitude].values.astype("float64"))))
    weights = np.divide(np.sin(np.pi / 4), sines, out=np.zeros_like(sines), where=sines > 1e-6)
    strong = anomaly * anomaly[latitude].copy(data=weights) > limit
    return _named(persistent(strong, min_days), "dole_gordon", given, above=above, min_days=min_days)


def schwierz(
    vorticity: Any,
    below: float | str = "-1.3 PVU",
    overlap: float = 0.7,
    min_days: int = 5,
    *,
    smoothing: int = 2,
    base_period: Any = None,
    of: str = "smaller",
    variable: str | None = None,
    progress: bool = True,
) -> EventCatalogue:
    """Blocks as objects by the rule of Schwierz and others: lasting low anomalies of potential vorticity.

    Parameters
    ----------
    vorticity : DataArray, Dataset or paths (time, latitude, longitude)
        Potential vorticity, daily, averaged between 150 and 500 hPa; of one hemisphere, in which blocks are low.
    below : float or str
        Anomaly that must be fallen below, in the units of `vorticity`, or text with units of its own.
    overlap : float
        Share of its area that a block must have in common with that of the next day.
    min_days : int
        Days that a block must last.
    smoothing : int
        Days over which anomalies are averaged, up to and with the one at hand; 1: none.
    base_period : tuple of two years or dates, optional
        Base of the climatology of each month; None: all of the data.
    of : {previous, next, smaller, larger, union}
        Area that `overlap` is a share of, as in :func:`era5fast.diagnostics.track`: programs differ in it.
    variable : str, optional
        Variable of the Dataset or of the files.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    EventCatalogue
        The blocks, with tracks, areas and outlines.

    Raises
    ------
    InputError
        If the field is on no grid, has no units that fit `below`, or a parameter is out of range.

    Notes
    -----
    The anomaly is the departure from the mean of its calendar month. For Z500 pass its anomaly to
    :func:`era5fast.diagnostics.track`, above 150 to 160 m with an overlap of 0.5.

    References
    ----------
    Schwierz et al. 2004, GRL 31, L06125.
    """
    from .diagnostics import anomaly, climatology, track

    check_whole_days("smoothing", smoothing, 1)
    given = as_dataarray(vorticity, variable, "vorticity")
    grid_names(given)
    common: dict[str, Any] = {"progress": progress}
    normal = climatology(given, "month", base_period=base_period, **common)
    departure = anomaly(given, normal, **common)
    time = find_axis(departure, TIME_NAMES)
    smooth = departure if smoothing == 1 else departure.rolling({time: smoothing}).mean()
    smooth.attrs = departure.attrs
    rule: Any = {"overlap": overlap, "of": of, "min_duration": min_days}  # checked there
    return track(smooth, below=below, **rule, **common)


#: Long names of the results.
_TITLES = {
    "blocked_longitudes": "Blocked longitudes",
    "blocked_cells": "Blocked cells",
    "dole_gordon": "Persistent positive anomalies",
}


def _named(mask: xr.DataArray, name: str, given: xr.DataArray, **params: Any) -> xr.DataArray:
    """The result with its name and attributes, and nothing of those of the heights."""
    made = {"height": attributes.made_by(given.attrs, given.name)}
    definition = {"diagnostic": name, **params, **made}
    mask.attrs = attributes.of_result(_TITLES[name], "1", inputs=[given.attrs], definition=definition)
    return attributes.tidy_coordinates(mask.rename(name))


def _in_metres(height: Any) -> xr.DataArray:
    grid_names(height)
    given = units.of(height.attrs)
    try:
        scale, _ = units.check("m" if given == "gpm" else given, "m", "height")
    except InputError:
        if given is None:
            raise
        scale = units.check(given, "m2 s-2", "height")[0] / GRAVITY
    return height if scale == 1 else height * scale


def _at(height: xr.DataArray, degrees: float) -> xr.DataArray:
    latitude, _ = grid_names(height)
    try:
        return height.sel({latitude: degrees}, method="nearest", tolerance=1e-3).drop_vars(latitude)
    except KeyError as error:
        raise InputError(f"the field has no latitude {degrees:g}", hint="choose shifts that fit the grid") from error


def _rows_of_15_degrees(latitude: np.ndarray) -> int:
    steps = np.diff(latitude)
    rows = round(15 / steps[0]) if len(steps) and steps[0] > 0 else 0
    if rows < 1 or not np.allclose(steps * rows, 15, atol=1e-2):
        raise InputError("latitudes must have one step, of which 15° is a multiple")
    return int(rows)


def _wide(blocked: xr.DataArray, longitude: str, extent: float) -> xr.DataArray:
    """Keep stretches of longitude of at least `extent` degrees; those of a global grid go on over its seam."""
    import xarray as xr

    values = np.asarray(blocked[longitude].values, dtype="float64")
    if values.size < 2:
        raise InputError("the extent of blocks needs two longitudes at least")
    step = np.abs(longitude_steps(values)).mean()
    least = int(np.ceil(extent / step - 1e-9))
    turns = round(360 / step) == len(values)

    def stretches(mask: np.ndarray) -> np.ndarray:
        pad = min(least, mask.shape[-1]) if turns else 0
        around = np.concatenate([mask[..., -pad:] if pad else mask[..., :0], mask, mask[..., :pad]], axis=-1)
        kept = np.moveaxis(persistent(np.moveaxis(around, -1, 0), least), 0, -1)
        return kept[..., pad : pad + mask.shape[-1]]

    blocked, core = whole_along(blocked, longitude), [[longitude]]
    kept = xr.apply_ufunc(
        stretches, blocked, input_core_dims=core, output_core_dims=core, dask="parallelized", output_dtypes=["bool"]
    )
    return kept.transpose(*blocked.dims)

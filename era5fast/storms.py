"""Severity of wind storms, from daily maxima of wind or gusts and their local 98th percentile.

Each function gives one number per time step, summed over all cells; sum these over the days of a storm, or over a
year. Dask-backed fields stay lazy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import attributes, units
from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, find_axis
from .coordinates import longitude_steps
from .dataarrays import as_dataarray
from .errors import InputError
from .field import along_axis, one_variable
from .regions import RADIUS

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["cell_areas", "dawkins_index", "klawa_ulbrich_index", "storm_severity_index"]


def cell_areas(x: Any, variable: str | None = None) -> xr.DataArray:
    """Areas of the cells of a grid.

    Cells reach half-way to their neighbours, and at most to the poles.

    Parameters
    ----------
    x : DataArray, Dataset or paths
        Field on a grid of latitudes and longitudes in equal steps.
    variable : str, optional
        Variable of a Dataset or of files that hold several.

    Returns
    -------
    DataArray (latitude, longitude)
        Areas in km² on a sphere of radius 6371 km.

    Raises
    ------
    InputError
        If there is no grid, or it has a single row or column.
    """
    x = x if variable is None and hasattr(x, "coords") else as_dataarray(x, variable)
    import xarray as xr

    latitude, longitude = grid_names(x)
    lat, lon = (np.asarray(x[name].values, dtype="float64") for name in (latitude, longitude))
    if min(lat.size, lon.size) < 2:
        raise InputError("the areas of cells need two latitudes and two longitudes at least")
    half = np.abs(np.diff(lat)).mean() / 2
    edges = np.sin(np.radians(np.clip([lat - half, lat + half], -90, 90)))
    step = np.radians(np.abs(longitude_steps(lon)).mean())
    areas = np.broadcast_to((RADIUS**2 * step * (edges[1] - edges[0]))[:, np.newaxis], (lat.size, lon.size))
    coords = {latitude: x[latitude], longitude: x[longitude]}
    attrs = attributes.of_result("Area of the cell", "km2", standard_name="cell_area")
    found = xr.DataArray(areas, dims=(latitude, longitude), coords=coords, attrs=attrs, name="cell_area")
    return attributes.tidy_coordinates(found)


def grid_names(x: Any) -> tuple[str, str]:
    """Names of the dimensions of latitude and longitude.

    Raises
    ------
    InputError
        If `x` is no DataArray, or has none.
    """
    if not (hasattr(x, "dims") and hasattr(x, "coords")):
        raise InputError("a DataArray with latitude and longitude is needed")
    names = [find_axis(x, wanted) for wanted in (LATITUDE_NAMES, LONGITUDE_NAMES)]
    if names[0] is None or names[1] is None:
        raise InputError(f"no latitude and longitude among the dimensions {tuple(x.dims)}")
    return names[0], names[1]


def check_number(name: str, value: Any) -> None:
    """Refuse what is no finite number.

    Raises
    ------
    InputError
        If it is none.
    """
    if not isinstance(value, float | int | np.number) or not np.isfinite(float(value)):
        raise InputError(f"{name} must be a number, not {value!r}")


def klawa_ulbrich_index(wind: Any, v98: Any, population: Any, *, variable: str | None = None) -> xr.DataArray:
    """Loss index of Klawa and Ulbrich.

    Parameters
    ----------
    wind : DataArray, Dataset or paths (time, latitude, longitude)
        Daily maxima.
    v98 : DataArray (latitude, longitude)
        Their 98th percentile over all days of a base period, in the same units.
    population : DataArray (latitude, longitude)
        People in each cell, or another measure of what can be damaged.
    variable : str, optional
        Variable of the Dataset or of the files of `wind`.

    Returns
    -------
    DataArray (time)
        Σ population · (v/v98 − 1)³ over cells where v > v98.

    Raises
    ------
    InputError
        If units differ or are not of a speed, or `wind` is on no grid.

    References
    ----------
    Klawa & Ulbrich 2003, NHESS 3, 725.
    """
    wind, v98, population = as_dataarray(wind, variable, "wind"), one_variable(v98), one_variable(population)
    grid_names(wind)
    people = _on_cells("population", _beside(wind, population, "population"), wind)
    excess = _excess(wind, v98)
    total = _sum((excess**3) * people, excess)
    return _named(total, "klawa_ulbrich_index", "1", {"wind": wind, "v98": v98, "population": population})


def storm_severity_index(wind: Any, v98: Any, *, variable: str | None = None) -> xr.DataArray:
    """Storm severity index of Leckebusch and others, over all cells of the field.

    Parameters
    ----------
    wind : DataArray, Dataset or paths (time, latitude, longitude)
        Daily maxima.
    v98 : DataArray (latitude, longitude)
        Their 98th percentile over all days of a base period, in the same units.
    variable : str, optional
        Variable of the Dataset or of the files of `wind`.

    Returns
    -------
    DataArray (time)
        Σ max(0, v/v98 − 1)³ · cell area, in km². Mask `wind` for the cluster of one storm.

    Raises
    ------
    InputError
        If units differ or are not of a speed, or `wind` is on no grid.

    References
    ----------
    Leckebusch et al. 2008, Meteorol. Z. 17, 575.
    """
    wind, v98 = as_dataarray(wind, variable, "wind"), one_variable(v98)
    excess = _excess(wind, v98)
    total = _sum((excess**3) * cell_areas(wind), excess)
    return _named(total, "storm_severity_index", "km2", {"wind": wind, "v98": v98})


def dawkins_index(
    wind: Any, above: float | str = 25.0, form: Literal["sum", "wisc"] = "sum", *, variable: str | None = None
) -> xr.DataArray:
    """Severity index of Dawkins and others, of winds above a fixed speed.

    Parameters
    ----------
    wind : DataArray, Dataset or paths (time, latitude, longitude)
        Daily maxima, or footprints of storms.
    above : float or str
        Speed in m s-1 that counts, or text like ``"90 km/h"``.
    form : {sum, wisc}, default sum
        'sum': Σ A v³ over the cells above; 'wisc': their area times the cube of their mean speed.
    variable : str, optional
        Variable of the Dataset or of the files of `wind`.

    Returns
    -------
    DataArray (time)
        In km² m³ s⁻³; 0 when no wind counts, NaN when all cells are missing.

    Raises
    ------
    InputError
        If `wind` has no units of speed, or is on no grid.

    References
    ----------
    Dawkins et al. 2016, NHESS 16, 1999.
    """
    limit = units.quantity(above, "m s-1", "above") if isinstance(above, str) else above
    check_number("above", limit)
    if str(form) not in ("sum", "wisc"):
        raise InputError(f"dawkins_index: form must be one of: sum wisc, not {form!r}")
    wind = as_dataarray(wind, variable, "wind")
    areas = cell_areas(wind)
    scale, _ = units.check(units.of(wind.attrs), "m s-1", "wind")
    speed = wind * scale
    speed = speed.where(speed > limit)
    if form == "sum":
        total = _sum(speed**3 * areas, wind)
    else:
        area = _sum(areas.where(speed.notnull()), wind)
        mean = _sum(speed * areas, wind) / area
        total = (area * mean**3).fillna(0).where(area.notnull())
    return _named(total, "dawkins_index", "km2 m3 s-3", {"wind": wind}, above=above, form=form)


def _excess(wind: xr.DataArray, v98: xr.DataArray) -> xr.DataArray:
    """Share by which winds exceed the percentile, 0 below; missing stays missing."""
    grid_names(wind)
    v98 = _on_cells("v98", v98, wind)
    given, other = units.of(wind.attrs), units.of(getattr(v98, "attrs", None))
    units.check_kind(given, ("m s-1",), "wind")
    if given is not None and other is not None:
        scale, _ = units.check(other, given, "v98")
        v98 = v98 if scale == 1 else v98 * scale
    v98 = _beside(wind, v98, "v98")
    excess = (wind / v98 - 1).clip(min=0)
    return excess.where(np.isfinite(excess))  # a percentile of 0 measures nothing


def _beside(wind: xr.DataArray, x: Any, name: str) -> Any:
    """A map on the very cells of the wind: what differs by rounding is the same place, all else is refused."""
    for dim, wanted in zip(grid_names(wind), (LATITUDE_NAMES, LONGITUDE_NAMES), strict=True):
        called = find_axis(x, wanted)
        if called is None:
            continue
        x = along_axis(x, called, wind[dim].values, name)
        if called != dim:
            x = x.rename({called: dim})
        if dim in wind.coords:
            x = x.assign_coords({dim: wind[dim]})
    return x


def _on_cells(name: str, value: Any, wind: xr.DataArray) -> Any:
    """Return a DataArray as it is; else a number or an array of numbers that fits the cells."""
    if hasattr(value, "dims"):
        return value
    try:
        values = np.asarray(value, dtype="float64")
        fits = values.size > 0 and np.broadcast_shapes(values.shape, wind.shape) == wind.shape
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no number and no array of numbers that fits the wind") from error
    if not fits:
        raise InputError(
            f"{name} has the shape {values.shape}, the wind {wind.shape}", hint="pass a DataArray on the same cells"
        )
    return values


def _sum(values: xr.DataArray, known: xr.DataArray) -> xr.DataArray:
    """Sum over the cells; missing where no cell of `known` has a value."""
    total = values.astype("float64").sum(grid_names(known), skipna=True)
    return total.where(known.notnull().any(grid_names(known)))


#: Long names of the results.
_TITLES = {
    "klawa_ulbrich_index": "Loss index of Klawa and Ulbrich",
    "storm_severity_index": "Storm severity index",
    "dawkins_index": "Severity index of Dawkins",
}


def _named(total: xr.DataArray, name: str, unit: str, operands: dict[str, Any], **params: Any) -> xr.DataArray:
    """The result with its name and attributes, and nothing of those of the wind."""
    given = {key: getattr(operand, "attrs", {}) for key, operand in operands.items()}
    made = {key: attributes.made_by(given[key], getattr(operand, "name", None)) for key, operand in operands.items()}
    total.attrs = attributes.of_result(
        _TITLES[name],
        unit,
        inputs=given.values(),
        cell_methods=attributes.compose(given["wind"].get("cell_methods"), "area: sum"),
        definition={"diagnostic": name, **params, **made},
    )
    return attributes.tidy_coordinates(total.rename(name))

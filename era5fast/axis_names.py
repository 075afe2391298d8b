"""Which dimension is which axis: by its name, else by what its coordinate says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FILE_TIME_NAMES", "LATITUDE_NAMES", "LONGITUDE_NAMES", "TIME_NAMES", "find_axis", "find_name"]

TIME_NAMES = ("time", "valid_time")
#: In files; what is read from them has one of the others.
FILE_TIME_NAMES = (*TIME_NAMES, "date")
LATITUDE_NAMES = ("latitude", "lat")
LONGITUDE_NAMES = ("longitude", "lon")


def find_name(names: Any, wanted: tuple[str, ...]) -> str | None:
    """First of the `wanted` names that is among `names`."""
    return next((name for name in wanted if name in names), None)


def find_axis(x: Any, wanted: tuple[str, ...]) -> Any:
    """Dimension of a DataArray that is an axis; anything but a DataArray has none.

    Parameters
    ----------
    x : any
        What the user passed.
    wanted : tuple of str
        Names of the axis: ``TIME_NAMES``, ``LATITUDE_NAMES`` or ``LONGITUDE_NAMES``.

    Returns
    -------
    str or None
        The dimension of one of these names; without one, that whose coordinate says by its CF attributes (or, of
        times, by its type) that it is this axis. None where there is none, or several say so.
    """
    dims = getattr(x, "dims", ())
    if (name := find_name(dims, wanted)) is not None or not hasattr(x, "coords"):
        return name
    found = [dim for dim in dims if dim in x.coords and _says_that_it_is(x.coords[dim], wanted)]
    return found[0] if len(found) == 1 else None


#: What the coordinate of an axis may say that has another name. A Y axis may be one of a projection, no latitude.
_SAID: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
    TIME_NAMES: {"standard_name": ("time",), "axis": ("T",)},
    LATITUDE_NAMES: {"standard_name": ("latitude",), "units": ("degrees_north", "degree_north", "degrees_N")},
    LONGITUDE_NAMES: {"standard_name": ("longitude",), "units": ("degrees_east", "degree_east", "degrees_E")},
}


def _says_that_it_is(coordinate: xr.DataArray, wanted: tuple[str, ...]) -> bool:
    said = any(coordinate.attrs.get(key) in values for key, values in _SAID[wanted].items())
    return said or (wanted is TIME_NAMES and (coordinate.dtype.kind == "M" or _has_cftime(coordinate)))


def _has_cftime(coordinate: xr.DataArray) -> bool:
    return coordinate.dtype.kind == "O" and coordinate.size > 0 and hasattr(coordinate.values[0], "calendar")

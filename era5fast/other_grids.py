"""Variables of files whose cells have no axes of latitude and longitude: projections, curved grids, stations.

The core reads maps of latitudes and longitudes. What needs no places, such as a percentile of each cell, is computed
for other cells, too: xarray opens the files, and what is computed reads them into memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .axis_names import FILE_TIME_NAMES, LATITUDE_NAMES, LONGITUDE_NAMES
from .errors import InputError
from .sources import NETCDF_MAGIC, data_variables, magic_of, open_file
from .variable_table import names_in_files

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["else_of_other_cells", "variable_of"]

_AXES = (*LATITUDE_NAMES, *LONGITUDE_NAMES)


def else_of_other_cells(read: Callable[[], Any], names: list[str], variable: str | None) -> Any:
    """What `read` makes of files; where the core refuses them for their cells, their variable on other cells.

    Parameters
    ----------
    read : callable
        Reads maps of latitudes and longitudes.
    names, variable
        The files, and which variable, for :func:`variable_of`.

    Raises
    ------
    InputError
        That of `read` if there is no such variable; or if the files do not fit together.
    """
    try:
        return read()
    except InputError:
        found = variable_of(names, variable)
        if found is None:
            raise
        return found


def variable_of(names: list[str], variable: str | None) -> xr.DataArray | None:
    """One variable over time of files, lazy, where it is on other cells than those of latitudes and longitudes.

    Parameters
    ----------
    names : list of str
        The files.
    variable : str, optional
        Which variable, by any of its names; None: the only one.

    Returns
    -------
    DataArray or None
        None where the files hold no such variable, or xarray cannot open them: the core has said already what is
        wrong with them.

    Raises
    ------
    InputError
        If the files do not fit together, or there are several such variables and none is named.
    """
    if any(magic_of(name) not in NETCDF_MAGIC for name in names):
        return None
    found = [_name_in(name, variable) for name in names]
    parts = [] if None in found else _opened(names, [str(name) for name in found])
    if len(parts) > 1:
        parts = [_in_time(names, parts)]
    if not parts:
        return None
    parts[0].encoding["era5fast_paths"] = tuple(names)
    return parts[0]


def _name_in(file: str, variable: str | None) -> str | None:
    """The variable among those of a file; None where it is not there, is one of several, or has the usual axes."""
    header = open_file(file).header()
    held = header["variables"]
    bounds = {str(each["attrs"].get(key)) for each in held.values() for key in ("bounds", "climatology")}
    known = [name for name, each in held.items() if name not in bounds and _is_of_other_cells(each)]
    if variable is None:
        if data_variables(header):
            return None  # the core has said what is wrong
        if len(known) > 1:
            raise InputError(f"{file}: which variable?", hint=f"it holds {', '.join(known)}", target=file)
        return known[0] if known else None
    return next((name for name in names_in_files(variable) if name in known), None)


def _is_of_other_cells(each: dict[str, Any]) -> bool:
    dims = each["dims"]
    over_time = not set(FILE_TIME_NAMES).isdisjoint(dims) and len(dims) > 1
    return over_time and each["dtype"] != "text" and set(_AXES).isdisjoint(dims)


def _opened(names: list[str], variables: list[str]) -> list[xr.DataArray]:
    try:
        import xarray as xr
    except ImportError:
        return []
    from .xarray_engine import Era5FastBackendEntrypoint

    try:
        pairs = zip(names, variables, strict=True)
        return [xr.open_dataset(name, engine=Era5FastBackendEntrypoint)[variable] for name, variable in pairs]
    except ValueError:  # such as times that it cannot read either
        return []


def _in_time(names: list[str], parts: list[xr.DataArray]) -> xr.DataArray:
    """Parts of a series behind each other, whatever the order of the files."""
    import xarray as xr

    time = next(dim for dim in FILE_TIME_NAMES if dim in parts[0].dims)
    try:
        parts = sorted(parts, key=lambda part: part[time].values[:1].tolist())
        return xr.concat(parts, time, join="exact", coords="minimal", compat="override", combine_attrs="override")
    except (KeyError, ValueError) as error:
        raise InputError(f"{names[0]} and the files with it are of other cells", target=names[0]) from error

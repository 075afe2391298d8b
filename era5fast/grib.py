"""GRIB files with the same tidy names as netCDF ones; read by cfgrib and ecCodes where these are installed."""

from __future__ import annotations

import collections
import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import CorruptDataError, InputError
from .grib_inventory import Message, inventory, report, report_cut
from .grib_messages import heads
from .memory import check_room
from .optional import need
from .selection import Selection
from .sources import NETCDF_MAGIC, grib_files, magic_of
from .times import decode_times
from .variable_table import names_in_files

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["read", "variable_of", "variables_of"]

#: Vertical coordinates as cfgrib names them → our names; all others have one level and carry no information.
_LEVELS = {"isobaricInhPa": "pressure_level", "hybrid": "model_level"}
_GRID = ("latitude", "longitude")


def _cfgrib() -> Any:
    """The module. Where pyproj is there it is loaded first: its PROJ, and so geopandas, fails behind ecCodes' wheels.

    They put another SQLite before everybody's; see ``era5fast/__init__.py`` for how the core keeps out of it. Where
    that has happened already, loading pyproj would be worse than leaving it.
    """
    if "findlibs" not in sys.modules:
        with contextlib.suppress(ImportError):
            import_module("pyproj")
    return need("cfgrib", "GRIB files", "or download netCDF")


def variables_of(names: list[str], variables: list[str] | None) -> list[xr.DataArray]:
    """Variables of GRIB files, tidy and lazy, each over all files that hold it.

    Parameters
    ----------
    names : list of str
        The files, all of them GRIB, or archives of such.
    variables : list of str, optional
        Variables to open, by any of their names; all of them when left out.

    Raises
    ------
    InputError
        If cfgrib is not there, or a variable is not in the files.
    CorruptDataError
        If a file is damaged.
    """
    messages: list[Message] = []
    indexes: dict[str, Any] = {}
    for name in itertools.chain.from_iterable(map(grib_files, names)):
        if magic_of(name) in NETCDF_MAGIC:
            raise InputError(f"{name}: not GRIB, as others of these files are", hint="read the kinds one by one")
        _check_messages(name)
        with _damage_of(name):
            indexes[name] = _index_of(name)
            found_here = inventory(name, indexes[name])
        report_cut(name, found_here)
        messages += found_here
    # What is taken first counts: the final versions, then the preliminary ones, each in the order of the files.
    parts = dict.fromkeys((message.preliminary, message.path, message.version) for message in messages)
    versions = collections.Counter(path for _, path, _ in parts)
    found: dict[str, list[xr.DataArray]] = {}
    for _, path, version in sorted(parts, key=lambda part: part[0]):
        for array in _arrays(path, indexes[path], version if versions[path] > 1 else None):
            found.setdefault(str(array.name), []).append(array)
    known = list(found)
    wanted = known if variables is None else [_name_of(variable, known, names[0]) for variable in variables]
    return [_reported(_in_time(found[name]), messages) for name in wanted]


def variable_of(names: list[str], variable: str | None) -> xr.DataArray:
    """One variable of GRIB files, tidy and lazy.

    Parameters
    ----------
    names, variable
        Files, and which variable of them; may be None when they hold only one.

    Raises
    ------
    InputError, CorruptDataError
        As :func:`variables_of`; and if several variables are there and none is named.
    """
    array, *others = variables_of(names, None if variable is None else [variable])
    if others:
        known = ", ".join(str(other.name) for other in [array, *others])
        raise InputError(f"{names[0]}: which variable?", hint=f"the files hold {known}", target=names[0])
    return array


def read(names: list[str], variable: str | None, wanted: Callable[[dict[str, Any]], Selection]) -> np.ndarray:
    """Read (a part of) a variable of GRIB files into memory.

    Parameters
    ----------
    names, variable
        As of :func:`variable_of`.
    wanted : callable
        Gives the selection for a header.

    Raises
    ------
    InputError, CorruptDataError
        As :func:`variable_of`.
    """
    array = variable_of(names, variable)
    selection = wanted(_header(array))
    check_room(str(array.name), selection.shape, array.dtype)
    parts = zip(array.dims, selection.picks, strict=True)
    index = {dim: pick if isinstance(pick, np.ndarray) else slice(pick[0], sum(pick)) for dim, pick in parts}
    with _damage_of(names[0]):
        return np.ascontiguousarray(array.isel(index).values).reshape(selection.shape)


def _name_of(variable: str, known: list[str], path: str) -> str:
    name = next((name for name in names_in_files(variable) if name in known), None)
    if name is None:
        raise InputError(f"{path}: no variable '{variable}'", hint=f"there are {', '.join(known)}", target=path)
    return name


def _check_messages(path: str) -> None:
    """Refuse a damaged file: cfgrib leaves out what is damaged, and goes on."""
    _cfgrib()
    for _ in heads(path):
        pass


def _index_of(path: str) -> Any:
    from .grib_store import index_of

    return index_of(path)


def _arrays(path: str, index: Any, version: str | None) -> list[xr.DataArray]:
    """Every variable (of a version) in a file; of one variable several where its messages make no single block."""
    from .grib_store import blocks

    with _damage_of(path):
        return [_tidy(block[name]) for block in blocks(index, version) for name in block.data_vars]


def _reported(array: xr.DataArray, messages: list[Message]) -> xr.DataArray:
    """The variable, when all moments of its messages are in it; what is odd about them goes to the log."""
    own = [message for message in messages if message.variable == array.attrs.get("GRIB_paramId")]
    moments = np.unique([message.seconds for message in own])
    if not np.array_equal(moments, decode_times(array["time"].values, None)[0]):
        text = f"{array.name}: {array.sizes['time']} of {moments.size} time steps could be read"
        raise CorruptDataError(text, hint="a file is damaged, or no ERA5")
    report(str(array.name), own)
    return array


@contextlib.contextmanager
def _damage_of(path: str) -> Iterator[None]:
    """Failures of cfgrib and ecCodes as ours."""
    from cfgrib import DatasetBuildError
    from eccodes import GribInternalError

    try:
        yield
    except (EOFError, KeyError, ValueError, OSError, DatasetBuildError, GribInternalError) as error:
        raise CorruptDataError(f"{path}: {error}", hint="the file is damaged, or no ERA5", target=path) from error


def _tidy(array: xr.DataArray) -> xr.DataArray:
    """Dimensions and names as those of netCDF files."""
    array = array.rename({old: new for old, new in {"valid_time": "time", **_LEVELS}.items() if old in array.dims})
    if "latitude" not in array.dims or "longitude" not in array.dims:
        raise InputError(f"{array.name} is on no grid of latitudes and longitudes", hint="ask for regular_ll data")
    keep = {"time", *_LEVELS.values(), *_GRID}
    array = array.isel({dim: 0 for dim in array.dims if dim not in keep and array.sizes[dim] == 1})
    array = array.drop_vars([name for name in array.coords if name not in array.dims])
    others = [dim for dim in array.dims if dim not in ("time", "number", *_GRID)]
    return array.transpose(*(dim for dim in ("time", "number") if dim in array.dims), *others, *_GRID)


def _in_time(arrays: list[xr.DataArray]) -> xr.DataArray:
    """One variable of several files or blocks, in order of time; a step that occurs twice is that of the first."""
    import xarray as xr

    for array in arrays[1:]:
        _check_same(arrays[0], array)
    whole = arrays[0] if len(arrays) == 1 else xr.concat(arrays, "time", join="exact", combine_attrs="override")
    _, first = np.unique(whole["time"].values, return_index=True)
    return whole if np.array_equal(first, np.arange(whole.sizes["time"])) else whole.isel(time=first)


def _check_same(first: xr.DataArray, other: xr.DataArray) -> None:
    """Refuse what does not make one variable in time: other levels, members or cells."""
    if first.dims != other.dims:
        both = " and ".join(f"({', '.join(map(str, array.dims))})" for array in (first, other))
        raise InputError(f"{first.name} has dimensions {both}", hint="read them one by one")
    for dim in first.dims:
        if dim != "time" and not np.array_equal(first[dim].values, other[dim].values):
            raise InputError(f"{first.name} has different values of {dim}", hint="read them one by one")


def _header(array: xr.DataArray) -> dict[str, Any]:
    """Of a tidy array what the core says of its datasets."""
    seconds, calendar = decode_times(array["time"].values, None)
    others = [dim for dim in array.dims if dim not in ("time", "latitude", "longitude")]
    return {
        "name": array.name,
        "dims": tuple(array.dims),
        "seconds": seconds,
        "calendar": calendar,
        "latitude": array["latitude"].values,
        "longitude": array["longitude"].values,
        "levels": {dim: {"values": array[dim].values, "attrs": array[dim].attrs} for dim in others},
    }

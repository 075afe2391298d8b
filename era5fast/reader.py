"""Reading: netCDF files of both layouts of the Climate Data Store, archives of them and GRIB files, many as one."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .errors import InputError
from .locks import reading
from .memory import check_room
from .optional import need
from .progress import Progress
from .selection import select
from .sources import expand, files_by_variable, has_grib, magic_of, netcdf_files, open_core, open_file
from .times import encode_times

if TYPE_CHECKING:
    import xarray as xr

    from .lazy import Handle

__all__ = ["explain", "open_dataset", "read"]


def read(
    paths: Any,
    variable: str | int | None = None,
    *,
    time: Any = None,
    area: Any = None,
    level: Any = None,
    number: Any = None,
    dtype: Any = None,
    out: np.ndarray | None = None,
    progress: bool = True,
) -> np.ndarray:
    """Read a variable, or a part of it, into memory, in parallel.

    Of compressed files only the chunks that the part touches are read and decoded.

    Parameters
    ----------
    paths : path, pattern or sequence of paths
        netCDF or GRIB files, or zip archives of them.
    variable : str or int, optional
        Any of the names of the variable, or its number; may be left out when the files hold only one.
    time : slice of dates, or a date, optional
        First and last moment, both inclusive; ``slice("2003-06", "2003-08")`` means whole months, and so does
        ``"2003-06"``. Dates are those of the files' calendar.
    area : sequence of four floats, optional
        North, west, south, east in degrees. Columns come eastward from the west, also across the seam of the files.
    level : number or sequence of numbers, optional
        Values of the vertical dimension (pressure in hPa, number of the model level); a single number takes the
        dimension away.
    number : int or sequence of int, optional
        Members of the ensemble; a single one takes the dimension away.
    dtype : float32 or float64, optional
        Type of the result; that of the decoded values when left out.
    out : numpy.ndarray, optional
        Array to read into, of the shape of the result.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    numpy.ndarray
        (time, [number], [level], latitude, longitude), float32 (float64 where the files hold that), missing values
        NaN; `out` when it was given.

    Raises
    ------
    InputError
        If the variable or what is asked for of it is not in the files, or `out` does not fit.
    CorruptDataError
        If a file is damaged.
    StorageError
        If a file cannot be read.
    TargetBusyError
        If a program has it open for writing.
    ResultTooLargeError
        If the result needs more than a quarter of the memory of the machine or the container; a
        :class:`MemoryError`. There is no limit for an array of your own, `out`.
    """
    wanted = functools.partial(select, time=time, area=area, level=level, number=number)
    kind = _check_dtype(dtype)
    name = None if variable is None else _name(variable)
    magic = list(map(magic_of, names := expand(paths)))
    if has_grib(names, magic):
        from . import grib

        return _into(grib.read(names, name, wanted), kind, out)
    core, _ = open_core(names, name, magic)
    header = core.header()
    selection = wanted(header)
    if out is not None:
        _check_out(out, selection.shape, kind)
    if out is not None and _is_plain(out):
        target = out
    else:
        check_room(header["name"], selection.shape, kind or np.dtype(header["dtype"]))
        target = _core.new_array(selection.shape, kind or header["dtype"])
    with Progress("reading", progress) as callback, reading(core):
        core.read(selection.picks, target.reshape(selection.full_shape), callback)
    return target if out is None or target is out else _into(target, kind, out)


def _name(variable: Any) -> str:
    """A variable as it is called; numbers are those of the ECMWF's parameters."""
    if isinstance(variable, str):
        return variable
    if isinstance(variable, int | np.integer) and not isinstance(variable, bool):
        return str(variable)
    raise InputError(f"a variable is a name or a number, not {variable!r}")


def _check_dtype(dtype: Any) -> np.dtype | None:
    if dtype is None:
        return None
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind is None or kind not in (np.dtype("float32"), np.dtype("float64")):
        raise InputError(f"dtype must be float32 or float64, not {dtype if kind is None else kind}")
    return kind


def _is_plain(out: np.ndarray) -> bool:
    """True when the core can write to the array itself."""
    return out.flags.c_contiguous and out.flags.aligned and out.dtype in (np.dtype("float32"), np.dtype("float64"))


def _check_out(out: Any, shape: tuple[int, ...], kind: np.dtype | None) -> None:
    is_array = isinstance(out, np.ndarray)
    if not is_array or out.shape != shape or out.dtype.kind != "f" or not out.flags.writeable:
        found = f"{out.dtype} {out.shape}" if is_array else type(out).__name__
        found += " that is read-only" if is_array and not out.flags.writeable else ""
        raise InputError(f"out must be a writeable array of floats of shape {shape}, not {found}")
    if kind is not None and out.dtype != kind:
        raise InputError(f"out is {out.dtype}, dtype is {kind}", hint="leave out dtype=")


def _into(values: np.ndarray, kind: np.dtype | None, out: np.ndarray | None) -> np.ndarray:
    """Values in the type and the array that were asked for."""
    if out is None:
        return values if kind is None else values.astype(kind, copy=False)
    _check_out(out, values.shape, kind)
    out[...] = values
    return out


def open_dataset(
    paths: Any, variables: list[str] | str | int | None = None, *, join: str = "exact", chunks: Any = None
) -> xr.Dataset:
    """Open files as one tidy, lazy :class:`xarray.Dataset`.

    Files of one variable are put together in time, files of different variables beside each other. The values are
    read when they are used, from any thread and without a lock; copies and pickles open the files anew.

    Parameters
    ----------
    paths : path, pattern or sequence of paths
        netCDF files of the present or the old layout, GRIB files, or zip archives of them.
    variables : str, int or list of them, optional
        Variables to open, by any of their names or their numbers; all of them when left out.
        What stays the same in time (a mask of land beside a series) is left out then, which the log says.
    join : {"exact", "inner"}
        What to do when variables do not have the same times, cells and levels: refuse, or keep what they have in
        common.
    chunks : dict, str or int, optional
        Make dask arrays of this; ``{}`` takes the chunks of the files. Without it nothing needs dask.

    Returns
    -------
    xarray.Dataset
        Dimensions ``time``, [``number``], [``pressure_level``, ``model_level`` …], ``latitude``, ``longitude``.
        It can be used as a context manager; closing it lets go of the files. Coordinates of the service that say
        nothing of a place or a moment (``expver``, a lone ``number``) are left out; versions are merged.

    Raises
    ------
    InputError, CorruptDataError, StorageError
        As :func:`read`; and if variables do not fit together.
    MissingPackageError
        If xarray is not installed, or dask where `chunks` are wanted.

    Notes
    -----
    Writing the Dataset, or what was made of it, to one of the files that it reads destroys that file: it is emptied
    before its values are read. Call ``load()`` first, or write to another name.
    """
    need("xarray", "Datasets", "read() gives plain arrays")
    if chunks is not None:
        need("dask", "chunks")
    if join not in ("exact", "inner"):
        raise InputError(f"join must be 'exact' or 'inner', not {join!r}")
    names = expand(paths)
    asked = [variables] if isinstance(variables, str | int | np.integer) else variables
    wanted = None if asked is None else [_name(variable) for variable in asked]
    if has_grib(names):
        from . import grib

        ds = _fit_together(grib.variables_of(names, wanted), join)
    else:
        ds = _open_netcdf(names, wanted, join)
    return ds if chunks is None else _chunked(ds, chunks)


def _open_netcdf(names: list[str], wanted: list[str] | None, join: str) -> xr.Dataset:
    if wanted is None or len(names) > 1:
        held = files_by_variable(names, fixed=wanted is not None)
    else:
        held = dict.fromkeys(wanted, names)
    if wanted is not None:
        held = {name: _files_of(held, name, names) for name in wanted}
    opened = [_open_variable(name, files) for name, files in held.items()]
    ds = _fit_together([array for array, _ in opened], join)
    ds.set_close(functools.partial(_close_all, tuple(handle for _, handle in opened)))
    if len(names) == 1:
        ds.encoding["source"] = os.path.abspath(names[0])
    return ds


def _close_all(handles: tuple[Handle, ...]) -> None:
    for handle in handles:
        handle.close()


def _files_of(held: dict[str, list[str]], variable: str, names: list[str]) -> list[str]:
    """Files that hold a variable, by whatever name; all of them when none does: the error then says what is there."""
    from .variable_table import names_in_files

    return next((held[name] for name in names_in_files(variable) if name in held), names)


def _open_core_again(files: tuple[str, ...], variable: str) -> Any:
    """Core's dataset alone: what a handle opens."""
    return open_core(files, variable)[0]


def _open_variable(variable: str, files: list[str]) -> tuple[xr.DataArray, Handle]:
    """One variable over many files as a lazy array, and what it reads from."""
    import xarray as xr
    from xarray.core import indexing

    from .lazy import TidyArray, handle_of

    absolute = tuple(os.path.abspath(file) for file in files)
    handle = handle_of(_open_core_again, (absolute, variable), absolute)
    header = handle.core.header()
    coords = _coords(header)
    dims = header["dims"]
    data = TidyArray(handle, header["name"], tuple(coords[dim].size for dim in dims), np.dtype(header["dtype"]))
    attrs = {key: value for key, value in header["attrs"].items() if key not in _PACKING}
    encoding = {
        "era5fast_paths": tuple(files),
        "preferred_chunks": dict(zip(dims, header["chunks"], strict=True)),
        "original_shape": data.shape,
    }
    lazy = xr.Variable(dims, indexing.LazilyIndexedArray(data), attrs, encoding)
    return xr.Dataset({header["name"]: lazy}, coords)[header["name"]], handle  # a DataArray() drops the encoding


#: Attributes that say how values are stored, not what they are.
_PACKING = ("_FillValue", "missing_value", "scale_factor", "add_offset", "coordinates")


def _coords(header: dict[str, Any]) -> dict[str, xr.Variable]:
    import xarray as xr

    axes: dict[str, tuple[Any, dict[str, Any]]] = {
        "time": (encode_times(header["seconds"], header["calendar"]), {}),
        "latitude": (header["latitude"], {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": (header["longitude"], {"standard_name": "longitude", "units": "degrees_east"}),
    }
    axes |= {dim: (level["values"], level["attrs"]) for dim, level in header["levels"].items()}
    return {dim: xr.Variable((dim,), axes[dim][0], axes[dim][1]) for dim in header["dims"]}


# --- variables beside each other ---


def _fit_together(arrays: list[xr.DataArray], join: str) -> xr.Dataset:
    """Variables as one Dataset, without reading any."""
    import xarray as xr

    if join == "exact":
        for array in arrays[1:]:
            _check_same(arrays[0], array, arrays)
    return xr.Dataset({str(array.name): array for array in xr.align(*arrays, join="inner", copy=False)})


def _check_same(first: xr.DataArray, array: xr.DataArray, arrays: list[xr.DataArray]) -> None:
    for dim in array.dims:
        other = next((x for x in arrays if dim in x.dims), first)
        if not np.array_equal(array[dim].values, other[dim].values):
            raise InputError(
                f"{other.name} and {array.name} differ in {dim}: {_extent(other[dim])} and {_extent(array[dim])}",
                hint="keep what they have in common with join='inner', or open some of them with variables=",
            )


def _extent(axis: xr.DataArray) -> str:
    """First, last and number of the values of an axis, in words."""
    ends = [str(value)[:16] if axis.dtype.kind in "MO" else f"{value:g}" for value in axis.values[[0, -1]]]
    return f"{axis.size} from {ends[0]} to {ends[1]}"


def _chunked(ds: xr.Dataset, chunks: Any) -> xr.Dataset:
    """Dask arrays; along dimensions that `chunks` does not name as the files are cut."""
    unknown = [str(dim) for dim in chunks if dim not in ds.dims] if isinstance(chunks, dict) else []
    if unknown:
        raise InputError(f"chunks: no dimension {unknown[0]}", hint=f"there are {', '.join(map(str, ds.dims))}")
    try:
        return _cut(ds, chunks)
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"chunks are {chunks!r}: {error}", hint='a dict such as {"time": 24}, or "auto"') from error


def _cut(ds: xr.Dataset, chunks: Any) -> xr.Dataset:
    if not isinstance(chunks, dict):
        return ds.chunk(chunks)
    cut = ds.copy()
    for name, array in ds.data_vars.items():
        hints = array.encoding.get("preferred_chunks", {})
        cut[name] = array.chunk({dim: chunks.get(dim, hints.get(dim, -1)) for dim in array.dims})
    cut.set_close(ds.close)
    return cut


def explain(paths: Any) -> dict[str, str]:
    """Say by which way each variable is read, and why.

    Parameters
    ----------
    paths : path, pattern or sequence of paths
        netCDF or GRIB files, or zip archives of them. Of several files with a variable the first counts.

    Returns
    -------
    dict of str to str
        One sentence per variable that has numbers.

    Raises
    ------
    CorruptDataError, StorageError, UnsafeInputError
        If the file cannot be read.
    InputError
        If it is GRIB and cfgrib is not installed.
    """
    if has_grib(names := expand(paths)):
        from . import grib

        variables = grib.variables_of(names, None)
        return {str(variable.name): "Read by cfgrib and ecCodes: the file is GRIB." for variable in variables}
    ways: dict[str, str] = {}
    for file in (open_file(member) for name in names for member in netcdf_files(name)):
        numbers = [n for n, v in file.header()["variables"].items() if v["dtype"] != "text"]
        ways |= {n: file.explain(n) or "" for n in numbers if n not in ways}
    return ways

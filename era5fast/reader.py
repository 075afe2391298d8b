"""Reading: netCDF files of both layouts of the Climate Data Store, zip archives named ``.nc``, many files as one.

The values are read by the core. This module finds the files, unpacks archives, and dresses the result for NumPy and
xarray.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .errors import CorruptDataError, InputError, StorageError, UnsafeInputError
from .progress import Progress
from .times import encode_times
from .variables import find as find_variable

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["explain", "open_dataset", "read"]

_ZIP_MAGIC = b"PK\x03\x04"
_MOST_MEMBERS = 10_000
_MOST_BYTES = 64 << 30
_WORST_RATIO = 1030  # what deflate can reach; more is a lie in the directory of the archive


# --- files ------------------------------------------------------------------------------------------------------------


def is_paths(x: Any) -> bool:
    """True for a file name or a sequence of file names."""
    if isinstance(x, str | os.PathLike):
        return True
    return isinstance(x, Sequence) and len(x) > 0 and all(isinstance(p, str | os.PathLike) for p in x)


def expand(paths: Any) -> list[str]:
    """File names behind a path, a pattern, or a sequence of them, in the order given.

    Raises
    ------
    InputError
        If a pattern matches nothing or no path is given.
    """
    if not is_paths(paths):
        raise InputError(f"file names are needed, not {type(paths).__name__}")
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found: list[str] = []
    for path in map(os.fspath, given):
        names = sorted(glob.glob(path)) if glob.has_magic(path) and not os.path.exists(path) else [path]
        if not names:
            raise InputError(f"no file matches {path}")
        found += names
    return found


def _is_zip(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) == _ZIP_MAGIC
    except OSError as error:
        raise _storage_error(error, path) from error


def _storage_error(error: OSError, path: str) -> StorageError:
    """:class:`StorageError` for a failed system call on `path`."""
    return StorageError(f"cannot read {path}: {error.strerror}", target=path).at(error.errno or 0, path)


_scratch: tempfile.TemporaryDirectory[str] | None = None
_members: dict[tuple[str, int, int], list[str]] = {}


def unpack(path: str) -> list[str]:
    """Members of a zip archive as files, unpacked once per process into a directory that goes with it.

    Raises
    ------
    UnsafeInputError
        If the archive claims sizes or numbers that no honest one has.
    CorruptDataError
        If it is damaged.
    """
    global _scratch
    info = os.stat(path)
    key = (os.path.abspath(path), info.st_size, info.st_mtime_ns)
    if key not in _members:
        if _scratch is None:
            _scratch = tempfile.TemporaryDirectory(prefix="era5fast-")
        try:
            _members[key] = _unpack_into(path, tempfile.mkdtemp(dir=_scratch.name))
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
            if isinstance(error, UnsafeInputError):
                raise
            raise CorruptDataError(f"{path}: damaged zip archive: {error}", target=path) from error
    return _members[key]


def _unpack_into(path: str, directory: str) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _check_members(path, members, archive.start_dir)
        return [_extract(archive, member, directory, i) for i, member in enumerate(members)]


def _check_members(path: str, members: list[zipfile.ZipInfo], stored: int) -> None:
    size = sum(member.file_size for member in members)
    if not members:
        raise CorruptDataError(f"{path}: empty zip archive", target=path)
    if len(members) > _MOST_MEMBERS or size > min(_MOST_BYTES, _WORST_RATIO * max(stored, 1)):
        raise UnsafeInputError(f"{path}: archive claims {len(members)} members of {size} bytes", target=path)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, directory: str, number: int) -> str:
    # The name inside the archive is never used as a path: only its last component, behind a number of ours.
    base = os.path.basename(member.filename.replace("\\", "/")).lstrip(".") or "member"
    target = os.path.join(directory, f"{number:05d}-{base[:150]}")
    with archive.open(member) as source, open(target, "xb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    return target


@contextlib.contextmanager
def _library_locks() -> Iterator[None]:
    """Hold xarray's locks round netCDF and HDF5, where xarray is loaded: its readers and ours then take turns."""
    with contextlib.ExitStack() as stack:
        for module, name in (("xarray.backends.locks", "HDF5_LOCK"), ("xarray.backends.locks", "NETCDFC_LOCK")):
            lock = getattr(sys.modules.get(module), name, None)
            if lock is not None:
                stack.enter_context(lock)
        yield


def open_core(paths: Any, variable: str | None) -> tuple[Any, tuple[str, ...]]:
    """Open one variable over many files; the core's dataset, and the names of the files."""
    names = expand(paths)
    files = [file for name in names for file in _files_with(name, variable)]
    with _library_locks():
        return _core.open_dataset(files, variable), tuple(names)


def _files_with(name: str, variable: str | None) -> list[str]:
    """The file itself, or those members of an archive that hold the variable."""
    if not _is_zip(name):
        return [name]
    members = unpack(name)
    if variable is None and len(members) == 1:
        return members
    holding = [member for member in members if variable is not None and _holds(member, variable)]
    if holding:
        return holding
    known = sorted({v for member in members for v in data_variables(header_of(member))})
    asked = "which variable?" if variable is None else f"no variable '{variable}'"
    raise InputError(f"{name}: {asked}", hint=f"the archive holds {', '.join(known)}", target=name)


def header_of(path: str) -> dict[str, Any]:
    """Header of a netCDF file: dimensions, variables, attributes."""
    with _library_locks():
        return _core.open_file(path).header()


def _holds(path: str, variable: str) -> bool:
    row = find_variable(variable)
    names = {variable} | ({row.netcdf, row.old_netcdf} if row is not None else set())
    return bool(names & set(header_of(path)["variables"]))


def data_variables(header: dict[str, Any]) -> list[str]:
    """Names of the variables that have time (or date), latitude and longitude, or at least two dimensions."""
    variables = header["variables"]
    return [n for n, v in variables.items() if len(v["dims"]) >= 2 and v["dtype"] != "text" and n not in header["dims"]]


# --- faces ------------------------------------------------------------------------------------------------------------


def read(
    paths: Any, variable: str | None = None, *, time: slice | None = None, area: Any = None, progress: bool = True
) -> np.ndarray:
    """Read a variable into memory, in parallel.

    Parameters
    ----------
    paths : path, pattern or sequence of paths
        netCDF files or zip archives of them.
    variable : str, optional
        Any of the names of the variable; may be left out when the files hold only one.
    time : slice of dates, optional
        First and last moment, both inclusive; ``slice("2003-06", "2003-08")`` means whole months.
    area : sequence of four floats, optional
        North, west, south, east in degrees.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    numpy.ndarray
        (time, latitude, longitude), float32 (float64 where the files hold that), missing values NaN.

    Raises
    ------
    InputError
        If the variable, the period or the area is not in the files.
    CorruptDataError
        If a file is damaged.
    StorageError
        If a file cannot be read.
    """
    core, _ = open_core(paths, variable)
    header = core.header()
    first, last = _time_range(header, time)
    with Progress("reading", progress) as callback, _library_locks():
        values = core.read(first, last - first, callback)
    rows, columns = _area_index(header, area)
    return values if area is None else np.ascontiguousarray(values[:, rows][:, :, columns])


def _time_range(header: dict[str, Any], time: slice | None) -> tuple[int, int]:
    seconds = header["seconds"]
    if time is None:
        return 0, len(seconds)
    first = 0 if time.start is None else int(np.searchsorted(seconds, _moment(time.start), "left"))
    last = len(seconds) if time.stop is None else int(np.searchsorted(seconds, _moment(time.stop, end=True), "left"))
    if last <= first:
        raise InputError(f"no data from {time.start} to {time.stop}")
    return first, last


def _moment(text: Any, end: bool = False) -> int:
    """Second at which a (possibly partial) date begins, or at which it is over."""
    stamp = np.datetime64(text)
    return int((stamp + 1 if end else stamp).astype("datetime64[s]").astype("int64"))


def _area_index(header: dict[str, Any], area: Any) -> tuple[np.ndarray, np.ndarray]:
    latitude, longitude = header["latitude"], header["longitude"]
    if area is None:
        return np.arange(len(latitude)), np.arange(len(longitude))
    north, west, south, east = map(float, area)
    rows = np.flatnonzero((latitude <= north + 1e-4) & (latitude >= south - 1e-4))
    eastward = (longitude - west + 1e-4) % 360
    columns = np.flatnonzero(eastward <= (east - west) % 360 + 2e-4 if east - west < 360 else eastward >= 0)
    columns = columns[np.argsort(eastward[columns], kind="stable")]
    if rows.size == 0 or columns.size == 0:
        raise InputError(f"no cells in the area {list(area)}", hint="the order is north, west, south, east")
    return rows, columns


def open_dataset(paths: Any, variables: list[str] | str | None = None) -> xr.Dataset:
    """Open files as one tidy, lazy :class:`xarray.Dataset`.

    Parameters
    ----------
    paths : path, pattern or sequence of paths
        netCDF files of the present or the old layout, or zip archives of them.
    variables : str or list of str, optional
        Variables to open; all of them when left out.

    Returns
    -------
    xarray.Dataset
        Dimensions ``time``, ``latitude``, ``longitude``; values are read when they are used.

    Raises
    ------
    InputError, CorruptDataError, StorageError
        As :func:`read`.
    """
    import xarray as xr

    names = [variables] if isinstance(variables, str) else variables or _all_variables(expand(paths))
    arrays = {}
    for name in names:
        core, files = open_core(paths, name)
        arrays[core.header()["name"]] = _lazy_array(core, files)
    return xr.Dataset(arrays)


def _all_variables(names: list[str]) -> list[str]:
    files = [file for name in names for file in (unpack(name) if _is_zip(name) else [name])]
    found = dict.fromkeys(v for file in files for v in data_variables(header_of(file)))
    if not found:
        raise InputError(f"no variable with time, latitude and longitude in {names[0]}")
    return list(found)


def _lazy_array(core: Any, files: tuple[str, ...]) -> xr.DataArray:
    import xarray as xr
    from xarray.core import indexing

    from .lazy import CoreArray

    header = core.header()
    coords = {
        "time": encode_times(header["seconds"], header["calendar"]),
        "latitude": ("latitude", header["latitude"], {"standard_name": "latitude", "units": "degrees_north"}),
        "longitude": ("longitude", header["longitude"], {"standard_name": "longitude", "units": "degrees_east"}),
    }
    skip = ("_FillValue", "missing_value", "scale_factor", "add_offset", "coordinates")
    attrs = {key: value for key, value in header["attrs"].items() if key not in skip}
    data = indexing.LazilyIndexedArray(CoreArray(core, header))
    variable = xr.Variable(("time", "latitude", "longitude"), data, attrs, encoding={"era5fast_paths": files})
    return xr.DataArray(variable, coords=coords, name=header["name"])


def explain(path: str | os.PathLike[str]) -> dict[str, str]:
    """Say by which way each variable of a file is read, and why.

    Parameters
    ----------
    path : path
        A netCDF file.

    Returns
    -------
    dict of str to str
        One sentence per variable that has numbers.
    """
    with _library_locks():
        file = _core.open_file(path)
    return {n: file.explain(n) for n, v in file.header()["variables"].items() if v["dtype"] != "text"}


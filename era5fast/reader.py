"""Reading: netCDF files of both layouts of the Climate Data Store, zip archives named ``.nc``, many files as one.

The values are read by the core. This module finds the files, unpacks archives, and dresses the result for NumPy and
xarray.
"""

from __future__ import annotations

import atexit
import glob
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .errors import CorruptDataError, InputError, StorageError, UnsafeInputError
from .locks import library_locks
from .progress import Progress
from .times import dates_of, encode_times
from .variable_table import find as find_variable

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["explain", "open_dataset", "read"]

_ZIP_MAGIC = b"PK\x03\x04"
_MOST_MEMBERS = 10_000
_MOST_BYTES = 64 << 30
_WORST_RATIO = 1030  # what deflate can reach; more is a lie in the directory of the archive
_USUAL_RATIO = 100  # for what is large
_LARGE = 1 << 30
_DO_NOT_TRUST = "do not trust this file; download it again from the service"


# --- files ---


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
    for path in [os.fspath(name) for name in given]:
        names = sorted(glob.glob(path)) if glob.has_magic(path) and not os.path.exists(path) else [path]
        if not names:
            raise InputError(f"no file matches {path}")
        found += names
    return found


def _is_zip(path: str) -> bool:
    try:
        if not stat.S_ISREG(
            os.stat(path).st_mode
        ):  # opening a pipe would wait for its writer; the core says no to it
            return False
        with open(path, "rb") as file:
            return file.read(4) == _ZIP_MAGIC
    except OSError as error:
        raise _storage_error(error, path) from error


def _storage_error(error: OSError, path: str) -> StorageError:
    """:class:`StorageError` for a failed system call on `path`."""
    return StorageError(f"cannot read {path}: {error.strerror}", target=path).at(error.errno or 0, path)


_scratch: dict[int, str] = {}  # one directory per process: a forked child must not remove its parent's
_members: dict[tuple[str, int, int], list[str]] = {}


def _scratch_directory() -> str:
    """New directory that vanishes with this process."""
    process = os.getpid()
    if process not in _scratch:
        _scratch[process] = tempfile.mkdtemp(prefix="era5fast-")
        atexit.register(_remove_scratch, process)
    return tempfile.mkdtemp(dir=_scratch[process])


def _remove_scratch(process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(_scratch[process], ignore_errors=True)


def unpack(path: str) -> list[str]:
    """Members of a zip archive as files, unpacked once per process into a directory that goes with it.

    Raises
    ------
    UnsafeInputError
        If a member would lie outside a directory, is a link or another archive, or if the archive claims sizes or
        numbers that no honest one has.
    CorruptDataError
        If it is damaged.
    StorageError
        If there is no room to unpack it.
    """
    try:
        info = os.stat(path)
        key = (os.path.abspath(path), info.st_size, info.st_mtime_ns)
        if key not in _members:
            _members[key] = _unpack_into(path, _scratch_directory())
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise _storage_error(error, path) from error
    return _members[key]


def _unpack_into(path: str, directory: str) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check_members(path, members, archive.start_dir)
            return [_extract(path, archive, member, directory, i) for i, member in enumerate(members)]
    except BaseException as error:
        shutil.rmtree(directory, ignore_errors=True)
        if isinstance(error, _DAMAGED) and not isinstance(error, UnsafeInputError | StorageError):
            hint = "the file is damaged; download it again"
            raise CorruptDataError(f"{path}: damaged zip archive: {error}", hint=hint, target=path) from error
        raise


# What Python's zipfile and its decompressors raise when they meet nonsense. RuntimeError: a password is asked for.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    RuntimeError,
    IndexError,
    OverflowError,
    struct.error,
)


def _unsafe(path: str, what: str) -> UnsafeInputError:
    return UnsafeInputError(f"{path}: {what}", hint=_DO_NOT_TRUST, target=path)


def _check_members(path: str, members: list[zipfile.ZipInfo], stored: int) -> None:
    size = sum(member.file_size for member in members)
    if not members:
        raise CorruptDataError(f"{path}: empty zip archive", hint="download it again", target=path)
    ratio = _WORST_RATIO if size <= _LARGE else _USUAL_RATIO
    if len(members) > _MOST_MEMBERS or size > min(_MOST_BYTES, ratio * max(stored, 1)):
        raise _unsafe(path, f"the archive claims {len(members)} members of {size} bytes")
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
            raise _unsafe(path, f"member '{member.filename[:80]}' would lie outside the archive's directory")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise _unsafe(path, f"member '{member.filename[:80]}' is a link or a device")


def _extract(path: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, directory: str, number: int) -> str:
    # The name inside the archive is never used as a path: only its last component, behind a number of ours.
    base = os.path.basename(member.filename.replace("\\", "/")).lstrip(".") or "member"
    target = os.path.join(directory, f"{number:05d}-{base[:50]}")
    with archive.open(member) as source, open(target, "xb") as sink:
        first = source.read(4)
        if first == _ZIP_MAGIC:
            raise _unsafe(path, f"member '{member.filename[:80]}' is an archive itself")
        sink.write(first)
        shutil.copyfileobj(source, sink, 1 << 20)
    return target


def open_core(paths: Any, variable: str | None) -> tuple[Any, tuple[str, ...]]:
    """Open one variable over many files; the core's dataset, and the names of the files."""
    names = expand(paths)
    files = [file for name in names for file in _files_with(name, variable)]
    with library_locks():
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
    with library_locks():
        return _core.open_file(path).header()


def _holds(path: str, variable: str) -> bool:
    row = find_variable(variable)
    names = {variable} | ({row.netcdf, row.old_netcdf} if row is not None else set())
    return bool(names & set(header_of(path)["variables"]))


def data_variables(header: dict[str, Any]) -> list[str]:
    """Names of the variables on maps: those with latitude and longitude. Bounds of axes and the like are none."""
    axes = ({"latitude", "lat"}, {"longitude", "lon"})
    variables = header["variables"].items()
    return [n for n, v in variables if v["dtype"] != "text" and all(names & set(v["dims"]) for names in axes)]


# --- faces ---


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
        First and last moment, both inclusive; ``slice("2003-06", "2003-08")`` means whole months. Dates are those of
        the files' calendar.
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
    with Progress("reading", progress) as callback, library_locks():
        values = core.read(first, last - first, callback)
    rows, columns = _area_index(header, area)
    return values if area is None else np.ascontiguousarray(values[:, rows][:, :, columns])


def _time_range(header: dict[str, Any], time: Any) -> tuple[int, int]:
    seconds, calendar = header["seconds"], header["calendar"]
    if time is None:
        return 0, len(seconds)
    if not isinstance(time, slice) or time.step is not None:
        raise InputError(
            f"time must be a slice of two dates, not {time!r}", hint='for instance slice("2003", "2005")'
        )
    first, last = 0, len(seconds)
    if time.start is not None:
        first = int(np.searchsorted(seconds, _moment(time.start, calendar), "left"))
    if time.stop is not None:
        last = int(np.searchsorted(seconds, _moment(time.stop, calendar, end=True), "left"))
    if last <= first:
        raise InputError(f"no data from {time.start} to {time.stop}", hint=_span(seconds, calendar))
    return first, last


def _span(seconds: np.ndarray, calendar: str) -> str:
    first, last = (f"{y:04d}-{m:02d}-{d:02d}" for y, m, d, _ in dates_of(seconds[[0, -1]], calendar))
    return f"the data run from {first} to {last}"


_MOMENT = re.compile(r"(-?\d{1,6})(?:-(\d\d?)(?:-(\d\d?)(?:[T ](\d\d?)(?::(\d\d?)(?::(\d\d?)(?:\.\d+)?)?)?)?)?)?Z?")
_LENGTHS = {3: 86400, 4: 3600, 5: 60, 6: 1}  # seconds that a date of so many fields lasts


def _moment(date: Any, calendar: str, end: bool = False) -> int:
    """Second at which a (possibly partial) date of a calendar begins, or at which it is over."""
    match = _MOMENT.fullmatch(str(date))
    if match is None:
        raise InputError(
            f"'{date}' is no date", hint="expected a year, year-month, year-month-day or a whole time stamp"
        )
    fields = [int(field) for field in match.groups() if field is not None]
    year, month, day, hour, minute, second = [*fields, *(0, 1, 1, 0, 0, 0)[len(fields) :]]
    if end and len(fields) <= 2:
        year, month = (year + 1, 1) if len(fields) == 1 or month == 12 else (year, month + 1)
    units = f"seconds since {year}-{month}-{day} {hour}:{minute}:{second}"
    begin = int(_core.decode_time([0.0], units, calendar)[0])
    return begin + (_LENGTHS.get(len(fields), 0) if end else 0)


def _area_index(header: dict[str, Any], area: Any) -> tuple[np.ndarray, np.ndarray]:
    latitude, longitude = header["latitude"], header["longitude"]
    if area is None:
        return np.arange(len(latitude)), np.arange(len(longitude))
    try:
        north, west, south, east = map(float, area)
    except (TypeError, ValueError) as error:
        raise InputError(f"area must be four numbers, not {area!r}", hint="north, west, south, east") from error
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

    names = [variables] if isinstance(variables, str) else variables or variable_names(paths)
    arrays = {}
    for name in names:
        core, files = open_core(paths, name)
        array = _lazy_array(core, files, name)
        arrays[str(array.name)] = array
    return xr.Dataset(arrays)


def variable_names(paths: Any) -> list[str]:
    """Names of all variables on maps that files or archives hold, in their order.

    Raises
    ------
    InputError
        If there is none.
    """
    names = expand(paths)
    files = [file for name in names for file in (unpack(name) if _is_zip(name) else [name])]
    found = dict.fromkeys(v for file in files for v in data_variables(header_of(file)))
    if not found:
        raise InputError(f"no variable with time, latitude and longitude in {names[0]}")
    return list(found)


def _core_array(files: tuple[str, ...], variable: str | None) -> Any:
    """Open the array behind a lazy variable once more."""
    from .lazy import CoreArray

    core, _ = open_core(files, variable)
    return CoreArray(core, core.header(), (_core_array, (files, variable)))


def _lazy_array(core: Any, files: tuple[str, ...], variable: str) -> xr.DataArray:
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
    again = (_core_array, (tuple(map(os.path.abspath, files)), variable))
    data = indexing.LazilyIndexedArray(CoreArray(core, header, again))
    lazy = xr.Variable(("time", "latitude", "longitude"), data, attrs, encoding={"era5fast_paths": files})
    return xr.DataArray(lazy, coords=coords, name=header["name"])


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
    with library_locks():
        file = _core.open_file(path)
    return {n: file.explain(n) or "" for n, v in file.header()["variables"].items() if v["dtype"] != "text"}

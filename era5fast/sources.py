"""Where values come from: names, patterns and archives → files, and the core's objects that read them."""

from __future__ import annotations

import glob
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from . import _core
from .archives import is_archive, unpack
from .axis_names import FILE_TIME_NAMES, LATITUDE_NAMES, LONGITUDE_NAMES
from .errors import InputError, StorageError
from .locks import open_with
from .variable_table import find as find_variable
from .variable_table import names_in_files

__all__ = [
    "GRIB",
    "NETCDF_MAGIC",
    "data_variables",
    "expand",
    "files_by_variable",
    "grib_files",
    "has_grib",
    "is_paths",
    "magic_of",
    "netcdf_files",
    "open_core",
    "open_file",
]

#: First bytes of netCDF files.
NETCDF_MAGIC = (b"\x89HDF", b"CDF\1", b"CDF\2", b"CDF\5")
#: First bytes of GRIB files.
GRIB = b"GRIB"
#: Files in the folder of a store of Zarr.
_OF_ZARR = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")

log = logging.getLogger("era5fast")


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
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths) if isinstance(paths, Iterator) else paths
    if isinstance(given, list | tuple) and not given:
        raise InputError("no file names are given: the list is empty")
    if not is_paths(given):
        what = type(paths).__name__
        raise InputError(f"file names are needed, not {what}", hint="a path, a pattern, or a sequence of them")
    found: list[str] = []
    for path in [os.fspath(name) for name in given]:
        if "://" in path:
            raise InputError(f"local files are read, not {path}", hint="download it first")
        names = sorted(glob.glob(path)) if glob.has_magic(path) and not os.path.exists(path) else [path]
        if not names:
            raise InputError(f"no file matches {path}")
        found += names
    return found


def magic_of(path: str) -> bytes:
    """First four bytes of a file; none where it is no regular file.

    Raises
    ------
    InputError
        If it is a store of Zarr.
    StorageError
        If it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a pipe must not wait for its writer
        try:
            mode = os.fstat(descriptor).st_mode
            if stat.S_ISREG(mode):
                return os.read(descriptor, 4)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error
    if stat.S_ISDIR(mode) and any(os.path.exists(os.path.join(path, name)) for name in _OF_ZARR):
        raise InputError(f"{path} is a store of Zarr", hint="pass xr.open_zarr(…), or a variable of it", target=path)
    return b""


def has_grib(names: list[str], magic: list[bytes] | None = None) -> bool:
    """True when a file among these, or a member of an archive, is GRIB: then none of them is for the core.

    Parameters
    ----------
    names : list of str
        The files.
    magic : list of bytes, optional
        First bytes of each of them, where somebody has looked at them already.

    Raises
    ------
    CorruptDataError, StorageError, UnsafeInputError
        If one cannot be read.
    """
    known = zip(names, map(magic_of, names) if magic is None else magic, strict=True)
    return any(first == GRIB or (is_archive(first) and GRIB in map(magic_of, unpack(name))) for name, first in known)


def grib_files(name: str) -> list[str]:
    """The file itself, or the members of an archive that hold data: beside them may lie a text."""
    return [name] if not is_archive(magic_of(name)) else _with_data(unpack(name), (GRIB, *NETCDF_MAGIC))


def _with_data(members: list[str], known: tuple[bytes, ...]) -> list[str]:
    return [member for member in members if magic_of(member) in known] or members


def netcdf_files(name: str) -> list[str]:
    """The file itself, or the members of an archive that are netCDF: beside them may lie a text."""
    if not is_archive(magic_of(name)):
        return [name]
    return _with_data(unpack(name), NETCDF_MAGIC)


def open_file(path: str) -> _core.File:
    """One netCDF file, by the core's own way where that can read its header."""
    return open_with(lambda library: _core.open_file(path, library))


def open_core(
    paths: Any, variable: str | None, magic: list[bytes] | None = None
) -> tuple[_core.Dataset, tuple[str, ...]]:
    """Open one variable over many files; the core's dataset, and the names of the files.

    Parameters
    ----------
    paths, variable
        The files, and which variable; it may be None where they hold only one.
    magic : list of bytes, optional
        First bytes of each of the files, where somebody has looked at them already.

    Raises
    ------
    InputError
        If an archive holds several variables and none is named, or files do not fit together.
    CorruptDataError, StorageError, UnsafeInputError
        If a file cannot be read.
    """
    names = expand(paths)
    known = zip(names, map(magic_of, names) if magic is None else magic, strict=True)
    files: list[str] = []
    for name, first in known:
        files += _members_with(name, variable) if is_archive(first) else [name]
    return open_with(lambda library: _core.open_dataset(files, variable, library)), tuple(names)


def _members_with(name: str, variable: str | None) -> list[str]:
    """Those members of an archive that hold the variable."""
    members = netcdf_files(name)
    if variable is None and len(members) == 1:
        return members
    headers = {member: open_file(member).header() for member in members}
    holding = [member for member in members if variable is not None and _holds(headers[member], variable)]
    if holding:
        return holding
    known = sorted({v for header in headers.values() for v in data_variables(header)})
    asked = "which variable?" if variable is None else f"no variable '{variable}'"
    raise InputError(f"{name}: {asked}", hint=f"the archive holds {', '.join(known)}", target=name)


def _holds(header: dict[str, Any], variable: str) -> bool:
    return not set(header["variables"]).isdisjoint(names_in_files(variable))


def data_variables(header: dict[str, Any]) -> list[str]:
    """Names of the variables on maps: those with latitude and longitude. Bounds of axes and the like are none."""
    axes = (set(LATITUDE_NAMES), set(LONGITUDE_NAMES))
    variables = header["variables"].items()
    return [n for n, v in variables if v["dtype"] != "text" and all(names & set(v["dims"]) for names in axes)]


def _variables_of(name: str) -> dict[str, bool]:
    """Variables on maps of a file or an archive, and whether they go along time."""
    found: dict[str, bool] = {}
    for file in netcdf_files(name):
        header = open_file(file).header()
        for variable in data_variables(header):
            along_time = not set(FILE_TIME_NAMES).isdisjoint(header["variables"][variable]["dims"])
            found[variable] = found.get(variable, False) or along_time
    return found


def _without_fixed(held: list[tuple[str, dict[str, bool]]]) -> list[tuple[str, dict[str, bool]]]:
    """What files hold, without what stays the same, such as a mask of land, where other variables go along time."""
    timed = {variable for _, variables in held for variable, along_time in variables.items() if along_time}
    if not timed:
        return held
    for name, variables in held:
        if fixed := ", ".join(variable for variable in variables if variable not in timed):
            text = "%s: %s: no time axis, left out; xarray.open_dataset(…, engine='era5fast') has it"
            log.warning(text, name, fixed)
    return [(name, {v: along for v, along in variables.items() if v in timed}) for name, variables in held]


def files_by_variable(paths: Any, fixed: bool = False) -> dict[str, list[str]]:
    """Names of all variables on maps, in the order in which they are met, each with the files that hold it.

    An old and a new name of one variable are one: it has the name under which it is met first.

    Parameters
    ----------
    paths
        The files.
    fixed : bool
        With those that have no time axis, too; else they are left out where others have one, and the log says so.

    Raises
    ------
    InputError
        If there is none.
    """
    names = expand(paths)
    found: dict[str, list[str]] = {}
    called: dict[str, str] = {}
    held = [(name, _variables_of(name)) for name in names]
    for name, variables in held if fixed else _without_fixed(held):
        for variable in variables:
            row = find_variable(variable)
            first = called.setdefault(row.netcdf if row is not None and row.netcdf else variable, variable)
            found.setdefault(first, []).append(name)
    if not found:
        raise InputError(
            f"no variable with time, latitude and longitude in {names[0]}",
            hint=f"xarray.open_dataset({names[0]!r}, engine='era5fast') opens files of other grids, and diagnostics "
            "that treat cells one by one take the names of such files",
            target=names[0],
        )
    return found

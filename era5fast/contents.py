"""What a file holds, by its axes alone: variables, levels, times, preliminary times. No values are read.

netCDF of both layouts of the Climate Data Store, archives of them, and GRIB edition 1; messages of edition 2 are
counted but not told apart.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES
from .grib_messages import heads
from .locks import reading
from .sources import data_variables, grib_files, has_grib, netcdf_files, open_file
from .variable_table import by_param_id, find

__all__ = ["Series", "contents"]

_TIMES = ("valid_time", "time", "date", "forecast_reference_time")
_LEVELS = {"pressure_level": "pl", "level": "pl", "isobaricInhPa": "pl", "model_level": "ml", "hybrid": "ml"}
_PRELIMINARY = {"5", "05", "005", "0005"}
_GRIB_LEVELS = {100: "pl", 109: "ml", 113: "pt", 117: "pv"}


@dataclass(frozen=True)
class Series:
    """One variable on one level, at some times.

    Attributes
    ----------
    param_id : int
        GRIB parameter id; 0 where it is not known.
    name : str
        Name in the file.
    level : str
        Level as a request says it; empty where there is none.
    level_type : str
        ``sfc``, ``pl``, ``ml``, …
    seconds : numpy.ndarray
        Times as the file has them, in seconds since 1970.
    preliminary : numpy.ndarray
        Which times are not final (ERA5T).
    shape : tuple
        Rows, columns, and corners (north, west, south, east) in degrees; empty where they are not known.
    """

    param_id: int
    name: str
    level: str
    level_type: str
    seconds: np.ndarray
    preliminary: np.ndarray
    shape: tuple[Any, ...]


def contents(path: str) -> list[Series]:
    """Everything that a file or archive holds.

    Raises
    ------
    CorruptDataError, StorageError, UnsafeInputError
        If it cannot be read.
    """
    if has_grib([path]):
        return [series for member in grib_files(path) for series in _grib(member)]
    return [series for member in netcdf_files(path) for series in _netcdf(member)]


# --- netCDF ---


def _netcdf(path: str) -> list[Series]:
    file = open_file(path)
    header = file.header()
    variables = header["variables"]
    time = next((name for name in _TIMES if name in variables), "")
    seconds = _seconds(file, variables, time)
    shape = _shape(file, variables)
    return [one for name in data_variables(header) for one in _series(file, header, name, time, seconds, shape)]


def _read(file: _core.File, name: str, picks: list[tuple[int, int]] | None = None) -> np.ndarray:
    with reading(file, name):
        return np.atleast_1d(file.read(name, picks))


def _seconds(file: _core.File, variables: dict[str, Any], time: str) -> np.ndarray:
    if not time:
        return np.zeros(0, np.int64)
    values = _read(file, time)
    attrs = variables[time]["attrs"]
    if " since " not in str(attrs.get("units", "")):  # dates as numbers, YYYYMMDD
        return np.array([_midnight(int(value)) for value in values], np.int64)
    return _core.decode_time(values.astype(float), attrs["units"], attrs.get("calendar"))


def _midnight(number: int) -> int:
    return int(dt.datetime(number // 10_000, number // 100 % 100, number % 100, tzinfo=dt.UTC).timestamp())


def _axis(file: _core.File, variables: dict[str, Any], names: tuple[str, str]) -> np.ndarray:
    found = next((name for name in names if name in variables), None)
    return np.zeros(0) if found is None else _read(file, found)


def _shape(file: _core.File, variables: dict[str, Any]) -> tuple[Any, ...]:
    latitude = _axis(file, variables, LATITUDE_NAMES)
    longitude = _axis(file, variables, LONGITUDE_NAMES)
    if not latitude.size or not longitude.size or latitude.ndim != 1 or longitude.ndim != 1:
        return ()
    corners = latitude.max(), longitude[0], latitude.min(), longitude[-1]
    return (len(latitude), len(longitude), *(round(float(corner), 3) for corner in corners))


def _series(
    file: _core.File, header: dict[str, Any], name: str, time: str, seconds: np.ndarray, shape: tuple[Any, ...]
) -> list[Series]:
    variables = header["variables"]
    variable = variables[name]
    row = find(name)
    param_id = int(variable["attrs"].get("GRIB_paramId", row.param_id if row is not None else 0))
    axis = next((dim for dim in variable["dims"] if dim in _LEVELS), None)
    level_type = _LEVELS[axis] if axis is not None else "sfc"
    levels = [f"{x:g}" for x in _read(file, axis)] if axis is not None and axis in variables else [""]
    preliminary = _preliminary(file, header, name, time, len(seconds))
    return [Series(param_id, name, level, level_type, seconds, preliminary, shape) for level in levels]


def _preliminary(file: _core.File, header: dict[str, Any], name: str, time: str, count: int) -> np.ndarray:
    none = np.zeros(count, bool)
    versions = header["variables"].get("expver")
    if versions is None:
        return none
    if versions["dtype"] == "text":
        with reading(file, "expver"):
            texts = [text.strip() for text in file.texts("expver")]
        flags = np.array([text in _PRELIMINARY for text in texts])
        return np.full(count, flags[0]) if len(flags) == 1 else flags if len(flags) == count else none
    numbers = _read(file, "expver")
    if "expver" not in header["variables"][name]["dims"]:
        return np.full(count, bool(np.all(numbers == 5)))
    return _of_dimension(file, header, name, time, numbers)


def _of_dimension(file: _core.File, header: dict[str, Any], name: str, time: str, numbers: np.ndarray) -> np.ndarray:
    """Which times of the old layout are filled in the preliminary half: the values of the middle cell tell."""
    dims = header["variables"][name]["dims"]
    sizes = [header["dims"][dim] for dim in dims]
    bounds = [(0, size) if dim in (time, "expver") else (size // 2, 1) for dim, size in zip(dims, sizes, strict=True)]
    cell = np.squeeze(_read(file, name, bounds), tuple(i for i, d in enumerate(dims) if d not in (time, "expver")))
    if dims.index("expver") < dims.index(time):
        cell = cell.T
    return np.isfinite(cell[:, numbers == 5]).any(axis=1)


# --- GRIB ---


def _grib(path: str) -> list[Series]:
    found: dict[tuple[Any, ...], list[tuple[int, bool]]] = {}
    for head in heads(path):
        key, second, preliminary = _message(head) if head[7] == 1 else ((0, "", ""), 0, False)
        found.setdefault(key, []).append((second, preliminary))
    return [_grib_series(key, moments) for key, moments in found.items()]


def _grib_series(key: tuple[Any, ...], moments: list[tuple[int, bool]]) -> Series:
    param_id, level, level_type = key
    row = by_param_id(param_id, level_type)
    seconds = np.array([second for second, _ in moments], np.int64)
    flags = np.array([flag for _, flag in moments], bool)
    name = row.netcdf if row is not None else str(param_id or "GRIB 2")
    return Series(param_id, name, level, level_type, seconds, flags, ())


def _message(head: bytes) -> tuple[tuple[int, str, str], int, bool]:
    """Parameter and level, valid time, and whether it is preliminary, of a message of edition 1."""
    section = head[8:]
    table, number, kind = section[3], section[8], section[9]
    level_type = _GRIB_LEVELS.get(kind, "sfc")
    level = str(int.from_bytes(section[10:12], "big")) if level_type != "sfc" else ""
    year = (section[24] - 1) * 100 + section[12]
    base = dt.datetime(year, section[13], section[14], section[15], section[16], tzinfo=dt.UTC)
    first, second, meaning = section[18], section[19], section[20]
    step = first * 256 + second if meaning == 10 else second if meaning in (2, 3, 4, 5) else first
    local = int.from_bytes(section[:3], "big") > 48
    version = section[45:49].decode("ascii", "replace").strip() if local else ""
    moment = int(base.timestamp()) + step * {0: 60, 2: 86400}.get(section[17], 3600)
    return (number if table == 128 else table * 1000 + number, level, level_type), moment, version in _PRELIMINARY

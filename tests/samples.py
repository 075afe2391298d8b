"""Small netCDF files in the forms in which ERA5 comes, for the tests of the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

LATITUDE = np.array([50.0, 49.5, 49.0, 48.5, 48.0])
LONGITUDE = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0])


def field(steps: int, seed: int = 1, rows: int = len(LATITUDE), columns: int = len(LONGITUDE)) -> np.ndarray:
    """Temperatures in K with some holes, in steps that the packed layout can hold."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(285, 8, (steps, rows, columns)) * 64) / 64
    values[rng.random(values.shape) < 0.05] = np.nan
    return values.astype("float32")


def hours(steps: int, start: str = "2001-01-01", step: int = 1) -> np.ndarray:
    """Seconds since 1970."""
    return (np.datetime64(start, "h") + step * np.arange(steps)).astype("datetime64[s]").astype("int64")


#: Forms of one and the same content: arguments of `createVariable`, and whether the file is netCDF-3.
LAYOUTS: dict[str, dict[str, Any]] = {
    "chunked": {"zlib": True, "shuffle": True, "complevel": 1, "chunksizes": (7, 3, 4)},
    "one chunk a step": {"zlib": True, "shuffle": False, "complevel": 4, "chunksizes": (1, 5, 7)},
    "checksums": {"zlib": True, "shuffle": True, "fletcher32": True, "chunksizes": (24, 5, 7)},
    "contiguous": {"contiguous": True},
    "big endian": {"datatype": ">f4", "endian": "big", "chunksizes": (5, 5, 7)},
    "double": {"datatype": "f8", "zlib": True, "chunksizes": (10, 5, 7)},
    "packed": {"datatype": "i2", "packed": True, "zlib": True, "chunksizes": (12, 5, 7)},
    "netCDF-3": {"old": True},
    "netCDF-3, packed": {"old": True, "datatype": "i2", "packed": True},
}


def write(
    path: Path,
    values: np.ndarray,
    seconds: np.ndarray | None = None,
    *,
    name: str = "t2m",
    latitude: np.ndarray = LATITUDE,
    longitude: np.ndarray = LONGITUDE,
    time: str = "valid_time",
    units: str = "seconds since 1970-01-01",
    calendar: str = "proleptic_gregorian",
    old: bool = False,
    packed: bool = False,
    datatype: str = "f4",
    attrs: dict[str, Any] | None = None,
    **creation: Any,
) -> Path:
    """Write one variable over time, latitude and longitude; `creation` goes to netCDF4's ``createVariable``."""
    import netCDF4

    seconds = hours(len(values)) if seconds is None else seconds
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET" if old else "NETCDF4") as file:
        axes = {time: seconds, "latitude": latitude, "longitude": longitude}
        for axis, numbers in axes.items():
            file.createDimension(axis, len(numbers))
            kind = "f8" if axis != time or old else "i8"
            file.createVariable(axis, kind, (axis,))[:] = numbers
        file[time].units, file[time].calendar = units, calendar
        variable = file.createVariable(
            name, datatype, tuple(axes), fill_value=-32767 if packed else np.nan, **creation
        )
        variable.setncatts({"units": "K", "long_name": "2 metre temperature", **(attrs or {})})
        if packed:
            variable.scale_factor, variable.add_offset = 1 / 64, 280.0
        missing = np.isnan(values)
        variable[:] = np.ma.array(np.where(missing, 280, values), mask=missing) if packed else values
    return path

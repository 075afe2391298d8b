"""Answers as files, in the layout the Climate Data Store has delivered since September 2024.

The library that writes netCDF is imported when the first file is written, not before: a service whose answers are all
given by script needs none. It is not safe in threads, which is why the service lets processes of its own write
(`writers`); whoever calls these functions directly must not use netCDF in another thread meanwhile.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .catalogue import Variable
from .request import Selection
from .weather import Weather

NOTICE = (
    "SYNTHETIC data computed by era5fast.testing. These values were never observed, analysed or forecast; "
    "they only have the form of ERA5."
)
_CENTRE = "European Centre for Medium-Range Weather Forecasts"
_PRELIMINARY_DAYS = 85  # ERA5T: the newest months carry expver 0005


def write_answer(weather: Weather, selection: Selection, folder: Path, stem: str, latest_day: int) -> Path:
    """Compute the answer to a request and write it.

    Parameters
    ----------
    weather : Weather
        Where the values come from.
    selection : Selection
        What is wanted.
    folder : pathlib.Path
        Where to write.
    stem : str
        Name of the file without its ending.
    latest_day : int
        Last day with data, in days since 1970-01-01: decides which days are preliminary.

    Returns
    -------
    pathlib.Path
        One netCDF file if all variables have the same step type and no archive was asked for, else a zip.

    Raises
    ------
    ImportError
        The package netCDF4 is not installed.
    """
    members = []
    for step_type, variables in _by_step_type(selection.variables):
        path = folder / f"{stem}.{step_type}.part"
        write_file(weather, selection, variables, path, latest_day)
        members.append((f"data_stream-oper_stepType-{step_type}.nc", path))
    if len(members) == 1 and not selection.zipped:
        return members[0][1].rename(folder / f"{stem}.nc")
    target = folder / f"{stem}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=0) as archive:
        for name, path in members:
            archive.write(path, name)
            path.unlink()
    return target


def write_file(
    weather: Weather, selection: Selection, variables: list[Variable], path: Path, latest_day: int
) -> None:
    """Write one netCDF file, holding no more than one chunk's worth of hours in memory.

    Parameters are those of `write_answer`; ``variables`` have one step type.
    """
    import netCDF4

    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        _write_head(file, weather, selection, variables[0].step_type, latest_day)
        targets = [_create(file, variable, selection) for variable in variables]
        for variable, target in zip(variables, targets, strict=True):
            _write_values(weather, selection, variable, target)


def _by_step_type(variables: tuple[Variable, ...]) -> list[tuple[str, list[Variable]]]:
    groups: dict[str, list[Variable]] = {}
    for variable in variables:
        groups.setdefault(variable.step_type, []).append(variable)
    return list(groups.items())


def _write_head(file: Any, weather: Weather, selection: Selection, step_type: str, latest_day: int) -> None:
    """Dimensions, coordinates and global attributes, in the order of real files."""
    lat, lon = selection.latitude, selection.longitude
    days = np.repeat(np.array(selection.days, dtype=np.int64), len(selection.hours))
    seconds = days * 86_400 + np.tile(np.array(selection.hours, dtype=np.int64) * 3600, len(selection.days))
    for name, size in (("valid_time", len(seconds)), ("latitude", len(lat)), ("longitude", len(lon))):
        file.createDimension(name, size)
    file.setncatts(_global_attributes(weather, step_type))

    number = file.createVariable("number", "i8", ())
    number.setncatts({"long_name": "ensemble member numerical id", "units": "1", "standard_name": "realization"})
    number[...] = 0
    time = file.createVariable("valid_time", "i8", ("valid_time",))
    time.setncatts(
        {
            "long_name": "time",
            "standard_name": "time",
            "units": "seconds since 1970-01-01",
            "calendar": "proleptic_gregorian",
        }
    )
    time[:] = seconds
    for name, unit, values in (("latitude", "degrees_north", lat), ("longitude", "degrees_east", lon)):
        axis = file.createVariable(name, "f8", (name,), fill_value=np.nan)
        axis.setncatts({"units": unit, "standard_name": name, "long_name": name})
        if name == "latitude":
            axis.setncattr("stored_direction", "decreasing")
        axis[:] = values
    versions = np.where(days > latest_day - _PRELIMINARY_DAYS, "0005", "0001").astype(object)
    single = len(versions) == 1
    expver = file.createVariable("expver", str, () if single else ("valid_time",))
    expver[...] = versions[0] if single else versions


def _global_attributes(weather: Weather, step_type: str) -> dict[str, Any]:
    return {
        "GRIB_centre": "ecmf",
        "GRIB_centreDescription": _CENTRE,
        "GRIB_subCentre": np.int64(0),
        "Conventions": "CF-1.7",
        "institution": _CENTRE,
        "history": (
            f"SYNTHETIC weather, seed {weather.seed}, by era5fast.testing, in the layout of "
            'GRIB to CDM+CF via cfgrib-0.9.15.1/ecCodes-2.42.0 with {"source": "synthetic/data.grib", '
            f'"filter_by_keys": {{"stream": ["oper"], "stepType": ["{step_type}"]}}, '
            '"encode_cf": ["parameter", "time", "geography", "vertical"]}'
        ),
        "comment": NOTICE,
    }


def _create(file: Any, variable: Variable, selection: Selection) -> Any:
    target = file.createVariable(
        variable.name,
        "f4",
        ("valid_time", "latitude", "longitude"),
        compression="zlib",
        complevel=1,
        shuffle=True,
        fill_value=np.float32(np.nan),
    )
    target.setncatts(_grib_attributes(variable, selection))
    return target


def _grib_attributes(variable: Variable, selection: Selection) -> dict[str, Any]:
    """Attributes of a data variable, names and order as in real files."""
    lat, lon = selection.latitude, selection.longitude
    return {
        "GRIB_paramId": np.int64(variable.param_id),
        "GRIB_dataType": variable.data_type,
        "GRIB_numberOfPoints": np.int64(lat.size * lon.size),
        "GRIB_typeOfLevel": "surface",
        "GRIB_stepUnits": np.int64(1),
        "GRIB_stepType": variable.step_type,
        "GRIB_gridType": "regular_ll",
        "GRIB_uvRelativeToGrid": np.int64(0),
        "GRIB_NV": np.int64(0),
        "GRIB_Nx": np.int64(lon.size),
        "GRIB_Ny": np.int64(lat.size),
        "GRIB_cfName": "unknown",
        "GRIB_cfVarName": variable.name,
        "GRIB_gridDefinitionDescription": "Latitude/Longitude Grid",
        "GRIB_iDirectionIncrementInDegrees": selection.grid[0],
        "GRIB_iScansNegatively": np.int64(0),
        "GRIB_jDirectionIncrementInDegrees": selection.grid[1],
        "GRIB_jPointsAreConsecutive": np.int64(0),
        "GRIB_jScansPositively": np.int64(0),
        "GRIB_latitudeOfFirstGridPointInDegrees": float(lat[0]),
        "GRIB_latitudeOfLastGridPointInDegrees": float(lat[-1]),
        "GRIB_longitudeOfFirstGridPointInDegrees": float(lon[0]),
        "GRIB_longitudeOfLastGridPointInDegrees": float(lon[-1]),
        "GRIB_missingValue": float(np.finfo(np.float32).max),
        "GRIB_name": variable.long_name,
        "GRIB_shortName": variable.short_name,
        "GRIB_totalNumber": np.int64(0),
        "GRIB_units": variable.units,
        "long_name": variable.long_name,
        "units": variable.units,
        "standard_name": "unknown",
        "GRIB_surface": 0.0,
        "coordinates": "number valid_time latitude longitude expver",
    }


def _write_values(weather: Weather, selection: Selection, variable: Variable, target: Any) -> None:
    """Write slabs that are whole rows of chunks, so that no chunk is deflated twice."""
    chunk = target.chunking()[0]
    place = (selection.hours, selection.latitude, selection.longitude)
    pending = np.empty((0, *target.shape[1:]), dtype=np.float32)
    row = 0
    for days in _slabs(selection, chunk):
        pending = np.concatenate([pending, weather.field(variable.name, days, *place)])
        whole = len(pending) if row + len(pending) == target.shape[0] else len(pending) // chunk * chunk
        target[row : row + whole] = pending[:whole]
        row, pending = row + whole, pending[whole:]


def _slabs(selection: Selection, rows: int) -> Iterator[tuple[int, ...]]:
    """Groups of days which together make about ``rows`` steps."""
    count = max(1, -(-rows // len(selection.hours)))
    for start in range(0, len(selection.days), count):
        yield selection.days[start : start + count]

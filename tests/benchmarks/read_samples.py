"""Files of the reader's benchmark: synthetic weather in the layouts of the service, made once in ``build/bench``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from samples import CACHE, _once

STEPS = 744


def steps(quick: bool) -> int:
    return 124 if quick else STEPS


def month(quick: bool) -> Path:
    """Global at 0.25°, hourly, in the blocks that netCDF-C chooses by itself: 3.1 GB of numbers."""
    count = steps(quick)
    return _once(CACHE / f"month_{count}.nc", lambda path: _write(path, 0.25, range(count), (124, 121, 240)))


def maps(quick: bool) -> Path:
    """A quarter of that, one chunk for each map."""
    count = steps(quick) // 4
    return _once(CACHE / f"maps_{count}.nc", lambda path: _write(path, 0.25, range(count), (1, 721, 1440)))


def narrow(quick: bool) -> Path:
    """Chunks made for series: all steps of 12 × 24 cells."""
    count = steps(quick)
    return _once(CACHE / f"narrow_{count}.nc", lambda path: _write(path, 0.25, range(count), (count, 12, 24)))


def days(count: int) -> list[Path]:
    """One file a day, global at 1°."""
    return [
        _once(CACHE / f"day_{n:03}.nc", lambda path, n=n: _write(path, 1.0, range(24 * n, 24 * n + 24), None))
        for n in range(count)
    ]


def packed(quick: bool) -> Path:
    """The old layout: netCDF-3 with 16-bit integers, 193 million of them."""
    count = steps(quick) // 4
    return _once(CACHE / f"packed_{count}.nc", lambda path: _write_packed(path, range(count)))


def small(count: int) -> list[Path]:
    """Files of a day of 41 × 41 cells, with all the attributes that the service writes."""
    return [
        _once(CACHE / f"small_{n:04}.nc", lambda path, n=n: _write(path, 1.0, range(24 * n, 24 * n + 24), None, 41))
        for n in range(count)
    ]


def fields(grid: float, hours: range, cells: int | None) -> Iterator[np.ndarray]:
    """Temperatures as the service unpacks them from GRIB: a message's lowest value, and steps of 1/512 K above it.

    What matters to a reader is how quickly they inflate, and that is a matter of the last bits: each hour adds a
    number of its own to a multiple of the step. Real hourly files inflate at 0.6 to 0.9 GB/s with libdeflate, which
    is 2.3 to 2.7 times as fast as zlib; these at 0.7 GB/s, 2.2 times as fast. Small scales are weak, but for the
    ground, which stays.
    """
    latitude = np.arange(90, -90 - grid / 2, -grid)[:cells]
    longitude = np.arange(0, 360, grid)[:cells]
    x, y = np.radians(longitude)[None, :], np.radians(latitude)[:, None]
    random = np.random.default_rng(5)
    weather = 4 * _red_noise((len(latitude), 2 * len(longitude)), random)
    rough = _red_noise((len(latitude), len(longitude)), random) > 0.5
    ground = 240 + 60 * np.cos(y) ** 2 + 0.6 * rough * random.standard_normal(rough.shape)
    for hour in hours:
        waves = sum(8 / k * np.cos(k * x - hour / 30 * k + k * y * 2) * np.cos(y) for k in (2, 3, 5, 8, 13))
        shift = hour % len(longitude)
        day = 4 * np.cos(x + 2 * np.pi * hour / 24)
        field = ground + waves + day + weather[:, shift : shift + len(longitude)]
        lowest = np.float32(field.min())
        yield (lowest + np.round((field - lowest) * 512) / 512).astype("f4")


def _red_noise(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """A field of standard deviation 1 in which large scales are strong, as in weather."""
    wave = np.hypot(np.fft.fftfreq(shape[0])[:, None] * shape[0], np.fft.rfftfreq(shape[1])[None, :] * shape[1])
    wave[0, 0] = np.inf  # no mean
    spectrum = wave**-2.5 * (random.standard_normal(wave.shape) + 1j * random.standard_normal(wave.shape))
    field = np.fft.irfft2(spectrum, shape)
    return field / field.std()


_ATTRIBUTES: dict[str, Any] = {
    "long_name": "2 metre temperature",
    "units": "K",
    "standard_name": "air_temperature",
    "GRIB_paramId": np.int64(167),
    "GRIB_dataType": "an",
    "GRIB_typeOfLevel": "surface",
    "GRIB_stepUnits": np.int64(1),
    "GRIB_stepType": "instant",
    "GRIB_gridType": "regular_ll",
    "GRIB_uvRelativeToGrid": np.int64(0),
    "GRIB_NV": np.int64(0),
    "GRIB_cfName": "unknown",
    "GRIB_cfVarName": "t2m",
    "GRIB_gridDefinitionDescription": "Latitude/Longitude Grid",
    "GRIB_missingValue": 3.4028234663852886e38,
    "GRIB_name": "2 metre temperature",
    "GRIB_shortName": "2t",
    "GRIB_totalNumber": np.int64(0),
    "GRIB_units": "K",
    "GRIB_surface": 0.0,
    "coordinates": "number valid_time latitude longitude expver",
}


def _write(path: Path, grid: float, hours: range, chunks: tuple[int, ...] | None, cells: int | None = None) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        shape = _axes(file, grid, len(hours), cells, "f8")
        time = file.createVariable("valid_time", "i8", ("valid_time",))
        time.units, time.calendar, time.standard_name = "seconds since 1970-01-01", "proleptic_gregorian", "time"
        time[:] = 946684800 + 3600 * np.arange(hours.start, hours.stop)
        file.createVariable("expver", str, ("valid_time",))[:] = np.full(len(hours), "0001", object)
        file.createVariable("number", "i8", ())[:] = 0
        options = {"zlib": True, "complevel": 1, "shuffle": True, "fill_value": np.float32(np.nan)}
        dims = ("valid_time", "latitude", "longitude")
        variable = file.createVariable("t2m", "f4", dims, chunksizes=chunks or shape, **options)
        variable.setncatts(_ATTRIBUTES)
        _fill(variable, fields(grid, hours, cells), chunks[0] if chunks else len(hours))


def _fill(variable: Any, maps_: Iterator[np.ndarray], at_once: int) -> None:
    """Whole rows of chunks at a time: a chunk is compressed once."""
    done, block = 0, []
    for field in maps_:
        block.append(field)
        if len(block) == at_once or done + len(block) == variable.shape[0]:
            variable[done : done + len(block)] = np.stack(block)
            done, block = done + len(block), []


def _axes(file: Any, grid: float, count: int, cells: int | None, dtype: str) -> tuple[int, int, int]:
    latitude = np.arange(90, -90 - grid / 2, -grid)[:cells]
    longitude = np.arange(0, 360, grid)[:cells]
    file.createDimension("valid_time" if dtype == "f8" else "time", count)
    for name, values, units in (("latitude", latitude, "degrees_north"), ("longitude", longitude, "degrees_east")):
        file.createDimension(name, len(values))
        axis = file.createVariable(name, dtype, (name,))
        axis.units = units
        axis[:] = values
    return count, len(latitude), len(longitude)


def _write_packed(path: Path, hours: range) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
        _axes(file, 0.25, len(hours), None, "f4")
        time = file.createVariable("time", "i4", ("time",))
        time.units, time.calendar = "hours since 1900-01-01 00:00:00.0", "gregorian"
        time[:] = 876576 + np.arange(hours.start, hours.stop)
        variable = file.createVariable("t2m", "i2", ("time", "latitude", "longitude"), fill_value=np.int16(-32767))
        variable.setncatts({"units": "K", "long_name": "2 metre temperature", "missing_value": np.int16(-32767)})
        variable.scale_factor, variable.add_offset = 0.0017, 255.0
        for step, field in enumerate(fields(0.25, hours, None)):
            variable[step] = field

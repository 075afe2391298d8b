"""The folder in which the examples of the pages run: small files under the names that the pages use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from samples import LATITUDE, LONGITUDE, write

__all__ = ["DATASET", "make"]

YEARS = range(2001, 2009)
DATASET = "reanalysis-era5-single-levels"
_WHERE = {"latitude": LATITUDE[:3], "longitude": LONGITUDE[:4]}
_SHAPE = (len(_WHERE["latitude"]), len(_WHERE["longitude"]))


def _hours(first: int, last: int) -> np.ndarray:
    """All hours of some years, and the midnight after them, which ends the last day of rain."""
    return np.arange(f"{first}-01-01T00", f"{last + 1}-01-01T01", dtype="datetime64[h]")


def _fields(rng: np.random.Generator, hours: np.ndarray) -> dict[str, tuple[np.ndarray, str]]:
    """Temperature, rain, dewpoint and wind with a season, a day, and weather that lasts some days."""
    phase = np.arange(len(hours)) * 2 * np.pi
    days = rng.normal(0, 3, len(hours) // 96 + 1).repeat(96)[: len(hours)]
    t2m = (288 - 9 * np.cos(phase / 8766) - 5 * np.cos(phase / 24) + days)[:, None, None]
    t2m = t2m + rng.normal(0, 0.5, (len(hours), *_SHAPE))
    rain = np.where(rng.random(t2m.shape) < 0.1, rng.gamma(0.5, 0.001, t2m.shape), 0)
    return {
        "t2m": (t2m, "K"),
        "tp": (rain, "m"),
        "d2m": (t2m - 3 - rng.gamma(2, 1, t2m.shape), "K"),
        "u10": (rng.normal(3, 4, t2m.shape), "m s**-1"),
        "v10": (rng.normal(0, 4, t2m.shape), "m s**-1"),
    }


def _file(path: Path, values: np.ndarray, units: str, hours: np.ndarray, name: str) -> None:
    seconds = hours.astype("datetime64[s]").astype("int64")
    write(path, values.astype("f4"), seconds, name=name, attrs={"units": units}, **_WHERE)


def make(folder: Path) -> None:
    """Write all files: hourly data of eight years, a summer of surface fields, daily series, a few other things."""
    rng = np.random.default_rng(0)
    for name in ("data", "daily", "older"):
        (folder / name).mkdir()
    hours = _hours(YEARS[0], YEARS[-1])
    fields = _fields(rng, hours)
    for name in ("t2m", "tp"):
        values, units = fields[name]
        for year in YEARS:
            inside = hours.astype("datetime64[Y]").astype(int) + 1970 == year
            if name == "tp" and year == YEARS[-1]:
                inside[-1] = True
            _file(folder / f"data/{name}_{year}.nc", values[inside], units, hours[inside], name)
    summer = (hours >= np.datetime64("2003-05-01")) & (hours < np.datetime64("2003-09-01"))
    for name in ("t2m", "d2m", "u10", "v10"):
        _file(folder / f"surface_{name}.nc", fields[name][0][summer], fields[name][1], hours[summer], name)
    for path, name in (("instant.nc", "t2m"), ("accum.nc", "tp"), ("era5.nc", "t2m")):
        _file(folder / path, fields[name][0][summer], fields[name][1], hours[summer], name)
    older = summer & (hours < np.datetime64("2003-06-01"))
    _file(folder / "older/t2m.nc", fields["t2m"][0][older], "K", hours[older], "t2m")
    _daily(folder / "daily", fields, hours)
    box = {"type": "Polygon", "coordinates": [[[-1, 48.9], [0.5, 48.9], [0.5, 50], [-1, 50], [-1, 48.9]]]}
    (folder / "alps.geojson").write_text(
        json.dumps({"type": "Feature", "properties": {"name": "a"}, "geometry": box})
    )
    program = folder / "cdo"  # of which a page wants the number of time steps
    program.write_text("#!/bin/sh\necho 12\n")
    program.chmod(0o755)


def _daily(folder: Path, fields: dict[str, tuple[np.ndarray, str]], hours: np.ndarray) -> None:
    """TX, TN and rain of every day, as `compute-indices.md` has them."""
    days = pd.DatetimeIndex(hours[:-1:24])
    axes = {"time": days, **_WHERE}
    t2m = fields["t2m"][0][:-1].reshape(len(days), 24, *_SHAPE)
    rain = fields["tp"][0][:-1].reshape(len(days), 24, *_SHAPE)
    for name, values, units in (
        ("tx", t2m.max(1) - 273.15, "degC"),
        ("tn", t2m.min(1) - 273.15, "degC"),
        ("pr", rain.sum(1) * 1000, "mm"),
    ):
        x = xr.DataArray(values.astype("f4"), axes, dims=list(axes), name=name, attrs={"units": units})
        x.to_netcdf(folder / f"{name}.nc")

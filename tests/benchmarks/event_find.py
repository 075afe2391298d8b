"""Events: from a field in memory, from a year of the globe in a file, and all the way from hourly files."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import peers
import samples
import xarray as xr
from comparison import Row

import era5fast as e5

THRESHOLD = 1.3  # deviations: about a tenth of all cells


# --- a field in memory, objects and all their properties -


def field_rows(quick: bool) -> list[Row]:
    from scipy import ndimage

    field = samples.smooth_field((46 if quick else 366, 267, 267))
    axes = {
        "time": np.datetime64("2000-01-01") + np.arange(len(field)),
        "latitude": 70 - 0.25 * np.arange(field.shape[1]),
        "longitude": -30 + 0.25 * np.arange(field.shape[2]),
    }

    def ours() -> e5.EventCatalogue:
        return e5.find_events(field, above=THRESHOLD, min_days=1, links=False, progress=False, **axes)

    def by_scipy() -> dict[str, np.ndarray]:
        labels, number = ndimage.label(field > THRESHOLD, np.ones((3, 3, 3)))
        index = np.arange(1, number + 1)
        ndimage.find_objects(labels)
        return {
            "cells": np.bincount(labels.ravel(), minlength=number + 1)[1:],
            "sum": ndimage.sum_labels(field, labels, index),
            "peak": ndimage.maximum(field, labels, index),
        }

    def check(mine: e5.EventCatalogue, theirs: dict[str, np.ndarray]) -> str:
        table = mine.core.table()
        assert np.array_equal(np.sort(table["cells"]), np.sort(theirs["cells"])), "events of other sizes"
        assert np.array_equal(np.sort(table["peak_value"]), np.sort(theirs["peak"])), "events with other peaks"
        return f"{field.size / 1e6:.0f} million cells, {len(mine)} events of the same sizes and peaks"

    return [Row("field to objects, properties", "scipy: label, sum, maximum, boxes", ours, by_scipy, check)]


# --- a year of the globe in a file -


@cache
def _year(days: int) -> Path:
    """Daily values on the grid of ERA5 that hang together over some days and cells, in one compressed file."""
    return samples._once(samples.CACHE / f"globe_{days}.nc", lambda path: _write_globe(path, days))


def _write_globe(path: Path, days: int) -> None:
    import netCDF4
    from scipy import ndimage

    rng = np.random.default_rng(3)
    coarse = np.zeros((46, 90), "float32")
    with netCDF4.Dataset(path, "w") as file:
        axes = {"time": np.arange(days), "latitude": np.linspace(90, -90, 721), "longitude": np.arange(1440) / 4}
        units = {"time": "days since 2003-01-01", "latitude": "degrees_north", "longitude": "degrees_east"}
        for name, values in axes.items():
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable.units = units[name]
            variable[:] = values
        options = {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": (1, 721, 1440)}
        values = file.createVariable("t2m", "f4", tuple(axes), **options)
        values.units = "K"
        for day in range(days):
            coarse = np.float32(0.8) * coarse + rng.standard_normal(coarse.shape, dtype="float32")
            fine = ndimage.zoom(coarse, (721 / 46, 1440 / 90), order=1, grid_mode=True, mode="grid-wrap")
            values[day] = np.round(fine + 280, 2)


def year_rows(quick: bool) -> list[Row]:
    days = 20 if quick else 365
    path = _year(days)
    limit = 282.5

    def ours() -> e5.EventCatalogue:
        return e5.find_events(path, above=limit, progress=False)

    def reading() -> None:
        """Decode every value once, a fortnight at a time, as whoever computes with them has to."""
        with e5.open_dataset(path) as dataset:
            for first in range(0, days, 14):
                dataset["t2m"][first : first + 14].values  # noqa: B018

    def by_hand() -> int:
        import cc3d

        with xr.open_dataset(path) as dataset:
            above = dataset["t2m"].values > np.float32(limit)
        return int(cc3d.connected_components(above, connectivity=26, return_N=True)[1])

    def describe(mine: e5.EventCatalogue, _: Any) -> str:
        return f"{days} days of 721 x 1440 cells, {len(mine)} events of cells above {limit} K on three days or more"

    return [
        Row("a year of the globe, file", "e5: only reading it", ours, reading, describe),
        Row("a year of the globe, file", "xarray, cc3d: label alone", ours, by_hand, describe),
    ]


# --- hourly files to events in a database -


@cache
def _two_processes() -> ProcessPoolExecutor:
    """Made once and warm, as in a long session; their processor time is not in the column of the peer."""
    return ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))


def _daily_by_hand(paths: Sequence[Path]) -> xr.DataArray:
    """Daily maxima of one file in each process, and the axes from the files themselves."""
    import netCDF4

    days = np.concatenate(list(_two_processes().map(peers.daily_netcdf4, [[path] for path in paths])))
    with netCDF4.Dataset(paths[0]) as file:
        first = np.datetime64(int(file["valid_time"][0]), "s").astype("datetime64[D]")
        axes = {name: np.asarray(file[name][:]) for name in ("latitude", "longitude")}
    time = (first + np.arange(len(days))).astype("datetime64[ns]")
    return xr.DataArray(days, {"time": time, **axes}, ("time", *axes))


def chain_rows(quick: bool) -> list[Row]:
    paths = samples.hourly_years(range(2011, 2015 if quick else 2021))
    folder, number = Path(tempfile.mkdtemp(dir=samples.CACHE)), count()
    how = {"window": 5, "neighbours": "real", "leap_day": "stretch"}

    def ours() -> e5.EventCatalogue:
        daily = e5.daily(paths, "max", variable="t2m", progress=False)
        p90 = e5.percentile_doy(daily, 90, **how, progress=False)
        events = e5.find_events(daily, above=p90, min_days=3, progress=False)
        e5.EventDatabase(folder / f"{next(number)}.gpkg").add(events, kind="heatwave", progress=False)
        return events

    def by_xclim() -> peers.Found:
        daily = peers.daily_xarray(paths)
        found = peers.events_scipy(daily, peers.p90_xclim(daily, 5, 90), 3)
        peers.store_pandas(found, folder / f"{next(number)}.db")
        return found

    def by_hand() -> peers.Found:
        daily = _daily_by_hand(paths)
        dayofyear = daily["time"].dt.dayofyear.values
        slots = {"dayofyear": np.arange(1, 367), **{name: daily[name] for name in ("latitude", "longitude")}}
        p90 = xr.DataArray(peers.p90_partition(daily.values, dayofyear, 5, 90), slots, tuple(slots))
        found = peers.events_by_hand(daily, p90, 3)
        peers.store_by_hand(found, folder / f"{next(number)}.db")
        return found

    def check(mine: e5.EventCatalogue, theirs: peers.Found) -> str:
        apart = abs(len(mine) - len(theirs.events))
        assert apart <= 0.01 * len(mine), f"{len(mine)} events here, {len(theirs.events)} there"
        return f"{len(paths)} years of hourly data to a database: {len(mine)} events, {apart} more or fewer there"

    return [
        Row("hourly files to a database", "xarray, xclim, scipy", ours, by_xclim, check),
        Row("hourly files to a database", "two processes, NumPy, cc3d", ours, by_hand, check),
    ]


def rows(quick: bool) -> list[Row]:
    """All rows; the functions above make some of them each."""
    return [*field_rows(quick), *year_rows(quick), *chain_rows(quick)]

"""The whole way: monthly files of hourly values to events in a database."""

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
import read_ways
import samples
import xarray as xr
from comparison import Row

import era5fast as e5


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


def rows(quick: bool) -> list[Row]:
    paths = samples.hourly_months(range(2020, 2021) if quick else range(2011, 2021))
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
        return f"{len(paths)} months of hourly data to a database: {len(mine)} events, {apart} more or fewer there"

    limit = read_ways.inflate_only([str(path) for path in paths], keep=False)

    def tell(mine: e5.EventCatalogue, _: Any) -> str:
        return (
            "the chunks inflated by libdeflate in two threads and nothing else: the ratio is the share of this limit"
        )

    return [
        Row("hourly files to a database", "xarray, xclim, scipy", ours, by_xclim, check),
        Row("hourly files to a database", "two processes, NumPy, cc3d", ours, by_hand, check),
        Row("hourly files to a database", "the limit: libdeflate, 2 threads", ours, limit, tell),
    ]

"""The chain as others write it: with today's packages, and by hand where that is quicker still.

Each function is what somebody who knows the packages well would write, no tricks left out on purpose. Remarks say
which of several spellings was the fastest when tried.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import cc3d
import dask
import netCDF4
import numpy as np
import pandas as pd
import xarray as xr
from scipy import ndimage
from xclim.core.calendar import percentile_doy, resample_doy

EARTH_RADIUS_KM = 6371.0

#: Half the distance of neighbouring float32 numbers from 256 to 512 K: under dask, xclim rounds to float32.
HALF_STEP = 2.0**-16 + 1e-9

dask.config.set(num_workers=2)


@dataclass
class Found:
    """Events and their days as tables, and the seconds that the steps took."""

    events: pd.DataFrame
    states: pd.DataFrame
    seconds: dict[str, float] = field(default_factory=dict)


# --- read, daily maximum -


def daily_xarray(paths: Sequence[Path]) -> xr.DataArray:
    """`coarsen` takes two thirds of the time of `resample`; dask reads one file while it reduces another."""
    with xr.open_mfdataset(paths) as dataset:
        hourly = dataset["t2m"].drop_vars(["expver", "number"]).rename(valid_time="time")
        daily = hourly.coarsen(time=24).max().compute()
    return daily.assign_coords(time=daily["time"].dt.floor("D"))


def daily_netcdf4(paths: Sequence[Path]) -> np.ndarray:
    days = []
    for path in paths:
        with netCDF4.Dataset(path) as file:
            variable = file["t2m"]
            variable.set_auto_maskandscale(False)
            hours = variable[:]
        days.append(hours.reshape(-1, 24, *hours.shape[1:]).max(axis=1))
    return np.concatenate(days)


# --- percentile of each calendar day -


def p90_xclim(daily: xr.DataArray, window: int, percentile: float) -> xr.DataArray:
    """Half a grid per dask chunk: both cores work."""
    halves = daily.chunk(latitude=-(-daily.sizes["latitude"] // 2))
    doy = percentile_doy(halves, window=window, per=percentile, alpha=1 / 3, beta=1 / 3).compute()
    return doy.isel(percentiles=0, drop=True).transpose("dayofyear", ...)


def p90_partition(daily: np.ndarray, dayofyear: np.ndarray, window: int, percentile: float) -> np.ndarray:
    """Partitions instead of sorts, on a copy in which the days of a cell lie side by side."""
    cells = np.ascontiguousarray(daily.reshape(len(daily), -1).T)
    near = np.arange(window) - window // 2
    rows = []
    for day in range(1, 366):
        pool = (np.flatnonzero(dayofyear == day)[:, None] + near).ravel()
        rows.append(_quantile_type_8(cells[:, pool[(pool >= 0) & (pool < len(daily))]], percentile / 100))
    return _stretched(np.stack(rows)).reshape(366, *daily.shape[1:])


def _quantile_type_8(sample: np.ndarray, probability: float) -> np.ndarray:
    position = (sample.shape[1] + 1 / 3) * probability + 1 / 3
    low = int(position)
    ordered = np.partition(sample, (low - 1, low), axis=1)[:, low - 1 : low + 1].astype("float64")
    return ordered[:, 0] + (position - low) * (ordered[:, 1] - ordered[:, 0])


def _stretched(rows: np.ndarray) -> np.ndarray:
    """365 days drawn out to 366."""
    position = np.arange(366) * (364 / 365)
    low = np.minimum(position.astype(int), 363)
    weight = (position - low)[:, None]
    return rows[low] * (1 - weight) + rows[low + 1] * weight


# --- events -


def thresholds(daily: xr.DataArray, p90: xr.DataArray) -> np.ndarray:
    """The threshold of each day of the series."""
    return resample_doy(p90, daily).transpose("time", ...).values


def events_scipy(daily: xr.DataArray, p90: xr.DataArray, min_days: int) -> Found:
    """scipy.ndimage for the cells, pandas for the tables."""
    clock = [time.perf_counter()]
    excess = daily.values - thresholds(daily, p90)
    spells = ndimage.binary_opening(excess > 0, np.ones((min_days, 1, 1), bool))
    clock.append(time.perf_counter())
    labels, count = ndimage.label(spells, np.ones((3, 3, 3)))
    clock.append(time.perf_counter())
    found = _properties_scipy(labels, count, excess, _areas(daily))
    clock.append(time.perf_counter())
    steps = ("spells", "labels", "properties")
    found.seconds = {step: b - a for step, (a, b) in zip(steps, itertools.pairwise(clock), strict=True)}
    return found


def _properties_scipy(labels: np.ndarray, count: int, excess: np.ndarray, area: np.ndarray) -> Found:
    numbers = np.arange(1, count + 1)
    weight = np.broadcast_to(area, labels.shape)
    volume = ndimage.sum_labels(weight, labels, numbers)
    cumulative = ndimage.sum_labels(excess * weight, labels, numbers)
    events = pd.DataFrame(
        {
            "cells": np.bincount(labels.ravel(), minlength=count + 1)[1:],
            "peak": ndimage.maximum(excess, labels, numbers),
            "mean": cumulative / volume,
            "cumulative": cumulative,
        }
    )
    boxes = ndimage.find_objects(labels)
    states = [_states_of(n, box, labels, excess, area) for n, box in zip(numbers, boxes, strict=True)]
    events.insert(0, "start", [box[0].start for box in boxes])
    events.insert(1, "end", [box[0].stop - 1 for box in boxes])
    events["area_max"] = [days["area"].max() for days in states]
    columns = {name: np.concatenate([days[name] for days in states]) for name in states[0]}
    return Found(events, pd.DataFrame(columns))


def _states_of(
    number: int, box: tuple[slice, ...], labels: np.ndarray, excess: np.ndarray, area: np.ndarray
) -> dict[str, np.ndarray]:
    inside = labels[box] == number
    weight = inside * area[box[1:]]
    daily_area = weight.sum(axis=(1, 2))
    return {
        "event": np.full(len(inside), number - 1),
        "day": np.arange(box[0].start, box[0].stop),
        "area": daily_area,
        "mean": (weight * excess[box]).sum(axis=(1, 2)) / daily_area,
        "maximum": np.where(inside, excess[box], -np.inf).max(axis=(1, 2)),
    }


def events_by_hand(daily: xr.DataArray, p90: xr.DataArray, min_days: int) -> Found:
    """cc3d for the labels; one sort of the labelled cells, then everything by `reduceat`."""
    threshold = p90.values[daily["time"].dt.dayofyear.values - 1]
    above = daily.values > threshold
    labels = cc3d.connected_components(_long_runs(above, min_days), connectivity=26)
    cells = np.flatnonzero(labels)
    number = labels.ravel()[cells]
    order = np.argsort(number, kind="stable")
    cells, number = cells[order], number[order]
    day = cells // above[0].size
    excess = daily.values.ravel()[cells] - threshold.ravel()[cells]
    weight = _areas(daily).ravel()[cells % above[0].size]
    first = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
    states = _reduced(
        np.flatnonzero(np.r_[True, (number[1:] != number[:-1]) | (day[1:] != day[:-1])]), excess, weight
    )
    events = _reduced(first, excess, weight)
    last = np.r_[first[1:], len(cells)]
    state_of_event = np.searchsorted(states["from"], first)
    table = {"start": day[first], "end": day[last - 1], "cells": last - first, "peak": events["maximum"]}
    table |= {"mean": events["sum"] / events["area"], "cumulative": events["sum"]}
    table["area_max"] = np.maximum.reduceat(states["area"], state_of_event)
    rows = {"event": number[states["from"]] - 1, "day": day[states["from"]], "area": states["area"]}
    rows |= {"mean": states["sum"] / states["area"], "maximum": states["maximum"]}
    return Found(pd.DataFrame(table), pd.DataFrame(rows))


def _long_runs(above: np.ndarray, min_days: int) -> np.ndarray:
    steps = len(above) - min_days + 1
    full = above[:steps].copy()
    for k in range(1, min_days):
        full &= above[k : k + steps]
    kept = np.zeros_like(above)
    for k in range(min_days):
        kept[k : k + steps] |= full
    return kept


def _reduced(first: np.ndarray, excess: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "from": first,
        "area": np.add.reduceat(weight, first),
        "sum": np.add.reduceat(weight * excess, first),
        "maximum": np.maximum.reduceat(excess, first),
    }


def _areas(daily: xr.DataArray) -> np.ndarray:
    """Areas of the cells in km²."""
    latitude, longitude = daily["latitude"].values, daily["longitude"].values
    half = abs(latitude[1] - latitude[0]) / 2
    height = np.sin(np.radians(latitude + half)) - np.sin(np.radians(latitude - half))
    column = EARTH_RADIUS_KM**2 * np.radians(longitude[1] - longitude[0]) * height
    return np.repeat(column[:, None], len(longitude), axis=1)


# --- database -


def store_pandas(found: Found, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        found.events.to_sql("event", connection, index_label="id")
        found.states.to_sql("event_state", connection, index=False)
        connection.execute("CREATE INDEX state_of_event ON event_state (event, day)")
    return path


def store_by_hand(found: Found, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, table in (("event", found.events), ("event_state", found.states)):
            connection.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {', '.join(table.columns)})")
            marks = ", ".join("?" * (len(table.columns) + 1))
            columns = [range(len(table)), *(table[column].tolist() for column in table.columns)]
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", zip(*columns, strict=True))
        connection.execute("CREATE INDEX state_of_event ON event_state (event, day)")
    return path

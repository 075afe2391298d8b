"""Runs of days and marine heatwaves: ours and the ways people have today.

The limit of run lengths is the memory: see the row "the limit: reading", and ``diag_drive.py``.
marineHeatWaves, the authors' own program, needs a NumPy of long ago; its published rate is 10 cells a second for 30
years, which is to be compared with the cells in the last row's name.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import heatwave3
import numba
import numpy as np
import xarray as xr
from comparison import Row, limit_of_memory

import era5fast as e5

THRESHOLD = 25.0
LEAST = 3


def rows(quick: bool) -> list[Row]:
    """Run lengths over a threshold, spell statistics, the table of spells, marine heatwaves."""
    return [*_run_rows(quick), *_marine_rows(quick)]


def _series(years: int, rows_: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Daily values with a season and a memory."""
    rng = np.random.default_rng(1)
    time = np.arange("1991-01-01", f"{1991 + years}-01-01", dtype="datetime64[D]")
    values = rng.standard_normal((len(time), rows_, columns), dtype="float32")
    for t in range(1, len(time)):
        values[t] = 0.85 * values[t - 1] + 0.53 * values[t]
    season = 20 + 6 * np.sin(2 * np.pi * np.arange(len(time)) / 365.25)
    values += season[:, None, None].astype("float32")
    return values, time


# --- runs ---


@numba.njit(parallel=True, cache=False)
def _numba_total(values: np.ndarray, period: np.ndarray, out: np.ndarray) -> None:
    steps, rows_, columns = values.shape
    for row in numba.prange(rows_):
        run = np.zeros(columns, np.int32)
        for t in range(steps):
            if t > 0 and period[t] != period[t - 1]:
                run[:] = 0
            total = out[period[t], row]
            for c in range(columns):
                if values[t, row, c] > THRESHOLD:
                    run[c] += 1
                    if run[c] == LEAST:
                        total[c] += LEAST
                    elif run[c] > LEAST:
                        total[c] += 1
                else:
                    run[c] = 0


def _same(mine: Any, theirs: Any) -> str:
    mine = np.asarray(mine)
    np.testing.assert_array_equal(mine, np.asarray(theirs).reshape(mine.shape))
    return "the same counts"


def _run_rows(quick: bool) -> list[Row]:
    from xclim.indices import run_length

    years, rows_, columns = (4, 8, 64) if quick else (30, 32, 128)
    values, time = _series(years, rows_, columns)
    dims = ("time", "latitude", "longitude")
    array = xr.DataArray(values, {"time": time.astype("datetime64[ns]")}, dims, attrs={"units": "degC"})
    period = time.astype("datetime64[Y]").astype("int64") - 21
    limits = e5.percentile_doy(values, 90, time=time, progress=False)

    def by_numba() -> np.ndarray:
        out = np.zeros((years, rows_, columns))
        _numba_total(values, period, out)
        return out

    def by_xclim() -> np.ndarray:
        flags = array > THRESHOLD
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = flags.resample(time="YS").map(run_length.windowed_run_count, window=LEAST, dim="time")
        return found.transpose("time", ...).values

    def fast() -> Any:
        return e5.run_lengths(values, THRESHOLD, "total", min_length=LEAST, time=time, progress=False)

    def full() -> Any:
        return e5.spell_statistics(values, THRESHOLD, min_length=LEAST, time=time, progress=False).total

    def doy() -> Any:
        return e5.spell_statistics(values, limits, min_length=LEAST, time=time, progress=False).total

    def doy_by_xclim() -> np.ndarray:
        threshold = xr.DataArray(limits, {"dayofyear": np.arange(1, 366)}, ("dayofyear", *dims[1:]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            month_day = array.time.dt.dayofyear - ((array.time.dt.is_leap_year) & (array.time.dt.dayofyear > 59))
            flags = array > threshold.sel(dayofyear=month_day).drop_vars("dayofyear")
            found = flags.resample(time="YS").map(run_length.windowed_run_count, window=LEAST, dim="time")
        return found.transpose("time", ...).values

    size = f"{years} years, {rows_ * columns} cells"
    return [
        Row(f"run lengths, {size}", "numba", fast, by_numba, _same),
        Row(f"run lengths, {size}", "xclim", fast, by_xclim, _same),
        limit_of_memory(f"run lengths, {size}", fast, values),
        Row(f"all spell statistics, {size}", "numba, one of them", full, by_numba, _same),
        Row(f"all spell statistics above doy p90, {size}", "xclim, one of them", doy, doy_by_xclim, _same),
    ]


# --- marine heatwaves ---


def _same_events(mine: Any, theirs: Any) -> str:
    share = abs(len(mine.events) - len(theirs)) / len(theirs)
    assert share < 0.02, f"{len(mine.events)} events, not {len(theirs)}"
    days = abs(mine.events.duration.sum() - theirs.duration.sum()) / theirs.duration.sum()
    assert days < 0.02
    return f"{len(theirs)} events, {share:.2%} differ (29 February is filled otherwise)"


def _marine_rows(quick: bool) -> list[Row]:
    years, rows_, columns = (4, 4, 4) if quick else (30, 16, 32)
    values, time = _series(years, rows_, columns)
    folder = Path(tempfile.mkdtemp(prefix="era5fast-bench-"))
    coords = {"time": time.astype("datetime64[ns]"), "lat": np.arange(rows_) * 1.0, "lon": np.arange(columns) * 1.0}
    field = xr.DataArray(values, coords, tuple(coords), name="sst", attrs={"units": "degC"})
    field.to_netcdf(folder / "sst.nc")
    base = ("1991-01-01", f"{1990 + years}-12-31")

    def ours() -> Any:
        return e5.marine_heatwaves(folder / "sst.nc", definition="heatwaver", progress=False)

    def theirs() -> Any:
        written = heatwave3.detect3(
            str(folder / "sst.nc"), str(folder / "out"), base, category=True, n_threads=2, quiet=True
        )
        return heatwave3.hw3_export(written["events"])

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return [Row(f"marine heatwaves, {years} years, {rows_ * columns} cells", "heatwave3", ours, theirs, _same_events)]

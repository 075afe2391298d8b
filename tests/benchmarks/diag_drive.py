"""Daily values of hourly fields, and NaN-aware statistics over time: ours and the ways people have today.

The limit of both is the memory.  In the rows "the limit: reading" the peer reads the same bytes from one end to the
other, in two halves at once: in the column of two threads the ratio is the share of the memory's speed that ours
reaches, and no peer can be left behind by more than that allows.  Days are an array of their own, whose memory is
new: "the limit: reading, new days" writes as many bytes as that beside the reading.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bottleneck
import numba
import numbagg
import numpy as np
import xarray as xr
from comparison import Row, limit_of_memory

import era5fast as e5

HOURS = 24
MISSING = 0.001  # share of the values in the rows that know NaN


def rows(quick: bool) -> list[Row]:
    """Daily maximum and mean of hourly data, then maximum, mean and sum over time of data with gaps."""
    shape = (4 * HOURS, 91, 180) if quick else (15 * HOURS, 361, 720)
    return [*_daily_rows(shape), *_over_time_rows(shape)]


def _field(shape: tuple[int, int, int], missing: float = 0) -> np.ndarray:
    rng = np.random.default_rng(1)
    values = rng.standard_normal(shape, dtype="float32") * 8 + 285
    if missing:
        values[rng.random(shape, dtype="float32") < missing] = np.nan
    return values


def _close(mine: np.ndarray, theirs: Any) -> str:
    """Peers add up in float32, or in another order."""
    theirs = np.asarray(theirs).reshape(mine.shape)
    np.testing.assert_allclose(mine, theirs, rtol=2e-5)
    return "bit for bit" if np.array_equal(mine, theirs, equal_nan=True) else "equal to 2e-5"


# --- daily ---


@numba.njit(parallel=True, cache=False)
def _numba_max(values: np.ndarray, out: np.ndarray) -> None:
    days, rows_ = out.shape[0], out.shape[1]
    for task in numba.prange(days * rows_):
        day, row = task // rows_, task % rows_
        out[day, row] = values[day * 24, row]
        for hour in range(1, 24):
            for column in range(out.shape[2]):
                out[day, row, column] = max(out[day, row, column], values[day * 24 + hour, row, column])


@numba.njit(parallel=True, cache=False)
def _numba_mean(values: np.ndarray, out: np.ndarray) -> None:
    days, rows_ = out.shape[0], out.shape[1]
    for task in numba.prange(days * rows_):
        day, row = task // rows_, task % rows_
        sums = np.zeros(out.shape[2])
        for hour in range(24):
            for column in range(out.shape[2]):
                sums[column] += values[day * 24 + hour, row, column]
        out[day, row] = sums / 24


def _daily_rows(shape: tuple[int, int, int]) -> list[Row]:
    values = _field(shape)
    time = np.datetime64("2003-06-01", "h") + np.arange(shape[0])
    coords = {"time": time.astype("datetime64[ns]")}
    array = xr.DataArray(values, coords, ("time", "latitude", "longitude"), name="t2m", attrs={"units": "K"})
    days = values.reshape(-1, HOURS, *shape[1:])
    folder = Path(tempfile.mkdtemp(prefix="diag-drive-"))
    array.assign_coords(latitude=np.linspace(90, -90, shape[1]), longitude=np.arange(shape[2]) * 0.5).to_netcdf(
        folder / "hours.nc"
    )

    def by_numba(function: Callable[[np.ndarray, np.ndarray], None]) -> Callable[[], np.ndarray]:
        def run() -> np.ndarray:
            out = np.empty((len(days), *shape[1:]), "float32")
            function(values, out)
            return out

        return run

    def cdo(operator: str) -> Callable[[], np.ndarray]:
        def run() -> np.ndarray:
            target = folder / f"{operator}.nc"
            subprocess.run(["cdo", "-s", "-O", operator, str(folder / "hours.nc"), str(target)], check=True)
            with xr.open_dataset(target) as dataset:
                return dataset["t2m"].values

        return run

    peers = {
        "max": [("numba, threads", by_numba(_numba_max)), ("NumPy reshape", lambda: days.max(axis=1)),
                ("xarray resample", lambda: array.resample(time="D").max()),
                ("CDO daymax, file to file", cdo("daymax"))],
        "mean": [("numba, threads", by_numba(_numba_mean)),
                 ("NumPy reshape", lambda: days.mean(axis=1, dtype="float64")),
                 ("xarray resample", lambda: array.resample(time="D").mean()),
                 ("CDO daymean, file to file", cdo("daymean"))],
    }  # fmt: skip
    found = []
    for statistic, others in peers.items():
        mine = _ours_daily(values, time, statistic)
        stage = f"daily {statistic} of hourly"
        found += [Row(stage, peer, mine, theirs, _close) for peer, theirs in others]
        found += [limit_of_memory(stage, mine, values), _limit_with_days(stage, mine, values)]
    return found


def _limit_with_days(stage: str, ours: Callable[[], Any], values: np.ndarray) -> Row:
    """What the memory allows who also makes the days."""
    halves = np.array_split(values.reshape(-1).view("int32"), 2)
    threads = ThreadPoolExecutor(2)

    def read_and_write() -> Any:
        ends = np.array_split(np.empty(values.size // HOURS, "int32"), 2)
        return list(threads.map(lambda half, end: np.copyto(end, half.max()), halves, ends))

    return Row(stage, "the limit: reading, new days", ours, read_and_write, lambda _, __: "– (a limit)")


def _ours_daily(values: np.ndarray, time: np.ndarray, statistic: str) -> Callable[[], np.ndarray]:
    return lambda: e5.daily(values, statistic, time=time, progress=False)


# --- over time ---


def _over_time_rows(shape: tuple[int, int, int]) -> list[Row]:
    values = _field(shape, MISSING)
    time = np.datetime64("2003-01-01") + np.arange(shape[0])
    found = []
    for statistic in ("mean", "max", "sum"):
        peers: list[tuple[str, Callable[[], Any]]] = [
            ("bottleneck", _over_time(getattr(bottleneck, f"nan{statistic}"), values)),
            ("numbagg", _over_time(getattr(numbagg, f"nan{statistic}"), values)),
            ("NumPy", _over_time(getattr(np, f"nan{statistic}"), values)),
        ]
        mine, stage = _ours(values, time, statistic), f"NaN-aware {statistic} over time"
        found += [Row(stage, peer, mine, theirs, _close) for peer, theirs in peers]
        found.append(limit_of_memory(stage, mine, values))
    return found


def _over_time(function: Callable[..., Any], values: np.ndarray) -> Callable[[], Any]:
    return lambda: function(values, axis=0)


def _ours(values: np.ndarray, time: np.ndarray, statistic: str) -> Callable[[], np.ndarray]:
    return lambda: e5.resample(values, statistic, freq="all", time=time, progress=False)[0]

"""The whole of ERA5 on paper: a slice is measured, stage by stage, and scaled up.

Processor seconds of one thread, so that what else the machine does matters little. A stage is measured twice, on a
slice and on one twice as large: the second over twice the first says how far the scaling up can be trusted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import netCDF4
import numpy as np
from comparison import arguments

import era5fast as e5

ROWS, COLUMNS = 721, 1440
CELLS = ROWS * COLUMNS
YEARS = 85
DAYS = round(YEARS * 365.2425)
HOURS = 24 * DAYS
VARIABLES = 20
SEARCHED = 4  # variables with percentiles, indices and events


class Stage(NamedTuple):
    """What one stage costs."""

    name: str
    #: Runs a slice of some size.
    run: Callable[[int], object]
    #: Size of the slice, and of all of it, in the same unit.
    size: int
    whole: int
    unit: str


def smooth(rng: np.random.Generator, steps: int, rows: int, columns: int) -> np.ndarray:
    """Weather as far as costs are concerned: smooth over some cells and some steps, with a little noise."""
    coarse = rng.normal(size=(steps, rows // 16 + 2, columns // 16 + 2)).astype("float32")
    for step in range(1, steps):
        coarse[step] = 0.9 * coarse[step - 1] + 0.44 * coarse[step]
    values = np.repeat(np.repeat(coarse, 16, 1), 16, 2)[:, :rows, :columns]
    return np.round(values + 0.05 * rng.normal(size=values.shape).astype("float32"), 2) + np.float32(280)


def write(path: Path, hours: int) -> None:
    """Hours of the globe as the service writes them: deflated and shuffled."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("valid_time", hours), ("latitude", ROWS), ("longitude", COLUMNS)):
            file.createDimension(name, size)
            file.createVariable(name, "f8" if name != "valid_time" else "i8", (name,))
        file["valid_time"].units = "seconds since 1970-01-01"
        file["valid_time"][:] = 3600 * np.arange(hours)
        file["latitude"][:], file["longitude"][:] = np.linspace(90, -90, ROWS), np.arange(COLUMNS) / 4
        values = file.createVariable(
            "t2m", "f4", ("valid_time", "latitude", "longitude"), zlib=True, complevel=1, chunksizes=(12, 181, 360)
        )
        values.units = "K"
        values[:] = smooth(np.random.default_rng(0), hours, ROWS, COLUMNS)


def days(n: int) -> np.ndarray:
    return np.datetime64("1990-01-01") + np.arange(n)


def stages(folder: Path) -> list[Stage]:
    """The way of the data: hours → days → percentiles and indices → events."""
    for size in (24, 48):
        write(folder / f"{size}.nc", size)
    rng = np.random.default_rng(1)
    series = 280 + 10 * rng.random((30 * 365, 16, 64), dtype="float32")
    rain = np.maximum(rng.normal(size=series.shape), 0).astype("float32")
    maps = smooth(rng, 24, ROWS, COLUMNS)
    axes = {"latitude": np.linspace(90, -90, ROWS), "longitude": np.arange(COLUMNS) / 4}

    def percentile(columns: int) -> object:
        return e5.percentile_doy(series[:, :, :columns], 90, time=days(len(series)), progress=False)

    def indices(columns: int) -> object:
        tx, pr = series[:, :, :columns], rain[:, :, :columns]
        return e5.etccdi(tx=tx, tn=tx - 8, pr=pr, time=days(len(tx)), base_period=("1990", "2019"), progress=False)

    def events(steps: int) -> object:
        return e5.find_events(maps[:steps], 281.3, min_days=3, time=days(steps), progress=False, **axes)

    per_column = CELLS // 16
    return [
        Stage(
            "read, daily maximum",
            lambda n: e5.daily(folder / f"{n}.nc", "max", progress=False),
            24,
            HOURS * VARIABLES,
            "fields",
        ),
        Stage("percentile of 30 years", percentile, 512, per_column * SEARCHED, "columns of 16 cells"),
        Stage("27 indices of 30 years", indices, 32, round(per_column * YEARS / 30), "columns of 16 cells"),
        Stage("events", events, 12, DAYS * SEARCHED, "days"),
    ]


def seconds(run: Callable[[int], Any], size: int, rounds: int) -> float:
    """Least processor time of some rounds."""
    taken = []
    for _ in range(rounds + 1):
        begin = time.process_time()
        run(size)
        taken.append(time.process_time() - begin)
    return min(taken[1:])


def main() -> None:
    options = arguments((__doc__ or "").splitlines()[0])
    e5.set_num_threads(1)
    print(f"{VARIABLES} variables, {YEARS} years, hourly: {HOURS * VARIABLES / 1e6:.1f} million fields")
    print(f"  float32 in memory: {4 * CELLS * HOURS * VARIABLES / 1e12:6.1f} TB")
    print(f"  two bytes a value: {2 * CELLS * HOURS * VARIABLES / 1e12:6.1f} TB")
    print(f"  a statistic a day: {4 * CELLS * DAYS * VARIABLES / 1e12:6.1f} TB\n")
    with tempfile.TemporaryDirectory() as folder:
        total = 0.0
        for stage in stages(Path(folder)):
            one, two = (seconds(stage.run, stage.size * n, options.rounds) for n in (1, 2))
            hours = (two / 2) * stage.whole / stage.size / 3600
            total += hours
            cost = f"{1e3 * two / 2 / stage.size:8.2f} ms for one of {stage.whole:12,} {stage.unit:20}"
            print(
                f"{stage.name:24} {cost} {hours:8.0f} h of a processor; linear to {two / 2 / one - 1:+.0%}",
                flush=True,
            )
        size = (Path(folder) / "48.nc").stat().st_size / (48 * CELLS)
        print(f"{'all':24} {total:62.0f} hours of a processor\n{size:.2f} bytes a value in the slice's file")


if __name__ == "__main__":
    main()

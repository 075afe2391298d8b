"""All 27 indices of a world of days in compressed files, one a year and variable: time and peak memory.

Each run is a process of its own.  xclim with dask gets a coarser world in files of the same kind, and its time is
scaled by the cells: both read, unpack and compute every cell alike.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from diag_indices import indices_of_xclim
from samples import CACHE

import era5fast as e5
from era5fast.indices import CORE

YEARS = range(1981, 2011)
BASE = ("1981", "2010")
NAMES = {"tasmax": "K", "tasmin": "K", "pr": "mm/day"}


class World(NamedTuple):
    """Where the files of a grid lie, and how many cells it has."""

    folder: Path
    rows: int
    columns: int

    @property
    def cells(self) -> int:
        """Cells of the grid."""
        return self.rows * self.columns


def world(degrees: int) -> World:
    """Thirty years of a grid, made when they are not there yet."""
    found = World(CACHE / f"world_{degrees}", 180 // degrees, 360 // degrees)
    found.folder.mkdir(parents=True, exist_ok=True)
    missing = [year for year in YEARS if not all((found.folder / f"{name}_{year}.nc").exists() for name in NAMES)]
    if missing:
        print(f"making {len(missing)} years in {found.folder}", flush=True)
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(_write, [found] * len(missing), missing))
    return found


def _write(where: World, year: int) -> None:
    """Float32 on the steps of a hundredth, as packed data have them, in the chunks that netCDF chooses."""
    days = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]")
    step = 180 / where.rows
    latitude, longitude = 90 - step * (np.arange(where.rows) + 0.5), step * np.arange(where.columns)
    coords = {"time": days.astype("datetime64[ns]"), "latitude": latitude, "longitude": longitude}
    dims = ("time", "latitude", "longitude")
    for name, values in _weather(year, days, latitude, where.columns).items():
        path = where.folder / f"{name}_{year}.nc"
        ds = xr.Dataset({name: (dims, values, {"units": NAMES[name]})}, coords)
        ds["latitude"].attrs["units"], ds["longitude"].attrs["units"] = "degrees_north", "degrees_east"
        part = path.with_suffix(".part")
        ds.to_netcdf(part, encoding={name: {"zlib": True, "complevel": 1, "shuffle": True}})
        part.replace(path)


def _weather(year: int, days: np.ndarray, latitude: np.ndarray, columns: int) -> dict[str, np.ndarray]:
    """Seasons, and noise that remembers the day before and the cell beside."""
    rng = np.random.default_rng(year)
    shape = (len(days), len(latitude), columns)
    noise = rng.standard_normal(shape, dtype="float32")
    for day in range(1, len(days)):
        noise[day] = np.float32(0.75) * noise[day - 1] + np.float32(0.4) * (noise[day] + np.roll(noise[day], 1, -1))
    angle = 2 * np.pi * (np.arange(len(days)) - 110) / 365.25
    mean = 300 - 45 * np.sin(np.deg2rad(latitude)) ** 2 + 18 * np.outer(np.sin(angle), np.sin(np.deg2rad(latitude)))
    tasmax = mean[..., np.newaxis].astype("f4") + 3 * noise
    tasmin = tasmax - 4 - 3 * np.abs(rng.standard_normal(shape, dtype="float32"))
    rain = 12 * (rng.standard_normal(shape, dtype="float32") - np.float32(0.5)) * np.abs(noise)
    found = {"tasmax": tasmax, "tasmin": tasmin, "pr": np.maximum(rain, 0)}
    return {name: (np.rint(x * 100) / 100).astype("f4") for name, x in found.items()}


# --- a run in a process of its own ---


def _ours(where: World) -> xr.Dataset:
    files = {name: sorted(map(str, where.folder.glob(f"{name}_*.nc"))) for name in NAMES}
    options = {"definition": "xclim", "missing": "none", "base_period": BASE, "progress": False}
    return e5.etccdi(tx=files["tasmax"], tn=files["tasmin"], pr=files["pr"], **options)


def _xclim(where: World) -> xr.Dataset:
    """By dask, in chunks of cells, which percentiles of whole series need."""
    import dask

    chunks = {"time": -1, "lat": 10, "lon": 20}
    with dask.config.set(scheduler="threads", num_workers=2):
        paths = sorted(where.folder.glob("*.nc"))
        with xr.open_mfdataset(paths, chunks={}) as ds:
            lazy = ds.rename(latitude="lat", longitude="lon").chunk(chunks)
            found = {name: x.drop_vars("percentiles", errors="ignore") for name, x in indices_of_xclim(lazy).items()}
            return xr.Dataset(found).compute().rename(lat="latitude", lon="longitude")


SCRIPTS = {"ours": _ours, "xclim": _xclim}


class Run(NamedTuple):
    """What a run took: seconds on the wall and of all processors, and MiB at most, all that is loaded among them."""

    wall: float
    processor: float
    memory: float


def _run(name: str, where: World) -> Run:
    command = [sys.executable, __file__, name, *map(str, where)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Run(*map(float, out.split()[-3:]))


def _script(name: str, folder: str, rows: str, columns: str) -> None:
    where = World(Path(folder), int(rows), int(columns))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wall, processor = time.perf_counter(), time.process_time()
        found = SCRIPTS[name](where)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
    status = Path("/proc/self/status").read_text(encoding="ascii")
    print(wall, processor, int(status.split("VmHWM:")[1].split()[0]) / 1024, flush=True)
    if where.cells < 10_000:
        found.to_netcdf(where.folder.parent / f"{where.folder.name}_{name}.nc")


def _same(where: World) -> str:
    mine, theirs = (
        xr.load_dataset(where.folder.parent / f"{where.folder.name}_{name}.nc") for name in ("ours", "xclim")
    )
    names = [name for name in CORE if name in theirs]
    for name in names:
        a, b = mine[name].values, theirs[name].transpose("time", "latitude", "longitude").values
        if name == "gsl":  # south of the equator our growing season begins in July
            a, b = a[:, : where.rows // 2], b[:, : where.rows // 2]
        # TX and TN are float32 in the peer's sums; at ties a day may fall on the other side of a threshold.
        assert np.mean(~np.isclose(a, b, rtol=1e-4, atol=1e-3)) < 0.01, name
    return f"{len(names)} indices equal"


def show_world(degrees: int, coarse: int) -> None:
    """Print ours on the fine grid, xclim on the coarse one, and what the fine one would take it."""
    fine, few = world(degrees), world(coarse)
    mine, small, theirs = _run("ours", fine), _run("ours", few), _run("xclim", few)
    times = fine.cells / few.cells
    compressed = sum(path.stat().st_size for path in fine.folder.glob("*.nc"))
    decoded = 4 * fine.cells * len(NAMES) * (np.datetime64("2011-01-01") - np.datetime64("1981-01-01")).astype(int)
    print(f"\n27 indices, 30 years, {degrees}° ({fine.rows} × {fine.columns}), no bootstrap, as xclim; yearly files")
    print(f"load {os.getloadavg()[0]:.1f}; {compressed / 1e9:.2f} GB compressed, {decoded / 1e9:.2f} GB decoded\n")
    print(f"{'':34}{'seconds':>9}{'processor':>11}{'MiB at most':>13}")
    print(_line(f"ours, {degrees}°", mine))
    print(_line(f"ours, {coarse}°", small))
    print(_line(f"xclim + dask, {coarse}° (25 of them)", theirs))
    print(_line(f"xclim + dask, that × {times:.0f}", Run(theirs.wall * times, theirs.processor * times, np.nan)))
    print(f"{'ratio':34}{times * theirs.wall / mine.wall:9.1f}{times * theirs.processor / mine.processor:11.1f}")
    print(f"{_same(few)} on the coarse grid; the goal is 50 times, and 2048 MiB", flush=True)


def _line(name: str, run: Run) -> str:
    memory = "" if np.isnan(run.memory) else f"{run.memory:13.0f}"
    return f"{name:34}{run.wall:9.1f}{run.processor:11.1f}{memory}"


if __name__ == "__main__":
    _script(*sys.argv[1:])

"""Input in chunks: a script with dask against the same with xclim, memory, graphs, and what dask costs us."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from comparison import Row, arguments, measure, show
from diag_indices import indices_of_xclim

import era5fast as e5
from era5fast.indices import CORE

YEARS = ("2001", "2010")
DAYS = np.arange("2001-01-01", "2011-01-01", dtype="datetime64[D]")
UNITS = {"tasmax": "degC", "tasmin": "degC", "pr": "mm/day"}


# --- data ---


def _weather(rows: int, columns: int) -> xr.Dataset:
    """Ten years of float32 maximum and minimum temperature and rain of each day."""
    rng = np.random.default_rng(0)
    shape = (len(DAYS), rows, columns)
    season = 10 * np.sin(2 * np.pi * (np.arange(len(DAYS)) - 110) / 365.25)[:, np.newaxis, np.newaxis]
    values = {"tasmax": (15 + season + rng.normal(0, 5, shape)).astype("f4")}
    values["tasmin"] = (values["tasmax"] - rng.gamma(4, 2, shape)).astype("f4")
    values["pr"] = np.where(rng.random(shape) < 0.4, rng.gamma(0.7, 8, shape), 0).astype("f4")
    coords = {"time": DAYS.astype("datetime64[ns]"), "lat": np.linspace(30, 60, rows), "lon": np.arange(columns) / 4}
    dims = ("time", "lat", "lon")
    return xr.Dataset({name: (dims, x, {"units": UNITS[name]}) for name, x in values.items()}, coords)


def _write(folder: Path, rows: int, columns: int) -> None:
    """One file per month, with the three series of its days."""
    ds = _weather(rows, columns)
    packing = {"zlib": True, "complevel": 1, "shuffle": True}
    for month, part in ds.groupby(ds.time.dt.strftime("%Y-%m")):
        part.to_netcdf(folder / f"{month}.nc", encoding=dict.fromkeys(UNITS, packing))


# --- the script: open, compute, write ---


def ours(folder: Path) -> None:
    """The script with era5fast."""
    with xr.open_mfdataset(sorted(folder.glob("*-*.nc")), engine="era5fast", chunks={}) as ds:
        found = e5.etccdi(ds, base_period=YEARS, definition="xclim", missing="none")
        found.to_netcdf(folder / "ours.nc")


def xclims(folder: Path) -> None:
    """The script with xclim, whose percentiles need whole series as well."""
    with xr.open_mfdataset(sorted(folder.glob("*-*.nc")), chunks={}) as ds:
        ds = ds.chunk({"time": -1, "lat": 10, "lon": 20})
        found = {name: x.drop_vars("percentiles", errors="ignore") for name, x in indices_of_xclim(ds).items()}
        xr.Dataset({name: x.assign_attrs(units="1") for name, x in found.items()}).to_netcdf(folder / "xclim.nc")


SCRIPTS = {"ours": ours, "xclim": xclims}


def _same(folder: Path) -> str:
    """Whether both wrote the same."""
    mine, theirs = (xr.load_dataset(folder / f"{name}.nc") for name in SCRIPTS)
    names = [name for name in CORE if name in theirs]
    for name in names:
        a, b = mine[name].values, theirs[name].transpose("time", "lat", "lon").values
        # TX and TN are float32 in the peer's sums; at ties a day may fall on the other side of a threshold.
        assert np.mean(~np.isclose(a, b, rtol=1e-4, atol=1e-3)) < 0.01, name
    return f"{len(names)} indices equal"


@contextlib.contextmanager
def _scheduler(kind: str) -> Any:
    """Threads, or a cluster of two processes on this machine; gives KB that its processes have before they work."""
    if kind == "threads":
        import dask

        with dask.config.set(scheduler="threads", num_workers=2):
            yield _highest_of_imports()
        return
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50)
    with cluster, Client(cluster) as client:
        yield max(client.run(_highest_of_imports).values())


# --- time and memory: a process for each run ---


class Run(NamedTuple):
    """What a script took: seconds on the wall and of all processors, and MB at most."""

    wall: float
    processor: float
    memory: float


def _run(name: str, kind: str, folder: Path) -> Run:
    command = [sys.executable, __file__, "--script", name, kind, str(folder)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Run(*map(float, out.split()[-3:]))


def _script(name: str, kind: str, folder: str) -> None:
    """Run a script in this process, and print what it took beyond imports and the making of the cluster."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _scheduler(kind) as before:
            wall, processor = time.perf_counter(), time.process_time()
            SCRIPTS[name](Path(folder))
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    highest = children.ru_maxrss if kind == "cluster" else _highest()
    print(wall, processor + children.ru_utime + children.ru_stime, (highest - before) / 1024)


def _highest() -> int:
    """KB that this program had at most; ru_maxrss would begin with those of the program that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def _highest_of_imports() -> int:
    """Those of all imports."""
    import dask.array
    import xclim.indices

    del dask, xclim
    return _highest()


def _show_scripts(folder: Path, cells: int, rounds: int) -> None:
    """Ours in some rounds, the peer once: it takes minutes."""
    print(f"Ten years of {cells} cells in monthly files → 27 indices → a file; xclim: 25 of them")
    print("MB at most beyond the imports, on the cluster those of the largest process\n")
    print(f"{'':10}{'------ seconds ------':>24}{'----- processor -----':>26}{'-------- MB --------':>26}")
    heads = "".join(f"{mine:>{first}}{'xclim':>8}{ratio:>8}" for mine, first, ratio in
                    (("ours", 8, "ratio"), ("ours", 10, "ratio"), ("ours", 10, "ours :")))  # fmt: skip
    print(f"{'':10}{heads}")
    for kind in ("threads", "cluster"):
        runs = [_run("ours", kind, folder) for _ in range(rounds)]
        ours, theirs = Run(*(median(values) for values in zip(*runs, strict=True))), _run("xclim", kind, folder)
        parts = [
            f"{ours.wall:8.2f}{theirs.wall:8.1f}{theirs.wall / ours.wall:8.1f}",
            f"{ours.processor:10.2f}{theirs.processor:8.1f}{theirs.processor / ours.processor:8.1f}",
            f"{ours.memory:10.0f}{theirs.memory:8.0f}{ours.memory / theirs.memory:8.2f}",
        ]
        print(f"{kind:10}{''.join(parts)}   {_same(folder)}", flush=True)


# --- graphs ---


def _in_blocks(blocks: int) -> xr.Dataset:
    import dask.array as da

    shape, chunks = (len(DAYS), 2 * blocks, 2), (-1, 2, 2)
    coords = {"time": DAYS.astype("datetime64[ns]"), "lat": np.linspace(-80, 80, 2 * blocks), "lon": [0.0, 1.0]}
    made = {
        name: (("time", "lat", "lon"), da.zeros(shape, chunks=chunks, dtype="f4", name=name), {"units": unit})
        for name, unit in UNITS.items()
    }
    return xr.Dataset(made, coords)


def _tasks(found: xr.Dataset) -> int:
    return len(dict(found.__dask_graph__() or {}))


def _show_graphs(quick: bool) -> None:
    blocks, few = (100, 4) if quick else (1000, 40)
    mine = _tasks(e5.etccdi(_in_blocks(blocks), base_period=YEARS))
    of_xclim = {
        name: x.drop_vars("percentiles", errors="ignore") for name, x in indices_of_xclim(_in_blocks(few)).items()
    }
    one, many = _tasks(xr.Dataset(of_xclim)), blocks / few  # each block brings as many tasks as the others
    theirs = one * many
    print(
        f"\nTasks for 27 indices on {blocks} chunks: ours {mine}, xclim {theirs:.0f} (25 indices; counted on {few})"
    )
    print(f"    xclim : ours {theirs / mine:.0f}", flush=True)


# --- what dask costs ---


def _show_cost(quick: bool, rounds: int) -> None:
    """Ours on dask arrays against ours on the arrays behind them, in chunks of 100 MB."""
    import dask
    import dask.array as da

    cells, number = (10 if quick else 100) * 2**20 // (4 * len(DAYS)), 2
    values = np.random.default_rng(0).normal(15, 8, (len(DAYS), number, cells)).astype("f4")
    coords = {"time": DAYS.astype("datetime64[ns]"), "latitude": np.arange(number) * 10.0}
    x = xr.DataArray(values, coords, ("time", "latitude", "cell"), "tx", {"units": "degC"})
    lazy = x.copy(data=da.from_array(values, chunks=(-1, 1, -1), name="values"))
    names = [name for name in CORE if name in ("su", "txx", "tx90p", "wsdi")]
    call = functools.partial(e5.etccdi, indices=names, base_period=YEARS, progress=False)

    def on_dask() -> xr.Dataset:
        with dask.config.set(scheduler="threads", num_workers=2):
            return call(tx=lazy).compute()

    def check(mine: xr.Dataset, theirs: xr.Dataset) -> str:
        xr.testing.assert_equal(mine, theirs)
        return "equal, bit for bit"

    row = Row(
        f"{len(names)} indices, {4 * cells * len(DAYS) >> 20} MB chunks",
        "ours, on arrays",
        on_dask,
        lambda: call(tx=x),
        check,
    )
    show("What dask costs: ours on dask, and ours on arrays as the peer", measure([row], rounds))


def main() -> None:
    if "--script" in sys.argv:
        _script(*sys.argv[2:])
        return
    options = arguments(__doc__ or "")
    size = (10, 20) if options.quick else (40, 60)
    with tempfile.TemporaryDirectory(prefix="era5fast-dask-") as name:
        folder = Path(name)
        _write(folder, *size)
        _show_scripts(folder, size[0] * size[1], options.rounds)
    _show_graphs(options.quick)
    _show_cost(options.quick, options.rounds)


if __name__ == "__main__":
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    main()

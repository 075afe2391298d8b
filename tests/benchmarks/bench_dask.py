"""Input in chunks: a script with dask against the same with xclim, memory, graphs, and what dask costs us."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def ours(folder: Path) -> xr.Dataset:
    """The script with era5fast."""
    with xr.open_mfdataset(sorted(folder.glob("*-*.nc")), engine="era5fast", chunks={}) as ds:
        found = e5.etccdi(ds, base_period=YEARS, definition="xclim", missing="none")
        found.to_netcdf(folder / "ours.nc")
    return xr.load_dataset(folder / "ours.nc")


def xclims(folder: Path) -> xr.Dataset:
    """The script with xclim, whose percentiles need whole series as well."""
    with xr.open_mfdataset(sorted(folder.glob("*-*.nc")), chunks={}) as ds:
        ds = ds.chunk({"time": -1, "lat": 10, "lon": 20})
        found = {name: x.drop_vars("percentiles", errors="ignore") for name, x in indices_of_xclim(ds).items()}
        xr.Dataset({name: x.assign_attrs(units="1") for name, x in found.items()}).to_netcdf(folder / "xclim.nc")
    return xr.load_dataset(folder / "xclim.nc")


SCRIPTS = {"ours": ours, "xclim": xclims}


def same(mine: xr.Dataset, theirs: xr.Dataset) -> str:
    """Whether both wrote the same."""
    names = [name for name in CORE if name in theirs]
    for name in names:
        a, b = mine[name].values, theirs[name].transpose("time", "lat", "lon").values
        # TX and TN are float32 in the peer's sums; at ties a day may fall on the other side of a threshold.
        assert np.mean(~np.isclose(a, b, rtol=1e-4, atol=1e-3)) < 0.01, name
    return f"{len(names)} indices equal"


@contextlib.contextmanager
def _scheduler(kind: str) -> Any:
    """Threads, or a cluster of two processes on this machine."""
    if kind == "threads":
        import dask

        with dask.config.set(scheduler="threads", num_workers=2):
            yield
        return
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50)
    with cluster, Client(cluster):
        yield


def _in(kind: str, script: Callable[[Path], xr.Dataset], folder: Path) -> xr.Dataset:
    with warnings.catch_warnings(), _scheduler(kind):
        warnings.simplefilter("ignore")
        return script(folder)


def rows(folder: Path) -> list[Row]:
    """The script on the same threads and on the same cluster."""
    return [
        Row(
            f"files → 27 indices → file, {kind}",
            "xclim (25 of them)",
            functools.partial(_in, kind, ours, folder),
            functools.partial(_in, kind, xclims, folder),
            same,
        )
        for kind in ("threads", "cluster")
    ]


# --- memory ---


def _peak(name: str, kind: str, folder: Path) -> float:
    """MB that the script takes at most, beyond what its imports take; of a cluster the largest worker."""
    command = [sys.executable, __file__, "--script", name, kind, str(folder)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(out.split()[-1])


def _script(name: str, kind: str, folder: str) -> None:
    """Run a script in this process, and print what memory it took."""
    import dask.array
    import xclim.indices

    del dask, xclim
    before = _highest()
    _in(kind, SCRIPTS[name], Path(folder))
    own = _highest() - before
    print((resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if kind == "cluster" else own) / 1024)


def _highest() -> int:
    """KB that this program had at most; ru_maxrss would begin with those of the program that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0])


def _show_memory(folder: Path) -> None:
    print("\nPeak memory in MB (threads: beyond the imports; cluster: of the largest process)")
    for kind in ("threads", "cluster"):
        mine, theirs = (_peak(name, kind, folder) for name in SCRIPTS)
        print(f"    {kind:<10}ours {mine:7.0f}   xclim {theirs:7.0f}   ours : xclim {mine / theirs:.2f}", flush=True)


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
    size = (10, 20) if options.quick else (60, 100)
    with tempfile.TemporaryDirectory(prefix="era5fast-dask-") as name:
        folder = Path(name)
        _write(folder, *size)
        show((__doc__ or "").splitlines()[0], measure(rows(folder), options.rounds))
        _show_memory(folder)
    _show_graphs(options.quick)
    _show_cost(options.quick, options.rounds)


if __name__ == "__main__":
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    main()

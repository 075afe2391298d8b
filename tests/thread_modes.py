"""Ways of reading from many threads that end other tools: one round of one of them, in a process of its own.

    python tests/thread_modes.py MODE FOLDER [ENGINE]

FOLDER holds what :func:`write_files` wrote. Ends with status 0 when every value was right. ENGINE ``netcdf4`` shows
what happens without this package.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

THREADS, FILES, STEPS, ROWS, COLUMNS = 4, 8, 24, 60, 90


def values_of(i: int) -> np.ndarray:
    """What file `i` holds."""
    return np.random.default_rng(i).normal(280, 10, (STEPS, ROWS, COLUMNS)).astype("float32")


def write_files(folder: Path) -> None:
    """Files as the service writes them, with versions as texts."""
    import netCDF4

    for i in range(FILES):
        with netCDF4.Dataset(folder / f"{i}.nc", "w") as file:
            for dim, n in (("valid_time", STEPS), ("latitude", ROWS), ("longitude", COLUMNS)):
                file.createDimension(dim, n)
                axis = file.createVariable(dim, "i8" if dim == "valid_time" else "f8", (dim,))
                axis[:] = np.arange(n) * (3600 if dim == "valid_time" else 0.25)
                if dim == "valid_time":
                    axis[:] = (np.arange(n) + i * STEPS) * 3600
                    axis.units = "seconds since 1970-01-01"
            chunks = (5, 20, 30)
            variable = file.createVariable(
                "t2m", "f4", ("valid_time", "latitude", "longitude"), zlib=True, complevel=1, chunksizes=chunks
            )
            variable[:] = values_of(i)
            file.createVariable("expver", str, ("valid_time",))[:] = np.full(STEPS, "0001", object)


def check(ds: xr.Dataset, i: int) -> None:
    """Every value of a file, and its texts."""
    assert np.array_equal(ds.t2m.values, values_of(i)), f"file {i}: wrong values"
    assert (ds.expver.values == "0001").all(), f"file {i}: wrong texts"


def names(folder: Path) -> list[Path]:
    return [folder / f"{i}.nc" for i in range(FILES)]


def in_threads(task: Callable[[int], object], count: int = THREADS) -> None:
    """Run a task in several threads that begin together; the first failure is raised."""
    together = threading.Barrier(count)

    def run(i: int) -> None:
        together.wait()
        task(i)

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(run, i) for i in range(count)]:
            future.result()


# --- the modes


def each_opens_and_reads(folder: Path, engine: str) -> None:
    """Every thread opens files of its own and reads them."""

    def task(thread: int) -> None:
        for i in range(FILES):
            which = (i + thread) % FILES
            read_one(folder, which, engine)

    in_threads(task)


def open_mfdataset_in_parallel(folder: Path, engine: str) -> None:
    """``open_mfdataset(parallel=True)``: dask's threads open and read."""
    import dask

    opening: dict[str, Any] = {"engine": engine, "parallel": True, "chunks": {"valid_time": 5}}
    threads = dask.config.set(scheduler="threads", num_workers=THREADS)
    with threads, xr.open_mfdataset(names(folder), **opening) as ds:
        found = ds.t2m.values
    assert np.array_equal(found, np.concatenate([values_of(i) for i in range(FILES)]))


def fork_while_threads_read(folder: Path, engine: str) -> None:
    """A pool of processes is forked while threads read; its workers read too."""
    read_one(folder, 0, engine)  # who forks while a thread imports a module waits for it for ever, in Python itself
    stop = threading.Event()

    def busy(thread: int) -> None:
        while not stop.is_set():
            with xr.open_dataset(folder / f"{thread}.nc", engine=engine) as ds:
                check(ds, thread)

    with ThreadPoolExecutor(THREADS) as threads:
        readers = [threads.submit(busy, thread) for thread in range(THREADS)]
        try:
            for _ in range(3):
                with get_context("fork").Pool(2) as pool:
                    pool.starmap_async(read_one, [(folder, i, engine) for i in range(FILES)]).get(60)
        finally:
            stop.set()
        for reader in readers:
            reader.result()


def read_one(folder: Path, i: int, engine: str) -> None:
    """Task of a forked process."""
    with xr.open_dataset(folder / f"{i}.nc", engine=engine) as ds:
        check(ds, i)


def beside_the_users_own(folder: Path, engine: str) -> None:
    """Threads with h5py, and with netCDF4 under xarray's locks, read at the same time.

    Not beside xarray's netcdf4 engine, which does part of its opening outside its own locks.
    """
    import h5py
    import netCDF4
    from xarray.backends.netCDF4_ import NETCDF4_PYTHON_LOCK

    def by_h5py(i: int) -> None:
        with h5py.File(folder / f"{i}.nc") as file:
            assert np.array_equal(file["t2m"][:], values_of(i))

    def by_netcdf4(i: int) -> None:
        with NETCDF4_PYTHON_LOCK, netCDF4.Dataset(folder / f"{i}.nc") as file:
            assert np.array_equal(file["t2m"][:], values_of(i))

    ways: list[Callable[[int], None]] = [by_h5py, lambda i: read_one(folder, i, engine), by_netcdf4]

    def task(thread: int) -> None:
        for i in range(FILES):
            ways[thread % len(ways)]((i + thread) % FILES)

    in_threads(task, 2 * len(ways))


def one_dataset_for_all(folder: Path, engine: str) -> None:
    """Threads index the same lazy Dataset."""
    opened = [xr.open_dataset(name, engine=engine) for name in names(folder)]

    def task(thread: int) -> None:
        rng = np.random.default_rng(thread)
        for _ in range(30):
            i, first = int(rng.integers(FILES)), int(rng.integers(STEPS - 3))
            found = opened[i].t2m[first : first + 3, ::2, 5:40].values
            assert np.array_equal(found, values_of(i)[first : first + 3, ::2, 5:40])
            assert opened[i].expver[first].item() == "0001"

    in_threads(task)


def tidy_dataset_for_all(folder: Path, engine: str) -> None:
    """Threads index the same tidy Dataset of all files, and open it themselves."""
    import era5fast as e5

    whole = np.concatenate([values_of(i) for i in range(FILES)])
    shared = e5.open_dataset(names(folder))

    def task(thread: int) -> None:
        rng = np.random.default_rng(thread)
        for turn in range(12):
            ds: Any = shared if turn % 3 else e5.open_dataset(names(folder))
            first = int(rng.integers(FILES * STEPS - 40))
            found = ds.t2m[first : first + 40, 7, 3:60].values
            assert np.array_equal(found, whole[first : first + 40, 7, 3:60])

    in_threads(task)


def step_by_step(folder: Path, engine: str) -> None:
    """Threads go through files step by step, and leave some of them half way, while pools of processes are forked."""
    walk(folder, 0, engine, STEPS)

    def task(thread: int) -> None:
        if thread > 0:
            for i in range(FILES):
                walk(folder, (i + thread) % FILES, engine, STEPS if i % 3 else STEPS // 2)
            return
        for _ in range(3):
            with get_context("fork").Pool(2) as pool:
                pool.starmap_async(walk, [(folder, i, engine, STEPS) for i in range(FILES)]).get(60)

    in_threads(task)


def walk(folder: Path, i: int, engine: str, steps: int) -> None:
    """One map after the other; also a task of a forked process."""
    wanted = values_of(i)
    with xr.open_dataset(folder / f"{i}.nc", engine=engine) as ds:
        for step in range(steps):
            assert np.array_equal(ds.t2m[step].values, wanted[step]), f"file {i}, step {step}"


MODES = [
    each_opens_and_reads,
    open_mfdataset_in_parallel,
    fork_while_threads_read,
    beside_the_users_own,
    one_dataset_for_all,
    tidy_dataset_for_all,
    step_by_step,
]

if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # fork() with threads: that is what is tried here
    mode = {function.__name__: function for function in MODES}[sys.argv[1]]
    mode(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "era5fast")

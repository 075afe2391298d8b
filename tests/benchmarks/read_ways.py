"""What a user would write to read, for each package: ``python read_ways.py WAY '{"paths": […]}'``, one process a run.

Prints one line of JSON: seconds on the wall and of all processors, from the first look at the files to the answer,
without the start of the interpreter and the imports; resident memory at its highest; and the answer's sum and
shape, so that answers can be compared. A way that would take hours does a part of the work and says which.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import multiprocessing as mp
import resource
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import shared_memory
from typing import Any

import numpy as np

VARIABLE = "t2m"
Answer = np.ndarray
Work = Callable[[], Answer]


def with_xarray() -> Any:
    """xarray, which brings dask and others in with the first array, and all engines with the first file: imports."""
    import xarray as xr

    xr.DataArray([0.0], {"x": [0]}, "x")
    xr.backends.list_engines()
    return xr


# --- ours ---


def ours(paths: list[str], threads: int, area: list[float] | None = None) -> Work:
    import era5fast as e5

    e5.set_num_threads(threads)
    read = e5.read  # what is loaded at first use is an import as well
    return lambda: read(paths, VARIABLE, area=area, progress=False)


def ours_mean(paths: list[str], threads: int) -> Work:
    import era5fast as e5

    with_xarray()
    e5.set_num_threads(threads)
    resample = e5.resample
    return lambda: resample(paths, "mean", freq="all", variable=VARIABLE, progress=False).values[0]


def ours_steps(paths: list[str], threads: int) -> Work:
    """The loop people write, with our engine."""
    import era5fast as e5

    xr = with_xarray()
    e5.set_num_threads(threads)

    def work() -> Answer:
        with xr.open_dataset(paths[0], engine="era5fast") as dataset:
            variable = dataset[VARIABLE]
            return np.array([variable[t].values.sum(dtype="f8") for t in range(variable.shape[0])])

    return work


def ours_small(paths: list[str], threads: int) -> Work:
    import era5fast as e5

    with_xarray()
    e5.set_num_threads(threads)
    resample = e5.resample
    return lambda: resample(paths, "mean", freq="all", variable=VARIABLE, progress=False).values[0]


# --- netCDF4, h5py, h5netcdf, xarray, hidefix ---


def netcdf4(paths: list[str], rows: list[int] | None = None, columns: list[int] | None = None) -> Work:
    import netCDF4

    def work() -> Answer:
        parts = []
        for path in paths:
            with netCDF4.Dataset(path) as file:
                parts.append(np.ma.getdata(file[VARIABLE][:, slice(*rows or (None,)), slice(*columns or (None,))]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return work


def netcdf4_steps(paths: list[str], steps: int) -> Work:
    import netCDF4

    def work() -> Answer:
        with netCDF4.Dataset(paths[0]) as file:
            variable = file[VARIABLE]
            return np.array([np.ma.getdata(variable[t]).sum(dtype="f8") for t in range(steps)])

    return work


def netcdf4_small(paths: list[str]) -> Work:
    import netCDF4

    def work() -> Answer:
        total, count = 0.0, 0
        for path in paths:
            with netCDF4.Dataset(path) as file:
                values = np.ma.getdata(file[VARIABLE][:])
                total = total + values.sum(axis=0, dtype="f8")
                count += len(values)
        return np.asarray(total / count, "f4")

    return work


def h5py_small(paths: list[str]) -> Work:
    import h5py

    def work() -> Answer:
        total, count = 0.0, 0
        for path in paths:
            with h5py.File(path) as file:
                values = file[VARIABLE][:]
                total = total + values.sum(axis=0, dtype="f8")
                count += len(values)
        return np.asarray(total / count, "f4")

    return work


def mfdataset_small(paths: list[str]) -> Work:
    xr = with_xarray()

    def work() -> Answer:
        with xr.open_mfdataset(paths, engine="netcdf4") as dataset:
            return dataset[VARIABLE].mean("valid_time", dtype="f8").values.astype("f4")

    return work


def h5py(paths: list[str]) -> Work:
    import h5py

    def work() -> Answer:
        with h5py.File(paths[0]) as file:
            return file[VARIABLE][:]

    return work


def xarray(paths: list[str], engine: str) -> Work:
    xr = with_xarray()

    def work() -> Answer:
        with xr.open_dataset(paths[0], engine=engine) as dataset:
            return dataset[VARIABLE].values

    return work


def xarray_dask_mean(paths: list[str]) -> Work:
    import dask

    xr = with_xarray()
    dask.config.set(num_workers=2)

    def work() -> Answer:
        with xr.open_dataset(paths[0], engine="netcdf4", chunks={}) as dataset:
            return dataset[VARIABLE].mean("valid_time", dtype="f8").values.astype("f4")

    return work


def hidefix(paths: list[str], rows: list[int], columns: list[int]) -> Work:
    """Its own index: its engine for xarray fails on variables of texts, which every file of the service has."""
    from hidefix import Index

    return lambda: Index(paths[0]).dataset(VARIABLE)[:, slice(*rows), slice(*columns)]


# --- by hand: two processes, netCDF4 in each, results in shared memory -


def _rows_of_chunks(path: str) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    import netCDF4

    with netCDF4.Dataset(path) as file:
        shape, chunk = file[VARIABLE].shape, file[VARIABLE].chunking()
    step = 24 if chunk == "contiguous" else chunk[0]
    return shape, [(first, min(first + step, shape[0])) for first in range(0, shape[0], step)]


def _fill(task: tuple[str, str, tuple[int, ...], int, int]) -> None:
    import netCDF4

    path, name, shape, first, last = task
    memory = shared_memory.SharedMemory(name)
    values = np.ndarray(shape, "f4", memory.buf)
    with netCDF4.Dataset(path) as file:
        file[VARIABLE].set_auto_maskandscale(False)
        values[first:last] = file[VARIABLE][first:last]
    del values
    memory.close()


def by_hand(paths: list[str]) -> Work:
    def work() -> Answer:
        shape, rows = _rows_of_chunks(paths[0])
        memory = shared_memory.SharedMemory(create=True, size=4 * int(np.prod(shape)))
        with mp.get_context("spawn").Pool(2) as pool:
            pool.map(_fill, [(paths[0], memory.name, shape, *row) for row in rows], chunksize=1)
        values = np.ndarray(shape, "f4", memory.buf)
        _keep.append(memory)
        memory.unlink()
        return values

    return work


_keep: list[Any] = []


def _sum(task: tuple[str, int, int]) -> np.ndarray:
    import netCDF4

    path, first, last = task
    with netCDF4.Dataset(path) as file:
        file[VARIABLE].set_auto_maskandscale(False)
        return file[VARIABLE][first:last].sum(axis=0, dtype="f8")


def by_hand_mean(paths: list[str]) -> Work:
    def work() -> Answer:
        shape, rows = _rows_of_chunks(paths[0])
        with mp.get_context("spawn").Pool(2) as pool:
            sums = pool.map(_sum, [(paths[0], *row) for row in rows], chunksize=1)
        return (sum(sums) / shape[0]).astype("f4")

    return work


def _chunks(path: str, rows: list[int] | None, columns: list[int] | None) -> tuple[list[tuple[int, int]], int, int]:
    """Place and stored size of chunks that hold these rows and columns; bytes of one inflated, and of the answer."""
    import h5py

    with h5py.File(path) as file:
        variable = file[VARIABLE]
        width, shape = variable.dtype.itemsize, variable.chunks
        chunks = [variable.id.get_chunk_info(i) for i in range(variable.id.get_num_chunks())]
        lengths = [
            variable.shape[0],
            *(w[1] - w[0] if w else n for w, n in zip((rows, columns), variable.shape[1:], strict=True)),
        ]

    def is_touched(offset: tuple[int, ...]) -> bool:
        wanted = zip(offset[1:], shape[1:], (rows, columns), strict=True)
        return all(w is None or (first < w[1] and first + length > w[0]) for first, length, w in wanted)

    touched = [(c.byte_offset, c.size) for c in chunks if is_touched(c.chunk_offset)]
    return touched, width * int(np.prod(shape)), width * int(np.prod(lengths))


def _in_memory(shape: list[int]) -> Any:
    """An array for xarray, all steps of which are one map."""
    coordinates = {"valid_time": np.arange(shape[0]).astype("datetime64[h]").astype("datetime64[ns]")}
    values = np.broadcast_to(np.ones(shape[1:], "f4"), shape)
    return with_xarray().DataArray(values, coordinates, ("valid_time", "latitude", "longitude"))


def inflate_only(
    paths: list[str],
    keep: bool = False,
    rows: list[int] | None = None,
    columns: list[int] | None = None,
    steps: list[int] | None = None,
) -> Work:
    """No reader: libdeflate alone on the chunks of mapped files that hold what is wanted, in two threads.

    Where the chunks lie is known before. `keep` puts them one behind the other into memory of their own, as whoever
    gives all values back must; else all go into the same buffer. Of a region the answer's memory is filled with
    zeros besides: nobody can give values back in pages that were never touched. With `steps`, a shape, that loop runs
    meanwhile, through an array of this shape that xarray has in memory.
    """
    maps = _in_memory(steps) if steps else np.zeros((0, 1))
    library = ctypes.CDLL(ctypes.util.find_library("deflate"))
    library.libdeflate_alloc_decompressor.restype = ctypes.c_void_p
    inflate = library.libdeflate_zlib_decompress
    block = [ctypes.c_void_p, ctypes.c_size_t]
    inflate.argtypes = [ctypes.c_void_p, *block, *block, ctypes.c_void_p]
    files = [np.memmap(path, dtype="u1", mode="r") for path in paths]
    _keep.extend(files)
    stored, answer = [], 0
    for path, file in zip(paths, files, strict=True):
        places, size, wanted = _chunks(path, rows, columns)
        stored += [(file.ctypes.data + offset, length, size) for offset, length in places]
        answer += wanted if rows is not None else 0
    largest = max(size for *_, size in stored)

    def part(out: int, values: int, first: int) -> None:
        inflater = library.libdeflate_alloc_decompressor()
        for i, (chunk, length, size) in list(enumerate(stored))[first::2]:
            status = inflate(inflater, chunk, length, out + largest * (i if keep else first), size, None)
            assert status == 0, "libdeflate refused a chunk"
        ctypes.memset(values + first * (answer // 2), 0, answer // 2)

    def work() -> Answer:
        buffer = np.empty((len(stored) if keep else 2, largest), dtype="u1")
        values = np.empty(answer, dtype="u1")
        ends = [(buffer.ctypes.data, values.ctypes.data, first) for first in (0, 1)]
        threads = [threading.Thread(target=part, args=end) for end in ends]
        for thread in threads:
            thread.start()
        sums = [maps[t].values.sum(dtype="f8") for t in range(len(maps))]
        for thread in threads:
            thread.join()
        return np.array(sums[:1])

    return work


def by_hand_packed(paths: list[str]) -> Work:
    """The raw bytes of the variable, swapped and scaled in blocks, in two threads: NumPy releases the lock."""
    import netCDF4

    def work() -> Answer:
        with netCDF4.Dataset(paths[0]) as file:
            variable = file[VARIABLE]
            shape, scale, offset, fill = (
                variable.shape,
                variable.scale_factor,
                variable.add_offset,
                variable._FillValue,
            )
        stored = np.memmap(paths[0], ">i2", "r")[-int(np.prod(shape)) :].reshape(shape)
        out = np.empty(shape, "f4")

        def unpack(part: slice) -> None:
            for t in range(part.start, part.stop):
                native = stored[t].astype("i2")
                out[t] = native * scale + offset  # in double, rounded once
                out[t][native == fill] = np.nan

        half = shape[0] // 2
        threads = [threading.Thread(target=unpack, args=(s,)) for s in (slice(0, half), slice(half, shape[0]))]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        return out

    return work


# --- one run -


def main() -> None:
    way, options = sys.argv[1], json.loads(sys.argv[2])
    work = globals()[way](**options)
    wall, before = time.perf_counter(), _processor()
    answer = np.asarray(work())
    wall, processor = time.perf_counter() - wall, _processor() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = {"wall": wall, "processor": processor, "memory": memory, "shape": list(answer.shape)}
    # A sum in a fixed order of float64: equal answers have equal sums, whoever read them.
    result["sum"] = float(sum(float(np.nansum(part, dtype="f8")) for part in np.atleast_2d(answer)))
    print(json.dumps(result))


def _processor() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


if __name__ == "__main__":
    main()

"""Small tasks, in Python and native, through our pools and executor, against the standard library; rasters, NumPy."""

from __future__ import annotations

import atexit
import functools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import Pool, ThreadPool
from typing import Any

import numpy as np
from comparison import Row, arguments, measure, show

import era5fast as e5
from era5fast import pool as ours

TASKS = 100_000


def square(x: int) -> int:
    return x * x


def multiply(x: int, y: int) -> int:
    return x * y


def _map(pool: Any, n: int) -> list[int]:
    return pool.map(square, range(n), 1)


def _map_in_chunks(pool: Any, n: int) -> list[int]:
    return pool.map(square, range(10 * n))


def _apply_async(pool: Any, n: int) -> list[int]:
    return [result.get() for result in [pool.apply_async(square, (i,)) for i in range(n // 5)]]


def _imap(pool: Any, n: int) -> list[int]:
    return list(pool.imap(square, range(n // 2)))


def _starmap(pool: Any, n: int) -> list[int]:
    return pool.starmap(multiply, zip(range(5 * n), range(5 * n), strict=True))


def _imap_in_chunks(pool: Any, n: int) -> list[int]:
    return list(pool.imap(square, range(5 * n), 100))


def _unordered_in_chunks(pool: Any, n: int) -> list[int]:
    return sorted(pool.imap_unordered(square, range(5 * n), 100))


def _imap_unordered(pool: Any, n: int) -> list[int]:
    return sorted(pool.imap_unordered(square, range(n // 2)))


def _submit(executor: Any, n: int) -> list[int]:
    return [future.result() for future in [executor.submit(square, i) for i in range(n // 5)]]


def _executor_map(executor: Any, n: int) -> list[int]:
    return list(executor.map(square, range(n // 5)))


#: (what, ours, the peer, work)
_CASES: list[tuple[str, Any, Any, Callable[[Any, int], list[int]]]] = [
    ("ThreadPool.map, chunks of 1", ours.ThreadPool, ThreadPool, _map),
    ("ThreadPool.map", ours.ThreadPool, ThreadPool, _map_in_chunks),
    ("ThreadPool.apply_async", ours.ThreadPool, ThreadPool, _apply_async),
    ("ThreadPool.imap", ours.ThreadPool, ThreadPool, _imap),
    ("ThreadPool.imap_unordered", ours.ThreadPool, ThreadPool, _imap_unordered),
    ("ThreadPool.starmap", ours.ThreadPool, ThreadPool, _starmap),
    ("ThreadPool.imap, chunks of 100", ours.ThreadPool, ThreadPool, _imap_in_chunks),
    ("ThreadPool.imap_unordered, 100", ours.ThreadPool, ThreadPool, _unordered_in_chunks),
    ("Pool.map, chunks of 1", ours.Pool, Pool, _map),
    ("Pool.apply_async", ours.Pool, Pool, _apply_async),
    ("Pool.map", ours.Pool, Pool, _map_in_chunks),
    ("Pool.imap", ours.Pool, Pool, _imap),
    ("Pool.starmap", ours.Pool, Pool, _starmap),
    ("Pool.imap, chunks of 100", ours.Pool, Pool, _imap_in_chunks),
    ("Pool.imap_unordered, 100", ours.Pool, Pool, _unordered_in_chunks),
    ("Executor.submit", ours.Executor, ThreadPoolExecutor, _submit),
    ("Executor.map", ours.Executor, ThreadPoolExecutor, _executor_map),
]


def rows(tasks: int) -> list[Row]:
    """One row for each way and number of workers."""

    def check(mine: list[int], theirs: list[int]) -> str:
        assert mine == theirs
        return f"{len(mine):,} tasks"

    def run(pool: Any, work: Any) -> Callable[[], list[int]]:
        atexit.register(pool.shutdown if hasattr(pool, "shutdown") else pool.terminate)
        return lambda: work(pool, tasks)

    return [
        Row(
            f"{name}, {workers} workers",
            "standard library",
            run(mine(workers), work),
            run(peer(workers), work),
            check,
        )
        for name, mine, peer, work in _CASES
        for workers in (1, 2, 16)
    ]


def native_rows(tasks: int) -> list[Row]:
    """Native functions of numbers, and of small arrays."""
    rng = np.random.default_rng(0)
    points = [tuple(point) for point in rng.uniform(-80, 80, (tasks, 4)).tolist()]
    columns = list(zip(*points, strict=True))
    maps = [rng.uniform(250, 310, 100) for _ in range(tasks)]
    celsius = functools.partial(e5.convert_units, given="K", wanted="degC", progress=False)

    def check(mine: list[Any], theirs: list[Any]) -> str:
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
        return f"{len(mine):,} tasks"

    def pools(work: Callable[[Any], list[Any]]) -> tuple[Callable[[], list[Any]], Callable[[], list[Any]]]:
        mine, theirs = ours.ThreadPool(2), ThreadPool(2)
        atexit.register(mine.terminate)
        atexit.register(theirs.terminate)
        return lambda: work(mine), lambda: work(theirs)

    def executors() -> tuple[Callable[[], list[Any]], Callable[[], list[Any]]]:
        mine, theirs = ours.Executor(2), ThreadPoolExecutor(2)
        return lambda: list(mine.map(e5.great_circle, *columns)), lambda: list(theirs.map(e5.great_circle, *columns))

    ways = {
        "starmap of great_circle": pools(lambda pool: pool.starmap(e5.great_circle, points)),
        "map of convert_units, 100 values": pools(lambda pool: pool.map(celsius, maps)),
        "Executor.map of great_circle": executors(),
        "apply_async of great_circle": pools(
            lambda pool: [result.get() for result in [pool.apply_async(e5.great_circle, point) for point in points]]
        ),
        "imap of convert_units, 100 values": pools(lambda pool: list(pool.imap(celsius, maps))),
    }
    return [Row(name, "standard library", *pair, check) for name, pair in ways.items()]


def loop_row(rounds: int) -> Row:
    """A loop in Python, alone and while a native map keeps the other processor busy; seconds of its own thread."""
    maps = np.random.default_rng(2).normal(20, 8, (20, 721, 1440)).astype("f4")

    def loop() -> float:
        begin, n = time.thread_time(), 0
        while n < rounds * 100_000:
            n += 1
        return time.thread_time() - begin

    def beside() -> float:
        over = threading.Event()
        with ours.ThreadPool(1) as pool:

            def native() -> None:
                while not over.is_set():
                    e5.area_mean(maps, progress=False)

            pool.apply_async(native)
            seconds = loop()
            over.set()
            pool.close()
            pool.join()
        return seconds

    def check(mine: float, alone: float) -> str:
        return f"the loop's own thread keeps {alone / mine:.0%} of its speed"

    return Row("loop beside a native map", "the loop alone", beside, loop, check)


# --- rasters ---

NODATA = -9999.0


def raster_rows(days: int) -> list[Row]:
    """Heat index from °C to °F with nodata, and the mean of each day: one raster after the other, and the stack.

    The last row is the limit: each value is read and written once.
    """
    rng = np.random.default_rng(1)
    stack = rng.normal(20, 8, (days, 721, 1440)).astype("f4")
    stack[:, rng.random(stack.shape[1:]) < 0.3] = NODATA
    room = np.empty(stack.shape[1:], "f4")

    def ours() -> list[float]:
        means = []
        for raster in stack:
            fahrenheit = e5.convert_units(raster, "degC", "degF", nodata=NODATA, progress=False)
            means.append(e5.area_mean(fahrenheit, NODATA, progress=False))
        return means

    def means_alone() -> np.ndarray:
        celsius = e5.area_mean(stack, NODATA, progress=False)
        return e5.convert_units(celsius, "degC", "degF", progress=False)

    def masked() -> list[float]:
        return [float((np.ma.masked_equal(raster, NODATA) * 1.8 + 32).mean()) for raster in stack]

    def with_nan() -> list[float]:
        return [float(np.nanmean(np.where(raster == NODATA, np.nan, raster) * 1.8 + 32)) for raster in stack]

    def by_hand() -> list[float]:
        """Single precision, no temporary that is not needed, the sum in double."""
        means = []
        for raster in stack:
            there = raster != NODATA
            values = np.where(there, raster * np.float32(1.8) + np.float32(32), np.float32(NODATA))
            means.append(float(values[there].mean(dtype="f8")))
        return means

    def read_and_write() -> list[float]:
        for raster in stack:
            np.copyto(room, raster)
        return ours_once

    def check(mine: Any, theirs: Any) -> str:
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)
        return f"{days} means within 1e-5"

    ours_once = ours()
    name = f"{days} rasters"
    return [
        Row(f"{name}, °F and mean", "numpy.ma", ours, masked, check),
        Row(f"{name}, °F and mean", "NumPy, nan and nanmean", ours, with_nan, check),
        Row(f"{name}, °F and mean", "NumPy by hand, float32", ours, by_hand, check),
        Row(f"{name}, means in °F", "NumPy, nan and nanmean", means_alone, with_nan, check),
        Row(f"{name}, °F and mean", "memory: read and write once", ours, read_and_write, check),
    ]


if __name__ == "__main__":
    given = arguments(__doc__, ("tasks", "rasters"))
    tasks = TASKS // 10 if given.quick else TASKS
    if "tasks" in given.rooms:
        show(
            "Small tasks through pools",
            measure([*rows(tasks), *native_rows(tasks // 5), loop_row(tasks // 1000)], given.rounds),
        )
    if "rasters" in given.rooms:
        show("Arithmetic on rasters", measure(raster_rows(24 if given.quick else 366), given.rounds))

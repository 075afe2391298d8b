"""Small tasks, in Python and native, through our pools and executor, against those of the standard library."""

from __future__ import annotations

import atexit
import functools
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


def _map(pool: Any, n: int) -> list[int]:
    return pool.map(square, range(n), 1)


def _map_in_chunks(pool: Any, n: int) -> list[int]:
    return pool.map(square, range(10 * n))


def _apply_async(pool: Any, n: int) -> list[int]:
    return [result.get() for result in [pool.apply_async(square, (i,)) for i in range(n // 5)]]


def _imap(pool: Any, n: int) -> list[int]:
    return list(pool.imap(square, range(n // 2)))


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
    ("Pool.map, chunks of 1", ours.Pool, Pool, _map),
    ("Pool.apply_async", ours.Pool, Pool, _apply_async),
    ("Pool.imap", ours.Pool, Pool, _imap),
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
    }
    return [Row(name, "standard library", *pair, check) for name, pair in ways.items()]


if __name__ == "__main__":
    given = arguments(__doc__)
    tasks = TASKS // 10 if given.quick else TASKS
    results = measure([*rows(tasks), *native_rows(tasks // 5)], given.rounds)
    show("Small tasks through pools", results)

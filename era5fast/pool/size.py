"""How many workers, and how many calls in a row."""

from __future__ import annotations

import os
from operator import index
from typing import Any

__all__ = [
    "check_buffersize",
    "check_chunksize",
    "check_initializer",
    "check_lifetime",
    "check_workers",
    "cpu_count",
]


def cpu_count() -> int:
    """Number of processors that this process may use.

    Returns
    -------
    int
        At least 1; ``PYTHON_CPU_COUNT`` and ``-X cpu_count`` are honoured where Python knows them.
    """
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_workers(processes: int | None) -> int:
    """Number of workers of a pool, or ValueError."""
    workers = cpu_count() if processes is None else processes
    if workers < 1:
        raise ValueError("Number of processes must be at least 1")
    return index(workers)


def check_initializer(initializer: object) -> None:
    """TypeError for what cannot be called."""
    if initializer is not None and not callable(initializer):
        raise TypeError("initializer must be a callable")


def check_lifetime(tasks: Any) -> int | None:
    """After how many tasks a worker is replaced, or ValueError."""
    if tasks is not None and (not isinstance(tasks, int) or tasks < 1):
        raise ValueError("maxtasksperchild must be a positive int or None")
    return tasks


def check_chunksize(chunksize: int | None, items: int, workers: int) -> int:
    """Calls in a row, or ValueError; a quarter of what falls to each worker when left out."""
    if chunksize is None:
        return max(1, -(-items // (4 * workers)))
    if chunksize < 1:
        raise ValueError(f"Chunksize must be 1+, not {chunksize}")
    return index(chunksize)


def check_buffersize(buffersize: int | None, chunksize: int, workers: int) -> int:
    """Calls of imap() that may be begun before results are taken, or ValueError; some thousand when left out."""
    if buffersize is None:
        return max(4096, 4 * chunksize * workers)
    if buffersize < 1:
        raise ValueError(f"buffersize must be 1+, not {buffersize}")
    return index(buffersize)

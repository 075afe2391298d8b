"""The locks that readers of netCDF and HDF5 in one process must share."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

_NAMES = ("HDF5_LOCK", "NETCDFC_LOCK")


@contextlib.contextmanager
def library_locks() -> Iterator[None]:
    """Hold xarray's locks round netCDF and HDF5, where xarray is loaded: its readers and ours then take turns.

    Neither library may be entered by two threads at once, not even for different files.
    """
    module = sys.modules.get("xarray.backends.locks")
    locks = [lock for name in _NAMES if (lock := getattr(module, name, None)) is not None]
    _take_all(locks)
    try:
        yield
    finally:
        for lock in locks:
            lock.release()


def _take_all(locks: list[Any]) -> None:
    """Take locks that others take in an order of their own: wait for one of them only while holding none."""
    waiting = list(locks)
    while waiting:
        waiting[0].acquire()
        taken = [waiting[0]]
        taken += [lock for lock in waiting[1:] if lock.acquire(blocking=False)]
        busy = [lock for lock in waiting if lock not in taken]
        if not busy:
            return
        for lock in taken:
            lock.release()
        waiting = busy + taken

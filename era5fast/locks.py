"""The locks that readers of netCDF and HDF5 in one process must share."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

_NAMES = ("HDF5_LOCK", "NETCDFC_LOCK")

#: Locks that threads of ours hold or are about to take.
_ours: list[Any] = []


def _free_in_child() -> None:
    """A forked child has none of the threads that held a lock: it would wait for them for ever.

    A waiter of the parent may have taken the lock without having noted it yet, so that ``locked()`` does not tell and
    ``release()`` refuses: only a new beginning is safe. That is what the standard library does with its own locks.
    """
    for lock in _ours:
        getattr(lock, "lock", lock)._at_fork_reinit()
    _ours.clear()


os.register_at_fork(after_in_child=_free_in_child)


@contextlib.contextmanager
def library_locks() -> Iterator[None]:
    """Hold xarray's locks round netCDF and HDF5, where xarray is loaded: its readers and ours then take turns.

    Neither library may be entered by two threads at once, not even for different files.
    """
    module = sys.modules.get("xarray.backends.locks")
    locks = [lock for name in _NAMES if (lock := getattr(module, name, None)) is not None]
    _ours.extend(locks)
    try:
        _take_all(locks)
        try:
            yield
        finally:
            for lock in locks:
                lock.release()
    finally:
        for lock in locks:
            _ours.remove(lock)


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

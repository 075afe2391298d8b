"""The locks that readers of netCDF and HDF5 in one process must share.

The core's own way of reading needs none of them; only what it hands to the libraries does.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_NAMES = ("HDF5_LOCK", "NETCDFC_LOCK")


def _locks() -> list[Any]:
    module = sys.modules.get("xarray.backends.locks")
    found = [lock for name in _NAMES if (lock := getattr(module, name, None)) is not None]
    return list({id(_inner(lock)): lock for lock in found}.values())  # a user may have made one of both


def _inner(lock: Any) -> Any:
    """What xarray's locks, which can be pickled, lock with."""
    return getattr(lock, "lock", lock)


def _free_in_child() -> None:
    """A forked child has none of the threads that held a lock, ours or xarray's: it would wait for them for ever.

    A waiter of the parent may have taken the lock without having noted it yet, so that ``locked()`` does not tell and
    ``release()`` refuses: only a new beginning is safe. That is what the standard library does with its own locks.
    """
    for lock in _locks():
        begin_anew = getattr(_inner(lock), "_at_fork_reinit", None)
        if begin_anew is not None:  # locks of other makes, of processes say, know better
            begin_anew()


os.register_at_fork(after_in_child=_free_in_child)


@contextlib.contextmanager
def library_locks() -> Iterator[None]:
    """Hold xarray's locks round netCDF and HDF5, where xarray is loaded: its readers and ours then take turns.

    Neither library may be entered by two threads at once, not even for different files.
    """
    locks = _locks()
    _take_all(locks)
    try:
        yield
    finally:
        for lock in locks:
            lock.release()


def open_with(opening: Callable[[bool], T | None]) -> T:
    """Open something of the core without any lock, or, where the libraries are needed for it, with theirs.

    Parameters
    ----------
    opening : callable
        Takes whether the libraries may be used; without them it gives None when it cannot do.
    """
    found = opening(False)
    if found is not None:
        return found
    with library_locks():
        found = opening(True)
    assert found is not None
    return found


def reading(core: Any, *variable: str) -> contextlib.AbstractContextManager[None]:
    """Context in which the core's object may read (a variable): with the libraries' locks where it needs them."""
    return library_locks() if core.by_library(*variable) else contextlib.nullcontext()


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

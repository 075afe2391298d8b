"""As :mod:`multiprocessing.dummy`: the names of ``multiprocessing`` with threads behind them, and our pool."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from multiprocessing.dummy import *  # noqa: F403
from multiprocessing.dummy import __all__ as _names
from typing import Any

from .threads import ThreadPool

__all__ = [*_names]


def Pool(  # type: ignore[no-redef]
    processes: int | None = None, initializer: Callable[..., Any] | None = None, initargs: Iterable[Any] = ()
) -> ThreadPool:
    """Make a :class:`~era5fast.pool.ThreadPool` with these arguments."""
    return ThreadPool(processes, initializer, initargs)

"""A thread pool that people know, with native batches inside.

:class:`ThreadPool` is the standard library's; it differs in one thing: a native function of this package that is
handed a list of calls runs them as one batch on the core's own threads, without the GIL and without one Python thread
per call.
"""

from __future__ import annotations

import multiprocessing.pool
from collections.abc import Callable, Iterable
from multiprocessing import TimeoutError
from multiprocessing.pool import AsyncResult
from typing import Any

__all__ = ["AsyncResult", "ThreadPool", "TimeoutError"]


class ThreadPool(multiprocessing.pool.ThreadPool):
    """Drop-in for :class:`multiprocessing.pool.ThreadPool`.

    Parameters
    ----------
    processes : int, optional
        Number of workers; one per processor when left out.
    initializer : callable, optional
        Called once in each worker with `initargs`.
    initargs : tuple
        Arguments of `initializer`.
    """

    def starmap(self, func: Callable[..., Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        """Call ``func(*args)`` for each args of `iterable`; results in the same order.

        Native functions (:func:`era5fast.retrieve`) run as one batch.
        """
        batch = getattr(func, "native_batch", None)
        return super().starmap(func, iterable, chunksize) if batch is None else self._batch(batch, iterable)

    def map(self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None) -> list[Any]:
        """Call ``func(x)`` for each x of `iterable`; results in the same order.

        Native functions (:func:`era5fast.retrieve`) take tuples of their arguments and run as one batch.
        """
        batch = getattr(func, "native_batch", None)
        return super().map(func, iterable, chunksize) if batch is None else self._batch(batch, iterable)

    def _batch(self, batch: Callable[[list[Any], int], Iterable[Any]], calls: Iterable[Any]) -> list[Any]:
        self._check_running()  # type: ignore[attr-defined]
        # In the caller's own thread: there ctrl-C is heard, and stops the batch.
        return list(batch(list(calls), self._processes))  # type: ignore[attr-defined]

"""A pool of threads that people know, without its hangs.

:class:`ThreadPool` keeps the contract of :class:`multiprocessing.pool.ThreadPool`, and is one for all who ask with
``isinstance``. Native functions of this package that are handed a list of calls run them as one batch on the core's
own threads.
"""

from __future__ import annotations

import multiprocessing.pool
import multiprocessing.util
import warnings
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.pool import CLOSE, INIT, RUN, TERMINATE
from typing import Any

from .crew import Crew, PoolError
from .native import batch_of, make_calls, unpacking
from .results import AsyncResult, Callback, IMapIterator, IMapUnorderedIterator, MapResult
from .size import check_buffersize, check_chunksize, check_workers
from .watching import chunks_to_show, get_with_progress, name_of

__all__ = ["ThreadPool"]


class ThreadPool(multiprocessing.pool.ThreadPool):
    """Drop-in for :class:`multiprocessing.pool.ThreadPool`.

    Parameters
    ----------
    processes : int, optional
        Number of workers; one per processor that this process may use when left out.
    initializer : callable, optional
        Called once in each worker with `initargs`. When it raises, the pool is broken: all calls raise.
    initargs : tuple
        Arguments of `initializer`.

    Notes
    -----
    What differs from the standard library, where calls may hang: exceptions of callbacks, ``SystemExit`` in a task
    and failing initialisers reach whoever waits; results that ``terminate`` has dropped raise :class:`PoolError`;
    tasks may wait for tasks of their own pool; ``join`` and ``terminate`` in a worker raise ``RuntimeError``, and so
    does any use in a forked child; ``imap`` reads its input only as fast as results are taken (`buffersize`).
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
    ) -> None:
        self._state = INIT
        self._processes = check_workers(processes)
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._crew = Crew(self._processes, initializer, tuple(initargs))
        self._repopulate_pool()
        # Also when the pool is collected, or Python ends.
        self._terminate = multiprocessing.util.Finalize(self, _end, args=(self._crew,), exitpriority=15)
        self._state = RUN

    # --- calls ---

    def apply(self, func: Callable[..., Any], args: Iterable[Any] = (), kwds: Mapping[str, Any] = {}) -> Any:
        """Call ``func(*args, **kwds)`` in a worker, and wait for its result."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> AsyncResult:
        """Call ``func(*args, **kwds)`` in a worker, without waiting.

        Parameters
        ----------
        func : callable
            The function.
        args, kwds : iterable, mapping
            Its arguments.
        callback, error_callback : callable, optional
            Called with the result, or with the exception, before the result is ready.

        Returns
        -------
        AsyncResult
        """
        self._check_running()
        result = AsyncResult(self._crew, self, callback, error_callback)
        result.ask(func, args, kwds)
        return result

    def map(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        progress: bool = False,
    ) -> list[Any]:
        """Call ``func(x)`` for each x of `iterable`; results in the same order.

        Native functions may make all calls at once; :func:`era5fast.retrieve` takes tuples of its arguments, and
        they run as one batch. `progress` shows a bar on terminals and in notebooks.
        """
        if batch_of(func) is not None:
            iterable = list(iterable)
            if (results := self._at_once(func, [(item,) for item in iterable])) is not None:
                return results
        if progress:
            iterable = list(iterable)
            chunksize = chunksize or chunks_to_show(len(iterable), self._processes)
        result = self._map_async(func, iterable, chunksize)
        return get_with_progress(result, name_of(func)) if progress else result.get()

    def starmap(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        progress: bool = False,
    ) -> list[Any]:
        """Call ``func(*args)`` for each args of `iterable`; results in the same order. As :meth:`map`."""
        if batch_of(func) is not None:
            iterable = list(iterable)
            if (results := self._at_once(func, iterable)) is not None:
                return results
        return self.map(unpacking(func), iterable, chunksize, progress=progress)

    def map_async(  # type: ignore[override]
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> AsyncResult:
        """As :meth:`map`, without waiting; the result is the whole list.

        Parameters
        ----------
        func : callable
            The function.
        iterable : iterable
            Its arguments, one for each call.
        chunksize : int, optional
            Calls that one worker makes in a row; a quarter of what falls to each worker when left out.
        callback, error_callback : callable, optional
            Called with the list, or with the first exception, before the result is ready.

        Returns
        -------
        MapResult
        """
        if batch_of(func) is not None and (iterable := list(iterable)):
            calls = [(item,) for item in iterable]
            return self.apply_async(make_calls, (func, calls, self._processes), {}, callback, error_callback)
        return self._map_async(func, iterable, chunksize, callback, error_callback)

    def _map_async(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> MapResult:
        self._check_running()
        failure: Exception | None = None
        try:
            items = list(iterable)
        except Exception as error:
            if not hasattr(iterable, "__len__"):
                raise
            items, failure = [], error
        size = check_chunksize(chunksize, len(items), len(self._pool))
        result = MapResult(self._crew, self, func, items, size, callback, error_callback)
        result.begin(len(self._pool), failure)
        return result

    def starmap_async(  # type: ignore[override]
        self,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> AsyncResult:
        """As :meth:`starmap`, without waiting; parameters as in :meth:`map_async`."""
        if batch_of(func) is not None and (iterable := list(iterable)):
            return self.apply_async(make_calls, (func, iterable, self._processes), {}, callback, error_callback)
        return self._map_async(unpacking(func), iterable, chunksize, callback, error_callback)

    def imap(  # type: ignore[override]
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int = 1, buffersize: int | None = None
    ) -> IMapIterator:
        """Call ``func(x)`` for each x of `iterable`, which may be endless; results one by one, in the same order.

        Parameters
        ----------
        func : callable
            The function.
        iterable : iterable
            Its arguments; read only as far as results are taken.
        chunksize : int
            Calls that one worker makes in a row.
        buffersize : int, optional
            So many calls may be begun before their results are taken; some thousand when left out.

        Returns
        -------
        IMapIterator
        """
        return self._imap(IMapIterator, func, iterable, chunksize, buffersize)

    def imap_unordered(  # type: ignore[override]
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int = 1, buffersize: int | None = None
    ) -> IMapIterator:
        """As :meth:`imap`, with results in the order in which they come."""
        return self._imap(IMapUnorderedIterator, func, iterable, chunksize, buffersize)

    def _imap(
        self, kind: type[IMapIterator], func: Any, iterable: Any, chunksize: int, buffersize: int | None
    ) -> IMapIterator:
        self._check_running()
        size = check_chunksize(chunksize, 1, 1)
        result = kind(self._crew, self, func, iterable, size, check_buffersize(buffersize, size, len(self._pool)))
        result.start()
        return result

    def _at_once(self, func: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any] | None:
        self._check_running()
        # In the caller's own thread: there ctrl-C is heard, and stops the batch.
        batch = batch_of(func)
        return None if batch is None else batch(calls, self._processes)

    # --- life ---

    @property
    def _pool(self) -> list[Any]:
        return self._crew.workers

    def _repopulate_pool(self) -> None:
        self._crew.start()

    def _check_running(self) -> None:
        self._crew.check_process()
        if self._state != RUN:
            raise ValueError("Pool not running")
        if self._crew.error is not None:
            raise self._crew.error

    def close(self) -> None:
        """Accept no more calls; those already made are done."""
        if self._state == RUN:
            self._state = CLOSE
            self._crew.leave()

    def terminate(self) -> None:
        """Accept no more calls, and drop those that were not begun: their results raise :class:`PoolError`.

        Raises
        ------
        RuntimeError
            In a worker of this pool.
        """
        self._check_not_mine("terminate")
        self._state = TERMINATE
        self._terminate()

    def join(self) -> None:
        """Wait until the workers are gone.

        Raises
        ------
        ValueError
            If the pool is still running.
        RuntimeError
            In a worker of this pool.
        """
        if self._state == RUN:
            raise ValueError("Pool is still running")
        self._check_not_mine("join")
        self._crew.join()

    def _check_not_mine(self, name: str) -> None:
        if self._crew.is_mine():
            raise RuntimeError(f"{name}() in a worker of the pool would wait for itself")

    def __enter__(self) -> ThreadPool:
        self._check_running()
        return self

    def __exit__(self, *exception: object) -> None:
        self.terminate()

    def __del__(self, _warn: Any = warnings.warn, _run: str = RUN) -> None:
        if self._state == _run:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)


def _end(crew: Crew) -> None:
    crew.stop(PoolError("the pool was terminated before this call was made"))

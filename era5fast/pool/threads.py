"""A pool of threads that people know, without its hangs.

:class:`ThreadPool` keeps the contract of :class:`multiprocessing.pool.ThreadPool`, and is one for all who ask with
``isinstance``. Native functions of this package that are handed a list of calls run them as one batch on the core's
own threads.
"""

from __future__ import annotations

import multiprocessing.pool
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .crew import Crew
from .life import Life
from .native import Gatherings, batch_of, make_calls
from .results import (
    AsyncResult,
    Callback,
    GatheredResult,
    IMapIterator,
    IMapUnorderedIterator,
    MapResult,
    each,
    each_star,
)
from .size import check_buffersize, check_chunksize, check_initializer, check_workers
from .watching import chunks_to_show, get_with_progress, name_of

__all__ = ["ThreadPool"]


class ThreadPool(Life, multiprocessing.pool.ThreadPool):
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
        self._processes = check_workers(processes)
        check_initializer(initializer)
        self._gatherings = Gatherings(self._processes)
        self._begin(Crew(self._processes, initializer, tuple(initargs)))

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
        gathering = self._gatherings.of(func, kwds) if isinstance(args, tuple) else None
        if gathering is not None:
            gathered = GatheredResult(self._crew, self, callback, error_callback)
            gathered.gather(gathering, args)  # type: ignore[arg-type]
            return gathered
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
        return self._map_now(each, func, iterable, chunksize, progress)

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
        return self._map_now(each_star, func, iterable, chunksize, progress)

    def _map_now(self, how: Any, func: Any, iterable: Any, chunksize: int | None, progress: bool) -> list[Any]:
        if progress:
            iterable = list(iterable)
            chunksize = chunksize or chunks_to_show(len(iterable), self._processes)
        result = self._map_async(how, func, iterable, chunksize)
        return get_with_progress(result, name_of(func)) if progress else result.get()

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
        return self._map_async(each, func, iterable, chunksize, callback, error_callback)

    def _map_async(
        self,
        how: Any,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback = None,
        error_callback: Callback = None,
    ) -> MapResult:
        self._check_running()
        failure: Exception | None = None
        try:
            # Parts of what cannot change need no copy, and the numbers of a range are made where they are used.
            items: Any = iterable if type(iterable) in (range, tuple) else list(iterable)
        except Exception as error:
            if not hasattr(iterable, "__len__"):
                raise
            items, failure = [], error
        size = check_chunksize(chunksize, len(items), self._processes)
        result = MapResult(self._crew, self, how, func, items, size, callback, error_callback)
        result.begin(self._processes, failure)
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
        return self._map_async(each_star, func, iterable, chunksize, callback, error_callback)

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
        result = kind(self._crew, self, func, iterable, size, check_buffersize(buffersize, size, self._processes))
        result.start()
        return result

    def _at_once(self, func: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any] | None:
        self._check_running()
        # In the caller's own thread: there ctrl-C is heard, and stops the batch.
        batch = batch_of(func)
        return None if batch is None else batch(calls, self._processes)

"""A pool of processes that people know, without its hangs.

:class:`Pool` keeps the contract of :class:`multiprocessing.pool.Pool`, and is one for all who ask ``isinstance``.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterable
from multiprocessing.pool import RUN
from typing import Any

from .life import Life
from .native import is_native
from .process_crew import ProcessCrew
from .process_results import InOrder, InOrderOfArrival, ProcessMapResult, ProcessResult
from .size import check_buffersize, check_chunksize, check_initializer, check_lifetime, check_workers
from .threads import ThreadPool
from .watching import chunks_to_show, get_with_progress, name_of
from .worker import CALL, EACH, EACH_STAR

__all__ = ["Pool"]


class Pool(Life):
    """Drop-in for :class:`multiprocessing.pool.Pool`.

    Parameters
    ----------
    processes : int, optional
        Number of workers; one per processor that this process may use when left out.
    initializer : callable, optional
        Called once in each worker with `initargs`. When it raises, the pool is broken: all calls raise.
    initargs : tuple
        Arguments of `initializer`.
    maxtasksperchild : int, optional
        After so many tasks a worker is replaced by a new one.
    context : multiprocessing context, optional
        How processes are started.

    Notes
    -----
    What differs from the standard library, where calls may hang: exceptions of callbacks and ``SystemExit`` in a task
    reach whoever waits; a worker that dies breaks the pool, and all calls raise :class:`PoolError`; results that
    ``terminate`` has dropped raise it too; ``imap`` reads its input only as fast as results are taken. Small tasks
    cost less: they and their results go through memory that the processes share. Native functions of this package run
    on threads of this process, and nothing is sent to others.
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
    ) -> None:
        self._processes = check_workers(processes)
        check_initializer(initializer)
        most = check_lifetime(maxtasksperchild)
        context = context or multiprocessing.get_context()
        self._threads: ThreadPool | None = None  # for native functions
        self._making = threading.Lock()
        self._begin(ProcessCrew(self._processes, initializer, tuple(initargs), most, context))

    # --- calls ---

    def apply_async(
        self,
        func: Any,
        args: Any = (),
        kwds: Any = {},  # noqa: B006
        callback: Any = None,
        error_callback: Any = None,
    ) -> Any:
        """Call ``func(*args, **kwds)`` in a worker, without waiting."""
        self._check_running()
        if is_native(func):
            return self._on_threads().apply_async(func, args, kwds, callback, error_callback)
        result = ProcessResult(self._crew, self, callback, error_callback)
        self._crew.ask(((result.number, 0, CALL, func, (args, kwds)),))
        return result

    def map(
        self, func: Any, iterable: Iterable[Any], chunksize: int | None = None, *, progress: bool = False
    ) -> list[Any]:
        """Call ``func(x)`` for each x of `iterable`; results in the same order.

        `progress` shows a bar on terminals and in notebooks.
        """
        if is_native(func):
            self._check_running()
            return self._on_threads().map(func, iterable, chunksize, progress=progress)
        return self._map_now(EACH, func, iterable, chunksize, progress)

    def starmap(
        self, func: Any, iterable: Iterable[Any], chunksize: int | None = None, *, progress: bool = False
    ) -> list[Any]:
        """Call ``func(*args)`` for each args of `iterable`; results in the same order. As :meth:`map`."""
        if is_native(func):
            self._check_running()
            return self._on_threads().starmap(func, iterable, chunksize, progress=progress)
        return self._map_now(EACH_STAR, func, iterable, chunksize, progress)

    def _map_now(self, kind: int, func: Any, iterable: Any, chunksize: int | None, progress: bool) -> list[Any]:
        if progress:
            iterable = list(iterable)
            chunksize = chunksize or chunks_to_show(len(iterable), self._processes)
        result = self._map(kind, func, iterable, chunksize)
        values: list[Any] = get_with_progress(result, name_of(func)) if progress else result.get()
        return values

    def map_async(
        self, func: Any, iterable: Any, chunksize: Any = None, callback: Any = None, error_callback: Any = None
    ) -> Any:
        """As :meth:`map`, without waiting; the result is the whole list."""
        if is_native(func):
            self._check_running()
            return self._on_threads().map_async(func, iterable, chunksize, callback, error_callback)
        return self._map(EACH, func, iterable, chunksize, callback, error_callback)

    def starmap_async(
        self, func: Any, iterable: Any, chunksize: Any = None, callback: Any = None, error_callback: Any = None
    ) -> Any:
        """As :meth:`starmap`, without waiting; the result is the whole list."""
        if is_native(func):
            self._check_running()
            return self._on_threads().starmap_async(func, iterable, chunksize, callback, error_callback)
        return self._map(EACH_STAR, func, iterable, chunksize, callback, error_callback)

    def _map(
        self, kind: int, func: Any, iterable: Any, chunksize: Any, callback: Any = None, error_callback: Any = None
    ) -> Any:
        self._check_running()
        failure: Exception | None = None
        try:
            # Parts of what cannot change need no copy, and those of a range travel as two numbers.
            items = iterable if type(iterable) in (range, tuple) else list(iterable)
        except Exception as error:
            if not hasattr(iterable, "__len__"):
                raise
            items, failure = [], error
        size = check_chunksize(chunksize, len(items), self._processes)
        result = ProcessMapResult(self._crew, self, len(items), size, callback, error_callback)
        if failure is not None or not items:
            result.finish_without(failure)
        else:
            number = result.number
            starts = enumerate(range(0, len(items), size))
            self._crew.ask((number, i, kind, func, items[start : start + size]) for i, start in starts)
        return result

    def imap(self, func: Any, iterable: Any, chunksize: int = 1, buffersize: int | None = None) -> Any:  # type: ignore[override]
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
        if is_native(func):
            self._check_running()
            return self._on_threads().imap(func, iterable, chunksize, buffersize)
        return self._imap(InOrder, func, iterable, chunksize, buffersize)

    def imap_unordered(self, func: Any, iterable: Any, chunksize: int = 1, buffersize: int | None = None) -> Any:  # type: ignore[override]
        """As :meth:`imap`, with results in the order in which they come."""
        if is_native(func):
            self._check_running()
            return self._on_threads().imap_unordered(func, iterable, chunksize, buffersize)
        return self._imap(InOrderOfArrival, func, iterable, chunksize, buffersize)

    def _imap(self, kind: Any, func: Any, iterable: Any, chunksize: int, buffersize: int | None) -> Any:
        self._check_running()
        size = check_chunksize(chunksize, 1, 1)
        room = check_buffersize(buffersize, size, self._processes)
        iterator = kind(self._crew, self, func, iterable, size, room)
        iterator.start()
        return iterator

    # --- native functions ---

    def _on_threads(self) -> ThreadPool:
        with self._making:
            if self._threads is None:
                self._threads = _Companion(self._processes)
                if self._state != RUN:  # closed meanwhile
                    self._threads.close()
            return self._threads

    def close(self) -> None:
        """Accept no more calls; those already made are done."""
        super().close()
        if (threads := self._threads) is not None:
            threads.close()

    def terminate(self) -> None:
        """Stop the workers at once: results that were not there raise :class:`PoolError`."""
        super().terminate()
        if (threads := self._threads) is not None:
            threads.terminate()

    def join(self) -> None:
        """Wait until the workers are gone.

        Raises
        ------
        ValueError
            If the pool is still running.
        """
        super().join()
        if (threads := self._threads) is not None:
            threads.join()


class _Companion(ThreadPool):
    """Threads beside the processes of a pool, which is warned about for both."""

    def __del__(self, *_: Any) -> None:
        pass

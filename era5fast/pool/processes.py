"""A pool of processes that people know, without its hangs.

:class:`Pool` is the standard library's, with workers that deliver every outcome, results that end when the pool does,
and an ``imap`` that reads its input as fast as results are taken.
"""

from __future__ import annotations

import multiprocessing.pool
import os
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.pool import RUN, TERMINATE, ExceptionWithTraceback, MaybeEncodingError  # type: ignore[attr-defined]
from typing import Any

from .crew import PoolError
from .native import batch_of
from .results import IMapIterator, IMapUnorderedIterator, Outcomes, TimeoutError
from .size import check_buffersize, check_chunksize, check_workers
from .watching import chunks_to_show, get_with_progress, name_of

__all__ = ["Pool"]

_LOOK = 0.2  # seconds after which somebody who waits looks whether the workers live


# --- in the workers ---


def _work(
    troubles: Any, inqueue: Any, outqueue: Any, initializer: Any, initargs: Any, maxtasks: int | None, wrap: bool
) -> None:
    """Loop of a worker: as in the standard library, but whatever a task raises is its outcome."""
    inqueue._writer.close()
    outqueue._reader.close()
    try:
        if initializer is not None:
            initializer(*initargs)
    except BaseException:
        troubles.put(f"its initializer raised\n{traceback.format_exc()}")
        os._exit(1)
    done = 0
    while maxtasks is None or done < maxtasks:
        try:
            task = inqueue.get()
        except (EOFError, OSError):
            return
        if task is None:
            return
        _answer(outqueue, *task)
        task = None
        done += 1


def _answer(outqueue: Any, job: int, i: int, function: Any, args: Any, kwds: Any) -> None:
    try:
        result = True, function(*args, **kwds)
    except BaseException as error:
        result = False, ExceptionWithTraceback(error, error.__traceback__)
    try:
        outqueue.put((job, i, result))
    except Exception as error:
        outqueue.put((job, i, (False, MaybeEncodingError(error, result[1]))))


def _each(call: tuple[Callable[[Any], Any], Iterable[Any]]) -> list[Any]:
    return [call[0](item) for item in call[1]]


def _each_star(call: tuple[Callable[..., Any], Iterable[Any]]) -> list[Any]:
    return [call[0](*item) for item in call[1]]


def _until_failure(function: Callable[[Any], Any], items: Iterable[Any]) -> Outcomes:
    """A chunk of imap(): what came before a failure is kept."""
    outcomes: Outcomes = []
    try:
        for item in items:
            outcomes.append((True, function(item)))
    except BaseException as error:
        outcomes.append((False, ExceptionWithTraceback(error, error.__traceback__)))
    return outcomes


# --- results ---


class _Result(multiprocessing.pool.ApplyResult[Any]):
    """A result that comes whatever becomes of callbacks, workers and the pool."""

    _event: threading.Event
    _pool: Any
    _cache: dict[int, Any]
    _job: int
    _callback: Any
    _error_callback: Any

    def wait(self, timeout: float | None = None) -> None:
        end = None if timeout is None else time.monotonic() + timeout
        while not self._event.is_set():
            left = _LOOK if end is None else min(_LOOK, end - time.monotonic())
            if self._event.wait(max(left, 0)) or (end is not None and time.monotonic() >= end):
                return
            if (pool := self._pool) is not None:
                pool._look_after_workers()

    def get(self, timeout: float | None = None) -> Any:
        try:
            return super().get(timeout)
        except multiprocessing.TimeoutError:
            if self.ready():  # the task itself raised it
                raise
            raise TimeoutError from None

    def _set(self, i: int, obj: tuple[bool, Any]) -> None:
        self._finish(*obj)

    def give_up(self, error: BaseException) -> None:
        if not self._event.is_set():
            self._finish(False, error)

    def _finish(self, success: bool, value: Any) -> None:
        callback = self._callback if success else self._error_callback
        if callback is not None:
            try:
                callback(value)
            except BaseException as error:
                success, value = False, error
        self._success, self._value = success, value
        self._event.set()
        with suppress(KeyError):
            del self._cache[self._job]  # which tells the pool when it was the last
        self._pool = None


class _MapResult(_Result):
    def __init__(self, pool: Pool, chunksize: int, length: int, callback: Any, error_callback: Any) -> None:
        super().__init__(pool, callback, error_callback)
        self._results: list[Any] = [None] * length
        self._failure: BaseException | None = None
        self._total, self._chunksize, self._left = length, chunksize, -(-length // chunksize)

    def counts(self) -> tuple[int, int]:
        """How many calls have ended, in whole chunks, and how many there are."""
        return max(0, self._total - self._left * self._chunksize), self._total

    def _set(self, i: int, obj: tuple[bool, Any]) -> None:
        success, value = obj
        if success:
            self._results[i * self._chunksize : (i + 1) * self._chunksize] = value
        else:
            self._failure = self._failure or value
        self._left -= 1
        if self._left == 0:
            self._finish(*((True, self._results) if self._failure is None else (False, self._failure)))


class _Line:
    """What iterators need to know of a pool of processes: the counterpart of a crew of threads."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.size, self.error = pool, pool._processes, None
        self.open: set[Any] = set()

    def put(self, iterator: Any) -> None:
        iterator.run()

    def ended(self, iterator: Any) -> None:
        self.open.discard(iterator)
        iterator._forget()

    def is_mine(self) -> bool:
        return False

    def check_process(self) -> None:
        self.pool._check_process()
        self.pool._look_after_workers()


class _InOrder(IMapIterator):
    """Results from processes: chunks are handed on as tasks."""

    def start(self) -> None:
        """Begin to read the input."""
        self._asked: set[int] = set()  # chunks that processes have
        super().start()

    def _do_one(self) -> None:
        number, items = self._fed.popleft()
        self._asked.add(number)
        task: Any = (id(self), number, _until_failure, (self._function, items), {})
        self._crew.pool._taskqueue.put(([task], None))  # type: ignore[attr-defined]

    def _set(self, number: int, obj: tuple[bool, Any]) -> None:
        """Take what a process has answered; called by the pool, which knows the iterator by its id."""
        success, value = obj
        self._asked.discard(number)
        self._deliver(number, value if success else [(False, value)])
        self._wake()
        self._forget()

    def give_up(self, error: BaseException) -> None:
        """Expect no more answers."""
        for number in tuple(self._asked):
            self._set(number, (False, error))

    def _forget(self) -> None:
        """Let the pool go when nothing more can come."""
        if not self._asked and self._total is not None:
            self._crew.pool._iterator_ended(self)  # type: ignore[attr-defined]

    def _wait_for(self, lock: Any, seconds: float) -> bool:
        end = time.monotonic() + seconds if seconds >= 0 else float("inf")
        while not lock.acquire(timeout=max(0.0, min(_LOOK, end - time.monotonic()))):
            if time.monotonic() >= end:
                return False
            self._crew.check_process()
        return True


class _AsTheyCome(_InOrder, IMapUnorderedIterator):
    pass


class Pool(multiprocessing.pool.Pool):
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
    ``terminate`` has dropped raise it too; ``imap`` reads its input only as fast as results are taken.
    """

    _processes: int
    _taskqueue: Any
    _cache: dict[int, Any]
    _worker_handler: threading.Thread
    _state: str

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        context: Any = None,
    ) -> None:
        self._state = multiprocessing.pool.INIT
        self._pool: list[Any] = []
        workers = check_workers(processes)
        started: list[Any] = []
        context = context or multiprocessing.get_context()
        troubles = context.SimpleQueue()

        def process(ctx: Any, target: Any, args: Any) -> Any:
            if not troubles.empty():  # the next one will fail as well: until somebody looks, not too many of them
                time.sleep(_LOOK)
            worker = ctx.Process(target=_work, args=(troubles, *args))
            started.append(worker)
            return worker

        self.Process = process  # type: ignore[method-assign]
        self._started, self._troubles, self._pid = started, troubles, os.getpid()
        self._broken: PoolError | None = None
        super().__init__(workers, initializer, tuple(initargs), maxtasksperchild, context)
        self._line = _Line(self)

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
        return self._ask(func, args, kwds, callback, error_callback)

    def _ask(self, func: Any, args: Any, kwds: Any, callback: Any, error_callback: Any) -> Any:
        result = _Result(self, callback, error_callback)
        self._taskqueue.put(([(result._job, 0, func, args, kwds)], None))
        return result

    def map(
        self, func: Any, iterable: Iterable[Any], chunksize: int | None = None, *, progress: bool = False
    ) -> list[Any]:
        """Call ``func(x)`` for each x of `iterable`; results in the same order.

        Native functions that make all calls at once do so on threads of this process, and nothing is sent to others.
        `progress` shows a bar on terminals and in notebooks.
        """
        return self._map_now(_each, func, iterable, chunksize, progress)

    def starmap(
        self, func: Any, iterable: Iterable[Any], chunksize: int | None = None, *, progress: bool = False
    ) -> list[Any]:
        """Call ``func(*args)`` for each args of `iterable`; results in the same order. As :meth:`map`."""
        return self._map_now(_each_star, func, iterable, chunksize, progress)

    def _map_now(self, mapper: Any, func: Any, iterable: Any, chunksize: int | None, progress: bool) -> list[Any]:
        if (batch := batch_of(func)) is not None:
            iterable = list(iterable)
            self._check_running()
            calls = iterable if mapper is _each_star else [(item,) for item in iterable]
            if (results := batch(calls, self._processes)) is not None:
                return results
        if progress:
            iterable = list(iterable)
            chunksize = chunksize or chunks_to_show(len(iterable), self._processes)
        result = self._map(mapper, func, iterable, chunksize)
        return get_with_progress(result, name_of(func)) if progress else result.get()

    def map_async(
        self, func: Any, iterable: Any, chunksize: Any = None, callback: Any = None, error_callback: Any = None
    ) -> Any:
        """As :meth:`map`, without waiting; the result is the whole list."""
        return self._map(_each, func, iterable, chunksize, callback, error_callback)

    def starmap_async(
        self, func: Any, iterable: Any, chunksize: Any = None, callback: Any = None, error_callback: Any = None
    ) -> Any:
        """As :meth:`starmap`, without waiting; the result is the whole list."""
        return self._map(_each_star, func, iterable, chunksize, callback, error_callback)

    def _map(
        self, mapper: Any, func: Any, iterable: Any, chunksize: Any, callback: Any = None, error_callback: Any = None
    ) -> Any:
        self._check_running()
        failure: Exception | None = None
        try:
            items = list(iterable)
        except Exception as error:
            if not hasattr(iterable, "__len__"):
                raise
            items, failure = [], error
        size = check_chunksize(chunksize, len(items), self._processes)
        result = _MapResult(self, size, len(items), callback, error_callback)
        if failure is not None:
            result._finish(False, failure)
        elif not items:  # ready at once, without a callback, as users know it
            result._callback = None
            result._finish(True, [])
        else:
            starts = enumerate(range(0, len(items), size))
            calls = ((i, ((func, items[start : start + size]),)) for i, start in starts)
            self._taskqueue.put((((result._job, i, mapper, args, {}) for i, args in calls), None))
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
        return self._imap(_InOrder, func, iterable, chunksize, buffersize)

    def imap_unordered(self, func: Any, iterable: Any, chunksize: int = 1, buffersize: int | None = None) -> Any:  # type: ignore[override]
        """As :meth:`imap`, with results in the order in which they come."""
        return self._imap(_AsTheyCome, func, iterable, chunksize, buffersize)

    def _imap(self, kind: Any, func: Any, iterable: Any, chunksize: int, buffersize: int | None) -> Any:
        self._check_running()
        size = check_chunksize(chunksize, 1, 1)
        iterator = kind(self._line, self, func, iterable, size, check_buffersize(buffersize, size, self._processes))
        self._cache[id(iterator)] = iterator  # what is open keeps a pool that is closed at work
        iterator.start()
        return iterator

    def _iterator_ended(self, iterator: Any) -> None:
        with suppress(KeyError):
            del self._cache[id(iterator)]

    # --- life ---

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise PoolError("a pool cannot be used in a forked child; make a pool there")

    def _check_running(self) -> None:
        self._check_process()
        if self._broken is not None:
            raise self._broken
        if self._state != RUN:
            raise ValueError("Pool not running")

    def _look_after_workers(self) -> None:
        """Break the pool when a worker has died."""
        if self._state == TERMINATE or self._broken is not None:
            return
        ended = [(worker, code) for worker in tuple(self._started) if (code := worker.exitcode) is not None]
        dead = next((code for _, code in ended if code), None)
        if dead is None:
            for worker, _ in ended:
                with suppress(ValueError):  # another thread has done so
                    self._started.remove(worker)
            return
        text = f"a worker of the pool died (exit code {dead})"
        self._broken = PoolError(text if self._troubles.empty() else f"{text}: {self._troubles.get()}")
        self._end(self._broken)

    def close(self) -> None:
        """Accept no more calls; those already made are done."""
        for iterator in tuple(self._line.open):
            iterator.go_on()
        super().close()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        with suppress(OSError):  # at the end of Python its pipes may be closed
            super().__del__(_warn)  # type: ignore[call-arg]

    def terminate(self) -> None:
        """Stop the workers at once: results that were not there raise :class:`PoolError`."""
        self._check_process()
        self._end(PoolError("the pool was terminated before this call ended"))

    def _end(self, error: PoolError) -> None:
        self._state = TERMINATE
        for iterator in tuple(self._line.open):
            iterator.drop(error)
        super().terminate()
        for result in tuple(self._cache.values()):
            result.give_up(error)

    def join(self) -> None:
        """Wait until the workers are gone.

        Raises
        ------
        ValueError
            If the pool is still running.
        """
        self._check_process()
        while self._state != RUN and self._worker_handler.is_alive():
            self._worker_handler.join(_LOOK)
            self._look_after_workers()
        super().join()

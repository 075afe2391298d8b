"""An executor of the standard library's kind, with less work around each task.

Futures are the standard library's, so that ``wait``, ``as_completed``, asyncio, dask, joblib and tqdm know them. Most
of the time that a small task takes goes into the condition variable of its future; here it is made when somebody
needs it, which for tasks that end quickly is never.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, thread
from concurrent.futures._base import FINISHED, LOGGER, PENDING, RUNNING
from queue import Empty
from typing import Any, TypeVar

from .crew import PoolError
from .native import batch_of
from .size import cpu_count

__all__ = ["Executor"]

T = TypeVar("T")


class _ConditionWhenNeeded:
    """The attribute ``_condition`` of a future, made at its first use."""

    def __get__(self, future: Any, kind: Any = None) -> Any:
        with future._lock:
            return future.__dict__.setdefault("_condition", threading.Condition())


class _Future(Future[T]):
    """A future that two threads alone can share without a condition variable.

    The lock decides who is first: the worker that goes on without a condition, or whoever makes one.
    """

    _condition = _ConditionWhenNeeded()

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._state = PENDING
        self._result = self._exception = None
        self._waiters: list[Any] = []
        self._done_callbacks: list[Any] = []

    def begin(self) -> bool:
        """Whether the task is to be run; False when it was cancelled."""
        with self._lock:
            if "_condition" not in self.__dict__:
                self._state = RUNNING
                return True
        return self.set_running_or_notify_cancel()

    def set_result(self, result: Any) -> None:
        with self._lock:
            if "_condition" not in self.__dict__ and self._state == RUNNING:
                self._result, self._state = result, FINISHED
                return
        super().set_result(result)

    def result(self, timeout: float | None = None) -> Any:
        if self._state == FINISHED and self._exception is None:
            return self._result
        return super().result(timeout)

    def cancel(self) -> bool:
        return False if self._state == FINISHED else super().cancel()


class _Task:
    """An entry of the queue; has what the standard library expects of its own."""

    __slots__ = ("args", "fn", "future", "kwargs")

    def __init__(self, future: _Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.future, self.fn, self.args, self.kwargs = future, fn, args, kwargs

    def run(self) -> None:
        if not self.future.begin():
            return
        try:
            result = self.fn(*self.args, **self.kwargs)
        except BaseException as error:
            self.future.set_exception(error)
            self = None  # type: ignore[assignment]  # no circle with the traceback
        else:
            self.future.set_result(result)


class Executor(ThreadPoolExecutor):
    """Drop-in for :class:`concurrent.futures.ThreadPoolExecutor`.

    Parameters
    ----------
    max_workers : int, optional
        Number of threads at most; as in the standard library, four more than there are processors when left out.
    thread_name_prefix : str
        Their names begin so.
    initializer : callable, optional
        Called once in each thread with `initargs`.
    initargs : tuple
        Arguments of `initializer`.

    Notes
    -----
    Native functions of this package run without the interpreter lock, on the core's own threads, whichever thread
    calls them: several in one executor share the processors. In a forked child an executor raises
    :class:`~era5fast.pool.PoolError` instead of hanging.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., Any] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        workers = min(32, cpu_count() + 4) if max_workers is None else max_workers
        super().__init__(workers, thread_name_prefix, initializer, initargs)
        self._begin = initializer, initargs
        self._pid = os.getpid()
        self._futures_lock = threading.Lock()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call ``fn(*args, **kwargs)`` in a thread.

        Returns
        -------
        concurrent.futures.Future

        Raises
        ------
        RuntimeError
            After shutdown, or in a forked child.
        BrokenThreadPool
            If an initialiser has failed.
        """
        if os.getpid() != self._pid:
            raise PoolError("the threads of an executor do not survive a fork; make one in the child")
        with self._shutdown_lock, thread._global_shutdown_lock:
            if self._broken:
                raise thread.BrokenThreadPool(self._broken)
            if self._shutdown:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if thread._shutdown:
                raise RuntimeError("cannot schedule new futures after interpreter shutdown")
            future: _Future[T] = _Future(self._futures_lock)
            self._work_queue.put(_Task(future, fn, args, kwargs))  # type: ignore[arg-type]
            if len(self._threads) < self._max_workers:
                self._adjust_thread_count()
            return future

    def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], timeout: float | None = None, **given: Any
    ) -> Iterator[T]:
        """Call ``fn(*args)`` for each args of ``zip(*iterables)``; results in the same order.

        As in the standard library, whose other arguments it takes (`chunksize`, `buffersize`); native functions may
        make all calls at once.
        """
        if batch_of(fn) is None or given.get("buffersize") is not None:
            return super().map(fn, *iterables, timeout=timeout, **given)
        calls = list(zip(*iterables, strict=False))
        end = None if timeout is None else time.monotonic() + timeout
        return self._at_once(fn, calls, self.submit(_at_once, fn, calls, self._max_workers), end)

    def _at_once(self, fn: Callable[..., T], calls: list[Any], future: Future[Any], end: float | None) -> Iterator[T]:
        left = None if end is None else end - time.monotonic()
        if (results := future.result(left)) is None:
            columns = zip(*calls, strict=True)
            results = super().map(fn, *columns, timeout=None if end is None else end - time.monotonic())
        yield from results

    def _adjust_thread_count(self) -> None:
        """Start a thread when none is idle and there may be more."""
        if self._idle_semaphore.acquire(timeout=0) or len(self._threads) >= self._max_workers:
            return
        queue = self._work_queue
        reference = weakref.ref(self, lambda _: queue.put(None))  # type: ignore[arg-type]
        name = f"{self._thread_name_prefix or self}_{len(self._threads)}"
        worker = threading.Thread(name=name, target=_work, args=(reference, queue, *self._begin))
        worker.start()
        self._threads.add(worker)  # type: ignore[attr-defined]
        thread._threads_queues[worker] = queue  # type: ignore[index]

    def idle(self) -> None:
        """Take note that a thread has nothing to do: no new one is needed for the next task."""
        if len(self._threads) < self._max_workers:
            self._idle_semaphore.release()


def _at_once(function: Callable[..., Any], calls: list[Any], workers: int) -> list[Any] | None:
    batch = batch_of(function)
    return None if batch is None else batch(calls, workers)


def _work(reference: Callable[[], Executor | None], queue: Any, initializer: Any, initargs: Any) -> None:
    """Loop of a thread; `reference` must not keep the executor alive."""
    if initializer is not None:
        try:
            initializer(*initargs)
        except BaseException:
            LOGGER.critical("Exception in initializer:", exc_info=True)
            if (executor := reference()) is not None:
                executor._initializer_failed()
            return
    while True:
        try:
            task = queue.get_nowait()
        except Empty:
            if (executor := reference()) is not None:
                executor.idle()
            executor = None
            task = queue.get()
        if task is not None:
            task.run()
            task = None
        elif _is_over(reference()):
            queue.put(None)  # for the next thread
            return


def _is_over(executor: Executor | None) -> bool:
    if executor is not None and not executor._shutdown and not thread._shutdown:
        return False
    if executor is not None:
        executor._shutdown = True
    return True

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
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, thread
from concurrent.futures._base import CANCELLED, FINISHED, LOGGER, PENDING, RUNNING
from contextlib import suppress
from itertools import islice
from queue import Empty
from typing import Any, TypeVar

from .crew import PoolError
from .native import Gathering, Gatherings, batch_of, outcome
from .size import cpu_count

__all__ = ["Executor"]

T = TypeVar("T")
_OPEN = (PENDING, RUNNING)


_here = threading.local()  # .lock: in a thread of an executor, that of its futures


class _ConditionWhenNeeded:
    """The attribute ``_condition`` of a future, made at its first use."""

    def __get__(self, future: Any, kind: Any = None) -> Any:
        with future._lock:
            return future.__dict__.setdefault("_condition", threading.Condition())


class _Future(Future[T]):
    """A future that two threads alone can share without a condition variable.

    The lock decides who is first: the worker that goes on without a condition, or whoever makes one. Whoever waits
    for the result alone sleeps at a lock of its own.
    """

    _condition = _ConditionWhenNeeded()
    _sleepers: Any = ()  # a list when there are some
    _task: Any = None  # until somebody begins it

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._state = PENDING
        self._result = self._exception = None
        self._waiters: list[Any] = []
        self._done_callbacks: list[Any] = []

    # --- for the thread that does the work ---

    def begin(self) -> bool:
        """Whether the task is to be run; False when it was cancelled, or begun by another thread."""
        self._task = None
        with self._lock:
            if "_condition" not in self.__dict__:
                pending = self._state == PENDING
                self._state = RUNNING if pending else self._state
                return pending
        with self._condition:
            return self._state in (PENDING, CANCELLED) and self.set_running_or_notify_cancel()

    def settle(self, success: bool, value: Any, announce: Callable[[], bool]) -> bool:
        """Give it its outcome; just before, `announce` that the thread has nothing more to do, unless it has.

        Then whoever sees the outcome and asks for more finds an idle thread.
        """
        with self._lock:
            alone = success and "_condition" not in self.__dict__ and self._state == RUNNING
            if alone:
                told = announce()
                self._result, self._state = value, FINISHED
        if alone:
            self._wake()
            return told
        finish = self.set_result if success else self.set_exception
        with self._condition:
            if not self._done_callbacks:
                told = announce()
                finish(value)
                return told
        finish(value)
        return False

    def set_result(self, result: T) -> None:
        super().set_result(result)
        self._wake()

    def set_exception(self, exception: BaseException | None) -> None:
        super().set_exception(exception)
        self._wake()

    def _wake(self) -> None:
        """After the outcome is there: whoever goes to sleep looks for it afterwards."""
        sleepers = self._sleepers
        while sleepers:
            with suppress(IndexError):  # another thread has woken it
                sleepers.pop().release()

    # --- for those who wait ---

    def result(self, timeout: float | None = None) -> T:
        if timeout is None and (task := self._task) is not None and getattr(_here, "lock", None) is self._lock:
            task.run()  # in a thread of the same executor: all the others may be waiting, too
            del task
        if self._state in _OPEN:
            lock = threading.Lock()
            lock.acquire()
            self.__dict__.setdefault("_sleepers", []).append(lock)
            if self._state in _OPEN:
                lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), threading.TIMEOUT_MAX))
        if self._state == FINISHED and self._exception is None:
            return self._result  # type: ignore[return-value]
        return super().result(0)

    def cancel(self) -> bool:
        if self._state == FINISHED:
            return False
        cancelled = super().cancel()
        self._wake()
        return cancelled


class _Task:
    """An entry of the queue; has what the standard library expects of its own."""

    __slots__ = ("args", "fn", "future", "kwargs")

    def __init__(self, future: _Future[Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.future, self.fn, self.args, self.kwargs = future, fn, args, kwargs

    def run(self, announce: Callable[[], bool] = lambda: False) -> bool:
        """Make the call; whether the thread has been announced to be idle."""
        if not self.future.begin():
            return False
        success, value = outcome(self.fn, self.args, self.kwargs)
        future = self.future
        self = None  # type: ignore[assignment]  # no circle with the traceback
        return future.settle(success, value, announce)


class _GatheredTask(_Task):
    """A call of a native function that may make others with this one."""

    __slots__ = ("_gathering", "_open")

    def __init__(self, future: _Future[Any], fn: Callable[..., Any], args: Any, gathering: Gathering) -> None:
        super().__init__(future, fn, args, {})
        self._gathering, self._open = gathering, [args]
        gathering.add(self)

    def claim(self) -> tuple[Any, ...] | None:
        """Arguments of the call for the first who asks, unless it was cancelled; for all others None."""
        try:
            args: tuple[Any, ...] = self._open.pop()
        except IndexError:
            return None
        return args if self.future.begin() else None

    def run(self, announce: Callable[[], bool] = lambda: False) -> bool:
        made = self._gathering.make(self)
        for task, (success, value) in made[:-1]:
            task.future.settle(success, value, bool)  # not idle before the last one
        for task, (success, value) in made[-1:]:
            return bool(task.future.settle(success, value, announce))
        return False


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
        self._idle: list[None] = []  # one for each thread that has nothing to do
        self._gatherings = Gatherings(workers)

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
            gathering = self._gatherings.of(fn, kwargs)
            task = (
                _Task(future, fn, args, kwargs) if gathering is None else _GatheredTask(future, fn, args, gathering)
            )
            future._task = task
            self._work_queue.put(task)  # type: ignore[arg-type]
            if len(self._threads) < self._max_workers:
                self._adjust_thread_count()
            return future

    def map(
        self, fn: Callable[..., T], *iterables: Iterable[Any], timeout: float | None = None, **given: Any
    ) -> Iterator[T]:
        """Call ``fn(*args)`` for each args of ``zip(*iterables)``; results in the same order.

        As in the standard library, whose other arguments it takes: `chunksize`, and with any Python `buffersize`, how
        many calls may be begun before their results are taken. Native functions may make all calls at once.
        """
        if (buffersize := given.pop("buffersize", None)) is not None:
            return self._bounded(fn, zip(*iterables, strict=False), buffersize, timeout)
        if batch_of(fn) is None:
            return super().map(fn, *iterables, timeout=timeout, **given)
        calls = list(zip(*iterables, strict=False))
        end = None if timeout is None else time.monotonic() + timeout
        return self._at_once(fn, calls, self.submit(_at_once, fn, calls, self._max_workers), end)

    def _bounded(
        self, fn: Callable[..., T], calls: Iterator[Any], buffersize: int, timeout: float | None
    ) -> Iterator[T]:
        if not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        end = None if timeout is None else time.monotonic() + timeout
        waiting = deque(self.submit(fn, *args) for args in islice(calls, buffersize))

        def results() -> Iterator[T]:
            try:
                while waiting:
                    found = waiting.popleft().result(None if end is None else end - time.monotonic())
                    waiting.extend(self.submit(fn, *args) for args in islice(calls, 1))
                    yield found
            finally:
                for future in waiting:
                    future.cancel()

        return results()

    def _at_once(self, fn: Callable[..., T], calls: list[Any], future: Future[Any], end: float | None) -> Iterator[T]:
        left = None if end is None else end - time.monotonic()
        if (results := future.result(left)) is None:
            columns = zip(*calls, strict=True)
            results = super().map(fn, *columns, timeout=None if end is None else end - time.monotonic())
        yield from results

    def _adjust_thread_count(self) -> None:
        """Start a thread when none is idle and there may be more."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        queue = self._work_queue
        reference = weakref.ref(self, lambda _: queue.put(None))  # type: ignore[arg-type]
        name = f"{self._thread_name_prefix or self}_{len(self._threads)}"
        worker = threading.Thread(name=name, target=_work, args=(reference, queue, self._futures_lock, *self._begin))
        worker.start()
        self._threads.add(worker)  # type: ignore[attr-defined]
        thread._threads_queues[worker] = queue  # type: ignore[index]

    def idle(self) -> None:
        """Take note that a thread has nothing to do: no new one is needed for the next task."""
        if len(self._threads) < self._max_workers:
            self._idle.append(None)


def _at_once(function: Callable[..., Any], calls: list[Any], workers: int) -> list[Any] | None:
    batch = batch_of(function)
    return None if batch is None else batch(calls, workers)


def _work(reference: Callable[[], Executor | None], queue: Any, lock: Any, initializer: Any, initargs: Any) -> None:
    """Loop of a thread; `reference` must not keep the executor alive."""
    _here.lock = lock
    if initializer is not None:
        try:
            initializer(*initargs)
        except BaseException:
            LOGGER.critical("Exception in initializer:", exc_info=True)
            if (executor := reference()) is not None:
                executor._initializer_failed()
            else:
                _drop_all(queue)
            return

    def announce() -> bool:
        if not queue.empty() or (executor := reference()) is None:
            return False
        executor.idle()
        return True

    def take() -> Any:
        with suppress(Empty):
            return queue.get_nowait()
        announce()
        return queue.get()

    told = False
    while True:
        task = queue.get() if told else take()
        if task is not None:
            told = task.run(announce)
            task = None
        elif _is_over(reference()):
            queue.put(None)  # for the next thread
            return


def _drop_all(queue: Any) -> None:
    """What waits for threads that cannot begin, of an executor that nobody holds any more."""
    with suppress(Empty):
        while True:
            if (task := queue.get_nowait()) is not None:
                task.future.set_exception(thread.BrokenThreadPool("an initialiser has failed"))


def _is_over(executor: Executor | None) -> bool:
    if executor is not None and not executor._shutdown and not thread._shutdown:
        return False
    if executor is not None:
        executor._shutdown = True
    return True

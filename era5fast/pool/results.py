"""What asynchronous calls of a :class:`~era5fast.pool.ThreadPool` give: results that are waited for.

Each of them is also the ticket that workers take (:mod:`.crew`). A worker that waits for a result of its own pool
does the part of it that nobody has begun, so that tasks may wait for tasks of the same pool.
"""

from __future__ import annotations

import builtins
import functools
import multiprocessing
import reprlib
import sys
import threading
import time
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice, repeat, starmap
from operator import length_hint
from typing import Any

from .crew import Crew
from .native import Gathering, batch_of, gathers, outcome

__all__ = [
    "AsyncResult",
    "Failed",
    "GatheredResult",
    "IMapIterator",
    "IMapUnorderedIterator",
    "MapResult",
    "TimeoutError",
    "each",
    "each_star",
]


class TimeoutError(multiprocessing.TimeoutError, builtins.TimeoutError):
    """A result was not there in time: the error of the standard library's pools, and the built-in one."""


Callback = Callable[[Any], Any] | None


class AsyncResult:
    """The result of a call that a pool has been asked for; made by ``apply_async``.

    The callbacks are called before the result is ready, one at a time in the whole pool. What a callback raises
    becomes the outcome of the call.
    """

    def __init__(self, crew: Crew, owner: Any, callback: Callback, error_callback: Callback) -> None:
        self._crew = crew
        self._pool = owner  # keeps the pool as long as something is to come
        self._callback, self._error_callback = callback, error_callback
        self._done, self._success = False, True
        self._value: Any = None
        self._waiting: list[Any] = []  # locks of those who wait
        self._call: list[Any] = []  # taken out by whoever makes the call

    __class_getitem__: Any = classmethod(types.GenericAlias)

    # --- for those who wait ---

    def ready(self) -> bool:
        """Whether the result is there."""
        return self._done

    def successful(self) -> bool:
        """Whether the call ended without an exception.

        Raises
        ------
        ValueError
            If it has not ended.
        """
        if not self._done:
            raise ValueError(f"{self!r} not ready")
        return self._success

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the result is there, or for so many seconds."""
        if self._done:
            return
        if self._crew.is_mine():
            self.run()
        self._crew.check_process()
        lock = threading.Lock()
        lock.acquire()
        self._waiting.append(lock)
        if not self._done:  # who sets it looks for locks afterwards
            lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), threading.TIMEOUT_MAX))

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the result, and return it or raise what the call has raised.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Raises
        ------
        TimeoutError
            If it is not there in time.
        """
        self.wait(timeout)
        if not self._done:
            raise TimeoutError
        if self._success:
            return self._value
        raise self._value

    # --- for the pool and its workers ---

    def ask(self, function: Callable[..., Any], args: Iterable[Any], kwds: Mapping[str, Any]) -> None:
        """Have a worker make the call."""
        self._call.append((function, args, kwds))
        self._crew.put(self)

    def run(self) -> None:
        """Make the call, unless somebody has begun it."""
        try:
            function, args, kwds = self._call.pop()
        except IndexError:
            return
        success, value = outcome(function, args, kwds)
        del function, args, kwds
        self._finish(success, value)

    def drop(self, error: BaseException) -> None:
        """Give up the call, unless somebody has begun it."""
        try:
            self._call.pop()
        except IndexError:
            return
        self._finish(False, error)

    def _finish(self, success: bool, value: Any) -> None:
        callback = self._callback if success else self._error_callback
        if callback is not None:
            with self._crew.callbacks:
                try:
                    callback(value)
                except BaseException as error:
                    if not success:
                        error.__context__ = error.__context__ or value  # what the call itself has raised
                    success, value = False, error
        self._success, self._value, self._done = success, value, True
        self._pool = self._callback = self._error_callback = None
        for lock in self._waiting:
            lock.release()


class GatheredResult(AsyncResult):
    """The result of a native function that may make other calls with this one."""

    def gather(self, gathering: Gathering, args: tuple[Any, ...]) -> None:
        """Have a worker make the call, and others with it."""
        self._gathering = gathering
        self._call.append(args)
        gathering.add(self)
        self._crew.put(self)

    def claim(self) -> tuple[Any, ...] | None:
        """Arguments of the call for the first who asks; for all others None."""
        try:
            args: tuple[Any, ...] = self._call.pop()
        except IndexError:
            return None
        return args

    def run(self) -> None:
        """Make the call, unless somebody has begun it, and those that wait with it."""
        for result, (success, value) in self._gathering.make(self):
            result._finish(success, value)


def each(function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Results of a chunk of ``map``."""
    return [function(item) for item in items]


def each_star(function: Callable[..., Any], items: Sequence[Iterable[Any]]) -> list[Any]:
    """Results of a chunk of ``starmap``."""
    results = list(starmap(function, items))
    if len(results) < len(items):  # which ends there as if there were no more
        raise StopIteration(f"raised by the call with {reprlib.repr(items[len(results)])}")
    return results


class MapResult(AsyncResult):
    """The results of a function for many arguments, which come together; made by ``map_async``.

    Ready when all are done, also after one has failed; the exception is the first in time. After a failure the rest
    of its chunk is left out, but no other chunk.
    """

    def __init__(
        self,
        crew: Crew,
        owner: Any,
        each: Callable[[Any, Sequence[Any]], list[Any]],
        function: Callable[..., Any],
        items: Sequence[Any],
        chunksize: int,
        callback: Callback,
        error_callback: Callback,
    ) -> None:
        super().__init__(crew, owner, callback, error_callback)
        self._each = each
        self._function, self._items, self._chunksize = function, items, chunksize
        self._results: list[Any] = [None] * len(items)
        self._total = len(items)
        self._left = -(-len(items) // chunksize)  # chunks not done
        self._starts = shared(range(0, len(items), chunksize))
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def begin(self, workers: int, failure: BaseException | None) -> None:
        """Have workers do the chunks, unless the input has failed."""
        if failure is not None:
            self._finish(False, failure)
        elif self._left == 0:  # without a callback, as users know it
            self._value, self._done, self._pool = [], True, None
        else:
            self._crew.put(self, min(workers, self._left))

    def counts(self) -> tuple[int, int]:
        """How many calls have been begun, in whole chunks, and how many there are."""
        return max(0, self._total - length_hint(self._starts) * self._chunksize), self._total

    def run(self) -> None:
        """Do chunks until there is none that nobody has begun."""
        done, crew, each = 0, self._crew, self._each
        function, items, results, size = self._function, self._items, self._results, self._chunksize
        for start in self._starts:
            done += 1
            try:
                if crew.error is not None:
                    raise crew.error
                results[start : start + size] = each(function, items[start : start + size])
            except BaseException as error:
                self._fail(error)
        del function, items, results
        self._count(done)

    def drop(self, error: BaseException) -> None:
        """Give up the chunks that nobody has begun."""
        if chunks := sum(1 for _ in self._starts):
            self._fail(error)
            self._count(chunks)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._failure = self._failure or error

    def _count(self, chunks: int) -> None:
        with self._lock:
            self._left -= chunks
            last = chunks > 0 and self._left == 0
        if last:
            failure, results = self._failure, self._results
            self._items = self._results = []
            self._finish(*((True, results) if failure is None else (False, failure)))


class _Locked:
    """An iterator that several threads may take from."""

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator, self._lock = iterator, threading.Lock()

    def __iter__(self) -> _Locked:
        return self

    def __next__(self) -> Any:
        with self._lock:
            return next(self._iterator)

    def __length_hint__(self) -> int:
        return length_hint(self._iterator)


def shared(values: range | list[Any]) -> Iterator[Any]:
    """Iterator over values that several threads may take from: each value comes once.

    The interpreter lock is protection enough for one over a range or a list; without it there is a lock.
    """
    return _for_threads(iter(values))


def _for_threads(iterator: Iterator[Any]) -> Any:
    free_threaded = hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled()
    return _Locked(iterator) if free_threaded else iterator


def shared_out(values: list[Any]) -> tuple[Iterator[Any], Callable[[], int]]:
    """Iterator as of :func:`shared`, and what says how many are left."""
    iterator = shared(values)
    return iterator, functools.partial(length_hint, iterator)


def handed_over(values: list[Any]) -> tuple[Iterator[Any], Callable[[], int]]:
    """As :func:`shared_out`, of an iterator that keeps nothing that it has given: `values` grows shorter."""
    values.reverse()
    turns = repeat(values, len(values))
    return _for_threads(map(list.pop, turns)), functools.partial(length_hint, turns)


_SMALL = 64  # calls in a chunk: smaller ones are handed out together


class Failed:
    """In the place of a result: what a call has raised."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


Outcomes = list[Any]  # results, and perhaps Failed


class IMapIterator:
    """Results of a function for many arguments, one after the other; made by ``imap``.

    A bounded number of results wait to be taken; workers go on when some are. A pool that is closed does all that is
    left, whether it is taken or not.
    """

    def __init__(
        self,
        crew: Crew,
        owner: Any,
        function: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int,
        buffersize: int,
    ) -> None:
        self._crew, self._pool = crew, owner
        self._function, self._iterable, self._chunksize = function, iterable, chunksize
        self._batch, self._gathers = batch_of(function), gathers(function)
        self._room: float = -(-buffersize // chunksize)  # chunks that may be begun before some are taken
        self._lock = threading.Lock()
        self._begun = self._taken = 0  # chunks
        self._total: int | None = None  # chunks, once the input has ended
        self._may_read = threading.Event()  # there is room
        self._may_read.set()
        self._fed: deque[tuple[int, list[Any]]] = deque()  # begun, and waiting for a worker
        self._came: dict[int, Outcomes] = {}  # chunks that were done, by number
        self._now: Iterator[Any] = shared([])  # what is being handed out
        self._left_now: Callable[[], int] = int  # how many these are
        self._failure: BaseException | None = None  # what comes after them
        self._waiting: list[Any] = []  # locks of those who wait

    __class_getitem__: Any = classmethod(types.GenericAlias)

    def start(self) -> None:
        """Begin to read the input, in a thread of its own: reading may wait for anything, also for other tasks."""
        self._crew.open.add(self)
        threading.Thread(target=self._feed, name="Feeder", daemon=True).start()

    # --- for those who wait ---

    def __iter__(self) -> Iterator[Any]:
        # What is still to come of chunks; as in the standard library, it ends with a failure.
        return self if self._chunksize == 1 else chain.from_iterable(_Parts(self))

    def next(self, timeout: float | None = None) -> Any:
        """Next result; a failed call raises at its turn, and the iterator goes on.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most.

        Raises
        ------
        TimeoutError
            If it is not there in time; it is not lost.
        StopIteration
            If there are no more.
        """
        for value in self._now:
            return value
        for value in self.part(timeout):
            return value
        return self.next(timeout)  # another thread was quicker

    __next__ = next

    def part(self, timeout: float | None = None) -> Iterator[Any]:
        """What can be handed out next, for all threads the same; as :meth:`next`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            if (now := self._take()) is not None:
                return now
            if not self._wait(deadline):
                raise TimeoutError

    def _take(self) -> Iterator[Any] | None:
        """What can be handed out; None while there is nothing."""
        with self._lock:
            if self._left_now():
                return self._now
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if not self._may_read.is_set() and self._begun - self._taken <= self._room / 2:
                self._may_read.set()
            before, values = self._taken, self._values()
            if self._taken == before == self._total:
                self._pool = None
                raise StopIteration
            if self._taken == before:
                return None
            self._now, self._left_now = (handed_over if self._chunksize < _SMALL else shared_out)(values)
            return self._now

    def _values(self) -> list[Any]:
        """Values of a chunk, or of all small chunks that there are, as far as none has failed."""
        values: list[Any] = []
        for chunk in self._ready():
            self._taken += 1
            if values:
                values += chunk
            else:
                values = chunk
            if chunk and type(chunk[-1]) is Failed:
                self._failure = values.pop().error
                if isinstance(self._failure, StopIteration):  # it would end a loop as if there were no more
                    self._failure, cause = RuntimeError("a call raised StopIteration"), self._failure
                    self._failure.__cause__ = cause
                break
            if self._chunksize >= _SMALL:
                break
        return values

    def _ready(self) -> Iterator[Outcomes]:
        """Chunks that may be handed out next, taken off."""
        while (chunk := self._came.pop(self._taken, None)) is not None:
            yield chunk

    def _has_more(self) -> bool:
        return self._taken in self._came

    def _deliver(self, number: int, chunk: Outcomes) -> None:
        self._came[number] = chunk

    def _wait(self, deadline: float | None) -> bool:
        """Wait until something came; False when it is too late."""
        self._crew.check_process()
        if self._crew.is_mine() and self._fed:
            self._do_one()
            return True
        lock = threading.Lock()
        lock.acquire()
        self._waiting.append(lock)
        # Who adds to them looks for locks afterwards.
        if self._has_more() or self._failure is not None or self._left_now() or self._taken == self._total:
            return True
        left = -1.0 if deadline is None else max(deadline - time.monotonic(), 0)
        return self._wait_for(lock, min(left, threading.TIMEOUT_MAX))

    def _wait_for(self, lock: Any, seconds: float) -> bool:
        return bool(lock.acquire(timeout=seconds))

    def wake(self) -> None:
        """Have those who wait look again."""
        while self._waiting:
            with suppress(IndexError):
                self._waiting.pop().release()

    # --- for workers ---

    def run(self) -> None:
        """Do chunks until there is none that nobody has begun."""
        while self._fed:
            self._do_one()

    def _do_one(self) -> None:
        if self._gathers:
            self._do_all()
        else:
            try:
                number, items = self._fed.popleft()
            except IndexError:
                return
            self._deliver(number, self._outcomes(items))
        if self._waiting:
            self.wake()

    def _do_all(self) -> None:
        """Do at once all that there is, of a function that can."""
        chunks: list[tuple[int, list[Any]]] = []
        with suppress(IndexError):
            chunks.extend(self._fed.popleft() for _ in range(len(self._fed)))
        if len(chunks) < 2 or not self._deliver_at_once(chunks):
            for number, items in chunks:
                self._deliver(number, self._outcomes(items))

    def _deliver_at_once(self, chunks: list[tuple[int, list[Any]]]) -> bool:
        calls = [(item,) for _, items in chunks for item in items]
        if self._batch is None or (values := self._batch(calls, self._crew.size)) is None:
            return False
        results = iter(values)
        for number, items in chunks:
            self._deliver(number, list(islice(results, len(items))))
        return True

    def _outcomes(self, items: list[Any]) -> Outcomes:
        outcomes: Outcomes = []
        function, add, batch = self._function, outcomes.append, self._batch if len(items) > 1 else None
        try:
            if batch is not None and (values := batch([(item,) for item in items], self._crew.size)) is not None:
                return list(values)
            for item in items:
                add(function(item))
        except BaseException as error:  # the rest of the chunk is left out
            outcomes.append(Failed(error))
        return outcomes

    def drop(self, error: BaseException) -> None:
        """Give up what nobody has begun."""
        with suppress(IndexError):
            while True:
                self._deliver(self._fed.popleft()[0], [Failed(error)])
        self._end(error)

    # --- the input ---

    def go_on(self) -> None:
        """Read on without a bound."""
        self._room = float("inf")
        self._may_read.set()

    def _feed(self) -> None:
        failure: BaseException | None = None
        fed, size = self._fed, self._crew.size
        free = 0.0  # chunks that may be begun without another look
        try:
            for items in self._chunks():
                if free < 1:
                    free = self._wait_for_room()
                with self._lock:
                    if self._total is not None:  # given up meanwhile
                        break
                    fed.append((self._begun, items))
                    self._begun += 1
                free -= 1
                # Who works goes on until nothing is left here: more tickets than workers are of no use.
                if len(fed) <= size:
                    self._crew.put(self)
        except BaseException as error:
            failure = error
        self._end(failure)

    def _chunks(self) -> Iterator[list[Any]]:
        source = iter(self._iterable)
        if self._chunksize == 1:
            return ([item] for item in source)
        return iter(lambda: list(islice(source, self._chunksize)), [])

    def _wait_for_room(self) -> float:
        """Chunks that may be begun now."""
        if (free := self._free()) < 1:
            self._may_read.clear()
            if (free := self._free()) < 1:  # still, so that whoever takes the rest will say so
                self._may_read.wait()
                free = max(1, self._free())
        return free

    def _free(self) -> float:
        with self._lock:  # what is handed out does not count twice, or not at all
            waiting = -(-self._left_now() // self._chunksize)
            return self._room - (self._begun - self._taken + waiting)

    def _end(self, failure: BaseException | None) -> None:
        """No more comes, but for the failure."""
        with self._lock:
            if self._total is not None:
                return
            if failure is not None:
                self._deliver(self._begun, [Failed(failure)])
                self._begun += 1
            self._total = self._begun
        self._may_read.set()
        self._crew.ended(self)
        self.wake()


class _Parts:
    """What an iterator can hand out, part after part."""

    def __init__(self, results: IMapIterator) -> None:
        self._results = results

    def __iter__(self) -> _Parts:
        return self

    def __next__(self) -> Iterator[Any]:
        return self._results.part()


class IMapUnorderedIterator(IMapIterator):
    """As :class:`IMapIterator`, in the order in which results come; made by ``imap_unordered``."""

    def start(self) -> None:
        """Begin to read the input."""
        self._arrived: deque[Outcomes] = deque()
        super().start()

    def _ready(self) -> Iterator[Outcomes]:
        with suppress(IndexError):
            while True:
                yield self._arrived.popleft()

    def _has_more(self) -> bool:
        return bool(self._arrived)

    def _deliver(self, number: int, chunk: Outcomes) -> None:
        self._arrived.append(chunk)

"""What asynchronous calls of a :class:`~era5fast.pool.Pool` give: as those of threads, with outcomes that arrive."""

from __future__ import annotations

from typing import Any

from .process_crew import ProcessCrew
from .results import AsyncResult, Callback, Failed, IMapIterator, IMapUnorderedIterator
from .worker import CALL, UNTIL_FAILURE

__all__ = ["InOrder", "InOrderOfArrival", "ProcessMapResult", "ProcessResult"]


class ProcessResult(AsyncResult):
    """The result of one call."""

    _crew: Any

    def __init__(self, crew: ProcessCrew, owner: Any, callback: Callback, error_callback: Callback) -> None:
        super().__init__(crew, owner, callback, error_callback)  # type: ignore[arg-type]
        self.number = crew.register(self)

    def run(self) -> None:
        """In a callback, which is what all results that are to come have to wait for."""
        if not self._done:
            raise RuntimeError("a callback that waits for a result of the same pool would wait for itself")

    def set(self, index: int, success: bool, value: Any) -> None:
        """Take the outcome."""
        if self._crew.forget(self.number):
            self._finish(success, value)

    def drop(self, error: BaseException) -> None:
        """Expect no more."""
        if self._crew.forget(self.number):
            self._finish(False, error)


class ProcessMapResult(ProcessResult):
    """The results of many calls, which come together."""

    def __init__(
        self,
        crew: ProcessCrew,
        owner: Any,
        length: int,
        chunksize: int,
        callback: Callback,
        error_callback: Callback,
    ) -> None:
        super().__init__(crew, owner, callback, error_callback)
        self._results: list[Any] = [None] * length
        self._failure: BaseException | None = None
        self._total, self._chunksize, self._left = length, chunksize, -(-length // chunksize)

    def counts(self) -> tuple[int, int]:
        """How many calls have ended, in whole chunks, and how many there are."""
        return max(0, self._total - self._left * self._chunksize), self._total

    def finish_without(self, failure: BaseException | None) -> None:
        """Be ready at once: of no calls, without a callback, as users know it; or with the failure of the input."""
        if failure is None:
            self._callback = None
        if self._crew.forget(self.number):
            self._finish(*((True, []) if failure is None else (False, failure)))

    def set(self, index: int, success: bool, value: Any) -> None:
        """Take the outcome of a chunk."""
        if success:
            self._results[index * self._chunksize : (index + 1) * self._chunksize] = value
        else:
            self._failure = self._failure or value
        self._left -= 1
        if self._left == 0 and self._crew.forget(self.number):
            self._finish(*((True, self._results) if self._failure is None else (False, self._failure)))


class InOrder(IMapIterator):
    """Results one after the other: chunks are handed on as tasks."""

    _crew: Any

    def start(self) -> None:
        """Begin to read the input."""
        self._asked: set[int] = set()  # chunks that processes have
        self._number = self._crew.register(self)
        super().start()

    def _do_one(self) -> None:
        try:
            number, items = self._fed.popleft()
        except IndexError:
            return
        self._asked.add(number)
        alone = self._chunksize == 1
        task = CALL if alone else UNTIL_FAILURE, self._function, ((items[0],), {}) if alone else items
        self._crew.ask(((self._number, number, *task),))

    def set(self, index: int, success: bool, value: Any) -> None:
        """Take the outcome of a chunk."""
        self._asked.discard(index)
        self._deliver(index, value if success and self._chunksize > 1 else [value if success else Failed(value)])
        self._crew.to_wake.add(self)
        self.forget()

    def drop(self, error: BaseException) -> None:
        """Give up what processes have, and what nobody has begun."""
        super().drop(error)
        for number in tuple(self._asked):
            self.set(number, False, error)
        self.wake()

    def forget(self) -> None:
        """Let the crew know when nothing more can come."""
        if not self._asked and self._total is not None:
            self._crew.forget(self._number)


class InOrderOfArrival(InOrder, IMapUnorderedIterator):
    """Results in the order in which they come."""

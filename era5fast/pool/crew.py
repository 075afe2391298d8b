"""The threads behind a :class:`~era5fast.pool.ThreadPool`: one queue, no helpers.

A crew belongs to one pool and never refers to it, so that a pool that nobody holds any more can end. What is queued
is called a ticket: an object whose ``run()`` does some work, or all that is left of it. The same ticket may be queued
several times, and then several workers share its work.
"""

from __future__ import annotations

import os
import queue
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

__all__ = ["Crew", "PoolError"]


class PoolError(RuntimeError):
    """A call that a pool can never answer: it was terminated, is broken, or did not survive a fork."""


class Ticket(Protocol):
    """What stands in the queue of a crew."""

    def run(self) -> None:
        """Do the work; never raises."""

    def drop(self, error: BaseException) -> None:
        """Give `error` to whoever waits for what was not begun."""


class Worker(threading.Thread):
    """A thread of a crew; looks like the entries of other pools."""

    @property
    def exitcode(self) -> int | None:
        """0 when the thread has ended, else None."""
        return None if self.is_alive() or self.ident is None else 0


class Crew:
    """Threads that take tickets from one queue, in its order.

    Parameters
    ----------
    size : int
        Number of threads.
    initializer : callable, optional
        Called once in each of them with `initargs`. When it fails the crew is broken.
    initargs : tuple
        Arguments of `initializer`.
    """

    def __init__(self, size: int, initializer: Callable[..., Any] | None, initargs: tuple[Any, ...]) -> None:
        self.queue: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self.callbacks = threading.RLock()  # one callback at a time, and a callback may wait for others
        self.workers: list[Worker] = []
        self.open: set[Any] = set()  # iterators whose input has not ended
        self.error: BaseException | None = None  # why nothing more is done: set once, then everything is dropped
        self._initializer, self._initargs = initializer, initargs
        self.size, self._leaving = size, False
        self._pid = os.getpid()
        self._here = threading.local()
        _crews.add(self)

    def start(self) -> None:
        """Begin."""
        self.fill()

    def fill(self) -> None:
        """Bring the number of threads up to its size; on failure those already started leave again."""
        try:
            while len(self.workers) < self.size:
                worker = Worker(target=self._work, name=f"Worker-{len(self.workers)}", daemon=True)
                worker.start()
                self.workers.append(worker)
        except BaseException:
            self.leave()
            self.join()
            raise

    def put(self, ticket: Ticket, times: int = 1) -> None:
        """Queue a ticket, for at most so many workers at once."""
        for _ in range(times):
            self.queue.put(ticket)
        if self.error is not None:  # meanwhile: nobody may be there to take it
            self._drop_queue()

    def check_process(self) -> None:
        """Refuse to wait for what can never be done: threads do not survive a fork."""
        if os.getpid() != self._pid:
            raise PoolError("the threads of a pool do not survive a fork; make a pool in the child")

    def is_mine(self) -> bool:
        """Whether the thread that asks is one of these workers."""
        return getattr(self._here, "works", False)

    def leave(self) -> None:
        """Have the workers go when all has been done."""
        self._leaving = True
        for iterator in tuple(self.open):
            iterator.go_on()
        self._say_goodbye()

    def ended(self, iterator: Any) -> None:
        """Take note that the input of an iterator has ended."""
        self.open.discard(iterator)
        if self._leaving:
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        if not self.open:
            for _ in range(self.size):
                self.queue.put(None)

    def stop(self, error: BaseException) -> None:
        """Drop all that was not begun; workers go after what they are doing."""
        self.error = self.error or error
        self._drop_queue()

    give_up = stop  # which does not wait

    def join(self) -> None:
        """Wait for the workers to go."""
        if os.getpid() == self._pid:
            for worker in self.workers:
                worker.join()

    def _drop_queue(self) -> None:
        assert self.error is not None
        for iterator in tuple(self.open):
            iterator.drop(self.error)
        with suppress(queue.Empty):
            while True:
                if (ticket := self.queue.get_nowait()) is not None:
                    ticket.drop(self.error)
        for _ in range(self.size):  # last, since another thread that drops takes these as well
            self.queue.put(None)

    def _work(self) -> None:
        self._here.works = True
        try:
            if self._initializer is not None:
                self._initializer(*self._initargs)
        except BaseException as error:
            broken = PoolError(f"the pool is broken: its initializer raised {error!r}")
            broken.__cause__ = error
            self.stop(broken)
            return
        take = self.queue.get
        while True:
            ticket = take()
            if ticket is None:
                return
            ticket.run()
            del ticket  # neither arguments nor results are kept while the worker waits

    def forget_lock(self) -> None:
        """After a fork, in the child: a lock may have been held by a thread that is not here."""
        self.callbacks = threading.RLock()


_crews: weakref.WeakSet[Crew] = weakref.WeakSet()


def _after_fork() -> None:
    for crew in _crews:
        crew.forget_lock()


os.register_at_fork(after_in_child=_after_fork)

"""The processes behind a :class:`~era5fast.pool.Pool`, and the threads that speak with them.

Tasks go out through one :class:`~.channel.Channel`, from which each process takes one when it is free, and answers
come back through another. One thread packs tasks, one unpacks answers, and one sleeps until a process ends. None of
them refers to the pool, so that a pool that nobody holds any more can end.
"""

from __future__ import annotations

import functools
import itertools
import multiprocessing.connection
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from .channel import Channel, Gone, Message
from .crew import PoolError
from .worker import Packer, unpacked, work

__all__ = ["ProcessCrew", "Task"]

#: Who has asked, its number of the part, the kind of call, the function, and its arguments as the kind wants them.
Task = tuple[int, int, int, Any, Any]

_AT_ONCE = 256  # tasks that are packed before they are sent …
_BYTES_AT_ONCE = 1 << 20  # … unless they are as large as this together
_PATIENCE = 5.0  # seconds that a process has to end when it is asked to


class Asker(Protocol):
    """Who has asked for calls; is told of each outcome, from any thread."""

    def set(self, index: int, success: bool, value: Any) -> None:
        """Take the outcome of one part."""

    def drop(self, error: BaseException) -> None:
        """Expect no more."""


class ProcessCrew:
    """Processes that take tasks in the order in which they were asked for.

    Parameters
    ----------
    size : int
        Number of processes.
    initializer : callable, optional
        Called once in each of them with `initargs`. When it fails the crew is broken.
    initargs : tuple
        Arguments of `initializer`.
    most : int, optional
        Tasks after which a process is replaced.
    context : multiprocessing context
        How they are started.
    """

    def __init__(
        self,
        size: int,
        initializer: Callable[..., Any] | None,
        initargs: tuple[Any, ...],
        most: int | None,
        context: Any,
    ) -> None:
        self.size = size
        self.callbacks = threading.RLock()  # one callback at a time
        self.workers: list[Any] = []
        self.open: set[Any] = set()  # iterators whose input has not ended
        self.error: BaseException | None = None  # why nothing more is done: set once, then everything is dropped
        self.to_wake: set[Any] = set()  # iterators that got answers since those who wait were woken
        self._tasks, self._answers = Channel(context), Channel(context)
        self._troubles = context.SimpleQueue()
        self._forks = context.get_start_method() == "fork"
        args = (self._tasks, self._answers, self._troubles, initializer, initargs, most)
        self._make = functools.partial(context.Process, target=work, args=args, daemon=True)
        self._queue: queue.SimpleQueue[Iterable[Task] | None] = queue.SimpleQueue()
        self._askers: dict[int, Asker] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()
        self._leaving = self._all_done = False
        self._ended = 0  # processes that ended as they should
        self._bell = context.Pipe(duplex=False)
        self._pid = os.getpid()
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True)
            for name, target in (("Feeder", self._feed), ("Listener", self._listen), ("Watcher", self._watch))
        ]

    def start(self) -> None:
        """Begin; on failure processes already started leave again."""
        self.fill()
        for thread in self._threads:  # after the processes, which then are forked of a single thread
            thread.start()

    def fill(self) -> None:
        """Bring the number of processes up to its size, and have them watched."""
        self._fill()
        self._ring()

    def _fill(self) -> None:
        try:
            with self._lock:
                while len(self.workers) < self.size and not self._all_done and self.error is None:
                    self.workers.append(self._start_one())
        except BaseException as error:
            self.give_up(PoolError(f"a process of the pool cannot be started: {error}"))
            for worker in self.workers:
                worker.join()
            raise

    def _start_one(self) -> Any:
        worker = self._make()
        worker.name = worker.name.replace("Process", "PoolWorker")
        if not self._forks:
            worker.start()
            return worker
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # until the process is ready for it
        try:
            worker.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return worker

    # --- tasks ---

    def register(self, asker: Asker) -> int:
        """Number under which somebody asks."""
        number = next(self._numbers)
        self._askers[number] = asker
        return number

    def forget(self, number: int) -> bool:
        """Take note that all that was asked for is there; False when somebody else has done so."""
        if self._askers.pop(number, None) is None:
            return False
        if self._leaving:
            self._say_goodbye()
        return True

    def ask(self, tasks: Iterable[Task]) -> None:
        """Have processes do tasks."""
        self._queue.put(tasks)
        if self.error is not None:  # meanwhile: nobody may be there to do them
            self._drop_all(self.error)

    def put(self, ticket: Any, times: int = 1) -> None:
        """Have an iterator ask for what it has."""
        ticket.run()

    def _feed(self) -> None:
        packer, messages, size, most = Packer(), list[Message](), 0, self.size
        with self._to_the_end():
            for task in self._queued():
                if task is not None:
                    size += self._pack(packer, task, messages)
                if task is None or len(messages) >= most or size >= _BYTES_AT_ONCE:
                    self._tasks.put(messages)
                    messages, size = [], 0
                    most = self.size if task is None else min(2 * most, _AT_ONCE)
                    packer.forget()

    @contextmanager
    def _to_the_end(self) -> Iterator[None]:
        """Work of a thread, which ends with the crew: whatever else ends it, who waits must hear of it."""
        try:
            yield
        except (Gone, OSError):
            pass
        except BaseException as error:
            self.give_up(PoolError(f"a thread of the pool failed: {error!r}"))

    def _queued(self) -> Iterator[Task | None]:
        """Tasks, and None when there are no more for the moment."""
        while True:
            if self._queue.empty():
                yield None
            tasks = self._queue.get()
            if tasks is None:
                return
            yield from tasks
            tasks = None

    def _pack(self, packer: Packer, task: Task, messages: list[Message]) -> int:
        """Add the message of a task; gives its size."""
        number, index, *call = task
        try:
            kind, body = packer.pack_call(*call)
        except BaseException as error:
            if (asker := self._askers.get(number)) is not None:
                asker.set(index, False, error)
                self._wake()
            return 0
        messages.append((number, index, kind, body))
        return len(body)

    # --- answers ---

    def _listen(self) -> None:
        with self._to_the_end():
            while True:
                for number, index, fine, body in self._answers.take(_AT_ONCE):
                    self._hand_out(number, index, fine, body)
                self._wake()

    def _hand_out(self, number: int, index: int, fine: int, body: Any) -> None:
        asker = self._askers.get(number)
        if asker is None:  # it was dropped
            return
        try:
            success, value = bool(fine), unpacked(body)
        except BaseException as error:
            success, value = False, error
        asker.set(index, success, value)

    def _wake(self) -> None:
        with suppress(KeyError):  # two threads do this
            while self.to_wake:
                self.to_wake.pop().wake()

    # --- processes ---

    def _watch(self) -> None:
        """Replace processes that ended as they should; any other end breaks the crew."""
        while self.workers and self.error is None:
            sentinels = [worker.sentinel for worker in self.workers]
            multiprocessing.connection.wait([*sentinels, self._bell[0]])
            while self._bell[0].poll():
                self._bell[0].recv_bytes()
            for worker in [worker for worker in self.workers if worker.exitcode is not None]:
                self._bury(worker)
            with suppress(Exception):  # _break() has told all who wait
                self._fill()  # without a ring, which would never let this thread sleep
        for worker in self.workers:
            worker.join()
        self._release()

    def _bury(self, worker: Any) -> None:
        self._ended += worker.exitcode == 0
        if worker.exitcode != 0 or self._ended > self._tasks.left:
            text = f"a worker of the pool died (exit code {worker.exitcode})"
            self.give_up(PoolError(text if self._troubles.empty() else f"{text}: {self._troubles.get()}"))
        with self._lock:
            self.workers.remove(worker)

    def _ring(self) -> None:
        """Have the watcher look again."""
        with suppress(OSError):
            self._bell[1].send_bytes(b"!")

    # --- the end ---

    def check_process(self) -> None:
        """Refuse to wait for what can never come."""
        if os.getpid() != self._pid:
            raise PoolError("a pool cannot be used in a forked child; make a pool there")

    def is_mine(self) -> bool:
        """Whether the thread that asks is one on which answers depend."""
        return threading.current_thread() in self._threads

    def leave(self) -> None:
        """Have the processes go when all has been done."""
        self._leaving = True
        for iterator in tuple(self.open):
            iterator.go_on()
        self._say_goodbye()

    def ended(self, iterator: Any) -> None:
        """Take note that the input of an iterator has ended."""
        self.open.discard(iterator)
        iterator.forget()

    def _say_goodbye(self) -> None:
        if not self._askers:
            self._all_done = True
            if self.error is None:  # else processes have been told, and a dead one may hold the lock
                with suppress(Gone):
                    self._tasks.close()
            self._ring()

    def stop(self, error: BaseException) -> None:
        """Drop all that was not done, end the processes at once, and wait until they are gone."""
        self.give_up(error)
        self.join()

    def give_up(self, error: BaseException) -> None:
        """The same without waiting."""
        with self._lock:
            self.error = self.error or error
            workers = tuple(self.workers)
        for worker in workers:
            worker.terminate()
        self._ring()
        self._drop_all(self.error)

    def _drop_all(self, error: BaseException) -> None:
        for iterator in tuple(self.open):
            iterator.drop(error)
        for asker in tuple(self._askers.values()):
            asker.drop(error)

    def _release(self) -> None:
        """Have the threads go."""
        self._queue.put(None)
        self._tasks.give_up()
        self._answers.give_up()

    def join(self) -> None:
        """Wait for the processes to go; those that do not when they were asked to are killed."""
        if os.getpid() != self._pid:
            return
        for thread in reversed(self._threads):
            while thread.is_alive() and thread is not threading.current_thread():
                thread.join(_PATIENCE)
                if self.error is not None:
                    for worker in tuple(self.workers):
                        worker.kill()

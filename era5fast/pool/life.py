"""From its beginning to its end: what pools of threads and of processes have in common."""

from __future__ import annotations

import multiprocessing.pool
import multiprocessing.util
import warnings
from multiprocessing.pool import CLOSE, INIT, RUN, TERMINATE
from typing import Any

from .crew import PoolError

__all__ = ["Life"]


class Life(multiprocessing.pool.Pool):
    """States of a pool, which belong to it, and of its crew, which does the work and does not know it."""

    _state: str = INIT
    _crew: Any

    def _begin(self, crew: Any) -> None:
        self._crew = crew
        crew.start()
        # Also when the pool is collected, or Python ends.
        self._terminate = multiprocessing.util.Finalize(self, _end, args=(crew,), exitpriority=15)
        self._state = RUN

    @property
    def _pool(self) -> list[Any]:
        workers: list[Any] = self._crew.workers
        return workers

    def _repopulate_pool(self) -> None:
        self._crew.fill()

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

        Processes are ended also in the middle of a call.

        Raises
        ------
        RuntimeError
            In a worker of this pool, but for callbacks: these may end it.
        """
        if self._crew.callbacks._is_owned():  # which a worker calls: it cannot wait for itself
            self._state = TERMINATE
            self._crew.give_up(_terminated())
            return
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

    def __enter__(self) -> Any:
        self._check_running()
        return self

    def __exit__(self, *exception: object) -> None:
        self.terminate()

    def __del__(self, _warn: Any = warnings.warn, _run: str = RUN) -> None:
        if self._state == _run:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)


def _end(crew: Any) -> None:
    crew.stop(_terminated())


def _terminated() -> PoolError:
    return PoolError("the pool was terminated before this call ended")

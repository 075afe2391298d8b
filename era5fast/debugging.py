"""Showing every call of the service, for the time of a call and to whom it was promised."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator

__all__ = ["is_wanted", "shown"]

log = logging.getLogger("era5fast")

_lock = threading.Lock()
_handler: logging.Handler | None = None


def is_wanted(given: bool | None) -> bool:
    """Whether every call is to be shown: as it was said, else when the environment variable ERA5FAST_DEBUG is 1."""
    if given is not None:
        return given
    return os.environ.get("ERA5FAST_DEBUG", "").lower() in ("1", "true", "yes", "on")


class _Desk(logging.Filter):
    """Hands lines to those who asked to be called instead of the logger's handlers; one for all threads.

    Attributes
    ----------
    takers : tuple of callable
        They get each line at the level DEBUG.
    watchers : int
        How many want the handlers to have them.
    level : int
        Of the logger before the first of them.
    bar : int
        Lowest level that the handlers had before.
    """

    takers: tuple[Callable[[str], None], ...] = ()
    watchers = 0
    level = bar = logging.NOTSET

    def filter(self, record: logging.LogRecord) -> bool:
        """Hand over a line; let it pass where somebody watches the handlers, or where they had it before."""
        takers = self.takers if record.levelno == logging.DEBUG else ()
        for take in takers:
            take(record.getMessage())
        return self.watchers > 0 or (not takers and record.levelno >= self.bar)


_desk = _Desk()


@contextlib.contextmanager
def shown(wanted: bool, take: Callable[[str], None] | None = None) -> Iterator[None]:
    """Let the logger ``era5fast`` tell every call of the service, without secrets, while this lasts.

    Parameters
    ----------
    wanted : bool
        Whether to do that. False leaves the logger as it is.
    take : callable, optional
        Gets the lines instead of the handlers of the logger, and whether that is `wanted` or not.

    Notes
    -----
    Where nobody has set up logging, the lines go to standard error. Lines of other calls that run meanwhile in other
    threads are shown as well, and every `take` gets all of them: the core keeps one log.
    """
    if not wanted and take is None:
        yield
        return
    _begin(take)
    try:
        yield
    finally:
        _end(take)


def _begin(take: Callable[[str], None] | None) -> None:
    global _handler
    with _lock:
        if not _desk.takers and _desk.watchers == 0:
            _desk.level, _desk.bar = log.level, log.getEffectiveLevel()
            log.setLevel(logging.DEBUG)
            log.addFilter(_desk)
        if take is not None:
            _desk.takers += (take,)
            return
        _desk.watchers += 1
        if not log.hasHandlers():
            _handler = logging.StreamHandler(sys.stderr)
            _handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            log.addHandler(_handler)


def _end(take: Callable[[str], None] | None) -> None:
    global _handler
    with _lock:
        if take is not None:
            at = _desk.takers.index(take)
            _desk.takers = _desk.takers[:at] + _desk.takers[at + 1 :]
        else:
            _desk.watchers -= 1
        if _handler is not None and _desk.watchers == 0:
            log.removeHandler(_handler)
            _handler = None
        if not _desk.takers and _desk.watchers == 0:
            log.removeFilter(_desk)
            log.setLevel(_desk.level)

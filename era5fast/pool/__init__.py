"""Pools that people know: ``multiprocessing.pool`` without its hangs, and with native functions on native threads."""

from multiprocessing.pool import CLOSE, INIT, RUN, TERMINATE, MaybeEncodingError  # type: ignore[attr-defined]

from .crew import PoolError
from .executor import Executor
from .processes import Pool
from .results import AsyncResult, IMapIterator, MapResult, TimeoutError
from .size import cpu_count
from .threads import ThreadPool

__all__ = [
    "CLOSE",
    "INIT",
    "RUN",
    "TERMINATE",
    "AsyncResult",
    "Executor",
    "IMapIterator",
    "MapResult",
    "MaybeEncodingError",
    "Pool",
    "PoolError",
    "ThreadPool",
    "TimeoutError",
    "cpu_count",
]

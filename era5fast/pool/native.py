"""Native functions: what pools know of them, and calls of one that are made at once.

A native function of the package may have an attribute ``native_batch``: a callable ``(calls, workers, **keywords)``
that is given the positional arguments of each call, and the keywords that all of them have. It returns the list of
results, or None where these calls have nothing in common; they are then made one by one. Where it has an attribute
``gathers`` that is true, the results of many come as soon as that of one, and calls that were asked for one by one
are gathered as well.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, Protocol

__all__ = [
    "Batch",
    "Gathering",
    "Gatherings",
    "batch_of",
    "gathers",
    "is_native",
    "make_calls",
    "outcome",
]

Batch = Callable[[list[tuple[Any, ...]], int], list[Any] | None]


def batch_of(function: Callable[..., Any]) -> Batch | None:
    """How a function makes many calls at once, also with some arguments fixed; None where it cannot."""
    if not isinstance(function, functools.partial):
        return getattr(function, "native_batch", None)
    batch = getattr(function.func, "native_batch", None)
    if batch is None:
        return None
    given, keywords = function.args, function.keywords
    return lambda calls, workers: batch([(*given, *call) for call in calls], workers, **keywords)


def _inside(function: Any) -> Any:
    """The function to which a partial one gives arguments."""
    while isinstance(function, functools.partial):
        function = function.func
    return function


def gathers(function: Any) -> bool:
    """Whether calls of a function that were asked for one by one may be made at once."""
    batch = getattr(_inside(function), "native_batch", None)
    return batch is not None and getattr(batch, "gathers", False)


def is_native(function: Any) -> bool:
    """Whether it is one of the functions of this package, which give the interpreter lock away while they work."""
    function = _inside(function)
    package = __name__.partition(".")[0]
    if type(function) is not FunctionType or not function.__module__.startswith(package + "."):
        return False
    public = sys.modules[package]
    name = function.__name__
    return name in getattr(public, "__all__", ()) and getattr(public, name) is function


def outcome(function: Callable[..., Any], args: Iterable[Any], kwds: Mapping[str, Any]) -> tuple[bool, Any]:
    """(True, value) or (False, exception) of a call."""
    try:
        return True, function(*args, **kwds)
    except BaseException as error:
        return False, error


def make_calls(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], workers: int) -> list[Any]:
    """Results of many calls, at once where the function can do it."""
    batch, calls = batch_of(function), list(calls)
    results = batch(calls, workers) if batch is not None and calls else None
    return [function(*call) for call in calls] if results is None else list(results)


# --- calls that were asked for one by one ---

_MOST = 4096  # calls that are made at once: whoever asked first does not wait long
_KEPT = 100  # functions with other keywords each


class Asked(Protocol):
    """Somebody's wish for a call."""

    def claim(self) -> tuple[Any, ...] | None:
        """Arguments of the call for the first who asks; for all others None."""


class Gathering:
    """Calls of a native function that nobody has begun: the worker who comes first makes all of them."""

    def __init__(self, function: Callable[..., Any], kwds: Mapping[str, Any], workers: int) -> None:
        self._function = functools.partial(function, **kwds) if kwds else function
        self._workers = workers
        self._asked: deque[Asked] = deque()

    def add(self, asked: Asked) -> None:
        """Take note of a wish."""
        self._asked.append(asked)

    def make(self, first: Asked) -> list[tuple[Any, tuple[bool, Any]]]:
        """Make the call of `first`, and those of others with it: each with its outcome."""
        if (args := first.claim()) is None:  # who has made it has made others, or will
            return []
        found = {first: args}
        while self._asked and len(found) < _MOST:
            try:
                asked = self._asked.popleft()
            except IndexError:  # another worker has it
                break
            if (args := asked.claim()) is not None:
                found[asked] = args
        return list(zip(found, self._outcomes(list(found.values())), strict=True))

    def _outcomes(self, calls: list[tuple[Any, ...]]) -> list[tuple[bool, Any]]:
        batch = batch_of(self._function)
        if len(calls) > 1 and batch is not None and (values := batch(calls, self._workers)) is not None:
            return [(True, value) for value in values]
        return [outcome(self._function, call, {}) for call in calls]


class Gatherings:
    """Where calls are gathered, by function and keywords."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._by_function: dict[Any, Gathering] = {}

    def of(self, function: Callable[..., Any], kwds: Mapping[str, Any]) -> Gathering | None:
        """Where calls with these keywords are gathered; None for those that are made one by one."""
        if not gathers(function):
            return None
        try:
            key = _key(function, kwds)
            if (known := self._by_function.get(key)) is not None:
                return known
        except TypeError:  # arrays among the keywords
            return None
        if len(self._by_function) > _KEPT:
            self._by_function.clear()  # calls that wait there are made all the same
        return self._by_function.setdefault(key, Gathering(function, kwds, self._workers))


def _key(function: Any, kwds: Mapping[str, Any]) -> Any:
    if not kwds and type(function) is FunctionType:
        return function
    given = tuple((name, type(value), value) for name, value in kwds.items())
    if not isinstance(function, functools.partial):
        return function, given
    args = tuple((type(value), value) for value in function.args)
    return _key(function.func, function.keywords), args, given

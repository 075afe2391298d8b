"""Functions that make many calls at once.

A native function of the package may have an attribute ``native_batch``: a callable ``(calls, workers, **keywords)``
that is given the positional arguments of each call, and the keywords that all of them have. It returns the list of
results, or None where these calls have nothing in common; they are then made one by one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Batch", "batch_of", "make_calls", "unpacking"]

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


def make_calls(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]], workers: int) -> list[Any]:
    """Results of many calls, at once where the function can do it."""
    batch, calls = batch_of(function), list(calls)
    results = batch(calls, workers) if batch is not None and calls else None
    return [function(*call) for call in calls] if results is None else list(results)


def unpacking(function: Callable[..., Any]) -> Callable[[Iterable[Any]], Any]:
    """The function of a tuple of its arguments, under the same name."""

    def unpacked(args: Iterable[Any]) -> Any:
        return function(*args)

    unpacked.__name__ = getattr(function, "__name__", "starmap")
    return unpacked

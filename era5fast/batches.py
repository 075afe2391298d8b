"""Many small calls of a native function as one: what pools ask for as ``native_batch``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["elementwise"]

_SMALL = 1 << 14  # values of an array, above which a call of its own costs little beside its work
_NUMBERS = {float, int, np.float64}


def elementwise(function: Callable[..., Any]) -> Callable[..., list[Any] | None]:
    """How to make many calls at once of a function that takes its operands element by element.

    Parameters
    ----------
    function : callable
        Of numbers or arrays, which it broadcasts, and of texts, which say how.

    Returns
    -------
    callable
        ``(calls, workers, **keywords)`` → what the single calls give; None for calls that are not for us: of large or
        labelled arrays, of different kinds, and those of which the function refuses one.
    """

    def batch(calls: list[tuple[Any, ...]], workers: int, **keywords: Any) -> list[Any] | None:
        if len(calls) < 2 or not all(
            value is None or isinstance(value, str | float | int) for value in keywords.values()
        ):
            return None
        try:
            columns = list(zip(*calls, strict=True))
        except (TypeError, ValueError):  # no tuples, or not as many arguments in all of them
            return None
        shapes = _shapes(columns)
        operands = [_joined(column, shapes) for column in columns]
        if shapes == [] or any(operand is None for operand in operands):
            return None
        try:
            first, together = function(*calls[0], **keywords), function(*operands, **keywords)
        except Exception:  # made one by one, the call that is wrong says so
            return None
        return _parted(first, together, shapes)

    batch.gathers = True  # type: ignore[attr-defined]  # all of them take as long as one
    return batch


def _shapes(columns: list[tuple[Any, ...]]) -> list[tuple[int, ...]] | None:
    """Shapes of the arrays of each call; None where there are only numbers, empty where they are not for us."""
    arrays = [column for column in columns if set(map(type, column)) == {np.ndarray}]
    if not arrays:
        return None
    shapes = [array.shape for array in arrays[0]]
    same = all([array.shape for array in column] == shapes for column in arrays[1:])
    small = max(array.size for array in arrays[0]) <= _SMALL
    return shapes if same and small and all(shapes) else []  # of no dimension: the result is a number


def _joined(column: tuple[Any, ...], shapes: list[tuple[int, ...]] | None) -> Any:
    """One argument of all calls as one; None where that cannot be."""
    types = set(map(type, column))
    if types == {np.ndarray}:
        dtype = column[0].dtype
        same = dtype.kind == "f" and all(array.dtype == dtype for array in column)
        return np.concatenate(column, axis=None) if same else None
    if types == {str} or (types <= _NUMBERS and shapes is not None):  # one for all
        return column[0] if len(types) == 1 and len(set(column)) == 1 else None
    return np.array(column, "float64") if types <= _NUMBERS else None


def _parted(first: Any, together: Any, shapes: list[tuple[int, ...]] | None) -> list[Any] | None:
    """The results of the single calls, of which the first is known."""
    if shapes is None:
        if not isinstance(together, np.ndarray) or type(first) not in (float, np.float64):
            return None
        return together.tolist() if type(first) is float else list(together)
    if not isinstance(first, np.ndarray) or first.shape != shapes[0] or first.dtype != together.dtype:
        return None
    ends = list(itertools.accumulate(map(math.prod, shapes)))
    if together.shape != (ends[-1],):
        return None
    parts = zip([0, *ends], ends, shapes, strict=False)
    return [
        together[begin:end] if len(shape) == 1 else together[begin:end].reshape(shape) for begin, end, shape in parts
    ]

"""How much memory a call may take at once: the rest is for the user's own arrays and for files in the page cache."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import numpy as np

from . import _core
from .errors import ResultTooLargeError

__all__ = ["check_room", "memory_budget", "telling_what_is_too_large"]

_SHARE = 4  # of what the machine or the container has: its quarter


def memory_budget() -> int:
    """Bytes that one call may take at once: a quarter of the memory of the machine or of the container we are in."""
    return _core.available_memory() // _SHARE


_HINT = "read a part of it with time= or area=, open it with open_dataset(), or give an array with out="


def check_room(name: str, shape: tuple[int, ...], dtype: np.dtype, hint: str = _HINT) -> None:
    """Refuse a result that is too large for the memory, before any is taken: a header may claim any size.

    Parameters
    ----------
    name : str
        What would be read.
    shape, dtype
        Of the result.
    hint : str
        What to do instead.

    Raises
    ------
    ResultTooLargeError
        If it needs more than :func:`memory_budget`.
    """
    needed, budget = math.prod(shape) * dtype.itemsize, memory_budget()
    if needed > budget:
        raise ResultTooLargeError(
            f"{name} {shape} as {dtype} needs {_size(needed)}, and at most {_size(budget)} are taken at once "
            f"(a quarter of the memory)",
            hint=hint,
        )


@contextlib.contextmanager
def telling_what_is_too_large(name: str) -> Iterator[None]:
    """Context of a call whose result may be larger than any memory.

    Raises
    ------
    ResultTooLargeError
        In the place of a MemoryError; it says whose result it was and what to do.
    """
    try:
        yield
    except ResultTooLargeError:
        raise
    except MemoryError as error:
        hint = "take fewer cells, or fewer values of the parameters that are lists, at once"
        raise ResultTooLargeError(f"{name}: {str(error) or 'there is not enough memory'}", hint=hint) from error


def _size(n: int) -> str:
    return f"{n / 2**30:,.1f} GiB" if n >= 2**29 else f"{n / 2**20:,.1f} MiB"

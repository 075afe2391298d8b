"""Size of the native thread pool.

The environment variable ``ERA5FAST_NUM_THREADS`` sets it at the start; unset or 0 means one thread per processor.
"""

from __future__ import annotations

import operator

from . import _core
from .errors import InputError

__all__ = ["get_num_threads", "set_num_threads"]


def set_num_threads(n: int) -> None:
    """Set how many threads the next native call may use.

    Parameters
    ----------
    n : int
        Number of threads; 0 for one per processor that this process may use.

    Raises
    ------
    InputError
        If `n` is no whole number, negative or above 1024.
    """
    try:
        _core.set_num_threads(operator.index(n))
    except (OverflowError, TypeError) as error:
        raise InputError(f"the number of threads must be a whole number to 1024, not {n!r}") from error


def get_num_threads() -> int:
    """Return how many threads the next native call will use."""
    return _core.get_num_threads()

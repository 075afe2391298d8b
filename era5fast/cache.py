"""Memory for decoded chunks.

Files are compressed in chunks, and a chunk can only be decoded whole. Where a call wants a part of one, the chunk is
kept for the next call, so that reading step by step, or region by region, decodes each chunk once. Threads that are
idle between two steps decode the chunks of the steps that come next into the same memory.
"""

from __future__ import annotations

import operator
import sys

from . import _core
from .errors import InputError

__all__ = ["get_cache_bytes", "set_cache_bytes"]


def set_cache_bytes(n: int) -> None:
    """Set how much memory decoded chunks may take between two calls.

    What is over it is freed at once. All files share this memory; reading a variable whole takes none.

    Parameters
    ----------
    n : int
        Bytes; 0 keeps nothing. At first 1 GiB, or an eighth of the memory where that is less.

    Raises
    ------
    InputError
        If `n` is no whole number, or negative.
    """
    try:
        n = operator.index(n)
    except TypeError as error:
        raise InputError(f"bytes of cache must be a whole number, not {n!r}") from error
    _core.set_cache_bytes(min(n, sys.maxsize) if n > 0 else max(n, -1))


def get_cache_bytes() -> int:
    """Return how many bytes decoded chunks may take between two calls."""
    return _core.get_cache_bytes()[1]

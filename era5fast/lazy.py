"""A core dataset as an array that xarray indexes lazily."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xarray.backends.common import BackendArray
from xarray.core import indexing

from .locks import library_locks


class CoreArray(BackendArray):
    """(time, latitude, longitude) values that are read when they are indexed.

    Parameters
    ----------
    core : _core.Dataset
        Open dataset; kept.
    header : dict
        Its header.
    again : tuple
        Function that makes the same array once more, and its arguments: how copies and other processes get theirs.
    """

    def __init__(
        self, core: Any, header: dict[str, Any], again: tuple[Callable[..., CoreArray], tuple[Any, ...]]
    ) -> None:
        self._core = core
        self._again = again
        self.shape = tuple(len(header[key]) for key in ("seconds", "latitude", "longitude"))
        self.dtype = core.read(0, 0).dtype

    def __reduce__(self) -> tuple[Any, ...]:
        return self._again

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        result: np.ndarray = indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )
        return result

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        steps, rows, columns = key
        chosen = range(self.shape[0])[steps]
        wanted = [chosen] if isinstance(chosen, int) else chosen
        if len(wanted) == 0:
            return np.empty((0, *self.shape[1:]), self.dtype)[:, rows, columns]
        low, high = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
        with library_locks():
            block = self._core.read(low, high - low + 1)
        if isinstance(wanted, list):
            return block[0][rows, columns]
        picked = block[:: wanted.step] if wanted.step > 0 else block[::-1][:: -wanted.step]
        return picked[:, rows, columns]

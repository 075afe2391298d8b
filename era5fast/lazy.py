"""A core dataset as an array that xarray indexes lazily."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xarray.backends.common import BackendArray
from xarray.core import indexing

from .locks import library_locks

_BLOCK_BYTES = 256 << 20


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
        if not isinstance(key, indexing.VectorizedIndexer):
            return self._read(key.tuple)
        outer = indexing.IndexingSupport.OUTER
        result: np.ndarray = indexing.explicit_indexing_adapter(key, self.shape, outer, self._read)
        return result

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        steps, rows, columns = key
        wanted = np.arange(self.shape[0])[steps]
        picked = self._pick(np.atleast_1d(wanted), rows, columns)
        return picked[0] if wanted.ndim == 0 else picked

    def _pick(self, wanted: np.ndarray, rows: Any, columns: Any) -> np.ndarray:
        """Read the steps `wanted`, in any order; of what lies between them only a block at a time is in memory."""
        order = np.argsort(wanted, kind="stable")
        ascending = wanted[order]
        room = max(1, _BLOCK_BYTES // max(1, self.dtype.itemsize * self.shape[1] * self.shape[2]))
        parts = [np.empty((0, *self.shape[1:]), self.dtype)[:, rows][..., columns]]
        first = 0
        while first < len(ascending):
            low = int(ascending[first])
            consecutive = ascending[-1] - low == len(ascending) - 1 - first
            last = len(ascending) if consecutive else int(np.searchsorted(ascending, low + room))
            with library_locks():
                block = self._core.read(low, int(ascending[last - 1]) - low + 1)
            parts.append(
                block[ascending[first:last] - low if not consecutive else slice(None)][:, rows][..., columns]
            )
            first = last
        values = parts[1] if len(parts) == 2 else np.concatenate(parts)
        return values if np.array_equal(order, np.arange(len(order))) else values[np.argsort(order)]

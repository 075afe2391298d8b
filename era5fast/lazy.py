"""Arrays that xarray indexes lazily, on top of the core: read from any thread, copied and sent to other processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

import numpy as np
from xarray.backends.common import BackendArray
from xarray.core import indexing

from .errors import CorruptDataError, StorageError
from .locks import reading
from .memory import check_room
from .selection import Pick

__all__ = ["Handle", "PickedArray", "TidyArray", "handle_of"]

#: Path, number of the file, bytes, nanoseconds of the last change of the content, and of all: rsync and cp -p set the
#: time of the content back.
_Identity: TypeAlias = tuple[str, int, int, int, int]

#: Handles in use in this process: copies of an array that come in by pickle share one.
_handles: WeakValueDictionary[tuple[Any, ...], Handle] = WeakValueDictionary()


class Handle:
    """Something of the core behind lazy arrays: opened when it is first needed, and anew in other processes.

    Closing it lets go of it; an array that is indexed afterwards opens it once more. Made by :func:`handle_of`.

    Parameters
    ----------
    opening : callable
        Module-level function that gives the core's object.
    arguments : tuple
        Its arguments.
    identities : tuple
        Path, number, size and times of change of every file as they were when it was first opened.
    """

    def __init__(
        self, opening: Callable[..., Any], arguments: tuple[Any, ...], identities: tuple[_Identity, ...]
    ) -> None:
        self._made_of = (opening, arguments, identities)
        self._core: Any = None

    @property
    def core(self) -> Any:
        """The core's object.

        Raises
        ------
        CorruptDataError
            If a file is not the one any more that it was.
        """
        core = self._core
        if core is None:  # two threads may come here at once: both open it, and one of the two stays
            opening, arguments, identities = self._made_of
            for path, *known in identities:
                if list(_identity(path)[1:]) != known:
                    raise CorruptDataError(f"{path}: changed since it was opened", hint="open it again", target=path)
            self._core = core = opening(*arguments)
        return core

    def close(self) -> None:
        """Let go of the core's object."""
        self._core = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _shared, self._made_of

    def __deepcopy__(self, memo: dict[int, Any]) -> Handle:
        return self


def _identity(path: str) -> _Identity:
    try:
        info = os.stat(path)
    except FileNotFoundError as error:
        raise CorruptDataError(f"{path}: deleted since it was opened", target=path) from error
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error
    return path, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def handle_of(opening: Callable[..., Any], arguments: tuple[Any, ...], paths: tuple[str, ...]) -> Handle:
    """Make a handle of what a function opens from the files at absolute `paths`.

    Raises
    ------
    StorageError
        If a file cannot be looked at.
    """
    try:
        return _shared(opening, arguments, tuple(_identity(path) for path in paths))
    except CorruptDataError as error:
        raise StorageError(f"cannot read {error.target}: No such file or directory", target=error.target).at(
            2, error.target
        ) from error


def _shared(opening: Callable[..., Any], arguments: tuple[Any, ...], identities: tuple[_Identity, ...]) -> Handle:
    key = (opening, arguments, identities)
    handle = _handles.get(key)
    if handle is None:
        handle = _handles[key] = Handle(*key)
    return handle


_LAZY_HINT = "take a part of it first, open it with chunks=, or read it into an array of your own: read(…, out=)"


class PickedArray(BackendArray):
    """Values that are read by picks when they are indexed, in one call of the core for any outer index.

    Indexing raises :class:`~era5fast.ResultTooLargeError` where the result needs more than a quarter of the memory.

    Parameters
    ----------
    handle : Handle
        The core's object.
    name : str
        Name of the variable.
    shape : tuple of int
        Lengths of the dimensions.
    dtype : numpy.dtype
        Type of the values.
    """

    def __init__(self, handle: Handle, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self._handle = handle
        self._name = name
        self.shape = shape
        self.dtype = dtype

    def _read(self, picks: list[Pick]) -> np.ndarray:
        raise NotImplementedError

    def __getitem__(self, key: indexing.ExplicitIndexer) -> np.ndarray:
        if not isinstance(key, indexing.VectorizedIndexer):
            return self._outer(key.tuple)
        outer = indexing.IndexingSupport.OUTER
        result: np.ndarray = indexing.explicit_indexing_adapter(key, self.shape, outer, self._outer)
        return result

    def _outer(self, key: tuple[Any, ...]) -> np.ndarray:
        picks = [_pick(k, n) for k, n in zip(key, self.shape, strict=True)]
        check_room(self._name, tuple(map(_count, picks)), self.dtype, _LAZY_HINT)
        values = self._read(picks)
        return values[tuple(slice(None) if isinstance(k, slice | np.ndarray) else 0 for k in key)]


def _pick(key: Any, length: int) -> Pick:
    """Pick of a slice, an integer or an array of integers along a dimension."""
    if isinstance(key, slice):
        wanted = range(*key.indices(length))
        return (wanted.start, len(wanted)) if wanted.step == 1 else np.array(wanted, dtype="int64")
    indices = np.asarray(key)
    if indices.dtype == bool:
        indices = np.flatnonzero(indices)
    if ((indices < -length) | (indices >= length)).any():
        raise IndexError(f"index out of range for a dimension of length {length}")
    indices = np.where(indices < 0, indices + length, indices).astype("int64")
    return (int(indices), 1) if indices.ndim == 0 else indices


def _count(pick: Pick) -> int:
    return pick.size if isinstance(pick, np.ndarray) else pick[1]


class TidyArray(PickedArray):
    """One variable over many files, decoded."""

    def _read(self, picks: list[Pick]) -> np.ndarray:
        core = self._handle.core
        with reading(core):
            return core.read(picks)

"""One function for many files: results kept on disk, so that what was interrupted goes on."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BatchError, InputError, StorageError
from .locks import library_locks
from .optional import need
from .pool import ThreadPool
from .progress import Progress
from .sources import expand

__all__ = ["StoredResults", "map_files"]

_Task = tuple[int, str, str | None]  # number and name of a file, and where its result is kept


def map_files(
    function: Callable[[str], Any],
    files: Any,
    *,
    collate: Callable[[Sequence[Any]], Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    pool: Any = None,
    resume: bool = True,
    progress: bool = True,
) -> Any:
    """Call a function for each of many files, and put the results together in the order of the files.

    Parameters
    ----------
    function : callable
        Takes the name of a file and returns a number, array, DataArray or Dataset.
    files : path, pattern or sequence of paths
        The files, of any kind; names that a pattern finds are sorted.
    collate : callable, optional
        Takes the sequence of all results and returns what is wanted: ``numpy.concatenate``, or
        ``functools.partial(xarray.concat, dim="time")``.
    folder : path, optional
        Where each result is kept as soon as it is there, as ``.npy``, or where it has labels as ``.nc``, which needs
        netCDF4; made where there is none. Without it results stay in memory.
    workers : int, optional
        Number of threads; one per processor that this process may use when left out.
    pool : pool, optional
        A pool of your own instead, with the method ``imap_unordered``; :class:`era5fast.pool.Pool` for functions that
        keep Python busy.
    resume : bool
        Take what is in `folder` already, unless a file or the function has changed since; False computes it anew.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    object
        What `collate` returns; without it a sequence of the results, read from `folder` when they are looked at.

    Raises
    ------
    BatchError
        If the function failed for some of the files; the results of the others are in `folder`, and a second call
        asks for the rest only.
    InputError
        If no file is given, or a result cannot be kept.
    StorageError
        If a result cannot be written.

    Notes
    -----
    A result belongs to a file of a certain name, size and time of change, and to a function with certain code: change
    either, and it is computed anew. What the code calls is not looked at.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> for day in (1, 2):
    ...     np.save(folder / f"day{day}.npy", np.full(3, float(day)))
    >>> def mean(path):
    ...     return np.load(path).mean()
    >>> map_files(mean, str(folder / "day*.npy"), collate=np.array, folder=folder / "results")
    array([1., 2.])
    """
    names = expand(files)
    if not callable(function):
        raise InputError(f"the function is no function, but {type(function).__name__}")
    if folder is None:
        results: Any = [None] * len(names)
        missing: list[_Task] = [(number, name, None) for number, name in enumerate(names)]
    else:
        directory = _folder(folder)
        mark = _fingerprint(function)
        stems = [os.path.join(directory, _stem(name, mark)) for name in names]
        results = StoredResults(stems)
        missing = [
            (number, name, stems[number])
            for number, name in enumerate(names)
            if not resume or _stored(stems[number]) is None
        ]
    failures = _run(function, missing, results, len(names), workers, pool, progress)
    if failures:
        raise BatchError(
            {names[number]: failures[number] for number in sorted(failures)},
            [name for number, name in enumerate(names) if number not in failures],
        )
    return results if collate is None else collate(results)


def _run(
    function: Callable[[str], Any],
    tasks: list[_Task],
    results: Any,
    total: int,
    workers: int | None,
    pool: Any,
    progress: bool,
) -> dict[int, BaseException]:
    """Do what is missing; errors by the number of the file."""
    failures: dict[int, BaseException] = {}
    if not tasks:
        return failures
    call = functools.partial(_one, function)
    with Progress("map_files", progress) as bar:
        own = ThreadPool(workers) if pool is None else None
        try:
            outcomes = (own or pool).imap_unordered(call, tasks)
            for done, (number, value, error) in enumerate(outcomes, total - len(tasks) + 1):
                if error is not None:
                    failures[number] = error
                elif isinstance(results, list):
                    results[number] = value
                if bar is not None:
                    bar(done, total, None)
        finally:
            if own is not None:
                own.terminate()
    return failures


def _one(function: Callable[[str], Any], task: _Task) -> tuple[int, Any, Exception | None]:
    """The result for one file, or None when it is kept; and what went wrong."""
    number, name, stem = task
    try:
        value = function(name)
        if stem is None:
            return number, value, None
        _store(value, stem)
    except Exception as error:
        return number, None, error
    return number, None, None


# --- results on disk ---


class StoredResults(Sequence[Any]):
    """Results of :func:`map_files` in the order of the files, each read when it is looked at."""

    def __init__(self, stems: list[str]) -> None:
        self._stems = stems

    def __len__(self) -> int:
        return len(self._stems)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return StoredResults(self._stems[index])
        return _load(self._stems[index])

    def __iter__(self) -> Iterator[Any]:
        return map(_load, self._stems)

    def __repr__(self) -> str:
        return f"<StoredResults: {len(self)} in {os.path.dirname(self._stems[0])}>"


#: What follows the stem, by what is kept: an array or number, a DataArray, a Dataset.
_ENDINGS = (".npy", ".array.nc", ".nc")


def _store(value: Any, stem: str) -> None:
    """Keep a result: whole, or not at all."""
    ending = _ENDINGS[2 if hasattr(value, "data_vars") else 1 if hasattr(value, "to_netcdf") else 0]
    path = stem + ending
    part = f"{path}.{os.getpid()}.{threading.get_ident()}.part"
    try:
        if ending == ".npy":
            _save(value, part)
        else:
            _write(value, part)
        os.replace(part, path)
        for other in set(_ENDINGS) - {ending}:
            Path(stem + other).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}", target=path).at(
            error.errno or 0, path
        ) from error
    finally:
        Path(part).unlink(missing_ok=True)


def _write(value: Any, path: str) -> None:
    """Write netCDF under the libraries' locks from beginning to end; xarray does not lock the making of variables."""
    need("netCDF4", "labelled results that are kept")
    from xarray.backends import NetCDF4DataStore

    found = value.compute()  # what is read from a file for it is read before: that may need the locks
    dataset = found if hasattr(found, "data_vars") else _as_dataset(found)
    with library_locks():
        store = NetCDF4DataStore.open(path, mode="w", lock=False)  # type: ignore[no-untyped-call]
        try:
            dataset.dump_to_store(store)
        finally:
            store.close()


def _as_dataset(array: Any) -> Any:
    """A dataset that :func:`xarray.load_dataarray` takes back to `array`, also where that has no name of its own."""
    if array.name is not None and array.name not in array.coords:
        return array.to_dataset()
    dataset = array.to_dataset(name="__xarray_dataarray_variable__")
    return dataset if array.name is None else dataset.assign_attrs(__xarray_dataarray_name__=array.name)


def _save(value: Any, path: str) -> None:
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise InputError(
            f"a result of type {type(value).__name__} cannot be kept",
            hint="return a number, an array, a DataArray or a Dataset; a table becomes one with .to_xarray()",
        )
    with open(path, "wb") as file:
        np.save(file, array, allow_pickle=False)


def _stored(stem: str) -> str | None:
    return next((stem + ending for ending in _ENDINGS if os.path.exists(stem + ending)), None)


def _load(stem: str) -> Any:
    path = _stored(stem)
    if path is None:
        raise StorageError(f"{stem}: the result is gone", hint="call map_files() once more", target=stem)
    if path.endswith(".npy"):
        return np.load(path, allow_pickle=False)[()]
    xr = need("xarray", "labelled results")
    return xr.load_dataarray(path) if path.endswith(".array.nc") else xr.load_dataset(path)


# --- what a result belongs to ---


def _folder(folder: str | os.PathLike[str]) -> str:
    path = os.path.abspath(os.fspath(folder))
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error
    return path


def _stem(name: str, mark: str) -> str:
    """Name of a result: that of its file, and a digest of all that it depends on."""
    path = os.path.abspath(name)
    try:
        status = os.stat(path)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}", target=path).at(error.errno or 0, path) from error
    told = json.dumps([path, status.st_size, status.st_mtime_ns, mark])
    digest = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{os.path.basename(path)[:150]}.{digest[:16]}"


def _fingerprint(function: Any, above: tuple[Any, ...] = ()) -> str:
    """Text that changes with the code of a function and with what is fixed of its arguments.

    Of what is installed, name and version stand for the code; `above` are the functions that hold this one.
    """
    told = functools.partial(_told, above=(*above, function))
    if isinstance(function, functools.partial):
        fixed = [told(value) for value in (*function.args, *(x for pair in function.keywords.items() for x in pair))]
        return json.dumps([_fingerprint(function.func, above), *fixed])
    code = getattr(function, "__code__", None)
    module = getattr(function, "__module__", None) or ""
    name = f"{module}.{getattr(function, '__qualname__', type(function).__qualname__)}"
    if module.partition(".")[0] == __package__:
        from . import __version__

        return f"{name} {__version__}"
    if code is None or any(function is one for one in above):
        return name
    free = [told(cell.cell_contents) for cell in function.__closure__ or ()]
    defaults = [told(value) for value in function.__defaults__ or ()]
    return json.dumps([name, told(code), *defaults, told(function.__kwdefaults__), *free])


def _told(value: Any, above: tuple[Any, ...]) -> str:
    """Text that is the same for the same value, also in another process."""
    if isinstance(value, types.CodeType):
        constants = [_told(constant, above) for constant in value.co_consts]
        parts = [value.co_code.hex(), *constants, *value.co_names, *value.co_varnames]
        return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, frozenset | set):  # which have no order
        return str(sorted(_told(member, above) for member in value))
    is_function = isinstance(value, functools.partial) or hasattr(value, "__code__")
    return _fingerprint(value, above) if is_function else repr(value)

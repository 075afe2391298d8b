"""Arrays that dask computes: which they are, what is refused of them, and their chunks as functions need them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, PerformanceHint, warn

if TYPE_CHECKING:
    import xarray as xr

#: Blocks are not left below this share of the size that dask is set to when they are made anew.
_SMALL = 16

#: Bytes of such a block, however small dask's size is: a scheduler takes longer for a task than ours for fewer.
_LEAST = 1 << 20


def is_lazy(x: Any) -> bool:
    """Whether dask computes the values: of a DataArray that holds a dask array, not of anything else."""
    return hasattr(x, "dims") and not hasattr(x, "data_vars") and getattr(x, "chunks", None) is not None


def is_lazy_call(row: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether an operand of a row of the table of diagnostics is lazy."""
    return any(is_lazy(given[spec["name"]]) for spec in row["operands"])


def refuse_expression(x: Any) -> Any:
    """Return what the user has, unless dask holds it as an expression, with which xarray itself can hardly compute.

    Raises
    ------
    InputError
        If it was made with dask's query planning of arrays.
    """
    if is_lazy(x) and hasattr(x.variable._data, "expr"):
        raise InputError(
            "an array of dask's query planning: xarray cannot compute with these yet",
            hint="dask.config.set({'array.query-planning': False}) before dask.array is imported",
        )
    return x


def check(x: xr.DataArray, name: str) -> None:
    """Refuse a lazy array with which no block can be computed.

    Parameters
    ----------
    x : DataArray
        What dask computes.
    name : str
        What it is, for the message.

    Raises
    ------
    InputError
        If a chunk is of unknown size, or of none in an array that is not empty, values are no numbers, or as
        :func:`refuse_expression`.
    """
    refuse_expression(x)
    data = x.variable._data
    if x.dtype.kind not in "fiub":
        hint = f"x.astype('float32') where dask computes {name}" if x.dtype.kind == "O" else ""
        raise InputError(f"cannot compute with an array of type {x.dtype}: {name}", hint=hint)
    if not isinstance(getattr(data, "_meta", None), np.ndarray):
        kind = type(getattr(data, "_meta", None)).__name__
        raise InputError(
            f"the chunks of {name} are no arrays of NumPy: dask says {kind}",
            hint="pass meta=np.empty((0,) * ndim, dtype) where the dask array is made",
        )
    for dim, sizes in x.variable.chunksizes.items():
        if any(math.isnan(size) for size in sizes):
            raise InputError(
                f"{name} has chunks of unknown size along {dim}", hint="x.data.compute_chunk_sizes() finds them"
            )
        if 0 in sizes and sum(sizes) > 0:
            raise InputError(f"{name} has a chunk of size 0 along {dim}", hint=f"x.chunk({{'{dim}': 'auto'}})")


def of_rows(x: xr.DataArray, function: Callable[[np.ndarray], Any]) -> list[Any]:
    """What a function gives of parts of an array that follow each other along its first axis, as a list of Delayed.

    Each part has whole rows and is a task of its own. All are to be computed together: what parts have in common is
    then computed once.
    """
    from dask import delayed  # type: ignore[attr-defined]

    rows = x.data if x.ndim == 0 else x.data.rechunk({0: "auto", **dict.fromkeys(range(1, x.ndim), -1)})
    # As it is, so that keys are those that others have of the same blocks.
    blocks = rows.to_delayed(optimize_graph=False).ravel()
    return [delayed(function, pure=True)(block) for block in blocks]


def outline(x: xr.DataArray) -> xr.DataArray:
    """Return a DataArray as it is, but without its values: for looking at its axes, never for computing."""
    return x.copy(data=np.broadcast_to(np.zeros((), x.dtype), x.shape))


def whole(x: xr.DataArray, dims: Iterable[Any], name: str, *, share: int = 1) -> xr.DataArray:
    """Return a lazy DataArray with a single chunk along some dimensions; where that is new, say so.

    Parameters
    ----------
    x : DataArray
        What dask computes.
    dims : iterable of str
        Dimensions that must not be cut. The others are cut anew when blocks would become much larger or smaller than
        dask's ``array.chunk-size``, which counts as 1 MiB where it is less.
    name : str
        Which function needs it, for the hint.
    share : int
        How many such arrays have a block in memory at the same time.

    Returns
    -------
    DataArray
        `x` itself where nothing has to change.
    """
    kept = [dim for dim in dims if dim in x.dims]
    cut = [dim for dim in kept if len(x.variable.chunksizes[dim]) > 1]
    if not cut:
        return x
    say_that_chunks_change(x, cut, name)
    return _rechunked(x, kept, share)


def say_that_chunks_change(x: xr.DataArray, cut: list[Any], name: str) -> None:
    """Say that chunks have to be put together."""
    number = math.prod(len(x.variable.chunksizes[dim]) for dim in cut)
    warn(
        f"{name} needs whole {' and '.join(map(str, cut))}, and the data are cut into {number} chunks along it: they "
        f"are put together once. For several calls do it before them, x.chunk({{'{cut[0]}': -1}}), or open them so",
        PerformanceHint,
    )


def say_that_it_is_loaded(x: xr.DataArray) -> None:
    """Say that an array is loaded as a whole although dask could compute it in parts."""
    name = "a field" if x.name is None else str(x.name)
    warn(f"{name} is loaded into memory as a whole: this function has no way over chunks", PerformanceHint)


def _rechunked(x: xr.DataArray, kept: list[Any], share: int) -> xr.DataArray:
    import dask
    from dask.utils import parse_bytes

    limit = max(parse_bytes(dask.config.get("array.chunk-size")) // share, _LEAST)
    block = (
        math.prod(x.sizes[dim] if dim in kept else max(x.variable.chunksizes[dim]) for dim in x.dims)
        * x.dtype.itemsize
    )
    fits = block <= limit and (block >= limit // _SMALL or block == x.size * x.dtype.itemsize)
    chunks = {x.dims.index(dim): -1 if dim in kept else None if fits else "auto" for dim in x.dims}
    return x.copy(data=x.data.rechunk(chunks, block_size_limit=limit))

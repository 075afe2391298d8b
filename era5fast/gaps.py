"""Short gaps of a series, filled with what lies on the line between their neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .chunked.arrays import whole
from .field import Field

__all__ = ["fill_array", "fill_field", "fill_lazily"]

#: Cells that are filled together: what is needed beside them stays small.
_CELLS = 4096


def fill_array(values: np.ndarray, seconds: np.ndarray, longest: int) -> np.ndarray:
    """Fill gaps of at most so many steps linearly in time.

    Parameters
    ----------
    values : numpy.ndarray
        Time first; NaN where a value is missing.
    seconds : numpy.ndarray
        Time of each step.
    longest : int
        Steps of the longest gap that is filled. One at the beginning or the end of a series stays.

    Returns
    -------
    numpy.ndarray
        As `values`, of floats; it is `values` itself where nothing is missing.
    """
    if values.dtype.kind != "f" or not np.isnan(values).any():
        return values
    filled = values.copy()
    flat = filled.reshape(len(values), -1)
    broken = np.flatnonzero(np.isnan(flat).any(axis=0))
    for first in range(0, len(broken), _CELLS):
        cells = broken[first : first + _CELLS]
        flat[:, cells] = _filled(flat[:, cells], seconds, longest)
    return filled


def _filled(values: np.ndarray, seconds: np.ndarray, longest: int) -> np.ndarray:
    steps = np.arange(len(values))[:, np.newaxis]
    absent = np.isnan(values)
    before = np.maximum.accumulate(np.where(absent, -1, steps), axis=0)
    after = np.minimum.accumulate(np.where(absent, len(values), steps)[::-1], axis=0)[::-1]
    fits = absent & (before >= 0) & (after < len(values)) & (after - before - 1 <= longest)
    step, cell = np.nonzero(fits)
    left, right = before[step, cell], after[step, cell]
    a, b = (values[at, cell].astype("float64") for at in (left, right))
    slope = (b - a) / (seconds[right] - seconds[left])
    values[step, cell] = slope * (seconds[step] - seconds[left]) + a
    return values


def fill_field(field: Field, longest: int) -> Field:
    """The field with its short gaps filled, in memory; as :func:`fill_array`."""
    values = fill_array(field.values(), field.seconds, longest)
    origin = None if field.origin is None else field.origin.copy(data=values)
    return replace(field, source=values, origin=origin)


def fill_lazily(x: Any, time: Any, seconds: np.ndarray, longest: int) -> Any:
    """Fill the gaps of a DataArray that dask computes, block by block; as :func:`fill_array`."""
    import xarray as xr

    def along_last(values: np.ndarray) -> np.ndarray:
        return np.moveaxis(fill_array(np.moveaxis(values, -1, 0), seconds, longest), 0, -1)

    core = [[time]]
    filled = xr.apply_ufunc(
        along_last, whole(x, (time,), "filling gaps"), input_core_dims=core, output_core_dims=core,
        dask="parallelized", output_dtypes=[x.dtype], keep_attrs=True,
    )  # fmt: skip
    return filled.transpose(*x.dims)

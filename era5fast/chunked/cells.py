"""Tables of cells, put together from blocks of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np


def join(found: list[tuple[dict[Hashable, slice], Any]], sizes: dict[Hashable, int]) -> Any:
    """Put tables of blocks together, in the order of the cells of the whole.

    Parameters
    ----------
    found : list of (dict, table)
        Where each block lies along the dimensions of the cells, and its table: a DataFrame or a structured array, in
        which ``cell`` counts the cells of the block as they lie, in ascending order.
    sizes : dict
        Lengths of the dimensions of the cells, in order.

    Returns
    -------
    DataFrame or numpy.ndarray
        The rows of all; ``cell`` counts the cells of the whole.
    """
    cells = [_cells_of(table, places, sizes) for places, table in found]
    order = np.argsort(np.concatenate(cells), kind="stable")
    if not hasattr(found[0][1], "columns"):
        for (_, table), cell in zip(found, cells, strict=True):
            table["cell"] = cell
        return np.concatenate([table for _, table in found])[order]
    import pandas as pd

    frames = [table.assign(cell=cell) for (_, table), cell in zip(found, cells, strict=True)]
    some = [frame for frame in frames if len(frame)] or frames[:1]
    whole = pd.concat(some, ignore_index=True).iloc[order].reset_index(drop=True)
    whole.attrs = dict(found[0][1].attrs)
    return whole


def _cells_of(table: Any, places: dict[Hashable, slice], sizes: dict[Hashable, int]) -> np.ndarray:
    """Cells of the rows of a block, as the whole counts them."""
    cell = np.asarray(table["cell"])
    if not sizes:
        return cell
    shape = [places[dim].stop - places[dim].start for dim in sizes]
    index = [i + places[dim].start for dim, i in zip(sizes, np.unravel_index(cell, shape), strict=True)]
    return np.ravel_multi_index(index, tuple(sizes.values())).astype(cell.dtype)

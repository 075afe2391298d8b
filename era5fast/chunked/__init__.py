"""Input in chunks: what dask computes later stays lazy, and gives the same bits for any chunks.

Nothing here knows what is computed; a function of arrays in memory is all that is needed, and every way to run it on
chunks is written once:

``map_cells``
    Cells are independent. Time is one chunk (:func:`whole` puts it together once, and says so), and ONE task per
    block of cells calls the ordinary function with the DataArrays of that block, whatever number of results it has;
    each result is taken out of it by a task of no cost. So a graph grows with the number of chunks: the 27 indices of
    :func:`era5fast.etccdi` are one pass here as well. What results look like (dimensions, coordinates, attributes,
    types) tells the same function called with one cell of NaN: the template.
``map_along``
    The same for functions whose steps of time are independent, with whole maps in a block.
``tables``
    The same where the result is a table of cells: computed at once, block by block.
``folds.scan``
    Kernels that see step after step (``SCAN``) take chunks of time as they are: a left fold, state and chunk to state
    and finished periods. It is cut where the border of a chunk is the border of a period, so that days are
    independent of each other. A tree of partial sums would round otherwise; a fold gives the bits of the whole.
``events``
    Whole maps per slab of time become runs and patches, which one task puts together.

What cannot work is refused before anything is computed (:func:`check`), and what is costly is told by an
:class:`era5fast.errors.PerformanceHint`. Kernels that are called in a thread of dask work in that thread and borrow
such threads of the pool as are idle.

Importing this costs nothing: xarray and dask are imported by those who have arrays of them.
"""

from __future__ import annotations

from .arrays import check, is_lazy, outline, whole
from .blocks import map_along, map_cells, tables

__all__ = ["check", "is_lazy", "map_along", "map_cells", "outline", "tables", "whole"]

"""Slow twin of ``events/label``: connected components of a mask in time, latitude and longitude, cell by cell."""

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

# Which steps (in time, row, column; -1, 0 or 1 each) lead from a cell to a neighbour, by how many of them are not 0.
_RULES = {
    6: lambda dt, dr, dc: abs(dt) + abs(dr) + abs(dc) == 1,
    10: lambda dt, dr, dc: dt == 0 or (dr == 0 and dc == 0),
    18: lambda dt, dr, dc: abs(dt) + abs(dr) + abs(dc) <= 2,
    26: lambda dt, dr, dc: True,
}


def neighbours(
    cell: tuple[int, int, int],
    shape: tuple[int, int, int],
    connectivity: int,
    linked: NDArray[np.bool_],
    periodic: bool,
    pole_rows: frozenset[int],
) -> Iterator[tuple[int, int, int]]:
    """Cells that touch a cell, itself among them; parameters as for :func:`label`."""
    steps, rows, columns = shape
    time, row, column = cell
    for dt in (-1, 0, 1):
        if not 0 <= time + dt < steps or (dt != 0 and not linked[max(time, time + dt)]):
            continue
        for dr in (-1, 0, 1):
            for dc in (-1, 0, 1):
                other = (column + dc) % columns if periodic else column + dc
                if 0 <= row + dr < rows and 0 <= other < columns and _RULES[connectivity](dt, dr, dc):
                    yield time + dt, row + dr, other
        if row in pole_rows:  # one point: all its cells touch, also from day to day
            for other in range(columns):
                yield time + dt, row, other


def label(
    mask: NDArray[np.bool_],
    connectivity: int,
    *,
    linked: NDArray[np.bool_] | None = None,
    periodic: bool = False,
    pole_rows: frozenset[int] = frozenset(),
) -> NDArray[np.int32]:
    """Number the connected components of a mask.

    Parameters
    ----------
    mask
        Shape (time, latitude, longitude).
    connectivity
        6, 10, 18 or 26 neighbours; 10 are the 8 in space and the same cell one step before and after.
    linked
        Shape (time,): whether a step continues the one before it; None means that all do.
    periodic
        Whether the last column neighbours the first.
    pole_rows
        Rows that lie on a pole, whose cells are one point.

    Returns
    -------
    ndarray
        Shape of `mask`: -1 outside, else the number of the component, from 0, in the order of the first cells.

    Raises
    ------
    KeyError
        `connectivity` is not one of the four.
    """
    result = np.full(mask.shape, -1, dtype=np.int32)
    if linked is None:
        linked = np.ones(mask.shape[0], dtype=bool)
    components = 0
    for first in np.ndindex(*mask.shape):
        if not mask[first] or result[first] >= 0:
            continue
        result[first] = components
        queue = deque([first])
        while queue:
            for cell in neighbours(queue.popleft(), mask.shape, connectivity, linked, periodic, pole_rows):
                if mask[cell] and result[cell] < 0:
                    result[cell] = components
                    queue.append(cell)
        components += 1
    return result

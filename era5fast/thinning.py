"""Lines with fewer points, for pictures of many events.

The method of Visvalingam and Whyatt: a point goes when the triangle that it makes with its neighbours is small. Here
all lines are thinned at once, in rounds; in each round go those points whose triangle is too small and smaller than
those of both neighbours, which therefore stay until the next round.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

_ROUNDS = 200


def thinned(lines: Sequence[np.ndarray], area: float, *, closed: bool) -> list[np.ndarray]:
    """Lines without the points whose triangles are smaller than `area`; those on straight lines always go.

    Parameters
    ----------
    lines : sequence of numpy.ndarray
        (n, 2) arrays.
    area : float
        Smallest triangle to keep, in the square of the units of the lines.
    closed : bool
        The lines are rings, whose first point is their last as well; they keep at least three corners. Others keep
        their ends.

    Returns
    -------
    list of numpy.ndarray
        As many lines in the same order.

    References
    ----------
    Visvalingam and Whyatt 1993, Cartographic J. 30, 46.
    """
    if not lines:
        return []
    parts = [np.asarray(line, dtype="float64")[: -1 if closed else None] for line in lines]
    owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    point = np.concatenate(parts)
    least = 3 if closed else 2
    for _ in range(_ROUNDS):
        go = _going(point, owner, area, closed, least, len(parts))
        if not go.any():
            break
        point, owner = point[~go], owner[~go]
    edges = np.searchsorted(owner, np.arange(len(parts) + 1)).tolist()
    kept = [point[a:b] for a, b in pairwise(edges)]
    return [np.vstack([part, part[:1]]) for part in kept] if closed else kept


def _going(point: np.ndarray, owner: np.ndarray, area: float, closed: bool, least: int, lines: int) -> np.ndarray:
    """Which points go in this round."""
    number = np.arange(len(point))
    count = np.bincount(owner, minlength=lines)
    first = np.searchsorted(owner, np.arange(lines))
    head, size = first[owner], count[owner]
    before = head + (number - head - 1) % size
    after = head + (number - head + 1) % size
    (ax, ay), (bx, by) = (point[before] - point).T, (point[after] - point).T
    triangle = np.abs(ax * by - ay * bx) / 2
    if not closed:
        ends = (number == head) | (number == head + size - 1)
        triangle[ends] = np.inf
    small = (triangle <= max(area, 1e-9)) & (size > least)
    # Of equal neighbours the one that comes first goes.
    lower = (triangle < triangle[before]) | ((triangle == triangle[before]) & (number < before))
    lower &= (triangle < triangle[after]) | ((triangle == triangle[after]) & (number < after))
    go = small & lower
    # A ring may lose no more points than it can spare: where it would, only the first of them goes.
    spare = np.bincount(owner[go], minlength=lines) > count - least
    if spare.any():
        _, once = np.unique(owner[go], return_index=True)
        only = np.zeros(len(point), dtype=bool)
        only[np.flatnonzero(go)[once]] = True
        go &= ~spare[owner] | only
    return go

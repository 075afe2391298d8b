"""Arcs of longitude, on either side of the antimeridian, and whether boxes meet them.

The catalogue asks arrays and the database asks SQL: both by the same comparisons, without arithmetic, so that both
give the same answer to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["MEETS", "Arc", "boxes_meet", "closed", "hull", "meets"]

#: Degrees without any box, from which on a part of the globe is shown and not all of it.
_EMPTY = 30.0

#: West and east of an interval within −180 … 180.
Arc = tuple[float, float]

#: Whether columns `west` and `east` of a box meet an arc of :func:`closed`, as SQL with {west} and {east} of the arc.
MEETS = """CASE WHEN west <= east THEN west <= {east} AND east >= {west}
                ELSE west <= {east} OR east >= {west} END"""


def closed(arcs: Iterable[Arc]) -> list[Arc]:
    """The arcs, with the antimeridian under both of its names where they reach it: −180 and 180 are one place."""
    given = list(arcs)
    edges = {edge for arc in given for edge in arc}
    return [*given, *((-edge, -edge) for edge in (-180.0, 180.0) if edge in edges and -edge not in edges)]


def meets(west: np.ndarray, east: np.ndarray, arcs: Iterable[Arc]) -> np.ndarray:
    """Which boxes have a longitude in common with one of the arcs; touching is enough.

    Parameters
    ----------
    west, east : ndarray
        Edges of the boxes within −180 … 180 degrees; west greater than east means across the antimeridian.
    arcs : iterable of (west, east)
        Intervals within −180 … 180 degrees.

    Returns
    -------
    ndarray of bool
    """
    met = np.zeros(np.shape(west), dtype=bool)
    for low, high in closed(arcs):
        met |= _meets_arc(west, east, low, high)
    return met


def boxes_meet(west: np.ndarray, east: np.ndarray, other_west: np.ndarray, other_east: np.ndarray) -> np.ndarray:
    """Which boxes have a longitude in common with the other box of the same place; touching is enough.

    Parameters
    ----------
    west, east, other_west, other_east : ndarray
        Edges as in :func:`meets`.

    Returns
    -------
    ndarray of bool
    """
    crosses = other_west > other_east
    met = _meets_arc(west, east, other_west, np.where(crosses, 180.0, other_east))
    met |= crosses & _meets_arc(west, east, -180.0, other_east)
    met |= (crosses | (other_east == 180)) & _meets_arc(west, east, -180.0, -180.0)
    met |= (crosses | (other_west == -180)) & _meets_arc(west, east, 180.0, 180.0)
    return met


def hull(west: np.ndarray, east: np.ndarray) -> Arc:
    """The shortest arc with all boxes in it; all of the globe where they leave no wide gap.

    Parameters
    ----------
    west, east : ndarray
        Edges as in :func:`meets`.

    Returns
    -------
    (west, east)
        West lies within −180 … 180, east may lie beyond; their distance is 360 at most.
    """
    length = np.where(west <= east, east - west, east - west + 360)
    begin = np.asarray(west, dtype="float64") % 360
    order = np.argsort(begin, kind="stable")
    begin = begin[order]
    end = np.maximum.accumulate(begin + length[order]) if len(order) else begin
    if len(end) == 0:
        return -180.0, 180.0
    gaps = begin - np.maximum(np.append(-np.inf, end[:-1]), end[-1] - 360)
    widest = int(gaps.argmax())
    if gaps[widest] < _EMPTY:
        return -180.0, 180.0
    low = float((begin[widest] + 180) % 360 - 180)
    return low, low + 360 - float(gaps[widest])


def _meets_arc(west: np.ndarray, east: np.ndarray, low: Any, high: Any) -> Any:
    from_west, to_east = west <= high, east >= low
    return np.where(west <= east, from_west & to_east, from_west | to_east)

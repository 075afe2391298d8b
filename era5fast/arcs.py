"""Arcs of longitude, on either side of the antimeridian, and whether boxes meet them.

The catalogue asks arrays and the database asks SQL: both by the same comparisons, without arithmetic, so that both
give the same answer to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["MEETS", "Arc", "closed", "meets"]

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
        from_west, to_east = west <= high, east >= low
        met |= np.where(west <= east, from_west & to_east, from_west | to_east)
    return met

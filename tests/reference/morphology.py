"""Slow twin of ``events/morphology``: closing and opening with a disc on the sphere, from the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .sphere import Grid

_ROUNDING = 1e-9
"""Centres this much farther away than the radius, relative to it, still belong to a disc."""


def discs(grid: Grid, radius_km: float) -> NDArray[np.bool_]:
    """Which cells lie in the disc around each cell.

    Parameters
    ----------
    grid
        The cells.
    radius_km
        Distance along the great circle up to which a centre belongs to the disc.

    Returns
    -------
    ndarray
        Shape (cells, cells), cells in row-major order.
    """
    rows, columns = len(grid.latitude), len(grid.longitude)
    row, column = (axis.ravel() for axis in np.indices((rows, columns)))
    apart = np.abs(column[:, None] - column[None, :])
    if grid.periodic:
        apart = np.minimum(apart, columns - apart)
    east = np.radians(np.minimum(apart * grid.step, 180.0))  # a region never reaches round the back of the globe
    phi = np.radians(grid.latitude)[row]
    haversine = np.sin((phi[:, None] - phi[None, :]) / 2) ** 2
    haversine = haversine + np.cos(phi[:, None]) * np.cos(phi[None, :]) * np.sin(east / 2) ** 2
    angle = 2 * np.arcsin(np.sqrt(np.minimum(haversine, 1.0)))
    inside = angle * grid.radius <= radius_km * (1 + _ROUNDING)
    pole = np.isin(row, list(grid.pole_rows))  # one point: in the disc with all its cells or with none
    north = phi > 0
    same_pole = pole[:, None] & pole[None, :] & (north[:, None] == north[None, :])
    return inside | same_pole


def _dilated(cells: NDArray[np.bool_], disc: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells whose disc holds one of these."""
    return (disc & cells).any(axis=1)


def _eroded(cells: NDArray[np.bool_], disc: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells whose disc, as far as it lies in the domain, holds none but these."""
    return (~disc | cells).all(axis=1)


def closed(
    mask: NDArray[np.bool_], disc: NDArray[np.bool_], valid: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Dilate, then erode one time step, and leave out what is not `valid`.

    Parameters
    ----------
    mask, valid
        Shape (latitude, longitude).
    disc
        From :func:`discs`.
    """
    result = _eroded(_dilated(mask.ravel(), disc), disc).reshape(mask.shape)
    return result if valid is None else result & valid


def opened(mask: NDArray[np.bool_], disc: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Erode, then dilate one time step; parameters as for :func:`closed`."""
    return _dilated(_eroded(mask.ravel(), disc), disc).reshape(mask.shape)

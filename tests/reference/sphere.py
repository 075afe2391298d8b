"""A regular grid, its areas, distances and centroids: slow twin of ``model/grid`` and ``diag/geodesy``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_RADIUS_KM = 6371.0
_WGS84_EQUATOR_KM = 6378.137
_WGS84_FLATTENING = 1 / 298.257223563


@dataclass(frozen=True)
class Grid:
    """A regular grid.

    Parameters
    ----------
    latitude
        Shape (latitude,), degrees, at least two, in either order.
    longitude
        Shape (longitude,), degrees, at least two, in equal steps eastward.
    wgs84
        Whether areas are those of the ellipsoid instead of the sphere.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    wgs84: bool = False

    @property
    def radius(self) -> float:
        """Radius of the sphere in km."""
        return _RADIUS_KM

    @cached_property
    def step(self) -> float:
        """Width of a column in degrees."""
        pairs = zip(self.longitude[:-1], self.longitude[1:], strict=True)
        return sum((b - a + 180) % 360 - 180 for a, b in pairs) / (len(self.longitude) - 1)

    @cached_property
    def periodic(self) -> bool:
        """Whether the columns close a circle."""
        return abs(self.step * len(self.longitude) - 360) < 1e-3

    @cached_property
    def pole_rows(self) -> frozenset[int]:
        """Rows that lie on a pole."""
        return frozenset(row for row, latitude in enumerate(self.latitude) if abs(latitude) > 90 - 1e-6)

    def rows(self, row: int) -> tuple[float, float]:
        """Southern and northern edge of a row in degrees."""
        phi = self.latitude
        before = phi[row - 1] if row > 0 else 2 * phi[0] - phi[1]
        after = phi[row + 1] if row + 1 < len(phi) else 2 * phi[-1] - phi[-2]
        south, north = sorted(((before + phi[row]) / 2, (phi[row] + after) / 2))
        return max(south, -90.0), min(north, 90.0)

    def west(self, column: int) -> float:
        """Western edge of a column in degrees, not folded."""
        return float(self.longitude[0] + (column - 0.5) * self.step)

    def area(self, row: int) -> float:
        """Area of one cell of a row in km²."""
        return self._areas[row]

    @cached_property
    def _areas(self) -> list[float]:
        return [self._area(row) for row in range(len(self.latitude))]

    def _area(self, row: int) -> float:
        south, north = (math.radians(edge) for edge in self.rows(row))
        width = math.radians(self.step)
        if not self.wgs84:
            return _RADIUS_KM**2 * width * (math.sin(north) - math.sin(south))
        return _WGS84_EQUATOR_KM**2 * width * (_authalic(north) - _authalic(south)) / 2

    def at_edge(self, row: int, column: int) -> bool:
        """Whether the grid ends at this cell while the globe goes on."""
        if not self.periodic and column in (0, len(self.longitude) - 1):
            return True
        if row not in (0, len(self.latitude) - 1):
            return False
        inner = self.latitude[1 if row == 0 else row - 1]
        spacing = abs(self.latitude[row] - inner)
        return bool(abs(self.latitude[row]) + spacing <= 90 + 1e-3 * spacing)

    def distance(self, one: tuple[float, float], other: tuple[float, float]) -> float:
        """Great circle between two points of (latitude, longitude) in degrees, in km."""
        phi, psi = math.radians(one[0]), math.radians(other[0])
        east = math.radians(other[1] - one[1])
        square = math.sin((psi - phi) / 2) ** 2 + math.cos(phi) * math.cos(psi) * math.sin(east / 2) ** 2
        return 2 * _RADIUS_KM * math.asin(min(1.0, math.sqrt(square)))

    def centroid(self, cells: Iterable[tuple[int, int]]) -> tuple[float, float]:
        """Latitude and longitude of the mean of cells (row, column), weighted with area; NaN if they cancel."""
        total, weight = np.zeros(3), 0.0
        for row, column in cells:
            phi, lam = math.radians(self.latitude[row]), math.radians(self.longitude[column])
            area = self.area(row)
            unit = np.array([math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)])
            total, weight = total + area * unit, weight + area
        if np.linalg.norm(total) <= 1e-9 * weight:
            return math.nan, math.nan
        x, y, z = total
        return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def _authalic(latitude: float) -> float:
    """Snyder's q (1987, equation 3-12) of a geodetic latitude in radians."""
    e2 = _WGS84_FLATTENING * (2 - _WGS84_FLATTENING)
    e, s = math.sqrt(e2), math.sin(latitude)
    return (1 - e2) * (s / (1 - e2 * s * s) - math.log((1 - e * s) / (1 + e * s)) / (2 * e))

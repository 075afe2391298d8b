r"""Maps of a part of the globe: which part, in which projection, and what is drawn on them.

Two projections are enough. Longitude and latitude as they are, with a scale that is right in the middle, serve all
but the surroundings of a pole, which Lambert's azimuthal equal-area projection shows:

.. math:: r = 2 \sin\frac{90° - |φ|}{2}, \quad x = ± r \sin(λ - λ_0), \quad y = -r \cos(λ - λ_0).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..coastline import coastline
from ..geometry import Polygon
from .style import fitting, latitude_text, longitude_text

SEA, LAND_LINE, GRID_LINE = "#f4f7fa", "#3c3c3c", "#c3cad1"

#: Degrees from point to point on lines that a projection bends.
_STEP = 1.0


def edges(centres: np.ndarray, limit: float = np.inf) -> np.ndarray:
    """Edges of the cells around centres; `limit` keeps latitudes on the globe."""
    centres = np.asarray(centres, dtype="float64")
    step = np.diff(centres) if len(centres) > 1 else np.array([0.25])
    middle = centres[:-1] + step / 2 if len(centres) > 1 else np.empty(0)
    ends = np.concatenate([[centres[0] - step[0] / 2], middle, [centres[-1] + step[-1] / 2]])
    return np.clip(ends, -limit, limit)


def on_sea(colours: str, strength: float) -> ListedColormap:
    """Colours as they look through the sea: half transparent ones would show the edges where cells overlap."""
    full, below = matplotlib.colormaps[colours](np.linspace(0, 1, 256)), np.array(to_rgba(SEA))
    return ListedColormap(strength * full + (1 - strength) * below)


def map_of(west: float, east: float, south: float, north: float) -> GlobeMap:
    """The map for a part of the globe: around a pole where it goes far around one, else flat.

    Parameters
    ----------
    west, east, south, north : float
        Edges in degrees; `east` is greater than `west`, and may lie beyond 180°.
    """
    width, middle = east - west, (west + east) / 2
    if south >= 20 and (width > 150 or (width > 60 and north > 80)):
        return PolarMap(1, min(south, 80), middle)
    if north <= -20 and (width > 150 or (width > 60 and south < -80)):
        return PolarMap(-1, max(north, -80), middle)
    return _bounded(west, east, south, north)


#: Width over height of flat maps: a belt round the globe is shown with what lies beside it, and so is a narrow event.
_NARROWEST, _WIDEST = 0.6, 3.2


def _bounded(west: float, east: float, south: float, north: float) -> FlatMap:
    chart = FlatMap(west, east, south, north)
    if chart.shape() > _WIDEST:
        missing = (east - west) / (_WIDEST * chart.stretch) - (north - south)
        low = float(np.clip(south - missing / 2, -90.0, max(90.0 - (north - south) - missing, -90.0)))
        chart = FlatMap(west, east, low, min(low + (north - south) + missing, 90.0))
    elif chart.shape() < _NARROWEST:
        missing = min(_NARROWEST * (north - south) * chart.stretch, 360.0) - (east - west)
        chart = FlatMap(west - missing / 2, east + missing / 2, south, north)
    return chart


def map_around(west: float, east: float, south: float, north: float, centre: float) -> GlobeMap:
    """The map around a box, which crosses the antimeridian when `west` is greater than `east`.

    Parameters
    ----------
    west, east, south, north : float
        Edges of the box in degrees.
    centre : float
        Longitude for the middle of the map when the box goes round the globe.
    """
    width = (east - west) % 360 or (360.0 if east != west else 0.0)
    margin = max(2.0, 0.12 * max(min(width, 120.0), north - south))
    south, north = max(south - margin, -90.0), min(north + margin, 90.0)
    if width + 2 * margin >= 360:
        return map_of(centre - 180, centre + 180, south, north)
    return map_of(west - margin, west + width + margin, south, north)


class GlobeMap(ABC):
    """A map on matplotlib axes; everything is given in degrees of longitude and latitude."""

    #: Turns of the globe by which everything is drawn again, so that some of it lies on the map.
    turns: Sequence[int] = (0,)

    @abstractmethod
    def project(self, longitude: Any, latitude: Any) -> tuple[np.ndarray, np.ndarray]:
        """Where places stand on the axes."""

    @abstractmethod
    def finish(self, axes: Axes) -> None:
        """Set the limits of the axes and draw what names the degrees."""

    @abstractmethod
    def shape(self) -> float:
        """Width over height."""

    def _lines(self, lines: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = []
        for turn in self.turns:
            found += [np.column_stack(self.project(line[:, 0] + turn, line[:, 1])) for line in lines]
        return found

    def coastlines(self, axes: Axes) -> None:
        """Draw the coastlines."""
        self.lines(axes, coastline(), colors=LAND_LINE, linewidths=0.8, zorder=3)

    def lines(self, axes: Axes, lines: Sequence[np.ndarray], **style: Any) -> LineCollection:
        """Draw (n, 2) arrays of longitude and latitude as lines."""
        collection = LineCollection(self._lines(lines), **style)
        axes.add_collection(collection, autolim=False)
        return collection

    def outline(self, axes: Axes, polygons: Sequence[Polygon], **style: Any) -> LineCollection:
        """Draw the borders of polygons, without the cut at the antimeridian."""
        return self.lines(axes, [bent(line) for line in border(polygons)], **style)

    def fill(self, axes: Axes, polygons: Sequence[Polygon], **style: Any) -> PathCollection:
        """Fill polygons, their holes left out."""
        paths = []
        for polygon in polygons:
            for turn in self.turns:
                rings = [np.add(bent(ring), (turn, 0)) for ring in polygon]
                paths.append(Path.make_compound_path(*(self._ring(ring) for ring in rings)))
        collection = PathCollection(paths, linewidths=0, antialiaseds=False, **style)
        axes.add_collection(collection, autolim=False)
        return collection

    def _ring(self, ring: np.ndarray) -> Path:
        return Path(np.column_stack(self.project(ring[:, 0], ring[:, 1])), closed=True)

    def mesh(self, axes: Axes, longitude: np.ndarray, latitude: np.ndarray, values: Any, **style: Any) -> QuadMesh:
        """Draw one value per cell between edges; masked ones are left open."""
        mesh: QuadMesh
        for turn in self.turns:
            x, y = self.project(*np.meshgrid(longitude + turn, latitude))
            mesh = axes.pcolormesh(x, y, values, **style)
        return mesh

    def marker(self, axes: Axes, longitude: float, latitude: float, **style: Any) -> None:
        """Mark one place."""
        x, y = self.project(self.near(np.array([longitude])), np.array([latitude]))
        axes.plot(x, y, linestyle="none", **style)

    def near(self, longitude: np.ndarray) -> np.ndarray:
        """The same longitudes, in the turn of the globe that the map shows."""
        return longitude


class FlatMap(GlobeMap):
    """Longitude and latitude as they are.

    Parameters
    ----------
    west, east, south, north : float
        Edges in degrees.
    """

    turns = (-360, 0, 360)

    def __init__(self, west: float, east: float, south: float, north: float) -> None:
        self.west, self.east, self.south, self.north = west, east, south, north
        self.stretch = min(1 / np.cos(np.deg2rad((south + north) / 2)), 4.0)

    def project(self, longitude: Any, latitude: Any) -> tuple[np.ndarray, np.ndarray]:
        """Where places stand on the axes."""
        return np.asarray(longitude), np.asarray(latitude)

    def near(self, longitude: np.ndarray) -> np.ndarray:
        """The same longitudes, in the turn of the globe that the map shows."""
        middle = (self.west + self.east) / 2
        return middle + (longitude - middle + 180) % 360 - 180

    def mesh(self, axes: Axes, longitude: np.ndarray, latitude: np.ndarray, values: Any, **style: Any) -> QuadMesh:
        """Draw one value per cell between edges, in those turns of the globe that the map shows."""
        low, high = longitude.min(), longitude.max()
        turns = [turn for turn in self.turns if low + turn < self.east and high + turn > self.west]
        mesh: QuadMesh
        for turn in turns or [0]:
            mesh = axes.pcolormesh(longitude + turn, latitude, values, **style)
        return mesh

    def shape(self) -> float:
        """Width over height."""
        return float((self.east - self.west) / ((self.north - self.south) * self.stretch))

    def finish(self, axes: Axes) -> None:
        """Set the limits of the axes and name the degrees."""
        axes.set_xlim(self.west, self.east)
        axes.set_ylim(self.south, self.north)
        axes.set_aspect(self.stretch)
        steps = [1, 2, 3, 5, 6, 10]
        axes.xaxis.set_major_locator(MaxNLocator(fitting(axes, 0.7, 7 if self.shape() > 0.8 else 4), steps=steps))
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=steps))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: longitude_text(x)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: latitude_text(y)))
        axes.grid(color=GRID_LINE, linewidth=0.5, zorder=0)
        axes.set_axisbelow(True)
        axes.set_facecolor(SEA)


class PolarMap(GlobeMap):
    """Equal areas around a pole.

    Parameters
    ----------
    pole : int
        1: north, −1: south.
    rim : float
        Latitude of the rim in degrees.
    down : float
        Longitude that points down.
    """

    def __init__(self, pole: int, rim: float, down: float) -> None:
        self.pole, self.rim, self.down = pole, rim, down

    def project(self, longitude: Any, latitude: Any) -> tuple[np.ndarray, np.ndarray]:
        """Where places stand on the axes; those far beyond the rim stand on a circle outside it."""
        latitude = np.maximum(np.asarray(latitude, dtype="float64") * self.pole, abs(self.rim) - 15)
        angle = np.deg2rad(np.asarray(longitude, dtype="float64") - self.down)
        radius = 2 * np.sin(np.deg2rad((90 - latitude) / 2))
        return self.pole * radius * np.sin(angle), -radius * np.cos(angle)

    def shape(self) -> float:
        """Width over height."""
        return 1.0

    def _radius(self) -> float:
        return float(2 * np.sin(np.deg2rad((90 - abs(self.rim)) / 2)))

    def finish(self, axes: Axes) -> None:
        """Cut everything at the rim, and draw and name meridians and parallels."""
        from matplotlib.patches import Circle

        radius = self._radius()
        rim = Circle((0, 0), radius, facecolor=SEA, edgecolor=LAND_LINE, linewidth=0.8, zorder=0)
        axes.add_patch(rim)
        for drawn in [*axes.collections, *axes.lines]:
            drawn.set_clip_path(rim)
        self._graticule(axes, radius, rim)
        axes.set_xlim(-1.13 * radius, 1.13 * radius)
        axes.set_ylim(-1.13 * radius, 1.13 * radius)
        axes.set_aspect(1)
        axes.set_axis_off()

    def _graticule(self, axes: Axes, radius: float, rim: Any) -> None:
        around, along = np.arange(0.0, 361), np.array([abs(self.rim), 90.0]) * self.pole
        inner = [float(p) for p in range(10, 90, 10 if 90 - abs(self.rim) <= 40 else 20) if p > abs(self.rim) + 2]
        lines = [np.column_stack([around, np.full(361, p * self.pole)]) for p in inner]
        lines += [np.column_stack([np.full(2, meridian), along]) for meridian in np.arange(0.0, 360, 45)]
        drawn = self.lines(axes, lines, colors=GRID_LINE, linewidths=0.5, zorder=1)
        drawn.set_clip_path(rim)
        for meridian in np.arange(0.0, 360, 45):
            angle = np.deg2rad(meridian - self.down)
            place = 1.065 * radius * np.array([self.pole * np.sin(angle), -np.cos(angle)])
            axes.text(place[0], place[1], longitude_text(meridian), fontsize=8, ha="center", va="center")
        for parallel in inner:
            x, y = self.project(self.down + 22.5, parallel * self.pole)
            axes.text(
                float(x), float(y), latitude_text(parallel * self.pole), fontsize=7, color="#5a6570", ha="center"
            )


def bent(line: np.ndarray) -> np.ndarray:
    """The same line with a point every degree, so that a projection can bend it."""
    length = np.abs(np.diff(line, axis=0)).max(axis=1, initial=0)
    parts = np.maximum(np.ceil(length / _STEP).astype("int64"), 1)
    if (parts == 1).all():
        return line
    share = np.concatenate([np.arange(n) / n for n in parts])
    first = np.repeat(np.arange(len(parts)), parts)
    between = line[first] + share[:, None] * (line[first + 1] - line[first])
    return np.vstack([between, line[-1]])


def border(polygons: Sequence[Polygon]) -> list[np.ndarray]:
    """Borders of polygons as lines, without those parts that only cut them at the antimeridian."""
    lines: list[np.ndarray] = []
    sides: dict[float, list[tuple[float, float]]] = {-180.0: [], 180.0: []}
    for ring in (ring for polygon in polygons for ring in polygon):
        cut = (np.abs(ring[:-1, 0]) == 180) & (ring[:-1, 0] == ring[1:, 0])
        for a, b in zip(ring[:-1][cut], ring[1:][cut], strict=True):
            sides[float(a[0])].append((min(a[1], b[1]), max(a[1], b[1])))
        lines += _kept(ring, ~cut)
    return lines + _of_one_side(sides[-180.0], sides[180.0])


def _kept(ring: np.ndarray, keep: np.ndarray) -> list[np.ndarray]:
    """The stretches of a ring whose segments are kept."""
    if keep.all():
        return [ring]
    starts = np.flatnonzero(keep & ~np.roll(keep, 1))
    lines = []
    for start in starts.tolist():
        order = (start + np.arange(len(keep))) % len(keep)
        count = int(np.argmin(keep[order])) if not keep[order].all() else len(keep)
        lines.append(np.vstack([ring[order[:count]], ring[order[count - 1] + 1]]))
    return lines


def _of_one_side(left: list[tuple[float, float]], right: list[tuple[float, float]]) -> list[np.ndarray]:
    """Where a polygon reaches the antimeridian from one side only, this is its border after all."""
    cuts = sorted({end for pair in [*left, *right] for end in pair})
    lines = []
    for low, high in pairwise(cuts):
        middle = (low + high) / 2
        on_left, on_right = (any(a < middle < b for a, b in side) for side in (left, right))
        if on_left != on_right:
            lines.append(np.array([(180.0 if on_right else -180.0, y) for y in (low, high)]))
    return lines

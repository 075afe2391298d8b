"""Slow twin of the kernel ``find_events``: every rule in plain loops over cells."""

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from .label import label

_RADIUS_KM = 6371.0
_DAY = 86400

Voxel: TypeAlias = tuple[int, int, int]
"""Time, row and column of a cell at one step."""


@dataclass(frozen=True)
class Grid:
    """A regular grid, as ``model/grid`` sees it.

    Parameters
    ----------
    latitude
        Shape (latitude,), degrees, at least two, in either order.
    longitude
        Shape (longitude,), degrees, at least two, in equal steps eastward.
    """

    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    @property
    def step(self) -> float:
        """Width of a column in degrees."""
        return sum((b - a + 180) % 360 - 180 for a, b in self._pairs()) / (len(self.longitude) - 1)

    def _pairs(self) -> list[tuple[float, float]]:
        return list(zip(self.longitude[:-1], self.longitude[1:], strict=True))

    @property
    def periodic(self) -> bool:
        """Whether the columns close a circle."""
        return abs(self.step * len(self.longitude) - 360) < 1e-3

    @property
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
        return self.longitude[0] + (column - 0.5) * self.step

    def area(self, row: int) -> float:
        """Area of one cell of a row in km²."""
        south, north = (math.sin(math.radians(edge)) for edge in self.rows(row))
        return _RADIUS_KM**2 * math.radians(self.step) * (north - south)

    def at_edge(self, row: int, column: int) -> bool:
        """Whether the grid ends at this cell while the globe goes on."""
        if not self.periodic and column in (0, len(self.longitude) - 1):
            return True
        if row not in (0, len(self.latitude) - 1):
            return False
        inner = self.latitude[1 if row == 0 else row - 1]
        spacing = abs(self.latitude[row] - inner)
        return abs(self.latitude[row]) + spacing <= 90 + 1e-3 * spacing


@dataclass(frozen=True)
class State:
    """One event at one step; members as in ``struct e5_event_state``."""

    time: int
    area: float
    mean: float
    maximum: float
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Event:
    """One event; members as in ``struct e5_event``, with the outline as a geometry in degrees."""

    voxels: list[Voxel]
    states: list[State]
    start: int
    end: int
    cells: int
    volume: float
    footprint: float
    area_max: float
    area_mean: float
    area_max_time: int
    peak: float
    peak_value: float
    peak_time: int
    peak_row: int
    peak_column: int
    exceedance_mean: float
    exceedance_sum: float
    latitude: float
    longitude: float
    south: float
    north: float
    west: float
    east: float
    touches_edge: bool
    censored: bool
    outline: BaseGeometry


def usual_step(seconds: NDArray[np.int64]) -> int:
    """The most frequent distance of neighbouring steps in seconds, the smallest of several; a day for a lone step."""
    differences, counts = np.unique(np.diff(seconds), return_counts=True)
    return int(differences[np.argmax(counts)]) if len(differences) else _DAY


def long_spells(above: NDArray[np.bool_], linked: NDArray[np.bool_], min_days: int) -> NDArray[np.bool_]:
    """Keep what belongs to a run of at least `min_days` steps in its cell; shapes are (time, latitude, longitude)."""
    kept = np.zeros_like(above)
    steps = above.shape[0]
    for row, column in np.ndindex(*above.shape[1:]):
        first = 0
        while first < steps:
            last = first
            while last < steps and above[last, row, column] and (last == first or linked[last]):
                last += 1
            if last - first >= min_days:
                kept[first:last, row, column] = True
            first = max(last, first + 1)
    return kept


def _centroid(grid: Grid, voxels: list[Voxel]) -> tuple[float, float]:
    total = np.zeros(3)
    weight = 0.0
    for _, row, column in voxels:
        phi, lam = math.radians(grid.latitude[row]), math.radians(grid.longitude[column])
        area = grid.area(row)
        total += area * np.array([math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)])
        weight += area
    if np.linalg.norm(total) <= 1e-9 * weight:
        return math.nan, math.nan
    x, y, z = total
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def _fold(longitude: float) -> float:
    return math.remainder(longitude, 360)


def _arc(grid: Grid, touched: set[int]) -> tuple[float, float]:
    columns = sorted(touched)
    gap, after = 0, 0
    if not grid.periodic:
        gap = 1
    else:
        for k, column in enumerate(columns):
            following = columns[(k + 1) % len(columns)]
            empty = (following - column - 1) % len(grid.longitude)
            if empty > gap:
                gap, after = empty, (k + 1) % len(columns)
    if gap == 0:
        return -180.0, 180.0
    west = _fold(grid.west(columns[after]))
    east = _fold(grid.west(columns[after - 1] + 1))
    return (-180.0 if west == 180 else west), (180.0 if east == -180 else east)


def _outline(grid: Grid, cells: set[tuple[int, int]]) -> BaseGeometry:
    boxes = []
    for row, column in cells:
        south, north = grid.rows(row)
        west = (grid.west(column) + 180 + 1e-9) % 360 - 180 - 1e-9
        east = west + grid.step
        boxes.append(shapely.box(west, south, min(east, 180), north))
        if east > 180 + 1e-6:
            boxes.append(shapely.box(-180, south, east - 360, north))
    return shapely.union_all(boxes)


def _state(grid: Grid, time: int, voxels: list[Voxel], above: NDArray[np.float64]) -> State:
    area = sum(grid.area(row) for _, row, _ in voxels)
    excess = sum(grid.area(row) * above[time, row, column] for _, row, column in voxels)
    return State(time, area, excess / area, max(above[voxel] for voxel in voxels), *_centroid(grid, voxels))


def _event(
    grid: Grid, voxels: list[Voxel], values: NDArray[np.float64], above: NDArray[np.float64], step_days: float
) -> Event:
    times = sorted({time for time, _, _ in voxels})
    states = [_state(grid, time, [voxel for voxel in voxels if voxel[0] == time], above) for time in times]
    cells = {(row, column) for _, row, column in voxels}
    total = sum(state.area for state in states)
    excess = sum(grid.area(voxel[1]) * above[voxel] for voxel in voxels)
    largest = max(states, key=lambda state: state.area)  # max keeps the first of equals
    peak = max(voxels, key=lambda voxel: above[voxel])
    latitude, longitude = _centroid(grid, voxels)
    west, east = _arc(grid, {column for _, column in cells})
    return Event(
        voxels=voxels,
        states=states,
        start=times[0],
        end=times[-1],
        cells=len(voxels),
        volume=total * step_days,
        footprint=sum(grid.area(row) for row, _ in cells),
        area_max=largest.area,
        area_mean=total / len(states),
        area_max_time=largest.time,
        peak=above[peak],
        peak_value=values[peak],
        peak_time=peak[0],
        peak_row=peak[1],
        peak_column=peak[2],
        exceedance_mean=excess / total,
        exceedance_sum=excess * step_days,
        latitude=latitude,
        longitude=longitude,
        south=min(grid.rows(row)[0] for row, _ in cells),
        north=max(grid.rows(row)[1] for row, _ in cells),
        west=west,
        east=east,
        touches_edge=any(grid.at_edge(row, column) for row, column in cells),
        censored=times[0] == 0 or times[-1] == values.shape[0] - 1,
        outline=_outline(grid, cells),
    )


def find_events(
    x: NDArray[np.float32],
    threshold: NDArray[np.float64],
    slot: NDArray[np.int32],
    seconds: NDArray[np.int64],
    grid: Grid,
    *,
    min_days: int = 3,
    min_area_km2: float = 0.0,
    connectivity: int = 26,
) -> list[Event]:
    """Find events: cells above a threshold, joined in time, latitude and longitude.

    Parameters
    ----------
    x
        Shape (time, latitude, longitude); NaN is missing.
    threshold
        Shape (slot, latitude, longitude), in the units of `x`; NaN is never exceeded.
    slot
        Shape (time,): which threshold each step is compared with.
    seconds
        Shape (time,): start of each step; where two do not follow at the usual distance, spells and events end.
    grid
        Coordinates of the cells.
    min_days
        Steps in a row that a cell must lie above its threshold.
    min_area_km2
        Events whose largest area in one step is smaller are left out.
    connectivity
        6, 10, 18 or 26, see :func:`reference.label.label`.

    Returns
    -------
    list of Event
        In the order of their first cells.
    """
    step = usual_step(seconds)
    linked = np.concatenate([[False], np.diff(seconds) == step])
    values = x.astype(np.float64)
    above = values - threshold[slot]
    mask = long_spells(values > threshold[slot], linked, min_days)
    labels = label(mask, connectivity, linked=linked, periodic=grid.periodic, pole_rows=grid.pole_rows)
    members: list[list[Voxel]] = [[] for _ in range(int(labels.max(initial=-1)) + 1)]
    for voxel in np.ndindex(*labels.shape):
        if labels[voxel] >= 0:
            members[labels[voxel]].append(voxel)
    events = [_event(grid, voxels, values, above, step / _DAY) for voxels in members]
    return [event for event in events if event.area_max >= min_area_km2]

"""Slow twin of ``find_events`` and ``track``: every rule and every property in plain loops over cells."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from .label import label, neighbours
from .morphology import closed, discs, opened
from .sphere import Grid

_DAY = 86400
_ROUNDING = 1e-9
"""By so much a share may fall short."""

Cell = tuple[int, int]
"""Row and column."""
Voxel = tuple[int, int, int]
"""Time, row and column of a cell at one step."""

SHARES = {
    "previous": lambda common, a, b: common / a,
    "next": lambda common, a, b: common / b,
    "smaller": lambda common, a, b: common / min(a, b),
    "larger": lambda common, a, b: common / max(a, b),
    "union": lambda common, a, b: common / (a + b - common),
}
"""What the area that two blobs of areas a and b have in common is a share of."""


@dataclass(frozen=True)
class Rule:
    """What makes an event, in the order in which it applies.

    Parameters
    ----------
    below
        Whether events lie below their threshold.
    min_days, max_gap
        Steps in a row that a cell must lie beyond its threshold, and gaps between two such runs that are closed.
    closing_km, opening_km
        Radius of the disc that closes and opens each step; 0: none.
    min_blob_area
        Blobs smaller than this (km²) are left out.
    neighbours
        6, 10, 18 or 26.
    overlap
        Share of the area that two blobs must have in common to belong together; None: they touch.
    of
        What it is a share of: a key of :data:`SHARES`.
    overlap_gap
        Steps that may be missing between overlapping blobs.
    min_area, min_duration
        Events whose largest area (km²) or whose length in steps, first and last counted, is smaller are left out.
    """

    below: bool = False
    min_days: int = 1
    max_gap: int = 0
    closing_km: float = 0.0
    opening_km: float = 0.0
    min_blob_area: float = 0.0
    neighbours: int = 26
    overlap: float | None = None
    of: str = "smaller"
    overlap_gap: int = 0
    min_area: float = 0.0
    min_duration: int = 1


@dataclass(frozen=True)
class Field:
    """Values and what they are compared with; all of shape (time, latitude, longitude), NaN is not known.

    Parameters
    ----------
    value, threshold
        Cells with a value beyond the threshold belong to events.
    core
        An event has a value beyond this somewhere; None: it need not.
    climatology
        Severity is measured from here; None: it is not.
    where
        Cells that may belong to events; None: all.
    """

    value: NDArray[np.float64]
    threshold: NDArray[np.float64]
    core: NDArray[np.float64] | None = None
    climatology: NDArray[np.float64] | None = None
    where: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Bounds:
    """Edges of cells in degrees; west > east where they lie across the antimeridian."""

    south: float
    north: float
    west: float
    east: float


@dataclass(frozen=True)
class Severity:
    """How far values are from the climatology, in distances of the threshold from it."""

    mean: float = math.nan
    maximum: float = math.nan
    category: int = 0
    area: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Blob:
    """Cells that touch at one step; members as in ``struct e5_blob``."""

    time: int
    cells: list[Cell] = field(repr=False)
    area: float
    mean: float
    maximum: float
    latitude: float
    longitude: float


@dataclass(frozen=True)
class State:
    """One event at one step; members as in ``struct e5_event_state``."""

    time: int
    blobs: int
    area: float
    mean: float
    maximum: float
    latitude: float
    longitude: float
    box: Bounds
    severity: Severity


@dataclass(frozen=True)
class Event:
    """One event; members as in ``struct e5_event``, with the outline as a geometry in degrees."""

    voxels: list[Voxel] = field(repr=False)
    blobs: list[Blob]
    links: list[tuple[int, int, float]]
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
    severity: Severity
    latitude: float
    longitude: float
    path: float
    displacement: float
    box: Bounds
    merges: int
    splits: int
    touches_edge: bool
    crosses_seam: bool
    touches_pole: bool
    censored_start: bool
    censored_end: bool
    outline: BaseGeometry = field(repr=False)

    @property
    def south(self) -> float:
        """Southern edge of the box."""
        return self.box.south

    @property
    def north(self) -> float:
        """Northern edge of the box."""
        return self.box.north

    @property
    def west(self) -> float:
        """Western edge of the box."""
        return self.box.west

    @property
    def east(self) -> float:
        """Eastern edge of the box."""
        return self.box.east


# --- time ---


def usual_step(seconds: NDArray[np.int64]) -> int:
    """The most frequent distance of neighbouring steps in seconds, the smallest of several; a day for a lone step."""
    differences, counts = np.unique(np.diff(seconds), return_counts=True)
    return int(differences[np.argmax(counts)]) if len(differences) else _DAY


def _runs(flags: NDArray[np.bool_], linked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and behind the last step of what is true without a break."""
    runs: list[tuple[int, int]] = []
    for step, flag in enumerate(flags):
        if flag and runs and runs[-1][1] == step and linked[step]:
            runs[-1] = (runs[-1][0], step + 1)
        elif flag:
            runs.append((step, step + 1))
    return runs


def long_spells(
    mask: NDArray[np.bool_], linked: NDArray[np.bool_], min_days: int, max_gap: int = 0
) -> NDArray[np.bool_]:
    """Keep runs of at least `min_days` steps in each cell, then close gaps of at most `max_gap` between them.

    Parameters
    ----------
    mask
        Shape (time, latitude, longitude).
    linked
        Shape (time,): whether a step continues the one before it; runs and gaps end where it does not.
    """
    kept = np.zeros_like(mask)
    for row, column in np.ndindex(*mask.shape[1:]):
        runs = [run for run in _runs(mask[:, row, column], linked) if run[1] - run[0] >= min_days]
        for first, end in runs:
            kept[first:end, row, column] = True
        for (_, end), (following, _) in itertools.pairwise(runs):
            if following - end <= max_gap and linked[end : following + 1].all():
                kept[end:following, row, column] = True
    return kept


# --- space ---


def _shaped(mask: NDArray[np.bool_], valid: NDArray[np.bool_], grid: Grid, rule: Rule) -> NDArray[np.bool_]:
    """Every step closed, then opened."""
    if rule.closing_km > 0:
        disc = discs(grid, rule.closing_km)
        mask = np.array([closed(step, disc, known) for step, known in zip(mask, valid, strict=True)])
    if rule.opening_km > 0:
        disc = discs(grid, rule.opening_km)
        mask = np.array([opened(step, disc) for step in mask])
    return mask


def _cells_of_blobs(mask: NDArray[np.bool_], grid: Grid, rule: Rule) -> list[tuple[int, list[Cell]]]:
    """(Time, cells) of the components of every step that are large enough, by time and first cell."""
    found = []
    for time, step in enumerate(mask):
        labels = label(step[None], rule.neighbours, periodic=grid.periodic, pole_rows=grid.pole_rows)[0]
        members: list[list[Cell]] = [[] for _ in range(int(labels.max(initial=-1)) + 1)]
        for row, column in np.argwhere(labels >= 0).tolist():
            members[labels[row, column]].append((row, column))
        found += [(time, cells) for cells in members if sum(grid.area(row) for row, _ in cells) >= rule.min_blob_area]
    return found


# --- from step to step ---


def _common(grid: Grid, one: Blob, other: Blob) -> float:
    """Area of the cells that two blobs have in common."""
    return sum(grid.area(row) for row, _ in set(one.cells) & set(other.cells))


def _owners(blobs: list[Blob]) -> dict[Voxel, int]:
    """The number of the blob that each cell belongs to."""
    return {(blob.time, *cell): number for number, blob in enumerate(blobs) for cell in blob.cells}


Link = tuple[int, int, float]
"""Numbers of the earlier and the later blob, and their common area in km²."""


def _links_by_touch(blobs: list[Blob], linked: NDArray[np.bool_], grid: Grid, rule: Rule) -> list[Link]:
    """Blobs of following steps with cells that are neighbours."""
    owner = _owners(blobs)
    shape = (len(linked), len(grid.latitude), len(grid.longitude))
    pairs = {
        (number, owner[other])
        for voxel, number in owner.items()
        for other in neighbours(voxel, shape, rule.neighbours, linked, grid.periodic, grid.pole_rows)
        if other[0] > voxel[0] and other in owner
    }
    return [(i, k, _common(grid, blobs[i], blobs[k])) for i, k in sorted(pairs)]


def _links_by_overlap(blobs: list[Blob], linked: NDArray[np.bool_], grid: Grid, rule: Rule) -> list[Link]:
    """Nearest steps first; over a gap only what nothing nearer continues, at either end."""
    assert rule.overlap is not None
    owner = _owners(blobs)
    links: list[Link] = []
    for time in range(1, len(linked)):
        for back in range(1, rule.overlap_gap + 2):
            if back > time or not linked[time - back + 1 : time + 1].all():
                break
            continued = {i for i, _, _ in links}
            continuing = {k for _, k, _ in links}
            for k, other in enumerate(blobs):
                if other.time != time or (back > 1 and k in continuing):
                    continue
                before = {owner[time - back, *cell] for cell in other.cells if (time - back, *cell) in owner}
                for i in before - continued if back > 1 else before:
                    area = _common(grid, blobs[i], other)
                    if SHARES[rule.of](area, blobs[i].area, other.area) >= rule.overlap - _ROUNDING:
                        links.append((i, k, area))
    return sorted(links)


def _components(count: int, links: list[Link]) -> list[list[int]]:
    """Numbers of the members of each component of a graph, by their first members."""
    near: list[set[int]] = [set() for _ in range(count)]
    for i, k, _ in links:
        near[i].add(k)
        near[k].add(i)
    seen: set[int] = set()
    found = []
    for first in range(count):
        if first in seen:
            continue
        members, todo = {first}, [first]
        while todo:
            new = near[todo.pop()] - members
            members |= new
            todo += new
        seen |= members
        found.append(sorted(members))
    return found


# --- properties ---


@dataclass(frozen=True)
class _Measure:
    """Properties of any set of cells in time."""

    grid: Grid
    field: Field
    excess: NDArray[np.float64]
    sign: int

    def area(self, voxels: Iterable[Voxel]) -> float:
        return sum(self.grid.area(row) for _, row, _ in voxels)

    def sum(self, voxels: Iterable[Voxel]) -> float:
        return float(sum(self.grid.area(voxel[1]) * self.excess[voxel] for voxel in voxels))

    def mean(self, voxels: list[Voxel]) -> float:
        return self.sum(voxels) / self.area(voxels)

    def maximum(self, voxels: list[Voxel]) -> float:
        return float(max(self.excess[voxel] for voxel in voxels))

    def centroid(self, voxels: list[Voxel]) -> tuple[float, float]:
        return self.grid.centroid(voxel[1:] for voxel in voxels)

    def box(self, voxels: Iterable[Voxel]) -> Bounds:
        cells = {voxel[1:] for voxel in voxels}
        edges = [self.grid.rows(row) for row, _ in cells]
        arc = _arc(self.grid, {column for _, column in cells})
        return Bounds(min(south for south, _ in edges), max(north for _, north in edges), *arc)

    def severities(self, voxels: list[Voxel]) -> list[tuple[float, float]]:
        """(Severity, area) of the cells where it is known."""
        climatology = self.field.climatology
        if climatology is None:
            return []
        found = []
        for voxel in voxels:
            distance = self.sign * (self.field.threshold[voxel] - climatology[voxel])
            severity = self.sign * (self.field.value[voxel] - climatology[voxel])
            if distance > 0 and not math.isnan(severity):
                found.append((float(severity / distance), self.grid.area(voxel[1])))
        return found

    def severity(self, voxels: list[Voxel]) -> Severity:
        """Of a step: cells of each category are those of that step."""
        known = self.severities(voxels)
        if not known:
            return Severity()
        area = [0.0] * 4
        for severity, cell in known:
            if severity >= 1:
                area[min(int(severity), 4) - 1] += cell
        mean = sum(severity * cell for severity, cell in known) / sum(cell for _, cell in known)
        maximum = max(severity for severity, _ in known)
        return Severity(mean, maximum, min(max(int(maximum), 0), 4), (area[0], area[1], area[2], area[3]))

    def severity_of_event(self, states: list[list[Voxel]]) -> Severity:
        """Of several steps: the area of each category is that of the step where it is largest."""
        whole = self.severity([voxel for state in states for voxel in state])
        areas = [self.severity(state).area for state in states]
        largest = [max(area[k] for area in areas) for k in range(4)]
        return Severity(whole.mean, whole.maximum, whole.category, (largest[0], largest[1], largest[2], largest[3]))

    def blob(self, time: int, cells: list[Cell]) -> Blob:
        voxels = [(time, *cell) for cell in cells]
        return Blob(time, cells, self.area(voxels), self.mean(voxels), self.maximum(voxels), *self.centroid(voxels))

    def state(self, voxels: list[Voxel], blobs: int) -> State:
        return State(
            voxels[0][0],
            blobs,
            self.area(voxels),
            self.mean(voxels),
            self.maximum(voxels),
            *self.centroid(voxels),
            self.box(voxels),
            self.severity(voxels),
        )


def _fold(longitude: float) -> float:
    return math.remainder(longitude, 360)


def _arc(grid: Grid, touched: set[int]) -> tuple[float, float]:
    """The smallest arc that holds all columns: the circle without its widest gap."""
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


def outline(grid: Grid, cells: Iterable[Cell]) -> BaseGeometry:
    """The union of the boxes of cells, in degrees from -180 to 180."""
    boxes = []
    for row, column in cells:
        south, north = grid.rows(row)
        west = (grid.west(column) + 180 + 1e-9) % 360 - 180 - 1e-9
        east = west + grid.step
        boxes.append(shapely.box(west, south, min(east, 180), north))
        if east > 180 + 1e-6:
            boxes.append(shapely.box(-180, south, east - 360, north))
    return shapely.union_all(boxes)


def _path(grid: Grid, states: list[State]) -> tuple[float, float]:
    """Length of the way from centroid to centroid, and distance of the last from the first; those that there are."""
    places = [(s.latitude, s.longitude) for s in states if not math.isnan(s.latitude)]
    steps = sum(grid.distance(a, b) for a, b in itertools.pairwise(places))
    return steps, grid.distance(places[0], places[-1]) if places else 0.0


def _event(measure: _Measure, blobs: list[Blob], links: list[Link], step_days: float) -> Event:
    grid, steps = measure.grid, measure.excess.shape[0]
    voxels = sorted((blob.time, *cell) for blob in blobs for cell in blob.cells)
    times = sorted({voxel[0] for voxel in voxels})
    parts = [list(part) for _, part in itertools.groupby(voxels, key=lambda voxel: voxel[0])]
    patches = Counter(blob.time for blob in blobs)
    states = [measure.state(part, patches[part[0][0]]) for part in parts]
    cells = {voxel[1:] for voxel in voxels}
    columns, rows = {column for _, column in cells}, {row for row, _ in cells}
    total = sum(state.area for state in states)
    largest = max(states, key=lambda state: state.area)  # max keeps the first of equals
    peak = max(voxels, key=lambda voxel: measure.excess[voxel])
    latitude, longitude = measure.centroid(voxels)
    path, displacement = _path(grid, states)
    ends = {0, len(grid.longitude) - 1}
    return Event(
        voxels=voxels,
        blobs=blobs,
        links=links,
        states=states,
        start=times[0],
        end=times[-1],
        cells=len(voxels),
        volume=total * step_days,
        footprint=sum(grid.area(row) for row, _ in cells),
        area_max=largest.area,
        area_mean=total / len(states),
        area_max_time=largest.time,
        peak=float(measure.excess[peak]),
        peak_value=float(measure.field.value[peak]),
        peak_time=peak[0],
        peak_row=peak[1],
        peak_column=peak[2],
        exceedance_mean=measure.sum(voxels) / total,
        exceedance_sum=measure.sum(voxels) * step_days,
        severity=measure.severity_of_event(parts),
        latitude=latitude,
        longitude=longitude,
        path=path,
        displacement=displacement,
        box=measure.box(voxels),
        merges=sum(count > 1 for count in Counter(k for _, k, _ in links).values()),
        splits=sum(count > 1 for count in Counter(i for i, _, _ in links).values()),
        touches_edge=any(grid.at_edge(row, column) for row, column in cells),
        crosses_seam=grid.periodic and ends <= columns,
        touches_pole=bool(rows & grid.pole_rows),
        censored_start=times[0] == 0,
        censored_end=times[-1] == steps - 1,
        outline=outline(grid, cells),
    )


# --- the whole chain ---


def find(data: Field, seconds: NDArray[np.int64], grid: Grid, rule: Rule) -> list[Event]:
    """Find events in a field.

    Parameters
    ----------
    data
        Values, thresholds and the like.
    seconds
        Shape (time,): start of each step; where two do not follow at the usual distance, spells and events end.
    grid
        Coordinates of the cells.
    rule
        What makes an event.

    Returns
    -------
    list of Event
        In the order of their first cells.
    """
    step = usual_step(seconds)
    linked = np.concatenate([[False], np.diff(seconds) == step])
    sign = -1 if rule.below else 1
    excess = sign * (data.value - data.threshold)
    known = ~np.isnan(excess) & (True if data.where is None else data.where)
    mask = long_spells(known & (excess > 0), linked, rule.min_days, rule.max_gap) & known
    mask = _shaped(mask, known, grid, rule)
    measure = _Measure(grid, data, excess, sign)
    blobs = [measure.blob(time, cells) for time, cells in _cells_of_blobs(mask, grid, rule)]
    find_links = _links_by_touch if rule.overlap is None else _links_by_overlap
    links = find_links(blobs, linked, grid, rule)
    events = []
    onward: defaultdict[int, list[Link]] = defaultdict(list)
    for link in links:
        onward[link[0]].append(link)
    for members in _components(len(blobs), links):
        voxels = [(blobs[i].time, *cell) for i in members for cell in blobs[i].cells]
        if data.core is not None and not any(sign * (data.value[v] - data.core[v]) > 0 for v in voxels):
            continue
        number = {blob: own for own, blob in enumerate(members)}
        own = [(number[i], number[k], area) for member in members for i, k, area in onward[member]]
        event = _event(measure, [blobs[i] for i in members], own, step / _DAY)
        if event.area_max >= rule.min_area and event.end - event.start + 1 >= rule.min_duration:
            events.append(event)
    return events


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
    """Find events above a threshold of several slots, as :func:`find` does with the usual rule.

    Parameters
    ----------
    x
        Shape (time, latitude, longitude); NaN is missing.
    threshold
        Shape (slot, latitude, longitude), in the units of `x`; NaN is never exceeded.
    slot
        Shape (time,): which threshold each step is compared with.
    seconds, grid
        As for :func:`find`.
    min_days, min_area_km2, connectivity
        `min_days`, `min_area` and `neighbours` of :class:`Rule`.
    """
    rule = Rule(min_days=min_days, min_area=min_area_km2, neighbours=connectivity)
    return find(Field(x.astype(np.float64), threshold[slot].astype(np.float64)), seconds, grid, rule)

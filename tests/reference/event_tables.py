"""Compares the tables of the core with the events of the slow twin, member by member."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from .find_events import Blob, Event, Severity, State

Row = dict[str, Any]

EXACT = {
    *("start", "end", "cells", "peak", "peak_value", "peak_time", "peak_row", "peak_column"),
    *("merges", "splits", "touches_edge", "crosses_seam", "touches_pole", "censored_start", "censored_end"),
}
CLOSE = {"volume", "footprint", "area_max", "area_mean", "exceedance_mean", "exceedance_sum", "path", "displacement"}


def rows(table: dict[str, NDArray[Any]]) -> list[Row]:
    """A table of columns as a list of rows."""
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


def _close(got: float, wanted: float, size: float = 1.0) -> None:
    assert got == wanted or math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-7 * size) or (got != got != wanted)


def _same_angle(got: float, wanted: float) -> None:
    assert abs(math.remainder(got - wanted, 360)) < 1e-7


def _same_place(got: Row, latitude: float, longitude: float) -> None:
    """As unit vectors: at a pole any longitude is the right one."""

    def vector(phi: float, lam: float) -> NDArray[np.float64]:
        phi, lam = math.radians(phi), math.radians(lam)
        return np.array([math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)])

    places = vector(got["latitude"], got["longitude"]), vector(latitude, longitude)
    np.testing.assert_allclose(*places, rtol=0, atol=1e-7)


def _same_box(got: Row, wanted: Event | State) -> None:
    _close(got["south"], wanted.box.south)
    _close(got["north"], wanted.box.north)
    _same_angle(got["west"], wanted.box.west)
    _same_angle(got["east"], wanted.box.east)
    assert -180 <= got["west"] < 180
    assert -180 < got["east"] <= 180


def _same_severity(got: Row, wanted: Severity) -> None:
    _close(got["severity_mean"], wanted.mean)
    _close(got["severity_max"], wanted.maximum)
    assert got["category"] == wanted.category
    for name, area in zip(("moderate", "strong", "severe", "extreme"), wanted.area, strict=True):
        _close(got[f"area_{name}"], area)


def _same_blob(got: Row, wanted: Blob) -> None:
    assert (got["time"], got["maximum"]) == (wanted.time, wanted.maximum)
    _close(got["area"], wanted.area)
    _close(got["mean"], wanted.mean)
    _same_place(got, wanted.latitude, wanted.longitude)


def _same_state(got: Row, wanted: State) -> None:
    assert (got["time"], got["blobs"], got["maximum"]) == (wanted.time, wanted.blobs, wanted.maximum)
    _close(got["area"], wanted.area)
    _close(got["mean"], wanted.mean)
    _same_place(got, wanted.latitude, wanted.longitude)
    _same_box(got, wanted)
    _same_severity(got, wanted.severity)


def _same_runs(got: list[Row], wanted: Event) -> None:
    """Cells and the blobs that they belong to."""
    cells = [
        ((run["time"], run["row"], column), run["blob"])
        for run in got
        for column in range(run["first"], run["first"] + run["count"])
    ]
    blobs = {(blob.time, *cell): number for number, blob in enumerate(wanted.blobs) for cell in blob.cells}
    assert cells == [(voxel, blobs[voxel]) for voxel in wanted.voxels]


def check_outline(wkb: bytes) -> BaseGeometry:
    """An outline as a geometry, after a look at what the standard asks for."""
    shape = shapely.from_wkb(wkb)
    assert shape.geom_type == "MultiPolygon"
    assert shape.is_valid, shapely.is_valid_reason(shape)
    for polygon in shape.geoms:
        assert polygon.exterior.is_ccw
        assert not any(hole.is_ccw for hole in polygon.interiors)
    west, south, east, north = shape.bounds
    assert max(abs(west), abs(east)) <= 180
    assert max(abs(south), abs(north)) <= 90
    return shape


def area_on_sphere(shape: BaseGeometry) -> float:
    """Area in km² of a shape whose edges are meridians and parallels: in longitude and sine of latitude."""
    flat = shapely.transform(shape, lambda p: np.column_stack([np.radians(p[:, 0]), np.sin(np.radians(p[:, 1]))]))
    return float(flat.area) * 6371.0**2


def _same_event(core: Any, number: int, got: Row, wanted: Event, wgs84: bool) -> None:
    def part(table: dict[str, NDArray[Any]], first: str, count: str) -> list[Row]:
        start = int(got[first])
        return rows({name: column[start : start + int(got[count])] for name, column in table.items()})

    for name in EXACT:
        assert got[name] == getattr(wanted, name), name
    for name in CLOSE:
        _close(got[name], getattr(wanted, name))
    areas = {state.time: state.area for state in wanted.states}  # equal ones may differ in the last digit
    _close(areas[got["area_max_time"]], wanted.area_max)
    _same_place(got, wanted.latitude, wanted.longitude)
    _same_box(got, wanted)
    _same_severity(got, wanted.severity)
    _same_runs(part(core.runs(), "first_run", "runs"), wanted)
    for mine, theirs in zip(part(core.states(), "first_state", "states"), wanted.states, strict=True):
        _same_state(mine, theirs)
    for mine, theirs in zip(part(core.blobs(), "first_blob", "blobs"), wanted.blobs, strict=True):
        _same_blob(mine, theirs)
    links = part(core.links(), "first_link", "links")
    assert [(link["from"], link["to"]) for link in links] == [link[:2] for link in wanted.links]
    for link, (_, _, area) in zip(links, wanted.links, strict=True):
        _close(link["area"], area)
    outline = check_outline(core.outline(number))
    assert outline.symmetric_difference(wanted.outline).area < 1e-7
    if not wgs84:
        assert math.isclose(area_on_sphere(outline), wanted.footprint, rel_tol=1e-9)


def compared() -> set[str]:
    """Members of :class:`Event` that are looked at."""
    parts = {
        "area_max_time",
        "voxels",
        "blobs",
        "links",
        "states",
        "severity",
        "latitude",
        "longitude",
        "box",
        "outline",
    }
    return EXACT | CLOSE | parts


def check(core: Any, wanted: Iterable[Event], *, wgs84: bool = False) -> None:
    """Fail unless the tables of the core hold these events and nothing else.

    Parameters
    ----------
    core
        ``EventCatalogue.core``.
    wanted
        Events of the slow twin.
    wgs84
        Whether areas are those of the ellipsoid: the outline is then not measured.
    """
    wanted = list(wanted)
    table = rows(core.table())
    assert len(table) == len(wanted)
    assert compared() == {member.name for member in dataclasses.fields(Event)}
    for number, (got, event) in enumerate(zip(table, wanted, strict=True)):
        _same_event(core, number, got, event, wgs84)

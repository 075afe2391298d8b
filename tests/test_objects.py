"""Objects in space and time: every rule and property equals the slow twin's, on every kind of grid; symmetries."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from tests.reference import event_tables
from tests.reference.find_events import Event, Field, Rule, find
from tests.reference.label import label
from tests.reference.morphology import closed, discs, opened
from tests.reference.sphere import Grid

pytestmark = pytest.mark.native

DAY = 86400

GRIDS = {
    "region": Grid(np.array([52.0, 50, 47, 46.5, 46]), np.arange(7) * 0.5 - 2),
    "region, south first": Grid(np.array([-3.0, -1, 0, 1, 4]), np.arange(7) * 2.0 + 10),
    "over the date line": Grid(np.array([10.0, 9, 8, 7]), np.arange(8) + 176.0),
    "globe from 0": Grid(np.arange(60.0, -61, -30), np.arange(8) * 45.0),
    "globe from -180": Grid(np.arange(-60.0, 61, 30), np.arange(9) * 40.0 - 180),
    "globe with poles": Grid(np.arange(90.0, -91, -45), np.arange(8) * 45.0),
    "globe with poles, south first": Grid(np.arange(-90.0, 91, 36), np.arange(7) * (360 / 7) + 22.5),
    "one pole, half a circle": Grid(np.arange(90.0, 69, -5), np.arange(8) * 22.5),
    "more than a word": Grid(np.array([70.0, 20, -30]), np.arange(72) * 5.0),
}


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def noise(seed: int, shape: tuple[int, int, int], missing: float = 0.02) -> np.ndarray:
    """Values that last some steps and reach some cells, with holes."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=shape)
    for t in range(1, shape[0]):
        values[t] = 0.6 * values[t - 1] + 0.8 * values[t]
    values = (values + 0.7 * np.roll(values, 1, axis=2)).astype("float32")
    values[rng.random(shape) < missing] = np.nan
    return values


def times(n: int, missing: tuple[int, ...] = ()) -> np.ndarray:
    return np.delete(np.datetime64("2003-06-01", "D") + np.arange(n + len(missing)), list(missing))


def seconds_of(time: np.ndarray) -> np.ndarray:
    return time.astype("datetime64[s]").astype("int64")


def shape_of(grid: Grid, steps: int) -> tuple[int, int, int]:
    return steps, len(grid.latitude), len(grid.longitude)


# --- the engine and the twin ---


def engine(data: Field, time: np.ndarray, grid: Grid, rule: Rule, values: Any = None) -> e5.EventCatalogue:
    """The same question to the engine; `values` are those of the field in another form."""
    options: dict[str, Any] = {
        "min_days": rule.min_days,
        "max_gap": rule.max_gap,
        "closing_km": rule.closing_km,
        "opening_km": rule.opening_km,
        "min_daily_area_km2": rule.min_blob_area,
        "connectivity": rule.neighbours,
        "min_area_km2": rule.min_area,
        "min_duration": rule.min_duration,
        "areas": "wgs84" if grid.wgs84 else "sphere",
    }
    operands = {"below" if rule.below else "above": data.threshold[0]}
    operands |= {name: part[0] for name in ("core", "climatology") if (part := getattr(data, name)) is not None}
    if data.where is not None:
        operands["where"] = data.where[0]
    call = e5.find_events
    if rule.overlap is not None:
        call = e5.track
        options |= {"overlap": rule.overlap, "of": rule.of, "max_missing": rule.overlap_gap}
        options["connectivity"] = 4 if rule.neighbours == 6 else 8
    axes = {"time": time, "latitude": grid.latitude, "longitude": grid.longitude}
    return call(data.value.astype("float32") if values is None else values, **operands, **axes, **options)


def field_of(grid: Grid, seed: int, rule: Rule, steps: int, *, core: bool, climatology: bool, where: bool) -> Field:
    shape = shape_of(grid, steps)
    rng = np.random.default_rng(seed)
    value = noise(seed, shape).astype("float64")
    sign = -1 if rule.below else 1

    def constant(low: float, high: float) -> np.ndarray:
        return np.broadcast_to(sign * rng.uniform(low, high, shape[1:]).astype("float32").astype("float64"), shape)

    threshold = constant(-0.2, 0.6)
    return Field(
        value,
        threshold,
        constant(1.5, 2.5) if core else None,
        constant(-1, 0.1) if climatology else None,
        np.broadcast_to(rng.random(shape[1:]) < 0.8, shape) if where else None,
    )


def same(data: Field, time: np.ndarray, grid: Grid, rule: Rule) -> list[Event]:
    wanted = find(data, seconds_of(time), grid, rule)
    event_tables.check(engine(data, time, grid, rule).core, wanted, wgs84=grid.wgs84)
    return wanted


RULES = st.builds(
    Rule,
    below=st.booleans(),
    min_days=st.integers(1, 4),
    max_gap=st.integers(0, 3),
    closing_km=st.sampled_from([0.0, 0.0, 60.0, 200.0, 3000.0, 5000.0]),
    opening_km=st.sampled_from([0.0, 0.0, 60.0, 200.0, 3000.0, 5000.0]),
    min_blob_area=st.sampled_from([0.0, 0.0, 5000.0, 1e6, 2e7]),
    neighbours=st.sampled_from([6, 10, 18, 26]),
    min_area=st.sampled_from([0.0, 0.0, 1e4, 3e7]),
    min_duration=st.sampled_from([1, 1, 3, 5]),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    rule=RULES, grid=st.sampled_from(sorted(GRIDS)), seed=st.integers(0, 999), flags=st.tuples(*[st.booleans()] * 5)
)
def test_find_events_equals_its_twin(rule: Rule, grid: str, seed: int, flags: tuple[bool, ...]) -> None:
    wgs84, gaps, core, climatology, where = flags
    steps = 10
    chosen = Grid(GRIDS[grid].latitude, GRIDS[grid].longitude, wgs84)
    data = field_of(chosen, seed, rule, steps, core=core, climatology=climatology, where=where)
    same(data, times(steps, (3, 8) if gaps else ()), chosen, rule)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    rule=RULES,
    overlap=st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0]),
    of=st.sampled_from(["previous", "next", "smaller", "larger", "union"]),
    gap=st.integers(0, 2),
    grid=st.sampled_from(sorted(GRIDS)),
    seed=st.integers(0, 999),
    gaps=st.booleans(),
)
def test_track_equals_its_twin(
    rule: Rule, overlap: float, of: str, gap: int, grid: str, seed: int, gaps: bool
) -> None:
    rule = Rule(**{**vars(rule), "overlap": overlap, "of": of, "overlap_gap": gap, "min_days": 1, "max_gap": 0})
    data = field_of(GRIDS[grid], seed, rule, 10, core=False, climatology=False, where=False)
    same(data, times(10, (4,) if gaps else ()), GRIDS[grid], rule)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("neighbours", [6, 10, 18, 26])
def test_components_of_the_twin_are_those_of_a_flood_fill(grid: str, neighbours: int) -> None:
    """Blobs joined from step to step are the components of the graph of all cells."""
    chosen = GRIDS[grid]
    values = noise(5, shape_of(chosen, 8)).astype("float64")
    events = find(Field(values, np.full(values.shape, 1.2)), np.arange(8) * DAY, chosen, Rule(neighbours=neighbours))
    numbers = np.full(values.shape, -1)
    for number, event in enumerate(events):
        numbers[tuple(np.transpose(event.voxels))] = number
    mask = values > 1.2
    flood = label(mask, neighbours, periodic=chosen.periodic, pole_rows=chosen.pole_rows)
    assert len(events) > 1
    assert np.array_equal(numbers, flood)


# --- published and hand-made cases ---


def cells_as_field(cells: list[tuple[int, int, int]], shape: tuple[int, int, int]) -> np.ndarray:
    values = np.zeros(shape, "float32")
    values[tuple(np.transpose(cells))] = 1
    return values


def found(cells: list[tuple[int, int, int]], grid: Grid, connectivity: int, steps: int = 3) -> e5.EventCatalogue:
    values = cells_as_field(cells, shape_of(grid, steps))
    axes = {"time": times(steps), "latitude": grid.latitude, "longitude": grid.longitude}
    return e5.find_events(values, 0.5, min_days=1, connectivity=connectivity, **axes)


GLOBE = GRIDS["globe from 0"]
POLES = GRIDS["globe with poles"]


@pytest.mark.parametrize(("connectivity", "events"), [(6, 2), (10, 1), (18, 1), (26, 1)])
def test_diagonal_pair_across_the_seam(connectivity: int, events: int) -> None:
    pair = [(0, 1, 7), (0, 2, 0)]
    assert len(found(pair, GLOBE, connectivity)) == events
    assert len(found(pair, GRIDS["over the date line"], connectivity)) == 2
    if events == 1:
        assert found(pair, GLOBE, connectivity).core.table()["crosses_seam"].tolist() == [True]


@pytest.mark.parametrize(("connectivity", "events"), [(6, 2), (10, 2), (18, 1), (26, 1)])
def test_pair_across_the_seam_and_a_step(connectivity: int, events: int) -> None:
    assert len(found([(0, 1, 7), (1, 1, 0)], GLOBE, connectivity)) == events
    assert len(found([(0, 1, 7), (1, 2, 0)], GLOBE, connectivity)) == (1 if connectivity == 26 else 2)


def test_component_that_touches_the_seam_only_later() -> None:
    """Two objects at one step, joined across the seam two steps later: one event from the beginning."""
    cells = [(0, 1, 6), (0, 1, 1), (1, 1, 6), (1, 1, 1), (1, 1, 0), (2, 1, 6), (2, 1, 7), (2, 1, 0)]
    events = found(cells, GLOBE, 6)
    assert len(events) == 1
    table = events.core.table()
    assert (table["merges"][0], table["splits"][0], table["start"][0]) == (1, 0, 0)
    assert (table["west"][0], table["east"][0]) == (-112.5, 67.5)


def test_object_round_all_longitudes() -> None:
    events = found([(0, 2, column) for column in range(8)], GLOBE, 6)
    table = events.core.table()
    assert len(events) == 1
    assert (table["west"][0], table["east"][0], table["crosses_seam"][0]) == (-180, 180, True)
    assert np.isnan(table["latitude"][0]) or abs(table["latitude"][0]) < 1e-9  # a ring on the equator has no middle
    shape = event_tables.check_outline(events.core.outline(0))
    assert shape.bounds == (-180, -15, 180, 15)
    assert event_tables.area_on_sphere(shape) == pytest.approx(table["footprint"][0], rel=1e-12)


def test_polar_cap() -> None:
    """All cells of the row on the pole are one point; those beside it do not meet across a pole that is not set."""
    across = [(0, 1, 0), (0, 1, 4)]
    assert len(found(across, POLES, 26)) == 2
    assert len(found([*across, (0, 0, 0), (0, 0, 4)], POLES, 6)) == 1
    cap = found([(0, row, column) for row in (0, 1) for column in range(8)], POLES, 6)
    table = cap.core.table()
    assert (table["touches_pole"][0], table["touches_edge"][0], table["crosses_seam"][0]) == (True, False, True)
    assert table["latitude"][0] == pytest.approx(90)
    assert table["footprint"][0] == pytest.approx(
        2 * math.pi * 6371**2 * (1 - math.sin(math.radians(22.5))), rel=1e-12
    )
    assert event_tables.check_outline(cap.core.outline(0)).bounds == (-180, 22.5, 180, 90)


def test_day_after_day_on_the_pole() -> None:
    assert len(found([(0, 0, 1), (1, 0, 6)], POLES, 6)) == 1


# --- areas ---


@pytest.mark.parametrize(("areas", "surface"), [("sphere", 4 * math.pi * 6371.0**2), ("wgs84", 510065621.7240884)])
@pytest.mark.parametrize("step", [90.0, 2.5, 0.75])
def test_cells_of_the_globe_cover_it(areas: str, surface: float, step: float) -> None:
    latitude, longitude = np.arange(-90, 90 + step / 2, step), np.arange(0, 360, step)
    values = np.ones((1, len(latitude), len(longitude)), "float32")
    axes = {"time": times(1), "latitude": latitude, "longitude": longitude}
    events = e5.find_events(values, 0.5, min_days=1, areas=areas, **axes)
    assert len(events) == 1
    for name in ("footprint", "area_max", "volume"):
        assert events.core.table()[name][0] == pytest.approx(surface, rel=1e-12)


def test_areas_on_the_ellipsoid_are_those_of_proj() -> None:
    """The cylindrical equal-area projection of PROJ turns areas on the ellipsoid into areas of rectangles."""
    import pyproj

    project = pyproj.Proj("+proj=cea +ellps=WGS84")
    latitude, longitude = np.arange(80.0, -81, -20), np.arange(12) * 30.0
    values = np.zeros((1, len(latitude), len(longitude)), "float32")
    values[0, :, 5] = 1 - np.arange(len(latitude)) % 2
    axes = {"time": times(1), "latitude": latitude, "longitude": longitude}
    events = e5.find_events(values, 0.5, min_days=1, areas="wgs84", **axes)
    rows = [(project(0, phi - 10), project(30, phi + 10)) for phi in latitude[::2]]
    areas = [(east - west) * (north - south) / 1e6 for (west, south), (east, north) in rows]
    assert events.core.table()["footprint"] == pytest.approx(areas, rel=1e-9)


# --- outlines ---


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    grid=st.sampled_from(sorted(GRIDS)), seed=st.integers(0, 10**6), share=st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])
)
def test_outlines_are_valid_and_have_the_area_of_their_cells(grid: str, seed: int, share: float) -> None:
    chosen = GRIDS[grid]
    values = (np.random.default_rng(seed).random(shape_of(chosen, 2)) < share).astype("float32")
    axes = {"time": times(2), "latitude": chosen.latitude, "longitude": chosen.longitude}
    events = e5.find_events(values, 0.5, min_days=1, connectivity=26, **axes)
    for number, footprint in enumerate(events.core.table()["footprint"]):
        shape = event_tables.check_outline(events.core.outline(number))
        assert event_tables.area_on_sphere(shape) == pytest.approx(footprint, rel=1e-9)


# --- closing and opening ---


def test_closing_and_opening_do_no_more_when_repeated() -> None:
    """And closing only adds cells, opening only takes some away, also at the edge of a region."""
    for grid in GRIDS.values():
        disc = discs(grid, 4500 if grid.periodic else 150)
        mask = noise(3, shape_of(grid, 1), 0)[0] > 0.3
        more, less = closed(mask, disc), opened(mask, disc)
        assert (less <= mask).all()
        assert (mask <= more).all()
        assert np.array_equal(closed(more, disc), more)
        assert np.array_equal(opened(less, disc), less)


def test_closing_on_a_small_plane_is_that_of_scipy() -> None:
    """Near the equator, far from the edge, a disc on the sphere is one in the plane."""
    from scipy import ndimage

    grid = Grid(np.arange(40) * 0.1 - 2, np.arange(50) * 0.1)
    mask = np.zeros((40, 50), bool)
    mask[8:-8, 8:-8] = np.random.default_rng(2).random((24, 34)) < 0.3
    y, x = np.mgrid[-3:4, -3:4]
    element = x**2 + y**2 <= 9
    degree = math.pi / 180 * 6371 * 0.1
    values = mask[None].astype("float32")
    axes = {"time": times(1), "latitude": grid.latitude, "longitude": grid.longitude, "min_days": 1}
    for name, theirs in (("closing_km", ndimage.binary_closing), ("opening_km", ndimage.binary_opening)):
        events = e5.find_events(values, 0.5, **{name: 3.01 * degree}, **axes)
        assert np.array_equal(events.labels()[0] >= 0, theirs(mask, element))


# --- symmetries ---


FULL = Rule(min_days=2, max_gap=1, closing_km=3500, neighbours=10, min_duration=2)


def scalars(events: e5.EventCatalogue, names: tuple[str, ...]) -> np.ndarray:
    """Properties that do not depend on where the grid begins, as sorted rows."""
    table = events.core.table()
    rows = np.column_stack([np.round(table[name].astype(float), 3) for name in names])
    return rows[np.lexsort(rows.T)]


INVARIANT = (
    "cells",
    "footprint",
    "volume",
    "area_max",
    "peak",
    "exceedance_sum",
    "path",
    "displacement",
    "blobs",
    "links",
)


def symmetric_field() -> tuple[Field, np.ndarray]:
    values = noise(21, shape_of(POLES, 16), 0).astype("float64")
    values[:, [0, -1]] = values[:, [0, -1], :1]  # a pole is one point
    return Field(values, np.full(values.shape, 0.5)), times(16)


@pytest.mark.parametrize("turn", [1, 3, 7])
def test_rotation_in_longitude(turn: int) -> None:
    data, time = symmetric_field()
    turned = Field(np.roll(data.value, turn, axis=2), data.threshold)
    one, other = engine(data, time, POLES, FULL), engine(turned, time, POLES, FULL)
    assert len(one) > 3
    assert np.allclose(scalars(one, INVARIANT), scalars(other, INVARIANT), rtol=1e-9)


def test_mirror_in_latitude() -> None:
    data, time = symmetric_field()
    mirrored = Field(data.value[:, ::-1], data.threshold)
    turned_round = Grid(POLES.latitude[::-1], POLES.longitude)
    one, other = engine(data, time, POLES, FULL), engine(mirrored, time, POLES, FULL)
    assert np.allclose(scalars(one, INVARIANT), scalars(other, INVARIANT), rtol=1e-9)
    south_first = engine(mirrored, time, turned_round, FULL)  # the same places in another order
    assert np.allclose(scalars(one, INVARIANT), scalars(south_first, INVARIANT), rtol=1e-9)
    assert {one.core.outline(i) for i in range(len(one))} == {
        south_first.core.outline(i) for i in range(len(south_first))
    }


def test_time_reversal() -> None:
    data, time = symmetric_field()
    back = Field(data.value[::-1], data.threshold)
    one, other = engine(data, time, POLES, FULL), engine(back, time, POLES, FULL)
    assert np.allclose(scalars(one, INVARIANT), scalars(other, INVARIANT), rtol=1e-9)
    table, reverse = one.core.table(), other.core.table()
    assert sorted(zip(table["merges"], table["splits"], strict=True)) == sorted(
        zip(reverse["splits"], reverse["merges"], strict=True)
    )


# --- the same bits ---


def tables(events: e5.EventCatalogue) -> list[bytes]:
    core = events.core
    parts = (core.table(), core.runs(), core.states(), core.blobs(), core.links())
    return [column.tobytes() for part in parts for column in part.values()] + [core.geometry()]


def test_layouts_and_types_do_not_matter() -> None:
    grid = GRIDS["more than a word"]
    data = field_of(grid, 4, FULL, 30, core=True, climatology=True, where=True)
    values = data.value.astype("float32")
    wanted = tables(engine(data, times(30), grid, FULL, values))
    forms = [
        np.asfortranarray(values),
        values.astype("float64"),
        values.astype(">f4"),
        np.repeat(values, 2, axis=0)[::2],
        np.ascontiguousarray(values[:, ::-1])[:, ::-1],
    ]
    for form in forms:
        assert tables(engine(data, times(30), grid, FULL, form)) == wanted


@pytest.mark.parametrize("overlap", [None, 0.3])
def test_threads_do_not_matter(overlap: float | None) -> None:
    grid = Grid(np.linspace(90, -90, 37), np.arange(72) * 5.0)
    rule = Rule(**{**vars(FULL), "overlap": overlap, "closing_km": 700.0})
    data = field_of(grid, 6, rule, 50, core=False, climatology=True, where=False)
    answers = []
    for threads in (1, 2, 5):
        e5.set_num_threads(threads)
        answers.append(tables(engine(data, times(50), grid, rule)))
    assert answers[0] == answers[1] == answers[2]


# --- other programs ---


def canonical(labels: np.ndarray) -> np.ndarray:
    """Numbers of components (0: outside) in the order of their first cells, -1 outside."""
    seen = {number: rank for rank, number in enumerate(dict.fromkeys(labels[labels > 0].tolist()))}
    return np.vectorize(lambda number: seen.get(number, -1))(labels)


def joined_over_the_seam(labels: np.ndarray, reach: int) -> np.ndarray:
    """Components that meet across the first and last column are one; `reach`: neighbours as for the engine."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    last, first = np.pad(labels[:, :, -1], 1), np.pad(labels[:, :, 0], 1)
    pairs = []
    for dt, dr in itertools.product((-1, 0, 1), repeat=2):
        if (reach == 6 and (dt or dr)) or (reach == 10 and dt) or (reach == 18 and dt and dr):
            continue
        moved = np.roll(first, (dt, dr), axis=(0, 1))
        both = (last > 0) & (moved > 0)
        pairs += list(zip(last[both], moved[both], strict=True))
    n = labels.max() + 1
    i, k = np.transpose(pairs)
    _, group = connected_components(coo_array((np.ones(len(pairs)), (i, k)), shape=(n, n)), directed=False)
    return np.where(labels > 0, group[labels] + 1, 0)


def structure(neighbours: int) -> np.ndarray:
    from scipy.ndimage import generate_binary_structure

    if neighbours != 10:
        return generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[neighbours])
    near = np.zeros((3, 3, 3), bool)
    near[1] = near[:, 1, 1] = True
    return near


@pytest.mark.parametrize("neighbours", [6, 10, 18, 26])
def test_components_round_the_globe_equal_those_of_scipy(neighbours: int) -> None:
    from scipy import ndimage

    values = noise(31, (25, 31, 144))
    axes = {"time": times(25), "latitude": np.linspace(75, -75, 31), "longitude": np.arange(144) * 2.5}
    ours = e5.find_events(values, 1.0, min_days=1, connectivity=neighbours, **axes).labels()
    theirs, _ = ndimage.label(values > 1.0, structure(neighbours))
    assert ours.max() > 50
    assert np.array_equal(ours, canonical(joined_over_the_seam(theirs, neighbours)))


def test_tracking_as_stitchblobs_does() -> None:
    """Four neighbours on a day and any common node: the components of SciPy's cross in three dimensions."""
    from scipy import ndimage

    values = noise(32, (25, 31, 144))
    axes = {"time": times(25), "latitude": np.linspace(75, -75, 31), "longitude": np.arange(144) * 2.5}
    ours = e5.track(values, 1.0, connectivity=4, overlap=0, **axes).labels()
    theirs, _ = ndimage.label(values > 1.0, structure(6))
    assert np.array_equal(ours, canonical(joined_over_the_seam(theirs, 6)))


# --- files and calendars ---


def test_split_into_files_does_not_matter(tmp_path: Path) -> None:
    grid = GRIDS["more than a word"]
    data = field_of(grid, 8, FULL, 40, core=False, climatology=False, where=False)
    coords = {"time": times(40).astype("datetime64[ns]"), "latitude": grid.latitude, "longitude": grid.longitude}
    x = xr.DataArray(data.value.astype("float32"), coords, ("time", "latitude", "longitude"), name="t2m")
    options = {"min_days": 2, "max_gap": 2, "closing_km": 3500.0, "connectivity": 10}
    wanted = tables(e5.find_events(x, 0.4, **options))
    for cuts in ([0, 40], [0, 1, 40], [0, 13, 14, 29, 40]):
        paths = [tmp_path / f"{len(cuts)}-{first}.nc" for first in cuts[:-1]]
        for path, first, end in zip(paths, cuts[:-1], cuts[1:], strict=True):
            x[first:end].to_netcdf(path)
        assert tables(e5.find_events(paths, 0.4, **options)) == wanted


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "all_leap", "julian"])
def test_calendars(calendar: str) -> None:
    """Days follow each other by their calendar: the end of February is no gap."""
    grid = GRIDS["over the date line"]
    data = field_of(grid, 9, FULL, 20, core=False, climatology=False, where=False)
    time = xr.date_range("2003-02-20", periods=20, calendar=calendar, use_cftime=True).to_numpy()
    wanted = find(data, np.arange(20) * DAY, grid, FULL)
    assert wanted
    event_tables.check(engine(data, time, grid, FULL).core, wanted)

"""Events in a field: the whole list equals that of the slow twin, components those of other libraries."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import json
import math
import warnings

import numpy as np
import pytest
import shapely
import xarray as xr

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import doy_window
from tests.reference import find_events as slow

pytestmark = pytest.mark.native

THREADS = (1, 2, 4, 7)
DAY = 86400

GRIDS = {
    "north first": (np.array([52.0, 50, 47, 46.5, 46]), np.arange(8) * 0.5 - 2),
    "south first": (np.array([-3.0, -1, 0, 1, 4]), np.arange(8) * 2.0 + 10),
    "over the date line": (np.array([10.0, 9, 8, 7]), np.arange(8) + 176.0),
    "globe from 0": (np.arange(60.0, -61, -30), np.arange(8) * 45.0),
    "globe from -180": (np.arange(-60.0, 61, 30), np.arange(8) * 45.0 - 180),
    "globe with poles": (np.arange(90.0, -91, -45), np.arange(8) * 45.0),
    "globe with poles, south first": (np.arange(-90.0, 91, 45), np.arange(8) * 45.0 + 22.5),
    "one pole, half a circle": (np.arange(90.0, 69, -5), np.arange(8) * 22.5),
}


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def field(seed: int, shape: tuple[int, int, int], missing: float = 0.02) -> np.ndarray:
    """Noise that lasts some days and reaches some cells, with holes."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=shape)
    for t in range(1, shape[0]):
        noise[t] = 0.6 * noise[t - 1] + 0.8 * noise[t]
    values = (noise + 0.5 * np.roll(noise, 1, axis=2)).astype("float32")
    values[rng.random(shape) < missing] = np.nan
    return values


def seconds_of(time: np.ndarray) -> np.ndarray:
    return time.astype("datetime64[s]").astype("int64")


def days(n: int, start: str = "2003-06-01") -> np.ndarray:
    return np.datetime64(start, "D") + np.arange(n)


def twin(values, threshold, slot, seconds, grid: str, **options) -> list[slow.Event]:
    threshold = np.broadcast_to(
        threshold, (np.size(threshold, 0) if np.ndim(threshold) == 3 else 1, *values.shape[1:])
    )
    return slow.find_events(values, threshold, slot, seconds, slow.Grid(*GRIDS[grid]), **options)


# --- comparing ---

EXACT = (
    "start",
    "end",
    "cells",
    "peak",
    "peak_value",
    "peak_time",
    "peak_row",
    "peak_column",
    "merges",
    "splits",
    "touches_edge",
    "crosses_seam",
    "touches_pole",
    "censored_start",
    "censored_end",
)
CLOSE = ("volume", "footprint", "area_max", "area_mean", "exceedance_mean", "exceedance_sum", "path", "displacement")
BOX = ("south", "north", "west", "east")
PLACE = ("latitude", "longitude")


def same_angle(a: float, b: float) -> bool:
    return abs(math.remainder(a - b, 360)) < 1e-7


def on_sphere(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Unit vectors: at a pole any longitude is the right one."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.array([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def outline_of(events: e5.EventCatalogue, number: int) -> shapely.MultiPolygon:
    return shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in events.outline(number)])


def check_box(row: dict[str, float], expected: slow.Bounds) -> None:
    assert (row["south"], row["north"]) == pytest.approx((expected.south, expected.north), abs=1e-9)
    assert same_angle(row["west"], expected.west)
    assert same_angle(row["east"], expected.east)


def check_rows(table: dict[str, np.ndarray], first: int, expected: list, names: tuple[str, ...]) -> None:
    """Rows of states or blobs, from the first one of an event."""
    rows = slice(first, first + len(expected))
    wanted = {name: np.array([getattr(row, name) for row in expected]) for name in (*names, *PLACE)}
    for name in names:
        np.testing.assert_allclose(table[name][rows], wanted[name], rtol=1e-10, atol=1e-9)
    places = on_sphere(*(table[name][rows] for name in PLACE)), on_sphere(*(wanted[name] for name in PLACE))
    np.testing.assert_allclose(*places, rtol=0, atol=1e-7)


def check_family(events: e5.EventCatalogue, row: dict, expected: slow.Event) -> None:
    links, rows = events.core.links(), slice(row["first_link"], row["first_link"] + row["links"])
    ends = list(zip(links["from"][rows], links["to"][rows], strict=True))
    assert ends == sorted((a, b) for a, b, _ in expected.links)
    areas = [area for _, _, area in sorted(expected.links)]
    np.testing.assert_allclose(links["area"][rows], areas, rtol=1e-10, atol=1e-9)


def check_event(events: e5.EventCatalogue, number: int, expected: slow.Event, seconds: np.ndarray) -> None:
    row = {name: column[number] for name, column in events.core.table().items()}
    for name in EXACT:
        assert row[name] == getattr(expected, name), name
    for name in CLOSE:
        assert row[name] == pytest.approx(getattr(expected, name), rel=1e-10, abs=1e-9, nan_ok=True), name
    check_box(row, expected.box)
    places = on_sphere(*(row[name] for name in PLACE)), on_sphere(*(getattr(expected, name) for name in PLACE))
    np.testing.assert_allclose(*places, rtol=0, atol=1e-7)
    areas = {state.time: state.area for state in expected.states}
    assert areas[row["area_max_time"]] == pytest.approx(expected.area_max, rel=1e-12)
    assert (row["start_seconds"], row["end_seconds"]) == (seconds[expected.start], seconds[expected.end])
    assert list(zip(*events.cells(number), strict=True)) == expected.voxels
    outline = outline_of(events, number)
    assert outline.is_valid
    assert outline.symmetric_difference(expected.outline).area < 1e-7
    check_rows(
        events.core.states(), row["first_state"], expected.states, ("time", "blobs", "area", "mean", "maximum")
    )
    check_rows(events.core.blobs(), row["first_blob"], expected.blobs, ("time", "area", "mean", "maximum"))
    check_family(events, row, expected)
    for k, state in enumerate(expected.states):
        check_box({name: events.core.states()[name][row["first_state"] + k] for name in BOX}, state.box)


def check_all(events: e5.EventCatalogue, expected: list[slow.Event], seconds: np.ndarray) -> None:
    assert len(events) == len(expected)
    for number, event in enumerate(expected):
        check_event(events, number, event, seconds)


def test_the_comparison_looks_at_every_property() -> None:
    known = {*EXACT, *CLOSE, *PLACE, "box", "area_max_time", "voxels", "states", "blobs", "links", "outline"}
    known |= {"severity"}  # of a climatology: tests/test_objects.py
    assert known == {member.name for member in dataclasses.fields(slow.Event)}


# --- the slow twin ---


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("connectivity", [6, 10, 18, 26])
def test_all_grids_and_neighbourhoods(grid: str, connectivity: int) -> None:
    latitude, longitude = GRIDS[grid]
    time = days(22)
    for seed, threshold in ((1, 0.5), (2, -0.2)):
        values = field(seed, (len(time), len(latitude), len(longitude)))
        options = {"min_days": 2, "connectivity": connectivity}
        events = e5.find_events(values, threshold, time=time, latitude=latitude, longitude=longitude, **options)
        expected = twin(values, threshold, np.zeros(len(time), int), seconds_of(time), grid, **options)
        assert expected
        check_all(events, expected, seconds_of(time))


@pytest.mark.parametrize("min_days", [1, 2, 3, 4])
@pytest.mark.parametrize("grid", ["north first", "globe with poles"])
@pytest.mark.parametrize("gaps", [False, True])
def test_spells_areas_and_gaps(min_days: int, grid: str, gaps: bool) -> None:
    latitude, longitude = GRIDS[grid]
    time = days(32)
    if gaps:
        time = np.delete(time, [5, 6, 13, 20, 21, 22, 27])
    values = field(3 + min_days, (len(time), len(latitude), len(longitude)))
    every = twin(values, 0.0, np.zeros(len(time), int), seconds_of(time), grid, min_days=min_days)
    areas = sorted(event.area_max for event in every)
    for area in (0.0, (areas[0] + areas[-1]) / 2 + 0.123, areas[-1] * 1.001):
        axes = {"time": time, "latitude": latitude, "longitude": longitude}
        events = e5.find_events(values, 0.0, min_days=min_days, min_area_km2=area, **axes)
        check_all(events, [event for event in every if event.area_max >= area], seconds_of(time))


def test_other_steps_than_a_day() -> None:
    latitude, longitude = GRIDS["south first"]
    time = np.datetime64("1999-12-30T03", "h") + 6 * np.arange(30)
    values = field(8, (30, len(latitude), len(longitude)))
    events = e5.find_events(values, 0.3, min_days=2, time=time, latitude=latitude, longitude=longitude)
    expected = twin(values, 0.3, np.zeros(30, int), seconds_of(time), "south first", min_days=2)
    check_all(events, expected, seconds_of(time))


def slots_of(dates: list, calendar: str, leap_day: str) -> np.ndarray:
    return np.array([doy_window.slot_of_day(date, calendar, leap_day) for date in dates])


@pytest.mark.parametrize(("count", "leap_day"), [(365, "drop"), (366, "stretch")])
def test_thresholds_for_each_day_of_the_year(count: int, leap_day: str) -> None:
    latitude, longitude = GRIDS["globe from 0"]
    time = days(30, "2004-02-15")
    values = field(9, (30, len(latitude), len(longitude)))
    threshold = np.random.default_rng(10).normal(0, 0.3, (count, len(latitude), len(longitude)))
    threshold[:, 2, 3] = np.nan
    events = e5.find_events(values, threshold, min_days=2, time=time, latitude=latitude, longitude=longitude)
    slot = slots_of(time.astype(datetime.date).tolist(), "standard", leap_day)
    expected = twin(values, threshold, slot, seconds_of(time), "globe from 0", min_days=2)
    assert expected
    check_all(events, expected, seconds_of(time))


@pytest.mark.parametrize(
    ("calendar", "count"), [("noleap", 365), ("360_day", 360), ("all_leap", 366), ("julian", 365)]
)
def test_other_calendars(calendar: str, count: int) -> None:
    import cftime

    latitude, longitude = GRIDS["over the date line"]
    first = cftime.date2num(cftime.datetime(2004, 2, 20, calendar=calendar), "days since 1970-01-01", calendar)
    time = cftime.num2date(first + np.arange(25), "days since 1970-01-01", calendar)
    values = field(11, (25, len(latitude), len(longitude)))
    threshold = np.random.default_rng(12).normal(0, 0.3, (count, len(latitude), len(longitude)))
    events = e5.find_events(values, threshold, min_days=2, time=time, latitude=latitude, longitude=longitude)
    seconds = (int(first) + np.arange(25)) * DAY
    expected = twin(
        values, threshold, slots_of(list(time), calendar, "drop"), seconds, "over the date line", min_days=2
    )
    check_all(events, expected, seconds)
    assert events.to_dataframe()["start"][0] == time[expected[0].start]


def test_threshold_per_cell_and_types_of_values() -> None:
    latitude, longitude = GRIDS["north first"]
    time = days(20)
    shape = (20, len(latitude), len(longitude))
    threshold = np.random.default_rng(13).normal(0, 0.5, shape[1:])
    axes = {"time": time, "latitude": latitude, "longitude": longitude, "min_days": 2}
    for values in (field(14, shape).astype("float64") / 3, np.round(field(14, shape, 0) * 9).astype("int32")):
        events = e5.find_events(values, threshold, **axes)
        expected = twin(values, threshold, np.zeros(20, int), seconds_of(time), "north first", min_days=2)
        check_all(events, expected, seconds_of(time))


def test_double_precision_decides_at_the_threshold() -> None:
    values = np.full((3, 2, 2), 0.1)  # float32(0.1) is larger than 0.1
    axes = {"time": days(3), "latitude": [1.0, 0.0], "longitude": [0.0, 1.0]}
    assert len(e5.find_events(values, 0.1, **axes)) == 0
    assert len(e5.find_events(values.astype("float32"), 0.1, **axes)) == 1
    assert len(e5.find_events(values, np.nextafter(0.1, 0), **axes)) == 1


def test_nothing_and_everything() -> None:
    latitude, longitude = GRIDS["globe with poles"]
    values = np.zeros((5, len(latitude), len(longitude)), "float32")
    axes = {"time": days(5), "latitude": latitude, "longitude": longitude}
    none = e5.find_events(values, 0.0, **axes)
    assert len(none) == 0
    assert none.to_dataframe().empty
    assert none.strongest().empty
    assert (none.labels() == -1).all()
    whole = e5.find_events(values, -1.0, **axes)
    check_all(
        whole, twin(values, -1.0, np.zeros(5, int), seconds_of(days(5)), "globe with poles"), seconds_of(days(5))
    )
    assert whole.to_dataframe()["area_max_km2"][0] == pytest.approx(4 * math.pi * 6371**2, rel=1e-12)
    missing = np.full_like(values, np.nan)
    assert len(e5.find_events(missing, -1.0, **axes)) == 0


# --- other libraries ---


def canonical(labels: np.ndarray, outside: int) -> np.ndarray:
    """Numbers of components in the order of their first cells, −1 outside."""
    flat = labels.ravel()
    found, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    order = np.argsort(np.where(found == outside, -1, first), kind="stable")
    rank = np.empty(len(found), int)
    rank[order] = np.arange(len(found)) - (outside in found)
    return rank[inverse].reshape(labels.shape)


def structure(connectivity: int) -> np.ndarray:
    from scipy.ndimage import generate_binary_structure

    if connectivity != 10:
        return generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    near = np.zeros((3, 3, 3), bool)
    near[1] = near[:, 1, 1] = True
    return near


@pytest.mark.parametrize(("connectivity", "threshold"), list(itertools.product([6, 10, 18, 26], [-0.3, 0.3, 1.0])))
def test_components_equal_those_of_scipy_and_cc3d(connectivity: int, threshold: float) -> None:
    import cc3d
    from scipy import ndimage

    shape = (40, 31, 150)
    values = field(15, shape)
    axes = {"time": days(40), "latitude": np.linspace(50, 20, 31), "longitude": np.arange(150) * 0.25}
    labels = e5.find_events(values, threshold, min_days=1, connectivity=connectivity, **axes).labels()
    theirs, _ = ndimage.label(values > threshold, structure(connectivity))
    assert np.array_equal(labels, canonical(theirs, 0))
    if connectivity != 10:
        theirs = cc3d.connected_components(values > threshold, connectivity=connectivity)
        assert np.array_equal(labels, canonical(theirs, 0))


# --- the same bits ---


def everything(events: e5.EventCatalogue) -> list[bytes]:
    tables = (events.core.table(), events.core.runs(), events.core.states())
    columns = [column.tobytes() for table in tables for column in table.values()]
    return columns + [events.core.outline(i) for i in range(len(events))]


@pytest.mark.parametrize("grid", ["region", "globe"])
def test_same_bits_for_any_number_of_threads(grid: str) -> None:
    columns = np.arange(144) * (2.5 if grid == "globe" else 0.25)
    values = field(16, (60, 73, 144))
    axes = {"time": days(60), "latitude": np.linspace(90, -90, 73) if grid == "globe" else np.linspace(60, 42, 73)}
    found = []
    for threads in THREADS:
        e5.set_num_threads(threads)
        found.append(everything(e5.find_events(values, 0.8, min_days=2, connectivity=10, longitude=columns, **axes)))
    assert all(other == found[0] for other in found[1:])


# --- xarray ---


def array(seed: int = 17, n: int = 400) -> xr.DataArray:
    latitude, longitude = GRIDS["north first"]
    values = field(seed, (n, len(latitude), len(longitude))) + 290
    coords = {"time": days(n, "2001-01-01").astype("datetime64[ns]"), "latitude": latitude, "longitude": longitude}
    attrs = {"units": "K", "long_name": "2 metre temperature"}
    return xr.DataArray(values, coords, ("time", "latitude", "longitude"), name="t2m", attrs=attrs)


def test_order_of_dimensions_does_not_matter() -> None:
    x = array()
    p60 = e5.percentile_doy(x, 60)
    events = e5.find_events(x, p60)
    assert len(events) > 3
    turned = x.transpose("longitude", "time", "latitude"), p60.transpose("latitude", "dayofyear", "longitude")
    assert everything(e5.find_events(*turned)) == everything(events)


def test_threshold_is_matched_by_place() -> None:
    x = array()
    p60 = e5.percentile_doy(x, 60)
    wanted = everything(e5.find_events(x, p60))
    assert everything(e5.find_events(x, p60.isel(latitude=slice(None, None, -1)))) == wanted
    wider = p60.pad(longitude=2, constant_values=0.0)
    wider["longitude"] = np.arange(-6, 6) * 0.5
    assert everything(e5.find_events(x, wider)) == wanted
    with pytest.raises(InputError, match=r"another latitude.*[Ss]elect the same cells"):
        e5.find_events(x, p60.assign_coords(latitude=p60.latitude + 0.1))
    with pytest.raises(InputError, match="another longitude"):
        e5.find_events(x, p60.isel(longitude=slice(0, 5)))


# --- what the events say ---


def test_definition_follows_parameters_and_inputs() -> None:
    x = array()
    p90, p95 = (e5.percentile_doy(x, p) for p in (90, 95))
    calls = [
        {"above": p90},
        {"above": p95},
        {"above": xr.DataArray(p90.values, p90.coords, p90.dims)},
        {"above": (p90 + 5).assign_attrs(p90.attrs)},
        {"above": 291.0},
        {"above": p90, "min_days": 2},
        {"above": p90, "min_area_km2": 10.0},
        {"above": p90, "connectivity": 6},
    ]
    texts = [e5.find_events(x, **call).definition_json for call in calls]
    assert len(set(texts)) == len(texts)
    assert e5.find_events(x, **calls[0]).definition_json == texts[0]
    assert e5.find_events(x + 0, **calls[0]).definition == json.loads(texts[0])
    assert texts[0] == json.dumps(json.loads(texts[0]), sort_keys=True, separators=(",", ":"))
    definition = json.loads(texts[0])
    assert definition["diagnostic"] == "find_events"
    assert definition["x"] == "t2m"
    assert definition["above"]["diagnostic"] == "percentile_doy"
    assert (definition["above"]["percentile"], definition["above"]["window"]) == (90, 5)
    assert e5.find_events(x, p90[:, ::-1].transpose(..., "dayofyear")).definition_json == texts[0]
    part = e5.find_events(x[:, :2], percentile=90)  # nobody can have changed these
    assert part.definition == e5.find_events(x, percentile=90).definition
    assert "sha256" not in part.definition["above"]
    daily = e5.daily(x, "max")
    assert e5.find_events(daily, 291.0).definition["x"]["diagnostic"] == "daily"


def test_table_and_its_relations() -> None:
    x = array()
    events = e5.find_events(x, 291.0, min_days=2)
    table = events.to_dataframe()
    assert len(table) == len(events) == len(list(events))
    assert (table["end"] >= table["start"]).all()
    assert (table["duration_days"] == (table["end"] - table["start"]).dt.days + 1).all()
    assert (table["start"].diff().dropna() >= np.timedelta64(0)).all()
    assert (events.units, events.name) == ("K", "t2m")
    assert repr(events).startswith(f"<EventCatalogue: {len(events)} events of t2m (K), 2001-01-01 to 2002-02-04>\n")
    for event in itertools.islice(events, 5):
        peak = x.sel(time=event["peak_time"], latitude=event["peak_latitude"], longitude=event["peak_longitude"])
        assert float(peak) == event["peak_value"]
        assert event["peak_exceedance"] == event["peak_value"] - 291.0
        states = events.states(event["number"])
        assert len(states) == event["duration_days"]
        assert states["area_km2"].max() == event["area_max_km2"]
        assert states["area_km2"].sum() == pytest.approx(event["volume_km2_days"])
        assert states["time"].iloc[0] == event["start"]


def test_cells_and_labels_are_the_field_above_its_threshold() -> None:
    x = array()
    events = e5.find_events(x, 291.0, min_days=1)
    labels = events.labels()
    assert labels.shape == x.shape
    assert np.array_equal(labels >= 0, x.values > 291.0)
    for number in (0, len(events) - 1):
        time, row, column = events.cells(number)
        assert (labels[time, row, column] == number).all()
        assert len(time) == (labels == number).sum() == events.to_dataframe()["cells"][number]


def test_strongest_are_sorted_and_keep_their_numbers() -> None:
    events = e5.find_events(array(), 291.0, min_days=1)
    table = events.to_dataframe()
    best = events.strongest(4)
    assert list(best.index) == list(table["cumulative_intensity"].nlargest(4).index)
    assert best["cumulative_intensity"].is_monotonic_decreasing
    assert len(events.strongest(10**6)) == len(events)


@pytest.mark.parametrize("number", [-(10**6), 10**6, np.int64(10**6)])
def test_number_of_no_event(number: int) -> None:
    events = e5.find_events(array(), 291.0)
    for method in (events.cells, events.states, events.outline):
        with pytest.raises(InputError, match=rf"no event {number}, there are {len(events)}"):
            method(number)


def test_numbers_count_from_the_end_as_well() -> None:
    events = e5.find_events(array(), 291.0)
    last = len(events) - 1
    assert np.array_equal(events.cells(-1), events.cells(last))
    assert np.array_equal(events.cells(-1), events[-1].cells())
    assert events.states(-len(events)).equals(events.states(0))


@pytest.mark.parametrize("number", ["0", 0.5, None])
def test_number_that_is_none(number: object) -> None:
    events = e5.find_events(array(), 291.0)
    with pytest.raises(TypeError):
        events.cells(number)
    assert len(events.cells(np.int64(0))[0]) > 0


# --- refusals ---

GOOD = {"time": days(4), "latitude": [2.0, 1.0, 0.0], "longitude": [0.0, 1.0]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"time": None}, "no times"),
        ({"time": days(3)}, "3 times for an array of shape"),
        ({"time": days(4)[::-1]}, "times must increase"),
        ({"time": np.repeat(days(2), 2)}, "times must increase"),
        ({"time": np.arange(4)}, "cannot read times of type int64"),
        ({"time": np.array(["2001", "x", "y", "z"])}, "cannot read times"),
        ({"time": np.r_[days(3), np.datetime64("NaT")]}, "NaT"),
        ({"latitude": None}, "the grid is not known"),
        ({"latitude": [2.0, 1.0]}, "dimensions are time, latitude, longitude"),
        ({"latitude": [95.0, 1.0, 0.0]}, "latitude 0 is 95"),
        ({"latitude": [1.0, 2.0, 0.0]}, "latitudes are not in order"),
        ({"latitude": [np.nan, 1.0, 0.0]}, "latitude 0 is nan"),
        ({"longitude": [1.0, 0.0]}, "eastward"),
        ({"longitude": [0.0, np.inf]}, "longitude 1 is inf"),
        ({"x": np.zeros((4, 3), "f4")}, "dimensions are time, latitude, longitude"),
        ({"x": np.zeros((4, 3, 2), complex)}, "array of type complex128"),
        ({"x": np.zeros((4, 3, 2), object)}, "array of type object"),
        ({"above": None}, "above which threshold"),
        ({"above": "warm"}, "above: 'warm' is text"),
        ({"above": np.zeros((2, 3))}, r"above has the shape \(2, 3\), cells have the shape \(3, 2\)"),
        ({"above": np.zeros((100, 3, 2))}, "threshold of 100 values fits neither"),
        ({"above": np.zeros((1, 1, 3, 2))}, "above has the shape"),
        ({"min_days": 0}, "min_days is 0, must be 1 to 3660"),
        ({"min_days": 2.5}, "min_days must be a whole number"),
        ({"min_area_km2": -1}, "min_area_km2 is -1"),
        ({"min_area_km2": math.nan}, "min_area_km2 is nan"),
        ({"connectivity": 8}, "must be one of: 6 10 18 26"),
        ({"calendar": "mayan"}, 'unknown calendar "mayan"'),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else "",
)
def test_refusals_say_what_is_wrong(change: dict, text: str) -> None:
    call = {"x": np.zeros((4, 3, 2), "f4"), "above": 0.5, **GOOD, **change}
    with pytest.raises(InputError, match=text):
        e5.find_events(**call)


# --- the many ways to say it ---


def labelled_noise() -> xr.DataArray:
    """Two years of noise in K on a small grid."""
    axes = {
        "time": days(730, "2001-01-01").astype("M8[ns]"),
        "latitude": np.arange(8.0),
        "longitude": np.arange(10.0),
    }
    values = field(21, (730, 8, 10)) + np.float32(280)
    return xr.DataArray(values, axes, tuple(axes), "t2m", {"units": "K"})


def cells_of(events: e5.EventCatalogue) -> list[tuple[int, int, int]]:
    return [tuple(cell) for number in range(len(events)) for cell in zip(*events.cells(number), strict=True)]


def test_one_threshold_in_many_forms() -> None:
    x = labelled_noise()
    wanted = cells_of(e5.find_events(x, 280.5))
    assert wanted
    single = xr.full_like(x[0], 280.5)
    celsius = (single.astype("float64") - 273.15).assign_attrs(units="degC")
    for form in (single, single.astype("float64"), xr.full_like(x, 280.5), celsius, "7.35 degC"):
        assert cells_of(e5.find_events(x, above=form)) == wanted
    mirrored = (560 - x).assign_attrs(units="K")
    assert cells_of(e5.find_events(mirrored, below=279.5)) == wanted
    assert cells_of(e5.find_events(x > 280.5)) == wanted
    assert cells_of(e5.find_events(x, where=x > 280.5)) == wanted
    assert cells_of(e5.find_events(x, above=0.0, where=x > 280.5)) == wanted


def test_a_peak_at_minus_infinity_has_its_place() -> None:
    x, where = np.full((4, 6, 8), -np.inf, "float32"), np.zeros((4, 6, 8), bool)
    where[1, 3:5, 4] = where[2, 3, 5] = True
    axes = {"time": np.arange("2001-01-01", "2001-01-05", dtype="M8[D]"), "longitude": np.arange(0, 40, 5.0)}
    found = e5.find_events(x, where=where, min_days=1, connectivity=26, latitude=np.arange(50, 20, -5.0), **axes)
    row = found.to_dataframe().iloc[0]
    assert len(found) == 1
    assert (row["peak_latitude"], row["peak_longitude"], row["peak_time"]) == (35, 20, axes["time"][1])
    assert row["peak_value"] == row["peak_exceedance"] == -np.inf


def test_a_percentile_is_computed_first() -> None:
    x = labelled_noise()
    for side, percentile in (("above", 90), ("below", 10)):
        limits = {side: e5.percentile_doy(x, percentile, window=15, base_period=("2001", "2001"))}
        short = {"percentile": percentile, "window": 15, "base_period": ("2001", "2001")}
        assert cells_of(e5.find_events(x, **limits)) == cells_of(e5.find_events(x, **short)) != []


def test_files_however_they_are_split(tmp_path) -> None:
    x = labelled_noise()
    for month, part in x.groupby("time.month"):
        for year, piece in part.groupby("time.year"):
            piece.to_netcdf(tmp_path / f"{year}-{month:02d}.nc")
    x.to_netcdf(tmp_path / "whole.nc")
    ways = [x, tmp_path / "whole.nc", sorted(tmp_path.glob("2*.nc"))]
    tables = [e5.find_events(way, 280.5, max_gap=1, progress=False).core.table() for way in ways]
    for table in tables[1:]:
        for name, column in table.items():
            assert np.array_equal(column, tables[0][name], equal_nan=column.dtype.kind == "f"), name


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ({"above": 1, "below": 2}, "either above= or below=, not both"),
        ({"above": 1, "percentile": 90}, "percentile= makes the threshold"),
        ({"above": 1, "where": np.ones((3, 3), bool)}, "where has the shape"),
        ({"above": 1, "core": np.ones((3, 3))}, "core has the shape"),
        ({"above": 280, "climatology": "7 m"}, "climatology"),
    ],
    ids=["both", "percentile", "mask", "core", "units"],
)
def test_operands_that_do_not_fit(call: dict, text: str) -> None:
    with pytest.raises(InputError, match=text):
        e5.find_events(labelled_noise(), **call)


# --- what a search is given ---

SMALL = {"latitude": np.arange(50.0, 45, -1), "longitude": np.arange(6.0), "min_days": 1}


def uniform(steps: int) -> np.ndarray:
    return np.random.default_rng(steps).random((steps, 5, 6))


@pytest.mark.parametrize("search", [e5.find_events, e5.track])
def test_months_are_no_even_steps(search) -> None:
    months = np.arange("2000-01", "2002-01", dtype="datetime64[M]").astype("datetime64[D]")
    with pytest.raises(InputError, match=r"in 31 days, but not evenly.*28 to 31 days long.*months differ.*spi"):
        search(uniform(24), 0.9, time=months, **SMALL)


def test_times_at_random_are_no_even_steps() -> None:
    hours = np.cumsum(np.random.default_rng(0).integers(1, 100, 50)).astype("timedelta64[h]")
    with pytest.raises(InputError, match="not evenly"):
        e5.find_events(uniform(50), 0.9, time=np.datetime64("2003-01-01T00") + hours, **SMALL)


SUMMERS = np.concatenate([days(92, f"{year}-06-01") for year in range(2000, 2004)])
HOLES = days(400)[np.sort(np.random.default_rng(3).permutation(400)[:300])]
PENTADS = np.datetime64("2003-01-01") + 5 * np.arange(40)


@pytest.mark.parametrize("time", [SUMMERS, HOLES, PENTADS], ids=["summers", "holes", "pentads"])
def test_records_with_gaps_and_other_even_steps(time: np.ndarray) -> None:
    values = uniform(len(time))
    assert e5.find_events(values, 0.9, time=time, **SMALL)["cells"].sum() == (values > 0.9).sum()


@pytest.mark.parametrize("dtype", ["float16", "longdouble", "int8", "bool"])
def test_types_that_the_core_does_not_have(dtype: str) -> None:
    values = (100 * uniform(20)).astype("int8" if dtype in ("int8", "bool") else dtype)
    values = values > 90 if dtype == "bool" else values
    limit = None if dtype == "bool" else 90
    found = e5.find_events(values, limit, time=days(20), **SMALL)
    assert np.array_equal(found.labels() >= 0, values > (limit or 0))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"above": 0.9, "links": "no"}, "links is True or False, not 'no'"),
        ({"above": np.nan}, "above is nan, must be finite"),
        ({"below": np.array(-np.inf)}, "below is -inf, must be finite"),
        ({"above": 0.9, "core": np.float32("inf")}, "core is inf, must be finite"),
        ({"above": 0.9, "core": 0.8}, "core is 0.8, below the threshold 0.9"),
        ({"below": 0.1, "core": 0.2}, "core is 0.2, above the threshold 0.1"),
        ({"above": [0.8, 0.9]}, "find_events: above is a list of 2; one threshold, or a map of them, is needed"),
        ({"above": 0.9, "core": (0.95, 0.99)}, "find_events: core is a list of 2"),
        ({"above": 0.9, "min_days": [3, 5]}, "find_events: min_days must be a whole number"),
        ({"above": 0.9, "max_gap": "2"}, "find_events: max_gap must be a whole number"),
        ({"above": 0.9, "max_gap": None}, "find_events: max_gap must be a whole number"),
    ],
)
def test_numbers_and_flags_that_mean_nothing(given: dict[str, object], text: str) -> None:
    with pytest.raises(InputError, match=text):
        e5.find_events(uniform(20), time=days(20), **{**SMALL, **given})


@pytest.mark.parametrize("of", ["the year", "steps", "cells"])
@pytest.mark.parametrize("below", [False, True])
def test_a_core_that_is_laxer_somewhere(of: str, below: bool) -> None:
    x = array()
    limit = {
        "the year": lambda: e5.percentile_doy(x, 60),
        "steps": lambda: x - x + 290.0,
        "cells": lambda: x.mean("time"),
    }
    limit = limit[of]().copy()
    side, lax = ("below", 1) if below else ("above", -1)
    for core in (limit, limit - lax, (limit - 273.15).assign_attrs(units="degC"), limit - 2 * lax):
        e5.find_events(x, **{side: limit.assign_attrs(units="K")}, core=core)
    core = limit.copy(deep=True)
    core[dict.fromkeys(core.dims, 1)] += 0.25 * lax
    text = "above" if below else "below"
    with pytest.raises(InputError, match=f"core lies {text} the threshold in places, by up to 0.25"):
        e5.find_events(x, **{side: limit}, core=core)
    e5.find_events(x, **{side: limit}, core=290.0)


def test_a_core_in_units_of_its_own() -> None:
    x = array()
    assert len(e5.find_events(x, "17 degC", core="290.5 K")) <= len(e5.find_events(x, "17 degC"))
    with pytest.raises(InputError, match="core is 16 degC, below the threshold 291"):
        e5.find_events(x, 291.0, core="16 degC")


@pytest.mark.parametrize("steps", [4, 12, 20, 360])
def test_a_threshold_of_each_step_as_a_plain_array(steps: int) -> None:
    values, limits = uniform(steps), uniform(steps)[::-1].copy()
    found = e5.find_events(values, limits, time=days(steps), **SMALL)
    assert np.array_equal(found.labels() >= 0, values > limits)


def test_as_many_maps_as_days_of_a_year_are_days_of_the_year() -> None:
    values, limits = uniform(365), uniform(365)[::-1].copy()
    time = days(365, "2003-06-01")
    of_year = (time - np.datetime64("2003-01-01")).astype(int) % 365
    found = e5.find_events(values, limits, time=time, **SMALL)
    assert (found.labels() >= 0)[:200].tolist() == (values > limits[of_year])[:200].tolist()
    coords = {"time": time.astype("datetime64[ns]"), **{name: SMALL[name] for name in ("latitude", "longitude")}}
    of_steps = xr.DataArray(limits, dims=("time", "latitude", "longitude"), coords=coords)
    assert np.array_equal(e5.find_events(values, of_steps, time=time, **SMALL).labels() >= 0, values > limits)


def test_a_percentile_of_too_few_values_is_told() -> None:
    with pytest.warns(UserWarning, match=r"a percentile of 5 values.*window=.*base_period="):
        e5.find_events(uniform(365), percentile=90, time=days(365, "2003-01-01"), **SMALL)
    with pytest.warns(UserWarning, match="a percentile of 10 values"):
        e5.find_events(
            uniform(1095), percentile=5, base_period=("2003", "2004"), time=days(1095, "2003-01-01"), **SMALL
        )


@pytest.mark.filterwarnings("error")
def test_a_percentile_of_enough_values_is_not() -> None:
    found = e5.find_events(uniform(730), percentile=90, time=days(730, "2003-01-01"), **SMALL)
    assert len(found) > 0


def test_one_longitude_for_the_antimeridian() -> None:
    values = np.zeros((2, 18, 36))
    values[:, 8, 17:20] = 1  # 170 to 190
    axes = {"time": days(2), "latitude": np.linspace(85, -85, 18), "min_days": 1}
    for shift, west in ((0, 0.0), (18, -180.0)):
        found = e5.find_events(np.roll(values, shift, axis=2), 0.5, longitude=west + np.arange(36) * 10, **axes)
        assert found["centroid_longitude"].tolist() == [-180.0]


def test_days_that_would_be_hours_are_told() -> None:
    hours = np.arange("2003-06-01", "2003-06-03", dtype="datetime64[h]")
    x = np.full((48, 2, 3), 35.0)
    axes = {"time": hours, "latitude": [50, 49], "longitude": [0, 1, 2]}
    with pytest.warns(UserWarning, match="min_days=3 counts steps, and a step of the data is 1 h") as told:
        assert len(e5.find_events(x, 30.0, min_days=3, **axes)) == 1
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e5.find_events(x, 30.0, min_days=1, **axes)


# --- masks ---


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("search", [e5.find_events, e5.track])
def test_a_comparison_has_no_units(search, chunked: bool) -> None:
    """xarray keeps the attributes of what is compared, and a mask of kelvins would have events in K."""
    x = array()
    hot = (x > 291).assign_attrs(x.attrs, units_metadata="temperature: on_scale")
    found = search(hot.chunk(time=100) if chunked else hot)
    assert len(found) > 0
    assert found.units == found[0].units == "1"
    assert hot.attrs["units"] == "K"
    assert e5.label(hot).dense().attrs["units"] == "1"
    assert e5.percentile(hot, 90).attrs["units"] == "1"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_field_is_no_mask(chunked: bool) -> None:
    x = array()
    wanted = e5.find_events(x, 290, where=x > 289)
    ones = (x > 289).astype("float32").where(x > 288)  # NaN is no
    x = x.chunk(time=100) if chunked else x
    same = e5.find_events(x, 290, where=ones.chunk(time=50) if chunked else ones)
    assert np.array_equal(same.labels(), wanted.labels())
    with pytest.raises(InputError, match=r"where is no mask: it holds 2\d\d.*ompare first, as in where=land > 0.5"):
        e5.find_events(x, 290, where=x)
    with pytest.raises(InputError, match=r"where is no mask: it holds 0\.25"):
        e5.find_events(x, 290, where=np.full(x.shape[1:], 0.25))


# --- other dimensions than those of maps over time ---


@pytest.mark.parametrize("chunked", [False, True])
def test_a_single_cell_is_no_map(chunked: bool) -> None:
    x = array().chunk(time=100) if chunked else array()
    cell = x.isel(latitude=3, longitude=4)
    with pytest.raises(InputError, match=r"the data have the dimensions time\. .*expand_dims.*e5\.spells") as caught:
        e5.find_events(cell, above=290)
    assert "x.expand_dims(['latitude', 'longitude'])" in caught.value.hint
    found = e5.find_events(cell.expand_dims(["latitude", "longitude"]), above=290)
    assert len(found) == len(e5.spells(cell.compute(), 290))
    with pytest.raises(InputError, match=r"dimensions time, longitude\. .*expand_dims\(\['latitude'\]\)"):
        e5.find_events(x.isel(latitude=3), above=290)


@pytest.mark.parametrize("chunked", [False, True])
def test_members_are_no_map(chunked: bool) -> None:
    x = array().expand_dims(member=[1, 2])
    x = x.chunk(time=100) if chunked else x
    with pytest.raises(InputError, match=r"time, member, latitude, longitude\. .*x\.isel\(member=0\)"):
        e5.track(x, above=290)
    assert len(e5.track(x.isel(member=0), above=290)) > 0

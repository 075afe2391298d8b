"""Catalogues: every field of the core, selections, pickles, several records together, files of other programs."""

from __future__ import annotations

import copy
import gc
import itertools
import json
import pickle
import re
import sqlite3
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from conftest import ROOT

import era5fast as e5
from era5fast import _core, arcs, catalogue_tables, event_export
from era5fast.catalogue import COLUMNS, STATE_COLUMNS, EventCatalogue
from era5fast.errors import InputError, StorageError

pytestmark = pytest.mark.native

LATITUDE, LONGITUDE = np.arange(60.0, 40, -2), np.arange(0.0, 40, 2) - 10
PARTS = ("runs", "states", "blobs", "links")


def days(n: int, start: str = "2003-06-01") -> np.ndarray:
    return (np.datetime64(start, "D") + np.arange(n)).astype("datetime64[ns]")


def weather(n: int, seed: int = 1, start: str = "2003-06-01", longitude: np.ndarray = LONGITUDE) -> xr.DataArray:
    """Noise that lasts some days and reaches some cells."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n, len(LATITUDE), len(longitude)))
    for t in range(1, n):
        noise[t] = 0.7 * noise[t - 1] + 0.7 * noise[t]
    noise = noise + np.roll(noise, 1, axis=2) + np.roll(noise, 1, axis=1)
    coords = {"time": days(n, start), "latitude": LATITUDE, "longitude": longitude}
    dims = ("time", "latitude", "longitude")
    return xr.DataArray(noise.astype("f4") + 290, coords, dims, name="t2m", attrs={"units": "K"})


def search(x: xr.DataArray, **options: Any) -> EventCatalogue:
    return e5.find_events(x, 291.5, min_days=2, connectivity=10, progress=False, **options)


def with_family(events: EventCatalogue) -> EventCatalogue:
    """The same events with patches, links, severity and missing values in all columns that may have them."""
    rng = np.random.default_rng(3)
    tables = catalogue_tables.of_core(events.core)
    table = {name: np.array(column) for name, column in tables.events.items()}
    runs = {name: np.array(column) for name, column in tables.runs.items()}
    states = {name: np.array(column) for name, column in tables.states.items()}
    blobs = {name: np.array(states[name]) for name in tables.blobs}
    counts = table["states"]
    table["blobs"], table["first_blob"] = counts, table["first_state"]
    table["links"], table["first_link"] = counts - 1, np.cumsum(counts - 1) - (counts - 1)
    for first, count, run, nruns in zip(table["first_state"], counts, table["first_run"], table["runs"], strict=True):
        times = states["time"][first : first + count]
        runs["blob"][run : run + nruns] = np.searchsorted(times, runs["time"][run : run + nruns])
    chain = np.concatenate([np.arange(count - 1) for count in counts]).astype("i4")
    links = {"from": chain, "to": chain + 1, "area": rng.random(len(chain))}
    states["blobs"][:] = 1
    for rows in (table, states):
        for name in ("severity_mean", "severity_max", "area_moderate", "area_strong", "area_severe", "area_extreme"):
            rows[name] = rng.random(len(rows[name]))
        rows["category"] = rng.integers(0, 5, len(rows["category"])).astype("i4")
        rows["latitude"][0] = rows["longitude"][0] = np.nan
    table["path"], table["displacement"] = rng.random(len(counts)), rng.random(len(counts))
    table["merges"] = rng.integers(0, 9, len(counts)).astype("i4")
    made = tables._replace(events=table, runs=runs, states=states, blobs=blobs, links=links)
    attrs = {"units": events.units}
    core = catalogue_tables.to_core(made)
    return EventCatalogue(core, definition=events.definition, name=events.name, attrs=attrs, paths=("a.nc",))


@pytest.fixture(scope="module")
def events() -> EventCatalogue:
    return with_family(search(weather(40)))


def rows_of(events: EventCatalogue, number: int) -> list[Any]:
    """Everything that belongs to an event, slowly."""
    table, tables = events.core.table(), catalogue_tables.of_core(events.core)
    places = {f"first_{part[:-1]}" for part in PARTS} | {"outline"}
    found: list[Any] = [column[number].item() for name, column in table.items() if name not in places]
    for part in PARTS:
        first, count = int(table[f"first_{part[:-1]}"][number]), int(table[part][number])
        columns = getattr(tables, part).values()
        found += [[column[i].item() for i in range(first, first + count)] for column in columns]
    return [*found, events.core.outline(number)]


def same(one: Any, other: Any) -> bool:
    """Equality in which NaN equals NaN."""
    return repr(one) == repr(other)


# --- tables of the core ---


def members(struct: str) -> list[str]:
    """Names of the members of a struct of model/event.h, those of structs within it among them."""
    header = re.sub(r"/\*.*?\*/", "", (ROOT / "csrc/model/event.h").read_text(), flags=re.S)
    body = re.search(rf"struct {struct} {{(.*?)}};", header, re.S)
    assert body is not None
    found: list[str] = []
    for declaration in filter(None, map(str.strip, body[1].split(";"))):
        kind, names = re.fullmatch(r"(struct \w+|\w+) (.*)", declaration, re.S).groups()  # type: ignore[union-attr]
        for name in map(str.strip, names.split(",")):
            inner = members(kind.removeprefix("struct ")) if kind.startswith("struct") else []
            found += inner if kind == "struct e5_bounds" else [f"{name}.{part}" for part in inner] or [name]
    return found


SEVERITY = {
    "severity.mean": ["severity_mean"],
    "severity.maximum": ["severity_max"],
    "severity.category": ["category"],
    "severity.area[E5_CATEGORIES]": ["area_moderate", "area_strong", "area_severe", "area_extreme"],
}


@pytest.mark.parametrize(
    ("struct", "table"),
    [("event", "table"), ("event_state", "states"), ("run", "runs"), ("blob", "blobs"), ("link", "links")],
)
def test_tables_have_every_field_of_the_core(events: EventCatalogue, struct: str, table: str) -> None:
    wanted = list(itertools.chain.from_iterable(SEVERITY.get(name, [name]) for name in members(f"e5_{struct}")))
    assert sorted(getattr(events.core, table)()) == sorted(wanted)


def test_columns_are_views_that_keep_their_rows_alive() -> None:
    table = search(weather(20)).core.table()
    wanted = {name: np.array(column) for name, column in table.items()}
    gc.collect()
    again = [search(weather(20, seed)) for seed in range(3)]  # would take the memory over
    assert again
    for name, column in table.items():
        assert not column.flags.writeable
        assert not column.flags.owndata
        np.testing.assert_array_equal(column, wanted[name])


def test_a_hundred_thousand_events_are_tables_at_once() -> None:
    x = np.zeros((100, 20, 400), "f4")
    x[:, ::2, ::2] = 1
    x[1::2] = 0
    axes = {"time": days(100), "latitude": np.linspace(50, 40, 20), "longitude": np.arange(400) * 0.25}
    events = e5.find_events(x, 0.5, min_days=1, connectivity=6, **axes)
    assert len(events) == 100_000
    began = time.process_time()
    for table in ("table", "runs", "states", "blobs", "links"):
        getattr(events.core, table)()
    assert time.process_time() - began < 0.05
    frame = events.to_dataframe()
    assert (frame["cells"] == 1).all()
    assert time.process_time() - began < 2.0
    assert len(events[::-1]) == 100_000
    assert (events.labels() >= 0).sum() == 100_000


def _broken(table: str, column: str, value: int) -> Any:
    return pytest.param(table, column, value, id=f"{table}.{column}")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        _broken("events", "first_run", 10**9),
        _broken("events", "runs", -1),
        _broken("events", "states", 10**6),
        _broken("events", "first_blob", -1),
        _broken("events", "links", 10**6),
        _broken("events", "outline", 2**62),
        _broken("events", "start", -1),
        _broken("events", "end", 40),
        _broken("events", "peak_time", 40),
        _broken("events", "peak_row", len(LATITUDE)),
        _broken("events", "peak_column", -1),
        _broken("events", "area_max_time", -7),
        _broken("runs", "time", 40),
        _broken("runs", "row", -1),
        _broken("runs", "first", len(LONGITUDE)),
        _broken("runs", "count", 0),
        _broken("runs", "blob", 10**6),
        _broken("states", "time", -1),
        _broken("blobs", "time", 40),
        _broken("links", "to", 10**6),
        _broken("links", "from", -1),
    ],
)
def test_tables_that_point_outside_are_refused(events: EventCatalogue, table: str, column: str, value: int) -> None:
    tables = catalogue_tables.of_core(events.core)
    columns = {name: np.array(values) for name, values in getattr(tables, table).items()}
    columns[column][0] = value
    with pytest.raises(InputError, match="event 0 points outside its tables"):
        catalogue_tables.to_core(tables._replace(**{table: columns}))


def test_tables_must_be_complete(events: EventCatalogue) -> None:
    tables = catalogue_tables.of_core(events.core)
    with pytest.raises(ValueError, match="runs: column first is missing"):
        catalogue_tables.to_core(tables._replace(runs={k: v for k, v in tables.runs.items() if k != "first"}))
    with pytest.raises(ValueError, match="different lengths"):
        catalogue_tables.to_core(tables._replace(states={**tables.states, "area": tables.states["area"][:-1]}))
    with pytest.raises(InputError, match="mayan"):
        catalogue_tables.to_core(tables._replace(axes={**tables.axes, "calendar": "mayan"}))
    with pytest.raises(ValueError, match="5 tables"):
        _core.events((), b"", [0.0], [0.0], [0], "standard", 1.0, False, False)


# --- properties ---


def block() -> EventCatalogue:
    """One event that a child can measure: 3 × 2 cells on five days."""
    x = np.full((30, 4, 5), 25.0)
    x[10:15, 1:3, 1:4] = 35
    axes = {"time": days(30), "latitude": [50, 49, 48, 47], "longitude": [0, 1, 2, 3, 4]}
    return e5.find_events(x, 30.0, min_days=3, **axes)


def test_the_table_of_a_block() -> None:
    events = block()
    (row,) = events.to_dataframe().to_dict("records")
    band = 6371.0**2 * np.radians(3) * (np.sin(np.radians(49.5)) - np.sin(np.radians(47.5)))
    assert str(row["start"])[:10], str(row["end"])[:10] == ("2003-06-11", "2003-06-15")
    assert (row["duration_days"], row["cells"], row["peak_exceedance"], row["peak_value"]) == (5, 30, 5.0, 35.0)
    assert (row["south"], row["north"], row["west"], row["east"]) == (47.5, 49.5, 0.5, 3.5)
    assert row["footprint_km2"] == row["area_max_km2"] == pytest.approx(band, rel=1e-12)
    assert row["volume_km2_days"] == pytest.approx(5 * band)
    assert row["cumulative_intensity"] == pytest.approx(25 * band)
    assert row["centroid_longitude"] == pytest.approx(2.0)
    assert not row["censored_start"] | row["censored_end"] | row["touches_edge"]


def test_times_are_readable_by_the_names_of_catalogue_and_database(events: EventCatalogue, tmp_path: Path) -> None:
    with e5.EventDatabase(tmp_path / "events.gpkg") as database:
        database.add(events, progress=False)
        stored = database[1]
    for name in ("start", "end"):
        assert stored[name] == stored[f"{name}_time"] == events[0][name] == events[0][f"{name}_time"]
    for name in ("start_day", "end_day", "peak_day"):
        assert stored[name] == events[0][name] == events[name][0]
    assert "start_day" in events[0]
    assert "start_hour" not in events[0]
    assert 3 not in events[0]


def test_every_property_is_a_documented_column(events: EventCatalogue) -> None:
    frame = events.to_dataframe()
    assert tuple(frame.columns) == events.columns == tuple(column.name for column in COLUMNS)
    assert frame.attrs["units"]["cumulative_intensity"] == "K km2 d"
    assert set(frame.attrs["units"]) < set(frame.columns)
    assert all(column.text for column in (*COLUMNS, *STATE_COLUMNS))
    # What says where something lies is no property; the area of a category has its own name.
    places = {"outline", "outline_size", "start_seconds", "end_seconds"}
    places |= {f"first_{part[:-1]}" for part in PARTS} | set(PARTS)
    assert set(events.core.table()) - places <= {column.source for column in COLUMNS}
    assert set(events.core.states()) == {column.source for column in STATE_COLUMNS}


def test_durations_are_days_for_other_steps_too() -> None:
    x = np.zeros((40, 3, 3))
    x[8:14] = 1
    when = np.datetime64("2003-06-01T00", "h") + 6 * np.arange(40)
    events = e5.find_events(x, 0.5, min_days=1, time=when, latitude=[2.0, 1.0, 0.0], longitude=[0.0, 1.0, 2.0])
    assert events.step_days == 0.25
    assert events["duration_days"].tolist() == [1.5]
    assert events.to_dataframe()["volume_km2_days"][0] == pytest.approx(1.5 * events["area_max_km2"][0])


def test_a_geodataframe_has_the_outlines(events: EventCatalogue) -> None:
    frame = events.to_geodataframe()
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.is_valid.all()
    assert frame.drop(columns="geometry").equals(events.to_dataframe())
    for number in (0, len(events) - 1):
        polygons = [shapely.Polygon(rings[0], rings[1:]) for rings in events.outline(number)]
        assert frame.geometry[number].equals(shapely.MultiPolygon(polygons))


def test_the_core_fills_what_it_knows() -> None:
    x = weather(40)
    normal = xr.full_like(x[0], 290.0).drop_vars("time")
    events = e5.find_events(x, below=288.5, climatology=normal, min_days=2, progress=False)
    frame = events.to_dataframe()
    assert (frame["peak_exceedance"] > 0).all()
    assert (frame["peak_exceedance"] == 288.5 - frame["peak_value"]).all()
    assert frame["category"].between(1, 4).all()
    assert (frame["severity_max"] >= frame["severity_mean"]).all()
    again = pickle.loads(pickle.dumps(events))
    assert again.core.axes()["below"] is True
    check_selection(again, events, list(range(len(events))))
    for event in events:
        patches = event.patches()
        np.testing.assert_array_equal(event.states["patches"], patches.groupby("time").size())
        np.testing.assert_allclose(event.states["area_km2"], patches.groupby("time")["area_km2"].sum())
        way = event.states[["centroid_latitude", "centroid_longitude"]].to_numpy()
        steps = e5.great_circle(*way[:-1].T, *way[1:].T)
        assert event["path_km"] == pytest.approx(np.sum(steps), rel=1e-6, abs=1e-6)
        assert event["displacement_km"] <= event["path_km"] + 1e-9


# --- selections ---


def check_selection(selected: EventCatalogue, events: EventCatalogue, numbers: list[int]) -> None:
    assert len(selected) == len(numbers)
    for place, number in enumerate(numbers):
        assert same(rows_of(selected, place), rows_of(events, number))
    assert (selected.definition, selected.name, selected.units) == (events.definition, events.name, events.units)


def test_selections_take_all_that_belongs_to_their_events(events: EventCatalogue) -> None:
    n = len(events)
    assert n > 12
    mask = np.arange(n) % 3 == 0
    check_selection(events[2:10], events, list(range(2, 10)))
    check_selection(events[::-1], events, list(range(n))[::-1])
    check_selection(events[mask], events, list(range(0, n, 3)))
    check_selection(events[pd.Series(mask)], events, list(range(0, n, 3)))
    check_selection(events[[5, 2, -1, 2]], events, [5, 2, n - 1, 2])
    check_selection(events[[]], events, [])
    check_selection(events[np.zeros(n, bool)], events, [])
    check_selection(events[2:10][[3]][0:1], events, [5])


@pytest.mark.parametrize(
    ("which", "error", "text"),
    [
        (10**6, IndexError, "no event 1000000, there are"),
        (-(10**6), IndexError, "no event -1000000"),
        ([10**6], IndexError, "no event 1000000, there are"),
        ([True, False], InputError, r"a mask of shape \(2,\)"),
        ([0.5], InputError, "by a number, a slice, a mask or a list of numbers"),
        ([[1, 2]], InputError, "by a number, a slice"),
        (0.5, InputError, "selected by a number"),
        (None, InputError, "selected by a number"),
        ("area_max", InputError, "no column 'area_max'. Did you mean"),
    ],
)
def test_selections_that_are_none(events: EventCatalogue, which: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        events[which]


def test_events_of_a_time(events: EventCatalogue) -> None:
    frame = events.to_dataframe()
    for start, end in [("2003-06-10", "2003-06-12"), ("2003-07", None), (None, "2003-06-03"), ("2003", "2003")]:
        keep = np.ones(len(events), bool)
        if start:
            keep &= (frame["end"] >= np.datetime64(start)).to_numpy()
        if end:
            last = np.datetime64("2003-12-31") if end == "2003" else np.datetime64(end)
            keep &= (frame["start"] <= last).to_numpy()
        selected = events.select(start=start, end=end)
        assert keep.any()
        check_selection(selected, events, np.flatnonzero(keep).tolist())
    assert len(events.select(start=np.datetime64("2003-06-05"), end=pd.Timestamp("2003-06-05"))) > 0
    with pytest.raises(InputError, match="not a date"):
        events.select(start="summer")
    for date in ("2003-13", "2003-02-31", "2003-00"):
        with pytest.raises(InputError, match="not a date"):
            events.select(end=date)


@pytest.mark.parametrize("longitude", [np.arange(0.0, 40, 2) - 10, np.arange(0.0, 40, 2) + 165])
@pytest.mark.parametrize("bbox", [(-5, 45, 5, 50), (170, -90, -170, 90), (359, 50, 1, 52), (-180, -90, 180, 90)])
def test_events_of_a_box(longitude: np.ndarray, bbox: tuple[float, ...]) -> None:
    events = search(weather(30, 5, longitude=longitude))
    west, south, east, north = bbox
    ring = west + np.arange(0, ((east - west) % 360 or 360) + 0.05, 0.1)
    keep = []
    for number, row in events.to_dataframe().iterrows():
        inside = (np.round(ring - row["west"], 6) % 360 <= (row["east"] - row["west"]) % 360).any()
        if inside and row["south"] <= north and row["north"] >= south:
            keep.append(number)
    check_selection(events.select(bbox=bbox), events, keep)


def test_boxes_that_touch_in_the_antimeridian_meet() -> None:
    x = weather(30, 5, longitude=np.arange(-179.0, -139, 2)) * 0
    x[3:9, 2, 0] = 300
    events = search(x)
    assert (events["west"].tolist(), events["east"].tolist()) == ([-180], [-178])
    assert len(events.select(bbox=(170, -90, 180, 90))) == len(events.select(bbox=(180, -90, 180, 90))) == 1
    assert len(events.select(bbox=(170, -90, 179, 90))) == 0


def test_arcs_meet_as_points_do_and_as_sql_says() -> None:
    rng = np.random.default_rng(4)
    edges = np.array([-180, -179, -90, 0, 90, 179, 180])
    west, east = (grid.ravel().astype("float64") for grid in np.meshgrid(edges, edges))
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE box (west, east)")
    table.executemany("INSERT INTO box VALUES (?, ?)", zip(west.tolist(), east.tolist(), strict=True))

    def degrees(low: float, high: float) -> set[int]:
        last = int(high) + 360 * (low > high)
        return {degree % 360 for degree in range(int(low), last + 1)}

    for _ in range(60):
        pair = [tuple(sorted(rng.choice(edges, 2).tolist())) for _ in range(rng.integers(1, 3))]
        points = set().union(*(degrees(*arc) for arc in pair))
        wanted = [bool(points & degrees(*box)) for box in zip(west, east, strict=True)]
        assert arcs.meets(west, east, pair).tolist() == wanted
        asked = " OR ".join(arcs.MEETS.format(west=low, east=high) for low, high in arcs.closed(pair))
        assert [bool(row[0]) for row in table.execute(f"SELECT {asked} FROM box ORDER BY rowid")] == wanted


@pytest.mark.parametrize(
    ("boxes", "hull"),
    [
        ([], (-180, 180)),
        ([(0, 10)], (0, 10)),
        ([(0, 10), (20, 30)], (0, 30)),
        ([(170, -170)], (170, 190)),
        ([(150, 160), (-150, -140)], (150, 220)),
        ([(-180, 180)], (-180, 180)),
        ([(k, k + 9) for k in range(-180, 180, 20)], (-180, 180)),
        ([(-100, 100), (110, -150)], (-100, 210)),
        ([(-40, -40), (20, 20)], (-40, 20)),
        ([(100, -100), (170, 175), (-170, -160)], (100, 260)),
    ],
)
def test_the_shortest_arc_around_boxes(boxes: list[tuple[float, float]], hull: tuple[float, float]) -> None:
    west, east = np.array(boxes, dtype="float64").reshape(-1, 2).T
    for turned in (slice(None), slice(None, None, -1)):
        assert arcs.hull(west[turned], east[turned]) == hull


def test_events_within_limits(events: EventCatalogue) -> None:
    frame = events.to_dataframe()
    wanted = frame.index[(frame["duration_days"] >= 3) & (frame["area_max_km2"] <= 3e5) & ~frame["touches_edge"]]
    limits = {"area_max_km2": (None, 3e5), "touches_edge": False}
    selected = events.select(where=limits, duration_days=(3, None))
    assert len(wanted) > 0
    check_selection(selected, events, wanted.tolist())
    early = events.select(peak_time=(None, days(9)[-1]))
    assert len(early) == (frame["peak_time"] <= days(9)[-1]).sum() > 0
    with pytest.raises(InputError, match="no column 'length'"):
        events.select(length=3)
    with pytest.raises(InputError, match="which is after the end"):
        events.select(start="2003-07", end="2003-06")
    with pytest.raises(InputError, match="where is"):
        events.select(where=["cells"])  # type: ignore[arg-type]
    for wrong in (1.5, None, slice("a", None), [1.5]):
        with pytest.raises(InputError, match="selected by a number"):
            events[wrong]
    for call in (lambda: events.sort_values(5), lambda: events.strongest("a")):  # type: ignore[arg-type]
        with pytest.raises(InputError):
            call()
    for wrong in ((1, 2, 3), (9, 3), ("a", None), ">5", [1, "a"], np.nan):
        with pytest.raises(InputError, match=r"^cells "):
            events.select(cells=wrong)
    assert len(events.select(cells=[5, 7])) == frame["cells"].isin([5, 7]).sum()
    with pytest.raises(InputError, match="bbox is"):
        events.select(bbox=(0, 50, 10, 40))


def test_limits_mean_the_same_as_in_a_database(tmp_path: Path) -> None:
    events = search(weather(40, 3), climatology=291.0)
    db = e5.EventDatabase(tmp_path / "e.gpkg")
    db.add(events, kind="heatwave")
    assert len(set(events["category"])) > 2
    first = events["start"][0]
    for where in (
        {"category": "strong"}, {"category": ("strong", None)}, {"category": [1, "extreme"]}, {"start_time": first},
        {"start_time": "2003-06"}, {"start_time": ("2003-06-03", "2003-06-12")}, {"peak_time": (None, first)},
        {"start_day": "2003-06-04"}, {"duration_days": [3, 5]}, {"centroid_latitude": None}, {"touches_edge": True},
        {"peak_time": ["2003-06-05", "2003-06-08"]}, {"start_day": (None, "2003-06-09")},
    ):  # fmt: skip
        keys = db.query(where=where, order_by="id")["id"].to_numpy() - 1
        np.testing.assert_array_equal(events.select(where=where)["cells"], events[keys]["cells"], err_msg=str(where))
    for category in (2, "severe"):
        assert len(events.select(category=category)) == len(db.query(category=category)) > 0
    assert len(events.select(category=(1, 2))) == (events["category"] < 3).sum()
    with pytest.raises(InputError, match="no category is called 'mild'"):
        events.select(category="mild")


def test_sorting_puts_missing_values_last(events: EventCatalogue) -> None:
    frame = events.to_dataframe()
    for by, ascending in [("centroid_latitude", True), ("-centroid_latitude", True), ("centroid_latitude", False)]:
        order = frame.sort_values(
            "centroid_latitude", ascending=ascending and by[0] != "-", kind="stable", na_position="last"
        )
        check_selection(events.sort_values(by, ascending=ascending), events, order.index.tolist())
    order = frame.sort_values(["category", "start"], ascending=[False, True], kind="stable")
    check_selection(events.sort_values(["-category", "start"]), events, order.index.tolist())
    assert list(events.strongest(3, "start").index) == list(frame.nlargest(3, "start", keep="first").index)
    assert events.strongest(0).empty
    with pytest.raises(InputError, match="no column 'size'"):
        events.sort_values("-size")


def test_one_event(events: EventCatalogue) -> None:
    frame = events.to_dataframe()
    event = events[3]
    assert event == next(itertools.islice(events, 3, None)) != events[4]
    assert len({event, events[3]}) == 1
    assert dict(event).keys() == {"number", *frame.columns}
    for name, column in frame.items():
        assert same(event[name], events[name][3] if column.dtype.kind == "M" else events[name][3].item())
    assert event.states.equals(events.states(3))
    assert tuple(event.states.columns) == tuple(column.name for column in STATE_COLUMNS)
    assert event.states.attrs["units"]["exceedance_max"] == "K"
    assert all(map(np.array_equal, event.cells(), events.cells(3)))
    assert (event.units, event.definition) == ("K", events.definition)
    shape = shapely.geometry.shape(event.__geo_interface__["geometry"])
    assert shape.equals(events.to_geodataframe().geometry[3])
    json.dumps(event.__geo_interface__, allow_nan=False)
    assert events[0].__geo_interface__["properties"]["centroid_latitude"] is None
    assert repr(event).startswith("<Event 3 of t2m: 2003-06-")
    assert events[-1].number == len(events) - 1


def test_the_family_of_an_event(events: EventCatalogue) -> None:
    event = max(events, key=lambda event: event["duration_days"])
    assert len(event.patches()) == event["duration_days"] > 2
    assert len(event.links()) == len(event.patches()) - 1
    assert len(event.branches()) == 1


# --- several records ---


def summers() -> list[xr.DataArray]:
    return [weather(30, seed, f"{year}-06-01") for seed, year in ((1, 2001), (2, 2002), (3, 2003))]


def test_summers_together_are_one_search_over_all() -> None:
    parts = summers()
    whole = search(xr.concat(parts, "time"))
    joined = EventCatalogue.concat([search(part) for part in parts])
    assert len(joined) == len(whole) > 20
    one, other = joined.to_dataframe(), whole.to_dataframe()
    edges = ["censored_start", "censored_end"]
    assert one.drop(columns=edges).equals(other.drop(columns=edges))
    assert one["censored_start"].sum() > other["censored_start"].sum()
    assert np.array_equal(joined.labels(), whole.labels())
    assert joined.core.geometry() == whole.core.geometry()
    assert all(joined.states(n).equals(whole.states(n)) for n in range(len(whole)))
    families = [with_family(search(part)) for part in parts]
    selected = EventCatalogue.concat([families[0][1:4], families[1][:0], families[2][[2]]])
    check_selection(selected[:3]._of_tables(catalogue_tables.of_core(selected[:3].core), ()), families[0], [1, 2, 3])
    assert len(selected) == 4
    assert str(selected["start"][3])[:4] == "2003"


def test_records_that_cannot_be_put_together() -> None:
    first, second, _ = summers()
    touching = search(weather(30, 2, "2001-07-01"))
    with pytest.raises(InputError, match=r"cut in two.*several files"):
        EventCatalogue.concat([search(first), touching])
    with pytest.raises(InputError, match="overlap or are not in order"):
        EventCatalogue.concat([search(second), search(first)])
    with pytest.raises(InputError, match="different latitudes"):
        EventCatalogue.concat([search(first), search(second.assign_coords(latitude=second.latitude - 1))])
    with pytest.raises(InputError, match="different definitions"):
        EventCatalogue.concat([search(first), e5.find_events(second, 292.0)])
    with pytest.raises(InputError, match="different units"):
        EventCatalogue.concat([search(first), search(second.assign_attrs(units="degC"))])
    for wrong in ([], [first]):
        with pytest.raises(InputError, match="a list of catalogues"):
            EventCatalogue.concat(wrong)


# --- pickles and copies ---


def test_pickles_and_copies(events: EventCatalogue) -> None:
    for again in (pickle.loads(pickle.dumps(events)), copy.copy(events), copy.deepcopy(events)):
        check_selection(again, events, list(range(len(events))))
        assert again.paths == events.paths == ("a.nc",)
        assert same(again.core.axes(), events.core.axes())
    empty = pickle.loads(pickle.dumps(events[:0]))
    assert len(empty) == 0
    assert empty.labels().shape == (40, len(LATITUDE), len(LONGITUDE))


def test_a_pickle_goes_to_another_process(events: EventCatalogue, tmp_path: Path) -> None:
    path = tmp_path / "events.pickle"
    path.write_bytes(pickle.dumps(events))
    code = f"import pickle; e = pickle.load(open({str(path)!r}, 'rb')); print(len(e), float(e['peak_value'].max()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.stdout.split() == [str(len(events)), str(float(events["peak_value"].max()))], run.stderr


def test_a_selection_is_known_to_the_database(events: EventCatalogue, tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "e.gpkg")
    whole = search(weather(40))
    assert db.add(whole[3:7], kind="heat", progress=False)[:2] == (4, 0)
    assert db.add(whole, kind="heat", progress=False)[:2] == (len(whole) - 4, 4)


# --- labels ---


def test_labels_are_the_cells(events: EventCatalogue) -> None:
    wanted = np.full((40, len(LATITUDE), len(LONGITUDE)), -1)
    for number in range(len(events)):
        wanted[events.cells(number)] = number
    assert np.array_equal(events.labels(), wanted)
    array = events.to_dataarray()
    assert array.dtype == "int32"
    assert np.array_equal(array.values, wanted)
    assert np.array_equal(array.time.values, days(40))
    assert np.array_equal(array.longitude.values, LONGITUDE)
    backwards = events[::-1].labels()
    assert np.array_equal(np.where(backwards < 0, -1, len(events) - 1 - backwards), wanted)


@pytest.mark.parametrize("steps_at_once", [1, 7, 1000])
def test_a_netcdf_file_of_labels(
    events: EventCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps_at_once: int
) -> None:
    import netCDF4

    monkeypatch.setattr(event_export, "_BLOCK", steps_at_once * len(LATITUDE) * len(LONGITUDE))
    path = events.export(tmp_path / "labels.nc")
    with xr.open_dataset(path) as file:
        assert file.event.dtype == "int32"
        assert file.event.dims == ("time", "latitude", "longitude")
        assert np.array_equal(file.event.values, events.labels())
        assert np.array_equal(file.time.values, days(40))
        assert file.attrs["Conventions"].startswith("CF-")
        assert json.loads(file.attrs["definition"]) == events.definition
    with netCDF4.Dataset(path) as file:
        assert file["event"].filters()["zlib"]
        assert file["latitude"].standard_name == "latitude"
        assert file["longitude"].units == "degrees_east"
        assert file["time"].calendar == "proleptic_gregorian"


def test_labels_of_another_calendar(tmp_path: Path) -> None:
    x = weather(20).assign_coords(time=xr.date_range("2001-02-25", periods=20, calendar="360_day", use_cftime=True))
    events = search(x)
    path = events.export(tmp_path / "labels.nc")
    with xr.open_dataset(path) as file:
        assert (file.time.values == x.time.values).all()
    assert str(events.to_dataframe()["start"].min())[:10] == "2001-02-25"
    for name in ("t.csv", "t.parquet", "t.geojson"):
        events.export(tmp_path / name)
    starts = [event_export.date(start) for start in events["start"]]
    assert "2001-02-30" in [event_export.date(time) for time in x.time.values]
    assert pd.read_csv(tmp_path / "t.csv")["start"].tolist() == starts
    assert pd.read_parquet(tmp_path / "t.parquet")["start"].tolist() == starts
    features = json.loads((tmp_path / "t.geojson").read_text())["features"]
    assert [feature["properties"]["start"] for feature in features] == starts


# --- files of other programs ---


def no_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def test_geojson(events: EventCatalogue, tmp_path: Path) -> None:
    import geopandas as gpd

    path = events.export(tmp_path / "events.geojson")
    document = json.loads(path.read_text(encoding="utf-8"), parse_constant=no_constant)
    assert document["type"] == "FeatureCollection"
    assert [feature["id"] for feature in document["features"]] == list(range(len(events)))
    assert "crs" not in document  # RFC 7946: longitude and latitude, nothing else
    first = document["features"][0]
    own = events[0].__geo_interface__
    own["properties"].pop("number")
    assert first == json.loads(json.dumps(own))
    assert first["properties"]["centroid_latitude"] is None
    assert {type(value) for value in first["properties"].values()} <= {int, float, str, bool, type(None)}
    for feature in document["features"]:
        for polygon in feature["geometry"]["coordinates"]:
            assert shapely.LinearRing(polygon[0]).is_ccw
            assert not any(shapely.LinearRing(hole).is_ccw for hole in polygon[1:])
    frame, wanted = gpd.read_file(path), events.to_geodataframe()
    assert frame.geometry.geom_equals(wanted.geometry).all()
    np.testing.assert_allclose(frame["volume_km2_days"], wanted["volume_km2_days"], rtol=1e-15)
    assert (pd.to_datetime(frame["peak_time"]) == wanted["peak_time"]).all()
    assert (frame["touches_edge"].astype(bool) == wanted["touches_edge"]).all()


def test_csv(events: EventCatalogue, tmp_path: Path) -> None:
    path = events.export(tmp_path / "events.csv")
    times = ["start", "end", "peak_time", "area_max_time"]
    frame = pd.read_csv(path, index_col="number", parse_dates=times, float_precision="round_trip")
    pd.testing.assert_frame_equal(frame, events.to_dataframe(), check_dtype=False, check_names=False, rtol=0, atol=0)


def test_parquet(events: EventCatalogue, tmp_path: Path) -> None:
    import geopandas as gpd
    from pyarrow import parquet

    path = events.export(tmp_path / "events.parquet")
    frame, wanted = gpd.read_parquet(path), events.to_geodataframe()
    assert frame.crs == "OGC:CRS84"
    assert frame.geometry.geom_equals(wanted.geometry.to_crs("OGC:CRS84")).all()
    plain = pd.DataFrame(frame.drop(columns=["geometry", "number"]))
    pd.testing.assert_frame_equal(plain, events.to_dataframe(), check_dtype=False, rtol=0, atol=0)
    assert frame["number"].tolist() == list(range(len(events)))
    schema = parquet.read_schema(path)
    assert schema.field("peak_exceedance").metadata == {b"units": b"K"}
    geo = json.loads(schema.metadata[b"geo"])
    assert geo["columns"]["geometry"]["bbox"] == wanted.total_bounds.tolist()


def test_tables_of_nothing(events: EventCatalogue, tmp_path: Path) -> None:
    import geopandas as gpd

    none = events[:0]
    assert json.loads(none.export(tmp_path / "e.geojson").read_text())["features"] == []
    assert pd.read_csv(none.export(tmp_path / "e.csv")).empty
    assert gpd.read_parquet(none.export(tmp_path / "e.parquet")).empty
    assert (xr.open_dataset(none.export(tmp_path / "e.nc")).event == -1).all()
    assert none.to_geodataframe().empty
    assert repr(none) == "<EventCatalogue: 0 events of t2m (K), 2003-06-01 to 2003-07-10>"
    assert "0 events" in none._repr_html_()
    assert none.strongest().empty


def test_a_table_with_ids_and_without_outlines(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"id": [7, 9], "x": [1.5, np.nan], "when": [np.datetime64("2003-06-01T06"), np.datetime64("NaT")]}
    )
    path = event_export.write(table, [None, b""], tmp_path / "t.json", units={"x": "K"})
    document = json.loads(path.read_text())
    assert [f["id"] for f in document["features"]] == [7, 9]
    assert [f["geometry"] for f in document["features"]] == [None, None]
    assert document["features"][0]["properties"] == {"id": 7, "x": 1.5, "when": "2003-06-01T06:00:00"}
    assert document["features"][1]["properties"] == {"id": 9, "x": None, "when": None}
    assert event_export.write(table, None, tmp_path / "t.csv").read_text().splitlines() == [
        "id,x,when", "7,1.5,2003-06-01T06:00:00", "9,,",
    ]  # fmt: skip
    assert "geometry" not in pd.read_parquet(event_export.write(table, None, tmp_path / "t.parquet"))
    with pytest.raises(InputError, match="1 outlines for 2 events"):
        event_export.write(table, [None], tmp_path / "u.csv")


def test_files_are_whole_or_not_there(
    events: EventCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = events.export(tmp_path / "e.csv")
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        events.export(path)
    assert events[:1].export(path, overwrite=True).read_bytes() != before
    with pytest.raises(InputError, match=r"'.xls'. Take .geojson"):
        events.export(tmp_path / "e.xls")
    with pytest.raises(StorageError, match="cannot write"):
        events.export(tmp_path / "no folder" / "e.geojson")
    monkeypatch.setattr(event_export, "multipolygon", lambda wkb: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        events.export(tmp_path / "broken.geojson")
    assert [p.name for p in tmp_path.iterdir()] == ["e.csv"]


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("geopandas", lambda events, folder: events.to_geodataframe()),
        ("pyarrow", lambda events, folder: events.export(folder / "e.parquet")),
        ("netCDF4", lambda events, folder: events.export(folder / "e.nc")),
    ],
)
def test_a_missing_package_is_named(
    events: EventCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, call: Any
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"need the package {package}\. pip install 'era5fast\["):
        call(events, tmp_path)
    assert list(tmp_path.iterdir()) == []


# --- what is shown ---


def test_text_and_table_show_the_strongest_first(events: EventCatalogue) -> None:
    lines = repr(events).splitlines()
    assert lines[0] == f"<EventCatalogue: {len(events)} events of t2m (K), 2003-06-01 to 2003-07-10>"
    assert lines[2].split() == ["km²", "K", "K", "K", "km²", "days"]
    best = events.strongest(5)
    assert [int(line.split()[0]) for line in lines[3:8]] == list(best.index)
    assert lines[-1] == f"… {len(events) - 5} more"
    assert repr(block()).startswith("<EventCatalogue: 1 event, 2003-06-01 to 2003-06-30>\n")


class Tags(HTMLParser):
    """Checks that tags are closed in their order, and collects texts and names of tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("br",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_table_of_a_notebook(events: EventCatalogue) -> None:
    evil = "<script>alert('x')</script>"
    attrs = {"units": evil}
    shown = EventCatalogue(events.core, definition={}, name=evil, attrs=attrs)
    parser = Tags()
    parser.feed(shown._repr_html_())
    assert parser.open == []
    assert "script" not in parser.seen
    assert evil in "".join(parser.texts)
    assert parser.seen.count("tr") == 13
    assert parser.seen.count("svg") == 12
    assert len(shown._repr_html_()) < 40_000


def test_one_event_in_a_notebook(events: EventCatalogue) -> None:
    event = events.sort_values("-area_max_km2")[0]
    shown = event._repr_html_()
    assert shown.count("<tr>") == shown.count("</tr>") == len(event)
    assert all(f">{name}</th>" in shown for name in event)
    assert f"<td>{event['area_max_km2']:,.0f}</td>" in shown
    assert "<svg" in shown
    assert "&lt;" not in shown

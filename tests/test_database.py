"""The event database from Python: what goes in comes out, others can open it, and bad input is told apart."""

import contextlib
import errno
import hashlib
import json
import os
import pickle
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import sysconfig
import threading
import time
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast import (
    _core,
    database_file,
    database_health,
    database_pairs,
    database_query,
    database_ranking,
    geopackage,
)
from era5fast.errors import (
    CorruptDataError,
    DatabaseBusyError,
    EventDatabaseError,
    InputError,
    MissingFileError,
    MissingItemError,
    StorageError,
)

ROOT = Path(__file__).resolve().parent.parent

pd = import_module("pandas")


def series(blocks, *, start="2003-06-01", days=60, latitude=(50.0, 49.0, 48.0, 47.0), longitude=None, calendar=None):
    """Daily field of 290 K with warm blocks (first day, days, rows, columns, kelvin)."""
    longitude = np.arange(-4.0, 6.0) if longitude is None else np.asarray(longitude, dtype="float64")
    values = np.full((days, len(latitude), len(longitude)), 290.0, dtype="float32")
    for first, length, rows, columns, kelvin in blocks:
        values[first : first + length, rows, columns] += kelvin
    if calendar is None:
        time = np.datetime64(start, "ns") + np.arange(days) * np.timedelta64(1, "D")
    else:
        time = xr.date_range(start, periods=days, calendar=calendar, use_cftime=True)
    coords = {"time": time, "latitude": list(latitude), "longitude": longitude}
    return xr.DataArray(values, coords, ("time", "latitude", "longitude"), name="t2m", attrs={"units": "K"})


BLOCKS = [
    (5, 4, slice(0, 2), slice(0, 3), 8.0),  # 6 to 9 June, around 3 degrees west
    (20, 10, slice(1, 4), slice(4, 8), 6.0),  # 21 to 30 June, around 1 degree east: the strongest
    (40, 3, slice(2, 3), slice(9, 10), 7.0),  # 11 to 13 July, at the eastern edge
]


def find(blocks=BLOCKS, **options):
    return e5.find_events(series(blocks, **options), above=295.0, min_days=3, progress=False)


@pytest.fixture(scope="session")
def three_events(tmp_path_factory):
    db = e5.EventDatabase(tmp_path_factory.mktemp("events") / "events.gpkg")
    assert db.add(find(), kind="heatwave").added == 3
    return db.path


@pytest.fixture
def database(three_events, tmp_path):
    return e5.EventDatabase(shutil.copy(three_events, tmp_path / "events.gpkg"), busy_seconds=0.2)


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def change(db, *statements):
    with contextlib.closing(sqlite3.connect(db.path)) as connection, connection:
        geopackage.register(connection)
        for statement in statements:
            connection.execute(statement)


# --- what goes in comes out ---


def test_events_come_back_as_they_were(database):
    events = find()
    given, stored = events.to_dataframe(), database.query(order_by="id")
    assert len(stored) == len(database) == 3
    assert list(stored.kind) == ["heatwave"] * 3
    assert list(stored.variable) == ["t2m"] * 3
    assert list(stored.start_day) == ["2003-06-06", "2003-06-21", "2003-07-11"]
    assert list(stored.end_day) == ["2003-06-09", "2003-06-30", "2003-07-13"]
    for here, there in [("start_time", "start"), ("end_time", "end"), ("peak_time", "peak_time")]:
        np.testing.assert_array_equal(stored[here].to_numpy(), given[there].to_numpy().astype("datetime64[ms]"))
    names = {name for name in set(given.columns) & set(stored.columns) if given[name].dtype.kind != "M"}
    areas = {f"area_{category}_km2" for category in database_query.CATEGORIES}
    of_climatology = ["category", "severity_mean", "severity_max", *areas]
    assert stored[of_climatology].isna().to_numpy().all()  # none was given
    names -= set(of_climatology)
    assert {"area_max_km2", "cumulative_intensity", "peak_latitude", "west", "cells", "centroid_longitude"} <= names
    for name in names:
        np.testing.assert_array_equal(stored[name].to_numpy(), given[name].to_numpy(), err_msg=name)


def test_adding_again_adds_nothing(database):
    before = database.path.read_bytes()
    assert database.add(find(), kind="heatwave") == (0, 3, 1)
    assert database.path.read_bytes() == before


def test_a_longer_record_adds_what_is_new(database):
    more = [*BLOCKS, (70, 3, slice(0, 1), slice(0, 1), 9.0)]
    assert database.add(find(more, days=90), kind="heatwave") == (1, 3, 1)


def test_events_of_an_older_file_are_completed(tmp_path):
    """What the first version did not tell is there when the event is found again."""
    blocks = [*BLOCKS, (5, 4, slice(3, 4), slice(0, 1), 8.0), (9, 3, slice(0, 4), slice(0, 1), 8.0)]
    new, old = (e5.EventDatabase(tmp_path / name) for name in ("new.gpkg", "old.gpkg"))
    for db in (new, old):
        assert db.add(find(blocks), kind="heatwave").added == 3
    columns = ["side", "path_km", "displacement_km", "crosses_seam", "touches_pole", "patches", "merges", "splits"]
    change(
        old,
        "UPDATE event SET " + ", ".join(f"{name} = NULL" for name in columns),
        "UPDATE event_state SET south = NULL, north = NULL, patches = NULL",
        "DELETE FROM event_link",
        "DELETE FROM event_patch",
    )
    assert old.add(find(blocks), kind="heatwave") == (0, 3, 1)
    pd.testing.assert_frame_equal(old.query(), new.query())
    for number in new:
        pd.testing.assert_frame_equal(old[number].states, new[number].states)
    for table in ("event_patch", "event_link"):
        assert len(new.sql(f"SELECT * FROM {table}")) > 0
        pd.testing.assert_frame_equal(old.sql(f"SELECT * FROM {table}"), new.sql(f"SELECT * FROM {table}"))
    before = old.path.read_bytes()
    assert old.add(find(blocks), kind="heatwave") == (0, 3, 1)
    assert old.path.read_bytes() == before


def test_masks_of_other_values_are_other_definitions(database):
    x = series(BLOCKS)
    for limit, known in [(280.0, 0), (294.0, 0), (294.0, 3)]:
        events = e5.find_events(x, above=295.0, where=x > limit, min_days=3, progress=False)
        assert database.add(events, kind="warm").known == known
    assert len(database.diagnostics().query("kind == 'warm'")) == 2


def test_another_definition_stands_beside_the_old_one(database):
    assert database.add(find(), kind="heatwave", definition={"kernel": "find_events", "min_days": 99}) == (3, 0, 2)
    assert len(database) == 6
    definitions = [
        json.loads(text) for text in database.sql("SELECT definition FROM diagnostic ORDER BY id").definition
    ]
    assert definitions[0] == find().definition
    assert definitions[1] == {"kernel": "find_events", "min_days": 99}


def test_sources_are_kept(database, tmp_path):
    data = tmp_path / "a.nc"
    data.write_bytes(b"12345")
    sources = [data, {"path": "b.nc", "checksum": "ff", "size": 7, "request": {"year": 2003}}, "gone.nc"]
    database.add(find(), kind="heatwave", sources=sources)
    rows = database.sql(
        "SELECT path, size_bytes, coalesce(checksum, '-'), coalesce(request, '-') FROM dataset ORDER BY id"
    )
    stored = [list(row) for row in rows.fillna(-1).itertuples(index=False)]
    assert stored == [[str(data), 5, "-", "-"], ["b.nc", 7, "ff", '{"year":2003}'], ["gone.nc", -1, "-", "-"]]
    assert database.sql("SELECT count(*) AS n FROM run_dataset").n[0] == 3


def test_one_event_with_all_that_belongs_to_it(database):
    event = database[2]
    assert dict(event)["kind"] == event["kind"] == "heatwave"
    assert "geom" not in event
    assert event["start_time"] == np.datetime64("2003-06-21")
    assert event["touches_edge"] is True
    assert event["censored"] is False
    assert event.units == "K"
    assert event.definition == find().definition
    assert list(event.states.day) == [f"2003-06-{day}" for day in range(21, 31)]
    assert event.states.area_km2.max() == event["area_max_km2"]
    assert event.states.exceedance_max.max() == pytest.approx(1.0)
    assert "StoredEvent 2: heatwave, 2003-06-21 to 2003-06-30" in repr(event)


def test_an_outline_is_geojson(database):
    shapely = import_module("shapely.geometry")
    event = database[2]
    shape = shapely.shape(event.geometry)
    assert shape.geom_type == "MultiPolygon"
    assert shape.is_valid
    assert shape.bounds == (-0.5, 46.5, 3.5, 49.5)
    feature = event.__geo_interface__
    assert feature["type"] == "Feature"
    assert feature["geometry"] == event.geometry
    assert json.dumps(feature)


def test_looking_up_is_as_in_a_mapping(database):
    assert list(database) == [1, 2, 3]
    assert 3 in database
    assert 4 not in database
    assert "x" not in database
    assert database[np.int64(1)]["id"] == 1
    with pytest.raises(KeyError) as told:
        database[4]
    assert isinstance(told.value, MissingItemError)
    assert str(told.value) == "there is no event 4. Its 3 events have ids from 1 to 3"
    for wrong in ("1", slice(1, 3), [1, 2], 1.0):
        with pytest.raises(InputError, match=r"the id of an event is a whole number, .* gives several events"):
            database[wrong]
        assert wrong not in database
    for beyond in (10**30, -(2**63) - 1):
        with pytest.raises(MissingItemError, match="there is no event"):
            database[beyond]
        with pytest.raises(MissingItemError, match="there is no event"):
            database.provenance(beyond)
        assert beyond not in database


def test_a_definition_is_a_mapping(database):
    for wrong in ([298.15], "above 298.15", 298.15):
        with pytest.raises(InputError, match=r"definition is .*, must be a mapping"):
            database.add(find(), kind="heatwave", definition=wrong)


def test_a_calendar_of_360_days(tmp_path):
    import_module("cftime")
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    field = series([(9, 3, slice(0, 1), slice(0, 1), 8.0)], start="2003-02-20", days=30, calendar="360_day")
    assert db.add(e5.find_events(field, above=295.0, min_days=3, progress=False), kind="heatwave").added == 1
    row = db.query().iloc[0]
    assert (row.calendar, row.start_day, row.end_day) == ("360_day", "2003-02-29", "2003-03-01")
    assert row.start_time == pd.Timestamp("2003-02-28")
    assert len(db.query(start="2003-02-30", end="2003-02-30")) == 1


def test_hours_of_days_that_the_gregorian_calendar_lacks(tmp_path):
    import_module("cftime")
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    field = series([(7, 3, slice(0, 1), slice(0, 1), 8.0)], start="2003-02-27", days=20, calendar="360_day")
    hours = xr.date_range("2003-02-27", periods=20, freq="6h", calendar="360_day", use_cftime=True)
    with pytest.warns(UserWarning, match="counts steps"):
        events = e5.find_events(field.assign_coords(time=hours), above=295.0, min_days=3, progress=False)
    assert db.add(events, kind="heatwave").added == 1
    row = db.query().iloc[0]
    assert (row.start_day, row.end_day) == ("2003-02-28", "2003-02-29")
    assert row.end_time < row.start_time  # both are on the last day of the Gregorian February
    assert db.verify().ok, db.verify()


# --- questions ---


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ({}, [2, 1, 3]),
        ({"order_by": "id"}, [1, 2, 3]),
        ({"order_by": ["kind", "-start_time"]}, [3, 2, 1]),
        ({"limit": 1}, [2]),
        ({"limit": 0}, []),
        ({"kind": "heatwave", "limit": 2}, [2, 1]),
        ({"kind": []}, []),
        ({"start": "2003-07"}, [3]),
        ({"start": "2003-06-09", "end": "2003-06-21"}, [2, 1]),
        ({"start": "2003-06-10", "end": "2003-06-20"}, []),
        ({"end": "2003-06"}, [2, 1]),
        ({"end": 2003}, [2, 1, 3]),
        ({"start": np.datetime64("2003-07-01")}, [3]),
        ({"end": "2003-06-08 12:00"}, [1]),
        ({"bbox": (-10, 35, 5, 60)}, [2, 1, 3]),
        ({"bbox": (-10, 49, -2, 60)}, [1]),
        ({"bbox": (350, 49, 358, 60)}, [1]),
        ({"bbox": (170, 40, -3, 60)}, [1]),
        ({"bbox": (5, 40, 170, 60)}, [3]),
        ({"bbox": (170, 40, 5, 60)}, [2, 1, 3]),
        ({"bbox": (-180, -90, 180, 90)}, [2, 1, 3]),
        ({"bbox": (0, -90, 360, 90)}, [2, 1, 3]),
        ({"bbox": (-10, -20, 5, 30)}, []),
        ({"bbox": (0, 46, 1, 60), "start": "2003-06-25", "kind": "heatwave"}, [2]),
    ],
)
def test_query(database, question, ids):
    assert list(database.query(**question).id) == ids


@pytest.mark.parametrize(
    ("question", "ids"),
    [
        ({"kind": ["heatwave", "heatwave"], "limit": 1}, [2]),
        ({"variable": "t2m"}, [2, 1, 3]),
        ({"variable": ["t2m"], "where": {"variable": "tp"}}, []),
        ({"diagnostic": 1}, [2, 1, 3]),
        ({"diagnostic": []}, []),
        ({"where": {"duration_days": (4, None)}}, [2, 1]),
        ({"where": {"duration_days": (None, 4)}}, [1, 3]),
        ({"where": {"duration_days": (4, 9), "censored": False}}, [1]),
        ({"where": {"peak_exceedance": (np.float32(2.5), np.inf)}}, [1]),
        ({"where": {"start_day": ["2003-06-06", "2003-07-11"]}}, [1, 3]),
        ({"where": {"id": {2, 3}}}, [2, 3]),
        ({"where": {"touches_edge": True}}, [2, 1, 3]),
        ({"where": {"severity_max": None}}, [2, 1, 3]),
        ({"where": {"start_time": (np.datetime64("2003-06-21"), None)}}, [2, 3]),
        ({"where": {"start_time": (None, np.datetime64("2003-06-21"))}}, [2, 1]),
        ({"where": {"start_time": "2003-06"}}, [2, 1]),
        ({"where": {"start_time": ("2003-06-21", "2003-07")}}, [2, 3]),
        ({"where": {"start_time": ["2003-06-06", pd.Timestamp("2003-07-11"), "2003-06-21T06"]}}, [1, 3]),
        ({"where": {"start_time": "2003-06-21 00:00"}}, [2]),
        ({"where": {"start_day": pd.Timestamp("2003-06-21")}}, [2]),
        ({"where": {"start_time": (pd.Timestamp("2003-06-21T02", tz="Europe/Berlin"), None)}}, [2, 3]),
        ({"where": {"start_time": (pd.Timestamp("2003-06-21", tz="America/New_York"), None)}}, [3]),
        ({"where": {"touches_edge": 1}}, [2, 1, 3]),
        ({"text": "HEAT"}, [2, 1, 3]),
        ({"text": "min_days"}, [2, 1, 3]),
        ({"text": "max_%"}, []),
        ({"months": 7}, [3]),
        ({"months": [1, 6]}, [2, 1]),
        ({"months": "JJA"}, [2, 1, 3]),
        ({"months": "jas"}, [3]),
        ({"months": "DJF"}, []),
        ({"polygon": "POLYGON ((-4 50, -3 50, -3 51, -4 51, -4 50))"}, [1]),
        ({"polygon": "POLYGON ((356 50, 357 50, 357 51, 356 51, 356 50))"}, [1]),
        ({"polygon": {"type": "Polygon", "coordinates": [[[5, 47], [6, 47], [6, 48.4], [5, 47]]]}}, [3]),
        ({"polygon": "POLYGON ((-2 46, -1 46, -1 47, -2 47, -2 46))"}, []),
        ({"polygon": "POLYGON ((-9 40, 9 40, 9 60, -9 60, -9 40))", "start": "2003-06-25", "end": "2003"}, [2, 3]),
        ({"polygon": "POLYGON ((-9 40, 9 40, 9 60, -9 60, -9 40))", "limit": 1, "bbox": (4, 40, 9, 60)}, [3]),
    ],
)
def test_query_further(database, question, ids):
    assert list(database.query(**question).id) == ids


def test_an_outline_is_more_than_its_box(tmp_path):
    """An event like an L, and a polygon in the corner that it leaves free."""
    shapely = import_module("shapely")
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find([(5, 4, slice(0, 4), slice(0, 1), 8.0), (5, 4, slice(3, 4), slice(0, 5), 8.0)]))
    free, taken = shapely.box(-2, 48.8, 0, 50), shapely.box(-2, 46.8, 0, 50)
    assert len(db.query(bbox=free.bounds)) == 1
    assert [len(db.query(polygon=polygon)) for polygon in (free, taken)] == [0, 1]
    geopandas = import_module("geopandas")
    assert len(db.query(polygon=geopandas.GeoSeries([free, taken], crs=4326))) == 1
    axes = np.arange(40.0, 60.0), np.arange(-9.0, 9.0)
    regions = [e5.Regions.from_polygons([polygon], *axes) for polygon in (shapely.box(-1, 49, 1, 50), taken)]
    assert [len(db.query(polygon=region)) for region in regions] == [0, 1]


def test_a_polygon_across_the_antimeridian(tmp_path):
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find([(15, 3, slice(1, 2), slice(18, 23), 8.0)], longitude=np.arange(160.0, 200.0)))  # 177.5 to 182.5
    for west, east, n in [(170, 190, 1), (-190, -178, 1), (181, 184, 1), (-185, -183, 0), (170, 177, 0)]:
        polygon = f"POLYGON (({west} 40, {east} 40, {east} 60, {west} 60, {west} 40))"
        assert len(db.query(polygon=polygon)) == n, polygon


def test_a_polygon_on_a_projection(database):
    geopandas = pytest.importorskip("geopandas")
    shapely = pytest.importorskip("shapely")
    degrees = geopandas.GeoDataFrame(geometry=[shapely.box(-1, 46, 5, 50)], crs=4326)
    wanted = database.query(polygon=degrees).id.tolist()
    assert wanted
    assert database.query(polygon=degrees.to_crs(3035)).id.tolist() == wanted


def test_months_of_long_events(tmp_path):
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find([(10, 80, slice(0, 1), slice(0, 1), 8.0)], start="2003-11-01", days=120))  # 11 Nov to 29 Jan
    assert [month for month in range(1, 13) if len(db.query(months=month))] == [1, 11, 12]


@pytest.mark.parametrize("start", ["2002-12", "2003-05-20", "2003-06-09", "2003-06-30", "2003-07-01", "2004"])
@pytest.mark.parametrize("bbox", [None, (-10, 49, -2, 60), (0, 40, 20, 48)])
def test_every_index_gives_the_same_answer(database, start, bbox):
    """However a question is answered, it is answered as by looking at all events."""
    for kind in ("cold spell", "drought"):
        database.add(find([(2, 50, slice(0, 1), slice(5, 6), 9.0), *BLOCKS]), kind=kind)
    table = database.query(order_by="id")
    keep = table.end_day >= start
    if bbox is not None:
        west, south, east, north = bbox
        keep &= (table.west <= east) & (table.east >= west) & (table.south <= north) & (table.north >= south)
    assert database.query(start=start, bbox=bbox, order_by="id").id.tolist() == table.id[keep].tolist()


def test_columns_and_outlines(database):
    assert list(database.query(columns=["kind", "id"], order_by="start_day").columns) == ["kind", "id"]
    assert list(database.query(columns="id", limit=1).columns) == ["id"]
    frame = database.query(geometry=True, columns=["id"], order_by="id")
    assert frame.crs == "EPSG:4326"
    assert frame.geometry.is_valid.all()
    assert frame.total_bounds.tolist() == [-4.5, 46.5, 5.5, 50.5]
    assert frame.geometry[1].__geo_interface__["type"] == "MultiPolygon"
    assert database.query(end=1990, geometry=True).empty
    change(database, "UPDATE event SET geom = NULL WHERE id = 1")
    assert database.query(geometry=True, order_by="id").geometry.isna().tolist() == [True, False, False]


def test_nearest(database):
    found = database.nearest(48, 2, 3)
    assert found.id.tolist() == [2, 3, 1]
    assert found.distance_km[0] == 0
    assert found.distance_km[1] == pytest.approx(e5.great_circle(48, 2, 48, 4.5), rel=1e-3)
    assert database.nearest(48, 2, 1, start="2003-07").id.tolist() == [3]
    assert database.nearest(-60, 150, 9, kind="heatwave").id.tolist() == [3, 2, 1]
    assert database.nearest(90, 0).id.tolist() == [1]
    assert database.nearest(48, 2, 0).empty
    with pytest.raises(InputError):
        database.nearest(91, 0)


def test_the_nearest_point_of_an_outline(tmp_path):
    """Against points a hundredth of a degree apart along all edges."""
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find([(5, 4, slice(0, 4), slice(16, 22), 8.0)], longitude=np.arange(160.0, 200.0)))
    ring = np.array(
        [
            point
            for polygon in db[1].geometry["coordinates"]
            for ring in polygon
            for point in np.round(ring, 9).tolist()
        ]
    )
    west, south, east, north = 175.5, 46.5, 181.5, 50.5
    side = np.linspace(0, 1, 601)
    x = np.concatenate([west + side * (east - west)] * 2 + [np.full(601, west), np.full(601, east)])
    y = np.concatenate([np.full(601, south), np.full(601, north)] + [south + side * (north - south)] * 2)
    assert set(np.unique(ring[:, 0])) == {175.5, 180.0, -180.0, -178.5}
    for latitude, longitude in [(48, 170), (60, 179), (30, -178), (80, 0), (-80, 20), (49, -170), (0, -2), (47, 3)]:
        expected = e5.great_circle(latitude, longitude, y, x).min()
        assert db.nearest(latitude, longitude).distance_km[0] == pytest.approx(expected, rel=1e-5, abs=0.01)
    assert db.nearest(48, 179).distance_km[0] == db.nearest(48, -179).distance_km[0] == 0


def test_ranking(database):
    database.add(find([(2, 9, slice(0, 1), slice(5, 6), 6.5)], start="2010-06-01"), kind="heatwave")
    assert database.ranking(n=2).id.tolist() == [2, 1]
    first = database.ranking("duration_days", 1, per="year")
    assert first[["year", "rank", "id"]].to_numpy().tolist() == [[2003, 1, 2], [2010, 1, 4]]
    assert database.ranking("-duration_days", 1, per="kind").id.tolist() == [3]
    months = database.ranking("peak_exceedance", 5, per="month")
    assert months[["month", "rank", "id"]].to_numpy().tolist() == [[6, 1, 1], [6, 2, 4], [6, 3, 2], [7, 1, 3]]
    assert database.ranking("severity_max").empty
    with pytest.raises(InputError, match="grouped"):
        database.ranking(per="fortnight")


@pytest.mark.parametrize("filters", [{}, {"kind": "heatwave"}, {"months": [6]}])
def test_a_ranking_is_a_sorted_question(database, filters):
    """The same as a question with an order and a limit, whichever index ends it."""
    database.add(find(start="2010-06-01"), kind="drought")
    for by in ("cumulative_intensity", "-cumulative_intensity", "duration_days"):
        down = by.removeprefix("-") if by.startswith("-") else f"-{by}"
        for n in (0, 2, 50):
            ranked = database.ranking(by, n, **filters)
            assert ranked["rank"].tolist() == list(range(1, len(ranked) + 1))
            assert ranked.id.tolist() == database.query(order_by=down, limit=n, **filters).id.tolist()


def test_a_ranking_of_all_ends_after_n_rows(database):
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        asked = []
        connection.set_trace_callback(asked.append)
        database_ranking.ranking(connection, "cumulative_intensity", 2, None, {})
        connection.set_trace_callback(None)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()
    assert any("event_by_rank" in row[-1] for row in plan), plan


def test_counts(database):
    database.add(find(start="2010-06-01"), kind="drought")
    assert database.count_by("year").to_numpy().tolist() == [[y, 3 * (y in (2003, 2010))] for y in range(2003, 2011)]
    assert database.count_by("decade").to_numpy().tolist() == [[2000, 3], [2010, 3]]
    seasons = database.count_by("season", kind="drought")
    assert seasons.to_numpy().tolist() == [["DJF", 0], ["MAM", 0], ["JJA", 3], ["SON", 0]]
    assert database.count_by("kind").to_numpy().tolist() == [["drought", 3], ["heatwave", 3]]
    both = database.count_by("kind", "month")
    assert len(both) == 24
    assert both.events.sum() == 6
    assert database.count_by("year", end=1990).empty
    for wrong in [(), ("year", "year"), ("week",)]:
        with pytest.raises(InputError):
            database.count_by(*wrong)


def brute_pairs(a, b, lag):
    """Pairs of rows that share days, or follow each other, and whose boxes meet."""
    pairs = []
    for x in a.itertuples():
        for y in b.itertuples():
            days = min(x.end_time, y.end_time) - max(x.start_time, y.start_time)
            gap = (y.start_time - x.end_time).days
            meets = x.west <= y.east and y.west <= x.east and x.south <= y.north and y.south <= x.north
            if meets and (days.days >= 0 or 0 < gap <= lag):
                pairs.append((x.id, y.id, max(days.days + 1, 0), max(gap, 0) if days.days < 0 else 0))
    return sorted(pairs)


@pytest.mark.parametrize("lag", [0, 1, 11, 30])
def test_overlaps_of_boxes(database, lag):
    random = np.random.default_rng(lag)
    for kind in ("dry", "wet"):
        corners = zip(*random.integers([0, 0, 0, 3], [50, 3, 8, 9], (12, 4)).T, strict=True)
        blocks = [(t, n, slice(y, y + 2), slice(x, x + 2), 6.0) for t, y, x, n in corners]
        database.add(find(blocks, days=70), kind=kind)
    pairs = database.overlaps("dry", "wet", how="box", lag=lag)
    expected = brute_pairs(database.query("dry"), database.query("wet"), lag)
    assert sorted(pairs[["id_a", "id_b", "days", "gap_days"]].itertuples(index=False, name=None)) == expected
    outlines = database.overlaps("dry", "wet", lag=lag)
    assert set(zip(outlines.id_a, outlines.id_b, strict=True)) <= {pair[:2] for pair in expected}
    itself = database.overlaps("dry", "dry", how="box", lag=lag)
    assert not (itself.id_a == itself.id_b).any()
    assert not itself.duplicated(["id_a", "id_b"]).any()


def test_overlaps_of_outlines(database):
    database.add(find([(8, 4, slice(0, 1), slice(2, 6), 8.0)]), kind="drought")  # 9 to 12 June; one cell in common
    database.add(find([(8, 4, slice(0, 2), slice(3, 4), 8.0)]), kind="edge")  # touches it
    row = database.overlaps("heatwave", "drought").iloc[0]
    assert (row.id_a, row.id_b, row.start_day, row.end_day, row.days) == (1, 4, "2003-06-09", "2003-06-09", 1)
    width = np.radians(1.0) * (np.sin(np.radians(50.5)) - np.sin(np.radians(49.5))) * 6371.0**2
    assert row.area_km2 == pytest.approx(width, rel=1e-6)
    assert database.overlaps("heatwave", "edge").empty
    assert len(database.overlaps("heatwave", "edge", how="box")) == 1
    late = database.overlaps("drought", "heatwave", lag=9, how="box")
    assert late[["id_b", "gap_days", "days"]].to_numpy().tolist() == [[1, 0, 1], [2, 9, 0]]
    for wrong in [{"how": "smell"}, {"lag": -1}, {"kind": "x"}]:
        with pytest.raises(InputError):
            database.overlaps("heatwave", "drought", **wrong)


def test_overlaps_with_one_long_event_look_at_few_pairs(monkeypatch):
    """A single event of fifty years among short ones has no other pair looked at; order as by all pairs of all."""
    random = np.random.default_rng(5)

    def side(count, long):
        first = np.sort(random.integers(0, 18_000, count))
        last = first + random.integers(0, 9, count)
        first[0], last[0] = 0, long
        edges = (np.full(count, edge, dtype="float64") for edge in (-90, 90, -180, 180))
        return database_pairs._Side("standard", np.arange(count), first, last, *edges)

    a, b = side(900, 5), side(1000, 18_000)
    looked = []
    monkeypatch.setattr(
        database_pairs, "_days_meet", lambda a, b, i, j: looked.append(len(i)) or b.last[j] >= a.first[i]
    )
    for lag in (0, 12):
        found = {(i, j) for part in database_pairs._candidates(a, b, lag) for i, j in np.transpose(part).tolist()}
        days = (b.last[None] >= a.first[:, None]) & (b.first[None] <= a.last[:, None] + lag)
        assert found == set(zip(*(axis.tolist() for axis in np.nonzero(days)), strict=True))
        assert sum(looked) < 3 * len(found)
        looked.clear()


def test_pairs_come_in_order_of_time(tmp_path):
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    block = slice(0, 2), slice(0, 2), 8.0
    db.add(find([(2, 3, *block), (20, 3, *block), (40, 12, *block)]), kind="a")
    db.add(find([(1, 50, *block)]), kind="b")
    db.add(find([(3, 3, *block), (21, 3, *block), (45, 3, *block)]), kind="b")
    pairs = db.overlaps("a", "b", how="box")
    assert pairs.id_a.tolist() == [1, 1, 2, 2, 3, 3]
    assert pairs.start_day.is_monotonic_increasing


def test_overlaps_of_cells(tmp_path):
    """Two blocks that move past each other: on the same ground, but not on the same days."""
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    moving = [(5 + n, 1, slice(0, 2), slice(n, n + 3), 8.0) for n in range(5)]
    coming = [(5 + n, 1, slice(1, 3), slice(5 - n, 8 - n), 8.0) for n in range(5)]
    fields = [find(blocks) for blocks in (moving, coming)]
    for kind, events in zip(("there", "back"), fields, strict=True):
        assert len(events) == 1
        db.add(events, kind=kind, cells=True)
    (a, b), area = (
        [set(zip(*events.cells(0), strict=True)) for events in fields],
        _core.grid([50.0, 49, 48, 47], [0.0, 1]),
    )
    width = area["area"][1]
    for lag, common in [(0, {cell[1:] for cell in a & b}), (1, {c[1:] for c in a} & {c[1:] for c in b})]:
        row = db.overlaps("there", "back", how="cells", lag=lag).iloc[0]
        assert row.area_km2 == pytest.approx(len(common) * width)
        assert {cell[0] for cell in common} == {1}
    db.add(find(), kind="plain")
    with pytest.raises(InputError, match="without its cells"):
        db.overlaps("there", "plain", how="cells", lag=40)


@pytest.mark.parametrize("lag", [0, 2, 30])
def test_overlaps_of_cells_as_sets(tmp_path, lag):
    """Against sets of cells, for events of many shapes, on a grid round the world."""
    random = np.random.default_rng(lag)
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    longitude, latitude, cells = np.arange(0.0, 360.0, 30.0), (60.0, 30.0, 0.0, -30.0), []
    for kind in ("dry", "wet"):
        values = np.where(random.random((40, 4, 12)) < 0.2, 300.0, 290.0).astype("float32")
        field = series([], days=40, latitude=latitude, longitude=longitude).copy(data=values)
        events = e5.find_events(field, above=295.0, min_days=1, connectivity=6, progress=False)
        db.add(events, kind=kind, cells=True)
        cells += [set(zip(*(axis.tolist() for axis in events.cells(n)), strict=True)) for n in range(len(events))]
    of = dict(zip(db, cells, strict=True))
    area = _core.grid(np.array(latitude), longitude)["area"]
    boxes = db.overlaps("dry", "wet", how="box", lag=lag)
    expected = {}
    for a, b in zip(boxes.id_a.tolist(), boxes.id_b.tolist(), strict=True):
        grounds = [{cell[1:] for cell in of[number]} for number in (a, b)]
        common = {cell[1:] for cell in of[a] & of[b]} if lag == 0 else grounds[0] & grounds[1]
        if common:
            expected[a, b] = sum(area[row] for row, _ in common)
    pairs = db.overlaps("dry", "wet", how="cells", lag=lag)
    found = dict(zip(zip(pairs.id_a.tolist(), pairs.id_b.tolist(), strict=True), pairs.area_km2, strict=True))
    assert len(expected) > 10
    assert found == pytest.approx(expected, rel=1e-12)


# --- cells that come back ---


@pytest.fixture
def with_cells(tmp_path):
    db = e5.EventDatabase(tmp_path / "cells.gpkg")
    db.add(find(), kind="heatwave", cells=True)
    return db


def test_cells_come_back(with_cells, database):
    events = find()
    for number in range(3):
        table = with_cells[number + 1].cells()
        time_step, row, column = events.cells(number)
        days = (np.datetime64("2003-06-01") + time_step.astype("m8[D]")).astype("datetime64[ms]")
        np.testing.assert_array_equal(table.time.to_numpy(), days)
        assert table.day.tolist() == [str(day)[:10] for day in days]
        np.testing.assert_array_equal(table[["row", "column"]].to_numpy(), np.stack([row, column], 1))
        np.testing.assert_array_equal(table.latitude, np.array([50.0, 49.0, 48.0, 47.0])[row])
        np.testing.assert_array_equal(table.longitude, np.arange(-4.0, 6.0)[column])
    with pytest.raises(InputError, match="without its cells"):
        database[1].cells()


def test_a_mask_of_stored_events(with_cells, database, tmp_path):
    with xr.open_dataset(with_cells.export(tmp_path / "mask.nc", start="2003-06-20")) as mask:
        labels = find().to_dataarray().sel(time=mask.time.values).values
        np.testing.assert_array_equal(mask.event, np.where(labels > 0, labels + 1, -1))  # without the first one
        assert mask.sizes["time"] == 13
    with_cells.add(find(), kind="again", cells=True)
    for filters, text in [({}, "share a cell"), ({"end": 1990}, "no event")]:
        with pytest.raises(InputError, match=text):
            with_cells.export(tmp_path / "other.nc", **filters)
    with pytest.raises(InputError, match="without its cells"):
        database.export(tmp_path / "other.nc")
    with_cells.add(find(latitude=(10.0, 9.0, 8.0, 7.0)), kind="south", cells=True)
    with pytest.raises(InputError, match="2 grids"):
        with_cells.export(tmp_path / "other.nc", kind=["south", "heatwave"])
    assert list(tmp_path.glob("other*")) == []


@pytest.mark.parametrize("runs", ["x'ff'", "x''", "x'01000105'", "x'0101ffff0301'"])
def test_damaged_cells_are_told(with_cells, runs):
    assert with_cells.verify().ok, with_cells.verify()
    change(with_cells, f"UPDATE event_cells SET runs = {runs} WHERE id = 6")
    (fault,) = with_cells.verify().faults
    assert fault.startswith("cells: ")
    assert "event 2" in fault


# --- tracks ---


def paths(days=3):
    """Two tracks of a point a day: across the antimeridian, and over Europe."""
    rows = [("a", day, 48.0 + day, 178.0 + 2 * day, 990.0 + day) for day in range(days)]
    rows += [("b", day + 20, 50.0, 5.0 + day, np.nan) for day in range(2)]
    table = pd.DataFrame(rows, columns=["track", "day", "latitude", "longitude", "msl"])
    time = np.datetime64("1999-12-20") + table.pop("day").to_numpy().astype("timedelta64[D]")
    return e5.read_tracks(table.assign(time=time), value="msl")


def test_tracks_come_back_and_are_found(database):
    assert database.add(paths(), kind="storm", sources=["tracks.csv"]) == (2, 0, 2)
    assert database.add(paths(), kind="storm", sources=["tracks.csv"]) == (0, 2, 2)
    assert len(database) == 3  # events
    table = database.query_tracks()
    assert table[["id", "kind", "points"]].to_numpy().tolist() == [[1, "storm", 3], [2, "storm", 2]]
    points = database.track_points(1)
    assert points.latitude.tolist() == [48, 49, 50]
    assert points.longitude.tolist() == [178, -180, -178]
    assert points.value.tolist() == [990, 991, 992]
    assert points.day.tolist() == ["1999-12-20", "1999-12-21", "1999-12-22"]
    for question, ids in [
        ({"kind": "storm", "order_by": "-duration_hours", "limit": 1}, [1]),
        ({"kind": "heatwave"}, []),
        ({"start": "2000"}, [2]),
        ({"end": "1999"}, [1]),
        ({"bbox": (170, 40, -170, 60)}, [1]),
        ({"bbox": (-179, 40, 10, 60)}, [1, 2]),
        ({"polygon": "POLYGON ((5.2 49, 5.4 49, 5.4 51, 5.2 51, 5.2 49))"}, [2]),
        ({"where": {"points": (3, None)}, "months": "DJF"}, [1]),
    ]:
        assert database.query_tracks(**question).id.tolist() == ids, question
    shapes = database.query_tracks(geometry=True).geometry
    assert shapes.geom_type.tolist() == ["MultiLineString"] * 2
    assert len(shapes[0].geoms) == 2  # cut at the antimeridian
    with pytest.raises(MissingItemError, match=r"no track 9\. Its 2 tracks have ids from 1 to 2"):
        database.track_points(9)
    with pytest.raises(InputError, match="no column"):
        database.query_tracks(category="severe")


def test_upkeep_of_files_with_tracks(database, tmp_path):
    other = e5.EventDatabase(tmp_path / "other.gpkg")
    other.add(paths(), kind="storm", sources=["tracks.csv"])
    other.add(find(), kind="heatwave")
    assert database.merge(other) == (2, 3)
    assert database.merge(other) == (0, 5)
    pd.testing.assert_frame_equal(database.query_tracks().drop(columns="diagnostic_id"),
                                  other.query_tracks().drop(columns="diagnostic_id"))  # fmt: skip
    for number in (1, 2):
        pd.testing.assert_frame_equal(database.track_points(number), other.track_points(number))
    health = database.verify(keys=True)
    assert health.ok, health
    assert database.remove(kind="heatwave") == 3
    assert len(database.query_tracks()) == 2
    assert database.runs().kind.tolist() == ["storm"]
    assert database.remove_tracks(where={"points": 3}) == 1
    assert database.verify(keys=True).ok
    assert len(database.sql("SELECT * FROM track_point")) == 2
    assert database.remove_tracks(kind="storm") == 1
    for table in ("run", "dataset", "diagnostic", "track_run", "track_point", "rtree_track_geom"):
        assert database.sql(f"SELECT count(*) AS n FROM {table}").n[0] == 0, table
    check_standard(database.path)
    with pytest.raises(InputError, match="named"):
        database.remove_tracks()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE track_point SET latitude = latitude + 1 WHERE id = 1", "track 1 has other points"),
        ("UPDATE track_point SET day = '1999-12-24' WHERE id = 2", "track 1 has other points"),
        ("UPDATE event_cells SET runs = x'01000403' WHERE id = 1", "event 1 has other cells"),
        ("UPDATE event_cells SET runs = x'01ffff7f0403' WHERE id = 1", "keys of events: "),
        ("UPDATE event_cells SET runs = x'ff' WHERE id = 1", "keys of events: "),
        ("UPDATE event SET start_day = '2003-06-05' WHERE id = 2", "event 2 has other cells"),
        ("UPDATE track SET geom = substr(geom, 1, 60)", "track 1: "),
    ],
)
def test_keys_and_paths_are_compared_with_the_content(tmp_path, statement, fault):
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find(), kind="heatwave", cells=True)
    db.add(paths(), kind="storm")
    assert db.verify(keys=True).ok
    change(db, statement)
    assert any(fault in text for text in db.verify(keys=True).faults)


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "julian", "standard"])
def test_keys_on_other_calendars(tmp_path, calendar):
    import_module("cftime")
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    field = series([(9, 3, slice(0, 1), slice(0, 1), 8.0)], start="1582-10-01", days=30, calendar=calendar)
    assert db.add(e5.find_events(field, above=295.0, min_days=3, progress=False), cells=True).added == 1
    health = db.verify(keys=True)
    assert health.ok, health


# --- provenance ---


def test_provenance(database):
    database.add(find(), kind="heatwave", sources=[{"path": "b.nc", "request": {"year": 2003}, "size": 7}])
    known = database.provenance(2)
    assert known["event"]["start_day"] == "2003-06-21"
    assert known["diagnostic"]["definition"] == find().definition
    assert [len(search["datasets"]) for search in known["runs"]] == [0, 1]
    file = known["runs"][1]["datasets"][0]
    assert (file["path"], file["request"], file["size_bytes"]) == ("b.nc", {"year": 2003}, 7)
    assert known["runs"][1]["program"].startswith("era5fast ")
    assert database.diagnostics().events.tolist() == [3]
    assert database.diagnostics().definition[0] == find().definition
    assert database.runs()[["kind", "events", "datasets"]].to_numpy().tolist() == [
        ["heatwave", 3, 0],
        ["heatwave", 3, 1],
    ]
    with pytest.raises(MissingItemError, match="no event 9"):
        database.provenance(9)


def test_summary(database):
    database.add(find(start="2010-06-01"), kind="drought")
    assert "6 events of 2 kinds, 2003-06-06 to 2010-07-13" in repr(database)
    html = database._repr_html_()
    assert "<td>3</td>" in html
    assert "drought" in html


def test_summary_of_tracks(tmp_path):
    db = e5.EventDatabase(tmp_path / "paths.gpkg")
    number = db.add(paths(), kind="storm").added
    assert number > 0
    assert f": {number} track" in repr(db)
    assert "storm" in db._repr_html_()
    db.add(find(), kind="heatwave")
    assert "3 events of heatwave" in repr(db)
    assert f"; {number} track" in repr(db)


def test_tracks_as_files(tmp_path):
    geopandas = import_module("geopandas")
    db = e5.EventDatabase(tmp_path / "paths.gpkg")
    db.add(paths(), kind="storm")
    known = db.query_tracks(geometry=True)
    for ending, read in (("geojson", geopandas.read_file), ("parquet", geopandas.read_parquet), ("csv", pd.read_csv)):
        table = read(db.export(tmp_path / f"tracks.{ending}", what="tracks"))
        assert table.id.astype(int).tolist() == known.id.tolist()
        np.testing.assert_allclose(table.path_km.astype("float64"), known.path_km)
        if ending != "csv":
            assert [shape and shape.wkt for shape in table.geometry] == [s and s.wkt for s in known.geometry]
    for wrong in [{"what": "storms"}, {"what": "tracks", "target": tmp_path / "x.gpkg"}]:
        with pytest.raises(InputError):
            db.export(**{"target": tmp_path / "x.geojson", **wrong})
    origin = db.track_provenance(1)
    assert origin["track"]["kind"] == origin["diagnostic"]["kind"] == "storm"
    assert len(origin["runs"]) == 1
    with pytest.raises(MissingItemError, match="no track 99"):
        db.track_provenance(99)


# --- upkeep ---


def test_a_healthy_file(database):
    health = database.verify(keys=True)
    assert health.ok, health
    assert health.faults == ()
    assert "whole" in repr(health)
    assert not e5.EventDatabase(database.path.with_name("none.gpkg")).verify()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE event SET south = -91", "event.south: values lie between −90 and 90"),
        ("UPDATE event SET west = 190", "event.west: values lie between −180 and 180"),
        ("UPDATE event SET south = 80", "event: south is not north of north"),
        ("UPDATE event SET peak_latitude = 91", "event.peak_latitude: values"),
        ("UPDATE event SET footprint_km2 = -1", "event.footprint_km2: values are not negative"),
        ("UPDATE event SET footprint_km2 = 1", "event: no area is larger than the footprint"),
        ("UPDATE event SET area_mean_km2 = 1e9", "event: the mean area is not larger than the largest"),
        ("UPDATE event SET category = 7", "event.category: values are 0 to 4"),
        ("UPDATE event SET side = 'beside'", "event.side: values are above or below"),
        ("UPDATE event SET cells = 0", "event.cells: values are positive"),
        ("UPDATE event SET censored = 3", "event.censored: values are 0 or 1"),
        ("UPDATE event SET start_day = '2004-01-01'", "event: the end does not come before the start"),
        ("UPDATE event SET peak_day = '2004-01-01'", "event: the peak lies between start and end"),
        ("UPDATE event SET displacement_km = path_km + 1", "event: the displacement is not longer than the path"),
        ("UPDATE event_state SET area_km2 = -1", "event_state.area_km2: values are not negative"),
        ("UPDATE event_state SET centroid_longitude = 181", "event_state.centroid_longitude: values"),
        ("UPDATE diagnostic SET definition = 'above 295'", "diagnostic.definition: values are JSON objects"),
        ("UPDATE diagnostic SET definition = '[1]'", "diagnostic.definition: values are JSON objects"),
        ("UPDATE run SET steps = -5", "run.steps: values are not negative"),
        ("UPDATE run SET end_day = '1999-01-01'", "run: the end does not come before the start"),
        ("UPDATE run SET libraries = 'numpy'", "run.libraries: values are JSON"),
        ("INSERT INTO dataset (dataset_key, path, size_bytes, added_at) VALUES ('k', 'p', -2, '2003-01-01')",
         "dataset.size_bytes: values are not negative"),
        ("UPDATE grid SET row_count = 3", "grid: there is one latitude for each row"),
    ],
)  # fmt: skip
def test_values_out_of_range_are_told(database, statement, fault):
    change(database, statement)
    told = [text.removeprefix("ranges: ") for text in database.verify().faults if text.startswith("ranges: ")]
    assert any(text.startswith(fault) and re.search(r", but not in \d+ rows$", text) for text in told), told


def test_ranges_of_tracks_and_of_old_files(tmp_path):
    points = {
        "time": ["2003-01-01", "2003-01-02"],
        "latitude": [50.0, 51],
        "longitude": [0.0, 1],
        "value": [990, 985],
    }
    db = e5.EventDatabase(tmp_path / "tracks.gpkg")
    db.add(e5.read_tracks(pd.DataFrame({"track": [1, 1], **points})), kind="storm")
    assert db.verify().ok, db.verify()
    change(db, "UPDATE track_point SET direction = 400", "UPDATE track SET points = 0, value_min = 1e6")
    told = " ".join(db.verify().faults)
    for fault in (
        "track_point.direction: values lie",
        "track.points: values are positive",
        "track: the smallest value",
    ):
        assert fault in told


def test_other_names_are_warned_of_when_the_file_is_made(tmp_path):
    db = e5.EventDatabase(tmp_path / "events.db")
    with pytest.warns(UserWarning, match=r"events.db: the name of a GeoPackage ends in .gpkg"):
        db.add(find())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        db.add(find(), kind="again")
        assert len(db) == 6


def test_vacuum(database):
    assert database.remove(start="2003-06-20") == 2
    done = database.vacuum()
    assert done.bytes_after <= done.bytes_before
    assert done.orphans == done.removed == {}
    assert database.verify(keys=True).ok


def test_what_other_programs_leave_behind_is_removed(tmp_path):
    database = e5.EventDatabase(tmp_path / "events.gpkg")
    database.add(find(), kind="heatwave", cells=True)
    with sqlite3.connect(database.path) as connection:  # as sqlite3 and ogrinfo do
        e5.geopackage.register(connection)
        connection.execute("DELETE FROM event WHERE id = 1")
    assert any("foreign keys" in line for line in database.verify().faults)
    left = len(database.sql("SELECT 1 FROM event_state WHERE event_id <> 1"))
    removed = database.vacuum().removed
    assert removed["event_run"] == 1 <= removed["event_state"]
    assert (
        len(database.sql("SELECT 1 FROM event_state")) == len(database.sql("SELECT 1 FROM event_cells")) == left > 0
    )
    assert database.verify(keys=True).ok
    assert database.vacuum().removed == {}


def test_remove(database):
    database.add(find(), kind="drought", sources=["a.nc"])
    assert database.remove(kind="drought") == 3
    assert database.remove(kind="drought") == 0
    assert len(database) == 3
    for table in ("diagnostic", "run"):
        assert database.sql(f"SELECT count(*) AS n FROM {table}").n[0] == 1
    for table in ("dataset", "run_dataset"):
        assert database.sql(f"SELECT count(*) AS n FROM {table}").n[0] == 0
    assert database.sql("SELECT count(*) AS n FROM event_state").n[0] == 17
    check_standard(database.path)
    assert database.verify().ok
    for nothing in ({}, {"kind": None}):
        with pytest.raises(InputError, match="named"):
            database.remove(**nothing)
    assert database.add(find(), kind="drought").added == 3
    assert database.remove(where={"id": (0, None)}) == 6
    assert database.add(find(), kind="heatwave").added == 3


@pytest.mark.parametrize("cells", [False, True])
def test_merge(database, tmp_path, cells):
    other = e5.EventDatabase(tmp_path / "other.gpkg")
    other.add(find(start="2010-06-01"), kind="drought", sources=["b.nc"], cells=cells)
    other.add(find(), kind="heatwave", sources=["a.nc"], cells=cells)
    before = other.path.read_bytes()
    assert database.merge(other) == (3, 3)
    assert database.merge(other.path) == (0, 6)
    assert other.path.read_bytes() == before
    health = database.verify(keys=True)
    assert health.ok, health
    check_standard(database.path)
    ours, theirs = (
        db.query(order_by=["kind", "start_day"]).drop(columns=["id", "diagnostic_id"]) for db in (database, other)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    for mine in database:
        twin = other[int(other.query(where={"event_key": database[mine]["event_key"]}).id[0])]
        pd.testing.assert_frame_equal(database[mine].states, twin.states)
        assert database[mine].geometry == twin.geometry
    assert [file["path"] for file in database.provenance(1)["runs"][-1]["datasets"]] == ["a.nc"]
    if cells:
        text = "SELECT runs FROM event_cells ORDER BY runs"
        kept = (
            "SELECT runs FROM event_cells WHERE id IN (SELECT id FROM event_state WHERE event_id > 3) ORDER BY runs"
        )
        drought = other.sql(
            text.replace("ORDER", "WHERE id IN (SELECT id FROM event_state WHERE event_id < 4) ORDER")
        )
        assert database.sql(kept).runs.tolist() == drought.runs.tolist()


def test_merge_makes_the_file_as_adding_does(database, tmp_path):
    new = e5.EventDatabase(tmp_path / "new.gpkg")
    assert new.merge(database) == (3, 0)
    assert new.merge(database) == (0, 3)
    pd.testing.assert_frame_equal(new.query(), database.query())
    assert new.verify(keys=True).ok
    check_standard(new.path)
    with pytest.raises(MissingFileError, match=f"there is no folder {tmp_path / 'none'}"):
        e5.EventDatabase(tmp_path / "none" / "new.gpkg").merge(database)
    last = e5.EventDatabase(tmp_path / "last.gpkg")
    with pytest.raises(EventDatabaseError, match=r"absent\.gpkg"):
        last.merge(tmp_path / "absent.gpkg")
    last.path.symlink_to(tmp_path / "nowhere.gpkg")
    with pytest.raises(StorageError, match="leads nowhere"):
        last.merge(database)
    assert not last.path.exists()


def test_a_new_file_takes_no_triggers_along(database, tmp_path):
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        connection.execute("CREATE TRIGGER strange AFTER INSERT ON event BEGIN SELECT 1; END")
        connection.commit()
    with pytest.raises(EventDatabaseError, match="strange"):
        e5.EventDatabase(tmp_path / "new.gpkg").merge(database)
    assert not (tmp_path / "new.gpkg").exists()


def test_a_file_that_is_made_meanwhile_is_merged_into(database, tmp_path, monkeypatch):
    new = e5.EventDatabase(tmp_path / "new.gpkg")
    new.add(find(start="2010-06-01"), kind="drought")
    monkeypatch.setattr(e5.EventDatabase, "_is_new", lambda self: True)
    assert new.merge(database) == (3, 0)
    assert len(new) == 6


def test_merges_that_are_wrong(database, tmp_path):
    with pytest.raises(InputError, match="itself"):
        database.merge(database)
    with pytest.raises(EventDatabaseError, match=r"none\.gpkg"):
        database.merge(tmp_path / "none.gpkg")
    (tmp_path / "text.gpkg").write_text("no database")
    with pytest.raises(EventDatabaseError, match=r"text\.gpkg"):
        database.merge(tmp_path / "text.gpkg")
    assert len(database) == 3


def test_export_in_other_formats(database, tmp_path):
    geopandas = import_module("geopandas")
    for ending, read in (("geojson", geopandas.read_file), ("parquet", geopandas.read_parquet), ("csv", pd.read_csv)):
        target = database.export(tmp_path / f"events.{ending}", start="2003-06-20")
        frame = read(target)
        assert frame.start_day.astype(str).str[:10].tolist() == ["2003-06-21", "2003-07-11"]
        assert (
            frame.peak_exceedance.tolist()
            == database.query(where={"id": [2, 3]}, order_by="id").peak_exceedance.tolist()
        )
    with pytest.raises(InputError):
        database.export(tmp_path / "events.docx")
    with pytest.raises(FileExistsError, match=r"events\.csv exists\. overwrite=True") as told:
        database.export(tmp_path / "events.csv")
    assert isinstance(told.value, e5.errors.ExistingFileError)
    assert (told.value.code, told.value.errno) == ("exists", errno.EEXIST)


def test_export_of_some_events(database, tmp_path):
    copy = e5.EventDatabase(database.export(tmp_path / "some.gpkg", start="2003-06-20"))
    assert list(copy) == [2, 3]
    assert set(copy.sql("SELECT event_id FROM event_state").event_id) == {2, 3}
    assert copy.verify(keys=True).ok
    check_standard(copy.path)
    assert copy.provenance(2)["diagnostic"] == database.provenance(2)["diagnostic"]
    assert len(database) == 3


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
@pytest.mark.parametrize("ending", ["gpkg", "geojson", "csv", "nc"])
def test_an_export_never_replaces_its_own_database(three_events, tmp_path, link, ending):
    db = e5.EventDatabase(shutil.copy(three_events, tmp_path / f"events.{ending}"))
    target = db.path
    if link is not None:
        target = tmp_path / f"link.{ending}"
        link(db.path, target)
    before = db.path.read_bytes()
    with pytest.raises(InputError, match="the database itself"):
        db.export(target, kind="none of them", overwrite=True)
    with pytest.raises(InputError, match="the database itself"):
        db.export(target, what="tracks", overwrite=True)
    assert db.path.read_bytes() == before


def test_writers_wait_for_upkeep(database):
    lock = _core.store_lock(database.path, 1.0)
    try:
        for use in (database.vacuum, lambda: database.remove(kind="heatwave")):
            with pytest.raises(DatabaseBusyError):
                use()
    finally:
        _core.store_unlock(lock)
    assert database.remove(kind="heatwave") == 3


def test_columns_have_types(database):
    for frame in (database.query(), database.query(end=1990)):
        assert "geom" not in frame
        assert frame.start_time.dtype.kind == "M"
        assert frame.censored.dtype == bool
        assert frame.peak_exceedance.dtype == float
        assert frame.cells.dtype == "int64"


def test_boxes_across_the_antimeridian(tmp_path):
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    warm = [(5, 3, slice(1, 2), slice(18, 20), 8.0), (5, 3, slice(3, 4), slice(0, 1), 8.0)]
    pacific = find(warm, longitude=np.arange(160.0, 200.0))  # 178 to 179 east, and 160 east
    across = find([(15, 3, slice(1, 2), slice(18, 23), 8.0)], longitude=np.arange(160.0, 200.0))  # 178 to 182
    db.add(pacific, kind="near")
    db.add(across, kind="across")
    row = db.query(kind="across").iloc[0]
    assert (row.west, row.east) == (177.5, -177.5)
    assert len(db[int(row.id)].geometry["coordinates"]) == 2  # cut there
    found = {
        box: sorted(db.query(bbox=box).kind) for box in [(-179, 0, -170, 60), (-10, 0, 10, 60), (178, 0, -178, 60)]
    }
    assert found == {(-179, 0, -170, 60): ["across"], (-10, 0, 10, 60): [], (178, 0, -178, 60): ["across", "near"]}


@pytest.mark.parametrize(
    "question",
    [
        {"order_by": "geom"},
        {"order_by": "id; DROP TABLE event"},
        {"order_by": "--id"},
        {"start": "June"},
        {"start": "2003-06'; --"},
        {"start": "2003", "end": "2002"},
        {"start": "2003-06-02", "end": "2003-06-01"},
        {"limit": -1},
        {"bbox": (0, 0, 1)},
        {"bbox": (0, 50, 1, 40)},
        {"bbox": (0, 0, np.nan, 1)},
        {"bbox": "west"},
        {"limit": 1.5},
        {"limit": "ten"},
        {"limit": 2**64},
        {"kind": 7},
        {"kind": ["heatwave", 7]},
        {"diagnostic": "one"},
        {"text": 3},
        {"months": 13},
        {"months": "J"},
        {"months": "XYZ"},
        {"months": []},
        {"category": 5},
        {"category": "mild"},
        {"columns": "geom"},
        {"columns": []},
        {"columns": 5},
        {"order_by": 5},
        {"where": {"nothing": 1}},
        {"where": {"duration_days": (9, 3)}},
        {"where": {"start_time": ("2003-07", "2003-06")}},
        {"where": {"start_day": ("2003-07-01", "2003-06-01")}},
        {"where": {"duration_days": ">5"}},
        {"where": {"duration_days": ("5", None)}},
        {"where": {"duration_days": [5, "6"]}},
        {"where": {"touches_edge": "yes"}},
        {"where": {"kind": 5}},
        {"where": {"start_time": 2003}},
        {"where": {"start_time": "summer"}},
        {"where": {"start_time": np.datetime64("NaT")}},
        {"where": {"category": "mild"}},
        {"kind": "heatwav"},
        {"kind": ["heatwave", "cold spell"]},
        {"variable": "t3m"},
        {"diagnostic": 2},
        {"diagnostic": [1, 2**70]},
        {"where": {"duration_days": (1, 2, 3)}},
        {"where": {"duration_days": (None, None)}},
        {"where": {"duration_days": np.nan}},
        {"where": {"duration_days": object()}},
        {"where": ["duration_days"]},
        {"polygon": "POINT (1 1)"},
        {"polygon": "nonsense"},
        {"polygon": {"type": "Polygon"}},
        {"polygon": {"type": "Feature", "geometry": None}},
        {"polygon": 7},
        {"polygon": "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"},
        {"polygon": "POLYGON EMPTY"},
    ],
)
def test_questions_that_are_wrong(database, question):
    with pytest.raises(InputError):
        database.query(**question)


@pytest.mark.parametrize(
    "ask",
    [
        lambda db: db.ranking(by=None),
        lambda db: db.overlaps(None, "heatwave"),
        lambda db: db.sql(None),
        lambda db: db.nearest(0, 0, n="one"),
    ],
)
def test_other_questions_that_are_wrong(database, ask):
    with pytest.raises(InputError):
        ask(database)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda db: db.query(kind="heatwav"), "the file knows no kind 'heatwav'. Did you mean 'heatwave'?"),
        (lambda db: db.count_by("year", kind="flood"), "the file knows no kind 'flood'. Its only one is heatwave"),
        (lambda db: db.overlaps("heatwave", "flood"), "the file knows no kind 'flood'. Its only one is heatwave"),
        (lambda db: db.ranking(variable="tp"), "the file knows no variable 'tp'. Its only one is t2m"),
        (lambda db: db.nearest(0, 0, diagnostic=7), "the file knows no diagnostic 7. Its only one is 1"),
        (lambda db: db.export("x.csv", kind="flood"), "the file knows no kind 'flood'. Its only one is heatwave"),
        (lambda db: db.export("x.gpkg", kind="flood"), "the file knows no kind 'flood'. Its only one is heatwave"),
        (lambda db: db.query_tracks(kind="storm"), "the file knows no kind 'storm'. Its only one is heatwave"),
    ],
)
def test_names_that_the_file_does_not_know(database, tmp_path, monkeypatch, ask, told):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        ask(database)
    assert str(error.value) == told
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.name.startswith("x")) in ([], [".lock"])


def test_kinds_that_are_known_without_an_event(database, tmp_path):
    assert database.add(find([]), kind="cold spell").added == 0
    assert database.query(kind=["cold spell"]).empty
    change(database, "UPDATE event SET kind = 'mine' WHERE id = 3")
    assert list(database.query(kind=["mine", "cold spell"]).id) == [3]
    assert database.remove(kind="flood") == 0
    empty = e5.EventDatabase(tmp_path / "empty.gpkg")
    assert empty.add(find([]), kind="cold spell").added == 0
    change(empty, "DELETE FROM run", "DELETE FROM diagnostic")
    assert empty.query(kind="flood").empty
    many = [f"kind {number:02}" for number in range(14)]
    for kind in many:
        database.add(find(BLOCKS[:1]), kind=kind)
    with pytest.raises(InputError, match=r"no kind 'flood'. It has cold spell, heatwave, kind 00, .* and 4 more"):
        database.query(kind="flood")


def test_values_are_bound(database):
    with pytest.raises(InputError, match="the file knows no kind"):
        database.query(kind="' OR 1=1 --")
    assert database.add(find(), kind="x'); DROP TABLE event; --").added == 3
    assert len(database.query(kind="x'); DROP TABLE event; --")) == 3


def test_sql(database):
    frame = database.sql("SELECT kind, count(*) AS n FROM event WHERE cells > ? GROUP BY kind", (1,))
    assert frame.to_dict("records") == [{"kind": "heatwave", "n": 3}]
    assert database.sql("SELECT id FROM event WHERE start_day > :day", {"day": "2003-07"}).id.tolist() == [3]


@pytest.mark.parametrize(
    "text",
    [
        "SELEC 1",
        "SELECT nothing FROM event",
        "SELECT ?",
        "SELECT 1; SELECT 2",
        "DELETE FROM event",
        "UPDATE event SET kind = 'x'",
        "CREATE TABLE mine (x)",
        "ATTACH ':memory:' AS other",
    ],
)
def test_sql_that_is_wrong_or_writes(database, text):
    with pytest.raises(InputError):
        database.sql(text)
    assert len(database) == 3


@pytest.mark.parametrize(
    "text", ["delete from event", "UPDATE event SET kind = 'x'", "DROP TABLE event", "CREATE TABLE mine (x)"]
)
def test_sql_says_that_it_only_reads(database, text):
    with pytest.raises(InputError, match="only reads, and"):
        database.sql(text)


def test_a_long_query_can_be_interrupted(database):
    main = threading.main_thread().ident
    timer = threading.Timer(0.1, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        database.sql("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n")
    timer.join()
    assert len(database) == 3


# --- others open it ---


def check_standard(path, *options):
    """Run GDAL's validator, ogrinfo and SQLite's own checks, where they are installed."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT rtreecheck('rtree_event_geom')").fetchone() == ("ok",)
    if shutil.which("ogrinfo"):
        result = run("ogrinfo", "-so", "-al", path)
        assert (result.returncode, result.stderr) == (0, "")
    if run("/usr/bin/python3", "-c", "import osgeo_utils.samples.validate_gpkg").returncode == 0:
        result = run("/usr/bin/python3", "-m", "osgeo_utils.samples.validate_gpkg", "-k", *options, path)
        assert result.returncode == 0, result.stdout + result.stderr


def test_the_standard_is_kept(database):
    database.add(find(), kind="heatwave", sources=["a.nc"])
    check_standard(database.path, "--extra", "--warning-as-error")


def test_geopandas_reads_every_table(database):
    geopandas = import_module("geopandas")
    pyogrio = import_module("pyogrio")
    layers = {name for name, _ in pyogrio.list_layers(database.path)}
    contents = database.sql("SELECT table_name FROM gpkg_contents")
    assert layers == set(contents.table_name)
    frame = geopandas.read_file(database.path, layer="event")
    assert frame.crs == "EPSG:4326"
    assert frame.geometry.is_valid.all()
    assert frame.total_bounds.tolist() == [-4.5, 46.5, 5.5, 50.5]
    assert frame.start_time.dtype.kind == "M"
    box = geopandas.read_file(database.path, layer="event", bbox=(-10, 49.6, -2, 60))
    assert box.start_day.tolist() == ["2003-06-06"]
    assert len(geopandas.read_file(database.path, layer="event_state")) == 17


def test_what_others_append_stays_right(database):
    geopandas = import_module("geopandas")
    frame = geopandas.read_file(database.path, layer="event")
    frame["event_key"] = frame.event_key + "-copy"
    frame.to_file(database.path, layer="event", mode="a")  # some versions of GDAL write times without milliseconds
    assert len(database) == 6
    assert sorted(database.query(bbox=(-10, 49.6, -2, 60)).id) == [1, 4]
    assert database.add(find(), kind="heatwave") == (0, 3, 1)
    check_standard(database.path)


def test_plain_sqlite_writes_once_it_knows_the_functions(database):
    with contextlib.closing(sqlite3.connect(database.path)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="ST_IsEmpty"):
            connection.execute("UPDATE event SET kind = 'x'")
        geopackage.register(connection)
        with connection:
            for table in ("event_state", "event_run"):
                connection.execute(f"DELETE FROM {table} WHERE event_id = 3")
            connection.execute("UPDATE event SET id = 30 WHERE id = 3")
            connection.execute("UPDATE event SET geom = NULL WHERE id = 1")
        assert connection.execute("SELECT id FROM rtree_event_geom ORDER BY id").fetchall() == [(2,), (30,)]
        assert connection.execute("SELECT ST_MinX(geom), ST_IsEmpty(geom) FROM event WHERE id = 2").fetchone() == (
            -0.5,
            0,
        )
        assert connection.execute("SELECT ST_MaxY(x'00'), ST_IsEmpty('x'), ST_MinX(NULL)").fetchone() == (None,) * 3
    check_standard(database.path)
    assert database[1].geometry is None


def test_export_is_one_whole_file(database, tmp_path):
    target = tmp_path / "copy.gpkg"
    assert database.export(target) == target
    check_standard(target)
    pd.testing.assert_frame_equal(e5.EventDatabase(target).query(), database.query())
    with pytest.raises(FileExistsError):
        database.export(target)
    database.export(target, overwrite=True)
    assert not list(tmp_path.glob("*.new"))


def manual_rows(database, table):
    """Rows of the manual for a table, out of what the file says of itself."""
    names = set(database.sql("SELECT column_name FROM gpkg_data_columns").column_name)
    names |= set(database.sql("SELECT table_name FROM gpkg_contents").table_name)
    described = database.sql("SELECT * FROM gpkg_data_columns WHERE table_name = ?", (table,)).set_index(
        "column_name"
    )
    for column in database.sql(f"PRAGMA table_info({table})").itertuples():
        title, text = described.title[column.name], described.description[column.name]
        units = re.findall(r"\(([^()]+)\)$", title)
        units = (units[0] if units else "").replace("degrees ", "° ").replace("km2", "km²").replace("s-1", "s⁻¹")
        text = re.sub(
            r"\b[a-z]+[._][a-z_.]*[a-z]\b", lambda word: f"`{word[0]}`" if known(word[0], names) else word[0], text
        )
        text = re.sub(r"(?<=[ (])-(?=[\d ])", "−", text)
        yield f"| `{column.name}` | {column.type} | {units} | {text} |"


def known(word, names):
    return all(part in names for part in word.split("."))


def test_every_column_is_described_in_the_manual(database):
    manual = (ROOT / "docs" / "reference" / "database.md").read_text()
    sections = {part.split("`")[0]: part for part in manual.split("\n### `")[1:]}
    tables = database.sql("SELECT table_name FROM gpkg_contents").table_name
    assert set(sections) == set(tables)
    for table in tables:
        rows = [line for line in sections[table].split("\n## ")[0].splitlines() if line.startswith("| `")]
        assert rows == list(manual_rows(database, table))


def test_examples_of_the_manual_run(database):
    manual = (ROOT / "docs" / "reference" / "database.md").read_text()
    examples = manual.split("```sql\n")[1:]
    assert len(examples) >= 5
    for example in examples:
        assert len(database.sql(example.split("```")[0])) >= 1


def test_schema_version_is_that_of_the_core(database):
    assert database.sql("SELECT max(version) AS v FROM era5fast_schema").v[0] == database_file.SCHEMA_VERSION


# --- what can go wrong ---


def test_a_file_that_is_not_there_is_not_made_by_reading(tmp_path):
    db = e5.EventDatabase(tmp_path / "none.gpkg")
    with pytest.raises(EventDatabaseError, match=r"none\.gpkg"):
        db.query()
    assert "no file yet" in repr(db)
    assert not db.path.exists()


@pytest.mark.parametrize("content", [b"", b"notes, not a database; long enough for a header of a hundred bytes " * 3])
def test_foreign_files_are_refused_and_untouched(tmp_path, content):
    db = e5.EventDatabase(tmp_path / "notes.gpkg")
    db.path.write_bytes(content)
    for use in (db.query, lambda: db.add(find(), kind="heatwave")):
        with pytest.raises(EventDatabaseError, match=r"notes\.gpkg") as told:
            use()
        assert "recover" not in str(told.value)  # there is nothing to recover
    assert db.path.read_bytes() == content


def test_newer_files_are_refused(database):
    change(database, "INSERT INTO era5fast_schema (version, description, applied_at) VALUES (99, '', '')")
    with pytest.raises(EventDatabaseError, match="newer"):
        database.query()
    with pytest.raises(EventDatabaseError, match="newer"):
        database.add(find(), kind="heatwave")


def test_damaged_files_are_refused_and_untouched(database):
    whole = database.path.read_bytes()
    damaged = whole[:4096] + bytes(reversed(whole[4096:]))
    database.path.write_bytes(damaged)
    with pytest.raises(EventDatabaseError):
        database.add(find(), kind="heatwave")
    with pytest.raises(EventDatabaseError):
        database.query()
    assert database.path.read_bytes() == damaged


def test_a_damaged_outline_is_told(database):
    change(database, "DROP TRIGGER rtree_event_geom_update1", "UPDATE event SET geom = x'4750000300' WHERE id = 1")
    with pytest.raises(EventDatabaseError, match="event 1"):
        database[1]


@pytest.mark.parametrize("cut", [0, 3, 7, 8, 40, 45, 60, -1])
def test_cut_geometries_are_told(database, cut):
    blob = database.sql("SELECT geom FROM event WHERE id = 1").geom[0]
    assert geopackage.multipolygon(blob)["type"] == "MultiPolygon"
    with pytest.raises(CorruptDataError):
        geopackage.multipolygon(blob[:cut])


def test_a_busy_file_is_named(database):
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for use in (database.query, lambda: database.add(find(), kind="heatwave")):
            with pytest.raises(DatabaseBusyError, match=r"events\.gpkg") as caught:
                use()
            assert caught.value.retryable
            assert caught.value.target == str(database.path)
    assert len(database) == 3


def test_ctrl_c_ends_the_wait_for_a_writer(database):
    patient = e5.EventDatabase(database.path, busy_seconds=60)
    main = threading.main_thread().ident
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.15, lambda: signal.pthread_kill(main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            patient.add(find(), kind="another")
        timer.join()
    assert len(database) == 3


def test_folders_that_are_not_there(tmp_path):
    with pytest.raises(StorageError) as caught:
        e5.EventDatabase(tmp_path / "none" / "events.gpkg").add(find(), kind="heatwave")
    assert isinstance(caught.value, OSError)
    assert pickle.loads(pickle.dumps(caught.value)).target == caught.value.target


@pytest.mark.parametrize("arguments", [{"kind": ""}, {"definition": {"x": np.nan}}, {"sources": [{"size": 3}]}])
def test_batches_that_are_wrong(tmp_path, arguments):
    with pytest.raises(InputError):
        e5.EventDatabase(tmp_path / "events.gpkg").add(find(), **arguments)


@pytest.mark.parametrize("sources", ["a.nc", Path("a.nc"), {"path": "a.nc"}, ["a.nc"]])
def test_a_single_source_is_one(tmp_path, sources):
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find(), kind="heatwave", sources=sources)
    assert db.sql("SELECT path FROM dataset").path.tolist() == ["a.nc"]


def test_one_event_can_be_added(tmp_path):
    db, events = e5.EventDatabase(tmp_path / "events.gpkg"), find()
    assert db.add(events[1], kind="heatwave").added == 1
    assert db.query().start_day.tolist() == ["2003-06-21"]
    assert db.add(events, kind="heatwave") == (2, 1, 1)
    for wrong in (events.to_dataframe(), [events[0]], None):
        with pytest.raises(InputError, match="cannot be added"):
            db.add(wrong)
    for kind in (None, 3):
        with pytest.raises(InputError, match="kind is"):
            db.add(events, kind=kind)


def test_closed_is_closed(database):
    with e5.EventDatabase(database.path) as db:
        assert len(db) == 3
    for use in (db.query, db.__enter__, lambda: db.add(find(), kind="heatwave")):
        with pytest.raises(InputError, match="closed"):
            use()
    assert "closed" in repr(db)
    assert "3 events" in repr(database)


def test_threads_read_and_write_at_once(database):
    events = [find([(5, 4, slice(0, 2), slice(n, n + 2), 8.0)]) for n in range(4)]
    lengths = []

    def work(n):
        assert database.add(events[n], kind=f"kind {n}").added == 1
        lengths.append(len(database))

    database.busy_seconds = 30.0
    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lengths) == 4
    assert len(database) == 7


def test_a_forked_child_reads_and_writes(database):
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            code = 0 if len(database) == 3 else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(database) == 3


def test_importing_the_module_loads_no_pandas():
    code = "import sys, era5fast.database; print('pandas' in sys.modules, 'xarray' in sys.modules)"
    assert run(os.sys.executable, "-c", code).stdout.split() == ["False", "False"]


def test_an_old_sqlite_answers_as_well(database):
    """The wheel of ecCodes brings an SQLite of 2018, which Python then uses where it is loaded first."""
    code = """if True:
        import sys, eccodes
        import era5fast as e5
        db = e5.EventDatabase(sys.argv[1])
        box = db.query(start="2003-06", end="2003-06", bbox=(-10, 40, 10, 60), order_by=["-kind", "start_day"])
        print(*box.id, *db.ranking(per="year").id, *db.nearest(48, 2).id, *db.count_by("year").events)
        print(db.verify(keys=True).ok, db.remove(where={"id": 3}))
    """
    assert " ".join(run(os.sys.executable, "-c", code, database.path).stdout.split()) == "1 2 2 1 3 2 3 True 1"


# --- what keys, locks and turns hold ---


def over_the_seam(longitude, turn=0, flip=False):
    """The same warm patches on the same globe, by a file that begins at another longitude or latitude."""
    latitude = np.arange(80.0, -90.0, -20.0)
    values = np.full((8, len(latitude), 36), 290.0, dtype="float32")
    values[1:4, 3:5, [34, 35, 0, 1]] = 300.0  # over the prime meridian
    values[3:6, 5:7, 16:21] = 301.0  # over the antimeridian
    values[2:5, 0, :] = 302.0  # all the way round
    values[2:5, 1, [3, 7, 35, 0]] = 299.0  # hangs on it, in pieces
    values = np.roll(values, turn, axis=2)
    step = -1 if flip else 1
    time = np.datetime64("2003-06-01") + np.arange(8)
    return e5.find_events(
        values[:, ::step], above=295.0, min_days=3, time=time, latitude=latitude[::step], longitude=longitude,
        variable="t2m", progress=False,
    )  # fmt: skip


TURNED = [
    (np.arange(-180.0, 180.0, 10.0), 18, False),
    (np.arange(0.0, 360.0, 10.0), 0, True),
    (np.arange(-180.0, 180.0, 10.0), 18, True),
    (np.arange(100.0, 460.0, 10.0) % 360, -10, False),
    (np.arange(0.0, 360.0, 10.0).astype("float32"), 0, False),
]


@pytest.mark.parametrize(("longitude", "turn", "flip"), TURNED)
def test_an_event_has_one_key_however_the_file_is_turned(tmp_path, longitude, turn, flip):
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    first = db.add(over_the_seam(np.arange(0.0, 360.0, 10.0)), kind="heatwave", cells=True)
    assert first.added == 3
    assert db.add(over_the_seam(longitude, turn, flip), kind="heatwave", cells=True) == (0, 3, 1)
    turned = e5.EventDatabase(tmp_path / "turned.gpkg")
    turned.add(over_the_seam(longitude, turn, flip), kind="heatwave", cells=True)
    assert sorted(turned.query().event_key) == sorted(db.query().event_key)
    assert turned.verify(keys=True)
    assert db.verify(keys=True)


def key_of_version_1(events, number, diagnostic):
    """As csrc/db/ids.h has it: runs of the file, in its order."""
    digest = hashlib.sha256()
    for text in ("event 1", diagnostic, events.core.axes()["calendar"]):
        digest.update(struct.pack("<q", len(text)) + text.encode())
    axes, runs, event = events.core.axes(), events.core.runs(), events.core.table()
    seconds = np.asarray(axes["seconds"])
    digest.update(struct.pack("<qq", int(seconds[event["start"][number]]), int(seconds[event["end"][number]])))
    first, count = int(event["first_run"][number]), int(event["runs"][number])
    for i in range(first, first + count):
        row, begin, cells = (int(runs[name][i]) for name in ("row", "first", "count"))
        ends = [round(float(axes["longitude"][column]) * 1e4) for column in (begin, begin + cells - 1)]
        latitude = round(float(axes["latitude"][row]) * 1e4)
        digest.update(struct.pack("<5q", int(seconds[runs["time"][i]]), latitude, *ends, cells))
    return digest.hexdigest()


def test_events_of_a_file_of_version_1_are_recognised(database):
    """Under the key of that version; found again they get the one of today."""
    events, today = find(), database.query(order_by="id").event_key.tolist()
    (diagnostic,) = database.sql("SELECT diagnostic_key FROM diagnostic").diagnostic_key
    former = [key_of_version_1(events, number, diagnostic) for number in range(3)]
    assert not set(former) & set(today)
    change(
        database,
        "UPDATE event SET side = NULL",
        "UPDATE era5fast_schema SET applied_at = '2020-01-01T00:00:00.000Z' WHERE version = 1",
        *(f"UPDATE event SET event_key = '{key}' WHERE id = {number + 1}" for number, key in enumerate(former)),
    )
    assert database.add(events, kind="heatwave") == (0, 3, 1)
    assert database.query(order_by="id").event_key.tolist() == today
    assert database.add(events, kind="heatwave") == (0, 3, 1)


@pytest.mark.parametrize("make", ["add", "export"])
def test_what_a_dead_writer_left_is_not_played_into_a_new_file(database, tmp_path, make):
    path = tmp_path / "again.gpkg"
    shutil.copy(database.path, path)
    assert run(sys.executable, "-c", DIES_IN_THE_MIDDLE, path).returncode == -signal.SIGKILL
    journal = tmp_path / "again.gpkg-journal"
    assert journal.stat().st_size > 512
    db = e5.EventDatabase(path)
    if make == "add":
        path.unlink()
        assert db.add(find(), kind="heatwave").added == 3
    else:
        database.export(path, overwrite=True)
    assert not journal.exists()
    assert db.verify()
    assert db.query().kind.tolist() == ["heatwave"] * 3


DIES_IN_THE_MIDDLE = """
import os, signal, sqlite3, sys
from era5fast import geopackage
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
geopackage.register(connection)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE event SET kind = 'nothing'")
numbers = "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)"
connection.execute(f"CREATE TABLE more AS {numbers} SELECT hex(randomblob(200)) FROM c")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_export_waits_for_the_writers_of_its_target(database, tmp_path):
    target = tmp_path / "target.gpkg"
    lock = _core.store_lock(target, 0.0)
    try:
        with pytest.raises(DatabaseBusyError):
            database.export(target)
    finally:
        _core.store_unlock(lock)
    assert database.export(target) == target


def test_a_reader_at_the_end_of_a_long_batch_is_waited_for(database):
    """The patience is that of each wait: a lock during COMMIT has it whole, however long the batch took."""
    db = e5.EventDatabase(database.path, busy_seconds=3.0)
    held, seen = sqlite3.connect(db.path, isolation_level=None, check_same_thread=False), []
    held.execute("BEGIN")
    held.execute("SELECT count(*) FROM event").fetchone()
    lock = _core.store_lock(db.path, 0.0)

    def let_go():
        _core.store_unlock(lock)  # after 1.8 s of 3; then COMMIT waits as long again
        threading.Timer(1.8, lambda: (seen.append(time.monotonic()), held.execute("ROLLBACK"))).start()

    threading.Timer(1.8, let_go).start()
    assert db.add(find([(50, 4, slice(0, 2), slice(0, 3), 8.0)]), kind="heatwave").added == 1
    assert seen
    held.close()


@pytest.mark.parametrize(
    "question",
    [
        lambda db: db.query(kind=(db[i]["kind"] for i in [1])),
        lambda db: db.query(variable=(db[i]["variable"] for i in [1])),
        lambda db: db.query(columns=(name for name in [*db[1]][:3])),
        lambda db: db.query(order_by=(name for name in [*db[1]][:1])),
        lambda db: db.query(diagnostic=(int(db[i]["diagnostic_id"]) for i in [1])),
        lambda db: db.query(months=(int(db[i]["start_day"][5:7]) for i in [1])),
        lambda db: db.query(polygon=Lazy(db)),
        lambda db: db.count_by("kind", kind=(db[i]["kind"] for i in [1])),
    ],
)
def test_filters_may_ask_the_database_themselves(database, question):
    answers = []
    asker = threading.Thread(target=lambda: answers.append(question(database)), daemon=True)
    asker.start()
    asker.join(20)
    assert answers, "it waits for itself"
    assert len(answers[0]) > 0


class Lazy:
    """Ground that is looked up when it is asked for."""

    def __init__(self, db):
        self.db = db

    @property
    def __geo_interface__(self):
        return self.db[1].geometry


def test_merge_takes_the_columns_that_both_have(database, tmp_path):
    mine, other = tmp_path / "mine.gpkg", tmp_path / "other.gpkg"
    shutil.copy(database.path, other)
    e5.EventDatabase(mine).add(find(BLOCKS[:1]), kind="heatwave")
    change(e5.EventDatabase(mine), 'ALTER TABLE diagnostic ADD COLUMN "my ""note" TEXT')
    change(e5.EventDatabase(other), 'ALTER TABLE event_state ADD COLUMN "order" TEXT')
    assert e5.EventDatabase(mine).merge(other) == (2, 1)
    assert len(e5.EventDatabase(mine)) == 3


def test_remove_leaves_searches_that_found_nothing(database):
    nothing = find([])
    assert len(nothing) == 0
    database.add(nothing, kind="heatwave", definition={"another": 1})
    database.add(find(BLOCKS[:1]), kind="other")
    assert len(database.diagnostics()) == 3
    assert database.remove(kind="other") == 1
    assert sorted(database.diagnostics().kind) == ["heatwave", "heatwave"]
    assert len(database.runs()) == 2
    assert database.verify()


def test_writers_get_their_turn_between_two_checks(database, monkeypatch):
    """And each check sees one state of the file."""
    writer = "UPDATE diagnostic SET added_at = '2026-01-01T00:00:00.000Z'"

    def write(connection):
        connection.execute("SELECT count(*) FROM event").fetchone()
        yield from ()

    def then(connection):
        with contextlib.closing(sqlite3.connect(database.path, timeout=0)) as other, other:
            other.execute(writer)
        yield from ()

    monkeypatch.setattr(database_health, "_CHECKS", {"reads": write, "writes": then})
    assert database.verify()


@pytest.mark.parametrize("box", [(170, -90, 180, 90), (-180, -90, -170, 90), (180, -90, -180, 90), (0, -90, 10, 90)])
@pytest.mark.parametrize("at", [-175.0, 175.0, 5.0])
def test_boxes_mean_the_same_to_catalogue_and_database(tmp_path, at, box):
    longitude = np.arange(-175.0, 180.0, 10.0)
    values = np.full((5, 3, 36), 280.0, dtype="float32")
    values[1:4, 1, longitude == at] = 300.0
    time = np.datetime64("2003-06-01") + np.arange(5)
    axes = {"time": time, "latitude": [50.0, 40.0, 30.0], "longitude": longitude}
    events = e5.find_events(values, above=295.0, min_days=3, progress=False, **axes)
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(events)
    found = {-175.0: {-180, 180, 170}, 175.0: {-180, 180, 170}, 5.0: {0}}
    # −180 and 180 are one place, which the cells on both sides of it touch
    assert len(events.select(bbox=box)) == len(db.query(bbox=box)) == (box[0] in found[at])


def test_numbers_beyond_all_numbers(database):
    assert len(database.query(where={"path_km": [np.inf, -np.inf]})) == 0
    assert len(database.query(where={"cells": (0, np.inf)})) == 3
    assert len(database.query(where={"cells": (-(10**30), 10**30)})) == 3
    assert len(database.query(where={"cells": [10**30, 10**400]})) == 0
    assert len(database.query(where={"kind": ["heatwave", "Infinity"]})) == 3


@pytest.mark.parametrize(
    "question",
    [
        {"kind": "\ud800"}, {"where": {"kind": "\ud800"}}, {"text": "\ud800"}, {"start": "2000-13"},
        {"start": "2000-02-45"}, {"end": "0000-00-00"}, {"end": "2001-04-31"}, {"bbox": (10, -90, -350, 90)},
    ],
)  # fmt: skip
def test_values_that_mean_nothing(database, question):
    with pytest.raises(InputError):
        database.query(**question)


def test_days_of_other_calendars_are_dates(database):
    assert len(database.query(start="2003-02-30")) == 3


# --- bad company ---

SUPPLANTED = """
import ctypes, sys
ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)  # as findlibs loads the libraries of ecCodes
import sqlite3
import numpy as np, era5fast as e5
axes = {"time": np.arange("2001-01-01", "2001-01-11", dtype="M8[D]"), "latitude": [1.0, 0.0], "longitude": [0.0, 1.0]}
events = e5.find_events(np.ones((10, 2, 2), "float32"), above=0.5, progress=False, **axes)
try:
    e5.EventDatabase(sys.argv[2]).add(events, progress=False)
except e5.errors.EventDatabaseError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="libraries are looked up in another way")
def test_two_mixed_copies_of_sqlite_are_refused_before_they_crash(tmp_path):
    if any(one["name"] == "sqlite3" and "era5fast" in one["path"] for one in e5._core.libraries()):
        pytest.skip("the copy inside the package is its own")
    source, library = tmp_path / "other.c", tmp_path / "other.so"
    source.write_text('const char sqlite3_version[] = "3.26.0";\n')
    built = run(sysconfig.get_config_var("CC").split()[0], "-shared", "-fPIC", "-o", library, source)
    assert built.returncode == 0, built.stderr
    ended = run(sys.executable, "-c", SUPPLANTED, library, tmp_path / "events.gpkg")
    assert ended.returncode == 0, ended.stderr
    assert "SQLite 3.26.0 of another package stands in the way of SQLite 3." in ended.stdout
    assert "Import era5fast before eccodes" in ended.stdout
    assert not (tmp_path / "events.gpkg").exists()

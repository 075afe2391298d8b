"""The event database from Python: what goes in comes out, others can open it, and bad input is told apart."""

import contextlib
import json
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import threading
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast import database_file, geopackage
from era5fast.errors import CorruptDataError, DatabaseBusyError, EventDatabaseError, InputError, StorageError

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
    names = set(given.columns) & set(stored.columns) - {"peak_time"}
    assert {"area_max_km2", "cumulative_intensity", "peak_latitude", "west", "cells", "censored"} <= names
    for name in names:
        np.testing.assert_array_equal(stored[name].to_numpy(), given[name].to_numpy(), err_msg=name)
    np.testing.assert_array_equal(stored.centroid_longitude, given.longitude)


def test_adding_again_adds_nothing(database):
    before = database.path.read_bytes()
    assert database.add(find(), kind="heatwave") == (0, 3, 1)
    assert database.path.read_bytes() == before


def test_a_longer_record_adds_what_is_new(database):
    more = [*BLOCKS, (70, 3, slice(0, 1), slice(0, 1), 9.0)]
    assert database.add(find(more, days=90), kind="heatwave") == (1, 3, 1)


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
    with pytest.raises(KeyError):
        database[4]
    with pytest.raises(TypeError):
        database["1"]


def test_a_calendar_of_360_days(tmp_path):
    import_module("cftime")
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    field = series([(9, 3, slice(0, 1), slice(0, 1), 8.0)], start="2003-02-20", days=30, calendar="360_day")
    assert db.add(e5.find_events(field, above=295.0, min_days=3, progress=False), kind="heatwave").added == 1
    row = db.query().iloc[0]
    assert (row.calendar, row.start_day, row.end_day) == ("360_day", "2003-02-29", "2003-03-01")
    assert row.start_time == pd.Timestamp("2003-02-28")
    assert len(db.query(start="2003-02-30", end="2003-02-30")) == 1


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
        ({"kind": "cold spell"}, []),
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


def test_columns_have_types(database):
    for frame in (database.query(), database.query(kind="none")):
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
        {"limit": -1},
        {"bbox": (0, 0, 1)},
        {"bbox": (0, 50, 1, 40)},
        {"bbox": (0, 0, np.nan, 1)},
        {"bbox": "west"},
    ],
)
def test_questions_that_are_wrong(database, question):
    with pytest.raises(InputError):
        database.query(**question)


def test_values_are_bound(database):
    assert len(database.query(kind="' OR 1=1 --")) == 0
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


def test_every_column_is_described_in_the_manual(database):
    manual = (ROOT / "docs" / "reference" / "database.md").read_text()
    described: dict[str, set[str]] = {}
    for line in manual.split("## Examples")[0].splitlines():
        if line.startswith("### `"):
            table = described.setdefault(line.split("`")[1], set())
        elif line.startswith("| `"):
            table.add(line.split("`")[1])
    rows = database.sql("SELECT table_name, column_name FROM gpkg_data_columns")
    assert described == {name: set(group.column_name) for name, group in rows.groupby("table_name")}


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
        with pytest.raises(EventDatabaseError, match=r"notes\.gpkg"):
            use()
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

"""Files that look like event databases: refused in plain words, nothing of theirs is run, nothing of them changed."""

import contextlib
import os
import shutil
import sqlite3
import sys

import numpy as np
import pytest

import era5fast as e5
from era5fast import database_file, geopackage
from era5fast import database_health as health
from era5fast.errors import Era5FastError, EventDatabaseError, InputError

pytestmark = pytest.mark.native


def found(shift=0):
    """Two warm blocks over ten days."""
    values = np.zeros((10, 4, 5), "float32")
    values[1:4, 0:2, 0:2] = 5
    values[5:9, 2:4, 3:5] = 7
    axes = {
        "time": np.datetime64("2003-06-01") + np.arange(10) + shift,
        "latitude": [50.0, 49.0, 48.0, 47.0],
        "longitude": [0.0, 1.0, 2.0, 3.0, 4.0],
    }
    return e5.find_events(values, above=1.0, progress=False, **axes)


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    db = e5.EventDatabase(tmp_path_factory.mktemp("sound") / "events.gpkg")
    assert db.add(found(), kind="heatwave", sources=["a.nc"]).added == 2
    return db.path


@pytest.fixture
def db(sound, tmp_path):
    return e5.EventDatabase(shutil.copy(sound, tmp_path / "events.gpkg"), busy_seconds=0.2)


def change(db, *statements, schema=False):
    """Do to a file whatever somebody with SQLite can do."""
    with contextlib.closing(sqlite3.connect(db.path)) as connection, connection:
        geopackage.register(connection)
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(f"PRAGMA writable_schema = {'ON' if schema else 'OFF'}")
        connection.execute("PRAGMA legacy_alter_table = ON")
        for statement in statements:
            connection.execute(statement)


READS = {
    "query": lambda db: db.query(),
    "box": lambda db: db.query(start="2003", bbox=(-10, 40, 10, 60)),
    "polygon": lambda db: db.query(polygon="POLYGON ((-9 40, 9 40, 9 60, -9 60, -9 40))", geometry=True),
    "item": lambda db: db[1],
    "length": len,
    "nearest": lambda db: db.nearest(48, 2),
    "ranking": lambda db: db.ranking(per="year"),
    "count": lambda db: db.count_by("year", "kind"),
    "overlaps": lambda db: db.overlaps("heatwave", "heatwave"),
    "sql": lambda db: db.sql("SELECT * FROM event"),
    "provenance": lambda db: db.provenance(1),
    "runs": lambda db: (db.runs(), db.diagnostics()),
}
WRITES = {
    "add": lambda db: db.add(found(1), kind="heatwave"),
    "remove": lambda db: db.remove(kind="heatwave"),
    "vacuum": lambda db: db.vacuum(),
}


def try_everything(db, *, writes=WRITES):
    """Every face of a database; gives what each of them raised, of our own errors only."""
    raised = {}
    for name, use in {**READS, **writes}.items():
        try:
            use(db)
        except Era5FastError as error:
            raised[name] = error
        except KeyError:
            raised[name] = EventDatabaseError("no such event")
    assert isinstance(repr(db), str)
    assert isinstance(db._repr_html_(), str)
    assert isinstance(repr(db.verify(keys=True)), str)
    return raised


def refused(db, match=""):
    """Nothing works, everything says why, and the file is as it was."""
    before = db.path.read_bytes()
    raised = try_everything(db)
    assert set(raised) == {*READS, *WRITES}
    for name, error in raised.items():
        assert isinstance(error, EventDatabaseError), name
        assert "events.gpkg" in str(error), name
    assert any(match in str(error) for error in raised.values())
    assert not db.verify().ok
    assert db.path.read_bytes() == before


def test_a_sound_file_passes_everything(db):
    assert try_everything(db, writes={}) == {}
    health = db.verify(keys=True)
    assert health.ok, health
    assert bool(health)
    assert try_everything(db) == {}


# --- not what it seems ---


@pytest.mark.parametrize(
    "statements",
    [
        ["PRAGMA application_id = 0"],
        ["PRAGMA application_id = 1196437808"],  # GP10
        ["DROP TABLE event"],
        ["DROP TABLE era5fast_schema"],
    ],
)
def test_files_of_others(db, statements):
    change(db, *statements)
    refused(db, "not an event database of era5fast")


@pytest.mark.parametrize("version", ["99", "0", "-1", "'x'", "'2x'", "1.5", "9223372036854775807"])
def test_versions_that_are_not_known(db, version):
    change(db, "DELETE FROM era5fast_schema", f"INSERT INTO era5fast_schema VALUES (1, {version}, '', '')")
    refused(db, "newer or unknown version")


@pytest.mark.parametrize(
    "table", ["event", "event_state", "diagnostic", "dataset", "run", "gpkg_data_columns", "track"]
)
def test_views_in_place_of_tables(db, table):
    """Here the view never ends."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS id FROM n"
    change(db, f"ALTER TABLE {table} RENAME TO put_away", f"CREATE VIEW {table} AS {endless}")
    raised = try_everything(db, writes={})
    assert set(raised) == set(READS)
    assert f"table {table}" in str(raised["query"])


def test_virtual_tables_in_place_of_tables(db):
    change(db, "ALTER TABLE diagnostic RENAME TO put_away", "CREATE VIRTUAL TABLE diagnostic USING rtree(id, a, b)")
    raised = try_everything(db, writes={})
    assert set(raised) == set(READS)


def test_a_view_in_place_of_the_spatial_index(db):
    change(db, "DROP TABLE rtree_event_geom", "CREATE VIEW rtree_event_geom AS SELECT 1 AS id")
    raised = try_everything(db, writes={})
    assert set(raised) == set(READS)
    assert "spatial index" in str(raised["query"])


@pytest.mark.skipif(sqlite3.sqlite_version_info < (3, 31), reason="this SQLite knows no generated columns")
def test_columns_that_are_worked_out(db):
    change(db, "ALTER TABLE event ADD COLUMN bomb TEXT AS (hex(zeroblob(500000000))) VIRTUAL")
    raised = try_everything(db, writes={})
    assert set(raised) == set(READS)
    assert "table event" in str(raised["query"])


def test_triggers_do_not_run(db):
    """Reading runs no triggers; writing would."""
    change(
        db,
        "CREATE TABLE mark (x)",
        "CREATE TRIGGER after_all AFTER DELETE ON event BEGIN INSERT INTO mark VALUES (1); END",
    )
    before = db.path.read_bytes()
    raised = try_everything(db)
    assert set(raised) == set(WRITES)
    assert all("trigger" in str(error) for error in raised.values())
    assert db.path.read_bytes() == before
    target = db.path.with_name("some.gpkg")
    with pytest.raises(EventDatabaseError, match="trigger"):  # the rest is removed from a copy
        db.export(target, kind="heatwave")
    assert not target.exists()
    assert any("after_all" in fault for fault in db.verify().faults)
    change(db, "DROP TRIGGER after_all")
    assert db.remove(kind="heatwave") == 2


def test_a_trigger_of_ours_with_another_body(db):
    change(
        db,
        "CREATE TABLE mark (x)",
        "UPDATE sqlite_master SET sql = replace(sql, 'BEGIN DELETE', 'BEGIN INSERT INTO mark VALUES (1); DELETE')"
        " WHERE name = 'rtree_event_geom_delete'",
        schema=True,
    )
    raised = try_everything(db)
    assert set(raised) == set(WRITES)


def test_triggers_on_other_tables_are_nobodys_business(db):
    change(db, "CREATE TABLE mark (x)", "CREATE TRIGGER other AFTER INSERT ON mark BEGIN DELETE FROM mark; END")
    assert try_everything(db) == {}


def test_an_index_of_that_name_on_other_columns(db):
    change(db, "DROP INDEX event_by_kind", "CREATE INDEX event_by_kind ON event (cells)")
    raised = try_everything(db, writes={})
    assert set(raised) <= {"box"}
    assert any("event_by_kind" in fault for fault in db.verify().faults)


def test_a_schema_that_cannot_be_read(db):
    change(db, "UPDATE sqlite_master SET sql = 'CREATE TABLE event (' WHERE name = 'event'", schema=True)
    refused(db)


# --- values ---


def plant(db, column, value, table="event"):
    """Put a value where it does not belong, past all triggers."""
    change(db, "DROP TRIGGER IF EXISTS rtree_event_geom_update1", f"UPDATE {table} SET {column} = {value}")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("peak_exceedance", "'hot'"),
        ("peak_exceedance", "x'00ff'"),
        ("south", "'north'"),
        ("west", "x'00'"),
        ("start_time", "42"),
        ("start_time", "'yesterday'"),
        ("start_time", "'2003-02-31T25:61:00Z'"),
        ("end_time", "x'ff00'"),
        ("cells", "'many'"),
        ("cells", "1e300"),
        ("touches_edge", "'perhaps'"),
        ("start_day", "'someday'"),
        ("start_day", "'99999999999-01-01'"),
        ("end_day", "x'ffff'"),
        ("end_day", "17"),
        ("kind", "x'fffe'"),
        ("kind", "7"),
        ("calendar", "'of the moon'"),
        ("geom", "'outline'"),
        ("geom", "x''"),
        ("geom", "42"),
        ("geom", "x'4750000300'"),
    ],
)
def test_values_of_the_wrong_kind(db, column, value):
    plant(db, column, value)
    before = db.path.read_bytes()
    try_everything(db, writes={})  # in words of ours, or not at all
    assert not db.verify().ok
    assert db.path.read_bytes() == before


def test_a_text_that_is_not_utf8(db):
    plant(db, "kind", "CAST(x'c328ff' AS TEXT)")
    raised = try_everything(db, writes={})
    assert all(isinstance(error, EventDatabaseError) for error in raised.values())


@pytest.mark.parametrize(
    "wkb", ["010600000001000000", "0106000000ffffffff", "01060000000100000001030000000100000" + "0ffffff7f"]
)
def test_outlines_that_claim_more_than_they_hold(db, wkb):
    header = "47500003e6100000" + "00" * 32
    plant(db, "geom", f"x'{header}{wkb}'")
    raised = try_everything(db, writes={})
    assert {"polygon", "item", "nearest"} <= set(raised)
    assert any("event 1" in fault for fault in db.verify().faults)


def test_outlines_of_random_bytes(db):
    random = np.random.default_rng(5)
    for _ in range(6):
        plant(db, "geom", f"x'475000{random.choice(['01', '03', '11', '00'])}{random.bytes(60).hex()}'")
        try_everything(db, writes={})
        assert not db.verify().ok


def test_values_that_are_too_large(db, monkeypatch):
    monkeypatch.setattr(database_file, "_MOST", 1_000_000)
    plant(db, "kind", "hex(zeroblob(800000))")
    raised = try_everything(db, writes={})
    assert isinstance(raised["query"], EventDatabaseError)
    assert len(str(raised["query"])) < 1000


def test_json_that_is_none(db):
    plant(db, "definition", "'{'", table="diagnostic")
    raised = try_everything(db, writes={})
    assert set(raised) == {"item", "provenance", "runs"}
    assert any("diagnostic 1" in fault for fault in db.verify(keys=True).faults)


# --- damage ---


def test_a_file_cut_anywhere(db):
    whole = db.path.read_bytes()
    random = np.random.default_rng(3)
    for size in [0, 1, 15, 16, 99, 100, 511, 4095, 4096, *random.integers(0, len(whole), 5)]:
        db.path.write_bytes(whole[: int(size)])
        try_everything(db, writes={"add": WRITES["add"]})
        assert not db.verify().ok
        assert db.path.read_bytes() == whole[: int(size)]


def test_a_file_with_damaged_pages(db):
    whole = db.path.read_bytes()
    random = np.random.default_rng(4)
    for _ in range(8):
        damaged = bytearray(whole)
        at = int(random.integers(100, len(whole) - 600))
        damaged[at : at + 600] = random.bytes(600)
        db.path.write_bytes(damaged)
        try_everything(db, writes={})
        assert db.path.read_bytes() == damaged


def test_a_damaged_spatial_index(db):
    change(db, "UPDATE rtree_event_geom_node SET data = zeroblob(100)")
    try_everything(db, writes={})
    assert any(fault.startswith("spatial index") for fault in db.verify().faults)


def test_what_verify_finds(db):
    change(
        db,
        "DELETE FROM event WHERE id = 2",
        "INSERT INTO rtree_event_geom VALUES (77, 0, 1, 0, 1)",
        "UPDATE diagnostic SET definition = '{}'",
        "DROP INDEX event_by_diagnostic",
    )
    health = db.verify(keys=True)
    assert not health
    wrong = {check.name for check in health.checks if not check.ok}
    assert wrong == {"foreign keys", "spatial index", "keys of diagnostics", "indexes"}
    assert "event 77 is only in the spatial index" in repr(health)
    assert "WRONG" in repr(health)


# --- no files at all ---


@pytest.mark.parametrize("make", ["folder", "pipe", "loop", "device", "nowhere"])
def test_names_of_other_things(tmp_path, make):
    path = tmp_path / "events.gpkg"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    elif make == "loop":
        path.symlink_to(path)
    elif make == "device":
        path.symlink_to("/dev/null")
    else:
        path.symlink_to(tmp_path / "none" / "events.gpkg")
    db = e5.EventDatabase(path, busy_seconds=0.2)
    raised = try_everything(db)
    assert set(raised) == {*READS, *WRITES}
    assert all(str(path) in str(error) for error in raised.values())
    assert not db.verify()
    assert not (tmp_path / "none").exists()


# --- texts ---

NASTY = "x'); DROP TABLE event; -- \" <script>alert('1')</script> & %_\\ {} \u202e"


def test_texts_are_kept_and_shown_as_they_are(db):
    assert db.add(found(), kind=NASTY, definition={NASTY: NASTY}, sources=[NASTY]).added == 2
    assert len(db.query(kind=NASTY)) == len(db.query(text=NASTY[:30])) == 2
    assert len(db.query(text="%")) == len(db.query(text="_\\")) == 2
    assert db.provenance(3)["diagnostic"]["definition"] == {NASTY: NASTY}
    assert db.count_by("kind").set_index("kind").events.to_dict() == {"heatwave": 2, NASTY: 2}
    assert "<script>" not in db._repr_html_()
    assert "&lt;script&gt;" in db._repr_html_()
    assert NASTY in repr(db[3])
    assert db.verify(keys=True).ok
    assert db.remove(kind=NASTY) == 2
    assert len(db) == 2


def test_names_of_files_are_escaped(sound, tmp_path):
    db = e5.EventDatabase(shutil.copy(sound, tmp_path / "<b>.gpkg"))
    assert "<b>.gpkg" not in db._repr_html_()
    assert "<b>.gpkg" not in db.verify()._repr_html_()
    assert len(db) == 2


@pytest.mark.parametrize(
    "question",
    [
        {"where": {"kind; DROP TABLE event": 1}},
        {"columns": ["id", "geom"]},
        {"columns": ['id" FROM event; --']},
        {"order_by": ["id", 'kind" --']},
    ],
)
def test_names_of_columns_are_looked_up(db, question):
    with pytest.raises(InputError, match="no column"):
        db.query(**question)
    assert len(db) == 2


def test_nothing_outside_is_touched_by_sql(db, tmp_path):
    other = tmp_path / "other.db"
    for text in (f"ATTACH '{other}' AS other", "SELECT load_extension('x')", "PRAGMA journal_mode = WAL"):
        with contextlib.suppress(InputError):
            db.sql(text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.gpkg"]
    assert len(db) == 2


if sys.platform == "linux":

    def test_a_name_that_is_not_utf8(sound, tmp_path):
        path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.gpkg")
        shutil.copy(sound, path)
        assert len(e5.EventDatabase(path)) == 2


def test_one_fault_is_one_fault(tmp_path):
    faults = [health.Check("rows", ("lost",)), health.Check("keys", ())]
    assert repr(health.Health(tmp_path, tuple(faults))).splitlines()[0].endswith(": 1 fault>")

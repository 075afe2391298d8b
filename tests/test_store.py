"""The event database under load from outside: sudden death, many writers, disks that break, others that look."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import era5fast as e5
from era5fast import _core, geopackage
from era5fast.errors import EventDatabaseError, StorageError

pytestmark = pytest.mark.native

#: `make soak` asks for more.
KILLS = int(os.environ.get("E5_STORE_KILLS", "12"))
WRITING_SECONDS = float(os.environ.get("E5_STORE_SECONDS", "2"))
BATCH = 60


def some_events(first_day: int, count: int = BATCH) -> e5.EventCatalogue:
    """`count` events of three days on every second cell, which begin on a day of their own."""
    values = np.full((5, 2, 2 * count), 280.0, dtype="float32")
    values[1:4, 0, ::2] = 300 + np.arange(count) % 7
    return e5.find_events(
        values, above=295.0, min_days=3, progress=False,
        time=np.datetime64("1900-01-01") + first_day + np.arange(5), latitude=[50.0, 49.0],
        longitude=-90 + np.arange(2 * count) / max(4, count / 100),
    )  # fmt: skip


def check_whole(path: Path) -> int:
    """Everything that is to hold, whatever happened; how many events there are."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        for tree in ("rtree_event_geom", "rtree_track_geom"):
            assert connection.execute(f"SELECT rtreecheck('{tree}')").fetchone() == ("ok",)
        (count,) = connection.execute("SELECT count(*) FROM event").fetchone()
        for question in (
            "SELECT count(*) FROM rtree_event_geom",
            "SELECT count(DISTINCT event_id) FROM event_state",
            "SELECT count(DISTINCT event_id) FROM event_run",
        ):
            assert connection.execute(question).fetchone() == (count,)
    connection.close()
    return count


def add_for_ever(path: Path, seed: int, told) -> None:
    database = e5.EventDatabase(path)
    for number in range(10**6):
        database.add(some_events(10 * number + 100_000 * seed), kind="heatwave", cells=True, progress=False)
        told.send_bytes(b"1")


def count_told(end) -> int:
    told = 0
    while end.poll():
        try:
            end.recv_bytes()
        except EOFError:
            break
        told += 1
    return told


def test_killed_at_any_moment_it_holds_whole_batches(tmp_path):
    path, told, rng = tmp_path / "events.gpkg", 0, random.Random(7)
    fork = multiprocessing.get_context("fork")
    for kill in range(KILLS):
        ours, theirs = fork.Pipe(duplex=False)
        writer = fork.Process(target=add_for_ever, args=(path, kill, theirs))
        writer.start()
        theirs.close()
        if kill % 2 == 0:
            ours.poll(20)  # in a later batch than the first
        writer.join(rng.uniform(0.0, 0.05))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        told += count_told(ours)
        if path.exists():
            e5.EventDatabase(path).add(some_events(0), kind="cold spell", progress=False)  # at once: nobody holds it
            there = check_whole(path)
            assert there % BATCH == 0
            assert there >= (told + 1) * BATCH
    assert told >= KILLS // 2


def write_until(path: Path, seed: int, end: float, done) -> None:
    database, number = e5.EventDatabase(path, busy_seconds=60), 0
    while number == 0 or time.monotonic() < end:
        database.add(some_events(10 * number + 100_000 * seed, 20), kind="heatwave", progress=False)
        number += 1
    done.put(number)


def test_eight_writers_take_turns(tmp_path):
    path = tmp_path / "events.gpkg"
    context = multiprocessing.get_context("fork")
    done, end = context.Queue(), time.monotonic() + WRITING_SECONDS
    writers = [context.Process(target=write_until, args=(path, seed, end, done)) for seed in range(8)]
    for writer in writers:
        writer.start()
    longest = 0.0
    while time.monotonic() < end:
        began = time.monotonic()
        if path.exists():
            len(e5.EventDatabase(path, busy_seconds=60))
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.02)
    batches = sum(done.get(timeout=60) for _ in writers)
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert check_whole(path) == 20 * batches
    assert longest < 10, "a reader waited for the writers"


def add_three(path: Path, seed: int) -> int:
    database = e5.EventDatabase(path, busy_seconds=60)
    batches = [some_events(10 * number + 1000 * seed, 20) for number in range(3)]
    return sum(database.add(batch, kind="heatwave", cells=True, progress=False).added for batch in batches)


def test_eight_workers_add_to_one_database(tmp_path):
    """New interpreters, as those of an executor, a cluster of dask, or a queue of batch jobs."""
    path = tmp_path / "events.gpkg"
    with ProcessPoolExecutor(8, mp_context=multiprocessing.get_context("spawn")) as workers:
        added = list(workers.map(add_three, [path] * 8, range(8)))
    assert added == [60] * 8
    assert check_whole(path) == 480
    assert len(e5.EventDatabase(path).runs()) == 24
    health = e5.EventDatabase(path).verify(keys=True)
    assert health.ok, health


def test_threads_and_readers_of_another_sqlite_share_the_file(tmp_path):
    """Where Python's SQLite is another copy than the core's, closing the file must not drop the core's locks."""
    path, wrong = tmp_path / "events.gpkg", []
    database = e5.EventDatabase(path, busy_seconds=60)
    database.add(some_events(0, 5), kind="heatwave", progress=False)

    def work(seed: int) -> None:
        try:
            for number in range(5):
                database.add(some_events(1000 * seed + 10 * number + 10, 5), kind="heatwave", progress=False)
                assert len(database) >= 5
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert check_whole(path) == 5 * 21


def test_the_writers_lock_keeps_others_out(tmp_path):
    path = tmp_path / "events.gpkg"
    lock = _core.store_lock(path, 1.0)
    with pytest.raises(e5.errors.DatabaseBusyError, match=r"events\.gpkg"):
        _core.store_lock(path, 0.05)
    _core.store_unlock(lock)
    _core.store_unlock(_core.store_lock(path, 0.05))


def test_a_full_disk_leaves_what_was_there(tmp_path):
    """A limit on the size of files stands for a full disk."""
    path = tmp_path / "events.gpkg"
    e5.EventDatabase(path).add(some_events(0), kind="heatwave", progress=False)
    program = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
import era5fast as e5
from tests.test_store import some_events
events = some_events(1000, 3000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import os
resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(sys.argv[1]) + 20_000, resource.RLIM_INFINITY))
try:
    e5.EventDatabase(sys.argv[1]).add(events, kind="heatwave", progress=False)
except e5.errors.StorageError as error:
    print(error)
"""
    root = str(Path(__file__).parent.parent)
    command = [sys.executable, "-c", program, str(path), root]
    before = path.read_bytes()
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "events.gpkg" in done.stdout
    assert check_whole(path) == BATCH
    assert path.read_bytes() == before
    assert e5.EventDatabase(path).add(some_events(1000), kind="heatwave", progress=False).added == BATCH


def test_cells_come_back_exactly(tmp_path):
    """By the recipe of the manual, and by the core."""
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, (6, 12, 24)).astype("float32")
    events = e5.find_events(
        values, above=0.0, progress=False, time=np.datetime64("2003-02-01") + np.arange(6),
        latitude=np.linspace(82.5, -82.5, 12), longitude=np.arange(24) * 15.0,
    )  # fmt: skip
    database = e5.EventDatabase(tmp_path / "events.gpkg")
    database.add(events, kind="noise", cells=True, progress=False)
    rows = database.sql(
        "SELECT event_id, day, runs FROM event_cells JOIN event_state USING (id) ORDER BY event_id, day"
    )
    found = np.full(values.shape, -1)
    for event, day, runs in rows.itertuples(index=False):
        table = _core.decode_cells(runs)
        listed = sorted((row, first, count) for _, row, first, count in decode(runs))
        assert listed == list(zip(table["row"], table["first"], table["count"], strict=True))
        for row, first, count in listed:
            found[int(day[-2:]) - 1, row, first : first + count] = event - 1
    np.testing.assert_array_equal(found, events.labels())
    grid = database.sql("SELECT latitude, longitude FROM grid").iloc[0]
    np.testing.assert_array_equal(np.frombuffer(grid.latitude, "<f8"), np.linspace(82.5, -82.5, 12))
    np.testing.assert_array_equal(np.frombuffer(grid.longitude, "<f8"), np.arange(24) * 15.0)


def decode(runs: bytes) -> list[tuple[int, int, int, int]]:
    """(blob, row, first column, number of cells) of event_cells.runs."""
    numbers, number, shift = [], 0, 0
    for byte in runs:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
    found, at, blob = [], 0, 0
    while at < len(numbers):
        count, row, first = numbers[at], 0, 0
        for step, jump, length in zip(*[iter(numbers[at + 1 : at + 1 + 3 * count])] * 3, strict=True):
            row, first = row + step, first + (jump // 2 if jump % 2 == 0 else -(jump + 1) // 2)
            found.append((blob, row, first, length))
        at, blob = at + 1 + 3 * count, blob + 1
    return found


def test_what_is_not_ours_is_not_written_to(tmp_path):
    path = tmp_path / "events.gpkg"
    for attack in (
        "CREATE TRIGGER sly AFTER INSERT ON event_state BEGIN DELETE FROM run; END",
        "DROP TABLE event_patch; CREATE VIEW event_patch AS SELECT * FROM event_link",
        "INSERT INTO era5fast_schema (version, description, applied_at) VALUES (99, '', '')",
        "PRAGMA application_id = 1",
    ):
        path.unlink(missing_ok=True)
        e5.EventDatabase(path).add(some_events(0, 3), kind="heatwave", progress=False)
        with sqlite3.connect(path) as connection:
            geopackage.register(connection)
            connection.executescript(attack)
        connection.close()
        before = path.read_bytes()
        with pytest.raises(EventDatabaseError):
            e5.EventDatabase(path).add(some_events(10, 3), kind="heatwave", progress=False)
        assert path.read_bytes() == before


def test_text_is_stored_as_it_is(tmp_path):
    text = "x'); DROP TABLE event; -- \N{SNOWMAN} \" ` %s ?1"
    database = e5.EventDatabase(tmp_path / "events.gpkg")
    database.add(some_events(0, 3), kind=text, definition={text: text}, sources=[{"path": text}], progress=False)
    assert database.sql("SELECT DISTINCT kind FROM event").kind[0] == text
    assert database.sql("SELECT path FROM dataset").path[0] == text
    assert len(database) == 3


def test_folders_that_cannot_be_written(tmp_path):
    with pytest.raises(StorageError):
        e5.EventDatabase(tmp_path / "gone" / "events.gpkg").add(some_events(0, 3), progress=False)


def test_the_standard_is_kept_with_all_tables_filled(tmp_path):
    """What GDAL says of a file with events, cells, family trees and tracks."""
    path = tmp_path / "events.gpkg"
    database = e5.EventDatabase(path)
    database.add(some_events(0), kind="heatwave", cells=True, progress=False)
    points = {
        "first": np.array([0, 3, 4]), "seconds": np.array([0, 21600, 43200, 0]),
        "latitude": np.array([10.0, 20.0, 15.0, 1.0]), "longitude": np.array([175.0, -175.0, -170.0, 5.0]),
        "value": np.array([990.0, 980.0, np.nan, 1.0]), "step": np.array([np.nan, 1.0, 2.0, np.nan]),
        "speed": np.array([np.nan, 1.0, 2.0, np.nan]), "direction": np.array([np.nan, 1.0, 2.0, np.nan]),
        "displacement": np.array([3.0, 0.0]),
    }  # fmt: skip
    what = ("standard", "storm", "msl", "Pa", "{}", "test", "{}", (), 5.0, None)
    assert _core.store_add_tracks(path, *points.values(), *what)[:2] == (2, 0)
    assert _core.store_add_tracks(path, *points.values(), *what)[:2] == (0, 2)
    check_whole(path)
    look = subprocess.run(["ogrinfo", "-so", "-al", str(path)], capture_output=True, text=True, check=False)
    assert (look.returncode, look.stderr) == (0, "")
    assert "Multi Line String" in look.stdout
    command = ["/usr/bin/python3", "-m", "osgeo_utils.samples.validate_gpkg", "-k", "--extra", "--warning-as-error"]
    told = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr

"""The journal as Python sees it, and what unfinished downloads leave beside their targets."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from era5fast import _core, errors, journal
from tests.client_kit import Other, grib, hidden, running_service, state_of, wait_for

pytestmark = pytest.mark.native

URL, KEY = "https://cds.example/api", "a-secret-token"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "state" / "journal.sqlite"
    monkeypatch.setenv("ERA5FAST_JOURNAL", str(path))
    monkeypatch.setattr(journal, "_told", set())
    return path


def write(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    """SQL behind the journal's back, while nobody in this process has it open."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for sql, values in statements:
            connection.execute(sql, values)


def add_job(job_id: str | None, status: str, *, fingerprint: str = "", url: str = URL) -> tuple[str, tuple[Any, ...]]:
    sql = (
        "INSERT INTO job (service, owner, fingerprint, dataset, request, job_id, status, begun, changed, seen)"
        " VALUES (?, ?, ?, 'reanalysis', '{\"year\": \"2003\"}', ?, ?, 1e9, 2e9, 3e9)"
    )
    return sql, (url, journal.owner(url, KEY), fingerprint or job_id, job_id, status)


def add_file(name: str | bytes, verified: int = 2) -> tuple[str, tuple[Any, ...]]:
    sql = (
        "INSERT INTO file VALUES (CAST(? AS TEXT), ?, 'aa', 'reanalysis', '{}', 'job-1', 5000000000, 17, 42,"
        " 'd41d', 'md5', ?, 3e9, NULL, NULL)"
    )
    return sql, (name, URL, verified)


def _made(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    return path


@pytest.fixture
def filled(path: Path) -> Path:
    """A journal with three jobs and three files in it."""
    _core.Journal(_made(path), URL, "me").close()
    write(
        path,
        add_job("job-1", "accepted"),
        add_job("job-2", "successful"),
        add_job(None, "intended", fingerprint="cc"),
        add_job("job-9", "running", url="https://elsewhere.example/api"),
        add_file("/data/a.nc"),
        add_file(b"/data/b\xff.nc", 1),
        add_file("/data-2/c.nc", 0),
    )
    return path


# --- where it lies, whose it is


def test_the_environment_says_where_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ERA5FAST_JOURNAL", "~/elsewhere.sqlite")
    assert journal.location() == Path.home() / "elsewhere.sqlite"
    monkeypatch.setenv("ERA5FAST_JOURNAL", "None")
    assert journal.location() is None
    assert journal.Place(URL, KEY).open() is None
    monkeypatch.setenv("ERA5FAST_JOURNAL", "")
    monkeypatch.setenv("XDG_STATE_HOME", "/states")
    there = journal.location()
    assert there is not None
    assert there.name == "journal.sqlite"
    assert sys.platform != "linux" or there == Path("/states/era5fast/journal.sqlite")


def test_accounts_are_told_apart_by_a_digest() -> None:
    names = {
        journal.owner(URL, KEY),
        journal.owner(URL, "other"),
        journal.owner(URL + "/v2", KEY),
        journal.owner(URL, None),
    }
    assert len(names) == 4
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)
    assert journal.owner(URL, KEY) == "52fe8eba45cbf9008e7ff6107f53c39f"


def test_it_is_made_for_its_owner_only(path: Path) -> None:
    with journal.Place(URL, KEY).open() as opened:  # type: ignore[union-attr]
        assert opened.jobs() == []
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert KEY.encode() not in path.read_bytes()


# --- what is in it


def test_jobs_are_those_of_the_account(filled: Path) -> None:
    with _core.Journal(filled, URL, journal.owner(URL, KEY)) as opened:
        assert opened.jobs()[0] == {
            "job_id": "job-1",
            "status": "accepted",
            "dataset": "reanalysis",
            "request": '{"year": "2003"}',
            "fingerprint": "job-1",
            "begun": 1e9,
            "changed": 2e9,
            "seen": 3e9,
        }
        assert [row["job_id"] for row in opened.jobs()] == ["job-1", "job-2", None]
    with _core.Journal(str(filled), URL, journal.owner(URL, "another")) as opened:
        assert opened.jobs() == []


def test_files_show_all_that_a_plan_needs(filled: Path) -> None:
    with _core.Journal(filled, URL, "anybody") as opened:
        rows = opened.files("/data")
        assert [os.fsencode(row["path"]) for row in rows] == [b"/data/a.nc", b"/data/b\xff.nc"]
        assert [row["verified"] for row in opened.files()] == ["no", "checksum", "size"]
        assert opened.files(directory=Path("/data-2"))[0]["path"] == "/data-2/c.nc"
        del rows[0]["path"]
        assert rows[0] == {
            "service": URL,
            "dataset": "reanalysis",
            "request": "{}",
            "fingerprint": "aa",
            "job_id": "job-1",
            "size": 5_000_000_000,
            "mtime_ns": 17,
            "inode": 42,
            "checksum": "d41d",
            "checksum_kind": "md5",
            "verified": "checksum",
            "finished": 3e9,
            "missing": None,
            "asked": None,
        }
    with _core.Journal(filled, "https://elsewhere.example/api", "anybody") as other:
        assert other.files() == []
    with _core.Journal(filled, "", "") as of_all:
        assert [row["service"] for row in of_all.files()] == [URL] * 3


def test_what_was_counted_is_kept_until_the_file_is_made_anew(filled: Path) -> None:
    place = journal.Place(URL, KEY)
    row = place.files("/data-2")[0]
    assert (row["missing"], row["asked"]) == (None, None)
    place.counted({**row, "finished": 4e9}, "[1]")  # another file of that name
    assert place.files("/data-2")[0]["missing"] is None
    place.counted(row, "[]")
    assert [(row["missing"], row["asked"]) for row in place.files("/data-2")] == [("[]", None)]
    place.counted(row, "[{}]", 3.5e9)
    assert [(row["missing"], row["asked"]) for row in place.files("/data-2")] == [("[{}]", 3.5e9)]


def test_a_journal_of_the_first_version_is_brought_up_to_date(filled: Path) -> None:
    with sqlite3.connect(filled) as file:
        file.execute("DROP INDEX file_beside")
        file.execute("ALTER TABLE file DROP COLUMN missing")
        file.execute("ALTER TABLE file DROP COLUMN asked")
        file.execute("PRAGMA user_version = 1")
    file.close()
    place = journal.Place(URL, KEY)
    assert [row["missing"] for row in place.files()] == [None] * 3
    place.counted(place.files()[0], "[]")
    assert place.files()[0]["missing"] == "[]"


def test_a_job_can_be_forgotten(filled: Path) -> None:
    with _core.Journal(filled, URL, journal.owner(URL, KEY)) as opened:
        opened.forget("job-1")
        opened.forget("never heard of")
        assert [row["job_id"] for row in opened.jobs()] == ["job-2", None]


def test_in_memory_there_is_no_file(tmp_path: Path) -> None:
    with _core.Journal(None, URL, "me") as opened:
        assert opened.jobs() == opened.files() == []
    assert list(tmp_path.iterdir()) == []


def test_closed_is_closed(path: Path) -> None:
    opened = journal.Place(URL, KEY).open()
    assert opened is not None
    opened.close()
    opened.close()
    for call in (opened.jobs, opened.files, lambda: opened.forget("job"), lambda: opened.files("/data")):
        with pytest.raises(ValueError, match="closed"):
            call()
    assert sorted(file.name for file in path.parent.iterdir()) == ["journal.sqlite"]


@pytest.mark.parametrize("arguments", [(), (None, URL), (None, URL, 3), (7, URL, "me"), ("a\0b", URL, "me")])
def test_wrong_arguments_are_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, ValueError)):
        _core.Journal(*arguments)


def test_threads_may_read_while_another_closes(filled: Path) -> None:
    opened = _core.Journal(filled, URL, journal.owner(URL, KEY))
    begun = threading.Barrier(5)
    wrong: list[BaseException] = []

    def read() -> None:
        begun.wait()
        try:
            for _ in range(200):
                assert len(opened.jobs()) == 3
        except ValueError:
            pass  # closed meanwhile
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait()
    opened.close()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- a journal that cannot be used


def check_untouched(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = path.read_bytes()
    with pytest.raises(errors.EventDatabaseError, match="journal"):
        _core.Journal(path, URL, "me")
    with caplog.at_level(logging.WARNING, "era5fast"):
        assert journal.Place(URL, KEY, path).open() is None
        assert journal.Place(URL, KEY, path).unfinished() == []
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"notes, not a database" * 20, b"SQLite format 3\0" + b"\x5a" * 5000])
def test_a_file_that_is_none_stops_nothing(path: Path, caplog: pytest.LogCaptureFixture, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    check_untouched(path, caplog)


def test_a_newer_file_stops_nothing(filled: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(filled, ("PRAGMA journal_mode = DELETE", ()), ("PRAGMA user_version = 1000", ()))
    check_untouched(filled, caplog)


def test_a_place_that_cannot_hold_a_file_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING, "era5fast"):
        assert journal.Place(URL, KEY, tmp_path / "file" / "journal.sqlite").open() is None
        assert journal.Place(URL, KEY, tmp_path).open() is None
    assert len(caplog.records) == 2


# --- a place in a client


def test_a_place_opens_once_and_shows_the_unfinished(filled: Path) -> None:
    place = journal.Place(URL, KEY)
    assert [row["job_id"] for row in place.unfinished()] == ["job-1"]
    assert place.open() is place.open()
    assert [row["path"] for row in place.files("/data-2")] == ["/data-2/c.nc"]
    place.forget("job-1")
    assert place.unfinished() == []


@pytest.mark.parametrize("where", [False, "none"])
def test_without_a_journal_nothing_is_known(path: Path, monkeypatch: pytest.MonkeyPatch, where: bool | str) -> None:
    monkeypatch.setenv("ERA5FAST_JOURNAL", "none")
    place = journal.Place(URL, KEY, where if where is False else None)
    assert place.open() is None
    assert place.unfinished() == place.files() == []
    place.forget("job")
    assert not path.parent.exists()


def test_a_place_travels_without_the_token(filled: Path) -> None:
    place = journal.Place(URL, KEY, filled)
    place.open()
    text = pickle.dumps(place)
    assert KEY.encode() not in text
    assert KEY not in repr(place) + str(vars(place))
    assert [row["job_id"] for row in pickle.loads(text).unfinished()] == ["job-1"]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_opens_its_own(filled: Path) -> None:
    place = journal.Place(URL, KEY)
    parents = place.open()
    assert parents is not None
    child = os.fork()
    if child == 0:
        good = False
        try:
            try:
                parents.jobs()
            except errors.ForkedProcessError:
                good = len(place.unfinished()) == 1
                place.forget("job-1")
        finally:
            os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert place.unfinished() == []


# --- what unfinished downloads leave


def leave(folder: Path, name: str, **state: Any) -> None:
    (folder / f".{name}.e5part").write_bytes(b"x" * 100)
    known = {
        "era5fast": 2,
        "fingerprint": "aa",
        "pending": False,
        "job": "job-1",
        "url": "",
        "size": 1000,
        "checksum": "",
        "etag": "",
        "pieces": [[0, 500, 40], [500, 1000, 524]] if state.get("size") != -1 else [],
    }
    (folder / f".{name}.e5state").write_bytes(json.dumps({**known, **state}).encode() + b"\0\0note")
    (folder / f".{name}.e5lock").write_text("aa")
    (folder / f".{name}.e5members").mkdir(exist_ok=True)
    (folder / f".{name}.e5members" / "00000-a.nc").write_text("half")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Remains of two downloads, among much that is none of ours."""
    leave(tmp_path, "b.nc")
    leave(tmp_path, "a\nb.grib", size=-1)
    for name in ("a.nc", ".e5part", ".x.e5parts", "x.e5part", ".y.e5part.bak", ".hidden"):
        (tmp_path / name).write_text("mine")
    (tmp_path / ".folder.e5part").mkdir()
    (tmp_path / ".link.e5part").symlink_to(tmp_path / "a.nc")
    return tmp_path


OTHERS = {"a.nc", ".e5part", ".x.e5parts", "x.e5part", ".y.e5part.bak", ".hidden", ".folder.e5part", ".link.e5part"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_leftovers_say_what_they_are(folder: Path) -> None:
    first, second = journal.leftovers(folder)
    assert (first.target, first.size) == (folder / "a\nb.grib", -1)
    assert (second.target, second.job_id, second.received, second.size) == (folder / "b.nc", "job-1", 64, 1000)
    assert {path.name for path in second.files} == {
        ".b.nc.e5part",
        ".b.nc.e5state",
        ".b.nc.e5lock",
        ".b.nc.e5members",
    }
    assert not first.busy
    assert not second.busy
    assert len(names(folder)) == len(OTHERS) + 8


def test_leftovers_count_what_was_written_before_the_first_mark(tmp_path: Path) -> None:
    target = tmp_path / "t.grib"
    with running_service() as cds:
        cds.script(answer=grib(3 << 20))
        cds.fault("drip", route="object", speed=2e6)
        with Other(cds, target) as process:
            wait_for(lambda: ".t.grib.e5state" in hidden(tmp_path) and state_of(target)["written"] > 1 << 20)
            process.kill()
    (leftover,) = journal.leftovers(tmp_path)
    known = state_of(target)
    assert known["durable"] == 0
    assert (leftover.received, leftover.size, leftover.job_id) == (known["written"], 3 << 20, known["job"])
    assert not leftover.busy


def test_leftovers_go_and_nothing_else(folder: Path) -> None:
    assert [leftover.target.name for leftover in journal.remove_leftovers(str(folder))] == ["a\nb.grib", "b.nc"]
    assert names(folder) == OTHERS
    assert (folder / "a.nc").read_text() == "mine"
    assert journal.leftovers(folder) == journal.remove_leftovers(folder) == []


def test_leftovers_go_by_name(folder: Path) -> None:
    assert journal.remove_leftovers(folder, ["nobody.nc"]) == []
    assert journal.remove_leftovers(folder, []) == []
    (gone,) = journal.remove_leftovers(folder, [folder / "b.nc"])
    assert gone.target == folder / "b.nc"
    assert [leftover.target.name for leftover in journal.leftovers(folder)] == ["a\nb.grib"]


HOLDER = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is downloading b.nc."""
    arguments = [sys.executable, "-c", HOLDER, str(folder / ".b.nc.e5lock")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_what_somebody_works_on_stays(folder: Path, holder: subprocess.Popen[str]) -> None:
    assert [leftover.busy for leftover in journal.leftovers(folder)] == [False, True]
    assert [leftover.target.name for leftover in journal.remove_leftovers(folder)] == ["a\nb.grib"]
    assert names(folder) == OTHERS | {".b.nc.e5part", ".b.nc.e5state", ".b.nc.e5lock", ".b.nc.e5members"}
    holder.kill()
    holder.wait()
    assert [leftover.busy for leftover in journal.leftovers(folder)] == [False]
    assert [leftover.target.name for leftover in journal.remove_leftovers(folder)] == ["b.nc"]


def test_looking_makes_no_lock_and_leaves_none(folder: Path) -> None:
    (folder / ".b.nc.e5lock").unlink()
    before = names(folder)
    journal.leftovers(folder)
    assert names(folder) == before
    with open(folder / ".a\nb.grib.e5lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("content", ["", "not JSON", "[]", '{"somebody": "else"}', "[" * 15000, "x" * 20000])
def test_state_files_of_others_protect_what_lies_there(folder: Path, content: str) -> None:
    (folder / ".b.nc.e5state").write_text(content)
    leftover = journal.leftovers(folder)[1]
    assert (leftover.job_id, leftover.received, leftover.size) == ("", 0, -1)
    assert journal.remove_leftovers(folder, ["b.nc"]) == []
    assert {".b.nc.e5part", ".b.nc.e5state"} < names(folder)


@pytest.mark.parametrize("value", [-5, 1.5, None, "many", True])
def test_numbers_in_state_files_are_not_trusted(folder: Path, value: Any) -> None:
    leave(folder, "b.nc", size=value, pieces=[[0, 9, value]], job=7)
    leftover = journal.leftovers(folder)[1]
    assert (leftover.received, leftover.size, leftover.job_id) == (0, -1, "")


def test_files_of_a_living_process_on_a_disk_without_locks_stay(tmp_path: Path) -> None:
    mine, gone = f"a.nc.{os.getpid()}-0", "b.nc.4194999-12"
    for name in (mine, gone):
        leave(tmp_path, name)
        (tmp_path / f".{name}.e5lock").unlink()
    assert [leftover.busy for leftover in journal.leftovers(tmp_path)] == [True, False]
    assert [leftover.target.name for leftover in journal.remove_leftovers(tmp_path)] == [gone]
    assert names(tmp_path) == {f".{mine}.e5part", f".{mine}.e5state", f".{mine}.e5members"}


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        journal.leftovers(tmp_path / "none")

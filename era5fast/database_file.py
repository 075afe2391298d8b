"""The file behind an event database, as it is read: connections that cannot write, typed errors, rows."""

from __future__ import annotations

import errno
import json
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from .errors import DatabaseBusyError, EventDatabaseError, MissingItemError, StorageError
from .optional import need
from .targets import check_target

if TYPE_CHECKING:
    import pandas as pd

APPLICATION_ID = 0x47504B47  # "GPKG"
SCHEMA_VERSION = 2  # the last row of csrc/db/migrations.def

# --- connections ---

# Where Python's SQLite and the core's are two copies, one that closes the file drops the other's locks on it. In this
# process they therefore take turns; processes are kept apart by the locks.
_turn = threading.Lock()


def _new_turn() -> None:
    global _turn
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_new_turn)


@contextmanager
def taking_turns() -> Iterator[None]:
    """Keep other threads of this process from the file for as long as the block lasts."""
    with _turn:
        yield


@contextmanager
def reading(path: Path, busy_seconds: float) -> Iterator[sqlite3.Connection]:
    """Connect to an event database for reading only; SQLite's errors become ours.

    Raises
    ------
    EventDatabaseError
        If there is no such file, or it is damaged, of a newer version or not an event database.
    DatabaseBusyError, StorageError, KeyboardInterrupt
        If reading fails for these reasons.
    """
    if not check_place(path):
        raise EventDatabaseError(f"no event database: {path}", hint="add() makes it", target=str(path))
    with taking_turns(), typed(path), closing(connect(path, busy_seconds)) as connection:
        check_ours(connection, path)
        yield connection


@contextmanager
def typed(path: Path) -> Iterator[None]:
    """SQLite's errors in the block become ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _typed(error, path) from error


def check_place(path: Path) -> bool:
    """Whether there is a file; what is neither nothing nor a file is refused before anybody waits for it.

    Raises
    ------
    EventDatabaseError
        If it is a folder, a pipe, a device, or a link that leads round in a circle.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot open the event database {path}: {error.strerror}", target=str(path)).at(
            error.errno or 0, str(path)
        ) from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not a file"
        raise EventDatabaseError(f"not an event database, but {what}: {path}", target=str(path))
    return True


def check_before(path: Path, busy_seconds: float) -> None:
    """Refuse a name to which no events can be added; nothing is written.

    Raises
    ------
    EventDatabaseError, DatabaseBusyError
        If there is a file that is no event database, or as :func:`reading`.
    StorageError
        If the file, or the folder in which it would be made, may not be written to or is missing.
    """
    if check_place(path):
        with reading(path, busy_seconds):
            pass
        if not os.access(path, os.W_OK):
            what = f"cannot write the event database {path}: {os.strerror(errno.EACCES)}"
            raise StorageError(what, target=str(path)).at(errno.EACCES, str(path))
    check_target(path)


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """A connection that can only read."""
    connection = _connect_as("ro", path, busy_seconds)
    try:
        connection.execute("PRAGMA application_id").fetchone()
    except BaseException as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", None) not in _HALF_DONE:
            raise
        # A writer was killed in the middle of its batch. Whoever may write to the file takes back what it left.
        with closing(_connect_as("rw", path, busy_seconds)) as writer:
            writer.execute("PRAGMA application_id").fetchone()
        return _connect_as("ro", path, busy_seconds)
    return connection


_HALF_DONE = {sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY}
#: Bytes of the largest text or outline: far beyond any of ours, and less than a hostile file could ask for.
_MOST = 256 << 20


def _connect_as(mode: str, path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode={mode}", uri=True, timeout=busy_seconds)
    # Long queries come back to Python now and then, so that ctrl-C is heard.
    connection.set_progress_handler(lambda: 0, 100_000)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST)
    try:
        for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


def check_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not an event database of a version that is known.

    The tables must be tables: a view, a column that is worked out, or a table of another module would run what
    somebody else has written into the file, perhaps without end.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    found = {
        name: (root, sql) for name, root, sql in connection.execute("SELECT name, rootpage, sql FROM sqlite_master")
    }
    if application != APPLICATION_ID or not {"event", "era5fast_schema"} <= set(found):
        raise EventDatabaseError(f"not an event database of era5fast: {path}", target=str(path))
    tables = [*_ALWAYS, *(name for name in _SOMETIMES if name in found)]
    text = "SELECT one.value FROM json_each(?) AS one, pragma_table_xinfo(one.value) WHERE hidden"
    improper = {table for (table,) in connection.execute(text, (json.dumps(tables),))}
    improper |= {table for table in tables if not found.get(table, (0, ""))[0]}
    if improper:
        raise EventDatabaseError(f"event database without a proper table {min(improper)}: {path}", target=str(path))
    index = found.get("rtree_event_geom", (0, ""))[1]
    if re.match(r'CREATE VIRTUAL TABLE\s+"?rtree_event_geom"?\s+USING rtree\b', str(index), re.IGNORECASE) is None:
        raise EventDatabaseError(f"event database without its spatial index: {path}", target=str(path))
    (version,) = connection.execute("SELECT max(version) FROM era5fast_schema").fetchone()
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        message = f"event database of a newer or unknown version: {path}"
        raise EventDatabaseError(message, hint="update era5fast", target=str(path))


#: The tables that are read: those of the first version, and those that came later.
_ALWAYS = (
    "event", "event_state", "diagnostic", "dataset", "run", "event_run", "run_dataset", "era5fast_schema",
    "gpkg_contents", "gpkg_data_columns",
)  # fmt: skip
_SOMETIMES = ("grid", "download", "event_cells", "event_patch", "event_link", "track", "track_point", "track_run")


def code_of(error: sqlite3.Error) -> int | None:
    """Primary result code of SQLite; None for errors of Python's own module, such as a wrong number of values."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


def _typed(error: sqlite3.Error, path: Path) -> BaseException:
    code, message, target = code_of(error), f"event database: {path}: {error}", str(path)
    if code == sqlite3.SQLITE_INTERRUPT:
        return KeyboardInterrupt()
    if code == sqlite3.SQLITE_NOMEM:
        return MemoryError(message)
    if code in _BUSY:
        return DatabaseBusyError(message, hint="another program writes to this file; try again", target=target)
    if code in _DISK:
        return StorageError(message, hint="look at the disk and at the permissions of the folder", target=target)
    hint = "save what can be read: sqlite3 FILE .recover > readable.sql"
    if code == sqlite3.SQLITE_NOTADB:
        hint = "this is no file of SQLite, or its beginning is lost: name another one"
    return EventDatabaseError(message, hint=hint, target=target)


# --- rows ---


def missing(connection: sqlite3.Connection, table: str, number: int) -> MissingItemError:
    """What to raise where the file has no event or track of an id."""
    low, high, count = connection.execute(f"SELECT min(id), max(id), count(*) FROM {table}").fetchone()
    there = f"its {count:,} {table}s have ids from {low} to {high}" if count else f"the file has no {table}s yet"
    return MissingItemError(f"there is no {table} {number}", hint=there)


def columns_of(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """Name → declared type of the columns of a table, outlines left out."""
    rows = connection.execute(f"PRAGMA table_info({quoted([table])})")
    return {name: kind for _, name, kind, *_ in rows if name != "geom"}


def table_of(connection: sqlite3.Connection, table: str, path: Path) -> dict[str, str]:
    """The same; files of older versions may lack the table.

    Raises
    ------
    EventDatabaseError
        If they do.
    """
    columns = columns_of(connection, table)
    if not columns:
        hint = "add() brings the file to the version of this program"
        raise EventDatabaseError(f"event database without a table {table}: {path}", hint=hint, target=str(path))
    return columns


def quoted(names: Iterable[str], table: str = "") -> str:
    """Names of columns as a list in SQL; they come out of a file that others may have changed."""
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + '"' + name.replace('"', '""') + '"' for name in names)


def record(row: Sequence[Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """One row as a dictionary: times as ``datetime64``, flags as bool."""
    pairs = zip(columns.items(), row, strict=True)
    return {name: _value(value, name, kind) for (name, kind), value in pairs}


def _value(value: Any, name: str, kind: str) -> Any:
    if kind == "DATETIME":
        return _series((value,), name, kind)[0]
    return bool(value) if kind == "BOOLEAN" and value is not None else value


def frame(rows: Sequence[Sequence[Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a table: times as ``datetime64``, numbers as numbers, missing numbers as NaN.

    Raises
    ------
    EventDatabaseError
        If a value is not of the type of its column.
    """
    pd = need("pandas", "tables")
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    pairs = zip(columns.items(), values, strict=True)
    return pd.DataFrame({name: _series(column, name, kind) for (name, kind), column in pairs})


def _times(texts: Sequence[Any]) -> np.ndarray:
    """Times of GeoPackage, which other programs may have written without their milliseconds."""
    letters = np.array(["NaT" if text is None else text.removesuffix("Z") for text in texts], dtype="U23")
    return letters.astype("datetime64[ms]")


def _series(values: tuple[Any, ...], name: str, kind: str) -> Any:
    try:
        if kind == "DATETIME":
            return _times(values)
        if kind == "DOUBLE":
            return np.array(values, dtype="float64")  # None becomes NaN
        if kind in ("INTEGER", "BOOLEAN"):
            return _whole_numbers(values, "int64" if kind == "INTEGER" else "bool")
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        message = f"event database with a value in {name} that is none of {kind}: {error}"
        raise EventDatabaseError(message, hint="verify() tells more") from error
    return list(values)


def _whole_numbers(values: tuple[Any, ...], dtype: str) -> Any:
    """Whole numbers or flags; where some are missing, numbers become floats and flags stay as they are."""
    missing = None in values
    if missing and dtype == "bool":
        return list(values)
    numbers = np.array(values, dtype="float64" if missing else None)
    if len(numbers) and (numbers.dtype.kind not in "iuf" or np.abs(numbers).max() > 2**62):
        raise TypeError(f"not whole numbers but {numbers.dtype.name}")
    return numbers if missing else numbers.astype(dtype)

"""The file behind an event database, as it is read: connections that cannot write, typed errors, rows."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from .errors import DatabaseBusyError, EventDatabaseError, StorageError

if TYPE_CHECKING:
    import pandas as pd

APPLICATION_ID = 0x47504B47  # "GPKG"
SCHEMA_VERSION = 1  # the last row of csrc/db/migrations.def

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
    if not path.exists():
        raise EventDatabaseError(f"no event database: {path}", hint="add() makes it", target=str(path))
    with taking_turns():
        try:
            with closing(_connect(path, busy_seconds)) as connection:
                _check_ours(connection, path)
                yield connection
        except sqlite3.Error as error:
            raise _typed(error, path) from error


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = _connect_as("ro", path, busy_seconds)
    try:
        connection.execute("PRAGMA application_id").fetchone()
    except BaseException as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", None) not in _HALF_DONE:
            raise
        # A writer was killed in the middle of its batch. Whoever may write to the file takes back what it left.
        return _connect_as("rw", path, busy_seconds)
    return connection


_HALF_DONE = {sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY}


def _connect_as(mode: str, path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{quote(os.fsencode(path))}?mode={mode}", uri=True, timeout=busy_seconds)
    # Long queries come back to Python now and then, so that ctrl-C is heard.
    connection.set_progress_handler(lambda: 0, 100_000)
    try:
        for setting in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    ours = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('event', 'era5fast_schema')"
    if application != APPLICATION_ID or connection.execute(ours).fetchone() != (2,):
        raise EventDatabaseError(f"not an event database of era5fast: {path}", target=str(path))
    (version,) = connection.execute("SELECT max(version) FROM era5fast_schema").fetchone()
    if not isinstance(version, int) or not 1 <= version <= SCHEMA_VERSION:
        message = f"event database of a newer or unknown version: {path}"
        raise EventDatabaseError(message, hint="update era5fast", target=str(path))


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
    return EventDatabaseError(message, hint=hint, target=target)


# --- rows ---


def columns_of(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """Name → declared type of the columns of a table, outlines left out."""
    rows = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    return {name: kind for name, kind in rows if name != "geom"}


def quoted(names: Iterable[str], table: str = "") -> str:
    """Names of columns as a list in SQL; they come out of a file that others may have changed."""
    prefix = f"{table}." if table else ""
    return ", ".join(prefix + '"' + name.replace('"', '""') + '"' for name in names)


def record(row: Sequence[Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """One row as a dictionary: times as ``datetime64``, flags as bool."""
    pairs = zip(columns.items(), row, strict=True)
    return {name: _VALUE[kind](value) if kind in _VALUE else value for (name, kind), value in pairs}


def frame(rows: Sequence[Sequence[Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a table: times as ``datetime64``, numbers as numbers, missing numbers as NaN."""
    import pandas as pd

    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    pairs = zip(columns.items(), values, strict=True)
    return pd.DataFrame({name: _series(column, kind) for (name, kind), column in pairs})


def _time(text: str | None) -> np.datetime64:
    return np.datetime64("NaT" if text is None else text.removesuffix("Z"), "ms")


_VALUE: dict[str, Callable[[Any], Any]] = {"DATETIME": _time, "BOOLEAN": bool}


def _series(values: tuple[Any, ...], kind: str) -> Any:
    if kind == "DATETIME":
        return np.array([_time(value) for value in values], dtype="datetime64[ms]")
    if kind == "DOUBLE":
        return np.array(values, dtype="float64")  # None becomes NaN
    if kind in ("INTEGER", "BOOLEAN") and None not in values:
        return np.array(values, dtype="int64" if kind == "INTEGER" else "bool")
    return list(values)

"""Events of a database as files to give away."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from . import event_export, geopackage
from .database_file import columns_of, frame, quoted, reading, typed
from .database_query import Filters, ask
from .database_upkeep import Merged, check_triggers, locked, remove_where
from .errors import CorruptDataError, EventDatabaseError, ExistingFileError, StorageError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["copy", "found", "write"]


def copy(
    connection: sqlite3.Connection, target: Path, overwrite: bool, filters: Filters, busy_seconds: float
) -> Path:
    """The database, or the events in it that pass the filters with all that belongs to them, as one GeoPackage.

    Writers of a database of that name wait, or are waited for: it is replaced between two of their batches.
    """
    event_export.check_free(target, overwrite)
    with locked(target, busy_seconds), event_export.replacing(target, overwrite) as part, typed(target):
        part.touch(exist_ok=False)
        with closing(sqlite3.connect(part, isolation_level=None)) as mine:
            connection.backup(mine)
            mine.execute("PRAGMA journal_mode = DELETE")
            if any(value is not None for value in filters.values()):
                check_triggers(mine, target)
                mine.execute("PRAGMA foreign_keys = ON")
                remove_where(mine, filters, others=True)
                mine.execute("VACUUM")
        _sync(part)
        for ending in ("-journal", "-wal", "-shm"):  # of a former file: they would be played into the new one
            target.with_name(target.name + ending).unlink(missing_ok=True)
    _sync(target.parent)
    return target


def found(target: Path, other: Path, busy_seconds: float) -> Merged | None:
    """A new database with all that another one holds; None where somebody has made one of that name meanwhile."""
    if target.is_symlink():
        text = f"cannot make the event database {target}: it is a link that leads nowhere"
        raise StorageError(text, target=str(target)).at(errno.ENOENT, str(target))
    with reading(other, busy_seconds) as connection:
        check_triggers(connection, other)
        try:
            copy(connection, target, False, {}, busy_seconds)
        except ExistingFileError:
            return None
        tables = [table for table in ("event", "track") if columns_of(connection, table)]
        numbers = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    return Merged(sum(numbers), 0)


def _sync(path: Path) -> None:
    """Have a file or folder on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(
    connection: sqlite3.Connection, target: Path, overwrite: bool, filters: Filters, table: str = "event"
) -> Path:
    """The events, or tracks, that pass the filters, with their outlines or paths, in the format of the ending."""
    columns = columns_of(connection, table)
    question = ask(connection, columns, filters, table)
    rows = connection.execute(question.select(f"{quoted(columns)}, geom", "ORDER BY id"), question.values).fetchall()
    found = frame([row[:-1] for row in rows], columns)
    try:
        outlines = [None if row[-1] is None else geopackage.wkb(row[-1]) for row in rows]
    except (CorruptDataError, TypeError) as error:
        raise EventDatabaseError(f"an outline is damaged: {error}", hint="verify() tells which") from error
    units = _units(connection, found, table)
    return event_export.write(found, outlines, target, name=f"{table}s", units=units, overwrite=overwrite)


def _units(connection: sqlite3.Connection, found: pd.DataFrame, table: str) -> dict[str, str]:
    """Column → units, as its title in the file has them in brackets; u is spelled out where all have the same."""
    diagnostics = found["diagnostic_id"].unique().tolist()
    marks = ", ".join("?" * len(diagnostics))
    known = connection.execute(f"SELECT DISTINCT units FROM diagnostic WHERE id IN ({marks})", diagnostics).fetchall()
    own = known[0][0] if len(known) == 1 else ""
    titles = connection.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = ?", (table,))
    units = {name: match[1] for name, title in titles if (match := re.search(r"\(([^()]+)\)$", str(title)))}
    return {name: re.sub(r"\bu\b", own, unit).strip() for name, unit in units.items() if own or unit != "u"}

"""What changes an event database otherwise than by adding: tidying up, removing, merging; each in one transaction."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from . import _core, geopackage
from .database_file import check_ours, check_place, columns_of, connect, quoted, taking_turns, typed
from .database_health import unexpected_triggers
from .database_query import Filters, ask
from .errors import EventDatabaseError, InputError

__all__ = ["Merged", "Vacuumed", "check_triggers", "locked", "merge", "remove", "vacuum", "writing"]


class Vacuumed(NamedTuple):
    """What :meth:`.EventDatabase.vacuum` did.

    Attributes
    ----------
    bytes_before, bytes_after : int
        Size of the file.
    orphans : dict
        Table → number of rows that nothing needs: diagnostics and searches without events, files that no search read.
        They are left where they are.
    removed : dict
        Table → number of rows that were removed: days, patches and cells of events that another program has deleted
        without them.
    """

    bytes_before: int
    bytes_after: int
    orphans: dict[str, int]
    removed: dict[str, int]


class Merged(NamedTuple):
    """What :meth:`.EventDatabase.merge` did.

    Attributes
    ----------
    added : int
        Events and tracks that are new in the database.
    known : int
        Events and tracks that were there already.
    """

    added: int
    known: int


# --- a connection that writes ---


@contextmanager
def writing(path: Path, busy_seconds: float) -> Iterator[sqlite3.Connection]:
    """Connect for writing, with the functions that a GeoPackage needs, while other writers wait.

    Nothing is begun: statements outside a transaction are their own.
    """
    if not check_place(path):
        raise EventDatabaseError(f"no event database: {path}", hint="add() makes it", target=str(path))
    with taking_turns(), typed(path), locked(path, busy_seconds):
        with closing(connect(path, busy_seconds)) as reader:
            check_ours(reader, path)
            check_triggers(reader, path)
        with closing(_connect(path, busy_seconds)) as connection:
            yield connection


def check_triggers(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse to write where somebody else's triggers would run.

    Raises
    ------
    EventDatabaseError
        If there are any.
    """
    strange = list(unexpected_triggers(connection))
    if strange:
        hint = "nothing was changed; drop the trigger if you trust the rest of the file"
        raise EventDatabaseError(f"event database: {path}: trigger {strange[0]}", hint=hint, target=str(path))


@contextmanager
def locked(path: Path, busy_seconds: float) -> Iterator[None]:
    """Keep other writers of an event database out, whether there is one or not."""
    lock = _core.store_lock(os.path.realpath(path), busy_seconds)
    try:
        yield
    finally:
        _core.store_unlock(lock)


def _connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?mode=rw", uri=True, timeout=busy_seconds, isolation_level=None
    )
    try:
        geopackage.register(connection)
        for setting in ("foreign_keys = ON", "synchronous = EXTRA", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {setting}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _touch(connection: sqlite3.Connection, *tables: str) -> None:
    """Note in the list of tables that they have changed, and where the events lie now."""
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    marks = ", ".join("?" * len(tables))
    connection.execute(f"UPDATE gpkg_contents SET last_change = {now} WHERE table_name IN ({marks})", tables)
    for table in {"event", "track"} & set(tables):
        edges = ", ".join(f"{side}_{axis} = (SELECT {side}({side}{axis}) FROM rtree_{table}_geom)"
                          for axis in "xy" for side in ("min", "max"))  # fmt: skip
        connection.execute(f"UPDATE gpkg_contents SET {edges} WHERE table_name = ?", (table,))


# --- tidying up ---

#: Table → what its rows that belong to nothing have in common.
_ORPHANS = {
    "event_state": "event_id NOT IN (SELECT id FROM event)",
    "event_run": "event_id NOT IN (SELECT id FROM event) OR run_id NOT IN (SELECT id FROM run)",
    "event_patch": "event_id NOT IN (SELECT id FROM event)",
    "event_link": "event_id NOT IN (SELECT id FROM event)",
    "event_cells": "id NOT IN (SELECT id FROM event_state)",
    "track_point": "track_id NOT IN (SELECT id FROM track)",
    "track_run": "track_id NOT IN (SELECT id FROM track) OR run_id NOT IN (SELECT id FROM run)",
    "run": "id NOT IN (SELECT run_id FROM event_run){}",
    "run_dataset": "run_id NOT IN (SELECT id FROM run) OR dataset_id NOT IN (SELECT id FROM dataset)",
    "dataset": "id NOT IN (SELECT dataset_id FROM run_dataset)",
    "download": "id NOT IN (SELECT download_id FROM dataset WHERE download_id IS NOT NULL)",
    "grid": "id NOT IN (SELECT grid_id FROM run WHERE grid_id IS NOT NULL)"
    " AND id NOT IN (SELECT grid_id FROM event_cells)",
    "diagnostic": "id NOT IN (SELECT diagnostic_id FROM event){}",
}
#: Those whose rows are part of another one, and mean nothing without it; parts of parts come first.
_PARTS = (
    "event_link", "event_cells", "event_patch", "event_state", "event_run", "track_point", "track_run", "run_dataset",
)  # fmt: skip
#: The same for searches that found tracks, in files that have tables for them.
_TRACKS = {
    "run": " AND id NOT IN (SELECT run_id FROM track_run)",
    "diagnostic": " AND id NOT IN (SELECT diagnostic_id FROM track)",
}


def _orphans(connection: sqlite3.Connection) -> dict[str, str]:
    """The conditions for the tables of this file."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE rootpage > 0")}
    tracks = _TRACKS if "track" in there else {}
    return {table: text.format(tracks.get(table, "")) for table, text in _ORPHANS.items() if table in there}


def vacuum(path: Path, busy_seconds: float) -> Vacuumed:
    """Write the file anew without the space of rows that were removed, and learn how its values are spread."""
    with writing(path, busy_seconds) as connection:
        before = path.stat().st_size
        removed = _remove_parts(connection)
        orphans = {
            table: int(connection.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0])
            for table, condition in _orphans(connection).items()
        }
        connection.execute("VACUUM")
    return Vacuumed(before, path.stat().st_size, {table: n for table, n in orphans.items() if n}, removed)


def _remove_parts(connection: sqlite3.Connection) -> dict[str, int]:
    """Remove what is part of rows that are not there: plain SQLite deletes these without what hangs on them."""
    tables = _orphans(connection)
    with transaction(connection):
        counts = {
            table: connection.execute(f"DELETE FROM {table} WHERE {tables[table]}").rowcount
            for table in _PARTS
            if table in tables
        }
        removed = {table: n for table, n in counts.items() if n}
        if removed:
            _touch(connection, *removed)
    return removed


# --- removing ---


def remove(path: Path, busy_seconds: float, filters: Filters, table: str = "event") -> int:
    """Remove events or tracks, and searches, definitions and files that nothing else needs; gives their number."""
    if all(value is None for value in filters.values()):
        raise InputError("nothing is named that should be removed", hint='write remove(kind="heatwave")')
    with writing(path, busy_seconds) as connection, transaction(connection):
        tables = _orphans(connection)
        needed = _needed(connection, filters, table, set(tables))
        removed = remove_where(connection, filters, table)
        for other, (column, ids) in needed.items():
            condition = f"{column} IN (SELECT value FROM json_each(?)) AND ({tables[other]})"
            # A search of the same definition that found nothing still needs it.
            condition += " AND id NOT IN (SELECT diagnostic_id FROM run)" if other == "diagnostic" else ""
            connection.execute(f"DELETE FROM {other} WHERE {condition}", (json.dumps(ids),))
        if removed:
            _touch(connection, table, *tables)
    return removed


#: Table → (column, its values in the rows that the chosen events or tracks need), in the order of their removal; the
#: tables that are asked are those of the searches themselves.
_NEEDED: Mapping[str, tuple[str, str]] = {
    "run": ("id", "SELECT run_id FROM {table}_run WHERE {table}_id IN ({chosen})"),
    "run_dataset": ("run_id", "SELECT run_id FROM {table}_run WHERE {table}_id IN ({chosen})"),
    "dataset": (
        "id",
        "SELECT dataset_id FROM run_dataset JOIN {table}_run USING (run_id) WHERE {table}_id IN ({chosen})",
    ),
    "download": (
        "id",
        "SELECT download_id FROM dataset JOIN run_dataset ON dataset.id = dataset_id JOIN {table}_run USING (run_id)"
        " WHERE {table}_id IN ({chosen}) AND download_id IS NOT NULL",
    ),
    "diagnostic": ("id", "SELECT diagnostic_id FROM {table} WHERE id IN ({chosen})"),
    "grid": (
        "id",
        "SELECT grid_id FROM run JOIN {table}_run ON run.id = run_id"
        " WHERE {table}_id IN ({chosen}) AND grid_id IS NOT NULL",
    ),
}


def _needed(
    connection: sqlite3.Connection, filters: Filters, table: str, there: set[str]
) -> dict[str, tuple[str, list[int]]]:
    """What the events or tracks that pass the filters need: rows that may belong to nothing when they are gone."""
    # What is not there need not be removed, as when it is done a second time.
    question = ask(connection, columns_of(connection, table), filters, table, known=False)
    connection.execute("CREATE TEMP TABLE leaving (id INTEGER PRIMARY KEY)")
    connection.execute(f"INSERT INTO temp.leaving {question.select('id')}", question.values)
    needed = {}
    for name, (column, text) in _NEEDED.items():
        if name in there:
            rows = connection.execute(
                "SELECT DISTINCT * FROM (" + text.format(table=table, chosen="SELECT id FROM temp.leaving") + ")"
            )
            needed[name] = column, [number for (number,) in rows]
    return needed


def remove_where(
    connection: sqlite3.Connection, filters: Filters, table: str = "event", *, others: bool = False
) -> int:
    """Remove the events or tracks that pass the filters, or all `others`; what belongs to them goes with them."""
    question = ask(connection, columns_of(connection, table), filters, table, known=others)
    chosen = question.select("id")
    within = "NOT IN" if others else "IN"
    return connection.execute(f"DELETE FROM {table} WHERE id {within} ({chosen})", question.values).rowcount


# --- merging ---

#: Tables in the order in which they are merged → (column of the key, column → table that it points to).
_KEYED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "diagnostic": ("diagnostic_key", {}),
    "grid": ("grid_key", {}),
    "download": ("download_key", {}),
    "dataset": ("dataset_key", {"download_id": "download"}),
    "run": ("run_key", {"diagnostic_id": "diagnostic", "grid_id": "grid"}),
    "event": ("event_key", {"diagnostic_id": "diagnostic"}),
    "track": ("track_key", {"diagnostic_id": "diagnostic"}),
}
#: Tables whose rows belong to a new row of a table above: (that table, its column, column → table).
_BELONGING: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "event_state": ("event", "event_id", {"event_id": "event"}),
    "event_cells": ("event_state", "id", {"grid_id": "grid"}),
    "event_patch": ("event", "event_id", {"event_id": "event"}),
    "event_link": (
        "event",
        "event_id",
        {"event_id": "event", "from_patch": "event_patch", "to_patch": "event_patch"},
    ),
    "track_point": ("track", "track_id", {"track_id": "track"}),
}
#: Links: pairs that are there once.
_LINKS: Mapping[str, Mapping[str, str]] = {
    "event_run": {"event_id": "event", "run_id": "run"},
    "track_run": {"track_id": "track", "run_id": "run"},
    "run_dataset": {"run_id": "run", "dataset_id": "dataset"},
}


def merge(path: Path, other: Path, busy_seconds: float) -> Merged:
    """Take over the events of another file, and all that belongs to them."""
    if not check_place(other):
        raise EventDatabaseError(f"no event database: {other}", target=str(other))
    if os.path.samefile(path, other):
        raise InputError(f"an event database is merged with itself: {path}")
    with writing(path, busy_seconds) as connection:
        with typed(other):
            connection.execute("ATTACH ? AS other", (f"file:{quote(os.fsencode(other))}?mode=ro",))
        with closing(connect(other, busy_seconds)) as reader:
            check_ours(reader, other)
            if _version(reader) != _version(connection):
                hint = "add() brings a file to the version of this program"
                raise EventDatabaseError("the files are of different versions", hint=hint, target=str(other))
        with transaction(connection):
            return _merge(connection)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("SELECT max(version) FROM era5fast_schema").fetchone()
    return int(version)


def _merge(connection: sqlite3.Connection) -> Merged:
    there = {name for (name,) in connection.execute("SELECT name FROM main.sqlite_master WHERE rootpage > 0")}
    connection.execute("CREATE TEMP TABLE same (of_table TEXT, theirs INTEGER, ours INTEGER, new INTEGER,"
                       " PRIMARY KEY (of_table, theirs)) WITHOUT ROWID")  # fmt: skip
    for table, (key, references) in _KEYED.items():
        if table in there:
            _merge_keyed(connection, table, key, references)
    for table, (parent, column, references) in _BELONGING.items():
        if table in there:
            _merge_belonging(connection, table, parent, column, references)
    for table, references in _LINKS.items():
        if table in there:
            values = ", ".join(_translated(column, of) for column, of in references.items())
            connection.execute(f"INSERT OR IGNORE INTO main.{table} ({', '.join(references)})"
                               f" SELECT {values} FROM other.{table} AS row")  # fmt: skip
    _touch(connection, *there & {*_KEYED, *_BELONGING, *_LINKS})
    (known, added) = connection.execute(
        "SELECT count(*) - coalesce(sum(new), 0), coalesce(sum(new), 0) FROM same"
        " WHERE of_table IN ('event', 'track')"
    ).fetchone()
    return Merged(added, known)


def _translated(column: str, table: str) -> str:
    """The row of ours that theirs is."""
    return f"(SELECT ours FROM temp.same WHERE of_table = '{table}' AND theirs = row.{column})"


def _shared(connection: sqlite3.Connection, table: str) -> list[str]:
    """Columns that both files have; what somebody added to one of them stays there."""
    mine, theirs = (
        [row[1] for row in connection.execute(f"PRAGMA {file}.table_info({quoted([table])})")]
        for file in ("main", "other")
    )
    return [name for name in mine if name in theirs and name != "id"]


def _values(columns: list[str], references: Mapping[str, str]) -> str:
    """Columns of their row, as our row has them."""
    return ", ".join(
        _translated(name, references[name]) if name in references else quoted([name], "row") for name in columns
    )


def _merge_keyed(connection: sqlite3.Connection, table: str, key: str, references: Mapping[str, str]) -> None:
    """Rows with a key that is new here; then which row is which."""
    columns = _shared(connection, table)
    (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM main.{table}").fetchone()
    connection.execute(
        f"INSERT INTO main.{table} ({quoted(columns)})"
        f" SELECT {_values(columns, references)} FROM other.{table} AS row"
        f" WHERE {key} NOT IN (SELECT {key} FROM main.{table}) ORDER BY id"
    )
    connection.execute(
        f"INSERT INTO temp.same SELECT '{table}', row.id, mine.id, mine.id > ? FROM other.{table} AS row"
        f" JOIN main.{table} AS mine ON mine.{key} = row.{key}",
        (last,),
    )


def _merge_belonging(
    connection: sqlite3.Connection, table: str, parent: str, column: str, references: Mapping[str, str]
) -> None:
    """Rows of parents that are new here, with ids behind all of ours."""
    columns = _shared(connection, table)
    new = f"SELECT theirs FROM temp.same WHERE of_table = '{parent}' AND new"
    if column == "id":  # the row is a part of its parent and has its id
        number = _translated("id", parent)
    else:
        (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM main.{table}").fetchone()
        number = f"row.id + {int(last)}"
    connection.execute(
        f"INSERT INTO temp.same SELECT '{table}', row.id, {number}, 1 FROM other.{table} AS row"
        f" WHERE row.{column} IN ({new})"
    )
    connection.execute(
        f"INSERT INTO main.{table} (id, {quoted(columns)}) SELECT {_translated('id', table)},"
        f" {_values(columns, references)}"
        f" FROM other.{table} AS row WHERE row.{column} IN ({new}) ORDER BY row.id"
    )

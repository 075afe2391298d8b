"""Where the events of a database come from: definitions, searches, files and requests."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from .database_file import columns_of, frame, missing, quoted, record
from .errors import EventDatabaseError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["diagnostics", "provenance", "runs"]


def diagnostics(connection: sqlite3.Connection) -> pd.DataFrame:
    """Definitions, with the number of their events."""
    columns = columns_of(connection, "diagnostic")
    count = "(SELECT count(*) FROM event WHERE event.diagnostic_id = diagnostic.id)"
    rows = connection.execute(f"SELECT {quoted(columns)}, {count} FROM diagnostic ORDER BY id").fetchall()
    table = frame(rows, {**columns, "events": "INTEGER"})
    table["definition"] = [_content(text, "definition") for text in table["definition"]]
    return table.drop(columns="diagnostic_key")


def runs(connection: sqlite3.Connection) -> pd.DataFrame:
    """Searches, with kind and variable of their diagnostic and the number of their datasets."""
    columns = columns_of(connection, "run")
    rows = connection.execute(
        f"""SELECT {quoted(columns, "run")}, kind, variable,
                   (SELECT count(*) FROM run_dataset WHERE run_dataset.run_id = run.id)
            FROM run JOIN diagnostic ON diagnostic.id = run.diagnostic_id ORDER BY run.id"""
    ).fetchall()
    types = {**columns, "kind": "TEXT", "variable": "TEXT", "datasets": "INTEGER"}
    return frame(rows, types).drop(columns="run_key")


def provenance(connection: sqlite3.Connection, number: int, table: str = "event") -> dict[str, Any]:
    """All that is known of how an event, or a track, was found; an error if there is none of that id."""
    found = _rows(connection, table, "id = ?", number)
    if not found:
        raise missing(connection, table, number)
    event = found[0]
    definitions = _rows(connection, "diagnostic", "id = ?", event["diagnostic_id"])
    if not definitions:
        raise EventDatabaseError(
            f"event database without the diagnostic of {table} {number}", hint="verify() tells more"
        )
    searches = _rows(
        connection, "run", f"id IN (SELECT run_id FROM {table}_run WHERE {table}_id = ?) ORDER BY id", number
    )
    return {
        table: {name: event[name] for name in ("id", f"{table}_key", "kind", "variable", "start_day", "end_day")},
        "diagnostic": definitions[0],
        "runs": [{**search, "datasets": _datasets(connection, search["id"])} for search in searches],
    }


def _datasets(connection: sqlite3.Connection, run: int) -> list[dict[str, Any]]:
    """Files of a run, each with the download that brought it, where that is known."""
    belong = "id IN (SELECT dataset_id FROM run_dataset WHERE run_id = ?) ORDER BY id"
    files = _rows(connection, "dataset", belong, run)
    for file in files:
        download = file.pop("download_id", None)
        if download is not None:
            file["download"] = next(iter(_rows(connection, "download", "id = ?", download)), None)
    return files


#: Columns that hold JSON.
_JSON = {"definition", "request", "libraries"}


def _rows(connection: sqlite3.Connection, table: str, condition: str, value: int) -> list[dict[str, Any]]:
    columns = columns_of(connection, table)
    text = f"SELECT {quoted(columns)} FROM {table} WHERE {condition}"
    rows = [record(row, columns) for row in connection.execute(text, (value,)).fetchall()]
    return [{k: _content(v, k) if k in _JSON and v is not None else v for k, v in row.items()} for row in rows]


def _content(text: Any, column: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise EventDatabaseError(f"event database with a {column} that is no JSON: {error}") from error

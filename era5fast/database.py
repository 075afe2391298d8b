"""The event database: one GeoPackage file that QGIS, GDAL, geopandas and plain SQLite open as it is.

Writing is the native core's: one transaction per batch, under a lock that keeps other writers out. Reading is
SQLite's own, through connections that cannot write. ``docs/reference/database.md`` describes every table and column.
"""

from __future__ import annotations

import json
import operator
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _core, database_query, geopackage
from .canonical import canonical
from .database_file import code_of, columns_of, frame, quoted, reading, record, taking_turns
from .errors import CorruptDataError, EventDatabaseError, InputError, StorageError
from .progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from .events import Events

__all__ = ["Added", "EventDatabase", "StoredEvent"]


class Added(NamedTuple):
    """What :meth:`EventDatabase.add` did.

    Attributes
    ----------
    added : int
        Events that are new in the database.
    known : int
        Events that were there already.
    diagnostic : int
        Row of the table ``diagnostic`` that holds the definition.
    """

    added: int
    known: int
    diagnostic: int


@dataclass(frozen=True, eq=False)
class StoredEvent(Mapping[str, Any]):
    """One event of a database: a mapping of the columns of the table ``event``, and what belongs to it.

    Attributes
    ----------
    properties : dict
        Columns of ``event`` but for the outline; times as ``datetime64`` in UTC.
    units : str
        Units of the variable and of the exceedance.
    definition : dict
        Diagnostic and parameters that found the event.
    states : pandas.DataFrame
        One row per day: ``time``, ``day``, ``area_km2``, ``exceedance_mean``, ``exceedance_max`` and the centroid.
    geometry : dict or None
        Outline as a GeoJSON ``MultiPolygon``, in degrees, cut at the antimeridian.
    """

    properties: dict[str, Any]
    units: str
    definition: dict[str, Any]
    states: pd.DataFrame
    geometry: dict[str, Any] | None

    def __getitem__(self, name: str) -> Any:
        return self.properties[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.properties)

    def __len__(self) -> int:
        return len(self.properties)

    def __repr__(self) -> str:
        row = self.properties
        return f"<StoredEvent {row['id']}: {row['kind']}, {row['start_day']} to {row['end_day']}>"

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The event as a GeoJSON feature, for shapely, geopandas and others that know the protocol."""
        properties = {name: str(value) if isinstance(value, np.datetime64) else value for name, value in self.items()}
        return {"type": "Feature", "id": self["id"], "geometry": self.geometry, "properties": properties}


class EventDatabase:
    """Events of many runs in one GeoPackage file.

    The file is made by the first :meth:`add`. Any number of threads and processes may use it: there is one writer at
    a time, and the others wait. Within one process, reading and writing take turns.

    Parameters
    ----------
    path : path
        The file; its name should end in ``.gpkg``.
    busy_seconds : float
        How long to wait for other programs that lock the file.

    Examples
    --------
    >>> db = era5fast.EventDatabase("events.gpkg")                  # doctest: +SKIP
    >>> db.add(events, kind="heatwave")                             # doctest: +SKIP
    Added(added=214, known=0, diagnostic=1)
    >>> db.query(kind="heatwave", start="2003-06", limit=10)        # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str], *, busy_seconds: float = 30.0) -> None:
        self.path = Path(os.fsdecode(path)).absolute()
        self.busy_seconds = float(busy_seconds)
        self._closed = False

    # --- writing ---

    def add(
        self,
        events: Events,
        kind: str = "event",
        *,
        definition: Mapping[str, Any] | None = None,
        sources: Sequence[database_query.Source] | None = None,
        progress: bool = True,
    ) -> Added:
        """Add events; those that are there already are left as they are.

        All events go in together or not at all. Adding the same events a second time changes nothing in the file.

        Parameters
        ----------
        events : Events
            What :func:`era5fast.find_events` gave.
        kind : str
            Kind of event, such as ``"heatwave"``.
        definition : mapping, optional
            How the events were found, as JSON can hold it; by default the definition that `events` carries. Another
            definition makes other events, which stand beside the old ones.
        sources : sequence, optional
            Files the data came from: paths, or mappings with ``path`` and any of ``size``, ``checksum`` and
            ``request``. By default the files that `events` carries.
        progress : bool
            Show a progress bar when it takes long.

        Returns
        -------
        Added
            How many events are new and how many were known.

        Raises
        ------
        DatabaseBusyError
            If another program writes to the file for longer than ``busy_seconds``.
        EventDatabaseError
            If the file is damaged, or not an event database; it stays as it is.
        StorageError
            If the disk is full, or the folder is missing or may not be written to.
        """
        self._check_open()
        text = events.definition_json if definition is None else canonical(definition)
        rows = tuple(database_query.source_row(source) for source in (events.paths if sources is None else sources))
        with Progress("writing events", progress) as report, taking_turns():
            return Added(
                *_core.store_add(
                    self.path, events.core, kind, events.name, events.units, text, _program(), rows,
                    self.busy_seconds, report,
                )
            )  # fmt: skip

    def export(self, target: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Copy the database, as of now, into one file that can be given away.

        Parameters
        ----------
        target : path
            The file to write.
        overwrite : bool
            Replace a file of that name.

        Returns
        -------
        pathlib.Path
            The file written.

        Raises
        ------
        FileExistsError
            If there is a file of that name and `overwrite` is False.
        StorageError
            If the file cannot be written.
        """
        path = Path(os.fsdecode(target)).absolute()
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists; overwrite=True replaces it")
        part = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            with self._reading() as connection:
                part.unlink(missing_ok=True)
                part.touch(exist_ok=False)
                with closing(sqlite3.connect(part)) as copy:
                    connection.backup(copy)
                    copy.execute("PRAGMA journal_mode = DELETE")
                _sync(part)
                os.replace(part, path)
                _sync(path.parent)
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            message = f"cannot write {path}: {error.strerror}"
            raise StorageError(message, target=str(path)).at(error.errno or 0, str(path)) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return path

    # --- reading ---

    def query(
        self,
        kind: str | None = None,
        start: Any = None,
        end: Any = None,
        bbox: Sequence[float] | None = None,
        *,
        order_by: str | Sequence[str] = "-cumulative_intensity",
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Events as a table, without their outlines.

        Parameters
        ----------
        kind : str, optional
            Only events of this kind.
        start, end : date, optional
            Only events with at least one day from `start` to `end`, both included: dates, or texts such as
            ``"2003-06-15"``, ``"2003-06"`` or ``"2003"``, which mean the whole of that month or year. They are dates
            of the calendar of the data.
        bbox : (west, south, east, north), optional
            Only events whose box meets this one; degrees, longitudes from −180 to 360. West greater than east means
            across the antimeridian.
        order_by : str or sequence of str
            Columns to sort by; ``-`` in front of a name turns the order round. Missing values come last.
        limit : int, optional
            At most so many rows.

        Returns
        -------
        pandas.DataFrame
            One row per event with the columns of the table ``event`` but for the outline. Times are ``datetime64`` in
            UTC, areas in km², exceedance in the units of the variable, ``cumulative_intensity`` in these units × km²
            × days.

        Raises
        ------
        InputError
            If a column, date or box is not right.
        EventDatabaseError
            If there is no such file, or it is damaged or not an event database.
        """
        clauses: list[str] = []
        values: dict[str, Any] = {}
        if kind is not None:
            clauses.append("kind = :kind")
            values["kind"] = kind
        if start is not None:
            clauses.append("end_day >= :start")
            values["start"] = database_query.day(start)
        if end is not None:
            clauses.append("start_day <= :end")
            values["end"] = database_query.day(end) + "~"  # sorts behind every day that begins so
        if bbox is not None:
            clause, edges = database_query.meets(bbox)
            clauses.append(clause)
            values |= edges
        with self._reading() as connection:
            columns = columns_of(connection, "event")
            text = f"SELECT {quoted(columns)} FROM event"
            text += f" WHERE {' AND '.join(clauses)}" if clauses else ""
            text += f" ORDER BY {database_query.order(order_by, columns)}"
            if limit is not None:
                text += " LIMIT :limit"
                values["limit"] = database_query.count(limit)
            return frame(connection.execute(text, values).fetchall(), columns)

    def sql(self, text: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pd.DataFrame:
        """Result of any query, over a connection that can only read.

        Parameters
        ----------
        text : str
            One SELECT statement; values belong into `parameters`, with ``?`` or ``:name`` in their places.
        parameters : sequence or mapping
            Values for the statement.

        Returns
        -------
        pandas.DataFrame
            Values as they are stored: times are texts, outlines are bytes.

        Raises
        ------
        InputError
            If the statement is wrong, or would write.
        EventDatabaseError
            If there is no such file, or it is damaged or not an event database.

        Examples
        --------
        >>> db.sql("SELECT kind, count(*) AS n FROM event GROUP BY kind")         # doctest: +SKIP
        """
        import pandas as pd

        with self._reading() as connection:
            try:
                cursor = connection.execute(text, parameters)
                rows = cursor.fetchall()
            except sqlite3.Error as error:
                if code_of(error) in _USERS_FAULT:
                    raise InputError(f"SQL: {error}", hint="sql() takes one statement that only reads") from error
                raise
            if cursor.description is None:
                raise InputError("SQL: the statement gives no rows", hint="sql() takes one statement that only reads")
            return pd.DataFrame(rows, columns=[column[0] for column in cursor.description])

    def __getitem__(self, number: int) -> StoredEvent:
        number = operator.index(number)
        with self._reading() as connection:
            columns, days = columns_of(connection, "event"), columns_of(connection, "event_state")
            text = f"""SELECT {quoted(columns, "event")}, geom, units, definition
                       FROM event JOIN diagnostic ON diagnostic.id = diagnostic_id WHERE event.id = ?"""
            row = connection.execute(text, (number,)).fetchone()
            if row is None:
                raise KeyError(number)
            text = f"SELECT {quoted(days)} FROM event_state WHERE event_id = ? ORDER BY day, id"
            states = connection.execute(text, (number,)).fetchall()
        *values, outline, units, definition = row
        try:
            return StoredEvent(
                properties=record(values, columns),
                units=units,
                definition=json.loads(definition),
                states=frame(states, days).drop(columns=["id", "event_id"]),
                geometry=geopackage.multipolygon(outline),
            )
        except (CorruptDataError, TypeError, ValueError) as error:
            raise EventDatabaseError(f"event {number} is damaged: {error}", target=str(self.path)) from error

    def __contains__(self, number: object) -> bool:
        with self._reading() as connection:
            return connection.execute("SELECT 1 FROM event WHERE id = ?", (number,)).fetchone() is not None

    def __iter__(self) -> Iterator[int]:
        with self._reading() as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM event ORDER BY id")]
        return iter(ids)

    def __len__(self) -> int:
        with self._reading() as connection:
            count: int = connection.execute("SELECT count(*) FROM event").fetchone()[0]
            return count

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        try:
            what = f"{len(self)} events"
        except Exception as error:
            what = "closed" if self._closed else "no file yet" if not self.path.exists() else type(error).__name__
        return f"<EventDatabase {str(self.path)!r}: {what}>"

    # --- life ---

    def close(self) -> None:
        """End the use of this object; no connection is kept open in between calls anyway."""
        self._closed = True

    def __enter__(self) -> EventDatabase:
        self._check_open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise InputError(f"the event database is closed: {self.path}")

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        self._check_open()
        return reading(self.path, self.busy_seconds)


# Errors that the text of a query can cause; None is that of Python's own module, such as a wrong number of values.
_USERS_FAULT = {
    None,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_RANGE,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_TOOBIG,
}


def _sync(path: Path) -> None:
    """Have a file or folder on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _program() -> str:
    from . import __version__

    return f"era5fast {__version__}"

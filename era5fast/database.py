"""The event database: one GeoPackage file that QGIS, GDAL, geopandas and plain SQLite open as it is.

Writing is the native core's: one transaction per batch, under a lock that keeps other writers out. Reading is
SQLite's own, through connections that cannot write. ``docs/reference/database.md`` describes every table and column.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np

from . import (
    _core,
    database_cells,
    database_copy,
    database_health,
    database_nearest,
    database_pairs,
    database_provenance,
    database_query,
    database_ranking,
    database_summary,
    database_upkeep,
    event_export,
    geopackage,
)
from .canonical import canonical
from .database_file import (
    check_place,
    code_of,
    columns_of,
    frame,
    missing,
    quoted,
    reading,
    record,
    table_of,
    taking_turns,
)
from .database_health import Health
from .database_origin import libraries, origins
from .database_query import Filters
from .database_region import with_outlines
from .database_upkeep import Merged, Vacuumed
from .errors import CorruptDataError, EventDatabaseError, InputError, warn
from .optional import need
from .point_tracks import Tracks
from .progress import Progress
from .targets import check_target

if TYPE_CHECKING:
    import pandas as pd

    from .catalogue import EventCatalogue
    from .event import Event

__all__ = ["Added", "EventDatabase", "Health", "Merged", "StoredEvent", "Vacuumed"]


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
    _database: EventDatabase = field(repr=False)

    def cells(self) -> pd.DataFrame:
        """Cells of the event, for one that was added with ``cells=True``; they are read when this is called.

        Returns
        -------
        pandas.DataFrame
            One row per time step and cell: ``time`` (UTC), ``day``, ``row`` and ``column`` on the grid of the data,
            counted from 0, and the centre of the cell as ``latitude`` and ``longitude`` in degrees.

        Raises
        ------
        InputError
            If the event was added without its cells.
        EventDatabaseError
            If they are damaged.
        """
        with self._database._reading() as connection:
            return database_cells.cells(connection, self["id"])

    def __getitem__(self, name: str) -> Any:
        # "start" and "end" as well, which is what a catalogue calls them.
        return self.properties[f"{name}_time" if name in ("start", "end") else name]

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
        properties = event_export.json_value(self.properties)
        return {"type": "Feature", "id": self["id"], "geometry": self.geometry, "properties": properties}


class EventDatabase:
    """Events of many runs in one GeoPackage file.

    The file is made by the first :meth:`add` or :meth:`merge`. Any number of threads and processes may use it: there
    is one writer at a time, and the others wait. Within one process, reading and writing take turns.

    Parameters
    ----------
    path : path
        The file; its name should end in ``.gpkg``: others are warned of when the file is made, as GDAL warns of them.
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
        events: EventCatalogue | Event | Tracks,
        kind: str = "event",
        *,
        definition: Mapping[str, Any] | None = None,
        sources: database_query.Source | Sequence[database_query.Source] | None = None,
        cells: bool = False,
        progress: bool = True,
    ) -> Added:
        """Add events; those that are there already are left as they are.

        All events go in together or not at all. Adding the same events a second time changes nothing in the file.

        Parameters
        ----------
        events : EventCatalogue, Event or Tracks
            What :func:`era5fast.find_events`, :func:`era5fast.track`, or :func:`era5fast.link_points` gave, or one
            event of it.
        kind : str
            Kind of event, such as ``"heatwave"``.
        definition : mapping, optional
            How the events were found, as JSON can hold it; by default the definition that `events` carries. Another
            definition makes other events, which stand beside the old ones.
        sources : path, mapping, or sequence of them, optional
            Files the data came from: paths, or mappings with ``path`` and any of ``size``, ``checksum`` and
            ``request``. By default the files that `events` carries. What the journal knows of their downloads goes
            in as well.
        cells : bool
            Keep the cells of each event at each time step, and not only its outline: some 3 bytes per run of
            neighbouring cells.
        progress : bool
            Show a progress bar when it takes long.

        Returns
        -------
        Added
            How many events are new and how many were known.

        Raises
        ------
        InputError
            If `events` is something else, such as a table, or `kind`, `definition` or `sources` is not right.
        DatabaseBusyError
            If another program writes to the file for longer than ``busy_seconds``.
        EventDatabaseError
            If the file is damaged, or not an event database; it stays as it is.
        StorageError
            If the disk is full, or the folder is missing or may not be written to.
        """
        self._check_open()
        events = _to_add(events)
        if not isinstance(kind, str):
            raise InputError(f"kind is {kind!r}, must be a text", hint='such as kind="heatwave"')
        if definition is not None and not isinstance(definition, Mapping):
            raise InputError(f"definition is {definition!r}, must be a mapping", hint='such as {"above": 298.15}')
        text = events.definition_json if definition is None else canonical(definition)
        rows = origins(events.paths if sources is None else sources)
        what = (kind, events.name, events.units, text, _program(), libraries(), rows)
        self._is_new()
        with Progress("writing events", progress) as report, taking_turns():
            if not isinstance(events, Tracks):
                return Added(*_core.store_add(self.path, events.core, *what, cells, self.busy_seconds, report))
            columns: list[Any] = [events.columns()[name] for name in _TRACK_COLUMNS]
            rest: tuple[Any, ...] = (events.calendar, *what, self.busy_seconds, report)
            return Added(*_core.store_add_tracks(*(self.path, *columns, *rest)))

    def _is_new(self) -> bool:
        """Whether the file is to be made; it can be, and what other programs will say of its name is told."""
        if check_place(self.path):
            return False
        check_target(self.path)
        if self.path.suffix.lower() != ".gpkg":
            warn(f"{self.path.name}: the name of a GeoPackage ends in .gpkg; other programs warn of other names")
        return True

    # --- upkeep ---

    def verify(self, *, keys: bool = False) -> Health:
        """Check the file from end to end.

        Parameters
        ----------
        keys : bool
            Work the keys of diagnostics, datasets, tracks, and of events with cells out anew, and compare.

        Returns
        -------
        Health
            True when nothing is wrong; its text says what is. Nothing is raised for a fault, nothing is mended, and
            the file is not written to. A million events take about a minute. Each check sees the file as it is when
            the check begins; writers get their turn between two checks, and may wait as long as one takes.
        """
        self._check_open()
        return database_health.verify(self.path, self.busy_seconds, keys)

    def vacuum(self) -> Vacuumed:
        """Give the space of removed rows back, and remove or tell of rows that belong to nothing.

        Other writers wait in the meantime. The disk needs as much free space again as the file has.

        Returns
        -------
        Vacuumed
            Sizes before and after; how many searches, diagnostics and files in each table nothing needs, which stay;
            and how many days and other parts of events that are not there were removed.

        Raises
        ------
        DatabaseBusyError, EventDatabaseError, StorageError
            As :meth:`add` does.
        """
        self._check_open()
        return database_upkeep.vacuum(self.path, self.busy_seconds)

    def remove(self, **filters: Unpack[Filters]) -> int:
        """Remove events, with their days and cells; searches, definitions and files that nothing else needs go too.

        Parameters
        ----------
        **filters
            Which events, as in :meth:`query`; at least one. Kinds, variables and definitions need not be there.

        Returns
        -------
        int
            How many events were removed. The file keeps its size until :meth:`vacuum`.

        Raises
        ------
        InputError
            If no filter is given.
        DatabaseBusyError, EventDatabaseError, StorageError
            As :meth:`add` does.
        """
        self._check_open()
        return database_upkeep.remove(self.path, self.busy_seconds, database_query.plain(filters))

    def remove_tracks(self, **filters: Unpack[Filters]) -> int:
        """Remove tracks with their points; searches, definitions and files that nothing else needs go too.

        Parameters
        ----------
        **filters
            Which tracks, as in :meth:`query_tracks`; at least one. Kinds, variables and definitions need not be
            there.

        Returns
        -------
        int
            How many tracks were removed. The file keeps its size until :meth:`vacuum`.

        Raises
        ------
        InputError
            If no filter is given.
        DatabaseBusyError, EventDatabaseError, StorageError
            As :meth:`add` does.
        """
        self._check_open()
        return database_upkeep.remove(self.path, self.busy_seconds, database_query.plain(filters), "track")

    def merge(self, other: str | os.PathLike[str] | EventDatabase) -> Merged:
        """Take over the events and tracks of another database, with all that belongs to them.

        What both have is known by its key and stays as it is here. All of it is one transaction. Where there is no
        file yet, it is made.

        Parameters
        ----------
        other : path or EventDatabase
            The other file; it is only read.

        Returns
        -------
        Merged
            How many events and tracks are new and how many were known.

        Raises
        ------
        EventDatabaseError
            If the other file is missing, one of them is damaged or no event database, or their tables are of
            different versions.
        DatabaseBusyError, StorageError
            As :meth:`add` does.
        """
        self._check_open()
        path = other.path if isinstance(other, EventDatabase) else Path(os.fsdecode(other)).absolute()
        if self._is_new():
            made = database_copy.found(self.path, path, self.busy_seconds)
            if made is not None:
                return made
        return database_upkeep.merge(self.path, path, self.busy_seconds)

    def export(
        self,
        target: str | os.PathLike[str],
        *,
        what: str = "events",
        overwrite: bool = False,
        **filters: Unpack[Filters],
    ) -> Path:
        """Write events or tracks into a file to give away, as of now; the ending of its name decides the format.

        Parameters
        ----------
        target : path
            ``.gpkg``: an event database with all tables; ``.geojson``, ``.csv``, ``.parquet``: the table ``event``
            with its outlines, or ``track`` with its paths; ``.nc``: a netCDF mask of events that were added with
            their cells, which has the id of the event of each cell and −1 where there is none, on the time steps on
            which there are events (all on one grid and calendar, no two in the same cell; needs netCDF4).
        what : {"events", "tracks"}
            What is written; a ``.gpkg`` of events holds the tracks as well.
        overwrite : bool
            Replace a file of that name.
        **filters
            Which events or tracks, as in :meth:`query`; all by default.

        Returns
        -------
        pathlib.Path
            The file written.

        Raises
        ------
        ExistingFileError
            If there is a file of that name and `overwrite` is False.
        InputError
            If the ending is another one, a package is missing for it, the events make no mask, or the file is the
            database itself.
        StorageError
            If the file cannot be written.
        """
        path = Path(os.fsdecode(target)).absolute()
        if what not in ("events", "tracks"):
            raise InputError(f"what is {what!r}", hint="it is events or tracks")
        if path.exists() and self.path.exists() and path.samefile(self.path):
            raise InputError(
                f"{path} is the database itself", hint="export into another file; remove() takes out events"
            )
        asked = database_query.plain(filters)
        with self._reading() as connection:
            if what == "tracks":
                table_of(connection, "track", self.path)
                return database_copy.write(connection, path, overwrite, asked, "track")
            if path.suffix.lower() == ".gpkg":
                return database_copy.copy(connection, path, overwrite, asked, self.busy_seconds)
            write = database_cells.write_mask if path.suffix.lower() == ".nc" else database_copy.write
            return write(connection, path, overwrite, asked)

    # --- questions ---

    def query(
        self,
        kind: str | Iterable[str] | None = None,
        start: Any = None,
        end: Any = None,
        bbox: Sequence[float] | None = None,
        *,
        polygon: Any = None,
        variable: str | Iterable[str] | None = None,
        diagnostic: int | Iterable[int] | None = None,
        where: Mapping[str, Any] | None = None,
        text: str | None = None,
        months: int | str | Iterable[int] | None = None,
        category: int | str | None = None,
        columns: str | Iterable[str] | None = None,
        geometry: bool = False,
        order_by: str | Iterable[str] = "-cumulative_intensity",
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Events as a table, with their outlines if wanted.

        Parameters
        ----------
        kind : str or list of str, optional
            Only events of this kind, or of one of these. A kind that the file knows nothing of is an error and not an
            empty answer, as are such variables and definitions, unless nothing was ever added to it.
        start, end : date, optional
            Only events with at least one day from `start` to `end`, both included: dates, or texts such as
            ``"2003-06-15"``, ``"2003-06"`` or ``"2003"``, which mean the whole of that month or year. They are dates
            of the calendar of the data.
        bbox : (west, south, east, north), optional
            Only events whose box meets this one; degrees, longitudes from −180 to 360. West greater than east means
            across the antimeridian.
        polygon : shapely geometry, GeoJSON mapping, WKT, Regions or GeoDataFrame, optional
            Only events whose outline meets one of these polygons, even in a point; of :class:`era5fast.Regions`, the
            cells of all its regions. Degrees, in any convention of longitude. Needs shapely.
        variable : str or list of str, optional
            Only events of this variable, or of one of these.
        diagnostic : int or list of int, optional
            Only events of this definition, or of one of these; :meth:`diagnostics` lists them.
        where : mapping, optional
            Conditions on columns: ``{"peak_exceedance": (5, None), "duration_days": (3, 10), "censored": False}``. A
            pair is a range with both ends, of which None leaves one open; a list means one of its values; None means
            that the value is missing. Of a time, ``"2003-06"`` means all of that month.
        text : str, optional
            Only events that have these letters in their kind, their variable or their definition, in either case.
        months : int, list of int or str, optional
            Only events with at least one day in these months, of any year: ``[6, 7, 8]``, or initials as in
            ``"JJA"``.
        category : int or str, optional
            Only events of this category or a higher one: 1 to 4, or moderate, strong, severe, extreme;
            ``where={"category": 2}`` means only this one.
        columns : str or list of str, optional
            The columns wanted, in this order; all by default.
        geometry : bool
            Give a :class:`geopandas.GeoDataFrame` in EPSG:4326, whose column ``geometry`` has the outlines.
        order_by : str or list of str
            Columns to sort by; ``-`` in front of a name turns the order round. Missing values come last.
        limit : int, optional
            At most so many rows.

        Returns
        -------
        pandas.DataFrame or geopandas.GeoDataFrame
            One row per event with the columns of the table ``event``. Times are ``datetime64`` in UTC, areas in km²,
            exceedance in the units of the variable, ``cumulative_intensity`` in these units × km² × days.

        Raises
        ------
        InputError
            If a kind, column, date, box or polygon is not right, a column never meets its condition (a text where
            there are numbers, a range whose ends are exchanged), or a package is missing.
        EventDatabaseError
            If there is no such file, or it is damaged or not an event database.

        Examples
        --------
        >>> db.query("heatwave", "2003-06", "2003-08", where={"duration_days": (5, None)})       # doctest: +SKIP
        >>> db.query(polygon="POLYGON ((5 45, 10 45, 10 48, 5 48, 5 45))", geometry=True)        # doctest: +SKIP
        """
        filters = Filters(
            kind=kind, start=start, end=end, bbox=bbox, polygon=polygon, variable=variable, diagnostic=diagnostic,
            where=where, text=text, months=months, category=category,
        )  # fmt: skip
        return self._rows_of("event", filters, columns, geometry, order_by, limit)

    def query_tracks(
        self,
        *,
        columns: str | Iterable[str] | None = None,
        geometry: bool = False,
        order_by: str | Iterable[str] = "id",
        limit: int | None = None,
        **filters: Unpack[Filters],
    ) -> pd.DataFrame:
        """Tracks of points as a table, with their paths if wanted.

        Parameters
        ----------
        columns, geometry, order_by, limit
            As in :meth:`query`, of the table ``track``; the column ``geometry`` has the paths, cut at the
            antimeridian.
        **filters
            Which tracks, as in :meth:`query`; their boxes and paths stand for those of events. Tracks have no
            ``category``.

        Returns
        -------
        pandas.DataFrame or geopandas.GeoDataFrame
            One row per track with the columns of the table ``track``: lengths in km, ``duration_hours``,
            ``mean_speed`` in m s⁻¹, values in the units of the variable. :meth:`track_points` gives the points.

        Raises
        ------
        InputError
            If a column, date, box or polygon is not right, or a package is missing for it.
        EventDatabaseError
            If there is no such file, it is damaged, not an event database, or of a version that knows no tracks.

        Examples
        --------
        >>> db.query_tracks(kind="storm", start="1999-12", bbox=(-10, 40, 20, 60))           # doctest: +SKIP
        """
        return self._rows_of("track", filters, columns, geometry, order_by, limit)

    def track_points(self, number: int) -> pd.DataFrame:
        """The points of a track, in order of time.

        Parameters
        ----------
        number : int
            Id of the track.

        Returns
        -------
        pandas.DataFrame
            ``time`` (UTC), ``day`` (date in the calendar of the data), ``latitude``, ``longitude``, ``value``,
            ``step_km`` from the point before, ``speed`` in m s⁻¹ and ``direction`` in degrees.

        Raises
        ------
        MissingItemError
            If there is no such track.
        EventDatabaseError
            As :meth:`query_tracks` does.
        """
        number = database_query.row_id(number, "track")
        with self._reading() as connection:
            columns = table_of(connection, "track_point", self.path)
            text = f"SELECT {quoted(columns)} FROM track_point WHERE track_id = ? ORDER BY id"
            rows = connection.execute(text, (number,)).fetchall()
            if not rows:  # a track has at least one point
                raise missing(connection, "track", number)
        return frame(rows, columns).drop(columns=["id", "track_id"])

    def _rows_of(
        self,
        table: str,
        filters: Filters,
        columns: str | Iterable[str] | None,
        geometry: bool,
        order_by: str | Iterable[str],
        limit: int | None,
    ) -> pd.DataFrame:
        asked, most = database_query.plain(filters), None if limit is None else database_query.count(limit)
        names, terms = database_query.names(columns), database_query.names(order_by) or []
        with self._reading() as connection:
            known = table_of(connection, table, self.path)
            wanted = database_query.chosen(names, known)
            question = database_query.ask(connection, known, asked, table)
            rest = f"ORDER BY {database_query.order(terms, known)}"
            if most is not None:
                rest += f" LIMIT {question.bind(most)}"
            what = ", ".join([quoted(wanted), *(["geom"] if geometry else [])])
            rows = connection.execute(question.select(what, rest), question.values).fetchall()
        if not geometry:
            return frame(rows, wanted)
        return with_outlines(frame([row[:-1] for row in rows], wanted), [row[-1] for row in rows])

    def nearest(self, latitude: float, longitude: float, n: int = 1, **filters: Unpack[Filters]) -> pd.DataFrame:
        """The events whose outlines lie nearest to a place.

        Parameters
        ----------
        latitude, longitude : float
            The place, in degrees.
        n : int
            How many events.
        **filters
            Which events, as in :meth:`query`.

        Returns
        -------
        pandas.DataFrame
            As :meth:`query` gives it, with the column ``distance_km`` in front: along the great circle, on a sphere
            of radius 6371 km, to the nearest point of the outline; 0 inside. The nearest comes first, of equals the
            one with the smaller id. Events without an outline are left out.
        """
        number, asked = database_query.count(n, "n"), database_query.plain(filters)
        place = database_nearest.place_of(latitude, longitude)
        with self._reading() as connection:
            return database_nearest.nearest(connection, place, number, asked)

    def ranking(
        self,
        by: str = "cumulative_intensity",
        n: int = 10,
        *,
        per: str | None = None,
        **filters: Unpack[Filters],
    ) -> pd.DataFrame:
        """The events with the largest values of a column, in all or in each year, month, kind and so on.

        Parameters
        ----------
        by : str
            The column; ``-`` in front of the name ranks the smallest first.
        n : int
            How many events, of each group.
        per : str, optional
            Rank within groups: ``"year"``, ``"decade"``, ``"month"`` or ``"season"`` of the first day, or a column
            such as ``"kind"``.
        **filters
            Which events, as in :meth:`query`.

        Returns
        -------
        pandas.DataFrame
            As :meth:`query` gives it, with the group and ``rank`` in front, from 1; equal values have an order, that
            of their ids. Events without a value are left out.
        """
        number, asked = database_query.count(n, "n"), database_query.plain(filters)
        with self._reading() as connection:
            return database_ranking.ranking(connection, by, number, per, asked)

    def count_by(self, *by: str, **filters: Unpack[Filters]) -> pd.DataFrame:
        """How many events there are in each year, month, kind and so on.

        Parameters
        ----------
        *by : str
            One or more of ``"year"``, ``"decade"``, ``"month"`` and ``"season"`` of the first day, and columns such
            as ``"kind"``.
        **filters
            Which events, as in :meth:`query`.

        Returns
        -------
        pandas.DataFrame
            A column for each of `by`, and ``events``. Years and decades between the first and the last event, and
            months and seasons, that have no event are there with 0; a year is not, in which the whole table is empty
            at its ends.
        """
        asked = database_query.plain(filters)
        with self._reading() as connection:
            return database_ranking.count_by(connection, by, asked)

    def overlaps(
        self,
        kind_a: str,
        kind_b: str,
        *,
        lag: int = 0,
        how: str = "outline",
        **filters: Unpack[Filters],
    ) -> pd.DataFrame:
        """Pairs of events of two kinds that share days and ground: compound events, or one after the other.

        Parameters
        ----------
        kind_a, kind_b : str
            The kinds; the same kind twice pairs different events, each pair once.
        lag : int
            Days. With 0 the events of a pair have at least one day in common; otherwise the second one may also begin
            up to so many days after the end of the first: hot, then dry.
        how : {"outline", "box", "cells"}
            What shares ground: the outlines, which have ground in common and not only an edge (needs shapely); the
            boxes; or the cells, of which at least one belongs to both events on the same day, or, with a lag, on any
            day of each (for events that were added with their cells, on the same grid).
        **filters
            Which events, of either kind, as in :meth:`query`.

        Returns
        -------
        pandas.DataFrame
            One row per pair: ``id_a``, ``id_b``, ``start_day`` and ``end_day`` of the days they share (missing where
            they share none), ``days`` (their number), ``gap_days`` (days between the end of the first and the
            beginning of the second, 0 where they share days), and ``area_km2``: of outlines the ground that both
            cover, of cells the ground of the common cells; missing for boxes.

        Notes
        -----
        Compound events as in Zscheischler et al. (2020): several drivers on the same ground, at the same time or in
        sequence.
        """
        days, asked = database_query.count(lag, "lag"), database_query.plain(filters)
        with self._reading() as connection:
            return database_pairs.overlaps(connection, (kind_a, kind_b), days, how, asked)

    # --- where events come from ---

    def diagnostics(self) -> pd.DataFrame:
        """Definitions by which events were found.

        Returns
        -------
        pandas.DataFrame
            One row each with ``id``, ``kind``, ``variable``, ``units``, ``definition`` (as a dictionary),
            ``added_at`` and the number of ``events``.
        """
        with self._reading() as connection:
            return database_provenance.diagnostics(connection)

    def runs(self) -> pd.DataFrame:
        """Searches for events.

        Returns
        -------
        pandas.DataFrame
            One row each with the columns of the table ``run``, ``kind`` and ``variable`` of its diagnostic, and the
            number of ``datasets`` that it read.
        """
        with self._reading() as connection:
            return database_provenance.runs(connection)

    def provenance(self, number: int) -> dict[str, Any]:
        """Where an event comes from: which files, which request, which definition and which version made it.

        Parameters
        ----------
        number : int
            Its id.

        Returns
        -------
        dict
            ``event`` (id, key, kind, days), ``diagnostic`` (its row, ``definition`` as a dictionary) and ``runs``:
            the rows of all searches that found the event, each with its ``datasets``, requests as dictionaries.

        Raises
        ------
        MissingItemError
            If there is no such event.
        """
        number = database_query.row_id(number)
        with self._reading() as connection:
            return database_provenance.provenance(connection, number)

    def track_provenance(self, number: int) -> dict[str, Any]:
        """Where a track comes from.

        Parameters
        ----------
        number : int
            Its id.

        Returns
        -------
        dict
            As :meth:`provenance` gives it, with ``track`` in the place of ``event``.

        Raises
        ------
        MissingItemError
            If there is no such track.
        EventDatabaseError
            As :meth:`query_tracks` does.
        """
        number = database_query.row_id(number, "track")
        with self._reading() as connection:
            table_of(connection, "track", self.path)
            return database_provenance.provenance(connection, number, "track")

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
        pd = need("pandas", "tables")
        if not isinstance(text, str):
            raise InputError(f"SQL is a text, not {text!r}")
        values = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
        with self._reading() as connection:
            connection.set_authorizer(_authorize)
            try:
                cursor = connection.execute(text, values)
                rows = cursor.fetchall()
            except sqlite3.Error as error:
                undecoded = code_of(error) is None and isinstance(error, sqlite3.OperationalError)
                if code_of(error) in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY):
                    hint = "add(), merge() and remove() write; sqlite3 on the file itself does what they do not"
                    raise InputError("SQL: sql() only reads, and this statement would do more", hint=hint) from error
                if code_of(error) in _USERS_FAULT and not undecoded:
                    raise InputError(f"SQL: {error}", hint="sql() takes one statement that only reads") from error
                raise
            if cursor.description is None:
                raise InputError("SQL: the statement gives no rows", hint="sql() takes one statement that only reads")
            return pd.DataFrame(rows, columns=[column[0] for column in cursor.description])

    def __getitem__(self, number: int) -> StoredEvent:
        number = database_query.row_id(number)
        with self._reading() as connection:
            columns, days = columns_of(connection, "event"), columns_of(connection, "event_state")
            text = f"""SELECT {quoted(columns, "event")}, geom, units, definition
                       FROM event JOIN diagnostic ON diagnostic.id = diagnostic_id WHERE event.id = ?"""
            row = connection.execute(text, (number,)).fetchone()
            if row is None:
                raise missing(connection, "event", number)
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
                _database=self,
            )
        except (CorruptDataError, TypeError, ValueError) as error:
            raise EventDatabaseError(f"event {number} is damaged: {error}", target=str(self.path)) from error

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int | np.integer) or not database_query.is_row_id(int(number)):
            return False
        with self._reading() as connection:
            return connection.execute("SELECT 1 FROM event WHERE id = ?", (int(number),)).fetchone() is not None

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
        return f"<EventDatabase {str(self.path)!r}: {self._summary()[0]}>"

    def _repr_html_(self) -> str:
        return database_summary.html(self.path, *self._summary())

    def _summary(self) -> tuple[str, Sequence[database_summary.Kind]]:
        """What is in the file, in words and by kind; words alone where it cannot be read."""
        try:
            with self._reading() as connection:
                kinds = database_summary.kinds(connection)
        except Exception as error:
            missing = not self._closed and not self.path.exists()
            return "closed" if self._closed else "no file yet" if missing else type(error).__name__, ()
        return database_summary.words(kinds), kinds

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
    sqlite3.SQLITE_RANGE,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_TOOBIG,
}


# In the order of _core.store_add_tracks().
_TRACK_COLUMNS = (
    "first", "seconds", "latitude", "longitude", "value", "step", "speed", "direction", "displacement",
)  # fmt: skip


def _to_add(events: Any) -> EventCatalogue | Tracks:
    """What add() takes, one event as a catalogue of its own."""
    from .catalogue import EventCatalogue
    from .event import Event

    if isinstance(events, Event):
        return events.catalogue._take(np.array([events.number]))
    if isinstance(events, EventCatalogue | Tracks):
        return events
    raise InputError(
        f"{type(events).__name__} cannot be added to an event database",
        hint="pass what find_events(), track() or link_points() gave, or some of it: events[3], events[2:5]",
    )


#: What writes, or reaches beyond this file: others would be made where they are missing.
_DENIED = {
    getattr(sqlite3, f"SQLITE_{action}")
    for action in (
        "ATTACH", "DETACH", "INSERT", "UPDATE", "DELETE", "ALTER_TABLE", "REINDEX", "ANALYZE", "CREATE_VTABLE",
        "DROP_INDEX", "DROP_TABLE", "DROP_TRIGGER", "DROP_VIEW", "DROP_VTABLE",
    )
}  # fmt: skip


_DECLARES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}


def _authorize(action: int, table: str | None, *_: Any) -> int:
    """Whatever reads this file.

    SQLite itself declares the tables of its extensions, such as the spatial index, as if it wrote into the schema and
    into their parts; who really does so is stopped by the connection.
    """
    declares = table is not None and table.startswith(("sqlite_", "rtree_")) and action in _DECLARES
    return sqlite3.SQLITE_DENY if action in _DENIED and not declares else sqlite3.SQLITE_OK


def _program() -> str:
    from . import __version__

    return f"era5fast {__version__}"

"""Catalogues: the events that one diagnostic found, as a table with outlines, cells and states."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import arcs, catalogue_display, catalogue_tables, event_export, genealogy
from .canonical import canonical
from .conditions import category_of, check_order, condition, day, iso, meeting, plain_where
from .database_query import count, names
from .database_region import box_of
from .errors import InputError, MissingItemError
from .event import Event
from .geometry import Polygon, polygons
from .optional import need
from .times import DAY, dates_of, encode_times, usual_step
from .wording import did_you_mean

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import xarray as xr

__all__ = ["COLUMNS", "STATE_COLUMNS", "Column", "EventCatalogue"]


class Column(NamedTuple):
    """One property of an event, or of an event at one time step.

    Attributes
    ----------
    name : str
        Name in tables, files and the database.
    source : str
        Column of the core.
    units : str
        Units; ``u`` stands for those of the variable.
    text : str
        What it is.
    """

    name: str
    source: str
    units: str
    text: str


_SEVERITY = (
    Column("severity_mean", "severity_mean", "1", "mean of (x - climatology) / (threshold - climatology)"),
    Column("severity_max", "severity_max", "1", "largest of these"),
    Column("category", "category", "1", "1 moderate, 2 strong, 3 severe, 4 extreme; 0 without a climatology"),
    Column("area_moderate_km2", "area_moderate", "km2", "largest area of the cells of category 1"),
    Column("area_strong_km2", "area_strong", "km2", "the same for category 2"),
    Column("area_severe_km2", "area_severe", "km2", "the same for category 3"),
    Column("area_extreme_km2", "area_extreme", "km2", "the same for category 4"),
)
_BOX = (
    Column("south", "south", "degrees_north", "southern edge of the box of all cells"),
    Column("north", "north", "degrees_north", "northern edge"),
    Column("west", "west", "degrees_east", "western edge; greater than east across the antimeridian"),
    Column("east", "east", "degrees_east", "eastern edge"),
)
_CENTROID = (
    Column("centroid_latitude", "latitude", "degrees_north", "centre of mass of the cells on the sphere"),
    Column("centroid_longitude", "longitude", "degrees_east", "the same"),
)

#: Properties of an event, one row each.
COLUMNS = (
    Column("start", "start", "", "first time step"),
    Column("end", "end", "", "last time step, which belongs to the event"),
    Column("duration_days", "duration", "d", "time steps from start to end, both included, times their length"),
    Column("peak_time", "peak_time", "", "time step of the largest exceedance"),
    Column("peak_latitude", "peak_row", "degrees_north", "cell of the largest exceedance"),
    Column("peak_longitude", "peak_column", "degrees_east", "the same"),
    Column(
        "peak_exceedance", "peak", "u", "how far the value is beyond the threshold there; positive on either side"
    ),
    Column("peak_value", "peak_value", "u", "value of the variable there"),
    Column("area_max_km2", "area_max", "km2", "largest area at one time step"),
    Column("area_max_time", "area_max_time", "", "that time step"),
    Column("area_mean_km2", "area_mean", "km2", "mean over the time steps of the area"),
    Column("footprint_km2", "footprint", "km2", "area of all cells that belong to the event at any time"),
    Column("volume_km2_days", "volume", "km2 d", "sum of area times length of a time step"),
    Column("exceedance_mean", "exceedance_mean", "u", "mean over cells and time steps, weighted with area"),
    Column(
        "cumulative_intensity", "exceedance_sum", "u km2 d", "sum of exceedance times area times length of a step"
    ),
    *_SEVERITY,
    *_CENTROID,
    Column("path_km", "path", "km", "length of the way of the centroid from step to step"),
    Column("displacement_km", "displacement", "km", "great circle from the first centroid to the last"),
    *_BOX,
    Column("cells", "cells", "1", "pairs of cell and time step"),
    Column("patches", "blobs", "1", "patches of cells that touch each other at one time step, over all steps"),
    Column("merges", "merges", "1", "how often patches of cells became one"),
    Column("splits", "splits", "1", "how often a patch fell apart"),
    Column("touches_edge", "touches_edge", "", "reaches the edge of the region and may go on outside"),
    Column(
        "crosses_seam",
        "crosses_seam",
        "",
        "has cells on both sides of the seam of a global grid, which is where the longitudes of the data begin",
    ),
    Column("touches_pole", "touches_pole", "", "has cells of a row on a pole"),
    Column("censored_start", "censored_start", "", "begins with the record and may have begun earlier"),
    Column("censored_end", "censored_end", "", "ends with the record and may have gone on"),
)

#: Properties of an event at one time step, one row each.
STATE_COLUMNS = (
    Column("time", "time", "", "time step"),
    Column("patches", "blobs", "1", "patches of cells that touch each other"),
    Column("area_km2", "area", "km2", "area"),
    Column("exceedance_mean", "mean", "u", "mean over the cells, weighted with area"),
    Column("exceedance_max", "maximum", "u", "largest exceedance"),
    *_CENTROID,
    *_BOX,
    *_SEVERITY,
)

_BY_NAME = {column.name: column for column in COLUMNS}
#: Names that columns have in the database, and can be read by here as well; of a day its date, as text.
_AS_STORED = {"start_time": "start", "end_time": "end"}
_DAYS = {"start_day": "start", "end_day": "end", "peak_day": "peak_time"}
_TIMES = ("start", "end", "peak_time", "area_max_time")


def _units(columns: Sequence[Column], units: str) -> dict[str, str]:
    """Column → units, where it has any."""
    own = units or "1"
    words = {column.name: column.units.split() for column in columns if column.units}
    return {name: " ".join(own if word == "u" else word for word in parts) for name, parts in words.items()}


class EventCatalogue:
    """The events that one diagnostic found; made by :func:`era5fast.find_events` and :func:`era5fast.track`.

    A sequence of events: ``events[3]`` is one, ``events[2:10]`` and ``events[mask]`` are catalogues of some of them,
    ``events["area_max_km2"]`` is one property of all of them. Events are numbered from 0 in the order of their start;
    a selection counts anew. It can be pickled, and so be sent to other processes.

    Parameters
    ----------
    core : _core.Events
        Tables of the core.
    definition : dict
        Diagnostic and parameters that made the events.
    name : str
        Variable.
    attrs : dict
        Attributes of the variable.
    paths : sequence of str
        Files that the data came from.

    Attributes
    ----------
    definition : dict
        Diagnostic and parameters that made the events.
    name, units : str
        Variable, and its units, which are those of the exceedance.
    paths : tuple of str
        Files that the data came from.

    Examples
    --------
    >>> events = era5fast.find_events(tx, above=p90, min_days=3)                        # doctest: +SKIP
    >>> events[events["area_max_km2"] > 1e5].sort_values("-cumulative_intensity")[:10]  # doctest: +SKIP
    >>> events.select(start="2003-06", end="2003-08", bbox=(-10, 35, 5, 50))            # doctest: +SKIP
    """

    def __init__(
        self,
        core: Any,
        *,
        definition: dict[str, Any],
        name: str = "",
        attrs: dict[str, Any] | None = None,
        paths: tuple[str, ...] = (),
    ) -> None:
        self.core = core
        self.definition = definition
        self.name = name
        self.units = str((attrs or {}).get("units", ""))
        self.paths = tuple(paths)
        self._table = core.table()
        self._axes = core.axes()

    def __len__(self) -> int:
        return len(self.core)

    def __repr__(self) -> str:
        return catalogue_display.text(self)

    def _repr_html_(self) -> str:
        return catalogue_display.html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        tables = catalogue_tables.of_core(self.core)
        return _unpickle, (tables, self.definition, self.name, self.units, self.paths)

    def _of_tables(self, tables: catalogue_tables.Tables, paths: tuple[str, ...]) -> EventCatalogue:
        return _unpickle(tables, self.definition, self.name, self.units, paths)

    @cached_property
    def _runs(self) -> dict[str, np.ndarray]:
        return self.core.runs()

    @cached_property
    def _states(self) -> dict[str, np.ndarray]:
        return self.core.states()

    @property
    def definition_json(self) -> str:
        """The definition in a canonical form, as the database keeps it."""
        return canonical(self.definition)

    @property
    def step_days(self) -> float:
        """Length of a time step in days."""
        return float(self._axes["step_days"]) or usual_step(self._axes["seconds"]) / DAY

    @property
    def period(self) -> tuple[Any, Any] | None:
        """First and last time step of the record; None where there is none."""
        seconds = self._axes["seconds"]
        return tuple(encode_times(seconds[[0, -1]], self._axes["calendar"])) if len(seconds) else None

    # --- properties of all events ---

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all properties."""
        return tuple(_BY_NAME)

    @property
    def column_units(self) -> dict[str, str]:
        """Units of the properties that have any."""
        return _units(COLUMNS, self.units)

    def to_dataframe(self) -> pd.DataFrame:
        """Table with one row per event, in order of start.

        Returns
        -------
        pandas.DataFrame
            Times as dates, lengths in km, areas in km², durations in days, exceedance in the units of the field and
            positive beyond the threshold on either side, ``cumulative_intensity`` in units × km² × days. The index is
            the number of the event. ``attrs["units"]`` has the units of each column; :data:`COLUMNS` says what they
            are.
        """
        pd = need("pandas", "tables")
        frame = pd.DataFrame({name: self[name] for name in self.columns})
        frame.attrs["units"] = self.column_units
        return frame

    def to_geodataframe(self) -> gpd.GeoDataFrame:
        """The same table with the outlines as geometry.

        Returns
        -------
        geopandas.GeoDataFrame
            Outlines as multipolygons in degrees (EPSG:4326), cut at the antimeridian.

        Raises
        ------
        MissingPackageError
            If geopandas is not installed.
        """
        gpd = need("geopandas", "tables with geometry", "to_dataframe() and outline() do without it")
        geometry = gpd.GeoSeries.from_wkb(self._outlines(), crs="EPSG:4326")
        return gpd.GeoDataFrame(self.to_dataframe(), geometry=geometry)

    def _outlines(self) -> list[bytes]:
        geometry = self.core.geometry()
        places = zip(self._table["outline"].tolist(), self._table["outline_size"].tolist(), strict=True)
        return [geometry[first : first + size] for first, size in places]

    def _column(self, name: str) -> np.ndarray:
        if name in _DAYS:
            return np.array([event_export.date(time).partition("T")[0] for time in self._column(_DAYS[name])])
        name = _AS_STORED.get(name, name)
        column = _BY_NAME.get(name)
        if column is None:
            hint = did_you_mean(name, _BY_NAME, f"there are {', '.join(_BY_NAME)}")
            raise InputError(f"events have no column '{name}'", hint=hint)
        table, axes = self._table, self._axes
        if name in _TIMES:
            return encode_times(axes["seconds"][table[column.source]], axes["calendar"])
        if column.source == "duration":
            steps, length = table["end"] - table["start"] + 1, self.step_days
            return steps * (int(length) if length.is_integer() else length)
        if column.source == "peak_row":
            return axes["latitude"][table["peak_row"]]
        if column.source == "peak_column":
            return axes["longitude"][table["peak_column"]]
        return np.array(table[column.source])

    def strongest(self, n: int = 10, by: str = "cumulative_intensity") -> pd.DataFrame:
        """The `n` events with the largest value in the column `by`, largest first, as a table.

        Parameters
        ----------
        n : int
            At most so many.
        by : str
            A column of :meth:`to_dataframe`.

        Returns
        -------
        pandas.DataFrame
            The index is the number of the event, so that ``events[number]`` is the event.

        Raises
        ------
        InputError
            If there is no such column.
        """
        order = self._order(by, ascending=False)[: count(n, "n")]
        return self.to_dataframe().iloc[order]

    # --- some of the events ---

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, str):
            return self._column(which)
        try:
            if isinstance(which, slice):
                return self._take(np.arange(len(self))[which])
            if np.ndim(which) == 0:
                return Event(self, self._check(which))
        except TypeError as error:
            raise InputError(f"no event is called {which!r}", hint=_SELECTED) from error
        return self._take(self._numbers(np.asarray(which)))

    def __iter__(self) -> Iterator[Event]:
        return (Event(self, number) for number in range(len(self)))

    def _numbers(self, which: np.ndarray) -> np.ndarray:
        """Numbers of events, of a mask or of numbers that may count from the end."""
        if which.dtype == bool:
            if which.shape != (len(self),):
                raise InputError(f"a mask of shape {which.shape} for {len(self)} events")
            return np.flatnonzero(which)
        if which.size == 0:
            return np.zeros(0, dtype="int64")
        if which.ndim != 1 or which.dtype.kind not in "iu":
            raise InputError(f"no events are called {which!r}", hint=_SELECTED)
        numbers = np.where(which < 0, which + len(self), which)
        if ((numbers < 0) | (numbers >= len(self))).any():
            wrong = which[(numbers < 0) | (numbers >= len(self))][0]
            raise self._no_event(int(wrong))
        return numbers

    def _take(self, numbers: np.ndarray) -> EventCatalogue:
        return self._of_tables(catalogue_tables.take(catalogue_tables.of_core(self.core), numbers), self.paths)

    def select(
        self,
        *,
        start: Any = None,
        end: Any = None,
        bbox: Sequence[float] | None = None,
        category: Any = None,
        where: Mapping[str, Any] | None = None,
        **limits: Any,
    ) -> EventCatalogue:
        """Events within a time, a box and limits of their properties.

        Parameters
        ----------
        start, end : date, optional
            Only events with at least one time step from `start` to `end`, both included: dates, or texts such as
            ``"2003-06-15"``, ``"2003-06"`` or ``"2003"``, which mean the whole of that month or year.
        bbox : (west, south, east, north), optional
            Only events whose box meets this one; degrees. West greater than east means across the antimeridian.
        category : int or str, optional
            Only events of this category or a higher one, as in :meth:`.EventDatabase.query`: 1 to 4, or moderate,
            strong, severe, extreme. ``where={"category": 2}`` means only this one.
        where : mapping, optional
            Conditions on columns, as in :meth:`.EventDatabase.query`: a value; a pair is a range with both ends, of
            which None leaves one open; a list means one of its values; None means that the value is missing.
        **limits
            The same as keywords.

        Returns
        -------
        EventCatalogue
            Numbered anew.

        Raises
        ------
        InputError
            If a column, date, box or category is not right, or a column never meets its condition: a text where there
            are numbers, a range whose ends are exchanged.

        Examples
        --------
        >>> events.select(start="2003", duration_days=(5, None), touches_edge=False)    # doctest: +SKIP
        """
        keep = np.ones(len(self), dtype=bool)
        check_order(*(None if date is None else day(date) for date in (start, end)))
        if start is not None:
            keep &= self._days("end") >= _as_day(start, 0)
        if end is not None:
            keep &= self._days("start") <= _as_day(end, 99)
        if bbox is not None:
            keep &= self._meets(bbox)
        if category is not None:
            limit = category if isinstance(category, tuple | list) else (category_of(category), None)
            keep &= self._meets_condition("category", plain_where({"category": limit})["category"])
        for name, limit in plain_where({**plain_where(where or {}), **limits}).items():
            keep &= self._meets_condition(name, limit)
        return self[keep]

    def _days(self, name: str) -> np.ndarray:
        """Dates as numbers: 20030615."""
        year, month, day_of_month, _ = dates_of(self._axes["seconds"][self._table[name]], self._axes["calendar"]).T
        return year.astype("int64") * 10000 + month * 100 + day_of_month

    def _meets(self, bbox: Sequence[float]) -> np.ndarray:
        box, table = box_of(bbox), self._table
        meets = arcs.meets(table["west"], table["east"], box.arcs)
        return meets & (table["south"] <= box.north) & (table["north"] >= box.south)

    def _meets_condition(self, name: str, wanted: Any) -> np.ndarray:
        values = self._column(name)
        is_time = _AS_STORED.get(name, name) in _TIMES
        kind = "DATETIME" if is_time else _STORED_AS[values.dtype.kind]
        return meeting(iso(values) if is_time else values, condition(name, kind, wanted))

    def sort_values(self, by: str | Sequence[str], *, ascending: bool = True) -> EventCatalogue:
        """The events in another order.

        Parameters
        ----------
        by : str or sequence of str
            Columns to sort by; ``-`` in front of a name turns the order round. Missing values come last, equal ones
            keep their order.
        ascending : bool
            False: largest first.

        Returns
        -------
        EventCatalogue
            Numbered anew.

        Raises
        ------
        InputError
            If there is no such column.
        """
        return self._take(self._order(by, ascending))

    def _order(self, by: str | Sequence[str], ascending: bool) -> np.ndarray:
        keys = [self._key(name, ascending) for name in names(by) or []]
        return np.lexsort(keys[::-1]) if keys else np.arange(len(self))

    def _key(self, name: str, ascending: bool) -> np.ndarray:
        plain = name.removeprefix("-")
        values = self._table[plain] if plain in _TIMES else self._column(plain)
        numbers = values.astype("float64")
        return numbers if (plain == name) == ascending else -numbers  # NaN is sorted to the end either way

    @classmethod
    def concat(cls, catalogues: Sequence[EventCatalogue]) -> EventCatalogue:
        """One catalogue of those of several records, such as the summers of following years.

        The records must follow each other with a gap between them, be on the same grid, and the events be found by
        the same definition: then the result is what one search over all of them gives, as a gap ends events. Only
        ``censored_start`` and ``censored_end`` are kept as they are, and tell of the edges of each record.

        Parameters
        ----------
        catalogues : sequence of EventCatalogue
            In order of time.

        Returns
        -------
        EventCatalogue

        Raises
        ------
        InputError
            If definitions, variables, units or grids differ, or if the records overlap or touch: an event could go on
            from one into the next. Then look for events in all files in one call.
        """
        parts = list(catalogues)
        if not parts or not all(isinstance(part, EventCatalogue) for part in parts):
            raise InputError("concat() takes a list of catalogues, at least one")
        first = parts[0]
        for what in ("name", "units", "definition_json"):
            if len({getattr(part, what) for part in parts}) > 1:
                raise InputError(f"catalogues of different {_WHAT[what]} cannot be put together")
        tables = catalogue_tables.join([catalogue_tables.of_core(part.core) for part in parts])
        return first._of_tables(tables, tuple(dict.fromkeys(path for part in parts for path in part.paths)))

    # --- one event ---

    def outline(self, number: int) -> list[Polygon]:
        """Outline of an event: polygons of an outer ring and holes, as (longitude, latitude) arrays."""
        return polygons(self.core.outline(self._check(number)))

    def cells(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices (time, row, column) of all cells of an event, in that order."""
        runs = self._part(self._runs, "first_run", "runs", number)
        lengths = runs["count"]
        columns = catalogue_tables.expand(runs["first"], lengths)
        return np.repeat(runs["time"], lengths), np.repeat(runs["row"], lengths), columns

    def states(self, number: int) -> pd.DataFrame:
        """One row per time step of an event: area, mean and maximum exceedance, centroid, box, severity.

        :data:`STATE_COLUMNS` says what the columns are; ``attrs["units"]`` has their units.
        """
        pd = need("pandas", "tables")
        part = self._part(self._states, "first_state", "states", number)
        columns = {column.name: part[column.source] for column in STATE_COLUMNS}
        columns["time"] = encode_times(self._axes["seconds"][columns["time"]], self._axes["calendar"])
        frame = pd.DataFrame(columns)
        frame.attrs["units"] = _units(STATE_COLUMNS, self.units)
        return frame

    def patches(self, number: int) -> pd.DataFrame:
        """Patches of cells of an event that touch each other at one time step, one row each."""
        return genealogy.patches(self.core, self._check(number))

    def links(self, number: int) -> pd.DataFrame:
        """Which patch of an event goes on in which, one row each."""
        return genealogy.links(self.core, self._check(number))

    def branches(self, number: int) -> pd.DataFrame:
        """Branches of the family tree of an event: patches that neither merge nor split on the way, one row each."""
        return genealogy.branches(self.core, self._check(number))

    def _row(self, number: int) -> dict[str, Any]:
        """Properties of one event; numbers as Python's own."""
        row = {name: values[number] for name, values in self._all.items()}
        return {name: v if name in _TIMES else v.item() for name, v in row.items()}

    @cached_property
    def _all(self) -> dict[str, np.ndarray]:
        return {name: self._column(name) for name in self.columns}

    def _part(self, table: dict[str, np.ndarray], first: str, count: str, number: int) -> dict[str, np.ndarray]:
        number = self._check(number)
        begin, rows = int(self._table[first][number]), int(self._table[count][number])
        return {name: column[begin : begin + rows] for name, column in table.items()}

    def _check(self, number: int) -> int:
        number = operator.index(number)
        if not -len(self) <= number < len(self):
            raise self._no_event(number)
        return number % len(self)

    def _no_event(self, number: int) -> MissingItemError:
        return MissingItemError(f"no event {number}, there are {len(self)}", hint="events are numbered from 0")

    # --- as a field ---

    def labels(self) -> np.ndarray:
        """(time, latitude, longitude) int32 array: number of the event of each cell, −1 where there is none."""
        return self._labels(0, len(self._axes["seconds"]))

    def _labels(self, first: int, end: int) -> np.ndarray:
        """Labels of some time steps."""
        shape = end - first, len(self._axes["latitude"]), len(self._axes["longitude"])
        out = np.full(shape, -1, dtype="int32")
        begin, stop = np.searchsorted(self._runs_in_time["time"], [first, end])
        runs = {name: column[begin:stop] for name, column in self._runs_in_time.items()}
        cell = ((runs["time"].astype("int64") - first) * shape[1] + runs["row"]) * shape[2] + runs["first"]
        out.reshape(-1)[catalogue_tables.expand(cell, runs["count"])] = np.repeat(runs["event"], runs["count"])
        return out

    @cached_property
    def _runs_in_time(self) -> dict[str, np.ndarray]:
        """Runs of the events in order of time, with the number of the event of each."""
        event = np.repeat(np.arange(len(self), dtype="int32"), self._table["runs"])
        own = catalogue_tables.expand(self._table["first_run"], self._table["runs"])
        order = np.argsort(self._runs["time"][own], kind="stable")
        own = own[order]
        return {"event": event[order], **{name: self._runs[name][own] for name in ("time", "row", "first", "count")}}

    def to_dataarray(self) -> xr.DataArray:
        """Labels with their coordinates.

        Returns
        -------
        xarray.DataArray
            int32 of (time, latitude, longitude): number of the event of each cell, −1 where there is none.
        """
        xr = need("xarray", "labelled arrays")

        axes = self._axes
        coords = {
            "time": encode_times(axes["seconds"], axes["calendar"]),
            "latitude": ("latitude", axes["latitude"], event_export.LATITUDE),
            "longitude": ("longitude", axes["longitude"], event_export.LONGITUDE),
        }
        dims = ("time", "latitude", "longitude")
        return xr.DataArray(self.labels(), coords, dims, name="event", attrs=event_export.LABELS)

    # --- into files ---

    def export(self, target: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the events into a file; its ending decides the format.

        ``.geojson`` (RFC 7946, with outlines), ``.csv`` (the table), ``.parquet`` (GeoParquet 1.1, needs pyarrow), or
        ``.nc`` (CF netCDF with the number of the event of each cell, −1 where there is none; needs netCDF4). A file
        under its final name is whole.

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
        ExistingFileError
            If there is a file of that name and `overwrite` is False.
        InputError
            If the ending is another one, or a package is missing.
        StorageError
            If the file cannot be written.
        """
        if Path(os.fsdecode(target)).suffix.lower() == ".nc":
            attrs = {"variable": self.name, "units_of_variable": self.units, "definition": self.definition_json}
            return event_export.write_mask(self._labels, self._axes, attrs, target, overwrite=overwrite)
        return event_export.write(
            self.to_dataframe(), self._outlines(), target, units=self.column_units, overwrite=overwrite
        )


_SELECTED = "events are selected by a number, a slice, a mask or a list of numbers"
#: Kind of an array → declared type of such a column in the database.
_STORED_AS = {"i": "INTEGER", "u": "INTEGER", "b": "BOOLEAN", "f": "DOUBLE", "U": "TEXT"}


_WHAT = {"name": "variables", "units": "units", "definition_json": "definitions"}


def _as_day(date: Any, filled: int) -> int:
    """A date as a number like 20030615; what it leaves open becomes `filled`."""
    parts = [int(part) for part in day(date).split("-")]
    year, month, day_of_month = [*parts, filled, filled][:3]
    return year * 10000 + month * 100 + day_of_month


def _unpickle(
    tables: catalogue_tables.Tables, definition: dict[str, Any], name: str, units: str, paths: tuple[str, ...]
) -> EventCatalogue:
    core = catalogue_tables.to_core(tables)
    return EventCatalogue(core, definition=definition, name=name, attrs={"units": units}, paths=paths)

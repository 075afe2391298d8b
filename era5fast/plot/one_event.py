"""One event as pictures need it, whether it comes out of a catalogue or a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..catalogue import EventCatalogue
from ..database import EventDatabase, StoredEvent
from ..database_query import row_id
from ..errors import InputError
from ..event import Event
from ..geometry import Polygon
from ..times import DAY, decode_times, usual_step
from ..wording import named
from .globe import edges
from .style import CATEGORIES

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CellSteps:
    """On how many time steps each cell of a grid belonged to an event.

    Attributes
    ----------
    longitude, latitude : numpy.ndarray
        Edges of the cells in degrees.
    count : numpy.ndarray
        (latitude, longitude) numbers of time steps.
    """

    longitude: np.ndarray
    latitude: np.ndarray
    count: np.ndarray


@dataclass(frozen=True)
class OneEvent:
    """An event with its states as plain arrays.

    Attributes
    ----------
    name : str
        What it is, for titles.
    units : str
        Units of the exceedance.
    calendar : str
        Calendar of its dates.
    properties : mapping
        Columns by the names of the database: peak, box, duration and others.
    seconds : numpy.ndarray
        Start of each of its time steps.
    states : dict of numpy.ndarray
        ``area``, ``mean``, ``maximum``, ``latitude``, ``longitude`` per time step, and ``area_moderate`` … where
        categories are known.
    outline : list of Polygon
        Footprint.
    cells : CellSteps or None
        None where only the outline is known.
    step : float
        Length of a time step in days.
    """

    name: str
    units: str
    calendar: str
    properties: Mapping[str, Any]
    seconds: np.ndarray
    states: dict[str, np.ndarray]
    outline: list[Polygon]
    cells: CellSteps | None
    step: float

    @property
    def category(self) -> int:
        """1 (moderate) to 4 (extreme); 0 where it is not known or there is none."""
        value = self.properties.get("category")
        return int(value) if value is not None and np.isfinite(value) and int(value) in CATEGORIES else 0

    def category_areas(self) -> np.ndarray | None:
        """(4, steps) km² of the cells of each category; None where no climatology was given."""
        names = [f"area_{name}" for name in CATEGORIES.values()]
        if self.category == 0 or not all(name in self.states for name in names):
            return None
        return np.array([self.states[name] for name in names])


def one_event(source: Any, event: int | None = None) -> OneEvent:
    """Bring an event into this form.

    Parameters
    ----------
    source : Event, EventCatalogue, StoredEvent or EventDatabase
        An event, or that of which it is one.
    event : int, optional
        Number of the event in the catalogue, or its id in the database.

    Raises
    ------
    InputError
        If it is something else, or the number is missing.
    """
    if isinstance(source, StoredEvent):
        return _of_database(source, None)
    if isinstance(source, Event):
        return _of_catalogue(source.catalogue, source.number)
    if isinstance(source, EventDatabase) and event is not None:
        if event not in source:
            raise InputError(f"no event {event} in the database", hint="query() gives the ids that there are")
        return _of_database(source[event], _stored_cells(source, event))
    if not isinstance(source, EventCatalogue):
        hint = "pass events[3], db[42], or db and event=42; event_map() takes a catalogue or a database, too"
        raise InputError(f"an event is wanted, not {named(source)}", hint=hint)
    if event is None and len(source) != 1:
        raise InputError(f"which of the {len(source)} events?", hint="event=3 chooses one")
    return _of_catalogue(source, row_id(0 if event is None else event))


def _of_catalogue(events: EventCatalogue, number: int) -> OneEvent:
    outline = events.outline(number)  # refuses numbers that there are not
    table, axes = events.core.table(), events.core.axes()
    first, count = int(table["first_state"][number]), int(table["states"][number])
    states = {name: column[first : first + count] for name, column in events.core.states().items()}
    properties = {str(name): value for name, value in events.to_dataframe().iloc[number].items()}
    return OneEvent(
        name=f"event {number} of {events.name}" if events.name else f"event {number}",
        units=events.units,
        calendar=axes["calendar"],
        properties=properties,
        seconds=axes["seconds"][states["time"]],
        states=states,
        outline=outline,
        cells=_cell_steps(events, number),
        step=usual_step(axes["seconds"]) / DAY,
    )


def _cell_steps(events: EventCatalogue, number: int) -> CellSteps:
    axes = events.core.axes()
    _, row, column = events.cells(number)
    count = np.zeros((len(axes["latitude"]), len(axes["longitude"])), dtype="int64")
    np.add.at(count, (row, column), 1)
    return CellSteps(edges(axes["longitude"]), edges(axes["latitude"], 90), count)


#: Names of the columns of the database → those of the core.
_STATE_COLUMNS = {
    "area": "area_km2",
    "mean": "exceedance_mean",
    "maximum": "exceedance_max",
    "latitude": "centroid_latitude",
    "longitude": "centroid_longitude",
    **{f"area_{name}": f"area_{name}_km2" for name in CATEGORIES.values()},
}


_CELLS = """SELECT runs, latitude, longitude FROM event_cells
            JOIN event_state ON event_state.id = event_cells.id JOIN grid ON grid.id = grid_id
            WHERE event_id = ?"""


def _stored_cells(db: EventDatabase, event: int) -> CellSteps | None:
    """Cells of a stored event; None where the database was not asked to keep them."""
    tables = db.sql("SELECT name FROM sqlite_master WHERE name IN ('event_cells', 'grid')")
    if len(tables) < 2:  # made before databases could keep them
        return None
    rows = db.sql(_CELLS, (event,))
    if len(rows) == 0:
        return None
    latitude, longitude = (np.frombuffer(rows[name].iloc[0], "<f8") for name in ("latitude", "longitude"))
    ends = np.zeros((len(latitude), len(longitude) + 1), dtype="int64")
    for blob in rows["runs"]:
        runs = _core.decode_cells(blob)
        np.add.at(ends, (runs["row"], runs["first"]), 1)
        np.add.at(ends, (runs["row"], runs["first"] + runs["count"]), -1)
    return CellSteps(edges(longitude), edges(latitude, 90), ends.cumsum(axis=1)[:, :-1])


def _of_database(event: StoredEvent, cells: CellSteps | None) -> OneEvent:
    calendar = str(event["calendar"])
    parts = event.geometry["coordinates"] if event.geometry else []
    outline = [[np.array(ring, dtype="float64") for ring in polygon] for polygon in parts]
    states = {
        ours: np.asarray(event.states[theirs], dtype="float64")
        for ours, theirs in _STATE_COLUMNS.items()
        if theirs in event.states
    }
    return OneEvent(
        name=str(event["kind"]),
        units=event.units,
        calendar=calendar,
        properties=event.properties,
        seconds=seconds_of_states(event.states, calendar),
        states=states,
        outline=outline,
        cells=cells,
        step=_stored_step(event),
    )


def _stored_step(event: StoredEvent) -> float:
    """Days from one time step to the next; the days of other calendars tell nothing of their hours."""
    times = np.asarray(event.states["time"])
    if len(times) > 1 and not np.isnat(times).any():
        return usual_step(times.astype("datetime64[s]").astype("int64")) / DAY
    return float(event["duration_days"]) / max(len(times), 1)


def seconds_of_states(states: pd.DataFrame, calendar: str) -> np.ndarray:
    """Seconds of the time steps of stored states, in the calendar of the data."""
    times = np.asarray(states["time"])
    if calendar in ("standard", "gregorian", "proleptic_gregorian") and not np.isnat(times).any():
        return decode_times(times, calendar)[0]
    return seconds_of_days(states["day"], calendar)


def seconds_of_days(days: Any, calendar: str) -> np.ndarray:
    """Seconds of dates as text, such as 2003-08-01, in any calendar."""
    texts = [str(day) for day in days]
    if not texts:
        return np.empty(0, dtype="int64")
    if calendar in ("standard", "gregorian", "proleptic_gregorian"):
        return np.array(texts, dtype="datetime64[s]").astype("int64")
    import cftime

    parts = [[int(number) for number in text[:10].split("-")] for text in texts]
    return decode_times([cftime.datetime(y, m, d, calendar=calendar) for y, m, d in parts], None)[0]

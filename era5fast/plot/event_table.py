"""Tables of events, wherever they come from, in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..catalogue import EventCatalogue
from ..database import EventDatabase
from ..errors import InputError
from ..times import decode_times
from .one_event import seconds_of_days

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EventTable:
    """Events with their dates as seconds.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per event.
    start, end : numpy.ndarray
        Beginning of the first and the last step, in seconds of the calendar.
    calendar : str
        Calendar of the dates.
    units : str
        Units of the exceedance; empty where they are not known or differ.
    name : str
        What the events are, for titles.
    record : tuple of int or None
        Beginning of the first and the last step of the data; None where only the events are known.
    """

    frame: pd.DataFrame
    start: np.ndarray
    end: np.ndarray
    calendar: str
    units: str
    name: str
    record: tuple[int, int] | None

    def __len__(self) -> int:
        return len(self.frame)

    def column(self, name: str) -> np.ndarray:
        """Numbers of a column.

        Raises
        ------
        InputError
            If there is none of that name, or it holds no numbers.
        """
        if name not in self.frame:
            raise InputError(f"no column '{name}'", hint=f"there are {', '.join(map(str, self.frame.columns))}")
        try:
            return np.asarray(self.frame[name], dtype="float64")
        except (TypeError, ValueError) as error:
            raise InputError(f"the column '{name}' holds no numbers") from error

    def units_of(self, name: str) -> str:
        """Units of a column, as far as they are known."""
        return _UNITS.get(name, "").replace("u", self.units or "units of the variable ×").removesuffix(" ×")


#: "u" stands for the units of the exceedance; nothing else has this letter.
_UNITS = {
    "duration_days": "days",
    "peak_exceedance": "u",
    "peak_value": "u",
    "exceedance_mean": "u",
    "cumulative_intensity": "u km² days",
    "area_max_km2": "km²",
    "area_mean_km2": "km²",
    "footprint_km2": "km²",
    "volume_km2_days": "km² days",
    "path_km": "km",
    "displacement_km": "km",
}
#: What titles and axes call a column.
WORDS = {
    "duration_days": "duration",
    "peak_exceedance": "peak exceedance",
    "peak_value": "value at the peak",
    "exceedance_mean": "mean exceedance",
    "cumulative_intensity": "cumulative intensity",
    "area_max_km2": "largest area",
    "area_mean_km2": "mean area",
    "footprint_km2": "footprint",
    "volume_km2_days": "volume",
    "path_km": "length of the path",
    "displacement_km": "displacement",
}


def words(column: str) -> str:
    """A column in words."""
    return WORDS.get(column, column.replace("_", " "))


def event_table(events: Any, kind: str | None = None) -> EventTable:
    """Bring a table of events into this form.

    Parameters
    ----------
    events : EventCatalogue, EventDatabase or pandas.DataFrame
        Events, a database of them, or what ``query()`` or ``to_dataframe()`` gave.
    kind : str, optional
        Only events of this kind of a database.

    Raises
    ------
    InputError
        If it is something else, or the events have different calendars.
    """
    if isinstance(events, EventCatalogue):
        return _of_catalogue(events)
    if isinstance(events, EventDatabase):
        return _of_frame(events.query(kind=kind), _units_in(events, kind))
    if hasattr(events, "columns") and hasattr(events, "iloc"):
        return _of_frame(events if kind is None else events[events["kind"] == kind], "")
    raise InputError(
        f"events are wanted, not a {type(events).__name__}", hint="pass a catalogue, a database or a table of query()"
    )


def _of_catalogue(events: EventCatalogue) -> EventTable:
    frame, axes = events.to_dataframe(), events.core.axes()
    table, seconds = events.core.table(), axes["seconds"]
    return EventTable(
        frame,
        seconds[table["start"]],
        seconds[table["end"]],
        axes["calendar"],
        events.units,
        f"events of {events.name}" if events.name else "events",
        (int(seconds[0]), int(seconds[-1])) if len(seconds) else None,
    )


def _units_in(db: EventDatabase, kind: str | None) -> str:
    found = db.sql("SELECT DISTINCT units FROM diagnostic WHERE :kind IS NULL OR kind = :kind", {"kind": kind})
    return str(found["units"].iloc[0]) if len(found) == 1 else ""


def _of_frame(frame: pd.DataFrame, units: str) -> EventTable:
    if "start_day" in frame:
        calendars = sorted(set(frame["calendar"]))
        if len(calendars) > 1:
            raise InputError(f"the events have different calendars: {', '.join(calendars)}", hint="choose one kind")
        calendar = calendars[0] if calendars else "proleptic_gregorian"
        start, end = (seconds_of_days(frame[name], calendar) for name in ("start_day", "end_day"))
    elif {"start", "end"} <= set(frame.columns):
        calendar, start, end = _of_dates(frame)
    else:
        raise InputError("the table has no dates of events", hint="pass what query() or to_dataframe() gave")
    return EventTable(frame, start, end, calendar, units, _name(frame), None)


def _of_dates(frame: pd.DataFrame) -> tuple[str, np.ndarray, np.ndarray]:
    if len(frame) == 0:
        return "proleptic_gregorian", np.empty(0, dtype="int64"), np.empty(0, dtype="int64")
    start, calendar = decode_times(frame["start"].to_numpy(), None)
    return calendar, start, decode_times(frame["end"].to_numpy(), None)[0]


def _name(frame: pd.DataFrame) -> str:
    kinds = sorted(set(frame["kind"])) if "kind" in frame else []
    return f"{kinds[0]} events" if len(kinds) == 1 else "events"

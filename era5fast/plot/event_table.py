"""Tables of events, wherever they come from, in one form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..catalogue import EventCatalogue
from ..database import EventDatabase
from ..database_query import plain
from ..database_summary import mixture
from ..errors import InputError, warn
from ..times import decode_times
from ..wording import counted, named
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
    noun : str
        What one of the events is called: a heatwave event.
    of : str
        Of what they are, behind it.
    record : tuple of int or None
        Beginning of the first and the last step of the data; None where only the events are known.
    """

    frame: pd.DataFrame
    start: np.ndarray
    end: np.ndarray
    calendar: str
    units: str
    noun: str
    of: str
    record: tuple[int, int] | None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def name(self) -> str:
        """What the events are, for titles."""
        return f"{self.noun}s{self.of}"

    def counted(self, number: int) -> str:
        """So many of them, for titles."""
        return f"{counted(number, self.noun)}{self.of}"

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


@dataclass(frozen=True)
class Choice:
    """Which events of a database are drawn.

    Attributes
    ----------
    kind : str or None
        Those of this kind.
    diagnostic : int, sequence of int or None
        Those of this definition, or of one of these.
    """

    kind: str | None = None
    diagnostic: int | Sequence[int] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """Values for :data:`CHOSEN`."""
        ids = plain({"diagnostic": self.diagnostic}).get("diagnostic")
        return {"kind": self.kind, "diagnostic": None if ids is None else json.dumps(ids)}


#: The choice as SQL about the table ``event``, or ``diagnostic`` with the name of its id.
CHOSEN = """(:kind IS NULL OR kind = :kind)
            AND (:diagnostic IS NULL OR {} IN (SELECT value FROM json_each(:diagnostic)))"""
_OF_EVENT = CHOSEN.format("diagnostic_id")
_ALL = Choice()


def is_event_table(given: Any) -> bool:
    """Whether it is a table of events, such as query() gives."""
    return hasattr(given, "iloc") and {"duration_days"} <= set(getattr(given, "columns", ()))


def event_table(
    events: Any,
    choice: Choice = _ALL,
    columns: Sequence[str] | None = None,
    *,
    order_by: str = "id",
    limit: int | None = None,
) -> EventTable:
    """Bring a table of events into this form.

    Parameters
    ----------
    events : EventCatalogue, EventDatabase or pandas.DataFrame
        Events, a database of them, or what ``query()`` or ``to_dataframe()`` gave.
    choice : Choice
        Which events of a database.
    columns : sequence of str, optional
        What to read of a database besides dates and kinds; everything when left out.
    order_by, limit
        Order of the events of a database, and how many of them are read.

    Raises
    ------
    InputError
        If it is something else, or the events have different calendars.
    """
    if isinstance(events, EventCatalogue):
        return _of_catalogue(events)
    if isinstance(events, EventDatabase):
        wanted = None if columns is None else list(dict.fromkeys([*_NEEDED, *columns]))
        frame = events.query(
            kind=choice.kind, diagnostic=choice.diagnostic, columns=wanted, order_by=order_by, limit=limit
        )
        tell_definitions(events, choice)
        return _of_frame(frame, _units_in(events, choice), _runs_in(events, choice))
    if hasattr(events, "columns") and hasattr(events, "iloc"):
        return _of_frame(events if choice.kind is None else events[events["kind"] == choice.kind], "")
    raise InputError(
        f"events are wanted, not {named(events)}",
        hint="pass a catalogue, a database or a table of query(); event_map() and event_states() draw one event",
    )


_NEEDED = ("id", "kind", "calendar", "start_day", "end_day")


def _of_catalogue(events: EventCatalogue) -> EventTable:
    frame, axes = events.to_dataframe(), events.core.axes()
    table, seconds = events.core.table(), axes["seconds"]
    return EventTable(
        frame,
        seconds[table["start"]],
        seconds[table["end"]],
        axes["calendar"],
        events.units,
        "event",
        f" of {events.name}" if events.name else "",
        (int(seconds[0]), int(seconds[-1])) if len(seconds) else None,
    )


def event_spans(db: EventDatabase, choice: Choice) -> EventTable:
    """As :func:`event_table`, but with two rows from the first to the last day: of the first and the last kind."""
    db.query(kind=choice.kind, diagnostic=choice.diagnostic, columns="id", limit=0)  # refuses what the file knows not
    tell_definitions(db, choice)
    return _of_frame(db.sql(_SPANS, choice.values), _units_in(db, choice), _runs_in(db, choice))


def tell_definitions(db: EventDatabase, choice: Choice) -> None:
    """Warn where events of one kind were found by several definitions: most of them are there more than once."""
    if choice.diagnostic is not None:
        return
    found = db.sql(_DEFINITIONS, choice.values)
    if len(found):
        kind, number, least = found.iloc[0]
        warn(mixture(kind, number, "drawn", f"diagnostic={least} chooses one, and db.diagnostics() lists them"))


_DEFINITIONS = f"""SELECT kind, count(*), min(id) FROM diagnostic
                   WHERE {CHOSEN.format("id")} AND EXISTS (SELECT 1 FROM event WHERE diagnostic_id = diagnostic.id)
                   GROUP BY kind HAVING count(*) > 1 ORDER BY kind"""


#: One pass over the events without an index: a group for each kind would sort them all.
_SPANS = f"""SELECT CASE row WHEN 0 THEN a ELSE b END AS kind, CASE row WHEN 0 THEN c ELSE d END AS calendar,
                   start_day, end_day
            FROM (SELECT min(kind) AS a, max(kind) AS b, min(calendar) AS c, max(calendar) AS d,
                         min(start_day) AS start_day, max(end_day) AS end_day FROM event WHERE {_OF_EVENT}),
                 (SELECT 0 AS row UNION ALL SELECT 1)
            WHERE a IS NOT NULL"""


def _units_in(db: EventDatabase, choice: Choice) -> str:
    found = db.sql(f"SELECT DISTINCT units FROM diagnostic WHERE {CHOSEN.format('id')}", choice.values)
    return str(found["units"].iloc[0]) if len(found) == 1 else ""


#: Days of the data that were searched. Runs of tracks are no searches for events; old files know none.
_SEARCHED = f"""SELECT run.calendar AS calendar, min(start_day) AS first, max(end_day) AS last, count(*) AS runs,
                      count(start_day) AS known
               FROM run JOIN diagnostic ON diagnostic.id = diagnostic_id
               WHERE {_OF_EVENT} AND diagnostic_id NOT IN (SELECT diagnostic_id FROM track)
               GROUP BY run.calendar"""


def _runs_in(db: EventDatabase, choice: Choice) -> tuple[str, str, str] | None:
    """Calendar, first and last day of the data in which events were looked for; None where that is not known."""
    if "start_day" not in set(db.sql("SELECT name FROM pragma_table_info('run')")["name"]):
        return None
    rows = db.sql(_SEARCHED, choice.values)
    if len(rows) != 1 or rows["runs"].iloc[0] != rows["known"].iloc[0]:
        return None
    calendar, first, last = rows[["calendar", "first", "last"]].iloc[0]
    return str(calendar), str(first), str(last)


def _of_frame(frame: pd.DataFrame, units: str, searched: tuple[str, str, str] | None = None) -> EventTable:
    record = None
    if "start_day" in frame:
        calendars = sorted(map(str, frame["calendar"].unique()))
        if len(calendars) > 1:
            raise InputError(f"the events have different calendars: {', '.join(calendars)}", hint="choose one kind")
        calendar = calendars[0] if calendars else searched[0] if searched else "proleptic_gregorian"
        start, end = (seconds_of_days(frame[name], calendar) for name in ("start_day", "end_day"))
        if searched and searched[0] == calendar:
            days = seconds_of_days(searched[1:], calendar).tolist()
            record = int(np.append(start, days).min()), int(np.append(end, days).max())
    elif {"start", "end"} <= set(frame.columns):
        calendar, start, end = _of_dates(frame)
    else:
        raise InputError("the table has no dates of events", hint="pass what query() or to_dataframe() gave")
    return EventTable(frame, start, end, calendar, units, noun_of(frame.get("kind", ())), "", record)


def _of_dates(frame: pd.DataFrame) -> tuple[str, np.ndarray, np.ndarray]:
    if len(frame) == 0:
        return "proleptic_gregorian", np.empty(0, dtype="int64"), np.empty(0, dtype="int64")
    start, calendar = decode_times(frame["start"].to_numpy(), None)
    return calendar, start, decode_times(frame["end"].to_numpy(), None)[0]


def noun_of(kinds: Iterable[Any]) -> str:
    """What an event is called, where all are of one of these kinds."""
    different = {str(kind) for kind in kinds}
    return f"{different.pop()} event" if len(different) == 1 else "event"

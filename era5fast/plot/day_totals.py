"""What all events together amount to on each day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..catalogue import EventCatalogue
from ..database import EventDatabase
from ..errors import InputError
from ..times import days_of
from .event_table import CHOSEN, Choice, event_spans, event_table
from .one_event import seconds_of_days


@dataclass(frozen=True)
class DayTotals:
    """Totals of the days from the first to the last of the record.

    Attributes
    ----------
    days : numpy.ndarray
        Days since 1970-01-01 of the calendar, without gaps.
    calendar : str
        Calendar of the days.
    events, area, exceedance : numpy.ndarray or None
        Number of events, their area in km², their largest exceedance, by day; None where they are not known.
    units : str
        Units of the exceedance.
    name : str
        What the events are, for titles.
    """

    days: np.ndarray
    calendar: str
    events: np.ndarray
    area: np.ndarray | None
    exceedance: np.ndarray | None
    units: str
    name: str


def day_totals(events: Any, choice: Choice) -> DayTotals:
    """Add up the events of each day.

    Parameters
    ----------
    events : EventCatalogue, EventDatabase or pandas.DataFrame
        Of a table only the numbers of events are known.
    choice : Choice
        Which events of a database.

    Raises
    ------
    InputError
        If it is something else, there are no events, or they have different calendars.
    """
    table = event_spans(events, choice) if isinstance(events, EventDatabase) else event_table(events, choice)
    if table.record is None and len(table) == 0:
        raise InputError("there are no events")
    first, last = days_of(np.array(table.record or (table.start.min(), table.end.max()))).tolist()
    days = np.arange(first, last + 1)
    if isinstance(events, EventCatalogue):
        states = events.core.states()
        at = days_of(events.core.axes()["seconds"][states["time"]]) - first
        parts: tuple[np.ndarray, ...] | None = (at, np.ones(len(at)), states["area"], states["maximum"])
    elif isinstance(events, EventDatabase):
        found = events.sql(_BY_DAY, choice.values)
        at = days_of(seconds_of_days(found["day"], table.calendar)) - first
        parts = (at, *(np.asarray(found[name], dtype="float64") for name in ("events", "area", "exceedance")))
    else:
        parts = None
    if parts is None:
        ends = np.zeros(len(days) + 1, dtype="int64")
        np.add.at(ends, days_of(table.start) - first, 1)
        np.add.at(ends, days_of(table.end) - first + 1, -1)
        return DayTotals(days, table.calendar, ends.cumsum()[:-1], None, None, table.units, table.name)
    at, number, area, exceedance = parts
    largest = np.full(len(days), -np.inf)
    np.maximum.at(largest, at, exceedance)
    return DayTotals(
        days,
        table.calendar,
        np.bincount(at, number, len(days)),
        np.bincount(at, area, len(days)),
        np.where(np.isfinite(largest), largest, 0.0),
        table.units,
        table.name,
    )


_BY_DAY = f"""SELECT event_state.day AS day, count(DISTINCT event.id) AS events, sum(event_state.area_km2) AS area,
                    max(event_state.exceedance_max) AS exceedance
             FROM event_state JOIN event ON event.id = event_id
             WHERE {CHOSEN.format("diagnostic_id")} GROUP BY event_state.day"""

"""Longitude or latitude against time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .. import arcs, units
from ..catalogue import EventCatalogue
from ..database import EventDatabase, StoredEvent
from ..errors import InputError
from ..event import Event
from ..field import as_field
from ..times import DAY, usual_step
from ..wording import named
from .dates import between, date_axis, date_axis_upright, day_text, positions
from .event_table import CHOSEN, Choice, EventTable, event_spans, is_event_table
from .globe import edges
from .one_event import seconds_of_states
from .style import (
    COLOURS,
    compact,
    fitting,
    give_title,
    latitude_text,
    legend_below,
    longitude_text,
    name_in_words,
    new_axes,
    one_line,
    save,
    say_nothing_there,
    with_units,
)


def hovmoeller(
    x: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    along: Literal["longitude", "latitude"] = "longitude",
    start: Any = None,
    end: Any = None,
    kind: str | None = None,
    diagnostic: int | Sequence[int] | None = None,
    variable: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Hovmöller diagram: how events, or a field, move along longitude or latitude in time.

    Parameters
    ----------
    x : EventCatalogue, Event, EventDatabase, DataArray or paths
        Of a catalogue the colour is the share of the area at each longitude (latitude) that is in events. Of a
        database the paths of the centres of mass are drawn, with circles of the area of each day. Of a field it is
        the mean over the other axis, weighted with area.
    path : path, optional
        File to write; its ending decides the format.
    along : {'longitude', 'latitude'}
        Axis to keep: longitude runs to the right with time running down, latitude runs up with time to the right.
    start, end : date or str, optional
        Show only what lies between these days, both included.
    kind : str, optional
        Only events of this kind of a database.
    diagnostic : int or sequence of int, optional
        Only events of this definition of a database, or of one of these; ``db.diagnostics()`` lists them.
    variable : str, optional
        Variable of files or of a Dataset.
    title : str, optional
        Title; made from the data when left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; on a figure of its own when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are no data between `start` and `end`, or the grid is not known.

    References
    ----------
    Hovmöller 1949, Tellus 1, 62.
    """
    if along not in ("longitude", "latitude"):
        raise InputError(f"along must be longitude or latitude, not {along!r}")
    if isinstance(x, StoredEvent) or is_event_table(x):
        hint = "pass the database or the catalogue that it comes from; kind=, start= and end= choose"
        raise InputError(f"a database, a catalogue or a field is wanted, not {named(x)}", hint=hint)
    if isinstance(x, Event):
        x = x.catalogue[[x.number]]
    axes = new_axes(ax, (7.0, 7.0) if along == "longitude" else (9.5, 4.2))
    if isinstance(x, EventDatabase):
        made, calendar, step = _draw_paths(axes, x, along, start, end, Choice(kind, diagnostic))
    else:
        made, calendar, step = _draw_field(axes, x, along, start, end, variable)
    if along == "longitude":
        date_axis_upright(axes, calendar, hours=step < 1)
        axes.xaxis.set_major_locator(MaxNLocator(fitting(axes, 0.8, 7), steps=[1, 2, 3, 5, 6, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: longitude_text(value)))
    else:
        date_axis(axes, calendar, hours=step < 1)
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 3, 5, 6, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: latitude_text(value)))
    give_title(axes, title or made)
    save(axes, path)
    return axes


#: Title, calendar, and days from one time step to the next.
_Drawn = tuple[str, str, float]

# --- colours of a field ---


def _draw_field(axes: Axes, x: Any, along: str, start: Any, end: Any, variable: str | None) -> _Drawn:
    if isinstance(x, EventCatalogue):
        grid = x.core.axes()
        seconds, calendar = grid["seconds"], grid["calendar"]
        axis, values = grid[along], 100 * _share_in_events(x, along)
        what, label = f"events of {x.name}" if x.name else "events", "share of the area in events (%)"
    else:
        field = as_field(x, variable=variable, wraps=False)
        seconds, calendar = field.seconds, field.calendar
        axis, values = _mean_along(field, along)
        what = name_in_words(field.attrs, field.name, "field")
        label = with_units(what, units.of(field.attrs) or "")
    keep = between(seconds, calendar, start, end)
    seconds, values = seconds[keep], values[keep]
    places, step = edges(axis, 90 if along == "latitude" else np.inf), usual_step(seconds) / DAY
    days = np.append(positions(seconds), positions(seconds[-1:])[0] + step)
    style: dict[str, Any] = {"rasterized": True, "cmap": "YlOrRd"}
    shown = values
    if isinstance(x, EventCatalogue):
        shown = np.ma.masked_equal(values, 0)
    elif np.nanmin(values) < 0 < np.nanmax(values):
        limit = float(np.nanmax(np.abs(values)))
        style |= {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    flip = along == "latitude"
    mesh = axes.pcolormesh(*((days, places, shown.T) if flip else (places, days, shown)), **style)
    if isinstance(x, EventCatalogue) and not values.any():
        say_nothing_there(axes)
    else:
        axes.figure.colorbar(mesh, ax=axes, pad=0.02, shrink=0.9, label=one_line(label))
    return f"{what}, {day_text(seconds[0], calendar)} to {day_text(seconds[-1], calendar)}", calendar, step


def _share_in_events(events: EventCatalogue, along: str) -> np.ndarray:
    """(time, axis) share of the area at each longitude or latitude that is in events."""
    grid, runs = events.core.axes(), events.core.runs()
    steps, rows, columns = (len(grid[name]) for name in ("seconds", "latitude", "longitude"))
    area = np.abs(np.diff(np.sin(np.deg2rad(edges(grid["latitude"], 90)))))
    if along == "latitude":
        cells = np.zeros((steps, rows))
        np.add.at(cells, (runs["time"], runs["row"]), runs["count"])
        return cells / columns
    ends = np.zeros((steps, columns + 1))
    share = area[runs["row"]] / area.sum()
    np.add.at(ends, (runs["time"], runs["first"]), share)
    np.add.at(ends, (runs["time"], runs["first"] + runs["count"]), -share)
    total: np.ndarray = ends.cumsum(axis=1)[:, :-1]
    return np.where(total > 1e-12, total, 0.0)  # what rounding leaves behind is nothing


def _mean_along(field: Any, along: str) -> tuple[np.ndarray, np.ndarray]:
    latitude, longitude = field.grid()
    values = np.asarray(field.values(), dtype="float64")
    if values.shape[1:] != (len(latitude), len(longitude)):
        raise InputError(f"the data have the shape {values.shape}, not (time, latitude, longitude)")
    weight = np.cos(np.deg2rad(latitude)).clip(0)[:, None] if along == "longitude" else np.ones((1, len(longitude)))
    known = np.isfinite(values) * weight
    over = 1 if along == "longitude" else 2
    total = known.sum(axis=over)
    mean = (np.nan_to_num(values) * weight).sum(axis=over) / np.where(total > 0, total, np.nan)
    return (longitude if along == "longitude" else latitude), mean


# --- paths of stored events ---

_STATES = f"""SELECT event_id, time, day, area_km2, event_state.centroid_latitude AS latitude,
                    event_state.centroid_longitude AS longitude
             FROM event_state JOIN event ON event.id = event_id
             WHERE {CHOSEN.format("diagnostic_id")} AND event_state.centroid_latitude IS NOT NULL
             ORDER BY event_id, event_state.day, event_state.id"""


def _draw_paths(axes: Axes, db: EventDatabase, along: str, start: Any, end: Any, choice: Choice) -> _Drawn:
    table = event_spans(db, choice)
    states = db.sql(_STATES, choice.values)
    if len(states) == 0:
        return _without_paths(axes, along, table, start, end)
    states["time"] = _moments(states["time"])
    seconds = seconds_of_states(states, table.calendar)
    keep = between(seconds, table.calendar, start, end)
    place = np.asarray(states[along], dtype="float64")[keep]
    event, area = (np.asarray(states[name])[keep] for name in ("event_id", "area_km2"))
    if along == "longitude":
        seam = arcs.hull(place, place)[0]
        place = seam + (place - seam + _TINY) % 360 - _TINY
    seconds = seconds[keep]
    days = positions(seconds)
    point = np.column_stack([place, days] if along == "longitude" else [days, place])
    jump = (np.abs(np.diff(place)) > 180) & (along == "longitude")
    lines = np.split(point, np.flatnonzero((np.diff(event) != 0) | jump) + 1)
    axes.add_collection(LineCollection(lines, colors=COLOURS[0], linewidths=0.8, alpha=0.7))
    largest = float(np.max(np.asarray(area, dtype="float64")))
    size = _LARGEST * np.asarray(area, dtype="float64") / max(largest, 1e-9)
    axes.scatter(point[:, 0], point[:, 1], s=size, color=COLOURS[1], alpha=0.5, linewidths=0, zorder=3)
    axes.margins(0.02)
    within = np.diff(seconds)[np.diff(event) == 0]
    step = float(np.median(within)) / DAY if len(within) else 1.0
    label = f"area of a {'day' if step >= 1 else 'time step'}, the largest {compact(largest)} km²"
    style: dict[str, Any] = {"linestyle": "none", "marker": "o", "alpha": 0.5, "markeredgewidth": 0}
    handle = Line2D([], [], color=COLOURS[1], markersize=_LARGEST**0.5, label=label, **style)
    legend_below(axes, [handle], 0.35 if along == "longitude" else 0.45)
    period = f"{day_text(seconds.min(), table.calendar)} to {day_text(seconds.max(), table.calendar)}"
    return f"centres of {table.counted(len(set(event.tolist())))}, {period}", table.calendar, step


_TINY = 1e-6  # degrees: what rounding may put before the seam
_LARGEST = 140.0  # square points of the largest circle


def _moments(texts: Any) -> np.ndarray:
    """Times as they are stored; those that a calendar of its own has not are missing."""
    return np.array(["NaT" if text is None else str(text).removesuffix("Z") for text in texts], "datetime64[ms]")


def _without_paths(axes: Axes, along: str, table: EventTable, start: Any, end: Any) -> _Drawn:
    """The days of the record without any event in it."""
    if table.record is None:
        raise InputError("there are no events")
    seconds = np.arange(table.record[0], table.record[1] + 1, DAY)
    seconds = seconds[between(seconds, table.calendar, start, end)]
    days = positions(seconds)
    (axes.set_ylim if along == "longitude" else axes.set_xlim)(days[0], days[-1] + 1)
    axes.set_xlim(-180, 180) if along == "longitude" else axes.set_ylim(-90, 90)
    say_nothing_there(axes)
    first, last = (day_text(seconds[i], table.calendar) for i in (0, -1))
    return f"{table.name}, {first} to {last}", table.calendar, 1.0

"""Longitude or latitude against time."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .. import units
from ..catalogue import EventCatalogue
from ..database import EventDatabase
from ..errors import InputError
from ..field import as_field
from ..times import DAY, usual_step
from .dates import between, date_axis, date_axis_upright, day_text, positions
from .event_table import event_spans
from .globe import edges
from .one_event import seconds_of_days
from .style import COLOURS, GREY, latitude_text, longitude_text, name_in_words, new_axes, one_line, save, with_units


def hovmoeller(
    x: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    along: Literal["longitude", "latitude"] = "longitude",
    start: Any = None,
    end: Any = None,
    kind: str | None = None,
    variable: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Hovmöller diagram: how events, or a field, move along longitude or latitude in time.

    Parameters
    ----------
    x : EventCatalogue, EventDatabase, DataArray or paths
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
    axes = new_axes(ax, (7.0, 7.0) if along == "longitude" else (9.5, 4.2))
    if isinstance(x, EventDatabase):
        made, calendar = _draw_paths(axes, x, along, start, end, kind)
    else:
        made, calendar = _draw_field(axes, x, along, start, end, variable)
    if along == "longitude":
        date_axis_upright(axes, calendar)
        axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 3, 5, 6, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: longitude_text(value)))
    else:
        date_axis(axes, calendar)
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 3, 5, 6, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: latitude_text(value)))
    axes.set_title(one_line(title or made), fontsize=11)
    save(axes, path)
    return axes


# --- colours of a field ---


def _draw_field(axes: Axes, x: Any, along: str, start: Any, end: Any, variable: str | None) -> tuple[str, str]:
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
        axes.text(0.5, 0.5, "no events", transform=axes.transAxes, ha="center", va="center", color=GREY)
    else:
        axes.figure.colorbar(mesh, ax=axes, pad=0.02, shrink=0.9, label=one_line(label))
    return f"{what}, {day_text(seconds[0], calendar)} to {day_text(seconds[-1], calendar)}", calendar


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

_STATES = """SELECT event_id, day, area_km2, event_state.centroid_latitude AS latitude,
                    event_state.centroid_longitude AS longitude
             FROM event_state JOIN event ON event.id = event_id
             WHERE (:kind IS NULL OR kind = :kind) AND event_state.centroid_latitude IS NOT NULL
             ORDER BY event_id, event_state.day, event_state.id"""


def _draw_paths(axes: Axes, db: EventDatabase, along: str, start: Any, end: Any, kind: str | None) -> tuple[str, str]:
    table = event_spans(db, kind)
    states = db.sql(_STATES, {"kind": kind})
    seconds = seconds_of_days(states["day"], table.calendar)
    keep = between(seconds, table.calendar, start, end)
    place = np.asarray(states[along], dtype="float64")[keep]
    event, area = (np.asarray(states[name])[keep] for name in ("event_id", "area_km2"))
    days = positions(seconds[keep])
    point = np.column_stack([place, days] if along == "longitude" else [days, place])
    jump = (np.abs(np.diff(place)) > 180) & (along == "longitude")
    lines = np.split(point, np.flatnonzero((np.diff(event) != 0) | jump) + 1)
    axes.add_collection(LineCollection(lines, colors=COLOURS[0], linewidths=0.8, alpha=0.7))
    size = 140 * np.asarray(area, dtype="float64") / max(float(np.max(area)), 1e-9)
    axes.scatter(point[:, 0], point[:, 1], s=size, color=COLOURS[1], alpha=0.5, linewidths=0, zorder=3)
    axes.margins(0.02)
    seconds = seconds[keep]
    period = f"{day_text(seconds.min(), table.calendar)} to {day_text(seconds.max(), table.calendar)}"
    return f"centres of {len(set(event.tolist()))} {table.name}, {period}", table.calendar

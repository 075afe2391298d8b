"""Maps of events: how often they come, and where one of them was."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke

from .. import arcs
from ..catalogue import EventCatalogue
from ..database import EventDatabase, StoredEvent
from ..database_query import count
from ..errors import InputError
from ..event import Event
from ..times import DAY, usual_step
from ..wording import counted
from .dates import day_text, short_date
from .event_table import CHOSEN, Choice, noun_of, tell_definitions
from .globe import SEA, FlatMap, GlobeMap, edges, map_around, map_of, on_sea
from .one_event import OneEvent, one_event
from .style import (
    CATEGORIES,
    CATEGORY_COLOURS,
    COLOURS,
    compact,
    legend_below,
    new_axes,
    one_line,
    place_text,
    save,
    say_nothing_there,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd

#: Colours of the outlines, highest peak first: dark enough on the pale map, and apart for the colour-blind.
_OUTLINES = ("#1b1b1b", "#0b5fa5", "#7b3294", "#00795a", "#a6004f", "#8c510a")

_HALO = [Stroke(linewidth=4, foreground="white", alpha=0.8), Normal()]
_TEXT_HALO = [Stroke(linewidth=2.5, foreground="white"), Normal()]


def event_map(
    events: EventCatalogue | Event | StoredEvent | EventDatabase,
    path: str | os.PathLike[str] | None = None,
    *,
    event: int | None = None,
    outlines: int = 4,
    kind: str | None = None,
    diagnostic: int | Sequence[int] | None = None,
    title: str | None = None,
    note: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Map of one event, or of how often events visit each cell with the outlines of those that peaked highest.

    The map of one event shows its footprint, filled with the number of days in each cell (hours, where the steps are
    shorter than a day) where the cells are known and with the colour of its category where only the outline is; the
    path of its centre of mass from step to step; and where it peaked.
    Longitudes are turned so that no event is cut at the antimeridian, and what surrounds a pole is drawn around it,
    in Lambert's azimuthal equal-area projection.

    The map of a database has a dot where each event peaked, of at most 5000 events: those of the highest peaks.

    Parameters
    ----------
    events : EventCatalogue, Event, StoredEvent or EventDatabase
        What :func:`era5fast.find_events` gave, one event of it, such as ``events[3]``, or of a database, such as
        ``db[42]``. Cells that a database keeps are drawn for ``event_map(db, event=42)``.
    path : path, optional
        File to write; its ending decides the format.
    event : int, optional
        Number of the event of a catalogue to draw, or id in a database; all events when left out.
    outlines : int
        How many events to outline on a map of all, those of the highest peak exceedance first; at most 6.
    kind : str, optional
        Only events of this kind of a database.
    diagnostic : int or sequence of int, optional
        Only events of this definition of a database, or of one of these; ``db.diagnostics()`` lists them.
    title : str, optional
        Title; made from the events when left out.
    note : str
        Small print under the title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; on a figure of its own when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there are more outlines than colours, or no such event.

    References
    ----------
    Colours of the categories: Hobday et al. 2018, Oceanography 31(2), 162. Coastline: Natural Earth 1:50m.
    """
    if not 0 <= count(outlines, "outlines") <= len(_OUTLINES):
        raise InputError(f"{outlines} outlines, must be 0 to {len(_OUTLINES)}")
    if isinstance(events, EventCatalogue) and event is None:
        axes = _map_of_all(events, outlines, title, note, ax)
    elif isinstance(events, EventDatabase) and event is None:
        axes = _map_of_stored(events, Choice(kind, diagnostic), outlines, title, note, ax)
    else:
        axes = _map_of_one(one_event(events, event), title, note, ax)
    save(axes, path)
    figure = axes.figure
    assert isinstance(figure, Figure)
    return figure


def _sized(chart: GlobeMap) -> tuple[float, float]:
    shape = chart.shape()
    height = float(np.clip(8.5 / shape, 2.5, 6.5))
    return max(height * shape + 1.9, 7.0), height + 1.4  # title and legend need a width of their own


def _inches(axes: Axes) -> float:
    """Width that there is for a legend below axes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return float(figure.get_figwidth() * (1.0 if len(figure.axes) <= 2 else axes.get_position().width))


def _titles(axes: Axes, title: str, note: str) -> None:
    axes.set_title(wrapped(title, 0.8 * _inches(axes), 11), fontsize=11, pad=18 if note else 6)
    if note:
        axes.text(0.5, 1.012, one_line(note), transform=axes.transAxes, fontsize=9, color="#a00000", ha="center")


# --- all events ---


def _map_of_all(events: EventCatalogue, outlines: int, title: str | None, note: str, ax: Axes | None) -> Axes:
    grid = events.core.axes()
    longitude, latitude = edges(grid["longitude"]), edges(grid["latitude"], 90)
    chart = map_of(longitude.min(), longitude.max(), latitude.min(), latitude.max())
    width, height = _sized(chart)
    axes = new_axes(ax, (width, height + 0.17 * outlines))
    _draw_days(axes, chart, events, longitude, latitude)
    chart.coastlines(axes)
    labelled = _draw_outlines(axes, chart, events, outlines)
    chart.finish(axes)
    seconds = grid["seconds"]
    period = (
        f"{day_text(seconds[0], grid['calendar'])} to {day_text(seconds[-1], grid['calendar'])}"
        if len(seconds)
        else "no data"
    )
    made = f"{counted(len(events), 'event')} of {events.name or 'the series'}, {period}"
    _titles(axes, title or made, note)
    if labelled:
        _legend(axes, labelled, "Highest peaks", ax is None)
    return axes


def _legend(axes: Axes, handles: list[Any], title: str | None, alone: bool, columns: int = 1) -> None:
    if alone:
        style: dict[str, Any] = {"fontsize": 8.5, "frameon": False, "title": title, "ncols": columns}
        inches = _inches(axes) - 0.6
        longest = max((len(str(handle.get_label())) for handle in handles), default=0)
        if columns > 1 and longest * 0.066 > inches / columns - 0.4:
            style["ncols"] = columns = 1
        for handle in handles:
            handle.set_label(wrapped(handle.get_label(), inches / columns - 0.4, 8.5))
        axes.figure.legend(handles=handles, loc="outside lower center", **style)
    else:
        for handle in handles:
            handle.set_label(one_line(handle.get_label()))
        legend_below(axes, handles, 0.25, 7)


def event_steps(events: EventCatalogue) -> np.ndarray:
    """(latitude, longitude) array: on how many time steps each cell was part of an event."""
    axes, runs = events.core.axes(), events.core.runs()
    ends = np.zeros((len(axes["latitude"]), len(axes["longitude"]) + 1), dtype="int64")
    np.add.at(ends, (runs["row"], runs["first"]), 1)
    np.add.at(ends, (runs["row"], runs["first"] + runs["count"]), -1)
    return ends.cumsum(axis=1)[:, :-1]


def _draw_days(
    axes: Axes, chart: GlobeMap, events: EventCatalogue, longitude: np.ndarray, latitude: np.ndarray
) -> None:
    seconds = events.core.axes()["seconds"]
    step = usual_step(seconds) / DAY
    years = max(len(seconds) * step / 365.25, 1e-9)
    days = event_steps(events) * step / (years if years >= 2 else 1)
    mesh = chart.mesh(axes, longitude, latitude, np.ma.masked_equal(days, 0), cmap=on_sea("YlOrRd", 0.75), zorder=1)
    if not days.any():
        say_nothing_there(axes)
        return
    label = "days in events per year" if years >= 2 else "days in events"
    axes.figure.colorbar(mesh, ax=axes, shrink=0.8, pad=0.02, label=label)


def _draw_outlines(axes: Axes, chart: GlobeMap, events: EventCatalogue, count: int) -> list[Line2D]:
    labels = []
    table = events.strongest(count, by="peak_exceedance")
    for number, (_, row), colour in zip(table.index.tolist(), table.iterrows(), _OUTLINES, strict=False):
        chart.outline(
            axes, events.outline(number), colors=colour, linewidths=2, zorder=4, path_effects=_HALO
        ).set_label(f"event {number}")
        dates = str(row["start"])[:10], str(row["end"])[:10]
        labels.append(Line2D([], [], color=colour, linewidth=2, label=_describe(dates, row, events.units)))
    return labels


def _describe(dates: tuple[str, str], row: Any, units: str) -> str:
    start, end = dates
    peak = f"+{row['peak_exceedance']:.3g} {units}".rstrip()
    return f"{start} to {end}: peak {peak}, up to {row['area_max_km2']:,.0f} km²"


# --- all events of a database ---

_DOTS = 5000
_COLUMNS = ("id", "kind", "peak_latitude", "peak_longitude", "south", "north", "west", "east")


def _map_of_stored(
    db: EventDatabase, choice: Choice, outlines: int, title: str | None, note: str, ax: Axes | None
) -> Axes:
    order = ("-peak_exceedance", "id")
    shown = db.query(choice.kind, diagnostic=choice.diagnostic, columns=_COLUMNS, order_by=order, limit=_DOTS)
    tell_definitions(db, choice)
    if len(shown) == 0:
        raise InputError("there are no events to draw", hint="does the query find any? see db.query()")
    chart = map_around(*_hull(shown), 0.0)
    width, height = _sized(chart)
    axes = new_axes(ax, (width, height + 0.17 * outlines))
    axes.set_facecolor(SEA)
    chart.coastlines(axes)
    handles = _draw_peaks(axes, chart, shown)
    for number, colour in zip(shown["id"].head(outlines).tolist(), _OUTLINES, strict=False):
        event = db[int(number)]
        drawn = one_event(event)
        chart.outline(axes, drawn.outline, colors=colour, linewidths=2, zorder=5, path_effects=_HALO)
        dates = str(event["start_day"]), str(event["end_day"])
        text = f"event {number}, {_describe(dates, event, event.units)}"
        handles.append(Line2D([], [], color=colour, linewidth=2, label=text))
    chart.finish(axes)
    _titles(axes, title or _title_of_stored(db, choice, shown), note)
    _legend(axes, handles, "Dots: where events peaked. Outlines: the highest peaks", ax is None)
    return axes


def _hull(events: pd.DataFrame) -> tuple[float, float, float, float]:
    """West, east, south and north of all boxes; longitudes go on beyond 180° where most of the globe is empty so."""
    west, east = (events[name].to_numpy("float64") for name in ("west", "east"))
    low, high = arcs.hull(west, east)
    return low, high, float(events["south"].min()), float(events["north"].max())


def _draw_peaks(axes: Axes, chart: GlobeMap, events: pd.DataFrame) -> list[Any]:
    """A dot for each event, in a colour for each kind; the entries of the legend where there are several."""
    handles: list[Any] = []
    for number, (kind, part) in enumerate(events.groupby("kind", sort=False)):
        colour = COLOURS[(number + 1) % (len(COLOURS) - 1)]
        latitude, longitude = (part[name].to_numpy("float64") for name in ("peak_latitude", "peak_longitude"))
        x, y = chart.project(chart.near(longitude), latitude)
        size = 14 if len(events) <= 300 else 5
        axes.scatter(x, y, s=size, color=colour, alpha=0.7, linewidths=0, zorder=4, label=one_line(kind))
        style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 5, "color": colour}
        handles.append(Line2D([], [], label=str(kind), **style))
    return handles if len(handles) > 1 else []


def _title_of_stored(db: EventDatabase, choice: Choice, shown: pd.DataFrame) -> str:
    days = db.sql(_ALL, choice.values).iloc[0]
    whole = counted(int(days["events"]), noun_of(shown["kind"]))
    number = whole if len(shown) == days["events"] else f"{len(shown)} of {whole}"
    return f"{number}, {days['first']} to {days['last']}"


_ALL = f"""SELECT count(*) AS events, min(start_day) AS first, max(end_day) AS last FROM event
           WHERE {CHOSEN.format("diagnostic_id")}"""


# --- one event ---


def _map_of_one(event: OneEvent, title: str | None, note: str, ax: Axes | None) -> Axes:
    row = event.properties
    centre = float(row["peak_longitude"])
    chart = map_around(row["west"], row["east"], row["south"], row["north"], centre)
    axes = new_axes(ax, _sized(chart))
    _draw_footprint(axes, chart, event)
    chart.coastlines(axes)
    chart.outline(axes, event.outline, colors="#1b1b1b", linewidths=1.6, zorder=4)
    _draw_path(axes, chart, event)
    chart.marker(
        axes, float(row["peak_longitude"]), float(row["peak_latitude"]), marker="*", markersize=17, zorder=7,
        markerfacecolor="white", markeredgecolor="black", markeredgewidth=1.2, label="peak",
    )  # fmt: skip
    chart.finish(axes)
    _titles(axes, title or _title(event), note)
    _legend(axes, _key(event), None, ax is None, columns=2)
    return axes


def _title(event: OneEvent) -> str:
    first, last = (day_text(event.seconds[i], event.calendar) for i in (0, -1))
    days = float(event.properties["duration_days"])
    category = f", {CATEGORIES[event.category]}" if event.category else ""
    in_hours = event.step < 1 and days < _IN_DAYS
    length, unit = (24 * days, "hour") if in_hours else (days, "day")
    length = round(length, 2)
    period = first if first == last else f"{first} to {last}"
    return f"{event.name}{category}, {period} ({length:g} {unit}{'' if length == 1 else 's'})"


_IN_DAYS = 3  # days from which on a length is told in days


def _key(event: OneEvent) -> list[Any]:
    row = event.properties
    peak = f"peak: {row['peak_exceedance']:.3g}{' ' + event.units if event.units else ''} beyond the threshold"
    place = place_text(float(row["peak_latitude"]), float(row["peak_longitude"]))
    style: dict[str, Any] = {"linestyle": "none", "marker": "*", "markersize": 12}
    style |= {"markerfacecolor": "white", "markeredgecolor": "black"}
    handles: list[Any] = [Line2D([], [], label=f"{peak}, {place}", **style)]
    footprint = f"footprint: {compact(float(row['footprint_km2']))} km²"
    if event.cells is None:
        handles.append(Patch(facecolor=_one_colour(event), edgecolor="#1b1b1b", label=footprint))
    else:
        handles.append(Patch(facecolor="none", edgecolor="#1b1b1b", label=footprint))
    if len(event.seconds) > 1:
        label = f"centre, {'day by day' if event.step == 1 else 'step by step'}"
        handles.append(Line2D([], [], color=_PATH, marker="o", markersize=4, label=label))
    return handles


_PATH = "#0b4f8a"


def _one_colour(event: OneEvent) -> str:
    return CATEGORY_COLOURS.get(event.category, "#e9a15b")


def _draw_footprint(axes: Axes, chart: GlobeMap, event: OneEvent) -> None:
    if event.cells is None:
        chart.fill(axes, event.outline, facecolors=_one_colour(event), alpha=0.75, zorder=1)
        return
    norm, colours = _whole_steps(int(event.cells.count.max()))
    steps = np.ma.masked_equal(event.cells.count, 0)
    chart.mesh(axes, event.cells.longitude, event.cells.latitude, steps, cmap=colours, norm=norm, zorder=1)
    unit, length = ("days", event.step) if event.step >= 1 else ("hours", 24 * event.step)
    label = f"{unit} in the event"
    bar = axes.figure.colorbar(ScalarMappable(norm, colours), ax=axes, shrink=0.8, pad=0.02, label=label)
    _whole_ticks(bar, norm, length)


def _whole_steps(most: int) -> tuple[BoundaryNorm, ListedColormap]:
    """Classes of whole numbers of steps: one each where they are few, else about eight of equal width."""
    width = max(int(np.ceil(most / 8)), 1)
    limits = np.arange(1, most + width + 1, width)
    colours = ListedColormap(on_sea("YlOrRd", 0.85)(np.linspace(0.12, 1, max(len(limits) - 1, 1))))
    return BoundaryNorm(limits, colours.N), colours


def _whole_ticks(bar: Any, norm: BoundaryNorm, length: float) -> None:
    """Name the classes by what their steps amount to, of this length each."""
    limits = np.asarray(norm.boundaries, dtype="int64")
    names = [
        f"{a * length:.4g}" if b - a == 1 else f"{a * length:.4g}–{(b - 1) * length:.4g}" for a, b in pairwise(limits)
    ]
    bar.set_ticks((limits[:-1] + limits[1:]) / 2, labels=names)
    bar.minorticks_off()
    bar.ax.tick_params(length=0)


def _draw_path(axes: Axes, chart: GlobeMap, event: OneEvent) -> None:
    longitude, latitude = event.states["longitude"], event.states["latitude"]
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if known.sum() < 2:
        return
    longitude = np.rad2deg(np.unwrap(np.deg2rad(longitude[known])))
    longitude += chart.near(longitude[:1])[0] - longitude[0]
    for turn in chart.turns:  # a long path may leave the map on one side and come back on the other
        x, y = chart.project(longitude + turn, latitude[known])
        axes.plot(x, y, color=_PATH, linewidth=1.4, marker="o", markersize=3, zorder=5, path_effects=_HALO)
        _name_days(axes, chart, np.column_stack([x, y]), event.seconds[known], event)


def _name_days(axes: Axes, chart: GlobeMap, point: np.ndarray, seconds: np.ndarray, event: OneEvent) -> None:
    """Write dates at the first and the last point, and at others that are far enough from those named before."""
    span = (chart.east - chart.west) if isinstance(chart, FlatMap) else float(np.ptp(point, axis=0).max()) * 2
    hours = event.step < 1 and np.ptp(seconds) < _IN_DAYS * DAY
    apart = (0.18 if hours else 0.11) * span
    named: list[int] = []
    for i in [0, len(point) - 1, *range(1, len(point) - 1)]:
        distance = [np.hypot(*(point[i] - point[j])) for j in named]
        if i == 0 or min(distance) > apart:
            named.append(i)
            axes.annotate(
                short_date(seconds[i], event.calendar, hours=hours), point[i], xytext=(5, 5),
                textcoords="offset points", fontsize=8, color=_PATH, fontweight="bold", zorder=8,
                path_effects=_TEXT_HALO, annotation_clip=True,
            )  # fmt: skip

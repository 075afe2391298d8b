"""Pictures of events. Matplotlib is loaded when the first one is drawn."""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .events import Events

__all__ = ["event_map"]

#: Colours of the outlines, highest peak first: dark enough on the pale map, and apart for the colour-blind.
_OUTLINES = ("#1b1b1b", "#0b5fa5", "#7b3294", "#00795a", "#a6004f", "#8c510a")


@cache
def coastline() -> list[np.ndarray]:
    """Coastlines of the world as (n, 2) arrays of longitude and latitude (Natural Earth 1:50m, public domain)."""
    with (files(__package__) / "data" / "coastline.npz").open("rb") as file, np.load(file) as data:
        point, start = data["point"] / 100.0, data["start"]
    return [point[a:b] for a, b in pairwise(start)]


def event_map(
    events: Events,
    path: str | os.PathLike[str] | None = None,
    *,
    outlines: int = 4,
    title: str | None = None,
    note: str = "",
) -> Figure:
    """Map of how often events visit each cell, with the outlines of those that peaked highest.

    Parameters
    ----------
    events : Events
        What :func:`era5fast.find_events` gave.
    path : path, optional
        File to write; its ending decides the format.
    outlines : int
        How many events to outline, those of the highest peak exceedance first; at most 6.
    title : str, optional
        Title; made from the events when left out.
    note : str
        Small print under the title.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        If there are more outlines than colours.
    """
    if not 0 <= outlines <= len(_OUTLINES):
        raise InputError(f"{outlines} outlines, must be 0 to {len(_OUTLINES)}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_figure_size(events), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw_days(axes, events)
    _draw_coastline(axes)
    _draw_outlines(axes, events, outlines)
    _finish(axes, events, title, note)
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def _edges(centres: np.ndarray) -> np.ndarray:
    step = np.diff(centres) if len(centres) > 1 else np.array([0.25])
    middle = centres[:-1] + step / 2 if len(centres) > 1 else np.empty(0)
    return np.concatenate([[centres[0] - step[0] / 2], middle, [centres[-1] + step[-1] / 2]])


def _extent(events: Events) -> tuple[float, float, float, float]:
    axes = events.core.axes()
    longitude, latitude = _edges(axes["longitude"]), _edges(axes["latitude"])
    return longitude.min(), longitude.max(), latitude.min(), latitude.max()


def _figure_size(events: Events) -> tuple[float, float]:
    west, east, south, north = _extent(events)
    shape = (east - west) * np.cos(np.deg2rad((south + north) / 2)) / (north - south)
    width = float(np.clip(7.5 * shape, 6.5, 13))
    return width + 1.5, float(np.clip(width / shape, 3.5, 9)) + 2.0


def event_days(events: Events) -> np.ndarray:
    """(latitude, longitude) array: on how many days each cell was part of an event."""
    axes, runs = events.core.axes(), events.core.runs()
    ends = np.zeros((len(axes["latitude"]), len(axes["longitude"]) + 1), dtype="int64")
    np.add.at(ends, (runs["row"], runs["first"]), 1)
    np.add.at(ends, (runs["row"], runs["first"] + runs["count"]), -1)
    return ends.cumsum(axis=1)[:, :-1]


def _draw_days(axes: Axes, events: Events) -> None:
    grid = events.core.axes()
    years = max(len(grid["seconds"]) * _step_days(grid["seconds"]) / 365.25, 1e-9)
    days = event_days(events) / (years if years >= 2 else 1)
    mesh = axes.pcolormesh(
        _edges(grid["longitude"]), _edges(grid["latitude"]), np.ma.masked_equal(days, 0), cmap="YlOrRd", alpha=0.6
    )
    if not days.any():
        return
    label = "days in events per year" if years >= 2 else "days in events"
    axes.figure.colorbar(mesh, ax=axes, shrink=0.8, pad=0.02, label=label)


def _step_days(seconds: np.ndarray) -> float:
    return float(np.median(np.diff(seconds))) / 86400 if len(seconds) > 1 else 1.0


def _draw_coastline(axes: Axes) -> None:
    from matplotlib.collections import LineCollection

    lines = coastline()
    copies = [np.add(line, (shift, 0)) for shift in (-360, 0, 360) for line in lines]
    axes.add_collection(LineCollection(copies, colors="#202020", linewidths=1.0, zorder=3), autolim=False)


def _draw_outlines(axes: Axes, events: Events, count: int) -> None:
    from matplotlib.patheffects import Normal, Stroke

    halo = [Stroke(linewidth=4, foreground="white", alpha=0.8), Normal()]
    table = events.strongest(count, by="peak_exceedance")
    for number, (_, row), colour in zip(table.index.tolist(), table.iterrows(), _OUTLINES, strict=False):
        rings = [ring for polygon in events.outline(number) for ring in polygon]
        # Outlines are within ±180°, the grid may be elsewhere: of three turns of the globe the map shows its part.
        for i, ring in enumerate(np.add(ring, (shift, 0)) for shift in (-360, 0, 360) for ring in rings):
            label = _describe(row, events.units) if i == 0 else None
            axes.plot(ring[:, 0], ring[:, 1], color=colour, linewidth=2, label=label, zorder=4, path_effects=halo)
    if len(table):
        axes.figure.legend(loc="outside lower center", fontsize=8.5, frameon=False, title="Highest peaks")


def _describe(row: Any, units: str) -> str:
    start, end = str(row["start"])[:10], str(row["end"])[:10]
    return f"{start} to {end}: peak +{row['peak_exceedance']:.3g} {units}, up to {row['area_max_km2']:,.0f} km²"


def _finish(axes: Axes, events: Events, title: str | None, note: str) -> None:
    west, east, south, north = _extent(events)
    grid = events.core.axes()
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect(1 / np.cos(np.deg2rad((south + north) / 2)))
    axes.set_xlabel("longitude (°E)")
    axes.set_ylabel("latitude (°N)")
    seconds = grid["seconds"].astype("datetime64[s]")
    period = f"{str(seconds[0])[:10]} to {str(seconds[-1])[:10]}" if len(seconds) else "no data"
    axes.set_title(note, fontsize=9, color="#a00000")
    axes.figure.suptitle(title or f"{len(events)} events of {events.name or 'the series'}, {period}", fontsize=12)

"""An event from day to day: its area and its intensity."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..times import DAY, usual_step
from .dates import date_axis, day_text, positions
from .one_event import OneEvent, one_event
from .style import (
    CATEGORIES,
    CATEGORY_COLOURS,
    COLOURS,
    NO_CATEGORY,
    STRONG,
    give_title,
    legend_below,
    new_axes,
    one_line,
    save,
    with_units,
)


def event_states(
    events: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    event: int | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Area of an event on each of its days as bars, its mean and largest exceedance as lines.

    Parameters
    ----------
    events : Event, EventCatalogue, StoredEvent or EventDatabase
        One event, such as ``events[3]`` or ``db[42]``, or that of which it is one.
    path : path, optional
        File to write; its ending decides the format.
    event : int, optional
        Number of the event of a catalogue, or its id in a database.
    title : str, optional
        Title; made from the event when left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; on a figure of its own when left out.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the areas, in 1000 km². Where categories are known, the bars are stacked by category. The axes of
        the exceedance share their dates and are the last ones of the figure.

    Raises
    ------
    InputError
        If there is no such event.
    """
    drawn = one_event(events, event)
    axes = new_axes(ax, (8.5, 3.8))
    days = positions(drawn.seconds)
    width = usual_step(drawn.seconds) / DAY
    _bars(axes, drawn, days, 0.86 * width)
    axes.set_ylabel("area (1000 km²)")
    axes.set_xlim(days[0] - 0.6 * width, days[-1] + 0.6 * width)
    date_axis(axes, drawn.calendar, hours=drawn.step < 1)
    axes.spines["top"].set_visible(False)
    right = _lines(axes, drawn, days)
    axes.set_zorder(1)
    right.set_zorder(2)
    first, last = (day_text(drawn.seconds[i], drawn.calendar) for i in (0, -1))
    give_title(axes, title or f"{drawn.name}, {first if first == last else f'{first} to {last}'}")
    legend_below(axes, [handle for part in (axes, right) for handle in part.get_legend_handles_labels()[0]])
    save(axes, path)
    return axes


def _bars(axes: Axes, event: OneEvent, days: np.ndarray, width: float) -> None:
    area = event.states["area"] / 1000
    parts = event.category_areas()
    if parts is None:
        axes.bar(days, area, width, color="#9db8cf", label="area")
        return
    below = area - parts.sum(axis=0) / 1000  # cells that reach no category
    if (below > 1e-9 * area).any():
        axes.bar(days, below, width, color=NO_CATEGORY, label="no category")
    for (number, name), part in zip(CATEGORIES.items(), parts / 1000, strict=True):
        if part.any():
            axes.bar(days, part, width, bottom=below, color=CATEGORY_COLOURS[number], label=name)
        below = below + part


def _lines(axes: Axes, event: OneEvent, days: np.ndarray) -> Axes:
    right: Axes = axes.twinx()
    style: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linewidth": 1.5}
    right.plot(days, event.states["maximum"], color=STRONG, label="largest exceedance", **style)
    right.plot(days, event.states["mean"], color=COLOURS[6], linestyle="--", label="mean exceedance", **style)
    right.set_ylim(bottom=0)
    right.set_ylabel(one_line(with_units("exceedance", event.units)))
    right.spines["top"].set_visible(False)
    return right

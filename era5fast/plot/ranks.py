"""The strongest events as bars."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..database import EventDatabase
from ..database_query import count
from ..wording import counted
from .dates import day_text
from .event_table import Choice, EventTable, event_table, noun_of, words
from .style import (
    COLOURS,
    compact,
    fitting,
    give_title,
    new_axes,
    one_line,
    place_text,
    save,
    say_nothing_there,
    with_units,
)


def ranking(
    events: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    by: str = "cumulative_intensity",
    n: int = 10,
    kind: str | None = None,
    diagnostic: int | Sequence[int] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The strongest events as bars, the strongest on top, with their dates and where they peaked.

    Parameters
    ----------
    events : EventCatalogue, EventDatabase or pandas.DataFrame
        Events, a database of them, or what ``query()`` or ``to_dataframe()`` gave.
    path : path, optional
        File to write; its ending decides the format.
    by : str
        Column of numbers to rank by. Missing ones come last.
    n : int
        How many events at most.
    kind : str, optional
        Only events of this kind of a database.
    diagnostic : int or sequence of int, optional
        Only events of this definition of a database, or of one of these; ``db.diagnostics()`` lists them.
    title : str, optional
        Title; made from the events when left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; on a figure of its own when left out.

    Returns
    -------
    matplotlib.axes.Axes
        Bars have a colour for each kind of event.

    Raises
    ------
    InputError
        If there is no such column, or it holds no numbers.
    """
    choice = Choice(kind, diagnostic)
    table = event_table(events, choice, (by, "peak_latitude", "peak_longitude"), order_by=f"-{by}", limit=count(n))
    values = table.column(by)
    order = np.argsort(-np.where(np.isfinite(values), values, -np.inf), kind="stable")[: count(n)]
    kinds = [str(name) for name in table.frame["kind"].iloc[order]] if "kind" in table.frame else [""] * len(order)
    axes = new_axes(ax, (8.5, 1.1 + 0.36 * max(len(order), 2)))
    colours = dict(zip(dict.fromkeys(kinds), COLOURS * (1 + len(kinds) // len(COLOURS)), strict=False))
    bars = axes.barh(np.arange(len(order)), values[order], color=[colours[name] for name in kinds], height=0.72)
    axes.bar_label(bars, [compact(value) for value in values[order]], padding=3, fontsize=8.5)
    axes.set_yticks(np.arange(len(order)), labels=[_label(table, i) for i in order.tolist()], fontsize=8.5)
    room = max(2 - len(order), 0) / 2  # a single bar is not as high as the picture
    axes.set_ylim(len(order) - 0.5 + room, -0.5 - room)
    axes.margins(x=0.16)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(fitting(axes, 1.0, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    axes.set_xlabel(one_line(with_units(words(by), table.units_of(by))))
    axes.spines[["top", "right", "left"]].set_visible(False)
    give_title(axes, title or f"{len(order)} of {_all(events, choice, table)} by {words(by)}")
    if len(order) == 0:
        axes.set_xticks([])
        say_nothing_there(axes)
    if len(colours) > 1:
        handles = [Patch(color=colour, label=one_line(name)) for name, colour in colours.items()]
        axes.legend(handles=handles, fontsize=8.5, frameon=False, loc="lower right")
    save(axes, path)
    return axes


def _all(events: Any, choice: Choice, table: EventTable) -> str:
    """How many events there are to rank, and of what kind; of a database only the strongest were read."""
    if not isinstance(events, EventDatabase):
        return table.counted(len(table))
    there = events.count_by("kind", kind=choice.kind, diagnostic=choice.diagnostic)
    return counted(int(there["events"].sum()), noun_of(there["kind"]))


def _label(table: EventTable, i: int) -> str:
    first, last = (day_text(seconds[i], table.calendar) for seconds in (table.start, table.end))
    period = first if first == last else f"{first} to {last[5:] if last[:4] == first[:4] else last}"
    row = table.frame.iloc[i]
    place = place_text(float(row["peak_latitude"]), float(row["peak_longitude"])) if "peak_latitude" in row else ""
    return f"{period}, {place}" if place else period

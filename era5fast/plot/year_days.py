"""A calendar: a row for each year, a column for each day of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

from .._core import dates
from ..errors import InputError
from .dates import month_axis, month_starts
from .day_totals import DayTotals, day_totals
from .event_table import Choice
from .style import give_title, new_axes, one_line, save, say_nothing_there, with_units

_QUIET = "#eef1f4"


def calendar(
    events: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    value: Literal["area", "events", "exceedance"] | None = None,
    kind: str | None = None,
    diagnostic: int | Sequence[int] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Years × days of the year, coloured where there are events.

    Parameters
    ----------
    events : EventCatalogue, EventDatabase or pandas.DataFrame
        Events, a database of them, or what ``query()`` or ``to_dataframe()`` gave.
    path : path, optional
        File to write; its ending decides the format.
    value : {'area', 'events', 'exceedance'}, optional
        What the colour says of a day: the area in events, how many there are, or their largest exceedance. When left
        out, the area where it is known, else the number; of a table only the number is known.
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
        Days of the record without events are pale grey, days outside it are white.

    Raises
    ------
    InputError
        If there are no events, or the value is not known.
    """
    totals = day_totals(events, Choice(kind, diagnostic))
    values, label = _values(totals, value)
    years, grid, known = _grid(totals, values)
    columns = grid.shape[1]
    axes = new_axes(ax, (9.5, float(np.clip(1.4 + 0.22 * len(years), 2.2, 11))))
    x, y = np.arange(columns + 1), np.append(years, years[-1] + 1) - 0.5
    axes.pcolormesh(x, y, np.ma.masked_where(~known, np.zeros(grid.shape)), cmap=ListedColormap([_QUIET]))
    mesh = axes.pcolormesh(x, y, np.ma.masked_where(~known | (grid == 0), grid), cmap="YlOrRd", rasterized=True)
    for start, _ in month_starts(columns)[1:]:
        axes.axvline(start, color="white", linewidth=0.8)
    if (grid > 0).any():
        mesh.set_clim(0, float(grid.max()))
        axes.figure.colorbar(mesh, ax=axes, pad=0.01, label=one_line(label))
    else:
        say_nothing_there(axes)
    axes.set_ylim(years[-1] + 0.5, years[0] - 0.5)
    axes.set_xlim(0, columns)
    axes.yaxis.set_major_locator(MaxNLocator(12, integer=True, min_n_ticks=1))
    month_axis(axes, columns)
    axes.spines[:].set_visible(False)
    give_title(axes, title or f"{totals.name}, on {_share(values)}")
    save(axes, path)
    return axes


def _share(values: np.ndarray) -> str:
    return f"{int((values > 0).sum())} of {len(values)} days"


def _values(totals: DayTotals, value: str | None) -> tuple[np.ndarray, str]:
    choices = {
        "area": (totals.area, "area in events (1000 km²)"),
        "events": (totals.events, "number of events"),
        "exceedance": (totals.exceedance, with_units("largest exceedance", totals.units)),
    }
    chosen = value or ("events" if totals.area is None else "area")
    if chosen not in choices:
        raise InputError(f"value must be one of: {' '.join(choices)}, not {value!r}")
    values, label = choices[chosen]
    if values is None:
        raise InputError(f"a table of events does not know the {chosen} of a day", hint="pass the database itself")
    return (values / 1000 if chosen == "area" else values), label


def _grid(totals: DayTotals, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Years, the values as (year, day of the year), and which of these days the record has."""
    year, month, day = dates(totals.days, totals.calendar)[:, :3].T.astype("int64")
    columns = {"360_day": 360, "noleap": 365, "365_day": 365}.get(totals.calendar, 366)
    starts = np.array([start for start, _ in month_starts(columns)])
    years = np.arange(year[0], year[-1] + 1)
    grid, known = np.zeros((len(years), columns)), np.zeros((len(years), columns), dtype=bool)
    place = year - year[0], starts[month - 1] + day - 1
    grid[place], known[place] = values, True
    return years, grid, known

"""Events per year, and whether there is a trend."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from .._core import dates
from ..diagnostics import mann_kendall
from ..errors import InputError
from ..times import days_of
from .event_table import Choice, EventTable, event_table, words
from .style import (
    COLOURS,
    STRONG,
    compact,
    fitting,
    give_title,
    legend_below,
    new_axes,
    one_line,
    plain_look,
    save,
    say_nothing_there,
)

_LEAST_SHARE = 0.95  # of the days of a year that the record must have
_PALE = 0.35  # how much there is to see of the bars of other years


def yearly_counts(
    events: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    value: str = "count",
    years: Sequence[int] | None = None,
    kind: str | None = None,
    diagnostic: int | Sequence[int] | None = None,
    confidence: float = 0.95,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Bars of the events of each year, with the slope of Theil and Sen and what the test of Mann and Kendall says.

    An event belongs to the year in which it begins. Years of which the record has less than 95 % of the days are
    pale and have no part in the trend.

    Parameters
    ----------
    events : EventCatalogue, EventDatabase or pandas.DataFrame
        Events, a database of them, or what ``query()`` or ``to_dataframe()`` gave.
    path : path, optional
        File to write; its ending decides the format.
    value : str
        ``"count"``: number of events; else the column whose sum over the events of a year is drawn, such as
        ``"duration_days"`` or ``"cumulative_intensity"``.
    years : (int, int), optional
        First and last year of the record. A catalogue knows its record, and a database that of its searches; else it
        is taken to reach from the first event to the last.
    kind : str, optional
        Only events of this kind of a database.
    diagnostic : int or sequence of int, optional
        Only events of this definition of a database, or of one of these; ``db.diagnostics()`` lists them.
    confidence : float
        Level of confidence of the limits of the slope.
    title : str, optional
        Title; made from the events when left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; on a figure of its own when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        If there are neither events nor years, or no such column.

    See Also
    --------
    era5fast.mann_kendall : The test and the slope, with formulas and sources.
    """
    table = event_table(events, Choice(kind, diagnostic), () if value == "count" else (value,))
    first, last = _span(table, years)
    year = np.arange(first, last + 1)
    weights = None if value == "count" else table.column(value)
    begun = dates(days_of(table.start), table.calendar)[:, 0] - first
    inside = (begun >= 0) & (begun < len(year))
    sums = np.bincount(
        begun[inside], weights=None if weights is None else np.nan_to_num(weights[inside]), minlength=len(year)
    )
    whole = np.ones(len(year), dtype=bool) if years is not None else _whole(table, year)
    axes = new_axes(ax, (8.5, 3.8))
    bars = axes.bar(year, sums, width=0.8, color=COLOURS[0])
    for bar, complete in zip(bars, whole, strict=True):
        bar.set_alpha(1.0 if complete else _PALE)
    handles = _trend(axes, year[whole], sums[whole], confidence)
    if not whole.all():
        handles.append(Patch(color=COLOURS[0], alpha=_PALE, label="years that the record does not have whole"))
    if handles:
        legend_below(axes, handles, 0.3, 8.5)
    what = "events" if value == "count" else words(value)
    unit = "" if value == "count" else table.units_of(value)
    axes.set_ylabel(one_line(f"{what} per year") + (f"\n({one_line(unit)})" if unit else ""))
    axes.yaxis.set_major_locator(MaxNLocator(7, integer=value == "count"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: compact(number)))
    few = fitting(axes, 0.6, 10)
    axes.xaxis.set_major_locator(FixedLocator(year.tolist()) if len(year) <= few else MaxNLocator(few, integer=True))
    room = max(0.6, (5 - len(year)) / 2)  # the bar of a single year is not as wide as the picture
    axes.set_xlim(first - room, last + room)
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.6)
    axes.set_axisbelow(True)
    plain_look(axes)
    give_title(axes, title or f"{what} per year: {table.counted(len(table))}")
    if len(table) == 0:
        axes.set_ylim(0, 1)
        axes.set_yticks([0])
        say_nothing_there(axes)
    save(axes, path)
    return axes


def _span(table: EventTable, years: Sequence[int] | None) -> tuple[int, int]:
    if years is not None:
        try:
            first, last = (int(year) for year in years)
        except (TypeError, ValueError) as error:
            raise InputError(f"years is {years!r}, must be the first and the last") from error
        if first > last:
            raise InputError(f"years is {years!r}: the first comes before the last")
        return first, last
    if table.record is None and len(table) == 0:
        raise InputError("there are no events", hint="years=(1991, 2020) draws years without any")
    begin, end = table.record or (table.start.min(), table.start.max())
    first, last = dates(days_of(np.array([begin, end])), table.calendar)[:, 0].tolist()
    return first, last


def _whole(table: EventTable, year: np.ndarray) -> np.ndarray:
    """Which years the record has whole, or nearly; all where the record is not known."""
    if table.record is None:
        return np.ones(len(year), dtype=bool)
    days = np.arange(table.record[0] // 86400, table.record[1] // 86400 + 1)
    return np.bincount(dates(days, table.calendar)[:, 0] - year[0], minlength=len(year)) >= _LEAST_SHARE * 360


def _trend(axes: Axes, year: np.ndarray, sums: np.ndarray, confidence: float) -> list[Any]:
    """Draw the line of the trend, unless there are too few years or no events; gives its entry for the legend."""
    if len(year) < 4 or not sums.any():
        return []
    time = (year - 1970).astype("datetime64[Y]")
    trend = mann_kendall(sums.astype("float64"), confidence, time=time, progress=False)
    slope, low, high = (compact(10 * float(number)) for number in (trend.slope, trend.lower, trend.upper))
    chance = _chance(float(trend.p))
    label = f"Theil–Sen: {slope} per decade ({low} to {high} at {confidence:.0%}); Mann–Kendall: p {chance}"
    line = float(trend.intercept) + float(trend.slope) * year
    return axes.plot(year, line, color=STRONG, linewidth=2, label=label)


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"

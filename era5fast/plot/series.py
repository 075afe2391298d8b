"""A series with its climatology and threshold, and the days beyond it shaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .. import units
from ..catalogue import EventCatalogue
from ..database import EventDatabase, StoredEvent
from ..errors import InputError
from ..event import Event
from ..field import Field, as_field
from ..spell_table import limits, spells
from ..times import DAY, decode_times, encode_times, usual_step
from ..wording import named
from .dates import between, date_axis, day_text, positions
from .event_table import is_event_table
from .style import (
    CATEGORIES,
    CATEGORY_COLOURS,
    COLOURS,
    GREY,
    NO_CATEGORY,
    PALE,
    STRONG,
    give_title,
    latitude_text,
    legend_below,
    longitude_text,
    name_in_words,
    new_axes,
    one_line,
    plain_look,
    save,
    with_units,
)


@dataclass(frozen=True)
class _Series:
    """One value per step, and what it is compared with; all in the same units."""

    seconds: np.ndarray
    calendar: str
    values: np.ndarray
    threshold: np.ndarray | None
    climatology: np.ndarray | None
    name: str
    units: str
    place: str


def event_line(
    x: Any,
    threshold: Any = None,
    climatology: Any = None,
    path: str | os.PathLike[str] | None = None,
    *,
    below: bool = False,
    min_days: int = 3,
    max_gap: int = 0,
    categories: bool = False,
    start: Any = None,
    end: Any = None,
    leap_day: str | None = None,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Line of a daily series with climatology and threshold; days in events are shaded strongly, other days palely.

    Parameters
    ----------
    x : DataArray, Dataset, ndarray or paths (time, ...)
        Series of one cell; of several cells, their mean weighted with area.
    threshold : float, str, DataArray or ndarray, optional
        As for :func:`era5fast.spells`: a number, text like ``"30 degC"``, one value per cell, or one per cell and day
        of the year. Averaged as `x` is.
    climatology : float, str, DataArray or ndarray, optional
        What is normal, in the same forms.
    path : path, optional
        File to write; its ending decides the format.
    below : bool
        Events lie below the threshold.
    min_days : int
        Days of the shortest event.
    max_gap : int
        Days of the longest interruption that is bridged.
    categories : bool
        Shade days in events by category: moderate, strong, severe and extreme for each time that the threshold is
        exceeded by its distance from the climatology (Hobday et al. 2018). There is none on days on which the
        threshold does not lie beyond the climatology.
    start, end : date or str, optional
        Show only what lies between these days, both included. Events are found in the whole series.
    leap_day : {'stretch', 'own'}, optional
        Numbers of 366 days of the year, as for :func:`era5fast.spells`.
    time, latitude, longitude, calendar, variable
        As for all diagnostics.
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
        If times, axes or units do not fit, nothing lies between `start` and `end`, or categories are asked for
        without threshold and climatology.

    References
    ----------
    Hobday et al. 2016, Prog. Oceanogr. 141, 227; Hobday et al. 2018, Oceanography 31(2), 162.
    """
    if isinstance(x, EventCatalogue | Event | StoredEvent | EventDatabase) or is_event_table(x):
        hint = "event_states() draws the days of an event; this draws data, such as tx.sel(latitude=49, longitude=0)"
        raise InputError(f"a series of data is wanted, not {named(x)}", hint=hint)
    if categories and (threshold is None or climatology is None):
        raise InputError("categories need a threshold and a climatology")
    given = {"time": time, "latitude": latitude, "longitude": longitude, "calendar": calendar}
    field = as_field(x, **given, variable=variable, wraps=False)
    series = _mean(field, threshold, climatology, leap_day)
    inside = _in_events(series, below, min_days, max_gap)
    shown = between(series.seconds, series.calendar, start, end)
    axes = new_axes(ax, (9.5, 4.0))
    _draw(axes, series, inside, shown, below, categories)
    give_title(axes, title or _title(series, shown))
    save(axes, path)
    return axes


# --- one value per step ---


def _mean(field: Field, threshold: Any, climatology: Any, leap_day: str | None) -> _Series:
    if len(field.seconds) == 0 or 0 in field.cells():
        raise InputError("the data are empty", hint="is the selection empty?")
    weight = _weights(field)
    values = np.asarray(field.values(), dtype="float64").reshape(len(field.seconds), -1)

    def along(value: Any, name: str) -> np.ndarray | None:
        if value is None:
            return None
        rows, slots = limits(value, field, name, leap_day)
        return _weighted(rows, weight)[slots]

    return _Series(
        seconds=field.seconds,
        calendar=field.calendar,
        values=_weighted(values, weight),
        threshold=along(threshold, "threshold"),
        climatology=along(climatology, "climatology"),
        name=name_in_words(field.attrs, field.name, "value"),
        units=units.of(field.attrs) or "",
        place=_place(field),
    )


def _weights(field: Field) -> np.ndarray:
    """Weight of each cell: its area where the grid is known."""
    cells = field.cells()
    if len(cells) == 2 and field.latitude is not None and len(field.latitude) == cells[0]:
        return np.repeat(np.cos(np.deg2rad(field.latitude)).clip(0), cells[1])
    return np.ones(int(np.prod(cells)))


def _weighted(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean of each row over the cells that have a value; NaN where there is none."""
    if rows.shape[1] == 1:
        return rows[:, 0]
    known = np.isfinite(rows)
    total = (known * weight).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(known, rows * weight, 0).sum(axis=1) / np.where(total > 0, total, np.nan)


def _place(field: Field) -> str:
    if field.latitude is None or field.longitude is None or field.latitude.size == 0 or field.longitude.size == 0:
        return ""
    parts = []
    for axis, text in ((field.latitude, latitude_text), (field.longitude, longitude_text)):
        low, high = text(float(np.min(axis))), text(float(np.max(axis)))
        parts.append(low if low == high else f"{low} to {high}")
    return ("mean over " if np.prod(field.cells()) > 1 else "") + ", ".join(parts)


# --- days ---


def _in_events(series: _Series, below: bool, min_days: int, max_gap: int) -> np.ndarray:
    """Which days belong to events."""
    inside = np.zeros(len(series.seconds), dtype=bool)
    if series.threshold is None:
        return inside
    found = spells(
        series.values - series.threshold, 0.0, op="<" if below else ">", min_days=min_days, max_gap=max_gap,
        time=encode_times(series.seconds, series.calendar), calendar=series.calendar, progress=False,
    )  # fmt: skip
    for first, last in zip(found["start"], found["end"], strict=True):
        a, b = (decode_times([moment], series.calendar)[0][0] for moment in (first, last))
        inside[(series.seconds >= a) & (series.seconds <= b)] = True
    return inside


# --- drawing ---


def _draw(axes: Axes, series: _Series, inside: np.ndarray, shown: np.ndarray, below: bool, categories: bool) -> None:
    days = positions(series.seconds[shown])
    values = series.values[shown]
    threshold = None if series.threshold is None else series.threshold[shown]
    climatology = None if series.climatology is None else series.climatology[shown]
    if threshold is not None:
        beyond = (values < threshold if below else values > threshold) & ~inside[shown]
        _shade(axes, days, values, threshold, below, beyond, PALE, "beyond the threshold")
        if categories and climatology is not None:
            _shade_categories(axes, days, values, threshold, climatology, below, inside[shown])
        else:
            _shade(axes, days, values, threshold, below, inside[shown], STRONG, "in an event")
    if climatology is not None:
        axes.plot(days, climatology, color=COLOURS[0], linewidth=1.3, label="climatology", zorder=3)
    if threshold is not None:
        axes.plot(days, threshold, color=COLOURS[2], linewidth=1.3, linestyle="--", label="threshold", zorder=3)
    axes.plot(days, values, color="#1b1b1b", linewidth=1.0, label=one_line(series.name), zorder=4)
    axes.set_ylabel(one_line(with_units(series.name, series.units)))
    axes.set_xlim(days[0], max(days[-1], days[0] + 1))
    _fit(axes, [line for line in (values, threshold, climatology) if line is not None])
    date_axis(axes, series.calendar, hours=usual_step(series.seconds) < DAY)
    axes.grid(axis="y", color="#e3e3e3", linewidth=0.6)
    plain_look(axes)
    legend_below(axes, axes.get_legend_handles_labels()[0])


def _fit(axes: Axes, lines: list[np.ndarray]) -> None:
    """Show all of some lines: the limits of categories that nothing reaches may lie outside."""
    known = np.concatenate(lines)
    known = known[np.isfinite(known)]
    if known.size:
        margin = 0.06 * float(np.ptp(known)) or 1.0
        axes.set_ylim(float(known.min()) - margin, float(known.max()) + margin)


def _shade(
    axes: Axes, days: np.ndarray, values: np.ndarray, low: np.ndarray, below: bool, where: np.ndarray, colour: str,
    label: str, high: np.ndarray | None = None, within: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Fill between a limit and the line beyond it, on some of the days and on the way to and from them."""
    x, line, limit = _finely(days), _finely(values), _finely(low)
    further, nearer = (np.minimum, np.maximum) if below else (np.maximum, np.minimum)
    top = further(line, limit)
    if high is not None:
        top = further(nearer(top, _finely(high)), limit)
    part = _around(where) & np.isfinite(top) & (top != limit)
    if within is not None:
        part &= _nearest(within)
    if part.any():
        axes.fill_between(x, limit, top, where=part, facecolor=colour, linewidth=0, label=label, zorder=2)


_FINE = 8  # points from day to day, so that a shading begins where the line crosses its limit


def _finely(values: np.ndarray) -> np.ndarray:
    """Values on the straight line from each to the next."""
    place = np.arange((len(values) - 1) * _FINE + 1) / _FINE
    return np.interp(place, np.arange(len(values)), values)


def _around(where: np.ndarray) -> np.ndarray:
    """Which of the points between days have a chosen day next to them."""
    place = np.arange((len(where) - 1) * _FINE + 1)
    return where[place // _FINE] | where[-(-place // _FINE)]


def _nearest(where: np.ndarray) -> np.ndarray:
    """Which of the points between days are nearest to a chosen day."""
    place = np.arange((len(where) - 1) * _FINE + 1)
    found: np.ndarray = where[(place + _FINE // 2) // _FINE]
    return found


def _shade_categories(
    axes: Axes, days: np.ndarray, values: np.ndarray, threshold: np.ndarray, climatology: np.ndarray, below: bool,
    inside: np.ndarray,
) -> None:  # fmt: skip
    """Shade by category, which there is only where the threshold lies beyond the climatology."""
    step = threshold - climatology
    known = step < 0 if below else step > 0
    _shade(axes, days, values, threshold, below, inside, NO_CATEGORY, "no category", within=~known)
    if not known.any():
        return
    numbers = np.arange(len(step))
    beyond = np.interp(numbers, numbers[known], step[known])  # on days without a category that of those around them
    for number, name in CATEGORIES.items():
        low = threshold + (number - 1) * beyond
        high = low + beyond if number < max(CATEGORIES) else None
        _shade(axes, days, values, low, below, inside, CATEGORY_COLOURS[number], name, high, within=known)
        if number > 1:
            label = "strong, severe, extreme begin" if number == 2 else None
            line = np.where(known, low, np.nan)
            axes.plot(days, line, color=GREY, linewidth=0.7, linestyle=":", zorder=1, label=label)


def _title(series: _Series, shown: np.ndarray) -> str:
    first, last = (day_text(series.seconds[shown][i], series.calendar) for i in (0, -1))
    daily = "" if usual_step(series.seconds) >= DAY else " (steps shorter than a day)"
    return ", ".join(part for part in (series.name, series.place, f"{first} to {last}{daily}") if part)

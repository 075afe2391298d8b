"""How a catalogue is shown: as text in a terminal, as a table in a notebook."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .event_export import date
from .wording import counted

if TYPE_CHECKING:
    from .catalogue import EventCatalogue
    from .event import Event

__all__ = ["html", "html_of_event", "ranking", "text"]

#: Events shown in a terminal, and in a notebook.
_FEW, _SOME = 5, 12
_BY = "cumulative_intensity"


def _day(value: Any) -> str:
    return value if isinstance(value, str) else date(value)


def _whole(value: Any) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else ""


def _short(value: Any) -> str:
    return f"{value:.3g}" if math.isfinite(value) else ""


def _days(value: Any) -> str:
    return f"{value:g}"


class _Shown(NamedTuple):
    """A column of a ranking: its title, units, the names under which it may come, and how it is written."""

    title: str
    units: str
    names: tuple[str, ...]
    write: Callable[[Any], str]


#: Titles of columns of text; numbers stand to the right.
_TEXTS = ("kind", "start", "end", "u", "peak at")

_SHOWN = (
    _Shown("kind", "", ("kind",), str),
    _Shown("start", "", ("start_day", "start"), _day),
    _Shown("end", "", ("end_day", "end"), _day),
    _Shown("days", "", ("duration_days",), _days),
    _Shown("max area", "km²", ("area_max_km2",), _whole),
    _Shown("peak", "u", ("peak_exceedance",), _short),
    _Shown("mean", "u", ("exceedance_mean",), _short),
    _Shown("cumulative", "u km² days", ("cumulative_intensity",), _short),
)


def place(latitude: float, longitude: float) -> str:
    """A place as people write it: ``48.25°N 2.50°E``."""
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return ""
    east = (longitude + 180) % 360 - 180
    return f"{abs(latitude):.2f}°{'N' if latitude >= 0 else 'S'} {abs(east):.2f}°{'E' if east >= 0 else 'W'}"


def _cells(table: Any, units: str | Sequence[str], numbers: Any) -> tuple[list[str], list[str], list[list[str]]]:
    """Titles, units and rows of what is shown of a table of events."""
    unit = (units or "1") if isinstance(units, str) else "u"
    titles, below = ["event"], [""]
    columns = [[str(number) for number in numbers]]
    for shown in _SHOWN:
        name = next((name for name in shown.names if name in table), None)
        if name is None:
            continue
        titles.append(shown.title)
        below.append(" ".join(unit if word == "u" else word for word in shown.units.split()))
        columns.append([shown.write(value) for value in np.asarray(table[name])])
    if not isinstance(units, str):
        titles.append("u")
        below.append("")
        columns.append([one or "1" for one in units])
    titles.append("peak at")
    below.append("")
    where = zip(np.asarray(table["peak_latitude"]), np.asarray(table["peak_longitude"]), strict=True)
    columns.append([place(float(latitude), float(longitude)) for latitude, longitude in where])
    return titles, below, [list(row) for row in zip(*columns, strict=True)]


def ranking(table: Any, units: str | Sequence[str], numbers: Any = None) -> str:
    """Events as lines of text, in the order in which they come.

    Parameters
    ----------
    table : mapping
        Columns as a catalogue or an event database has them: a DataFrame, or a dictionary of arrays.
    units : str or sequence of str
        Units of the exceedance: of all events, or of each, which then stand in a column ``u``.
    numbers : sequence, optional
        What the events are called; their ranks when left out, for events that the database calls otherwise.
    """
    titles, below, rows = _cells(table, units, range(1, len(table) + 1) if numbers is None else numbers)
    titles[0] = "event" if numbers is not None else "rank"
    lines = [titles, below, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    left = {i for i, title in enumerate(titles) if title in _TEXTS}
    written = (
        "  ".join(
            cell.ljust(w) if i in left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
    return "\n".join(line.rstrip() for line in written)


def _title(events: EventCatalogue) -> str:
    period = events.period
    when = f", {date(period[0])} to {date(period[1])}" if period else ""
    of = f" of {events.name}" if events.name else ""
    units = f" ({events.units})" if events.units else ""
    return f"{counted(len(events), 'event')}{of}{units}{when}"


def _best(events: EventCatalogue, n: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Numbers and columns of the strongest."""
    numbers = events._order(_BY, ascending=False)[:n]
    names = {name for shown in _SHOWN for name in shown.names} | {"peak_latitude", "peak_longitude"}
    return numbers, {name: events[name][numbers] for name in events.columns if name in names}


def text(events: EventCatalogue) -> str:
    """A line that says what it is, and the strongest events."""
    head = f"<EventCatalogue: {_title(events)}>"
    if len(events) == 0:
        return head
    numbers, table = _best(events, _FEW)
    rest = len(events) - len(numbers)
    return f"{head}\n{ranking(table, events.units, numbers)}" + (f"\n… {rest} more" if rest else "")


# --- notebooks ---

_STYLE = (
    "<style>.era5fast-events td,.era5fast-events th{text-align:right;padding:2px 8px}"
    ".era5fast-events th small{font-weight:normal;opacity:.7}"
    ".era5fast-events .bar{display:inline-block;height:.7em;background:#d9480f;opacity:.75;vertical-align:baseline}"
    ".era5fast-events svg{vertical-align:middle}</style>"
)
_WIDTH, _HEIGHT = 80, 16


def html(events: EventCatalogue) -> str:
    """The strongest events as a table with a bar of the largest area and a line of the area from step to step."""
    title = f"<b>EventCatalogue</b>: {escape(_title(events))}"
    if len(events) == 0:
        return f"<div>{title}</div>"
    numbers, table = _best(events, _SOME)
    titles, below, rows = _cells(table, events.units, numbers)
    titles, below = [*titles, "size", "area"], [*below, "", "step by step"]
    head = "".join(
        f"<th>{escape(one)}<br><small>{escape(other)}</small></th>" for one, other in zip(titles, below, strict=True)
    )
    largest = float(np.max(table["area_max_km2"])) or 1.0
    body = []
    for row, number, area in zip(rows, numbers.tolist(), table["area_max_km2"].tolist(), strict=True):
        bar = f'<span class="bar" style="width:{area / largest * _WIDTH:.0f}px"></span>'
        line = _sparkline(events._part(events._states, "first_state", "states", number)["area"])
        cells = "".join(f"<td>{escape(cell)}</td>" for cell in row)
        body.append(f'<tr>{cells}<td style="text-align:left">{bar}</td><td>{line}</td></tr>')
    rest = len(events) - len(rows)
    foot = f"<small>by cumulative intensity{f'; {rest} more' if rest else ''}</small>"
    return (
        f'<div>{_STYLE}{title}<table class="era5fast-events"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>{foot}</div>"
    )


def html_of_event(event: Event) -> str:
    """Properties of one event as a table, one row each, with a line of the area from step to step."""
    catalogue = event.catalogue
    area = catalogue._part(catalogue._states, "first_state", "states", event.number)["area"]
    units = catalogue.column_units
    body = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td>{escape(_property(value))}</td>'
        f"<td><small>{escape(units.get(name, ''))}</small></td></tr>"
        for name, value in event.items()
    )
    title = escape(repr(event).strip("<>"))
    table = f'<table class="era5fast-events"><tbody>{body}</tbody></table>'
    return f"<div>{_STYLE}<b>{title}</b> {_sparkline(area)}{table}</div>"


def _property(value: Any) -> str:
    """A property of any type as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return _day(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}" if math.isfinite(value) else ""


def _sparkline(values: np.ndarray) -> str:
    """A small line, from 0 to the largest value."""
    if len(values) > 2 * _WIDTH:
        values = values[np.linspace(0, len(values) - 1, 2 * _WIDTH).astype(int)]
    x = np.linspace(1, _WIDTH - 1, len(values)) if len(values) > 1 else np.array([_WIDTH / 2])
    y = _HEIGHT - 1 - (_HEIGHT - 2) * np.nan_to_num(values) / (np.nanmax(values) or 1.0)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    mark = f'<circle cx="{x[0]:.1f}" cy="{y[0]:.1f}" r="1.5"/>' if len(values) == 1 else ""
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="area">'
        f'<polyline points="{points}" fill="none" stroke="currentColor"/>{mark}</svg>'
    )

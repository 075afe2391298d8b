"""Runs of days as tables: spells above a threshold, and marine heatwaves with all their properties.

Numbers per period come from :func:`era5fast.diagnostics.spell_statistics`; here are the runs themselves.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from . import _core, attributes, diagnostics, units
from .axis_names import find_name
from .chunked.arrays import check, is_lazy, outline, whole
from .definitions import apply
from .doubts import say_if_in_degrees
from .errors import InputError
from .field import Field, as_field, check_days, one_variable
from .gaps import fill_field, fill_lazily
from .memory import memory_budget
from .operands import SLOTS, check_slots, rows_of
from .progress import Progress
from .several import Axis, Several, check_distinct, choices, common, is_list
from .several import several as take_apart
from .times import check_order, dates_of, days_of, encode_times

__all__ = ["MarineHeatwaves", "marine_heatwaves", "spells"]

_TESTS = (">", ">=", "<", "<=")
_ORDERS = ("filter", "fill")
_COLUMNS = _core.run_columns()
_STEPS = ("first", "last", "peak")
_LIMITS = ("threshold", "stay", "climatology")
_WITH_CLIMATOLOGY = {
    "intensity_max",
    "intensity_mean",
    "intensity_var",
    "intensity_cumulative",
    "rate_onset",
    "rate_decline",
    "category",
    "days_moderate",
    "days_strong",
    "days_severe",
    "days_extreme",
}


def spells(
    x: Any,
    threshold: Any,
    *,
    min_days: int = 3,
    max_gap: int = 0,
    op: str = ">",
    gap_order: str = "filter",
    stay: Any = None,
    climatology: Any = None,
    leap_day: str | None = None,
    deviation: str = "population",
    maximum: str = "at_peak",
    edge_rates: str = "one_sided",
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    progress: bool = True,
) -> Any:
    """Spells: all runs of days beyond a threshold, one row each.

    Parameters
    ----------
    x : DataArray, ndarray or paths (time, ...)
        Daily series.
    threshold : float, str, DataArray, ndarray or a list of numbers or texts
        What `x` is compared with, in its units: a number (rounded to the precision of `x`), text like ``"30 degC"``,
        one value per cell, or one per cell and day of the year. Of a list each is, and of a DataArray with dimensions
        that the data have not, such as two percentiles.
    min_days : int, default 3
        Days of the shortest spell.
    max_gap : int, default 0
        Days of the longest interruption that is bridged; its days become part of the spell. A missing or absent day
        is never bridged.
    op : {'>', '>=', '<', '<='}, default '>'
        Comparison.  With '<' and '<=' the largest anomaly is the most negative one.
    gap_order : {'filter', 'fill'}, default 'filter'
        'filter' drops short spells first and joins those that are left (Hobday et al.); 'fill' bridges first.
    stay : float, DataArray or ndarray, optional
        Threshold on which a spell goes on once it has begun.
    climatology : DataArray or ndarray, optional
        What is normal; with it come anomalies, rates and categories.
    leap_day : {'stretch', 'own'}, optional
        Numbers of 366 days of the year: raw day numbers, or 1 March is 61 in every year. None: as the threshold says
        that it was made, else 'stretch'.
    deviation : {'population', 'sample'}, default 'population'
        Whether standard deviations divide by n or n − 1.
    maximum : {'at_peak', 'own'}, default 'at_peak'
        Largest exceedance and value: those on the day of the largest anomaly, or their own largest.
    edge_rates : {'one_sided', 'missing'}, default 'one_sided'
        Rates of onset and decline of spells at an edge of the record.
    time, latitude, longitude, calendar, variable, progress
        As for all diagnostics.

    Returns
    -------
    pandas.DataFrame or numpy.ndarray
        Of a series that dask computes it is made now, block by block of cells.
        A row per spell, ordered by cell and start: a DataFrame where pandas is installed, else a structured array.
        ``cell`` counts the cells as they lie; ``latitude`` and ``longitude`` follow where they are known; ``start``,
        ``end`` and ``peak`` are dates, ``duration`` days, intensities in the units of `x`; ``censored_start`` and
        ``censored_end`` tell that the spell reaches the edge of what is known. `min_days`, `max_gap`, `op`,
        `gap_order` and thresholds may be lists: all combinations in one read, each with the column that tells it, in
        front; one after the other, in the order of the lists.

    Raises
    ------
    InputError
        If a parameter is out of range, or times, axes, calendars or units do not fit.

    References
    ----------
    Hobday et al. 2016, Prog. Oceanogr. 141, 227; Hobday et al. 2018, Oceanography 31(2), 162.
    """
    x = one_variable(x, variable)
    if is_lazy(x):
        return _in_chunks(
            {"x": x, "threshold": threshold, "stay": stay, "climatology": climatology},
            min_days=min_days,
            max_gap=max_gap,
            op=op,
            gap_order=gap_order,
            leap_day=leap_day,
            deviation=deviation,
            maximum=maximum,
            edge_rates=edge_rates,
            calendar=calendar,
        )
    axes = {"time": time, "latitude": latitude, "longitude": longitude, "calendar": calendar}
    field = as_field(x, **axes, variable=variable, wraps=False)
    check_order(field.seconds, field.calendar, "x", str(field.time_name()))
    check_days(field, "spells", longer=True)
    given = {"threshold": threshold, "stay": stay, "climatology": climatology}
    found = {name: None if value is None else _limits(value, field, name, leap_day) for name, value in given.items()}
    of_limits = [[] if each is None else each.axes for each in found.values()]
    several = common([axis for own in of_limits for axis in own], "spells")
    rules, lists = _rules(min_days=min_days, max_gap=max_gap, op=op, gap_order=gap_order)
    numbers = choices(several, of_limits, len(rules))
    switches = (
        _choice("deviation", deviation, ("population", "sample")) == 1,
        _choice("maximum", maximum, ("at_peak", "own")) == 1,
        _choice("edge_rates", edge_rates, ("missing", "one_sided")) == 1,
    )
    own = itertools.repeat((0, 0, 0)) if numbers is None else map(tuple, numbers.tolist())
    repeated = rules * (1 if numbers is None else len(numbers) // len(rules))
    searches = [
        (rule, (_TESTS[rule[0]].startswith("<"), *switches), chosen)
        for rule, chosen in zip(repeated, own, strict=False)
    ]
    tables = _tables(field, list(found.values()), searches, progress)
    columns = _columns_of_lists([*several, *lists], [len(table) for table in tables])
    return _frame(np.concatenate(tables), field, climatology is not None, columns)


#: Operands of spells, as a row of the table of diagnostics has them.
_OPERANDS = [
    {"name": "x", "dims": "time latitude longitude", "units": None},
    *({"name": name, "dims": "dayofyear latitude longitude", "units": "x"} for name in _LIMITS),
]


def _in_chunks(operands: dict[str, Any], **rules: Any) -> Any:
    """Spells of a lazy series, block by block: each is computed once, and only the tables stay."""
    from .chunked.blocks import tables
    from .chunked.cells import join
    from .chunked.rows import aligned, time_of

    together = aligned({"operands": _OPERANDS}, {**operands, "calendar": rules["calendar"]})
    x = together["x"]
    call = functools.partial(_of_block, {**rules, "progress": False})
    found = tables(call, together, name="spells", whole_dims=(time_of(x),))
    whole_table = join(found, {dim: size for dim, size in x.sizes.items() if dim != time_of(x)})
    return _in_order_of_lists(whole_table, {"threshold": operands["threshold"], **rules})


#: Parameters that may be lists.
_LISTABLE = ("threshold", "min_days", "max_gap", "op", "gap_order")


def _in_order_of_lists(table: Any, given: dict[str, Any]) -> Any:
    """A table that was put together by cells, in the order of the lists again."""
    threshold = given["threshold"]
    there = table.columns if hasattr(table, "columns") else table.dtype.names
    lists: dict[str, list[Any]] = {
        name: threshold[name].values.tolist()
        for name in getattr(threshold, "dims", ())
        if name in there and name not in ("latitude", "longitude")
    }
    lists |= {
        name: list(given[name]) for name in _LISTABLE if is_list(given[name]) and not hasattr(given[name], "dtype")
    }
    if not lists:
        return table
    keys = [[values.index(each) for each in np.asarray(table[name]).tolist()] for name, values in lists.items()]
    order = np.lexsort(keys[::-1])
    return table.iloc[order].reset_index(drop=True) if hasattr(table, "iloc") else table[order]


def _of_block(rules: dict[str, Any], operands: dict[str, Any]) -> Any:
    return spells(**operands, **rules)


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> int:
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of: {' '.join(choices)}, not {value!r}")
    return choices.index(value)


def _rules(**given: Any) -> tuple[list[tuple[int, int, int, int]], list[Axis]]:
    """All rules, and the parameters that are lists."""
    several = {name: list(value) for name, value in given.items() if is_list(value)}
    if empty := [name for name, values in several.items() if not values]:
        raise InputError(f"{empty[0]} is an empty list")
    for name, values in several.items():
        check_distinct(values, name)
    every = itertools.product(*(several.get(name, [value]) for name, value in given.items()))
    return [_rule(*each) for each in every], [Axis(name, np.asarray(of), {}) for name, of in several.items()]


def _columns_of_lists(axes: list[Axis], rows: list[int]) -> dict[str, np.ndarray]:
    """What each row of tables behind each other was made with."""
    places = np.repeat(np.arange(len(rows)), rows)
    index = np.unravel_index(places, tuple(len(axis.values) for axis in axes)) if axes else ()
    return {axis.name: axis.values[at] for axis, at in zip(axes, index, strict=True)}


def _rule(min_days: Any, max_gap: Any, op: Any, gap_order: Any) -> tuple[int, int, int, int]:
    for name, value, low in (("min_days", min_days, 1), ("max_gap", max_gap, 0)):
        if not isinstance(value, int | np.integer) or not low <= value <= 1_000_000:
            raise InputError(f"{name} must be {low} to 1000000, not {value!r}")
    return _choice("op", op, _TESTS), int(min_days), int(max_gap), _choice("gap_order", gap_order, _ORDERS)


@dataclass(frozen=True)
class _Limits:
    """What a series is compared with: (several, slots, cells), the slot of each step, what there are several of."""

    values: np.ndarray
    slots: np.ndarray
    axes: list[Axis]


def _limits(value: Any, field: Field, name: str, leap_day: str | None) -> _Limits:
    found = take_apart(one_variable(value), name, field, find_name(getattr(value, "dims", ()), SLOTS))
    parts = [limits(part, field, name, leap_day) for part in found.parts]
    return _Limits(np.stack([rows for rows, _ in parts]), parts[0][1], found.axes)


def limits(value: Any, field: Field, name: str, leap_day: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a field in its units.

    Parameters
    ----------
    value : float, str, DataArray or ndarray
        A number, text with units, one value per cell, or one per day of the year and cell.
    field : Field
        What is compared with them.
    name : str
        Of the operand, for messages.
    leap_day : {'stretch', 'own'}, optional
        Numbers of 366 days of the year, as for :func:`spells`.

    Returns
    -------
    tuple of numpy.ndarray
        Limits, (slots, cells), and the slot of each step.
    """
    value = one_variable(value)
    say_if_in_degrees(value, field, f"spells: {name}")
    if isinstance(value, str):
        value = units.quantity(value, units.of(field.attrs), name, difference=field.is_difference())
    if isinstance(value, Real) and _is_single(field):
        value = float(np.float32(value))
    rows = rows_of(value, field, "dayofyear", name)
    scale, offset = _scale(value, field, name)
    rows = np.ascontiguousarray(rows.reshape(len(rows), -1))
    if (scale, offset) != (1.0, 0.0):
        rows = rows * scale + offset
    if len(rows) == 1:
        return rows, np.zeros(len(field.seconds), dtype="int32")
    check_slots(len(rows))
    slots = _core.slots(days_of(field.seconds), field.calendar, len(rows))
    if len(rows) == 366 and _numbering(value, leap_day) == "own":
        _, month, day = dates_of(field.seconds, field.calendar)[:, :3].T
        slots = _leap_slots(month, day)
    return rows, slots.astype("int32")


def _is_single(field: Field) -> bool:
    return getattr(field.source, "dtype", None) == np.float32


def _scale(value: Any, field: Field, name: str) -> tuple[float, float]:
    """What brings limits into the units of the data; units that nobody names are those of the data."""
    ours, others = units.of(field.attrs), units.of(getattr(value, "attrs", None))
    scale, offset = (1.0, 0.0) if ours is None or others is None else units.check(others, ours, name)
    return scale, 0.0 if attributes.is_difference(getattr(value, "attrs", {})) else offset


def _numbering(value: Any, leap_day: str | None) -> str:
    """How 366 days are numbered: as the user says, else as the array's own definition says."""
    if leap_day is not None:
        return ("stretch", "own")[_choice("leap_day", leap_day, ("stretch", "own"))]
    definition = getattr(value, "attrs", {}).get(attributes.DEFINITION, "")
    return "own" if '"leap_day": "mean"' in definition or '"leap_day": "own"' in definition else "stretch"


def _leap_slots(month: np.ndarray, day: np.ndarray) -> np.ndarray:
    starts = np.cumsum([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30])
    return (starts[month - 1] + day - 1).astype("int32")


def _tables(field: Field, limits: list[_Limits | None], searches: list[Any], progress: Any) -> list[np.ndarray]:
    if len(field.seconds) == 0 or 0 in field.cells():
        raise InputError("the data are empty", hint="is the selection empty?")
    with Progress("spells", progress) as bar, field.reading():
        threshold, stay, climatology = (None if each is None else (each.values, each.slots) for each in limits)
        assert threshold is not None
        return _core.runs(
            field.source,
            field.seconds,
            field.calendar,
            threshold,
            stay,
            climatology,
            searches,
            memory_budget(),
            tempfile.gettempdir(),
            bar,
        )


def _frame(table: np.ndarray, field: Field, with_climatology: bool, columns: dict[str, np.ndarray]) -> Any:
    """Table of the core → DataFrame, or structured array where pandas is not installed; `columns` are in front."""
    cell = table[:, 0].astype("int64")
    columns["cell"] = cell
    columns.update(_places(cell, field))
    names = {"first": "start", "last": "end", "peak": "peak"}
    for i, (name, unit, _) in enumerate(_COLUMNS[1:], 1):
        values = table[:, i]
        if name in _STEPS:
            columns[names[name]] = encode_times(field.seconds[values.astype("int64")], field.calendar)
        elif name.startswith("censored"):
            columns[name] = values != 0
        elif with_climatology or name not in _WITH_CLIMATOLOGY:
            columns[name] = values.astype("int64") if unit == "days" else values
    try:
        import pandas as pd
    except ImportError:
        rows = np.empty(len(cell), dtype=[(name, values.dtype) for name, values in columns.items()])
        for name, values in columns.items():
            rows[name] = values
        return rows
    frame = pd.DataFrame(columns)
    frame.attrs["units"] = {name: _units(unit, field) for name, unit, _ in _COLUMNS if name in columns}
    return frame


def _units(unit: str, field: Field) -> str:
    return " ".join(field.attrs.get("units", "x") if word == "x" else word for word in unit.split())


def _places(cell: np.ndarray, field: Field) -> dict[str, np.ndarray]:
    if field.latitude is None or field.longitude is None:
        return {}
    if field.cells() != (field.latitude.size, field.longitude.size):
        return {}
    row, column = np.divmod(cell, field.longitude.size)
    return {"latitude": field.latitude[row], "longitude": field.longitude[column]}


# --- marine heatwaves ---


@dataclass(frozen=True)
class MarineHeatwaves:
    """Marine heatwaves (or cold spells) of a field.

    Attributes
    ----------
    events : pandas.DataFrame or numpy.ndarray
        One row per event, as :func:`spells` gives them; ``category`` is 1 moderate, 2 strong, 3 severe, 4 extreme.
    years : xarray.Dataset or dict of numpy.ndarray
        Per year and cell: ``count``, ``duration`` (mean), ``intensity_max`` (mean of the events' largest anomalies),
        ``intensity_max_max``, ``intensity_mean``, ``intensity_cumulative`` (mean), ``total_days`` and ``total_icum``.
        Events belong to the year in which they start, days to their own.
    climatology, threshold : DataArray or numpy.ndarray
        Per day of the year and cell.

    Notes
    -----
    Of parameters that were lists `events` has a column each, in front, and the others a dimension each.
    """

    events: Any
    years: Any
    climatology: Any
    threshold: Any


def marine_heatwaves(
    sst: Any,
    *,
    base_period: Any = None,
    definition: str = "hobday",
    cold: bool = False,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    progress: bool = True,
    **parameters: Any,
) -> MarineHeatwaves:
    """Marine heatwaves: events, their categories, and what each year had.

    Parameters
    ----------
    sst : DataArray, ndarray or paths (time, ...)
        Daily sea surface temperature; a series without units may be of anything.
    base_period : tuple of two years or dates, optional
        Base of climatology and threshold; None: all of `sst`.
    definition : {'hobday', 'marineheatwaves', 'heatwaver'}, default 'hobday'
        Whose definition: see the table in ``era5fast.definitions``.
    cold : bool, default False
        Cold spells: below the percentile from the other end.
    time, latitude, longitude, calendar, variable, progress
        As for all diagnostics.
    **parameters
        `max_pad_length` (0): days of the longest gap that is filled linearly before anything else; longer ones end an
        event. Any of `percentile` (90), `window` (11), `smoothing` (31), `type` (7), `neighbours` ('around'),
        `leap_day` ('mean'), `min_days` (5), `max_gap` (2), `gap_order` ('filter'), `op` ('>'), `deviation`,
        `maximum`, `edge_rates`: see :func:`era5fast.diagnostics.heatwave_climatology` and :func:`spells`.
        `percentile`, `window`, `type`, `neighbours`, `smoothing`, `min_days`, `max_gap` and `gap_order` may be lists:
        all combinations in one read.

    Returns
    -------
    MarineHeatwaves
        Events, numbers per year, climatology and threshold. Of a series that dask computes the events are made now,
        block by block, while climatology and threshold stay lazy.

    Raises
    ------
    InputError
        If a parameter is out of range or unknown, or times and axes do not fit.

    Notes
    -----
    An event is a run of at least `min_days` days above the percentile of the day of the year; events that are at most
    `max_gap` days apart are one.  Anomalies are from the climatology, the mean of the same days.  A category counts
    how often the distance of threshold and climatology fits into the anomaly.  Missing days end an event; the program
    marineHeatWaves puts the climatology into their place, which may lie in a gap that is bridged.

    References
    ----------
    Hobday et al. 2016, Prog. Oceanogr. 141, 227; Hobday et al. 2018, Oceanography 31(2), 162.
    """
    unknown = set(parameters) - set(_MARINE)
    if unknown:
        raise InputError(f"marine_heatwaves has no parameter {min(unknown)}", hint=f"it has {' '.join(_MARINE)}")
    chosen = apply("marine_heatwaves", definition, parameters, _MARINE)
    sst = one_variable(sst, variable)
    lazy = is_lazy(sst)
    seen = outline(sst) if lazy else sst
    field = as_field(seen, time=time, latitude=latitude, longitude=longitude, calendar=calendar, variable=variable)
    check_days(field, "marine_heatwaves")
    units.check_kind(units.of(field.attrs), ("degC",), "marine_heatwaves: sst")
    if lazy:
        check(sst, "sst")
        sst = whole(sst, (field.time_name(),), "marine_heatwaves")
    lists = _lists_of(chosen)
    longest = _pad_length(chosen["max_pad_length"])
    if longest > 0:
        sst = fill_lazily(sst, field.time_name(), field.seconds, longest) if lazy else sst
        field = field if lazy else fill_field(field, longest)
    plain: dict[str, Any] = (
        {} if field.labelled else {"time": encode_times(field.seconds, field.calendar), "calendar": field.calendar}
    )
    normal = diagnostics.heatwave_climatology(
        sst if lazy else field if longest > 0 and field.labelled else sst if field.labelled else field.source,
        percentile=_from_the_end(chosen["percentile"]) if cold else chosen["percentile"],
        base_period=base_period,
        window=chosen["window"],
        type=chosen["type"],
        neighbours=chosen["neighbours"],
        leap_day=chosen["leap_day"],
        smoothing=chosen["smoothing"],
        **plain,
        variable=variable,
        progress=progress,
    )
    threshold, climatology = _of_lists(normal, lists)
    events = spells(
        sst if lazy else field,
        _apart(threshold, {name: lists[name] for name in _OF_THRESHOLDS if name in lists}),
        climatology=_apart(climatology, {name: lists[name] for name in _OF_NORMALS if name in lists}),
        op=chosen["op"].replace(">", "<") if cold else chosen["op"],
        leap_day="own" if chosen["leap_day"] in ("own", "mean") else "stretch",
        **{name: chosen[name] for name in ("min_days", "max_gap", "gap_order", "deviation", "maximum", "edge_rates")},
        progress=progress,
    )
    call = {"diagnostic": "marine_heatwaves", "base_period": base_period, "cold": cold, **chosen, **lists}
    years = _years(events, field, {**call, "sst": field.made_by()}, lists)
    return MarineHeatwaves(events, years, climatology, threshold)


#: Parameters that may be lists, in the order of their dimensions: those that thresholds depend on, of them those that
#: what is normal depends on, and those of the runs.
_OF_THRESHOLDS = ("percentile", "window", "type", "neighbours", "smoothing")
_OF_NORMALS = ("window", "neighbours", "smoothing")
_OF_RUNS = ("min_days", "max_gap", "gap_order")


def _lists_of(chosen: dict[str, Any]) -> dict[str, list[Any]]:
    """Parameters of marine heatwaves that are lists, in the order of their dimensions."""
    known = (*_OF_THRESHOLDS, *_OF_RUNS)
    if wrong := [name for name, value in chosen.items() if is_list(value) and name not in known]:
        raise InputError(f"marine_heatwaves: {wrong[0]} is one value, not a list", hint=f"lists: {' '.join(known)}")
    lists = {name: np.asarray(chosen[name]).tolist() for name in known if is_list(chosen[name])}
    for name, values in lists.items():
        check_distinct(values, f"marine_heatwaves: {name}")
    percentiles = lists.get("percentile", [chosen["percentile"]])
    if wrong := [value for value in percentiles if not isinstance(value, Real)]:
        raise InputError(f"marine_heatwaves: percentile must be a number or a list of them, not {wrong[0]!r}")
    if not isinstance(chosen["op"], str):
        raise InputError(f"marine_heatwaves: op must be a text, not {chosen['op']!r}")
    return lists


def _from_the_end(percentile: Any) -> Any:
    """Percentiles counted from the other end, as cold spells have them."""
    return [100 - value for value in percentile] if is_list(percentile) else 100 - percentile


def _of_lists(normal: Any, lists: dict[str, list[Any]]) -> tuple[Any, Any]:
    """Thresholds, labelled as the user has named them, and what is normal, which has no dimension too many."""
    threshold, climatology = normal.threshold, normal.climatology
    if not hasattr(threshold, "dims"):
        own = [name for name in _OF_THRESHOLDS if name in lists]
        return threshold, climatology[tuple(slice(None) if name in _OF_NORMALS else 0 for name in own)]
    if "percentile" in lists:
        axis = ("percentile", lists["percentile"], threshold["percentile"].attrs)
        threshold = threshold.assign_coords(percentile=axis)
    same = {name: 0 for name in ("percentile", "type") if name in lists}
    return threshold, climatology.isel(same, drop=True)


def _apart(maps: Any, lists: dict[str, list[Any]]) -> Any:
    """Maps of a plain array, which cannot say itself what its dimensions in front are."""
    if hasattr(maps, "dims") or not lists:
        return maps
    axes = [Axis(name, np.asarray(values), {}) for name, values in lists.items()]
    return Several(list(maps.reshape(-1, *maps.shape[len(lists) :])), axes)


def _pad_length(value: Any) -> int:
    if not isinstance(value, int | np.integer) or not 0 <= value <= 1_000_000:
        raise InputError(f"marine_heatwaves: max_pad_length must be 0 to 1000000 days, not {value!r}")
    return int(value)


_MARINE: dict[str, Any] = {
    "percentile": 90,
    "window": 11,
    "smoothing": 31,
    "type": 7,
    "neighbours": "around",
    "leap_day": "mean",
    "min_days": 5,
    "max_gap": 2,
    "gap_order": "filter",
    "op": ">",
    "deviation": "population",
    "maximum": "at_peak",
    "edge_rates": "one_sided",
    "max_pad_length": 0,
}


def _years(events: Any, field: Field, call: dict[str, Any], lists: dict[str, list[Any]]) -> Any:
    """Numbers per year and cell, for each combination of lists; NaN where a mean has no event."""
    years = dates_of(field.seconds, field.calendar)[:, 0]
    first, count = int(years[0]), int(years[-1] - years[0]) + 1
    lengths, cells = tuple(map(len, lists.values())), int(np.prod(field.cells()))
    case = _combinations_of(events, lists)
    cell = np.asarray(events["cell"])
    at = (case * count + _years_of(events["start"]) - first) * cells + cell
    size = int(np.prod(lengths)) * count * cells

    def total(values: Any) -> np.ndarray:
        return np.bincount(at, weights=np.asarray(values, dtype="float64"), minlength=size)

    n = np.bincount(at, minlength=size).astype("float64")
    largest = np.full(size, -np.inf)
    intensity = np.asarray(events["intensity_max"])
    sign = -1.0 if len(intensity) and intensity[0] < 0 else 1.0
    np.maximum.at(largest, at, sign * intensity)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = {
            "count": n,
            "duration": total(events["duration"]) / n,
            "intensity_max": total(intensity) / n,
            "intensity_max_max": np.where(n > 0, sign * largest, np.nan),
            "intensity_mean": total(events["intensity_mean"]) / n,
            "intensity_cumulative": total(events["intensity_cumulative"]) / n,
            "total_days": _days_per_year(events, field, first, count, (size // count // cells, cells), case),
            "total_icum": total(events["intensity_cumulative"]),
        }
    shaped = {name: values.reshape(*lengths, count, *field.cells()) for name, values in result.items()}
    if not field.labelled:
        return shaped
    import xarray as xr

    axes = [
        *((name, np.asarray(values)) for name, values in lists.items()),
        ("year", np.arange(first, first + count)),
    ]
    about = {name: attributes.of_result(_LISTS[name], None) for name in lists}
    made = {
        name: field.wrap(values, axes, _about_year(name, field, call), name, about) for name, values in shaped.items()
    }
    return xr.Dataset(made, attrs=attributes.of_dataset("Marine heatwaves of each year", made.values()))


def _combinations_of(events: Any, lists: dict[str, list[Any]]) -> np.ndarray:
    """Which combination of lists each event is of; the last list runs fastest."""
    number = np.zeros(len(events["cell"]), dtype="int64")
    for name, values in lists.items():
        order = np.argsort(values)
        number = number * len(values) + order[np.searchsorted(np.asarray(values)[order], np.asarray(events[name]))]
    return number


#: What dimensions of lists are called.
_LISTS = {
    "percentile": "Percentile of the threshold",
    "window": "Days in the moving window",
    "type": "Type of the sample quantile",
    "neighbours": "Window at the ends of a year",
    "smoothing": "Days of the running mean of the threshold",
    "min_days": "Days of the shortest event",
    "max_gap": "Days of the longest interruption",
    "gap_order": "What comes first, dropping short runs or bridging",
}

#: What there is of each year: long name, and units.
_OF_YEARS = {
    "count": ("Number of events", "1"),
    "duration": ("Mean length of the events", "d"),
    "intensity_max": ("Mean of the largest anomalies of the events", "delta x"),
    "intensity_max_max": ("Largest anomaly", "delta x"),
    "intensity_mean": ("Mean of the mean anomalies of the events", "delta x"),
    "intensity_cumulative": ("Mean of the cumulative anomalies of the events", "x d"),
    "total_days": ("Days of events", "d"),
    "total_icum": ("Sum of the cumulative anomalies", "x d"),
}


def _about_year(name: str, field: Field, call: dict[str, Any]) -> dict[str, Any]:
    long_name, unit = _OF_YEARS[name]
    own = units.of(field.attrs)
    if own is None:
        known = None if "x" in unit.split() else unit
    else:
        known = attributes.product(own, "d") if unit == "x d" else unit.replace("x", own)
    return attributes.of_result(long_name, known, inputs=[field.attrs], definition=call)


def _years_of(dates: Any) -> np.ndarray:
    values = np.asarray(dates)
    if values.dtype.kind == "M":
        return values.astype("datetime64[Y]").astype("int64") + 1970
    return np.array([date.year for date in values], dtype="int64")


def _days_per_year(
    events: Any, field: Field, first: int, count: int, shape: tuple[int, int], case: np.ndarray
) -> np.ndarray:
    """Days of events that lie in each year, whatever year the event started in: (combinations, years, cells)."""
    years = dates_of(field.seconds, field.calendar)[:, 0]
    ends = np.searchsorted(years, np.arange(first, first + count), side="right")  # steps before the end of each year
    dates = encode_times(field.seconds, field.calendar)
    steps = [np.searchsorted(dates, np.asarray(events[key])) for key in ("start", "end")]
    at, total = case * shape[1] + np.asarray(events["cell"]), np.zeros((shape[0], count, shape[1]))
    for year in range(count):
        low = ends[year - 1] if year else 0
        inside = np.minimum(steps[1] + 1, ends[year]) - np.maximum(steps[0], low)
        days = np.bincount(at, weights=np.maximum(inside, 0), minlength=shape[0] * shape[1])
        total[:, year] = days.reshape(shape)
    return total

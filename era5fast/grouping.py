"""How the output of a row of the table of diagnostics is grouped in time, as the core wants to know it."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from .errors import InputError
from .field import Field
from .variable_table import find as find_variable


def grouping_of(row: dict[str, Any], given: dict[str, Any], field: Field) -> tuple[Any, ...] | None:
    """What the core wants to know of the grouping of a row."""
    specs = {spec["name"]: spec for spec in row["grouping_params"]}
    if row["grouping"] == "day":
        return _by_day(row, specs, given, field)
    if row["grouping"] == "frequency":
        missing = _missing(row, specs["missing"], given["missing"]) if "missing" in specs else 0
        if not isinstance(given["freq"], str):
            raise InputError(f"{row['name']}: freq is a text like 'YS', not {given['freq']!r}")
        return given["freq"], _months(row, given["months"]), missing
    return None


def _by_day(row: dict[str, Any], specs: dict[str, Any], given: dict[str, Any], field: Field) -> tuple[int, int]:
    if given["hours"] == "auto":
        variable = find_variable(field.name) if field.name else None
        given["hours"] = variable.hours if variable is not None else "instant"
        if given["hours"] == "hour_ending" and _has_land_grid(field):
            given["hours"] = "since_midnight"
    rule = _choice(row, specs["hours"], given["hours"]) - 1  # the first choice is "auto"
    if given["hours"] == "since_midnight" and given["statistic"] not in ("sum", ["sum"], ("sum",)):
        raise InputError(
            f"{row['name']}: totals since midnight have a sum of the day only, no {given['statistic']}",
            hint="'sum', or hours='hour_ending' where each value is the total of its hour",
        )
    offset, spec = given["utc_offset"], specs["utc_offset"]
    if isinstance(offset, str) and offset in spec["choices"].split():
        return rule, 0  # each longitude has its own
    if not (isinstance(offset, Real) and spec["low"] <= offset <= spec["high"]):
        raise InputError(
            f"{row['name']}: utc_offset must be {spec['low']:g} to {spec['high']:g} hours or 'solar', not {offset!r}"
        )
    return rule, round(float(offset) * 3600)


def _has_land_grid(field: Field) -> bool:
    """Whether the grid has the 0.1° of ERA5-Land, whose hours are totals since midnight."""
    axis = field.latitude
    return axis is not None and axis.size > 1 and bool(abs(abs(axis[1] - axis[0]) - 0.1) < 1e-3)


def _choice(row: dict[str, Any], spec: dict[str, Any], value: Any) -> int:
    choices = spec["choices"].split()
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{row['name']}: {spec['name']} must be one of: {spec['choices']}")
    return choices.index(value)


def _missing(row: dict[str, Any], spec: dict[str, Any], value: Any) -> int | float:
    """Number of a rule for missing data, or the share of them that is allowed."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return _choice(row, spec, value)
    if not spec["low"] <= value <= spec["high"]:
        raise InputError(
            f"{row['name']}: missing must be a share, 0 to 1, or one of: {spec['choices']}; not {value!r}"
        )
    return float(value)


def _months(row: dict[str, Any], months: Any) -> int:
    """Bits of the months that count; 0 for all of them."""
    if months is None:
        return 0
    numbers = list(months) if isinstance(months, Iterable) and getattr(months, "ndim", None) != 0 else [months]
    if not numbers or not all(isinstance(m, int | np.integer) and 1 <= m <= 12 for m in numbers):
        raise InputError(f"{row['name']}: months are numbers from 1 to 12, not {months!r}")
    return int(np.bitwise_or.reduce([1 << (int(m) - 1) for m in numbers]))

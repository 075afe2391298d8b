"""Parameters of a row of the table of diagnostics as the core wants them: one set of values, or several."""

from __future__ import annotations

import itertools
from numbers import Real
from typing import Any

import numpy as np

from . import units
from .errors import InputError
from .operands import Operands

#: Types of parameters that may be given as lists.
LISTABLE = ("integer", "number", "choice", "flag")


def sets_of(
    row: dict[str, Any], given: dict[str, Any], operands: Operands
) -> tuple[list[list[Any]], list[tuple[str, np.ndarray]]]:
    """All sets of parameter values, and name and values of those that were given as lists.

    Every parameter of one value may be given as a list: the sets are all combinations, the last list running fastest.
    """
    choices = []
    lists = []
    for spec in row["params"]:
        value = given[spec["name"]]
        several = spec["type"] in LISTABLE and is_list(value)
        values = list(value) if several else [value]
        if not values:
            raise InputError(f"{row['name']}: {spec['name']} is an empty list")
        if several:
            lists.append((spec["name"], np.asarray(values)))
        choices.append([_in_units(row, spec, each, operands) for each in values])
    return [list(values) for values in itertools.product(*choices)], lists


def is_list(value: Any) -> bool:
    """Whether a parameter is a list of values, and not of other lists."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, list | tuple) and not any(isinstance(v, list | tuple | np.ndarray) for v in value)


def _in_units(row: dict[str, Any], spec: dict[str, Any], value: Any, operands: Operands) -> Any:
    """Bring a number into the units of the first operand; where these are not known, they are those of the row.

    Numbers are given in the units of the row, which ``x`` says are those of the operand; text like ``"25 degC"`` in
    its own.
    """
    if spec["units"] is None or value is None:
        return value
    what, wanted = f"{row['name']}: {spec['name']}", operands.units
    if spec["units"] == "x":
        return units.quantity(value, wanted, what, difference=operands.field.is_difference())
    own = spec["units"].removeprefix("delta ")
    difference = own != spec["units"]
    text = value if isinstance(value, str) else f"{float(value)!r} {own}" if isinstance(value, Real) else value
    return units.quantity(text, wanted or own, what, difference=difference)

"""Parameters of a row of the table of diagnostics as the core wants them: one set of values, or several."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from . import units
from .doubts import say_if_in_degrees
from .errors import InputError
from .operands import Operands
from .several import check_distinct, is_list

#: Types of parameters that may be given as lists.
LISTABLE = ("integer", "number", "choice", "flag")


@dataclass(frozen=True)
class Cases:
    """Values of several parameters that belong together, such as the definitions of several programs.

    Attributes
    ----------
    name : str
        What the cases are: name of a dimension of the result.
    labels : list of str
        What each is called.
    values : list of dict
        Parameters of each; those that it does not name are those of the call.
    """

    name: str
    labels: list[str]
    values: list[dict[str, Any]]

    def of(self, name: str, otherwise: Any) -> Any:
        """Value of a parameter in every case; `otherwise` where none of them names it."""
        named = any(name in case for case in self.values)
        return [case.get(name, otherwise) for case in self.values] if named else otherwise


def sets_of(
    row: dict[str, Any], given: dict[str, Any], operands: Operands
) -> tuple[list[list[Any]], list[tuple[str, np.ndarray]]]:
    """All sets of parameter values, and name and values of those that were given as lists.

    Every parameter of one value may be given as a list: the sets are all combinations, the last list running fastest.
    Cases come one after the other, each with all combinations.
    """
    cases = given.get("cases")
    if cases is None:
        return _combinations(row, given, operands)
    found = [_combinations(row, {**given, **case}, operands) for case in cases.values]
    return [one for sets, _ in found for one in sets], [(cases.name, np.asarray(cases.labels)), *found[0][1]]


def _combinations(
    row: dict[str, Any], given: dict[str, Any], operands: Operands
) -> tuple[list[list[Any]], list[tuple[str, np.ndarray]]]:
    choices = []
    lists = []
    for spec in row["params"]:
        value = given[spec["name"]]
        several = spec["type"] in LISTABLE and is_list(value)
        values = list(value) if several else [value]
        if not values:
            raise InputError(f"{row['name']}: {spec['name']} is an empty list")
        if several:
            check_distinct(values, f"{row['name']}: {spec['name']}")
            lists.append((spec["name"], np.asarray(values)))
        choices.append([_in_units(row, spec, each, operands) for each in values])
    return [list(values) for values in itertools.product(*choices)], lists


def _in_units(row: dict[str, Any], spec: dict[str, Any], value: Any, operands: Operands) -> Any:
    """Bring a number into the units of the first operand; where these are not known, they are those of the row.

    Numbers are given in the units of the row, which ``x`` says are those of the operand; text like ``"25 degC"`` in
    its own.
    """
    if spec["units"] is None or value is None:
        return value
    what, wanted = f"{row['name']}: {spec['name']}", operands.units
    if spec["units"] == "x":
        say_if_in_degrees(value, operands.field, what)
        return units.quantity(value, wanted, what, difference=operands.field.is_difference())
    own = spec["units"].removeprefix("delta ")
    difference = own != spec["units"]
    text = value if isinstance(value, str) else f"{float(value)!r} {own}" if isinstance(value, Real) else value
    return units.quantity(text, wanted or own, what, difference=difference)

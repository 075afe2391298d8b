"""Several maps in the place of one: many thresholds of a diagnostic, all compared with the data in one read.

A list of numbers or texts is one threshold after the other. Of a DataArray every dimension that the data have not is
one: ``percentile_doy(tx, [90, 95])`` has two thresholds for each cell and day of the year.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, TIME_NAMES
from .errors import InputError
from .field import Field, name_in
from .wording import named

__all__ = ["Axis", "Several", "check_distinct", "choices", "common", "is_list", "several"]


class Axis(NamedTuple):
    """Dimension of a result: its name, its values, and what is known of them."""

    name: str
    values: np.ndarray
    attrs: dict[str, Any]


@dataclass(frozen=True)
class Several:
    """What an operand holds several of.

    Attributes
    ----------
    parts : list
        Each as a user would give it alone; the last of the axes runs fastest.
    axes : list of Axis
        None where there is one.
    """

    parts: list[Any]
    axes: list[Axis]


def is_list(value: Any) -> bool:
    """Whether something is a list of values, and not of other lists."""
    if isinstance(value, np.ndarray):
        return value.ndim == 1
    return isinstance(value, list | tuple) and not any(isinstance(v, list | tuple | np.ndarray) for v in value)


def check_distinct(values: Any, name: str) -> None:
    """Refuse a list that has a value twice: it becomes a dimension, of which each value is one place.

    Raises
    ------
    InputError
        If a value is there twice.
    """
    values = list(values)
    if twice := [value for i, value in enumerate(values) if value in values[:i]]:
        raise InputError(f"{name} has {twice[0]} twice", hint="each of its values is to be there once")


def several(value: Any, name: str, field: Field, slots: str | None) -> Several:
    """Take an operand apart.

    Parameters
    ----------
    value : any
        What the user gave: one operand, a list of numbers or texts, or a DataArray of more dimensions than the data.
    name : str
        Of the operand.
    field : Field
        Whose cells are meant.
    slots : str or None
        Dimension that belongs to the operand itself, such as ``dayofyear``.

    Raises
    ------
    InputError
        If a list is empty or holds something else than numbers and texts, or a dimension has no coordinate.
    """
    if isinstance(value, Several):
        return value
    if is_list(value) and not isinstance(value, np.ndarray):
        return _of_list(list(value), name)
    others = _others(value, field, slots)
    if not others:
        return Several([value], [])
    if without := [dim for dim in others if dim not in value.coords]:
        raise InputError(
            f"{name} has the dimension {without[0]}, which the data have not",
            hint=f"the data have {', '.join(map(str, field.cell_dims())) or 'one cell'}; give it a coordinate if "
            "each of its values is to be compared with the data",
        )
    axes = [Axis(str(dim), value[dim].values, dict(value[dim].attrs)) for dim in others]
    places = itertools.product(*(range(len(axis.values)) for axis in axes))
    return Several([value.isel(dict(zip(others, place, strict=True)), drop=True) for place in places], axes)


def _of_list(values: list[Any], name: str) -> Several:
    if not values:
        raise InputError(f"{name} is an empty list")
    if strange := [each for each in values if not isinstance(each, str) and np.ndim(each) > 0]:
        raise InputError(
            f"a list of {name} holds numbers or texts, and this one {named(strange[0])}",
            hint="put maps together along a new dimension: xr.concat(maps, dim='definition')",
        )
    try:
        labels = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name} is no list of numbers or texts") from error
    if labels.dtype.kind not in "fiuU":
        raise InputError(f"{name} is no list of numbers or texts, but {values!r}")
    check_distinct(values, name)
    return Several(values, [Axis(name, labels, {})])


def _others(value: Any, field: Field, slots: str | None) -> list[Any]:
    """Dimensions of an operand that the data have not."""
    if not hasattr(value, "dims"):
        return []
    own = {name_in(value, dim, field) for dim in field.cell_dims()}
    known = {*own, slots, *TIME_NAMES, *LATITUDE_NAMES, *LONGITUDE_NAMES}
    return [dim for dim in value.dims if dim not in known]


def common(axes: list[Axis], name: str) -> list[Axis]:
    """Axes of all operands of a call, each once.

    Raises
    ------
    InputError
        If two of one name have other values.
    """
    found: dict[str, Axis] = {}
    for axis in axes:
        other = found.setdefault(axis.name, axis)
        if not np.array_equal(other.values, axis.values):
            raise InputError(f"{name}: two operands have other values of {axis.name}", hint="give both the same")
    return list(found.values())


def choices(axes: list[Axis], of_operands: list[list[Axis]], sets: int) -> np.ndarray | None:
    """Which of its parts each operand gives to each set of parameters, (all, operands); None: there is one of each.

    The sets of parameters run fastest.
    """
    if not axes:
        return None
    rows = []
    for place in itertools.product(*(range(len(axis.values)) for axis in axes)):
        at = dict(zip((axis.name for axis in axes), place, strict=True))
        rows += [[_number(own, at) for own in of_operands]] * sets
    return np.array(rows, dtype="int64")


def _number(own: list[Axis], at: dict[str, int]) -> int:
    number = 0
    for axis in own:
        number = number * len(axis.values) + at[axis.name]
    return number

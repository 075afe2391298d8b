"""Events from a field: what the user compares it with, as the core wants it.

Thresholds, climatology and mask stay as they are: a number, a map, or maps per day of the year or per step, of any
type, are handed over without a copy where that is possible at all.
"""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np

from . import _core, units
from .errors import InputError
from .field import TIME_NAMES, Field, as_field, as_maps, check_maps, find_name
from .memory import memory_budget
from .operands import SLOTS, Operands, check_times, maps_of, slots_of
from .sources import is_paths

__all__: list[str] = []

#: Parts of the memory of which runs get one, blobs another, and the tables that are made of them the rest.
_SHARES = 8

#: What the core takes: maps, the map of each step or None, scale and offset that bring them to the units of `x`.
Limits = tuple[np.ndarray, "np.ndarray | None", float, float]


class Search:
    """One call of a diagnostic that makes events.

    Parameters
    ----------
    row : dict
        Row of the table of diagnostics.
    given : dict
        What the user passed, by name.

    Attributes
    ----------
    field : Field
        The series.
    below : bool
        Whether events lie below their threshold.

    Raises
    ------
    InputError
        If there is no threshold, or one for either side, or an operand does not fit the series.
    """

    def __init__(self, row: dict[str, Any], given: dict[str, Any]) -> None:
        self._row, self._given = row, given
        given["x"] = as_maps(given["x"])
        self._operands = Operands({**row, "operands": row["operands"][:1]}, given)
        self.field = self._operands.field
        check_maps(self.field)
        self.field.grid()
        self._mask = _bytes_of_mask(self.field)
        self.below = given["below"] is not None
        self._check_sides()

    def _check_sides(self) -> None:
        name, given = self._row["name"], self._given
        if given["above"] is not None and self.below:
            raise InputError(f"{name}: a threshold is either above= or below=, not both")
        if given["above"] is None and not self.below and given["where"] is None and self._mask is None:
            raise InputError(
                f"{name}: above which threshold?", hint="pass above=, below=, percentile=, or a mask with where="
            )

    def run(self, progress: Any) -> Any:
        """Tables of the core."""
        latitude, longitude = self.field.grid()
        values = [self._given[spec["name"]] for spec in self._row["params"]]
        limits = (self._threshold(), self._limits("core"), self._limits("climatology"), self._where())
        source = self.field.source if self._mask is None else self._mask
        with self.field.reading():
            return _core.field(
                self._row["name"],
                values,
                source,
                self.below,
                limits,
                self.field.seconds,
                latitude,
                longitude,
                self.field.calendar,
                memory_budget() // _SHARES,
                tempfile.gettempdir(),
                progress,
            )

    def _threshold(self) -> Limits | None:
        limits = self._limits("below" if self.below else "above")
        if limits is None and self._mask is not None and self._given["where"] is None:
            return (*_maps(0.0, self.field, "above"), 1.0, 0.0)
        return limits

    def _limits(self, name: str) -> Limits | None:
        value, wanted = self._given[name], self._operands.units
        if value is None:
            return None
        if isinstance(value, str):
            value = units.quantity(value, wanted, f"{self._row['name']}: {name}")
        own = units.of(getattr(value, "attrs", {}))
        factor = units.check(own, wanted, name) if own is not None and wanted is not None else (1.0, 0.0)
        return (*_maps(value, self.field, name), *factor)

    def _where(self) -> Limits | None:
        value = self._given["where"]
        if value is None:
            return None
        if is_paths(value):
            mask = as_field(value)
            check_times(self.field, mask, "where")
            value = mask.values()
        maps, slots = _maps(value, self.field, "where")
        return maps.view("uint8") if maps.dtype == bool else maps, slots, 1.0, 0.0


def _bytes_of_mask(field: Field) -> np.ndarray | None:
    """Values of a field that is a mask itself; None for any other."""
    values = field.source if field.origin is None else field.origin
    is_mask = getattr(getattr(values, "dtype", None), "kind", "") == "b"
    return np.asarray(values).view("uint8") if is_mask else None


def _maps(value: Any, field: Field, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Maps of an operand, and which of them belongs to each step; None: there is one for all."""
    of_steps = _time_name(value, field, name)
    first = of_steps or find_name(getattr(value, "dims", ()), SLOTS) or SLOTS[0]
    maps = maps_of(value, field, first, name)
    if len(maps) == 1:
        return maps, None
    if of_steps is not None or (name == "where" and len(maps) == len(field.seconds)):
        return maps, np.arange(len(maps), dtype="int32")
    return maps, slots_of(maps, field)


def _time_name(value: Any, field: Field, name: str) -> str | None:
    """Name of the time dimension of a DataArray, whose times must be those of the field."""
    dim = find_name(getattr(value, "dims", ()), TIME_NAMES)
    if dim is not None:
        check_times(field, as_field(value), name)
    return dim

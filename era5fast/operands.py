"""Operands of a diagnostic: what the user has, as the core wants it.

The first operand is a :class:`~era5fast.field.Field` and says which cells and times there are; the others are series
of the same times, maps per day of the year, or maps, all on the same cells.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import _core, attributes, units
from .axis_names import find_name
from .chunked.arrays import is_lazy
from .doubts import say_if_in_degrees
from .errors import InputError
from .field import Field, as_field, on_grid, plain
from .several import Axis, choices, common, several
from .times import check_order, days_of, same_calendar
from .wording import did_you_mean

#: Names of dimensions whose maps belong to parts of the year.
SLOTS = ("dayofyear", "month", "season")


class Operands:
    """All operands of one call.

    Parameters
    ----------
    row : dict
        Row of the table of diagnostics.
    given : dict
        What the user passed, by name.

    Attributes
    ----------
    field : Field
        The first operand.
    fields : list of Field
        All that are series.
    sources : list
        What the core reads, in the order of the row: arrays with rows first, a ``_core.Dataset``, or one of them with
        scale and offset; or None.
    units : str or None
        Of the first operand as the core sees it; None when they are not known.
    axes : list of Axis
        Dimensions of operands that hold several maps, such as thresholds.

    Raises
    ------
    InputError
        If operands lie on other cells or times than the first, have other calendars or units, or are missing.
    """

    def __init__(self, row: dict[str, Any], given: dict[str, Any]) -> None:
        specs = row["operands"]
        extra = {key: given[key] for key in ("time", "latitude", "longitude", "calendar", "variable")}
        extra["wraps"] = row["kind"] != "field"
        self.field = as_field(given[specs[0]["name"]], **extra)
        if len(self.field.seconds) == 0:
            raise InputError(f"{row['name']}: {specs[0]['name']} has no times")
        if 0 in self.field.cells():
            raise InputError(f"{row['name']}: {specs[0]['name']} has no cells", hint="is the selection empty?")
        check_order(self.field.seconds, self.field.calendar, str(specs[0]["name"]), str(self.field.time_name()))
        self.fields = [self.field]
        self.units = units.of(self.field.attrs)
        self.sources = [self._first(row, specs[0])]
        #: Units of the series by what rows call them: x is the first operand, others go by their names.
        self._units_of = {"x": self.units}
        self._axes_of: list[list[Axis]] = [[]]
        for spec in specs[1:]:
            self._axes_of.append([])
            self.sources.append(self._source(row, spec, given[spec["name"]], extra))
        self.axes = common([axis for own in self._axes_of for axis in own], row["name"])

    def _first(self, row: dict[str, Any], spec: dict[str, Any]) -> Any:
        """The first operand in the units of the row; a plain array is taken to be in them."""
        wanted = spec["units"]
        if wanted is None:
            _check_kind(row, spec, self.field.attrs)
            return self.field.source
        if not self.field.labelled:
            self.units = wanted
            return self.field.source
        scale = units.check(self.units, wanted, spec["name"])
        if spec["keep_units"]:
            return self.field.source
        self.units = wanted
        return scaled(self.field.source, scale)

    def _factor(self, spec: dict[str, Any], attrs: Any) -> tuple[float, float]:
        """What brings another operand into the units of the row, or of the first operand."""
        wanted, given = self._wanted(spec), units.of(attrs)
        if wanted is None or attrs is None or (given is None and spec["units"] in self._units_of):
            return 1.0, 0.0
        if spec["units"] == "mm":  # a day's depth; not where "mm" are the units of the first operand
            return units.depth_of_a_day(given, spec["name"]), 0.0
        scale, offset = units.check(given, wanted, spec["name"])
        return scale, 0.0 if attributes.is_difference(attrs) else offset

    def _wanted(self, spec: dict[str, Any]) -> str | None:
        """Units in which an operand is needed; None where nobody knows."""
        wanted: str | None = spec["units"]
        return wanted if wanted is None else self._units_of.get(wanted, wanted)

    def _source(self, row: dict[str, Any], spec: dict[str, Any], value: Any, extra: dict[str, Any]) -> Any:
        if value is None:
            if spec["name"] == "cell_latitude":
                return self._latitudes()
            if spec["optional"]:
                return None
            raise InputError(f"{row['name']}: {spec['name']} is missing")
        if spec["dims"].startswith("time"):
            return self._series(spec, value, extra)
        slots = (
            find_name(getattr(value, "dims", ()), SLOTS) or SLOTS[0] if spec["dims"].startswith(SLOTS[0]) else None
        )
        found = several(value, spec["name"], self.field, slots)
        self._axes_of[-1] = [axis._replace(attrs=self._about(spec, axis)) for axis in found.axes]
        maps = [self._maps(row, spec, part, slots) for part in found.parts]
        return maps[0] if len(maps) == 1 else _behind_each_other(found.parts, maps)

    def _about(self, spec: dict[str, Any], axis: Axis) -> dict[str, Any]:
        """What is known of a dimension of several maps."""
        if axis.attrs:
            return axis.attrs
        wanted = self._wanted(spec) if axis.name == spec["name"] and axis.values.dtype.kind in "fiu" else None
        return attributes.of_result(spec["doc"].split(":")[0].rstrip("."), wanted)

    def arrangement(self, sets: int, cases: Any = None) -> tuple[list[int], np.ndarray | None]:
        """What is computed, in this order: the set of parameters of each, and which of several maps go with it.

        Where an operand has one map for each of the cases, a case goes with its own only.
        """
        order = list(range(sets))
        numbers = choices(self.axes, self._axes_of, sets)
        if numbers is None:
            return order, None
        order = order * (len(numbers) // sets)
        names = [axis.name for axis in self.axes]
        if cases is None or cases.name not in names:
            return order, numbers
        places = np.unravel_index(np.arange(len(order)) // sets, [len(axis.values) for axis in self.axes])
        own = places[names.index(cases.name)]
        kept = [k for k, i in enumerate(order) if i * len(cases.labels) // sets == own[k]]
        return [order[k] for k in kept], numbers[kept]

    def _maps(self, row: dict[str, Any], spec: dict[str, Any], value: Any, slots: str | None) -> np.ndarray:
        if spec["units"] == "x":
            say_if_in_degrees(value, self.field, f"{row['name']}: {spec['name']}")
        if isinstance(value, str):
            difference = spec["units"] == "x" and self.field.is_difference()
            value = units.quantity(value, self._wanted(spec), f"{row['name']}: {spec['name']}", difference=difference)
        scale, offset = self._factor(spec, getattr(value, "attrs", None))
        rows = rows_of(value, self.field, slots, spec["name"])
        rows = rows if (scale, offset) == (1.0, 0.0) else rows * scale + offset
        # A fixed threshold means the number of the data's precision that is nearest to it: float32(0.1) is not above
        # 0.1. Events say of themselves that they compare in double precision (find.py).
        rounds = np.ndim(value) == 0 and self.field.is_single()
        return rows.astype("float32").astype("float64") if rounds else rows

    def _latitudes(self) -> np.ndarray:
        """Latitude of each cell of the grid, for a diagnostic that needs it and was not given it."""
        found = self.field.latitude_of_cells()
        if found is None:
            self.field.grid()
            raise InputError("the latitudes of the cells are not known", hint="pass cell_latitude=")
        return found

    def units_of(self, name: str) -> str | None:
        """Units of a series as the core sees it; where it is not given, those of the first operand."""
        return self._units_of.get(name, self.units)

    def _series(self, spec: dict[str, Any], value: Any, extra: dict[str, Any]) -> Any:
        name = spec["name"]
        other = as_field(value, **{**extra, "variable": None})
        check_times(self.field, other, name)
        if other.origin is not None:
            time = str(other.origin.dims[0])
            origin = on_grid(other.origin, self.field, time, name)
            other.source = _numbers(origin.values)
        elif other.labelled:  # of files
            check_axes(self.field, other, name)
        if other.cells() != self.field.cells() and _squeezed(other.cells()) != _squeezed(self.field.cells()):
            raise InputError(f"{name} has cells of shape {other.cells()}, the data {self.field.cells()}")
        if not other.labelled:
            other.source = _numbers(other.source)
        self.fields.append(other)
        self._units_of[name] = spec["units"] or units.of(other.attrs)
        return scaled(other.source, self._factor(spec, other.attrs if other.labelled else None))

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Context in which the core may read the sources."""
        with contextlib.ExitStack() as stack:
            for field in self.fields:
                stack.enter_context(field.reading())
            yield


def _check_kind(row: dict[str, Any], spec: dict[str, Any], attrs: Any) -> None:
    """Refuse a series that measures something else by its own units."""
    if spec["measures"] is not None:
        units.check_kind(units.of(attrs), spec["measures"].split(", "), f"{row['name']}: {spec['name']}")


def _behind_each_other(parts: list[Any], maps: list[np.ndarray]) -> np.ndarray:
    """Several maps as the core wants them; numbers take no room."""
    if all(np.ndim(part) == 0 for part in parts):
        numbers = np.array([each.flat[0] for each in maps]).reshape(-1, *(1,) * (maps[0].ndim - 1))
        return np.broadcast_to(numbers, (len(maps), *maps[0].shape[1:]))
    return np.concatenate(maps)


def bind(name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a call by name, with their defaults.

    Raises
    ------
    TypeError
        If one is missing, unknown or given twice; it names the function, as for any other.
    """
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        unknown = next((word for word in kwargs if word not in signature.parameters), "")
        hint = did_you_mean(unknown, signature.parameters) if unknown else ""
        raise TypeError(f"{name}() {error}" + (f". {hint[0].upper()}{hint[1:]}" if hint else "")) from None
    bound.apply_defaults()
    return dict(bound.arguments)


def scaled(source: Any, factor: tuple[float, float]) -> Any:
    """A source whose values the core brings into other units, where there is something to do."""
    return source if factor == (1.0, 0.0) else (source, *factor)


def _numbers(values: np.ndarray) -> np.ndarray:
    """Values as the core takes them; those of a mask are 0 and 1."""
    if values.dtype.kind in "fiu":
        return values
    return values.astype("int8" if values.dtype.kind == "b" else "float64")


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def check_times(field: Field, other: Field, name: str) -> None:
    """Refuse a series whose times or calendar differ from those of the first operand.

    Raises
    ------
    InputError
        If they do.
    """
    if not same_calendar(field.calendar, other.calendar):
        raise InputError(
            f"{name} has the calendar {other.calendar}, the data {field.calendar}",
            hint="bring both to the same calendar",
        )
    if not np.array_equal(field.seconds, other.seconds):
        raise InputError(f"{name} has other times than the data", hint="select the same times of both")


def check_axes(field: Field, other: Field, name: str) -> None:
    """Refuse files whose latitudes or longitudes differ from those of the first operand.

    Raises
    ------
    InputError
        If they do.
    """
    for axis, a, b in zip(("latitude", "longitude"), field.grid(), other.grid(), strict=True):
        if a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=1e-4):
            raise InputError(f"{name} has another {axis} than the data", hint="select the same cells of both")


def rows_of(value: Any, field: Field, first: str | None, name: str) -> np.ndarray:
    """Maps of an operand as :func:`maps_of` gives them, in float64."""
    return maps_of(value, field, first, name, dtype="float64")


def maps_of(value: Any, field: Field, first: str | None, name: str, dtype: str | None = None) -> np.ndarray:
    """Maps of an operand, (rows, *cells): one row per slot, or one.

    Parameters
    ----------
    value : float, array or xarray.DataArray
        A number, one value per cell, or one per cell and slot.
    field : Field
        Whose cells are meant.
    first : str or None
        Name of the dimension of slots; None: one map.
    name : str
        Of the operand, for messages.
    dtype : str, optional
        Type of the maps; that of the values when left out, so that none is copied, and dask's stay dask's.

    Raises
    ------
    InputError
        If it is no number and has another shape.
    """
    cells = field.cells()
    labelled = hasattr(value, "dims")
    if labelled:
        value = on_grid(value, field, first, name)
    try:
        lazily = dtype is None and is_lazy(value)
        values = value.data if lazily else np.asarray(plain(value), dtype=dtype)
        if values.dtype.kind not in "fiub":
            raise TypeError("no numbers")
        values = values.astype("float64") if values.dtype.char in "eg" else values  # half and long double
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is no number and no array of numbers") from error
    if values.size == 0:
        raise InputError(f"{name} is empty", hint="it is one number, or one per cell")
    slots = values.shape[:1] if first is not None and values.ndim == len(cells) + 1 else ()
    if labelled and first in value.dims and not slots:  # one value per slot, the same in all cells
        values, slots = values.reshape(-1, *(1,) * len(cells)), values.shape[:1]
    if value is None or not _fits(values.shape[len(slots) :], cells):
        hint = "it is one number, or one per cell" + (", or one per cell and day of the year" if first else "")
        raise InputError(f"{name} has the shape {values.shape}, cells have the shape {cells}", hint=hint)
    return np.broadcast_to(values if slots else values[np.newaxis], (*(slots or (1,)), *cells))


def _fits(shape: tuple[int, ...], cells: tuple[int, ...]) -> bool:
    return shape in ((), cells) or shape == (1,) * len(cells)


def check_slots(count: int) -> None:
    """Refuse maps whose number is that of the days of no year, such as one for each month.

    Raises
    ------
    InputError
        If it is.
    """
    if count not in _DAYS_OF_YEARS:
        what = "12 values, as for months," if count == _MONTHS else f"{count} values"
        raise InputError(
            f"a threshold of {what} fits neither the steps of the data nor the days of the year",
            hint="pass it with the dimension dayofyear, as percentile_doy() makes it, or time: of months, "
            "monthly.sel(month=x.time.dt.month)",
        )


_DAYS_OF_YEARS, _MONTHS = (360, 365, 366), 12


def slots_of(rows: np.ndarray, field: Field) -> np.ndarray:
    """Row of a map per slot that each time step is compared with, as int32."""
    if len(rows) == 1:
        return np.zeros(len(field.seconds), dtype="int32")
    check_slots(len(rows))
    return _core.slots(days_of(field.seconds), field.calendar, len(rows))

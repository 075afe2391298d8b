"""Events from a field: what the user compares it with, as the core wants it.

Thresholds, climatology and mask stay as they are: a number, a map, or maps per day of the year or per step, of any
type, are handed over without a copy where that is possible at all. A field that dask computes stays in chunks, and so
do the maps that it is compared with (chunked/events.py).
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from . import _core, attributes, units
from .axis_names import TIME_NAMES, find_axis, find_name
from .chunked.arrays import check, is_lazy, outline
from .doubts import say_if_in_degrees
from .errors import InputError, warn
from .field import Field, as_field, as_maps, check_maps, check_mask
from .memory import memory_budget
from .operands import SLOTS, Operands, check_times, maps_of, slots_of
from .provenance import lazy_digest, needs_digest
from .several import is_list
from .sources import is_paths
from .times import DAY, usual_step

__all__: list[str] = []

#: Parts of the memory of which runs get one, blobs another, and the tables that are made of them the rest.
_SHARES = 8

#: Share of a number that float32 does not know.
_ROUNDED = 1e-6

#: Share of the steps that are as long as most, or whole multiples of that, where a record has gaps.
_REGULAR = 0.9

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
        x = given["x"] = as_maps(given["x"])
        self._chunks = _chunks_of(x) if is_lazy(x) else None
        given["x"] = x if self._chunks is None else outline(self._chunks)
        self._operands = Operands({**row, "operands": row["operands"][:1]}, given)
        self.field = _in_precision_of_core(self._operands.field)
        check_maps(self.field)
        self.field.grid()
        _check_steps(self.field, row["name"])
        _say_what_is_counted(self.field, given)
        self._check_flags()
        is_lazy_mask = self._chunks is not None and x.dtype.kind == "b"
        self._mask = self.field.source if is_lazy_mask else _bytes_of_mask(self.field)
        self.below = given["below"] is not None
        #: Digests of lazy operands, by name, when the search has been run.
        self.digests: dict[str, str] = {}
        self._check_sides()

    def _check_flags(self) -> None:
        for name in (spec["name"] for spec in self._row["params"] if spec["type"] == "flag"):
            if not isinstance(self._given[name], bool | np.bool_):
                raise InputError(f"{self._row['name']}: {name} is True or False, not {self._given[name]!r}")

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
        self._check_core(limits[0], limits[1])
        if self._chunks is not None:
            from .chunked import events

            question = events.Question(self._row["name"], values, self.below, latitude, longitude)
            wanted = self._wanted_digests()
            found, digests = events.find(
                question, self._chunks.data, limits, self.field.seconds, self.field.calendar, list(wanted.values())
            )
            self.digests = dict(zip(wanted, digests, strict=True))
            return found
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

    def _wanted_digests(self) -> dict[str, Any]:
        """Digests of lazy operands, by name: computed with the search, as what they are made of is needed once."""
        operands = {spec["name"]: self._given[spec["name"]] for spec in self._row["operands"][1:]}
        return {
            name: lazy_digest(value) for name, value in operands.items() if is_lazy(value) and needs_digest(value)
        }

    def _check_core(self, threshold: Limits | None, core: Limits | None) -> None:
        """Refuse a second threshold that is less strict than the first, be it in one cell; lazy maps pass.

        A number and a map pass too: 30 °C somewhere, above what is usual, means something where that is more.
        """
        if threshold is None or core is None or not _comparable(threshold, core):
            return
        given = [self._given[name] for name in ("core", "below" if self.below else "above")]
        numbers = all(np.ndim(each) == 0 for each in given)
        if not numbers and any(np.ndim(each) == 0 for each in given):
            return
        beyond = "above" if self.below else "below"
        if laxer := _laxer(threshold, core, self.below):
            told = f"core is {given[0]}, {beyond} the threshold {given[1]}"
            raise InputError(
                f"{self._row['name']}: "
                + (told if numbers else f"core lies {beyond} the threshold in places, by up to {laxer:.3g}"),
                hint="core is the stricter one of both",
            )

    def _threshold(self) -> Limits | None:
        limits = self._limits("below" if self.below else "above")
        if limits is None and self._mask is not None and self._given["where"] is None:
            return (*_maps(0.0, self.field, "above"), 1.0, 0.0)
        return limits

    def _in_place(self, name: str) -> Any:
        """What was given; what dask computes stays in chunks beside a field that does, unless it is one number."""
        value = self._given[name]
        if not is_lazy(value):
            return value
        check(value, name)
        if self._chunks is None or value.ndim == 0:
            self._given[name] = value = value.compute()
        return value

    def _limits(self, name: str) -> Limits | None:
        value, wanted = self._in_place(name), self._operands.units
        if value is None:
            return None
        if isinstance(value, list | tuple) and is_list(value):
            raise InputError(
                f"{self._row['name']}: {name} is a list of {len(value)}; one threshold, or a map of them, is needed",
                hint="call it once for each",
            )
        say_if_in_degrees(value, self.field, f"{self._row['name']}: {name}")
        if isinstance(value, str):
            difference = self.field.is_difference()
            value = units.quantity(value, wanted, f"{self._row['name']}: {name}", difference=difference)
        if np.ndim(value) == 0 and np.asarray(value).dtype.kind == "f" and not np.isfinite(value):
            raise InputError(f"{self._row['name']}: {name} is {float(value)}, must be finite")
        own = units.of(getattr(value, "attrs", {}))
        scale, offset = units.check(own, wanted, name) if own is not None and wanted is not None else (1.0, 0.0)
        if attributes.is_difference(getattr(value, "attrs", {})):
            offset = 0.0
        return (*_maps(value, self.field, name), scale, offset)

    def _where(self) -> Limits | None:
        value = self._in_place("where")
        if value is None:
            return None
        if is_paths(value):
            mask = as_field(value, wraps=False)
            check_times(self.field, mask, "where")
            value = mask.values()
        maps, slots = _maps(value, self.field, "where")
        if isinstance(maps, np.ndarray):
            check_mask(maps, "where")
        return maps.view("uint8") if maps.dtype == bool else maps, slots, 1.0, 0.0


def _comparable(one: Limits, other: Limits) -> bool:
    """Whether two limits are in memory, and the maps of both belong to the same steps."""
    if is_lazy(one[0]) or is_lazy(other[0]):
        return False
    return one[1] is None or other[1] is None or (len(one[0]) == len(other[0]) and np.array_equal(one[1], other[1]))


def _laxer(threshold: Limits, core: Limits, below: bool) -> float:
    """By how much the core is laxer than the threshold at most, in the units of the data; 0: nowhere."""
    most = 0.0
    # What is brought from other units is rounded.
    slack = 0.0 if threshold[2:] == core[2:] else _ROUNDED
    slots = threshold[1] if core[1] is None else core[1]
    for row in [0] if slots is None else np.unique(slots):
        first, second = (
            maps[0 if own is None else row] * scale + offset for maps, own, scale, offset in (threshold, core)
        )
        by = second - first if below else first - second
        most = max(most, float(np.max(by, initial=0.0, where=by > slack * np.abs(first))))
    return most


def _chunks_of(x: Any) -> Any:
    """A lazy field, time first, in a type that the core has."""
    check(x, "x")
    time = find_axis(x, TIME_NAMES)
    x = x if time is None else x.transpose(time, ...)
    if x.dtype.kind == "b":
        x = x.copy(deep=False)
        x.attrs = attributes.of_mask(x.attrs)
    return x.astype({"?": "uint8", "e": "float32", "g": "float64"}.get(x.dtype.char, x.dtype))


def _in_precision_of_core(field: Field) -> Field:
    """The field; half precision becomes single, long double becomes double."""
    char = field.source.dtype.char if isinstance(field.source, np.ndarray) else ""
    if char not in ("e", "g"):
        return field
    return replace(field, source=field.source.astype("float32" if char == "e" else "float64"))


def _check_steps(field: Field, name: str) -> None:
    """Refuse times that do not follow each other evenly, such as months; a record may have gaps.

    Raises
    ------
    InputError
        If fewer than half of the steps have one length, or fewer than nine in ten are a whole multiple of it.
    """
    lengths, counts = np.unique(np.diff(field.seconds), return_counts=True)
    if len(lengths) < 2:
        return
    usual, steps = lengths[counts.argmax()], counts.sum()
    evenly = counts[lengths % max(usual, 1) == 0].sum() >= _REGULAR * steps
    if usual > 0 and not (evenly and 2 * counts.max() >= steps):
        raise InputError(
            f"{name}: one value in {np.median(np.diff(field.seconds)) / DAY:.3g} days, but not evenly: the steps are "
            f"{lengths[0] / DAY:.3g} to {lengths[-1] / DAY:.3g} days long",
            hint="events need steps of one length, such as days or hours; months differ in theirs. An index of "
            "drought by day is e5.spi(rain, 30, step='day')",
        )


#: What a user who counts in other steps than days need not know of.
_SHORTEST = {"min_days": 1, "max_gap": 0}


def _say_what_is_counted(field: Field, given: dict[str, Any]) -> None:
    """Say it where steps are shorter than a day: what is given in days counts steps."""
    step = usual_step(field.seconds)
    counted = {name: given[name] for name in ("min_days", "max_gap") if isinstance(given[name], Real)}
    longer = [f"{name}={value}" for name, value in counted.items() if value > _SHORTEST[name]]
    if longer and 0 < step < DAY:
        warn(
            f"{' and '.join(longer)} counts steps, and a step of the data is {step / DAY * 24:g} h. For days make "
            "daily values first, e5.daily(x, 'max')"
        )


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
    of_days = name != "where" and len(maps) in ((360,) if field.calendar == "360_day" else (365, 366))
    of_slots = of_days or find_name(getattr(value, "dims", ()), SLOTS) is not None
    if of_steps is not None or (len(maps) == len(field.seconds) and not of_slots):
        return maps, np.arange(len(maps), dtype="int32")
    return maps, slots_of(maps, field)


def _time_name(value: Any, field: Field, name: str) -> str | None:
    """Name of the time dimension of a DataArray, whose times must be those of the field."""
    dim = find_axis(value, TIME_NAMES)
    if dim is not None:
        one_cell = value.isel({other: 0 for other in value.dims if other != dim}, drop=True)
        check_times(field, as_field(outline(one_cell)), name)
    return dim

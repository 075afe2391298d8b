"""What a request asks for, field by field: variables × levels × days × hours, and everything that they share.

A request becomes a box of :class:`Fields`; boxes of equal `context` can be compared and subtracted exactly. The hours
of a day are bits of a mask, so that a month of twenty variables is a small array of whole numbers. What is left of a
box after a subtraction is cut into few boxes again, and each of them is a request.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from . import periods
from .canonical import canonical
from .dataset_table import DATASETS, LEVELS, Dataset

__all__ = ["Fields", "fields_of"]

_FORMATS = {"nc": "netcdf", "netcdf4": "netcdf", "grib2": "grib", "grb": "grib", "grb2": "grib"}
_HOURS = tuple(range(24))
_MOST = 20_000_000  # variables × levels × days of one request: what is larger is not a request


class _Unknown(Exception):
    """Not a request whose fields can be told."""


@dataclass(frozen=True)
class Fields:
    """The fields of one request.

    Attributes
    ----------
    dataset : str
        Dataset of the service.
    context : str
        All that the fields share: product, area, grid, format and other keys, as canonical JSON.
    style : str
        How days and hours are written: ``hourly``, ``monthly``, ``daily``, ``archive``, or ``forecast`` for the
        steps of the archive's forecasts.
    variables, levels : tuple of str
        Names in a request (parameter ids in the archive), increasing; one empty level where there is none.
    days : tuple of int
        Days since 1970-01-01, increasing; of months the first.
    mask : int
        Hours of the day as bits; of forecasts the pairs of start and step.
    inputs : dict
        The request itself.
    """

    dataset: str
    context: str
    style: str
    variables: tuple[str, ...]
    levels: tuple[str, ...]
    days: tuple[int, ...]
    mask: int
    inputs: dict[str, Any] = field(repr=False, compare=False)

    @property
    def count(self) -> int:
        """Number of fields."""
        return len(self.variables) * len(self.levels) * len(self.days) * self.mask.bit_count()

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Pairs of variable and level."""
        return list(itertools.product(self.variables, self.levels))

    def table(self) -> np.ndarray:
        """Mask of every row and day, shape (rows, days), uint64."""
        return np.full((len(self.variables) * len(self.levels), len(self.days)), self.mask, np.uint64)

    def hours(self) -> list[int]:
        """Hours after 00 UTC of the day at which fields are valid, in the order of the bits of the mask."""
        return [offset_of(self.style, bit) for bit in _bits(self.mask)]

    def subtract(self, table: np.ndarray, other: Fields, until: int | None = None) -> bool:
        """Clear in a table of this box what another box of the same context holds.

        Parameters
        ----------
        table : numpy.ndarray
            As :meth:`table` gives it; changed in place.
        other : Fields
            What is there.
        until : int, optional
            Last day of the other box that counts.

        Returns
        -------
        bool
            True if that was anything.
        """
        variables, levels = _common(self.variables, other.variables), _common(self.levels, other.levels)
        days = _common_days(self.days, other.days, until)
        if days is None or not self.mask & other.mask:
            return False
        keep = np.uint64(~other.mask & (2**64 - 1))
        changed = False
        for row in (v * len(self.levels) + level for v in variables for level in levels):
            part = table[row, days]
            changed = changed or bool(np.any(part & ~keep))
            table[row, days] = part & keep
        return changed

    def left(self, table: np.ndarray) -> list[Fields]:
        """The boxes into which a table of this box falls, none overlapping."""
        groups: dict[bytes, list[int]] = {}
        for row in range(len(table)):
            groups.setdefault(table[row].tobytes(), []).append(row)
        return [
            part
            for rows in groups.values()
            for variables, levels in self._products(rows)
            for mask, days in _by_mask(table[rows[0]], self.days)
            for part in self._pieces(variables, levels, days, mask)
        ]

    def _products(self, rows: Sequence[int]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Rows as products of variables and levels."""
        levels_of: dict[str, list[str]] = {}
        for row in rows:
            variable, level = divmod(row, len(self.levels))
            levels_of.setdefault(self.variables[variable], []).append(self.levels[level])
        together: dict[tuple[str, ...], list[str]] = {}
        for name, levels in levels_of.items():
            together.setdefault(tuple(levels), []).append(name)
        return [(tuple(names), levels) for levels, names in together.items()]

    def _pieces(
        self, variables: tuple[str, ...], levels: tuple[str, ...], days: tuple[int, ...], mask: int
    ) -> list[Fields]:
        """A box as boxes that one request each can say: products of years and months, or of starts and steps."""
        found = []
        for some_days in _sayable(self.style, days):
            for part in _sayable_masks(self.style, mask):
                box = replace(self, variables=variables, levels=levels, days=some_days, mask=part)
                found.append(replace(box, inputs=_written(box)))
        return found


def offset_of(style: str, bit: int) -> int:
    """Hours after 00 UTC of the day at which the field of a bit is valid."""
    return bit if style != "forecast" else (18 + bit - 19 if bit >= 19 else 6 + bit)


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _common(mine: Sequence[str], others: Sequence[str]) -> list[int]:
    there = set(others)
    return [i for i, name in enumerate(mine) if name in there]


def _common_days(mine: Sequence[int], others: Sequence[int], until: int | None) -> slice | np.ndarray | None:
    """Where in one list of days the other's are; None for nowhere."""
    last = others[-1] if until is None else min(others[-1], until)
    first = max(mine[0], others[0])
    last = min(mine[-1], last)
    if first > last:
        return None
    if _consecutive(mine) and _consecutive(others):
        return slice(first - mine[0], last - mine[0] + 1)
    days = np.asarray(mine)
    found = np.flatnonzero(np.isin(days, np.asarray(others)) & (days <= last))
    return found if len(found) else None


def _consecutive(days: Sequence[int]) -> bool:
    return days[-1] - days[0] == len(days) - 1


def _by_mask(row: np.ndarray, days: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
    found: dict[int, list[int]] = {}
    for day, mask in zip(days, row.tolist(), strict=True):
        if mask:
            found.setdefault(mask, []).append(day)
    return [(mask, tuple(some)) for mask, some in found.items()]


def _sayable(style: str, days: tuple[int, ...]) -> list[tuple[int, ...]]:
    if style == "daily":
        return [tuple(piece) for piece in periods.cut(days, "month")]
    if style != "monthly":
        return [days]
    months_of: dict[int, list[int]] = {}
    for day in days:
        months_of.setdefault(periods.date_of(day).year, []).append(day)
    together: dict[tuple[int, ...], list[int]] = {}
    for some in months_of.values():
        together.setdefault(tuple(periods.date_of(day).month for day in some), []).extend(some)
    return [tuple(some) for some in together.values()]


def _sayable_masks(style: str, mask: int) -> list[int]:
    if style != "forecast":
        return [mask]
    early, late = mask & (1 << 19) - 1, mask >> 19
    if early == late or not early or not late:
        return [mask]
    return [early, late << 19]


# --- from a request ---


def fields_of(dataset: str, inputs: dict[str, Any]) -> Fields | None:
    """Fields of a request, whoever wrote it; None where they cannot be told.

    Parameters
    ----------
    dataset : str
        Dataset of the service.
    inputs : dict
        The request: keys of the Climate Data Store, or MARS keywords for the archive.
    """
    row = DATASETS.get(dataset)
    if row is None or row.family == "series":
        return None
    try:
        found = _archive(row, inputs) if row.family == "archive" else _store(row, inputs)
    except (_Unknown, ValueError, TypeError, KeyError, AttributeError):
        return None
    return found if len(found.variables) * len(found.levels) * len(found.days) <= _MOST else None


def _list(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [str(v).strip() for v in values]


def _take(rest: dict[str, Any], key: str) -> list[str]:
    if key not in rest:
        raise _Unknown
    return _list(rest.pop(key))


def _store(row: Dataset, inputs: dict[str, Any]) -> Fields:
    rest = dict(inputs)
    variables = tuple(sorted(set(_take(rest, "variable"))))
    levels = tuple(sorted(set(_take(rest, "pressure_level")), key=float)) if row.level == "pl" else ("",)
    days = _store_days(row, rest)
    mask = 1 if row.family == "daily" else _mask(_hour(text) for text in _take(rest, "time"))
    if not variables or not days or not mask:
        raise _Unknown
    context = _context(row, rest)
    return Fields(row.name, context, row.family, variables, levels, days, mask, inputs)


def _store_days(row: Dataset, rest: dict[str, Any]) -> tuple[int, ...]:
    if "date" in rest and row.family != "monthly":
        return _days_of(tuple(_take(rest, "date")))
    years, months = ([int(x) for x in _take(rest, key)] for key in ("year", "month"))
    if row.family == "monthly":
        return tuple(sorted({periods.number(dt.date(y, m, 1)) for y in years for m in months}))
    numbers = [int(x) for x in _take(rest, "day")]
    return tuple(sorted({d for y in years for m in months for d in _days_of_month(y, m, numbers)}))


@functools.lru_cache(4096)
def _days_of(texts: tuple[str, ...]) -> tuple[int, ...]:
    """Days of a list of dates and ranges; many requests have the same ones."""
    return tuple(periods.listed(texts))


def _days_of_month(year: int, month: int, numbers: Iterable[int]) -> list[int]:
    """Those days of a month that exist: the service drops 30 February without a word."""
    first = dt.date(year, month, 1)
    after = dt.date(year + month // 12, month % 12 + 1, 1)
    return [periods.number(first) + n - 1 for n in numbers if 1 <= n <= (after - first).days]


@functools.lru_cache(1024)
def _hour(text: str) -> int:
    match = re.fullmatch(r"(\d{1,2})(?::?00){0,2}", text)
    if match is None or int(match[1]) > 23:
        raise _Unknown
    return int(match[1])


def _mask(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= 1 << bit
    return found


def _numbers(value: Any) -> list[float]:
    return [float(x) for text in _list(value) for x in text.split("/")]


def _context(row: Dataset, rest: dict[str, Any]) -> str:
    """Canonical form of what is left of a request when variables, levels and times are taken out."""
    shared: dict[str, Any] = {"dataset": row.name}
    if row.product_types:
        rest.setdefault("product_type", row.product_types[0])
    rest.setdefault("data_format", rest.pop("format", "netcdf" if row.family == "daily" else "grib"))
    if _list(rest.get("download_format", "unarchived")) == ["unarchived"]:
        rest.pop("download_format", None)
    for key, value in rest.items():
        texts = _list(value)
        if key in ("area", "grid"):
            shared[key] = _numbers(value)
        elif key == "data_format":
            shared[key] = [_FORMATS.get(text, text) for text in texts]
        else:
            shared[key] = sorted(texts)
    if shared.get("grid") == [row.grid, row.grid]:
        del shared["grid"]
    return canonical(shared)


# --- the archive's keywords ---


def _archive(row: Dataset, inputs: dict[str, Any]) -> Fields:
    rest = dict(inputs)
    parameters = tuple(sorted({_parameter(text) for text in _slashed(_take(rest, "param"))}, key=_as_number))
    levels = tuple(expand(_take(rest, "levelist"))) if "levelist" in rest else ("",)
    forecast = _list(rest.get("type", "an")) == ["fc"]
    days = tuple(archive_days(_take(rest, "date")))
    hours = sorted({_hour(text) for text in expand(_take(rest, "time"), pad=True)})
    if forecast:
        found = [int(text) for text in expand(_take(rest, "step"))]
        if not set(hours) <= {6, 18} or not all(0 <= step <= 18 for step in found):
            raise _Unknown
        mask = _mask((19 if hour == 18 else 0) + step for hour in hours for step in found)
    else:
        mask = _mask(hours)
    context = _context(row, rest)
    style = "forecast" if forecast else "archive"
    return Fields(
        row.name, context, style, parameters, tuple(sorted(set(levels), key=_as_number)), days, mask, inputs
    )


def _as_number(text: str) -> float:
    return float(text) if text else -1.0


def _parameter(text: str) -> str:
    """Parameter ids in one form: ``130``, ``130.128`` and ``246.228`` as 130 and 228246."""
    number, _, group = text.partition(".")
    return number if group in ("", "128") else f"{int(group)}{int(number):03d}"


def _slashed(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split("/")]


def expand(texts: Sequence[str], pad: bool = False) -> list[str]:
    """List of values behind ``1/to/137``, ``0/to/18/by/3`` or ``500/850``."""
    parts = [part.lower() for part in _slashed(texts)]
    if "to" not in parts:
        return parts
    if len(parts) not in (3, 5) or parts[1] != "to" or (len(parts) == 5 and parts[3] != "by"):
        raise _Unknown
    first, last = ((_hour(x) if pad else int(x)) for x in (parts[0], parts[2]))
    step = int(parts[4]) if len(parts) == 5 else 1
    if step < 1 or abs(last - first) > 10_000:
        raise _Unknown
    return [str(x) for x in range(first, last + 1, step)]


def archive_days(texts: Sequence[str]) -> list[int]:
    """Days behind ``2003-08-01/to/2003-08-31``, a list, or days joined by slashes."""
    parts = _slashed(texts)
    if "to" not in parts:
        return periods.listed(parts)
    if len(parts) != 3 or parts[1] != "to":
        raise _Unknown
    return periods.span(parts[0], parts[2])


# --- to a request ---


def _written(box: Fields) -> dict[str, Any]:
    """The request of a box: that of the box it was cut from, with its own variables, levels, days and hours."""
    inputs = dict(box.inputs)
    if box.style in ("archive", "forecast"):
        inputs["param"] = "/".join(box.variables)
        if box.levels != ("",):
            inputs["levelist"] = "/".join(box.levels)
        inputs["date"] = archive_date(box.days)
        inputs |= archive_times(box.style, box.mask)
        return inputs
    inputs["variable"] = list(box.variables)
    if box.levels != ("",):
        inputs["pressure_level"] = list(box.levels)
    for key in ("date", "year", "month", "day"):
        inputs.pop(key, None)
    inputs |= store_dates(box.style, box.days)
    if box.style != "daily":
        inputs["time"] = [f"{hour:02d}:00" for hour in _bits(box.mask)]
    return inputs


def store_dates(style: str, days: Sequence[int]) -> dict[str, Any]:
    """Keys of a request that say which days (of months the first) are wanted."""
    if style == "hourly":
        return {"date": periods.texts(days)}
    dates = [periods.date_of(day) for day in days]
    found: dict[str, Any] = {
        "year": sorted({f"{date.year:04d}" for date in dates}),
        "month": sorted({f"{date.month:02d}" for date in dates}),
    }
    return found if style == "monthly" else {**found, "day": sorted({f"{date.day:02d}" for date in dates})}


def archive_date(days: Sequence[int]) -> str:
    """``2003-08-01/to/2003-08-31``, or days joined by slashes."""
    runs = periods.ranges(days)
    if len(runs) == 1 and len(days) > 1:
        return f"{periods.date_of(days[0])}/to/{periods.date_of(days[-1])}"
    return "/".join(str(periods.date_of(day)) for day in days)


def archive_times(style: str, mask: int) -> dict[str, str]:
    """Keywords ``time`` and, for forecasts, ``step``."""
    bits = _bits(mask)
    if style != "forecast":
        return {"time": "00/to/23/by/1" if bits == list(_HOURS) else "/".join(f"{hour:02d}" for hour in bits)}
    starts = sorted({"18" if bit >= 19 else "06" for bit in bits})
    steps = sorted({bit - 19 if bit >= 19 else bit for bit in bits})
    whole = len(steps) > 2 and steps == list(range(steps[0], steps[-1] + 1))
    return {
        "time": "/".join(starts),
        "step": f"{steps[0]}/to/{steps[-1]}" if whole else "/".join(map(str, steps)),
    }


def level_list(level_type: str, levels: Sequence[int]) -> str:
    """Keyword ``levelist``."""
    whole = tuple(levels) == LEVELS[level_type] and len(levels) > 2 and level_type == "ml"
    return f"{levels[0]}/to/{levels[-1]}" if whole else "/".join(map(str, levels))

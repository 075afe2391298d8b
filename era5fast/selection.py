"""Which part of a variable is wanted: dates, areas, levels and members → picks along each dimension.

A pick is what the core takes: ``(start, count)``, or an array of indices in any order.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np

from . import _core
from .errors import InputError
from .times import dates_of

__all__ = ["Pick", "Selection", "select"]

Pick: TypeAlias = tuple[int, int] | np.ndarray

#: Degrees or units of a level within which two coordinates mean the same.
_SAME = 1e-4


class Selection:
    """Picks along the dimensions of a tidy variable.

    Attributes
    ----------
    picks : list of Pick
        One per dimension.
    full_shape : tuple of int
        Lengths of all dimensions.
    shape : tuple of int
        Lengths of those that stay: one value asked for by a number, not by a list, takes its dimension away.
    """

    def __init__(self, picks: list[Pick], single: list[bool]) -> None:
        self.picks = picks
        self.full_shape = tuple(len(pick) if isinstance(pick, np.ndarray) else pick[1] for pick in picks)
        self.shape = tuple(n for n, gone in zip(self.full_shape, single, strict=True) if not gone)


def select(
    header: dict[str, Any], *, time: Any = None, area: Any = None, level: Any = None, number: Any = None
) -> Selection:
    """Find what is wanted of a variable.

    Parameters
    ----------
    header : dict
        Header of the core's dataset: ``dims``, ``seconds``, ``calendar``, ``latitude``, ``longitude``, ``levels``.
    time : slice of dates, or a date, optional
        First and last moment, both inclusive; or a year, month, day or moment: all of its steps.
    area : sequence of four floats, optional
        North, west, south, east in degrees.
    level, number : number or sequence of numbers, optional
        Values of the vertical dimension, and of the ensemble's.

    Raises
    ------
    InputError
        If it is not in the files.
    """
    rows, columns = _area(header, area)
    picks: dict[str, Pick] = {"time": _time(header, time), "latitude": rows, "longitude": columns}
    single = {}
    for wanted, what in ((number, "number"), (level, "level")):
        dim = _dim_of(header, what)
        if dim is not None:
            picks[dim] = _values(header, dim, wanted)
            single[dim] = wanted is not None and np.ndim(wanted) == 0
        elif wanted is not None:
            raise InputError(f"{header['name']} has no dimension of {what}s", hint=f"leave out {what}=")
    dims = header["dims"]
    return Selection([picks[dim] for dim in dims], [single.get(dim, False) for dim in dims])


# --- time ---


def _time(header: dict[str, Any], time: Any) -> tuple[int, int]:
    seconds, calendar = header["seconds"], header["calendar"]
    if time is None:
        return 0, len(seconds)
    if not isinstance(time, slice) and np.ndim(time) == 0:
        time = slice(time, time)
    if not isinstance(time, slice) or time.step is not None:
        raise InputError(
            f"time must be a date or a slice of two, not {time!r}",
            hint='for instance "2003-07" or slice("2003", "2005")',
        )
    first, last = 0, len(seconds)
    if time.start is not None:
        first = int(np.searchsorted(seconds, _moment(time.start, calendar), "left"))
    if time.stop is not None:
        last = int(np.searchsorted(seconds, _moment(time.stop, calendar, end=True), "left"))
    if last <= first:
        said = f"in {time.start}" if time.start is time.stop else f"from {time.start} to {time.stop}"
        raise InputError(f"no data {said}", hint=_span(seconds, calendar))
    return first, last - first


def _span(seconds: np.ndarray, calendar: str) -> str:
    first, last = (f"{y:04d}-{m:02d}-{d:02d}" for y, m, d, _ in dates_of(seconds[[0, -1]], calendar))
    return f"the data run from {first} to {last}"


_MOMENT = re.compile(r"(-?\d{1,6})(?:-(\d\d?)(?:-(\d\d?)(?:[T ](\d\d?)(?::(\d\d?)(?::(\d\d?)(?:\.\d+)?)?)?)?)?)?Z?")
_LENGTHS = {3: 86400, 4: 3600, 5: 60, 6: 1}  # seconds that a date of so many fields lasts


def _moment(date: Any, calendar: str, end: bool = False) -> int:
    """Second at which a (possibly partial) date of a calendar begins, or at which it is over."""
    match = _MOMENT.fullmatch(str(date))
    if match is None:
        raise InputError(
            f"'{date}' is no date", hint="expected a year, year-month, year-month-day or a whole time stamp"
        )
    fields = [int(field) for field in match.groups() if field is not None]
    year, month, day, hour, minute, second = [*fields, *(0, 1, 1, 0, 0, 0)[len(fields) :]]
    if end and len(fields) <= 2:
        year, month = (year + 1, 1) if len(fields) == 1 or month == 12 else (year, month + 1)
    units = f"seconds since {year}-{month}-{day} {hour}:{minute}:{second}"
    begin = int(_core.decode_time([0.0], units, calendar)[0])
    return begin + (_LENGTHS.get(len(fields), 0) if end else 0)


# --- space ---


def _area(header: dict[str, Any], area: Any) -> tuple[Pick, Pick]:
    latitude, longitude = header["latitude"], header["longitude"]
    if area is None:
        return (0, len(latitude)), (0, len(longitude))
    try:
        north, west, south, east = bounds = [float(bound) for bound in area]
    except (OverflowError, TypeError, ValueError):
        bounds = [np.nan]
    if np.isnan(bounds).any() or np.isinf(bounds[1::2]).any():
        raise InputError(f"area must be four numbers, not {area!r}", hint="north, west, south, east")
    rows = np.flatnonzero((latitude <= north + _SAME) & (latitude >= south - _SAME))
    eastward = (longitude - west + _SAME) % 360
    columns = np.flatnonzero(eastward <= (east - west) % 360 + 2 * _SAME if east - west < 360 else eastward >= 0)
    columns = columns[np.argsort(eastward[columns], kind="stable")]
    if rows.size == 0 or columns.size == 0:
        raise InputError(f"no cells in the area {list(area)}", hint=_where(latitude, longitude))
    return rows, columns


def _where(latitude: np.ndarray, longitude: np.ndarray) -> str:
    """In which area the cells lie, and how far apart they are."""
    box = f"[{latitude.max():g}, {longitude.min():g}, {latitude.min():g}, {longitude.max():g}]"
    steps = [f"{abs(axis[1] - axis[0]):g}" for axis in (latitude, longitude) if len(axis) > 1]
    apart = f", {' × '.join(steps)} degrees apart" if steps else ""
    return f"the order is north, west, south, east; the data have {box}{apart}"


# --- levels and members ---


def _dim_of(header: dict[str, Any], what: str) -> str | None:
    """Name of the dimension of members or of levels; None where the variable has none."""
    others = [dim for dim in header["dims"] if dim not in ("time", "latitude", "longitude")]
    return next((dim for dim in others if (dim == "number") == (what == "number")), None)


def _values(header: dict[str, Any], dim: str, wanted: Any) -> Pick:
    """Indices of the wanted values, in the order in which they are asked for."""
    values = np.asarray(header["levels"][dim]["values"], dtype="float64")
    if wanted is None:
        return 0, len(values)
    try:
        asked = np.atleast_1d(np.asarray(wanted, dtype="float64"))
    except (TypeError, ValueError) as error:
        raise InputError(f"{dim} must be numbers, not {wanted!r}") from error
    known = ", ".join(f"{value:g}" for value in values[:40])
    indices = np.zeros(asked.size, dtype="int64")
    for i, value in enumerate(asked.ravel()):
        near = np.flatnonzero(np.abs(values - value) <= _SAME)
        if near.size == 0:
            raise InputError(f"no {dim} {value:g}", hint=f"there are {known}")
        indices[i] = near[0]
    if indices.size == 0:
        raise InputError(f"no {dim} is asked for", hint=f"there are {known}")
    return indices

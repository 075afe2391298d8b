"""Days of the sun: every column of a grid has the days of its own longitude, round(longitude / 15) hours off UTC."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .axis_names import LONGITUDE_NAMES, find_axis, find_name
from .errors import InputError
from .field import Field
from .memory import memory_budget
from .times import DAY

HOUR = 3600


def hours_of(longitude: np.ndarray) -> np.ndarray:
    """Whole hours that the sun of each longitude is ahead of UTC, −12 to 12."""
    return np.rint(((longitude + 180.0) % 360.0 - 180.0) / 15.0).astype("int64")


def scan(
    field: Field, one: Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Scan the columns of each hour by themselves, and put them side by side.

    Parameters
    ----------
    field : Field
        What is scanned; in memory, or small enough to be read.
    one : callable
        Values of some columns and their seconds east of Greenwich → results (sets, days, …) and midnight of each day,
        in local time.

    Returns
    -------
    values : numpy.ndarray
        (sets, days, *cells): all local days that any column has; NaN where a column has none of its hours.
    starts : numpy.ndarray
        Midnight of each day, in local time.

    Raises
    ------
    InputError
        If longitudes are not known, or files are larger than the memory that may be used.
    """
    axis = _longitude_axis(field)
    values = _in_memory(field)
    hours = hours_of(field.grid()[1])
    found = {}
    for hour in np.unique(hours):
        columns = np.flatnonzero(hours == hour)
        out, starts = one(np.take(values, columns, axis=axis), int(hour) * HOUR)
        found[int(hour)] = (columns, out, starts // DAY)
    first = min(days[0] for _, _, days in found.values())
    last = max(days[-1] for _, _, days in found.values())
    some = next(iter(found.values()))[1]
    result = np.full((len(some), last - first + 1, *values.shape[1:]), np.nan, some.dtype)
    for columns, out, days in found.values():
        place = [slice(None)] * result.ndim
        place[1] = slice(days[0] - first, days[-1] - first + 1)
        view = np.moveaxis(result[tuple(place)], axis + 1, -1)
        view[..., columns] = np.moveaxis(out, axis + 1, -1)
    return result, (first + np.arange(last - first + 1)) * DAY


def _longitude_axis(field: Field) -> int:
    """Axis of the values along which the longitude changes."""
    longitude = field.grid()[1]
    dims = field.cell_dims()
    name = find_name(dims, LONGITUDE_NAMES) if field.origin is None else find_axis(field.origin, LONGITUDE_NAMES)
    axis = 1 + dims.index(name) if name in dims else -1
    axis = axis if field.labelled else len(field.cells())
    if axis < 1 or field.cells()[axis - 1] != len(longitude):
        raise InputError("days of the sun need a dimension of longitudes", hint="give utc_offset in hours instead")
    return axis


def _in_memory(field: Field) -> np.ndarray:
    if not isinstance(field.source, np.ndarray):
        bytes_ = 4 * len(field.seconds) * int(np.prod(field.cells()))
        if bytes_ > memory_budget():
            raise InputError(
                "these files are too large for days of the sun at once",
                hint="take a part of the times or of the region",
            )
    return field.values()

"""Places on the globe: coordinates as people write them, and the cells of a grid around them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError
from .field import plain

__all__ = ["Cells", "cells_around", "degrees"]

#: Degrees within which two coordinates mean the same.
SAME = 1e-4
#: Degrees by which axes that are stored as float32 may miss what they mean.
_ROUNDING = 2e-5

_TEXT = re.compile(
    r"""\s*(?P<sign>[-+−])?\s*(?P<first>[NSEW])?\s*
    (?P<degrees>\d{1,3}(?:\.\d*)?)\s*(?:°|º|deg|d)?\s*
    (?:(?P<minutes>\d{1,2}(?:\.\d*)?)\s*(?:['′’m]|min)?\s*)?
    (?:(?P<seconds>\d{1,2}(?:\.\d*)?)\s*(?:["″”s]|''|sec)?\s*)?
    (?P<last>[NSEW])?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_HEMISPHERES = {"latitude": "NS", "longitude": "EW"}


def degrees(values: Any, axis: str) -> np.ndarray:
    """Coordinates as numbers, of numbers or of text like ``"47°30'N"``.

    Parameters
    ----------
    values : float, str or array of these
        Degrees; text may have minutes and seconds, and a sign or the letter of a hemisphere.
    axis : {"latitude", "longitude"}
        What they are.

    Returns
    -------
    numpy.ndarray
        float64, of the same shape.

    Raises
    ------
    InputError
        If one is missing, out of range, or cannot be read.

    Examples
    --------
    >>> degrees(["47°30'N", "12.25 S", "-5"], "latitude")
    array([ 47.5 , -12.25,  -5.  ])
    """
    given = plain(values)
    if given.dtype.kind in "OUST":
        numbers = np.array([_degree(value, axis) for value in given.ravel().tolist()], dtype="float64")
        given = numbers.reshape(given.shape)
    elif given.dtype.kind not in "fiu":
        raise InputError(f"{axis} must be degrees, not {given.dtype}")
    numbers = given.astype("float64")
    most = 90 if axis == "latitude" else 720
    bad = np.flatnonzero(~(np.abs(numbers.ravel()) <= most))
    if bad.size:
        value = numbers.ravel()[bad[0]]
        raise InputError(
            f"{axis} number {bad[0]} is {value:g}, must be -{most} to {most} degrees"
            + (f" ({bad.size} such values)" if bad.size > 1 else ""),
            hint="leave out places without coordinates" if np.isnan(value) else "are latitude and longitude swapped?",
        )
    return numbers


def _degree(value: Any, axis: str) -> float:
    if not isinstance(value, str | bytes):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{axis} {value!r} is no number of degrees") from error
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    match = _TEXT.fullmatch(text)
    letters = [letter.upper() for letter in (match["first"], match["last"]) if letter] if match else []
    signed = bool(match and match["sign"])
    if match is None or len(letters) + signed > 1 or any(letter not in _HEMISPHERES[axis] for letter in letters):
        example = "47°30'N" if axis == "latitude" else "12°15'E"
        raise InputError(f"'{text}' is no {axis}", hint=f'write degrees as a number, or like "{example}"')
    minutes, seconds = (float(match[part] or 0) for part in ("minutes", "seconds"))
    if minutes >= 60 or seconds >= 60 or ("." in match["degrees"] and match["minutes"]):
        raise InputError(f"'{text}' is no {axis}", hint="minutes and seconds are below 60, and follow whole degrees")
    size = float(match["degrees"]) + minutes / 60 + seconds / 3600
    return -size if (match["sign"] or "") in ("-", "−") or letters in (["S"], ["W"]) else size


# --- cells around places ---


def longitude_steps(longitude: np.ndarray) -> np.ndarray:
    """Degrees from each longitude to the next, the short way round: also over a seam within the axis."""
    return (np.diff(longitude) + 180) % 360 - 180


@dataclass
class Cells:
    """Cells of a grid with a weight for each, four for each of n places.

    Attributes
    ----------
    row, column : numpy.ndarray
        int64, (n, 4).
    weight : numpy.ndarray
        float64, (n, 4), adding up to 1; NaN outside of the grid.
    """

    row: np.ndarray
    column: np.ndarray
    weight: np.ndarray

    def outside(self) -> np.ndarray:
        """Places that are outside of the grid."""
        return np.isnan(self.weight[:, 0])

    def of(self, places: np.ndarray) -> Cells:
        """The cells of some of the places."""
        return Cells(self.row[places], self.column[places], self.weight[places])


class _Columns:
    """Longitudes in the order of the data, unrolled so that they rise."""

    def __init__(self, longitude: np.ndarray) -> None:
        if longitude.size == 0:
            raise InputError("the grid has no longitudes", hint="is the selection empty?")
        steps = longitude_steps(longitude)
        self.westward = bool(steps.size and steps[0] < 0)
        values = longitude[0] + np.concatenate([[0.0], np.cumsum(steps)])
        self.values = values[::-1] if self.westward else values
        self.count = len(values)
        if np.any(np.diff(self.values) <= 0):
            raise InputError("longitudes neither rise nor fall", hint="sort the data by longitude")
        widest = float(np.max(np.abs(steps), initial=0.0))
        gap = 360 - (self.values[-1] - self.values[0])
        if gap < -SAME:
            raise InputError("longitudes go round the globe more than once", hint="select one round")
        self.doubled = self.count > 1 and abs(gap) <= SAME  # the last column is the first one once more
        if self.doubled:
            self.values = self.values[:-1]
            gap = 360 - (self.values[-1] - self.values[0])
        self.round = self.count > 1 and gap <= 1.5 * widest + SAME
        self.even = self.round and len(self.values) % 2 == 0 and np.ptp(np.diff(self.values)) <= 2 * SAME

    def index(self, i: np.ndarray) -> np.ndarray:
        """Places in the data of unrolled columns."""
        i = i % len(self.values)
        return self.count - 1 - i if self.westward else i

    def from_start(self, longitude: np.ndarray, start: float) -> np.ndarray:
        """Longitudes moved by whole turns to `start` or at most a turn behind it."""
        moved = start + (longitude - start) % 360
        return np.where(moved - 360 >= start - SAME, start, moved)


def cells_around(
    latitude: np.ndarray, longitude: np.ndarray, lats: np.ndarray, lons: np.ndarray, method: str
) -> Cells:
    """Find the cells of a grid around places, with their weights.

    Parameters
    ----------
    latitude, longitude : numpy.ndarray
        Axes of the grid, degrees; latitudes run either way, longitudes in any convention, also through the seam.
    lats, lons : numpy.ndarray
        Places, degrees.
    method : {"nearest", "bilinear"}
        The cell in which the place lies, or linear in latitude and longitude between the four around it.

    Raises
    ------
    InputError
        If an axis is not in order.
    """
    if latitude.size == 0:
        raise InputError("the grid has no latitudes", hint="is the selection empty?")
    rows = latitude[::-1] if len(latitude) > 1 and latitude[0] > latitude[-1] else latitude
    if np.any(~(np.diff(rows) > 0)) or not np.all(np.abs(rows) <= 90 + SAME):
        raise InputError("latitudes neither rise nor fall, or are beyond the poles", hint="sort the data by latitude")
    columns = _Columns(longitude)
    find = {"nearest": _nearest, "bilinear": _bilinear}[method]
    cells = find(rows, columns, lats, lons)
    if rows is not latitude:
        cells.row = len(rows) - 1 - cells.row
    return cells


def _nearest(rows: np.ndarray, columns: _Columns, lats: np.ndarray, lons: np.ndarray) -> Cells:
    """Cells reach half way to the next; on the border, the place belongs to the north and the east."""
    row = np.searchsorted((rows[1:] + rows[:-1]) / 2, lats, "right")
    south, north = _reach(rows)
    values = columns.values
    west, east = _reach(values)
    if columns.round:
        west = (values[0] + values[-1] - 360) / 2
        east = west + 360
    moved = columns.from_start(lons, west)
    column = columns.index(np.searchsorted((values[1:] + values[:-1]) / 2, moved, "right"))
    inside = (lats >= south - SAME) & (lats <= north + SAME) & (moved <= east + SAME)
    weight = np.zeros((len(lats), 4))
    weight[:, 0] = np.where(inside, 1.0, np.nan)
    return Cells(np.repeat(row[:, None], 4, 1), np.repeat(column[:, None], 4, 1), weight)


def _reach(axis: np.ndarray) -> tuple[float, float]:
    """Where the cells of an axis begin and end; a single one is taken to be a quarter of a degree wide."""
    steps = np.diff(axis) if len(axis) > 1 else np.array([0.25])
    return float(axis[0] - steps[0] / 2), float(axis[-1] + steps[-1] / 2)


def _bilinear(rows: np.ndarray, columns: _Columns, lats: np.ndarray, lons: np.ndarray) -> Cells:
    values = columns.values
    moved = columns.from_start(lons, values[0])
    left = np.searchsorted(values, moved, "right") - 1
    if columns.round:
        ends = np.append(values, values[0] + 360)
    else:
        left = np.minimum(left, max(len(values) - 2, 0))
        ends = np.append(values, values[-1] + SAME)  # a single column reaches no farther than itself
    east = _share(moved, ends[left], ends[left + 1])
    inside = columns.round | (moved <= values[-1] + SAME)
    lower = np.clip(np.searchsorted(rows, lats, "right") - 1, 0, max(len(rows) - 2, 0))
    upper = np.minimum(lower + 1, len(rows) - 1)
    north = _share(lats, rows[lower], np.where(upper > lower, rows[upper], rows[lower] + SAME))
    turn = np.zeros((len(lats), 2), dtype="int64")  # columns by which the two rows are turned
    for end, beyond in ((0, lats < rows[0] - SAME), (-1, lats > rows[-1] + SAME)):
        if columns.even:  # over the pole to the same row on the other side of the globe
            lower[beyond] = upper[beyond] = len(rows) - 1 if end else 0
            gap = 90 - abs(rows[end])
            north = np.where(beyond, np.abs(lats - rows[end]) / (2 * gap) if gap > 0 else 0.0, north)
            turn[beyond, 1] = len(values) // 2
        else:
            inside = inside & ~beyond
    column = left[:, None] + np.array([0, 1, 0, 1]) + turn[:, [0, 0, 1, 1]]
    row = np.stack([lower, lower, upper, upper], axis=1)
    north, east = north[:, None], east[:, None]
    weight = np.where([False, False, True, True], north, 1 - north) * np.where([False, True] * 2, east, 1 - east)
    weight[~inside] = np.nan
    column = np.minimum(column, len(values) - 1) if not columns.round else column
    return Cells(row, columns.index(column), weight)


def _share(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """How far values are on the way from low to high; on one of them where they are hardly off it."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.where(values - low <= _ROUNDING, 0.0, np.where(high - values <= _ROUNDING, 1.0, share))

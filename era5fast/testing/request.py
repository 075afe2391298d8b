"""From the raw inputs of a submission to days, hours, grid and variables."""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import prod
from typing import Any, TypeVar

import numpy as np

from .catalogue import Dataset, Variable, choices
from .lattice import Degrees

_Number = TypeVar("_Number", int, float)

_EPOCH = date(1970, 1, 1)
_REPEATABLE = frozenset({"area", "grid"})  # the only lists that may hold a value twice
_NOT_COUNTED = frozenset({"area", "grid", "date", "year", "month", "day", "data_format", "download_format", "format"})
_FORMATS = {
    "grib": "grib",
    "grib2": "grib",
    "grb": "grib",
    "grb2": "grib",
    "netcdf": "netcdf",
    "nc": "netcdf",
    "netcdf4": "netcdf",
    "netcdf.zip": "netcdf.zip",
    "netcdf_zip": "netcdf.zip",
    "netcdf4.zip": "netcdf.zip",
}
_NO_COMBINATION = "Request has not produced a valid combination of values, please check your selection."


class InvalidRequest(Exception):
    """The service refuses the request; the text says why."""


@dataclass(frozen=True)
class Selection:
    """A request understood.

    Parameters
    ----------
    dataset : Dataset
        What is asked.
    variables : tuple of Variable
        In the order of the catalogue.
    days : tuple of int
        Days since 1970-01-01, increasing.
    hours : tuple of int
        Hours of the day, increasing.
    area : tuple of float
        North, west, south, east in degrees; west < east.
    grid : tuple of float
        Steps in longitude and latitude, degrees.
    data_format : {"grib", "netcdf"}
        Format of the answer.
    zipped : bool
        Whether an archive was asked for.
    """

    dataset: Dataset
    variables: tuple[Variable, ...]
    days: tuple[int, ...]
    hours: tuple[int, ...]
    area: tuple[float, float, float, float]
    grid: tuple[float, float]
    data_format: str
    zipped: bool

    @property
    def fields(self) -> int:
        """Number of fields: variables times days times hours, whatever the area."""
        return len(self.variables) * len(self.days) * len(self.hours)

    @property
    def latitude(self) -> Degrees:
        """Latitudes from the northern edge southwards."""
        north, _, south, _ = self.area
        return np.round(north - self.grid[1] * np.arange(_steps(north - south, self.grid[1]) + 1), 6)

    @property
    def longitude(self) -> Degrees:
        """Longitudes from the western edge eastwards; a full circle does not repeat its first meridian."""
        _, west, _, east = self.area
        count = min(_steps(east - west, self.grid[0]) + 1, round(360 / self.grid[0]))
        return np.round(west + self.grid[0] * np.arange(count), 6)

    @property
    def values(self) -> int:
        """Number of values in the answer."""
        return self.fields * len(self.latitude) * len(self.longitude)


def normalise(inputs: dict[str, Any]) -> dict[str, list[str]]:
    """Every value a list of texts, keys sorted.

    Parameters
    ----------
    inputs : dict
        As sent.

    Returns
    -------
    dict of str to list of str

    Raises
    ------
    InvalidRequest
        An empty key or value, a value twice in a list, or something that is neither number nor text.
    """
    out: dict[str, list[str]] = {}
    for key in sorted(inputs):
        values = inputs[key] if isinstance(inputs[key], list) else [inputs[key]]
        for index, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise InvalidRequest(f"invalid value at '{key}'[{index}]: {value!r} is neither a string nor a number")
        texts = [str(v).strip() for v in values]
        if not key.strip() or not texts or not all(texts):
            raise InvalidRequest(f"key '{key}' must not be empty")
        if len(set(texts)) < len(texts) and key not in _REPEATABLE:
            raise InvalidRequest(f"key '{key}' has duplicate values")
        out[key.strip()] = texts
    return out


def cache_key(dataset: str, inputs: dict[str, Any]) -> str:
    """Text that is equal for requests with the same answer, as far as the service itself sees that.

    Days are compared as days, whether given as years, months and days or as dates. An unknown key makes a new answer.
    """
    request = normalise(inputs)
    try:
        request["date"] = [str(d) for d in _days(request)]
        for key in ("year", "month", "day"):
            request.pop(key, None)
    except (InvalidRequest, ValueError):
        pass  # not a request with days: compared as it is
    for key in set(request) - _REPEATABLE:
        request[key] = sorted(request[key])
    return json.dumps([dataset, request], sort_keys=True)


def select(dataset: Dataset, inputs: dict[str, Any], latest: datetime) -> Selection:
    """Understand a request, or say what is wrong with it.

    Parameters
    ----------
    dataset : Dataset
        What is asked.
    inputs : dict
        As sent.
    latest : datetime.datetime
        Last hour with data; later days are dropped without a word, as the service does.

    Returns
    -------
    Selection

    Raises
    ------
    InvalidRequest
        With a text for the user.
    """
    request = normalise(inputs)
    allowed = choices(dataset, latest.year)
    for key in ("product_type", "variable", "time"):
        for value in request.get(key, []):
            if _clock(value) not in allowed[key]:
                raise InvalidRequest(f"{_NO_COMBINATION} '{key}' has no value '{value}'.")
    if "variable" not in request or "time" not in request:
        raise InvalidRequest(f"{_NO_COMBINATION} 'variable' and 'time' are needed.")
    days = tuple(d for d in _days(request) if d >= (date(dataset.first_year, 1, 1) - _EPOCH).days)
    if not days:
        raise InvalidRequest(_NO_COMBINATION)
    data_format, zipped = _format(request)
    return Selection(
        dataset,
        tuple(v for v in dataset.variables if v.request_name in request["variable"]),
        _until(days, latest),
        tuple(sorted(int(_clock(t)[:2]) for t in request["time"])),
        _area(request),
        _grid(request),
        data_format,
        zipped,
    )


def count_fields(inputs: dict[str, Any]) -> int:
    """Fields of a request to a data set whose variables are not known here: days times all else that is a list.

    Raises `InvalidRequest` for a request without days.
    """
    request = normalise(inputs)
    return len(_days(request)) * prod(len(values) for key, values in request.items() if key not in _NOT_COUNTED)


def _clock(text: str) -> str:
    """``0:00``, ``00`` and ``00:00:00`` mean ``00:00``; any other text comes back unchanged."""
    found = re.fullmatch(r"(\d{1,2})(:00){0,2}", text)
    return f"{int(found[1]):02d}:00" if found else text


def _days(request: dict[str, list[str]]) -> tuple[int, ...]:
    found: set[int] = set()
    if "date" in request:
        for text in request["date"]:
            start, _, end = text.partition("/")
            first, last = (_number(_date, t) for t in (start, end or start))
            found.update(range(first, last + 1))
    else:
        try:
            parts = [sorted(int(x) for x in request[key]) for key in ("year", "month", "day")]
        except KeyError as e:
            raise InvalidRequest(f"{_NO_COMBINATION} '{e.args[0]}' is missing.") from None
        except ValueError as e:
            raise InvalidRequest(f"{_NO_COMBINATION} {e}") from None
        found.update(_product(*parts))
    if not found:
        raise InvalidRequest(_NO_COMBINATION)
    return tuple(sorted(found))


def _product(years: list[int], months: list[int], days: list[int]) -> set[int]:
    """All days of a product of years, months and days of the month; 30 February vanishes."""
    return {
        (date(y, m, d) - _EPOCH).days
        for y in years
        for m in months
        for d in days
        if 1 <= y <= 9999 and 1 <= m <= 12 and 1 <= d <= monthrange(y, m)[1]
    }


def _date(text: str) -> int:
    form = "%Y-%m-%d" if "-" in text else "%Y%m%d"
    return (datetime.strptime(text, form).date() - _EPOCH).days


def _number(convert: Callable[[str], _Number], text: str) -> _Number:
    try:
        return convert(text.strip())
    except ValueError:
        raise InvalidRequest(f"{_NO_COMBINATION} '{text}' cannot be read.") from None


def _until(days: tuple[int, ...], latest: datetime) -> tuple[int, ...]:
    limit = (latest.date() - _EPOCH).days
    kept = tuple(d for d in days if d <= limit)
    if not kept:
        raise InvalidRequest(
            "None of the data you have requested is available yet, please revise the period requested. "
            f"The latest date available for this dataset is: {latest:%Y-%m-%d %H:00}"
        )
    return kept


def _area(request: dict[str, list[str]]) -> tuple[float, float, float, float]:
    numbers = [_number(float, x) for x in request.get("area", ["90", "-180", "-90", "180"])]
    if len(numbers) != 4:
        raise InvalidRequest("key 'area' needs four numbers: north, west, south, east")
    north, west, south, east = numbers
    if not -90 <= south <= north <= 90 or max(abs(west), abs(east)) > 360:
        raise InvalidRequest("key 'area' must be north, west, south, east in degrees, with north above south")
    return north, west, south, east + 360.0 if east < west else east


def _grid(request: dict[str, list[str]]) -> tuple[float, float]:
    numbers = [_number(float, x) for x in request.get("grid", ["0.25", "0.25"])]
    if len(numbers) != 2 or not all(0.01 <= x <= 90 for x in numbers):
        raise InvalidRequest("key 'grid' needs two steps in degrees, east-west and north-south")
    return numbers[0], numbers[1]


def _format(request: dict[str, list[str]]) -> tuple[str, bool]:
    asked = request.get("data_format", request.get("format", ["grib"]))
    if len(asked) != 1:
        raise InvalidRequest("exactly one data format must be asked for")
    name = _FORMATS.get(asked[0], "grib" if asked[0] != "netcdf_legacy" else "")
    if not name:
        raise InvalidRequest("the format 'netcdf_legacy' is no longer supported")
    zipped = name == "netcdf.zip" or request.get("download_format", [""])[0] == "zip"
    return name.partition(".")[0], zipped


def _steps(span: float, step: float) -> int:
    return int(span / step + 1e-6)


def last_hour(now: datetime) -> datetime:
    """Last hour with data at a moment: five days ago."""
    return (now - timedelta(days=5)).replace(minute=0, second=0, microsecond=0)

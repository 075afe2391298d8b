"""Requests to the Climate Data Store, and how they are cut into jobs."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import InputError
from .variables import Variable
from .variables import variable as lookup

__all__ = ["Job", "Plan", "Request"]

#: Fields of one netCDF request that the service takes at present for ERA5 on single levels, with some reserve.
MAX_COST = 16_000
#: Spacing of ERA5 at the service in degrees.
NATIVE_GRID = 0.25
#: Bytes that one value takes in a netCDF answer, on average.
_BYTES_PER_VALUE = 1.9


@dataclass(frozen=True)
class Job:
    """One request as it is sent.

    Attributes
    ----------
    dataset : str
        Dataset of the service.
    inputs : dict
        Keys and values of the request.
    name : str
        Name of the file that the answer gets.
    fields : int
        Number of fields asked for: the cost at the service.
    size : int
        Expected bytes.
    """

    dataset: str
    inputs: dict[str, Any]
    name: str
    fields: int
    size: int

    @property
    def inputs_json(self) -> str:
        """The request as canonical JSON."""
        return json.dumps(self.inputs, sort_keys=True, separators=(",", ":"))


class Plan(Sequence[Job]):
    """The jobs that a request becomes; ``print(plan)`` shows them."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = list(jobs)

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, index: Any) -> Any:
        return Plan(self._jobs[index]) if isinstance(index, slice) else self._jobs[index]

    def __repr__(self) -> str:
        fields, size = sum(job.fields for job in self), sum(job.size for job in self)
        head = f"<Plan: {len(self)} jobs, {fields:,} fields, about {size / 1e6:,.0f} MB>"
        return "\n".join([head, *(f"  {job.name}  {job.fields:,} fields" for job in self)])


class Request:
    """What is wanted, independent of how many jobs it takes.

    Parameters
    ----------
    dataset : str
        For example ``"reanalysis-era5-single-levels"``.
    variable : str or sequence of str
        Any of their names: ``"2t"``, ``"2m_temperature"``.
    start, end : str or date
        First and last day, both inclusive.
    area : sequence of four floats, optional
        North, west, south, east; the globe when left out. Corners are moved outwards to the grid.
    grid : float
        Spacing in degrees. Any other than 0.25 is interpolated by the service, not averaged.
    hours : "all" or sequence of int
        Hours of the day (UTC).
    product_type : str
        ``"reanalysis"`` or one of the ensemble products.

    Raises
    ------
    InputError
        If a variable is unknown, the period is empty, or the area is not one.

    Examples
    --------
    >>> import era5fast as e5
    >>> e5.Request("reanalysis-era5-single-levels", variable="2t", start="2003-06-01", end="2003-08-31",
    ...            area=[50, -10, 35, 5]).split()
    <Plan: 1 jobs, 2,208 fields, about 16 MB>
      era5_t2m_2003-06_2003-08.nc  2,208 fields
    """

    def __init__(
        self,
        dataset: str,
        *,
        variable: str | Sequence[str],
        start: str | dt.date,
        end: str | dt.date,
        area: Sequence[float] | None = None,
        grid: float = NATIVE_GRID,
        hours: str | Sequence[int] = "all",
        product_type: str = "reanalysis",
    ) -> None:
        names = [variable] if isinstance(variable, str) else list(variable)
        if not names:
            raise InputError("a request needs a variable")
        self.dataset = dataset
        self.variables = [lookup(name) for name in names]
        self.start, self.end = _date(start), _date(end)
        self.grid = _spacing(grid)
        self.area = None if area is None else _snap(area, self.grid)
        self.hours = _hours(hours)
        self.product_type = product_type
        if self.end < self.start:
            raise InputError(f"the period ends ({self.end}) before it begins ({self.start})")

    def split(self, max_cost: int = MAX_COST) -> Plan:
        """Cut the request into jobs.

        Variables of different step types are asked for apart, since one netCDF answer holds one type only. Time is
        cut into whole calendar years where a year costs no more than `max_cost` fields, and into months otherwise.

        Parameters
        ----------
        max_cost : int
            Fields that one job may ask for.

        Returns
        -------
        Plan
        """
        jobs = []
        for _, group in itertools.groupby(sorted(self.variables, key=_step_type), _step_type):
            members = list(group)
            per_day = len(members) * len(self.hours)
            by_year = 366 * per_day <= max_cost
            if not by_year and 31 * per_day > max_cost:
                raise InputError(f"one month costs {31 * per_day} fields, more than {max_cost}", hint="ask for less")
            pieces = _years(self.start, self.end) if by_year else _months(self.start, self.end)
            jobs += [self._job(members, first, last) for first, last in pieces]
        return Plan(jobs)

    def _job(self, members: list[Variable], first: dt.date, last: dt.date) -> Job:
        days = (last - first).days + 1
        fields = days * len(self.hours) * len(members)
        names = "-".join(v.netcdf for v in members)
        return Job(
            self.dataset,
            self._inputs(members, first, last),
            f"era5_{names}_{_stamp(first, last)}.nc",
            fields,
            int(fields * self._cells() * _BYTES_PER_VALUE),
        )

    def _inputs(self, members: list[Variable], first: dt.date, last: dt.date) -> dict[str, Any]:
        inputs: dict[str, Any] = {
            "product_type": [self.product_type],
            "variable": sorted(v.request for v in members),
            "date": [f"{first}/{last}"],
            "time": [f"{hour:02d}:00" for hour in self.hours],
            "data_format": "netcdf",
            "download_format": "unarchived",
        }
        if self.area is not None:
            inputs["area"] = self.area
        if self.grid != NATIVE_GRID:
            inputs["grid"] = [self.grid, self.grid]
        return inputs

    def _cells(self) -> float:
        north, west, south, east = self.area or [90, 0, -90, 360 - self.grid]
        width = 360 - self.grid if east - west >= 360 else (east - west) % 360
        return ((north - south) / self.grid + 1) * (width / self.grid + 1)


def _step_type(row: Variable) -> str:
    return row.step_type


def _date(value: Any) -> dt.date:
    """Day of a text, a ``date``, a ``datetime``, a ``datetime64`` or a ``Timestamp``."""
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise InputError(f"'{value}' is no date", hint="write it like 2003-06-01") from error


def _hours(hours: str | Sequence[int]) -> list[int]:
    if isinstance(hours, str) and hours == "all":
        return list(range(24))
    try:
        numbers = sorted({operator.index(hour) for hour in hours if not isinstance(hour, str)})
    except TypeError as error:
        raise InputError(f'hours are "all" or whole numbers, not {hours!r}') from error
    if not numbers or numbers[0] < 0 or numbers[-1] > 23:
        raise InputError('hours are "all" or numbers from 0 to 23')
    return numbers


def _spacing(grid: float) -> float:
    if not NATIVE_GRID <= grid <= 10:
        raise InputError(f"a grid of {grid}°, must be {NATIVE_GRID} to 10")
    return float(grid)


def _snap(area: Sequence[float], grid: float) -> list[float]:
    """Corners moved outwards to the grid: the service would interpolate the whole field otherwise."""
    try:
        north, west, south, east = map(float, area)
    except (TypeError, ValueError) as error:
        raise InputError("an area is four numbers: north, west, south, east") from error
    if not -90 <= south <= north <= 90:
        raise InputError(f"area {list(area)}: north must be above south, both within ±90")
    if not (abs(west) <= 360 and abs(east) <= 360):
        raise InputError(f"area {list(area)}: west and east must be within ±360")
    return [
        min(_on_grid(north, grid, math.ceil), 90.0),
        _on_grid(west, grid, math.floor),
        max(_on_grid(south, grid, math.floor), -90.0),
        _on_grid(east, grid, math.ceil),
    ]


def _on_grid(degrees: float, grid: float, rounded: Callable[[float], int]) -> float:
    # A corner that lies on the grid but for the rounding of its numbers stays where it is.
    return round(rounded(round(degrees / grid, 6)) * grid, 6)


def _years(start: dt.date, end: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    for year in range(start.year, end.year + 1):
        yield max(start, dt.date(year, 1, 1)), min(end, dt.date(year, 12, 31))


def _months(start: dt.date, end: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    for number in range(start.year * 12 + start.month - 1, end.year * 12 + end.month):
        first = dt.date(number // 12, number % 12 + 1, 1)
        after = dt.date((number + 1) // 12, (number + 1) % 12 + 1, 1)
        yield max(start, first), min(end, after - dt.timedelta(days=1))


def _stamp(first: dt.date, last: dt.date) -> str:
    whole_year = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
    whole_months = first.day == 1 and (last + dt.timedelta(days=1)).day == 1
    if whole_year:
        return f"{first.year}"
    if whole_months:
        return f"{first:%Y-%m}" if f"{first:%Y-%m}" == f"{last:%Y-%m}" else f"{first:%Y-%m}_{last:%Y-%m}"
    return f"{first}_{last}"

"""Requests to the Climate Data Store: what is wanted, independent of how many jobs it takes."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

from . import periods, region
from .canonical import canonical
from .cutting import Piece, cut
from .dataset_table import LEVELS, Dataset
from .dataset_table import dataset as dataset_row
from .errors import InputError
from .fields import archive_date, archive_times, level_list, store_dates
from .notebook_table import table as notebook_table
from .plan import Job, Plan
from .slips import dataset_with
from .spelling import respelled, whole_numbers
from .tariff import Estimates, Tariff, ask_tariff, confirm
from .variable_table import Row, lookup, matches, names_of, table
from .wording import did_you_mean, near

__all__ = ["Job", "Plan", "Request", "is_uncut", "plan_of"]

log = logging.getLogger("era5fast")

_CLOCK = re.compile(r"(\d{1,2}):00(?::00)?")  # as the web form writes hours
_FORECAST_MASK = (0x1FFE << 19) | 0x1FFE  # steps 1 to 12 from 06 and from 18 UTC
_STATISTICS = {
    "daily_statistic": ("daily_mean", "daily_maximum", "daily_minimum", "daily_sum"),
    "frequency": ("1_hourly", "3_hourly", "6_hourly"),
    "time_zone": tuple(f"utc{h:+03d}:00" for h in range(-12, 15)),
}
_ARGUMENTS = (
    "variable", "start", "end", "dates", "years", "months", "days", "area", "grid", "hours", "levels", "product_type",
    "data_format",
)  # fmt: skip
_STATISTIC_DEFAULTS = {"daily_statistic": "daily_mean", "frequency": "1_hourly", "time_zone": "utc+00:00"}


@dataclass(frozen=True)
class Group:
    """What one file can hold together: one product, one stream, one step type, one level type."""

    product: str
    stream: str
    step_type: str
    level_type: str
    kind: str  # type of field in the archive: "an", "fc", …
    levels: tuple[int, ...]
    variables: tuple[Row, ...] = ()


class Request:
    """What is wanted, independent of how many jobs it takes.

    Parameters
    ----------
    dataset : str
        A row of the table of datasets, for example ``"reanalysis-era5-single-levels"``.
    inputs : dict, optional
        What the service's web form shows, instead of or beside the arguments below; see :meth:`from_cds`.
    variable : str, Row or sequence of them
        Any of their names: ``"2t"``, ``"2m_temperature"``.
    start, end : str or date, optional
        First and last day, both inclusive; a month or year as `end` means its last day.
    dates : sequence, optional
        Days, months, years or ranges ``"2003-06-01/2003-06-15"`` instead of `start` and `end`.
    years : iterable of int, or str, optional
        Whole years instead of `start` and `end`; also a range, ``"1991-2020"``.
    months, days : iterable of int, or str, optional
        Only these months of the year, only these days of the month: ``months=[6, 7, 8]`` is summer, ``"1/to/15"`` the
        first half of a month.
    area : sequence of four floats, optional
        North, west, south, east; the globe when left out. Corners are moved outwards to the grid, so that nothing is
        interpolated. It may cross 180° and Greenwich. Two numbers (latitude, longitude) are the nearest grid point.
    grid : float or (float, float), optional
        Spacing in degrees, or longitude and latitude. Any other than the dataset's own is interpolated by the
        service, not averaged.
    hours : "all" or sequence of int
        Hours of the day (UTC); ``"all"``, the default, is every hour, every third for the ensemble. Also
        ``["00:00", "12:00"]`` and ``"0/to/18/by/6"``.
    levels : int or sequence of int, optional
        Pressure levels in hPa or model levels; all of them when left out.
    product_type : str or sequence of str, optional
        ``"reanalysis"``, one of the ensemble products, or a monthly one; the dataset's first when left out.
    data_format : str
        ``"netcdf"``, the default, or ``"grib"``; ``"csv"`` for time series.
    for_daily : bool
        Ask also for 00 UTC of the day after, where values belong to the hour before their stamp: the last hour of a
        day's sum (precipitation, radiation), mean or extreme is stamped so. States like temperature do not need it.
    **keys
        Further keys of the dataset: ``daily_statistic``, ``time_zone`` and ``frequency`` of the daily statistics;
        ``level_type``, ``stream``, ``type``, ``step``, ``number``, ``expver`` of the archive. Also the keys of the
        service's web form (``year``, ``month``, ``day``, ``time``, ``pressure_level``, ``download_format``, …) and
        of MARS (``param``, ``levtype``, ``levelist``, ``date``); see :meth:`from_cds`.

    Raises
    ------
    InputError
        If a dataset, variable, level, hour or key does not exist, the period is empty, or the area is not one; with
        near names where there are any.

    Examples
    --------
    >>> import era5fast as e5
    >>> e5.Request("reanalysis-era5-single-levels", variable="2t", start="2003-06-01", end="2003-08-31",
    ...            area=[50, -10, 35, 5]).split()
    <Plan: 1 job, 2,208 fields, about 16 MB>
      the dearest job costs 2,208 of at most 16,000
      era5_t2m_50N-10W-35N-5E_2003-06_2003-08.nc  2,208 fields
    """

    def __init__(
        self,
        dataset: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        variable: str | Row | Sequence[str | Row] | None = None,
        start: Any = None,
        end: Any = None,
        dates: Any = None,
        years: Iterable[int | str] | int | str | None = None,
        months: Iterable[int | str] | int | str | None = None,
        days: Iterable[int | str] | int | str | None = None,
        area: Sequence[float] | None = None,
        grid: Any = None,
        hours: str | Sequence[int | str] | None = None,
        levels: Any = None,
        product_type: str | Sequence[str] | None = None,
        data_format: str | None = None,
        for_daily: bool = False,
        **keys: Any,
    ) -> None:
        self._row = row = dataset_row(dataset)
        self.dataset = dataset
        given = {
            "variable": variable, "start": start, "end": end, "dates": dates, "years": years, "months": months,
            "days": days, "area": area, "grid": grid, "hours": hours, "levels": levels, "product_type": product_type,
            "data_format": data_format, "for_daily": for_daily,
        }  # fmt: skip
        self._take(row, respelled(_together({**given, **keys}, inputs)))

    def _take(self, row: Dataset, keys: dict[str, Any]) -> None:
        """The arguments in one spelling, those that were not given left out."""
        variable, area, grid, levels = (keys.pop(name, None) for name in ("variable", "area", "grid", "levels"))
        when = {name: keys.pop(name, None) for name in ("start", "end", "dates", "years", "months", "days")}
        hours, product_type = keys.pop("hours", "all"), keys.pop("product_type", None)
        data_format, self._for_daily = keys.pop("data_format", "netcdf"), bool(keys.pop("for_daily"))
        self.keys = _keys(row, keys)
        if variable is None:
            raise InputError("no variable", hint="for instance '2t'")
        self.variables = _variables(row, variable, self.keys.get("level_type"))
        self._days = _days(row, **when)
        self.product_types = _products(row, product_type)
        self._steps = region.steps(grid, row.native_grid("", "oper"))
        self.data_format = _one_of("format", data_format, row.formats)
        if self._steps is not None and not row.takes_grid:
            raise InputError(f"{row.name} is delivered on its own grid only", hint="leave grid out")
        self.area = self._area(row.native_grid(self.product_types[0], self.variables[0].stream), area)
        self._asked_area = area
        self._hours = hours if isinstance(hours, str) and hours == "all" else _hours(hours, 1)
        if self._for_daily and (row.family != "hourly" or self._hours != "all"):
            raise InputError("for_daily is for all hours of an hourly dataset", hint="leave for_daily or hours out")
        self._levels = levels
        self.groups = self._groups()
        self._coming = _coming(self._days)
        if self._coming:
            log.warning("%s: %s", row.name, self._coming)

    @classmethod
    def from_cds(cls, dataset: str, inputs: Mapping[str, Any]) -> Request:
        """A request of what the service's web form shows, or of MARS keywords.

        :class:`Request` takes the same keys as arguments; this takes the dictionary as it is pasted.

        Parameters
        ----------
        dataset : str
            Dataset of the service.
        inputs : dict
            ``variable``, ``year``, ``month``, ``day``, ``time``, ``pressure_level``, ``area`` and so on; or
            ``param``, ``levtype``, ``levelist``, ``date``, ``time`` of the archive.

        Returns
        -------
        Request

        Raises
        ------
        InputError
            As :class:`Request` does.

        Examples
        --------
        >>> import era5fast as e5
        >>> e5.Request.from_cds("reanalysis-era5-single-levels", {
        ...     "product_type": ["reanalysis"], "variable": ["2m_temperature"], "year": ["2003"],
        ...     "month": ["06"], "day": ["01", "02"], "time": ["00:00", "12:00"], "data_format": "netcdf",
        ...     "download_format": "unarchived"})
        <Request: reanalysis-era5-single-levels, t2m, 2003-06-01 to 2003-06-02>
        """
        return cls(dataset, inputs)

    def __eq__(self, other: object) -> bool:
        """Whether another request wants the same, however it was written."""
        return self._identity() == other._identity() if isinstance(other, Request) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        hours = tuple(self._hours_list(group) for group in self.groups)
        shared = self.dataset, self._steps, self.data_format, self._for_daily, canonical(self.keys)
        return *shared, tuple(self.area or ()), tuple(self.groups), self._days, hours

    def __repr__(self) -> str:
        names = ", ".join(row.netcdf for row in self.variables)
        where = "" if self.area is None else f", area {self.area}"
        return f"<Request: {self.dataset}, {names}, {self.start} to {self.end}{where}>"

    def _repr_html_(self) -> str:
        """Table for notebooks."""
        hours = "all" if self._hours == "all" else ", ".join(f"{hour:02d}" for hour in self._hours)
        rows = [
            ("variables", ", ".join(f"{row.netcdf} ({row.name})" for row in self.variables)),
            ("days", f"{self.start} to {self.end}, {len(self._days):,} of them"),
            ("hours", hours),
            ("area", "the globe" if self.area is None else "north {}, west {}, south {}, east {}".format(*self.area)),
            ("format", self.data_format),
        ]
        return notebook_table("Request", self.dataset, rows)

    @property
    def start(self) -> Any:
        """First day."""
        return periods.date_of(self._days[0])

    @property
    def end(self) -> Any:
        """Last day."""
        return periods.date_of(self._days[-1])

    # --- what belongs together ---

    def _groups(self) -> list[Group]:
        found: dict[Group, list[Row]] = {}
        for product in self.product_types:
            for row in self.variables:
                group = self._group(product, row)
                found.setdefault(group, []).append(row)
        ordered = sorted(found, key=lambda g: (self.product_types.index(g.product), g.stream, g.step_type, g.kind))
        return [replace(g, variables=tuple(sorted(found[g], key=operator.attrgetter("name")))) for g in ordered]

    def _group(self, product: str, row: Row) -> Group:
        if self._row.family != "archive":
            levels = _levels("pl", self._levels) if self._row.level == "pl" else ()
            if self._row.level != "pl" and self._levels is not None:
                other = dataset_with(self._row, row)
                hint = f"leave levels out, or ask {other}" if other else "leave levels out"
                raise InputError(f"{self.dataset} has no levels", hint=hint)
            self._hours_of(product)
            # Daily statistics and time series come as one file for each variable.
            own = row.netcdf if self._row.family == "daily" else ""
            step_type = row.step_type + own if self._row.family != "series" else ""
            return Group(product, row.stream, step_type, self._row.level, "", levels)
        kind = self.keys.get("type", "fc" if row.source == "forecast" else "an")
        level_type = self.keys.get("level_type") or row.level.split()[-1]
        only_first = level_type == "ml" and row.param_id in (129, 152)
        levels = () if level_type == "sfc" else (1,) if only_first else _levels(level_type, self._levels)
        step_type = row.step_type if kind == "fc" else "instant"
        return Group("", self.keys.get("stream", row.stream), step_type, level_type, kind, levels)

    def _hours_of(self, product: str) -> list[int]:
        if self._row.family in ("daily", "series"):
            if self._hours != "all":
                raise InputError(f"{self.dataset} takes no hours", hint="leave hours out")
            return [0]
        if self._row.family == "monthly" and "by_hour_of_day" not in product:
            if self._hours not in ("all", [0]):  # the service itself says 00:00 for them
                hint = 'ask for product_type="monthly_averaged_reanalysis_by_hour_of_day"'
                raise InputError("monthly means have no hours", hint=hint)
            return [0]
        return _hours(self._hours, 3 if "ensemble" in product else 1)

    def _area(self, native: float, area: Any) -> list[float] | None:
        return region.box(area, self._steps or (native, native))

    # --- as it is sent ---

    def inputs(self) -> dict[str, Any]:
        """The whole request as one dictionary, uncut.

        Raises
        ------
        InputError
            If the variables cannot come in one file: several products, step types or level types.
        """
        if len(self.groups) != 1:
            kinds = "; ".join(", ".join(row.netcdf for row in group.variables) for group in self.groups)
            raise InputError(f"these do not come in one file: {kinds}", hint="split() the request")
        (group,) = self.groups
        if self._closing(group):
            raise InputError(
                "the stamp after the last day does not come in the same file", hint="split() the request"
            )
        return self._inputs(group, Piece(group.variables, group.levels, self._days, self._hours_list(group)))

    def _hours_list(self, group: Group) -> tuple[int, ...]:
        return tuple(self._hours_of(group.product))

    def _inputs(self, group: Group, piece: Piece) -> dict[str, Any]:
        if self._row.family == "archive":
            return self._archive_inputs(group, piece)
        inputs: dict[str, Any] = {"variable": sorted(row.request for row in piece.variables)}
        if group.product:
            inputs["product_type"] = [group.product]
        if group.level_type == "pl":
            inputs["pressure_level"] = [str(level) for level in piece.levels]
        if self._row.family == "series":
            inputs |= {"date": periods.texts(piece.days), "data_format": self.data_format}
            return {**inputs, **self._place()}
        inputs |= store_dates(self._row.family, piece.days)
        if self._row.family == "daily":
            inputs |= {key: self.keys[key] for key in _STATISTICS}
        else:
            inputs["time"] = [f"{hour:02d}:00" for hour in piece.hours]
            inputs |= {"data_format": self.data_format, "download_format": "unarchived"}
        area = self._area(self._row.native_grid(group.product, group.stream), self._asked_area)
        if area is not None:
            inputs["area"] = area
        if self._steps is not None:
            inputs["grid"] = list(self._steps)
        return inputs

    def _place(self) -> dict[str, Any]:
        if self.area is None:
            raise InputError(f"{self.dataset} is for a point", hint="give area=(latitude, longitude)")
        north, west, south, east = self.area
        if (north, west) == (south, east):
            return {"location": {"latitude": north, "longitude": west}}
        if north - south > 1 or east - west > 1:
            raise InputError(f"{self.dataset} takes at most 1° × 1°", hint="use the hourly dataset for larger areas")
        return {"area": self.area}

    def _archive_inputs(self, group: Group, piece: Piece) -> dict[str, Any]:
        style = "forecast" if group.kind == "fc" else "archive"
        mask = _FORECAST_MASK if style == "forecast" else sum(1 << hour for hour in piece.hours)
        if style == "forecast" and self._hours != "all":
            raise InputError("forecast fields of the archive come with all their hours", hint="leave hours out")
        inputs: dict[str, Any] = {
            "class": "ea",
            "expver": str(self.keys.get("expver", "1")),
            "stream": group.stream,
            "type": group.kind,
            "levtype": group.level_type,
            "param": "/".join(str(row.param_id) for row in sorted(piece.variables, key=lambda row: row.param_id)),
            "date": archive_date(piece.days),
            **archive_times(style, mask),
            "data_format": self.data_format,
        }
        inputs |= {key: str(self.keys[key]) for key in ("step", "number") if key in self.keys}
        if piece.levels:
            inputs["levelist"] = level_list(group.level_type, piece.levels)
        steps = self._steps or (self._row.native_grid("", group.stream),) * 2
        inputs["grid"] = "/".join(f"{step:g}" for step in steps)
        area = region.box(self._asked_area, steps)
        if area is not None:
            inputs["area"] = "/".join(f"{corner:g}" for corner in area)
        return inputs

    # --- cutting ---

    def split(self, max_cost: str | float | None = None, client: Estimates | None = None) -> Plan:
        """Cut the request into jobs that the service takes, each with an answer of one file.

        Products, streams, step types and level types are asked for apart, since one netCDF answer holds one of each.
        Time is cut into calendar years where a year is cheap enough, else into months; then variables are parted,
        then levels, and days only last. The archive is asked month by month, as its tapes are written.

        Parameters
        ----------
        max_cost : "service", float or None
            What one job may cost. ``"service"`` asks the service, once for each kind of job; None takes a built-in
            table, which is also used when the service cannot be asked (a line in the log says so).
        client : Client, optional
            Whom to ask; a new :class:`~era5fast.Client` when left out.

        Returns
        -------
        Plan

        Raises
        ------
        InputError
            If even a single field costs more than `max_cost`.

        Examples
        --------
        >>> import era5fast as e5
        >>> summers = e5.Request("reanalysis-era5-pressure-levels", variable=["t", "z"], levels=[850, 500],
        ...                      years=range(1991, 2021), months=[6, 7, 8], hours=[0, 12])
        >>> plan = summers.split(max_cost=16_000)
        >>> len(plan), plan[0].name
        (30, 'era5_z-t_500-850hPa_00-12utc_1991-06_1991-08.nc')
        """
        jobs: list[Job] = []
        for group in self.groups:
            tariff = self._tariff(group, max_cost, client)
            jobs += confirm(self._jobs(group, tariff), tariff, functools.partial(self._jobs, group))
        return Plan(jobs, self._notes())

    def _whole(self, group: Group) -> Piece:
        return Piece(group.variables, group.levels, self._days, self._hours_list(group))

    def _closing(self, group: Group) -> list[Piece]:
        """The stamps that close the last days of all runs of days, where they are wanted."""
        if not self._for_daily or not any(row.hours == "hour_ending" for row in group.variables):
            return []
        days = tuple(last + 1 for _, last in periods.ranges(self._days))
        return [Piece(group.variables, group.levels, days, (0,))]

    def _jobs(self, group: Group, tariff: Tariff) -> list[Job]:
        steps = _FORECAST_MASK.bit_count() if group.kind == "fc" else 0
        units = ("day",) if group.kind == "fc" and group.level_type == "ml" else self._row.cuts
        pieces = cut(self._whole(group), units, tariff.capacity, steps)
        pieces += [part for whole in self._closing(group) for part in cut(whole, ("all",), tariff.capacity)]
        dataset, weight, limit = self.dataset, tariff.weight, tariff.limit
        return [Job.of(dataset, self._inputs(group, piece), weight=weight, limit=limit) for piece in pieces]

    def _tariff(self, group: Group, max_cost: str | float | None, client: Estimates | None) -> Tariff:
        built_in = Tariff(1.0, self._row.limits.get(self.data_format, float("inf")))
        if max_cost is None:
            return built_in
        if max_cost != "service":
            return Tariff(1.0, _cost(max_cost))
        whole = self._whole(group)
        sample = self._inputs(group, replace(whole, days=whole.days[:1]))
        return ask_tariff(client, Job.of(self.dataset, sample), built_in)

    def _notes(self) -> list[str]:
        notes = [self._coming] if self._coming else []
        if self._asked_area is not None and len(list(self._asked_area)) == 4 and self.area is not None:
            moved = [abs(a - float(b)) % 360 > 1e-6 for a, b in zip(self.area, self._asked_area, strict=True)]
            if any(moved):
                notes += [f"the corners of the area were moved to the grid: {self.area}"]
        if self._steps is not None and self._steps[0] > self._row.grid:
            notes += [f"the service interpolates to {self._steps[0]:g}°, it does not average"]
        return notes

    def check(self, client: Any) -> None:
        """Ask the service whether it has what is wanted; see :meth:`Plan.check`."""
        self.split().check(client)


def plan_of(wanted: Any, max_cost: str | float | None = None, client: Estimates | None = None) -> Plan:
    """One plan of a request, a plan, a job, or many of them; requests are cut, see :meth:`Request.split`.

    Raises
    ------
    InputError
        If something else is among them, or two jobs have one name.
    """
    if isinstance(wanted, Plan):
        return wanted
    if isinstance(wanted, str | Mapping):  # of which the letters and the keys would come next
        raise _not_planned(wanted)
    jobs: list[Job] = []
    notes: list[str] = []
    for one in [wanted] if isinstance(wanted, Request | Job) or not isinstance(wanted, Iterable) else wanted:
        if not isinstance(one, Request | Plan | Job):
            raise _not_planned(one)
        part = one.split(max_cost, client) if isinstance(one, Request) else one
        jobs += part if isinstance(part, Plan) else [part]
        notes += part.notes if isinstance(part, Plan) else []
    return Plan(jobs, notes)


def _not_planned(one: Any) -> InputError:
    hint = "a dictionary of the service's keys is for Client.retrieve(dataset, request, target)"
    what = f"a plan is made of requests, plans and jobs, not of {type(one).__name__}"
    return InputError(what, hint=hint if isinstance(one, str | Mapping) else "")


def is_uncut(wanted: Any) -> bool:
    """Whether there are requests among what is wanted, which the service's own costs may cut otherwise."""
    return isinstance(wanted, Request) or (not isinstance(wanted, Plan | Job) and any(map(is_uncut, wanted)))


# --- arguments ---


def _cost(max_cost: Any) -> float:
    try:
        cost = float(max_cost)
    except (TypeError, ValueError) as error:
        raise InputError(f'max_cost is a number, "service" or None, not {max_cost!r}') from error
    if not cost >= 1:
        raise InputError(f"a job costs at least 1, not {max_cost}")
    return cost


def _together(arguments: Mapping[str, Any], inputs: Any) -> dict[str, Any]:
    """Arguments and the dictionary of a web form as one; what both say is refused."""
    if inputs is None:
        return dict(arguments)
    if not isinstance(inputs, Mapping):
        hint = "arguments have names: variable='2t', start='2003-06-01', …"
        raise InputError(f"behind the dataset comes a dictionary of keys and values, not {inputs!r:.60}", hint=hint)
    pasted = {str(key): value for key, value in inputs.items() if value is not None}
    if twice := [key for key in pasted if arguments.get(key) not in (None, False)]:
        raise InputError(f"'{twice[0]}' stands in the dictionary and among the arguments", hint="give it once")
    return {**arguments, **pasted}


def _one_of(what: str, value: Any, allowed: Sequence[str]) -> str:
    if value not in allowed:
        hint = did_you_mean(str(value), list(allowed), f"one of {', '.join(allowed[:8])}")
        raise InputError(f"no {what} is called {value!r}", hint=hint)
    return str(value)


def _keys(row: Dataset, keys: dict[str, Any]) -> dict[str, Any]:
    for key in keys:
        if key not in row.keys:
            others = f"it takes {', '.join(row.keys)}" if row.keys else "it has no further keys"
            hint = did_you_mean(key, [*row.keys, *_ARGUMENTS], others)
            raise InputError(f"{row.name} has no key '{key}'", hint=hint)
    if row.family == "daily":
        keys = {**_STATISTIC_DEFAULTS, **keys}
        for key, allowed in _STATISTICS.items():
            _one_of(key, keys[key], allowed)
    if keys.get("level_type") is not None:
        _one_of("level type", keys["level_type"], tuple(LEVELS))
    return keys


def _variables(row: Dataset, given: Any, level_type: str | None) -> list[Row]:
    names = [given] if isinstance(given, str | int | Row) else list(given)
    if not names:
        raise InputError("a request needs a variable")
    return list(dict.fromkeys(_resolve(row, name, level_type) for name in names))


def _resolve(row: Dataset, name: Any, level_type: str | None) -> Row:
    """The variable of that name which the dataset has."""
    found = (name,) if isinstance(name, Row) else matches(str(name))
    if not found:
        lookup(str(name))  # which says what is wrong
    fitting = [v for v in found if row.reanalysis in v.reanalyses.split() and _on_level(row, v, level_type)]
    if fitting:
        exact = [v for v in fitting if str(name).lower() in names_of(v)]
        return (exact or fitting)[0]
    meant = "" if str(name) == found[0].name or isinstance(name, Row) else f" ({found[0].name})"
    name = found[0].name if isinstance(name, Row) else name
    raise InputError(f"{row.name} has no '{name}'{meant}", hint=_where(row, found[0]))


def _on_level(row: Dataset, variable: Row, level_type: str | None) -> bool:
    levels = variable.level.split()
    if row.family != "archive":
        return row.level in levels and variable.request != ""
    if level_type in ("pt", "pv"):
        return "pl" in levels
    return level_type in (None, *levels) or (level_type == "ml" and variable.param_id == 129)


def _where(row: Dataset, variable: Row) -> str:
    """Where a variable is that a dataset does not have, and what is like it here."""
    there = [v.request for v in table() if row.level in v.level.split() and row.reanalysis in v.reanalyses.split()]
    similar = [other for other in near(variable.name, there) if other != variable.request]
    other = dataset_with(row, variable)
    hints = [f"it is in {other}"] if other else []
    hints += [f"here there is {', '.join(similar)}"] if similar else []
    return "; ".join([*hints, f"see e5.variable('{variable.name}')"])


def _days(row: Dataset, start: Any, end: Any, dates: Any, years: Any, months: Any, days: Any) -> tuple[int, ...]:
    if sum(given is not None for given in (start, dates, years)) != 1:
        raise InputError("when? Either start and end, or dates, or years")
    if end is not None and start is None:
        raise InputError("an end needs a start")
    if dates is not None:
        found = periods.listed(dates)
    elif years is not None:
        found = periods.years(years)
    else:
        found = periods.span(start, start if end is None else end)
    found = periods.only(found, months, days)
    if not found:
        raise InputError("no day is left of the period")
    if found[0] < periods.number(row.first_day):
        hint = f"it begins on {row.first_day}"
        raise InputError(f"{row.name} has nothing on {periods.date_of(found[0])}", hint=hint)
    if row.family == "monthly":
        found = sorted({periods.number(periods.date_of(day).replace(day=1)) for day in found})
    return tuple(found)


def _products(row: Dataset, given: Any) -> list[str]:
    if not row.product_types:
        if given is not None:
            raise InputError(f"{row.name} has no product types", hint="leave product_type out")
        return [""]
    names = [given or row.product_types[0]] if given is None or isinstance(given, str) else list(given)
    return [_one_of("product type", name, row.product_types) for name in dict.fromkeys(names)]


def _coming(days: Sequence[int]) -> str:
    """What to say of days that have not been yet; the clock of this computer may be wrong, so nothing is refused."""
    today = periods.number(dt.datetime.now(dt.UTC).date())
    later = [day for day in days if day > today]
    if not later:
        return ""
    what = "all of it is" if len(later) == len(days) else f"{len(later):,} of {len(days):,} days are"
    return f"{what} still to come, from {periods.date_of(later[0])} on: the service leaves out what it does not have"


def _hours(hours: str | Sequence[int | str], every: int) -> list[int]:
    if isinstance(hours, str) and hours == "all":
        return list(range(0, 24, every))
    items = [hours] if isinstance(hours, str | Integral) else hours
    try:
        texts = [_CLOCK.sub(r"\1", str(hour)) for hour in items]
    except TypeError as error:
        raise InputError(f'hours are "all" or whole numbers, not {hours!r}') from error
    numbers = whole_numbers("hours", texts)
    if not numbers or numbers[0] < 0 or numbers[-1] > 23:
        raise InputError(f'hours are "all" or numbers from 0 to 23, not {hours!r}')
    wrong = [hour for hour in numbers if hour % every]
    if wrong:
        raise InputError(f"the ensemble has every third hour, not {wrong[0]:02d} UTC", hint="0, 3, 6, …, 21")
    return numbers


def _levels(level_type: str, levels: Any) -> tuple[int, ...]:
    known = LEVELS[level_type]
    if levels is None or levels == "all":
        return known
    numbers = whole_numbers("levels", levels)
    for level in numbers or [-1]:
        if level not in known:
            nearest = sorted(sorted(known, key=lambda k: abs(k - level))[:2])
            unit = {"pl": " hPa", "pt": " K"}.get(level_type, "")
            hint = f"near it are {' and '.join(map(str, nearest))}"
            if level_type == "ml" and level in LEVELS["pl"]:
                hint = "these are model levels, from 1 at the top to 137; level_type='pl' asks for pressure in hPa"
            kind = "model level" if level_type == "ml" else "level"
            raise InputError(f"there is no {kind} {level}{unit}", hint=hint)
    return tuple(numbers)

"""Jobs and plans: what will be asked of the service, one request each."""

from __future__ import annotations

import calendar
import datetime as dt
import math
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import periods
from .availability import Constraints, check_jobs
from .errors import InputError
from .names import in_files
from .notebook_table import table
from .planned_job import Job
from .wording import human_bytes

__all__ = ["Job", "Plan"]

_SHOWN = 8  # jobs that a plan lists by name


@dataclass
class _Totals:
    jobs: int
    uncounted: int
    fields: int
    size: int
    cost: float
    limit: float

    def __str__(self) -> str:
        jobs = f"{self.jobs:,} job" + "s" * (self.jobs != 1)
        if self.uncounted and self.uncounted == self.jobs:
            return f"{jobs}, fields not known"
        more = f" and {self.uncounted:,} of the jobs with fields not known" if self.uncounted else ""
        return f"{jobs}, {self.fields:,} fields, about {human_bytes(self.size)}{more}"


class Plan(Sequence[Job]):
    """The jobs that a request becomes; ``print(plan)`` shows them.

    Parameters
    ----------
    jobs : sequence of Job
        In the order in which they will be asked for.
    notes : sequence of str
        What whoever made the plan has to say about it.

    Raises
    ------
    InputError
        If two different requests have one name.
    """

    def __init__(self, jobs: Iterable[Job] = (), notes: Sequence[str] = ()) -> None:
        self._jobs = list({(job.dataset, job.inputs_json, job.name): job for job in jobs}.values())
        self.notes = list(notes)
        names: dict[str, Job] = {}
        for job in self._jobs:
            if names.setdefault(job.name, job) is not job:
                raise InputError(
                    f"two different requests have the name {job.name}", hint="give them different targets"
                )

    def __len__(self) -> int:
        return len(self._jobs)

    def __getitem__(self, index: Any) -> Any:
        return Plan(self._jobs[index], self.notes) if isinstance(index, slice) else self._jobs[index]

    def __add__(self, other: Plan) -> Plan:
        return Plan([*self, *other], [*self.notes, *other.notes])

    def __eq__(self, other: object) -> bool:
        return self._jobs == other._jobs if isinstance(other, Plan) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @property
    def fields(self) -> int:
        """Fields of all jobs."""
        return sum(job.fields for job in self)

    @property
    def size(self) -> int:
        """Expected bytes of all jobs."""
        return sum(job.size for job in self)

    def _totals(self) -> _Totals:
        dearest = max(self, key=lambda job: job.cost / job.limit if job.limit else math.inf, default=None)
        cost, limit = (dearest.cost, dearest.limit) if dearest is not None else (0.0, math.inf)
        uncounted = sum(job.fields == 0 for job in self)
        return _Totals(len(self), uncounted, self.fields, self.size, cost, limit)

    def __repr__(self) -> str:
        totals = self._totals()
        lines = [f"<Plan: {totals}>"]
        if math.isfinite(totals.limit):
            lines += [f"  the dearest job costs {totals.cost:,.0f} of at most {totals.limit:,.0f}"]
        lines += [f"  {note}" for note in self.notes]
        width = max((len(job.name) for job in self._jobs[:_SHOWN]), default=0)
        lines += [f"  {job.name:<{width}}  {job.fields_text}" for job in self._jobs[:_SHOWN]]
        if len(self) > _SHOWN:
            lines += [f"  and {len(self) - _SHOWN:,} more"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Table for notebooks."""
        totals = self._totals()
        rows = [
            (job.name, job.dataset, job.fields or "not known", human_bytes(job.size) if job.size else "not known")
            for job in self._jobs[:_SHOWN]
        ]
        limit = f"; the dearest costs {totals.cost:,.0f} of {totals.limit:,.0f}" * math.isfinite(totals.limit)
        more = [f"and {len(self) - _SHOWN:,} more"] * (len(self) > _SHOWN)
        return table("Plan", f"{totals}{limit}", rows, ("file", "dataset", "fields", "bytes"), [*more, *self.notes])

    def check(self, client: Constraints) -> None:
        """Ask the service whether it has what the plan asks for, before anything is submitted.

        Parameters
        ----------
        client : Client
            Or anything with ``constraints(dataset, inputs)``.

        Raises
        ------
        InputError
            Naming what is not available: a variable, a level, a year.
        """
        check_jobs(self, client)

    @classmethod
    def from_template(
        cls,
        dataset: str,
        template: Mapping[str, Any],
        *,
        target: str | None = None,
        start: Any = None,
        end: Any = None,
        dates: Iterable[Any] | None = None,
        every: str = "month",
        variables: Iterable[str] = ("",),
    ) -> Plan:
        """A processing list: one request for each date and variable, from a request with gaps.

        Parameters
        ----------
        dataset : str
            Dataset of the service.
        template : dict
            A request, in keys of the Climate Data Store or in MARS keywords. In its texts ``{year}``, ``{month}``,
            ``{day}``, ``{last_day}`` (of the month), ``{date}``, ``{variable}`` and ``{short}`` (its name in files,
            such as t2m) are filled in; ``{month:02d}`` writes two digits.
        target : str, optional
            Name of the files, with the same gaps; without it, names that tell what is in them.
        start, end : str or date, optional
            First and last day of the list. Without any date there is one request, which has no gaps for dates.
        dates : iterable of dates, optional
            The dates themselves, instead of `start` and `end`; years and months are dates as well.
        every : str
            ``"year"``, ``"month"`` or ``"day"``: what one request is for, between `start` and `end`.
        variables : iterable of str, optional
            What ``{variable}`` stands for, one after the other.

        Returns
        -------
        Plan

        Raises
        ------
        InputError
            If the template has an unknown gap, or one for dates where there are none, or two requests get one name.

        Examples
        --------
        >>> import era5fast as e5
        >>> plan = e5.Plan.from_template(
        ...     "reanalysis-era5-complete",
        ...     {"class": "ea", "stream": "oper", "type": "an", "levtype": "ml", "levelist": "137", "param": "130",
        ...      "date": "{year}-{month:02d}-01/to/{year}-{month:02d}-{last_day}", "time": "00/to/23/by/1",
        ...      "grid": "1.0/1.0"},
        ...     target="t_{year}-{month:02d}.grib", start="2003-01", end="2005-12")
        >>> len(plan), plan[1].name, plan[1].inputs["date"]
        (36, 't_2003-02.grib', '2003-02-01/to/2003-02-28')
        """
        moments = _moments(start, end, dates, every)
        jobs = []
        for name in variables:
            for moment in moments:
                gaps = _gaps(moment, name)
                jobs.append(
                    Job.of(dataset, _filled(template, gaps), None if target is None else _filled(target, gaps))
                )
        return cls(jobs)


def _moments(start: Any, end: Any, dates: Iterable[Any] | None, every: str) -> Sequence[dt.date | None]:
    """The dates of a list; None for one request that has none."""
    if every not in ("year", "month", "day"):
        raise InputError(f"every is year, month or day, not {every!r}")
    if start is None and end is None and dates is None:
        return [None]
    if (dates is None) == (start is None):
        raise InputError("a template needs either start and end, or dates")
    if dates is not None:
        found = [periods.parse(date) for date in ([dates] if isinstance(dates, str) else dates)]
    else:
        days = periods.span(start, start if end is None else end)
        found = [periods.date_of(piece[0]) for piece in periods.cut(days, every)]
    if not found:
        raise InputError("a template needs at least one date")
    return found


def _gaps(moment: dt.date | None, variable: str) -> dict[str, Any]:
    named = {"variable": variable, "short": in_files(variable)}
    if moment is None:
        return named
    last = calendar.monthrange(moment.year, moment.month)[1]
    return {
        "year": moment.year, "month": moment.month, "day": moment.day, "last_day": last, "date": moment,
        **named,
    }  # fmt: skip


def _filled(value: Any, gaps: dict[str, Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(inner, gaps) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(inner, gaps) for inner in value]
    if not isinstance(value, str):
        return value
    try:
        return "".join(_text_of(value, part, gaps) for part in string.Formatter().parse(value))
    except ValueError as error:
        raise InputError(f"cannot fill in '{value}'", hint=f"gaps are {_names(gaps)}") from error


def _text_of(value: str, part: tuple[str, str | None, str | None, str | None], gaps: dict[str, Any]) -> str:
    """One piece of a template: text, and the gap behind it. Nothing but plain names and widths is understood."""
    text, name, form, conversion = part
    if name is None:
        return text
    if name not in gaps or conversion or not _is_width(gaps[name], form or ""):
        raise InputError(f"cannot fill in '{{{name}}}' of '{value}'", hint=f"gaps are {_names(gaps)}")
    return text + (format(gaps[name], form) if form else str(gaps[name]))


def _is_width(value: Any, form: str) -> bool:
    return not form or (isinstance(value, int) and re.fullmatch(r"0?\d?d?", form) is not None)


def _names(gaps: dict[str, Any]) -> str:
    dateless = "" if "date" in gaps else "; those for dates need start and end, or dates"
    return ", ".join("{" + name + "}" for name in gaps) + dateless

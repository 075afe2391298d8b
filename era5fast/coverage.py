"""What is there already: plans without the fields that finished files hold.

Only files whose request has the same product, area, grid and format count, and only while they are unchanged since
they were finished. The comparison is exact: variable by variable, level by level, hour by hour; and it goes by what
was received, not by what was asked for, wherever the fields of a file can be counted.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .canonical import canonical
from .fields import Fields, fields_of
from .plan import Job, Plan

__all__ = ["Coverage", "beside", "concerns", "missing", "place_of", "request_of", "unchanged"]

#: Days at the end of the archive which the service leaves out of its answers without a word, with a day's reserve.
_EMBARGO_DAYS = 6
_DAY = 86_400
_NANOSECONDS_A_DAY = _DAY * 10**9

#: Counts what a file lacks of its request, given its row and the files beside it; JSON, as the journal keeps it.
Count = Callable[[Mapping[str, Any], list[str]], str]


class Coverage(NamedTuple):
    """What is there of a plan, and what is to be asked for.

    Attributes
    ----------
    paths : list of str
        Files to use, in the order in which the plan needs them.
    left : Plan
        What was never asked for.
    again : Plan
        What was asked for, was not sent, and may be there by now.
    short : list of dict
        Files whose missing fields `again` asks for.
    unsent : int
        Fields that were not sent and are not worth asking for again yet.
    """

    paths: list[str]
    left: Plan
    again: Plan
    short: list[Mapping[str, Any]]
    unsent: int


@dataclass
class _Held:
    """A finished file and its fields; `fields` is None where they cannot be told."""

    row: Mapping[str, Any]
    request: str
    fields: Fields | None
    beside: list[str]
    _lacks: list[Fields] | None = field(default=None, repr=False)
    _is_counted: bool = False

    @property
    def path(self) -> str:
        return str(self.row["path"])

    @property
    def last_day(self) -> int:
        """Days behind it may have been left out of the answer."""
        return int(self.row["mtime_ns"]) // _NANOSECONDS_A_DAY - _EMBARGO_DAYS

    def lacks(self, count: Count | None) -> list[Fields] | None:
        """Fields of the request that are not in the file; None where nobody can tell."""
        if not self._is_counted:
            text = self.row.get("missing")
            if text is None and count is not None:
                text = count(self.row, self.beside)
            self._lacks, self._is_counted = _boxes(str(self.row["dataset"]), text), True
        return self._lacks

    def is_due(self, now: float) -> bool:
        """Whether what it lacks may be asked for again: after a day, and in vain after twice as long each time."""
        finished = float(self.row.get("finished") or self.row["mtime_ns"] / 1e9)
        last = max((moment for moment in (finished, float(self.row.get("asked") or 0)) if moment <= now), default=0.0)
        first = min(
            finished, last
        )  # where the clock was wrong then, or is now: as if it had been asked for just once
        return now - last >= max(_DAY, last - first)


def _boxes(dataset: str, text: Any) -> list[Fields] | None:
    """The boxes of a JSON list of requests; None for anything else."""
    try:
        requests = json.loads(text)
        found = [fields_of(dataset, inputs) for inputs in requests]
    except (TypeError, ValueError):
        return None
    known = [box for box in found if box is not None]
    return known if len(known) == len(found) else None


def _months(fields: Fields) -> frozenset[int]:
    return _months_of(fields.days)


@functools.lru_cache(4096)
def _months_of(days: tuple[int, ...]) -> frozenset[int]:
    return frozenset(np.unique(np.asarray(days, "datetime64[D]").astype("datetime64[M]").astype(int)).tolist())


def missing(
    plan: Iterable[Job], files: Iterable[Mapping[str, Any]], count: Count | None = None, now: float | None = None
) -> Coverage:
    """Split a plan into files that are there and smaller plans of what is not.

    Parameters
    ----------
    plan : Plan
        What is wanted.
    files : iterable of dict
        Finished files as the journal lists them: ``path``, ``dataset``, ``request`` (JSON), ``size``, ``mtime_ns``,
        ``inode``, ``finished``, ``missing``, ``asked``.
    count : callable, optional
        Counts the fields of a file that nobody has counted; called only for files that matter to the plan.
    now : float, optional
        Seconds since 1970; now when left out.

    Returns
    -------
    Coverage
        A job of which nothing is there stays as it is; of one that is there in part, the rest is asked for.

    Notes
    -----
    What a file lacks of its request is asked for again a day after it was finished, since the service leaves out
    without a word what it does not have yet; where that is in vain, after two days, four, eight. Days younger than
    six days are not asked for again: the service does not have them. A file whose fields cannot be counted counts as
    whole up to six days before it was finished, and wholly as the answer to exactly the same request.
    """
    jobs, now = list(plan), time.time() if now is None else now
    held = _held(list(files), {job.dataset for job in jobs})
    same = {(str(one.row["dataset"]), one.request): one for one in held}
    by_month: dict[tuple[str, int], list[_Held]] = defaultdict(list)
    for one in held:
        if one.fields is not None:
            for month in _months(one.fields):
                by_month[one.fields.context, month].append(one)
    search = _Search(by_month, count, now)
    for job in jobs:
        known = same.get((job.dataset, canonical(job.inputs)))
        if known is not None:
            search.use(known)
        if known is None or (known.fields is not None and known.lacks(count)):
            search.take(job)
    left = Plan(search.left, getattr(plan, "notes", ()))
    return Coverage(list(search.used), left, Plan(search.again), list(search.short.values()), search.unsent)


class _Search:
    """Looks in files for the fields of one job after the other, and gathers what is left to be asked for."""

    def __init__(self, by_month: Mapping[tuple[str, int], list[_Held]], count: Count | None, now: float) -> None:
        self._by_month, self._count, self._now = by_month, count, now
        self.used: dict[str, None] = {}
        self.left: list[Job] = []
        self.again: list[Job] = []
        self.short: dict[str, Mapping[str, Any]] = {}
        self.unsent = 0

    def take(self, job: Job) -> None:
        """Look for the fields of a job."""
        wanted = fields_of(job.dataset, job.inputs)
        near = self._near(wanted) if wanted is not None else []
        if wanted is None or not near:
            self.left.append(job)
            return
        whole = wanted.table()
        asked, received, recent = (np.zeros_like(whole) for _ in range(3))
        for one in near:
            there, lost = self._in_file(wanted, one)
            asked |= there
            received |= there & ~lost
            if np.any(there & ~lost):
                self.use(one)
            if not one.is_due(self._now):
                recent |= lost
        self._gather(job, wanted, whole & ~asked, asked & ~received, recent)

    def use(self, one: _Held) -> None:
        """Note a file, and those beside it, as what the plan needs."""
        self.used |= dict.fromkeys([one.path, *one.beside])

    def _near(self, wanted: Fields) -> list[_Held]:
        """Files with the same context and a month in common."""
        months = sorted(_months(wanted))
        return list({id(o): o for month in months for o in self._by_month.get((wanted.context, month), ())}.values())

    def _in_file(self, wanted: Fields, one: _Held) -> tuple[np.ndarray, np.ndarray]:
        """Tables of the wanted fields that were asked for with a file, and of those of them that did not come."""
        assert one.fields is not None
        lacks = one.lacks(self._count)
        there = _common(wanted, one.fields, one.last_day if lacks is None else None)
        lost = np.zeros_like(there)
        for box in lacks or ():
            lost |= _common(wanted, box)
        return there, lost & there

    def _gather(self, job: Job, wanted: Fields, never: np.ndarray, lost: np.ndarray, recent: np.ndarray) -> None:
        """Jobs for what was never asked for, and for what is to be asked for again."""
        young = np.asarray(wanted.days) > self._now // _DAY - _EMBARGO_DAYS
        again = lost & ~recent
        again[:, young] = 0
        self.unsent += _size(lost & ~again)
        if np.array_equal(never, wanted.table()):
            self.left.append(job)
            return
        self.left += [job.part(box) for box in wanted.left(never)]
        self.again += [job.part(box) for box in wanted.left(again)]
        if np.any(again):
            for one in self._near(wanted):
                if any(np.any(_common(wanted, box) & again) for box in one.lacks(self._count) or ()):
                    self.short[one.path] = one.row


def _common(wanted: Fields, other: Fields, until: int | None = None) -> np.ndarray:
    """Table of the wanted fields that are in another box, up to a day."""
    table = wanted.table()
    rest = table.copy()
    wanted.subtract(rest, other, until)
    return table & ~rest


def _size(table: np.ndarray) -> int:
    """Number of fields in a table."""
    values, counts = np.unique(table, return_counts=True)
    return sum(int(value).bit_count() * int(number) for value, number in zip(values, counts, strict=True))


def concerns(job: Job, dataset: str, missing: str | None) -> bool:
    """Whether a job asks for any of the fields that a file lacks (JSON, as the journal keeps it)."""
    wanted = fields_of(job.dataset, job.inputs)
    if wanted is None:
        return False
    same = [box for box in _boxes(dataset, missing) or () if box.context == wanted.context]
    return any(np.any(_common(wanted, box)) for box in same)


def _held(files: list[Mapping[str, Any]], datasets: set[str]) -> list[_Held]:
    """Those files of some datasets that are still what they were, and so are all that lie beside them."""
    neighbours = beside(files)
    rows = {file["path"]: file for file in files}
    found = []
    for file in files:
        dataset, inputs = str(file.get("dataset")), request_of(file)
        if dataset in datasets and inputs is not None and unchanged(file):
            others = neighbours.get(place_of(file), [])
            if not all(unchanged(rows[path]) for path in others):
                continue
            found.append(_Held(file, canonical(inputs), fields_of(dataset, inputs), others))
    return found


def place_of(file: Mapping[str, Any]) -> tuple[str, str]:
    """Files of one job in one folder belong together."""
    return str(file.get("job_id") or file["path"]), os.path.dirname(file["path"])


def beside(files: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Files that lie beside targets, with what did not fit into those: they have no request of their own."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        if not file.get("request") and file.get("job_id"):
            found[place_of(file)].append(file["path"])
    return found


def request_of(file: Mapping[str, Any]) -> dict[str, Any] | None:
    """The request of a file of the journal; None where the journal has none."""
    try:
        inputs = json.loads(file.get("request") or "null")
    except ValueError:
        return None
    return inputs if isinstance(inputs, dict) else None


def unchanged(file: Mapping[str, Any]) -> bool:
    """True if a file of the journal is still there as it was when it was finished."""
    try:
        now = os.stat(file["path"])
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns, now.st_ino) == (file["size"], file["mtime_ns"], file["inode"])

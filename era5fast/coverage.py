"""What is there already: plans without the fields that finished files hold.

Only files whose request has the same product, area, grid and format count, and only while they are unchanged since
they were finished. The comparison is exact: variable by variable, level by level, hour by hour.
"""

from __future__ import annotations

import functools
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fields import Fields, canonical, fields_of
from .plan import Job, Plan

__all__ = ["missing"]

#: Days at the end of the archive which the service leaves out of its answers without a word, with a day's reserve.
_EMBARGO_DAYS = 6
_NANOSECONDS_A_DAY = 86_400 * 10**9


@dataclass(frozen=True)
class _Held:
    """A finished file and its fields; `fields` is None where they cannot be told."""

    path: str
    dataset: str
    request: str
    fields: Fields | None
    last_day: int  # days behind it may have been left out of the answer

    def months(self) -> frozenset[int]:
        """Numbers of the months that it touches."""
        return _months(self.fields) if self.fields is not None else frozenset()


def _months(fields: Fields) -> frozenset[int]:
    return _months_of(fields.days)


@functools.lru_cache(4096)
def _months_of(days: tuple[int, ...]) -> frozenset[int]:
    return frozenset(np.unique(np.asarray(days, "datetime64[D]").astype("datetime64[M]").astype(int)).tolist())


def missing(plan: Iterable[Job], files: Iterable[Mapping[str, Any]]) -> tuple[list[str], Plan]:
    """Split a plan into files that are there and a smaller plan of what is not.

    Parameters
    ----------
    plan : Plan
        What is wanted.
    files : iterable of dict
        Finished files as the journal lists them: ``path``, ``dataset``, ``request`` (JSON), ``size``, ``mtime_ns``,
        ``inode``.

    Returns
    -------
    (list of str, Plan)
        Paths of the files to use, in the order in which the plan needs them, and what is still to be asked for. A job
        of which nothing is there stays as it is; of one that is there in part, the rest is asked for.

    Notes
    -----
    The service leaves the newest days out of an answer without a word. A file therefore only counts for days up to
    six days before it was finished, unless it is the answer to exactly the same request.
    """
    jobs = list(plan)
    held = _held(files, {job.dataset for job in jobs})
    same = {(one.dataset, one.request): one for one in held}
    by_month: dict[tuple[str, int], list[_Held]] = defaultdict(list)
    for one in held:
        if one.fields is not None:
            for month in one.months():
                by_month[one.fields.context, month].append(one)
    used: dict[str, None] = {}
    left: list[Job] = []
    for job in jobs:
        known = same.get((job.dataset, canonical(job.inputs)))
        if known is not None:
            used[known.path] = None
            continue
        left += _rest(job, by_month, used)
    return list(used), Plan(left, getattr(plan, "notes", ()))


def _rest(job: Job, by_month: Mapping[tuple[str, int], list[_Held]], used: dict[str, None]) -> list[Job]:
    """Jobs for those fields of a job that no file holds; notes the files that hold the others."""
    wanted = fields_of(job.dataset, job.inputs)
    if wanted is None:
        return [job]
    near = {id(one): one for month in sorted(_months(wanted)) for one in by_month.get((wanted.context, month), ())}
    if not near:
        return [job]
    table = wanted.table()
    for one in near.values():
        assert one.fields is not None
        if wanted.subtract(table, one.fields, one.last_day):
            used[one.path] = None
    if np.array_equal(table, wanted.table()):
        return [job]
    return [job.part(box) for box in wanted.left(table)]


def _held(files: Iterable[Mapping[str, Any]], datasets: set[str]) -> list[_Held]:
    """Those files of some datasets that are still what they were."""
    found = []
    for file in files:
        dataset, inputs = str(file.get("dataset")), request_of(file)
        if dataset in datasets and inputs is not None and unchanged(file):
            last = file["mtime_ns"] // _NANOSECONDS_A_DAY - _EMBARGO_DAYS
            found.append(_Held(file["path"], dataset, canonical(inputs), fields_of(dataset, inputs), last))
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

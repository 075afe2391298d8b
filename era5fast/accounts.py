"""Keeping account of a plan: what the journal has of it before it is fetched, and what was received afterwards."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .canonical import canonical
from .coverage import Coverage, beside, concerns, missing, place_of, request_of, unchanged
from .errors import Era5FastError
from .journal import Place, path_in_journal
from .plan import Job, Plan
from .received import missing_requests

__all__ = ["Accounts"]

log = logging.getLogger("era5fast")


class Accounts:
    """The account of one call that fetches a plan into a directory.

    Parameters
    ----------
    journal : Place
        What was fetched before.
    directory : path
        Where the files are.
    trusts : bool
        Whether files count that are there; otherwise everything is asked for.
    """

    def __init__(self, journal: Place, directory: str | os.PathLike[str], trusts: bool) -> None:
        self._journal, self._directory, self._trusts = journal, directory, trusts
        self._counted: dict[str, str] = {}

    def compare(self, plan: Plan) -> Coverage:
        """What is there of a plan, and what is to be asked for."""
        if not self._trusts:
            return Coverage([], plan, Plan(), [], 0)
        return missing(plan, self._journal.files(self._directory), self._count)

    def _count(self, row: Mapping[str, Any], others: list[str]) -> str:
        """What a file of the journal lacks, which is noted there."""
        inputs = request_of(row) or {}
        text = canonical(missing_requests([row["path"], *others], str(row["dataset"]), inputs))
        self._counted[row["path"]] = text
        self._journal.counted(row, text)
        return text

    def close(self, there: Coverage, come: Iterable[Job], vain: Sequence[tuple[Job, BaseException]]) -> None:
        """Note and say what has not come.

        Parameters
        ----------
        there : Coverage
            What :meth:`compare` had found.
        come : iterable of Job
            Jobs whose files have come.
        vain : sequence of (Job, Exception)
            Jobs that were asked for once more, and why the service has not made their files.
        """
        for job, error in vain:
            log.info("%s was asked for again in vain: %s", job.name, error)
        for row in there.short if vain else ():
            text = self._counted.get(row["path"]) or row["missing"]
            if any(concerns(job, str(row["dataset"]), text) for job, _ in vain):
                self._journal.counted(row, text, time.time())
        self._tell(there.unsent, self._incomplete(list(come)))

    def _incomplete(self, jobs: list[Job]) -> list[Job]:
        """Those of some jobs whose files have fewer fields than were asked for."""
        rows = self._journal.files(self._directory) if jobs else []
        by_path, neighbours = {row["path"]: row for row in rows}, beside(rows)
        found = []
        for job in jobs:
            path = path_in_journal(os.path.join(os.fspath(self._directory), job.name))
            row = by_path.get(path)
            if row is not None and unchanged(row) and request_of(row) is not None:
                text = row["missing"] or self._count(row, neighbours.get(place_of(row), []))
            else:
                text = canonical(missing_requests([path], job.dataset, job.inputs))
            found += [job] if text not in _NOTHING else []
        return found

    def _tell(self, unsent: int, incomplete: list[Job]) -> None:
        """Warn: the service leaves out without a word what it does not have."""
        if unsent:
            log.warning("%s fields that the service did not send earlier are left out; see era5fast.report", unsent)
        if not incomplete:
            return
        from .quality import report

        try:
            gaps = report(Plan(incomplete), self._directory, journal=()).gaps
        except Era5FastError as error:
            log.info("what is missing cannot be named: %s", error)
            return
        more = f" and {len(gaps) - 1} more gaps" if len(gaps) > 1 else ""
        if gaps:
            later = "asked for again by calls after a day"
            log.warning(
                "the service has not sent all of it; missing: %s%s; %s, see era5fast.report", gaps[0], more, later
            )


#: What stands for "all there" and for "cannot be told".
_NOTHING = ("[]", "null")

"""Jobs: what was asked, how far it is, what came of it. Time only ever enters as an argument."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from .store import StoredObject

STATES = ("accepted", "running", "successful", "failed", "rejected")
QUEUE_FULL = (
    "Number of API queued requests for this dataset is temporarily limited. Please configure your scripts accordingly"
)
NO_DATA = "MARS returned no data, please check your selection.\n\nThe job failed with: MarsNoDataError"


@dataclass
class Script:
    """How jobs go.

    Parameters
    ----------
    timeline : sequence of (state, seconds)
        States before the outcome, in order; ``("running", 1), ("accepted", 1)`` is a re-queued job.
    outcome : {"successful", "failed", "rejected"}
        How it ends.
    traceback : str
        Text of a failed or rejected job.
    log : sequence of str
        Lines for the user, written when the job ends its first state.
    answer : bytes or pathlib.Path, optional
        A ready result instead of synthetic weather. A path names a file, whose ending decides the media type.
    expires_after : float, optional
        Seconds after success at which the result is evicted.
    match : callable, optional
        Takes the data set and the raw inputs of a submission, says whether this script applies.
    times : int, optional
        How many jobs it applies to; without it, all.
    """

    timeline: tuple[tuple[str, float], ...] = ()
    outcome: str = "successful"
    traceback: str = ""
    log: tuple[str, ...] = ()
    answer: bytes | Path | None = None
    expires_after: float | None = None
    match: Callable[[str, dict[str, Any]], bool] | None = None
    times: int | None = None

    @property
    def seconds(self) -> float:
        """Length of the timeline."""
        return sum(s for _, s in self.timeline)


@dataclass(frozen=True)
class Snapshot:
    """A job at a moment; offsets in seconds since its creation."""

    status: str
    updated: float
    started: float | None = None
    finished: float | None = None


@dataclass
class Job:
    """One submission.

    Parameters
    ----------
    id : str
        A UUID.
    owner : str
        Token it was submitted with.
    dataset : str
        Id of the data set.
    inputs : dict
        As sent.
    created : datetime.datetime
        Naive, UTC; no two jobs share it.
    born : float
        The same moment on the monotonic clock.
    script : Script
        How it goes.
    result : StoredObject, optional
        The object that is or will be its result.
    """

    id: str
    owner: str
    dataset: str
    inputs: dict[str, Any]
    created: datetime
    born: float
    script: Script
    result: StoredObject | None = None
    dismissed: float | None = field(default=None)

    def exists(self, at: float) -> bool:
        """Whether it had been created and not been dismissed at a moment."""
        return self.born <= at and (self.dismissed is None or at < self.dismissed)

    def snapshot(self, at: float) -> Snapshot:
        """Its state at a moment of the monotonic clock."""
        offset, begin = at - self.born, 0.0
        started = None
        for state, seconds in self.script.timeline:
            if state == "running" and started is None and offset >= begin:
                started = begin
            if offset < begin + seconds:
                return Snapshot(state, begin, started)
            begin += seconds
        return self._ended(offset, begin, started)

    def _ended(self, offset: float, end: float, started: float | None) -> Snapshot:
        outcome = self.script.outcome
        if outcome == "successful" and self.result is not None:
            ready = self.result.ready_at
            if ready is None or ready - self.born > offset:
                return Snapshot("running", end, end if started is None else started)
            end = max(end, ready - self.born)
            outcome = "failed" if self.result.error else "successful"
        started = end if started is None and outcome != "rejected" else started
        return Snapshot(outcome, end, started, end)

    def expired(self, at: float) -> bool:
        """Whether its result has been evicted."""
        if self.result is None or self.result.evicted:
            return True
        end = self.snapshot(at).finished
        after = self.script.expires_after
        return after is not None and end is not None and at - self.born >= end + after

    def moment(self, offset: float) -> datetime:
        """Naive UTC time of an offset."""
        return self.created + timedelta(seconds=offset)

    def failure_text(self) -> str:
        """The traceback of a job without success."""
        if self.result is not None and self.result.error:
            return f"{self.result.error}\n\nThe job failed with: MarsRuntimeError"
        if self.script.traceback or self.script.outcome == "rejected":
            return self.script.traceback
        return NO_DATA


class Jobs:
    """All jobs of a service, safe in threads.

    Parameters
    ----------
    queue_limit : int, optional
        A job is rejected, once its first state is over, if its owner has so many others queued for the data set.
    workers : int, optional
        How many jobs run at a time; others wait in the order in which they came. Without it, all at once.
    """

    def __init__(self, queue_limit: int | None = None, workers: int | None = None) -> None:
        self.queue_limit = queue_limit
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._open: list[Job] = []  # those that may be in the queue
        self._last = datetime.min
        self._free = [0.0] * (workers or 0)  # when each worker is free again

    def create(
        self,
        owner: str,
        dataset: str,
        inputs: dict[str, Any],
        script: Script,
        reserve: Callable[[], tuple[StoredObject | None, bool]],
    ) -> tuple[Job, bool]:
        """Enter a job.

        Parameters
        ----------
        owner, dataset, inputs, script
            See `Job`.
        reserve : callable
            Gives the object that is or will be its result, and whether that still has to be made. It is not called
            for a job that the full queue rejects: that one leaves no trace among the results.

        Returns
        -------
        tuple of Job and bool
            The job, and whether its result has to be made.
        """
        with self._lock:
            now = monotonic()
            result, new = None, False
            if self.queue_limit is not None and self._queued(owner, dataset, now) >= self.queue_limit:
                first = script.timeline[:1] or (("accepted", 0.0),)
                script = Script(timeline=first, outcome="rejected", traceback=QUEUE_FULL)
            else:
                result, new = reserve()
                cached = result is not None and not new and result.ready
                script = replace(script, timeline=() if cached else self._scheduled(script, now))
            created = max(datetime.now(UTC).replace(tzinfo=None), self._last + timedelta(microseconds=1))
            self._last = created
            job = Job(str(uuid.uuid4()), owner, dataset, inputs, created, now, script, result)
            self._jobs[job.id] = job
            self._open.append(job)
            return job, new

    def _scheduled(self, script: Script, now: float) -> tuple[tuple[str, float], ...]:
        """The timeline of a job that has to wait for a worker."""
        if not self._free or not script.timeline:
            return script.timeline
        (state, wait), *rest = script.timeline
        begin = max(now + wait, min(self._free))
        self._free[self._free.index(min(self._free))] = begin + sum(seconds for _, seconds in rest)
        return ((state, begin - now), *rest)

    def _queued(self, owner: str, dataset: str, now: float) -> int:
        self._open = [j for j in self._open if j.exists(now) and j.snapshot(now).finished is None]
        mine = (j for j in self._open if j.owner == owner and j.dataset == dataset)
        return sum(j.snapshot(now).status == "accepted" for j in mine)

    def get(self, job_id: str) -> Job | None:
        """The job of that id, dismissed or not."""
        with self._lock:
            return self._jobs.get(job_id)

    def dismiss(self, job: Job) -> bool:
        """Dismiss a job; False if somebody did before."""
        with self._lock:
            if job.dismissed is not None:
                return False
            job.dismissed = monotonic()
            return True

    def advance(self, seconds: float) -> None:
        """Make every job older."""
        with self._lock:
            for job in self._jobs.values():
                job.born -= seconds
            self._free = [moment - seconds for moment in self._free]

    def all(self) -> list[Job]:
        """Every job, oldest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda j: j.created)

    def of(self, owner: str, datasets: Iterable[str], states: Iterable[str]) -> list[Job]:
        """Jobs of a user that exist now, oldest first; no data sets means all."""
        now, wanted, kinds = monotonic(), set(datasets), set(states)
        return [
            j
            for j in self.all()
            if j.owner == owner
            and j.exists(now)
            and (not wanted or j.dataset in wanted)
            and j.snapshot(now).status in kinds
        ]

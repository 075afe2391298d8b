"""The processing, catalogue and profiles services: what every call passes, in the order of the real ones."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from . import documents, faults, rules
from .answers import Answers
from .catalogue import Dataset, Licence
from .jobs import Jobs
from .request import last_hour
from .routing import Refused, find, refuse
from .wire import Call, Reply


@dataclass(frozen=True)
class Settings:
    """How the service behaves; the fields are the arguments of `Service <era5fast.testing.service.Service>`."""

    tokens: dict[str, str]
    datasets: dict[str, Dataset]
    queue_limit: int | None
    workers: int | None
    replica_lag: float
    rate_limit: tuple[int, float] | None
    cost_limit: float
    netcdf_weight: float
    max_values: int
    licences_accepted: bool
    disabled: dict[str, str]
    messages: list[dict[str, Any]]
    notices: dict[str, list[dict[str, Any]]]
    latest: datetime | None


class Api:
    """State behind the routes.

    Parameters
    ----------
    settings : Settings
        How to behave.
    answers : Answers
        Results and scripts.
    in_force : rules.Faults
        What goes wrong.
    """

    def __init__(self, settings: Settings, answers: Answers, in_force: rules.Faults) -> None:
        self.settings, self.answers, self.store = settings, answers, answers.store
        self.jobs = Jobs(settings.queue_limit, settings.workers)
        self._faults = in_force
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, int]] = {}
        self._stars: set[str] = set()
        self._licences = self.known_licences() if settings.licences_accepted else set()

    def answer(self, call: Call) -> Reply:
        """Answer a call: route, token, faults, rate limit, handler."""
        row = find(call)
        if isinstance(row, Reply):
            return row
        call.route = row.name
        struck: list[rules.Rule] = []
        try:
            if row.needs_token:
                self._check_token(call)
            struck = self._faults.choose(call)
            reply = rules.before(struck, call)
            if reply is None:
                self._check_rate(call)
                for _ in range(call.deliveries):
                    reply = row.handler(self, call)
        except Refused as refused:
            reply = refused.reply
        assert reply is not None
        rules.after(struck, call, reply)
        return reply

    def latest(self) -> datetime:
        """Last hour with data."""
        return self.settings.latest or last_hour(datetime.now(UTC).replace(tzinfo=None))

    def dataset(self, call: Call) -> Dataset:
        """The data set a call is about; an unknown one is refused."""
        name = call.arguments["dataset"]
        if name not in self.settings.datasets:
            kind = f"{documents.OGC}no-such-process"
            raise refuse(404, kind, call, "process not found", detail=f"dataset {name} not found")
        return self.settings.datasets[name]

    def notices(self, dataset: str) -> list[dict[str, Any]]:
        """Messages about a data set."""
        return self.settings.notices.get(dataset, [])

    def star(self, dataset: str, on: bool) -> bool:
        """Set or remove a bookmark; False if there was nothing to do."""
        with self._lock:
            if (dataset in self._stars) == on:
                return False
            (self._stars.add if on else self._stars.remove)(dataset)
            return True

    def stars(self) -> list[str]:
        """The bookmarks."""
        with self._lock:
            return sorted(self._stars)

    def is_anonymous(self, call: Call) -> bool:
        """Whether a call with a valid token comes from the anonymous user."""
        return self.settings.tokens[call.token] == "anonymous"

    def known_licences(self) -> set[Licence]:
        """The licences of all data sets."""
        return {licence for d in self.settings.datasets.values() for licence in d.licences}

    def accept_licence(self, licence: Licence) -> None:
        """Note that the user has accepted a licence."""
        with self._lock:
            self._licences.add(licence)

    def accepted_licences(self) -> set[Licence]:
        """What the user has accepted."""
        with self._lock:
            return set(self._licences)

    def _check_token(self, call: Call) -> None:
        if not call.token:
            raise refuse(401, "permission denied", call, detail="authentication required")
        if call.token not in self.settings.tokens:
            raise refuse(401, "permission denied", call, "Authentication failed", detail="operation not allowed")

    def _check_rate(self, call: Call) -> None:
        """Count calls in fixed windows per user, as the real service does."""
        if self.settings.rate_limit is None or not call.token:
            return
        limit, seconds = self.settings.rate_limit
        now = monotonic()
        current = int(now // seconds)
        with self._lock:
            window, calls = self._windows.get(call.token, (current, 0))
            calls = calls + 1 if window == current else 1
            self._windows[call.token] = (current, calls)
        if calls > limit:
            raise Refused(faults.rate_limit(call, retry_after=int(seconds - now % seconds) + 1))

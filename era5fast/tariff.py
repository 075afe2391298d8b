"""What a request costs: asked of the service, or taken from the table of datasets when it cannot be asked."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from .connection import connect
from .errors import AuthError, ConfigError, Era5FastError, InputError, RequestError, clean
from .planned_job import Job

_log = logging.getLogger("era5fast")


class Estimates(Protocol):
    """Whoever can ask the service for a cost; :class:`era5fast.Client` can."""

    def estimate(self, dataset: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """``{"cost": …, "limit": …, "id": …}`` of a request; empty where no limit applies."""


@dataclass(frozen=True)
class Tariff:
    """What a field costs, and what one job may cost.

    Attributes
    ----------
    weight : float
        Cost of one field.
    limit : float
        Highest cost of a job.
    client : Estimates, optional
        Who can be asked again; None when the numbers are not the service's.
    sample : int
        Fields of the request for which the service was asked.
    """

    weight: float
    limit: float
    client: Estimates | None = None
    sample: int = 1

    @property
    def capacity(self) -> float:
        """Fields that one job may ask for."""
        return math.floor(self.limit / self.weight + 1e-9) if math.isfinite(self.limit) else math.inf


def _default_client() -> Estimates | None:
    try:
        return connect()
    except ConfigError as error:
        _log.warning("the built-in table of costs is used: %s", error)
        return None


def ask_tariff(client: Estimates | None, sample: Job, built_in: Tariff) -> Tariff:
    """Tariff of the service for jobs like a sample, or the built-in one when the service cannot be asked."""
    client = client if client is not None else _default_client()
    answer = _estimate(client, sample) if client is not None else None
    if answer is None:
        return built_in
    cost, limit = answer
    if not math.isfinite(limit):
        return Tariff(1.0, math.inf, client)
    return Tariff(cost / max(sample.fields, 1), limit, client, max(sample.fields, 1))


def confirm(jobs: list[Job], tariff: Tariff, again: Callable[[Tariff], list[Job]]) -> list[Job]:
    """Where a day was parted: ask once more for the dearest job of each part, and cut finer while one is too dear.

    The sample was one day of everything; the service may weigh variables, levels or hours differently.
    """
    for _ in range(5):
        whole_days = all(job.fields % tariff.sample == 0 for job in jobs)
        if whole_days or tariff.client is None or not math.isfinite(tariff.limit):
            return jobs
        weights = [weight for job in _dearest(jobs) if (weight := _too_dear(job, tariff)) > 0]
        if not weights:
            return jobs
        tariff = Tariff(max(*weights, tariff.weight * 1.01), tariff.limit, tariff.client, tariff.sample)
        jobs = again(tariff)
    raise InputError(f"a job costs more than {tariff.limit:,.0f}", hint="give max_cost as a number")


def _dearest(jobs: list[Job]) -> list[Job]:
    """The largest job of every choice of variables."""
    found: dict[str, Job] = {}
    for job in sorted(jobs, key=lambda job: job.cost):
        found[str(job.inputs.get("variable", job.inputs.get("param")))] = job
    return list(found.values())


def _too_dear(job: Job, tariff: Tariff) -> float:
    """Cost of a field of a job that costs more than it may, else 0."""
    assert tariff.client is not None
    answer = _estimate(tariff.client, job)
    return answer[0] / max(job.fields, 1) if answer is not None and answer[0] > tariff.limit else 0.0


def _estimate(client: Estimates, job: Job) -> tuple[float, float] | None:
    """Cost and limit, or None with a line in the log."""
    try:
        answer = client.estimate(job.dataset, job.inputs)
        if not answer or answer.get("limit") is None:
            return 1.0, math.inf
        cost, limit = float(answer["cost"]), float(answer["limit"])
    except (AuthError, RequestError):
        raise
    except (Era5FastError, OSError, KeyError, TypeError, ValueError) as error:
        _log.warning("the service gives no cost, the built-in table is used: %s", error)
        return None
    if not (math.isfinite(cost) and cost > 0 and limit > 0):
        if "invalid_reason" in answer:
            _log.warning("the service will refuse requests such as %s: %s", job.name, clean(answer["invalid_reason"]))
        else:
            _log.warning("the built-in table is used: the service says cost %g, limit %g", cost, limit)
        return None
    return cost, limit

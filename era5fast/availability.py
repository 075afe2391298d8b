"""Checking plans against what the service offers, before anything is submitted."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from . import periods
from .dataset_table import DATASETS
from .errors import AuthError, Era5FastError, InputError
from .fields import Fields, fields_of
from .planned_job import Job
from .wording import did_you_mean

__all__ = ["Constraints", "check_jobs"]

_log = logging.getLogger("era5fast")
_NAMED = 5  # problems that one message lists


class Constraints(Protocol):
    """Whoever can ask the service what it offers; :class:`era5fast.Client` can."""

    def constraints(self, dataset: str, inputs: dict[str, Any]) -> dict[str, list[str]]:
        """Values that each key may still have when some keys are chosen."""


@dataclass
class _Wanted:
    """What a plan asks of one variable of a product."""

    levels: set[str] = field(default_factory=set)
    months: set[tuple[int, int]] = field(default_factory=set)
    hours: set[str] = field(default_factory=set)

    def add(self, box: Fields) -> None:
        self.levels |= set(box.levels) - {""}
        self.months |= {(date.year, date.month) for date in map(periods.date_of, box.days)}
        self.hours |= {f"{hour:02d}:00" for hour in box.hours()} if box.style in ("hourly", "monthly") else set()


def check_jobs(jobs: Iterable[Job], client: Constraints) -> None:
    """See :meth:`era5fast.plan.Plan.check`.

    Asks once for each dataset, and once or twice for each of its variables. When the service cannot be reached, a
    line in the log says so and nothing is refused: the service itself will.
    """
    wanted: dict[str, dict[tuple[str, str], _Wanted]] = defaultdict(dict)
    for job in jobs:
        box = fields_of(job.dataset, job.inputs)
        if box is not None and DATASETS[job.dataset].family != "archive":
            product = "".join(job.inputs.get("product_type", ""))
            for name in box.variables:
                wanted[job.dataset].setdefault((product, name), _Wanted()).add(box)
    try:
        problems = [text for dataset, parts in wanted.items() for text in _problems(dataset, parts, client)]
    except AuthError:
        raise
    except (Era5FastError, OSError) as error:
        if not getattr(error, "retryable", True):
            raise
        _log.warning("the plan was not checked against what the service offers: %s", error)
        return
    if problems:
        rest = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise InputError("; ".join(problems[:_NAMED]) + rest, hint="nothing was submitted")


def _problems(dataset: str, parts: dict[tuple[str, str], _Wanted], client: Constraints) -> list[str]:
    offered = client.constraints(dataset, {})
    names = offered.get("variable", [])
    found = []
    for (product, name), wanted in parts.items():
        if names and name not in names:
            found.append(f"{dataset} has no variable '{name}' ({did_you_mean(name, names, 'none is like it')})")
            continue
        if product and offered.get("product_type") and product not in offered["product_type"]:
            found.append(f"{dataset} has no product '{product}'")
            continue
        chosen = {"variable": [name], **({"product_type": [product]} if product else {})}
        found += _missing_values(dataset, name, chosen, wanted, client)
    return list(dict.fromkeys(found))


def _missing_values(
    dataset: str, name: str, chosen: dict[str, Any], wanted: _Wanted, client: Constraints
) -> list[str]:
    there = client.constraints(dataset, chosen)
    found = [f"{name} is not there at {text}" for text in _absent(sorted(wanted.hours), there.get("time"))]
    found += [f"{name} has no level {text} hPa" for text in _absent(sorted(wanted.levels, key=float),
                                                                  there.get("pressure_level"))]  # fmt: skip
    years = sorted({year for year, _ in wanted.months})
    absent = _absent([f"{year:04d}" for year in years], there.get("year"))
    found += [f"{name} is not there in {text}" for text in absent]
    last = max(years)
    if f"{last:04d}" not in absent and there.get("year"):
        months = client.constraints(dataset, {**chosen, "year": [f"{last:04d}"]}).get("month")
        mine = sorted(f"{month:02d}" for year, month in wanted.months if year == last)
        found += [f"{name} is not there in {last}-{text}" for text in _absent(mine, months)]
    return found


def _absent(values: Sequence[str], offered: Sequence[str] | None) -> list[str]:
    """Values that are not offered, neighbours joined to ranges; none where the service does not say."""
    if not offered:
        return []
    there = set(map(str, offered))
    absent = [value for value in values if value not in there]
    if len(absent) > 2 and all(value.isdigit() for value in absent):
        runs = periods.ranges([int(value) for value in absent])
        width = len(absent[0])
        return [f"{a:0{width}d} to {b:0{width}d}" if a != b else f"{a:0{width}d}" for a, b in runs]
    return absent

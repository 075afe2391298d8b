"""Which calls are struck by which fault."""

from __future__ import annotations

import inspect
import random
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .faults import FAULTS, Fault
from .routing import ROUTES
from .wire import Call, Reply


@dataclass
class Rule:
    """A fault in force.

    Parameters
    ----------
    fault : Fault
        Which.
    route : str
        Name of a route, ``"api"`` or ``"store"`` for all of a server, ``"*"`` for all.
    nth : int, collection of int, optional
        Only these calls of the route, counted from 1 on when the rule is set.
    times : int, optional
        At most so often.
    probability : float
        Share of the remaining calls.
    since : float
        Moment of the monotonic clock before which nothing is struck or counted.
    parameters : dict
        Arguments of the fault.
    """

    fault: Fault
    route: str
    nth: Collection[int] | None
    times: int | None
    probability: float
    since: float
    parameters: dict[str, Any]
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def strikes(self, call: Call, chance: random.Random) -> bool:
        """Count a call and decide."""
        if self.route not in (call.route, call.server, "*") or monotonic() < self.since:
            return False
        self.seen += 1
        if self.nth is not None and self.seen not in self.nth:
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        if self.probability < 1.0 and chance.random() >= self.probability:
            return False
        self.hits += 1
        return True


class Faults:
    """The faults in force at a service, safe in threads.

    Parameters
    ----------
    chance : random.Random
        Decides where a probability is given.
    origins : list of str
        Where a redirect may lead.
    """

    def __init__(self, chance: random.Random, origins: list[str]) -> None:
        self._lock = threading.Lock()
        self._chance, self.origins = chance, origins
        self._rules: list[Rule] = []

    def add(
        self,
        name: str | Fault,
        route: str = "*",
        nth: int | Collection[int] | None = None,
        times: int | None = None,
        probability: float = 1.0,
        delay: float = 0.0,
        **parameters: Any,
    ) -> Rule:
        """Put a fault, one of the table or one's own, in force after ``delay`` seconds, see `Rule`.

        Raises `ValueError` for a name or a route that is not in its table, `TypeError` for arguments that the fault
        does not have.
        """
        if isinstance(name, str) and name not in FAULTS:
            raise ValueError(f"no fault is called {name!r}; there are: {', '.join(sorted(FAULTS))}")
        check_route(route)
        fault = FAULTS[name] if isinstance(name, str) else name
        given = (None,) if fault.when == "before" else (None, None)
        inspect.signature(fault.function).bind(*given, **parameters)
        numbers = {nth} if isinstance(nth, int) else nth
        if name == "redirect":
            parameters.setdefault("origins", self.origins)
        rule = Rule(fault, route, numbers, times, probability, monotonic() + delay, parameters)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._rules.clear()

    def choose(self, call: Call) -> list[Rule]:
        """The rules that strike a call."""
        with self._lock:
            struck = [rule for rule in self._rules if rule.strikes(call, self._chance)]
        call.faults += [rule.fault.name for rule in struck]
        return struck


def check_route(route: str) -> None:
    """Raise `ValueError` for a route that no call can take."""
    names = {row.name for row in ROUTES} | {"object", "api", "store", "*"}
    if route not in names:
        raise ValueError(f"no route is called {route!r}; there are: {', '.join(sorted(names))}")


def before(rules: list[Rule], call: Call) -> Reply | None:
    """Apply the faults that come before the service; the first that answers wins."""
    for rule in rules:
        if rule.fault.when == "before":
            reply: Reply | None = rule.fault.function(call, **rule.parameters)
            if reply is not None:
                return reply
    return None


def after(rules: list[Rule], call: Call, reply: Reply) -> None:
    """Apply the faults that come after the service."""
    for rule in rules:
        if rule.fault.when == "after":
            rule.fault.function(call, reply, **rule.parameters)

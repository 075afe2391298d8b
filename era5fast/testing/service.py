"""The service: a look-alike of the Climate Data Store on the loopback interface, started and scripted from Python."""

from __future__ import annotations

import os
import random
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from . import account, monitoring, portal, rules, submission
from .answers import Answers
from .api import Api, Settings
from .catalogue import DATASETS, Dataset
from .faults import Fault
from .jobs import Job, Script
from .store import ONE_PUT_LIMIT, PART_SIZE, Store
from .weather import Weather
from .wire import Call, Reply, Server

#: The token of every service that is not given another one.
DEFAULT_KEY = "e5fa5700-7e57-4000-8000-10ca1ca11b0b"

#: Token of the anonymous user, known to the official clients' own tests.
ANONYMOUS_KEY = "00112233-4455-6677-c899-aabbccddeeff"

#: Modules with handlers. Importing them fills the table of routes.
HANDLERS = (submission, monitoring, account, portal)

_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")


class Leak(NamedTuple):
    """A secret that reached the object store: the path it was sent to and the header (or place) it was in."""

    path: str
    header: str


class Service:
    """A loopback look-alike of the Climate Data Store, running from construction until `close`.

    The service speaks the protocol of the processing, catalogue and profiles services at one port, and hands out
    result files at others, which are other origins. Results are SYNTHETIC weather in the layout of ERA5, computed
    on demand.

    Parameters
    ----------
    port : int, default 0
        Port of the service; 0 lets the system choose.
    key : str, optional
        The valid token, by default `DEFAULT_KEY`. The anonymous token is valid as well.
    stores : int, default 2
        Origins of the object store. Each address of a file names one of them at random.
    accepted, running : float, default 0
        Seconds a job spends in these states unless a script says otherwise.
    queue_limit : int, optional
        Jobs of one data set a user may have queued; a further one is accepted, and rejected when it leaves the queue.
    workers : int, optional
        How many jobs run at a time; the others wait in the queue in the order in which they came.
    replica_lag : float, default 0
        Seconds by which the status of a single job lags.
    rate_limit : (int, float), optional
        Calls allowed per window of so many seconds, for each user and window; beyond that 429.
    cost_limit : float, default 16500
        Highest cost of a request.
    netcdf_weight : float, default 1
        Factor on the cost of netCDF.
    max_values : int, default 2_000_000_000
        Larger answers are refused with 400, which the real service does not do.
    licences_accepted : bool, default True
        Whether the user has accepted the licences of all data sets.
    datasets : collection of str, optional
        Names of further data sets, for which every answer must be given by a script.
    disabled : mapping of str to str, optional
        Data sets out of order, and why.
    messages : sequence of dict, optional
        Messages of the portal.
    notices : mapping of str to sequence of dict, optional
        Messages about data sets, by their names.
    weather : Weather, optional
        Where the values come from.
    latest : datetime.datetime, optional
        Last hour with data (naive, UTC); by default five days ago. Later days are dropped without a word.
    one_put_limit, part_size : int
        From which size and in which parts objects are stored, which decides their checksum.
    plain_checksum : bool, default True
        False: ``file:checksum`` says nothing about the content.
    seed : int, default 0
        Of the chances taken: hosts, faults with a probability.
    host : {"127.0.0.1", "::1"}
        Where it listens, and nowhere else.

    Raises
    ------
    OSError
        The port is taken.

    Attributes
    ----------
    url : str
        What to give a client as ``url``.
    key : str
        What to give a client as ``key``.

    Examples
    --------
    >>> with Service(running=0.1) as cds:
    ...     cds.fault("rate_limit", route="execute", nth=1)  # doctest: +ELLIPSIS
    ...     cds.url.startswith("http://127.0.0.1:")
    Rule(...)
    True
    """

    def __init__(
        self,
        *,
        port: int = 0,
        key: str = DEFAULT_KEY,
        stores: int = 2,
        accepted: float = 0.0,
        running: float = 0.0,
        queue_limit: int | None = None,
        workers: int | None = None,
        replica_lag: float = 0.0,
        rate_limit: tuple[int, float] | None = None,
        cost_limit: float = 16_500.0,
        netcdf_weight: float = 1.0,
        max_values: int = 2_000_000_000,
        licences_accepted: bool = True,
        datasets: Collection[str] = (),
        disabled: Mapping[str, str] | None = None,
        messages: Sequence[dict[str, Any]] = (),
        notices: Mapping[str, Sequence[dict[str, Any]]] | None = None,
        weather: Weather | None = None,
        latest: datetime | None = None,
        one_put_limit: int = ONE_PUT_LIMIT,
        part_size: int = PART_SIZE,
        plain_checksum: bool = True,
        seed: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.key = key
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._leaks: list[Leak] = []
        self._folder = tempfile.TemporaryDirectory(prefix="era5fast-testing-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        self._store = Store(
            folder, stores, self._answer_store, one_put_limit, part_size, plain_checksum, self._chance, host
        )
        origins = list(self._store.origins)
        self._faults = rules.Faults(self._chance, origins)
        settings = Settings(
            tokens={ANONYMOUS_KEY: "anonymous", key: "user"},
            datasets=DATASETS | {name: Dataset(name, name, "Scripted answers only.", (), ()) for name in datasets},
            queue_limit=queue_limit,
            workers=workers,
            replica_lag=replica_lag,
            rate_limit=rate_limit,
            cost_limit=cost_limit,
            netcdf_weight=netcdf_weight,
            max_values=max_values,
            licences_accepted=licences_accepted,
            disabled=dict(disabled or {}),
            messages=list(messages),
            notices={name: list(rows) for name, rows in (notices or {}).items()},
            latest=latest,
        )
        default = Script(timeline=(("accepted", accepted), ("running", running)))
        self._answers = Answers(self._store, weather or Weather(), default)
        self._api = Api(settings, self._answers, self._faults)
        try:
            self._server = Server("api", self._answer_api, port, host)
        except OSError:
            self._store.close()
            self._folder.cleanup()
            raise
        origins.append(self._server.origin)
        self.url = f"{self._server.origin}/api"

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop all servers, close all connections, remove all files. May be called again."""
        self._server.close()
        self._store.close()
        self._folder.cleanup()

    @property
    def stores(self) -> list[str]:
        """Origins of the object store."""
        return list(self._store.origins)

    @property
    def weather(self) -> Weather:
        """Where the values of the answers come from."""
        return self._answers.weather

    @property
    def requests(self) -> list[Call]:
        """Every call so far, in the order of arrival."""
        with self._lock:
            return list(self._calls)

    @property
    def leaks(self) -> list[Leak]:
        """Secrets that reached the object store. Must be empty."""
        with self._lock:
            return list(self._leaks)

    @property
    def jobs(self) -> list[Job]:
        """Every job ever made, oldest first."""
        return self._api.jobs.all()

    @property
    def queue_limit(self) -> int | None:
        """Jobs of one data set that a user may have queued. May be set at any time, as the real service does."""
        return self._api.jobs.queue_limit

    @queue_limit.setter
    def queue_limit(self, limit: int | None) -> None:
        self._api.jobs.queue_limit = limit

    def count(self, route: str) -> int:
        """How many calls a route had so far."""
        return sum(call.route == route for call in self.requests)

    def script(
        self,
        *,
        accepted: float | None = None,
        running: float | None = None,
        timeline: Sequence[tuple[str, float]] | None = None,
        outcome: str = "successful",
        traceback: str = "",
        log: Sequence[str] = (),
        answer: bytes | str | os.PathLike[str] | None = None,
        expires_after: float | None = None,
        match: Callable[[str, dict[str, Any]], bool] | None = None,
        times: int | None = None,
    ) -> Script:
        """Say how jobs submitted from now on shall go. Of the scripts that apply, the first one given is taken.

        Parameters
        ----------
        accepted, running : float, optional
            Seconds in these states; by default those of the service.
        timeline : sequence of (state, seconds), optional
            Instead of the two: any sequence of states.
        outcome, traceback, log, answer, expires_after, match, times
            See `Script <era5fast.testing.jobs.Script>`. Where there is an ``answer``, the request is not checked.

        Returns
        -------
        Script
            To be withdrawn by setting its ``times`` to 0.

        Raises
        ------
        ValueError
            A state or an outcome that does not exist.
        TypeError
            An answer that is neither bytes nor a path.
        """
        states = self._answers.default.timeline
        if timeline is None:
            given = (accepted, running)
            states = tuple((s, d if g is None else g) for (s, d), g in zip(states, given, strict=True))
        else:
            states = tuple(timeline)
        if {s for s, _ in states} - {"accepted", "running"}:
            raise ValueError("a timeline consists of 'accepted' and 'running'")
        if outcome not in ("successful", "failed", "rejected"):
            raise ValueError(f"no job ends as {outcome!r}: it is 'successful', 'failed' or 'rejected'")
        if answer is not None and not isinstance(answer, bytes):
            answer = Path(answer)
        script = Script(states, outcome, traceback, tuple(log), answer, expires_after, match, times)
        self._answers.add_script(script)
        return script

    def fault(
        self,
        name: str | Fault,
        route: str = "*",
        *,
        nth: int | Collection[int] | None = None,
        times: int | None = None,
        probability: float = 1.0,
        delay: float = 0.0,
        **parameters: Any,
    ) -> rules.Rule:
        """Put a fault of the table `FAULTS <era5fast.testing.faults.FAULTS>` in force.

        Parameters
        ----------
        name : str or Fault
            Which; or a fault of one's own.
        route : str
            Name of a route (see `ROUTES <era5fast.testing.routing.ROUTES>`; ``"object"`` for files), ``"api"``,
            ``"store"`` or ``"*"``.
        nth : int or collection of int, optional
            Only these calls of the route, counted from 1 on from now.
        times : int, optional
            At most so often.
        probability : float, default 1
            Share of the calls that remain.
        delay : float, default 0
            Seconds from now during which nothing is struck.
        **parameters
            Arguments of the fault.

        Returns
        -------
        Rule
            Its ``seen`` and ``hits`` count calls of the route and strikes.

        Raises
        ------
        ValueError
            There is no such fault, or no such route.
        TypeError
            The fault has no such argument.
        """
        return self._faults.add(name, route, nth, times, probability, delay, **parameters)

    def clear_faults(self) -> None:
        """Lift all faults."""
        self._faults.clear()

    def evict(self) -> None:
        """Remove all results from the store, as the cleaner of the cache does; jobs stay successful."""
        self._answers.evict()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass for all jobs there are, so that a test need not wait for their scripts.

        Parameters
        ----------
        seconds : float
            How far.
        """
        self._api.jobs.advance(seconds)

    def _note(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def _answer_api(self, call: Call) -> Reply:
        self._note(call)
        return self._api.answer(call)

    def _answer_store(self, call: Call) -> Reply:
        call.route = "object"
        self._note(call)
        self._look_for_secrets(call)
        struck = self._faults.choose(call)
        reply = rules.before(struck, call)
        if reply is None:
            reply = self._store.serve(call)
        rules.after(struck, call, reply)
        return reply

    def _look_for_secrets(self, call: Call) -> None:
        """Note credentials of any kind, and the token wherever it is hidden."""
        found = ["private-token"] if call.token else []
        found += [name for name in _CREDENTIALS if name in call.headers]
        found += [name for name, value in call.headers.items() if self.key in value and name not in found]
        if self.key in call.path or any(self.key in v for vs in call.query.values() for v in vs):
            found.append("address")
        with self._lock:
            self._leaks += [Leak(call.path, name) for name in found]

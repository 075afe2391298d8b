"""How a row of the matrix of faults is run and judged: a service with faults, a client, and all that must hold after.

`run` plays one row with one client, ours or a peer, and lists every promise that was broken. It is meant for a
process of its own (`main`), so that a row that hangs or kills its interpreter is a result like any other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import hashlib
import json
import logging
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import era5fast as e5
from era5fast import errors
from era5fast.testing import FAULTS, Leak, Service
from era5fast.testing.faults import Fault
from era5fast.testing.rules import Rule
from era5fast.testing.wire import Call, Reply
from tests.client_kit import DATASET, REQUEST, environment, grib
from tests.look_alike import slowness

#: Settings that wait a hundredth of what they do in use; what no pace touches is turned down by itself.
QUICK = {
    "pace": 0.01,
    "poll_interval": 2.0,
    "poll_interval_min": 1.0,
    "timeout": 0.5,
    "connect_timeout": 0.5,
    "low_speed_time": 0.5,
    "low_speed_limit": 20_000.0,
    "patience": 5.0,
    "rejection_wait": 10.0,
}

ANSWER = grib(50_000)
OTHER = grib(50_000, seed=1)
OLD = b"what was there before"
LIVING = (
    errors.ThrottledError,
    errors.ServerError,
    errors.NetworkError,
    errors.StorageError,
    errors.JobTimeoutError,
    errors.AuthError,
    errors.CorruptDataError,
)
"""Errors after which the job is alive, and a second call has to go on with it."""

Change = Callable[[Any], Any]


# --- faults beside those of the table ---


def _edit(call: Call, reply: Reply, change: Change) -> None:
    """The JSON of a reply, changed."""
    reply.body = json.dumps(change(json.loads(reply.content()))).encode()


def _body(call: Call, reply: Reply, change: Callable[[bytes], bytes]) -> None:
    """The bytes of a reply, changed."""
    reply.body = change(reply.content())


def _headers(call: Call, reply: Reply, **headers: str | None) -> None:
    """Headers set, or removed with None."""
    for name, value in headers.items():
        name = name.replace("_", "-")
        reply.headers.pop(name, None)
        if value is not None:
            reply.headers[name] = value


def _status(call: Call, reply: Reply, status: int) -> None:
    """Another status, the same body."""
    reply.status = status


def _answer(
    call: Call, status: int = 200, body: bytes = b"", kind: str = "application/json", **headers: str
) -> Reply:
    """A given answer in the place of the service."""
    return Reply(status, {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}, body)


def _replaced(call: Call, reply: Reply, content: bytes) -> None:
    """Another object under the same address, with its own entity tag."""
    asked = re.match(r"bytes=(\d+)-", call.headers.get("range", ""))
    tag = f'"{hashlib.md5(content).hexdigest()}"'
    reply.headers = {"ETag": tag, "Accept-Ranges": "bytes", "Content-Type": "application/x-grib"}
    if asked and call.headers.get("if-range", tag) == tag:
        start = int(asked[1])
        reply.status, reply.body = 206, content[start:]
        reply.headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    else:
        reply.status, reply.body = 200, content


def _done(call: Call, reply: Reply, action: Callable[[], Any]) -> None:
    """Something happens elsewhere at this moment."""
    action()


def _slow_head(call: Call, reply: Reply, seconds: float = 0.2) -> None:
    """Headers only after a while, then the body in drops."""
    reply.stall, reply.drip = (-1, seconds), 4e5


edited = Fault("edited", "after", _edit)
changed = Fault("changed", "after", _body)
headers = Fault("headers", "after", _headers)
restated = Fault("restated", "after", _status)
answered = Fault("answered", "before", _answer)
replaced = Fault("replaced", "after", _replaced)
happening = Fault("happening", "after", _done)
slow_head = Fault("slow_head", "after", _slow_head)


# --- a row ---


@dataclasses.dataclass(frozen=True)
class Strike:
    """A fault, the route it strikes, and how. A callable among its arguments marked `of_world` is given the world."""

    fault: str | Fault
    route: str
    how: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Late:
    """An argument that is only known when the service runs."""

    value: Callable[[World], Any]


def on(route: str, fault: str | Fault, **how: Any) -> Strike:
    """A strike."""
    return Strike(fault, route, how)


@dataclasses.dataclass(frozen=True)
class Row:
    """A fault and what must be true in the end.

    Parameters
    ----------
    name : str
        Of its own.
    strikes : sequence of Strike
        What is injected.
    error : exception class, optional
        Exactly this error; without it the right bytes.
    words : str
        Pattern of the error's text.
    jobs : int or tuple of int
        Jobs the service has in the end.
    posts : int, optional
        Submissions at most; by default as many as `jobs`.
    calls : int
        Calls at most, of all routes: no hot loop.
    seconds : float
        Time limit.
    hint : bool
        Whether the error must say what to do next.
    service, settings : dict
        Arguments of `Service` and of the client.
    scripts : sequence of dict
        How jobs go.
    contents : sequence of bytes
        What may be in the file.
    file : str
        Name of the target.
    old : bytes, optional
        What is at the target before.
    prepare, act, look : callable
        Before the faults; instead of a plain retrieve; more to look at afterwards (yields broken promises).
    repair : callable
        Makes good what would stop the second call as well.
    either : exception class or tuple of them
        Errors that are as good as success.
    spare : str
        A hidden file that may stay, because somebody else made it.
    again : bool
        After an error: the same call without faults has to succeed, and go on with the job where it is alive.
    peers : bool
        Whether it makes sense for other clients.
    """

    name: str
    strikes: Sequence[Strike] = ()
    error: type[BaseException] | tuple[type[BaseException], ...] | None = None
    words: str = ""
    jobs: int | tuple[int, ...] = 1
    posts: int | None = None
    calls: int = 60
    seconds: float = 5.0
    hint: bool = True
    service: dict[str, Any] = dataclasses.field(default_factory=dict)
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    scripts: Sequence[dict[str, Any]] = ({},)
    contents: Sequence[bytes] = (ANSWER,)
    file: str = "t2m.grib"
    old: bytes | None = OLD
    request: dict[str, Any] = dataclasses.field(default_factory=lambda: REQUEST)
    dataset: str = DATASET
    prepare: Callable[[World], Any] | None = None
    act: Callable[[World], Any] | None = None
    look: Callable[[World, BaseException | None], Iterator[str]] | None = None
    repair: Callable[[World], Any] | None = None
    again: bool = True
    either: Any = ()
    spare: str = ""
    peers: bool = True


class World:
    """What a row plays in: a service, a folder with the target, a journal, a client."""

    def __init__(self, row: Row, cds: Service, folder: Path, others: bool = False) -> None:
        self.row, self.cds, self.folder, self.others = row, cds, folder, others
        self.rules: list[Rule] = []
        self.data = folder / "data"
        self.home = folder / "home"
        for part in (self.data, self.home):
            part.mkdir()
        self.target = self.data / row.file
        self.journal: Any = self.home / "journal.sqlite"
        self.url = cds.url
        self.closing: list[Callable[[], Any]] = []
        self.heard = _Heard()

    def strike(self, strike: Strike) -> None:
        """Put a fault in force."""
        how = {key: value.value(self) if isinstance(value, Late) else value for key, value in strike.how.items()}
        rule = self.cds.fault(strike.fault, route=strike.route, **how)
        self.rules.append(rule)
        if self.others:
            _for_others(rule)

    def client(self, **settings: Any) -> e5.Client:
        """A client of ours."""
        given = {**QUICK, **self.row.settings, **settings}
        return e5.Client(self.url, self.cds.key, journal=self.journal, progress=False, **given)

    def retrieve(self, **settings: Any) -> Any:
        """The call that everything is about."""
        return self.client(**settings).retrieve(self.row.dataset, self.row.request, self.target, overwrite=True)

    def gate(self, **how: Any) -> Gate:
        """Put a gate in front of the service."""
        gate = Gate(urlsplit(self.cds.url).port or 0, **how)
        self.closing.append(gate.close)
        self.url = f"{gate.origin}/api"
        return gate

    def store_gate(self, **how: Any) -> Gate:
        """Put a gate in front of the store: addresses of data lead through it."""
        gate = Gate(urlsplit(self.cds.stores[0]).port or 0, **how)
        self.closing.append(gate.close)

        def through(call: Call, reply: Reply) -> None:
            reply.body = re.sub(
                rb'("href": "http://127\.0\.0\.1:)(\d+)(/[^"]*\.\w+")',
                lambda m: m[1] + str(gate.port).encode() + m[3] if b"/api/" not in m[3] else m[0],
                reply.content(),
            )

        for route in ("jobs", "results"):
            self.cds.fault(Fault("through a gate", "after", through), route=route)
        return gate

    def hidden(self) -> list[str]:
        """What a download keeps beside its target."""
        return sorted(path.name for path in self.data.iterdir() if path.name.startswith("."))


def _for_others(rule: Rule) -> None:
    """Other clients look at single jobs, not at the list, and ask for the head of the data before the data."""
    strikes = rule.strikes
    if rule.route == "jobs" and rule.fault.name != "jobs_missing":
        rule.route = "job"
    rule.strikes = lambda call, chance: call.method != "HEAD" and strikes(call, chance)  # type: ignore[method-assign]


class _Heard(logging.Handler):
    """Everything that was logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Gate:
    """A door in front of a server that can be shut, cut what comes back, or swallow what goes in.

    Parameters
    ----------
    port : int
        Where it leads.
    cut : int, optional
        Bytes of a reply, head and all, after which the connection ends, for the replies of `cuts`.
    cuts : collection of int
        Numbers of the connections whose reply is cut, from 1 on.
    garbage : bytes
        Sent instead of a reply on these connections.
    mute : bool
        These connections are taken, and nothing is read or said.
    """

    def __init__(
        self, port: int, cut: int | None = None, cuts: Sequence[int] = (1,), garbage: bytes = b"", mute: bool = False
    ) -> None:
        self.to, self.cut, self.cuts, self.garbage, self.mute = port, cut, cuts, garbage, mute
        self.seen = 0
        self._closed = threading.Event()
        self._listener: socket.socket | None = None
        self.port = 0
        self.open()
        self.origin = f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Listen, again at the same port."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        listener.settimeout(0.05)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._take, args=(listener,), daemon=True).start()

    def shut(self) -> None:
        """Refuse connections, and end those there are."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def close(self) -> None:
        """End everything."""
        self._closed.set()
        self.shut()

    def _take(self, listener: socket.socket) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.seen += 1
            threading.Thread(target=self._pump, args=(connection, self.seen), daemon=True).start()

    def _pump(self, connection: socket.socket, number: int) -> None:
        struck, sent = number in self.cuts, 0
        with connection, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.to)) as other:
            if struck and self.mute:
                self._closed.wait(30)
                return
            if struck and self.garbage:
                connection.recv(65536)
                connection.sendall(self.garbage)
                return
            while self._listener is not None:
                for ready in select.select([connection, other], [], [], 0.1)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is connection:
                        other.sendall(data)
                        continue
                    left = self.cut - sent if struck and self.cut is not None else len(data)
                    connection.sendall(data[:left])
                    sent += len(data)
                    if len(data) >= left and struck and self.cut is not None:
                        return


# --- play and judge ---


def run(row: Row, client: str = "era5fast") -> dict[str, Any]:
    """Play a row; the answer lists the broken promises under ``wrong``, and says whether the faults ``struck``."""
    before = usage()
    options = {"key": str(uuid.uuid4()), **row.service}  # no other row's client can be taken for this one's
    with tempfile.TemporaryDirectory(prefix="era5fast-faults-") as name, Service(**options) as cds:
        world = World(row, cds, Path(name), client != "era5fast")
        _settle(world.home)
        log = logging.getLogger("era5fast")
        log.setLevel(logging.DEBUG)
        log.addHandler(world.heard)
        try:
            found = _play(world, client)
        finally:
            log.removeHandler(world.heard)
            for close in world.closing:
                close()
    if client == "era5fast" and (more := _left_behind(before)):
        found["wrong"].append(more)
    return {"name": row.name, "client": client, **found}


def _leaks(cds: Service) -> list[Leak]:
    """Leaks of this row: ports are given out again, and the client of another row may still be calling an old one."""
    strays = {
        call.path for call in cds.requests if call.origin in cds.stores and call.token not in (None, "", cds.key)
    }
    return [leak for leak in cds.leaks if leak.header != "private-token" or leak.path not in strays]


def _settle(home: Path) -> None:
    """Nothing of whoever runs this is touched."""
    for name in [name for name in os.environ if re.match("ERA5FAST_|CDSAPI_|ECMWF_DATASTORES_", name)]:
        if name != "ERA5FAST_NUM_THREADS":
            del os.environ[name]
    os.environ.update(
        HOME=str(home),
        NETRC=str(home / "netrc"),
        ERA5FAST_JOURNAL=str(home / "journal.sqlite"),
        XDG_CONFIG_HOME=str(home / "config"),
    )


def _play(world: World, client: str) -> dict[str, Any]:
    row, cds = world.row, world.cds
    for script in row.scripts:
        cds.script(**{"answer": row.contents[0], **script})
    if row.old is not None:
        world.target.write_bytes(row.old)
    if row.prepare is not None:
        row.prepare(world)
    for strike in row.strikes:
        world.strike(strike)
    error: BaseException | None = None
    began = time.monotonic()
    try:
        if client == "era5fast":
            (row.act or World.retrieve)(world)
        else:
            PEERS[client](world)
    except BaseException as problem:
        error = problem
    took = time.monotonic() - began
    wrong = list(judge(world, client, error, took))
    surely = [rule for rule in world.rules if rule.probability == 1.0]
    missed = {rule.fault.name for rule in surely} - {rule.fault.name for rule in surely if rule.hits}
    if missed and client == "era5fast":
        wrong.append(f"in vain: {sorted(missed)} did not strike")
    calls, jobs = len(cds.requests), len(cds.jobs)
    if client == "era5fast" and error is not None and row.again and not wrong:
        wrong += _second_call(world, error)
    kind = "success" if error is None else type(error).__name__
    if error is None and any(text.startswith("bytes: ") for text in wrong):
        kind = "wrong data"
    return {
        "outcome": kind,
        "text": str(error or "")[:400],
        "seconds": took,
        "calls": calls,
        "jobs": jobs,
        "wrong": wrong,
        "struck": not missed - {"jobs_missing"},
    }


def judge(world: World, client: str, error: BaseException | None, took: float) -> Iterator[str]:
    """Every promise that was broken."""
    row, cds, ours = world.row, world.cds, client == "era5fast"
    if took > (row.seconds * slowness() if ours else PEER_SECONDS):
        yield f"time: {took:.1f} s"
    if row.error is None and not (error is not None and row.either and isinstance(error, row.either)):
        yield from _judge_success(world, error, ours)
    else:
        yield from _judge_error(world, error, ours)
    wanted = (row.jobs,) if isinstance(row.jobs, int) else row.jobs
    if len(cds.jobs) not in wanted:
        yield f"jobs: {len(cds.jobs)} at the service, not {row.jobs}"
    posts = cds.count("execute")
    if posts > (max(1, *wanted) if row.posts is None else row.posts):
        yield f"jobs: {posts} submissions"
    if any(job.dismissed is not None for job in cds.jobs) and row.look is None:
        yield "jobs: one was cancelled"
    if ours and len(cds.requests) > row.calls:
        yield f"calls: {len(cds.requests)}"
    if leaks := _leaks(cds):
        yield f"token: {leaks[0]}"
    if ours:
        yield from _secrets(world, error)
    if ours and row.look is not None:
        yield from row.look(world, error)


def _judge_success(world: World, error: BaseException | None, ours: bool) -> Iterator[str]:
    if error is not None:
        yield f"outcome: {type(error).__name__}: {error}"
        if world.row.old is not None and world.row.prepare is None:
            yield from _old_is_whole(world)
        return
    if not world.target.is_file():
        yield "bytes: no file"
    elif world.target.read_bytes() not in world.row.contents:
        yield "bytes: not the right ones under the final name"
    if ours and [name for name in world.hidden() if name != world.row.spare]:
        yield f"left over: {world.hidden()}"


def _judge_error(world: World, error: BaseException | None, ours: bool) -> Iterator[str]:
    row = world.row
    if error is None:
        right = world.target.is_file() and world.target.read_bytes() in row.contents
        if ours or not right:
            yield f"{'outcome' if right else 'bytes'}: success where {row.error} was due"
        return
    wanted = row.error or row.either
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    if row.act is None:
        yield from _old_is_whole(world)
    if not ours:
        return
    if type(error) not in wanted or not re.search(row.words, str(error), re.DOTALL):
        yield f"outcome: {type(error).__name__}: {error}"
    if not isinstance(error, errors.Era5FastError):
        return
    if not (0 < len(str(error)) <= 300 and str(error).isprintable()):
        yield f"text: {str(error)!r}"
    if row.act is None and error.target != str(world.target):
        yield f"text: its target is {error.target!r}"
    if row.hint and not error.hint:
        yield f"text: no hint in {error}"
    if (
        row.act is None
        and world.data.is_dir()
        and any(name.endswith(".e5lock") for name in world.hidden())
        and row.prepare is None
    ):
        yield f"left over: {world.hidden()}"


def _old_is_whole(world: World) -> Iterator[str]:
    """The old file, or none where there was none; anything else that stands there is not ours to look into."""
    if world.row.old is None:
        if world.row.prepare is None and world.target.exists():
            yield "old file: there is one now"
    elif not world.target.is_file() or world.target.read_bytes() != world.row.old:
        yield "old file: lost"


def _secrets(world: World, error: BaseException | None) -> Iterator[str]:
    key = world.cds.key
    texts = [*world.heard.lines, str(error), repr(error), getattr(error, "hint", "")]
    if any(key in text for text in texts):
        yield "token: in a log or an error"
    for path in world.folder.rglob("*"):
        if (
            path.is_file()
            and not path.is_symlink()
            and path.stat().st_size < 1 << 24
            and key.encode() in path.read_bytes()
        ):
            yield f"token: in {path.name}"


def _second_call(world: World, error: BaseException) -> Iterator[str]:
    """Without faults the same call succeeds; a job that is alive is gone on with."""
    row, cds, made = world.row, world.cds, len(world.cds.jobs)
    alive = any(job.snapshot(time.monotonic()).status not in ("failed", "rejected") for job in cds.jobs)
    cds.clear_faults()
    for script in cds._answers._scripts:
        script.times = 0
    cds.script(answer=row.contents[0])
    for job in cds.jobs:
        if job.snapshot(time.monotonic()).status in ("accepted", "running"):
            cds.advance(1e6)
    if row.repair is not None:
        row.repair(world)
    try:
        world.retrieve(patience=5.0, deadline=0.0)
    except BaseException as problem:
        yield f"second call: {type(problem).__name__}: {problem}"
        return
    if world.target.read_bytes() not in row.contents:
        yield "second call: not the right bytes"
    if world.hidden():
        yield f"second call left {world.hidden()}"
    if alive and isinstance(error, LIVING) and len(cds.jobs) != made:
        yield f"second call: {len(cds.jobs) - made} further jobs"


def usage() -> tuple[int, int]:
    """Threads and descriptors of this process."""
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))


def _left_behind(before: tuple[int, int]) -> str:
    """Threads and descriptors that do not go away."""
    gc.collect()  # errors hold the frames they went through, and those their clients
    end = time.monotonic() + 2 * slowness()
    while (now := usage()) > before and any(n > b for n, b in zip(now, before, strict=True)):
        if time.monotonic() > end:
            return f"left behind: {now[0] - before[0]} threads, {now[1] - before[1]} descriptors"
        time.sleep(0.01)
    return ""


# --- peers ---

PEER_SECONDS = 15.0


def _cdsapi(world: World) -> Any:
    import cdsapi

    client = cdsapi.Client(
        world.url, world.cds.key, quiet=True, progress=False, timeout=0.5, retry_max=8, sleep_max=0.05
    )
    return client.retrieve(world.row.dataset, world.row.request, str(world.target))


def _datastores(world: World) -> Any:
    from ecmwf.datastores import Client

    client = Client(
        world.url, world.cds.key, progress=False, timeout=0.5, retry_after=0.05, maximum_tries=8, sleep_max=0.05
    )
    return client.retrieve(world.row.dataset, world.row.request, str(world.target))


PEERS: dict[str, Callable[[World], Any]] = {"cdsapi": _cdsapi, "ecmwf-datastores-client": _datastores}


# --- processes that play rows ---


class Player:
    """A process that plays rows, one at a time, and is replaced when it hangs or dies."""

    def __init__(self, module: str = "tests.fault_matrix") -> None:
        self._module = module
        self._process: subprocess.Popen[str] | None = None
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the player

    def play(self, name: str, client: str, limit: float) -> dict[str, Any]:
        """Play a row; more than `limit` seconds are a result too."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([name, client]) + "\n")
        process.stdin.flush()
        watch = threading.Timer(limit, process.kill)
        watch.start()
        line = process.stdout.readline()
        watch.cancel()
        if line:
            return dict(json.loads(line))
        how = self.close()
        how = f"hangs: {limit:.0f} s" if how.startswith(f"ended with {-signal.SIGKILL}") else how
        return {
            "name": name,
            "client": client,
            "struck": True,
            "outcome": how,
            "text": "",
            "wrong": [how],
            "seconds": limit,
            "calls": 0,
            "jobs": 0,
        }

    def close(self) -> str:
        """End it; the answer says how, where that was not well."""
        process, self._process = self._process, None
        if process is None:
            return ""
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        code = process.wait()
        process.stdout.close()  # type: ignore[union-attr]
        self._errors.seek(0)
        return f"ended with {code}: {self._errors.read()[-3000:]}" if code else ""

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", self._module]
        self._process = subprocess.Popen(
            command, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        return self._process


def play_all(
    names: Sequence[tuple[str, str]], limit: float, players: int = 6
) -> dict[tuple[str, str], dict[str, Any]]:
    """Play rows, each a name and a client, in several processes.

    Gives the results by name and client. How the processes themselves ended stands under ("", ""), where it was not
    well.
    """
    left, lock = list(reversed(names)), threading.Lock()
    results: dict[tuple[str, str], dict[str, Any]] = {}

    def work() -> None:
        player = Player()
        while True:
            with lock:
                if not left:
                    break
                name, client = left.pop()
            outcome = player.play(name, client, limit)
            with lock:
                results[name, client] = outcome
        if how := player.close():
            results["", ""] = {"wrong": [how]}

    threads = [threading.Thread(target=work) for _ in range(min(players, len(names)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def main(rows: dict[str, Row]) -> None:
    """Play the rows named on standard input; one line of JSON for each on standard output."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints is no result
    run(Row("warm up"))  # makes the threads that stay
    for line in sys.stdin:
        name, client = json.loads(line)
        random.seed(name)
        print(json.dumps(run(rows[name], client), default=str), file=output, flush=True)


__all__ = [
    "ANSWER",
    "FAULTS",
    "OLD",
    "OTHER",
    "QUICK",
    "Gate",
    "Late",
    "Player",
    "Row",
    "Strike",
    "World",
    "answered",
    "changed",
    "edited",
    "happening",
    "headers",
    "main",
    "on",
    "play_all",
    "replaced",
    "restated",
    "run",
    "slow_head",
]

"""The service from the shell: ``python -m era5fast.testing``."""

from __future__ import annotations

import argparse
import ast
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Sequence
from typing import Any

from .faults import FAULTS
from .rules import check_route
from .service import DEFAULT_KEY, Service
from .weather import DEFAULT_SEED, Weather

_POLL = 0.2  # seconds between looks at the parent


def parse_fault(text: str) -> tuple[str, str, dict[str, Any]]:
    """Read ``NAME[@ROUTE][:KEY=VALUE,…]``.

    Parameters
    ----------
    text : str
        For example ``bit_flip@object:nth=1,offset=1000``.

    Returns
    -------
    tuple
        Name, route and arguments.

    Raises
    ------
    argparse.ArgumentTypeError
        There is no such fault or route, or an argument is not ``KEY=VALUE``.
    """
    head, _, tail = text.partition(":")
    name, _, route = head.partition("@")
    if name not in FAULTS:
        raise argparse.ArgumentTypeError(f"no fault is called {name!r}; see --list-faults")
    try:
        check_route(route or "*")
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    arguments = {}
    for part in filter(None, tail.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"{part!r} is not KEY=VALUE")
        try:
            arguments[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            arguments[key] = value
    return name, route or "*", arguments


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m era5fast.testing",
        description="A look-alike of the Climate Data Store on the loopback interface. Its data are SYNTHETIC.",
        epilog="Prints one line of JSON with url, key, store and pid when it is ready. Ends on SIGTERM or ctrl-C, "
        "when its standard input is a pipe that is closed, when --parent is gone, or after --max-seconds.",
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port of the service (0: any)")
    add("--stores", type=int, choices=(1, 2), default=2, help="origins of the object store")
    add("--key", default=DEFAULT_KEY, help="the valid token (default: %(default)s)")
    add("--accepted", type=float, default=0.0, metavar="S", help="seconds a job is queued")
    add("--running", type=float, default=0.0, metavar="S", help="seconds a job runs at least")
    add("--queue-limit", type=int, metavar="N", help="jobs a user may have queued for a data set")
    add("--workers", type=int, metavar="N", help="jobs that run at a time (default: all)")
    add("--replica-lag", type=float, default=0.0, metavar="S", help="lag of the status of single jobs")
    add("--rate-limit", type=float, nargs=2, metavar=("N", "S"), help="calls allowed per so many seconds")
    add("--cost-limit", type=float, default=16_500.0, metavar="COST", help="highest cost of a request")
    add("--netcdf-weight", type=float, default=1.0, metavar="W", help="factor on the cost of netCDF")
    add("--licences-missing", action="store_true", help="the user has accepted no licence")
    add("--seed", type=int, default=DEFAULT_SEED, help="seed of the weather")
    add("--fault", type=parse_fault, action="append", default=[], metavar="NAME[@ROUTE][:KEY=VALUE,…]")
    add("--list-faults", action="store_true", help="print the table of faults and end")
    add("--parent", type=int, metavar="PID", help="end when this process is gone")
    add("--max-seconds", type=float, metavar="S", help="end after so many seconds")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the service until there is a reason to stop.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments, by default those of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 if a secret reached the object store.
    """
    options = build_parser().parse_args(argv)
    if options.list_faults:
        for fault in FAULTS.values():
            print(f"{fault.name:20} {fault.when:7} {fault.summary}")
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _start(options) as service:
        ready = {"url": service.url, "key": service.key, "store": service.stores, "pid": os.getpid()}
        try:
            print(json.dumps(ready), flush=True)
        except BrokenPipeError:  # whoever wanted the service has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        _watch_input(stop)
        _wait(stop, options.parent, options.max_seconds)
        for leak in service.leaks:
            print(f"era5fast.testing: {leak.header} reached the object store at {leak.path}", file=sys.stderr)
        return 1 if service.leaks else 0


def _start(options: argparse.Namespace) -> Service:
    service = Service(
        port=options.port,
        stores=options.stores,
        key=options.key,
        accepted=options.accepted,
        running=options.running,
        queue_limit=options.queue_limit,
        workers=options.workers,
        replica_lag=options.replica_lag,
        rate_limit=(int(options.rate_limit[0]), options.rate_limit[1]) if options.rate_limit else None,
        cost_limit=options.cost_limit,
        netcdf_weight=options.netcdf_weight,
        licences_accepted=not options.licences_missing,
        weather=Weather(options.seed),
    )
    for name, route, arguments in options.fault:
        service.fault(name, route, **arguments)
    return service


def _watch_input(stop: threading.Event) -> None:
    """Stop when standard input ends, if it is a pipe or socket: somebody then holds the other end.

    A terminal, a file or /dev/null says nothing about whether anybody is still there.
    """
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):

        def drain() -> None:
            while os.read(0, 4096):
                pass
            stop.set()

        threading.Thread(target=drain, daemon=True).start()


def _wait(stop: threading.Event, parent: int | None, max_seconds: float | None) -> None:
    if parent is None:
        stop.wait(max_seconds)
        return
    rounds = 0
    while not stop.wait(_POLL) and _alive(parent):
        rounds += 1
        if max_seconds is not None and rounds * _POLL >= max_seconds:
            return


def _alive(pid: int) -> bool:
    """Whether a process is there; one that has ended and was not collected is not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not os.path.isdir("/proc/self")


if __name__ == "__main__":
    sys.exit(main())

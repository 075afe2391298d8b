"""What a user would write, for each client: ``python client_ways.py WAY '{"url": …}'``, a process for each run.

Prints one line of JSON with the seconds on the wall and of the processor that the work took, without the start of the
interpreter, the growth of memory, and how many files or results there are.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

DATASET = "reanalysis-era5-single-levels"
_PART = 50 << 20  # bytes of a large file that have a checksum of their own


def request_of(number: int) -> dict[str, Any]:
    """One of many requests, all different."""
    year, rest = divmod(number, 12 * 28)
    month, day = divmod(rest, 28)
    return {
        "product_type": ["reanalysis"],
        "variable": ["2m_temperature"],
        "year": [str(1940 + year)],
        "month": [f"{month + 1:02d}"],
        "day": [f"{day + 1:02d}"],
        "time": ["00:00"],
        "data_format": "grib",
        "download_format": "unarchived",
    }


def ours(url: str, key: str, folder: str, count: int, **settings: Any) -> Callable[[], int]:
    """A list of requests, each with a target."""
    import era5fast as e5

    client = e5.Client(url, key, journal=Path(folder) / "journal.sqlite", progress=False, **settings)
    calls = [(DATASET, request_of(i), str(Path(folder) / f"{i}.grib")) for i in range(count)]

    def work() -> int:
        outcomes = client.retrieve(calls)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                print(f"{type(outcome).__name__}: {outcome}", file=sys.stderr)
        return sum(isinstance(outcome, str) for outcome in outcomes)

    return work


def ours_finished(url: str, key: str, folder: str, count: int, **settings: Any) -> Callable[[], int]:
    """Everything that finished jobs have made."""
    import era5fast as e5

    client = e5.Client(url, key, journal=False, progress=False, **settings)

    def work() -> int:
        return len(client.download(client.jobs(limit=count), folder))

    return work


def ours_known(url: str, key: str, folder: str, count: int, **settings: Any) -> Callable[[], int]:
    """What finished jobs have made, where the service has already said what that is."""
    import era5fast as e5

    client = e5.Client(url, key, journal=False, progress=False, **settings)
    jobs = client.jobs(limit=count)
    return lambda: len(client.download(jobs, folder))


def ours_results(url: str, key: str, folder: str, count: int, **settings: Any) -> Callable[[], int]:
    """A list of requests without targets."""
    import era5fast as e5

    client = e5.Client(url, key, journal=Path(folder) / "journal.sqlite", progress=False, **settings)
    calls = [(DATASET, request_of(i)) for i in range(count)]
    return lambda: sum(not isinstance(result, BaseException) for result in client.retrieve(calls))


def cdsapi(url: str, key: str, folder: str, count: int, threads: int = 1) -> Callable[[], int]:
    import cdsapi as official

    def one(number: int) -> str:
        client = official.Client(url, key, quiet=True, progress=False)
        return str(client.retrieve(DATASET, request_of(number), str(Path(folder) / f"{number}.grib")))

    def work() -> int:
        if threads == 1:
            return len([one(i) for i in range(count)])
        with ThreadPoolExecutor(threads) as pool:
            return len(list(pool.map(one, range(count))))

    return work


def datastores(url: str, key: str, folder: str, count: int) -> Callable[[], int]:
    """All are submitted, then downloaded in turn."""
    from ecmwf.datastores import Client

    client = Client(url, key, progress=False)

    def work() -> int:
        jobs = [client.submit(DATASET, request_of(i)) for i in range(count)]
        return len([job.download(str(Path(folder) / f"{i}.grib")) for i, job in enumerate(jobs)])

    return work


def cdsapi_finished(url: str, key: str, folder: str, count: int) -> Callable[[], int]:
    """What finished jobs have made, in turn; cdsapi leaves this to ecmwf-datastores-client."""
    from ecmwf.datastores import Client

    client = Client(url, key, progress=False)

    def work() -> int:
        ids = client.get_jobs(limit=count).request_ids
        return len([client.get_results(job).download(str(Path(folder) / f"{job}.grib")) for job in ids])

    return work


def bare(url: str, key: str, folder: str, count: int, href: str, splice: bool = False) -> Callable[[], int]:
    """Receive and write, nothing else; with `splice` the bytes do not even pass through the process."""
    host, _, path = href.removeprefix("http://").partition("/")
    address, _, port = host.partition(":")

    def work() -> int:
        block = memoryview(bytearray(512 * 1024))
        with socket.create_connection((address, int(port))) as wire, (Path(folder) / "bare").open("wb", 0) as file:
            wire.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            size = wire.recv_into(block)
            head, _, body = bytes(block[:size]).partition(b"\r\n\r\n")
            left = int(head.lower().partition(b"content-length:")[2].split()[0]) - file.write(body)
            if splice:
                _splice(wire.fileno(), file.fileno(), left)
            else:
                while left > 0:
                    left -= file.write(block[: wire.recv_into(block)])
        return 1

    return work


def _splice(source: int, to: int, left: int) -> None:
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 1 << 20)
    while left > 0:
        got = os.splice(source, into, min(left, 1 << 20))
        left -= got
        while got > 0:
            got -= os.splice(out, to, got)
    os.close(out)
    os.close(into)


def bare_summed(url: str, key: str, folder: str, count: int, href: str) -> Callable[[], int]:
    """Receive and write as `bare` does, and beside it OpenSSL's MD5 of each part as soon as it is there."""
    receive, path = bare(url, key, folder, count, href), Path(folder) / "bare"

    def add_up() -> None:
        block, number = bytearray(1 << 20), 0
        while not path.exists():
            time.sleep(0.001)
        with path.open("rb") as file:
            while not over.is_set() or file.tell() < path.stat().st_size:
                if not over.is_set() and path.stat().st_size < (number + 1) * _PART:
                    time.sleep(0.001)
                    continue
                part, left, number = hashlib.md5(usedforsecurity=False), _PART, number + 1
                while left > 0 and (got := file.readinto(memoryview(block)[: min(left, len(block))])):
                    part.update(memoryview(block)[:got])
                    left -= got
                sums.append(part.digest())

    def work() -> int:
        beside = threading.Thread(target=add_up)
        beside.start()
        receive()
        over.set()
        beside.join()
        return len(hashlib.md5(b"".join(sums), usedforsecurity=False).digest()) // 16

    over, sums = threading.Event(), list[bytes]()
    return work


_ALL = (
    ours,
    ours_finished,
    ours_known,
    ours_results,
    cdsapi,
    cdsapi_finished,
    datastores,
    bare,
    bare_summed,
)
WAYS = {way.__name__: way for way in _ALL}


def _memory(kind: str) -> float:
    """MiB that are resident now, ``VmRSS``, or were at most, ``VmHWM``."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


def warm_up(folder: Path, size: int) -> None:
    """Have the machine lend so much memory: one that has just come back from its host is three times as slow."""
    path, block = folder / "warm", bytes(1 << 20)
    with path.open("wb", 0) as file:
        for _ in range(size >> 20):
            file.write(block)
    path.unlink()


def main() -> None:
    for name in ("cdsapi", "ecmwf.datastores", "multiurl", "era5fast"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    options = json.loads(sys.argv[2])
    warm = options.pop("warm", 0)
    work = WAYS[sys.argv[1]](**options)
    warm_up(Path(options["folder"]), warm)
    print("ready", file=sys.stderr, flush=True)
    Path("/proc/self/clear_refs").write_text("5")  # the highest mark of memory begins anew
    memory, wall, processor = _memory("VmRSS"), time.perf_counter(), time.process_time()
    done = work()
    result = {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "memory": _memory("VmHWM") - memory,
        "done": done,
    }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()

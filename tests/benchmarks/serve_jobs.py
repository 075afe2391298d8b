"""The look-alike with a quick object store, in a process of its own: ``python serve_jobs.py '{"workers": 4}'``.

The jobs are those of `era5fast.testing.Service`, with the options given as JSON. Its results are handed out by a
small server of this file, which sends files from the page cache without copying them, so that it costs the clients
little of the processor they share with it. It can wait before each reply, cut connections and send slowly, and it
notes what it has sent. Orders come as JSON, one a line, and each is answered by one line.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from client_ways import request_of

from era5fast.testing import Service, store
from era5fast.testing.jobs import Job
from era5fast.testing.store import StoredObject

_CHUNK = 1 << 20


class Objects:
    """The quick object store of a service."""

    def __init__(self, service: Service) -> None:
        self.store = service._store
        self.log: list[tuple[str, int, int, float]] = []  # path, first byte, bytes sent, moment of the request
        self.latency, self.cut, self.speed, self.summed = 0.0, 0, 0.0, True
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.origin = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.store.asset = self.asset  # type: ignore[method-assign]
        threading.Thread(target=self._accept, daemon=True).start()

    def asset(self, stored: StoredObject) -> dict[str, Any]:
        return {
            "type": stored.media_type,
            "href": self.origin + stored.key,
            "file:checksum": stored.checksum if self.summed else "",
            "file:size": stored.size,
        }

    def _accept(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest:
                    block = connection.recv(65536)
                    if not block:
                        return
                    rest += block
                head, _, rest = rest.partition(b"\r\n\r\n")
                if not self._answer(connection, head.decode("latin-1")):
                    return

    def _answer(self, connection: socket.socket, head: str) -> bool:
        """Answer one request; False if the connection was cut."""
        moment = time.monotonic()
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        stored = self.store._objects.get(path)
        time.sleep(self.latency)
        if stored is None or stored.file is None:
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return True
        start, end, status = _span(fields, stored)
        answer = [
            f"HTTP/1.1 {status}",
            f"Content-Length: {end - start}",
            f"Content-Type: {stored.media_type}",
            "Accept-Ranges: bytes",
        ]
        if self.summed:
            answer.append(f'ETag: "{stored.etag}"')
        if status.startswith("206"):
            answer.append(f"Content-Range: bytes {start}-{end - 1}/{stored.size}")
        connection.sendall("\r\n".join([*answer, "", ""]).encode())
        return method == "HEAD" or self._send(connection, path, stored.file, start, end, moment)

    def _send(self, connection: socket.socket, path: str, file: Path, start: int, end: int, moment: float) -> bool:
        position = start
        last = min(end, start + self.cut) if self.cut else end
        chunk = max(1, int(self.speed / 50)) if self.speed else _CHUNK
        number = len(self.log)
        self.log.append((path, start, 0, moment))
        with file.open("rb") as opened:
            try:
                while position < last:
                    sent = os.sendfile(connection.fileno(), opened.fileno(), position, min(chunk, last - position))
                    position += sent
                    if self.speed:
                        time.sleep(1 / 50)
            finally:
                self.log[number] = (path, start, position - start, moment)
        if last < end:
            connection.shutdown(socket.SHUT_WR)
        return last == end


def _span(fields: dict[str, str], stored: StoredObject) -> tuple[int, int, str]:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", fields.get("range", ""))
    if found is None or fields.get("if-range", f'"{stored.etag}"') != f'"{stored.etag}"':
        return 0, stored.size, "200 OK"
    first, last = found.groups()
    return int(first), min(int(last) + 1, stored.size) if last else stored.size, "206 Partial Content"


class Orders:
    """What the benchmark may ask of the process."""

    def __init__(self, service: Service, objects: Objects) -> None:
        self.service, self.objects = service, objects

    def script(self, **script: Any) -> None:
        if "answer" in script:
            script["answer"] = Path(script["answer"])
        self.service.script(**script)

    def prepare(self, answer: str) -> None:
        """Reckon the checksum of an answer."""
        store.digest(Path(answer), *self.objects.store._limits)

    def scripts(self, runs: list[float], queues: list[float] | None = None, **script: Any) -> None:
        """One script for each request of `client_ways.request_of`."""
        for i, run in enumerate(runs):
            wanted = request_of(i)
            self.script(
                running=run,
                accepted=queues[i] if queues else 0.0,
                match=lambda _, inputs, wanted=wanted: all(inputs[k] == wanted[k] for k in ("year", "month", "day")),
                **script,
            )

    def noise(self, folder: str, count: int, size: int) -> None:
        """Files of noise, one for each of the next jobs."""
        for i in range(count):
            path = Path(folder) / f"{i}.grib"
            path.write_bytes(b"GRIB" + random.Random(i).randbytes(size - 8) + b"7777")
            self.script(answer=path, times=1)

    def fault(self, name: str, **options: Any) -> None:
        self.service.fault(name, **options)

    def behave(
        self, latency: float = 0.0, cut: int = 0, speed: float = 0.0, api_latency: float = 0.0, summed: bool = True
    ) -> None:
        """How the store and the service answer from now on; `summed`: they say what the checksum is."""
        self.objects.latency, self.objects.cut, self.objects.speed = latency, cut, speed
        self.objects.summed = summed
        answer = self.service._answer_api

        def later(call: Any) -> Any:
            time.sleep(api_latency)
            return answer(call)

        self.service._server.answer = later

    def limits(self, every: float, values: list[int]) -> None:
        """Change the limit of the queue every so many seconds from now on."""

        def change() -> None:
            for value in values:
                self.service.queue_limit = value
                time.sleep(every)

        threading.Thread(target=change, daemon=True).start()

    def calls(self) -> dict[str, int]:
        """Calls of the service by route."""
        routes = [call.route or "other" for call in self.service.requests]
        return {route: routes.count(route) for route in set(routes)}

    def jobs(self) -> dict[str, Any]:
        """How many there were of all sorts, and how many were queued at once at most."""
        jobs = self.service.jobs
        last = time.monotonic() + 1e6
        outcomes = [job.snapshot(last).status for job in jobs]
        spans = [(job.born, job.born + _queued(job)) for job in jobs]
        most = max((sum(a <= moment < b for a, b in spans) for moment, _ in spans), default=0)
        requests = {json.dumps(job.inputs, sort_keys=True) for job in jobs}
        return {
            "made": len(jobs),
            "requests": len(requests),
            "rejected": outcomes.count("rejected"),
            "most_queued": most,
        }

    def processor(self) -> float:
        """Seconds of the processor that the service has taken so far."""
        return time.process_time()

    def ended(self) -> float:
        """Seconds from the first submission to the end of the last job."""
        jobs = self.service.jobs
        return max(job.born + (job.snapshot(job.born + 1e6).finished or 0) for job in jobs) - jobs[0].born

    def delays(self) -> list[float]:
        """Seconds from the end of each job to the first request for its file."""
        asked: dict[str, float] = {}
        for path, _, _, moment in self.objects.log:
            asked.setdefault(path, moment)
        found = []
        for job in self.service.jobs:
            end = job.snapshot(job.born + 1e6).finished
            if job.result is not None and end is not None and job.result.key in asked:
                found.append(asked[job.result.key] - job.born - end)
        return found

    def hrefs(self) -> list[str]:
        return [self.objects.origin + job.result.key for job in self.service.jobs if job.result is not None]

    def sent(self) -> dict[str, Any]:
        """Bytes that the store has sent, and where each reply began."""
        return {"bytes": sum(sent for _, _, sent, _ in self.objects.log), "replies": self.objects.log}

    def forget(self) -> None:
        """Begin to count anew."""
        self.objects.log = []
        self.service._calls.clear()


def _queued(job: Job) -> float:
    begin = 0.0
    for state, seconds in job.script.timeline:
        if state != "accepted":
            break
        begin += seconds
    return begin


def main() -> None:
    store.digest = functools.cache(
        store.digest
    )  # a large file is digested by `Orders.prepare`, not while a client waits
    options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    with Service(**options) as service:
        orders = Orders(service, Objects(service))
        print(json.dumps({"url": service.url, "key": service.key}), flush=True)
        for line in sys.stdin:
            order = json.loads(line)
            print(json.dumps(getattr(orders, order.pop("do"))(**order)), flush=True)


if __name__ == "__main__":
    main()

"""What the tests of the look-alike share: a plain client of its protocol, and a small request."""

from __future__ import annotations

import http.client
import json
import os
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from era5fast.testing import Service

DATASET = "reanalysis-era5-single-levels"
REQUEST = {
    "product_type": ["reanalysis"],
    "variable": ["2m_temperature"],
    "year": ["2013"],
    "month": ["07"],
    "day": ["05", "06"],
    "time": ["00:00", "12:00"],
    "area": [47, -1, 46, 1],
    "data_format": "netcdf",
    "download_format": "unarchived",
}
ANSWER = bytes(range(256)) * 40
GRIB = b"GRIB" + ANSWER


@dataclass
class Answer:
    """A reply as it came over the wire."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(method: str, url: str, body: object = None, token: str | None = None, **headers: str) -> Answer:
    """One call on a connection of its own; a text or bytes body goes as it is, anything else as JSON."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["PRIVATE-TOKEN"] = token
    try:
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), data, sent)
        reply = connection.getresponse()
        return Answer(reply.status, reply.headers, reply.read())
    finally:
        connection.close()


class Client:
    """The calls of the protocol, with the token, as plainly as possible."""

    def __init__(self, cds: Service, token: str | None = None) -> None:
        self.cds, self.token = cds, cds.key if token is None else token
        self.root = f"{cds.url}/retrieve/v1"

    def call(self, method: str, path: str, body: object = None) -> Answer:
        return ask(method, path if path.startswith("http") else self.root + path, body, self.token)

    def submit(self, request: dict[str, Any] | None = None, dataset: str = DATASET, **changes: Any) -> Answer:
        inputs = {**(REQUEST if request is None else request), **changes}
        return self.call("POST", f"/processes/{dataset}/execution", {"inputs": inputs})

    def job(self, **changes: Any) -> str:
        reply = self.submit(**changes)
        assert reply.status == 201, reply.body
        return str(reply.json["jobID"])

    def status(self, job: str) -> str:
        return str(self.call("GET", f"/jobs/{job}").json["status"])

    def wait(self, job: str) -> str:
        return wait_for(lambda: (s := self.status(job)) not in ("accepted", "running") and s)

    def asset(self, job: str) -> dict[str, Any]:
        reply = self.call("GET", f"/jobs/{job}/results")
        assert reply.status == 200, reply.body
        return dict(reply.json["asset"]["value"])

    def asset_of(self, **changes: Any) -> dict[str, Any]:
        job = self.job(**changes)
        assert self.wait(job) == "successful"
        return self.asset(job)


_SLOWEST = 8.0


def slowness() -> float:
    """How much longer everything takes: under sanitizers and the like, or where many programs share a processor."""
    if os.environ.get("E5_CORE"):
        return _SLOWEST
    return min(max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), _SLOWEST)


def wait_for(condition: Any, seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")

"""Faults: everything that may go wrong on the way to the service, at the service, and on the way back.

One row per fault. A fault that acts *before* the call is handled may answer in the place of the service, or change
the call; one that acts *after* gets the reply and may spoil it. Which calls are struck is decided in `rules`.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from .wire import Call, Reply, json_reply


@dataclass(frozen=True)
class Fault:
    """One row of the table of faults."""

    name: str
    when: Literal["before", "after"]
    function: Callable[..., Any]

    @property
    def summary(self) -> str:
        """First line of its documentation."""
        return (self.function.__doc__ or "").strip().splitlines()[0]


_FOR_EVER = 1e6  # seconds; the pause ends with the service

#: All faults: name → row.
FAULTS: dict[str, Fault] = {}


def _row(when: Literal["before", "after"]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        FAULTS[function.__name__] = Fault(function.__name__, when, function)
        return function

    return enter


# --- instead of an answer ---


@_row("before")
def rate_limit(call: Call, retry_after: float | str | None = 1) -> Reply:
    """429; ``retry_after`` in seconds, None for no header, "date" or "date+SECONDS" for an HTTP date, or any text."""
    value = "" if retry_after is None else str(retry_after)
    if value.startswith("date"):
        moment = datetime.now(UTC) + timedelta(seconds=float(value.partition("+")[2] or 1))
        value = format_datetime(moment, usegmt=True)
    headers = {"Retry-After": value} if value else {}
    return json_reply(
        {
            "type": "rate limit exceeded",
            "title": "rate limit exceeded",
            "status": 429,
            "detail": f"Rate limit exceeded. Please wait {value or 'some'} seconds.",
            "instance": call.url,
        },
        429,
        **headers,
    )


@_row("before")
def internal_error(call: Call) -> Reply:
    """500 with a JSON body: a bug of the service."""
    return json_reply({"type": "internal server error", "title": "internal server error"}, 500)


@_row("before")
def bad_gateway(call: Call, status: int = 502) -> Reply:
    """502 (or another status) with an HTML page, as proxies answer."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status} Bad Gateway</h1></body></html>"
    return Reply(status, {"Content-Type": "text/html"}, page.encode())


@_row("before")
def unavailable(call: Call, retry_after: float | None = None) -> Reply:
    """503 with an HTML page, and ``Retry-After`` if given."""
    reply: Reply = bad_gateway(call, 503)
    if retry_after is not None:
        reply.headers["Retry-After"] = str(retry_after)
    return reply


@_row("before")
def gateway_timeout(call: Call) -> Reply:
    """504: the accounts service did not answer in time."""
    return json_reply({"type": "read timeout error", "title": "read timeout error", "status": 504}, 504)


@_row("before")
def token_rejected(call: Call) -> Reply:
    """401 for a good token; with ``delay`` it is rejected only after some time."""
    document = {"type": "permission denied", "title": "Authentication failed", "status": 401}
    return json_reply({**document, "detail": "operation not allowed", "instance": call.url}, 401)


@_row("before")
def job_not_found(call: Call) -> Reply:
    """404 "no such job", also for a job created a moment ago."""
    kind = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-job"
    detail = f"job {call.arguments.get('job', '')} not found"
    document = {"type": kind, "title": "job not found", "status": 404, "detail": detail, "instance": call.url}
    return json_reply(document, 404)


@_row("before")
def redirect(call: Call, to: str = "", status: int = 302, origins: Collection[str] = ()) -> Reply:
    """Redirect to the same path at the origin ``to``; by default at another origin of this service."""
    others = [origin for origin in origins if origin != call.origin]
    return Reply(status, {"Location": (to or others[0]) + call.path})


@_row("before")
def duplicate_delivery(call: Call, times: int = 2) -> None:
    """The call reaches the service more than once, as when a proxy repeats it; the last answer comes back."""
    call.deliveries = times


@_row("before")
def not_found(call: Call, status: int = 404) -> Reply:
    """404 (or another status) of the object store: the object is gone."""
    return Reply(status, {"Content-Type": "application/xml"}, b"<Error><Code>NoSuchKey</Code></Error>")


@_row("before")
def range_unsatisfiable(call: Call) -> Reply:
    """416, whatever range was asked for."""
    return Reply(416, {"Content-Range": "bytes */0"})


@_row("before")
def range_ignored(call: Call) -> None:
    """The whole object with 200, although a range was asked for."""
    call.headers.pop("range", None)


@_row("before")
def range_elsewhere(call: Call, shift: int = 1) -> None:
    """206 from another offset than the one asked for, and truthful about it."""
    first, _, last = call.headers.get("range", "").removeprefix("bytes=").partition("-")
    if first.isdigit():
        call.headers["range"] = f"bytes={max(0, int(first) + shift)}-{last}"


# --- on the way back ---


@_row("after")
def reset(call: Call, reply: Reply) -> None:
    """The connection is reset before the headers; the service has done what was asked."""
    reply.reset_after = -1


@_row("after")
def reply_lost(call: Call, reply: Reply) -> None:
    """The same under the name of its worst case: a job is created and nobody learns of it."""
    reply.reset_after = -1


@_row("after")
def reset_after(call: Call, reply: Reply, bytes: int = 1000) -> None:
    """The connection is reset after so many bytes of the body."""
    reply.reset_after = min(bytes, reply.length)


@_row("after")
def stall(call: Call, reply: Reply, seconds: float = 1.0, after: int = -1) -> None:
    """Silence for some seconds before the headers, or after so many bytes of the body; then it goes on."""
    reply.stall = (min(after, reply.length), seconds)


@_row("after")
def black_hole(call: Call, reply: Reply) -> None:
    """The call is taken and never answered; the connection stays open."""
    reply.stall = (-1, _FOR_EVER)


@_row("after")
def drip(call: Call, reply: Reply, speed: float = 1000.0) -> None:
    """The body comes in drops, so many bytes per second."""
    reply.drip = speed


@_row("after")
def short_body(call: Call, reply: Reply, missing: int = 1) -> None:
    """The right ``Content-Length``, but the body ends too early."""
    reply.cut_after = max(0, reply.length - missing)


@_row("after")
def wrong_length(call: Call, reply: Reply, by: int = 10) -> None:
    """``Content-Length`` too large by so many bytes, or too small for a negative number."""
    reply.declared = max(0, reply.length + by)


@_row("after")
def longer_body(call: Call, reply: Reply, bytes: int = 10) -> None:
    """More bytes than there should be, with a length that fits them."""
    reply.body = reply.content() + b"x" * bytes


@_row("after")
def no_length(call: Call, reply: Reply) -> None:
    """A chunked body without ``Content-Length``."""
    reply.chunked = True


@_row("after")
def bit_flip(call: Call, reply: Reply, offset: int = 0, bit: int = 0) -> None:
    """One bit of the body is wrong; a negative offset counts from the end."""
    body = bytearray(reply.content())
    body[offset] ^= 1 << bit
    reply.body = bytes(body)


@_row("after")
def empty_body(call: Call, reply: Reply) -> None:
    """A good status and no bytes."""
    reply.body = b""


@_row("after")
def etag_changed(call: Call, reply: Reply) -> None:
    """Another entity tag than before, as if the object had been replaced."""
    reply.headers["ETag"] = '"' + f"{random.getrandbits(128):032x}" + '"'


@_row("after")
def etag_missing(call: Call, reply: Reply) -> None:
    """No entity tag and no date."""
    for name in ("ETag", "Last-Modified"):
        reply.headers.pop(name, None)


@_row("after")
def no_ranges(call: Call, reply: Reply) -> None:
    """``Accept-Ranges: none``."""
    reply.headers["Accept-Ranges"] = "none"


@_row("after")
def gzip_encoding(call: Call, reply: Reply) -> None:
    """``Content-Encoding: gzip`` though nobody asked for it."""
    reply.body = gzip.compress(reply.content(), mtime=0)
    reply.headers["Content-Encoding"] = "gzip"


@_row("after")
def html_page(call: Call, reply: Reply) -> None:
    """200 with an HTML page: a login portal in between."""
    reply.status = 200
    reply.headers = {"Content-Type": "text/html"}
    reply.body = b"<!DOCTYPE html><html><body>Please log in to the network.</body></html>"


@_row("after")
def not_json(call: Call, reply: Reply) -> None:
    """A body that claims to be JSON and is not."""
    reply.body = b"this is not JSON"


@_row("after")
def truncated_json(call: Call, reply: Reply) -> None:
    """The first half of the JSON, with a length that fits."""
    reply.body = reply.content()[: reply.length // 2]


@_row("after")
def huge_json(call: Call, reply: Reply, bytes: int = 32 << 20) -> None:
    """The JSON behind so many blanks."""
    reply.body = b" " * bytes + reply.content()


@_row("after")
def deep_json(call: Call, reply: Reply, depth: int = 100_000) -> None:
    """Arrays in arrays in arrays."""
    reply.body = b"[" * depth + b"]" * depth


@_row("after")
def wrong_types(call: Call, reply: Reply) -> None:
    """The same keys, every value a number."""
    _edit(reply, lambda document: dict.fromkeys(document, 7))


@_row("after")
def duplicate_keys(call: Call, reply: Reply) -> None:
    """The first key of the JSON twice, with different values."""
    body = reply.content()
    key = body[1:].partition(b":")[0]
    reply.body = b"{" + key + b": null, " + body[1:]


@_row("after")
def unknown_status(call: Call, reply: Reply, word: str = "pondering") -> None:
    """A state nobody has heard of."""
    _edit_jobs(reply, lambda job: {**job, "status": word})


@_row("after")
def missing_status(call: Call, reply: Reply) -> None:
    """Jobs without a state."""
    _edit_jobs(reply, lambda job: {key: value for key, value in job.items() if key != "status"})


@_row("after")
def jobs_missing(call: Call, reply: Reply) -> None:
    """A list without the jobs that are in it."""
    _edit(reply, lambda document: {**document, "jobs": []} if "jobs" in document else document)


@_row("after")
def two_monitor_links(call: Call, reply: Reply) -> None:
    """Every link twice."""
    _edit(reply, lambda document: {**document, "links": 2 * document.get("links", [])})


@_row("after")
def missing_asset(call: Call, reply: Reply) -> None:
    """Results without the description of a file."""
    _edit_results(reply, lambda results: {k: v for k, v in results.items() if k != "asset"})


@_row("after")
def wrong_asset(call: Call, reply: Reply, key: str = "file:size", value: Any = 1) -> None:
    """One entry of the description of the file is wrong, by default its size."""

    def change(results: Any) -> Any:
        results.get("asset", {}).get("value", {})[key] = value
        return results

    _edit_results(reply, change)


def _edit_jobs(reply: Reply, change: Callable[[Any], Any]) -> None:
    """Change a job, or every job of a list."""
    _edit(reply, lambda d: {**d, "jobs": [change(job) for job in d["jobs"]]} if "jobs" in d else change(d))


def _edit_results(reply: Reply, change: Callable[[Any], Any]) -> None:
    """Change results, or those of every job of a list."""

    def in_list(job: Any) -> Any:
        return {**job, "metadata": {**job["metadata"], "results": change(job["metadata"]["results"])}}

    _edit(reply, lambda d: {**d, "jobs": [in_list(job) for job in d["jobs"]]} if "jobs" in d else change(d))


def _edit(reply: Reply, change: Callable[[Any], Any]) -> None:
    """Change the JSON of a reply; a body without a JSON object stays."""
    try:
        document = json.loads(reply.content())
    except ValueError:
        return
    if isinstance(document, dict):
        reply.body = json.dumps(change(document)).encode()

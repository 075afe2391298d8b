"""The matrix of faults: one row for each way in which the service, the network, the disk or a process can fail.

A row says what is injected and what must be true in the end; `fault_kit` plays and judges it. Rows about this
computer (targets, disks, other processes, signals, the journal) are in `fault_matrix_local`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import netCDF4

from era5fast import errors
from era5fast.testing.faults import Fault
from era5fast.testing.jobs import QUEUE_FULL
from era5fast.testing.wire import Reply
from tests.client_kit import grib
from tests.fault_kit import (
    ANSWER,
    OTHER,
    Late,
    Row,
    World,
    answered,
    changed,
    edited,
    happening,
    headers,
    main,
    on,
    replaced,
    restated,
    slow_head,
)

IMPATIENT = {"patience": 0.3}
EVERY_SECOND = range(1, 1000, 2)

#: Without it in the list, a job is asked for alone: routes "job" and "results".
ALONE = on("jobs", "jobs_missing")
ROUTES = ("execute", "jobs", "job", "results")


def strikes(route: str, fault: Any, **how: Any) -> tuple[Any, ...]:
    """A fault on a route, and what leads the client there."""
    return (*((ALONE,) if route in ("job", "results") else ()), on(route, fault, **how))


def times(number: int) -> str:
    return {1: "once", 2: "twice in a row", 3: "three times in a row"}[number]


def posts(route: str, number: int = 1) -> int:
    """Submissions where the first ones are refused."""
    return 1 + (number if route == "execute" else 0)


# --- the service does not answer as it should, for a while ---

PASSING = [
    ("internal_error", {}),
    ("bad_gateway", {}),
    ("unavailable", {}),
    ("gateway_timeout", {}),
]


def passing() -> Iterator[Row]:
    for fault, how in PASSING:
        for route in (*ROUTES, "object"):
            for number in (1, 2):
                yield Row(
                    f"{fault} {times(number)} on {route}",
                    strikes(route, fault, times=number, **how),
                    posts=posts(route, number),
                )
        for route in ("jobs", "object"):
            yield Row(f"{fault} every second time on {route}", strikes(route, fault, nth=EVERY_SECOND, **how))
            yield Row(
                f"{fault} for ever on {route}",
                strikes(route, fault, **how),
                errors.ServerError,
                "fails",
                settings=IMPATIENT,
            )
    for route in ROUTES:
        yield Row(f"408 once on {route}", strikes(route, "bad_gateway", times=1, status=408), posts=posts(route))
    yield Row(
        "502 for ever on execute",
        strikes("execute", "bad_gateway"),
        errors.ServerError,
        "",
        jobs=0,
        posts=20,
        settings=IMPATIENT,
    )
    yield Row(
        "503 for ever on execute",
        strikes("execute", "unavailable"),
        errors.ServerError,
        "",
        jobs=0,
        posts=20,
        settings=IMPATIENT,
    )
    yield Row("503 with Retry-After once on jobs", strikes("jobs", "unavailable", times=1, retry_after=1))
    yield Row(
        "everything fails with a probability",
        [on("api", "internal_error", probability=0.3), on("store", "reset_after", probability=0.3, bytes=9000)],
        posts=8,
        calls=120,
    )
    for status in (501, 505):
        yield Row(
            f"{status} for ever on execute",
            strikes("execute", "bad_gateway", status=status),
            errors.ServerError,
            jobs=0,
            calls=3,
        )
    for status in (508, 520, 599):
        yield Row(
            f"{status} for ever on execute",
            strikes("execute", "bad_gateway", status=status),
            errors.ServerError,
            jobs=0,
            posts=20,
            settings=IMPATIENT,
        )


# --- the service asks to wait ---


def waiting() -> Iterator[Row]:
    for route in (*ROUTES, "object"):
        yield Row(
            f"429 without a time once on {route}",
            strikes(route, "rate_limit", times=1, retry_after=None),
            posts=posts(route),
        )
    for text in ("0", "-5", "soon", "1e9999", "date+-100", "1", "1.5", "date", "Thu, 99 Foo 2026 99:99:99 GMT", " "):
        yield Row(
            f"429 with Retry-After {text!r} once on jobs", strikes("jobs", "rate_limit", times=1, retry_after=text)
        )
    yield Row(
        "429 with Retry-After 1 once on execute", strikes("execute", "rate_limit", times=1, retry_after=1), posts=2
    )
    yield Row("429 with Retry-After 1 once on object", strikes("object", "rate_limit", times=1, retry_after=1))
    for text in ("3600", "99999999999999999999", "date+86400", "date+9000000"):
        for route, jobs in (("execute", 0), ("jobs", 1), ("object", 1)):
            yield Row(
                f"429 with Retry-After {text!r} for ever on {route}",
                strikes(route, "rate_limit", retry_after=text),
                errors.ThrottledError,
                "asks to wait",
                jobs=jobs,
                posts=1,
                calls=12,
                seconds=2,
            )
    yield Row(
        "429 without a time for ever on jobs",
        strikes("jobs", "rate_limit", retry_after=None),
        errors.ThrottledError,
        "",
        settings=IMPATIENT,
        calls=80,
    )
    yield Row(
        "a rate limit of 4 calls a second", service={"rate_limit": (4, 1.0)}, scripts=[{"running": 0.2}], seconds=8
    )
    quota = b'{"type": "rate limit exceeded", "title": "quota exceeded", "detail": "Your daily quota is used up"}'
    yield Row(
        "the daily quota is used up",
        [on("execute", answered, status=429, body=quota)],
        errors.ThrottledError,
        "quota",
        jobs=0,
        posts=1,
        calls=2,
        again=True,
    )


# --- the network ---


def network() -> Iterator[Row]:
    for route in (*ROUTES, "object"):
        for number in (1, 2):
            yield Row(
                f"reset {times(number)} on {route}",
                strikes(route, "reset", times=number),
                jobs=1 if route != "execute" else (1, number),
            )
        yield Row(f"a black hole behind {route} once", strikes(route, "black_hole", times=1), seconds=8)
        yield Row(f"silence for a moment on {route}", strikes(route, "stall", times=1, seconds=0.2))
        yield Row(
            f"silence longer than the limit on {route}", strikes(route, "stall", times=1, seconds=1.5), seconds=8
        )
    for route in ROUTES:
        yield Row(
            f"the body of a reply is cut after 20 bytes on {route}", strikes(route, "reset_after", times=1, bytes=20)
        )
        yield Row(f"the body of a reply ends one byte early on {route}", strikes(route, "short_body", times=1))
        yield Row(
            f"silence within the body on {route}", strikes(route, "stall", times=1, seconds=1.5, after=20), seconds=8
        )
        yield Row(f"no length on {route}", strikes(route, "no_length"))
        yield Row(f"length too large on {route} once", strikes(route, "wrong_length", times=1, by=10))
        yield Row(f"length too small on {route} once", strikes(route, "wrong_length", times=1, by=-10))
        yield Row(f"a slow head and a slow body on {route}", strikes(route, slow_head))
    for route in ("jobs", "object"):
        yield Row(
            f"reset for ever on {route}",
            strikes(route, "reset"),
            errors.NetworkError,
            "connection lost",
            settings=IMPATIENT,
        )
        yield Row(
            f"a black hole behind {route} for ever",
            strikes(route, "black_hole"),
            errors.TransferTimeoutError,
            "",
            settings={"patience": 1.0, "timeout": 0.2, "low_speed_time": 0.3},
            seconds=6,
        )
    yield Row(
        "reset for ever on execute before the service gets it",
        [on("execute", answered_by_reset)],
        errors.ServerError,
        "reply to the submission was lost",
        jobs=0,
        posts=20,
        settings=IMPATIENT,
    )
    yield Row(
        "drops on jobs for ever",
        strikes("jobs", "drip", speed=60.0),
        errors.TransferTimeoutError,
        "",
        settings={"patience": 1.5, "timeout": 0.3},
        seconds=6,
    )
    for count in (0, 1, 40, 150, 400):
        yield Row(
            f"a reply is cut after {count} bytes, head and all", prepare=lambda w, n=count: w.gate(cut=n), jobs=1
        )
        yield Row(f"data are cut after {count} bytes, head and all", prepare=lambda w, n=count: w.store_gate(cut=n))
    yield Row(
        "every third connection is cut after 300 bytes", prepare=lambda w: w.gate(cut=300, cuts=range(1, 100, 3))
    )
    yield Row(
        "a server of another protocol answers once", prepare=lambda w: w.gate(garbage=b"SSH-2.0-OpenSSH_9.9\r\n")
    )
    yield Row(
        "a server of another protocol holds the data once",
        prepare=lambda w: w.store_gate(garbage=b"SSH-2.0-OpenSSH_9.9\r\n"),
    )
    yield Row(
        "a head without end once", prepare=lambda w: w.gate(garbage=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000)
    )
    yield Row(
        "a head line without end once", prepare=lambda w: w.gate(garbage=b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2_000_000)
    )
    yield Row("a status that is none once", prepare=lambda w: w.gate(garbage=b"HTTP/1.1 abc huh\r\n\r\n"))
    yield Row("only interim replies once", prepare=lambda w: w.gate(garbage=b"HTTP/1.1 100 Continue\r\n\r\n" * 50))
    yield Row(
        "two lengths once",
        prepare=lambda w: w.gate(garbage=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}"),
    )
    yield Row(
        "a negative length once", prepare=lambda w: w.gate(garbage=b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}")
    )
    yield Row(
        "a chunk of impossible size once",
        prepare=lambda w: w.gate(
            garbage=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab"
        ),
    )
    yield Row("connected and never read, before the call arrives", prepare=lambda w: w.gate(mute=True), seconds=8)
    yield Row(
        "nobody listens",
        prepare=lambda w: w.gate().shut(),
        error=errors.NetworkError,
        words="cannot connect to 127.0.0.1",
        jobs=0,
        settings=IMPATIENT,
        again=False,
    )
    yield Row("nobody listens for a while", prepare=away_for_a_while, scripts=[{"running": 0.3}], look=was_away)
    yield Row("one family of addresses is dead", prepare=by_name)
    yield Row(
        "nobody listens at the store",
        prepare=lambda w: w.store_gate().shut(),
        error=errors.NetworkError,
        words="cannot connect to 127.0.0.1",
        settings=IMPATIENT,
    )
    yield Row(
        "the host has no address",
        prepare=unknown_host,
        error=errors.NetworkError,
        words="nowhere.invalid",
        jobs=0,
        again=False,
        settings=IMPATIENT,
    )
    yield Row(
        "the store has no address",
        [on("*", edited, change=store_nowhere)],
        errors.NetworkError,
        "nowhere.invalid|https",
        settings=IMPATIENT,
    )


def unknown_host(world: World) -> None:
    world.url = "https://nowhere.invalid/api"


def by_name(world: World) -> None:
    """A name with two addresses, at one of which nobody listens."""
    world.url = world.url.replace("127.0.0.1", "localhost")


def away_for_a_while(world: World) -> None:
    """After the first look at the jobs there is nobody for a moment."""
    gate = world.gate()

    def leave() -> None:
        gate.shut()
        back = threading.Timer(0.5, gate.open)
        back.start()
        world.closing.insert(0, back.join)

    world.cds.fault(happening, route="jobs", nth=1, action=leave)


def was_away(world: World, error: BaseException | None) -> Iterator[str]:
    if not any("waiting" in line for line in world.heard.lines):
        yield "the fault did not strike"


def store_nowhere(document: Any) -> Any:
    return with_asset(document, href="https://nowhere.invalid/x.grib")


answered_by_reset = Fault("reset_before", "before", lambda call: Reply(reset_after=-1))


# --- redirects ---


def redirects() -> Iterator[Row]:
    for status in (301, 302, 303, 307, 308):
        yield Row(
            f"{status} to another origin on execute",
            [on("execute", "redirect", status=status)],
            errors.RequestError,
            "another address",
            jobs=0,
            posts=1,
            calls=2,
        )
    for status in (301, 302, 307, 308):
        yield Row(
            f"{status} to another origin on jobs", [on("jobs", "redirect", status=status)], calls=12
        )  # one by one
        yield Row(
            f"{status} to another origin on jobs and job",
            [on("jobs", "redirect", status=status), on("job", "redirect", status=status)],
            errors.RequestError,
            "refused to take",
            calls=12,
        )
        yield Row(f"{status} to another origin once on object", [on("object", "redirect", status=status, times=1)])
    for status in (302, 307):
        here = Late(lambda world: world.cds.url.removesuffix("/api"))
        yield Row(
            f"{status} to the same origin once on jobs", [on("jobs", "redirect", status=status, times=1, to=here)]
        )
    yield Row(
        "an address of 5000 letters on object",
        [on("object", "redirect", to="https://127.0.0.1:1/" + 5000 * "x")],
        errors.NetworkError,
        "too long an address",
        calls=25,
    )
    yield Row("a loop on object", [on("object", "redirect")], errors.NetworkError, "more than 10 redirects", calls=25)
    yield Row(
        "a loop at the same origin on jobs",
        [on("jobs", "redirect", to=Late(lambda w: w.cds.url.removesuffix("/api")))],
        calls=40,
    )
    yield Row(
        "a loop at the same origin on jobs and job",
        [on(route, "redirect", to=Late(lambda w: w.cds.url.removesuffix("/api"))) for route in ("jobs", "job")],
        errors.NetworkError,
        "more than 10 redirects",
        calls=40,
    )
    for to in ("http://example.org", "ftp://127.0.0.1", "file://", "gopher://127.0.0.1", "data:,", "//", "http://"):
        yield Row(
            f"to {to!r} on object",
            [on("object", "redirect", to=to)],
            errors.NetworkError,
            "insecure|redirect",
            calls=14,
        )
    for to in ("file://", "http://example.org", "ldap://127.0.0.1"):
        yield Row(
            f"to {to!r} on jobs and job",
            [on(route, "redirect", to=to) for route in ("jobs", "job")],
            errors.NetworkError,
            "insecure redirect",
            calls=14,
        )
    yield Row(
        "an address with a password on object",
        [on("object", "redirect", to="http://user:secret@127.0.0.1:1")],
        errors.NetworkError,
        "",
        calls=14,
    )
    yield Row(
        "a redirect without address on object",
        [on("object", answered, status=302)],
        errors.RequestError,
        "another address",
        calls=14,
        seconds=8,
    )
    yield Row(
        "a redirect without address on jobs and job",
        [on(route, answered, status=302) for route in ("jobs", "job")],
        errors.RequestError,
        "another address",
        calls=14,
    )


# --- what the service sends is no sensible document ---


def with_asset(document: Any, **changes: Any) -> Any:
    """A list or results whose assets are changed; a value of None takes a key away."""
    value: Any
    if isinstance(document, dict) and "jobs" in document:
        for job in document["jobs"]:
            with_asset(job["metadata"]["results"], **changes)
    elif isinstance(document, dict) and "asset" in document:
        value = document["asset"]["value"]
        for key, new in changes.items():
            name = key if key in ("href", "type") else f"file:{key}"
            value.pop(name, None)
            if new is not Missing:
                value[name] = new
    return document


class Missing:
    """A value that is not there."""


def with_jobs(document: Any, change: Any) -> Any:
    """A list whose jobs are changed."""
    return {**document, "jobs": change(document["jobs"])}


BROKEN = [
    ("an HTML page", "html_page", {}),
    ("no JSON", "not_json", {}),
    ("half a JSON", "truncated_json", {}),
    ("too much JSON", "huge_json", {"bytes": 11 << 20}),
    ("too deep JSON", "deep_json", {}),
    ("wrong types", "wrong_types", {}),
    ("nothing", "empty_body", {}),
    ("a key twice", "duplicate_keys", {}),
    ("null", changed, {"change": lambda body: b"null"}),
    ("a list", changed, {"change": lambda body: b"[]"}),
    ("a text", changed, {"change": lambda body: b'"x"'}),
    ("an empty object", changed, {"change": lambda body: b"{}"}),
    ("no UTF-8", changed, {"change": lambda body: b"\xff\xfe" + body}),
    ("a NUL inside", changed, {"change": lambda body: body[:30] + b"\0" + body[30:]}),
    ("NaN", changed, {"change": lambda body: b'{"x": NaN, ' + body[1:]}),
    ("a number without end", changed, {"change": lambda body: b'{"x": ' + b"9" * 5000 + b", " + body[1:]}),
    ("half a surrogate", changed, {"change": lambda body: b'{"x": "\\ud800", ' + body[1:]}),
    ("two documents", changed, {"change": lambda body: body + body}),
    ("a comment", changed, {"change": lambda body: b"// hello\n" + body}),
]


def documents() -> Iterator[Row]:
    for what, fault, how in BROKEN:
        for route in ROUTES:
            yield Row(f"{what} once on {route}", strikes(route, fault, times=1, **how))
    for what, fault, how in BROKEN[:8]:
        yield Row(
            f"{what} for ever on results",
            strikes("results", fault, **how),
            errors.ServerError,
            "unreadable reply",
            calls=40,
        )
        yield Row(
            f"{what} for ever on job", strikes("job", fault, **how), errors.ServerError, "unreadable reply", calls=40
        )
        yield Row(f"{what} for ever on jobs", strikes("jobs", fault, **how), calls=40)  # each job is asked for alone
    yield Row("gzip on every reply", [on("api", "gzip_encoding")])
    bomb = gzip.compress(b" " * (64 << 20))
    yield Row(
        "a gzip bomb once on jobs",
        [
            on("jobs", changed, change=lambda body: bomb, times=1),
            on("jobs", headers, times=1, Content_Encoding="gzip"),
        ],
    )
    yield Row("an unknown encoding once on jobs", [on("jobs", headers, times=1, Content_Encoding="x-strange")])
    yield Row("a text type on every reply", [on("api", headers, Content_Type="text/plain")])
    yield Row(
        "cookies on every reply",
        [on("api", headers, Set_Cookie="a=b; Path=/; Domain=127.0.0.1"), on("store", headers, Set_Cookie="a=b")],
        look=no_cookies,
    )
    for status in (200, 202):
        yield Row(f"{status} instead of 201", [on("execute", restated, status=status)])
    yield Row("204 once on jobs", [on("jobs", answered, status=204, times=1)])
    for status in (400, 404, 405, 409, 413, 415, 418, 451):
        yield Row(
            f"{status} as a page for ever on execute",
            strikes("execute", "bad_gateway", status=status),
            errors.RequestError,
            jobs=0,
            posts=1,
            calls=2,
            seconds=1.5,
            hint=False,
        )
    for status in (304, 999):
        yield Row(f"{status} once on jobs", [on("jobs", "bad_gateway", status=status, times=1)])


def no_cookies(world: World, error: BaseException | None) -> Iterator[str]:
    for call in world.cds.requests:
        for name in ("cookie", "referer", "authorization"):
            if name in call.headers:
                yield f"{name} was sent on {call.route}"


# --- jobs ---

PASSING_TEXT = "oops\n\nThe job failed with: MarsRuntimeError"
QUEUE_TEXTS = [
    QUEUE_FULL,
    "Number of queued requests for this dataset is temporally limited ",
    "Number of queued requests using the API is limited to 200",
]


def jobs() -> Iterator[Row]:
    yield Row(
        "a job that fails",
        scripts=[{"outcome": "failed", "traceback": "it went wrong\n\nThe job failed with: MarsNoDataError"}],
        error=errors.JobFailedError,
        words="it went wrong.*MarsNoDataError",
    )
    yield Row(
        "a job that fails with a strange text",
        scripts=[
            {
                "outcome": "failed",
                "traceback": "\x1b[31mred\x07\n\nTrace: \u202eevil\u2028 \u200b \x9b31m\r\n\nThe job failed: E",
            }
        ],
        error=errors.JobFailedError,
        words="red",
    )
    yield Row(
        "a job that fails with a very long text",
        scripts=[{"outcome": "failed", "traceback": "x" * 1_000_000}],
        error=errors.JobFailedError,
        words="xxx",
    )
    yield Row(
        "a job that fails without a word",
        scripts=[{"outcome": "failed", "traceback": " "}],
        error=errors.JobFailedError,
        hint=False,
    )
    for number in (1, 2):
        yield Row(
            f"a fault of the service that passes, {times(number)}",
            jobs=1 + number,
            scripts=[{"outcome": "failed", "traceback": PASSING_TEXT, "times": number}, {}],
        )
    yield Row(
        "a fault of the service that does not pass",
        scripts=[{"outcome": "failed", "traceback": PASSING_TEXT}],
        error=errors.JobFailedError,
        words="MarsRuntimeError",
        jobs=3,
    )
    for number, text in enumerate(QUEUE_TEXTS, 1):
        yield Row(
            f"rejected because of the queue, text {number}",
            jobs=2,
            scripts=[{"outcome": "rejected", "traceback": text, "times": 1}, {}],
        )
    yield Row(
        "rejected because of the queue four times",
        jobs=5,
        seconds=12,
        calls=100,
        scripts=[{"outcome": "rejected", "traceback": QUEUE_TEXTS[0], "times": 4}, {}],
    )
    yield Row(
        "rejected because of the queue for ever",
        error=errors.ThrottledError,
        words="queued",
        jobs=range_of(1, 12),
        seconds=8,
        settings={"patience": 1.0},
        scripts=[{"outcome": "rejected", "traceback": QUEUE_TEXTS[0]}],
    )
    yield Row(
        "rejected for another reason",
        scripts=[{"outcome": "rejected", "traceback": "You are not allowed to do this."}],
        error=errors.JobFailedError,
        words="rejected.*not allowed",
    )
    yield Row(
        "rejected because of a daily quota",
        scripts=[{"outcome": "rejected", "traceback": "Daily quota exceeded"}],
        error=errors.ThrottledError,
        words="quota",
        seconds=2,
    )
    yield Row("a job that is queued again", scripts=[{"timeline": [("accepted", 0.1), ("running", 0.1)] * 3}])
    yield Row("replicas that lag", [ALONE], service={"replica_lag": 0.2}, scripts=[{"running": 0.1}])
    yield Row(
        "replicas that lag and a lost reply", [on("execute", "reply_lost", times=1)], service={"replica_lag": 0.2}
    )
    for number in (1, 3):
        yield Row(f"an unknown state, {times(number)}", [on("jobs", "unknown_status", nth=range(1, number + 1))])
        yield Row(f"no state, {times(number)}", [on("jobs", "missing_status", nth=range(1, number + 1))])
    yield Row("an unknown state alone, once", [ALONE, on("job", "unknown_status", nth=1)])
    yield Row("no state alone, once", [ALONE, on("job", "missing_status", nth=1)])
    yield Row(
        "an unknown state for ever",
        [on("jobs", "unknown_status"), on("job", "unknown_status")],
        errors.JobTimeoutError,
        "",
        settings={"deadline": 0.5},
        seconds=2,
    )
    yield Row("an unknown state like a format", [on("jobs", "unknown_status", word="%s%n" + "x" * 300, nth=1)])
    for state in ("accepted", "running"):
        yield Row(
            f"{state} for ever",
            scripts=[{"timeline": [(state, 1e6)]}],
            error=errors.JobTimeoutError,
            settings={"deadline": 0.5},
            seconds=2,
            look=nothing_cancelled,
            peers=False,
        )
    yield Row("unknown at first", [ALONE, on("job", "job_not_found", times=1)])
    yield Row(
        "unknown for ever",
        [ALONE, on("job", "job_not_found")],
        errors.JobLostError,
        "not found",
        jobs=2,
        hint=False,
        settings={"young": 10},
        seconds=6,
    )
    yield Row(
        "cancelled elsewhere while it runs",
        scripts=[{"running": 30}],
        prepare=dismisses,
        error=errors.JobLostError,
        words="dismissed",
        jobs=1,
        hint=False,
        look=nothing,
        settings={"young": 0},
    )
    yield Row("expired once", scripts=[{"expires_after": 0.0, "times": 1}, {}], jobs=2)
    yield Row("expired for ever", scripts=[{"expires_after": 0.0}], error=errors.ResultsExpiredError, jobs=2)
    yield Row("410 once on results", [*strikes("results", "bad_gateway", status=410, times=1)], jobs=2)
    yield Row("results not ready at first", [ALONE, on("results", answered, status=404, times=3, body=NOT_READY)])
    yield Row(
        "results not ready for ever",
        [ALONE, on("results", answered, status=404, body=NOT_READY)],
        errors.JobTimeoutError,
        "",
        settings={"deadline": 1.0},
        calls=150,
        seconds=4,
    )
    yield Row(
        "evicted while it is downloaded",
        [
            on("object", "reset_after", nth=1, bytes=20_000),
            on("object", happening, nth=1, action=Late(lambda w: w.cds.evict)),
        ],
        jobs=2,
    )
    yield Row("lost reply to the submission", [on("execute", "reply_lost", times=1)])
    for fault in ("rate_limit", "internal_error", "unavailable", "html_page", "not_json", "wrong_types"):
        times_in_row = 2 if fault == "wrong_types" else 3
        yield Row(
            f"lost reply, and the job answers with {fault}",
            [on("execute", "reply_lost", times=1), on("job", fault, times=times_in_row)],
        )
    yield Row(
        "lost reply, and the job must not be looked at",
        [on("execute", "reply_lost", times=1), on("job", "token_rejected", times=1)],
        errors.AuthError,
        "",
    )
    for status in (507, 520, 522, 524):
        yield Row(
            f"the reply to the submission is lost behind a {status}",
            [on("execute", restated, times=1, status=status)],
        )
        yield Row(
            f"{status} in answer to the submission, and the list is away",
            [on("execute", restated, times=1, status=status), on("jobs", "internal_error")],
            errors.ServerError,
            "fails",
            settings=IMPATIENT,
        )
        yield Row(
            f"{status} once on jobs and object",
            [on(route, "bad_gateway", times=1, status=status) for route in ("jobs", "object")],
        )
    yield Row(
        "lost reply to the submission, clocks a day apart",
        [
            on("execute", "reply_lost", times=1),
            on("jobs", edited, change=a_day_earlier),
            on("job", edited, change=a_day_earlier),
        ],
    )
    yield Row(
        "lost reply, and the list fails once",
        [on("execute", "reply_lost", times=1), on("jobs", "internal_error", times=1)],
    )
    yield Row(
        "lost reply, and the list is a page once",
        [on("execute", "reply_lost", times=1), on("jobs", "html_page", times=1)],
    )
    yield Row(
        "lost reply, the job comes late into the list",
        [on("execute", "reply_lost", times=1), on("jobs", "jobs_missing", nth=(1, 2))],
    )
    yield Row(
        "lost reply, many jobs of others",
        [on("execute", "reply_lost", times=1)],
        prepare=jobs_of_others,
        jobs=16,
        posts=16,
        settings={"timeout": 2},
    )
    yield Row(
        "the reply to the submission names no job",
        [
            on("execute", edited, times=1, change=lambda d: {**d, "jobID": None}),
            on("execute", headers, times=1, Location=None),
        ],
    )
    yield Row(
        "the reply to the submission names a path",
        [
            on("execute", edited, times=1, change=lambda d: {**d, "jobID": "../../x"}),
            on("execute", headers, times=1, Location="http://127.0.0.1:1/api/retrieve/v1/jobs/.."),
        ],
    )
    yield Row(
        "the address of the job is elsewhere",
        [
            on("execute", headers, Location="https://example.org/jobs/x"),
            on(
                "execute",
                edited,
                change=lambda d: {**d, "links": [{"rel": "monitor", "href": "https://example.org/j"}]},
            ),
        ],
    )
    yield Row("every link twice", [on("api", "two_monitor_links")])
    yield Row(
        "links to elsewhere",
        [
            on(
                "jobs",
                edited,
                change=lambda d: {**d, "links": [{"rel": "next", "href": "http://example.org/x?cursor=abc"}]},
            )
        ],
    )
    yield Row("a submission that is delivered twice", [on("execute", "duplicate_delivery", times=1)], jobs=2, posts=1)
    yield Row("lists that lack the job, once", [on("jobs", "jobs_missing", times=1)])
    yield Row(
        "lists with strange rows",
        [
            on(
                "jobs",
                edited,
                change=lambda d: with_jobs(
                    d,
                    lambda rows: [
                        7,
                        None,
                        {},
                        {"jobID": 5},
                        {"jobID": "../x", "status": "failed"},
                        *rows,
                        *rows,
                        [],
                        {"jobID": "ab" * 16, "status": 3},
                    ],
                ),
            )
        ],
    )
    yield Row(
        "lists without results",
        [
            on(
                "jobs",
                edited,
                change=lambda d: with_jobs(
                    d, lambda rows: [{key: value for key, value in row.items() if key != "metadata"} for row in rows]
                ),
            )
        ],
    )
    yield Row("lists without links and numbers", [on("jobs", edited, change=lambda d: {"jobs": d["jobs"]})])
    for order, first in (("first", -1), ("last", 1)):
        yield Row(
            f"lists in which the job is twice, with its true state {order}",
            [on("jobs", edited, change=lambda d, step=first: with_jobs(d, lambda rows: [*twice(rows)][::step]))],
            scripts=[{"running": 0.1}],
            settings={"deadline": 3.0},
        )
    yield Row("lists that are null", [on("jobs", edited, change=lambda d: {**d, "jobs": None})])
    yield Row("lists that are an object", [on("jobs", edited, change=lambda d: {**d, "jobs": {}})])
    yield Row("pages that turn in a circle", [on("jobs", edited, change=circle)], calls=60)
    yield Row(
        "a job behind many pages",
        prepare=many_jobs_later,
        scripts=[{"running": 0.3}],
        jobs=161,
        posts=161,
        calls=400,
        seconds=15,
        settings={"timeout": 5},
    )


def twice(rows: list[Any]) -> Iterator[Any]:
    """Every job as it was a moment ago, and as it is."""
    yield from ({**row, "status": "running"} for row in rows)
    yield from rows


def range_of(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


NOT_READY = json.dumps(
    {
        "type": "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/result-not-ready",
        "title": "job results not ready",
        "status": 404,
        "detail": "status is 'running'",
    }
).encode()


def nothing(world: World, error: BaseException | None) -> Iterator[str]:
    yield from ()


def nothing_cancelled(world: World, error: BaseException | None) -> Iterator[str]:
    if any(job.dismissed is not None for job in world.cds.jobs):
        yield "jobs: one was cancelled"


def dismisses(world: World) -> None:
    """After the second look somebody cancels the job."""

    def act() -> None:
        for job in world.cds.jobs:
            world.cds._api.jobs.dismiss(job)

    world.cds.fault(happening, route="jobs", nth=2, action=act)


def a_day_earlier(document: Any) -> Any:
    """Times as a clock a day slow writes them."""
    for row in document.get("jobs", [document]):
        if "created" in row:
            row["created"] = row["created"].replace(row["created"][:10], "2001-01-01")
    return document


def circle(document: Any) -> Any:
    """Full pages of strangers, each leading to itself."""
    rows = [{"jobID": f"{n:08x}-0000-4000-8000-000000000000", "status": "running"} for n in range(1, 200)]
    links = [{"rel": "next", "href": "http://127.0.0.1/x?cursor=MjAyNi0wMS0wMSAwMDowMDowMC4wMDAwMDA%3D"}]
    return {**document, "jobs": rows, "links": links}


def others(world: World, count: int) -> None:
    from tests.look_alike import Client

    client = Client(world.cds)
    for number in range(count):
        client.submit(area=[40, -1, 39, number + 1])


def jobs_of_others(world: World) -> None:
    others(world, 15)


def many_jobs_later(world: World) -> None:
    """Others ask for much as soon as ours is there."""
    world.cds.fault(happening, route="jobs", nth=1, action=lambda: others(world, 160))


# --- refusals ---


def refusals() -> Iterator[Row]:
    for route, count in (("execute", 0), ("jobs", 1)):
        yield Row(
            f"401 on {route}",
            strikes(route, "token_rejected"),
            errors.AuthError,
            "token",
            jobs=count,
            posts=1,
            calls=10,
            seconds=1.5,
        )
    for route in ("job", "results"):
        yield Row(f"401 on {route}", strikes(route, "token_rejected"), errors.AuthError, "token", calls=20)
    yield Row(
        "the token is revoked half-way",
        [on("api", "token_rejected", delay=0.2)],
        errors.AuthError,
        "token",
        scripts=[{"running": 0.5}],
    )
    yield Row("403 on jobs as a page", strikes("jobs", "bad_gateway", status=403), errors.AuthError, "", calls=10)
    yield Row(
        "407 on execute", strikes("execute", "bad_gateway", status=407), errors.AuthError, "proxy", jobs=0, hint=False
    )
    yield Row(
        "a licence is missing",
        service={"licences_accepted": False},
        error=errors.LicenceError,
        words="manage-licences",
        jobs=0,
        posts=1,
        calls=2,
        seconds=1.5,
        again=False,
    )
    refused = {
        "error": errors.RequestError,
        "jobs": 0,
        "posts": 1,
        "calls": 2,
        "seconds": 1.5,
        "again": False,
        "hint": False,
    }
    plain: dict[str, Any] = {"scripts": ()}
    yield Row("the dataset is unknown", dataset="reanalysis-era5-nowhere", words="nowhere", **refused)
    yield Row(
        "the dataset has a strange name", dataset="../../jobs/x?y#z", words="x.y#z|address", **{**refused, "calls": 3}
    )
    yield Row(
        "the dataset is disabled",
        service={"disabled": {"reanalysis-era5-single-levels": "out of order"}},
        **{**refused, "error": errors.AuthError},
        words="out of order",
    )
    yield Row("the cost is too high", service={"cost_limit": 3}, words="too large", **refused, **plain)
    yield Row(
        "a value does not exist",
        request={**Row("").request, "month": ["13"]},
        words="valid combination",
        **refused,
        **plain,
    )
    yield Row(
        "422 on execute",
        [on("execute", answered, status=422, body=b'{"detail": [{"msg": "Field required", "loc": ["body"]}]}')],
        words="Field required",
        **refused,
    )
    yield Row(
        "422 with a strange detail",
        [on("execute", answered, status=422, body=b'{"detail": [[{}, 7], "x"]}')],
        **refused,
    )
    yield Row(
        "a very long refusal",
        [on("execute", answered, status=400, body=json.dumps({"detail": "y" * 100_000}).encode())],
        words="yyy",
        **refused,
    )
    yield Row(
        "a refusal that shows the token",
        [
            on(
                "execute",
                answered,
                status=400,
                body=Late(lambda w: json.dumps({"detail": f"bad header PRIVATE-TOKEN: {w.cds.key}"}).encode()),
            )
        ],
        words="bad header",
        **refused,
    )
    yield Row(
        "a failed job that shows the token",
        prepare=lambda w: w.cds.script(outcome="failed", traceback=f"x {w.cds.key} y"),
        scripts=(),
        error=errors.JobFailedError,
        words="x .* y",
    )


# --- data ---

CUT = on("object", "reset_after", nth=1, bytes=20_000)


def data() -> Iterator[Row]:
    for count in (0, 1, 7, 25_000, 49_999):
        yield Row(f"data are cut after {count} bytes", [on("object", "reset_after", times=1, bytes=count)])
        yield Row(
            f"data end after {50_000 - count or 50_000} bytes",
            [on("object", "short_body", times=1, missing=count or 50_000)],
        )
    yield Row("data are cut every 2,500 bytes", [on("object", "reset_after", nth=range(1, 20), bytes=2500)])
    yield Row(
        "data end one byte early for ever",
        [on("object", "short_body")],
        errors.CorruptDataError,
        "got 49999 of 50000",
    )
    yield Row(
        "data end at once for ever",
        [on("object", "short_body", missing=50_000)],
        errors.NetworkError,
        "closed",
        settings=IMPATIENT,
    )
    yield Row(
        "data without length end early once",
        [on("object", "no_length", times=1), on("object", "short_body", times=1, missing=9000)],
    )
    yield Row("data without length", [on("object", "no_length")])
    yield Row("data without length and declared size", [on("object", "no_length"), *no_size()])
    yield Row(
        "data without length and declared size end early once",
        [on("object", "no_length", times=1), on("object", "short_body", times=1, missing=9000), *no_size()],
    )
    yield Row("data are longer once", [on("object", "longer_body", times=1)])
    yield Row("data are longer for ever", [on("object", "longer_body")], errors.CorruptDataError, "longer")
    yield Row(
        "data are much longer for ever",
        [on("object", "longer_body", bytes=5_000_000)],
        errors.CorruptDataError,
        "longer",
    )
    yield Row("length too large once", [on("object", "wrong_length", times=1)])
    yield Row("length too small once", [on("object", "wrong_length", times=1, by=-10)])
    yield Row("length too large for ever", [on("object", "wrong_length")], errors.CorruptDataError, "longer")
    for offset in (0, 3, 25_000, -1):
        yield Row(f"a bit is wrong at {offset} once", [on("object", "bit_flip", times=1, offset=offset)])
        yield Row(
            f"a bit is wrong at {offset} for ever",
            [on("object", "bit_flip", offset=offset)],
            errors.CorruptDataError,
            "",
        )
    yield Row("bytes are shifted by one, once", [on("object", changed, times=1, change=lambda body: body[1:] + b"x")])
    yield Row(
        "bytes of the rest are shifted by one",
        [CUT, on("object", changed, nth=2, change=lambda body: body[1:] + b"x")],
    )
    yield Row("zeros once", [on("object", changed, times=1, change=lambda body: bytes(len(body)))])
    yield Row(
        "zeros for ever", [on("object", changed, change=lambda body: bytes(len(body)))], errors.CorruptDataError, ""
    )
    yield Row("nothing once", [on("object", "empty_body", times=1)])
    yield Row("nothing for ever", [on("object", "empty_body")], errors.CorruptDataError, "empty reply")
    yield Row("a page once", [on("object", "html_page", times=1)])
    yield Row("a page for ever", [on("object", "html_page")], errors.CorruptDataError, "HTML: .*Please log in")
    yield Row("JSON for ever", [on("object", answered, body=b'{"error": "sorry"}')], errors.CorruptDataError, "")
    yield Row("gzip once", [on("object", "gzip_encoding", times=1)])
    yield Row("gzip for ever", [on("object", "gzip_encoding")], errors.CorruptDataError, "encoded reply")
    yield Row("gzip of the rest", [CUT, on("object", "gzip_encoding", nth=2)])
    yield Row("the range is ignored", [CUT, on("object", "range_ignored", nth=2)])
    yield Row(
        "the range is ignored for ever",
        [on("object", "reset_after", nth=(1, 2), bytes=20_000), on("object", "range_ignored")],
    )
    for shift in (1, -1, -1000, 1000):
        yield Row(f"the range begins {shift} off", [CUT, on("object", "range_elsewhere", nth=2, shift=shift)])
    yield Row("the range begins elsewhere three times", [CUT, on("object", "range_elsewhere", nth=(2, 3, 4))])
    for name, text in {
        "missing": None,
        "strange": "bytes x-y/z",
        "another total": "bytes 20000-49999/50001",
        "no total": "bytes 20000-49999/*",
        "backwards": "bytes 49999-20000/50000",
        "huge": "bytes 20000-99999999999999999999/999999999999999999999",
    }.items():
        yield Row(f"Content-Range {name}", [CUT, on("object", headers, nth=2, Content_Range=text)])
    yield Row("206 without being asked", [on("object", restated, nth=1, status=206)])
    yield Row("200 with the rest only", [CUT, on("object", restated, nth=2, status=200)])
    yield Row(
        "several ranges in one reply",
        [CUT, on("object", headers, nth=2, Content_Type="multipart/byteranges; boundary=x", Content_Range=None)],
    )
    yield Row("416 once", [on("object", "range_unsatisfiable", times=1)])
    yield Row("416 to the rest", [CUT, on("object", "range_unsatisfiable", nth=2)])
    yield Row("416 for ever", [on("object", "range_unsatisfiable")], errors.CorruptDataError, "")
    yield Row("another entity tag", [CUT, on("object", "etag_changed", nth=2)])
    yield Row(
        "another entity tag every time",
        [on("object", "reset_after", nth=(1, 2), bytes=20_000), on("object", "etag_changed")],
    )
    yield Row("a weak entity tag", [CUT, on("object", headers, ETag='W/"x"')])
    yield Row("a strange entity tag", [CUT, on("object", headers, ETag="\x01" * 3 + "\t not quoted" * 50)])
    yield Row("no entity tag", [CUT, on("object", "etag_missing")])
    yield Row("no ranges", [CUT, on("object", "no_ranges")])
    yield Row(
        "the object is replaced between two tries",
        [CUT, on("object", replaced, nth=range(2, 99), content=OTHER)],
        contents=(ANSWER, OTHER),
    )
    yield Row(
        "the object is replaced by a shorter one",
        [CUT, on("object", replaced, nth=range(2, 99), content=OTHER[:-9000])],
        errors.CorruptDataError,
        "",
    )
    yield Row(
        "the object is replaced for one try",
        [CUT, on("object", replaced, nth=2, content=OTHER)],
        contents=(ANSWER, OTHER),
    )
    for status in (401, 403, 404, 410):
        yield Row(f"{status} once on object", [on("object", "not_found", times=1, status=status)], jobs=(1, 2))
    yield Row("404 for ever on object", [on("object", "not_found")], errors.ResultsExpiredError, "404", jobs=2)
    yield Row(
        "403 for ever on object", [on("object", "not_found", status=403)], errors.ResultsExpiredError, "403", jobs=2
    )
    yield Row("404 to the rest", [CUT, on("object", "not_found", nth=2)], jobs=(1, 2))
    yield Row(
        "400 for ever on object", [on("object", "not_found", status=400)], errors.RequestError, "400", hint=False
    )
    yield Row("204 once on object", [on("object", answered, status=204, times=1)])
    yield Row("slow for a while", [on("object", "drip", times=1, speed=5000.0)], seconds=8)
    yield Row(
        "slow every time", [on("object", "drip", speed=20_000.0)], settings={"low_speed_limit": 30_000}, seconds=8
    )
    for some in (1, 3, 7):
        yield Row(f"silence after {some} bytes of data", [on("object", "stall", seconds=0.1, after=some)])
    yield Row("silence within data", [on("object", "stall", times=1, seconds=3.0, after=20_000)], seconds=8)
    yield Row(
        "a name for the file that leads elsewhere",
        [on("object", headers, Content_Disposition='attachment; filename="../../evil.sh"')],
        look=one_file,
    )
    yield Row("a file type that lies, harmlessly", [on("object", headers, Content_Type="text/html")])


def one_file(world: World, error: BaseException | None) -> Iterator[str]:
    names = sorted(path.name for path in world.folder.rglob("*") if path.is_file() and "journal" not in path.name)
    if names != [world.target.name]:
        yield f"files: {names}"


def assets(**changes: Any) -> list[Any]:
    """The description of the data, changed wherever it stands."""
    return [on(route, edited, change=lambda d: with_asset(d, **changes)) for route in ("jobs", "results")]


def no_size() -> list[Any]:
    return assets(size=Missing)


ZERO_FIRST = next(
    grib(5000, seed=seed) for seed in range(5000) if hashlib.md5(grib(5000, seed=seed)).hexdigest().startswith("00")
)


def descriptions() -> Iterator[Row]:
    yield Row("no size", no_size())
    for name, size in {
        "negative": -5,
        "2^60": 2**60,
        "2^70": 2**70,
        "text": "50000",
        "word": "big",
        "null": None,
        "list": [],
        "fraction": 50000.5,
        "true": True,
        "1e400": float("inf"),
    }.items():
        once = [
            on(route, edited, change=lambda d, s=size: with_asset(d, size=s), times=1)
            for route in ("jobs", "results")
        ]
        yield Row(f"size {name} once", once)
        yield Row(f"size {name} for ever", assets(size=size), errors.ServerError, "size|unreadable", calls=40)
    yield Row("size too small", [on("jobs", "wrong_asset", value=1)], errors.CorruptDataError, "longer than declared")
    yield Row("size zero", assets(size=0), errors.CorruptDataError, "")
    yield Row("size too large", assets(size=60_000), errors.CorruptDataError, "got 50000 of 60000")
    yield Row("size beyond the disk", assets(size=1 << 49), errors.StorageError, "Needs 562949953\\.4 MB, free are")
    for name, text in {
        "rubbish": "rubbish",
        "empty": "",
        "number": 7,
        "null": None,
        "missing": Missing,
        "of something else": "0" * 32,
        "too long": "a" * 64,
        "short": "abc",
        "text of a format": "%s%n",
    }.items():
        yield Row(f"checksum {name}", assets(checksum=text))
    yield Row("checksum with leading zeros dropped", contents=(ZERO_FIRST,))
    yield Row(
        "checksum with leading zeros dropped, a bit wrong",
        [on("object", "bit_flip", offset=2000)],
        errors.CorruptDataError,
        "checksum",
        contents=(ZERO_FIRST,),
    )
    yield Row("checksum that says nothing", service={"plain_checksum": False})
    yield Row("checksum of parts", service={"one_put_limit": 10_000, "part_size": 10_000})
    yield Row("no description once", [ALONE, on("results", "missing_asset", times=1)])
    yield Row("no description for ever", [ALONE, on("results", "missing_asset")], errors.ServerError, "no asset")
    for href, error, words in [
        ("file:///etc/passwd", errors.UnsafeInputError, "http"),
        ("http://example.org/x", errors.NetworkError, "insecure"),
        ("ftp://127.0.0.1/x", errors.UnsafeInputError, "http"),
        ("javascript:alert(1)", errors.ServerError, "unusable address"),
        (7, errors.ServerError, "unusable address"),
        ("", errors.ServerError, ""),
        ("http://user:secret@127.0.0.1/x", errors.UnsafeInputError, ""),
        ("https://" + "a" * 5000 + "/x", errors.ServerError, ""),
        ("http://127.0.0.1:99999/x", errors.ServerError, ""),
        ("https://127.0.0.1/\r\nX-Evil: 1", errors.ServerError, ""),
        ("http://[::1/x", errors.ServerError, ""),
    ]:
        yield Row(
            f"address {href if len(str(href)) < 40 else 'very long'!r}",
            assets(href=href),
            error,
            words,
            calls=40,
            settings=IMPATIENT,
            hint=error is not errors.UnsafeInputError,
        )
    yield Row(
        "the type says netCDF",
        assets(type="application/netcdf"),
        errors.CorruptDataError,
        "expected netCDF, got GRIB",
    )
    yield Row("the type says nothing", assets(type=Missing))
    yield Row("the type is a number", assets(type=7))
    yield Row(
        "the size changes from look to look",
        [on("jobs", edited, nth=1, change=lambda d: with_asset(d, size=49_000)), CUT],
        errors.CorruptDataError,
        "longer than declared",
    )


# --- archives ---


def zipped(*members: tuple[str, bytes], **flags: Any) -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = flags.get("mode", 0o644) << 16
            archive.writestr(info, content)
    return out.getvalue()


def netcdf() -> bytes:
    """A small netCDF file."""
    file = netCDF4.Dataset("x.nc", "w", memory=4096)
    file.createDimension("x", 500)
    file.createVariable("t2m", "f4", ("x",))[:] = range(500)
    return bytes(file.close())


def archives() -> Iterator[Row]:
    good = netcdf()
    hostile = {
        "file": "x.nc",
        "error": errors.UnsafeInputError,
        "hint": False,
        "again": False,
        "look": nothing_unpacked,
        "peers": False,
    }
    yield Row(
        "a zip for netCDF",
        contents=(good,),
        scripts=[{"answer": zipped(("data.nc", good))}],
        file="x.nc",
        peers=False,
    )
    yield Row(
        "a zip that leads elsewhere", scripts=[{"answer": zipped(("../../evil.nc", good))}], words="evil", **hostile
    )
    yield Row(
        "a zip with an absolute name", scripts=[{"answer": zipped(("/tmp/evil.nc", good))}], words="evil", **hostile
    )
    yield Row(
        "a zip with a link",
        scripts=[{"answer": zipped(("evil.nc", b"/etc/passwd"), mode=0o120777)}],
        words="evil",
        **hostile,
    )
    yield Row(
        "a zip with a device", scripts=[{"answer": zipped(("evil.nc", b""), mode=0o020666)}], words="evil", **hostile
    )
    yield Row(
        "a zip with too many members",
        scripts=[{"answer": zipped(*((f"{n}.nc", b"") for n in range(10_001)))}],
        words="member",
        **hostile,
    )
    yield Row(
        "an empty zip",
        scripts=[{"answer": b"PK\x05\x06" + bytes(18)}],
        **{**hostile, "error": errors.CorruptDataError},
    )
    yield Row(
        "a zip without netCDF",
        scripts=[{"answer": zipped(("readme.txt", b"hello"))}],
        **{**hostile, "error": errors.CorruptDataError},
    )
    broken = bytearray(zipped(("data.nc", good * 50)))
    broken[60] ^= 0xFF
    yield Row(
        "a zip that is damaged at the service",
        scripts=[{"answer": bytes(broken)}],
        **{**hostile, "error": errors.CorruptDataError},
    )
    yield Row(
        "half a zip at the service",
        scripts=[{"answer": zipped(("data.nc", good * 50))[:-40]}],
        **{**hostile, "error": errors.CorruptDataError},
    )
    whole = zipped(("data.nc", good))
    yield Row("a zip that stays a zip", contents=(whole,), file="x.zip")
    yield Row(
        "half a netCDF file at the service",
        scripts=[{"answer": good[:3000]}],
        **{**hostile, "error": errors.CorruptDataError},
    )
    yield Row(
        "half a GRIB file at the service",
        scripts=[{"answer": ANSWER[:-100]}],
        error=errors.CorruptDataError,
        again=False,
    )


def nothing_unpacked(world: World, error: BaseException | None) -> Iterator[str]:
    names = sorted(path.name for path in world.folder.rglob("*") if "evil" in path.name or path.suffix == ".txt")
    if names:
        yield f"files: {names}"
    if any("e5members" in name for name in world.hidden()):
        yield f"left over: {world.hidden()}"


def rows() -> dict[str, Row]:
    """All rows by name; the name says what goes wrong."""
    from tests.fault_matrix_local import GROUPS

    found: dict[str, Row] = {}
    groups = (passing, waiting, network, redirects, documents, jobs, refusals, data, descriptions, archives)
    for group in (*groups, *GROUPS):
        for row in group():
            name = f"{group.__name__}: {row.name}"
            assert name not in found, name
            found[name] = row
    return found


ROWS = rows()

if __name__ == "__main__":
    main(ROWS)

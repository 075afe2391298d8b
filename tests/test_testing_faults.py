"""The look-alike of the Climate Data Store: each fault does what its name says."""

from __future__ import annotations

import hashlib
import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from look_alike import ANSWER, DATASET, Answer, ask

from era5fast.testing import FAULTS
from era5fast.testing.routing import ROUTES


@pytest.mark.parametrize(
    ("name", "parameters", "status"),
    [
        ("rate_limit", {}, 429),
        ("internal_error", {}, 500),
        ("bad_gateway", {}, 502),
        ("unavailable", {}, 503),
        ("gateway_timeout", {}, 504),
        ("token_rejected", {}, 401),
        ("job_not_found", {}, 404),
        ("redirect", {}, 302),
        ("not_found", {}, 404),
        ("range_unsatisfiable", {}, 416),
    ],
)
def test_a_fault_may_answer_instead(quick, cds, name, parameters, status) -> None:
    job = quick.job()
    rule = cds.fault(name, route="job", nth=2, **parameters)
    assert [quick.call("GET", f"/jobs/{job}").status for _ in range(3)] == [200, status, 200]
    assert (rule.seen, rule.hits) == (3, 1)
    assert cds.requests[-2].faults == [name]


def test_rate_limits_name_a_wait_in_many_forms(client, cds) -> None:
    def header(**parameters: Any) -> str | None:
        cds.clear_faults()
        cds.fault("rate_limit", **parameters)
        return client.call("GET", "/jobs").headers["Retry-After"]

    assert header(retry_after=17) == "17"
    assert header(retry_after=0) == "0"
    assert header(retry_after="soon") == "soon"
    assert header(retry_after=None) is None
    moment = parsedate_to_datetime(header(retry_after="date+30") or "")
    assert timedelta(seconds=25) < moment - datetime.now(UTC) < timedelta(seconds=31)


def test_proxies_answer_in_html(client, cds) -> None:
    cds.fault("bad_gateway", times=1)
    cds.fault("html_page")
    reply = client.call("GET", "/jobs")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html")
    cds.clear_faults()
    cds.fault("unavailable", retry_after=3)
    reply = client.call("GET", "/jobs")
    assert (reply.headers["Content-Type"], reply.headers["Retry-After"]) == ("text/html", "3")


def test_a_redirect_leads_to_another_origin(quick, cds) -> None:
    url = quick.asset_of()["href"]
    cds.fault("redirect", times=2)
    store = ask("GET", url).headers["Location"]
    assert urlsplit(store).path == urlsplit(url).path
    assert urlsplit(store).port != urlsplit(url).port
    api = quick.call("GET", "/jobs").headers["Location"]
    assert api.rpartition("/api")[0] in cds.stores


def test_a_lost_reply_leaves_a_job_behind(quick, cds) -> None:
    cds.fault("reply_lost", route="execute", times=1)
    with pytest.raises(ConnectionError):
        quick.submit()
    assert [j["processID"] for j in quick.call("GET", "/jobs").json["jobs"]] == [DATASET]
    assert cds.requests[0].status is None


def test_connections_break(quick, cds) -> None:
    url = quick.asset_of()["href"]
    cds.fault("reset", route="object", nth=1)
    cds.fault("reset_after", route="object", nth=2, bytes=5000)
    cds.fault("short_body", route="object", nth=3, missing=100)
    cds.fault("wrong_length", route="object", nth=4, by=10)
    with pytest.raises(ConnectionError):
        ask("GET", url)
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        ask("GET", url)
    for got in (len(ANSWER) - 100, len(ANSWER)):
        with pytest.raises(http.client.IncompleteRead) as caught:
            ask("GET", url)
        assert len(caught.value.partial) == got
    assert ask("GET", url).body == ANSWER


def test_a_length_too_small_cuts_the_body(quick, cds) -> None:
    url = quick.asset_of()["href"]
    cds.fault("wrong_length", by=-10)
    assert ask("GET", url).body == ANSWER[:-10]


def test_a_stall_is_silence_and_then_goes_on(quick, cds) -> None:
    url = quick.asset_of()["href"]
    for after in (-1, 3000):
        cds.clear_faults()
        cds.fault("stall", route="object", seconds=0.2, after=after)
        began = time.monotonic()
        assert ask("GET", url).body == ANSWER
        assert time.monotonic() - began >= 0.2


def test_a_black_hole_never_answers(cds) -> None:
    cds.fault("black_hole", route="jobs")
    parts = urlsplit(cds.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=0.2)
    connection.request("GET", f"{parts.path}/retrieve/v1/jobs", headers={"PRIVATE-TOKEN": cds.key})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


def test_a_body_may_drip(quick, cds) -> None:
    url = quick.asset_of()["href"]
    cds.fault("drip", route="object", speed=len(ANSWER) * 5)
    began = time.monotonic()
    assert ask("GET", url).body == ANSWER
    assert 0.15 < time.monotonic() - began < 2


def test_a_call_may_be_delivered_twice(quick, cds) -> None:
    cds.fault("duplicate_delivery", route="execute", nth=1)
    answered = quick.job()
    assert [job.id for job in cds.jobs][-1] == answered
    assert len(cds.jobs) == 2
    assert cds.count("execute") == 1


def test_the_list_is_spoilt(quick, cds) -> None:
    quick.job()

    def entry(name: str, **parameters: Any) -> Any:
        cds.clear_faults()
        cds.fault(name, route="jobs", **parameters)
        return quick.call("GET", "/jobs").json["jobs"][0]

    assert entry("unknown_status")["status"] == "pondering"
    assert "status" not in entry("missing_status")
    assert "asset" not in entry("missing_asset")["metadata"]["results"]
    assert entry("wrong_asset", value=-3)["metadata"]["results"]["asset"]["value"]["file:size"] == -3
    cds.clear_faults()
    cds.fault("jobs_missing")
    assert quick.call("GET", "/jobs").json["jobs"] == []


def test_bodies_are_spoilt(quick, cds) -> None:
    url = quick.asset_of()["href"]

    def get(name: str, **parameters: Any) -> Answer:
        cds.clear_faults()
        cds.fault(name, route="object", **parameters)
        return ask("GET", url)

    flipped = get("bit_flip", offset=-1, bit=3)
    assert flipped.body == ANSWER[:-1] + bytes([ANSWER[-1] ^ 8])
    assert get("empty_body").body == b""
    assert get("longer_body", bytes=3).body == ANSWER + b"xxx"
    assert get("no_length").body == ANSWER
    assert get("no_length").headers["Transfer-Encoding"] == "chunked"
    zipped = get("gzip_encoding")
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.body.startswith(b"\x1f\x8b")
    assert get("etag_missing").headers["ETag"] is None
    assert get("etag_changed").headers["ETag"] not in (None, f'"{hashlib.md5(ANSWER).hexdigest()}"')
    assert get("no_ranges").headers["Accept-Ranges"] == "none"


def test_ranges_go_wrong(quick, cds) -> None:
    url = quick.asset_of()["href"]
    cds.fault("range_ignored", route="object", nth=1)
    cds.fault("range_elsewhere", route="object", nth=2, shift=-4)
    assert ask("GET", url, Range="bytes=10-").status == 200
    part = ask("GET", url, Range="bytes=10-")
    assert part.headers["Content-Range"] == f"bytes 6-{len(ANSWER) - 1}/{len(ANSWER)}"
    assert part.body == ANSWER[6:]


def test_json_is_spoilt(quick, cds) -> None:
    job = quick.job()

    def get(name: str, path: str = "", **parameters: Any) -> Answer:
        cds.clear_faults()
        cds.fault(name, route="api", **parameters)
        return quick.call("GET", f"/jobs/{job}{path}")

    for name in ("not_json", "truncated_json"):
        with pytest.raises(json.JSONDecodeError):
            _ = get(name).json
    huge = get("huge_json", bytes=1 << 20)
    assert len(huge.body) > 1 << 20
    assert huge.json["jobID"] == job
    assert get("duplicate_keys").body.count(b'"processID":') == 2
    assert get("duplicate_keys").json["jobID"] == job
    assert get("deep_json", depth=50).body == b"[" * 50 + b"]" * 50
    assert set(get("wrong_types").json.values()) == {7}
    assert get("unknown_status", word="musing").json["status"] == "musing"
    assert len(get("two_monitor_links").json["links"]) == 4
    assert get("missing_asset", "/results").json == {}
    assert get("wrong_asset", "/results", key="file:size", value=-1).json["asset"]["value"]["file:size"] == -1


def test_faults_strike_with_a_probability_a_delay_and_everywhere(quick, cds) -> None:
    rule = cds.fault("internal_error", route="*", probability=0.5)
    struck = [quick.call("GET", "/jobs").status == 500 for _ in range(40)]
    assert 8 < sum(struck) == rule.hits < 32
    cds.clear_faults()
    cds.fault("token_rejected", route="store", delay=3600)
    cds.fault("token_rejected", route="jobs", delay=3600)
    assert quick.call("GET", "/jobs").status == 200
    with pytest.raises(ValueError, match="no fault is called 'gremlin'; there are: bad_gateway"):
        cds.fault("gremlin")
    with pytest.raises(TypeError, match="ofset"):
        cds.fault("bit_flip", ofset=3)
    with pytest.raises(ValueError, match=r"no route is called 'objects'; there are: .*api-request"):
        cds.fault("bit_flip", route="objects")


def test_every_fault_and_route_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "how-to" / "test-against-the-look-alike.md").read_text()
    for fault in FAULTS.values():
        assert fault.summary.endswith("."), fault.name
        assert f"`{fault.name}`" in page
    for route in {route.name for route in ROUTES} | {"object"}:
        assert f"`{route}`" in page

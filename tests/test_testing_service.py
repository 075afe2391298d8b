"""The look-alike of the Climate Data Store: conformity with the protocol, files, faults, and the official clients."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import netCDF4
import numpy as np
import pytest

from era5fast.testing import ANONYMOUS_KEY, FAULTS, Service, Weather
from era5fast.testing.__main__ import parse_fault
from era5fast.testing.routing import ROUTES
from era5fast.testing.store import checksum_of, digest

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


def wait_for(condition: Any, seconds: float = 5.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


@pytest.fixture
def cds():
    with Service() as service:
        yield service
        assert service.leaks == []


@pytest.fixture
def client(cds) -> Client:
    return Client(cds)


@pytest.fixture
def quick(cds, client) -> Client:
    """A client of a service whose answers are given, not computed."""
    cds.script(answer=ANSWER)
    return client


# --- submission


def test_a_submission_is_answered_as_documented(quick, cds) -> None:
    reply = quick.submit()
    job = reply.json["jobID"]
    assert reply.status == 201
    assert reply.headers["Location"] == f"{quick.root}/jobs/{job}"
    assert str(uuid.UUID(job)) == job
    assert set(reply.json) == {"processID", "type", "jobID", "status", "created", "updated", "links", "metadata"}
    assert reply.json["status"] == "accepted"
    assert [link["rel"] for link in reply.json["links"]] == ["self", "monitor"]
    assert reply.json["links"][0]["href"] == f"{quick.root}/processes/{DATASET}/execution"
    assert reply.json["links"][1]["href"] == reply.headers["Location"]
    assert reply.json["metadata"] == {"origin": "api", "datasetMetadata": {"messages": []}}
    created = datetime.fromisoformat(reply.json["created"])
    assert created.tzinfo is None
    assert abs(datetime.now(UTC).replace(tzinfo=None) - created) < timedelta(seconds=5)


def test_the_old_address_of_submission_warns(quick) -> None:
    reply = quick.call("POST", f"/processes/{DATASET}/execute", {"inputs": REQUEST})
    assert reply.status == 201
    assert reply.json["metadata"]["datasetMetadata"]["messages"][0]["severity"] == "WARNING"


def test_checks_come_in_the_order_of_the_service() -> None:
    """Everything is wrong at once; one after the other is put right."""
    with Service(disabled={DATASET: "closed today"}, licences_accepted=False, cost_limit=3) as cds:
        wrong = {**REQUEST, "variable": ["nonsense"]}
        bad, good = Client(cds, "no-such-token"), Client(cds)
        assert Client(cds, "").submit(wrong, "unknown").json["detail"] == "authentication required"
        assert bad.submit(wrong, "unknown").status == 401
        assert good.submit(wrong, "unknown").json["title"] == "process not found"
        assert good.submit(wrong).json["detail"] == "closed today"
    with Service(licences_accepted=False, cost_limit=3) as cds:
        good = Client(cds)
        assert good.submit(wrong).status == 400
        assert good.submit().json["title"] == "cost limits exceeded"
        licence = good.submit(time="00:00")
        assert (licence.status, licence.json["title"]) == (403, "required licences not accepted")
        assert Client(cds, ANONYMOUS_KEY).submit(time="00:00").json["message"]
        url = f"{cds.url}/profiles/v1/account/licences"
        assert good.call("GET", url).json == {"licences": []}
        name = "licence-to-use-copernicus-products"
        assert good.call("PUT", f"{url}/{name}", {"revision": 1}).status == 404
        for _ in range(2):
            assert good.call("PUT", f"{url}/{name}", {"revision": 12}).json == {"id": name, "revision": 12}
        assert good.submit(time="00:00").status == 201
        assert len(cds.jobs) == 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"variable": []}, "empty"),
        ({"variable": ["2m_temperature", "2m_temperature"]}, "duplicate"),
        ({"variable": [["a"]]}, "neither"),
        ({"variable": "2m_temperatura"}, "2m_temperatura"),
        ({"product_type": "ensemble_mean"}, "ensemble_mean"),
        ({"month": "02", "day": "30"}, "valid combination"),
        ({"year": "twenty"}, "twenty"),
        ({"date": "2013-07-05/2013-13-01"}, "2013-13-01"),
        ({"time": "25:00"}, "25:00"),
        ({"area": [46, -1, 47, 1]}, "north"),
        ({"area": [46, -1, 47]}, "four"),
        ({"grid": [0, 0]}, "grid"),
        ({"data_format": "grib"}, "netCDF only"),
        ({"data_format": "netcdf_legacy"}, "no longer"),
        ({"data_format": ["grib", "netcdf"]}, "exactly one"),
        ({"year": "2999"}, "None of the data"),
    ],
)
def test_a_bad_request_is_refused_with_a_reason(client, changes, text) -> None:
    reply = client.submit(**changes)
    assert (reply.status, reply.json["type"]) == (400, "invalid request")
    assert text in reply.json["detail"]


def test_a_body_that_is_no_request_is_malformed(client) -> None:
    path = f"{client.root}/processes/{DATASET}/execution"
    for body in (b"{", b"[1]", b'{"inputs": 3}'):
        reply = ask("POST", path, body, client.token)
        assert reply.status == 422
        assert isinstance(reply.json["detail"], list)
    assert client.submit({}).status == 400


def test_the_anonymous_user_and_others_keep_apart(quick, cds) -> None:
    job = quick.job()
    other = Client(cds, ANONYMOUS_KEY)
    assert other.call("GET", f"/jobs/{job}").status == 403
    assert other.call("GET", "/jobs").json["jobs"] == []
    assert other.call("POST", "/jobs/delete", {"job_ids": [job]}).json == {"jobs": []}


def test_a_window_of_calls_is_limited() -> None:
    with Service(rate_limit=(3, 60)) as cds:
        client = Client(cds)
        replies = [client.call("GET", "/jobs") for _ in range(5)]
        assert [r.status for r in replies] == [200, 200, 200, 429, 429]
        assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60
        assert Client(cds, "").call("GET", "/jobs").status == 401


def test_costing_counts_fields_not_area() -> None:
    with Service(cost_limit=100, netcdf_weight=2.5) as cds:
        client = Client(cds)
        url = f"/processes/{DATASET}/costing"
        assert client.call("POST", url, {"inputs": REQUEST}).json == {"id": "size", "cost": 10.0, "limit": 100}
        wide = {**REQUEST, "area": [90, -180, -90, 180], "data_format": "grib"}
        assert client.call("POST", url, {"inputs": wide}).json["cost"] == 4
        assert client.call("POST", url, {"inputs": {}}).json["request_is_valid"] is False


def test_constraints_name_what_is_left(client) -> None:
    url = f"/processes/{DATASET}/constraints"
    valid = client.call("POST", url, {"inputs": {"month": ["02"]}}).json
    assert valid["day"] == [f"{d:02d}" for d in range(1, 30)]
    assert valid["variable"] == sorted(valid["variable"])
    reply = client.call("POST", url, {"inputs": {"foo": 1}})
    assert (reply.status, reply.json["detail"]) == (422, "invalid param 'foo'")


# --- other routes


def test_a_process_is_described(client, cds) -> None:
    reply = ask("GET", f"{client.root}/processes/{DATASET}")
    assert reply.headers["Cache-Control"] == "public, max-age=60"
    assert [link["rel"] for link in reply.json["links"]] == ["self", "execute"]
    assert "2m_temperature" in reply.json["inputs"]["variable"]["schema"]["items"]["enum"]
    listed = ask("GET", f"{client.root}/processes").json["processes"]
    assert [p["id"] for p in listed] == [DATASET]
    assert ask("GET", f"{client.root}/processes/..%2Fjobs").status == 404


def test_token_and_messages(client, cds) -> None:
    verify = f"{cds.url}/profiles/v1/account/verification/pat"
    assert client.call("POST", verify).json["role"] == "user"
    assert Client(cds, ANONYMOUS_KEY).call("POST", verify).json["id"] == -1
    assert Client(cds, "wrong").call("POST", verify).status == 401
    assert ask("GET", f"{cds.url}/catalogue/v1/messages").json == {"messages": []}
    assert ask("GET", f"{cds.url}/catalogue/v1/messages/changelog").json == {"changelog": []}


def test_unknown_addresses(client, cds) -> None:
    assert ask("GET", f"{cds.url}/v2/resources/x").status == 404
    assert ask("PATCH", f"{client.root}/jobs").status == 501
    assert ask("PUT", f"{client.root}/jobs", {}).status == 405
    moved = ask("GET", f"{client.root}/jobs/")
    assert (moved.status, moved.headers["Location"]) == (307, f"{client.root}/jobs")


# --- life of a job


def test_states_follow_the_script(cds, client) -> None:
    cds.script(timeline=[("accepted", 0.05), ("running", 0.05), ("accepted", 0.05), ("running", 0.05)], answer=ANSWER)
    job = client.job()
    seen = []
    wait_for(lambda: (s := client.status(job)) and (not seen or seen[-1] != s) and seen.append(s) or s == "successful")
    assert seen == ["accepted", "running", "accepted", "running", "successful"]
    document = client.call("GET", f"/jobs/{job}").json
    assert document["created"] < document["started"] < document["finished"] == document["updated"]
    assert [link["rel"] for link in document["links"]] == ["self", "results"]


def test_results_are_not_there_before_the_end(cds, client) -> None:
    cds.script(accepted=60, answer=ANSWER)
    job = client.job()
    document = client.call("GET", f"/jobs/{job}").json
    assert "started" not in document
    assert "finished" not in document
    reply = client.call("GET", f"/jobs/{job}/results")
    assert (reply.status, reply.json["title"]) == (404, "job results not ready")
    assert reply.json["type"].endswith("/result-not-ready")
    assert reply.json["detail"] == f"status of {job} is 'accepted'"
    assert reply.json["instance"] == f"{client.root}/jobs/{job}/results"


@pytest.mark.parametrize(("outcome", "title"), [("failed", "The job has failed"), ("rejected", "The job has been rejected")])
def test_a_job_without_success_says_why(cds, client, outcome, title) -> None:
    cds.script(outcome=outcome, traceback="no, thank you")
    job = client.job()
    document = client.call("GET", f"/jobs/{job}").json
    assert document["status"] == outcome
    assert ("results" in [link["rel"] for link in document["links"]]) == (outcome == "failed")
    reply = client.call("GET", f"/jobs/{job}/results")
    assert reply.status == 400
    assert (reply.json["title"], reply.json["traceback"]) == (title, "no, thank you")


def test_a_full_queue_rejects() -> None:
    with Service(accepted=0.1, queue_limit=2) as cds:
        cds.script(answer=ANSWER)
        client = Client(cds)
        jobs = [client.job(day=f"{d:02d}") for d in range(1, 5)]
        ends = [client.wait(job) for job in jobs]
        assert ends == ["successful", "successful", "rejected", "rejected"]
        text = client.call("GET", f"/jobs/{jobs[2]}/results").json["traceback"]
        assert "queued requests" in text
        assert "limited" in text
        assert client.wait(client.job(day="09")) == "successful"


def test_request_and_log_are_given_when_asked_for(cds, client) -> None:
    cds.script(answer=ANSWER, log=["WARNING: first", "second"])
    job = client.job()
    plain = client.call("GET", f"/jobs/{job}").json["metadata"]
    assert not {"request", "log", "qos"} & set(plain)
    full = client.call("GET", f"/jobs/{job}?request=True&log=1&qos=on").json["metadata"]
    assert full["request"]["ids"] == REQUEST
    assert full["request"]["labels"]["Variable"] == ["2m temperature"]
    assert [text for _, text in full["log"]] == ["WARNING: first", "second"]
    later = client.call("GET", f"/jobs/{job}?log=True&logStartTime={full['log'][0][0]}").json["metadata"]
    assert [text for _, text in later["log"]] == ["second"]
    assert client.call("GET", f"/jobs/{job}?log=maybe").status == 422


def test_dismissed_jobs_are_gone(quick) -> None:
    first, second, third = (quick.job(day=d) for d in ("01", "02", "03"))
    reply = quick.call("DELETE", f"/jobs/{first}")
    assert (reply.status, reply.json["status"]) == (200, "dismissed")
    assert "links" not in reply.json
    for again in (quick.call("DELETE", f"/jobs/{first}"), quick.call("GET", f"/jobs/{first}/results")):
        assert (again.status, again.json["detail"]) == (404, f"job {first} dismissed")
    many = quick.call("POST", "/jobs/delete", {"job_ids": [second, first, str(uuid.uuid4()), "x"]})
    assert [j["jobID"] for j in many.json["jobs"]] == [second]
    assert [j["jobID"] for j in quick.call("GET", "/jobs").json["jobs"]] == [third]
    assert quick.call("GET", f"/jobs/{uuid.uuid4()}").json["type"].endswith("/no-such-job")
    assert quick.call("GET", "/jobs/nonsense").json["detail"] == "invalid job id nonsense"


def test_a_replica_lags_but_knows_new_jobs() -> None:
    with Service(accepted=0.05, replica_lag=0.3) as cds:
        cds.script(answer=ANSWER)
        client = Client(cds)
        job = client.job()
        assert client.status(job) == "accepted"
        listed = wait_for(lambda: client.call("GET", "/jobs?status=successful").json["jobs"])
        assert client.status(job) != "successful"
        assert "asset" in listed[0]["metadata"]["results"]
        assert client.asset(job)["file:size"] == len(ANSWER)
        client.call("DELETE", f"/jobs/{job}")
        assert client.call("GET", f"/jobs/{job}").status == 200
        assert client.call("GET", "/jobs").json["jobs"] == []


def test_results_expire(cds, client) -> None:
    cds.script(answer=ANSWER, times=1)
    asset = client.asset_of()
    job = cds.jobs[0].id
    cds.evict()
    assert client.status(job) == "successful"
    reply = client.call("GET", f"/jobs/{job}/results")
    assert (reply.status, reply.json["type"]) == (404, "results expired")
    assert ask("GET", asset["href"]).status == 404
    cds.script(answer=ANSWER, expires_after=0.0)
    other = client.job()
    assert client.call("GET", f"/jobs/{other}/results").json["detail"] == f"results of job {other} expired"


# --- list


def test_the_list_holds_results_or_why_there_are_none(cds, client) -> None:
    cds.script(answer=ANSWER, times=1)
    cds.script(outcome="failed", times=1)
    cds.script(accepted=60, answer=ANSWER)
    jobs = [client.job() for _ in range(3)]
    document = client.call("GET", "/jobs").json
    assert [j["jobID"] for j in document["jobs"]] == jobs[::-1]
    results = [j["metadata"]["results"] for j in document["jobs"][::-1]]
    assert results[0]["asset"]["value"]["file:size"] == len(ANSWER)
    assert results[1]["title"] == "The job has failed"
    assert results[2]["title"] == "job results not ready"
    assert not any("instance" in r for r in results)
    assert document["metadata"] == {"totalCount": 3, "totalCountLimit": 1000}
    assert document["jobs"][0]["metadata"]["datasetMetadata"]["catalogue"] == "c3s"
    assert [link["rel"] for link in document["jobs"][2]["links"]] == ["monitor", "results"]
    some = client.call("GET", "/jobs?status=failed&status=accepted").json["jobs"]
    assert [j["status"] for j in some] == ["accepted", "failed"]
    assert client.call("GET", "/jobs?processID=other").json["jobs"] == []


def test_pages_lead_on_and_back(quick) -> None:
    jobs = [quick.job() for _ in range(5)][::-1]
    seen, url = [], "/jobs?limit=2"
    while True:
        page = quick.call("GET", url).json
        links = {link["rel"]: link["href"] for link in page["links"]}
        if not page["jobs"]:
            break
        seen.append([j["jobID"] for j in page["jobs"]])
        back, url = links["prev"], links["next"]
    assert list(links) == ["self"]
    assert seen == [jobs[:2], jobs[2:4], jobs[4:]]
    assert [j["jobID"] for j in quick.call("GET", back).json["jobs"]] == jobs[2:4]
    oldest = quick.call("GET", "/jobs?limit=2&sortby=created").json["jobs"]
    assert [j["jobID"] for j in oldest] == jobs[:2:-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=10001", "status=done", "sortby=id", "cursor=%3F"])
def test_bad_queries_of_the_list_are_malformed(quick, query) -> None:
    assert quick.call("GET", f"/jobs?{query}").status == 422


# --- results and the store


def test_an_asset_describes_its_file(cds, client) -> None:
    cds.script(answer=GRIB)
    asset = client.asset_of()
    assert asset["type"] == "application/x-grib"
    assert asset["file:size"] == len(GRIB)
    assert int(asset["file:checksum"], 16) == int(hashlib.md5(GRIB).hexdigest(), 16)
    assert asset["href"].endswith(".grib")
    assert asset["file:local_path"] == "s3:/" + urlsplit(asset["href"]).path
    job = cds.jobs[0].id
    hosts = {urlsplit(client.asset(job)["href"]).port for _ in range(40)}
    assert hosts == {urlsplit(origin).port for origin in cds.stores}
    assert urlsplit(cds.url).port not in hosts


def test_checksums_lose_leading_zeros_and_count_parts(tmp_path) -> None:
    assert checksum_of("000abc") == "abc"
    path = tmp_path / "x"
    path.write_bytes(ANSWER)
    assert digest(path) == hashlib.md5(ANSWER).hexdigest()
    parts = [hashlib.md5(ANSWER[k : k + 4000]).digest() for k in range(0, len(ANSWER), 4000)]
    assert digest(path, one_put_limit=len(ANSWER), part_size=4000) == f"{hashlib.md5(b''.join(parts)).hexdigest()}-3"
    assert "-" not in digest(path, one_put_limit=len(ANSWER) + 1)
    with Service(one_put_limit=100, part_size=4000) as cds:
        cds.script(answer=path)
        asset = Client(cds).asset_of()
        tag = ask("HEAD", asset["href"]).headers["ETag"].strip('"')
        assert tag.endswith("-3")
        assert checksum_of(tag) == asset["file:checksum"]
    with Service(plain_checksum=False) as cds:
        cds.script(answer=path)
        assert Client(cds).asset_of()["file:checksum"] != checksum_of(digest(path))


def test_the_store_serves_ranges(quick) -> None:
    url = quick.asset_of()["href"]
    whole = ask("GET", url)
    assert (whole.status, whole.body) == (200, ANSWER)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Content-Type"] == "application/octet-stream"
    assert whole.headers["ETag"] == f'"{hashlib.md5(ANSWER).hexdigest()}"'
    head = ask("HEAD", url)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(ANSWER)))
    size = len(ANSWER)
    for asked, start, end in (("100-", 100, size), ("100-199", 100, 200), ("-50", size - 50, size), ("0-99999", 0, size)):
        part = ask("GET", url, Range=f"bytes={asked}")
        assert (part.status, part.body) == (206, ANSWER[start:end])
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    beyond = ask("GET", url, Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    for odd in ("bytes=5-3", "bytes=-", "lines=1-2", "bytes=1-2,4-5"):
        assert ask("GET", url, Range=odd).status == 200
    assert ask("POST", url, {}).status == 405
    assert ask("GET", url + "x").status == 404


def test_if_range_decides_about_the_range(quick) -> None:
    url = quick.asset_of()["href"]
    head = ask("HEAD", url).headers
    for validator, status in (
        (head["ETag"], 206),
        (head["Last-Modified"], 206),
        ('"other"', 200),
        ("W/" + head["ETag"], 200),
        ("nonsense", 200),
    ):
        assert ask("GET", url, Range="bytes=10-", If_Range=validator).status == status, validator


def test_secrets_at_the_store_are_noted() -> None:
    with Service() as cds:
        cds.script(answer=ANSWER)
        url = Client(cds).asset_of()["href"]
        assert cds.leaks == []
        ask("GET", url, token=cds.key)
        ask("GET", url, Authorization="Basic eDp5")
        ask("GET", url, Referer=f"http://x/?{cds.key}")
        ask("GET", f"{url}?token={cds.key}")
        assert [leak.header for leak in cds.leaks] == ["private-token", "authorization", "referer", "address"]
        assert cds.key not in repr(cds.requests[0])


def test_the_same_request_is_answered_from_the_cache(cds, client) -> None:
    asset = client.asset_of()
    cds.script(accepted=60)
    same = {k: v for k, v in REQUEST.items() if k not in ("year", "month", "day")}
    reply = client.submit({**same, "date": "2013-07-05/2013-07-06", "time": ["12:00", "00:00"]})
    job = reply.json["jobID"]
    assert client.status(job) == "successful"
    assert client.asset(job)["file:local_path"] == asset["file:local_path"]
    assert client.status(client.job(_no_cache="1")) == "accepted"


def test_calls_are_written_down(quick, cds) -> None:
    quick.asset_of()
    assert [c.route for c in cds.requests[:2]] == ["execute", "job"]
    assert cds.requests[0].json == {"inputs": REQUEST}
    assert cds.requests[0].status == 201
    assert cds.requests[0].method == "POST"
    assert cds.count("execute") == 1
    assert cds.count("results") == 1


def test_scripts_apply_in_turn(cds, client) -> None:
    cds.script(outcome="failed", times=1)
    cds.script(answer=b"summer", match=lambda dataset, inputs: inputs["month"] == ["07"])
    cds.script(answer=b"else")
    sizes = [client.wait(client.job()), client.asset_of()["file:size"], client.asset_of(month=["01"])["file:size"]]
    assert sizes == ["failed", 6, 4]
    for wrong in ({"outcome": "dismissed"}, {"timeline": [("sleeping", 1)]}):
        with pytest.raises(ValueError, match="accepted|ends"):
            cds.script(**wrong)


def test_further_datasets_take_given_answers() -> None:
    with Service(datasets=["reanalysis-era5-complete"]) as cds:
        cds.script(answer=GRIB, match=lambda dataset, _: dataset == "reanalysis-era5-complete")
        client = Client(cds)
        job = client.submit({"class": "ea", "param": "130"}, "reanalysis-era5-complete").json["jobID"]
        assert client.asset(job)["type"] == "application/x-grib"


# --- files


def download(client: Client, **changes: Any) -> bytes:
    asset = client.asset_of(**changes)
    body = ask("GET", asset["href"]).body
    assert len(body) == asset["file:size"]
    return body


@pytest.fixture(scope="module")
def answers() -> dict[str, bytes]:
    """Computed answers, one service for all tests that only look at files."""
    with Service(latest=datetime(2020, 12, 31, 23)) as cds:
        client = Client(cds)
        single = {"day": ["05"], "time": "00:00"}
        return {
            "instant": download(client),
            "accum": download(client, variable="total_precipitation"),
            "both": download(client, variable=["2m_temperature", "total_precipitation"]),
            "zipped": download(client, download_format="zip"),
            "one hour": download(client, **single),
            "embargo": download(client, date="2020-12-30/2021-01-05", time="00:00", area=[46.1, -0.9, 46.1, 359.6]),
        }


def open_netcdf(body: bytes) -> netCDF4.Dataset:
    return netCDF4.Dataset("answer.nc", memory=body)


def test_values_are_those_of_the_weather(answers) -> None:
    with open_netcdf(answers["instant"]) as file:
        latitude, longitude = file["latitude"][:], file["longitude"][:]
        np.testing.assert_array_equal(latitude, [47, 46.75, 46.5, 46.25, 46])
        np.testing.assert_array_equal(longitude, np.arange(-1, 1.1, 0.25))
        days = [int(np.datetime64(d).astype(int)) for d in ("2013-07-05", "2013-07-06")]
        np.testing.assert_array_equal(file["valid_time"][:], [86400 * d + s for d in days for s in (0, 43200)])
        expected = Weather().field("t2m", days, [0, 12], latitude, longitude)
        np.testing.assert_array_equal(file["t2m"][:], expected)
        assert "SYNTHETIC" in file.history
        assert "SYNTHETIC" in file.comment
        assert list(file["expver"][:]) == ["0001"] * 4


def test_several_step_types_come_as_an_archive(answers) -> None:
    for name, members in (("both", ["instant", "accum"]), ("zipped", ["instant"])):
        with zipfile.ZipFile(io.BytesIO(answers[name])) as archive:
            assert archive.namelist() == [f"data_stream-oper_stepType-{m}.nc" for m in members]
            assert archive.testzip() is None
            assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED
            for member, variable in zip(members, ("t2m", "tp"), strict=False):
                with open_netcdf(archive.read(f"data_stream-oper_stepType-{member}.nc")) as file:
                    assert variable in file.variables


def test_one_hour_is_a_dimension_of_one(answers) -> None:
    with open_netcdf(answers["one hour"]) as file:
        assert file["t2m"].shape == (1, 5, 9)
        assert file["expver"].shape == ()
        assert file["expver"][...] == "0001"


def test_days_without_data_are_dropped_and_new_ones_preliminary(answers) -> None:
    with open_netcdf(answers["embargo"]) as file:
        np.testing.assert_array_equal(file["valid_time"][:].astype("datetime64[s]").astype("datetime64[D]").astype(str),
                                      ["2020-12-30", "2020-12-31"])
        assert list(file["expver"][:]) == ["0005"] * 2
        np.testing.assert_allclose(file["latitude"][:], [46.1])
        assert file["longitude"][:].size == 1440 - 1 + 0 or file["longitude"][0] == -0.9


@pytest.mark.parametrize(
    ("answer", "variable", "real"),
    [
        ("instant", "t2m", "new_era5_t2m_12utc_morocco_2024.nc"),
        ("accum", "tp", "new_era5_tp_hourly_telangana_jja2023.nc"),
    ],
)
def test_layout_is_that_of_real_files(real_data, answers, answer, variable, real) -> None:
    with open_netcdf(answers[answer]) as ours, netCDF4.Dataset(real_data / real) as theirs:
        assert list(ours.dimensions) == list(theirs.dimensions)
        assert list(ours.variables) == list(theirs.variables)
        assert [a for a in ours.ncattrs() if a != "comment"] == theirs.ncattrs()
        assert ours.data_model == theirs.data_model
        for name, there in theirs.variables.items():
            here = ours[name]
            assert (here.dtype, here.dimensions, here.filters()) == (there.dtype, there.dimensions, there.filters())
            assert (here.chunking() == "contiguous") == (there.chunking() == "contiguous")
            assert here.ncattrs() == there.ncattrs()
            assert [type(here.getncattr(a)) for a in here.ncattrs()] == [type(there.getncattr(a)) for a in there.ncattrs()]
        own = {"numberOfPoints", "Nx", "Ny"}
        for name in ours[variable].ncattrs():
            if not any(word in name for word in ("GridPoint", *own)) and name != "_FillValue":
                assert ours[variable].getncattr(name) == theirs[variable].getncattr(name), name


def test_a_file_that_cannot_be_computed_fails_the_job(cds, client, monkeypatch) -> None:
    monkeypatch.setattr("era5fast.testing.writers._encode", lambda task: "not an order")
    job = client.job()
    assert client.wait(job) == "failed"
    text = client.call("GET", f"/jobs/{job}/results").json["traceback"]
    assert text.endswith("The job failed with: MarsRuntimeError")


# --- faults


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


def test_bodies_are_spoilt(quick, cds) -> None:
    url = quick.asset_of()["href"]

    def get(name: str, **parameters: Any) -> Answer:
        cds.clear_faults()
        cds.fault(name, route="object", **parameters)
        return ask("GET", url)

    flipped = get("bit_flip", offset=-1, bit=3)
    assert flipped.body == ANSWER[:-1] + bytes([ANSWER[-1] ^ 8])
    assert get("empty_body").body == b""
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


def test_every_fault_and_route_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs" / "how-to" / "test-against-the-look-alike.md").read_text()
    for fault in FAULTS.values():
        assert fault.summary.endswith("."), fault.name
        assert f"`{fault.name}`" in page
    for route in {route.name for route in ROUTES} | {"object"}:
        assert f"`{route}`" in page


# --- starting and stopping


def test_closing_ends_connections_and_removes_files() -> None:
    cds = Service()
    cds.script(answer=ANSWER)
    client = Client(cds)
    url = client.asset_of()["href"]
    folder = Path(cds._folder.name)
    kept = http.client.HTTPConnection(urlsplit(url).hostname, urlsplit(url).port, timeout=5)
    kept.request("GET", urlsplit(url).path)
    assert kept.getresponse().read() == ANSWER
    cds.fault("stall", route="jobs", seconds=60)
    began = time.monotonic()
    cds.close()
    cds.close()
    assert time.monotonic() - began < 2
    assert not folder.exists()
    kept.request("GET", urlsplit(url).path) if kept.sock is None else None
    with pytest.raises(OSError):
        ask("GET", url)
    kept.close()


@contextlib.contextmanager
def started(*arguments: str, **options: Any):
    command = [sys.executable, "-m", "era5fast.testing", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def test_from_the_shell_until_standard_input_ends() -> None:
    arguments = ["--fault", "bad_gateway@messages:nth=2,status=503", "--key", str(uuid.uuid4())]
    with started(*arguments, stdin=subprocess.PIPE) as (process, ready):
        assert ready["pid"] == process.pid
        assert ready["key"] == arguments[-1]
        assert len(ready["store"]) == 2
        assert urlsplit(ready["url"]).hostname == "127.0.0.1"
        url = f"{ready['url']}/catalogue/v1/messages"
        assert [ask("GET", url).status for _ in range(3)] == [200, 503, 200]
        ask("GET", ready["store"][0] + "/x", token="secret")
        process.stdin.close()
        assert process.wait(5) == 1
        assert "private-token reached the object store at /x" in process.stderr.read()


def test_from_the_shell_until_the_parent_is_gone() -> None:
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with started("--parent", str(parent.pid), stdin=subprocess.DEVNULL) as (process, _):
        assert process.poll() is None
        parent.communicate(b"\n")
        assert process.wait(5) == 0


def test_from_the_shell_until_told() -> None:
    with started("--max-seconds", "0.1", stdin=subprocess.DEVNULL) as (process, _):
        assert process.wait(5) == 0
    with started(stdin=subprocess.DEVNULL) as (process, _):
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0


def test_faults_on_the_command_line() -> None:
    assert parse_fault("stall") == ("stall", "*", {})
    parsed = ("rate_limit", "jobs", {"nth": 2, "retry_after": "date"})
    assert parse_fault("rate_limit@jobs:nth=2,retry_after=date") == parsed
    for wrong in ("gremlin", "stall:x"):
        with pytest.raises(Exception, match="gremlin|KEY=VALUE"):
            parse_fault(wrong)


# --- the official clients


@pytest.fixture
def official_environment(tmp_path, monkeypatch):
    """No configuration of the user's, and no netrc, reaches the official clients."""
    for name in [n for n in os.environ if re.match("CDSAPI_|ECMWF_DATASTORES_", n)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return tmp_path


def test_cdsapi_retrieves(cds, official_environment) -> None:
    import cdsapi

    client = cdsapi.Client(url=cds.url, key=cds.key, quiet=True, progress=False)
    target = client.retrieve(DATASET, REQUEST, str(official_environment / "answer.nc"))
    with netCDF4.Dataset(target) as file:
        assert file["t2m"].shape == (4, 5, 9)


def test_the_official_client_finds_what_it_looks_for(cds, official_environment) -> None:
    from ecmwf.datastores import Client as Official

    cds.script(answer=GRIB, match=lambda _, inputs: "grib" in inputs["data_format"])
    client = Official(url=cds.url, key=cds.key, progress=False)
    assert client.check_authentication()["role"] == "user"
    assert client.get_accepted_licences()[0]["revision"] == 12
    assert client.estimate_costs(DATASET, REQUEST) == {"id": "size", "cost": 4.0, "limit": 16500.0}
    assert client.apply_constraints(DATASET, {"month": "02"})["day"][-1] == "29"
    remote = client.submit(DATASET, {**REQUEST, "data_format": "grib"})
    path = Path(remote.download(str(official_environment / "answer.grib")))
    assert path.read_bytes() == GRIB
    assert remote.status == "successful"
    assert client.get_jobs().request_ids == [remote.request_id]
    assert client.delete(remote.request_id)["jobs"][0]["status"] == "dismissed"

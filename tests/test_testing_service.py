"""The look-alike of the Climate Data Store: protocol, starting and stopping, official clients."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import netCDF4
import pytest
from look_alike import ANSWER, DATASET, GRIB, REQUEST, Client, ask, wait_for

from era5fast.testing import ANONYMOUS_KEY, Service
from era5fast.testing.__main__ import parse_fault

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


def test_a_dataset_of_scripted_answers_has_its_cost() -> None:
    request = {**REQUEST, "variable": ["temperature", "geopotential"], "pressure_level": ["500", "850", "1000"]}
    with Service(datasets=["reanalysis-era5-pressure-levels"]) as cds:
        reply = Client(cds).call("POST", "/processes/reanalysis-era5-pressure-levels/costing", {"inputs": request})
        assert reply.json["cost"] == 2 * 2 * 2 * 3  # days, hours, variables, levels


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


def test_the_catalogue_is_searched_and_read(client, cds) -> None:
    catalogue = f"{cds.url}/catalogue/v1"
    found = ask("GET", f"{catalogue}/datasets?limit=1&q=ERA5&search_stats=False").json
    assert [row["id"] for row in found["collections"]] == [DATASET]
    assert (found["numberMatched"], found["numberReturned"]) == (1, 1)
    assert ask("POST", f"{catalogue}/datasets", {}).json == ask("GET", f"{catalogue}/datasets").json
    assert ask("GET", f"{catalogue}/datasets?q=ocean").status == 404
    assert ask("GET", f"{catalogue}/datasets?sortby=colour").status == 422
    collection = ask("GET", f"{catalogue}/collections/{DATASET}").json
    assert ask("GET", f"{catalogue}/collections").json["collections"] == [collection]
    licence = next(link for link in collection["links"] if link["rel"] == "license")
    listed = ask("GET", f"{catalogue}/vocabularies/licences?scope=all").json["licences"]
    assert (licence["id"], licence["rev"]) == (listed[0]["id"], listed[0]["revision"])
    assert ask("GET", f"{catalogue}/vocabularies/licences/{licence['id']}").json == listed[0]
    assert ask("GET", f"{catalogue}/vocabularies/licences/other").status == 404
    assert ask("GET", f"{catalogue}/vocabularies/keywords").json["keywords"]
    assert ask("GET", f"{catalogue}/collections/other").status == 404
    assert ask("GET", f"{catalogue}/collections/{DATASET}/messages/changelog").json == {"changelog": []}


@pytest.mark.parametrize("name", ["form", "constraints"])
def test_forms_lie_at_another_origin(client, cds, name) -> None:
    reply = ask("GET", f"{cds.url}/catalogue/v1/collections/{DATASET}/{name}.json")
    assert reply.status == 307
    assert reply.headers["Location"].startswith(tuple(cds.stores))
    rows = ask("GET", reply.headers["Location"]).json
    assert "variable" in (rows[0] if name == "constraints" else [row["name"] for row in rows])


def test_notices_reach_whoever_asks_for_the_data_set() -> None:
    notice = {"date": "2026-01-20T09:00:00", "severity": "warning", "content": "Mind the gap."}
    with Service(notices={DATASET: [notice]}) as cds:
        client = Client(cds)
        cds.script(answer=ANSWER)
        assert client.submit().json["metadata"]["datasetMetadata"]["messages"] == [notice]
        assert ask("GET", f"{cds.url}/catalogue/v1/collections/{DATASET}/messages").json == {"messages": [notice]}


def test_data_sets_may_be_starred(client, cds) -> None:
    url = f"{cds.url}/profiles/v1/account/starred"
    assert client.call("POST", url, {"uid": DATASET}).json == [DATASET]
    assert client.call("DELETE", f"{url}/{DATASET}").status == 204
    assert client.call("DELETE", f"{url}/{DATASET}").status == 404
    assert client.call("POST", url, {"uid": "other"}).status == 404
    assert client.call("GET", f"{cds.url}/profiles/v1/account").json["email"]


def test_processes_come_in_pages() -> None:
    with Service(datasets=["a", "b"]) as cds:
        url = f"{cds.url}/retrieve/v1/processes?limit=2&sortby=-id"
        first = ask("GET", url).json
        following = next(link["href"] for link in first["links"] if link["rel"] == "next")
        names = [row["id"] for page in (first, ask("GET", following).json) for row in page["processes"]]
        assert names == [DATASET, "b", "a"]
        assert ask("GET", f"{cds.url}/retrieve/v1/processes?limit=0").status == 422


def test_the_way_in(client) -> None:
    assert "processes" in [link["rel"] for link in ask("GET", f"{client.root}/").json["links"]]
    assert ask("GET", f"{client.root}/conformance").json["conformsTo"]
    program = ask("POST", f"{client.root}/processes/{DATASET}/api-request", {"variable": "x"}).json["api_request"]
    compile(program, "program", "exec")
    assert DATASET in program


# --- life of a job


def test_states_follow_the_script(cds, client) -> None:
    cds.script(timeline=[("accepted", 60), ("running", 60), ("accepted", 60), ("running", 60)], answer=ANSWER)
    job = client.job()
    seen = [client.status(job)]
    for _ in range(4):
        cds.advance(60)
        seen.append(client.status(job))
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


@pytest.mark.parametrize(
    ("outcome", "title"), [("failed", "The job has failed"), ("rejected", "The job has been rejected")]
)
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
    with Service(accepted=60, queue_limit=2) as cds:
        cds.script(answer=ANSWER)
        client = Client(cds)
        jobs = [client.job(day=f"{d:02d}") for d in range(1, 5)]
        assert {client.status(job) for job in jobs} == {"accepted"}
        cds.advance(60)
        ends = [client.wait(job) for job in jobs]
        assert ends == ["successful", "successful", "rejected", "rejected"]
        text = client.call("GET", f"/jobs/{jobs[2]}/results").json["traceback"]
        assert "queued requests" in text
        assert "limited" in text
        later = client.job(day="09")
        cds.advance(60)
        assert client.status(later) == "successful"


def test_a_rejected_job_leaves_the_place_of_its_answer_alone() -> None:
    with Service(accepted=60, queue_limit=1) as cds:
        cds.script(answer=ANSWER)
        client = Client(cds)
        client.job(day="01")
        rejected = client.job(day="02")
        cds.advance(60)
        assert client.status(rejected) == "rejected"
        again = client.job(day="02")
        cds.advance(60)
        assert client.wait(again) == "successful"
        assert ask("GET", client.asset(again)["href"]).body == ANSWER


def test_the_queue_limit_may_change() -> None:
    with Service(accepted=60, queue_limit=1) as cds:
        cds.script(answer=ANSWER)
        client = Client(cds)
        jobs = [client.job(day="01")]
        cds.queue_limit = 2
        jobs += [client.job(day=day) for day in ("02", "03")]
        limits = client.call("GET", f"/jobs/{jobs[0]}?qos=True").json["metadata"]["qos"]["status"]["limits"]
        assert (limits[0]["queued"], limits[0]["conclusion"]) == (3, "2")
        cds.advance(60)
        assert [client.wait(job) for job in jobs] == ["successful", "successful", "rejected"]


def test_workers_take_one_job_after_the_other() -> None:
    with Service(running=60, workers=2) as cds:
        cds.script(answer=ANSWER)
        client = Client(cds)
        jobs = [client.job(day=f"{d:02d}") for d in range(1, 4)]
        assert [client.status(job) for job in jobs] == ["running", "running", "accepted"]
        cds.advance(60)
        assert [client.status(job) for job in jobs] == ["successful", "successful", "running"]
        assert client.status(client.job(day="04")) == "running"


def test_a_job_that_has_ended_has_a_receipt(cds, client) -> None:
    cds.script(accepted=60, answer=ANSWER)
    job = client.job()
    assert client.call("GET", f"/jobs/{job}/receipt").json["title"] == "job results not ready"
    cds.advance(60)
    reply = client.call("GET", f"/jobs/{job}/receipt")
    assert reply.headers["Content-Disposition"] == f'attachment; filename="receipt-{job}.txt"'
    assert (reply.json["request-id"], reply.json["download-size"]) == (job, len(ANSWER))
    assert "traceback" not in reply.json


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
    with Service(accepted=60, replica_lag=30) as cds:
        cds.script(answer=ANSWER)
        client = Client(cds)
        job = client.job()
        assert client.status(job) == "accepted"
        cds.advance(61)
        listed = client.call("GET", "/jobs?status=successful").json["jobs"]
        assert client.status(job) == "accepted"
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


# --- starting and stopping


def test_closing_ends_connections_and_removes_files() -> None:
    cds = Service()
    cds.script(answer=ANSWER)
    client = Client(cds)
    url = client.asset_of()["href"]

    def list_jobs() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            client.call("GET", "/jobs")

    folder = Path(cds._folder.name)
    kept = http.client.HTTPConnection(urlsplit(url).hostname, urlsplit(url).port, timeout=5)
    kept.request("GET", urlsplit(url).path)
    assert kept.getresponse().read() == ANSWER
    cds.fault("stall", route="jobs", seconds=60)
    stalled = threading.Thread(target=list_jobs)
    stalled.start()
    wait_for(lambda: cds.count("jobs"))
    began = time.monotonic()
    cds.close()
    cds.close()
    assert time.monotonic() - began < 2
    stalled.join(2)
    assert not stalled.is_alive()
    assert not folder.exists()
    assert kept.sock.recv(1) == b""
    kept.close()
    with pytest.raises(ConnectionError):
        ask("GET", url)


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
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


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


def test_a_port_can_be_taken_over_at_once(cds, client) -> None:
    port = urlsplit(cds.url).port
    assert client.call("GET", "/jobs").status == 200
    cds.close()
    with Service(port=port) as other:
        assert Client(other).call("GET", "/jobs").status == 200


def test_a_port_in_use_is_an_error(cds) -> None:
    with pytest.raises(OSError, match="in use"):
        Service(port=urlsplit(cds.url).port)


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
    for wrong in ("gremlin", "stall:x", "stall@nowhere"):
        with pytest.raises(Exception, match=r"gremlin|KEY=VALUE|nowhere"):
            parse_fault(wrong)


# --- the official clients


def test_cdsapi_retrieves(cds, tmp_path) -> None:
    import cdsapi

    client = cdsapi.Client(url=cds.url, key=cds.key, quiet=True, progress=False)
    target = client.retrieve(DATASET, REQUEST, str(tmp_path / "answer.nc"))
    with netCDF4.Dataset(target) as file:
        assert file["t2m"].shape == (4, 5, 9)


def test_the_official_client_finds_what_it_looks_for(cds, tmp_path) -> None:
    from ecmwf.datastores import Client as Official

    cds.script(answer=GRIB, match=lambda _, inputs: "grib" in inputs["data_format"])
    client = Official(url=cds.url, key=cds.key, progress=False)
    assert client.check_authentication()["role"] == "user"
    assert client.get_accepted_licences()[0]["revision"] == 12
    assert client.estimate_costs(DATASET, REQUEST) == {"id": "size", "cost": 4.0, "limit": 16500.0}
    assert client.apply_constraints(DATASET, {"month": "02"})["day"][-1] == "29"
    remote = client.submit(DATASET, {**REQUEST, "data_format": "grib"})
    path = Path(remote.download(str(tmp_path / "answer.grib")))
    assert path.read_bytes() == GRIB
    assert remote.status == "successful"
    assert client.get_jobs().request_ids == [remote.request_id]
    assert client.delete(remote.request_id)["jobs"][0]["status"] == "dismissed"
    assert client.get_receipt(client.submit(DATASET, REQUEST).request_id)["status"] == "successful"
    assert client.get_collections(query="era5").collection_ids == [DATASET]
    assert client.get_collection(DATASET).bbox == (0, -90, 360, 90)
    assert client.get_collection(DATASET).end_datetime.tzinfo is not None
    assert client.get_licences()[0]["revision"] == 12
    assert client.get_processes().collection_ids == [DATASET]
    assert client.star_collection(DATASET) == [DATASET]
    assert client.unstar_collection(DATASET) is None


def test_the_official_client_shows_its_token_to_the_store() -> None:
    from ecmwf.datastores import Client as Official

    with Service() as cds:
        assert Official(url=cds.url, key=cds.key).get_collection(DATASET).form
        assert [leak.header for leak in cds.leaks] == ["private-token"]

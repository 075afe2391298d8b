"""Everything that can go wrong at the service, on the way and on the disk: ridden out, or one typed error."""

from __future__ import annotations

import dataclasses
import errno
import logging
import os
import socket
import threading
import time
from typing import Any

import pytest

import era5fast as e5
from era5fast import errors, refusals
from era5fast.results import Result
from era5fast.testing import ANONYMOUS_KEY, DEFAULT_KEY, FAULTS
from tests.client_kit import (
    DATASET,
    QUICK,
    REQUEST,
    Other,
    answer_months,
    grib,
    hidden,
    items,
    quick,
    run_program,
    running_service,
    state_of,
    wait_for,
)
from tests.look_alike import slowness

pytestmark = pytest.mark.native

ANSWER = grib(50_000)
OLD = b"what was there before"
PERMANENT_WITHIN = 1.0  # seconds in which a permanent fault is reported


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "t2m.grib"
    path.write_bytes(OLD)
    return path


def retrieve(cds, target, **options):
    return quick(cds, **options).retrieve(DATASET, REQUEST, target, overwrite=True)


# --- the table of faults ---


@dataclasses.dataclass(frozen=True)
class Case:
    """A fault, how often and where it strikes, and what comes of it: success, or an error with these words."""

    fault: str
    route: str
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    error: type[BaseException] | None = None
    words: str = ""
    jobs: int = 1
    posts: int = 1
    cut: bool = False  # the first transfer breaks off, so that a second one has to go on
    settings: dict[str, float] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        shown = "-".join(f"{key}={value}" for key, value in self.arguments.items() if key not in ("nth", "times"))
        once = "once" if {"nth", "times"} & set(self.arguments) else "always"
        return "-".join(filter(None, [self.fault, self.route, once, shown]))


ONCE = {"nth": 1}
READING = ("job", "results")  # asked where the list says nothing
CALLS = ("execute", "jobs", *READING)
HASTY = {"timeout": 0.3, "low_speed_time": 0.3}
LISTED = ("jobs", "results")  # calls that tell where a file is

RIDDEN_OUT = [
    *(Case("rate_limit", route, {**ONCE, "retry_after": None}, posts=1 + (route == "execute"))
      for route in (*CALLS, "object")),
    *(Case("rate_limit", "jobs", {**ONCE, "retry_after": text}) for text in ("0", "-5", "soon", "date", "1e9999")),
    *(Case("internal_error", route, ONCE, posts=1 + (route == "execute")) for route in (*CALLS, "object")),
    *(Case("bad_gateway", route, ONCE, posts=1 + (route == "execute")) for route in (*CALLS, "object")),
    *(Case("unavailable", route, ONCE, posts=1 + (route == "execute")) for route in (*CALLS, "object")),
    *(Case("gateway_timeout", route, ONCE, posts=1 + (route == "execute")) for route in (*CALLS, "object")),
    *(Case("reset", route, ONCE) for route in (*CALLS, "object")),
    Case("reply_lost", "execute", ONCE),
    Case("job_not_found", "job", ONCE),
    Case("redirect", "object", ONCE),
    Case("not_found", "object", ONCE),
    Case("range_unsatisfiable", "object", ONCE),
    Case("range_unsatisfiable", "object", ONCE, cut=True),
    Case("range_ignored", "object", ONCE, cut=True),
    Case("range_elsewhere", "object", ONCE, cut=True),
    Case("range_elsewhere", "object", {**ONCE, "shift": -1000}, cut=True),
    *(Case("reset_after", "object", {**ONCE, "bytes": n}) for n in (0, 1, 1000, 49_999)),
    Case("reset_after", "object", {"nth": range(1, 20), "bytes": 2500}),
    *(Case("reset_after", route, {**ONCE, "bytes": 20}) for route in CALLS),
    *(Case("stall", route, {**ONCE, "seconds": 0.2}) for route in (*CALLS, "object")),
    Case("short_body", "object", ONCE),
    Case("short_body", "object", {**ONCE, "missing": 50_000}),
    *(Case("short_body", route, ONCE) for route in CALLS),
    Case("wrong_length", "object", ONCE),
    Case("wrong_length", "object", {**ONCE, "by": -10}),
    *(Case("no_length", route) for route in (*CALLS, "object")),
    *(Case("bit_flip", "object", {**ONCE, "offset": n}) for n in (0, 25_000, -1)),
    *(Case("empty_body", route, ONCE) for route in (*CALLS, "object")),
    Case("etag_changed", "object", ONCE, cut=True),
    Case("etag_changed", "object"),
    Case("etag_missing", "object"),
    Case("etag_missing", "object", cut=True),
    Case("no_ranges", "object", cut=True),
    *(Case("gzip_encoding", route, ONCE) for route in (*CALLS, "object")),
    *(Case("html_page", route, ONCE) for route in (*CALLS, "object")),
    *(
        Case(fault, route, ONCE)
        for fault in ("not_json", "truncated_json", "huge_json", "deep_json", "wrong_types")
        for route in CALLS
    ),
    *(Case("unknown_status", route, {"nth": range(1, 4)}) for route in ("jobs", "job")),
    *(Case("missing_status", route, {"nth": range(1, 4)}) for route in ("jobs", "job")),
    Case("jobs_missing", "jobs", ONCE),
    *(Case(fault, "jobs") for fault in ("html_page", "not_json", "huge_json", "missing_asset", "redirect")),
    *(Case("duplicate_keys", route, ONCE) for route in CALLS),
    *(Case("black_hole", route, ONCE, settings=HASTY) for route in (*CALLS, "object")),
    *(Case("drip", route, {**ONCE, "speed": 200_000}) for route in (*CALLS, "object")),
    Case("drip", "object", {**ONCE, "speed": 500}, settings=HASTY),
    Case("longer_body", "object", ONCE),
    Case("duplicate_delivery", "execute", jobs=2),
    Case("two_monitor_links", "execute"),
    Case("missing_asset", "results", ONCE),
    *(
        Case("wrong_asset", route, {**ONCE, "value": value})
        for value in (-5, 2**60, 2**70, "big", None, [], float("nan"))
        for route in LISTED
    ),
    *(
        Case("wrong_asset", route, {"key": "file:checksum", "value": value})
        for value in ("rubbish", "", 7, None, "0" * 32)  # the entity tag speaks for the data
        for route in LISTED
    ),
]  # fmt: skip

FATAL = [
    *(
        Case("rate_limit", route, {"retry_after": 3600}, errors.ThrottledError, "asks to wait")
        for route in ("jobs", *READING)
    ),
    Case("longer_body", "object", {}, errors.CorruptDataError, "longer than declared"),
    Case("token_rejected", "execute", {}, errors.AuthError, "token", jobs=0),
    *(Case("token_rejected", route, {}, errors.AuthError, "token") for route in ("jobs", *READING)),
    Case("job_not_found", "job", {}, errors.JobLostError, "not found", jobs=2, posts=2),
    Case("redirect", "execute", {}, errors.RequestError, "another address", jobs=0),
    *(Case("redirect", route, {}, errors.RequestError, "refused") for route in READING),
    Case("redirect", "object", {}, errors.NetworkError, "more than 10 redirects"),
    Case("redirect", "object", {"to": "http://example.org"}, errors.NetworkError, "insecure redirect"),
    Case("redirect", "object", {"to": "ftp://127.0.0.1"}, errors.NetworkError, "insecure redirect"),
    Case("redirect", "object", {"to": "file://"}, errors.NetworkError, "insecure redirect"),
    Case("not_found", "object", {}, errors.ResultsExpiredError, "404", jobs=2, posts=2),
    Case("range_unsatisfiable", "object", {}, errors.CorruptDataError, "bytes"),
    Case("short_body", "object", {}, errors.CorruptDataError, "got 49999 of 50000 bytes"),
    Case("wrong_length", "object", {}, errors.CorruptDataError, "longer than declared"),
    Case("bit_flip", "object", {"offset": 25_000}, errors.CorruptDataError, "checksum differs"),
    Case("empty_body", "object", {}, errors.CorruptDataError, "empty reply"),
    Case("gzip_encoding", "object", {}, errors.CorruptDataError, "encoded reply"),
    Case("html_page", "object", {}, errors.CorruptDataError, "expected GRIB, got HTML: .*Please log in"),
    *(
        Case(fault, route, {}, errors.ServerError, "unreadable reply")
        for fault in ("html_page", "not_json", "truncated_json", "huge_json", "deep_json")
        for route in READING
    ),
    Case("missing_asset", "results", {}, errors.ServerError, "unreadable reply: no asset"),
    Case("wrong_asset", "results", {"value": -5}, errors.ServerError, "impossible file size"),
    Case("wrong_asset", "results", {"value": 1}, errors.CorruptDataError, "longer than declared"),
    Case("wrong_asset", "results", {"key": "href", "value": "file:///etc/passwd"}, errors.UnsafeInputError, "http"),
    Case("wrong_asset", "results", {"key": "href", "value": "http://example.org/x"}, errors.NetworkError, "insecure"),
    Case("wrong_asset", "results", {"key": "href", "value": 7}, errors.ServerError, "unusable address"),
    Case("wrong_asset", "results", {"key": "type", "value": "application/netcdf"}, errors.CorruptDataError,
         "expected netCDF, got GRIB"),
]  # fmt: skip

IMPATIENT = [
    *(
        Case(fault, route, {}, errors.ServerError, "fails")
        for fault in ("internal_error", "bad_gateway", "unavailable", "gateway_timeout")
        for route in ("jobs", *READING, "object")
    ),
    *(Case("reset", route, {}, errors.NetworkError, "connection lost") for route in ("jobs", *READING, "object")),
]  # fmt: skip


def strike(cds, case):
    cds.script(answer=ANSWER)
    if case.route in READING:
        cds.fault("jobs_missing", route="jobs")
    if case.cut:
        cds.fault("reset_after", route="object", nth=1, bytes=20_000)
        nth = {"nth": 2} if "nth" in case.arguments else {}
        return cds.fault(case.fault, route=case.route, **{**case.arguments, **nth})
    return cds.fault(case.fault, route=case.route, **case.arguments)


def test_every_fault_is_tried():
    assert {case.fault for case in RIDDEN_OUT + FATAL} == set(FAULTS)


@pytest.mark.parametrize("case", RIDDEN_OUT, ids=str)
def test_ridden_out(cds, target, case):
    rule = strike(cds, case)
    assert retrieve(cds, target, **case.settings) == str(target)
    assert rule.hits >= 1
    assert target.read_bytes() == ANSWER
    assert hidden(target.parent) == []
    assert (len(cds.jobs), cds.count("execute")) == (case.jobs, case.posts)


@pytest.mark.parametrize("case", FATAL, ids=str)
def test_reported(cds, target, case):
    strike(cds, case)
    began = time.monotonic()
    with pytest.raises(case.error, match=case.words) as failed:
        retrieve(cds, target)
    assert time.monotonic() - began < 5 * slowness()
    assert_told(failed.value, target)
    assert target.read_bytes() == OLD
    assert len(cds.jobs) == case.jobs
    assert cds.count("execute") == case.posts
    assert not (target.parent / ".t2m.grib.e5lock").exists()
    cds.clear_faults()
    retrieve(cds, target)
    assert target.read_bytes() == ANSWER
    assert hidden(target.parent) == []


@pytest.mark.parametrize("case", IMPATIENT, ids=str)
def test_patience_ends(cds, target, case):
    strike(cds, case)
    with pytest.raises(case.error, match=case.words) as failed:
        retrieve(cds, target, patience=0.2)
    assert_told(failed.value, target)
    assert failed.value.retryable
    assert failed.value.attempts > 1
    assert 0.1 < failed.value.elapsed < 2
    assert target.read_bytes() == OLD
    assert state_of(target)["job"] == cds.jobs[0].id
    cds.clear_faults()
    retrieve(cds, target)
    assert (len(cds.jobs), target.read_bytes()) == (1, ANSWER)


def assert_told(error, target):
    """An error is one line that says what failed, and knows its target."""
    text = str(error)
    assert 0 < len(text) <= 300
    assert text.isprintable()
    assert isinstance(error, errors.Era5FastError)
    assert error.target == str(target)


# --- waiting when asked ---


def test_a_wait_that_the_service_names_holds_back_all_calls(cds, tmp_path):
    answer_months(cds, range(1, 5), running=0.3)
    cds.fault("rate_limit", route="api", nth=3, retry_after=1)
    quick(cds, max_jobs=4).retrieve(items(range(1, 5), tmp_path))
    calls = [call for call in cds.requests if call.server == "api"]
    refused = next(call for call in calls if call.status == 429)
    after = [call.at - refused.at for call in calls if call.at > refused.at + 0.05]
    assert min(after) >= 0.95


def test_patience_bounds_a_silent_transfer(cds, target):
    cds.fault("black_hole", route="object")
    began = time.monotonic()
    with pytest.raises(e5.errors.TransferTimeoutError, match=r"0 bytes in 0\.3 s") as caught:
        retrieve(cds, target, patience=0.3)
    assert time.monotonic() - began < 3 * slowness()
    assert target.name in str(caught.value)
    assert target.read_bytes() == OLD


def test_a_wait_longer_than_patience_is_an_error_at_once(cds, target):
    cds.fault("rate_limit", route="execute", retry_after=7200)
    began = time.monotonic()
    with pytest.raises(errors.ThrottledError) as failed:
        retrieve(cds, target)
    assert time.monotonic() - began < PERMANENT_WITHIN * slowness()
    assert failed.value.retry_after == 7200
    assert cds.count("execute") == 1


# --- submission ---


@pytest.mark.parametrize("lag", [0.0, 0.03])
def test_a_lost_reply_does_not_make_a_second_job(tmp_path, lag):
    with running_service(replica_lag=lag) as cds:
        answers = answer_months(cds, range(1, 7), running=0.1)
        cds.fault("reply_lost", route="execute", nth=(1, 3, 4))
        quick(cds, max_jobs=6).retrieve(items(range(1, 7), tmp_path))
        assert len(cds.jobs) == cds.count("execute") == 6
        assert [(tmp_path / f"{n:02d}.grib").read_bytes() for n in answers] == list(answers.values())


@pytest.fixture
def closed_port():
    """A port at which nobody listens, and nobody else can either."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder


def test_a_submission_that_did_not_arrive_is_sent_again(closed_port, target, caplog):
    caplog.set_level(logging.INFO, "era5fast")
    port = closed_port.getsockname()[1]
    client = e5.Client(f"http://127.0.0.1:{port}/api", DEFAULT_KEY, **{**QUICK, "pace": 0.1})
    work = threading.Thread(target=client.retrieve, args=(DATASET, REQUEST, target))
    work.start()
    wait_for(lambda: "cannot connect" in caplog.text)
    closed_port.close()
    with running_service(port=port) as cds:
        cds.script(answer=ANSWER)
        work.join(20)
        assert target.read_bytes() == ANSWER
        assert cds.count("execute") == 1


def test_a_service_that_is_not_there(closed_port, tmp_path):
    url = f"http://127.0.0.1:{closed_port.getsockname()[1]}/api"
    client = e5.Client(url, DEFAULT_KEY, patience=0.2, **QUICK)
    with pytest.raises(errors.NetworkError, match=r"cannot connect to 127\.0\.0\.1") as failed:
        client.retrieve(DATASET, REQUEST, tmp_path / "x.grib")
    assert isinstance(failed.value, ConnectionError)
    assert failed.value.attempts > 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["jobs", "object"])
def test_a_service_that_goes_away_for_a_while(cds, target, moment):
    cds.script(answer=ANSWER, running=0.1)
    rule = cds.fault("reset", route=moment, nth=range(2 if moment == "jobs" else 1, 1000))
    with Other(cds, target, overwrite=True) as other:
        wait_for(lambda: rule.hits > 4)
        cds.clear_faults()
        assert other.said() == "done"
    assert (len(cds.jobs), target.read_bytes()) == (1, ANSWER)


def test_results_that_were_removed_are_made_again(cds, target):
    cds.script(answer=ANSWER, expires_after=0.0, times=1)
    cds.script(answer=ANSWER)
    retrieve(cds, target)
    assert (len(cds.jobs), target.read_bytes()) == (2, ANSWER)


# --- jobs that end otherwise ---


def test_a_failed_job_says_what_the_service_says(cds, target):
    text = "\x1b[31mred\x07\n\nTraceback: it went wrong\r\n\nThe job failed with: MarsNoDataError"
    cds.script(outcome="failed", traceback=text)
    with pytest.raises(errors.JobFailedError, match="it went wrong") as failed:
        retrieve(cds, target)
    assert_told(failed.value, target)
    assert failed.value.job_id == cds.jobs[0].id
    assert "MarsNoDataError" in str(failed.value)
    assert (len(cds.jobs), target.read_bytes()) == (1, OLD)
    assert hidden(target.parent) == []


def test_a_long_traceback_is_cut(cds, target):
    cds.script(outcome="failed", traceback="x" * 1_000_000 + "\nThe job failed with: ValueError")
    with pytest.raises(errors.JobFailedError) as failed:
        retrieve(cds, target)
    assert_told(failed.value, target)


def test_a_rejected_job(cds, target):
    cds.script(outcome="rejected", traceback="You are not allowed to do this.")
    with pytest.raises(errors.JobFailedError, match=r"rejected.*not allowed"):
        retrieve(cds, target)
    assert len(cds.jobs) == 1


def test_a_passing_failure_is_tried_twice_more(cds, target):
    text = "oops\n\nThe job failed with: MarsRuntimeError"
    cds.script(outcome="failed", traceback=text, times=2)
    cds.script(answer=ANSWER)
    retrieve(cds, target)
    assert (len(cds.jobs), target.read_bytes()) == (3, ANSWER)


def test_a_failure_that_does_not_pass(cds, target):
    cds.script(outcome="failed", traceback="oops\n\nThe job failed with: MarsRuntimeError")
    with pytest.raises(errors.JobFailedError, match="MarsRuntimeError"):
        retrieve(cds, target)
    assert len(cds.jobs) == 3


def test_a_full_queue_is_waited_for(tmp_path):
    with running_service(accepted=0.05, queue_limit=1) as cds:
        batch = items(range(1, 5), tmp_path)
        assert quick(cds, max_jobs=4, patience=30).retrieve(batch) == [path for *_, path in batch]
        outcomes = [job.snapshot(time.monotonic()).status for job in cds.jobs]
        assert outcomes.count("successful") == 4
        assert 1 <= outcomes.count("rejected") <= 4  # no hot resubmission
        assert len(list(tmp_path.iterdir())) == 4


def test_a_job_that_is_queued_again(cds, target):
    cds.script(answer=ANSWER, timeline=[("accepted", 0.1), ("running", 0.1), ("accepted", 0.1), ("running", 0.1)])
    retrieve(cds, target)
    assert (len(cds.jobs), target.read_bytes()) == (1, ANSWER)


# --- permanent refusals ---

REFUSALS = {
    "licence": ({"licences_accepted": False}, DATASET, {}, errors.LicenceError, "manage-licences"),
    "dataset": ({}, "reanalysis-era5-nowhere", {}, errors.RequestError, "reanalysis-era5-nowhere"),
    "dataset with a strange name": ({}, "../../x?y#z", {}, errors.RequestError, "x.y#z|address"),
    "cost": ({"cost_limit": 3}, DATASET, {}, errors.RequestError, "too large.*Split it"),
    "values": ({}, DATASET, {"month": ["13"]}, errors.RequestError, "valid combination"),
    "disabled": ({"disabled": {DATASET: "out of order"}}, DATASET, {}, errors.AuthError, "out of order"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refused(tmp_path, name):
    options, dataset, changes, error, words = REFUSALS[name]
    with running_service(**options) as cds:
        began = time.monotonic()
        with pytest.raises(error, match=words) as failed:
            quick(cds).retrieve(dataset, {**REQUEST, **changes}, tmp_path / "x.nc")
        assert time.monotonic() - began < PERMANENT_WITHIN * slowness()
        assert_told(failed.value, tmp_path / "x.nc")
        assert not failed.value.retryable
        assert (cds.count("execute"), len(cds.requests)) == (1, 1 + (name in ("licence", "cost")))
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_names_what_is_needed_to_go_on(tmp_path):
    with running_service(licences_accepted=False) as cds, pytest.raises(errors.LicenceError) as failed:
        quick(cds).retrieve(DATASET, REQUEST, tmp_path / "x.nc")
    text = str(failed.value)
    assert f"/datasets/{DATASET}?tab=download#manage-licences" in text
    assert "accept_licence('licence-to-use-copernicus-products', 12)" in text
    assert (text.count(DATASET), text.count("…")) == (2, 0)
    with running_service(cost_limit=3) as cds:
        outcomes = quick(cds).retrieve(items(range(1, 4), tmp_path))
        assert cds.count("costing") == 1, "for one of them"
    assert all("it costs 4 of at most 3" in str(error) for error in outcomes)
    assert all("selection. Split it" in str(error) for error in outcomes)
    with running_service() as cds, pytest.raises(errors.AuthError, match="/profile"):
        e5.Client(cds.url, "wrong-" + cds.key).retrieve(DATASET, REQUEST, tmp_path / "x.nc")


def test_a_refusal_is_told_when_the_service_says_no_more(tmp_path):
    with running_service(cost_limit=3) as cds:
        cds.fault("not_found", route="costing", status=500)
        with pytest.raises(errors.RequestError, match="too large") as failed:
            quick(cds).retrieve(DATASET, REQUEST, tmp_path / "x.nc")
    assert "at most" not in str(failed.value)


@pytest.mark.parametrize(
    ("name", "revision", "told"),
    [("good", 3, True), ("good", "\x1b[2J evil\n key=abc", False), ("good", True, False), ("a\x1b[2J", 3, False),
     ("x" * 5000, 3, False), (["good"], 3, False)],
)  # fmt: skip
def test_a_refusal_names_only_what_can_be_a_licence(name, revision, told):
    error = errors.LicenceError("refused", hint="accept it")

    class Telling:
        def ask_object(self, *_):
            return {"links": [{"rel": "license", "id": name, "rev": revision}, None]}

    refusals.complete(Telling(), [(DATASET, "{}", error)])
    assert ("accept_licence('good', 3)" in error.hint) == told
    assert error.hint.startswith("accept it")
    assert error.hint.isprintable()
    assert told or error.hint == "accept it"


def test_an_unknown_dataset_brings_near_names(cds, target):
    with pytest.raises(e5.errors.RequestError, match="mean 'reanalysis-era5-single-levels'"):
        quick(cds).retrieve("reanalysis-era5-single-level", REQUEST, target)
    with pytest.raises(e5.errors.RequestError, match=r"Client\.datasets"):
        quick(cds).retrieve("nods", REQUEST, target)


def test_a_dataset_that_is_closed_does_not_look_like_a_bad_token(target):
    words = r"Down for maintenance.*not your token"
    with (
        running_service(disabled={DATASET: "Down for maintenance"}) as cds,
        pytest.raises(errors.AuthError, match=words),
    ):
        quick(cds).retrieve(DATASET, REQUEST, target)


def test_a_token_that_is_refused_is_said_where_it_came_from(cds, target, tmp_path, monkeypatch):
    given = e5.Client(cds.url, "wrong-token", patience=5.0, **QUICK)
    for call in (given.check, lambda: given.retrieve(DATASET, REQUEST, target)):
        with pytest.raises(e5.errors.AuthError, match="it came from the argument key"):
            call()
    (tmp_path / "rc").write_text(f"url: {cds.url}\nkey: wrong-token\n")
    monkeypatch.setenv("CDSAPI_RC", str(tmp_path / "rc"))
    for name in ("CDSAPI_URL", "CDSAPI_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(e5.errors.AuthError, match=r"it came from .*rc$") as caught:
        e5.Client(patience=5.0, **QUICK).check()
    assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize(("cost", "told"), [(4, True), (10**400, False), (float("inf"), False), ("4", False)])
def test_a_refusal_names_only_what_can_be_a_cost(cost, told):
    error = errors.RequestError("too large", status=403)

    class Telling:
        def ask_object(self, *_):
            return {"cost": cost, "limit": 3}

    refusals.complete(Telling(), [(DATASET, "{}", error)])
    assert ("it costs 4 of at most 3" in error.hint) == told


def test_all_that_is_asked_about_refusals_has_one_second(monkeypatch):
    now, asked = [100.0], []

    class Slow:
        def ask_object(self, method, path, body, settings):
            asked.append(settings)
            now[0] += settings["connect_timeout"] + settings["timeout"]
            raise errors.TransferTimeoutError("silent")

    monkeypatch.setattr(refusals.time, "monotonic", lambda: now[0])
    failed = [(f"dataset-{i}", "{}", errors.LicenceError("refused")) for i in range(50)]
    refusals.complete(Slow(), failed)
    assert now[0] <= 101.0
    assert len(asked) == 1


def test_a_failure_is_said_once(cds, target):
    cds.script(outcome="failed", traceback="it went wrong\n\nThe job failed with: MarsNoDataError")
    with pytest.raises(errors.JobFailedError) as failed:
        retrieve(cds, target)
    assert str(failed.value).count("MarsNoDataError") == 1


def test_a_target_that_is_a_folder_says_what_to_write(cds, tmp_path):
    with pytest.raises(errors.StorageError, match=r"Name a file in it, for instance '.*/answer.nc'"):
        retrieve(cds, tmp_path)
    assert cds.jobs == []


def test_a_wrong_key_is_refused_once_for_the_whole_batch(cds, tmp_path):
    client = e5.Client(cds.url, "wrong-" + cds.key, max_jobs=2)
    began = time.monotonic()
    calls = items(range(1, 9), tmp_path)
    outcomes = client.retrieve(calls)
    assert time.monotonic() - began < PERMANENT_WITHIN * slowness()
    assert [type(outcome) for outcome in outcomes] == [errors.AuthError] * 8
    assert [outcome.target for outcome in outcomes] == [target for *_, target in calls]
    assert len(cds.requests) <= 2
    assert list(tmp_path.iterdir()) == []


def test_the_anonymous_key_works(cds, target):
    cds.script(answer=ANSWER)
    client = e5.Client(cds.url, ANONYMOUS_KEY, **QUICK)
    client.retrieve(DATASET, REQUEST, target, overwrite=True)
    assert target.read_bytes() == ANSWER


def test_a_token_that_ends_half_way(cds, tmp_path):
    answer_months(cds, range(1, 5), running=0.3)
    cds.fault("token_rejected", route="api", delay=0.2)
    outcomes = quick(cds, max_jobs=2).retrieve(items(range(1, 5), tmp_path))
    assert [type(outcome) for outcome in outcomes] == [errors.AuthError] * 4
    made = len(cds.jobs)
    cds.clear_faults()
    quick(cds, max_jobs=2).retrieve(items(range(1, 5), tmp_path))
    assert len(cds.jobs) == 4 >= made
    assert hidden(tmp_path) == []


BAD_KEYS = ["", "two words", "123:0a1b2c3d", "line\nbreak", "schlüssel", "tab\t", "nul\0"]


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
def test_a_malformed_key_is_not_sent(cds, key, monkeypatch, tmp_path):
    for name in ("CDSAPI_KEY", "ECMWF_DATASTORES_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(errors.ConfigError) as failed:
        e5.Client(cds.url, key)
    assert isinstance(failed.value, ValueError)
    assert key == "" or key not in str(failed.value)
    assert cds.requests == []


def test_no_key_names_the_places(monkeypatch, tmp_path):
    for name in ("CDSAPI_KEY", "CDSAPI_RC", "ECMWF_DATASTORES_KEY", "ECMWF_DATASTORES_RC_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(errors.ConfigError) as failed:
        e5.retrieve(DATASET, REQUEST, tmp_path / "x.nc")
    said = str(failed.value)
    places = ["CDSAPI_KEY", "ECMWF_DATASTORES_KEY", ".cdsapirc", ".ecmwfdatastoresrc"]
    assert [said.find(place) for place in places] == sorted(said.find(place) for place in places)
    assert said.find(places[0]) > 0
    assert "/profile" in failed.value.hint


def test_a_request_that_is_none(cds, tmp_path):
    path = tmp_path / "x"
    calls = [(DATASET, [1], path), ("", {}, path), (DATASET, {"x": {1}}, path), (DATASET,), 7]
    outcomes = quick(cds).retrieve([*calls, (DATASET, REQUEST, "x\0y")])
    assert [type(outcome) for outcome in outcomes] == [errors.InputError] * 6
    assert cds.requests == []


# --- the disk ---


@pytest.mark.parametrize(
    ("make", "number"),
    [
        (lambda folder: folder / "missing" / "x.nc", errno.ENOENT),
        (lambda folder: (folder / "file").write_bytes(b"") or folder / "file" / "x.nc", errno.ENOTDIR),
        (lambda folder: (folder / "x.nc").mkdir() or folder / "x.nc", errno.EISDIR),
        (lambda folder: (folder / "x.nc").symlink_to(folder / "y.nc") or folder / "x.nc", errno.ELOOP),
        (lambda folder: os.mkfifo(folder / "x.nc") or folder / "x.nc", errno.EINVAL),
        (lambda folder: folder / ("x" * 256), errno.ENAMETOOLONG),
    ],
    ids=["missing", "a file", "a directory", "a link", "a pipe", "long name"],
)
def test_a_target_that_cannot_be(cds, tmp_path, make, number):
    path = make(tmp_path)
    with pytest.raises((errors.StorageError, errors.InputError)) as failed:
        quick(cds).retrieve(DATASET, REQUEST, path)
    assert_told(failed.value, path)
    if isinstance(failed.value, OSError):
        assert failed.value.errno == number
    assert cds.requests == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.symlink_to("y.nc"), "is a symbolic link, not a file.*the file that it leads to"),
        (lambda path: os.mkfifo(path), "is a device, pipe or socket, not a file.*Name a file"),
    ],
)
def test_what_is_no_file_is_called_what_it_is(cds, tmp_path, make, words):
    make(tmp_path / "x.nc")
    with pytest.raises(errors.StorageError, match=words):
        quick(cds).retrieve(DATASET, REQUEST, tmp_path / "x.nc")


UNPRIVILEGED = """
import os, sys
import era5fast as e5
url, key, target = sys.argv[1:]
client = e5.Client(url, key)
e5.__version__, e5.errors  # read while that is allowed
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    client.retrieve({dataset!r}, {request!r}, target)
except e5.errors.StorageError as error:
    print(type(error).__name__, error.errno, error)
"""


def test_a_directory_that_may_not_be_written(cds, tmp_path):
    tmp_path.chmod(0o555)
    program = UNPRIVILEGED.format(dataset=DATASET, request=REQUEST)
    for parent in list(tmp_path.parents)[:3]:  # so that the other user gets that far
        if parent.owner() == tmp_path.owner() and str(parent).count("/") > 1:
            parent.chmod(0o755)
    result = run_program(program, cds.url, cds.key, tmp_path / "x.nc")
    tmp_path.chmod(0o755)
    assert result.stdout.startswith(f"StorageError {errno.EACCES} "), result
    assert cds.requests == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"href": None}, "href"),
        ({"href": "https://x/" + "y" * 5000}, "4095"),
        ({"href": "https://x/\udc80"}, "href"),
        ({"href": "https://x\0/y"}, "href"),
        ({"type": "\udc80"}, "type"),
        ({"checksum": "\udc80"}, "checksum"),
        ({"size": 10**30}, "size"),
        ({"size": -(10**30)}, "size"),
        ({"size": -7}, "size"),
        ({"size": (1 << 50) + 1}, "size"),
    ],
)
def test_an_impossible_asset_is_a_typed_error(cds, tmp_path, change, message):
    asset = {"href": f"{cds.url}/x", "type": "", "size": 1, "checksum": "", **change}
    with pytest.raises(errors.InputError, match=message):
        Result(quick(cds)._connection, "id", asset).download(tmp_path / "x")


def test_a_disk_with_too_little_space(cds, target):
    cds.script(answer=ANSWER)
    cds.fault("wrong_asset", route="jobs", value=1 << 49)
    with pytest.raises(errors.StorageError, match=r"Needs 562949953\.4 MB, free are \d+\.\d MB: make room") as failed:
        retrieve(cds, target)
    assert (failed.value.errno, failed.value.filename) == (errno.ENOSPC, str(target))
    assert cds.count("object") == 0
    assert target.read_bytes() == OLD
    assert hidden(target.parent) == [".t2m.grib.e5state"]
    cds.clear_faults()
    retrieve(cds, target)
    assert (len(cds.jobs), target.read_bytes()) == (1, ANSWER)


SMALL_DISK = """
import resource, signal, sys
import era5fast as e5
url, key, target, limit = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
client = e5.Client(url, key, **{QUICK})
try:
    client.retrieve({dataset!r}, {request!r}, target, overwrite=True)
except e5.errors.StorageError as error:
    print(type(error).__name__, error.errno, error.retryable, error)
"""


def test_a_file_larger_than_allowed(cds, target):
    cds.script(answer=ANSWER)
    program = SMALL_DISK.format(dataset=DATASET, request=REQUEST, QUICK=QUICK)
    result = run_program(program, cds.url, cds.key, target, 20_000)
    assert result.stdout.startswith(f"StorageError {errno.EFBIG} False"), result
    assert target.read_bytes() == OLD
    retrieve(cds, target)  # there is room now
    assert (len(cds.jobs), target.read_bytes()) == (1, ANSWER)
    assert hidden(target.parent) == []

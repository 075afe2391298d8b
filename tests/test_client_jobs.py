"""Jobs by hand, many calls at once, what the journal saves, and what else the service can be asked."""

from __future__ import annotations

import copy
import datetime as dt
import json
import logging
import os
import pickle
import time
from pathlib import Path

import pytest

import era5fast as e5
from era5fast import errors
from era5fast.accounts import Accounts
from era5fast.coverage import Coverage
from era5fast.database_origin import origins
from era5fast.plan import Job, Plan
from era5fast.testing import ANONYMOUS_KEY
from tests.client_kit import (
    DATASET,
    QUICK,
    REQUEST,
    Other,
    answer_months,
    grib,
    hidden,
    items,
    month,
    plan,
    quick,
    run_program,
    running_service,
    wait_for,
)
from tests.look_alike import slowness

pytestmark = pytest.mark.native

ANSWER = grib(20_000)
WANTED = e5.Request(DATASET, variable="2t", years=2013, months=7, days=5, hours=0)


@pytest.fixture
def cds(cds):
    cds.script(answer=ANSWER, match=lambda _, inputs: inputs == REQUEST)
    return cds


def calls_of(cds, work) -> list[str]:
    """Routes of the calls that some work makes."""
    before = len(cds.requests)
    work()
    return [call.route for call in cds.requests[before:]]


# --- handles


def test_a_job_from_submission_to_file(cds, tmp_path) -> None:
    client = quick(cds)
    job = client.submit(DATASET, REQUEST)
    assert job.id == cds.jobs[0].id
    assert (job.dataset, job.request) == (DATASET, REQUEST)
    assert job.wait() is job
    assert job.status == "successful"
    result = job.result()
    assert (result.job_id, result.size, result.content_type) == (job.id, len(ANSWER), "application/x-grib")
    assert result.location.startswith(tuple(cds.stores))
    assert job.download(tmp_path / "a.grib") == str(tmp_path / "a.grib")
    assert result.download(tmp_path / "b.grib") == str(tmp_path / "b.grib")
    assert (tmp_path / "a.grib").read_bytes() == (tmp_path / "b.grib").read_bytes() == ANSWER
    assert (len(cds.jobs), cds.count("execute")) == (1, 1)
    assert job.receipt()["request-id"] == job.id


def test_states_and_moments(cds) -> None:
    cds.script(timeline=[("accepted", 60), ("running", 60)], answer=ANSWER, log=["WARNING: one", "two"])
    job = quick(cds).submit(DATASET, month(3))
    assert job.status == "accepted"
    assert (job.started, job.finished) == (None, None)
    assert job.created.utcoffset() == dt.timedelta(0)
    assert abs(dt.datetime.now(dt.UTC) - job.created) < dt.timedelta(seconds=5)
    cds.advance(60)
    assert job.status == "running"
    assert dt.timedelta(seconds=60) <= job.started - job.created < dt.timedelta(seconds=61)
    cds.advance(60)
    assert job.status == "successful"
    assert dt.timedelta(seconds=60) <= job.finished - job.started < dt.timedelta(seconds=61)
    assert [text for _, text in job.log()] == ["WARNING: one", "two"]
    assert repr(job) == f"<Job {job.id}, {DATASET}, successful>"
    assert job.as_dict()["finished"] == job.finished.isoformat()
    assert calls_of(cds, lambda: (job.status, job.created, job.finished, job.dataset)) == []


def test_a_queued_job_has_no_receipt_yet(cds) -> None:
    cds.script(accepted=60, answer=ANSWER)
    job = quick(cds).submit(DATASET, month(3))
    with pytest.raises(errors.JobTimeoutError, match=r"no receipt yet: it is accepted\. wait\(\)"):
        job.receipt()
    assert cds.count("receipt") == 0


def test_waiting_ends_in_time_and_the_job_goes_on(cds, tmp_path) -> None:
    cds.script(accepted=60, answer=ANSWER)
    job = quick(cds).submit(DATASET, month(3))
    for timeout in (0.2, 0):
        began = time.monotonic()
        with pytest.raises(errors.JobTimeoutError) as late:
            job.wait(timeout)
        assert time.monotonic() - began < 2 * slowness()
        assert isinstance(late.value, TimeoutError)
        assert late.value.job_id == job.id
    cds.advance(60)
    assert job.wait(5).status == "successful"
    assert job.wait(0) is job


def test_a_job_that_ends_otherwise(cds) -> None:
    cds.script(outcome="failed", traceback="no data\n\nThe job failed with: MarsNoDataError")
    job = quick(cds).submit(DATASET, month(3))
    with pytest.raises(errors.JobFailedError, match="no data"):
        job.wait()
    assert job.status == "failed"
    assert job.receipt()["traceback"]


def test_a_cancelled_job_is_gone_and_asked_for_anew(cds, tmp_path) -> None:
    cds.script(accepted=60, answer=ANSWER)
    client = quick(cds)
    job = client.submit(DATASET, month(3))
    assert job.cancel() is True
    assert job.cancel() is False
    assert cds.jobs[0].dismissed is not None
    with pytest.raises(errors.JobLostError):
        client.job(job.id)
    again = client.submit(DATASET, month(3))
    assert again.id != job.id
    assert client.cancel(again.id, job.id) == [again.id]
    assert client.cancel() == []
    assert client.unfinished() == []


def test_what_nobody_knows_is_not_cancelled_silently(cds, caplog) -> None:
    client = quick(cds)
    job = client.submit(DATASET, REQUEST)
    assert client.cancel("abc", job.id) == [job.id]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["the service does not know job abc; Client.jobs() lists yours with their ids"]


def test_a_job_that_was_not_dismissed_is_gone_on_with(cds, monkeypatch) -> None:
    cds.script(accepted=60, answer=ANSWER)
    client = quick(cds, patience=0.1)
    job = client.submit(DATASET, month(3))
    for route, cancel in (("dismiss", job.cancel), ("delete", lambda: client.cancel(job.id))):
        rule = cds.fault("bad_gateway", route=route)
        with pytest.raises(errors.ServerError):
            cancel()
        assert rule.hits > 0
    assert client.submit(DATASET, month(3)).id == job.id
    cds.clear_faults()
    monkeypatch.setattr(
        e5.connection.Connection, "ask_rows", lambda *_: []
    )  # the service knows the job, but keeps it
    assert client.cancel(job.id) == []
    assert client.submit(DATASET, month(3)).id == job.id
    assert len(cds.jobs) == 1


@pytest.mark.parametrize("way", ["wait", "result", "download"])
def test_a_job_that_a_full_queue_rejects_is_asked_for_again(tmp_path, way) -> None:
    with running_service(queue_limit=1, running=0.1) as cds:
        cds.script(answer=ANSWER, accepted=0.3)
        client, other = quick(cds, journal=False), quick(cds, journal=False)
        other.submit(DATASET, month(2))
        job = client.submit(DATASET, month(3))
        first = job.id
        wait_for(lambda: job.status == "rejected")
        work = {"wait": job.wait, "result": job.result, "download": lambda: job.download(tmp_path / "x")}
        work[way]()
        assert job.id == cds.jobs[-1].id != first
        assert job.status == "successful"


@pytest.mark.parametrize("way", ["of the list", "by its id", "of the list, from the journal"])
def test_a_job_that_was_found_and_is_rejected_is_asked_for_again(tmp_path, way) -> None:
    with running_service(queue_limit=1, running=0.1) as cds:
        cds.script(answer=ANSWER, accepted=0.3)
        quick(cds, journal=False).submit(DATASET, month(2))
        client = quick(cds, journal="journal" in way and tmp_path / "journal")
        made = client.submit(DATASET, month(3))
        first = made.id
        wait_for(lambda: made.status == "rejected")
        before = cds.count("job")
        (job,) = [client.job(first)] if "id" in way else [job for job in client.jobs() if job.id == first]
        job.download(tmp_path / "x")
        assert job.id == cds.jobs[-1].id != first
        assert cds.jobs[-1].inputs == month(3)
        if "journal" in way:
            assert cds.count("job") == before, "the journal knows what was asked"


def test_equal_requests_share_a_job_unless_a_fresh_one_is_wanted(cds) -> None:
    client = quick(cds)
    first, second = (client.submit(DATASET, REQUEST) for _ in range(2))
    assert first.id == second.id
    assert client.submit(DATASET, REQUEST, fresh=True).id != first.id
    assert len(cds.jobs) == 2


def test_a_job_of_another_program_is_found_and_downloaded(cds, client, tmp_path) -> None:
    job_id = client.job(month="08", data_format="netcdf", day="05", time="00:00")
    job = quick(cds).job(job_id)
    assert job.request["month"] == "08"
    assert job.dataset == DATASET
    job.download(tmp_path / "x.nc")
    assert (tmp_path / "x.nc").read_bytes().startswith(b"\x89HDF")
    for unknown in ("6f0c1c1e-5a0b-4f0e-9a55-0d6a4d1b7e21", "nonsense", "../processes"):
        with pytest.raises((errors.JobLostError, errors.RequestError)):
            quick(cds).job(unknown)


def test_the_list_of_jobs_goes_on_from_page_to_page(cds, client, monkeypatch) -> None:
    cds.script(answer=ANSWER)
    cds.script(outcome="failed", match=lambda _, inputs: inputs["day"] == "01")
    made = [client.job(day=f"{day:02d}") for day in range(2, 9)][::-1]
    monkeypatch.setattr(e5.client, "_PAGE", 3)
    ours = quick(cds)
    assert [job.id for job in ours.jobs()] == made
    assert [job.id for job in ours.jobs(limit=None)] == made
    assert [job.id for job in ours.jobs(limit=4)] == made[:4]
    assert [job.last_status for job in ours.jobs(status="successful", limit=2)] == ["successful"] * 2
    assert ours.jobs(status=["failed", "rejected"]) == []
    assert ours.jobs(dataset="other") == []
    listed = ours.jobs(limit=1)[0]
    assert calls_of(cds, lambda: (listed.status, listed.created, listed.finished, listed.dataset)) == []


def test_finished_jobs_are_downloaded_after_one_listing(cds, client, tmp_path) -> None:
    cds.script(answer=ANSWER)
    made = [client.job(day=f"{day:02d}") for day in range(2, 9)]
    ours = quick(cds)
    jobs = [e5.jobs.JobHandle(ours._connection, job.id) for job in ours.jobs()]
    routes = calls_of(cds, lambda: ours.download(jobs, tmp_path / "new"))
    assert routes.count("jobs") == 1
    assert set(routes) == {"jobs", "object"}
    for told in (ours.jobs(), [job.wait() for job in jobs]):
        assert calls_of(cds, lambda told=told: ours.download(told, tmp_path / "again")).count("jobs") == 0
    assert len(list((tmp_path / "new").iterdir())) == len(made)
    assert hidden(tmp_path / "new") == []
    result = ours.retrieve(DATASET, REQUEST)
    (path,) = ours.download([result], tmp_path)
    assert path == str(tmp_path / result.name)
    assert result.location.endswith(result.name)


@pytest.mark.parametrize(
    "change",
    [{"file:size": 10**30}, {"file:size": float("inf")}, {"file:size": -7}, {"file:size": None}, {"href": "x" * 5000},
     {"href": "https://\udc80/x"}, {"href": "https://x\0/y"}, {"href": ["x"]}, {"type": "\udc80"},
     {"file:checksum": "\udc80"}, {"file:checksum": {}}],
)  # fmt: skip
def test_one_odd_row_of_the_list_fails_no_download(cds, client, tmp_path, monkeypatch, change) -> None:
    cds.script(answer=ANSWER)
    made = [client.job(day=f"{day:02d}") for day in (2, 3)]
    ours = quick(cds)
    (rows,) = [ours._connection.ask_object("GET", "/retrieve/v1/jobs?limit=10")["jobs"]]
    value = rows[0]["metadata"]["results"]["asset"]["value"]
    value.update(change)
    monkeypatch.setattr(e5.connection.Connection, "pages", lambda *_: iter([{"jobID": []}, *rows]))
    jobs = [e5.jobs.JobHandle(ours._connection, job_id) for job_id in made]
    paths = ours.download(jobs, tmp_path)
    assert [(tmp_path / path).read_bytes() for path in paths] == [ANSWER, ANSWER]


def test_states_of_the_service_are_shown_as_one_short_word(cds) -> None:
    job = e5.jobs.JobHandle(quick(cds)._connection, "id")
    job.learn({"status": "\x1b[2J" + "evil\n" * 100, "processID": "a\u202eb"})
    assert job.last_status.isprintable()
    assert len(job.last_status) <= 32
    assert repr(job).isprintable()


@pytest.mark.parametrize(
    ("path", "name"),
    [("/x/abc.grib", "abc.grib"), ("/x/.ssh", "ssh"), ("/x/..%2f..%2fetc%2fpasswd", "passwd"), ("/x/a%00b", "a_b")],
)
def test_names_from_the_service_are_made_safe(cds, path, name) -> None:
    asset = {"href": f"https://example.org{path}", "type": "", "size": 1, "checksum": ""}
    assert e5.results.Result(quick(cds)._connection, "id", asset).name == name
    empty = {**asset, "href": "https://example.org/"}
    assert e5.results.Result(quick(cds)._connection, "id", empty).name == "id.bin"


def test_nothing_shows_the_token(cds) -> None:
    client = quick(cds)
    result, job = client.retrieve(DATASET, REQUEST), client.submit(DATASET, REQUEST)
    for thing in (client, result, job, client._connection):
        for text in (repr(thing), str(vars(thing)), repr(pickle.dumps(thing)), repr(copy.copy(thing))):
            assert cds.key not in text


def test_handles_and_results_survive_pickling(cds, tmp_path, monkeypatch) -> None:
    client = quick(cds)
    monkeypatch.setenv("CDSAPI_URL", cds.url)
    monkeypatch.setenv("CDSAPI_KEY", cds.key)
    for thing in (client.retrieve(DATASET, REQUEST), client.submit(DATASET, REQUEST)):
        path = tmp_path / type(thing).__name__
        pickle.loads(pickle.dumps(thing)).download(path)
        assert path.read_bytes() == ANSWER


# --- results and lists


def test_without_a_target_nothing_is_downloaded_yet(cds, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = quick(cds).retrieve(DATASET, REQUEST)
    assert cds.count("object") == 0
    assert list(tmp_path.iterdir()) == []
    path = result.download()
    assert (tmp_path / path).read_bytes() == ANSWER
    assert result.download() == path
    assert cds.count("object") == 1  # what is there already matches


def test_a_result_that_has_gone_is_made_again(cds, tmp_path) -> None:
    result = quick(cds).retrieve(DATASET, REQUEST)
    cds.evict()
    result.download(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == ANSWER
    assert len(cds.jobs) == 2


def test_a_list_of_calls_gives_a_list_of_outcomes(cds, tmp_path) -> None:
    answers = answer_months(cds, range(1, 4))
    cds.script(outcome="failed", traceback="no\n\nThe job failed with: MarsNoDataError")
    calls = [
        *items(range(1, 3), tmp_path),
        (DATASET, month(3)),
        (DATASET, month(4), tmp_path / "4"),
        (DATASET, {1: {2}}),
    ]
    first, second, third, fourth, fifth = quick(cds).retrieve(calls)
    assert (first, second) == (calls[0][2], calls[1][2])
    assert (tmp_path / "02.grib").read_bytes() == answers[2]
    third.download(tmp_path / "3")
    assert (tmp_path / "3").read_bytes() == answers[3]
    assert isinstance(fourth, errors.JobFailedError)
    assert isinstance(fifth, errors.InputError)
    assert quick(cds).retrieve(call for call in calls[:1]) == [calls[0][2]]


def test_the_module_function_gives_a_result_too(cds, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("CDSAPI_URL", cds.url)
    monkeypatch.setenv("CDSAPI_KEY", cds.key)
    result = e5.retrieve(DATASET, REQUEST)
    assert result.download(tmp_path / "x") == str(tmp_path / "x")
    with e5.ThreadPool(2) as pool:
        results = pool.starmap(e5.retrieve, [(DATASET, REQUEST), (DATASET, REQUEST)])
        assert [result.size for result in results] == [len(ANSWER)] * 2
        assert [result.size for result in pool.map(e5.retrieve, [(DATASET, REQUEST)])] == [len(ANSWER)]
        assert pool.map(abs, [-1, 2]) == [1, 2]
        with pytest.raises(errors.BatchError, match="1 of 2"):
            pool.starmap(e5.retrieve, [(DATASET, REQUEST), (DATASET, {1: {2}}, tmp_path / "y")])


# --- settings


def test_settings_are_arguments_and_attributes(cds, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("ERA5FAST_PATIENCE", "7 min")
    (tmp_path / "config.toml").write_text("[client]\nmax_jobs = 3\npatience = 5\n")
    monkeypatch.setenv("ERA5FAST_CONFIG", str(tmp_path / "config.toml"))
    client = e5.Client(cds.url, cds.key, poll_interval="2 s")
    assert (client.poll_interval, client.patience, client.max_jobs, client.looks) == (2, 420, 3, 3)
    assert "max_transfers" in dir(client)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = client.nonsense
    with pytest.raises(TypeError, match="patience"):
        e5.Client(cds.url, cds.key, patince=3)
    with pytest.raises(errors.ConfigError, match="between"):
        e5.Client(cds.url, cds.key, max_transfers=0)
    with pytest.raises(errors.InputError, match="keep"):
        e5.Client(cds.url, cds.key, on_interrupt="explode")


# --- what the journal saves


def small_plan(months=range(1, 4)) -> list[Job]:
    return plan(months)


def test_a_repeated_plan_makes_no_call(cds, tmp_path) -> None:
    answer_months(cds, range(1, 4))
    paths = quick(cds).fetch(small_plan(), tmp_path)
    assert paths == [str(tmp_path / f"{number:02d}.grib") for number in range(1, 4)]
    assert calls_of(cds, lambda: quick(cds).fetch(small_plan(), tmp_path)) == []
    assert quick(cds).fetch(small_plan(), tmp_path) == paths
    # A single call that has been made needs none either.
    assert calls_of(cds, lambda: quick(cds).retrieve(DATASET, month(1), tmp_path / "01.grib")) == []


def test_where_files_come_from_is_known_without_settings(cds, tmp_path) -> None:
    answer_months(cds, range(1, 4))
    paths = quick(cds).fetch(small_plan(), tmp_path)
    (tmp_path / "02.grib").write_bytes(b"changed since")
    first, second, absent = origins([*paths[:2], str(tmp_path / "absent.grib")])
    path, size, checksum, request, download = first
    assert (path, size, len(checksum), json.loads(request)["month"]) == (
        paths[0],
        Path(paths[0]).stat().st_size,
        32,
        ["01"],
    )
    assert download is not None
    assert (download[0], download[2]) == (cds.url, DATASET)
    assert second[2:] == absent[2:] == ("", "", None)


def test_a_repeated_request_makes_no_call(cds, tmp_path) -> None:
    request = e5.Request(
        DATASET, variable="2t", start="2013-05-30", end="2013-06-02", area=[47, -1, 46, 1], hours=[0]
    )
    paths = quick(cds).fetch(request, tmp_path)
    again: list[list[str]] = []
    assert calls_of(cds, lambda: again.append(quick(cds).fetch(request, tmp_path))) == []
    assert again == [paths]


def test_a_changed_file_is_fetched_again(cds, tmp_path) -> None:
    answers = answer_months(cds, range(1, 4))
    quick(cds).fetch(small_plan(), tmp_path)
    (tmp_path / "02.grib").write_bytes(b"GRIB oops")
    routes = calls_of(cds, lambda: quick(cds).fetch(small_plan(), tmp_path))
    assert routes.count("object") == 1
    assert "execute" not in routes
    assert (tmp_path / "02.grib").read_bytes() == answers[2]


def test_an_overlapping_plan_asks_only_for_what_is_missing(cds, tmp_path) -> None:
    def request(start: str, end: str) -> e5.Plan:
        return e5.Request(DATASET, variable="2t", start=start, end=end, area=[47, -1, 46, 1], hours=[0, 12]).split()

    first = quick(cds).fetch(request("2013-06-01", "2013-06-20"), tmp_path)
    second = quick(cds).fetch(request("2013-06-11", "2013-06-30"), tmp_path)
    assert set(first) < set(second)
    days = [cds_day for job in cds.jobs for cds_day in days_of(job.inputs)]
    assert sorted(days) == list(range(1, 31))
    assert calls_of(cds, lambda: quick(cds).fetch(request("2013-06-05", "2013-06-25"), tmp_path)) == []


def days_of(inputs) -> list[int]:
    """Days of June that a request asks for."""
    if "date" not in inputs:
        return [int(day) for day in inputs["day"]]
    spans = [text.partition("/") for text in inputs["date"]]
    return [d for a, _, b in spans for d in range(int(a[-2:]), int((b or a)[-2:]) + 1)]


def test_a_job_is_found_again_by_the_next_program(cds, tmp_path) -> None:
    cds.script(accepted=60, answer=ANSWER)
    program = f"""
import sys
import era5fast as e5
url, key = sys.argv[1:]
print(e5.Client(url, key, **{QUICK}).submit({DATASET!r}, {month(3)!r}).id)
"""
    done = run_program(program, cds.url, cds.key)
    assert done.stdout.strip() == cds.jobs[0].id, done.stderr
    client = quick(cds)
    (job,) = client.unfinished()
    assert (job.id, job.dataset, job.request) == (cds.jobs[0].id, DATASET, month(3))
    cds.advance(60)
    client.retrieve(DATASET, month(3), tmp_path / "x")
    assert len(cds.jobs) == 1
    assert client.unfinished() == []


def test_unfinished_jobs_are_mentioned_only_if_there_are_some(cds, caplog, monkeypatch) -> None:
    caplog.set_level(logging.INFO, "era5fast")
    cds.script(accepted=60, answer=ANSWER)
    quick(cds).submit(DATASET, month(3))
    assert "unfinished" not in caplog.text
    quick(cds)
    assert "found 1 unfinished job;" in caplog.text
    assert {record.levelname for record in caplog.records} == {"INFO"}  # somebody may be waiting for it
    caplog.clear()
    monkeypatch.setattr(e5.client, "_told", set())
    monkeypatch.setattr(e5.client, "_WATCHED", 0.0)
    quick(cds)
    quick(cds)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    caplog.clear()
    e5.Client(cds.url, ANONYMOUS_KEY)  # somebody else
    quick(cds, journal=False)
    assert caplog.text == ""


def test_killed_and_gone_on_with(cds, tmp_path) -> None:
    cds.script(answer=ANSWER, accepted=60, times=2)
    cds.script(answer=ANSWER)
    with Other(cds, tmp_path / "x", {}, FETCH) as other:
        wait_for(lambda: len(cds.jobs) == 2)
        other.kill()
    cds.advance(60)
    assert len(quick(cds).fetch(plan(range(1, 4)), tmp_path)) == 3
    assert len(cds.jobs) == 3
    assert hidden(tmp_path) == []


FETCH = f"""
import os, sys
import era5fast as e5
from tests.client_kit import plan
url, key, target, options = sys.argv[1:]
client = e5.Client(url, key, max_jobs=2, **{QUICK}, **eval(options))
try:
    client.fetch(plan(range(1, 4)), os.path.dirname(target), progress=False)
    print("done", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_two_processes_share_the_queue(tmp_path) -> None:
    with running_service(accepted=0.3) as cds:
        cds.script(answer=ANSWER)
        with Other(cds, tmp_path / "a" / "x", {}, FETCH) as one, Other(cds, tmp_path / "b" / "x", {}, FETCH) as two:
            most = 0
            while one.process.poll() is None and two.process.poll() is None:
                queued = [job for job in cds.jobs if job.snapshot(time.monotonic()).status == "accepted"]
                most = max(most, len(queued))
                time.sleep(0.01)
            assert {one.said(), two.said()} == {"done"}
        assert most <= 2
        assert len(cds.jobs) == 3
        assert len(list(tmp_path.glob("*/*.grib"))) == 6


def test_without_a_journal(cds, tmp_path, no_settings_of_the_user) -> None:
    answer_months(cds, range(1, 4))
    client = quick(cds, journal=False)
    paths = client.fetch(small_plan(), tmp_path)
    assert client.fetch(small_plan(), tmp_path) == paths
    assert client.unfinished() == []
    assert not list(no_settings_of_the_user.glob("journal*"))
    chosen = quick(cds, journal=tmp_path / "my journal")
    chosen.submit(DATASET, REQUEST)
    assert (tmp_path / "my journal").stat().st_size > 0
    assert not list(no_settings_of_the_user.glob("journal*"))


def test_the_journal_holds_no_token(cds, tmp_path, no_settings_of_the_user) -> None:
    quick(cds).retrieve(DATASET, REQUEST, tmp_path / "x")
    kept = [path for path in no_settings_of_the_user.iterdir() if path.name.startswith("journal")]
    assert kept != []
    assert all(cds.key.encode() not in path.read_bytes() for path in kept)


@pytest.mark.parametrize(("choice", "left"), [("keep", 2), ("dismiss", 0)])
def test_ctrl_c_dismisses_jobs_only_when_asked(cds, tmp_path, choice, left) -> None:
    cds.script(answer=ANSWER, accepted=60)
    with Other(cds, tmp_path / "x", {"on_interrupt": choice}, FETCH) as other:
        wait_for(lambda: len(cds.jobs) == 2)
        wait_for(lambda: cds.count("jobs") >= 1)
        began = time.monotonic()
        other.interrupt()
        assert other.said() == "interrupted"
        assert time.monotonic() - began < 2.0 * slowness()
    assert sum(job.dismissed is None for job in cds.jobs) == left


# --- the service


def test_costs_and_constraints(cds) -> None:
    client = quick(cds)
    assert client.estimate(DATASET, REQUEST) == {"id": "size", "cost": 4.0, "limit": 16500.0}
    assert client.constraints(DATASET, {"month": ["02"]})["day"][-1] == "29"
    assert "2m_temperature" in client.constraints(DATASET)["variable"]
    with pytest.raises(errors.RequestError, match="foo"):
        client.constraints(DATASET, {"foo": 1})
    with pytest.raises(errors.RequestError):
        client.estimate("../jobs", REQUEST)
    made = client.plan(e5.Request(DATASET, variable="2t", start="2013-01-01", end="2013-12-31", hours=[0]))
    assert sum(job.fields for job in made) == 365
    assert cds.count("costing") > 1


def test_licences() -> None:
    with running_service(licences_accepted=False) as cds:
        client = quick(cds)
        (licence,) = client.licences()
        assert client.accepted_licences() == []
        with pytest.raises(errors.LicenceError, match="licences"):
            client.submit(DATASET, REQUEST)
        with pytest.raises(errors.InputError, match=r"Did you mean 'licence-to-use-copernicus-products'\?"):
            client.accept_licence("licence-to-use-copernicus-product", 12)
        with pytest.raises(errors.InputError, match="There are licence-to-use-copernicus-products"):
            client.accept_licence("foo", 1)
        with pytest.raises(errors.InputError, match="has revision 12, not 11"):
            client.accept_licence(licence["id"], 11)
        for _ in range(2):
            assert client.accept_licence(licence["id"], licence["revision"])["revision"] == licence["revision"]
        assert [row["id"] for row in client.accepted_licences()] == [licence["id"]]
        assert client.submit(DATASET, REQUEST).id == cds.jobs[0].id


def test_the_catalogue(cds) -> None:
    notice = {"severity": "info", "content": "hello"}
    with running_service(datasets=["a", "b"], messages=[notice], notices={"a": [notice]}) as cds:
        client = quick(cds)
        assert {row["id"] for row in client.datasets()} == {DATASET, "a", "b"}
        assert [row["id"] for row in client.datasets(limit=2)] == ["a", "b"]
        assert [row["id"] for row in client.datasets("single levels")] == [DATASET]
        assert [row["id"] for row in client.datasets(sort="id")] == sorted([DATASET, "a", "b"])
        assert len(client.datasets(keywords="Product type: Reanalysis")) == 3
        with pytest.raises(errors.InputError, match="sorted by id, relevance, title, update, not by 'colour'"):
            client.datasets(sort="colour")
        assert client.processes() == sorted([DATASET, "a", "b"])
        assert client.processes(limit=1) == ["a"]
        assert client.process("a")["id"] == "a"
        assert "variable" in [field["name"] for field in client.form(DATASET)]
        assert "variable" in client.combinations(DATASET)[0]
        assert client.star("a") == ["a"]
        assert client.star("b") == ["a", "b"]
        client.unstar("a")
        with pytest.raises(errors.RequestError, match="a"):
            client.unstar("a")
        assert client.dataset(DATASET)["extent"]["temporal"]["interval"][0][0].startswith("1940")
        assert client.messages() == client.messages("a") == [notice]
        assert client.messages("b") == []
        with pytest.raises(errors.RequestError):
            client.dataset("nowhere")


def test_who_am_i(cds) -> None:
    assert quick(cds).check()["role"] == "user"
    with pytest.raises(errors.AuthError):
        e5.Client(cds.url, "wrong-" + cds.key).check()


@pytest.mark.parametrize("fault", ["bad_gateway", "reset", "not_json", "rate_limit"])
def test_calls_are_ridden_out(cds, fault) -> None:
    parameters = {"retry_after": None} if fault == "rate_limit" else {}
    cds.fault(fault, route="costing", nth=1, **parameters)
    assert quick(cds).estimate(DATASET, REQUEST)["cost"] == 4.0
    assert cds.count("costing") == 2


def test_a_forked_child_opens_its_own_journal(cds, tmp_path) -> None:
    client = quick(cds)
    client.submit(DATASET, REQUEST)
    child = os.fork()
    if child == 0:
        try:
            client.retrieve(DATASET, REQUEST, tmp_path / "child", progress=False)
        finally:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "child").read_bytes() == ANSWER
    assert client.unfinished() == []
    assert len(cds.jobs) == 1


CALLS = {
    "estimate": lambda client, job: client.estimate(DATASET, REQUEST),
    "constraints": lambda client, job: client.constraints(DATASET),
    "licences": lambda client, job: client.licences(),
    "accepted_licences": lambda client, job: client.accepted_licences(),
    "accept_licence": lambda client, job: client.accept_licence("a", 1),
    "messages": lambda client, job: client.messages(),
    "datasets": lambda client, job: client.datasets(),
    "dataset": lambda client, job: client.dataset(DATASET),
    "processes": lambda client, job: client.processes(),
    "process": lambda client, job: client.process(DATASET),
    "form": lambda client, job: client.form(DATASET),
    "combinations": lambda client, job: client.combinations(DATASET),
    "star": lambda client, job: client.star(DATASET),
    "check": lambda client, job: client.check(),
    "jobs": lambda client, job: client.jobs(),
    "cancel": lambda client, job: client.cancel(job.id),
    "refresh": lambda client, job: job.refresh(),
    "receipt": lambda client, job: job.receipt(),
}
LISTS = (
    "licences",
    "accepted_licences",
    "messages",
    "datasets",
    "processes",
    "form",
    "combinations",
    "star",
    "jobs",
    "cancel",
)


@pytest.mark.parametrize(("reply", "names"), [("7", CALLS), ("[7]", CALLS), ("null", CALLS), ("{}", LISTS),
                                              ('{"licences": 7, "messages": [7], "jobs": [[]]}', LISTS)])  # fmt: skip
def test_replies_of_a_wrong_form_are_unreadable(cds, monkeypatch, reply, names) -> None:
    client = quick(cds)
    job = client.submit(DATASET, REQUEST)
    monkeypatch.setattr(e5.connection._core, "ask", lambda *_: reply)
    for name in names:
        with pytest.raises(errors.ServerError, match="unreadable reply"):
            CALLS[name](client, job)


@pytest.mark.parametrize("metadata", [7, {"request": 7, "log": 7}, {"request": {"ids": 7}, "log": [7, [1], [7, 7]]}])
def test_odd_descriptions_of_jobs_do_no_harm(cds, monkeypatch, metadata) -> None:
    made, client = quick(cds).submit(DATASET, REQUEST).id, quick(cds)
    monkeypatch.setattr(e5.connection._core, "ask", lambda *_: json.dumps({"status": "failed", "metadata": metadata}))
    job = client.job(made)
    assert (job.request, job.log()) == ({}, [])


def test_jobs_may_come_with_the_oldest_first(cds) -> None:
    client = quick(cds)
    made = [client.submit(DATASET, month(number)).id for number in (1, 2, 3)]
    assert [job.id for job in client.jobs(limit=2)] == made[:0:-1]
    assert [job.id for job in client.jobs(limit=2, oldest_first=True)] == made[:2]


def test_pages_that_go_round_in_circles_end(cds, monkeypatch) -> None:
    client, asked = quick(cds), []

    def ask(http, settings, method, path, *_):
        asked.append(path)
        link = {"rel": "next", "href": f"https://example.org/?cursor={len(asked) % 3}"}
        return json.dumps({"jobs": [{"jobID": "a"}] * 1000, "links": [link]})

    monkeypatch.setattr(e5.connection._core, "ask", ask)
    assert len(client.jobs(limit=None)) == 4000
    assert len(asked) == 4


def test_failures_without_a_target_are_told_apart(cds, monkeypatch) -> None:
    cds.script(outcome="failed", traceback="no\n\nThe job failed with: MarsNoDataError")
    monkeypatch.setenv("CDSAPI_URL", cds.url)
    monkeypatch.setenv("CDSAPI_KEY", cds.key)
    monkeypatch.setenv("ERA5FAST_PACE", "0.01")
    with pytest.raises(errors.BatchError) as failed:
        e5.client.retrieve_batch([(DATASET, month(3)), (DATASET, month(4), None)], 2)
    assert list(failed.value.failures) == [f"{DATASET} (call 1)", f"{DATASET} (call 2)"]


# --- anew


def test_finished_data_are_made_anew_where_that_is_asked_for(cds, tmp_path) -> None:
    final = grib(20_000, seed=2)
    cds.script(answer=grib(20_000, seed=1), match=lambda _, inputs: not cds.jobs)
    cds.script(answer=final)
    client, job = quick(cds), Job(DATASET, month(3), "a.grib", 4, 20_000)
    (path,) = client.fetch([job], tmp_path)
    client.fetch([job], tmp_path, overwrite=True)
    assert len(cds.jobs) == 1  # the result that is still kept
    client.fetch([job], tmp_path, overwrite=True, fresh=True)
    assert (len(cds.jobs), (tmp_path / "a.grib").read_bytes()) == (2, final)
    client.retrieve(DATASET, month(3), path, overwrite=True, fresh=True)
    assert len(cds.jobs) == 3


def test_a_failure_loses_no_account_of_the_others(cds, tmp_path, monkeypatch) -> None:
    """What was asked for in vain is noted, and what is missing is said, before the failure of another file."""
    closed: list[tuple[list[str], list[str]]] = []

    def close(self: Accounts, there: Coverage, come: list[Job], vain: list[tuple[Job, BaseException]]) -> None:
        closed.append(([job.name for job in come], [job.name for job, _ in vain]))

    answer_months(cds, range(1, 2))
    cds.script(outcome="failed", traceback="The job failed with: MarsNoDataError")
    good, failing, vain = (Job(DATASET, month(number), f"{number:02d}.grib", 4, 20_000) for number in (1, 2, 3))
    monkeypatch.setattr(Accounts, "close", close)
    monkeypatch.setattr(Accounts, "compare", lambda *_: Coverage([], Plan([good, failing]), Plan([vain]), [], 0))
    with pytest.raises(errors.BatchError) as failed:
        quick(cds).fetch([good, failing, vain], tmp_path)
    assert closed == [(["01.grib"], ["03.grib"])]
    assert list(failed.value.failures) == [str(tmp_path / "02.grib")]
    assert failed.value.paths == [str(tmp_path / "01.grib")]


@pytest.mark.parametrize("workers", [3, 40])
def test_a_batch_has_as_many_transfers_as_it_was_given_workers(cds, tmp_path, monkeypatch, workers) -> None:
    monkeypatch.setenv("CDSAPI_URL", cds.url)
    monkeypatch.setenv("CDSAPI_KEY", cds.key)
    clients: list[e5.Client] = []
    monkeypatch.setattr(e5.Client, "retrieve", lambda client, calls: clients.append(client) or [])
    e5.client.retrieve_batch([], workers)
    assert (clients[0].max_transfers, clients[0].max_large_transfers) == (workers, workers)


def test_a_client_gives_its_finished_files_to_a_report(cds, tmp_path) -> None:
    client = quick(cds)
    (path,) = client.fetch([Job(DATASET, {**month(4), "data_format": "netcdf"}, "a.nc", 4, 20_000)], tmp_path)
    (row,) = client.files(tmp_path)
    assert (row["path"], row["size"]) == (os.path.realpath(path), os.path.getsize(path))
    assert client.files(tmp_path / "elsewhere") == []
    (file,) = e5.report([path], journal=client).files
    assert file.checksum == row["checksum"] != ""
    assert e5.report([path]).files[0].checksum == file.checksum  # whichever account it was
    assert e5.report([path], journal=[]).files[0].checksum == ""


# --- calls of the wrong shape


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda c: c.job(""), "the id of the job is empty.*jobs()"),
        (lambda c: c.job(None), "the id of the job is empty"),
        (lambda c: c.cancel("abc", " "), "the id of the job is empty"),
        (lambda c: c.retrieve(REQUEST, DATASET, "x.nc"), f"swapped.*'{DATASET}' first"),
        (lambda c: c.retrieve(DATASET, [REQUEST, REQUEST]), r"not a list.*\[\(dataset, request, target\), …\]"),
        (lambda c: c.retrieve(DATASET, REQUEST, ["a", "b"]), r"one file, not a list.*\[\(dataset, request"),
        (lambda c: c.retrieve(DATASET), "a request is missing"),
        (lambda c: c.retrieve(WANTED), r"not a Request.*Client\.fetch\(request, directory\)"),
        (lambda c: c.submit(WANTED), r"not a Request.*Client\.fetch"),
        (lambda c: c.estimate(WANTED), r"not a Request.*Client\.plan"),
        (lambda c: c.fetch(REQUEST), r"not of dict.*Client\.retrieve"),
        (lambda c: c.fetch(DATASET, REQUEST), r"not of str.*Client\.retrieve"),
        (lambda c: c.fetch([REQUEST]), r"not of dict.*Client\.retrieve"),
    ],
)
def test_a_call_of_the_wrong_shape_says_which_one_was_meant(cds, call, words) -> None:
    with pytest.raises(e5.errors.InputError, match=words):
        call(quick(cds))
    assert cds.count("execute") == 0


def test_a_state_that_is_none_is_refused_with_those_there_are(cds) -> None:
    with pytest.raises(e5.errors.InputError, match=r"in the state 'foo'.*accepted, running, successful"):
        quick(cds).jobs(status=["running", "foo"])


def test_the_package_shows_only_what_it_offers() -> None:
    shown = dir(e5)
    assert not {"os", "sys", "Any", "import_module"} & set(shown)
    assert {"Client", "errors", "__version__", "__doc__"} <= set(shown)

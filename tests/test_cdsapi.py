"""The drop-in for cdsapi: what a notebook sees with the official client, it sees with ours."""

from __future__ import annotations

import contextlib
import copy
import gc
import inspect
import json
import logging
import pickle
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cdsapi as official
import ecmwf.datastores.legacy_client
import pytest
import requests

import era5fast.cdsapi.api
from era5fast import cdsapi as ours
from era5fast.cdsapi.course import Course
from era5fast.connection import Item
from era5fast.errors import ConfigError, StorageError
from era5fast.journal import Place
from tests.client_kit import DATASET, REQUEST, environment, grib, month, running_service, wait_for

pytestmark = pytest.mark.native

ANSWER = grib(20_000)
QUIET: dict[str, Any] = {"quiet": True, "progress": False}
IMPATIENT: dict[str, Any] = {**QUIET, "retry_max": 2, "sleep_max": 0.01}


def same(
    scenario: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch, answer: Any = ANSWER, **options: Any
) -> Any:
    """Run a scenario with both clients, each with a service and a directory of its own; what both have seen."""
    seen = {}
    for name, module in (("official", official), ("ours", ours)):
        place = folder / name
        place.mkdir()
        monkeypatch.chdir(place)
        with running_service(**options) as cds:
            if answer is not None:
                cds.script(answer=answer)
            seen[name] = scenario(module, cds, place)
    assert seen["ours"] == seen["official"]
    return seen["ours"]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what comes back


def test_retrieve_into_a_file(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        Path("august.grib").write_bytes(b"old")
        target = module.Client(cds.url, cds.key, **QUIET).retrieve(DATASET, REQUEST, "august.grib")
        return target, files(folder), len(cds.jobs), cds.jobs[0].inputs

    target, *_ = same(scenario, tmp_path, monkeypatch)
    assert target == "august.grib"


def test_netcdf_is_computed(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        module.Client(cds.url, cds.key, **QUIET).retrieve(DATASET, REQUEST, "august.nc")
        return files(folder)

    same(scenario, tmp_path, monkeypatch, answer=None)


def test_retrieve_without_a_file(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        result = module.Client(cds.url, cds.key, **QUIET).retrieve(DATASET, REQUEST)
        asset = {key: value for key, value in result.asset.items() if key != "file:local_path"}
        assert asset.pop("href") == result.location
        assert result.location.startswith(tuple(cds.stores))
        assert result.json["asset"]["value"]["file:size"] == len(ANSWER)
        assert result.url == f"{cds.url}/retrieve/v1/jobs/{cds.jobs[0].id}/results"
        assert list(folder.iterdir()) == []
        path = result.download()
        assert path == urlsplit(result.location).path.rpartition("/")[2]
        assert Path(path).read_bytes() == ANSWER
        again = result.download("again.grib")
        return result.content_length, result.content_type, asset, again, cds.count("execute")

    same(scenario, tmp_path, monkeypatch)


def test_without_waiting(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        client = module.Client(cds.url, cds.key, wait_until_complete=False, **QUIET)
        remote = client.retrieve(DATASET, REQUEST)
        assert remote.request_id == cds.jobs[0].id
        assert remote.url == f"{cds.url}/retrieve/v1/jobs/{remote.request_id}"
        moments = (remote.created_at, remote.started_at, remote.finished_at, remote.updated_at)
        assert all(moment.utcoffset().total_seconds() == 0 for moment in moments)
        assert remote.json["jobID"] == remote.request_id
        with pytest.warns(DeprecationWarning, match="reply") if module is official else contextlib.nullcontext():
            reply = remote.reply
        receipt = remote.get_receipt()
        target = client.retrieve(DATASET, {**REQUEST, "day": "07"}, "b.grib")
        state = {key: reply[key] for key in ("state", "request_id")} == {
            "state": "completed",
            "request_id": remote.request_id,
        }
        seen = remote.status, remote.results_ready, remote.request, remote.collection_id, state, target
        return *seen, sorted(receipt), remote.download("a.grib"), files(folder), remote.delete()["status"]

    seen = same(scenario, tmp_path, monkeypatch)
    assert seen[-1] == "dismissed"


def test_a_job_that_has_to_wait(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        cds.script(answer=ANSWER, timeline=[("accepted", 0.2), ("running", 0.3)], match=lambda *_: True)
        lines: list[str] = []
        client = module.Client(
            cds.url, cds.key, info_callback=lines.append, wait_until_complete=False, progress=False
        )
        remote = client.retrieve(DATASET, REQUEST)
        first = remote.results_ready, remote.status
        assert remote.download("a.grib") == "a.grib"
        known = [line for line in lines if line.startswith(("Request ID is", "status has been updated"))]
        assert known[0] == f"Request ID is {cds.jobs[0].id}"
        return first, known[1], known[-1], files(folder)

    same(scenario, tmp_path, monkeypatch, answer=None)


def test_nested_results_and_targets(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        client = module.Client(cds.url, cds.key, **QUIET)
        results = [client.retrieve(DATASET, month(number)) for number in range(1, 4)]
        targets = ["x", "y", "z"]
        paths = client.download([results[0], (results[1], [results[2]])], targets)
        location = {"location": results[0].location, "contentLength": len(ANSWER), "contentType": "x"}
        named = client.download(location, ["w"])
        return paths, named, targets, client.download("neither"), files(folder)

    same(scenario, tmp_path, monkeypatch)


def test_a_file_at_an_address(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        client = module.Client(cds.url, cds.key, **QUIET)
        result = client.remote(client.retrieve(DATASET, REQUEST).location)
        seen = result.content_length, result.content_type, result.check().status_code, result.download("a.grib")
        return *seen, sorted(result.toJSON()), files(folder)

    same(scenario, tmp_path, monkeypatch)


def test_no_file_at_an_address(cds) -> None:
    with pytest.raises(era5fast.errors.RequestError, match=r"no file at http.*/nothing\.nc") as refused:
        ours.Client(cds.url, cds.key, **QUIET).remote(f"{cds.url}/nothing.nc?secret=1")
    assert refused.value.status == 404
    assert "secret" not in str(refused.value)


def test_messages_of_the_portal(tmp_path, monkeypatch) -> None:
    messages = [
        {"id": str(n), "date": "2026-02-01T08:00:00Z", "severity": severity, "content": f"text {n}", "live": True}
        for n, severity in enumerate(("info", "warning", "info"))
    ]

    def scenario(module, cds, folder):
        return module.Client(cds.url, cds.key, **QUIET).status()

    seen = same(scenario, tmp_path, monkeypatch, messages=messages)
    assert seen == {"info": ["text 0", "text 2"], "warning": ["text 1"]}


def test_jobs_are_dismissed_where_that_is_asked_for(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        for delete in (False, True):
            client = module.Client(cds.url, cds.key, delete=delete, wait_until_complete=False, **QUIET)
            client.retrieve(DATASET, month(1 + delete), f"{delete}.grib")
        gc.collect()
        return files(folder), [job.dismissed is not None for job in cds.jobs]

    _, dismissed = same(scenario, tmp_path, monkeypatch)
    assert dismissed == [False, True]


# --- errors

REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "a licence": ({"licences_accepted": False}, {}, DATASET),
    "the cost": ({"cost_limit": 3}, {}, DATASET),
    "a value": ({}, {"month": "13"}, DATASET),
    "the data set": ({}, {}, "reanalysis-era5-nowhere"),
    "out of order": ({"disabled": {DATASET: "closed today"}}, {}, DATASET),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refused(tmp_path, monkeypatch, name) -> None:
    options, changes, dataset = REFUSALS[name]

    def scenario(module, cds, folder):
        with pytest.raises(requests.HTTPError) as refused:
            module.Client(cds.url, cds.key, **IMPATIENT).retrieve(dataset, {**REQUEST, **changes}, "x.nc")
        return refused.value.response.status_code, files(folder)

    same(scenario, tmp_path, monkeypatch, answer=None, **options)


def test_a_wrong_token(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        client = module.Client(cds.url, "wrong-" + cds.key, **IMPATIENT)
        with pytest.raises(requests.HTTPError) as refused:
            client.retrieve(DATASET, REQUEST, "x.nc")
        return refused.value.response.status_code, isinstance(refused.value, OSError)

    assert same(scenario, tmp_path, monkeypatch) == (401, True)


@pytest.mark.parametrize("outcome", ["failed", "rejected"])
def test_a_job_without_success(tmp_path, monkeypatch, outcome) -> None:
    def scenario(module, cds, folder):
        cds.script(outcome=outcome, traceback="You asked too much.\n\nThe job failed with: MarsNoDataError")
        with pytest.raises(requests.HTTPError, match="You asked too much") as refused:
            module.Client(cds.url, cds.key, **IMPATIENT).retrieve(DATASET, REQUEST, "x.nc")
        return refused.value.response.status_code, files(folder), len(cds.jobs)

    assert same(scenario, tmp_path, monkeypatch, answer=None) == (400, {}, 1)


def test_a_network_that_is_down(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        client = module.Client(cds.url, cds.key, **IMPATIENT)
        cds.fault("reset", route="api")
        with pytest.raises(requests.ConnectionError) as failed:
            client.retrieve(DATASET, REQUEST, "x.nc")
        shown = [name for name in files(folder) if not name.startswith(".")]  # ours notes that there may be a job
        return isinstance(failed.value, OSError), shown

    same(scenario, tmp_path, monkeypatch)


def test_our_errors_are_both_and_survive_pickling(cds) -> None:
    client = ours.Client(cds.url, "wrong-" + cds.key, **IMPATIENT)
    with pytest.raises(era5fast.errors.AuthError) as refused:
        client.retrieve(DATASET, REQUEST)
    error = refused.value
    assert isinstance(error, requests.RequestException)
    assert error.response.json()["title"] == error.what
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(other), str(other)) == (era5fast.errors.AuthError, str(error))


def test_the_toolbox_is_closed(cds) -> None:
    for module in (official, ours):
        client = module.Client(cds.url, cds.key, **QUIET)
        for call in (client.service, client.workflow):
            with pytest.raises(NotImplementedError):
                call("tool", 1, two=2)


# --- how it is set up


def test_arguments_are_those_of_the_official_client_in_their_order() -> None:
    names = [list(inspect.signature(cls.__init__).parameters) for cls in (ours.Client, _Legacy)]
    assert names[0] == names[1]
    ours_, theirs = (inspect.signature(cls.__init__).parameters for cls in (ours.Client, _Legacy))
    assert {n: p.default for n, p in ours_.items()} == {n: p.default for n, p in theirs.items()}


_Legacy = ecmwf.datastores.legacy_client.LegacyClient


def test_the_members_that_clients_have_had() -> None:
    missing = [name for name in dir(_Legacy) if not name.startswith("_") and not hasattr(ours.Client, name)]
    assert missing == ["issue_deprecated_kwargs_warning", "raise_toolbox_error"]
    remote = set(dir(ecmwf.datastores.Remote)) - {"cleanup", "headers", "session", "log_callback"}
    options = {"retry_options", "request_options", "download_options", "sleep_max"}
    assert {name for name in remote - options if not name.startswith("_")} <= set(dir(era5fast.cdsapi.api.Remote))
    old = set(dir(official.api.Result)) | {"asset", "url", "json"}
    assert {name for name in old if not name.startswith("_")} <= set(dir(era5fast.cdsapi.api.Result))
    assert era5fast.cdsapi.api.Client is ours.Client


@pytest.mark.parametrize("how", ["arguments", "environment", "file", "named file"])
def test_where_address_and_token_come_from(tmp_path, monkeypatch, how) -> None:
    def scenario(module, cds, folder):
        for name in ("CDSAPI_URL", "CDSAPI_KEY", "CDSAPI_RC"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(folder))
        if how == "arguments":
            return _attributes(module.Client(cds.url, cds.key, True, False, True, 30, False, None, False, 7, 3), cds)
        if how == "environment":
            monkeypatch.setenv("CDSAPI_URL", cds.url)
            monkeypatch.setenv("CDSAPI_KEY", cds.key)
        else:
            rc = folder / (".cdsapirc" if how == "file" else "elsewhere")
            rc.write_text(f"url: {cds.url}\nkey: {cds.key}\n# verify: 7\n")
            rc.chmod(0o600)
            monkeypatch.setenv("CDSAPI_RC", str(rc)) if how == "named file" else None
        return _attributes(module.Client(), cds)

    def _attributes(client, cds):
        names = ("quiet", "verify", "timeout", "progress", "delete", "retry_max", "sleep_max", "wait_until_complete")
        assert (client.url, client.key) == (cds.url, cds.key)
        return {name: getattr(client, name) for name in names}

    same(scenario, tmp_path, monkeypatch)


def test_arguments_without_effect_are_named() -> None:
    with running_service() as cds:
        for module in (official, ours):
            with pytest.warns(UserWarning, match="full_stack"):
                module.Client(cds.url, cds.key, full_stack=True, **QUIET)


def test_nothing_to_go_by(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in (official, ours):
        with pytest.raises(Exception, match="cdsapirc"):
            module.Client()
    with pytest.raises(ConfigError, match="closed in 2024"):
        ours.Client("https://example.org/api", "1234:" + str(uuid.uuid4()))


def test_waits_become_settings(cds) -> None:
    client = ours.Client(cds.url, cds.key, timeout=(3, 30), retry_max=10, sleep_max=2, **QUIET).client
    names = ("connect_timeout", "timeout", "patience", "retry_wait_max", "poll_interval_max")
    assert [getattr(client, name) for name in names] == [3, 30, 20, 2, 2]
    usual = ours.Client(cds.url, cds.key, **QUIET).client
    assert usual.patience == era5fast.Client(cds.url, cds.key).patience


def test_a_session_brings_proxy_and_certificates(cds, tmp_path) -> None:
    session = requests.Session()
    session.proxies["https"] = "http://proxy.example.org:3128"
    session.verify = str(tmp_path)
    config = ours.Client(cds.url, cds.key, session=session, **QUIET).client._connection.config
    assert (config.proxy, config.ca_file) == ("http://proxy.example.org:3128", str(tmp_path))


def test_a_function_is_made_robust(cds) -> None:
    class Reply:
        def __init__(self, status_code: int) -> None:
            self.status_code = status_code

    lines: list[str] = []
    client = ours.Client(cds.url, cds.key, warning_callback=lines.append, retry_max=3, sleep_max=0, progress=False)
    replies = [requests.ConnectionError("cut"), Reply(503), Reply(200)]

    def call(number: int) -> Reply:
        assert number == 7
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    assert client.robust(call)(7).status_code == 200
    assert lines == ["Connection error: [cut]. Attempt 1 of 3.", "HTTP error: [503]. Attempt 2 of 3."]
    replies[:] = [Reply(503)] * 3
    assert client.robust(call)(7).status_code == 503
    replies[:] = [requests.ConnectionError("cut")] * 3
    with pytest.raises(requests.ConnectionError):
        client.robust(call)(7)


# --- log lines


def test_log_lines_that_people_know(cds, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    cds.script(answer=ANSWER, running=0.3, log=["WARNING: old key", "started"])
    remote = ours.Client(cds.url, cds.key, progress=False, wait_until_complete=False).retrieve(DATASET, REQUEST)
    remote.get_results()
    assert remote.status == "successful"
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "cdsapi"]
    assert ("INFO", f"Request ID is {cds.jobs[0].id}") in lines
    assert ("INFO", "status has been updated to successful") in lines
    assert ("WARNING", "old key") in lines
    assert ("INFO", "started") in lines


@pytest.mark.parametrize("journal", ["", "none"])
def test_log_lines_on_the_way_to_a_file(cds, caplog, tmp_path, monkeypatch, journal) -> None:
    monkeypatch.setenv("ERA5FAST_JOURNAL", journal or str(tmp_path / "journal"))
    caplog.set_level(logging.INFO)
    cds.script(answer=ANSWER, accepted=0.5, running=0.5)
    client = ours.Client(cds.url, cds.key, progress=False, sleep_max=0.05)
    client.retrieve(DATASET, REQUEST, tmp_path / "x")
    assert client.last_state == "successful"
    lines = [record.getMessage() for record in caplog.records if record.name == "cdsapi"]
    named = f"Request ID is {cds.jobs[0].id}"
    states = [f"status has been updated to {state}" for state in ("accepted", "running", "successful")]
    there = [line for line in lines if line == named or line in states]
    assert sorted(there) == sorted([named, *states])
    assert [line for line in there if line != named] == states
    assert journal == "none" or there[0] == named
    seen = f"Downloading to {tmp_path / 'x'} (19.5K)" in lines
    assert lines[-1].startswith("Download rate ") if seen else lines[-1] == f"{tmp_path / 'x'} is there (19.5K)"


def test_log_lines_of_a_job_that_is_used_again(cds, caplog, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ERA5FAST_JOURNAL", str(tmp_path / "journal"))
    cds.script(answer=ANSWER)
    client = ours.Client(cds.url, cds.key, progress=False, sleep_max=0.05)
    client.retrieve(DATASET, REQUEST, tmp_path / "x")
    caplog.set_level(logging.INFO)
    caplog.clear()
    client.retrieve(DATASET, REQUEST, tmp_path / "y")
    assert len(cds.jobs) == 1
    lines = [record.getMessage() for record in caplog.records if record.name == "cdsapi"]
    assert lines[:2] == [f"Request ID is {cds.jobs[0].id}", "status has been updated to successful"]


def test_a_job_whose_id_does_not_come_is_told_as_well(tmp_path, monkeypatch) -> None:
    journal = Place("https://example.org", "k", tmp_path / "journal")
    assert journal.open() is not None
    told: list[str] = []
    course = Course(Item("d", "{}", target=str(tmp_path / "x")), journal, lambda _, line: told.append(line))
    watch, counts = course.showing_on(None), {"downloading": 0, "queued": 1, "running": 0}
    for seconds, lines in ((100.0, 0), (101.5, 0), (102.5, 1), (110.0, 1)):
        monkeypatch.setattr(time, "monotonic", lambda seconds=seconds: seconds)
        watch(0, 0, None, counts)
        assert told == ["status has been updated to accepted"] * lines


def test_no_rate_is_told_of_a_download_that_nobody_has_seen(tmp_path) -> None:
    told = []
    item = Item("d", "{}", target=str(tmp_path / "x"))
    course = Course(item, Place("https://example.org", "k", False), lambda state, line: told.append((state, line)))
    course.end({"job_id": "j", "size": 20_000})
    state = ("successful", "status has been updated to successful")
    assert told == [("", "Request ID is j"), state, ("", f"{tmp_path / 'x'} is there (19.5K)")]
    began = course.showing_on(None)
    began(0, 20_000, None, {"downloading": 1, "queued": 0, "running": 0})
    course.end({"job_id": "j", "size": 20_000})
    assert told[3] == ("", f"Downloading to {tmp_path / 'x'} (19.5K)")
    assert told[-1][1].startswith("Download rate ")


def test_a_look_at_a_job_dismisses_nothing(cds, tmp_path) -> None:
    cds.script(answer=ANSWER)
    client = ours.Client(cds.url, cds.key, delete=True, wait_until_complete=False, **QUIET)
    remote = client.retrieve(DATASET, REQUEST)
    wait_for(lambda: client.client.job(cds.jobs[0].id).status == "successful")
    remote.update()
    assert remote.reply["state"] == "completed"
    assert remote.get_results().content_length == len(ANSWER)  # of which nothing is left after the line
    gc.collect()
    assert cds.count("dismiss") == 0
    result = remote.get_results()
    result.update()
    del remote
    gc.collect()
    assert cds.count("dismiss") == 0
    result.download(tmp_path / "x")
    assert cds.count("dismiss") == 1
    del result
    gc.collect()
    assert cds.count("dismiss") == 1


def test_states_are_told_in_their_order(cds, caplog) -> None:
    caplog.set_level(logging.INFO)
    cds.script(answer=ANSWER)
    result = ours.Client(cds.url, cds.key, progress=False).retrieve(DATASET, REQUEST)
    caplog.clear()
    result.update()
    lines = [record.getMessage() for record in caplog.records if record.name == "cdsapi"]
    assert lines == ["status has been updated to successful"]


def test_log_lines_of_a_file_that_is_not_made(cds, caplog, tmp_path) -> None:
    caplog.set_level(logging.INFO)
    cds.script(outcome="failed", log=["ERROR: no such day"], traceback="no\n\nThe job failed with: MarsNoDataError")
    client = ours.Client(cds.url, cds.key, delete=True, progress=False)
    with pytest.raises(requests.HTTPError):
        client.retrieve(DATASET, REQUEST, tmp_path / "x")
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "cdsapi"]
    wanted = f"Request ID is {cds.jobs[0].id}", "no such day", "status has been updated to failed"
    assert [line for line in lines if line[1] in wanted] == list(zip(("INFO", "ERROR", "INFO"), wanted, strict=True))
    assert cds.jobs[0].dismissed is not None


@pytest.mark.parametrize("waiting", [True, False])
def test_nothing_is_asked_for_where_no_file_can_be_written(cds, tmp_path, waiting) -> None:
    client = ours.Client(cds.url, cds.key, wait_until_complete=waiting, **QUIET)
    with pytest.raises(StorageError):
        client.retrieve(DATASET, REQUEST, tmp_path / "nowhere" / "x")
    assert cds.jobs == []


def test_nothing_shows_what_is_in_the_query_of_an_address(cds, caplog, tmp_path) -> None:
    caplog.set_level(logging.DEBUG)
    cds.script(answer=ANSWER)
    client = ours.Client(cds.url, cds.key, progress=False, debug=True)
    kept = client.retrieve(DATASET, REQUEST)
    reply = {**kept.reply, "location": f"{kept.location}?X-Signature=secret"}
    result = era5fast.cdsapi.api.Result(client, reply)
    result.check()
    result.download(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == ANSWER
    shown = caplog.text + repr(result)
    assert "secret" not in shown
    assert shown.count(f"{kept.location}?***") >= 3
    assert f"location={kept.location})" in repr(kept)


CLEANER = """
import json, sys
from era5fast import cdsapi
client = cdsapi.Client(*sys.argv[1:3], delete=True, wait_until_complete=False, quiet=True, progress=False)
remote = client.retrieve(sys.argv[3], json.loads(sys.argv[4]))
print("made", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("fault", ["bad_gateway", "black_hole"])
def test_a_program_ends_though_its_job_cannot_be_dismissed(cds, fault) -> None:
    cds.fault(fault, route="dismiss")
    command = [sys.executable, "-P", "-c", CLEANER, cds.url, cds.key, DATASET, json.dumps(REQUEST)]
    with subprocess.Popen(command, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as program:  # fmt: skip
        assert program.stdout.readline() == "made\n"
        began = time.monotonic()
        _, said = program.communicate("\n", timeout=30)
        assert time.monotonic() - began < 2.5
    assert cds.count("dismiss") > 0
    assert f"job {cds.jobs[0].id} is left at the service" in said


def test_quiet_is_quiet_and_levels_are_heeded(cds, caplog, tmp_path, monkeypatch) -> None:
    cds.script(answer=ANSWER)
    caplog.set_level(logging.DEBUG)

    def lines() -> list[str]:
        caplog.clear()
        ours.Client(cds.url, cds.key, quiet=quiet, progress=False).retrieve(DATASET, REQUEST, tmp_path / "x")
        return [record.getMessage() for record in caplog.records if record.name == "cdsapi"]

    quiet = True
    assert lines() == []
    quiet = False
    assert lines() != []
    monkeypatch.setattr(logging.getLogger("cdsapi"), "level", logging.WARNING)
    assert lines() == []


def test_handlers_of_the_newer_official_client_are_served(cds, monkeypatch) -> None:
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.getMessage())  # type: ignore[method-assign]
    monkeypatch.setattr(logging.getLogger("ecmwf.datastores.legacy_client"), "handlers", [handler])
    ours.Client(cds.url, cds.key, progress=False).info("hello")
    assert seen == ["hello"]


def test_debugging_is_for_the_client_that_asked_for_it(cds, caplog, tmp_path) -> None:
    cds.script(answer=ANSWER)

    def calls(**options: Any) -> list[str]:
        caplog.clear()
        client = ours.Client(cds.url, cds.key, progress=False, **options)
        client.retrieve(DATASET, month(len(cds.jobs) + 1), tmp_path / "x")
        return [line for record in caplog.records if (line := record.getMessage()).startswith("POST ")]

    lines: list[str] = []
    assert len(calls(debug=True)) == 1
    assert calls() == []
    assert calls(debug_callback=lambda text, *_: lines.append(text)) == []  # it takes the place of the log
    assert [line for line in lines if line.startswith("POST ")] != []
    assert any(line.startswith("GET ") for line in lines)
    assert all(cds.key not in line for line in lines)
    assert calls() == []


def test_no_log_line_shows_the_token(cds, caplog, tmp_path, capsys) -> None:
    caplog.set_level(logging.DEBUG)
    cds.script(answer=ANSWER)
    client = ours.Client(cds.url, cds.key, debug=True, progress=False)
    result = client.retrieve(DATASET, REQUEST)
    result.download(tmp_path / "x")
    assert "CDSAPI" in caplog.text
    shown = [repr(client), repr(vars(client)), repr(result), repr(vars(result)), caplog.text, *capsys.readouterr()]
    assert all(cds.key not in text for text in shown)


# --- what old results could do


def test_members_of_old_results(cds, tmp_path) -> None:
    cds.script(answer=ANSWER)
    result = ours.Client(cds.url, cds.key, **QUIET).retrieve(DATASET, REQUEST)
    assert result.toJSON() == {
        "resultType": "url",
        "contentType": result.content_type,
        "contentLength": len(ANSWER),
        "location": result.location,
    }
    assert result.reply["state"] == "completed"
    assert result.reply["request_id"] == cds.jobs[0].id
    checked = result.check()
    assert (checked.status_code, checked.ok) == (200, True)
    assert int(checked.headers["Content-Length"]) == len(ANSWER)
    checked.raise_for_status()
    result.update()
    assert result.content_length == len(ANSWER)
    assert repr(result).startswith("Result(content_length=20000,")
    result.delete()
    result.delete()
    assert cds.count("dismiss") == 1
    cds.evict()
    with pytest.raises(requests.HTTPError):
        result.check()


def test_a_reply_is_as_old_as_the_last_update(cds) -> None:
    cds.script(accepted=60, answer=ANSWER)
    remote = ours.Client(cds.url, cds.key, wait_until_complete=False, **QUIET).retrieve(DATASET, REQUEST)
    assert remote.reply["state"] == "accepted"
    cds.advance(60)
    assert remote.reply["state"] == "accepted"
    remote.update()
    assert remote.reply["state"] == "completed"
    assert remote.reply["content_length"] == len(ANSWER)
    with pytest.raises(ValueError, match="not other"):
        remote.update("other")


def test_old_notebooks_poll_as_they_do_with_the_official_client(tmp_path, monkeypatch) -> None:
    def scenario(module, cds, folder):
        cds.script(accepted=60, running=60, answer=ANSWER)
        client = module.Client(cds.url, cds.key, wait_until_complete=False, **QUIET)
        remote = client.retrieve(DATASET, REQUEST)
        seen = []
        for _ in range(3):
            remote.update()
            seen += [remote.reply["state"]] * 2
            cds.advance(60)
        return seen, remote.reply["request_id"] == cds.jobs[0].id

    warned = pytest.warns(DeprecationWarning, match="reply")
    with warned:
        states, _ = same(scenario, tmp_path, monkeypatch, answer=None)
    assert states[::2] == ["accepted", "running", "completed"]


def test_a_failed_reply_says_why(cds) -> None:
    cds.script(outcome="failed", traceback="no such thing\n\nThe job failed with: MarsNoDataError")
    remote = ours.Client(cds.url, cds.key, wait_until_complete=False, **QUIET).retrieve(DATASET, REQUEST)
    assert remote.reply["state"] == "failed"
    assert "no such thing" in remote.reply["error"]["message"]
    with pytest.raises(requests.HTTPError):
        _ = remote.results_ready

"""Planner, client and report together, against the look-alike of the service."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import era5fast as e5
from era5fast.errors import InputError, NetworkError
from era5fast.plan import Plan

pytestmark = pytest.mark.native

SINGLE = "reanalysis-era5-single-levels"


def request_of(**change: Any) -> e5.Request:
    common = {
        "variable": ["2t", "tp"],
        "start": "2013-06-01",
        "end": "2013-07-31",
        "area": [47, -1, 46, 1],
        "hours": [0, 12],
    }
    return e5.Request(SINGLE, **{**common, **change})


@pytest.fixture
def mine(cds, tmp_path) -> e5.Client:
    return e5.Client(cds.url, cds.key, journal=tmp_path / "journal.sqlite", progress=False)


def test_what_the_service_does_not_have_is_noticed_before_anything_is_submitted(cds, mine, tmp_path):
    wanted = request_of(variable=["2t", "potential_evaporation"]).split()
    with pytest.raises(InputError, match=r"has no variable 'potential_evaporation'.*Nothing was submitted"):
        mine.fetch(wanted, tmp_path)
    assert cds.count("execute") == 0
    with pytest.raises(e5.errors.BatchError):
        mine.fetch(wanted, tmp_path, check=False)
    assert cds.count("execute") == 2


def test_a_service_that_does_not_say_what_it_has_is_asked_all_the_same(cds, mine, tmp_path, caplog):
    cds.fault("bad_gateway", route="constraints")
    assert len(mine.fetch(request_of(variable=["2t"]).split(), tmp_path)) == 1
    assert "not checked against what the service offers" in caplog.text


def test_no_job_is_refused_and_an_overlapping_plan_asks_for_the_rest(cds, mine, tmp_path):
    plan = request_of().split("service", mine)
    assert cds.count("costing") == 2, "once for each step type"
    folder = tmp_path / "data"
    paths = mine.fetch(plan, folder)
    assert len(paths) == len(plan) == 2
    found = e5.report(plan, folder)
    assert found.complete, found
    submitted = cds.count("execute")
    assert submitted == 2
    assert mine.fetch(plan, folder) == paths
    assert cds.count("execute") == submitted
    longer = request_of(variable=["2t", "tp", "2d"], end="2013-08-31").split()
    mine.fetch(longer, folder)
    asked = [json.loads(call.body)["inputs"] for call in cds.requests if call.route == "execute"][submitted:]
    fields = sum(len(inputs["variable"]) * 2 * days(inputs) for inputs in asked)
    assert fields == longer.fields - plan.fields
    whole = e5.report(longer, folder)
    assert whole.complete, whole
    assert whole.received == longer.fields


def days(inputs: dict[str, Any]) -> int:
    from era5fast.fields import fields_of

    box = fields_of(SINGLE, inputs)
    assert box is not None
    return len(box.days)


def test_a_low_limit_of_the_service_is_kept_to(tmp_path):
    from era5fast.testing import Service

    with Service(cost_limit=100, netcdf_weight=2.0) as cds:
        client = e5.Client(cds.url, cds.key, journal=False, progress=False)
        plan = request_of(hours="all").split("service", client)
        assert all(job.cost <= job.limit == 100 for job in plan)
        assert all(client.estimate(job.dataset, job.inputs)["cost"] <= 100 for job in plan[:3])
        assert plan.fields == 2 * 61 * 24


def test_what_the_service_lacks_is_named_before_a_job_exists(cds, mine):
    request_of().check(mine)
    for change, text in (
        ({"variable": "skt"}, "skin_temperature"),
        ({"start": "2050-01-01", "end": "2050-01-02"}, "2050"),
    ):
        with pytest.raises(InputError, match=text):
            request_of(**change).check(mine)
    assert cds.count("execute") == 0


def test_what_is_missing_can_be_fetched(mine, tmp_path):
    plan = request_of(variable="2t", end="2013-06-20").split()
    half = request_of(variable="2t", end="2013-06-10").split()
    mine.fetch(half, tmp_path)
    found = e5.report(plan, tmp_path)
    assert not found.complete
    assert [job.inputs["date"] for job in found.missing] == [["2013-06-11/2013-06-20"]]
    mine.fetch(found.missing, tmp_path)
    assert e5.report(plan, tmp_path).complete
    assert isinstance(found.missing, Plan)


def test_an_answer_with_fewer_fields_is_warned_of(cds, mine, tmp_path, caplog):
    short, whole = (request_of(variable="2t", end=day).split() for day in ("2013-06-02", "2013-06-03"))
    (path,) = mine.fetch(short, tmp_path / "short")
    cds.script(answer=Path(path).read_bytes())
    with caplog.at_level("WARNING"):
        mine.fetch(whole, tmp_path / "whole")
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "missing: t2m: 2013-06-03T00:00 to 2013-06-03T12:00, 2 fields" in line


def later(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    """Let the account of files believe that days have passed."""
    clock = SimpleNamespace(time=lambda: time.time() + days * 86_400)
    monkeypatch.setattr("era5fast.coverage.time", clock)
    monkeypatch.setattr("era5fast.accounts.time", clock)


def asked_days(cds: Any) -> list[list[str]]:
    return [json.loads(call.body)["inputs"]["date"] for call in cds.requests if call.route == "execute"]


def test_what_the_service_left_out_is_asked_for_again_a_day_later(cds, mine, tmp_path, caplog, monkeypatch):
    short, whole = (request_of(variable="2t", end=day).split() for day in ("2013-06-02", "2013-06-04"))
    (path,) = mine.fetch(short, tmp_path / "short")
    cds.script(answer=Path(path).read_bytes(), times=1)
    folder = tmp_path / "data"
    (first,) = mine.fetch(whole, folder)
    calls = len(cds.requests)
    with caplog.at_level("WARNING"):
        assert mine.fetch(request_of(variable="2t", end="2013-06-04"), folder) == [first]
    assert len(cds.requests) == calls, "not before a day has passed"
    assert "4 fields that the service did not send earlier" in caplog.text
    later(monkeypatch, 1.1)
    paths = mine.fetch(request_of(variable="2t", end="2013-06-05"), folder)
    assert sorted(asked_days(cds)[2:]) == [["2013-06-03/2013-06-04"], ["2013-06-05"]]
    assert len(paths) == 3
    assert e5.report(request_of(variable="2t", end="2013-06-05"), folder, journal=mine).complete
    assert len(mine.fetch(request_of(variable="2t", end="2013-06-05"), folder)) == 3
    assert len(asked_days(cds)) == 4


def test_what_the_service_never_has_is_asked_for_ever_more_rarely(cds, mine, tmp_path, monkeypatch):
    short, whole = (request_of(variable="2t", end=day).split() for day in ("2013-06-02", "2013-06-03"))
    (path,) = mine.fetch(short, tmp_path / "short")
    cds.script(answer=Path(path).read_bytes(), times=1)
    folder = tmp_path / "data"
    paths = mine.fetch(whole, folder)
    cds.script(outcome="failed")
    before = len(asked_days(cds))
    for day in range(1, 18):
        later(monkeypatch, day + 0.1)
        assert mine.fetch(whole, folder) == paths, "what is not there is no failure of what is"
    assert asked_days(cds)[before:] == [["2013-06-03"]] * 4  # after 1, 3, 7 and 15 days


def test_files_that_came_otherwise_are_counted_when_a_plan_needs_them(cds, mine, tmp_path, monkeypatch):
    short, whole = (request_of(variable="2t", end=day).split() for day in ("2013-06-02", "2013-06-03"))
    (path,) = mine.fetch(short, tmp_path / "short")
    cds.script(answer=Path(path).read_bytes(), times=1)
    folder = tmp_path / "data"
    folder.mkdir()
    mine.retrieve(whole[0].dataset, whole[0].inputs, folder / "mine.nc")
    (row,) = [row for row in mine.files() if row["path"].endswith("mine.nc")]
    assert row["missing"] is None
    later(monkeypatch, 1.1)
    assert len(mine.fetch(whole, folder)) == 2
    assert asked_days(cds)[2:] == [["2013-06-03"]]
    (row,) = [row for row in mine.files() if row["path"].endswith("mine.nc")]
    assert json.loads(row["missing"])[0]["date"] == ["2013-06-03"]


def test_a_service_that_stays_away_is_warned_of(cds, caplog):
    cds.close()
    client = e5.Client(cds.url, cds.key, pace=0.01, patience=0.3, journal=False)
    with caplog.at_level("WARNING"), pytest.raises(NetworkError):
        client.jobs()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any(re.search("waiting .*cannot connect", line) for line in warnings)

"""What is there already is subtracted exactly; compared with sets of fields, one tuple each."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast.coverage import concerns, missing
from era5fast.fields import fields_of
from era5fast.names import file_name
from era5fast.plan import Job, Plan

SINGLE = "reanalysis-era5-single-levels"
PRESSURE = "reanalysis-era5-pressure-levels"
MONTHLY = "reanalysis-era5-single-levels-monthly-means"
COMPLETE = "reanalysis-era5-complete"


def finished(folder: Path, job: Job, name: str | None = None, age_days: float = 100.0) -> dict[str, Any]:
    """A file as the journal lists it, finished some days after the last of its days."""
    path = folder / (name or job.name)
    path.write_bytes(b"x")
    box = fields_of(job.dataset, job.inputs)
    when = ((box.days[-1] if box else 0) + age_days) * 86400
    os.utime(path, (when, when))
    info = path.stat()
    return {
        "path": str(path), "dataset": job.dataset, "request": job.inputs_json, "size": info.st_size,
        "mtime_ns": info.st_mtime_ns, "inode": info.st_ino,
    }  # fmt: skip


def spelled(inputs: dict[str, Any]) -> set[tuple]:
    """Every field of a request, one by one, without the code that is tested."""
    if "param" in inputs:
        return spelled_archive(inputs)
    days: list[dt.date] = []
    for text in inputs.get("date", []):
        first, last = map(dt.date.fromisoformat, (text.split("/") * 2)[:2])
        days += [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    if "year" in inputs:
        for y, m, d in itertools.product(inputs["year"], inputs["month"], inputs.get("day", ["01"])):
            days += [dt.date(int(y), int(m), int(d))]
    return set(
        itertools.product(inputs["variable"], inputs.get("pressure_level", [""]), days, inputs.get("time", ["00:00"]))
    )


def spelled_archive(inputs: dict[str, Any]) -> set[tuple]:
    def values(text: str) -> list[str]:
        if "/to/" not in text:
            return text.split("/")
        first, _, last, *rest = text.split("/")
        return [str(i) for i in range(int(first), int(last) + 1, int(rest[1]) if rest else 1)]

    date = inputs["date"]
    if "/to/" in date:
        first, last = map(dt.date.fromisoformat, date.split("/to/"))
        days = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    else:
        days = [dt.date.fromisoformat(text) for text in date.split("/")]
    hours = [int(text) for text in values(inputs["time"])]
    return set(
        itertools.product(
            values(inputs["param"]), values(inputs.get("levelist", "0")), days, hours, values(inputs.get("step", "0"))
        )
    )


HOURS = st.sets(st.sampled_from(["00:00", "06:00", "12:00", "23:00"]), min_size=1).map(sorted)
DAYS = st.sets(st.integers(0, 70), min_size=1, max_size=12).map(
    lambda found: [str(dt.date(2003, 11, 25) + dt.timedelta(days=i)) for i in sorted(found)]
)


@st.composite
def hourly(draw) -> Job:
    names = ["temperature", "geopotential", "relative_humidity"]
    return Job.of(
        PRESSURE,
        {
            "product_type": ["reanalysis"],
            "variable": sorted(draw(st.sets(st.sampled_from(names), min_size=1))),
            "pressure_level": sorted(draw(st.sets(st.sampled_from(["500", "850", "1000"]), min_size=1)), key=int),
            "date": draw(DAYS),
            "time": draw(HOURS),
            "data_format": "netcdf",
            "area": draw(st.sampled_from([[50, 0, 40, 10], [50.0, 0.0, 40.0, 10.0], [60, 0, 40, 10]])),
        },
    )


@st.composite
def monthly(draw) -> Job:
    years = draw(st.sets(st.sampled_from(["2001", "2002", "2003"]), min_size=1))
    months = draw(st.sets(st.sampled_from(["01", "02", "07"]), min_size=1))
    return Job.of(
        MONTHLY,
        {
            "variable": sorted(draw(st.sets(st.sampled_from(["2m_temperature", "total_precipitation"]), min_size=1))),
            "year": sorted(years),
            "month": sorted(months),
            "time": draw(HOURS),
            "data_format": "netcdf",
        },
    )


@st.composite
def forecasts(draw) -> Job:
    steps = sorted(draw(st.sets(st.integers(1, 18), min_size=1, max_size=5)))
    return Job.of(
        COMPLETE,
        {
            "type": "fc",
            "param": "/".join(sorted(draw(st.sets(st.sampled_from(["130", "131"]), min_size=1)))),
            "levelist": draw(st.sampled_from(["1/to/3", "2/3", "137"])),
            "date": draw(st.sampled_from(["2003-06-01/to/2003-06-04", "2003-06-03/2003-06-09"])),
            "time": draw(st.sampled_from(["06/18", "06", "18"])),
            "step": "/".join(map(str, steps)),
            "grid": "1/1",
        },
    )


def unique(jobs: list[Job]) -> list[Job]:
    return list({(job.dataset, job.inputs_json): job for job in jobs}.values())


@pytest.mark.parametrize("jobs", [hourly(), monthly(), forecasts()], ids=["hourly", "monthly", "forecasts"])
def test_what_is_left_is_the_difference_of_the_sets(jobs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")

    @settings(max_examples=50, deadline=None)
    @given(jobs, st.lists(jobs, max_size=4))
    def compare(wanted: Job, there: list[Job]) -> None:
        files = [finished(folder, job, f"{i}.nc") for i, job in enumerate(there)]
        used, left = missing(Plan([wanted]), files)[:2]
        area = wanted.inputs.get("area")
        covering = [job for job in there if job.inputs.get("area") == area]
        everything = spelled(wanted.inputs)
        held = set().union(*(spelled(job.inputs) for job in covering)) if covering else set()
        parts = [spelled(job.inputs) for job in left]
        assert sum(map(len, parts)) == len(set().union(*parts)), "nothing twice"
        assert set().union(*parts) == everything - held
        assert all(job.fields == len(spelled(job.inputs)) for job in left)
        assert bool(used) == bool(everything & held)
        assert all(job.inputs.get("area") == area for job in left)
        if not everything & held:
            assert left == Plan([wanted])

    compare()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(hourly(), monthly(), forecasts()), min_size=2, max_size=6))
def test_different_requests_have_different_names(jobs):
    boxes = {(box.context, box.variables, box.levels, box.days, box.mask): file_name(job.dataset, job.inputs)
             for job in jobs if (box := fields_of(job.dataset, job.inputs))}  # fmt: skip
    assert len(set(boxes.values())) == len(boxes)


def plan_of(years: range, variables: list[str], **more: Any) -> Plan:
    return e5.Request(SINGLE, variable=variables, years=years, area=[50, -10, 35, 5], **more).split()


def test_a_repeated_plan_asks_for_nothing(tmp_path):
    plan = plan_of(range(2001, 2004), ["2t", "tp"])
    files = [finished(tmp_path, job) for job in plan]
    used, left = missing(plan, files)[:2]
    assert used == [file["path"] for file in files]
    assert len(left) == 0


def test_an_overlapping_plan_asks_for_the_rest_only(tmp_path):
    files = [finished(tmp_path, job) for job in plan_of(range(2001, 2004), ["2t"])]
    used, left = missing(plan_of(range(2001, 2005), ["2t", "2d"]), files)[:2]
    assert len(used) == 3
    assert left.fields == 4 * 8760 + 24 + 8760 + 24
    assert {tuple(job.inputs["variable"]) for job in left} == {
        ("2m_dewpoint_temperature",), ("2m_dewpoint_temperature", "2m_temperature"),
    } or {job.inputs["variable"][0] for job in left} == {"2m_dewpoint_temperature", "2m_temperature"}  # fmt: skip


def test_other_spellings_of_the_same_request_count(tmp_path):
    theirs = {
        "variable": "2m_temperature", "year": "2003", "month": ["06", "07"], "day": [f"{d:02d}" for d in range(1,
        32)], "time": [f"{h}:00" for h in range(24)], "format": "netcdf", "area": ["50", "-10", "35", "5"],
    }  # fmt: skip
    file = finished(tmp_path, Job.of(SINGLE, theirs, "theirs.nc"))
    mine = e5.Request(SINGLE, variable="2t", start="2003-06", end="2003-08", area=[50, -10, 35, 5]).split()
    used, left = missing(mine, [file])[:2]
    assert used == [file["path"]]
    assert [job.inputs["date"] for job in left] == [["2003-08-01/2003-08-31"]]


@pytest.mark.parametrize("change", ["gone", "longer", "touched", "replaced"])
def test_a_file_that_is_not_what_it_was_does_not_count(tmp_path, change):
    plan = plan_of(range(2001, 2002), ["2t"])
    file = finished(tmp_path, plan[0])
    path = Path(file["path"])
    if change == "gone":
        path.unlink()
    elif change == "longer":
        path.write_bytes(b"xx")
    elif change == "touched":
        os.utime(path)
    else:
        file["inode"] += 1
    assert missing(plan, [file])[:2] == ([], plan)


@pytest.mark.parametrize("change", ["", "gone", "longer"])
def test_a_target_counts_only_with_all_that_lies_beside_it(tmp_path, change):
    plan = plan_of(range(2001, 2003), ["2t"])
    first, second = ({**finished(tmp_path, job), "job_id": job.name} for job in plan)
    beside = {**finished(tmp_path, plan[0], "waves.nc"), "request": None, "job_id": plan[0].name}
    if change == "gone":
        Path(beside["path"]).unlink()
    elif change == "longer":
        Path(beside["path"]).write_bytes(b"xx")
    found = missing(plan, [first, beside, second])
    assert found.paths == [first["path"], beside["path"], second["path"]][2 if change else 0 :]
    assert list(found.left) == list(plan)[: 1 if change else 0]


@pytest.mark.parametrize("change", [{"area": [50, -10, 35, 6]}, {"grid": 0.5}, {"data_format": "grib"},
                                    {"product_type": "ensemble_mean"}, {"hours": [0]}])  # fmt: skip
def test_another_area_grid_format_or_product_does_not_count(tmp_path, change):
    theirs = e5.Request(SINGLE, **{"variable": "2t", "years": [2001], "area": [50, -10, 35, 5], **change}).split()[0]
    mine = plan_of(range(2001, 2002), ["2t"], hours=range(1, 24))
    assert missing(mine, [finished(tmp_path, theirs)])[:2] == ([], mine)


def test_the_newest_days_of_a_file_may_be_missing_from_it(tmp_path):
    theirs = e5.Request(SINGLE, variable="2t", start="2003-06-01", end="2003-06-30").split()
    young = finished(tmp_path, theirs[0], age_days=1)
    mine = e5.Request(SINGLE, variable="2t", start="2003-06-01", end="2003-07-31").split()
    (job,) = missing(mine, [young]).left
    assert job.inputs["date"] == ["2003-06-26/2003-07-31"]
    assert missing(theirs, [young])[:2] == ([young["path"]], Plan()), "the same request is the same file"


def lacking(job: Job, days: list[str], folder: Path, **notes: Any) -> dict[str, Any]:
    """A finished file that came without some days of its request."""
    row = finished(folder, job)
    gone = [{**job.inputs, "date": days}]
    return {**row, "finished": row["mtime_ns"] / 1e9, "missing": json.dumps(gone), "asked": None, **notes}


DAY = 86_400.0


@pytest.mark.parametrize(
    ("since", "asked", "again"),
    [(0.5, None, False), (1.1, None, True), (3.1, 3.0, False), (5.9, 3.0, False), (6.1, 3.0, True)],
)
def test_what_did_not_come_is_asked_for_again_after_pauses(tmp_path, since, asked, again):
    job = e5.Request(SINGLE, variable="2t", start="2003-06-01", end="2003-06-30").split()[0]
    row = lacking(job, ["2003-06-10/2003-06-12"], tmp_path)
    row["asked"] = asked and row["finished"] + asked * DAY
    for end in ("2003-06-30", "2003-07-02"):  # the same request, and one that overlaps
        wanted = e5.Request(SINGLE, variable="2t", start="2003-06-01", end=end).split()
        found = missing(wanted, [row], now=row["finished"] + since * DAY)
        assert found.paths == [row["path"]]
        assert [job.inputs["date"] for job in found.again] == [["2003-06-10/2003-06-12"]] * again
        assert [job.inputs["date"] for job in found.left] == [["2003-07-01/2003-07-02"]] * (end != "2003-06-30")
        assert (found.unsent, bool(found.short)) == (0 if again else 72, again)


@pytest.mark.parametrize(
    ("finished_at", "asked_at", "again"),
    [(1e9, None, True), (1e9, -3600, False), (1e9, -2 * DAY, True), (-2 * DAY, 1e9, True), (-3600, 1e9, False),
     (1e9, 1e9, True)],
)  # fmt: skip
def test_a_clock_that_jumped_does_not_keep_files_short_for_ever(tmp_path, finished_at, asked_at, again):
    job = e5.Request(SINGLE, variable="2t", start="2003-06-01", end="2003-06-30").split()[0]
    row, now = lacking(job, ["2003-06-10"], tmp_path), 1.7e9
    row |= {"finished": now + finished_at, "asked": asked_at and now + asked_at}
    assert bool(missing([job], [row], now=now).again) == again


def test_only_files_that_lack_what_was_asked_for_in_vain_are_marked(tmp_path):
    june, july = (
        e5.Request(SINGLE, variable="2t", start=f"2003-{m}-01", end=f"2003-{m}-30").split()[0] for m in ("06", "07")
    )
    lacks = [{**june.inputs, "date": ["2003-06-10"]}]
    assert concerns(june, SINGLE, json.dumps(lacks))
    assert not concerns(july, SINGLE, json.dumps(lacks))
    assert not concerns(june, SINGLE, json.dumps([{**lacks[0], "area": [60, -10, 35, 5]}]))
    assert not concerns(june, PRESSURE, json.dumps(lacks))
    assert not concerns(june, SINGLE, "null")


def test_what_did_not_come_may_have_come_with_another_file(tmp_path):
    june = e5.Request(SINGLE, variable="2t", start="2003-06-01", end="2003-06-30").split()[0]
    rest = e5.Request(SINGLE, variable="2t", start="2003-06-10", end="2003-06-12").split()[0]
    short = lacking(june, ["2003-06-10/2003-06-12"], tmp_path)
    for row, left in ((finished(tmp_path, rest), []), (lacking(rest, ["2003-06-12"], tmp_path), ["2003-06-12"])):
        found = missing([june], [short, row], now=short["finished"] + 2 * DAY)
        assert found.paths == [short["path"], row["path"]]
        assert [job.inputs["date"][0] for job in found.again] == left


def test_days_that_the_service_cannot_have_yet_are_not_asked_for_again(tmp_path):
    june = e5.Request(SINGLE, variable="2t", start="2003-06-01", end="2003-06-30").split()[0]
    row = lacking(june, ["2003-06-16/2003-06-30"], tmp_path)
    row["finished"] = (np.datetime64("2003-06-21T12:00") - np.datetime64(0, "s")).astype("timedelta64[s]").astype(int)
    found = missing([june], [row], now=row["finished"] + 2 * DAY)
    assert [job.inputs["date"] for job in found.again] == [["2003-06-16/2003-06-17"]]
    assert found.unsent == 13 * 24


def test_files_are_counted_only_where_they_matter_and_nobody_has(tmp_path):
    plans = {year: plan_of(range(year, year + 1), ["2t"]) for year in (2001, 2002, 2003)}
    rows = {year: finished(tmp_path, plan[0]) for year, plan in plans.items()}
    rows[2002]["missing"] = "[]"
    seen = []

    def count(row: Any, others: list[str]) -> str:
        seen.append(row["path"])
        return "null"  # which nobody can tell: the file counts as before

    for year in (2001, 2002):
        assert missing(plans[year], rows.values(), count)[:2] == ([rows[year]["path"]], Plan())
    assert seen == [rows[2001]["path"]]


def test_requests_that_cannot_be_understood_count_only_as_a_whole(tmp_path):
    odd = Job.of("some-other-dataset", {"variable": ["x"], "year": ["2003"]}, "odd.zip")
    series = e5.Request(f"{SINGLE}-timeseries", variable="2t", start="2003", area=[48, 11]).split()[0]
    files = [finished(tmp_path, job) for job in (odd, series)]
    assert missing([odd, series], files).left == Plan()
    assert missing([odd, series], files[:1]).left == Plan([series])


@pytest.mark.parametrize(
    "request_text", ["", "no json at all", "[1]", '{"variable": 5}', '{"date": "x", "variable": "y"}']
)
def test_a_journal_with_nonsense_is_passed_over(tmp_path, request_text):
    plan = plan_of(range(2001, 2002), ["2t"])
    file = {**finished(tmp_path, plan[0]), "request": request_text}
    assert missing(plan, [file])[:2] == ([], plan)


def test_thirty_years_of_twenty_variables_are_fast(tmp_path):
    names = ["2t", "2d", "10u", "10v", "100u", "100v", "msl", "sp", "sst", "skt", "blh", "cape", "tcc", "lcc", "mcc",
    "hcc",
             "stl1", "stl2", "swvl1", "swvl2"]  # fmt: skip
    plan = plan_of(range(1991, 2021), names)
    assert plan.fields == 10958 * 24 * 20
    few = plan_of(range(1991, 2021), names[:7])
    files = [finished(tmp_path, job) for job in few]
    began = time.process_time()
    left = missing(plan, files).left
    seconds = time.process_time() - began
    assert left.fields == 10958 * 24 * 13
    assert seconds < 1.0, f"{seconds:.2f} s"


def test_a_box_is_cut_into_few_requests(tmp_path):
    theirs = e5.Request(PRESSURE, variable=["t"], start="2003-06", levels=[500]).split()
    mine = e5.Request(PRESSURE, variable=["t", "z"], start="2003-06", levels=[500, 850]).split()
    left = missing(mine, [finished(tmp_path, theirs[0])]).left
    assert len(left) == 2
    assert sum(len(spelled(job.inputs)) for job in left) == 3 * 720
    assert json.loads(left[0].inputs_json) == left[0].inputs
    assert np.all([job.limit == mine[0].limit and job.cost == job.fields for job in left])

"""Plans: what they show, templates, names."""

from __future__ import annotations

import datetime as dt
import json
import re

import numpy as np
import pytest

import era5fast as e5
from era5fast.errors import InputError
from era5fast.names import file_name
from era5fast.plan import Job, Plan

SINGLE = "reanalysis-era5-single-levels"
COMPLETE = "reanalysis-era5-complete"

THEIRS = {
    "class": "ea", "stream": "oper", "type": "an", "levtype": "ml", "levelist": "1/to/137", "param": "130",
    "date": "{year}-{month:02d}-01/to/{year}-{month:02d}-{last_day}", "time": "00/to/23/by/1", "grid": "1.0/1.0",
}  # fmt: skip


def test_a_plan_shows_what_will_be_asked():
    plan = e5.Request(SINGLE, variable="2t", years=range(1991, 2021), area=[50, -10, 35, 5]).split()
    text = repr(plan)
    for part in (
        "30 jobs",
        "262,992 fields",
        "GB",
        "8,784 of at most 16,000",
        "era5_t2m_50N-10W-35N-5E_1991.nc",
        "22 more",
    ):
        assert part in text
    assert len(text.splitlines()) < 15
    assert "1 job," in repr(plan[:1])
    assert repr(Plan()) == "<Plan: 0 jobs, 0 fields, about 0 B>"


def test_a_plan_in_a_notebook_shows_no_code():
    plan = Plan([Job.of(SINGLE, {"variable": "x"}, "<script>.nc")], ["<b>note"])
    page = plan._repr_html_()
    assert "<script>" not in page
    assert "<b>note" not in page
    assert "&lt;script&gt;.nc" in page
    long = e5.Request(SINGLE, variable="2t", years=range(1991, 2021)).split()._repr_html_()
    assert "22 more" in long
    assert "16,000" in long


def test_sizes_are_near_those_of_real_files():
    """One month of one global field an hour is about 1.5 GB in both formats."""
    for data_format in ("grib", "netcdf"):
        (job,) = e5.Request(SINGLE, variable="2t", start="2003-06", data_format=data_format).split()
        assert 1.3e9 < job.size < 1.7e9
    (waves,) = e5.Request(SINGLE, variable="swh", start="2003-06").split()
    assert waves.size == pytest.approx(361 * 720 * 720 * 1.9, rel=0.01)
    (point,) = e5.Request(SINGLE, variable="2t", start="2003", area=[50, 10]).split()
    assert point.size == pytest.approx(8760 * 67, rel=0.05)


def test_plans_can_be_joined_and_cut():
    plan = e5.Request(SINGLE, variable="2t", years=[2001, 2002]).split()
    other = e5.Request(SINGLE, variable="tp", years=[2001]).split()
    both = plan + other
    assert [job.name for job in both] == ["era5_t2m_2001.nc", "era5_t2m_2002.nc", "era5_tp_2001.nc"]
    assert plan + plan == plan, "the same request is asked for once"
    assert isinstance(both[1:], Plan)
    with pytest.raises(InputError, match=r"have the name same\.nc"):
        Plan([Job.of(SINGLE, {"a": 1}, "same.nc"), Job.of(SINGLE, {"a": 2}, "same.nc")])


def test_templates_of_the_archive():
    plan = Plan.from_template(COMPLETE, THEIRS, target="t_{year}-{month:02d}.grib", start="2003-01", end="2005-12")
    assert len(plan) == 36
    assert plan[1].inputs["date"] == "2003-02-01/to/2003-02-28"
    assert plan[13].inputs["date"] == "2004-02-01/to/2004-02-29"
    assert plan[1].name == "t_2003-02.grib"
    assert plan[0].fields == 31 * 24 * 137


def test_what_cannot_be_counted_is_not_called_nothing():
    (other,) = Plan.from_template("cams-global-reanalysis-eac4", {"date": "2003-01-01"}, target="cams.grib")
    assert str(Plan([other])) == "<Plan: 1 job, fields not known>\n  cams.grib  fields not known"
    known = Plan.from_template(COMPLETE, THEIRS, target="{year}-{month}.grib", start="2003-01", end="2003-01")
    both = known + Plan([other])
    assert str(both).splitlines()[0].endswith("and 1 of the jobs with fields not known>")
    assert both._repr_html_().count("not known") == 3


def test_templates_of_the_store_by_variable_and_day():
    template = {
        "product_type": ["reanalysis"], "variable": ["{variable}"], "date": "{date}", "time": ["00:00", "12:00"],
        "data_format": "grib", "area": [50, 0, 40, 10],
    }  # fmt: skip
    plan = Plan.from_template(
        SINGLE,
        template,
        variables=["2m_temperature", "total_precipitation"],
        start="2003-06-29",
        end="2003-07-01",
        every="day",
        target="{variable}_{date}.grib",
    )
    assert [job.name for job in plan][:2] == ["2m_temperature_2003-06-29.grib", "2m_temperature_2003-06-30.grib"]
    assert len(plan) == 6
    first = {"start": "2003-06-29", "variables": ["2m_temperature"]}
    assert Plan.from_template(SINGLE, template, target="{short}.grib", **first)[0].name == "t2m.grib"
    assert plan[5].inputs["variable"] == ["total_precipitation"]
    assert plan[5].inputs["area"] == [50, 0, 40, 10]
    assert plan.fields == 12
    years = Plan.from_template(SINGLE, template, dates=[2001, 2002], target="{variable}{year}.grib")
    assert [job.name for job in years] == ["2001.grib", "2002.grib"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "{nobody}.grib", "start": "2003"},
        {"target": "{0}.grib", "start": "2003"},
        {"target": "{month:x!}.grib", "start": "2003"},
        {"target": "same.grib", "start": "2003", "end": "2004"},
        {"target": "{year}.grib"},
        {"target": "{year}.grib", "start": "2003", "dates": ["2003"]},
        {"target": "{year}.grib", "dates": []},
        {"target": "{year}.grib", "start": "2003", "every": "week"},
        {"target": "{year.__class__}.grib", "start": "2003", "every": "year"},
        {"target": "{year:99999999999}.grib", "start": "2003", "every": "year"},
        {"target": "{year!r}.grib", "start": "2003", "every": "year"},
        {"target": "{year", "start": "2003", "every": "year"},
        {"target": "{date:02d}", "start": "2003", "every": "year"},
    ],
)
def test_wrong_templates(wrong):
    with pytest.raises(InputError):
        Plan.from_template(COMPLETE, THEIRS, **wrong)


@pytest.mark.parametrize(
    ("dataset", "change", "name"),
    [
        (SINGLE, {}, "era5_t2m_2003-06.nc"),
        (SINGLE, {"date": ["2003-01-01/2003-12-31"]}, "era5_t2m_2003.nc"),
        (SINGLE, {"date": ["2003-06-01/2003-08-31"]}, "era5_t2m_2003-06_2003-08.nc"),
        (SINGLE, {"date": ["2003-06-05"]}, "era5_t2m_2003-06-05.nc"),
        (SINGLE, {"time": ["12:00"]}, "era5_t2m_12utc_2003-06.nc"),
        (SINGLE, {"area": [50, -10, 35.5, 5]}, "era5_t2m_50N-10W-35.5N-5E_2003-06.nc"),
        (SINGLE, {"grid": [1, 1]}, "era5_t2m_1deg_2003-06.nc"),
        (SINGLE, {"grid": [0.25, 0.25]}, "era5_t2m_2003-06.nc"),
        (SINGLE, {"data_format": "grib"}, "era5_t2m_2003-06.grib"),
        (SINGLE, {"download_format": "zip"}, "era5_t2m_2003-06.zip"),
        (SINGLE, {"product_type": ["ensemble_mean"]}, "era5_ensemble-mean_t2m_8hours-"),
    ],
)
def test_names_are_readable(dataset, change, name):
    hours = [f"{h:02d}:00" for h in range(24)]
    if "ensemble" in name:
        hours = hours[::2][:8]
    inputs = {
        "variable": ["2m_temperature"],
        "date": ["2003-06-01/2003-06-30"],
        "time": hours,
        "data_format": "netcdf",
    }
    assert file_name(dataset, {**inputs, **change}).startswith(name)


@pytest.mark.parametrize("hostile", ["../../etc/passwd", "a/b", ".hidden", "x" * 500, "a\nb", "größe", "nul\0"])
def test_names_stay_names_whatever_a_request_holds(hostile):
    common = {"date": ["2003-06-01"], "time": ["00:00"], "data_format": "netcdf", "product_type": ["reanalysis"]}
    requests = [
        (SINGLE, {**common, "variable": [hostile]}),
        (SINGLE, {**common, "variable": ["2m_temperature"], "data_format": hostile}),
        (SINGLE, {**common, "variable": ["2m_temperature"], "product_type": [hostile]}),
        ("reanalysis-era5-pressure-levels", {**common, "variable": ["temperature"], "pressure_level": [hostile]}),
        (hostile, {"variable": hostile}),
    ]
    names = [file_name(dataset, inputs) for dataset, inputs in requests]
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]{3,160}", name), name
    other = file_name(SINGLE, {**common, "variable": [hostile + "!"]})
    assert other != names[0]


def test_long_lists_are_shortened_but_differ():
    names = [
        row.request for row in e5.variables(level="sfc", reanalysis="era5", kind="instant") if row.stream == "oper"
    ]
    first, second = (
        e5.Request(SINGLE, variable=names[i : i + 20], start="2003-06-01").split()[0].name for i in (0, 1)
    )
    assert first != second
    assert len(first) < 100
    assert "more" in first


def test_values_of_numpy_and_dates_are_taken():
    days = np.arange(np.datetime64("2003-06-01"), np.datetime64("2003-06-04"))
    template = {
        "product_type": ("reanalysis",), "variable": np.array(["2m_temperature"]), "date": days,
        "time": [f"{hour:02d}:00" for hour in np.arange(0, 24, 12)], "area": np.array([50, -10, 35, 5.5]),
        "grid": [np.float32(0.5), np.float64(0.5)], "data_format": "grib", "since": dt.date(2003, 6, 1),
        "number": np.int64(3),
    }  # fmt: skip
    (job,) = Plan.from_template("reanalysis-era5-single-levels", template, target="x.grib", dates=["2003"])
    assert job.fields == 6
    assert json.loads(job.inputs_json) == job.inputs
    assert job.inputs["date"] == ["2003-06-01", "2003-06-02", "2003-06-03"]
    assert (job.inputs["area"], job.inputs["grid"], job.inputs["number"]) == ([50, -10, 35, 5.5], [0.5, 0.5], 3)
    assert (job.inputs["product_type"], job.inputs["since"]) == (["reanalysis"], "2003-06-01")


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), b"bytes", 1j, "\ud800", dt.datetime(2003, 6, 1)])
def test_what_cannot_be_sent_is_an_input_error(value):
    with pytest.raises(InputError, match="texts, numbers, dates and lists"):
        Plan.from_template("some-dataset", {"x": [value]}, target="x.grib", dates=["2003"])

"""Requests become jobs of whole years or months, one step type each."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import math
import re

import numpy as np
import pytest

import era5fast as e5
from era5fast.dataset_table import DATASETS
from era5fast.errors import InputError, NetworkError, RequestError, ServerError
from era5fast.fields import fields_of

SINGLE = "reanalysis-era5-single-levels"
PRESSURE = "reanalysis-era5-pressure-levels"
LAND = "reanalysis-era5-land"
DAILY = "derived-era5-single-levels-daily-statistics"
SERIES = "reanalysis-era5-single-levels-timeseries"
COMPLETE = "reanalysis-era5-complete"


def days_of(plan) -> list[dt.date]:
    days: list[dt.date] = []
    for job in plan:
        first, last = map(dt.date.fromisoformat, (job.inputs["date"][0].split("/") * 2)[:2])
        days += [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    return days


@pytest.mark.parametrize(("variables", "jobs"), [("2t", 3), (["2t", "2d", "10u"], 36), (["2t", "tp"], 6)])
def test_every_day_is_asked_for_once_per_variable(variables, jobs) -> None:
    plan = e5.Request(SINGLE, variable=variables, start="2003-01-01", end="2005-12-31").split()
    assert len(plan) == jobs
    expected = [dt.date(2003, 1, 1) + dt.timedelta(days=i) for i in range(1096)]
    groups = {tuple(job.inputs["variable"]) for job in plan}
    for group in groups:
        part = [job for job in plan if tuple(job.inputs["variable"]) == group]
        assert days_of(part) == expected
    assert all(job.fields <= job.limit == 16_000 for job in plan)


def test_step_types_are_apart_and_names_are_unique() -> None:
    plan = e5.Request(SINGLE, variable=["2t", "tp", "10fg"], start="2003-01-15", end="2003-03-10").split()
    assert [job.inputs["variable"] for job in plan] == [
        ["total_precipitation"],
        ["2m_temperature"],
        ["10m_wind_gust_since_previous_post_processing"],
    ]
    assert len({job.name for job in plan}) == 3


def test_area_corners_move_outwards_to_the_grid() -> None:
    request = e5.Request(SINGLE, variable="2t", start="2003-01-01", end="2003-01-02", area=[50.1, -5.1, 42.4, 5])
    assert request.area == [50.25, -5.25, 42.25, 5.0]


def test_whole_numbers_may_be_of_numpy() -> None:
    def request(number: type) -> e5.Request:
        return e5.Request(SINGLE, variable="2t", years=number(2003), months=number(6), hours=number(5))

    assert request(np.int64) == request(np.uint16) == request(int)


@pytest.mark.parametrize(
    "wrong",
    [
        {"variable": "no_such_thing"},
        {"end": "2002-12-31"},
        {"start": "yesterday"},
        {"area": [10, 0, 20, 5]},
        {"area": [1, 2, 3]},
        {"area": [10, 0, 5, 361]},
        {"area": [float("nan"), 0, 5, 10]},
        {"hours": [25]},
        {"hours": ["noon"]},
        {"levels": [500]},
        {"grid": 0.1},
        {"grid": "fine"},
        {"variable": []},
        {"months": [13]},
        {"product_type": "forecast"},
        {"data_format": "zarr"},
        {"start": "1939-12-31"},
        {"dates": ["2003-01-01"]},
        {"dya": 3},
        {"product_type": "ensemble_mean", "hours": [1]},
    ],
)
def test_wrong_requests_are_input_errors(wrong) -> None:
    good = {"variable": "2t", "start": "2003-01-01", "end": "2003-01-31"}
    with pytest.raises(InputError):
        e5.Request(SINGLE, **{**good, **wrong})


# --- areas ---


@pytest.mark.parametrize(
    ("area", "sent"),
    [
        ([50, 170, 35, -170], [50.0, 170.0, 35.0, 190.0]),
        ([50, 170, 35, 190], [50.0, 170.0, 35.0, 190.0]),
        ([50, 350, 35, 10], [50.0, -10.0, 35.0, 10.0]),
        ([50, -30, 35, 10], [50.0, -30.0, 35.0, 10.0]),
        ([90, -180, -90, 180], [90.0, -180.0, -90.0, 180.0]),
        ([90.0, 0, -90, 359.75], [90.0, 0.0, -90.0, 359.75]),
        ([48.13, 11.57], [48.25, 11.5, 48.25, 11.5]),
        ([48.0, 11.5, 48.0, 11.5], [48.0, 11.5, 48.0, 11.5]),
        ([89.99, 0, -89.99, 1], [90.0, 0.0, -90.0, 1.0]),
    ],
)
def test_areas_are_sent_from_west_to_east_and_on_the_grid(area, sent):
    (job,) = e5.Request(SINGLE, variable="2t", start="2003-01-01", area=area).split()
    assert job.inputs["area"] == sent


def test_each_stream_has_its_own_grid():
    request = e5.Request(SINGLE, variable=["2t", "swh"], start="2003-01-01", area=[50.25, -10, 35, 5])
    areas = {job.inputs["variable"][0]: job.inputs["area"] for job in request.split()}
    assert areas["2m_temperature"] == [50.25, -10, 35, 5]
    assert areas["significant_height_of_combined_wind_waves_and_swell"] == [50.5, -10, 35, 5]
    (job,) = e5.Request(LAND, variable="2t", start="2003-01-01", area=[50.05, 0, 49.95, 0.1]).split()
    assert job.inputs["area"] == [50.1, 0.0, 49.9, 0.1]


def test_a_moved_area_and_an_interpolated_grid_are_said():
    text = repr(e5.Request(SINGLE, variable="2t", start="2003-01-01", area=[50.1, 0, 49, 1], grid=1).split())
    assert "corners of the area were moved" in text
    assert "does not average" in text


# --- levels, products, periods ---


def test_pressure_levels():
    plan = e5.Request(PRESSURE, variable=["t", "z"], start="2003-06-01", levels=[500, 850, 1000]).split()
    assert [job.inputs["pressure_level"] for job in plan] == [["500", "850", "1000"]]
    assert plan[0].name == "era5_z-t_500-850-1000hPa_2003-06-01.nc"
    every = e5.Request(PRESSURE, variable="t", start="2003-06-01").split()
    assert len(every[0].inputs["pressure_level"]) == 37
    with pytest.raises(InputError, match="825 and 850"):
        e5.Request(PRESSURE, variable="t", start="2003-06-01", levels=840)
    with pytest.raises(InputError, match="2m_temperature"):
        e5.Request(SINGLE, variable="temperature", start="2003-06-01")


def test_products_are_apart_and_the_ensemble_has_every_third_hour():
    request = e5.Request(SINGLE, variable="2t", start="2003-06-01", product_type=["reanalysis", "ensemble_spread"])
    hourly, spread = request.split()
    assert len(hourly.inputs["time"]) == 24
    assert spread.inputs["time"] == [f"{h:02d}:00" for h in range(0, 24, 3)]
    assert spread.name == "era5_ensemble-spread_t2m_2003-06-01.nc"


def test_seasons_and_lists_of_days():
    plan = e5.Request(SINGLE, variable="2t", years=[2003, 2004], months=[6, 7, 8], hours=[12]).split()
    assert [job.inputs["date"] for job in plan] == [["2003-06-01/2003-08-31"], ["2004-06-01/2004-08-31"]]
    (job,) = e5.Request(SINGLE, variable="2t", dates=["2003-06-01", "2003-06-03/2003-06-04"]).split()
    assert job.inputs["date"] == ["2003-06-01", "2003-06-03/2003-06-04"]
    assert job.fields == 72
    first_days = e5.Request(SINGLE, variable="2t", years=2003, days=[1])
    assert [str(d) for d in (first_days.start, first_days.end)] == ["2003-01-01", "2003-12-01"]


def test_land_has_no_product_type_and_names_of_its_own():
    (job,) = e5.Request(LAND, variable="snow_depth", start="2003-06-01").split()
    assert "product_type" not in job.inputs
    assert job.name == "era5land_sde_2003-06-01.nc"
    with pytest.raises(InputError, match="begins on 1950"):
        e5.Request(LAND, variable="2t", start="1949-12-31")
    with pytest.raises(InputError, match="no product types"):
        e5.Request(LAND, variable="2t", start="2003-06-01", product_type="reanalysis")


def test_monthly_means():
    plan = e5.Request(f"{SINGLE}-monthly-means", variable=["2t", "tp"], years=range(1991, 2021)).split()
    assert all("day" not in job.inputs and "date" not in job.inputs for job in plan)
    assert plan.fields == 2 * 360
    assert {job.name for job in plan} >= {"era5monthly_t2m_1991_1999.nc", "era5monthly_t2m_2020.nc"}
    by_hour = "monthly_averaged_reanalysis_by_hour_of_day"
    (job,) = e5.Request(f"{SINGLE}-monthly-means", variable="2t", start="2003-06", product_type=by_hour).split()
    assert len(job.inputs["time"]) == 24
    with pytest.raises(InputError, match="by_hour_of_day"):
        e5.Request(f"{SINGLE}-monthly-means", variable="2t", start="2003-06", hours=[12])


def test_daily_statistics():
    plan = e5.Request(
        DAILY, variable=["2t", "2d"], start="2003-06", end="2003-07", daily_statistic="daily_maximum"
    ).split()
    assert [job.name for job in plan][:2] == ["era5daily_d2m_maximum_2003-06.nc", "era5daily_d2m_maximum_2003-07.nc"]
    assert len(plan) == 4, "one variable and one month each"
    assert plan[0].inputs["daily_statistic"] == "daily_maximum"
    assert plan[0].inputs["frequency"] == "1_hourly"
    with pytest.raises(InputError, match="daily_maximum"):
        e5.Request(DAILY, variable="2t", start="2003-06", daily_statistic="maximum")
    with pytest.raises(InputError, match="no hours"):
        e5.Request(DAILY, variable="2t", start="2003-06", hours=[12])


def test_time_series():
    (job,) = e5.Request(SERIES, variable=["2t", "tp"], start="1940", end="2024", area=[48.13, 11.57]).split()
    assert job.inputs["location"] == {"latitude": 48.25, "longitude": 11.5}
    assert job.inputs["date"] == ["1940-01-01/2024-12-31"]
    for wrong in ({}, {"area": [50, 0, 40, 10]}):
        with pytest.raises(InputError):
            e5.Request(SERIES, variable="2t", start="2003", **wrong).split()


def test_archive():
    plan = e5.Request(COMPLETE, variable=["t", "q", "lnsp"], start="2003-06", end="2003-07", grid=1).split()
    assert [(job.inputs["param"], job.inputs["levelist"]) for job in plan] == [
        ("130/133", "1/to/137"), ("130/133", "1/to/137"), ("152", "1"), ("152", "1"),
    ]  # fmt: skip
    assert all(job.inputs["grid"] == "1/1" for job in plan), "always a grid"
    (job,) = e5.Request(COMPLETE, variable="t", start="2003-06-01", levels=137, type="4v", hours=[9, 21]).split()
    assert (job.inputs["type"], job.inputs["time"], job.inputs["class"]) == ("4v", "09/21", "ea")
    waves = e5.Request(COMPLETE, variable="swh", start="2003-06-01").split()[0].inputs
    assert (waves["stream"], waves["levtype"]) == ("wave", "sfc")
    forecasts = e5.Request(COMPLETE, variable=["t"], start="2003-06-01", end="2003-06-03", type="fc").split()
    assert len(forecasts) == 3, "forecasts on model levels lie on one tape a day"
    with pytest.raises(InputError, match="come with all their hours"):
        e5.Request(COMPLETE, variable="tp", start="2003-06-01", hours=[12]).split()


# --- cost ---


@pytest.mark.parametrize("max_cost", [1, 2, 24, 30, 100, 744, 5000, 1e9])
@pytest.mark.parametrize("levels", [[500], [500, 850, 1000]])
def test_no_job_costs_more_and_every_field_is_asked_for_once(max_cost, levels):
    request = e5.Request(
        PRESSURE, variable=["t", "z", "u"], start="2003-12-20", end="2004-01-15", levels=levels, hours=[0, 6, 12]
    )
    plan = request.split(max_cost=max_cost)
    assert all(job.fields <= max_cost for job in plan)
    asked = [
        field
        for job in plan
        for field in itertools.product(
            job.inputs["variable"], job.inputs["pressure_level"], days_of([job]), job.inputs["time"]
        )
    ]
    assert len(asked) == len(set(asked)) == 3 * len(levels) * 27 * 3
    assert len({job.name for job in plan}) == len(plan)


class Service:
    """Says what things cost; writes down what it was asked."""

    def __init__(self, limit: float = 16_500, weight=lambda inputs: 1.0) -> None:
        self.limit, self.weight, self.asked = limit, weight, []

    def estimate(self, dataset, inputs):
        self.asked.append((dataset, inputs))
        fields = fields_of(dataset, inputs).count
        return {"id": "size", "cost": fields * self.weight(inputs), "limit": self.limit}


def test_the_service_is_asked_once_for_each_kind_of_job():
    service = Service(limit=1000)
    request = e5.Request(SINGLE, variable=["2t", "tp"], years=[2003, 2004])
    plan = request.split(max_cost="service", client=service)
    assert len(service.asked) == 2
    assert len(plan) == 48, "months, since a year is too dear"
    assert all(job.cost <= job.limit == 1000 for job in plan)


def test_weights_of_the_service_are_kept_to():
    service = Service(limit=1000, weight=lambda inputs: 1.0 if inputs["data_format"] == "grib" else 4.0)
    plan = e5.Request(SINGLE, variable="2t", start="2003-01", end="2003-02").split("service", service)
    assert max(job.fields for job in plan) <= 250
    assert plan.fields == 59 * 24


def test_a_dear_variable_is_noticed():
    dear = Service(limit=800, weight=lambda inputs: 5.0 if inputs["variable"] == ["2m_temperature"] else 1.0)
    plan = e5.Request(SINGLE, variable=["2t", "2d"], start="2003-01").split("service", dear)
    costs = [dear.estimate(job.dataset, job.inputs)["cost"] for job in plan]
    assert max(costs) <= 800


def test_one_day_is_the_least_that_is_asked_for(caplog):
    with pytest.raises(InputError, match="one field"):
        e5.Request(SINGLE, variable="2t", start="2003-01").split("service", Service(limit=0.5))


class Down:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def estimate(self, dataset, inputs):
        raise self.error

    constraints = estimate


def test_a_plan_says_which_job_the_service_will_refuse(caplog):
    class Refusing:
        def estimate(self, dataset, inputs):
            return {"cost": 0.0, "limit": 100.0, "id": "size", "invalid_reason": "'variable' has no value\n'sst'"}

    e5.Request(SINGLE, variable="2t", years=[2003]).split("service", Refusing())
    words = r"the service will refuse requests such as era5_t2m_2003-01-01\.nc: 'variable' has no value 'sst'"
    assert re.search(words, caplog.text)


def test_a_level_that_is_none_says_of_which_kind_levels_are():
    with pytest.raises(InputError, match=r"no model level 500.*level_type='pl'"):
        e5.Request("reanalysis-era5-complete", variable="t", years=2003, levels=[500])
    with pytest.raises(InputError, match=r"no level 501 hPa.*500 and 550"):
        e5.Request("reanalysis-era5-complete", variable="t", years=2003, levels=[501], level_type="pl")


def test_the_built_in_table_is_used_when_the_service_is_down(caplog):
    request = e5.Request(SINGLE, variable="2t", years=[2003])
    with caplog.at_level(logging.WARNING, "era5fast"):
        plan = request.split("service", Down(NetworkError("no route")))
    assert plan == request.split()
    assert "built-in table" in caplog.text
    with pytest.raises(RequestError):
        request.split("service", Down(RequestError("no such dataset")))


def test_no_limit_and_an_answer_that_makes_no_sense(caplog):
    request = e5.Request(SINGLE, variable=["2t", "2d", "sp"], years=[2003])

    class Says:
        def __init__(self, answer):
            self.answer = answer

        def estimate(self, dataset, inputs):
            return self.answer

    assert len(request.split("service", Says({}))) == 1
    assert math.isinf(request.split("service", Says({}))[0].limit)
    for nonsense in (
        {"cost": 0, "limit": 5},
        {"cost": "x", "limit": 5},
        {"limit": 5},
        {"cost": 1, "limit": math.nan},
    ):
        assert len(request.split("service", Says(nonsense))) == 12


def test_wrong_costs():
    request = e5.Request(SINGLE, variable="2t", start="2003-01")
    for wrong in ("much", 0, -1, math.nan):
        with pytest.raises(InputError):
            request.split(max_cost=wrong)


# --- what the service offers ---


class Offers:
    """A service with few years and few levels."""

    def __init__(self) -> None:
        self.asked = 0

    def constraints(self, dataset, inputs):
        self.asked += 1
        return {
            "variable": ["temperature", "2m_temperature"],
            "year": [str(y) for y in range(1940, 2026)],
            "month": [f"{m:02d}" for m in range(1, 7 if inputs.get("year") == ["2025"] else 13)],
            "time": [f"{h:02d}:00" for h in range(24)],
            "pressure_level": ["500", "850"],
        }


def test_what_is_not_there_is_named_before_anything_is_submitted():
    offers = Offers()
    e5.Request(SINGLE, variable="2t", start="2003-01-01").check(offers)
    assert offers.asked <= 3
    cases = {
        "temperature has no level 1000 hPa": {"dataset": PRESSURE, "variable": "t", "levels": [500, 1000]},
        "in 2050": {"variable": "2t", "start": "2050-01-01"},
        "in 2026 to 2030": {"variable": "2t", "start": "2025-01-01", "end": "2030-12-31"},
        "2025-07 to": {"variable": "2t", "start": "2025-01-01", "end": "2025-09-30"},
        "no variable 'total_precipitation'": {"variable": "tp"},
    }
    for text, arguments in cases.items():
        dataset = arguments.pop("dataset", SINGLE)
        request = e5.Request(dataset, **{"start": "2003-01-01", **arguments})
        with pytest.raises(InputError) as caught:
            request.check(offers)
        assert text.split(" to")[0] in caught.value.what, caught.value.what


def test_a_service_that_is_down_stops_no_plan(caplog):
    request = e5.Request(SINGLE, variable="2t", start="2003-01-01")
    with caplog.at_level(logging.WARNING, "era5fast"):
        request.check(Down(ServerError("maintenance")))
    assert "not checked" in caplog.text
    with pytest.raises(RequestError):
        request.check(Down(RequestError("no such dataset")))


# --- the table of datasets ---


def test_every_dataset_of_the_table_makes_requests_with_names_and_fields():
    for name, row in DATASETS.items():
        variable = "t" if row.level == "pl" or row.family == "archive" else "2t"
        area = [50, 10] if row.family == "series" else None
        plan = e5.Request(name, variable=variable, start="2003-06-01", end="2003-07-31", area=area).split()
        assert plan
        assert plan[0].name.startswith(row.prefix)
        assert row.family == "series" or all(job.fields for job in plan)
    with pytest.raises(InputError, match="Did you mean 'reanalysis-era5-land'"):
        e5.Request("reanalysis-era5-lnd", variable="2t", start="2003")
    with pytest.raises(InputError, match="Did you mean 'reanalysis-era5-single-levels' or"):
        e5.Request("era5", variable="2t", start="2003")


# --- other spellings ---

FORM = {
    "product_type": ["reanalysis"],
    "variable": ["2m_temperature", "total_precipitation"],
    "year": ["2003", "2004"],
    "month": ["06", "07"],
    "day": [f"{day:02d}" for day in range(1, 32)],
    "time": ["00:00", "12:00"],
    "data_format": "netcdf",
    "download_format": "unarchived",
    "area": [50, -10, 35, 5],
}


def test_the_web_form_can_be_pasted():
    pasted = e5.Request.from_cds(SINGLE, FORM)
    mine = e5.Request(
        SINGLE, variable=["2t", "tp"], years=[2003, 2004], months=[6, 7], hours=[0, 12], area=[50, -10, 35, 5]
    )
    assert pasted == mine == e5.Request(SINGLE, **FORM) == e5.Request(SINGLE, FORM)
    assert hash(pasted) == hash(mine)
    assert pasted.split() == mine.split()
    assert repr(pasted) == f"<Request: {SINGLE}, t2m, tp, 2003-06-01 to 2004-07-31, area [50.0, -10.0, 35.0, 5.0]>"
    assert pasted != e5.Request(SINGLE, **{**FORM, "time": ["00:00"]})
    assert pasted != FORM
    assert e5.Request(SINGLE, {**FORM, "area": None}, area=[50, -10, 35, 5]) == mine


def test_what_stands_behind_the_dataset_is_a_dictionary() -> None:
    with pytest.raises(InputError, match=r"dictionary of keys and values, not '2t'\. Arguments have names"):
        e5.Request(SINGLE, "2t")
    with pytest.raises(InputError, match="'variable' stands in the dictionary and among the arguments"):
        e5.Request(SINGLE, FORM, variable="2t")


@pytest.mark.parametrize(
    ("dataset", "given", "same"),
    [
        (SINGLE, {"format": "grib", "date": "2003-06-01/2003-06-30"}, {"data_format": "grib", "start": "2003-06"}),
        (SINGLE, {"year": "2000-2002"}, {"years": range(2000, 2003)}),
        (SINGLE, {"years": "2000/to/2010/by/5"}, {"years": [2000, 2005, 2010]}),
        (SINGLE, {"year": "2003", "month": "6/7", "day": "1/to/15"}, {"years": 2003, "months": [6, 7],
                                                                      "days": range(1, 16)}),
        (SINGLE, {"date": "2003-06-01/to/2003-06-30", "time": "00/to/18/by/6"}, {"start": "2003-06",
                                                                                "hours": [0, 6, 12, 18]}),
        (SINGLE, {"year": "2003", "area": "50/-10/35/5", "grid": "0.5/0.5"}, {"years": 2003, "area": [50, -10, 35, 5],
                                                                              "grid": 0.5}),
        ("reanalysis-era5-pressure-levels", {"year": "2003", "pressure_level": ["500", "850"]},
         {"years": 2003, "levels": [500, 850]}),
        ("reanalysis-era5-single-levels-monthly-means", {"year": ["2003"], "month": ["06"], "time": ["00:00"]},
         {"start": "2003-06"}),
        ("reanalysis-era5-complete", {"param": "130/131", "levtype": "ml", "levelist": "1/to/137", "class": "ea",
                                      "date": "2003-06-01/to/2003-06-30", "time": "00/to/23/by/1"},
         {"variable": ["t", "u"], "level_type": "ml", "start": "2003-06"}),
    ],
)  # fmt: skip
def test_ranges_and_keys_of_other_tools(dataset, given, same):
    variable = {} if "param" in given else {"variable": ["t"] if "pressure" in dataset else ["2t"]}
    assert e5.Request(dataset, **given, **variable) == e5.Request(dataset, **{**variable, **same})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"year": "2003", "years": [2003]}, "'years' and 'year' say the same"),
        ({"year": "2003", "download_format": "tar"}, "unarchived or zip"),
        ({"year": "2010-2000"}, "whole numbers"),
        ({"year": "2000 to 2010"}, "2000-2010 or 1/to/31"),
        ({"year": "2003", "time": ["00:30"]}, "whole numbers"),
        ({"year": "2003", "time": ["24:00"]}, "from 0 to 23"),
        ({"month": "06"}, "when"),
    ],
)
def test_spellings_that_say_nothing(given, words):
    with pytest.raises(InputError, match=words):
        e5.Request(SINGLE, variable="2t", **given)
    with pytest.raises(InputError, match="no variable"):
        e5.Request(SINGLE, year="2003")


def test_days_that_have_not_been_are_said(caplog):
    caplog.set_level(logging.WARNING)
    (note,) = e5.Request(SINGLE, variable="2t", start="2050").split().notes
    assert "all of it is still to come, from 2050-01-01 on" in note
    assert "still to come" in caplog.text
    year = dt.date.today().year
    (note,) = e5.Request(SINGLE, variable="2t", years=[year, year + 1], hours=[0]).split().notes
    assert f" of {365 * 2 + (year % 4 in (0, 3)):,} days are still to come" in note
    caplog.clear()
    assert e5.Request(SINGLE, variable="2t", start="2003").split().notes == []
    assert caplog.text == ""


def test_a_range_of_days_is_one_text_for_a_variable():
    _, asked = e5.variable("t").mars_request("2003-06-01/to/2003-06-30", levels=[137])
    assert asked["date"] == "2003-06-01/to/2003-06-30"
    _, asked = e5.variable("2t").cds_request("2003-06-01/2003-06-03")
    assert asked["date"] == ["2003-06-01/2003-06-03"]


def test_daily_sums_can_have_the_stamp_that_closes_their_last_day():
    plain = e5.Request(SINGLE, variable=["2t", "tp", "fg10"], years=[2003, 2004], months=[6, 7], hours="all")
    closed = e5.Request(SINGLE, variable=["2t", "tp", "fg10"], years=[2003, 2004], months=[6, 7], for_daily=True)
    more = [job for job in closed.split() if job not in list(plain.split())]
    assert [job.inputs["variable"] for job in more] == [
        ["total_precipitation"], ["10m_wind_gust_since_previous_post_processing"]]  # fmt: skip
    for job in more:
        assert (job.inputs["date"], job.inputs["time"]) == (["2003-08-01", "2004-08-01"], ["00:00"])
    assert len(closed.split()) == len(plain.split()) + 2
    assert closed != plain
    with pytest.raises(InputError, match="does not come in the same file"):
        e5.Request(SINGLE, variable="tp", start="2003", for_daily=True).inputs()
    for wrong in ({"hours": [0]}, {"dataset": "reanalysis-era5-single-levels-monthly-means"}):
        with pytest.raises(InputError, match="all hours of an hourly dataset"):
            e5.Request(**{"dataset": SINGLE, "variable": "tp", "start": "2003", "for_daily": True, **wrong})

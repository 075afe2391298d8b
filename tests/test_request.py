"""Requests become jobs of whole years or months, one step type each."""

from __future__ import annotations

import datetime as dt

import pytest

import era5fast as e5
from era5fast.errors import InputError

SINGLE = "reanalysis-era5-single-levels"


def days_of(plan) -> list[dt.date]:
    days: list[dt.date] = []
    for job in plan:
        first, last = map(dt.date.fromisoformat, job.inputs["date"][0].split("/"))
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
    assert all(job.fields <= e5.request.MAX_COST for job in plan)


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"variable": "no_such_thing"},
        {"end": "2002-12-31"},
        {"start": "yesterday"},
        {"area": [10, 0, 20, 5]},
        {"area": [1, 2, 3]},
        {"hours": [25]},
    ],
)
def test_wrong_requests_are_input_errors(wrong) -> None:
    good = {"variable": "2t", "start": "2003-01-01", "end": "2003-01-31"}
    with pytest.raises(InputError):
        e5.Request(SINGLE, **{**good, **wrong})

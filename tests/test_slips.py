"""Probable mistakes in plain requests are told, and the request goes as it is."""

from __future__ import annotations

import pytest

from era5fast import errors, wording
from era5fast.slips import slips
from tests.client_kit import DATASET, REQUEST, grib, quick

LEVELS = "reanalysis-era5-pressure-levels"


@pytest.mark.parametrize(
    ("dataset", "inputs", "texts"),
    [
        (
            DATASET,
            {"variable": "2t"},
            [f"variable '2t' is probably none of {DATASET}: the service calls it '2m_temperature'"],
        ),
        (
            DATASET,
            {"variable": ["total_precipitation", "t"]},
            [f"variable 't' is probably none of {DATASET}: it is in {LEVELS}"],
        ),
        (DATASET, {"variable": ["2m_temprature"]}, ["did you mean '2m_temperature'"]),
        (LEVELS, {"variable": "t2m", "presure_level": 500}, ["did you mean 'pressure_level'", DATASET]),
        (DATASET, {"varable": "2m_temperature", "years": [2003]}, ["did you mean 'variable'", "did you mean 'year'"]),
        ("derived-era5-land-daily-statistics", {"daily_statistics": "x"}, ["did you mean 'daily_statistic'"]),
        (DATASET, {" variable ": " 2m_temperature ", "_no_cache": 1, "format": "grib", "anything": 5}, []),
        (DATASET, {**REQUEST, "variable": ["something_new_of_theirs", 5, None]}, []),
        ("reanalysis-era5-complete", {"params": "130", "levellist": 1}, []),
        ("cams-global-reanalysis", {"varable": "x"}, []),
    ],
)
def test_what_was_probably_meant(dataset, inputs, texts) -> None:
    found = slips(dataset, inputs)
    assert len(found) == len(texts)
    assert all(text in one for text, one in zip(texts, found, strict=True)), found


def test_every_name_of_the_table_is_known_where_it_is_offered() -> None:
    from era5fast.variable_table import table

    for row in table():
        if row.request and "sfc" in row.level.split() and "era5" in row.reanalyses.split():
            assert slips(DATASET, {"variable": row.request}) == []


@pytest.mark.native
def test_a_slip_is_told_once_and_sent_as_it_is(cds, caplog, monkeypatch) -> None:
    monkeypatch.setattr(wording, "_said", set())
    cds.script(answer=grib(1000))
    wanted = {**REQUEST, "variable": "2t"}
    client = quick(cds)
    client.retrieve([(DATASET, {**wanted, "day": day}) for day in range(1, 4)])
    told = [text for text in caplog.messages if "calls it '2m_temperature'" in text]
    assert len(told) == 1
    assert [job.inputs["variable"] for job in cds.jobs] == ["2t"] * 3


@pytest.mark.native
def test_a_refusal_says_what_was_probably_meant(cds) -> None:
    wanted = {**REQUEST, "varable": ["2m_temperature"]}
    del wanted["variable"]
    with pytest.raises(errors.RequestError, match="did you mean 'variable'"):
        quick(cds).retrieve(DATASET, wanted)

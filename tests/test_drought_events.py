"""Droughts by run theory, against a slow twin."""

from __future__ import annotations

import builtins

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast.errors import InputError


def months(n: int) -> np.ndarray:
    return (np.datetime64("1981-01", "M") + np.arange(n)).astype("datetime64[D]")


def slow_droughts(series: list[float], onset: float = -1.0, end: float = 0.0) -> list[tuple[int, int, float, float]]:
    """First and last step, severity and minimum of each drought."""
    found, run = [], []
    for i, value in enumerate([*series, np.nan]):
        if value < end:
            run.append(i)
        elif run:
            values = [series[k] for k in run]
            if min(values) <= onset:
                found.append((run[0], run[-1], sum(end - v for v in values), min(values)))
            run = []
    return found


def found_droughts(series: list[float], **how: float) -> list[tuple[int, int, float, float]]:
    time = months(len(series))
    table = e5.drought_events(np.array(series), time=time, **how)
    first, last = (np.searchsorted(time, np.asarray(table[name])) for name in ("start", "end"))
    return list(zip(first, last, table["severity"], table["minimum"], strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([-2.5, -1.0, -0.99, -0.3, 0.0, 0.4, np.nan]), min_size=1, max_size=80))
def test_droughts_are_those_of_the_slow_twin(series: list[float]) -> None:
    for how in ({}, {"onset": -0.3}, {"onset": -2.0, "end": -0.5}):
        found, wanted = found_droughts(series, **how), slow_droughts(series, **how)
        assert [row[:2] for row in found] == [row[:2] for row in wanted]
        assert [row[2:] for row in found] == [pytest.approx(row[2:]) for row in wanted]


def test_months_before_the_onset_belong_to_the_drought() -> None:
    index = [0.2, -0.4, -0.6, -1.0, -1.8, -0.1, 0.0, -0.9, 0.5]
    table = e5.drought_events(np.array(index), time=months(9))
    assert len(table) == 1
    row = table.iloc[0]
    assert (row.start, row.end, row.peak) == tuple(pd.Timestamp(f"1981-{m:02}-01") for m in (2, 6, 5))
    assert (row.duration, row.minimum) == (5, -1.8)
    assert row.severity == pytest.approx(3.9)
    assert row.intensity == pytest.approx(3.9 / 5)
    assert not row.censored_start
    assert not row.censored_end


def test_the_edges_of_the_record_are_told() -> None:
    table = e5.drought_events(np.array([-1.5, -0.5, 0.2, -0.2, -1.2]), time=months(5))
    assert table.censored_start.tolist() == [True, False]
    assert table.censored_end.tolist() == [False, True]


def test_a_wet_month_can_be_bridged_and_a_missing_one_never() -> None:
    index = np.array([0.1, -1.2, 0.1, -0.8, 0.3, 0.4])
    assert found_droughts(index.tolist(), max_gap=1) == [(1, 3, pytest.approx(1.9), -1.2)]
    index[2] = np.nan
    assert found_droughts(index.tolist(), max_gap=1) == [(1, 1, 1.2, -1.2)]
    assert found_droughts(index.tolist(), min_duration=2) == []
    kept = np.array([0, 1, 3, 4, 5])  # March is absent
    table = e5.drought_events(index[kept], time=months(6)[kept])
    assert table.duration.tolist() == [1]


def test_an_onset_is_compared_in_the_precision_of_the_data() -> None:
    index = np.array([0, -1.3, 0], "float32")
    assert len(e5.drought_events(index, onset=-1.3, time=months(3))) == 1


def test_from_precipitation_to_droughts_of_a_grid() -> None:
    rng = np.random.default_rng(0)
    time = months(480).astype("M8[ns]")
    coords = {"time": time, "latitude": [50.0, 49.0], "longitude": [1.0, 2.0, 3.0]}
    pr = xr.DataArray(rng.gamma(2.0, 20.0, (480, 2, 3)), coords, name="tp", attrs={"units": "mm"})
    index = e5.spi(pr, 3)
    table = e5.drought_events(index)
    assert list(table.columns[:3]) == ["cell", "latitude", "longitude"]
    for cell in range(6):
        mine = table[table.cell == cell]
        wanted = slow_droughts(index.values.reshape(480, 6)[:, cell].tolist())
        assert mine.severity.tolist() == pytest.approx([row[2] for row in wanted])
        assert np.searchsorted(time, mine.start).tolist() == [row[0] for row in wanted]
        assert set(mine.latitude) == {coords["latitude"][cell // 3]}
        assert set(mine.longitude) == {coords["longitude"][cell % 3]}


def test_without_pandas_the_table_is_a_structured_array(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: object, **kwargs: object) -> object:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    table = e5.drought_events(np.array([0, -1.5, -0.5, 0]), time=months(4))
    assert isinstance(table, np.ndarray)
    assert table["severity"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"onset": 0.5}, "onset, 0.5, lies above end, 0"),
        ({"onset": "dry"}, "onset must be a number"),
        ({"end": np.nan}, "end must be a number"),
        ({"min_duration": 0}, "min_duration must be a whole number of steps from 1 on"),
        ({"max_gap": -1}, "max_gap must be a whole number of steps from 0 on"),
    ],
)
def test_what_makes_no_sense_is_refused(how: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        e5.drought_events(np.zeros(3), time=months(3), **how)


def test_an_index_by_day_is_followed_on_the_map() -> None:
    """What the page on drought promises; of months the error says so."""
    rng, time = np.random.default_rng(5), np.arange("1991-01-01", "2001-01-01", dtype="datetime64[D]")
    axes = {"time": time.astype("datetime64[ns]"), "latitude": [50.0, 49.0], "longitude": [0.0, 1.0, 2.0]}
    rain = xr.DataArray(rng.gamma(0.5, 4, (len(time), 2, 3)), axes, ("time", "latitude", "longitude"), "tp")
    rain.attrs["units"] = "mm"
    assert len(e5.track(e5.spi(rain, 30, step="day"), below=-1)) > 0
    with pytest.raises(InputError, match=r"months differ.*e5.spi\(rain, 30, step='day'\)"):
        e5.track(e5.spi(e5.resample(rain, "sum", freq="MS"), 3), below=-1)

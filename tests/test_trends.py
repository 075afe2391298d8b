"""Trends, detrending, climatologies and anomalies: slow twins, other programs, properties."""

from __future__ import annotations

import cftime
import numpy as np
import pymannkendall
import pytest
import scipy.signal
import scipy.stats
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import trends as slow

NORMAL_95 = 1.959963984540054
NAMES = ("slope", "lower", "upper", "intercept", "tau", "z", "p")


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def yearly(years: int = 40, cells: tuple[int, int] = (3, 7), seed: int = 0, dtype: str = "float64"):
    rng = np.random.default_rng(seed)
    values = (rng.normal(0, 1, (years, *cells)) + 0.03 * np.arange(years)[:, None, None]).astype(dtype)
    return values, np.arange(1961, 1961 + years).astype(str).astype("datetime64[Y]").astype("datetime64[D]")


def daily(years: int = 5, cells: tuple[int, int] = (2, 3), seed: int = 1):
    rng = np.random.default_rng(seed)
    time = np.arange("2001-01-01", f"{2001 + years}-01-01", dtype="datetime64[D]")
    values = rng.normal(285, 4, (len(time), *cells)).astype("float32")
    values[rng.random(values.shape) < 0.01] = np.nan
    return values, time


# --- Mann–Kendall and Sen ---


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f8"])
@pytest.mark.parametrize("years", [3, 4, 11, 60])
def test_trend_is_that_of_the_slow_twin(dtype: str, years: int) -> None:
    values, time = yearly(years, dtype=dtype)
    values[: years // 3, 0, 0] = np.nan
    values[:, 0, 1] = np.round(values[:, 0, 1])  # many ties
    values[:, 0, 2] = 3.0
    values[2:, 0, 3] = np.nan
    e5.set_num_threads(1)
    found = e5.mann_kendall(values, time=time)
    for cell in np.ndindex(values.shape[1:]):
        series = values[(slice(None), *cell)].astype("f8").tolist()
        wanted = slow.mann_kendall([1961 + i for i in range(years)], series, NORMAL_95)
        got = [getattr(found, name)[cell] for name in NAMES]
        assert got == pytest.approx(wanted, rel=1e-12, abs=1e-12, nan_ok=True)
    e5.set_num_threads(4)
    again = e5.mann_kendall(np.asfortranarray(values), time=time)
    assert all(np.array_equal(getattr(found, name), getattr(again, name), equal_nan=True) for name in NAMES)


@pytest.mark.parametrize("seed", range(4))
def test_trend_is_that_of_pymannkendall_and_scipy(seed: int) -> None:
    values, time = yearly(60, (1, 1), seed)
    if seed % 2:
        values = np.round(values, 1)
    series = values[:, 0, 0]
    found, theirs = e5.mann_kendall(values, time=time), pymannkendall.original_test(series)
    assert found.slope == pytest.approx(theirs.slope, rel=1e-12)
    assert found.tau == pytest.approx(theirs.Tau, rel=1e-12)
    assert found.z == pytest.approx(theirs.z, rel=1e-12)
    assert found.p == pytest.approx(theirs.p, rel=1e-9)
    # Theirs counts steps from 0; ours years.
    assert found.intercept + 1961 * found.slope == pytest.approx(theirs.intercept, rel=1e-9)
    sen = scipy.stats.theilslopes(series, np.arange(60.0), 0.95)
    slopes = np.sort([(series[j] - series[i]) / (j - i) for i in range(60) for j in range(i + 1, 60)])
    for ours, rounded in ((found.lower, sen.low_slope), (found.upper, sen.high_slope)):
        rank = np.searchsorted(slopes, rounded)  # theirs is rounded to the nearest rank, ours lies between two
        assert slopes[rank - 1] <= ours[0, 0] <= slopes[rank + 1]


def test_gaps_in_time_do_no_harm() -> None:
    values, time = yearly(30, (1, 1))
    line = 0.25 * np.arange(30)[:, None, None] + 7
    keep = np.array([0, 1, 2, 9, 10, 20, 21, 29])
    assert e5.mann_kendall(line[keep], time=time[keep]).slope == pytest.approx(0.25, rel=1e-12)
    assert e5.mann_kendall(values[keep], time=time[keep]).slope == pytest.approx(
        slow.mann_kendall((1961 + keep).tolist(), values[keep, 0, 0].tolist(), NORMAL_95)[0]
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=3, max_size=25), st.integers(-1000, 1000))
def test_shift_and_reversal(numbers: list[int], shift: int) -> None:
    series = np.array(numbers, "f8")[:, None]
    time = yearly(len(numbers))[1]
    plain, moved = e5.mann_kendall(series, time=time), e5.mann_kendall(series + shift, time=time)
    turned = e5.mann_kendall(-series, time=time)
    assert (plain.slope, plain.z, plain.p) == (moved.slope, moved.z, moved.p)
    assert plain.z == -turned.z
    assert [*plain.slope, *plain.lower] == pytest.approx([*-turned.slope, *-turned.upper], rel=1e-12, abs=1e-15)


def test_trend_of_a_dataarray_is_a_dataset() -> None:
    values, time = yearly(20)
    data = xr.DataArray(values, {"time": time.astype("M8[ns]")}, ("time", "y", "x"), "tx", {"units": "K"})
    found = e5.mann_kendall(data)
    assert set(found.data_vars) == set(NAMES)
    assert found.slope.dims == ("y", "x")
    assert found.slope.attrs["units"] == "K year-1"
    assert found.intercept.attrs["units"] == "K"
    assert found.p.attrs["units"] == "1"


# --- detrending ---


def test_detrended_is_that_of_scipy_and_the_slow_twin() -> None:
    values, time = daily(2)
    values += 0.01 * np.arange(len(time), dtype="f4")[:, None, None]
    values[:, 0, 0] = np.nan_to_num(values[:, 0, 0], nan=285)
    values[:, 1, 1] = np.nan
    found = e5.detrend(values.astype("f8"), time=time)
    assert found[:, 0, 0] == pytest.approx(scipy.signal.detrend(values[:, 0, 0].astype("f8")), abs=1e-9)
    for cell in [(0, 1), (1, 1), (1, 2)]:
        wanted = slow.detrend(list(range(len(time))), values[(slice(None), *cell)].astype("f8").tolist())
        assert found[(slice(None), *cell)] == pytest.approx(wanted, abs=1e-9, nan_ok=True)
    single = e5.detrend(values, time=time)
    assert single.dtype == np.float32
    assert np.array_equal(single, found.astype("f4"), equal_nan=True)


# --- climatology and anomaly ---


def slots_of(time, group: str) -> np.ndarray:
    index = xr.DataArray(time, dims="time").dt
    if group == "month":
        return index.month.values - 1
    if group == "season":
        return index.month.values % 12 // 3
    leap = (index.is_leap_year.values) & (index.dayofyear.values >= 60)
    return index.dayofyear.values - 1 - leap


@pytest.mark.parametrize("group", ["dayofyear", "month", "season"])
@pytest.mark.parametrize("statistic", ["mean", "std"])
def test_climatology_is_that_of_the_slow_twin(group: str, statistic: str) -> None:
    values, time = daily()
    slots = slots_of(time, group)
    count = {"dayofyear": 365, "month": 12, "season": 4}[group]
    e5.set_num_threads(1)
    found = e5.climatology(values, group, statistic, time=time)
    assert found.shape == (count, 2, 3)
    for cell in np.ndindex(2, 3):
        wanted = slow.climatology(slots, values[(slice(None), *cell)].astype("f8").tolist(), count, statistic)
        assert found[(slice(None), *cell)] == pytest.approx(wanted, rel=1e-9, nan_ok=True)
    e5.set_num_threads(3)
    assert np.array_equal(found, e5.climatology(values, group, statistic, time=time), equal_nan=True)


def test_29_february_counts_as_28_february() -> None:
    time = np.arange("2004-01-01", "2005-01-01", dtype="datetime64[D]")
    values = np.arange(366.0)[:, None]
    found = e5.climatology(values, time=time)[:, 0]
    assert found[57:61].tolist() == [57, 58.5, 60, 61]
    assert e5.anomaly(values, found[:, None], time=time)[57:61, 0].tolist() == [0, -0.5, 0.5, 0]


def test_climatology_by_month_is_that_of_xarray() -> None:
    values, time = daily()
    data = xr.DataArray(
        values.astype("f8"), {"time": time.astype("M8[ns]")}, ("time", "y", "x"), "t2m", {"units": "K"}
    )
    found = e5.climatology(data, "month", base_period=("2002", "2004"))
    wanted = data.sel(time=slice("2002", "2004")).groupby("time.month").mean()
    assert found.dims == ("month", "y", "x")
    assert found.month.values.tolist() == list(range(1, 13))
    assert found.values == pytest.approx(wanted.values, rel=1e-12)
    apart = e5.anomaly(data, found)
    assert apart.dims == data.dims
    assert apart.values == pytest.approx((data.groupby("time.month") - wanted).values, abs=1e-9, nan_ok=True)
    seasons = e5.climatology(data, "season")
    theirs = data.groupby("time.season").mean().sel(season=seasons.season)
    assert seasons.season.values.tolist() == ["DJF", "MAM", "JJA", "SON"]
    assert seasons.values == pytest.approx(theirs.values, rel=1e-12)


@pytest.mark.parametrize(("calendar", "days"), [("noleap", 365), ("360_day", 360), ("all_leap", 366)])
def test_other_calendars(calendar: str, days: int) -> None:
    time = xr.date_range("2001-01-01", periods=2 * days, freq="D", calendar=calendar, use_cftime=True).values
    assert isinstance(time[0], cftime.datetime)
    values = np.concatenate([np.arange(days), np.arange(days) + 2.0])[:, None]
    found = e5.climatology(values, time=time)
    assert found[:, 0].tolist() == (np.arange(days) + 1.0).tolist()
    assert set(e5.anomaly(values, found, time=time)[:, 0]) == {-1.0, 1.0}


def test_anomaly_keeps_precision_and_type() -> None:
    values, time = daily()
    normal = e5.climatology(values, "month", time=time)
    found = e5.anomaly(values, normal, time=time)
    assert found.dtype == np.float32
    wanted = (values.astype("f8") - normal[slots_of(time, "month")]).astype("f4")
    assert np.array_equal(found, wanted, equal_nan=True)


def test_what_does_not_fit_is_refused() -> None:
    values, time = daily()
    with pytest.raises(InputError, match="13 maps are neither"):
        e5.anomaly(values, np.zeros((13, 2, 3)), time=time)
    with pytest.raises(InputError, match="base period"):
        e5.climatology(values, base_period=("1961", "1990"), time=time)
    with pytest.raises(InputError, match="group must be one of"):
        e5.climatology(values, "week", time=time)
    hours = np.datetime64("2001-01-01", "h") + np.arange(16385)
    with pytest.raises(InputError, match=r"16385 steps, must be 16384 at most.*resample\(\)"):
        e5.mann_kendall(np.zeros((16385, 1)), time=hours)


def test_anomaly_minds_the_units_of_the_climatology() -> None:
    values, time = daily()
    x = xr.DataArray(values, dims=("time", "y", "x"), coords={"time": time}, attrs={"units": "K"})
    normal = e5.climatology(x)
    celsius = (normal - 273.15).assign_attrs(units="degC")
    np.testing.assert_allclose(e5.anomaly(x, celsius), e5.anomaly(x, normal), atol=1e-5)
    with pytest.raises(InputError, match="normal is in mm, and K is needed"):
        e5.anomaly(x, normal.assign_attrs(units="mm"))

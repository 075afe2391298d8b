"""SPI and SPEI: slow twins, climate_indices, xclim, lmoments3, scipy."""

from __future__ import annotations

import climate_indices.compute
import climate_indices.indices
import lmoments3.distr
import numpy as np
import pytest
import xarray as xr
import xclim
from scipy import stats

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import standardised as slow

YEARS = 40


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def monthly(cells: tuple[int, ...] = (2, 3), dtype: str = "float64", seed: int = 0):
    """Precipitation with a season, and dry months in the last cells."""
    rng = np.random.default_rng(seed)
    season = 40 + 30 * np.sin(np.arange(YEARS * 12) / 6 * np.pi)
    values = rng.gamma(2.0, season[:, None, None] / 2, (YEARS * 12, *cells))
    values[..., -1] *= rng.random(values.shape[:-1]) > 0.3
    time = np.arange("1981-01", f"{1981 + YEARS}-01", dtype="datetime64[M]").astype("datetime64[D]")
    return values.astype(dtype), time


def balance(cells: tuple[int, ...] = (2, 3)):
    values, time = monthly(cells)
    return values - 45, time


# --- SPI ---


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
@pytest.mark.parametrize(("scale", "method", "zeros"), [(1, "thom", "top"), (3, "thom", "centre"), (12, "ml", "top")])
def test_spi_is_that_of_the_slow_twin(dtype: str, scale: int, method: str, zeros: str) -> None:
    values, time = monthly(dtype=dtype)
    values[100, 0, 0] = np.nan
    e5.set_num_threads(1)
    found = e5.spi(values, scale, method=method, zeros=zeros, time=time)
    for cell in np.ndindex(values.shape[1:]):
        series = values[(slice(None), *cell)].astype("f8").tolist()
        wanted = slow.spi(series, scale, method=method, zeros=zeros)
        tolerance = 1e-9 if method == "thom" else 1e-5  # scipy's optimiser stops early
        assert found[(slice(None), *cell)] == pytest.approx(wanted, abs=tolerance, nan_ok=True)
    e5.set_num_threads(4)
    again = e5.spi(np.asfortranarray(values), scale, method=method, zeros=zeros, time=time)
    assert np.array_equal(found, again, equal_nan=True)


@pytest.mark.parametrize("scale", [1, 3, 6])
def test_spi_is_that_of_climate_indices(scale: int) -> None:
    values, time = monthly()
    found = e5.spi(values, scale, base_period=("1991", "2010"), limit=3.09, time=time)
    for cell in np.ndindex(values.shape[1:]):
        theirs = climate_indices.indices.spi(
            values[(slice(None), *cell)],
            scale,
            climate_indices.indices.Distribution.gamma,
            1981,
            1991,
            2010,
            climate_indices.compute.Periodicity.monthly,
        )
        assert found[(slice(None), *cell)] == pytest.approx(theirs, abs=2e-3, nan_ok=True)


@pytest.mark.parametrize("scale", [1, 3, 12])
def test_spei_is_that_of_climate_indices(scale: int) -> None:
    kinds = climate_indices.indices.Distribution
    rng = np.random.default_rng(3)
    values, time = monthly((1, 2))
    rain = values[:, 0, 0]
    evaporation = np.maximum(45 + 25 * np.sin(np.arange(len(rain)) / 6 * np.pi) + rng.normal(0, 4, len(rain)), 0)
    rule = {"base_period": ("1991", "2010"), "limit": 3.09, "time": time}
    for theirs_of, ours in {
        kinds.loglogistic: lambda x: e5.spei(x, scale, **rule),
        kinds.pearson: lambda x: e5.spei(x, scale, distribution="pearson3", **rule),
        kinds.gamma: lambda x: e5.spi(x + 1000, scale, **rule),
    }.items():
        theirs = climate_indices.indices.spei(
            rain, evaporation, scale, theirs_of, climate_indices.compute.Periodicity.monthly, 1981, 1991, 2010
        )
        assert ours(rain - evaporation) == pytest.approx(theirs, abs=1e-6, nan_ok=True)


# --- of days ---


def daily(calendar: str, years: int = 12) -> xr.DataArray:
    """Rain with a season, of a place with rain on most days."""
    time = xr.date_range("1981-01-01", f"{1980 + years}-12-30", calendar=calendar, use_cftime=calendar != "standard")
    season = 4 + 3 * np.sin(np.arange(len(time)) / 365.25 * 2 * np.pi)
    values = np.random.default_rng(5).gamma(0.8, season[:, None, None], (len(time), 1, 3))
    values[..., 2] *= np.random.default_rng(6).random((len(time), 1)) > 0.4
    attrs = {"units": "mm/day", "standard_name": "precipitation_flux"}
    coords = {"time": time, "lat": [10.0], "lon": [1.0, 2.0, 3.0]}
    return xr.DataArray(values, coords, ("time", "lat", "lon"), "pr", attrs)


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "standard"])
@pytest.mark.parametrize("scale", [1, 30])
def test_index_of_days_is_that_of_the_slow_twin(calendar: str, scale: int) -> None:
    x = daily(calendar)
    x[100, 0, 1] = np.nan
    found = e5.spi(x, scale, step="day", limit=40)
    number = 30 * (x.time.dt.month.values - 1) + x.time.dt.day.values
    if calendar != "360_day":
        lengths = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])
        day = np.where((x.time.dt.month == 2) & (x.time.dt.day == 29), 28, x.time.dt.day)
        number = lengths[x.time.dt.month.values - 1] + day
    for cell in range(3):
        wanted = slow.spi(x.values[:, 0, cell], scale, slots=number)
        np.testing.assert_allclose(found.values[:, 0, cell], wanted, atol=1e-7)


@pytest.mark.filterwarnings("ignore")
def test_index_of_days_is_that_of_xclim() -> None:
    x = daily("noleap")[..., :2]
    theirs = xclim.indices.standardized_precipitation_index(
        x, freq="D", window=30, dist="gamma", method="APP", cal_start="1981-01-01", cal_end="1992-12-31",
        fitkwargs={"floc": 0},
    )  # fmt: skip
    found = e5.spi(x, 30, step="day")
    np.testing.assert_allclose(found, theirs.transpose("time", "lat", "lon"), atol=1e-6)


def test_index_of_days_needs_one_value_a_day() -> None:
    hours = np.datetime64("2001-01-01", "h") + np.arange(100) * 12
    with pytest.raises(InputError, match="more than one value in a day"):
        e5.spi(np.ones(100), 3, step="day", time=hours)
    days = np.datetime64("2001-01-01") + np.arange(100)
    with pytest.raises(InputError, match="more than one value in a month") as caught:
        e5.spei(np.ones(100), 3, time=days)
    assert "step='day'" in caught.value.hint
    gap = np.delete(np.random.default_rng(0).gamma(2, 3, 3653), 1000)
    time = np.delete(np.datetime64("2001-01-01") + np.arange(3653), 1000)
    found = e5.spei(gap - 5, 10, step="day", time=time)
    assert np.isnan(found[1000:1009]).all()
    assert np.isfinite(found[[999, 1009]]).all()


def test_scales_that_nothing_reaches_are_refused() -> None:
    values, time = monthly((1, 1))
    with pytest.raises(InputError, match="scale is 3: no day has so many days without a gap up to it") as caught:
        e5.spi(values, 3, step="day", time=time)
    assert "step='month'" in caught.value.hint
    with pytest.raises(InputError, match="scale is 6: no month has so many months without a gap up to it") as caught:
        e5.spei(values[:5], 6, time=time[:5])
    assert "smaller scale" in caught.value.hint
    assert np.isfinite(e5.spei(values, 72, time=time)).any()
    for index in (e5.spi, e5.spei):
        with pytest.raises(InputError, match="scale is 73, must be 1 to 72 where it counts months"):
            index(values, 73, time=time)
    days = np.datetime64("2001-01-01") + np.arange(3650)
    assert np.isfinite(e5.spei(np.random.default_rng(0).normal(size=3650), 400, step="day", time=days)).any()


def test_definitions_that_count_days_otherwise_are_refused() -> None:
    x = daily("standard")
    for definition in ("xclim", "climate_indices", ["mckee", "xclim"]):
        with pytest.raises(InputError, match="is not that program with step='day'") as caught:
            e5.spi(x, 30, step="day", definition=definition)
        assert "distribution='gamma'" in caught.value.hint
    with pytest.raises(InputError, match="is not that program"):
        e5.spi(x, 30, step=["day"], definition="xclim")
    assert e5.spi(x, 30, step="day", definition="mckee").equals(e5.spi(x, 30, step="day"))


def test_spi_is_that_of_xclim() -> None:
    values, time = monthly((1, 2))
    data = xr.DataArray(
        values, {"time": time.astype("M8[ns]"), "lat": [10.0], "lon": [1.0, 2.0]}, ("time", "lat", "lon"), "pr",
        {"units": "mm/day", "standard_name": "precipitation_flux"},
    )  # fmt: skip
    theirs = xclim.indices.standardized_precipitation_index(
        data, freq="MS", window=3, dist="gamma", method="APP", cal_start="1981-01-01", cal_end="2020-12-31",
        fitkwargs={"floc": 0},
    )  # fmt: skip
    found = e5.spi(data, 3)
    assert found.attrs["units"] == "1"
    wet = values.min(axis=(0, 1)) > 0  # what a month without rain is, is theirs to choose
    assert found.values[..., wet] == pytest.approx(
        theirs.transpose("time", "lat", "lon").values[..., wet], abs=1e-6, nan_ok=True
    )


@pytest.mark.filterwarnings("ignore")
def test_definitions_of_spi_are_those_of_their_programs() -> None:
    values, time = monthly((1, 2))
    assert (values == 0).mean() > 0.05
    data = xr.DataArray(
        values, {"time": time.astype("M8[ns]"), "lat": [10.0], "lon": [1.0, 2.0]}, ("time", "lat", "lon"), "pr",
        {"units": "mm/day", "standard_name": "precipitation_flux"},
    )  # fmt: skip
    theirs = xclim.indices.standardized_precipitation_index(
        data, freq="MS", window=1, cal_start="1981-01-01", cal_end="2020-12-31", fitkwargs={"floc": 0}
    )
    found = e5.spi(data, 1, definition=["xclim", "climate_indices"])
    np.testing.assert_allclose(found.sel(definition="xclim"), theirs.transpose("time", "lat", "lon"), atol=1e-9)
    other = e5.spi(data, 1, limit=3.09)
    np.testing.assert_array_equal(found.sel(definition="climate_indices"), other)


def test_pearson3_is_that_of_lmoments3_and_scipy() -> None:
    values, time = monthly((1, 1))
    found = e5.spi(values, 1, distribution="pearson3", time=time)[:, 0, 0]
    for month in range(12):
        series = values[month::12, 0, 0]
        fit = lmoments3.distr.pe3.lmom_fit(series)
        wanted = stats.norm.ppf(stats.pearson3.cdf(series, fit["skew"], fit["loc"], fit["scale"]))
        assert found[month::12] == pytest.approx(wanted, abs=1e-6)
    mirrored = e5.spi(500 - values, 1, distribution="pearson3", time=time)[:, 0, 0]
    assert mirrored == pytest.approx(-found, abs=1e-9)


# --- SPEI ---


@pytest.mark.parametrize("scale", [1, 6])
def test_spei_is_that_of_the_slow_twin_and_of_lmoments3(scale: int) -> None:
    values, time = balance()
    found = e5.spei(values, scale, time=time)
    for cell in np.ndindex(values.shape[1:]):
        series = values[(slice(None), *cell)]
        theirs = np.full(len(series), np.nan)
        added = np.array(slow.sums(series.tolist(), scale))
        for month in range(12):
            here = added[month::12]
            fit = lmoments3.distr.glo.lmom_fit(here[~np.isnan(here)])
            theirs[month::12] = stats.norm.ppf(lmoments3.distr.glo(**fit).cdf(here))
        assert found[(slice(None), *cell)] == pytest.approx(np.clip(theirs, -8.21, 8.21), abs=1e-9, nan_ok=True)
        wanted = slow.spei(series.tolist(), scale)
        told = ~np.isnan(wanted)  # below its origin the distribution of three parameters has nothing to say
        assert found[(slice(None), *cell)][told] == pytest.approx(wanted[told], abs=1e-9)


def test_spei_of_mirrored_data_is_mirrored() -> None:
    values, time = balance()
    for distribution in ("log_logistic", "pearson3", "normal"):
        up, down = (e5.spei(sign * values, 3, distribution=distribution, time=time) for sign in (1, -1))
        assert up == pytest.approx(-down, abs=1e-9, nan_ok=True)


# --- both ---


def test_indices_are_standard_normal_over_the_base_period() -> None:
    values, time = monthly((1, 2000))
    for found in (e5.spi(values[..., :1500], 3, time=time), e5.spei(values[..., :1500] - 45, 3, time=time)):
        assert np.nanmean(found) == pytest.approx(0, abs=0.02)
        assert np.nanstd(found) == pytest.approx(1, abs=0.05)


def test_months_before_the_first_sum_and_around_gaps_are_missing() -> None:
    values, time = monthly((1, 1))
    keep = np.r_[0:50, 53 : len(time)]
    found = e5.spi(values[keep], 3, time=time[keep])[:, 0, 0]
    assert np.flatnonzero(np.isnan(found)).tolist() == [0, 1, 50, 51]
    missing = values.copy()
    missing[100] = np.nan
    assert np.flatnonzero(np.isnan(e5.spi(missing, 3, time=time)[:, 0, 0])).tolist() == [0, 1, 100, 101, 102]


def test_limit_and_deserts() -> None:
    values, time = monthly((1, 1))
    assert np.nanmax(np.abs(e5.spi(values, 1, limit=1.5, time=time))) == 1.5
    values[:] = 0
    assert np.isnan(e5.spi(values, 1, time=time)).all()
    assert np.isnan(e5.spei(values, 1, time=time)).all()


def test_what_is_not_monthly_is_refused() -> None:
    time = np.arange("2001-01-01", "2003-01-01", dtype="datetime64[D]")
    with pytest.raises(InputError, match="more than one value in a month"):
        e5.spi(np.ones((len(time), 1)), 3, time=time)
    values, time = monthly()
    with pytest.raises(InputError, match="scale is 0"):
        e5.spi(values, 0, time=time)
    with pytest.raises(InputError, match="base period"):
        e5.spi(values, 3, base_period=("1901", "1930"), time=time)

"""Return levels: slow twins, scipy, lmoments3, what is known of the distributions."""

from __future__ import annotations

import lmoments3.distr
import numpy as np
import pytest
import xarray as xr
from scipy import stats

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import extreme_value as slow

SHAPES = (-0.4, -0.1, 0.0, 0.15, 0.4)


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def maxima(years: int = 40, dtype: str = "float64", seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Annual maxima of cells of several shapes."""
    rng = np.random.default_rng(seed)
    values = np.stack([stats.genextreme.rvs(-xi, 30, 4, (years, 5), random_state=rng) for xi in SHAPES], axis=1)
    return values.astype(dtype), time_of(years)


def time_of(years: int) -> np.ndarray:
    return np.arange(1981, 1981 + years).astype(str).astype("datetime64[Y]").astype("datetime64[D]")


# --- GEV ---


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
def test_l_moments_are_those_of_the_slow_twin_and_lmoments3(dtype: str) -> None:
    values, time = maxima(dtype=dtype)
    values[:7, 0, 0] = np.nan
    e5.set_num_threads(1)
    found = e5.gev(values, 50, time=time)
    for cell in np.ndindex(values.shape[1:]):
        series = values[(slice(None), *cell)].astype("f8")
        series = series[~np.isnan(series)]
        location, scale, shape = slow.gev_by_l_moments(series)
        assert found.location[cell] == pytest.approx(location, rel=1e-10)
        assert found.scale[cell] == pytest.approx(scale, rel=1e-9)
        assert found.shape[cell] == pytest.approx(shape, abs=1e-9)
        assert found.return_level[cell] == pytest.approx(slow.gev_level(location, scale, shape, 50), rel=1e-10)
        theirs = lmoments3.distr.gev.lmom_fit(series)  # their shape is an approximation, good to 1e-6
        assert found.shape[cell] == pytest.approx(-theirs["c"], abs=2e-6)
        assert found.scale[cell] == pytest.approx(theirs["scale"], rel=1e-5)
    e5.set_num_threads(4)
    again = e5.gev(np.asfortranarray(values), 50, time=time)
    assert all(np.array_equal(one, two, equal_nan=True) for one, two in zip(found, again, strict=True))


@pytest.mark.parametrize("years", [15, 40, 120])
def test_likelihood_is_not_below_that_of_scipy(years: int) -> None:
    values, time = maxima(years)
    found = e5.gev(values, method="ml", time=time)
    fitted = 0
    for cell in np.ndindex(values.shape[1:]):
        series = values[(slice(None), *cell)]
        shape, location, scale = stats.genextreme.fit(series, -0.1, loc=series.mean(), scale=series.std())
        theirs = slow.gev_likelihood(series, location, scale, -shape)
        if np.isnan(found.shape[cell]):
            assert -shape < -0.95  # the likelihood has no maximum
            continue
        fitted += 1
        ours = slow.gev_likelihood(series, found.location[cell], found.scale[cell], found.shape[cell])
        assert ours == pytest.approx(found.log_likelihood[cell], rel=1e-12)
        assert ours >= theirs - 1e-6
        if abs(ours - theirs) < 1e-6:
            assert found.shape[cell] == pytest.approx(-shape, abs=5e-3)
    assert fitted >= 20


def test_limits_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    values = stats.genextreme.rvs(-0.05, 30, 4, (80, 2000), random_state=rng)
    truth = slow.gev_level(30, 4, 0.05, 20)
    found = e5.gev(values, 20, method="ml", confidence=0.8, time=time_of(80))
    inside = np.mean((found.lower < truth) & (truth < found.upper))
    assert inside == pytest.approx(0.8, abs=0.06)  # the delta method is a little too sure of itself
    few = e5.gev(values[:, :200], 20, confidence=0.8, resamples=200, time=time_of(80))
    inside = np.mean((few.lower < truth) & (truth < few.upper))
    assert inside == pytest.approx(0.8, abs=0.1)


def test_minima_are_maxima_upside_down() -> None:
    values, time = maxima()
    high, low = e5.gev(values, 30, "ml", time=time), e5.gev(-values, 30, "ml", "min", time=time)
    np.testing.assert_array_equal(high.return_level, -low.return_level)
    np.testing.assert_array_equal(high.lower, -low.upper)
    np.testing.assert_array_equal(high.shape, low.shape)


@pytest.mark.parametrize("method", ["lmoments", "ml"])
def test_shift_and_scale(method: str) -> None:
    values, time = maxima()
    plain, other = e5.gev(values, 30, method, time=time), e5.gev(values * 8 - 100, 30, method, time=time)
    np.testing.assert_allclose(other.shape, plain.shape, atol=1e-8)
    np.testing.assert_allclose(other.return_level, plain.return_level * 8 - 100, rtol=1e-8)


@pytest.mark.parametrize("method", ["lmoments", "ml"])
def test_cells_that_cannot_be_fitted_are_nan(method: str) -> None:
    values, time = maxima()
    values[:, 0, 0] = 5.0
    values[4:, 0, 1] = np.nan
    values[:, 0, 2] = np.inf
    found = e5.gev(values, method=method, time=time)
    for part in found:
        assert np.isnan(part[0, :3]).all()
    assert np.isfinite(found.return_level[1:]).all()


def test_several_return_periods_in_one_read() -> None:
    values, time = maxima()
    data = xr.DataArray(values, {"time": time.astype("M8[ns]")}, ("time", "y", "x"), "tx", {"units": "K"})
    found = e5.gev(data, [10, 100])
    assert found.return_level.dims == ("return_period", "y", "x")
    assert found.return_level.attrs["units"] == "K"
    assert found["shape"].attrs["units"] == "1"
    assert np.array_equal(found.return_level[1], e5.gev(data, 100).return_level)
    assert (found.return_level[1] > found.return_level[0]).all()


# --- GPD ---


def daily(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    time = np.arange("1991-01-01", "2011-01-01", dtype="datetime64[D]")
    values = rng.gamma(0.6, 8, (len(time), 4))
    values[rng.random(values.shape) < 0.02] = np.nan
    return values, time


def test_peaks_over_a_threshold() -> None:
    values, time = daily()
    thresholds = np.array([20.0, 30.0, 25.5, np.nan])
    found = e5.gpd(values, thresholds, 50, time=time)
    likely = e5.gpd(values, thresholds, 50, "ml", time=time)
    for cell in range(3):
        peaks = slow.peaks(values[:, cell], thresholds[cell], 3)
        rate = len(peaks) / (np.isfinite(values[:, cell]).sum() / 365.2425)
        assert found.events[cell] == len(peaks)
        assert found.rate[cell] == pytest.approx(rate, rel=1e-12)
        scale, shape = slow.gpd_by_l_moments(peaks, thresholds[cell])
        assert (found.scale[cell], found.shape[cell]) == pytest.approx((scale, shape), rel=1e-9)
        level = stats.genpareto.ppf(1 - 1 / (50 * rate), shape, thresholds[cell], scale)
        assert found.return_level[cell] == pytest.approx(level, rel=1e-10)
        c, _, size = stats.genpareto.fit(peaks, floc=thresholds[cell])
        theirs = stats.genpareto.logpdf(peaks, c, thresholds[cell], size).sum()
        assert likely.log_likelihood[cell] >= theirs - 1e-6
        assert likely.shape[cell] == pytest.approx(c, abs=2e-3)
        assert likely.lower[cell] < likely.return_level[cell] < likely.upper[cell]
    assert np.isnan(found.events[3])
    assert np.isnan(found.return_level[3])


def test_separation_of_events() -> None:
    time = np.arange("2001-01-01", "2003-01-01", dtype="datetime64[D]")
    values = np.zeros((len(time), 1))
    values[10:700:30, 0] = np.linspace(5, 9, 23)
    values[12:702:30, 0] = 6
    assert e5.gpd(values, 1.0, separation=2, time=time).events == 23
    assert e5.gpd(values, 1.0, separation=1, time=time).events == 46


def test_wrong_parameters_are_refused() -> None:
    values, time = maxima()
    with pytest.raises(InputError, match="return_period"):
        e5.gev(values, 0.5, time=time)
    with pytest.raises(InputError, match="method must be one of"):
        e5.gev(values, method="moments", time=time)
    with pytest.raises(InputError, match="threshold is missing"):
        e5.gpd(values, None, time=time)

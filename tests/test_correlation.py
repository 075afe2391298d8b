"""Correlation of two series per cell: against its slow twin and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import correlation as slow

pytestmark = pytest.mark.native

TWINS = {"pearson": slow.pearson, "spearman": slow.spearman}
SCIPY = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}


def series(steps: int, cells: int = 30, dtype: str = "f8") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(steps)
    x = rng.normal(280, 5, (steps, cells))
    y = np.linspace(-1, 1, cells) * (x - 280) + rng.normal(0, 3, (steps, cells))
    time = np.datetime64("2001-01-01") + np.arange(steps)
    return x.astype(dtype), y.astype(dtype), time


@pytest.mark.parametrize("method", TWINS)
@pytest.mark.parametrize("steps", [3, 4, 10, 61, 1000])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_scipys_coefficient_and_probability(method, steps, dtype) -> None:
    x, y, time = series(steps, dtype=dtype)
    found = e5.correlation(x, y, method, time=time)
    for cell in range(x.shape[1]):
        a, b = x[:, cell].astype("f8"), y[:, cell].astype("f8")
        theirs = SCIPY[method](a, b)
        assert found.correlation[cell] == pytest.approx(theirs.statistic, rel=1e-11, abs=1e-13)
        assert found.p[cell] == pytest.approx(
            theirs.pvalue, rel=1e-8, abs=3e-8 if abs(theirs.statistic) > 0.99 else 0
        )
        if steps <= 61:
            assert found.correlation[cell] == pytest.approx(TWINS[method](a, b), rel=1e-11, abs=1e-13)
    assert np.all(found.pairs == steps)


@pytest.mark.parametrize("method", TWINS)
def test_ties_missing_values_and_constants(method) -> None:
    x, y, time = series(40)
    x, y = x.round(), y.round()
    x[3, 4], y[7, 4], x[:, 6], y[2:, 8], x[2:-1, 9] = np.nan, np.nan, 273.15, np.nan, np.nan
    found = e5.correlation(x, y, method, time=time)
    kept = np.isfinite(x[:, 4]) & np.isfinite(y[:, 4])
    theirs = SCIPY[method](x[kept, 4], y[kept, 4])
    assert (found.correlation[4], found.p[4]) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    assert found.pairs[[4, 6, 8, 9]].tolist() == [38, 40, 2, 3]
    assert np.isnan(found.correlation[[6, 8]]).all()
    assert np.isnan(found.p[[6, 8]]).all()
    assert not np.isnan(found.correlation[9])


def test_perfect_ones() -> None:
    x, _, time = series(20)
    for factor in (1, -2):
        found = e5.correlation(x, factor * x + 3, time=time)
        assert found.correlation == pytest.approx(np.sign(factor))
        assert np.all(found.p < 1e-100)


@pytest.mark.parametrize("lag", [-7, -1, 0, 1, 12])
def test_a_lag_takes_y_later(lag) -> None:
    x, _, time = series(50)
    late = np.roll(x, lag, axis=0)
    found = e5.correlation(x, late, lag=lag, time=time)
    assert found.correlation == pytest.approx(1)
    assert np.all(found.pairs == 50 - abs(lag))
    y = series(51)[1][:50]
    one, other = (x[: 50 - lag], y[lag:]) if lag >= 0 else (x[-lag:], y[:lag])
    expected = [stats.pearsonr(one[:, cell], other[:, cell]).statistic for cell in range(30)]
    assert e5.correlation(x, y, lag=lag, time=time).correlation == pytest.approx(expected)


def test_labels_and_threads() -> None:
    x, y, time = series(300, 120)
    coords = {"time": time, "latitude": np.arange(10.0), "longitude": np.arange(12.0)}
    first, second = (
        xr.DataArray(v.reshape(300, 10, 12), dims=("time", "latitude", "longitude"), coords=coords) for v in (x, y)
    )
    seen = []
    for threads in (1, 3):
        e5.set_num_threads(threads)
        seen.append(e5.correlation(first, second, "spearman"))
    e5.set_num_threads(0)
    assert seen[0].identical(seen[1])
    assert seen[0].correlation.dims == ("latitude", "longitude")
    plain = e5.correlation(x, y, "spearman", time=time)
    assert np.array_equal(seen[0].p.values.ravel(), plain.p)


def test_bad_input() -> None:
    x, y, time = series(10)
    with pytest.raises(InputError, match="lag of 10 steps in a series of 10"):
        e5.correlation(x, y, lag=10, time=time)
    with pytest.raises(InputError):
        e5.correlation(x, y[:, :3], time=time)
    with pytest.raises(InputError):
        e5.correlation(x, y, "kendall", time=time)

"""Bootstrap and permutation tests: against a slow twin, value by value, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import era5fast as e5
from era5fast.errors import InputError, ResultTooLargeError
from tests.reference import resampling as slow

pytestmark = pytest.mark.native

NUMPY = {"mean": np.mean, "std": np.std, "var": np.var, "median": np.median}


@pytest.fixture
def x() -> np.ndarray:
    """A skewed sample of 25 values in 37 cells, of which one has a missing value."""
    values = np.random.default_rng(3).gamma(2.0, 3.0, (25, 37)) + 280
    values[7, 5] = np.nan
    return values


# --- bootstrap ---


@pytest.mark.parametrize("method", ["percentile", "basic", "BCa"])
@pytest.mark.parametrize("statistic", NUMPY)
def test_bootstrap_equals_its_slow_twin(x, statistic, method) -> None:
    fast = e5.bootstrap(x, statistic, 199, method=method, confidence=0.9, seed=11)
    for cell in (0, 17, 36):
        expected = slow.bootstrap(x[:, cell], NUMPY[statistic], 199, method, 0.9, 11)
        assert [result[cell] for result in fast[:4]] == pytest.approx(expected, rel=1e-10)
    assert all(np.isnan(result[5]) for result in fast[:4])


@pytest.mark.parametrize("method", ["percentile", "basic", "BCa"])
@pytest.mark.parametrize("statistic", ["mean", "std", "median"])
def test_bootstrap_is_scipys_within_its_noise(statistic, method) -> None:
    sample = np.random.default_rng(5).gamma(2.0, 3.0, (31, 4))
    ours = e5.bootstrap(sample, statistic, 20000, method=method, seed=1)
    theirs = stats.bootstrap(
        (sample,), NUMPY[statistic], n_resamples=20000, method=method, axis=0, rng=np.random.default_rng(2), batch=500
    )
    noise = (0.16 if method == "BCa" else 0.05) * theirs.standard_error  # some three times what 20,000 leave open
    assert ours.standard_error == pytest.approx(theirs.standard_error, rel=0.03)
    assert np.all(np.abs(ours.low - theirs.confidence_interval.low) < noise + 0.3 * (statistic == "median"))
    assert np.all(np.abs(ours.high - theirs.confidence_interval.high) < noise + 0.3 * (statistic == "median"))


def test_draws_are_uniform() -> None:
    """Every step is drawn equally often: the mean of a sample with a single 1 is that of n draws with 1/n."""
    sample = np.eye(16)
    result = e5.bootstrap(sample, "mean", 50000, method="percentile", seed=4)
    expected = np.sqrt((1 / 16) * (15 / 16) / 16)
    assert result.standard_error == pytest.approx(expected, rel=0.02)


def test_coverage() -> None:
    """Of 95 % intervals of the mean of 40 normal values about 93 to 95 in a hundred hold the truth."""
    sample = np.random.default_rng(8).normal(size=(40, 2000))
    result = e5.bootstrap(sample, "mean", 999, seed=4)
    assert 0.92 < np.mean((result.low < 0) & (result.high > 0)) < 0.96


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_threads_and_neighbours_change_nothing(x, method) -> None:
    seen = []
    for threads in (1, 2, 5):
        e5.set_num_threads(threads)
        seen.append(np.array(e5.bootstrap(x, "std", 300, method=method, seed=2)[:4]))
    e5.set_num_threads(0)
    assert np.array_equal(seen[0], seen[1], equal_nan=True)
    assert np.array_equal(seen[0], seen[2], equal_nan=True)
    some = np.array(e5.bootstrap(x[:, 30:33], "std", 300, method=method, seed=2)[:4])
    assert np.array_equal(some, seen[0][:, 30:33])


def test_shift_and_scale(x) -> None:
    plain, moved = (e5.bootstrap(v, "mean", 500, seed=1) for v in (x, 1.8 * x - 459.67))
    assert moved.low == pytest.approx(1.8 * plain.low - 459.67, nan_ok=True)
    assert moved.standard_error == pytest.approx(1.8 * plain.standard_error, nan_ok=True)


def test_a_constant_sample() -> None:
    result = e5.bootstrap(np.full((12, 2), 273.15), "mean", 100, method="percentile")
    assert np.all(result.low == 273.15)
    assert np.all(result.high == 273.15)
    assert np.all(result.standard_error == 0)
    assert np.isnan(e5.bootstrap(np.full(12, 273.15), "mean", 100, method="BCa").low)


def test_layouts_and_types(x) -> None:
    single = x.astype("float32")
    expected = e5.bootstrap(single, "mean", 100, seed=1).high
    views = [np.asfortranarray(single), single.astype(">f4"), np.repeat(single, 2, 1)[:, ::2]]
    for view in views:
        assert np.array_equal(e5.bootstrap(view, "mean", 100, seed=1).high, expected, equal_nan=True)
    turned = e5.bootstrap(single.reshape(25, 37, 1).transpose(2, 1, 0), "mean", 100, seed=1, axis=-1)
    assert np.array_equal(turned.high, expected[None], equal_nan=True)


def test_xarray_in_xarray_out(x) -> None:
    array = xr.DataArray(x[:, :6].reshape(25, 2, 3), dims=("time", "lat", "lon"), coords={"lat": [1.0, 2.0]})
    result = e5.bootstrap(array.transpose("lat", "time", "lon"), "mean", 50, seed=1)
    assert result.low.dims == ("lat", "lon")
    assert list(result.low.lat) == [1.0, 2.0]
    assert result.low.values.ravel() == pytest.approx(e5.bootstrap(x[:, :6], "mean", 50, seed=1).low, nan_ok=True)


def test_the_seed_is_told() -> None:
    first = e5.bootstrap([1.0, 2.0, 4.0, 8.0], "mean", 100)
    again = e5.bootstrap([1.0, 2.0, 4.0, 8.0], "mean", 100, seed=first.seed)
    assert first == again
    assert first.seed != e5.bootstrap([1.0, 2.0, 4.0, 8.0], "mean", 100).seed


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"statistic": "mode"}, "statistic must be one of mean, std"),
        ({"method": "bca"}, "method must be one of"),
        ({"confidence": 95}, "0.95 for 95 %"),
        ({"confidence": "0.95"}, "0.95 for 95 %"),
        ({"ddof": 2}, "ddof must be"),
        ({"n_resamples": 0}, "n_resamples"),
        ({"n_resamples": 1.5}, "n_resamples"),
        ({"seed": -1}, "seed"),
        ({"seed": [1, 2]}, "seed"),
        ({"axis": 2}, "no axis 2"),
        ({"axis": "time"}, "no axis time"),
        ({"x": [[1.0, 2.0], [3.0]]}, "lists of different lengths"),
        ({"x": [1.0, 2.0]}, "a sample of 2 values"),
        ({"x": np.zeros(70000)}, "a sample of 70000 values"),
        ({"x": np.array(["a", "b", "c"])}, "an array of type"),
        ({"x": xr.DataArray(np.zeros((4, 4)), dims=("a", "b"))}, "no dimension time among"),
    ],
)
def test_bad_input(arguments, text) -> None:
    with pytest.raises(InputError, match=text):
        e5.bootstrap(arguments.pop("x", np.zeros((5, 2))), **arguments)


def test_too_many_resamples() -> None:
    with pytest.raises(ResultTooLargeError, match="Draw fewer"):
        e5.bootstrap(np.zeros(60000), "mean", 2_000_000_000)


# --- permutations ---


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_exact_permutations_are_scipys(alternative) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.7, 1, (5, 8)), rng.normal(0, 1, (6, 8))
    ours = e5.permutation_test(x, y, alternative=alternative)
    assert (ours.exact, ours.n_resamples) == (True, 462)
    theirs = stats.permutation_test(
        (x, y), lambda a, b, axis: a.mean(axis) - b.mean(axis), vectorized=True, alternative=alternative
    )
    assert ours.difference == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.pvalue == pytest.approx(theirs.pvalue, rel=1e-12)
    for cell in range(8):
        assert slow.permutation_test(x[:, cell], y[:, cell])[1][alternative] == pytest.approx(ours.pvalue[cell])


@pytest.mark.parametrize("alternative", ["two-sided", "less", "greater"])
def test_exact_pairs_are_scipys(alternative) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.5, 1, (9, 5)), rng.normal(0, 1, (9, 5))
    ours = e5.permutation_test(x, y, paired=True, alternative=alternative)
    assert (ours.exact, ours.n_resamples) == (True, 512)
    theirs = stats.permutation_test(
        (x, y), lambda a, b, axis: (a - b).mean(axis), vectorized=True, permutation_type="samples",
        alternative=alternative,
    )  # fmt: skip
    assert ours.pvalue == pytest.approx(theirs.pvalue, rel=1e-12)


@pytest.mark.parametrize("paired", [False, True])
def test_random_permutations_are_near_the_exact_ones(paired) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.4, 1, (10, 12)), rng.normal(0, 1, (10, 12))
    exact = e5.permutation_test(x, y, 200_000, paired=paired)
    drawn = e5.permutation_test(x, y, 20_000 if not paired else 1000, paired=paired, seed=6)
    assert exact.exact
    assert not drawn.exact
    error = np.sqrt(exact.pvalue / drawn.n_resamples) * 2
    assert np.all(np.abs(drawn.pvalue - exact.pvalue) < 5 * error + 2 / drawn.n_resamples)
    assert len(set(drawn.pvalue)) > 6


def test_random_permutations_as_scipys() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(0.3, 1, (30, 6)), rng.normal(0, 1, (25, 6))
    ours = e5.permutation_test(x, y, 20000, seed=6)
    theirs = stats.permutation_test(
        (x, y), lambda a, b, axis: a.mean(axis) - b.mean(axis), vectorized=True, n_resamples=20000, batch=1000,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert np.all(np.abs(ours.pvalue - theirs.pvalue) < 0.02)


def test_ties_count_on_both_sides() -> None:
    """Temperatures of one decimal differ in the last bits when they are added up in another order."""
    x, y = np.array([280.1, 280.2, 280.3, 280.2]), np.array([280.2, 280.1, 280.3, 280.2])
    result = e5.permutation_test(x, y)
    assert result.difference == pytest.approx(0, abs=1e-12)
    assert result.pvalue == 1


def test_permutations_do_not_depend_on_threads_nor_on_the_mean() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(20, 40)), rng.normal(size=(20, 40))
    seen = []
    for threads in (1, 3):
        e5.set_num_threads(threads)
        seen.append(e5.permutation_test(x, y, 500, seed=1).pvalue)
    e5.set_num_threads(0)
    assert np.array_equal(*seen)
    assert np.array_equal(e5.permutation_test(x + 273.0, y + 273.0, 500, seed=1).pvalue, seen[0])


def test_missing_values_and_xarray() -> None:
    x = xr.DataArray(np.arange(12.0).reshape(4, 3), dims=("time", "cell"), coords={"cell": [7, 8, 9]})
    y = x + 5
    y[0, 1] = np.nan
    result = e5.permutation_test(x, y)
    assert list(result.pvalue.cell) == [7, 8, 9]
    assert list(np.isnan(result.pvalue)) == [False, True, False]
    assert list(np.isnan(result.difference)) == [False, True, False]


@pytest.mark.parametrize(
    ("x", "y", "arguments", "text"),
    [
        ([1.0], [2.0, 3.0], {"paired": True}, "are no pairs"),
        ([[1.0, 2.0]], [[2.0]], {}, "cells of shape"),
        ([1.0, 2.0], [2.0], {"alternative": "both"}, "alternative must be"),
        ([], [2.0], {}, "a sample of 0 values"),
        (np.zeros(40000), np.zeros(40000), {}, "80000 values, must be 2 to 65535"),
    ],
)
def test_bad_pairs(x, y, arguments, text) -> None:
    with pytest.raises(InputError, match=text):
        e5.permutation_test(x, y, **arguments)


def test_lazy_samples_of_other_cells_are_refused_in_their_own_words() -> None:
    pytest.importorskip("dask")
    dims = ("time", "latitude", "longitude")
    x = xr.DataArray(np.random.default_rng(1).normal(size=(9, 4, 5)), dims=dims)
    for y in (x.transpose("time", "longitude", "latitude"), x.isel(latitude=slice(3)), x.isel(latitude=0)):
        messages = []
        for one, other in ((x, y), (x.chunk(latitude=2), y), (x, y.chunk()), (x.chunk(), y.chunk())):
            with pytest.raises(InputError, match=r"x has cells of shape \(4, 5\)") as refused:
                e5.permutation_test(one, other, n_resamples=9, seed=1)
            messages.append(str(refused.value))
        assert len(set(messages)) == 1

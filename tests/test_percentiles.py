"""Percentiles of days of the year, of wet days, and days beyond them: equal to sorting, NumPy, xclim and CDO."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import percentile_doy as slow_percentile
from tests.reference import percentile_exceedance as slow_exceedance
from tests.reference import quantile as slow_quantile

pytestmark = pytest.mark.native

METHODS = {
    1: "inverted_cdf",
    2: "averaged_inverted_cdf",
    3: "closest_observation",
    4: "interpolated_inverted_cdf",
    5: "hazen",
    6: "weibull",
    7: "linear",
    8: "median_unbiased",
    9: "normal_unbiased",
}


def days(first: int, last: int) -> np.ndarray:
    """Every day from 1 January of one year to 31 December of another."""
    return np.arange(f"{first}-01-01", f"{last + 1}-01-01", dtype="datetime64[D]")


def weather(n: int, cells: int, seed: int, dtype: str = "float32") -> np.ndarray:
    """A year's wave with noise, tied in the first cell, with gaps in the last."""
    random = np.random.default_rng(seed)
    values = 10 * np.sin(np.arange(n) * (2 * np.pi / 365.25))[:, np.newaxis] + 3 * random.normal(size=(n, cells))
    values[:, 0] = np.round(values[:, 0])
    values[random.random(n) < 0.05, -1] = np.nan
    return values.astype(dtype)


def labelled(values: np.ndarray, time: np.ndarray) -> xr.DataArray:
    attrs = {"units": "degC"}
    return xr.DataArray(values, {"time": time.astype("datetime64[ns]")}, ("time", "cell"), attrs=attrs)


# --- by day of the year ---


@pytest.mark.parametrize("neighbours", ["wrap", "real", "ring", "around"])
@pytest.mark.parametrize("leap_day", ["drop", "stretch", "own", "mean"])
def test_percentiles_equal_their_slow_twin(neighbours: str, leap_day: str) -> None:
    time = days(1999, 2004)
    values = weather(len(time), 3, seed=1)
    for percentile, window, kind in ((90, 5, 8), (10, 3, 6), (50, 15, 7)):
        options: dict[str, Any] = {"window": window, "type": kind, "neighbours": neighbours, "leap_day": leap_day}
        fast = e5.percentile_doy(values, percentile, base_period=("2000", "2003"), time=time, **options)
        slow = slow_percentile.percentile_doy(values, time, percentile, ("2000", "2003"), **options)
        assert fast.tobytes() == slow.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "int16"])
def test_percentiles_of_any_type_and_number_of_cells(dtype: str) -> None:
    time = days(2001, 2003)
    for cells in (1, 15, 16, 17, 40):
        values = np.nan_to_num(weather(len(time), cells, seed=2)).astype(dtype)
        fast = e5.percentile_doy(values, 95, time=time)
        for cell in {0, cells - 1}:
            slow = slow_percentile.percentile_doy(values[:, cell], time, 95)
            assert fast[:, cell].tobytes() == slow.tobytes()


def test_smoothing_share_and_limit_equal_the_slow_twin() -> None:
    time = days(2001, 2004)
    values = weather(len(time), 2, seed=3)
    values[np.random.default_rng(3).random(len(time)) < 0.5, 1] = np.nan
    for options in (
        {"smoothing": 31, "leap_day": "mean", "neighbours": "around", "type": 7, "window": 11},
        {"min_share": 0.5},
        {"min_share": 1.0},
        {"at_least": 1.0},
        {"at_least": 2.5, "min_share": 0.4, "smoothing": 5},
    ):
        fast = e5.percentile_doy(values, 90, time=time, **options)
        slow = slow_percentile.percentile_doy(values, time, 90, **options)
        assert fast.tobytes() == slow.tobytes(), options


def test_wide_windows_and_long_lists() -> None:
    time = days(1991, 2003)
    values = weather(len(time), 1, seed=4)
    for percentile, window in ((90, 31), (50, 61), (99.9, 5), (0, 1), (100, 5)):
        fast = e5.percentile_doy(values, percentile, window=window, time=time)
        slow = slow_percentile.percentile_doy(values, time, percentile, window=window)
        assert fast.tobytes() == slow.tobytes()


@pytest.mark.parametrize("kind", METHODS)
def test_percentiles_are_those_of_numpy_to_the_bit(kind: int) -> None:
    years = 30
    time = days(1981, 1980 + years)
    time = time[[str(day)[5:] != "02-29" for day in time]]
    values = weather(len(time), 2, seed=5)[:, :1].astype("float64") + np.linspace(0, 1, len(time))[:, np.newaxis]
    by_year = values.reshape(years, 365)
    pools = np.stack([np.roll(by_year, k, axis=1) for k in range(-2, 3)]).reshape(-1, 365)
    for percentile in (90, 10, 98, 75):
        ours = e5.percentile_doy(values, percentile, type=kind, time=time)[:, 0]
        theirs = np.quantile(pools, percentile / 100, axis=0, method=METHODS[kind])
        assert ours.tobytes() == theirs.tobytes()


@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False, width=32), min_size=1, max_size=80),
    st.sampled_from(sorted(METHODS)),
    st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]),
)
@settings(deadline=None, max_examples=200)
def test_the_slow_quantile_is_that_of_numpy(sample: list[float], kind: int, probability: float) -> None:
    twice = 2 * len(sample) * probability  # types 1 to 3 step at whole and half places, NumPy's at a rounding as well
    assume(kind > 3 or twice == round(twice) or abs(twice - round(twice)) > 1e-9)
    ours = slow_quantile.quantile(sample, probability, kind)
    assert ours == pytest.approx(np.quantile(sample, probability, method=METHODS[kind]), rel=1e-15, abs=1e-300)


def test_percentiles_are_those_of_xclim() -> None:
    from xclim.core.calendar import percentile_doy

    time = days(1991, 2002)
    x = labelled(weather(len(time), 3, seed=6, dtype="float64"), time)
    for percentile in (10, 90):
        ours = e5.percentile_doy(x, percentile, neighbours="real", leap_day="stretch")
        theirs = percentile_doy(x, window=5, per=percentile).squeeze("percentiles").transpose("dayofyear", "cell")
        np.testing.assert_allclose(ours.values, theirs.values, rtol=0, atol=1e-12)  # its stretching rounds otherwise


def test_precipitation_on_wet_days_by_day_of_the_year() -> None:
    from xclim.core.calendar import percentile_doy

    time = days(1991, 2000)
    rain = np.random.default_rng(7).gamma(0.5, 6, size=(len(time), 2))
    x = labelled(rain, time)
    ours = e5.percentile_doy(x, 75, at_least=1, neighbours="real", leap_day="stretch")
    theirs = percentile_doy(x.where(x >= 1), window=5, per=75).squeeze("percentiles").transpose("dayofyear", "cell")
    np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-12)


@given(st.floats(-100, 100), st.sampled_from([0.5, 2.0, 8.0]), st.integers(0, 10))
@settings(deadline=None, max_examples=20)
def test_shifting_scaling_and_reordering_cells(shift: float, scale: float, turn: int) -> None:
    time = days(2001, 2004)
    values = weather(len(time), 11, seed=8, dtype="float64")
    base = e5.percentile_doy(values, 90, time=time)
    assert np.array_equal(e5.percentile_doy(values * scale, 90, time=time), base * scale, equal_nan=True)
    turned = np.roll(values, turn, axis=1)
    assert np.array_equal(e5.percentile_doy(turned, 90, time=time), np.roll(base, turn, axis=1), equal_nan=True)
    np.testing.assert_allclose(e5.percentile_doy(values + shift, 90, time=time), base + shift, atol=1e-12)
    np.testing.assert_allclose(e5.percentile_doy(-values, 10, time=time), -base, atol=1e-13)


# --- of the whole series ---


def test_published_values_of_all_types() -> None:
    nine = np.arange(1.0, 10)[::-1, np.newaxis]
    time = days(2001, 2001)[:9]
    expected = {1: 7, 2: 7, 3: 6, 4: 6.3, 5: 6.8, 6: 7, 7: 6.6, 8: 6 + 13 / 15, 9: 6.85}
    for kind, value in expected.items():
        assert e5.percentile(nine, 70, type=kind, time=time)[0] == pytest.approx(value, abs=1e-12)
    five = np.array([15.0, 20, 35, 40, 50])[:, np.newaxis]
    assert e5.percentile(five, 40, type=7, time=time[:5])[0] == pytest.approx(29)
    assert e5.percentile(five, 40, type=8, time=time[:5])[0] == pytest.approx(27)


def test_percentile_of_wet_days() -> None:
    time = days(1981, 1990)
    rain = np.random.default_rng(9).gamma(0.5, 6, size=(len(time), 20)).astype("float32")
    rain[:, 3] = 0.5
    rain[:4, 5] = np.nan
    rain[:100, 6] = np.float32(0.1)
    for percentile, limit in ((95, 1), (99, 1), (50, 0.1)):
        ours = e5.percentile(rain, percentile, base_period=("1982", "1988"), at_least=limit, time=time)
        for cell in range(20):
            base = rain[(time >= days(1982, 1982)[0]) & (time < days(1989, 1989)[0]), cell]
            wet = base[base >= np.float32(limit)].astype("float64")
            expected = np.quantile(wet, percentile / 100, method="median_unbiased") if wet.size else np.nan
            assert ours[cell] == expected or (math.isnan(expected) and math.isnan(ours[cell]))
    assert np.isnan(e5.percentile(rain, 95, at_least=1, time=time)[3])
    assert np.array_equal(
        e5.percentile(rain, 95, time=time), e5.percentile(rain.astype("float64"), 95, time=time), equal_nan=True
    )


# --- days beyond ---


@pytest.mark.parametrize(("neighbours", "leap_day"), [("wrap", "drop"), ("real", "stretch"), ("ring", "own")])
@pytest.mark.parametrize(("percentile", "beyond"), [(90, "above"), (10, "below"), (40, "above_or_equal")])
def test_the_bootstrap_equals_its_slow_twin(neighbours: str, leap_day: str, percentile: float, beyond: str) -> None:
    time = days(2000, 2005)
    values = weather(len(time), 3, seed=10)
    options: dict[str, Any] = {"neighbours": neighbours, "leap_day": leap_day, "beyond": beyond}
    result = e5.percentile_exceedance(
        values, percentile, base_period=("2001", "2004"), time=time, freq="MS", **options
    )
    month = time.astype("datetime64[M]").astype(int)
    for cell in (0, 2):
        shares = np.array(slow_exceedance.shares(values[:, cell].tolist(), time, percentile, (2001, 2004), **options))
        for i, first in enumerate(np.unique(month)):
            part = shares[month == first]
            expected = float(np.sum(np.round(part[~np.isnan(part)] * 3))) / 3
            if np.isnan(part).any():
                assert np.isnan(result.days[i, cell])
            else:
                assert result.days[i, cell] == pytest.approx(expected, abs=1e-9)
                assert result.percent[i, cell] == pytest.approx(100 * expected / part.size)


@pytest.mark.parametrize(("name", "percentile", "beyond"), [("tx90p", 90, "above"), ("tn10p", 10, "below")])
@pytest.mark.parametrize("bootstrap", [True, False])
def test_days_beyond_are_those_of_xclim(name: str, percentile: float, beyond: str, bootstrap: bool) -> None:
    import xclim
    from xclim.core.calendar import percentile_doy

    time = days(1998, 2006)
    x = labelled(weather(len(time), 2, seed=11, dtype="float64"), time)[:, :1]
    base = x.sel(time=slice("1999", "2004"))
    threshold = percentile_doy(base, window=5, per=percentile).squeeze("percentiles")
    theirs = getattr(xclim.indices, name)(x, threshold, freq="YS", bootstrap=bootstrap)
    ours = e5.percentile_exceedance(
        x,
        percentile,
        beyond,
        base_period=("1999", "2004"),
        bootstrap=bootstrap,
        neighbours="real",
        leap_day="stretch",
    )
    np.testing.assert_allclose(ours.days.values, theirs.transpose("time", "cell").values, rtol=1e-12)


def cdo(*arguments: str | Path, bins: int) -> None:
    environment = {"PATH": "/usr/bin:/bin", "CDO_PCTL_NBINS": str(bins)}
    subprocess.run(["cdo", "-s", "-O", *map(str, arguments)], check=True, capture_output=True, env=environment)


def test_days_beyond_are_those_of_cdo(tmp_path: Path) -> None:
    time = days(1991, 1998)
    values = np.random.default_rng(12).normal(290, 5, size=(len(time), 1, 1)).astype("float32")
    axes = {"time": time.astype("datetime64[ns]"), "lat": [0.0], "lon": [0.0]}
    x = xr.DataArray(values, axes, ("time", "lat", "lon"), "tx", {"units": "K"})
    source, lowest, highest, result = (tmp_path / f"{name}.nc" for name in ("tx", "min", "max", "out"))
    x.to_netcdf(source, encoding={"time": {"units": "days since 1991-01-01", "calendar": "standard"}})
    cdo("ydrunmin,5,rm=c", source, lowest, bins=2000)
    cdo("ydrunmax,5,rm=c", source, highest, bins=2000)
    cdo("etccdi_tx90p,5,1991,1998,freq=year", source, lowest, highest, result, bins=2000)
    with xr.open_dataset(result) as opened:
        name = next(name for name in opened.data_vars if opened[name].dims == ("time", "lat", "lon"))
        theirs = opened[name].values.ravel()
    options: dict[str, Any] = {"neighbours": "ring", "leap_day": "own", "percent_of": "all"}
    ours = e5.percentile_exceedance(values[:, :, 0], 90, base_period=("1991", "1998"), time=time, **options)
    replicates = (ours.percent[:, 0] - theirs) / 100 * np.array([365, 366, 365, 365, 365, 366, 365, 365]) * 7
    # 29 February, whose pool has two years only, differs in the second of them.
    np.testing.assert_allclose(np.delete(replicates, 5), 0, atol=1e-3)
    assert replicates[5] == pytest.approx(-3, abs=1e-2)


def test_shares_inside_the_base_are_parts_of_the_other_years() -> None:
    time = days(1991, 2004)
    values = weather(len(time), 16, seed=13, dtype="float64")[:, :15]
    days_beyond = e5.percentile_exceedance(values, 90, base_period=("1993", "2002"), time=time).days
    in_ninths = days_beyond * 9
    np.testing.assert_allclose(in_ninths, np.round(in_ninths), atol=1e-9)
    outside = [0, 1, -2, -1]
    np.testing.assert_array_equal(days_beyond[outside], np.round(days_beyond[outside]))


def test_the_bootstrap_leaves_no_step_at_the_edge_of_the_base() -> None:
    time = days(1961, 2000)
    values = np.random.default_rng(14).normal(size=(len(time), 400)).astype("float32")
    year = time.astype("datetime64[Y]").astype(int) + 1970
    inside = (np.unique(year) >= 1971) & (np.unique(year) <= 1990)
    rates = {}
    for bootstrap in (True, False):
        percent = e5.percentile_exceedance(
            values, 90, base_period=("1971", "1990"), bootstrap=bootstrap, time=time
        ).percent
        rates[bootstrap] = percent[inside].mean(), percent[~inside].mean()
    assert rates[False][0] == pytest.approx(10, abs=0.35)
    assert rates[False][1] - rates[False][0] > 0.15  # the step
    assert abs(rates[True][1] - rates[True][0]) < 0.08
    assert rates[True][1] == rates[False][1]


def test_missing_days_and_shares() -> None:
    time = days(2001, 2004)
    values = weather(len(time), 2, seed=15, dtype="float64")
    values[:, 1] = np.nan
    values[400:420, 0] = np.nan
    result = e5.percentile_exceedance(values, 90, time=time, missing="any")
    assert np.isnan(result.days[1, 0])
    assert np.isnan(result.days[:, 1]).all()
    assert np.isfinite(result.days[[0, 2, 3], 0]).all()


def test_threads_and_tiles_do_not_change_a_bit() -> None:
    time = days(1991, 1998)
    values = weather(len(time), 37, seed=16)
    expected = e5.percentile_exceedance(values, 90, time=time).days
    single = np.concatenate(
        [e5.percentile_exceedance(values[:, [cell]], 90, time=time).days for cell in range(37)], axis=1
    )
    assert single.tobytes() == expected.tobytes()
    before = e5.get_num_threads()
    try:
        for threads in (1, 3):
            e5.set_num_threads(threads)
            assert e5.percentile_exceedance(values, 90, time=time).days.tobytes() == expected.tobytes()
    finally:
        e5.set_num_threads(before)


# --- refusals ---


@pytest.mark.filterwarnings("ignore:the base period")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_period": ("2001", "2001")}, "needs 2 to"),
        ({"base_period": ("1961", "1990")}, "1961 to 1990 lies outside of the data, which are of 2001 to 2004"),
        ({"smoothing": 31}, "no smoothing"),
        ({"neighbours": "around"}, "reach outside"),
        ({"window": 4}, "must be odd"),
        ({"beyond": "over"}, "must be one of"),
        ({"min_share": 1.5}, "min_share"),
    ],
)
def test_bad_input_is_refused(options: dict[str, Any], message: str) -> None:
    time = days(2001, 2004)
    with pytest.raises(InputError, match=message):
        e5.percentile_exceedance(weather(len(time), 1, seed=17), 90, time=time, **options)


def test_a_width_of_smoothing_must_be_odd() -> None:
    time = days(2001, 2004)
    with pytest.raises(InputError, match="must be odd"):
        e5.percentile_doy(weather(len(time), 1, seed=18), 90, smoothing=30, time=time)

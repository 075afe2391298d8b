"""Indices of climate extremes: slow twins day by day, xclim and CDO where they have the same, and what must hold."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import warnings
from datetime import date as Date
from typing import Any

import cftime
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast import definitions, indices
from era5fast.cli import cli
from era5fast.errors import InputError
from tests.reference import etccdi as slow
from tests.reference import percentile_doy as slow_percentile
from tests.reference import percentile_exceedance as slow_exceedance

pytestmark = pytest.mark.native

PERCENTILES = ("tx10p", "tn10p", "tn90p", "tx90p", "wsdi", "csdi")
SERIES = ("tx", "tn", "pr")


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def weather(years: int = 4, cells: tuple[int, ...] = (3, 7), seed: int = 1, start: int = 2001, kelvin: bool = False):
    """Daily TX, TN in °C (or K) and rain in mm, rounded so that thresholds and ties are met; and their days."""
    rng = np.random.default_rng(seed)
    time = np.arange(f"{start}-01-01", f"{start + years}-01-01", dtype="datetime64[D]")
    n = len(time)
    season = 12 * np.sin(2 * np.pi * (np.arange(n) - 110) / 365.25)
    slow_part = rng.normal(0, 4, (n // 6 + 1, *cells)).repeat(6, axis=0)[:n]
    tx = np.round(13 + season.reshape(-1, *(1,) * len(cells)) + slow_part + rng.normal(0, 2, (n, *cells)))
    tn = np.round(tx - rng.gamma(4, 2, (n, *cells)))
    rain = np.round(rng.gamma(0.8, 9, (n, *cells)), 0)
    wet_spells = rng.random((n // 4 + 1, *cells)).repeat(4, axis=0)[:n] < 0.4
    pr = np.where(wet_spells, rain, 0)
    shift = 273.15 if kelvin else 0
    return {"tx": (tx + shift).astype("f4"), "tn": (tn + shift).astype("f4"), "pr": pr.astype("f4")}, time


def dates_of(time: Any) -> list[Any]:
    if isinstance(time, np.ndarray) and time.dtype.kind == "M":
        return [Date.fromisoformat(str(day)) for day in time.astype("datetime64[D]")]
    return list(time)


def dataset(series: dict[str, np.ndarray], time: Any, units: dict[str, str] | None = None) -> xr.Dataset:
    """The same as a Dataset on a grid."""
    units = {"tx": "degC", "tn": "degC", "tg": "degC", "pr": "mm/day"} | (units or {})
    names = {"tx": "tasmax", "tn": "tasmin", "tg": "tas", "pr": "pr"}
    stamps = time.astype("datetime64[ns]") if isinstance(time, np.ndarray) else time
    some = next(iter(series.values()))
    coords = {
        "time": stamps,
        "lat": np.linspace(60, -40, some.shape[1]),
        "lon": np.arange(some.shape[2], dtype="f8"),
    }
    return xr.Dataset(
        {names[k]: (("time", "lat", "lon"), v, {"units": units[k]}) for k, v in series.items()}, coords=coords
    )


# --- slow twins ---


def twins(
    tx: Any, tn: Any, tg: Any, pr: Any, dates: list[Any], freq: str, *, border: str, last: str, label: str,
    windows: str, season: str
) -> dict[str, list[float]]:  # fmt: skip
    """Every index without a percentile of the day of the year, of one cell."""
    days = slow.periods(dates, freq)

    def each(function: Any) -> list[float]:
        return [function(group) for group in days]

    found = {
        "fd": each(lambda g: slow.count(tn, g, lambda x: x < 0)),
        "su": each(lambda g: slow.count(tx, g, lambda x: x > 25)),
        "id": each(lambda g: slow.count(tx, g, lambda x: x < 0)),
        "tr": each(lambda g: slow.count(tn, g, lambda x: x > 20)),
        "txx": each(lambda g: slow.extreme(tx, g, max)),
        "tnx": each(lambda g: slow.extreme(tn, g, max)),
        "txn": each(lambda g: slow.extreme(tx, g, min)),
        "tnn": each(lambda g: slow.extreme(tn, g, min)),
        "dtr": each(lambda g: slow.mean_range(tx, tn, g)),
        "rx1day": each(lambda g: slow.extreme(pr, g, max)),
        "rx5day": slow.largest_sum(pr, dates, days, 5, label, windows),
        "sdii": each(lambda g: slow.intensity(pr, g, 1, 0.0)),
        "r10mm": each(lambda g: slow.count(pr, g, lambda x: x >= 10)),
        "r20mm": each(lambda g: slow.count(pr, g, lambda x: x >= 20)),
        "rnnmm": each(lambda g: slow.count(pr, g, lambda x: x >= 25)),
        "cdd": slow.longest([x < 1 for x in pr], dates, days, last),
        "cwd": slow.longest([x >= 1 for x in pr], dates, days, last),
        "prcptot": each(lambda g: slow.total(pr, g, lambda x: x >= 1)),
        "heating_degree_days": each(lambda g: slow.degree_days(tg, g, 17, -1)),
        "cooling_degree_days": each(lambda g: slow.degree_days(tg, g, 18, 1)),
        "growing_degree_days": each(lambda g: slow.degree_days(tg, g, 4, 1)),
        "freeze_thaw_days": each(lambda g: float(sum(tn[i] < 0 < tx[i] for i in g))),
    }
    for percentile, name in ((95, "r95"), (99, "r99")):
        limit = slow.wet_percentile(pr, list(range(len(dates))), 1, percentile, 8)
        found[f"{name}p"] = each(lambda g, limit=limit: slow.total(pr, g, lambda x: x > limit))
        found[f"{name}days"] = each(lambda g, limit=limit: slow.count(pr, g, lambda x: x > limit))
        shares = zip(found[f"{name}p"], found["prcptot"], strict=True)
        found[f"{name}ptot"] = [100 * a / b if b else math.nan for a, b in shares]
    if freq.startswith("YS"):
        found["gsl"] = each(lambda g: slow.growing_season(tg, dates, g, 5, 6, season))
        found["frost_season_length"] = each(lambda g: slow.frost_season(tn, dates, g, 0))
    if freq == "YS":
        found["last_spring_frost"] = each(lambda g: slow.last_frost(tn, dates, g, 0))
    return found


def mean_of(tx: np.ndarray, tn: np.ndarray) -> np.ndarray:
    return (tx + tn) / 2


def compare_with_twins(
    series: dict[str, np.ndarray], time: Any, freq: str = "YS", calendar: str | None = None, **rules: Any
) -> None:
    """All cells of a small field, all indices that have a twin."""
    dates = dates_of(time)
    cells = series["tx"].shape[1:]
    names = [name for name in indices._ROWS if name not in PERCENTILES]
    yearly = freq.startswith("YS")
    names = [name for name in names if yearly or indices._ROWS[name]["monthly"] != "year"]
    names = [name for name in names if freq == "YS" or name != "last_spring_frost"]
    fast = e5.etccdi(
        **series, time=time, calendar=calendar, latitude=np.full(cells[0], 50.0), indices=names, freq=freq,
        missing="none", **rules
    )  # fmt: skip
    options = {"border": "cut", "last": rules.get("longest", "last"), "label": rules.get("label", "centre"),
               "windows": rules.get("windows", "any"), "season": rules.get("season", "climdex")}  # fmt: skip
    for cell in np.ndindex(cells):
        at = (slice(None), *cell)
        tg = mean_of(series["tx"], series["tn"])[at]
        expected = twins(series["tx"][at], series["tn"][at], tg, series["pr"][at], dates, freq, **options)
        assert set(expected) == set(names)
        for name, values in expected.items():
            np.testing.assert_allclose(getattr(fast, name)[at], values, rtol=1e-12, err_msg=f"{name} {cell} {freq}")


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
@pytest.mark.parametrize("freq", ["YS", "YS-JUL", "QS-DEC", "MS"])
def test_twins(freq: str, dtype: str) -> None:
    series, time = weather()
    compare_with_twins({name: x.astype(dtype) for name, x in series.items()}, time, freq)


@pytest.mark.parametrize(
    "rules",
    [
        {"longest": "cut", "label": "last", "windows": "whole", "season": "xclim"},
        {"longest": "own"},
        {"longest": "first", "label": "last"},
    ],
)
@pytest.mark.parametrize("freq", ["YS", "MS"])
def test_twins_under_other_rules(freq: str, rules: dict[str, Any]) -> None:
    series, time = weather(3, (2, 3), seed=2)
    compare_with_twins(series, time, freq, **rules)


def test_twins_with_missing_values_and_absent_days() -> None:
    series, time = weather(3, (2, 4), seed=3)
    rng = np.random.default_rng(4)
    for x in series.values():
        x[rng.random(x.shape) < 0.02] = np.nan
        x[:, 1, 3] = np.nan
    keep = rng.random(len(time)) > 0.01
    keep[[0, -1]] = True
    keep[[int(np.flatnonzero(time == np.datetime64(f"{year}-07-01"))[0]) for year in (2001, 2002, 2003)]] = True
    some = {name: x[keep] for name, x in series.items()}
    names_without_wet = {"r95p", "r99p", "r95days", "r99days"}
    some["pr"][:, 1, 3] = 0  # a desert: no percentile of wet days, so no answer
    fast = e5.etccdi(pr=some["pr"], time=time[keep], indices=sorted(names_without_wet), missing="none")
    assert all(np.isnan(x[:, 1, 3]).all() for x in fast)
    some["pr"][:, 1, 3] = np.where(np.arange(keep.sum()) % 5, 0, 7)
    for rules in ({}, {"windows": "whole", "label": "last", "longest": "cut", "season": "xclim"}):
        compare_with_twins(some, time[keep], **rules)


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "all_leap", "standard"])
def test_twins_on_calendars(calendar: str) -> None:
    series, time = weather(3, (1, 3), seed=5)
    length = {"360_day": 360, "all_leap": 366}.get(calendar, 365) * 3
    short = {name: x[np.arange(length) % len(time)] for name, x in series.items()}
    dates = list(cftime.num2date(np.arange(length), "days since 2001-01-01", calendar=calendar))
    for freq in ("YS", "MS"):
        compare_with_twins(short, dates, freq)


@pytest.mark.parametrize("border", ["cut", "first", "last", "own"])
@pytest.mark.parametrize("inclusive", [False, True])
def test_percentile_indices_equal_their_twins(border: str, inclusive: bool) -> None:
    series, time = weather(4, (2, 2), seed=6)
    base = ("2001", "2003")
    fast = e5.etccdi(
        tx=series["tx"], tn=series["tn"], time=time, indices=PERCENTILES, base_period=base, bootstrap=False,
        spells=border, inclusive=inclusive, spell_days=4
    )  # fmt: skip
    dates = dates_of(time)
    groups = slow.periods(dates, "YS")
    slots = [(d - Date(d.year, 1, 1)).days - (d.year % 4 == 0 and d >= Date(d.year, 2, 29)) for d in dates]
    for x, percentile, share, spells in (("tx", 90, "tx90p", "wsdi"), ("tn", 10, "tn10p", "csdi"),
                                         ("tx", 10, "tx10p", None), ("tn", 90, "tn90p", None)):  # fmt: skip
        limits = slow_percentile.percentile_doy(series[x], time, percentile, base)[slots]
        beyond = series[x] > limits if percentile == 90 else series[x] < limits
        beyond |= inclusive & (series[x] == limits)
        for cell in np.ndindex(2, 2):
            flags = [bool(flag) for flag in beyond[(slice(None), *cell)]]
            shares = [100 * sum(flags[i] for i in group) / len(group) for group in groups]
            np.testing.assert_allclose(getattr(fast, share)[(slice(None), *cell)], shares, rtol=1e-12)
            if spells:
                days = slow.spell_days(flags, dates, groups, 4, border)
                assert getattr(fast, spells)[(slice(None), *cell)].tolist() == days


@pytest.mark.parametrize("border", ["cut", "first", "last", "own"])
def test_spells_of_resampled_bases_equal_their_twin(border: str) -> None:
    series, time = weather(5, (2, 2), seed=7)
    series["tx"][700:704, 1, 1] = np.nan
    base, dates = ("2002", "2004"), dates_of(time)
    rules: dict[str, Any] = {"base_period": base, "bootstrap_of": "all", "spells": border, "days": 3}
    rules |= {"missing": "none", "time": time}
    for x, name, percentile, beyond in (("tx", "wsdi", 90, "above"), ("tn", "csdi", 10, "below")):
        fast = getattr(e5.indices, name)(series[x], **rules)
        for cell in np.ndindex(2, 2):
            at = (slice(None), *cell)
            days = slow_exceedance.answers(series[x][at].tolist(), time, percentile, (2002, 2004), beyond=beyond)
            groups = slow.periods(dates, "YS")
            of_each = [
                slow.spell_days([bool(day) and day[k] for day in days], dates, groups, 3, border) for k in range(2)
            ]
            np.testing.assert_allclose(fast[at], np.mean(of_each, axis=0), rtol=1e-12)
        plain = getattr(e5.indices, name)(series[x], **{**rules, "bootstrap": False})
        if border == "cut":  # outside of the base nothing changes
            np.testing.assert_array_equal(fast[[0, 4]], plain[[0, 4]])
        assert not np.array_equal(fast, plain)


def test_shares_do_not_change_where_spells_are_resampled_too() -> None:
    series, time = weather(6, (3, 7), seed=8)
    rules: dict[str, Any] = {"tx": series["tx"], "tn": series["tn"], "time": time, "base_period": ("2002", "2005")}
    both = e5.etccdi(**rules, indices=PERCENTILES, bootstrap_of="all")
    wanted = e5.etccdi(**rules, indices=PERCENTILES)
    for name in ("tx10p", "tn10p", "tn90p", "tx90p"):
        np.testing.assert_array_equal(getattr(both, name), getattr(wanted, name))
    alone = e5.etccdi(**rules, indices=["wsdi"], bootstrap_of="all").wsdi
    for threads in (1, 2):
        e5.set_num_threads(threads)
        again = e5.etccdi(**rules, indices=PERCENTILES, bootstrap_of="all")
        np.testing.assert_array_equal(again.wsdi, both.wsdi)
        np.testing.assert_array_equal(again.wsdi, alone)
    wide = e5.indices.wsdi(series["tx"].astype("f8"), time=time, base_period=("2002", "2005"), bootstrap_of="all")
    np.testing.assert_array_equal(wide, alone)
    off = e5.etccdi(**rules, indices=PERCENTILES, bootstrap_of="all", bootstrap=False)
    np.testing.assert_array_equal(off.wsdi, wanted.wsdi)


@pytest.mark.parametrize(("name", "percentile"), [("warm", 90), ("cold", 10)])
def test_spells_of_resampled_bases_are_those_of_xclim(name: str, percentile: int, xclim_indices: Any) -> None:
    from xclim.core.calendar import percentile_doy

    series, time = weather(8, (2, 3), seed=9, start=1999)
    rng = np.random.default_rng(3)  # without ties, which the last digit of a threshold would break
    x = dataset({"tx": series["tx"].astype("f8") + rng.normal(0, 0.1, series["tx"].shape)}, time)["tasmax"]
    if name == "cold":
        x = x.rename("tasmin")
    threshold = percentile_doy(x.sel(time=slice("2000", "2005")), window=5, per=percentile).squeeze("percentiles")
    theirs = getattr(xclim_indices, f"{name}_spell_duration_index")(x, threshold, window=4, freq="YS", bootstrap=True)
    ours = getattr(e5.indices, "wsdi" if name == "warm" else "csdi")(
        x, base_period=("2000", "2005"), definition="xclim", bootstrap=True, days=4
    )
    np.testing.assert_allclose(ours, theirs.transpose(*ours.dims), rtol=1e-12)
    assert not ours.equals(ours.round())  # means of replicates


def test_share_of_days_is_of_valid_ones_or_all_or_a_number_of_days() -> None:
    series, time = weather(3, (1, 2), seed=7)
    tx = series["tx"]
    tx[40:50, 0, 0] = np.nan
    valid, whole, days = (
        e5.indices.tx90p(tx, time=time, bootstrap=False, percent_of=of, missing="none")
        for of in ("valid", "all", "days")
    )
    np.testing.assert_allclose(whole * 365, days * 100)
    np.testing.assert_allclose(valid[:, 0, 0] * [355, 365, 365], days[:, 0, 0] * 100)


def test_all_days_of_a_share_are_those_that_the_data_have() -> None:
    """One meaning for the indices and for percentile_exceedance, also of a year that the data have in part."""
    series, time = weather(3, (1, 2), seed=8)
    tx, time = series["tx"][:900], time[:900]
    tx[40:50, 0, 0] = np.nan
    options: dict[str, Any] = {"time": time, "bootstrap": False, "missing": "none"}
    whole, days = (e5.indices.tx90p(tx, percent_of=of, **options) for of in ("all", "days"))
    np.testing.assert_allclose(whole * np.array([365, 365, 170])[:, None, None], days * 100)
    ours = {"type": 8, "neighbours": "wrap", "leap_day": "drop", "percent_of": "all"}
    np.testing.assert_allclose(e5.percentile_exceedance(tx, 90, **ours, **options).percent, whole)


# --- precision, units, missing data ---


def test_a_day_at_the_threshold_is_neither_frost_nor_summer_day() -> None:
    time = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
    for dtype in ("f4", "f8"):
        for value, name in ((273.15, "fd"), (273.15, "id_"), (298.15, "su"), (293.15, "tr")):
            x = np.full((365, 1, 1), value, dtype)
            field = dataset({"tx": x}, time, {"tx": "K"})["tasmax"]
            assert getattr(e5.indices, name)(field).item() == 0
            wrong = np.nextafter(x, 0 if name in ("fd", "id_") else 1000, dtype=dtype)
            assert getattr(e5.indices, name)(field.copy(data=wrong)).item() == 365


@pytest.mark.parametrize(
    ("unit", "scale"), [("m", 1e-3), ("mm", 1), ("kg m-2", 1), ("kg m-2 s-1", 1 / 86400), ("m s**-1", 1e-3 / 86400)]
)
def test_rain_in_other_units(unit: str, scale: float) -> None:
    series, time = weather(2, (1, 3))
    pr = series["pr"].astype("f8")
    wanted = ["r10mm", "rx5day", "sdii", "prcptot", "cdd", "r95p"]
    ours = e5.etccdi(dataset({"pr": pr * scale}, time, {"pr": unit}), indices=wanted)
    # Scaling rounds: thresholds are met from below or above, so the plain series is compared between whole numbers.
    plain = e5.etccdi(dataset({"pr": np.where(pr > 0, pr + 0.5, 0)}, time), indices=wanted)
    moved = e5.etccdi(dataset({"pr": np.where(pr > 0, pr + 0.5, 0) * scale}, time, {"pr": unit}), indices=wanted)
    xr.testing.assert_allclose(plain, moved)
    assert {ours[name].attrs["units"] for name in ("rx5day", "r95p", "prcptot")} == {"mm"}
    assert ours.sdii.attrs["units"] == "mm d-1"
    assert ours.cdd.attrs["units"] == "d"


def test_kelvin_and_celsius_give_the_same() -> None:
    series, time = weather(3, (3, 4), seed=8)
    rng = np.random.default_rng(0)  # without ties, which rounding would break
    warm = {name: x + rng.uniform(0.1, 0.9, x.shape) for name, x in series.items() if name != "pr"}
    celsius = e5.etccdi(dataset(warm, time))
    kelvin = e5.etccdi(dataset({k: v + 273.15 for k, v in warm.items()}, time, {"tx": "K", "tn": "K"}))
    xr.testing.assert_allclose(celsius, kelvin)
    assert kelvin.txx.attrs["units"] == "degC"
    assert kelvin.dtr.attrs["units"] == "K"
    summer = e5.indices.su(dataset({"tx": series["tx"]}, time)["tasmax"], threshold="77 degF")
    assert np.array_equal(summer, e5.indices.su(dataset({"tx": series["tx"]}, time)["tasmax"]))


def test_missing_rain_takes_only_indices_of_rain_away() -> None:
    series, time = weather(3, (2, 3))
    series["pr"][10:40, 0, 0] = np.nan
    out = e5.etccdi(dataset(series, time))
    assert np.isnan(out.prcptot[0, 0, 0])
    assert np.isnan(out.cdd[0, 0, 0])
    assert np.isfinite(out.prcptot[1:]).all()
    assert np.isfinite(out.prcptot[0, 1:]).all()
    for name in ("fd", "tx90p", "dtr", "gsl"):
        assert np.isfinite(out[name][: 3 - (name == "gsl"), 0]).all(), name
    some = e5.etccdi(dataset(series, time), indices=["r10mm"], missing="none").r10mm
    assert np.isfinite(some).all()
    series["tn"][20, 1, 1] = np.nan
    strict = e5.etccdi(dataset(series, time), indices=["fd", "su", "dtr"], missing="any")
    assert np.isnan(strict.fd[0, 1, 1])
    assert np.isnan(strict.dtr[0, 1, 1])
    assert np.isfinite(strict.su).all()
    assert np.isfinite(e5.etccdi(dataset(series, time), indices=["fd"]).fd).all()  # one day a month may be missing


def test_a_share_of_days_may_be_missing() -> None:
    series, time = weather(2, (1, 4))
    tx = series["tx"].copy()
    for cell, (may, june) in enumerate(((0, 0), (3, 0), (4, 9), (20, 17))):
        tx[120 : 120 + may, 0, cell] = np.nan
        tx[151 : 151 + june, 0, cell] = np.nan
    lost = {"MS": np.isnan(tx[:365]).sum(axis=0).ravel().tolist(), "YS": [0, 3, 13, 37]}
    assert lost["MS"] == lost["YS"]
    for missing, of_year, of_may in ((0.1, 36, 3), (0.0, 0, 0), (1, 365, 31), (np.float32(0.5), 182, 15)):
        found = e5.indices.su(tx, time=time, missing=missing)
        assert np.isnan(found[0, 0]).tolist() == [days > of_year for days in (0, 3, 13, 37)]
        assert np.isfinite(found[1]).all()
        months = e5.spell_statistics(tx, 30.0, freq="MS", time=time, missing=missing).total
        assert np.isnan(months[4, 0]).tolist() == [days > of_may for days in (0, 3, 4, 20)]
    several = e5.etccdi(tx=tx, time=time, indices=["su", "txx"], missing=0.1, definition=["climdex", "xclim"])
    np.testing.assert_array_equal(several.su[0], e5.indices.su(tx, time=time, missing=0.1))
    part = e5.indices.su(tx[:300], time=time[:300], missing=0.1)  # days after the end are missing, too
    assert np.isnan(part).all()
    labelled = dataset({"tx": tx}, time)["tasmax"]
    lazy = e5.indices.su(labelled.chunk({"lon": 2}), missing=0.1)
    xr.testing.assert_equal(lazy.compute(), e5.indices.su(labelled, missing=0.1))
    assert json.loads(lazy.attrs["era5fast_definition"])["missing"] == 0.1
    for wrong in (1.5, -0.1, math.nan, True):
        with pytest.raises(InputError, match="missing must be"):
            e5.indices.su(tx, time=time, missing=wrong)


def test_a_percentile_of_few_days_is_missing() -> None:
    series, time = weather(12, (1, 3), seed=5)
    tx = series["tx"].copy()
    january = (time.astype("datetime64[M]").astype(int) % 12) == 0
    years = time.astype("datetime64[Y]").astype(int) - 31
    tx[january & (years > 0), 0, 1] = np.nan  # one January of twelve: less than a tenth
    tx[january & (years > 1), 0, 2] = np.nan  # two
    rules: dict[str, Any] = {"time": time, "freq": "MS", "missing": "none", "bootstrap": False}
    found = e5.indices.tx90p(tx, **rules)
    limits = e5.percentile_doy(tx, 90, time=time, min_share=0.1)
    assert np.isnan(limits[14, 0]).tolist() == [False, True, False]
    assert np.isnan(found[0, 0]).tolist() == [False, False, False]  # its ends have December and February, too
    for share in (0, 0.1, 0.5):
        few = e5.percentile_exceedance(tx, 90, type=8, min_share=share, **rules)
        np.testing.assert_array_equal(e5.indices.tx90p(tx, min_share=share, **rules), few.percent)
    xclim = e5.indices.tx90p(tx, definition="xclim", **rules)
    np.testing.assert_array_equal(xclim, e5.indices.tx90p(tx, definition="xclim", min_share=0, **rules))
    assert not np.array_equal(found, e5.indices.tx90p(tx, min_share=0, **rules))


def test_growing_season_of_the_southern_hemisphere() -> None:
    series, time = weather(4, (2, 3), seed=9)
    south = {name: np.roll(x, 182, axis=0) for name, x in series.items()}
    ds = dataset(south, time)
    assert list(ds.lat) == [60, -40]
    out = e5.indices.gsl(None, tx=ds.tasmax, tn=ds.tasmin)
    july = e5.indices.gsl(None, tx=ds.tasmax, tn=ds.tasmin, freq="YS-JUL")  # the first begins in July before the data
    assert np.array_equal(out[:3, 1], july[1:4, 1])
    assert np.isnan(out[3, 1]).all()
    assert np.isfinite(out[:, 0]).all()


def test_frost_season_of_a_winter() -> None:
    time = np.datetime64("2001-07-01") + np.arange(3 * 365)
    frost = np.isin(time, np.array(["2001-10-20", "2002-01-05", "2002-04-11", "2003-06-30"], "M8[D]"))
    tn = np.where(frost, -1.0, 5.0).reshape(-1, 1, 1)
    found = e5.indices.frost_season_length(tn, time=time, freq="YS-JUL").ravel()
    assert found.tolist() == [174, 1, 0]
    assert e5.indices.frost_season_length(tn, threshold=-2, time=time, freq="YS-JUL").ravel().tolist() == [0, 0, 0]


def test_last_frost_counts_from_the_first_of_january_not_of_the_data() -> None:
    time = np.datetime64("2001-01-03") + np.arange(363)
    tn = np.where(time == np.datetime64("2001-03-01"), -1.0, 5.0).reshape(-1, 1, 1)
    assert e5.indices.last_spring_frost(tn, time=time).ravel() == 60


# --- the same bits ---


def layouts(x: np.ndarray) -> list[np.ndarray]:
    wide = np.repeat(x, 2, axis=2)
    return [np.asfortranarray(x), x.astype(x.dtype.newbyteorder(">")), wide[:, :, ::2]]


def test_same_bits_for_any_threads_layout_and_tile() -> None:
    series, time = weather(3, (5, 13), seed=10)
    series["pr"][100:130, 2, 5] = np.nan
    first: dict[str, bytes] = {}
    for threads in (1, 2, 5):
        e5.set_num_threads(threads)
        for kind in range(3):
            some = {name: layouts(x)[kind] for name, x in series.items()}
            out = e5.etccdi(**some, time=time, latitude=np.linspace(50, -50, 5), indices=list(indices._ROWS))
            for name, x in out._asdict().items():
                assert first.setdefault(name, x.tobytes()) == x.tobytes(), name
    one = e5.etccdi(**{n: x[:, 2:3, 5:6] for n, x in series.items()}, time=time, latitude=[0.0])
    assert all(np.array_equal(one[i][:, 0, 0], out[i][:, 2, 5], equal_nan=True) for i in range(len(one)))


def test_instruction_sets_give_the_same_bits() -> None:
    program = (
        "import sys, hashlib, numpy as np, era5fast as e5; sys.path.insert(0, '.'); "
        "from tests.test_etccdi import weather; s, t = weather(3, (3, 7)); s['pr'][5:9] = np.nan; "
        "out = e5.etccdi(**s, time=t, latitude=np.zeros(3)); "
        "print(hashlib.sha256(b''.join(x.tobytes() for x in out)).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "ERA5FAST_ISA": isa},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for isa in ("baseline", "avx2", "avx512")
    }
    assert len(found) == 1
    assert len(found.pop()) == 65


# --- faces ---


def test_a_dataset_is_searched_and_results_say_what_they_are() -> None:
    series, time = weather(2, (2, 3))
    out = e5.etccdi(dataset(series, time), base_period=("2001", "2002"))
    assert tuple(out.data_vars) == indices.CORE
    assert len(indices.CORE) == 27
    assert out.tx90p.dims == ("time", "lat", "lon")
    assert out.sizes["time"] == 2
    for name in indices.CORE:
        assert out[name].attrs["long_name"]
        assert out[name].attrs["units"]
        assert out[name].attrs["cell_methods"]
        assert out[name].dtype == "f8"
    definition = json.loads(out.wsdi.attrs["era5fast_definition"])
    assert definition["diagnostic"] == "wsdi"
    assert definition["days"] == 6
    assert definition["spells"] == "cut"
    assert e5.etccdi(dataset(series, time), freq="MS").sizes["time"] == 24
    assert "gsl" not in e5.etccdi(dataset(series, time), freq="MS")
    only = e5.etccdi(dataset(series, time), tx="tasmin", indices=["su", "txx"])
    assert np.array_equal(only.txx, e5.indices.tnx(dataset(series, time)["tasmin"]))
    rain = e5.etccdi(pr=dataset(series, time)["pr"])
    assert set(rain.data_vars) == {n for n in indices.CORE if indices._ROWS[n]["operands"] == ["pr"]}


def test_plain_arrays_give_a_named_tuple() -> None:
    series, time = weather(2, (2, 3))
    out = e5.etccdi(**series, time=time, latitude=[10.0, 20.0])
    assert out._fields == indices.CORE
    assert out.id.shape == (2, 2, 3)
    flat = e5.etccdi(tx=series["tx"].reshape(len(time), -1), time=time, indices="su")
    assert np.array_equal(flat.su, out.su.reshape(2, -1))
    assert e5.indices.fd(series["tn"][:, 0, 0], time=time).shape == (2,)


def test_lists_of_thresholds_are_one_more_dimension() -> None:
    series, time = weather(2, (2, 3))
    tx = dataset(series, time)["tasmax"]
    several = e5.indices.su(tx, threshold=[20, 25.0, 30])
    assert several.dims == ("summer_above", "time", "lat", "lon")
    assert list(several.summer_above) == [20, 25, 30]
    for value in (20, 25, 30):
        assert np.array_equal(several.sel(summer_above=value), e5.indices.su(tx, threshold=value))
    assert e5.etccdi(dataset(series, time), indices=["rx5day"], rolling_days=[1, 3]).rx5day.shape == (2, 2, 2, 3)


def test_files(tmp_path) -> None:
    series, time = weather(2, (2, 3))
    ds = dataset(series, time).rename(lat="latitude", lon="longitude")
    for name in ds.data_vars:
        ds[[name]].to_netcdf(tmp_path / f"{name}.nc")
    ds.to_netcdf(tmp_path / "all.nc")
    expected = e5.etccdi(ds)
    xr.testing.assert_equal(expected, e5.etccdi(str(tmp_path / "all.nc")))
    xr.testing.assert_equal(expected, e5.etccdi([str(tmp_path / f"{name}.nc") for name in ds.data_vars]))
    one = e5.indices.rx1day(tmp_path / "pr.nc")
    assert np.array_equal(one, expected.rx1day)
    result = CliRunner().invoke(
        cli, ["indices", str(tmp_path / "all.nc"), "-o", str(tmp_path / "out.nc"), "--indices", "fd,rx5day"]
    )
    assert result.exit_code == 0, result.output
    written = xr.open_dataset(tmp_path / "out.nc")
    assert set(written.data_vars) == {"fd", "rx5day"}
    assert np.array_equal(written.fd, expected.fd)


def test_bad_input_is_refused() -> None:
    series, time = weather(2, (2, 3))
    ds = dataset(series, time)
    cases = [
        (lambda: e5.etccdi(ds[["pr"]], indices=["fd"]), "fd needs tn"),
        (lambda: e5.etccdi(ds, indices=["frost"]), "no index is called frost"),
        (lambda: e5.etccdi(ds, indices=[]), "list is empty"),
        (lambda: e5.etccdi(ds, indices=3), "no index is called 3"),
        (lambda: e5.etccdi(ds, definition="nobody"), "definition must be one of"),
        (lambda: e5.etccdi(ds, definition=["etccdi", "cd0"]), "definition must be one of"),
        (lambda: e5.etccdi(ds, summer=3), "no rule is called summer"),
        (lambda: e5.etccdi(ds, indices=["gsl"], freq="MS"), "years only"),
        (lambda: e5.etccdi(ds, base_period=("1961", "1990")), "base period"),
        (lambda: e5.etccdi(ds, spells="never"), "spells"),
        (lambda: e5.etccdi(ds, tx="t2m"), "no variable 't2m'"),
        (lambda: e5.etccdi(ds[[]]), "no daily temperature"),
        (lambda: e5.etccdi(), "no data"),
        (lambda: e5.etccdi(3), "Dataset or file names"),
        (lambda: e5.etccdi(dataset(series, time, {"tx": "m"})), "tx is in m"),
        (lambda: e5.indices.fd(ds.tasmin.drop_attrs()), "no units"),
        (lambda: e5.indices.fd(ds.pr), "degC"),
        (lambda: e5.indices.su(ds.tasmax, threshold="25 mm"), "su: threshold is in mm"),
        (lambda: e5.indices.gsl(None, tx=series["tx"], tn=series["tn"], time=time), "latitudes"),
        (lambda: e5.etccdi(ds, rolling_days=[]), "empty list"),
    ]
    for call, message in cases:
        with pytest.raises(InputError, match=message):
            call()


def test_definitions_name_only_rules_that_exist() -> None:
    for name in definitions.names("etccdi"):
        assert set(definitions.DEFINITIONS["etccdi"][name]) <= set(indices._DEFAULTS)
    assert definitions.apply("etccdi", "xclim", {"label": "centre"}, indices._DEFAULTS)["label"] == "centre"


# --- programs that we did not write ---

XCLIM = {
    "fd": ("frost_days", "tn", {}),
    "id": ("ice_days", "tx", {}),
    "su": ("tx_days_above", "tx", {}),
    "tr": ("tn_days_above", "tn", {}),
    "txx": ("tx_max", "tx", {}),
    "tnx": ("tn_max", "tn", {}),
    "txn": ("tx_min", "tx", {}),
    "tnn": ("tn_min", "tn", {}),
    "dtr": ("daily_temperature_range", "tn tx", {}),
    "rx1day": ("max_1day_precipitation_amount", "pr", {}),
    "rx5day": ("max_n_day_precipitation_amount", "pr", {"window": 5}),
    "sdii": ("daily_pr_intensity", "pr", {}),
    "r10mm": ("wetdays", "pr", {"thresh": "10 mm/day"}),
    "r20mm": ("wetdays", "pr", {"thresh": "20 mm/day"}),
    "rnnmm": ("wetdays", "pr", {"thresh": "25 mm/day"}),
    "cdd": ("maximum_consecutive_dry_days", "pr", {}),
    "cwd": ("maximum_consecutive_wet_days", "pr", {}),
    "prcptot": ("prcptot", "pr", {}),
    "heating_degree_days": ("heating_degree_days", "tg", {}),
    "cooling_degree_days": ("cooling_degree_days", "tg", {}),
    "growing_degree_days": ("growing_degree_days", "tg", {}),
}


@pytest.fixture(scope="module")
def xclim_indices() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xclim.indices
    return xclim.indices


def xclim_input() -> xr.Dataset:
    series, time = weather(4, (2, 5), seed=11)
    series["tg"] = mean_of(series["tx"], series["tn"])
    return dataset({name: x.astype("f8") for name, x in series.items()}, time)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("freq", ["YS", "MS", "QS-DEC"])
def test_equal_to_xclim(freq: str, xclim_indices: Any) -> None:
    ds = xclim_input()
    by_name = {"tx": ds.tasmax, "tn": ds.tasmin, "tg": ds.tas, "pr": ds.pr}
    ours = e5.etccdi(ds, indices=list(XCLIM), freq=freq, definition="xclim", missing="none")
    for name, (function, operands, options) in XCLIM.items():
        theirs = getattr(xclim_indices, function)(*(by_name[o] for o in operands.split()), freq=freq, **options)
        np.testing.assert_allclose(
            ours[name].values, theirs.transpose(*ours[name].dims).values, rtol=1e-9, err_msg=name
        )


@pytest.mark.filterwarnings("ignore")
def test_growing_season_and_spells_equal_xclim(xclim_indices: Any) -> None:
    ds = xclim_input().isel(time=slice(0, 730), lon=slice(0, 2))
    ds["lat"] = ("lat", [60.0, 50.0])
    ours = e5.indices.gsl(ds.tas, definition="xclim")
    assert np.array_equal(ours, xclim_indices.growing_season_length(ds.tas).transpose(*ours.dims))
    for border, whole in (("cut", True), ("first", False)):
        for name, function in (("cdd", "maximum_consecutive_dry_days"), ("cwd", "maximum_consecutive_wet_days")):
            theirs = getattr(xclim_indices, function)(ds.pr, freq="QS-DEC", resample_before_rl=whole)
            mine = getattr(e5.indices, name)(ds.pr, freq="QS-DEC", missing="none", definition="xclim", spells=border)
            assert np.array_equal(mine, theirs.transpose(*mine.dims)), (name, border)


@pytest.mark.filterwarnings("ignore")
def test_percentile_indices_equal_xclim(xclim_indices: Any) -> None:
    from xclim.core.calendar import percentile_doy

    ds = xclim_input()
    p = {(x, q): percentile_doy(ds[x], per=q).sel(percentiles=q) for x in ("tasmax", "tasmin") for q in (10, 90)}
    names = ("tx10p", "tx90p", "tn10p", "tn90p")
    ours = e5.etccdi(ds, indices=PERCENTILES, definition="xclim", spell_days=3)
    for name in names:
        x, q = ("tasmax" if name[1] == "x" else "tasmin"), int(name[2:4])
        theirs = getattr(xclim_indices, name)(ds[x], p[x, q]).transpose(*ours[name].dims)
        assert np.array_equal(ours[name], theirs), name
        assert ours[name].attrs["units"] == "1"
    warm = xclim_indices.warm_spell_duration_index(ds.tasmax, p["tasmax", 90], window=3)
    cold = xclim_indices.cold_spell_duration_index(ds.tasmin, p["tasmin", 10], window=3)
    assert np.array_equal(ours.wsdi, warm.transpose(*ours.wsdi.dims))
    assert np.array_equal(ours.csdi, cold.transpose(*ours.csdi.dims))
    wet = ds.pr.where(ds.pr >= 1).load()
    limit = xr.apply_ufunc(
        lambda v: np.nanquantile(v, 0.95, axis=-1, method="median_unbiased"), wet, input_core_dims=[["time"]]
    ).assign_attrs(units="mm/day")
    mine = e5.etccdi(ds, indices=["r95days", "r95ptot"], definition="xclim")
    days = xclim_indices.days_over_precip_thresh(ds.pr, limit).transpose(*mine.r95days.dims)
    share = xclim_indices.fraction_over_precip_thresh(ds.pr, limit).transpose(*mine.r95days.dims)
    assert np.array_equal(mine.r95days, days)
    np.testing.assert_allclose(mine.r95ptot, 100 * share, rtol=1e-9)


def cdo(operator: str, ds: xr.Dataset, tmp_path: Any) -> np.ndarray:
    ds.to_netcdf(tmp_path / "in.nc")
    command = ["cdo", "-s", operator, str(tmp_path / "in.nc"), str(tmp_path / "out.nc")]
    subprocess.run(command, check=True, capture_output=True)
    with xr.open_dataset(tmp_path / "out.nc", decode_times=False) as out:
        name = next(n for n in out.data_vars if out[n].dims[-2:] == ("lat", "lon"))
        return out[name].values


@pytest.mark.skipif(shutil.which("cdo") is None, reason="needs CDO")
def test_equal_to_cdo(tmp_path) -> None:
    series, time = weather(1, (3, 4), seed=12)
    shifted = {name: (x + 273.15 if name != "pr" else x).astype("f8") for name, x in series.items()}
    units = {"tx": "K", "tn": "K", "pr": "mm/day"}
    ours = e5.etccdi(dataset(shifted, time, units), definition="cdo", bootstrap=False)
    operators = {"fd": ("eca_fd", "tn"), "su": ("eca_su", "tx"), "id": ("eca_id", "tx"), "tr": ("eca_tr", "tn"),
                 "r10mm": ("eca_r10mm", "pr"), "r20mm": ("eca_r20mm", "pr"), "rx1day": ("eca_rx1day", "pr"),
                 "sdii": ("eca_sdii", "pr"), "cdd": ("eca_cdd", "pr"), "cwd": ("eca_cwd", "pr")}  # fmt: skip
    for name, (operator, x) in operators.items():
        field = dataset({x: shifted[x]}, time, units)
        for axis, unit in (("lat", "degrees_north"), ("lon", "degrees_east")):
            field[axis].attrs["units"] = unit
        np.testing.assert_allclose(ours[name], cdo(operator, field, tmp_path), rtol=1e-6, err_msg=name)


# --- what must hold ---


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.integers(1, 5))
def test_years_side_by_side_do_not_change_each_other(seed: int, shift: int) -> None:
    series, time = weather(3, (1, 3), seed=seed)
    fixed = [n for n in indices.CORE if n not in (*PERCENTILES, "r95p", "r99p")]
    rules: dict[str, Any] = {"latitude": [50.0], "indices": fixed, "longest": "cut", "label": "last"}
    whole = e5.etccdi(**series, time=time, **rules)
    last = time >= np.datetime64("2003-01-01")
    part = e5.etccdi(**{n: x[last] for n, x in series.items()}, time=time[last], **rules)
    for name in fixed:
        if name != "rx5day":  # windows reach over the year's end
            assert np.array_equal(getattr(whole, name)[-1:], getattr(part, name), equal_nan=True), name
    order = np.roll(np.arange(3), shift)
    moved = e5.etccdi(**{n: x[:, :, order] for n, x in series.items()}, time=time, **rules)
    assert all(np.array_equal(a[..., order], b, equal_nan=True) for a, b in zip(whole, moved, strict=True))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.integers(-20, 20))
def test_percentile_indices_do_not_see_a_shift(seed: int, shift: int) -> None:
    series, time = weather(3, (1, 2), seed=seed)
    # Not rounded: a day that lies just at an interpolated threshold may fall to either side once it is moved.
    noise = np.random.default_rng(seed).uniform(0, 0.4, (2, *series["tx"].shape))
    series = {"tx": series["tx"] + noise[0], "tn": series["tn"] + noise[1]}
    rules: dict[str, Any] = {"time": time, "indices": PERCENTILES, "bootstrap": seed % 2 == 0}
    plain = e5.etccdi(tx=series["tx"], tn=series["tn"], **rules)
    moved = e5.etccdi(tx=series["tx"] + shift, tn=series["tn"] + shift, **rules)
    assert all(np.array_equal(a, b) for a, b in zip(plain, moved, strict=True))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_indices_fit_together(seed: int) -> None:
    series, time = weather(2, (1, 3), seed=seed)
    out = e5.etccdi(**series, time=time, latitude=[50.0], longest="cut", indices=list(indices._ROWS))
    assert (out.r10mm >= out.r20mm).all()
    assert (out.r20mm >= out.rnnmm).all()
    assert (out.prcptot >= out.r95p).all()
    assert (out.r95p >= out.r99p).all()
    assert (out.txx >= out.tnx).all()
    assert (out.id <= out.fd).all()
    assert (out.txn >= out.tnn).all()
    assert (out.cdd + out.cwd <= 366).all()
    assert (out.freeze_thaw_days + out.id <= out.fd).all()


def test_series_are_cut_to_the_days_they_have_in_common(tmp_path) -> None:
    series, time = weather(3)
    ds = dataset(series, time).rename(tasmax="tx", tasmin="tn")
    wanted = e5.etccdi(ds.isel(time=slice(365, None)))
    late, early = ds.isel(time=slice(365, None)), ds.isel(time=slice(364, None))
    found = e5.etccdi(tx=late.tx, tn=late.tn, pr=early.pr)
    xr.testing.assert_equal(found, wanted)
    late.tx.to_netcdf(tmp_path / "tx.nc")
    late.tn.to_netcdf(tmp_path / "tn.nc")
    early.pr.to_netcdf(tmp_path / "pr.nc")
    files = e5.etccdi(**{name: str(tmp_path / f"{name}.nc") for name in SERIES})
    np.testing.assert_array_equal(files.rx5day, wanted.rx5day)
    early.pr.assign_coords(lat=early.lat + 1).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(InputError, match="pr has another latitude"):
        e5.etccdi(tx=str(tmp_path / "tx.nc"), pr=str(tmp_path / "other.nc"))
    with pytest.raises(InputError, match="no day in common"):
        e5.etccdi(tx=late.tx, tn=ds.tn.isel(time=slice(0, 300)))


def test_a_base_period_that_is_not_covered_is_told() -> None:
    series, time = weather(3)
    ds = dataset(series, time).rename(tasmax="tx", tasmin="tn")
    calls = (
        lambda base: e5.etccdi(ds, indices="tx90p", base_period=base),
        lambda base: indices.tx90p(ds.tx, base_period=base),
    )
    for call in calls:
        with pytest.warns(UserWarning, match="1995 to 2002 is covered from 2001 to 2002 only") as caught:
            call(("1995", "2002"))
        assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e5.etccdi(ds, indices="su", base_period=("1995", "2002"))
        indices.tx90p(ds.tx, base_period=("2001", "2003"))

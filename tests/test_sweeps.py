"""Many thresholds, durations and definitions in one read: the same numbers as one call after the other."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import era5fast as e5
from era5fast import definitions, diagnostics, heatwave_kinds, indices
from era5fast.errors import InputError
from era5fast.parameter_sets import Cases

pytestmark = pytest.mark.native

TIME = np.arange("2001-01-01", "2006-01-01", dtype="datetime64[D]")
QUIET: dict[str, bool] = {"progress": False}
BASE = ("2002", "2004")


def made(dtype: str = "float32") -> xr.DataArray:
    """Daily temperatures of some cells, with gaps."""
    values = np.random.default_rng(6).normal(20, 6, (len(TIME), 3, 7)).astype(dtype)
    values[100:103] = np.nan
    values[:, 1, 2] = np.nan
    coords = {"time": TIME.astype("M8[ns]"), "latitude": [50.0, 49.0, -3.0], "longitude": np.arange(7.0)}
    return xr.DataArray(values, coords, tuple(coords), "t2m", {"units": "degC"})


DAILY = made()


# --- thresholds ---


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
def test_thresholds_of_a_list_are_compared_one_by_one(dtype: str, threads: int) -> None:
    x, before = made(dtype), e5.get_num_threads()
    e5.set_num_threads(threads)
    try:
        found = e5.spell_statistics(x, [24, 25.5, 30], min_length=[2, 3], **QUIET)
    finally:
        e5.set_num_threads(before)
    assert found.longest.dims == ("threshold", "min_length", "time", "latitude", "longitude")
    assert found.threshold.attrs["units"] == "degC"
    for limit in (24, 25.5, 30):
        alone = e5.spell_statistics(x, limit, min_length=[2, 3], **QUIET)
        xr.testing.assert_equal(found.sel(threshold=limit, drop=True), alone)
    plain = e5.spell_statistics(x.values, [24, 25.5, 30], time=TIME, **QUIET)
    np.testing.assert_array_equal(plain.total, e5.spell_statistics(x, [24, 25.5, 30], **QUIET).total)


def test_thresholds_of_several_percentiles_are_a_dimension() -> None:
    limits = e5.percentile_doy(DAILY, [80, 90], window=15, **QUIET)
    found = e5.spell_statistics(DAILY, limits, op=[">", ">="], **QUIET)
    assert found["count"].dims[:2] == ("percentile", "op")
    aspects = e5.heatwave_aspects(DAILY, limits, **QUIET)
    magnitude = e5.hwmid(DAILY, limits, **QUIET)
    for p in (80, 90):
        one = limits.sel(percentile=p, drop=True)
        xr.testing.assert_equal(
            found.sel(percentile=p, drop=True), e5.spell_statistics(DAILY, one, op=[">", ">="], **QUIET)
        )
        xr.testing.assert_equal(aspects.sel(percentile=p, drop=True), e5.heatwave_aspects(DAILY, one, **QUIET))
        xr.testing.assert_equal(magnitude.sel(percentile=p, drop=True), e5.hwmid(DAILY, one, **QUIET))


def test_peaks_over_several_thresholds() -> None:
    levels = e5.percentile(DAILY, [80, 90, 95], **QUIET)
    found = e5.gpd(DAILY, levels, return_period=[5, 50], **QUIET)
    assert found.return_level.dims[:2] == ("percentile", "return_period")
    for p in (80, 90, 95):
        alone = e5.gpd(DAILY, levels.sel(percentile=p, drop=True), return_period=[5, 50], **QUIET)
        xr.testing.assert_equal(found.sel(percentile=p, drop=True), alone)
    fixed = e5.gpd(DAILY, ["27 degC", "301 K"], **QUIET)
    xr.testing.assert_equal(fixed.sel(threshold="301 K", drop=True), e5.gpd(DAILY, "301 K", **QUIET))


def test_two_operands_share_a_dimension() -> None:
    limits = e5.percentile_doy(DAILY, [85, 95], window=15, **QUIET)
    found = e5.spell_statistics(DAILY, limits, stay=limits - 2, **QUIET)
    one = limits.sel(percentile=95, drop=True)
    alone = e5.spell_statistics(DAILY, one, stay=one - 2, **QUIET)
    xr.testing.assert_equal(found.sel(percentile=95, drop=True), alone)
    crossed = e5.spell_statistics(DAILY, [26, 28], stay=limits, **QUIET)
    assert crossed["count"].dims[:2] == ("threshold", "percentile")
    alone = e5.spell_statistics(DAILY, 28, stay=one, **QUIET)
    xr.testing.assert_equal(crossed.sel(threshold=28, percentile=95, drop=True), alone)


@pytest.mark.parametrize("limits", [[24, 26], ["24 degC", "299.15 K"]])
def test_lazy_data_and_files_give_the_same(limits: list[float], tmp_path: Path) -> None:
    lazy, several = (
        DAILY.chunk({"latitude": 1, "longitude": 3}),
        e5.percentile_doy(DAILY, [80, 90], window=15, **QUIET),
    )
    DAILY.to_netcdf(tmp_path / "daily.nc")
    for threshold in (limits, several):
        want = e5.spell_statistics(DAILY, threshold, min_length=[2, 4], **QUIET)
        xr.testing.assert_equal(e5.spell_statistics(lazy, threshold, min_length=[2, 4], **QUIET).compute(), want)
        of_files = e5.spell_statistics(tmp_path / "daily.nc", threshold, min_length=[2, 4], **QUIET)
        for name in want.data_vars:
            np.testing.assert_array_equal(of_files[name], want[name])


# --- the table of spells ---


def test_a_table_of_spells_of_all_combinations() -> None:
    found = e5.spells(DAILY, [24, 26], min_days=[2, 4], max_gap=[0, 1], **QUIET)
    assert list(found.columns[:4]) == ["threshold", "min_days", "max_gap", "cell"]
    for threshold in (24, 26):
        for days in (2, 4):
            for gap in (0, 1):
                rows = found.query(f"threshold == {threshold} and min_days == {days} and max_gap == {gap}")
                alone = e5.spells(DAILY, threshold, min_days=days, max_gap=gap, **QUIET)
                pd.testing.assert_frame_equal(rows.iloc[:, 3:].reset_index(drop=True), alone)
    lazy = DAILY.chunk({"longitude": 2})
    pd.testing.assert_frame_equal(e5.spells(lazy, [24, 26], min_days=[2, 4], max_gap=[0, 1], **QUIET), found)


def test_a_table_of_spells_of_several_percentiles() -> None:
    limits = e5.percentile_doy(DAILY, [70, 80, 90], window=15, **QUIET)
    normal = e5.percentile_doy(DAILY, 50, window=15, **QUIET)
    found = e5.spells(DAILY, limits, climatology=normal, **QUIET)
    assert set(found.percentile) == {70, 80, 90}
    for p in (70, 80, 90):
        alone = e5.spells(DAILY, limits.sel(percentile=p, drop=True), climatology=normal, **QUIET)
        rows = found[found.percentile == p].drop(columns="percentile").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone)


LISTS: dict[str, list[Any]] = {"percentile": [80, 90], "smoothing": [1, 31], "min_days": [2, 3], "max_gap": [0, 2]}


@pytest.mark.parametrize("cold", [False, True])
def test_marine_heatwaves_of_lists(cold: bool) -> None:
    rules = {"cold": cold, "base_period": BASE, **QUIET}
    found = e5.marine_heatwaves(DAILY, **LISTS, **rules)
    assert found.years["count"].dims == (*LISTS, "year", "latitude", "longitude")
    assert found.threshold.dims == ("percentile", "smoothing", "dayofyear", "latitude", "longitude")
    assert found.climatology.dims == ("smoothing", "dayofyear", "latitude", "longitude")
    assert list(found.events.columns[:4]) == list(LISTS)
    rows = 0
    for values in itertools.product(*LISTS.values()):
        one: dict[str, Any] = dict(zip(LISTS, values, strict=True))
        alone = e5.marine_heatwaves(DAILY, **one, **rules)
        same = np.all([found.events[name] == value for name, value in one.items()], axis=0)
        events = found.events[same].drop(columns=list(LISTS)).reset_index(drop=True)
        pd.testing.assert_frame_equal(events, alone.events)
        xr.testing.assert_equal(found.years.sel(one, drop=True), alone.years)
        of_threshold = {name: one[name] for name in ("percentile", "smoothing")}
        xr.testing.assert_equal(found.threshold.sel(of_threshold, drop=True), alone.threshold)
        xr.testing.assert_equal(found.climatology.sel(smoothing=one["smoothing"], drop=True), alone.climatology)
        rows += len(events)
    assert rows == len(found.events) > 100
    said = json.loads(found.years["count"].attrs["era5fast_definition"])
    assert said["percentile"] == [80, 90]
    assert found.years.percentile.attrs["long_name"] == "Percentile of the threshold"


def test_marine_heatwaves_of_lists_in_any_form() -> None:
    lists = {**LISTS, "percentile": np.array([90, 80]), "type": [7, 8]}
    found = e5.marine_heatwaves(DAILY, **lists, **QUIET)
    assert found.years.percentile.values.tolist() == [90, 80]
    assert "type" not in found.climatology.dims
    plain = e5.marine_heatwaves(DAILY.values, time=TIME, **lists, **QUIET)
    pd.testing.assert_frame_equal(plain.events, found.events.drop(columns=["latitude", "longitude"]))
    for name, values in plain.years.items():
        np.testing.assert_array_equal(values, found.years[name])
    np.testing.assert_array_equal(plain.threshold, found.threshold)
    np.testing.assert_array_equal(plain.climatology, found.climatology)
    lazy = e5.marine_heatwaves(DAILY.chunk({"longitude": 3}), **lists, **QUIET)
    pd.testing.assert_frame_equal(lazy.events, found.events)
    xr.testing.assert_equal(lazy.years, found.years)
    xr.testing.assert_equal(lazy.threshold.compute(), found.threshold)
    xr.testing.assert_equal(lazy.climatology.compute(), found.climatology)


# --- definitions ---


def test_indices_by_several_definitions_in_one_read() -> None:
    names = ["tx90p", "tn10p", "wsdi", "su", "gsl", "dtr"]
    series = {"tx": DAILY, "tn": (DAILY - 4).assign_attrs(units="degC")}
    rules = {"percent_of": "valid", "base_period": BASE, **QUIET}
    found = e5.etccdi(**series, indices=names, definition=["climdex", "xclim", "cdo"], **rules)
    assert found.tx90p.dims[0] == "definition"
    for name in ("climdex", "xclim", "cdo"):  # with other rules for missing data as well
        alone = e5.etccdi(**series, indices=names, definition=name, **rules)
        xr.testing.assert_equal(found.sel(definition=name, drop=True), alone)
    assert not np.array_equal(found.tx90p[0], found.tx90p[1], equal_nan=True)
    one = indices.wsdi(DAILY, definition=["climdex", "xclim"], days=[5, 6], **QUIET)
    alone = indices.wsdi(DAILY, definition="xclim", days=6, **QUIET)
    xr.testing.assert_equal(one.sel(definition="xclim", spell_days=6, drop=True), alone)


def test_days_and_shares_are_no_one_result() -> None:
    with pytest.raises(InputError, match=r"tx90p: these definitions give days and percent.*percent_of="):
        indices.tx90p(DAILY, definition=["climdex", "xclim"], **QUIET)


@pytest.mark.parametrize(
    "name", [name for name in definitions.DEFINITIONS if name not in ("etccdi", "marine_heatwaves")]
)
def test_a_definition_stands_for_its_parameters(name: str) -> None:
    row = next(row for row in diagnostics._ROWS if row["name"] == name)
    known = {spec["name"] for spec in row["params"] + row["grouping_params"]}
    for label, said in definitions.DEFINITIONS[name].items():
        assert set(said) <= known, label


def test_what_the_user_says_goes_before_the_definition() -> None:
    hobday = e5.percentile_doy(DAILY, 90, definition="hobday", **QUIET)
    assert hobday.sizes["dayofyear"] == 366
    spelled = e5.percentile_doy(
        DAILY, 90, type=7, window=11, neighbours="around", leap_day="mean", smoothing=31, **QUIET
    )
    xr.testing.assert_equal(hobday, spelled)
    mine = e5.percentile_doy(DAILY, 90, definition="hobday", smoothing=1, window=5, **QUIET)
    xr.testing.assert_equal(mine, e5.percentile_doy(DAILY, 90, type=7, neighbours="around", leap_day="mean", **QUIET))
    normal = e5.heatwave_climatology(DAILY, **QUIET).threshold
    np.testing.assert_array_equal(hobday, normal)  # two ways to the threshold of marine heatwaves


def test_definitions_of_other_diagnostics_in_one_read() -> None:
    found = e5.percentile_exceedance(DAILY, 90, base_period=BASE, definition=["climdex", "xclim"], **QUIET)
    for name in ("climdex", "xclim"):
        alone = e5.percentile_exceedance(DAILY, 90, base_period=BASE, definition=name, **QUIET)
        xr.testing.assert_equal(found.sel(definition=name, drop=True), alone)
    assert json.loads(found.days.attrs["era5fast_definition"])["missing"] == ["etccdi", "any"]
    factors = e5.excess_heat(DAILY, definition=["nairn_fawcett", "ehfheatwaves"], **QUIET).factor
    first, last = factors.sel(definition="nairn_fawcett"), factors.sel(definition="ehfheatwaves")
    np.testing.assert_array_equal(first.clip(min=0)[:-2], last[2:])  # the same days, labelled two days later
    lazy = e5.excess_heat(DAILY.chunk({"latitude": 1}), definition=["nairn_fawcett", "ehfheatwaves"], **QUIET)
    xr.testing.assert_equal(lazy.factor.compute(), factors)


def test_events_follow_a_definition() -> None:
    for function, name, spelled in (
        (e5.find_events, "dheed", {"min_days": 3, "connectivity": 6}),
        (e5.track, "tempest", {"connectivity": 4, "overlap": 0}),
        (e5.track, "schwierz", {"connectivity": 8, "overlap": 0.7, "of": "smaller", "min_duration": 5}),
    ):
        found = function(DAILY, above=24, definition=name, **QUIET).to_dataframe()
        pd.testing.assert_frame_equal(found, function(DAILY, above=24, **spelled, **QUIET).to_dataframe())
    mine = e5.find_events(DAILY, above=24, min_days=2, definition="dheed", **QUIET)
    assert len(mine) == len(e5.find_events(DAILY, above=24, min_days=2, connectivity=6, **QUIET))


def test_kinds_of_heatwaves_side_by_side() -> None:
    series = {"tx": DAILY + 10, "tn": DAILY + 4, "tg": DAILY - 25}
    series = {name: x.assign_attrs(units="degC") for name, x in series.items()}
    kinds = list(heatwave_kinds.KINDS)
    found = e5.heatwaves(kinds, **series, base_period=BASE, **QUIET)
    assert found["count"].dims[0] == "kind"
    assert list(found.kind.values) == kinds
    for kind in kinds:
        alone = e5.heatwaves(kind, **series, base_period=BASE, **QUIET)
        xr.testing.assert_equal(found.sel(kind=kind, drop=True), alone)
    assert len({int(n) for n in found.total.sum(("time", "latitude", "longitude"))}) > 4
    plain = e5.heatwaves(["china", "hot_spell"], tx=series["tx"].values, time=TIME, **QUIET)
    np.testing.assert_array_equal(plain.count, found["count"].sel(kind=["china", "hot_spell"]))
    lazy = e5.heatwaves(["china", "hot_spell"], tx=series["tx"].chunk({"latitude": 1}), **QUIET)
    xr.testing.assert_equal(lazy.compute(), found.sel(kind=["china", "hot_spell"]))


def test_cases_have_their_own_thresholds() -> None:
    cases = Cases("kind", ["a", "b"], [{"op": ">", "min_length": 2}, {"op": "<", "min_length": 4}])
    found = diagnostics.in_cases("spell_statistics", cases, DAILY, 24, **QUIET)
    xr.testing.assert_equal(
        found.sel(kind="b", drop=True), e5.spell_statistics(DAILY, 24, op="<", min_length=4, **QUIET)
    )


# --- what is refused, and what is doubted ---

STRANGE = {
    "empty": (lambda: e5.spell_statistics(DAILY, []), "threshold is an empty list"),
    "maps in a list": (lambda: e5.spell_statistics(DAILY, [DAILY[0], DAILY[1]]), "holds numbers or texts.*xr.concat"),
    "no coordinate": (
        lambda: e5.spell_statistics(DAILY, DAILY[:2].drop_vars("time").rename(time="member")),
        "threshold has the dimension member, which the data have not",
    ),
    "other percentiles": (
        lambda: e5.spell_statistics(
            DAILY, e5.percentile(DAILY, [80, 90], **QUIET), stay=e5.percentile(DAILY, [70, 80], **QUIET)
        ),
        "other values of percentile",
    ),
    "twice": (
        lambda: e5.gpd(DAILY, e5.percentile(DAILY, [80, 90], **QUIET).rename(percentile="method"), method=["ml"]),
        "method is a list and a dimension",
    ),
    "event lengths": (lambda: e5.marine_heatwaves(DAILY, min_days=[]), "min_days is an empty list"),
    "twice the same": (lambda: e5.marine_heatwaves(DAILY, percentile=[90, 80, 90.0]), "percentile has 90.0 twice"),
    "a list of switches": (
        lambda: e5.marine_heatwaves(DAILY, deviation=["sample", "population"]),
        "deviation is one value, not a list.*percentile window",
    ),
    "a list with a text": (lambda: e5.marine_heatwaves(DAILY, percentile=[90, "a"]), "percentile must be a number"),
    "lengths": (lambda: e5.spells(DAILY, 24, min_days=[]), "min_days is an empty list"),
    "definition": (lambda: e5.percentile_doy(DAILY, 90, definition="cd0"), "definition must be one of: etccdi"),
    "definitions of other lengths": (
        lambda: e5.percentile_doy(DAILY, 90, definition=["cdo", "climdex"]),
        "results of 366 and 365 rows",
    ),
    "no definition": (lambda: e5.excess_heat(DAILY, definition=[]), "definition is an empty list"),
    "no index": (lambda: indices.su(DAILY, definition=[]), "definition is an empty list"),
    "definitions of events": (lambda: e5.track(DAILY, above=24, definition=["tempest"]), "one text, not a list"),
    "kind": (lambda: e5.heatwaves(["a"], tx=DAILY), "kind must be one of"),
    "no kind": (lambda: e5.heatwaves([], tx=DAILY), "kind is an empty list"),
    "kind twice": (lambda: e5.heatwaves(["china", "china"], tx=DAILY), "a kind is given twice"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_lists_are_refused(name: str) -> None:
    call, words = STRANGE[name]
    with pytest.raises(InputError, match=words):
        call()


def test_percentiles_between_0_and_1_are_doubted() -> None:
    told = "percentile is 0.9, of 100; for the 90th percentile write 90"
    for call in (
        lambda x: e5.find_events(x, percentile=0.9, window=31, **QUIET),
        lambda x: e5.percentile_doy(x, [0.9, 90], window=31, **QUIET),
        lambda x: e5.percentile(x, 0.9, **QUIET),
    ):
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            call(DAILY)
        assert [str(one.message).partition(": ")[2] for one in heard if "of 100" in str(one.message)] == [told]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e5.percentile(DAILY, [0, 1, 99.9], **QUIET)


@pytest.mark.parametrize("call", [e5.find_events, e5.spells])
def test_thresholds_of_months_are_told_what_is_taken(call: Any) -> None:
    time = xr.DataArray(pd.date_range("2001-01-01", "2001-12-31"), dims="time", name="time")
    x = xr.DataArray(np.ones((365, 2, 2)), {"time": time, "latitude": [1.0, 0.0], "longitude": [0.0, 1.0]},
                     ("time", "latitude", "longitude"), attrs={"units": "K"})  # fmt: skip
    monthly = x.groupby("time.month").quantile(0.9)
    with pytest.raises(InputError, match=r"12 values, as for months, fits neither .* the dimension dayofyear"):
        call(x, monthly.rename(month="dayofyear"), **QUIET)
    with pytest.raises(InputError, match=r"12 values, as for months, fits neither .* the dimension dayofyear"):
        call(x, monthly.values, **QUIET)
    if call is e5.find_events:
        assert len(e5.find_events(x + 1, monthly.sel(month=x.time.dt.month).drop_vars("month"), **QUIET)) == 1


def test_degrees_in_kelvin_are_doubted() -> None:
    kelvin = (DAILY + 273.15).assign_attrs(units="K")
    for call in (
        lambda x: e5.spells(x, 30, **QUIET),
        lambda x: e5.spell_statistics(x, [30, 310], **QUIET),
        lambda x: e5.run_lengths(x, 30, **QUIET),
        lambda x: e5.find_events(x, above=30, **QUIET),
    ):
        with pytest.warns(UserWarning, match="is 30 K, as the data are; for degrees Celsius write '30 degC'"):
            call(kelvin)
    for call in (e5.spells, e5.spell_statistics):
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            found = call(kelvin.chunk({"latitude": 1}), 30, **QUIET)
            found = found.compute() if hasattr(found, "compute") else found
        assert len(heard) == 1  # once, and not for each of the blocks
    departures = (DAILY - 20).assign_attrs(units="K")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e5.spells(departures, 15, **QUIET)
        e5.spells(kelvin, "30 degC", **QUIET)


# --- zones ---


def _hours(days: int = 4) -> xr.DataArray:
    time = np.datetime64("2001-06-29", "ns") + np.arange(24 * days) * np.timedelta64(1, "h")
    values = np.random.default_rng(7).normal(15, 8, (24 * days, 2, 3)).astype("float32")
    coords = {"time": time, "latitude": [10.0, 0.0], "longitude": [0.0, 1.0, 2.0]}
    return xr.DataArray(values, coords, ("time", "latitude", "longitude"), "t2m", {"units": "K"})


@pytest.mark.parametrize("way", ["memory", "files", "dask"])
def test_days_of_several_zones_are_those_of_each(tmp_path, way: str) -> None:
    hours, zones = _hours(), [-8, 0, 5.5]
    hours.to_netcdf(tmp_path / "x.nc")
    given = {"memory": hours, "files": tmp_path / "x.nc", "dask": hours.chunk(time=30)}[way]
    found = e5.daily(given, ["max", "mean"], utc_offset=zones, progress=False)
    assert found.dims == ("utc_offset", "statistic", "time", "latitude", "longitude")
    assert found.dtype == np.float32
    assert found.utc_offset.attrs["units"] == "h"
    for zone in zones:
        one = e5.daily(given, ["max", "mean"], utc_offset=zone, progress=False)
        mine = found.sel(utc_offset=zone)
        np.testing.assert_array_equal(mine.sel(time=one.time), one)
        assert mine.drop_sel(time=one.time).isnull().all()
    assert json.loads(found.attrs["era5fast_definition"])["utc_offset"] == zones
    assert "utc_offset=[-8, 0, 5.5]" in found.attrs["history"]


@pytest.mark.parametrize(
    ("offsets", "words"), [([], "holds hours"), (["solar", 1], "holds hours"), ([1, 1], "twice"), ([99], "-14 to 14")]
)
def test_strange_lists_of_zones_are_refused(offsets, words: str) -> None:
    with pytest.raises(InputError, match=words):
        e5.daily(_hours(), "max", utc_offset=offsets, progress=False)


@pytest.mark.parametrize("dtype", ["int64", "float32"])
def test_zones_may_be_an_array(dtype: str) -> None:
    zones = np.array([0, 1], dtype)
    found = e5.daily(_hours(), "max", utc_offset=zones, progress=False)
    assert f"utc_offset={zones.tolist()}" in found.attrs["history"]
    assert json.loads(found.attrs["era5fast_definition"])["utc_offset"] == zones.tolist()
    assert e5.daily(_hours(), "max", utc_offset=list(zones), progress=False).equals(found)


def test_days_of_zones_need_dates(monkeypatch) -> None:
    hours = _hours()
    monkeypatch.setattr(e5.diagnostics._core, "scan", None)  # nothing is computed for it
    with pytest.raises(InputError, match="need dates"):
        e5.daily(hours.values, "max", utc_offset=[0, 1], time=hours.time.values, progress=False)


def test_there_may_be_more_thresholds_than_the_states_of_a_few_cells_have_room_for() -> None:
    values = np.random.default_rng(5).random((40, 10), dtype="float32")
    time = np.datetime64("2001-01-01", "D") + np.arange(40)
    limits = np.linspace(0.1, 0.9, 22_000)
    found = e5.run_lengths(values, list(limits), "count", time=time, progress=False)
    assert found.shape[0] == len(limits)
    some = [0, 7_000, 21_999]
    for i in some:
        one = e5.run_lengths(values, float(limits[i]), "count", time=time, progress=False)
        np.testing.assert_array_equal(found[i], one)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: e5.indices.su(x, threshold=[25, 30, 25]), "su: threshold has 25"),
        (lambda x: e5.percentile(x, [90, 50, 90]), "percentile: percentile has 90"),
        (lambda x: e5.run_lengths(x, [20.0, 20.0]), "threshold has 20.0"),
        (lambda x: e5.spells(x, 20.0, min_days=[3, 3]), "min_days has 3"),
    ],
)
def test_a_value_that_is_there_twice(call, name: str) -> None:
    time = np.arange("2001", "2003", dtype="datetime64[D]").astype("datetime64[ns]")
    coords = {"time": time, "latitude": [50.0], "longitude": [0.0]}
    x = xr.DataArray(20.0 + np.zeros((len(time), 1, 1)), coords, tuple(coords), "tx", {"units": "degC"})
    with pytest.raises(InputError, match=f"{name} twice"):
        call(x)


def test_pages_of_indices_say_what_dimensions_are_called() -> None:
    assert "Of a list the dimension is called summer_above." in e5.indices.su.__doc__

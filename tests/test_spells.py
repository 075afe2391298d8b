"""Runs of days: slow twins, xclim, properties."""

from __future__ import annotations

import itertools
import warnings

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import marine_heatwaves as described
from tests.reference import spells as slow

pytestmark = pytest.mark.native

NAMES = ("count", "total", "longest", "mean", "first", "last")


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def sample(years: int = 3, cells: tuple[int, ...] = (3, 7), seed: int = 0, dtype: str = "f4", missing: float = 0.0):
    rng = np.random.default_rng(seed)
    time = np.arange("2001-01-01", f"{2001 + years}-01-01", dtype="datetime64[D]")
    values = rng.normal(0, 1, (len(time), *cells))
    values[1:] += values[:-1]  # neighbouring days are alike
    values[rng.random(values.shape) < missing] = np.nan
    return values.astype(dtype), time


def year_of(time: np.ndarray) -> np.ndarray:
    return time.astype("datetime64[Y]").astype(int) - time[0].astype("datetime64[Y]").astype(int)


def year_starts(time: np.ndarray) -> list[int]:
    years = np.unique(time.astype("datetime64[Y]"))
    return years.astype("datetime64[D]").astype(int).tolist()


def assert_same(got, wanted) -> None:
    np.testing.assert_array_equal(got, wanted)


def slow_statistics(values, time, threshold, *, op=">", **parameters):
    flags = slow.OPS[op](values, threshold)
    periods, days = year_of(time).tolist(), time.astype(int).tolist()
    return slow.spell_statistics(
        flags.tolist(), (~np.isnan(values)).tolist(), days, periods, year_starts(time), **parameters
    )


# --- spell_statistics ---


@pytest.mark.parametrize("border", ["cut", "first", "last", "own"])
@pytest.mark.parametrize(
    "rule",
    [
        {"min_length": 1},
        {"min_length": 5, "max_gap": 2},
        {"min_length": 5, "max_gap": 2, "gap_order": "fill"},
        {"min_length": 3, "max_gap": 30},
        {"min_length": 400},
    ],
)
def test_statistics_are_those_of_the_slow_twin(border, rule):
    values, time = sample(missing=0.02)
    values[300:500, 0, 0] = 9  # a spell over the end of a year
    values[:, 0, 1] = 9
    values[:, 0, 2] = -9
    found = e5.spell_statistics(values, 0.5, border=border, missing="none", time=time, **rule)
    for cell in np.ndindex(values.shape[1:]):
        wanted = slow_statistics(values[(slice(None), *cell)], time, 0.5, border=border, **rule)
        for name in NAMES:
            assert_same(getattr(found, name)[(slice(None), *cell)], wanted[name])


@pytest.mark.parametrize("op", [">", ">=", "<", "<="])
@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", ">f8", "i2"])
def test_any_type_and_comparison(op, dtype):
    values, time = sample()
    values = np.round(values * 2).astype(dtype)
    found = e5.spell_statistics(values, 1.0, op=op, min_length=2, time=time)
    wanted = slow_statistics(values[:, 1, 2].astype("f8"), time, 1.0, op=op, min_length=2)
    for name in NAMES:
        assert_same(getattr(found, name)[:, 1, 2], wanted[name])


def test_layout_and_threads_change_nothing():
    values, time = sample(cells=(5, 37), missing=0.01)
    wanted = e5.spell_statistics(values, 0.5, max_gap=1, missing="none", time=time)
    views = (np.asfortranarray(values), values[:, ::-1][:, ::-1], np.repeat(values, 2, axis=2)[:, :, ::2])
    for threads, view in itertools.product((1, 2), views):
        e5.set_num_threads(threads)
        found = e5.spell_statistics(view, 0.5, max_gap=1, missing="none", time=time)
        for name in NAMES:
            assert_same(getattr(found, name), getattr(wanted, name))
    for cell in ((0, 0), (4, 36)):  # alone, not in a tile of 16
        found = e5.spell_statistics(values[:, *cell], 0.5, max_gap=1, missing="none", time=time)
        assert_same(found.total, wanted.total[:, *cell])


def test_absent_days_end_a_spell():
    values, time = sample()
    keep = np.ones(len(time), dtype=bool)
    keep[[100, 101, 400]] = False
    values[90:120] = 9
    found = e5.spell_statistics(values[keep], 0.5, max_gap=3, missing="none", time=time[keep])
    wanted = slow_statistics(values[keep][:, 0, 0], time[keep], 0.5, min_length=3, max_gap=3)
    assert_same(found.longest[:, 0, 0], wanted["longest"])
    assert_same(found.first[:, 0, 0], wanted["first"])


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "julian"])
def test_calendars(calendar):
    time = xr.date_range("2000-01-01", periods=900, calendar=calendar, use_cftime=True).values
    values, _ = sample(3)
    values = values[:900]
    found = e5.spell_statistics(values, 0.0, min_length=2, missing="none", time=time)
    years = np.array([date.year - 2000 for date in time])
    days = cftime.date2num(time, "days since 2000-01-01", calendar=calendar).astype(int)
    starts = [int(days[years == year][0]) for year in np.unique(years)]
    flags = (values[:, 0, 0] > 0).tolist()
    wanted = slow.spell_statistics(flags, [True] * 900, days.tolist(), years.tolist(), starts, min_length=2)
    for name in NAMES:
        assert_same(getattr(found, name)[:, 0, 0], wanted[name])


def test_missing_days_take_periods_away():
    values, time = sample()
    values[10, 0, 0] = np.nan
    found = e5.spell_statistics(values, 0.0, time=time)
    assert np.isnan(found.count[0, 0, 0])
    assert not np.isnan(found.count[1:, 0, 0]).any()
    assert not np.isnan(found.count[:, 0, 1]).any()


def test_a_threshold_per_day_of_the_year():
    values, time = sample(years=4)
    limits = np.random.default_rng(3).normal(0, 0.5, (366, 3, 7))
    found = e5.spell_statistics(values, limits, min_length=2, time=time)
    raw = time.astype(int) - time.astype("datetime64[Y]").astype("datetime64[D]").astype(int)
    assert_same(found.total, e5.spell_statistics(values - limits[raw], 0.0, min_length=2, time=time).total)
    leap = np.array([f"2000{str(day)[4:]}" for day in time], dtype="datetime64[D]").astype(int)
    leap -= np.datetime64("2000-01-01", "D").astype(int)
    own = e5.spell_statistics(values, limits, min_length=2, leap_day="own", time=time)
    assert_same(own.total, e5.spell_statistics(values - limits[leap], 0.0, min_length=2, time=time).total)
    with pytest.raises(InputError, match="each day"):
        e5.spell_statistics(values, limits[:100], time=time)


def test_two_series_and_a_lower_threshold_to_stay():
    values, time = sample()
    others, _ = sample(seed=5)
    both = e5.spell_statistics(values, 0.5, others, 0.0, time=time)
    mask = np.where((values > 0.5) & (others > 0), 1.0, 0.0)
    assert_same(both.total, e5.spell_statistics(mask, 0.5, time=time).total)
    stay = e5.spell_statistics(values, 1.0, stay=0.0, time=time)
    lingering = np.array(slow.lingering((values[:, 0, 0] > 1).tolist(), (values[:, 0, 0] > 0).tolist()))
    wanted = slow_statistics(np.where(lingering, 1.0, 0.0), time, 0.5, min_length=3)
    assert_same(stay.total[:, 0, 0], wanted["total"])
    with pytest.raises(InputError, match="together"):
        e5.spell_statistics(values, 0.5, others, time=time)


# --- run_lengths ---


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
@pytest.mark.parametrize("op", [">", ">=", "<", "<="])
@pytest.mark.parametrize("min_length", [1, 3, 400])
def test_run_lengths_are_spells_that_are_cut(dtype, op, min_length):
    values, time = sample(cells=(2, 67), missing=0.02)
    values = np.round(values, 1).astype(dtype)
    wanted = e5.spell_statistics(values, 0.5, op=op, min_length=min_length, missing="none", time=time)
    found = e5.run_lengths(values, 0.5, list(NAMES), op, min_length, min_samples=1, time=time)
    for name, result in zip(NAMES, found, strict=True):
        assert_same(result, getattr(wanted, name))


def test_run_lengths_of_periods_with_missing_days():
    values, time = sample()
    values[400, 0, 0] = np.nan
    found = e5.run_lengths(values, 0.5, time=time)
    assert np.isnan(found[:, 0, 0]).tolist() == [False, True, False]
    assert not np.isnan(e5.run_lengths(values, 0.5, min_samples=364, time=time)).any()


def test_a_fixed_threshold_has_the_precision_of_the_data():
    time = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
    values = np.full((365, 1), 273.15, "f4")  # as a double less than 273.15
    assert e5.run_lengths(values, 273.15, op="<", time=time) == 0
    assert e5.run_lengths(values, 273.15, op="<=", time=time) == 365
    assert len(e5.spells(values, 273.15, op="<", time=time)) == 0
    assert len(e5.spells(values, 273.15, op="<=", time=time)) == 1


# --- xclim ---


def as_xarray(values, time, units="degC"):
    return xr.DataArray(
        values, dims=("time", "cell"), coords={"time": time.astype("datetime64[ns]")}, attrs={"units": units}
    )


def test_xclim_counts_the_same():
    from xclim.indices import run_length

    values, time = sample(cells=(5,))
    flags = as_xarray(values, time) > 0.5
    found = e5.run_lengths(values, 0.5, ["longest", "count", "total"], min_length=4, time=time)
    kwargs = {"freq": "YS", "ufunc_1dim": False}
    years = flags.resample(time="YS")
    longest = years.map(run_length.longest_run, dim="time").transpose("time", "cell").values
    assert_same(np.where(longest >= 4, longest, 0), found[0])
    assert_same(
        years.map(run_length.windowed_run_events, window=4, dim="time").transpose("time", "cell").values, found[1]
    )
    assert_same(
        years.map(run_length.windowed_run_count, window=4, dim="time").transpose("time", "cell").values, found[2]
    )
    whole = run_length.resample_and_rl(flags, False, run_length.windowed_run_count, window=4, **kwargs)
    ours = e5.spell_statistics(values, 0.5, min_length=4, border="first", time=time)
    assert_same(whole.transpose("time", "cell").values, ours.total)


@pytest.mark.parametrize("units", ["degC", "K"])
def test_xclim_heatwaves_of_two_temperatures(units):
    import xclim

    values, time = sample(cells=(5,), years=3)
    shift = 273.15 if units == "K" else 0
    tn, tx = (
        as_xarray(22 + 3 * values.astype("f8") + shift, time, units),
        as_xarray(30 + 3 * values.astype("f8") + 1 + shift, time, units),
    )
    tn.name, tx.name = "tn", "tx"
    thresholds = {"thresh_tasmin": f"{22 + shift} {units}", "thresh_tasmax": f"{30 + shift} {units}"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        count = xclim.indices.heat_wave_frequency(tn, tx, **thresholds)
        longest = xclim.indices.heat_wave_max_length(tn, tx, **thresholds)
        total = xclim.indices.heat_wave_total_length(tn, tx, **thresholds)
        hot = xclim.indices.hot_spell_frequency(tx, thresh=f"{30 + shift} {units}", window=3)
    ours = e5.spell_statistics(tx, 30.0 + shift, tn, 22.0 + shift)
    assert_same(ours["count"].values, count.transpose("time", "cell").values)
    assert_same(ours["longest"].values, longest.transpose("time", "cell").values)
    assert_same(ours["total"].values, total.transpose("time", "cell").values)
    assert_same(e5.spell_statistics(tx, 30.0 + shift)["count"].values, hot.transpose("time", "cell").values)


# --- the table ---


@pytest.mark.parametrize("op", [">", "<"])
@pytest.mark.parametrize("switches", [{}, {"deviation": "sample", "maximum": "own", "edge_rates": "missing"}])
def test_the_table_is_that_of_the_slow_twin(op, switches):
    values, time = sample(years=2, cells=(2, 9), missing=0.01)
    values[:6, 0, 0] = values[-4:, 0, 0] = 3.0 if op == ">" else -3.0
    sign = 1 if op == ">" else -1
    climatology = np.random.default_rng(1).normal(0, 0.1, (366, 2, 9))
    threshold = climatology + sign * np.random.default_rng(2).uniform(-0.05, 0.7, climatology.shape)
    table = e5.spells(values, threshold, min_days=3, max_gap=1, op=op, climatology=climatology, time=time, **switches)
    slots = time.astype(int) - time.astype("datetime64[Y]").astype("datetime64[D]").astype(int)
    wanted = []
    for number, cell in enumerate(np.ndindex(2, 9)):
        x, s, q = values[:, *cell].astype("f8"), climatology[slots, *cell], threshold[slots, *cell]
        found = slow.find_spells(slow.OPS[op](x, q), ~np.isnan(x), [False] * len(x), min_length=3, max_gap=1)
        flags = {"cold": op == "<", "sample": bool(switches), "own_maximum": bool(switches)}
        wanted += [
            {"cell": number, **described.describe(x, s, q, *run, **flags, one_sided=not switches)} for run in found
        ]
    assert len(table) == len(wanted) > 100
    for name in wanted[0]:
        column = [row[name] for row in wanted]
        if name in ("start", "end", "peak"):
            assert_same(table[name].to_numpy(), time[column].astype("datetime64[ns]"))
        else:
            np.testing.assert_allclose(table[name], column, rtol=1e-12, atol=1e-12, err_msg=name)
    assert table.censored_start.sum() >= 1
    assert table.censored_end.sum() >= 1


def test_the_table_has_places_and_the_same_rows_for_any_threads():
    values, time = sample(cells=(7, 41))
    latitude, longitude = np.linspace(40, 46, 7), np.linspace(0, 10, 41)
    tables = []
    for threads in (1, 2):
        e5.set_num_threads(threads)
        tables.append(e5.spells(values, 1.0, time=time, latitude=latitude, longitude=longitude, progress=False))
    assert tables[0].equals(tables[1])
    row, column = np.divmod(tables[0].cell, 41)
    assert_same(tables[0].latitude, latitude[row])
    assert_same(tables[0].longitude, longitude[column])
    statistics = e5.spell_statistics(values, 1.0, freq="all", time=time)
    assert_same(np.bincount(tables[0].cell, minlength=7 * 41), statistics.count[0].ravel())
    assert_same(np.bincount(tables[0].cell, tables[0].duration, minlength=7 * 41), statistics.total[0].ravel())


def test_files_and_little_memory_change_nothing(tmp_path, monkeypatch):
    from era5fast import spell_table

    values, time = sample(years=2, cells=(5, 40))
    axes = {"time": time.astype("datetime64[ns]"), "latitude": np.arange(5.0), "longitude": np.arange(40.0)}
    field = xr.DataArray(values, axes, tuple(axes), name="t2m", attrs={"units": "degC"})
    field.to_netcdf(tmp_path / "x.nc")
    wanted = e5.spells(field, 1.0, max_gap=1)
    for budget in (1 << 30, 100_000):
        monkeypatch.setattr(spell_table, "memory_budget", lambda budget=budget: budget)
        assert e5.spells(tmp_path / "x.nc", 1.0, max_gap=1).equals(wanted)


def test_thresholds_in_other_units_are_converted():
    values, time = sample()
    axes = {"time": time.astype("datetime64[ns]"), "latitude": np.arange(3.0), "longitude": np.arange(7.0)}
    field = xr.DataArray(values, axes, tuple(axes), attrs={"units": "degC"})
    limit = xr.full_like(field[0], 1.0, dtype="f8").drop_vars("time")
    kelvin = (limit + 273.15).assign_attrs(units="K")
    assert len(e5.spells(field, kelvin)) == len(e5.spells(field, limit))
    with pytest.raises(InputError, match="threshold"):
        e5.spells(field, limit.assign_attrs(units="mm"))


def test_a_table_without_rows_has_its_columns():
    values, time = sample()
    table = e5.spells(values, 99.0, time=time)
    assert len(table) == 0
    assert {"cell", "start", "end", "duration"} <= set(table.columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_days": 0}, "min_days"),
        ({"max_gap": -1}, "max_gap"),
        ({"op": "=="}, "op"),
        ({"gap_order": "join"}, "gap_order"),
        ({"deviation": "n"}, "deviation"),
        ({"threshold": np.zeros((5, 3, 7))}, "5 values"),
        ({"threshold": "hot"}, "number"),
        ({"x": np.zeros((1095, 0))}, "empty"),
    ],
)
def test_bad_input_of_the_table(change, message):
    values, time = sample()
    given = {"x": values, "threshold": 1.0, "time": time, **change}
    with pytest.raises(InputError, match=message):
        e5.spells(**given)


# --- properties ---

short_series = st.lists(st.sampled_from([0.0, 1.0, np.nan]), min_size=2, max_size=120)
rules = st.fixed_dictionaries(
    {
        "min_length": st.integers(1, 8),
        "max_gap": st.integers(0, 5),
        "gap_order": st.sampled_from(["filter", "fill"]),
        "border": st.sampled_from(["cut", "first", "last", "own"]),
    }
)


@settings(max_examples=60, deadline=None)
@given(series=short_series, rule=rules)
def test_any_series_and_rule(series, rule):
    values = np.array(series)
    time = np.datetime64("2001-11-01") + np.arange(len(values))
    found = e5.spell_statistics(values, 0.5, missing="none", time=time, progress=False, **rule)
    wanted = slow_statistics(values, time, 0.5, **rule)
    for name in NAMES:
        assert_same(getattr(found, name), wanted[name])


@settings(max_examples=30, deadline=None)
@given(shift=st.floats(-1e3, 1e3), scale=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_shift_scale_and_order_of_cells(shift, scale, seed):
    values, time = sample(years=1, cells=(20,), seed=seed, dtype="f8")
    values = np.round(values, 1)
    wanted = e5.spell_statistics(np.where(values > 0.5, 1.0, 0.0), 0.5, time=time, progress=False)
    moved = np.where(values > 0.5, 1.0, 0.0) * scale + shift
    found = e5.spell_statistics(moved, 0.5 * scale + shift, time=time, progress=False)
    order = np.random.default_rng(seed).permutation(20)
    shuffled = e5.spell_statistics(values[:, order], 0.5, time=time, progress=False)
    for name in NAMES:
        assert_same(getattr(found, name), getattr(wanted, name))
        assert_same(getattr(shuffled, name), getattr(wanted, name)[:, order])


def test_years_one_by_one_give_the_same_when_spells_are_cut():
    values, time = sample()
    wanted = e5.spell_statistics(values, 0.5, time=time)
    years = year_of(time)
    for year in range(3):
        one = e5.spell_statistics(values[years == year], 0.5, time=time[years == year])
        for name in NAMES:
            assert_same(getattr(one, name)[0], getattr(wanted, name)[year])

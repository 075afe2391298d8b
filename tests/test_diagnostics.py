"""Generated functions: signatures and texts from the rows, the same bits for any number of threads, slow twins."""

from __future__ import annotations

import inspect
import itertools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast import diagnostics
from era5fast.errors import InputError
from era5fast.operands import Operands
from tests.reference import daily as slow_daily
from tests.reference import percentile_doy as slow_percentile
from tests.reference import resample as slow_resample

THREADS = (1, 2, 4, 7)
ROWS = diagnostics._ROWS


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def hourly_series(days: int = 40, cells: tuple[int, int] = (3, 5), start: str = "2003-02-10", seed: int = 1):
    rng = np.random.default_rng(seed)
    time = np.datetime64(start, "h") + np.arange(days * 24)
    values = rng.normal(285, 8, (len(time), *cells)).astype("float32")
    values[rng.random(values.shape) < 0.002] = np.nan
    return values, time


def daily_series(years: int = 6, cells: tuple[int, int] = (3, 5), seed: int = 2):
    rng = np.random.default_rng(seed)
    time = np.arange("2001-01-01", f"{2001 + years}-01-01", dtype="datetime64[D]")
    season = 10 * np.sin(2 * np.pi * np.arange(len(time)) / 365.25)
    values = (season[:, None, None] + rng.normal(285, 4, (len(time), *cells))).astype("float32")
    return values, time


# --- rows become functions ---


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_row_gives_signature_and_documentation(row) -> None:
    function = getattr(diagnostics, row["name"])
    parameters = inspect.signature(function).parameters
    for spec in [*row["operands"], *row["params"], *row["grouping_params"]]:
        assert spec["name"] in parameters
        assert spec["doc"] in function.__doc__
        assert spec["doc"].endswith(".")
    for section in ("Parameters", "Returns", "Raises", "Notes", "References"):
        assert f"{section}\n{'-' * len(section)}" in function.__doc__
    assert row["summary"].endswith(".")


def test_stub_is_what_the_rows_say() -> None:
    path = Path(diagnostics.__file__).with_suffix(".pyi")
    assert path.read_text(encoding="utf-8") == diagnostics.stub()


def test_wrong_parameters_say_what_is_allowed() -> None:
    values, time = daily_series(2)
    with pytest.raises(InputError, match="percentile is 101, must be 0 to 100"):
        e5.percentile_doy(values, 101, time=time)
    with pytest.raises(InputError, match="neighbours must be one of: wrap real"):
        e5.percentile_doy(values, 90, neighbours="beside", time=time)
    with pytest.raises(InputError, match="window"):
        e5.percentile_doy(values, 90, window=4, time=time)
    with pytest.raises(InputError, match="base_period"):
        e5.percentile_doy(values, 90, base_period="2001", time=time)
    with pytest.raises(InputError, match="base period"):
        e5.percentile_doy(values, 90, base_period=("1961", "1990"), time=time)
    with pytest.raises(InputError, match="statistic must be one of"):
        e5.daily(values, "median", time=time)
    with pytest.raises(InputError, match="no times"):
        e5.daily(values, "max")
    with pytest.raises(InputError, match="time axis"):
        e5.daily(xr.DataArray(values, dims=("step", "y", "x")), "max")
    with pytest.raises(TypeError):
        e5.daily(values, "max", unknown=1, time=time)


# --- daily ---


@pytest.mark.parametrize("statistic", ["max", "min", "mean", "sum"])
@pytest.mark.parametrize("hours", ["instant", "hour_ending", "since_midnight"])
@pytest.mark.parametrize("offset", [0, 5.5, -8])
def test_daily_equals_its_slow_twin(statistic: str, hours: str, offset: float) -> None:
    values, time = hourly_series()
    values, time = values[5:-7], time[5:-7]  # incomplete days at both ends
    if hours == "since_midnight" and statistic != "sum":
        with pytest.raises(InputError, match="totals since midnight have a sum of the day only"):
            e5.daily(values, statistic, hours=hours, utc_offset=offset, time=time)
        return
    fast = e5.daily(values, statistic, hours=hours, utc_offset=offset, time=time)
    slow = slow_daily.daily(values, time.astype("datetime64[s]").astype("int64"), statistic, hours, offset)
    assert fast.dtype == np.float32
    assert np.array_equal(fast, slow.astype("float32"), equal_nan=True)


def layouts(values: np.ndarray) -> dict[str, np.ndarray]:
    """The same numbers in other shapes of memory."""
    wide = np.repeat(values, 2, axis=2)
    return {
        "C": values,
        "Fortran": np.asfortranarray(values),
        "big endian": values.astype(values.dtype.newbyteorder(">")),
        "strided": wide[:, :, ::2],
        "reversed": np.ascontiguousarray(values[:, ::-1])[:, ::-1],
        "read only": np.frombuffer(values.tobytes(), values.dtype).reshape(values.shape),
    }


@pytest.mark.parametrize("threads", THREADS)
def test_same_bits_for_any_threads_and_layout(threads: int) -> None:
    hours, hour_time = hourly_series(cells=(7, 11))
    days, day_time = daily_series(4, cells=(7, 11))
    e5.set_num_threads(1)
    tx, p90 = e5.daily(hours, "mean", time=hour_time), e5.percentile_doy(days, 90, time=day_time)
    e5.set_num_threads(threads)
    for layout in layouts(hours).values():
        before = layout.copy()
        assert e5.daily(layout, "mean", time=hour_time).tobytes() == tx.tobytes()
        assert np.array_equal(layout, before, equal_nan=True), "inputs stay as they are"
    for layout in layouts(days).values():
        assert e5.percentile_doy(layout, 90, time=day_time).tobytes() == p90.tobytes()


@pytest.mark.parametrize("dtype", ["float64", "int16", "uint8", "int32", ">i2", ">f8"])
def test_daily_of_other_dtypes(dtype: str) -> None:
    values = np.random.default_rng(3).integers(0, 200, (96, 2, 3)).astype(dtype)
    time = np.datetime64("2000-02-28", "h") + np.arange(96)
    result = e5.daily(values, "sum", time=time)
    assert np.array_equal(result, values.astype("float64").reshape(4, 24, 2, 3).sum(axis=1))


def test_min_samples_allows_missing_hours() -> None:
    values, time = hourly_series(3)
    values[30:34] = np.nan
    assert np.isnan(e5.daily(values, "max", time=time)[1]).all()
    assert not np.isnan(e5.daily(values, "max", min_samples=18, time=time)[1]).any()


def test_xarray_in_xarray_out_with_cf_attributes() -> None:
    values, time = hourly_series(5)
    attrs = {"units": "K", "standard_name": "air_temperature", "long_name": "2 metre temperature"}
    coords = {"time": time.astype("datetime64[ns]"), "latitude": [50, 49, 48], "longitude": [0, 1, 2, 3, 4]}
    x = xr.DataArray(values, coords, ("time", "latitude", "longitude"), name="t2m", attrs=attrs)
    tx = e5.daily(x.transpose("latitude", "longitude", "time"), "max")
    assert tx.dims == ("latitude", "longitude", "time")
    assert (tx.attrs["units"], tx.attrs["cell_methods"], tx.name) == ("K", "time: maximum", "t2m")
    assert list(tx.time.dt.day.values) == [10, 11, 12, 13, 14]
    grouped = x.groupby("time.dayofyear").max(skipna=False)
    assert np.array_equal(tx.transpose("time", ...).values, grouped.values, equal_nan=True)


def test_accumulated_variable_is_known_by_name() -> None:
    values, time = hourly_series(4)
    x = xr.DataArray(values, {"time": time.astype("datetime64[ns]")}, ("time", "y", "x"), name="tp")
    assert e5.daily(x, "sum").sizes["time"] == 5  # the first stamp belongs to the day before


@pytest.mark.parametrize(
    ("offset", "first"), [(0, "2003-02-10"), (1, "2003-02-10"), (5.5, "2003-02-10"), (-8, "2003-02-09")]
)
def test_days_of_a_zone_have_their_own_dates(offset: float, first: str) -> None:
    values = np.nan_to_num(hourly_series(40)[0], nan=290)
    time = np.datetime64("2003-02-10", "h") + np.arange(len(values))
    x = xr.DataArray(
        values, {"time": time.astype("datetime64[ns]")}, ("time", "y", "x"), name="t2m", attrs={"units": "K"}
    )
    days = e5.daily(x, "max", utc_offset=offset)
    assert days.time.values[0] == np.datetime64(first)
    local = x.assign_coords(time=x.time + np.timedelta64(int(offset * 60), "m"))
    march = local.sel(time="2003-03-01").max("time")
    np.testing.assert_array_equal(days.sel(time="2003-03-01").values, march.values)
    monthly = e5.resample(days, "max", freq="MS").sel(time="2003-03-01")
    np.testing.assert_array_equal(monthly.values, days.sel(time="2003-03").max("time").values)


def test_days_of_the_sun_are_those_of_each_longitude() -> None:
    values, time = hourly_series(6, cells=(2, 9))
    longitude = np.linspace(-180, 177, 9)
    grid = {"latitude": [1.0, 0.0], "longitude": longitude}
    fast = e5.daily(values, ["max", "mean"], utc_offset="solar", time=time, **grid)
    first = np.datetime64("2003-02-09")
    for column, degrees in enumerate(longitude):
        offset = round(degrees / 15)
        slow = e5.daily(values[:, :, column], ["max", "mean"], utc_offset=offset, time=time)
        day = (time[0] + np.timedelta64(offset, "h")).astype("datetime64[D]") - first
        before = int(day.astype(int))
        assert np.array_equal(fast[:, before : before + slow.shape[1], :, column], slow, equal_nan=True)
        assert np.isnan(fast[:, :before, :, column]).all()
    x = xr.DataArray(values, {"time": time.astype("datetime64[ns]"), **grid}, ("time", "latitude", "longitude"))
    turned = e5.daily(x.transpose("longitude", "time", "latitude"), "mean", utc_offset="solar")
    assert str(turned.time.values[0])[:10] == "2003-02-09"
    assert np.array_equal(turned.transpose("time", "latitude", "longitude"), fast[1], equal_nan=True)
    with pytest.raises(InputError, match="grid is not known"):
        e5.daily(values, "max", utc_offset="solar", time=time)
    with pytest.raises(InputError, match="utc_offset must be -14 to 14 hours or 'solar'"):
        e5.daily(values, "max", utc_offset="lunar", time=time)


# --- resample ---


def year_and_month(time: np.ndarray) -> np.ndarray:
    return np.array([[int(part) for part in str(t)[:7].split("-")] for t in time])


@pytest.mark.parametrize("statistic", ["max", "min", "mean", "sum"])
@pytest.mark.parametrize("freq", ["MS", "YS", "all"])
@pytest.mark.parametrize("min_samples", [1, 700])
def test_resample_equals_its_slow_twin_and_xarray(statistic: str, freq: str, min_samples: int) -> None:
    values, time = hourly_series(100, cells=(2, 3), start="2003-11-20")
    values[:, 0, 0] = np.nan
    fast = e5.resample(values, statistic, min_samples, freq, time=time)
    slow = slow_resample.resample(values, year_and_month(time), statistic, freq, min_samples)
    assert np.array_equal(fast, slow.astype("float32"), equal_nan=True)
    if freq != "all" and min_samples == 1:
        x = xr.DataArray(values.astype("f8"), {"time": time.astype("datetime64[ns]")}, ("time", "y", "x"))
        by_xarray = getattr(x.resample(time=freq), statistic)
        options = {"min_count": 1} if statistic == "sum" else {}
        assert np.allclose(fast, by_xarray(**options).values, rtol=2e-7, atol=0, equal_nan=True)


def cf_days(calendar: str, n: int, start: tuple[int, int, int] = (1999, 11, 20)) -> np.ndarray:
    import cftime

    first = cftime.date2num(cftime.datetime(*start, calendar=calendar), "days since 1970-01-01", calendar)
    return cftime.num2date(first + np.arange(n), "days since 1970-01-01", calendar)


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day", "all_leap", "julian"])
@pytest.mark.parametrize("freq", ["YS", "YS-JUL", "QS-DEC", "QS-FEB", "MS", "all"])
@pytest.mark.parametrize("months", [None, (6, 7, 8), (12, 1, 2)])
def test_periods_of_all_calendars_equal_the_slow_twin(
    calendar: str, freq: str, months: tuple[int, ...] | None
) -> None:
    time = cf_days(calendar, 900)
    values = np.random.default_rng(4).normal(size=(len(time), 2)).astype("float32")
    values[np.random.default_rng(5).random(values.shape) < 0.1] = np.nan
    dates = np.array([[t.year, t.month] for t in time])
    fast = e5.resample(values, "mean", 20, freq, months, time=time)
    slow = slow_resample.resample(values, dates, "mean", freq, 20, months or range(1, 13))
    assert np.array_equal(fast, slow.astype("float32"), equal_nan=True)
    assert np.isfinite(fast).any()


@pytest.mark.parametrize("freq", ["YS-JUL", "QS-DEC", "QS-MAR", "YS-DEC"])
def test_periods_are_labelled_as_xarray_does(freq: str) -> None:
    values, time = daily_series(3, cells=(1, 2))
    x = xr.DataArray(values.astype("f8"), {"time": time.astype("datetime64[ns]")}, ("time", "y", "x"))
    ours, theirs = e5.resample(x, "max", freq=freq), x.resample(time=freq).max()
    assert np.array_equal(ours.time, theirs.time)
    assert np.array_equal(ours.values, theirs.values)


def test_lists_of_parameters_are_computed_in_one_read() -> None:
    values, time = hourly_series(9, cells=(3, 4))
    x = xr.DataArray(values, {"time": time.astype("datetime64[ns]")}, ("time", "y", "x"), name="t2m")
    together = e5.daily(x, ["max", "min", "mean", "sum"], min_samples=(1, 24))
    assert together.dims == ("statistic", "min_samples", "time", "y", "x")
    assert list(together.statistic.values) == ["max", "min", "mean", "sum"]
    for statistic, least in itertools.product(["max", "min", "mean", "sum"], [1, 24]):
        alone = e5.daily(x, statistic, min_samples=least)
        assert together.sel(statistic=statistic, min_samples=least).values.tobytes() == alone.values.tobytes()
    days, time = daily_series(4)
    percentiles = e5.percentile_doy(days, np.array([10, 50, 90]), window=[5, 11], time=time)
    assert percentiles.shape == (3, 2, 365, 3, 5)
    assert percentiles[2, 1].tobytes() == e5.percentile_doy(days, 90, window=11, time=time).tobytes()
    with pytest.raises(InputError, match="percentile is an empty list"):
        e5.percentile_doy(days, [], time=time)
    with pytest.raises(InputError, match="365 and 366 rows do not fit"):
        e5.percentile_doy(days, 90, leap_day=["drop", "stretch"], time=time)


def test_lists_of_parameters_from_files_and_any_threads(files, monkeypatch) -> None:
    paths, x = files
    wanted = e5.resample(x, ["max", "mean"], freq="QS-DEC")
    p = e5.percentile_doy(x, [10, 90])
    monkeypatch.setattr(diagnostics, "memory_budget", lambda: 40_000)
    for threads in THREADS:
        e5.set_num_threads(threads)
        assert e5.resample(paths, ["max", "mean"], freq="QS-DEC").values.tobytes() == wanted.values.tobytes()
        assert e5.percentile_doy(paths, [10, 90]).values.tobytes() == p.values.tobytes()


def test_resample_wants_whole_periods_when_told() -> None:
    values, time = hourly_series(40, cells=(1, 1), start="2003-01-01")
    values[:] = 1
    whole = e5.resample(values, "sum", 0, "MS", time=time)[:, 0, 0]
    assert whole[0] == 31 * 24
    assert np.isnan(whole[1])


# --- from files, in memory and through a scratch file ---


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Six years of daily values, one file per year, and the same in memory."""
    values, time = daily_series(6, cells=(9, 13))
    axes = {"latitude": np.linspace(50, 42, 9), "longitude": np.linspace(0, 12, 13)}
    x = xr.DataArray(values, {"time": time.astype("datetime64[ns]"), **axes}, ("time", *axes), name="t2m")
    folder = tmp_path_factory.mktemp("years")
    for year, part in x.groupby("time.year"):
        part.to_netcdf(folder / f"{year}.nc", encoding={"t2m": {"zlib": True, "chunksizes": (50, 4, 13)}})
    return sorted(folder.glob("*.nc")), x


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("budget", [1, 40_000, 1 << 30])
def test_series_from_files_have_the_same_bits(files, monkeypatch, threads: int, budget: int) -> None:
    paths, x = files
    e5.set_num_threads(threads)
    in_memory = e5.percentile_doy(x, 90)
    monkeypatch.setattr(diagnostics, "memory_budget", lambda: budget)
    from_files = e5.percentile_doy(paths, 90)
    assert from_files.values.tobytes() == in_memory.values.tobytes()


def test_a_scratch_file_needs_room(files, monkeypatch) -> None:
    monkeypatch.setattr(diagnostics, "memory_budget", lambda: 1)
    monkeypatch.setattr(diagnostics.tempfile, "gettempdir", lambda: "/proc")
    with pytest.raises(e5.errors.StorageError, match="/proc"):
        e5.percentile_doy(files[0], 90)


def test_mean_of_files_equals_mean_in_memory(files) -> None:
    paths, x = files
    assert (
        e5.resample(paths, "mean", freq="all").values.tobytes() == e5.resample(x, "mean", freq="all").values.tobytes()
    )


# --- what does not fit is refused before anything is computed ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"freq": "YE"}, "freq is 'YE'.*YS-JUL are years that begin in July"),
        ({"freq": "QS-XXX"}, "freq is 'QS-XXX'"),
        ({"freq": None}, "freq is a text"),
        ({"months": (0, 1)}, "months are numbers from 1 to 12"),
        ({"months": ()}, "months are numbers from 1 to 12"),
        ({"months": 7.0}, "months are numbers from 1 to 12"),
        ({"calendar": 360}, "calendar is a name like 'noleap'"),
        ({"latitude": "north"}, "latitudes and longitudes are numbers"),
        ({"months": (7,), "time": slice(0, 20)}, "no time of the series lies in the months"),
        ({"time": slice(0, 0)}, "x has no times"),
        ({"cells": slice(0, 0)}, "x has no cells.*selection empty"),
        ({"statistic": "median"}, "statistic must be one of: max min mean sum"),
        ({"min_samples": -1}, "min_samples"),
    ],
)
def test_bad_input_is_refused(change: dict, message: str) -> None:
    values, time = daily_series(2)
    chosen = change.pop("time", slice(None))
    values, time = values[chosen][:, change.pop("cells", slice(None))], time[chosen]
    with pytest.raises(InputError, match=message):
        e5.resample(values, **{"statistic": "max", **change}, time=time)


@pytest.mark.parametrize("order", ["reversed", "doubled", "shuffled"])
def test_times_must_increase(order: str) -> None:
    values, time = daily_series(2)
    index = np.arange(len(time))
    index = {
        "reversed": index[::-1],
        "doubled": np.sort(np.append(index, 7)),
        "shuffled": np.random.default_rng(1).permutation(index),
    }[order]
    for function in (e5.daily, e5.resample):
        with pytest.raises(InputError, match="times must increase"):
            function(values[index], "max", time=time[index])
    with pytest.raises(InputError, match="times must increase"):
        e5.percentile_doy(values[index], 90, time=time[index])


# --- operands beside the first ---

ROW = {
    "name": "toy",
    "kind": "series",
    "operands": [
        {"name": "a", "dims": "time latitude longitude", "units": "degC", "keep_units": False, "optional": False},
        {"name": "b", "dims": "time latitude longitude", "units": "x", "keep_units": False, "optional": False},
        {"name": "map", "dims": "latitude longitude", "units": "x", "keep_units": False, "optional": True},
    ],
}
PLAIN = dict.fromkeys(("time", "latitude", "longitude", "calendar", "variable"))


def labelled(units: str | None = "K", calendar: str | None = None, dims: str = "tyx") -> xr.DataArray:
    values, time = daily_series(2, cells=(3, 4))
    names = {"t": "time", "y": "latitude", "x": "longitude"}
    coords = {"time": time.astype("datetime64[ns]"), "latitude": [50.0, 49.0, 48.0], "longitude": np.arange(4.0)}
    x = xr.DataArray(values, coords, tuple(coords), attrs={} if units is None else {"units": units})
    x = x if calendar is None else x.convert_calendar(calendar)
    return x.transpose(*(names[d] for d in dims))


def operands(a, b, given_map=None, **extra) -> Operands:
    return Operands(ROW, {**PLAIN, **extra, "a": a, "b": b, "map": given_map})


def values_of(source) -> np.ndarray:
    return source if isinstance(source, np.ndarray) else source[0] * source[1] + source[2]


def test_operands_come_to_the_same_cells_and_units() -> None:
    a = labelled("K")
    celsius = a.values - 273.15
    turned = labelled("K", dims="xty").isel(latitude=slice(None, None, -1))
    field = a.isel(time=0, drop=True).assign_attrs(units="degF")
    found = operands(a, turned, field)
    assert found.units == "degC"
    for source in found.sources[:2]:
        np.testing.assert_allclose(values_of(source), celsius, atol=1e-4)
    np.testing.assert_allclose(found.sources[2][0], (field.values - 32) * 5 / 9, atol=1e-4)
    assert operands(a, a).sources[2] is None
    assert operands(a, a, 3.5).sources[2].shape == (1, 3, 4)
    values, time = daily_series(2, cells=(3, 4))
    plain = operands(values, values, 1.0, time=time)
    assert plain.sources[0] is values, "a plain array is taken to be in the units of the row"


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (lambda: labelled().isel(time=slice(1, None)), "b has other times"),
        (lambda: labelled(calendar="noleap"), "b has the calendar noleap, the data"),
        (lambda: labelled().assign_coords(latitude=[51.0, 50.0, 49.5]), "b has another latitude"),
        (lambda: labelled().isel(longitude=slice(0, 2)), "b has another longitude"),
        (lambda: labelled().expand_dims(number=2), "b has the dimension number"),
        (lambda: labelled("m"), "b is in m, and degC is needed"),
        (lambda: None, "b is missing"),
    ],
)
def test_operands_that_do_not_fit(b, message: str) -> None:
    with pytest.raises(InputError, match=message):
        operands(labelled(), b())


def test_the_first_operand_needs_units_of_its_kind() -> None:
    with pytest.raises(InputError, match="a has no units"):
        operands(labelled(None), labelled())
    with pytest.raises(InputError, match="a is in kg, and degC is needed"):
        operands(labelled("kg"), labelled())


# --- percentiles ---


@pytest.mark.parametrize(("neighbours", "leap_day"), list(itertools.product(["wrap", "real"], ["drop", "stretch"])))
@pytest.mark.parametrize("quantile_type", range(1, 10))
@pytest.mark.parametrize("percentile", [10, 50, 90, 99])
def test_percentile_equals_its_slow_twin(
    neighbours: str, leap_day: str, quantile_type: int, percentile: float
) -> None:
    values, time = daily_series(5, cells=(2, 3), seed=5)
    values[np.random.default_rng(6).random(values.shape) < 0.05] = np.nan
    values[:, 0, 0] = np.nan
    values[:, 0, 1] = np.round(values[:, 0, 1])  # ties
    options = {"window": 5, "type": quantile_type, "neighbours": neighbours, "leap_day": leap_day}
    fast = e5.percentile_doy(values, percentile, base_period=("2002", "2005"), time=time, **options)
    slow = slow_percentile.percentile_doy(values, time, percentile, ("2002", "2005"), **options)
    assert fast.tobytes() == slow.tobytes()
    assert np.isnan(fast[:, 0, 0]).all()


@pytest.mark.parametrize("calendar", ["noleap", "360_day", "all_leap", "standard", "julian"])
@pytest.mark.parametrize("leap_day", ["drop", "stretch"])
def test_percentile_on_other_calendars(calendar: str, leap_day: str) -> None:
    import cftime

    length = {"360_day": 360, "all_leap": 366}.get(calendar, 365)
    first = cftime.date2num(cftime.datetime(2001, 1, 1, calendar=calendar), "days since 1970-01-01", calendar)
    time = cftime.num2date(first + np.arange(4 * length + 1), "days since 1970-01-01", calendar)
    values = np.random.default_rng(7).normal(size=(len(time), 1, 2))
    fast = e5.percentile_doy(values, 90, leap_day=leap_day, time=time)
    slow = slow_percentile.percentile_doy(values, time, 90, None, leap_day=leap_day)
    assert np.array_equal(fast, slow, equal_nan=True)


def test_percentile_against_xclim() -> None:
    from xclim.core.calendar import percentile_doy

    values, time = daily_series(9, cells=(2, 2), seed=8)
    x = xr.DataArray(values.astype("float64"), {"time": time.astype("datetime64[ns]")}, ("time", "y", "x"))
    ours = e5.percentile_doy(x, 90, window=5, neighbours="real", leap_day="stretch")
    theirs = percentile_doy(x, window=5, per=90).squeeze("percentiles").transpose("dayofyear", "y", "x")
    np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-13)


@pytest.mark.parametrize(
    ("quantile_type", "method"),
    [
        (4, "interpolated_inverted_cdf"),
        (5, "hazen"),
        (6, "weibull"),
        (7, "linear"),
        (8, "median_unbiased"),
        (9, "normal_unbiased"),
    ],
)
def test_percentile_against_numpy(quantile_type: int, method: str) -> None:
    years, window = 7, 5
    time = np.arange("2001-01-01", "2008-01-01", dtype="datetime64[D]")
    month_day = np.array([str(d)[5:] for d in time])
    time = time[month_day != "02-29"]
    values = np.random.default_rng(9).normal(size=(len(time), 1, 1))
    ours = e5.percentile_doy(values, 90, window=window, type=quantile_type, time=time)[:, 0, 0]
    by_year = values.reshape(years, 365)
    for slot in range(365):
        pool = np.concatenate([by_year[:, (slot + k) % 365] for k in range(-2, 3)])
        assert ours[slot] == pytest.approx(np.quantile(pool, 0.9, method=method), rel=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fixed_thresholds_have_the_precision_of_the_data(dtype: str) -> None:
    time = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
    values = np.full((len(time), 1), 0.1, dtype)  # float32(0.1) is a little more than 0.1
    for threshold, days in ((0.1, 0), (0.09, 365)):
        assert e5.run_lengths(values, threshold, "total", time=time) == days
        assert e5.spell_statistics(values, threshold, time=time).total == days


def test_totals_of_the_land_grid_run_since_midnight() -> None:
    time = np.datetime64("2001-01-01T01", "ns") + np.arange(48) * np.timedelta64(1, "h")
    running = np.tile(np.arange(1.0, 25.0), 2)[:, None, None] * np.ones((1, 3, 4))
    rain = xr.DataArray(running, dims=("time", "latitude", "longitude"), name="tp", attrs={"units": "m"})
    rain = rain.assign_coords(time=time, longitude=np.arange(4.0))
    land = e5.daily(rain.assign_coords(latitude=[50.2, 50.1, 50.0]), "sum")
    np.testing.assert_array_equal(land, np.full((2, 3, 4), 24.0))
    era5 = e5.daily(rain.assign_coords(latitude=[50.5, 50.25, 50.0]), "sum")
    np.testing.assert_array_equal(era5, np.full((2, 3, 4), 300.0))
    with pytest.raises(InputError, match="no max"):
        e5.daily(rain.assign_coords(latitude=[50.2, 50.1, 50.0]), "max")


@pytest.mark.parametrize(
    ("unit", "step", "wanted"),
    [
        ("mm/day", "D", "mm"),
        ("mm d-1", "D", "mm"),
        ("kg m-2 day**-1", "D", "kg m-2"),
        ("mm per day", "D", "mm"),
        ("mm/h", "h", "mm"),
        ("mm/h", "D", "mm/h"),
        ("kg m-2 s-1", "D", "kg m-2 s-1"),
        ("m", "D", "m"),
    ],
)
def test_the_sum_of_a_rate_is_an_amount(unit: str, step: str, wanted: str) -> None:
    days = np.arange("2001-01-01", "2002-01-01", dtype="M8[D]")
    time = days if step == "D" else days[0].astype("M8[h]") + np.arange(48)
    attrs = {"units": unit, "standard_name": "some_rate"}
    x = xr.DataArray(np.ones((len(time), 1)), dims=("time", "x"), coords={"time": time.astype("M8[ns]")}, attrs=attrs)
    total = e5.resample(x, "sum", freq="MS")
    assert total.attrs["units"] == wanted
    assert ("standard_name" in total.attrs) == (wanted == unit)
    assert e5.resample(x, "mean", freq="MS").attrs["units"] == unit

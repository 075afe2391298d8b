"""Heatwaves and cold spells: slow twins, heatwave3, thermofeel, xclim, the definitions' examples."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import heatwaves as slow

pytestmark = pytest.mark.native


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def sample(first: int = 1991, years: int = 5, cells: tuple[int, ...] = (3, 6), seed: int = 0):
    """Daily series with a season and a memory."""
    rng = np.random.default_rng(seed)
    time = np.arange(f"{first}-01-01", f"{first + years}-01-01", dtype="datetime64[D]")
    noise = rng.normal(0, 1, (len(time), *cells))
    for t in range(1, len(time)):
        noise[t] = 0.9 * noise[t - 1] + 0.44 * noise[t]
    season = 5 * np.sin(2 * np.pi * np.arange(len(time)) / 365.25)
    return (15 + season.reshape(-1, *[1] * len(cells)) + noise).astype("f4"), time


def as_xarray(values, time, units="degC"):
    axes = {"latitude": np.arange(values.shape[1]) * 1.0, "longitude": np.arange(values.shape[2]) * 1.0}
    coords = {"time": time.astype("datetime64[ns]"), **axes}
    return xr.DataArray(values, dims=("time", *axes), coords=coords, name="sst", attrs={"units": units})


# --- marine heatwaves ---


def hobday_normal(values, time, percentile):
    """Climatology and threshold of one cell, as Hobday et al. 2016 define them."""
    dates = [str(day)[5:] for day in time]
    year = [str(day)[5:] for day in np.arange("2000-01-01", "2001-01-01", dtype="datetime64[D]")]
    normal = np.full((2, 366), np.nan)
    for slot, date in enumerate(year):
        if date == "02-29":
            continue
        near = [k for t, d in enumerate(dates) if d == date for k in range(t - 5, t + 6) if 0 <= k < len(values)]
        pool = values[near].astype("f8")
        normal[:, slot] = pool.mean(), np.percentile(pool, percentile)
    normal[:, 59] = (normal[:, 58] + normal[:, 60]) / 2
    ring = np.concatenate([normal[:, -15:], normal, normal[:, :15]], axis=1)
    return np.stack([ring[:, i : i + 31].mean(axis=1) for i in range(366)], axis=1)


@pytest.mark.parametrize("cold", [False, True])
def test_marine_heatwaves_follow_the_definition(cold):
    values, time = sample(cells=(2,))
    found = e5.marine_heatwaves(values, cold=cold, time=time)
    normal = np.stack([hobday_normal(values[:, c], time, 10 if cold else 90) for c in range(2)], axis=2)
    np.testing.assert_allclose(found.climatology, normal[0], rtol=1e-12)
    np.testing.assert_allclose(found.threshold, normal[1], rtol=1e-12)
    events = e5.spells(
        values,
        found.threshold,
        climatology=found.climatology,
        op="<" if cold else ">",
        min_days=5,
        max_gap=2,
        leap_day="own",
        time=time,
    )
    assert events.equals(found.events)
    assert len(events) > 10
    assert events.duration.min() >= 5
    assert (events.intensity_max < 0).all() == cold
    assert events.category.between(1, 4).all()


def test_years_sum_up_events():
    values, time = sample()
    found = e5.marine_heatwaves(as_xarray(values, time))
    events, years = found.events, found.years
    assert years["count"].dims == ("year", "latitude", "longitude")
    assert int(years["count"].sum()) == len(events)
    assert int(years["total_days"].sum()) == events.duration.sum()
    flags = np.zeros(values.shape, bool).reshape(len(time), -1)
    first, last = (np.searchsorted(time.astype("datetime64[ns]"), events[key]) for key in ("start", "end"))
    for cell, a, b in zip(events.cell, first, last, strict=True):
        flags[a : b + 1, cell] = True
    for year in years.year.values:
        inside = time.astype("datetime64[Y]").astype(int) + 1970 == year
        np.testing.assert_array_equal(years["total_days"].sel(year=year).values.ravel(), flags[inside].sum(axis=0))
    one = events[(events.cell == 7) & (events.start.dt.year == 1993)]
    got = years.sel(year=1993).isel(latitude=1, longitude=1)
    assert got["count"] == len(one)
    assert float(got["intensity_max"]) == pytest.approx(one.intensity_max.mean(), nan_ok=True)
    assert float(got["intensity_max_max"]) == pytest.approx(one.intensity_max.max(), nan_ok=True)
    assert float(got["total_icum"]) == pytest.approx(one.intensity_cumulative.sum())


def test_threads_and_plain_arrays_change_nothing():
    values, time = sample()
    labelled = e5.marine_heatwaves(as_xarray(values, time))
    for threads in (1, 2):
        e5.set_num_threads(threads)
        plain = e5.marine_heatwaves(values, time=time)
        assert plain.events.equals(labelled.events.drop(columns=["latitude", "longitude"]))
        np.testing.assert_array_equal(plain.threshold, labelled.threshold.values)
        np.testing.assert_array_equal(plain.years["duration"], labelled.years["duration"].values)


def gappy(seed: int = 3):
    """A series with gaps of one to five days, at its ends too."""
    values, time = sample(years=6, cells=(2, 3))
    rng = np.random.default_rng(seed)
    for cell in np.ndindex(values.shape[1:]):
        for start in rng.choice(len(time) - 6, 60, replace=False):
            values[(slice(start, start + rng.integers(1, 6)), *cell)] = np.nan
    values[:2, 0, 0] = values[-3:, 0, 1] = np.nan
    return values, time


def padded(series, longest):
    """Gaps of at most `longest` days of one cell on the line between their neighbours, one after the other."""
    filled, known = series.copy(), np.flatnonzero(~np.isnan(series))
    for a, b in itertools.pairwise(known):
        if 1 < b - a <= longest + 1:
            inside = np.arange(a + 1, b)
            filled[inside] = np.interp(inside, [a, b], series[[a, b]].astype("f8"))
    return filled


@pytest.mark.parametrize("longest", [1, 3, 10])
def test_short_gaps_are_filled(longest):
    values, time = gappy()
    filled = values.copy()
    for cell in np.ndindex(values.shape[1:]):
        filled[(slice(None), *cell)] = padded(values[(slice(None), *cell)], longest)
    assert 0 < np.isnan(filled).sum() < np.isnan(values).sum()
    want = e5.marine_heatwaves(as_xarray(filled, time), progress=False)
    found = e5.marine_heatwaves(as_xarray(values, time), max_pad_length=longest, progress=False)
    np.testing.assert_array_equal(found.threshold, want.threshold)
    assert found.events.equals(want.events)
    assert not found.events.equals(e5.marine_heatwaves(as_xarray(values, time), progress=False).events)
    plain = e5.marine_heatwaves(values, time=time, max_pad_length=longest, progress=False)
    np.testing.assert_array_equal(plain.threshold, want.threshold.values)
    lazy = e5.marine_heatwaves(
        as_xarray(values, time).chunk({"longitude": 1}), max_pad_length=longest, progress=False
    )
    assert lazy.events.equals(want.events)


def test_heatwave3_fills_the_same_gaps(tmp_path):
    heatwave3 = pytest.importorskip("heatwave3")
    values, time = gappy()
    edges = np.r_[:6, -6:0]  # gaps at an end of the record have one neighbour only, which it repeats
    values[edges] = np.where(np.isnan(values[edges]), 15, values[edges])
    as_xarray(values, time).rename(latitude="lat", longitude="lon").to_netcdf(tmp_path / "sst.nc")
    years = ("1991-01-01", "1996-12-31")
    heatwave3.ts2clm3(str(tmp_path / "sst.nc"), str(tmp_path / "sst"), years, maxPadLength=3, roundClm=10, quiet=True)
    with xr.open_dataset(tmp_path / "sst_clim.nc") as theirs:
        wanted = theirs.transpose("doy", "lat", "lon").load()
    found = e5.marine_heatwaves(as_xarray(values, time), definition="heatwaver", max_pad_length=3, progress=False)
    apart = np.abs(found.threshold.values - wanted.thresh.values)
    away = np.r_[0:30, 95:366]  # it fills 29 February of all years first, and so gaps there are other ones
    assert np.max(apart[away]) < 1e-6


def test_sea_ice_has_no_category():
    values, time = sample(cells=(1,))
    constant = np.full_like(values, -1.8)
    constant[400:420] = 0
    events = e5.marine_heatwaves(constant, time=time).events
    assert np.isnan(events.category).sum() + (events.category > 0).sum() == len(events) > 0
    missing = np.full_like(values, np.nan)
    assert len(e5.marine_heatwaves(missing, time=time).events) == 0


@pytest.fixture(scope="module")
def heatwave3_run(tmp_path_factory):
    heatwave3 = pytest.importorskip("heatwave3")
    values, time = sample(years=6)
    folder = tmp_path_factory.mktemp("heatwave3")
    field = as_xarray(values, time).rename(latitude="lat", longitude="lon")
    field.to_netcdf(folder / "sst.nc")
    result = {}
    for cold in (False, True):
        written = heatwave3.detect3(
            str(folder / "sst.nc"),
            str(folder / f"out{cold}"),
            climatologyPeriod=("1991-01-01", "1996-12-31"),
            pctile=10 if cold else 90,
            coldSpells=cold,
            category=True,
            roundClm=10,
            roundRes=10,
            quiet=True,
        )
        with xr.open_dataset(written["clim"]) as clim:
            normal = clim.transpose("doy", "lat", "lon").load()
        events = heatwave3.hw3_export(written["events"]).sort_values(["lat", "lon", "date_start"])
        result[cold] = normal, events.reset_index(drop=True)
    return values, time, result


@pytest.mark.parametrize("cold", [False, True])
def test_heatwave3_finds_the_same_events(heatwave3_run, cold):
    values, time, result = heatwave3_run
    normal, wanted = result[cold]
    found = e5.spells(
        values,
        normal.thresh.values,
        climatology=normal.seas.values,
        op="<" if cold else ">",
        leap_day="own",
        min_days=5,
        max_gap=2,
        deviation="sample",
        maximum="own",
        edge_rates="missing",
        time=time,
    )
    assert len(found) == len(wanted) > 100
    for ours, theirs in (("start", "date_start"), ("peak", "date_peak"), ("end", "date_end")):
        np.testing.assert_array_equal(found[ours].to_numpy(), wanted[theirs].to_numpy())
    np.testing.assert_array_equal(found.duration, wanted.duration)
    for kind in ("mean", "max", "var", "cumulative"):
        for ours, theirs in (("", ""), ("_threshold", "_relThresh"), ("_abs", "_abs")):
            got, other = found[f"intensity_{kind}{ours}"], wanted[f"intensity_{kind}{theirs}"]
            np.testing.assert_allclose(got, other, atol=1e-9, err_msg=f"{kind}{ours}")
    np.testing.assert_allclose(found.rate_onset, wanted.rate_onset, atol=1e-9)
    np.testing.assert_allclose(found.rate_decline, wanted.rate_decline, atol=1e-9)
    words = wanted.category.astype(str).str.split().str[0].map({"I": 1, "II": 2, "III": 3, "IV": 4})
    np.testing.assert_array_equal(found.category, words)


@pytest.mark.parametrize("cold", [False, True])
def test_heatwave3_has_the_same_climatology_but_around_29_february(heatwave3_run, cold):
    values, time, result = heatwave3_run
    normal, _ = result[cold]
    found = e5.marine_heatwaves(as_xarray(values, time), definition="heatwaver", cold=cold)
    apart = np.r_[:39, 80:366]  # it fills 29 February of other years with a rounded mean, which spreads
    np.testing.assert_allclose(found.climatology.values[apart], normal.seas.values[apart], atol=1e-9)
    np.testing.assert_allclose(found.threshold.values[apart], normal.thresh.values[apart], atol=1e-9)
    np.testing.assert_allclose(found.threshold.values, normal.thresh.values, atol=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"definition": "xmhw"}, "definition"),
        ({"min_day": 5}, "min_day"),
        ({"window": 4}, "odd|window"),
        ({"base_period": ("1950", "1960")}, "base"),
    ],
)
def test_bad_input_of_marine_heatwaves(change, message):
    values, time = sample()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match=message):
            e5.marine_heatwaves(values, time=time, **change)


# --- excess heat ---


@pytest.mark.parametrize("switches", [{}, {"backward": True}, {"zero": True}, {"cold": True}, {"type": 8}])
def test_excess_heat_is_that_of_the_slow_twin(switches):
    values, time = sample(years=3, cells=(2, 17))
    values[100, 0, 0] = np.nan
    given = {
        "direction": "backward" if switches.get("backward") else "forward",
        "negative": "zero" if switches.get("zero") else "keep",
        "cold": switches.get("cold", False),
        "type": switches.get("type", 7),
    }
    found = e5.excess_heat(values, time=time, **given)
    for cell in ((0, 0), (0, 1), (1, 16)):
        factor, severity = slow.excess_heat(values[:, *cell].astype("f8").tolist(), **switches)
        np.testing.assert_allclose(found.factor[:, *cell], factor, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(found.severity[:, *cell], severity, rtol=1e-9, atol=1e-9)


def test_excess_heat_of_two_temperatures_and_of_a_threshold_per_day():
    values, time = sample(years=3)
    half = values.astype("f8")
    wanted = e5.excess_heat(half, time=time)
    found = e5.excess_heat(half + 3, half - 3, time=time)
    np.testing.assert_allclose(found.factor, wanted.factor, rtol=1e-9, atol=1e-9)
    limits = np.random.default_rng(0).normal(20, 1, (365, 3, 6))
    days = np.minimum(time.astype(int) - time.astype("datetime64[Y]").astype("datetime64[D]").astype(int), 365)
    leap = np.array([int(str(day)[:4]) % 4 == 0 for day in time])
    slots = np.where(leap & (days >= 59), days - 1, days)
    found = e5.excess_heat(half, threshold=limits, time=time)
    factor, _ = slow.excess_heat(half[:, 1, 2].tolist(), threshold=limits[slots, 1, 2].tolist())
    np.testing.assert_allclose(found.factor[:, 1, 2], factor, rtol=1e-9, atol=1e-9)


def test_thermofeel_has_the_same_factor():
    thermofeel = pytest.importorskip("thermofeel")
    values, time = sample(years=2, cells=(4,))
    mean = values.astype("f8")
    three = np.stack([mean[i : i + 3].mean(axis=0) for i in range(30, len(mean) - 2)])
    thirty = np.stack([mean[i - 30 : i].mean(axis=0) for i in range(30, len(mean) - 2)])
    for cold, percentile, function in ((False, 95, "excess_heat_factor"), (True, 5, "excess_cold_factor")):
        limit = np.percentile(mean, percentile, axis=0)
        wanted = getattr(thermofeel.excess_heat, function)(three - limit, three - thirty)
        found = e5.excess_heat(mean, cold=cold, time=time).factor
        np.testing.assert_allclose(found[30:-2], wanted, rtol=1e-9, atol=1e-9)
        assert np.isnan(found[:30]).all()
        assert np.isnan(found[-2:]).all()


# --- aspects, hwmid ---


@pytest.mark.parametrize("tail", [0, 14])
def test_aspects_are_those_of_the_slow_twin(tail):
    values, time = sample(years=3)
    values[50:60, 0, 0] = values[145:165, 0, 0] = values[265:300, 0, 0] = 40  # at both borders of the season
    month = time.astype("datetime64[M]").astype(int) % 12 + 1
    year = time.astype("datetime64[Y]").astype(int) - 21
    season = np.where((month >= 5) & (month <= 9), year, -1)
    place = time.astype(int) - time.astype("datetime64[Y]").astype("datetime64[D]").astype(int) + 1
    found = e5.heatwave_aspects(values, 19.0, tail=tail, months=[5, 6, 7, 8, 9], time=time)
    for cell in np.ndindex(3, 6):
        x = values[:, *cell].astype("f8")
        wanted = slow.heatwave_aspects((x > 19).tolist(), x.tolist(), season.tolist(), place.tolist(), tail=tail)
        for name in ("hwn", "hwf", "hwd", "hwm", "hwa", "hwt"):
            np.testing.assert_allclose(getattr(found, name)[:, *cell], [w[name] for w in wanted], err_msg=name)


def test_aspects_take_another_magnitude():
    values, time = sample(years=3)
    found = e5.heatwave_aspects(values, 19.0, values * 2, time=time)
    wanted = e5.heatwave_aspects(values, 19.0, time=time)
    np.testing.assert_allclose(found.hwm, 2 * wanted.hwm)
    np.testing.assert_array_equal(found.hwf, wanted.hwf)


def test_hwmid_is_that_of_the_slow_twin():
    values, time = sample(years=6)
    values[:, 2, 5] = 3.0  # no range: no index
    years = time.astype("datetime64[Y]").astype(int)
    found = e5.hwmid(values, 18.5, time=time)
    for cell in np.ndindex(3, 6):
        x = values[:, *cell].astype("f8")
        if cell == (2, 5):
            assert np.isnan(found.magnitude[:, *cell]).all()
            continue
        wanted = slow.hwmid(x, (x > 18.5).tolist(), years)
        np.testing.assert_allclose(found.magnitude[:, *cell], wanted, rtol=1e-12)
        np.testing.assert_array_equal(found.duration[:, *cell] > 0, np.array(wanted) > 0)


def test_a_year_that_the_data_have_in_part_gives_hwmid_no_annual_maximum():
    values, time = sample(years=6)
    whole = e5.hwmid(values[365:], 18.5, time=time[365:]).magnitude
    for start in (353, 300):
        cut = e5.hwmid(values[start:-90], 18.5, time=time[start:-90], missing="none").magnitude
        wanted = e5.hwmid(values[365:-366], 18.5, time=time[365:-366]).magnitude
        np.testing.assert_array_equal(cut[1:-1], wanted)
        assert not np.array_equal(cut[1:-1], whole[:-1])
    with pytest.raises(InputError, match="no whole year"):
        e5.hwmid(values[:200], 18.5, time=time[:200], missing="none")


def test_heatwaves_of_unknown_magnitude_leave_the_amplitude_to_the_others():
    time = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
    values = np.full((365, 1, 3), 10.0)
    magnitude = values.copy()
    for first in (100, 150, 200):
        values[first : first + 5] = 30
    magnitude[100:105] = magnitude[200:205] = np.nan
    magnitude[150:155, 0, 0] = [1, 2, 7, 2, 1]
    magnitude[150:155, 0, 1] = np.nan
    magnitude[100:105, 0, 2], magnitude[150:155, 0, 2] = [4, np.nan, 5, 4, 4], np.nan
    found = e5.heatwave_aspects(values, 20.0, magnitude, time=time, missing="none")
    np.testing.assert_array_equal(found.hwa, [[[7, np.nan, 5]]])
    np.testing.assert_array_equal(found.hwn, [[[3, 3, 3]]])


def test_frich_heatwave_duration_is_a_spell_statistic():
    """HWDI: days in runs of at least six that are more than five degrees above the mean of the day of the year."""
    from xclim.indices import heat_wave_index

    values, time = sample(years=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = heat_wave_index(as_xarray(values, time), thresh="19 degC", window=5)
    found = e5.spell_statistics(as_xarray(values, time), 19.0, min_length=5)
    np.testing.assert_array_equal(found["total"], wanted)


# --- definitions by name (era5fast.heatwave_kinds)


@pytest.mark.parametrize("units", ["degC", "K"])
def test_heatwaves_by_name_are_those_of_xclim(units):
    import xclim

    values, time = sample(years=3)
    shift = 273.15 if units == "K" else 0.0
    tx, tn = (as_xarray(values.astype("f8") * 2 + low + shift, time, units) for low in (-2, -8))
    tg = as_xarray(values.astype("f8") - 25 + shift, time, units)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        waves = xclim.indices.heat_wave_total_length(tn, tx)
        hot = xclim.indices.hot_spell_total_length(tx)
        cold = xclim.indices.cold_spell_days(tg, freq="YS")
    np.testing.assert_array_equal(e5.heatwaves("heat_wave", tx=tx, tn=tn)["total"], waves)
    np.testing.assert_array_equal(e5.heatwaves("hot_spell", tx=tx)["total"], hot)
    np.testing.assert_array_equal(e5.heatwaves("cold_spell", tg=tg)["total"], cold)
    assert hot.sum() > 0
    assert cold.sum() > 0


@pytest.mark.parametrize("kind", ["hwdi", "hwfi"])
def test_heatwaves_above_normal(kind):
    values, time = sample(years=12)
    values[[*range(400, 410), *range(900, 907)]] += 15
    found = e5.heatwaves(kind, tx=values, tg=values, base_period=None, time=time)
    month_day = np.array([str(day)[5:] for day in time])
    dates = [str(day)[5:] for day in np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")]
    real = month_day != "02-29"
    compact, slots = values[real].astype("f8"), np.array([dates.index(d) for d in month_day[real]])
    limits = np.empty((365, 3, 6))
    for slot in range(365):
        near = np.concatenate([np.arange(t - 2, t + 3) for t in np.flatnonzero(slots == slot)])
        pool = compact[near[(near >= 0) & (near < len(compact))]]
        limits[slot] = (
            pool.mean(axis=0) + 5 if kind == "hwdi" else np.quantile(pool, 0.9, axis=0, method="median_unbiased")
        )
    wanted = e5.spell_statistics(values, limits, min_length=6, time=time)
    np.testing.assert_array_equal(found.total, wanted.total)
    assert found.total.sum() > 0


@pytest.mark.parametrize("change", [{"kind": "warm"}, {"kind": "heat_wave"}])
def test_heatwaves_that_cannot_be(change):
    values, time = sample(years=1)
    with pytest.raises(InputError, match="heatwaves: "):
        e5.heatwaves(**change, tx=values, time=time)


def test_climatology_refuses_what_percentiles_refuse():
    values, time = sample()
    with pytest.raises(InputError):
        e5.heatwave_climatology(values, percentile=120, time=time)


def test_labelled_temperatures_without_units_are_refused(tmp_path) -> None:
    time = np.arange("2001-01-01", "2002-01-01", dtype="M8[D]")
    x = xr.DataArray(np.full((365, 1, 1), 305.0, "f4"), dims=("time", "latitude", "longitude"), name="t2m")
    x = x.assign_coords(time=time.astype("M8[ns]"), latitude=[50.0], longitude=[10.0])
    with pytest.raises(InputError, match="tx has no units"):
        e5.heatwaves("hot_spell", tx=x)
    with pytest.raises(InputError, match="tn has no units"):
        e5.heatwaves("heat_wave", tx=x.assign_attrs(units="K"), tn=x)
    x.attrs["units"] = "K"
    (x - 10).assign_attrs(units="K").to_netcdf(tmp_path / "cool.nc")
    assert int(e5.heatwaves("hot_spell", tx=x)["total"].sum()) == 365
    assert int(e5.heatwaves("hot_spell", tx=str(tmp_path / "cool.nc"))["total"].sum()) == 0  # its limit is in K


def test_heatwaves_count_days():
    months = np.arange("1990-01", "1995-01", dtype="datetime64[M]").astype("datetime64[D]")
    with pytest.raises(InputError, match="heatwaves counts days, and a step of the data is 31 days"):
        e5.heatwaves("hot_spell", tx=np.full((60, 1), 35.0), time=months)

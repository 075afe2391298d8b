"""Potential evapotranspiration: slow twins, the worked examples of FAO-56, xclim."""

from __future__ import annotations

import calendar
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import xclim
from samples import write

import era5fast as e5
from era5fast.errors import InputError
from tests.reference import evapotranspiration as slow

LATITUDES = np.array([-80.0, -20.0, 0.0, 50.8, 75.0])
YEARS = 3


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def daily(dtype: str = "float64", seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Two years and a half of weather, with missing values."""
    rng = np.random.default_rng(seed)
    time = np.arange("2003-06-01", "2005-12-01", dtype="datetime64[D]")
    shape = (len(time), len(LATITUDES), 4)
    mean = rng.normal(8, 12, shape)
    weather = {
        "tmin": mean - rng.gamma(2.0, 2.0, shape),
        "tmax": mean + rng.gamma(2.0, 2.0, shape),
        "dewpoint": mean - rng.gamma(2.0, 4.0, shape),
        "wind": rng.gamma(2.0, 2.0, shape),
        "radiation": rng.normal(8, 6, shape),
        "pressure": rng.normal(95, 4, shape),
    }
    for values in weather.values():
        values[rng.random(shape) < 0.01] = np.nan
    return {name: values.astype(dtype) for name, values in weather.items()}, time


def monthly(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    time = np.arange("2003-01", f"{2003 + YEARS}-01", dtype="datetime64[M]").astype("datetime64[D]")
    season = 10 - 12 * np.cos(np.arange(12 * YEARS) / 6 * np.pi)
    return season[:, None, None] + rng.normal(0, 2, (len(time), len(LATITUDES), 3)), time


def yearday(date: np.datetime64) -> int:
    return int((date - date.astype("datetime64[Y]")).astype(int)) + 1


def days_of_month(date: np.datetime64) -> range:
    first = yearday(date.astype("datetime64[M]").astype("datetime64[D]"))
    year, month = (int(part) for part in str(date)[:7].split("-"))
    return range(first, first + calendar.monthrange(year, month)[1])


def axes(time: np.ndarray, width: int = 4) -> dict[str, np.ndarray]:
    return {"time": time, "latitude": LATITUDES, "longitude": np.arange(float(width))}


def cells(values: np.ndarray):
    return np.ndindex(values.shape[1:])


def one(value: float) -> np.ndarray:
    return np.array([[[float(value)]]])


# --- FAO-56: worked examples ---


def test_radiation_at_the_top_is_that_of_example_8() -> None:
    found = e5.hargreaves(one(0), one(1), one(10), -20.0, time=["2001-09-03"])
    assert found / (0.0023 * 0.408 * 27.8) == pytest.approx(32.2, abs=0.05)


def test_brussels_in_july_is_that_of_example_18() -> None:
    pressure = math.log(1.409 / 0.6108)
    dewpoint = one(237.3 * pressure / (17.27 - pressure))
    net = e5.net_radiation(one(22.07), one(12.3), one(21.5), dewpoint, one(100.1), 50.8, time=["2001-07-06"])
    assert net == pytest.approx(13.28, abs=0.01)
    found = e5.penman_monteith(one(12.3), one(21.5), dewpoint, one(10 / 3.6), net, one(100.1), time=["2001-07-06"])
    assert found == pytest.approx(3.88, abs=0.005)


def test_lyon_in_july_is_that_of_example_20() -> None:
    time, latitude = ["2001-07-15"], 45 + 43 / 60
    assert e5.hargreaves(one(14.8), one(26.6), None, latitude, time=time) == pytest.approx(5.0, abs=0.05)
    net = e5.net_radiation(one(22.29), one(14.8), one(26.6), one(14.8), one(98.96), latitude, time=time)
    found = e5.penman_monteith(one(14.8), one(26.6), one(14.8), one(2), net, one(98.96), wind_height=2, time=time)
    assert found == pytest.approx(4.56, abs=0.005)


def test_bangkok_in_april_is_that_of_example_17() -> None:
    """Mean monthly data: the ground takes up heat from March to April."""
    pressure = math.log(2.85 / 0.6108)
    dewpoint = np.full((2, 1, 1), 237.3 * pressure / (17.27 - pressure))
    tmin, tmax = np.array([24.6, 25.6]).reshape(2, 1, 1), np.array([33.8, 34.8]).reshape(2, 1, 1)
    found = e5.penman_monteith(
        tmin, tmax, dewpoint, np.full((2, 1, 1), 2.0), np.full((2, 1, 1), 14.33), wind_height=2,
        time=["2001-03-01", "2001-04-01"],
    )  # fmt: skip
    assert found[1] == pytest.approx(5.72, abs=0.01)


# --- slow twins ---


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
@pytest.mark.parametrize("sun", ["fao56", "spencer"])
def test_hargreaves_is_that_of_the_slow_twin(dtype: str, sun: str) -> None:
    weather, time = daily(dtype)
    tmin, tmax = weather["tmin"], weather["tmax"]
    tmin[5], tmax[5] = tmax[5].copy(), tmin[5].copy()  # a minimum above the maximum
    e5.set_num_threads(1)
    found = e5.hargreaves(tmin, tmax, sun=sun, **axes(time))
    assert found.dtype == np.dtype(dtype).newbyteorder("=")
    for cell in cells(tmin):
        wanted = [
            slow.hargreaves(float(a), float(b), slow.top(LATITUDES[cell[0]], yearday(date), sun))
            for a, b, date in zip(tmin[(slice(None), *cell)], tmax[(slice(None), *cell)], time, strict=True)
        ]
        tolerance = 1e-10 if dtype == "float64" else 1e-6
        assert found[(slice(None), *cell)] == pytest.approx(wanted, rel=tolerance, abs=1e-9, nan_ok=True)
    e5.set_num_threads(4)
    again = e5.hargreaves(np.asfortranarray(tmin), tmax, sun=sun, **axes(time))
    assert np.array_equal(found, again, equal_nan=True)


def test_net_radiation_and_penman_monteith_are_those_of_the_slow_twin() -> None:
    weather, time = daily()
    weather["radiation"] = np.abs(weather["radiation"])
    order = ("tmin", "tmax", "dewpoint")
    net = e5.net_radiation(
        weather["radiation"], *(weather[name] for name in order), weather["pressure"], **axes(time)
    )
    found = e5.penman_monteith(*(weather[name] for name in (*order, "wind")), net, weather["pressure"], time=time)
    sea = e5.penman_monteith(*(weather[name] for name in (*order, "wind")), net, wind_height=2, time=time)
    for cell in cells(net):
        at = (slice(None), *cell)
        tops = [slow.top(LATITUDES[cell[0]], yearday(date)) for date in time]
        names = ("radiation", *order, "pressure")
        values = list(zip(*(weather[name][at].tolist() for name in names), strict=True))
        wanted = [slow.net_radiation(v[0], top, *v[1:]) for v, top in zip(values, tops, strict=True)]
        assert net[at] == pytest.approx(wanted, rel=1e-10, abs=1e-9, nan_ok=True)
        both = list(zip(values, weather["wind"][at].tolist(), wanted, strict=True))
        evaporated = [slow.penman_monteith(*v[1:4], wind, radiation, v[4]) for v, wind, radiation in both]
        assert found[at] == pytest.approx(evaporated, rel=1e-10, abs=1e-9, nan_ok=True)
        low = [slow.penman_monteith(*v[1:4], wind, radiation, wind_height=2) for v, wind, radiation in both]
        assert sea[at] == pytest.approx(low, rel=1e-10, abs=1e-9, nan_ok=True)


def test_months_have_the_mean_sun_of_their_days_and_heat_in_the_ground() -> None:
    mean, time = monthly()
    mean[7, 3, 1] = np.nan
    found = e5.hargreaves(mean - 5, mean + 5, **axes(time, 3))
    wind, net = np.full(mean.shape, 2.0), np.full(mean.shape, 10.0)
    evaporated = e5.penman_monteith(mean - 5, mean + 5, mean - 8, wind, net, time=time)
    for cell in cells(mean):
        series = mean[(slice(None), *cell)].tolist()
        tops = [slow.mean_over(slow.top, LATITUDES[cell[0]], days_of_month(date), "fao56") for date in time]
        wanted = [slow.hargreaves(t - 5, t + 5, top) for t, top in zip(series, tops, strict=True)]
        assert found[(slice(None), *cell)] == pytest.approx(wanted, rel=1e-10, abs=1e-9, nan_ok=True)
        heats = slow.heat_of_months(series)
        wanted = [
            slow.penman_monteith(t - 5, t + 5, t - 8, 2, 10, heat=heat) for t, heat in zip(series, heats, strict=True)
        ]
        assert evaporated[(slice(None), *cell)] == pytest.approx(wanted, rel=1e-10, nan_ok=True)


def test_months_that_do_not_follow_each_other_leave_no_heat() -> None:
    mean, time = monthly()
    kept = np.r_[0:6, 8:36]
    wind, net = np.full(mean.shape, 2.0), np.full(mean.shape, 10.0)
    found = e5.penman_monteith(*(x[kept] for x in (mean - 5, mean + 5, mean - 8, wind, net)), time=time[kept])
    series = mean[:, 0, 0].tolist()
    heats = slow.heat_of_months(series[:6]) + slow.heat_of_months(series[8:])
    wanted = [
        slow.penman_monteith(series[i] - 5, series[i] + 5, series[i] - 8, 2, 10, heat=heat)
        for i, heat in zip(kept, heats, strict=True)
    ]
    assert found[:, 0, 0] == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("heat_index", ["climatology", "year"])
@pytest.mark.parametrize("month_length", ["thirty_days", "calendar"])
def test_thornthwaite_is_that_of_the_slow_twin(heat_index: str, month_length: str) -> None:
    t, time = monthly()
    t[4, 1, 1] = np.nan
    t[3::12, 2, 2] = np.nan  # never an April
    t[:, 4, 0] -= 60  # never above zero
    e5.set_num_threads(1)
    found = e5.thornthwaite(t, heat_index=heat_index, month_length=month_length, **axes(time, 3))
    for cell in cells(t):
        spans = [days_of_month(date) for date in time]
        daylight = [slow.mean_over(slow.hours, LATITUDES[cell[0]], span, "fao56") for span in spans]
        days = [30.0 if month_length == "thirty_days" else float(len(span)) for span in spans]
        wanted = slow.thornthwaite(t[(slice(None), *cell)].tolist(), daylight, days, heat_index == "year")
        assert found[(slice(None), *cell)] == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)
    e5.set_num_threads(3)
    again = e5.thornthwaite(t, heat_index=heat_index, month_length=month_length, **axes(time, 3))
    assert np.array_equal(found, again, equal_nan=True)


def test_years_that_are_not_whole_have_no_heat_index_of_their_own() -> None:
    t, time = monthly()
    found = e5.thornthwaite(t[6:], heat_index="year", **axes(time[6:], 3))
    assert np.isnan(found[:6]).all()
    assert np.array_equal(found[6:], e5.thornthwaite(t, heat_index="year", **axes(time, 3))[12:])
    base = e5.thornthwaite(t, base_period=("2004", "2004"), **axes(time, 3))
    assert np.array_equal(base[12:24], e5.thornthwaite(t, heat_index="year", **axes(time, 3))[12:24])


@pytest.mark.parametrize(("name", "days"), [("noleap", 365), ("360_day", 360), ("all_leap", 366)])
def test_other_calendars(name: str, days: int) -> None:
    time = xr.date_range("2001-01-01", periods=days, freq="D", calendar=name, use_cftime=True).values
    tmin, tmax = np.full((days, 1), 10.0), np.full((days, 1), 20.0)
    found = e5.hargreaves(tmin, tmax, None, 48.0, time=time)[:, 0]
    stretch = 365 / 360 if days == 360 else 1
    wanted = [slow.hargreaves(10, 20, slow.top(48, 1 + day * stretch)) for day in range(days)]
    assert found == pytest.approx(wanted, rel=1e-10)


def test_the_sun_of_polar_days_and_nights() -> None:
    time = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
    warm = np.full((365, 1), 20.0)
    found = e5.hargreaves(warm - 5, warm + 5, None, np.array([90.0]), time=time)[:, 0]
    assert found[171] > 5
    assert np.flatnonzero(found).tolist() == list(range(80, 263))  # one day and one night a year
    dark = e5.net_radiation(np.zeros((365, 1)), warm - 40, warm - 30, warm - 42, None, 90.0, time=time)
    assert np.isfinite(dark).all()
    assert (dark < 0).all()


# --- xclim ---


def labelled(values: np.ndarray, time: np.ndarray, units: str, name: str = "x") -> xr.DataArray:
    coords = {"time": time, "lat": LATITUDES, "lon": np.arange(float(values.shape[2]))}
    coords["lat"] = xr.DataArray(LATITUDES, dims="lat", attrs={"units": "degrees_north"})
    return xr.DataArray(values, coords, ("time", "lat", "lon"), name, {"units": units})


def noleap(freq: str, periods: int) -> np.ndarray:
    return xr.date_range("2001-01-01", periods=periods, freq=freq, calendar="noleap", use_cftime=True).values


def mm_per_day(pet: xr.DataArray) -> np.ndarray:
    return pet.transpose("time", "lat", "lon").values * 86400


def test_hargreaves_is_that_of_xclim() -> None:
    weather, _ = daily()
    time = noleap("D", 730)
    tmin, tmax = (labelled(weather[name][:730], time, "degC", name) for name in ("tmin", "tmax"))
    theirs = xclim.indices.potential_evapotranspiration(tasmin=tmin, tasmax=tmax, lat=tmin.lat, method="HG85")
    found = e5.hargreaves(tmin + 0, (tmax + 273.15).assign_attrs(units="K"), sun="spencer")
    assert found.attrs["units"] == "mm d-1"
    assert found.values == pytest.approx(mm_per_day(theirs), rel=1e-6, abs=1e-6, nan_ok=True)
    ours = e5.hargreaves(tmin, tmax)[:, 1:4]
    assert ours.values == pytest.approx(mm_per_day(theirs)[:, 1:4], rel=0.1, abs=0.02, nan_ok=True)


def test_thornthwaite_is_that_of_xclim() -> None:
    t, _ = monthly()
    time = noleap("MS", 36)
    data = labelled(t, time, "degC")
    theirs = xclim.indices.potential_evapotranspiration(tas=data, lat=data.lat, method="TW48")
    found = e5.thornthwaite(data, heat_index="year", month_length="calendar", sun="spencer")
    sunny = np.abs(LATITUDES) < 66  # they have no value where the sun does not set
    assert found.values[:, sunny] == pytest.approx(mm_per_day(theirs)[:, sunny], rel=1e-3, abs=1e-4)


def test_penman_monteith_is_that_of_xclim_given_the_same() -> None:
    weather, _ = daily()
    time = noleap("D", 730)
    tmin, tmax, dewpoint = (labelled(weather[n][:730], time, "degC", n) for n in ("tmin", "tmax", "dewpoint"))
    wind = labelled(weather["wind"][:730], time, "m s-1")
    net = labelled(weather["radiation"][:730], time, "MJ m-2 d-1")
    pressure = labelled(weather["pressure"][:730] * 1000, time, "Pa")
    found = e5.penman_monteith(tmin, tmax, dewpoint, wind, net, pressure)

    def kilopascals(t: xr.DataArray) -> xr.DataArray:
        return (0.6108 * np.exp(17.27 * t / (t + 237.3))).assign_attrs(units="kPa")

    mean = ((tmin + tmax) / 2).assign_attrs(units="degC")
    theirs = xclim.indices.converters.fao_allen98(
        net,
        (mean - 0.15).assign_attrs(units="degC"),  # the equation has 273, they 273.15
        (wind * (4.87 / np.log(672.58))).assign_attrs(units="m s-1"),
        ((kilopascals(tmin) + kilopascals(tmax)) / 2).assign_attrs(units="kPa"),
        kilopascals(dewpoint),
        (4098 * kilopascals(mean) / (mean + 237.3) ** 2).assign_attrs(units="kPa degC-1"),
        (0.665e-6 * pressure).assign_attrs(units="kPa degC"),
    )
    assert found.values == pytest.approx(theirs.values, rel=1e-9, abs=1e-9, nan_ok=True)
    everything = xclim.indices.potential_evapotranspiration(
        tasmin=tmin, tasmax=tmax, lat=tmin.lat, method="FAO_PM98", sfcWind=wind,
        hurs=(kilopascals(dewpoint) / ((kilopascals(tmin) + kilopascals(tmax)) / 2) * 100).assign_attrs(units="%"),
        rsds=net, rsus=net * 0, rlds=(net * 0).assign_attrs(units="MJ m-2 d-1"),
        rlus=(net * 0).assign_attrs(units="MJ m-2 d-1"),
    )  # fmt: skip
    sea = e5.penman_monteith(tmin, tmax, dewpoint, wind, net)
    apart = np.abs(sea.values - mm_per_day(everything))
    narrow = (tmax - tmin).values < 10  # the slopes differ with the range of temperatures
    assert np.nanmax(apart[narrow]) < 0.2
    assert np.nanmean(apart) < 0.03


# --- ways in ---


#: Prints the hash of everything, computed from arrays in a file.
BITS = """
import hashlib, sys
import numpy as np, era5fast as e5
x = np.load(sys.argv[1])
air, sun = [x[name] for name in ("tmin", "tmax", "dewpoint")], {"cell_latitude": x["latitude"], "time": x["time"]}
net = e5.net_radiation(x["radiation"], *air, x["pressure"], **sun)
evaporated = e5.penman_monteith(*air, x["wind"], net, time=x["time"])
monthly = e5.thornthwaite(x["t"], x["latitude"][:, :3], time=x["months"])
found = [net, evaporated, monthly, e5.hargreaves(*air[:2], **sun)]
print(hashlib.sha256(b"".join(values.tobytes() for values in found)).hexdigest())
"""


def test_bits_do_not_depend_on_the_instruction_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    weather, time = daily("float32")
    t, months = monthly()
    latitude = np.linspace(-85, 85, 20).reshape(5, 4)
    np.savez(tmp_path / "x.npz", **weather, time=time, t=t, months=months, latitude=latitude)
    seen = set()
    for isa in ("baseline", "avx2", "avx512"):
        monkeypatch.setenv("ERA5FAST_ISA", isa)
        command = [sys.executable, "-c", BITS, str(tmp_path / "x.npz")]
        seen.add(subprocess.run(command, check=True, capture_output=True).stdout)
    assert len(seen) == 1


def test_files_are_as_good_as_arrays(tmp_path: Path) -> None:
    weather, time = daily("float32")
    seconds = time.astype("datetime64[s]").astype("int64")
    where = {"latitude": LATITUDES, "longitude": np.arange(4.0)}
    paths = [
        write(tmp_path / f"{name}.nc", weather[name], seconds, name=name, attrs={"units": "degC"}, **where)
        for name in ("tmin", "tmax")
    ]
    found = e5.hargreaves(*map(str, paths))
    assert found.dims == ("time", "latitude", "longitude")
    assert found.attrs["long_name"] == "Potential evapotranspiration"
    wanted = e5.hargreaves(weather["tmin"], weather["tmax"], **axes(time))
    assert np.array_equal(found.values, wanted, equal_nan=True)


def test_each_cell_has_the_sun_of_its_own_latitude() -> None:
    """Latitudes may be a map, as on a rotated grid; cells in another order give the same."""
    weather, time = daily()
    latitude = np.linspace(-85, 85, 20).reshape(5, 4)
    tmin, tmax = weather["tmin"], weather["tmax"]
    found = e5.hargreaves(tmin, tmax, None, latitude, time=time)
    turned = e5.hargreaves(tmin[:, ::-1], tmax[:, ::-1], None, latitude[::-1], time=time)
    assert np.array_equal(found[:, ::-1], turned, equal_nan=True)
    single = e5.hargreaves(tmin[:, 2, 1], tmax[:, 2, 1], None, latitude[2, 1], time=time)
    assert np.array_equal(found[:, 2, 1], single, equal_nan=True)


# --- from here to SPEI ---


def test_the_water_balance_goes_into_spei() -> None:
    rng = np.random.default_rng(1)
    time = np.arange("1981-01", "2021-01", dtype="datetime64[M]").astype("M8[ns]")
    t = 283 - 12 * np.cos(np.arange(480) / 6 * np.pi)[:, None, None] + rng.normal(0, 2, (480, len(LATITUDES), 2))
    pr = labelled(rng.gamma(2.0, 1.5, t.shape), time, "mm d-1")
    pet = e5.thornthwaite(labelled(t, time, "K"))
    index = e5.spei(pr - pet, 6)
    assert np.isnan(index[:5]).all()
    assert abs(float(index.mean())) < 0.05
    assert 0.9 < float(index.std()) < 1.1


# --- bad input ---


def test_units_are_checked() -> None:
    weather, time = daily()
    tmin = labelled(weather["tmin"], time.astype("M8[ns]"), "degC")
    with pytest.raises(InputError, match="tmax is in mm"):
        e5.hargreaves(tmin, tmin.assign_attrs(units="mm"))
    with pytest.raises(InputError, match="tmax has no units"):
        e5.hargreaves(tmin, tmin.assign_attrs(units=""))
    wind = tmin.assign_attrs(units="m s-1")
    with pytest.raises(InputError, match="differ by a time"):
        e5.penman_monteith(tmin, tmin, tmin, wind, tmin.assign_attrs(units="J m**-2"))


def test_steps_must_be_days_or_months() -> None:
    values = np.zeros((10, 1))
    hours = np.arange("2001-01-01T00", "2001-01-01T10", dtype="datetime64[h]")
    with pytest.raises(InputError, match="neither days nor months"):
        e5.hargreaves(values, values, None, 0.0, time=hours)
    with pytest.raises(InputError, match="steps are not months"):
        e5.thornthwaite(values, 0.0, time=np.arange("2001-01-01", "2001-01-11", dtype="datetime64[D]"))
    uneven = np.array(["2001-01-01", "2001-01-31", "2001-03-02", "2001-04-01"], "M8[D]")
    with pytest.raises(InputError, match="fall in one month"):
        e5.thornthwaite(values[:4], 0.0, time=uneven)
    months = np.arange("2001-01", "2001-11", dtype="datetime64[M]").astype("M8[D]")
    with pytest.raises(InputError, match="1961 to 1990 lies outside of the data, which are of 2001 to 2001"):
        e5.thornthwaite(values, 0.0, base_period=("1961", "1990"), time=months)
    with pytest.raises(InputError, match="the grid is not known"):
        e5.thornthwaite(values, time=months)

"""Fire weather: slow twin, published values, xclim, carry-over of the codes, missing days, units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from xclim.indices import fire as theirs_of_fire
from xclim.indices.fire import cffwis_indices

import era5fast as e5
from era5fast import fire
from era5fast.errors import InputError
from tests.reference import fire_weather as slow

pytestmark = pytest.mark.native

NAMES = ("ffmc", "dmc", "dc", "isi", "bui", "fwi", "dsr")
LATITUDES = np.array([65.0, 30.0, 20.0, 15.0, 0.0, -15.0, -15.5, -30.0, -50.0])


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def weather(days: int = 500, columns: int = 3, dtype: str = "float64", seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (days, len(LATITUDES), columns)
    rain = np.where(rng.random(shape) < 0.6, 0, rng.exponential(9, shape))
    values = {
        "temperature": rng.uniform(-12, 42, shape),
        "relative_humidity": rng.uniform(0, 104, shape),
        "wind_speed": rng.uniform(0, 70, shape),
        "precipitation": rain,
    }
    return {name: value.astype(dtype) for name, value in values.items()}


def axes(days: int = 500, columns: int = 3, start: str = "2003-11-20") -> dict[str, np.ndarray]:
    time = np.datetime64(start) + np.arange(days)
    return {"time": time, "latitude": LATITUDES, "longitude": np.arange(float(columns)), "progress": False}


def months(time: np.ndarray) -> np.ndarray:
    return time.astype("datetime64[M]").astype(int) % 12 + 1


@pytest.mark.parametrize("form", ["van_wagner", "cffdrs"])
def test_values_are_those_of_the_slow_twin(form: str) -> None:
    values, where = weather(), axes()
    rng = np.random.default_rng(5)
    for each in values.values():
        each[rng.random(each.shape) < 0.01] = np.nan
    got = np.stack(e5.fire_weather(**values, **where, form=form))
    for row, latitude in enumerate(LATITUDES):
        for column in range(3):
            series = [value[:, row, column] for value in values.values()]
            expected = slow.fire_weather(list(zip(months(where["time"]), *series, strict=True)), latitude, form=form)
            np.testing.assert_allclose(got[:, :, row, column].T, expected, rtol=1e-9, atol=1e-10)


def test_published_example() -> None:
    """The first days of the sample of Van Wagner and Pickett (1985)."""
    days = {"temperature": [17, 20, 8.5], "relative_humidity": [42, 21, 40]}
    days |= {"wind_speed": [25, 25, 17], "precipitation": [0, 2.4, 0]}
    values = {name: np.array(value, dtype="float64") for name, value in days.items()}
    time = np.array(["1985-04-13", "1985-04-14", "1985-04-15"], dtype="datetime64[D]")
    result = e5.fire_weather(**values, time=time, cell_latitude=46.0, progress=False)
    published = {
        "ffmc": [87.7, 86.2, 87.0],
        "dmc": [8.5, 10.4, 11.8],
        "dc": [19.0, 23.6, 26.1],
        "isi": [10.9, 8.8, 6.5],
        "bui": [8.5, 10.4, 11.7],
        "fwi": [10.1, 9.3, 7.6],
    }
    for name, expected in published.items():
        np.testing.assert_allclose(getattr(result, name), expected, atol=0.051)


def labelled(values: dict[str, np.ndarray], where: dict[str, np.ndarray]) -> dict[str, xr.DataArray]:
    units = {"temperature": "degC", "relative_humidity": "%", "wind_speed": "km/h", "precipitation": "mm"}
    coords = {"time": where["time"].astype("datetime64[ns]"), "latitude": LATITUDES, "longitude": where["longitude"]}
    dims = ("time", "latitude", "longitude")
    return {
        name: xr.DataArray(value, dims=dims, coords=coords, attrs={"units": units[name]}, name=name)
        for name, value in values.items()
    }


def test_xclim_agrees() -> None:
    values, where = weather(), axes()
    np.clip(values["relative_humidity"], 1, 100, out=values["relative_humidity"])  # xclim takes it as it is
    data = labelled(values, where)
    latitude = data["temperature"].latitude.assign_attrs(units="degrees_north")
    t, h, w, p = data.values()
    theirs = cffwis_indices(t, p.assign_attrs(units="mm/d"), w, h, latitude)
    ours = e5.fire_weather(**data, form="cffdrs", progress=False)
    for name, other in zip(("dc", "dmc", "ffmc", "isi", "bui", "fwi"), theirs, strict=True):
        np.testing.assert_allclose(ours[name], other.transpose("time", ...), rtol=1e-9, atol=1e-10)


def test_units_and_attributes() -> None:
    data = labelled(weather(30), axes(30))
    expected = e5.fire_weather(**data, progress=False)
    other = {
        "temperature": (data["temperature"] + 273.15).assign_attrs(units="K"),
        "relative_humidity": data["relative_humidity"],
        "wind_speed": (data["wind_speed"] / 3.6).assign_attrs(units="m s-1"),
        "precipitation": (data["precipitation"] / 1000).assign_attrs(units="m"),
    }
    got = e5.fire_weather(**other, progress=False)
    for name in NAMES:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-6, atol=1e-9)
        assert got[name].attrs["units"] == "1"
        assert got[name].attrs["long_name"]
    with pytest.raises(InputError, match="wind_speed is in K"):
        e5.fire_weather(**{**data, "wind_speed": other["temperature"]}, progress=False)


@pytest.mark.parametrize(
    ("unit", "size"),
    [("mm/day", 1), ("mm d-1", 1), ("kg m-2", 1), ("kg m-2 s-1", 1 / 86400), ("m s-1", 1 / 86_400_000), ("m", 1e-3)],
)
@pytest.mark.parametrize("lazily", [False, True])
def test_rain_of_a_day_is_an_amount_or_a_rate(unit: str, size: float, lazily: bool) -> None:
    data = labelled(weather(30), axes(30))
    expected = e5.fire_weather(**data, progress=False)["fwi"]
    other = (data["precipitation"] * size).assign_attrs(units=unit)
    given = {**data, "precipitation": other}
    if lazily:
        given = {name: x.chunk(latitude=4) for name, x in given.items()}
    np.testing.assert_allclose(e5.fire_weather(**given, progress=False)["fwi"], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("unit", ["K", "%", "kg", "mm2"])
def test_rain_in_other_units_is_refused(unit: str) -> None:
    data = labelled(weather(30), axes(30))
    data["precipitation"].attrs["units"] = unit
    with pytest.raises(InputError, match=f"precipitation is in {unit}, and mm is needed"):
        e5.fire_weather(**data, progress=False)
    del data["precipitation"].attrs["units"]
    with pytest.raises(InputError, match="precipitation has no units, and mm"):
        e5.fire_weather(**data, progress=False)


def test_a_series_goes_on_where_another_ended() -> None:
    values, where = weather(), axes()
    whole = e5.fire_weather(**values, **where)
    first = {name: value[:200] for name, value in values.items()}
    second = {name: value[200:] for name, value in values.items()}
    head = e5.fire_weather(**first, **{**where, "time": where["time"][:200]})
    last = {"last_ffmc": head.ffmc[-1], "last_dmc": head.dmc[-1], "last_dc": head.dc[-1]}
    tail = e5.fire_weather(**second, **{**where, "time": where["time"][200:]}, **last)
    for name in NAMES:
        joined = np.concatenate([getattr(head, name), getattr(tail, name)])
        np.testing.assert_array_equal(joined, getattr(whole, name))


def test_codes_to_begin_with() -> None:
    values, where = weather(3), axes(3)
    got = e5.fire_weather(**values, **where, ffmc_start=60, dmc_start=40, dc_start=300)
    series = [value[:, 0, 0] for value in values.values()]
    expected = slow.fire_weather(list(zip(months(where["time"]), *series, strict=True)), 65.0, (60, 40, 300))
    np.testing.assert_allclose(np.stack(got)[:, :, 0, 0].T, expected, rtol=1e-10)


def test_single_precision_is_computed_in_double() -> None:
    values, where = weather(dtype="float32"), axes()
    got = e5.fire_weather(**values, **where)
    wanted = e5.fire_weather(**{name: value.astype("float64") for name, value in values.items()}, **where)
    for name in NAMES:
        assert getattr(got, name).dtype == np.float32
        np.testing.assert_array_equal(getattr(got, name), getattr(wanted, name).astype("float32"))


def test_bits_do_not_depend_on_threads_or_neighbours() -> None:
    values, where = weather(100), axes(100)
    e5.set_num_threads(1)
    expected = np.stack(e5.fire_weather(**values, **where))
    e5.set_num_threads(4)
    np.testing.assert_array_equal(np.stack(e5.fire_weather(**values, **where)), expected)
    turned = {name: value[:, :, ::-1] for name, value in values.items()}
    np.testing.assert_array_equal(np.stack(e5.fire_weather(**turned, **where))[..., ::-1], expected)


def test_days_must_follow_each_other() -> None:
    values, where = weather(10), axes(10)
    where["time"][5:] += np.timedelta64(1, "D")
    with pytest.raises(InputError, match="steps 4 and 5 are not a day apart"):
        e5.fire_weather(**values, **where)


def test_latitudes_are_needed() -> None:
    values = {name: value[:, 0, 0] for name, value in weather(5).items()}
    with pytest.raises(InputError, match=r"grid is not known|latitudes"):
        e5.fire_weather(**values, time=axes(5)["time"], progress=False)


# --- seasons of the codes ---


def seasons_of(values: dict[str, np.ndarray], seed: int = 7) -> np.ndarray:
    """Seasons of some weeks, other ones in each cell; some are on from the first day."""
    shape = values["temperature"].shape
    turns = np.random.default_rng(seed).random(shape) < 0.03
    return (np.cumsum(turns, axis=0) + np.arange(shape[1])[:, None]) % 2 == 1


def slow_seasons(
    days: list[tuple[int, float, float, float, float]], season: list[bool], latitude: float, winter: bool
) -> np.ndarray:
    """Each season by itself, with the drought code that the winter before it has left."""
    found = np.full((len(days), 7), np.nan)
    autumn, rain, begin = None, 0.0, None
    for t in range(len(days) + 1):
        on = t < len(days) and season[t]
        if on and begin is None:
            begin = t
        if not on and begin is not None:
            code = 15.0
            if winter and autumn is not None:
                code = max(15.0, 400 * math.log(800 / (0.75 * 800 * math.exp(-autumn / 400) + 0.75 * 3.94 * rain)))
            found[begin:t] = slow.fire_weather(days[begin:t], latitude, (85, 6, code))
            autumn, rain, begin = found[t - 1, 2], 0.0, None
        if not on and t < len(days):
            rain += days[t][4]
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("winter", [False, True])
def test_codes_begin_anew_with_each_season(winter: bool, dtype: str) -> None:
    values, where = weather(dtype=dtype), axes()
    mask = seasons_of(values)
    got = e5.fire_weather(**values, **where, season=mask, overwintering=winter)
    assert got.dc.dtype == dtype
    np.testing.assert_array_equal(np.isnan(got.fwi), ~mask)
    for row, latitude in enumerate(LATITUDES):
        series = [value[:, row, 1].astype("f8").tolist() for value in values.values()]
        days = list(zip(months(where["time"]), *series, strict=True))
        expected = slow_seasons(days, mask[:, row, 1].tolist(), latitude, winter)
        tolerance = {"rtol": 1e-9, "atol": 1e-10} if dtype == "float64" else {"rtol": 1e-6, "atol": 1e-6}
        np.testing.assert_allclose(np.stack(got)[:, :, row, 1].T, expected, **tolerance)
    for threads in (1, 3):
        e5.set_num_threads(threads)
        again = e5.fire_weather(**values, **where, season=mask.astype("f8"), overwintering=winter)
        np.testing.assert_array_equal(np.stack(again), np.stack(got))


@pytest.mark.parametrize("winter", [False, True])
def test_seasons_of_codes_are_those_of_xclim(winter: bool) -> None:
    values, where = weather(), axes()
    np.clip(values["relative_humidity"], 1, 100, out=values["relative_humidity"])
    data = labelled(values, where)
    t, h, w, p = data.values()
    mask = xr.DataArray(seasons_of(values), t.coords, t.dims)
    latitude = t.latitude.assign_attrs(units="degrees_north")
    switches = {"season_mask": mask.assign_attrs(units=""), "overwintering": winter}
    theirs = cffwis_indices(t, p.assign_attrs(units="mm/d"), w, h, latitude, **switches)
    ours = e5.fire_weather(**data, form="cffdrs", season=mask, overwintering=winter, progress=False)
    for name, other in zip(("dc", "dmc", "ffmc", "isi", "bui", "fwi"), theirs, strict=True):
        np.testing.assert_allclose(ours[name], other.transpose("time", ...), rtol=1e-9, atol=1e-10)
    chunks = {name: x.chunk({"longitude": 2}) for name, x in data.items()}
    lazy = e5.fire_weather(**chunks, form="cffdrs", season=mask, overwintering=winter, progress=False)
    xr.testing.assert_equal(lazy.compute(), ours)


def test_what_a_winter_leaves() -> None:
    values, where = weather(60), axes(60)
    mask = np.zeros(values["temperature"].shape)
    mask[:20] = mask[40:] = 1
    mask[5], mask[30] = np.nan, np.nan  # as the day before
    given = {**values, **where, "season": mask, "overwintering": True}
    got = e5.fire_weather(**given, carry_over=0.5, wetting=0.9)
    winter = values["precipitation"][20:40].sum(axis=0)
    spring = fire.overwintered_drought_code(got.dc[19], winter, carry_over=0.5, wetting=0.9)
    rest = {name: value[40:] for name, value in values.items()}
    expected = e5.fire_weather(**rest, **{**where, "time": where["time"][40:]}, last_dc=spring)
    np.testing.assert_allclose(got.dc[40:], expected.dc, rtol=1e-12)
    assert np.isfinite(got.dc[:20]).all()
    assert np.isnan(got.dc[20:40]).all()
    mask[:20] = 0  # a season that was over before the data begin
    before = e5.fire_weather(**given, last_dc=np.full((9, 3), 500.0))
    spring = fire.overwintered_drought_code(np.full((9, 3), 500.0), values["precipitation"][:40].sum(axis=0))
    expected = e5.fire_weather(**rest, **{**where, "time": where["time"][40:]}, last_dc=spring)
    np.testing.assert_allclose(before.dc[40:], expected.dc, rtol=1e-12)
    with pytest.raises(InputError, match="overwintering needs season="):
        e5.fire_weather(**values, **where, overwintering=True)


# --- seasons ---


def temperatures(days: int = 900, seed: int = 4) -> xr.DataArray:
    """Daily temperatures with a season, in which both limits are passed often."""
    rng = np.random.default_rng(seed)
    time = np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    season = 8 - 12 * np.cos(2 * np.pi * np.arange(days) / 365.25)
    values = season[:, None, None] + np.repeat(rng.normal(0, 4, (days // 3, 2, 3)), 3, axis=0)
    coords = {"time": time, "latitude": [50.0, 60.0], "longitude": [0.0, 1.0, 2.0]}
    return xr.DataArray(values, coords, tuple(coords), "tasmax", {"units": "degC"})


def slow_season(values: np.ndarray, start: float, end: float, days: int) -> list[bool]:
    """One day after the other."""
    burning, found = False, []
    for day in range(len(values)):
        before = values[day - days : day] if day >= days else values[:0]
        if len(before) and (before > start).all():
            burning = True
        if len(before) and (before < end).all():
            burning = False
        found.append(burning)
    return found


@pytest.mark.parametrize("days", [1, 3, 5])
def test_seasons_are_those_of_the_loop(days: int) -> None:
    x = temperatures()
    x[40:43] = np.nan
    found = fire.fire_season(x, days=days)
    for cell in np.ndindex(2, 3):
        assert found.values[(slice(None), *cell)].tolist() == slow_season(x.values[(slice(None), *cell)], 12, 5, days)
    assert 0.1 < float(found.mean()) < 0.9
    lazy = fire.fire_season(x.chunk({"latitude": 1, "time": 100}), days=days)
    xr.testing.assert_equal(lazy.compute(), found)
    kelvin = (x + 273.15).assign_attrs(units="K").transpose("latitude", "time", "longitude")
    moved = fire.fire_season(kelvin, start_above="12 degC", end_below="278.15 K", days=days)
    assert moved.dims == kelvin.dims
    np.testing.assert_array_equal(moved.transpose(*found.dims), found)
    assert not fire.fire_season(x[:days], days=days).any()


def test_seasons_are_those_of_xclim() -> None:
    x = temperatures()
    x[:4] = 0  # xclim looks at the first days a day later
    theirs = theirs_of_fire.fire_season(x, method="WF93")
    np.testing.assert_array_equal(fire.fire_season(x), theirs.transpose(*x.dims))


def snow_of(x: xr.DataArray) -> xr.DataArray:
    """Depths of snow where it is cold, now and then without any."""
    rng = np.random.default_rng(9)
    depth = np.clip(4 - x, 0, None) * 0.01 * (rng.random(x.shape) < 0.9)
    return depth.assign_attrs(units="m").rename("sde")


def slow_snow_season(values: np.ndarray, snow: np.ndarray, definition: str, days: int) -> list[bool]:
    """One day after the other; a missing value passes no limit."""
    burning, found = False, []
    for day in range(len(values)):
        last = slice(day - days + 1, day + 1) if day >= days - 1 else slice(0, 0)
        t, s = values[last], snow[last]
        if definition == "gfwed":
            begins = len(t) > 0 and t.mean() > 12 and s.mean() < 0.01
            ends = len(t) > 0 and (s.mean() >= 0.01 or t.mean() < 5)
        else:
            begins = len(t) > 0 and bool((s <= 0.01).all())
            ends = snow[day] > 0.01 or (len(t) > 0 and bool((t < 5).all()))
        burning = bool((burning or begins) and not ends)
        found.append(burning)
    return found


@pytest.mark.parametrize(("definition", "method"), [("lawson_armitage", "LA08"), ("gfwed", "GFWED")])
def test_seasons_by_snow_are_those_of_xclim(definition: str, method: str) -> None:
    x = temperatures()
    x[:4] = 0  # xclim looks at the first days a day later
    snow = snow_of(x)
    theirs = theirs_of_fire.fire_season(x, snow, method=method)
    found = fire.fire_season(x, snow, definition=definition)
    np.testing.assert_array_equal(found, theirs.transpose(*x.dims))
    assert 0.1 < float(found.mean()) < 0.9
    assert not found.equals(fire.fire_season(x))
    lazy = fire.fire_season(x.chunk({"latitude": 1}), snow.chunk({"longitude": 2}), definition=definition)
    xr.testing.assert_equal(lazy.compute(), found)
    deep = (snow * 100).assign_attrs(units="cm")
    np.testing.assert_array_equal(fire.fire_season(x, deep, definition=definition), found)
    np.testing.assert_array_equal(fire.fire_season(x, snow, definition=definition, snow_above="1 cm"), found)
    rng = np.random.default_rng(2)
    x, snow = x.where(rng.random(x.shape) > 0.05), snow.where(rng.random(x.shape) > 0.05)
    found = fire.fire_season(x, snow, definition=definition, days=2)
    for cell in np.ndindex(2, 3):
        at = (slice(None), *cell)
        assert found.values[at].tolist() == slow_snow_season(x.values[at], snow.values[at], definition, 2)


def test_a_winter_is_that_of_xclim() -> None:
    rng = np.random.default_rng(0)
    last = xr.DataArray(rng.uniform(10, 700, (4, 5)), dims=("latitude", "longitude"), attrs={"units": "1"})
    winter = last.copy(data=rng.uniform(0, 500, (4, 5))).assign_attrs(units="mm")
    last[0, 0] = np.nan
    for a, b in ((0.75, 0.75), (1.0, 0.5), (0.5, 0.9)):
        theirs = theirs_of_fire.overwintering_drought_code(last, winter, a, b, 15)
        found = fire.overwintered_drought_code(last, winter, carry_over=a, wetting=b)
        np.testing.assert_allclose(found, theirs, rtol=1e-12)
        metres = (winter / 1000).assign_attrs(units="m")
        np.testing.assert_allclose(
            fire.overwintered_drought_code(last, metres, carry_over=a, wetting=b), theirs, rtol=1e-12
        )
    assert found.attrs["units"] == "1"
    assert float(fire.overwintered_drought_code(0.0, 900.0)) == 15


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: fire.fire_season(x, days=0), "days must be a whole number"),
        (lambda x: fire.fire_season(x[::-1]), "times must increase"),
        (lambda x: fire.fire_season(x.assign_attrs(units="mm")), "temperature"),
        (lambda x: fire.fire_season(x.assign_attrs(units="")), "temperature has no units"),
        (lambda x: fire.fire_season(x, start_above="warm"), "start_above: 'warm' is no number"),
        (lambda x: fire.fire_season(x.isel(time=0, drop=True)), "no time axis"),
        (lambda x: fire.fire_season(x, definition="snow"), "definition must be one of: wotton_flannigan"),
        (lambda x: fire.fire_season(x, definition="gfwed"), "gfwed needs snow_depth="),
        (lambda x: fire.fire_season(x, x, definition="gfwed"), "snow_depth is in degC"),
        (lambda x: fire.fire_season(x, snow_of(x)[5:], definition="gfwed"), "other days or cells"),
        (lambda x: fire.overwintered_drought_code(x[0], x[0]), "precipitation"),
        (lambda x: fire.overwintered_drought_code(1.0, 1.0, wetting=2), "wetting must be 0 to 1"),
    ],
)
def test_strange_seasons_are_refused(call, words: str) -> None:
    with pytest.raises(InputError, match=words):
        call(temperatures(30))

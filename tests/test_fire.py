"""Fire weather: slow twin, published values, xclim, carry-over of the codes, missing days, units."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from xclim.indices.fire import cffwis_indices

import era5fast as e5
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

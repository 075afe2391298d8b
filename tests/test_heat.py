"""Heat, cold, humidity and wind of one moment: slow twins, other people's programs, units, labels, dask, ufuncs."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import thermofeel
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from xclim import indices as xclim_indices

import era5fast as e5
from era5fast import _core, pointwise
from era5fast.errors import InputError
from tests.reference import comfort

pytestmark = pytest.mark.native

ROWS = {row["name"]: row for row in _core.kernels() if row["kind"] == "pointwise"}
TWINS = sorted(set(ROWS) - {"utci"})
#: Ranges of the operands, wider than any weather.
RANGES = {
    "temperature": (230, 325),
    "dewpoint": (225, 305),
    "relative_humidity": (1, 105),
    "wind_speed": (0, 25),
    "u": (-30, 30),
    "v": (-30, 30),
    "natural_wet_bulb": (225, 310),
    "globe": (225, 360),
    "mean_radiant_temperature": (210, 380),
    "vapour_pressure": (1, 5500),
    "ssrd": (500, 1000),
    "ssr": (0, 400),
    "fdir": (0, 500),
    "strd": (150, 450),
    "str": (-150, 50),
    "cos_zenith": (0, 1),
}


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


def operands(name: str, n: int = 2000, dtype: str = "float64", seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(*RANGES[operand["name"]], n).astype(dtype) for operand in ROWS[name]["operands"]]


def variants() -> list[tuple[str, str | None]]:
    """Every ufunc: name and choice."""
    found: list[tuple[str, str | None]] = []
    for name, row in ROWS.items():
        found += (
            [(name, choice) for choice in row["params"][0]["choices"].split()] if row["params"] else [(name, None)]
        )
    return found


# --- slow twins ---


@pytest.mark.parametrize("name", TWINS)
def test_values_are_those_of_the_slow_twin(name: str) -> None:
    values = operands(name)
    expected = [getattr(comfort, name)(*map(float, row)) for row in zip(*values, strict=True)]
    np.testing.assert_allclose(getattr(e5, name)(*values), expected, rtol=4e-15, atol=2e-13)


@pytest.mark.parametrize(("name", "choice"), variants())
def test_single_precision_is_the_rounded_double(name: str, choice: str | None) -> None:
    values = operands(name, dtype="float32")
    ufunc = pointwise.ufunc(name, choice)
    got, wanted = ufunc(*values), ufunc(*(value.astype("float64") for value in values))
    assert got.dtype == np.float32
    places = {"wet_bulb": 1.0, "wind_speed": 1.6}.get(name, 0.5001)  # these two are computed in float
    bad = np.abs(got - wanted) > places * np.spacing(np.abs(wanted).astype("float32"))
    assert not bad.any()
    assert np.array_equal(np.isnan(got), np.isnan(wanted))


@pytest.mark.parametrize(("name", "choice"), variants())
def test_missing_values_stay_missing(name: str, choice: str | None) -> None:
    for dtype in ("float32", "float64"):
        values = operands(name, 20, dtype)
        for k, value in enumerate(values):
            value[k] = np.nan
        assert np.isnan(pointwise.ufunc(name, choice)(*values)[: len(values)]).all()


@pytest.mark.parametrize(("name", "choice"), variants())
def test_bits_do_not_depend_on_threads_or_layout(name: str, choice: str | None) -> None:
    ufunc = pointwise.ufunc(name, choice)
    for dtype in ("float32", "float64"):
        values = operands(name, 70_001, dtype)
        e5.set_num_threads(1)
        expected = ufunc(*values)
        for threads in (2, 3):
            e5.set_num_threads(threads)
            np.testing.assert_array_equal(ufunc(*values), expected)
        strided = [np.repeat(value, 2)[::2] for value in values]
        np.testing.assert_array_equal(ufunc(*strided), expected)
        swapped = [value.astype(value.dtype.newbyteorder()) for value in values]
        np.testing.assert_array_equal(ufunc(*swapped), expected)
        np.testing.assert_array_equal(ufunc(*values, out=values[0]), expected)  # in place


BITS = """
import hashlib, sys, numpy as np
from era5fast import _core, pointwise
digest, inputs = hashlib.sha256(), np.load(sys.argv[1])
for row in _core.kernels():
    if row["kind"] == "pointwise":
        for choice in row["params"][0]["choices"].split() if row["params"] else [None]:
            for dtype in ("float32", "float64"):
                digest.update(pointwise.ufunc(row["name"], choice)(*inputs[row["name"]].astype(dtype)).tobytes())
print(digest.hexdigest())
"""


def test_bits_do_not_depend_on_the_instruction_set(monkeypatch, tmp_path) -> None:
    path = tmp_path / "inputs.npz"
    np.savez(path, **{name: np.stack(operands(name, 1001)) for name in ROWS})
    seen = set()
    for isa in ("baseline", "avx2", "avx512"):
        monkeypatch.setenv("ERA5FAST_ISA", isa)
        seen.add(subprocess.run([sys.executable, "-c", BITS, path], check=True, capture_output=True).stdout)
    assert len(seen) == 1


# --- published values ---


def fahrenheit(value: float) -> float:
    return (value - 32) / 1.8 + 273.15


@pytest.mark.parametrize(
    ("degrees", "humidity", "table"),
    [(80, 40, 80), (90, 50, 95), (100, 40, 109), (86, 90, 105), (110, 40, 136), (90, 85, 117), (96, 65, 121)],
)
def test_heat_index_is_that_of_the_chart_of_the_weather_service(degrees, humidity, table) -> None:
    index = (e5.heat_index(fahrenheit(degrees), humidity) - 273.15) * 1.8 + 32
    assert round(index) == pytest.approx(table, abs=1)


@pytest.mark.parametrize(
    ("celsius", "kmh", "table"), [(0, 20, -5), (-10, 30, -20), (-20, 40, -34), (-40, 60, -64), (-25, 10, -33)]
)
def test_wind_chill_is_that_of_the_canadian_table(celsius, kmh, table) -> None:
    assert round(e5.wind_chill(celsius + 273.15, kmh / 3.6) - 273.15) == table


def test_humidex_and_wet_bulb_of_the_papers() -> None:
    assert e5.humidex(303.15, 288.15) == pytest.approx(307.15, abs=0.3)  # 30 °C, dewpoint 15 °C: 34
    assert e5.wet_bulb(293.15, 50) == pytest.approx(273.15 + 13.7, abs=0.05)  # Stull's example


# --- other people's programs ---


def weather(n: int = 5000) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    t = rng.uniform(235, 322, n)
    return {
        "t": t,
        "td": t - rng.exponential(6, n),
        "rh": rng.uniform(2, 100, n),
        "v": rng.uniform(0, 22, n),
        "mrt": t + rng.uniform(-35, 72, n),
    }


def test_thermofeel_agrees() -> None:
    w = weather()
    t, td, rh, v, mrt = (w[key] for key in ("t", "td", "rh", "v", "mrt"))
    name = "thermofeel"
    pairs = [
        (e5.relative_humidity(t, td, formula="murray67"), thermofeel.calculate_relative_humidity_percent(t, td)),
        (e5.heat_index(t, dewpoint=td, definition=name), thermofeel.calculate_heat_index_adjusted(t, td)),
        (e5.heat_index(t, rh, definition="simplified"), thermofeel.calculate_heat_index_simplified(t, rh)),
        (e5.humidex(t, td, definition=name), thermofeel.calculate_humidex(t, td)),
        (e5.apparent_temperature(t, rh, v), thermofeel.calculate_apparent_temperature(t, v, rh)),
        (e5.wbgt_simple(t, rh), thermofeel.calculate_wbgt_simple(t, rh)),
        (e5.wet_bulb(t, rh), thermofeel.calculate_wbt(t, rh)),
        (e5.wind_chill(t, v, definition=name), thermofeel.calculate_wind_chill(t, v)),
        (e5.saturation_vapour_pressure(t, formula="its90") / 100, thermofeel.calculate_saturation_vapour_pressure(t)),
        (e5.utci(t, mrt, v, dewpoint=td, definition=name), thermofeel.calculate_utci(t, v, mrt, td_k=td)),
        (e5.utci(t, mrt, v, 100 * rh / 4, definition=name), thermofeel.calculate_utci(t, v, mrt, ehPa=rh / 4)),
    ]
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs, rtol=2e-13)


def test_mean_radiant_temperature_of_thermofeel() -> None:
    ssrd, ssr, fdir, strd, net, cosine = operands("mean_radiant_temperature")
    beam = thermofeel.approximate_dsrp(fdir, cosine)
    theirs = thermofeel.calculate_mean_radiant_temperature(ssrd, ssr, beam, strd, fdir, net, cosine)
    np.testing.assert_allclose(e5.mean_radiant_temperature(ssrd, ssr, fdir, strd, net, cosine), theirs, rtol=1e-14)


def labelled(values: np.ndarray, unit: str, name: str = "x") -> xr.DataArray:
    return xr.DataArray(values, dims="cell", attrs={"units": unit}, name=name)


def test_xclim_agrees() -> None:
    w = weather()
    t, td, mrt = (labelled(w[key], "K") for key in ("t", "td", "mrt"))
    rh, v = labelled(w["rh"], "%"), labelled(w["v"], "m s-1")
    pairs = [
        (e5.heat_index(t, rh, definition="xclim"), xclim_indices.heat_index(t, rh)),
        (e5.humidex(t, td, definition="xclim"), xclim_indices.humidex(t, td)),
        (e5.utci(t, mrt, v, relative_humidity=rh, definition="xclim"), _xclim_utci(t, rh, v, mrt)),
    ]
    for method, own in (("CAN", "canada"), ("US", "us")):
        theirs = xclim_indices.wind_chill_index(t, v, method=method) + 273.15
        pairs.append((e5.wind_chill(t, v, definition=own), theirs))
    for ours, theirs in pairs:
        assert np.array_equal(np.isnan(ours), np.isnan(theirs))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def _xclim_utci(t, rh, v, mrt):
    return xclim_indices.universal_thermal_climate_index(t, rh, v, mrt=mrt) + 273.15


@pytest.mark.parametrize("formula", ["sonntag90", "tetens30", "wmo08", "buck81", "aerk96", "its90", "goffgratch46"])
def test_humidity_of_xclim(formula: str) -> None:
    w = weather()
    t, td = labelled(w["t"], "K"), labelled(w["td"], "K")
    pressure = e5.saturation_vapour_pressure(t, formula=formula)
    np.testing.assert_allclose(pressure, xclim_indices.saturation_vapor_pressure(t, method=formula), rtol=1e-13)
    humidity = e5.relative_humidity(t, td, formula=formula)
    theirs = xclim_indices.relative_humidity(t, td, method=formula, invalid_values=None)
    np.testing.assert_allclose(humidity, theirs, rtol=2e-13)


def test_wind_of_xclim() -> None:
    u, v = (labelled(values, "m s-1") for values in operands("wind_speed"))
    speed, direction = xclim_indices.uas_vas_to_sfcwind(u, v)
    np.testing.assert_allclose(e5.wind_speed(u, v), speed, rtol=1e-15)
    np.testing.assert_allclose(e5.wind_direction(u, v, definition="xclim"), direction, rtol=1e-13)
    compass = [(0, -5, 360), (-5, 0, 90), (0, 5, 180), (5, 0, 270), (0, 0, 0), (-3, -3, 45)]
    for u_, v_, degrees in compass:
        assert e5.wind_direction(float(u_), float(v_)) == pytest.approx(degrees, abs=1e-12)


# --- humidity in its three forms ---


def test_humidity_is_taken_in_any_form() -> None:
    w = weather()
    t, td, rh = w["t"], w["td"], w["rh"]
    by_dewpoint = e5.heat_index(t, e5.relative_humidity(t, td))
    np.testing.assert_array_equal(e5.heat_index(t, dewpoint=td), by_dewpoint)
    np.testing.assert_array_equal(e5.humidex(t, relative_humidity=rh), e5.humidex(t, e5.dewpoint(t, rh)))
    np.testing.assert_array_equal(
        e5.apparent_temperature(t, dewpoint=td, wind_speed=w["v"]),
        e5.apparent_temperature(t, e5.relative_humidity(t, td), w["v"]),
    )
    pressure = e5.saturation_vapour_pressure(td, formula="its90")
    np.testing.assert_array_equal(e5.utci(t, w["mrt"], w["v"], dewpoint=td), e5.utci(t, w["mrt"], w["v"], pressure))
    np.testing.assert_allclose(e5.dewpoint(t, e5.relative_humidity(t, td)), td, rtol=1e-14)


def test_exactly_one_humidity_is_needed() -> None:
    with pytest.raises(InputError, match="heat_index needs relative_humidity or dewpoint"):
        e5.heat_index(300.0)
    with pytest.raises(InputError, match="needs relative_humidity or dewpoint"):
        e5.heat_index(300.0, 50, dewpoint=290.0)


def test_utci_is_missing_outside_its_range() -> None:
    inside = (300.0, 310.0, 5.0, 1500.0)
    assert np.isfinite(e5.utci(*inside))
    for place, value in ((0, 324.0), (0, 222.0), (1, 371.0), (1, 269.0), (2, 17.1), (3, 5000.0)):
        assert np.isnan(e5.utci(*(value if k == place else x for k, x in enumerate(inside))))
    assert e5.utci(300.0, 310.0, 0.1, 1500.0) == e5.utci(300.0, 310.0, 0.5, 1500.0)


# --- units, labels, dask ---


def field(unit: str, values, name: str, **attrs: str) -> xr.DataArray:
    return xr.DataArray(
        np.asarray(values, dtype="float32").reshape(2, 3),
        dims=("latitude", "longitude"),
        coords={"latitude": [50.0, 49.0], "longitude": [0.0, 1.0, 2.0]},
        attrs={"units": unit, **attrs},
        name=name,
    )


def test_units_are_converted_and_kept() -> None:
    kelvin = field("K", [270, 280, 290, 300, 305, 310], "t2m")
    humidity = field("%", [90, 80, 70, 60, 50, 40], "hurs")
    expected = e5.heat_index(kelvin, humidity)
    assert expected.attrs["units"] == "K"
    assert expected.dtype == np.float32
    assert expected.name == "heat_index"
    xr.testing.assert_equal(expected.latitude, kelvin.latitude)
    celsius = (kelvin - 273.15).assign_attrs(units="degC")
    fraction = (humidity / 100).assign_attrs(units="1")
    got = e5.heat_index(celsius, fraction)
    assert got.attrs["units"] == "degC"
    np.testing.assert_allclose(got, expected - 273.15, atol=2e-4)
    assert e5.wind_speed(field("km/h", range(6), "u"), field("m s**-1", range(6), "v")).attrs["units"] == "km/h"


def test_attributes_say_what_was_computed() -> None:
    t, td = field("K", range(300, 306), "t2m"), field("K", range(290, 296), "d2m")
    humidity = e5.relative_humidity(t, td)
    assert humidity.attrs["units"] == "%"
    attrs = e5.heat_index(t, humidity, definition="metpy").attrs
    assert attrs["long_name"] == "Heat index"
    definition = json.loads(attrs["era5fast_definition"])
    assert definition["diagnostic"] == "heat_index"
    assert definition["definition"] == "metpy"
    assert definition["temperature"] == "t2m"
    assert definition["relative_humidity"]["diagnostic"] == "relative_humidity"


def test_wrong_units_are_refused() -> None:
    t, humidity = field("K", range(300, 306), "t2m"), field("%", range(50, 56), "hurs")
    with pytest.raises(InputError, match="temperature has no units"):
        e5.heat_index(t.assign_attrs(units=""), humidity)
    with pytest.raises(InputError, match="relative_humidity is in K"):
        e5.heat_index(t, t)
    with pytest.raises(InputError, match="definition must be one of: nws"):
        e5.heat_index(t, humidity, definition="mine")
    with pytest.raises(InputError, match="temperature is no number"):
        e5.heat_index("t2m.nc", 50.0)
    with pytest.raises(ValueError, match="exact"):
        e5.heat_index(t, humidity.assign_coords(longitude=[5.0, 6.0, 7.0]))


def test_dask_stays_lazy() -> None:
    dask = pytest.importorskip("dask.array")
    t, humidity = field("degC", range(30, 36), "t2m"), field("%", range(50, 56), "hurs")
    expected = e5.heat_index(t, humidity)
    lazy = e5.heat_index(t.chunk(longitude=1), humidity.chunk(longitude=1))
    assert lazy.chunks is not None
    xr.testing.assert_identical(lazy.compute(), expected)
    plain = e5.wind_speed(dask.ones(10, chunks=3), dask.ones(10, chunks=3))
    assert isinstance(plain, dask.Array)
    assert float(plain.sum()) == pytest.approx(10 * 2**0.5)


@pytest.mark.parametrize("number", [50, 50.0, np.float32(50), np.float64(50.3), np.array(50.3)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_a_number_beside_lazy_values_changes_no_type(number: Any, dtype: str) -> None:
    t = field("degC", range(30, 36), "t2m").astype(dtype)
    expected = e5.heat_index(t, relative_humidity=number)
    lazy = e5.heat_index(t.chunk(longitude=1), relative_humidity=number)
    found = lazy.compute()
    assert lazy.dtype == found.dtype == expected.dtype
    assert found.values.tobytes() == expected.values.tobytes()
    if dtype == "float32" and not isinstance(number, np.float64 | np.ndarray):
        assert expected.dtype == "float32"


def test_what_dask_cannot_compute_is_refused_before() -> None:
    pytest.importorskip("dask.array")
    t = field("degC", range(30, 36), "t2m").astype(object).chunk(longitude=1)
    with pytest.raises(InputError, match="array of type object: temperature"):
        e5.heat_index(t, 50.0)


def test_numbers_lists_masks_and_integers() -> None:
    assert isinstance(e5.heat_index(300, 50), float)
    np.testing.assert_array_equal(e5.wind_speed([3, 6], [4, 8]), [5, 10])
    masked = np.ma.masked_equal(np.array([3, 6], dtype="int16"), 6)
    np.testing.assert_array_equal(e5.wind_speed(masked, 4), [5, np.nan])
    values = np.full((3, 4), 300, dtype="float32")
    assert e5.heat_index(values, 50.0).dtype == np.float32
    assert e5.heat_index(values, np.float64(50)).shape == (3, 4)
    assert e5.wind_speed(values[:, :1], values[0]).shape == (3, 4)
    assert e5.wind_speed(values[:0], values[:0]).shape == (0, 4)


def test_no_warning_of_floating_point() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, choice in variants():
            ufunc = pointwise.ufunc(name, choice)
            ufunc(*(np.array([0.0, 1e300, -5.0, np.nan, np.inf]) for _ in range(ufunc.nin)))


def test_ufuncs_are_ufuncs() -> None:
    ufunc = pointwise.ufunc("wind_speed")
    assert isinstance(ufunc, np.ufunc)
    assert ufunc.types == ["ff->f", "dd->d"]
    out = np.full(4, -1.0)
    ufunc(np.full(4, 3.0), 4.0, out=out, where=[True, False, True, False])
    np.testing.assert_array_equal(out, [5, -1, 5, -1])
    with pytest.raises(InputError, match="no function 'daily'"):
        pointwise.ufunc("daily")


# --- rows become functions ---


@pytest.mark.parametrize("name", sorted(ROWS))
def test_row_gives_signature_and_documentation(name: str) -> None:
    function = getattr(e5, name)
    parameters = inspect.signature(function).parameters
    for spec in [*ROWS[name]["operands"], *ROWS[name]["params"]]:
        assert spec["name"] in parameters
        assert spec["doc"] in function.__doc__
        assert spec["doc"].endswith(".")
    for section in ("Parameters", "Returns", "Raises", "Notes", "References"):
        assert f"{section}\n{'-' * len(section)}" in function.__doc__


def test_stub_is_what_the_rows_say() -> None:
    path = Path(pointwise.__file__).with_suffix(".pyi")
    assert path.read_text(encoding="utf-8") == pointwise.stub()


# --- properties ---


@settings(max_examples=50, deadline=None)
@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(0, 6))
def test_wind_turns(u: float, v: float, angle: float) -> None:
    turned = u * np.cos(angle) - v * np.sin(angle), u * np.sin(angle) + v * np.cos(angle)
    assert e5.wind_speed(*turned) == pytest.approx(e5.wind_speed(u, v), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.floats(280, 320), st.floats(10, 98))
def test_damper_air_feels_hotter(temperature: float, humidity: float) -> None:
    assert e5.apparent_temperature(temperature, humidity + 1, 3.0) > e5.apparent_temperature(
        temperature, humidity, 3.0
    )
    assert e5.dewpoint(temperature, humidity) < temperature
    assert e5.wet_bulb(temperature, humidity + 1) > e5.wet_bulb(temperature, humidity)

"""Units: every spelling that ERA5, CF and xclim write, against pint with cf-xarray's registry."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from cf_xarray.units import units as registry
from hypothesis import given, settings
from hypothesis import strategies as st

from era5fast import units, variable_table
from era5fast.errors import InputError

#: Pairs of units: what data come in, what a calculation wants.
PAIRS = [
    ("K", "degC"), ("degC", "K"), ("degF", "degC"), ("degC", "degF"), ("K", "degF"), ("degF", "K"),
    ("m", "mm"), ("mm", "m"), ("m", "cm"), ("km", "m"), ("m s-1", "km/h"), ("m s**-1", "knots"), ("km/h", "m s**-1"),
    ("Pa", "hPa"), ("hPa", "Pa"), ("mbar", "hPa"), ("bar", "kPa"), ("atm", "Pa"), ("%", "1"), ("1", "%"),
    ("mm/day", "m s-1"), ("mm d-1", "mm h-1"), ("kg m-2 s-1", "kg m-2 day-1"), ("W m-2", "J m-2 h-1"),
    ("J m**-2", "MJ m**-2"), ("W/m^2", "kW/m2"), ("kg kg**-1", "g kg-1"), ("m**3 m**-3", "%"), ("day", "h"),
    ("degree", "radian"), ("K d", "degC h"), ("s-1", "day-1"), ("N m-2", "hPa"), ("inch", "mm"), ("mph", "m/s"),
    ("g m-3", "kg m-3"), ("foot", "m"), ("mile", "km"), ("week", "day"), ("calorie cm-2", "J m-2"),
    ("hectare", "km2"), ("liter", "m3"),
]  # fmt: skip


def by_pint(given_units: str, wanted: str, value: float) -> float:
    return float(registry.Quantity(value, registry.Unit(given_units)).to(wanted).magnitude)


@pytest.mark.parametrize(("given_units", "wanted"), PAIRS)
def test_as_pint_has_it(given_units, wanted) -> None:
    # a product with a degree of temperature is a difference for us; pint wants that said
    said = given_units.replace("degC", "delta_degC") if " " in given_units else given_units
    told = wanted.replace("degC", "delta_degC") if " " in wanted else wanted
    scale, offset = units.factor(given_units, wanted)
    for value in (0.0, 1.0, -40.0, 273.15):
        assert value * scale + offset == pytest.approx(by_pint(said, told, value), rel=1e-12, abs=1e-11)


@given(st.sampled_from(PAIRS))
@settings(deadline=None)
def test_there_and_back(pair) -> None:
    scale, offset = units.factor(*pair)
    back, home = units.factor(*reversed(pair))
    assert scale * back == pytest.approx(1, rel=1e-14)
    assert offset * back + home == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    "same",
    [
        ["K", "kelvin", "degK", "Kelvin"],
        ["degC", "°C", "Celsius", "celsius", "deg_C", "degrees_celsius", "℃", "C", "degree_Celsius"],
        [
            "degC",
            "deg C",
            "degree C",
            "degrees C",
            "deg. C",
            "degree Celsius",
            "degrees Celsius",
            "Degrees celsius",
            "° C",
        ],
        ["degF", "deg F", "degrees Fahrenheit"],
        ["W m-2 K-1", "W m-2 degC-1", "W m-2 deg C-1", "W m-2 degree K-1", "W/m2/deg C"],
        ["degF", "°F", "fahrenheit", "Fahrenheit", "F"],
        ["kg m-2 s-1", "kg m**-2 s**-1", "kg/m2/s", "kg m^-2 s^-1", "kg.m-2.s-1", "kg m⁻² s⁻¹", "kg*m**-2*s**-1"],
        ["mm/day", "mm d-1", "mm day-1", "mm d**-1", "mm per day", "mm/d", "kg m-2 d-1", "kg/m2/day"],
        ["m s**-1", "m s-1", "m/s", "meter second-1", "m·s⁻¹"],
        ["km/h", "km h-1", "kph", "kmh", "kilometers per hour"],
        ["knots", "knot", "kt", "nautical_mile hour-1"],
        ["1", "dimensionless", "(0 - 1)", "kg kg**-1", "m2 m-2"],
        ["m", "m of water equivalent", "metres", "1000 mm"],
        ["hPa", "mbar", "millibar", "hectopascal", "100 Pa", "mb"],
        ["mm", "kg m**-2", "kg m-2", "l m-2"],
        ["µg m-3", "ug m**-3", "microgram m-3", "μg/m3"],
    ],
)
def test_spellings_of_the_same(same) -> None:
    for name in same[1:]:
        assert units.factor(name, same[0]) == pytest.approx((1, 0), abs=1e-8)


def test_the_values_that_everybody_knows() -> None:
    assert units.factor("K", "degC") == (1.0, -273.15)
    assert units.factor("degC", "degF") == (1.8, 32.0)
    assert units.factor("m", "mm") == (1000.0, 0.0)
    assert units.factor("kg m**-2 s**-1", "mm/h") == (3600.0, 0.0)
    assert units.factor("mm", "kg m-2") == (1.0, 0.0)
    assert units.factor("m2 s-2", "gpm") == pytest.approx((1 / 9.80665, 0))
    assert units.factor("degC", "K", difference=True) == (1.0, 0.0)
    assert units.factor("degF", "K", difference=True) == (5 / 9, 0.0)


def test_every_unit_of_era5_is_known_or_no_unit() -> None:
    strange = {row.units for row in variable_table.table() if units._parse(row.units) is None}
    assert {name for name in strange if "ode table" not in name} == {"ln(Pa)"}


def test_what_only_pint_knows() -> None:
    scale, offset = units.factor("furlong", "m")
    assert (scale, offset) == (pytest.approx(201.168, rel=1e-5), 0)
    assert isinstance(scale, float)


def test_pint_is_imported_only_then() -> None:
    program = (
        "import sys; from era5fast import units; units.factor('kg m-2 s-1', 'mm/day'); units.quantity('2 K', 'K', '')"
    )
    program += "; print('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"False\n"


def test_without_pint(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "cf_xarray.units", raising=False)
    monkeypatch.setitem(sys.modules, "cf_xarray", None)
    units._factor.cache_clear()
    with pytest.raises(
        InputError, match=r"'furlong' and other units .* need the package cf_xarray\..*era5fast\[units\]"
    ):
        units.factor("furlong", "m")


@pytest.mark.parametrize(
    ("given_units", "wanted", "text"),
    [
        ("K", "m", "K cannot become m. The two do not measure the same"),
        ("m", "mm/day", "divide accumulated values by the seconds"),
        ("J m**-2", "W m**-2", "3600 for hourly ERA5"),
        ("m**2 s**-2", "m", "divided by 9.80665"),
        ("mm/month", "mm/day", "a month is not always as long. Say it in days"),
        ("K/decade", "K/year", "a decade is not always"),
        ("nonsense", "K", "'nonsense' is no unit that is known"),
        ("m (", "m", "'m \\(' is no unit that is known. Check"),
        ("kg", "m3", "cannot become"),
        (3, "m", "units are text like 'K', not 3"),
        ("kg m-2", "kg", "cannot become"),
        ("m" * 5000, "m", "Check the spelling"),
        ("1e999999999 m", "m", "Check the spelling"),
        ("m**999999999", "m", "The two do not measure the same"),
        ("m/0", "m", "Check the spelling"),
        ("1e99 m 1e99 m 1e99 m 1e99 m", "m", "Check the spelling"),
    ],
)
def test_what_is_impossible(given_units, wanted, text) -> None:
    with pytest.raises(InputError, match=text):
        units.factor(given_units, wanted)


@given(st.text(max_size=30))
@settings(deadline=None)
def test_any_text_is_units_or_an_error(text) -> None:
    try:
        scale, offset = units.factor(text, "K")
    except InputError:
        return
    assert np.isfinite([scale, offset]).all()


def test_units_of_attributes() -> None:
    assert units.of({"units": " K "}) == "K"
    assert units.of({"units": "unknown"}) is None
    assert units.of({"units": ""}) is None
    assert units.of({}) is None
    assert units.of(None) is None


def test_check_says_which_data() -> None:
    assert units.check("K", "degC", "tasmax") == (1.0, -273.15)
    with pytest.raises(InputError, match=r"tasmax has no units.*tasmax.attrs\['units'\] = 'degC'"):
        units.check(None, "degC", "tasmax")
    with pytest.raises(InputError, match="tasmax is in m, and degC is needed"):
        units.check("m", "degC", "tasmax")


@pytest.mark.parametrize(
    ("value", "wanted", "number"),
    [("25 degC", "K", 298.15), ("25degC", "degC", 25.0), ("-5.5 °C", "K", 267.65), ("1 mm/day", "kg m-2 d-1", 1.0),
     ("77 degF", "degC", 25.0), ("95 %", "1", 0.95), ("0.95", "1", 0.95), ("1e2 hPa", "Pa", 1e4), (20, "degC", 20.0),
     (np.float32(0.5), "1", 0.5), ("0 degC", "K", 273.15), ("1 furlong", "m", pytest.approx(201.168, rel=1e-5))],
)  # fmt: skip
def test_quantities(value, wanted, number) -> None:
    assert units.quantity(value, wanted, "threshold") == number


def test_quantities_as_xclim_reads_them() -> None:
    from xclim.core.units import convert_units_to, str2pint

    for text, wanted in [("25 degC", "K"), ("1 mm/day", "kg m-2 s-1"), ("10 m s-1", "km/h"), ("2 cm", "m")]:
        theirs = convert_units_to(str2pint(text), wanted, context="hydro")
        assert units.quantity(text, wanted, "threshold") == pytest.approx(float(theirs), rel=1e-12)


def test_a_difference_of_temperatures() -> None:
    assert units.quantity("5 degC", "K", "amplitude", difference=True) == 5.0
    assert units.quantity("9 degF", "K", "amplitude", difference=True) == 5.0


@pytest.mark.parametrize("value", ["25", "warm", "", "25 m", None, [1, 2], "1" * 5000, "1e99999 K", "nan K"])
def test_what_is_no_quantity(value) -> None:
    with pytest.raises(InputError, match="threshold"):
        units.quantity(value, "K", "threshold")


def test_nodata_that_no_value_can_be():
    with pytest.raises(InputError, match="larger than any number"):
        units.convert_units([1.0], "degC", "degF", nodata=10**400)

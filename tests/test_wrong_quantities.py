"""Data that measure something else than a diagnostic is of are refused, by what their units say; others are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import era5fast as e5
from era5fast import _core, storms
from era5fast.errors import InputError

pytestmark = pytest.mark.native

QUIET = {"progress": False}


def series(unit: str | None, *, monthly: bool = False) -> xr.DataArray:
    first, last, step = ("1991", "2011", "M") if monthly else ("2001-01-01", "2005-01-01", "D")
    time = np.arange(first, last, dtype=f"datetime64[{step}]").astype("datetime64[ns]")
    values = np.random.default_rng(1).gamma(3, 20, (len(time), 2, 2))
    coords = {"time": time, "latitude": [40.0, 50.0], "longitude": [0.0, 1.0]}
    attrs = {} if unit is None else {"units": unit}
    return xr.DataArray(values, coords, ("time", "latitude", "longitude"), "x", attrs)


WATER, OTHER_THAN_WATER = (
    ["mm", "mm/month", "mm/30 days", "kg m-2 month-1", "m**3 s**-1", "m", "m s-1", "%", None],
    ["K", "Pa", "W m-2"],
)
HEAT, OTHER_THAN_HEAT = (
    ["K", "degC", "°F", "deg C", "degrees C", "deg. C", "degree Celsius", None, "heat units"],
    ["mm d-1", "m s-1", "hPa", "degree"],
)
CALLS = {
    "spi": (True, lambda x: e5.spi(x, 3, **QUIET), WATER, OTHER_THAN_WATER),
    "spei": (True, lambda x: e5.spei(x, 3, **QUIET), WATER, OTHER_THAN_WATER),
    "marine_heatwaves": (False, lambda x: e5.marine_heatwaves(x, **QUIET), HEAT, OTHER_THAN_HEAT),
    "heatwave_aspects": (False, lambda x: e5.heatwave_aspects(x, 20.0, **QUIET), [*HEAT, "K2"], OTHER_THAN_HEAT),
    "hwmid": (False, lambda x: e5.hwmid(x, 20.0, **QUIET), HEAT, OTHER_THAN_HEAT),
    "heatwaves": (
        False, lambda x: e5.heatwaves("hwdi", tx=x, base_period=("2001", "2004"), **QUIET), HEAT, OTHER_THAN_HEAT
    ),
    "storm_severity_index": (
        False, lambda x: storms.storm_severity_index(x, x.max("time", keep_attrs=True)),
        ["m s-1", "km/h", "kt", None], ["mm", "K"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_another_quantity_is_refused_and_nothing_else(name: str) -> None:
    monthly, call, right, wrong = CALLS[name]
    for unit in right:
        call(series(unit, monthly=monthly))
    for unit in wrong:
        with pytest.raises(InputError, match=f"is in {unit}, which does not measure") as caught:
            call(series(unit, monthly=monthly))
        assert "right variable" in caught.value.hint
        assert "attrs['units']" in caught.value.hint


def test_what_dask_computes_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(InputError, match="spi: x is in K"):
        e5.spi(series("K", monthly=True).chunk(latitude=1), 3)
    with pytest.raises(InputError, match="marine_heatwaves: sst is in mm"):
        e5.marine_heatwaves(series("mm").chunk(latitude=1))


#: Those that take any quantity, by their definition.
ANY = {
    "daily", "resample", "percentile_doy", "percentile", "percentile_exceedance", "find_events", "track",
    "climatology", "anomaly", "detrend", "mann_kendall", "correlation", "run_lengths", "spell_statistics",
    "heatwave_climatology", "gev", "gpd",
}  # fmt: skip


def test_every_diagnostic_says_what_it_takes_or_takes_anything() -> None:
    first = {row["name"]: row["operands"][0] for row in _core.kernels()}
    knows = {name for name, spec in first.items() if spec["units"] is not None or spec["measures"] is not None}
    assert set(first) - knows == ANY


@pytest.mark.parametrize("row", [r for r in _core.kernels() if r["name"] != "etccdi"], ids=lambda row: row["name"])
def test_operands_in_units_of_something_else_are_refused(row: dict) -> None:
    """Each operand with units of its own gets seconds, which nothing here measures."""
    function = getattr(e5, row["name"])
    for wrong in [spec for spec in row["operands"] if spec["units"] not in (None, "x", "y")]:
        given = {}
        for spec in row["operands"]:
            x = series(spec["units"])
            given[spec["name"]] = x if spec["dims"].startswith(("time", "any")) else x.isel(time=0, drop=True)
        given[wrong["name"]].attrs["units"] = "s"
        options = {} if row["kind"] == "pointwise" else QUIET
        with pytest.raises(InputError, match=rf"{wrong['name']}.* is in s, and .* is needed"):
            function(**given, **options)


@pytest.mark.parametrize("given", ["mm d-1", "kg m-2 s-1", "mm h-1"])
def test_a_rate_is_no_threshold_of_amounts(given: str) -> None:
    """Sums of a month in mm are not the depths of a day."""
    months = pd.date_range("2001-01-01", periods=48, freq="MS")
    x = xr.DataArray(np.full((48, 1, 1), 60.0), dims=("time", "latitude", "longitude"), name="tp")
    x = x.assign_coords(time=months, latitude=[0.0], longitude=[0.0]).assign_attrs(units="mm")
    normal = e5.climatology(x, progress=False)
    with pytest.raises(InputError, match="cannot become mm"):
        e5.anomaly(x, (normal / 30).assign_attrs(units=given), progress=False)


RATIOS = ["kg kg**-1", "g/kg", "m3 m-3", "mol/mol", "mmol mol-1", "kg per kg", "ppm"]


@pytest.mark.parametrize("given", RATIOS)
@pytest.mark.parametrize("name", ["heat_index", "wet_bulb", "dewpoint", "utci", "fire_weather"])
def test_a_mixing_ratio_is_no_relative_humidity(name: str, given: str) -> None:
    humid, warm, wind, rain = (series(unit) for unit in (given, "K", "m s-1", "mm"))
    calls = {
        "utci": lambda: e5.utci(warm, warm, wind, relative_humidity=humid),
        "fire_weather": lambda: e5.fire_weather(warm, humid, wind, rain, **QUIET),
    }
    call = calls.get(name, lambda: getattr(e5, name)(warm, humid))
    with pytest.raises(InputError, match=r"relative_humidity is in .* mixing ratio") as caught:
        call()
    assert "e5.relative_humidity(temperature, dewpoint)" in caught.value.hint


@pytest.mark.parametrize("given", ["%", "percent", "1", "(0 - 1)", "0-1", "fraction", "dimensionless", "0.01", "-"])
def test_shares_are_relative_humidities(given: str) -> None:
    warm, scale = series("K"), {"%": 1, "percent": 1, "0.01": 1}.get(given, 100)
    found = e5.dewpoint(warm, (series(given) / scale).assign_attrs(units=given))
    assert np.allclose(found, e5.dewpoint(warm, series("%")), equal_nan=True)

"""The table of equivalents of xclim is true: both columns give the same numbers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr
from conftest import ROOT

import era5fast as e5

pytestmark = pytest.mark.native

PAGE = (ROOT / "docs/coming-from/xclim.md").read_text(encoding="utf-8")

#: Indicator → its call in xclim, with the series as its own functions want them.
THEIRS: dict[str, Callable[[Any, dict[str, xr.DataArray]], xr.DataArray]] = {
    "frost_days": lambda x, s: x.frost_days(s["tn"]),
    "ice_days": lambda x, s: x.ice_days(s["tx"]),
    "tropical_nights": lambda x, s: x.tropical_nights(s["tn"]),
    "tx_days_above": lambda x, s: x.tx_days_above(s["tx"]),
    "tx_days_below": lambda x, s: x.tx_days_below(s["tx"]),
    "tg_days_above": lambda x, s: x.tg_days_above(s["tg"]),
    "tx_max": lambda x, s: x.tx_max(s["tx"]),
    "tx_min": lambda x, s: x.tx_min(s["tx"]),
    "tn_max": lambda x, s: x.tn_max(s["tn"]),
    "tn_min": lambda x, s: x.tn_min(s["tn"]),
    "tx_mean": lambda x, s: x.tx_mean(s["tx"]),
    "tn_mean": lambda x, s: x.tn_mean(s["tn"]),
    "tg_mean": lambda x, s: x.tg_mean(s["tg"]),
    "daily_temperature_range": lambda x, s: x.daily_temperature_range(s["tn"], s["tx"]),
    "extreme_temperature_range": lambda x, s: x.extreme_temperature_range(s["tn"], s["tx"]),
    "growing_season_length": lambda x, s: x.growing_season_length(s["tg"]),
    "growing_degree_days": lambda x, s: x.growing_degree_days(s["tg"]),
    "heating_degree_days": lambda x, s: x.heating_degree_days(s["tg"]),
    "cooling_degree_days": lambda x, s: x.cooling_degree_days(s["tg"]),
    "daily_freezethaw_cycles": lambda x, s: x.daily_freezethaw_cycles(s["tn"], s["tx"]),
    "last_spring_frost": lambda x, s: x.last_spring_frost(s["tn"]),
    "consecutive_frost_days": lambda x, s: x.consecutive_frost_days(s["tn"]),
    "maximum_consecutive_frost_free_days": lambda x, s: x.maximum_consecutive_frost_free_days(s["tn"]),
    "maximum_consecutive_warm_days": lambda x, s: x.maximum_consecutive_warm_days(s["tx"]),
    "max_1day_precipitation_amount": lambda x, s: x.max_1day_precipitation_amount(s["pr"]),
    "max_n_day_precipitation_amount": lambda x, s: x.max_n_day_precipitation_amount(s["pr"], window=5),
    "daily_pr_intensity": lambda x, s: x.daily_pr_intensity(s["pr"]),
    "wetdays": lambda x, s: x.wetdays(s["pr"]),
    "dry_days": lambda x, s: x.dry_days(s["pr"]),
    "maximum_consecutive_dry_days": lambda x, s: x.maximum_consecutive_dry_days(s["pr"]),
    "maximum_consecutive_wet_days": lambda x, s: x.maximum_consecutive_wet_days(s["pr"]),
    "precip_accumulation": lambda x, s: x.precip_accumulation(s["pr"]),
    "precip_average": lambda x, s: x.precip_average(s["pr"]),
    "wet_precip_accumulation": lambda x, s: x.wet_precip_accumulation(s["pr"]),
}
#: Compared elsewhere (percentiles, standardised indices, fire weather), or of tables with several columns.
ELSEWHERE = {
    "tx90p", "tx10p", "tn90p", "tn10p", "warm_spell_duration_index", "cold_spell_duration_index",
    "heat_wave_frequency", "heat_wave_max_length", "heat_wave_total_length",
    "hot_spell_frequency", "hot_spell_max_length", "hot_spell_total_length",
    "cold_spell_days", "cold_spell_frequency", "days_over_precip_thresh", "fraction_over_precip_thresh",
    "standardized_precipitation_index", "standardized_precipitation_evapotranspiration_index",
    "cffwis_indices", "drought_code", "duff_moisture_code", "fire_season",
}  # fmt: skip


def rows() -> Iterator[tuple[list[str], list[str]]]:
    """Indicators and calls of every row of the table."""
    for line in PAGE.partition("## Indicators\n")[2].splitlines():
        if line.startswith("| `"):
            left, right = line.strip("| ").split(" | ", 1)
            yield re.findall(r"`([^`]+)`", left), re.findall(r"`(e5\.[^`]+)`", right)


OURS = {
    name: call for names, calls in rows() if len(names) == len(calls) for name, call in zip(names, calls, strict=True)
}


@pytest.fixture(scope="module")
def series() -> dict[str, xr.DataArray]:
    """Six years of daily series with a season, cold enough for frost and warm enough for summer days."""
    rng = np.random.default_rng(5)
    time = np.arange("2001-01-01", "2007-01-01", dtype="M8[D]").astype("M8[ns]")
    season = -14 * np.cos(np.arange(len(time)) * 2 * np.pi / 365.25)
    tg = (9 + season)[:, None, None] + rng.normal(0, 4, (len(time), 3, 4))
    width = rng.uniform(3, 8, tg.shape)
    rain = np.where(rng.random(tg.shape) < 0.4, rng.gamma(0.6, 8, tg.shape), 0)
    coords = {"time": time, "latitude": [50.0, 49, 48], "longitude": [0.0, 1, 2, 3]}

    def named(values: np.ndarray, units: str, **attrs: str) -> xr.DataArray:
        return xr.DataArray(
            values.astype("f4"), coords, ("time", "latitude", "longitude"), attrs={"units": units, **attrs}
        )

    return {
        "tg": named(tg, "degC", cell_methods="time: mean", standard_name="air_temperature"),
        "tx": named(tg + width, "degC", cell_methods="time: maximum", standard_name="air_temperature"),
        "tn": named(tg - width, "degC", cell_methods="time: minimum", standard_name="air_temperature"),
        "pr": named(rain, "mm/day", cell_methods="time: mean", standard_name="precipitation_flux"),
    }


def test_every_row_is_compared() -> None:
    plain = {name for names, _ in rows() for name in names if "." not in name}
    assert plain == {*THEIRS, *ELSEWHERE}


@pytest.mark.parametrize("name", THEIRS)
def test_both_columns_give_the_same(name: str, series: dict[str, xr.DataArray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xclim

        with xclim.set_options(data_validation="log", cf_compliance="log"):
            theirs = THEIRS[name](xclim.atmos, series)
    ours = eval(OURS[name], {"e5": e5, **series})
    theirs = theirs.transpose(*ours.dims)
    if re.fullmatch("t[xng]_(max|min|mean)", name):  # theirs are always in kelvins
        theirs = theirs - 273.15
    assert theirs.notnull().any()
    np.testing.assert_allclose(ours.values, theirs.values, rtol=2e-6, atol=5e-5)

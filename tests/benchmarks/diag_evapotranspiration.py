"""Potential evapotranspiration: ours and xclim's."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
import xclim
from comparison import Row

import era5fast as e5

_pet = xclim.indices.potential_evapotranspiration


def rows(quick: bool) -> list[Row]:
    """Three years of days, none of them a leap year, and forty of months, on a grid."""
    width = 50 if quick else 200
    days, months = 1095, 480
    rng = np.random.default_rng(0)
    tmin = _field(rng.normal(8, 5, (days, 20, width)), "D", "degC")
    tmax = (tmin + rng.gamma(2.0, 3.0, tmin.shape)).assign_attrs(tmin.attrs)
    dewpoint = (tmin - 3).assign_attrs(tmin.attrs)
    wind = _field(rng.gamma(2.0, 2.0, tmin.shape), "D", "m s-1")
    net = _field(rng.normal(8, 3, tmin.shape), "D", "MJ m-2 d-1")
    none = _field(np.zeros(tmin.shape), "D", "MJ m-2 d-1")
    t = _field(rng.normal(12, 4, (months, 20, width)), "MS", "degC")
    saturated = (_vapour_pressure(tmin) + _vapour_pressure(tmax)) / 2
    humidity = (100 * _vapour_pressure(dewpoint) / saturated).assign_attrs(units="%")
    return [
        Row(
            "Hargreaves",
            "xclim",
            lambda: e5.hargreaves(tmin, tmax, sun="spencer", progress=False),
            lambda: _pet(tasmin=tmin, tasmax=tmax, lat=tmin.lat, method="HG85").compute(),
            lambda ours, theirs: _same(ours, theirs, 1e-6),
        ),
        Row(
            "Thornthwaite",
            "xclim",
            lambda: e5.thornthwaite(t, heat_index="year", month_length="calendar", sun="spencer", progress=False),
            lambda: _pet(tas=t, lat=t.lat, method="TW48").compute(),
            lambda ours, theirs: _same(ours, theirs, 1e-2),
        ),
        Row(
            "Penman–Monteith",
            "xclim",
            lambda: e5.penman_monteith(tmin, tmax, dewpoint, wind, net, progress=False),
            lambda: _pet(
                tasmin=tmin, tasmax=tmax, lat=tmin.lat, hurs=humidity, rsds=net, rsus=none, rlds=none, rlus=none,
                sfcWind=wind, method="FAO_PM98",
            ).compute(),
            lambda ours, theirs: f"another vapour pressure; correlation {_correlation(ours, theirs):.3f}",
        ),
    ]  # fmt: skip


def _field(values: np.ndarray, freq: str, units: str) -> xr.DataArray:
    time = xr.date_range("2001-01-01", periods=len(values), freq=freq)
    latitude = xr.DataArray(np.linspace(60, 30, values.shape[1]), dims="lat", attrs={"units": "degrees_north"})
    coords = {"time": time, "lat": latitude, "lon": np.arange(float(values.shape[2]))}
    return xr.DataArray(values, coords, ("time", "lat", "lon"), attrs={"units": units})


def _vapour_pressure(t: xr.DataArray) -> xr.DataArray:
    return np.exp(17.27 * t / (t + 237.3))


def _per_day(theirs: xr.DataArray) -> np.ndarray:
    return theirs.transpose("time", "lat", "lon").values * 86400


def _same(ours: xr.DataArray, theirs: xr.DataArray, tolerance: float) -> str:
    np.testing.assert_allclose(ours.values, _per_day(theirs), rtol=tolerance, atol=1e-6)
    return f"equal to {tolerance:g}"


def _correlation(ours: Any, theirs: Any) -> float:
    found = float(np.corrcoef(ours.values.ravel(), _per_day(theirs).ravel())[0, 1])
    assert found > 0.95
    return found

"""Heat, cold, humidity, wind and fire weather: ours and the libraries that have them.

The peers get what they take: float32 as ERA5 has it where they keep it, quantities of xclim as DataArrays.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numexpr
import numpy as np
import thermofeel
import xarray as xr
from comparison import Row
from xclim import indices as xclim_indices
from xclim.indices.fire import cffwis_indices

import era5fast as e5

Values = dict[str, np.ndarray]


def rows(quick: bool) -> list[Row]:
    """Indices of single values, the wind at the speed of memory, and a year of fire weather."""
    x = _weather(200_000 if quick else 4_000_000)
    t, td, rh, v, mrt, u = (x[name] for name in ("t", "td", "rh", "v", "mrt", "u"))
    few = slice(0, t.size // 8)
    feel = "thermofeel"
    found = [
        _row(
            "heat index from dewpoint",
            feel,
            lambda: e5.heat_index(t, dewpoint=td, definition=feel),
            lambda: thermofeel.calculate_heat_index_adjusted(t, td),
        ),
        _row(
            "heat index, simplified",
            feel,
            lambda: e5.heat_index(t, rh, definition="simplified"),
            lambda: thermofeel.calculate_heat_index_simplified(t, rh),
        ),
        _row("wet bulb", feel, lambda: e5.wet_bulb(t, rh), lambda: thermofeel.calculate_wbt(t, rh)),
        _row(
            "wind chill",
            feel,
            lambda: e5.wind_chill(t, v, definition=feel),
            lambda: thermofeel.calculate_wind_chill(t, v),
        ),
        _row(
            "humidex",
            feel,
            lambda: e5.humidex(t, td, definition=feel),
            lambda: thermofeel.calculate_humidex(t, td),
        ),
        _row(
            "UTCI",
            feel,
            lambda: e5.utci(t[few], mrt[few], v[few], dewpoint=td[few], definition=feel),
            lambda: thermofeel.calculate_utci(t[few], v[few], mrt[few], td_k=td[few]),
        ),
        _row("wind speed", "NumPy hypot", lambda: e5.wind_speed(u, v), lambda: np.hypot(u, v)),
        _row(
            "wind speed",
            "numexpr",
            lambda: e5.wind_speed(u, v),
            lambda: numexpr.evaluate("sqrt(u * u + v * v)", {"u": u, "v": v}),
        ),
    ]
    hot, humid = (xr.DataArray(a, dims="cell", attrs={"units": b}) for a, b in ((t, "K"), (rh, "%")))
    found.append(
        _row(
            "heat index",
            "xclim",
            lambda: e5.heat_index(hot, humid, definition="xclim").values,
            lambda: xclim_indices.heat_index(hot, humid).values,
        )
    )
    return [*found, _fire(quick)]


def _weather(n: int) -> Values:
    rng = np.random.default_rng(1)
    t = rng.uniform(275, 315, n)
    values = {
        "t": t,
        "td": t - rng.exponential(6, n),
        "rh": rng.uniform(5, 99, n),
        "v": rng.uniform(1, 16, n),
        "u": rng.uniform(-15, 15, n),
        "mrt": t + rng.uniform(-25, 60, n),
    }
    return {name: value.astype("float32") for name, value in values.items()}


def _row(stage: str, peer: str, ours: Callable[[], np.ndarray], theirs: Callable[[], np.ndarray]) -> Row:
    def check(mine: np.ndarray, other: np.ndarray) -> str:
        # A peer that stays in float32 loses digits in its polynomials, and takes the other branch here and there.
        apart = np.abs(mine - other)
        near = float(np.nanquantile(apart, 0.9999))
        assert near < 2e-2, near
        assert np.mean(np.isnan(mine) != np.isnan(other)) < 1e-4
        return f"{stage}: 99.99 % at most {near:.1e} apart"

    return Row(stage, peer, ours, theirs, check)


def _fire(quick: bool) -> Row:
    days, cells = 365, 200 if quick else 4_000
    rng = np.random.default_rng(2)
    shape = (days, 1, cells)
    time = np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    coords = {"time": time, "lat": [45.0], "lon": np.linspace(0, 300, cells)}

    def series(values: np.ndarray, unit: str) -> xr.DataArray:
        return xr.DataArray(values, dims=("time", "lat", "lon"), coords=coords, attrs={"units": unit})

    t, h = series(rng.uniform(-5, 40, shape), "degC"), series(rng.uniform(5, 100, shape), "%")
    w = series(rng.uniform(0, 60, shape), "km/h")
    rain = series(np.where(rng.random(shape) < 0.6, 0, rng.exponential(8, shape)), "mm/d")
    amount, latitude = rain.assign_attrs(units="mm"), t.lat.assign_attrs(units="degrees_north")

    def ours() -> np.ndarray:
        return e5.fire_weather(t, h, w, amount, form="cffdrs", progress=False).fwi.values

    def theirs() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cffwis_indices(t, rain, w, h, latitude)[5].transpose("time", "lat", "lon").values

    def check(mine: np.ndarray, other: np.ndarray) -> str:
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-10)
        return "fire weather index equal to 1e-9"

    return Row("fire weather, a year", "xclim", ours, theirs, check)

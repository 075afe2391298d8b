"""Percentiles of days of the year, and days beyond them: ours and the ways people have today."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
import xclim
from comparison import Row
from xclim.core.calendar import percentile_doy

import era5fast as e5

FIRST, LAST = 1981, 2010


def rows(quick: bool) -> list[Row]:
    """Thresholds, and TX90p with the exact bootstrap: thirty years, float32."""
    cells, few, fewest = (480, 48, 1) if quick else (14_400, 360, 4)
    time = np.arange(f"{FIRST}-01-01", f"{LAST + 1}-01-01", dtype="datetime64[D]")
    values = _temperature(len(time), cells)
    maxima = xr.DataArray(values, {"time": time.astype("datetime64[ns]")}, ("time", "cell"), "tx", {"units": "degC"})
    return [*_thresholds(maxima, time, few), *_bootstrap(maxima, cells, fewest)]


def _temperature(steps: int, cells: int) -> np.ndarray:
    """A year's wave, weather that lasts some days and is alike in neighbouring cells, and a little noise."""
    random = np.random.default_rng(1)
    weather = random.normal(0, 2, (steps, cells // 24))
    weather = np.repeat(weather + np.roll(weather, 1, 0) + np.roll(weather, 2, 0), 24, axis=1)
    wave = 10 * np.sin(np.arange(steps) * (2 * np.pi / 365.25))[:, np.newaxis]
    return (wave + weather + random.normal(0, 0.5, (steps, cells))).astype("float32")


def _thresholds(maxima: xr.DataArray, time: np.ndarray, few: int) -> list[Row]:
    cells = maxima.sizes["cell"]
    part = maxima[:, :few]
    common = maxima.values[[str(day)[5:] != "02-29" for day in time]]

    def as_xclim() -> np.ndarray:
        return e5.percentile_doy(maxima, 90, neighbours="real", leap_day="stretch", progress=False).values

    def by_xclim() -> np.ndarray:
        return percentile_doy(part, window=5, per=90).squeeze("percentiles").transpose("dayofyear", "cell").values

    def ours() -> np.ndarray:
        return e5.percentile_doy(maxima, 90, progress=False).values

    def by_numpy() -> np.ndarray:
        by_year = common[:, :few].astype("float64").reshape(-1, 365, few)
        out = np.empty((365, few))
        for slot in range(365):
            pool = np.take(by_year, np.arange(slot - 2, slot + 3), axis=1, mode="wrap").reshape(-1, few)
            out[slot] = np.quantile(pool, 0.9, axis=0, method="median_unbiased")
        return out

    def close(mine: np.ndarray, theirs: np.ndarray) -> str:
        np.testing.assert_allclose(mine[:, :few], theirs, rtol=1e-5, atol=1e-5)
        return "equal to 1e-5 (theirs are float32)"

    def same(mine: np.ndarray, theirs: np.ndarray) -> str:
        assert mine[:, :few].tobytes() == theirs.tobytes()
        return "the same bits"

    stage = f"daily p90, per {cells // few} × cells"
    return [
        Row(stage, "xclim percentile_doy", as_xclim, by_xclim, close),
        Row(stage, "numpy.quantile", ours, by_numpy, same),
    ]


def _bootstrap(maxima: xr.DataArray, cells: int, fewest: int) -> list[Row]:
    part = maxima[:, :fewest].astype("float64")
    period = (str(FIRST), str(LAST - 1))
    base = part.sel(time=slice(*period))

    def as_xclim() -> np.ndarray:
        options = {"neighbours": "real", "leap_day": "stretch"}
        return e5.percentile_exceedance(maxima, 90, base_period=period, progress=False, **options).days.values

    def by_xclim() -> np.ndarray:
        threshold = percentile_doy(base, window=5, per=90).squeeze("percentiles")
        return xclim.indices.tx90p(part, threshold, freq="YS", bootstrap=True).transpose("time", "cell").values

    def as_cdo() -> np.ndarray:
        options = {"neighbours": "ring", "leap_day": "own", "percent_of": "all"}
        return e5.percentile_exceedance(maxima, 90, base_period=period, progress=False, **options).percent.values

    def by_cdo() -> np.ndarray:
        return _by_cdo(maxima[:, :fewest], period)

    def equal_days(mine: np.ndarray, theirs: np.ndarray) -> str:
        np.testing.assert_allclose(mine[:, :fewest], theirs, rtol=1e-9)
        return "the same days"

    def alike(mine: np.ndarray, theirs: np.ndarray) -> str:
        differ = np.abs(mine[:, :fewest] - theirs) > 1e-3
        assert differ.mean() < 0.3
        assert np.abs(mine[:, :fewest] - theirs).max() < 100 * 2 / 365
        return f"{1 - differ.mean():.0%} of the years equal to 0.001 points, the others but for 29 February"

    stage = f"TX90p, bootstrap, per {cells // fewest} × cells"
    return [
        Row(stage, "xclim tx90p(bootstrap=True)", as_xclim, by_xclim, equal_days),
        Row(stage, "CDO etccdi_tx90p, 2,000 bins", as_cdo, by_cdo, alike),
    ]


def _by_cdo(maxima: xr.DataArray, period: tuple[str, str]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        source, lowest, highest, result = (Path(folder, f"{name}.nc") for name in ("tx", "min", "max", "out"))
        field = maxima.expand_dims(lat=[0.0], axis=1).rename(cell="lon").assign_coords(lon=np.arange(maxima.shape[1]))
        field.to_netcdf(source)
        environment = {**os.environ, "CDO_PCTL_NBINS": "2000"}
        for command in (
            ["ydrunmin,5,rm=c", source, lowest],
            ["ydrunmax,5,rm=c", source, highest],
            [f"etccdi_tx90p,5,{period[0]},{period[1]},freq=year", source, lowest, highest, result],
        ):
            subprocess.run(["cdo", "-s", *map(str, command)], check=True, capture_output=True, env=environment)
        with xr.open_dataset(result) as opened:
            name = next(name for name in opened.data_vars if opened[name].dims == ("time", "lat", "lon"))
            return opened[name].values[:, 0]

"""Return levels and standardised indices: ours and the ways people have today."""

from __future__ import annotations

from typing import Any

import climate_indices.compute
import climate_indices.indices
import numpy as np
import structlog
import xarray as xr
import xclim
from comparison import Row
from lmoments3 import distr
from scipy import special, stats

import era5fast as e5

YEARS = 40

# climate_indices tells of every cell.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))


def rows(quick: bool) -> list[Row]:
    """SPI-3 over 40 years of months, and GEV return levels of 40 annual maxima."""
    return [*_spi_rows(quick), *_gev_rows(quick)]


def _per(stage: str, ours: int, theirs: int) -> str:
    return stage if ours == theirs else f"{stage}, per {ours // theirs} × cells"


# --- SPI ---


def _spi_rows(quick: bool) -> list[Row]:
    cells, some, few = (4_000, 200, 40) if quick else (60_000, 1_200, 600)
    rng = np.random.default_rng(0)
    season = 40 + 30 * np.sin(np.arange(YEARS * 12) / 6 * np.pi)
    values = rng.gamma(2.0, season[:, None] / 2, (YEARS * 12, cells))
    time = np.arange("1981-01", f"{1981 + YEARS}-01", dtype="datetime64[M]").astype("datetime64[D]")

    def ours() -> np.ndarray:
        return e5.spi(values, 3, time=time, progress=False)

    def packaged() -> np.ndarray:
        gamma, monthly = climate_indices.indices.Distribution.gamma, climate_indices.compute.Periodicity.monthly
        series = (values[:, cell] for cell in range(few))
        found = [climate_indices.indices.spi(s, 3, gamma, 1981, 1981, 2020, monthly) for s in series]
        return np.stack(found, axis=1)

    def of_xclim() -> np.ndarray:
        coords = {"time": time.astype("M8[ns]")}
        attrs = {"units": "mm/day", "standard_name": "precipitation_flux"}
        data = xr.DataArray(values[:, :some], coords, ("time", "cell"), "pr", attrs)
        found = xclim.indices.standardized_precipitation_index(
            data, freq="MS", window=3, dist="gamma", method="APP", cal_start="1981-01-01", cal_end="2020-12-31",
            fitkwargs={"floc": 0},
        )  # fmt: skip
        return np.asarray(found.transpose("time", "cell"))

    def by_hand() -> np.ndarray:
        return np.concatenate([_spi_by_hand(values[:, i : i + 2000]) for i in range(0, cells, 2000)], axis=1)

    def check(mine: np.ndarray, theirs: np.ndarray) -> str:
        apart = np.nanmax(np.abs(np.clip(mine[:, : theirs.shape[1]], -3.09, 3.09) - np.clip(theirs, -3.09, 3.09)))
        assert apart < 2e-3, apart
        return f"equal to {apart:.0e}"

    return [
        Row(_per("SPI-3, 40 years", cells, some), "xclim", ours, of_xclim, check),
        Row(_per("SPI-3, 40 years", cells, few), "climate_indices", ours, packaged, check),
        Row("SPI-3, 40 years", "NumPy and scipy by hand", ours, by_hand, check),
    ]


def _spi_by_hand(values: np.ndarray) -> np.ndarray:
    """All cells at once; without zeros."""
    added = np.full(values.shape, np.nan)
    added[2:] = values[2:] + values[1:-1] + values[:-2]
    months = added.reshape(YEARS, 12, -1)
    mean = np.nanmean(months, axis=0)
    a = np.log(mean) - np.nanmean(np.log(months), axis=0)
    shape = (1 + np.sqrt(1 + 4 * a / 3)) / (4 * a)
    share = special.gammainc(shape, months / (mean / shape))
    return special.ndtri(share).reshape(values.shape)


# --- GEV ---


def _gev_rows(quick: bool) -> list[Row]:
    cells, some, few = (20_000, 1_000, 40) if quick else (400_000, 20_000, 400)
    rng = np.random.default_rng(1)
    values = stats.genextreme.rvs(-0.1, 30, 4, (YEARS, cells), random_state=rng)
    time = np.arange(1981, 1981 + YEARS).astype(str).astype("datetime64[Y]").astype("datetime64[D]")

    def level(method: str, count: int) -> np.ndarray:
        return e5.gev(values[:, :count], 100, method, time=time, progress=False).return_level

    def of_xclim(method: str, count: int) -> np.ndarray:
        data = xr.DataArray(
            values[:, :count], {"time": time.astype("M8[ns]")}, ("time", "cell"), attrs={"units": "K"}
        )
        how: Any = distr.gev if method == "PWM" else "genextreme"
        fitted = xclim.indices.stats.fit(data, dist=how, method=method)
        return np.asarray(xclim.indices.stats.parametric_quantile(fitted, 0.99).squeeze())

    def by_scipy() -> np.ndarray:
        found = [stats.genextreme.fit(values[:, cell]) for cell in range(few)]
        return np.array([stats.genextreme.ppf(0.99, *one) for one in found])

    def check_exactly(mine: np.ndarray, theirs: np.ndarray) -> str:
        apart = np.max(np.abs(mine[: theirs.size] / theirs - 1))
        assert apart < 2e-3, apart  # by hand: with an approximation of the shape
        return f"equal to {apart:.0e} of the level"

    def check_mostly(mine: np.ndarray, theirs: np.ndarray) -> str:
        close = np.mean(np.abs(mine[: theirs.size] / theirs - 1) < 1e-2)
        assert close > 0.8, close  # the others end in another place, at a lower likelihood
        return f"{close:.0%} equal to 1 %"

    return [
        Row(_per("GEV by L-moments", cells, some), "xclim", lambda: level("lmoments", cells),
            lambda: of_xclim("PWM", some), check_exactly),
        Row("GEV by L-moments", "NumPy by hand", lambda: level("lmoments", cells),
            lambda: _gev_by_hand(values), check_exactly),
        Row(_per("GEV by likelihood", cells // 10, few), "xclim", lambda: level("ml", cells // 10),
            lambda: of_xclim("ML", few), check_mostly),
        Row(_per("GEV by likelihood", cells // 10, few), "scipy", lambda: level("ml", cells // 10),
            by_scipy, check_mostly),
    ]  # fmt: skip


def _gev_by_hand(values: np.ndarray) -> np.ndarray:
    """All cells at once, with Hosking's approximation of the shape."""
    x, n = np.sort(values, axis=0), len(values)
    i = np.arange(n)[:, None]
    b0, b1, b2 = x.mean(0), (i * x).sum(0) / (n * (n - 1)), (i * (i - 1) * x).sum(0) / (n * (n - 1) * (n - 2))
    second, third = 2 * b1 - b0, 6 * b2 - 6 * b1 + b0
    c = 2 / (3 + third / second) - np.log(2) / np.log(3)
    k = 7.8590 * c + 2.9554 * c * c
    gamma = special.gamma(1 + k)
    scale = second * k / ((1 - 2.0**-k) * gamma)
    return b0 - scale * (1 - gamma) / k + scale * (1 - (-np.log(0.99)) ** k) / k

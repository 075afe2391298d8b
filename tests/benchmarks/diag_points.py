"""Points and resampling: ours and the ways people have today."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from comparison import Row
from scipy import stats
from sklearn.metrics.pairwise import haversine_distances

import era5fast as e5

RESAMPLES = 10_000
YEARS = 60


def rows(quick: bool) -> list[Row]:
    """Distances, stations, units, resamples, correlation."""
    return [*_distances(quick), *_stations(quick), *_units(quick), *_resamples(quick), *_correlation(quick)]


def _close(what: str, rtol: float, atol: float = 0.0) -> Any:
    def check(mine: Any, theirs: Any) -> str:
        np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=rtol, atol=atol)
        return f"{what} equal to {rtol:g}"

    return check


def _distances(quick: bool) -> list[Row]:
    n = 1000 if quick else 5000
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(-90, 90, n), rng.uniform(-180, 180, n)

    def ours() -> np.ndarray:
        return e5.distance_matrix(lat, lon, progress=False)

    def theirs() -> np.ndarray:
        return haversine_distances(np.radians(np.column_stack([lat, lon]))) * 6371.0

    check = _close("km", 1e-9, 1e-4)  # haversine knows antipodes to 0.1 km only
    return [Row(f"distances, {n} × {n}", "sklearn", ours, theirs, check)]


def _stations(quick: bool) -> list[Row]:
    steps, stations = (200, 500) if quick else (1000, 2000)
    rng = np.random.default_rng(2)
    latitude, longitude = np.arange(72, 33.9, -0.25), np.arange(-12, 45.1, 0.25)
    values = rng.normal(280, 10, (steps, len(latitude), len(longitude))).astype("float32")
    coords = {"time": np.datetime64("2001-01-01") + np.arange(steps), "latitude": latitude, "longitude": longitude}
    x = xr.DataArray(values, dims=("time", "latitude", "longitude"), coords=coords)
    lat, lon = rng.uniform(34.5, 71.5, stations), rng.uniform(-11, 44, stations)
    at = {"latitude": xr.DataArray(lat, dims="station"), "longitude": xr.DataArray(lon, dims="station")}

    def ours(method: str) -> Any:
        return lambda: e5.sample(x, lat, lon, method, progress=False)

    def nearest() -> Any:
        return x.sel(at, method="nearest").transpose("station", "time")

    def bilinear() -> Any:
        return x.interp(at).transpose("station", "time")

    return [
        Row("stations, nearest", "xarray sel", ours("nearest"), nearest, _close("series", 0)),
        Row("stations, bilinear", "xarray interp", ours("bilinear"), bilinear, _close("series", 1e-5)),
    ]


def _units(quick: bool) -> list[Row]:
    x = np.random.default_rng(3).normal(280, 10, 2_000_000 if quick else 50_000_000).astype("float32")
    x[::97] = -9999

    def ours() -> np.ndarray:
        return e5.convert_units(x, "K", "degF", nodata=-9999, progress=False)

    def theirs() -> np.ndarray:
        return np.where(x == -9999, x, x * np.float32(1.8) - np.float32(459.67))

    return [Row("K to °F with nodata", "NumPy where", ours, theirs, _close("values", 1e-5, 1e-3))]


def _resamples(quick: bool) -> list[Row]:
    cells, few = (500, 50) if quick else (10_000, 200)
    rng = np.random.default_rng(4)
    x, y = rng.normal(0.3, 1, (YEARS, cells)), rng.normal(0, 1, (YEARS, cells))
    options: dict[str, Any] = {"n_resamples": RESAMPLES, "method": "percentile"}

    def ours() -> np.ndarray:
        found = e5.bootstrap(x, "mean", seed=1, progress=False, **options)
        return np.stack([found.low, found.high])

    def by_scipy() -> np.ndarray:
        found = stats.bootstrap((x[:, :few],), np.mean, axis=0, batch=100, **options).confidence_interval
        return np.stack([found.low, found.high])

    def by_counts() -> np.ndarray:
        """Means of resamples as one product of matrices."""
        times = np.random.default_rng(1).multinomial(YEARS, np.full(YEARS, 1 / YEARS), RESAMPLES)
        return np.quantile(times.astype("float64") @ x[:, : 5 * few] / YEARS, [0.025, 0.975], axis=0)

    def test() -> np.ndarray:
        return e5.permutation_test(x, y, RESAMPLES, seed=1, progress=False).pvalue

    def test_by_scipy() -> np.ndarray:
        def difference(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
            return a.mean(axis) - b.mean(axis)

        both = (x[:, :few], y[:, :few])
        return stats.permutation_test(both, difference, vectorized=True, n_resamples=RESAMPLES, batch=100).pvalue

    def alike(mine: np.ndarray, theirs: np.ndarray) -> str:
        gap = np.abs(mine[..., : theirs.shape[-1]] - theirs).max()
        assert gap < 0.06, gap
        return f"within {gap:.3f}, by chance"

    return [
        Row(f"bootstrap, per {cells // few} × cells", "scipy", ours, by_scipy, alike),
        Row(f"bootstrap, per {cells // few // 5} × cells", "counts @ values, np.quantile", ours, by_counts, alike),
        Row(f"permutation test, per {cells // few} ×", "scipy", test, test_by_scipy, alike),
    ]


def _correlation(quick: bool) -> list[Row]:
    cells, few = (1000, 100) if quick else (20_000, 500)
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(YEARS, cells)), rng.normal(size=(YEARS, cells))
    time = np.arange(1961, 1961 + YEARS).astype(str).astype("datetime64[Y]").astype("datetime64[D]")

    def ours(method: str) -> Any:
        return lambda: np.stack(e5.correlation(x, y, method, time=time, progress=False)[:2])

    def pearson() -> np.ndarray:
        return np.stack(stats.pearsonr(x, y, axis=0))

    def spearman() -> np.ndarray:
        return np.array([stats.spearmanr(x[:, cell], y[:, cell]) for cell in range(few)]).T

    def check(mine: np.ndarray, theirs: np.ndarray) -> str:
        np.testing.assert_allclose(mine[:, : theirs.shape[1]], theirs, rtol=1e-8, atol=1e-12)
        return "r and p equal to 1e-8"

    return [
        Row("Pearson's r with p", "scipy", ours("pearson"), pearson, check),
        Row(f"Spearman's r with p, per {cells // few} ×", "scipy", ours("spearman"), spearman, check),
    ]

"""Benchmarks of the indices: all 27 in one call, in memory and from files, against xclim, CDO and NumPy by hand."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from comparison import Row

import era5fast as e5
from era5fast.indices import CORE

YEARS = ("1981", "2010")


@functools.cache
def _weather(cells: int) -> dict[str, np.ndarray]:
    """Thirty years of float32 TX, TN in °C and rain in mm, (time, cells)."""
    rng = np.random.default_rng(0)
    n = len(_days())
    season = 10 * np.sin(2 * np.pi * (np.arange(n) - 110) / 365.25)[:, np.newaxis]
    tx = (15 + season + rng.normal(0, 5, (n, cells))).astype("f4")
    tn = (tx - rng.gamma(4, 2, (n, cells))).astype("f4")
    pr = np.where(rng.random((n, cells)) < 0.4, rng.gamma(0.7, 8, (n, cells)), 0).astype("f4")
    return {"tx": tx, "tn": tn, "pr": pr}


def _days() -> np.ndarray:
    return np.arange("1981-01-01", "2011-01-01", dtype="datetime64[D]")


@functools.cache
def _dataset(cells: int) -> xr.Dataset:
    """The same as a Dataset on a grid of cells × 1."""
    units = {"tx": "degC", "tn": "degC", "pr": "mm/day"}
    names = {"tx": "tasmax", "tn": "tasmin", "pr": "pr"}
    coords = {"time": _days().astype("datetime64[ns]"), "lat": np.linspace(30, 60, cells), "lon": [0.0]}
    return xr.Dataset(
        {
            names[k]: (("time", "lat", "lon"), v[..., np.newaxis], {"units": units[k]})
            for k, v in _weather(cells).items()
        },
        coords=coords,
    )


# --- ours ---


def _ours(cells: int, bootstrap: bool, names: tuple[str, ...] | None = None) -> Any:
    return e5.etccdi(
        **_weather(cells), time=_days(), latitude=np.linspace(30, 60, cells), indices=names, base_period=YEARS,
        bootstrap=bootstrap, definition="xclim", missing="none", percent_of="days"
    )  # fmt: skip


# --- NumPy by hand ---


def _by_year(flags: np.ndarray, function: Callable[..., np.ndarray], **options: Any) -> np.ndarray:
    years = _days().astype("datetime64[Y]")
    starts = np.flatnonzero(np.r_[True, years[1:] != years[:-1]])
    return np.stack([function(part, axis=0, **options) for part in np.split(flags, starts[1:])])


def _longest(flags: np.ndarray, axis: int = 0) -> np.ndarray:
    del axis
    run = np.zeros(flags.shape[1], dtype="i4")
    best = run.copy()
    for flag in flags:
        run = (run + 1) * flag
        np.maximum(best, run, out=best)
    return best


def _spell_days(flags: np.ndarray, axis: int = 0) -> np.ndarray:
    del axis
    kept = np.zeros_like(flags)
    window = np.lib.stride_tricks.sliding_window_view(flags, 6, axis=0).all(axis=-1)
    for k in range(6):
        kept[k : k + len(window)] |= window
    return kept.sum(axis=0)


def _limits(x: np.ndarray, q: float) -> np.ndarray:
    """Quantile of each day of the year, five days wide, then one row per day of the series."""
    days = _days()
    number = (days - days.astype("datetime64[Y]")).astype(int)
    out = np.empty((365, x.shape[1]))
    for slot in range(365):
        near = np.flatnonzero(number == slot)[:, np.newaxis] + np.arange(-2, 3)
        near = near[(near >= 0) & (near < len(x))]
        out[slot] = np.quantile(x[near], q, axis=0, method="median_unbiased")
    return out[np.minimum(number, 364)]


def _season(tg: np.ndarray, axis: int = 0) -> np.ndarray:
    del axis
    middle = 181 + (len(tg) == 366)
    warm = np.lib.stride_tricks.sliding_window_view(tg >= 5, 6, axis=0).all(axis=-1)
    cold = np.lib.stride_tricks.sliding_window_view(tg[middle:] < 5, 6, axis=0).all(axis=-1)
    begin, end = warm[:middle].argmax(axis=0), cold.argmax(axis=0) + middle
    end = np.where(cold.any(axis=0), end, len(tg))
    return np.where(warm[:middle].any(axis=0), end - begin, 0)


def _by_hand(cells: int) -> dict[str, np.ndarray]:
    """All 27 as one would write them in NumPy."""
    tx, tn, pr = _weather(cells).values()
    wet, tg = pr >= 1, (tx + tn) / 2
    days = functools.partial(_by_year, function=np.sum)
    out = {"fd": days(tn < 0), "su": days(tx > 25), "id": days(tx < 0), "tr": days(tn > 20)}
    out |= {"gsl": _by_year(tg, _season), "dtr": _by_year(tx - tn, np.mean)}
    out |= {"txx": _by_year(tx, np.max), "tnx": _by_year(tn, np.max)}
    out |= {"txn": _by_year(tx, np.min), "tnn": _by_year(tn, np.min)}
    hot, cold_nights = tx > _limits(tx, 0.9), tn < _limits(tn, 0.1)
    out |= {"tx90p": days(hot), "tn10p": days(cold_nights)}
    out |= {"tx10p": days(tx < _limits(tx, 0.1)), "tn90p": days(tn > _limits(tn, 0.9))}
    out |= {"wsdi": _by_year(hot, _spell_days), "csdi": _by_year(cold_nights, _spell_days)}
    sums = np.lib.stride_tricks.sliding_window_view(pr, 5, axis=0).sum(axis=-1, dtype="f8")
    sums = np.concatenate([np.full((4, cells), -1.0), sums])
    out |= {"rx1day": _by_year(pr, np.max), "rx5day": _by_year(sums, np.max)}
    total = days(np.where(wet, pr, 0), dtype="f8")
    out |= {"sdii": total / days(wet), "prcptot": days(pr, dtype="f8")}
    out |= {"r10mm": days(pr >= 10), "r20mm": days(pr >= 20), "rnnmm": days(pr >= 25)}
    out |= {"cdd": _by_year(~wet, _longest), "cwd": _by_year(wet, _longest)}
    masked = np.where(wet, pr, np.nan)
    for name, q in (("r95p", 0.95), ("r99p", 0.99)):
        limit = np.nanquantile(masked, q, axis=0, method="median_unbiased")
        out[name] = days(np.where(pr > limit, pr, 0), dtype="f8")
    return out


# --- xclim ---

_XCLIM = {
    "fd": ("frost_days", "tasmin", {}), "id": ("ice_days", "tasmax", {}), "su": ("tx_days_above", "tasmax", {}),
    "tr": ("tn_days_above", "tasmin", {}), "txx": ("tx_max", "tasmax", {}), "tnx": ("tn_max", "tasmin", {}),
    "txn": ("tx_min", "tasmax", {}), "tnn": ("tn_min", "tasmin", {}),
    "dtr": ("daily_temperature_range", "tasmin tasmax", {}), "gsl": ("growing_season_length", "tas", {}),
    "rx1day": ("max_1day_precipitation_amount", "pr", {}),
    "rx5day": ("max_n_day_precipitation_amount", "pr", {"window": 5}), "sdii": ("daily_pr_intensity", "pr", {}),
    "r10mm": ("wetdays", "pr", {"thresh": "10 mm/day"}), "r20mm": ("wetdays", "pr", {"thresh": "20 mm/day"}),
    "rnnmm": ("wetdays", "pr", {"thresh": "25 mm/day"}), "cdd": ("maximum_consecutive_dry_days", "pr", {}),
    "cwd": ("maximum_consecutive_wet_days", "pr", {}), "prcptot": ("prcptot", "pr", {}),
    "tx90p": ("tx90p", "tasmax tasmax90", {}), "tx10p": ("tx10p", "tasmax tasmax10", {}),
    "tn90p": ("tn90p", "tasmin tasmin90", {}), "tn10p": ("tn10p", "tasmin tasmin10", {}),
    "wsdi": ("warm_spell_duration_index", "tasmax tasmax90", {}),
    "csdi": ("cold_spell_duration_index", "tasmin tasmin10", {}),
}  # fmt: skip


_LEVELS = ("txx", "tnx", "txn", "tnn")


def indices_of_xclim(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """What xclim has of the 27 (R95p and R99p it has as shares only), in °C, lazily where the data are lazy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import xclim.indices
        from xclim.core.calendar import percentile_doy

        given: dict[str, Any] = {str(name): ds[name] for name in ds.data_vars}
        given["tas"] = ((ds.tasmax + ds.tasmin) / 2).assign_attrs(units=ds.tasmax.units)
        for name in ("tasmax", "tasmin"):
            for q in (10, 90):
                given[f"{name}{q}"] = percentile_doy(ds[name], per=q).sel(percentiles=q)
        out = {
            index: getattr(xclim.indices, function)(*(given[o] for o in operands.split()), **options)
            for index, (function, operands, options) in _XCLIM.items()
        }
        zero = {"K": 273.15}  # we give °C
        return {name: x - zero.get(x.units if name in _LEVELS else "", 0) for name, x in out.items()}


def _xclim(cells: int, ds: xr.Dataset | None = None) -> dict[str, np.ndarray]:
    found = indices_of_xclim(_dataset(cells) if ds is None else ds)
    return {name: x.transpose("time", "lat", "lon").values[..., 0] for name, x in found.items()}


# --- CDO ---


def _cdo(folder: Path) -> None:
    """The operators that CDO has and that need no percentiles, each of which reads its file."""
    for operator, name in (
        ("eca_fd", "tasmin"), ("eca_su", "tasmax"), ("eca_id", "tasmax"), ("eca_tr", "tasmin"), ("eca_r10mm", "pr"),
        ("eca_r20mm", "pr"), ("eca_rx1day", "pr"), ("eca_sdii", "pr"), ("eca_cdd", "pr"), ("eca_cwd", "pr")
    ):  # fmt: skip
        command = ["cdo", "-s", operator, str(folder / f"{name}.nc"), str(folder / "cdo.nc")]
        subprocess.run(command, check=True, capture_output=True)


@functools.cache
def _files(cells: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="era5fast-indices-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ds = _dataset(cells).copy()
    for name in ("tasmax", "tasmin"):  # CDO takes Kelvin
        ds[name] = (ds[name] + np.float32(273.15)).assign_attrs(units="K")
    ds = ds.rename(lat="latitude", lon="longitude")
    for axis, unit in (("latitude", "degrees_north"), ("longitude", "degrees_east")):
        ds[axis].attrs["units"] = unit
    for name in ds.data_vars:
        ds[[name]].to_netcdf(folder / f"{name}.nc", encoding={name: {"zlib": True, "complevel": 1, "shuffle": True}})
    return folder


_CDO_NAMES = ("fd", "su", "id", "tr", "r10mm", "r20mm", "rx1day", "sdii", "cdd", "cwd")


def _ours_from_files(cells: int, names: tuple[str, ...] | None = None) -> xr.Dataset:
    files = [str(_files(cells) / f"{name}.nc") for name in ("tasmax", "tasmin", "pr")]
    return e5.etccdi(files, indices=names, base_period=YEARS, definition="xclim", missing="none", progress=False)


def _xclim_from_files(cells: int) -> dict[str, np.ndarray]:
    """By dask, in chunks of cells."""
    paths = [_files(cells) / f"{name}.nc" for name in ("tasmax", "tasmin", "pr")]
    with xr.open_mfdataset(paths, chunks={"latitude": 100, "time": -1}) as ds:
        return _xclim(cells, ds.rename(latitude="lat", longitude="lon"))


# --- comparison of answers ---


def _same(ours: Any, theirs: dict[str, np.ndarray]) -> str:
    names = [name for name in CORE if name in theirs]
    for name in names:
        mine = getattr(ours, name) if not isinstance(ours, xr.Dataset) else ours[name].values[..., 0]
        # TX and TN are float32 in the peers' sums; at ties a day may fall on the other side of a threshold.
        assert np.mean(~np.isclose(mine, theirs[name], rtol=1e-4, atol=1e-3)) < 0.01, name
    return f"{len(names)} indices equal"


def rows(quick: bool) -> list[Row]:
    """Rows of the benchmark of the diagnostics."""
    cells = 64 if quick else 1024
    few = 32 if quick else 256
    return [
        Row("27 indices, in memory", "by hand", lambda: _ours(cells, False), lambda: _by_hand(cells), _like_hand),
        Row("27 indices, in memory", "xclim (25 of them)", lambda: _ours(cells, False), lambda: _xclim(cells), _same),
        Row(
            "27 indices, from files", "xclim + dask (25 of them)", lambda: _ours_from_files(few),
            lambda: _xclim_from_files(few), _same
        ),
        Row(
            "10 indices, from files", "CDO eca_*", lambda: _ours_from_files(cells, _CDO_NAMES),
            lambda: _cdo(_files(cells)), lambda ours, theirs: "CDO gives one value for the whole series: not compared"
        ),
    ]  # fmt: skip


def _like_hand(ours: Any, theirs: dict[str, np.ndarray]) -> str:
    """By hand, leap years have 366 in the place of day 365, so indices of percentiles differ a little."""
    exact = {
        name: x for name, x in theirs.items() if name not in ("tx10p", "tx90p", "tn10p", "tn90p", "wsdi", "csdi")
    }
    assert len(exact) == 21
    return _same(ours, exact)

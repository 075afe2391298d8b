"""Files whose cells have no axes of latitude and longitude: the same numbers as of xarray's arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import era5fast as e5
from era5fast import fire, indices
from era5fast.errors import InputError

pytestmark = pytest.mark.native

QUIET: dict[str, Any] = {"progress": False}
DAYS = 3 * 365


def temperatures(days: int = DAYS) -> xr.Dataset:
    """Highest and lowest temperatures on a projection, with the places of its cells."""
    rng = np.random.default_rng(8)
    time = np.datetime64("2001-01-01", "ns") + np.arange(days) * np.timedelta64(1, "D")
    x, y = np.arange(5) * 1000.0, np.arange(4) * -1000.0
    season = 15 - 10 * np.cos(2 * np.pi * np.arange(days) / 365)[:, None, None]
    high = (season + rng.normal(0, 4, (days, 4, 5))).astype("f4")
    high[50, 1] = np.nan
    about = {"units": "degC", "grid_mapping": "lambert", "coordinates": "lat lon"}
    ds = xr.Dataset(
        {
            "Tx": (("time", "y", "x"), high, about),
            "Tn": (("time", "y", "x"), high - 8, about),
            "lambert": ((), 0, {"grid_mapping_name": "lambert_conformal_conic"}),
        },
        {
            "time": ("time", time),
            "y": ("y", y, {"units": "m", "standard_name": "projection_y_coordinate"}),
            "x": ("x", x, {"units": "m", "standard_name": "projection_x_coordinate"}),
            "lat": (("y", "x"), 47 + y[:, None] / 111e3 + 0 * x),
            "lon": (("y", "x"), 15 + x / 75e3 + 0 * y[:, None]),
        },
    )
    ds.time.attrs["bounds"] = "time_bnds"
    ds["time_bnds"] = (("time", "nv"), np.stack([time, time + np.timedelta64(1, "D")], axis=1))
    for variable in ds.data_vars.values():
        variable.attrs.pop("coordinates", None)  # xarray writes it by itself
    return ds


@pytest.fixture(scope="module")
def projected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, xr.Dataset]:
    path = tmp_path_factory.mktemp("projected") / "spartacus.nc"
    packed = {"dtype": "i2", "scale_factor": 0.01, "_FillValue": -32768, "zlib": True}
    temperatures().to_netcdf(path, encoding={"Tx": packed, "Tn": packed})
    with xr.open_dataset(path, engine="netcdf4") as ds:
        return path, ds.load()


CALLS: dict[str, Any] = {
    "gev": lambda x, **more: e5.gev(e5.resample(x, "max", freq="MS", **more, **QUIET), [10, 100], **QUIET),
    "percentile_doy": lambda x, **more: e5.percentile_doy(x, [50, 90], **more, **QUIET),
    "spell_statistics": lambda x, **more: e5.spell_statistics(x, "20 degC", **more, **QUIET),
    "climatology": lambda x, **more: e5.climatology(x, **more, **QUIET),
}


@pytest.mark.parametrize("name", CALLS)
def test_cells_of_a_projection_are_cells(name: str, projected: tuple[Path, xr.Dataset]) -> None:
    path, ds = projected
    found = CALLS[name](path, variable="Tx")
    xr.testing.assert_identical(found, CALLS[name](ds.Tx))
    assert {"y", "x"} <= set(found.dims)
    assert {"lat", "lon"} <= set(found.coords)


def test_indices_and_tables_of_a_projection(projected: tuple[Path, xr.Dataset], tmp_path: Path) -> None:
    path, ds = projected
    for name in ("Tx", "Tn"):
        ds[[name]].to_netcdf(tmp_path / f"{name}.nc")
    rules: dict[str, Any] = {"indices": ["dtr", "fd", "su", "tx90p"], "base_period": ("2001", "2002"), **QUIET}
    found = e5.etccdi(tx=tmp_path / "Tx.nc", tn=tmp_path / "Tn.nc", **rules)
    xr.testing.assert_equal(found, e5.etccdi(tx=ds.Tx, tn=ds.Tn, **rules))
    alone = indices.su(tmp_path / "Tx.nc", **QUIET)
    np.testing.assert_array_equal(alone, found.su)
    rows = e5.spells(path, 25.0, variable="Tx", **QUIET)
    pd.testing.assert_frame_equal(rows, e5.spells(ds.Tx, 25.0, **QUIET))
    season = fire.fire_season(path, variable="Tx")
    np.testing.assert_array_equal(season, fire.fire_season(ds.Tx))


def test_parts_of_a_series_in_any_order(projected: tuple[Path, xr.Dataset], tmp_path: Path) -> None:
    _, ds = projected
    paths = [tmp_path / name for name in ("b.nc", "a.nc", "c.nc")]
    for path, part in zip(paths, (slice(0, 400), slice(400, 700), slice(700, None)), strict=True):
        ds[["Tx"]].isel(time=part).to_netcdf(path)
    wanted = e5.resample(ds.Tx, "max", **QUIET)
    for several in (paths, paths[::-1], str(tmp_path / "*.nc")):
        np.testing.assert_array_equal(e5.resample(several, "max", **QUIET), wanted)
    ds[["Tx"]].isel(x=slice(0, 2)).to_netcdf(tmp_path / "a.nc", mode="w")
    with pytest.raises(InputError, match="are of other cells"):
        e5.resample(paths, "max", **QUIET)


def test_limits_of_time_steps_are_no_variable(tmp_path: Path) -> None:
    # Nobody marks them as bounds here; what is asked for is one of the two maps, and which is not said.
    time = np.arange(6)
    maps = {
        name: (("time", "latitude", "longitude"), np.zeros((6, 2, 3), "f4"), {"units": "K"})
        for name in ("t2m", "d2m")
    }
    limits = {"time_bnds": (("time", "bnds"), np.zeros((6, 2)))}
    axes = {"time": time.astype("M8[D]").astype("M8[ns]"), "latitude": [1.0, 0.0], "longitude": [0.0, 1.0, 2.0]}
    xr.Dataset({**maps, **limits}, axes).to_netcdf(tmp_path / "two.nc")
    with pytest.raises(InputError, match="which variable"):
        e5.resample(tmp_path / "two.nc", "max", **QUIET)


def test_stations_are_cells(tmp_path: Path) -> None:
    ds = temperatures().stack(place=("y", "x")).drop_vars(["place", "y", "x"])
    ds[["Tx", "lat", "lon"]].transpose("time", "place").to_netcdf(tmp_path / "stations.nc")
    found = e5.daily(tmp_path / "stations.nc", "max", **QUIET)
    assert found.dims == ("time", "place")
    np.testing.assert_array_equal(found, e5.daily(ds.Tx.transpose("time", "place"), "max", **QUIET))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda path: e5.resample(path, "max", **QUIET), "which variable.*holds Tx, Tn"),
        (lambda path: e5.resample(path, "max", variable="Tm", **QUIET), "no variable Tm"),
        (lambda path: e5.resample(path, "max", variable="lambert", **QUIET), "no time axis"),
        (lambda path: e5.find_events(path, 20.0, variable="Tx", **QUIET), "grid is not known|no latitude axis"),
        (lambda path: e5.find_events(xr.open_dataset(path).Tx, 20.0, **QUIET), "not known: its cells are along y, x"),
        (lambda path: e5.daily(path, "max", variable="Tx", utc_offset="solar", **QUIET), "longitude"),
        (lambda path: e5.open_dataset(path), "engine='era5fast'\\) opens files of other grids"),
    ],
)
def test_what_needs_places_says_so(call: Any, words: str, projected: tuple[Path, xr.Dataset]) -> None:
    with pytest.raises(InputError, match=words):
        call(projected[0])


def test_times_that_nobody_can_read(projected: tuple[Path, xr.Dataset], tmp_path: Path) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(projected[0].read_bytes())
    with netCDF4.Dataset(path, "a") as file:
        file["time"].units = "fortnights since 2001-01-01"
    with pytest.raises(InputError, match="Tx has no latitude axis"):
        e5.resample(path, "max", variable="Tx", **QUIET)

"""Single parts of the core against the quickest that others have: percentiles, labels, reading, downloading."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cc3d
import netCDF4
import numpy as np
import peers
import samples
import xarray as xr
from comparison import Row, arguments, measure, show
from downloads import Downloads, serving
from scipy import ndimage

import era5fast as e5

MEGABYTE = 1 << 20
THRESHOLD = 1.3  # deviations: about a tenth of all cells


# --- percentiles -


def percentile_rows(quick: bool) -> list[Row]:
    values, moments = samples.daily_series(6 if quick else 30)
    axes = {"time": moments, "latitude": np.linspace(50, 40, 41), "longitude": np.linspace(-5, 10, 61)}
    daily = xr.DataArray(values, coords=axes, dims=tuple(axes), attrs={"units": "K"})
    dayofyear = daily["time"].dt.dayofyear.values

    def ours() -> np.ndarray:
        return e5.percentile_doy(values, 90, neighbours="real", leap_day="stretch", time=moments, progress=False)

    def check(mine: np.ndarray, theirs: Any) -> str:
        apart = np.abs(mine - np.asarray(theirs)).max()
        assert apart <= peers.HALF_STEP, f"percentiles differ by {apart} K"
        return f"{values.size / 1e6:.0f} million days, percentiles within {apart:.0e} K"

    return [
        Row("percentile_doy", "xclim, dask", ours, lambda: peers.p90_xclim(daily, 5, 90), check),
        Row("percentile_doy", "np.partition by hand", ours,
            lambda: peers.p90_partition(values, dayofyear, 5, 90), check),
    ]  # fmt: skip


# --- labels -


def label_rows(quick: bool) -> list[Row]:
    field = samples.smooth_field((46 if quick else 366, 267, 267))
    axes = {
        "time": np.datetime64("2000-01-01") + np.arange(len(field)),
        "latitude": 70 - 0.25 * np.arange(field.shape[1]),
        "longitude": -30 + 0.25 * np.arange(field.shape[2]),
    }
    above = field > THRESHOLD

    def ours() -> e5.EventCatalogue:
        return e5.find_events(field, above=THRESHOLD, min_days=1, progress=False, **axes)

    def everything() -> tuple[np.ndarray, int]:
        labels, number = ndimage.label(field > THRESHOLD, np.ones((3, 3, 3)))
        index = np.arange(1, number + 1)
        ndimage.sum_labels(field, labels, index), ndimage.maximum(field, labels, index), ndimage.find_objects(labels)
        return labels, number

    def measured_by_cc3d() -> tuple[np.ndarray, int]:
        labels, number = cc3d.connected_components(field > THRESHOLD, connectivity=26, return_N=True)
        cc3d.statistics(labels)
        return labels, number

    def check(mine: e5.EventCatalogue, theirs: tuple[np.ndarray, int]) -> str:
        labels, number = theirs
        cells = np.sort(np.bincount(labels.ravel())[1:])
        assert len(mine) == number, f"{len(mine)} events here, {number} there"
        assert np.array_equal(np.sort(mine.core.table()["cells"]), cells), "events of other sizes"
        return f"{field.size / 1e6:.0f} million cells, {number} events of the same sizes; ours has all properties"

    def cc3d_label() -> tuple[np.ndarray, int]:
        return cc3d.connected_components(above, connectivity=26, return_N=True)

    return [
        Row("find_events", "scipy: label, sum, maximum, boxes", ours, everything, check),
        Row("find_events", "cc3d: label, count, boxes, centroids", ours, measured_by_cc3d, check),
        Row("find_events", "scipy: label alone", ours, lambda: ndimage.label(above, np.ones((3, 3, 3))), check),
        Row("find_events", "cc3d: label alone", ours, cc3d_label, check),
    ]


# --- reading -


def reading_rows() -> list[Row]:
    path = samples.hourly_month()

    def ours() -> np.ndarray:
        return e5.read(path, "t2m", progress=False)

    def of_xarray() -> np.ndarray:
        with xr.open_dataset(path) as dataset:
            return dataset["t2m"].values

    def of_netcdf4() -> np.ndarray:
        with netCDF4.Dataset(path) as file:
            file["t2m"].set_auto_maskandscale(False)
            return file["t2m"][:]

    def check(mine: np.ndarray, theirs: np.ndarray) -> str:
        assert np.array_equal(mine, theirs), "values differ"
        stored = path.stat().st_size
        return f"{stored / 1e6:.0f} MB of a file are {mine.nbytes / 1e6:.0f} MB of values, equal to the last bit"

    return [
        Row("read a whole variable", "xarray", ours, of_xarray, check),
        Row("read a whole variable", "netCDF4", ours, of_netcdf4, check),
    ]


# --- downloading -


def download_rows(path: Path, downloads: Downloads) -> list[Row]:
    size = path.stat().st_size
    ways = {"requests": downloads.requests, "requests, md5, fsync by hand": downloads.requests_verified}
    if find_spec("cdsapi"):
        ways["cdsapi"] = downloads.cdsapi
    if find_spec("ecmwf") and find_spec("ecmwf.datastores"):
        ways["ecmwf-datastores-client"] = downloads.datastores

    def check(mine: int, theirs: int) -> str:
        assert mine == theirs == size, f"{mine} and {theirs} bytes of {size}"
        return f"{size / MEGABYTE:.0f} MiB; ours verifies the checksum and flushes the file to disk"

    return [
        Row("download", peer, lambda: _size_of(downloads.ours), partial(_size_of, way), check)
        for peer, way in ways.items()
    ]


def _size_of(way: Callable[[], Path]) -> int:
    """Run a download; only its size is kept, since the next one removes the file."""
    return way().stat().st_size


def main() -> None:
    options = arguments(__doc__)
    results = []
    for rows in (percentile_rows, label_rows, lambda _: reading_rows()):
        results += measure(rows(options.quick), options.rounds)
    path = samples.large_object((32 if options.quick else 256) * MEGABYTE)
    with serving(path) as (url, key), tempfile.TemporaryDirectory(dir=samples.CACHE) as folder:
        results += measure(download_rows(path, Downloads(url, key, Path(folder))), options.rounds)
    show("Parts of the core", results)


if __name__ == "__main__":
    main()

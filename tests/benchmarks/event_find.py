"""Events: from a field in memory, and from a year of the globe in a file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import samples
import xarray as xr
from comparison import Row

import era5fast as e5

THRESHOLD = 1.3  # deviations: about a tenth of all cells


# --- a field in memory, objects and all their properties -


def field_rows(quick: bool) -> list[Row]:
    from scipy import ndimage

    field = samples.smooth_field((46 if quick else 366, 267, 267))
    axes = {
        "time": np.datetime64("2000-01-01") + np.arange(len(field)),
        "latitude": 70 - 0.25 * np.arange(field.shape[1]),
        "longitude": -30 + 0.25 * np.arange(field.shape[2]),
    }

    def ours() -> e5.EventCatalogue:
        return e5.find_events(field, above=THRESHOLD, min_days=1, links=False, progress=False, **axes)

    def by_scipy() -> dict[str, np.ndarray]:
        labels, number = ndimage.label(field > THRESHOLD, np.ones((3, 3, 3)))
        index = np.arange(1, number + 1)
        ndimage.find_objects(labels)
        return {
            "cells": np.bincount(labels.ravel(), minlength=number + 1)[1:],
            "sum": ndimage.sum_labels(field, labels, index),
            "peak": ndimage.maximum(field, labels, index),
        }

    def check(mine: e5.EventCatalogue, theirs: dict[str, np.ndarray]) -> str:
        table = mine.core.table()
        assert np.array_equal(np.sort(table["cells"]), np.sort(theirs["cells"])), "events of other sizes"
        assert np.array_equal(np.sort(table["peak_value"]), np.sort(theirs["peak"])), "events with other peaks"
        return f"{field.size / 1e6:.0f} million cells, {len(mine)} events of the same sizes and peaks"

    return [Row("field to objects, properties", "scipy: label, sum, maximum, boxes", ours, by_scipy, check)]


# --- a year of the globe in a file -


@cache
def _year(days: int) -> Path:
    """Daily values on the grid of ERA5 that hang together over some days and cells, in one compressed file."""
    return samples._once(samples.CACHE / f"globe_{days}.nc", lambda path: _write_globe(path, days))


def _write_globe(path: Path, days: int) -> None:
    import netCDF4
    from scipy import ndimage

    rng = np.random.default_rng(3)
    coarse = np.zeros((46, 90), "float32")
    with netCDF4.Dataset(path, "w") as file:
        axes = {"time": np.arange(days), "latitude": np.linspace(90, -90, 721), "longitude": np.arange(1440) / 4}
        units = {"time": "days since 2003-01-01", "latitude": "degrees_north", "longitude": "degrees_east"}
        for name, values in axes.items():
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable.units = units[name]
            variable[:] = values
        options = {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": (1, 721, 1440)}
        values = file.createVariable("t2m", "f4", tuple(axes), **options)
        values.units = "K"
        for day in range(days):
            coarse = np.float32(0.8) * coarse + rng.standard_normal(coarse.shape, dtype="float32")
            fine = ndimage.zoom(coarse, (721 / 46, 1440 / 90), order=1, grid_mode=True, mode="grid-wrap")
            values[day] = np.round(fine + 280, 2)


def year_rows(quick: bool) -> list[Row]:
    days = 20 if quick else 365
    path = _year(days)
    limit = 282.5

    def ours() -> e5.EventCatalogue:
        return e5.find_events(path, above=limit, progress=False)

    def reading() -> None:
        """Decode every value once, a fortnight at a time, as whoever computes with them has to."""
        with e5.open_dataset(path) as dataset:
            for first in range(0, days, 14):
                dataset["t2m"][first : first + 14].values  # noqa: B018

    def by_hand() -> int:
        import cc3d

        with xr.open_dataset(path) as dataset:
            above = dataset["t2m"].values > np.float32(limit)
        return int(cc3d.connected_components(above, connectivity=26, return_N=True)[1])

    def describe(mine: e5.EventCatalogue, _: Any) -> str:
        return f"{days} days of 721 x 1440 cells, {len(mine)} events of cells above {limit} K on three days or more"

    return [
        Row("a year of the globe, file", "e5: only reading it", ours, reading, describe),
        Row("a year of the globe, file", "xarray, cc3d: label alone", ours, by_hand, describe),
    ]


def rows(quick: bool) -> list[Row]:
    """All rows; the functions above make some of them each."""
    return [*field_rows(quick), *year_rows(quick)]

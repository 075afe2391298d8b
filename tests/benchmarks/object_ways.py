"""A field in memory to objects with their properties, as a user of each package writes it.

``python object_ways.py WAY field.npy STEPS``, one process a run: prints one line of JSON with seconds on the wall and
of all processors, without imports and reading the field; by how many bytes resident memory grew at its highest; and
the number of objects. The field has (time, latitude, longitude); objects are cells above `THRESHOLD` that touch.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

THRESHOLD = 1.3  # deviations: about a tenth of all cells
Work = Callable[[], int]


def axes_of(field: np.ndarray) -> dict[str, np.ndarray]:
    """Days and cells of a quarter of a degree."""
    return {
        "time": (np.datetime64("2000-01-01") + np.arange(len(field))).astype("datetime64[ns]"),
        "latitude": 70 - 0.25 * np.arange(field.shape[1]),
        "longitude": -30 + 0.25 * np.arange(field.shape[2]),
    }


# --- ours ---


def ours(field: np.ndarray) -> Work:
    import era5fast as e5

    axes = axes_of(field)
    few = {**axes, "time": axes["time"][:3]}
    e5.find_events(field[:3], above=THRESHOLD, min_days=1, links=False, progress=False, **few)  # what is loaded late
    return lambda: len(e5.find_events(field, above=THRESHOLD, min_days=1, links=False, progress=False, **axes))


# --- peers ---


def scipy(field: np.ndarray) -> Work:
    from scipy import ndimage

    def work() -> int:
        labels, number = ndimage.label(field > THRESHOLD, np.ones((3, 3, 3)))
        index = np.arange(1, number + 1)
        ndimage.find_objects(labels)
        np.bincount(labels.ravel(), minlength=number + 1)
        ndimage.sum_labels(field, labels, index)
        ndimage.maximum(field, labels, index)
        return int(number)

    return work


def marex(field: np.ndarray) -> Work:
    """marEx with its properties of objects, which it gives where it follows how they merge."""
    return _marex(field, allow_merging=True)


def marex_labels(field: np.ndarray) -> Work:
    """marEx without properties: labels of a step, joined in time where they overlap."""
    return _marex(field, allow_merging=False)


def _marex(field: np.ndarray, allow_merging: bool) -> Work:
    """Its tracker wants a cluster of dask."""
    import marEx
    import xarray as xr
    from dask.distributed import Client, LocalCluster

    logging.disable(logging.ERROR)
    Client(LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None))
    axes = dict(zip(("time", "lat", "lon"), axes_of(field).values(), strict=True))
    above = xr.DataArray(field > THRESHOLD, axes, tuple(axes)).chunk(time=25)
    everywhere = xr.ones_like(above.isel(time=0, drop=True)).compute()

    def work() -> int:
        tracker = marEx.tracker(
            above, everywhere, R_fill=0, T_fill=0, area_filter_quartile=0, allow_merging=allow_merging,
            regional_mode=True, coordinate_units="degrees", quiet=True,
        )  # fmt: skip
        found = tracker.run().compute()
        return int(found["ID_field"].max() if "ID_field" in found else found.max())

    return work


def ocetrac(field: np.ndarray) -> Work:
    """ocetrac: a disk of one cell opens and closes the maps, then labels in three dimensions; without properties."""
    import xarray as xr
    from ocetrac import Tracker

    axes = dict(zip(("time", "lat", "lon"), axes_of(field).values(), strict=True))
    above = xr.DataArray(np.where(field > THRESHOLD, field, np.nan), axes, tuple(axes)).chunk(time=1)
    everywhere = xr.ones_like(above.isel(time=0, drop=True).compute()).fillna(1)

    names = {"timedim": "time", "xdim": "lon", "ydim": "lat"}

    def work() -> int:
        with contextlib.redirect_stdout(None):  # it tells of its steps
            found = Tracker(above, everywhere, radius=1, min_size_quartile=0, min_area_cells=0, **names).track()
        return int(found.labels_raw.max())

    return work


# --- measured ---


def _memory(name: str) -> int:
    """Bytes of a line of this process's status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main() -> None:
    warnings.simplefilter("ignore")
    way, path, steps = sys.argv[1:]
    work = globals()[way](np.load(path)[: int(steps)])
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before, wall, processor = _memory("VmRSS"), time.perf_counter(), time.process_time()
    objects = work()
    result: dict[str, Any] = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    print(json.dumps({**result, "memory": _memory("VmHWM") - before, "objects": objects}))


if __name__ == "__main__":
    main()

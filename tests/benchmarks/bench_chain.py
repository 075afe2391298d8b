"""The chain of the demonstration on ten years of hourly data of 41 × 61 cells, against today's packages.

Hourly files → daily maximum → 90th percentile of each calendar day → spells of at least three days above it, joined
in time and space → their properties → a database.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import peers
import samples
import xarray as xr
from comparison import Row, arguments, measure, show, total

import era5fast as e5

PERCENTILE, WINDOW, MIN_DAYS = 90, 5, 3


class Ours:
    """The chain in this package; each step keeps its answer for the next."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def daily(self) -> xr.DataArray:
        self.tx: xr.DataArray = e5.daily(self.paths, "max", variable="t2m", progress=False)
        return self.tx

    def percentile(self) -> xr.DataArray:
        how = {"window": WINDOW, "neighbours": "real", "leap_day": "stretch"}  # as xclim does
        self.p90: xr.DataArray = e5.percentile_doy(self.tx, PERCENTILE, **how, progress=False)
        return self.p90

    def find(self) -> e5.EventCatalogue:
        self.events = e5.find_events(self.tx, above=self.p90, min_days=MIN_DAYS, progress=False)
        return self.events

    def store(self, path: Path) -> Path:
        e5.EventDatabase(path).add(self.events, kind="heatwave", progress=False)
        return path


class Theirs:
    """The chain in xarray, xclim, scipy and pandas, and what does the same by hand."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = paths

    def daily(self) -> xr.DataArray:
        self.tx = peers.daily_xarray(self.paths)
        return self.tx

    def percentile(self) -> xr.DataArray:
        self.p90 = peers.p90_xclim(self.tx, WINDOW, PERCENTILE)
        return self.p90

    def percentile_by_hand(self) -> np.ndarray:
        return peers.p90_partition(self.tx.values, self.tx["time"].dt.dayofyear.values, WINDOW, PERCENTILE)

    def find(self) -> peers.Found:
        self.found = peers.events_scipy(self.tx, self.p90, MIN_DAYS)
        return self.found

    def find_by_hand(self) -> peers.Found:
        return peers.events_by_hand(self.tx, self.p90, MIN_DAYS)


class Checks:
    """Both sides must have the same answer, step by step."""

    def __init__(self, ours: Ours, theirs: Theirs) -> None:
        self.ours, self.theirs = ours, theirs

    def daily(self, ours: xr.DataArray, theirs: Any) -> str:
        assert np.array_equal(ours.values, np.asarray(theirs)), "the daily maxima differ"
        return f"{ours.size:,} daily maxima, equal to the last bit"

    def percentile(self, ours: xr.DataArray, theirs: Any, limit: float = 1e-9) -> str:
        apart = np.abs(ours.values - np.asarray(theirs)).max()
        assert apart <= limit, f"percentiles differ by {apart} K"
        above, differing = self._cells_above(ours, xr.DataArray(np.asarray(theirs), dims=ours.dims))
        return f"thresholds within {apart:.0e} K; {differing} of {above:,} cells above them differ"

    def percentile_of_xclim(self, ours: xr.DataArray, theirs: xr.DataArray) -> str:
        note = " (under dask, xclim rounds its thresholds to float32)"
        return self.percentile(ours, theirs, peers.HALF_STEP) + note

    def _cells_above(self, *p90: xr.DataArray) -> tuple[int, int]:
        slot = self.ours.tx["time"].dt.dayofyear.values - 1
        ours, theirs = (self.ours.tx.values > p.values[slot] for p in p90)
        return int(ours.sum()), int((ours != theirs).sum())

    def events(self, ours: e5.EventCatalogue, theirs: peers.Found) -> str:
        """Events from the peers' thresholds on both sides, so that rounding there does not hide a difference here."""
        same = e5.find_events(self.ours.tx, above=self.theirs.p90, min_days=MIN_DAYS, progress=False)
        mine, apart = _event_table(same), 0.0
        assert len(same) == len(theirs.events), f"{len(same)} events here, {len(theirs.events)} there"
        for name, column in mine.items():
            difference = np.abs(column - np.sort(theirs.events[name].to_numpy()))
            limit = 0 if column.dtype.kind == "i" else 1e-6
            assert (difference <= limit * np.abs(column)).all(), f"the events differ in {name}"
            if limit > 0:
                apart = max(apart, float((difference / np.abs(column)).max()))
        assert _days_and_cells(same.core.table()) == _days_and_cells(theirs.events), "the events differ"
        split = "".join(f"; {step} {seconds:.2f} s" for step, seconds in theirs.seconds.items())
        own = "as many" if len(ours) == len(same) else f"{len(ours)}"
        return (
            f"{len(same)} events from the same thresholds ({own} from our own): equal days and cells, "
            f"numbers within {apart:.0e}{split}"
        )

    def store(self, ours: Path, theirs: Path) -> str:
        counts = [[_rows(path, table) for table in ("event", "event_state")] for path in (ours, theirs)]
        assert counts[0] == counts[1], f"rows of the tables differ: {counts}"
        return "{} events, {} states; ours stores outlines, keys and provenance as well".format(*counts[0])


def _days_and_cells(table: Any) -> list[tuple[int, ...]]:
    return sorted(zip(*(map(int, table[name]) for name in ("start", "end", "cells")), strict=True))


def _event_table(events: e5.EventCatalogue) -> dict[str, np.ndarray]:
    """Columns under the peers' names, each sorted by itself."""
    table = events.core.table()
    names = {"start": "start", "end": "end", "cells": "cells", "peak": "peak", "mean": "exceedance_mean"}
    names |= {"cumulative": "exceedance_sum", "area_max": "area_max"}
    return {name: np.sort(table[source]) for name, source in names.items()}


def _rows(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def rows_of(ours: Ours, theirs: Theirs, folder: Path) -> list[Row]:
    check, number = Checks(ours, theirs), count()

    def fresh(suffix: str) -> Path:
        return folder / f"{next(number)}{suffix}"

    return [
        Row("read, daily maximum", "xarray, dask", ours.daily, theirs.daily, check.daily, link=True),
        Row(
            "read, daily maximum", "netCDF4, reshape by hand", ours.daily,
            lambda: peers.daily_netcdf4(theirs.paths), check.daily,
        ),
        Row(
            "90th percentile", "xclim, dask", ours.percentile, theirs.percentile, check.percentile_of_xclim,
            link=True,
        ),
        Row(
            "90th percentile", "np.partition by hand", ours.percentile, theirs.percentile_by_hand,
            check.percentile,
        ),
        Row("spells, labels, properties", "scipy, pandas", ours.find, theirs.find, check.events, link=True),
        Row("spells, labels, properties", "cc3d, reduceat by hand", ours.find, theirs.find_by_hand, check.events),
        Row(
            "database", "pandas", lambda: ours.store(fresh(".gpkg")),
            lambda: peers.store_pandas(theirs.found, fresh(".db")), check.store, link=True,
        ),
        Row(
            "database", "sqlite3 by hand", lambda: ours.store(fresh(".gpkg")),
            lambda: peers.store_by_hand(theirs.found, fresh(".db")), check.store,
        ),
    ]  # fmt: skip


def main() -> None:
    options = arguments(__doc__)
    years = range(2011, 2015 if options.quick else 2021)
    paths = samples.hourly_years(years)
    with tempfile.TemporaryDirectory(dir=samples.CACHE) as folder:
        results = measure(rows_of(Ours(paths), Theirs(paths), Path(folder)), options.rounds)
    show(f"{len(years)} years of hourly data, 41 x 61 cells, files to database", [*results, total(results)])


if __name__ == "__main__":
    main()

"""Events: objects in time, latitude and longitude, as a table with outlines and cells."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .canonical import canonical
from .errors import InputError
from .geometry import Polygon, polygons
from .times import encode_times

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Events"]

#: Column of the core → name in the table. One row per property that users see.
_COLUMNS = {
    "start": "start",
    "end": "end",
    "duration_days": "duration",
    "peak_time": "peak_time",
    "peak_latitude": "peak_row",
    "peak_longitude": "peak_column",
    "peak_exceedance": "peak",
    "peak_value": "peak_value",
    "area_max_km2": "area_max",
    "area_mean_km2": "area_mean",
    "footprint_km2": "footprint",
    "volume_km2_days": "volume",
    "exceedance_mean": "exceedance_mean",
    "cumulative_intensity": "exceedance_sum",
    "latitude": "latitude",
    "longitude": "longitude",
    "south": "south",
    "north": "north",
    "west": "west",
    "east": "east",
    "cells": "cells",
    "touches_edge": "touches_edge",
    "censored": "censored",
}


class Events:
    """The events that one diagnostic found; made by :func:`era5fast.find_events`.

    Parameters
    ----------
    core : _core.Events
        Tables of the core.
    definition : dict
        Diagnostic and parameters that made the events.
    name : str
        Variable.
    attrs : dict
        Attributes of the variable.
    paths : sequence of str
        Files that the data came from.
    """

    def __init__(
        self,
        core: Any,
        *,
        definition: dict[str, Any],
        name: str = "",
        attrs: dict[str, Any] | None = None,
        paths: tuple[str, ...] = (),
    ) -> None:
        self.core = core
        self.definition = definition
        self.name = name
        self.units = str((attrs or {}).get("units", ""))
        self.paths = tuple(paths)
        self._table = core.table()
        self._axes = core.axes()

    def __len__(self) -> int:
        return len(self.core)

    def __repr__(self) -> str:
        return f"<Events: {len(self)} of {self.name or 'a series'} over {len(self._axes['seconds'])} steps>"

    @cached_property
    def _runs(self) -> dict[str, np.ndarray]:
        return self.core.runs()

    @cached_property
    def _states(self) -> dict[str, np.ndarray]:
        return self.core.states()

    @property
    def definition_json(self) -> str:
        """The definition in a canonical form, as the database keeps it."""
        return canonical(self.definition)

    def to_dataframe(self) -> pd.DataFrame:
        """Table with one row per event, in order of start.

        Returns
        -------
        pandas.DataFrame
            Times as dates, areas in km², exceedance in the units of the field, ``cumulative_intensity`` in units ×
            km² × days. The index is the number of the event.
        """
        import pandas as pd

        return pd.DataFrame({name: self._column(source) for name, source in _COLUMNS.items()})

    def _column(self, source: str) -> np.ndarray:
        table, axes = self._table, self._axes
        if source in ("start", "end", "peak_time"):
            return encode_times(axes["seconds"][table[source]], axes["calendar"])
        if source == "duration":
            return table["end"] - table["start"] + 1
        if source == "peak_row":
            return axes["latitude"][table["peak_row"]]
        if source == "peak_column":
            return axes["longitude"][table["peak_column"]]
        column: np.ndarray = table[source]
        return column

    def outline(self, number: int) -> list[Polygon]:
        """Outline of an event: polygons of an outer ring and holes, as (longitude, latitude) arrays."""
        return polygons(self.core.outline(self._check(number)))

    def cells(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices (time, row, column) of all cells of an event, in that order."""
        number = self._check(number)
        first, count = int(self._table["first_run"][number]), int(self._table["runs"][number])
        runs = {name: column[first : first + count] for name, column in self._runs.items()}
        lengths = runs["count"]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return (
            np.repeat(runs["time"], lengths),
            np.repeat(runs["row"], lengths),
            np.repeat(runs["first"], lengths) + within,
        )

    def states(self, number: int) -> pd.DataFrame:
        """One row per day of an event: area, mean and maximum exceedance, centroid."""
        import pandas as pd

        number = self._check(number)
        first, count = int(self._table["first_state"][number]), int(self._table["states"][number])
        columns = {name: column[first : first + count] for name, column in self._states.items()}
        time = encode_times(self._axes["seconds"][columns.pop("time")], self._axes["calendar"])
        return pd.DataFrame({"time": time, **columns})

    def labels(self) -> np.ndarray:
        """(time, latitude, longitude) int32 array: number of the event of each cell, −1 where there is none."""
        axes = self._axes
        out = np.full([len(axes[key]) for key in ("seconds", "latitude", "longitude")], -1, dtype="int32")
        for number in range(len(self)):
            out[self.cells(number)] = number
        return out

    def strongest(self, n: int = 10, by: str = "cumulative_intensity") -> pd.DataFrame:
        """The `n` events with the largest value in the column `by`, largest first."""
        table = self.to_dataframe()
        if by not in table:
            raise InputError(f"no column '{by}'", hint=f"there are {', '.join(table.columns)}")
        return table.sort_values(by, ascending=False, kind="stable").head(n)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number, row in self.to_dataframe().iterrows():
            yield {"number": number, **{str(name): value for name, value in row.items()}}

    def _check(self, number: int) -> int:
        if not 0 <= operator.index(number) < len(self):
            raise InputError(f"no event {number}, there are {len(self)}", hint="events are numbered from 0")
        return operator.index(number)

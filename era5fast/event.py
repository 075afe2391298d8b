"""One event of a catalogue: its properties, and what belongs to it when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from . import catalogue_display, event_export
from .errors import InputError
from .geometry import Polygon

if TYPE_CHECKING:
    import pandas as pd

    from .catalogue import EventCatalogue

__all__ = ["Event"]


class Event(Mapping[str, Any]):
    """One event: a mapping of its properties, and its outline, cells and states.

    Parameters
    ----------
    catalogue : EventCatalogue
        Where it belongs.
    number : int
        Its number there.

    Attributes
    ----------
    catalogue, number
        As above.
    """

    def __init__(self, catalogue: EventCatalogue, number: int) -> None:
        self.catalogue = catalogue
        self.number = number

    @cached_property
    def properties(self) -> dict[str, Any]:
        """``number`` and the columns of :meth:`EventCatalogue.to_dataframe`; times as ``datetime64`` or cftime."""
        row = self.catalogue._row(self.number)
        return {"number": self.number, **row}

    def __getitem__(self, name: str) -> Any:
        # A column of the database, such as start_day, by its name there.
        return self.properties[name] if name in self.properties else self._as_stored(name)

    def _as_stored(self, name: str) -> Any:
        if not isinstance(name, str):
            raise KeyError(name)
        try:
            return self.catalogue[name][self.number]
        except InputError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.properties)

    def __len__(self) -> int:
        return len(self.properties)

    def __repr__(self) -> str:
        days = " to ".join(event_export.date(self[name]) for name in ("start", "end"))
        of = f" of {self.catalogue.name}" if self.catalogue.name else ""
        return f"<Event {self.number}{of}: {days}, {self['area_max_km2']:,.0f} km² at most>"

    def _repr_html_(self) -> str:
        return catalogue_display.html_of_event(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.catalogue is other.catalogue and self.number == other.number

    def __hash__(self) -> int:
        return hash((id(self.catalogue), self.number))

    @property
    def units(self) -> str:
        """Units of the variable and of the exceedance."""
        return self.catalogue.units

    @property
    def definition(self) -> dict[str, Any]:
        """Diagnostic and parameters that found the event."""
        return self.catalogue.definition

    @property
    def states(self) -> pd.DataFrame:
        """One row per time step; see :meth:`EventCatalogue.states`."""
        return self.catalogue.states(self.number)

    def patches(self) -> pd.DataFrame:
        """Patches of cells that touch each other at one time step, one row each."""
        return self.catalogue.patches(self.number)

    def links(self) -> pd.DataFrame:
        """Which patch goes on in which, one row each."""
        return self.catalogue.links(self.number)

    def branches(self) -> pd.DataFrame:
        """Branches of the family tree: patches that neither merge nor split on the way, one row each."""
        return self.catalogue.branches(self.number)

    def outline(self) -> list[Polygon]:
        """Outline: polygons of an outer ring and holes, as (longitude, latitude) arrays."""
        return self.catalogue.outline(self.number)

    def cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices (time, row, column) of all cells."""
        return self.catalogue.cells(self.number)

    @property
    def geometry(self) -> dict[str, Any] | None:
        """Outline as a GeoJSON ``MultiPolygon``, in degrees, cut at the antimeridian; None where there is none."""
        return event_export.multipolygon(self.catalogue.core.outline(self.number))

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The event as a GeoJSON feature, for shapely, geopandas and others that know the protocol."""
        return event_export.feature(self.number, self.properties, self.catalogue.core.outline(self.number))

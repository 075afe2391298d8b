"""Heatwaves put into the synthetic weather on purpose, so that a search for events has known answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

EARTH_RADIUS_KM = 6371.0
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class PlantedHeatwave:
    """A plateau of heat: constant inside a circle for some days, fading out around it in space and in time.

    Inside the plateau the synoptic anomaly of the weather is *replaced* by ``amplitude_K``, not added to: whatever
    the natural weather would have been there, the plateau is hotter than natural weather can be (see
    `Weather <era5fast.testing.weather.Weather>`).

    Parameters
    ----------
    start : datetime.date
        First full day (UTC).
    days : int
        Full days.
    latitude, longitude : float
        Centre in degrees.
    radius_km : float
        Radius of the plateau. Outside the anomaly fades to that of the natural weather over the same distance.
    amplitude_K : float
        Anomaly in kelvin against the season. From 13 K on it beats every natural anomaly.
    """

    start: date
    days: int
    latitude: float
    longitude: float
    radius_km: float
    amplitude_K: float

    @property
    def first_day(self) -> int:
        """First full day, in days since 1970-01-01."""
        return (self.start - _EPOCH).days

    def weight_in_time(self, day: int) -> float:
        """Share of the heatwave at 00 UTC of a day since 1970-01-01.

        The spline in time reaches one node before and two after a day, so these nodes belong to the plateau: then all
        hours of all full days have the full amplitude.
        """
        outside = max(self.first_day - 1 - day, day - (self.first_day + self.days + 1), 0)
        return (1.0, 0.5)[outside] if outside < 2 else 0.0

    def weight_in_space(
        self, latitude: npt.NDArray[np.float64], longitude: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float32]:
        """Share of the heatwave at each point of a grid, shape (latitude, longitude): 1 inside the radius."""
        chord = _chord(self.latitude, self.longitude, latitude, longitude)
        inner, outer = (2.0 * math.sin(r / 2.0 / EARTH_RADIUS_KM) for r in (self.radius_km, 2 * self.radius_km))
        x = np.clip((outer - chord) / (outer - inner), 0.0, 1.0)
        return (x * x * (3.0 - 2.0 * x)).astype(np.float32)


@dataclass(frozen=True)
class Truth:
    """What a search must find of one planted heatwave, at least.

    Parameters
    ----------
    heatwave : PlantedHeatwave
        The heatwave.
    days : ndarray of datetime64[D]
        Its full days.
    cells : ndarray of bool, shape (latitude, longitude)
        Cells of its plateau.
    """

    heatwave: PlantedHeatwave
    days: npt.NDArray[np.datetime64]
    cells: npt.NDArray[np.bool_]


def truth(heatwaves: Sequence[PlantedHeatwave], latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> list[Truth]:
    """Full days and plateau cells of each planted heatwave on a grid.

    Parameters
    ----------
    heatwaves : sequence of PlantedHeatwave
        What was planted.
    latitude, longitude : array_like
        Axes in degrees.

    Returns
    -------
    list of Truth
        In the same order; a heatwave outside the grid has no cells.
    """
    lat, lon = np.asarray(latitude, dtype=np.float64), np.asarray(longitude, dtype=np.float64)
    return [
        Truth(
            wave,
            np.datetime64(wave.start, "D") + np.arange(wave.days),
            wave.weight_in_space(lat, lon) >= np.float32(1.0),
        )
        for wave in heatwaves
    ]


def _chord(
    lat0: float, lon0: float, latitude: npt.NDArray[np.float64], longitude: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Straight-line distance on the unit sphere from one point to every point of a grid.

    Sines and cosines are taken one number at a time: NumPy's vector versions may differ in the last bit with the
    length of the array, and the weather must not depend on the cut of a request.
    """
    sin_lat = np.array([math.sin(math.radians(x)) for x in latitude])
    cos_lat = np.array([math.cos(math.radians(x)) for x in latitude])
    cos_lon = np.array([math.cos(math.radians(round((x - lon0) % 360.0, 6))) for x in longitude])
    polar = sin_lat * math.sin(math.radians(lat0))
    cosine = polar[:, None] + (cos_lat * math.cos(math.radians(lat0)))[:, None] * cos_lon[None, :]
    squared: npt.NDArray[np.float64] = np.maximum(2.0 - 2.0 * cosine, 0.0)
    return np.sqrt(squared)


#: Planted by default, inside 50N 5W – 42.5N 5E. No two within three weeks of the same date: a heatwave then fills at
#: most a tenth of the 5-day window of a ten-year base period, and so never lifts the 90th percentile above itself.
DEFAULT_HEATWAVES = (
    PlantedHeatwave(date(2013, 7, 5), 8, 46.5, 0.5, 180.0, 14.0),
    PlantedHeatwave(date(2016, 8, 18), 6, 44.5, 2.5, 130.0, 13.0),
    PlantedHeatwave(date(2018, 6, 12), 10, 47.5, -1.5, 150.0, 14.0),
    PlantedHeatwave(date(2019, 9, 20), 5, 48.0, 2.5, 110.0, 15.0),
)

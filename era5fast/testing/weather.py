"""Synthetic weather: plausible, reproducible and quick. It never happened.

Temperature is the sum of a season that depends on latitude, a daily cycle that follows the sun, synoptic anomalies
which hang together over a few hundred kilometres and a few days, small-scale noise, and heatwaves planted on purpose.
Precipitation is what a correlated random field has above a threshold, so that rain comes in spells and in areas.

The value of a variable at an hour and a point depends on the seed, the hour and the point, and on nothing else: one
request for ten years, ten requests for a year and a request for a single hour agree to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from .heatwaves import DEFAULT_HEATWAVES, PlantedHeatwave, Truth, truth
from .lattice import Degrees, Field, Floats, Integers, Layer, add_hour

DEFAULT_SEED = 20030801

#: Anomalies of daily temperature: large and small weather systems. Their sum is bent so that it stays within
#: ±NATURAL_LIMIT_K, which is what lets a planted heatwave be hotter than any natural one, for every seed.
SYNOPTIC = (Layer(1, 10.0, 24, 96.0, 2.9), Layer(2, 4.0, 24, 72.0, 2.4))
NATURAL_LIMIT_K = 9.5
MESOSCALE = Layer(3, 1.0, 3, 9.0, 0.35)
_RELIEF = Layer(4, 2.0, 24, 0.0, 1.6)
_CONTINENT = Layer(5, 5.0, 24, 0.0, 0.12)
_DRYNESS = Layer(6, 4.0, 24, 72.0, 1.4)
_WIND = (Layer(7, 6.0, 24, 60.0, 3.2), Layer(8, 6.0, 24, 60.0, 3.2))
_GUST = (Layer(9, 1.0, 3, 9.0, 0.8), Layer(10, 1.0, 3, 9.0, 0.8))
_PRESSURE = Layer(11, 12.0, 24, 96.0, 900.0)
_RAIN = (Layer(12, 3.0, 6, 15.0, 0.86), Layer(13, 1.0, 1, 3.0, 0.51))

_RAIN_THRESHOLD = 1.15  # of a unit normal: it rains in about one hour in eight
_RAIN_METRES = 1.45e-3  # metres per hour at one standard deviation above the threshold
_BLOCK_VALUES = 262_144  # values per field of a block: a few fields of 1 MiB stay in the second-level cache
_YEAR_DAYS = 365.2425


class Weather:
    """A world of synthetic weather.

    Parameters
    ----------
    seed : int, default 20030801
        Another seed is another world; the planted heatwaves stay.
    heatwaves : sequence of PlantedHeatwave, default DEFAULT_HEATWAVES
        Planted in the temperature. With an amplitude of 13 K or more every full day inside the plateau is hotter than
        any natural day of that season, hence above any 90th percentile over ten or more years.

    Examples
    --------
    >>> import numpy as np
    >>> weather = Weather()
    >>> values = weather.field("t2m", [12235], [0, 12], np.array([46.5]), np.array([0.5, 0.75]))
    >>> values.shape
    (2, 1, 2)
    """

    def __init__(self, seed: int = DEFAULT_SEED, heatwaves: Sequence[PlantedHeatwave] = DEFAULT_HEATWAVES) -> None:
        self.seed = seed
        self.heatwaves = tuple(heatwaves)

    def truth(self, latitude: npt.ArrayLike, longitude: npt.ArrayLike) -> list[Truth]:
        """Days and cells which a search for events must find, for each planted heatwave.

        Parameters
        ----------
        latitude, longitude : array_like
            Grid axes in degrees.

        Returns
        -------
        list of Truth
        """
        return truth(self.heatwaves, latitude, longitude)

    def field(
        self,
        name: str,
        days: Sequence[int] | Integers,
        hours: Sequence[int],
        latitude: npt.ArrayLike,
        longitude: npt.ArrayLike,
    ) -> Floats:
        """One variable at the given hours of the given days.

        Parameters
        ----------
        name : str
            Name in the netCDF files, one of `VARIABLES`.
        days : sequence of int
            Days since 1970-01-01, increasing.
        hours : sequence of int
            Hours of the day (UTC), increasing.
        latitude, longitude : array_like
            Grid axes in degrees.

        Returns
        -------
        ndarray of float32, shape (len(days) * len(hours), latitude, longitude)
            In the unit of the ERA5 variable.

        Raises
        ------
        KeyError
            There is no such variable.
        """
        lat, lon = np.asarray(latitude, dtype=np.float64), np.asarray(longitude, dtype=np.float64)
        place = Place(self, lat, lon)
        compute = VARIABLES[name]
        days = np.asarray(days, dtype=np.int64)
        out = np.empty((len(days), len(hours), len(lat), len(lon)), dtype=np.float32)
        for part in _blocks(days, lat.size * lon.size):
            first = int(days[part.start])
            for k, hour in enumerate(hours):
                place.hour(compute, first, part.stop - part.start, hour, out[part, k])
            place.forget()
        return out.reshape(-1, len(lat), len(lon))


class Place:
    """The weather on one grid; keeps the fields of the block of days at hand.

    Parameters
    ----------
    weather : Weather
        Seed and heatwaves.
    latitude, longitude : ndarray of float64
        Grid axes in degrees.
    """

    def __init__(self, weather: Weather, latitude: Degrees, longitude: Degrees) -> None:
        self.weather, self.latitude, self.longitude = weather, latitude, longitude
        self.shape = (len(latitude), len(longitude))
        self._fields: dict[int, Field] = {}
        self._block: dict[object, Floats] = {}
        self._waves = [(wave, wave.weight_in_space(latitude, longitude)) for wave in weather.heatwaves]
        self._relief = self._field(_RELIEF).pattern()
        self._continent = np.clip(self._field(_CONTINENT).pattern() + np.float32(0.85), 0.5, 1.2)
        angle = [2.0 * math.pi * (x / 15.0 - 14.5) / 24.0 for x in np.round(longitude % 360.0, 6)]
        self._sun_cos = np.array([math.cos(a) for a in angle], dtype=np.float32)
        self._sun_sin = np.array([math.sin(a) for a in angle], dtype=np.float32)

    def hour(
        self, compute: Callable[[Place, int, int, int, Floats], None], first: int, days: int, hour: int, out: Floats
    ) -> None:
        """Write one hour of consecutive days into ``out``, shape (days, latitude, longitude)."""
        values = np.zeros((days, *self.shape), dtype=np.float32)
        compute(self, first, days, hour, values)
        out[...] = values

    def forget(self) -> None:
        """Drop the fields kept for a block of days."""
        self._block.clear()

    def add(self, layer: Layer, first: int, days: int, hour: int, out: Floats) -> None:
        """Add a layer at one hour of each of ``days`` days from day ``first`` on."""
        key = (layer, first, days)
        if key not in self._block:
            per_day = 24 // layer.step
            self._block[key] = self._field(layer).nodes(first * per_day - 1, days * per_day + 3)
        add_hour(out, self._block[key], layer.step, hour, self._scratch(days))

    def add_daily_mean(self, first: int, days: int, hour: int, out: Floats) -> None:
        """Add season, relief, synoptic anomaly and heatwaves of the temperature."""
        key = ("mean", first, days)
        if key not in self._block:
            self._block[key] = self._daily_mean(first - 1, days + 3)
        add_hour(out, self._block[key], 24, hour, self._scratch(days))

    def add_daily_cycle(self, first: int, days: int, hour: int, out: Floats) -> None:
        """Add the difference of an hour from the mean of its day: warmest at 14:30 local solar time."""
        key = ("cycle", first, days)
        if key not in self._block:
            self._block[key] = self._amplitude(first, days)
        turn = 2.0 * math.pi * hour / 24.0
        phase = self._sun_cos * np.float32(math.cos(turn)) - self._sun_sin * np.float32(math.sin(turn))
        scratch = self._scratch(days)
        np.multiply(self._block[key], phase, out=scratch)
        out += scratch

    def _scratch(self, days: int) -> Floats:
        key = ("scratch", days)
        if key not in self._block:
            self._block[key] = np.empty((days, *self.shape), dtype=np.float32)
        return self._block[key]

    def _field(self, layer: Layer) -> Field:
        if layer.stream not in self._fields:
            self._fields[layer.stream] = Field(self.weather.seed, layer, self.latitude, self.longitude)
        return self._fields[layer.stream]

    def _daily_mean(self, first: int, count: int) -> Floats:
        anomaly = self._field(SYNOPTIC[0]).nodes(first, count)
        anomaly += self._field(SYNOPTIC[1]).nodes(first, count)
        _bend(anomaly, NATURAL_LIMIT_K)
        for wave, share in self._waves:
            for k in range(count):
                weight = wave.weight_in_time(first + k)
                if weight > 0.0:
                    part = share * np.float32(weight)
                    anomaly[k] += part * (np.float32(wave.amplitude_K) - anomaly[k])
        anomaly += self._relief
        anomaly += self._season(first, count)
        return anomaly

    def _season(self, first: int, count: int) -> Floats:
        """Mean of the day by latitude, warmest on 20 July in the north and half a year later in the south."""
        turn = np.array([math.cos(2.0 * math.pi * (d - 200) / _YEAR_DAYS) for d in range(first, first + count)])
        swing = np.float32(0.21) * self.latitude.astype(np.float32)[:, None] * self._continent
        mean = np.array([300.0 - 0.0072 * x * x for x in self.latitude], dtype=np.float32)
        season: Floats = turn.astype(np.float32)[:, None, None] * swing[None]
        season += mean[None, :, None]
        return season

    def _amplitude(self, first: int, days: int) -> Floats:
        """Half the range of a day in kelvin: larger in summer, over land and away from the poles."""
        turn = [math.cos(2.0 * math.pi * (d - 180) / _YEAR_DAYS) for d in range(first, first + days)]
        side = np.array([max(-1.0, min(1.0, x / 40.0)) for x in self.latitude], dtype=np.float32)
        strength = np.array([6.5 * math.cos(math.radians(x)) for x in self.latitude], dtype=np.float32)
        share = np.float32(0.7) + np.float32(0.3) * np.array(turn, dtype=np.float32)[:, None] * side
        amplitude: Floats = (strength * share)[:, :, None] * self._continent
        return amplitude


def _bend(values: Floats, limit: float) -> None:
    """Squeeze values smoothly into ±limit, in place: x - 4 x³ / (27 limit²), flat from 1.5 limit on."""
    edge = np.float32(1.5 * limit)
    np.clip(values, -edge, edge, out=values)
    cube = values * values * values
    cube *= np.float32(4.0 / (27.0 * limit * limit))
    values -= cube


def _blocks(days: Integers, cells: int) -> Iterator[slice]:
    """Runs of consecutive days, cut so that a field of a run stays small."""
    longest = max(1, _BLOCK_VALUES // (8 * max(1, cells)))
    start = 0
    for k in range(1, len(days) + 1):
        if k == len(days) or days[k] != days[k - 1] + 1 or k - start == longest:
            yield slice(start, k)
            start = k


def _quantise(values: Floats, steps_per_unit: int) -> None:
    """Round to a power-of-two step, as the 16-bit packing of the archive does."""
    values *= np.float32(steps_per_unit)
    np.rint(values, out=values)
    values *= np.float32(1.0 / steps_per_unit)


def _warmth(place: Place, first: int, days: int, hour: int, out: Floats) -> None:
    place.add_daily_mean(first, days, hour, out)
    place.add_daily_cycle(first, days, hour, out)
    place.add(MESOSCALE, first, days, hour, out)


def _t2m(place: Place, first: int, days: int, hour: int, out: Floats) -> None:
    _warmth(place, first, days, hour, out)
    _quantise(out, 512)


def _d2m(place: Place, first: int, days: int, hour: int, out: Floats) -> None:
    """Dewpoint: hardly a daily cycle, and never above the temperature."""
    dryness = np.zeros_like(out)
    place.add(_DRYNESS, first, days, hour, dryness)
    place.add_daily_mean(first, days, hour, out)
    out -= np.float32(3.0) + dryness * dryness
    warmth = np.zeros_like(out)
    _warmth(place, first, days, hour, warmth)
    np.minimum(out, warmth, out=out)
    _quantise(out, 512)


def _extreme(choose: np.ufunc) -> Callable[[Place, int, int, int, Floats], None]:
    """Highest or lowest of the two ends of the hour that ends at the stamp."""

    def compute(place: Place, first: int, days: int, hour: int, out: Floats) -> None:
        before = np.zeros_like(out)
        if hour > 0:
            _warmth(place, first, days, hour - 1, before)
        else:
            _warmth(place, first - 1, days, 23, before)
        _warmth(place, first, days, hour, out)
        choose(out, before, out=out)
        _quantise(out, 512)

    return compute


def _wind(component: int) -> Callable[[Place, int, int, int, Floats], None]:
    def compute(place: Place, first: int, days: int, hour: int, out: Floats) -> None:
        place.add(_WIND[component], first, days, hour, out)
        place.add(_GUST[component], first, days, hour, out)
        _quantise(out, 1024)

    return compute


def _msl(place: Place, first: int, days: int, hour: int, out: Floats) -> None:
    out += np.float32(101_300.0)
    place.add(_PRESSURE, first, days, hour, out)
    _quantise(out, 8)


def _tp(place: Place, first: int, days: int, hour: int, out: Floats) -> None:
    """Rain of the hour before the stamp: excess of a correlated field, made heavier in the tail."""
    for layer in _RAIN:
        place.add(layer, first, days, hour, out)
    out -= np.float32(_RAIN_THRESHOLD)
    np.maximum(out, np.float32(0.0), out=out)
    out *= np.sqrt(out) * np.float32(_RAIN_METRES)
    _quantise(out, 1 << 23)


#: What the generator can compute: netCDF name → function. Units as in ERA5.
VARIABLES: dict[str, Callable[[Place, int, int, int, Floats], None]] = {
    "t2m": _t2m,
    "d2m": _d2m,
    "u10": _wind(0),
    "v10": _wind(1),
    "msl": _msl,
    "mx2t": _extreme(np.maximum),
    "mn2t": _extreme(np.minimum),
    "tp": _tp,
}

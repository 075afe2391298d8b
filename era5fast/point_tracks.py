"""Tracks of points: the paths of lows, storms or centroids over time."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .canonical import canonical
from .errors import InputError
from .notebook_table import table
from .optional import need
from .progress import Progress
from .times import decode_times, encode_times
from .wording import named

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Tracks", "link_points"]

#: Names under which columns of a table of points are found, the first that is there.
TIME = ("time", "valid_time", "iso_time", "datetime", "timestr")
LATITUDE = ("latitude", "lat", "centroid_latitude")
LONGITUDE = ("longitude", "lon", "centroid_longitude")


_SHOWN = 10  # tracks in a notebook


def _cell(value: Any) -> Any:
    """A value of a summary as a table shows it."""
    if isinstance(value, np.generic):
        value = value.item() if value.dtype.kind != "M" else str(value.astype("M8[h]"))
    return value if isinstance(value, str | int | float) else str(value)


@dataclass(eq=False)
class Tracks:
    """Tracks of points; made by :func:`era5fast.link_points` and :func:`era5fast.read_tracks`.

    ``tracks[3]`` is the table of the points of one track, ``tracks[mask]`` are some of the tracks. They are numbered
    from 0 in order of their start; a selection counts anew.

    Attributes
    ----------
    first : numpy.ndarray
        (number of tracks + 1): points ``first[k]`` to ``first[k + 1] - 1`` belong to track k.
    seconds : numpy.ndarray
        int64 seconds since 1970-01-01 of the calendar, one per point.
    calendar : str
        CF name of the calendar.
    latitude, longitude : numpy.ndarray
        Degrees, longitudes from -180 to 180.
    value : numpy.ndarray
        Value at the point, NaN where there is none.
    other : dict
        Further columns that came with the points.
    definition : dict
        How the tracks were made.
    name, units : str
        Variable of the values, and its units.
    paths : tuple of str
        Files that the data came from.
    """

    first: np.ndarray
    seconds: np.ndarray
    calendar: str
    latitude: np.ndarray
    longitude: np.ndarray
    value: np.ndarray
    other: dict[str, np.ndarray] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    units: str = ""
    paths: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.first) - 1

    def __repr__(self) -> str:
        return f"<Tracks: {len(self)} of {self.name or 'points'}, {len(self.seconds)} points>"

    def _repr_html_(self) -> str:
        """Table for notebooks: the first tracks."""
        frame = self.summary().head(_SHOWN)
        rows = [(int(number), *row) for number, row in zip(frame.index, frame.itertuples(index=False), strict=True)]
        more = [f"and {len(self) - _SHOWN:,} more"] * (len(self) > _SHOWN)
        about = f"{len(self):,} of {self.name or 'points'}, {len(self.seconds):,} points"
        return table("Tracks", about, [[_cell(one) for one in row] for row in rows], ("track", *frame.columns), more)

    def __getitem__(self, which: Any) -> Any:
        if np.ndim(which) > 0 or isinstance(which, slice):
            return self._take(np.arange(len(self))[which])
        number = operator.index(which)
        if not -len(self) <= number < len(self):
            raise IndexError(f"no track {number}, there are {len(self)}")
        begin, end = self.first[number % len(self)], self.first[number % len(self) + 1]
        return self.to_dataframe().iloc[begin:end].reset_index(drop=True)

    def _take(self, numbers: np.ndarray) -> Tracks:
        lengths = np.diff(self.first)[numbers]
        first = np.concatenate([[0], np.cumsum(lengths)])
        points = np.repeat(self.first[:-1][numbers] - first[:-1], lengths) + np.arange(first[-1])
        return Tracks(
            first,
            self.seconds[points],
            self.calendar,
            self.latitude[points],
            self.longitude[points],
            self.value[points],
            {name: column[points] for name, column in self.other.items()},
            self.definition,
            self.name,
            self.units,
            self.paths,
        )

    @property
    def definition_json(self) -> str:
        """The definition in a canonical form, as the database keeps it."""
        return canonical(self.definition)

    def columns(self) -> dict[str, np.ndarray]:
        """What the database keeps: one array per column, of all points but for ``first`` and ``displacement``."""
        step = np.full(len(self.seconds), np.nan)
        speed, direction = step.copy(), step.copy()
        to = np.setdiff1d(np.arange(len(self.seconds)), self.first[:-1])
        ends = tuple(axis[points] for points in (to - 1, to) for axis in (self.latitude, self.longitude))
        step[to] = _core.great_circle(*ends)
        speed[to] = step[to] * 1000 / (self.seconds[to] - self.seconds[to - 1])
        direction[to] = np.where(step[to] > 0, _bearing(*ends), np.nan)
        begin, end = self.first[:-1], self.first[1:] - 1
        ends = tuple(axis[points] for points in (begin, end) for axis in (self.latitude, self.longitude))
        return {
            "first": self.first.astype("int64"),
            "seconds": self.seconds,
            "latitude": self.latitude,
            "longitude": self.longitude,
            "value": self.value,
            "step": step,
            "speed": speed,
            "direction": direction,
            "displacement": _core.great_circle(*ends),
        }

    def to_dataframe(self) -> pd.DataFrame:
        """Table with one row per point, track after track, each in order of time.

        Returns
        -------
        pandas.DataFrame
            ``track``, ``time``, ``latitude``, ``longitude``, ``value``; ``step_km``: great circle from the point
            before on a sphere of radius 6371 km, and ``speed`` (m s-1) on that way; ``direction``: in which it began,
            degrees clockwise from north; all three NaN at the first point; and what else came with the points.
        """
        pd = need("pandas", "tables")
        own = self.columns()
        table = {
            "track": np.repeat(np.arange(len(self)), np.diff(self.first)),
            "time": encode_times(self.seconds, self.calendar),
            "latitude": self.latitude,
            "longitude": self.longitude,
            "value": self.value,
            "step_km": own["step"],
            "speed": own["speed"],
            "direction": own["direction"],
        }
        return pd.DataFrame({**table, **{name: c for name, c in self.other.items() if name not in table}})

    def summary(self) -> pd.DataFrame:
        """Table with one row per track.

        Returns
        -------
        pandas.DataFrame
            ``start``, ``end``; ``points``; ``duration_hours``: from the first point to the last; ``path_km``: sum of
            the steps; ``displacement_km``: great circle from the first point to the last; ``mean_speed`` (m s-1):
            path by duration; ``value_min`` and ``value_max`` with the times ``value_min_time`` and
            ``value_max_time`` of the first point that has it; first and last place. The index is the number of the
            track.
        """
        pd = need("pandas", "tables")
        own, begin, end = self.columns(), self.first[:-1], self.first[1:] - 1
        duration = self.seconds[end] - self.seconds[begin]
        steps = np.concatenate([[0.0], np.cumsum(np.nan_to_num(own["step"]))])
        path = np.add.reduceat(np.nan_to_num(own["step"]), begin) if len(self) else steps[:0]
        lowest, highest = self._extreme(self.value), self._extreme(-self.value)
        dates = encode_times(self.seconds, self.calendar)
        table = {
            "start": dates[begin],
            "end": dates[end],
            "points": np.diff(self.first),
            "duration_hours": duration / 3600,
            "path_km": path,
            "displacement_km": own["displacement"],
            "mean_speed": np.divide(path * 1000, duration, out=np.full(len(self), np.nan), where=duration > 0),
            "value_min": self.value[lowest],
            "value_min_time": dates[lowest],
            "value_max": self.value[highest],
            "value_max_time": dates[highest],
            "start_latitude": self.latitude[begin],
            "start_longitude": self.longitude[begin],
            "end_latitude": self.latitude[end],
            "end_longitude": self.longitude[end],
        }
        return pd.DataFrame(table).rename_axis("track")

    def _extreme(self, values: np.ndarray) -> np.ndarray:
        """Point of the lowest value of each track; its first point where there is no value."""
        track = np.repeat(np.arange(len(self)), np.diff(self.first))
        order = np.lexsort((np.arange(len(values)), values, track))  # NaN comes last
        return order[self.first[:-1]]

    def geometry(self, number: int) -> dict[str, Any]:
        """Path of a track as a GeoJSON ``MultiLineString``, cut at the antimeridian.

        Parameters
        ----------
        number : int
            Track, from 0.

        Returns
        -------
        dict
            Lines straight in longitude and latitude from point to point, the short way round; without lines for a
            track of one point.
        """
        begin, end = self.first[operator.index(number)], self.first[operator.index(number) + 1]
        lines: list[list[list[float]]] = [[]]
        before: tuple[float, float] | None = None
        for lon, lat in zip(self.longitude[begin:end].tolist(), self.latitude[begin:end].tolist(), strict=True):
            if before is not None and abs(lon - before[0]) > 180:
                edge = 180.0 if before[0] > 0 else -180.0
                there = lon + 2 * edge  # the same place beyond the antimeridian
                share = (edge - before[0]) / (there - before[0]) if there != before[0] else 0.0
                across = before[1] + share * (lat - before[1])
                lines[-1].append([edge, across])
                lines.append([[-edge, across]])
            lines[-1].append([lon, lat])
            before = (lon, lat)
        return {"type": "MultiLineString", "coordinates": [line for line in lines if len(line) > 1]}


def _bearing(lat1: np.ndarray, lon1: np.ndarray, lat2: np.ndarray, lon2: np.ndarray) -> np.ndarray:
    """Direction in which the great circle to the second point leaves the first, degrees clockwise from north."""
    a, b, east = np.radians(lat1), np.radians(lat2), np.radians(lon2 - lon1)
    north = np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b) * np.cos(east)
    result: np.ndarray = np.degrees(np.arctan2(np.sin(east) * np.cos(b), north)) % 360
    return result


# --- points into tracks ---


def link_points(
    points: Any,
    max_distance_km: float,
    *,
    max_gap: int = 0,
    min_duration: int = 1,
    step: Any = None,
    value: str = "value",
    calendar: str | None = None,
    progress: bool = True,
) -> Tracks:
    r"""Join points of following time steps to tracks.

    Parameters
    ----------
    points : DataFrame, Dataset or mapping of columns
        One row per point: ``time``, ``latitude`` and ``longitude`` (or ``lat``, ``lon``; ``centroid_latitude``,
        ``centroid_longitude``), in any order, and any other columns, which are kept. Rows without a place are left
        out.
    max_distance_km : float
        Longest great circle from one point of a track to the next, also across a gap.
    max_gap : int, default 0
        Number of time steps in a row at which a track may have no point.
    min_duration : int, default 1
        Shortest track that is kept, in time steps from its first to its last, both included.
    step : timedelta or str, optional
        Length of a time step, like ``"6h"``; by default that of the maps in which the points were found, or the
        smallest difference between two times.
    value : str, default value
        Column of the value; there may be none.
    calendar : str, optional
        CF calendar of ``datetime64`` times.
    progress : bool, default True
        Show progress of long runs.

    Returns
    -------
    Tracks
        In order of start, and then of the latitude and longitude of their first points.

    Raises
    ------
    InputError
        If a column is missing, a place is none, times are no multiples of the step, or a parameter is out of range.

    Notes
    -----
    At each step all points are given to all tracks that may go on in one linear assignment: of all ways to link them,
    the one is taken for which

    .. math:: \sum_{links} (d^2 - d_{max}^2)

    is least, d being the great circle from the last point of a track (Crocker & Grier 1996, where points move at
    random). So a point may go to a track that is not the nearest when another one is served better by it. Points that
    no track takes begin new ones. A point belongs to one track only: points neither split nor merge;
    :func:`era5fast.track` follows areas, which do. The result does not depend on the order of the rows.

    ``StitchNodes`` of TempestExtremes takes the nearest point for each track instead, one after the other (Ullrich &
    Zarzycki 2017).

    References
    ----------
    Crocker & Grier 1996, J. Colloid Interface Sci. 179, 298; Jonker & Volgenant 1987, Computing 38, 325.
    """
    limit = not_negative("link_points: max_distance_km", max_distance_km)
    max_gap, min_duration = _whole("max_gap", max_gap, 0), _whole("min_duration", min_duration, 1)
    table = Points.of(points, value, calendar)
    steps = _steps(table.seconds, _seconds_of(step, table.attrs))
    order = np.lexsort((table.value, table.longitude, table.latitude, steps))
    table, steps = table.take(order), steps[order]
    with Progress("link_points", progress) as shown:
        track = _core.point_tracks(steps, table.latitude, table.longitude, limit, max_gap, shown)
    rule = {"max_distance_km": limit, "max_gap": max_gap, "min_duration": min_duration}
    definition = {"diagnostic": "link_points", **rule, "points": table.attrs.get("definition")}
    return table.tracks(track, definition, _lasting(track, steps, min_duration))


def not_negative(name: str, value: Any) -> float:
    """The number, 0 or larger.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number, not {value!r}") from error
    if not (np.isfinite(number) and number >= 0):
        raise InputError(f"{name} is {value!r}, must be 0 or larger")
    return number


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError as error:
        raise InputError(f"link_points: {name} must be a whole number, not {value!r}") from error
    if number < least:
        raise InputError(f"link_points: {name} is {number}, must be at least {least}")
    return number


def _seconds_of(step: Any, attrs: Mapping[str, Any]) -> int | None:
    if step is None:
        return int(attrs["step_seconds"]) if attrs.get("step_seconds") else None
    pd = need("pandas", "lengths of time in words")
    try:
        seconds = pd.Timedelta(step).total_seconds()
    except ValueError as error:
        raise InputError(f"link_points: step is {step!r}, must be a length of time like '6h'") from error
    if not seconds > 0:
        raise InputError(f"link_points: step is {step!r}, must be longer than nothing")
    return int(seconds)


def _steps(seconds: np.ndarray, step: int | None) -> np.ndarray:
    """Number of the time step of each point."""
    if seconds.size == 0:
        return seconds
    apart = np.diff(np.unique(seconds))
    step = step or int(apart.min(initial=np.iinfo("int64").max))
    steps, rest = np.divmod(seconds - seconds.min(), step)
    if rest.any():
        raise InputError(
            f"times are no multiples of a step of {step} s", hint="pass step=, or leave out times between the steps"
        )
    return steps


def _lasting(track: np.ndarray, steps: np.ndarray, least: int) -> np.ndarray:
    """Which tracks last long enough; points are in order of time."""
    _, first = np.unique(track, return_index=True)
    _, back = np.unique(track[::-1], return_index=True)
    return steps[::-1][back] - steps[first] + 1 >= least


# --- tables of points ---


@dataclass
class Points:
    """Columns of a table of points, checked.

    Attributes
    ----------
    seconds : numpy.ndarray
        int64 seconds since 1970-01-01 of the calendar.
    calendar : str
        CF name of the calendar.
    latitude, longitude, value : numpy.ndarray
        float64; longitudes from -180 to 180.
    other : dict
        All other columns.
    attrs : dict
        What is known of the table: ``definition``, ``name``, ``units``, ``paths``, ``step_seconds``.
    """

    seconds: np.ndarray
    calendar: str
    latitude: np.ndarray
    longitude: np.ndarray
    value: np.ndarray
    other: dict[str, np.ndarray]
    attrs: dict[str, Any]

    @classmethod
    def of(cls, given: Any, value: str = "value", calendar: str | None = None) -> Points:
        """Points of a DataFrame, a Dataset or a mapping; rows without a place are left out.

        Raises
        ------
        InputError
            If a column is missing, or holds no times or places.
        """
        columns = _columns(given)
        attrs = dict(getattr(given, "attrs", {}))
        time, latitude, longitude = (_pick(columns, names) for names in (TIME, LATITUDE, LONGITUDE))
        lat, lon = (_numbers(columns, name) for name in (latitude, longitude))
        there = np.isfinite(lat) & np.isfinite(lon)
        if (np.abs(lat[there]) > 90).any() or (np.abs(lon[there]) > 720).any():
            raise InputError("a point is outside of the globe", hint="are latitude and longitude swapped?")
        seconds, calendar = decode_times(columns[time][there], calendar or attrs.get("calendar"))
        used = (time, latitude, longitude, value)
        return cls(
            seconds,
            calendar,
            lat[there],
            folded(lon[there]),
            _numbers(columns, value)[there] if value in columns else np.full(int(there.sum()), np.nan),
            {name: column[there] for name, column in columns.items() if name not in used},
            attrs,
        )

    def take(self, which: np.ndarray) -> Points:
        """Some of the points, or all in another order."""
        other = {name: column[which] for name, column in self.other.items()}
        places = (self.latitude[which], self.longitude[which], self.value[which])
        return Points(self.seconds[which], self.calendar, *places, other, self.attrs)

    def tracks(self, track: np.ndarray, definition: dict[str, Any], keep: np.ndarray | None = None) -> Tracks:
        """Tracks of the points, given the number of the track of each.

        Parameters
        ----------
        track : numpy.ndarray
            Number from 0; tracks become those in order of start, and of the place of the first point.
        definition : dict
            How they were made.
        keep : numpy.ndarray, optional
            Mask: which of the numbers are kept.
        """
        kept = np.arange(len(track)) if keep is None else np.flatnonzero(keep[track])
        order = kept[np.lexsort((self.seconds[kept], track[kept]))]
        own = self.take(order)
        first = np.flatnonzero(np.diff(track[order], prepend=-1))
        begun = np.lexsort((own.longitude[first], own.latitude[first], own.seconds[first]))
        made = Tracks(
            np.append(first, len(order)),
            own.seconds,
            own.calendar,
            own.latitude,
            own.longitude,
            own.value,
            own.other,
            definition,
            str(self.attrs.get("name", "")),
            str(self.attrs.get("units", "")),
            tuple(self.attrs.get("paths", ())),
        )
        _check_times(made)
        return made if np.array_equal(begun, np.arange(len(begun))) else made[begun]


def _check_times(tracks: Tracks) -> None:
    """Refuse tracks that are at two places at once."""
    again = np.flatnonzero(np.diff(tracks.seconds) <= 0) + 1
    again = np.setdiff1d(again, tracks.first[:-1])
    if again.size:
        when = encode_times(tracks.seconds[again[:1]], tracks.calendar)[0]
        raise InputError(f"a track has two points at {when}", hint="the column of the track may be another one")


def folded(longitude: np.ndarray) -> np.ndarray:
    """Longitudes from -180 to 180; those that are there already keep all their digits."""
    moved: np.ndarray = longitude - 360 * np.floor((longitude + 180) / 360)
    return moved


def _columns(given: Any) -> dict[str, np.ndarray]:
    """Columns of any form of table, by name."""
    if hasattr(given, "data_vars"):
        given = given.to_dataframe().reset_index()
    if hasattr(given, "to_dict") and hasattr(given, "columns"):
        return {str(name): given[name].to_numpy() for name in given.columns}
    if isinstance(given, Mapping):
        columns = {str(name): np.asarray(column) for name, column in given.items()}
        if len({column.shape for column in columns.values()}) > 1:
            raise InputError("the columns of the points have different lengths")
        return columns
    raise InputError(f"{named(given)} is no table of points", hint="pass a DataFrame, a Dataset or a dict of columns")


def _pick(columns: Mapping[str, np.ndarray], names: Sequence[str]) -> str:
    """The column that is there under one of the names, in any case of letters."""
    by_name = {name.lower(): name for name in reversed(list(columns))}
    found = next((by_name[name] for name in names if name in by_name), None)
    if found is None:
        raise InputError(f"the points have no column {names[0]!r}", hint=f"there are {', '.join(columns) or 'none'}")
    return found


def _numbers(columns: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    try:
        return np.asarray(columns[name], dtype="float64")
    except (TypeError, ValueError) as error:
        raise InputError(f"the column {name!r} holds no numbers") from error

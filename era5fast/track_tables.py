"""Tracks that other programs made: TempestExtremes, tobac, IBTrACS, and any table with a column for the track."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, StorageError, clean
from .optional import need
from .point_tracks import Points, Tracks

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_points", "read_tracks"]

#: Names of the column of the track, the first that is there: ours, TempestExtremes, tobac, IBTrACS, trackpy.
_TRACK = ("track", "track_id", "cell", "sid", "particle")
#: Columns of IBTrACS that hold the central pressure, in order of preference.
_PRESSURE = ("WMO_PRES", "USA_PRES")


def read_tracks(
    source: Any,
    *,
    value: str | None = None,
    track: str | None = None,
    columns: Sequence[str] = (),
    calendar: str | None = None,
) -> Tracks:
    """Read tracks that another program made.

    Parameters
    ----------
    source : path, DataFrame, Dataset or mapping of columns
        Files: output of ``StitchNodes`` of TempestExtremes (its default layout, or CSV with a header), IBTrACS as
        CSV, or any CSV table with a header. Tables: those of tobac, trackpy, :meth:`Tracks.to_dataframe`, or any with
        columns for track, time, latitude and longitude.
    value : str, optional
        Column that becomes the value. By default ``value``; the first output variable of ``StitchNodes``; and of
        IBTrACS ``WMO_PRES``, or where there is none ``USA_PRES``.
    track : str, optional
        Column of the track; by default the first of ``track``, ``track_id``, ``cell``, ``SID``, ``particle``.
        Rows in which it is negative or missing belong to no track.
    columns : sequence of str
        Names of the output variables in the default layout of ``StitchNodes``, which does not tell them.
    calendar : str, optional
        CF calendar of the dates.

    Returns
    -------
    Tracks
        In order of start; columns that have no place of their own are kept in ``other``, the track among them.

    Raises
    ------
    InputError
        If the file is of no known layout, a column is missing, or a track is at two places at once.
    StorageError
        If the file cannot be read; MissingFileError if there is none.

    Examples
    --------
    >>> storms = era5fast.read_tracks("tracks.txt", columns=["msl", "wind"])           # doctest: +SKIP
    >>> hurricanes = era5fast.read_tracks("ibtracs.NA.list.v04r01.csv")                # doctest: +SKIP
    """
    given = {"value": value, "track": track, "columns": columns}
    table, paths = source, [os.fspath(source)] if isinstance(source, str | os.PathLike) else []
    if paths:
        table, value = _read_file(paths[0], value, columns, calendar)
    points = Points.of(table, value or "value", calendar)
    points.attrs = {**points.attrs, "paths": points.attrs.get("paths", paths)}
    name = track or next((key for word in _TRACK for key in points.other if key.lower() == word), None)
    if name is None or name not in points.other:
        hint = f"there are {', '.join(points.other) or 'none'}"
        raise InputError(f"the table has no column {name!r}" if name else "which column is the track?", hint=hint)
    numbers, known = _numbered(points.other[name])
    definition = {"diagnostic": "read_tracks", **{key: word for key, word in given.items() if word}}
    return points.take(known).tracks(numbers, {**definition, "files": [Path(path).name for path in paths]})


def _numbered(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of tracks from 0, and the rows that belong to any."""
    if column.dtype.kind in "fiu":
        known = np.flatnonzero(np.asarray(column, dtype="float64") >= 0)
    else:
        known = np.flatnonzero([isinstance(name, str) and bool(name.strip()) for name in column.tolist()])
    _, numbers = np.unique(column[known], return_inverse=True)
    return numbers.astype("int64"), known


def read_points(path: Any, *, columns: Sequence[str] = (), calendar: str | None = None) -> pd.DataFrame:
    """Read points that ``DetectNodes`` of TempestExtremes found, for :func:`era5fast.link_points`.

    Parameters
    ----------
    path : path
        Its output.
    columns : sequence of str
        Names of the output variables; those of the header of the file when left out, else ``value``, ``value2`` …
    calendar : str, optional
        CF calendar of the dates.

    Returns
    -------
    pandas.DataFrame
        ``time``, ``latitude``, ``longitude``, and one column per output variable.

    Raises
    ------
    InputError
        If the file is of another layout.
    StorageError
        If it cannot be read; MissingFileError if there is none.
    """
    lines = _lines(os.fspath(path))
    head = [line[1:].split() for line in lines if line.startswith("#")]
    named = [words[words.index("lat") + 1 :] for words in head if "lat" in words]
    return _blocks(os.fspath(path), lines, columns or (named[0] if named else ()), calendar, _detected)


# --- files ---


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> StorageError:
    return StorageError(f"cannot read {path}: {error.strerror}", target=path).at(error.errno or 0, path)


def _read_file(
    path: str, value: str | None, columns: Sequence[str], calendar: str | None
) -> tuple[pd.DataFrame, str | None]:
    """Table of a file, and the column of its value."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            first = file.readline()
    except OSError as error:
        raise _unreadable(path, error) from error
    if first.split()[:1] == ["start"]:
        table = _blocks(path, _lines(path), columns, calendar, _stitched)
        return table, value or next(iter([*columns, "value"]))
    names = [name.strip() for name in first.split(",")]
    if len(names) < 4:
        raise InputError(
            f"{path}: a file of no known layout", hint="StitchNodes, IBTrACS and CSV tables with a header are known"
        )
    return _csv(path, names, value, calendar)


def _csv(path: str, names: list[str], value: str | None, calendar: str | None) -> tuple[pd.DataFrame, str | None]:
    pd = need("pandas", "tables")
    best = {"SID", "ISO_TIME"} <= set(names)  # IBTrACS: units in the second line, NA is a basin
    try:
        table = pd.read_csv(
            path,
            skiprows=[1] if best else None,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=["", " "],
            low_memory=False,
        )
    except ValueError as error:
        raise InputError(f"{path}: no table: {error}") from error
    table.columns = [str(name).strip() for name in table.columns]
    if best:
        value = value or next((name for name in _PRESSURE if name in table and table[name].notna().any()), None)
        table.attrs = {"name": value or "", "units": "hPa" if value in _PRESSURE else ""}
    if "track_id" in table and {"year", "month", "day", "hour"} <= set(table):
        dates = table[["year", "month", "day", "hour"]].to_numpy("int64")
        table = table.drop(columns=["year", "month", "day", "hour"]).assign(time=_dates(dates, calendar))
        variables = list(table)[list(table).index("lat") + 1 : -1] if "lat" in table else []
        value = value or next(map(str, variables), None)
    return table, value


#: Makes of the words of a line, and the date of its block: (indices, rest of the line, date).
_Layout = Callable[[list[str], list[str]], tuple[list[str], list[str]]]


def _stitched(words: list[str], block: list[str]) -> tuple[list[str], list[str]]:
    """The date stands at the end of each line; the head of a block is of its first point."""
    return words[:-4], words[-4:]


def _detected(words: list[str], block: list[str]) -> tuple[list[str], list[str]]:
    """The date stands at the head of a block: year, month, day, count, hour."""
    return words, [*block[:3], block[4]]


def _blocks(
    path: str, lines: list[str], columns: Sequence[str], calendar: str | None, layout: _Layout
) -> pd.DataFrame:
    """Table of blocks of points: a line that begins at the margin is the head of one."""
    pd = need("pandas", "tables")
    rows: list[list[float]] = []
    dates, tracks = [], []
    for place, number, block, words in _points_of(path, lines):
        try:
            numbers, date = layout(words, block)
            row, moment = [float(word) for word in _without_indices(numbers)], [int(word) for word in date]
        except (ValueError, IndexError) as error:
            raise _bad_line(path, place, words) from error
        if len(row) != len((rows or [row])[0]) or not _is_moment(moment):
            raise _bad_line(path, place, words)
        rows.append(row)
        dates.append(moment)
        tracks.append(number)
    try:
        table = np.array(rows, dtype="float64").reshape(len(rows), -1 if rows else 2)
        times = _dates(np.array(dates, dtype="int64").reshape(-1, 4), calendar)
    except ValueError as error:
        raise InputError(f"{path}: not in the layout of TempestExtremes: {error}") from error
    width = table.shape[1] - 2
    names = list(columns) or ["value", *(f"value{i}" for i in range(2, width + 1))][:width]
    if width < 0 or len(names) != width:
        raise InputError(f"{path}: {width} output variables, but the names of {len(names)}")
    named = {name: table[:, 2 + i] for i, name in enumerate(names)}
    made = pd.DataFrame({"time": times, "latitude": table[:, 1], "longitude": table[:, 0], **named})
    return made.assign(track=tracks) if layout is _stitched else made


def _is_moment(numbers: list[int]) -> bool:
    """Whether they can be year, month, day and hour on some calendar."""
    return len(numbers) == 4 and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31 and 0 <= numbers[3] <= 23


def _bad_line(path: str, place: int, words: list[str]) -> InputError:
    text = clean(" ".join(words), _MOST_LETTERS)
    return InputError(f"{path}, line {place}: not in the layout of TempestExtremes: '{text}'")


_MOST_LETTERS = 80  # of a line that is shown


def _points_of(path: str, lines: list[str]) -> Iterator[tuple[int, int, list[str], list[str]]]:
    """(line, number of its block, head of the block, words) of each point."""
    number, left, block = -1, 0, [""]
    for place, line in enumerate(lines, 1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if left > 0:
            left -= 1
            yield place, number, block, words
            continue
        block, number = words, number + 1
        try:
            left = int(words[1] if words[0] == "start" else words[3])
        except (ValueError, IndexError) as error:
            raise _bad_line(path, place, words) from error
    if left > 0:
        raise InputError(f"{path}: not in the layout of TempestExtremes: the last block lacks {left} points")


def _without_indices(words: list[str]) -> list[str]:
    """Longitude, latitude and what follows: indices of the grid, one or two, are whole numbers."""
    first = next((i for i, word in enumerate(words) if not word.lstrip("-").isdigit()), len(words))
    return words[min(first, 2) :]


def _dates(rows: np.ndarray, calendar: str | None) -> np.ndarray:
    """Year, month, day, hour → dates."""
    if calendar is not None:
        import cftime

        return np.array([cftime.datetime(*row, calendar=calendar) for row in rows.tolist()], dtype=object)
    year, month, day, hour = rows.T
    if ((month < 1) | (month > 12) | (day < 1) | (day > 31) | (hour < 0) | (hour > 23)).any():
        raise ValueError("a date is none")
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    return (months.astype("datetime64[D]") + (day - 1)).astype("datetime64[h]") + hour

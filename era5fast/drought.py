"""Droughts: runs of a standardised index below normal that get bad enough.

Potential evapotranspiration and the indices themselves are diagnostics: :func:`era5fast.diagnostics.thornthwaite`,
``hargreaves``, ``penman_monteith``, ``spi`` and ``spei``.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from .chunked.arrays import is_lazy, outline
from .errors import InputError
from .field import as_field, one_variable
from .optional import need
from .spell_table import spells

__all__ = ["drought_events"]

#: Columns of a drought, and those of a spell below `end` that they are, with their sign.
_COLUMNS = {
    "cell": ("cell", 1),
    "latitude": ("latitude", 1),
    "longitude": ("longitude", 1),
    "start": ("start", 1),
    "end": ("end", 1),
    "peak": ("peak", 1),
    "duration": ("duration", 1),
    "severity": ("intensity_cumulative_threshold", -1),
    "intensity": ("intensity_mean_threshold", -1),
    "minimum": ("intensity_max_abs", 1),
    "censored_start": ("censored_start", 1),
    "censored_end": ("censored_end", 1),
}


def drought_events(
    x: Any,
    *,
    onset: float = -1.0,
    end: float = 0.0,
    min_duration: int = 1,
    max_gap: int = 0,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    progress: bool = True,
) -> Any:
    """Droughts by run theory: whole runs below normal in which an index falls to a threshold.

    Parameters
    ----------
    x : DataArray, ndarray or paths (time, ...)
        Standardised index, such as SPI or SPEI: one value per month (or per day).
    onset : float, default -1.0
        What the index must reach or fall below somewhere in the run.
    end : float, default 0.0
        The run lasts as long as the index is below this; not lower than `onset`.
    min_duration : int, default 1
        Steps of the shortest run.
    max_gap : int, default 0
        Steps of the longest interruption that is bridged; its steps become part of the drought. A missing or absent
        step is never bridged.
    time, latitude, longitude, calendar, variable, progress
        As for all diagnostics.

    Returns
    -------
    pandas.DataFrame or numpy.ndarray
        A row per drought, ordered by cell and start: a DataFrame where pandas is installed, else a structured array.
        ``cell`` counts the cells as they lie; ``latitude`` and ``longitude`` follow where they are known; ``start``,
        ``end`` and ``peak`` (of the ``minimum``) are dates, ``duration`` is in steps; ``severity`` is the sum of
        ``end − x`` over the run (of the absolute values with the usual end), ``intensity`` is severity / duration;
        ``censored_start`` and ``censored_end`` tell that the run reaches the edge of what is known.

    Raises
    ------
    InputError
        If a parameter is out of range, or times and axes do not fit.

    Notes
    -----
    The months before the one that reaches `onset` belong to the drought as far as they are below `end`, as McKee et
    al. define it.

    References
    ----------
    McKee, Doesken & Kleist 1993, 8th Conf. Appl. Climatol. Yevjevich 1967, Hydrology Paper 23, Colorado State Univ.

    Examples
    --------
    >>> index = [0.4, -0.2, -1.5, -0.7, 0.1, -0.9, 0.3]
    >>> months = np.arange("2001-01", "2001-08", dtype="datetime64[M]")
    >>> droughts = drought_events(index, time=months, progress=False)
    >>> len(droughts), int(droughts["duration"][0]), round(float(droughts["severity"][0]), 6)
    (1, 3, 2.4)
    """
    _check(onset, end, min_duration, max_gap)
    x = one_variable(x, variable)
    seen = outline(x) if is_lazy(x) else x
    axes = {"time": time, "latitude": latitude, "longitude": longitude, "calendar": calendar}
    field = as_field(seen, **axes, variable=variable, wraps=False)
    series = x if is_lazy(x) else field
    runs = spells(
        series,
        end,
        op="<",
        min_days=min_duration,
        max_gap=max_gap,
        gap_order="fill",
        maximum="own",
        progress=progress,
    )
    reached = np.asarray(runs["intensity_max_abs"]) <= _as_data(onset, field)
    return _droughts(runs[reached])


def _check(onset: Any, end: Any, min_duration: Any, max_gap: Any) -> None:
    for name, value in (("onset", onset), ("end", end)):
        if not isinstance(value, Real) or not np.isfinite(float(value)):
            raise InputError(f"{name} must be a number, not {value!r}")
    if onset > end:
        raise InputError(f"onset, {onset:g}, lies above end, {end:g}", hint="a drought ends above where it begins")
    for name, value, low in (("min_duration", min_duration, 1), ("max_gap", max_gap, 0)):
        if not isinstance(value, int | np.integer) or value < low:
            raise InputError(f"{name} must be a whole number of steps from {low} on, not {value!r}")


def _as_data(value: float, field: Any) -> float:
    """A threshold in the precision of the data."""
    return float(np.float32(value)) if getattr(field.source, "dtype", None) == np.float32 else float(value)


def _droughts(runs: Any) -> Any:
    """Spells below `end` → columns of droughts."""
    named = list(runs.columns) if hasattr(runs, "columns") else list(runs.dtype.names)
    columns: dict[str, np.ndarray] = {}
    for name, (source, sign) in _COLUMNS.items():
        if source in named:
            values = np.asarray(runs[source])
            columns[name] = -values if sign < 0 else values
    if not hasattr(runs, "columns"):
        rows = np.empty(len(runs), dtype=[(name, values.dtype) for name, values in columns.items()])
        for name, values in columns.items():
            rows[name] = values
        return rows
    pd = need("pandas", "tables")
    return pd.DataFrame(columns)

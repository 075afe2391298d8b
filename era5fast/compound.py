"""Compound events: two hazards in one place, on one day or one after the other.

The hazards are masks along time: ``hot = tx > p90``, ``dry = pr < p10``; both on one day is ``hot & dry``. DataArrays
have their dimension of time wherever it is, plain arrays in front.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import attributes
from .axis_names import TIME_NAMES, find_axis
from .chunked.arrays import is_lazy, whole
from .dataarrays import as_dataarray, is_labelled
from .errors import InputError
from .field import plain
from .sources import is_paths
from .times import DAY, check_order, decode_times, same_calendar

__all__ = ["likelihood_multiplication_factor", "persistent", "ranks", "sequential"]


def persistent(mask: Any, min_days: int) -> Any:
    """Days that belong to a run of at least `min_days` days.

    Parameters
    ----------
    mask : array, DataArray, Dataset or paths, of bool
        Days of a hazard.
    min_days : int
        Shortest run that is kept.

    Returns
    -------
    array or DataArray of bool
        As `mask`.

    Raises
    ------
    InputError
        If `min_days` is below 1, or `mask` is not of bool.

    Examples
    --------
    >>> persistent([True, False, True, True], 2).tolist()
    [False, False, True, True]
    """
    check_whole_days("min_days", min_days, 1)
    return _along_time("persistent", lambda days: _runs(days, min_days), {"mask": mask}, min_days=min_days)


def sequential(first: Any, second: Any, within: int) -> Any:
    """Days on which an event begins soon after another has ended.

    Parameters
    ----------
    first, second : array, DataArray, Dataset or paths, of bool
        Days of the two hazards, such as heat and heavy rain.
    within : int
        Days between the last day of the first event and the first day of the second, at most; 1 is the day after.

    Returns
    -------
    array or DataArray of bool
        First days of those events of `second` that begin 1 to `within` days after the last day of one of `first`.

    Raises
    ------
    InputError
        If `within` is below 1, or a mask is not of bool.

    Examples
    --------
    >>> sequential([True, True, False, False], [False, False, False, True], 2).tolist()
    [False, False, False, True]
    """
    check_whole_days("within", within, 1)

    def days_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        last, begins = a.copy(), b.copy()
        last[:-1] &= ~a[1:]
        begins[1:] &= ~b[:-1]
        recent = np.zeros_like(a)
        for lag in range(1, min(within, len(a) - 1) + 1):
            recent[lag:] |= last[:-lag]
        return begins & recent

    return _along_time("sequential", days_of, {"first": first, "second": second}, within=within)


def likelihood_multiplication_factor(first: Any, second: Any) -> Any:
    """How much more often two hazards coincide than they would if they were independent.

    Parameters
    ----------
    first, second : array, DataArray, Dataset or paths, of bool
        Days of the two hazards.

    Returns
    -------
    array or DataArray
        P(A ∧ B) / (P(A) P(B)) over time; NaN where one of them never happens.

    Raises
    ------
    InputError
        If a mask is not of bool.

    References
    ----------
    Zscheischler & Seneviratne 2017, Sci. Adv. 3, e1700263.
    """

    def factor(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        both, each = (a & b).sum(0), a.sum(0) * b.sum(0, dtype="float64")
        return np.divide(both * float(len(a)), each, out=np.full(each.shape, np.nan), where=each > 0)

    return _along_time("likelihood_multiplication_factor", factor, {"first": first, "second": second})


def ranks(x: Any) -> Any:
    """Place of each value among all of its cell: its rank by size, as a share of their number.

    Parameters
    ----------
    x : array, DataArray, Dataset or paths
        Series; of several seasons, all are put into one order.

    Returns
    -------
    array or DataArray
        From 1/n for the smallest to 1 for the largest of n values, as float64; equal values are ranked in order of
        time. Missing values stay missing.

    Raises
    ------
    InputError
        If the series is empty, holds no numbers, or has no time.

    Notes
    -----
    Days that are hot beyond 99 % of the record are ``ranks(tx) > 0.99``. Unlike a percentile of a base period this
    depends on the length of the record, and ties are broken by order, as in the database of Weynants et al.

    References
    ----------
    Weynants et al. 2025, ESSD 17, 6621.

    Examples
    --------
    >>> ranks([3.0, 1.0, 2.0, 2.0]).tolist()
    [1.0, 0.25, 0.5, 0.75]
    """
    given = _labelled("x", x)
    if 0 in getattr(given, "shape", ()):
        raise InputError("ranks: x is empty", hint="is the selection empty?")
    if not is_labelled(given):
        return _ranks(plain(given))
    import xarray as xr

    time = find_axis(given, TIME_NAMES)
    if time is None:
        raise InputError(f"no time axis among the dimensions {tuple(given.dims)}")
    result = xr.apply_ufunc(
        lambda values: np.moveaxis(_ranks(np.moveaxis(values, -1, 0)), 0, -1),
        whole_along(given, time),
        input_core_dims=[[time]],
        output_core_dims=[[time]],
        dask="parallelized",
        output_dtypes=["float64"],
        keep_attrs=True,  # those of coordinates
    )
    result = result.transpose(*given.dims).rename("ranks")
    result.attrs = _attributes("ranks", {"x": given}, {})
    return attributes.tidy_coordinates(result)


def _ranks(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "fiu" or values.ndim == 0:
        raise InputError(f"ranks: a series of numbers is needed, not {values.dtype} of shape {values.shape}")
    order = np.argsort(values, axis=0, kind="stable")  # missing values are last
    place = np.empty(values.shape, dtype="int64")
    steps = np.arange(1, len(values) + 1).reshape(-1, *(1,) * (values.ndim - 1))
    np.put_along_axis(place, order, np.broadcast_to(steps, values.shape), axis=0)
    absent = np.isnan(values)
    known = (~absent).sum(axis=0)
    return np.where(absent, np.nan, place / np.maximum(known, 1))


def _runs(days: np.ndarray, least: int) -> np.ndarray:
    kept = np.zeros_like(days)
    if len(days) < least:
        return kept
    count = np.cumsum(days, axis=0, dtype="int64")
    whole = count[least - 1 :].copy()  # days of the hazard among `least` in a row
    whole[1:] -= count[:-least]
    for lag in range(least):
        kept[lag : len(days) - least + 1 + lag] |= whole == least
    return kept


def check_whole_days(name: str, value: Any, least: int) -> None:
    """Refuse what is no number of days.

    Raises
    ------
    InputError
        If it is no whole number, or less than the least.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} must be a whole number of days from {least} on, not {value!r}")


#: Long names of the results.
_TITLES = {
    "persistent": "Days in runs",
    "ranks": "Rank as a share of all values",
    "sequential": "First days of events that follow another",
    "likelihood_multiplication_factor": "Likelihood multiplication factor",
}


def _along_time(name: str, function: Any, given: dict[str, Any], **params: Any) -> Any:
    """Apply a function of masks with time in front, which keeps time but for the factor."""
    reduce = name == "likelihood_multiplication_factor"
    given = {key: _labelled(key, mask) for key, mask in given.items()}
    masks = tuple(given.values())
    if empty := [key for key, mask in given.items() if 0 in getattr(mask, "shape", ())]:
        raise InputError(f"{name}: {empty[0]} is empty", hint="is the selection empty?")
    if not any(is_labelled(mask) for mask in masks):
        return function(*_together(masks))
    import xarray as xr

    named = [mask for mask in masks if is_labelled(mask)]
    time = find_axis(named[0], TIME_NAMES)
    if time is None:
        raise InputError(f"no time axis among the dimensions {tuple(named[0].dims)}")
    if without := [tuple(mask.dims) for mask in named if time not in mask.dims]:
        raise InputError(f"no {time} among the dimensions {without[0]} of the other mask", hint="both are days")
    _check_calendars(named, time)
    masks = tuple(whole_along(mask, time) for mask in masks)
    core: list[list[str]] = [[time] if is_labelled(mask) else [] for mask in masks]
    day = None if reduce else _days_since_first(named[0], time)

    def moved(*values: np.ndarray) -> Any:
        front = [np.moveaxis(_as_mask(value), -1, 0) for value in np.broadcast_arrays(*values)]
        if reduce:
            return function(*front)
        result = function(*front) if day is None else function(*(_with_absent_days(x, day) for x in front))[day]
        return np.moveaxis(result, 0, -1)

    try:
        result = xr.apply_ufunc(
            moved,
            *masks,
            input_core_dims=core,
            output_core_dims=[[] if reduce else [time]],
            dask="parallelized",
            output_dtypes=["float64" if reduce else "bool"],
            join="exact",
            keep_attrs=True,  # those of coordinates
        )
    except InputError:
        raise
    except ValueError as error:  # other shapes, or other coordinates
        raise InputError(
            f"the masks do not fit each other: {error}", hint="select the same days and cells of both"
        ) from error
    result = (result if reduce else result.transpose(*named[0].dims)).rename(name)
    result.attrs = _attributes(name, given, params)
    return attributes.tidy_coordinates(result)


def _check_calendars(masks: list[Any], time: Any) -> None:
    """Refuse masks whose days are those of different calendars."""
    known = [
        decode_times(mask[time].values[:1], None)[1] for mask in masks if time in mask.coords and mask[time].size
    ]
    if other := [calendar for calendar in known if not same_calendar(calendar, known[0])]:
        raise InputError(
            f"one mask has the calendar {known[0]}, another {other[0]}", hint="bring both to the same calendar"
        )


def _labelled(name: str, mask: Any) -> Any:
    """A mask of a Dataset or of files as a DataArray; a plain one as it is."""
    return as_dataarray(mask, name=name) if hasattr(mask, "dims") or is_paths(mask) else mask


def _attributes(name: str, given: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Attributes of a result: those of what the masks were made from are not true of it."""
    attrs = {key: getattr(mask, "attrs", {}) for key, mask in given.items()}
    made = {key: attributes.made_by(attrs[key], getattr(mask, "name", None)) for key, mask in given.items()}
    definition = {"diagnostic": name, **params, **made}
    return attributes.of_result(_TITLES[name], "1", inputs=attrs.values(), definition=definition)


def _days_since_first(mask: Any, time: str) -> np.ndarray | None:
    """Day of each step, from 0 on; None where the steps have no times."""
    if time not in mask.coords:
        return None
    seconds, calendar = decode_times(mask[time].values, None)
    check_order(seconds, calendar, "mask", str(time))
    steps = np.diff(seconds)
    if len(steps) and (steps.min() != DAY or (steps % DAY).any()):
        raise InputError(
            f"a mask of days is needed: its steps are {steps.min() / DAY:g} to {steps.max() / DAY:g} days long",
            hint="make daily values first: e5.daily(x, 'max')",
        )
    return (seconds - seconds[:1]) // DAY


def _with_absent_days(mask: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The mask with a step for every day: no event is known on a day that is absent."""
    if len(day) == 0 or day[-1] == len(day) - 1:
        return mask
    whole = np.zeros((int(day[-1]) + 1, *mask.shape[1:]), dtype=bool)
    whole[day] = mask
    return whole


def _together(masks: tuple[Any, ...]) -> tuple[np.ndarray, ...]:
    """Plain masks, broadcast against each other."""
    values = [_as_mask(mask) for mask in masks]
    shapes = [mask.shape for mask in values]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise InputError(f"masks of the shapes {shapes} do not fit each other") from error
    if not shape:
        raise InputError("a mask has days along its first axis, and this is a single value")
    return tuple(np.broadcast_to(mask, shape) for mask in values)


def whole_along(x: Any, dim: str) -> Any:
    """Return a DataArray with a single chunk along a dimension, where it is made of chunks; that is said if new."""
    return whole(x, (dim,), "a search for runs") if is_lazy(x) else x


def _as_mask(mask: Any) -> np.ndarray:
    values = plain(mask)
    if values.dtype != bool:
        raise InputError(f"a mask of bool is needed, not {values.dtype}", hint="compare with a threshold: tx > p90")
    return values

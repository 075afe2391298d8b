"""The season of fires, and the drought code that outlasts a winter: what goes with :func:`era5fast.fire_weather`.

Codes of a season begin with `last_dc=` of :func:`era5fast.fire_weather` where the drought of the year before counts:
:func:`overwintered_drought_code` of its last day and of the precipitation of the winter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import attributes, units
from .compound import check_whole_days, whole_along
from .dataarrays import as_dataarray
from .errors import InputError
from .field import TIME_NAMES, find_axis
from .storms import check_number
from .times import check_order, decode_times

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fire_season", "overwintered_drought_code"]


def overwintered_drought_code(
    last: Any, precipitation: Any, *, carry_over: float = 0.75, wetting: float = 0.75, minimum: float = 15.0
) -> Any:
    """Drought code with which a season begins, after a winter.

    Parameters
    ----------
    last : float, ndarray or DataArray
        Drought code of the last day of the season before.
    precipitation : float, ndarray or DataArray
        Precipitation since then, in mm where it has no units.
    carry_over : float, default 0.75
        Share a of the moisture of autumn that is still there; 1, 0.75 or 0.5 in the tables.
    wetting : float, default 0.75
        Share b of the precipitation that reaches the deep layers; 0.9, 0.75 or 0.5 in the tables.
    minimum : float, default 15
        The code is not below this, which is that of a wet spring.

    Returns
    -------
    float, ndarray or DataArray
        400 ln(800/Q), Q = a 800 exp(−DC/400) + b 3.94 r; NaN where one of both is missing.

    Raises
    ------
    InputError
        If a share is not from 0 to 1, or units are no depth of water.

    References
    ----------
    Van Wagner 1985, Drought, timelag and fire danger rating, 8th Conf. Fire and Forest Meteorology. Lawson & Armitage
    2008, Weather guide for the Canadian FFDRS.

    Examples
    --------
    >>> round(float(overwintered_drought_code(300.0, 110.0)), 2)
    109.47
    """
    for name, value, high in (("carry_over", carry_over, 1), ("wetting", wetting, 1), ("minimum", minimum, 10_000)):
        check_number(name, value)
        if not 0 <= value <= high:
            raise InputError(f"overwintered_drought_code: {name} must be 0 to {high}, not {value!r}")
    rain = precipitation * _to_mm(precipitation)
    moisture = carry_over * 800 * np.exp(-last / 400) + wetting * 3.94 * rain
    with np.errstate(divide="ignore"):
        code = 400 * np.log(800 / moisture)
    result = np.maximum(code, minimum)
    if hasattr(result, "attrs"):
        own = {"last": last, "precipitation": precipitation}
        made = {
            name: attributes.made_by(getattr(x, "attrs", {}), getattr(x, "name", None)) for name, x in own.items()
        }
        rule = {"carry_over": carry_over, "wetting": wetting, "minimum": minimum}
        definition = {"diagnostic": "overwintered_drought_code", **rule, **made}
        result = result.rename("dc")
        inputs = [x.attrs for x in own.values() if hasattr(x, "attrs")]
        result.attrs = attributes.of_result(
            "Drought code after the winter", "1", inputs=inputs, definition=definition
        )
        result = attributes.tidy_coordinates(result)
    return result


def _to_mm(precipitation: Any) -> float:
    given = units.of(getattr(precipitation, "attrs", None))
    return 1.0 if given is None else units.check(given, "mm", "precipitation")[0]


def fire_season(
    temperature: Any,
    *,
    start_above: float | str = 12.0,
    end_below: float | str = 5.0,
    days: int = 3,
    variable: str | None = None,
) -> xr.DataArray:
    """Days of the season of fires, by the temperatures of the days before.

    Parameters
    ----------
    temperature : DataArray, Dataset or paths (time, ...)
        Daily temperature: the maximum, or that of noon.
    start_above : float or str, default 12
        The season begins after `days` days above this, in °C, or text with units.
    end_below : float or str, default 5
        It ends after `days` days below this.
    days : int, default 3
        Days in a row.
    variable : str, optional
        Variable of the Dataset or of the files.

    Returns
    -------
    DataArray of bool
        True on days of the season. It begins and ends on the day after the last of the `days`; before the first days
        of the data nothing is known, and there is no season.

    Raises
    ------
    InputError
        If the temperature has no units of temperature or no times that increase, or `days` is below 1.

    Notes
    -----
    A missing day neither begins nor ends a season.

    References
    ----------
    Wotton & Flannigan 1993, Forestry Chronicle 69, 187. Lawson & Armitage 2008, Weather guide for the Canadian FFDRS.
    """
    import xarray as xr

    check_whole_days("days", days, 1)
    x = as_dataarray(temperature, variable, "temperature")
    time = find_axis(x, TIME_NAMES)
    if time is None:
        raise InputError(f"fire_season: no time axis among the dimensions {tuple(x.dims)}")
    if x.size == 0:
        raise InputError("fire_season: the temperatures are empty", hint="is the selection empty?")
    if time in x.coords:
        check_order(*decode_times(x[time].values, None), "temperature", str(time))
    unit = units.of(x.attrs)
    units.check(unit, "degC", "temperature")
    start, end = (
        _limit(limit, str(unit), name) for name, limit in (("start_above", start_above), ("end_below", end_below))
    )
    mask = xr.apply_ufunc(
        lambda values: _seasons(values, start, end, int(days)),
        whole_along(x, time),
        input_core_dims=[[time]],
        output_core_dims=[[time]],
        dask="parallelized",
        output_dtypes=["bool"],
    ).transpose(*x.dims)
    rule = {"start_above": start_above, "end_below": end_below, "days": days}
    definition = {"diagnostic": "fire_season", **rule, "temperature": attributes.made_by(x.attrs, x.name)}
    mask.attrs = attributes.of_result("Season of fires", "1", inputs=[x.attrs], definition=definition)
    return attributes.tidy_coordinates(mask.rename("fire_season"))


def _limit(value: Any, unit: str, name: str) -> float:
    text = value if isinstance(value, str) else f"{units.quantity(value, None, name)!r} degC"
    return units.quantity(text, unit, name)


def _seasons(values: np.ndarray, start: float, end: float, days: int) -> np.ndarray:
    """Days of seasons along the last axis: the latest of all beginnings and ends before a day tells."""
    steps = np.arange(values.shape[-1])
    warm, cold = _follows(values > start, days), _follows(values < end, days)
    begun, ended = (np.maximum.accumulate(np.where(mask, steps, -1), axis=-1) for mask in (warm, cold))
    return np.asarray(begun > ended)


def _follows(mask: np.ndarray, days: int) -> np.ndarray:
    """Days that come after `days` true ones."""
    found = np.zeros_like(mask)
    if mask.shape[-1] <= days:
        return found
    before = np.cumsum(mask, axis=-1, dtype="int64")[..., :-1]  # true days before each but the first
    found[..., days] = before[..., days - 1] == days
    found[..., days + 1 :] = before[..., days:] - before[..., :-days] == days
    return found

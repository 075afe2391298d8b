"""The season of fires, and the drought code that outlasts a winter: what goes with :func:`era5fast.fire_weather`.

With ``season=`` :func:`era5fast.fire_weather` begins the codes of each season anew, and with ``overwintering=True``
the drought of the year before counts. :func:`overwintered_drought_code` is the same for one winter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import attributes, units
from .axis_names import TIME_NAMES, find_axis
from .compound import check_whole_days, whole_along
from .dataarrays import as_dataarray
from .errors import InputError
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
    snow_depth: Any = None,
    *,
    definition: str = "wotton_flannigan",
    start_above: float | str = 12.0,
    end_below: float | str = 5.0,
    snow_above: float | str = 0.01,
    days: int = 3,
    variable: str | None = None,
) -> xr.DataArray:
    """Days of the season of fires, by the temperatures and the snow of the days before.

    Parameters
    ----------
    temperature : DataArray, Dataset or paths (time, ...)
        Daily temperature: the maximum, or that of noon.
    snow_depth : DataArray, Dataset or paths (time, ...), optional
        Daily depth of the snow itself, not of its water; 'lawson_armitage' and 'gfwed' need it.
    definition : {'wotton_flannigan', 'lawson_armitage', 'gfwed'}, default 'wotton_flannigan'
        Whose season: by temperature, by snow, or by means of both; see below.
    start_above : float or str, default 12
        Temperature above which a season begins, in °C, or text with units.
    end_below : float or str, default 5
        Temperature below which it ends.
    snow_above : float or str, default 0.01
        Depth of snow, in m or text with units, above which there is snow.
    days : int, default 3
        Days in a row.
    variable : str, optional
        Variable of the Datasets or of the files.

    Returns
    -------
    DataArray of bool
        True on days of the season. Before the first days of the data nothing is known, and there is no season.

    Raises
    ------
    InputError
        If a series has wrong units or no times that increase, the definition is unknown or needs the snow, or `days`
        is below 1.

    Notes
    -----
    'wotton_flannigan': it begins on the day after `days` days above `start_above`, and ends on the day after `days`
    days below `end_below`. 'lawson_armitage': it begins on the last of `days` days without snow, and ends on a day
    with snow, or on the last of `days` days below `end_below`. 'gfwed': it begins when the mean temperature of the
    last `days` days, today among them, is above `start_above` and their mean depth of snow below `snow_above`, and
    ends when the one is below `end_below` or the other not below `snow_above`. A missing day neither begins nor ends
    a season.

    References
    ----------
    Wotton & Flannigan 1993, Forestry Chronicle 69, 187. Lawson & Armitage 2008, Weather guide for the Canadian FFDRS.
    Field et al. 2015, Nat. Hazards Earth Syst. Sci. 15, 1407.
    """
    import xarray as xr

    check_whole_days("days", days, 1)
    if definition not in tuple(_SEASONS):
        raise InputError(f"fire_season: definition must be one of: {' '.join(_SEASONS)}, not {definition!r}")
    x, time, unit = _series(temperature, variable, "temperature", "degC")
    limits = [
        _limit(limit, unit, "degC", name) for name, limit in (("start_above", start_above), ("end_below", end_below))
    ]
    series, about = [whole_along(x, time)], {"temperature": attributes.made_by(x.attrs, x.name)}
    if definition != "wotton_flannigan":
        if snow_depth is None:
            raise InputError(f"fire_season: {definition} needs snow_depth=")
        snow, snow_time, snow_unit = _series(snow_depth, variable, "snow_depth", "m")
        limits.append(_limit(snow_above, snow_unit, "m", "snow_above"))
        series.append(whole_along(snow.rename({snow_time: time}), time))
        about["snow_depth"] = attributes.made_by(snow.attrs, snow.name)
    mask = xr.apply_ufunc(
        lambda *values: _seasons(*_SEASONS[definition](values, limits, int(days))),
        *_together(series, x.dims),
        input_core_dims=[[time]] * len(series),
        output_core_dims=[[time]],
        join="exact",
        dask="parallelized",
        output_dtypes=["bool"],
    ).transpose(*x.dims)
    rule = {
        "definition": definition, "start_above": start_above, "end_below": end_below, "snow_above": snow_above,
        "days": days,
    }  # fmt: skip
    mask.attrs = attributes.of_result(
        "Season of fires", "1", inputs=[x.attrs], definition={"diagnostic": "fire_season", **rule, **about}
    )
    return attributes.tidy_coordinates(mask.rename("fire_season"))


def _together(series: list[Any], dims: Any) -> list[Any]:
    import xarray as xr

    other = "fire_season: temperature and snow_depth are of other days or cells"
    if any(not set(each.dims) <= set(dims) for each in series):
        raise InputError(other)
    try:
        return list(xr.align(*series, join="exact"))
    except ValueError as error:
        raise InputError(other) from error


def _series(x: Any, variable: str | None, name: str, unit: str) -> tuple[xr.DataArray, Any, str]:
    """A daily series, its dimension of time, and its units."""
    x = as_dataarray(x, variable, name)
    time = find_axis(x, TIME_NAMES)
    if time is None:
        raise InputError(f"fire_season: no time axis among the dimensions {tuple(x.dims)}")
    if x.size == 0:
        raise InputError(f"fire_season: {name} is empty", hint="is the selection empty?")
    if time in x.coords:
        check_order(*decode_times(x[time].values, None), name, str(time))
    own = units.of(x.attrs)
    units.check(own, unit, name)
    return x, time, str(own)


def _limit(value: Any, unit: str, usual: str, name: str) -> float:
    text = value if isinstance(value, str) else f"{units.quantity(value, None, name)!r} {usual}"
    return units.quantity(text, unit, name)


def _seasons(begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Days of seasons along the last axis: the latest of all beginnings and ends up to a day tells."""
    steps = np.arange(begins.shape[-1])
    begun, ended = (np.maximum.accumulate(np.where(mask, steps, -1), axis=-1) for mask in (begins, ends))
    return np.asarray(begun > ended)


#: Days on which a season may begin, and those on which it ends.
_Turns = tuple[np.ndarray, np.ndarray]


def _by_temperature(series: tuple[np.ndarray, ...], limits: list[float], days: int) -> _Turns:
    (temperature,), (start, end) = series, limits
    return _follows(temperature > start, days), _follows(temperature < end, days)


def _by_snow(series: tuple[np.ndarray, ...], limits: list[float], days: int) -> _Turns:
    (temperature, snow), (_, end, depth) = series, limits
    return _lasts(snow <= depth, days), (snow > depth) | _lasts(temperature < end, days)


def _by_means(series: tuple[np.ndarray, ...], limits: list[float], days: int) -> _Turns:
    (temperature, snow), (start, end, depth) = (_means(values, days) for values in series), limits
    return (temperature > start) & (snow < depth), (snow >= depth) | (temperature < end)


_SEASONS = {"wotton_flannigan": _by_temperature, "lawson_armitage": _by_snow, "gfwed": _by_means}


def _lasts(mask: np.ndarray, days: int) -> np.ndarray:
    """Days that are the last of `days` true ones."""
    found = np.zeros_like(mask)
    if mask.shape[-1] >= days:
        counts = np.cumsum(mask, axis=-1, dtype="int64")
        found[..., days - 1] = counts[..., days - 1] == days
        found[..., days:] = counts[..., days:] - counts[..., :-days] == days
    return found


def _follows(mask: np.ndarray, days: int) -> np.ndarray:
    """Days that come after `days` true ones."""
    found = np.zeros_like(mask)
    found[..., 1:] = _lasts(mask, days)[..., :-1]
    return found


def _means(values: np.ndarray, days: int) -> np.ndarray:
    """Mean of each day and of those before it, `days` in all; NaN where there are not so many."""
    means = np.full(values.shape, np.nan)
    if values.shape[-1] >= days:
        windows = np.lib.stride_tricks.sliding_window_view(values, days, axis=-1)
        means[..., days - 1 :] = windows.mean(axis=-1, dtype="float64")
    return means

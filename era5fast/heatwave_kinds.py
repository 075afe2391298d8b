"""Heatwaves and cold spells as services and programs define them, with fixed thresholds or distances from normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import diagnostics, units
from .chunked.arrays import is_lazy, outline
from .errors import InputError
from .field import as_field, check_days
from .sources import is_paths

__all__ = ["KINDS", "Kind", "heatwaves"]


@dataclass(frozen=True)
class Kind:
    """One definition.

    Attributes
    ----------
    series : str
        Which temperature: 'tx', 'tn' or 'tg'.
    op : str
        Comparison with the limit.
    limit : float
        Degrees Celsius; with `normal`, degrees above what is normal for the day of the year.
    days : int
        Days of the shortest spell.
    source : str
        Whose definition.
    also : tuple of (str, float), optional
        Second temperature and the limit in degrees Celsius that it must pass on the same days.
    normal : str
        '' for a fixed limit, 'climatology' or 'threshold' (90th percentile) of the day of the year, window 5 days.
    """

    series: str
    op: str
    limit: float
    days: int
    source: str
    also: tuple[str, float] | None = None
    normal: str = ""


#: Name → definition.
KINDS = {
    "heat_wave": Kind("tx", ">", 30, 3, "xclim heat_wave_frequency and its like", also=("tn", 22)),
    "hot_spell": Kind("tx", ">", 30, 3, "xclim hot_spell_frequency and its like"),
    "cold_spell": Kind("tg", "<", -10, 5, "xclim cold_spell_days"),
    "hwdi": Kind("tx", ">", 5, 6, "Frich et al. 2002, Clim. Res. 19, 193; CDO eca_hwdi", normal="climatology"),
    "hwfi": Kind("tg", ">", 0, 6, "CDO eca_hwfi", normal="threshold"),
    "sweden": Kind("tx", ">=", 25, 5, "Swedish Meteorological and Hydrological Institute"),
    "china": Kind("tx", ">=", 35, 3, "China Meteorological Administration"),
}


def heatwaves(
    kind: str,
    *,
    tx: Any = None,
    tn: Any = None,
    tg: Any = None,
    base_period: Any = ("1961", "1990"),
    border: str = "cut",
    freq: str = "YS",
    months: Any = None,
    missing: str = "any",
    time: Any = None,
    progress: bool = True,
) -> Any:
    """Heatwaves (or cold spells) of each period, as somebody defines them.

    Parameters
    ----------
    kind : str
        Name of a definition: a key of ``era5fast.heatwave_kinds.KINDS``.
    tx, tn, tg : DataArray, ndarray or paths (time, ...)
        Daily maximum, minimum and mean temperature: those that the definition needs. Plain arrays are in °C.
    base_period : tuple of two years or dates, default ('1961', '1990')
        Base of what is normal, where the definition needs it.
    border, freq, months, missing, time, progress
        As for :func:`era5fast.diagnostics.spell_statistics`.

    Returns
    -------
    Dataset or named tuple of ndarrays
        ``count``, ``total``, ``longest``, ``mean``, ``first`` and ``last`` of the spells of each period.

    Raises
    ------
    InputError
        If the definition is unknown, a temperature is missing, or parameters, times or units do not fit.
    """
    if str(kind) not in KINDS:
        raise InputError(f"heatwaves: kind must be one of: {' '.join(KINDS)}, not {kind!r}")
    series = {"tx": tx, "tn": tn, "tg": tg}
    chosen, given = KINDS[kind], {name: as_field(x) if is_paths(x) else x for name, x in series.items()}
    x = _needed(kind, given, chosen.series)
    check_days(as_field(outline(x) if is_lazy(x) else x, time=time), "heatwaves")
    second = () if chosen.also is None else (_needed(kind, given, chosen.also[0]), _degrees(given, chosen.also))
    if chosen.normal:
        limit = _normal(x, chosen, base_period, time, progress)
    else:
        limit = _degrees(given, (chosen.series, chosen.limit))
    statistics: Any = diagnostics.spell_statistics  # its checks are at run time, as for text of the user's
    return statistics(
        x,
        limit,
        *second,
        op=chosen.op,
        min_length=chosen.days,
        border=border,
        freq=freq,
        months=months,
        missing=missing,
        time=time,
        progress=progress,
    )


def _needed(kind: str, given: dict[str, Any], name: str) -> Any:
    if given[name] is None:
        raise InputError(f"heatwaves: {kind} needs {name}=")
    return given[name]


def _degrees(given: dict[str, Any], limit: tuple[str, float]) -> float:
    """A limit in the units of its temperature."""
    name, value = limit
    if not hasattr(given[name], "attrs"):  # a plain array
        return value
    unit = units.of(given[name].attrs)
    units.check(unit, "degC", name)
    return units.quantity(f"{value} degC", str(unit), name)


def _normal(x: Any, chosen: Kind, base_period: Any, time: Any, progress: bool) -> Any:
    """What is normal for each day of the year, and the distance from it; a degree is one in °C and in K."""
    found = diagnostics.heatwave_climatology(
        x, window=5, smoothing=1, type=8, neighbours="real", leap_day="drop", base_period=base_period, time=time,
        progress=progress,
    )  # fmt: skip
    normal = getattr(found, chosen.normal)
    above = normal + chosen.limit
    if hasattr(normal, "attrs"):
        above.attrs.update(normal.attrs)
    return above

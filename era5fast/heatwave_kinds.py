"""Heatwaves and cold spells as services and programs define them, with fixed thresholds or distances from normal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import attributes, diagnostics, units
from .chunked.arrays import is_lazy, outline
from .errors import InputError
from .field import as_field, check_days
from .parameter_sets import Cases
from .several import Axis, Several
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
    kind: str | Sequence[str],
    *,
    tx: Any = None,
    tn: Any = None,
    tg: Any = None,
    base_period: Any = ("1961", "1990"),
    border: str = "cut",
    freq: str = "YS",
    months: Any = None,
    missing: str | float = "any",
    time: Any = None,
    progress: bool = True,
) -> Any:
    """Heatwaves (or cold spells) of each period, as somebody defines them.

    Parameters
    ----------
    kind : str or sequence of str
        Name of a definition: a key of ``era5fast.heatwave_kinds.KINDS``. Several add a dimension in front; those of
        the same temperatures are computed in one read.
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
    kinds = _kinds(kind)
    series = {"tx": tx, "tn": tn, "tg": tg}
    given = {name: as_field(x) if is_paths(x) else x for name, x in series.items()}
    common = {
        "border": border, "freq": freq, "months": months, "missing": missing, "time": time, "progress": progress,
    }  # fmt: skip
    found: dict[str, Any] = {}
    statistics: Any = diagnostics.spell_statistics  # its checks are at run time, as for text of the user's
    for names in _together(kinds, lazily=any(is_lazy(x) for x in given.values())):
        chosen = KINDS[names[0]]
        x = _needed(names[0], given, chosen.series)
        check_days(as_field(outline(x) if is_lazy(x) else x, time=time), "heatwaves")
        units.check_kind(units.of(getattr(x, "attrs", None)), ("degC",), f"heatwaves: {chosen.series}")
        limits = [_limit(x, given, KINDS[name], base_period, time, progress) for name in names]
        also = () if chosen.also is None else (_needed(names[0], given, chosen.also[0]), _degrees(given, chosen.also))
        if len(names) == 1:
            found[names[0]] = statistics(x, limits[0], *also, **_rule(chosen), **common)
            continue
        cases = Cases("kind", names, [_rule(KINDS[name]) for name in names])
        several = Several(limits, [Axis("kind", np.asarray(names), {})])
        result = diagnostics.in_cases("spell_statistics", cases, x, several, *also, **common)
        found |= {name: _taken(result, i) for i, name in enumerate(names)}
    return found[kind] if isinstance(kind, str) else _behind_each_other([found[name] for name in kinds], kinds)


def _kinds(kind: Any) -> list[str]:
    kinds = [kind] if isinstance(kind, str) else list(kind) if isinstance(kind, Iterable) else [kind]
    if wrong := [name for name in kinds if not isinstance(name, str) or name not in KINDS]:
        raise InputError(f"heatwaves: kind must be one of: {' '.join(KINDS)}, not {wrong[0]!r}")
    if not kinds:
        raise InputError("heatwaves: kind is an empty list", hint=f"there are {' '.join(KINDS)}")
    if len(set(kinds)) < len(kinds):
        raise InputError("heatwaves: a kind is given twice")
    return kinds


def _together(kinds: list[str], *, lazily: bool) -> list[list[str]]:
    """Kinds that look at the same temperatures, and have limits of one shape; where dask reads, each by itself."""
    if lazily:
        return [[name] for name in kinds]
    groups: dict[Any, list[str]] = {}
    for name in kinds:
        own = KINDS[name]
        groups.setdefault((own.series, own.also, own.normal), []).append(name)
    return list(groups.values())


def _rule(chosen: Kind) -> dict[str, Any]:
    return {"op": chosen.op, "min_length": chosen.days}


def _limit(x: Any, given: dict[str, Any], chosen: Kind, base_period: Any, time: Any, progress: bool) -> Any:
    if chosen.normal:
        return _normal(x, chosen, base_period, time, progress)
    return _degrees(given, (chosen.series, chosen.limit))


def _taken(result: Any, i: int) -> Any:
    """One of several results along their first dimension."""
    if hasattr(result, "isel"):
        return result.isel(kind=i, drop=True)
    return type(result)(*(part[i] for part in result))


def _behind_each_other(results: list[Any], kinds: list[str]) -> Any:
    """Results of several kinds as one, with a dimension for them."""
    if not hasattr(results[0], "data_vars"):
        return type(results[0])(*(np.stack(parts) for parts in zip(*results, strict=True)))
    import xarray as xr

    attrs = {"long_name": "Definition of a heatwave"}
    together = xr.concat(results, dim=xr.Variable("kind", kinds, attrs), combine_attrs="drop_conflicts")
    for name, part in together.data_vars.items():  # each was made in its own way
        made = [json.loads(each[name].attrs[attributes.DEFINITION]) for each in results]
        part.attrs[attributes.DEFINITION] = json.dumps(made, sort_keys=True)
    return together


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

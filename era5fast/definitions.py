"""Definitions of others: which parameters make a diagnostic what a certain program or paper computes.

One row per diagnostic and definition; what a row does not name has its default. What the user says himself goes
before the row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import InputError

__all__ = ["DEFINITIONS", "apply", "check", "names", "parameters"]

_CLIMDEX: dict[str, Any] = {"missing": "etccdi"}
_XCLIM: dict[str, Any] = {
    "missing": "any",
    "neighbours": "real",
    "leap_day": "stretch",
    "min_share": 0,
    "bootstrap": False,
    "bootstrap_of": "all",
    "percent_of": "days",
    "longest": "cut",
    "label": "last",
    "windows": "whole",
    "season": "xclim",
    "dry_period": "nan",
    "wet_test": ">",
    "total_wet": 0,
}
_CDO: dict[str, Any] = {
    "missing": "none",
    "neighbours": "ring",
    "leap_day": "own",
    "min_share": 0,
    "inclusive": True,
    "percent_of": "all",
    "longest": "cut",
    "label": "last",
    "dry_period": "nan",
}

#: heatwaveR and heatwave3: sample deviations, maxima of their own, no rates at the edges of the record.
_HEATWAVER: dict[str, Any] = {
    "neighbours": "real",
    "deviation": "sample",
    "maximum": "own",
    "edge_rates": "missing",
}

#: Percentiles of the days of the year.
_DAYS_OF_CLIMDEX = {"type": 8, "window": 5, "neighbours": "wrap", "leap_day": "drop", "min_share": 0.1}
_DAYS_OF_XCLIM = {"type": 8, "window": 5, "neighbours": "real", "leap_day": "stretch"}
_DAYS_OF_HOBDAY = {"type": 7, "window": 11, "neighbours": "around", "leap_day": "mean", "smoothing": 31}

#: Diagnostic → definition → parameters.
DEFINITIONS: dict[str, dict[str, dict[str, Any]]] = {
    "etccdi": {"etccdi": _CLIMDEX, "climdex": _CLIMDEX, "xclim": _XCLIM, "cdo": _CDO},
    "marine_heatwaves": {"hobday": {}, "marineheatwaves": {}, "heatwaver": _HEATWAVER},
    "percentile_doy": {
        "etccdi": _DAYS_OF_CLIMDEX,
        "climdex": _DAYS_OF_CLIMDEX,
        "xclim": _DAYS_OF_XCLIM,
        "cdo": {"type": 8, "window": 5, "neighbours": "ring", "leap_day": "own"},
        "hobday": _DAYS_OF_HOBDAY,
        "pa13": {"type": 8, "window": 15, "neighbours": "real", "leap_day": "drop"},
        "hwmid": {"type": 8, "window": 31, "neighbours": "real", "leap_day": "drop"},
    },
    "percentile_exceedance": {
        "etccdi": {**_DAYS_OF_CLIMDEX, "missing": "etccdi"},
        "climdex": {**_DAYS_OF_CLIMDEX, "missing": "etccdi"},
        "xclim": {**_DAYS_OF_XCLIM, "missing": "any", "bootstrap": False},
    },
    "heatwave_climatology": {"hobday": {}, "marineheatwaves": {}, "heatwaver": {"neighbours": "real"}},
    "excess_heat": {
        "nairn_fawcett": {"direction": "forward", "negative": "keep"},
        "thermofeel": {"direction": "forward", "negative": "keep"},
        "climpact": {"direction": "backward", "negative": "keep"},
        "ehfheatwaves": {"direction": "backward", "negative": "zero"},
    },
    "spi": {
        "climate_indices": {"distribution": "gamma", "method": "thom", "zeros": "top", "limit": 3.09},
        "xclim": {"distribution": "gamma", "method": "ml", "zeros": "top", "limit": 8.21},
        "mckee": {"distribution": "gamma", "method": "thom", "zeros": "top"},
    },
    "fire_weather": {
        "van_wagner": {"form": "van_wagner"},
        "gfwed": {"form": "van_wagner"},
        "cffdrs": {"form": "cffdrs"},
        "xclim": {"form": "cffdrs"},
    },
    "find_events": {"dheed": {"min_days": 3, "connectivity": 6}},
    "track": {
        "tempest": {"connectivity": 4, "overlap": 0},
        "marex": {"connectivity": 8, "overlap": 0.5, "of": "smaller"},
        "schwierz": {"connectivity": 8, "overlap": 0.7, "of": "smaller", "min_duration": 5},
    },
}

#: Diagnostic → definition → parameter and value with which its program computes something else than we do, and how.
_OTHERWISE: dict[str, dict[str, tuple[str, Any, str]]] = {
    "spi": {
        "climate_indices": ("step", "day", "puts a 29 February between the days of every year"),
        "xclim": ("step", "day", "counts days raw, and 1 March is the 60th or the 61st"),
    },
}


def names(diagnostic: str) -> tuple[str, ...]:
    """Definitions that a diagnostic knows."""
    return tuple(DEFINITIONS.get(diagnostic, {}))


def apply(diagnostic: str, definition: Any, given: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a call: what the user gave, else what the definition says, else the defaults.

    Parameters
    ----------
    diagnostic : str
        Name of the diagnostic.
    definition : str
        Name of the definition.
    given : dict
        Parameters that the user named.
    defaults : dict
        All parameters with their defaults.

    Raises
    ------
    InputError
        If the diagnostic has no such definition.
    """
    return {**defaults, **parameters(diagnostic, definition), **given}


def parameters(diagnostic: str, definition: Any) -> dict[str, Any]:
    """What a definition says of the parameters of a diagnostic.

    Parameters
    ----------
    diagnostic : str
        Name of the diagnostic.
    definition : str
        Name of the definition.

    Raises
    ------
    InputError
        If the diagnostic has no such definition.
    """
    rows = DEFINITIONS.get(diagnostic, {})
    if not isinstance(definition, str) or definition not in rows:
        raise InputError(f"{diagnostic}: definition must be one of: {' '.join(rows)}, not {definition!r}")
    return rows[definition]


def check(diagnostic: str, definition: str, given: dict[str, Any]) -> None:
    """Refuse a definition where the other parameters make its program another one.

    Parameters
    ----------
    diagnostic : str
        Name of the diagnostic.
    definition : str
        Name of the definition.
    given : dict
        Parameters of the call.

    Raises
    ------
    InputError
        If its numbers would be others than those of that program.
    """
    otherwise = _OTHERWISE.get(diagnostic, {}).get(definition)
    if otherwise is None:
        return
    name, value, how = otherwise
    if value in np.ravel(given[name]).tolist():
        said = ", ".join(f"{key}={word!r}" for key, word in parameters(diagnostic, definition).items())
        raise InputError(
            f"{diagnostic}: definition={definition!r} is not that program with {name}={value!r}: it {how}",
            hint=f"for its other rules leave the definition out: {said}",
        )

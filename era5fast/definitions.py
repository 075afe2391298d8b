"""Definitions of others: which parameters make a diagnostic what a certain program or paper computes.

One row per diagnostic and definition; what a row does not name has its default. What the user says himself goes
before the row.
"""

from __future__ import annotations

from typing import Any

from .errors import InputError

__all__ = ["DEFINITIONS", "apply", "names"]

_CLIMDEX: dict[str, Any] = {"missing": "etccdi"}
_XCLIM: dict[str, Any] = {
    "missing": "any",
    "neighbours": "real",
    "leap_day": "stretch",
    "bootstrap": False,
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

#: Diagnostic → definition → parameters.
DEFINITIONS: dict[str, dict[str, dict[str, Any]]] = {
    "etccdi": {"etccdi": _CLIMDEX, "climdex": _CLIMDEX, "xclim": _XCLIM, "cdo": _CDO},
    "marine_heatwaves": {"hobday": {}, "marineheatwaves": {}, "heatwaver": _HEATWAVER},
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
    rows = DEFINITIONS.get(diagnostic, {})
    if not isinstance(definition, str) or definition not in rows:
        raise InputError(f"{diagnostic}: definition must be one of: {' '.join(rows)}")
    return {**defaults, **rows[definition], **given}

"""What is known about ERA5 variables: names, GRIB code, units, kind of value."""

from __future__ import annotations

from dataclasses import dataclass

from . import _core
from .errors import InputError

__all__ = ["Variable", "variable"]


@dataclass(frozen=True)
class Variable:
    """One ERA5 variable.

    Attributes
    ----------
    request : str
        Name in a request to the Climate Data Store, e.g. ``2m_temperature``.
    netcdf : str
        Name in a netCDF file, e.g. ``t2m``.
    short_name : str
        GRIB short name, e.g. ``2t``.
    param_id : int
        GRIB parameter id, e.g. 167.
    units : str
        Units as written in files.
    kind : str
        What a value at a time stamp means: ``instant``, ``accumulation``, ``mean rate``, ``maximum``, ``minimum`` or
        ``invariant``.
    level : str
        Level types it exists on: ``sfc``, ``pl``, ``ml``.
    old_netcdf : str
        Name in files made before October 2024, or an empty text.
    hours : str
        Stamps that make a day: ``instant`` (00 to 23) or ``hour_ending`` (01 to 23 and 00 of the next day).
    """

    request: str
    netcdf: str
    short_name: str
    param_id: int
    units: str
    kind: str
    level: str
    old_netcdf: str
    hours: str

    @property
    def step_type(self) -> str:
        """Group in which the service delivers the variable; one netCDF answer holds one group."""
        return {"accumulation": "accum", "mean rate": "avg", "maximum": "max", "minimum": "max"}.get(
            self.kind, "instant"
        )


def find(name: str) -> Variable | None:
    """Variable by any of its names, or None."""
    row = _core.variable(name)
    return Variable(**row) if row is not None else None


def variable(name: str) -> Variable:
    """Look up a variable by any of its names or its GRIB parameter id.

    Parameters
    ----------
    name : str
        ``"2t"``, ``"t2m"``, ``"2m_temperature"`` or ``"167"``.

    Returns
    -------
    Variable

    Raises
    ------
    InputError
        If no variable is called so.

    Examples
    --------
    >>> import era5fast as e5
    >>> e5.variable("2t").request
    '2m_temperature'
    """
    found = find(name)
    if found is None:
        raise InputError(f"no ERA5 variable is called '{name}'", hint="names are those of requests, files or GRIB")
    return found

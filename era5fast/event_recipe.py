"""What makes an event of a variable: how hours become days, how many of them in a row, and what it is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .errors import InputError
from .sources import files_by_variable, has_grib, open_core
from .times import decode_times
from .variable_table import Row

__all__ = ["Recipe", "choose_variable", "days_per_step", "recipe_of", "seconds_of", "window_of"]

#: Records shorter than this many years pool more days around each calendar day, so that a percentile has a sample.
_LONG_RECORD = 10


@dataclass(frozen=True)
class Recipe:
    """What makes an event of a variable.

    Attributes
    ----------
    kind : str
        Kind of event in the database.
    statistic : str
        How hours become a day.
    min_days : int
        Days in a row.
    """

    kind: str
    statistic: Literal["max", "min", "mean", "sum"]
    min_days: int


_HEATWAVE = Recipe("heatwave", "max", 3)
_COLD_SPELL = Recipe("cold spell", "min", 3)

#: By kind of variable, where the units do not say that it is a temperature.
_RECIPES = {
    "accumulation": Recipe("extreme precipitation", "sum", 1),
    "mean rate": Recipe("extreme precipitation", "mean", 1),
}


def recipe_of(row: Row | None, *, below: bool = False) -> Recipe:
    """Recipe of a variable; None is one that nobody knows.

    Parameters
    ----------
    row : Row or None
        Variable.
    below : bool
        Events lie below their threshold.
    """
    if row is None or row.units == "K":
        return _COLD_SPELL if below else _HEATWAVE
    if below:
        statistic: Literal["sum", "min"] = "sum" if row.kind == "accumulation" else "min"
        return Recipe(f"low {row.netcdf}", statistic, 1)
    return _RECIPES.get(row.kind, Recipe(f"high {row.netcdf}", "max", 1))


def choose_variable(paths: Sequence[str], variable: str | None) -> tuple[str, str]:
    """Variable asked for, or the best known one of the files: temperature before precipitation before the rest.

    Returns
    -------
    tuple of str
        Its name, and a note where there was a choice.
    """
    if variable is not None:
        return variable, ""
    names = _names_in(list(paths))
    variable = next((n for n in ("t2m", "mx2t", "tp") if n in names), names[0])
    others = [name for name in names if name != variable]
    note = f"Taking {variable}; --variable chooses among {', '.join(others)} as well." if others else ""
    return variable, note


def _names_in(paths: list[str]) -> list[str]:
    if not has_grib(paths):
        return list(files_by_variable(paths))
    from . import grib

    return [str(array.name) for array in grib.variables_of(paths, None)]


def seconds_of(paths: Sequence[str], name: str) -> np.ndarray:
    """Times of a variable of netCDF or GRIB files, in seconds since 1970-01-01 of their calendar."""
    if not has_grib(list(paths)):
        return np.asarray(open_core(list(paths), name)[0].header()["seconds"])
    from . import grib

    return decode_times(grib.variable_of(list(paths), name)["time"].values, None)[0]


def days_per_step(paths: Sequence[str], name: str, row: Row | None) -> tuple[float, str]:
    """Days from one value to the next, and a note where one value per day needs one.

    Raises
    ------
    InputError
        If that cannot be made into days.
    """
    seconds = seconds_of(paths, name)
    days = float(np.median(np.diff(seconds))) / 86400 if len(seconds) > 1 else np.inf
    if days > 1:
        raise InputError(f"{name}: one value in {days:.3g} days", hint="events need daily or hourly data")
    if days == 1 and row is not None and row.kind not in ("instant", "invariant"):
        return days, f"One hour's {row.kind} per day is no value of a day: the result says little."
    if days == 1:
        return days, "The series has one value per day, which is taken for the day."
    return days, ""


def window_of(days: int) -> tuple[int, str]:
    """Days around each calendar day that a percentile of so many days of data pools, and a note if it is many."""
    years = days / 365.25
    if years >= _LONG_RECORD:
        return 5, ""
    length = f"{years:.1f} years" if years >= 1 else f"{days} days"
    return 31, f"A record of {length}: thresholds pool 31 days around each calendar day."

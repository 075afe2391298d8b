"""Days of several zones beside each other: a dimension of offsets from UTC."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from . import attributes
from .errors import InputError

__all__ = ["in_each"]

_DIM = "utc_offset"


def in_each(name: str, x: Any, offsets: Sequence[Any], one: Callable[[Any], Any]) -> Any:
    """Results of several zones along one more dimension; days that a zone does not have are NaN.

    Parameters
    ----------
    name : str
        Of the diagnostic, for messages.
    x : DataArray, Dataset or paths
        The data, which must have dates.
    offsets : sequence of float
        Hours east of Greenwich.
    one : callable
        Offset → DataArray, or a Dataset of them, whose times are the days of that zone.

    Raises
    ------
    InputError
        If an offset is no number, or the results have no dates: those of different zones are not the same days.
    """
    given = list(offsets)
    if not given or not all(isinstance(each, Real) and not isinstance(each, bool) for each in given):
        raise InputError(f"{name}: a list of {_DIM} holds hours, not {given!r}", hint="'solar' stands alone")
    if len(set(given)) < len(given):
        raise InputError(f"{name}: a {_DIM} is given twice")
    if hasattr(x, "__array__") and not hasattr(x, "coords"):
        raise _no_dates(name)
    given = [each.item() if hasattr(each, "item") else each for each in given]
    parts = [one(given[0])]
    if not hasattr(parts[0], "coords"):
        raise _no_dates(name)
    parts += [one(each) for each in given[1:]]
    import xarray as xr

    about = attributes.of_result("Hours east of Greenwich of the zone of the days", "h")
    axis = xr.Variable(_DIM, np.asarray(given), about)
    together = xr.concat(parts, dim=axis, join="outer", combine_attrs="override")
    for array in together.data_vars.values() if hasattr(together, "data_vars") else [together]:
        _say_all(array.attrs, given)
    return together


def _no_dates(name: str) -> InputError:
    return InputError(
        f"{name}: days of several zones need dates, as they are not the same days",
        hint="pass a DataArray, or make a call for each offset",
    )


def _say_all(attrs: dict[str, Any], offsets: list[Any]) -> None:
    """Let the attributes of the first result tell of all offsets."""
    first, every = f"{_DIM}={offsets[0]!r}", f"{_DIM}={offsets!r}"
    if attributes.DEFINITION in attrs:
        made = {**json.loads(attrs[attributes.DEFINITION]), _DIM: offsets}
        attrs[attributes.DEFINITION] = json.dumps(made, sort_keys=True)
    if "history" in attrs:
        *before, last = attrs["history"].split("\n")
        attrs["history"] = "\n".join([*before, last.replace(first, every)])

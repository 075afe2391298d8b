"""The ufuncs of single values by their names, which is how pickle finds those of NumPy again on another machine.

Each is an attribute of this module that is made when it is asked for: ``wind_speed``, or with a choice
``heat_index_nws``. One that is asked for twice is the same.
"""

from __future__ import annotations

import functools

import numpy as np

from . import _core

_ROWS = {row["name"]: row for row in _core.kernels() if row["kind"] == "pointwise"}


def choices_of(row: dict[str, object]) -> list[str]:
    """Values of the first parameter of a row; an empty one of a row without parameters."""
    params: list[dict[str, str]] = row["params"]  # type: ignore[assignment]
    return params[0]["choices"].split() if params else [""]


_PLACES = {
    "_".join(filter(None, (name, choice))): (name, place)
    for name, row in _ROWS.items()
    for place, choice in enumerate(choices_of(row))
}


@functools.cache
def __getattr__(name: str) -> np.ufunc:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    row, place = _PLACES[name]
    return _core.ufunc(row, place, name)


def of_row(name: str, choice: str) -> np.ufunc:
    """The ufunc of a row and one of its choices, "" where it has none."""
    return __getattr__("_".join(filter(None, (name, choice))))

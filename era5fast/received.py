"""What was received: the fields of a request that are in files, and those that are not.

Only the axes of the files are read, no values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .contents import Series, contents
from .dataset_table import DATASETS
from .errors import Era5FastError
from .fields import Fields, fields_of, offset_of
from .variable_table import matches

__all__ = ["absent", "missing_requests", "param_id"]

_HOUR = 3600


def absent(wanted: Fields, series: Iterable[Series]) -> np.ndarray:
    """Table of the wanted fields that are in none of the series, as :meth:`Fields.table` has it."""
    left = wanted.table()
    bits = [bit for bit in range(wanted.mask.bit_length()) if wanted.mask >> bit & 1]
    hours = np.asarray(wanted.days)[:, None] * 24 + np.array([offset_of(wanted.style, bit) for bit in bits])
    weights = np.array([1 << bit for bit in bits], np.uint64)
    held: dict[tuple[int, str], list[np.ndarray]] = defaultdict(list)
    for one in series:
        held[one.param_id, one.level if wanted.levels != ("",) else ""].append(_valid_hours(wanted, one.seconds))
    for row, (variable, level) in enumerate(wanted.rows):
        found = held.get((param_id(wanted.dataset, variable), level))
        if found:
            there = np.isin(hours, np.concatenate(found))
            left[row] &= ~np.where(there, weights, np.uint64(0)).sum(axis=1, dtype=np.uint64)
    return left


def _valid_hours(wanted: Fields, seconds: np.ndarray) -> np.ndarray:
    """Times of a file as hours since 1970, in the way in which the request counts them."""
    if wanted.style == "daily":
        return seconds // 86400 * 24
    if wanted.style != "monthly":
        return seconds // _HOUR
    first = seconds.astype("datetime64[s]").astype("datetime64[M]").astype("datetime64[h]").astype(np.int64)
    # Means of accumulations are stamped 06 UTC; only means by hour of the day have hours of their own.
    return first if wanted.mask == 1 else first + seconds % 86400 // _HOUR


def param_id(dataset: str, variable: str) -> int:
    """GRIB parameter id of a variable of a request; −1 where it is not known."""
    if variable.isdigit():
        return int(variable)
    row = DATASETS[dataset]
    fitting = [v for v in matches(variable) if row.reanalysis in v.reanalyses and row.level in v.level]
    return fitting[0].param_id if fitting else -1


def missing_requests(paths: Sequence[str], dataset: str, inputs: dict[str, Any]) -> list[dict[str, Any]] | None:
    """What a request asked for and its files do not hold.

    Parameters
    ----------
    paths : sequence of str
        The file, and those that lie beside it with what did not fit into it.
    dataset, inputs
        The request, as :func:`era5fast.names.file_name` takes it.

    Returns
    -------
    list of dict or None
        Requests for the fields that are missing; None where they cannot be counted: the request is of an unknown
        kind, a file cannot be read, or holds messages that are not told apart.
    """
    wanted = fields_of(dataset, inputs)
    if wanted is None:
        return None
    try:
        series = [one for path in paths for one in contents(path)]
    except (Era5FastError, OSError, MemoryError):
        return None
    known = {param_id(dataset, name) for name in wanted.variables}
    if any(one.param_id == 0 for one in series) or -1 in known:
        return None
    left = absent(wanted, series)
    return [box.inputs for box in wanted.left(left)] if np.any(left) else []

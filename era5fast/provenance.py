"""How the operands of a diagnostic were made: what the definition of its result says of them.

A definition tells what was asked: it goes into the attributes of results and into the database, where events of one
definition belong together. What a result of ours carries with it is its own definition, and that stays with it when
the user computes with it: of maps, such as thresholds and climatologies, the digest of their values stands beside
it, as ``"sha256"``, so that ``percentile_doy(x) + 5`` is not taken for ``percentile_doy(x)``. It is null where maps
are lazy and so is the result: nobody knows the values before they are computed. Series are told by their definition
or their name alone, as their values are the data, which the database keeps apart from the definition; a mask that
says where and when events count is no data, and has its digest.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from .attributes import DEFINITION, made_by
from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, TIME_NAMES, find_axis
from .chunked.arrays import is_lazy, of_rows
from .several import Several, is_list
from .sources import is_paths

__all__ = ["digest", "lazy_digest", "needs_digest", "of_operands"]


def of_operands(row: dict[str, Any], given: dict[str, Any], digests: dict[str, str] | None = None) -> dict[str, Any]:
    """How all operands but the first were made.

    Parameters
    ----------
    row : dict
        Row of the table of diagnostics.
    given : dict
        What the user passed, by name.
    digests : dict of str, optional
        Those of lazy maps that are known, by the names of the operands.

    Returns
    -------
    dict
        Definition, name, number or digest by the name of each operand that was given.
    """
    found = {}
    for spec in row["operands"][1:]:
        if (operand := given[spec["name"]]) is not None:
            known = (digests or {}).get(spec["name"])
            is_data = spec["dims"].startswith("time") and row["kind"] != "field"  # which cells count is a choice
            found[spec["name"]] = _of_operand(operand, is_data, known)
    return found


def _of_operand(operand: Any, is_data: bool, known: str | None) -> Any:
    """How one operand was made; where nobody knows, the name of data or the content of maps stands for it."""
    if is_paths(operand):
        return str(operand)
    if isinstance(operand, Several):
        return [_of_operand(part, is_data, None) for part in operand.parts]
    if isinstance(operand, list | tuple) and is_list(operand):  # several thresholds, each a number or a text
        return [each if isinstance(each, str) else float(each) for each in operand]
    made = made_by(getattr(operand, "attrs", {}), getattr(operand, "name", None))
    if is_data:
        return made
    if not needs_digest(operand):
        return made if isinstance(made, dict) else float(np.asarray(operand, dtype="float64").item())
    content = {"sha256": known if is_lazy(operand) else digest(operand)}
    return {**made, **content} if isinstance(made, dict) else content


def needs_digest(operand: Any) -> bool:
    """Whether only the values of an operand tell what it is: all maps, but no number, and no series of ours."""
    attrs = getattr(operand, "attrs", {})
    if DEFINITION not in attrs:
        return is_lazy(operand) or np.size(operand) != 1
    of_steps = find_axis(operand, TIME_NAMES) is not None
    return not of_steps or operand.dtype.kind == "b"  # a comparison of a series is no result of ours


# --- digests ---


def digest(maps: Any) -> str:
    """Digest of the values of maps in memory: SHA-256 of the SHA-256 of each row along the first axis.

    Parameters
    ----------
    maps : array or DataArray
        Any numbers. Time or slots of the year come first, then latitudes from south to north and longitudes from 0 to
        360°, in whatever order a DataArray has them: order and seam of the axes make no difference.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return _together([_of_rows(np.asarray(getattr(_in_order(maps), "values", maps)))])


def lazy_digest(maps: Any) -> Any:
    """The same of maps that dask computes: a Delayed, with a task per chunk of whole rows."""
    from dask import delayed  # type: ignore[attr-defined]

    return delayed(_together)(of_rows(_in_order(maps), _of_rows))


def _in_order(maps: Any) -> Any:
    """Maps of a DataArray with their axes in one order."""
    if not hasattr(maps, "dims"):
        return maps
    axes = [name for names in (LATITUDE_NAMES, LONGITUDE_NAMES) if (name := find_axis(maps, names)) is not None]
    maps = maps.transpose(..., *axes)
    for name in axes:
        if name in maps.coords:
            places = np.asarray(maps[name].values, "float64")
            order = np.argsort(places % 360 if name in LONGITUDE_NAMES else places, kind="stable")
            if not np.array_equal(order, np.arange(len(order))):
                maps = maps.isel({name: order})
    return maps


def _of_rows(values: np.ndarray) -> bytes:
    """Digests of rows, one after the other."""
    return b"".join(
        hashlib.sha256(_normal(row).data).digest() for row in values.reshape(len(values) if values.ndim else 1, -1)
    )


def _normal(row: Any) -> np.ndarray:
    """A row in the one type and with the one NaN in which equal values have equal bytes."""
    if row.dtype.kind == "b" or row.dtype == np.uint8:
        return np.ascontiguousarray(row).view("uint8")
    values = np.array(row, dtype="float64", order="C") + 0.0  # −0 is 0
    values[np.isnan(values)] = np.nan
    return values


def _together(parts: list[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()

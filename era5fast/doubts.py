"""What is allowed and most likely not meant: numbers in other units than the data have, parts of one for percent."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from . import units
from .errors import InputError, tell
from .field import Field

__all__ = ["say_if_fraction", "say_if_in_degrees"]

#: Numbers that are degrees Celsius and no temperatures of the Earth in K; fewer may be those of a departure.
_DEGREES = (12.0, 100.0)

#: Values of a series that are looked at.
_LOOKED_AT = 1000


def say_if_in_degrees(value: Any, field: Field, what: str) -> None:
    """Warn of a plain number that is degrees Celsius by all that is known, where the data are in K.

    Parameters
    ----------
    value : any
        What the user gave as a threshold of the data; all but one plain number is fine.
    field : Field
        The data.
    what : str
        What the threshold is called in the message.
    """
    if not isinstance(value, Real) or not _DEGREES[0] <= abs(float(value)) < _DEGREES[1]:
        return
    unit = units.of(field.attrs)
    if unit is None or field.is_difference() or not _is_kelvin(unit) or _has_less(field):
        return
    text = f"{float(value):g}"
    tell(f"{what} is {text} {unit}, as the data are; for degrees Celsius write '{text} degC'")


def say_if_fraction(percentile: Any, what: str) -> None:
    """Warn of percentiles between 0 and 1, which are most likely meant as parts of one.

    Parameters
    ----------
    percentile : any
        What the user gave: one number, or several.
    what : str
        The function that takes it, for the message.
    """
    numbers = percentile if isinstance(percentile, list | tuple) else [percentile]
    fractions = [float(number) for number in numbers if isinstance(number, Real) and 0 < float(number) < 1]
    if fractions:
        text, meant = f"{fractions[0]:g}", f"{100 * fractions[0]:.6g}"
        tell(f"{what}: percentile is {text}, of 100; for the {meant}th percentile write {meant}")


def _is_kelvin(unit: str) -> bool:
    try:
        return units.factor(unit, "K") == (1.0, 0.0)
    except InputError:
        return False


def _has_less(field: Field) -> bool:
    """Whether the data hold values near 0, as departures do; of files and what dask computes nobody has looked."""
    if not isinstance(field.source, np.ndarray) or field.source.dtype.kind not in "fiu":
        return False
    if not any(field.source.strides):  # the outline of a lazy field
        return False
    some = field.source[:: max(1, len(field.source) // _LOOKED_AT)]
    some = some.reshape(len(some), -1)[:, :1] if some.size else some  # one cell
    return bool((np.abs(some) < _DEGREES[1]).any())

"""JSON that is the same for the same content."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from .errors import InputError
from .wording import named

__all__ = ["canonical", "plain"]


def _plain(value: Any) -> Any:
    """What JSON does not know by itself: numbers and arrays of NumPy, dates."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    raise TypeError(f"{named(value)} is none of them")


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
).encode


def canonical(value: Any) -> str:
    """Text of a request or a definition: equal texts for equal content.

    Parameters
    ----------
    value : object
        Texts, numbers, dates, None, and lists and dictionaries of them; numbers and arrays of NumPy as well.

    Raises
    ------
    InputError
        If there is anything else in it, or a number that is none.
    """
    try:
        text = _encode(value)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"this holds more than texts, numbers, dates and lists of them: {error}") from error
    return text


def plain(value: Any) -> Any:
    """The same content without arrays, tuples and dates, as a reader of :func:`canonical` gets it."""
    return json.loads(canonical(value))

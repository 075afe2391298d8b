"""Conditions on columns, the same for a catalogue and a database: a value, some values, a range, what is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from typing import Any, NamedTuple

import numpy as np

from .errors import InputError

__all__ = [
    "CATEGORIES",
    "LATEST",
    "Condition",
    "category_of",
    "check_order",
    "condition",
    "day",
    "iso",
    "meeting",
    "plain_wanted",
    "plain_where",
    "storable",
]

#: Names of the categories of Hobday et al. (2018), from 1.
CATEGORIES = ("moderate", "strong", "severe", "extreme")

#: Sorts behind whatever goes on after the beginning of a date.
LATEST = "~"


class Condition(NamedTuple):
    """What a column must be; missing, where neither values nor ends are given.

    Attributes
    ----------
    values : list, optional
        It is one of these.
    ends : (lowest, highest), optional
        It lies between these, both included; None where there is no limit.
    begins : bool
        The values are beginnings of dates.
    """

    values: list[Any] | None = None
    ends: tuple[Any, Any] | None = None
    begins: bool = False


class _Moment(str):
    """A date that came as one, as ISO text."""

    __slots__ = ()


# --- what users write, as plain values ---


def plain_where(where: Any) -> dict[Any, Any]:
    """Conditions on columns, by their names."""
    if not isinstance(where, Mapping):
        raise InputError(f"where is {where!r}", hint='write where={"duration_days": (5, None)}')
    return {name: plain_wanted(name, wanted) for name, wanted in where.items()}


def check_order(start: str | None, end: str | None) -> None:
    """Refuse an end before the start; both as :func:`day` gives them."""
    if start is not None and end is not None and start > end + LATEST:
        raise InputError(f"start is {start}, which is after the end, {end}", hint="exchange the two")


def plain_wanted(name: str, wanted: Any) -> Any:
    """What a column is compared with: None, a value, a list of them, or a pair."""
    if wanted is None:
        return None
    if isinstance(wanted, tuple):
        if len(wanted) != 2 or wanted == (None, None):
            raise InputError(f"{name} is {wanted!r}", hint="a range is a pair; None leaves one end open")
        return tuple(None if end is None else _value(name, end) for end in wanted)
    if isinstance(wanted, list | set | frozenset | np.ndarray):
        return [_value(name, value) for value in wanted]
    return _value(name, wanted)


def _value(name: str, value: Any) -> Any:
    """A value as SQLite compares it."""
    if isinstance(value, np.datetime64) or hasattr(value, "isoformat"):
        return _moment(name, value)
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        return storable(str(value), name)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value) if abs(value) < 2**1023 else math.inf if value > 0 else -math.inf
    if isinstance(value, bool | int) or (isinstance(value, float) and value == value):
        return value
    raise InputError(f"{name} is compared with {value!r}", hint="values are numbers, texts and dates")


def _moment(name: str, value: Any) -> _Moment:
    """A date without what is zero behind its seconds, so that it begins like what is stored."""
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(UTC)
    text = str(value.astype("datetime64[ms]")) if isinstance(value, np.datetime64) else str(value.isoformat())
    if text in ("NaT", "nan"):
        raise InputError(f"{name} is compared with {value!r}", hint="values are numbers, texts and dates")
    return _Moment(text.removesuffix("Z").removesuffix("+00:00").removesuffix(".000"))


def storable(text: str, what: str) -> str:
    """A text that can be stored in UTF-8.

    Raises
    ------
    InputError
        If it holds half a character.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{what} is {text!r}, which is no text: {error.reason}") from error
    return text


# --- what a column of a type can be compared with ---

#: Declared type → what such a column holds. Columns of other types are somebody's own.
_HOLDS = {
    "INTEGER": "numbers",
    "DOUBLE": "numbers",
    "BOOLEAN": "True or False",
    "TEXT": "texts",
    "DATETIME": "dates",
}


def condition(name: str, kind: str, wanted: Any) -> Condition:
    """The condition that a column of a declared type meets a wish of :func:`plain_wanted`.

    Raises
    ------
    InputError
        If such a column never does: a text where there are numbers, a range whose ends are exchanged.
    """
    if wanted is None:
        return Condition()
    if not isinstance(wanted, tuple):
        values = [_fitting(name, kind, value) for value in (wanted if isinstance(wanted, list) else [wanted])]
        return Condition(values, begins=kind == "DATETIME")
    low, high = (None if end is None else _fitting(name, kind, end) for end in wanted)
    if high is not None and kind == "DATETIME":
        high += LATEST
    if low is not None and high is not None and isinstance(low, str) == isinstance(high, str) and low > high:
        raise InputError(f"{name} is {wanted!r}, which nothing can be", hint="a range begins with its lowest value")
    return Condition(ends=(low, high))


def _fitting(name: str, kind: str, value: Any) -> Any:
    """A value that a column of the type may have."""
    if name == "category" and isinstance(value, str):
        return category_of(value)
    if kind not in _HOLDS:
        return str(value) if isinstance(value, _Moment) else value
    if isinstance(value, str) != (kind in ("TEXT", "DATETIME")):
        hint = "a range is a pair, such as (5, None); a list means one of its values"
        raise InputError(f"{name} holds {_HOLDS[kind]}, and is compared with {value!r}", hint=hint)
    if kind == "DATETIME":
        day(value)
        return str(value).replace(" ", "T").removesuffix("Z").removesuffix(".000")
    return value[: len("2003-06-15")] if isinstance(value, _Moment) else value


def category_of(category: Any) -> int:
    """The number of a category, from its number or its name."""
    known = category in CATEGORIES if isinstance(category, str) else category in range(1, len(CATEGORIES) + 1)
    if not known:
        raise InputError(f"no category is called {category!r}", hint=f"they are 1 to 4, or {', '.join(CATEGORIES)}")
    return CATEGORIES.index(category) + 1 if isinstance(category, str) else int(category)


# --- conditions on arrays ---


def iso(times: np.ndarray) -> np.ndarray:
    """Times of any calendar as ISO text; what is missing is empty."""
    if times.dtype.kind != "M":
        return np.array([time.isoformat() for time in times], dtype="U")
    return np.where(np.isnat(times), "", np.datetime_as_string(times, "s"))


def meeting(values: np.ndarray, asked: Condition) -> np.ndarray:
    """Which numbers, flags or texts meet a condition; what is missing, NaN or empty, only that it is missing."""
    there = ~np.isnan(values) if values.dtype.kind == "f" else values != "" if values.dtype.kind == "U" else True
    keep: np.ndarray = np.ones(len(values), dtype=bool) & there
    if asked.ends is not None:
        low, high = asked.ends
        keep &= True if low is None else values >= low
        keep &= True if high is None else values <= high
    elif asked.values is None:
        return ~keep
    elif asked.begins:
        keep &= np.array([text.startswith(tuple(asked.values)) for text in values.tolist()], dtype=bool)
    else:
        keep &= np.isin(values, asked.values)
    return keep


# --- dates ---

_DAY = re.compile(r"(\d{4}(?:-(\d\d)(?:-(\d\d))?)?)(?:[T ].*)?", re.ASCII)
#: Days of each month on the calendar that gives it the most.
_LONGEST = (31, 30, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def day(date: Any) -> str:
    """Year, month or day as the beginning of an ISO date; the day is one of any calendar."""
    match = _DAY.fullmatch(str(date))
    month, number = (1, 1) if match is None else (int(match[2] or 1), int(match[3] or 1))
    if match is None or not 1 <= month <= 12 or not 1 <= number <= _LONGEST[month - 1]:
        raise InputError(f"not a date: {date!r}", hint='write "2003-06-15", "2003-06" or "2003"')
    return match[1]

"""Other spellings of a request: the keys of the service's web form and MARS keywords, in the words of `Request`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any

from .errors import InputError

__all__ = ["respelled", "whole_numbers"]

#: Key of the web form or of MARS → argument of :class:`era5fast.Request`.
_ARGUMENTS = {
    "year": "years",
    "month": "months",
    "day": "days",
    "time": "hours",
    "date": "dates",
    "pressure_level": "levels",
    "model_level": "levels",
    "format": "data_format",
    "param": "variable",
    "levelist": "levels",
    "levtype": "level_type",
}
#: Keys that say what is so in any case, with the values that they may have.
_SAID = {"download_format": ("unarchived", "zip"), "class": ("ea",)}
_FORMATS = {"netcdf4": "netcdf", "nc": "netcdf", "netcdf.zip": "netcdf", "grb": "grib", "grib2": "grib"}
_RANGE = re.compile(r"(\d+)(?:-|/to/)(\d+)(?:/by/(\d+))?", re.IGNORECASE)


def respelled(given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as :class:`era5fast.Request` has them, of what was written in any spelling.

    Parameters
    ----------
    given : mapping
        Keys and values; those of the web form and of MARS are translated, all others stay. None is as if a key were
        not there.

    Raises
    ------
    InputError
        If two keys say the same, or a key says what cannot be had.
    """
    found: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for key, value in given.items():
        if value is None:
            continue
        if key in _SAID:
            _check_said(key, value)
            continue
        name = _ARGUMENTS.get(key, key)
        if name in found:
            raise InputError(f"'{spelled[name]}' and '{key}' say the same", hint=f"give '{name}' once")
        found[name], spelled[name] = _READERS.get(name, _as_it_is)(value), key
    return found


def _check_said(key: str, value: Any) -> None:
    text = _single(value)
    if text not in _SAID[key]:
        raise InputError(f"{key} is {' or '.join(_SAID[key])}, not {value!r}", hint=f"leave {key} out")


def _as_it_is(value: Any) -> Any:
    return value


def _single(value: Any) -> Any:
    """The one value of a list, as the web form writes single values."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _format(value: Any) -> Any:
    text = _single(value)
    return _FORMATS.get(text, text) if isinstance(text, str) else text


def _slashed(value: Any) -> Any:
    """A list that MARS writes as one text."""
    return value.split("/") if isinstance(value, str) and "/" in value else value


_READERS = {"data_format": _format, "area": _slashed, "grid": _slashed, "variable": _slashed, "level_type": _single}


def whole_numbers(what: str, values: Any) -> list[int]:
    """Numbers behind one, a list, or texts: ``"06"``, ``"2000-2010"``, ``"1/to/31"``, ``"0/to/18/by/6"``, ``"1/3"``.

    Raises
    ------
    InputError
        If there is anything else; `what` names it.
    """
    try:
        items = [values] if isinstance(values, str | Integral) else list(values)
        return sorted({number for item in items for number in _numbers_of(item)})
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what} are whole numbers, not {values!r}", hint="ranges are written 2000-2010 or 1/to/31"
        ) from error


def _numbers_of(item: Any) -> list[int]:
    text = str(item).strip()
    span = _RANGE.fullmatch(text)
    if span is None:
        return [int(part) for part in text.split("/")]
    first, last, step = int(span[1]), int(span[2]), int(span[3] or 1)
    if last < first or step < 1 or last - first > 10_000:
        raise ValueError(text)
    return list(range(first, last + 1, step))

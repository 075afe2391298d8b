"""Slips of the pen in plain requests: keys and names that the service hardly knows, with what was probably meant.

A plain request goes to the service as it is: what that accepts is its own affair, and changes. So nothing is refused
or mended here; what is told are probable mistakes only.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from .dataset_table import DATASETS, Dataset
from .variable_table import Row, matches, table
from .wording import did_you_mean

__all__ = ["dataset_with", "slips"]

_SHARED = (
    "product_type",
    "variable",
    "year",
    "month",
    "day",
    "time",
    "date",
    "area",
    "grid",
    "format",
    "data_format",
)
_OTHERS = ("download_format", "pressure_level", "number")


def slips(dataset: str, inputs: Mapping[str, Any]) -> list[str]:
    """What is probably wrong in a request, one sentence each.

    Parameters
    ----------
    dataset : str
        Dataset of the service; requests for the archive, in MARS keywords, and for datasets that are not in the table
        are not judged.
    inputs : mapping
        The request.
    """
    row = DATASETS.get(dataset)
    if row is None or row.family == "archive":
        return []
    keys = (*_SHARED, *_OTHERS, *row.keys)
    found = [_key(row, str(key).strip(), keys) for key in inputs]
    given = inputs.get("variable", ())
    names = given if isinstance(given, list | tuple) else [given]
    found += [_variable(row, str(name).strip()) for name in names]
    found += [_value(key, inputs[key], pattern, form) for key, (pattern, form) in _FORMS.items() if key in inputs]
    return [text for text in found if text]


#: How values of a key are written: what matches all of them, and a few of them in words.
_FORMS = {
    "year": (r"(19[4-9]|20\d)\d", "1940 to this year"),
    "month": (r"0?[1-9]|1[0-2]", "01 to 12"),
    "day": (r"0?[1-9]|[12]\d|3[01]", "01 to 31"),
    "time": (r"([01]?\d|2[0-3])(:00)?(:00)?", "00:00 to 23:00"),
}


def _value(key: str, given: Any, pattern: str, form: str) -> str:
    """What is wrong with the first value that is nothing of its kind; ranges are not judged."""
    for value in given if isinstance(given, list | tuple) else [given]:
        text = str(value).strip()
        if not re.fullmatch(pattern, text) and "/" not in text and "-" not in text:
            return f"{key} {text!r:.40} is probably wrong: {form}"
    return ""


def _key(row: Dataset, key: str, keys: tuple[str, ...]) -> str:
    """Keys that begin with an underscore are those of whoever asks; the service takes them."""
    hint = "" if key in keys or key.startswith("_") else did_you_mean(key, keys)
    return f"key '{key}' is probably none of {row.name}: {hint}" if hint else ""


def _variable(row: Dataset, name: str) -> str:
    names = _offered(row.name)
    if name in names:
        return ""
    meant = [variable.request for variable in matches(name) if variable.request in names]
    elsewhere = "" if meant else next(filter(None, (dataset_with(row, v) for v in matches(name))), "")
    if meant:
        hint = f"the service calls it '{meant[0]}'"
    else:
        hint = f"it is in {elsewhere}" if elsewhere else did_you_mean(name, names)
    return f"variable '{name}' is probably none of {row.name}: {hint}" if hint else ""


@functools.cache
def _offered(dataset: str) -> frozenset[str]:
    """Names in requests of the variables of a dataset."""
    return frozenset(variable.request for variable in table() if _has(DATASETS[dataset], variable))


def _has(row: Dataset, variable: Row) -> bool:
    held = row.reanalysis in variable.reanalyses.split() and row.level in variable.level.split()
    return held and variable.request != ""


def dataset_with(row: Dataset, variable: Row) -> str:
    """The dataset that is like another one, but has a variable on its other kind of level; "" where there is none."""
    others = (one for one in DATASETS.values() if (one.family, one.reanalysis) == (row.family, row.reanalysis))
    return next((one.name for one in others if one.level != row.level and _has(one, variable)), "")

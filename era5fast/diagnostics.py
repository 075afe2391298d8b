"""The diagnostics: one function per row of the core's table.

Nothing here is written by hand for one diagnostic. The row gives name, operands, parameters, defaults and texts; the
kind of the kernel decides how it is called. ``python -m era5fast.diagnostics`` prints the type stub.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import tempfile
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

from . import _core
from .errors import InputError
from .field import Field, as_field, as_maps, check_maps, on_grid, plain
from .memory import memory_budget
from .progress import Progress
from .times import dates_of, days_of, encode_times
from .variable_table import find as find_variable

__all__ = [row["name"] for row in _core.kernels()]

#: Attribute that carries the definition of a result from one diagnostic to the next, and into the database.
DEFINITION = "era5fast_definition"


# --- running a row ---


def _run_scan(row: dict[str, Any], given: dict[str, Any]) -> Any:
    field = _field(given)
    rule, offset = _GROUPINGS[row["grouping"]](row, given, field)
    values = [given[p["name"]] for p in row["params"]]
    with Progress(row["name"], given["progress"]) as progress, field.reading():
        out, start = _core.scan(
            row["name"], values, field.source, field.seconds, field.calendar, rule, offset, progress
        )
    time = encode_times(start, field.calendar)
    return field.wrap(out, ("time", time), _attributes(row, given, field))


def _group_by_day(row: dict[str, Any], given: dict[str, Any], field: Field) -> tuple[int, int]:
    choices = row["grouping_params"][0]["choices"].split()[1:]
    hours = given["hours"]
    if hours == "auto":
        variable = find_variable(field.name) if field.name else None
        hours = variable.hours if variable is not None else "instant"
        given["hours"] = hours
    if hours not in choices:
        raise InputError(f"{row['name']}: hours must be one of: auto {' '.join(choices)}")
    offset, spec = given["utc_offset"], row["grouping_params"][1]
    if not (isinstance(offset, Real) and spec["low"] <= offset <= spec["high"]):
        raise InputError(
            f"{row['name']}: utc_offset must be {spec['low']:g} to {spec['high']:g} hours, not {offset!r}"
        )
    return choices.index(hours), round(offset * 3600)


def _group_by_frequency(row: dict[str, Any], given: dict[str, Any], field: Field) -> tuple[int, int]:
    # The core counts frequencies as month, year, whole series.
    rules = {"MS": 0, "YS": 1, "all": 2}
    if given["freq"] not in rules:
        raise InputError(f"{row['name']}: freq must be one of: {row['grouping_params'][0]['choices']}")
    return rules[given["freq"]], 0


_GROUPINGS: dict[str, Callable[..., tuple[int, int]]] = {"day": _group_by_day, "frequency": _group_by_frequency}


def _run_series(row: dict[str, Any], given: dict[str, Any]) -> Any:
    field = _field(given)
    values = [given[p["name"]] for p in row["params"]]
    _warn_of_short_base(given.get("base_period"), field)
    with Progress(row["name"], given["progress"]) as progress, field.reading():
        out = _core.sweep(
            row["name"],
            values,
            field.source,
            field.seconds,
            field.calendar,
            memory_budget(),
            tempfile.gettempdir(),
            progress,
        )
    return field.wrap(out, ("dayofyear", np.arange(1, len(out) + 1)), _attributes(row, given, field))


def _warn_of_short_base(base_period: Any, field: Field) -> None:
    """Say it when the series does not cover the base period: thresholds then rest on fewer years than asked for."""
    if not isinstance(base_period, tuple | list) or len(base_period) != 2 or len(field.seconds) == 0:
        return
    first, last = dates_of(field.seconds[[0, -1]], field.calendar)[:, 0]
    wanted = [str(date)[:4] for date in base_period]
    if all(year.isdigit() for year in wanted) and (first > int(wanted[0]) or last < int(wanted[1])):
        message = f"the base period {wanted[0]} to {wanted[1]} is covered from {first} to {last} only"
        warnings.warn(message, stacklevel=4)


def _run_field(row: dict[str, Any], given: dict[str, Any]) -> Any:
    from .events import Events

    given["x"] = as_maps(given["x"])
    field = _field(given)
    latitude, longitude = field.grid()
    check_maps(field)
    values = [given[p["name"]] for p in row["params"]]
    threshold, slots = _threshold(given["above"], field)
    with Progress(row["name"], given["progress"]) as progress:
        core = _core.field(
            row["name"],
            values,
            field.values(progress),
            threshold,
            slots,
            field.seconds,
            latitude,
            longitude,
            field.calendar,
            progress,
        )
    return Events(
        core, definition=_definition(row, given, field), name=field.name, attrs=field.attrs, paths=field.paths
    )


_RUNNERS = {"scan": _run_scan, "series": _run_series, "field": _run_field}


def _field(given: dict[str, Any]) -> Field:
    extra = {key: given[key] for key in ("time", "latitude", "longitude", "calendar", "variable")}
    return as_field(given["x"], **extra)


def _threshold(above: Any, field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Threshold as (slots, rows, columns), and the slot of each time step."""
    shape = tuple(len(axis) for axis in field.grid())
    if hasattr(above, "dims"):
        _check_units(above, field)
        above = on_grid(above, field, "dayofyear")
    try:
        values = np.asarray(plain(above), dtype="float64")
    except (TypeError, ValueError) as error:
        raise InputError("the threshold is no number and no array of numbers") from error
    if above is None or values.shape not in ((), shape, (*values.shape[:1], *shape)):
        raise InputError(
            f"a threshold of shape {values.shape} for cells of shape {shape}",
            hint="it is one number, one per cell, or one per cell and day of the year",
        )
    if values.ndim < 3:
        values = np.broadcast_to(values, shape)[np.newaxis]
    if len(values) == 1:
        return values, np.zeros(len(field.seconds), dtype="int32")
    return values, _core.slots(days_of(field.seconds), field.calendar, len(values))


def _check_units(above: Any, field: Field) -> None:
    ours, others = field.attrs.get("units"), above.attrs.get("units")
    if ours is not None and others is not None and ours != others:
        raise InputError(f"the threshold is in {others}, the data in {ours}", hint="bring both to the same units")


# --- what a result says about itself ---


def _definition(row: dict[str, Any], given: dict[str, Any], field: Field) -> dict[str, Any]:
    """Name and parameters of a diagnostic, and the definitions of what went into it."""
    names = [p["name"] for p in row["params"] + row["grouping_params"]]
    definition: dict[str, Any] = {"diagnostic": row["name"], **{name: _plain(given[name]) for name in names}}
    definition["x"] = json.loads(field.attrs[DEFINITION]) if DEFINITION in field.attrs else field.name
    if "above" in given:
        definition["above"] = _threshold_definition(given["above"])
    return definition


def _threshold_definition(above: Any) -> Any:
    """How a threshold was made; where nobody knows, its content stands for it."""
    attrs = getattr(above, "attrs", {})
    if DEFINITION in attrs:
        return json.loads(attrs[DEFINITION])
    values = np.ascontiguousarray(above, dtype="float64")
    return values.item() if values.size == 1 else {"sha256": hashlib.sha256(values.tobytes()).hexdigest()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return (
        value.item() if isinstance(value, np.generic) else value if isinstance(value, int | float) else _text(value)
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _attributes(row: dict[str, Any], given: dict[str, Any], field: Field) -> dict[str, Any]:
    """CF attributes of a result."""
    keep = ("standard_name", "units")
    attrs = {key: field.attrs[key] for key in keep if field.attrs.get(key, "unknown") != "unknown"}
    long_name = field.attrs.get("long_name", field.name)
    attrs["long_name"] = f"{row['summary'].rstrip('.')}: {long_name}" if long_name else row["summary"].rstrip(".")
    if row["cell_methods"]:
        attrs["cell_methods"] = row["cell_methods"].format(statistic=_cf_method(given.get("statistic")))
    attrs[DEFINITION] = json.dumps(_definition(row, given, field), sort_keys=True)
    return attrs


def _cf_method(statistic: Any) -> Any:
    return {"max": "maximum", "min": "minimum"}.get(statistic, statistic)


# --- making functions from rows ---

#: Parameters that every diagnostic has: name, default, type, documentation.
_COMMON: list[tuple[str, Any, str, str]] = [
    ("time", None, "array of datetime64 or cftime dates, optional", "Times of a plain array, one per step."),
    ("latitude", None, "array, optional", "Latitudes of a plain array."),
    ("longitude", None, "array, optional", "Longitudes of a plain array."),
    ("calendar", None, "str, optional", "CF calendar of plain ``datetime64`` times."),
    ("variable", None, "str, optional", "Variable to take, when `x` names files that hold several."),
    ("progress", True, "bool", "Show a progress bar on terminals and in notebooks."),
]

_TYPES = {
    "integer": "int",
    "number": "float",
    "choice": "str",
    "flag": "bool",
    "period": "tuple of two dates, optional",
}


def _signature(row: dict[str, Any]) -> inspect.Signature:
    kind = inspect.Parameter
    parameters = [kind(o["name"], kind.POSITIONAL_OR_KEYWORD) for o in row["operands"]]
    for spec in row["params"] + row["grouping_params"]:
        default = kind.empty if spec["default"] is None else ast.literal_eval(spec["default"])
        parameters.append(kind(spec["name"], kind.POSITIONAL_OR_KEYWORD, default=default))
    parameters += [kind(name, kind.KEYWORD_ONLY, default=default) for name, default, _, _ in _COMMON]
    return inspect.Signature(parameters)


def _param_lines(spec: dict[str, Any]) -> list[str]:
    kind = "{" + ", ".join(spec["choices"].split()) + "}" if spec["choices"] else _TYPES[spec["type"]]
    default = "" if spec["default"] in (None, "None") else f", default {spec['default'].strip(chr(39))}"
    return [f"{spec['name']} : {kind}{default}", f"    {spec['doc']}"]


def _docstring(row: dict[str, Any]) -> str:
    lines = [row["summary"], "", "Parameters", "----------"]
    for operand in row["operands"]:
        kind = "DataArray, ndarray or paths" if operand["name"] == "x" else "float, DataArray or ndarray"
        lines += [f"{operand['name']} : {kind} ({', '.join(operand['dims'].split())})", f"    {operand['doc']}"]
    for spec in row["params"] + row["grouping_params"]:
        lines += _param_lines(spec)
    for name, _, kind, doc in _COMMON:
        lines += [f"{name} : {kind}", f"    {doc}"]
    returns = "Events" if row["kind"] == "field" else "DataArray or ndarray, as `x`"
    lines += ["", "Returns", "-------", returns, f"    {row['result']}"]
    lines += [
        "",
        "Raises",
        "------",
        "InputError",
        "    If a parameter is out of range, or times or axes do not fit.",
    ]
    lines += ["", "Notes", "-----", *row["notes"].splitlines()]
    lines += ["", "References", "----------", row["references"], ""]
    return "\n".join(lines)


def _make_function(row: dict[str, Any]) -> Callable[..., Any]:
    signature = _signature(row)
    runner = _RUNNERS[row["kind"]]

    def function(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return runner(row, dict(bound.arguments))

    function.__name__ = function.__qualname__ = row["name"]
    function.__doc__ = _docstring(row)
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


globals().update({row["name"]: _make_function(row) for row in _core.kernels()})


# --- the type stub ---


def _stub_line(row: dict[str, Any]) -> str:
    types = {"integer": "int", "number": "float", "flag": "bool", "period": "tuple[str | int, str | int] | None"}
    parts = [f"{o['name']}: Any" for o in row["operands"]]
    for spec in row["params"] + row["grouping_params"]:
        words = (spec["choices"] or "").split()
        kind = types.get(spec["type"]) or "Literal[" + ", ".join(_literal(word) for word in words) + "]"
        parts.append(f"{spec['name']}: {kind}" + (" = ..." if spec["default"] is not None else ""))
    parts.append("*")
    annotations = {"progress": "bool", "calendar": "str | None", "variable": "str | None"}
    parts += [f"{name}: {annotations.get(name, 'Any')} = ..." for name, _, _, _ in _COMMON]
    result = "Events" if row["kind"] == "field" else "Any"
    return f"def {row['name']}(\n    " + ",\n    ".join(parts) + f",\n) -> {result}: ..."


def _literal(word: str) -> str:
    return word if word.isdigit() else f'"{word}"'


def stub() -> str:
    """Text of ``diagnostics.pyi``: the functions of this module for type checkers and editors."""
    head = ["from typing import Any, Literal", "", "from .events import Events", "", "DEFINITION: str", ""]
    return "\n".join([*head, "def stub() -> str: ...", *(_stub_line(row) for row in _core.kernels())]) + "\n"


if __name__ == "__main__":
    print(stub(), end="")

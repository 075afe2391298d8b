"""Diagnostics of single values: heat index, wind chill, UTCI, humidity, wind.

Every row of the core's table that makes a value from values is a NumPy ufunc (:func:`ufunc`). The functions here put
units and labels around it: NumPy in → NumPy out, ``xarray`` in → ``xarray`` out in the units of the first operand,
dask in → lazy out. ``python -m era5fast.pointwise`` prints the type stub.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import _core, units
from .batches import elementwise
from .errors import InputError
from .field import one_variable, plain
from .operands import bind

_ROWS = {row["name"]: row for row in _core.kernels() if row["kind"] == "pointwise"}

__all__ = [*_ROWS, "ufunc"]

#: Attribute that carries the definition of a result into the database.
_DEFINITION = "era5fast_definition"

#: Humidity that a function accepts in place of the one of its row: what it is given as, and in which units.
_INSTEAD = {
    "relative_humidity": {"dewpoint": "K"},
    "dewpoint": {"relative_humidity": "%"},
    "vapour_pressure": {"dewpoint": "K", "relative_humidity": "%"},
}
#: Rows that turn one humidity into another, and so take no other.
_CONVERSIONS = ("saturation_vapour_pressure", "vapour_pressure", "relative_humidity", "dewpoint")


@functools.cache
def ufunc(name: str, choice: str | None = None) -> np.ufunc:
    """NumPy ufunc behind one of the functions, for ``out=``, ``where=`` and code that works on plain arrays.

    Parameters
    ----------
    name : str
        Name of the function.
    choice : str, optional
        Value of its first parameter, such as the definition; None: the default.

    Returns
    -------
    numpy.ufunc
        With loops for float32 and float64, in the units that the function's docstring names.

    Raises
    ------
    InputError
        If there is no such function or choice.

    Examples
    --------
    >>> round(float(ufunc("heat_index", "nws")(308.15, 50.0)), 2)
    313.83
    """
    if str(name) not in _ROWS:
        raise InputError(f"no function {name!r} of single values", hint=f"there are: {' '.join(_ROWS)}")
    return _core.ufunc(name, _place_of(_ROWS[name], choice))


def _place_of(row: dict[str, Any], choice: str | None) -> int:
    """Place of a choice in the row; 0 for a row without one."""
    if not row["params"]:
        return 0
    spec = row["params"][0]
    choices = spec["choices"].split()
    chosen = ast.literal_eval(spec["default"]) if choice is None else choice
    if str(chosen) not in choices:
        raise InputError(f"{row['name']}: {spec['name']} must be one of: {spec['choices']}")
    return choices.index(chosen)


# --- humidity in its three forms ---


def _formula(name: str, choice: str | None) -> str | None:
    """Saturation formula that belongs to a definition; None: the default."""
    if name == "utci":
        return "its90"
    return "murray67" if choice == "thermofeel" else None


def _fill(name: str, choice: str | None, values: Sequence[Any], given: str) -> list[Any]:
    """Operands with the last humidity made out of the one that was `given` in its place."""
    formula = _formula(name, choice)
    at = _humidity_of(_ROWS[name])
    assert at is not None
    wanted, humidity, filled = _ROWS[name]["operands"][at]["name"], values[at], list(values)
    if wanted == "relative_humidity":
        filled[at] = ufunc("relative_humidity", formula)(values[0], humidity)
    elif wanted == "dewpoint":
        filled[at] = ufunc("dewpoint")(values[0], humidity)
    elif given == "relative_humidity":
        filled[at] = ufunc("vapour_pressure", formula)(values[0], humidity)
    elif choice == "thermofeel":
        relative = ufunc("relative_humidity", "murray67")(values[0], humidity)
        filled[at] = ufunc("vapour_pressure", formula)(values[0], relative)
    else:
        filled[at] = ufunc("saturation_vapour_pressure", formula)(humidity)
    return filled


def _humidity_of(row: dict[str, Any]) -> int | None:
    """Place of the operand that can be given in another form."""
    names = [operand["name"] for operand in row["operands"]]
    found = [i for i, name in enumerate(names) if name in _INSTEAD and row["name"] not in _CONVERSIONS]
    return found[0] if found else None


# --- computing ---


def _compute(
    row: dict[str, Any], choice: str | None, given: str | None, scales: list[tuple[float, float]], *values: Any
) -> Any:
    """Values of a row from values in any units; `scales` brings the operands, and last the result, into theirs."""
    kind = np.float32 if np.result_type(*values) in (np.float32, np.float16) else np.float64
    cast = [value if np.ndim(value) == 0 else value.astype(kind, copy=False) for value in values]
    ready = [_scaled(value, *scale) for value, scale in zip(cast, scales[:-1], strict=True)]
    if given is not None:
        ready = _fill(row["name"], choice, ready, given)
    return _scaled(ufunc(row["name"], choice)(*ready), *scales[-1])


def _scaled(value: Any, scale: float, offset: float) -> Any:
    value = value if scale == 1 else value * scale
    return value if offset == 0 else value + offset


def _run(row: dict[str, Any], arguments: dict[str, Any]) -> Any:
    given, operands = _operands(row, arguments)
    choice = arguments[row["params"][0]["name"]] if row["params"] else None
    _place_of(row, choice)
    values = [value if _is_labelled(value) else _plain(name, value) for name, _, value in operands]
    scales, unit = _scales(row, operands)
    compute = functools.partial(_compute, row, choice, given, scales)
    try:
        if not any(_is_labelled(value) for value in values):
            return compute(*values)
        import xarray as xr

        with xr.set_options(arithmetic_join="exact"):
            result = xr.apply_ufunc(
                compute, *values, dask="parallelized", output_dtypes=[_dtype(values)], join="exact"
            )
    except ValueError as error:  # other shapes, or other coordinates
        raise InputError(f"{row['name']}: operands do not fit each other: {error}") from error
    result.attrs = _attributes(row, choice, unit, operands)
    return result.rename(row["outputs"][0]["name"])


def _dtype(values: list[Any]) -> Any:
    single = np.result_type(*(getattr(value, "dtype", value) for value in values)) in (np.float32, np.float16)
    return np.dtype("float32" if single else "float64")


def _operands(row: dict[str, Any], arguments: dict[str, Any]) -> tuple[str | None, list[tuple[str, str, Any]]]:
    """Humidity given in another form, if one was, and (name, units, value) of all operands."""
    given, found = None, []
    for place, operand in enumerate(row["operands"]):
        ways = {operand["name"]: operand["units"]}
        if place == _humidity_of(row):
            ways |= _INSTEAD[operand["name"]]
        present = [name for name in ways if arguments[name] is not None]
        if len(present) != 1:
            wanted = " or ".join(ways)
            raise InputError(f"{row['name']} needs {wanted}", hint="give one of them" if len(ways) > 1 else None)
        name = present[0]
        if name != operand["name"]:
            given = name
        found.append((name, ways[name], arguments[name]))
    return given, found


def _scales(row: dict[str, Any], operands: list[tuple[str, str, Any]]) -> tuple[list[tuple[float, float]], str]:
    """What brings operands into the units of the row, the result back into those of the first one, and these."""
    scales = [
        units.check(units.of(value.attrs), unit, name) if _is_labelled(value) else (1.0, 0.0)
        for name, unit, value in operands
    ]
    result = row["outputs"][0]["units"]
    if result != "x":
        return [*scales, (1.0, 0.0)], result
    _, unit, first = operands[0]
    own = units.of(first.attrs) if _is_labelled(first) else None
    return [*scales, units.factor(unit, own) if own else (1.0, 0.0)], own or unit


def _is_labelled(value: Any) -> bool:
    return hasattr(value, "dims") and hasattr(value, "coords")


def _plain(name: str, value: Any) -> Any:
    """Return a number, an array or a dask array as NumPy computes with it."""
    if not hasattr(value, "__dask_graph__") and not isinstance(value, int | float):
        value = plain(value)
    if np.result_type(value).kind not in "fiub":
        raise InputError(f"{name} is no number and no array of numbers")
    return value


def _attributes(
    row: dict[str, Any], choice: str | None, unit: str, operands: list[tuple[str, str, Any]]
) -> dict[str, str]:
    definition: dict[str, Any] = {"diagnostic": row["name"]}
    if row["params"]:
        spec = row["params"][0]
        definition[spec["name"]] = ast.literal_eval(spec["default"]) if choice is None else choice
    for name, _, value in operands:
        attrs = value.attrs if _is_labelled(value) else {}
        own = str(value.name) if getattr(value, "name", None) is not None else None
        definition[name] = json.loads(attrs[_DEFINITION]) if _DEFINITION in attrs else own
    text = json.dumps(definition, sort_keys=True)
    return {"units": unit, "long_name": row["outputs"][0]["doc"].rstrip("."), _DEFINITION: text}


# --- making functions from rows ---


def _instead(row: dict[str, Any]) -> dict[str, str]:
    place = _humidity_of(row)
    return {} if place is None else _INSTEAD[row["operands"][place]["name"]]


def _signature(row: dict[str, Any]) -> inspect.Signature:
    kind = inspect.Parameter
    place = _humidity_of(row)
    late = place is not None and [kind.empty] * place + [None] * (len(row["operands"]) - place)
    parameters = [
        kind(operand["name"], kind.POSITIONAL_OR_KEYWORD, default=late[i] if late else kind.empty)
        for i, operand in enumerate(row["operands"])
    ]
    parameters += [
        kind(spec["name"], kind.KEYWORD_ONLY, default=ast.literal_eval(spec["default"])) for spec in row["params"]
    ]
    parameters += [kind(name, kind.KEYWORD_ONLY, default=None) for name in _instead(row)]
    return inspect.Signature(parameters)


def _docstring(row: dict[str, Any]) -> str:
    lines = [row["summary"], "", "Parameters", "----------"]
    for operand in row["operands"]:
        lines += [f"{operand['name']} : array, DataArray or number, in {operand['units']}", f"    {operand['doc']}"]
    for spec in row["params"]:
        default = spec["default"].strip("'")
        choices = ", ".join(spec["choices"].split())
        lines += [f"{spec['name']} : {{{choices}}}, default {default}", f"    {spec['doc']}"]
    for name, unit in _instead(row).items():
        lines += [f"{name} : array, DataArray or number, in {unit}, optional", "    In place of the humidity above."]
    lines += ["", "Returns", "-------", "array or DataArray", f"    {row['result']}"]
    lines += ["", "Raises", "------", "InputError", "    If units are missing or cannot be converted."]
    lines += ["", "Notes", "-----", *row["notes"].splitlines()]
    lines += ["", "Plain arrays and numbers are in the units named above; DataArrays are converted from those that"]
    lines += ["their attributes name. float32 in gives float32 out, computed in double precision."]
    lines += ["", "References", "----------", row["references"], ""]
    return "\n".join(lines)


def _make_function(row: dict[str, Any]) -> Callable[..., Any]:
    signature = _signature(row)

    def function(*args: Any, **kwargs: Any) -> Any:
        given = bind(row["name"], signature, args, kwargs)
        return _run(row, {name: one_variable(value) for name, value in given.items()})

    function.__name__ = function.__qualname__ = row["name"]
    function.__doc__ = _docstring(row)
    function.__module__ = __name__
    function.__signature__ = signature  # type: ignore[attr-defined]
    function.native_batch = elementwise(function)  # type: ignore[attr-defined]
    return function


globals().update({name: _make_function(row) for name, row in _ROWS.items()})


# --- the type stub ---


def _stub_line(row: dict[str, Any]) -> str:
    parts = []
    for name, parameter in _signature(row).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if parameter.default is parameter.empty else " = ..."
        choices = [spec["choices"].split() for spec in row["params"] if spec["name"] == name]
        kind = "Literal[" + ", ".join(f'"{word}"' for word in choices[0]) + "]" if choices else "Any"
        parts.append(f"{name}: {kind}{default}")
    return f"def {row['name']}(\n    " + ",\n    ".join(parts) + ",\n) -> Any: ..."


def stub() -> str:
    """Text of ``pointwise.pyi``: the functions of this module for type checkers and editors."""
    head = ["from typing import Any, Literal", "", "import numpy as np", "", "def stub() -> str: ..."]
    head.append("def ufunc(name: str, choice: str | None = None) -> np.ufunc: ...")
    return "\n".join([*head, *map(_stub_line, _ROWS.values())]) + "\n"


if __name__ == "__main__":
    print(stub(), end="")

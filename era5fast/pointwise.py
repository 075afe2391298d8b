"""Diagnostics of single values: heat index, wind chill, UTCI, humidity, wind.

Every row of the core's table that makes a value from values is a NumPy ufunc (:func:`ufunc`). The functions here put
units and labels around it: NumPy in → NumPy out, ``xarray`` in → ``xarray`` out in the units of the first operand,
dask in → lazy out. ``python -m era5fast.pointwise`` prints the type stub.
"""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import _core, attributes, ufuncs, units
from .batches import elementwise
from .chunked.arrays import check, is_lazy, refuse_expression
from .errors import InputError
from .field import is_quantity, one_variable, plain
from .operands import bind
from .sources import is_paths

_ROWS = {row["name"]: row for row in _core.kernels() if row["kind"] == "pointwise"}

__all__ = [*_ROWS, "ufunc"]

#: Humidity that a function accepts in place of the one of its row: what it is given as, and in which units.
INSTEAD = {
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
        With loops for float32 and float64, in the units that the function's docstring names. It goes through pickle.

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
    return ufuncs.of_row(name, _choice_of(_ROWS[name], choice))


def _choice_of(row: dict[str, Any], choice: str | None) -> str:
    """A choice of the row, or its default; "" for a row without one."""
    if not row["params"]:
        return ""
    spec = row["params"][0]
    chosen = ast.literal_eval(spec["default"]) if choice is None else choice
    if str(chosen) not in ufuncs.choices_of(row):
        raise InputError(f"{row['name']}: {spec['name']} must be one of: {spec['choices']}")
    return str(chosen)


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
    found = [i for i, name in enumerate(names) if name in INSTEAD and row["name"] not in _CONVERSIONS]
    return found[0] if found else None


# --- computing ---


def _compute(
    row: dict[str, Any],
    choice: str | None,
    given: str | None,
    scales: list[tuple[float, float]],
    kind: np.dtype,
    *values: Any,
    out: np.ndarray | None = None,
    where: Any = True,
) -> Any:
    """Values of a row from values in any units; `scales` brings the operands, and last the result, into theirs.

    `kind` is the type in which it is computed: it was decided of all operands, as in a block of dask a number is an
    array.
    """
    cast = [value.astype(kind, copy=False) if hasattr(value, "astype") else kind.type(value) for value in values]
    ready = [_scaled(value, *scale) for value, scale in zip(cast, scales[:-1], strict=True)]
    if given is not None:
        ready = _fill(row["name"], choice, ready, given)
    function = ufunc(row["name"], choice)
    if out is not None:
        return function(*ready, out=out, where=where)
    result = _scaled(function(*ready), *scales[-1])
    return result if where is True else np.where(where, result, kind.type(np.nan))


def _scaled(value: Any, scale: float, offset: float) -> Any:
    value = value if scale == 1 else value * scale
    return value if offset == 0 else value + offset


def _run(row: dict[str, Any], arguments: dict[str, Any]) -> Any:
    given, operands = _operands(row, arguments)
    choice = arguments[row["params"][0]["name"]] if row["params"] else None
    _choice_of(row, choice)
    values = [_labelled(name, value) if _is_labelled(value) else _plain(name, value) for name, _, value in operands]
    scales, unit = _scales(row, operands)
    for (name, _, _), value in zip(operands, values, strict=True):
        if is_lazy(value):
            check(value, name)
    kind = _dtype(values)
    compute = functools.partial(_compute, row, choice, given, scales, kind)
    out, where = arguments["out"], _mask(row, arguments["where"])
    labelled = any(_is_labelled(value) for value in values)
    if labelled and (out is not None or where is not True):
        raise InputError(f"{row['name']}: out= and where= are for plain arrays", hint="result.where(…) is the same")
    try:
        if not labelled:
            return compute(*values, out=out, where=where)
        import xarray as xr

        with xr.set_options(arithmetic_join="exact"):
            result = xr.apply_ufunc(
                compute,
                *values,
                dask="parallelized",
                output_dtypes=[kind],
                join="exact",
                keep_attrs=True,  # those of coordinates
            )
    except (ValueError, TypeError) as error:  # other shapes, or other coordinates; arrays that know no such function
        raise InputError(f"{row['name']}: operands do not fit each other: {error}") from error
    result.attrs = _attributes(row, choice, unit, operands)
    return attributes.tidy_coordinates(result.rename(row["outputs"][0]["name"]))


def _dtype(values: list[Any]) -> np.dtype:
    single = np.result_type(*(getattr(value, "dtype", value) for value in values)) in (np.float32, np.float16)
    return np.dtype("float32" if single else "float64")


def _operands(row: dict[str, Any], arguments: dict[str, Any]) -> tuple[str | None, list[tuple[str, str, Any]]]:
    """Humidity given in another form, if one was, and (name, units, value) of all operands."""
    given, found = None, []
    for place, operand in enumerate(row["operands"]):
        ways = {operand["name"]: operand["units"]}
        if place == _humidity_of(row):
            ways |= INSTEAD[operand["name"]]
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


def _labelled(name: str, value: Any) -> Any:
    """Return a DataArray of numbers as it is; a lazy one is checked with its chunks."""
    if value.dtype.kind not in "fiub" and not is_lazy(value):
        raise InputError(f"{name} is no number and no array of numbers")
    return refuse_expression(value)


def _plain(name: str, value: Any) -> Any:
    """Return a number or an array as NumPy computes with it; arrays of others that follow its protocols stay."""
    given = value
    if is_quantity(value) or (not _is_duck(value) and not isinstance(value, int | float)):
        value = plain(value)
    if np.result_type(value).kind not in "fiub":
        hint = "era5fast.open_dataset(path) opens files; pass a variable of it" if is_paths(given) else ""
        raise InputError(f"{name} is no number and no array of numbers", hint=hint)
    return value


def _mask(row: dict[str, Any], where: Any) -> Any:
    """Where to compute, as NumPy wants it."""
    mask = where if where is True or _is_duck(where) or _is_labelled(where) else np.asarray(where)
    if np.result_type(mask) != np.dtype(bool):
        raise InputError(f"{row['name']}: where is True or an array of bool")
    return mask


def _is_duck(value: Any) -> bool:
    """Whether NumPy gives its functions to the array, as to those of dask: it then computes in its own way."""
    kind = type(value)
    protocols = (getattr(kind, "__array_ufunc__", None), getattr(kind, "__array_function__", None))
    return None not in protocols and not isinstance(value, np.ndarray)


def _attributes(
    row: dict[str, Any], choice: str | None, unit: str, operands: list[tuple[str, str, Any]]
) -> dict[str, Any]:
    definition: dict[str, Any] = {"diagnostic": row["name"]}
    if row["params"]:
        spec = row["params"][0]
        definition[spec["name"]] = ast.literal_eval(spec["default"]) if choice is None else choice
    given = {name: value.attrs for name, _, value in operands if _is_labelled(value)}
    for name, _, value in operands:
        definition[name] = attributes.made_by(given.get(name, {}), getattr(value, "name", None))
    output = row["outputs"][0]
    return attributes.of_result(
        output["doc"].rstrip("."),
        unit,
        inputs=given.values(),
        standard_name=output["standard_name"],
        cell_methods=_points(given.values()),
        definition=definition,
    )


def _points(given: Iterable[dict[Any, Any]]) -> str:
    """Cell methods of a value made of values: of points it is one too, of means it is no mean."""
    methods = {str(attrs.get("cell_methods", "")) for attrs in given}
    same = methods.pop() if len(methods) == 1 else ""
    return same if same.endswith(": point") else ""


# --- making functions from rows ---


def _instead(row: dict[str, Any]) -> dict[str, str]:
    place = _humidity_of(row)
    return {} if place is None else INSTEAD[row["operands"][place]["name"]]


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
    parameters += [kind("out", kind.KEYWORD_ONLY, default=None), kind("where", kind.KEYWORD_ONLY, default=True)]
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
    lines += [
        "out : array, optional",
        "    Array of the shape of the result to write into, and to return; of plain arrays.",
    ]
    lines += [
        "where : array of bool, default True",
        "    Where to compute, of plain arrays; elsewhere it is NaN, or what `out` holds.",
    ]
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
    head.insert(4, "INSTEAD: dict[str, dict[str, str]]")
    head.insert(4, "__all__ = [" + ", ".join(f'"{name}"' for name in __all__) + "]")
    return "\n".join([*head, *map(_stub_line, _ROWS.values())]) + "\n"


if __name__ == "__main__":
    print(stub(), end="")

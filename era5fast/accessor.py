"""The whole package on data of xarray: ``ds.era5fast.daily("t2m", "max").era5fast.tx90p(base_period=…)``.

Every function that works on data is a method, made of the function and its signature: nothing is written for one of
them. The first operand is the DataArray itself; of a Dataset operands are names of variables, and those that are
usually called something are found as :func:`era5fast.etccdi` finds them.

Nothing else of the package is loaded before a method is asked for: xarray brings this module along with it.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

__all__ = ["DataArrayAccessor", "DatasetAccessor", "register"]

#: Modules, and which of their functions work on data; all of them where none are named.
_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "diagnostics": (),
    "indices": (),
    "pointwise": (),
    "blocking": (),
    "compound": (),
    "drought": (),
    "fire": (),
    "heatwave_kinds": (),
    "labelled_masks": (),
    "labels": (),
    "lows": (),
    "points": ("sample",),
    "rasters": (),
    "regions": ("regional",),
    "resampling": (),
    "spell_table": (),
    "stations": (),
    "storms": (),
    "units": ("convert_units",),
}
_PLOTS = {"plot": ("event_line", "hovmoeller")}

#: What only plain arrays and files need, and the default by which it is known from what is called the same elsewhere.
_OF_PLAIN = {**dict.fromkeys(("time", "latitude", "longitude", "calendar", "variable", "out")), "where": True}
#: First operands that may be many variables: a Dataset goes in as it is.
_WHOLE = ("data", "series")
#: What operands are called in data sets, beside their own names and what the indices know.
_CALLED = {
    "temperature": ("t2m", "2t", "2m_temperature", "tas"),
    "dewpoint": ("d2m", "2d", "2m_dewpoint_temperature", "tdps"),
    "relative_humidity": ("hurs", "r2", "rh"),
    "u": ("u10", "10u", "10m_u_component_of_wind", "uas"),
    "v": ("v10", "10v", "10m_v_component_of_wind", "vas"),
    "sst": ("sea_surface_temperature", "tos"),
}
_LIKE = {"tmax": "tx", "tmin": "tn", "tmean": "tg", "precipitation": "pr"}


# --- which functions there are, and what goes into them ---


@functools.cache
def _functions(modules: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    """Functions of modules that work on data, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in modules:
        module = import_module(f"{__package__}.{name}")
        found |= {each: getattr(module, each) for each in {**_FUNCTIONS, **_PLOTS}[name] or module.__all__}
    return {name: function for name, function in found.items() if inspect.isfunction(function) and name != "ufunc"}


@functools.cache
def _rows() -> dict[str, dict[str, bool]]:
    """Operands of the functions that are made from the core's tables: name → whether it is needed."""
    from . import _core

    rows = {row["name"]: row["operands"] for row in _core.kernels() if row["name"] != "etccdi"}
    found = {name: {o["name"]: not o["optional"] for o in operands} for name, operands in rows.items()}
    for row in _core.indices():  # the mean temperature may be made of the two others
        series, needed = (("tg", "tx", "tn"), False) if row["operands"] == ["tg"] else (row["operands"], True)
        found["id_" if row["name"] == "id" else row["name"]] = dict.fromkeys(series, needed)
    return found


@functools.cache
def _called() -> dict[str, tuple[str, ...]]:
    """What operands that have names of their own are called in data sets."""
    from .indices import CALLED

    like = {operand: (operand, *CALLED[series]) for operand, series in _LIKE.items()}
    return {**CALLED, **like, **{operand: (operand, *names) for operand, names in _CALLED.items()}}


@functools.cache
def _operands(function: Callable[..., Any]) -> dict[str, bool]:
    """Parameters that take data, and whether the function needs them."""
    from .pointwise import INSTEAD

    parameters = inspect.signature(function).parameters.values()
    row = _rows().get(function.__name__)
    if row is None:  # written out: its annotations say it
        found = {p.name: p.default is p.empty for p in parameters if _takes_any(p)}
    else:
        others = {other for operand in row for other in INSTEAD.get(operand, ())}
        found = {p.name: row.get(p.name, False) for p in parameters if p.name in {*row, *others}}
    return found


def _takes_any(parameter: inspect.Parameter) -> bool:
    kind = str(parameter.annotation)
    return (
        parameter.kind is not parameter.VAR_KEYWORD
        and not _is_plain(parameter)
        and kind.endswith(("Any", "DataArray"))
    )


def _is_plain(parameter: inspect.Parameter) -> bool:
    """Whether a parameter is for plain arrays only; the places of stations are not."""
    return parameter.name in _OF_PLAIN and parameter.default is _OF_PLAIN[parameter.name]


def _first(function: Callable[..., Any]) -> str | None:
    """The operand that a function begins with, if it does."""
    name = next(iter(inspect.signature(function).parameters))
    return name if name in _operands(function) else None


# --- calling them ---


def _of_dataset(ds: Any, function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments with variables in place of their names, and with those that are found by themselves."""
    from .field import one_variable

    first, filled = _first(function), dict(arguments)
    for name in _operands(function):
        value = filled.get(name)
        if isinstance(value, str) and (name == first or value in ds.data_vars):
            filled[name] = one_variable(ds, value)
    if first in _WHOLE:
        return {first: ds, **filled}
    filled |= (found := _found(ds, function, filled))
    if first is not None and filled.get(first) is None and (_operands(function)[first] or not found):
        filled[first] = ds  # the function knows whether it takes all variables, or only one
    return filled


def _found(ds: Any, function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Operands that were not given, by what they are usually called; where none is needed, those that are there."""
    from .errors import InputError
    from .pointwise import INSTEAD

    operands = _operands(function)
    needed = [name for name, is_needed in operands.items() if is_needed]
    found = {}
    for name in needed or operands:
        ways = [name, *(other for other in INSTEAD.get(name, ()) if other in operands)]
        if any(given.get(way) is not None for way in ways):
            continue
        names = [(way, each) for way in ways for each in _called().get(way, (way,) if name in needed else ())]
        there = [(way, each) for way, each in names if each in ds.data_vars]
        if there:
            found[there[0][0]] = ds[there[0][1]]
        elif name in needed and name != _first(function):
            raise InputError(
                f"{function.__name__}: which variable is {' or '.join(ways)}?",
                hint=f"the Dataset holds {', '.join(map(str, ds.data_vars)) or 'none'}: say {name}='…'",
            )
    return found


def _signature(function: Callable[..., Any], dropped: str | None, may_be_found: bool) -> inspect.Signature:
    """Signature of a method: without what xarray knows, and without the operand that the data are."""
    whole = inspect.signature(function)
    kept = [p for p in whole.parameters.values() if not _is_plain(p) and p.name != dropped]
    operands = _operands(function) if may_be_found else {}
    for i in reversed(range(len(kept))):  # nothing that is needed by position comes after what is not
        bound_later = [p for p in kept[i + 1 :] if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
        found = kept[i].name in _called() or kept[i].name == _first(function)
        if kept[i].name in operands and found and not bound_later and kept[i].default is kept[i].empty:
            kept[i] = kept[i].replace(default=None)
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    return whole.replace(parameters=[this, *kept])


def _method_of_array(function: Callable[..., Any]) -> Callable[..., Any]:
    first = _first(function)
    if first is None or first == "data":  # what the array is must be known by its name
        return _method_of_dataset(function, lambda x: x.to_dataset(name=x.name or "x"))

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self._data, *args, **kwargs)

    signature = _signature(function, first, may_be_found=False)
    return _dressed(method, function, signature, f"`{first}` is the array itself", "DataArray")


def _method_of_dataset(
    function: Callable[..., Any], dataset_of: Callable[[Any], Any] = lambda ds: ds
) -> Callable[..., Any]:
    from .operands import bind

    whole = _first(function) if _first(function) in _WHOLE else None
    signature = _signature(function, whole, may_be_found=True)
    rest = next((p.name for p in signature.parameters.values() if p.kind is p.VAR_KEYWORD), "")

    def method(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and _first(function) in signature.parameters:  # the only variable need not be named
            kwargs = {str(_first(function)): None, **kwargs}
        arguments = bind(function.__name__, signature, args, kwargs)
        ds = dataset_of(arguments.pop("self")._data)
        others = arguments.pop(rest, {})
        return function(**_of_dataset(ds, function, arguments), **others)

    data = f"`{whole}` are its variables" if whole else "operands are names of variables"
    return _dressed(method, function, signature, data, "name of a variable, or DataArray")


# --- their help ---


def _dressed(
    method: Callable[..., Any], function: Callable[..., Any], signature: inspect.Signature, data: str, operand: str
) -> Callable[..., Any]:
    method.__name__ = function.__name__
    method.__doc__ = _docstring(function, signature, data, operand)
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


#: What the docstrings of functions say of an operand.
_ANY_FORM = re.compile(r"(?<= : )(array, DataArray or number|array or DataArray|DataArray, ndarray or paths)")


def _docstring(function: Callable[..., Any], signature: inspect.Signature, data: str, operand: str) -> str:
    """Docstring of a function with the parameters that its method has; the examples, its end, are of the function."""
    text = (inspect.getdoc(function) or "").partition("\n\nExamples\n--------\n")[0] + "\n"
    head, heading, rest = text.partition("Parameters\n----------\n")
    if not heading:
        return text
    entries, gap, others = rest.partition("\n\n")
    kept = _ANY_FORM.sub(operand, "\n".join(_entries(entries, signature)))
    said = f"As :func:`{function.__module__}.{function.__name__}`; {data}.\n\n"
    return f"{head}{said}{heading + kept + gap if kept else ''}{others}"


def _entries(text: str, signature: inspect.Signature) -> Iterator[str]:
    """Entries of a list of parameters, without those that the signature has not."""
    for entry in re.split(r"\n(?=\S)", text):
        names, separator, kind = entry.partition("\n")[0].partition(" : ")
        kept = [name for name in names.split(", ") if name.lstrip("*") in signature.parameters]
        if kept:
            body = entry.partition("\n")[2]
            yield f"{', '.join(kept)}{separator}{kind}\n{body}"


# --- the accessors ---


class _Table(type):
    """Class whose functions are made when they are first asked for."""

    _modules: tuple[str, ...]
    _make: Callable[..., Callable[..., Any]]

    def __getattr__(cls, name: str) -> Any:
        function = None if name.startswith("_") else _functions(cls._modules).get(name)
        if function is None:
            raise AttributeError(f"era5fast has no function {name!r} on data", name=name, obj=cls)
        method = cls._make(function)
        method.__module__, method.__qualname__ = __name__, f"{cls.__name__}.{name}"
        setattr(cls, name, method)
        return method

    def __dir__(cls) -> list[str]:
        return sorted({*super().__dir__(), *_functions(cls._modules)})


class _Accessor(metaclass=_Table):
    _modules = tuple(_FUNCTIONS)
    _of = ""

    def __init__(self, data: Any) -> None:
        self._data = data

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(type(self), name).__get__(self)

    def __dir__(self) -> list[str]:
        return dir(type(self))

    def __repr__(self) -> str:
        names = list(_functions(self._modules))
        return f"<era5fast on this {type(self._data).__name__}: {', '.join(names)}>"


class _ArrayPlots(_Accessor):
    """Pictures of a DataArray."""

    _modules = tuple(_PLOTS)
    _make = staticmethod(_method_of_array)


class _DatasetPlots(_Accessor):
    """Pictures of the variables of a Dataset."""

    _modules = tuple(_PLOTS)
    _make = staticmethod(_method_of_dataset)


class DataArrayAccessor(_Accessor):
    """The functions of era5fast that work on data, with a DataArray as their first operand: ``da.era5fast``.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> days = xr.date_range("2001-01-01", periods=365, use_cftime=False)
    >>> tx = xr.DataArray(np.full(365, 26.5), {"time": days}, name="tx", attrs={"units": "degC"})
    >>> int(tx.era5fast.su(threshold=26).item())
    365
    """

    _make = staticmethod(_method_of_array)

    @property
    def plot(self) -> _ArrayPlots:
        """Pictures of the array: see :mod:`era5fast.plot`."""
        return _ArrayPlots(self._data)


class DatasetAccessor(_Accessor):
    """The functions of era5fast that work on data, on the variables of a Dataset: ``ds.era5fast``.

    Operands are names of variables; those that are usually called something may be left out, and so may the
    only variable.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> hours = xr.date_range("2001-01-01", periods=48, freq="h", use_cftime=False)
    >>> values = xr.Variable("time", np.arange(48.0), {"units": "K"})
    >>> ds = xr.Dataset({"t2m": values, "d2m": values - 1.0}, {"time": hours})
    >>> ds.era5fast.daily("t2m", "max").values
    array([23., 47.])
    """

    _make = staticmethod(_method_of_dataset)

    @property
    def plot(self) -> _DatasetPlots:
        """Pictures of the variables: see :mod:`era5fast.plot`."""
        return _DatasetPlots(self._data)


def register() -> None:
    """Make the accessors known to xarray."""
    import xarray as xr

    of_array: Any = xr.register_dataarray_accessor  # untyped in xarray
    of_dataset: Any = xr.register_dataset_accessor
    of_array("era5fast")(DataArrayAccessor)
    of_dataset("era5fast")(DatasetAccessor)

"""Rows of the table of diagnostics on lazy operands."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import provenance
from ..axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, TIME_NAMES, find_axis, find_name
from ..errors import InputError
from ..field import HINT_OF_TIME, Field, as_field, name_in, on_grid, plain
from ..grouping import grouping_of
from ..operands import SLOTS
from ..several import several
from ..sources import is_paths
from .arrays import check, is_lazy, outline
from .blocks import map_cells

#: What runs a row on arrays: of the row and what was given.
Runner = Callable[..., Any]


def series(row: dict[str, Any], given: dict[str, Any], run: Runner) -> Any:
    """A row whose cells are independent, block by block.

    Parameters
    ----------
    row : dict
        Row of the table of diagnostics.
    given : dict
        What the user passed, by name.
    run : callable
        What runs the row on arrays, in all blocks but the template with ``silent=True``; a function of a module.

    Returns
    -------
    DataArray or Dataset
        Lazy.
    """
    operands = aligned(row, given)
    first = operands[row["operands"][0]["name"]]
    rest = resolved(row, {name: value for name, value in given.items() if name not in operands}, first)
    rest["made_of"] = provenance.of_operands(row, given)
    return map_cells(
        functools.partial(_call, functools.partial(run, silent=True), row, rest),
        operands,
        name=row["name"],
        whole_dims=(time_of(first),),
        told=functools.partial(_call, run, row, rest),
    )


def _call(run: Runner, row: dict[str, Any], rest: dict[str, Any], operands: dict[str, Any]) -> Any:
    return run(row, {**rest, **operands})


def resolved(row: dict[str, Any], rest: dict[str, Any], first: Any) -> dict[str, Any]:
    """Parameters, with what depends on the whole grid decided: a block of it could not."""
    rest = {**rest, "progress": False}
    grouping_of(row, rest, as_field(outline(first)))
    return rest


def time_of(x: Any) -> Any:
    """Name of the dimension of time.

    Raises
    ------
    InputError
        If there is none.
    """
    name = find_axis(x, TIME_NAMES)
    if name is None:
        raise InputError(f"no time axis among the dimensions {tuple(x.dims)}", hint=HINT_OF_TIME)
    return name


# --- operands ---


def aligned(row: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Operands of a row on the cells of the first one, under the names that it has for them.

    Raises
    ------
    InputError
        If one of them lies on other cells, or cannot be computed in blocks.
    """
    specs = row["operands"]
    for spec in specs:
        if is_lazy(given[spec["name"]]):
            check(given[spec["name"]], spec["name"])
    first = labelled(given[specs[0]["name"]], specs[0]["name"])
    field = as_field(outline(first), calendar=given["calendar"])
    found = {specs[0]["name"]: first}
    for spec in specs[1:]:
        found[spec["name"]] = _beside(spec, given[spec["name"]], field)
    return _first_in_chunks(found)


def beside(series: dict[str, Any]) -> dict[str, Any]:
    """Series on the cells of the first one, under the names that it has for them; those that are None are left out.

    Raises
    ------
    InputError
        If one of them lies on other cells, or cannot be computed in blocks.
    """
    arrays = {name: labelled(x, name) for name, x in series.items() if x is not None}
    for name, x in arrays.items():
        if is_lazy(x):
            check(x, name)
    field = as_field(outline(next(iter(arrays.values()))))
    found = {name: _renamed(on_grid(x, field, time_of(x), name), field) for name, x in arrays.items()}
    first = next(iter(arrays))
    return _first_in_chunks({**found, first: arrays[first]})


def _first_in_chunks(found: dict[str, Any]) -> dict[str, Any]:
    """Operands of which the first one has chunks: where it is in memory, those of another that has."""
    name, first = next(iter(found.items()))
    lazy = next(x for x in found.values() if is_lazy(x))
    chunks = {dim: lazy.variable.chunksizes.get(dim, -1) for dim in first.dims}
    return found if is_lazy(first) else {**found, name: first.chunk(chunks)}


def labelled(x: Any, name: str) -> Any:
    """A series as a DataArray.

    Raises
    ------
    InputError
        If it is a plain array: beside lazy arrays nobody knows which of its axes is which.
    """
    if isinstance(x, Field) and x.origin is not None:
        return x.origin
    if is_paths(x) or (isinstance(x, Field) and x.paths):
        return _of_files(x)
    if not (hasattr(x, "dims") and hasattr(x, "coords")):
        raise InputError(
            f"{name} is a plain array, and others are lazy", hint="pass a DataArray with its coordinates"
        )
    places = [key for key in (*LATITUDE_NAMES, *LONGITUDE_NAMES) if key in x.coords and x[key].chunks is not None]
    return x.assign_coords({key: x[key].compute() for key in places})  # those of stations: blocks look at them


def _of_files(x: Any) -> Any:
    """The variable of files, lazily."""
    from ..reader import open_dataset

    ds = open_dataset(list(x.paths), [x.name]) if isinstance(x, Field) else open_dataset(x)
    if len(ds.data_vars) != 1:
        raise InputError("which variable?", hint=f"the files hold {', '.join(map(str, ds.data_vars))}")
    return ds[next(iter(ds.data_vars))].chunk()


def _beside(spec: dict[str, Any], value: Any, field: Field) -> Any:
    """An operand beside the first one: a series or maps of its cells; a number, text or None as it is."""
    if value is None or (isinstance(value, str | list | tuple) and not spec["dims"].startswith("time")):
        return value
    if spec["dims"].startswith("time"):
        value = labelled(value, spec["name"])
        return _renamed(on_grid(value, field, time_of(value), spec["name"]), field)
    slots = find_name(getattr(value, "dims", ()), SLOTS) or SLOTS[0]
    first = slots if spec["dims"].startswith(SLOTS[0]) else None
    if not hasattr(value, "dims"):
        return _maps(spec, value, field)
    others = [axis.name for axis in several(value, spec["name"], field, first).axes]
    return _renamed(on_grid(value, field, first, spec["name"], others), field)


def _renamed(x: Any, field: Field) -> Any:
    """An operand under the names that the first one has for its cells: lat may be latitude."""
    cells = field.cell_dims()
    own = [dim for dim in x.dims if any(name_in(x, cell, field) == dim for cell in cells)]
    same = dict(zip(own, (dim for dim in cells if _same(dim, own)), strict=False))
    return x.rename({a: b for a, b in same.items() if a != b})


def _same(dim: Any, own: list[Any]) -> bool:
    return dim in own or any(dim in names and find_name(own, names) for names in (LATITUDE_NAMES, LONGITUDE_NAMES))


def _maps(spec: dict[str, Any], value: Any, field: Field) -> Any:
    """A plain array of one value per cell, or per slot and cell, with labels and the units that it must have."""
    values = np.asarray(plain(value))
    cells = field.cells()
    if values.ndim == 0 or values.dtype.kind not in "fiub" or values.ndim not in (len(cells), len(cells) + 1):
        return value
    import xarray as xr

    dims = (*((SLOTS[0],) if values.ndim > len(cells) else ()), *field.cell_dims())
    attrs = {} if spec["units"] in (None, "x", "y") else {"units": spec["units"]}
    return xr.DataArray(values, dims=dims, attrs=attrs)

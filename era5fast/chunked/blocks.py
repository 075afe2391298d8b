"""A function of arrays in memory, run on every block of lazy ones: one task per block."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import attributes
from ..errors import InputError, heard_before
from .arrays import check, is_lazy, whole

if TYPE_CHECKING:
    import xarray as xr

#: Function of operands by name.
Function = Callable[[dict[str, Any]], Any]


# --- what a call is made of ---


@dataclass(frozen=True)
class Shell:
    """A DataArray without its values.

    Attributes
    ----------
    dims : tuple
        Its dimensions.
    coords : Dataset
        Its coordinates, in memory.
    attrs : dict
        Its attributes.
    name : Hashable
        Its name.
    dtype : numpy.dtype
        Type of its values.
    shape : tuple of int
        Its shape.
    lazy : dict of name to (dims, dtype)
        Coordinates that dask would compute: blocks go without them, as results take them from the data.
    """

    dims: tuple[Hashable, ...]
    coords: xr.Dataset
    attrs: dict[Any, Any]
    name: Hashable
    dtype: np.dtype
    shape: tuple[int, ...]
    lazy: dict[Any, tuple[tuple[Hashable, ...], np.dtype]]

    @classmethod
    def of(cls, x: xr.DataArray) -> Shell:
        """Shell of a DataArray."""
        lazy = {name: (c.dims, c.dtype) for name, c in x.coords.items() if c.chunks is not None}
        return cls(x.dims, x.coords.to_dataset().drop_vars(lazy), dict(x.attrs), x.name, x.dtype, x.shape, lazy)

    def fill(self, values: np.ndarray, places: Mapping[Any, slice]) -> xr.DataArray:
        """The DataArray of a block with its values."""
        import xarray as xr

        coords = self.coords.isel({dim: place for dim, place in places.items() if self.coords.sizes.get(dim, 1) > 1})
        return xr.DataArray(values, coords=coords.coords, dims=self.dims, attrs=self.attrs, name=self.name)

    def single(self, cut: tuple[Hashable, ...]) -> xr.DataArray:
        """The DataArray with one place along the dimensions that are cut, and nothing known there."""
        places = {dim: slice(0, 1) for dim in self.dims if dim in cut}
        shape = tuple(min(size, 1) if dim in cut else size for dim, size in zip(self.dims, self.shape, strict=True))
        empty = np.nan if self.dtype.kind == "f" else 0
        one = self.fill(np.full(shape, empty, self.dtype), places)
        nothing = {
            name: (dims, np.broadcast_to(np.zeros((), dtype), [one.sizes[dim] for dim in dims]))
            for name, (dims, dtype) in self.lazy.items()
        }
        return one.assign_coords(nothing)


@dataclass(frozen=True)
class Plan:
    """What every task of a call knows; it stands in the graph once.

    Attributes
    ----------
    function : callable
        What is computed of operands by name; must go through pickle, as a function of a module does.
    shells : dict of str to Shell
        Operands that come in blocks.
    others : dict
        Operands that every block sees as they are.
    borders : dict
        First places of the blocks along each dimension that is cut, and its length.
    """

    function: Function
    shells: dict[str, Shell]
    others: dict[str, Any]
    borders: dict[Hashable, tuple[int, ...]]

    def places(self, index: tuple[int, ...]) -> dict[Hashable, slice]:
        """Where a block lies."""
        cut = zip(self.borders.items(), index, strict=True)
        return {dim: slice(borders[i], borders[i + 1]) for (dim, borders), i in cut}

    def run(self, index: tuple[int, ...], values: list[np.ndarray]) -> Any:
        """Result of a block."""
        places = self.places(index)
        named = zip(self.shells.items(), values, strict=True)
        with heard_before():  # the template has said it
            return self.function(
                {**self.others, **{name: shell.fill(block, places) for (name, shell), block in named}}
            )

    def template(self) -> Any:
        """Result of a single place, of which nothing is known."""
        cut = tuple(self.borders)
        return self.function({**self.others, **{name: shell.single(cut) for name, shell in self.shells.items()}})


def _run_arrays(plan: Plan, index: tuple[int, ...], values: list[np.ndarray]) -> Any:
    """Values of all results of a block; of a single one without a list around it."""
    arrays = [part.values for _, part in results_of(plan.run(index, values))]
    return arrays[0] if len(arrays) == 1 else arrays


def _run_table(plan: Plan, index: tuple[int, ...], values: list[np.ndarray]) -> Any:
    return plan.run(index, values)


# --- results ---


def results_of(result: Any) -> Iterator[tuple[Any, xr.DataArray]]:
    """Arrays of a result, by name: of a DataArray, a Dataset, a dict or a named tuple of DataArrays."""
    if hasattr(result, "data_vars"):
        yield from result.data_vars.items()
    elif hasattr(result, "dims"):
        yield "", result
    else:
        named = result._asdict() if hasattr(result, "_asdict") else result
        yield from ((name, value) for name, value in named.items() if hasattr(value, "dims"))


def like(result: Any, parts: dict[Any, Any]) -> Any:
    """A result of the same kind with other arrays in it."""
    if hasattr(result, "data_vars"):
        import xarray as xr

        return xr.Dataset(parts, attrs=result.attrs)
    if hasattr(result, "dims"):
        return parts[""]
    return result._replace(**parts) if hasattr(result, "_replace") else {**result, **parts}


# --- calls ---


def map_cells(
    function: Function, operands: Mapping[str, Any], *, name: str, whole_dims: tuple[Hashable, ...], told: Any = None
) -> Any:
    """Call a function of independent cells on every block of them.

    Parameters
    ----------
    function : callable
        Of a dict of operands; gives a DataArray, a Dataset, or a dict or named tuple of DataArrays. It must go
        through pickle.
    operands : mapping
        DataArrays, lazy and not, and whatever else the function takes. The first lazy one says which cells there are;
        the others lie on the same cells, under the same names, as far as they have these dimensions.
    name : str
        Of the function: in keys of the graph and in hints.
    whole_dims : tuple
        Dimensions that every block has as a whole, such as time.
    told : any, optional
        The function that is called for the template, where it says more than that of the blocks (warnings).

    Returns
    -------
    any
        As the function gives it, with lazy arrays.

    Raises
    ------
    InputError
        If an array cannot be computed in blocks, or the function refuses its operands.
    """
    plan, arrays = _prepare(function, operands, name, whole_dims)
    template = (replace(plan, function=told) if told is not None else plan).template()
    return _lazily(plan, arrays, template, name, _lead(operands))


def map_along(function: Function, operands: Mapping[str, Any], *, name: str, dim: Hashable) -> Any:
    """Call a function of independent steps, which sees whole maps; as :func:`map_cells`, cut along `dim` only."""
    others = tuple(d for d in _lead(operands).dims if d != dim)
    return map_cells(function, operands, name=name, whole_dims=others)


def tables(
    function: Function, operands: Mapping[str, Any], *, name: str, whole_dims: tuple[Hashable, ...]
) -> list[tuple[dict[Hashable, slice], Any]]:
    """Call a function of independent cells on every block of them, now, and give all results with their places."""
    from dask.base import compute
    from dask.delayed import Delayed

    delayed: Any = Delayed  # untyped in dask
    plan, arrays = _prepare(function, operands, name, whole_dims)
    plan.template()  # what it refuses, it refuses here
    key, graph, keys = _graph(_run_table, plan, arrays, name, tuple(plan.borders))
    found = compute(*(delayed(graph_key, graph, layer=key) for graph_key in keys.values()))  # type: ignore[no-untyped-call]
    return [(plan.places(index), table) for index, table in zip(keys, found, strict=True)]


def _lead(operands: Mapping[str, Any]) -> Any:
    return next(x for x in operands.values() if is_lazy(x))


def _prepare(
    function: Function, operands: Mapping[str, Any], name: str, whole_dims: tuple[Hashable, ...]
) -> tuple[Plan, dict[str, xr.DataArray]]:
    """The plan of a call, and its arrays in blocks that fit each other."""
    for key, x in operands.items():
        if is_lazy(x):
            check(x, key)
    lead = _lead(operands)
    cells = tuple(dim for dim in lead.dims if dim not in whole_dims)
    in_blocks = [
        key for key, x in operands.items() if hasattr(x, "dims") and (is_lazy(x) or set(x.dims) & set(cells))
    ]
    for key in in_blocks:
        _check_cells(key, operands[key], lead, cells)
    first = whole(lead, whole_dims, name, share=len(in_blocks))
    chunks = {dim: first.variable.chunksizes[dim] for dim in cells}
    arrays = {key: first if operands[key] is lead else _fitted(operands[key], chunks) for key in in_blocks}
    borders = {dim: tuple(int(i) for i in np.cumsum((0, *sizes))) for dim, sizes in chunks.items()}
    others = {key: x for key, x in operands.items() if key not in arrays}
    return Plan(function, {key: Shell.of(x) for key, x in arrays.items()}, others, borders), arrays


def _check_cells(key: str, x: xr.DataArray, lead: xr.DataArray, cells: tuple[Hashable, ...]) -> None:
    for dim in cells:
        if x.sizes.get(dim, 1) not in (1, lead.sizes[dim]):
            raise InputError(f"{key} has {x.sizes[dim]} cells along {dim}, the data {lead.sizes[dim]}")


def _fitted(x: xr.DataArray, chunks: dict[Hashable, tuple[int, ...]]) -> xr.DataArray:
    """An operand in the blocks of the first one, whole along all other dimensions."""
    return x.chunk({dim: chunks[dim] if dim in chunks and x.sizes[dim] > 1 else -1 for dim in x.dims})


# --- graphs ---


def _graph(
    run: Callable[..., Any], plan: Plan, arrays: dict[str, xr.DataArray], name: str, dims: tuple[Hashable, ...]
) -> tuple[str, Any, dict[tuple[int, ...], tuple[Any, ...]]]:
    """Name of the layer, the graph with a task per block, and key of each block, as that of an array of `dims`."""
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    data = [x.data for x in arrays.values()]
    key = f"{name}-{tokenize(run.__name__, plan.function, plan.others, [x.name for x in data], plan.shells)}"
    knows = f"{key}-plan"
    layer: dict[Any, Any] = {knows: plan}
    keys = {}
    for index in itertools.product(*(range(len(borders) - 1) for borders in plan.borders.values())):
        at = dict(zip(plan.borders, index, strict=True))
        inputs = [(x.data.name, *_index_of(x, at)) for x in arrays.values()]
        keys[index] = (key, *(at.get(dim, 0) for dim in dims))
        layer[keys[index]] = (run, knows, index, inputs)
    return key, HighLevelGraph.from_collections(key, layer, dependencies=data), keys


def _index_of(x: xr.DataArray, at: dict[Hashable, int]) -> tuple[int, ...]:
    """Number of the chunk that belongs to a block: an array of one place along a dimension has but one."""
    return tuple(at[dim] if dim in at and len(x.variable.chunksizes[dim]) > 1 else 0 for dim in x.dims)


def _lazily(plan: Plan, arrays: dict[str, xr.DataArray], template: Any, name: str, lead: xr.DataArray) -> Any:
    """The template with the arrays of all blocks in place of its own."""
    parts = dict(results_of(template))
    alone = len(parts) == 1
    dims = next(iter(parts.values())).dims if alone else tuple(plan.borders)
    key, graph, keys = _graph(_run_arrays, plan, arrays, name, dims)
    found = {}
    for number, (part_name, part) in enumerate(parts.items()):
        taken, whole_graph = (key, graph) if alone else _taken(key, graph, keys, plan, part.dims, number)
        chunks = tuple(
            tuple(np.diff(plan.borders[dim]).tolist()) if dim in plan.borders else (part.sizes[dim],)
            for dim in part.dims
        )
        found[part_name] = spread(part, lazy_array(whole_graph, taken, chunks, part.dtype), lead, tuple(plan.borders))
    return like(template, found)


def _taken(
    key: str, graph: Any, keys: dict[tuple[int, ...], Any], plan: Plan, dims: tuple[Hashable, ...], number: int
) -> tuple[str, Any]:
    """Name and graph of one of several results: taken out of each block by a task of its own."""
    from dask.highlevelgraph import HighLevelGraph

    name = f"{key}-{number}"
    layer: dict[Any, Any] = {}
    for index, block in keys.items():
        at = dict(zip(plan.borders, index, strict=True))
        layer[name, *(at.get(dim, 0) for dim in dims)] = (operator.getitem, block, number)
    return name, HighLevelGraph({**graph.layers, name: layer}, {**graph.dependencies, name: {key}})


def lazy_array(graph: Any, name: str, chunks: tuple[tuple[int, ...], ...], dtype: np.dtype) -> Any:
    """The dask array behind keys of a graph."""
    import dask.array

    array: Any = dask.array.Array  # untyped in dask
    return array(graph, name, chunks, dtype=dtype, meta=np.empty((0,) * len(chunks), dtype))


def spread(template: xr.DataArray, data: Any, lead: xr.DataArray, cut: tuple[Hashable, ...]) -> xr.DataArray:
    """The DataArray of a template with other values, and along what was cut the coordinates of the data."""
    import xarray as xr

    own = {key: c.variable for key, c in template.coords.items()}
    kept = {key: c.variable for key, c in lead.coords.items() if key in own and _stays(c, own[key], cut)}
    result = xr.DataArray(data, dims=template.dims, coords={**own, **kept}, attrs=template.attrs, name=template.name)
    result.encoding.update(template.encoding)
    return attributes.tidy_coordinates(result)


def _stays(given: xr.DataArray, own: xr.Variable, cut: tuple[Hashable, ...]) -> bool:
    """Whether a coordinate of the template stands for that of the data: it is cut, or was not known to it."""
    same = all(own.sizes.get(dim) == size or dim in cut for dim, size in given.sizes.items())
    return bool(set(given.dims) & set(cut)) or (given.chunks is not None and given.dims == own.dims and same)

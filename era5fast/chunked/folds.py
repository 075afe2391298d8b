"""Kernels that see step after step, over chunks of time: a left fold of their states.

For each block of cells a chain of tasks goes along time: state and chunk → results of the periods that are finished,
and the state with which the next chunk goes on. Where the border of a chunk is the border of a period the chain is
cut, as nothing goes on there; and where the first steps of a chunk are all that a period still lacks, like the hour
that ends at midnight and is of the day before, these go to the chunk before, and the chain is cut behind them.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core
from ..axis_names import LONGITUDE_NAMES, find_axis
from ..field import as_field
from ..grouping import grouping_of
from ..operands import Operands
from ..parameter_sets import sets_of
from ..solar_days import HOUR, hours_of
from ..times import DAY
from .arrays import check, outline
from .blocks import Shell, lazy_array, spread
from .rows import Runner, resolved, series, time_of

if TYPE_CHECKING:
    import xarray as xr


def scan(row: dict[str, Any], given: dict[str, Any], run: Runner) -> Any:
    """A row of a kernel that sees step after step, on a lazy series.

    Parameters
    ----------
    row : dict
        Row of the table of diagnostics.
    given : dict
        What the user passed, by name.
    run : callable
        What runs the row on arrays; a function of a module.

    Returns
    -------
    DataArray
        Lazy; its chunks along time hold the periods that the chunks of the data finish, put together to even ones
        where those of the data are even.
    """
    name = row["operands"][0]["name"]
    x = given[name]
    check(x, name)
    rest = resolved(row, {key: value for key, value in given.items() if key != name}, x)
    if rest.get("utc_offset") == "solar":
        return _solar(row, rest, x, run)
    if len(x.variable.chunksizes[time_of(x)]) == 1:
        return series(row, {**rest, name: x}, functools.partial(_quietly, run))
    return _fold(row, rest, x, run)


def _quietly(run: Runner, row: dict[str, Any], given: dict[str, Any], *, silent: bool = False) -> Any:
    """A runner that has nothing to say in blocks nor elsewhere."""
    return run(row, given)


# --- what a chain is made of ---


@dataclass(frozen=True)
class Piece:
    """What belongs to one chunk of time.

    Attributes
    ----------
    of_sample : numpy.ndarray
        Period of each of its steps, counted from the first that it gets results for; −1: none.
    expected : numpy.ndarray
        Samples of a complete period, of its periods and of the one that goes on after it.
    finished : int
        How many periods it gets results for.
    goes_on : bool
        Whether something of the chunk before goes on in it.
    head : Piece or None
        The first steps of the next chunk, where they are the end of what goes on there.
    """

    of_sample: np.ndarray
    expected: np.ndarray
    finished: int
    goes_on: bool
    head: Piece | None = None

    @property
    def rows(self) -> int:
        """Periods that there are results for, with those that the head finishes."""
        return self.finished + (0 if self.head is None else self.head.finished)


@dataclass(frozen=True)
class Kernel:
    """What all tasks of a fold know; it stands in the graph once.

    Attributes
    ----------
    name : str
        Of the row.
    sets : list
        Sets of parameter values.
    scale : tuple of float
        What brings values into the units of the row.
    axis : int
        Axis of time in a chunk.
    lengths : tuple of int
        Of the lists of parameters that were given.
    order : tuple of int
        Axes of a result, which has lists, periods and cells, in the order in which the template has them.
    """

    name: str
    sets: list[list[Any]]
    scale: tuple[float, float]
    axis: int
    lengths: tuple[int, ...]
    order: tuple[int, ...]

    def run(self, piece: Piece, values: np.ndarray, head: Any, states: Any) -> tuple[np.ndarray, Any]:
        """Results of the periods that a chunk and the head of the next one finish, and the states that go on."""
        found, after = self._scan(piece, values, states)
        if piece.head is not None:
            rest, after = self._scan(piece.head, head, after)
            found = np.concatenate([found, rest], axis=1)
        return found.reshape(*self.lengths, *found.shape[1:]).transpose(self.order), after

    def _scan(self, piece: Piece, values: np.ndarray, states: Any) -> tuple[np.ndarray, Any]:
        numbers = values if values.dtype.kind in "fiu" else values.astype("float64")
        ready = np.moveaxis(numbers, self.axis, 0)
        source = ready if self.scale == (1.0, 0.0) else (ready, *self.scale)
        return _core.scan_part(self.name, self.sets, source, piece.of_sample, piece.expected, piece.finished, states)


def _results(kernel: Kernel, piece: Piece, values: np.ndarray, head: Any) -> np.ndarray:
    return kernel.run(piece, values, head, None)[0]


def _link(kernel: Kernel, piece: Piece, values: np.ndarray, head: Any, before: Any) -> tuple[np.ndarray, Any]:
    return kernel.run(piece, values, head, None if before is None else before[1])


def _head(piece: Piece, values: np.ndarray, axis: int) -> np.ndarray:
    """First steps of a chunk, for the piece before it."""
    assert piece.head is not None
    return values[(slice(None),) * axis + (slice(0, len(piece.head.of_sample)),)].copy()


def pieces_of(of_sample: np.ndarray, expected: np.ndarray, sizes: tuple[int, ...], lasting: bool) -> list[Piece]:
    """Cut the periods of a series at the borders of its chunks.

    Parameters
    ----------
    of_sample : numpy.ndarray
        Period of each step, never decreasing; −1: none.
    expected : numpy.ndarray
        Samples of each period when it is complete.
    sizes : tuple of int
        Steps of each chunk.
    lasting : bool
        Whether states last over periods, so that something goes on at every border.
    """
    borders = np.cumsum((0, *sizes)).tolist()
    pieces, begun, goes_on, taken = [], 0, False, 0
    for first, last in itertools.pairwise(borders):
        end = _period_from(of_sample, last, len(expected))
        own = of_sample[first:last].copy()
        own[:taken] = -1  # the piece before has them
        is_open = lasting or bool((own == end).any()) or (goes_on and end == begun)
        goes_further, head, taken = is_open and end < len(expected), None, 0
        if goes_further and not lasting:
            head = _head_of(of_sample, expected, end, last, next(b for b in borders if b > last))
        part = np.where(own < 0, -1, own - begun).astype("int32")
        pieces.append(Piece(part, expected[begun : end + goes_further], end - begun, goes_on, head))
        begun, goes_on = end, goes_further
        if head is not None:
            begun, goes_on, taken = end + head.finished, False, len(head.of_sample)
    return pieces


def _period_from(of_sample: np.ndarray, step: int, count: int) -> int:
    """Period of the first step from `step` on that is in one; `count` where none is."""
    known = np.flatnonzero(of_sample[step:] >= 0)
    return int(of_sample[step + known[0]]) if len(known) else count


#: Share of a chunk whose first steps, at most, are given to the chunk before.
_SMALL_HEAD = 4


def _head_of(of_sample: np.ndarray, expected: np.ndarray, period: int, first: int, last: int) -> Piece | None:
    """First steps of a chunk as the end of a period, where these are few and the period does not go on after them."""
    steps = np.flatnonzero(of_sample[first:last] == period)
    if len(steps) == 0 or (steps[-1] + 1) * _SMALL_HEAD > last - first:
        return None
    behind = first + int(steps[-1]) + 1
    end = _period_from(of_sample, behind, len(expected))
    if end == period:
        return None
    own = of_sample[first:behind]
    part = np.where(own < 0, -1, own - period).astype("int32")
    return Piece(part, expected[period:end], end - period, goes_on=True)


# --- graphs ---


def _fold(row: dict[str, Any], rest: dict[str, Any], x: xr.DataArray, run: Runner) -> Any:
    name, time = row["operands"][0]["name"], time_of(x)
    operands = Operands(row, {**rest, name: outline(x)})
    field = operands.field
    sets, lists = sets_of(row, rest, operands)
    of_sample, _, expected = _core.periods(row["name"], field.seconds, field.calendar, grouping_of(row, rest, field))
    cells = tuple(dim for dim in x.dims if dim != time)
    template = run(row, {**rest, name: Shell.of(x).single(cells)})
    source = operands.sources[0]
    axes = [*(key for key, _ in lists), template.dims[_place_of_time(template, lists, cells)], *cells]
    kernel = Kernel(
        row["name"],
        sets,
        source[1:] if isinstance(source, tuple) else (1.0, 0.0),
        x.dims.index(time),
        tuple(len(values) for _, values in lists),
        tuple(axes.index(dim) for dim in template.dims),
    )
    pieces = pieces_of(of_sample, expected, x.variable.chunksizes[time], row["lasting"])
    return _lazily(kernel, pieces, x, template, axes[len(lists)])


def _place_of_time(template: xr.DataArray, lists: list[Any], cells: tuple[Hashable, ...]) -> int:
    """Axis of the periods: the one that is neither a list of parameters nor of the cells."""
    known = {*(key for key, _ in lists), *cells}
    return next(i for i, dim in enumerate(template.dims) if dim not in known)


def _lazily(kernel: Kernel, pieces: list[Piece], x: xr.DataArray, template: xr.DataArray, periods: Hashable) -> Any:
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph

    time = x.dims[kernel.axis]
    cells = [dim for dim in x.dims if dim != time]
    key = f"{kernel.name}-{tokenize(kernel, pieces, x.data.name)}"
    layer: dict[Any, Any] = {f"{key}-kernel": kernel}
    layer |= {f"{key}-piece-{i}": piece for i, piece in enumerate(pieces)}
    for block in itertools.product(*(range(len(x.variable.chunksizes[dim])) for dim in cells)):
        at = dict(zip(cells, block, strict=True))
        row = 0
        for i, piece in enumerate(pieces):
            chunk = (x.data.name, *(i if dim == time else at[dim] for dim in x.dims))
            own = (key, *(row if dim == periods else at.get(dim, 0) for dim in template.dims))
            row += piece.rows > 0
            head = None
            if piece.head is not None:
                head = (f"{key}-head", i, *block)
                after = (x.data.name, *(i + 1 if dim == time else at[dim] for dim in x.dims))
                layer[head] = (_head, f"{key}-piece-{i}", after, kernel.axis)
            known = (f"{key}-kernel", f"{key}-piece-{i}", chunk, head)
            ends = i + 1 == len(pieces) or not pieces[i + 1].goes_on
            if ends and not piece.goes_on:
                if piece.rows > 0:
                    layer[own] = (_results, *known)
                continue
            link = (f"{key}-link", i, *block)
            layer[link] = (_link, *known, (f"{key}-link", i - 1, *block) if piece.goes_on else None)
            if piece.rows > 0:
                layer[own] = (operator.getitem, link, 0)
    graph = HighLevelGraph.from_collections(key, layer, dependencies=[x.data])
    lengths = tuple(piece.rows for piece in pieces if piece.rows > 0)
    chunks = tuple(
        lengths if dim == periods else x.variable.chunksizes[dim] if dim in cells else (template.sizes[dim],)
        for dim in template.dims
    )
    array = lazy_array(graph, key, chunks, template.dtype)
    if _are_even(x.variable.chunksizes[time]) and not _are_even(lengths):  # as months are: Zarr takes only even ones
        array = array.rechunk({template.dims.index(periods): max(lengths)})
    return spread(template, array, x, tuple(cells))


def _are_even(sizes: tuple[int, ...]) -> bool:
    """Whether chunks have one size, but that the last one may be smaller."""
    return len(sizes) == 0 or (set(sizes[:-1]) <= {sizes[0]} and sizes[-1] <= sizes[0])


# --- days of the sun ---


def _solar(row: dict[str, Any], rest: dict[str, Any], x: xr.DataArray, run: Runner) -> Any:
    """Columns of each hour by themselves, with the days of their own, put side by side."""
    import xarray as xr

    name, time, longitude = row["operands"][0]["name"], time_of(x), find_axis(x, LONGITUDE_NAMES)
    field = as_field(outline(x))
    cells = tuple(dim for dim in x.dims if dim != time)
    template = run(row, {**rest, name: Shell.of(x).single(cells)})
    assert longitude is not None  # without them the template is refused
    hours = hours_of(field.grid()[1])
    rule = grouping_of(row, rest, field)[0]  # type: ignore[index]
    parts, days = {}, {}
    for hour in np.unique(hours).tolist():
        columns = x.isel({longitude: np.flatnonzero(hours == hour)})
        parts[hour] = scan(row, {**rest, "utc_offset": float(hour), name: columns}, run)
        starts = _core.periods(row["name"], field.seconds, field.calendar, (rule, hour * HOUR))[1]
        days[hour] = starts // DAY
    first, last = min(own[0] for own in days.values()), max(own[-1] for own in days.values())
    widths = {hour: {time: (int(own[0] - first), int(last - own[-1]))} for hour, own in days.items()}
    bare = [part.drop_vars(part.coords).pad(widths[hour], constant_values=np.nan) for hour, part in parts.items()]
    order = np.argsort(np.concatenate([np.flatnonzero(hours == hour) for hour in parts]), kind="stable")
    values = xr.concat(bare, longitude).isel({longitude: order}).transpose(*template.dims)
    dates = field.dates((first + np.arange(last - first + 1)) * DAY)
    whole = template.isel({time: 0}, drop=True).expand_dims({time: dates}).transpose(*template.dims)
    whole[time].attrs = template[time].attrs
    return spread(whole, values.data, x, cells)

"""Events in a lazy field: slabs of time become runs and patches anywhere, and are put together in one place.

A slab is a range of time steps, with whole maps: chunks of space are put together slab by slab, never of the whole
record. Each is one task. It is given the steps around it that the filter of spells and gaps looks at, and of a
threshold the maps that it is compared with, and gives back bytes: some three for a run of cells, 150 for a patch.
The process that asks joins them with the code that joins steps in memory, so that tables and numbers are the same
bits for any chunks.

Memory of a task is one slab, about dask's ``array.chunk-size``, the steps around it and its maps of the threshold; of
the process that asks, the bytes of all slabs and the tables of events.
"""

from __future__ import annotations

import itertools
import math
import operator
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .. import _core
from ..errors import PerformanceHint, warn
from ..field import check_mask, plain
from ..memory import memory_budget
from ..times import linked

#: Slabs are not left below this share of the size that dask is set to.
_SMALL = 16

#: Slabs that may be in memory before a hint is given.
_HELD = 16

#: Parts of the memory, as of a search in memory.
_SHARES = 8

#: Maps, the map of each step or None, scale and offset: of a search in memory, but that maps may be dask's.
Limits = tuple[Any, "np.ndarray | None", float, float]


@dataclass(frozen=True)
class Question:
    """What every slab is asked; it stands in the graph once.

    Attributes
    ----------
    name : str
        Row of the table of diagnostics.
    params : list
        Its parameters.
    below : bool
        Whether events lie below their threshold.
    latitude, longitude : numpy.ndarray
        Axes.
    """

    name: str
    params: list[Any]
    below: bool
    latitude: np.ndarray
    longitude: np.ndarray

    def around(self) -> int:
        """Steps on either side of a slab that it depends on."""
        return _core.field_around(self.name, self.params)


def find(
    question: Question,
    x: Any,
    limits: Sequence[Limits | None],
    seconds: np.ndarray,
    calendar: str,
    others: Sequence[Any] = (),
) -> tuple[Any, list[Any]]:
    """Search a lazy field for events.

    Parameters
    ----------
    question : Question
        What is asked.
    x : dask.array.Array
        Field (time, latitude, longitude).
    limits : sequence
        Threshold, core, climatology and mask.
    seconds : numpy.ndarray
        Times.
    calendar : str
        Their calendar.
    others : sequence of Delayed
        What else is computed in the same pass.

    Returns
    -------
    tuple
        The ``_core.Events``, computed by the scheduler that dask is set to, the same as of the field in memory; and
        what became of the others.
    """
    from dask.base import compute
    from dask.delayed import Delayed

    cells = question.latitude.size, question.longitude.size
    number = [[np.zeros((1, 1, 1))], None, 1.0, 0.0]
    # No steps: the core sees whether axes and parameters are in order before anything is computed.
    _slab(question, [np.zeros((0, *cells), x.dtype)], [number, None, None, None], np.zeros(0, bool), 0, 0)
    name, graph, keys = graph_of(question, x, limits, seconds)
    found = compute(*(Delayed(key, graph, layer=name) for key in keys), *others)  # type: ignore[no-untyped-call]
    slabs = found[: len(keys)]
    events = _core.field_join(
        question.name,
        question.params,
        slabs,
        question.below,
        seconds,
        question.latitude,
        question.longitude,
        calendar,
        memory_budget() // _SHARES,
        tempfile.gettempdir(),
        None,
    )
    return events, list(found[len(keys) :])


def graph_of(
    question: Question, x: Any, limits: Sequence[Limits | None], seconds: np.ndarray
) -> tuple[str, Any, list[tuple[str, int]]]:
    """Name of a layer, a graph with a task per slab, and the keys of the slabs in order of time."""
    from dask.highlevelgraph import HighLevelGraph

    name = f"{question.name}-{uuid.uuid4().hex}"
    steps, around = len(seconds), question.around()
    sizes = _sizes(x, around)
    layer: dict[Any, Any] = {f"question-{name}": question}
    parts = _Parts(f"part-{name}", layer)
    field = parts.of_dask(x, sizes)
    maps = [None if limit is None else _Maps.of(limit, sizes, parts) for limit in limits]
    follows = linked(seconds)
    keys: list[tuple[str, int]] = []
    for first, end in itertools.pairwise(_edges(sizes).tolist()):
        low, high = max(first - around, 0), min(end + around, steps)
        compared = [None if each is None else each.at(low, high, parts) for each in maps]
        values = parts.at(field, np.arange(low, high))
        keys.append((name, len(keys)))
        layer[keys[-1]] = (
            *(_slab, f"question-{name}", values, compared),
            *(follows[low:high], first - low, end - low),
        )
    return name, HighLevelGraph.from_collections(name, layer, dependencies=parts.arrays), keys


def _slab(
    question: Question, parts: list[Any], limits: list[Any], follows: np.ndarray, first: int, end: int
) -> bytes:
    """What a search keeps of the steps `first` to `end` of some."""
    cells = question.latitude.size, question.longitude.size
    beyond, core, climatology, where = (None if limit is None else _limits_of(limit, cells) for limit in limits)
    if where is not None:
        check_mask(where[0], "where")
    return _core.field_slab(
        question.name,
        question.params,
        _together(parts),
        question.below,
        (beyond, core, climatology, where),
        follows,
        first,
        end,
        question.latitude,
        question.longitude,
    )


def _limits_of(limit: list[Any], cells: tuple[int, ...]) -> Limits:
    parts, slots, scale, offset = limit
    maps = _together(parts)
    return np.broadcast_to(maps, (len(maps), *cells)), slots, scale, offset


def _together(parts: list[Any]) -> np.ndarray:
    arrays = [plain(part) for part in parts]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


# --- rows of an array, from the blocks that hold them ---


class _Blocks(NamedTuple):
    """An array in blocks along its first axis.

    Attributes
    ----------
    keys : list
        Keys of the blocks.
    edges : numpy.ndarray
        Where each begins; and the number of rows.
    """

    keys: list[Any]
    edges: np.ndarray


class _Parts:
    """Tasks that take rows out of blocks.

    Parameters
    ----------
    name : str
        Of the tasks.
    layer : dict
        Of the graph: the tasks are put into it.

    Attributes
    ----------
    arrays : list of dask.array.Array
        Those that rows are taken of.
    """

    def __init__(self, name: str, layer: dict[Any, Any]) -> None:
        self._name, self._layer = name, layer
        self.arrays: list[Any] = []

    def of_dask(self, array: Any, sizes: Sequence[int]) -> _Blocks:
        """Blocks of whole maps, so many in each."""
        chunks = {0: tuple(sizes), **dict.fromkeys(range(1, array.ndim), -1)}
        # Tasks, which go from worker to worker one by one: what is lost is made anew, and nothing else.
        whole = array.rechunk(chunks, method="tasks")
        self.arrays.append(whole)
        keys = [(whole.name, i, *(0,) * (array.ndim - 1)) for i in range(len(sizes))]
        return _Blocks(keys, _edges(sizes))

    def of_numpy(self, array: np.ndarray, sizes: Sequence[int]) -> _Blocks:
        """The same of an array in memory: each of its blocks stands in the graph once."""
        edges = _edges(sizes)
        return _Blocks([self._put(array[low:high]) for low, high in itertools.pairwise(edges.tolist())], edges)

    def at(self, blocks: _Blocks, rows: np.ndarray) -> list[Any]:
        """Keys of arrays that hold some rows, in ascending order, together."""
        found = []
        one, last = np.searchsorted(blocks.edges, rows[[0, -1]], side="right") - 1
        for key, low, high in zip(
            blocks.keys[one : last + 1], blocks.edges[one : last + 1], blocks.edges[one + 1 : last + 2], strict=True
        ):
            first, end = np.searchsorted(rows, (low, high))
            wanted = rows[first:end] - low
            if end - first == high - low:
                found.append(key)
            elif end > first:
                found.append(self._put((operator.getitem, key, _slice(wanted))))
        return found

    def _put(self, task: Any) -> tuple[str, int]:
        key = self._name, len(self._layer)
        self._layer[key] = task
        return key


def _slice(rows: np.ndarray) -> Any:
    """Rows as a slice, which needs no copy, where they follow each other."""
    first, last = int(rows[0]), int(rows[-1])
    return slice(first, last + 1) if last - first + 1 == len(rows) else rows


class _Maps(NamedTuple):
    """Maps that steps are compared with."""

    blocks: _Blocks
    slots: np.ndarray | None
    scale: float
    offset: float

    @classmethod
    def of(cls, limit: Limits, slabs: Sequence[int], parts: _Parts) -> _Maps:
        """Of maps in memory or of dask's; those of steps are cut as the steps are."""
        maps, slots, scale, offset = limit
        if isinstance(maps, np.ndarray):
            # A number stands for a whole map: its row has one cell.
            maps = maps[tuple(slice(1) if step == 0 else slice(None) for step in maps.strides)]
            return cls(parts.of_numpy(maps, _sizes_of_maps(maps)), slots, scale, offset)
        of_steps = slots is not None and np.array_equal(slots, np.arange(sum(slabs)))
        return cls(parts.of_dask(maps, slabs if of_steps else _sizes_of_maps(maps)), slots, scale, offset)

    def at(self, low: int, high: int, parts: _Parts) -> list[Any]:
        """The maps of the steps from `low` to `high`, which of them is that of each step, scale and offset."""
        if self.slots is None:
            return [parts.at(self.blocks, np.arange(1)), None, self.scale, self.offset]
        rows, places = np.unique(self.slots[low:high], return_inverse=True)
        return [parts.at(self.blocks, rows), places.astype("int32"), self.scale, self.offset]


# --- how an array is cut ---


def _edges(sizes: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(int)


def _most_rows(array: Any) -> int:
    """Rows that are as large as dask wants a chunk to be."""
    import dask
    from dask.utils import parse_bytes

    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    return int(parse_bytes(dask.config.get("array.chunk-size")) // max(row, 1))


def _sizes(x: Any, around: int) -> list[int]:
    """Steps of each slab: those of the chunks, but that small ones are put together and large ones cut.

    No slab is shorter than what lies around it, so that no step is looked at more than three times.
    """
    most = max(_most_rows(x), around, 1)
    least = max(_most_rows(x) // _SMALL, around, 1)
    if max(x.chunks[0]) > _HELD * most and any(len(sizes) > 1 for sizes in x.chunks[1:]):
        warn(
            f"events need whole maps, and chunks of {max(x.chunks[0])} steps hold parts of them: those of as many "
            "steps are in memory at the same time. Open the data in chunks of few steps, such as chunks={'time': "
            f"{most}, 'latitude': -1, 'longitude': -1}}",
            PerformanceHint,
        )
    return list(_joined(itertools.chain.from_iterable(_cut(size, most) for size in x.chunks[0]), least))


def _sizes_of_maps(maps: Any) -> list[int]:
    return _cut(len(maps), max(_most_rows(maps) // _SMALL, 1))


def _cut(size: int, most: int) -> list[int]:
    """A size in parts that are as equal as can be."""
    parts = -(-size // most)
    return [size * (i + 1) // parts - size * i // parts for i in range(parts)]


def _joined(sizes: Iterable[int], least: int) -> Iterable[int]:
    """Sizes, small ones added to those that follow; the last ones to the one before."""
    held = 0
    ready = None
    for size in sizes:
        held += size
        if held >= least:
            if ready is not None:
                yield ready
            ready, held = held, 0
    if ready is not None or held:
        yield (ready or 0) + held

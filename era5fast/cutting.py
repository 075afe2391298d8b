"""Cutting what is wanted into pieces that cost no more than one job may."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from . import periods
from .errors import InputError
from .variable_table import Row

_T = TypeVar("_T")


@dataclass(frozen=True)
class Piece:
    """Variables × levels × days × hours."""

    variables: tuple[Row, ...]
    levels: tuple[int, ...]
    days: tuple[int, ...]
    hours: tuple[int, ...]


def _cost(piece: Piece, steps: int) -> int:
    return len(piece.variables) * max(1, len(piece.levels)) * len(piece.days) * (steps or len(piece.hours))


def cut(whole: Piece, units: Sequence[str], capacity: float, steps: int = 0) -> list[Piece]:
    """Pieces of at most `capacity` fields.

    The longest calendar unit of which every piece is cheap enough is taken. If even the shortest is too dear,
    variables are parted, then levels, then days, then hours.

    Parameters
    ----------
    whole : Piece
        What is wanted.
    units : sequence of str
        Calendar units, the longest first.
    capacity : float
        Fields of one job.
    steps : int
        Fields of a day where they are not counted by hours.

    Raises
    ------
    InputError
        If one field is too much.
    """
    for unit in units:
        pieces = [replace(whole, days=tuple(days)) for days in periods.cut(whole.days, unit)]
        if all(_cost(piece, steps) <= capacity for piece in pieces):
            return pieces
    longest = max(pieces, key=lambda piece: len(piece.days))
    return [part for piece in pieces for part in _parted(piece, longest, capacity, steps)]


def _parted(piece: Piece, longest: Piece, capacity: float, steps: int) -> Iterator[Piece]:
    """The same parts for all periods, chosen so that the longest of them is cheap enough."""
    for key in ("variables", "levels", "days", "hours"):
        if key == "hours" and steps:
            break
        items: tuple[Any, ...] = getattr(longest, key)
        one = replace(longest, **{key: items[:1]})
        if _cost(one, steps) <= capacity:
            size = int(capacity // _cost(one, steps))
            for part in _even(getattr(piece, key), size):
                yield replace(piece, **{key: part})
            return
        longest = one
        if len(getattr(piece, key)) > 1:
            singles = [replace(piece, **{key: (item,)}) for item in getattr(piece, key)]
            yield from itertools.chain.from_iterable(_parted(p, longest, capacity, steps) for p in singles)
            return
    raise InputError(f"one field costs more than {capacity:,.0f} fields may", hint="raise max_cost")


def _even(items: tuple[_T, ...], size: int) -> list[tuple[_T, ...]]:
    """Parts of at most `size`, about equally long."""
    count = -(-len(items) // size)
    edges = [len(items) * i // count for i in range(count + 1)]
    return [items[a:b] for a, b in itertools.pairwise(edges)]

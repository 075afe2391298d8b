"""Slow twin of ``run_lengths``, ``spell_statistics`` and ``spells``: one cell, day by day."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

OPS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}


def runs_of(flags: Sequence[bool], broken: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last step of each run of true flags; no run reaches into a step that is `broken` off the last one."""
    found: list[tuple[int, int]] = []
    for t, flag in enumerate(flags):
        if flag and found and found[-1][1] == t - 1 and not broken[t]:
            found[-1] = (found[-1][0], t)
        elif flag:
            found.append((t, t))
    return found


def joined(
    runs: list[tuple[int, int]], max_gap: int, known: Sequence[bool], broken: Sequence[bool]
) -> list[tuple[int, int]]:
    """Runs with the gaps between them bridged that are short, and hold no missing day."""
    result: list[tuple[int, int]] = []
    for first, last in runs:
        if result:
            gap = range(result[-1][1] + 1, first)
            whole = all(known[t] for t in gap) and not any(broken[t] for t in range(gap.start, first + 1))
            if 0 < len(gap) <= max_gap and whole:
                result[-1] = (result[-1][0], last)
                continue
        result.append((first, last))
    return result


def find_spells(
    flags: Sequence[bool],
    known: Sequence[bool],
    broken: Sequence[bool],
    *,
    min_length: int = 1,
    max_gap: int = 0,
    gap_order: str = "filter",
) -> list[tuple[int, int]]:
    """Spells of one cell as (first, last) steps."""

    def long(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(a, b) for a, b in runs if b - a + 1 >= min_length]

    runs = runs_of(flags, broken)
    if gap_order == "filter":
        return joined(long(runs), max_gap, known, broken)
    return long(joined(runs, max_gap, known, broken))


def lingering(start: Sequence[bool], stay: Sequence[bool]) -> list[bool]:
    """Days that pass `start`, and those after them as long as they pass `stay`."""
    result: list[bool] = []
    for begins, goes_on in zip(start, stay, strict=True):
        result.append(bool(begins or (goes_on and result and result[-1])))
    return result


def spell_statistics(
    flags: Sequence[bool],
    known: Sequence[bool],
    days: Sequence[int],
    periods: Sequence[int],
    starts: Sequence[int],
    *,
    border: str = "cut",
    **rule: Any,
) -> dict[str, list[float]]:
    """Numbers per period of one cell.

    Parameters
    ----------
    flags, known
        Whether each step passes, and whether it has a value.
    days, periods
        Number of each step's day, and its period (−1: none).
    starts
        Number of the first day of each period.
    border
        'cut', 'first', 'last' or 'own'.
    rule
        As for `find_spells`.
    """
    n = len(days)
    broken = [
        t > 0 and (days[t] != days[t - 1] + 1 or (border == "cut" and periods[t] != periods[t - 1])) for t in range(n)
    ]
    spells = find_spells(flags, known, broken, **rule)
    if border == "own":  # whole spells first, then pieces of them
        pieces = []
        for first, last in spells:
            for t in range(first, last + 1):
                if t > first and periods[t] == periods[t - 1]:
                    pieces[-1] = (pieces[-1][0], t)
                else:
                    pieces.append((t, t))
        spells = pieces
    result: dict[str, list[float]] = {key: [] for key in ("count", "total", "longest", "mean", "first", "last")}
    for period, start in enumerate(starts):
        own = [(a, b) for a, b in spells if periods[b if border == "last" else a] == period]
        lengths = [b - a + 1 for a, b in own]
        result["count"].append(len(own))
        result["total"].append(sum(lengths))
        result["longest"].append(max(lengths, default=0))
        result["mean"].append(sum(lengths) / len(own) if own else np.nan)
        # Places of the ends, counted from the day at which a whole spell is known to belong to the period.
        result["first"].append(days[own[0][0]] - start + 1 if own else np.nan)
        result["last"].append(days[own[-1][1]] - start + 1 if own else np.nan)
    return result

"""Genealogy: how the patches of an event follow each other, fall apart and become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .optional import need
from .times import DAY, encode_times, usual_step

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["branches", "links", "patches"]


def patches(core: Any, number: int) -> pd.DataFrame:
    """Patches of an event: cells that touch each other at one time step.

    Parameters
    ----------
    core : _core.Events
        Tables of the core.
    number : int
        Event, from 0.

    Returns
    -------
    pandas.DataFrame
        One row per patch, in order of time, which is the index: ``time``, ``branch`` (see :func:`branches`),
        ``area_km2``, ``exceedance_mean`` (weighted with area), ``exceedance_max``, ``centroid_latitude`` and
        ``centroid_longitude``.
    """
    pd = need("pandas", "tables")
    own, between = _of_event(core, number)
    axes = core.axes()
    return pd.DataFrame(
        {
            "time": encode_times(axes["seconds"][own["time"]], axes["calendar"]),
            "branch": _branch_of(len(own["time"]), between["from"], between["to"]),
            "area_km2": own["area"],
            "exceedance_mean": own["mean"],
            "exceedance_max": own["maximum"],
            "centroid_latitude": own["latitude"],
            "centroid_longitude": own["longitude"],
        }
    ).rename_axis("patch")


def links(core: Any, number: int) -> pd.DataFrame:
    """Links of an event: which patch goes on in which patch of a later time step.

    Parameters
    ----------
    core : _core.Events
        Tables of the core.
    number : int
        Event, from 0.

    Returns
    -------
    pandas.DataFrame
        One row per link: ``from`` and ``to``, patches of :func:`patches`, and ``shared_area_km2``, the area of the
        cells that both have (0 where they touch only).
    """
    pd = need("pandas", "tables")
    _, between = _of_event(core, number)
    return pd.DataFrame({"from": between["from"], "to": between["to"], "shared_area_km2": between["area"]})


def branches(core: Any, number: int) -> pd.DataFrame:
    """Branches of an event: its life between splits and merges.

    A branch is a longest chain of patches of which each goes on in the next alone, and comes from the one before
    alone. An event without splits and merges has one branch.

    Parameters
    ----------
    core : _core.Events
        Tables of the core.
    number : int
        Event, from 0.

    Returns
    -------
    pandas.DataFrame
        One row per branch, in order of its first patch; the index is its number. ``start`` and ``end``: first and
        last time step; ``duration_days``: from start to end, both included; ``patches``: how many; ``begins``:
        ``"new"``, ``"split"`` or ``"merge"``; ``ends``: ``"gone"``, ``"split"`` or ``"merge"``; ``parents`` and
        ``children``: tuples of branches; ``area_max_km2``; ``exceedance_max``.
    """
    pd = need("pandas", "tables")
    own, between = _of_event(core, number)
    axes = core.axes()
    count = len(own["time"])
    branch = _branch_of(count, between["from"], between["to"])
    first, last = _ends_of(branch)
    parents, children = _relatives(branch, between["from"], between["to"])
    incoming = np.bincount(between["to"], minlength=count)[first]
    outgoing = np.bincount(between["from"], minlength=count)[last]
    seconds = axes["seconds"][own["time"]]
    days = (seconds[last] - seconds[first]) / DAY + (float(axes["step_days"]) or usual_step(axes["seconds"]) / DAY)
    return pd.DataFrame(
        {
            "start": encode_times(seconds[first], axes["calendar"]),
            "end": encode_times(seconds[last], axes["calendar"]),
            "duration_days": days,
            "patches": np.bincount(branch),
            "begins": np.select([incoming == 0, incoming > 1], ["new", "merge"], "split"),
            "ends": np.select([outgoing == 0, outgoing > 1], ["gone", "split"], "merge"),
            "parents": parents,
            "children": children,
            "area_max_km2": _largest(own["area"], branch),
            "exceedance_max": _largest(own["maximum"], branch),
        }
    ).rename_axis("branch")


def _of_event(core: Any, number: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Patches and links of one event."""
    table = core.table()
    parts = []
    for rows, first, count in ((core.blobs(), "first_blob", "blobs"), (core.links(), "first_link", "links")):
        begin = int(table[first][number])
        end = begin + int(table[count][number])
        parts.append({name: column[begin:end] for name, column in rows.items()})
    return parts[0], parts[1]


def _branch_of(count: int, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Branch of each patch; patches are in order of time, and links in order of their source."""
    alone = (np.bincount(source, minlength=count)[source] == 1) & (np.bincount(target, minlength=count)[target] == 1)
    before = np.full(count, -1, dtype="int64")
    before[target[alone]] = source[alone]
    branch, new = np.empty(count, dtype="int64"), 0
    for patch, previous in enumerate(before.tolist()):
        branch[patch] = branch[previous] if previous >= 0 else new
        new += previous < 0
    return branch


def _ends_of(branch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last patch of each branch."""
    _, first = np.unique(branch, return_index=True)
    _, back = np.unique(branch[::-1], return_index=True)
    return first, len(branch) - 1 - back


def _relatives(branch: np.ndarray, source: np.ndarray, target: np.ndarray) -> tuple[list[Any], list[Any]]:
    """Branches that each branch comes from, and goes on in."""
    count = int(branch.max(initial=-1)) + 1
    parents: list[set[int]] = [set() for _ in range(count)]
    children: list[set[int]] = [set() for _ in range(count)]
    for a, b in zip(branch[source].tolist(), branch[target].tolist(), strict=True):
        if a != b:
            parents[b].add(a)
            children[a].add(b)
    return [tuple(sorted(group)) for group in parents], [tuple(sorted(group)) for group in children]


def _largest(values: np.ndarray, branch: np.ndarray) -> np.ndarray:
    result = np.full(int(branch.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(result, branch, values)
    return result

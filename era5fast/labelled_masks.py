"""Masks in which another program has labelled its objects, as catalogues of events with all properties."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from . import catalogue_tables, diagnostics
from .catalogue import EventCatalogue
from .coordinates import SAME, longitude_steps
from .errors import InputError
from .field import Field, as_field, as_maps, check_maps, one_variable
from .operands import check_axes, check_times

__all__ = ["events_from_labels"]

#: Half of the neighbours in time, row and column: the others are the same pairs seen from the other side.
_OFFSETS = [(t, r, c) for t, r, c in itertools.product((-1, 0, 1), repeat=3) if (t, r, c) > (0, 0, 0)]


def events_from_labels(
    labels: Any,
    x: Any = None,
    *,
    background: int | None = None,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    progress: bool = True,
) -> EventCatalogue:
    """Make a catalogue of events of a mask that another program has labelled.

    Such as the output of ``StitchBlobs`` of TempestExtremes, of marEx or ocetrac, or
    :meth:`EventCatalogue.labels <era5fast.catalogue.EventCatalogue.labels>`.

    Parameters
    ----------
    labels : DataArray, ndarray or path (time, latitude, longitude)
        Whole numbers: the object that each cell belongs to at each step. In memory as a whole.
    x : DataArray, ndarray or paths (time, latitude, longitude), optional
        Values, which become the exceedance of the events; 1 everywhere when left out. Cells without a value belong to
        no event.
    background : int, optional
        Cells whose label is not larger, or missing, belong to no object. Left out, it is what the attribute
        ``no_event`` of the labels says (−1 in ours); without one −1 where that is among the labels, and else 0.
    time, latitude, longitude, calendar : optional
        Axes of plain arrays.
    variable : str, optional
        Variable of the files of `x`.
    progress : bool, default True
        Show progress of long runs.

    Returns
    -------
    EventCatalogue
        One event per label, in order of start and first cell: ``labels[t[0], i[0], j[0]]`` is the label of an event
        with the cells ``t, i, j = events.cells(number)``.

    Raises
    ------
    InputError
        If a label has parts that do not touch each other in time or space, as a gap in time makes them, if `labels`
        and `x` are not on the same steps and cells, or if the attribute ``no_event`` is no longer true.

    Notes
    -----
    Objects that touch each other are kept apart: labels are put into a few sets no two of which touch, each set is
    searched by :func:`era5fast.find_events` with ``where`` and 26 neighbours, and the catalogues are put together.
    """
    axes = {"time": time, "latitude": latitude, "longitude": longitude, "calendar": calendar}
    given = as_field(as_maps(one_variable(labels)), **axes, wraps=False)
    check_maps(given)
    values = given.values()
    background = _background(values, given.attrs) if background is None else background
    numbers = _numbers(values, background)
    if x is None:
        field = replace(given, source=np.ones(numbers.shape, "float32"), attrs={})
    else:
        field = as_field(as_maps(one_variable(x, variable)), **axes, variable=variable, wraps=False)
        check_maps(field)
        check_times(field, given, "labels")
        check_axes(field, given, "labels")
    parts = [_search(field, numbers, chosen, progress) for chosen in _apart(numbers, *field.grid())]
    return EventCatalogue(
        catalogue_tables.to_core(_beside(parts)),
        definition={
            "diagnostic": "events_from_labels",
            "labels": given.name,
            "x": field.name,
            "background": background,
        },
        name=field.name,
        attrs=field.attrs,
        paths=tuple(dict.fromkeys([*given.paths, *field.paths])),
    )


def _background(labels: np.ndarray, attrs: dict[str, Any]) -> int:
    """What labels have where there is no object.

    Raises
    ------
    InputError
        If an attribute says what no label is, as after ``labels + 1``, and most of the cells would be one object.
    """
    if "no_event" not in attrs:
        return -1 if (labels == -1).any() else 0
    said = int(attrs["no_event"])
    if not (labels == said).any():
        known, counts = np.unique(labels[labels > said], return_counts=True)
        if known.size > 1 and 2 * counts.max() > labels.size:
            most = known[counts.argmax()]
            raise InputError(
                f"the attribute no_event of the labels is {said}, which none of them is, and more than half of the "
                f"cells have the label {most:g}",
                hint=f"if these belong to no object, pass background={most:g}",
            )
    return said


def _numbers(labels: np.ndarray, background: int) -> np.ndarray:
    """Labels as numbers from 1 in their order; 0 where there is none.

    Raises
    ------
    InputError
        If one is not whole, or there is none.
    """
    inside = labels > background  # not where it is NaN
    known, numbers = np.unique(labels[inside], return_inverse=True)
    if known.size == 0:
        raise InputError("the mask has no labels", hint=f"labels are larger than background={background}")
    if (known != np.floor(known)).any():
        raise InputError("the labels are no whole numbers", hint="the values go into x, the second operand")
    result = np.zeros(labels.shape, dtype="int64")
    result[inside] = numbers + 1
    return result


# --- sets of labels that do not touch ---


def _apart(numbers: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> list[np.ndarray]:
    """Sets of labels no two of which touch, as masks of labels: each label goes into the first set that it can."""
    beside: dict[int, set[int]] = {}
    for one, other in _touching(numbers, latitude, longitude):
        beside.setdefault(other, set()).add(one)  # one < other
    set_of = np.zeros(int(numbers.max()) + 1, dtype="int64")
    for label in range(1, len(set_of)):
        taken = {int(set_of[other]) for other in beside.get(label, ())}
        set_of[label] = next(number for number in itertools.count(1) if number not in taken)
    return [set_of == number for number in range(1, int(set_of.max()) + 1)]


def _touching(numbers: np.ndarray, latitude: np.ndarray, longitude: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of labels that touch, the smaller one first."""
    step = np.abs(longitude_steps(longitude)).mean() if len(longitude) > 1 else 0.0
    periodic = abs(step * len(longitude) - 360) <= SAME * len(longitude)
    found: set[tuple[int, int]] = set()
    for offset in _OFFSETS:
        found |= _pairs(*_shifted(numbers, offset, periodic))
    for row in np.flatnonzero(np.abs(latitude) > 90 - SAME):  # one point
        here = numbers[:, row]
        for first, then in zip(here, [*here[1:], here[-1]], strict=True):
            on_pole = np.unique(np.concatenate([first, then]))
            found |= set(itertools.combinations(on_pole[on_pole > 0].tolist(), 2))
    return found


def _shifted(numbers: np.ndarray, offset: tuple[int, int, int], periodic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Cells, and those beside them by an offset in time, row and column."""
    one, other = numbers, numbers
    for axis, by in enumerate(offset):
        if axis == 2 and periodic:
            other = np.roll(other, -by, axis=2)
        elif by:
            ends = slice(None, -1), slice(1, None)
            here, there = ends if by > 0 else ends[::-1]
            one, other = (part[(slice(None),) * axis + (end,)] for part, end in ((one, here), (other, there)))
    return one, other


def _pairs(one: np.ndarray, other: np.ndarray) -> set[tuple[int, int]]:
    touch = (one != other) & (one > 0) & (other > 0)
    a, b = one[touch], other[touch]
    pairs = np.unique(np.stack([np.minimum(a, b), np.maximum(a, b)]), axis=1)
    return set(zip(*pairs.tolist(), strict=True))


# --- catalogues ---


def _search(field: Field, numbers: np.ndarray, chosen: np.ndarray, progress: bool) -> catalogue_tables.Tables:
    """Tables of the events of some of the labels.

    Raises
    ------
    InputError
        If a label is in several parts.
    """
    search: Any = diagnostics.find_events
    found = search(field, where=chosen[numbers], min_days=1, connectivity=26, progress=progress)
    tables = catalogue_tables.of_core(found.core)
    first = {name: tables.runs[name][tables.events["first_run"]] for name in ("time", "row", "first")}
    own = numbers[first["time"], first["row"], first["first"]]
    label, count = np.unique(own, return_counts=True)
    if (count > 1).any():
        time, row, column = (first[name][own == label[count > 1][0]][1] for name in first)
        raise InputError(
            f"a label is in parts that do not touch; one begins at step {time}, row {row}, column {column}",
            hint="find_events(x, where=labels > 0, min_days=1) makes an event of each part",
        )
    return tables


def _beside(parts: list[catalogue_tables.Tables]) -> catalogue_tables.Tables:
    """Events of one record that were found apart, in order of start and first cell."""
    axes = parts[0].axes
    nowhere = {**axes, "seconds": axes["seconds"][:0]}  # so that their steps are not moved behind each other
    together = catalogue_tables.join([part._replace(axes=nowhere) for part in parts])._replace(axes=axes)
    run = together.events["first_run"]
    order = np.lexsort([together.runs[name][run] for name in ("first", "row", "time")])
    return catalogue_tables.take(together, order)

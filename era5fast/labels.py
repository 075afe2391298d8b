"""Connected components of a mask in time, latitude and longitude."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _core, attributes, times
from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, TIME_NAMES, find_axis, find_name
from .chunked.arrays import is_lazy, say_that_it_is_loaded
from .dataarrays import as_dataarray, is_labelled
from .errors import InputError
from .field import as_maps
from .sources import is_paths

__all__ = ["Labels", "label"]

#: Neighbourhoods: of a map, the one in space and time that is the same on a map.
_OF_MAPS = {4: 6, 8: 26}
_OF_SERIES = (6, 10, 18, 26)


class Labels:
    """Connected components of a mask, as :func:`label` found them.

    ``len(labels)`` is how many there are. They have the numbers 1, 2, 3 … in the order of their first cells, by time,
    then row, then column. Labels can be pickled, and so be sent to other processes.

    Attributes
    ----------
    shape : tuple of int
        Shape of the mask.
    """

    def __init__(self, question: tuple[Any, ...], mask: np.ndarray, shape: tuple[int, ...], origin: Any) -> None:
        self._core = _core.label(mask, *question)
        self._question = question
        self._origin = origin
        self.shape = shape

    def __reduce__(self) -> tuple[Any, ...]:
        """As the mask, an eighth of a byte a cell, which is labelled again where the pickle is read."""
        cells = self._core.dense()
        origin = self._origin
        about = None if origin is None else (origin.coords.to_dataset(), origin.dims, origin.name, origin.attrs)
        return _labelled_again, (self._question, np.packbits(cells > 0), cells.shape, self.shape, about)

    def __len__(self) -> int:
        """How many components there are."""
        return len(self._core)

    def __repr__(self) -> str:
        """Say how many there are, in what."""
        return f"<Labels: {len(self)} components of a mask of shape {self.shape}>"

    def dense(self) -> Any:
        """Return the number of the component of every cell.

        Returns
        -------
        numpy.ndarray or DataArray
            int32, of the shape of the mask, with its coordinates where it has them; 0 where the mask is false.
        """
        dense = self._core.dense().reshape(self.shape)
        if self._origin is None:
            return dense
        found = self._origin.copy(data=dense).rename("label")
        made = {"diagnostic": "label", "mask": attributes.made_by(self._origin.attrs, self._origin.name)}
        found.attrs = attributes.of_result("Connected component", "1", inputs=[self._origin.attrs], definition=made)
        return attributes.tidy_coordinates(found)

    def runs(self) -> dict[str, np.ndarray]:
        """Return the cells of all components as runs along longitude.

        Returns
        -------
        dict of numpy.ndarray
            int32 columns of the same length, ordered by time, row and first column: ``time``, ``row``, ``first``
            and ``count`` of the columns, ``component`` from 1. A run never crosses the seam of a global grid.
        """
        return self._core.runs()


def _labelled_again(
    question: tuple[Any, ...], bits: np.ndarray, cells: tuple[int, ...], shape: tuple[int, ...], about: Any
) -> Labels:
    mask = np.unpackbits(bits, count=math.prod(cells)).reshape(cells)
    if about is None:
        return Labels(question, mask, shape, None)
    import xarray as xr

    coords, *rest = about
    return Labels(question, mask, shape, xr.DataArray(mask.reshape(shape), coords.coords, *rest))


def label(
    mask: Any,
    connectivity: int | None = None,
    *,
    latitude: Any = None,
    longitude: Any = None,
    periodic: bool | None = None,
    linked: Any = None,
) -> Labels:
    """Find the connected components of a mask in time, latitude and longitude.

    Longitude closes a circle, and the cells of a row on a pole are one point, where the grid says so: two cells
    either side of the seam touch like any others, diagonally and from one step to the next too.

    Parameters
    ----------
    mask : numpy.ndarray, DataArray, Dataset or paths
        bool or uint8 (true where it is not 0), in any memory layout, of shape (time, latitude, longitude), or
        (latitude, longitude) for one map.
    connectivity : int, optional
        6 neighbours share a face, 18 a face or an edge, 26 a corner too; 10 are the 8 of a map and the same cell one
        step before and after. For one map 4 or 8. Default: 26, or 8 for one map.
    latitude, longitude : array of float, optional
        Axes in degrees; those of a DataArray need not be given. Without them there is neither seam nor pole.
    periodic : bool, optional
        Whether the last column touches the first. Default: where the longitudes go round the globe.
    linked : array of bool, optional
        For each step whether it follows its predecessor in time; cells do not touch across a gap. Default: where the
        times of a DataArray are as far apart as most, and everywhere without times.

    Returns
    -------
    Labels
        Number of components; dense labels and runs when asked for.

    Raises
    ------
    InputError
        If the mask is not of that kind or shape, the neighbourhood is not known, or the axes do not fit.

    Notes
    -----
    Rows are cut into runs, 64 cells at a time, and runs are united where they touch (union–find, Rosenfeld and Pfaltz
    1966), so that no array of the size of the mask is made but that of `dense`. The numbers do not depend on the
    number of threads.

    A mask that dask computes is loaded, a byte a cell: labels are numbers of the whole, and `dense` takes four times
    as much. :func:`era5fast.find_events` goes through lazy fields slab by slab instead.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((1, 2, 8), bool)
    >>> mask[0, 0, 0] = mask[0, 1, 7] = True  # a diagonal over the seam
    >>> len(label(mask)), len(label(mask, periodic=True))
    (2, 1)
    """
    mask = as_maps(as_dataarray(mask, name="mask")) if hasattr(mask, "dims") or is_paths(mask) else mask
    origin = mask if is_labelled(mask) else None
    values = _bytes_of(mask)
    neighbours = _neighbours(connectivity, values.ndim)
    if origin is not None:
        latitude = _coordinate(origin, LATITUDE_NAMES) if latitude is None else latitude
        longitude = _coordinate(origin, LONGITUDE_NAMES) if longitude is None else longitude
        linked = _links_of(origin) if linked is None and values.ndim == 3 else linked
    volume = values if values.ndim == 3 else values[None]
    axes = _axes(latitude, longitude, volume.shape[1:])
    links = None if linked is None else _links(linked, len(volume))
    wanted = -1 if periodic is None else int(bool(periodic))
    return Labels((links, neighbours, *axes, wanted), volume, values.shape, origin)


def _bytes_of(mask: Any) -> np.ndarray:
    if is_lazy(mask):
        say_that_it_is_loaded(mask)
    values = np.asarray(mask)
    if values.dtype not in (np.bool_, np.uint8):
        raise InputError(
            f"a mask is bool or uint8, not {values.dtype}", hint="compare first, as in label(field > threshold)"
        )
    if values.ndim not in (2, 3):
        raise InputError(
            f"a mask of shape {values.shape} has {values.ndim} dimensions; it must have time, latitude and longitude"
        )
    return values


def _neighbours(connectivity: int | None, ndim: int) -> int:
    if ndim == 2:
        if connectivity is not None and connectivity not in _OF_MAPS:
            raise InputError(f"cells of one map have 4 or 8 neighbours, not {connectivity!r}")
        return _OF_MAPS[8 if connectivity is None else connectivity]
    if connectivity is not None and connectivity not in _OF_SERIES:
        raise InputError(f"connectivity is 6, 10, 18 or 26, not {connectivity!r}")
    return 26 if connectivity is None else connectivity


def _coordinate(mask: Any, names: tuple[str, ...]) -> Any:
    name = find_axis(mask, names) or find_name(mask.coords, names)
    return None if name is None or mask[name].ndim != 1 else mask[name].values


def _links_of(mask: Any) -> np.ndarray | None:
    name = find_axis(mask, TIME_NAMES)
    if name is None or mask[name].dims != (mask.dims[0],) or mask[name].dtype.kind not in "MO":
        return None
    seconds, _ = times.decode_times(mask[name].values, None)
    return times.linked(seconds)


def _links(linked: Any, steps: int) -> np.ndarray:
    links = np.asarray(linked)
    if links.dtype != np.bool_ or links.shape != (steps,):
        raise InputError(f"linked must be {steps} of true or false, one per time step")
    return links


def _axes(latitude: Any, longitude: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    if latitude is None and longitude is None:
        return None, None
    if latitude is None or longitude is None:
        raise InputError("latitude and longitude belong together: give both or neither")
    try:
        axes = np.asarray(latitude, dtype="float64"), np.asarray(longitude, dtype="float64")
    except (TypeError, ValueError) as error:
        raise InputError("latitude and longitude are numbers in degrees") from error
    if any(axis.shape != (length,) for axis, length in zip(axes, shape, strict=True)):
        raise InputError(
            f"a mask of {shape[0]} × {shape[1]} cells, but {axes[0].size} latitudes, {axes[1].size} longitudes"
        )
    return axes

"""A series of fields as the core sees it, made from whatever the user has.

NumPy in → NumPy out, ``xarray`` in → ``xarray`` out, file names in → ``xarray`` out. This module is the only one that
knows how: diagnostics take a :class:`Field`, and give a result back through :meth:`Field.wrap`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import attributes
from .axis_names import LATITUDE_NAMES, LONGITUDE_NAMES, TIME_NAMES, find_axis, find_name
from .chunked.arrays import is_lazy, refuse_expression, say_that_it_is_loaded
from .errors import InputError
from .locks import reading
from .optional import need
from .other_grids import else_of_other_cells
from .sources import expand, has_grib, is_paths, magic_of, open_core
from .times import DAY, decode_times, encode_times, same_calendar, usual_step

if TYPE_CHECKING:
    import xarray as xr

HINT_OF_TIME = "it is called time or valid_time, or its coordinate holds dates or has the standard_name time"


@dataclass
class Field:
    """A field over time.

    Attributes
    ----------
    source : numpy.ndarray or _core.Dataset
        Values, time first.
    seconds : numpy.ndarray
        int64 seconds since 1970-01-01 of the calendar, one per time step.
    calendar : str
        CF name of the calendar.
    latitude, longitude : numpy.ndarray or None
        Axes in degrees; None when they are not known.
    name : str
        Name of the variable; empty when it is not known.
    attrs : dict
        Attributes of the variable.
    origin : xarray.DataArray or None
        What the field was made from, when it was xarray; time first.
    dims : tuple of str
        Dimensions of the DataArray in the order in which it came.
    labelled : bool
        True when results become a DataArray.
    paths : list of str
        Files behind the field, as the user named them; empty for data in memory.
    """

    source: Any
    seconds: np.ndarray
    calendar: str
    latitude: np.ndarray | None
    longitude: np.ndarray | None
    name: str
    attrs: dict[str, Any]
    origin: xr.DataArray | None = None
    dims: tuple[Any, ...] = ()
    labelled: bool = True
    paths: tuple[str, ...] = ()

    def values(self, progress: Any = None) -> np.ndarray:
        """Values in memory, time first."""
        if isinstance(self.source, np.ndarray):
            return self.source
        with self.reading():
            values = self.source.read(None, None, progress)
        # A level or a member of its own is no dimension of a map.
        return values.reshape(len(self.seconds), *(len(axis) for axis in self.grid()))

    def at(self, steps: np.ndarray) -> Field:
        """The field at some of its time steps, given as a mask; its values are in memory then."""
        origin = None if self.origin is None else self.origin.isel({self.origin.dims[0]: np.flatnonzero(steps)})
        return replace(self, source=self.values()[steps], seconds=self.seconds[steps], origin=origin)

    def reading(self) -> contextlib.AbstractContextManager[None]:
        """Context in which the core may read the source: alone with the netCDF libraries where it needs them."""
        return contextlib.nullcontext() if isinstance(self.source, np.ndarray) else reading(self.source)

    def is_single(self) -> bool:
        """Whether the values have the precision of float32, as packed ones have."""
        dtype = self.source.dtype if isinstance(self.source, np.ndarray) else np.dtype(self.source.header()["dtype"])
        return dtype.itemsize <= (4 if dtype.kind == "f" else 2)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Latitude and longitude.

        Raises
        ------
        InputError
            If they are not known.
        """
        if self.latitude is None or self.longitude is None:
            along = "" if self.origin is None else f": its cells are along {', '.join(map(str, self.cell_dims()))}"
            raise InputError(
                f"the grid is not known{along}",
                hint="pass latitude= and longitude=, or a DataArray that has them; what is on another grid has to be "
                "brought onto such axes first",
            )
        return self.latitude, self.longitude

    def cells(self) -> tuple[int, ...]:
        """Shape of one time step."""
        if isinstance(self.source, np.ndarray):
            return self.source.shape[1:]
        return tuple(len(axis) for axis in self.grid())

    def latitude_of_cells(self) -> np.ndarray | None:
        """Latitude of every cell, (1, *cells); None where it is not known."""
        cells = self.cells()
        if self.latitude is None:
            return None
        dims = self.cell_dims()
        name = find_name(dims, LATITUDE_NAMES) if self.origin is None else find_axis(self.origin, LATITUDE_NAMES)
        axis = dims.index(name) if self.labelled and name in dims else None
        if axis is None:
            axis = 0 if len(cells) > 0 and cells[0] == len(self.latitude) else None
        if axis is None and self.latitude.size != 1:
            return None
        shape = [1] * len(cells)
        if axis is not None:
            shape[axis] = cells[axis]
        return np.broadcast_to(self.latitude.reshape(shape), cells)[np.newaxis]

    def cell_dims(self) -> tuple[Any, ...]:
        """Names of the dimensions of one time step, as results have them."""
        return ("latitude", "longitude") if self.origin is None else self.origin.dims[1:]

    def made_by(self) -> Any:
        """Definition of the diagnostic that made the data; where it was none of ours, their name."""
        return attributes.made_by(self.attrs, self.name)

    def is_difference(self) -> bool:
        """Whether the values are differences of temperatures, such as anomalies: 1 °C is 1 K then."""
        return attributes.is_difference(self.attrs)

    def time_name(self) -> str:
        """Name of the dimension of time, as results have it."""
        return "time" if self.origin is None else str(self.origin.dims[0])

    def dates(self, seconds: np.ndarray) -> np.ndarray:
        """Dates of seconds: those of cftime where the data have them."""
        in_cftime = self.origin is not None and self.origin[self.time_name()].dtype.kind == "O"
        return encode_times(seconds, self.calendar, cftime=in_cftime)

    def wrap(
        self,
        values: np.ndarray,
        axes: list[tuple[str, Any]],
        attrs: dict[str, Any],
        name: str | None = None,
        about: dict[str, dict[str, Any]] | None = None,
    ) -> Any:
        """Give a result back in the form the data came in.

        Parameters
        ----------
        values : numpy.ndarray
            Result; its first axes are new, the others are those of the field.
        axes : list of (str, array or None)
            Name and coordinate of each of the first axes. ``("time", None)`` is the time of the field itself; what
            takes its place, the last one, stands where it stood.
        attrs : dict
            Attributes of the result.
        name : str, optional
            Name of the result; that of the field when left out.
        about : dict of dict, optional
            Attributes of axes by their names, where these say not enough.
        """
        if not self.labelled:
            return values
        import xarray as xr

        called = [self.time_name() if key == "time" else key for key, _ in axes]
        own_times = any(key == "time" and coordinate is None for key, coordinate in axes)
        new = {
            key: (key, coordinate, {**self._about_axis(key), **(about or {}).get(key, {})})
            for key, (_, coordinate) in zip(called, axes, strict=True)
            if coordinate is not None
        }
        result = xr.DataArray(
            values,
            dims=(*called, *self.cell_dims()),
            coords={**self._coords(own_times), **new},
            attrs=attrs,
            name=name or self.name or None,
        )
        result.encoding["era5fast_paths"] = self.paths  # the database wants to know where events come from
        return attributes.tidy_coordinates(result).transpose(*self._in_order(called))

    def _coords(self, with_times: bool) -> dict[Any, Any]:
        """Coordinates that stay, by name."""
        if self.origin is None:
            times = self.coords_of_time() if with_times else {}
            return {**times, **_grid_coords(self.latitude, self.longitude)}
        dims = set(self.origin.dims if with_times else self.origin.dims[1:])
        return {key: c for key, c in self.origin.coords.items() if set(c.dims) <= dims}

    def coords_of_time(self) -> dict[Any, Any]:
        """Coordinates that do not belong to cells: of the times, and single ones."""
        if self.origin is None:
            return {"time": ("time", self.dates(self.seconds), attributes.of_axis("time"))}
        return {key: c for key, c in self.origin.coords.items() if set(c.dims) <= {self.time_name()}}

    def _about_axis(self, name: str) -> dict[str, Any]:
        """Attributes of an axis: of times those of the data, of others what their names say."""
        if name != self.time_name():
            return attributes.of_axis(name)
        own = {} if self.origin is None else self.origin[name].attrs
        return {**attributes.of_axis("time"), **own}

    def _in_order(self, called: list[Any]) -> list[Any]:
        """Dimensions of a result: as in the DataArray, with what is in the place of time where time was."""
        cells = list(self.cell_dims())
        if not self.dims or not called or called[-1] not in (self.time_name(), *_IN_PLACE_OF_TIME):
            return [*called, *cells]
        at = self.dims.index(self.time_name())
        return [*called[:-1], *cells[:at], called[-1], *cells[at:]]


#: Axes that a result can have where the data have time.
_IN_PLACE_OF_TIME = ("dayofyear", "month", "season", "year")


def _grid_coords(latitude: Any, longitude: Any) -> dict[str, Any]:
    return {
        "latitude": ("latitude", latitude, attributes.of_axis("latitude")),
        "longitude": ("longitude", longitude, attributes.of_axis("longitude")),
    }


def as_field(
    x: Any,
    *,
    time: Any = None,
    latitude: Any = None,
    longitude: Any = None,
    calendar: str | None = None,
    variable: str | None = None,
    wraps: bool = True,
) -> Field:
    """Make a :class:`Field` from an array, a DataArray, or the names of files.

    Parameters
    ----------
    x : numpy.ndarray, xarray.DataArray, xarray.Dataset, path or sequence of paths
        Values with time first, or files that hold them.
    time : array of datetime64 or cftime dates
        Times of an ndarray; taken from the coordinates or the files otherwise.
    latitude, longitude : array, optional
        Axes of an ndarray.
    calendar : str, optional
        CF calendar of ``datetime64`` times; ``"proleptic_gregorian"`` when left out.
    variable : str, optional
        Which variable of the files or of the Dataset is meant.
    wraps : bool
        Whether a result is given back through :meth:`Field.wrap`: one of files is labelled, which takes xarray.

    Raises
    ------
    InputError
        If times or axes are missing or do not fit.
    MissingPackageError
        If xarray is needed and not installed.
    """
    if isinstance(x, Field):
        return x
    x = one_variable(x, variable)
    if hasattr(x, "dims") and hasattr(x, "coords"):
        return _of_calendar(_from_dataarray(x), calendar)
    if is_paths(x):
        if wraps:
            need("xarray", "results of files", "e5.read() gives plain arrays")
        return _of_calendar(_from_files(x, variable), calendar)
    if hasattr(x, "__dask_graph__"):
        hint = "xr.DataArray(x, dims=('time', 'latitude', 'longitude'), coords={'time': …})"
        raise InputError("an array of dask has no times and no axes", hint=hint)
    values = plain(x)
    if time is None:
        raise InputError("a plain array has no times", hint="pass time= with one date per step, or a DataArray")
    seconds, calendar = decode_times(time, calendar)
    if values.ndim < 1 or values.shape[0] != len(seconds):
        raise InputError(f"{len(seconds)} times for an array of shape {values.shape}", hint="time is the first axis")
    return Field(values, seconds, calendar, _axis(latitude), _axis(longitude), "", {}, labelled=False)


def _of_calendar(field: Field, calendar: str | None) -> Field:
    """The field, which says itself what its calendar is: the user may not say another."""
    if calendar is not None and not same_calendar(field.calendar, calendar):
        raise InputError(
            f"the calendar of the data is {field.calendar}, not {calendar}", hint="calendar= goes with plain arrays"
        )
    return field


def one_variable(x: Any, variable: str | None = None) -> Any:
    """Return the variable of a Dataset that is meant; anything else as it is.

    Parameters
    ----------
    x : any
        What the user passed.
    variable : str, optional
        Name of the variable; None: the only one.

    Raises
    ------
    InputError
        If there is no such variable, there are several and none is named, or dask holds it as an expression.
    """
    if not hasattr(x, "data_vars"):
        return refuse_expression(_without_quantity(x))
    names = [str(name) for name in x.data_vars]
    if variable is None and len(names) == 1:
        return refuse_expression(_without_quantity(x[names[0]]))
    if variable not in names:
        said = "which variable of the Dataset?" if variable is None else f"no variable {variable!r} in the Dataset"
        raise InputError(said, hint=f"it holds {', '.join(names) or 'none'}: pass one of them, like ds['…']")
    return refuse_expression(_without_quantity(x[variable]))


def is_quantity(x: Any) -> bool:
    """Whether something is a quantity of pint, which has units of its own."""
    return hasattr(x, "magnitude") and hasattr(x, "units")


def _without_quantity(x: Any) -> Any:
    """A DataArray whose values are a quantity of pint, with its units as an attribute; anything else as it is."""
    if not (hasattr(x, "dims") and hasattr(x, "variable")) or not is_quantity(held := x.variable._data):
        return x
    return x.copy(data=held.magnitude).assign_attrs(units=str(held.units))


def plain(x: Any) -> np.ndarray:
    """Return an array as it is, but for a masked one: there NaN takes the place of what is masked."""
    if is_quantity(x):
        raise InputError(
            f"an array in {x.units}: units go with a DataArray", hint="pass x.to(…).magnitude, or xarray.DataArray(x)"
        )
    if not isinstance(x, np.ma.MaskedArray):
        try:
            return np.asarray(x)
        except ValueError as error:
            raise InputError("lists of different lengths are no array") from error
    return np.ma.filled(x if x.dtype.kind == "f" else x.astype("float64"), np.nan)


def _from_files(paths: Any, variable: str | None) -> Field:
    magic = list(map(magic_of, files := expand(paths)))
    if has_grib(files, magic):
        return _from_grib(files, variable)
    opened = else_of_other_cells(lambda: open_core(files, variable, magic), files, variable)
    if not isinstance(opened, tuple):
        return _from_dataarray(opened)
    core, names = opened
    header = core.header()
    _check_one_map(header["name"], {dim: len(level["values"]) for dim, level in header["levels"].items()})
    return Field(
        core,
        header["seconds"],
        header["calendar"],
        header["latitude"],
        header["longitude"],
        header["name"],
        header["attrs"],
        paths=names,
    )


def _from_grib(files: list[str], variable: str | None) -> Field:
    """Field of GRIB files: they are read into memory, as every DataArray is."""
    from . import grib

    array = grib.variable_of(files, variable)
    others = {str(dim): size for dim, size in array.sizes.items() if dim not in ("time", "latitude", "longitude")}
    _check_one_map(str(array.name), others)
    array = array.isel(dict.fromkeys(others, 0), drop=True)
    array.encoding["era5fast_paths"] = tuple(files)
    return _from_dataarray(array)


def _check_one_map(name: str, levels: dict[str, int]) -> None:
    """Refuse a variable that has several levels or members at one time."""
    many = [dim for dim, size in levels.items() if size > 1]
    if many:
        raise InputError(
            f"{name} has {' and '.join(many)}: maps over time are needed",
            hint=f"choose one, for instance with e5.open_dataset(…)[name].sel({many[0]}=…)",
        )


def _from_dataarray(x: xr.DataArray) -> Field:
    name = find_axis(x, TIME_NAMES)
    if name is None:
        raise InputError(f"no time axis among the dimensions {tuple(x.dims)}", hint=HINT_OF_TIME)
    if is_lazy(x):
        say_that_it_is_loaded(x)
    if name not in x.coords:
        raise InputError(f"the dimension {name} has no coordinate", hint=f"x.assign_coords({name}=…) with the dates")
    dims, x = x.dims, x.transpose(name, ...)
    seconds, calendar = decode_times(x[name].values, None)
    values = x.values if x.dtype.kind in "fiu" else x.astype("float64").values
    return Field(
        values,
        seconds,
        calendar,
        _coordinate(x, LATITUDE_NAMES),
        _coordinate(x, LONGITUDE_NAMES),
        "" if x.name is None else str(x.name),
        attributes.of_mask(x.attrs) if x.dtype.kind == "b" else dict(x.attrs),
        origin=x,
        dims=dims,
        paths=tuple(x.encoding.get("era5fast_paths", ())),
    )


def as_maps(x: Any) -> Any:
    """Return a DataArray with latitude and longitude as its last dimensions; anything else as it is."""
    if not (hasattr(x, "dims") and hasattr(x, "coords")):
        return x
    axes = [find_axis(x, names) for names in (LATITUDE_NAMES, LONGITUDE_NAMES)]
    return x if None in axes else x.transpose(..., *axes)


def check_maps(field: Field) -> None:
    """Refuse a field whose values are not (time, latitude, longitude).

    Raises
    ------
    InputError
        If the number of dimensions or their lengths are others.
    """
    if not isinstance(field.source, np.ndarray):
        return
    latitude, longitude = field.grid()
    wanted = (len(field.seconds), *latitude.shape, *longitude.shape)
    _check_dimensions(field)
    if field.source.shape != wanted or field.source.ndim != 3:
        raise InputError(
            f"an array of shape {field.source.shape}, but {wanted} by its times, latitudes and longitudes",
            hint="the dimensions are time, latitude, longitude",
        )
    if field.source.dtype.kind not in "fiub":
        raise InputError(f"cannot compute with an array of type {field.source.dtype}")


def _check_dimensions(field: Field) -> None:
    """Refuse a DataArray of one cell, or with a dimension more than maps over time have."""
    x = field.origin
    if x is None or field.source.ndim == 3:
        return
    dims = ", ".join(map(str, x.dims))
    raise InputError(
        f"maps over time are needed, (time, latitude, longitude), and the data have the dimensions {dims}",
        hint=_hint_of_one(x) if field.source.ndim > 3 else _hint_of_cells(x),
    )


def _hint_of_one(x: xr.DataArray) -> str:
    axes = {find_axis(x, names) for names in (TIME_NAMES, LATITUDE_NAMES, LONGITUDE_NAMES)}
    others = [dim for dim in x.dims if dim not in axes]
    return f"choose one, x.isel({others[0]}=0)"


def _hint_of_cells(x: xr.DataArray) -> str:
    missing = [name for name in ("latitude", "longitude") if name in x.coords and name not in x.dims]
    maps = f"x.expand_dims({missing}) makes maps of them; " if missing else ""
    return f"{maps}e5.spells(x, …) finds the runs of days of single cells"


def check_mask(maps: np.ndarray, name: str) -> None:
    """Refuse fractions and other values that are neither yes nor no; whole numbers are yes where they are not 0.

    Raises
    ------
    InputError
        If a value of floating point is another than 0, 1 and NaN.
    """
    if maps.dtype.kind != "f":
        return
    for values in maps:
        strange = values[~((values == 0) | (values == 1) | np.isnan(values))]
        if strange.size > 0:
            raise InputError(
                f"{name} is no mask: it holds {strange.flat[0]:g}, and 1 is yes, 0 and NaN are no",
                hint=f"compare first, as in {name}=land > 0.5",
            )


def check_days(field: Field, name: str, *, longer: bool = False) -> None:
    """Refuse a series whose usual step is not a day, for a function that counts days.

    Parameters
    ----------
    field : Field
        The series.
    name : str
        Name of the function, for the message.
    longer : bool
        Steps longer than a day, such as months, have a meaning too.

    Raises
    ------
    InputError
        If the steps are others.
    """
    step = usual_step(field.seconds)
    if step < DAY:
        raise InputError(
            f"{name} counts days, and a step of the data is {step / DAY * 24:g} h",
            hint="make daily values first: e5.daily(x, 'max')",
        )
    if step > DAY and not longer:
        raise InputError(f"{name} counts days, and a step of the data is {step / DAY:g} days")


def on_grid(x: xr.DataArray, field: Field, first: str | None, name: str, before: Sequence[str] = ()) -> xr.DataArray:
    """Bring a DataArray onto the cells of a field: the same cells in the same order.

    Parameters
    ----------
    x : xarray.DataArray
        What is brought.
    field : Field
        Whose cells are meant.
    first : str or None
        Dimension that comes before those of the cells.
    name : str
        What the array is, for messages.
    before : sequence of str
        Further dimensions that the data have not, in front of all others.

    Raises
    ------
    InputError
        If it lies on other cells.
    """
    dims = field.cell_dims()
    names = {dim: name_in(x, dim, field) for dim in dims}
    order = [*before, *([first] if first in x.dims else []), *(names[dim] for dim in dims if names[dim] in x.dims)]
    others = [dim for dim in x.dims if dim not in order]
    if others:
        raise InputError(
            f"{name} has the dimension {others[0]}, which the data have not",
            hint=f"the data have {', '.join(map(str, dims)) or 'one cell'}",
        )
    x = x.transpose(*order)
    for names_of_axis, axis in ((LATITUDE_NAMES, field.latitude), (LONGITUDE_NAMES, field.longitude)):
        dim = find_axis(x, names_of_axis)
        if axis is not None and dim is not None:
            x = along_axis(x, str(dim), axis, name)
    return x


def along_axis(x: xr.DataArray, dim: str, axis: np.ndarray, name: str) -> xr.DataArray:
    """Bring a DataArray onto the places of an axis: the same places in the same order.

    Raises
    ------
    InputError
        If it lies on others; `name` says in the message what it is.
    """
    if dim not in x.coords or np.array_equal(x[dim].values, axis):
        return x
    try:
        return x.sel({dim: axis}, method="nearest", tolerance=_SAME_PLACE)
    except (KeyError, ValueError) as error:
        raise InputError(f"{name} has another {dim} than the data", hint="select the same cells of both") from error


def name_in(x: xr.DataArray, dim: Any, field: Field) -> Any:
    """Dimension of an operand that is the dimension `dim` of a field: latitudes whatever they are called."""
    for names in (LATITUDE_NAMES, LONGITUDE_NAMES):
        if field.origin is not None and dim == find_axis(field.origin, names):
            return find_axis(x, names)
    for names in (LATITUDE_NAMES, LONGITUDE_NAMES):
        if dim in names:
            return find_name(x.dims, names)
    return dim


#: Degrees within which two coordinates mean the same cell.
_SAME_PLACE = 1e-4


def _coordinate(x: xr.DataArray, names: tuple[str, ...]) -> np.ndarray | None:
    name = find_axis(x, names) or find_name(x.coords, names)
    # Those of a curved grid, which have two dimensions, are no axis.
    return None if name not in x.coords or x[name].ndim > 1 else _axis(x[name].values)


def _axis(values: Any) -> np.ndarray | None:
    try:
        return None if values is None else np.atleast_1d(np.asarray(values, dtype="float64"))
    except (TypeError, ValueError) as error:
        raise InputError("latitudes and longitudes are numbers, in degrees") from error

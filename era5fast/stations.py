"""Series of stations as text files: one table for each, all of them at once."""

from __future__ import annotations

import csv
import io
import os
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .errors import InputError
from .progress import Progress

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["write_csv"]


def write_csv(
    series: Any, path: str | os.PathLike[str], columns: Sequence[str] | None = None, *, progress: bool = True
) -> list[str]:
    """Write one table for each station, in parallel.

    Parameters
    ----------
    series : DataArray, Dataset or list of DataArray (station, time)
        Series with the same stations and times, such as those of :func:`era5fast.sample`; each becomes a column. In
        place of time there may be any other dimension, such as the month of a climatology.
    path : path
        Name of the files, in which coordinates of the stations stand in braces: ``"blend/{station}.csv"``. Where
        they have no names, ``{station}`` is their number. Folders are made.
    columns : sequence of str, optional
        Names of the columns; those of the series when left out.
    progress : bool
        Show a progress bar on terminals and in notebooks.

    Returns
    -------
    list of str
        The files, in the order of the stations.

    Raises
    ------
    InputError
        If series do not have the same stations and times, two stations have the same file, or a name has something
        in it that would lead out of its folder.
    StorageError
        If a file cannot be written.

    Notes
    -----
    The first column is the time, in ISO 8601, as dates where all are midnight. Numbers have as few digits as bring
    back the same value (round series first for fewer); missing ones are empty. A file that exists is replaced as a
    whole: after an interruption none is cut off.

    Examples
    --------
    >>> import xarray as xr
    >>> days = np.array(["2003-08-01", "2003-08-02"], "M8[ns]")
    >>> x = xr.DataArray([[1.5, np.nan]], {"station": ["Zürich"], "time": days}, dims=["station", "time"])
    >>> folder = getfixture("tmp_path")
    >>> files = write_csv(x, folder / "{station}.csv", columns=["heat"])
    >>> print(open(files[0], encoding="utf-8").read())
    time,heat
    2003-08-01,1.5
    2003-08-02,
    <BLANKLINE>
    """
    arrays = _arrays_of(series)
    names = _column_names(arrays, columns)
    template = os.fspath(path)
    stations, rows = _dimensions(arrays[0], template)
    tables = [array.transpose(stations, rows) for array in _same_axes(arrays)]
    files = _files(tables[0], template, stations)
    keys, ends = _keys(tables[0], rows)
    values = [_numbers(table, name) for table, name in zip(tables, names, strict=True)]
    _make_folders(files)
    header = _line([rows, *names])
    with Progress("write_csv", progress) as callback:
        _core.write_csv(files, header, keys, ends, values, callback)
    return files


# --- series ---


def _arrays_of(series: Any) -> list[xr.DataArray]:
    if hasattr(series, "data_vars"):
        arrays = list(series.data_vars.values())
    else:
        arrays = list(series) if isinstance(series, list | tuple) else [series]
    if not arrays:
        raise InputError("there is no series to write")
    for array in arrays:
        if not (hasattr(array, "dims") and hasattr(array, "coords")) or hasattr(array, "data_vars"):
            raise InputError(
                f"series must be a DataArray, not {type(array).__name__}",
                hint="xarray.DataArray(values, dims=('station', 'time'), coords=…) names stations and times",
            )
    return arrays


def _column_names(arrays: list[xr.DataArray], columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        names = ["value" if array.name is None and len(arrays) == 1 else array.name for array in arrays]
    else:
        names = [columns] if isinstance(columns, str) else list(columns)
    if len(names) != len(arrays):
        raise InputError(f"{len(names)} names of columns for {len(arrays)} series")
    if not all(isinstance(name, str) and name and "\0" not in name for name in names):
        raise InputError("a series has no name", hint="columns=['t', 'p'] names them")
    if len(set(names)) < len(names):
        raise InputError(
            f"two columns have the same name: {', '.join(map(str, names))}", hint="give others: columns="
        )
    return [str(name) for name in names]


def _same_axes(arrays: list[xr.DataArray]) -> tuple[xr.DataArray, ...]:
    first = arrays[0]
    for array in arrays[1:]:
        if set(array.dims) != set(first.dims):
            raise InputError(f"series have dimensions {first.dims} and {array.dims}")
    import xarray as xr

    try:
        return xr.align(*arrays, join="exact", copy=False)
    except ValueError as error:
        raise InputError(
            f"series do not have the same stations and times: {error}",
            hint="xarray.align(a, b, join='outer') fills up with missing values, join='inner' keeps what both have",
        ) from error


def _numbers(table: xr.DataArray, name: str) -> np.ndarray:
    values = np.asarray(table.values)
    if values.dtype.kind == "f":
        return values.astype("float32" if values.dtype.itemsize <= 4 else "float64", copy=False)
    if values.dtype.kind in "iub" and np.can_cast(values.dtype, "int64"):
        return values.astype("int64", copy=False)
    raise InputError(f"cannot write {name}: values of type {values.dtype}")


# --- names of files ---


def _dimensions(array: xr.DataArray, template: str) -> tuple[Any, Any]:
    """Dimensions of the stations, which the name of the files tells, and of the rows."""
    fields = _fields(template)
    unknown = [field for field in fields if field not in array.coords and field not in array.dims]
    if not fields or unknown:
        there = ", ".join("{" + str(name) + "}" for name in dict.fromkeys((*array.dims, *array.coords)))
        what = f"no coordinate {unknown[0]!r}" if unknown else f"nothing in braces in {template!r}"
        raise InputError(f"names of files: {what}", hint=f"stations are told apart by one of {there}")
    along = {dim for field in fields for dim in (array[field].dims if field in array.coords else (field,))}
    if len(along) != 1 or array.ndim != 2:
        raise InputError(
            f"series have the dimensions {tuple(array.dims)}: stations and times are needed",
            hint="choose one of the others with .sel()" if array.ndim > 2 else "",
        )
    stations = along.pop()
    return stations, next(dim for dim in array.dims if dim != stations)


def _fields(template: str) -> list[str]:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(f"names of files: {template!r}: {error}") from error
    fields = [field for _, field, _, _ in parts if field is not None]
    strange = [field for field in fields if not field.isidentifier()]
    if strange or any("{" in (form or "") for _, _, form, _ in parts):
        raise InputError(f"names of files: only names of coordinates may stand in braces, not {template!r}")
    return fields


def _files(table: xr.DataArray, template: str, stations: Any) -> list[str]:
    count = table.sizes[stations]
    values = {
        field: np.broadcast_to(table[field].values if field in table.coords else np.arange(count), count)
        for field in dict.fromkeys(_fields(template))
    }
    files = []
    for number in range(count):
        given = {field: _safe(axis[number]) for field, axis in values.items()}
        try:
            files.append(template.format(**given))
        except (ValueError, TypeError) as error:
            raise InputError(f"names of files: {template!r}: {error}") from error
        if os.path.basename(files[-1]) in ("", ".", ".."):
            raise InputError(f"station {number}: {files[-1]!r} is no name of a file")
    if len(set(files)) < len(files):
        twice = next(name for number, name in enumerate(files) if name in files[:number])
        raise InputError(f"two stations have the same file: {twice}", hint="put one more coordinate into the name")
    return files


def _safe(value: Any) -> Any:
    """A coordinate that may stand in the name of a file."""
    if isinstance(value, np.generic):
        value = value.astype("M8[us]").item() if value.dtype.kind == "M" else value.item()
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if isinstance(text, str) and (
        not text.strip() or text in (".", "..") or any(letter in "/\\" or not letter.isprintable() for letter in text)
    ):
        raise InputError(
            f"station {text!r} cannot be the name of a file", hint="replace what is not a letter in the names first"
        )
    return text


def _make_folders(files: list[str]) -> None:
    from .client import make_directory

    for folder in {os.path.dirname(file) for file in files} - {""}:
        make_directory(folder)


# --- the first column ---


def _keys(table: xr.DataArray, rows: Any) -> tuple[bytes, np.ndarray]:
    """Text of the first column for each row, one after the other, and where each ends."""
    axis = table[rows].values if rows in table.coords else np.arange(table.sizes[rows])
    keys = [_quoted(text).encode("utf-8") for text in _texts(axis)]
    return b"".join(keys), np.cumsum([len(key) for key in keys], dtype=np.uintp)


def _texts(axis: np.ndarray) -> list[str]:
    if axis.dtype.kind == "M":
        dates = axis.astype("M8[D]")
        unit: Any = "D" if (dates == axis).all() else "s" if (axis.astype("M8[s]") == axis).all() else "auto"
        return ["" if text == "NaT" else text for text in np.datetime_as_string(axis, unit).tolist()]
    if axis.size and hasattr(axis[0], "isoformat"):
        texts = [moment.isoformat() for moment in axis]
        return [text[:10] for text in texts] if all(text.endswith("T00:00:00") for text in texts) else texts
    return [str(value) for value in axis.tolist()]


def _quoted(text: str) -> str:
    return text if text.isprintable() and not set(text) & set(',"') else _line([text]).decode("utf-8")[:-1]


def _line(cells: Sequence[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([str(cell) for cell in cells])
    return out.getvalue().encode("utf-8")

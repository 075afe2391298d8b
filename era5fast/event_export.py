"""Events as files of other programs: GeoJSON, CSV, Parquet with outlines, and netCDF with labels of the cells."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ExistingFileError, InputError, StorageError
from .geometry import is_path, lines, polygons
from .locks import library_locks
from .optional import need

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["date", "feature", "json_value", "multipolygon", "replacing", "write", "write_mask"]

LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north", "axis": "Y"}
LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east", "axis": "X"}
#: Attributes of the labels of cells.
LABELS = {"long_name": "number of the event of each cell, -1 where there is none", "units": "1", "no_event": -1}

#: About this many values are made at a time for a netCDF file.
_BLOCK = 1 << 24


# --- values ---


def date(moment: Any) -> str:
    """A time as an ISO date; with the hour where that is not midnight. Missing: an empty text."""
    if moment is None or (isinstance(moment, np.datetime64) and np.isnat(moment)) or moment != moment:
        return ""
    text = moment.isoformat() if hasattr(moment, "isoformat") else str(np.datetime64(moment, "s"))
    day, _, clock = text.partition("T")
    clock = clock.partition(".")[0]
    return day if clock in ("", "00:00:00") else f"{day}T{clock}"


def json_value(value: Any) -> Any:
    """A value as JSON can hold it: plain numbers, times as text, None for what is missing.

    Examples
    --------
    >>> json_value(np.float32("nan")), json_value(np.int32(3)), json_value(np.datetime64("2003-08-10T00", "ns"))
    (None, 3, '2003-08-10')
    """
    if isinstance(value, Mapping):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [json_value(item) for item in value]
    if isinstance(value, np.datetime64) or hasattr(value, "isoformat"):
        return date(value) or None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def multipolygon(wkb: bytes | None) -> dict[str, Any] | None:
    """An outline as a GeoJSON geometry, and the path of a track as well; None where there is none."""
    if not wkb:
        return None
    if is_path(wkb):
        return {"type": "MultiLineString", "coordinates": [line.tolist() for line in lines(wkb)]}
    return {
        "type": "MultiPolygon",
        "coordinates": [[ring.tolist() for ring in polygon] for polygon in polygons(wkb)],
    }


def feature(number: int, properties: Mapping[str, Any], wkb: bytes | None) -> dict[str, Any]:
    """An event as a GeoJSON feature (RFC 7946), without anything that JSON does not know.

    Parameters
    ----------
    number : int
        Identifier of the feature.
    properties : mapping
        What else is known of it.
    wkb : bytes or None
        Outline as WKB.
    """
    values = {name: json_value(value) for name, value in properties.items()}
    return {"type": "Feature", "id": int(number), "geometry": multipolygon(wkb), "properties": values}


# --- tables ---


def write(
    table: pd.DataFrame,
    outlines: Sequence[bytes | None] | None,
    target: str | os.PathLike[str],
    *,
    name: str = "events",
    units: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a table of events into a file; its ending decides the format.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per event. Its identifier is the column ``id``, or else the index.
    outlines : sequence of bytes or None
        WKB multipolygon of each row, or multilinestring of a track, None where it has none; None where no row has
        any.
    target : path
        A file ``.geojson``, ``.json``, ``.csv``, ``.parquet`` or ``.geoparquet``.
    name : str
        What the table is called inside the file.
    units : mapping, optional
        Column → units; GeoJSON and Parquet carry them.
    overwrite : bool
        Replace a file of that name.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ExistingFileError
        If there is a file of that name and `overwrite` is False.
    InputError
        If the ending is another one, or pyarrow is missing.
    StorageError
        If the file cannot be written.
    """
    path = Path(os.fsdecode(target))
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise InputError(f"{path.name}: events cannot be written as '{path.suffix}'", hint=f"take {_endings()}")
    if outlines is not None and len(outlines) != len(table):
        raise InputError(f"{len(outlines)} outlines for {len(table)} events")
    with replacing(path, overwrite) as part:
        writer(table, outlines, part, name, dict(units or {}))
    return path.absolute()


def _identifiers(table: pd.DataFrame) -> list[int]:
    return list(table.get("id", table.index).tolist())


def _plain_columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): [json_value(value) for value in table[name].to_numpy().tolist()]
            if table[name].dtype.kind != "M" else [date(value) or None for value in table[name].to_numpy()]
            for name in table}  # fmt: skip


def _write_geojson(
    table: pd.DataFrame, outlines: Sequence[bytes | None] | None, path: Path, name: str, units: dict[str, str]
) -> None:
    columns = _plain_columns(table)
    rows = zip(*columns.values(), strict=True) if columns else iter([()] * len(table))
    geometries = outlines if outlines is not None else [None] * len(table)
    head = json.dumps({"type": "FeatureCollection", "name": name, "units": units}, ensure_ascii=False)
    with open(path, "w", encoding="utf-8") as file:
        file.write(head[:-1] + ', "features": [')
        for place, (number, row, wkb) in enumerate(zip(_identifiers(table), rows, geometries, strict=True)):
            values = dict(zip(columns, row, strict=True))
            made = {"type": "Feature", "id": number, "geometry": multipolygon(wkb), "properties": values}
            file.write(("," if place else "") + "\n" + json.dumps(made, ensure_ascii=False, allow_nan=False))
        file.write("\n]}\n")


def _write_csv(
    table: pd.DataFrame, outlines: Sequence[bytes | None] | None, path: Path, name: str, units: dict[str, str]
) -> None:
    pd = need("pandas", "tables")
    plain = pd.DataFrame({column: _texts(table[column]) for column in table}, index=table.index)
    plain.to_csv(path, index="id" not in table, index_label="number", encoding="utf-8", lineterminator="\n")


def _texts(column: pd.Series) -> Any:
    """Times as text; other columns as they are."""
    values = column.to_numpy()
    is_time = values.dtype.kind == "M" or (values.dtype.kind == "O" and any(hasattr(v, "isoformat") for v in values))
    return [date(value) for value in values] if is_time else values


def _write_parquet(
    table: pd.DataFrame, outlines: Sequence[bytes | None] | None, path: Path, name: str, units: dict[str, str]
) -> None:
    pa = need("pyarrow", "Parquet files")
    from pyarrow import parquet

    columns: dict[str, Any] = {} if "id" in table else {"number": pa.array(table.index.to_numpy())}
    for column in table:
        values = table[column].to_numpy()
        made = pa.array(values if values.dtype.kind in "Mbiuf" else _texts(table[column]), from_pandas=True)
        columns[str(column)] = made
    fields = [pa.field(key, value.type, metadata=_unit(units.get(key))) for key, value in columns.items()]
    metadata: dict[str, str] = {}
    if outlines is not None:
        columns["geometry"] = pa.array([wkb or None for wkb in outlines], pa.binary())
        fields.append(pa.field("geometry", pa.binary()))
        metadata["geo"] = json.dumps(_geo(outlines))
    parquet.write_table(pa.table(list(columns.values()), pa.schema(fields, metadata)), path, compression="zstd")


def _unit(unit: str | None) -> dict[str, str] | None:
    return {"units": unit} if unit else None


def _geo(outlines: Sequence[bytes | None]) -> dict[str, Any]:
    """What GeoParquet 1.1 wants to know of the outlines; without ``crs`` they are degrees of CRS84."""
    shapes = [wkb for wkb in outlines if wkb]
    types = {"MultiLineString" if is_path(wkb) else "MultiPolygon" for wkb in shapes}
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(types) or ["MultiPolygon"],
        "orientation": "counterclockwise",
        "edges": "planar",
    }
    rings = [
        ring for wkb in shapes for ring in (lines(wkb) if is_path(wkb) else [polygon[0] for polygon in polygons(wkb)])
    ]
    if rings:
        lowest, highest = (
            np.min([r.min(axis=0) for r in rings], axis=0),
            np.max([r.max(axis=0) for r in rings], axis=0),
        )
        column["bbox"] = [*lowest.tolist(), *highest.tolist()]
    return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}


_WRITERS: dict[str, Callable[..., None]] = {
    ".geojson": _write_geojson,
    ".json": _write_geojson,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".geoparquet": _write_parquet,
}


def _endings() -> str:
    return ", ".join(_WRITERS) + "; a catalogue with its cells also .nc"


# --- labels of the cells ---


def write_mask(
    labels: Callable[[int, int], np.ndarray],
    axes: Mapping[str, Any],
    attrs: Mapping[str, str],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write labels of the cells as netCDF, some time steps after the other.

    Parameters
    ----------
    labels : callable
        (first, end) → int32 array of these time steps, latitude and longitude.
    axes : mapping
        ``seconds``, ``calendar``, ``latitude``, ``longitude``.
    attrs : mapping
        Further attributes of the file.
    target : path
        The file to write.
    overwrite : bool
        Replace a file of that name.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ExistingFileError, StorageError
        As :func:`write`.
    MissingPackageError
        If netCDF4 is missing.
    """
    netCDF4 = need("netCDF4", "netCDF files of labels")
    path = Path(os.fsdecode(target))
    shape = tuple(len(axes[name]) for name in ("seconds", "latitude", "longitude"))
    block = max(1, _BLOCK // max(1, shape[1] * shape[2]))
    with replacing(path, overwrite) as part, library_locks(), netCDF4.Dataset(part, "w") as file:
        variable = _define(file, axes, attrs, shape)
        for first in range(0, shape[0], block):
            end = min(first + block, shape[0])
            variable[first:end] = labels(first, end)
    return path.absolute()


def _define(file: Any, axes: Mapping[str, Any], attrs: Mapping[str, str], shape: tuple[int, ...]) -> Any:
    """Dimensions, coordinates and attributes; the variable to fill."""
    seconds = np.asarray(axes["seconds"], dtype="int64")
    in_days = not (seconds % 86400).any()
    unit, numbers = ("days", seconds // 86400) if in_days else ("seconds", seconds)
    time = {"standard_name": "time", "axis": "T", "calendar": axes["calendar"]}
    time["units"] = f"{unit} since 1970-01-01 00:00:00"
    coordinates = (
        ("time", "i8", numbers, time),
        ("latitude", "f8", axes["latitude"], LATITUDE),
        ("longitude", "f8", axes["longitude"], LONGITUDE),
    )
    for (name, kind, values, own), size in zip(coordinates, shape, strict=True):
        file.createDimension(name, size)
        coordinate = file.createVariable(name, kind, (name,))
        coordinate.setncatts(own)
        coordinate[:] = values
    file.setncatts({"Conventions": "CF-1.11", "title": "Labels of events", **attrs})
    chunks = (1, *(max(1, size) for size in shape[1:]))
    variable = file.createVariable(
        "event", "i4", ("time", "latitude", "longitude"), zlib=True, complevel=1, shuffle=True, chunksizes=chunks
    )
    variable.setncatts({name: np.int32(v) if isinstance(v, int) else v for name, v in LABELS.items()})
    return variable


# --- files ---


def check_free(path: Path, overwrite: bool) -> None:
    """Refuse a name that is taken, unless what has it may be replaced.

    Raises
    ------
    ExistingFileError
        If there is a file of that name and `overwrite` is False.
    """
    if path.exists() and not overwrite:
        raise ExistingFileError(f"{path} exists", hint="overwrite=True replaces it", target=str(path)).at(
            0, str(path)
        )


@contextmanager
def replacing(path: Path, overwrite: bool) -> Iterator[Path]:
    """A name to write to; what was written there gets the final name when the block ends without an error.

    Raises
    ------
    ExistingFileError
        If there is a file of the final name and `overwrite` is False.
    StorageError
        If the file cannot be written.
    """
    check_free(path, overwrite)
    part = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        reason = error.strerror or str(error)
        raise StorageError(f"cannot write {path}: {reason}", target=str(path)).at(
            error.errno or 0, str(path)
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)

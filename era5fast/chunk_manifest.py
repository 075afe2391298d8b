"""Where the chunks of files lie, in words that other tools understand: references of the kind that kerchunk writes.

The data stay where they are. What is written names file, position and length of each chunk, and the filters that lead
from its bytes to its values, as a store of Zarr (format 2); axes and texts are held in the references themselves.
"""

from __future__ import annotations

import base64
import itertools
import json
import logging
import math
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .archives import is_archive
from .axis_names import TIME_NAMES, find_name
from .errors import InputError
from .event_export import replacing
from .optional import need
from .sources import NETCDF_MAGIC, expand, magic_of, open_file
from .times import decode_times
from .variable_table import names_in_files

__all__ = ["chunk_references"]

log = logging.getLogger("era5fast")

#: Bytes of the chunks into which contiguous data are cut, where a step is not larger than that.
_CUT_BYTES = 16 << 20
_AS_STORED = ("scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned", "units", "calendar")


def chunk_references(
    paths: Any,
    target: str | os.PathLike[str] | None = None,
    *,
    variables: str | Sequence[str] | None = None,
    base: str | None = None,
    inline: bool = True,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Say where each chunk of netCDF files lies, so that tools of Zarr read them without reading their headers.

    Parameters
    ----------
    paths : path, pattern or sequence of paths
        netCDF files of one grid; several are joined along time, in the order of their times.
    target : path, optional
        JSON file to write as well.
    variables : str or sequence of str, optional
        Variables to take, by any of their names; all of them when left out. Axes always come along.
    base : str, optional
        URL of the folder in which those who read will find the files, such as ``"s3://bucket/era5"``; the absolute
        paths of this machine when left out.
    inline : bool
        Hold the values of axes and texts in the references. False: point at axes as well and leave texts out, for
        tools that take no such values, as VirtualiZarr does not; axes are then not brought to the same units.
    overwrite : bool
        Replace `target` where it exists.

    Returns
    -------
    dict
        ``{"version": 1, "refs": {…}}``: version 1 of the references of kerchunk, which fsspec, xarray's engine
        ``"kerchunk"`` and VirtualiZarr read.

    Raises
    ------
    InputError
        If a file is no netCDF file of its own (an archive, GRIB), is compressed in a way that cannot be named, or
        files cannot be one array of equal chunks: other grids, packings or chunks, steps of a file that are no
        multiple of its chunks, times that overlap.
    CorruptDataError, StorageError
        If a file cannot be read.
    ExistingFileError
        If `target` exists and `overwrite` is False.

    Notes
    -----
    References hold as long as the files stay as they are. Shuffle, deflate and checksums of HDF5 are the codecs
    ``shuffle``, ``zlib`` and ``fletcher32`` of numcodecs. ``_FillValue`` is the fill value of the array, which xarray
    takes for the missing one.

    References
    ----------
    kerchunk, Specification of references, version 1. Zarr storage specification, version 2.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> import numpy as np, xarray as xr
    >>> xr.Dataset({"t2m": ("x", np.arange(3.0))}).to_netcdf(folder / "a.nc")
    >>> references = chunk_references(folder / "a.nc", base="s3://bucket")
    >>> references["refs"]["t2m/0"][0]
    's3://bucket/a.nc'
    """
    need("xarray", "references to chunks")
    files = _in_order([_open(path, base) for path in expand(paths)])
    names = dict.fromkeys(name for file in files for name in file.variables)
    wanted = _wanted(files, list(names), variables)
    if not inline:
        wanted = [name for name in wanted if not _is_text(files, name)]
    refs: dict[str, Any] = {".zgroup": _json({"zarr_format": 2}), ".zattrs": _json(_plain(files[0].header["attrs"]))}
    for name in wanted:
        holding = [file for file in files if name in file.variables]
        refs |= (_held if _is_held(holding[0], name, inline) else _pointed_at)(name, holding, len(files))
    metadata = {key: json.loads(text) for key, text in refs.items() if key.rpartition("/")[2].startswith(".z")}
    refs[".zmetadata"] = _json({"metadata": metadata, "zarr_consolidated_format": 1})
    result = {"version": 1, "refs": refs}
    if target is not None:
        with replacing(Path(target), overwrite) as part:
            part.write_text(json.dumps(result), encoding="utf-8")
    return result


# --- files ---


@dataclass
class _File:
    """One file, its header, and its times."""

    path: str
    url: str
    core: Any
    header: dict[str, Any]
    #: Name of the dimension along which files are joined, None where there is none, and its times where it has dates.
    time: str | None
    seconds: np.ndarray
    calendar: str

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """What the header says of each variable."""
        variables: dict[str, dict[str, Any]] = self.header["variables"]
        return variables

    def shape(self, name: str) -> tuple[int, ...]:
        """Lengths of the dimensions of a variable."""
        return tuple(self.header["dims"][dim] for dim in self.variables[name]["dims"])

    def values(self, name: str) -> np.ndarray:
        """Values of a variable as they are stored."""
        variable = self.variables[name]
        if variable["stored"] == "str":
            return np.array(self.core.texts(name), dtype=str).reshape(self.shape(name))
        return self.core.characters(name) if variable["dtype"] == "text" else self.core.read(name, None, True)


def _open(path: str, base: str | None) -> _File:
    magic = magic_of(path)
    if magic not in NETCDF_MAGIC:
        what = (
            "an archive: its members can be pointed at when they are unpacked" if is_archive(magic) else "no netCDF"
        )
        raise InputError(f"{path}: {what}", target=path)
    core = open_file(path)
    header = core.header()
    absolute = os.path.abspath(path)
    url = f"file://{absolute}" if base is None else f"{base.rstrip('/')}/{os.path.basename(path)}"
    time = find_name([dim for dim in header["dims"] if dim in header["variables"]], TIME_NAMES)
    file = _File(path, url, core, header, time, np.empty(0, "int64"), "")
    if time is not None and (dates := _dates(file, time)).dtype.kind in "MO":  # numbers of no unit cannot be joined
        file.seconds, file.calendar = decode_times(dates, None)
    return file


def _dates(file: _File, name: str) -> np.ndarray:
    import xarray as xr

    variable = xr.Variable((name,), file.values(name), file.variables[name]["attrs"])
    return xr.conventions.decode_cf_variable(name, variable).values


def _in_order(files: list[_File]) -> list[_File]:
    """The files by time, each of which goes on where the one before ended."""
    if len(files) == 1:
        return files
    for file in files:
        if file.time is None or file.time != files[0].time or file.seconds.size == 0:
            raise InputError(f"{file.path}: no axis of time along which it could be joined", target=file.path)
    files = sorted(files, key=lambda file: int(file.seconds[0]))
    _check_times(files)
    return files


def _wanted(files: list[_File], names: list[str], variables: str | Sequence[str] | None) -> list[str]:
    """Names of the variables to take: those that are asked for, and the axes."""
    if variables is None:
        return names
    wanted: set[str] = set()
    for asked in [variables] if isinstance(variables, str) else variables:
        called = {str(asked), *names_in_files(str(asked))} & set(names)
        if not called:
            raise InputError(f"no variable {asked!r}", hint=f"there are {', '.join(names)}")
        wanted |= called
    return [name for name in names if name in wanted or any(_is_axis(f, name) for f in files if name in f.variables)]


def _is_axis(file: _File, name: str) -> bool:
    return name in file.header["dims"] or not file.variables[name]["dims"]


def _is_held(file: _File, name: str, inline: bool) -> bool:
    """Whether the values go into the references: axes, single values and texts."""
    return inline and (_is_axis(file, name) or file.variables[name]["dtype"] == "text")


def _is_text(files: list[_File], name: str) -> bool:
    holding = next(file for file in files if name in file.variables)
    if holding.variables[name]["dtype"] != "text":
        return False
    log.warning("%s: %s is left out of the references: it holds texts", holding.path, name)
    return True


# --- values in the references ---


def _held(name: str, files: list[_File], _: int) -> dict[str, Any]:
    """A variable whose values stand in the references, compressed."""
    first = files[0]
    dims, attrs = first.variables[name]["dims"], dict(first.variables[name]["attrs"])
    if first.time in dims:
        values = np.concatenate([_in_units(file, name, attrs) for file in files], axis=dims.index(str(first.time)))
    else:
        values = first.values(name)
        _check_equal(name, files)
    plain = values.astype(values.dtype.newbyteorder("<"))
    array = _array(plain.dtype, plain.shape, plain.shape, [{"id": "zlib", "level": 6}], attrs)
    inline = _inline(zlib.compress(plain.tobytes(), 6))
    return {**_described(name, dims, array, attrs), f"{name}/{_key([0] * plain.ndim)}": inline}


def _check_equal(name: str, files: list[_File]) -> None:
    """Refuse files that have other values of an axis, or another single one or other texts, than the first."""
    first = files[0]
    values = first.values(name)
    for file in files[1:]:
        if not np.array_equal(file.values(name), values):
            raise InputError(f"{file.path}: {name} is another than in {first.path}", target=file.path)


def _in_units(file: _File, name: str, attrs: dict[str, Any]) -> np.ndarray:
    """Values of a file; of times, in the units and the calendar of the first file."""
    own = file.variables[name]["attrs"]
    same = all(own.get(key) == attrs.get(key) for key in ("units", "calendar"))
    if name != file.time or same:
        return file.values(name)
    from xarray.coding.times import encode_cf_datetime

    values, _, _ = encode_cf_datetime(_dates(file, name), attrs["units"], attrs.get("calendar", "standard"))
    return np.asarray(values)


def _check_times(files: list[_File]) -> None:
    for one, other in itertools.pairwise(files):
        if other.calendar != one.calendar:
            raise InputError(f"{other.path}: another calendar than that of {one.path}", target=other.path)
        if other.seconds[0] <= one.seconds[-1]:
            raise InputError(f"{other.path}: begins before {one.path} ends", target=other.path)


# --- values in the files ---


def _pointed_at(name: str, files: list[_File], count: int) -> dict[str, Any]:
    """A variable whose chunks stay in the files."""
    first = files[0]
    dims, attrs = first.variables[name]["dims"], first.variables[name]["attrs"]
    axis = dims.index(first.time) if first.time in dims else None
    if axis is not None and len(files) != count:
        raise InputError(f"{name} is not in all of the files", hint="write references of those that have it")
    if axis is None and _is_axis(first, name):
        _check_equal(name, files)
    parts = [_Part(file, name, file.core.chunks(name), axis) for file in (files if axis is not None else files[:1])]
    _check_same(parts)
    chunks = _chunk_shape(parts)
    refs = {f"{name}/{key}": where for key, where in _references(parts, chunks)}
    shape = list(first.shape(name))
    if axis is not None:
        shape[axis] = sum(part.steps for part in parts)
    return {**_described(name, dims, _array(parts[0].dtype, shape, chunks, parts[0].codecs(), attrs), attrs), **refs}


@dataclass
class _Part:
    """What one file holds of a variable."""

    file: _File
    name: str
    where: dict[str, Any]
    #: Place of time among the dimensions.
    axis: int | None

    def __post_init__(self) -> None:
        if self.where["why"] is not None:
            raise InputError(
                f"{self.file.path}: the chunks of {self.name} cannot be named: {self.where['why']}",
                target=self.file.path,
            )
        self.header = self.file.variables[self.name]
        self.shape = self.file.shape(self.name)
        self.steps = 1 if self.axis is None else self.shape[self.axis]
        stored = np.dtype(self.header["stored"])
        self.dtype = stored.newbyteorder("=").newbyteorder("S") if self.where["swapped"] else stored.newbyteorder("=")

    def is_chunked(self) -> bool:
        return "number" in self.where

    def codecs(self) -> list[dict[str, Any]]:
        """Filters in the words of numcodecs, in the order in which they were applied."""
        level = (self.header["storage"] or {}).get("level", 0)
        known = {
            "shuffle": {"id": "shuffle", "elementsize": self.dtype.itemsize},
            "deflate": {"id": "zlib", "level": level},
            "fletcher32": {"id": "fletcher32"},
        }
        return [known[name] for name in self.where["filters"]]

    def likeness(self) -> dict[str, Any]:
        """What all parts of one array have in common."""
        attrs = self.header["attrs"]
        return {
            "dimensions": self.header["dims"],
            "grid": [n for axis, n in enumerate(self.shape) if axis != self.axis],
            "type": self.dtype.str,
            "chunks": self.where["chunks"],
            "filters": self.where["filters"],
            **{key: repr(_plain(attrs.get(key))) for key in _AS_STORED},
        }


def _check_same(parts: list[_Part]) -> None:
    first = parts[0].likeness()
    for part in parts[1:]:
        for what, value in part.likeness().items():
            if value != first[what]:
                raise InputError(
                    f"{part.file.path}: {part.name} has other {what} than in {parts[0].file.path}: {value}, "
                    f"not {first[what]}",
                    hint="one array has one of it: write references of each file",
                    target=part.file.path,
                )


def _chunk_shape(parts: list[_Part]) -> tuple[int, ...]:
    """Shape of the chunks: those of the files, or parts of contiguous data."""
    first = parts[0]
    if first.is_chunked():
        chunks: tuple[int, ...] = first.where["chunks"]
        return chunks
    if first.axis != 0 or 0 in first.shape:
        return tuple(max(n, 1) for n in first.shape)
    step = first.dtype.itemsize * math.prod(first.shape[1:])
    together = math.gcd(*(part.steps for part in parts))
    if any(part.where["stride"] not in (0, step) for part in parts):
        together = 1
    fitting = (n for n in range(together, 0, -1) if together % n == 0 and (n == 1 or n * step <= _CUT_BYTES))
    return next(fitting), *first.shape[1:]


def _references(parts: list[_Part], chunks: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Keys of all chunks, and where each lies."""
    begun = 0
    for part in parts:
        axis = part.axis or 0
        if begun and (begun % chunks[axis] or not (part.is_chunked() or part.steps % chunks[axis] == 0)):
            raise InputError(
                f"{part.file.path}: {part.name} begins within a chunk of {chunks[axis]} steps",
                hint="write references of each file: all but the last need whole chunks",
                target=part.file.path,
            )
        for place, where in _in_file(part, chunks):
            if begun:
                place[axis] += begun // chunks[axis]
            yield _key(place), where
        begun += part.steps


def _in_file(part: _Part, chunks: tuple[int, ...]) -> Iterator[tuple[list[int], Any]]:
    """Places of the chunks of one file in its grid of them, and where each lies."""
    grid = [-(-length // chunk) for length, chunk in zip(part.shape, chunks, strict=True)]
    if part.is_chunked():
        yield from _chunked(part, grid)
    elif part.where["start"] is None:
        _check_fill(part)
    elif math.prod(part.shape):
        size = part.dtype.itemsize * math.prod(chunks)
        stride = part.where["stride"] * chunks[0] if part.where["stride"] else size
        for i in range(math.prod(grid)):  # cut along the first dimension only
            begin = part.where["start"] + i * stride
            held = part.where["held"]
            where = [part.file.url, begin, size] if held is None else _inline(held[i * size : (i + 1) * size])
            yield ([i, *[0] * (len(grid) - 1)] if grid else []), where


def _chunked(part: _Part, grid: list[int]) -> Iterator[tuple[list[int], Any]]:
    where = part.where
    if where["mask"].any():
        raise InputError(
            f"{part.file.path}: some chunks of {part.name} went through fewer filters than others",
            target=part.file.path,
        )
    if len(where["number"]) < math.prod(grid):
        _check_fill(part)
    places = np.stack(np.unravel_index(where["number"], grid), axis=-1).tolist()
    for place, address, size in zip(places, where["address"].tolist(), where["size"].tolist(), strict=True):
        yield place, [part.file.url, address, size]


def _check_fill(part: _Part) -> None:
    """Refuse chunks that were never written where the fill value of the array is not what they hold."""
    fill = part.header["attrs"].get("_FillValue")
    holds = np.frombuffer(part.where["fill"], part.dtype)[0]
    if fill is None or not np.array_equal(np.asarray(fill, part.dtype).item(), holds.item(), equal_nan=True):
        raise InputError(
            f"{part.file.path}: parts of {part.name} were never written, and no _FillValue says what they are",
            target=part.file.path,
        )


# --- the words of Zarr ---


def _described(name: str, dims: Sequence[str], array: dict[str, Any], attrs: dict[str, Any]) -> dict[str, str]:
    # Format 3, into which some tools turn this, wants it as an attribute too; that of floats it writes otherwise.
    is_whole = np.dtype(array["dtype"]).kind in "iu"
    about = {key: value for key, value in _plain(attrs).items() if key != "_FillValue" or is_whole}
    return {f"{name}/.zarray": _json(array), f"{name}/.zattrs": _json({**about, "_ARRAY_DIMENSIONS": list(dims)})}


def _array(
    dtype: np.dtype, shape: Iterable[int], chunks: Iterable[int], codecs: list[dict[str, Any]], attrs: dict[str, Any]
) -> dict[str, Any]:
    """Metadata of an array; its filters are all codecs, which leaves none to be the compressor."""
    fill = attrs.get("_FillValue") if dtype.kind in "fiu" else None
    value = None if fill is None else np.asarray(fill).astype(dtype).reshape(-1)[0].item()
    return {
        "zarr_format": 2,
        "shape": list(shape),
        "chunks": [max(n, 1) for n in chunks],
        "dtype": dtype.str,
        "order": "C",
        "fill_value": _SPECIAL.get(str(value), value),
        "filters": codecs or None,
        "compressor": None,
    }


#: What JSON has no numbers for.
_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _plain(value: Any) -> Any:
    """Attributes as JSON holds them."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _SPECIAL.get(str(value), value) if isinstance(value, float) else value


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _key(place: Sequence[int]) -> str:
    return ".".join(map(str, place)) or "0"


def _inline(values: bytes) -> str:
    return "base64:" + base64.b64encode(values).decode("ascii")

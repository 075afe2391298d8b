"""The xarray engine ``"era5fast"``: what ``engine="netcdf4"`` gives, read in parallel and from any thread.

Variables keep their names, attributes, types and encoding; values are read as they are stored, without a lock where
the core reads them itself, and xarray decodes them as it always does. Nothing keeps a Dataset from being written to
the file that it is still read from, which destroys the file: load it first, or write to another name.
"""

from __future__ import annotations

import glob
import math
import os
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from xarray.backends.common import AbstractDataStore, BackendEntrypoint
from xarray.backends.store import StoreBackendEntrypoint
from xarray.coding.strings import create_vlen_dtype
from xarray.core import indexing

from .archives import is_archive
from .errors import Era5FastError, InputError, warn
from .lazy import Handle, PickedArray, handle_of
from .locks import reading
from .selection import Pick
from .sources import has_grib, magic_of, netcdf_files, open_file

__all__ = ["Era5FastBackendEntrypoint"]

_MANY_HINT = "for several take era5fast.open_dataset(…), or xr.open_mfdataset(…, engine='era5fast')"
_TIDY_HINT = "open it with tidy=True, which puts variables together by what they are"


def _open_member(path: str, member: int) -> Any:
    """Core's object of a file, or of one member of an archive."""
    return open_file(netcdf_files(path)[member])


class FileArray(PickedArray):
    """A variable of one file with its values as they are stored."""

    def __init__(self, handle: Handle, name: str, header: dict[str, Any], shape: tuple[int, ...]) -> None:
        stored = header["stored"]
        strings: Any = create_vlen_dtype  # untyped in xarray
        super().__init__(handle, name, shape, strings(str) if stored == "str" else np.dtype(stored))
        self._is_text = header["dtype"] == "text"

    def _read(self, picks: list[Pick]) -> np.ndarray:
        file = self._handle.core
        with reading(file, self._name):
            if self._is_text:
                return _part(self._texts(file), picks)
            values = file.read(self._name, picks, True)
        return values.view(self.dtype.newbyteorder("="))  # signed, where _Unsigned makes it unsigned for the core

    def _texts(self, file: Any) -> np.ndarray:
        if self.dtype.kind == "S":
            return file.characters(self._name)
        texts = np.empty(math.prod(self.shape), dtype=self.dtype)
        texts[:] = file.texts(self._name)
        return texts.reshape(self.shape)


def _part(values: np.ndarray, picks: list[Pick]) -> np.ndarray:
    for axis, pick in enumerate(picks):
        indices = pick if isinstance(pick, np.ndarray) else np.arange(pick[0], pick[0] + pick[1])
        values = np.take(values, indices, axis=axis)
    return values


class FileStore(AbstractDataStore):
    """Variables and attributes of one netCDF file, for xarray's own decoding.

    Parameters
    ----------
    path : str
        Absolute name of a netCDF file or of an archive.
    member : int
        Which member of the archive.
    """

    def __init__(self, path: str, member: int = 0) -> None:
        self._path = path
        self._handle = handle_of(_open_member, (path, member), (path,))
        self._header = self._handle.core.header()

    def get_variables(self) -> dict[str, xr.Variable]:
        """Lazy variables by name."""
        return {name: self._variable(name, header) for name, header in self._header["variables"].items()}

    def _variable(self, name: str, header: dict[str, Any]) -> xr.Variable:
        dims, attrs = header["dims"], dict(header["attrs"])
        array = FileArray(self._handle, name, header, tuple(self._header["dims"][dim] for dim in dims))
        if array.dtype.kind == "S" and "_FillValue" in attrs:
            attrs["_FillValue"] = np.bytes_(attrs["_FillValue"])
        encoding = {"dtype": str if header["stored"] == "str" else array.dtype, **_storage(dims, header["storage"])}
        if "least_significant_digit" in attrs:
            encoding["least_significant_digit"] = attrs.pop("least_significant_digit")
        encoding |= {"source": self._path, "original_shape": array.shape}
        return xr.Variable(dims, indexing.LazilyIndexedArray(array), attrs, encoding)

    def get_attrs(self) -> dict[str, Any]:
        """Attributes of the file."""
        return dict(self._header["attrs"])

    def get_dimensions(self) -> dict[str, int]:
        """Lengths of the dimensions."""
        return dict(self._header["dims"])

    def get_encoding(self) -> dict[str, Any]:
        """Which dimensions are unlimited."""
        return {"unlimited_dims": set(self._header["unlimited"])}

    def close(self) -> None:
        """Let go of the file; what is indexed afterwards opens it once more."""
        self._handle.close()


#: Filters that netCDF4-python names and that we never meet on our own way.
_OTHER_FILTERS = ("szip", "zstd", "bzip2", "blosc")


def _storage(dims: tuple[str, ...], storage: dict[str, Any] | None) -> dict[str, Any]:
    """Encoding that says how a variable is kept, in the words of netCDF4-python; nothing for netCDF-3."""
    if storage is None:
        return {}
    encoding = {
        "zlib": storage["deflated"],
        **dict.fromkeys(_OTHER_FILTERS, False),
        "shuffle": storage["shuffle"],
        "complevel": storage["level"],
        "fletcher32": storage["fletcher32"],
    }
    chunks = storage["chunks"]
    if chunks is None:
        return {**encoding, "contiguous": True, "chunksizes": None}
    preferred = dict(zip(dims, chunks, strict=True))
    return {**encoding, "contiguous": False, "chunksizes": chunks, "preferred_chunks": preferred}


class Era5FastBackendEntrypoint(BackendEntrypoint):
    """Read netCDF files and archives of them in parallel, without a lock, from any thread.

    Notes
    -----
    Values are read when they are used. Writing back to the file that they are read from, as in
    ``ds.to_netcdf("era5.nc")``, empties it before that and so destroys it: xarray opens it anew, and the table of
    open files by which the library of netCDF-4 refuses this for its own engine does not know this reader. Call
    ``ds.load()`` first, or write to another name.
    """

    description: ClassVar[str] = "Read netCDF files, as the Climate Data Store delivers them, in parallel"
    supports_groups: ClassVar[bool] = False
    open_dataset_parameters: ClassVar[tuple[str, ...] | None] = (
        "filename_or_obj",
        "mask_and_scale",
        "decode_times",
        "concat_characters",
        "decode_coords",
        "drop_variables",
        "use_cftime",
        "decode_timedelta",
        "group",
        "tidy",
    )

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """True for local netCDF files and for archives that are called ``.nc``.

        xarray asks its own engines first: with one of them installed this engine is chosen by name only, but for such
        archives, which they cannot read.
        """
        if not isinstance(filename_or_obj, str | os.PathLike):
            return False
        path = os.fspath(filename_or_obj)
        try:
            magic = magic_of(path)
        except Era5FastError:
            return False
        return magic.startswith((b"CDF", b"\x89HDF")) or (is_archive(magic) and path.endswith(".nc"))

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        tidy: bool = False,
        **decoding: Any,
    ) -> xr.Dataset:
        """Open a file as a lazy Dataset.

        Parameters
        ----------
        filename_or_obj : path
            A netCDF file, or a GRIB file (which is always tidy), or an archive of them.
        drop_variables : str or iterable of str, optional
            Variables to leave out.
        group : str, optional
            The root group only.
        tidy : bool
            Give the Dataset of :func:`era5fast.open_dataset` instead of what the file itself says.
        **decoding
            xarray's options of decoding: ``mask_and_scale``, ``decode_times``, ``decode_coords`` and so on.

        Raises
        ------
        InputError
            If another group is asked for, or something that is no local file.
        CorruptDataError, StorageError, UnsafeInputError
            If the file cannot be read.
        """
        path = _local(filename_or_obj)
        if group not in (None, "", "/"):
            raise InputError(f"engine 'era5fast' reads the root group only, not '{group}'", hint="use netcdf4")
        if tidy or has_grib([path]):
            return _open_tidy(path, drop_variables, decoding)
        members = [_open_store(path, member, drop_variables, decoding) for member in range(len(netcdf_files(path)))]
        return members[0] if len(members) == 1 else _join(path, members)

    def open_datatree(self, filename_or_obj: Any, **_: Any) -> xr.DataTree:
        """Refuse: trees are of groups, and files of the Climate Data Store have none.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(f"engine 'era5fast' reads no trees of groups: {filename_or_obj}", hint="use netcdf4")


def _local(filename_or_obj: Any) -> str:
    if isinstance(filename_or_obj, list | tuple):
        raise InputError("engine 'era5fast' opens one file, not a list", hint=_MANY_HINT)
    if not isinstance(filename_or_obj, str | os.PathLike):
        what = type(filename_or_obj).__name__
        raise InputError(f"engine 'era5fast' reads local files, not {what}", hint="pass the name of a file")
    path = os.fspath(filename_or_obj)
    if "://" in path:
        raise InputError(f"engine 'era5fast' reads local files, not {path}", hint="download it first")
    path = os.path.abspath(os.path.expanduser(path))
    folder, name = os.path.split(path)
    if glob.has_magic(name if os.path.isdir(folder) else path) and not os.path.exists(path):
        raise InputError(f"engine 'era5fast' opens one file, not a pattern: {path}", hint=_MANY_HINT)
    return path


def _open_store(path: str, member: int, drop_variables: Any, decoding: dict[str, Any]) -> xr.Dataset:
    store = FileStore(path, member)
    ds = StoreBackendEntrypoint().open_dataset(store, drop_variables=drop_variables, **decoding)
    if not ds.variables and drop_variables is None:
        warn(
            f"{path} has nothing in its root group, all that engine 'era5fast' reads; engine='netcdf4' takes a group"
        )
    return ds


def _open_tidy(path: str, drop_variables: Any, decoding: dict[str, Any]) -> xr.Dataset:
    from .reader import open_dataset

    if decoding:
        raise InputError(f"a tidy Dataset is always decoded: leave out {', '.join(decoding)}")
    ds = open_dataset(path)
    names = [drop_variables] if isinstance(drop_variables, str) else list(drop_variables or ())
    return ds.drop_vars(names, errors="ignore")


def _join(path: str, members: list[xr.Dataset]) -> xr.Dataset:
    """Members of one archive as one Dataset, when nothing of them contradicts another."""
    # A member none of whose variables is left does not say any more what its coordinates are.
    coordinates = {name for member in members for name in member.coords}
    alike = [member.set_coords(coordinates & set(member.variables)) for member in members]
    try:
        joined = xr.merge(alike, join="exact", compat="equals", combine_attrs="override")
    except (xr.MergeError, ValueError) as error:
        raise InputError(
            f"{path}: the members of the archive do not fit together: {error}", hint=_TIDY_HINT, target=path
        ) from error
    joined.encoding = {"unlimited_dims": set().union(*(member.encoding["unlimited_dims"] for member in members))}
    joined.set_close(_Closing(members))
    return joined


class _Closing:
    """Closes several Datasets."""

    def __init__(self, members: list[xr.Dataset]) -> None:
        self._members = members

    def __call__(self) -> None:
        for member in self._members:
            member.close()

"""Headers of netCDF files as the core gives them: what netCDF4-python says, with the types of the file."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from era5fast import _core

netCDF4 = pytest.importorskip("netCDF4")

pytestmark = pytest.mark.native

FORMATS = ("NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA", "NETCDF4_CLASSIC", "NETCDF4")


def same(a: Any, b: Any) -> bool:
    """Equal, in value and in type."""
    if isinstance(b, str | list):
        return a == b
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check_attributes(found: dict[str, Any], known: Any) -> None:
    assert list(found) == known.ncattrs()
    for name, value in found.items():
        assert same(value, known.getncattr(name)), name


def check_variable(found: dict[str, Any], known: Any, file: Any) -> None:
    assert found["dims"] == known.dimensions
    check_attributes(found["attrs"], known)
    if known.dtype is str:
        assert (found["dtype"], found["stored"]) == ("text", "str")
        return
    stored = np.dtype(found["stored"])
    assert stored.newbyteorder("=") == known.dtype.newbyteorder("=")
    assert (found["dtype"] == "text") == (known.dtype == np.dtype("S1"))
    if not file.data_model.startswith("NETCDF4"):
        assert found["storage"] is None
        return
    filters, chunks = known.filters(), known.chunking()
    assert stored.byteorder == (">" if known.endian() == "big" and stored.itemsize > 1 else stored.byteorder)
    assert found["storage"]["chunks"] == (None if chunks == "contiguous" else tuple(chunks))
    assert found["storage"]["shuffle"] == filters["shuffle"]
    assert found["storage"]["fletcher32"] == filters["fletcher32"]
    assert found["storage"]["level"] == (filters["complevel"] if filters["zlib"] else 0)


def test_narrow_lengths_may_be_unlimited(tmp_path: Path) -> None:
    """Of lengths of 4 bytes "unlimited" is 4 bytes of ones, which HDF5 itself does not always find again."""
    import h5py

    for newest in (False, True):
        made, access = h5py.h5p.create(h5py.h5p.FILE_CREATE), h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        made.set_sizes(4, 4)
        access.set_libver_bounds(h5py.h5f.LIBVER_LATEST if newest else 0, h5py.h5f.LIBVER_LATEST)
        path, values = tmp_path / f"{newest}.nc", np.arange(240, dtype="i4")
        with h5py.File(h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, made, access)) as file:
            for name, shape, most, chunk in [
                ("first", (60, 4), (None, 4), (1, 2)),
                ("second", (4, 60), (4, None), (2, 1)),
                ("both", (4, 60), (None, None), (2, 1)),
            ]:
                file.create_dataset(name, shape, "i4", values.reshape(shape), maxshape=most, chunks=chunk)
        opened = _core.open_file(path, library=False)
        assert opened is not None
        assert len(opened.header()["unlimited"]) > 0
        for name in ("first", "second", "both"):
            assert np.array_equal(opened.read(name, stored=True).ravel(), values)


def check_file(path: Path) -> None:
    opened = _core.open_file(path, library=False)
    assert opened is not None, "netCDF-C was needed"
    header = opened.header()
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        assert header["format"] == file.data_model
        assert header["dims"] == {name: len(dim) for name, dim in file.dimensions.items()}
        assert set(header["unlimited"]) == {name for name, dim in file.dimensions.items() if dim.isunlimited()}
        check_attributes(header["attrs"], file)
        assert list(header["variables"]) == list(file.variables)
        for name, variable in file.variables.items():
            check_variable(header["variables"][name], variable, file)
            if variable.dtype is str:
                assert opened.texts(name) == list(np.ravel(variable[...]))


def write(path: Path, form: str) -> Path:
    """Attributes of every type, records, characters, and what netCDF-4 has besides."""
    new = form == "NETCDF4"
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.createDimension("time", None)
        file.createDimension("x", 4)
        file.createDimension("length", 7)
        for kind in ("i1", "i2", "i4", "f4", "f8") + (
            ("u1", "u2", "u4", "i8", "u8") if new or form.endswith("DATA") else ()
        ):
            file.setncattr(f"one_{kind}", np.dtype(kind).type(3))
            file.setncattr(f"more_{kind}", np.array([1, 2, 100], kind))
            file.createVariable(kind, kind, ("time", "x"))[:3] = np.arange(12).reshape(3, 4)
        if new:
            file.setncattr("beyond_doubles", np.int64(2**60 + 1))
            file.setncattr("beyond_int64", np.array([2**64 - 1, 0], "u8"))
            file.setncattr_string("strings", ["a", "", "b c"])
            file.createVariable("texts", str, ("time", "x"))[:3] = np.array(
                [["ä"] * 4, ["b"] * 4, ["ccc" * 9] * 4], object
            )
            file.createVariable("big", ">f4", ("x",), endian="big")[:] = 1
            packed = file.createVariable("packed", "i2", ("time", "x"), zlib=True, complevel=7, fletcher32=True)
            packed[:3] = 5
        file.createVariable("letters", "S1", ("time", "length"))[:3] = netCDF4.stringtochar(
            np.array(["seven", "ab", ""], "S7")
        )
        file.createVariable("scalar", "f8", ())[...] = 2.5
        file.setncattr("title", "Größe")
        file.setncattr("nothing", "")
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_every_kind_of_attribute(form: str, tmp_path: Path) -> None:
    check_file(write(tmp_path / "x.nc", form))


def test_characters_and_texts(tmp_path: Path) -> None:
    for form in FORMATS:
        file = _core.open_file(write(tmp_path / "x.nc", form))
        assert file.texts("letters") == ["seven", "ab", ""]
        assert file.characters("letters").shape == (3, 7)
        assert not file.by_library("letters")


def real_files(real_data: Path, scratch: Path) -> list[Path]:
    found = []
    for path in sorted(real_data.glob("*.nc")):
        if not zipfile.is_zipfile(path):
            found.append(path)
            continue
        with zipfile.ZipFile(path) as archive:
            found += [Path(archive.extract(name, scratch)) for name in archive.namelist()]
    return found


def test_real_files_need_no_netcdf_c(real_data: Path, tmp_path: Path) -> None:
    for path in real_files(real_data, tmp_path):
        check_file(path)


def test_real_files_by_both_ways(real_data: Path, tmp_path: Path, c_build: Path) -> None:
    """Tables, maps and every value through netCDF-C and without it: tests/c/test_tables.c."""
    files = [str(path) for path in real_files(real_data, tmp_path)]
    files += [str(write(tmp_path / f"{form}.nc", form)) for form in FORMATS]
    result = subprocess.run([c_build / "test_tables", *files], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("directly ") == len(files), result.stdout


def test_what_needs_netcdf_c_is_said(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "x.nc", "w") as file:
        file.createDimension("x", 3)
        kind = file.createEnumType("i1", "colour", {"red": 0})
        file.createVariable("c", kind, ("x",))[:] = 0
        file.createVariable("v", "f4", ("x",))[:] = 1
    assert _core.open_file(tmp_path / "x.nc", library=False) is None
    opened = _core.open_file(tmp_path / "x.nc")
    assert "header came through netCDF-C" in (opened.explain("v") or "")
    assert not opened.by_library("v")
    with pytest.raises(Exception, match="no variable 'w'"):
        opened.by_library("w")

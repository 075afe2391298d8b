"""The xarray engine: xarray's own tests of its netCDF backends, and equality with ``engine="netcdf4"``."""

from __future__ import annotations

import errno
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from conftest import REAL_DATA
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xarray.tests import test_backends as theirs
from xarray.tests.conftest import time_unit, use_dask  # noqa: F401, fixtures of their tests

import era5fast as e5
from era5fast.errors import CorruptDataError, InputError
from era5fast.xarray_engine import Era5FastBackendEntrypoint
from tests.samples import LAYOUTS, field, hours, write

pytestmark = pytest.mark.native

# --- xarray's own tests: netCDF4 writes, era5fast reads


@pytest.fixture
def read_by_era5fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever xarray's tests open, with or without naming netcdf4, this engine opens."""
    for name in ("open_dataset", "load_dataset", "open_mfdataset", "open_dataarray"):
        monkeypatch.setattr(theirs, name, through_ours(getattr(theirs, name)))


def through_ours(opening: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **kwargs: opening(*args, **{**kwargs, "engine": "era5fast"})


GROUPS = "reads the root group only"
WRITES = "not a test of reading"
#: Their tests that do not run here, and why.
NOT_OURS = {
    "test_open_group": GROUPS,
    "test_open_subgroup": GROUPS,
    "test_write_groups": GROUPS,
    "test_child_group_with_inconsistent_dimensions": GROUPS,
    "test_encoding_enum__no_fill_value": "types that a user defined are left out",
    "test_encoding_enum__multiple_variable_with_enum": "types that a user defined are left out",
    "test_encoding_enum__error_multiple_variable_with_changing_enum": WRITES,
    "test_roundtrip_complex": "types that a user defined are left out",
    "test_compression_encoding": "of compressions only deflate is named in the encoding",
    "test_load_async": "netCDF backends of xarray cannot do it either",
}


def only_reading(base: type) -> type:
    """Test class without the tests that are none of ours."""
    return type(base.__name__, (base,), dict.fromkeys(NOT_OURS))


@pytest.mark.usefixtures("read_by_era5fast")
class TestNetCDF4(only_reading(theirs.TestNetCDF4Data)):
    """netCDF-4 files."""


@pytest.mark.usefixtures("read_by_era5fast")
class TestNetCDF4ViaDask(only_reading(theirs.TestNetCDF4ViaDaskData)):
    """The same in dask arrays."""


@pytest.mark.usefixtures("read_by_era5fast")
class TestNetCDF4Classic(only_reading(theirs.TestNetCDF4ClassicViaNetCDF4Data)):
    """netCDF-4 files in the classic model."""


@pytest.mark.usefixtures("read_by_era5fast")
class TestNetCDF3(only_reading(theirs.TestNetCDF3ViaNetCDF4Data)):
    """netCDF-3 files."""


# --- equal to engine="netcdf4"


def check_same(path: Path | str, **options: Any) -> xr.Dataset:
    """Everything of a Dataset is what netCDF4 gives: names, order, values, types, attributes, encoding."""
    with xr.open_dataset(path, engine="netcdf4", **options) as wanted:
        found = xr.open_dataset(path, engine="era5fast", **options)
        assert list(found.variables) == list(wanted.variables)
        assert found.encoding == wanted.encoding
        assert list(found.attrs.items()) == list(wanted.attrs.items())
        for name, theirs_of in wanted.variables.items():
            ours = found.variables[name]
            assert ours.dtype == theirs_of.dtype, name
            assert described(ours.attrs) == described(theirs_of.attrs), name
            assert described(ours.encoding) == described(theirs_of.encoding), name
        xr.testing.assert_identical(found, wanted)
        for name in wanted.variables:
            assert found.variables[name].dtype == wanted.variables[name].dtype, name
    return found


def described(values: dict[str, Any]) -> list[tuple[str, type, str]]:
    """Attributes or encoding with the types of the values; NaN equals itself here."""
    return sorted((key, type(value), repr(value)) for key, value in values.items())


NETCDF = sorted(path.name for path in REAL_DATA.glob("*.nc") if not zipfile.is_zipfile(path))


@pytest.mark.parametrize("name", NETCDF)
@pytest.mark.parametrize("decode", [True, False])
def test_real_files_are_as_netcdf4_reads_them(real_data: Path, name: str, decode: bool) -> None:
    check_same(real_data / name, decode_cf=decode)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"decode_cf": False},
    {"mask_and_scale": False},
    {"decode_times": False},
    {"decode_coords": "all"},
    {"drop_variables": ["latitude"]},
    {"drop_variables": "t2m", "decode_coords": False},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layouts_and_options(layout: str, options: dict[str, Any], tmp_path: Path) -> None:
    check_same(write(tmp_path / "x.nc", field(30), **LAYOUTS[layout]), **options)


def write_everything(path: Path, form: str) -> Path:
    """Every type of a format, as values and as attributes."""
    types = ["i1", "i2", "i4", "f4", "f8"] + (["u1", "u2", "u4", "i8", "u8"] if form in ("NETCDF4", "CDF5") else [])
    rng = np.random.default_rng(1)
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA" if form == "CDF5" else form) as file:
        file.createDimension("record", None)
        file.createDimension("x", 5)
        file.createDimension("letters", 3)
        for kind in types:
            info = np.iinfo(kind) if kind[0] in "iu" else None
            variable = file.createVariable(f"v_{kind}", kind, ("record", "x"))
            ends = [info.min, info.max] if info is not None else [-1e30, np.inf]
            variable[:4] = np.append(rng.integers(0, 100, 18).astype(kind), np.array(ends, kind)).reshape(4, 5)
            variable.setncatts(
                {"one": np.array(ends[1], kind), "many": np.array(ends, kind), "zero": np.array([], kind)}
            )
            file.createVariable(f"s_{kind}", kind, ())[...] = 7
        file.createVariable("characters", "S1", ("x", "letters"))[:] = netCDF4.stringtochar(
            np.array([b"ab", b"", b"xyz", b"a", b"zzz"], "S3")
        )
        file.createVariable("letter", "S1", ())[...] = b"q"
        file.setncatts({"title": "Zürich \u2192 Basel", "empty": "", "number": 3.25})
        if form == "NETCDF4":
            file.createVariable("strings", str, ("x",))[:] = np.array(["", "a", "ü" * 60, "line\nbreak", "x"], object)
            file.createVariable("string", str, ())[...] = "alone"
            file.createVariable("never", "f4", ("x",), zlib=True, complevel=9, fletcher32=True)
            file.setncattr_string("list", ["a", "b c", ""])
            file.setncattr_string("single", ["s"])
    return path


@pytest.mark.parametrize("form", ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "CDF5"])
@pytest.mark.parametrize("options", [{}, {"decode_cf": False}, {"concat_characters": False}], ids=str)
def test_every_type_and_format(form: str, options: dict[str, Any], tmp_path: Path) -> None:
    check_same(write_everything(tmp_path / "x.nc", form), **options)


# --- indexing

SHAPE = (30, 5, 7)
SLOWLY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("engine") / "plain.nc", field(SHAPE[0]), **LAYOUTS["chunked"])


def along(n: int) -> st.SearchStrategy:
    bound = st.one_of(st.none(), st.integers(-n, n))  # farther ends with negative steps go wrong inside xarray
    slices = st.builds(slice, bound, bound, st.sampled_from([None, 1, 2, 5, -1, -3]))
    lists = st.lists(st.integers(-n, n - 1), max_size=6).map(lambda x: np.array(x, dtype=int))
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(np.array)
    return st.one_of(st.integers(-n, n - 1), slices, lists, masks)


@SLOWLY
@given(st.tuples(*map(along, SHAPE)), st.sampled_from(sorted(LAYOUTS)))
def test_outer_indexing_equals_that_of_numpy(tmp_path_factory: Any, key: tuple, layout: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"outer-{sorted(LAYOUTS).index(layout)}.nc"
    if not path.exists():
        write(path, field(SHAPE[0]), **LAYOUTS[layout])
    wanted = field(SHAPE[0])
    for axis, k in reversed(list(enumerate(key))):
        wanted = wanted[(slice(None),) * axis + (k,)]
    found = xr.open_dataset(path, engine="era5fast").t2m[key].values
    assert np.array_equal(found, wanted, equal_nan=True)


@SLOWLY
@given(st.lists(st.tuples(*(st.integers(-n, n - 1) for n in SHAPE)), max_size=8))
def test_pointwise_indexing_equals_that_of_numpy(plain: Path, points: list[tuple[int, int, int]]) -> None:
    index = [xr.DataArray([point[k] for point in points], dims="point").astype(int) for k in range(3)]
    lazy = xr.open_dataset(plain, engine="era5fast").t2m
    found = lazy.isel(valid_time=index[0], latitude=index[1], longitude=index[2]).values
    assert np.array_equal(found, field(SHAPE[0])[tuple(index)], equal_nan=True)


@SLOWLY
@given(st.data())
def test_texts_are_indexed_too(tmp_path_factory: Any, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "texts.nc"
    if not path.exists():
        write_everything(path, "NETCDF4")
    with xr.open_dataset(path, engine="netcdf4") as eager:
        lazy = xr.open_dataset(path, engine="era5fast")
        key = data.draw(along(5))
        for name in ("strings", "characters"):
            assert np.array_equal(lazy[name][key].values, eager[name].load()[key].values)


# --- life of a Dataset


def test_it_is_found_by_its_name() -> None:
    engines = xr.backends.list_engines()
    assert isinstance(engines["era5fast"], Era5FastBackendEntrypoint)
    assert list(engines).index("netcdf4") < list(engines).index("era5fast"), "it takes no files from netcdf4"


def test_it_guesses_only_what_it_can_read(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("words")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(plain, "a.nc")
    shutil_copy = (tmp_path / "x.nc").write_bytes((tmp_path / "x.zip").read_bytes())
    assert shutil_copy > 0
    guess = Era5FastBackendEntrypoint().guess_can_open
    assert guess(plain)
    assert guess(str(tmp_path / "x.nc"))
    for other in (
        tmp_path / "x.zip",
        tmp_path / "x.txt",
        tmp_path / "none.nc",
        tmp_path,
        b"CDF\1",
        "https://x.org/y.nc",
    ):
        assert not guess(other)
    assert "t2m" in xr.open_dataset(tmp_path / "x.nc"), "an archive that is called .nc needs no engine="


def test_opening_reads_no_values(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from era5fast.xarray_engine import FileArray

    read = FileArray._read

    def refuse(self: FileArray, picks: Any) -> np.ndarray:
        assert self._name != "t2m", "values were read"
        return read(self, picks)

    monkeypatch.setattr(FileArray, "_read", refuse)
    ds = xr.open_dataset(plain, engine="era5fast")
    assert ds.t2m.isel(valid_time=slice(3, 9)).sel(latitude=49).shape == (6, 7)
    assert "t2m" in repr(ds)


def test_pickles_hold_names_and_no_values(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(plain.parent)
    ds = xr.open_dataset(plain.name, engine="era5fast")
    sent = pickle.dumps(ds)
    monkeypatch.chdir("/")
    assert len(sent) < 20_000
    with pickle.loads(sent) as again:
        xr.testing.assert_identical(again, ds)
    assert np.array_equal(ds.copy(deep=True).t2m.values, field(SHAPE[0]), equal_nan=True)


def test_a_file_that_changed_since_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nc", field(30))
    ds = xr.open_dataset(path, engine="era5fast")
    sent = pickle.dumps(ds.t2m)
    ds.close()
    write(path, field(31))
    for array in (ds.t2m, xr.open_dataset(path, engine="era5fast").t2m):
        if array.sizes["valid_time"] == 31:
            assert np.array_equal(array.values, field(31), equal_nan=True)
            continue
        with pytest.raises(CorruptDataError, match=r"x\.nc: changed since it was opened"):
            _ = array.values
    with pytest.raises(CorruptDataError, match=r"x\.nc: changed since it was opened"):
        _ = pickle.loads(sent).values
    path.unlink()
    with pytest.raises(CorruptDataError, match=r"x\.nc: deleted since it was opened"):
        _ = pickle.loads(sent).values


def test_closing_lets_go_and_later_use_opens_again(plain: Path) -> None:
    with xr.open_dataset(plain, engine="era5fast") as ds:
        handle = ds._close.__self__._handle
        assert handle._core is not None
    assert handle._core is None
    assert np.array_equal(ds.t2m.values, field(SHAPE[0]), equal_nan=True)
    assert handle._core is not None


@pytest.mark.parametrize("chunks", [{}, "auto", {"valid_time": 14, "latitude": 3}])
def test_chunks_are_those_of_the_file(plain: Path, chunks: Any) -> None:
    pytest.importorskip("dask")
    ds = xr.open_dataset(plain, engine="era5fast", chunks=chunks)
    if chunks == {}:
        assert tuple(sizes[0] for sizes in ds.t2m.chunks) == LAYOUTS["chunked"]["chunksizes"]
    assert np.array_equal(ds.t2m.values, field(SHAPE[0]), equal_nan=True)


@pytest.mark.parametrize("parallel", [False, True])
def test_many_files(parallel: bool, tmp_path: Path) -> None:
    pytest.importorskip("dask")
    values = field(48)
    paths = [write(tmp_path / f"{i}.nc", values[i * 12 :][:12], hours(48)[i * 12 :][:12]) for i in range(4)]
    with xr.open_mfdataset(paths, engine="era5fast", parallel=parallel, chunks={}) as ds:
        assert np.array_equal(ds.t2m.values, values, equal_nan=True)
        with xr.open_mfdataset(paths, engine="netcdf4") as wanted:
            xr.testing.assert_identical(ds.load(), wanted.load())


@pytest.mark.parametrize("processes", [False, True])
def test_workers_of_a_cluster(processes: bool, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    values = field(48)
    paths = [write(tmp_path / f"{i}.nc", values[i * 24 :][:24], hours(48)[i * 24 :][:24]) for i in range(2)]
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=2, processes=processes, dashboard_address=None)
    with cluster, distributed.Client(cluster):
        with xr.open_mfdataset(paths, engine="era5fast", parallel=True, chunks={"valid_time": 5}) as ds:
            assert np.array_equal(ds.t2m.compute().values, values, equal_nan=True)
        tidy = e5.open_dataset(paths, chunks={"time": 7})
        assert np.array_equal(tidy.t2m.compute().values, values, equal_nan=True)


# --- archives, tidy, and what is refused


def test_members_of_an_archive_come_as_one(tmp_path: Path) -> None:
    instant = write(tmp_path / "instant.nc", field(24))
    accum = write(tmp_path / "accum.nc", field(24, 2), name="tp")
    other = write(tmp_path / "other.nc", field(12, 2), name="u10")
    for names, target in ((("instant", "accum"), "fits.nc"), (("instant", "other"), "not.nc")):
        with zipfile.ZipFile(tmp_path / target, "w") as archive:
            for name in names:
                archive.write(tmp_path / f"{name}.nc", f"{name}.nc")
    ds = xr.open_dataset(tmp_path / "fits.nc", engine="era5fast")
    with xr.open_dataset(instant, engine="netcdf4") as a, xr.open_dataset(accum, engine="netcdf4") as b:
        xr.testing.assert_identical(ds, a.assign(tp=b.tp))
    assert ds.tp.encoding["source"] == str(tmp_path / "fits.nc")
    xr.testing.assert_identical(pickle.loads(pickle.dumps(ds)), ds)
    assert other.exists()
    with pytest.raises(InputError, match=r"not\.nc: the members of the archive do not fit together.*tidy=True"):
        xr.open_dataset(tmp_path / "not.nc", engine="era5fast")


def test_the_real_archive(real_data: Path) -> None:
    path = real_data / "new_era5_zip_named_nc_telangana_20230901-07.nc"
    ds = xr.open_dataset(path, engine="era5fast")
    assert {"d2m", "u10", "v10", "sp", "tp"} <= set(ds.data_vars)
    tidy = xr.open_dataset(path, engine="era5fast", tidy=True)
    assert np.array_equal(tidy.tp.values, ds.tp.values, equal_nan=True)
    fewer = xr.open_dataset(path, engine="era5fast", drop_variables=["tp", "sp"])  # nothing is left of one member
    xr.testing.assert_identical(fewer, ds.drop_vars(["tp", "sp"]))


def test_tidy_is_that_of_the_package(plain: Path) -> None:
    tidy = xr.open_dataset(plain, engine="era5fast", tidy=True)
    xr.testing.assert_identical(tidy, e5.open_dataset(plain))
    assert tidy.t2m.dims == ("time", "latitude", "longitude")
    assert list(xr.open_dataset(plain, engine="era5fast", tidy=True, drop_variables="t2m").data_vars) == []
    with pytest.raises(InputError, match=r"a tidy Dataset is always decoded: leave out mask_and_scale"):
        xr.open_dataset(plain, engine="era5fast", tidy=True, mask_and_scale=False)
    with pytest.raises(InputError, match=r"reads no trees of groups: .*[Uu]se netcdf4"):
        xr.open_datatree(plain, engine="era5fast")


def test_a_file_of_groups_alone_is_told(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "groups.nc", "w") as file:
        file.createGroup("era5").createVariable("t2m", "f4", ())
    with pytest.warns(UserWarning, match=r"groups\.nc has nothing in its root group, .*engine='netcdf4'"):
        assert len(xr.open_dataset(tmp_path / "groups.nc", engine="era5fast").variables) == 0


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (lambda path: {"filename_or_obj": path, "group": "deep"}, "reads the root group only, not 'deep'"),
        (lambda path: {"filename_or_obj": path.read_bytes()}, "reads local files, not bytes"),
        (
            lambda path: {"filename_or_obj": "https://example.org/x.nc"},
            r"reads local files, not https://example\.org",
        ),
        (lambda path: {"filename_or_obj": [path, path]}, r"opens one file, not a list.*open_mfdataset"),
        (
            lambda path: {"filename_or_obj": f"{path.parent}/*.nc"},
            r"one file, not a pattern: .*\*\.nc",
        ),
    ],
)
def test_what_is_no_local_file_is_refused(what: Any, text: str, plain: Path) -> None:
    with pytest.raises(InputError, match=text):
        xr.open_dataset(**what(plain), engine="era5fast")


@pytest.mark.parametrize("group", ["", "/"])
def test_the_root_group_may_be_named(group: str, plain: Path) -> None:
    assert "t2m" in xr.open_dataset(plain, engine="era5fast", group=group)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.nc: No such file") as caught:
        xr.open_dataset(tmp_path / "none.nc", engine="era5fast")
    assert caught.value.errno == errno.ENOENT
    assert os.fspath(tmp_path) in str(caught.value)


def test_the_file_that_is_read_is_written_after_loading_only(tmp_path):
    """What read.md says of it."""
    path = tmp_path / "own.nc"
    whole = xr.Dataset({"t2m": ("x", np.arange(5.0))})
    whole.to_netcdf(path)
    with xr.open_dataset(path, engine="era5fast") as ds:
        loaded = ds.load()
    (loaded + 1).to_netcdf(path)
    lazy = xr.open_dataset(path, engine="era5fast")
    xr.testing.assert_identical(lazy, whole + 1)
    lazy = xr.open_dataset(path, engine="era5fast")
    with pytest.raises(CorruptDataError, match="changed since it was opened"):
        lazy.to_netcdf(path)

"""Data in Zarr: the same answers as from netCDF, and references that let readers of Zarr read our netCDF files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import fsspec
import netCDF4
import numpy as np
import pytest
import xarray as xr
import zarr
from conftest import SKIPPED_FOR_DATA

import era5fast as e5
from era5fast import indices
from era5fast.errors import InputError
from tests.samples import LATITUDE, LAYOUTS, field, hours, write

pytestmark = [
    pytest.mark.native,
    pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore:.* needs whole time"),
]

# --- the same functions on stores of Zarr


def hourly(days: int = 31, step: int = 3) -> xr.Dataset:
    """Hours of January 2004 as ARCO-ERA5 lays them out: long names, maps from north to south, hours since 1900."""
    rng = np.random.default_rng(3)
    steps = np.arange(0, 24 * days, step)
    latitude, longitude = np.arange(50, 45.9, -0.5), np.arange(0, 360, 30.0)
    shape = (steps.size, latitude.size, longitude.size)
    dims = ("time", "latitude", "longitude")
    warm = 288 + 6 * np.sin(2 * np.pi * steps / 24)[:, None, None] + rng.normal(0, 3, shape)
    rain = rng.gamma(0.05, 0.004, shape)
    names = {
        "2m_temperature": (warm, {"long_name": "2 metre temperature", "short_name": "t2m", "units": "K"}),
        "total_precipitation": (rain, {"long_name": "Total precipitation", "short_name": "tp", "units": "m"}),
    }
    axes = {
        "time": ("time", steps + 911_640, {"units": "hours since 1900-01-01", "calendar": "proleptic_gregorian"}),
        "latitude": ("latitude", latitude.astype("float32"), {"units": "degrees_north", "long_name": "latitude"}),
        "longitude": ("longitude", longitude.astype("float32"), {"units": "degrees_east", "long_name": "longitude"}),
    }
    about = {"valid_time_start": "2004-01-01", "valid_time_stop": "2004-01-31", "last_updated": "2004-03-01"}
    variables = {name: (dims, x.astype("float32"), attrs) for name, (x, attrs) in names.items()}
    return xr.Dataset(variables, axes, about)


#: Forms of a store: what `to_zarr` is told.
STORES: dict[str, dict[str, Any]] = {
    "format 3": {"zarr_format": 3},
    "format 2": {"zarr_format": 2},
    "format 2, one map a chunk, consolidated": {"zarr_format": 2, "consolidated": True, "chunks": 1},
    "format 3, sharded": {"zarr_format": 3, "shards": 120},
}


def store(path: Path, ds: xr.Dataset, form: str) -> Path:
    """Write a Dataset in one of the forms."""
    told = dict(STORES[form])
    steps, shards = told.pop("chunks", 24), told.pop("shards", None)
    cells = ds["2m_temperature"].shape[1:]
    encoding = {name: {"chunks": (steps, *cells)} for name in ds.data_vars}
    if shards is not None:
        encoding = {name: {**each, "shards": (shards, *cells)} for name, each in encoding.items()}
    ds.to_zarr(path, encoding=encoding, **told)
    return path


#: What is computed of the Dataset as it is opened.
COMPUTED: dict[str, Callable[[xr.Dataset], Any]] = {
    "daily": lambda ds: e5.daily(ds["2m_temperature"], ["min", "max"]),
    "rain of the day": lambda ds: e5.daily(ds["total_precipitation"], "sum"),
    "an index": lambda ds: indices.su(e5.daily(ds["2m_temperature"], "max"), threshold="18 degC", freq="MS"),
    "percentiles": lambda ds: e5.percentile(e5.daily(ds["2m_temperature"], "mean"), [10, 90]),
    "the accessor": lambda ds: ds.era5fast.daily("2m_temperature", "max").era5fast.txx(freq="MS"),
    "sample": lambda ds: e5.sample(ds["2m_temperature"], [49.2, 47], [359, 31]),
    "single values": lambda ds: e5.saturation_vapour_pressure(ds["2m_temperature"]),
    "units": lambda ds: e5.convert_units(ds["2m_temperature"], "K", "degC"),
}


@pytest.mark.parametrize("chunks", [None, {}], ids=["lazy", "dask"])
@pytest.mark.parametrize("form", STORES)
def test_stores_give_what_files_give(form: str, chunks: Any, tmp_path: Path) -> None:
    ds = hourly()
    ds.to_netcdf(tmp_path / "a.nc")
    wanted = xr.open_dataset(tmp_path / "a.nc", engine="era5fast")
    found = xr.open_zarr(store(tmp_path / "a.zarr", ds, form), chunks=chunks)
    assert (found["2m_temperature"].chunks is None) == (chunks is None)
    for name, compute in COMPUTED.items():
        xr.testing.assert_equal(compute(found).load(), compute(wanted).load())
        assert compute(found).attrs == compute(wanted).attrs, name


def test_the_long_names_of_arco_mean_what_they_say(tmp_path: Path) -> None:
    """Sums of an hour count to the day in which the hour ends, as under the short names."""
    path = store(tmp_path / "a.zarr", hourly(5, step=1), "format 2, one map a chunk, consolidated")
    ds = xr.open_zarr(path, chunks=None)
    rain = e5.daily(ds["total_precipitation"], "sum")
    np.testing.assert_array_equal(rain, e5.daily(ds["total_precipitation"].rename("tp"), "sum"))
    day = ds["total_precipitation"].isel(time=slice(1, 25)).astype("float64").sum("time")
    np.testing.assert_allclose(rain.sel(time="2004-01-01"), day)
    assert len(e5.find_events(e5.daily(ds["2m_temperature"], "max"), above=292.0, min_days=1)) > 0


def test_an_icechunk_store(tmp_path: Path) -> None:
    icechunk = pytest.importorskip("icechunk")
    ds = hourly(4)
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(tmp_path / "repository")))
    session = repository.writable_session("main")
    ds.to_zarr(session.store, zarr_format=3, consolidated=False)
    session.commit("ten days")
    found = xr.open_zarr(repository.readonly_session("main").store, consolidated=False)
    xr.testing.assert_equal(COMPUTED["daily"](found).load(), COMPUTED["daily"](xr.decode_cf(ds)))


# --- references to chunks


def opened(references: Any, **how: Any) -> xr.Dataset:
    """A Dataset that fsspec and zarr read through references."""
    options = {"fo": str(references) if isinstance(references, Path) else references, "skip_instance_cache": True}
    told = {"storage_options": options, "consolidated": False, **how}
    return xr.open_dataset("reference://", engine="zarr", backend_kwargs=told)


@pytest.mark.parametrize("consolidated", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_references_lead_to_the_values_that_we_read(layout: str, consolidated: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc", field(48), **LAYOUTS[layout])
    references = e5.chunk_references(path, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == references
    assert references["version"] == 1
    found = opened(tmp_path / "a.json", consolidated=consolidated).load()
    xr.testing.assert_identical(found, xr.open_dataset(path, engine="era5fast").load())
    np.testing.assert_array_equal(found.t2m.astype("float32"), e5.read(path, "t2m"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_are_joined_along_time(layout: str, tmp_path: Path) -> None:
    """In the order of their times, also where each counts them from a moment of its own."""
    rows = LAYOUTS[layout].get("chunksizes", (7,))[0]
    begin, paths = hours(1)[0], []
    for i, steps in enumerate((2 * rows, 3 * rows, rows + 1)):
        hour = (hours(steps) - hours(1)[0]) // 3600 + (begin - hours(1)[0]) // 3600
        path = tmp_path / f"{i}.nc"
        paths.append(write(path, field(steps, seed=i), hour, units="hours since 2001-01-01", **LAYOUTS[layout]))
        begin += 3600 * steps
    with netCDF4.Dataset(paths[1], "a") as file:
        file["valid_time"][:] = file["valid_time"][:] - 24
        file["valid_time"].units = "hours since 2001-01-02"
    references = e5.chunk_references(paths[::-1])
    found = opened(references).load()
    xr.testing.assert_identical(found, xr.open_mfdataset(paths, engine="era5fast", combine="by_coords").load())
    assert {entry[0] for entry in references["refs"].values() if isinstance(entry, list)} == {
        f"file://{p}" for p in paths
    }
    np.testing.assert_array_equal(found.t2m.astype("float32"), e5.read(paths, "t2m"))


def test_functions_compute_through_references(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc", field(48), **LAYOUTS["packed"])
    found = e5.daily(opened(e5.chunk_references(path)).t2m, "max")
    np.testing.assert_allclose(found, e5.daily(path, "max"), rtol=1e-6)


def test_all_real_files(real_data: Path) -> None:
    compared = 0
    for path in sorted(real_data.glob("*.nc")):
        if path.read_bytes()[:2] == b"PK":
            continue
        found, wanted = opened(e5.chunk_references(path)), xr.open_dataset(path, engine="era5fast")
        assert found.attrs == wanted.attrs
        assert list(found.variables) == list(wanted.variables) or set(found.variables) == set(wanted.variables)
        for name, variable in wanted.variables.items():
            assert found[name].variable.equals(variable), f"{path.name}: {name}"
            compared += 1
    assert compared > 100, SKIPPED_FOR_DATA


def test_axes_and_texts_need_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("valid_time", 3)
        file.createVariable("valid_time", "i8", "valid_time")[:] = [0, 24, 48]
        file["valid_time"].units = "hours since 2001-01-01"
        file.createVariable("number", "i8", ())[:] = 7
        file.createVariable("expver", str, "valid_time")[:] = np.array(["0001", "0001", "0005"], dtype=object)
        file.createVariable("t2m", "f4", "valid_time")[:] = [1, 2, 3]
    wanted = xr.open_dataset(path, engine="era5fast").load()
    references = e5.chunk_references(path)
    shutil.move(path, tmp_path / "b.nc")
    found = opened(references)
    assert found.expver.values.tolist() == ["0001", "0001", "0005"]
    assert found.number.item() == 7
    assert (found.valid_time.values == wanted.valid_time.values).all()
    (tmp_path / "b.nc").rename(path)
    assert found.t2m.values.tolist() == [1, 2, 3]


def test_axes_may_stay_in_the_file_as_well(tmp_path: Path) -> None:
    """For tools that take no values in references."""
    path = write(tmp_path / "a.nc", field(48), **LAYOUTS["packed"])
    references = e5.chunk_references(path, inline=False)["refs"]
    assert not [key for key, entry in references.items() if str(entry).startswith("base64:")]
    assert json.loads(references["t2m/.zattrs"])["_FillValue"] == -32767
    xr.testing.assert_identical(opened(references).load(), xr.open_dataset(path, engine="era5fast").load())


@pytest.mark.parametrize("inline", [True, False])
def test_files_that_are_no_one_array_are_refused_with_and_without_values(inline: bool, tmp_path: Path) -> None:
    layout, behind = LAYOUTS["checksums"], hours(48, "2001-01-03")
    first = write(tmp_path / "a.nc", field(48), **layout)
    overlapping = write(tmp_path / "b.nc", field(48), hours(48, "2001-01-02"), **layout)
    elsewhere = write(tmp_path / "c.nc", field(48), behind, latitude=LATITUDE + 1, **layout)
    with pytest.raises(InputError, match=r"b\.nc: begins before .*a\.nc ends"):
        e5.chunk_references([first, overlapping], inline=inline)
    with pytest.raises(InputError, match=r"c\.nc: latitude is another than in .*a\.nc"):
        e5.chunk_references([first, elsewhere], inline=inline)


def test_variables_and_places_of_the_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc", field(24))
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("d2m", "f4", ("valid_time", "latitude", "longitude"))[:] = 1
    references = e5.chunk_references(path, variables="2t", base="https://example.org/era5/")["refs"]
    assert references["t2m/0.0.0"][0] == "https://example.org/era5/a.nc"
    assert {"t2m/.zarray", "valid_time/.zarray", "latitude/.zarray"} <= set(references)
    assert "d2m/.zarray" not in references
    with pytest.raises(InputError, match=r"no variable 'sst'.*t2m, d2m"):
        e5.chunk_references(path, variables=["sst"])


def test_contiguous_steps_are_cut_into_pieces(tmp_path: Path) -> None:
    """A map of 4 MB: four of them are the most in one chunk, and the chunks follow each other without a gap."""
    values = np.arange(12 * 1000 * 1000, dtype="f4").reshape(12, 1000, 1000)
    path = tmp_path / "a.nc"
    xr.Dataset({"x": (("time", "y", "z"), values)}, {"time": np.arange(12)}).to_netcdf(path, format="NETCDF3_64BIT")
    references = e5.chunk_references(path)["refs"]
    places = [references[f"x/{i}.0.0"] for i in range(3)]
    assert json.loads(references["x/.zarray"])["chunks"] == [4, 1000, 1000]
    assert [place[2] for place in places] == [16_000_000] * 3
    assert all(a[1] + a[2] == b[1] for a, b in pairwise(places))
    assert (opened(references).x.isel(time=[3, 4, 11]).values == values[[3, 4, 11]]).all()


def test_records_of_several_variables_are_pointed_at_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("time", None)
        file.createDimension("x", 5)
        for i, name in enumerate(("time", "a", "b")):
            file.createVariable(name, "f4", ("time", "x")[: 1 + (i > 0)])
        file["a"][:] = np.arange(15).reshape(3, 5)
        file["b"][:] = -np.arange(15).reshape(3, 5)
        file["time"][:] = [1, 2, 3]
    found = opened(e5.chunk_references(path))
    xr.testing.assert_identical(found.load(), xr.open_dataset(path, engine="era5fast", decode_times=False).load())


def test_chunks_that_were_never_written_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("x", 6)
        file.createVariable("filled", "i2", "x", fill_value=-1, chunksizes=(2,))[2:4] = [5, 6]
        file.createVariable("bare", "i2", "x", chunksizes=(2,), fill_value=False)[2:4] = [5, 6]
    found = opened(e5.chunk_references(path, variables="filled"))
    np.testing.assert_array_equal(found.filled, [np.nan, np.nan, 5, 6, np.nan, np.nan])
    with pytest.raises(InputError, match="parts of bare were never written"):
        e5.chunk_references(path, variables="bare")


def _two(tmp_path: Path, second: dict[str, Any], first: dict[str, Any] | None = None) -> list[Path]:
    """Two files of a day each, the second with what is said."""
    common = {"zlib": True, "chunksizes": (6, 5, 7)}
    one = write(tmp_path / "one.nc", field(24), **{**common, **(first or {})})
    steps = second.pop("steps", 24)
    begin = second.pop("begin", "2001-01-02")
    return [one, write(tmp_path / "two.nc", field(steps), hours(steps, begin), **{**common, **second})]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({}, {"chunksizes": (8, 5, 7)}, "two.nc: t2m has other chunks"),
        ({}, {"shuffle": False}, "two.nc: t2m has other filters"),
        ({}, {"datatype": "f8"}, "two.nc: t2m has other type"),
        ({}, {"longitude": np.arange(7.0)}, "two.nc: longitude is another than in .*one.nc"),
        ({}, {"name": "d2m"}, "t2m is not in all of the files"),
        ({}, {"begin": "2001-01-01"}, "two.nc: begins before .*one.nc ends"),
        ({}, {"time": "time"}, "no axis of time"),
        ({"chunksizes": (7, 5, 7)}, {"chunksizes": (7, 5, 7)}, "two.nc: t2m begins within a chunk of 7 steps"),
        ({}, {"attrs": {"units": "degC"}}, "other units"),
        ({}, {"calendar": "noleap"}, "another calendar"),
    ],
)
def test_files_that_cannot_be_one_array_are_refused(first: Any, second: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        e5.chunk_references(_two(tmp_path, dict(second), first))


def test_other_packing_is_refused(tmp_path: Path) -> None:
    """As the months of old downloads have it: each with a scale of its own."""
    paths = _two(tmp_path, {"datatype": "i2", "packed": True}, {"datatype": "i2", "packed": True})
    assert opened(e5.chunk_references(paths)).t2m.shape == (48, 5, 7)
    with netCDF4.Dataset(paths[1], "a") as file:
        file["t2m"].add_offset = 281.0
    with pytest.raises(InputError, match="t2m has other add_offset"):
        e5.chunk_references(paths)


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.grib").write_bytes(b"GRIB" + bytes(50))
    (tmp_path / "a.nc").write_bytes(b"PK\3\4" + bytes(50))
    with pytest.raises(InputError, match="no netCDF"):
        e5.chunk_references(tmp_path / "a.grib")
    with pytest.raises(InputError, match="an archive"):
        e5.chunk_references(tmp_path / "a.nc")
    with netCDF4.Dataset(tmp_path / "b.nc", "w") as file:
        file.createDimension("x", 4)
        file.createVariable("y", "f4", "x", compression="zstd")[:] = 1
    with pytest.raises(InputError, match="chunks of y cannot be named: "):
        e5.chunk_references(tmp_path / "b.nc")


def test_a_file_is_not_replaced_unless_it_is_said(tmp_path: Path) -> None:
    path, target = write(tmp_path / "a.nc", field(3)), tmp_path / "a.json"
    e5.chunk_references(path, target)
    with pytest.raises(FileExistsError):
        e5.chunk_references(path, target)
    e5.chunk_references(path, target, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.nc"]


def test_virtualizarr_takes_them_to_icechunk(tmp_path: Path) -> None:
    icechunk, virtualizarr = pytest.importorskip("icechunk"), pytest.importorskip("virtualizarr")
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore
    from virtualizarr.parsers import KerchunkJSONParser

    path = write(tmp_path / "a.nc", field(48), **LAYOUTS["packed"])
    e5.chunk_references(path, tmp_path / "a.json", inline=False)
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    url = f"file://{tmp_path}/a.json"
    virtual = virtualizarr.open_virtual_dataset(url, registry, KerchunkJSONParser(), loadable_variables=[])
    settings = icechunk.RepositoryConfig.default()
    folder, files = f"file://{tmp_path}/", icechunk.local_filesystem_store(str(tmp_path))
    settings.set_virtual_chunk_container(icechunk.VirtualChunkContainer(folder, files))
    repository = icechunk.Repository.create(
        icechunk.in_memory_storage(), config=settings, authorize_virtual_chunk_access={folder: None}
    )
    session = repository.writable_session("main")
    virtual.vz.to_icechunk(session.store)
    session.commit("references")
    found = xr.open_zarr(repository.readonly_session("main").store, consolidated=False)
    xr.testing.assert_equal(found.load(), xr.open_dataset(path, engine="era5fast").load())


def test_fsspec_alone_gives_the_stored_bytes(tmp_path: Path) -> None:
    """The references say nothing that only zarr understands: a chunk is bytes of the file."""
    path = write(tmp_path / "a.nc", field(48), **LAYOUTS["checksums"])
    references = e5.chunk_references(path)["refs"]
    _, begin, size = references["t2m/1.0.0"]
    files = fsspec.filesystem("reference", fo=references, skip_instance_cache=True)
    assert files.cat("t2m/1.0.0") == path.read_bytes()[begin : begin + size]
    assert zarr.open_group(files.get_mapper(""), mode="r")["t2m"].shape == (48, 5, 7)

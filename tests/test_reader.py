"""Reading: every layout, many files as one, selections, lazy arrays that equal eager ones, archives."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast import reader
from era5fast.errors import CorruptDataError, InputError, StorageError, UnsafeInputError
from tests.samples import LATITUDE, LAYOUTS, LONGITUDE, field, hours, write

pytestmark = pytest.mark.native

STEPS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Path:
    return write(folder / "plain.nc", field(STEPS), **LAYOUTS["chunked"])


# --- layouts ---


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_values(layout: str, tmp_path: Path) -> None:
    values = field(STEPS)
    path = write(tmp_path / "x.nc", values, **LAYOUTS[layout])
    found = e5.read(path, progress=False)
    assert found.dtype == ("float64" if layout == "double" else "float32")
    assert np.array_equal(found, values, equal_nan=True)
    for threads in (1, 2, 7):
        e5.set_num_threads(threads)
        assert e5.read(path, "2t", progress=False).tobytes() == found.tobytes()
    e5.set_num_threads(0)
    assert e5.explain(path)["t2m"].startswith("Read ")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_xarray_reads(layout: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.nc", field(STEPS), **LAYOUTS[layout])
    with xr.open_dataset(path, engine="netcdf4") as theirs:
        ours = e5.open_dataset(path)
        renamed = theirs.rename(valid_time="time")
        np.testing.assert_allclose(ours.t2m.values, renamed.t2m.values, rtol=1e-7)
        for axis in ("time", "latitude", "longitude"):
            assert np.array_equal(ours[axis].values, renamed[axis].values)
        assert ours.t2m.attrs == {"units": "K", "long_name": "2 metre temperature"}
        assert ours.t2m.dims == ("time", "latitude", "longitude")


def test_old_names_and_times(tmp_path: Path) -> None:
    stamps = hours(24, "1959-12-31") // 3600 + 613608  # hours since 1900
    path = write(tmp_path / "x.nc", field(24), stamps, time="time", units="hours since 1900-01-01 00:00:0.0",
                 calendar="gregorian", **LAYOUTS["netCDF-3, packed"])  # fmt: skip
    assert np.array_equal(e5.open_dataset(path).time.values, np.datetime64("1959-12-31", "h") + np.arange(24))


@pytest.mark.parametrize("name", ["t2m", "2t", "2m_temperature", "167"])
def test_any_name_of_the_variable(name: str, plain: Path) -> None:
    assert e5.read(plain, name, progress=False).shape == (STEPS, 5, 7)
    assert list(e5.open_dataset(plain, name).data_vars) == ["t2m"]


# --- many files as one ---


def quarters(folder: Path, values: np.ndarray, **changes: dict) -> list[Path]:
    """Four files of a quarter of the steps each; `changes` of file i are under its letter."""
    seconds, n = hours(len(values)), len(values) // 4
    parts = [slice(i * n, (i + 1) * n) for i in range(4)]
    return [
        write(folder / f"{letter}.nc", values[part], seconds[part], **changes.get(letter, {"zlib": True}))
        for letter, part in zip("abcd", parts, strict=True)
    ]


def test_files_in_any_order_make_one_series(tmp_path: Path) -> None:
    values = field(STEPS)
    paths = quarters(tmp_path, values, b=LAYOUTS["packed"], c=LAYOUTS["netCDF-3"])
    for order in (paths, paths[::-1], [paths[2], paths[0], paths[3], paths[1]]):
        assert np.array_equal(e5.read(order, progress=False), values, equal_nan=True)
    for pattern in (tmp_path / "*.nc", str(tmp_path / "[a-d].nc"), [tmp_path / "[ab].nc", str(tmp_path / "[cd].nc")]):
        assert np.array_equal(e5.read(pattern, progress=False), values, equal_nan=True)


def test_interleaved_files_make_one_series(tmp_path: Path) -> None:
    values, seconds = field(STEPS), hours(STEPS)
    paths = [write(tmp_path / f"{i}.nc", values[i::3], seconds[i::3], chunksizes=(4, 5, 7)) for i in range(3)]
    assert np.array_equal(e5.read(paths, progress=False), values, equal_nan=True)
    daily = e5.daily(paths, "mean")
    assert (
        daily.values.tobytes()
        == e5.daily(xr.DataArray(values, {"time": daily_time(STEPS)}, DIMS), "mean").values.tobytes()
    )


DIMS = ("time", "latitude", "longitude")


def daily_time(n: int) -> np.ndarray:
    return hours(n).astype("M8[s]").astype("M8[ns]")


def test_rows_of_other_order_and_columns_of_other_convention(tmp_path: Path) -> None:
    values = field(STEPS)
    flipped = {"latitude": LATITUDE[::-1], "longitude": LONGITUDE % 360}
    paths = quarters(tmp_path, values, b=flipped, d={"longitude": LONGITUDE + 360})
    found = values.copy()
    found[15:30] = values[15:30, ::-1]
    assert np.array_equal(e5.read(paths, progress=False), found, equal_nan=True)


def test_steps_that_occur_twice_come_from_the_first_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    a, b = field(24, seed=1), field(24, seed=2)
    first, second = write(tmp_path / "z.nc", a), write(tmp_path / "a.nc", b, hours(24, "2001-01-01T12"))
    with caplog.at_level(logging.WARNING, logger="era5fast"):
        found = e5.read([first, second], progress=False)
    assert np.array_equal(found, np.concatenate([a, b[12:]]), equal_nan=True)
    assert "12 time steps occur more than once, the first on 2001-01-01" in caplog.text
    assert np.array_equal(e5.read([second, first], progress=False), np.concatenate([a[:12], b]), equal_nan=True)


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    paths = quarters(tmp_path, field(STEPS))
    del paths[1]
    ds = e5.open_dataset(paths)
    assert ds.sizes["time"] == 45
    assert int((ds.time.diff("time") != np.timedelta64(1, "h")).sum()) == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"latitude": LATITUDE + 0.25}, r"b\.nc: its grid differs from that of a\.nc\. Read them separately"),
        ({"longitude": LONGITUDE + 0.25}, "its grid differs"),
        ({"calendar": "noleap"}, "its calendar differs"),
        ({"attrs": {"units": "degC"}}, "the variable's unit differs"),
        ({"name": "d2m"}, r"b\.nc: no variable t2m; there are: d2m"),
    ],
    ids=["latitude", "longitude", "calendar", "units", "name"],
)
def test_files_that_do_not_fit_together(change: dict, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=text) as caught:
        e5.read(quarters(tmp_path, field(STEPS), b=change), progress=False)
    assert caught.value.target == str(tmp_path / "b.nc")


def test_fewer_cells_do_not_fit(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.nc", field(4)), write(tmp_path / "b.nc", field(4)[:, :3], latitude=LATITUDE[:3])]
    with pytest.raises(InputError, match="its grid differs"):
        e5.read(paths, progress=False)


# --- selections ---


@pytest.mark.parametrize(
    ("time", "first", "last"),
    [
        (None, 0, 60),
        (slice(None), 0, 60),
        (slice("2001"), 0, 60),
        (slice("2001-01-02", None), 24, 60),
        (slice(None, "2001-01-01"), 0, 24),
        (slice("2001-01-01", "2001-01-02"), 0, 48),
        (slice("2001-01-01T05", "2001-01-01T07"), 5, 8),
        (slice("2001-01-01 05:30", "2001-01-01 07:30"), 6, 8),
        (slice(np.datetime64("2001-01-01T05"), np.datetime64("2001-01-01T07", "ns")), 5, 8),
        (slice(np.datetime64("2001-01-02"), np.datetime64("2001-01-02")), 24, 48),
        (slice("2000-12", "2001-01"), 0, 60),
        (slice(2000, 2001), 0, 60),
    ],
)
def test_time_is_inclusive_at_both_ends(time: slice, first: int, last: int, plain: Path) -> None:
    found = e5.read(plain, time=time, progress=False)
    assert np.array_equal(found, field(STEPS)[first:last], equal_nan=True)


def test_stamps_of_pandas_and_python(plain: Path) -> None:
    import datetime

    import pandas as pd

    begin, end = datetime.datetime(2001, 1, 1, 5), pd.Timestamp("2001-01-01 07:00")
    assert len(e5.read(plain, time=slice(begin, end), progress=False)) == 3
    day = datetime.date(2001, 1, 2)
    assert len(e5.read(plain, time=slice(day, day), progress=False)) == 24


@pytest.mark.parametrize(
    ("calendar", "february"), [("noleap", 28), ("360_day", 30), ("all_leap", 29), ("julian", 29)]
)
def test_dates_are_those_of_the_calendar_of_the_files(calendar: str, february: int, tmp_path: Path) -> None:
    values = field(200, rows=2, columns=2)
    path = write(tmp_path / "x.nc", values, np.arange(200), units="days since 2100-01-01", calendar=calendar,
                 latitude=LATITUDE[:2], longitude=LONGITUDE[:2])  # fmt: skip
    january = 30 if calendar == "360_day" else 31
    found = e5.read(path, time=slice("2100-02", f"2100-02-{february}"), progress=False)
    assert np.array_equal(found, values[january : january + february], equal_nan=True)
    with pytest.raises(InputError, match="has no day"):
        e5.read(path, time=slice(f"2100-02-{february + 1}", None), progress=False)
    assert e5.open_dataset(path).time.values[0].calendar == calendar


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (slice("1999", "2000"), "no data from 1999 to 2000.*from 2001-01-01 to 2001-01-03"),
        (slice("2001-02", None), "no data from"),
        (slice("2001-01-02", "2001-01-01"), "no data from"),
        (slice("tomorrow", None), "'tomorrow' is no date"),
        (slice("2001-13", None), "no date"),
        (slice("2001-02-30", None), "no day"),
        (slice("2001", "2002", 2), "must be a slice of two dates"),
        ("2001", "must be a slice of two dates"),
        (("2001", "2002"), "must be a slice of two dates"),
        (slice(1.5, None), "no date"),
    ],
)
def test_times_that_are_none(time: object, text: str, plain: Path) -> None:
    with pytest.raises(InputError, match=text):
        e5.read(plain, time=time, progress=False)


@pytest.mark.parametrize(
    ("area", "rows", "columns"),
    [
        ([50, -1, 48, 2], slice(0, 5), slice(0, 7)),
        ([90, -180, -90, 180], slice(0, 5), [2, 3, 4, 5, 6, 0, 1]),
        ([49.6, -0.6, 48.4, 0.4], slice(1, 4), slice(1, 3)),
        ([49.5, 0.5, 49.5, 0.5], slice(1, 2), slice(3, 4)),
        ([50, 359, 48, 362], slice(0, 5), slice(0, 7)),
        ([50, 359.5, 48, 0], slice(0, 5), slice(1, 3)),
        ([50, -361, 48, -358], slice(0, 5), slice(0, 7)),
    ],
)
def test_area(area: list, rows: slice, columns: object, plain: Path) -> None:
    if area[:2] == [90, -180]:
        columns = slice(0, 7)
    found = e5.read(plain, area=area, progress=False)
    assert found.flags.c_contiguous
    assert np.array_equal(found, field(STEPS)[:, rows][:, :, columns], equal_nan=True)


def test_area_over_the_seam_of_a_globe(tmp_path: Path) -> None:
    longitude = np.arange(0, 360, 30.0)
    values = field(3, columns=12)
    path = write(tmp_path / "globe.nc", values, longitude=longitude)
    found = e5.read(path, area=[90, -60, -90, 45], progress=False)
    assert np.array_equal(found, values[:, :, [10, 11, 0, 1]], equal_nan=True)
    assert np.array_equal(e5.read(path, area=[90, 0, -90, 360], progress=False), values, equal_nan=True)


@pytest.mark.parametrize(
    ("area", "text"),
    [
        ([40, -1, 30, 2], "no cells in the area.*north, west, south, east"),
        ([48, -1, 50, 2], "no cells in the area"),
        ([50, 100, 48, 110], "no cells in the area"),
        ([50, -1, 48], "must be four numbers"),
        ("Europe", "must be four numbers"),
        (7, "must be four numbers"),
        ([np.nan] * 4, "no cells in the area"),
    ],
)
def test_areas_that_are_none(area: object, text: str, plain: Path) -> None:
    with pytest.raises(InputError, match=text):
        e5.read(plain, area=area, progress=False)


# --- lazy arrays ---


@pytest.fixture(scope="module")
def lazy_files(folder: Path) -> list[Path]:
    (folder / "parts").mkdir()
    return quarters(folder / "parts", field(STEPS), b=LAYOUTS["packed"], c=LAYOUTS["netCDF-3"])


def basic(n: int) -> st.SearchStrategy:
    bound = st.one_of(st.none(), st.integers(-n, n))  # farther ends with negative steps go wrong inside xarray
    slices = st.builds(slice, bound, bound, st.sampled_from([None, 1, 2, 5, -1, -3]))
    return st.one_of(st.integers(-n, n - 1), slices)


def outer(n: int) -> st.SearchStrategy:
    lists = st.lists(st.integers(-n, n - 1), max_size=6).map(lambda x: np.array(x, dtype=int))
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(np.array)
    return st.one_of(basic(n), lists, masks)


SHAPE = (STEPS, len(LATITUDE), len(LONGITUDE))
SLOWLY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@SLOWLY
@given(st.tuples(*map(basic, SHAPE)))
def test_basic_indexing_equals_that_of_numpy(lazy_files: list[Path], key: tuple) -> None:
    lazy = e5.open_dataset(lazy_files).t2m
    assert np.array_equal(lazy[key].values, field(STEPS)[key], equal_nan=True)


@SLOWLY
@given(st.tuples(*map(outer, SHAPE)), st.tuples(*map(outer, SHAPE)))
def test_outer_indexing_equals_that_in_memory(lazy_files: list[Path], first: tuple, second: tuple) -> None:
    lazy = e5.open_dataset(lazy_files).t2m
    eager = xr.DataArray(field(STEPS), lazy.coords, lazy.dims)
    assert np.array_equal(lazy[first].values, eager[first].values, equal_nan=True)
    safe = {d: k for d, k in zip(DIMS, second, strict=True) if isinstance(k, slice)}
    assert np.array_equal(lazy[first].isel(safe, missing_dims="ignore").values,
                          eager[first].isel(safe, missing_dims="ignore").values, equal_nan=True)  # fmt: skip


@SLOWLY
@given(st.lists(st.tuples(*(st.integers(-n, n - 1) for n in SHAPE)), max_size=8))
def test_pointwise_indexing_equals_that_in_memory(lazy_files: list[Path], points: list[tuple[int, int, int]]) -> None:
    index = [xr.DataArray([point[k] for point in points], dims="point").astype(int) for k in range(3)]
    lazy = e5.open_dataset(lazy_files).t2m
    found = lazy.isel(time=index[0], latitude=index[1], longitude=index[2]).values
    assert np.array_equal(found, field(STEPS)[tuple(index)], equal_nan=True)


@pytest.mark.parametrize("room", [1, 500, 2000, 10**9])
def test_what_lies_between_is_read_in_blocks(
    room: int, lazy_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("era5fast.lazy._BLOCK_BYTES", room)
    lazy = e5.open_dataset(lazy_files).t2m
    for steps in (slice(None), slice(None, None, 7), [50, 3, 3, 0, 59, 17], slice(40, 10, -9), [20, 21, 22], 5):
        assert np.array_equal(lazy[steps].values, field(STEPS)[steps], equal_nan=True)


def test_labels_and_reductions(plain: Path) -> None:
    lazy = e5.open_dataset(plain).t2m
    eager = xr.DataArray(field(STEPS), lazy.coords, lazy.dims)
    for select in (
        lambda x: x.sel(time="2001-01-02"),
        lambda x: x.sel(latitude=slice(49.5, 48.5), longitude=0, method=None),
        lambda x: x.sel(latitude=[48, 50], longitude=0.6, method="nearest"),
        lambda x: x.resample(time="1D").max(),
        lambda x: x.where(x.latitude > 49, drop=True),
        lambda x: x.transpose("longitude", "time", "latitude")[2:4],
        lambda x: x.T[::-2],
        lambda x: x.mean("time"),
    ):
        assert np.array_equal(select(lazy).values, select(eager).values, equal_nan=True)


def test_opening_reads_no_values(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from era5fast.lazy import CoreArray

    def refuse(self: object, key: object) -> None:
        raise AssertionError("values were read")

    monkeypatch.setattr(CoreArray, "_read", refuse)
    ds = e5.open_dataset(plain)
    part = ds.t2m.isel(time=slice(3, 9)).sel(latitude=49)
    assert part.shape == (6, 7)
    assert "t2m" in repr(ds)


def test_copies_and_pickles_read_the_same(lazy_files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lazy_files[0].parent)
    ds = e5.open_dataset("*.nc")
    values = field(STEPS)
    sent = pickle.dumps(ds.t2m[5:50])
    monkeypatch.chdir("/")
    assert len(sent) < 50_000, "the file names are sent, not the values"
    assert np.array_equal(pickle.loads(sent).values, values[5:50], equal_nan=True)
    assert np.array_equal(copy.deepcopy(ds).t2m.values, values, equal_nan=True)
    assert np.array_equal(ds.copy(deep=True).t2m.values, values, equal_nan=True)


@pytest.mark.parametrize("chunks", [{"time": 7}, {"time": -1, "latitude": 2}, {"time": 13, "longitude": 3}, {}])
@pytest.mark.parametrize("workers", [1, 4])
def test_dask_reads_the_same(chunks: dict, workers: int, lazy_files: list[Path]) -> None:
    dask = pytest.importorskip("dask")
    x = e5.open_dataset(lazy_files).chunk(chunks).t2m
    with ThreadPoolExecutor(workers) as pool, dask.config.set(pool=pool):
        assert np.array_equal(x.values, field(STEPS), equal_nan=True)
        part = x[3:40:3, ::-1].max("time", skipna=False).values
        assert np.array_equal(part, field(STEPS)[3:40:3, ::-1].max(axis=0), equal_nan=True)


def test_lazy_arrays_are_read_from_many_threads(lazy_files: list[Path]) -> None:
    x, values = e5.open_dataset(lazy_files).t2m, field(STEPS)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda i: x[i : i + 9].values, range(50)))
    assert all(np.array_equal(part, values[i : i + 9], equal_nan=True) for i, part in enumerate(found))


def test_changed_file_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nc", field(STEPS))
    x = e5.open_dataset(path).t2m
    write(path, field(STEPS + 1))
    with pytest.raises(CorruptDataError, match=r"x\.nc: changed since it was opened"):
        _ = x.values
    path.unlink()
    with pytest.raises(CorruptDataError, match="deleted since it was opened"):
        _ = x.values


# --- archives ---


def pack(path: Path, *members: Path, **names: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.write(member, member.name)
        for name, member in names.items():
            archive.write(member, name)
    return path


def test_archive_of_several_step_types(tmp_path: Path) -> None:
    instant = write(tmp_path / "data_stream-oper_stepType-instant.nc", field(24))
    accum = write(
        tmp_path / "data_stream-oper_stepType-accum.nc", field(24, 2) / 1e5, name="tp", attrs={"units": "m"}
    )
    archive = pack(tmp_path / "answer.nc", instant, accum)
    assert np.array_equal(e5.read(archive, "2t", progress=False), field(24), equal_nan=True)
    assert np.array_equal(e5.read(archive, "tp", progress=False), field(24, 2) / np.float32(1e5), equal_nan=True)
    assert set(e5.open_dataset(archive).data_vars) == {"t2m", "tp"}
    with pytest.raises(InputError, match=r"answer\.nc: which variable\?.*[Tt]he archive holds t2m, tp"):
        e5.read(archive, progress=False)
    with pytest.raises(InputError, match=r"no variable 'u10'.*holds t2m, tp"):
        e5.read(archive, "u10", progress=False)


def test_archives_and_files_mix(tmp_path: Path) -> None:
    values = field(STEPS)
    a, b, c, d = quarters(tmp_path, values)
    archives = [pack(tmp_path / "ab.zip", a, b), pack(tmp_path / "c.zip", c)]
    assert np.array_equal(e5.read([d, *archives], "t2m", progress=False), values, equal_nan=True)


def test_archive_is_unpacked_once_and_again_when_it_changes(tmp_path: Path) -> None:
    archive = pack(tmp_path / "x.zip", write(tmp_path / "a.nc", field(4, 1)))
    first = reader.unpack(str(archive))
    assert reader.unpack(str(archive)) is first
    pack(archive, write(tmp_path / "a.nc", field(5, 2)))
    os.utime(archive, (1, 1))
    assert np.array_equal(e5.read(archive, progress=False), field(5, 2), equal_nan=True)
    assert not any(tmp_path.rglob("0000*")), "nothing is unpacked beside the archive"


def test_members_stay_in_the_scratch_directory(tmp_path: Path) -> None:
    part = write(tmp_path / "a.nc", field(4))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("deep/er/.hidden.nc", "same.nc", "other/same.nc", "n" * 240 + ".nc"):
            archive.write(part, name)
    members = reader.unpack(str(tmp_path / "x.zip"))
    scratch = Path(reader._scratch[os.getpid()])
    assert len({os.path.realpath(member) for member in members}) == 4
    assert all(Path(member).resolve().is_relative_to(scratch.resolve()) for member in members)


def raw_zip(path: Path, name: str, data: bytes = b"CDF\1", mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        member = zipfile.ZipInfo("placeholder")
        member.filename, member.external_attr = name, mode << 16
        archive.writestr(member, data)
    return path


@pytest.mark.parametrize(
    "name", ["../up.nc", "a/../../up.nc", "/etc/up.nc", "..\\up.nc", "\\\\host\\up.nc", "C:\\up.nc"]
)
def test_members_that_point_outside_are_refused(name: str, tmp_path: Path) -> None:
    archive = raw_zip(tmp_path / "slip.nc", name)
    with pytest.raises(UnsafeInputError, match=r"slip\.nc: member '.*up\.nc' would lie outside.*[Dd]o not trust"):
        e5.read(archive, "t2m", progress=False)
    assert not list(tmp_path.parent.glob("up.nc"))


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666])
def test_links_and_devices_are_refused(mode: int, tmp_path: Path) -> None:
    archive = raw_zip(tmp_path / "link.nc", "t2m.nc", b"/etc/passwd", mode)
    with pytest.raises(UnsafeInputError, match=r"member 't2m\.nc' is a link or a device"):
        e5.read(archive, progress=False)


def left_in_scratch() -> set[Path]:
    scratch = reader._scratch.get(os.getpid())
    return set(Path(scratch).iterdir()) if scratch else set()


def test_archives_inside_archives_are_refused(tmp_path: Path, plain: Path) -> None:
    inner = pack(tmp_path / "inner.zip", plain)
    before = left_in_scratch()
    with pytest.raises(UnsafeInputError, match=r"member 'inner\.zip' is an archive itself"):
        e5.read(pack(tmp_path / "outer.nc", plain, inner), "t2m", progress=False)
    assert left_in_scratch() == before, "nothing of it stays"


def test_bombs_are_refused(tmp_path: Path) -> None:
    many = tmp_path / "many.nc"
    with zipfile.ZipFile(many, "w") as archive:
        for i in range(10_001):
            archive.writestr(f"{i}", b"")
    with pytest.raises(UnsafeInputError, match="claims 10001 members"):
        e5.read(many, progress=False)
    claims = bytearray(raw_zip(tmp_path / "large.nc", "t2m.nc", b"x" * 50).read_bytes())
    at = claims.index(b"PK\1\2")
    claims[at + 24 : at + 28] = (3 << 30).to_bytes(4, "little")  # size in the directory of the archive
    (tmp_path / "large.nc").write_bytes(claims)
    with pytest.raises(UnsafeInputError, match="claims 1 members of 3221225472 bytes"):
        e5.read(tmp_path / "large.nc", progress=False)


def test_damaged_archives_are_corrupt_data(tmp_path: Path, plain: Path) -> None:
    good = pack(tmp_path / "good.zip", plain).read_bytes()
    before = left_in_scratch()
    rng = np.random.default_rng(1)
    broken = tmp_path / "broken.nc"
    for i in range(150):
        data = bytearray(good)
        if i % 3 == 0:
            del data[rng.integers(4, len(data)) :]
        else:
            data[rng.integers(4, len(data))] ^= 1 << rng.integers(8)
        broken.write_bytes(data)
        os.utime(broken, (i, i))
        try:
            values = e5.read(broken, "t2m", progress=False)
        except (CorruptDataError, UnsafeInputError, InputError) as error:
            assert "broken.nc" in str(error) or "plain.nc" in str(error)  # noqa: PT017
        else:
            assert np.array_equal(values, field(STEPS), equal_nan=True)
    assert len(left_in_scratch() - before) < 50, "what fails leaves nothing"


def test_password_is_asked_for(tmp_path: Path, plain: Path) -> None:
    data = bytearray(pack(tmp_path / "x.zip", plain).read_bytes())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + offset] |= 1
    (tmp_path / "secret.nc").write_bytes(data)
    with pytest.raises(CorruptDataError, match=r"secret\.nc: damaged zip archive.*password"):
        e5.read(tmp_path / "secret.nc", progress=False)


def test_empty_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.nc", "w") as archive:
        archive.mkdir("nothing") if hasattr(archive, "mkdir") else archive.writestr("nothing/", b"")
    with pytest.raises(CorruptDataError, match="empty zip archive"):
        e5.read(tmp_path / "x.nc", progress=False)


def test_no_room_to_unpack(tmp_path: Path, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    archive = pack(tmp_path / "x.nc", plain)
    before = left_in_scratch()
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(StorageError, match=r"x\.nc: No space left on device\. Make room") as caught:
        e5.read(archive, progress=False)
    assert caught.value.errno == 28
    assert left_in_scratch() == before
    monkeypatch.undo()
    assert len(e5.read(archive, progress=False)) == STEPS

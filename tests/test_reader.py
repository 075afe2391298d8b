"""Reading: every layout, many files as one, selections, lazy arrays that equal eager ones, archives."""

from __future__ import annotations

import copy
import errno
import functools
import logging
import os
import pickle
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast import _core, archives, memory
from era5fast.errors import (
    CorruptDataError,
    InputError,
    ResultTooLargeError,
    StorageError,
    TargetBusyError,
    UnsafeInputError,
)
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


def test_a_large_result_is_the_same_from_any_number_of_threads(tmp_path: Path) -> None:
    """The rows of its chunks lie far apart, and what lies around it stays."""
    path, shape = tmp_path / "large.nc", (24, 480, 950)
    values = np.random.default_rng(7).integers(0, 40, shape, dtype="i1").astype("f4")
    grid = {"latitude": np.linspace(60, -60, shape[1]), "longitude": np.linspace(0, 237.25, shape[2])}
    write(path, values, hours(shape[0]), **grid, zlib=True, complevel=1, shuffle=True, chunksizes=(13, 130, 270))
    room = np.full(values.size + 3, 77, "f4")
    for threads in (1, 2, 5):
        e5.set_num_threads(threads)
        room[:] = 77
        e5.read(path, "t2m", out=room[1:-2].reshape(shape))
        np.testing.assert_array_equal(room[1:-2].reshape(shape).view("u4"), values.view("u4"))
        assert list(room[[0, -2, -1]]) == [77] * 3
        np.testing.assert_array_equal(e5.read(path, "t2m"), values)
    e5.set_num_threads(0)


def test_boxes_of_a_grid_and_whole_steps_give_the_same_results(tmp_path: Path) -> None:
    """Where a row of chunks is large, a result per cell is made box by box, unless there are many threads."""
    shape, box = (200, 160, 300), (200, 40, 61)
    grid = {"latitude": np.linspace(60, -60, shape[1]), "longitude": np.linspace(0, 299, shape[2])}
    random, parts, paths = np.random.default_rng(9), [], []
    for number, begin in enumerate(["2001-01-25T00", "2001-02-02T08"]):
        parts.append(random.integers(0, 40, shape, dtype="i1").astype("f4"))
        parts[-1][:, 39:41, 60:64] = np.nan
        path = tmp_path / f"{number}.nc"
        options: dict[str, Any] = {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": box}
        paths.append(write(path, parts[-1], hours(shape[0], begin), **grid, **options))
    found = []
    for threads in (1, 2, 7):
        e5.set_num_threads(threads)
        found.append(e5.resample(paths, ["mean", "max"], freq="MS").values)
    e5.set_num_threads(0)
    assert found[0].tobytes() == found[1].tobytes() == found[2].tobytes()
    for month, values in enumerate(np.split(np.concatenate(parts), [7 * 24])):
        np.testing.assert_allclose(found[0][0, month], values.mean(axis=0, dtype="f8"), rtol=1e-6)
        np.testing.assert_array_equal(found[0][1, month], values.max(axis=0))


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


#: Stored type, attributes, stored values: what marks them as missing, and with which sign they are meant.
MARKS: dict[str, tuple[str, dict[str, Any], list[float]]] = {
    "list": ("i2", {"missing_value": np.array([3, 5], "i2")}, [1, 3, 5, 7]),
    "list and fill": ("i2", {"_FillValue": np.int16(1), "missing_value": np.array([3, 5, 3], "i2")}, [1, 3, 5, 7]),
    "long list": ("i4", {"missing_value": np.array([1, 3, 5, 7, 11], "i4")}, [1, 3, 5, 7, 9, 11]),
    "list of floats": ("f4", {"missing_value": np.array([0.1, 5], "f4")}, [0.1, 3, 5, 7]),
    "list, packed": ("i2", {"missing_value": np.array([3, 5], "i2"), "scale_factor": 0.5}, [1, 3, 5, 7]),
    "signed": ("u1", {"_Unsigned": "false"}, [0, 127, 128, 255]),
    "signed and fill": ("u1", {"_Unsigned": "false", "_FillValue": np.uint8(255)}, [0, 127, 128, 255]),
    "signed, wider": ("u2", {"_Unsigned": "false", "scale_factor": 0.5}, [0, 1, 32768, 65535]),
    "unsigned": ("i1", {"_Unsigned": "true", "_FillValue": np.int8(-1)}, [0, 127, -128, -1]),
}


@pytest.mark.filterwarnings("ignore:variable .* has multiple fill values")
@pytest.mark.parametrize("marks", MARKS)
def test_missing_values_and_signs_as_in_xarray(marks: str, tmp_path: Path) -> None:
    import netCDF4

    datatype, attrs, stored = MARKS[marks]
    path, fill = tmp_path / "x.nc", attrs.get("_FillValue")
    with netCDF4.Dataset(path, "w") as file:
        for name, length in (("time", 2), ("latitude", 1), ("longitude", len(stored))):
            file.createDimension(name, length)
            file.createVariable(name, "f8", (name,))[:] = np.arange(length)
        file["time"].units = "days since 2000-01-01"
        x = file.createVariable("x", datatype, ("time", "latitude", "longitude"), fill_value=fill)
        x.set_auto_maskandscale(False)
        x.setncatts({name: value for name, value in attrs.items() if name != "_FillValue"})
        x[:] = np.broadcast_to(np.array(stored, datatype), x.shape)
    for dtype in ("float32", "float64"):
        with xr.open_dataset(path, engine="netcdf4") as theirs:
            expected = theirs.x.values.astype(dtype)
        np.testing.assert_array_equal(e5.read(path, "x", dtype=dtype, progress=False), expected)
    assert len(np.unique(expected)) > 1


def test_more_missing_values_than_there_is_room_for_are_refused(tmp_path: Path) -> None:
    attrs = {"missing_value": np.arange(20, dtype="f4")}
    path = write(tmp_path / "x.nc", field(2), attrs=attrs)
    with pytest.raises(InputError, match="t2m has too many missing values"):
        e5.read(path, progress=False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_versions_without_end_are_refused(dtype: str, tmp_path: Path) -> None:
    import h5py

    path, many = tmp_path / "x.nc", 2**61
    with h5py.File(path, "w") as file:
        shape = {"time": (1,), "expver": (many,), "latitude": (1,), "longitude": (1,)}
        for name, length in shape.items():
            file.create_dataset(name, length, "i1", chunks=(min(length[0], 1 << 20),)).make_scale(name)
        file["time"].attrs["units"] = "days since 2000-01-01"
        x = file.create_dataset("x", (1, many, 1, 1), "i1", chunks=(1, 1 << 20, 1, 1))
        for axis, name in enumerate(shape):
            x.dims[axis].attach_scale(file[name])
    with pytest.raises(UnsafeInputError, match="versions"):
        e5.read(path, "x", dtype=dtype, progress=False)


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
    told = "t2m: z.nc and a.nc have different values on 2001-01-01 12:00: are they of different statistics?"
    assert told in caplog.text
    both = write(tmp_path / "both.nc", np.concatenate([a, b]), np.concatenate([hours(24), hours(24)[::-1]]))
    assert np.array_equal(e5.read(both, progress=False), a, equal_nan=True)
    assert "24 time steps occur more than once, the first on 2001-01-01 00:00 in both.nc itself" in caplog.text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_equal_values_of_steps_that_occur_twice_are_no_news(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, layout: str
) -> None:
    values = field(24)
    paths = [
        write(tmp_path / "a.nc", values, **LAYOUTS[layout]),
        write(tmp_path / "b.nc", values[6:], hours(24)[6:], **LAYOUTS["packed"]),
    ]
    for order in (paths, paths[::-1]):
        caplog.clear()
        assert e5.open_dataset(order).sizes["time"] == 24
        assert "18 time steps occur more than once" in caplog.text
        assert "different" not in caplog.text
    caplog.clear()
    write(tmp_path / "b.nc", values[6:] + 1, hours(24)[6:], **LAYOUTS["packed"])
    e5.open_dataset(paths)
    assert "have different values on 2001-01-01 06:00" in caplog.text


def test_preliminary_and_final_values_may_differ(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths = []
    for name, version in (("a.nc", "0005"), ("b.nc", "0001")):
        paths.append(write(tmp_path / name, field(4, seed=int(version))))
        with netCDF4.Dataset(paths[-1], "a") as file:
            file.createVariable("expver", str, ())[...] = version
    for order in (paths, paths[::-1]):
        caplog.clear()
        assert np.array_equal(e5.read(order, progress=False), field(4, seed=1), equal_nan=True)
        assert "4 time steps occur more than once" in caplog.text
        assert "different" not in caplog.text


def test_the_next_chunks_are_decoded_while_one_goes_step_by_step(tmp_path: Path) -> None:
    values = field(96, rows=40, columns=60)
    grid = {"latitude": np.linspace(60, 50, 40), "longitude": np.linspace(0, 15, 60)}
    path = write(tmp_path / "x.nc", values, zlib=True, chunksizes=(24, 20, 30), **grid)
    row, before = values[:24].nbytes, e5.get_cache_bytes()
    e5.set_num_threads(3)
    try:
        for opening in (e5.open_dataset, functools.partial(xr.open_dataset, engine="era5fast")):
            for budget, seconds in ((0, 0.1), (row, 0.1), (8 * row, 20)):
                e5.set_cache_bytes(0)
                e5.set_cache_bytes(budget)
                with opening(path) as ds:
                    for step in range(3):
                        assert np.array_equal(ds.t2m[step].values, values[step], equal_nan=True)
                    until = time.monotonic() + seconds
                    while (held := _core.get_cache_bytes()[0]) < 2 * row and time.monotonic() < until:
                        time.sleep(0.01)
                    assert held <= budget
                    assert seconds < 1 or held >= 2 * row
                    for step in range(3, 96):
                        assert np.array_equal(ds.t2m[step].values, values[step], equal_nan=True)
    finally:
        e5.set_num_threads(0)
        e5.set_cache_bytes(before)


def test_gaps_stay_gaps(tmp_path: Path) -> None:
    paths = quarters(tmp_path, field(STEPS))
    del paths[1]
    ds = e5.open_dataset(paths)
    assert ds.sizes["time"] == 45
    assert int((ds.time.diff("time") != np.timedelta64(1, "h")).sum()) == 1


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"latitude": LATITUDE + 0.25},
            r"b\.nc: its grid differs from that of a\.nc: 5 latitudes from 50\.25 to 48\.25, not 5 from 50 to 48",
        ),
        ({"longitude": LONGITUDE + 0.25}, r"7 longitudes from -0\.75 to 2\.25, not 7 from -1 to 2"),
        ({"calendar": "noleap"}, "its calendar differs"),
        ({"attrs": {"units": "degC"}}, r"the variable's unit differs from that of a\.nc: degC, not K\. Read"),
        ({"name": "d2m"}, r"b\.nc: no variable t2m; there are: d2m"),
    ],
    ids=["latitude", "longitude", "calendar", "units", "name"],
)
def test_files_that_do_not_fit_together(change: dict, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=text) as caught:
        e5.read(quarters(tmp_path, field(STEPS), b=change), progress=False)
    assert caught.value.target == str(tmp_path / "b.nc")


def test_one_unit_by_two_names_fits(tmp_path: Path) -> None:
    values = field(STEPS)
    paths = quarters(tmp_path, values, b={"attrs": {"units": "kelvin"}})
    assert np.array_equal(e5.read(paths, progress=False), values, equal_nan=True)


def test_a_file_without_a_unit_is_taken_but_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    values = field(STEPS)
    paths = quarters(tmp_path, values)
    with netCDF4.Dataset(paths[1], "a") as file:
        del file["t2m"].units
    assert np.array_equal(e5.read(paths, progress=False), values, equal_nan=True)
    assert "t2m: 1 of 4 files do not say its unit, the first is b.nc: taken to be as in the others" in caplog.text
    caplog.clear()
    e5.read(paths[1], progress=False)
    assert caplog.text == ""


def test_two_statistics_of_one_variable_are_not_joined(tmp_path: Path) -> None:
    for name, other in (("cell_methods", "time: maximum"), ("GRIB_stepType", "max")):
        attrs = {"units": "K", name: "mean"}
        changes = {part: {"attrs": attrs} for part in "acd"} | {"b": {"attrs": {**attrs, name: other}}}
        with pytest.raises(InputError, match=r"b\.nc: its statistic differs from that of a\.nc"):
            e5.read(quarters(tmp_path, field(STEPS), **changes), progress=False)


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
    assert np.array_equal(
        e5.read(plain, time=day, progress=False), e5.read(plain, time=slice(day, day)), equal_nan=True
    )
    assert len(e5.read(plain, time=np.datetime64("2001-01-01T07"), progress=False)) == 1


@pytest.mark.parametrize(("time", "steps"), [("2001", 60), ("2001-01", 60), ("2001-01-03", 12), ("2001-01-03T05", 1)])
def test_one_date_means_all_of_it(time: str, steps: int, plain: Path) -> None:
    wanted = e5.read(plain, time=slice(time, time), progress=False)
    assert np.array_equal(e5.read(plain, time=time, progress=False), wanted, equal_nan=True)
    assert len(wanted) == steps


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
        (slice("2001", "2002", 2), "must be a date or a slice of two"),
        ("1999", r"no data in 1999\. The data run from 2001-01-01"),
        (("2001", "2002"), "must be a date or a slice of two"),
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
        ([48, -1, 50, 2], r"the data have \[50, -1, 48, 2\], 0\.5 × 0\.5 degrees apart"),
        ([50, 100, 48, 110], "no cells in the area"),
        ([50, -1, 48], "must be four numbers"),
        ("Europe", "must be four numbers"),
        (7, "must be four numbers"),
        ([50, -1, np.nan, 2], "must be four numbers"),
        ([50, -np.inf, 48, 2], "must be four numbers"),
        ([50, -1, 48, 10**400], "must be four numbers"),
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
    from era5fast.lazy import TidyArray

    def refuse(self: object, key: object) -> None:
        raise AssertionError("values were read")

    monkeypatch.setattr(TidyArray, "_read", refuse)
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


def test_a_file_with_the_old_time_is_another(tmp_path: Path) -> None:
    """As rsync and cp -p leave it."""
    path = write(tmp_path / "x.nc", field(STEPS))
    before = path.stat()
    x = e5.open_dataset(path).t2m
    copy_of_x = pickle.dumps(x)
    path.write_bytes(write(tmp_path / "y.nc", field(STEPS, 2)).read_bytes().ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    for array in (x, pickle.loads(copy_of_x)):
        with pytest.raises(CorruptDataError, match="changed since it was opened"):
            _ = array.values


def test_a_file_that_somebody_writes_to_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "x.nc", field(STEPS))
    with netCDF4.Dataset(path, "a") as file:
        file["t2m"][0] = 0
        with pytest.raises(TargetBusyError, match=r"x\.nc: another program has it open for writing"):
            e5.read(path, progress=False)
    assert e5.read(path, progress=False)[0].max() == 0


# --- archives ---


def pack(path: Path, *members: Path, **names: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.write(member, member.name)
        for name, member in names.items():
            archive.write(member, name)
    return path


def test_workers_leave_nothing_behind(tmp_path: Path) -> None:
    """They end without the usual farewell; what a killed one leaves, the next that unpacks takes away."""
    archive = pack(tmp_path / "x.zip", write(tmp_path / "a.nc", field(4, 1)))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program = (
        "import os, signal, sys, multiprocessing, era5fast as e5\n"
        "def work(_): return e5.read(sys.argv[1], progress=False).sum()\n"
        "def die(): work(0); os.kill(os.getpid(), signal.SIGKILL)\n"
        "context = multiprocessing.get_context('fork')\n"
        "if sys.argv[2] == 'die': die()\n"
        "pool = context.Pool(2)\n"
        "pool.map(work, range(4)); pool.close(); pool.join()\n"
    )

    def run(how: str) -> list[str]:
        command = [sys.executable, "-c", program, str(archive), how]
        subprocess.run(command, env=os.environ | {"TMPDIR": str(scratch)}, check=how == "live", timeout=60)
        return sorted(path.name for path in scratch.iterdir())

    assert run("live") == []
    (scratch / "era5fast-mine").mkdir()
    left = run("die")
    assert len(left) == 2
    assert run("live") == left, "it may be that of a process just beginning"
    for path in scratch.iterdir():
        os.utime(path, (1, 1))
    assert run("live") == ["era5fast-mine"]


def test_how_an_archive_is_read_is_explained(tmp_path: Path) -> None:
    archive = pack(
        tmp_path / "x.nc", write(tmp_path / "a.nc", field(4)), write(tmp_path / "b.nc", field(4), name="tp")
    )
    assert {"t2m", "tp"} <= set(e5.explain(archive))
    other = write(tmp_path / "c.nc", field(4), name="d2m")
    assert {"t2m", "tp", "d2m"} <= set(e5.explain([archive, other]))
    assert e5.explain(str(tmp_path / "c*.nc")) == e5.explain(other)


def test_a_damaged_member_of_an_archive_is_called_by_its_own_name(tmp_path: Path) -> None:
    whole = write(tmp_path / "data.nc", field(4))
    whole.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(CorruptDataError, match=r"^data\.nc: cut short"):
        e5.read(pack(tmp_path / "x.zip", whole), progress=False)


def test_a_text_beside_the_data_of_an_archive_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "README.txt"
    text.write_text("How this was made")
    data = write(tmp_path / "a.nc", field(4))
    archive = pack(tmp_path / "x.zip", text, data)
    for variable in ("t2m", None):
        assert np.array_equal(e5.read(archive, variable, progress=False), field(4), equal_nan=True)
    assert list(e5.open_dataset(archive).data_vars) == ["t2m"]
    assert e5.explain(archive) == e5.explain(data)


def test_names_of_files_and_variables_in_all_their_forms(tmp_path: Path, plain: Path) -> None:
    paths = quarters(tmp_path, field(STEPS))
    wanted = e5.read(paths, progress=False)
    assert np.array_equal(e5.read((path for path in paths), progress=False), wanted, equal_nan=True)
    for number in (167, np.int64(167), "167"):
        assert np.array_equal(e5.read(paths, number, progress=False), wanted, equal_nan=True)
        assert list(e5.open_dataset(plain, variables=number).data_vars) == ["t2m"]
    for opening in (e5.read, e5.open_dataset, e5.explain):
        with pytest.raises(InputError, match="no file names are given: the list is empty"):
            opening([])
        with pytest.raises(InputError, match="file names are needed, not int"):
            opening(7)
    with pytest.raises(InputError, match=r"a variable is a name or a number, not 1\.5"):
        e5.read(plain, 1.5)
    for wrong in ("foo", {"time": 0}, {"time": -5}):
        with pytest.raises(InputError, match="chunks are"):
            e5.open_dataset(plain, chunks=wrong)
    with pytest.raises(InputError, match=r"chunks: no dimension tme\. There are time, latitude, longitude"):
        e5.open_dataset(plain, chunks={"tme": 3})


def test_what_has_no_time_axis_does_not_keep_the_others_from_opening(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "x.nc", field(4))
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("lsm", "f4", ("latitude", "longitude"))[:] = 1
    assert list(e5.open_dataset(path).data_vars) == ["t2m"]
    assert "lsm: no time axis, left out" in caplog.text
    with pytest.raises(InputError, match=r"lsm has no time axis .*[Xx]array\.open_dataset.*engine='era5fast'"):
        e5.read(path, "lsm")
    with xr.open_dataset(path, engine="era5fast") as ds:
        assert float(ds.lsm.min()) == 1
    caplog.clear()
    mask, other = tmp_path / "mask.nc", write(tmp_path / "other.nc", field(4), name="d2m")
    with netCDF4.Dataset(path) as file, netCDF4.Dataset(mask, "w") as alone:
        for dim in ("latitude", "longitude"):
            alone.createDimension(dim, file.dimensions[dim].size)
            alone.createVariable(dim, "f8", (dim,))[:] = file[dim][:]
        alone.createVariable("lsm", "f4", ("latitude", "longitude"))[:] = 1
    assert list(e5.open_dataset([other, mask]).data_vars) == ["d2m"]
    assert "mask.nc: lsm: no time axis, left out" in caplog.text
    caplog.clear()
    assert list(e5.open_dataset([path, other, mask], ["t2m", "d2m"]).data_vars) == ["t2m", "d2m"]
    assert caplog.text == "", "nobody asked for it"
    with pytest.raises(InputError, match="lsm has no time axis"):
        e5.open_dataset([other, mask], "lsm")


def test_a_missing_file_is_also_pythons_own_error(tmp_path: Path) -> None:
    for opening in (e5.read, e5.open_dataset, e5.explain):
        with pytest.raises(FileNotFoundError, match=r"absent\.nc") as caught:
            opening(tmp_path / "absent.nc")
        assert isinstance(caught.value, StorageError)
        assert caught.value.errno == errno.ENOENT
        assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)


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
    first = archives.unpack(str(archive))
    assert archives.unpack(str(archive)) is first
    pack(archive, write(tmp_path / "a.nc", field(5, 2)))
    os.utime(archive, (1, 1))
    assert np.array_equal(e5.read(archive, progress=False), field(5, 2), equal_nan=True)
    assert not any(tmp_path.rglob("0000*")), "nothing is unpacked beside the archive"


def test_members_stay_in_the_scratch_directory(tmp_path: Path) -> None:
    part = write(tmp_path / "a.nc", field(4))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("deep/er/.hidden.nc", "same.nc", "other/same.nc", "n" * 240 + ".nc"):
            archive.write(part, name)
    members = archives.unpack(str(tmp_path / "x.zip"))
    scratch = Path(archives._scratch[os.getpid()])
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
    with pytest.raises(
        UnsafeInputError, match=r"slip\.nc: archive member '.*up\.nc' would lie outside.*[Dd]o not trust"
    ):
        e5.read(archive, "t2m", progress=False)
    assert not list(tmp_path.parent.glob("up.nc"))


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666])
def test_links_and_devices_are_refused(mode: int, tmp_path: Path) -> None:
    archive = raw_zip(tmp_path / "link.nc", "t2m.nc", b"/etc/passwd", mode)
    with pytest.raises(UnsafeInputError, match=r"member 't2m\.nc' is a link or a device"):
        e5.read(archive, progress=False)


def left_in_scratch() -> set[Path]:
    scratch = archives._scratch.get(os.getpid())
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
    with pytest.raises(UnsafeInputError, match="'10000' is one of more than 10,000"):
        e5.read(many, progress=False)
    claims = bytearray(raw_zip(tmp_path / "large.nc", "t2m.nc", b"x" * 50).read_bytes())
    claims[22:26] = (3 << 30).to_bytes(4, "little")  # size in the record before the data
    (tmp_path / "large.nc").write_bytes(claims)
    with pytest.raises(UnsafeInputError, match=r"'t2m\.nc' claims a size"):
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
    with pytest.raises(UnsafeInputError, match=r"'plain\.nc' is encrypted"):
        e5.read(tmp_path / "secret.nc", progress=False)


def test_empty_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.nc", "w") as archive:
        archive.mkdir("nothing") if hasattr(archive, "mkdir") else archive.writestr("nothing/", b"")
    with pytest.raises(CorruptDataError, match=r"x\.nc: empty archive"):
        e5.read(tmp_path / "x.nc", progress=False)


def test_no_room_to_unpack(tmp_path: Path, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    archive = pack(tmp_path / "x.nc", plain)
    before = left_in_scratch()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError, match=r"x\.nc") as caught:
            e5.read(archive, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert left_in_scratch() == before
    assert len(e5.read(archive, progress=False)) == STEPS


# --- levels, members, types, targets


def write_levels(path: Path, levels: list[float] | None = None, members: int = 0, name: str = "t") -> np.ndarray:
    """A file of the present layout over time, [number], [pressure_level], latitude, longitude; its values."""
    import netCDF4

    dims = {"valid_time": 24, "number": members, "pressure_level": len(levels or ()), "latitude": 5, "longitude": 7}
    dims = {dim: n for dim, n in dims.items() if n > 0}
    values = np.random.default_rng(len(dims)).normal(size=tuple(dims.values())).astype("float32")
    with netCDF4.Dataset(path, "w") as file:
        for dim, n in dims.items():
            file.createDimension(dim, n)
            numbers = {"latitude": LATITUDE, "longitude": LONGITUDE, "valid_time": hours(24)}.get(dim, np.arange(n))
            axis = file.createVariable(dim, "f8" if dim[:2] in ("la", "lo", "pr") else "i8", (dim,))
            axis[:] = levels if dim == "pressure_level" else numbers
        file["valid_time"].units = "seconds since 1970-01-01"
        if levels is not None:
            file["pressure_level"].units = "hPa"
        file.createVariable(name, "f4", tuple(dims), zlib=True, chunksizes=[min(2, n) for n in dims.values()])[:] = (
            values
        )
    return values


def test_levels_and_members_are_dimensions(tmp_path: Path) -> None:
    path = tmp_path / "x.nc"
    values = write_levels(path, [1000, 850, 500], members=2)
    ds = e5.open_dataset(path)
    assert ds.t.dims == ("time", "number", "pressure_level", "latitude", "longitude")
    assert ds.pressure_level.attrs["units"] == "hPa"
    assert np.array_equal(ds.t.sel(pressure_level=850, number=1).values, values[:, 1, 1])
    assert np.array_equal(ds.t[2:4, ::-1, [2, 0], 1, ::3].values, values[2:4, ::-1][:, :, [2, 0], 1, ::3])
    for level, number, wanted in (
        (None, None, values),
        (500, None, values[:, :, 2]),
        ([500, 1000], None, values[:, :, [2, 0]]),
        (None, 1, values[:, 1]),
        ([850], [1, 0], values[:, [1, 0], 1:2]),
        (850, 0, values[:, 0, 1]),
    ):
        found = e5.read(path, level=level, number=number, progress=False)
        assert found.flags.c_contiguous
        assert np.array_equal(found, wanted)
    part = e5.read(path, level=850, number=1, area=[49.6, -0.6, 48.4, 0.4], time=slice("2001-01-01T02", None))
    assert np.array_equal(part, values[2:, 1, 1, 1:4, 1:3])


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"level": 77}, "no pressure_level 77.*[Tt]here are 1000, 850"),
        ({"level": []}, "no pressure_level is asked for"),
        ({"level": "low"}, "pressure_level must be numbers"),
        ({"number": 1}, "t has no dimension of numbers.*leave out number="),
    ],
)
def test_levels_that_are_not_there(asked: dict, text: str, tmp_path: Path) -> None:
    write_levels(tmp_path / "x.nc", [1000, 850])
    with pytest.raises(InputError, match=f"(?i){text}"):
        e5.read(tmp_path / "x.nc", progress=False, **asked)


def test_maps_are_needed_where_levels_are_many(tmp_path: Path) -> None:
    write_levels(tmp_path / "x.nc", [1000, 850])
    with pytest.raises(InputError, match=r"t has pressure_level: maps over time are needed"):
        e5.daily(tmp_path / "x.nc", "max", progress=False)
    values = write_levels(tmp_path / "one.nc", [500])
    for found in (
        e5.daily(tmp_path / "one.nc", "max", progress=False),
        e5.daily(e5.open_dataset(tmp_path / "one.nc").t[:, 0], "max"),
    ):
        assert np.array_equal(found.values[0], values[:, 0].max(axis=0))


@pytest.mark.parametrize("layout", ["packed", "chunked", "double"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_that_is_asked_for(layout: str, dtype: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.nc", field(STEPS), **LAYOUTS[layout])
    found = e5.read(path, dtype=dtype, progress=False)
    assert found.dtype == dtype
    assert np.array_equal(found, field(STEPS), equal_nan=True)  # the layout holds these values exactly


def test_values_go_where_they_are_wanted(plain: Path) -> None:
    part = {"time": slice("2001-01-02", "2001-01-02"), "area": [50, 0, 49, 2], "progress": False}
    wanted = e5.read(plain, **part)
    unaligned = np.empty(24 * 3 * 5 * 4 + 1, "uint8")[1:].view("float32").reshape(24, 3, 5)
    for out in (np.empty((24, 3, 5), "float32"), np.empty((24, 3, 5)), np.empty((5, 3, 24), "float32").T, unaligned):
        assert e5.read(plain, out=out, **part) is out
        assert np.array_equal(out, wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"out": np.empty((3, 5, 7), "f4")},
            r"out must be a writeable array of floats of shape \(60, 5, 7\), not float32",
        ),
        ({"out": np.empty((60, 5, 7), "i4")}, "not int32"),
        ({"out": [1.0]}, "not list"),
        ({"out": np.broadcast_to(np.float32(0), (60, 5, 7))}, r"not float32 \(60, 5, 7\) that is read-only"),
        ({"out": np.empty((60, 5, 7), "f4"), "dtype": "f8"}, "out is float32, dtype is float64"),
        ({"dtype": "int16"}, "dtype must be float32 or float64, not int16"),
        ({"dtype": "wrong"}, "dtype must be float32 or float64, not wrong"),
    ],
)
def test_targets_that_do_not_fit(given: dict, text: str, plain: Path) -> None:
    with pytest.raises(InputError, match=text):
        e5.read(plain, progress=False, **given)


def test_more_than_a_quarter_of_the_memory_is_not_taken(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.memory_budget() == _core.available_memory() // 4
    monkeypatch.setattr(memory, "memory_budget", lambda: 60 * 5 * 7 * 4 - 1)
    with pytest.raises(ResultTooLargeError, match=r"t2m \(60, 5, 7\) as float32 needs .* MiB") as caught:
        e5.read(plain, progress=False)
    assert isinstance(caught.value, MemoryError)
    for lazy in (e5.open_dataset(plain).t2m, xr.open_dataset(plain, engine="era5fast").t2m):
        with pytest.raises(ResultTooLargeError, match=r"t2m .* needs") as caught:
            lazy.load()
        assert "chunks=" in str(caught.value)
        assert lazy[:59].values.shape == (59, 5, 7)
    out = np.empty((60, 5, 7), "float32")
    assert e5.read(plain, out=out, progress=False) is out
    assert e5.read(plain, time=slice("2001-01-01", "2001-01-01"), progress=False).shape == (24, 5, 7)


# --- variables beside each other


def test_files_of_several_variables_are_merged(tmp_path: Path) -> None:
    t2m, tp = field(48), field(48, 2)
    paths = [write(tmp_path / f"t{i}.nc", t2m[24 * i :][:24], hours(48)[24 * i :][:24]) for i in range(2)]
    paths += [write(tmp_path / f"p{i}.nc", tp[24 * i :][:24], hours(48)[24 * i :][:24], name="tp") for i in range(2)]
    ds = e5.open_dataset(paths)
    assert np.array_equal(ds.t2m.values, t2m, equal_nan=True)
    assert np.array_equal(ds.tp.values, tp, equal_nan=True)
    assert list(e5.open_dataset(paths, "total_precipitation").data_vars) == ["tp"]
    assert list(e5.open_dataset(paths, ["tp", "2t"]).data_vars) == ["tp", "t2m"]
    assert ds.t2m.encoding["era5fast_paths"] == tuple(map(str, paths[:2]))


def test_variables_on_other_axes_are_refused_or_cut(tmp_path: Path) -> None:
    write(tmp_path / "a.nc", field(24))
    write(tmp_path / "b.nc", field(24, 2)[12:, :, ::2], hours(24)[12:], name="tp", longitude=LONGITUDE[::2])
    files = [tmp_path / "a.nc", tmp_path / "b.nc"]
    with pytest.raises(
        InputError, match=r"t2m and tp differ in time: 24 from 2001-01-01T00:00.* and 12 from .*join='inner'"
    ):
        e5.open_dataset(files)
    ds = e5.open_dataset(files, join="inner")
    assert dict(ds.sizes) == {"time": 12, "latitude": 5, "longitude": 4}
    assert np.array_equal(ds.t2m.values, field(24)[12:, :, ::2], equal_nan=True)
    assert np.array_equal(ds.tp.values, field(24, 2)[12:, :, ::2], equal_nan=True)
    with pytest.raises(InputError, match="join must be 'exact' or 'inner', not 'outer'"):
        e5.open_dataset(files, join="outer")


def test_closing_lets_go_of_all_files(lazy_files: list[Path]) -> None:
    with e5.open_dataset(lazy_files) as ds:
        (handle,) = ds._close.args[0]
        assert handle._core is not None
        again = pickle.loads(pickle.dumps(ds))
    assert handle._core is None
    assert np.array_equal(again.t2m.values, field(STEPS), equal_nan=True)


@pytest.mark.parametrize("chunks", [{}, {"time": 9}, "auto", 20])
def test_chunk_hints(chunks: object, plain: Path) -> None:
    pytest.importorskip("dask")
    ds = e5.open_dataset(plain, chunks=chunks)
    assert e5.open_dataset(plain).t2m.encoding["preferred_chunks"] == {"time": 7, "latitude": 3, "longitude": 4}
    assert ds.t2m.chunks is not None
    if isinstance(chunks, dict):
        assert tuple(sizes[0] for sizes in ds.t2m.chunks) == (chunks.get("time", 7), 3, 4)
    assert np.array_equal(ds.t2m.values, field(STEPS), equal_nan=True)


def test_a_variable_under_its_short_name_is_found_in_an_archive(tmp_path: Path) -> None:
    axes = {"time": np.arange("2000-01-01", "2000-01-03", dtype="datetime64[D]").astype("datetime64[ns]")}
    axes |= {"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]}
    field = xr.DataArray(np.ones((2, 2, 2), "f4"), axes, tuple(axes))
    xr.Dataset({"2t": field, "sp": 2 * field}).to_netcdf(tmp_path / "x.nc")
    with zipfile.ZipFile(tmp_path / "zip.nc", "w") as archive:
        archive.write(tmp_path / "x.nc", "x.nc")
    for path in (tmp_path / "x.nc", tmp_path / "zip.nc"):
        assert (e5.read(path, "2m_temperature", progress=False) == 1).all()
        with e5.open_dataset(path, variables="t2m") as dataset:
            assert (next(iter(dataset.data_vars.values())) == 1).all()

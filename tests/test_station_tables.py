"""One text file for each station: numbers, names, faults, interruption."""

import csv
import math
import os
import re
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import era5fast as e5
from era5fast.errors import InputError, StorageError

pytestmark = pytest.mark.native

DAYS = pd.date_range("2001-01-01", periods=5, name="time")


def series(values, stations=("a", "b"), time=DAYS, name="t"):
    values = np.asarray(values)
    return xr.DataArray(values, {"station": list(stations), "time": time}, dims=["station", "time"], name=name)


def columns_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return head, [list(column) for column in zip(*rows, strict=True)]


def written(values, tmp_path):
    """The text of numbers, all of them in one file."""
    values = np.atleast_2d(values)
    x = xr.DataArray(values, dims=["station", "row"], name="x")
    (path,) = e5.write_csv(x, tmp_path / "{station}.csv", progress=False)
    return columns_of(path)[1][1]


def test_files_hold_the_series_of_their_stations(tmp_path):
    x = series(np.arange(10.0).reshape(2, 5))
    files = e5.write_csv(x, tmp_path / "new" / "{station}.csv", columns=["heat"], progress=False)
    assert files == [str(tmp_path / "new" / name) for name in ("a.csv", "b.csv")]
    with open(files[1], "rb") as file:
        assert file.read() == b"time,heat\n" + b"".join(b"2001-01-0%d,%d.0\n" % (d + 1, 5 + d) for d in range(5))
    assert sorted(os.listdir(tmp_path / "new")) == ["a.csv", "b.csv"]


def test_several_series_are_several_columns(tmp_path):
    rng = np.random.default_rng(0)
    given = {
        "t": rng.normal(size=(2, 5)),
        "p": rng.normal(size=(2, 5)).astype("f4"),
        "n": np.arange(10).reshape(2, 5),
    }
    given["t"][1, 2] = np.nan
    arrays = [series(values, name=name) for name, values in given.items()]
    for what in (arrays, xr.merge(arrays)):
        files = e5.write_csv(what, str(tmp_path / "{station}.csv"), progress=False)
        for number, file in enumerate(files):
            read = pd.read_csv(file, index_col="time", parse_dates=True, float_precision="round_trip")
            assert list(read) == list(given)
            assert list(read.index) == list(DAYS)
            for name, values in given.items():
                np.testing.assert_array_equal(read[name].to_numpy().astype(values.dtype), values[number])


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f8", ">f4", "i8", "i2", "u4", "?"])
@pytest.mark.parametrize("layout", ["C", "F", "cut", "back", "time first"])
def test_layouts_and_types(dtype, layout, tmp_path):
    values = np.random.default_rng(1).integers(0, 2 if dtype == "?" else 100, (4, 10)).astype(dtype)
    laid = {"C": values, "F": np.asfortranarray(values), "cut": values[::2, 1::3], "back": values[:, ::-1]}
    x = xr.DataArray(laid.get(layout, values), dims=["station", "row"])
    if layout == "time first":
        x = x.T
    files = e5.write_csv(x, tmp_path / "{station}.csv", progress=False)
    for path, row in zip(files, x.transpose("station", "row").values, strict=True):
        assert [float(text) for text in columns_of(path)[1][1]] == row.tolist()


@given(st.lists(st.floats(), min_size=1, max_size=50))
def test_doubles_are_written_as_python_writes_them(tmp_path_factory, values):
    texts = written(values, tmp_path_factory.getbasetemp())
    assert texts == ["" if math.isnan(value) else repr(value) for value in values]


def test_doubles_of_all_sizes(tmp_path):
    bits = [
        sign << 63 | exponent << 52 | rest for sign in (0, 1) for exponent in range(2048) for rest in (0, 1, 2**51)
    ]
    bits += np.random.default_rng(2).integers(0, 2**63, 20_000).tolist()
    values = [value for value in (struct.unpack("<d", struct.pack("<Q", b))[0] for b in bits) if value == value]
    values += [
        float(f"{digits}e{power}") for power in range(-324, 308) for digits in ("1", "9.5", "1.2345678901234567")
    ]
    values += [round(value, 2) for value in np.random.default_rng(3).uniform(-400, 400, 1000)]
    assert written(values, tmp_path) == [repr(float(value)) for value in values]


def test_singles_come_back_and_are_short(tmp_path):
    rng = np.random.default_rng(4)
    values = rng.integers(0, 2**32, 50_000, dtype="u4").view("f4")
    values = np.concatenate([values[np.isfinite(values)], rng.uniform(-400, 400, 10_000).astype("f4")])
    values = np.concatenate([values, np.float32([0, -0.0, 1e-45, 3.4e38, 16777216, 0.1, 273.15])])
    texts = written(values, tmp_path)
    np.testing.assert_array_equal(np.array(texts, "f4").view("u4"), values.view("u4"))
    digits = [len(text.lstrip("-").split("e")[0].replace(".", "").strip("0")) for text in texts]
    shortest = [
        len(np.format_float_scientific(abs(x), unique=True).split("e")[0].replace(".", "").strip("0")) for x in values
    ]
    assert digits == shortest


def test_integers(tmp_path):
    values = np.array([0, 9, 10, -1, 99, 100, 10**16, 10**17 - 1, 2**63 - 1, -(2**63)])
    assert written(values, tmp_path) == [str(value) for value in values.tolist()]


def test_not_finite(tmp_path):
    assert written([np.inf, -np.inf, np.nan], tmp_path) == ["inf", "-inf", ""]


# --- the first column ---


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (pd.date_range("2001-01-31", periods=2), ["2001-01-31", "2001-02-01"]),
        (pd.date_range("2001-01-31 18:00", periods=2, freq="6h"), ["2001-01-31T18:00:00", "2001-02-01T00:00:00"]),
        (xr.date_range("2001-02-29", periods=2, calendar="all_leap", use_cftime=True), ["2001-02-29", "2001-03-01"]),
        ([1, 12], ["1", "12"]),
        (["DJF", 'a,"b"\nc'], ["DJF", 'a,"b"\nc']),
    ],
)
def test_rows_are_named(axis, expected, tmp_path):
    x = series(np.ones((1, 2)), ["s"], axis)
    (path,) = e5.write_csv(x, tmp_path / "{station}.csv", progress=False)
    assert columns_of(path) == (["time", "t"], [expected, ["1.0", "1.0"]])


def test_the_climatology_of_stations_is_a_table_of_months(tmp_path):
    months = pd.date_range("1981-01-01", periods=60, freq="MS", name="time")
    rain = series(np.random.default_rng(5).gamma(1, 1, (2, 60)), time=months).assign_attrs(units="mm")
    normal = e5.climatology(rain, "month", base_period=("1981", "1984"), progress=False)
    anomaly = e5.anomaly(rain, normal, progress=False)
    slow = rain.groupby("time.month") - rain.sel(time=slice("1981", "1984")).groupby("time.month").mean()
    xr.testing.assert_allclose(anomaly.transpose(*slow.dims), slow.drop_vars("month"))
    files = e5.write_csv(normal, tmp_path / "{station}.csv", columns=["normal"], progress=False)
    head, (month, values) = columns_of(files[1])
    assert head == ["month", "normal"]
    assert month == [str(number) for number in range(1, 13)]
    assert [float(value) for value in values] == normal.sel(station="b").values.tolist()


def test_a_forecast_is_joined_to_a_history(tmp_path):
    """The lines of the page: one after the other, and where they overlap."""
    history = series(np.ones((2, 5)))
    later = series(np.full((2, 5), 2.0), time=DAYS + pd.Timedelta(days=5))
    joined = xr.concat([history, later], "time")
    (path, _) = e5.write_csv(joined, tmp_path / "{station}.csv", progress=False)
    assert columns_of(path)[1][1] == ["1.0"] * 5 + ["2.0"] * 5
    overlapping = series(np.full((2, 5), 2.0), time=DAYS + pd.Timedelta(days=3))
    joined = history.combine_first(overlapping)
    assert joined.sel(station="a").values.tolist() == [1.0] * 5 + [2.0] * 3


# --- names of files ---


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".", "", " ", "a\0b", "a\nb", "C:\\x"])
def test_no_name_leads_out_of_its_folder(name, tmp_path):
    with pytest.raises(InputError, match="cannot be the name of a file"):
        e5.write_csv(series(np.ones((2, 5)), ["good", name]), tmp_path / "in" / "{station}.csv", progress=False)
    assert os.listdir(tmp_path) == []


def test_names_of_files_take_any_coordinate_of_the_stations(tmp_path):
    x = series(np.ones((2, 5)), [7, 12]).assign_coords(country=("station", ["Österreich", "CH"]), member=3)
    files = e5.write_csv(x, tmp_path / "{country}" / "{station:05d}_{member}.csv", progress=False)
    assert [os.path.relpath(file, tmp_path) for file in files] == ["Österreich/00007_3.csv", "CH/00012_3.csv"]


@pytest.mark.parametrize(
    ("template", "match"),
    [
        ("x.csv", "nothing in braces"),
        ("{name}.csv", "no coordinate 'name'.*{station}"),
        ("{station.real}.csv", "only names of coordinates"),
        ("{station[0]}.csv", "only names of coordinates"),
        ("{station:{time}}.csv", "only names of coordinates"),
        ("{station:d}.csv", "format code"),
        ("{station", "expected '}'"),
        ("{country}.csv", "two stations have the same file"),
        ("{station}_{time}.csv", "stations and times are needed"),
    ],
)
def test_wrong_names_of_files(template, match, tmp_path):
    x = series(np.ones((2, 5))).assign_coords(country=("station", ["CH", "CH"]))
    with pytest.raises(InputError, match=match):
        e5.write_csv(x, tmp_path / template, progress=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("what", "options", "match"),
    [
        (np.ones((2, 5)), {}, "must be a DataArray"),
        ([], {}, "no series"),
        ([series(np.ones((2, 5))), series(np.ones((2, 5)), ["a", "c"], name="p")], {}, "same stations and times"),
        ([series(np.ones((2, 5))), series(np.ones((2, 5)))], {}, "same name"),
        (series(np.ones((2, 5))), {"columns": ["a", "b"]}, "2 names of columns for 1"),
        ([series(np.ones((2, 5)), name=None)] * 2, {}, "no name"),
        (series(np.ones((2, 5))).expand_dims(number=[1, 2]), {}, "stations and times are needed"),
        (series(np.full((2, 5), "x")), {}, "values of type"),
        (series(np.ones((2, 5), "u8")), {}, "values of type"),
    ],
)
def test_wrong_series(what, options, match, tmp_path):
    with pytest.raises(InputError, match=match):
        e5.write_csv(what, tmp_path / "{station}.csv", progress=False, **options)
    assert os.listdir(tmp_path) == []


# --- faults ---


def test_files_are_replaced(tmp_path):
    for value in (1.0, 2.0):
        files = e5.write_csv(series(np.full((2, 5), value)), tmp_path / "{station}.csv", progress=False)
    assert columns_of(files[0])[1][1] == ["2.0"] * 5


def test_a_file_that_cannot_be_written(tmp_path):
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(StorageError) as caught:
        e5.write_csv(series(np.ones((2, 5))), tmp_path / "{station}.csv", progress=False)
    assert caught.value.filename == str(tmp_path / "b.csv")
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        e5.write_csv(series(np.ones((2, 5))), tmp_path / "file" / "{station}.csv", progress=False)


def test_an_interruption_leaves_whole_files(tmp_path, monkeypatch):
    """As with ctrl-C: what looks at the progress raises, and the work is cancelled."""

    def stop(done, total, stage):
        raise KeyboardInterrupt

    monkeypatch.setattr("era5fast.stations.Progress.__enter__", lambda self: stop)
    rows = 400_000
    x = xr.DataArray(np.broadcast_to(np.pi, (64, rows)), dims=["station", "row"], name="x")
    with pytest.raises(KeyboardInterrupt):
        e5.write_csv(x, tmp_path / "{station}.csv")
    names = os.listdir(tmp_path)
    assert len(names) < 64
    assert all(name.endswith(".csv") for name in names)
    for name in names:
        assert (tmp_path / name).read_bytes().count(b"\n") == rows + 1


def test_the_same_bytes_with_any_number_of_threads(tmp_path):
    x = series(np.random.default_rng(6).normal(size=(50, 5)), range(50))
    found = []
    for threads in (1, 2, 5):
        e5.set_num_threads(threads)
        files = e5.write_csv(x, tmp_path / str(threads) / "{station}.csv", progress=False)
        found.append([Path(file).read_bytes() for file in files])
    e5.set_num_threads(0)
    assert found[0] == found[1] == found[2]


# --- the page ---

PAGE = Path(__file__).resolve().parent.parent / "docs/how-to/stations.md"


def _rain(path, months):
    rng = np.random.default_rng(8)
    axes = {"time": months, "latitude": 50 - 0.25 * np.arange(13), "longitude": 5 + 0.25 * np.arange(13)}
    rain = xr.DataArray(rng.gamma(1, 1, [len(axis) for axis in axes.values()]).astype("f4"), axes, name="tp")
    rain.latitude.attrs["units"], rain.longitude.attrs["units"] = "degrees_north", "degrees_east"
    rain.assign_attrs(units="mm").to_netcdf(path)


def test_every_block_of_the_page_runs(tmp_path, monkeypatch):
    for number, (first, count) in enumerate([("1981-01", 300), ("2006-01", 180)]):
        _rain(tmp_path / f"history_{number}.nc", pd.date_range(first, periods=count, freq="MS"))
    _rain(tmp_path / "forecast.nc", pd.date_range("2021-01", periods=6, freq="MS"))
    (tmp_path / "stations.csv").write_text(
        "station,lat,lon\nBasel,47°33'N,7°35'E\n\"Ried, Inn\",48°13'N,7.9\n", "utf-8"
    )
    monkeypatch.chdir(tmp_path)
    found = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(block, PAGE.name, "exec"), found)
    assert [os.path.basename(file) for file in found["files"]] == ["Basel.csv", "Ried, Inn.csv"]
    head, (month, _) = columns_of(found["files"][0])
    assert (head, len(month), month[-1]) == (["time", "prec_ano"], 486, "2021-06-01")
    assert columns_of("both/Basel.csv")[0] == ["time", "prec", "prec_ano"]
    assert len(columns_of("normals/Basel.csv")[1][0]) == 12

"""One function for many files: order, resuming, errors, what is kept."""

import functools
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from xarray.backends.locks import HDF5_LOCK, NETCDFC_LOCK

import era5fast as e5
from era5fast.errors import BatchError, InputError, MissingFileError, StorageError
from era5fast.pool import Executor, Pool, ThreadPool


@pytest.fixture
def files(tmp_path):
    """Twenty small files of numbers."""
    folder = tmp_path / "in"
    folder.mkdir()
    for day in range(20):
        np.save(folder / f"day{day:02d}.npy", np.arange(3.0) + day)
    return str(folder / "day*.npy")


def mean(path):
    return np.load(path).mean()


class Counted:
    """A function that counts its calls, and fails for some files."""

    def __init__(self, bad=()):
        self.names, self.bad, self.lock = [], bad, threading.Lock()

    def __call__(self, path):
        with self.lock:
            self.names.append(os.path.basename(path))
        if os.path.basename(path) in self.bad:
            raise ValueError(f"bad file {os.path.basename(path)}")
        return np.load(path)


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("keep", [True, False])
def test_results_are_in_the_order_of_the_files(files, tmp_path, workers, keep):
    folder = tmp_path / "out" if keep else None
    result = e5.map_files(np.load, files, collate=np.stack, folder=folder, workers=workers)
    np.testing.assert_array_equal(result, np.arange(20.0)[:, None] + np.arange(3.0))


def test_without_collation_results_are_read_when_they_are_looked_at(files, tmp_path):
    results = e5.map_files(np.load, files, folder=tmp_path / "out")
    assert len(results) == 20
    assert results[-1].tolist() == [19, 20, 21]
    assert [x[0] for x in results[3:5]] == [3, 4]
    np.testing.assert_array_equal(np.concatenate(results)[:4], [0, 1, 2, 1])
    assert isinstance(e5.map_files(np.load, files), list)


@pytest.mark.parametrize(
    "value",
    [
        2.5,
        np.float32(3),
        np.arange(6, dtype="i2").reshape(2, 3),
        np.array(["2001-01-01"], "M8[s]"),
        xr.DataArray([1.0, 2], {"time": pd.date_range("2001-01-01", periods=2)}, name="t", attrs={"units": "K"}),
        xr.DataArray([1.0, 2], dims=["x"], attrs={"units": "K"}),
        xr.DataArray([1.0, 2], {"x": [3, 4]}, dims=["x"], name="x"),
        xr.Dataset({"t": ("x", [1.0, 2]), "u": ("x", [3.0, 4])}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_kept_comes_back(files, tmp_path, value):
    results = e5.map_files(lambda path: value, files, folder=tmp_path / "out")
    for result in (results[0], results[19]):
        if isinstance(value, xr.DataArray | xr.Dataset):
            xr.testing.assert_identical(result, value)
            assert type(result) is type(value)
        else:
            assert result.dtype == np.asarray(value).dtype
            np.testing.assert_array_equal(result, value)


def test_a_second_call_asks_for_nothing(files, tmp_path):
    count = Counted()
    for _ in range(2):
        result = e5.map_files(count, files, collate=np.stack, folder=tmp_path / "out")
    assert len(count.names) == 20
    assert result.shape == (20, 3)
    e5.map_files(count, files, folder=tmp_path / "out", resume=False)
    assert len(count.names) == 40


def test_errors_are_told_by_file_and_the_others_are_kept(files, tmp_path):
    count = Counted(bad=("day03.npy", "day11.npy"))
    with pytest.raises(BatchError, match="2 of 20 files failed; the first: bad file day03") as caught:
        e5.map_files(count, files, folder=tmp_path / "out")
    assert [os.path.basename(name) for name in caught.value.failures] == ["day03.npy", "day11.npy"]
    assert all(isinstance(error, ValueError) for error in caught.value.failures.values())
    assert len(caught.value.paths) == 18
    count.names, count.bad = [], ()
    assert e5.map_files(count, files, collate=len, folder=tmp_path / "out") == 20
    assert sorted(count.names) == ["day03.npy", "day11.npy"]


def test_what_changed_is_computed_anew(files, tmp_path):
    count = Counted()
    e5.map_files(count, files, folder=tmp_path / "out")
    count.names = []
    np.save(tmp_path / "in" / "day05.npy", np.zeros(7))
    results = e5.map_files(count, files, folder=tmp_path / "out")
    assert count.names == ["day05.npy"]
    assert results[5].shape == (7,)


def test_another_function_has_results_of_its_own(files, tmp_path):
    def scaled(by, shift=0):
        return lambda path: np.load(path)[0] * by + shift

    def run(function):
        return e5.map_files(function, files, collate=np.array, folder=tmp_path / "out")[1]

    functions = [
        lambda path: 0,
        lambda path: 1,
        scaled(2),
        scaled(3),
        scaled(3, 1),
        functools.partial(np.multiply, 2),
    ]
    assert [run(function) for function in functions[:5]] == [0, 1, 2, 3, 4]
    shift = np.zeros(5000)
    assert run(functools.partial(add, shift)) == 1
    shift[2500] = 1  # which its repr() does not show
    assert run(functools.partial(add, shift)) == 2


def add(shift, path):
    return np.load(path)[0] + shift.sum()


@pytest.mark.parametrize("kind", [ThreadPool, Pool])
def test_with_a_pool_of_ones_own(files, tmp_path, kind):
    with kind(2) as pool:
        for folder in (tmp_path / "out", None):
            result = e5.map_files(mean, files, collate=np.array, folder=folder, pool=pool)
            assert result.tolist() == [day + 1 for day in range(20)]
        assert pool.map(len, ["ab"]) == [2]  # it is still open


_SCRIPT = """
import os, sys, signal
import numpy as np
import era5fast as e5

def work(path):
    if path.endswith(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    with open(sys.argv[4], "a") as file:
        file.write(os.path.basename(path) + "\\n")
    return np.load(path)

print(e5.map_files(work, sys.argv[1], collate=np.stack, folder=sys.argv[2], workers=1, progress=False).sum())
"""


def test_what_was_killed_goes_on(files, tmp_path):
    """Each file is read once, but for the one at which the process died; nothing half written is taken."""
    script, log = tmp_path / "work.py", tmp_path / "log"
    script.write_text(_SCRIPT)
    for bad in ("day12.npy", "none"):
        command = [sys.executable, script, files, tmp_path / "out", bad, log]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == sum(3 * day + 3 for day in range(20))
    assert log.read_text().split() == [f"day{day:02d}.npy" for day in range(20)]


def test_native_functions_and_series_of_days(tmp_path):
    days = pd.date_range("2003-08-01", periods=6)
    hours = xr.DataArray(
        np.random.default_rng(0).normal(290, 5, (144, 2, 3)).astype("f4"),
        {"time": pd.date_range(days[0], periods=144, freq="h"), "latitude": [47.0, 46], "longitude": [7.0, 8, 9]},
        dims=["time", "latitude", "longitude"],
        name="t2m",
        attrs={"units": "K"},
    )
    for day, part in hours.groupby("time.date"):
        part.to_netcdf(tmp_path / f"{day}.nc")
    maximum = functools.partial(e5.daily, statistic="max", progress=False)
    together = functools.partial(xr.concat, dim="time")
    result = e5.map_files(maximum, str(tmp_path / "*.nc"), collate=together, folder=tmp_path / "out")
    np.testing.assert_array_equal(result.values, hours.resample(time="D").max().values)
    assert list(result.time.values) == list(days.values)


def test_results_are_written_while_others_read_under_the_locks_of_the_libraries(tmp_path):
    # What a user reads through xarray and netCDF4 in one thread, and we write in another, takes turns.
    for day in range(20):
        xr.Dataset({"t": ("x", np.arange(5000.0) + day)}).to_netcdf(tmp_path / f"day{day:02d}.nc")

    def read(path):
        with HDF5_LOCK, NETCDFC_LOCK, netCDF4.Dataset(path) as file:
            values = np.stack([file["t"][:].data for _ in range(20)])
        return xr.DataArray(values, dims=["again", "x"], name="t")

    results = e5.map_files(read, str(tmp_path / "*.nc"), folder=tmp_path / "out", workers=4)
    assert [float(x[7, 1]) for x in results] == [1.0 + day for day in range(20)]


def test_what_a_function_only_opened_is_read_before_it_is_kept(tmp_path):
    for day in range(3):
        xr.Dataset({"t": ("x", np.arange(4.0) + day)}).to_netcdf(tmp_path / f"day{day}.nc")
    found = e5.map_files(xr.open_dataset, str(tmp_path / "*.nc"), folder=tmp_path / "out", workers=1)
    assert [float(x.t[0]) for x in found] == [0, 1, 2]


def test_a_function_that_calls_itself(files, tmp_path):
    def halved(path, times=2):
        return halved(path, times - 1) / 2 if times else float(np.load(path).sum())

    results = [list(e5.map_files(halved, files, folder=tmp_path / "out")) for _ in range(2)]
    assert results[0] == results[1] == [(3 * day + 3) / 4 for day in range(20)]


def test_progress_is_told(files, monkeypatch):
    told = []
    monkeypatch.setattr(
        "era5fast.small_files.Progress.__enter__", lambda self: lambda done, total, stage: told.append((done, total))
    )
    e5.map_files(np.load, files)
    assert told == [(done, 20) for done in range(1, 21)]


@pytest.mark.parametrize("value", [{"a": 1}, object(), None, [[1], [2, 3]]])
def test_results_that_cannot_be_kept(files, tmp_path, value):
    with pytest.raises(BatchError) as caught:
        e5.map_files(lambda path: value, files, folder=tmp_path / "out")
    assert {type(error) for error in caught.value.failures.values()} <= {InputError, ValueError}
    assert os.listdir(tmp_path / "out") == []


def test_wrong_arguments(files, tmp_path):
    with pytest.raises(InputError, match="no file matches"):
        e5.map_files(np.load, str(tmp_path / "*.none"))
    with pytest.raises(InputError, match="no function"):
        e5.map_files("load", files)
    with pytest.raises(MissingFileError):
        e5.map_files(np.load, [str(tmp_path / "none.npy")], folder=tmp_path / "out")
    with pytest.raises(StorageError):
        e5.map_files(np.load, files, folder=Path(files).parent / "day00.npy")


def test_a_result_that_is_gone(files, tmp_path):
    results = e5.map_files(np.load, files, folder=tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        path.unlink()
    with pytest.raises(StorageError, match="the result is gone"):
        results[0]


def test_an_executor_calls_it_too(files):
    with Executor(2) as executor:
        assert executor.submit(e5.map_files, mean, files, collate=sum).result() == sum(range(1, 21))


# --- the page ---

PAGE = Path(__file__).resolve().parent.parent / "docs/how-to/many-files.md"


def test_every_block_of_the_page_runs(tmp_path, monkeypatch):
    (tmp_path / "days").mkdir()
    rng = np.random.default_rng(1)
    for day in range(5):
        t2m = xr.DataArray(rng.normal(290, 5, (24, 2, 3)), dims=["valid_time", "latitude", "longitude"], name="t2m")
        t2m.to_netcdf(tmp_path / "days" / f"{day}.nc")
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(block, PAGE.name, "exec"), found)
    assert found["result"].dims == ("day", "latitude", "longitude")
    np.testing.assert_array_equal(found["result"][-1], t2m.max("valid_time"))
    assert found["sizes"][0] == 1

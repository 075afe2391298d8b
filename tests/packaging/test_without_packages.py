"""xarray, dask and the other optional packages are optional: what works without them, and what the rest says."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import without_packages

import era5fast as e5
from era5fast import optional
from era5fast.errors import InputError, MissingPackageError

pytestmark = pytest.mark.filterwarnings("ignore:a percentile of", "ignore:the base period")

#: Public names that give no arrays of NumPy: what they are made of has its calls in `refused`, or is no diagnostic.
NO_ARRAYS = {
    "Client", "EventCatalogue", "EventDatabase", "Executor", "Plan", "Regions", "Request", "ThreadPool", "Tracks",
    "chunk_references", "events_from_labels", "explain", "find_highs", "find_lows", "get_cache_bytes",
    "get_num_threads", "leftovers", "link_points", "map_files", "open_dataset", "read_points", "read_tracks",
    "regional", "remove_leftovers", "report", "retrieve", "set_cache_bytes", "set_num_threads", "show_versions",
    "variable", "variables", "write_csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "t2m.nc"
    axes = {"valid_time": np.arange(10), "latitude": np.array([50, 40, 30]), "longitude": np.arange(4)}
    units = ("days since 2001-01-01", "degrees_north", "degrees_east")
    with netCDF4.Dataset(path, "w") as made:
        for (name, values), unit in zip(axes.items(), units, strict=True):
            made.createDimension(name, len(values))
            axis = made.createVariable(name, "f8", (name,))
            axis.units, axis[:] = unit, values
        values = made.createVariable("t2m", "f4", tuple(axes))
        values.units, values[:] = "K", 270 + 20 * np.random.default_rng(1).normal(size=(10, 3, 4))
    return path


@pytest.fixture(scope="module")
def said(file: Path) -> dict[str, Any]:
    """What a program says in which no optional package can be imported."""
    command = [sys.executable, "-W", "ignore", without_packages.__file__, str(file)]
    run = subprocess.run(command, text=True, capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_function_of_arrays_gives_the_same_bits_without_any(said: dict[str, Any], file: Path) -> None:
    assert said["results"] == without_packages.results(str(file))


def test_no_function_is_forgotten(said: dict[str, Any]) -> None:
    assert {*e5._HOME} - {*said["results"]} == NO_ARRAYS
    assert {row["name"] for row in e5._core.kernels()} <= {*said["results"]}


def test_what_needs_one_names_it_and_its_extra(said: dict[str, Any], file: Path, tmp_path: Path) -> None:
    extras = optional._EXTRAS
    refused = without_packages.refused(str(file), tmp_path)
    for name, (package, _) in refused.items():
        told = said["refusals"][name]
        assert told.startswith("MissingPackageError: "), (name, told)
        assert f"need the package {package}. pip install 'era5fast[{extras[package]}]'" in told
    assert {"xarray", "pandas", "matplotlib"} <= {
        p for p, _ in without_packages.refused(str(file), tmp_path).values()
    }


def test_with_them_nothing_is_refused(file: Path) -> None:
    assert set(without_packages.refusals(str(file)).values()) == {"nothing"}


def test_the_command_line_works(said: dict[str, Any]) -> None:
    codes = list(said["commands"].values())
    assert codes[:-1] == [0, 0, 0, 0]
    assert codes[-1] == 2  # labelled results


def test_requests_downloads_and_pools_need_none(cds: Any, tmp_path: Path) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(Path(without_packages.__file__).parent)!r})
import without_packages
sys.meta_path.insert(0, without_packages.Blocker())
import era5fast as e5
request = e5.Request("reanalysis-era5-single-levels", variable="2t", start="2003-08-01", end="2003-08-02",
                     area=[47, -1, 46, 1])
client = e5.Client(url={cds.url!r}, key={cds.key!r}, progress=False)
paths = client.fetch(request.split(), {str(tmp_path)!r})
with e5.ThreadPool(2) as pool:
    print(pool.map(lambda path: e5.read(path).shape, paths))
with e5.Executor(2) as executor:
    print(executor.submit(pow, 2, 3).result())
"""
    run = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, timeout=120)
    assert run.stdout.splitlines()[:2] == ["[(48, 5, 9)]", "8"], run.stderr


@pytest.mark.parametrize("chunks", [{}, "auto"])
def test_chunks_need_dask(file: Path, monkeypatch: pytest.MonkeyPatch, chunks: Any) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(MissingPackageError, match=r"need the package dask\. pip install 'era5fast\[dask\]'"):
        e5.open_dataset(file, chunks=chunks)
    assert e5.open_dataset(file).sizes["time"] == 10


def test_a_program_that_has_hidden_xarray_can_import_us() -> None:
    program = "import sys; sys.modules['xarray'] = sys.modules['threadpoolctl'] = None; import era5fast"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_the_error_says_more_to_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError) as caught:
        optional.need("xarray", "results")
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.name, error.code) == ("xarray", "input")
    assert isinstance(error, InputError)


def test_a_package_that_is_there_and_broken_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shapely.py").write_text("import geos_of_another_day")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shapely", raising=False)
    with pytest.raises(MissingPackageError, match=r"cannot be imported \(No module named 'geos_of_another_day'\)"):
        optional.need("shapely", "regions")


def test_what_is_there_is_given() -> None:
    assert isinstance(optional.need("pandas", "tables"), types.ModuleType)

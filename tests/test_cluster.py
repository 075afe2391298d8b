"""Four processes of dask.distributed: readers, kernels, events, downloads and database do there what they do here."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast.testing import Service
from tests.client_kit import QUICK, answer_months, plan
from tests.test_event_slabs import check_same, day_maps, world

dask = pytest.importorskip("dask")
dask_array = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
bag = pytest.importorskip("dask.bag")

pytestmark = [pytest.mark.native, pytest.mark.filterwarnings("ignore::era5fast.errors.PerformanceHint")]

WORKERS = 4

# What workers are given is not a module that they could import.
distributed.protocol.pickle.cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Workers on the loopback interface, which end with the tests."""
    settings = {
        "distributed.nanny.pre-spawn-environ.ERA5FAST_NUM_THREADS": 1,
        "distributed.scheduler.allowed-failures": 5,
        "distributed.comm.timeouts.connect": "60s",
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
        ) as found,
    ):
        yield found


@pytest.fixture
def workers(cluster: Any) -> Iterator[Any]:
    """A client of the cluster, with all of its workers there."""
    with distributed.Client(cluster, set_as_default=True) as client, dask.config.set({"array.chunk-size": "4KiB"}):
        client.wait_for_workers(WORKERS, timeout=60)
        client.run(e5.set_num_threads, 1)  # what a worker cannot import is told here; a task would wait for ever
        yield client


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Half a year in monthly files."""
    x = world()
    paths = []
    for (year, month), part in x.groupby(["time.year", "time.month"]):
        paths.append(str(tmp_path / f"{year}-{month:02d}.nc"))
        part.dropna("time", how="all").to_netcdf(paths[-1])
    return sorted(paths)


def addresses(client: Any) -> list[str]:
    return sorted(client.scheduler_info(n_workers=-1)["workers"])


# --- what goes from process to process ---


def test_results_go_through_pickle() -> None:
    x = world()
    events = e5.find_events(x, 0.8)
    tracks = e5.link_points(e5.find_lows(x.fillna(0)), 3000)
    request = e5.Request(
        "reanalysis-era5-single-levels", variable="2m_temperature", start="2013-07-05", end="2013-07-06"
    )
    for result in (request, e5.label(x > 0.8), events, tracks):
        again = pickle.loads(pickle.dumps(result))
        assert type(again) is type(result)
        assert repr(again) == repr(result)
    check_same(pickle.loads(pickle.dumps(events)), events)
    assert repr(pickle.loads(pickle.dumps(events[2]))) == repr(events[2])


def test_functions_are_tasks(workers: Any) -> None:
    x = world()
    found = workers.submit(e5.find_events, x, 0.8, progress=False)
    wind = workers.map(e5.wind_speed, [3.0, 6.0], [4.0, 8.0])
    labels = dask.delayed(e5.label)(x > 0.8)
    spells = dask.delayed(e5.spell_statistics)(x, 0.5, progress=False)
    check_same(found.result(), e5.find_events(x, 0.8))
    assert workers.gather(wind) == [5.0, 10.0]
    assert np.array_equal(labels.compute().dense(), e5.label(x > 0.8).dense())
    xr.testing.assert_identical(spells.compute(), e5.spell_statistics(x, 0.5, progress=False))


def test_plain_lazy_arrays_are_computed_by_workers(workers: Any) -> None:
    t, d = np.full((4, 6), 300.0), np.full((4, 6), 290.0)
    lazy = [dask_array.from_array(x, chunks=3) for x in (t, d)]
    wanted = e5.relative_humidity(t, d)
    ufunc = e5.pointwise.ufunc("relative_humidity")
    assert np.array_equal(e5.relative_humidity(*lazy).compute(), wanted)
    assert np.array_equal(ufunc(*lazy).compute(), wanted)
    labelled = [xr.DataArray(x) for x in lazy]
    through = xr.apply_ufunc(ufunc, *labelled, dask="parallelized", output_dtypes=["float64"])
    assert np.array_equal(through.compute(), wanted)


def warmest(path: str) -> tuple[str, float]:
    with e5.open_dataset(path) as data:
        return Path(path).stem, float(data["t2m"].max())


def test_a_bag_of_files(workers: Any, files: list[str]) -> None:
    found = dict(bag.from_sequence(files, npartitions=len(files)).map(warmest).compute())
    assert found == {Path(path).stem: float(xr.open_dataarray(path).max()) for path in files}


def test_lazy_arrays_of_the_reader_are_read_by_workers(workers: Any, files: list[str]) -> None:
    lazy = e5.open_dataset(files, chunks={"time": 7, "latitude": 3})["t2m"]
    loaded = e5.open_dataset(files)["t2m"].load()
    assert np.array_equal(workers.compute(lazy).result().values, loaded.values, equal_nan=True)
    held = workers.persist(lazy)
    distributed.wait(held)
    assert len({worker for readers in workers.who_has(held).values() for worker in readers}) > 1


# --- threads ---


def test_workers_do_not_take_more_threads_than_they_have(workers: Any) -> None:
    assert set(workers.run(e5.get_num_threads).values()) == {1}
    assert {info["nthreads"] for info in workers.scheduler_info(n_workers=-1)["workers"].values()} == {1}


# --- events ---


OPTIONS = {"above": 0.6, "min_days": 3, "max_gap": 2}


def test_events_over_four_workers_are_those_of_one_process(workers: Any, tmp_path: Path) -> None:
    x, limits = world(), day_maps(0.7)
    lazy = x.chunk(time=9, latitude=4, longitude=7)
    for search, options, lazy_options in (
        (e5.find_events, OPTIONS, OPTIONS),
        (e5.find_events, {"above": limits}, {"above": limits.chunk(dayofyear=90, latitude=4)}),
        (e5.track, {"above": 0.8, "overlap": 0.3, "max_missing": 2}, None),
    ):
        whole, found = search(x, **options), search(lazy, **(lazy_options or options))
        check_same(found, whole)
        with e5.EventDatabase(tmp_path / f"{len(found)}.gpkg") as database:
            assert database.add(whole, progress=False).added == len(whole) > 3
            assert database.add(found, progress=False).added == 0  # the same ids


def blocks_that_note(folder: Path, deadly: int | None) -> xr.DataArray:
    """The world in blocks of three steps that note when they are computed; at one of them, once, the worker dies."""
    values = world().values

    def block(number: np.ndarray) -> np.ndarray:
        i = int(number.ravel()[0])
        once = folder / "killed"
        if i == deadly and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (folder / f"{i}-{os.getpid()}").touch()
        return values[3 * i : 3 * i + 3]

    numbers = dask_array.arange(len(values) // 3, chunks=1)[:, None, None]
    sizes = ((3,) * (len(values) // 3), *values.shape[1:])
    return world().copy(data=numbers.map_blocks(block, chunks=sizes, dtype="float32", meta=values[:0]))


def test_a_worker_that_is_killed_costs_its_tasks_only(workers: Any, tmp_path: Path) -> None:
    before = set(workers.run(os.getpid).values())
    found = e5.find_events(blocks_that_note(tmp_path, deadly=9), **OPTIONS)
    assert (tmp_path / "killed").exists()
    check_same(found, e5.find_events(world(), **OPTIONS))
    computed = [int(path.name.split("-")[0]) for path in tmp_path.iterdir() if "-" in path.name]
    blocks = len(world()["time"]) // 3
    assert set(computed) == set(range(blocks))
    assert len(computed) < 2 * blocks  # what was lost is computed anew, and what that is made of; not the rest
    assert len(before & set(workers.run(os.getpid).values())) >= WORKERS - 1


# --- downloads ---


def fetch(url: str, key: str, folder: str, journal: str) -> list[str]:
    """What every worker of a job may call: the plan and the folder are the same."""
    client = e5.Client(url, key, journal=journal, progress=False, **QUICK)
    return client.fetch(plan(range(1, 5)), folder, check=False)


def test_four_workers_fetch_each_job_once(workers: Any, cds: Service, tmp_path: Path) -> None:
    answers = answer_months(cds, range(1, 5), running=0.5)
    call = cds.url, cds.key, str(tmp_path / "data"), str(tmp_path / "journal.db")
    futures = [workers.submit(fetch, *call, workers=[worker], pure=False) for worker in addresses(workers)]
    found = workers.gather(futures)
    assert len(futures) == WORKERS
    assert all(paths == found[0] for paths in found)
    assert [Path(path).read_bytes() for path in found[0]] == list(answers.values())
    assert cds.count("execute") == len(answers)
    assert cds.count("object") == len(answers)  # and each file is transferred once


def test_a_client_goes_to_workers_without_its_token(workers: Any, cds: Service, monkeypatch: Any) -> None:
    monkeypatch.setenv("CDSAPI_KEY", cds.key)
    client = e5.Client(cds.url, journal=False)
    sent = pickle.dumps(client)
    assert cds.key.encode() not in sent
    with pytest.raises(e5.errors.ConfigError, match="no token"):
        workers.submit(pickle.loads, sent, pure=False).result()


# --- the database ---


def events_of(start: int) -> e5.EventCatalogue:
    return e5.find_events(world(start), 0.8, progress=False)


def add(path: str, events: e5.EventCatalogue) -> int:
    with e5.EventDatabase(path) as database:
        return database.add(events, progress=False).added


def content(path: Path) -> list[str]:
    """Events by what they are, whoever added them first."""
    with e5.EventDatabase(path) as database:
        table = database.query()
    rows = table[["event_key", "start_time", "end_time", "area_max_km2", "peak_value", "cells"]]
    return sorted(map(repr, rows.itertuples(index=False)))


def test_one_owner_adds_what_workers_find(workers: Any, tmp_path: Path) -> None:
    path = tmp_path / "owned.gpkg"
    seeds = range(6)
    with e5.EventDatabase(path) as database:
        for _, found in distributed.as_completed(workers.map(events_of, seeds, pure=False), with_results=True):
            database.add(found, progress=False)
    shared = tmp_path / "shared.gpkg"
    added = workers.gather(
        [workers.submit(add, str(shared), workers.submit(events_of, seed, pure=False)) for seed in seeds]
    )
    assert sum(added) == len(content(shared)) == sum(len(events_of(seed)) for seed in seeds)
    assert content(shared) == content(path)

"""Events over processes of dask.distributed: strong scaling on this machine, and a model of more workers.

The same field is searched by 1, 2 and 4 workers of one thread each, and every catalogue is compared with that of the
field in memory. The model:

    seconds(workers) = joining + slabs × work / min(workers, processors, slabs) + tasks × scheduling

``joining`` is what the process that asks does with what comes back, ``scheduling`` what scheduler and client do for
one task: processor time, measured alone. ``work`` is the rest of what one worker takes, per slab, with making its
input and sending; so the model is right for one worker, and says what others should take.
Beyond this machine the processors are as many as the workers.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import dask
import dask.array
import distributed
import numpy as np
import xarray as xr
from comparison import arguments

import era5fast as e5
from era5fast import _core
from era5fast.chunked import events as slabs_of_events

OPTIONS: dict[str, Any] = {"above": 1.5, "min_days": 3, "max_gap": 1, "progress": False}
WORKERS = (1, 2, 4)
BEYOND = (8, 16, 32, 64, 128, 256)
SLAB = 16  # steps


def block(number: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Noise that is smooth in space and time, the same for the same number."""
    rng = np.random.default_rng(int(number.ravel()[0]) // 4)  # slabs that follow each other are alike
    coarse = rng.normal(size=(SLAB, rows // 8 + 1, columns // 8 + 1)).astype("float32")
    for step in range(1, SLAB):
        coarse[step] = 0.9 * coarse[step - 1] + 0.44 * coarse[step]
    return np.repeat(np.repeat(coarse, 8, 1), 8, 2)[:, :rows, :columns]


def field(slabs: int, rows: int, columns: int) -> xr.DataArray:
    """The field, one chunk a slab."""
    numbers = dask.array.arange(slabs, chunks=1)[:, None, None]
    sizes = ((SLAB,) * slabs, rows, columns)
    kind = {"dtype": "float32", "meta": np.empty((0, 0, 0), "float32")}
    values = numbers.map_blocks(block, rows=rows, columns=columns, chunks=sizes, **kind)
    axes = {
        "time": np.datetime64("1980-01-01", "ns") + np.arange(slabs * SLAB) * np.timedelta64(1, "D"),
        "latitude": np.linspace(90, -90, rows),
        "longitude": np.arange(columns) * (360 / columns),
    }
    return xr.DataArray(values, axes, tuple(axes), "t2m", {"units": "K"})


@contextmanager
def workers(n: int) -> Iterator[distributed.Client]:
    settings = {"distributed.nanny.pre-spawn-environ.ERA5FAST_NUM_THREADS": 1}
    where = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "memory_limit": 0}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(n_workers=n, threads_per_worker=1, processes=True, **where) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(n)
        client.run(e5.get_num_threads)  # imported before the clock
        yield client


def check(found: e5.EventCatalogue, wanted: e5.EventCatalogue) -> None:
    for name, column in wanted.core.table().items():
        assert found.core.table()[name].tobytes() == column.tobytes(), name
    assert found.core.geometry() == wanted.core.geometry()


def no_work(number: int) -> int:
    return number


class Parts:
    """What a search is made of, in seconds of a processor; and the bytes that come back."""

    def __init__(self, x: xr.DataArray) -> None:
        self.slabs = x.data.npartitions
        found: list[tuple[float, int]] = []
        joined: list[float] = []
        slab, join = _core.field_slab, _core.field_join

        def timed_slab(*args: Any) -> bytes:
            begin = time.process_time()
            result = slab(*args)
            if len(args[2]):
                found.append((time.process_time() - begin, len(result)))
            return result

        def timed_join(*args: Any) -> Any:
            begin = time.process_time()
            result = join(*args)
            joined.append(time.process_time() - begin)
            return result

        slabs_of_events._core.field_slab, slabs_of_events._core.field_join = timed_slab, timed_join
        try:
            with dask.config.set(scheduler="synchronous"):
                begin = time.process_time()
                e5.find_events(x, **OPTIONS)
                whole = time.process_time() - begin
        finally:
            slabs_of_events._core.field_slab, slabs_of_events._core.field_join = slab, join
        self.slab = median(seconds for seconds, _ in found)
        self.join = joined[0]
        self.work = (whole - self.join) / self.slabs
        self.bytes = sum(size for _, size in found)


def measure(client: distributed.Client, x: xr.DataArray, rounds: int, wanted: e5.EventCatalogue) -> list[float]:
    taken = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        found = e5.find_events(x, **OPTIONS)
        taken.append(time.perf_counter() - begin)
        check(found, wanted)
    return taken[1:]


def scheduling(client: distributed.Client, tasks: int) -> float:
    """Seconds of a processor that the scheduler, which is in this process, and its client take for one task."""
    client.gather(client.map(no_work, range(tasks)))
    begin = time.process_time()
    client.gather(client.map(no_work, range(tasks), pure=False))
    return (time.process_time() - begin) / tasks


def main() -> None:
    options = arguments((__doc__ or "").splitlines()[0])
    slabs, rows, columns = (12, 181, 360) if options.quick else (48, 361, 720)
    processors = len(os.sched_getaffinity(0))
    e5.set_num_threads(1)
    x = field(slabs, rows, columns)
    with dask.config.set({"array.chunk-size": "128MiB", "scheduler": "synchronous"}):
        wanted = e5.find_events(x.compute(), **OPTIONS)
        parts = Parts(field(slabs, rows, columns))
        x = field(slabs, rows, columns)
        tasks = 5 * slabs
    size = f"{slabs} slabs of {SLAB} × {rows} × {columns}, {x.nbytes / 2**20:,.0f} MiB"
    print(f"{size}, {len(wanted)} events; {processors} processors")
    print(f"one slab: {parts.work:.3f} s, of which the core {parts.slab:.3f} s; joining all: {parts.join:.3f} s; "
          f"{parts.bytes / x.nbytes:.2%} of the bytes come back")  # fmt: skip
    seconds = {}
    per_task = math.nan
    for n in WORKERS:
        with workers(n) as client, dask.config.set({"array.chunk-size": "128MiB"}):
            per_task = scheduling(client, 1000)
            seconds[n] = measure(client, x, options.rounds, wanted)
    print(f"scheduling of a task: {1e3 * per_task:.2f} ms")
    # What is not joining and not scheduling is what workers do; one does all of it, with what sending costs.
    spread = median(seconds[1]) - parts.join - tasks * per_task
    print(f"a slab, with sending: {spread / slabs:.3f} s of a worker\n")

    def model(n: int, cores: int) -> float:
        return parts.join + spread / min(n, cores, slabs) + tasks * per_task

    print("workers  measured    (range)         model   speed-up by the model")

    for n in WORKERS:
        taken = seconds[n]
        told = f"{median(taken):8.2f} s  ({min(taken):.2f} to {max(taken):.2f})"
        print(f"{n:7}  {told}  {model(n, processors):8.2f} s  {model(1, 1) / model(n, processors):.2f}")
    for n in BEYOND:
        print(f"{n:7}  {'':26}  {model(n, n):8.2f} s  {model(1, 1) / model(n, n):.2f}")


if __name__ == "__main__":
    main()

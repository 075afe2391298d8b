"""Python and the core in one process: the GIL, ctrl-C, callbacks, threads, fork, memory, the size of the pool."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import os
import pickle
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import era5fast as e5
from era5fast import _core, errors
from tests.look_alike import slowness

LATITUDE, LONGITUDE = np.linspace(55, 45, 41), np.linspace(0, 15, 61)


@pytest.fixture(autouse=True)
def all_threads() -> Iterator[None]:
    yield
    e5.set_num_threads(0)


def hours(n: int, start: str = "2001-01-01") -> np.ndarray:
    return np.datetime64(start, "h") + np.arange(n)


def days(n: int) -> np.ndarray:
    return np.datetime64("2001-01-01", "D") + np.arange(n)


def noise(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(285, 5, shape).astype("float32")


def endless(steps: int, rows: int, columns: int) -> np.ndarray:
    """A large array of little memory: every cell has the same series."""
    series = noise(steps)
    return np.broadcast_to(series[:, np.newaxis, np.newaxis], (steps, rows, columns))


def write_file(path: Path, values: np.ndarray, start: str = "2001-01-01") -> Path:
    """Write hourly t2m as the service delivers it."""
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        for name, size in zip(("valid_time", "latitude", "longitude"), values.shape, strict=True):
            file.createDimension(name, size)
        stamps = file.createVariable("valid_time", "i8", ("valid_time",))
        stamps.units, stamps.calendar = "seconds since 1970-01-01", "proleptic_gregorian"
        stamps[:] = hours(len(values), start).astype("datetime64[s]").astype("int64")
        file.createVariable("latitude", "f8", ("latitude",))[:] = LATITUDE[: values.shape[1]]
        file.createVariable("longitude", "f8", ("longitude",))[:] = LONGITUDE[: values.shape[2]]
        chunks = (min(24, len(values)), *values.shape[1:])
        variable = file.createVariable("t2m", "f4", ("valid_time", "latitude", "longitude"), zlib=True, complevel=1,
                                       shuffle=True, chunksizes=chunks)  # fmt: skip
        variable.units = "K"
        variable[:] = values
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two months of hourly files, and their values."""
    folder = tmp_path_factory.mktemp("hourly")
    halves = [np.round(noise(31 * 24, 41, 61, seed=seed)) for seed in (1, 2)]
    starts = ("2001-01-01", "2001-02-01")
    return [str(write_file(folder / f"{start}.nc", half, start)) for start, half in zip(starts, halves, strict=True)]


@pytest.fixture(scope="module")
def few_events() -> e5.EventCatalogue:
    axes = {"time": days(60), "latitude": LATITUDE[:11], "longitude": LONGITUDE[:13]}
    return e5.find_events(noise(60, 11, 13), 288.0, min_days=2, **axes)


@pytest.fixture(scope="module")
def some_events() -> e5.EventCatalogue:
    return e5.find_events(
        noise(300, 41, 61), 288.0, min_days=2, time=days(300), latitude=LATITUDE, longitude=LONGITUDE
    )


# --- the GIL ---


class Counter(threading.Thread):
    """Counts in pure Python, as long as it lives."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.value = 0
        self.stopped = False

    def run(self) -> None:
        while not self.stopped:
            self.value += 1

    def __enter__(self) -> Counter:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped = True
        self.join()

    def queued(self) -> float:
        """Seconds in which it could have run but others had the processors; 0 where the system does not tell."""
        try:
            return int(Path(f"/proc/self/task/{self.native_id}/schedstat").read_text().split()[1]) * 1e-9
        except (OSError, ValueError, IndexError):
            return 0.0

    def speed(self, work: Callable[[], object], least: float = 0.2) -> float:
        """Counts per second while the calling thread works, again and again for some time."""
        begin, value, queued = time.perf_counter(), self.value, self.queued()
        while time.perf_counter() - begin < least:
            work()
        elapsed = time.perf_counter() - begin
        return (self.value - value) / max(elapsed - (self.queued() - queued), 0.1 * elapsed)


def kept_speed(work: Callable[[], object], attempts: int = 5) -> list[float]:
    """Speed of counting beside `work` over speed alone: one good value, or so many bad ones."""
    ratios: list[float] = []
    with Counter() as counter:
        while len(ratios) < attempts and max(ratios, default=0) < 0.9:
            alone, beside = [counter.speed(lambda: time.sleep(0.05), 0.1)], []
            for _ in range(3):
                beside.append(counter.speed(work, 0.15))
                alone.append(counter.speed(lambda: time.sleep(0.05), 0.1))
            ratios.append(statistics.median(beside) / statistics.median(alone))
    return ratios


def gil_work(name: str, files: list[str], some_events: e5.EventCatalogue, folder: Path) -> Callable[[], object]:
    daily = noise(1500, 41, 61)
    axes = {"time": days(1500), "latitude": LATITUDE, "longitude": LONGITUDE}
    numbers = iter(range(10**6))

    def store() -> None:
        target = str(folder / f"{next(numbers)}.gpkg")
        _core.store_add(target, some_events.core, "heat", "t2m", "K", "{}", "test", "", (), False, 5.0, None)

    return {
        "scan of files": lambda: e5.daily(files, "mean", progress=False),
        "reading": lambda: e5.read(files, progress=False),
        "scan of memory": lambda: e5.daily(endless(24 * 365, 60, 60), "max", time=hours(24 * 365)),
        "sweep": lambda: e5.percentile_doy(daily, 90, time=days(1500)),
        "events": lambda: e5.find_events(daily, 288.0, min_days=2, **axes),
        "database": store,
    }[name]


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two processors are needed to see it")
@pytest.mark.parametrize("name", ["scan of files", "reading", "scan of memory", "sweep", "events", "database"])
def test_python_goes_on_at_full_speed(name: str, files, some_events, tmp_path: Path) -> None:
    """A thread counting in a loop keeps 90 % of its speed; one quiet moment of the machine is enough to show it."""
    e5.set_num_threads(1)
    work = gil_work(name, files, some_events, tmp_path)
    work()
    ratios = kept_speed(work)
    assert max(ratios) >= 0.9, f"speed beside {name}: {ratios}"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two processors are needed to see it")
def test_the_measure_sees_who_holds_the_gil() -> None:
    assert max(kept_speed(lambda: sum(range(200_000)), attempts=1)) < 0.8


# --- ctrl-C ---

INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import era5fast as e5
from tests.test_native import days, endless, hours, noise, LATITUDE, LONGITUDE

CALLS = {
    "scan": lambda: e5.daily(endless(24 * 3650, 100, 100), "mean", time=hours(24 * 3650)),
    "sweep": lambda: e5.percentile_doy(endless(3650, 350, 350), 90, time=days(3650)),
    "files": lambda: e5.daily(sys.argv[2], "max", progress=False),
    "events": lambda: e5.find_events(big, 285.0, min_days=2, time=days(len(big)), **axes),
}
axes = {"latitude": LATITUDE, "longitude": LONGITUDE}
if sys.argv[1] == "events":
    big = np.tile(noise(1000, 41, 61), (30, 1, 1))
e5.set_num_threads(1)
small = noise(48, 3, 3)
expected = e5.daily(small, "max", time=hours(48))
sent = []

def interrupt():
    sent.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)

timer = threading.Timer(0.25, interrupt)
call = CALLS[sys.argv[1]]
timer.start()
try:
    call()
except KeyboardInterrupt:
    print(f"{time.monotonic() - sent[0]:.3f}")
else:
    sys.exit("the call ended before it could be interrupted")
assert np.array_equal(e5.daily(small, "max", time=hours(48)), expected), "the pool is not usable"
print("usable")
"""


def run_python(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), root]))
    env = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], env=env, capture_output=True, text=True, timeout=60
    )


@pytest.fixture(scope="module")
def sparse_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file of ten years whose chunks were never written."""
    import netCDF4

    path = tmp_path_factory.mktemp("sparse") / "t2m.nc"
    steps = 24 * 3650
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("valid_time", steps), ("latitude", 300), ("longitude", 300)):
            file.createDimension(name, size)
        stamps = file.createVariable("valid_time", "i4", ("valid_time",), zlib=True)
        stamps.units = "hours since 2001-01-01"
        stamps[:] = np.arange(steps)
        file.createVariable("latitude", "f8", ("latitude",))[:] = np.linspace(50, -50, 300)
        file.createVariable("longitude", "f8", ("longitude",))[:] = np.linspace(0, 300, 300)
        file.createVariable(
            "t2m", "f4", ("valid_time", "latitude", "longitude"), zlib=True, chunksizes=(24, 300, 300)
        )
    return path


@pytest.mark.parametrize("name", ["scan", "sweep", "events", "files"])
def test_interrupt_is_heard_within_a_second(name: str, sparse_file: Path) -> None:
    delays: list[float] = []
    while len(delays) < 3 and min(delays, default=9) >= 1:  # a loaded machine gets a second chance
        result = run_python(INTERRUPTED, name, str(sparse_file))
        assert result.returncode == 0, result.stderr
        delay, verdict = result.stdout.split()
        assert verdict == "usable"
        delays.append(float(delay))
    assert min(delays) < 1


def test_a_signal_handler_that_returns_does_not_stop_the_work() -> None:
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
    timer = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        while not seen:
            result = e5.daily(endless(24 * 365, 60, 60), "max", time=hours(24 * 365))
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert result.shape == (365, 60, 60)


# --- progress ---


class StopHere(Exception):
    pass


def native_calls(
    files: list[str], few_events: e5.EventCatalogue, folder: Path
) -> dict[str, Callable[[object], object]]:
    """Every call that takes a progress callback, as a function of the callback."""
    seconds = days(400).astype("datetime64[s]").astype("int64")
    hourly = hours(2400).astype("datetime64[s]").astype("int64")
    values, series = noise(400, 11, 13), endless(2400, 11, 13)
    limits = ((np.full((1, 11, 13), 288.0), np.zeros(400, "int32"), 1.0, 0.0), None, None, None)
    axes = (seconds, LATITUDE[:11], LONGITUDE[:13], calendar := "proleptic_gregorian")
    dataset, file = _core.open_dataset(files, None), _core.open_file(files[0])
    times = dataset.header()["seconds"]
    extreme, event, percentile = (
        ["max", 0],
        [2, 0, 0, 0, 0, 26, 0, 1, "sphere", True],
        [90, 5, None, 8, "wrap", "drop", 1, 0, -1e300],
    )
    daily = np.arange(len(times)) * 86400  # any values do, percentiles need a daily series
    little = 8 << 20  # bytes: less than the files hold, so that a scratch file is used
    store, spill = str(folder / "events.gpkg"), str(folder)
    return {
        "scan": lambda p: _core.scan("daily", [extreme], series, hourly, calendar, (0, 0), p),
        "scan of files": lambda p: _core.scan("daily", [extreme], dataset, times, calendar, (0, 0), p),
        "sweep": lambda p: _core.sweep(
            "percentile_doy", [percentile], [values], seconds, calendar, None, 1 << 30, spill, p
        ),
        "sweep of files": lambda p: _core.sweep(
            "percentile_doy", [percentile], [dataset], daily, calendar, None, little, spill, p
        ),
        "regional": lambda p: _core.regional(
            dataset, np.array([0, 2]), np.array([3, 5]), np.ones(2), np.zeros(1), [(0, 0.0, 0.0)], p
        ),
        "field": lambda p: _core.field("find_events", event, values, False, limits, *axes, 1 << 20, spill, p),
        "read dataset": lambda p: dataset.read([(0, 700), (0, 41), (0, 61)], progress=p),
        "read file": lambda p: file.read("t2m", progress=p),
        "read stored": lambda p: file.read("t2m", [(0, 25), np.arange(5), (0, 61)], stored=True, progress=p),
        "store": lambda p: _core.store_add(
            store, few_events.core, "k", "t2m", "K", "{}", "test", "", (), False, 5.0, p
        ),
    }


CALLS = [
    "scan",
    "scan of files",
    "sweep",
    "sweep of files",
    "regional",
    "field",
    "read dataset",
    "read file",
    "read stored",
    "store",
]


@pytest.mark.native
@pytest.mark.parametrize("name", CALLS)
def test_progress_is_reported(name: str, files, few_events, tmp_path: Path) -> None:
    seen = []
    native_calls(files, few_events, tmp_path)[name](lambda *state: seen.append(state))
    assert seen, "at least one report, at the end"
    for done, total, stage in seen:
        assert isinstance(done, int)
        assert isinstance(total, int)
        assert stage is None or isinstance(stage, str)
        assert total == 0 or 0 <= done <= total
    counts = [done for done, _, stage in seen if stage == seen[-1][2]]
    assert counts == sorted(counts)


@pytest.mark.native
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("error", [StopHere, KeyboardInterrupt, SystemExit])
def test_exception_in_the_callback_is_raised(name: str, error: type, files, few_events, tmp_path: Path) -> None:
    call = native_calls(files, few_events, tmp_path)[name]

    def stop(*state: object) -> None:
        raise error("here")

    with pytest.raises(error, match="here"):
        call(stop)
    assert call(None) is not None


@pytest.mark.native
def test_exception_in_the_callback_stops_the_work() -> None:
    e5.set_num_threads(2)
    began = time.monotonic()

    def stop(*state: object) -> None:
        raise StopHere

    with pytest.raises(StopHere):
        _core.sweep("percentile_doy", [[90, 5, None, 8, "wrap", "drop", 1, 0, -1e300]], [endless(7300, 100, 100)],
                    days(7300).astype("datetime64[s]").astype("int64"), "standard", None, 0, "", stop)  # fmt: skip
    assert time.monotonic() - began < 1 * slowness()


@pytest.mark.native
def test_callback_may_call_the_core() -> None:
    inner = []

    def again(*state: object) -> None:
        inner.append(e5.daily(noise(48, 2, 2), "max", time=hours(48)))

    _core.scan("daily", [["max", 0]], endless(24 * 400, 41, 61),
               hours(9600).astype("datetime64[s]").astype("int64"), "standard", (0, 0), again)  # fmt: skip
    assert all(np.array_equal(found, inner[0]) for found in inner)


def test_log_lines_reach_logging(files: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", logger="era5fast"):
        values = e5.read([files[0], files[0]], progress=False)
    assert len(values) == 31 * 24
    assert "744 time steps occur more than once, the first on 2001-01-01" in caplog.text


# --- threads ---


def answers(files: list[str]) -> dict[str, Callable[[], bytes]]:
    """Calls and what they give, as bytes."""
    hourly, daily = noise(480, 17, 23, seed=3), noise(800, 17, 23, seed=4)
    axes = {"time": days(800), "latitude": LATITUDE[:17], "longitude": LONGITUDE[:23]}
    dataset, file = _core.open_dataset(files, None), _core.open_file(files[1])

    def events() -> bytes:
        found = e5.find_events(daily, 287.0, min_days=2, **axes)
        return b"".join(column.tobytes() for column in found.core.table().values())

    def error() -> bytes:
        with pytest.raises(errors.CorruptDataError) as caught:
            _core.open_file(__file__)
        return pickle.dumps(caught.value)

    return {
        "daily": lambda: e5.daily(hourly, "mean", time=hours(480)).tobytes(),
        "percentile": lambda: e5.percentile_doy(daily, 75, time=days(800)).tobytes(),
        "events": events,
        "files": lambda: e5.daily(files, "min", progress=False).values.tobytes(),
        "one dataset": lambda: dataset.read([(100, 700), (0, 41), (0, 61)]).tobytes(),
        "one file": lambda: file.read("t2m").tobytes(),
        "error": error,
    }


@pytest.mark.native
@pytest.mark.parametrize("threads", [1, 3])
def test_calls_from_many_threads_give_right_answers(threads: int, files: list[str]) -> None:
    e5.set_num_threads(threads)
    calls = answers(files)
    expected = {name: call() for name, call in calls.items()}
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda name: (name, calls[name]()), list(calls) * 6))
    assert all(result == expected[name] for name, result in found)


@pytest.mark.native
def test_pool_may_change_its_size_while_it_works(files: list[str]) -> None:
    calls = answers(files)
    expected = calls["daily"]()
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(calls["daily"]) for _ in range(40)]
        for n in (1, 5, 2, 7, 3):
            e5.set_num_threads(n)
            assert calls["daily"]() == expected
        assert all(future.result() == expected for future in running)


@pytest.mark.native
def test_first_file_may_be_opened_in_another_thread(files: list[str]) -> None:
    """HDF5's state per thread: errors stay silent wherever they happen."""
    found = []
    thread = threading.Thread(target=lambda: found.append(answers(files)["error"]()))
    thread.start()
    thread.join()
    assert isinstance(pickle.loads(found[0]), errors.CorruptDataError)


# --- fork ---


def in_child(work: Callable[[], None]) -> int:
    """Exit code of a forked child that works; −14 when it hangs."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(15)
        code = 1
        with contextlib.suppress(BaseException):
            work()
            code = 0
        os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_forked_child_gets_right_answers_and_parent_goes_on(files: list[str]) -> None:
    e5.set_num_threads(3)
    calls = answers(files)
    expected = {name: call() for name, call in calls.items()}

    def check() -> None:
        for name, call in calls.items():
            assert call() == expected[name], name

    assert in_child(check) == 0
    assert in_child(lambda: os._exit(3)) == 3, "this look at the child can fail"
    check()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_in_the_middle_of_native_work(files: list[str]) -> None:
    e5.set_num_threads(2)
    calls = answers(files)
    expected = {name: call() for name, call in calls.items()}
    stopped = threading.Event()

    def busy() -> None:
        while not stopped.is_set():
            assert calls["files"]() == expected["files"]
            assert calls["percentile"]() == expected["percentile"]

    def check() -> None:
        for name in ("daily", "percentile", "files"):
            assert calls[name]() == expected[name], name

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(busy) for _ in range(2)]
        codes = [in_child(check) for _ in range(6)]
        stopped.set()
        assert [future.result() for future in running] == [None, None]
    assert codes == [0] * 6


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_child_leaves_the_unpacked_archives_of_its_parent(tmp_path: Path, files: list[str]) -> None:
    import zipfile

    archive = tmp_path / "answer.nc"
    with zipfile.ZipFile(archive, "w") as target:
        target.write(files[0], "t2m.nc")
    parent = e5.read(archive, progress=False)
    program = f"import era5fast as e5, os, sys; p = {str(archive)!r}; e5.read(p)\n"
    program += "child = os.fork()\nif child == 0: sys.exit(0)\nos.waitpid(child, 0); e5.read(p); print('there')\n"
    program += "import era5fast.archives as a; print(next(iter(a._members.values()))[0])"
    result = run_python(program)
    assert result.stdout.startswith("there"), result.stderr
    assert not os.path.exists(result.stdout.split()[1]), "and nothing is left at the end"
    assert np.array_equal(parent, e5.read(archive, progress=False))


# --- memory ---


def malloc_bytes() -> int:
    """Bytes that malloc has given out in all its arenas; 0 where the C library does not tell."""
    try:
        call = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return 0
    call.restype = type("mallinfo2", (ctypes.Structure,), {"_fields_": [(n, ctypes.c_size_t) for n in "abcdefghij"]})
    info = call()
    return info.h + info.e  # uordblks + hblkhd


def failing_calls(folder: Path, few_events: e5.EventCatalogue) -> dict[str, Callable[[], object]]:
    """Calls that fail in every corner of the binding."""
    text = folder / "text.nc"
    text.write_text("<html>")
    seconds = days(4).astype("datetime64[s]").astype("int64")
    values = noise(4, 3, 2)
    threshold, slot = np.zeros((1, 3, 2)), np.zeros(4, "int32")
    limits, astray = (((threshold, slots, 1.0, 0.0), None, None, None) for slots in (slot, slot + 9))
    axes, spill = (seconds, np.arange(3.0), np.arange(2.0)), str(folder)
    rest = (*axes, "standard", 1 << 20, spill, None)
    percentile, bad_period = (
        [90, 5, None, 8, "wrap", "drop", 1, 0, -1e300],
        [90, 5, ("x", "y"), 8, "wrap", "drop", 1, 0, -1e300],
    )
    event = [2, 0, 0, 0, 0, 26, 0, 1, "sphere", True]
    batch = ("k", "v", "K", "{}", "t")
    return {
        "open": lambda: _core.open_file(text),
        "open nothing": lambda: _core.open_file(folder / "none.nc"),
        "open number": lambda: _core.open_file(7),
        "dataset": lambda: _core.open_dataset([text, text], "t2m"),
        "dataset of nothing": lambda: _core.open_dataset([], None),
        "dataset of numbers": lambda: _core.open_dataset([str(text), 7], None),
        "kernel": lambda: _core.scan("nonesuch", [[]], values, seconds, "standard", (0, 0), None),
        "period": lambda: _core.sweep(
            "percentile_doy", [bad_period], [values], seconds, "standard", None, 1 << 30, spill, None
        ),
        "choice": lambda: _core.scan("daily", [["middle", 0]], values, seconds, "standard", (0, 0), None),
        "short": lambda: _core.scan("daily", [["max", 0]], values, seconds[:3], "standard", (0, 0), None),
        "budget": lambda: _core.sweep(
            "percentile_doy", [percentile], [values], seconds, "standard", None, "much", spill, None
        ),
        "calendar": lambda: _core.sweep(
            "percentile_doy", [percentile], [values], seconds, "mayan", None, 1 << 30, spill, None
        ),
        "regions": lambda: _core.regional(
            values, np.array([0, 2]), np.array([3]), np.ones(1), np.zeros(1), [(0, 0.0, 0.0)], None
        ),
        "cells of regions": lambda: _core.regional(
            values, np.array([0, 1]), np.array([99]), np.ones(1), np.zeros(1), [(0, 0.0, 0.0)], None
        ),
        "grid": lambda: _core.field(
            "find_events", event, values, False, limits, *axes[:2], [0, 0], "standard", 1 << 20, spill, None
        ),
        "slots": lambda: _core.field("find_events", event, values, False, astray, *rest),
        "params": lambda: _core.field("find_events", [2], values, False, limits, *rest),
        "shape": lambda: _core.field("find_events", event, values[0], False, limits, *rest),
        "store": lambda: _core.store_add(folder, few_events.core, *batch, "", (), False, 1.0, None),
        "store sources": lambda: _core.store_add("x", few_events.core, *batch, "", ((1,),), False, 1.0, None),
        "store no sources": lambda: _core.store_add("x", few_events.core, *batch, "", (7,), False, 1.0, None),
        "store nothing": lambda: _core.store_add("x", None, *batch, "", (), False, 1.0, None),
        "time": lambda: _core.decode_time([np.nan], "days since 1970-01-01", None),
        "units": lambda: _core.decode_time([1.0], "fortnights since 1970-01-01", None),
        "day numbers": lambda: _core.slots([1], "standard", 17),
        "threads": lambda: _core.set_num_threads(-1),
    }


LINGER = 1.2  # seconds: then threads that waited for more to do have ended, with what malloc kept for each


def growth(work: Callable[[], object], times: int, pause: float) -> tuple[float, float, float]:
    """Python blocks, malloc bytes and resident bytes that one call leaves behind, on average."""
    import psutil

    process = psutil.Process()

    def state() -> tuple[int, int, int]:
        gc.collect()
        time.sleep(pause)
        return sys.getallocatedblocks(), malloc_bytes(), process.memory_info().rss

    before = state()
    for _ in range(times):
        work()
    return tuple((b - a) / times for a, b in zip(before, state(), strict=True))  # type: ignore[return-value]


NOT_SANITIZED = pytest.mark.skipif(
    "san.so" in os.environ.get("LD_PRELOAD", ""),
    reason="sanitizers keep what is freed; they look for leaks themselves",
)


def check_growth(work: Callable[[], object], times: int, name: str) -> None:
    for _ in range(5):
        work()
    for n in (times, 2 * times, 4 * times, 8 * times):  # caches that fill are no leak: it must grow with every call
        blocks, malloced, resident = growth(work, n, 0 if n == times else LINGER)
        if blocks < 0.95 and malloced < 32 and resident < 65536:
            return
    pytest.fail(f"{name}: every call leaves {blocks} blocks, {malloced} bytes of malloc, {resident} bytes resident")


@NOT_SANITIZED
def test_calls_leave_no_memory_behind(files, few_events, tmp_path: Path) -> None:
    e5.set_num_threads(1)  # what workers keep in malloc's caches of their own is no leak, but looks like one
    native = native_calls(files, few_events, tmp_path)
    calls: dict[str, Callable[[], object]] = {name: functools.partial(call, None) for name, call in native.items()}
    calls["progress"] = lambda: native["sweep"](lambda *_: None)
    calls |= {name: call for name, call in answers(files).items() if name != "files"}  # xarray has caches of its own
    calls |= {
        "header": lambda: _core.open_file(files[0]).header(),
        "explain": lambda: e5.explain(files[0]),
        "tables": lambda: (few_events.core.table(), few_events.core.runs(), few_events.core.axes()),
        "outline": lambda: few_events.core.outline(0),
        "kernels": _core.kernels,
        "variables": _core.variables,
        "variable": lambda: (e5.variable("2t"), _core.variable("nonesuch")),
        "statuses": _core.statuses,
        "dates": lambda: _core.dates([1, 2], "noleap"),
        "part of a chunk": lambda: _core.open_dataset(files, None).read([(3, 2), (0, 41), (0, 61)]),
        "read": lambda: e5.read(files[0], time=slice("2001-01-02", "2001-01-03"), progress=False),
    }
    for name, call in calls.items():
        check_growth(call, 12, name)


@NOT_SANITIZED
def test_errors_leave_no_memory_behind(few_events, tmp_path: Path) -> None:
    def fail(call: Callable[[], object]) -> None:
        with contextlib.suppress(errors.Era5FastError, TypeError, ValueError, IndexError, SystemError):
            call()

    for name, call in failing_calls(tmp_path, few_events).items():
        check_growth(functools.partial(fail, call), 64, name)


@pytest.mark.native
def test_arguments_of_wrong_kinds_are_refused(few_events, tmp_path: Path) -> None:
    for name, call in failing_calls(tmp_path, few_events).items():
        with pytest.raises((errors.Era5FastError, TypeError, ValueError, IndexError)) as caught:
            call()
        assert str(caught.value), name


# --- errors ---


@pytest.mark.native
def test_native_errors_are_pickled_whole(tmp_path: Path) -> None:
    text = tmp_path / "page.nc"
    text.write_text("<html>Sign in</html>")
    for path, kind in ((text, errors.CorruptDataError), (tmp_path / "absent.nc", errors.MissingFileError)):
        with pytest.raises(kind) as caught:
            _core.open_file(path)
        twin = pickle.loads(pickle.dumps(caught.value))
        assert type(twin) is kind
        assert str(twin) == str(caught.value)
        assert vars(twin) == vars(caught.value)
        assert twin.target == str(path)
    assert (twin.errno, twin.filename) == (2, str(path))


# --- the size of the pool ---

REPORT = "import era5fast as e5; print(e5.get_num_threads())"


@pytest.mark.parametrize(("value", "threads"), [("3", "3"), ("1", "1"), ("0", None), ("", None), ("many", None)])
def test_environment_sets_the_number_of_threads(value: str, threads: str | None) -> None:
    usual = run_python(REPORT, ERA5FAST_NUM_THREADS="0").stdout
    assert int(usual) >= 1
    assert run_python(REPORT, ERA5FAST_NUM_THREADS=value).stdout.strip() == (threads or usual.strip())


@pytest.mark.native
def test_number_of_threads_can_be_set() -> None:
    usual = e5.get_num_threads()
    for n in (1, 2, 7):
        e5.set_num_threads(n)
        assert e5.get_num_threads() == n
        assert e5.daily(noise(48, 2, 2), "max", time=hours(48)).shape == (2, 2, 2)
    e5.set_num_threads(0)
    assert e5.get_num_threads() == usual
    for n in (-1, 1025, 10**9):
        with pytest.raises(errors.InputError, match=f"{n} threads, must be 0 to 1024"):
            e5.set_num_threads(n)
    with pytest.raises(errors.InputError, match="threads"):
        e5.set_num_threads("a")  # type: ignore[arg-type]
    with pytest.raises(errors.InputError, match="whole number to 1024"):
        e5.set_num_threads(1 << 70)


def test_threads_are_those_that_were_asked_for() -> None:
    import psutil

    before = psutil.Process().num_threads()
    e5.set_num_threads(4)
    e5.percentile_doy(noise(800, 20, 20), 90, time=days(800))
    assert psutil.Process().num_threads() <= before + 4
    e5.set_num_threads(1)
    e5.percentile_doy(noise(800, 2, 2), 90, time=days(800))
    assert psutil.Process().num_threads() <= before, "a smaller pool gives its threads back"

"""The client against the look-alike of the service: what it delivers, what it asks, what it leaves, how it stops."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import pickle
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import cdsapi
import ecmwf.datastores
import netCDF4
import numpy as np
import pytest

import era5fast as e5
from era5fast.errors import BatchError
from era5fast.testing import DEFAULT_KEY
from tests.client_kit import (
    DATASET,
    QUICK,
    REQUEST,
    Other,
    answer_months,
    grib,
    hidden,
    items,
    month,
    objects,
    plan,
    quick,
    received,
    state_of,
    wait_for,
)
from tests.look_alike import slowness

pytestmark = pytest.mark.native


@pytest.fixture
def target(tmp_path):
    return tmp_path / "t2m.nc"


def weather_of(cds, path):
    """Temperatures in a file, and what the weather generator says they are."""
    with netCDF4.Dataset(path) as file:
        hours = file["valid_time"][:].data // 3600
        axes = file["latitude"][:].data, file["longitude"][:].data
        values = file["t2m"][:].data
    return values, cds.weather.field("t2m", np.unique(hours // 24), np.unique(hours % 24), *axes)


# --- what is delivered ---


def test_one_file(cds, target):
    assert quick(cds).retrieve(DATASET, REQUEST, target) == str(target)
    values, truth = weather_of(cds, target)
    assert values.shape == (4, 5, 9)
    np.testing.assert_array_equal(values, truth)
    assert hidden(target.parent) == []
    assert (cds.count("execute"), cds.count("object")) == (1, 1)
    assert cds.jobs[0].inputs == REQUEST


def test_many_files_come_in_order_whatever_takes_long(cds, tmp_path):
    months = range(1, 7)
    answers = {number: grib(20_000, seed=number) for number in months}
    for number, answer in answers.items():
        cds.script(answer=answer, running=0.3 / number, match=lambda _, i, m=f"{number:02d}": i["month"] == [m])
    batch = items(months, tmp_path)
    assert quick(cds, max_jobs=6).retrieve(batch) == [target for *_, target in batch]
    assert [(tmp_path / f"{n:02d}.grib").read_bytes() for n in months] == list(answers.values())
    assert hidden(tmp_path) == []


def test_plan_makes_its_directory_and_is_cheap_the_second_time(cds, tmp_path):
    request = e5.Request(
        DATASET, variable="2t", start="2013-05-30", end="2013-06-02", area=[47, -1, 46, 1], hours=[0]
    )
    plan, folder = request.split(max_cost=2), tmp_path / "new" / "data"
    paths = quick(cds).fetch(plan, folder)
    assert paths == [str(folder / job.name) for job in plan]
    assert len(paths) == 2
    for path in paths:
        np.testing.assert_array_equal(*weather_of(cds, path))
    transfers = cds.count("object")
    assert quick(cds).fetch(request, folder) == quick(cds).fetch(plan, folder) == paths
    assert cds.count("object") == transfers


def test_starmap_is_one_batch_with_the_settings_of_the_environment(cds, tmp_path, monkeypatch):
    monkeypatch.setenv("CDSAPI_URL", cds.url)
    monkeypatch.setenv("CDSAPI_KEY", cds.key)
    answers = answer_months(cds, range(1, 5))
    calls = [(DATASET, month(n), tmp_path / f"{n}.grib") for n in answers]
    with e5.ThreadPool(3) as pool:
        threads = threading.active_count()
        seen = []
        told = lambda: seen.append(threading.active_count()) or "era5fast/test"  # noqa: E731
        monkeypatch.setattr("era5fast.connection._user_agent", told)
        paths = pool.starmap(e5.retrieve, calls)
        assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
    assert paths == [str(path) for *_, path in calls]
    assert [path.read_bytes() for *_, path in calls] == list(answers.values())
    assert len(seen) == 1  # one native call, and no thread per file
    assert seen[0] == threads


def test_equal_requests_in_a_batch_share_a_job(cds, tmp_path):
    cds.script(answer=grib(10_000), running=0.1)
    batch = [(DATASET, REQUEST, tmp_path / name) for name in ("a", "b", "c")]
    assert quick(cds, max_jobs=3).retrieve(batch) == [str(path) for *_, path in batch]
    assert len(cds.jobs) == 1
    assert {(tmp_path / name).read_bytes() for name in ("a", "b", "c")} == {grib(10_000)}


def test_official_clients_get_the_same_bytes(cds, tmp_path):
    ours, cds_api, datastores = (tmp_path / name for name in ("ours.nc", "cdsapi.nc", "datastores.nc"))
    quick(cds).retrieve(DATASET, REQUEST, ours)
    cdsapi.Client(url=cds.url, key=cds.key, quiet=True, progress=False).retrieve(DATASET, REQUEST, cds_api)
    client = ecmwf.datastores.Client(url=cds.url, key=cds.key, progress=False)
    client.retrieve(DATASET, REQUEST, str(datastores))
    assert ours.read_bytes() == cds_api.read_bytes() == datastores.read_bytes()
    np.testing.assert_array_equal(*weather_of(cds, ours))


# --- the target that is there already ---


def test_overwrite_false_refuses_before_it_asks(cds, target):
    target.write_bytes(b"old")
    with pytest.raises(e5.errors.ExistingFileError, match=r"t2m\.nc"):
        quick(cds).retrieve(DATASET, REQUEST, target, overwrite=False)
    assert target.read_bytes() == b"old"
    assert cds.requests == []
    assert hidden(target.parent) == []


def test_verify_keeps_what_the_service_would_send(cds, target):
    cds.script(answer=grib(50_000))
    target.write_bytes(grib(50_000))
    before = target.stat()
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert cds.count("object") == 0
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("old", [b"old", grib(50_000, seed=1)], ids=["size", "content"])
def test_verify_replaces_what_differs(cds, target, old):
    cds.script(answer=grib(50_000))
    target.write_bytes(old)
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert target.read_bytes() == grib(50_000)


def test_the_old_target_stays_until_the_new_one_is_whole(cds, target):
    cds.script(answer=grib(50_000))
    cds.fault("stall", route="object", after=25_000, seconds=0.3)
    target.write_bytes(b"old")
    with Other(cds, target, overwrite=True) as other:
        wait_for(lambda: received(target, grib(50_000)[:25_000]))
        assert target.read_bytes() == b"old"
        assert other.said() == "done"
    assert target.read_bytes() == grib(50_000)
    assert hidden(target.parent) == []


def test_overwrite_has_three_values(cds, target):
    with pytest.raises(e5.errors.InputError, match="overwrite"):
        quick(cds).retrieve(DATASET, REQUEST, target, overwrite="maybe")


# --- the same request twice at once ---


def test_two_threads_make_one_job_and_one_transfer(cds, target):
    cds.script(answer=grib(50_000), running=0.2)
    both = [threading.Thread(target=quick(cds).retrieve, args=(DATASET, REQUEST, target)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert target.read_bytes() == grib(50_000)
    assert (len(cds.jobs), cds.count("object")) == (1, 1)
    assert hidden(target.parent) == []


def test_two_processes_make_one_job_and_one_transfer(cds, target):
    cds.script(answer=grib(50_000), running=1.0)
    with Other(cds, target) as one, Other(cds, target) as two:
        assert (one.said(), two.said()) == ("done", "done")
    assert target.read_bytes() == grib(50_000)
    assert (len(cds.jobs), cds.count("object")) == (1, 1)
    assert hidden(target.parent) == []


def test_a_busy_target_is_an_error_after_patience(cds, target):
    cds.script(answer=grib(50_000), running=60)
    with Other(cds, target) as other:
        wait_for(lambda: cds.jobs)
        with pytest.raises(e5.errors.TargetBusyError, match=r"t2m\.nc"):
            quick(cds, patience=0.3).retrieve(DATASET, REQUEST, target)
        other.kill()
    assert len(cds.jobs) == 1


# --- how much is asked of the service ---


def test_no_more_jobs_are_queued_at_once_than_allowed(cds, tmp_path):
    answer_months(cds, range(1, 9), accepted=0.1)
    quick(cds, max_jobs=2).retrieve(items(range(1, 9), tmp_path))
    submitted = [job.born for job in cds.jobs]
    queued = [sum(job.exists(at) and job.snapshot(at).status == "accepted" for job in cds.jobs) for at in submitted]
    assert len(submitted) == 8
    assert max(queued) == 2


def test_many_jobs_are_polled_by_their_list(cds, tmp_path):
    answer_months(cds, range(1, 11), running=0.5)
    quick(cds, max_jobs=10).retrieve(items(range(1, 11), tmp_path))
    assert cds.count("execute") == 10
    assert cds.count("jobs") >= 3
    assert cds.count("job") + cds.count("results") < 10


# --- the token ---


def test_the_token_is_nowhere(cds, target, caplog):
    caplog.set_level(logging.DEBUG)
    cds.script(outcome="failed", traceback=f"The key {cds.key} is wrong", times=1)
    client = quick(cds)
    with pytest.raises(e5.errors.JobFailedError) as failed:
        client.retrieve(DATASET, REQUEST, target)
    cds.script(answer=grib(50_000))
    cds.fault("stall", route="object", after=25_000, seconds=60)
    with Other(cds, target) as other:
        wait_for(lambda: cds.count("object"))
        other.interrupt()
        assert other.said() == "interrupted"
    files = {path.name: path.read_bytes() for path in target.parent.iterdir()}
    assert ".t2m.nc.e5state" in files
    assert all(cds.key.encode() not in content for content in files.values())
    shown = [
        repr(client),
        str(client),
        repr(vars(client)),
        repr(vars(client._connection)),
        repr(client._connection.config),
        repr(failed.value),
        str(failed.value),
    ]
    shown += [failed.value.hint, caplog.text, repr(pickle.dumps(client)), repr(pickle.dumps(failed.value))]
    assert all(cds.key not in text for text in shown)
    assert "***" in str(failed.value)


def test_a_pickled_client_reads_the_token_where_it_wakes_up(cds, monkeypatch):
    sleeping = pickle.dumps(e5.Client(cds.url, cds.key, max_jobs=7))
    monkeypatch.setenv("CDSAPI_URL", cds.url)
    monkeypatch.setenv("CDSAPI_KEY", DEFAULT_KEY[::-1])
    client = pickle.loads(sleeping)
    assert (client.url, client.max_jobs, client._connection.config.key) == (cds.url, 7, DEFAULT_KEY[::-1])


def test_copies_keep_the_token(cds):
    client = e5.Client(cds.url, cds.key)
    for other in (copy.copy(client), copy.deepcopy(client)):
        assert other._connection.config.key == cds.key
        assert other.jobs() == []


# --- stopping and going on ---


def test_ctrl_c_gives_the_prompt_back_and_the_next_call_goes_on(cds, target):
    cds.script(answer=grib(300_000))
    cds.fault("stall", route="object", nth=1, after=200_000, seconds=60)
    with Other(cds, target) as other:
        wait_for(lambda: received(target, grib(300_000)[:200_000]))
        began = time.monotonic()
        other.interrupt()
        assert other.said() == "interrupted"
        assert time.monotonic() - began < 1.0 * slowness()
    state = state_of(target)
    assert (state["job"], state["written"]) == (cds.jobs[0].id, 200_000)
    assert not target.exists()
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert target.read_bytes() == grib(300_000)
    assert cds.count("execute") == 1
    assert [call.headers.get("range") for call in objects(cds)] == [None, "bytes=200000-"]
    assert hidden(target.parent) == []


@pytest.mark.parametrize("moment", ["submission", "queue", "transfer"])
def test_ctrl_c_at_any_moment(cds, target, moment):
    cds.script(answer=grib(50_000), running=60 if moment == "queue" else 0)
    if moment != "queue":
        cds.fault("stall", route="execute" if moment == "submission" else "object", nth=1, seconds=60)
    with Other(cds, target) as other:
        wait_for(lambda: objects(cds) if moment == "transfer" else cds.jobs)
        began = time.monotonic()
        other.interrupt()
        assert other.said() == "interrupted"
        assert time.monotonic() - began < 1.0 * slowness()
    assert hidden(target.parent) == [".t2m.nc.e5state"]
    assert cds.count("dismiss") == cds.count("delete") == 0
    cds.advance(60)
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert (len(cds.jobs), target.read_bytes()) == (1, grib(50_000))


@pytest.mark.parametrize("moment", ["submission", "queue", "transfer"])
def test_killed_at_any_moment(cds, target, moment):
    cds.script(answer=grib(50_000), running=60 if moment == "queue" else 0)
    if moment != "queue":
        cds.fault("stall", route="execute" if moment == "submission" else "object", nth=1, after=-1, seconds=60)
    with Other(cds, target) as other:
        wait_for(lambda: objects(cds) if moment == "transfer" else cds.jobs)
        other.kill()
    assert not target.exists()
    cds.advance(60)
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert target.read_bytes() == grib(50_000)
    assert (len(cds.jobs), cds.count("execute")) == (1, 1)
    assert hidden(target.parent) == []


def test_killed_after_a_mark_goes_on_at_the_mark(cds, target):
    size, most = 72 << 20, 66 << 20
    cds.script(answer=grib(size))
    cds.fault("stall", route="object", nth=1, after=most, seconds=60)
    with Other(cds, target) as other:
        wait_for(lambda: ".t2m.nc.e5state" in hidden(target.parent) and state_of(target)["durable"], seconds=20)
        other.kill()
    durable = state_of(target)["durable"]
    assert 64 << 20 <= durable <= most
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert hashlib.md5(target.read_bytes()).digest() == hashlib.md5(grib(size)).digest()
    first, second = [call.headers.get("range") for call in objects(cds)]
    assert first is None
    assert durable <= int(second.removeprefix("bytes=").removesuffix("-")) <= most  # what was written is there too
    assert cds.count("execute") == 1


STARMAP = f"""
import os, sys
import era5fast as e5
os.environ["CDSAPI_URL"], os.environ["CDSAPI_KEY"], target, _ = sys.argv[1:]
try:
    with e5.ThreadPool(2) as pool:
        pool.starmap(e5.retrieve, [({DATASET!r}, {REQUEST!r}, target)])
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.read()
"""


def test_ctrl_c_stops_a_starmap(cds, target):
    cds.script(answer=grib(50_000))
    cds.fault("stall", route="object", after=25_000, seconds=60)
    with Other(cds, target, program=STARMAP) as other:
        wait_for(lambda: received(target, grib(50_000)[:25_000]))
        began = time.monotonic()
        other.interrupt()
        assert other.said() == "interrupted"
        assert time.monotonic() - began < 1.0 * slowness()
        assert state_of(target)["written"] == 25_000
        assert hidden(target.parent) == [".t2m.nc.e5part", ".t2m.nc.e5state"]  # nobody holds the lock any more


def test_a_closed_pool_takes_no_batch():
    pool = e5.ThreadPool(1)
    pool.close()
    with pytest.raises(ValueError, match="not running"):
        pool.starmap(e5.retrieve, [])
    pool.join()


EXIT = f"""
import sys, threading
import era5fast as e5
url, key, target, _ = sys.argv[1:]
client = e5.Client(url, key, **{QUICK})
threading.Thread(target=client.retrieve, args=({DATASET!r}, {REQUEST!r}, target), daemon=True).start()
sys.stdin.readline()
sys.exit(7)
"""


def test_the_interpreter_may_end_meanwhile(cds, target):
    cds.script(answer=grib(50_000))
    cds.fault("stall", route="object", nth=1, after=25_000, seconds=60)
    with Other(cds, target, program=EXIT) as other:
        wait_for(lambda: received(target, grib(50_000)[:25_000]))
        print(file=other.process.stdin, flush=True)
        assert other.process.wait(timeout=2.0 * slowness()) == 7
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert (len(cds.jobs), target.read_bytes()) == (1, grib(50_000))


FORK = f"""
import os, sys
import era5fast as e5
url, key, target, _ = sys.argv[1:]
client = e5.Client(url, key, **{QUICK})
client.retrieve({DATASET!r}, {REQUEST!r}, target + ".before")
child = os.fork()
client.retrieve({DATASET!r}, {REQUEST!r}, target + (".parent" if child else ".child"))
if not child:
    os._exit(0)
print("done" if os.waitpid(child, 0)[1] == 0 else "child failed", flush=True)
"""


def test_a_forked_child_downloads_as_its_parent_does(cds, target):
    cds.script(answer=grib(50_000))
    with Other(cds, target, program=FORK) as other:
        assert other.said() == "done"
    assert sorted(path.name for path in target.parent.iterdir()) == ["t2m.nc.before", "t2m.nc.child", "t2m.nc.parent"]


class Hostile:
    """Takes the place of the progress bar and raises when it is called."""

    error: BaseException = ZeroDivisionError("in the display")

    def __init__(self, *_, **__):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __call__(self, done, total, stage, counts):
        if stage == "downloading" and done >= 25_000:
            raise self.error


@pytest.mark.parametrize("error", [ZeroDivisionError("in the display"), KeyboardInterrupt()], ids=["any", "ctrl-C"])
def test_an_exception_of_the_progress_bar_stops_and_is_raised(cds, target, monkeypatch, error):
    cds.script(answer=grib(50_000))
    cds.fault("stall", route="object", nth=1, after=25_000, seconds=60)
    monkeypatch.setattr(Hostile, "error", error)
    monkeypatch.setattr(e5.connection, "Downloads", Hostile)
    began = time.monotonic()
    with pytest.raises(type(error)) as raised:
        quick(cds).retrieve(DATASET, REQUEST, target)
    assert raised.value is error
    assert time.monotonic() - began < 2.0 * slowness()
    assert state_of(target)["written"] == 25_000
    monkeypatch.undo()
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert (len(cds.jobs), target.read_bytes()) == (1, grib(50_000))


def test_what_is_left_of_another_request_is_not_used(cds, target):
    answer_months(cds, range(1, 3), size=50_000)
    cds.fault("token_rejected", route="api", nth=range(2, 99))  # the submission is taken
    with pytest.raises(e5.errors.AuthError):
        quick(cds).retrieve(DATASET, month(1), target)
    assert state_of(target)["job"] == cds.jobs[0].id
    cds.clear_faults()
    quick(cds).retrieve(DATASET, month(2), target)
    assert target.read_bytes() == grib(50_000, seed=2)


@pytest.mark.parametrize("state", [b"", b"{", b"[" * 50_000, b'{"era5fast": 99}', b"\0" * 100], ids=str)
def test_a_damaged_state_file_is_not_trusted(cds, target, state):
    cds.script(answer=grib(50_000))
    (target.parent / ".t2m.nc.e5state").write_bytes(state[:20_000])
    (target.parent / ".t2m.nc.e5part").write_bytes(b"rubbish")
    quick(cds).retrieve(DATASET, REQUEST, target)
    assert target.read_bytes() == grib(50_000)
    assert hidden(target.parent) == []


# --- batches ---


def test_a_batch_lists_what_failed_and_keeps_the_rest(cds, tmp_path):
    cds.script(outcome="failed", match=lambda _, i: i["month"] in (["02"], ["05"]), traceback="no such month")
    answers = answer_months(cds, range(1, 7))
    batch = items(range(1, 7), tmp_path)
    with pytest.raises(BatchError, match="2 of 6 files failed") as failed:
        quick(cds).fetch(plan(range(1, 7)), tmp_path)
    assert list(failed.value.failures) == [batch[1][2], batch[4][2]]
    assert all(isinstance(error, e5.errors.JobFailedError) for error in failed.value.failures.values())
    assert failed.value.paths == [batch[i][2] for i in (0, 2, 3, 5)]
    assert [(tmp_path / f"{n:02d}.grib").read_bytes() for n in (1, 3, 4, 6)] == [answers[n] for n in (1, 3, 4, 6)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01.grib", "03.grib", "04.grib", "06.grib"]
    again = pickle.loads(pickle.dumps(failed.value))
    assert (list(again.failures), again.paths, str(again)) == (list(failed.value.failures), failed.value.paths,
                                                               str(failed.value))  # fmt: skip


def test_an_empty_batch_is_no_work(cds):
    assert quick(cds).retrieve([]) == []


# --- other Python threads ---

SLOW_SERVICE = """
import json, sys
from era5fast.testing import Service
with Service() as cds:
    cds.script(answer=b"GRIB" + bytes(2 << 20) + b"7777")
    cds.fault("stall", route="object", after=1 << 20, seconds=0.15)
    print(json.dumps([cds.url, cds.key]), flush=True)
    sys.stdin.read()
    sys.exit(bool(cds.leaks))
"""


def waited_for_a_processor():
    """Seconds this thread was ready to run while others had the processors; zero where the system does not tell."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def counting_speed(seconds):
    """Rounds of a Python loop per second, not counting what a busy machine takes; waiting for the GIL does count."""
    rounds, began, lost = 0, time.perf_counter(), waited_for_a_processor()
    while time.perf_counter() < began + seconds:
        rounds += 1
    return rounds / (time.perf_counter() - began - (waited_for_a_processor() - lost))


def test_python_goes_on_beside_a_download(tmp_path):
    service = subprocess.Popen([sys.executable, "-c", SLOW_SERVICE], text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)  # fmt: skip
    client = e5.Client(*json.loads(service.stdout.readline()), max_jobs=12, max_transfers=2, **QUICK)
    ratios = []
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        alone = statistics.median(counting_speed(0.1) for _ in range(3))
        work = threading.Thread(target=client.retrieve, args=(items(range(1, 13), folder),))
        work.start()
        wait_for(lambda folder=folder: list(folder.glob(".*.e5part")))
        beside = []
        while work.is_alive() and len(beside) < 5:
            beside.append(counting_speed(0.1))
        work.join()
        assert len(list(folder.iterdir())) == 12
        ratios.append(statistics.median(beside) / alone)
        if ratios[-1] >= 0.9:
            break
    service.communicate("")
    assert service.returncode == 0
    assert max(ratios) >= 0.9, ratios

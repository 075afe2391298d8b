"""Pools and the executor: what is promised, and every way in which others hang."""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import itertools
import multiprocessing
import multiprocessing.pool
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref
from concurrent import futures
from pathlib import Path

import dask
import dask.array
import numpy as np
import pytest
from conftest import ROOT

from era5fast import pool as pools
from era5fast.pool import Executor, Pool, PoolError, ThreadPool
from tests.look_alike import slowness

pytestmark = pytest.mark.usefixtures("nothing_hangs")

SOON = 20  # seconds: whoever waits longer hangs


@pytest.fixture(params=[ThreadPool, Pool])
def pool(request):
    with request.param(2) as made:
        yield made


# --- functions for workers, which processes look for by name


def square(x):
    return x * x


def fail(x):
    raise ValueError(x)


def fail_at_three(x):
    if x == 3:
        raise KeyError(x)
    return x


def leave(x):
    raise SystemExit(x)


def interrupt():
    raise KeyboardInterrupt


def end_early(x):
    if x == 2:
        raise StopIteration
    return x


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def bad_start():
    raise RuntimeError("no start")


def bad_callback(value):
    raise LookupError(f"callback of {value!r}")


def slow(x):
    time.sleep(0.2)
    return x


# --- CPython's own tests


def _pythons():
    """Every CPython from 3.11 on that is found here."""
    found = [Path(sys.executable)]
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        found += [Path(path) for path in [shutil.which(name)] if path]
    found += sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python"))
    versions = {}
    for path in found:
        text = subprocess.run([path, "-c", "import sys; print(sys.version)"], capture_output=True, text=True).stdout
        versions.setdefault(text, path)
    return [versions[text] for text in versions if text]


@pytest.mark.parametrize("kind", ["threads", "processes", "executor"])
@pytest.mark.parametrize("python", _pythons(), ids=str)
def test_cpythons_own_tests_pass(tmp_path, python, kind):
    faulthandler.cancel_dump_traceback_later()
    shutil.copytree(ROOT / "era5fast" / "pool", tmp_path / "era5fast" / "pool")  # needs nothing of the package
    (tmp_path / "era5fast" / "__init__.py").touch()
    rounds = os.environ.get("E5_POOL_ROUNDS", "1")
    script = ROOT / "tests" / "cpython_pool_tests.py"
    done = subprocess.run([python, script, tmp_path, kind, rounds], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(f"{python} comes without its tests")
    assert done.returncode == 0, done.stderr


# --- what is promised


def test_results_come_in_order(pool):
    assert pool.map(square, range(100)) == [x * x for x in range(100)]
    assert pool.map(square, {3: 1, 4: 2}, 1) == [9, 16]
    assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
    assert list(pool.imap(square, range(1000), 7)) == [x * x for x in range(1000)]
    assert sorted(pool.imap_unordered(square, iter(range(100)))) == [x * x for x in range(100)]
    assert pool.apply(divmod, (7, 2)) == (3, 1)
    assert pool.map_async(square, []).get() == []


@pytest.mark.parametrize("kind", [ThreadPool, Pool])
def test_a_callback_may_end_the_pool(kind):
    with kind(2) as pool:
        results = [pool.apply_async(square, (3,), callback=lambda value: pool.terminate())]
        pool.close()
        pool.join()
    assert results[0].get(5) == 9


def test_tasks_of_an_executor_may_wait_for_others_of_it():
    with Executor(1) as executor:

        def deep(n):
            return executor.submit(deep, n - 1).result() + 1 if n else 0

        assert executor.submit(deep, 30).result(20) == 30
    with Executor(2) as executor:
        assert list(executor.map(lambda n: sum(executor.map(abs, range(n))), range(20))) == [
            n * (n - 1) // 2 for n in range(20)
        ]


def test_an_executor_reads_no_more_than_its_buffer_of_an_endless_input():
    taken = []
    with Executor(2) as executor:
        results = executor.map(square, (taken.append(i) or i for i in itertools.count()), buffersize=4)
        assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
        assert len(taken) == 9
        results.close()
        assert list(executor.map(pow, range(3), [2, 2], buffersize=1)) == [0, 1]
        with pytest.raises(ValueError, match="> 0"):
            executor.map(square, [1], buffersize=0)
        with pytest.raises(TypeError, match="integer"):
            executor.map(square, [1], buffersize="two")
        with pytest.raises(ZeroDivisionError):
            list(executor.map(lambda x: 1 / x, [1, 0, 1], buffersize=2))


def test_an_error_callback_that_fails_keeps_the_error_of_the_call():
    with ThreadPool(1) as pool:
        result = pool.apply_async(divmod, (1, 0), error_callback=bad_callback)
        with pytest.raises(LookupError) as told:
            result.get()
    assert isinstance(told.value.__context__, ZeroDivisionError)


def test_an_initializer_fails_in_an_executor_that_nobody_holds():
    with pytest.raises(futures.thread.BrokenThreadPool):
        Executor(1, initializer=bad_start).submit(square, 1).result(20)


def test_kinds_are_those_that_others_ask_for():
    with ThreadPool(3) as pool:
        assert isinstance(pool, multiprocessing.pool.Pool)
        assert isinstance(pool, multiprocessing.pool.ThreadPool)
        assert len(pool._pool) == pool._processes == 3
        assert bool(pool)
        assert repr(pool) == "<era5fast.pool.threads.ThreadPool state=RUN pool_size=3>"
        with pytest.raises(NotImplementedError):
            pool.__reduce__()
    assert issubclass(pools.TimeoutError, multiprocessing.TimeoutError)
    assert issubclass(pools.TimeoutError, TimeoutError)
    assert issubclass(Executor, futures.ThreadPoolExecutor)


@pytest.mark.parametrize("kind", [ThreadPool, Pool])
def test_wrong_arguments(kind):
    for workers, error in ((0, ValueError), (-1, ValueError), ("two", TypeError), (1.5, TypeError)):
        with pytest.raises(error):
            kind(workers)
    with pytest.raises(TypeError, match="callable"):
        kind(1, 5)
    with kind(1) as pool:
        for call in (pool.map, pool.starmap, pool.imap, pool.imap_unordered):
            with pytest.raises(ValueError, match="Chunksize must be 1"):
                call(square, [1], chunksize=0)
        with pytest.raises(ValueError, match="buffersize must be 1"):
            pool.imap(square, [1], buffersize=0)
        with pytest.raises(ValueError, match="still running"):
            pool.join()
    with pytest.raises(ValueError, match="not running"):
        pool.map(square, [1])


def test_a_result_that_is_late(pool):
    result = pool.apply_async(slow, (5,))
    with pytest.raises(pools.TimeoutError):
        result.get(timeout=0)
    with pytest.raises(ValueError, match="not ready"):
        result.successful()
    assert result.get(timeout=SOON) == 5
    assert result.ready()
    assert result.successful()
    iterator = pool.imap(slow, [1])
    with pytest.raises(pools.TimeoutError):
        iterator.next(timeout=0.01)
    assert iterator.next(timeout=SOON) == 1
    with pytest.raises(StopIteration):
        iterator.next()


def test_map_waits_for_all_and_raises_the_first_error(pool):
    seen = []
    result = pool.map_async(fail_at_three, range(6), 2, error_callback=seen.append)
    with pytest.raises(KeyError):
        result.get(SOON)
    assert [type(error) for error in seen] == [KeyError]
    assert result.successful() is False


def test_an_iterator_goes_on_after_a_failure(pool):
    iterator = pool.imap(fail_at_three, range(5))
    got = []
    for _ in range(5):
        try:
            got.append(next(iterator))
        except KeyError:
            got.append("failed")
    assert got == [0, 1, 2, "failed", 4]


def test_an_iterator_over_chunks_may_be_left_and_taken_up(pool):
    iterator = pool.imap(square, range(100), 7)
    assert list(itertools.islice(iterator, 10)) == [x * x for x in range(10)]
    assert next(iterator) == 100
    assert list(iterator) == [x * x for x in range(11, 100)]
    assert list(iterator) == []
    iterator = pool.imap([2, 3].__getitem__, range(4), 3)
    with pytest.raises(IndexError):
        list(iterator)
    with pytest.raises(IndexError):
        list(iterator)
    assert list(iterator) == []


def test_callbacks_come_before_the_result():
    order = []
    with ThreadPool(2) as pool:
        result = pool.apply_async(square, (3,), callback=lambda value: (time.sleep(0.1), order.append(value)))
        result.wait()
        order.append("ready")
        assert order == [9, "ready"]
        assert pool.map_async(square, [], callback=order.append).get() == []
        inner = pool.apply_async(square, (2,), callback=lambda _: order.append(pool.apply_async(square, (5,))))
        inner.wait()
        assert order[-1].get(SOON) == 25


def test_nothing_is_kept_that_was_delivered():
    class Thing:
        pass

    with ThreadPool(2) as pool:
        things = [Thing() for _ in range(5)]
        references = [weakref.ref(thing) for thing in things]
        pool.map(id, things)
        list(pool.imap(id, things))
        pool.apply(id, (things[0],))
        del things
        gc.collect()
        time.sleep(0.05)
        assert [reference() for reference in references] == [None] * 5


def test_pending_results_keep_the_pool_and_nothing_else_does():
    pool = ThreadPool(1)
    result = pool.apply_async(slow, (1,))
    reference = weakref.ref(pool)
    workers = list(pool._pool)
    with pytest.warns(ResourceWarning, match="unclosed running multiprocessing pool"):  # noqa: PT031
        del pool
        assert reference() is not None
        assert result.get(SOON) == 1
        gc.collect()
    gc.collect()  # the warning had the pool as its source
    workers[0].join(SOON)
    assert reference() is None
    assert workers[0].exitcode == 0


# --- where others hang


def test_an_error_in_a_callback_reaches_the_caller(pool):
    for call in (
        pool.apply_async(square, (2,), callback=bad_callback),
        pool.map_async(square, [2], callback=bad_callback),
    ):
        with pytest.raises(LookupError, match="callback of"):
            call.get(SOON)
    with pytest.raises(LookupError, match="callback of"):
        pool.apply_async(fail, (2,), error_callback=bad_callback).get(SOON)
    assert pool.apply(square, (4,)) == 16


def test_system_exit_in_a_task_is_an_outcome(pool):
    with pytest.raises(SystemExit):
        pool.apply_async(leave, (3,)).get(SOON)
    with pytest.raises(KeyboardInterrupt):
        pool.apply_async(interrupt).get(SOON)
    with pytest.raises(SystemExit):
        pool.map_async(leave, [1, 2]).get(SOON)
    assert pool.apply(square, (4,)) == 16


def test_stop_iteration_in_a_task_is_an_error(pool):
    with pytest.raises(StopIteration):
        pool.map_async(end_early, range(5), 5).get(SOON)
    with pytest.raises(StopIteration, match=r"\(2,\)"):
        pool.starmap_async(end_early, [(x,) for x in range(5)], 5).get(SOON)
    for size in (1, 5):
        results = pool.imap(end_early, range(5), size)
        assert [results.next(SOON), results.next(SOON)] == [0, 1]
        with pytest.raises(RuntimeError, match="StopIteration"):
            results.next(SOON)


@pytest.mark.parametrize("kind", [ThreadPool, Pool])
def test_an_initialiser_that_fails_breaks_the_pool(kind):
    pool = kind(2, bad_start)
    for _ in range(2):
        with pytest.raises(PoolError, match="initializer raised"):
            pool.apply_async(square, (2,)).get(SOON)
    with pytest.raises(PoolError, match="initializer raised"):
        pool.map(square, [1])
    pool.terminate()
    pool.join()


def test_a_worker_that_dies_breaks_the_pool():
    with Pool(2) as pool:
        results = [pool.apply_async(die), pool.map_async(slow, range(8), 1)]
        for result in results:
            with pytest.raises(PoolError, match="a worker of the pool died"):
                result.get(SOON)
        with pytest.raises(PoolError, match="a worker of the pool died"):
            list(pool.imap(square, range(3)))


def test_a_worker_that_leaves_without_a_word_breaks_the_pool():
    with Pool(2) as pool:
        for call in (pool.apply_async(os._exit, (0,)), pool.map_async(slow, range(8), 1)):
            with pytest.raises(PoolError, match="a worker of the pool died"):
                call.get(SOON)


def test_a_call_that_a_worker_takes_while_it_is_given_up():
    class Taken(list):
        def pop(self):
            super().pop()
            raise IndexError

    with ThreadPool(1) as made:
        result = made.apply_async(square, (3,))
        result.wait()
        result._call = Taken([(square, (3,), {})])
        result.drop(ValueError())
        assert result.get() == 9


def test_results_after_terminate(pool):
    done = pool.apply_async(square, (3,))
    done.wait(SOON)
    never = [pool.apply_async(slow, (i,)) for i in range(50)]
    iterator = pool.imap(slow, range(50))
    pool.terminate()
    assert done.get() == 9
    with pytest.raises(PoolError, match="terminated"):
        never[-1].get(SOON)
    with pytest.raises(PoolError, match="terminated"):
        list(iterator)
    pool.join()


@pytest.mark.parametrize("name", ["join", "terminate"])
def test_a_worker_does_not_wait_for_itself(name):
    pool = ThreadPool(1)
    asked = pool.apply_async(lambda: (pool.close(), getattr(pool, name)()))
    with pytest.raises(RuntimeError, match="in a worker of the pool"):
        asked.get(SOON)
    pool.join()


def test_tasks_may_wait_for_tasks_of_their_own_pool():
    with ThreadPool(1) as pool:

        def nested(depth):
            return 0 if depth == 0 else 1 + pool.apply(nested, (depth - 1,))

        assert pool.apply_async(nested, (20,)).get(SOON) == 20
        assert pool.apply_async(lambda: sum(pool.map(square, range(10), 1))).get(SOON) == 285
        assert pool.apply_async(lambda: sum(pool.imap(square, iter(range(10))))).get(SOON) == 285
        chained = pool.imap(square, pool.imap(square, range(10)))
        assert list(chained) == [x**4 for x in range(10)]


def test_endless_input_is_read_as_results_are_taken(pool):
    taken = itertools.count()
    iterator = pool.imap(square, taken, buffersize=10)
    assert [next(iterator) for _ in range(25)] == [x * x for x in range(25)]
    time.sleep(0.1)
    assert next(taken) <= 25 + 12


def test_what_is_open_is_finished_when_the_pool_is_closed(pool):
    iterators = [
        pool.imap(square, range(100), buffersize=3),
        pool.imap_unordered(square, iter(range(50)), buffersize=1),
    ]
    next(iterators[0])
    pool.close()
    pool.join()
    assert list(iterators[0]) == [x * x for x in range(1, 100)]
    assert sorted(iterators[1]) == [x * x for x in range(50)]


def test_a_pool_in_a_forked_child():
    with ThreadPool(1) as threads, Executor(1) as executor, Pool(1) as processes:
        pending = threads.apply_async(time.sleep, (0.5,))
        executor.submit(square, 1).result()
        pid = os.fork()
        if pid == 0:
            status = 0
            for call in (lambda: threads.apply(square, (1,)), pending.get, lambda: processes.map(square, [1]),
                         lambda: executor.submit(square, 1)):  # fmt: skip
                try:
                    call()
                    status = 1
                except PoolError:
                    pass
            with ThreadPool(1) as own:
                status |= own.apply(square, (3,)) != 9
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("kind", ["ThreadPool", "Pool", "Executor"])
def test_a_script_that_never_closes_its_pool_ends(tmp_path, kind):
    script = tmp_path / "script.py"
    call = "submit(abs, -5).result()" if kind == "Executor" else "apply(abs, (-5,))"
    script.write_text(f"from era5fast.pool import {kind}\nif __name__ == '__main__':\n    print({kind}(2).{call})\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=SOON, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, "5"), done.stderr


@pytest.mark.parametrize("kind", [ThreadPool, Pool])
def test_ctrl_c_ends_a_wait_at_once(kind):
    with kind(1) as pool:
        result = pool.apply_async(time.sleep, (2,))
        asked = []

        def interrupt():
            asked.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Timer(0.3, interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            result.get()
        assert time.monotonic() - asked[0] < 0.2 * slowness()


# --- the executor, and others who use pools


def test_futures_are_those_that_everybody_knows():
    with Executor(2) as executor:
        asked = [executor.submit(square, i) for i in range(10)]
        done, rest = futures.wait(asked, timeout=SOON)
        assert (len(done), len(rest)) == (10, 0)
        assert sorted(future.result() for future in futures.as_completed(asked)) == [x * x for x in range(10)]
        late = executor.submit(time.sleep, 0.3)
        with pytest.raises(TimeoutError):
            late.result(timeout=0.01)
        waiting = [executor.submit(slow, i) for i in range(6)]
        assert waiting[-1].cancel()
        with pytest.raises(futures.CancelledError):
            waiting[-1].result()
        seen = []
        waiting[0].add_done_callback(seen.append)
        assert waiting[0].result(SOON) == 0
        assert executor.submit(fail, 3).exception(SOON).args == (3,)
        assert list(executor.map(pow, [2, 3], [3, 2])) == [8, 9]
    assert seen == [waiting[0]]
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(square, 1)


def test_those_who_wait_for_a_future_are_woken_by_every_end_of_it():
    """Whoever waits sleeps at a lock; others may make its condition variable meanwhile, cancel it or break all."""

    def results_of(future, waiters):
        with futures.ThreadPoolExecutor(waiters) as others:
            asked = [others.submit(future.exception if i % 2 else future.result, SOON) for i in range(waiters)]
            time.sleep(0.05)
            yield
            yield [other.exception() or other.result() for other in asked]

    with Executor(1) as executor:
        go = threading.Event()
        first = executor.submit(go.wait, SOON)
        for end, expected in (("result", 9), ("cancel", futures.CancelledError), ("failure", ZeroDivisionError)):
            future = executor.submit(divmod, 1, 0) if end == "failure" else executor.submit(square, 3)
            waiting = results_of(future, 4)
            next(waiting)
            if end == "cancel":
                assert future.cancel()
            go.set()
            came = next(waiting)
            if end == "result":
                assert came == [expected, None] * 2
            else:
                assert [type(error) for error in came] == [expected] * 4
            go.clear()
            first = executor.submit(go.wait, SOON)
        go.set()
        assert first.result(SOON)
    gate = threading.Event()

    def begin_badly():
        gate.wait(SOON)
        raise RuntimeError("no start")

    with Executor(1, initializer=begin_badly) as executor:
        future = executor.submit(square, 3)
        waiting = results_of(future, 2)
        next(waiting)
        gate.set()
        assert [type(error) for error in next(waiting)] == [futures.thread.BrokenThreadPool] * 2


def test_an_idle_thread_is_used_before_a_new_one_starts():
    with Executor(8) as executor:
        for i in range(300):
            assert executor.submit(square, i).result(SOON) == i * i
        assert len(executor._threads) == 1


def test_asyncio_takes_the_executor():
    async def ask(executor):
        loop = asyncio.get_running_loop()
        loop.set_default_executor(executor)
        return await asyncio.gather(*(loop.run_in_executor(None, square, i) for i in range(5)))

    with Executor(2) as executor:
        assert asyncio.run(ask(executor)) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("make", [lambda: ThreadPool(3), lambda: Executor(3)], ids=["ThreadPool", "Executor"])
def test_dask_computes_in_it(make):
    x = dask.array.random.default_rng(0).random((60, 60), chunks=(10, 10))
    with make() as workers, dask.config.set(pool=workers, scheduler="threads"):
        assert np.isclose(float((x + x.T).sum().compute()), 2 * float(x.sum().compute()))


def test_dasks_own_tests_of_threads_pass():
    script = """
import concurrent.futures, multiprocessing.pool, sys
from era5fast.pool import Executor, ThreadPool
multiprocessing.pool.ThreadPool, concurrent.futures.ThreadPoolExecutor = ThreadPool, Executor
import dask.threaded, pytest
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--pyargs", "dask.tests.test_threaded"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT / "tests")
    assert done.returncode == 0, done.stdout


def test_joblib_has_a_backend_of_ours(monkeypatch):
    import joblib

    from era5fast.pool import joblib as backend

    made = []
    real = backend.ThreadPool
    monkeypatch.setattr(backend, "ThreadPool", lambda jobs: made.append(jobs) or real(jobs))
    with joblib.parallel_config("era5fast", n_jobs=2):
        assert joblib.Parallel()(joblib.delayed(square)(x) for x in range(200)) == [x * x for x in range(200)]
        with pytest.raises(ValueError, match=r"1|2"):
            joblib.Parallel()(joblib.delayed(fail)(x) for x in (1, 2))
        unordered = joblib.Parallel(return_as="generator_unordered")(joblib.delayed(square)(x) for x in range(9))
        assert sorted(unordered) == [x * x for x in range(9)]
    assert made == [2] * 3


def test_tqdm_maps_as_its_own_helper_does():
    """``tqdm.contrib.concurrent`` with our executor in place of that of the standard library."""
    tqdm = pytest.importorskip("tqdm.contrib.concurrent")
    mapped = tqdm._executor_map(Executor, square, range(50), max_workers=2, disable=True)
    assert list(mapped) == [x * x for x in range(50)]
    with ThreadPool(2) as pool:
        assert list(tqdm.tqdm_auto(pool.imap(square, range(9)), total=9, disable=True)) == [x * x for x in range(9)]


def test_scipy_maps_with_it():
    from scipy.optimize import differential_evolution

    with ThreadPool(2) as pool:
        found = differential_evolution(lambda p: float((p**2).sum()), [(-3, 3)] * 2, workers=pool.map,
                                       updating="deferred", maxiter=5, rng=1)  # fmt: skip
    assert found.fun < 0.1


def test_the_names_of_multiprocessing():
    from era5fast.pool import dummy

    with dummy.Pool(2) as pool:
        assert isinstance(pool, ThreadPool)
        assert pool.map(square, [2]) == [4]
    queue = dummy.Queue()
    worker = dummy.Process(target=queue.put, args=(3,))
    worker.start()
    worker.join()
    assert (queue.get(), worker.exitcode) == (3, 0)
    assert pools.cpu_count() >= 1

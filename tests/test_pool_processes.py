"""Pools of processes: the memory through which they speak, and processes that do what they should not."""

from __future__ import annotations

import gc
import inspect
import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT

from era5fast.pool import Pool, PoolError, process_crew
from era5fast.pool.channel import Channel, Gone

pytestmark = pytest.mark.usefixtures("nothing_hangs")

SOON = 20  # seconds: whoever waits longer hangs


# --- functions for processes, which look for them by name


def square(x):
    return x * x


def give_back(x):
    return x


def wait_for(seconds):
    time.sleep(seconds)
    return os.getpid()


def interrupt_yourself(x):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(SOON)


def be_deaf(path):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(path, "w").close()
    time.sleep(SOON)


def close_everything(x):
    os.closerange(3, 256)


def fail(*args):
    raise LookupError("no")


class NoArrival:
    """Packs well, and cannot be unpacked."""

    def __reduce__(self):
        return fail, ()


def make_one(x):
    return NoArrival()


class Counter:
    def __init__(self):
        self.count = 0

    def add(self, other):
        """Whether function and argument are the same object, as they were."""
        return other is self


def put_many(channel, name, sizes):
    channel.only_put()
    for number, size in enumerate(sizes):
        channel.put([(name, number, 7, bytes([number % 256]) * size)])


# --- the channel


def sizes_of(name):
    rng = random.Random(name)
    return [rng.choice([0, 1, 7, 8, 40, 1000, 60_000, 1_048_512, 1_048_513, 1_500_000]) for _ in range(150)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_messages_of_any_size_come_once_and_in_order(method):
    context = multiprocessing.get_context(method)
    channel = Channel(context)
    writers = [context.Process(target=put_many, args=(channel, name, sizes_of(name))) for name in (1, 2)]
    for writer in writers:
        writer.start()
    expected = {name: [(i, size) for i, size in enumerate(sizes_of(name))] for name in (1, 2)}
    came = {1: [], 2: []}
    while sum(map(len, came.values())) < 300:
        for name, number, kind, body in channel.take(5):
            assert kind == 7
            assert bytes(body) == bytes([number % 256]) * len(body)
            came[name].append((number, len(body)))
    assert came == expected
    for writer in writers:
        writer.join(SOON)


def test_many_threads_on_both_sides():
    channel = Channel(multiprocessing.get_context())
    taken = []

    def take():
        try:
            while True:
                taken.extend(message[:2] for message in channel.take(3))
        except Gone:
            pass

    takers = [threading.Thread(target=take) for _ in range(4)]
    givers = [
        threading.Thread(target=lambda name=name: [channel.put([(name, i, 0, b"x" * 5000)]) for i in range(600)])
        for name in range(3)
    ]
    for thread in takers + givers:
        thread.start()
    for thread in givers:
        thread.join(SOON)
    channel.close()
    for thread in takers:
        thread.join(SOON)
    assert sorted(taken) == sorted(itertools.product(range(3), range(600)))


# --- calls


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_ways_to_start_processes(method):
    with Pool(2, context=multiprocessing.get_context(method)) as pool:
        assert pool.map(square, range(50), 3) == [x * x for x in range(50)]


def test_large_arguments_and_results_go_both_ways_at_once():
    blocks = [bytes([i]) * (3_000_000 + i) for i in range(6)]
    with Pool(2) as pool:
        small = pool.imap(square, range(5000))
        assert pool.map(give_back, blocks, 1) == blocks
        assert list(small) == [x * x for x in range(5000)]


def test_a_task_waits_for_no_other_task():
    with Pool(2) as pool:
        long = pool.apply_async(wait_for, (3.0,))
        short = [pool.apply_async(wait_for, (0.001,)) for _ in range(50)]
        assert {result.get(SOON) for result in short}
        assert not long.ready()


def test_what_function_and_argument_share_stays_one():
    counter = Counter()
    with Pool(1) as pool:
        assert pool.apply(counter.add, (counter,)) is True


def test_what_cannot_be_packed_or_unpacked_is_an_outcome():
    with Pool(1) as pool:
        for result in (pool.apply_async(square, (threading.Lock(),)), pool.map_async(square, [threading.Lock()])):
            with pytest.raises(TypeError, match="pickle"):
                result.get(SOON)
        with pytest.raises(Exception, match="pickle"):
            pool.apply_async(lambda: 1).get(SOON)
        for result in (pool.apply_async(square, (NoArrival(),)), pool.apply_async(make_one, (1,))):
            with pytest.raises(LookupError, match="no"):
                result.get(SOON)
        with pytest.raises(multiprocessing.pool.MaybeEncodingError):
            pool.apply_async(threading.Lock).get(SOON)
        assert pool.apply(square, (3,)) == 9


def test_a_callback_does_not_wait_for_its_own_pool():
    with Pool(1) as pool:
        result = pool.apply_async(square, (2,), callback=lambda _: pool.apply_async(wait_for, (0.1,)).get())
        with pytest.raises(RuntimeError, match="would wait for itself"):
            result.get(SOON)
        assert pool.apply(square, (3,)) == 9


def test_a_million_are_not_in_memory():
    given = itertools.count()
    items = (next(given) for _ in range(1_000_000))
    with Pool(2) as pool:
        iterator = pool.imap(square, items, chunksize=100, buffersize=1000)
        most = 0
        for taken, value in enumerate(itertools.islice(iterator, 100_000)):
            assert value == taken * taken
            if taken % 1000 == 0:
                most = max(most, int(repr(given)[6:-1]) - taken)
        assert most <= 1300


# --- processes that do what they should not


def test_an_idle_process_that_is_killed_breaks_the_pool():
    with Pool(2) as pool:
        pool.map(square, range(10))
        os.kill(pool._pool[0].pid, signal.SIGKILL)
        with pytest.raises(PoolError, match="exit code -9"):
            pool.map_async(wait_for, [0.01] * 500, 1).get(SOON)
        with pytest.raises(PoolError, match="exit code -9"):
            pool.imap(square, [1])


def hold_a_lock_and_die(name):
    """What a process is killed with that was about to take a task, or to give an answer."""
    channels = inspect.currentframe().f_back
    while channels.f_code.co_name != "work":
        channels = channels.f_back
    channels.f_locals[name]._lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("name", ["tasks", "answers"])
def test_a_process_that_is_killed_with_a_lock_breaks_the_pool(name):
    pool = Pool(2)
    calls = [pool.apply_async(hold_a_lock_and_die, (name,)), pool.map_async(wait_for, [0.01] * 500, 1)]
    iterator = pool.imap(square, range(100_000))
    for call in calls:
        with pytest.raises(PoolError, match="exit code -9"):
            call.get(SOON)
    with pytest.raises(PoolError, match="exit code -9"):
        list(iterator)
    pool.terminate()
    pool.join()


@pytest.mark.parametrize("name", ["tasks", "answers"])
def test_a_closed_pool_ends_when_a_process_is_killed_with_a_lock(name):
    pool = Pool(1)
    call = pool.apply_async(hold_a_lock_and_die, (name,))
    pool.close()
    pool.join()
    with pytest.raises(PoolError, match="exit code -9"):
        call.get(SOON)


def test_a_killed_process_leaves_large_messages_that_nobody_waits_for():
    for delay in (0, 0.01, 0.03, 0.06):
        with Pool(2) as pool:
            blocks = pool.map_async(give_back, [bytes(3_000_000)] * 20, 1)
            time.sleep(delay)
            os.kill(pool._pool[0].pid, signal.SIGKILL)
            with pytest.raises(PoolError, match="exit code -9"):
                blocks.get(SOON)


def test_a_task_that_closes_all_files_breaks_the_pool():
    with Pool(1) as pool, pytest.raises(PoolError, match="a worker of the pool died"):
        pool.map(close_everything, range(3))


def test_ctrl_c_in_a_process_ends_a_task_and_not_the_process():
    with Pool(1) as pool:
        (before,) = (worker.pid for worker in pool._pool)
        os.kill(before, signal.SIGINT)
        assert pool.apply(square, (3,)) == 9
        with pytest.raises(KeyboardInterrupt):
            pool.apply_async(interrupt_yourself, (0,)).get(SOON)
        assert pool.apply_async(os.getpid).get(SOON) == before


def test_a_process_that_does_not_want_to_end_is_killed(monkeypatch, tmp_path):
    monkeypatch.setattr(process_crew, "_PATIENCE", 0.2)
    with Pool(1) as pool:
        result = pool.apply_async(be_deaf, (str(tmp_path / "deaf"),))
        while not (tmp_path / "deaf").exists():
            time.sleep(0.01)
        begin = time.monotonic()
    assert time.monotonic() - begin < 5
    with pytest.raises(PoolError, match="terminated"):
        result.get(SOON)


def test_processes_end_with_their_parent(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nfrom era5fast.pool import Pool\n"
        "if __name__ == '__main__':\n    pool = Pool(2)\n    pool.map(abs, [1])\n"
        "    print(*[worker.pid for worker in pool._pool], flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        pids = [int(text) for text in parent.stdout.readline().split()]
        parent.kill()
    begin = time.monotonic()
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() - begin < SOON
        time.sleep(0.02)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_are_replaced_and_close_waits_for_all():
    pool = Pool(2, maxtasksperchild=3)
    results = [pool.apply_async(wait_for, (0.001,)) for _ in range(40)]
    pool.close()
    pool.join()
    assert len({result.get(SOON) for result in results}) >= 13
    assert not pool._pool


def test_a_pool_with_nothing_to_do_needs_no_processor():
    with Pool(2) as pool:
        pool.map(square, range(10))
        time.sleep(0.05)
        before = time.process_time()
        time.sleep(0.3)
        assert time.process_time() - before < 0.1


def test_a_program_that_ends_with_pending_calls_ends_at_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import time\nfrom era5fast.pool import Pool\n"
        "if __name__ == '__main__':\n    pool = Pool(2)\n    iterator = pool.imap(abs, range(10**9))\n"
        "    assert next(iterator) == 0\n    late = pool.map_async(time.sleep, [60] * 10)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=SOON, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_nothing_stays_of_a_pool():
    def make_and_end():
        with Pool(2) as pool:
            pool.map(square, range(10))
        pool.join()

    make_and_end()
    gc.collect()
    before = what_is_held()
    for _ in range(30):
        make_and_end()
    gc.collect()
    now = what_is_held()
    # A pipe or two of the last pool may still be on their way out; what leaked would be thirty times there.
    assert all(number - earlier < 10 for number, earlier in zip(now, before, strict=True)), (before, now)


def what_is_held():
    """Threads, open files, and pieces of shared memory."""
    with open("/proc/self/maps") as file:
        pieces = sum("/pym-" in line for line in file)
    return threading.active_count(), len(os.listdir("/proc/self/fd")), pieces


class Leaving:
    """An argument that cannot be sent."""

    def __reduce__(self):
        raise SystemExit("not to be packed")


@pytest.mark.parametrize("ask", ["apply_async", "map_async"])
def test_whatever_packing_raises_is_told_and_the_pool_goes_on(ask) -> None:
    with Pool(2) as pool:
        given = [Leaving()]
        asked = pool.apply_async(len, given) if ask == "apply_async" else pool.map_async(len, given)
        with pytest.raises(SystemExit, match="not to be packed"):
            asked.get(timeout=30)
        assert pool.map(abs, [-1, 2], chunksize=1) == [1, 2]


def test_an_unforeseen_end_of_a_thread_is_told_to_all_who_wait(monkeypatch) -> None:
    def no_memory(self, *_):
        raise MemoryError("no room for an answer")

    monkeypatch.setattr(process_crew.ProcessCrew, "_hand_out", no_memory)
    with Pool(2) as pool:
        for _ in range(2):  # also those who ask later
            with pytest.raises(PoolError, match="no room for an answer"):
                pool.apply_async(abs, (-1,)).get(timeout=30)


def test_large_arguments_are_sent_before_many_are_packed(monkeypatch) -> None:
    sent = []
    put = Channel.put

    def noting(self, messages):
        sent.append(sum(len(message[3]) for message in messages))
        return put(self, messages)

    monkeypatch.setattr(Channel, "put", noting)
    with Pool(1) as pool:
        assert pool.map(len, [bytes(1 << 19)] * 40, chunksize=1) == [1 << 19] * 40
    assert max(sent) <= 3 << 19

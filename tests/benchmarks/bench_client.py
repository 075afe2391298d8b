"""The client against the official ones and curl, on the loopback look-alike: calls, waits, bytes, faults, memory.

Every run has a service and a client in processes of their own. What cannot be had at full length in a short time is
shortened as its row says. Nothing is asserted about time; rows whose goal was missed are listed at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Self

from client_ways import warm_up

HERE = Path(__file__).parent
MIB = 1 << 20


@dataclass
class Line:
    """One line of the table."""

    what: str
    ours: str
    peers: str
    goal: str
    met: bool
    limit: str = ""  # what this machine, or chance, lets anybody reach
    remark: str = ""


@dataclass
class Run:
    """What a client took."""

    wall: float = 0.0
    processor: float = 0.0
    memory: float = 0.0
    done: int = 0


class Served:
    """A service in a process of its own."""

    def __init__(self, **options: Any) -> None:
        command = [sys.executable, str(HERE / "serve_jobs.py"), json.dumps(options)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self._read()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def __call__(self, do: str, **arguments: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.communicate()


@dataclass
class Bench:
    """The size of a run, and where files go: the memory disk, so that no disk is measured."""

    quick: bool
    folder: Path
    lines: list[Line] = field(default_factory=list)

    def pick(self, quick: Any, full: Any) -> Any:
        return quick if self.quick else full

    @contextlib.contextmanager
    def room(self) -> Iterator[Path]:
        """An empty directory for the files of one run."""
        path = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            yield path
        finally:
            shutil.rmtree(path)

    def run(self, way: str, service: Served, folder: Path, count: int, **options: Any) -> Run:
        """`warm` bytes are written and removed before it begins: see `client_ways.warm_up`."""
        arguments = {**service.address, "folder": str(folder), "count": count, **options}
        command = [sys.executable, str(HERE / "client_ways.py"), way, json.dumps(arguments)]
        ended = subprocess.run(command, capture_output=True, text=True)
        for line in ended.stderr.splitlines():
            if line != "ready":
                print(f"    {way}: {line}", flush=True)
        return Run(**json.loads(ended.stdout))

    def curl(self, arguments: list[str]) -> Run:
        """Wall and processor time of curl itself."""
        begin = time.perf_counter()
        process = subprocess.Popen(["curl", "-sSf", "--no-progress-meter", *arguments])
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, f"curl ended with {status}"
        return Run(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime)

    def add(self, *line: Any, **rest: str) -> None:
        self.lines.append(Line(*line, **rest))
        print(f"  {line[0]}: {line[1]} | {line[2]}", flush=True)

    def small(self) -> str:
        path = self.folder / "small.grib"
        path.write_bytes(b"GRIB" + random.Random(0).randbytes(1000) + b"7777")
        return str(path)

    def large(self, size: int) -> str:
        path = self.folder / f"{size}.grib"
        if not path.exists():
            noise = random.Random(0).randbytes(MIB)
            with path.open("wb") as file:
                file.write(b"GRIB")
                for start in range(4, size - 4, MIB):
                    file.write(noise[: min(MIB, size - 4 - start)])
                file.write(b"7777")
        return str(path)


def together(*runs: Callable[[], None]) -> None:
    """Runs that wait most of the time, side by side."""
    with ThreadPoolExecutor(len(runs)) as pool:
        for _ in pool.map(lambda run: run(), runs):
            pass


def percentile(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


# --- calls and waits ---


def short_jobs(bench: Bench) -> None:
    """Jobs of half a second, four at a time: calls, and how busy the service was kept."""
    count, ideal = bench.pick(60, 200), bench.pick(60, 200) * 0.5 / 4
    ways: dict[str, dict[str, Any]] = {"ours": {}, "cdsapi": {"threads": 4}, "datastores": {}}
    calls, wall, queued = {}, {}, {}
    rejected = 0
    for way, options in ways.items():
        limit = 20 if way == "ours" else None
        with Served(workers=4, running=0.5, queue_limit=limit) as service, bench.room() as folder:
            service("script", answer=bench.small())
            run = bench.run(way, service, folder, count, **options)
            calls[way] = sum(service("calls").values()) / count
            wall[way] = ideal / run.wall
            jobs = service("jobs")
            queued[way] = jobs["most_queued"]
            rejected += jobs["rejected"]
    bench.add(
        f"calls per job, {count} jobs of 0.5 s, 4 at a time",
        f"{calls['ours']:.2f}",
        f"cdsapi {calls['cdsapi']:.1f}, datastores {calls['datastores']:.1f}",
        "≤ 1.5",
        calls["ours"] <= 1.5,
        remark="cdsapi in 4 threads; datastores submits all, then downloads",
    )
    bench.add(
        "the same: ideal wall time ÷ ours",
        f"{wall['ours']:.0%}, {queued['ours']} queued at most of 20, {rejected} rejected",
        f"cdsapi {wall['cdsapi']:.0%}, datastores {wall['datastores']:.0%} with {queued['datastores']} queued",
        "≥ 95 %",
        wall["ours"] >= 0.95 and rejected == 0,
        remark="with the downloads",
    )


def long_queue(bench: Bench) -> None:
    """Many jobs that queue for long: calls."""
    count, run = bench.pick(40, 100), bench.pick(2.0, 4.8)
    calls, looks = {}, {}

    def one(way: str, **options: Any) -> None:
        with Served(workers=4, running=run) as service, bench.room() as folder:
            service("script", answer=bench.small())
            bench.run(way, service, folder, count, **options)
            by_route = service("calls")
            calls[way] = sum(by_route.values())
            looks[way] = calls[way] - by_route["execute"]

    together(partial(one, "ours"), partial(one, "cdsapi", threads=count))
    bench.add(
        f"calls for {count} jobs that queue up to {count * run / 4:.0f} s",
        f"{calls['ours']}, {looks['ours']} without submissions",
        f"cdsapi {calls['cdsapi']}, {looks['cdsapi']} without submissions",
        "≥ 20 × fewer",
        looks["cdsapi"] >= 20 * looks["ours"],
        remark=f"{calls['cdsapi'] / calls['ours']:.1f} × fewer in all, "
        f"{looks['cdsapi'] / looks['ours']:.0f} × without the submissions; cdsapi in {count} threads",
    )


def noticing(bench: Bench) -> None:
    """From the end of a job at the service to the first request for its file."""
    count, pace = bench.pick((20, 0.1), (40, 1.0))
    chance = random.Random(1)
    runs = [pace * chance.uniform(20, 60) for _ in range(count)]
    queues = [pace * chance.uniform(5, 60) for _ in range(count)]
    found: dict[str, tuple[float, float, float]] = {}

    def one(way: str, scale: float, **options: Any) -> None:
        with Served(workers=8) as service, bench.room() as folder:
            service("scripts", runs=runs, queues=queues, answer=bench.small())
            run = bench.run(way, service, folder, count, **options)
            delays, calls = service("delays"), service("calls")
            looks = sum(calls.values()) - calls["execute"]
            found[way] = (median(delays) / scale, percentile(delays, 99) / scale, looks * scale / run.wall)

    together(partial(one, "ours", pace, pace=pace), partial(one, "cdsapi", 1, threads=count))
    middle, late, rate = found["ours"]
    bench.add(
        f"finished → first byte asked for, {count} jobs",
        f"median {middle:.1f} s, 99 % {late:.1f} s, one look in {1 / rate:.1f} s",
        "cdsapi median {:.1f} s, 99 % {:.1f} s, {:.1f} calls a second".format(*found["cdsapi"]),
        "≤ 2 s, ≤ 10 s, ≥ 5 s",
        middle <= 2 and late <= 10 and rate <= 0.2,
        limit=f"where jobs end by chance, looks so far apart give a median of {0.5 / rate:.1f} s, however they lie: "
        "a look finds those within 2 s of it, and all looks together that part of the time",
        remark=f"jobs of 20 to 60 s, 8 at a time, queued for 5 to 60 s and more; all waits × {pace:g}, "
        "ours told at full length",
    )


# --- bytes ---


def large_file(bench: Bench) -> None:
    """One large file, whose checksum is that of a store which keeps it in parts."""
    size = bench.pick(256 * MIB, 2048 * MIB)
    gigabytes, rounds = size / 1e9, bench.pick(1, 3)
    source = bench.large(size)
    runs: dict[str, list[Run]] = {
        way: [] for way in ("ours", "unsummed", "kept", "bare", "summed", "spliced", "cdsapi", "curl")
    }
    serving = []
    with Served() as service:
        service("prepare", answer=source)
        service("script", answer=source)
        with bench.room() as folder:
            bench.run("ours_results", service, folder, 1)
        for _ in range(rounds):
            for taken, run in _ways_of_one_file(bench, service, size):
                runs[taken].append(run)
            before = service("processor")
            with bench.room() as folder:
                runs["bare"].append(bench.run("bare", service, folder, 1, href=service("hrefs")[0], warm=size))
            serving.append(service("processor") - before)
            href = service("hrefs")[0]
            with bench.room() as folder:
                runs["summed"].append(bench.run("bare_summed", service, folder, 1, href=href, warm=size))
            with bench.room() as folder:
                runs["spliced"].append(bench.run("bare", service, folder, 1, href=href, splice=True, warm=size))
    Path(source).unlink()
    wall = {way: median(run.wall for run in taken) for way, taken in runs.items()}
    processor = {way: median(run.processor for run in taken) / gigabytes for way, taken in runs.items()}
    rate = {way: size / wall[way] / 2**30 for way in runs}
    others = ("bare", "unsummed", "cdsapi", "curl")
    fastest, least = max(rate[way] for way in others), min(processor[way] for way in others)
    share = (median(serving) / gigabytes + least + processor["kept"]) / (os.cpu_count() or 1)
    bench.add(
        f"one file of {size / 2**30:g} GiB to memory, verified",
        f"{rate['ours']:.2f} GiB/s, {rate['unsummed']:.2f} where no checksum is told",
        f"cdsapi {rate['cdsapi']:.2f}, curl {rate['curl']:.2f} GiB/s",
        "≥ both",
        rate["ours"] >= max(rate["cdsapi"], rate["curl"]),
        limit=f"{min(fastest, 1e9 / share / 2**30):.2f} GiB/s: the quickest of them all that verifies nothing has "
        f"{fastest:.2f}; server, the least for receiving, and verifying keep all processors busy "
        f"for {share:.2f} s per GB. Receiving and writing in one thread and OpenSSL's MD5 in another, nothing else: "
        f"{rate['summed']:.2f} GiB/s",
        remark="ours and cdsapi from the finished job on, curl knows the address; "
        f"{rounds} rounds in turn; the peers verify no checksum",
    )
    bench.add(
        "the same without checksum: processor seconds per GB",
        f"{processor['unsummed']:.2f}; {processor['ours']:.2f} with it",
        f"cdsapi {processor['cdsapi']:.2f}, curl {processor['curl']:.2f}",
        "≤ 0.75 × cdsapi",
        processor["unsummed"] <= 0.75 * processor["cdsapi"],
        limit=f"{processor['bare']:.2f}: a loop that receives and writes, nothing else; {processor['spliced']:.2f} "
        f"with splice, which TLS rules out; verifying alone {processor['kept']:.2f}",
        remark=f"{processor['unsummed'] / processor['cdsapi']:.2f} × cdsapi, the bare loop "
        f"{processor['bare'] / processor['cdsapi']:.2f} ×, splice {processor['spliced'] / processor['cdsapi']:.2f} ×"
        "; the store told no checksum for it",
    )


def _ways_of_one_file(bench: Bench, service: Served, size: int) -> Iterator[tuple[str, Run]]:
    """The same file by ours, ours where it is there already and only verified, ours unverified, and the peers."""
    with bench.room() as folder:
        yield "ours", bench.run("ours_finished", service, folder, 1, warm=size)
        yield "kept", bench.run("ours_finished", service, folder, 1)
    service("behave", summed=False)
    with bench.room() as folder:
        yield "unsummed", bench.run("ours_finished", service, folder, 1, warm=size)
    service("behave")
    with bench.room() as folder:
        yield "cdsapi", bench.run("cdsapi_finished", service, folder, 1, warm=size)
    with bench.room() as folder:
        warm_up(folder, size)
        yield "curl", bench.curl(["-o", str(folder / "file"), *service("hrefs")])


def many_files(bench: Bench) -> None:
    """Many small files over a wire with latency; the jobs have ended."""
    count, size, latency = bench.pick(100, 1000), 2_000_000, 0.05
    few = bench.pick(10, 50)
    with Served() as service, bench.room() as sources:
        service("noise", folder=str(sources), count=count, size=size)
        with bench.room() as folder:
            bench.run("ours_results", service, folder, count, max_jobs=count, pace=0.1)
        hrefs = service("hrefs")
        service("behave", latency=latency, api_latency=latency)
        runs: dict[str, list[Run]] = {"known": [], "curl": []}
        for _ in range(bench.pick(1, 3)):  # in turn: whoever comes first waits for memory of the machine
            with bench.room() as folder:
                runs["known"].append(bench.run("ours_known", service, folder, count))
            before = service("processor")
            runs["curl"].append(_curl_in_parallel(bench, hrefs, 50))
            serving = service("processor") - before
        with bench.room() as folder:
            ours = bench.run("ours_finished", service, folder, count)
            kept = bench.run("ours_known", service, folder, count)
        summed = _curl_in_parallel(bench, hrefs, 50, summed=True)
        service("behave", latency=latency, api_latency=latency, summed=False)
        with bench.room() as folder:
            unsummed = bench.run("ours_known", service, folder, count)
        known, curl = (sorted(taken, key=lambda run: run.wall)[len(taken) // 2] for taken in runs.values())
        curl_32 = _curl_in_parallel(bench, hrefs, 32)
    with Served() as service, bench.room() as sources, bench.room() as folder:
        service("noise", folder=str(sources), count=few, size=size)
        service("behave", latency=latency, api_latency=latency)
        serial = bench.run("cdsapi", service, folder, few).wall * count / few
    assert ours.done == known.done == kept.done == count
    busy = (serving + curl.processor + kept.processor) / (os.cpu_count() or 1)
    bench.add(
        f"{count} files of 2 MB, 50 ms latency",
        f"{known.wall:.2f} s verified, {ours.wall:.2f} s with the list of the jobs",
        f"cdsapi in turn {serial:.0f} s, curl --parallel {curl.wall:.2f} s (50 at once), {curl_32.wall:.2f} s (32)",
        "≥ 10 × cdsapi, ≥ curl",
        serial >= 10 * ours.wall and known.wall <= curl.wall,
        limit=f"{max(busy, min(curl.wall, unsummed.wall)):.2f} s: curl takes {curl.wall:.2f} and ours "
        f"{unsummed.wall:.2f} where nothing is verified, curl and then md5sum {summed.wall:.2f}; server, curl and "
        f"verifying keep all processors busy for {busy:.2f}",
        remark=f"{serial / ours.wall:.0f} × cdsapi, list and all; {curl.wall / known.wall:.2f} × curl with the same "
        f"50 at once, where both know the addresses, medians of runs in turn; processor ours {known.processor:.1f}, "
        f"{kept.processor:.1f} of it for verifying, curl {curl.processor:.1f} s; cdsapi {few} files, scaled, jobs "
        "at once successful",
    )


def _curl_in_parallel(bench: Bench, hrefs: list[str], most: int, summed: bool = False) -> Run:
    """curl alone, or followed by md5sum of what it has fetched, as many at a time as there are processors."""
    with bench.room() as folder:
        names = "\n".join(f'url = "{href}"\noutput = "{folder}/{i}.grib"' for i, href in enumerate(hrefs))
        (folder / "list").write_text(names)
        run = bench.curl(["--parallel", "--parallel-max", str(most), "-K", str(folder / "list")])
        if summed:
            files, begin = [str(folder / f"{i}.grib") for i in range(len(hrefs))], time.perf_counter()
            shares = [files[i :: os.cpu_count() or 1] for i in range(os.cpu_count() or 1)]
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda share: subprocess.check_output(["md5sum", *share]), shares))
            run.wall += time.perf_counter() - begin
        return run


def cut_connections(bench: Bench) -> None:
    """A connection that is cut every 10 MB."""
    size = bench.pick(100, 1000) * 1_000_000
    source = bench.large(size)
    taken = []
    for cut in (0, 10_000_000):
        with Served() as service, bench.room() as folder:
            service("prepare", answer=source)
            service("script", answer=source)
            bench.run("ours_results", service, folder, 1)
            service("behave", cut=cut)
            taken.append(bench.run("ours_finished", service, folder, 1).wall)
            again = service("sent")["bytes"] / size - 1
    clean, real = taken
    Path(source).unlink()
    bench.add(
        f"connection cut every 10 MB of {size / 1e9:g} GB",
        f"{again:.2%} again, {real / clean:.2f} × the clean time",
        "not run: cdsapi waits 120 s after each cut",
        "≤ 1 % again, ≤ 1.3 ×",
        again <= 0.01 and real <= 1.3 * clean,
        remark=f"clean {clean:.2f} s, cut {real:.2f} s",
    )


# --- queues ---


def makespan(bench: Bench) -> None:
    """Many jobs where the limit of the queue is not known and changes."""
    count, pace = 100, bench.pick(0.02, 0.1)
    chance = random.Random(2)
    runs = [pace * chance.uniform(5, 120) for _ in range(count)]
    free = [0.0] * 4
    for run in runs:
        heapq.heappush(free, heapq.heappop(free) + run)
    ideal = max(free)
    with Served(workers=4, queue_limit=8) as service, bench.room() as folder:
        service("scripts", runs=runs, queues=[0.4 * pace] * count, answer=bench.small())
        service("limits", every=ideal / 5, values=[8, 3, 12, 1, 6])
        bench.run("ours", service, folder, count, pace=pace)
        jobs, ended = service("jobs"), service("ended")
    part = jobs["rejected"] / jobs["made"]
    bench.add(
        f"make-span of {count} jobs, limit of the queue 8, 3, 12, 1, 6",
        f"{ended / ideal:.3f} × a scheduler that knows it, {part:.1%} rejected",
        "datastores queues all: most would be rejected",
        "≤ 1.1 ×, ≤ 5 %",
        ended <= 1.1 * ideal and part <= 0.05,
        remark=f"jobs of 5 to 120 s, 4 at a time; all waits × {pace:g}: {ideal:.0f} s",
    )


# --- faults ---


def killed(bench: Bench) -> None:
    """kill -9 at random, and begun again, until all is there."""
    kills, count, size, speed = bench.pick((8, 12, 8 * MIB, 8e6), (200, 60, 32 * MIB, 8e6))
    chance = random.Random(3)
    again: list[int] = []
    with Served(running=0.05, workers=8) as service, bench.room() as sources, bench.room() as folder:
        service("noise", folder=str(sources), count=count, size=size)
        service("behave", speed=speed)
        arguments = {**service.address, "folder": str(folder), "count": count, "pace": 0.1, "max_transfers": 2}
        command = [sys.executable, str(HERE / "client_ways.py"), "ours", json.dumps(arguments)]
        done = 0
        for _ in range(kills):
            before = service("sent")["replies"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            assert process.stderr is not None
            process.stderr.readline()
            time.sleep(chance.uniform(0, 0.8))
            done += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate()
            again += _begun_again(service("sent")["replies"], before)
        run = bench.run("ours", service, folder, count, pace=0.1)
        assert run.done == count
        again += _begun_again(service("sent")["replies"], [])
        jobs, sent = service("jobs"), service("sent")["bytes"]
        same = [p for p in sources.iterdir() if p.read_bytes() in {q.read_bytes() for q in folder.glob("*.grib")}]
    extra = (sent - count * size) / max(1, done)
    bench.add(
        f"kill -9 at random, {done} times",
        f"{jobs['made'] - count} duplicate jobs, {extra / MIB:.2f} MiB again each, {len(same)} of {count} files same",
        "–",
        "0, ≤ 1 MiB, all",
        jobs["made"] == count and extra <= MIB and len(same) == count,
        remark=f"{count} files of {size / MIB:.0f} MiB at {speed / 1e6:.0f} MB/s each, two at a time; what was on "
        f"its way in the sockets counts as sent, and {sum(x > 0 for x in again)} of {len(again)} replies repeat some",
    )


def _begun_again(replies: list[Any], before: list[Any]) -> list[int]:
    """Of each new reply, by how much it begins before the end of an earlier one for the same file."""
    ends: dict[str, int] = {}
    found = []
    for number, (path, start, sent, _) in enumerate(replies):
        if number >= len(before) and path in ends:
            found.append(max(0, ends[path] - start))
        ends[path] = max(ends.get(path, 0), start + sent)
    return found


def lost_replies(bench: Bench) -> None:
    """Every submission is accepted and its reply lost."""
    count = bench.pick(20, 200)
    with Served(running=0.05) as service, bench.room() as folder:
        service("script", answer=bench.small())
        service("fault", name="reply_lost", route="execute", times=count)
        run = bench.run("ours", service, folder, count, pace=0.01)
        jobs = service("jobs")
    bench.add(
        f"reply to the submission lost, {count} times",
        f"{jobs['made'] - jobs['requests']} duplicates, {count - run.done} lost",
        "–",
        "0, 0",
        jobs["made"] == jobs["requests"] == run.done == count,
        remark="waits × 0.01",
    )


def memory(bench: Bench) -> None:
    """Many jobs, many connections."""
    count = bench.pick(500, 10_000)
    with Served() as service, bench.room() as folder:
        service("script", answer=bench.small())
        service("behave", latency=0.02)
        run = bench.run("ours", service, folder, count, pace=0.01, max_jobs=1000, max_transfers=32)
        assert run.done == count
    bench.add(
        f"growth of memory, {count} jobs, 32 connections",
        f"{run.memory:.0f} MiB",
        "–",
        "≤ 64 MiB",
        run.memory <= 64,
        remark=f"the client's list of requests included; {run.wall:.0f} s",
    )


ROWS: tuple[Callable[[Bench], None], ...] = (
    short_jobs,
    long_queue,
    noticing,
    large_file,
    many_files,
    makespan,
    cut_connections,
    killed,
    lost_replies,
    memory,
)


#: What waits nearly all the time, for jobs that end when their scripts say so: these run side by side.
WAITING = (long_queue, noticing, makespan)


def show(lines: list[Line]) -> None:
    print(f"\nThe client\n{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
    for number, line in enumerate(lines, 1):
        print(f"{number:2} {'     ' if line.met else 'LOST '}{line.what}")
        print(f"        ours   {line.ours}\n        peers  {line.peers}\n        goal   {line.goal}")
        if line.limit:
            print(f"        limit  {line.limit}")
    print("\nRemarks")
    for number, line in enumerate(lines, 1):
        if line.remark:
            print(f"{number:2}  {line.remark}")
    print("\nGoals missed")
    print("\n".join(f"{i:2}  {line.what}: {line.ours}" for i, line in enumerate(lines, 1) if not line.met) or "none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small versions of all rows")
    parser.add_argument("--rows", nargs="*", choices=[row.__name__ for row in ROWS], help="only these")
    options = parser.parse_args()
    memory_disk = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="era5fast-bench-", dir=memory_disk if memory_disk.is_dir() else None
    ) as folder:
        benches = {row: _bench_for(row, options.quick, Path(folder)) for row in ROWS if _is_wanted(row, options.rows)}
        waiting = [partial(row, bench) for row, bench in benches.items() if row in WAITING]
        if waiting:
            together(*waiting)
        for row, bench in benches.items():
            if row not in WAITING:
                row(bench)
        show([line for bench in benches.values() for line in bench.lines])


def _is_wanted(row: Callable[[Bench], None], names: list[str] | None) -> bool:
    return not names or row.__name__ in names


def _bench_for(row: Callable[[Bench], None], quick: bool, folder: Path) -> Bench:
    own = folder / row.__name__
    own.mkdir()
    return Bench(quick, own)


if __name__ == "__main__":
    main()

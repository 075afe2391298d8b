"""Comparisons: ours and a peer's way to the same answer, run in turn and shown as ratios.

A benchmark is a list of `Row`, one per comparison. Every row is first run once on each side without a clock, in the
order of the list, and the two answers are compared; then come the rounds, in which ours with one thread, ours with
two, and the peer take turns. Peers run as their users run them, with as many threads as they know to use, two at
most. Nothing here asserts a time: machines are shared, and only ratios from one run mean anything.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

import numpy as np

import era5fast as e5

THREADS = (1, 2)


@dataclass(frozen=True)
class Row:
    """One comparison."""

    stage: str
    peer: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    #: Takes both answers, says in words what was found equal, and raises AssertionError where they differ.
    check: Callable[[Any, Any], str]
    #: Whether the row is a link of the chain whose seconds are added up at the end.
    link: bool = False


def limit_of_memory(stage: str, ours: Callable[[], Any], values: np.ndarray) -> Row:
    """What the memory allows: two threads that look at every word once."""
    halves = np.array_split(values.reshape(-1).view("int32"), 2)
    threads = ThreadPoolExecutor(2)
    peer = "the limit: reading, 2 threads"
    return Row(stage, peer, ours, lambda: list(threads.map(np.max, halves)), lambda _, __: "– (a limit)")


class Seconds(NamedTuple):
    """What one run took: time on the wall, and time of all processors together in this process."""

    wall: float
    processor: float


@dataclass
class Result:
    """All runs of a row, and what the comparison of the answers said."""

    stage: str
    peer: str
    remark: str
    link: bool
    ours: dict[int, list[Seconds]] = field(default_factory=lambda: {n: [] for n in THREADS})
    theirs: list[Seconds] = field(default_factory=list)

    def ratio(self, threads: int) -> float:
        """The peer's time over ours, by the clock on the wall."""
        return median(run.wall for run in self.theirs) / median(run.wall for run in self.ours[threads])

    def ratios(self, threads: int) -> list[float]:
        """The same for each round."""
        return [their.wall / our.wall for our, their in zip(self.ours[threads], self.theirs, strict=True)]

    def processor(self) -> tuple[float, float]:
        """Processor time of ours, with one thread, and of the peer."""
        return median(run.processor for run in self.ours[1]), median(run.processor for run in self.theirs)


def arguments(description: str, rooms: Sequence[str] = (), **options: dict[str, Any]) -> argparse.Namespace:
    """The command line of a benchmark: `rooms` are its parts, `options` those beside the usual ones."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="less data and one round, to see that everything runs")
    parser.add_argument("--rounds", type=int, help="rounds per row (default: 3, or 1 with --quick)")
    if rooms:
        parser.add_argument("rooms", nargs="*", default=rooms, help=f"which ones; default: {' '.join(rooms)}")
    for name, settings in options.items():
        parser.add_argument(f"--{name}", **settings)
    given = parser.parse_args()
    given.rounds = given.rounds or (1 if given.quick else 3)
    return given


def measure(rows: Sequence[Row], rounds: int) -> list[Result]:
    """Compare the answers of every row, then run all rounds."""
    results = [Result(row.stage, row.peer, row.check(row.ours(), row.theirs()), row.link) for row in rows]
    for _ in range(rounds):
        for row, result in zip(rows, results, strict=True):
            for threads in THREADS:
                e5.set_num_threads(threads)
                result.ours[threads].append(_run(row.ours))
            result.theirs.append(_run(row.theirs))
    e5.set_num_threads(0)
    return results


def total(results: Sequence[Result]) -> Result:
    """The links of the chain added up, round by round."""
    links = [result for result in results if result.link]
    whole = Result("whole chain", "all of these", "the rows marked * added up", False)
    whole.theirs = _sums([link.theirs for link in links])
    whole.ours = {threads: _sums([link.ours[threads] for link in links]) for threads in THREADS}
    return whole


def show(title: str, results: Sequence[Result]) -> None:
    """Print the table, what was compared, and the rows in which a peer is faster."""
    wall, processor = "---- seconds ----", "-- processor --"
    print(f"\n{title}\n{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; medians; ratios are peer : ours\n")
    print(f"{'':<31}{'':<37}{wall:>21}  {'ratio (lowest to highest of rounds)':>39}  {processor:>18}")
    heads = f"{'ours, 1':>7}{'2 thr':>7}{'peer':>7}  {'1 thread':>19} {'2 threads':>19}"
    print(f"{'':<4}{'stage':<27}{'peer':<37}{heads}  {'ours':>6}{'peer':>6}{'ratio':>6}")
    for number, result in enumerate(results, 1):
        print(f"{number:2}{'*' if result.link else ' '} {result.stage:<27}{result.peer:<37}{_numbers(result)}")
    print("\nAnswers")
    for number, result in enumerate(results, 1):
        print(f"{number:2}  {result.remark}")
    print("\nWhere the peer is faster")
    losses = [line for number, result in enumerate(results, 1) for line in _losses(number, result)]
    print("\n".join(losses or ["none"]), flush=True)


def _run(function: Callable[[], Any]) -> Seconds:
    gc.collect()
    os.sync()  # or who synchronises his own file waits for what the one before has left unwritten
    wall, processor = time.perf_counter(), time.process_time()
    function()
    return Seconds(time.perf_counter() - wall, time.process_time() - processor)


def _sums(parts: Sequence[Sequence[Seconds]]) -> list[Seconds]:
    return [Seconds(*map(sum, zip(*runs, strict=True))) for runs in zip(*parts, strict=True)]


def _numbers(result: Result) -> str:
    seconds = "".join(f"{median(run.wall for run in result.ours[threads]):7.3f}" for threads in THREADS)
    ratios = " ".join(f"{_spread(result, threads):>19}" for threads in THREADS)
    ours, theirs = result.processor()
    peer = median(run.wall for run in result.theirs)
    return f"{seconds}{peer:7.3f}  {ratios}  {ours:6.2f}{theirs:6.2f}{theirs / ours:6.1f}"


def _spread(result: Result, threads: int) -> str:
    ratios = result.ratios(threads)
    return f"{result.ratio(threads):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def _losses(number: int, result: Result) -> list[str]:
    names = {1: "1 thread", 2: "2 threads"}
    found = {names[threads]: result.ratio(threads) for threads in THREADS}
    found["processor time"] = result.processor()[1] / result.processor()[0]
    lost = ", ".join(f"{ratio:.2f} ({name})" for name, ratio in found.items() if ratio < 1)
    return [f"{number:2}  {result.stage}, {result.peer}: {lost}"] if lost else []

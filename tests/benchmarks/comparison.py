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
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

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
    clock: Callable[[], float] = time.perf_counter
    #: Whether the row is a link of the chain whose seconds are added up at the end.
    link: bool = False


@dataclass
class Result:
    """Seconds of every round of a row, and what the comparison of the answers said."""

    stage: str
    peer: str
    remark: str
    link: bool
    ours: dict[int, list[float]] = field(default_factory=lambda: {n: [] for n in THREADS})
    theirs: list[float] = field(default_factory=list)

    def ratios(self, threads: int) -> list[float]:
        return [their / our for our, their in zip(self.ours[threads], self.theirs, strict=True)]

    def ratio(self, threads: int) -> float:
        return statistics.median(self.theirs) / statistics.median(self.ours[threads])


def arguments(description: str) -> argparse.Namespace:
    """The command line of a benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="less data and one round, to see that everything runs")
    parser.add_argument("--rounds", type=int, help="rounds per row (default: 3, or 1 with --quick)")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def measure(rows: Sequence[Row], rounds: int) -> list[Result]:
    """Compare the answers of every row, then run all rounds."""
    results = []
    for row in rows:
        ours, theirs = row.ours(), row.theirs()
        results.append(Result(row.stage, row.peer, row.check(ours, theirs), row.link))
        del ours, theirs
    for _ in range(rounds):
        for row, result in zip(rows, results, strict=True):
            for threads in THREADS:
                e5.set_num_threads(threads)
                result.ours[threads].append(_seconds(row.ours, row.clock))
            result.theirs.append(_seconds(row.theirs, row.clock))
    e5.set_num_threads(0)
    return results


def total(results: Sequence[Result]) -> Result:
    """The links of the chain added up, round by round."""
    links = [result for result in results if result.link]
    whole = Result("whole chain", "all of these", "the rows marked * added up", False)
    whole.theirs = [sum(seconds) for seconds in zip(*(link.theirs for link in links), strict=True)]
    for threads in THREADS:
        whole.ours[threads] = [sum(seconds) for seconds in zip(*(link.ours[threads] for link in links), strict=True)]
    return whole


def show(title: str, results: Sequence[Result]) -> None:
    """Print the table, what was compared, and the rows in which a peer is faster."""
    print(f"\n{title}\n{_machine()}\n")
    print(f"{'stage':<33} {'peer':<39} {'ours, s':>15} {'peer, s':>8} {'ratio (lowest to highest of rounds)':>41}")
    print(f"{'':<33} {'':<39} {'1 thr':>7} {'2 thr':>7} {'':>8} {'1 thread':>20} {'2 threads':>20}")
    for number, result in enumerate(results, 1):
        ours = " ".join(f"{statistics.median(result.ours[threads]):7.3f}" for threads in THREADS)
        ratios = " ".join(f"{_spread(result, threads):>20}" for threads in THREADS)
        name = f"{number:2} {'*' if result.link else ' '} {result.stage}"
        print(f"{name:<33} {result.peer:<39} {ours} {statistics.median(result.theirs):8.3f} {ratios}")
    print("\nAnswers:")
    for number, result in enumerate(results, 1):
        print(f"{number:2}   {result.remark}")
    print("\nWhere the peer is faster:")
    losses = [line for number, result in enumerate(results, 1) for line in _losses(number, result)]
    print("\n".join(losses or ["none"]), flush=True)


def _seconds(function: Callable[[], Any], clock: Callable[[], float]) -> float:
    gc.collect()
    start = clock()
    function()
    return clock() - start


def _spread(result: Result, threads: int) -> str:
    ratios = result.ratios(threads)
    return f"{result.ratio(threads):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def _losses(number: int, result: Result) -> list[str]:
    lost = [threads for threads in THREADS if result.ratio(threads) < 1]
    return [f"{number:2}   {result.stage}, {n} thread{'s'[: n - 1]}: ratio {result.ratio(n):.2f}" for n in lost]


def _machine() -> str:
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} processors, load {load:.1f}; medians of the rounds; a ratio above 1 is in our favour."

"""Import the six packages that bring libraries of their own in all 720 orders: ``make orders``.

    python tests/packaging/orders.py [--python INTERPRETER] [--jobs N] [--every N]

Each order is a process of its own (``one_order.py``), which reads and writes with all of them. With --python another
environment is tried, like one with the wheel.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from one_order import PACKAGES

PROGRAM = Path(__file__).with_name("one_order.py")
SECONDS = 120


def failure(python: str, order: tuple[str, ...]) -> str:
    """What went wrong in one order, or ""."""
    command = [python, str(PROGRAM), *order]
    try:
        result = subprocess.run(command, text=True, stdout=-1, stderr=-2, timeout=SECONDS, cwd=PROGRAM.parent)
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"
    # What a library prints at the end of an order that went well is a fault as well.
    return f"exit {result.returncode}: {result.stdout}" if result.returncode or result.stdout else ""


def main() -> int:
    """Try the orders, several at a time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--every", type=int, default=1, help="try each N-th order only")
    options = parser.parse_args()
    orders = list(itertools.permutations(PACKAGES))[:: options.every]
    with ThreadPoolExecutor(options.jobs) as workers:
        failures = list(workers.map(lambda order: failure(options.python, order), orders))
    for order, text in zip(orders, failures, strict=True):
        if text:
            print(f"{' '.join(order)}\n{text}\n")
    failed = sum(map(bool, failures))
    print(f"{len(orders) - failed} passed, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

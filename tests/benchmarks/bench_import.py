"""What importing costs beyond NumPy, as processor time: ours, and packages that users import without a thought.

    python tests/benchmarks/bench_import.py [--quick] [--rounds N]

The rows take turns, each import in a process of its own that has imported NumPy; medians. `import era5fast` alone
loads next to nothing; its first function brings the core, and with it the libraries. The goal is 50 ms.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from statistics import median

from comparison import arguments

ROWS = (
    "import era5fast",
    "import era5fast; era5fast._core",
    "import era5fast; era5fast.daily",
    "import era5fast; era5fast.Client, era5fast.EventDatabase",
    "import netCDF4",
    "import xarray",
    "import pandas",
    "import xclim",
)
PROGRAM = "import time, numpy\nbegun = time.process_time()\n{}\nprint(time.process_time() - begun)"


def milliseconds(statement: str) -> float:
    """Processor time of a statement after `import numpy`."""
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    return 1000 * float(subprocess.run(command, text=True, capture_output=True, check=True).stdout.split()[-1])


def is_there(statement: str) -> bool:
    """Whether the package of a row is installed."""
    return importlib.util.find_spec(statement.split()[1].rstrip(";")) is not None


def main() -> None:
    """Measure in turn, print medians."""
    options = arguments(__doc__.partition("\n")[0])
    rows = [row for row in ROWS if is_there(row)]
    times = {row: [milliseconds(row)] for row in rows}  # files come into memory, and byte code gets written
    for found in times.values():
        found.clear()
    for _ in range(options.rounds * (1 if options.quick else 5)):
        for row in rows:
            times[row].append(milliseconds(row))
    for row, found in times.items():
        print(f"{median(found):8.1f} ms   ({min(found):.1f} to {max(found):.1f})   {row}")


if __name__ == "__main__":
    main()

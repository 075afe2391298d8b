"""How many faults a client survives: the rows of `tests/fault_matrix.py`, played with ours and the official clients.

A row is survived when the right file is there in the end, or an error is raised where no right file can be had; in
both cases in bounded time, with no second job for one request and no token at another origin. What only we promise
(the class of the error, its hint, few calls, nothing left over) is asked of ours alone. The waits of the official
clients are turned down through their arguments: 8 tries, 50 ms between them, 0.5 s without a byte. Faults of the list
of jobs strike the status of the job there, and those of the data not the call for their head. A fault that a client
never meets, because it makes no such call, is not counted for it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fault_kit import PEERS, play_all
from tests.fault_matrix import ROWS

CLIENTS = ("era5fast", *PEERS)
LIMIT = 20.0  # seconds for a row
EVERY = 12  # row that a quick run plays

Result = dict[str, Any]


def broken(result: Result, *kinds: str) -> bool:
    """Whether promises of these kinds were broken."""
    return any(text.startswith(kinds) for text in result["wrong"])


def survived(result: Result) -> bool:
    """Losing what was at the target before is counted by itself."""
    return all(text.startswith("old file") for text in result["wrong"])


COLUMNS: dict[str, Callable[[Result], bool]] = {
    "fault met": lambda r: True,
    "survived": survived,
    "success with wrong data": lambda r: r["outcome"] == "wrong data",
    "error where there is a way": lambda r: broken(r, "outcome"),
    "hangs or dies": lambda r: broken(r, "hangs", "ended", "time"),
    "two jobs for one request": lambda r: broken(r, "jobs"),
    "token sent elsewhere": lambda r: broken(r, "token"),
    "old file lost on failure": lambda r: broken(r, "old file"),
}


def show(names: Sequence[str], results: dict[tuple[str, str], Result]) -> None:
    """Print the table, and the rows in which wrong data are taken for right."""
    print(f"\n{f'{len(names)} faults':<28}" + "".join(f"{client:>26}" for client in CLIENTS))
    for title, holds in COLUMNS.items():
        counts = [
            sum(r["struck"] and holds(r) for r in (results[name, client] for name in names)) for client in CLIENTS
        ]
        print(f"{title:<28}" + "".join(f"{count:>26}" for count in counts))
    met = [name for name in names if any(results[name, peer]["struck"] for peer in PEERS)]
    nobody = sum(not any(survived(results[name, peer]) for peer in PEERS) for name in met)
    print(f"of {len(met)} faults that a peer met, none survived {nobody}")
    for client in CLIENTS:
        wrong = [name for name in names if results[name, client]["outcome"] == "wrong data"]
        print(f"\nsuccess with wrong data, {client}:" + "".join(f"\n    {name}" for name in wrong or ["none"]))
    lost = [name for name in names if not survived(results[name, "era5fast"])]
    print(
        "\nnot survived by era5fast:" + "".join(f"\n    {n}: {results[n, 'era5fast']['wrong']}" for n in lost)
        or "none"
    )


def main() -> None:
    """Play and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"every {EVERY}th row")
    parser.add_argument("--rounds", type=int, help="ignored: a fault is survived or not")
    options = parser.parse_args()
    names = [name for name, row in ROWS.items() if row.peers and row.act is None]
    names = names[::EVERY] if options.quick else names
    began = time.monotonic()
    results = play_all([(name, client) for client in CLIENTS for name in names], LIMIT, players=8)
    show(names, results)
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()

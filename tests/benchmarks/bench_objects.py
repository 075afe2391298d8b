"""A field in memory to objects with all their properties: time and memory, a process for each run.

``--peers PYTHON`` names the interpreter of another environment where marEx and ocetrac are installed. Those take
minutes for what takes us tenths of a second: they get fewer steps of the field, and their time is scaled. The two
join the maps of steps in their own ways, so only scipy has the same objects. ``marex_labels`` and ``ocetrac`` stop
at labels; properties come from the others only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import samples
from comparison import arguments

HERE = Path(__file__).parent
#: Part of the memory that ours may take of a peer's.
LEAST_MEMORY = 20


class Peer(NamedTuple):
    """A way of others, how many times faster ours should be (0: no goal), and the share of the steps that it gets."""

    way: str
    goal: float
    share: float = 1.0


SCIPY = Peer("scipy", 80)
SLOW = (Peer("marex", 500, 1 / 24), Peer("marex_labels", 0, 1 / 8), Peer("ocetrac", 0, 1 / 8))


def field(steps: int) -> Path:
    """Noise that hangs together over some steps and cells, in a file."""
    return samples._once(samples.CACHE / f"smooth_{steps}.npy", lambda path: _write(path, steps))


def _write(path: Path, steps: int) -> None:
    with path.open("wb") as file:
        np.save(file, samples.smooth_field((steps, 267, 267)))


def run(python: str, way: str, path: Path, steps: int) -> dict[str, Any]:
    command = [python, str(HERE / "object_ways.py"), way, str(path), str(steps)]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr.strip().splitlines()[-1])
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def line(peer: Peer, ours: list[dict[str, Any]], theirs: list[dict[str, Any]], part: float) -> str:
    """What a peer took for a part of the steps, beside ours for all."""
    if part == 1:
        assert theirs[0]["objects"] == ours[0]["objects"], "other objects"
    of_ours, of_theirs = ({name: median(one[name] for one in runs) for name in ours[0]} for runs in (ours, theirs))
    wall, processor, memory = (of_theirs[name] / part for name in ("wall", "processor", "memory"))
    ratios = wall / of_ours["wall"], processor / of_ours["processor"]
    less = memory / of_ours["memory"] if part == 1 else float("nan")  # memory need not grow with the steps
    missed = "*" if ratios[0] < peer.goal or less < LEAST_MEMORY else " "
    note = "   some steps, scaled" if part < 1 else f"   the same {ours[0]['objects']} objects"
    return f"{missed} {peer.way:12}{wall:10.2f}{ratios[0]:8.0f}{ratios[1]:8.0f}{peer.goal:8.0f}{less:12.0f}{note}"


def elsewhere(peer: Peer, python: str, ours: list[dict[str, Any]], path: Path, steps: int) -> str:
    part = max(int(steps * peer.share), 3)
    try:
        theirs = run(python, peer.way, path, part)
    except RuntimeError as error:
        return f"  {peer.way:12} cannot be run: {error}"
    return line(peer, ours, [theirs], part / steps)


def main() -> None:
    peers = {"default": sys.executable, "help": "interpreter with marEx and ocetrac"}
    options = arguments(__doc__ or "", peers=peers)
    steps = 46 if options.quick else 366
    path = field(steps)
    ours, theirs = [], []
    for _ in range(options.rounds):  # in turn
        ours.append(run(sys.executable, "ours", path, steps))
        theirs.append(run(sys.executable, SCIPY.way, path, steps))
    wall, memory = (median(one[name] for one in ours) for name in ("wall", "memory"))
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; medians; {steps} × 267 × 267 cells")
    print(f"ours: {wall:.3f} s, {memory / 1e6:.0f} MB beside the field's {steps * 267 * 267 * 4 / 1e6:.0f}\n")
    print(f"  {'peer':12}{'seconds':>10}{'× wall':>8}{'× CPU':>8}{'goal':>8}{'× memory':>12}   (goal {LEAST_MEMORY})")
    print(line(SCIPY, ours, theirs, 1), flush=True)
    for peer in SLOW:
        print(elsewhere(peer, options.peers, ours, path, steps), flush=True)


if __name__ == "__main__":
    main()

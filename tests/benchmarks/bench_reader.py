"""Reading against netCDF4, xarray, h5netcdf, h5py, CDO, hidefix, and the best written by hand.

Each run is a process of its own; the answers are compared. Files are in the page cache (every row is run once before
the clock counts). ``--peers PYTHON`` and ``--hidefix PYTHON`` name interpreters of other environments where packages
live that must not share one with ours; what is not installed there is left out and said. A peer that would take
hours does part of the work, and the row says how its time was scaled. Beside the ratios of wall time stands that of
processor time, which a busy machine disturbs less. Of several rounds the least counts, for all alike: what others
do on the machine only adds.

Who reads compressed files must inflate every chunk that holds something of what is wanted. How long that alone takes
is measured in the same rounds: libdeflate on two threads, and for a region zeros into the memory of the answer, for
steps the same loop through memory; nothing else. ``limit`` is the ratio that such a reader would reach against the
peer, ``share`` what ours reaches of it. Nothing is asserted about time; rows whose goal was missed are listed at the
end, those apart whose goal is above the limit.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import read_samples
from comparison import arguments

HERE = Path(__file__).parent
#: NumPy starts threads of OpenBLAS, which spin for some 50 ms in wait of work: as long as reading a region takes.
NO_SPINNING = {"OPENBLAS_NUM_THREADS": "1"}
MEMORY_BYTES = 8 << 30  # more than any way needs: twice the whole month


@dataclass
class Peer:
    """One way that others have."""

    name: str
    way: str
    goal: float  # ours must be this many times faster
    options: dict[str, Any]
    hidefix: bool = False
    scale: float = 1.0  # the whole work over the part that is done
    same: bool = True  # the answer is the whole one, so that it can be compared


@dataclass
class Row:
    """One kind of reading."""

    name: str
    way: str
    options: dict[str, Any]
    peers: list[Peer]


def touch_memory() -> None:
    """Take memory and give it back.

    On a virtual machine the first touch of memory that nobody used for a while costs some four seconds a GB, since
    the host has to find it: more than any reading. It is touched before each run, so that no way pays for it.
    """
    subprocess.run([sys.executable, "-c", f"import numpy; numpy.ones({MEMORY_BYTES} // 8)"], check=True)


def run(python: str, way: str, options: dict[str, Any]) -> dict[str, Any]:
    touch_memory()
    command = [python, str(HERE / "read_ways.py"), way, json.dumps(options)]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **NO_SPINNING})
    if ended.returncode != 0:
        raise RuntimeError(f"{way}: {ended.stderr.strip().splitlines()[-1]}")
    return json.loads(ended.stdout.splitlines()[-1])


@cache
def has(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


_PACKAGE = {
    "netcdf4": "netCDF4",
    "xarray": "xarray",
    "h5py": "h5py",
    "mfdataset": "dask",
    "by": "netCDF4",
    "hidefix": "hidefix",
    "inflate": "h5py",
}


def needed(peer: Peer) -> str:
    return "h5netcdf" if peer.options.get("engine") == "h5netcdf" else _PACKAGE[peer.way.split("_")[0]]


LIMIT = "the limit: libdeflate"
LOOSE = 1.15  # what takes this much longer than ours bounds nothing; less is chance
MISSED, ABOVE = "*", "^"  # how lines are marked: the goal was missed; not even the limit reaches it


def limit(options: dict[str, Any]) -> Peer:
    """Inflating the chunks that are touched, and no reading: a tenth above that time is the goal."""
    return Peer(LIMIT, "inflate_only", 0.9, options, same=False)


def rows(quick: bool) -> list[Row]:
    month, maps = str(read_samples.month(quick)), str(read_samples.maps(quick))
    series = str(read_samples.narrow(quick))
    days = [str(path) for path in read_samples.days(40 if quick else 366)]
    packed = str(read_samples.packed(quick))
    small = [str(path) for path in read_samples.small(200 if quick else 2000)]
    steps = read_samples.steps(quick)
    box = {"rows": [160, 200], "columns": [40, 80]}
    area = [90 - 160 * 0.25, 10.0, 90 - 199 * 0.25, 79 * 0.25]  # the same cells
    cell = {"rows": [160, 161], "columns": [40, 41]}
    there = [50.0, 10.0, 50.0, 10.0]
    of_days = {"rows": [40, 80], "columns": [10, 50]}
    return [
        Row("a month, whole (default blocks)", "ours", {"paths": [month]}, [
            Peer("xarray", "xarray", 7, {"engine": "netcdf4"}),
            Peer("netCDF4", "netcdf4", 4.4, {}),
            Peer("h5netcdf", "xarray", 7, {"engine": "h5netcdf"}),
            Peer("h5py", "h5py", 4.4, {}),
            Peer("by hand, 2 processes", "by_hand", 3.5, {}),
            limit({"keep": True}),
        ]),
        Row("a week, whole (one chunk a map)", "ours", {"paths": [maps]}, [
            Peer("xarray", "xarray", 7, {"engine": "netcdf4"}),
            Peer("by hand, 2 processes", "by_hand", 3.5, {}),
            limit({}),
        ]),
        Row("time mean of the month", "ours_mean", {"paths": [month]}, [
            Peer("xarray, dask", "xarray_dask_mean", 10, {}),
            Peer("by hand, 2 processes", "by_hand_mean", 4, {}),
            limit({}),
        ]),
        Row("step by step through the month", "ours_steps", {"paths": [month]}, [
            Peer("netCDF4", "netcdf4_steps", 500, {"steps": 2}, scale=steps / 2, same=False),
            limit({"steps": [steps, 721, 1440]}),
        ]),
        Row("region of 40 × 40 (default blocks)", "ours", {"paths": [month], "area": area}, [
            Peer("netCDF4", "netcdf4", 6, box), Peer("hidefix", "hidefix", 2, box, hidefix=True),
            limit(box)]),
        Row("region of 40 × 40 (744 × 12 × 24)", "ours", {"paths": [series], "area": area}, [
            Peer("netCDF4", "netcdf4", 6, box), Peer("hidefix", "hidefix", 2, box, hidefix=True),
            limit(box)]),
        Row("one cell (default blocks)", "ours", {"paths": [month], "area": there}, [
            Peer("netCDF4", "netcdf4", 6, cell), Peer("hidefix", "hidefix", 2, cell, hidefix=True),
            limit(cell)]),
        Row("region out of the days of a year", "ours", {"paths": days, "area": [50, 10, 11, 49]}, [
            Peer("netCDF4", "netcdf4", 10, of_days), limit(of_days)]),
        Row("old layout, packed", "ours", {"paths": [packed]}, [
            Peer("xarray", "xarray", 6, {"engine": "netcdf4"}, same=False),
            Peer("by hand, 2 threads", "by_hand_packed", 2.2, {}, same=False)]),
        Row("small files, reduced", "ours_small", {"paths": small}, [
            Peer("netCDF4", "netcdf4_small", 10, {}, same=False), Peer("h5py", "h5py_small", 5, {}, same=False),
            Peer("open_mfdataset", "mfdataset_small", 200, {"paths": small[::10]}, scale=10, same=False),
            limit({})]),
    ]  # fmt: skip


def compare(row: Row, peer: Peer, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    if peer.same:
        shapes = [[n for n in answer["shape"] if n > 1] for answer in (ours, theirs)]  # hidefix leaves out length 1
        assert shapes[0] == shapes[1], f"{row.name}, {peer.name}: {ours['shape']} and {theirs['shape']}"
        assert np.isclose(ours["sum"], theirs["sum"], rtol=1e-7), f"{row.name}, {peer.name}: other values"


def measure(row: Row, python: str, hidefix: str, rounds: int) -> tuple[list[str], float]:
    """All runs of a row, in turn: the lines of the table, and the seconds that ours took with two threads."""
    ours: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    theirs: dict[str, list[dict[str, Any]]] = {}
    failed: dict[str, str] = {}
    for number in range(rounds + 1):
        for threads, results in ours.items():
            result = run(sys.executable, row.way, {**row.options, "threads": threads})
            results += [result] if number > 0 else []
        for peer in row.peers:
            interpreter = hidefix if peer.hidefix else python
            if (number == 0 and peer.scale > 1) or peer.name in failed or not has(interpreter, needed(peer)):
                continue
            try:
                answer = run(interpreter, peer.way, {"paths": row.options["paths"], **peer.options})
            except RuntimeError as error:
                failed[peer.name] = str(error)
                continue
            compare(row, peer, result, answer)
            theirs.setdefault(peer.name, []).extend([answer] if number > 0 else [])
    least = min(result["wall"] for result in theirs[LIMIT]) if LIMIT in theirs else None
    lines = [line(row, peer, ours, theirs.get(peer.name), least) for peer in row.peers if peer.name not in failed]
    lines += [f"  {row.name:36}{name:22}cannot read it: {text}" for name, text in failed.items()]
    return lines, min(result["wall"] for result in ours[2])


def line(row: Row, peer: Peer, ours: dict[int, Any], theirs: list[dict[str, Any]] | None, least: float | None) -> str:
    """A line of the table; `least` are the seconds of the limit, where the row has one."""
    one, two = (min(result["wall"] for result in ours[n]) for n in (1, 2))
    memory = max(result["memory"] for result in ours[2])
    if theirs is None:
        return f"  {row.name:36}{peer.name:22}{one:8.3g}{two:8.3g}   not installed"
    wall = min(result["wall"] for result in theirs) * peer.scale
    processor = min(result["processor"] for result in theirs) * peer.scale
    processor /= min(result["processor"] for result in ours[2])
    if least is not None and least > LOOSE * two:
        least = None  # of chunks so small that starting its threads took longest: no limit
    reachable = least is None or wall / least >= peer.goal
    mark = " " if wall / two >= peer.goal else MISSED if reachable else ABOVE
    scaled = f"   scaled × {peer.scale:g}" if peer.scale > 1 else ""
    bound = f"{wall / least:8.1f}{100 * least / two:7.0f} %" if least is not None else f"{'–':>8}{'–':>9}"
    return (
        f"{mark} {row.name:36}{peer.name:22}{one:8.3g}{two:8.3g}{wall:9.4g}{wall / one:9.2f}{wall / two:9.2f}"
        f"{processor:9.1f}{peer.goal:7g}{bound}{memory:9.0f}{scaled}"
    )


def cdo_line(quick: bool, two: float) -> str:
    """CDO reads one step after the other through the library: two steps are timed."""
    if shutil.which("cdo") is None:
        return "  CDO is not installed"
    month = read_samples.month(quick)
    begin = time.perf_counter()
    command = ["cdo", "-s", "timmean", "-seltimestep,1/2", str(month), str(month.with_suffix(".cdo"))]
    subprocess.run(command, check=True, capture_output=True)
    wall = (time.perf_counter() - begin) * read_samples.steps(quick) / 2
    month.with_suffix(".cdo").unlink()
    return f"  time mean, CDO: {wall:.0f} s, scaled from two steps, {wall / two:.0f} × ours (goal 500)"


def main() -> None:
    options = arguments(
        __doc__ or "",
        peers={"default": sys.executable, "help": "interpreter with the peers' packages"},
        hidefix={"default": sys.executable, "help": "interpreter with hidefix"},
        rows={"nargs": "*", "default": [""], "help": "rows whose names hold one of these words"},
    )
    rounds = options.rounds
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; least of {rounds}; ratios are peer : ours")
    heads = f"{'1 thr':>8}{'2 thr':>8}{'peer':>9}{'× 1 thr':>9}{'× 2 thr':>9}{'× CPU':>9}{'goal':>7}"
    print(f"  {'what':36}{'against':22}{heads}{'limit':>8}{'share':>9}{'MiB':>9}", flush=True)
    found: list[str] = []
    for row in rows(options.quick):
        if any(word in row.name for word in options.rows):
            lines, seconds = measure(row, options.peers, options.hidefix, rounds)
            print("\n".join(lines), flush=True)
            found += lines
            if row.way == "ours_mean":
                print(cdo_line(options.quick, seconds), flush=True)
    for title, mark in (("Goal missed", MISSED), ("Goal missed, and above the limit", ABOVE)):
        missed = [text for text in found if text.startswith(mark)]
        print(f"\n{title}:", "\n".join(["", *missed]) if missed else "none")


if __name__ == "__main__":
    main()

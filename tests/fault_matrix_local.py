"""Rows of the matrix of faults that concern this computer: targets, disks, other processes, signals, the journal.

The last group sends faults through the other faces of the client: results without a target, many calls at once,
plans, jobs by hand, and questions about the service.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import locale
import os
import pickle
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import era5fast as e5
from era5fast import errors
from era5fast.plan import Job
from tests.client_kit import environment, grib, month, wait_for
from tests.fault_kit import ANSWER, OLD, QUICK, Late, Row, World, happening, on
from tests.look_alike import slowness

CUT = on("object", "reset_after", nth=1, bytes=20_000)
MOMENTS = (0.02, 0.1, 0.25, 0.4, 0.6, 0.9)  # seconds, about which a signal comes


# --- targets ---


def targets() -> Iterator[Row]:
    """Places where no file can be."""
    never = {"jobs": 0, "calls": 0, "seconds": 1.0, "again": False, "old": None, "peers": False, "hint": False}
    for name, error, words, make in [
        ("in no directory", errors.MissingFileError, "No such", lambda p: p / "missing" / "x.grib"),
        ("under a file", errors.StorageError, "Not a directory", lambda p: _made(p / "file", b"") / "x.grib"),
        ("a directory", errors.StorageError, "irectory", lambda p: _folder(p / "x.grib")),
        ("a link", errors.StorageError, "link", lambda p: _link(p / "x.grib", _made(p / "victim", OLD))),
        ("a link to nothing", errors.StorageError, "link", lambda p: _link(p / "x.grib", p / "nothing")),
        ("a pipe", errors.StorageError, "", lambda p: _pipe(p / "x.grib")),
        ("a device", errors.StorageError, "", lambda p: Path("/dev/null")),
        ("of too long a name", errors.InputError, "too long", lambda p: p / ("x" * 256)),
        ("nothing", (errors.StorageError, errors.InputError), "", lambda p: ""),
        ("a name with NUL", errors.InputError, "", lambda p: str(p / "x\0y")),
        ("no text", errors.InputError, "", lambda p: os.fsencode(p) + b"/\xff"),
    ]:
        yield Row(f"the target is {name}", error=error, words=words, act=_to(make), look=_nothing_made, **never)
    for name, what in {"missing": shutil.rmtree, "a file": _replaced_by_file}.items():
        yield Row(
            f"the directory becomes {name} while it is downloaded",
            [CUT, on("object", happening, nth=1, action=Late(lambda w, f=what: functools.partial(f, w.data)))],
            errors.MissingFileError,
            "",
            act=World.retrieve,
            again=False,
            peers=False,
        )
    yield Row(
        "the target becomes a directory while it is downloaded",
        [on("object", happening, nth=1, action=Late(lambda w: lambda: (w.target.unlink(), w.target.mkdir())))],
        errors.StorageError,
        "irectory",
        act=World.retrieve,
        again=False,
        peers=False,
    )
    yield Row(
        "the target becomes a link while it is downloaded",
        [
            on(
                "object",
                happening,
                nth=1,
                action=Late(
                    lambda w: lambda: (w.target.unlink(), w.target.symlink_to(_made(w.home / "victim", OLD)))
                ),
            )
        ],
        act=World.retrieve,
        look=_victim,
        peers=False,
    )
    yield Row(
        "there is a file and none may be replaced",
        error=errors.ExistingFileError,
        act=_without_overwrite,
        jobs=0,
        calls=0,
        again=False,
        peers=False,
    )
    yield Row(
        "a file appears and none may be replaced",
        [on("object", happening, nth=1, action=Late(lambda w: lambda: w.target.write_bytes(OLD)))],
        errors.ExistingFileError,
        old=None,
        act=_without_overwrite,
        look=_target_is_old,
        again=False,
        peers=False,
    )
    yield Row(
        "the directory is renamed while it is downloaded",
        [
            CUT,
            on(
                "object",
                happening,
                nth=1,
                action=Late(
                    lambda w: lambda: (w.data.rename(w.folder / "moved"), (w.folder / "data").symlink_to("moved"))
                ),
            ),
        ],
        act=World.retrieve,
        peers=False,
    )
    yield Row("the working directory is gone", act=_nowhere, peers=False)
    yield Row(
        "the directory may not be written",
        error=errors.StorageError,
        words="ermission",
        jobs=0,
        calls=0,
        seconds=5,
        act=_unprivileged,
        again=False,
        peers=False,
    )


def _made(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _link(path: Path, to: Path) -> Path:
    path.symlink_to(to)
    return path


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _replaced_by_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"")


def _to(make: Callable[[Path], Any]) -> Callable[[World], Any]:
    """A retrieve to a place that is made in the folder of data."""

    def act(world: World) -> Any:
        return world.client().retrieve(world.row.dataset, world.row.request, make(world.data), overwrite=True)

    return act


def _nothing_made(world: World, error: BaseException | None) -> Iterator[str]:
    if world.hidden():
        yield f"left over: {world.hidden()}"
    victim = world.data / "victim"
    if victim.exists() and victim.read_bytes() != OLD:
        yield "bytes: written through a link"
    if (world.data / "nothing").exists():
        yield "bytes: written through a link"


def _victim(world: World, error: BaseException | None) -> Iterator[str]:
    if (world.home / "victim").read_bytes() != OLD:
        yield "bytes: written through a link"
    if error is None and world.target.is_symlink():
        yield "bytes: the target is still a link"


def _target_is_old(world: World, error: BaseException | None) -> Iterator[str]:
    if world.target.read_bytes() != OLD:
        yield "old file: lost"


def _without_overwrite(world: World) -> Any:
    return world.client().retrieve(world.row.dataset, world.row.request, world.target, overwrite=False)


def _nowhere(world: World) -> Any:
    here = os.getcwd()
    gone = tempfile.mkdtemp()
    os.chdir(gone)
    os.rmdir(gone)
    try:
        return world.retrieve()
    finally:
        os.chdir(here)


# --- other processes: their outcome comes back as the error it was ---

PROGRAM = """
import base64, json, os, pickle, resource, signal, sys, threading
import era5fast as e5
from era5fast import errors
given = json.loads(sys.argv[1])
e5.Client, e5.__version__, e5.errors
{before}
print("go", flush=True)
outcome = None
try:
    client = e5.Client(given["url"], given["key"], journal=given["journal"], progress=False, **given["settings"])
    client.retrieve(given["dataset"], given["request"], given["target"], overwrite=True)
except BaseException as error:
    error.__cause__ = error.__context__ = None
    outcome = error
print(base64.b64encode(pickle.dumps(outcome)).decode(), flush=True)
"""


def start(world: World, before: str = "", **changes: Any) -> subprocess.Popen[str]:
    """A process that retrieves."""
    given = {
        "url": world.url,
        "key": world.cds.key,
        "journal": str(world.journal),
        "settings": {**QUICK, **world.row.settings},
        "dataset": world.row.dataset,
        "request": world.row.request,
        "target": str(world.target),
        **changes,
    }
    command = [sys.executable, "-P", "-c", PROGRAM.replace("{before}", before), json.dumps(given)]
    process = subprocess.Popen(
        command, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    if process.stdout.readline() != "go\n":
        raise RuntimeError("the process did not get that far")
    return process


def outcome_of(process: subprocess.Popen[str]) -> BaseException | None:
    """What it came to; a process that says nothing is a `RuntimeError`."""
    assert process.stdout is not None
    watch = threading.Timer(20, process.kill)
    watch.start()
    said = process.stdout.read()
    process.wait()
    watch.cancel()
    return pickle.loads(base64.b64decode(said)) if said else RuntimeError(f"it ended with {process.returncode}")


def elsewhere(before: str) -> Callable[[World], Any]:
    """A retrieve in another process, prepared by a piece of program."""

    def act(world: World) -> None:
        if (error := outcome_of(start(world, before))) is not None:
            raise error

    return act


def _unprivileged(world: World) -> None:
    """As somebody else where this is the superuser, whom no permission stops."""
    world.data.chmod(0o555)
    world.folder.chmod(0o755)
    try:
        elsewhere(
            "if os.getuid() == 0: os.setgroups([]), os.setgid(65534), os.setuid(65534)\ngiven['journal'] = False"
        )(world)
    finally:
        world.data.chmod(0o755)


# --- disks ---


def _can_mount() -> bool:
    """Whether small disks can be made here; only the superuser may."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = (
            os.geteuid() == 0
            and subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True
            ).returncode
            == 0
        )
        if mounted:
            subprocess.run(["umount", folder], check=True)
        return mounted


def disk(where: str, options: str) -> Callable[[World], None]:
    """A disk of its own for the data or the home."""

    def prepare(world: World) -> None:
        folder: Path = getattr(world, where)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)
        world.closing.append(lambda: subprocess.run(["umount", "-l", str(folder)], check=True))
        if where == "data" and world.row.old is not None:
            world.target.write_bytes(world.row.old)

    return prepare


def remount(where: str, options: str) -> Callable[[World], None]:
    def repair(world: World) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(getattr(world, where))], check=True)

    return repair


def then(*steps: Callable[[World], Any]) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        for step in steps:
            step(world)

    return prepare


def _no_size() -> list[Any]:
    from tests.fault_matrix import no_size

    return no_size()


def disks() -> Iterator[Row]:
    limit = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
given["journal"] = False
"""
    yield Row(
        "a file may not become so large", error=errors.StorageError, words="", act=elsewhere(limit), peers=False
    )
    if not _can_mount():
        return
    room = remount("data", "size=10m")
    yield Row(
        "the disk is too small",
        prepare=disk("data", "size=40k"),
        error=errors.StorageError,
        words="Needs .* free are",
        look=_no_data_asked,
        repair=room,
        peers=False,
    )
    yield Row(
        "the disk becomes full",
        _no_size(),
        prepare=disk("data", "size=40k"),
        error=errors.StorageError,
        words="No space",
        repair=room,
        peers=True,
    )
    yield Row(
        "the disk is full",
        prepare=then(disk("data", "size=16k"), _fill),
        error=errors.StorageError,
        words="",
        jobs=(0, 1),
        again=False,
        peers=False,
    )
    yield Row(
        "no more names on the disk",
        prepare=disk("data", "size=1m,nr_inodes=3"),
        error=errors.StorageError,
        words="No space",
        jobs=(0, 1),
        repair=remount("data", "nr_inodes=100"),
        peers=False,
    )
    yield Row(
        "the disk is read-only",
        prepare=then(disk("data", "size=1m"), remount("data", "ro")),
        error=errors.StorageError,
        words="[Rr]ead-only",
        jobs=0,
        calls=0,
        repair=remount("data", "rw"),
        peers=False,
    )
    yield Row(
        "the disk becomes read-only",
        [
            on("object", happening, nth=1, action=Late(lambda w: lambda: remount("data", "ro")(w))),
        ],
        prepare=disk("data", "size=1m"),
        repair=remount("data", "rw"),
        jobs=1,
        peers=False,
        either=errors.StorageError,
    )
    yield Row("the disk of the journal is full", prepare=then(disk("home", "size=8k"), _fill_home), peers=False)
    yield Row(
        "the disk of the journal is read-only",
        prepare=then(disk("home", "size=1m"), remount("home", "ro")),
        peers=False,
    )
    yield Row(
        "the disk of the journal becomes full",
        prepare=disk("home", "size=256k"),
        strikes=[on("execute", happening, nth=1, action=Late(lambda w: lambda: _fill_home(w)))],
        peers=False,
    )
    yield Row(
        "nothing can be written, a lost reply",
        [on("execute", "reply_lost", times=1)],
        prepare=then(disk("home", "size=1m"), remount("home", "ro")),
        peers=False,
    )


def _fill(world: World) -> None:
    with contextlib.suppress(OSError):
        (world.data / "ballast").write_bytes(bytes(1 << 20))


def _fill_home(world: World) -> None:
    with contextlib.suppress(OSError):
        (world.home / "ballast").write_bytes(bytes(10 << 20))


def _no_data_asked(world: World, error: BaseException | None) -> Iterator[str]:
    if world.cds.count("object"):
        yield "calls: data were asked for in vain"


# --- what an earlier call left ---

NAMES = {"part": ".t2m.grib.e5part", "state": ".t2m.grib.e5state", "lock": ".t2m.grib.e5lock"}


def half(world: World) -> None:
    """Leave a download that stopped half-way."""
    world.cds.fault("reset_after", route="object", nth=1, bytes=20_000)
    world.cds.fault("reset", route="object", nth=range(2, 1000))
    with contextlib.suppress(errors.NetworkError):
        world.retrieve(patience=0.1)
    world.cds.clear_faults()
    assert NAMES["part"] in world.hidden(), world.hidden()


def left(what: str, change: Callable[[Path], Any]) -> Callable[[World], None]:
    """The same, and then something is done with what was left."""

    def prepare(world: World) -> None:
        half(world)
        change(world.data / NAMES[what])

    return prepare


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)


def _to_victim(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(_made(path.parent / "victim", OLD * 5000))


def _victim_is_whole(world: World, error: BaseException | None) -> Iterator[str]:
    if (world.data / "victim").read_bytes() != OLD * 5000:
        yield "bytes: written through a link"


def _as_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _edit_state(path: Path, **changes: Any) -> None:
    text, end, note = path.read_bytes().partition(b"\0")
    path.write_bytes(json.dumps({**json.loads(text), **changes}).encode() + end + note)


def leftovers() -> Iterator[Row]:
    yield Row("half of it is there", prepare=half, look=_only_the_rest, peers=False, calls=60)
    for name, change in {
        "has a wrong bit": _flip,
        "holds zeros": lambda p: p.write_bytes(bytes(p.stat().st_size)),
        "is gone": Path.unlink,
        "is empty": lambda p: p.write_bytes(b""),
        "is shorter": lambda p: p.write_bytes(p.read_bytes()[:777]),
        "is longer": lambda p: p.write_bytes(p.read_bytes() + b"x" * 100_000),
        "is another's": lambda p: p.write_bytes(grib(300_000, seed=9)),
    }.items():
        yield Row(f"the part {name}", prepare=left("part", change), peers=False)
    yield Row("the part is a link", prepare=left("part", _to_victim), look=_victim_is_whole, peers=False)
    yield Row("the part is a pipe", prepare=left("part", lambda p: (p.unlink(), os.mkfifo(p))), peers=False)
    yield Row(
        "the part is a directory",
        prepare=left("part", _as_folder),
        error=errors.StorageError,
        again=False,
        hint=False,
        peers=False,
    )
    for name, change in {
        "is gone": Path.unlink,
        "is empty": lambda p: p.write_bytes(b""),
        "is garbage": lambda p: p.write_bytes(random.Random(1).randbytes(5000)),
        "is half": lambda p: p.write_bytes(p.read_bytes()[:70]),
        "is huge": lambda p: p.write_bytes(p.read_bytes() + b" " * (20 << 20)),
        "is too deep": lambda p: p.write_bytes(b"[" * 100_000),
        "is of a later version": lambda p: _edit_state(p, version=999, format=999),
        "has wrong types": lambda p: _edit_state(p, job=7, size="x", pieces={}, etag=[], fingerprint=1),
        "claims too much": lambda p: _edit_state(p, pieces=[[0, 50_000, 50_000]]),
        "has impossible pieces": lambda p: _edit_state(p, pieces=[[-5, 2**62, -1], [9, 3, 7]]),
        "has a hostile job": lambda p: _edit_state(p, job="../../delete"),
        "is another request's": lambda p: _edit_state(p, fingerprint="0" * 64),
        "knows another size": lambda p: _edit_state(p, size=40_000),
        "has another entity tag": lambda p: _edit_state(p, etag='"x"'),
    }.items():
        yield Row(f"the state {name}", prepare=left("state", change), peers=False)
    yield Row("the state is a link", prepare=left("state", _to_victim), look=_victim_is_whole, peers=False)
    yield Row("the state is a pipe", prepare=left("state", lambda p: (p.unlink(), os.mkfifo(p))), peers=False)
    yield Row(
        "the state is a directory",
        prepare=left("state", _as_folder),
        either=errors.StorageError,
        again=False,
        hint=False,
        peers=False,
        spare=NAMES["state"],
    )
    yield Row("part and state have no job", prepare=left("state", lambda p: _edit_state(p, job="")), peers=False)
    for name, change in {
        "is garbage": lambda p: p.write_bytes(b"\xff" * 999),
        "is of a process long gone": lambda p: p.write_bytes(b"999999999\n"),
        "may not be read": lambda p: (p.write_bytes(b""), p.chmod(0)),
    }.items():
        yield Row(f"the lock {name}", prepare=lambda w, c=change: c(w.data / NAMES["lock"]), peers=False)
    yield Row(
        "the lock is a link",
        prepare=lambda w: _to_victim(w.data / NAMES["lock"]),
        look=_victim_is_whole,
        error=errors.StorageError,
        jobs=0,
        calls=0,
        again=False,
        hint=False,
        peers=False,
    )
    yield Row(
        "the lock is a directory",
        prepare=lambda w: _as_folder(w.data / NAMES["lock"]),
        error=errors.StorageError,
        jobs=0,
        calls=0,
        again=False,
        hint=False,
        peers=False,
    )


def _only_the_rest(world: World, error: BaseException | None) -> Iterator[str]:
    last = [call for call in world.cds.requests if call.route == "object"][-1]
    if last.headers.get("range") != "bytes=20000-":
        yield f"bytes again: the last range is {last.headers.get('range')}"


# --- several at one target ---


def several() -> Iterator[Row]:
    slow = {"strikes": [on("object", "drip", speed=200_000.0)], "peers": False}
    for count in (2, 8):
        yield Row(
            f"{count} threads at one target", act=_threads(count), look=_one_transfer, seconds=20, calls=80, **slow
        )
        yield Row(
            f"{count} threads with one request and a target each",
            act=_threads(count, apart=True),
            seconds=20,
            calls=160,
            **slow,
        )
    for count in (2, 4):
        yield Row(
            f"{count} processes at one target",
            act=_processes(count),
            look=_one_transfer,
            seconds=30,
            calls=80,
            **slow,
        )
        yield Row(
            f"{count} processes with one request and a target each",
            act=_processes(count, apart=True),
            seconds=30,
            calls=120,
            **slow,
        )
    yield Row(
        "another process holds the target",
        [on("object", "stall", seconds=30.0, after=9000)],
        errors.TargetBusyError,
        "",
        act=_beside(None),
        settings={"deadline": 1.0, "low_speed_time": 20.0, "timeout": 20.0},
        seconds=20,
        again=False,
        peers=False,
    )
    yield Row(
        "another process holds the target and sleeps",
        [on("object", "stall", nth=1, seconds=30.0, after=9000)],
        errors.TargetBusyError,
        "",
        act=_beside(signal.SIGSTOP),
        settings={"deadline": 1.0},
        seconds=20,
        again=False,
        peers=False,
    )
    yield Row(
        "the process that holds the target is killed",
        [on("object", "stall", nth=1, seconds=30.0, after=9000)],
        act=_beside(signal.SIGKILL),
        settings={"low_speed_time": 20.0, "timeout": 20.0},
        seconds=20,
        peers=False,
    )
    yield Row(
        "a process is killed before it hears of its job",
        [on("execute", "stall", nth=1, seconds=30.0)],
        act=_killed_at("execute"),
        settings={"timeout": 20.0},
        seconds=20,
        peers=False,
    )
    yield Row(
        "a process is killed while its job runs",
        scripts=[{"running": 1.0}],
        act=_killed_at("jobs"),
        seconds=20,
        peers=False,
    )


def _threads(count: int, apart: bool = False) -> Callable[[World], None]:
    def act(world: World) -> None:
        failures: list[BaseException] = []

        def one(number: int) -> None:
            target = world.home / f"{number}.grib" if apart and number else world.target
            try:
                world.client().retrieve(
                    world.row.dataset, world.row.request, target, overwrite="verify" if number else True
                )
                assert target.read_bytes() == ANSWER
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    return act


def _processes(count: int, apart: bool = False) -> Callable[[World], None]:
    def act(world: World) -> None:
        places = [world.home / f"{n}.grib" if apart and n else world.target for n in range(count)]
        running = [start(world, target=str(place)) for place in places]
        failures = [error for error in map(outcome_of, running) if error is not None]
        if failures:
            raise failures[0]
        assert all(place.read_bytes() == ANSWER for place in places)

    return act


def _one_transfer(world: World, error: BaseException | None) -> Iterator[str]:
    """Nothing is fetched twice at the same time; who comes later may fetch anew, having been told to replace."""
    calls = [call for call in world.cds.requests if call.route == "object"]
    if len(calls) > 8:
        yield f"calls: {len(calls)} transfers"


def _beside(what: signal.Signals | None) -> Callable[[World], None]:
    """A retrieve while another process is in the middle of its transfer, to which something happens."""

    def act(world: World) -> None:
        process = start(world, settings={**QUICK, **world.row.settings, "deadline": 0.0})
        try:
            wait_for(lambda: world.cds.count("object") and NAMES["part"] in world.hidden())
            if what is not None:
                process.send_signal(what)
            world.retrieve()
        finally:
            process.kill()
            process.communicate()

    return act


def _killed_at(route: str) -> Callable[[World], None]:
    def act(world: World) -> None:
        process = start(world)
        wait_for(lambda: world.cds.count(route))
        process.kill()
        process.communicate()
        world.retrieve()

    return act


# --- signals ---


def signals() -> Iterator[Row]:
    chance = random.Random(20)
    slow = {
        "prepare": lambda world: world.cds.fault("drip", route="object", speed=150_000.0),
        "scripts": [{"running": 0.2}],
        "peers": False,
        "seconds": 15,
    }
    for what in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for moment in MOMENTS:
            seconds = moment * chance.uniform(0.5, 1.5)
            yield Row(f"{what.name} after about {moment} s", act=_struck(what, [seconds]), **slow)
        yield Row(
            f"{what.name} five times",
            act=_struck(what, [chance.uniform(0.0, 0.4) for _ in range(5)]),
            **{**slow, "seconds": 40},
            calls=100,
        )
    yield Row(
        "SIGINT while the service is silent",
        [on("jobs", "black_hole", times=1)],
        act=_struck(signal.SIGINT, [None]),
        settings={"timeout": 20},
        seconds=20,
        peers=False,
    )
    yield Row(
        "SIGINT while data are silent",
        [on("object", "stall", times=1, seconds=30.0, after=20_000)],
        act=_struck(signal.SIGINT, [None]),
        settings={"timeout": 20, "low_speed_time": 20},
        seconds=20,
        peers=False,
    )
    yield Row(
        "SIGINT while it waits for the service",
        [on("jobs", "rate_limit", times=1, retry_after=3)],
        act=_struck(signal.SIGINT, [None]),
        seconds=20,
        peers=False,
    )
    yield Row(
        "other signals, handled by the program",
        act=elsewhere(
            "signal.signal(signal.SIGALRM, lambda *_: None)\nsignal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)"
        ),
        **slow,
    )
    yield Row("few descriptors", act=elsewhere("resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"), peers=False)
    yield Row(
        "no descriptors",
        act=elsewhere("resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))"),
        jobs=(0, 1),
        again=False,
        either=(errors.StorageError, errors.NetworkError, errors.ConfigError, OSError),
        hint=False,
        peers=False,
    )
    yield Row("a forked child asks for the same", act=_forked, jobs=1, seconds=8, peers=False)
    yield Row("in a thread of the program", act=_in_thread, peers=False)
    yield Row("the program ends while a thread downloads", act=_ending, **{**slow, "seconds": 20})
    yield Row(
        "what belongs to the program stays as it is",
        [CUT, on("jobs", "bad_gateway", times=1)],
        act=_unchanged,
        peers=False,
    )


def _struck(what: signal.Signals, moments: Sequence[float | None]) -> Callable[[World], None]:
    """Processes that are struck at these moments, one after another; then the call goes on to its end.

    None is the moment at which the faults of the row have all struck.
    """

    def act(world: World) -> None:
        for moment in moments:
            process = start(world)
            if moment is None:
                wait_for(lambda: all(rule.hits for rule in world.rules))
            else:
                time.sleep(moment)
            process.send_signal(what)
            sent = time.monotonic()
            outcome = outcome_of(process)
            took = time.monotonic() - sent
            if took > 2.0 * slowness():
                raise TimeoutError(f"the process was there for {took:.1f} s after {what.name}")
            if what == signal.SIGINT and not isinstance(outcome, KeyboardInterrupt | None):
                raise TypeError(f"SIGINT became {outcome!r}")
            if world.target.read_bytes() not in (OLD, ANSWER):
                raise ValueError("neither the old nor the new file is there")
        world.cds.clear_faults()
        world.retrieve()

    return act


def _forked(world: World) -> None:
    client = world.client()
    client.retrieve(world.row.dataset, world.row.request, world.target, overwrite=True)
    child = os.fork()
    if child == 0:
        try:
            client.retrieve(world.row.dataset, world.row.request, world.home / "child.grib")
            os._exit(0 if (world.home / "child.grib").read_bytes() == ANSWER else 2)
        except errors.ForkedProcessError:
            os._exit(0)
        except BaseException:
            os._exit(3)
    assert os.waitpid(child, 0)[1] == 0
    client.retrieve(world.row.dataset, world.row.request, world.home / "parent.grib")


ENDING = """
def work():
    e5.Client(given["url"], given["key"], journal=given["journal"], progress=False, **given["settings"]).retrieve(
        given["dataset"], given["request"], given["target"], overwrite=True)

threading.Thread(target=work, daemon=True).start()
print("go", flush=True)
threading.Event().wait(0.4)
sys.exit(7)
"""


def _ending(world: World) -> None:
    process = start(world, ENDING)
    began = time.monotonic()
    outcome = outcome_of(process)
    assert "ended with 7" in str(outcome), outcome
    assert time.monotonic() - began < 3.0 * slowness()
    world.cds.clear_faults()
    world.retrieve()


def _state_of_process() -> dict[str, Any]:
    mask = os.umask(0o022)
    os.umask(mask)
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    return {
        "mask": mask,
        "handlers": handlers,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "locale": locale.setlocale(locale.LC_ALL),
        "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, []),
    }


def _unchanged(world: World) -> None:
    client, before = world.client(), _state_of_process()
    client.retrieve(world.row.dataset, world.row.request, world.target, overwrite=True)
    assert _state_of_process() == before


def _in_thread(world: World) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            world.retrieve()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


# --- the journal ---


def _journal(change: Callable[[Path], Any]) -> Callable[[World], None]:
    return lambda world: change(world.journal)


def _used(world: World) -> None:
    """A journal with a finished file in it."""
    world.client().retrieve(world.row.dataset, world.row.request, world.home / "first.grib")
    (world.home / "first.grib").unlink()


def _later_version(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as base, base:
        base.execute("CREATE TABLE x (y)")
        base.execute("PRAGMA user_version = 9999")


def _locked(world: World) -> None:
    _used(world)
    base = sqlite3.connect(world.journal, isolation_level=None)
    base.execute("BEGIN EXCLUSIVE")
    world.closing.append(base.close)


def _hostile(world: World) -> None:
    _used(world)
    with contextlib.closing(sqlite3.connect(world.journal)) as base, base:
        for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not table.startswith("sqlite_"):
                base.execute(
                    f"CREATE TRIGGER evil_{table} AFTER INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'evil'); END"
                )


def journals() -> Iterator[Row]:
    for name, change in {
        "is garbage": lambda p: p.write_bytes(random.Random(2).randbytes(9000)),
        "is empty": lambda p: p.write_bytes(b""),
        "is a text": lambda p: p.write_text("hello"),
        "is a directory": lambda p: p.mkdir(),
        "is a pipe": lambda p: os.mkfifo(p),
        "is of a later version": _later_version,
        "is a link to nothing": lambda p: p.symlink_to("/nowhere/journal"),
    }.items():
        yield Row(f"the journal {name}", prepare=_journal(change), peers=False)
        yield Row(
            f"the journal {name}, a lost reply",
            [on("execute", "reply_lost", times=1)],
            prepare=_journal(change),
            peers=False,
        )
    for name, change in {
        "is half": lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]),
        "has wrong bytes": lambda p: p.write_bytes(p.read_bytes()[:5000] + b"\xff" * 3000 + p.read_bytes()[8000:]),
        "is gone": Path.unlink,
    }.items():
        yield Row(
            f"the journal {name} after use", prepare=then(_used, _journal(change)), posts=2, jobs=(1, 2), peers=False
        )
    yield Row("the journal has hostile triggers", prepare=_hostile, posts=2, jobs=(1, 2), peers=False)
    yield Row("the journal is locked by another", prepare=_locked, posts=2, jobs=(1, 2), seconds=40, peers=False)
    yield Row(
        "the journal is deleted half-way",
        [on("execute", happening, nth=1, action=Late(lambda w: lambda: w.journal.unlink()))],
        peers=False,
    )
    yield Row(
        "the journal is overwritten half-way",
        [on("execute", happening, nth=1, action=Late(lambda w: lambda: w.journal.write_bytes(b"x" * 50_000)))],
        peers=False,
    )
    yield Row("no journal", prepare=lambda w: setattr(w, "journal", False), peers=False)
    yield Row(
        "no journal, a lost reply",
        [on("execute", "reply_lost", times=1)],
        prepare=lambda w: setattr(w, "journal", False),
        peers=False,
    )
    yield Row(
        "no folder for the journal",
        prepare=lambda w: setattr(w, "journal", w.home / "a" / "b" / "journal"),
        peers=False,
    )
    yield Row(
        "a file where the folder of the journal should be",
        prepare=lambda w: setattr(w, "journal", _made(w.home / "file", b"") / "journal"),
        peers=False,
    )
    yield Row(
        "the journal knows a file that was changed since",
        prepare=_changed_since,
        contents=(ANSWER,),
        act=_verifying,
        peers=False,
    )
    yield Row(
        "the service has forgotten the job of the journal",
        prepare=_forgotten,
        jobs=2,
        posts=2,
        settings={"young": 0},
        peers=False,
    )


def _changed_since(world: World) -> None:
    world.retrieve()
    world.target.write_bytes(ANSWER[:-9] + b"damaged!!")


def _verifying(world: World) -> Any:
    return world.client().retrieve(world.row.dataset, world.row.request, world.target)


def _forgotten(world: World) -> None:
    world.client().submit(world.row.dataset, world.row.request)
    world.cds._api.jobs._jobs.clear()
    world.cds.script(answer=ANSWER)
    world.cds._api.jobs.create("x", "y", {}, world.cds._answers.default, lambda: (None, False))


# --- secrets ---


def secrets() -> Iterator[Row]:
    refused = {
        "error": errors.ConfigError,
        "jobs": 0,
        "calls": 0,
        "seconds": 1.0,
        "again": False,
        "hint": False,
        "peers": False,
    }
    for key in ("two words", "123:0a1b2c3d", "line\nbreak", "schlüssel", "tab\t", "nul\0"):
        yield Row(f"the key is {key[:20]!r}", act=_with_key(key), look=_key_unseen(key), **refused)
    for url in (
        "http://example.org/api",
        "ftp://example.org/api",
        "https://",
        "https://user:secret@example.org/api",
        "example",
        "https://a b/",
        "https://example.org/api?x=y\r\nz",
    ):
        yield Row(f"the address is {url!r}", act=_with_url(url), **refused)
    yield Row(
        "a wrong key",
        error=errors.AuthError,
        words="token",
        act=lambda w: _with_key("00000000-7e57-4000-8000-10ca1ca11b0b")(w).retrieve(
            w.row.dataset, w.row.request, w.target, overwrite=True
        ),
        jobs=0,
        posts=1,
        calls=2,
        again=False,
        peers=False,
    )
    yield Row("no secret in the environment of a child", act=_child_environment, peers=False)


def _with_key(key: str) -> Callable[[World], e5.Client]:
    return lambda world: e5.Client(world.url, key, journal=False, **QUICK)


def _with_url(url: str) -> Callable[[World], e5.Client]:
    return lambda world: e5.Client(url, world.cds.key, journal=False, **QUICK)


def _key_unseen(key: str) -> Callable[[World, BaseException | None], Iterator[str]]:
    def look(world: World, error: BaseException | None) -> Iterator[str]:
        if key in str(error) or key in repr(error):
            yield "token: in the error"

    return look


def _child_environment(world: World) -> None:
    client = world.client()
    world.retrieve()
    said = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert world.cds.key not in said + repr(client) + repr(vars(client)) + str(client)


# --- the other faces ---


def faces() -> Iterator[Row]:
    yield Row(
        "without a target, then downloaded",
        [CUT, on("jobs", "bad_gateway", times=1)],
        act=lambda w: _result(w).download(w.target, overwrite=True),
        peers=False,
    )
    yield Row(
        "without a target, damaged",
        [on("object", "bit_flip", offset=9)],
        errors.CorruptDataError,
        "checksum",
        act=lambda w: _result(w).download(w.target, overwrite=True),
        peers=False,
    )
    yield Row(
        "without a target, a job that fails",
        error=errors.JobFailedError,
        words="went wrong",
        act=lambda w: _result(w),
        scripts=[{"outcome": "failed", "traceback": "it went wrong"}],
        peers=False,
    )
    yield Row("expired before it is downloaded", act=_expired_between, jobs=2, peers=False)
    yield Row(
        "many calls, some bad",
        act=_many,
        jobs=5,
        posts=5,
        scripts=(),
        calls=80,
        prepare=_months,
        look=_good_months,
        peers=False,
    )
    yield Row(
        "a plan with a bad file",
        error=errors.BatchError,
        words="1 of 4 files failed.*bad month",
        act=_planned,
        jobs=4,
        posts=4,
        scripts=(),
        calls=80,
        prepare=_months,
        again=False,
        look=_one_bad,
        hint=False,
        peers=False,
    )
    yield Row(
        "many calls through a service that stumbles",
        [
            on("api", "internal_error", nth=_a_third(200)),
            on("object", "reset_after", nth=_a_third(200), bytes=5000),
            on("jobs", "html_page", nth=(2, 5)),
        ],
        act=_stumbling,
        jobs=8,
        posts=20,
        calls=200,
        scripts=(),
        prepare=_good_only,
        seconds=10,
        peers=False,
    )
    yield Row(
        "submitted in one process, downloaded in another",
        [CUT, on("job", "unavailable", times=1)],
        act=_submitted_elsewhere,
        seconds=20,
        peers=False,
    )
    yield Row(
        "a reply to submit is lost",
        [on("execute", "reply_lost", times=1)],
        act=lambda w: w.client().submit(w.row.dataset, w.row.request).download(w.target, overwrite=True),
        peers=False,
    )
    yield Row(
        "a job by hand that fails",
        error=errors.JobFailedError,
        words="went wrong",
        act=lambda w: w.client().submit(w.row.dataset, w.row.request).wait(),
        scripts=[{"outcome": "failed", "traceback": "it went wrong"}],
        peers=False,
    )
    yield Row(
        "a job by hand that does not end",
        error=errors.JobTimeoutError,
        words="",
        act=lambda w: w.client().submit(w.row.dataset, w.row.request).wait(timeout=0.4),
        scripts=[{"running": 1e6}],
        seconds=2,
        peers=False,
    )
    yield Row(
        "a job that nobody knows",
        error=errors.JobLostError,
        words="",
        act=lambda w: w.client().job("6f0c1c1e-5a0b-4f0e-9a55-0d6a4d1b7e21"),
        jobs=0,
        again=False,
        hint=False,
        peers=False,
    )
    yield Row(
        "a job with a hostile name",
        error=errors.JobLostError,
        words="",
        act=lambda w: w.client().job("../../account"),
        jobs=0,
        again=False,
        hint=False,
        peers=False,
    )
    yield Row(
        "the reply to a dismissal is lost", [on("dismiss", "reset", times=1)], act=_cancelled, look=_gone, peers=False
    )
    yield from questions()


QUESTIONS: dict[str, tuple[str, Callable[[e5.Client], Any]]] = {
    "costing": ("estimate", lambda c: c.estimate("reanalysis-era5-single-levels", {"year": ["2013"]})),
    "constraints": ("constraints", lambda c: c.constraints("reanalysis-era5-single-levels", {"month": ["02"]})),
    "licences": ("accepted licences", lambda c: c.accepted_licences()),
    "accept": ("accept a licence", lambda c: c.accept_licence(c.licences()[0]["id"], c.licences()[0]["revision"])),
    "verify": ("check", lambda c: c.check()),
    "jobs": ("jobs", lambda c: c.jobs()),
}


def questions() -> Iterator[Row]:
    """Calls that may be repeated."""
    common: dict[str, Any] = {"jobs": 0, "posts": 0, "again": False, "peers": False}
    for route, (name, ask) in QUESTIONS.items():
        for fault, how in [
            ("rate_limit", {"retry_after": None}),
            ("internal_error", {}),
            ("bad_gateway", {}),
            ("reset", {}),
            ("black_hole", {}),
            ("short_body", {}),
            ("html_page", {}),
            ("truncated_json", {}),
            ("wrong_length", {}),
        ]:
            yield Row(f"{name}: {fault} once", [on(route, fault, times=1, **how)], act=_asking(ask), **common)
        yield Row(
            f"{name}: unavailable for ever",
            [on(route, "unavailable")],
            errors.ServerError,
            "fails",
            act=_asking(ask),
            settings={"patience": 0.3},
            **common,
        )
        yield Row(
            f"{name}: not JSON for ever",
            [on(route, "not_json")],
            errors.ServerError,
            "unreadable",
            act=_asking(ask),
            **common,
        )
        yield Row(
            f"{name}: led elsewhere",
            [on(route, "redirect")],
            errors.RequestError,
            "refused",
            act=_asking(ask),
            **common,
        )
        if route not in ("costing", "constraints"):
            yield Row(
                f"{name}: 401", [on(route, "token_rejected")], errors.AuthError, "token", act=_asking(ask), **common
            )


def _asking(ask: Callable[[e5.Client], Any]) -> Callable[[World], None]:
    def act(world: World) -> None:
        answer = ask(world.client())
        assert isinstance(answer, dict | list), answer
        world.target.write_bytes(ANSWER)

    return act


def _result(world: World) -> Any:
    return world.client().retrieve(world.row.dataset, world.row.request)


def _expired_between(world: World) -> None:
    result = _result(world)
    world.cds.evict()
    result.download(world.target, overwrite=True)


def _months(world: World) -> None:
    for number in (1, 2, 4):
        world.cds.script(
            answer=grib(20_000, seed=number), match=lambda _, i, m=f"{number:02d}": i.get("month") == [m]
        )
    world.cds.script(outcome="failed", traceback="bad month", match=lambda _, i: i.get("month") == ["03"])
    world.cds.script(answer=ANSWER)


def _good_only(world: World) -> None:
    for number in range(1, 9):
        world.cds.script(
            answer=grib(20_000, seed=number), match=lambda _, i, m=f"{number:02d}": i.get("month") == [m]
        )


def _many(world: World) -> None:
    calls = [(world.row.dataset, month(n), world.data / f"{n:02d}.grib") for n in (1, 2, 3, 4)]
    calls += [
        (world.row.dataset, world.row.request, world.target),
        (world.row.dataset, {"x": {1}}, world.data / "never"),
    ]
    found = world.client().retrieve(calls, overwrite=True)
    kinds = [type(outcome).__name__ for outcome in found]
    assert kinds == ["str", "str", "JobFailedError", "str", "str", "InputError"], kinds


def _good_months(world: World, error: BaseException | None) -> Iterator[str]:
    for number in (1, 2, 4):
        if (world.data / f"{number:02d}.grib").read_bytes() != grib(20_000, seed=number):
            yield f"bytes: month {number} is wrong"


def _planned(world: World) -> None:
    plan = [Job(world.row.dataset, month(n), f"{n:02d}.grib", 4, 20_000) for n in (1, 2, 3, 4)]
    world.client().fetch(plan, world.data)


def _one_bad(world: World, error: BaseException | None) -> Iterator[str]:
    if not isinstance(error, errors.BatchError):
        yield f"outcome: {error!r}"
    elif list(error.failures) != [str(world.data / "03.grib")] or len(error.paths) != 3:
        yield f"outcome: {error.failures}, {error.paths}"
    yield from _good_months(world, error)


def _a_third(calls: int) -> list[int]:
    """Calls that fail, at random: with a period, a call that is repeated in step with it would fail for ever."""
    return random.Random(3).sample(range(1, calls), calls // 3)


def _stumbling(world: World) -> None:
    plan = [Job(world.row.dataset, month(n), f"{n:02d}.grib", 4, 20_000) for n in range(1, 9)]
    paths = world.client(max_jobs=4).fetch(plan, world.data)
    assert [Path(path).read_bytes() for path in paths] == [grib(20_000, seed=n) for n in range(1, 9)]
    world.target.write_bytes(ANSWER)


SUBMIT = """
client = e5.Client(given["url"], given["key"], journal=given["journal"], progress=False, **given["settings"])
job = client.submit(given["dataset"], given["request"])
print("go", flush=True)
print(base64.b64encode(pickle.dumps(RuntimeError(job.id))).decode(), flush=True)
os._exit(0)
"""


def _submitted_elsewhere(world: World) -> None:
    job_id = str(outcome_of(start(world, SUBMIT)))
    world.client().job(job_id).download(world.target, overwrite=True)


def _cancelled(world: World) -> None:
    job = world.client().submit(world.row.dataset, world.row.request)
    job.cancel()
    world.target.write_bytes(ANSWER)


def _gone(world: World, error: BaseException | None) -> Iterator[str]:
    if world.cds.jobs[0].dismissed is None:
        yield "jobs: it was not cancelled"


GROUPS = (targets, disks, leftovers, several, signals, journals, secrets, faces)

"""What the tests of the client share: a service that must not leak, a quick client, answers, other processes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import era5fast as e5
from era5fast.plan import Job
from era5fast.testing import Service
from tests.look_alike import DATASET, REQUEST, wait_for

#: Settings that make all waits a hundredth of what they are.
QUICK = {"pace": 0.01}


@contextlib.contextmanager
def running_service(**options: Any) -> Iterator[Service]:
    """A service; at its end no secret may have reached the object store."""
    with Service(**options) as cds:
        yield cds
        assert cds.leaks == []


def quick(cds: Service, **options: Any) -> e5.Client:
    """A client that looks often and waits little."""
    return e5.Client(cds.url, cds.key, **{**QUICK, "patience": 5.0, **options})


def grib(size: int, seed: int = 0) -> bytes:
    """An answer that is quickly made: begins and ends like GRIB, is noise in between."""
    return b"GRIB" + random.Random(seed).randbytes(size - 8) + b"7777"


def month(number: int) -> dict[str, Any]:
    """A request that differs from others by its month only."""
    return {**REQUEST, "month": [f"{number:02d}"]}


def answer_months(cds: Service, numbers: range, size: int = 20_000, **script: Any) -> dict[int, bytes]:
    """Give every month an answer of its own."""
    answers = {number: grib(size, seed=number) for number in numbers}
    for number, answer in answers.items():
        cds.script(answer=answer, match=lambda _, inputs, m=f"{number:02d}": inputs["month"] == [m], **script)
    return answers


def items(numbers: range, folder: Path) -> list[tuple[str, dict[str, Any], str]]:
    """The months as a list of calls."""
    return [(DATASET, month(number), str(folder / f"{number:02d}.grib")) for number in numbers]


def plan(numbers: range) -> list[Job]:
    """The months as a plan."""
    return [Job(DATASET, month(number), f"{number:02d}.grib", 4, 20_000) for number in numbers]


_NOTE_AT = 16384
_NOTE_PIECES = 8 + 48 + 40 + 136 + 8  # behind magic, boot, checksum, etag and size


def hidden(folder: Path) -> list[str]:
    """What a download keeps beside its target."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def state_of(target: Path) -> dict[str, Any]:
    """What an unfinished download knows.

    ``durable`` are the bytes on disk; ``written`` those that it need not fetch again unless the machine goes down.
    """
    content = (target.parent / f".{target.name}.e5state").read_bytes()
    state = json.loads(content.partition(b"\0")[0])
    return {**state, "durable": _here(state["pieces"]), "written": _here(_noted(content) or state["pieces"])}


def _noted(content: bytes) -> list[tuple[int, int, int]]:
    """Pieces of the note behind the text, see net/statefile.c."""
    if content[_NOTE_AT : _NOTE_AT + 7] != b"e5note1":
        return []
    count, *numbers = struct.unpack_from("=I4x48q", content, _NOTE_AT + _NOTE_PIECES)
    return [tuple(numbers[i : i + 3]) for i in range(0, 3 * count, 3)]


def _here(pieces: Iterable[Sequence[int]]) -> int:
    return sum(position - start for start, _, position in pieces)


def received(target: Path, beginning: bytes) -> bool:
    """Whether an unfinished download has got so far; the size of its file says nothing, room is made beforehand."""
    part = target.parent / f".{target.name}.e5part"
    return part.exists() and part.read_bytes()[: len(beginning)] == beginning


def objects(cds: Service) -> list[Any]:
    """Calls for files."""
    return [call for call in cds.requests if call.route == "object"]


PROGRAM = f"""
import sys, json
import era5fast as e5
url, key, target, overwrite = sys.argv[1:]
client = e5.Client(url, key, **{QUICK})
try:
    client.retrieve({DATASET!r}, {REQUEST!r}, target, overwrite=json.loads(overwrite), progress=False)
    print("done", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def environment() -> dict[str, str]:
    """For processes that shall import what this one imports."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def run_program(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, to its end."""
    command = [sys.executable, "-P", "-c", program, *map(str, arguments)]
    return subprocess.run(command, env=environment(), text=True, capture_output=True, timeout=30)


class Other:
    """Another process; by default one that retrieves `REQUEST`."""

    def __init__(self, cds: Service, target: Path, overwrite: bool | str = "verify", program: str = PROGRAM) -> None:
        command = [sys.executable, "-P", "-c", program, cds.url, cds.key, str(target), json.dumps(overwrite)]
        self.process = subprocess.Popen(command, env=environment(), text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)  # fmt: skip

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def interrupt(self) -> None:
        """What ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """What nobody survives."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """Its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


__all__ = [
    "DATASET", "QUICK", "REQUEST", "Other", "answer_months", "grib", "hidden", "items", "month", "objects", "plan",
    "quick", "received", "run_program", "running_service", "state_of", "wait_for",
]  # fmt: skip

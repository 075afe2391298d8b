"""Processes that compute and write answers, so that the service itself never touches the netCDF library.

netCDF is not safe in threads. A test that reads files with netCDF4 or xarray while a service in the same process
writes some in a thread would crash now and then; hence children. They are started when first needed, shared by all
services of a process, and end when their standard input does.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .weather import Weather

PROCESSES = 2
_PACKAGES = Path(__file__).resolve().parents[2]


class WriterError(Exception):
    """An answer could not be computed; the text is that of the writing process."""


@dataclass(frozen=True)
class Task:
    """One answer to compute.

    Parameters
    ----------
    weather : Weather
        Where the values come from.
    dataset : str
        Id of the data set.
    inputs : dict
        The request, known to be valid.
    latest : datetime.datetime
        Last hour with data.
    folder : pathlib.Path
        Where to put the file.
    stem : str
        Its name without ending.
    """

    weather: Weather
    dataset: str
    inputs: dict[str, Any]
    latest: datetime
    folder: Path
    stem: str


Done = Callable[[Path | WriterError], None]
_tasks: queue.SimpleQueue[tuple[Task, Done]] = queue.SimpleQueue()
_starting = threading.Lock()
_threads: list[threading.Thread] = []
_children: list[subprocess.Popen[str]] = []


@atexit.register
def _end_children() -> None:
    """A child in the middle of an answer does not outlive its owner."""
    for child in _children:
        child.kill()


def submit(task: Task, done: Done) -> None:
    """Have an answer computed.

    Parameters
    ----------
    task : Task
        What to compute.
    done : callable
        Called in another thread with the path of the file, or with the error.
    """
    _tasks.put((task, done))
    with _starting:
        if len(_threads) < PROCESSES:
            thread = threading.Thread(target=_serve, name="era5fast-testing-writer", daemon=True)
            _threads.append(thread)
            thread.start()


def _serve() -> None:
    """Hand tasks to one child after another, for ever; a child that died is replaced."""
    child: subprocess.Popen[str] | None = None
    while True:
        task, done = _tasks.get()
        if child is None or child.poll() is not None:
            child = _start()
        done(_ask(child, task))


def _start() -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.writer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,  # ctrl-C is for the owner, who then ends it
    )
    _children.append(child)
    return child


def _ask(child: subprocess.Popen[str], task: Task) -> Path | WriterError:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(_encode(task) + "\n")
        child.stdin.flush()
        line = child.stdout.readline()
    except (OSError, ValueError) as e:
        return WriterError(f"the writing process is gone: {e}")
    if not line:
        return WriterError("the writing process has ended")
    reply = json.loads(line)
    return Path(reply["path"]) if "path" in reply else WriterError(reply["error"])


def _encode(task: Task) -> str:
    waves = [{**asdict(w), "start": w.start.isoformat()} for w in task.weather.heatwaves]
    return json.dumps(
        {
            "seed": task.weather.seed,
            "heatwaves": waves,
            "dataset": task.dataset,
            "inputs": task.inputs,
            "latest": task.latest.isoformat(),
            "folder": str(task.folder),
            "stem": task.stem,
        }
    )

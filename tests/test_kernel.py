"""In a notebook: a cell that downloads is interrupted, its kernel is killed, and the next run of the cell goes on."""

from __future__ import annotations

import ast
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from era5fast.testing import Service
from tests.client_kit import DATASET, QUICK, REQUEST, environment, grib, hidden, objects, wait_for
from tests.look_alike import slowness

ANSWER = grib(600_000)
WITHIN = 30.0  # seconds for a kernel to answer


class Notebook:
    """A kernel of its own process, as Jupyter runs it."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment())
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=WITHIN)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def begin(self, cell: str, value: str = "None") -> str:
        """Run a cell without waiting for it."""
        return self.client.execute(cell, user_expressions={"value": value})

    def end(self, message: str) -> dict[str, Any]:
        """What the kernel replies when a cell has ended."""
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            reply = self.client.get_shell_msg(timeout=WITHIN)
            if reply["parent_header"].get("msg_id") == message:
                return dict(reply["content"])
        raise AssertionError("the kernel does not answer")

    def run(self, cell: str, value: str = "None") -> Any:
        """Run a cell; the value of an expression after it."""
        content = self.end(self.begin(cell, value))
        assert content["status"] == "ok", content
        return ast.literal_eval(content["user_expressions"]["value"]["data"]["text/plain"])

    def interrupt(self) -> None:
        """The button with the square."""
        self.manager.interrupt_kernel()

    def kill(self) -> None:
        """What the system does when memory is short; Jupyter then starts the kernel again."""
        os.kill(self.manager.provisioner.pid, signal.SIGKILL)
        self.client.stop_channels()
        self.manager.restart_kernel(now=True, env=environment())
        self._connect()


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    for name in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    notebook = Notebook()
    try:
        yield notebook
    finally:
        notebook.close()


def test_a_cell_goes_on_after_an_interrupt_and_after_the_death_of_its_kernel(
    cds: Service, notebook: Notebook, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    target = folder / "x.grib"
    imports = f"""
import era5fast as e5
from era5fast.plan import Job
client = e5.Client({cds.url!r}, {cds.key!r}, **{QUICK})
plan = [Job({DATASET!r}, {REQUEST!r}, "x.grib", 4, 600_000)]
"""
    cell = f"files = client.fetch(plan, {str(folder)!r})"

    def is_at(position: int) -> bool:
        part = folder / ".x.grib.e5part"
        return part.exists() and part.read_bytes()[:position] == ANSWER[:position]

    cds.script(answer=ANSWER)
    cds.fault("stall", route="object", nth=1, after=200_000, seconds=60)
    cds.fault("stall", route="object", nth=2, after=200_000, seconds=60)

    notebook.run(imports)
    running = notebook.begin(cell)
    wait_for(lambda: is_at(200_000), WITHIN)
    began = time.monotonic()
    notebook.interrupt()
    ended = notebook.end(running)
    assert time.monotonic() - began < 2.0 * slowness()
    assert (ended["status"], ended["ename"]) == ("error", "KeyboardInterrupt")
    assert not target.exists()

    notebook.begin(cell)
    wait_for(lambda: is_at(400_000), WITHIN)
    notebook.kill()
    left = (
        f"[(one.target.name, one.job_id, one.received >= 200_000, one.busy) for one in e5.leftovers({str(folder)!r})]"
    )
    assert notebook.run(imports, left) == [("x.grib", cds.jobs[0].id, True, False)]

    assert notebook.run(cell, "files") == [str(target)]
    assert target.read_bytes() == ANSWER
    assert hidden(folder) == []
    assert len(cds.jobs) == 1
    ranges = [call.headers.get("range") for call in objects(cds)]
    assert ranges[:2] == [None, "bytes=200000-"]
    assert int(ranges[2].removeprefix("bytes=").removesuffix("-")) >= 200_000

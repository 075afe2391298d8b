"""Reading from many threads and forked processes at once, in the ways in which other tools crash or hang."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import thread_modes

#: Rounds of each mode, every one in a fresh process; `make threads` does a hundred.
ROUNDS = int(os.environ.get("E5_THREAD_ROUNDS", "3"))
SECONDS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("threads")
    thread_modes.write_files(path)
    return path


@pytest.mark.parametrize("mode", [mode.__name__ for mode in thread_modes.MODES])
def test_no_crash_no_hang_and_every_value_right(mode: str, folder: Path) -> None:
    needs = {"open_mfdataset_in_parallel": "dask", "beside_the_users_own": "h5py"}.get(mode)
    if needs is not None and importlib.util.find_spec(needs) is None:
        pytest.skip(f"needs {needs}")
    for turn in range(ROUNDS):
        command = [sys.executable, thread_modes.__file__, mode, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == 0, f"round {turn + 1} of {mode}: status {done.returncode}\n{done.stderr[-3000:]}"


def test_a_wrong_value_is_noticed(tmp_path: Path) -> None:
    """The rounds can fail at all."""
    thread_modes.write_files(tmp_path)
    os.replace(tmp_path / "1.nc", tmp_path / "0.nc")
    os.link(tmp_path / "2.nc", tmp_path / "1.nc")
    command = [sys.executable, thread_modes.__file__, "one_dataset_for_all", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode != 0
    assert "AssertionError" in done.stderr

"""The recipe for SLURM, word by word: its jobs are run here by a stand-in for ``sbatch`` and ``scancel``."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if importlib.util.find_spec("dask_jobqueue") is None:
    pytest.skip("dask-jobqueue is not installed", allow_module_level=True)

pytestmark = pytest.mark.native

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "cluster.md"
#: What is different on this machine.
HERE = {
    'interface="ib0"': 'interface="lo"',
    "cores=16": "cores=4",
    "processes=4": "processes=2",
    'memory="64GiB"': 'memory="8GiB"',
    "THREADS=4": "THREADS=2",
    "maximum_jobs=10": "maximum_jobs=1",
}
#: A job is a session of its own, and its number that of the session.
COMMANDS = {
    "sbatch": """#!/bin/sh
cp "$1" "$JOBS/script"
setsid sh "$JOBS/script" >"$JOBS/output" 2>&1 </dev/null &
echo $! >>"$JOBS/sessions"
echo "Submitted batch job $!"
""",
    "scancel": """#!/bin/sh
for job in "$@"; do kill -TERM -- "-$job" 2>/dev/null; done
""",
}


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder with the commands in the path; what is left of jobs is ended."""
    for name, text in COMMANDS.items():
        (tmp_path / name).write_text(text, encoding="ascii")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for session in (tmp_path / "sessions").read_text(encoding="ascii").split():
        os.system(f"kill -TERM -- -{session} 2>/dev/null")


def recipe() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    (text,) = [block for block in blocks if "SLURMCluster(" in block]
    for there, here in HERE.items():
        assert there in text
        text = text.replace(there, here)
    return text


#: What is done with the recipe's `client` and `cluster`.
CHECKS = """
import os
import era5fast as e5
from tests.test_event_slabs import check_same, world

try:
    client.wait_for_workers(2, timeout=60)
    assert set(client.run(e5.get_num_threads).values()) == {2}
    assert set(client.run(os.getenv, "ERA5FAST_JOURNAL").values()) == {"none"}
    x = world()
    found = e5.find_events(x.chunk({x.dims[0]: 30}), 0.8, progress=False)
    check_same(found, e5.find_events(x, 0.8, progress=False))
    print(len(found), "events")
finally:
    client.close()
    cluster.close()
"""


def test_the_recipe_for_slurm(jobs: Path) -> None:
    # In a program of its own: importing dask_jobqueue takes ctrl-C away from everybody else.
    place = {**os.environ, "PYTHONPATH": str(PAGE.parents[2])}
    program = [sys.executable, "-W", "ignore", "-c", recipe() + CHECKS]
    ended = subprocess.run(program, env=place, capture_output=True, text=True, timeout=150)
    assert ended.returncode == 0, ended.stderr + (jobs / "output").read_text(encoding="utf-8")
    assert int(ended.stdout.split()[0]) > 0
    script = (jobs / "script").read_text(encoding="utf-8")
    for line in ("#SBATCH -p compute", "#SBATCH -A b0123", "#SBATCH --cpus-per-task=4", "#SBATCH -t 04:00:00"):
        assert line in script

"""Quotas and disks that break: the error says so, nothing is lost, and nothing unsound gets a final name."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client_kit import DATASET, QUICK, REQUEST, environment, grib, objects, running_service

PROGRAM = f"""
import json, os, sys
import era5fast as e5
url, key, target = sys.argv[1:]
client = e5.Client(url, key, patience=1, **{QUICK})
try:
    client.retrieve({DATASET!r}, {REQUEST!r}, target, progress=False)
    told = {{}}
except e5.errors.StorageError as error:
    told = {{"errno": error.errno, "text": str(error)}}
print(json.dumps({{**told, "there": os.path.exists(target), "received": sum(x.received for x in e5.leftovers("."))}}))
"""
SIZE = 16 << 20


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    """The library that breaks the disk."""
    built = tmp_path_factory.mktemp("broken") / "broken_disk.so"
    source = Path(__file__).parent / "broken_disk.c"
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl"], check=True)
    return built


def run(cds, folder: Path, **more: str) -> dict:
    command = [sys.executable, "-P", "-c", PROGRAM, cds.url, cds.key, str(folder / "t.grib")]
    done = subprocess.run(
        command, env={**environment(), **more}, cwd=folder, text=True, capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the disk is broken by the means of Linux")
@pytest.mark.parametrize(
    ("call", "code", "after"),
    [
        ("fallocate", errno.EDQUOT, 0),
        ("pwrite", errno.EDQUOT, 8),
        ("pwrite", errno.EIO, 8),
        ("pwrite", errno.ESTALE, 8),
        ("fdatasync", errno.EIO, 0),
        ("fdatasync", errno.EDQUOT, 0),
        ("rename", errno.EIO, 0),
        ("rename", errno.EDQUOT, 0),
    ],
)
def test_a_quota_or_a_broken_disk(library, tmp_path, call, code, after) -> None:
    with running_service() as cds:
        cds.script(answer=grib(SIZE))
        told = run(cds, tmp_path, LD_PRELOAD=str(library), E5_BROKEN=f"{call} {code} {after}")
        assert told["errno"] == code
        assert "t.grib" in told["text"]
        assert os.strerror(code) in told["text"]
        assert not told["there"]
        assert run(cds, tmp_path)["there"]  # repaired: the same job, and the bytes that were noted
        assert len(cds.jobs) == 1
        if told["received"]:
            assert f"bytes={told['received']}-" in [call.headers.get("range") for call in objects(cds)]
    assert (tmp_path / "t.grib").read_bytes() == grib(SIZE)
    assert os.listdir(tmp_path) == ["t.grib"]

"""The C tests, one by one, for those who run pytest alone; `make c-test` runs them without an interpreter."""

import re
import subprocess

import pytest
from conftest import ROOT

PROGRAMS = sorted(path.stem for path in (ROOT / "tests" / "c").glob("test_*.c"))


def test_programs_are_found():
    assert PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, c_build):
    result = subprocess.run([c_build / name], cwd=ROOT, capture_output=True, text=True, timeout=300)
    verdict = re.search(r"^(\d+) passed, (\d+) failed\s*\Z", result.stdout, re.MULTILINE)
    assert result.returncode == 0, result.stdout + result.stderr
    assert verdict, f"no verdict in the last line:\n{result.stdout}"
    assert int(verdict[1]) > 0
    assert int(verdict[2]) == 0

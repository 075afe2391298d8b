"""What type checkers and editors are told of the package is what it offers."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import ROOT


def test_the_stub_is_that_of_the_table_of_names() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    made = subprocess.run(
        [sys.executable, ".ci/write-stub"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert (ROOT / "era5fast/__init__.pyi").read_text(encoding="utf-8") == made.stdout, "run 'make stubs'"

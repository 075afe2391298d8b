"""The how-to page is true: this test follows it in a copy of the sources."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/how-to/add-a-diagnostic.md"
BLOCK = re.compile(r"^```(\w+) (file|append|check)(?:=(\S+))?\n(.*?)^```$", re.M | re.S)


def copy_sources(to: Path) -> None:
    """What a build needs, with the objects that were built already: only what the page adds is compiled."""
    for name in ("csrc", "era5fast", "tests/reference", "build/native", ".ci"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__", "_core*.so"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy2(ROOT / name, to / name)


def test_following_the_page_gives_a_working_diagnostic(tmp_path: Path) -> None:
    copy_sources(tmp_path)
    checks = []
    for _, action, name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if action == "check":
            checks.append(text)
        else:
            with (tmp_path / name).open("w" if action == "file" else "a", encoding="utf-8") as file:
                file.write(text)
    assert len(checks) == 1
    subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=tmp_path, check=True, timeout=300
    )
    run = subprocess.run([sys.executable, "-c", checks[0]], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    stub = [sys.executable, "-m", "era5fast.diagnostics"]
    printed = subprocess.run(stub, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "def days_above(" in printed

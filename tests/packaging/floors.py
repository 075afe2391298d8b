"""Run tests with the lowest versions that pyproject.toml allows: ``make floors``.

An environment of the oldest Python gets the wheel from ``dist/`` and, of every package that ``dependencies`` and the
optional extras name, the version after ``>=``. What these need in turn is what pip finds to fit. The tests are those
of our faces to these packages; their own tools (pytest, hypothesis, …) are new.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/floors"
EXTRAS = ("xarray", "dask", "demo", "units", "regions", "geo", "grib")
TOOLS = ["pytest>=8", "pytest-xdist", "hypothesis", "trustme", "psutil", "h5py", "pyogrio", "scipy", "cdsapi"]
TOOLS += ["ipython", "threadpoolctl", "zarr<3"]  # the next zarr needs a newer NumPy
TESTS = "accessor catalogue chunked cli_events config database diagnostics events grib plot reader regions units"
# These need what is no dependency of ours, but compared with.
LEFT_OUT = "not scipy_and_cc3d and not xclim"


def oldest_python() -> tuple[str, str]:
    """Version of the oldest Python that is allowed ("3.11"), and an interpreter of it."""
    version = re.search(r"[\d.]+", project()["requires-python"])
    assert version
    if sys.version_info[:2] == tuple(int(part) for part in version[0].split(".")):
        return version[0], sys.executable
    found = shutil.which(f"python{version[0]}")
    if not found:
        raise SystemExit(f"python{version[0]} is not there")
    return version[0], found


def project() -> dict:
    """What pyproject.toml says of the project."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def floors() -> list[str]:
    """Requirements that allow the lowest versions only; those without a floor stay as they are."""
    stated = [*project()["dependencies"], *(r for extra in EXTRAS for r in project()["optional-dependencies"][extra])]
    others = [requirement for requirement in stated if not requirement.startswith("era5fast[")]
    return sorted({re.sub(r">=\s*([\d.]+)", r"==\1", requirement) for requirement in others})


def make_environment(python: str, wheel: Path) -> Path:
    """Install everything; give the folder of programs."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([python, "-m", "venv", FOLDER], check=True)
    programs = FOLDER / "bin"
    pip = [programs / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *floors(), *TOOLS, str(wheel)], check=True)
    subprocess.run([programs / "python", "-m", "pip", "check", "--disable-pip-version-check"], check=True)
    return programs


def main() -> int:
    """Make the environment, say what is in it, run the tests."""
    version, python = oldest_python()
    wheels = sorted((ROOT / "dist").glob(f"era5fast-*-cp{version.replace('.', '')}-*.whl"))
    if not wheels:
        raise SystemExit(f"there is no wheel for Python {version} in dist/: run make wheel")
    programs = make_environment(python, wheels[-1])
    print("with", *floors(), sep="\n  ", flush=True)
    files = [str(path) for name in TESTS.split() if (path := ROOT / f"tests/test_{name}.py").exists()]
    env = {**os.environ, "E5_CORE": "build/floors", "PYTHONSAFEPATH": "1"}  # not the package of the work tree
    command = [programs / "pytest", "-q", "-n", str(os.cpu_count()), "--dist", "loadfile", "-k", LEFT_OUT]
    return subprocess.run([*command, *files, *sys.argv[1:]], cwd=ROOT, env=env).returncode


if __name__ == "__main__":
    sys.exit(main())

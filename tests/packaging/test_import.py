"""Importing: beside other packages with libraries of their own, in any order, and at little cost."""

from __future__ import annotations

import subprocess
import sys

import inside_bare
import pytest
from one_order import PACKAGES
from orders import failure


@pytest.mark.parametrize("first", range(len(PACKAGES)), ids=PACKAGES)
def test_each_package_first_and_each_last(first: int) -> None:
    """`make orders` tries all 720."""
    assert failure(sys.executable, PACKAGES[first:] + PACKAGES[:first]) == ""


def say(program: str) -> str:
    """What a new interpreter prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, text=True, capture_output=True, check=True, timeout=60).stdout


NEW_MODULES = """
import sys, numpy, contextlib
before = set(sys.modules)
{statement}
print(*(set(sys.modules) - before))
"""


def test_importing_the_package_loads_next_to_nothing() -> None:
    new = say(NEW_MODULES.format(statement="import era5fast")).split()
    assert {name for name in new if not name.startswith("era5fast")} == set()
    assert len(new) <= 4


def test_importing_the_core_loads_no_package() -> None:
    new = say(NEW_MODULES.format(statement="import era5fast; era5fast._core")).split()
    assert {name for name in new if not name.startswith("era5fast")} <= {"_sqlite3"}


def test_no_diagnostic_on_arrays_loads_xarray_or_dask() -> None:
    program = (
        "import sys, numpy as np, era5fast as e5\n"
        "hours = np.arange('2003-08-01', '2003-08-04', dtype='datetime64[h]')\n"
        "e5.daily(np.zeros((72, 1, 1)), 'max', time=hours)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    heavy = {"xarray", "pandas", "dask", "matplotlib", "scipy", "shapely", "netCDF4", "requests", "click", "yaml"}
    assert heavy & set(say(program).split()) == set()


def test_python_and_the_core_share_one_sqlite() -> None:
    command = [sys.executable, inside_bare.__file__, inside_bare.check_that_both_sides_share_one_sqlite.__name__]
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert result.returncode == 0, result.stdout

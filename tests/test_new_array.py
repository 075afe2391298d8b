"""Large arrays that reading gives: like all others of NumPy's, but in large pages."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from pathlib import Path

import netCDF4
import numpy as np
import pytest
from numpy.lib import tracemalloc_domain

import era5fast as e5
from era5fast import _core

SHAPE = (60, 181, 100)  # 4.3 MB: two large pages and some


def handler_of(array: np.ndarray) -> str:
    try:
        from numpy._core.multiarray import get_handler_name
    except ImportError:  # NumPy 1
        from numpy.core.multiarray import get_handler_name
    return str(get_handler_name(array))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, length in zip(("valid_time", "latitude", "longitude"), SHAPE, strict=True):
            file.createDimension(name, length)
            file.createVariable(name, "f8", (name,))[:] = np.arange(length)
        file["valid_time"].units = "hours since 2001-01-01"
        variable = file.createVariable("t2m", "f4", ("valid_time", "latitude", "longitude"), zlib=True, complevel=1)
        variable[:] = np.random.default_rng(1).normal(280, 10, SHAPE).round(1)
    return path


def test_what_reading_gives_is_large_and_owned(path: Path) -> None:
    with netCDF4.Dataset(path) as file:
        wanted = file["t2m"][:].data
    for array in (e5.read(path, "t2m"), _core.new_array(SHAPE, "f4")):
        assert (array.shape, array.dtype, handler_of(array)) == (SHAPE, np.dtype("f4"), "era5fast")
        assert array.flags.owndata
        assert array.flags.carray
        assert array.base is None
        assert array.ctypes.data % 4096 == 0
    np.testing.assert_array_equal(e5.read(path, "t2m"), wanted)
    assert handler_of(np.empty(SHAPE, "f4")) != "era5fast", "the handler was put back"


def test_resized_copied_pickled(path: Path) -> None:
    array = e5.read(path, "t2m")
    before = array.copy()
    assert handler_of(before) != "era5fast"
    for protocol in (4, 5):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(array, protocol)), before)
    array.resize((90, 181, 100), refcheck=False)
    np.testing.assert_array_equal(array[:60], before)
    assert not array[60:].any()
    array.resize((2, 181, 100), refcheck=False)
    np.testing.assert_array_equal(array, before[:2])


def traced() -> int:
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, tracemalloc_domain)])
    return sum(trace.size for trace in snapshot.traces)


def test_tracemalloc_sees_it() -> None:
    tracemalloc.start()
    try:
        before = traced()
        array = _core.new_array(SHAPE, "f4")
        assert traced() - before == array.nbytes
        del array
        assert traced() == before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("where", ["here", "in a thread"])
def test_too_large_for_any_machine(where: str) -> None:
    said: list[BaseException] = []

    def ask() -> None:
        try:
            _core.new_array((2**46,), "f8")
        except MemoryError as error:
            said.append(error)
        assert handler_of(np.empty(SHAPE, "f4")) != "era5fast"

    if where == "here":
        ask()
    else:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert len(said) == 1


@pytest.mark.parametrize("shape", [(), (0, 2**40), (3,), (2**20,), (2, 3, 2**18)])
@pytest.mark.parametrize("dtype", ["f4", "i2", "S7", "datetime64[s]", "O"])
def test_any_shape_and_type(shape: tuple[int, ...], dtype: str) -> None:
    array = _core.new_array(shape, dtype)
    assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
    array[...] = np.zeros(1, dtype)[0]


@pytest.mark.parametrize(
    ("shape", "dtype", "error"), [((-1,), "f4", ValueError), ((2,), "nonsense", TypeError), ("x", "f4", TypeError)]
)
def test_what_cannot_be(shape: tuple[int, ...], dtype: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _core.new_array(shape, dtype)


_FORK = "import os; child = os.fork(); assert child == 0 or os.waitpid(child, 0)[1] == 0"


@pytest.mark.parametrize("last", ["pass", _FORK, "del e5, _core"])
def test_it_may_outlive_the_package(path: Path, last: str) -> None:
    program = f"""
        import builtins, sys
        import era5fast as e5
        from era5fast import _core
        builtins.kept = e5.read({str(path)!r}, "t2m")
        for name in [name for name in sys.modules if name.startswith("era5fast")]:
            del sys.modules[name]
        {last}
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")

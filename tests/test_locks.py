"""The libraries' locks where users put their own in place of xarray's."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from era5fast.locks import library_locks


def put(monkeypatch: pytest.MonkeyPatch, hdf5: Any, netcdf: Any) -> None:
    module = SimpleNamespace(HDF5_LOCK=hdf5, NETCDFC_LOCK=netcdf)
    monkeypatch.setitem(sys.modules, "xarray.backends.locks", module)


@pytest.mark.parametrize("wrapped", [False, True])
def test_one_lock_may_stand_for_both(wrapped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = threading.Lock()

    class Wrapper:
        """As dask's: several that can be pickled share one."""

        def __init__(self) -> None:
            self.lock = lock
            self.acquire, self.release = lock.acquire, lock.release

    put(monkeypatch, *((Wrapper(), Wrapper()) if wrapped else (lock, lock)))
    finished = []

    def enter() -> None:
        with library_locks():
            held = lock.locked()
        finished.append(held)

    thread = threading.Thread(target=enter, daemon=True)
    thread.start()
    thread.join(10)
    assert finished == [True]
    assert not lock.locked()


def test_a_child_leaves_locks_of_other_makes_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = threading.Lock()
    put(monkeypatch, multiprocessing.get_context("fork").Lock(), plain)
    plain.acquire()
    child = os.fork()
    if child == 0:
        os._exit(0 if plain.acquire(timeout=10) else 1)
    assert os.waitpid(child, 0)[1] == 0, "a child waits for a lock that nobody holds"
    assert capfd.readouterr().err == ""

"""Selections of a file's variable: every storage, every kind of selection, against netCDF4-python bit by bit."""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast import _core
from era5fast.errors import CorruptDataError, InputError

pytestmark = pytest.mark.native

SHAPE = (9, 11, 26)
NAMES = ("time", "latitude", "longitude")
CLASSIC = ("f4", "f8", "i1", "i2", "i4")
TYPES = (*CLASSIC, "u1", "u2", "u4", "i8", "u8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("picks")


@pytest.fixture(autouse=True)
def all_threads() -> Iterator[None]:
    yield
    e5.set_num_threads(0)


# --- storages ---


def numbers(kind: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Numbers that differ from cell to cell, in all bytes."""
    rng = np.random.default_rng(5)
    if kind[0] == "f":
        return rng.normal(280, 20, shape).astype(kind)
    info = np.iinfo(kind)
    return rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True)


def write(path: Path, form: dict[str, Any]) -> Path:
    """Write a variable `v` of that form; `rows` says how many of its first steps are written at all."""
    with netCDF4.Dataset(path, "w", format=form["format"]) as file:
        for name, length in zip(NAMES, SHAPE, strict=True):
            file.createDimension(name, None if form["records"] and name == "time" else length)
        if form["records"]:  # a neighbour among the records, of an odd size
            file.createVariable("before", "i1", ("time",))
        order = ">" if form["creation"].get("endian") == "big" else "="
        variable = file.createVariable("v", order + form["type"], NAMES, **form["creation"])
        if form["records"]:
            file.createVariable("behind", "f8", ("time", "longitude"))
            file["before"][: SHAPE[0]] = np.arange(SHAPE[0])
        if form["packed"]:
            variable.scale_factor, variable.add_offset = 0.0625, 270.5
        variable.set_auto_maskandscale(False)
        variable[: form["rows"]] = numbers(form["type"])[: form["rows"]]
        if form["records"]:
            file["behind"][: SHAPE[0]] = 1.0
    return path


@st.composite
def forms(draw: st.DrawFn) -> dict[str, Any]:
    old = draw(st.booleans())
    kind = draw(st.sampled_from(CLASSIC if old else TYPES))
    creation: dict[str, Any] = {"fill_value": draw(st.sampled_from([None, 7]))}
    form = {"type": kind, "packed": draw(st.booleans()), "creation": creation, "rows": draw(st.sampled_from([9, 5]))}
    if old:
        name = draw(st.sampled_from(["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]))
        return {**form, "format": name, "records": draw(st.booleans())}
    creation["endian"] = draw(st.sampled_from(["little", "big"]))
    if draw(st.integers(0, 4)) == 0:
        creation["contiguous"] = True
    else:
        creation["chunksizes"] = tuple(draw(st.integers(1, length)) for length in SHAPE)
        creation |= {key: draw(st.booleans()) for key in ("zlib", "shuffle", "fletcher32")}
        creation["complevel"] = 1
    return {**form, "format": "NETCDF4", "records": False}


# --- selections ---


def picks_along(length: int) -> st.SearchStrategy[tuple[int, int] | np.ndarray]:
    """What may be wanted of one dimension."""
    indices = st.integers(0, length - 1)
    ranges = st.tuples(indices, st.integers(0, length)).map(lambda p: (p[0], min(p[1], length - p[0])))
    strides = st.builds(lambda start, step: np.arange(start, length, step), indices, st.integers(1, 5))
    across = indices.map(lambda first: (np.arange(length) + first) % length)
    lists = st.lists(indices, max_size=2 * length).map(lambda picked: np.array(picked, "int64"))
    lists = lists | strides | strides.map(lambda stride: stride[::-1].copy()) | across
    return st.just((0, length)) | ranges | lists


def cut(values: np.ndarray, picks: tuple[Any, ...] | None) -> np.ndarray:
    """Select slowly and readably."""
    for axis, pick in enumerate(picks or ()):
        index = np.arange(pick[0], pick[0] + pick[1]) if isinstance(pick, tuple) else pick
        values = np.take(values, index, axis)
    return values


def stored_by_netcdf4(path: Path) -> np.ndarray:
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        values = file["v"][:]
        return np.asarray(values, values.dtype.newbyteorder("="))


def decoded(stored: np.ndarray, path: Path) -> np.ndarray:
    """Slow twin of the core's decoding: missing → NaN, then scaled in double, rounded once."""
    with netCDF4.Dataset(path) as file:
        attrs = {key: file["v"].getncattr(key) for key in file["v"].ncattrs()}
    packed = "scale_factor" in attrs
    if stored.dtype.kind != "f" and not packed:
        return stored.astype("int64")
    missing = stored == attrs["_FillValue"] if "_FillValue" in attrs else np.zeros(stored.shape, bool)
    values = stored.astype("float64") * attrs["scale_factor"] + attrs["add_offset"] if packed else stored.copy()
    values[missing] = np.nan
    narrow = stored.dtype == "f4" or (packed and stored.dtype.itemsize <= 2)
    return values.astype("float32" if narrow else "float64")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=forms(), picks=st.lists(st.tuples(*map(picks_along, SHAPE)), min_size=1, max_size=4), data=st.data())
def test_what_netcdf4_reads(form: dict[str, Any], picks: list[Any], data: st.DataObject, folder: Path) -> None:
    path = write(folder / "any.nc", form)
    e5.set_num_threads(data.draw(st.sampled_from([1, 2, 4]), label="threads"))
    file, stored = _core.open_file(path), stored_by_netcdf4(path)
    values = decoded(stored, path) if not (form["type"] == "u8" and not form["packed"]) else None
    for wanted in (None, *picks):
        found = file.read("v", wanted, stored=True)
        assert found.dtype == stored.dtype
        assert found.tobytes() == cut(stored, wanted).tobytes()
        if values is not None:
            found = file.read("v", wanted)
            assert found.dtype == values.dtype
            assert np.array_equal(found, cut(values, wanted), equal_nan=values.dtype.kind == "f")


def plain(folder: Path, **creation: Any) -> Path:
    form = {"format": "NETCDF4", "type": "f4", "records": False, "packed": False, "rows": 9, "creation": creation}
    return write(folder / "plain.nc", form)


# --- the array that is filled ---


def test_out_is_filled_and_returned(folder: Path) -> None:
    file = _core.open_file(plain(folder, zlib=True))
    out = np.full((2, 11, 3), -1, "float32")
    picks = (np.array([7, 2]), (0, 11), np.array([3, 3, 25]))
    assert file.read("v", picks, out=out) is out
    assert np.array_equal(out, cut(numbers("f4"), picks))


@pytest.mark.parametrize(
    ("out", "error"),
    [
        (np.zeros(SHAPE, "f8"), TypeError),
        ([1.0], TypeError),
        (np.zeros((9, 11, 25), "f4"), ValueError),
        (np.zeros((9, 11), "f4"), ValueError),
        (np.zeros(SHAPE, ">f4"), ValueError),
        (np.zeros((9, 11, 52), "f4")[..., ::2], ValueError),
        (np.broadcast_to(np.float32(0), SHAPE), ValueError),
    ],
    ids=["type", "list", "shape", "dimensions", "byte order", "strided", "read-only"],
)
def test_an_array_that_cannot_be_filled(out: Any, error: type[Exception], folder: Path) -> None:
    with pytest.raises(error):
        _core.open_file(plain(folder)).read("v", out=out)


@pytest.mark.parametrize(
    ("picks", "error"),
    [
        ([(0, 9), (0, 11)], ValueError),
        ([(0, 9), (0, 11), (0, 27)], IndexError),
        ([(0, 9), (0, 11), (27, 0)], IndexError),
        ([(0, 9), (0, 11), (-1, 1)], IndexError),
        ([(0, 9), (0, 11), (2**62, 2**62)], IndexError),
        ([(0, 9), (0, 11), np.array([0, 26])], IndexError),
        ([(0, 9), (0, 11), np.array([-1])], IndexError),
        ([(0, 9), (0, 11), np.array([0.5])], TypeError),
        ([(0, 9), (0, 11), np.zeros((2, 2), int)], ValueError),
        ([(0, 9), (0, 11), (1, 2, 3)], TypeError),
        (5, TypeError),
    ],
)
def test_selections_that_make_no_sense(picks: Any, error: type[Exception], folder: Path) -> None:
    with pytest.raises(error):
        _core.open_file(plain(folder)).read("v", picks)


def test_an_unknown_variable(folder: Path) -> None:
    with pytest.raises(InputError, match="no numeric variable 'w'"):
        _core.open_file(plain(folder)).read("w")


def test_a_scalar(tmp_path: Path) -> None:
    with netCDF4.Dataset(tmp_path / "x.nc", "w") as made:
        made.createVariable("v", "f8", ())[...] = 2.5
    file = _core.open_file(tmp_path / "x.nc")
    assert file.read("v") == file.read("v", ()) == file.read("v", stored=True) == 2.5
    assert file.read("v").shape == ()


# --- how much is read, and how often it is decoded ---

GRID = (24, 60, 80)
CHUNK = (24, 20, 16)


def bytes_read(work: Any) -> int:
    """Bytes that the process asks the system for while `work` runs, without those of looking at the count itself."""

    def count() -> int:
        lines = Path("/proc/self/io").read_text().splitlines()
        return int(dict(line.split(": ") for line in lines)["rchar"])

    idle = -count() + count()
    before = count()
    work()
    return count() - before - idle


counts_bytes = pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="the system does not count bytes")


@pytest.fixture
def empty_cache() -> Iterator[None]:
    _core.set_cache_bytes(0)
    _core.set_cache_bytes(1 << 26)
    yield
    _core.set_cache_bytes(1 << 28)


def thick(path: Path, seed: int = 1, **creation: Any) -> tuple[Path, np.ndarray]:
    """A file of thick chunks of noise, and its values."""
    values = np.random.default_rng(seed).normal(size=GRID).astype("float32")
    creation = creation or {"zlib": True, "complevel": 1, "chunksizes": CHUNK}
    with netCDF4.Dataset(path, "w") as file:
        for name, length in zip(NAMES, GRID, strict=True):
            file.createDimension(name, length)
        file.createVariable("v", "f4", NAMES, **creation)[:] = values
    return path, values


def opened(path: Path) -> Any:
    """Open a file and have the index of its chunks read, which happens once."""
    file = _core.open_file(path)
    file.explain("v")
    return file


@counts_bytes
def test_only_touched_chunks_are_read(tmp_path: Path, empty_cache: None) -> None:
    path, values = thick(tmp_path / "x.nc")
    file = opened(path)
    everything = bytes_read(lambda: file.read("v"))
    size = everything / 15  # 15 chunks of noise: all of nearly the same size
    assert 0.97 * path.stat().st_size < everything <= path.stat().st_size
    for picks, chunks in [
        (((0, 24), (5, 1), (5, 1)), 1),
        (((0, 24), (15, 10), (30, 4)), 4),
        (((0, 24), np.array([59, 0]), np.array([79, 1, 78, 0])), 4),
        (((3, 1), np.array([59, 59]), (0, 80)), 5),
    ]:
        _core.set_cache_bytes(0)
        assert bytes_read(lambda picks=picks: file.read("v", picks)) == pytest.approx(chunks * size, rel=0.02)
        assert np.array_equal(file.read("v", picks), cut(values, picks))


@counts_bytes
@pytest.mark.parametrize("kind", ["contiguous", "chunks without filters"])
def test_little_more_than_what_is_wanted_is_read(kind: str, tmp_path: Path) -> None:
    creation: dict[str, Any] = {"contiguous": True} if kind == "contiguous" else {"chunksizes": (24, 60, 80)}
    path, values = thick(tmp_path / "x.nc", **creation)
    file = opened(path)
    picks = ((0, 24), (10, 3), (7, 5))
    assert np.array_equal(file.read("v", picks), cut(values, picks))
    noise = 500  # looking at the count is counted too
    assert bytes_read(lambda: file.read("v", ((0, 1), (10, 3), (7, 5)))) <= 3 * 80 * 4 + noise
    assert bytes_read(lambda: file.read("v", ((4, 1), (0, 1), (0, 1)))) <= noise
    assert bytes_read(lambda: file.read("v")) == pytest.approx(values.nbytes, abs=noise)


@counts_bytes
@pytest.mark.parametrize("thickness", [24, 8, 5])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_step_by_step_each_chunk_is_read_once(
    threads: int, thickness: int, tmp_path: Path, empty_cache: None
) -> None:
    path, values = thick(tmp_path / "x.nc", zlib=True, complevel=1, chunksizes=(thickness, 20, 16))
    e5.set_num_threads(threads)
    file, steps = opened(path), np.empty_like(values)

    def read_all() -> None:
        for t in range(GRID[0]):
            file.read("v", ((t, 1), (0, 60), (0, 80)), out=steps[t : t + 1])

    assert bytes_read(read_all) <= path.stat().st_size
    assert np.array_equal(steps, values)
    assert _core.get_cache_bytes()[0] >= values.nbytes


def test_a_file_that_is_opened_anew_is_served_from_the_cache(tmp_path: Path, empty_cache: None) -> None:
    path, values = thick(tmp_path / "x.nc")
    picks = ((5, 1), (0, 60), (0, 80))
    held = []
    for opening in (opened, _core.open_file, opened):
        assert np.array_equal(opening(path).read("v", picks), cut(values, picks))
        held.append(_core.get_cache_bytes()[0])
    assert held[0] > 0
    assert held == [held[0]] * 3


def test_variables_do_not_share_chunks_in_the_cache(tmp_path: Path, empty_cache: None) -> None:
    path, values = thick(tmp_path / "x.nc")
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("w", "f4", NAMES, zlib=True, chunksizes=CHUNK)[:] = -values
    picks = ((5, 1), (0, 60), (0, 80))
    file = _core.open_file(path)
    for _ in range(2):
        assert np.array_equal(file.read("v", picks), cut(values, picks))
        assert np.array_equal(file.read("w", picks), cut(-values, picks))


def places_of(raw: bytearray, content: bytes) -> list[int]:
    """Where something compressed lies in a file."""
    found = []
    for at in (at for at in range(len(raw)) if raw[at] == 0x78):
        with contextlib.suppress(zlib.error):
            if zlib.decompressobj().decompress(bytes(raw[at:]), len(content)) == content:
                found.append(at)
    return found


def test_two_variables_that_claim_one_place_do_not_share_what_is_kept(tmp_path: Path, empty_cache: None) -> None:
    """A hostile file: the short chunk of one must not be given out as the long one of the other."""
    path, long = tmp_path / "x.nc", 1 << 12
    with netCDF4.Dataset(path, "w") as made:
        for name, chunk in (("short", 16), ("long", long)):
            made.createDimension(name, 2 * chunk)
            made.createVariable(name, "f4", (name,), zlib=True, shuffle=False, chunksizes=(chunk,))[:] = chunk
    raw = bytearray(path.read_bytes())
    places = {chunk: places_of(raw, np.full(chunk, chunk, "<f4").tobytes()) for chunk in (16, long)}
    assert [len(found) for found in places.values()] == [2, 2]
    for short, wanted in zip(places[16], places[long], strict=True):
        assert raw.count(struct.pack("<Q", wanted)) == 1
        raw = raw.replace(struct.pack("<Q", wanted), struct.pack("<Q", short))
    path.write_bytes(raw)
    assert np.array_equal(_core.open_file(path).read("short", [(1, 3)]), np.full(3, 16, "f4"))
    with pytest.raises(CorruptDataError):
        _core.open_file(path).read("long", [(1, long - 1)])


class Stopped(Exception):
    """What an alarm raises."""


@pytest.fixture
def alarm() -> Iterator[Any]:
    """Sets an alarm that raises after some seconds."""

    def stop(*unused: Any) -> None:
        raise Stopped

    before = signal.signal(signal.SIGALRM, stop)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_an_interrupt_while_a_file_is_opened_leaks_nothing(tmp_path: Path, alarm: Any) -> None:
    with netCDF4.Dataset(tmp_path / "x.nc", "w") as made:
        made.setncatts({f"a{i}": "x" * 1000 for i in range(500)})

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def open_often(rounds: int) -> int:
        stopped = 0
        for i in range(rounds):
            try:
                alarm(1e-4 * (1 + i % 10))  # some of them come while the file is being opened
                _core.open_file(tmp_path / "x.nc")
                alarm(0)
            except Stopped:
                stopped += 1
        return stopped

    open_often(50)
    before = resident()
    assert open_often(500) > 100
    sanitized = "san.so" in os.environ.get("LD_PRELOAD", "")  # sanitizers keep what is freed, and look for leaks
    assert sanitized or resident() - before < 20 << 20


def test_whole_reads_leave_the_cache_alone(tmp_path: Path, empty_cache: None) -> None:
    path, values = thick(tmp_path / "x.nc")
    assert np.array_equal(opened(path).read("v"), values)
    assert _core.get_cache_bytes() == (0, 1 << 26)


def test_a_replaced_file_is_not_served_from_the_cache(tmp_path: Path, empty_cache: None) -> None:
    picks = ((5, 1), (0, 60), (0, 80))
    for seed in (1, 2, 3):
        path, values = thick(tmp_path / "new.nc", seed)
        path.rename(tmp_path / "x.nc")
        file = _core.open_file(tmp_path / "x.nc")
        for _ in range(2):
            assert np.array_equal(file.read("v", picks), cut(values, picks))


def test_without_cache_the_values_are_the_same(tmp_path: Path, empty_cache: None) -> None:
    path, values = thick(tmp_path / "x.nc")
    file = opened(path)
    for limit in (0, 24 * 20 * 16 * 4 * 4, 1 << 26):
        _core.set_cache_bytes(limit)
        for t in (3, 4, 3):
            assert np.array_equal(file.read("v", ((t, 1), (0, 60), (0, 80))), values[t : t + 1])
        assert _core.get_cache_bytes()[0] <= limit


def test_threads_share_the_cache(tmp_path: Path, empty_cache: None) -> None:
    path, values = thick(tmp_path / "x.nc")
    _core.set_cache_bytes(CHUNK[0] * CHUNK[1] * CHUNK[2] * 4 * 6)  # six of 15 chunks: they push each other out
    file = opened(path)

    def read(t: int) -> bool:
        rows = np.arange(60)[:: 1 if t % 2 else -1].copy()
        return np.array_equal(file.read("v", ((t % 24, 1), rows, (0, 80)))[0], values[t % 24][rows])

    with ThreadPoolExecutor(8) as workers:
        assert all(workers.map(read, range(200)))


def test_the_size_of_the_cache() -> None:
    before = e5.get_cache_bytes()
    assert 0 < before <= 1 << 30
    e5.set_cache_bytes(5)
    assert e5.get_cache_bytes() == 5
    e5.set_cache_bytes(1 << 70)
    assert e5.get_cache_bytes() == sys.maxsize
    for wrong, text in ((-1, "must be 0 or more"), (-(1 << 70), "must be 0 or more"), (2.5, "whole number, not 2.5")):
        with pytest.raises(InputError, match=text):
            e5.set_cache_bytes(wrong)
    e5.set_cache_bytes(before)

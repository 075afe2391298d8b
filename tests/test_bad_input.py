"""Bad input of every kind: a typed error that says what, where and what to do; never a crash, never a hang."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast import _core
from era5fast.errors import CorruptDataError, Era5FastError, InputError, StorageError, UnsafeInputError
from tests.samples import LATITUDE, LAYOUTS, LONGITUDE, field, hours, write

ROOT = Path(__file__).resolve().parent.parent
HAS_CFGRIB = importlib.util.find_spec("cfgrib") is not None
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"

#: Every way by which a file gets in.
DOORS: dict[str, Callable[[Path], object]] = {
    "read": lambda path: e5.read(path, progress=False),
    "open_dataset": e5.open_dataset,
    "daily": lambda path: e5.daily(path, "max", progress=False),
    "find_events": lambda path: e5.find_events(path, 280.0, progress=False),
    "explain": e5.explain,
}


# --- files that are something else ---


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strange")
    (folder / "folder.nc").mkdir()
    os.mkfifo(folder / "pipe.nc")
    (folder / "loop.nc").symlink_to(folder / "loop.nc")
    (folder / "file.nc").write_bytes(b"")
    contents = {
        "empty": b"",
        "page": PAGE,
        "spaces": b" \n\t" * 10 + PAGE,
        "marked": b"\xef\xbb\xbf" + PAGE,
        "json": json.dumps({"type": "error", "title": "not authorised"}).encode(),
        "text": b"Your request is being processed",
        "grib": b"GRIB" + bytes(range(200)),
        "gzip": gzip.compress(b"CDF\x01" * 20),
        "one byte": b"C",
        "magic": b"CDF\x01",
        "new magic": b"\x89HDF\r\n\x1a\n",
        "zeros": bytes(5000),
        "noise": np.random.default_rng(1).bytes(5000),
    }
    for name, content in contents.items():
        (folder / f"{name}.nc").write_bytes(content)
    return folder


@pytest.mark.native
@pytest.mark.parametrize("mark", ["zarr.json", ".zgroup"])
def test_a_store_of_zarr_is_pointed_to_xarray(mark, tmp_path):
    (tmp_path / mark).write_text("{}")
    with pytest.raises(InputError, match=r"is a store of Zarr\. Pass xr\.open_zarr\(…\)"):
        e5.open_dataset(tmp_path)


@pytest.mark.native
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("absent.nc", StorageError, r"No such file or directory\. Check the name"),
        ("file.nc/x.nc", StorageError, r"Not a directory\. Check the name"),
        ("folder.nc", StorageError, r"Is a directory\. Name a file in it; for reading, a pattern like"),
        ("loop.nc", StorageError, "symbolic links"),
        ("n" * 300 + ".nc", StorageError, r"\. Choose a shorter name"),
        ("pipe.nc", CorruptDataError, r"a pipe or device\. Give the name of a regular file"),
        ("empty.nc", CorruptDataError, r"got an empty file\. Download it again"),
        ("page.nc", CorruptDataError, r"got HTML: '<!DOCTYPE html>.*[Aa] login portal, a proxy"),
        ("spaces.nc", CorruptDataError, "got HTML"),
        ("marked.nc", CorruptDataError, "got HTML"),
        ("json.nc", CorruptDataError, "got JSON.*download the file again"),
        ("text.nc", CorruptDataError, "got text: 'Your request"),
        (
            "grib.nc",
            CorruptDataError if HAS_CFGRIB else InputError,
            r"damaged\. Download it|pip install 'era5fast\[grib\]",
        ),
        ("gzip.nc", CorruptDataError, r"got gzip\. Unpack it with gunzip"),
        ("one byte.nc", CorruptDataError, "expected netCDF, got"),
        ("magic.nc", CorruptDataError, "[Dd]ownload it again"),
        ("new magic.nc", CorruptDataError, "damaged HDF5 file|[Dd]ownload it again"),
        ("zeros.nc", CorruptDataError, "got bytes 00 00 00 00.*[Dd]ownload it again"),
        ("noise.nc", CorruptDataError, "got bytes"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) and value.endswith(".nc") else "",
)
def test_what_is_no_data(door: str, name: str, error: type, text: str, strange: Path) -> None:
    began = time.monotonic()
    with pytest.raises(error, match=text) as caught:
        DOORS[door](strange / name)
    assert time.monotonic() - began < 5
    message = str(caught.value)
    assert name[:60] in message or name.startswith("n"), "it says where"
    assert "\n" not in message
    assert len(message) <= 300
    assert os.path.basename(caught.value.target) == os.path.basename(name)


@pytest.mark.native
@pytest.mark.parametrize("door", DOORS)
def test_one_bad_file_among_good_ones_is_named(door: str, strange: Path, tmp_path: Path) -> None:
    if door == "explain":
        return
    good = [write(tmp_path / f"{i}.nc", field(24), hours(24, f"2001-01-0{i}")) for i in (1, 2)]
    with pytest.raises(CorruptDataError, match=r"page\.nc: expected netCDF, got HTML") as caught:
        DOORS[door]([good[0], strange / "page.nc", good[1]])
    assert caught.value.target == str(strange / "page.nc")


def test_no_permission(tmp_path: Path) -> None:
    """Root may read everything: the look is then taken by a child that is nobody."""
    path = write(tmp_path / "secret.nc", field(4))
    path.chmod(0)
    os.chmod(tmp_path, 0o755)
    program = "import os, sys\nimport era5fast as e5\nfrom era5fast import reader, errors\n"
    program += "import xarray, netCDF4\n" if os.geteuid() == 0 else ""
    program += "if os.geteuid() == 0: os.setegid(65534); os.seteuid(65534)\n"
    program += "for call in (e5.read, e5.open_dataset, e5.explain):\n"
    program += "    try: call(sys.argv[1])\n    except errors.StorageError as error: print(error.errno, error)\n"
    # the folders above belong to root alone
    for parent in [tmp_path, *tmp_path.parents]:
        if parent.owner() == "root" and parent.stat().st_mode & 0o005 != 0o005 and parent != Path("/root"):
            parent.chmod(parent.stat().st_mode | 0o005)
    result = run_python(program, str(path))
    lines = result.stdout.splitlines()
    assert len(lines) == 3, result.stderr
    assert all(re.search(r"^13 .*secret\.nc: Permission denied\. Check the permissions", line) for line in lines)


@pytest.mark.native
@pytest.mark.parametrize("paths", [[], (), 7, None, b"bytes.nc", [1, 2], {"a.nc"}, ["a.nc", None]], ids=repr)
def test_what_is_no_name_of_a_file(paths: object) -> None:
    with pytest.raises(InputError):
        e5.read(paths, progress=False)


@pytest.mark.native
def test_pattern_without_a_match(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file matches .*/\*\.nc"):
        e5.read(tmp_path / "*.nc", progress=False)


@pytest.mark.native
@pytest.mark.parametrize("call", [e5.read, e5.open_dataset, e5.explain])
def test_addresses_are_no_files(call: Callable[[str], object]) -> None:
    with pytest.raises(InputError, match=r"local files are read, not https://example\.org/x\.nc\. Download it first"):
        call("https://example.org/x.nc")


# --- damaged files ---

DAMAGE = """
import json, resource, sys, time, warnings
import numpy as np
import era5fast as e5
from era5fast.errors import Era5FastError

resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
path, kind, seed, count, exact = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "exact"
good = open(path, "rb").read()
wanted = e5.read(path, "t2m", progress=False)
rng = np.random.default_rng(seed)
bad = path + ".damaged.nc"
outcomes, slowest = {}, 0.0
for i in range(count):
    data = bytearray(good)
    if kind == "cut":
        del data[int(len(data) * i / count):]
    elif kind == "flip":
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    elif kind == "head":
        data[int(rng.integers(min(4096, len(data))))] ^= 1 << int(rng.integers(8))
    else:
        at = int(rng.integers(len(data) - 16))
        data[at:at + 16] = rng.bytes(16)
    open(bad, "wb").write(data)
    print(i, file=sys.stderr, end=" ", flush=True)
    began = time.monotonic()
    try:
        found = e5.read(bad, "t2m", progress=False)
        outcome = "same" if np.array_equal(found, wanted, equal_nan=True) else "other"
    except (Era5FastError, MemoryError) as error:
        outcome = type(error).__name__
        if not isinstance(error, MemoryError):
            assert str(error) and len(str(error)) <= 300 and "\\n" not in str(error), str(error)
    slowest = max(slowest, time.monotonic() - began)
    outcomes[outcome] = outcomes.get(outcome, 0) + 1
print(json.dumps({"outcomes": outcomes, "slowest": slowest}))
"""


def run_python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)]))
    command = [sys.executable, "-X", "faulthandler", "-c", program, *arguments]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=120
    )


def damage(path: Path, kind: str, count: int, exact: bool, seed: int = 1) -> dict[str, int]:
    result = run_python(DAMAGE, str(path), kind, str(seed), str(count), "exact" if exact else "")
    assert result.returncode == 0, f"after {result.stderr[-3000:]}"
    report = json.loads(result.stdout)
    assert report["slowest"] < 5
    assert sum(report["outcomes"].values()) == count
    return report["outcomes"]


@pytest.mark.parametrize("layout", ["chunked", "checksums", "contiguous", "packed", "netCDF-3", "netCDF-3, packed"])
def test_truncated_files(layout: str, tmp_path: Path) -> None:
    """Whatever is left of it, a cut file is never data."""
    path = write(tmp_path / "x.nc", field(30), **LAYOUTS[layout])
    outcomes = damage(path, "cut", 60, exact=True)
    assert set(outcomes) <= {"CorruptDataError", "UnsafeInputError"}, outcomes


@pytest.mark.parametrize("kind", ["flip", "head", "splash"])
@pytest.mark.parametrize("layout", ["chunked", "checksums", "contiguous", "packed", "netCDF-3"])
def test_damaged_files(layout: str, kind: str, tmp_path: Path) -> None:
    """No crash, no hang; where the format has checksums, no wrong number either."""
    path = write(tmp_path / "x.nc", field(30), **LAYOUTS[layout])
    outcomes = damage(path, kind, 120, exact=False, seed=len(layout))
    known = {"same", "other", "CorruptDataError", "UnsafeInputError", "InputError", "StorageError", "MemoryError"}
    assert set(outcomes) <= known, outcomes
    assert outcomes.get("same", 0) < 120, "nothing was damaged"
    if layout in ("chunked", "checksums") and kind == "flip":
        assert outcomes.get("other", 0) <= 8, f"some flips hit the time axis, which nothing protects: {outcomes}"


LIBRARY = """
import sys
from era5fast.errors import Era5FastError
from era5fast.sources import open_file

good = open(sys.argv[1], "rb").read()
refused = 0
for at in range(300):
    open(sys.argv[1] + ".damaged.nc", "wb").write(good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :])
    try:
        open_file(sys.argv[1] + ".damaged.nc").read("x")
    except Era5FastError:
        refused += 1
print(refused)
"""


def test_damaged_files_that_the_libraries_read_leave_nothing_for_them_to_print(tmp_path: Path) -> None:
    """HDF5 writes of its own when the process ends, where errors of it were left lying."""
    import h5py

    with h5py.File(tmp_path / "x.nc", "w", libver="latest") as file:
        file.create_dataset("x", data=np.zeros((4, 5, 6), "f4"), chunks=(2, 5, 6), compression="lzf")
    result = run_python(LIBRARY, str(tmp_path / "x.nc"))
    assert result.returncode == 0
    assert int(result.stdout) > 200
    assert result.stderr == ""


# --- files without what is needed ---


def write_raw(path: Path, dims: dict[str, int], variables: dict[str, tuple], **attrs: dict) -> Path:
    """Write variables as (dtype, dims, values); attributes by name of the variable."""
    import netCDF4

    with netCDF4.Dataset(path, "w") as file:
        for name, size in dims.items():
            file.createDimension(name, size)
        for name, (kind, axes, values, *creation) in variables.items():
            variable = file.createVariable(name, kind, axes, **(creation[0] if creation else {}))
            variable.setncatts(attrs.get(name, {}))
            if values is not None:
                variable[:] = values
    return path


TIME = ("i8", ("time",), [0, 1, 2])
TIME_UNITS = {"units": "hours since 2001-01-01"}
LAT, LON = ("f8", ("latitude",), [1.0, 0.0]), ("f8", ("longitude",), [0.0, 1.0])
DIMS = {"time": 3, "latitude": 2, "longitude": 2}
DATA = ("f4", ("time", "latitude", "longitude"), np.zeros((3, 2, 2)))


@pytest.mark.native
@pytest.mark.parametrize(
    ("dims", "variables", "units", "text"),
    [
        (
            DIMS,
            {"latitude": LAT, "longitude": LON, "t2m": DATA},
            TIME_UNITS,
            r"t2m has no time axis \(valid_time, time",
        ),
        (DIMS, {"time": TIME, "longitude": LON, "t2m": DATA}, TIME_UNITS, "t2m has no latitude axis"),
        (DIMS, {"time": TIME, "latitude": LAT, "t2m": DATA}, TIME_UNITS, "t2m has no longitude axis"),
        (DIMS, {"time": TIME, "latitude": LAT, "longitude": LON}, TIME_UNITS, "no data variable"),
        (DIMS, {"time": TIME, "latitude": LAT, "longitude": LON, "t2m": DATA}, {}, "time has no units"),
        (DIMS, {"time": TIME, "latitude": LAT, "longitude": LON, "t2m": DATA}, {"units": "K"}, "no time unit"),
        (
            DIMS,
            {"time": TIME, "latitude": LAT, "longitude": LON, "t2m": DATA},
            {"units": "months since 2001-01-01"},
            r"months have no fixed length\. Rewrite the time coordinate",
        ),
        (
            DIMS,
            {"time": TIME, "latitude": LAT, "longitude": LON, "t2m": DATA},
            {**TIME_UNITS, "calendar": "mayan"},
            'unknown calendar "mayan"',
        ),
        (
            DIMS,
            {"time": TIME, "latitude": LAT, "longitude": LON, "t2m": DATA, "d2m": DATA},
            TIME_UNITS,
            "say which variable; there are: t2m, d2m",
        ),
        (
            {**DIMS, "pressure_level": 4},
            {
                "time": TIME,
                "latitude": LAT,
                "longitude": LON,
                "t": ("f4", ("time", "pressure_level", "latitude", "longitude"), np.zeros((3, 4, 2, 2))),
            },
            TIME_UNITS,
            "t has 4 values of pressure_level: write one of them",
        ),
        (
            {**DIMS, "time": 0},
            {"time": ("i8", ("time",), None), "latitude": LAT, "longitude": LON, "t2m": (*DATA[:2], None)},
            TIME_UNITS,
            "no time steps",
        ),
        (
            DIMS,
            {"time": ("f8", ("time",), [0, np.nan, 2]), "latitude": LAT, "longitude": LON, "t2m": DATA},
            TIME_UNITS,
            "time has a missing value",
        ),
        (
            DIMS,
            {"time": TIME, "latitude": ("f8", ("latitude",), [1.0, np.nan]), "longitude": LON, "t2m": DATA},
            TIME_UNITS,
            "latitude has a missing value",
        ),
    ],
    ids=[
        "no time",
        "no latitude",
        "no longitude",
        "no data",
        "no units",
        "units of another kind",
        "months",
        "calendar",
        "two variables",
        "levels",
        "no steps",
        "NaN in time",
        "NaN in latitude",
    ],
)
def test_files_without_what_is_needed(dims: dict, variables: dict, units: dict, text: str, tmp_path: Path) -> None:
    path = write_raw(tmp_path / "x.nc", dims, variables, time=units)
    for call in (
        lambda: e5.read(path, progress=False),
        lambda: e5.daily(path, "max", progress=False),
        lambda: e5.find_events(path, 0.0, progress=False),
    ):
        with pytest.raises((InputError, CorruptDataError), match=text) as caught:
            call()
        assert caught.value.target == str(path)
        assert "x.nc" in str(caught.value), "it says where"


@pytest.mark.native
def test_wrong_variable_names_those_there_are(tmp_path: Path) -> None:
    variables = {"time": TIME, "latitude": LAT, "longitude": LON, "t2m": DATA, "sp": DATA}
    path = write_raw(tmp_path / "x.nc", DIMS, variables, time=TIME_UNITS)
    for name in ("2d", "total_precipitation", "nonesuch", "", "x" * 1000, "t2m "):
        with pytest.raises(InputError, match=r"x\.nc: no variable .*; there are: t2m, sp"):
            e5.read(path, name, progress=False)
    with pytest.raises(InputError, match="no variable t2m ; there"):
        e5.open_dataset(path, ["sp", "t2m "])


@pytest.mark.native
def test_text_is_no_variable(tmp_path: Path) -> None:
    variables = {"time": TIME, "latitude": LAT, "longitude": LON, "note": ("S1", ("time",), None), "t2m": DATA}
    path = write_raw(tmp_path / "x.nc", DIMS, variables, time=TIME_UNITS)
    with pytest.raises(InputError, match="no variable note; there are: t2m"):
        e5.read(path, "note", progress=False)
    with pytest.raises(InputError, match="no numeric variable 'note'"):
        _core.open_file(path).read("note")


@pytest.mark.native
@pytest.mark.parametrize("name", ["scale_factor", "add_offset"])
@pytest.mark.parametrize("value", ["two", np.nan, np.inf], ids=repr)
def test_scale_that_is_no_number(name: str, value: object, tmp_path: Path) -> None:
    variables = {"time": TIME, "latitude": LAT, "longitude": LON, "t2m": ("i2", DATA[1], None)}
    path = write_raw(tmp_path / "x.nc", DIMS, variables, time=TIME_UNITS, t2m={name: value})
    with pytest.raises(CorruptDataError, match=r"scale_factor or add_offset is no number.*edited by hand"):
        e5.read(path, progress=False)


@pytest.mark.native
def test_series_that_a_diagnostic_cannot_use(tmp_path: Path) -> None:
    hourly = write(tmp_path / "hourly.nc", field(48))
    with pytest.raises(InputError, match=r"counts days, and a step of the data is 1 h.*e5\.daily"):
        e5.percentile_doy(hourly, 90, progress=False)
    curved = write(tmp_path / "uneven.nc", field(3), longitude=np.array([0, 1, 2, 4, 5, 6, 7.0]))
    with pytest.raises(InputError, match="longitudes are not evenly spaced"):
        e5.find_events(curved, 280.0, progress=False)
    off = write(tmp_path / "off.nc", field(3), latitude=LATITUDE + 60)
    with pytest.raises(InputError, match="latitude 0 is 110, must be -90 to 90"):
        e5.find_events(off, 280.0, progress=False)


# --- headers that claim too much ---


@pytest.mark.native
@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({"time": 2**40}, "time claims|valid_time claims|claims"),
        ({"latitude": 2**40}, "latitude claims"),
        ({"longitude": 2**40}, "longitude claims"),
    ],
)
def test_axes_that_claim_too_much(sizes: dict, text: str, tmp_path: Path) -> None:
    dims = {**DIMS, **sizes}
    lazy = {"chunksizes": None, "zlib": True}
    values = {axis: None if axis in sizes else np.arange(size) for axis, size in DIMS.items()}
    variables = {axis: ("f8", (axis,), numbers, lazy) for axis, numbers in values.items()}
    variables["t2m"] = ("f4", tuple(DIMS), None, {"zlib": True, "chunksizes": (1, 2, 2)})
    path = write_raw(tmp_path / "x.nc", dims, variables, time=TIME_UNITS)
    assert path.stat().st_size < 100_000
    began = time.monotonic()
    with pytest.raises(UnsafeInputError, match=text) as caught:
        e5.read(path, progress=False)
    assert "o not trust this file" in str(caught.value)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("rows", "columns", "doors"),
    [(10_000, 10_000, ("read", "daily")), (120_000, 120_000, ("read", "daily", "find_events"))],
    ids=["maps of 0.4 GB", "maps of 58 GB"],
)
def test_maps_that_claim_too_much(rows: int, columns: int, doors: tuple[str, ...], tmp_path: Path) -> None:
    """A small file of some TB: reading fails before memory is used. (Address sanitizers end there.)

    Events need some steps at a time only and would read those of the smaller one to their end.
    """
    axis = {"zlib": True}
    variables = {
        "time": ("i8", ("time",), np.arange(10_000), axis),
        "latitude": ("f8", ("latitude",), np.linspace(90, -90, rows), axis),
        "longitude": ("f8", ("longitude",), np.arange(columns) * (360 / columns), axis),
        "t2m": ("f4", tuple(DIMS), None, {"zlib": True, "chunksizes": (1, 1000, 1000)}),
    }
    dims = {"time": 10_000, "latitude": rows, "longitude": columns}
    path = write_raw(tmp_path / "x.nc", dims, variables, time=TIME_UNITS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for door in doors:
        with pytest.raises((MemoryError, UnsafeInputError)):
            DOORS[door](path)
    assert e5.open_dataset(path).sizes["latitude"] == rows
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2 << 20  # KiB


# --- arguments ---


@pytest.mark.native
@pytest.mark.parametrize("offset", [np.nan, np.inf, 1e300, -25, "1", None])
def test_offsets_that_are_none(offset: object) -> None:
    with pytest.raises(InputError, match=r"utc_offset must be -14 to 14 hours or .solar., not"):
        e5.daily(np.zeros(24), "max", utc_offset=offset, time=np.datetime64("2001-01-01", "h") + np.arange(24))


@pytest.mark.native
@pytest.mark.parametrize(
    "period",
    ["2001", ("2001",), ("2001", "2002", "2003"), ("x", "y"), ("2001-13", "2002"), ("2001-02-30", "2002"), 2001,
     (None, None), ("2001", 10**12)],
    ids=repr,
)  # fmt: skip
def test_base_periods_that_are_none(period: object) -> None:
    time = np.datetime64("2001-01-01", "D") + np.arange(800)
    with pytest.raises(InputError, match=r'base_period must be a pair like \("1991", "2020"\), or None'):
        e5.percentile_doy(np.zeros(800), 90, base_period=period, time=time)


@pytest.mark.native
@pytest.mark.parametrize(
    "values", [np.zeros(4, complex), np.zeros(4, "M8[s]"), np.zeros(4, object), np.zeros(4, "S3")]
)
def test_arrays_of_no_numbers(values: np.ndarray) -> None:
    time = np.datetime64("2001-01-01", "D") + np.arange(4)
    for call in (lambda: e5.daily(values, "max", time=time), lambda: e5.percentile_doy(values, 50, time=time)):
        with pytest.raises(InputError, match="cannot compute with an array of"):
            call()


# --- labelled data of all forms ---


def labelled(step: str = "D", n: int = 400) -> xr.DataArray:
    """A series in K at four places that warms and cools again, one value per step."""
    time = (np.datetime64("2001-01-01").astype(f"datetime64[{step}]") + np.arange(n)).astype("datetime64[ns]")
    values = (310 - np.abs(np.linspace(-20, 20, n)))[:, None, None] + np.arange(4.0).reshape(2, 2)
    return xr.DataArray(
        values,
        dims=("time", "latitude", "longitude"),
        coords={"time": time, "latitude": LATITUDE[:2], "longitude": LONGITUDE[:2]},
        attrs={"units": "K"},
        name="t2m",
    )


def test_text_of_a_threshold_is_its_number_in_the_units_of_the_data() -> None:
    x = labelled()
    celsius = (x - 273.15).assign_attrs(units="degC")
    ways: list[Callable[[object], object]] = [
        lambda limit: e5.run_lengths(x, limit, "total"),
        lambda limit: e5.percentile(x, 50, at_least=limit),
        lambda limit: e5.spell_statistics(x, limit).total,
        lambda limit: e5.spell_statistics(x, 290.0, stay=limit).total,
        lambda limit: e5.heatwave_aspects(x, limit).hwt,
        lambda limit: e5.spells(x, limit)["duration"],
        lambda limit: e5.spells(x, 305.0, stay=limit)["duration"],
        lambda limit: e5.find_events(x, limit).to_dataframe()["cells"],
        lambda limit: e5.gpd(x, limit, return_period=10, separation=0).events,
    ]
    for number, way in enumerate(ways):
        text, plain, other = (np.asarray(way(limit)) for limit in ("30 degC", 303.15, 307.15))
        np.testing.assert_array_equal(text, plain, err_msg=str(number))
        assert not np.array_equal(plain, other), number
    both = [e5.spell_statistics(x, 290.0, celsius, limit).total for limit in (30.0, "30 degC", "303.15 K")]
    assert both[0].max() > 0
    assert both[0].equals(both[1])
    assert both[0].equals(both[2])


def test_text_of_a_threshold_that_does_not_fit() -> None:
    x = labelled()
    time = x.time.values
    for call in (e5.run_lengths, e5.spell_statistics, e5.spells, e5.find_events):
        with pytest.raises(InputError, match=r"threshold|above"):
            call(x, "30 m")
        with pytest.raises(InputError, match=r"threshold|above"):
            call(x, "30")
        with pytest.raises(InputError, match="the data have no units"):
            call(x.values, "30 degC", time=time, latitude=LATITUDE[:2], longitude=LONGITUDE[:2])


@pytest.mark.parametrize("step", ["h", "M"])
def test_what_counts_days_refuses_other_steps(step: str) -> None:
    x = labelled(step)
    calls: dict[str, Callable[[], object]] = {
        "su": lambda: e5.indices.su(x),
        "etccdi": lambda: e5.etccdi(tx=x, indices=["su", "id"]),
        "excess_heat": lambda: e5.excess_heat(x),
        "heatwave_aspects": lambda: e5.heatwave_aspects(x, 300),
        "heatwave_climatology": lambda: e5.heatwave_climatology(x),
        "marine_heatwaves": lambda: e5.marine_heatwaves(x),
        "hwmid": lambda: e5.hwmid(x, 300),
        "fire_weather": lambda: e5.fire_weather(
            x, x.assign_attrs(units="%"), x.assign_attrs(units="m s-1"), x.assign_attrs(units="mm")
        ),
    }
    if step == "h":  # the spells of months have a meaning
        calls |= {"spells": lambda: e5.spells(x, 300), "spell_statistics": lambda: e5.spell_statistics(x, 300)}
    else:
        assert len(e5.spells(x, 300)) > 0
    for name, call in calls.items():
        with pytest.raises(InputError, match=f"^{name} counts days") as caught:
            call()
        assert step == "M" or "e5.daily(x, 'max')" in str(caught.value)


def test_run_lengths_of_hours_are_not_in_days() -> None:
    assert e5.run_lengths(labelled(), 300).attrs["units"] == "d"
    assert e5.run_lengths(labelled("h"), 300).attrs["units"] == "1"


def test_dataset_in_place_of_its_variable() -> None:
    x = labelled()
    one = x.to_dataset()
    two = one.assign(other=x + 1)
    assert e5.indices.su(one).identical(e5.indices.su(x))
    assert len(e5.spells(one, 300)) == len(e5.spells(x, 300))
    assert len(e5.find_events(one, 300)) == len(e5.find_events(x, 300))
    assert e5.daily(two, "max", variable="t2m").identical(e5.daily(x, "max"))
    assert e5.daily(two, "max")["other"].equals(e5.daily(x + 1, "max"))
    assert e5.sample(two, LATITUDE[0], LONGITUDE[0], variable="t2m").equals(e5.sample(x, LATITUDE[0], LONGITUDE[0]))
    assert e5.convert_units(one, None, "degC").equals(e5.convert_units(x, None, "degC"))
    speed = x.assign_attrs(units="m s-1")
    assert e5.wind_speed(speed.to_dataset(), speed).equals(e5.wind_speed(speed, speed))
    means = [e5.bootstrap(data, n_resamples=20, seed=1, progress=False).low for data in (one, x)]
    assert means[0].equals(means[1])
    for call in (
        lambda: e5.bootstrap(two),
        lambda: e5.daily(two, "max", variable="absent"),
        lambda: e5.spells(two, 300),
        lambda: e5.wind_speed(two, x),
        lambda: e5.sample(two, LATITUDE[0], LONGITUDE[0]),
        lambda: e5.convert_units(two, None, "degC"),
        lambda: e5.spell_statistics(x, two),
    ):
        with pytest.raises(InputError, match="t2m, other"):
            call()


def test_unknown_keyword_names_the_function() -> None:
    for name, function in (("climatology", e5.climatology), ("heat_index", e5.heat_index), ("su", e5.indices.su)):
        with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected keyword argument 'colour'"):
            function(labelled(), colour=1)


def test_operands_of_other_shapes_or_places() -> None:
    x = labelled().assign_attrs(units="m s-1")
    for call in (
        lambda: e5.heat_index(np.ones(3), np.ones(4)),
        lambda: e5.wind_speed(x, x.assign_coords(latitude=[1.0, 2.0])),
    ):
        with pytest.raises(InputError, match="operands do not fit each other"):
            call()


@pytest.mark.parametrize("number", ["a", 1.5, None])
def test_number_of_threads_that_is_none(number: object) -> None:
    with pytest.raises(InputError, match="must be a whole number"):
        e5.set_num_threads(number)  # type: ignore[arg-type]


# --- a full disk ---

FULL = """
import json, resource, signal, sys
import numpy as np
import era5fast as e5
from era5fast.errors import Era5FastError, StorageError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
time = np.datetime64("2001-01-01", "D") + np.arange(200)
x = np.random.default_rng(1).normal(size=(200, 20, 30))
events = e5.find_events(x, 1.0, min_days=1, time=time, latitude=np.arange(20.0), longitude=np.arange(30.0))
path = sys.argv[1]
if sys.argv[2] == "second":
    small = e5.find_events(x[:9], 1.5, min_days=1, time=time[:9], latitude=np.arange(20.0), longitude=np.arange(30.0))
    print(e5.EventDatabase(path).add(small, "small", progress=False).added > 0)
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), limits[1]))
try:
    e5.EventDatabase(path).add(events, "noise", progress=False)
except StorageError as error:
    print(error.errno, str(error))
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
db = e5.EventDatabase(path)
if sys.argv[2] == "second":
    print(int(db.sql("select count(*) from event where kind = 'noise'").iloc[0, 0]), len(db) > 0)
print(db.add(events, "noise", progress=False).added == len(events))
"""


@pytest.mark.parametrize("limit", [0, 20_000, 200_000])
def test_disk_full_while_a_database_is_made(limit: int, tmp_path: Path) -> None:
    result = run_python(FULL, str(tmp_path / "events.gpkg"), "first", str(limit))
    assert result.returncode == 0, result.stderr
    error, again = result.stdout.splitlines()
    assert "events.gpkg" in error
    assert again == "True", "the same call works when there is room"


def test_disk_full_while_a_database_grows(tmp_path: Path) -> None:
    result = run_python(FULL, str(tmp_path / "events.gpkg"), "second", "400000")
    assert result.returncode == 0, result.stderr
    made, error, kept, again = result.stdout.splitlines()
    assert (made, kept, again) == ("True", "0 True", "True"), "what was there stays, of the new nothing does"
    assert "events.gpkg" in error


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_database_on_a_device(tmp_path: Path) -> None:
    time = np.datetime64("2001-01-01", "D") + np.arange(5)
    events = e5.find_events(np.ones((5, 2, 2)), 0, time=time, latitude=LATITUDE[:2], longitude=LONGITUDE[:2])
    for target in ("/dev/full", tmp_path, tmp_path / "absent" / "x.gpkg"):
        with pytest.raises(Era5FastError) as caught:
            e5.EventDatabase(target).add(events, progress=False)
        assert str(target) in str(caught.value)

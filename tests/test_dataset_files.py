"""One variable over many files: every layout, order and kind of axis gives the same tidy values."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

import era5fast as e5
from era5fast import _core
from era5fast.errors import CorruptDataError, InputError

pytestmark = pytest.mark.native

ROLES = ("time", "number", "level", "latitude", "longitude")
LATITUDE = np.array([50.0, 49.5, 49.0, 48.5])
LONGITUDE = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
PRESSURES = np.array([1000.0, 850.0, 500.0])
NEW_TIME = {"units": "seconds since 1970-01-01", "calendar": "proleptic_gregorian"}


@dataclass
class Axis:
    """How one axis is written: its name in the file, stored values and their type, attributes."""

    name: str
    stored: Any
    dtype: str = "f8"
    attrs: dict[str, Any] = field(default_factory=dict)


def hours(steps: int, start: str = "2001-01-01", step: int = 1) -> np.ndarray:
    """Seconds since 1970."""
    return (np.datetime64(start, "h") + step * np.arange(steps)).astype("datetime64[s]").astype("int64")


def time_axis(seconds: np.ndarray, name: str = "valid_time") -> Axis:
    return Axis(name, np.asarray(seconds), "i8", dict(NEW_TIME))


def pressure_axis(levels: np.ndarray = PRESSURES, name: str = "pressure_level") -> Axis:
    return Axis(name, np.asarray(levels), "f8", {"units": "hPa", "positive": "down"})


def number_axis(numbers: Any) -> Axis:
    return Axis("number", np.asarray(numbers), "i8", {"units": "1"})


def grid(latitude: np.ndarray = LATITUDE, longitude: np.ndarray = LONGITUDE) -> dict[str, Axis]:
    return {"latitude": Axis("latitude", latitude), "longitude": Axis("longitude", longitude)}


def truth(seconds: Any, number: Any, level: Any, latitude: Any, longitude: Any) -> np.ndarray:
    """The value at a place, moment, number and level: the same in whatever file it is written; exact in float32."""
    one = [np.atleast_1d(np.asarray(x, "f8")) for x in (seconds, number, level, latitude, longitude)]
    t, n, z, y, x = np.meshgrid(*one, indexing="ij")
    code = (t // 3600) % 128 + 128 * (n % 8) + 1024 * (z % 16) + 16384 * (2 * y % 16)
    return (code + 262144 * (2 * (x % 360) % 32)).astype("float32")


def write(
    path: Path,
    axes: dict[str, Axis],
    seconds: np.ndarray,
    *,
    order: tuple[str, ...] | None = None,
    old: bool = False,
    scalars: tuple[str, ...] = (),
    expver: np.ndarray | None = None,
    version: Any = None,
    units: str = "K",
    **creation: Any,
) -> str:
    """Write the true values over `axes` (by role), in `order`; `scalars` are written without a dimension.

    `expver` (steps) adds a dimension of versions 1 and 5, of which only the named one is there; `version` adds the
    variable of the present layout: one text, or one per step.
    """
    order = order or tuple(role for role in ROLES if role in axes)
    stored = {role: np.atleast_1d(axis.stored) for role, axis in axes.items()}
    values = truth(seconds, *(stored.get(role, 0) for role in ROLES[1:]))
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET" if old else "NETCDF4") as file:
        for role in order:
            axis, free = axes[role], role not in scalars
            if free:
                file.createDimension(axis.name, len(stored[role]))
            variable = file.createVariable(axis.name, axis.dtype, (axis.name,) if free else ())
            variable[...] = axis.stored if free else stored[role][0]
            variable.setncatts(axis.attrs)
        there = [role for role in order if role not in scalars]
        shaped = values.transpose([ROLES.index(r) for r in (*there, *(r for r in ROLES if r not in there))])
        shaped = shaped.reshape(shaped.shape[: len(there)])
        dims = [axes[role].name for role in there]
        if expver is not None:
            file.createDimension("expver", 2)
            file.createVariable("expver", "i4", ("expver",))[:] = [1, 5]
            at = there.index("time")
            shape = [-1 if i == at else 1 for i in range(len(there))]
            is_final = (np.asarray(expver) == 1).reshape(shape)
            shaped = np.stack([np.where(is_final, shaped, np.nan), np.where(is_final, np.nan, shaped)], at + 1)
            dims.insert(at + 1, "expver")
        if version is not None:
            texts = file.createVariable("expver", str, () if isinstance(version, str) else (axes["time"].name,))
            texts[...] = np.asarray(version, object) if not isinstance(version, str) else version
        data = file.createVariable("t", "f4", dims, fill_value=np.nan, **creation)
        data.units = units
        data[...] = shaped.astype("f4")
    return str(path)


def tidy(core: Any) -> np.ndarray:
    """What a dataset must hold, by its own coordinates."""
    header = core.header()
    levels = {("number" if dim == "number" else "level"): one["values"] for dim, one in header["levels"].items()}
    values = truth(
        header["seconds"], levels.get("number", 0), levels.get("level", 0), header["latitude"], header["longitude"]
    )
    sizes = {"time": len(header["seconds"]), **{dim: len(one["values"]) for dim, one in header["levels"].items()}}
    sizes |= {"latitude": len(header["latitude"]), "longitude": len(header["longitude"])}
    return values.reshape([sizes[dim] for dim in header["dims"]])


def check(*paths: str) -> Any:
    """Open, and compare all values; the core's dataset."""
    core = _core.open_dataset(list(paths), "t")
    assert core is not None
    assert np.array_equal(core.read(), tidy(core))
    return core


NEW = time_axis(hours(6))
LAYOUTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "surface": ({"axes": {"time": NEW, **grid()}}, ("time", "latitude", "longitude")),
    "pressure levels": (
        {"axes": {"time": NEW, "level": pressure_axis(), **grid()}},
        ("time", "pressure_level", "latitude", "longitude"),
    ),
    "model levels": (
        {"axes": {"time": NEW, "level": Axis("model_level", np.array([60.0, 96, 137])), **grid()}},
        ("time", "model_level", "latitude", "longitude"),
    ),
    "old levels": (
        {
            "axes": {
                "time": Axis("time", hours(6) // 3600 + 613608, "i4", {"units": "hours since 1900-01-01 00:00:00.0"}),
                "level": Axis("level", np.array([500, 850, 1000]), "i4", {"units": "millibars"}),
                **grid(),
            },
            "old": True,
        },
        ("time", "pressure_level", "latitude", "longitude"),
    ),
    "other levels": (
        {"axes": {"time": NEW, "level": Axis("level", np.array([1, 2]), "i4", {"units": "1"}), **grid()}},
        ("time", "level", "latitude", "longitude"),
    ),
    "levels of cfgrib": (
        {"axes": {"time": NEW, "level": pressure_axis(name="isobaricInhPa"), **grid()}},
        ("time", "pressure_level", "latitude", "longitude"),
    ),
    "model levels of cfgrib": (
        {"axes": {"time": NEW, "level": Axis("hybrid", np.array([1.0, 2.0])), **grid()}},
        ("time", "model_level", "latitude", "longitude"),
    ),
    "levels without a known name": (
        {"axes": {"time": NEW, "level": Axis("theta", np.array([330.0, 350.0]), attrs={"units": "K"}), **grid()}},
        ("time", "theta", "latitude", "longitude"),
    ),
    "one level": (
        {"axes": {"time": NEW, "level": pressure_axis(np.array([500.0])), **grid()}},
        ("time", "pressure_level", "latitude", "longitude"),
    ),
    "ensemble, in front": (
        {
            "axes": {"time": NEW, "number": number_axis(range(3)), **grid()},
            "order": ("number", "time", "longitude", "latitude"),
        },
        ("time", "number", "latitude", "longitude"),
    ),
    "ensemble on levels": (
        {
            "axes": {"time": NEW, "number": number_axis(range(2)), "level": pressure_axis(), **grid()},
            "order": ("number", "time", "level", "latitude", "longitude"),
            "zlib": True,
        },
        ("time", "number", "pressure_level", "latitude", "longitude"),
    ),
    "everything the other way round": (
        {
            "axes": {"time": NEW, "number": number_axis(range(2)), "level": pressure_axis(), **grid()},
            "order": ROLES[::-1],
            "zlib": True,
            "chunksizes": (2, 3, 2, 1, 4),
        },
        ("time", "number", "pressure_level", "latitude", "longitude"),
    ),
    "number as a scalar": (
        {"axes": {"time": NEW, "number": number_axis(0), **grid()}, "scalars": ("number",)},
        ("time", "latitude", "longitude"),
    ),
    "two versions": (
        {"axes": {"time": NEW, **grid()}, "expver": [1, 1, 1, 5, 5, 5]},
        ("time", "latitude", "longitude"),
    ),
    "two versions on levels": (
        {"axes": {"time": NEW, "level": pressure_axis(), **grid()}, "expver": [1, 5, 1, 5, 5, 5], "zlib": True},
        ("time", "pressure_level", "latitude", "longitude"),
    ),
    "versions as texts": (
        {"axes": {"time": NEW, **grid()}, "version": ["0001"] * 4 + ["0005"] * 2},
        ("time", "latitude", "longitude"),
    ),
    "short names": (
        {
            "axes": {
                "time": replace(NEW, name="time"),
                "latitude": Axis("lat", LATITUDE),
                "longitude": Axis("lon", LONGITUDE),
            }
        },
        ("time", "latitude", "longitude"),
    ),
    "rows from south to north": (
        {"axes": {"time": NEW, **grid(LATITUDE[::-1], LONGITUDE)}},
        ("time", "latitude", "longitude"),
    ),
    "irregular rows and columns": (
        {"axes": {"time": NEW, **grid(np.array([50.0, 49.5, 47.0]), np.array([3.0, 1.5, 2.0]))}},
        ("time", "latitude", "longitude"),
    ),
    "one squeezed point": (
        {"axes": {"time": NEW, **grid(LATITUDE[:1], LONGITUDE[:1])}, "scalars": ("latitude", "longitude")},
        ("time", "latitude", "longitude"),
    ),
    "one squeezed moment": (
        {"axes": {"time": time_axis(hours(1)), **grid()}, "scalars": ("time",)},
        ("time", "latitude", "longitude"),
    ),
}


def seconds_of(axis: Axis) -> np.ndarray:
    units = axis.attrs["units"]
    return np.asarray(axis.stored) if units.startswith("seconds") else (np.asarray(axis.stored) - 613608) * 3600


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_tidied(tmp_path: Path, name: str) -> None:
    arguments, dims = LAYOUTS[name]
    core = check(write(tmp_path / "a.nc", seconds=seconds_of(arguments["axes"]["time"]), **arguments))
    header = core.header()
    assert header["dims"] == dims
    assert set(header["levels"]) == set(dims) - {"time", "latitude", "longitude"}
    for role in ("number", "level"):
        if role in arguments["axes"] and role not in arguments.get("scalars", ()):
            dim = next(d for d in header["levels"] if (d == "number") == (role == "number"))
            assert np.array_equal(header["levels"][dim]["values"], arguments["axes"][role].stored)


def test_levels_come_with_their_attributes(tmp_path: Path) -> None:
    arguments, _ = LAYOUTS["old levels"]
    old = check(write(tmp_path / "a.nc", seconds=hours(6), **arguments)).header()["levels"]["pressure_level"]
    assert old["attrs"]["units"] == "hPa"
    assert old["values"].dtype == "float64"
    arguments, _ = LAYOUTS["ensemble on levels"]
    new = check(write(tmp_path / "b.nc", seconds=hours(6), **arguments)).header()["levels"]
    assert new["pressure_level"]["attrs"] == {"units": "hPa", "positive": "down"}
    assert new["number"]["values"].dtype == "int64"


@pytest.mark.parametrize("steps", [6, 1])
def test_bounds_and_other_helpers_are_no_data(tmp_path: Path, steps: int) -> None:
    axes = {
        "time": time_axis(hours(steps)),
        "number": number_axis(0),
        "level": pressure_axis(np.array([500.0])),
        **grid(),
    }
    path = write(tmp_path / "a.nc", axes, hours(steps), scalars=("number", "level"), version="0001")
    with netCDF4.Dataset(path, "a") as file:
        file.createDimension("bnds", 2)
        for axis in ("valid_time", "latitude", "longitude"):
            file[axis].bounds = f"{axis}_bnds"
            file.createVariable(f"{axis}_bnds", "f8", (axis, "bnds"))[...] = 0
        file.createVariable("area", "f4", ("latitude", "longitude"))[...] = 1
        file.createVariable("crs", "i4", ())[...] = 1
        file["t"].grid_mapping = "crs"
    core = _core.open_dataset([path], None)
    assert core is not None
    assert core.header()["name"] == "t"
    assert np.array_equal(core.read().astype("f8"), tidy(core) + 1024 * (500 % 16))


# --- time


HOURS = np.array([964344, 964300, 964348])
SINCE_1900 = {"units": "hours since 1900-01-01 00:00:00.0"}
SINCE_2001 = {"units": "days since 2001-01-01"}
TIMES = {
    "days": (Axis("valid_time", np.arange(3), "i8", SINCE_2001), hours(3, step=24)),
    "before 1970": (Axis("valid_time", np.arange(-86400, 90000, 86400), "i8", NEW_TIME), hours(3, "1969-12-31", 24)),
    "fractions": (Axis("time", np.array([2.5, 0.25]), "f8", SINCE_2001), hours(1)[0] + np.array([216000, 21600])),
    "hours out of order": (Axis("time", HOURS, "i4", SINCE_1900), (HOURS - 613608) * 3600),
    "dates as numbers": (
        Axis("date", np.array([20010131, 20010201, 20010301]), "i8"),
        hours(60, step=24)[[30, 31, 59]],
    ),
}


@pytest.mark.parametrize("kind", TIMES)
def test_every_kind_of_time(tmp_path: Path, kind: str) -> None:
    axis, seconds = TIMES[kind]
    core = check(write(tmp_path / "a.nc", {"time": axis, **grid()}, seconds))
    assert np.array_equal(core.header()["seconds"], np.sort(seconds))


@pytest.mark.parametrize(
    ("time", "other"), [("forecast_reference_time", "forecast_period"), ("time", "step"), ("time", "forecast_period")]
)
def test_forecasts_with_two_axes_of_time_are_refused(tmp_path: Path, time: str, other: str) -> None:
    axes = {
        "time": time_axis(hours(2), time),
        "level": Axis(other, np.arange(3.0), attrs={"units": "hours"}),
        **grid(),
    }
    path = write(tmp_path / "a.nc", axes, hours(2))
    with pytest.raises(InputError, match=r"a forecast along .* one axis of valid_time"):
        _core.open_dataset([path], "t")


def test_a_forecast_with_one_axis_of_valid_time_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc", {"time": time_axis(hours(3), "step"), **grid()}, hours(3))
    with netCDF4.Dataset(path, "a") as file:
        file.renameVariable("step", "valid_time")
    check(path)


def test_stations_and_tracks_are_on_no_grid(tmp_path: Path) -> None:
    for name, along in (("stations", "place"), ("track", "valid_time")):
        path = tmp_path / f"{name}.nc"
        with netCDF4.Dataset(path, "w") as file:
            dims = ("valid_time", "place") if along == "place" else ("valid_time",)
            for dim in dims:
                file.createDimension(dim, 3)
            file.createVariable("valid_time", "i8", ("valid_time",)).units = NEW_TIME["units"]
            for axis in ("latitude", "longitude"):
                file.createVariable(axis, "f8", (along,))[:] = [1, 2, 3]
            file["valid_time"][:] = hours(3)
            file.createVariable("t", "f4", dims)
        refused(rf"{name}\.nc: variable t is on no grid: .* run along {along}", str(path))


def test_a_level_for_each_moment_is_no_axis(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nc", {"time": NEW, **grid()}, hours(6))
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("level", "i4", ("valid_time",))[:] = np.arange(6)
        file.createVariable("number", "i4", ("valid_time",))[:] = 1
    assert check(path).header()["dims"] == ("time", "latitude", "longitude")


# --- many files


def day(folder: Path, number: int, **arguments: Any) -> str:
    """A file of the day `number`, hourly."""
    seconds = hours(24, "2001-01-01") + number * 86400
    axes = {"time": time_axis(seconds), **arguments.pop("axes", grid())}
    return write(folder / f"{arguments.pop('name', number)}.nc", axes, seconds, **arguments)


def test_files_in_any_order_with_other_rows_and_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    east = np.where(LONGITUDE < 0, LONGITUDE + 360, LONGITUDE)
    grids = [
        grid(),
        grid(LATITUDE[::-1], LONGITUDE),
        grid(LATITUDE, east),
        grid(LATITUDE, np.sort(east)),
        grid(rng.permutation(LATITUDE), rng.permutation(east)),
        grid(LATITUDE, LONGITUDE - 360),
    ]
    paths = [day(tmp_path, i, axes=axes, zlib=True, chunksizes=(7, 3, 2)) for i, axes in enumerate(grids)]
    core = check(paths[0], *paths[:0:-1])
    header = core.header()
    assert np.array_equal(header["latitude"], LATITUDE)
    assert np.array_equal(header["longitude"], LONGITUDE)
    assert np.array_equal(header["seconds"], hours(6 * 24))
    check(*paths[::-1])


def test_a_global_grid_that_begins_elsewhere(tmp_path: Path) -> None:
    east = np.arange(0, 360, 22.5)
    west = np.where(east >= 180, east - 360, east)
    paths = [day(tmp_path, 0, axes=grid(LATITUDE, east)), day(tmp_path, 1, axes=grid(LATITUDE, np.sort(west)))]
    assert np.array_equal(check(*paths).header()["longitude"], east)
    assert np.array_equal(check(*paths[::-1]).header()["longitude"], np.sort(west))


def test_layouts_mix(tmp_path: Path) -> None:
    levels = np.array([500.0, 850.0])
    new = {"level": pressure_axis(levels), **grid()}
    paths = [day(tmp_path, 0, axes=new), day(tmp_path, 1, axes={**new, "level": pressure_axis(levels[::-1])})]
    old = LAYOUTS["old levels"][0]["axes"]
    seconds = hours(24) + 2 * 86400
    axes = {**old, "time": replace(old["time"], stored=seconds // 3600 + 613608)}
    axes["level"] = replace(old["level"], stored=np.array([850, 500]))
    core = check(*paths, write(tmp_path / "old.nc", axes, seconds, old=True))
    assert np.array_equal(core.header()["levels"]["pressure_level"]["values"], levels)


def test_one_file_per_level(tmp_path: Path) -> None:
    names = {1000.0: "one", 500.0: "two", 850.0: "three"}
    paths = [
        day(tmp_path, i, name=f"{name}{i}", axes={"level": pressure_axis(np.array([level])), **grid()})
        for level, name in names.items()
        for i in range(3)
    ]
    core = check(*paths)
    assert core.header()["levels"]["pressure_level"]["values"].tolist() == [500, 850, 1000]
    part = core.read([(12, 30), np.array([2, 0]), (1, 2), np.array([4, 0, 0])])
    assert np.array_equal(part, tidy(core)[12:42][:, [2, 0]][:, :, 1:3][..., [4, 0, 0]])


def test_a_file_that_does_not_say_its_level_fits_to_one_that_does(tmp_path: Path) -> None:
    level = Axis("level", np.array([0]), "i4", {"units": "millibars"})  # 0: as `truth` counts no level
    for said in ({"level": level, **grid()}, {"number": number_axis([0]), **grid()}):
        paths = [day(tmp_path, 0, axes=grid()), day(tmp_path, 1, axes=dict(said))]
        for order in (paths, paths[::-1]):
            header = check(*order).header()
            dim = "pressure_level" if "level" in said else "number"
            assert header["dims"] == ("time", dim, "latitude", "longitude")
            assert header["levels"][dim]["values"].tolist() == [0]


def test_one_file_per_number_and_level(tmp_path: Path) -> None:
    paths = [
        day(tmp_path, 0, name=f"{n}-{z}", axes={"number": number_axis(n), "level": pressure_axis(z), **grid()}, scalars=("number", "level"))  # noqa: E501
        for n in range(3)
        for z in (850.0, 500.0)
    ]  # fmt: skip
    core = check(*paths)
    assert core.header()["dims"] == ("time", "number", "pressure_level", "latitude", "longitude")
    with pytest.raises(InputError, match="its set of levels differs"):
        _core.open_dataset(paths[:-1], "t")


def refused(match: str, *paths: str) -> None:
    with pytest.raises(InputError, match=match):
        _core.open_dataset(list(paths), "t")


def test_what_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    def levels(number: int, name: str, *values: float, kind: str = "pressure_level") -> str:
        return day(tmp_path, number, name=name, axes={"level": pressure_axis(np.array(values), kind), **grid()})

    base = levels(0, "base", 500, 850)
    refused(r"more\.nc: its set of levels .* base\.nc", base, levels(1, "more", 500, 850, 1000))
    refused(r"later\.nc: its time axis .* base\.nc", base, levels(1, "later", 1000))
    refused(r"model\.nc: its kind of level .* base\.nc", base, levels(1, "model", 500, 850, kind="model_level"))
    refused(r"flat\.nc: its kind of level .* base\.nc", base, day(tmp_path, 1, name="flat"))
    moved = {"level": pressure_axis(np.array([500.0, 850.0])), **grid(LATITUDE + 0.25)}
    refused(r"moved\.nc: its grid .* base\.nc", base, day(tmp_path, 1, name="moved", axes=moved))
    few = {"level": pressure_axis(np.array([500.0, 850.0])), **grid(LATITUDE, LONGITUDE[:-1])}
    refused(r"few\.nc: its grid .* base\.nc", base, day(tmp_path, 1, name="few", axes=few))
    unit = day(tmp_path, 1, name="unit", axes={"level": pressure_axis(np.array([500.0, 850.0])), **grid()}, units="C")
    refused(r"unit\.nc: the variable's unit .* base\.nc", base, unit)


def test_a_bad_file_among_many_is_named(tmp_path: Path) -> None:
    paths = [day(tmp_path, i) for i in range(20)]
    Path(paths[7]).write_bytes(b"<html>")
    with pytest.raises(CorruptDataError, match=r"7\.nc"):
        _core.open_dataset(paths, "t")


# --- what is twice, what is missing


@pytest.fixture
def warnings_of(caplog: pytest.LogCaptureFixture) -> Any:
    """Open files and list the warnings."""

    def look(*paths: str) -> list[str]:
        caplog.clear()
        with caplog.at_level(logging.WARNING, "era5fast"):
            check(*paths)
        return [record.getMessage() for record in caplog.records]

    return look


def marked(path: str, by: float) -> str:
    """Add a number to all values of a file."""
    with netCDF4.Dataset(path, "a") as file:
        file["t"][...] = file["t"][...] + by
    return path


def test_of_a_step_that_is_twice_the_first_file_wins(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = hours(24), hours(24) + 20 * 3600
    paths = [
        write(tmp_path / "late.nc", {"time": time_axis(second), **grid()}, second),
        marked(write(tmp_path / "early.nc", {"time": time_axis(first), **grid()}, first), 0.5),
    ]
    core = _core.open_dataset(paths, "t")
    expected = tidy(core)
    expected[:20] += 0.5
    assert np.array_equal(core.read(), expected)
    assert "4 time steps occur more than once" in caplog.text
    assert "first on 2001-01-01 20:00 in late.nc and early.nc" in caplog.text


@pytest.mark.parametrize("whole", [False, True], ids=["per step", "one for all"])
def test_the_final_version_wins(tmp_path: Path, caplog: pytest.LogCaptureFixture, whole: bool) -> None:
    def file(name: str, versions: list[str], by: float) -> str:
        version = versions[0] if whole else versions
        path = write(tmp_path / name, {"time": time_axis(hours(4)), **grid()}, hours(4), version=version)
        return marked(path, by)

    early = file("early.nc", ["0005"] * 4 if whole else ["0001", "0005", "0005", "0005"], 0.5)
    late = file("late.nc", ["0001"] * 4 if whole else ["0001", "0001", "0001", "0005"], 0)
    core = _core.open_dataset([early, late], "t")
    expected = tidy(core)
    expected[[] if whole else [0, 3]] += 0.5
    assert np.array_equal(core.read(), expected)
    assert f"but for {4 if whole else 2} preliminary ones" in caplog.text
    assert np.array_equal(_core.open_dataset([late, early], "t").read(), tidy(core))


def test_holes_are_reported(tmp_path: Path, warnings_of: Any) -> None:
    paths = [day(tmp_path, i) for i in range(6)]
    assert warnings_of(*paths) == []
    (line,) = warnings_of(*paths[:2], *paths[3:])
    assert "t: 24 time steps are missing in 1 hole" in line
    assert "between 2001-01-02 23:00 in 1.nc and 2001-01-04 00:00" in line
    (line,) = warnings_of(paths[0], paths[5])
    assert "t: 96 time steps are missing in 1 hole" in line, "a lone hole may be longer than the data"


@pytest.mark.parametrize("kind", ["months", "seasons", "hours of the day", "years"])
def test_gaps_that_were_asked_for_are_no_holes(tmp_path: Path, warnings_of: Any, kind: str) -> None:
    days = np.arange("1999-01-01", "2004-01-01", dtype="M8[D]")
    months = days.astype("M8[M]").astype(int) % 12
    seconds = {
        "months": np.arange("1999-01", "2004-01", dtype="M8[M]").astype("M8[s]").astype("i8"),
        "seasons": days[(months >= 5) & (months <= 7)].astype("M8[s]").astype("i8"),
        "hours of the day": (days[:, None].astype("M8[h]") + np.array([0, 6, 12]))
        .ravel()
        .astype("M8[s]")
        .astype("i8"),
        "years": np.arange("1979", "2024", dtype="M8[Y]").astype("M8[s]").astype("i8"),
    }[kind]
    assert warnings_of(write(tmp_path / "a.nc", {"time": time_axis(seconds), **grid()}, seconds)) == []


# --- picks


def random_pick(rng: np.random.Generator, length: int) -> tuple[int, int] | np.ndarray:
    start = int(rng.integers(0, length))
    if rng.random() < 0.4:
        return start, int(rng.integers(1, length - start + 1))
    return rng.integers(0, length, rng.integers(1, 2 * length))


def outer(values: np.ndarray, picks: list[Any]) -> np.ndarray:
    for axis, pick in enumerate(picks):
        values = values.take(np.arange(*np.cumsum(pick)) if isinstance(pick, tuple) else pick, axis)
    return values


@pytest.mark.parametrize("seed", range(8))
def test_any_picks(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    orders = [None, ROLES[::-1], ("number", "level", "time", "longitude", "latitude")]
    paths = []
    for i in range(4):
        axes = {"number": number_axis(rng.permutation(3)), "level": pressure_axis(rng.permutation(PRESSURES))}
        axes |= grid(rng.permutation(LATITUDE), rng.permutation(LONGITUDE))
        order = orders[rng.integers(3)]
        names = order or ROLES
        sizes = {"time": 24, "number": 3, "level": 3, "latitude": 4, "longitude": 5}
        chunks = [int(rng.integers(1, sizes[name] + 1)) for name in names]
        versions = rng.choice([1, 5], 24) if rng.random() < 0.3 else None
        if versions is not None:
            chunks.insert(names.index("time") + 1, 1)
        paths.append(day(tmp_path, i, axes=axes, order=order, zlib=True, chunksizes=chunks, expver=versions))
    core = check(*paths)
    whole = tidy(core)
    for _ in range(20):
        picks = [random_pick(rng, length) for length in whole.shape]
        assert np.array_equal(core.read(picks), outer(whole, picks))


def test_into_an_array_of_the_caller(tmp_path: Path) -> None:
    core = check(*(day(tmp_path, i) for i in range(3)))
    whole = tidy(core)
    for dtype in ("float32", "float64"):
        out = np.full((2, 4, 5), -1, dtype)
        assert core.read([np.array([50, 3]), (0, 4), (0, 5)], out=out) is out
        assert np.array_equal(out, whole[[50, 3]])
    for wrong in (np.empty((2, 4, 4), "f4"), np.empty((2, 4, 10), "f4")[..., ::2]):
        with pytest.raises(ValueError, match="out"):
            core.read([(0, 2), (0, 4), (0, 5)], out=wrong)
    with pytest.raises(IndexError):
        core.read([(0, 73), (0, 4), (0, 5)])
    assert core.read([(0, 0), (0, 4), (0, 5)]).shape == (0, 4, 5)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads(tmp_path: Path, threads: int) -> None:
    before = _core.get_num_threads()
    _core.set_num_threads(threads)
    try:
        check(*(day(tmp_path, i, zlib=True, chunksizes=(5, 3, 2)) for i in range(12)))
    finally:
        _core.set_num_threads(before)


# --- beside the rest


def test_no_descriptor_is_kept(tmp_path: Path) -> None:
    paths = [day(tmp_path, i) for i in range(60)]
    before = len(list(Path("/proc/self/fd").iterdir()))
    core = check(*paths)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    del core


def test_kernels_take_one_level_and_refuse_several(tmp_path: Path) -> None:
    one = [day(tmp_path, i, axes={"level": pressure_axis(np.array([500.0])), **grid()}) for i in range(3)]
    whole = tidy(_core.open_dataset(one, "t"))
    mean = e5.daily(one, "max", variable="t")
    assert np.array_equal(mean.values, whole.reshape(3, 24, 4, 5).max(1))
    two = day(tmp_path, 0, name="two", axes={"level": pressure_axis(np.array([500.0, 850.0])), **grid()})
    with pytest.raises(InputError, match="pressure_level"):
        e5.daily(two, "max", variable="t")


def expected_of(path: Path, name: str) -> dict[str, Any] | None:
    """A variable of a real file, tidied by hand with netCDF4; None when it is on no map."""
    with netCDF4.Dataset(path) as file:
        variable = file[name]
        if variable.dtype is str or not np.issubdtype(variable.dtype, np.number):
            return None
        names = {
            "latitude": ("latitude", "lat"),
            "longitude": ("longitude", "lon"),
            "time": ("valid_time", "time", "date"),
        }
        found = {role: next((d for d in variable.dimensions if d in known), None) for role, known in names.items()}
        if None in found.values():
            return None
        values = variable[...]
        values = np.ma.filled(values.astype("f8"), np.nan)
        dims = list(variable.dimensions)
        if "expver" in dims:
            axis = dims.index("expver")
            first, second = np.moveaxis(values, axis, 0)
            values = np.where(np.isnan(first), second, first)
            dims.remove("expver")
        others = [d for d in dims if d not in found.values()]
        order = [found["time"], *others, found["latitude"], found["longitude"]]
        values = values.transpose([dims.index(d) for d in order])
        stamps = file[found["time"]]
        keys = stamps[...].astype("f8")
        return {"values": values[np.argsort(keys, kind="stable")], "others": others}


def test_real_files_hold_what_netcdf4_reads(real_data: Path) -> None:
    compared = 0
    for path in sorted(real_data.glob("*.nc")):
        if path.read_bytes()[:2] == b"PK":
            continue
        for name, variable in _core.open_file(path).header()["variables"].items():
            if variable["dtype"] == "text" or (expected := expected_of(path, name)) is None:
                continue
            core = _core.open_dataset([path], name)
            assert core is not None
            values = core.read()
            kept = [dim for dim in core.header()["dims"] if dim not in ("time", "latitude", "longitude")]
            wanted = expected["values"]
            assert len(kept) <= len(expected["others"]), (path.name, name)
            assert np.array_equal(values.ravel(), wanted.astype(values.dtype).ravel(), equal_nan=True), (
                path.name,
                name,
            )
            compared += 1
    assert compared > 40

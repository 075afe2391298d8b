"""GRIB files through cfgrib: the same tidy names and values as from netCDF files."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast import cli, memory
from era5fast.contents import contents
from era5fast.errors import CorruptDataError, InputError, ResultTooLargeError
from tests.samples import field, write

needs_cfgrib = pytest.mark.skipif(importlib.util.find_spec("cfgrib") is None, reason="needs era5fast[grib]")
HOURLY = "grib1_era5_t2m_hourly_uk_2019-03.grib"
MIXED = "grib1_era5_mixed_an_fc_southamerica_20240203T17.grib"
SINGLE = "grib1_era5_t2m_europe_20170101T12.grib"


@needs_cfgrib
@pytest.mark.parametrize("name", [HOURLY, MIXED, SINGLE])
def test_a_file_as_a_tidy_dataset(real_data: Path, name: str) -> None:
    before = sorted(real_data.iterdir())
    ds = e5.open_dataset(real_data / name)
    xr.testing.assert_identical(ds, xr.open_dataset(real_data / name, engine="era5fast"))
    assert sorted(real_data.iterdir()) == before, "no index is left beside the file"
    for array in ds.data_vars.values():
        assert array.dims == ("time", "latitude", "longitude")
        assert array.dtype == "float32"
    with xr.open_dataset(
        real_data / name, engine="cfgrib", backend_kwargs={"indexpath": "", "errors": "ignore"}
    ) as theirs:
        for variable in set(theirs.data_vars) & set(ds.data_vars):
            assert np.array_equal(ds[variable].values.ravel(), theirs[variable].values.ravel(), equal_nan=True)


@needs_cfgrib
def test_analyses_and_forecasts_at_one_moment_are_together(real_data: Path) -> None:
    ds = e5.open_dataset(real_data / MIXED)
    assert list(ds.data_vars) == ["msl", "u10", "v10", "t2m", "i10fg"]
    assert list(ds.time.values) == [np.datetime64("2024-02-03T17", "ns")]
    with pytest.raises(InputError, match=r"which variable.*msl, u10, v10, t2m, i10fg"):
        e5.read(real_data / MIXED)


@needs_cfgrib
def test_a_part_of_a_variable(real_data: Path) -> None:
    whole = e5.open_dataset(real_data / HOURLY).t2m
    assert whole.sizes == {"time": 744, "latitude": 33, "longitude": 49}
    period, area = slice("2019-03-05", "2019-03-06"), [55, -5, 52, 0]
    found = e5.read(real_data / HOURLY, "2m_temperature", time=period, area=area, dtype="float64")
    wanted = whole.sel(time=period, latitude=slice(55, 52), longitude=slice(-5, 0)).values
    assert found.dtype == "float64"
    assert np.array_equal(found, wanted)
    out = np.empty(found.shape, "float32")
    assert e5.read(real_data / HOURLY, time=period, area=area, out=out) is out
    assert np.array_equal(out, wanted)


@needs_cfgrib
def test_several_files_follow_each_other(real_data: Path, tmp_path: Path) -> None:
    data = (real_data / HOURLY).read_bytes()
    size = len(data) // 744
    for i, part in enumerate((data[: 300 * size], data[250 * size :])):
        (tmp_path / f"{1 - i}.grib").write_bytes(part)
    whole = e5.read(real_data / HOURLY)
    assert np.array_equal(e5.read(str(tmp_path / "*.grib")), whole)
    with pytest.raises(InputError, match=r"no variable 'tp'.*t2m"):
        e5.open_dataset(tmp_path / "0.grib", "tp")


@needs_cfgrib
def test_diagnostics_of_a_file(real_data: Path) -> None:
    hourly = e5.open_dataset(real_data / HOURLY).t2m
    found = e5.daily(real_data / HOURLY, "max", progress=False)
    xr.testing.assert_identical(found, e5.daily(hourly, "max"))
    assert found.shape == (31, 33, 49)
    events = e5.find_events(real_data / HOURLY, 285.0, progress=False)
    assert len(events) == len(e5.find_events(hourly, 285.0)) > 0
    with pytest.raises(InputError, match=r"which variable.*msl, u10, v10, t2m, i10fg"):
        e5.daily(real_data / MIXED, "max")


@needs_cfgrib
def test_events_of_a_file_by_the_command_line(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--above", "285", "--min-days", "1", "-o", str(tmp_path / "events.gpkg")]
    monkeypatch.setattr(sys, "argv", ["era5fast", "events", str(real_data / HOURLY), *options])
    with contextlib.suppress(SystemExit):
        cli.main()
    wanted = e5.find_events(e5.daily(real_data / HOURLY, "max"), 285.0, min_days=1)
    assert f"{len(wanted)} heatwave events" in capsys.readouterr().out
    assert len(e5.EventDatabase(tmp_path / "events.gpkg").query()) == len(wanted) > 0


@needs_cfgrib
def test_a_member_or_level_alone_is_a_map(real_data: Path, tmp_path: Path) -> None:
    import eccodes

    with open(real_data / SINGLE, "rb") as file:
        message = eccodes.codes_grib_new_from_file(file)
    eccodes.codes_set(message, "typeOfLevel", "isobaricInhPa")
    for name, levels in (("one", [500]), ("two", [500, 850])):
        with open(tmp_path / f"{name}.grib", "wb") as file:
            for level in levels:
                eccodes.codes_set(message, "level", level)
                eccodes.codes_write(message, file)
    eccodes.codes_release(message)
    whole = e5.read(tmp_path / "two.grib")
    assert whole.shape[:2] == (1, 2)
    assert np.array_equal(e5.daily(tmp_path / "one.grib", "mean", min_samples=1).values, whole[:, 0])
    with pytest.raises(InputError, match=r"t2m has pressure_level: maps over time are needed.*sel\(pressure_level="):
        e5.daily(tmp_path / "two.grib", "mean", min_samples=1)


@needs_cfgrib
def test_what_does_not_make_one_variable_is_refused(real_data: Path, tmp_path: Path) -> None:
    import eccodes

    with open(real_data / SINGLE, "rb") as file:
        message = eccodes.codes_grib_new_from_file(file)
    eccodes.codes_set(message, "typeOfLevel", "isobaricInhPa")
    eccodes.codes_set(message, "level", 500)
    with open(tmp_path / "level.grib", "wb") as file:
        eccodes.codes_write(message, file)
    eccodes.codes_release(message)
    netcdf = write(tmp_path / "x.nc", field(4))
    for other, text in (
        (tmp_path / "level.grib", r"t2m has dimensions \(time, latitude, longitude\) and \(time, pressure_level, "),
        (real_data / HOURLY, "t2m has different values of latitude"),
        (netcdf, r"x\.nc: not GRIB"),
    ):
        for door in (e5.read, e5.open_dataset):
            with pytest.raises(InputError, match=text):
                door([real_data / SINGLE, other])


@needs_cfgrib
def test_no_more_memory_is_taken_than_may_be(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_budget", lambda: 1000)
    with pytest.raises(ResultTooLargeError, match=r"t2m .* needs"):
        e5.read(real_data / HOURLY)


@needs_cfgrib
def test_how_it_is_read_is_explained(real_data: Path) -> None:
    assert e5.explain(real_data / MIXED) == dict.fromkeys(
        ("msl", "u10", "v10", "t2m", "i10fg"), "Read by cfgrib and ecCodes: the file is GRIB."
    )


@needs_cfgrib
def test_a_part_of_a_damaged_file_is_no_data(real_data: Path, tmp_path: Path) -> None:
    data = (real_data / HOURLY).read_bytes()[: 10 * 3360]
    size, length = 3360, int.from_bytes(data[4:7], "big")
    assert length < size, "messages are padded up to the next block"
    path = tmp_path / "x.grib"
    path.write_bytes(data[:-size] + data[-size:][:length])
    assert len(e5.read(path)) == 10
    for damaged, text in {
        data[: 5 * size + 100]: f"message at byte {5 * size} is cut off",
        data[: 4 * size + length - 1]: f"message at byte {4 * size} is cut off",
        data[:size] + bytes(300) + data[size + 300 :]: f"no message at byte {size + 300}",
        data[: length - 4] + b"6666" + data[length:]: "message at byte 0 is cut off or damaged",
        data[:size] + b"<html>" + data[size:]: f"no message at byte {size}",
        b"GRIB" + bytes(100): "message at byte 0 is cut off",
        b"GRIB\0\0\0\2" + b"\xff" * 8 + bytes(100): "message at byte 0 is cut off",
        b"GRIB": "no message at byte 0",
    }.items():
        path.write_bytes(damaged)
        for opening in (e5.read, e5.open_dataset, e5.explain):
            with pytest.raises(CorruptDataError, match=rf"x\.grib: .*{text}.*[Dd]ownload it again"):
                opening(path)
    inside = bytearray(data)
    inside[8:11] = b"\xff\xff\xff"  # length of section 1
    path.write_bytes(inside)
    with pytest.raises(CorruptDataError, match=r"x\.grib: .*damaged"):
        e5.read(path)


def messages_of(path: Path) -> list[bytes]:
    data = path.read_bytes()
    size = len(data) // 744
    return [data[i : i + size] for i in range(0, len(data), size)]


@needs_cfgrib
def test_the_final_version_is_taken_whatever_the_order(
    real_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import eccodes

    def message(version: str, more: float) -> bytes:
        with open(real_data / SINGLE, "rb") as file:
            handle = eccodes.codes_grib_new_from_file(file)
        eccodes.codes_set(handle, "experimentVersionNumber", version)
        eccodes.codes_set_values(handle, eccodes.codes_get_values(handle) + more)
        content = eccodes.codes_get_message(handle)
        eccodes.codes_release(handle)
        return content

    final, preliminary = message("0001", 0), message("0005", 5)
    wanted = e5.read(real_data / SINGLE)
    parts = {"final": [final], "early": [preliminary], "both": [final, preliminary], "turned": [preliminary, final]}
    for name, content in parts.items():
        (tmp_path / name).write_bytes(b"".join(content))
    for names in (["both"], ["turned"], ["final", "early"], ["early", "final"]):
        caplog.clear()
        assert np.allclose(e5.read([tmp_path / name for name in names]), wanted, atol=0.01)
        assert "t2m: 1 time steps occur more than once, the first on 2017-01-01 12:00" in caplog.text
        assert ("but for 1 preliminary ones the final" in caplog.text) == (names[0] in ("turned", "early"))
    caplog.clear()
    assert np.allclose(e5.read(tmp_path / "early"), wanted + 5, atol=0.01)
    assert caplog.text == ""


@needs_cfgrib
def test_holes_and_repeated_steps_are_reported(
    real_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    messages = messages_of(real_data / HOURLY)[:72]
    whole = e5.read(real_data / HOURLY)[:72]
    (tmp_path / "x.grib").write_bytes(b"".join([*messages[:40], *messages[45:], *messages[2:4]]))
    assert np.array_equal(e5.read(tmp_path / "x.grib"), np.delete(whole, range(40, 45), axis=0))
    assert "t2m: 2 time steps occur more than once, the first on 2019-03-01 02:00 in x.grib itself:" in caplog.text
    hole = "5 time steps are missing in 1 hole, the first between 2019-03-02 15:00 in x.grib and 2019-03-02 21:00"
    assert hole in caplog.text
    caplog.clear()
    (tmp_path / "x.grib").write_bytes(b"".join(messages))
    assert np.array_equal(e5.read(tmp_path / "x.grib"), whole)
    assert caplog.text == ""


@needs_cfgrib
def test_a_file_that_ends_between_two_messages_is_suspected(
    real_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import eccodes

    with open(real_data / SINGLE, "rb") as file:
        message = eccodes.codes_grib_new_from_file(file)
    parts = []
    for date in (20170101, 20170102, 20170103):
        for variable in (167, 168):
            eccodes.codes_set(message, "dataDate", date)
            eccodes.codes_set(message, "paramId", variable)
            parts.append(eccodes.codes_get_message(message))
    eccodes.codes_release(message)
    path = tmp_path / "x.grib"
    path.write_bytes(b"".join(parts))
    assert e5.open_dataset(path, "t2m").t2m.sizes["time"] == 3
    assert caplog.text == ""
    path.write_bytes(b"".join(parts[:-1]))
    assert e5.open_dataset(path, "t2m").t2m.sizes["time"] == 3
    assert "x.grib: from 2017-01-03 12:00 on only 1 of 2 variables are there: the file may be cut off" in caplog.text


@needs_cfgrib
def test_fields_that_some_levels_lack_are_reported(
    real_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import eccodes

    with open(real_data / SINGLE, "rb") as file:
        message = eccodes.codes_grib_new_from_file(file)
    eccodes.codes_set(message, "typeOfLevel", "isobaricInhPa")
    with open(tmp_path / "x.grib", "wb") as file:
        for date, level in ((20170101, 500), (20170101, 850), (20170102, 500)):
            eccodes.codes_set(message, "dataDate", date)
            eccodes.codes_set(message, "level", level)
            eccodes.codes_write(message, file)
    eccodes.codes_release(message)
    found = e5.read(tmp_path / "x.grib")
    assert np.isnan(found).all(axis=(2, 3)).sum() == 1
    assert "t2m: 1 of 4 fields are missing at some levels or members: NaN" in caplog.text


@needs_cfgrib
def test_what_cfgrib_leaves_out_is_no_shorter_series(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from era5fast import grib

    messages = messages_of(real_data / HOURLY)
    for name, count in (("a.grib", 10), ("b.grib", 9)):
        (tmp_path / name).write_bytes(b"".join(messages[:count]))
    fewer = grib.variables_of([str(tmp_path / "b.grib")], None)
    monkeypatch.setattr(grib, "_arrays", lambda *_: fewer)
    with pytest.raises(CorruptDataError, match="t2m: 9 of 10 time steps could be read"):
        e5.read(tmp_path / "a.grib")


@needs_cfgrib
def test_grib_and_netcdf_do_not_mix(real_data: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    other = write(tmp_path / "a.nc", field(4))
    for paths in ([real_data / SINGLE, other], [other, real_data / SINGLE]):
        for opening in (e5.read, e5.open_dataset, e5.explain):
            with pytest.raises(InputError, match=r"a\.nc: not GRIB, as others of these files are"):
                opening(paths)
    assert capfd.readouterr().err == ""


def zipped(path: Path, *files: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, file.name)
    return path


@needs_cfgrib
def test_archives_are_read_as_what_is_in_them(real_data: Path, tmp_path: Path) -> None:
    text = tmp_path / "README.txt"
    text.write_text("How this was made")
    archive, file = zipped(tmp_path / "x.zip", text, real_data / HOURLY), real_data / HOURLY
    values = e5.read(file)
    assert np.array_equal(e5.read(archive, time="2019-03-05"), e5.read(file, time="2019-03-05"))
    assert np.array_equal(e5.read([archive]), values)
    for opening in (e5.open_dataset, lambda name: xr.open_dataset(name, engine="era5fast")):
        assert np.array_equal(opening(archive).t2m.values, values)
    assert e5.explain(archive) == e5.explain(file)
    (inside,), (outside,) = contents(str(archive)), contents(str(file))
    assert np.array_equal(inside.seconds, outside.seconds)
    xr.testing.assert_identical(e5.daily(archive, "max", progress=False), e5.daily(file, "max", progress=False))


@needs_cfgrib
def test_archives_of_both_kinds_are_refused(real_data: Path, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "x.zip", real_data / SINGLE, write(tmp_path / "a.nc", field(4)))
    for opening in (e5.read, e5.open_dataset, e5.explain):
        with pytest.raises(InputError, match=r"a\.nc: not GRIB, as others of these files are"):
            opening(archive)


@needs_cfgrib
def test_a_message_of_more_than_8_mib_counts_in_another_unit(real_data: Path, tmp_path: Path) -> None:
    import eccodes

    from era5fast.grib_messages import heads

    rows, columns = 1801, 3600
    values = np.random.default_rng(1).normal(280, 10, rows * columns)
    with open(real_data / SINGLE, "rb") as file:
        message = eccodes.codes_grib_new_from_file(file)
    for key, value in {"Ni": columns, "Nj": rows, "bitsPerValue": 16, "iDirectionIncrementInDegrees": 0.1,
                       "jDirectionIncrementInDegrees": 0.1, "latitudeOfFirstGridPointInDegrees": 90,
                       "latitudeOfLastGridPointInDegrees": -90, "longitudeOfFirstGridPointInDegrees": 0,
                       "longitudeOfLastGridPointInDegrees": 359.9}.items():  # fmt: skip
        eccodes.codes_set(message, key, value)
    eccodes.codes_set_values(message, values)
    path = tmp_path / "land.grib"
    with open(path, "wb") as file:
        eccodes.codes_write(message, file)
        eccodes.codes_write(message, file)
    eccodes.codes_release(message)
    assert path.stat().st_size > 2 * rows * columns * 2
    assert len(list(heads(str(path)))) == 2
    assert np.allclose(e5.read(path).ravel(), values, atol=0.01)


def test_without_cfgrib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.grib").write_bytes(b"GRIB" + bytes(100))
    monkeypatch.setitem(sys.modules, "cfgrib", None)
    for opening in (e5.read, e5.open_dataset, e5.explain, lambda path: e5.daily(path, "max")):
        with pytest.raises(InputError, match=r"need the package cfgrib\. pip install 'era5fast\[grib\]'"):
            opening(tmp_path / "x.grib")


@needs_cfgrib
@pytest.mark.parametrize(
    "program",
    [
        "import cfgrib, era5fast.sources",
        "import era5fast.sources, cfgrib",
        "import xarray; xarray.backends.list_engines(); import era5fast.sources",
        "import xarray, sys; kept = {'indexpath': ''}\n"
        "xarray.open_dataset(sys.argv[1], engine='cfgrib', backend_kwargs=kept).load()\n"
        "import era5fast; assert era5fast.read(sys.argv[1]).shape == (744, 33, 49)",
    ],
)
def test_a_program_with_both_ends_well(program: str, real_data: Path) -> None:
    """The wheels of ecCodes put other versions of our libraries before everybody's; see era5fast/__init__.py."""
    command = [sys.executable, "-c", program, str(real_data / HOURLY)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_cfgrib
def test_geopandas_works_beside_grib(real_data: Path) -> None:
    pytest.importorskip("geopandas")
    program = "import sys, era5fast as e5\ne5.read(sys.argv[1], progress=False)\nimport geopandas\n"
    program += "print(geopandas.GeoSeries.from_wkt(['POINT (1 2)'], crs=4326).to_crs(3857).crs.name)"
    command = [sys.executable, "-c", program, str(real_data / HOURLY)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "WGS 84 / Pseudo-Mercator\n"), done.stderr


def test_libraries_that_the_user_puts_first_serve_the_core_too() -> None:
    """As sanitizers do; in the mode that keeps the core to its own libraries they end the program."""
    program = "import os, sys; seen = []; os.environ['LD_PRELOAD'] = 'mine.so'; sys.modules['findlibs'] = sys\n"
    program += "sys.setdlopenflags = seen.append\nimport era5fast.sources\n"
    program += "assert set(seen) == {sys.getdlopenflags()}, seen"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

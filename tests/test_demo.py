"""The main job as a user runs it: the whole road, the planted truth, the slow twin, what an interruption leaves."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import era5fast as e5
from era5fast.event_recipe import recipe_of
from era5fast.testing import Weather
from tests.reference import find_events as slow

DEMO = [sys.executable, "-m", "era5fast", "demo"]
STAGES = ["start of the look-alike", "download", "read, daily max", "90th percentile", "events", "database", "map"]


def run_demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DEMO, "-o", str(folder), *arguments], capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    """Folder and printed text of one run."""
    folder = tmp_path_factory.mktemp("demo")
    run = run_demo(folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder, run.stdout


@pytest.fixture(scope="module")
def daily(finished):
    return e5.daily(sorted((finished[0] / "data").glob("*.nc")), "max")


@pytest.fixture(scope="module")
def p90(daily):
    return e5.percentile_doy(daily, 90)


@pytest.fixture(scope="module")
def events(daily, p90):
    return e5.find_events(daily, above=p90, min_days=3)


def test_the_road_leaves_files_database_and_map(finished) -> None:
    folder, text = finished
    assert text.startswith("SYNTHETIC DATA")
    for stage in STAGES:
        assert re.search(rf"^  {stage} +\d+\.\d\d s$", text, re.M), f"no seconds for {stage}"
    assert re.search(r"\d+ heatwave events; the 10 strongest", text)
    names = sorted(p.name for p in (folder / "data").iterdir())
    assert names == [f"era5_t2m_52N-10W-36N-10E_0.5deg_{year}.nc" for year in range(2011, 2021)]
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "map.png").stat().st_size > 30_000
    page = (folder / "events.html").read_text()
    assert "SYNTHETIC DATA" in page
    assert "heatwave events" in page
    files = e5.EventDatabase(folder / "events.gpkg").provenance(1)["runs"][0]["datasets"]
    assert len(files) == 10
    assert all(file["request"]["variable"] and file["checksum"] for file in files)


def test_data_are_what_the_issue_of_a_demo_needs(daily) -> None:
    assert daily.sizes["time"] >= 3652
    assert daily.sizes["latitude"] * daily.sizes["longitude"] >= 1000
    assert not np.isnan(daily).any()


def test_every_planted_heatwave_is_found_with_its_days_and_cells(daily, events) -> None:
    labels = events.labels()
    first = daily.time.values[0].astype("datetime64[D]")
    truths = Weather().truth(daily.latitude.values, daily.longitude.values)
    assert len(truths) >= 3
    for truth in truths:
        assert truth.cells.any()
        steps = (truth.days - first).astype(int)
        found = np.unique(labels[steps][:, truth.cells])
        assert len(found) == 1, f"{truth.heatwave} was cut into {found}"
        assert found[0] >= 0, f"{truth.heatwave} was missed"


def test_thresholds_equal_numpy(daily, p90) -> None:
    dates = daily.time.dt
    keep = ~((dates.month == 2) & (dates.day == 29))
    by_year = daily.values[keep.values].reshape(10, 365, *daily.shape[1:]).astype("float64")
    for slot in range(0, 365, 7):
        pool = np.concatenate([by_year[:, (slot + k) % 365] for k in range(-2, 3)])
        expected = np.quantile(pool, 0.9, axis=0, method="median_unbiased")
        np.testing.assert_allclose(p90.values[slot], expected, rtol=1e-14)


def test_the_whole_list_of_events_equals_the_slow_twin(daily, p90, events) -> None:
    seconds = daily.time.values.astype("datetime64[s]").astype("int64")
    month_day = np.minimum(daily.time.dt.dayofyear.values, 366) - 1
    leap = daily.time.dt.is_leap_year.values
    slot = np.where(leap & (month_day >= 59), month_day - 1, month_day).astype("int32")
    grid = slow.Grid(daily.latitude.values.astype("float64"), daily.longitude.values.astype("float64"))
    twins = slow.find_events(daily.values, p90.values, slot, seconds, grid, min_days=3)
    table = events.to_dataframe()
    assert len(twins) == len(table)
    for number, twin in enumerate(twins):
        cells = list(zip(*(axis.tolist() for axis in events.cells(number)), strict=True))
        assert cells == sorted(twin.voxels)
    for name, attribute in (("volume_km2_days", "volume"), ("cumulative_intensity", "exceedance_sum")):
        np.testing.assert_allclose(table[name], [getattr(twin, attribute) for twin in twins], rtol=1e-10)


def test_same_events_for_any_number_of_threads(daily, p90, events) -> None:
    reference = events.to_dataframe()
    try:
        for threads in (1, 2, 4, 7):
            e5.set_num_threads(threads)
            again = e5.find_events(daily, above=e5.percentile_doy(daily, 90), min_days=3)
            assert again.to_dataframe().equals(reference)
            assert again.core.outline(0) == events.core.outline(0)
    finally:
        e5.set_num_threads(0)


def test_the_database_opens_as_a_geopackage(finished, events) -> None:
    import pyogrio

    path = finished[0] / "events.gpkg"
    frame = pyogrio.read_dataframe(path, layer="event")
    assert len(frame) == len(events)
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.is_valid.all()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    best = e5.EventDatabase(path).query(kind="heatwave", order_by="-cumulative_intensity", limit=1)
    assert best["cumulative_intensity"].iloc[0] == pytest.approx(events.to_dataframe()["cumulative_intensity"].max())


def test_a_second_run_on_the_files_adds_nothing(finished) -> None:
    folder, _ = finished
    run = run_demo(folder, "--data", *map(str, sorted((folder / "data").glob("*.nc"))))
    assert run.returncode == 0, run.stderr
    assert "SYNTHETIC" not in run.stdout
    assert re.search(r"^0 events added .*, \d+ were there already", run.stdout, re.M)


def wait_for(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.mark.parametrize("moment", ["first bytes", "half way"])
def test_ctrl_c_returns_at_once_and_the_next_run_goes_on(tmp_path: Path, moment: str) -> None:
    data = tmp_path / "data"
    with (tmp_path / "stderr").open("w") as stderr:
        process = subprocess.Popen([*DEMO, "-o", str(tmp_path)], stdout=subprocess.DEVNULL, stderr=stderr)
    wanted = 0 if moment == "first bytes" else 4
    wait_for(lambda: data.is_dir() and len(list(data.glob("*.nc"))) >= wanted and any(data.iterdir()))
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.wait(timeout=20)
    assert time.monotonic() - began < 3, "ctrl-C must give the prompt back"  # a second, and time for a busy machine
    assert process.returncode == 130
    assert (tmp_path / "stderr").read_text().strip() == "era5fast: stopped; run it again to go on"
    for path in data.glob("*.nc"):
        with open(path, "rb") as file:
            assert file.read(4) == b"\x89HDF"
        e5.read(path)
    complete = {p.name: p.stat().st_mtime_ns for p in data.glob("*.nc")}
    run = run_demo(tmp_path)
    assert run.returncode == 0, run.stderr
    assert len(list(data.iterdir())) == 10, "part and state files are gone"
    kept = {name: (data / name).stat().st_mtime_ns for name in complete}
    assert kept == complete, "finished files were downloaded again"


def test_errors_are_one_line_and_an_exit_code(tmp_path: Path) -> None:
    missing = run_demo(tmp_path, "--data", str(tmp_path / "absent.nc"))
    assert missing.returncode == 2
    assert missing.stderr.splitlines()[-1].startswith("Error: Invalid value for '[FILES]...': there is no file ")
    page = tmp_path / "page.nc"
    page.write_text("<html><body>please log in</body></html>")
    html = run_demo(tmp_path, "--data", str(page))
    assert html.returncode == 5
    assert html.stderr.startswith("era5fast: ")
    assert html.stderr.count("\n") == 1
    assert "HTML" in html.stderr
    assert run_demo(tmp_path, "--data").returncode == 2
    assert run_demo(tmp_path, "stray.nc").returncode == 2


def test_live_without_a_token_says_where_it_looked(tmp_path: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("CDSAPI", "ECMWF"))}
    env |= {"CDSAPI_RC": str(tmp_path / "none"), "ECMWF_DATASTORES_RC_FILE": str(tmp_path / "none")}
    run = subprocess.run([*DEMO, "-o", str(tmp_path), "--live"], env=env, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "CDSAPI_KEY" in run.stderr


def test_rain_is_summed_and_named(real_data: Path, tmp_path: Path) -> None:
    rain = str(real_data / "new_era5_tp_hourly_telangana_jja2023.nc")
    run = run_demo(tmp_path, "--data", rain)
    assert run.returncode == 0, run.stderr
    assert "read, daily sum" in run.stdout
    assert "extreme precipitation" in run.stdout


@pytest.mark.parametrize(
    ("name", "kind", "statistic"),
    [
        ("t2m", "heatwave", "max"),
        ("mx2t", "heatwave", "max"),
        ("tp", "extreme precipitation", "sum"),
        ("u10", "high u10", "max"),
    ],
)
def test_recipes_follow_the_variable(name: str, kind: str, statistic: str) -> None:
    recipe = recipe_of(e5.variable(name))
    assert (recipe.kind, recipe.statistic) == (kind, statistic)

"""The commands `events` and `show`: what they find, print and write, and how they fail."""

from __future__ import annotations

import errno
import glob
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from samples import write

import era5fast as e5
from era5fast.event_recipe import recipe_of, window_of

pytestmark = pytest.mark.native

LATITUDE, LONGITUDE = np.arange(52.0, 46, -1), np.arange(-4.0, 4, 1)
Run = Callable[..., tuple[int, str, str]]


def series(start: str, end: str, hours: int) -> tuple[np.ndarray, np.ndarray]:
    """Temperature with seasons, a daily cycle where there are hours, and a week of heat in July 2002."""
    step = np.timedelta64(hours, "h")
    when = np.arange(np.datetime64(start, "h"), np.datetime64(end, "h"), step)
    day = (when - np.datetime64("2001-01-01T00", "h")).astype(float) / 24
    rng = np.random.default_rng(int(day[0]) + 7)
    count = int(day[-1] - day[0]) + 2
    noise = rng.normal(0, 1, (count, len(LATITUDE), len(LONGITUDE))) + rng.normal(0, 2, (count, 1, 1))
    for step in range(1, count):
        noise[step] += 0.6 * noise[step - 1]
    values = 283 - 9 * np.cos(2 * np.pi * day / 365.25) + (4 * np.sin(2 * np.pi * day) if hours < 24 else 0)
    values = values[:, None, None] + noise[(day - day[0]).astype(int)]
    hot = (when >= np.datetime64("2002-07-10T00")) & (when < np.datetime64("2002-07-17T00"))
    values[np.ix_(hot, range(1, 5), range(2, 6))] += 15
    return values.astype("f4"), when.astype("datetime64[s]").astype("int64")


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("hourly")
    paths = []
    for year in (2001, 2002, 2003):
        values, seconds = series(f"{year}-01-01", f"{year + 1}-01-01", 6)
        paths.append(write(folder / f"t2m_{year}.nc", values, seconds, latitude=LATITUDE, longitude=LONGITUDE))
    return paths


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Path:
    values, seconds = series("2001-01-01", "2002-01-01", 24)
    path = tmp_path_factory.mktemp("daily") / "tx.nc"
    return write(path, values, seconds, latitude=LATITUDE, longitude=LONGITUDE, name="tx")


@pytest.fixture(scope="module")
def filled(hourly: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the heatwaves of the hourly files."""
    path = tmp_path_factory.mktemp("filled") / "events.gpkg"
    found = e5.find_events(e5.daily(hourly, "max"), 300.0, min_days=3, progress=False)
    e5.EventDatabase(path).add(found, kind="heatwave", sources=hourly, progress=False)
    return path


def by_hand(paths: Any, statistic: str = "max", **options: Any) -> e5.EventCatalogue:
    return e5.find_events(e5.daily(paths, statistic), progress=False, **options)


# --- events ---


def test_percentiles_of_hourly_files(run: Run, hourly: list[Path], tmp_path: Path) -> None:
    database = tmp_path / "events.gpkg"
    code, text, told = run("events", *hourly, "-o", database, "--base-period", "2001-2003")
    assert code == 0
    assert told == "A record of 3.0 years: thresholds pool 31 days around each calendar day.\n"
    tx = e5.daily(hourly, "max")
    p90 = e5.percentile_doy(tx, 90, window=31, base_period=("2001", "2003"))
    wanted = e5.find_events(tx, above=p90, min_days=3, progress=False)
    assert f"{len(wanted)} heatwave events; the 10 strongest by cumulative exceedance:" in text
    assert f"{len(wanted)} events added to {database}, 0 were there already." in text
    best = wanted.strongest(1)
    assert re.search(rf"^ *1  {str(best['start'].iloc[0])[:10]}  ", text, re.M)
    db = e5.EventDatabase(database)
    stored = db.query(order_by="id")
    np.testing.assert_array_equal(stored["cumulative_intensity"], wanted["cumulative_intensity"])
    assert set(stored["kind"]) == {"heatwave"}
    assert db.sql("SELECT path FROM dataset ORDER BY path")["path"].tolist() == [str(path) for path in hourly]


def test_adding_again_adds_nothing(run: Run, hourly: list[Path], tmp_path: Path) -> None:
    call = ("events", *hourly, "-o", tmp_path / "e.gpkg", "--above", "27degC", "--quiet")
    assert run(*call) == (0, "", "")
    code, text, told = run(*call[:-1], "--json")
    answer = json.loads(text)
    wanted = by_hand(hourly, above="27 degC")
    assert (code, told) == (0, "")
    assert (answer["events"], answer["added"], answer["known"]) == (len(wanted), 0, len(wanted))
    assert (answer["kind"], answer["variable"], answer["units"]) == ("heatwave", "t2m", "K")
    first, best = answer["strongest"][0], wanted.strongest(1)
    assert first["number"] == best.index[0]
    assert first["peak_value"] == best["peak_value"].iloc[0]
    assert first["start"] == str(best["start"].iloc[0])[:10]


def test_all_options_reach_the_search(run: Run, hourly: list[Path], tmp_path: Path) -> None:
    options = ("--daily", "mean", "--above", "296", "--min-days", 2, "--min-area", 20000, "--connectivity", 6)
    code, text, _ = run("events", *hourly, "-o", tmp_path / "e.gpkg", *options, "--kind", "hot days", "--json")
    assert code == 0
    wanted = by_hand(hourly, "mean", above=296.0, min_days=2, min_area_km2=20000, connectivity=6)
    (stored,) = e5.EventDatabase(tmp_path / "e.gpkg").sql("SELECT definition, kind FROM diagnostic").itertuples()
    assert json.loads(stored.definition) == wanted.definition
    assert stored.kind == json.loads(text)["kind"] == "hot days"
    assert len(wanted) == json.loads(text)["events"] > 0


@pytest.mark.parametrize("options", [("--below", "0degC"), ("--percentile", "10", "--window", "15")])
def test_events_below_a_threshold(run: Run, hourly: list[Path], tmp_path: Path, options: tuple[str, ...]) -> None:
    code, text, _ = run("events", *hourly, "-o", tmp_path / "e.gpkg", *options, "--json")
    assert code == 0
    tn = e5.daily(hourly, "min")
    below = 273.15 if options[0] == "--below" else e5.percentile_doy(tn, 10, window=15)
    wanted = e5.find_events(tn, below=below, min_days=3, progress=False)
    stored = e5.EventDatabase(tmp_path / "e.gpkg").query(kind="cold spell", order_by="id")
    assert len(stored) == json.loads(text)["events"] > 0
    np.testing.assert_array_equal(stored["peak_exceedance"], wanted["peak_exceedance"])
    assert stored["peak_exceedance"].min() > 0


def test_daily_files_are_taken_as_they_are(run: Run, daily: Path, tmp_path: Path) -> None:
    code, _, told = run("events", daily, "-o", tmp_path / "e.gpkg", "--above", "23degC")
    assert code == 0
    assert told == "The series has one value per day, which is taken for the day.\n"
    wanted = e5.find_events(daily, "23 degC", progress=False)
    stored = e5.EventDatabase(tmp_path / "e.gpkg").query(order_by="id")
    np.testing.assert_array_equal(stored["cumulative_intensity"], wanted["cumulative_intensity"])
    code, _, told = run("events", daily, "-o", tmp_path / "e.gpkg", "--daily", "max")
    assert code == 2
    assert "--daily is for data of several values per day" in told


def test_nothing_found_is_no_failure(run: Run, hourly: list[Path], tmp_path: Path) -> None:
    code, text, _ = run("events", hourly[0], "-o", tmp_path / "e.gpkg", "--above", "99degC")
    assert (code, text.splitlines()[0]) == (0, "No heatwave events.")
    assert run("show", tmp_path / "e.gpkg")[:2] == (0, "no events\n")


def test_recipes_know_both_sides() -> None:
    assert (recipe_of(e5.variable("2t")).kind, recipe_of(e5.variable("2t"), below=True).kind) == (
        "heatwave",
        "cold spell",
    )
    assert recipe_of(e5.variable("tp"), below=True).statistic == "sum"
    assert recipe_of(e5.variable("10u"), below=True).kind == "low u10"
    assert window_of(3653)[0] == 5
    assert window_of(3000)[0] == 31
    assert "100 days" in window_of(100)[1]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--above", "1", "--percentile", "90"], 2, "exclude each other"),
        (["--above", "1", "--window", "5"], 2, "--base-period and --window are for --percentile"),
        (["--above", "hot"], 2, "above: 'hot' is no number with units. Write, for instance, '25 K'"),
        (["--above", "3 mm"], 2, "above"),
        (["--variable", "tp"], 2, "tp"),
        (["--connectivity", "8"], 2, "'8' is not one of"),
        (["--percentile", "101"], 2, "percentile is 101"),
        (["--base-period", "summer"], 2, "two years like 1991-2020"),
        (["--min-days", "0", "--above", "1"], 2, "min_days is 0"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    run: Run, hourly: list[Path], tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    ended, out, told = run("events", hourly[0], "-o", tmp_path / "e.gpkg", *arguments)
    assert (ended, out) == (code, "")
    assert text in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_none(run: Run, hourly: list[Path], daily: Path, tmp_path: Path) -> None:
    (tmp_path / "text.gpkg").write_text("This is no database. " * 100)
    code, _, told = run("events", hourly[0], "-o", tmp_path / "text.gpkg", "--above", "300", "--quiet")
    assert (code, told.count("\n")) == (5, 1)
    code, _, told = run("show", tmp_path / "text.gpkg")
    assert (code, told.count("\n")) == (5, 1)


def test_one_event_is_one_event(run: Run, daily: Path, tmp_path: Path) -> None:
    call = ("events", daily, "-o", tmp_path / "e.gpkg", "--above", "0K", "--min-days", 1)
    code, text, _ = run(*call)
    assert (code, text.splitlines()[0]) == (0, "1 heatwave event:")
    assert text.splitlines()[-1] == f"1 event added to {tmp_path / 'e.gpkg'}, 0 were there already."
    assert run(*call)[1].splitlines()[-1].startswith("0 events added")


# --- show ---


def test_show_ranks_the_strongest(run: Run, filled: Path) -> None:
    code, text, told = run("show", filled, "--limit", 3)
    assert (code, told) == (0, "")
    wanted = e5.EventDatabase(filled).query(limit=3)
    lines = text.splitlines()
    assert len(lines) == 5
    assert lines[0].split()[:4] == ["event", "kind", "start", "end"]
    assert "K km² days" in lines[1]
    assert [int(line.split()[0]) for line in lines[2:]] == wanted["id"].tolist()
    assert [line.split()[2] for line in lines[2:]] == wanted["start_day"].tolist()


def test_show_filters_and_sorts(run: Run, filled: Path) -> None:
    db = e5.EventDatabase(filled)
    filters = ("--kind", "heatwave", "--start", "2002-07", "--end", "2002-07", "--bbox", "-4,46,4,50")
    code, text, _ = run("show", filled, *filters, "--order-by", "start_day", "--json")
    rows = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    wanted = db.query("heatwave", "2002-07", "2002-07", (-4, 46, 4, 50), order_by="start_day", limit=10)
    assert code == 0
    assert [row["id"] for row in rows] == wanted["id"].tolist() != []
    assert rows[0]["start_time"] == str(wanted["start_time"][0])[:10]
    assert rows[0]["peak_value"] == wanted["peak_value"][0]
    assert run("show", filled, "--end", "1990") == (0, "no events\n", "")
    code, text, told = run("show", filled, "--kind", "flood")
    assert (code, text, "knows no kind 'flood'" in told) == (2, "", True)
    code, _, told = run("show", filled, "--bbox", "1,2,3")
    assert (code, "west,south,east,north" in told) == (2, True)
    code, _, told = run("show", filled, "--order-by", "size")
    assert (code, "size" in told) == (2, True)


def test_show_tells_of_several_definitions_and_chooses_one(run: Run, filled: Path, tmp_path: Path) -> None:
    path = tmp_path / "mixed.gpkg"
    path.write_bytes(filled.read_bytes())
    more = e5.find_events(np.full((9, 2, 2), 300.0), 299.0, time=np.arange("2003-06-01", "2003-06-10", dtype="M8[D]"),
                          latitude=[1.0, 0.0], longitude=[0.0, 1.0], progress=False)  # fmt: skip
    e5.EventDatabase(path).add(more, kind="heatwave", progress=False)
    told = "the heatwave events of 2 definitions are ranked together: --diagnostic chooses one of 1, 2"
    assert run("show", path, "--json")[::2] == (0, f"era5fast: warning: {told}\n")
    assert run("show", path, "--end", "2003-01")[2] == ""  # those of one definition only
    code, text, warned = run("show", path, "--diagnostic", 2, "--json")
    assert (code, warned, [row["diagnostic_id"] for row in json.loads(text)]) == (0, "", [2])
    both = ("--diagnostic", 1, "--diagnostic", 2)
    assert run("show", path, *both)[1:] == (run("show", path)[1], "")
    page = tmp_path / "page.html"
    assert run("show", path, "--diagnostic", 2, "--html", page)[::2] == (0, "")
    code, _, warned = run("show", path, "--diagnostic", 9)
    assert (code, "knows no diagnostic 9" in warned) == (2, True)


def test_show_draws_a_map_and_writes_a_page(run: Run, filled: Path, tmp_path: Path) -> None:
    page, picture = tmp_path / "explorer.html", tmp_path / "map.png"
    code, text, told = run("show", filled, "--html", page, "--map", picture, "--limit", 1)
    assert (code, told) == (0, "")
    number = e5.EventDatabase(filled).query(limit=1)["id"][0]
    assert text.splitlines()[-2:] == [f"Page: {page}", f"Map of event {number}: {picture}"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    code, _, told = run("show", filled, "--end", "1990", "--map", picture)
    assert (code, "no event to draw" in told) == (2, True)


def test_units_that_differ_stand_beside_each_event(run: Run, filled: Path, tmp_path: Path, daily: Path) -> None:
    path = tmp_path / "two.gpkg"
    path.write_bytes(filled.read_bytes())
    rain = e5.find_events(np.ones((9, 2, 2)), 0.5, time=np.arange("2003-06-01", "2003-06-10", dtype="M8[D]"),
                          latitude=[1.0, 0.0], longitude=[0.0, 1.0], progress=False)  # fmt: skip
    e5.EventDatabase(path).add(rain, kind="rain", progress=False)
    _, text, _ = run("show", path)
    assert "u km² days" in text.splitlines()[1]
    assert text.splitlines()[0].split()[-3:] == ["u", "peak", "at"]
    (of_rain,) = (line for line in text.splitlines() if " rain " in line)
    (of_heat, *_) = (line for line in text.splitlines() if " heatwave " in line)
    assert re.search(r"  1  +\d", of_rain)
    assert re.search(r"  (K|degC)  +\d", of_heat)
    assert "they differ" in text.splitlines()[-1]
    assert "they differ" not in run("show", path, "--kind", "heatwave")[1]
    assert {"heatwave", "rain"} <= set(text.split())


# --- the page ---


def test_the_page_on_events_is_true(
    run: Run, hourly: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    for path in hourly:
        (tmp_path / "data" / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/how-to/find-events.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S):
        exec(compile(block, "find-events.md", "exec"), found)
    assert len(found["strongest"]) == 10
    assert 0 < len(found["july"]) <= len(found["long"]) < len(found["events"])
    assert len(found["worst"]) == 5
    columns = re.findall(r"`([a-z0-9_]+)`", page.partition("| columns |")[2].partition("A catalogue can be")[0])
    left_out = {"area_strong_km2", "area_severe_km2", "area_extreme_km2"}
    assert set(found["table"]) == set(columns) | left_out
    lines = re.findall(r"^era5fast (.*)$", page, re.M)
    assert len(lines) == 4
    for line in lines:
        names = [sorted(glob.glob(word)) if "*" in word else [word] for word in shlex.split(line)]
        assert run(*itertools.chain.from_iterable(names))[0] == 0, line
    assert {"explorer.html", "strongest.png", "events.nc", "events.parquet"} <= {p.name for p in tmp_path.iterdir()}


def test_a_number_that_looks_like_degrees_celsius_is_doubted(run: Run, hourly: list[Path], tmp_path: Path) -> None:
    code, _, told = run("events", *hourly, "-o", tmp_path / "e.gpkg", "--above", "30", "--dry-run", "-q")
    assert (code, told) == (
        0,
        "era5fast: warning: find_events: above is 30 K, as the data are; for degrees Celsius write '30 degC'\n",
    )
    assert run("events", *hourly, "-o", tmp_path / "e.gpkg", "--above", "303", "--dry-run", "-q") == (0, "", "")


def test_units_that_nobody_knows_are_told_in_one_line(run: Run, hourly: list[Path], tmp_path: Path) -> None:
    options = ("events", *map(str, hourly), "-o", str(tmp_path / "e.gpkg"), "--above", "30 degX", "-q")
    done = subprocess.run([sys.executable, "-m", "era5fast", *options], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "'degX' is no unit that is known" in done.stderr


# --- outputs that cannot be written ---


@pytest.fixture
def no_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads data or draws fails."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("computed before the output was looked at")

    for place in ("event_recipe.choose_variable", "indices.etccdi", "plot.event_map", "plot.explorer"):
        monkeypatch.setattr(f"era5fast.{place}", refuse)


@pytest.mark.usefixtures("no_computing")
@pytest.mark.parametrize("command", ["events", "track", "indices"])
def test_an_output_in_a_missing_folder_is_told_at_once(run: Run, daily: Path, tmp_path: Path, command: str) -> None:
    missing = tmp_path / "none"
    output = missing / "deep" / "x.gpkg"
    code, text, told = run(command, daily, "-o", output)
    assert (code, text) == (5, "")
    assert told == (
        f"era5fast: cannot write {output}: there is no folder {missing}. Make it first, or choose another place\n"
    )


@pytest.mark.usefixtures("no_computing")
@pytest.mark.parametrize("option", ["--html", "--map"])
def test_a_page_or_map_in_a_missing_folder_is_told_at_once(
    run: Run, filled: Path, tmp_path: Path, option: str
) -> None:
    code, text, told = run("show", filled, option, tmp_path / "none" / "x.png")
    assert (code, text, f"there is no folder {tmp_path / 'none'}" in told) == (5, "", True)


@pytest.mark.usefixtures("no_computing")
def test_a_map_of_an_unknown_format_is_told_at_once(run: Run, filled: Path, tmp_path: Path) -> None:
    code, text, told = run("show", filled, "--map", tmp_path / "x.txt")
    assert (code, text, "no picture can be written as '.txt'. It may end in " in told) == (2, "", True)


@pytest.mark.usefixtures("no_computing")
def test_an_output_that_is_no_event_database_is_told_at_once(run: Run, daily: Path, tmp_path: Path) -> None:
    output = tmp_path / "notes.gpkg"
    for content in (b"", b"This is no database. " * 100):
        output.write_bytes(content)
        code, text, told = run("events", daily, "-o", output)
        assert (code, text, told.count("\n")) == (5, "", 1)
        assert output.read_bytes() == content


@pytest.mark.usefixtures("no_computing")
def test_an_output_that_may_not_be_written_to_is_told_at_once(
    run: Run, daily: Path, filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda _, mode: mode == os.R_OK)
    code, text, told = run("events", daily, "-o", tmp_path / "new.gpkg")
    assert (code, text, f"the folder {tmp_path} may not be written to" in told) == (5, "", True)
    code, text, told = run("events", daily, "-o", filled)
    assert (code, text, "Permission denied" in told) == (5, "", True)


def test_the_same_error_comes_of_adding(tmp_path: Path) -> None:
    found = e5.find_events(np.ones((9, 2, 2)), 0.5, time=np.arange("2003-06-01", "2003-06-10", dtype="M8[D]"),
                           latitude=[1.0, 0.0], longitude=[0.0, 1.0], progress=False)  # fmt: skip
    for place, kind in (
        (tmp_path / "none", e5.errors.MissingFileError),
        (write_text(tmp_path), e5.errors.StorageError),
    ):
        with pytest.raises(kind, match="cannot") as told:
            e5.EventDatabase(place / "x.gpkg").add(found, progress=False)
        assert told.value.errno in (errno.ENOENT, errno.ENOTDIR)


def write_text(folder: Path) -> Path:
    path = folder / "text"
    path.write_text("no folder")
    return path

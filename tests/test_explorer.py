"""The explorer's page as text: what is in it, that nothing can break out of it, how large it is.

What it does in a browser is tested by tests/browser/explorer_in_browser.py, which needs one: ``make browser``.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_plot import THREE, field, find

import era5fast as e5
from era5fast import explorer as module
from era5fast.errors import EventDatabaseError, InputError, StorageError

pytestmark = pytest.mark.native

HOSTILE = "cold <b>spell</b></script><script>alert('1')</script><!--'; DROP TABLE event; -- & \u2028"


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> e5.EventDatabase:
    made = e5.EventDatabase(tmp_path_factory.mktemp("explorer") / "events.gpkg")
    made.add(
        find(field(THREE)),
        kind="heatwave",
        sources=["a.nc", {"path": "<i>b</i>.nc", "request": {"day": "</script>"}}],
    )
    x = field(THREE[:1], longitude=np.arange(0.0, 360, 20), latitude=(10, 0, -10, -20))
    made.add(find(x), kind=HOSTILE)
    return made


def data_of(page: str) -> dict[str, Any]:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert match is not None
    found: dict[str, Any] = json.loads(match[1])
    return found


@pytest.fixture(scope="module")
def page(db: e5.EventDatabase) -> str:
    path = e5.plot.explorer(db, db.path.with_suffix(".html"), title="Events of <June> & July")
    assert path == db.path.with_suffix(".html")
    return path.read_text(encoding="utf-8")


def test_the_page_holds_the_events(page: str, db: e5.EventDatabase) -> None:
    data, table = data_of(page), db.query()
    events = data["events"]
    assert events["id"] == table["id"].tolist()
    for name, column in (
        ("peak", "peak_exceedance"),
        ("intensity", "cumulative_intensity"),
        ("area", "area_max_km2"),
    ):
        np.testing.assert_allclose(events[name], table[column], rtol=1e-3)
    assert data["kinds"] == list(dict.fromkeys(table["kind"]))
    assert {len(column) for column in events.values()} == {4}
    codes = [year * 372 + (month - 1) * 31 + day - 1 for year, month, day in ((2003, 6, 21), (2003, 6, 30))]
    place = events["id"].index(2)
    assert [events["start"][place], events["end"][place]] == codes


def test_daily_states_are_there(page: str, db: e5.EventDatabase) -> None:
    events = data_of(page)["events"]
    for place, number in enumerate(events["id"]):
        states, stored = events["states"][place], db[number].states
        np.testing.assert_allclose(states["area"], stored["area_km2"], rtol=1e-2)
        np.testing.assert_allclose(states["maximum"], stored["exceedance_max"], rtol=1e-2)
        days = [f"{c // 372:04d}-{c % 372 // 31 + 1:02d}-{c % 31 + 1:02d}" for c in np.cumsum(states["day"]).tolist()]
        assert days == stored["day"].tolist()


def test_outlines_are_those_of_the_database(page: str, db: e5.EventDatabase) -> None:
    events = data_of(page)["events"]
    for place, number in enumerate(events["id"]):
        rings = [np.cumsum(np.reshape(ring, (-1, 2)), axis=0) / 100 for ring in events["outline"][place]]
        geometry = db[number].geometry
        assert geometry is not None
        expected = [ring for polygon in geometry["coordinates"] for ring in polygon]
        assert len(rings) == len(expected)
        for ours, theirs in zip(rings, expected, strict=True):
            assert {tuple(point) for point in ours} <= {tuple(point) for point in theirs}
            assert (ours[0] == ours[-1]).all()


def test_where_events_come_from(page: str) -> None:
    data = data_of(page)
    definitions = [json.loads(row["definition"]) for row in data["diagnostics"]]
    assert all(row["min_days"] == 3 for row in definitions)
    heat = data["events"]["kind"].index(data["kinds"].index("heatwave"))
    run = data["runs"][data["events"]["runs"][heat][0]]
    assert run["program"].startswith("era5fast")
    assert [data["datasets"][d]["path"] for d in run["datasets"]] == ["a.nc", "<i>b</i>.nc"]
    assert "</script>" in data["datasets"][run["datasets"][1]]["request"]


def test_nothing_breaks_out_of_the_page(page: str) -> None:
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    assert "<b>spell" not in page
    assert "<i>b</i>" not in page
    assert "<!--" not in page
    assert "\u2028" not in page
    assert HOSTILE in data_of(page)["kinds"]
    assert f"<title>{html.escape('Events of <June> & July')}</title>" in page
    block = page.partition('id="data">')[2].partition("</script>")[0]
    assert not set("<>&") & set(block)


def test_the_policy_allows_its_own_script_and_no_network(page: str) -> None:
    match = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert match is not None
    policy = dict(part.strip().partition(" ")[::2] for part in html.unescape(match[1]).split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy["script-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in match[1]
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"innerHTML|insertAdjacentHTML|outerHTML|document\.write|eval\(", script)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|import\(", script)


def test_the_words_of_a_hostile_database_are_those_of_the_title(db: e5.EventDatabase, tmp_path: Path) -> None:
    made = e5.plot.explorer(db, tmp_path / "e.html").read_text(encoding="utf-8")
    assert html.escape(HOSTILE) in made
    assert made.count("<script") == 2


def test_what_is_left_out_is_said(db: e5.EventDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = e5.plot.explorer(db, tmp_path / "few.html", limit=1).read_text(encoding="utf-8")
    assert "1 events" not in few
    assert "These are the strongest of 4; 3 are left out." in few
    for order, told in (
        ("-duration_days", "the ones with the largest duration days"),
        (["start_day", "id"], "the first by start day"),
        ([], "the first by id"),
    ):
        other = e5.plot.explorer(db, tmp_path / "other.html", limit=2, order_by=order).read_text(encoding="utf-8")
        assert f"These are {told} of 4; 2 are left out." in other
    assert data_of(few)["events"]["id"] == db.query(limit=1)["id"].tolist()
    monkeypatch.setattr(module, "_STATES", 12)
    monkeypatch.setattr(module, "_POINTS", 10)
    small = e5.plot.explorer(db, tmp_path / "small.html").read_text(encoding="utf-8")
    assert "The days of the last 3 events are left out." in small
    assert "Outlines are simplified." in small
    assert [states is None for states in data_of(small)["events"]["states"]] == [False, True, True, True]
    monkeypatch.setattr(module, "_FILES", 1)
    runs = data_of(e5.plot.explorer(db, tmp_path / "files.html").read_text(encoding="utf-8"))["runs"]
    assert sorted(run["left_out"] for run in runs) == [0, 1]


def test_units_that_differ_are_said(page: str, tmp_path: Path) -> None:
    note = "compare only events of the same units"
    assert note not in page
    db = e5.EventDatabase(tmp_path / "units.gpkg")
    db.add(find(field(THREE)), kind="heatwave")
    wind = field(THREE)
    wind.attrs["units"] = "m s-1"
    db.add(find(wind.rename("wind")), kind="storm")
    made = e5.plot.explorer(db, tmp_path / "e.html").read_text(encoding="utf-8")
    assert note in made
    assert [row["units"] for row in data_of(made)["diagnostics"]] == ["K", "m s-1"]


def test_filters_of_the_query(db: e5.EventDatabase, tmp_path: Path) -> None:
    made = e5.plot.explorer(db, tmp_path / "heat.html", kind="heatwave", start="2003-07").read_text(encoding="utf-8")
    assert data_of(made)["events"]["id"] == [3]
    assert "2003-07-11 to 2003-07-13" in made
    assert "<title>Events: heatwave</title>" in made


def test_other_calendars(tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "e.gpkg")
    db.add(find(field([(slice(5, 10), 0, 0, 8.0)], calendar="360_day", start="2003-02-25")), kind="heatwave")
    made = data_of(e5.plot.explorer(db, tmp_path / "e.html").read_text(encoding="utf-8"))
    assert made["events"]["start"] == [2003 * 372 + 31 + 29], "30 February"
    assert made["calendars"] == ["360_day"]


def test_missing_numbers_are_null(tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "e.gpkg")
    db.add(find(field(THREE)), kind="heatwave")
    with sqlite3.connect(db.path) as connection:
        connection.execute("UPDATE event_state SET centroid_latitude = NULL, centroid_longitude = NULL")
    made = data_of(e5.plot.explorer(db, tmp_path / "e.html").read_text(encoding="utf-8"))
    assert set(made["events"]["states"][0]["latitude"]) == {None}


def test_thousands_of_events_make_a_page_of_some_megabytes(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    latitude, longitude = np.arange(78.0, -79, -2), np.arange(0.0, 360, 2)
    blocks = []
    for k in range(3000):
        row, column = 3 + 5 * (k % 15), 6 * ((k // 15 * 7) % 29)
        day = 8 * (k // 435)
        blocks.append((slice(day, day + 4), slice(row - 2, row + 2), slice(column, column + 4), 6 + 4 * rng.random()))
    events = find(field(blocks, latitude=latitude, longitude=longitude, days=60))
    assert len(events) > 2000
    db = e5.EventDatabase(tmp_path / "e.gpkg")
    db.add(events, kind="heatwave")
    assert e5.plot.explorer(db, tmp_path / "e.html").stat().st_size < 2_000_000


def test_errors_are_typed(db: e5.EventDatabase, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shows a database"):
        e5.plot.explorer(find(field(THREE)), tmp_path / "e.html")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="knows no kind"):
        e5.plot.explorer(db, tmp_path / "e.html", kind="flood")
    with pytest.raises(InputError, match="must be positive"):
        e5.plot.explorer(db, tmp_path / "e.html", limit=0)
    with pytest.raises(EventDatabaseError):
        e5.plot.explorer(e5.EventDatabase(tmp_path / "none.gpkg"), tmp_path / "e.html")
    with pytest.raises(StorageError):
        e5.plot.explorer(db, tmp_path / "no" / "folder" / "e.html")
    assert not list(tmp_path.glob("*.html*"))


def test_a_page_is_replaced_as_a_whole(db: e5.EventDatabase, tmp_path: Path) -> None:
    target = tmp_path / "e.html"
    target.write_text("old")
    e5.plot.explorer(db, target)
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["e.html"]

"""Pictures hold what they should: which artists, where, with which numbers and words."""

from __future__ import annotations

import itertools
import re
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from samples import LATITUDE, LONGITUDE, write

import era5fast as e5
from era5fast import thinning
from era5fast.errors import InputError, StorageError
from era5fast.plot import dates, globe, series
from era5fast.plot.one_event import one_event
from era5fast.plot.style import CATEGORY_COLOURS, compact, longitude_text, one_line, place_text

pytestmark = pytest.mark.native

DAY = 86400


def field(
    blocks: list[tuple[Any, Any, Any, float]],
    *,
    latitude: Any = (50.0, 49.0, 48.0, 47.0),
    longitude: Any = tuple(range(-4, 6)),
    start: str = "2003-06-01",
    days: int = 60,
    calendar: str | None = None,
) -> xr.DataArray:
    """Daily field of 290 K with warm blocks (days, rows, columns, kelvin)."""
    latitude, longitude = np.asarray(latitude, dtype="float64"), np.asarray(longitude, dtype="float64")
    values = np.full((days, len(latitude), len(longitude)), 290.0, dtype="float32")
    for when, rows, columns, kelvin in blocks:
        values[when, rows, columns] += kelvin
    if calendar is None:
        time = np.datetime64(start, "ns") + np.arange(days) * np.timedelta64(1, "D")
    else:
        time = xr.date_range(start, periods=days, calendar=calendar, use_cftime=True)
    coords = {"time": time, "latitude": latitude, "longitude": longitude}
    return xr.DataArray(values, coords, ("time", "latitude", "longitude"), name="t2m", attrs={"units": "K"})


def find(x: xr.DataArray) -> Any:
    return e5.find_events(x, above=295.0, min_days=3, progress=False)


#: 21 to 30 June; 6 to 9 June, which peaks higher; 11 to 13 July.
THREE = [
    (slice(20, 30), slice(1, 4), slice(4, 8), 6.0),
    (slice(5, 9), slice(0, 2), slice(0, 3), 8.0),
    (slice(40, 43), slice(2, 3), slice(9, 10), 7.0),
]


@pytest.fixture(scope="module")
def events() -> Any:
    return find(field(THREE))


@pytest.fixture(scope="module")
def db(events: Any, tmp_path_factory: pytest.TempPathFactory) -> e5.EventDatabase:
    made = e5.EventDatabase(tmp_path_factory.mktemp("pictures") / "events.gpkg")
    assert made.add(events, kind="heat $wave$").added == 3
    return made


def texts(figure: Figure) -> str:
    """All words on a figure."""
    from matplotlib.text import Text

    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(Text) if text.get_visible())


def drawn(axes: Any, kind: type) -> list[Any]:
    return [artist for artist in axes.collections if type(artist) is kind]


def points_of(artist: Any) -> np.ndarray:
    """All points of a collection of lines or paths."""
    return np.vstack([path.vertices for path in artist.get_paths()])


# --- the package ---


def test_importing_it_loads_no_matplotlib() -> None:
    code = "import sys, era5fast.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_says_what_is_missing_without_matplotlib() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import era5fast as e5\n"
        "assert callable(e5.plot.explorer)\n"
        "try: e5.plot.event_map\n"
        "except e5.errors.InputError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "matplotlib" in run.stdout
    assert "pip install" in run.stdout


def test_all_names_are_there() -> None:
    assert all(callable(getattr(e5.plot, name)) for name in e5.plot.__all__)
    assert set(e5.plot.__all__) <= set(dir(e5.plot))
    with pytest.raises(AttributeError):
        e5.plot.piechart  # noqa: B018


# --- maps ---


def test_map_of_all_events(events: Any, tmp_path: Path) -> None:
    figure = e5.plot.event_map(events, tmp_path / "map.png", outlines=2, note="made up")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    axes = figure.axes[0]
    mesh = next(mesh for mesh in drawn(axes, QuadMesh) if mesh.get_array().count())
    days = mesh.get_array().filled(0).reshape(4, 10)
    expected = np.zeros((4, 10))
    expected[1:4, 4:8], expected[0:2, 0:3], expected[2, 9] = 10, 4, 3
    np.testing.assert_array_equal(days, expected)
    assert axes.get_xlim() == (-4.5, 5.5)
    assert axes.get_ylim() == (46.5, 50.5)
    outlines = [line for line in drawn(axes, LineCollection) if line.get_label().startswith("event ")]
    assert [line.get_label() for line in outlines] == ["event 0", "event 2"], "the highest peaks"
    words = texts(figure)
    assert "3 events of t2m, 2003-06-01 to 2003-07-30" in words
    assert "made up" in words
    assert "2003-06-06 to 2003-06-09: peak +3 K" in words
    assert "days in events" in words


def test_map_refuses_more_outlines_than_colours(events: Any) -> None:
    with pytest.raises(InputError, match="0 to 6"):
        e5.plot.event_map(events, outlines=7)


def test_map_of_one_event_of_a_catalogue(events: Any) -> None:
    figure = e5.plot.event_map(events, event=1)
    axes = figure.axes[0]
    mesh = next(mesh for mesh in drawn(axes, QuadMesh) if mesh.get_array().count())
    assert mesh.get_array().compressed().tolist() == [10] * 12
    words = texts(figure)
    for part in ("event 1 of t2m, 2003-06-21 to 2003-06-30 (10 days)", "1 K beyond the threshold", "21 Jun"):
        assert part in words
    peaks = [line for line in axes.lines if line.get_label() == "peak"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in peaks] == [(0.0, 49.0)]
    same = e5.plot.event_map(events[1])
    assert texts(same) == words


def test_map_of_a_stored_event(events: Any, db: e5.EventDatabase) -> None:
    figure = e5.plot.event_map(db[2], title="chosen")
    axes = figure.axes[0]
    fill = [artist for artist in drawn(axes, PathCollection) if artist.get_zorder() == 1]
    points = points_of(fill[0])
    assert points[:, 0].min() == -0.5 - 360, "drawn in three turns of the globe"
    inside = points[np.abs(points[:, 0]) < 180]
    assert (inside.min(axis=0).tolist(), inside.max(axis=0).tolist()) == ([-0.5, 46.5], [3.5, 49.5])
    assert "chosen" in texts(figure)
    assert r"heat \$wave\$" in texts(e5.plot.event_map(db[2])), "names are no formulas"


def test_axes_are_taken_and_kept(db: e5.EventDatabase) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert e5.plot.event_map(db[1], ax=left) is figure
    assert e5.plot.event_states(db[1], ax=right) is right
    assert left.collections
    assert right.patches
    with pytest.raises(InputError, match="axes"):
        e5.plot.ranking(db, ax=figure)


def test_an_event_across_the_dateline_is_in_one_piece() -> None:
    longitude = np.arange(0.0, 360, 5)
    x = field([(slice(5, 10), slice(1, 3), slice(34, 40), 8.0)], latitude=[10, 5, 0, -5], longitude=longitude)
    figure = e5.plot.event_map(find(x), event=0)
    axes = figure.axes[0]
    west, east = axes.get_xlim()
    assert west < 167.5 < 197.5 < east < 230
    border = next(line for line in drawn(axes, LineCollection) if line.get_zorder() == 4)
    segments = np.vstack([np.hstack([p.vertices[:-1], p.vertices[1:]]) for p in border.get_paths()])
    on_the_line = (segments[:, 0] % 360 == 180) & (segments[:, 2] % 360 == 180)
    assert not on_the_line.any(), "the cut at the antimeridian is no border"
    assert len(segments) > 50
    assert "180°" in texts(figure)


def test_an_event_around_a_pole_is_drawn_around_it() -> None:
    longitude = np.arange(0.0, 360, 10)
    blocks = [(slice(5, 10), slice(0, 3), slice(None), 8.0)]
    for sign in (1, -1):
        latitude = sign * np.arange(90.0, 20, -5)
        figure = e5.plot.event_map(find(field(blocks, latitude=latitude, longitude=longitude)), event=0)
        axes = figure.axes[0]
        assert np.allclose(axes.get_xlim(), -np.array(axes.get_xlim()[::-1])), "the pole is in the middle"
        mesh = next(mesh for mesh in drawn(axes, QuadMesh) if mesh.get_array().count())
        assert mesh.get_array().compressed().tolist() == [5] * 108
        words = texts(figure)
        assert "80°N" in words if sign == 1 else "80°S" in words
        assert "90°E" in words


def test_equal_areas_around_a_pole() -> None:
    for pole in (1, -1):
        chart = globe.PolarMap(pole, 40, 0)
        for low, high in ((50, 60), (85, 90)):
            around = np.linspace(0, 360, 2001)
            ring = [np.column_stack(chart.project(around, np.full(2001, pole * edge))) for edge in (low, high)]
            areas = [0.5 * np.sum(r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]) for r in ring]
            exact = 2 * np.pi * (np.sin(np.deg2rad(high)) - np.sin(np.deg2rad(low)))
            assert abs(abs(areas[0] - areas[1]) - exact) < 1e-4
            assert np.sign(areas[0]) == pole, "east is counter-clockwise around the north pole only"


def test_the_border_at_the_antimeridian_stays_where_only_one_side_reaches_it() -> None:
    west = np.array([(170, 0), (180, 0), (180, 10), (170, 10), (170, 0)], dtype="float64")
    east = np.array([(-180, 5), (-170, 5), (-170, 20), (-180, 20), (-180, 5)], dtype="float64")
    lines = globe.border([[west], [east]])
    on_cut = [line for line in lines if (np.abs(line[:, 0]) == 180).all()]
    assert sorted((line[0, 0], line[0, 1], line[1, 1]) for line in on_cut) == [(-180, 10, 20), (180, 0, 5)]
    assert len(globe.border([[west]])) == 2
    length = sum(np.abs(np.diff(line, axis=0)).sum() for line in globe.border([[west]]))
    assert length == 40, "nothing is lost where nothing lies on the other side"


def test_a_number_is_needed_and_checked(events: Any, db: e5.EventDatabase) -> None:
    with pytest.raises(InputError, match="which of the 3"):
        e5.plot.event_states(events)
    with pytest.raises(InputError, match="no event 7"):
        e5.plot.event_map(events, event=7)
    with pytest.raises(InputError, match="no event 99"):
        e5.plot.event_map(db, event=99)
    with pytest.raises(InputError, match="an event is wanted"):
        e5.plot.event_states(db)


def test_cells_of_a_database_are_drawn_where_it_keeps_them(events: Any, tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "cells.gpkg")
    db.add(events, kind="heatwave", cells=True)
    ours, theirs = one_event(db, 2).cells, one_event(events, 1).cells
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours.count, theirs.count)
    np.testing.assert_array_equal(ours.longitude, theirs.longitude)
    assert e5.plot.event_map(db, event=2).axes[1].get_ylabel() == "days in the event"


def test_steps_below_a_day_are_hours(tmp_path: Path) -> None:
    x = field([(slice(6, 18), slice(1, 3), slice(4, 8), 6.0)])
    x = x.assign_coords(time=np.datetime64("2003-06-01", "ns") + np.arange(60) * np.timedelta64(6, "h"))
    events = e5.find_events(x, above=295.0, min_days=1, progress=False)
    database = e5.EventDatabase(tmp_path / "events.gpkg")
    database.add(events, kind="heatwave", cells=True)
    for source, number in ((events, 0), (database, 1)):
        figure = e5.plot.event_map(source, event=number)
        axes, bar = figure.axes
        assert bar.get_ylabel() == "hours in the event"
        assert [label.get_text() for label in bar.get_yticklabels()][-2:] == ["54–60", "66–72"]
        assert "centre, step by step" in texts(figure)
        assert "(3 days)" in axes.get_title()
    mesh = next(mesh for mesh in drawn(e5.plot.event_map(events).axes[0], QuadMesh) if mesh.get_array().count())
    assert set(mesh.get_array().compressed().tolist()) == {3.0}, "days in events are days"


def test_a_database_is_drawn_as_dots_and_outlines(db: e5.EventDatabase) -> None:
    figure = e5.plot.event_map(db, outlines=2)
    axes = figure.axes[0]
    dots = next(artist for artist in drawn(axes, PathCollection) if len(artist.get_offsets()) == 3)
    stored = db.query(order_by="-peak_exceedance")
    np.testing.assert_array_equal(dots.get_offsets(), stored[["peak_longitude", "peak_latitude"]].to_numpy())
    words = texts(figure)
    assert r"3 heat \$wave\$ events, 2003-06-06 to 2003-07-13" in words
    assert "event 1, 2003-06-06 to 2003-06-09: peak +3 K" in words
    assert sum(" peak +" in line for line in words.splitlines()) == 2
    with pytest.raises(InputError, match="knows no kind 'flood'"):
        e5.plot.event_map(db, kind="flood")


@pytest.mark.parametrize(
    ("rows", "columns"), [(slice(2, 49), slice(10, 11)), (slice(25, 27), slice(None))], ids=["tall", "belt"]
)
def test_maps_of_odd_shapes_have_room_for_their_words(rows: slice, columns: slice) -> None:
    x = field(
        [(slice(5, 9), rows, columns, 8.0)], latitude=np.arange(50.0, -52, -2), longitude=np.arange(0.0, 360, 4)
    )
    figure = e5.plot.event_map(find(x), event=0, title="a title that is longer than the map is wide, " * 4)
    width, height = figure.get_size_inches()
    assert width >= 7
    assert 0.5 < width / height < 3
    figure.canvas.draw()
    assert figure.axes[0].title.get_text().count("\n") >= 1
    for words in (figure.axes[0].title, *figure.legends):
        box = words.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, "nothing is cut"


def test_a_record_of_a_database_is_that_of_its_searches(tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "years.gpkg")
    db.add(find(field(THREE, days=800)), kind="heat")
    db.add(find(field([], start="2005-01-01", days=365)), kind="frost")
    assert "on 17 of 800 days" in e5.plot.calendar(db, kind="heat").get_title()
    assert e5.plot.calendar(db).get_title() == "heat events, on 17 of 945 days"
    assert len(e5.plot.yearly_counts(db, kind="heat").patches) == 3
    assert len(e5.plot.yearly_counts(db, kind="frost").patches) == 1
    with db_without_record(db):
        assert "on 17 of 38 days" in e5.plot.calendar(db, kind="heat").get_title()


@contextmanager
def db_without_record(db: e5.EventDatabase) -> Iterator[None]:
    """A database that does not know what was searched, as those of the first version."""
    with closing(sqlite3.connect(db.path)) as connection, connection:
        connection.execute("UPDATE run SET start_day = NULL, end_day = NULL")
    yield


def test_files_that_cannot_be_written_are_typed_errors(line: xr.DataArray, tmp_path: Path) -> None:
    for name in ("x.foo", "x"):
        with pytest.raises(InputError, match="no picture") as caught:
            e5.plot.event_line(line, 15.0, path=tmp_path / name)
        assert {"png", "svg", "pdf"} <= set(re.findall("[a-z]+", str(caught.value).lower()))
    with pytest.raises(StorageError):
        e5.plot.event_line(line, 15.0, path=tmp_path / "none" / "x.png")
    assert not list(tmp_path.iterdir())
    e5.plot.event_line(line, 15.0, path=tmp_path / "x.PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["x.PNG"]


def test_notebooks_show_what_is_returned(events: Any) -> None:
    assert e5.plot.event_map(events)._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    axes = e5.plot.ranking(events)
    assert axes._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


# --- a series ---


@pytest.fixture(scope="module")
def line() -> xr.DataArray:
    """200 days at 10 °C; days 20–22 at 20, 50–59 at 31, 100 at 40."""
    values = np.full(200, 10.0)
    values[20:23], values[50:60], values[100] = 20, 31, 40
    time = np.datetime64("2001-01-01", "ns") + np.arange(200) * np.timedelta64(1, "D")
    attrs = {"units": "degC", "long_name": "temperature"}
    return xr.DataArray(values, {"time": time, "latitude": 47.5, "longitude": -9.0}, ("time",), "t", attrs)


def shades(axes: Any) -> dict[str, np.ndarray]:
    """Label of a shading → the days it covers."""
    found = {}
    for area in axes.collections:
        points = np.vstack([path.vertices for path in area.get_paths()])
        found[area.get_label()] = np.unique(np.round(points[:, 0] - 11323, 1))  # days since 2001-01-01
    return found


def test_days_in_events_are_shaded_strongly(line: xr.DataArray, tmp_path: Path) -> None:
    axes = e5.plot.event_line(line, 15.0, 10.0, tmp_path / "line.svg", min_days=5)
    assert (tmp_path / "line.svg").stat().st_size > 5000
    found = shades(axes)
    assert set(found) == {"in an event", "beyond the threshold"}
    assert 49 < found["in an event"].min() < 49.5 < 59.5 < found["in an event"].max() < 60
    assert {20.0, 22.0, 100.0} <= set(found["beyond the threshold"])
    assert not [day for day in found["beyond the threshold"] if 24 < day < 99]
    lines = {drawn.get_label(): drawn.get_ydata() for drawn in axes.lines}
    np.testing.assert_array_equal(lines["temperature"], line.values)
    assert (lines["threshold"] == 15).all()
    assert (lines["climatology"] == 10).all()
    assert axes.get_ylabel() == "temperature (degC)"
    assert axes.get_title() == "temperature, 47.5°N, 9°W, 2001-01-01 to 2001-07-19"


def test_categories_have_their_colours(line: xr.DataArray) -> None:
    axes = e5.plot.event_line(line, 15.0, 10.0, categories=True, min_days=1)
    colours = {area.get_label(): to_hex(area.get_facecolor()[0]) for area in axes.collections}
    assert colours == dict(zip(("moderate", "strong", "severe", "extreme"), CATEGORY_COLOURS.values(), strict=True))
    tops = {area.get_label(): points_of(area)[:, 1].max() for area in axes.collections}
    assert tops == {"moderate": 20, "strong": 25, "severe": 30, "extreme": 40}
    with pytest.raises(InputError, match="categories need"):
        e5.plot.event_line(line, 15.0, categories=True)


def test_no_category_where_the_threshold_is_not_beyond_the_climatology(line: xr.DataArray) -> None:
    time = line["time"].values
    normal = np.full(365, 10.0)
    normal[55:] = 15.0 + (np.arange(310) > 100)  # from day 55 on as high as the threshold, then higher
    for sign in (1, -1):
        axes = e5.plot.event_line(
            sign * line.values, sign * 15.0, sign * normal, time=time, categories=True, min_days=5, below=sign < 0
        )
        found = shades(axes)
        assert found["no category"].min() > 54
        assert found["extreme"].max() < 55
        for area in axes.collections:
            assert (sign * points_of(area)[:, 1]).min() >= 15, "nothing is painted on this side of the threshold"
        levels = [drawn for drawn in axes.lines if drawn.get_label() == "strong, severe, extreme begin"]
        assert len(levels) == 1, "the dotted lines are explained"
        assert np.isnan(levels[0].get_ydata()[55:]).all()


def test_below_the_threshold(line: xr.DataArray) -> None:
    found = shades(e5.plot.event_line(-line, -15.0, below=True, min_days=5))
    assert 49 < found["in an event"].min() < 49.5


def test_a_mean_is_weighted_with_area() -> None:
    x = field([(slice(10, 20), slice(0, 1), slice(None), 10.0)], latitude=[60.0, 0.0], longitude=[0.0, 1.0])
    axes = e5.plot.event_line(x, 292.0, min_days=3)
    values = next(line for line in axes.lines if line.get_label() == "t2m").get_ydata()
    assert values[15] == pytest.approx(290 + 10 * 0.5 / 1.5)
    assert axes.get_title().startswith("t2m, mean over 0° to 60°N, 0° to 1°E")
    assert shades(axes).keys() == {"in an event"}


def test_a_threshold_of_the_days_of_the_year_and_a_part_of_the_time() -> None:
    x = field(THREE, start="2003-01-01", days=365)
    p = e5.percentile_doy(x, 90, window=5, progress=False)
    cell = {"latitude": 49.0, "longitude": 0.0}
    axes = e5.plot.event_line(x.sel(cell), p.sel(cell), start="2003-01", end="2003-02-10")
    drawn_threshold = next(line for line in axes.lines if line.get_label() == "threshold").get_ydata()
    np.testing.assert_array_equal(drawn_threshold, p.sel(cell).values[:41])
    with pytest.raises(InputError, match="no data from"):
        e5.plot.event_line(x.sel(cell), 295.0, start="2010")


def test_plain_arrays_and_missing_values() -> None:
    values = np.full(100, 1.0)
    values[10:20], values[15] = 5, np.nan
    time = np.datetime64("2001-01-01") + np.arange(100)
    axes = e5.plot.event_line(values, 2.0, time=time, min_days=2)
    found = shades(axes)
    assert 9 < found["in an event"].min() < 9.5
    assert not [day for day in found["in an event"] if 14 < day < 16]


# --- dates ---


@pytest.mark.parametrize(
    ("calendar", "day", "text"),
    [("360_day", 59, "1970-02-30"), ("noleap", 59, "1970-03-01"), ("proleptic_gregorian", 12112, "2003-03-01")],
)
def test_dates_of_any_calendar(calendar: str, day: int, text: str) -> None:
    assert dates.day_text(day * DAY, calendar) == text
    assert dates.DateText(calendar)(day) == text


def test_ticks_stand_on_firsts_and_are_few() -> None:
    for calendar in ("proleptic_gregorian", "360_day", "noleap"):
        ticks = dates.DateTicks(calendar)
        for span in (3, 12, 40, 90, 300, 900, 5000, 20000, 300000):
            found = ticks.tick_values(12000, 12000 + span)
            assert len(found) <= 9
            assert found or span > 100000
            if span >= 300:
                assert all(dates.day_text(day * DAY, calendar).endswith("-01") for day in found)
    words = dates.DateText("360_day").format_ticks([30.0, 60.0, 360.0])
    assert words == ["Feb\n1970", "Mar", "Jan\n1971"]


def test_other_calendars_get_through() -> None:
    x = field(THREE, calendar="360_day", start="2003-01-01")
    events = find(x)
    axes = e5.plot.event_states(events, event=1)
    assert "2003-01-21 to 2003-01-30" in axes.get_title()
    year = e5.plot.calendar(events)
    assert year.get_xlim() == (0, 360)
    assert e5.plot.yearly_counts(events).patches[0].get_height() == 3


def test_other_calendars_get_through_a_database(tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "e.gpkg")
    db.add(find(field(THREE, calendar="360_day", start="2003-02-20")), kind="heatwave")
    assert "2003-02-25 to 2003-02-28" in e5.plot.event_map(db[1]).axes[0].get_title()
    assert e5.plot.calendar(db).get_xlim() == (0, 360)


# --- charts ---


def test_states_of_an_event(events: Any, db: e5.EventDatabase) -> None:
    axes = e5.plot.event_states(events, event=1)
    states = events.states(1)
    heights = [bar.get_height() for bar in axes.patches]
    np.testing.assert_allclose(heights, states["area_km2"] / 1000)
    right = axes.get_figure().axes[-1]
    maximum = next(line for line in right.lines if line.get_label() == "largest exceedance")
    np.testing.assert_allclose(maximum.get_ydata(), states["exceedance_max"])
    assert right.get_ylabel() == "exceedance (K)"
    stored = e5.plot.event_states(db[2])
    np.testing.assert_allclose([bar.get_height() for bar in stored.patches], heights)


def test_ranking(events: Any, db: e5.EventDatabase) -> None:
    table = events.to_dataframe().sort_values("peak_exceedance", ascending=False)
    for source in (events, db, db.query(), events.to_dataframe()):
        axes = e5.plot.ranking(source, by="peak_exceedance", n=2)
        widths = [bar.get_width() for bar in axes.patches]
        np.testing.assert_allclose(widths, table["peak_exceedance"][:2])
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == ["2003-06-06 to 06-09, 50°N 4°W", "2003-07-11 to 07-13, 48°N 5°E"]
        assert axes.yaxis_inverted()
    assert e5.plot.ranking(db, by="peak_exceedance").get_xlabel() == "peak exceedance (K)"
    assert "units of the variable" in e5.plot.ranking(db.query()).get_xlabel()
    with pytest.raises(InputError, match="no column 'size'"):
        e5.plot.ranking(events, by="size")
    with pytest.raises(InputError, match="holds no numbers"):
        e5.plot.ranking(db, by="kind")
    with pytest.raises(InputError, match="events are wanted"):
        e5.plot.ranking([1, 2])


def test_calendar_of_a_catalogue_and_of_a_database(events: Any, db: e5.EventDatabase) -> None:
    area = np.zeros(366)
    for number in range(3):
        states = events.states(number)
        days = (np.asarray(states["time"]) - np.datetime64("2003-01-01")) // np.timedelta64(1, "D")
        days += days >= 59  # no 29 February in 2003
        np.add.at(area, days.astype(int), states["area_km2"] / 1000)
    for source in (events, db):
        axes = e5.plot.calendar(source)
        mesh = axes.collections[-1]
        np.testing.assert_allclose(mesh.get_array().filled(0).ravel(), area)
    counts = e5.plot.calendar(db.query()).collections[-1].get_array()
    assert counts.sum() == 17
    largest = e5.plot.calendar(db, value="exceedance").collections[-1].get_array()
    assert largest.max() == pytest.approx(3)
    whole = e5.plot.calendar(events)
    assert "on 17 of 60 days" in whole.get_title()
    low, high = sorted(whole.get_ylim())
    assert [tick for tick in whole.get_yticks() if low <= tick <= high] == [2003]
    with pytest.raises(InputError, match="does not know the area"):
        e5.plot.calendar(db.query(), value="area")
    with pytest.raises(InputError, match="one of: area"):
        e5.plot.calendar(db, value="length")
    with pytest.raises(InputError, match="knows no kind 'flood'"):
        e5.plot.calendar(db.query(kind="flood"))


def test_hovmoeller_of_events(events: Any, db: e5.EventDatabase) -> None:
    axes = e5.plot.hovmoeller(events, start="2003-06-21", end="2003-06-30")
    share = axes.collections[0].get_array().filled(0).reshape(10, 10)
    sines = np.sin(np.deg2rad([50.5, 49.5, 48.5, 47.5, 46.5]))
    expected = 100 * (sines[1] - sines[4]) / (sines[0] - sines[4])
    np.testing.assert_allclose(share[:, 4:8], expected)
    assert not share[:, :4].any()
    assert axes.yaxis_inverted()
    rows = e5.plot.hovmoeller(events, along="latitude").collections[0].get_array().filled(0).reshape(4, 60)
    np.testing.assert_allclose(rows[:, 25], [0, 40, 40, 40])
    paths = e5.plot.hovmoeller(db)
    assert len(drawn(paths, LineCollection)[0].get_paths()) == 3
    assert len(drawn(paths, PathCollection)[0].get_offsets()) == 17
    with pytest.raises(InputError, match="no data from"):
        e5.plot.hovmoeller(db, start="2020")
    with pytest.raises(InputError, match="along must be"):
        e5.plot.hovmoeller(db, along="height")


def test_hovmoeller_of_no_events_says_so() -> None:
    axes = e5.plot.hovmoeller(find(field([])))
    assert [text.get_text() for text in axes.texts] == ["no events"]
    assert len(axes.figure.axes) == 1, "no colour bar of nothing"


def test_hovmoeller_of_a_field() -> None:
    x = field(THREE) - 290
    axes = e5.plot.hovmoeller(x - 1)
    weight = np.cos(np.deg2rad(x.latitude))
    expected = (x - 1).weighted(weight).mean("latitude")
    np.testing.assert_allclose(axes.collections[0].get_array().reshape(60, 10), expected, rtol=1e-6)
    low, high = axes.collections[0].get_clim()
    assert low == -high, "colours are balanced around zero"


def test_yearly_counts_and_their_trend() -> None:
    blocks = []
    for year in range(10):
        blocks += [(slice(365 * year + 20 * k, 365 * year + 20 * k + 4), 0, 0, 8.0) for k in range(1, year + 2)]
    x = field(blocks, latitude=[50.0], longitude=[0.0], start="2001-01-01", days=3650, calendar="noleap")
    events = find(x)
    axes = e5.plot.yearly_counts(events)
    assert [bar.get_height() for bar in axes.patches] == list(range(1, 11))
    (trend,) = axes.lines
    np.testing.assert_allclose(trend.get_ydata(), np.arange(1, 11), atol=0.02)
    assert "Theil–Sen: 10 per decade" in trend.get_label()
    assert "Mann–Kendall: p < 0.001" in trend.get_label()
    days = e5.plot.yearly_counts(events, value="duration_days")
    assert [bar.get_height() for bar in days.patches] == [4.0 * n for n in range(1, 11)]
    more = e5.plot.yearly_counts(events.to_dataframe(), years=(1999, 2010))
    assert [bar.get_height() for bar in more.patches] == [0, 0, *range(1, 11)]


def test_years_that_the_record_has_in_part_are_pale() -> None:
    events = find(field(THREE, start="2003-06-01", days=600))
    axes = e5.plot.yearly_counts(events)
    assert [bar.get_alpha() for bar in axes.patches] == [0.35, 1.0, 0.35]
    assert axes.lines == [] or len(axes.lines) == 0
    with pytest.raises(InputError, match="the first and the last"):
        e5.plot.yearly_counts(events, years="2003")


# --- words and lines ---


def test_numbers_and_places_in_words() -> None:
    assert [compact(n) for n in (1.24e6, 38200.4, 2.512, -35.0, 5e9, float("nan"))] == [
        "1.24 million",
        "38,200",
        "2.51",
        "−35",
        "5 billion",
        "–",
    ]
    assert [longitude_text(n) for n in (190, -10, 0, 180, 360)] == ["170°W", "10°W", "0°", "180°", "0°"]
    assert place_text(-33.25, 151.0) == "33.25°S 151°E"
    assert place_text(np.nan, 0) == ""
    assert one_line("a\n$b$") == r"a \$b\$"


def test_thinning_keeps_what_matters() -> None:
    square = np.array([(0, 0), (1, 0), (2, 0), (4, 0), (4, 2), (4, 4), (0, 4), (0, 0)], dtype="float64")
    (straight,) = thinning.thinned([square], 0.0, closed=True)
    assert {tuple(p) for p in straight} == {(0, 0), (4, 0), (4, 4), (0, 4)}
    assert (straight[0] == straight[-1]).all()
    rng = np.random.default_rng(1)
    angle = np.sort(rng.random(500)) * 2 * np.pi
    circle = np.column_stack([np.cos(angle), np.sin(angle)]) * 10
    rings = [np.vstack([circle, circle[:1]]), square]
    before = [len(ring) for ring in rings]
    coarse = thinning.thinned(rings, 0.05, closed=True)
    assert len(coarse[0]) < before[0] / 5
    points = {tuple(p) for p in rings[0]}
    assert all(tuple(p) in points for p in coarse[0]), "points are left out, not moved"
    x, y = coarse[0].T
    assert abs(0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) == pytest.approx(np.pi * 100, rel=0.02)
    tiny = thinning.thinned(rings, 1e9, closed=True)
    assert [len(ring) for ring in tiny] == [4, 4], "three corners and the first again"
    open_line = thinning.thinned([square[:-1]], 1e9, closed=False)
    assert open_line[0].tolist() == [[0, 0], [0, 4]]
    assert thinning.thinned([], 1.0, closed=True) == []


def test_shadings_follow_the_line() -> None:
    assert series._finely(np.array([0.0, 8.0, 4.0])).tolist() == [*range(9), *np.arange(7.5, 3.5, -0.5)]
    assert series._around(np.array([False, False, True])).tolist() == [False] * 9 + [True] * 8


BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
PAGE = Path(__file__).parent.parent / "docs/how-to/pictures.md"


def test_every_block_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "data").mkdir()
    for year in range(1999, 2009):
        hours = np.arange(f"{year}-01-01", f"{year + 1}-01-01", 6, dtype="datetime64[h]")
        season = 285 - 9 * np.cos(np.arange(len(hours)) * 2 * np.pi / 1461)
        weather = np.repeat(rng.normal(0, 4, 37), 40)[: len(hours)]  # ten days each
        t2m = (season + weather)[:, None, None] + rng.normal(0, 0.2, (len(hours), 3, 4))
        seconds = hours.astype("datetime64[s]").astype("int64")
        where = {"latitude": LATITUDE[:3], "longitude": LONGITUDE[:4]}
        write(tmp_path / f"data/t2m_{year}.nc", t2m.astype("f4"), seconds, **where)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    text = PAGE.read_text(encoding="utf-8")
    for block in BLOCK.findall(text):
        exec(compile(block, "pictures.md", "exec"), names)
    written = set(re.findall(r'"([a-z]+\.(?:png|html))"', text))
    assert len(written) == 12
    assert written <= {path.name for path in tmp_path.iterdir()}


def test_docs_name_every_picture() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"plot\.(\w+)\(", page)) == set(e5.plot.__all__)


# --- little, nothing, and narrow places ---


def test_wrong_things_are_told_apart(events: Any, db: e5.EventDatabase) -> None:
    for given, name in ((events, "an EventCatalogue"), (events[0], "an Event"), (db[1], "a StoredEvent")):
        with pytest.raises(InputError, match=rf"a series of data is wanted, not {name}. event_states\(\) draws"):
            e5.plot.event_line(given)
    with pytest.raises(InputError, match="a series of data is wanted, not a DataFrame"):
        e5.plot.event_line(db.query())
    for table in (db.query(), events.to_dataframe()):
        with pytest.raises(InputError, match=r"not a DataFrame. Pass the database or the catalogue"):
            e5.plot.hovmoeller(table)
    with pytest.raises(InputError, match=r"events are wanted, not an Event. .* draw one event"):
        e5.plot.ranking(events[0])
    with pytest.raises(InputError, match="an event is wanted, not a DataFrame"):
        e5.plot.event_map(db.query())
    for wrong in ({"event": "a"}, {"outlines": "a"}):
        with pytest.raises(InputError):
            e5.plot.event_map(events, **wrong)


def test_a_hovmoeller_of_one_event(events: Any) -> None:
    mesh = next(part for part in e5.plot.hovmoeller(events[0]).collections if isinstance(part, QuadMesh))
    steps = (np.ma.filled(mesh.get_array(), 0) > 0).any(axis=1)
    assert steps.sum() == 4


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, e5.EventDatabase]:
    found = find(field([]))
    made = e5.EventDatabase(tmp_path_factory.mktemp("nothing") / "events.gpkg")
    made.add(found, kind="heatwave")
    return found, made


@pytest.mark.parametrize("draw", ["ranking", "calendar", "yearly_counts", "hovmoeller"])
def test_pictures_of_no_events_say_so(nothing: tuple[Any, e5.EventDatabase], draw: str) -> None:
    for source in nothing:
        axes = getattr(e5.plot, draw)(source)
        assert [text.get_text() for text in axes.texts] == ["no events"]
        axes.figure.canvas.draw()
    if draw == "hovmoeller":
        assert e5.plot.hovmoeller(nothing[1], along="latitude").get_xlim() == axes.get_ylim()[::-1]
        first, last = axes.get_title().split(", ")[-1].split(" to ")
        some = e5.plot.hovmoeller(nothing[1], start=first, end=first)
        assert some.get_title().endswith(f"{first} to {first}")
        assert [text.get_text() for text in some.texts] == ["no events"]
        with pytest.raises(InputError, match="no data from 2020"):
            e5.plot.hovmoeller(nothing[1], start="2020")
        assert first < last


def test_a_map_of_no_events_says_so(nothing: tuple[Any, e5.EventDatabase]) -> None:
    assert "no events" in texts(e5.plot.event_map(nothing[0]))
    with pytest.raises(InputError, match="no events to draw"):
        e5.plot.event_map(nothing[1])


def test_one_event_and_one_year_fill_no_picture(events: Any) -> None:
    ranks, years = e5.plot.ranking(events[:1]), e5.plot.yearly_counts(events[:1])
    for axes, extent in ((ranks, "height"), (years, "width")):
        low, high = axes.get_ylim() if extent == "height" else axes.get_xlim()
        (bar,) = axes.patches
        assert getattr(bar, f"get_{extent}")() < 0.5 * abs(high - low)
        assert "1 event of t2m" in axes.get_title()
    assert "years that the record does not have whole" in texts(years.figure)
    assert [str(tick.get_text()) for tick in years.get_xticklabels()] == ["2003"]
    assert all(float(tick).is_integer() for tick in years.get_yticks())


def hourly(longitude: Any = tuple(range(-4, 6))) -> Any:
    x = field([(slice(20, 31), slice(1, 4), slice(4, 8), 6.0)], longitude=longitude)
    x["time"] = np.datetime64("2003-06-01", "ns") + np.arange(60) * np.timedelta64(1, "h")
    return e5.find_events(x, above=295.0, progress=False)


def test_hours_have_names(tmp_path: Path) -> None:
    found = hourly()
    db = e5.EventDatabase(tmp_path / "hours.gpkg")
    db.add(found, kind="storm")
    states = e5.plot.event_states(found[0])
    words = texts(states.figure)
    assert "00:00\n2 Jun 2003" in words
    assert "22:00" in words
    words = texts(e5.plot.event_map(found[0]))
    assert "2003-06-01 to 2003-06-02 (11 hours)" in words
    assert "1 Jun 20:00" in words
    axes = e5.plot.hovmoeller(db)
    assert "area of a time step, the largest" in texts(axes.figure)
    (points,) = drawn(axes, PathCollection)
    np.testing.assert_allclose(np.diff(points.get_offsets()[:, 1]) * 24, 1)


def test_a_database_on_the_antimeridian_is_drawn_in_one_piece(tmp_path: Path) -> None:
    longitude = np.arange(170.0, 191, 2)
    blocks = [(slice(3, 8), slice(0, 2), slice(0, 2), 8.0), (slice(12, 18), slice(1, 3), slice(8, 11), 8.0)]
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find(field(blocks, longitude=longitude)), kind="heatwave")
    assert not (db.query()["west"] > db.query()["east"]).any()
    west, east = e5.plot.event_map(db).axes[0].get_xlim()
    assert 150 < west < 169
    assert 191 < east < 215
    (points,) = drawn(e5.plot.hovmoeller(db), PathCollection)
    assert 169 <= points.get_offsets()[:, 0].min() < points.get_offsets()[:, 0].max() <= 191


def test_pictures_fit_into_narrow_axes(events: Any, db: e5.EventDatabase) -> None:
    figure = Figure(figsize=(13, 7), layout="constrained")
    parts = figure.subplots(2, 3).ravel()
    x = field(THREE)
    e5.plot.event_map(events, ax=parts[0])
    e5.plot.event_line(x[:, 0, 0], 295.0, 291.0, ax=parts[1])
    e5.plot.ranking(db, ax=parts[2])
    e5.plot.calendar(db, ax=parts[3])
    e5.plot.hovmoeller(db, ax=parts[4])
    e5.plot.yearly_counts(db, ax=parts[5])
    figure.canvas.draw()
    for axes in parts:
        assert axes.bbox.width > 100  # pixels: a legend has not pushed it together
        ticks = [text.get_window_extent() for text in axes.get_xticklabels() if text.get_text()]
        inside = [box for box in ticks if axes.bbox.x0 - 1 <= (box.x0 + box.x1) / 2 <= axes.bbox.x1 + 1]
        ordered = sorted(inside, key=lambda box: box.x0)
        assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(ordered)), axes.get_title()
    assert [text.get_text() for text in parts[3].get_xticklabels()][:3] == ["J", "F", "M"]


def test_several_definitions_of_a_kind_are_told_or_chosen(tmp_path: Path) -> None:
    db = e5.EventDatabase(tmp_path / "events.gpkg")
    db.add(find(field(THREE)), kind="heatwave")
    db.add(e5.find_events(field(THREE), above=295.0, min_days=4, progress=False), kind="heatwave")
    db.add(find(field(THREE[:1])), kind="drought")
    assert len(db) == 6
    for draw in ("ranking", "calendar", "yearly_counts", "hovmoeller", "event_map"):
        with pytest.warns(UserWarning, match="the heatwave events of 2 definitions are drawn together: diagnostic=1"):
            getattr(e5.plot, draw)(db)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert e5.plot.calendar(db, kind="drought").get_title().startswith("drought events, on 10 of 60")
        assert "2 heatwave events" in e5.plot.yearly_counts(db, diagnostic=2).get_title()
        for chosen in ([2, 3], {2, 3}, range(2, 4)):
            assert len(e5.plot.ranking(db, diagnostic=chosen).patches) == 3
        assert "2 heatwave events" in e5.plot.hovmoeller(db, diagnostic=2).get_title()
        assert "on 14 of 60" in e5.plot.calendar(db, diagnostic=2).get_title()
        figure = e5.plot.event_map(db, diagnostic=np.int64(2))
        assert figure.axes[0].get_title().startswith("2 heatwave events")
        page = e5.plot.explorer(db, tmp_path / "e.html", diagnostic=[1], limit=2, progress=False)
    assert "the strongest of 3; 1 are left out" in page.read_text(encoding="utf-8")
    with pytest.raises(InputError, match="knows no diagnostic 9"):
        e5.plot.calendar(db, diagnostic=9)

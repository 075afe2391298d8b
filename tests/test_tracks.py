"""Lows, highs and their tracks: against slow twins, scipy and paths that are known; tracks of other programs."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import hours, write
from scipy.optimize import linear_sum_assignment

import era5fast as e5
from era5fast import genealogy
from era5fast.errors import InputError, MissingFileError
from tests.reference import extrema as slow

pytestmark = pytest.mark.native

# --- extrema ---

GRIDS = {
    "both poles": (np.linspace(90, -90, 13), np.arange(24) * 15.0),
    "poles between rows": (90 - 15 * (np.arange(12) + 0.5), np.arange(24) * 15.0 - 180),
    "an odd number of columns": (np.linspace(-84, 84, 15), np.arange(25) * 14.4),
    "one pole, northward": (np.linspace(-30, 90, 13), np.arange(36) * 10.0),
    "a region": (np.linspace(60, 20, 12), np.arange(15) * 4.0 + 170),
}
RULES = {
    "neighbours": {},
    "four neighbours": {"connectivity": 4},
    "merged": {"merge": 2500.0, "reach": 3000.0},
    "deep": {"search": 1200.0, "depth": 0.3, "reach": 4000.0},
}


def weather(grid: str, steps: int = 2, seed: int = 0) -> np.ndarray:
    lat, lon = GRIDS[grid]
    noise = np.random.default_rng(seed).normal(size=(steps, len(lat), len(lon)))
    return scipy.ndimage.gaussian_filter(noise, (0, 1, 1), mode="wrap")


def find(x: np.ndarray, lat: np.ndarray, lon: np.ndarray, rule: dict[str, float], how=e5.find_lows) -> pd.DataFrame:
    names = {"search": "search_km", "merge": "merge_km", "reach": "contour_km", "depth": "min_depth"}
    settings = {"merge_km": 0, **{names.get(key, key): value for key, value in rule.items()}}
    time = pd.date_range("2000-01-01", periods=len(x), freq="6h")
    return how(x, time=time, latitude=lat, longitude=lon, **settings)


@pytest.mark.parametrize("kind", ["smooth", "level ground", "missing cells"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("grid", GRIDS)
def test_lows_are_those_of_the_slow_twin(grid, rule, kind) -> None:
    x, (lat, lon) = weather(grid), GRIDS[grid]
    if kind == "level ground":
        x = np.round(x * 5)
    if kind == "missing cells":
        x[np.random.default_rng(1).random(x.shape) < 0.03] = np.nan
    expected = [(t, *row) for t in range(2) for row in slow.minima(x[t], lat, lon, **RULES[rule])]
    time, row, column, value, depth = (np.array(c) for c in zip(*expected, strict=True)) if expected else [[]] * 5
    found = find(x, lat, lon, RULES[rule])
    assert len(found) == len(expected)
    assert found.time.tolist() == [pd.Timestamp("2000-01-01") + pd.Timedelta(hours=6 * t) for t in time]
    assert np.array_equal(found.latitude, lat[np.asarray(row, int)])
    assert np.isin(found.longitude, [lon, lon - 360]).all()
    assert np.allclose(found.longitude, (lon[np.asarray(column, int)] + 180) % 360 - 180)
    assert np.array_equal(found.value, value)
    assert np.array_equal(found.depth, depth)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_lows_on_a_plane_are_those_of_scipy(connectivity) -> None:
    lat, lon = np.linspace(5, -5, 41), np.linspace(10, 20, 41)
    x = np.random.default_rng(2).permutation(41 * 41).reshape(1, 41, 41).astype("f4")
    footprint = scipy.ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    lowest = scipy.ndimage.minimum_filter(x[0], footprint=footprint, mode="constant", cval=-1)
    row, column = np.nonzero(lowest == x[0])
    found = find(x, lat, lon, {"connectivity": connectivity})
    assert np.array_equal(found.latitude, lat[row])
    assert np.array_equal(found.longitude, lon[column])


def test_lows_within_a_radius_are_those_of_scipy() -> None:
    lat, lon = np.linspace(5, -5, 41), np.linspace(10, 20, 41)  # near the equator the globe is a plane
    x = np.random.default_rng(3).permutation(41 * 41).reshape(1, 41, 41).astype("f4")
    away = np.hypot(*np.mgrid[-2:3, -2:3])
    lowest = scipy.ndimage.minimum_filter(x[0], footprint=away <= 2.5, mode="constant", cval=1e6)
    inner = scipy.ndimage.minimum_filter(x[0], size=3, mode="constant", cval=-1)
    row, column = np.nonzero((lowest == x[0]) & (inner == x[0]))
    found = find(x, lat, lon, {"search": 2.5 * 0.25 * 111.195})
    assert np.array_equal(found.latitude, lat[row])
    assert np.array_equal(found.longitude, lon[column])


def test_highs_are_lows_upside_down() -> None:
    x, (lat, lon) = weather("both poles"), GRIDS["both poles"]
    lows, highs = find(x, lat, lon, RULES["merged"]), find(-x, lat, lon, RULES["merged"], e5.find_highs)
    assert np.array_equal(lows.value, -highs.value)
    assert lows.drop(columns="value").equals(highs.drop(columns="value"))


@pytest.mark.parametrize("turn", [1, 7, 23])
def test_the_seam_is_nowhere(turn) -> None:
    x, (lat, lon) = weather("both poles"), GRIDS["both poles"]
    first = find(x, lat, lon, RULES["merged"])
    other = find(np.roll(x, turn, axis=2), lat, np.roll(lon, turn), RULES["merged"])
    order = ["time", "latitude", "longitude"]
    inside = lambda frame: frame[frame.latitude.abs() < 90].sort_values(order).to_numpy().tolist()  # noqa: E731
    assert inside(first) == inside(other)


@pytest.mark.parametrize("dtype", ["f4", ">f4", "f8", ">f8", "i2", "i4"])
def test_types_and_layouts(dtype) -> None:
    lat, lon = GRIDS["a region"]
    x = np.round(weather("a region", 5) * 20)
    expected = find(x, lat, lon, {})
    assert len(expected) >= 20
    assert find(x.astype(dtype), lat, lon, {}).equals(expected)
    assert find(np.asfortranarray(x.astype(dtype)), lat, lon, {}).equals(expected)
    assert find(np.repeat(x.astype(dtype), 2, axis=2)[:, :, ::2], lat, lon, {}).equals(expected)


def test_threads_and_files_change_nothing(tmp_path) -> None:
    lat, lon = np.linspace(60, 50, 21), np.linspace(0, 19.5, 40)
    x = np.random.default_rng(4).normal(size=(96, 21, 40)).astype("f4")
    time = hours(96)
    for part in range(4):
        where = {"latitude": lat, "longitude": lon, "name": "msl", "attrs": {"units": "Pa"}}
        write(tmp_path / f"msl_{part}.nc", x[part * 24 : part * 24 + 24], time[part * 24 : part * 24 + 24], **where)
    tables = []
    for threads in (1, 2, 5):
        e5.set_num_threads(threads)
        tables.append(e5.find_lows(str(tmp_path / "msl_*.nc"), min_depth="0.01 hPa", merge_km=200, contour_km=300))
    e5.set_num_threads(0)
    memory = e5.find_lows(
        x,
        time=time.astype("datetime64[s]"),
        latitude=lat,
        longitude=lon,
        min_depth=1,
        merge_km=200,
        contour_km=300,
    )
    assert len(memory) > 100
    assert all(table.equals(memory) for table in tables)
    assert tables[0].attrs["units"] == "Pa"
    assert tables[0].attrs["definition"]["min_depth"] == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"connectivity": 6}, "connectivity is 6"),
        ({"merge_km": -1}, "merge_km is -1"),
        ({"contour_km": "far"}, "contour_km must be a number"),
        ({"search_km": np.nan}, "search_km is nan"),
        ({"min_depth": -2}, "min_depth is -2"),
        ({"min_depth": "2 hPa"}, "min_depth: '2 hPa' is text"),
        ({"latitude": None}, "the grid is not known"),
        ({"longitude": [0, 1]}, "an array of shape"),
    ],
)
def test_wrong_parameters_of_lows(wrong, says) -> None:
    given = {"time": pd.date_range("2000", periods=1), "latitude": [2, 1, 0], "longitude": [0, 1, 2], **wrong}
    with pytest.raises(InputError, match=says):
        e5.find_lows(np.zeros((1, 3, 3)), **given)


@pytest.mark.parametrize(
    ("times", "says"), [(["2000-01-02", "2000-01-01"], "stands behind"), (["2000-01-01"] * 2, "there twice")]
)
def test_lows_of_times_that_do_not_increase(times, says) -> None:
    grid = {"latitude": [2, 1, 0], "longitude": [0, 1, 2]}
    with pytest.raises(InputError, match=says):
        e5.find_lows(np.zeros((2, 3, 3)), time=pd.to_datetime(times), **grid)


# --- tracks ---

LAT, LON = np.linspace(90, -90, 73), np.arange(144) * 2.5


def pressure(centres: list[tuple[float, float, float]]) -> np.ndarray:
    """Map of lows: latitude, longitude and depth in Pa of each."""
    x = np.full((73, 144), 101300.0)
    for lat, lon, depth in centres:
        away = slow.distance(lat, lon, LAT[:, None], LON)
        x -= depth * np.exp(-((away / 700) ** 2))
    return x


def path(begin: tuple[float, float], end: tuple[float, float], steps: int) -> list[tuple[float, float]]:
    """Points on the great circle between two places."""
    a, b = (np.array(unit(*place)) for place in (begin, end))
    angle = np.arccos(a @ b)
    points = [(np.sin((1 - s) * angle) * a + np.sin(s * angle) * b) / np.sin(angle) for s in np.linspace(0, 1, steps)]
    return [(np.degrees(np.arcsin(z)), np.degrees(np.arctan2(y, x))) for x, y, z in points]


def unit(lat: float, lon: float) -> tuple[float, float, float]:
    a, b = np.radians([lat, lon])
    return np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)


PATHS = {
    "across the antimeridian": ((40.0, 165.0), (52.0, -160.0)),
    "over the north pole": ((78.0, 20.0), (80.0, -150.0)),
    "round the south": ((-60.0, 0.0), (-65.0, 70.0)),
}


@pytest.fixture(scope="module")
def storms() -> tuple[xr.DataArray, pd.DataFrame, e5.Tracks]:
    """Three lows that move at the same time, one of which is gone for a step."""
    steps = 13
    ways = [path(*ends, steps) for ends in PATHS.values()]
    maps = []
    for t in range(steps):
        centres = [(*way[t], 3000 + 200 * t) for k, way in enumerate(ways) if (k, t) != (2, 6)]
        maps.append(pressure(centres))
    time = pd.date_range("2001-12-30", periods=steps, freq="6h")
    x = xr.DataArray(
        np.array(maps, "f4"),
        dims=("time", "latitude", "longitude"),
        coords={"time": time, "latitude": LAT, "longitude": LON},
        name="msl",
        attrs={"units": "Pa"},
    )
    lows = e5.find_lows(x, min_depth="10 hPa", contour_km=1500)
    return x, lows, e5.link_points(lows, 700, max_gap=1)


def test_storms_are_followed_on_their_ways(storms) -> None:
    _, lows, tracks = storms
    assert len(lows) == 13 * 3 - 1
    assert len(tracks) == 3
    for name, ends in PATHS.items():
        way = path(*ends, 13)
        (number,) = (
            k
            for k in range(3)
            if slow.distance(*way[0], *tracks[k].iloc[0][["latitude", "longitude"]].astype(float)) < 300
        )
        points = tracks[number]
        there = [int((time - pd.Timestamp("2001-12-30")) / pd.Timedelta("6h")) for time in points.time]
        assert there == [t for t in range(13) if (name, t) != ("round the south", 6)]
        away = [
            slow.distance(*way[t], lat, lon)
            for t, lat, lon in zip(there, points.latitude, points.longitude, strict=True)
        ]
        assert max(away) < 200  # half the diagonal of a cell
        row = tracks.summary().loc[number]
        assert row.displacement_km == pytest.approx(slow.distance(*way[0], *way[-1]), abs=400)
        assert row.path_km >= row.displacement_km - 1e-9
        assert row.duration_hours == 72
        assert row.value_min_time == pd.Timestamp("2002-01-02")


def test_without_a_gap_the_track_is_in_two_parts(storms) -> None:
    _, lows, _ = storms
    assert len(e5.link_points(lows, 700)) == 4
    assert len(e5.link_points(lows, 700, min_duration=8)) == 2
    assert len(e5.link_points(lows, 10)) == len(lows) - sum(e5.link_points(lows, 10).summary().points - 1)


def test_steps_speeds_and_directions(storms) -> None:
    _, _, tracks = storms
    table = tracks.to_dataframe()
    for _, points in table.groupby("track"):
        km = slow.distance(
            points.latitude[:-1], points.longitude[:-1], points.latitude[1:].values, points.longitude[1:].values
        )
        seconds = points.time.diff().dt.total_seconds()[1:]
        assert points.step_km.isna().tolist() == [True] + [False] * (len(points) - 1)
        assert np.allclose(points.step_km[1:], km)
        assert np.allclose(points.speed[1:], km * 1000 / seconds.values)
    ways = e5.link_points(
        {
            "time": pd.date_range("2000", periods=5),
            "lat": [0.0, 1, 1, 0, 0],
            "lon": [179.5, 179.5, -179.5, -179.5, -179.5],
        },
        200,
    )
    table = ways.to_dataframe()
    assert np.allclose(table.direction[1:4], [0, 90, 180], atol=0.01)
    assert np.isnan(table.direction[4])
    assert table.speed[4] == 0


def test_links_are_those_of_scipy() -> None:
    rng = np.random.default_rng(5)
    step = np.sort(rng.integers(0, 12, 240))
    lat, lon = rng.uniform(-90, 90, 240), rng.uniform(-180, 180, 240)
    order = np.lexsort((lat, step))
    step, lat, lon = step[order], lat[order], lon[order]
    time = (step * 6).astype("datetime64[h]")
    for limit, gap in ((900, 0), (2500, 0), (2500, 2), (9000, 1), (30000, 0)):
        tracks = e5.link_points(
            {"time": time, "latitude": lat, "longitude": lon, "point": np.arange(240)}, limit, max_gap=gap
        )
        track = slow.links(step, lat, lon, limit, gap)
        expected = sorted(tuple(np.flatnonzero(track == k)) for k in range(track.max() + 1))
        found = np.split(tracks.other["point"], tracks.first[1:-1])
        assert sorted(tuple(points) for points in found) == expected


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 7), m=st.integers(1, 7))
def test_no_other_assignment_is_better(seed, n, m) -> None:
    rng = np.random.default_rng(seed)
    lat, lon = rng.integers(-3, 4, n + m).astype(float), rng.integers(0, 7, n + m).astype(float)  # many ties
    time = np.repeat(["2000-01-01", "2000-01-02"], [n, m])
    tracks = e5.link_points({"time": time, "latitude": lat, "longitude": lon}, 300)
    away = slow.distance(lat[:n, None], lon[:n, None], lat[n:], lon[n:])
    cost = np.minimum(away**2, 300.0**2)
    best = cost[linear_sum_assignment(cost)].sum() - min(n, m) * 300.0**2
    step = tracks.columns()["step"]
    assert np.nansum(step**2 - 300.0**2) == pytest.approx(best)


def test_the_order_of_the_rows_and_the_threads_change_nothing(storms) -> None:
    _, lows, tracks = storms
    expected = tracks.to_dataframe()
    for seed in range(3):
        shuffled = lows.sample(frac=1, random_state=seed)
        shuffled.attrs = lows.attrs
        e5.set_num_threads(seed + 1)
        assert e5.link_points(shuffled, 700, max_gap=1).to_dataframe().equals(expected)
    e5.set_num_threads(0)


def test_tracks_are_chosen_and_drawn(storms) -> None:
    _, _, tracks = storms
    long = tracks[tracks.summary().path_km > 3000]
    assert len(long) == (tracks.summary().path_km > 3000).sum()
    assert tracks[::-1][0].drop(columns="track").equals(tracks[-1].drop(columns="track"))
    assert tracks[[1]].summary().iloc[0].equals(tracks.summary().iloc[1])
    with pytest.raises(IndexError):
        tracks[3]
    for number in range(3):
        lines = tracks.geometry(number)["coordinates"]
        for line in lines:
            assert np.abs(np.diff(np.array(line)[:, 0])).max() <= 180
            assert np.abs(np.array(line)[:, 0]).max() <= 180
        joins = [(a[-1], b[0]) for a, b in itertools.pairwise(lines)]
        assert all(abs(a[0]) == abs(b[0]) == 180 and a[1] == b[1] for a, b in joins)
    assert max(len(tracks.geometry(number)["coordinates"]) for number in range(3)) == 2
    assert repr(tracks) == "<Tracks: 3 of msl, 38 points>"
    assert "<table" in tracks._repr_html_()


def test_other_calendars_and_tables() -> None:
    import cftime

    dates = [cftime.datetime(2000, 2, 29, calendar="360_day"), cftime.datetime(2000, 2, 30, calendar="360_day")]
    points = {"time": np.array(dates), "latitude": [10.0, 11.0], "longitude": [0.0, 360.5]}
    tracks = e5.link_points(points, 200)
    assert tracks.calendar == "360_day"
    assert tracks[0].time.tolist() == dates
    assert tracks.longitude.tolist() == [0, 0.5]
    states = pd.DataFrame(
        {
            "time": pd.date_range("2000", periods=2),
            "centroid_latitude": [1.0, np.nan],
            "centroid_longitude": [2.0, 3.0],
        }
    )
    assert len(e5.link_points(states, 100).seconds) == 1
    assert len(e5.link_points(states[:0], 100)) == 0
    assert len(e5.link_points(states[:0], 100).summary()) == 0
    assert len(e5.link_points(xr.Dataset.from_dataframe(states.rename_axis("point")), 100)) == 1


@pytest.mark.parametrize(
    ("points", "given", "says"),
    [
        ({"time": ["2000-01-01"], "latitude": [0.0]}, {}, "no column 'longitude'"),
        ({"time": ["2000-01-01"], "latitude": [95.0], "longitude": [0.0]}, {}, "outside of the globe"),
        ({"time": ["2000-01-01"], "latitude": ["north"], "longitude": [0.0]}, {}, "holds no numbers"),
        ({"time": [5], "latitude": [0.0], "longitude": [0.0]}, {}, "cannot read times"),
        ({"time": ["2000-01-01"] * 2, "latitude": [0.0], "longitude": [0.0]}, {}, "different lengths"),
        ([1, 2], {}, "no table of points"),
        (None, {"max_distance_km": -1}, "max_distance_km is -1"),
        (None, {"max_gap": 1.5}, "max_gap must be a whole number"),
        (None, {"min_duration": 0}, "min_duration is 0"),
        (None, {"step": "often"}, "step is 'often'"),
        (None, {"step": "5h"}, "no multiples of a step of 18000 s"),
    ],
)
def test_wrong_points(points, given, says) -> None:
    two = {"time": ["2000-01-01", "2000-01-02"], "latitude": [0.0, 1.0], "longitude": [0.0, 1.0]}
    with pytest.raises(InputError, match=says):
        e5.link_points(two if points is None else points, **{"max_distance_km": 100, **given})


# --- tracks of others ---

STITCHED = """start\t3\t1990\t1\t1\t0
\t15\t20\t179.000000\t20.500000\t9.9e+04\t12.5\t1990\t1\t1\t0
\t16\t21\t180.500000\t21.000000\t9.8e+04\t15.5\t1990\t1\t1\t6
\t17\t22\t182.000000\t22.000000\t9.7e+04\t18.5\t1990\t1\t1\t18
start\t1\t1989\t12\t31\t18
\t5\t6\t10.000000\t-40.000000\t9.5e+04\t30\t1989\t12\t31\t18
"""
STITCHED_CSV = """track_id, year, month, day, hour, i, j, lon, lat, slp, wind
0, 1990, 1, 1, 0, 15, 20, 179.0, 20.5, 9.9e+04, 12.5
0, 1990, 1, 1, 6, 16, 21, 180.5, 21.0, 9.8e+04, 15.5
0, 1990, 1, 1, 18, 17, 22, 182.0, 22.0, 9.7e+04, 18.5
1, 1989, 12, 31, 18, 5, 6, 10.0, -40.0, 9.5e+04, 30
"""
IBTRACS = """SID,SEASON,BASIN,NAME,ISO_TIME,LAT,LON,WMO_WIND,WMO_PRES
 ,Year, , , ,degrees_north,degrees_east,kts,mb
1990001N20179,1990,NA,ANNA,1990-01-01 00:00:00,20.5,179.0, ,990
1990001N20179,1990,NA,ANNA,1990-01-01 06:00:00,21.0,-179.5,40,980
1990001N20179,1990,NA,ANNA,1990-01-01 18:00:00,22.0,-178.0,45,
1989365S40010,1989,SI,UNNAMED,1989-12-31 18:00:00,-40.0,10.0,60,950
"""


@pytest.mark.parametrize("form", ["text", "text of an unstructured grid", "csv", "ibtracs", "table", "dataset"])
def test_tracks_of_other_programs(tmp_path, form) -> None:
    file, given = tmp_path / "tracks.txt", {}
    if form.startswith("text"):
        lines = STITCHED.splitlines(keepends=True)
        if "unstructured" in form:
            lines = [line if line[0] == "s" else "\t" + line.split("\t", 2)[2] for line in lines]
        file.write_text("".join(lines))
        given = {"columns": ["slp", "wind"]}
    elif form == "csv":
        file.write_text(STITCHED_CSV)
    elif form == "ibtracs":
        file.write_text(IBTRACS)
    else:
        table = pd.DataFrame(  # as tobac's linking gives it
            {
                "frame": [1, 2, 4, 0, 2],
                "time": np.array(
                    ["1990-01-01", "1990-01-01T06", "1990-01-01T18", "1989-12-31T18", "1990-01-01T06"],
                    "datetime64[ns]",
                ),
                "latitude": [20.5, 21, 22, -40, 0],
                "longitude": [179, 180.5, 182, 10, 0.0],
                "cell": [7, 7, 7, 3, -1],
                "num": [5, 6, 7, 8, 9],
            }
        )
        file = table if form == "table" else xr.Dataset.from_dataframe(table.rename_axis("index"))
        given = {"value": "num"}
    tracks = e5.read_tracks(file, **given)
    assert np.diff(tracks.first).tolist() == [1, 3]
    table = tracks.to_dataframe()
    assert table.time.tolist() == [
        pd.Timestamp(date) for date in ("1989-12-31T18", "1990-01-01", "1990-01-01T06", "1990-01-01T18")
    ]
    assert table.latitude.tolist() == [-40, 20.5, 21, 22]
    assert table.longitude.tolist() == [10, 179, -179.5, -178]
    values = {"ibtracs": [950, 990, 980, np.nan], "table": [8, 5, 6, 7], "dataset": [8, 5, 6, 7]}
    assert np.array_equal(table.value, values.get(form, [95000, 99000, 98000, 97000]), equal_nan=True)
    if form == "ibtracs":
        assert tracks.units == "hPa"
        assert table.BASIN.tolist() == ["SI", "NA", "NA", "NA"]
    assert tracks.definition["diagnostic"] == "read_tracks"
    assert isinstance(tracks.definition_json, str)
    assert e5.read_tracks(table).to_dataframe().equals(table)


def test_tracks_of_other_programs_go_into_the_database(tmp_path) -> None:
    (tmp_path / "tracks.txt").write_text(STITCHED)
    tracks = e5.read_tracks(tmp_path / "tracks.txt", columns=["slp", "wind"])
    database = e5.EventDatabase(tmp_path / "events.gpkg")
    assert database.add(tracks, kind="cyclone")[:2] == (2, 0)
    assert database.add(tracks[:1], kind="cyclone")[:2] == (0, 1)
    points = database.sql("select * from track_point order by track_id, time")
    table = tracks.to_dataframe()
    for name in ("latitude", "longitude", "value", "step_km", "speed", "direction"):
        assert np.array_equal(points[name].astype("float64"), table[name], equal_nan=True)


def test_points_of_detect_nodes(tmp_path) -> None:
    file = tmp_path / "nodes.txt"
    file.write_text(
        "#year\tmonth\tday\tcount\thour\n#\ti\tj\tlon\tlat\tmsl\n"
        "1990\t1\t1\t2\t0\n\t1\t2\t10.0\t50.0\t98000\n\t3\t4\t350.0\t-50.0\t97000\n"
        "1990\t1\t1\t0\t6\n1990\t1\t1\t1\t12\n\t1\t2\t11.0\t50.0\t98100\n"
    )
    points = e5.read_points(file)
    assert points.msl.tolist() == [98000, 97000, 98100]
    tracks = e5.link_points(points, 200, max_gap=1, step="6h", value="msl")
    assert np.diff(tracks.first).tolist() == [1, 2]
    assert tracks.longitude.tolist() == [-10, 10, 11]
    assert e5.read_points(file, calendar="noleap").time[0].calendar == "noleap"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing known\n", "no known layout"),
        ("start\t3\t1990\t1\t1\t0\n\t1\t2\t3.0\t4.0\t5\t1990\t1\t1\t0\n", "lacks 2 points"),
        (
            "start\t1\t1990\t1\t1\t0\n\t1\t2\t3.0\t4.0\t1990\t1\t175.0\t0\n",
            r", line 2: .* '1 2 3\.0 4\.0 1990 1 175\.0 0'",
        ),
        ("start\t1\t1990\t1\t1\t0\n\t1\t2\n", ", line 2: not in the layout"),
        ("start\tmany\t1990\t1\t1\t0\n", ", line 1: not in the layout"),
        ("start\t1\t1990\t1\t1\t0\n\t1\t2\t3.0\tnorth\t5\t1990\t1\t1\t0\n", "not in the layout"),
        ("start\t1\t1990\t1\t1\t0\n\t1\t2\t3.0\t4.0\t5\t1990\t13\t1\t0\n", ", line 2: not in the layout"),
        ("time,lat,lon,name\n2000-01-01,1,2,x\n", "which column is the track"),
        ("time,lat,lon,track\n2000-01-01,1,2,0\n2000-01-01,1,3,0\n", "two points at"),
        ("time,lat,lon,track\n2000-01-01,1\n2000,1,2,3,4,5\n", "no table"),
    ],
)
def test_files_that_are_no_tracks(tmp_path, text, says) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        e5.read_tracks(file)
    for read in (e5.read_tracks, e5.read_points):
        with pytest.raises(MissingFileError, match=r"No such file.*Check the name") as caught:
            read(tmp_path / "absent.csv")
        assert caught.value.filename == str(tmp_path / "absent.csv")
    file.write_text(STITCHED)
    with pytest.raises(InputError, match="2 output variables"):
        e5.read_tracks(file, columns=["slp"])


# --- labels of others ---


def labelled(seed: int = 0) -> tuple[np.ndarray, dict[str, object]]:
    """A globe of weather, 10 days, and its axes."""
    lat, lon = np.linspace(90, -90, 19), np.arange(36) * 10.0
    x = np.random.default_rng(seed).normal(size=(10, 19, 36))
    x = scipy.ndimage.gaussian_filter(x, 1, mode=("nearest", "nearest", "wrap"))
    return x, {"time": pd.date_range("2000-01-01", periods=10), "latitude": lat, "longitude": lon}


def test_labels_of_our_own_give_the_same_events() -> None:
    x, axes = labelled()
    labels = e5.find_events(x, above=0.15, min_days=1, **axes).labels()
    expected = e5.find_events(x, where=labels >= 0, min_days=1, **axes)
    found = e5.events_from_labels(labels, x, background=-1, **axes)
    assert len(found) > 5
    assert found.to_dataframe().equals(expected.to_dataframe())
    assert np.array_equal(found.labels(), labels)
    larger = e5.events_from_labels(np.where(labels >= 0, 3 * labels + 7.0, np.nan), x, **axes)
    assert larger.to_dataframe().equals(expected.to_dataframe())


def test_labels_say_themselves_where_nothing_is() -> None:
    x, axes = labelled()
    events = e5.find_events(x, above=0.15, min_days=1, **axes)
    table = events.to_dataframe()["cells"].tolist()
    for labels in (events.labels(), events.labels() + 1):
        assert e5.events_from_labels(labels, x, **axes).to_dataframe()["cells"].tolist() == table
    array = events.to_dataarray()
    assert e5.events_from_labels(array).to_dataframe()["cells"].tolist() == table
    everywhere = array.copy(data=np.zeros_like(array))
    assert e5.events_from_labels(everywhere)["cells"].tolist() == [array.size]  # an event that leaves nothing over


def test_labels_that_were_moved_on() -> None:
    """What says that nothing is -1 is not true of labels + 1, and a giant of all that is nothing is no event."""
    x, axes = labelled()
    array = e5.find_events(x, above=float(np.quantile(x, 0.8)), min_days=1, **axes).to_dataarray()
    moved = (array + 1).assign_attrs(array.attrs)
    with pytest.raises(InputError, match=r"no_event of the labels is -1, .* have the label 0\. .*background=0"):
        e5.events_from_labels(moved)
    table = e5.events_from_labels(moved, background=0).to_dataframe()
    assert table.equals(e5.events_from_labels(array).to_dataframe())


def test_labels_of_our_own_file(tmp_path: Path) -> None:
    x, axes = labelled()
    events = e5.find_events(x, above=0.15, min_days=1, **axes)
    file = events.export(tmp_path / "labels.nc")
    assert e5.events_from_labels(file)["cells"].tolist() == events["cells"].tolist()


def test_labels_that_touch_stay_apart() -> None:
    x, axes = labelled()
    row, column = np.arange(19)[:, None], np.arange(36)
    labels = np.where((row == 0) | (row == 18), 0, row // 5 * 6 + column // 6 + 1)  # a patchwork, also at the seam
    labels = np.broadcast_to(labels, x.shape).copy()
    labels[5:] += 100 * (labels[5:] > 0)  # and in time
    labels[:, 0] = np.where(np.arange(10) < 3, 1000, 2000)[:, None]  # and on the pole
    found = e5.events_from_labels(labels, x, **axes)
    assert len(found) == len(np.unique(labels)) - 1
    for number in range(len(found)):
        cells = found.cells(number)
        own = labels[tuple(axis[0] for axis in cells)]
        assert np.array_equal(np.stack(cells), np.stack(np.nonzero(labels == own)))
    firsts = [tuple(axis[0] for axis in found.cells(number)) for number in range(len(found))]
    assert firsts == sorted(firsts)
    assert e5.events_from_labels(labels, **axes)["peak_exceedance"].tolist() == [1.0] * len(found)


def test_labels_as_arrays_with_names() -> None:
    x, axes = labelled()
    labels = e5.find_events(x, above=0.2, min_days=1, **axes).labels() + 1
    dims = ("time", "latitude", "longitude")
    named = [xr.DataArray(a, dims=dims, coords=axes, name=n) for a, n in ((labels, "event"), (x, "t2m"))]
    found = e5.events_from_labels(*named)
    assert found.name == "t2m"
    definition = {"diagnostic": "events_from_labels", "labels": "event", "x": "t2m", "background": 0}
    assert found.definition == definition
    assert e5.events_from_labels(*named, background=1).definition == {**definition, "background": 1}
    assert found.to_dataframe().equals(e5.events_from_labels(labels, x, **axes).to_dataframe())
    with pytest.raises(InputError, match="labels has other times"):
        e5.events_from_labels(named[0][1:], named[1][:-1])
    with pytest.raises(InputError, match="no labels"):
        e5.events_from_labels(named[0] * 0)
    with pytest.raises(InputError, match="no whole numbers"):
        e5.events_from_labels(named[0] * 0.3)
    with pytest.raises(InputError, match="parts that do not touch"):
        e5.events_from_labels(named[0].where(named[0] == 0, 1))


# --- the page ---

PAGE = Path(__file__).resolve().parent.parent / "docs/how-to/track-storms.md"


def test_every_block_of_the_page_runs(storms, tmp_path, monkeypatch) -> None:
    x, lows, _ = storms
    for number, part in enumerate((x[:7], x[7:])):
        seconds = part.time.values.astype("datetime64[s]").astype("int64")
        axes = {"latitude": part.latitude.values, "longitude": part.longitude.values}
        write(tmp_path / f"msl_{number}.nc", part.values, seconds, name="msl", attrs={"units": "Pa"}, **axes)
    lines = [line.split("\t") for line in STITCHED.splitlines()]
    short = ["\t".join(words if words[0] else [*words[:6], *words[7:]]) for words in lines]
    (tmp_path / "stitched.txt").write_text("\n".join(short))
    numbers, _ = scipy.ndimage.label(x.values < 99000, np.ones((3, 3, 3)))
    write(tmp_path / "labels.nc", numbers.astype("f4"), x.time.values.astype("datetime64[s]").astype("int64"), **axes)
    event = SimpleNamespace(
        states=lows.rename(columns={"latitude": "centroid_latitude", "longitude": "centroid_longitude"})
    )
    found = {"events": [event]}
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        exec(compile(block, PAGE.name, "exec"), found)
    assert len(found["storms"]) == 3
    assert len(found["deep"]) == 3
    assert found["mine"].to_dataframe().equals(found["points"])
    assert len(found["theirs"]) == 2
    assert len(found["cold"]) == 4
    assert found["family"].begins[0] == "new"
    assert len(found["events"]) > 0
    tables = e5.EventDatabase("events.gpkg").sql("select kind, points, path_km, value_min from track order by id")
    assert tables.kind.tolist() == ["storm"] * 3
    assert np.array_equal(
        tables[["points", "path_km", "value_min"]], found["table"][["points", "path_km", "value_min"]]
    )
    assert all(hasattr(e5.EventCatalogue, name) for name in ("patches", "links", "branches"))


# --- genealogy ---


class Family:
    """An event whose patches split and merge, as the core would tell it; it is the second of two."""

    steps = np.array([0, 1, 2, 2, 3, 3, 4, 5], dtype="int32")
    pairs = np.array([(0, 1), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 6), (6, 7)], dtype="int32")

    def table(self):
        return {"first_blob": [0, 1], "blobs": [1, 8], "first_link": [0, 0], "links": [0, 8]}

    def blobs(self):
        time = np.append(np.int32(0), self.steps)
        own = {name: np.arange(9.0) for name in ("area", "mean", "maximum", "latitude", "longitude")}
        return {"time": time, **own}

    def links(self):
        return {"from": self.pairs[:, 0], "to": self.pairs[:, 1], "area": np.arange(8.0)}

    def axes(self):
        return {"seconds": np.arange(6) * 86400, "calendar": "standard", "step_days": 1.0}


def test_branches_end_where_patches_split_and_merge() -> None:
    core = Family()
    patches, links, branches = (f(core, 1) for f in (genealogy.patches, genealogy.links, genealogy.branches))
    assert patches.branch.tolist() == [0, 0, 1, 2, 1, 2, 3, 3]
    assert patches.area_km2.tolist() == list(range(1, 9))
    assert links["from"].tolist() == core.pairs[:, 0].tolist()
    assert links.shared_area_km2.tolist() == list(range(8))
    assert branches.begins.tolist() == ["new", "split", "split", "merge"]
    assert branches.ends.tolist() == ["split", "merge", "merge", "gone"]
    assert branches.parents.tolist() == [(), (0,), (0,), (1, 2)]
    assert branches.children.tolist() == [(1, 2), (3,), (3,), ()]
    assert branches.patches.tolist() == [2, 2, 2, 2]
    assert branches.duration_days.tolist() == [2, 2, 2, 2]
    assert branches.area_max_km2.tolist() == [2, 5, 6, 8]
    assert branches.start.tolist() == list(pd.to_datetime(["1970-01-01", "1970-01-03", "1970-01-03", "1970-01-05"]))
    alone = genealogy.branches(core, 0)
    assert alone[["begins", "ends", "patches"]].to_numpy().tolist() == [["new", "gone", 1]]


@pytest.mark.parametrize("shift", [0, 20, 35])
def test_two_areas_that_meet_and_part_are_one_event(shift) -> None:
    lat, lon = np.linspace(60, 40, 21), np.arange(360.0)  # round the globe, so that the seam can be anywhere
    x = np.zeros((9, 21, 360))
    for t, apart in enumerate([8, 7, 6, 3, 0, 3, 6, 7, 8]):
        for column in (20 - apart, 20 + apart):
            x[t, 8:12, column - 3 : column + 4] = 5 + t
    x = np.roll(x, -shift, axis=2)
    days = pd.date_range("2000-01-01", periods=9)
    events = e5.track(x, above=1, overlap=0.5, of="smaller", time=days, latitude=lat, longitude=lon)
    assert len(events) == 1
    assert (events["merges"][0], events["splits"][0]) == (1, 1)
    branches, patches, links = events.branches(0), events.patches(0), events.links(0)
    assert branches.begins.tolist() == ["new", "new", "merge", "split", "split"]
    assert branches.ends.tolist() == ["merge", "merge", "split", "gone", "gone"]
    assert branches.parents.tolist() == [(), (), (0, 1), (2,), (2,)]
    assert branches.duration_days.tolist() == [3, 3, 3, 3, 3]
    assert branches.exceedance_max.tolist() == [6, 6, 9, 12, 12]
    area = patches.groupby("time").area_km2.sum()
    assert np.allclose(area, events[0].states.area_km2)
    assert len(links) == len(patches) - 1  # one more for the merge, one less for the second beginning
    cell = patches.area_km2[0] / 7  # six of seven columns stay
    assert links.shared_area_km2[0] == pytest.approx(6 * cell)
    apart = e5.track(x, above=1, overlap=0.9, of="smaller", time=days, latitude=lat, longitude=lon)
    assert len(apart) > 1

"""Units of arrays, distances and series at points: against NumPy, pyproj, scikit-learn's formula, and xarray."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pyproj
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import era5fast as e5
from era5fast.coordinates import degrees
from era5fast.errors import InputError, ResultTooLargeError

pytestmark = pytest.mark.native

RADIUS = 6371.0

# --- units of arrays ---

LAYOUTS = {
    "C": lambda x: x,
    "Fortran": np.asfortranarray,
    "other byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "every other": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1, :, ::-1][::-1, :, ::-1].copy()[::-1][::-1],
    "reversed view": lambda x: np.ascontiguousarray(x[::-1, :, ::-1])[::-1, :, ::-1],
    "transposed": lambda x: np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0),
    "misaligned": lambda x: np.frombuffer(b"." + x.tobytes(), x.dtype, offset=1).reshape(x.shape),
    "read-only": lambda x: np.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "u1", "i4", "i8", "f2"])
def test_conversion_over_types_and_layouts(dtype, layout) -> None:
    values = np.random.default_rng(1).uniform(0, 250, (3, 5, 7)).astype(dtype)
    values[0, 0, 0] = 99
    x = LAYOUTS[layout](values)
    result = e5.convert_units(x, "degC", "degF", nodata=99)
    wanted = "float32" if dtype in ("f4", "f2", "i2", "u1") else "float64"
    expected = np.where(x == 99, 99, x.astype("f8") * 1.8 + 32).astype(wanted)
    assert result.dtype == wanted
    assert np.array_equal(result, expected)


def test_conversion_keeps_nan_and_the_nodata_of_single_precision() -> None:
    lowest = np.finfo("f4").min
    x = np.array([1.5, np.nan, lowest], "f4")
    assert np.array_equal(e5.convert_units(x, "m", "mm", nodata=-3.4028234663852886e38), [1500, np.nan, lowest], True)
    assert np.array_equal(e5.convert_units(x, "m", "mm")[:2], [1500, np.nan], equal_nan=True)


def test_conversion_of_scalars_lists_masks_and_nothing() -> None:
    assert e5.convert_units(300.0, "K", "degC") == pytest.approx(26.85)
    assert e5.convert_units([0, 100], "degC", "K").tolist() == [273.15, 373.15]
    masked = np.ma.masked_equal(np.array([1.0, -9999.0]), -9999.0)
    result = e5.convert_units(masked, "m", "mm")
    assert result.mask.tolist() == [False, True]
    assert result[0] == 1000
    assert e5.convert_units(np.zeros((0, 3), "f4"), "m", "mm").shape == (0, 3)
    assert e5.convert_units(np.ones((1,) * 8, "f4"), "m", "mm").shape == (1,) * 8


def test_conversion_of_dataarrays() -> None:
    x = xr.DataArray(
        np.full((2, 3), 280.0, "f4"), dims=("y", "x"), attrs={"units": "K", "long_name": "T"}, coords={"x": [1, 2, 3]}
    )
    result = e5.convert_units(x, None, "degC")
    assert "convert_units(given='K', wanted='degC'" in result.attrs.pop("history")
    assert result.attrs == {"units": "degC", "long_name": "T"}
    assert result.dtype == "float32"
    assert list(result.x) == [1, 2, 3]
    assert result.values == pytest.approx(6.85, rel=1e-5)
    assert x.attrs["units"] == "K"
    lazy = e5.convert_units(x.chunk({"x": 1}), "K", "degC")
    assert lazy.chunks is not None
    assert np.array_equal(lazy.values, result.values)
    filled = x.where(x.x != 2, -9999.0).assign_attrs(units="K", _FillValue=-9999.0)
    assert e5.convert_units(filled, None, "degC").values[:, 1].tolist() == [-9999.0, -9999.0]


@pytest.mark.parametrize(
    ("x", "units", "text"),
    [
        (np.zeros(3), (None, "degC"), "units of a plain array"),
        (np.zeros(3), ("K", "m"), "K cannot become m"),
        (np.zeros(3, bool), ("K", "degC"), "array of type bool"),
        (np.zeros(3, complex), ("K", "degC"), "array of type complex"),
        (xr.DataArray([1.0], attrs={"units": "m"}), ("mm", "m"), "said to be in mm, their attributes say m"),
        (xr.DataArray([1.0], name="tp"), (None, "mm"), "tp has no units"),
    ],
)
def test_conversions_that_cannot_be(x, units, text) -> None:
    with pytest.raises(InputError, match=text):
        e5.convert_units(x, *units)


def test_conversion_is_the_same_for_any_number_of_threads_and_gives_the_lock_away() -> None:
    x = np.random.default_rng(2).normal(280, 10, 3_000_001).astype("f4")
    seen = []
    for threads in (1, 2, 4):
        e5.set_num_threads(threads)
        seen.append(e5.convert_units(x, "K", "degF"))
    e5.set_num_threads(0)
    assert np.array_equal(seen[0], seen[1])
    assert np.array_equal(seen[0], seen[2])
    results: list[np.ndarray] = []
    workers = [threading.Thread(target=lambda: results.append(e5.convert_units(x, "K", "degF"))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 4
    assert all(np.array_equal(result, seen[0]) for result in results)


# --- distances ---

LATITUDE = st.floats(-90, 90)
LONGITUDE = st.floats(-360, 360)


def on_the_sphere(lat1, lon1, lat2, lon2) -> np.ndarray:
    """km by pyproj, whose ellipsoid is a sphere here."""
    return pyproj.Geod(a=RADIUS * 1000, b=RADIUS * 1000).inv(lon1, lat1, lon2, lat2)[2] / 1000


@given(LATITUDE, LONGITUDE, LATITUDE, LONGITUDE)
@settings(deadline=None)
def test_distances_are_pyprojs(lat1, lon1, lat2, lon2) -> None:
    expected = float(on_the_sphere(lat1, lon1, lat2, lon2))
    assert e5.great_circle(lat1, lon1, lat2, lon2) == pytest.approx(expected, rel=1e-12, abs=1e-9)
    assert e5.distance_matrix([lat1], [lon1], [lat2], [lon2])[0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-9)


@given(LATITUDE, LONGITUDE, LATITUDE, LONGITUDE)
@settings(deadline=None)
def test_distances_are_symmetric_and_periodic(lat1, lon1, lat2, lon2) -> None:
    there = e5.great_circle(lat1, lon1, lat2, lon2)
    assert there == pytest.approx(e5.great_circle(lat2, lon2, lat1, lon1), rel=1e-15, abs=1e-12)
    assert there == pytest.approx(e5.great_circle(lat1, lon1 + 360, lat2, lon2), rel=1e-12, abs=1e-9)
    assert 0 <= there <= np.pi * RADIUS * (1 + 1e-15)
    assert e5.great_circle(lat1, lon1, lat1, lon1) == 0


def test_neighbours_have_all_their_digits() -> None:
    """A millimetre, in exact arithmetic: the haversine of differences, as no rounding of the places enters."""
    for lat in (0.0, 47.25, 89.5):
        north = lat + 2.0**-27
        assert e5.great_circle(lat, 8.5, north, 8.5) == pytest.approx(2.0**-27 * np.pi / 180 * RADIUS, rel=1e-14)
        matrix = e5.distance_matrix([lat], [8.5], [north], [8.5])[0, 0]
        assert matrix == pytest.approx(2.0**-27 * np.pi / 180 * RADIUS, rel=1e-10)


def test_antipodes() -> None:
    half = np.pi * RADIUS
    for gap in (0.0, 1e-9, 1e-6, 1e-3):  # haversine alone loses 0.1 km here
        assert half - e5.great_circle(30.0, 10.0, -30.0 + gap, 190.0) == pytest.approx(
            gap * np.pi / 180 * RADIUS, abs=2e-11
        )
        assert half - e5.distance_matrix([30.0], [10.0], [-30.0 + gap], [190.0])[0, 0] == pytest.approx(
            gap * np.pi / 180 * RADIUS, abs=2e-11
        )


def test_the_pole_is_one_place() -> None:
    assert e5.great_circle(90, 0, 90, 137.3) == pytest.approx(0, abs=1e-12)
    assert len(set(e5.distance_matrix([90.0], [0.0], [0.0] * 5, [0, 10, 99, 180, 359])[0])) == 1


def test_broadcasting_missing_places_and_text() -> None:
    result = e5.great_circle(np.zeros((3, 1)), 0.0, 0.0, [0.0, 90.0])
    assert result.shape == (3, 2)
    assert result[2].tolist() == [0.0, pytest.approx(np.pi / 2 * RADIUS)]
    assert isinstance(e5.great_circle(0, 0, 1, 1), float)
    assert np.isnan(e5.great_circle([np.nan, 0.0], 0, 1, 1)).tolist() == [True, False]
    assert e5.great_circle("47°30'N", "12°E", 47.5, 12.0) == 0
    assert e5.great_circle(np.zeros((0, 2)), 0, 0, 0).shape == (0, 2)


def test_distances_of_dataarrays() -> None:
    lat = xr.DataArray([0.0, 10.0, 20.0], dims="lat", coords={"lat": [0.0, 10.0, 20.0]})
    lon = xr.DataArray([0.0, 90.0], dims="lon", coords={"lon": [0.0, 90.0]})
    result = e5.great_circle(lat, lon, 0.0, 0.0)
    assert result.dims == ("lat", "lon")
    assert result.attrs["units"] == "km"
    assert result.values[0].tolist() == [0.0, pytest.approx(np.pi / 2 * RADIUS)]
    assert np.array_equal(e5.great_circle(lat.chunk(), lon, 0.0, 0.0).values, result.values)


def test_matrix_is_haversine_and_symmetric() -> None:
    """The formula of sklearn.metrics.pairwise.haversine_distances; with several blocks of rows and of columns."""
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(-90, 90, 4200), rng.uniform(-180, 180, 4200)
    matrix = e5.distance_matrix(lat, lon, progress=False)
    phi, lam = np.radians(lat[:70]), np.radians(lon[:70])
    h = np.sin((phi[:, None] - np.radians(lat)) / 2) ** 2
    h += np.cos(phi[:, None]) * np.cos(np.radians(lat)) * np.sin((lam[:, None] - np.radians(lon)) / 2) ** 2
    expected = 2 * RADIUS * np.arcsin(np.sqrt(np.minimum(h, 1)))
    near = expected < 0.999 * np.pi * RADIUS
    assert np.allclose(matrix[:70][near], expected[near], rtol=1e-11, atol=1e-9)
    assert np.array_equal(matrix, matrix.T)
    assert not matrix.diagonal().any()
    e5.set_num_threads(1)
    assert np.array_equal(e5.distance_matrix(lat, lon, progress=False), matrix)
    e5.set_num_threads(0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([0, 1], [0]), r"latitudes of shape \(2,\) and longitudes of shape \(1,\)"),
        (([91], [0]), "latitude number 0 is 91.*swapped"),
        (([0], [721]), "longitude number 0 is 721"),
        (([np.nan], [0]), "Leave out places without"),
        (([0], [0], [0]), "only one of"),
        ((["x"], [0]), "'x' is no latitude"),
    ],
)
def test_bad_places(arguments, text) -> None:
    with pytest.raises(InputError, match=text):
        e5.distance_matrix(*arguments)


def test_a_matrix_too_large() -> None:
    with pytest.raises(ResultTooLargeError, match="fewer points"):
        e5.distance_matrix(np.zeros(10**6), np.zeros(10**6))
    with pytest.raises(InputError, match="do not fit"):
        e5.great_circle(np.zeros(2), 0, np.zeros(3), 0)


# --- coordinates as text ---


@pytest.mark.parametrize(
    ("text", "axis", "number"),
    [
        ("47°30'N", "latitude", 47.5), ("47°30′ N", "latitude", 47.5), ("47 30 S", "latitude", -47.5),
        ("N 47° 30' 36\"", "latitude", 47.51), ("47°30'36''N", "latitude", 47.51), ("-47.5", "latitude", -47.5),
        ("47.5N", "latitude", 47.5), ("47d30m", "latitude", 47.5), ("12.25 W", "longitude", -12.25),
        ("012°15'E", "longitude", 12.25), ("180", "longitude", 180), ("−12.5°", "longitude", -12.5),
        ("0°30'w", "longitude", -0.5), ("-0°30'", "latitude", -0.5), (b"5 S", "latitude", -5), (7, "latitude", 7),
    ],
)  # fmt: skip
def test_coordinates_as_text(text, axis, number) -> None:
    assert degrees(text, axis) == pytest.approx(number)


@pytest.mark.parametrize(
    "text", ["47°70'N", "12 E", "", "47.5°30'N", "-47 S", "N47S", "forty", "1234", "4,5", "91 N"]
)
def test_what_is_no_latitude(text) -> None:
    with pytest.raises(InputError, match="latitude"):
        degrees(text, "latitude")


def test_lists_of_text_and_numbers() -> None:
    assert degrees(np.array(["1 N", 2, np.float32(3)], object), "latitude").tolist() == [1, 2, 3]
    with pytest.raises(InputError, match="must be degrees, not bool"):
        degrees([True], "latitude")


# --- series at stations ---


def maps(latitude, longitude, steps: int = 5, dtype: str = "f4") -> xr.DataArray:
    values = np.random.default_rng(4).normal(280, 10, (steps, len(latitude), len(longitude))).astype(dtype)
    coords = {"time": pd.date_range("2001-01-01", periods=steps), "latitude": latitude, "longitude": longitude}
    return xr.DataArray(
        values, dims=("time", "latitude", "longitude"), coords=coords, name="t2m", attrs={"units": "K"}
    )


GLOBAL = (np.arange(90, -90.1, -2.5), np.arange(0, 360, 2.5))
REGION = (np.arange(35, 60.1, 0.5), np.arange(-12, 20.1, 0.5))


def places(n: int = 200, south=-89.0, north=89.0, west=-180.0, east=180.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(9)
    return rng.uniform(south, north, n), rng.uniform(west, east, n)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4"])
def test_inside_a_region_as_xarray(method, dtype) -> None:
    x = maps(*REGION, dtype=dtype)
    lat, lon = places(200, 35.2, 59.8, -11.9, 19.9)
    ours = e5.sample(x, lat, lon, method)
    at = {"latitude": xr.DataArray(lat, dims="station"), "longitude": xr.DataArray(lon, dims="station")}
    theirs = x.sel(at, method="nearest") if method == "nearest" else x.astype("f8").interp(at)
    assert ours.dims == ("station", "time")
    assert ours.dtype == ("f8" if dtype == "f8" else "f4")
    assert ours.name == "t2m"
    assert ours.attrs.pop("history").endswith("x='t2m')")
    assert ours.attrs == {"units": "K"}
    assert np.allclose(ours.values, theirs.transpose("station", "time").values, rtol=1e-6 if dtype != "f8" else 1e-12)
    assert np.array_equal(ours.time, x.time)
    assert np.array_equal(ours.latitude, lat)
    if method == "nearest":
        assert np.array_equal(ours, theirs.transpose("station", "time"))
        assert np.array_equal(ours.cell_latitude, theirs.latitude)
        assert np.array_equal(ours.cell_longitude, theirs.longitude)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_round_the_globe_as_xarray_on_a_padded_one(method) -> None:
    x = maps(*GLOBAL)
    lat, lon = places()
    padded = xr.concat([x.assign_coords(longitude=x.longitude + shift) for shift in (-360, 0, 360)], "longitude")
    at = {"latitude": xr.DataArray(lat, dims="station"), "longitude": xr.DataArray(lon, dims="station")}
    theirs = padded.sel(at, method="nearest") if method == "nearest" else padded.astype("f8").interp(at)
    ours = e5.sample(x, lat, lon, method)
    assert np.allclose(ours, theirs.transpose("station", "time"), rtol=1e-6)
    for shift in (-360, 360):
        assert np.allclose(e5.sample(x, lat, lon + shift, method), ours, rtol=1e-6)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_the_order_and_convention_of_the_axes_do_not_matter(method) -> None:
    x = maps(*GLOBAL)
    lat, lon = places()
    expected = e5.sample(x, lat, lon, method).values
    turned = {
        "ascending latitudes": x.isel(latitude=slice(None, None, -1)),
        "-180 to 180": x.assign_coords(longitude=(x.longitude + 180) % 360 - 180).sortby("longitude"),
        "through the seam": x.roll(longitude=31, roll_coords=True),
        "westward": x.isel(longitude=slice(None, None, -1)),
        "0 and 360": xr.concat([x, x.isel(longitude=[0]).assign_coords(longitude=[360.0])], "longitude"),
        "transposed": x.transpose("longitude", "time", "latitude"),
        "other names": x.rename(latitude="lat", longitude="lon", time="valid_time"),
        "single precision axes": x.assign_coords(longitude=x.longitude.astype("f4")),
    }
    for name, other in turned.items():
        assert np.allclose(e5.sample(other, lat, lon, method).values, expected, rtol=1e-6), name


def test_borders_of_cells_belong_to_the_north_and_east_as_in_xarray() -> None:
    x = maps(np.array([0.0, 1.0, 2.0]), np.array([10.0, 11.0, 12.0]))
    ours = e5.sample(x, [0.5, 1.5], [10.5, 11.5])
    assert np.array_equal(ours, np.stack([x[:, 1, 1], x[:, 2, 2]]))
    down = x.isel(latitude=slice(None, None, -1))
    assert np.array_equal(e5.sample(down, [0.5, 1.5], [10.5, 11.5]), ours)


def test_poles() -> None:
    x = maps(*GLOBAL)
    for method in ("nearest", "bilinear"):
        assert np.array_equal(e5.sample(x, 90, 0, method), x[:, 0, 0])
        assert np.array_equal(e5.sample(x, -90, 357.5, method), x[:, -1, -1])


def test_over_the_pole_where_no_row_lies_on_it() -> None:
    """The field is the height above a plane that cuts the globe: linear along every meridian near enough the pole."""
    latitude, longitude = np.arange(89.5, -90, -1.0), np.arange(0, 360, 1.0)
    x = maps(latitude, longitude, 1, "f8")
    field = np.cos(np.radians(latitude))[:, None] * np.cos(np.radians(longitude))
    x = x.copy(data=field[None])
    lat, lon = np.array([89.9, 90.0, -89.8, -90.0, 89.6]), np.array([20.0, 77.0, 300.25, 0.0, 359.75])
    expected = np.cos(np.radians(lat)) * np.cos(np.radians(lon))
    assert e5.sample(x, lat, lon, "bilinear").values[:, 0] == pytest.approx(expected, abs=3e-6)
    assert not np.isnan(e5.sample(x, lat, lon)).any()
    with pytest.raises(InputError, match="outside of the grid"):
        e5.sample(x.isel(longitude=slice(0, 90)), 89.9, 20.0, "bilinear")


def test_outside_of_a_region() -> None:
    x = maps(*REGION)
    lat, lon = [50.0, 70.0, 50.0, 60.2, 50.0], [0.0, 0.0, 21.0, 0.0, 347.8]
    with pytest.raises(InputError, match=r"station 1 at 70, 0 and 1 more outside of the grid \[60, -12, 35, 20\]"):
        e5.sample(x, lat, lon)
    result = e5.sample(x, lat, lon, outside="nan")
    assert np.isnan(result).all("time").values.tolist() == [False, True, True, False, False]
    assert np.isnan(result.cell_latitude).values.tolist() == [False, True, True, False, False]
    result = e5.sample(x, lat, lon, "bilinear", outside="nan")
    assert np.isnan(result).all("time").values.tolist() == [False, True, True, True, True]
    assert not np.isnan(e5.sample(x, [35.0, 60.0], [-12.0, 20.0], "bilinear")).any()


def test_missing_neighbours() -> None:
    x = maps(np.array([0.0, 1.0]), np.array([10.0, 11.0]), 2, "f8")
    x[:, 1, 1] = np.nan
    assert np.isnan(e5.sample(x, 0.5, 10.5, "bilinear")).all()
    kept = e5.sample(x, 0.5, 10.5, "bilinear", skipna=True)
    assert kept.values == pytest.approx((x[:, 0, 0] + x[:, 0, 1] + x[:, 1, 0]).values / 3)
    assert e5.sample(x, 0.0, 10.5, "bilinear").values == pytest.approx((x[:, 0, 0] + x[:, 0, 1]).values / 2)
    assert np.array_equal(e5.sample(x, 1.0, 10.0, "bilinear"), x[:, 1, 0])  # cells without weight do not matter
    assert np.isnan(e5.sample(x, 1.0, 11.0)).all()
    assert np.isnan(e5.sample(x * np.nan, 0.5, 10.5, "bilinear", skipna=True)).all()


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
@pytest.mark.parametrize("skipna", [False, True])
def test_dask_stays_lazy(method, skipna) -> None:
    x = maps(*GLOBAL).where(lambda x: x > 268)
    lat, lon = places(50)
    lazy = e5.sample(x.chunk({"time": 2, "latitude": 30}), lat, lon, method, skipna=skipna)
    assert lazy.chunks is not None
    now = e5.sample(x, lat, lon, method, skipna=skipna)
    assert lazy.dtype == now.dtype
    assert np.allclose(lazy.compute(), now, rtol=1e-6, equal_nan=True)
    assert set(lazy.coords) == set(now.coords)
    region = e5.sample(maps(*REGION).chunk(), [50.0, 70.0], [0.0, 0.0], method, outside="nan", skipna=skipna)
    assert np.isnan(region.compute()).all("time").values.tolist() == [False, True]


def test_names_of_stations() -> None:
    x = maps(*REGION)
    table = pd.DataFrame({"lat": [50.0, 51.0], "lon": [1.0, 2.0]}, index=pd.Index(["Uccle", "Lille"], name="name"))
    result = e5.sample(x, table.lat, table.lon)
    assert result.dims == ("name", "time")
    assert list(result.name.values if hasattr(result.name, "values") else result["name"].values) == ["Uccle", "Lille"]
    ds = xr.Dataset({"lat": ("stn", [50.0])}, coords={"stn": [6447]})
    assert list(e5.sample(x, ds.lat, [1.0]).stn) == [6447]
    assert e5.sample(x, "50°N", "1°30'E").dims == ("time",)
    assert e5.sample(x, 50, 1).latitude == 50


def test_plain_arrays_with_any_leading_dimensions() -> None:
    x = maps(*REGION)
    lat, lon = places(20, 36, 59, -11, 19)
    expected = e5.sample(x, lat, lon).values
    assert np.array_equal(e5.sample(x.values, lat, lon, axes=REGION), expected)
    assert e5.sample(x.values, 50.0, 1.0, axes=REGION).shape == (5,)
    assert np.array_equal(e5.sample(x.values[0], lat, lon, axes=REGION), expected[:, 0])
    members = np.stack([x.values, x.values + 1])
    assert np.array_equal(e5.sample(members, lat, lon, axes=REGION)[:, 1], (x.values + 1)[:, *cells_of(lat, lon)].T)
    whole = x.values.astype("i2")
    assert np.array_equal(e5.sample(whole, lat, lon, axes=REGION), whole[:, *cells_of(lat, lon)].T)
    swapped = x.values.transpose(0, 2, 1).copy().transpose(0, 2, 1)
    assert np.array_equal(e5.sample(swapped, lat, lon, axes=REGION), expected)


def cells_of(lat, lon) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.abs(axis[:, None] - at).argmin(0) for axis, at in zip(REGION, (lat, lon), strict=True))


def test_many_steps_and_threads() -> None:
    x = maps(*REGION, steps=3000)
    lat, lon = places(100, 36, 59, -11, 19)
    row, column = cells_of(lat, lon)
    for threads in (1, 3):
        e5.set_num_threads(threads)
        assert np.array_equal(e5.sample(x, lat, lon, progress=False), x.values[:, row, column].T)
    e5.set_num_threads(0)


@pytest.mark.parametrize("chunks", [None, (2, 20, 20)])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_files_and_lazy_arrays(tmp_path, method, chunks) -> None:
    x = maps(*REGION, steps=12)
    encoding = {"t2m": {"chunksizes": chunks, "zlib": True}} if chunks else {}
    for i, part in enumerate((x[:7], x[7:])):
        part.to_netcdf(tmp_path / f"{i}.nc", encoding=encoding)
    lat, lon = places(60, 36, 59, -11, 19)
    expected = e5.sample(x, lat, lon, method)
    from_files = e5.sample(str(tmp_path / "*.nc"), lat, lon, method, variable="2t")
    assert np.array_equal(from_files, expected)
    assert np.array_equal(from_files.time, x.time)
    lazy = xr.open_dataset(tmp_path / "0.nc", engine="era5fast").t2m
    assert np.array_equal(e5.sample(lazy, lat, lon, method), expected[:, :7])
    assert np.array_equal(e5.sample(lazy[2], lat, lon, method), expected[:, 2])
    assert lazy.variable._in_memory is False


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"method": "cubic"}, "method must be"),
        ({"outside": "edge"}, "outside must be"),
        ({"latitude": [1.0, 2.0]}, "latitudes of shape"),
        ({"latitude": [np.nan]}, "must be -90 to 90"),
        ({"x": np.zeros((2, 2))}, "pass axes=|Pass axes="),
        ({"x": xr.DataArray(np.zeros((2, 2)), dims=("y", "x"))}, "no latitude among"),
        ({"x": maps(*REGION).isel(latitude=[3, 1, 2])}, "latitudes neither rise nor fall"),
        ({"x": maps(*REGION).isel(longitude=[3, 1, 2])}, "longitudes neither rise nor fall"),
        ({"x": maps(*REGION) > 0}, "array of type bool"),
    ],
)
def test_bad_sampling(change, text) -> None:
    arguments = {"x": maps(*REGION), "latitude": [50.0], "longitude": [1.0]} | change
    with pytest.raises(InputError, match=text):
        e5.sample(**arguments)


def test_bad_axes() -> None:
    with pytest.raises(InputError, match=r"3 latitudes and 2 longitudes for an array of shape \(2, 2\)"):
        e5.sample(np.zeros((2, 2)), 1, 1, axes=([0, 1, 2], [0, 1]))

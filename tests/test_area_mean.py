"""Means of maps without what is missing, against NumPy."""

import json

import dask.array
import numpy as np
import pytest
import xarray as xr

import era5fast as e5
from era5fast.errors import InputError, PerformanceHint

pytestmark = pytest.mark.native

RNG = np.random.default_rng(3)
NODATA = -9999


def maps(dtype="f4", shape=(5, 40, 300)):
    values = RNG.normal(20, 40, shape).astype(dtype)
    values[RNG.random(shape) < 0.2] = NODATA if np.dtype(dtype).kind != "u" else 7
    return values


def slow(values, nodata, weights=None):
    """Map by map, of the cells that are there."""
    found = []
    nodata = values.dtype.type(nodata)
    for one in values.reshape(-1, *values.shape[-2:]):
        there = (one != nodata) & ~np.isnan(one.astype("f8"))
        weight = np.broadcast_to(1.0 if weights is None else weights[:, None], one.shape)
        found.append((one.astype("f8") * weight)[there].sum() / weight[there].sum() if there.any() else np.nan)
    return np.reshape(found, values.shape[:-2])


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", ">f4", "i2", "u1", ">i4", "i8"])
@pytest.mark.parametrize("layout", ["C", "F", "backwards", "every second"])
def test_any_type_and_layout(dtype, layout):
    nodata = 7 if dtype == "u1" else NODATA
    values = maps(dtype)
    values = {"C": values, "F": np.asfortranarray(values), "backwards": values[:, ::-1, ::-1],
              "every second": values[::2, :, ::2]}[layout]  # fmt: skip
    np.testing.assert_allclose(e5.area_mean(values, nodata, progress=False), slow(values, nodata), rtol=1e-12)


def test_the_same_bits_from_any_number_of_threads():
    values = maps("f4", (30, 200, 301))
    results = []
    for threads in (1, 2, 3):
        e5.set_num_threads(threads)
        results.append(e5.area_mean(values, NODATA, progress=False).tobytes())
    e5.set_num_threads(0)
    assert len(set(results)) == 1


def test_nan_is_missing_and_a_map_of_nothing_is_nan():
    values = maps()
    values[1, 3, 5] = np.nan
    values[2] = NODATA
    values[3] = np.nan
    found = e5.area_mean(values, NODATA, progress=False)
    np.testing.assert_allclose(found, slow(values, NODATA), rtol=1e-12)
    assert np.isnan(found).tolist() == [False, False, True, True, False]
    assert isinstance(e5.area_mean(values[0], NODATA), float)
    assert e5.area_mean(np.zeros((3, 0, 4))).shape == (3,)
    many = values.reshape(5, 1, 1, 1, 1, 40, 300)
    assert e5.area_mean(many, NODATA).shape == (5, 1, 1, 1, 1)
    inexact = np.full((2, 2), -3.4e38, "f4")
    inexact[0, 0] = 5
    assert e5.area_mean(inexact, -3.4e38) == 5


def test_rows_have_the_weight_of_their_latitude():
    latitude = np.linspace(80, -20, 40)
    values, weights = maps("f8"), np.cos(np.deg2rad(latitude))
    expected = slow(values, NODATA, weights)
    np.testing.assert_allclose(e5.area_mean(values, NODATA, latitude=latitude), expected, rtol=1e-12)
    attrs = {"units": "degC", "standard_name": "air_temperature", "_FillValue": NODATA}
    labelled = xr.DataArray(values, {"time": np.arange(5), "lat": latitude}, ("time", "lat", "lon"), attrs=attrs)
    found = e5.area_mean(labelled.transpose("lon", "time", "lat"), progress=False)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.dims == ("time",)
    assert found.attrs["units"] == "degC"
    assert found.attrs["cell_methods"] == "area: mean"
    with pytest.warns(PerformanceHint, match="area_mean needs whole lon, and the data are cut into 3 chunks"):
        lazy = e5.area_mean(labelled.chunk(time=2, lon=100), progress=False)
    assert isinstance(lazy.data, dask.array.Array)
    np.testing.assert_array_equal(lazy.values, found.values)
    raster = labelled.rename(lat="y", lon="x")  # may be metres
    np.testing.assert_allclose(e5.area_mean(raster), slow(values, NODATA), rtol=1e-12)


def test_the_definition_says_of_what_and_without_what():
    attrs = {"units": "degC", "era5fast_definition": '{"diagnostic": "daily", "x": "t2m"}'}
    x = xr.DataArray(maps(), {"latitude": np.arange(40.0)}, ("time", "latitude", "longitude"), "t2m", attrs)
    found = [json.loads(e5.area_mean(x, nodata).attrs["era5fast_definition"]) for nodata in (None, NODATA)]
    told = {"diagnostic": "area_mean", "weights": "cosine of latitude", "x": {"diagnostic": "daily", "x": "t2m"}}
    assert found == [{**told, "nodata": None}, {**told, "nodata": -9999.0}]


def test_what_dask_cannot_compute_is_refused_before():
    x = xr.DataArray(dask.array.ones((5, 4, 4), chunks=2), dims=("time", "y", "x"))
    unknown = xr.DataArray(x.data[x.data[:, 0, 0] > 0], dims=x.dims)
    with pytest.raises(InputError, match="chunks of unknown size along time"):
        e5.area_mean(unknown)
    with pytest.raises(InputError, match="3 latitudes for maps of 4 rows"):
        e5.area_mean(x, latitude=[1, 2, 3])


def test_the_mean_in_other_units_is_that_of_converted_maps():
    values = maps()
    means = e5.convert_units(e5.area_mean(values, NODATA), "degC", "degF")
    converted = e5.convert_units(values, "degC", "degF", nodata=NODATA)
    np.testing.assert_allclose(means, e5.area_mean(converted, NODATA), rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"x": np.zeros(3)}, "rows and columns"),
        ({"x": np.zeros((2, 2), "c8")}, "type complex64"),
        ({"x": np.zeros((2, 2)), "nodata": "none"}, "nodata must be a number"),
        ({"x": np.zeros((2, 2)), "latitude": [1, 2, 3]}, "3 latitudes for maps of 2 rows"),
        ({"x": np.zeros((2, 2)), "latitude": [1, 95]}, "from -90 to 90"),
        ({"x": xr.DataArray(np.zeros((2, 2)), dims=("a", "b"))}, "latitude and longitude"),
    ],
)
def test_bad_input(given, words):
    with pytest.raises(InputError, match=words):
        e5.area_mean(**given)


def test_files_are_opened_where_maps_are_wanted(tmp_path):
    days = np.datetime64("2001-01-01", "ns") + np.arange(5) * np.timedelta64(1, "D")
    coords = {"time": days, "latitude": np.linspace(60, 50, 40), "longitude": np.arange(300.0)}
    x = xr.DataArray(
        RNG.normal(280, 9, (5, 40, 300)), coords, ("time", "latitude", "longitude"), "t2m", {"units": "K"}
    )
    path = tmp_path / "t2m.nc"
    x.to_netcdf(path)
    np.testing.assert_array_equal(e5.area_mean(path, progress=False), e5.area_mean(x, progress=False))
    np.testing.assert_array_equal(e5.area_mean([str(path)], progress=False), e5.area_mean(x, progress=False))
    celsius = e5.convert_units(path, None, "degC", progress=False)
    assert celsius.attrs["units"] == "degC"
    np.testing.assert_array_equal(celsius, e5.convert_units(x, None, "degC", progress=False))
    with pytest.raises(InputError, match="the values are said to be in degC"):
        e5.convert_units(path, "degC", "K")
    mine, theirs = (e5.bootstrap(data, "mean", 20, seed=1, progress=False) for data in (path, x))
    np.testing.assert_array_equal(mine.low, theirs.low)
    with pytest.raises(InputError, match="open_dataset"):
        e5.heat_index(str(path), 50.0)
    with pytest.raises(e5.errors.MissingFileError, match="nothere"):
        e5.area_mean(tmp_path / "nothere.nc")

"""Regions: cells cut exactly, numbers against the slow twin, polygons of every form."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

import era5fast as e5
from era5fast.errors import InputError, MissingFileError
from tests.reference.regional import regional as slow

LATITUDE = np.arange(60, 29.9, -1.5)
LONGITUDE = np.arange(-20, 20.1, 2.0)
SPHERE = 4 * np.pi * 6371.0**2
STATISTICS = ("mean", "sum", "max", "min", "share_above", "share_below")


def circle(longitude: float, latitude: float, radius: float) -> shapely.Polygon:
    return shapely.Point(longitude, latitude).buffer(radius, 32)


def field(steps: int = 6, seed: int = 0, dtype: str = "float32") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal(15, 8, (steps, len(LATITUDE), len(LONGITUDE))).astype(dtype)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values, np.datetime64("2003-08-01") + np.arange(steps)


@pytest.fixture(autouse=True)
def all_threads():
    yield
    e5.set_num_threads(0)


# --- cells and areas ---


def test_tiles_of_the_globe_add_up_to_it() -> None:
    latitude, longitude = np.linspace(90, -90, 73), np.arange(0, 360, 2.5)
    tiles = {f"{x} {y}": shapely.box(x, y, x + 60, y + 45) for x in range(-180, 180, 60) for y in range(-90, 90, 45)}
    regions = e5.Regions.from_polygons(tiles, latitude, longitude)
    assert regions.areas().sum() == pytest.approx(SPHERE, rel=1e-13)
    assert regions.areas()[:4] == pytest.approx(regions.areas()[4:8], rel=1e-12)


def test_area_is_that_on_the_sphere() -> None:
    shapes = [circle(3, 47, 5.3), circle(-9, 52, 4.1).difference(circle(-9, 52, 2)), circle(0, 40, 1e-2)]
    regions = e5.Regions.from_polygons(shapes, LATITUDE, LONGITUDE)
    geod = Geod(a=6371.0, b=6371.0)  # great circles between points so close that edges are straight on the map
    wanted = [abs(geod.geometry_area_perimeter(shapely.segmentize(shape, 0.005))[0]) for shape in shapes]
    assert regions.areas() == pytest.approx(wanted, rel=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.floats(-175, 175), st.floats(-60, 60), st.floats(0.1, 20))
def test_convention_of_longitude_does_not_matter(x: float, y: float, radius: float) -> None:
    shape, latitude = circle(x, y, radius), np.linspace(90, -90, 37)
    east = e5.Regions.from_polygons(shape, latitude, np.arange(0, 360, 5.0))
    west = e5.Regions.from_polygons(shape, latitude, np.arange(-180, 180, 5.0))
    assert east.mask(0) == pytest.approx(np.roll(west.mask(0), -36, axis=1), abs=1e-9)
    assert east.mask(0).max() <= 1 + 1e-12


def test_region_across_the_date_line() -> None:
    latitude, longitude = np.arange(-10, -30.1, -1.0), np.arange(0.0, 360)
    beyond = circle(179, -20, 5)
    parts = shapely.union(
        shapely.intersection(beyond, shapely.box(170, -30, 180, -10)),
        shapely.transform(
            shapely.intersection(beyond, shapely.box(180, -30, 190, -10)), lambda xy: xy - np.array([360.0, 0.0])
        ),
    )
    one, two = (e5.Regions.from_polygons({"Fiji": shape}, latitude, longitude) for shape in (beyond, parts))
    assert one.mask("Fiji") == pytest.approx(two.mask("Fiji"), abs=1e-9)
    assert set(one.cell % 360) == set(range(174, 185))


# --- numbers ---


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
def test_numbers_are_those_of_the_slow_twin(statistic: str, dtype: str) -> None:
    values, time = field(dtype=dtype)
    shapes = {"north": circle(3, 53, 6), "south": circle(-4, 39, 7)}
    regions = e5.Regions.from_polygons(shapes, LATITUDE, LONGITUDE)
    threshold = 18.1 if statistic.startswith("share") else None
    arguments = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE, "threshold": threshold}
    e5.set_num_threads(1)
    found = e5.regional(values, regions, statistic, **arguments)
    for step, r in np.ndindex(found.shape):
        chosen = slice(regions.first[r], regions.first[r + 1])
        rounded = None if threshold is None else values.dtype.type(threshold)
        wanted = slow(values[step].astype("f8").ravel().tolist(), regions.cell[chosen].tolist(),
                      regions.weight[chosen].tolist(), statistic, rounded)  # fmt: skip
        assert found[step, r] == wanted
    e5.set_num_threads(4)
    assert np.array_equal(found, e5.regional(values, regions, statistic, **arguments))
    turned = np.asfortranarray(values)
    assert np.array_equal(found, e5.regional(turned, regions, statistic, **arguments))


def test_what_lies_outside_the_grid_belongs_to_the_region() -> None:
    values, time = field(2)
    arguments = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    edge = LONGITUDE[-1] + 1
    shapes = {"within": circle(0, 45, 5), "over": shapely.box(edge - 1, 40, edge + 3, 44)}
    regions = e5.Regions.from_polygons(shapes, LATITUDE, LONGITUDE)
    assert regions.beyond[0] == 0
    assert regions.beyond[1] == pytest.approx(3 * regions.areas()[1], rel=1e-9)
    found = e5.regional(values, regions, **arguments)
    assert np.isnan(found).tolist() == [[False, True]] * 2
    low = e5.regional(values, regions, min_share=0.1, **arguments)
    chosen = slice(*regions.first[1:3])
    for share, result in ((0.5, found), (0.1, low)):
        wanted = slow(values[0].astype("f8").ravel().tolist(), regions.cell[chosen].tolist(),
                      regions.weight[chosen].tolist(), "mean", None, share, regions.beyond[1])  # fmt: skip
        assert result[0, 1] == pytest.approx(wanted, rel=0, abs=0, nan_ok=True)
    assert not np.isnan(low).any()


def test_missing_values_may_hide_a_region() -> None:
    values, time = field(1)
    values[0, :, :10] = np.nan
    box = shapely.box(-21, 29.25, 21, 60.75)
    arguments = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    assert np.isnan(e5.regional(values, box, min_share=0.6, **arguments))
    assert not np.isnan(e5.regional(values, box, min_share=0.4, **arguments))


def test_dataarray_comes_back_with_names_and_attributes(tmp_path) -> None:
    values, time = field()
    data = xr.DataArray(
        values[:, ::-1],
        coords={"time": time, "lat": LATITUDE[::-1], "lon": LONGITUDE},
        dims=("time", "lat", "lon"),
        name="t2m",
        attrs={"units": "K", "long_name": "2 metre temperature"},
    )
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": shapely.geometry.mapping(shape)}
        for name, shape in {"Iberia": circle(-4, 40, 4), "Alps": circle(10, 46, 3)}.items()
    ]
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = e5.regional(data, path)
    assert found.dims == ("time", "region")
    assert found.region.values.tolist() == ["Iberia", "Alps"]
    assert found.attrs["units"] == "K"
    assert found.attrs["cell_methods"] == "area: mean"
    plain = e5.regional(values, path, time=time, latitude=LATITUDE, longitude=LONGITUDE)
    assert found.values == pytest.approx(plain, rel=1e-12)
    assert e5.regional(data, path, "sum").attrs["units"] == "K km2"


def test_threshold_is_a_number_or_text_with_units() -> None:
    values, time = field()
    coords = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    data = xr.DataArray(values, coords, ("time", "latitude", "longitude"), attrs={"units": "degC"}, name="t2m")
    box = shapely.box(LONGITUDE.min() + 1, LATITUDE.min() + 1, LONGITUDE.max() - 1, LATITUDE.max() - 1)
    wanted = e5.regional(data, box, "share_above", threshold=18.1)
    assert 0 < wanted.mean() < 1
    assert e5.regional(data, box, "share_above", threshold="291.25 K").equals(wanted)
    assert e5.regional(data.to_dataset(), box, "share_above", threshold=18.1).equals(wanted)
    for wrong in ([], [[18.1]], ["18.1"], "18.1", "18.1 m"):
        with pytest.raises(InputError, match="threshold"):
            e5.regional(data, box, "share_above", threshold=wrong)
    with pytest.raises(InputError, match="no units"):
        e5.regional(values, box, "share_above", threshold="18.1 degC", **coords)


@pytest.mark.parametrize("way", ["memory", "files", "dask"])
def test_lists_are_computed_in_one_read(tmp_path, way: str) -> None:
    values, time = field(20)
    coords = {"time": time.astype("datetime64[ns]"), "latitude": LATITUDE, "longitude": LONGITUDE}
    data = xr.DataArray(values, coords, ("time", "latitude", "longitude"), attrs={"units": "degC"}, name="t2m")
    shapes = {"north": circle(3, 53, 6), "south": circle(-4, 39, 7)}
    data.to_netcdf(tmp_path / "x.nc")
    given = {"memory": data, "files": tmp_path / "x.nc", "dask": data.chunk(time=7)}[way]
    limits = [10, "15 degC", "291.25 K"]
    found = e5.regional(given, shapes, ["share_above", "share_below"], threshold=limits, min_share=[0, 0.9])
    assert found.dims == ("statistic", "threshold", "min_share", "time", "region")
    assert found.attrs["units"] == "1"
    assert found.threshold.values.tolist() == pytest.approx([10, 15, 18.1])
    assert found.threshold.attrs["units"] == "degC"
    for i, j, k in np.ndindex(2, 3, 2):
        one = e5.regional(given, shapes, found.statistic.values[i], threshold=limits[j], min_share=[0, 0.9][k])
        np.testing.assert_array_equal(found[i, j, k], one)
    means = e5.regional(given, shapes, ["mean", "max"])
    np.testing.assert_array_equal(means.sel(statistic="max"), e5.regional(given, shapes, "max"))
    assert means.attrs["units"] == "degC"


def test_labels_of_lists_can_be_selected(tmp_path) -> None:
    values, time = field()
    coords = {"time": time.astype("datetime64[ns]"), "latitude": LATITUDE, "longitude": LONGITUDE}
    attrs = {"units": "degC", "cell_methods": "time: mean"}
    data = xr.DataArray(values, coords, ("time", "latitude", "longitude"), attrs=attrs, name="t2m")
    shape = circle(3, 47, 9)
    texts = e5.regional(data, shape, "share_above", threshold=["10 degC", "291.25 K"])
    assert texts.sel(threshold="291.25 K").size == len(time)
    assert "units" not in texts.threshold.attrs
    mixed = e5.regional(data, shape, "share_above", threshold=("283.15 K", 18.1))
    assert mixed.sel(threshold=18.1).values.tolist() == texts[1].values.tolist()
    numbers = e5.regional(data, shape, "share_above", threshold=np.array([10, 18]), min_share=np.array([0.5, 0.75]))
    assert "threshold=[10, 18], min_share=[0.5, 0.75]" in numbers.attrs["history"]
    assert numbers.threshold.attrs["units"] == "degC"
    numbers.to_netcdf(tmp_path / "x.nc")
    assert e5.regional(data, shape, ["mean"]).attrs["cell_methods"] == "time: mean area: mean"
    assert e5.regional(data, shape, ["mean", "max"]).attrs["cell_methods"] == "time: mean"


@pytest.mark.parametrize(
    "wrong",
    [
        {"statistic": ["mean", "mean"]},
        {"min_share": [0.1, 0.1]},
        {"statistic": "share_above", "threshold": [1, 1.0]},
        {"statistic": "share_above", "threshold": ["18 degC", 18]},
    ],
)
def test_labels_given_twice_are_refused(wrong) -> None:
    values, time = field()
    coords = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    data = xr.DataArray(values, coords, ("time", "latitude", "longitude"), attrs={"units": "degC"})
    with pytest.raises(InputError, match="twice"):
        e5.regional(data, circle(0, 45, 3), **wrong)
    for statistic in ("mean", "share_above"):
        with pytest.raises(InputError, match="threshold"):
            e5.regional(data, circle(0, 45, 3), statistic, threshold=[None])


def test_lists_of_plain_arrays_have_a_dimension_each() -> None:
    values, time = field()
    axes = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    found = e5.regional(values, circle(0, 45, 3), "share_above", threshold=[10, 20], **axes)
    assert found.shape == (2, len(time), 1)
    assert e5.regional(values, circle(0, 45, 3), ["mean"], **axes).shape == (1, len(time), 1)


def test_files_give_what_memory_gives(tmp_path) -> None:
    values, time = field(40, 3)
    data = xr.Dataset(
        {"t2m": (("valid_time", "latitude", "longitude"), values, {"units": "K"})},
        {"valid_time": time.astype("M8[ns]"), "latitude": LATITUDE, "longitude": LONGITUDE},
    )
    data.to_netcdf(tmp_path / "t.nc", encoding={"t2m": {"zlib": True, "chunksizes": (7, 10, 9)}})
    shape = {"here": circle(3, 47, 9)}
    wanted = e5.regional(values, shape, time=time, latitude=LATITUDE, longitude=LONGITUDE)
    assert np.array_equal(e5.regional(tmp_path / "t.nc", shape).values, wanted)


# --- forms of polygons, and what is refused ---


def test_geopandas_frames_are_brought_to_degrees() -> None:
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.GeoDataFrame({"ADMIN": ["A", "B"]}, geometry=[circle(2, 48, 3), circle(9, 44, 2)], crs=4326)
    plain = e5.Regions.from_polygons(frame, LATITUDE, LONGITUDE)
    projected = e5.Regions.from_polygons(frame.to_crs(3035), LATITUDE, LONGITUDE)
    assert plain.names == projected.names == ("A", "B")
    assert projected.areas() == pytest.approx(plain.areas(), rel=1e-6)
    with pytest.raises(InputError, match="no column is called 'NAME_LOCAL'"):
        e5.Regions.from_polygons(frame, LATITUDE, LONGITUDE, names="NAME_LOCAL")


@pytest.mark.parametrize(
    ("polygons", "words"),
    [
        (shapely.Point(1, 2), "no polygon but Point"),
        (shapely.Polygon(), "empty"),
        (shapely.Polygon([(0, 40), (5, 45), (5, 40), (0, 45)]), "invalid: Self-intersection"),
        (circle(100, 50, 3), "outside the grid"),
        ([], "no region"),
        (3, "cannot make regions of int"),
    ],
)
def test_what_is_no_region_is_refused(polygons, words: str) -> None:
    with pytest.raises(InputError, match=words):
        e5.Regions.from_polygons(polygons, LATITUDE, LONGITUDE)


@pytest.mark.parametrize("name", ["nowhere.geojson", "nowhere.shp"])
def test_a_file_of_polygons_that_is_not_there(name: str) -> None:
    with pytest.raises(MissingFileError, match=f"cannot read {name}: No such file") as told:
        e5.Regions.from_polygons(name, LATITUDE, LONGITUDE)
    assert told.value.errno == 2
    assert str(told.value).endswith("Check the name")


def test_two_regions_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="two regions are called A"):
        e5.Regions.from_polygons([circle(0, 40, 2), circle(5, 40, 2)], LATITUDE, LONGITUDE, names=["A", "A"])


def test_wrong_arguments_are_refused() -> None:
    values, time = field()
    arguments = {"time": time, "latitude": LATITUDE, "longitude": LONGITUDE}
    regions = e5.Regions.from_polygons(circle(0, 45, 3), LATITUDE[::-1], LONGITUDE)
    with pytest.raises(InputError, match="another grid"):
        e5.regional(values, regions, **arguments)
    with pytest.raises(InputError, match="must be one of"):
        e5.regional(values, circle(0, 45, 3), "median", **arguments)
    with pytest.raises(InputError, match="threshold goes with"):
        e5.regional(values, circle(0, 45, 3), "share_above", **arguments)
    for statistics in (["mean", "sum"], ["share_above", "max"]):
        with pytest.raises(InputError, match="have different units"):
            e5.regional(values, circle(0, 45, 3), statistics, threshold=1, **arguments)
    for name in ("statistic", "threshold", "min_share"):
        with pytest.raises(InputError, match=f"{name} is an empty list"):
            e5.regional(values, circle(0, 45, 3), **{name: []}, **arguments)
    with pytest.raises(InputError, match="min_share is 2"):
        e5.regional(values, circle(0, 45, 3), min_share=[0.5, 2], **arguments)
    with pytest.raises(InputError, match="no region is called 'C'"):
        regions.mask("C")
